//! Attacks on whoever trusts a price.

use super::scene::{ATTACKER, FEED, ONE, Scene, USD, at_price};
use crate::{
    oracle::{self, IOracle},
    testkit::OWNER,
};

/// A feed stops at 0.107 dollars while the market is at 0.01: whoever buys there borrows here.
pub(super) fn luna_stale_price() -> i128 {
    let mut scene = Scene::new(USD * 107 / 1_000, FEED);
    for _ in 0..10 {
        scene.report_dollars(30_000);
    }
    let bought = scene.post(ATTACKER, 1_000_000 * ONE);
    let cost = at_price(bought, USD / 100);
    let lent = scene.borrow_against(ATTACKER);
    at_price(lent, USD) - cost
}

/// An oracle that is hard-coded to one dollar, a token that is worth 0.26.
pub(super) fn xusd_fixed_price() -> i128 {
    let mut scene = Scene::new(USD, FEED);
    for _ in 0..150 {
        scene.report_exactly(30_000, USD);
    }
    let bought = scene.post(ATTACKER, 1_000_000 * ONE);
    let cost = at_price(bought, USD * 26 / 100);
    let lent = scene.borrow_against(ATTACKER);
    at_price(lent, USD) - cost
}

/// A cap on the growth of a staked coin is set far too low; the market goes on, and whoever liquidates at the capped
/// price takes sound accounts apart.
pub(super) fn capo_misconfigured() -> i128 {
    let mut scene = Scene::new(2_000 * USD, FEED);
    let victim = capstan_units::AccountId::new(crate::testkit::BOB, 7);
    scene.post(victim, 100 * ONE);
    scene.borrow_against(victim);
    let tight = IOracle::FeedParams {
        growthBpsPerYear: 1,
        ..FEED
    };
    let call = IOracle::setFeedParamsCall {
        assetId: scene.other.id.get(),
        params: tight,
    };
    scene.world.ok(OWNER, oracle::ADDRESS, &call);
    // The market rises by 30 % in small steps, and the victim borrows along: at its price he is sound.
    let mut price = 2_000 * USD;
    while price < 2_600 * USD {
        price = price / 1_000 * 1_003;
        scene.report(30_000, price);
    }
    let more = capstan_units::Assets::new(55_000 * ONE).expect("in range");
    let dollar = scene.dollar.id;
    let lent = scene
        .world
        .inside(super::scene::ROOM, super::scene::ROOM, |cx| {
            crate::lending::borrow(cx, dollar, victim, more)
        });
    lent.expect("lends");
    match scene.liquidate(victim) {
        Some((taken, paid)) => at_price(taken, price) - at_price(paid, USD),
        None => 0,
    }
}
