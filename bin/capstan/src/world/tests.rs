//! The prepared world is made, whatever the number of bots, and somebody in it is near his end.

use capstan_chain::{ChainConfig, Genesis};

use super::*;
use crate::node::{dev_genesis, funded};

fn made(count: u32, machines: u32) -> Result<Chain> {
    let words = crate::accounts::mnemonic(1)?;
    let (mut genesis, signers) = dev_genesis(&words, 20, 10_000)?;
    genesis.native.admin_owner = signers[19].address();
    let bots = bots(1, count)?;
    let cast = cast(1, machines)?;
    let others = cast.iter().flat_map(Cast::addresses);
    for somebody in addresses(&bots).chain(others) {
        genesis.alloc.insert(somebody, funded(10_000));
    }
    let chain = Chain::open(ChainConfig::dev(Genesis {
        chain_id: 31_337,
        ..genesis
    }))?;
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
