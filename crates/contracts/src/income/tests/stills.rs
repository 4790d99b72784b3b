//! The chain stands still, and no loan is worse for it (INC-15).

use super::{blocks::turn, *};
use crate::still::RETURN_MS;

const HOUR_MS: u64 = 3_600_000;
const LONG_MS: u64 = 10 * DAY_MS;

#[test]
fn inc_15_no_case_is_opened_for_a_time_in_which_nobody_could_do_anything() {
    let (mut scene, id, _) = Scene::indebted();
    scene.wait(DAY_MS);
    scene.beat(KEYS[0], id);
    let next_ms = scene.book(id).nextMs;
    scene.wait(HOUR_MS);
    // An instalment is due since an hour, another nine fall due, and the machine is silent for all that time.
    scene.world.stand_still_ms(LONG_MS);
    turn(&mut scene);
    assert_eq!(scene.advance(id), 0, "neither dark nor unpaid");
    assert_eq!(scene.book(id).nextMs, next_ms + LONG_MS + RETURN_MS);
    scene.wait(RETURN_MS);
    let silent = scene.world.clone();
    scene.beat(KEYS[0], id);
    // It has all the time to pay that it had; then it is as late as ever.
    scene.wait(2 * DAY_MS - HOUR_MS - DAY_MS / 2);
    scene.beat(KEYS[0], id);
    scene.wait(DAY_MS / 2);
    assert_eq!(scene.advance(id), 0);
    scene.wait(1);
    assert_eq!(scene.advance(id), Stage::Redirected.number());
    assert_eq!(scene.case(1).reason, 1, "unpaid");
    scene.world = silent;
    scene.wait(DAY_MS);
    assert_eq!(scene.advance(id), 0);
    scene.wait(1);
    assert_eq!(scene.advance(id), Stage::Redirected.number());
    assert_eq!(scene.case(1).reason, 2, "dark");
}

#[test]
fn inc_15_grace_and_auction_stand_still_with_their_chain() {
    let (mut scene, id, _) = Scene::indebted();
    scene.wait(DAY_MS + HOUR_MS + 1);
    assert_eq!(scene.advance(id), Stage::Redirected.number());
    scene.wait(DAY_MS - HOUR_MS);
    let grace_ms = scene.case(1).untilMs;
    scene.world.stand_still_ms(LONG_MS);
    turn(&mut scene);
    assert_eq!(scene.case(1).stage, Stage::Redirected.number());
    assert_eq!(scene.case(1).untilMs, grace_ms + LONG_MS + RETURN_MS);
    scene.wait(RETURN_MS + HOUR_MS);
    assert_eq!(scene.advance(id), Stage::Auction.number());
    scene.wait(DAY_MS / 2);
    let call = titlePriceCall { machineId: id };
    let half = scene.world.view(ADDRESS, &call);
    scene.world.stand_still_ms(LONG_MS);
    turn(&mut scene);
    assert_eq!(scene.case(1).stage, Stage::Auction.number());
    assert_eq!(scene.world.view(ADDRESS, &call), half);
    scene.wait(RETURN_MS + HOUR_MS);
    assert!(scene.world.view(ADDRESS, &call) < half);
    scene.wait(DAY_MS / 2 - HOUR_MS);
    assert_eq!(scene.advance(id), Stage::Unsold.number());
}

/// The machine lives on, and nobody pays.
fn live_until(scene: &mut Scene, id: u64, time_ms: u64) {
    assert!(scene.now_ms() <= time_ms, "not yet over");
    while scene.now_ms() < time_ms {
        let left_ms = time_ms - scene.now_ms();
        scene.wait(left_ms.min(DAY_MS / 2));
        if left_ms > DAY_MS / 2 {
            scene.beat(KEYS[0], id);
        }
    }
}

/// Changes how long an instalment may be unpaid, which counts for loans made later.
fn allow_unpaid_s(scene: &mut Scene, id: u64, unpaid_s: u32) {
    scene.wait(HOUR_MS);
    scene.beat(KEYS[0], id);
    scene.set(|params| params.unpaidS = unpaid_s);
    scene.wait(HOUR_MS);
    scene.beat(KEYS[0], id);
}

fn assert_unpaid_behind(scene: &mut Scene, id: u64, time_ms: u64) {
    live_until(scene, id, time_ms);
    assert_eq!(scene.advance(id), 0);
    scene.wait(1);
    assert_eq!(scene.advance(id), Stage::Redirected.number());
    assert_eq!(scene.case(1).reason, 1, "unpaid");
}

#[test]
fn inc_15_a_loan_keeps_the_time_that_it_was_made_with() {
    // The chain stands still before anything is due: that puts nothing off, even if later loans may be unpaid for longer.
    let (mut scene, id, _) = Scene::indebted();
    let due_ms = scene.now_ms() + DAY_MS;
    scene.world.stand_still_ms(DAY_MS / 2);
    turn(&mut scene);
    allow_unpaid_s(&mut scene, id, 10 * 86_400);
    assert_unpaid_behind(&mut scene, id, due_ms + 2 * DAY_MS);
    // It stands still while an instalment is unpaid that may be so for long, even if later ones may not.
    let (mut scene, id) = Scene::machine();
    allow_unpaid_s(&mut scene, id, 10 * 86_400);
    scene.days(id, KEYS[0], 31);
    scene.borrow(id, n(1_000));
    let due_ms = scene.now_ms() + DAY_MS;
    live_until(&mut scene, id, due_ms + HOUR_MS);
    scene.world.stand_still_ms(LONG_MS);
    turn(&mut scene);
    allow_unpaid_s(&mut scene, id, 3_600);
    let stood_ms = LONG_MS + RETURN_MS;
    assert_unpaid_behind(&mut scene, id, due_ms + 10 * DAY_MS + stood_ms);
}
