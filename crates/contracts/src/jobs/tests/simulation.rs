//! Machines that work, and machines that pretend to: what each was paid for what it did, counted in jobs.
//!
//! Auditors are paid out of fees: to the unit, what came in as fees lies there or is owed to them.
//!
//! `CAPSTAN_STEPS=100000 cargo nextest run -p capstan-contracts jobs::tests::simulation --no-capture` plays 10^5 jobs.

use std::collections::BTreeMap;

use super::*;
use crate::testkit::{dice::Dice, steps};

/// What a machine is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Honest,
    /// Another, cheaper program.
    Lies,
    /// Answers of other jobs.
    Copies,
    /// Has no program at all, and nothing to show.
    Fakes,
    /// Claims an epoch too late.
    Late,
    /// Claims one job twice.
    Repeats,
    /// Is paid for what failed.
    Fails,
}

const WAYS: [Way; 8] = [
    Way::Honest,
    Way::Honest,
    Way::Lies,
    Way::Copies,
    Way::Fakes,
    Way::Late,
    Way::Repeats,
    Way::Fails,
];

/// What came of jobs of one way.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    jobs: u64,
    paid: u64,
    /// Of those that were paid, such as should not have been.
    wrong: u64,
    /// What those cost.
    gained: u128,
    /// What bonds lost.
    slashed: u128,
    /// What right work of claims that were void would have been paid.
    forgone: u128,
}

struct Market {
    world: World,
    asset: AssetId,
    machines: Vec<u64>,
    counts: BTreeMap<Way, Count>,
    /// Fees of claims that were paid.
    fees: u128,
    jobs: u64,
    /// A claim whose vouchers are one epoch old.
    late: BTreeMap<usize, (Voucher, Vec<(Receipt, bool)>)>,
    paid_before: BTreeMap<usize, (Receipt, u64, usize, Vec<B256>)>,
}

/// One claim of a batch.
struct Batch {
    at: usize,
    id: u64,
    receipts: Vec<(Receipt, bool)>,
    tree: Tree,
}

const CLIENT: usize = 0;

impl Market {
    fn new(audit_ppm: u32) -> Self {
        let params = JobParams {
            auditPpm: audit_ppm,
            detectPpm: 990_000,
            feeFlat: n(100),
            auditPay: n(2),
            ..usual()
        };
        let (mut world, _, asset) = start_with(params);
        world.sweep_every = 100_000;
        let bond = 10_000_000_000;
        let machines = KEYS.iter().map(|key| {
            let id = register(&mut world, ALICE, *key, bond);
            prove(&mut world, id, 1_000);
            offer(&mut world, *key, id);
            id
        });
        let machines = machines.collect();
        customer(&mut world, BOB, SPENDERS[CLIENT], 100_000_000_000);
        next_epoch(&mut world);
        Self {
            world,
            asset,
            machines,
            counts: BTreeMap::new(),
            fees: 0,
            jobs: 0,
            late: BTreeMap::new(),
            paid_before: BTreeMap::new(),
        }
    }

    /// What a machine does of a batch: receipts, and whether each is work that should be paid.
    fn work(&mut self, dice: &mut Dice, at: usize, count: u64) -> Vec<(Receipt, bool)> {
        let way = WAYS[at];
        let mut all = Vec::new();
        for _ in 0..count {
            self.jobs += 1;
            let mut made = receipt(&mut self.world, KEYS[at], SPENDERS[CLIENT], self.jobs);
            // A tenth of what a liar does is a lie: more would be found sooner.
            let strays = dice.below(10) == 0;
            let good = match way {
                Way::Honest => true,
                Way::Fakes => false,
                Way::Late | Way::Repeats => true,
                Way::Lies | Way::Copies => {
                    if strays {
                        made.output = keccak256("another's");
                    }
                    !strays
                }
                Way::Fails => {
                    made.outcome = if strays { 2 } else { 0 };
                    !strays
                }
            };
            all.push((made, good));
        }
        if way == Way::Repeats
            && let Some((old, ..)) = self.paid_before.get(&at)
        {
            all[0].0.job = old.job;
            all[0].1 = false;
        }
        all
    }

    /// One epoch: each machine works for Bob, and claims in the next.
    fn epoch(&mut self, dice: &mut Dice, count: u64) {
        let mut vouchers = Vec::new();
        for at in 0..WAYS.len() {
            hold(
                &mut self.world,
                BOB,
                SPENDERS[CLIENT],
                self.machines[at],
                u128::from(count) * 60,
            );
            let receipts = self.work(dice, at, count);
            let call = channelIdCall {
                customer: BOB,
                key: SPENDERS[CLIENT],
                machineId: self.machines[at],
                classId: CLASS,
            };
            let channel = self.world.view(ADDRESS, &call);
            let plain: Vec<_> = receipts.iter().map(|(made, _)| made.clone()).collect();
            let (made, tree) = voucher(channel, epoch(&self.world), &plain);
            self.count(at).jobs += count;
            vouchers.push((at, made, receipts, tree));
        }
        next_epoch(&mut self.world);
        let mut batches = Vec::new();
        for (at, made, receipts, tree) in vouchers {
            let call = claim_call(&self.world, &made, SPENDERS[CLIENT], KEYS[at]);
            if WAYS[at] == Way::Late {
                // What it claims is always of the epoch before the last one.
                if let Some((old, _)) = self.late.insert(at, (made, receipts)) {
                    let call = claim_call(&self.world, &old, SPENDERS[CLIENT], KEYS[at]);
                    assert!(self.world.call(CAROL, ADDRESS, &call).is_err());
                }
                continue;
            }
            let id = self.world.ok(CAROL, ADDRESS, &call);
            batches.push(Batch {
                at,
                id,
                receipts,
                tree,
            });
        }
        self.audit(&batches);
        for batch in batches {
            self.close(batch);
        }
        // What was bound and not claimed comes back, so that nothing piles up.
        for (key, machine_id) in KEYS.into_iter().zip(self.machines.clone()) {
            let call = channelIdCall {
                customer: BOB,
                key: SPENDERS[CLIENT],
                machineId: machine_id,
                classId: CLASS,
            };
            let channel = self.world.view(ADDRESS, &call);
            let release = releaseCall {
                channel,
                byMachine: CALLS,
            };
            let _ = self.world.call(key, ADDRESS, &release);
        }
        next_epoch(&mut self.world);
    }

    fn count(&mut self, at: usize) -> &mut Count {
        self.counts.entry(WAYS[at]).or_default()
    }

    /// Machines show what they have; auditors compute what is shown, and say what they found.
    fn audit(&mut self, batches: &[Batch]) {
        drawn(&mut self.world);
        let mut shown = Vec::new();
        for batch in batches {
            if WAYS[batch.at] == Way::Repeats {
                self.show_twin(batch);
            }
            if WAYS[batch.at] == Way::Fakes {
                continue;
            }
            let plain: Vec<_> = batch
                .receipts
                .iter()
                .map(|(made, _)| made.clone())
                .collect();
            let picks = claim_of(&self.world, batch.id).picks;
            for (pick, index) in (0..).zip(picks) {
                let call = show_call(&self.world, batch.id, pick, &plain, &batch.tree);
                if self.world.call(CAROL, ADDRESS, &call).is_ok() {
                    shown.push((batch.id, pick, batch.receipts[index as usize].1, batch.at));
                }
            }
        }
        self.world.wait_ms(10_001);
        let verdict = |good: bool, at: usize| match WAYS[at] {
            Way::Copies if !good => Fault::Copied.number(),
            Way::Lies if !good => Fault::Wrong.number(),
            _ => 0,
        };
        for (id, pick, good, at) in &shown {
            for who in [AUDITORS[0], AUDITORS[1]] {
                let call = commitAuditCall {
                    claimId: *id,
                    pick: *pick,
                    commitment: finding(*id, *pick, who, verdict(*good, *at), witness(*id, *pick)),
                };
                let _ = self.world.call(who, ADDRESS, &call);
            }
        }
        self.world.wait_ms(10_001);
        for (id, pick, good, at) in &shown {
            for who in [AUDITORS[0], AUDITORS[1]] {
                let call = revealAuditCall {
                    claimId: *id,
                    pick: *pick,
                    verdict: verdict(*good, *at),
                    witness: witness(*id, *pick),
                    salt: SALT,
                };
                let _ = self.world.call(who, ADDRESS, &call);
            }
        }
        self.world.wait_ms(11_000);
        turn(&mut self.world);
    }

    /// The customer's gateway knows each job that it paid for, and shows one that is there twice.
    fn show_twin(&mut self, batch: &Batch) {
        let (later, _) = &batch.receipts[0];
        let Some((old, claim, index, proof)) = self.paid_before.get(&batch.at).cloned() else {
            return;
        };
        let call = showTwinCall {
            claimA: claim,
            indexA: index as u32,
            receiptA: old,
            proofA: proof,
            claimB: batch.id,
            indexB: 0,
            receiptB: later.clone(),
            proofB: batch.tree.proof(0),
        };
        self.world.ok(CAROL, ADDRESS, &call);
    }

    fn close(&mut self, batch: Batch) {
        let found = claim_of(&self.world, batch.id);
        let is_paid = found.phase == Phase::Paid.number();
        assert!(is_paid || found.phase == Phase::Void.number());
        let count = self.counts.entry(WAYS[batch.at]).or_default();
        if !is_paid {
            count.slashed += found.slash.to::<u128>();
            let right = batch.receipts.iter().filter(|(_, good)| *good);
            count.forgone += right.map(|(made, _)| made.cost).sum::<u128>();
            return;
        }
        self.fees += found.fee.to::<u128>();
        for (made, good) in &batch.receipts {
            count.paid += 1;
            if !good {
                count.wrong += 1;
                count.gained += made.cost;
            }
        }
        let (first, _) = batch.receipts[1].clone();
        let kept = (first, batch.id, 1, batch.tree.proof(1));
        self.paid_before.entry(batch.at).or_insert(kept);
    }

    /// JOB-15, JOB-16: what came in as fees is there or is owed to those who found what is there, and bonds pay nobody.
    fn pay_is_out_of_fees(&mut self) {
        let [fees, earned, forfeit] =
            [FEES, EARNED, FORFEIT].map(|who| units(&mut self.world, self.asset, who));
        assert_eq!(fees + earned, self.fees);
        let owed = AUDITORS.map(|auditor| {
            let found = self.world.view(ADDRESS, &auditEarningsCall { auditor });
            found.owed.to::<u128>()
        });
        assert_eq!(owed.iter().sum::<u128>(), earned);
        assert!(earned > 0 && owed[2] == 0);
        let slashed: u128 = self.counts.values().map(|count| count.slashed).sum();
        assert_eq!(forfeit, slashed);
        println!("auditors earned {earned} of {} in fees", self.fees);
    }
}

fn simulate(jobs: u64, batch: u64, audit_ppm: u32) -> BTreeMap<Way, Count> {
    let mut dice = Dice::new("jobs::tests::simulation");
    let mut market = Market::new(audit_ppm);
    let epochs = jobs.div_ceil(batch * WAYS.len() as u64);
    for _ in 0..epochs {
        market.epoch(&mut dice, batch);
    }
    crate::invariant::check_all(&market.world.store).expect("every invariant holds");
    market.pay_is_out_of_fees();
    println!(
        "{} jobs, {batch} in a claim, {audit_ppm} of a million audited",
        market.jobs
    );
    for (way, count) in &market.counts {
        println!("{way:?}: {count:?}");
    }
    market.counts
}

/// Every receipt is audited: nothing wrong is paid, and everything right of an honest machine is.
#[test]
fn job_9_of_many_jobs_none_is_paid_wrongly() {
    let jobs = steps::asked().map_or(2_000, u64::from);
    let counts = simulate(jobs, 16, 1_000_000);
    let wrong: u64 = counts.values().map(|count| count.wrong).sum();
    assert_eq!(wrong, 0);
    let honest = counts[&Way::Honest];
    assert_eq!((honest.paid, honest.slashed), (honest.jobs, 0));
    assert_eq!(counts[&Way::Fakes].paid, 0);
    assert_eq!(counts[&Way::Late].paid, 0);
}

/// One of twenty is audited: some lies are paid, and each way of lying loses.
#[test]
fn job_5_where_few_are_audited_no_lie_pays() {
    let jobs = steps::asked().map_or(16_000, u64::from);
    let counts = simulate(jobs, 200, 50_000);
    let honest = counts[&Way::Honest];
    assert_eq!((honest.paid, honest.slashed), (honest.jobs, 0));
    for (way, count) in &counts {
        // A claim of ten lies is void as a whole, so what was right in it is lost, too; the bond alone covers one lie.
        let lost = count.slashed + count.forgone;
        println!(
            "{way:?}: gained {} by {} lies that were paid, lost {lost}",
            count.gained, count.wrong
        );
        match way {
            Way::Honest | Way::Late => assert_eq!((count.gained, lost), (0, 0)),
            _ => assert!(count.gained < lost, "{way:?} pays"),
        }
    }
}
