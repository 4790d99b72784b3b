//! Orders of owners who limit themselves.

use super::*;
use crate::{
    account::{
        IAccount::{
            AccountCoolingOff, AccountLimitReached, DayOfLoss, OwnLimits, dayOfCall, setLimitsCall,
        },
        Verb,
    },
    testkit::accounts::{action, redeem, reference},
};

/// Ten ETH at 2,000 dollars with 10,000 owed, a stop-loss that pays nothing back, and an owner who allows himself so
/// much; ETH falls to 1,800, and the pool with it.
fn fallen(limits: OwnLimits) -> (Scene, u64) {
    let mut scene = start();
    scene.alice_borrows(10_000);
    let limit = setLimitsCall { index: 0, limits };
    scene.world.ok(ALICE, ACCOUNT, &limit);
    let stop = stop_at(&mut scene, 1_850 * USD);
    let id = create(&mut scene, &stop);
    swap(&mut scene, ETH, 540 * ONE, USDC);
    scene.prices(&[(ETH, 1_800 * USD)]);
    (scene, id)
}

/// The sale that the order makes, by hand: refused for this reason.
#[track_caller]
fn refused_by_hand<E: SolError>(scene: &mut Scene) -> E {
    let leg = IExchange::Leg {
        poolId: 0,
        assetIn: ETH,
        assetOut: USDC,
        exactOut: false,
        amount: n(10 * ONE),
    };
    let bounds = IExchange::Bounds {
        assetIn: ETH,
        paidMax: n(10 * ONE),
        assetOut: USDC,
        receivedMin: U256::ZERO,
    };
    let sale = (vec![leg], bounds, u64::MAX).abi_encode();
    let batch = [redeem(ETH, 10 * ONE), action(Verb::Swap, sale)];
    scene.refused_as(ALICE, ALICES, &batch)
}

/// TRIG-9: limits that an owner set himself restrain what he does in a bad hour, and hold up no order that he gave
/// before. It can only lower what is at stake: it owes no more, and what it costs counts as a loss of his day.
#[test]
fn trig_9_own_limits_hold_up_no_order() {
    type Refusal = fn(&mut Scene);
    let cases: [(OwnLimits, Refusal); 2] = [
        (
            OwnLimits {
                leverageMaxBps: 20_500,
                dailyLossMaxUsd: 0,
                coolingOffS: 0,
            },
            |scene| {
                let refused: AccountLimitReached = refused_by_hand(scene);
                assert!(refused.leverageBps > n(22_500), "{refused:?}");
            },
        ),
        (
            OwnLimits {
                leverageMaxBps: 0,
                dailyLossMaxUsd: 1_000,
                coolingOffS: 3_600,
            },
            |scene| {
                let _: AccountCoolingOff = refused_by_hand(scene);
            },
        ),
    ];
    for (limits, refused) in cases {
        let (mut scene, id) = fallen(limits.clone());
        refused(&mut scene);
        let (before, from) = (scene.report(ALICES), scene.log_count());
        let day = |scene: &Scene| -> DayOfLoss {
            let account = reference(ALICES);
            scene.world.view(ACCOUNT, &dayOfCall { account })
        };
        let lost = day(&scene).loss;
        assert_eq!(look(&mut scene), [id]);
        let fired = &events::<TriggerFired>(&scene, from)[0];
        assert_eq!((fired.sold, fired.repaid), (n(10 * ONE), U256::ZERO));
        assert!(scene.report(ALICES).debt <= before.debt + n(USD / 1_000));
        if limits.dailyLossMaxUsd > 0 {
            let more = (day(&scene).loss - lost).into_raw();
            let cost = n(18_000 * USD) - fired.received * n(USD / ONE);
            println!("the sale cost {cost}, and the day lost {more} more");
            assert!(more.abs_diff(cost) < n(USD), "{more} {cost}");
            assert!(day(&scene).coolingOff);
        }
    }
}
