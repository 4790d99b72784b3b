//! Which reports count, and what is left of those that do not (ORC-1, ORC-2, ORC-9).

use super::*;

#[test]
fn orc_1_no_verb_makes_a_price() {
    let mut scene = Scene::listed(PARAMS);
    let look = priceOfCall { assetId: WETH };
    let never = unusable(WETH, Unusable::NeverReported);
    scene.world.refused(BOB, ORACLE, &look, &never);
    scene.world.ok(OWNER, ORACLE, &freezeCall { assetId: WETH });
    scene
        .world
        .ok(OWNER, ORACLE, &unfreezeCall { assetId: WETH });
    let reset = resetFeedCall {
        assetId: WETH,
        referencePrice: 1_900 * USD,
    };
    scene.world.ok(OWNER, ORACLE, &reset);
    scene.world.wait_ms(1_000_000);
    let tune = setFeedParamsCall {
        assetId: WETH,
        params: PARAMS,
    };
    scene.world.ok(OWNER, ORACLE, &tune);
    scene.world.refused(BOB, ORACLE, &look, &never);
    let other = priceOfCall { assetId: 2 };
    let unlisted = unusable(2, Unusable::NotListed);
    scene.world.refused(BOB, ORACLE, &other, &unlisted);
}

#[test]
fn orc_1_a_price_needs_a_quorum_that_counts() {
    let mut scene = Scene::listed(PARAMS);
    for _ in 0..10 {
        scene.world.wait_ms(1_000);
        scene.say(&[(R[0], 2_000 * USD)]);
    }
    assert_eq!(scene.state(WETH).round, 0, "one of two is no quorum");
    for _ in 0..3 {
        assert_eq!(scene.state(WETH).round, 0);
        scene.world.wait_ms(1_000);
        scene.say(&[(R[0], 2_000 * USD), (R[1], 2_000 * USD + 2)]);
    }
    let state = scene.state(WETH);
    assert_eq!((state.round, state.spot), (1, 2_000 * USD + 1));

    // One who loses his role no longer counts, though he stands in the list and his observation is fresh.
    let revoke = IAdmin::revokeRoleCall {
        scope: ORACLE,
        role: REPORT,
        holder: R[1],
    };
    scene.world.ok(OWNER, ADMIN, &revoke);
    let account = R[1];
    assert!(!scene.world.ok(BOB, ORACLE, &isReporterCall { account }));
    scene.world.wait_ms(1_000);
    scene.say(&[(R[0], 2_000 * USD)]);
    let alone = Unusable::NoQuorum { have: 1, need: 2 };
    assert_eq!(scene.unusable(PriceUse::View), Some(alone));

    // Nor does one who left the list, though he holds the role.
    scene.world.wait_ms(1_000);
    scene.say(&[(R[0], 2_000 * USD), (R[2], 2_000 * USD)]);
    assert_eq!(scene.unusable(PriceUse::View), None);
    let reporter = R[2];
    scene
        .world
        .ok(OWNER, ORACLE, &removeReporterCall { reporter });
    scene.world.wait_ms(1_000);
    scene.say(&[(R[0], 2_000 * USD)]);
    assert_eq!(scene.unusable(PriceUse::View), Some(alone));
}

/// A `Prices` transaction with a good report of another asset and `bad`: refused by its event, without traces.
#[track_caller]
fn refused(scene: &Scene, bad: SignedReport, why: Refusal) {
    let run = |reports: &[SignedReport]| {
        let mut scene = scene.clone();
        let from = scene.log_count();
        scene.prices(reports);
        let words: Vec<_> = scene.world.store.words().collect();
        let refusals = scene.events::<ReportRefused>(from);
        (words, refusals)
    };
    let mut other = scene.clone();
    let mut good = other.report(&[(7, 5 * USD)]);
    good.round = u64::MAX;
    let good = signed_by(R[2], good);
    let (with, refusals) = run(&[bad.clone(), good.clone()]);
    let (detail, limit) = why.numbers();
    let event = ReportRefused {
        reporter: bad.reporter,
        reason: why.reason(),
        detail,
        limit,
    };
    assert_eq!(refusals, [event], "{why}");
    let (without, none) = run(&[good]);
    assert!(none.is_empty());
    assert_eq!(with, without, "{why}: traces");
}

#[test]
fn orc_2_and_orc_9_reports_that_do_not_count() {
    let mut scene = Scene::priced(PARAMS);
    scene.list(7, 5 * USD, PARAMS);
    scene.world.wait_ms(1_000);
    let now_ms = scene.now_ms();
    let fine = scene.report(&[(WETH, 2_000 * USD)]);
    let with = |change: &dyn Fn(&mut Report)| {
        let mut report = fine.clone();
        change(&mut report);
        signed_by(R[0], report)
    };
    let stranger = signed_by(ALICE, fine.clone());
    refused(&scene, stranger, Refusal::NotAReporter);

    // Signatures of another key, chain, contract, purpose, and over other content.
    let mut forged = signed_by(R[1], fine.clone());
    forged.reporter = R[0];
    refused(&scene, forged, Refusal::WrongSigner);
    let foreign = oracle::digest(CHAIN + 1, &fine);
    refused(
        &scene,
        signed_over(R[0], foreign, fine.clone()),
        Refusal::WrongSigner,
    );
    let domain = |name: &'static str, at| Eip712Domain {
        name: Some(name.into()),
        version: Some("1".into()),
        chain_id: Some(U256::from(CHAIN)),
        verifying_contract: Some(at),
        salt: None,
    };
    for (name, at) in [("Capstan Oracle", ADMIN), ("Capstan Account", ORACLE)] {
        let digest = fine.eip712_signing_hash(&domain(name, at));
        refused(
            &scene,
            signed_over(R[0], digest, fine.clone()),
            Refusal::WrongSigner,
        );
    }
    assert_eq!(
        oracle::digest(CHAIN, &fine),
        fine.eip712_signing_hash(&domain("Capstan Oracle", ORACLE))
    );
    let mut altered = signed_by(R[0], fine.clone());
    altered.report.entries[0].price += 1;
    refused(&scene, altered, Refusal::WrongSigner);
    let mut malleable = signed_by(R[0], fine.clone());
    malleable.v = 29;
    refused(&scene, malleable, Refusal::WrongSigner);

    // Repeated, late, early, out of order.
    let latest = scene.world.ok(BOB, ORACLE, &roundOfCall { reporter: R[0] });
    for round in [0, latest.round] {
        let old = Refusal::OldRound {
            round,
            latest: latest.round,
        };
        refused(&scene, with(&|report| report.round = round), old);
    }
    let fell = Refusal::TimeFell {
        time_ms: latest.timeMs - 1,
        latest_ms: latest.timeMs,
    };
    refused(
        &scene,
        with(&|report| report.timeMs = latest.timeMs - 1),
        fell,
    );
    let early = Refusal::Early {
        time_ms: now_ms + 1,
        now_ms,
    };
    refused(&scene, with(&|report| report.timeMs = now_ms + 1), early);
    let expired = Refusal::Expired {
        age_ms: REPORT_AGE_MS_MAX + 1,
        max_ms: REPORT_AGE_MS_MAX,
    };
    refused(
        &scene,
        with(&|report| report.timeMs = now_ms - REPORT_AGE_MS_MAX - 1),
        expired,
    );

    // Malformed ones.
    let entry = |asset, price| Entry {
        assetId: asset,
        price,
        confidenceBps: 1,
    };
    let twice = vec![entry(1, USD), entry(1, USD)];
    let falling = vec![entry(2, USD), entry(1, USD)];
    let many: Vec<_> = (0..257).map(|asset| entry(asset, USD)).collect();
    for (entries, index) in [
        (vec![], 0),
        (vec![entry(1, 0)], 0),
        (vec![entry(1, USD), entry(2, 1 << 112)], 1),
        (vec![entry(1, u128::MAX)], 0),
        (twice, 1),
        (falling, 1),
        (many, 0),
    ] {
        let count = entries.len() as u64;
        let malformed = Refusal::Malformed { index, count };
        refused(
            &scene,
            with(&|report| report.entries = entries.clone()),
            malformed,
        );
    }

    // The role ended, or begins later.
    for expires_ms in [now_ms + 500, 0] {
        let mut scene = scene.clone();
        let delay_ms = if expires_ms == 0 { 60_000 } else { 0 };
        let delay = IAdmin::setRoleDelayCall {
            scope: ORACLE,
            role: REPORT,
            delayMs: delay_ms,
        };
        scene.world.ok(OWNER, ADMIN, &delay);
        let again = IAdmin::grantRoleCall {
            scope: ORACLE,
            role: REPORT,
            holder: R[0],
            expiresMs: expires_ms,
        };
        scene.world.ok(OWNER, ADMIN, &again);
        scene.world.wait_ms(500);
        let late = scene.report(&[(WETH, 2_000 * USD)]);
        refused(&scene, signed_by(R[0], late), Refusal::NotAReporter);
    }
}

#[test]
fn orc_2_what_is_signed_is_what_the_specification_says() {
    assert_eq!(
        Report::eip712_encode_type(),
        "Report(uint64 round,uint64 timeMs,Entry[] entries)Entry(uint32 assetId,uint128 price,uint16 confidenceBps)"
    );
    let mut scene = Scene::empty();
    let domain = scene.world.ok(BOB, ORACLE, &eip712DomainCall {});
    assert_eq!(
        (domain.name.as_str(), domain.version.as_str()),
        ("Capstan Oracle", "1")
    );
    assert_eq!(
        (domain.chainId, domain.verifyingContract),
        (U256::from(CHAIN), ORACLE)
    );
}

#[test]
fn orc_2_a_reporter_may_be_ahead_of_a_listing_and_speak_again_at_the_same_time() {
    let mut scene = Scene::listed(PARAMS);
    scene.world.wait_ms(1_000);
    for _ in 0..2 {
        let report = scene.report(&[(WETH, 2_000 * USD), (200, USD), (u32::MAX, USD)]);
        scene.prices(&[signed_by(R[0], report)]);
    }
    let seen = |asset| observationOfCall {
        assetId: asset,
        reporter: R[0],
    };
    assert_eq!(scene.world.ok(BOB, ORACLE, &seen(WETH)).price, 2_000 * USD);
    assert_eq!(scene.world.ok(BOB, ORACLE, &seen(200)).timeMs, 0);
}

#[test]
fn orc_9_calldata_that_nobody_signed_as_a_whole() {
    let mut scene = Scene::priced(PARAMS);
    let before = scene.world.state();
    let good = scene.signed(R[0], 2_000 * USD);
    let input = oracle::encode_reports(std::slice::from_ref(&good));
    let mut cut = input.to_vec();
    cut.pop();
    for bad in [Bytes::new(), Bytes::from(cut), Bytes::from(vec![0xff; 64])] {
        let halt = scene.world.system(SystemKind::Prices, &bad).unwrap_err();
        assert_eq!(halt, revert(&OracleReportsMalformed {}));
    }
    let crowd = oracle::encode_reports(&vec![good; 17]);
    let halt = scene.world.system(SystemKind::Prices, &crowd).unwrap_err();
    let many = OracleTooManyReports {
        count: U256::from(17),
        max: U256::from(16),
    };
    assert_eq!(halt, revert(&many));
    assert_eq!(scene.world.state(), before);
    // The same report twice counts once.
    let twice = scene.signed(R[0], 2_000 * USD);
    let from = scene.log_count();
    scene.prices(&[twice.clone(), twice]);
    assert_eq!(scene.events::<ReportRefused>(from).len(), 1);
    assert_eq!(
        Vec::<SignedReport>::abi_decode(&input).map(|reports| reports.len()),
        Ok(1)
    );
}
