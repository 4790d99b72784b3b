//! Accounts by the ids of their invariants. `tests/liquidation.rs` is about the block's part, `tests/model.rs`
//! predicts random sequences.

mod backstop;
mod border;
mod dearest;
mod debts;
mod farming;
mod isolated;
mod limits;
mod liquidation;
mod model;
mod overdue;
mod pieces;
mod pools;
mod random;
mod redemption;
mod tokens;
mod touches;
mod venues;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolError, SolValue};
use capstan_state::{Halt, NotPreviewable};
use capstan_units::AccountId;

use super::{
    ADDRESS, AssetAmount, CALLER, ForeignCall, IAccount, NOTICE_MS, RAMP_MS_MIN, ROWS_MAX, Verb,
    abi::IAccount::*, params::dollars,
};
use crate::{
    SystemKind,
    erc20::IErc20,
    ledger::{self, ILedger},
    testkit::{
        ALICE, BOB, CAROL, OWNER, account,
        accounts::{Scene, *},
        sign, words,
    },
};

#[test]
fn a_batch_supplies_borrows_repays_and_leaves() {
    let mut scene = Scene::new();
    scene.alice_borrows(8_000);
    let report = scene.report(ALICES);
    // A supply loses up to a unit to rounding.
    assert!(report.collateral <= n(20_000 * USD) && report.collateral >= n(19_999 * USD));
    assert_eq!(report.debt, n(8_000 * USD));
    assert!(report.healthInitial > wad(199) && report.healthInitial <= wad(200));
    assert!(report.healthMaintenance > wad(212) && report.healthMaintenance <= wad(213));
    let eth = scene.holding(ALICES, ETH).expect("collateral");
    assert_eq!(eth.maintenanceBps, 8_500);
    // 8,000 / (10 * 0.85)
    let price = eth.liquidationPrice / n(USD / 100);
    assert!((94_117..=94_118).contains(&u128::try_from(price).expect("small")));

    let before = scene.wallet(ALICE, ETH);
    let batch = [
        deposit(USDC, 8_001 * ONE),
        repay_all(USDC),
        amount(Verb::Redeem, ETH, U256::MAX),
        withdraw(ETH, U256::MAX, ALICE),
        withdraw(USDC, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    assert!(scene.wallet(ALICE, ETH) >= before + 10 * ONE - 1);
    assert_eq!(scene.report(ALICES).debt, U256::ZERO);
    assert_eq!(scene.report(ALICES).healthInitial, U256::MAX);
    assert_eq!(scene.holding(ALICES, ETH), None);
}

#[test]
fn acc_1_a_batch_ends_healthy_or_not_at_all() {
    let mut scene = Scene::new();
    let eth = [deposit(ETH, 10 * ONE)];
    scene.ok(ALICE, ALICES, &eth);
    let error: AccountUnhealthy = scene.refused_as(ALICE, ALICES, &take(USDC, 16_001 * ONE));
    assert_eq!(error.borrowable, n(16_000 * USD));
    assert_eq!(error.debt, n(16_001 * USD));
    scene.ok(ALICE, ALICES, &take(USDC, 16_000 * ONE));
    scene.refused_as::<AccountUnhealthy>(ALICE, ALICES, &[withdraw(ETH, n(1), ALICE)]);
    let away = other(Verb::Transfer, ETH, n(1), AccountId::new(ALICE, 9));
    scene.refused_as::<AccountUnhealthy>(ALICE, ALICES, &[away]);
}

/// Ten-fold leverage would need a pair whose factors allow it; between dollars five-fold is one batch.
#[test]
fn acc_1_leverage_is_one_batch() {
    let mut scene = Scene::new();
    let mut batch = vec![deposit(USDC, 1_000 * ONE)];
    // Borrow first, post it, and be checked at the end only.
    batch.push(borrow(DAI, 4_000 * ONE));
    scene.refused_as::<AccountUnhealthy>(
        ALICE,
        ALICES,
        &[
            deposit(USDC, 1_000 * ONE),
            borrow(DAI, 6_000 * ONE),
            withdraw(DAI, n(6_000 * ONE), ALICE),
        ],
    );
    batch.push(supply(DAI, 4_000 * ONE));
    scene.ok(ALICE, ALICES, &batch);
    let report = scene.report(ALICES);
    // Both count by the factors of their category.
    assert!(report.healthInitial >= wad(114) && report.healthInitial <= wad(116));
}

#[test]
fn acc_2_unknown_and_empty_actions_reset_nothing() {
    let mut scene = Scene::new();
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    let too_much = take(USDC, 16_001 * ONE).to_vec();
    for last in [
        vec![],
        vec![deposit(ETH, 1)],
        vec![supply(ETH, 5), redeem(ETH, 3)],
    ] {
        let mut batch = too_much.clone();
        batch.extend(last);
        scene.refused_as::<AccountUnhealthy>(ALICE, ALICES, &batch);
    }
    let unknown = Action {
        verb: 999,
        args: Bytes::new(),
    };
    let error = AccountUnknownVerb { verb: 999 };
    scene.refused(ALICE, ALICES, &[too_much, vec![unknown]].concat(), &error);
    let mut args = AssetAmount {
        assetId: ETH,
        amount: n(1),
    }
    .abi_encode();
    args.push(0);
    let trailing = action(Verb::Supply, args);
    let error = AccountBadArguments { verb: 3 };
    scene.refused(ALICE, ALICES, &[trailing], &error);
    scene.ok(ALICE, ALICES, &[]);
}

#[test]
fn acc_3_only_the_owner_or_an_operator_acts() {
    let mut scene = Scene::new();
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    let theft = [withdraw(ETH, n(1), BOB)];
    let error = AccountNotAuthorised {
        owner: ALICE,
        index: 0,
        caller: BOB,
    };
    scene.refused(BOB, ALICES, &theft, &error);
    let now_ms = scene.world.store.block_mut().time_ms;
    let appoint = setOperatorCall {
        index: 0,
        operator: BOB,
        untilMs: now_ms + 1_000,
    };
    scene.world.ok(ALICE, ADDRESS, &appoint);
    scene.ok(BOB, ALICES, &[deposit(ETH, ONE), withdraw(ETH, n(1), BOB)]);
    // Another of her accounts is another account.
    let error = AccountNotAuthorised {
        owner: ALICE,
        index: 1,
        caller: BOB,
    };
    scene.refused(BOB, AccountId::new(ALICE, 1), &[], &error);
    scene.world.wait_ms(1_000);
    let error = AccountNotAuthorised {
        owner: ALICE,
        index: 0,
        caller: BOB,
    };
    scene.refused(BOB, ALICES, &theft, &error);
    // Others may add to what stands there, and to nothing else.
    scene.ok(BOB, BOBS, &[deposit(ETH, ONE), deposit(RISKY, ONE)]);
    scene.ok(BOB, BOBS, &[other(Verb::Transfer, ETH, n(ONE), ALICES)]);
    let gift = [other(Verb::Transfer, RISKY, n(1), ALICES)];
    scene.refused(BOB, BOBS, &gift, &error);
    let mine = [other(Verb::TakeDebt, USDC, n(1), ALICES)];
    scene.refused(BOB, BOBS, &mine, &error);
}

/// Foreign code that a batch called.
const HOSTILE: Address = account(0x66);

#[test]
fn acc_4_callbacks_see_nothing_half_done_and_take_nothing() {
    let mut scene = Scene::new();
    scene.alice_borrows(1_000);
    let attempts: Vec<(Bytes, Bytes)> = vec![
        (
            healthOfCall {
                account: reference(ALICES),
            }
            .abi_encode()
            .into(),
            AccountInFlight {}.abi_encode().into(),
        ),
        (
            reportOfCall {
                account: reference(ALICES),
            }
            .abi_encode()
            .into(),
            AccountInFlight {}.abi_encode().into(),
        ),
        (
            setOperatorCall {
                index: 0,
                operator: BOB,
                untilMs: u64::MAX,
            }
            .abi_encode()
            .into(),
            AccountInFlight {}.abi_encode().into(),
        ),
        (
            executeCall {
                account: AccountRef {
                    owner: HOSTILE,
                    index: 0,
                },
                actions: vec![withdraw(ETH, n(1), BOB)],
            }
            .abi_encode()
            .into(),
            AccountNotInCallback { verb: 2 }.abi_encode().into(),
        ),
        (
            executeCall {
                account: reference(ALICES),
                actions: vec![],
            }
            .abi_encode()
            .into(),
            AccountNotAuthorised {
                owner: ALICE,
                index: 0,
                caller: HOSTILE,
            }
            .abi_encode()
            .into(),
        ),
    ];
    let count = attempts.len();
    scene.world.store.on_call(HOSTILE, move |store, request| {
        assert_eq!(request.from, CALLER, "who calls owns nothing");
        for (input, answer) in &attempts {
            let outcome = store.call_simply(HOSTILE, ADDRESS, input.clone())?;
            assert!(!outcome.success);
            assert_eq!(outcome.output, *answer);
        }
        Ok(Bytes::from(vec![u8::try_from(count).expect("small")]))
    });
    let call = ForeignCall {
        target: HOSTILE,
        input: Bytes::new(),
    };
    let results = scene.run(ALICE, ALICES, &[action(Verb::Call, call.abi_encode())]);
    assert_eq!(results, Ok(vec![Bytes::from(vec![5])]));
}

#[test]
fn acc_5_a_preview_is_what_the_batch_does() {
    let scene = Scene::new();
    let batches = [
        vec![
            deposit(ETH, 10 * ONE),
            supply(ETH, 10 * ONE),
            borrow(USDC, 8_000 * ONE),
        ],
        vec![deposit(ETH, 10 * ONE), borrow(USDC, 16_001 * ONE)],
        vec![deposit(RISKY, 7), withdraw(RISKY, U256::MAX, BOB)],
        vec![repay_all(ETH)],
    ];
    for actions in batches {
        let mut scene = scene.clone();
        let before = scene.world.state();
        let preview = scene.world.call(
            BOB,
            ADDRESS,
            &previewCall {
                account: reference(ALICES),
                actions: actions.clone(),
            },
        );
        assert!(scene.world.state() == before, "a preview left traces");
        let now = scene.report(ALICES);
        let done = scene.run(ALICE, ALICES, &actions);
        match preview {
            Ok(preview) => {
                assert_eq!(preview.before, now);
                assert_eq!(Ok(preview.results), done);
                assert_eq!(preview.afterwards, scene.report(ALICES));
                let account = reference(ALICES);
                let pieces = scene.world.view(ADDRESS, &piecesOfCall { account });
                assert_eq!(preview.pieces, pieces);
            }
            Err(halt) => assert_eq!(Err(halt), done),
        }
    }
    let mut scene = scene;
    let call = ForeignCall {
        target: HOSTILE,
        input: Bytes::new(),
    };
    let call = previewCall {
        account: reference(ALICES),
        actions: vec![action(Verb::Call, call.abi_encode())],
    };
    scene
        .world
        .refused(BOB, ADDRESS, &call, &NotPreviewable { target: ADDRESS });
}

#[test]
fn acc_6_a_sheet_has_so_many_rows() {
    let mut scene = Scene::new();
    for _ in scene.tokens.len()..ROWS_MAX {
        scene.list(&Listing::new(USD, bps(0, 0)));
    }
    for asset in 0..u32::try_from(ROWS_MAX).expect("small") {
        scene.ok(ALICE, ALICES, &[deposit(asset, ONE)]);
    }
    scene.list(&Listing::new(USD, bps(0, 0)));
    let extra = u32::try_from(ROWS_MAX).expect("small");
    let error = AccountTooManyAssets {
        owner: ALICE,
        index: 0,
        assetId: extra,
        max: U256::from(ROWS_MAX),
    };
    scene.refused(ALICE, ALICES, &[deposit(extra, ONE)], &error);
    // A row that is empty makes room.
    scene.ok(
        ALICE,
        ALICES,
        &[withdraw(3, U256::MAX, ALICE), deposit(extra, ONE)],
    );
}

#[test]
fn acc_7_wallets_are_not_collateral() {
    let mut scene = Scene::new();
    scene.alice_borrows(8_000);
    let before = scene.report(ALICES);
    let eth = scene.tokens[0];
    let value = n(ONE);
    scene
        .world
        .ok(ALICE, eth, &IErc20::transferCall { to: BOB, value });
    scene.world.ok(
        BOB,
        eth,
        &IErc20::transferCall {
            to: ledger::ADDRESS,
            value,
        },
    );
    scene
        .world
        .ok(BOB, eth, &IErc20::transferCall { to: ADDRESS, value });
    assert_eq!(scene.report(ALICES), before);
}

fn signed(scene: &mut Scene, actions: Vec<Action>, bounds: Bounds) -> executeSignedCall {
    let now_ms = scene.world.store.block_mut().time_ms;
    let mut call = executeSignedCall {
        account: reference(ALICES),
        actions,
        bounds,
        nonce: U256::ZERO,
        deadlineMs: now_ms + 1_000,
        signer: ALICE,
        v: 27,
        r: B256::ZERO,
        s: B256::ZERO,
    };
    let digest = super::signed::digest(&mut scene.world.store.frame(ADDRESS, BOB), &call);
    (call.r, call.s) = sign(digest.expect("hashes"), ALICE);
    call
}

#[test]
fn acc_8_a_signed_batch_runs_once_within_its_bounds() {
    let mut scene = Scene::new();
    let bounds = |health: u128, debt: u128| Bounds {
        minHealth: wad(health),
        maxDebt: n(debt * USD),
    };
    let mut actions = vec![deposit(ETH, 10 * ONE)];
    actions.extend(take(USDC, 8_000 * ONE));
    let call = signed(&mut scene, actions.clone(), bounds(201, 9_000));
    let error = AccountBoundsMissed {
        health: wad(200),
        minHealth: wad(201),
        debt: n(8_000 * USD),
        maxDebt: n(9_000 * USD),
    };
    scene.world.refused(BOB, ADDRESS, &call, &error);
    let call = signed(&mut scene, actions.clone(), bounds(200, 7_999));
    assert!(scene.world.call(BOB, ADDRESS, &call).is_err());
    let call = signed(&mut scene, actions, bounds(200, 8_000));
    // Every signed field counts.
    let invalid = AccountSignatureInvalid { signer: ALICE };
    let mut forged = call.clone();
    forged.actions.pop();
    scene.world.refused(BOB, ADDRESS, &forged, &invalid);
    let mut forged = call.clone();
    forged.bounds.maxDebt += n(1);
    scene.world.refused(BOB, ADDRESS, &forged, &invalid);
    let mut forged = call.clone();
    forged.deadlineMs += 1;
    scene.world.refused(BOB, ADDRESS, &forged, &invalid);
    let mut forged = call.clone();
    forged.account.index = 1;
    scene.world.refused(BOB, ADDRESS, &forged, &invalid);
    let mut forged = call.clone();
    forged.signer = BOB;
    scene.world.refused(
        BOB,
        ADDRESS,
        &forged,
        &AccountSignatureInvalid { signer: BOB },
    );
    // The same for another contract, and on another chain.
    for (contract, chain_id) in [(HOSTILE, 31_337), (ADDRESS, 1)] {
        let mut there = scene.world.clone();
        there.store.block_mut().chain_id = chain_id;
        let mut forged = call.clone();
        let digest = super::signed::digest(&mut there.store.frame(contract, BOB), &forged);
        (forged.r, forged.s) = sign(digest.expect("hashes"), ALICE);
        scene.world.refused(BOB, ADDRESS, &forged, &invalid);
    }

    let mut late = scene.clone();
    late.world.wait_ms(1_001);
    let now_ms = late.world.store.block_mut().time_ms;
    let error = AccountSignatureExpired {
        deadlineMs: call.deadlineMs,
        nowMs: now_ms,
    };
    late.world.refused(BOB, ADDRESS, &call, &error);

    let before = scene.wallet(ALICE, ETH);
    scene.world.ok(BOB, ADDRESS, &call);
    assert_eq!(
        scene.wallet(ALICE, ETH),
        before - 10 * ONE,
        "the signer's wallet pays"
    );
    let error = AccountNonceUsed {
        nonce: U256::ZERO,
        next: n(1),
    };
    scene.world.refused(BOB, ADDRESS, &call, &error);
}

#[test]
fn acc_9_no_debt_is_too_small_to_liquidate() {
    let mut scene = Scene::new();
    scene.ok(ALICE, ALICES, &[deposit(ETH, ONE)]);
    let error = AccountDebtTooSmall {
        assetId: USDC,
        value: n(9 * USD),
        min: dollars(10).to_u256(),
    };
    scene.refused(ALICE, ALICES, &[borrow(USDC, 9 * ONE)], &error);
    scene.ok(ALICE, ALICES, &[borrow(USDC, 10 * ONE)]);
    let error = AccountDebtTooSmall {
        assetId: USDC,
        value: n(9 * USD),
        min: dollars(10).to_u256(),
    };
    scene.refused(ALICE, ALICES, &[repay(USDC, ONE)], &error);
    scene.ok(ALICE, ALICES, &[repay_all(USDC)]);
    let error = AccountNothingOwed { assetId: USDC };
    scene.refused(ALICE, ALICES, &[repay_all(USDC)], &error);
}

#[test]
fn acc_10_others_debts_are_taken_not_given() {
    let mut scene = Scene::new();
    scene.alice_borrows(8_000);
    scene.ok(BOB, BOBS, &[deposit(ETH, 10 * ONE)]);
    let appoint = setOperatorCall {
        index: 0,
        operator: BOB,
        untilMs: u64::MAX,
    };
    scene.world.ok(ALICE, ADDRESS, &appoint);
    let healthy = scene.report(ALICES).healthInitial;
    scene.ok(
        BOB,
        BOBS,
        &[other(Verb::TakeDebt, USDC, n(3_000 * ONE), ALICES)],
    );
    assert!(scene.report(ALICES).healthInitial > healthy);
    let owed = scene.report(ALICES).debt + scene.report(BOBS).debt;
    assert!(owed >= n(8_000 * USD) && owed <= n(8_000 * USD) + n(2 * USD / ONE));
    // A whole position changes hands and is checked with its new owner.
    scene.ok(BOB, BOBS, &[other(Verb::TakeOver, 0, U256::ZERO, ALICES)]);
    assert_eq!(scene.report(ALICES).debt, U256::ZERO);
    assert_eq!(scene.report(ALICES).collateral, U256::ZERO);
    assert!(scene.report(BOBS).collateral >= n(39_999 * USD));
    let error = AccountSameAccount {
        owner: BOB,
        index: 0,
    };
    scene.refused(
        BOB,
        BOBS,
        &[other(Verb::TakeOver, 0, U256::ZERO, BOBS)],
        &error,
    );
}

#[test]
fn acc_11_own_limits_bind_at_once_and_loosen_after_a_day() {
    let mut scene = Scene::new();
    let limit = |bps: u32| setLimitsCall {
        index: 0,
        limits: OwnLimits {
            leverageMaxBps: bps,
            dailyLossMaxUsd: 0,
            coolingOffS: 0,
        },
    };
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    scene.world.ok(ALICE, ADDRESS, &limit(15_000));
    // 20,000 / 13,333 is one and a half.
    let error: AccountLimitReached = scene.refused_as(ALICE, ALICES, &take(USDC, 6_667 * ONE));
    assert_eq!(error.maxBps, 15_000);
    scene.ok(ALICE, ALICES, &take(USDC, 6_666 * ONE));
    scene.world.ok(ALICE, ADDRESS, &limit(0));
    scene.refused_as::<AccountLimitReached>(ALICE, ALICES, &take(USDC, 10 * ONE));
    scene.world.wait_ms(NOTICE_MS);
    scene.prices(&[(ETH, 2_000 * USD), (USDC, USD)]);
    scene.ok(ALICE, ALICES, &take(USDC, 10 * ONE));
}

#[test]
fn categories_count_where_all_debts_share_one() {
    let mut scene = Scene::new();
    scene.ok(
        ALICE,
        ALICES,
        &[deposit(USDC, 1_000 * ONE), deposit(ETH, ONE)],
    );
    scene.ok(
        ALICE,
        ALICES,
        &[borrow(DAI, 900 * ONE), withdraw(DAI, U256::MAX, ALICE)],
    );
    let usdc = scene.holding(ALICES, USDC).expect("held");
    assert_eq!(usdc.maintenanceBps, 9_400);
    assert_eq!(
        scene.holding(ALICES, ETH).expect("held").maintenanceBps,
        8_500
    );
    scene.ok(ALICE, ALICES, &[borrow(RISKY, ONE)]);
    assert_eq!(
        scene.holding(ALICES, USDC).expect("held").maintenanceBps,
        9_000
    );
}

#[test]
fn an_isolated_asset_counts_alone_or_not_at_all() {
    let mut scene = Scene::new();
    scene.ok(ALICE, ALICES, &[deposit(ALONE, 1_000 * ONE)]);
    assert_eq!(scene.report(ALICES).borrowable, n(5_000 * USD));
    // More collateral never counts less.
    scene.ok(ALICE, ALICES, &[deposit(ETH, ONE)]);
    assert_eq!(scene.report(ALICES).borrowable, n(5_000 * USD));
    scene.ok(ALICE, ALICES, &[deposit(ETH, 4 * ONE)]);
    assert_eq!(scene.report(ALICES).borrowable, n(8_000 * USD));
}

#[test]
fn deposits_stop_at_their_cap() {
    let mut scene = Scene::new();
    let claims = scene.world.ok(
        BOB,
        ledger::ADDRESS,
        &ILedger::claimsOfCall { assetId: ETH },
    );
    let collateral = Collateral {
        depositCap: claims + n(ONE),
        ..bps(8_000, 8_500)
    };
    let call = setCollateralCall {
        assetId: ETH,
        collateral,
        rampMs: 0,
    };
    scene.world.ok(OWNER, ADDRESS, &call);
    scene.ok(ALICE, ALICES, &[deposit(ETH, ONE)]);
    let error = AccountDepositCap {
        assetId: ETH,
        claims: claims + n(ONE + 1),
        cap: claims + n(ONE),
    };
    scene.refused(ALICE, ALICES, &[deposit(ETH, 1)], &error);
}

#[test]
fn factors_move_after_a_day_along_a_line() {
    let mut scene = Scene::new();
    let set = |initial, maintenance, ramp_ms| setCollateralCall {
        assetId: ETH,
        collateral: bps(initial, maintenance),
        rampMs: ramp_ms,
    };
    let short = AccountRampTooShort {
        rampMs: 1,
        minMs: RAMP_MS_MIN,
    };
    scene
        .world
        .refused(OWNER, ADDRESS, &set(7_000, 7_500, 1), &short);
    scene
        .world
        .ok(OWNER, ADDRESS, &set(7_000, 7_500, RAMP_MS_MIN));
    let now = |scene: &Scene| {
        let answer = scene
            .world
            .view(ADDRESS, &collateralOfCall { assetId: ETH });
        (answer.now.initialBps, answer.now.maintenanceBps)
    };
    assert_eq!(now(&scene), (8_000, 8_500));
    scene.world.wait_ms(NOTICE_MS);
    assert_eq!(now(&scene), (8_000, 8_500));
    scene.world.wait_ms(RAMP_MS_MIN / 2);
    assert_eq!(now(&scene), (7_500, 8_000));
    let answer = scene
        .world
        .view(ADDRESS, &collateralOfCall { assetId: ETH });
    let under_way = AccountRampUnderWay {
        endMs: answer.endMs,
    };
    scene
        .world
        .refused(OWNER, ADDRESS, &set(7_000, 7_600, RAMP_MS_MIN), &under_way);
    scene.world.wait_ms(RAMP_MS_MIN / 2);
    assert_eq!(now(&scene), (7_000, 7_500));
    let fixed = AccountCollateralFixed { assetId: ETH };
    let other = setCollateralCall {
        collateral: Collateral {
            category: 3,
            ..bps(7_000, 7_500)
        },
        ..set(0, 0, RAMP_MS_MIN)
    };
    scene.world.refused(OWNER, ADDRESS, &other, &fixed);
    let stranger = scene.world.call(BOB, ADDRESS, &set(0, 0, RAMP_MS_MIN));
    assert!(stranger.is_err());
    for (wrong, what) in [
        (bps(9_000, 8_500), "initialBps"),
        (bps(9_000, 9_500), "maintenanceBps"),
        (
            Collateral {
                discountMaxBps: 3_001,
                ..bps(0, 0)
            },
            "discountMaxBps",
        ),
        (
            Collateral {
                categoryMaintenanceBps: 1,
                ..bps(0, 0)
            },
            "categoryMaintenanceBps",
        ),
    ] {
        let call = setCollateralCall {
            assetId: ETH,
            collateral: wrong,
            rampMs: RAMP_MS_MIN,
        };
        let halt = scene
            .world
            .call(OWNER, ADDRESS, &call)
            .expect_err("out of range");
        assert!(words(&halt).contains(what), "{}", words(&halt));
    }
}

#[test]
fn no_price_lets_nobody_borrow_and_everybody_repay() {
    let mut scene = Scene::new();
    scene.alice_borrows(8_000);
    scene.world.wait_ms(172_800_001);
    let error = AccountPriceUnusable {
        owner: ALICE,
        index: 0,
        assetId: USDC,
    };
    scene.refused(ALICE, ALICES, &[borrow(USDC, ONE)], &error);
    scene.refused(ALICE, ALICES, &[redeem(ETH, ONE)], &error);
    scene.ok(
        ALICE,
        ALICES,
        &[deposit(USDC, 1_000 * ONE), repay(USDC, 1_000 * ONE)],
    );
    scene.ok(ALICE, ALICES, &[deposit(ETH, ONE)]);
    scene.prices(&[(USDC, USD)]);
    // Collateral without a price counts nothing.
    scene.refused_as::<AccountUnhealthy>(ALICE, ALICES, &[borrow(USDC, ONE)]);
    assert!(IAccount::reportOfCall::SELECTOR != [0; 4]);
}
