//! A product is closed: by its owner alone, in steps at the floor, to the last unit.

use capstan_state::View as _;

use super::*;
use crate::{
    account::IAccount,
    ledger, lending,
    testkit::accounts::{ALICES, reference},
};

fn coins_of(scene: &Scene, who: Address) -> U256 {
    scene.world.store.coins_of(who).expect("reads")
}

fn close(scene: &mut Scene, id: u32) {
    scene.world.ok(ALICE, ADDRESS, &closeCall { id });
}

/// Looks until the product is closed; answers how many rebalances that took.
fn unwind(scene: &mut Scene, id: u32) -> usize {
    let from = scene.log_count();
    for _ in 0..60 {
        if standing(scene, id).phase == 2 {
            return events::<ProductRebalanced>(scene, from).len();
        }
        look(scene);
        let failed = events::<RebalanceFailed>(scene, from);
        assert!(failed.is_empty(), "{failed:?}");
        arbitrage(scene, ETH, USDC);
        arbitrage(scene, USDC, DAI);
        scene.world.wait_ms(60_000);
    }
    panic!("still open: {:?}", standing(scene, id));
}

/// What the account has of both assets, as free units, and owes.
fn words_of(scene: &mut Scene, policy: &Policy, id: u32) -> [u128; 3] {
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let (held, owed) = (policy.collateralAssetId, policy.debtAssetId);
    let (held, owed) = (AssetId::new(held), AssetId::new(owed));
    let of = account_of(id);
    [
        ledger::free(cx, held, of).expect("reads").get(),
        ledger::free(cx, owed, of).expect("reads").get(),
        lending::debt_up(cx, owed, of).expect("reads").get(),
    ]
}

/// PROD-12: of every kind: whoever owns it closes it, nobody deposits from then on, it becomes base units for at most its
/// limit, and the holders share them to the last one; coins and the seed's units are the owner's.
#[test]
fn prod_12_a_closed_product_is_shared_out_to_the_last_unit() {
    for policy in every_kind() {
        let mut scene = start();
        let kind = policy.kind;
        let id = create(&mut scene, &policy, 10_000).id;
        let made = deposits(&mut scene, BOB, id, 5_000 * ONE);
        let refused = ProductsNotOwner {
            id,
            owner: ALICE,
            caller: BOB,
        };
        scene
            .world
            .refused(BOB, ADDRESS, &closeCall { id }, &refused);
        let before = standing(&scene, id);
        close(&mut scene, id);
        let closing = ProductsClosing { id };
        scene
            .world
            .refused(ALICE, ADDRESS, &closeCall { id }, &closing);
        let halt = try_deposit(&mut scene, BOB, id, 1_000 * ONE).expect_err("closing");
        assert_eq!(error_of::<ProductsClosing>(&halt), closing);
        let room = IErc4626::maxDepositCall { receiver: BOB };
        assert_eq!(scene.world.view(token(id), &room), U256::ZERO);
        let coins = coins_of(&scene, ALICE);
        let steps = unwind(&mut scene, id);
        println!("kind {kind}: {steps} steps");
        let after = standing(&scene, id);
        let lost = before.equity.saturating_sub(after.equity);
        // It sells at most its collateral, and buys at most its debt.
        let price = scene.spot(policy.collateralAssetId);
        let traded = before.equity.max(before.collateral * n(price) / n(ONE));
        assert!(
            lost <= traded / n(100) + n(USD),
            "kind {kind}: {lost} of {traded}"
        );
        assert_eq!((after.reserveWei, after.nextMs), (U256::ZERO, 0));
        assert!(coins_of(&scene, ALICE) > coins, "coins come back");
        assert_eq!(
            coins_of(&scene, ADDRESS),
            n(COINS / 100) - (coins_of(&scene, ALICE) - coins)
        );
        let topped = scene
            .world
            .raw(ALICE, ADDRESS, n(1), &topUpCall { id }.abi_encode());
        assert_eq!(topped, Err(Halt::revert(&closing)));
        // No price is needed any more, and the parts are exact.
        scene.world.wait_ms(10 * DAY_MS);
        let [held, idle, owed] = words_of(&mut scene, &policy, id);
        let whole = if kind == 2 || kind == 4 { held } else { idle };
        assert_eq!(held + idle + owed, whole, "kind {kind}: base units alone");
        let told = n(whole) * made / after.supply;
        let asked = IErc4626::previewRedeemCall { shares: made };
        assert_eq!(scene.world.view(token(id), &asked), told);
        let wallet = scene.wallet(ALICE, USDC);
        assert_eq!(redeems(&mut scene, BOB, id, made), told);
        let all = scene.world.balance(token(id), ALICE);
        assert_eq!(all + made, after.supply, "the seed is the owner's");
        let rest = redeems(&mut scene, ALICE, id, all);
        assert_eq!(rest + told, n(whole), "kind {kind}: to the last unit");
        assert_eq!(scene.wallet(ALICE, USDC), wallet + rest.to::<u128>());
        assert_eq!(words_of(&mut scene, &policy, id), [0; 3], "kind {kind}");
        let empty = standing(&scene, id);
        assert!(empty.supply.is_zero() && empty.shares.is_zero());
        assert_eq!(look(&mut scene), [] as [u32; 0]);
    }
}

/// PROD-4, PROD-12: what pools do not take in one block follows a minute later; whoever redeems meanwhile leaves others no less.
#[test]
fn prod_12_a_large_product_closes_in_steps() {
    for policy in every_kind() {
        let mut scene = start();
        let kind = policy.kind;
        let id = create(&mut scene, &policy, 20_000).id;
        for _ in 0..12 {
            arbitrage(&mut scene, ETH, USDC);
            arbitrage(&mut scene, USDC, DAI);
            scene.world.store.block_mut().number += 1;
            let part = if kind == 4 { 200_000 } else { 25_000 };
            deposits(&mut scene, BOB, id, part * ONE);
        }
        top_up(&mut scene, id, COINS / 10);
        close(&mut scene, id);
        look(&mut scene);
        let before = standing(&scene, id);
        scene.world.store.block_mut().number += 1;
        let part = scene.world.balance(token(id), BOB) / n(50);
        if before.phase == 1 && try_redeem(&mut scene, BOB, id, part).is_ok() {
            expect_no_less(&before, &standing(&scene, id));
        }
        let steps = unwind(&mut scene, id);
        println!("kind {kind}: {steps} more steps");
        let all = scene.world.balance(token(id), BOB);
        redeems(&mut scene, BOB, id, all);
    }
}

/// PROD-12: one that belongs to nobody is never closed; one without coins is closed by whoever rebalances it; gifts to a closed
/// one are its holders', and what is too little to be sold goes to the owner's account.
#[test]
fn prod_12_who_may_close_and_what_becomes_of_gifts() {
    let mut scene = start();
    let free = Policy {
        owner: Address::ZERO,
        ..three_long()
    };
    let id = create(&mut scene, &free, 1_000).id;
    for who in [ALICE, Address::ZERO] {
        let halt = scene.world.call(who, ADDRESS, &closeCall { id });
        error_of::<ProductsNotOwner>(&halt.expect_err("nobody's"));
    }
    let create = createCall {
        policy: neutral(),
        seed: n(1_000 * ONE),
        receiver: ALICE,
    };
    let made = scene.world.ok(ALICE, ADDRESS, &create);
    scene.world.answer_calls(made.token);
    close(&mut scene, made.id);
    assert_eq!(look(&mut scene), [] as [u32; 0], "nobody pays");
    for _ in 0..4 {
        if standing(&scene, made.id).phase == 1 {
            scene.world.store.block_mut().number += 1;
            scene
                .world
                .ok(CAROL, ADDRESS, &rebalanceCall { id: made.id });
        }
    }
    let stands = standing(&scene, made.id);
    assert_eq!(stands.phase, 2, "{stands:?}");
    let closing = ProductsClosing { id: made.id };
    let again = rebalanceCall { id: made.id };
    scene.world.refused(CAROL, ADDRESS, &again, &closing);
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let left = ledger::free(cx, AssetId::new(ETH), ALICES).expect("reads");
    assert!(n(left.get()) * n(2_000) <= n(ONE), "{left}");
    let gift = IAccount::depositToCall {
        account: reference(account_of(made.id)),
        assetId: USDC,
        amount: n(100 * ONE),
    };
    scene.world.ok(BOB, crate::account::ADDRESS, &gift);
    let all = scene.world.balance(made.token, ALICE);
    let got = redeems(&mut scene, ALICE, made.id, all);
    assert!(got > n(1_095 * ONE), "{got}");
}
