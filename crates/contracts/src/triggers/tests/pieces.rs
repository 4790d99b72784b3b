//! Orders of accounts that provide to pools.

use super::*;
use crate::{
    account::{
        IAccount::{Action, Piece, PieceTakenApart, piecesOfCall},
        Provision, Trigger, Verb,
    },
    testkit::accounts::{action, reference},
    triggers::guard,
};

/// Liquidity in the pool of a pair with both of its coins.
pub(super) fn provide(scene: &Scene, low: u32, of_low: u128, high: u32, of_high: u128) -> Action {
    let pools = IExchange::poolsOfCall {
        assetA: low,
        assetB: high,
    };
    let args = Provision {
        poolId: scene.world.view(exchange::ADDRESS, &pools)[0],
        amountsMax: vec![n(of_low), n(of_high)],
        sharesMin: U256::ZERO,
    };
    action(Verb::Provide, args.abi_encode())
}

fn pieces(scene: &Scene) -> Vec<Piece> {
    let account = reference(ALICES);
    scene.world.view(ACCOUNT, &piecesOfCall { account })
}

/// TRIG-2: health of an account with liquidity calls its order by every coin of it; the order sells units and leaves the
/// liquidity alone, even when nothing else is left.
#[test]
fn trig_2_health_with_liquidity_calls_by_its_coins() {
    let mut scene = start();
    let batch = [
        deposit(ETH, 10 * ONE),
        deposit(USDC, 10_000 * ONE),
        provide(&scene, ETH, 5 * ONE, USDC, 10_000 * ONE),
        borrow(USDC, 18_000 * ONE),
        withdraw(USDC, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    // 85 % of 20,000 in the pool and of 10,000 outside: 1.416.
    let health = scene.report(ALICES).healthMaintenance;
    assert!(health > n(USD) * n(141) / n(100), "{health}");
    let shares = pieces(&scene)[0].amount;
    let order = deleverage(&mut scene, 12_000, 13_500);
    let id = create(&mut scene, &order);
    let guard = {
        let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
        guard::load(cx, OrderId::new(id)).expect("reads")
    };
    let triggers: Vec<_> = guard.rows.iter().map(|row| row.trigger).collect();
    // Dollars are owed, and half of the liquidity is made of them.
    let [Trigger::Falls(_), Trigger::Leaves(..)] = triggers.as_slice() else {
        panic!("{triggers:?}")
    };
    let (mut fired, mut failed) = (Vec::new(), Vec::new());
    for price in (1_020..2_000).rev().step_by(20) {
        // The pool follows, as others trade in it.
        swap(&mut scene, ETH, 49 * ONE, USDC);
        let from = scene.log_count();
        scene.prices(&[(ETH, price * USD)]);
        let _ = scene.look();
        let _ = look(&mut scene);
        fired.extend(events::<TriggerFired>(&scene, from));
        failed.extend(events::<TriggerFailed>(&scene, from));
        assert_eq!(scene.events::<PieceTakenApart>(from), []);
        let health = scene.report(ALICES).healthMaintenance;
        let floor = n(USD) * n(12) / n(10);
        assert!(health > floor || !failed.is_empty(), "{health} at {price}");
        if !failed.is_empty() {
            break;
        }
    }
    let [first, .., last] = fired.as_slice() else {
        panic!("{fired:?}")
    };
    assert!(first.healthBefore <= n(USD) * n(1_206) / n(1_000));
    assert!(first.healthAfter >= n(USD) * n(135) / n(100), "{first:?}");
    assert!(last.healthAfter > last.healthBefore, "{last:?}");
    assert_eq!(units(&scene, ETH), U256::ZERO);
    let nothing = TriggersNothingToSell { assetId: ETH };
    assert_eq!(failed[0].reason, Bytes::from(nothing.abi_encode()));
    assert_eq!(pieces(&scene)[0].amount, shares);
}
