//! Leverage as rows: what stands there, which actions that is.

use alloy_primitives::U256;
use capstan_contracts::{
    account::Verb,
    exchange::IExchange::{Bounds, Leg},
};

use crate::{Batch, There, Way, lever, owed_with_growth, unlever};

const ETH: u32 = 1;
const USDC: u32 = 2;

fn n(amount: u64) -> U256 {
    U256::from(amount)
}

fn there(asset_id: u32, units: u64, supplied: u64, owed: u64) -> There {
    There {
        asset_id,
        units: n(units),
        supplied: n(supplied),
        owed: n(owed),
        ..There::default()
    }
}

fn way(from: u32, most: u64, to: u32, least: u64, exact_out: bool) -> Way {
    let leg = Leg {
        poolId: 0,
        assetIn: from,
        assetOut: to,
        exactOut: exact_out,
        amount: if exact_out { n(least) } else { n(most) },
    };
    Way {
        legs: vec![leg],
        bounds: Bounds {
            assetIn: from,
            paidMax: n(most),
            assetOut: to,
            receivedMin: n(least),
        },
        deadline_ms: 7,
    }
}

/// CLI-5
#[test]
fn leverage_becomes_one_batch_and_its_way_back() {
    let (mut usdc, mut eth) = (there(USDC, 0, 0, 0), there(ETH, 3, 10, 0));
    let up = way(USDC, 20_000, ETH, 9, false);
    let mut batch = Batch::default();
    lever(&mut batch, &mut usdc, &mut eth, &up);
    let mut expected = Batch::default();
    expected.act(Verb::Borrow, USDC, n(20_000));
    expected.swap(&up);
    expected.act(Verb::Supply, ETH, U256::MAX);
    assert_eq!(batch, expected);
    assert_eq!(
        (eth.units, eth.supplied, usdc.owed),
        (n(0), n(22), n(20_000))
    );

    // All of a debt, with what it grows by; what the tolerance left goes back to the market.
    assert_eq!(owed_with_growth(n(20_000)), n(20_003));
    assert_eq!(owed_with_growth(n(0)), n(0));
    let down = way(ETH, 12, USDC, 20_003, true);
    let mut batch = Batch::default();
    let mut long = there(ETH, 2, 22, 0);
    unlever(&mut batch, &mut long, &mut usdc, &down, true);
    let mut expected = Batch::default();
    expected.act(Verb::Redeem, ETH, n(10));
    expected.swap(&down);
    expected.act(Verb::Repay, USDC, U256::MAX);
    expected.act(Verb::Supply, ETH, U256::MAX);
    assert_eq!(batch, expected);
    assert_eq!((long.supplied, usdc.owed), (n(12), n(0)));

    // From free units alone nothing touches the market, and a part is just that.
    let part = way(ETH, 2, USDC, 5_000, true);
    let (mut long, mut usdc) = (there(ETH, 5, 0, 0), there(USDC, 0, 0, 20_000));
    let mut batch = Batch::default();
    unlever(&mut batch, &mut long, &mut usdc, &part, false);
    let mut expected = Batch::default();
    expected.swap(&part);
    expected.act(Verb::Repay, USDC, n(5_000));
    assert_eq!(batch, expected);
    assert_eq!((long.units, usdc.owed), (n(3), n(15_000)));
}
