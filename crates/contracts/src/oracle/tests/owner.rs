//! What the owner may change, how far and how fast (ORC-10).

use super::*;

#[test]
fn orc_10_ranges_steps_and_waiting() {
    let mut scene = Scene::empty();
    let list = |params| listFeedCall {
        assetId: 3,
        description: "3".into(),
        referencePrice: USD,
        params,
    };
    let day = 24 * 3_600_000;
    let with = |change: &dyn Fn(&mut IOracle::FeedParams)| {
        let mut params = PARAMS;
        change(&mut params);
        params
    };
    let cases: [(&str, u64, u64, u64, IOracle::FeedParams); 13] = [
        ("quorum", 0, 1, 16, with(&|p| p.quorum = 0)),
        ("quorum", 17, 1, 16, with(&|p| p.quorum = 17)),
        ("reacceptRounds", 1, 2, 100, with(&|p| p.reacceptRounds = 1)),
        ("bandBps", 10_001, 1, 10_000, with(&|p| p.bandBps = 10_001)),
        (
            "bandWidenBpsPerMin",
            10_001,
            0,
            10_000,
            with(&|p| p.bandWidenBpsPerMin = 10_001),
        ),
        (
            "confidenceBpsMax",
            0,
            1,
            5_000,
            with(&|p| p.confidenceBpsMax = 0),
        ),
        (
            "growthBpsPerYear",
            10_001,
            0,
            10_000,
            with(&|p| p.growthBpsPerYear = 10_001),
        ),
        ("staleMs", 999, 1_000, 2 * day, with(&|p| p.staleMs = 999)),
        (
            "smoothMs",
            day + 1,
            0,
            day,
            with(&|p| p.smoothMs = 86_400_001),
        ),
        (
            "outageMs",
            59_999,
            60_000,
            7 * day,
            with(&|p| p.outageMs = 59_999),
        ),
        (
            "graceMs",
            day + 1,
            0,
            day,
            with(&|p| p.graceMs = 86_400_001),
        ),
        (
            "stillMs",
            9_999,
            10_000,
            7 * day,
            with(&|p| p.stillMs = 9_999),
        ),
        (
            "stillMs",
            7 * day + 1,
            10_000,
            7 * day,
            with(&|p| p.stillMs = 604_800_001),
        ),
    ];
    for (name, value, min, max, params) in cases {
        let error = OracleParamOutOfRange {
            name: name.into(),
            value: U256::from(value),
            min: U256::from(min),
            max: U256::from(max),
        };
        scene.world.refused(OWNER, ORACLE, &list(params), &error);
    }

    let mut scene = Scene::priced(PARAMS);
    let tune = |params| setFeedParamsCall {
        assetId: WETH,
        params,
    };
    let steps: [(&str, u64, u64, u64, IOracle::FeedParams); 4] = [
        ("bandBps", 500, 2_001, 2_000, with(&|p| p.bandBps = 2_001)),
        (
            "staleMs",
            60_000,
            240_001,
            240_000,
            with(&|p| p.staleMs = 240_001),
        ),
        (
            "graceMs",
            120_000,
            29_999,
            30_000,
            with(&|p| p.graceMs = 29_999),
        ),
        (
            "stillMs",
            3_600_000,
            0,
            14_400_000,
            with(&|p| p.stillMs = 0),
        ),
    ];
    for (name, from, to, farthest, params) in steps {
        let error = OracleParamStepTooLarge {
            name: name.into(),
            from: U256::from(from),
            to: U256::from(to),
            farthest: U256::from(farthest),
        };
        scene.world.refused(OWNER, ORACLE, &tune(params), &error);
    }

    // What is stricter counts at once, what is looser waits for the delay of LOOSEN.
    let delay = IAdmin::setRoleDelayCall {
        scope: ORACLE,
        role: LOOSEN,
        delayMs: 100_000,
    };
    scene.world.ok(OWNER, ADMIN, &delay);
    let mixed = with(&|p| {
        p.bandBps = 1_000;
        p.staleMs = 30_000;
        p.growthBpsPerYear = 500;
    });
    scene.world.ok(OWNER, ORACLE, &tune(mixed.clone()));
    let at_once = with(&|p| {
        p.staleMs = 30_000;
        p.growthBpsPerYear = 500;
    });
    let look = feedParamsOfCall { assetId: WETH };
    let seen = scene.world.ok(BOB, ORACLE, &look);
    let from_ms = scene.now_ms() + 100_000;
    assert_eq!(
        (seen.current, seen.next, seen.nextFromMs),
        (at_once, mixed.clone(), from_ms)
    );
    scene.world.wait_ms(30_001);
    assert!(matches!(
        scene.unusable(PriceUse::View),
        Some(Unusable::Stale { .. })
    ));
    scene.world.wait_ms(69_998);
    assert_ne!(scene.world.ok(BOB, ORACLE, &look).current, mixed);
    scene.world.wait_ms(1);
    let seen = scene.world.ok(BOB, ORACLE, &look);
    assert_eq!((seen.current, seen.nextFromMs), (mixed, 0));
}

#[test]
fn orc_10_the_stricter_of_both_is_in_range_and_one_rule_per_parameter() {
    let mut random = model::Random::new("orc_10");
    for _ in 0..5_000 {
        let [a, b] = [(); 2].map(|()| random.params());
        let (Ok(a), Ok(b)) = (a.checked(), b.checked()) else {
            continue;
        };
        let both = a.stricter(b);
        assert_eq!(both.checked(), Ok(both));
        assert_eq!(both, b.stricter(a));
        assert!(
            a.step_to(both).is_ok() && b.step_to(both).is_ok(),
            "{a:?} {b:?}"
        );
    }
    assert!(Params::default().checked().is_err());
}

#[test]
fn only_the_owner_and_only_what_exists() {
    let mut scene = Scene::priced(PARAMS);
    let world = &mut scene.world;
    let not_owner = IAdmin::AdminNotOwner {
        scope: ORACLE,
        caller: ALICE,
        owner: OWNER,
    };
    let list = |asset, reference: u128| listFeedCall {
        assetId: asset,
        description: "x".into(),
        referencePrice: reference,
        params: PARAMS,
    };
    let tune = |asset| setFeedParamsCall {
        assetId: asset,
        params: PARAMS,
    };
    let reset = |asset| resetFeedCall {
        assetId: asset,
        referencePrice: USD,
    };
    world.refused(ALICE, ORACLE, &list(2, USD), &not_owner);
    world.refused(ALICE, ORACLE, &tune(WETH), &not_owner);
    world.refused(ALICE, ORACLE, &reset(WETH), &not_owner);
    world.refused(ALICE, ORACLE, &freezeCall { assetId: WETH }, &not_owner);
    world.refused(ALICE, ORACLE, &unfreezeCall { assetId: WETH }, &not_owner);
    world.refused(
        ALICE,
        ORACLE,
        &addReporterCall { reporter: ALICE },
        &not_owner,
    );
    world.refused(
        ALICE,
        ORACLE,
        &removeReporterCall { reporter: R[0] },
        &not_owner,
    );

    let unknown = OracleFeedUnknown { assetId: 2 };
    world.refused(OWNER, ORACLE, &tune(2), &unknown);
    world.refused(OWNER, ORACLE, &reset(2), &unknown);
    world.refused(OWNER, ORACLE, &freezeCall { assetId: 2 }, &unknown);
    world.refused(OWNER, ORACLE, &unfreezeCall { assetId: 2 }, &unknown);
    world.refused(BOB, ORACLE, &feedOfCall { assetId: 2 }, &unknown);
    world.refused(BOB, ORACLE, &feedParamsOfCall { assetId: 2 }, &unknown);

    world.refused(
        OWNER,
        ORACLE,
        &list(WETH, USD),
        &OracleFeedListed { assetId: WETH },
    );
    let beyond = OracleAssetOutOfRange {
        assetId: 256,
        max: 255,
    };
    world.refused(OWNER, ORACLE, &list(256, USD), &beyond);
    for price in [0, Price::MAX.get() + 1] {
        let error = OraclePriceOutOfRange {
            price,
            max: Price::MAX.get(),
        };
        world.refused(OWNER, ORACLE, &list(2, price), &error);
    }
    world.ok(OWNER, ORACLE, &list(255, USD));
    let feeds = world.ok(BOB, ORACLE, &feedsCall {});
    assert_eq!(feeds, (U256::ONE << 255) | U256::from(2));

    let reporter = Address::ZERO;
    world.refused(
        OWNER,
        ORACLE,
        &addReporterCall { reporter },
        &OracleReporterZero {},
    );
    let reporter = R[0];
    world.refused(
        OWNER,
        ORACLE,
        &addReporterCall { reporter },
        &OracleReporterListed { reporter },
    );
    let reporter = ALICE;
    world.refused(
        OWNER,
        ORACLE,
        &removeReporterCall { reporter },
        &OracleReporterUnknown { reporter },
    );
    for n in 0..13 {
        let reporter = account(0x40 + n);
        world.ok(OWNER, ORACLE, &addReporterCall { reporter });
    }
    let full = ListFull {
        max: U256::from(16),
    };
    world.refused(OWNER, ORACLE, &addReporterCall { reporter: ALICE }, &full);
    let listed = world.ok(BOB, ORACLE, &reportersCall {});
    assert_eq!((listed.len(), &listed[..3]), (16, &R[..]));
}
