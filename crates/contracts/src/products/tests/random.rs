//! Random prices, swaps, deposits, redemptions and looks over all kinds of products.

use super::*;
use crate::testkit::{dice::Dice, steps};

const STEPS: u32 = 300;

/// What happened, so that the test says what it reached.
#[derive(Default, Debug)]
struct Seen {
    deposits: u32,
    redemptions: u32,
    in_kind: u32,
    rebalances: usize,
    failures: usize,
}

fn move_prices(scene: &mut Scene, dice: &mut Dice) {
    let asset = dice.of(&[ETH, ETH, ETH, DAI]);
    let (least, most, from, wide) = if asset == ETH {
        (1_000 * USD, 4_000 * USD, 94, 13)
    } else {
        (USD * 95 / 100, USD * 105 / 100, 98, 5)
    };
    let next = scene.spot(asset) * (from + dice.below(wide)) / 100;
    scene.prices(&[(asset, next.clamp(least, most))]);
    if dice.below(4) != 0 {
        arbitrage(scene, ETH, USDC);
        arbitrage(scene, USDC, DAI);
    }
}

fn verb(scene: &mut Scene, dice: &mut Dice, seen: &mut Seen) {
    let id = u32::try_from(1 + dice.below(4)).expect("small");
    let who = dice.of(&[ALICE, BOB]);
    let before = standing(scene, id);
    let units = scene.world.balance(token(id), who).to::<u128>();
    let any = dice.amount(units.max(1));
    let part = dice.of(&[units, units / 2, units / 7, any]);
    match dice.below(5) {
        2 | 3 if units > 0 => {
            if try_redeem(scene, who, id, n(part)).is_ok() {
                seen.redemptions += 1;
            }
        }
        4 if units > 0 => {
            let call = in_kind(n(part), who);
            if scene.world.call(who, token(id), &call).is_ok() {
                seen.in_kind += 1;
            }
        }
        _ => {
            let dollars = dice.amount(50_000 * ONE);
            if try_deposit(scene, who, id, dollars).is_ok() {
                seen.deposits += 1;
            }
        }
    }
    let after = standing(scene, id);
    if before.priced && after.priced {
        expect_no_less(&before, &after);
    }
}

/// PROD-1, and PROD-3 and PROD-8 after every transaction: no verb lowers what a unit is worth; a rebalance costs at most its
/// limit; the index that follows what changed is the one that all words make; what the block looked at is inside its band,
/// at rest, or waits.
#[test]
fn prod_3_random_paths_keep_products_in_their_bands_or_owed() {
    let mut dice = Dice::new("prod_3_random_paths_keep_products_in_their_bands_or_owed");
    let mut scene = start();
    for who in [ALICE, BOB] {
        scene.world.store.set_coins(who, n(1_000_000 * COINS));
    }
    for policy in every_kind() {
        create(&mut scene, &policy, 20_000);
    }
    scene.world.watched = Some(ADDRESS);
    let mut index = ProductIndex::of(&scene.world.store).expect("reads");
    let mut seen = Seen::default();
    let from = scene.log_count();
    for _ in 0..steps::asked().unwrap_or(STEPS) {
        let old = index.clone();
        match dice.below(10) {
            0..3 => move_prices(&mut scene, &mut dice),
            3..8 => verb(&mut scene, &mut dice, &mut seen),
            8 => scene
                .world
                .wait_ms(u64::try_from(dice.below(7_200_000)).expect("small")),
            _ => {
                let (sold, bought) = dice.of(&[(ETH, USDC), (USDC, ETH), (DAI, USDC)]);
                let units = if sold == ETH { 50 } else { 100_000 };
                swap(&mut scene, sold, units * ONE, bought);
            }
        }
        let _ = scene.look();
        look_once(&mut scene);
        let mut changes = Changes::default();
        for (slot, before, after) in std::mem::take(&mut scene.world.written) {
            changes.note(slot, before, after);
        }
        index.apply(&changes);
        let anew = ProductIndex::of(&scene.world.store).expect("reads");
        assert_eq!(index, anew, "PROD-3");
        let mut back = index.clone();
        back.undo(&changes);
        assert_eq!(back, old, "undone");
        for id in 1..=4 {
            let low = u128::try_from(standing(&scene, id).reserveWei).expect("small");
            if low < COINS / 100 {
                top_up(&mut scene, id, COINS / 10);
            }
        }
    }
    seen.rebalances = events::<ProductRebalanced>(&scene, from).len();
    seen.failures = events::<RebalanceFailed>(&scene, from).len();
    println!("{seen:?}");
    assert!(seen.deposits > 10 && seen.redemptions > 10 && seen.in_kind > 5);
    assert!(seen.rebalances > 10);
}

/// What a product added to its pool since, in value.
fn provided_by(scene: &mut Scene, from: usize, id: u32) -> U256 {
    let (eth, usdc) = (n(scene.spot(ETH)), n(scene.spot(USDC)));
    let logs = scene.world.store.logs()[from..].iter();
    logs.filter_map(|log| IExchange::LiquidityAdded::decode_log_data(&log.data).ok())
        .filter(|added| added.owner == token(id))
        .map(|added| (added.amounts[0] * eth + added.amounts[1] * usdc) / n(ONE))
        .sum()
}

/// A look at whatever is due, and what each rebalance cost at most.
fn look_once(scene: &mut Scene) {
    let before: Vec<_> = (1..=4).map(|id| standing(scene, id)).collect();
    let from = scene.log_count();
    look(scene);
    for moved in events::<ProductRebalanced>(scene, from) {
        let was = &before[usize::try_from(moved.id - 1).expect("small")];
        let now = standing(scene, moved.id);
        let sold = match moved.borrowed {
            true => was.policy.debtAssetId,
            false => was.policy.collateralAssetId,
        };
        let traded = moved.sold * n(scene.spot(sold)) / n(ONE);
        let lost = was.equity.saturating_sub(now.equity);
        let provided = provided_by(scene, from, moved.id);
        let most = (traded + provided) * n(was.policy.limitBps.into()) / n(10_000);
        assert!(
            lost <= most + n(2 * USD / ONE),
            "PROD-1: {lost} of {traded}"
        );
        assert_eq!(was.supply, now.supply);
    }
    let now_ms = scene.world.store.block_mut().time_ms;
    for id in 1..=4 {
        let stands = standing(scene, id);
        let is_out = stands.ratio > stands.highRatio || stands.ratio < stands.lowRatio;
        let waits = stands.nextMs <= now_ms + 64 * 60_000;
        assert!(
            !stands.priced || !is_out || waits,
            "PROD-3: nothing calls for {stands:?}"
        );
    }
}
