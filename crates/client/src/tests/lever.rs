//! Leverage as rows: what stands there, which actions that is.

use alloy_primitives::U256;
use capstan_contracts::{
    account::Verb,
    exchange::IExchange::{Bounds, Leg},
};

use crate::{
    Batch, There, Way, lever, owed_with_growth, refinance_collateral, refinance_debt, unlever,
};

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

    // All of a debt, with what it grows by; what the tolerance left stays as units.
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

    // What the account holds of the debt's asset is not bought, and pays as well.
    let (mut long, mut usdc) = (there(ETH, 5, 0, 0), there(USDC, 1_000, 0, 20_000));
    let mut batch = Batch::default();
    unlever(&mut batch, &mut long, &mut usdc, &part, false);
    let mut expected = Batch::default();
    expected.swap(&part);
    expected.act(Verb::Repay, USDC, n(6_000));
    assert_eq!(batch, expected);
    assert_eq!((usdc.units, usdc.owed), (n(0), n(14_000)));
}

const USD: u32 = 5;

/// CLI-5
#[test]
fn a_debt_becomes_one_of_another_asset() {
    for (is_whole, is_minted) in [(true, false), (false, false), (true, true)] {
        let (mut old, mut new) = (there(USDC, 7, 0, 5_000), there(USD, 0, 0, 100));
        let bought = if is_whole { 5_001 } else { 3_000 };
        let way = way(USD, 5_030, USDC, bought, true);
        let mut batch = Batch::default();
        refinance_debt(&mut batch, &mut old, &mut new, &way, is_whole, is_minted);
        let mut expected = Batch::default();
        if is_minted {
            expected.mint(n(5_030));
        } else {
            expected.act(Verb::Borrow, USD, n(5_030));
        }
        expected.swap(&way);
        let repaid = if is_whole { U256::MAX } else { n(3_000) };
        expected.act(Verb::Repay, USDC, repaid);
        assert_eq!(batch, expected);
        let left = if is_whole { (8, 0) } else { (7, 2_000) };
        assert_eq!((old.units, old.owed), (n(left.0), n(left.1)));
        assert_eq!(new.owed, n(5_130));
    }
}

/// CLI-5
#[test]
fn a_collateral_becomes_another_where_it_stood() {
    let swapped = |old: There, new: There, amount: u64, is_whole: bool| {
        let way = way(ETH, amount, USDC, amount * 1_990, false);
        let (mut batch, mut old, mut new) = (Batch::default(), old, new);
        refinance_collateral(&mut batch, &mut old, &mut new, &way, is_whole);
        (batch, way, old, new)
    };
    // Lent before, lent afterwards, with the units that stood there.
    let (batch, way, old, new) = swapped(there(ETH, 1, 4, 0), there(USDC, 9, 0, 0), 3, false);
    let mut expected = Batch::default();
    expected.act(Verb::Redeem, ETH, n(2));
    expected.swap(&way);
    expected.act(Verb::Supply, USDC, U256::MAX);
    assert_eq!(batch, expected);
    assert_eq!((old.units, old.supplied), (n(0), n(2)));
    assert_eq!((new.units, new.supplied), (n(0), n(5_979)));
    // All of it: also what the market adds until the block.
    let (batch, way, old, _) = swapped(there(ETH, 1, 4, 0), there(USDC, 0, 0, 0), 5, true);
    let mut expected = Batch::default();
    expected.act(Verb::Redeem, ETH, U256::MAX);
    expected.swap(&way);
    expected.act(Verb::Supply, USDC, U256::MAX);
    assert_eq!(batch, expected);
    assert_eq!((old.units, old.supplied), (n(0), n(0)));
    // Free units become free units.
    let (batch, way, _, new) = swapped(there(ETH, 5, 4, 0), there(USDC, 0, 0, 0), 5, false);
    let mut expected = Batch::default();
    expected.swap(&way);
    assert_eq!(batch, expected);
    assert_eq!((new.units, new.supplied), (n(9_950), n(0)));
}
