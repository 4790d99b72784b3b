//! What went wrong elsewhere, played here: each test names the incident and what the oracle answers instead.

use super::*;

/// Venus and Blizz, May 2022: LUNA's feed stopped at its lowest allowed answer, 0.107 dollars, while the market was at
/// 0.01. Whoever bought for 0.01 borrowed against 0.107. Here: a source that stops is stale; one that repeats its
/// lowest answer is stuck; neither lends.
#[test]
fn luna_a_feed_that_stops_or_is_clamped_lends_nothing() {
    let luna = || {
        let mut scene = Scene::empty();
        scene.list(WETH, USD, PARAMS);
        for _ in 0..3 {
            scene.agree(1_000, USD);
        }
        // The fall, confirmed level by level.
        let mut level = USD;
        while level > USD / 9 {
            level = level / 10 * 7;
            for _ in 0..3 {
                scene.agree(10_000, level);
            }
        }
        while scene.state(WETH).graceUntilMs > scene.now_ms() {
            scene.agree(10_000, level);
        }
        assert!(scene.price(PriceUse::Borrow, Side::Collateral).unwrap() < USD / 8);
        scene
    };

    let mut stopped = luna();
    stopped.world.wait_ms(60_001);
    assert!(matches!(
        stopped.unusable(PriceUse::Borrow),
        Some(Unusable::Stale { .. })
    ));

    let mut clamped = luna();
    let floor = clamped.state(WETH).spot;
    let mut lent_ms = 0;
    let begin_ms = clamped.now_ms();
    for _ in 0..500 {
        clamped.world.wait_ms(10_000);
        clamped.say(&R.map(|reporter| (reporter, floor)));
        if clamped.unusable(PriceUse::Borrow).is_none() {
            lent_ms = clamped.now_ms() - begin_ms;
        }
    }
    assert_eq!(lent_ms, 3_600_000, "no longer than stillMs");
    assert!(matches!(
        clamped.unusable(PriceUse::Borrow),
        Some(Unusable::Stuck { .. })
    ));

    // As long as one more than half is not clamped, the fall goes on.
    let mut mixed = luna();
    let mut level = mixed.state(WETH).spot;
    for _ in 0..8 {
        level = level / 10 * 8;
        for _ in 0..3 {
            mixed.world.wait_ms(10_000);
            let honest = level + u128::from(mixed.rounds);
            mixed.say(&[(R[0], floor), (R[1], honest), (R[2], honest)]);
        }
        assert!(mixed.price(PriceUse::Liquidate, Side::Collateral).unwrap() < level + 1_000);
    }
}

/// Aave, March 2026: a cap on wstETH's growth was set from a snapshot that lay too low, so the price stood 2.85 % below
/// the market and 27 million dollars were liquidated. Here: a cap that binds by mistake alarms and lowers what may be
/// borrowed; nobody is liquidated by it, and a cap never lowers a price that was accepted.
#[test]
fn capo_a_cap_that_binds_by_mistake_liquidates_nobody() {
    let mut scene = Scene::priced(PARAMS);
    // The cap is switched on with far too little growth.
    let tight = IOracle::FeedParams {
        growthBpsPerYear: 1,
        ..PARAMS
    };
    let call = setFeedParamsCall {
        assetId: WETH,
        params: tight,
    };
    let before = scene.state(WETH).spot;
    scene.world.ok(OWNER, ORACLE, &call);
    assert_eq!(scene.state(WETH).spot, before);
    let from = scene.log_count();
    let mut least = u128::MAX;
    for _ in 0..100 {
        let market = scene.state(WETH).raw / 100_000 * 100_030;
        scene.agree(30_000, market);
        least = least.min(scene.price(PriceUse::Liquidate, Side::Collateral).unwrap());
    }
    let state = scene.state(WETH);
    let short_bps = distance_bps_up(price(state.raw), price(state.spot));
    assert!(short_bps >= 285, "the cap is {short_bps} bps too low");
    assert!(
        least >= before,
        "collateral is liquidated by the market's price, not by the cap's"
    );
    assert!(state.spot >= before, "the cap lowers nothing");
    assert_eq!(
        scene.events::<GrowthCapped>(from).len(),
        99,
        "and says so each time"
    );
    assert_eq!(
        scene.price(PriceUse::Borrow, Side::Collateral),
        Ok(state.spot.min(state.smoothed))
    );
}

/// A market that falls by 30 % while the reporters are out. A fixed band would stop all liquidation just when it is
/// needed. Here: the first prices are believed after they are confirmed (or at once, if the band has widened enough),
/// a grace period lets borrowers act, then liquidation goes on at the new price.
#[test]
fn a_real_gap_after_an_outage_is_accepted_then_liquidates() {
    for (outage_ms, rounds) in [(400_000, 3), (3_600_000, 1)] {
        let mut scene = Scene::priced(PARAMS);
        let before = scene.state(WETH).spot;
        scene.world.wait_ms(outage_ms);
        let now = before / 10 * 7;
        for round in 1..=rounds {
            assert!(scene.unusable(PriceUse::Liquidate).is_some());
            scene.agree(1_000, now);
            assert_eq!(
                scene.state(WETH).spot < before,
                round == rounds,
                "{outage_ms}: {round}"
            );
        }
        let until_ms = scene.state(WETH).graceUntilMs;
        assert!(until_ms > scene.now_ms());
        while scene.now_ms() < until_ms {
            assert_eq!(
                scene.unusable(PriceUse::Liquidate),
                Some(Unusable::Grace { until_ms })
            );
            scene.agree(10_000, now);
        }
        let spot = scene.price(PriceUse::Liquidate, Side::Collateral).unwrap();
        assert!(near(spot, now));
    }
}

fn near(a: u128, b: u128) -> bool {
    distance_bps_up(price(a), price(b)) <= 1
}

/// dYdX, October 2025: after eight hours of halt the chain went on with the prices of before. Here: those are stale from
/// the first block on.
#[test]
fn dydx_after_a_halt_old_prices_do_nothing() {
    let mut scene = Scene::priced(PARAMS);
    scene.world.wait_ms(8 * 3_600_000);
    for price_use in [PriceUse::Borrow, PriceUse::Liquidate, PriceUse::View] {
        assert!(matches!(
            scene.unusable(price_use),
            Some(Unusable::Stale { .. })
        ));
    }
    // Reports that were signed before the halt and arrive after it are expired.
    let mut early = Scene::priced(PARAMS);
    early.world.wait_ms(1_000);
    let old = early.signed(R[0], 2_000 * USD);
    let from = scene.log_count();
    scene.prices(&[old]);
    let refusals = scene.events::<ReportRefused>(from);
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].reason, 5);
}

/// Stream xUSD, November 2025: the oracle was hard-coded, so lenders learned last. Here nobody can fix a price: the owner
/// has no verb for it, a constant that reporters repeat is stuck, and honest reporters carry the fall through.
#[test]
fn xusd_a_fixed_price_is_no_price() {
    let mut scene = Scene::listed(PARAMS);
    scene.world.ok(
        OWNER,
        ORACLE,
        &resetFeedCall {
            assetId: WETH,
            referencePrice: USD,
        },
    );
    assert_eq!(
        scene.unusable(PriceUse::Borrow),
        Some(Unusable::NeverReported)
    );
    // The owner as the only reporter is no quorum.
    let reporter = OWNER;
    scene.world.ok(OWNER, ORACLE, &addReporterCall { reporter });
    grant(&mut scene.world, reporter);
    for _ in 0..5 {
        scene.world.wait_ms(1_000);
        scene.say(&[(OWNER, USD)]);
    }
    assert_eq!(
        scene.unusable(PriceUse::Borrow),
        Some(Unusable::NeverReported)
    );
    // Everybody repeats one dollar: usable for at most stillMs, then stuck.
    for _ in 0..400 {
        scene.world.wait_ms(10_000);
        scene.say(&R.map(|reporter| (reporter, USD)));
    }
    assert!(matches!(
        scene.unusable(PriceUse::Borrow),
        Some(Unusable::Stuck { .. })
    ));
    // The true price falls to 0.26 within minutes, and the feed with it.
    let mut level = USD;
    while level > USD / 100 * 26 {
        level = level / 100 * 80;
        for _ in 0..3 {
            scene.agree(5_000, level);
        }
    }
    assert!(near(scene.state(WETH).spot, level));
}

/// Moonwell, November 2025 and February 2026: a factor was missing in a feed, so one coin counted as one dollar, or
/// 10^10 times too much. Here: the first price is held against the reference that the listing states, a later one
/// against the last; ten times is the most that reporters alone can move it.
#[test]
fn moonwell_a_missing_factor_is_never_accepted() {
    for wrong in [2_000 * USD / 10_000_000_000, USD, 2_000 * USD * 1_000_000] {
        let mut fresh = Scene::listed(PARAMS);
        let mut used = Scene::priced(PARAMS);
        let right = used.state(WETH).spot;
        for _ in 0..50 {
            fresh.agree(1_000, wrong);
            used.agree(1_000, wrong);
        }
        assert_eq!(
            fresh.unusable(PriceUse::View),
            Some(Unusable::NeverReported)
        );
        assert!(matches!(
            used.unusable(PriceUse::View),
            Some(Unusable::OutOfBand { .. })
        ));
        assert_eq!(used.state(WETH).spot, right);
    }
}

/// One reporter of three is stolen: he says what he likes, as often as he likes.
#[test]
fn one_lying_reporter_of_three_moves_nothing() {
    let mut random = model::Random::new("one_lying");
    let mut scene = Scene::priced(PARAMS);
    for _ in 0..300 {
        scene.world.wait_ms(1_000);
        let honest = [(); 2].map(|()| 2_000 * USD + u128::from(random.below(1 << 60)));
        let lie = 1 + u128::from(random.below(u64::MAX)) * u128::from(random.below(1 << 40));
        let mut said = [(R[0], lie), (R[1], honest[0]), (R[2], honest[1])];
        random.shuffle(&mut said);
        scene.say(&said);
        let spot = scene.price(PriceUse::Liquidate, Side::Collateral).unwrap();
        let (low, high) = (honest[0].min(honest[1]), honest[0].max(honest[1]));
        assert!(
            (low..=high).contains(&spot),
            "{spot} is not between {low} and {high}"
        );
    }
}

/// All reporters stop: within `staleMs` nothing that needs a price works, and each caller is told why.
#[test]
fn all_reporters_stop() {
    let mut scene = Scene::priced(PARAMS);
    let until_ms = scene.now_ms() + 60_000;
    while scene.now_ms() <= until_ms {
        assert_eq!(scene.unusable(PriceUse::Borrow), None);
        scene.world.wait_ms(10_000);
    }
    let age_ms = scene.now_ms() - (until_ms - 60_000);
    let stale = Unusable::Stale {
        age_ms,
        max_ms: 60_000,
    };
    let halt = scene.price(PriceUse::Borrow, Side::Collateral).unwrap_err();
    assert_eq!(halt, revert(&unusable(WETH, stale)));
    let Halt::Revert(data) = halt else {
        panic!("{halt:?}")
    };
    let help = crate::decode_error(&data).expect("an error of ours").help;
    assert!(
        help.contains("repaying and adding collateral need no price"),
        "{help}"
    );
}
