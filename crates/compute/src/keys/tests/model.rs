//! GW-1, GW-2, GW-4: a ledger whose power is cut at a random operation of its disk, against a model of plain integers.
//!
//! The model knows for each request what was acknowledged. After every cut the ledger must say exactly that, with one freedom:
//! what was handed over and not acknowledged is there whole, or not at all.

use std::collections::BTreeMap;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{disk::CrashDisk, draft};
use crate::{
    keys::{JobId, Ledger, Limits, MS_PER_DAY, Store, Used, Written},
    money::Dollars,
    receipt::Machine,
};

const LIMIT: u128 = 1_000;
const DAY_LIMIT: u128 = 400;

fn atto(value: u128) -> Dollars {
    Dollars::from_atto_or_max(value)
}

fn spent(value: u128) -> Used {
    Used {
        input_tokens: 0,
        output_tokens: 0,
        cost: atto(value),
    }
}

/// What the model knows of a request.
#[derive(Clone, Copy, Debug)]
struct Asked {
    most: u128,
    /// The last mark that may have been written; marks are not waited for.
    marked: u128,
    /// Charged and acknowledged.
    settled: Option<u128>,
    /// Handed over and not known to be on disk.
    maybe: Option<u128>,
    is_reserved_for_sure: bool,
}

impl Asked {
    /// What it may have cost after a cut, at least and at most.
    fn range(&self) -> (u128, u128) {
        match (self.settled, self.maybe) {
            (Some(charged), _) => (charged, charged),
            (None, Some(charged)) => (0, charged.max(self.marked)),
            (None, None) => (0, self.marked),
        }
    }
}

fn on_disk(written: Written) -> bool {
    futures::executor::block_on(written.on_disk()).is_ok()
}

/// One life of a ledger until its power is cut.
fn live(ledger: &Ledger, asked: &mut BTreeMap<JobId, Asked>, rng: &mut StdRng) {
    let Some(key) = ledger.keys().pop() else {
        return;
    };
    let key = key.key.hash;
    let mut at_work: Vec<JobId> = Vec::new();
    for _ in 0..60 {
        if !ledger.is_well() {
            return;
        }
        match rng.random_range(0..4) {
            0 | 1 => {
                let job = JobId::new(rng.random());
                let most = rng.random_range(0..150);
                let Ok(written) = ledger.reserve(&key, job, atto(most), draft()) else {
                    continue;
                };
                let is_reserved_for_sure = on_disk(written);
                let one = Asked {
                    most,
                    marked: 0,
                    settled: None,
                    maybe: None,
                    is_reserved_for_sure,
                };
                asked.insert(job, one);
                at_work.push(job);
            }
            2 => {
                let Some(job) = pick(&at_work, rng) else {
                    continue;
                };
                let Some(one) = asked.get_mut(&job) else {
                    continue;
                };
                one.marked = rng.random_range(one.marked..=one.most);
                ledger.mark(&job, spent(one.marked));
            }
            _ => {
                let Some(job) = pick(&at_work, rng) else {
                    continue;
                };
                let Some(one) = asked.get_mut(&job) else {
                    continue;
                };
                at_work.retain(|other| *other != job);
                let cost = rng.random_range(one.marked..=one.most);
                let settled = ledger.settle(&job, spent(cost), None, None);
                let (charged, written) = settled.expect("at work");
                assert_eq!(charged, atto(cost));
                if on_disk(written) {
                    one.settled = Some(cost);
                } else {
                    one.maybe = Some(cost);
                }
                assert!(
                    ledger.settle(&job, spent(cost), None, None).is_none(),
                    "charged twice"
                );
            }
        }
        let key = ledger.keys().remove(0);
        let promised = key.key.spent.plus(key.reserved);
        assert!(promised <= atto(LIMIT), "GW-1: {promised} of {LIMIT}");
        assert!(key.key.spent_today <= atto(DAY_LIMIT), "GW-1 of the day");
    }
}

fn pick(jobs: &[JobId], rng: &mut StdRng) -> Option<JobId> {
    match jobs.len() {
        0 => None,
        count => jobs.get(rng.random_range(0..count)).copied(),
    }
}

fn lives(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut disk = CrashDisk::default();
    let mut asked = BTreeMap::new();
    let mut today = 20_000;
    for life in 0..6 {
        let clock = std::sync::Arc::new(move || today * MS_PER_DAY);
        let store = Store::over(disk.clone());
        let store = store.unwrap_or_else(|why| panic!("seed {seed}, life {life}: {why}"));
        let ledger = Ledger::with(store, Machine::random(), clock).expect("opens");
        if life == 0 {
            let limits = Limits {
                total: Some(atto(LIMIT)),
                day: Some(atto(DAY_LIMIT)),
                ..Limits::default()
            };
            futures::executor::block_on(ledger.add_key("k".into(), limits)).expect("made");
        }
        let key = ledger.keys().remove(0);
        let is = key.key.spent.atto();
        assert!(
            key.reserved.is_zero(),
            "seed {seed}: a reservation nobody ends"
        );
        let ranges = asked.values().map(Asked::range);
        let (least, most) = ranges.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        assert!(
            (least..=most).contains(&is),
            "seed {seed}, life {life}: charged {is}, between {least} and {most}"
        );
        // What the ledger says now is what was: the next cut begins from there.
        asked.clear();
        let before = Asked {
            most: is,
            marked: is,
            settled: Some(is),
            maybe: None,
            is_reserved_for_sure: true,
        };
        asked.insert(JobId::new([0; 16]), before);
        disk.fail_after(rng.random_range(0..400));
        live(&ledger, &mut asked, &mut rng);
        drop(ledger);
        disk = disk.after_power_cut(&mut rng);
        today += rng.random_range(0..2);
        let sure = asked
            .values()
            .filter(|one| one.is_reserved_for_sure)
            .count();
        assert!(sure > 0);
    }
}

/// `CAPSTAN_SEEDS=1000 cargo nextest run -p capstan-compute power_cuts` for more.
#[test]
fn gw_2_power_cuts_charge_nothing_twice_and_lose_nothing_that_was_acknowledged() {
    let count = std::env::var("CAPSTAN_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok());
    for seed in 0..count.unwrap_or(40) {
        lives(seed);
    }
}
