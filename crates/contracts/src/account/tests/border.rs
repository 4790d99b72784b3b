//! Accounts that stand at health one, or nearer to it than a tick of a price: whom the block looks at, and when.

use super::*;
use crate::{account::DEFER_MS, testkit::dice::Dice};

/// A tick is the 2^16th root of two; so much of health may be lost unseen, for a minute.
const TICK: u128 = USD / 65_536;

/// ETH and USDC in markets without interest: a price that stays changes nothing at all.
fn still() -> Scene {
    let listing = |price, counts| {
        let mut listing = Listing::new(price, counts);
        listing.market.slope1Bps = 0;
        listing.market.slope2Bps = 0;
        listing
    };
    Scene::with(&[
        listing(2_000 * USD, bps(8_000, 8_500)),
        listing(USD, bps(8_500, 9_000)),
    ])
}

/// Against ten ETH of hers that count 85 %: one at 1,600.
fn long(scene: &mut Scene) {
    let batch = [deposit(ETH, 10 * ONE), borrow(USDC, 13_600 * ONE)];
    scene.ok(ALICE, ALICES, &batch);
    scene.ok(ALICE, ALICES, &[withdraw(USDC, U256::MAX, ALICE)]);
    scene.prices(&[(ETH, 1_600 * USD)]);
}

/// The same of supply in a market.
fn supplied(scene: &mut Scene) {
    let batch = [deposit(ETH, 10 * ONE), supply(ETH, 10 * ONE)];
    scene.ok(ALICE, ALICES, &batch);
    scene.ok(ALICE, ALICES, &take(USDC, 13_600 * ONE));
    scene.prices(&[(ETH, 1_600 * USD)]);
}

/// Four ETH against 10,000 dollars that count 90 %: one at 2,250.
fn short(scene: &mut Scene) {
    scene.ok(ALICE, ALICES, &[deposit(USDC, 10_000 * ONE)]);
    scene.ok(ALICE, ALICES, &take(ETH, 4 * ONE));
    scene.prices(&[(ETH, 2_250 * USD)]);
}

/// LIQ-1: she costs a look a minute and none beside it; the least move is seen within a minute, a tick at once.
fn check(open: fn(&mut Scene), worse: fn(u128, u128) -> u128) {
    let mut scene = still();
    open(&mut scene);
    assert_eq!(scene.report(ALICES).healthMaintenance, wad(100));
    scene.look();
    for _ in 0..3 {
        scene.world.wait_ms(250);
        assert_eq!(scene.due(), [], "nothing moved");
        scene.report_prices(&[(ETH, scene.clone().spot(ETH))]);
        assert_eq!(scene.due(), [], "nor did the price");
    }
    let at = scene.spot(ETH);
    scene.world.wait_ms(DEFER_MS);
    assert_eq!(scene.look(), [ALICES]);
    assert_eq!(scene.due(), []);

    let mut least = scene.clone();
    least.prices(&[(ETH, worse(at, 1_000_000_000_000))]);
    assert!(least.unhealthy(ALICES));
    least.world.wait_ms(DEFER_MS);
    assert_eq!(least.look(), [ALICES], "within a minute");
    assert_eq!(least.events::<OfferOpened>(0).len(), 1);

    scene.prices(&[(ETH, worse(at, at / 20_000))]);
    assert_eq!(scene.look(), [ALICES], "at once");
    assert_eq!(scene.events::<OfferOpened>(0).len(), 1);
}

#[test]
fn liq_1_exactly_at_one_is_looked_at_once_a_minute() {
    check(long, |price, by| price - by);
    check(supplied, |price, by| price - by);
    check(short, |price, by| price + by);
}

/// With interest, whoever is exactly at one is below it as soon as a unit accrued.
#[test]
fn liq_1_exactly_at_one_with_interest_is_looked_at_when_it_is_owed() {
    let mut scene = Scene::new();
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    scene.ok(ALICE, ALICES, &take(USDC, 13_600 * ONE));
    let price = scene.report(ALICES).debt / n(85) * n(10);
    scene.prices(&[(ETH, u128::try_from(price).expect("small") + 1)]);
    for _ in 0..400 {
        scene.look();
        if scene.unhealthy(ALICES) {
            break;
        }
        scene.world.wait_ms(250);
    }
    assert!(scene.unhealthy(ALICES), "interest lowers her health");
    assert_eq!(scene.events::<OfferOpened>(0).len(), 1);
}

/// LIQ-1: many who stand within a few ticks of one, and a price that moves by less than a tick, and by some. Whoever is
/// called is not called again while nothing moves; whoever is unhealthy and not called lacks less than a tick.
#[test]
fn liq_1_around_one_who_waits_lacks_less_than_a_tick() {
    const PEOPLE: u8 = 12;
    let mut dice = Dice::new("liq_1_around_one_who_waits_lacks_less_than_a_tick");
    let mut begun = still();
    for index in 0..PEOPLE {
        let who = AccountId::new(ALICE, index);
        // Debts half a tick apart, around 13,600.
        let debt = 13_600 * ONE - 420_000 + 70_000 * u128::from(index);
        begun.ok(ALICE, who, &[deposit(ETH, 10 * ONE), borrow(USDC, debt)]);
        begun.ok(ALICE, who, &[withdraw(USDC, U256::MAX, ALICE)]);
    }
    begun.world.sweep_every = u32::MAX;
    let (mut waits, mut calls) = (0, 0);
    for _ in 0..40 {
        let mut scene = begun.clone();
        let first = 1_600 * USD - 3_200 * TICK + dice.below(6_400 * TICK);
        scene.prices(&[(ETH, first)]);
        scene.look();
        assert_eq!(scene.due(), [], "nothing moved since");
        let well: Vec<AccountId> = (0..PEOPLE)
            .map(|index| AccountId::new(ALICE, index))
            .filter(|who| !scene.clone().unhealthy(*who))
            .collect();
        let most = dice.of(&[800, 3_200]);
        scene.prices(&[(ETH, first - dice.below(most * TICK))]);
        let due = scene.due();
        for who in well.into_iter().filter(|who| scene.clone().unhealthy(*who)) {
            if due.contains(&who) {
                calls += 1;
                continue;
            }
            waits += 1;
            let health = scene.report(who).healthMaintenance;
            assert!(health >= n(USD - TICK), "{who} is at {health}, and waits");
        }
        scene.world.wait_ms(DEFER_MS);
        scene.look();
        let left = (0..PEOPLE).filter(|index| {
            let account = reference(AccountId::new(ALICE, *index));
            let offer = scene.world.view(ADDRESS, &offerOfCall { account });
            let is_sick = scene.clone().unhealthy(AccountId::new(ALICE, *index));
            is_sick != (offer.sinceMs != 0)
        });
        assert_eq!(
            left.count(),
            0,
            "all who are unhealthy are on offer, and no other"
        );
    }
    assert!(waits > 0 && calls > 0, "{waits} waits, {calls} calls");
}
