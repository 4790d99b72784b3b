//! What a price answers to whoever asks: doubts, smoothing, growth, grace, and the AggregatorV3 face (ORC-6 to ORC-8, ORC-11, ORC-12).

use super::*;

#[test]
fn orc_6_and_orc_11_the_worse_price_counts_to_borrow() {
    for level in [2_080 * USD, 1_920 * USD] {
        let mut scene = Scene::priced(PARAMS);
        scene.agree(1_000, level);
        let FeedState { spot, smoothed, .. } = scene.state(WETH);
        let (low, high) = (spot.min(smoothed), spot.max(smoothed));
        assert!(low < high, "the smoothed price follows slowly");
        assert_eq!(scene.price(PriceUse::Borrow, Side::Collateral), Ok(low));
        assert_eq!(scene.price(PriceUse::Borrow, Side::Debt), Ok(high));
        for side in [Side::Collateral, Side::Debt] {
            assert_eq!(scene.price(PriceUse::Liquidate, side), Ok(spot));
            assert_eq!(scene.price(PriceUse::View, side), Ok(spot));
        }
        let both = scene
            .world
            .ok(BOB, ORACLE, &borrowPriceOfCall { assetId: WETH });
        assert_eq!((both.collateral, both.debt), (low, high));
        let both = scene
            .world
            .ok(BOB, ORACLE, &liquidationPriceOfCall { assetId: WETH });
        assert_eq!((both.collateral, both.debt), (spot, spot));
    }
}

#[test]
fn orc_11_smoothing_never_passes_the_spot() {
    let mut random = model::Random::new("orc_11");
    for _ in 0..20_000 {
        let [from, spot] = [(); 2].map(|()| price(u128::from(random.below(1 << 40))));
        let (dt_ms, smooth_ms) = (random.below(1 << 30), random.below(1 << 20) as u32);
        let next = smoothed_toward(from, spot, dt_ms, smooth_ms).unwrap();
        assert!((from.min(spot)..=from.max(spot)).contains(&next));
    }
    // Half way after one time constant; at once without one.
    assert_eq!(
        smoothed_toward(price(100), price(200), 60, 60),
        Ok(price(150))
    );
    assert_eq!(
        smoothed_toward(price(200), price(100), 0, 0),
        Ok(price(100))
    );
    assert_eq!(
        smoothed_toward(price(200), price(100), 0, 60),
        Ok(price(200))
    );
}

#[test]
fn orc_7_growth_is_a_ceiling_that_alarms() {
    let rate = IOracle::FeedParams {
        growthBpsPerYear: 1_000,
        ..PARAMS
    };
    let mut scene = Scene::priced(rate);
    let base = scene.state(WETH);
    assert!(base.spot <= base.raw);
    // What accrues within 10 % a year passes.
    let from = scene.log_count();
    for _ in 0..100 {
        scene.world.wait_ms(30_000);
        let grown = grown_down(price(base.spot), 900, 30_000).unwrap().get();
        let level = scene.state(WETH).spot + grown - base.spot;
        scene.say(&R.map(|reporter| (reporter, level)));
    }
    assert!(scene.events::<GrowthCapped>(from).is_empty());
    // A pumped rate is cut: borrowers get the lower price, nobody is liquidated by either.
    let level = scene.state(WETH).spot;
    scene.agree(1_000, level + 30 * USD);
    let state = scene.state(WETH);
    assert!(
        state.raw >= level + 30 * USD && state.spot < level + USD,
        "{state:?}"
    );
    assert_eq!(scene.events::<GrowthCapped>(from).len(), 1);
    assert!(scene.price(PriceUse::Borrow, Side::Collateral).unwrap() <= state.spot);
    assert_eq!(scene.price(PriceUse::Borrow, Side::Debt), Ok(state.raw));
    assert_eq!(
        scene.price(PriceUse::Liquidate, Side::Collateral),
        Ok(state.raw)
    );
    assert_eq!(scene.price(PriceUse::Liquidate, Side::Debt), Ok(state.spot));
    // A falling rate passes at once.
    scene.agree(1_000, level - 30 * USD);
    let state = scene.state(WETH);
    assert_eq!(state.spot, state.raw);
    assert!(state.spot < level - 29 * USD);
}

#[test]
fn orc_8_grace_follows_an_outage_a_freeze_and_the_first_price() {
    let mut scene = Scene::listed(PARAMS);
    for _ in 0..3 {
        scene.agree(1_000, 2_000 * USD);
    }
    let expect_grace = |scene: &mut Scene| {
        let until_ms = scene.state(WETH).graceUntilMs;
        assert!(until_ms >= scene.now_ms() + 120_000 && until_ms < scene.now_ms() + 121_000);
        while scene.now_ms() < until_ms {
            let grace = Unusable::Grace { until_ms };
            assert_eq!(scene.unusable(PriceUse::Borrow), Some(grace));
            assert_eq!(scene.unusable(PriceUse::Liquidate), Some(grace));
            assert_eq!(scene.unusable(PriceUse::View), None);
            scene.agree(20_000, 2_000 * USD);
        }
        assert_eq!(scene.unusable(PriceUse::Liquidate), None);
    };
    expect_grace(&mut scene);
    scene.agree(300_001, 2_000 * USD);
    expect_grace(&mut scene);
    scene.world.ok(OWNER, ORACLE, &freezeCall { assetId: WETH });
    assert_eq!(scene.unusable(PriceUse::View), Some(Unusable::Frozen));
    scene.agree(1_000, 2_000 * USD);
    assert_eq!(scene.unusable(PriceUse::View), Some(Unusable::Frozen));
    scene
        .world
        .ok(OWNER, ORACLE, &unfreezeCall { assetId: WETH });
    expect_grace(&mut scene);
    // A second unfreeze is no new grace: the owner cannot hold liquidations up with it for free.
    scene
        .world
        .ok(OWNER, ORACLE, &unfreezeCall { assetId: WETH });
    assert_eq!(scene.unusable(PriceUse::Liquidate), None);
    // A shorter silence needs none.
    scene.agree(299_000, 2_000 * USD);
    assert_eq!(scene.unusable(PriceUse::Liquidate), None);
}

#[test]
fn unsure_reporters_and_a_stuck_median_are_doubts() {
    let mut scene = Scene::priced(PARAMS);
    let mut unsure = |bps: [u16; 3]| {
        scene.world.wait_ms(1_000);
        let reports: Vec<_> = (0..3)
            .map(|at| {
                let mut report = scene.report(&[(WETH, 2_000 * USD + 7)]);
                report.entries[0].confidenceBps = bps[at];
                signed_by(R[at], report)
            })
            .collect();
        scene.prices(&reports);
        scene.unusable(PriceUse::View)
    };
    assert_eq!(
        unsure([0, 200, 9_999]),
        None,
        "the median of confidences counts"
    );
    let doubt = Unusable::LowConfidence {
        bps: 201,
        max_bps: 200,
    };
    assert_eq!(unsure([0, 201, 9_999]), Some(doubt));
    assert_eq!(unsure([0, 0, 0]), None);

    let level = 2_001 * USD;
    scene.say(&[(R[0], level), (R[1], level), (R[2], level)]);
    for _ in 0..120 {
        scene.world.wait_ms(30_000);
        scene.say(&[(R[0], level), (R[1], level), (R[2], level)]);
        assert_eq!(scene.unusable(PriceUse::View), None);
    }
    scene.world.wait_ms(1_000);
    scene.say(&[(R[0], level), (R[1], level), (R[2], level)]);
    let stuck = Unusable::Stuck {
        minutes: 60,
        max_minutes: 60,
    };
    assert_eq!(scene.unusable(PriceUse::View), Some(stuck));
    scene.agree(1_000, level);
    assert_eq!(scene.unusable(PriceUse::View), None);
}

#[test]
fn orc_12_the_face_answers_what_view_answers() {
    let mut scene = Scene::priced(PARAMS);
    let at = feed_address(AssetId::new(WETH));
    assert_eq!(scene.world.ok(BOB, at, &face::decimalsCall {}), 8);
    assert_eq!(
        scene.world.ok(BOB, at, &face::descriptionCall {}),
        "WETH / USD"
    );
    assert_eq!(scene.world.ok(BOB, at, &face::versionCall {}), U256::ONE);
    let state = scene.state(WETH);
    let data = scene.world.ok(BOB, at, &face::latestRoundDataCall {});
    let answer = i64::try_from(state.spot / 10_000_000_000).unwrap();
    assert_eq!(data.answer.to_string(), answer.to_string());
    assert_eq!(data.updatedAt, U256::from(state.timeMs / 1_000));
    assert_eq!(
        (data.roundId, data.answeredInRound),
        (U80::from(state.round), data.roundId)
    );
    assert_eq!(
        scene.world.ok(BOB, at, &face::latestAnswerCall {}),
        data.answer
    );
    let again = scene.world.ok(
        BOB,
        at,
        &face::getRoundDataCall {
            roundId: data.roundId,
        },
    );
    assert_eq!((again.id, again.answer), (data.roundId, data.answer));
    let older = data.roundId - U80::ONE;
    let error = IFeed::FeedNoRound {
        roundId: older,
        latest: data.roundId,
    };
    scene
        .world
        .refused(BOB, at, &face::getRoundDataCall { roundId: older }, &error);
    scene.world.wait_ms(60_001);
    let stale = Unusable::Stale {
        age_ms: 60_001,
        max_ms: 60_000,
    };
    let error = unusable(WETH, stale);
    scene
        .world
        .refused(BOB, at, &face::latestRoundDataCall {}, &error);
    scene
        .world
        .refused(BOB, at, &face::latestAnswerCall {}, &error);
    let nowhere = feed_address(AssetId::new(9));
    let error = crate::error::NativeNotDeployed { account: nowhere };
    scene
        .world
        .refused(BOB, nowhere, &face::latestAnswerCall {}, &error);
}

#[test]
fn orc_12_a_price_below_the_face_reverts() {
    let mut scene = Scene::empty();
    scene.list(WETH, 9_000_000_000, PARAMS);
    for _ in 0..3 {
        scene.agree(1_000, 9_000_000_000);
    }
    let spot = scene.state(WETH).spot;
    let error = IFeed::FeedAnswerTooSmall {
        assetId: WETH,
        price: spot,
    };
    let at = feed_address(AssetId::new(WETH));
    scene
        .world
        .refused(BOB, at, &face::latestAnswerCall {}, &error);
    assert_eq!(
        scene
            .world
            .ok(BOB, ORACLE, &priceOfCall { assetId: WETH })
            .price,
        spot
    );
}
