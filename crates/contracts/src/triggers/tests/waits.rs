//! What an order remembers while it waits: its best price, its failures, and when it ends.

use super::*;
use crate::testkit::accounts::{Listing, bps};

const MINUTE_MS: u64 = 60_000;

/// Alice's whole ETH leaves her account, or comes back.
fn empty(scene: &mut Scene) {
    scene.ok(ALICE, ALICES, &[withdraw(ETH, U256::MAX, ALICE)]);
}

fn fill(scene: &mut Scene) {
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
}

/// The block looks at this order alone, which fails; answers in how many seconds it tries again.
fn fails(scene: &mut Scene, id: u64) -> u64 {
    let from = scene.log_count();
    assert_eq!(look(scene), [id]);
    let failed = events::<TriggerFailed>(scene, from);
    let now_ms = scene.world.store.block_mut().time_ms;
    failed[0].retryMs.div_ceil(1_000) - now_ms / 1_000
}

/// TRIG-1: a look that fires nothing, at a price below the best, leaves the best as it is; TRIG-4: and forgets failures.
#[test]
fn trig_1_trailing_remembers_its_best_price_and_no_old_failures() {
    let mut scene = start();
    fill(&mut scene);
    let order = Order {
        kind: 2,
        distanceSteps: 8,
        ..plain(&mut scene)
    };
    let id = create(&mut scene, &order);
    scene.prices(&[(ETH, 2_230 * USD)]);
    assert_eq!(look(&mut scene), [id]);
    let best = standing(&scene, id).firesAt;
    // It would fire, and there is nothing to sell.
    empty(&mut scene);
    scene.prices(&[(ETH, 2_010 * USD)]);
    assert!(best >= n(2_010 * USD), "{best}");
    assert_eq!(fails(&mut scene, id), 60);
    scene.world.wait_ms(MINUTE_MS);
    assert_eq!(fails(&mut scene, id), 120);
    assert_eq!(standing(&scene, id).failures, 2);
    // Until the block tries again the price is half-way back: nothing fires.
    scene.prices(&[(ETH, 2_150 * USD)]);
    scene.world.wait_ms(2 * MINUTE_MS);
    let from = scene.log_count();
    assert_eq!(look(&mut scene), [id]);
    assert_eq!(events::<TriggerFailed>(&scene, from).len(), 0);
    assert_eq!(standing(&scene, id).firesAt, best);
    assert_eq!(standing(&scene, id).failures, 0);
    // The next failure is a first one, and when there is something to sell the old best fires.
    scene.prices(&[(ETH, 2_010 * USD)]);
    assert_eq!(fails(&mut scene, id), 60);
    fill(&mut scene);
    scene.world.wait_ms(MINUTE_MS);
    let from = scene.log_count();
    assert_eq!(look(&mut scene), [id]);
    assert_eq!(events::<TriggerFired>(&scene, from)[0].sold, n(10 * ONE));
    assert_eq!(orders(&scene), [] as [u64; 0]);
}

/// TRIG-8: an order that would try again after its end is called at its end, and its coins come back then.
#[test]
fn trig_8_no_order_waits_beyond_its_end() {
    let mut scene = start();
    let expires_ms = scene.world.store.block_mut().time_ms.div_ceil(1_000) * 1_000 + 90_000;
    let order = Order {
        expiresMs: expires_ms,
        ..stop_at(&mut scene, 1_800 * USD)
    };
    let id = create(&mut scene, &order);
    scene.prices(&[(ETH, 1_780 * USD)]);
    assert_eq!(fails(&mut scene, id), 60);
    scene.world.wait_ms(MINUTE_MS);
    assert!(fails(&mut scene, id) <= 31, "not after two minutes");
    let now_ms = scene.world.store.block_mut().time_ms;
    scene.world.wait_ms(expires_ms - 1_001 - now_ms);
    assert_eq!(due(&mut scene), [] as [u64; 0]);
    scene.world.wait_ms(1_001);
    let before = coins(&mut scene, ALICE);
    assert_eq!(look(&mut scene), [id]);
    assert_eq!(orders(&scene), [] as [u64; 0]);
    assert!(coins(&mut scene, ALICE) > before);
}

/// TRIG-2: an account that stands nearer to its floor than a tick of a price costs its order a look a minute, not one in
/// every block; a price beyond the tick calls at once.
#[test]
fn trig_2_nearer_to_the_floor_than_a_tick_is_looked_at_once_a_minute() {
    let still = |price, counts| {
        let mut listing = Listing::new(price, counts);
        (listing.market.slope1Bps, listing.market.slope2Bps) = (0, 0);
        listing
    };
    let mut scene = Scene::with(&[
        still(2_000 * USD, bps(8_000, 8_500)),
        still(USD, bps(8_500, 9_000)),
    ]);
    scene.world.store.set_coins(ALICE, n(COINS));
    fill(&mut scene);
    let debt = [borrow(USDC, 10_000 * ONE), withdraw(USDC, U256::MAX, ALICE)];
    scene.ok(ALICE, ALICES, &debt);
    // It fires at 1.205, and 12,050.025 dollars count.
    let near = 1_417 * USD + USD * 65 / 100;
    scene.prices(&[(ETH, near)]);
    scene.look();
    let order = deleverage(&mut scene, 12_000, 14_000);
    let id = create(&mut scene, &order);
    for _ in 0..3 {
        scene.world.wait_ms(250);
        assert_eq!(due(&mut scene), [] as [u64; 0]);
    }
    scene.world.wait_ms(MINUTE_MS);
    let from = scene.log_count();
    assert_eq!(look(&mut scene), [id]);
    assert_eq!(events::<TriggerFailed>(&scene, from).len(), 0);
    assert_eq!(due(&mut scene), [] as [u64; 0]);
    scene.prices(&[(ETH, near - near / 40_000)]);
    assert_eq!(due(&mut scene), [id]);
}
