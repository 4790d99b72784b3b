//! ACC-21: the day of losses of an account whose owner limits them. Ten ETH stand there, and 5,000 dollars are owed.

use std::sync::{Arc, Mutex};

use super::*;
use crate::{
    account::{
        COOLING_OFF_S_MAX,
        IAccount::DayOfLoss,
        state::{AccountState, Day, Limits},
    },
    invariant::check_all,
    testkit::foreign::{Token, Whim},
};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

fn limits(daily_loss_max_usd: u32, cooling_off_hours: u32) -> setLimitsCall {
    setLimitsCall {
        index: 0,
        limits: OwnLimits {
            leverageMaxBps: 0,
            dailyLossMaxUsd: daily_loss_max_usd,
            coolingOffS: cooling_off_hours * 3_600,
        },
    }
}

/// Alice owes 5,000 dollars against 20,000, and allows herself to lose 1,000 a day, with half a day to cool off.
fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.alice_borrows(5_000);
    scene.world.ok(ALICE, ADDRESS, &limits(1_000, 12));
    scene
}

fn day(scene: &Scene) -> DayOfLoss {
    let account = reference(ALICES);
    scene.world.view(ADDRESS, &dayOfCall { account })
}

/// Whole dollars of a loss, rounded: interest of a few milliseconds is nothing.
fn lost_usd(scene: &Scene) -> i64 {
    let half = alloy_primitives::I256::try_from(USD / 2).expect("small");
    let one = alloy_primitives::I256::try_from(USD).expect("small");
    let loss = day(scene).loss;
    let rounded = if loss.is_negative() {
        loss - half
    } else {
        loss + half
    } / one;
    rounded.try_into().expect("small")
}

fn eth_at(scene: &mut Scene, dollars: u128) {
    scene.prices(&[(ETH, dollars * USD), (USDC, USD)]);
}

#[test]
fn acc_21_a_day_that_lost_too_much_takes_no_new_risk() {
    let mut scene = scene();
    eth_at(&mut scene, 1_910);
    assert_eq!(lost_usd(&scene), 900);
    scene.ok(ALICE, ALICES, &take(USDC, 10 * ONE));

    eth_at(&mut scene, 1_890);
    assert_eq!((lost_usd(&scene), day(&scene).coolingOff), (1_100, true));
    let error: AccountCoolingOff = scene.refused_as(ALICE, ALICES, &take(USDC, 10 * ONE));
    assert_eq!((error.owner, error.index), (ALICE, 0));
    assert_eq!(
        (error.loss, error.lossMax),
        (day(&scene).loss, n(1_000 * USD))
    );
    assert_eq!(error.untilMs, day(&scene).endsMs);
    assert_eq!(
        day(&scene).endsMs,
        day(&scene).beganMs + DAY_MS + 12 * HOUR_MS
    );
    let less = [redeem(ETH, ONE), withdraw(ETH, n(ONE), ALICE)];
    scene.refused_as::<AccountCoolingOff>(ALICE, ALICES, &less);
    let preview = previewCall {
        account: reference(ALICES),
        actions: take(USDC, 10 * ONE).to_vec(),
    };
    scene.world.refused(ALICE, ADDRESS, &preview, &error);

    // Repaying and adding are never refused; each looked at the loss, so it stays seen when prices come back.
    scene.ok(
        ALICE,
        ALICES,
        &[deposit(USDC, 100 * ONE), repay(USDC, 100 * ONE)],
    );
    scene.ok(ALICE, ALICES, &[deposit(ETH, ONE), supply(ETH, ONE)]);
    eth_at(&mut scene, 2_000);
    scene.refused_as::<AccountCoolingOff>(ALICE, ALICES, &take(USDC, 10 * ONE));
    let part = [
        redeem(ETH, ONE),
        deposit(USDC, 1_000 * ONE),
        repay(USDC, 1_000 * ONE),
    ];
    scene.ok(ALICE, ALICES, &part);

    let left_ms = day(&scene).endsMs - scene.world.store.block_mut().time_ms;
    scene.world.wait_ms(left_ms - 1_000);
    eth_at(&mut scene, 2_000);
    scene.refused_as::<AccountCoolingOff>(ALICE, ALICES, &take(USDC, 10 * ONE));
    scene.world.wait_ms(1_000);
    eth_at(&mut scene, 2_000);
    scene.ok(ALICE, ALICES, &take(USDC, 10 * ONE));
    assert_eq!((lost_usd(&scene), day(&scene).coolingOff), (0, false));
}

#[test]
fn acc_21_what_moves_in_and_out_is_neither_profit_nor_loss() {
    let mut scene = scene();
    scene.ok(BOB, BOBS, &[deposit(ETH, ONE)]);
    let check = |scene: &Scene, what: &str| assert_eq!(lost_usd(scene), 0, "{what}");
    let out = [redeem(ETH, 2 * ONE), withdraw(ETH, n(2 * ONE), ALICE)];
    scene.ok(ALICE, ALICES, &out);
    check(&scene, "a withdrawal");
    scene.ok(ALICE, ALICES, &[deposit(ETH, 3 * ONE)]);
    check(&scene, "a deposit");
    scene.ok(ALICE, ALICES, &take(USDC, 1_000 * ONE));
    check(&scene, "a loan");
    let gift = depositToCall {
        account: reference(ALICES),
        assetId: ETH,
        amount: n(ONE),
    };
    scene.world.ok(BOB, ADDRESS, &gift);
    check(&scene, "a payment of somebody else");
    scene.ok(BOB, BOBS, &[other(Verb::Transfer, ETH, n(ONE), ALICES)]);
    check(&scene, "a transfer");
    let second = AccountId::new(ALICE, 1);
    scene.ok(
        ALICE,
        second,
        &[
            other(Verb::TakeDebt, USDC, n(500 * ONE), ALICES),
            deposit(ETH, ONE),
        ],
    );
    check(&scene, "a debt that another account took");
    // What came in hides no loss: 13 ETH fall by 100.
    eth_at(&mut scene, 1_900);
    assert_eq!(lost_usd(&scene), 1_300);
    scene.refused_as::<AccountCoolingOff>(ALICE, ALICES, &take(USDC, 10 * ONE));
}

/// A friend who is no operator pays in while collateral is on offer: that is no profit which would hide a loss.
#[test]
fn acc_21_a_gift_to_an_account_on_offer_hides_no_loss() {
    let mut scene = scene();
    scene.ok(BOB, BOBS, &[deposit(ETH, ONE)]);
    scene.ok(ALICE, ALICES, &take(USDC, 10_000 * ONE));
    eth_at(&mut scene, 1_700);
    assert_eq!(scene.look(), [ALICES]);
    let before = lost_usd(&scene);
    scene.ok(BOB, BOBS, &[other(Verb::Transfer, ETH, n(ONE), ALICES)]);
    assert_eq!(lost_usd(&scene), before, "a transfer");
    let gift = depositToCall {
        account: reference(ALICES),
        assetId: ETH,
        amount: n(ONE),
    };
    scene.world.ok(BOB, ADDRESS, &gift);
    assert_eq!(lost_usd(&scene), before, "a payment");
}

/// A foreign token that is listed as well: whoever pays with it lets its code run. Answers its number.
fn list_foreign(scene: &mut Scene, token: &Token) -> u32 {
    let limit = Listing::new(USD, bps(0, 0)).limit;
    let list = ILedger::listAssetCall {
        token: token.address,
        limit,
    };
    let id = scene.world.ok(OWNER, ledger::ADDRESS, &list);
    scene.value(id, &Listing::new(USD, bps(0, 0)));
    scene.prices(&[(id, USD)]);
    id
}

/// A token's code is the operator of Alice's account. Inside of a payment into it, be it her own or one that foreign code
/// of another batch makes, the token runs a batch there. Whatever that moves is put on the day's mark once, and what may not
/// be moved out inside of a batch may not inside of a payment.
#[test]
fn acc_21_a_batch_inside_a_payment_moves_the_mark_once() {
    const PAYER: Address = account(0x66);
    let check = |what: &str, inside: Action, refused: Option<Halt>, is_called: bool| {
        let mut scene = scene();
        scene.ok(ALICE, ALICES, &[deposit(USDC, 1_000 * ONE)]);
        let token = Token::deploy(&mut scene.world, Whim::Honest);
        let id = list_foreign(&mut scene, &token);
        for who in [ALICE, PAYER] {
            token.give(&mut scene.world, who, 1_000 * ONE);
            token.allow_to(&mut scene.world, who, ADDRESS);
        }
        let eth = scene.tokens[0];
        scene.world.mint(eth, token.address, ONE);
        scene.ok(ALICE, ALICES, &[deposit(id, ONE)]);
        let appoint = setOperatorCall {
            index: 0,
            operator: token.address,
            untilMs: u64::MAX,
        };
        scene.world.ok(ALICE, ADDRESS, &appoint);
        eth_at(&mut scene, 1_910);
        assert_eq!(lost_usd(&scene), 900);

        let batch = executeCall {
            account: reference(ALICES),
            actions: vec![inside],
        };
        let (from, input) = (token.address, Bytes::from(batch.abi_encode()));
        let answers = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&answers);
        token.calls(move |store| {
            let outcome = store.call_simply(from, ADDRESS, input.clone())?;
            let answer = (!outcome.success).then_some(Halt::Revert(outcome.output));
            heard.lock().expect("one thread").push(answer);
            Ok(())
        });
        let pay = depositToCall {
            account: reference(ALICES),
            assetId: id,
            amount: n(ONE),
        };
        if is_called {
            let input = Bytes::from(pay.abi_encode());
            scene.world.store.on_call(PAYER, move |store, _| {
                let paid = store.call_simply(PAYER, ADDRESS, input.clone())?;
                assert!(paid.success, "the payment was refused");
                Ok(Bytes::new())
            });
            let call = ForeignCall {
                target: PAYER,
                input: Bytes::new(),
            };
            scene.ok(BOB, BOBS, &[action(Verb::Call, call.abi_encode())]);
        } else {
            scene.world.ok(ALICE, ADDRESS, &pay);
        }
        let answers = answers.lock().expect("one thread").clone();
        assert_eq!(answers, [refused], "{what}");
        assert_eq!(lost_usd(&scene), 900, "{what}");
        assert!(!day(&scene).coolingOff, "{what}");
        check_all(&scene.world.store).expect("every invariant holds");
    };
    let out = withdraw(USDC, n(500 * ONE), ALICE);
    let refused = Halt::revert(&AccountNotInCallback {
        verb: Verb::Withdraw.number(),
    });
    for is_called in [false, true] {
        check("a deposit", deposit(ETH, ONE / 2), None, is_called);
        let refused = Some(refused.clone());
        check("a withdrawal", out.clone(), refused, is_called);
    }
}

#[test]
fn acc_21_only_what_a_day_lost_counts() {
    let mut scene = scene();
    // A fall that nobody saw and that came back is none.
    eth_at(&mut scene, 1_800);
    scene.refused_as::<AccountCoolingOff>(ALICE, ALICES, &take(USDC, 10 * ONE));
    eth_at(&mut scene, 2_000);
    scene.ok(ALICE, ALICES, &take(USDC, 10 * ONE));
    // Each day begins anew: 800 yesterday and 800 today.
    eth_at(&mut scene, 1_920);
    scene.ok(ALICE, ALICES, &take(USDC, 10 * ONE));
    scene.world.wait_ms(DAY_MS);
    eth_at(&mut scene, 1_920);
    scene.ok(ALICE, ALICES, &take(USDC, 10 * ONE));
    eth_at(&mut scene, 1_840);
    assert_eq!(lost_usd(&scene), 800);
    scene.ok(ALICE, ALICES, &take(USDC, 10 * ONE));
    // A profit is a loss below zero.
    eth_at(&mut scene, 2_000);
    assert_eq!(lost_usd(&scene), -800);
}

#[test]
fn acc_21_without_debt_nothing_is_refused() {
    let mut scene = scene();
    eth_at(&mut scene, 1_500);
    let close = [deposit(USDC, 5_001 * ONE), repay_all(USDC)];
    scene.ok(ALICE, ALICES, &close);
    assert!(day(&scene).coolingOff);
    let out = [redeem(ETH, 10 * ONE - 1), withdraw(ETH, U256::MAX, ALICE)];
    scene.ok(ALICE, ALICES, &out);
}

#[test]
fn acc_21_what_a_liquidation_costs_is_a_loss() {
    let mut scene = scene();
    scene.ok(ALICE, ALICES, &take(USDC, 10_000 * ONE));
    scene.world.ok(ALICE, ADDRESS, &limits(100, 12));
    eth_at(&mut scene, 1_700);
    let before = lost_usd(&scene);
    let look = super::super::encode_accounts(&[ALICES]);
    scene
        .world
        .system(SystemKind::Liquidate, &look)
        .expect("looked at");
    scene.world.wait_ms(super::super::OFFER_MS);
    eth_at(&mut scene, 1_700);
    let bid = super::super::Bid {
        owner: ALICE,
        index: 0,
        debtAssetId: USDC,
        repayMax: n(5_000 * ONE),
        collateralAssetId: ETH,
        takenMin: U256::ZERO,
    };
    scene.ok(
        CAROL,
        CAROLS,
        &[
            redeem(USDC, 6_000 * ONE),
            action(Verb::Bid, bid.abi_encode()),
        ],
    );
    // Five percent of what was sold.
    let cost = lost_usd(&scene) - before;
    assert!((200..=300).contains(&cost), "{cost}");
}

#[test]
fn acc_21_a_price_that_nobody_knows_neither_hides_nor_makes_a_loss() {
    let mut scene = scene();
    let freeze = |scene: &mut Scene, is_frozen: bool| {
        let asset = USDC;
        if is_frozen {
            let call = crate::oracle::IOracle::freezeCall { assetId: asset };
            scene.world.ok(OWNER, crate::oracle::ADDRESS, &call);
        } else {
            let call = crate::oracle::IOracle::unfreezeCall { assetId: asset };
            scene.world.ok(OWNER, crate::oracle::ADDRESS, &call);
        }
    };
    freeze(&mut scene, true);
    scene.ok(ALICE, ALICES, &[deposit(ETH, ONE)]);
    scene.ok(ALICE, ALICES, &[deposit(USDC, ONE), repay(USDC, ONE)]);
    freeze(&mut scene, false);
    assert_eq!(lost_usd(&scene), 0);
    eth_at(&mut scene, 1_900);
    // Marked anew by the first batch that could be measured.
    scene.ok(ALICE, ALICES, &take(USDC, 10 * ONE));
    eth_at(&mut scene, 1_800);
    assert_eq!(lost_usd(&scene), 1_100);
}

/// A fault anywhere undoes a batch of such an account, its day included.
#[test]
fn acc_21_every_fault_undoes_the_day() {
    let mut scene = scene();
    eth_at(&mut scene, 1_950);
    let call = executeCall {
        account: reference(ALICES),
        actions: vec![borrow(USDC, 100 * ONE)],
    };
    crate::testkit::fault::check_every_fault(&scene.world, ALICE, ADDRESS, &call.abi_encode());
    let input = limits(500, 24).abi_encode();
    crate::testkit::fault::check_every_fault(&scene.world, ALICE, ADDRESS, &input);
}

#[test]
fn acc_11_each_limit_tightens_at_once_and_loosens_after_a_day() {
    let mut scene = scene();
    let of = limitsOfCall {
        account: reference(ALICES),
    };
    let wish = |leverage, loss, hours: u32| setLimitsCall {
        index: 0,
        limits: OwnLimits {
            leverageMaxBps: leverage,
            dailyLossMaxUsd: loss,
            coolingOffS: hours * 3_600,
        },
    };
    // Leverage and cooling-off tighten, the loss loosens.
    scene.world.ok(ALICE, ADDRESS, &wish(30_000, 5_000, 24));
    let told = scene.world.view(ADDRESS, &of);
    assert_eq!(told.now, wish(30_000, 1_000, 24).limits);
    assert_eq!(told.next, wish(30_000, 5_000, 24).limits);
    scene.world.wait_ms(NOTICE_MS);
    assert_eq!(
        scene.world.view(ADDRESS, &of).now,
        wish(30_000, 5_000, 24).limits
    );

    let out_of_range = AccountLimitOutOfRange {
        what: "coolingOffS".into(),
        value: U256::from(COOLING_OFF_S_MAX + 1),
        max: U256::from(COOLING_OFF_S_MAX),
    };
    let mut call = wish(0, 1, 0);
    call.limits.coolingOffS = COOLING_OFF_S_MAX + 1;
    scene.world.refused(ALICE, ADDRESS, &call, &out_of_range);
}

/// Whoever cools off cannot talk himself out of it.
#[test]
fn acc_11_a_cooling_off_is_not_shortened() {
    let mut scene = scene();
    scene.world.ok(ALICE, ADDRESS, &limits(1_000, 7 * 24));
    eth_at(&mut scene, 1_800);
    let until_ms = day(&scene).endsMs;
    scene.world.ok(ALICE, ADDRESS, &limits(0, 0));
    let of = limitsOfCall {
        account: reference(ALICES),
    };
    assert_eq!(scene.world.view(ADDRESS, &of).fromMs, until_ms);
    scene.world.wait_ms(2 * DAY_MS);
    eth_at(&mut scene, 1_800);
    scene.refused_as::<AccountCoolingOff>(ALICE, ALICES, &take(USDC, 10 * ONE));
    let left_ms = until_ms - scene.world.store.block_mut().time_ms;
    scene.world.wait_ms(left_ms);
    eth_at(&mut scene, 1_800);
    scene.ok(ALICE, ALICES, &take(USDC, 10 * ONE));
    let none = day(&scene);
    assert_eq!((none.endsMs, none.lossMax), (0, U256::ZERO));
}

/// What a state alone can show is code: a limit that loosened too early, and one of losses without a day.
#[test]
fn acc_21_a_limit_without_its_day_is_noticed() {
    let state = AccountState::new();
    let check = |id: &str, damage: fn(&mut Limits, &mut Day)| {
        let mut scene = scene();
        check_all(&scene.world.store).expect("every invariant holds");
        let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
        let mut limits = state.limits.at(ALICES).load(cx).expect("reads");
        let mut day = state.days.at(ALICES).load(cx).expect("reads");
        damage(&mut limits, &mut day);
        state.limits.at(ALICES).save(cx, &limits).expect("writes");
        state.days.at(ALICES).save(cx, &day).expect("writes");
        let broken = check_all(&scene.world.store).expect_err("it is broken");
        assert_eq!(broken.id, id);
    };
    check("ACC-21", |_, day| *day = Day::default());
    check("ACC-21", |_, day| day.begun_s = u32::MAX);
    check("ACC-21", |limits, _| limits.cooling_off_s = u32::MAX);
    check("ACC-11", |limits, _| limits.next_loss_max_usd = 1);
    check("ACC-11", |limits, _| limits.next_cooling_off_s = 86_400);
}
