//! Random orders, prices, swaps and looks: the index follows what is stored, and every invariant holds after each step.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    account::IAccount::reportOfCall,
    testkit::{accounts::reference, dice::Dice},
    triggers::Kind,
};

const STEPS: u32 = 1_000;
/// How many times each kind fires at least: half or less of the fewest that six seeds counted.
const FIRED_MIN: [(Kind, u32); 4] = [
    (Kind::Price, 2),
    (Kind::Trailing, 7),
    (Kind::Slices, 15),
    (Kind::Health, 1),
];

/// An order that may well be placed: its price lies on the side where the present one is not yet.
fn order(scene: &mut Scene, dice: &mut Dice) -> Order {
    let pairs = [(ETH, USDC), (RISKY, USDC), (USDC, ETH), (USDC, RISKY)];
    let kind = dice.of(&Kind::ALL);
    // What is owed is dollars, so that is what an order on health buys.
    let (sell, buy) = match kind {
        Kind::Health => dice.of(&pairs[..2]),
        _ => dice.of(&pairs),
    };
    let (watch, above) = (dice.of(&[sell, RISKY, ETH]), dice.below(2) == 0);
    let percent = if above {
        100 + dice.below(12)
    } else {
        88 + dice.below(12)
    };
    let price = scene.spot(watch) * percent / 100;
    let small = |dice: &mut Dice, end| u32::try_from(dice.below(end)).expect("small");
    let floor_bps = floor_near(scene, dice);
    let some = dice.of(&[n(ONE), n(5 * ONE), n(500 * ONE), U256::MAX]);
    Order {
        kind: kind.number(),
        sellAssetId: sell,
        buyAssetId: buy,
        amount: if kind == Kind::Health {
            U256::MAX
        } else {
            some
        },
        limitBps: dice.of(&[10, 200, 500, 1_000]),
        repay: dice.below(2) == 0,
        watchAssetId: watch,
        above,
        price: n(price),
        distanceSteps: u16::try_from(1 + dice.below(10)).expect("small"),
        intervalS: 1 + small(dice, 900),
        count: 1 + small(dice, 4),
        floorBps: floor_bps,
        targetBps: floor_bps + 500 + small(dice, 3_000),
        expiresMs: scene.world.store.block_mut().time_ms
            + u64::try_from(1 + dice.below(u128::from(2 * DAY_MS))).expect("small"),
    }
}

/// A floor a little below the health that there is, if anything is owed and prices are fresh.
fn floor_near(scene: &mut Scene, dice: &mut Dice) -> u32 {
    let account = reference(ALICES);
    let report = scene.world.call(ALICE, ACCOUNT, &reportOfCall { account });
    let health = report.map_or(U256::MAX, |report| report.healthMaintenance);
    let bps = u32::try_from(health / n(USD / 10_000)).unwrap_or(u32::MAX);
    let part = 88 + u32::try_from(dice.below(11)).expect("small");
    (bps.min(40_000) * part / 100).max(10_200)
}

/// Others trade the pool of an asset and dollars to the oracle's price, as they do within moments.
fn follow(scene: &mut Scene, asset: u32) {
    let pools = IExchange::poolsOfCall {
        assetA: asset,
        assetB: USDC,
    };
    let number = scene.world.view(exchange::ADDRESS, &pools)[0];
    let pool = IExchange::poolCall { poolId: number };
    let pool = scene.world.view(exchange::ADDRESS, &pool);
    let mut held = [asset, USDC].map(|asset| {
        let mut assets = pool.shape.assets.iter();
        pool.reserves[assets
            .position(|coin| *coin == asset)
            .expect("a coin of it")]
    });
    let (one, price, product) = (n(USD), n(scene.spot(asset)), held[0] * held[1]);
    for (from, to, own, other) in [(asset, USDC, price, one), (USDC, asset, one, price)] {
        let even = (product * other / own).root(2);
        let short = even.saturating_sub(held[0]);
        if short > n(ONE / 100) {
            swap(scene, from, u128::try_from(short).expect("small"), to);
        }
        held.reverse();
    }
}

fn step(scene: &mut Scene, dice: &mut Dice) {
    match dice.below(12) {
        0..3 => {
            let order = order(scene, dice);
            let wei = dice.of(&[PREPAID / 40, PREPAID / 40, PREPAID / 300]);
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
            if dice.below(3) > 0 {
                follow(scene, asset);
            }
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
                vec![
                    deposit(ETH, 8 * ONE),
                    borrow(USDC, 9_000 * ONE),
                    withdraw(USDC, n(7_000 * ONE), ALICE),
                ],
                vec![supply(ETH, ONE)],
                vec![pieces::provide(scene, ETH, ONE, USDC, 2_000 * ONE)],
            ];
            // Debts are what orders on health wait for.
            let at: usize = dice.of(&[0, 1, 2, 3, 3, 3, 4, 5]);
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
    // Something to sell of each, and a debt that is not far from the floors of orders on health.
    let batch = [
        deposit(ETH, 20 * ONE),
        deposit(RISKY, 500 * ONE),
        borrow(USDC, 25_000 * ONE),
        withdraw(USDC, n(20_000 * ONE), ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
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
    let kinds: BTreeMap<u64, u8> = events::<TriggerCreated>(&scene, from)
        .into_iter()
        .map(|created| (created.id, created.order.kind))
        .collect();
    let mut fired = BTreeMap::<u8, u32>::new();
    for event in events::<TriggerFired>(&scene, from) {
        *fired.entry(kinds[&event.id]).or_default() += 1;
    }
    let failed = events::<TriggerFailed>(&scene, from).len();
    let ended = events::<TriggerEnded>(&scene, from);
    let reasons: BTreeSet<_> = ended.iter().map(|ended| ended.reason).collect();
    let mut placed = BTreeMap::<u8, u32>::new();
    for kind in kinds.values() {
        *placed.entry(*kind).or_default() += 1;
    }
    println!(
        "placed by kind {placed:?}, fired {fired:?}, {failed} failed, {} ended for {reasons:?}",
        ended.len()
    );
    for (kind, least) in FIRED_MIN {
        let times = fired.get(&kind.number()).copied().unwrap_or_default();
        assert!(times >= least, "{kind:?} fired {times} times");
    }
    assert!(failed >= 5, "{failed}");
    assert!(reasons.is_superset(&[1, 2, 3].into()), "{reasons:?}");
}
