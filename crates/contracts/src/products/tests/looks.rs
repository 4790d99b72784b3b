//! What the block owes products, and what its looks do.

use super::*;
use crate::account::IAccount;

/// PROD-3, PROD-4: a price that leaves the band brings the block, which restores the target, both ways; one inside does not,
/// and no pool's price does.
#[test]
fn prod_3_the_block_keeps_the_leverage() {
    for (policy, fall, rise) in [
        (three_long(), (1_960, 1_860), (2_040, 2_160)),
        (one_short(), (1_930, 1_780), (2_060, 2_220)),
    ] {
        let kind = policy.kind;
        let check = |price: u128, borrows: Option<bool>| {
            let mut scene = start();
            let id = create(&mut scene, &policy, 10_000).id;
            // A pool may stand where it wants: the block does not come.
            swap(&mut scene, ETH, 1_000 * ONE, USDC);
            assert_eq!(look(&mut scene), [] as [u32; 0]);
            scene.prices(&[(ETH, price * USD)]);
            arbitrage(&mut scene, ETH, USDC);
            let (before, from) = (standing(&scene, id), scene.log_count());
            let looked = look(&mut scene);
            let moved = events::<ProductRebalanced>(&scene, from);
            let after = standing(&scene, id);
            match borrows {
                None => assert_eq!(moved, [], "kind {kind} at {price}"),
                Some(borrows) => {
                    assert_eq!(looked, [id], "kind {kind} at {price}");
                    assert_eq!(moved.len(), 1, "kind {kind} at {price}: {before:?}");
                    assert_eq!(moved[0].borrowed, borrows, "kind {kind} at {price}");
                    let target = after.targetRatio.to::<u128>();
                    expect_near(after.ratio, target, 4);
                    assert_eq!(moved[0].ratioAfter, after.ratio);
                    // PROD-1: at most the limit of what was traded, on either side.
                    let (price, digits) = match (kind, borrows) {
                        (1, true) | (2, false) => (USD, ONE),
                        _ => (price * USD, ONE),
                    };
                    let traded = moved[0].sold * n(price) / n(digits);
                    let lost = before.equity - after.equity;
                    assert!(lost <= traded / n(100) + n(1), "{lost} of {traded}");
                    assert!(lost > U256::ZERO);
                }
            }
            assert_eq!(look(&mut scene), [] as [u32; 0]);
        };
        // Long: a fall makes too much debt. Short: a rise does.
        let is_long = kind == 1;
        check(fall.0, None);
        check(fall.1, Some(!is_long));
        check(rise.0, None);
        check(rise.1, Some(is_long));
    }
}

/// PROD-3: a loop of two dollars, of which one falls: the block restores its health.
#[test]
fn prod_3_a_loop_keeps_its_health() {
    let mut scene = start();
    let id = create(&mut scene, &dollars(), 10_000).id;
    let health = |scene: &Scene| scene.report(account_of(id)).healthMaintenance;
    let whole = health(&scene);
    expect_near(whole, 11 * USD / 10, 3);
    scene.prices(&[(DAI, 96 * USD / 100)]);
    arbitrage(&mut scene, USDC, DAI);
    assert_eq!(scene.look(), [] as [AccountId; 0], "nobody is liquidated");
    assert_eq!(look(&mut scene), [id]);
    expect_near(health(&scene), 11 * USD / 10, 5);
    scene.prices(&[(DAI, USD)]);
    arbitrage(&mut scene, USDC, DAI);
    let from = scene.log_count();
    assert_eq!(look(&mut scene), [id]);
    assert!(events::<ProductRebalanced>(&scene, from)[0].borrowed);
    expect_near(health(&scene), 11 * USD / 10, 5);
}

/// PROD-3, PROD-4: what pools do not take in one block follows a minute later, until the target is reached.
#[test]
fn prod_4_a_rebalance_goes_on_in_later_blocks() {
    let mut scene = start();
    let id = create(&mut scene, &three_long(), 30_000).id;
    for _ in 0..12 {
        arbitrage(&mut scene, ETH, USDC);
        scene.world.store.block_mut().number += 1;
        deposits(&mut scene, BOB, id, 25_000 * ONE);
    }
    scene.prices(&[(ETH, 1_840 * USD)]);
    arbitrage(&mut scene, ETH, USDC);
    let mut rounds = 0;
    loop {
        let from = scene.log_count();
        assert_eq!(look(&mut scene), [id]);
        let moved = events::<ProductRebalanced>(&scene, from);
        assert_eq!(moved.len(), 1);
        assert!(moved[0].ratioAfter < moved[0].ratioBefore);
        rounds += 1;
        let stands = standing(&scene, id);
        assert_eq!(look(&mut scene), [] as [u32; 0], "nothing at once");
        if stands.ratio < stands.highRatio * n(99) / n(100) {
            break;
        }
        arbitrage(&mut scene, ETH, USDC);
        scene.world.wait_ms(60_000);
        assert!(rounds < 20);
    }
    println!("{rounds} rounds");
}

/// PROD-9: what no pool takes at the floor changes nothing but the next attempt, which waits ever longer; anybody may do it
/// in between, at the same floor, and nobody while there is nothing to do.
#[test]
fn prod_9_a_failed_rebalance_waits_and_anybody_may_try() {
    let mut scene = start();
    let id = create(&mut scene, &three_long(), 10_000).id;
    let in_band = scene
        .world
        .call(CAROL, ADDRESS, &rebalanceCall { id })
        .expect_err("nothing to do");
    error_of::<ProductsInBand>(&in_band);
    // The pool stands above the market that the oracle sees: nobody buys there at the floor.
    scene.prices(&[(ETH, 1_850 * USD)]);
    swap(&mut scene, ETH, 1_000 * ONE, USDC);
    for minutes in [1, 2, 4] {
        let (before, from) = (standing(&scene, id), scene.log_count());
        assert_eq!(look(&mut scene), [id]);
        let failed = events::<RebalanceFailed>(&scene, from);
        let now_ms = scene.world.store.block_mut().time_ms;
        assert_eq!(failed.len(), 1);
        error_of::<ProductsBelowFloor>(&Halt::Revert(failed[0].reason.clone()));
        assert!(failed[0].retryMs > now_ms + (minutes - 1) * 60_000);
        assert!(failed[0].retryMs <= now_ms + minutes * 60_000);
        let after = standing(&scene, id);
        assert_eq!(
            (after.collateral, after.debt, after.supply),
            (before.collateral, before.debt, before.supply)
        );
        assert!(
            after.reserveWei < before.reserveWei,
            "each look is paid for"
        );
        assert_eq!(look(&mut scene), [] as [u32; 0]);
        scene.world.wait_ms(minutes * 60_000);
    }
    let refused = scene.world.call(CAROL, ADDRESS, &rebalanceCall { id });
    error_of::<ProductsBelowFloor>(&refused.expect_err("at the same floor"));
    arbitrage(&mut scene, ETH, USDC);
    scene.world.store.block_mut().number += 1;
    let coins = standing(&scene, id).reserveWei;
    scene.world.ok(CAROL, ADDRESS, &rebalanceCall { id });
    let after = standing(&scene, id);
    expect_near(after.ratio, after.targetRatio.to::<u128>(), 4);
    assert_eq!((after.failures, after.reserveWei), (0, coins));
    assert_eq!(look(&mut scene), [] as [u32; 0]);
}

/// PROD-9: an unknown number and damaged words hold up no other product; what the block has no gas for stays due.
#[test]
fn prod_9_one_product_holds_up_no_other() {
    let mut scene = start();
    let one = create(&mut scene, &three_long(), 10_000).id;
    let two = create(&mut scene, &one_short(), 10_000).id;
    scene.prices(&[(ETH, 1_760 * USD)]);
    arbitrage(&mut scene, ETH, USDC);
    let ids = [77, one, two].map(ProductId::new);
    let from = scene.log_count();
    scene.world.store.block_mut().number += 1;
    run(&mut scene, &ids).expect("runs");
    assert_eq!(events::<ProductRebalanced>(&scene, from).len(), 2);
    let failed = events::<RebalanceFailed>(&scene, from);
    assert_eq!((failed.len(), failed[0].id), (1, 77));
    scene.prices(&[(ETH, 1_990 * USD)]);
    let input = encode_products(&ids);
    let from = scene.log_count();
    let stopped =
        scene
            .world
            .system_limited(super::super::LOOK_GAS - 1, SystemKind::Rebalance, &input);
    stopped.expect("stops");
    let left = events::<ProductsLeft>(&scene, from);
    assert_eq!((left.len(), left[0].count), (1, n(3)));
    assert_eq!(due(&mut scene).len(), 2);
    let long = vec![ProductId::new(1); super::super::LOOKS_MAX + 1];
    let refused = run(&mut scene, &long).expect_err("too many");
    error_of::<ProductsTooManyLooks>(&refused);
    let malformed = scene.world.system(SystemKind::Rebalance, &[1]);
    assert_eq!(malformed, Err(Halt::revert(&ProductsMalformed {})));
}

/// PROD-8: looks are paid from the product's coins; without any the block does not come, anybody may rebalance, and whoever
/// brings coins brings the block back.
#[test]
fn prod_8_a_product_without_coins_is_not_called_for() {
    let mut scene = start();
    let create = createCall {
        policy: three_long(),
        seed: n(10_000 * ONE),
        receiver: ALICE,
    };
    let made = scene.world.ok(ALICE, ADDRESS, &create);
    scene.world.answer_calls(made.token);
    let id = made.id;
    scene.prices(&[(ETH, 1_860 * USD)]);
    arbitrage(&mut scene, ETH, USDC);
    assert_eq!(look(&mut scene), [] as [u32; 0], "nobody pays");
    scene.world.store.block_mut().number += 1;
    scene.world.ok(CAROL, ADDRESS, &rebalanceCall { id });
    // Coins for one look: it uses them up.
    top_up(&mut scene, id, 1);
    scene.prices(&[(ETH, 1_740 * USD)]);
    arbitrage(&mut scene, ETH, USDC);
    let from = scene.log_count();
    assert_eq!(look(&mut scene), [id]);
    assert_eq!(events::<ProductRebalanced>(&scene, from).len(), 1);
    assert_eq!(events::<ProductUnattended>(&scene, from).len(), 1);
    assert_eq!(standing(&scene, id).nextMs, 0);
    scene.prices(&[(ETH, 1_620 * USD)]);
    arbitrage(&mut scene, ETH, USDC);
    assert_eq!(look(&mut scene), [] as [u32; 0]);
    top_up(&mut scene, id, USD / 10);
    let before = standing(&scene, id).reserveWei;
    assert_eq!(look(&mut scene), [id]);
    let after = standing(&scene, id);
    let cost = before - after.reserveWei;
    println!("a look that rebalances: {} gas", cost / n(GWEI));
    assert!(cost > U256::ZERO && after.nextMs > 0);
    expect_near(after.ratio, after.targetRatio.to::<u128>(), 4);
    // Once a day the block comes anyway, for what interest did.
    scene.world.wait_ms(DAY_MS);
    assert_eq!(look(&mut scene), [id]);
}

/// PROD-3: whoever leaves in kind leaves free units of the debt's asset behind, which are more beside what is left: the block
/// comes in a minute, not in a day. Without a price it comes as it would have, and he leaves all the same.
#[test]
fn prod_3_leaving_in_kind_calls_the_block() {
    let mut scene = start();
    let id = create(&mut scene, &one_short(), 10_000).id;
    let gift = IAccount::depositToCall {
        account: crate::testkit::accounts::reference(account_of(id)),
        assetId: ETH,
        amount: n(ONE / 5),
    };
    scene.world.ok(BOB, crate::account::ADDRESS, &gift);
    assert_eq!(look(&mut scene), [] as [u32; 0]);
    let most = scene.world.balance(token(id), ALICE) * n(95) / n(100);
    let mut stale = scene.clone();
    scene.world.ok(ALICE, token(id), &in_kind(most, ALICE));
    let left = standing(&scene, id);
    assert!(left.ratio < left.lowRatio, "{left:?}");
    scene.world.wait_ms(60_000);
    assert_eq!(look(&mut scene), [id]);
    let after = standing(&scene, id);
    expect_near(after.ratio, after.targetRatio.to(), 5);
    stale.world.wait_ms(10 * DAY_MS);
    let before = standing(&stale, id).nextMs;
    stale.world.ok(ALICE, token(id), &in_kind(most, ALICE));
    assert_eq!(standing(&stale, id).nextMs, before);
}

/// PROD-4: a product of little worth owes nothing rather than dust, and levers up again when somebody deposits.
#[test]
fn prod_4_a_small_product_owes_nothing() {
    let mut scene = start();
    let id = create(&mut scene, &three_long(), 110).id;
    let all = scene.world.balance(token(id), ALICE);
    redeems(&mut scene, ALICE, id, all);
    let mut price = 2_000 * USD;
    for _ in 0..40 {
        price = price * 95 / 100;
        scene.prices(&[(ETH, price)]);
        arbitrage(&mut scene, ETH, USDC);
        look(&mut scene);
    }
    let small = standing(&scene, id);
    assert!(
        small.debt.is_zero() && small.equity < n(12 * USD),
        "{small:?}"
    );
    let made = deposits(&mut scene, BOB, id, 1_000 * ONE);
    scene.world.wait_ms(60_000);
    assert_eq!(look(&mut scene), [id]);
    let after = standing(&scene, id);
    expect_near(after.ratio, after.targetRatio.to::<u128>(), 4);
    scene.world.store.block_mut().number += 1;
    let given = redeems(&mut scene, BOB, id, made);
    assert!(given > n(970 * ONE) && given < n(1_000 * ONE), "{given}");
}

/// PROD-5, PROD-7: a gap beyond the band is liquidation's first; what is left is the holders', and units that are worth
/// nothing are redeemed in kind alone.
#[test]
fn prod_5_a_gap_is_liquidated_first() {
    let mut scene = start();
    let id = create(&mut scene, &three_long(), 10_000).id;
    let made = deposits(&mut scene, BOB, id, 10_000 * ONE);
    scene.prices(&[(ETH, 1_380 * USD)]);
    arbitrage(&mut scene, ETH, USDC);
    assert_eq!(scene.look(), [account_of(id)]);
    let sold = scene.events::<IAccount::Liquidated>(0);
    assert!(!sold.is_empty());
    look(&mut scene);
    let stands = standing(&scene, id);
    if stands.equity.is_zero() {
        let halt = try_redeem(&mut scene, BOB, id, made).expect_err("worth nothing");
        error_of::<ProductsWorthNothing>(&halt);
    }
    let before = standing(&scene, id);
    scene.world.ok(BOB, token(id), &in_kind(made, BOB));
    let after = standing(&scene, id);
    assert!(after.collateral * before.supply >= before.collateral * after.supply);
    assert!(after.debt * before.supply <= before.debt * after.supply);
}
