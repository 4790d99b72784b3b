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
