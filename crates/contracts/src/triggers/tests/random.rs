//! Random orders, prices, swaps and looks: the index follows what is stored, and every invariant holds after each step.

use super::*;
use crate::testkit::dice::Dice;

const STEPS: u32 = 400;

fn order(scene: &mut Scene, dice: &mut Dice) -> Order {
    let pairs = [(ETH, USDC), (USDC, ETH), (RISKY, USDC), (USDC, RISKY)];
    let (sell, buy) = dice.of(&pairs);
    let spot = |scene: &mut Scene, asset| scene.spot(asset);
    let watch = dice.of(&[sell, buy, ETH]);
    let near = spot(scene, watch) * (80 + dice.below(40)) / 100;
    let small = |dice: &mut Dice, end| u32::try_from(dice.below(end)).expect("small");
    Order {
        kind: u8::try_from(1 + dice.below(4)).expect("small"),
        sellAssetId: sell,
        buyAssetId: buy,
        amount: dice.of(&[U256::MAX, n(ONE), n(50 * ONE), n(5_000 * ONE)]),
        limitBps: dice.of(&[10, 200, 1_000]),
        repay: dice.below(2) == 0,
        watchAssetId: watch,
        above: dice.below(2) == 0,
        price: n(near),
        distanceSteps: u16::try_from(1 + dice.below(10)).expect("small"),
        intervalS: 1 + small(dice, 900),
        count: 1 + small(dice, 4),
        floorBps: 10_200 + small(dice, 4_000),
        targetBps: 14_500 + small(dice, 4_000),
        expiresMs: scene.world.store.block_mut().time_ms
            + u64::try_from(1 + dice.below(u128::from(2 * DAY_MS))).expect("small"),
    }
}

fn step(scene: &mut Scene, dice: &mut Dice) {
    match dice.below(10) {
        0..3 => {
            let order = order(scene, dice);
            let wei = dice.of(&[PREPAID / 100, PREPAID / 300]);
            let _ = try_create(scene, ALICE, ALICES, &order, wei);
        }
        3 => {
            let all = orders(scene);
            if !all.is_empty() {
                let id = dice.of(&all);
                if dice.below(2) == 0 {
                    scene.world.ok(ALICE, ADDRESS, &cancelCall { id });
                } else {
                    scene.world.ok(ALICE, ADDRESS, &renewCall { id });
                }
            }
        }
        4..7 => {
            let asset = dice.of(&[ETH, ETH, RISKY]);
            let (least, most) = if asset == ETH {
                (1_200, 3_000)
            } else {
                (12, 30)
            };
            let next = scene.spot(asset) * (90 + dice.below(21)) / 100;
            scene.prices(&[(asset, next.clamp(least * USD, most * USD))]);
        }
        7 => {
            let from = dice.of(&[ETH, USDC, RISKY, USDC]);
            let to = dice.of(&[ETH, RISKY]);
            let (from, to) = if from == USDC {
                (from, to)
            } else {
                (from, USDC)
            };
            let units = if from == USDC { 200_000 } else { 100 };
            swap(scene, from, units * ONE, to);
        }
        8 => scene
            .world
            .wait_ms(u64::try_from(dice.below(7_200_000)).expect("small")),
        _ => {
            let acts = [
                vec![deposit(ETH, 2 * ONE)],
                vec![deposit(RISKY, 100 * ONE)],
                vec![deposit(USDC, 3_000 * ONE)],
                vec![borrow(USDC, 2_000 * ONE)],
                vec![supply(ETH, ONE)],
                vec![pieces::provide(scene, ETH, ONE, USDC, 2_000 * ONE)],
            ];
            let at = usize::try_from(dice.below(6)).expect("small");
            let _ = scene.run(ALICE, ALICES, &acts[at]);
        }
    }
}

/// TRIG-2, and TRIG-6 and TRIG-8 after every transaction: the index that follows what changed is the one that all words
/// make, and once the block has looked nothing whose condition holds is left but what waits for its next attempt.
#[test]
fn trig_2_the_index_follows_random_orders() {
    let mut dice = Dice::new("trig_2_the_index_follows_random_orders");
    let mut scene = start();
    for who in [ALICE, BOB] {
        scene.world.store.set_coins(who, n(1_000_000 * PREPAID));
    }
    scene.world.watched = Some(ADDRESS);
    let mut index = TriggerIndex::of(&scene.world.store).expect("reads");
    let from = scene.log_count();
    for _ in 0..STEPS {
        let before = index.clone();
        step(&mut scene, &mut dice);
        let _ = scene.look();
        let _ = look(&mut scene);
        let mut changes = Changes::default();
        for (slot, before, after) in std::mem::take(&mut scene.world.written) {
            changes.note(slot, before, after);
        }
        index.apply(&changes);
        let anew = TriggerIndex::of(&scene.world.store).expect("reads");
        assert_eq!(index, anew, "TRIG-2");
        let mut back = index.clone();
        back.undo(&changes);
        assert_eq!(back, before, "undone");
    }
    let fired = events::<TriggerFired>(&scene, from);
    let failed = events::<TriggerFailed>(&scene, from).len();
    let ended = events::<TriggerEnded>(&scene, from);
    let reasons: std::collections::BTreeSet<_> = ended.iter().map(|ended| ended.reason).collect();
    println!(
        "{} fired, {failed} failed, {} ended",
        fired.len(),
        ended.len()
    );
    assert!(
        fired.len() > 20 && failed > 5,
        "the test reaches what it is about"
    );
    assert!(reasons.is_superset(&[1, 2, 3].into()), "{reasons:?}");
}
