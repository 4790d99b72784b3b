//! Prices for tests of rooms that need some: one reporter, whom the oracle believes.

use alloy_primitives::Address;

use super::{OWNER, World, account, sign, words};
use crate::{
    SYSTEM_SENDER, SystemKind, admin,
    oracle::{self, IOracle::*, REPORT, digest, encode_reports},
    system_work,
};

const REPORTER: Address = account(0x5e);

/// Prices hold for a minute and move at once; nothing opens a grace period.
pub(crate) const AT_ONCE: FeedParams = FeedParams {
    quorum: 1,
    reacceptRounds: 2,
    bandBps: 10_000,
    bandWidenBpsPerMin: 0,
    confidenceBpsMax: 500,
    growthBpsPerYear: 0,
    staleMs: 60_000,
    smoothMs: 0,
    outageMs: 604_800_000,
    graceMs: 0,
    stillMs: 0,
};

/// A reporter and the round that he is at.
#[derive(Clone)]
pub(crate) struct Reporter {
    round: u64,
}

impl Reporter {
    /// Lets one reporter in.
    pub(crate) fn new(world: &mut World) -> Self {
        let grant = admin::IAdmin::grantRoleCall {
            scope: oracle::ADDRESS,
            role: REPORT,
            holder: REPORTER,
            expiresMs: 0,
        };
        world.ok(OWNER, admin::ADDRESS, &grant);
        let add = addReporterCall { reporter: REPORTER };
        world.ok(OWNER, oracle::ADDRESS, &add);
        Self { round: 0 }
    }

    /// Lists a feed and makes its first price count. Price in dollars times 10^18.
    pub(crate) fn list(&mut self, world: &mut World, asset: u32, price: u128, params: FeedParams) {
        let rounds = params.reacceptRounds;
        let list = listFeedCall {
            assetId: asset,
            description: "test".into(),
            referencePrice: price,
            params,
        };
        world.ok(OWNER, oracle::ADDRESS, &list);
        for _ in 0..=rounds {
            world.wait_ms(1);
            self.say(world, &[(asset, price)]);
        }
    }

    /// Reports prices of now.
    #[track_caller]
    pub(crate) fn say(&mut self, world: &mut World, prices: &[(u32, u128)]) {
        self.round += 1;
        let entries = prices.iter().map(|&(asset, price)| Entry {
            assetId: asset,
            price,
            confidenceBps: 1,
        });
        let block = world.store.block_mut();
        let report = Report {
            round: self.round,
            timeMs: block.time_ms,
            entries: entries.collect(),
        };
        let (r, s) = sign(digest(block.chain_id, &report), REPORTER);
        let signed = SignedReport {
            reporter: REPORTER,
            report,
            v: 27,
            r,
            s,
        };
        // Without a look at every invariant: whoever acts on the prices has that.
        let run = system_work(SystemKind::Prices).expect("served");
        let input = encode_reports(&[signed]);
        world.store.next_transaction(u64::MAX);
        world.store.set_system_phase(true);
        let target = SystemKind::Prices.target();
        let said = world
            .store
            .attempt(|store| run(&mut store.frame(target, SYSTEM_SENDER), &input));
        world.store.set_system_phase(false);
        said.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    }
}
