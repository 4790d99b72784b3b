//! The prepared world is made, whatever the number of bots, and somebody in it is near his end.

use capstan_chain::{ChainConfig, Genesis, TimeSource};

use super::*;
use crate::node::{dev_genesis, funded};

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
