//! From reports to an accepted price: the median, its age, and jumps (ORC-3 to ORC-5).

use super::*;

#[test]
fn orc_3_less_than_half_cannot_move_the_median() {
    let mut random = model::Random::new("orc_3");
    for _ in 0..20_000 {
        let count = 1 + random.below(16);
        let liars = random.below(count.div_ceil(2));
        let honest = |random: &mut model::Random| 1_000 + u128::from(random.below(100));
        let mut counted: Vec<_> = (0..count)
            .map(|at| Observation {
                price: price(if at < liars {
                    u128::from(random.below(u64::MAX)) * u128::from(random.below(100_000))
                } else {
                    honest(&mut random)
                }),
                confidence_bps: 1,
                time_ms: 1 + random.below(50),
            })
            .collect();
        let span = counted[liars as usize..].iter().map(|one| one.price);
        let (low, high) = (span.clone().min().unwrap(), span.max().unwrap());
        random.shuffle(&mut counted);
        let round = Round::of(&counted, 1).expect("a quorum");
        assert!(
            (low..=high).contains(&round.median),
            "{count} {liars} {counted:?}"
        );
    }
}

#[test]
fn medians_and_distances() {
    let sorted =
        |prices: &[u128]| median_down(&prices.iter().map(|p| price(*p)).collect::<Vec<_>>());
    assert_eq!(sorted(&[]), None);
    assert_eq!(sorted(&[5]), Some(price(5)));
    assert_eq!(sorted(&[5, 8]), Some(price(6)));
    assert_eq!(sorted(&[1, 5, 8]), Some(price(5)));
    assert_eq!(sorted(&[1, 5, 8, 100]), Some(price(6)));
    let max = Price::MAX.get();
    assert_eq!(sorted(&[max, max]), Some(Price::MAX));
    for (a, b, bps) in [
        (100, 100, 0),
        (100, 105, 500),
        (105, 100, 500),
        (100_000, 100_001, 1),
        (0, 0, 0),
        (0, 1, u64::MAX),
        (1, max, u64::MAX),
    ] {
        assert_eq!(distance_bps_up(price(a), price(b)), bps, "{a} {b}");
    }
    assert_eq!(band_bps_down(500, 100, 59_999), 599);
    assert_eq!(band_bps_down(500, 100, 60_000), 600);
    assert_eq!(
        band_bps_down(u16::MAX, u16::MAX, u64::MAX),
        u64::MAX / 60_000 + 65_535
    );
}

#[test]
fn orc_4_an_answered_price_is_fresh() {
    let mut scene = Scene::priced(PARAMS);
    scene.world.wait_ms(60_000);
    assert!(scene.price(PriceUse::Liquidate, Side::Debt).is_ok());
    scene.world.wait_ms(1);
    let stale = Unusable::Stale {
        age_ms: 60_001,
        max_ms: 60_000,
    };
    for price_use in [PriceUse::Borrow, PriceUse::Liquidate, PriceUse::View] {
        assert_eq!(scene.unusable(price_use), Some(stale));
        let halt = scene.price(price_use, Side::Debt).unwrap_err();
        assert_eq!(halt, revert(&unusable(WETH, stale)));
    }
}

/// One reporter that keeps talking does not keep a price alive: it lives from when a quorum spoke last.
#[test]
fn orc_4_age_counts_from_the_quorum() {
    let mut scene = Scene::priced(PARAMS);
    let spoken_ms = scene.now_ms();
    for _ in 0..5 {
        scene.world.wait_ms(10_000);
        scene.say(&[(R[0], 2_000 * USD + 5)]);
        assert_eq!(scene.state(WETH).timeMs, spoken_ms);
    }
    scene.world.wait_ms(10_001);
    let stale = Unusable::Stale {
        age_ms: 60_001,
        max_ms: 60_000,
    };
    assert_eq!(scene.unusable(PriceUse::View), Some(stale));
}

#[test]
fn orc_5_a_jump_is_confirmed_before_it_counts() {
    let mut scene = Scene::priced(PARAMS);
    let before = scene.state(WETH).spot;
    let jump = 2_300 * USD;
    for confirmed in 1..=2 {
        scene.agree(1_000, jump);
        assert_eq!(scene.state(WETH).spot, before, "after {confirmed} rounds");
        let doubt = scene.unusable(PriceUse::Liquidate);
        assert!(
            matches!(doubt, Some(Unusable::OutOfBand { bps: 1_500.., .. })),
            "{doubt:?}"
        );
    }
    scene.agree(1_000, jump);
    let state = scene.state(WETH);
    assert!(state.spot >= jump && state.reason == 0, "{state:?}");
}

#[test]
fn orc_5_a_jump_that_comes_back_is_forgotten() {
    let mut scene = Scene::priced(PARAMS);
    for _ in 0..3 {
        scene.agree(1_000, 2_300 * USD);
        scene.agree(1_000, 2_300 * USD);
        scene.agree(1_000, 2_010 * USD);
        assert_eq!(scene.unusable(PriceUse::Borrow), None);
        assert!(scene.state(WETH).spot < 2_011 * USD);
    }
}

/// Levels that do not agree with each other confirm nothing.
#[test]
fn orc_5_noise_is_never_accepted() {
    let mut scene = Scene::priced(PARAMS);
    for high in [true, false].repeat(10) {
        scene.agree(1_000, if high { 3_000 } else { 2_500 } * USD);
        assert!(scene.state(WETH).spot < 2_001 * USD);
    }
}

/// Reports that a block orders one by one are one round, not many.
#[test]
fn orc_5_old_observations_confirm_nothing() {
    let mut scene = Scene::priced(PARAMS);
    scene.agree(1_000, 2_300 * USD);
    for _ in 0..20 {
        scene.world.wait_ms(100);
        let old = 2_300 * USD + u128::from(scene.rounds);
        scene.say(&[(R[0], old)]);
    }
    assert!(
        scene.state(WETH).spot < 2_001 * USD,
        "one reporter is no quorum of new observations"
    );
}

#[test]
fn orc_5_more_than_ten_times_needs_the_owner() {
    for (level, accepted) in [
        (19_999 * USD, true),
        (20_100 * USD, false),
        (190 * USD, false),
        (201 * USD, true),
    ] {
        let mut scene = Scene::priced(PARAMS);
        for _ in 0..10 {
            scene.agree(1_000, level);
        }
        assert_eq!(scene.state(WETH).reason == 0, accepted, "{level}");
        if !accepted {
            let reset = resetFeedCall {
                assetId: WETH,
                referencePrice: level,
            };
            scene.world.ok(OWNER, ORACLE, &reset);
            for _ in 0..3 {
                scene.agree(1_000, level);
            }
            assert_eq!(scene.unusable(PriceUse::View), None);
            assert!(matches!(
                scene.unusable(PriceUse::Borrow),
                Some(Unusable::Grace { .. })
            ));
        }
    }
}
