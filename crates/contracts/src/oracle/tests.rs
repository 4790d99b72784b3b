//! Tests of `oracle` by the ids of its invariants. `tests/model.rs` predicts random sequences, `tests/incidents.rs`
//! replays what went wrong elsewhere.

mod incidents;
mod model;

use alloy_primitives::{Address, B256, Bytes, U256, aliases::U80};
use alloy_sol_types::{Eip712Domain, SolEvent, SolStruct, SolValue};
use capstan_state::{Halt, ListFull};
use capstan_units::{AssetId, Price};

use super::{
    ADDRESS as ORACLE, IFeed, IOracle, LOOSEN, PriceUse, REPORT, REPORT_AGE_MS_MAX, Refusal, Side,
    Unusable,
    abi::{IFeed as face, IOracle::*},
    error::{
        OracleAssetOutOfRange, OracleFeedListed, OracleFeedUnknown, OracleParamOutOfRange,
        OracleParamStepTooLarge, OraclePriceOutOfRange, OraclePriceUnusable, OracleReporterListed,
        OracleReporterUnknown, OracleReporterZero, OracleReportsMalformed, OracleTooManyReports,
    },
    feed_address,
    math::{band_bps_down, distance_bps_up, grown_down, median_down, smoothed_toward},
    params::FeedParams as Params,
    round::Round,
    state::Observation,
};
use crate::{
    SystemKind,
    admin::{ADDRESS as ADMIN, IAdmin},
    revert,
    testkit::{ALICE, BOB, OWNER, World, account, fault::check_every_fault, sign, words},
};

/// Three reporters.
const R: [Address; 3] = [account(0x31), account(0x32), account(0x33)];
/// The asset that most tests speak of.
const WETH: u32 = 1;
/// One dollar.
const USD: u128 = 1_000_000_000_000_000_000;
const CHAIN: u64 = 31_337;

/// What a market of large coins would have.
const PARAMS: IOracle::FeedParams = IOracle::FeedParams {
    quorum: 2,
    reacceptRounds: 3,
    bandBps: 500,
    bandWidenBpsPerMin: 100,
    confidenceBpsMax: 200,
    growthBpsPerYear: 0,
    staleMs: 60_000,
    smoothMs: 60_000,
    outageMs: 300_000,
    graceMs: 120_000,
    stillMs: 3_600_000,
};

/// A world with an oracle in use.
#[derive(Clone)]
struct Scene {
    world: World,
    /// Rounds that reporters used so far.
    rounds: u64,
}

impl Scene {
    /// Three reporters that count, no feed.
    fn empty() -> Self {
        let mut world = World::new();
        for reporter in R {
            grant(&mut world, reporter);
            world.ok(OWNER, ORACLE, &addReporterCall { reporter });
        }
        Self { world, rounds: 0 }
    }

    /// With a feed whose reference price is 2,000 dollars.
    fn listed(params: IOracle::FeedParams) -> Self {
        let mut scene = Self::empty();
        scene.list(WETH, 2_000 * USD, params);
        scene
    }

    /// With a price of 2,000 dollars, grace over.
    fn priced(params: IOracle::FeedParams) -> Self {
        let mut scene = Self::listed(params);
        for _ in 0..3 {
            scene.agree(1_000, 2_000 * USD);
        }
        scene.agree(30_000, 2_000 * USD);
        while scene.state(WETH).graceUntilMs > scene.now_ms() {
            scene.agree(30_000, 2_000 * USD);
        }
        scene
    }

    fn list(&mut self, asset: u32, reference: u128, params: IOracle::FeedParams) {
        let call = listFeedCall {
            assetId: asset,
            description: "WETH / USD".into(),
            referencePrice: reference,
            params,
        };
        self.world.ok(OWNER, ORACLE, &call);
    }

    fn now_ms(&mut self) -> u64 {
        self.world.store.block_mut().time_ms
    }

    /// A report of now.
    fn report(&mut self, entries: &[(u32, u128)]) -> Report {
        self.rounds += 1;
        let entries = entries.iter().map(|&(asset, price)| Entry {
            assetId: asset,
            price,
            confidenceBps: 10,
        });
        Report {
            round: self.rounds,
            timeMs: self.now_ms(),
            entries: entries.collect(),
        }
    }

    fn signed(&mut self, reporter: Address, price: u128) -> SignedReport {
        let report = self.report(&[(WETH, price)]);
        signed_by(reporter, report)
    }

    /// A `Prices` transaction that works.
    fn prices(&mut self, reports: &[SignedReport]) {
        let input = super::encode_reports(reports);
        let result = self.world.system(SystemKind::Prices, &input);
        result.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    }

    /// Each reporter of `prices` says his price, in one block.
    fn say(&mut self, prices: &[(Address, u128)]) {
        let reports: Vec<_> = prices
            .iter()
            .map(|&(who, price)| self.signed(who, price))
            .collect();
        self.prices(&reports);
    }

    /// `wait_ms` later all three say about the same.
    fn agree(&mut self, wait_ms: u64, price: u128) {
        self.world.wait_ms(wait_ms);
        // A market that stands still to the unit would be stuck.
        let price = price + u128::from(self.rounds);
        self.say(&R.map(|reporter| (reporter, price)));
    }

    fn state(&mut self, asset: u32) -> FeedState {
        self.world.ok(BOB, ORACLE, &feedOfCall { assetId: asset })
    }

    /// The price for a use, as other rooms ask for it.
    fn price(&mut self, price_use: PriceUse, side: Side) -> Result<u128, Halt> {
        let cx = &mut self.world.store.frame(BOB, BOB);
        super::price(cx, AssetId::new(WETH), price_use, side).map(Price::get)
    }

    fn unusable(&mut self, price_use: PriceUse) -> Option<Unusable> {
        let now_ms = self.now_ms();
        let cx = &mut self.world.store.frame(BOB, BOB);
        let feed = super::feed(cx, AssetId::new(WETH)).expect("stored");
        feed.unusable(now_ms, price_use)
    }

    /// Events of this kind since `from`.
    fn events<E: SolEvent>(&self, from: usize) -> Vec<E> {
        let logs = self.world.store.logs()[from..].iter();
        logs.filter(|log| log.address == ORACLE)
            .filter_map(|log| E::decode_log_data(&log.data).ok())
            .collect()
    }

    fn log_count(&self) -> usize {
        self.world.store.logs().len()
    }
}

fn grant(world: &mut World, reporter: Address) {
    let call = IAdmin::grantRoleCall {
        scope: ORACLE,
        role: REPORT,
        holder: reporter,
        expiresMs: 0,
    };
    world.ok(OWNER, ADMIN, &call);
}

fn signed_by(reporter: Address, report: Report) -> SignedReport {
    signed_over(reporter, super::digest(CHAIN, &report), report)
}

fn signed_over(reporter: Address, digest: B256, report: Report) -> SignedReport {
    let (r, s) = sign(digest, reporter);
    SignedReport {
        reporter,
        report,
        v: 27,
        r,
        s,
    }
}

fn price(units: u128) -> Price {
    Price::new(units).expect("in range")
}

fn unusable(asset: u32, why: Unusable) -> OraclePriceUnusable {
    let (detail, limit) = why.numbers();
    OraclePriceUnusable {
        assetId: asset,
        reason: why.reason(),
        detail,
        limit,
    }
}

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
    let foreign = super::digest(CHAIN + 1, &fine);
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
        super::digest(CHAIN, &fine),
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
fn orc_9_calldata_that_nobody_signed_as_a_whole() {
    let mut scene = Scene::priced(PARAMS);
    let before = scene.world.state();
    let good = scene.signed(R[0], 2_000 * USD);
    let input = super::encode_reports(std::slice::from_ref(&good));
    let mut cut = input.to_vec();
    cut.pop();
    for bad in [Bytes::new(), Bytes::from(cut), Bytes::from(vec![0xff; 64])] {
        let halt = scene.world.system(SystemKind::Prices, &bad).unwrap_err();
        assert_eq!(halt, revert(&OracleReportsMalformed {}));
    }
    let crowd = super::encode_reports(&vec![good; 17]);
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

#[test]
fn every_fault_leaves_no_traces() {
    use alloy_sol_types::SolCall;
    let scene = Scene::priced(PARAMS);
    let list = listFeedCall {
        assetId: 2,
        description: "x".into(),
        referencePrice: USD,
        params: PARAMS,
    };
    check_every_fault(&scene.world, OWNER, ORACLE, &list.abi_encode());
    let tune = setFeedParamsCall {
        assetId: WETH,
        params: IOracle::FeedParams {
            bandBps: 600,
            ..PARAMS
        },
    };
    check_every_fault(&scene.world, OWNER, ORACLE, &tune.abi_encode());
    let reporter = R[0];
    check_every_fault(
        &scene.world,
        OWNER,
        ORACLE,
        &removeReporterCall { reporter }.abi_encode(),
    );

    // The block's own transaction, at every gas limit of a dense sample.
    let mut scene = scene;
    scene.world.wait_ms(1_000);
    let reports = R.map(|reporter| scene.signed(reporter, 2_001 * USD));
    let input = super::encode_reports(&reports);
    let before = scene.world.state();
    let used = {
        let mut world = scene.world.clone();
        world.system(SystemKind::Prices, &input).expect("works");
        world.store.gas_used()
    };
    println!("three reports of one asset: {used} gas");
    for gas_limit in (0..used).step_by((used / 512) as usize) {
        let mut world = scene.world.clone();
        let result = world.system_limited(gas_limit, SystemKind::Prices, &input);
        assert!(result.is_err(), "{gas_limit} of {used} gas sufficed");
        assert_eq!(
            world.state(),
            before,
            "traces with {gas_limit} of {used} gas"
        );
    }
}
