//! Tests of `oracle` by the ids of its invariants, one file for each theme. Here is the scene that they share;
//! `tests/model.rs` predicts random sequences, `tests/incidents.rs` replays what went wrong elsewhere.

mod answers;
mod faults;
mod incidents;
mod model;
mod owner;
mod reports;
mod rounds;

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
    oracle, revert,
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
        let input = oracle::encode_reports(reports);
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
        oracle::price(cx, AssetId::new(WETH), price_use, side).map(Price::get)
    }

    fn unusable(&mut self, price_use: PriceUse) -> Option<Unusable> {
        let now_ms = self.now_ms();
        let cx = &mut self.world.store.frame(BOB, BOB);
        let feed = oracle::feed(cx, AssetId::new(WETH)).expect("stored");
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
    signed_over(reporter, oracle::digest(CHAIN, &report), report)
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
