//! Units come and go: what they are worth, what that costs whom, and what is refused.

use super::*;
use crate::{
    account::IAccount,
    erc20::IErc20,
    ledger,
    testkit::{
        accounts::{ALICES, Listing, bps, reference},
        foreign::{Token, Whim},
    },
};

/// PROD-6, PROD-7: a product begins at its target, a hundred of its units belong to nobody, and its words say what it is.
#[test]
fn prod_6_a_product_begins_at_its_target() {
    let check = |policy: Policy, leverage: u128, name: &str, symbol: &str| {
        let mut scene = start();
        let made = create(&mut scene, &policy, 10_000);
        let stands = standing(&scene, made.id);
        assert_eq!(stands.policy, policy);
        // Opening costs what pools take of it, and each unit is a dollar.
        assert!(made.units < n(9_900 * UNIT) && made.units > n(9_700 * UNIT));
        expect_near(stands.leverageBps, leverage, 20);
        expect_near(stands.unitValue, USD, 1);
        assert_eq!(scene.world.balance(made.token, ADDRESS), n(SEED_UNITS));
        assert_eq!(scene.world.balance(made.token, ALICE), made.units);
        let says = |call: &IErc20::nameCall| scene.world.view(made.token, call);
        assert_eq!(says(&IErc20::nameCall {}), name);
        let said = scene.world.view(made.token, &IErc20::symbolCall {});
        assert_eq!(said, symbol);
        let report = scene.report(account_of(made.id));
        assert!(report.healthInitial > n(USD), "{report:?}");
    };
    check(three_long(), 30_000, "3x Long TT against TT", "TT3L");
    check(one_short(), 10_000, "1x Short TT against TT", "TT1S");
    check(
        dollars(),
        68_750,
        "Loop of TT against TT at health 1.1",
        "loopTT",
    );
    check(neutral(), 10_000, "Neutral TT and TT", "neutralTT");
}

/// PROD-1, PROD-2: deposits and redemptions leave others no less for each unit, keep the leverage, cost whoever makes them
/// what pools take, and are what their previews said.
#[test]
fn prod_1_whoever_comes_or_goes_pays_for_his_trade() {
    for policy in every_kind() {
        let mut scene = start();
        let id = create(&mut scene, &policy, 10_000).id;
        let kind = policy.kind;
        for dollars in [20_000 * ONE, 1_000 * ONE, 70 * ONE] {
            scene.world.store.block_mut().number += 1;
            let before = standing(&scene, id);
            let wallet = scene.wallet(BOB, USDC);
            let asked = IErc4626::previewDepositCall { assets: n(dollars) };
            let told = scene.world.view(token(id), &asked);
            let made = deposits(&mut scene, BOB, id, dollars);
            assert_eq!(told, made, "kind {kind}");
            assert_eq!(scene.wallet(BOB, USDC), wallet - dollars);
            let between = standing(&scene, id);
            expect_no_less(&before, &between);
            expect_near(between.ratio, before.ratio.to::<u128>(), 8);
            let asked = IErc4626::previewRedeemCall { shares: made };
            let told = scene.world.view(token(id), &asked);
            let given = redeems(&mut scene, BOB, id, made);
            assert_eq!(told, given, "kind {kind}");
            assert!(given < n(dollars), "kind {kind}: {given} of {dollars}");
            assert!(
                given > n(dollars * 97 / 100),
                "kind {kind}: {given} of {dollars}"
            );
            assert_eq!(
                scene.wallet(BOB, USDC),
                wallet - dollars + given.to::<u128>()
            );
            let after = standing(&scene, id);
            expect_no_less(&between, &after);
            expect_near(after.ratio, between.ratio.to::<u128>(), 2);
        }
    }
}

/// PROD-2: whoever deposits at a price that is about to change, and redeems behind the change, gains nothing: he bought at
/// the pools what he got.
#[test]
fn prod_2_a_stale_price_is_of_no_use() {
    for (policy, next) in [
        (three_long(), 2_010),
        (three_long(), 1_990),
        (one_short(), 2_010),
        (one_short(), 1_990),
        (neutral(), 2_010),
        (neutral(), 1_990),
    ] {
        let mut scene = start();
        let id = create(&mut scene, &policy, 30_000).id;
        // The market knows already, the oracle does not.
        scene.prices(&[(ETH, next * USD)]);
        arbitrage(&mut scene, ETH, USDC);
        scene.prices(&[(ETH, 2_000 * USD)]);
        scene.world.store.block_mut().number += 1;
        let dollars = 10_000 * ONE;
        let made = deposits(&mut scene, BOB, id, dollars);
        scene.prices(&[(ETH, next * USD)]);
        scene.world.store.block_mut().number += 1;
        let given = redeems(&mut scene, BOB, id, made);
        assert!(given < n(dollars), "{next}: {given} of {dollars}");
    }
}

/// PROD-5: units give their part for their part, while prices may not be used and pools are empty of reason; both ways out
/// leave others no less.
#[test]
fn prod_5_units_are_redeemed_in_kind_whatever_prices_say() {
    for policy in every_kind() {
        let mut scene = start();
        let id = create(&mut scene, &policy, 10_000).id;
        let (held, owed) = (policy.collateralAssetId, policy.debtAssetId);
        let half = standing(&scene, id).supply / n(2);
        scene.world.wait_ms(10 * DAY_MS);
        let stale = standing(&scene, id);
        assert!(!stale.priced && stale.equity.is_zero());
        let usual = IErc4626::redeemCall {
            shares: half,
            receiver: ALICE,
            owner: ALICE,
        };
        let refused = scene.world.call(ALICE, token(id), &usual);
        let why = words(&refused.expect_err("no price"));
        assert!(why.contains("OraclePriceUnusable"), "{why}");
        let asked = IProductToken::previewRedeemInKindCall { units: half };
        let told = scene.world.view(token(id), &asked);
        let (paid, got) = (scene.wallet(ALICE, owed), scene.wallet(ALICE, held));
        let too_little = IProductToken::redeemInKindCall {
            debtMax: told.debt - U256::ONE,
            ..in_kind(half, ALICE)
        };
        let why = ProductsDebtAbove {
            debt: told.debt,
            most: told.debt - U256::ONE,
        };
        scene.world.refused(ALICE, token(id), &too_little, &why);
        let done = scene.world.ok(ALICE, token(id), &in_kind(half, ALICE));
        assert_eq!(
            (done.debtPaid, done.collateral),
            (told.debt, told.collateral)
        );
        assert_eq!(scene.wallet(ALICE, owed), paid - told.debt.to::<u128>());
        assert_eq!(
            scene.wallet(ALICE, held),
            got + told.collateral.to::<u128>()
        );
        let after = standing(&scene, id);
        let (s0, s1) = (stale.supply, after.supply);
        assert!(after.collateral * s0 >= stale.collateral * s1);
        assert!(after.debt * s0 <= stale.debt * s1);
        // Of a neutral one, a speck stands beside its liquidity.
        let spare = n(ONE);
        let half = (stale.collateral / n(2) + spare).to();
        expect_near(after.collateral + spare, half, 1);
        expect_near(after.debt, stale.debt.to::<u128>() / 2, 1);
        // As units of an account, which its owner admits.
        let as_units = IProductToken::redeemInKindCall {
            asUnits: true,
            ..in_kind(n(UNIT), ALICE)
        };
        let part = scene.world.ok(ALICE, token(id), &as_units);
        let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
        let free = ledger::free(cx, AssetId::new(held), ALICES).expect("reads");
        assert_eq!(free.to_u256(), part.collateral);
    }
}

/// PROD-6: gifts to a product's account and to its token's address move nothing but what all units are worth, and whoever
/// comes after a large one still gets what he pays for.
#[test]
fn prod_6_a_gift_makes_no_unit_dear() {
    let mut scene = start();
    let id = create(&mut scene, &three_long(), 200).id;
    let all = scene.world.balance(token(id), ALICE);
    redeems(&mut scene, ALICE, id, all - n(1));
    let gift = IAccount::depositToCall {
        account: reference(account_of(id)),
        assetId: ETH,
        amount: n(100 * ONE),
    };
    let before = standing(&scene, id);
    scene.world.ok(ALICE, crate::account::ADDRESS, &gift);
    let after = standing(&scene, id);
    assert!(after.unitValue > before.unitValue * n(1_000), "{after:?}");
    let made = deposits(&mut scene, BOB, id, 10 * ONE);
    let given = redeems(&mut scene, BOB, id, made);
    assert!(given > n(98 * ONE / 10), "{given}");
}

/// PROD-1: the fee of who comes or goes stays with the others.
#[test]
fn prod_1_fees_stay_with_the_holders() {
    let mut scene = start();
    let policy = Policy {
        feeBps: 100,
        ..three_long()
    };
    let id = create(&mut scene, &policy, 10_000).id;
    let before = standing(&scene, id);
    let made = deposits(&mut scene, BOB, id, 10_000 * ONE);
    let given = redeems(&mut scene, BOB, id, made);
    let after = standing(&scene, id);
    let gained = after.equity - before.equity * after.supply / before.supply;
    // A half of what the deposit left is his own, and stays behind for the others only as far as it is theirs.
    expect_near(gained, 148 * USD, 20);
    assert!(given < n(9_860 * ONE), "{given}");
}

/// PROD-1: bounds of whoever comes or goes, and his deadline, hold; what ERC-4626 would make exact is shut and says so.
#[test]
fn prod_1_bounds_hold_and_exact_verbs_are_shut() {
    let mut scene = start();
    let id = create(&mut scene, &three_long(), 10_000).id;
    let at = token(id);
    let now_ms = scene.world.store.block_mut().time_ms;
    let within = |least: U256, deadline: u64| IProductToken::depositWithinCall {
        assets: n(1_000 * ONE),
        unitsMin: least,
        receiver: BOB,
        deadlineMs: deadline,
    };
    let preview = IErc4626::previewDepositCall {
        assets: n(1_000 * ONE),
    };
    let told = scene.world.view(at, &preview);
    let most = told + told / n(100);
    let before = scene.world.state();
    let halt = scene.world.call(BOB, at, &within(most, now_ms));
    let refused: ProductsTooLittle = error_of(&halt.expect_err("too little"));
    assert_eq!(refused.least, most);
    assert!(scene.world.state() == before, "left traces");
    let halt = scene.world.call(BOB, at, &within(told, now_ms - 1));
    assert!(words(&halt.expect_err("late")).contains("ExchangeExpired"));
    let made = scene.world.ok(BOB, at, &within(told, now_ms));
    let out = IProductToken::redeemWithinCall {
        units: made,
        assetsMin: n(1_000 * ONE),
        receiver: BOB,
        deadlineMs: now_ms,
    };
    let halt = scene.world.call(BOB, at, &out);
    error_of::<ProductsTooLittle>(&halt.expect_err("less than was paid"));
    let shut = ProductsExactInOnly {};
    let (shares, receiver, owner) = (n(UNIT), BOB, BOB);
    scene
        .world
        .refused(BOB, at, &IErc4626::mintCall { shares, receiver }, &shut);
    let exact = IErc4626::withdrawCall {
        assets: n(ONE),
        receiver,
        owner,
    };
    scene.world.refused(BOB, at, &exact, &shut);
    let zero = |found: U256| assert_eq!(found, U256::ZERO);
    zero(scene.world.view(at, &IErc4626::maxMintCall { receiver }));
    zero(scene.world.view(at, &IErc4626::maxWithdrawCall { owner }));
    let all = scene.world.view(at, &IErc4626::maxRedeemCall { owner });
    assert_eq!(all, made);
}

/// Bad input: every part of a policy out of its range, seeds and amounts too small, beyond the cap, at unknown numbers.
#[test]
fn prod_7_policies_are_in_range_and_fixed() {
    let mut scene = start();
    let good = three_long();
    let bad = [
        (
            Policy {
                kind: 0,
                ..good.clone()
            },
            "kind",
        ),
        (
            Policy {
                kind: 5,
                ..good.clone()
            },
            "kind",
        ),
        (
            Policy {
                debtAssetId: ETH,
                ..good.clone()
            },
            "debtAssetId",
        ),
        (
            Policy {
                lowBps: 9_000,
                ..good.clone()
            },
            "lowBps",
        ),
        (
            Policy {
                targetBps: 26_999,
                ..good.clone()
            },
            "targetBps",
        ),
        (
            Policy {
                highBps: 29_999,
                ..good.clone()
            },
            "highBps",
        ),
        (
            Policy {
                highBps: 50_000,
                ..good.clone()
            },
            "ratio",
        ),
        (
            Policy {
                highBps: 30_100,
                ..good.clone()
            },
            "width",
        ),
        (
            Policy {
                lowBps: 29_900,
                ..good.clone()
            },
            "width",
        ),
        (
            Policy {
                limitBps: 0,
                ..good.clone()
            },
            "limitBps",
        ),
        (
            Policy {
                limitBps: 501,
                ..good.clone()
            },
            "limitBps",
        ),
        (
            Policy {
                feeBps: 101,
                ..good.clone()
            },
            "feeBps",
        ),
        (
            Policy {
                collateralAssetId: RISKY,
                ..good
            },
            "ratio",
        ),
        (
            Policy {
                lowBps: 10_200,
                ..dollars()
            },
            "lowBps",
        ),
    ];
    for (policy, what) in bad {
        let create = createCall {
            policy,
            seed: n(10_000 * ONE),
            receiver: ALICE,
        };
        let halt = scene.world.call(ALICE, ADDRESS, &create);
        let refused: ProductsInvalid = error_of(&halt.expect_err(what));
        assert!(refused.what.contains(what), "{} {what}", refused.what);
    }
    let small = createCall {
        policy: good.clone(),
        seed: n(100 * ONE),
        receiver: ALICE,
    };
    let halt = scene.world.call(ALICE, ADDRESS, &small);
    let refused: ProductsSeedTooSmall = error_of(&halt.expect_err("a small seed"));
    assert!(refused.value < refused.least);
    let capped = Policy {
        capUsd: n(15_000 * USD),
        ..good
    };
    let id = create(&mut scene, &capped, 10_000).id;
    let halt = try_deposit(&mut scene, BOB, id, 6_000 * ONE).expect_err("beyond the cap");
    error_of::<ProductsCapReached>(&halt);
    let room = IErc4626::maxDepositCall { receiver: BOB };
    let room = scene.world.view(token(id), &room).to::<u128>();
    deposits(&mut scene, BOB, id, room);
    for (halt, what) in [
        (try_deposit(&mut scene, BOB, id, 0), "nothing"),
        (try_redeem(&mut scene, BOB, id, U256::ZERO), "nothing"),
        (try_redeem(&mut scene, BOB, id, n(1)), "a part of a dollar"),
    ] {
        error_of::<ProductsTooSmall>(&halt.expect_err(what));
    }
    let unknown = ProductsUnknown { id: 9 };
    let rebalance = rebalanceCall { id: 9 };
    scene.world.refused(ALICE, ADDRESS, &rebalance, &unknown);
    let topped = scene
        .world
        .raw(ALICE, ADDRESS, n(1), &topUpCall { id: 9 }.abi_encode());
    assert_eq!(topped, Err(Halt::revert(&unknown)));
    let none = scene.world.call(ALICE, ADDRESS, &topUpCall { id });
    error_of::<ProductsInvalid>(&none.expect_err("no coins"));
    // Nobody but its rules acts on its account: it has no operator, and its owner signs nothing.
    let take = crate::testkit::accounts::withdraw(ETH, n(1), ALICE);
    let of = account_of(id);
    let why = IAccount::AccountNotAuthorised {
        owner: of.owner,
        index: of.index,
        caller: ALICE,
    };
    scene.refused(ALICE, of, &[take], &why);
}

/// PROD-2, PROD-5: tokens that keep a part, lie or come back while they move: what arrives is what counts, and nobody gets
/// more than that.
#[test]
fn prod_2_hostile_tokens_gain_nothing() {
    let mut scene = start();
    let token_of = Token::deploy(&mut scene.world, Whim::Honest);
    let limit = Listing::new(USD, bps(8_000, 8_500));
    let list = ledger::ILedger::listAssetCall {
        token: token_of.address,
        limit: limit.limit.clone(),
    };
    let id = scene
        .world
        .ok(crate::testkit::OWNER, ledger::ADDRESS, &list);
    for who in [crate::testkit::OWNER, ALICE, BOB, CAROL] {
        token_of.give(&mut scene.world, who, 1_000_000_000 * ONE);
        for spender in [ledger::ADDRESS, crate::lending::ADDRESS, ADDRESS, token(1)] {
            token_of.allow_to(&mut scene.world, who, spender);
        }
        token_of.allow_to(&mut scene.world, who, crate::account::ADDRESS);
    }
    let market = crate::lending::ILending::listMarketCall {
        assetId: id,
        params: limit.market.clone(),
        seed: n(crate::lending::SEED_MIN),
    };
    scene
        .world
        .ok(crate::testkit::OWNER, crate::lending::ADDRESS, &market);
    scene.value(id, &limit);
    scene.prices(&[(id, USD)]);
    let lend = [
        deposit(id, 50_000_000 * ONE),
        crate::testkit::accounts::supply(id, 10_000_000 * ONE),
    ];
    scene.ok(BOB, BOBS, &lend);
    open(&mut scene, ETH, 10_000 * ONE, id, 20_000_000 * ONE);
    let policy = Policy {
        debtAssetId: id,
        ..three_long()
    };
    let product = create(&mut scene, &policy, 10_000).id;
    assert_eq!(product, 1);
    let made = deposits(&mut scene, BOB, product, 1_000 * ONE);
    for whim in [
        Whim::False,
        Whim::Liar,
        Whim::Two,
        Whim::Reverts,
        Whim::Blind,
    ] {
        token_of.becomes(whim);
        let before = scene.world.state();
        try_deposit(&mut scene, BOB, product, 1_000 * ONE).expect_err("a bad token");
        try_redeem(&mut scene, BOB, product, made).expect_err("a bad token");
        scene
            .world
            .call(BOB, token(product), &in_kind(made, BOB))
            .expect_err("a bad token");
        assert!(scene.world.state() == before, "{whim:?} left traces");
    }
    // A tenth is kept: units for the rest, and the debt's part is short.
    token_of.becomes(Whim::Fee);
    scene.world.store.block_mut().number += 1;
    let before = standing(&scene, product);
    let less = deposits(&mut scene, BOB, product, 1_000 * ONE);
    expect_no_less(&before, &standing(&scene, product));
    expect_near(less, made.to::<u128>() * 9 / 10, 5);
    let short = scene.world.call(BOB, token(product), &in_kind(made, BOB));
    error_of::<ProductsPaidTooLittle>(&short.expect_err("a tenth is missing"));
    // Foreign code comes back in the middle of a pull: the inner deposit of this asset is refused, and so the whole.
    token_of.becomes(Whim::Honest);
    let at = token(product);
    let again = IErc4626::depositCall {
        assets: n(ONE),
        receiver: BOB,
    };
    let again: Bytes = again.abi_encode().into();
    token_of.calls(move |store| {
        let outcome = store.call_simply(BOB, at, again.clone())?;
        match outcome.success {
            true => Ok(()),
            false => Err(Halt::Revert(outcome.output)),
        }
    });
    let before = scene.world.state();
    try_deposit(&mut scene, BOB, product, 1_000 * ONE).expect_err("re-entry");
    assert!(scene.world.state() == before, "left traces");
}
