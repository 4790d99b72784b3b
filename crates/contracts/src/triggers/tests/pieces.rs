//! Orders of accounts that provide to pools.

use super::*;
use crate::{
    account::{
        IAccount::{Action, Piece, PieceTakenApart, piecesOfCall},
        Provision, Trigger, Verb,
    },
    testkit::accounts::{action, reference},
    triggers::{ATTEMPT_GAS, guard},
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

fn provide_to(pool: PoolId, most: [u128; 2]) -> Action {
    let args = Provision {
        poolId: pool.get(),
        amountsMax: most.map(n).to_vec(),
        sharesMin: U256::ZERO,
    };
    action(Verb::Provide, args.abi_encode())
}

/// What a dear attempt takes: an account of four pieces, four assets beside them and two debts, whose order sells in a pair
/// of three pools, repays, and leaves a new guard.
#[test]
fn a_dear_attempt_costs_no_more_than_is_counted_for_it() {
    let mut scene = start();
    scene.world.store.block_mut().base_fee_wei = 0;
    scene.ok(BOB, BOBS, &[deposit(DAI, 50_000_000 * ONE)]);
    let mut made = |curve, fee_pips, amplification, coins: [(u32, u128); 2]| {
        let shape = Shape {
            curve,
            fee_pips,
            amplification,
            assets: coins.map(|(asset, _)| AssetId::new(asset)).to_vec(),
        };
        let amounts = coins.map(|(_, units)| a(units * ONE));
        let made = scene.world.inside(ROOM, ROOM, |cx| {
            exchange::create(cx, BOBS, BOBS, &shape, &amounts)
        });
        made.unwrap_or_else(|halt| panic!("{}", words(&halt))).0
    };
    let pools = [
        made(Curve::Product, 3_000, 0, [(ETH, 1_000), (USDC, 2_000_000)]),
        made(Curve::Product, 10_000, 0, [(ETH, 100), (USDC, 200_000)]),
        made(
            Curve::Stable,
            100,
            100,
            [(USDC, 9_000_000), (DAI, 9_000_000)],
        ),
    ];
    let [second, third, flat] = pools;
    let batch = [
        deposit(ETH, 40 * ONE),
        deposit(USDC, 90_000 * ONE),
        deposit(DAI, 20_000 * ONE),
        provide(&scene, ETH, 5 * ONE, USDC, 10_000 * ONE),
        provide_to(second, [5 * ONE, 10_000 * ONE]),
        provide_to(third, [5 * ONE, 10_000 * ONE]),
        provide_to(flat, [10_000 * ONE; 2]),
        supply(ETH, 5 * ONE),
        supply(DAI, 5_000 * ONE),
        borrow(RISKY, 100 * ONE),
        borrow(USDC, 80_000 * ONE),
        withdraw(USDC, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    assert_eq!(pieces(&scene).len(), 4);
    let order = deleverage(&mut scene, 12_000, 13_500);
    create(&mut scene, &order);
    let (mut fired, mut dearest) = (0, 0);
    for price in (1_200..2_000).rev().step_by(20) {
        swap(&mut scene, ETH, 49 * ONE, USDC);
        let from = scene.log_count();
        scene.prices(&[(ETH, price * USD)]);
        if look(&mut scene).is_empty() {
            continue;
        }
        let used = scene.world.store.gas_used();
        fired += events::<TriggerFired>(&scene, from).len();
        dearest = dearest.max(used);
    }
    println!("a dear attempt: {dearest} gas of {ATTEMPT_GAS}, {fired} that fired");
    assert!(fired > 0);
    assert!(dearest < ATTEMPT_GAS, "{dearest} gas");
}
