//! The prepared world is made, whatever the number of bots, and somebody in it is near his end.

use capstan_chain::{ChainConfig, Genesis, TimeSource};
use capstan_compute::{money::PerMillion, tab::units_up};
use capstan_contracts::jobs::LEVEL_ONE;

use super::{
    listed::USDC,
    works::{INPUT_PRICE, LEVEL_MAX, OUTPUT_PRICE},
    *,
};
use crate::{
    compute::{INPUT_MOST, OUTPUT_MOST},
    node::{dev_genesis, funded},
};

fn made(count: u32, machines: u32) -> Result<Chain> {
    made_by(TimeSource::default(), count, machines)
}

fn made_by(clock: TimeSource, count: u32, machines: u32) -> Result<Chain> {
    let words = crate::accounts::mnemonic(1)?;
    let (mut genesis, signers) = dev_genesis(&words, 20, 10_000)?;
    genesis.native.admin_owner = signers[19].address();
    let bots = bots(1, count)?;
    let cast = cast(1, machines)?;
    let others = cast.iter().flat_map(Cast::addresses);
    for somebody in addresses(&bots).chain(others) {
        genesis.alloc.insert(somebody, funded(10_000));
    }
    let genesis = Genesis {
        chain_id: 31_337,
        ..genesis
    };
    let chain = Chain::open(ChainConfig {
        clock,
        ..ChainConfig::dev(genesis)
    })?;
    let life = Life {
        seed: 1,
        feed: FeedKind::Fixed,
        bots,
        cast,
        folder: None,
    };
    make(&chain, &signers, life)?;
    Ok(chain)
}

/// WORLD-11: whatever demand does to the prices of this world, a gateway that was told of none pays them.
#[test]
fn world_11_prices_of_the_world_stay_below_what_a_gateway_pays_by_itself() -> Result<()> {
    for (price, most) in [(INPUT_PRICE, INPUT_MOST), (OUTPUT_PRICE, OUTPUT_MOST)] {
        let dearest = u128::from(price) * u128::from(LEVEL_MAX) / u128::from(LEVEL_ONE);
        let most: PerMillion = most.parse()?;
        let most = units_up(most.per_million(), ASSETS[USDC].decimals);
        assert!(dearest <= most, "{dearest} > {most}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_tried_is_not_proposed() {
    assert!(words(true).contains("capstan dev cheat"));
    assert!(!words(false).contains("capstan dev cheat") && words(false).ends_with("in 60s\n"));
}

#[test]
fn a_world_stands_with_any_number_of_bots() {
    for (count, machines) in [
        (0, 0),
        (1, 1),
        (4, 0),
        (5, 0),
        (10, 3),
        (20, 3),
        (55, 0),
        (100, 3),
    ] {
        let chain = made(count, machines).unwrap_or_else(|error| panic!("{count} bots: {error:#}"));
        assert!(chain.head().number() > 0);
    }
}

/// On a machine that is fast several blocks fall into one millisecond. On this one all do.
#[test]
fn a_world_stands_where_blocks_take_no_time() -> Result<()> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let now_ms = u64::try_from(now.as_millis())?;
    let chain = made_by(TimeSource::new(move || now_ms), 10, 3)?;
    assert!(chain.head().number() > 0);
    Ok(())
}
