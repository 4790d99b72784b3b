//! Random steps of customers, keys, machines and auditors beside a model that keeps plain numbers. It predicts every refusal,
//! and what each customer, key, channel, bond, auditor and account has after every step (JOB-1 to JOB-5, JOB-9, JOB-15, JOB-16).

use std::collections::BTreeMap;

use super::*;
use crate::{
    still,
    testkit::{dice::Dice, steps, words},
};

/// Steps of one world.
const PLAY: u32 = 500;
/// Transactions between looks at the whole world.
const SWEEP: u32 = 100;
const CUSTOMERS: [Address; 2] = [BOB, CAROL];
/// Work of an epoch that each machine has proven.
const ALLOWED: u64 = 2_000;
const MACHINES: usize = 2;
/// A bond that bears some open claims, not all.
const SMALL_BOND: u128 = 20_000;
/// What each claim pays beside one percent.
const FEE_FLAT: u128 = 20;
/// What a finding is paid, where there is as much.
const AUDIT_PAY: u128 = 3;

type Refusal = Option<&'static str>;

#[derive(Clone, Debug, Default)]
struct Purse {
    free: u128,
    bound: u128,
    claimed: u128,
    paid: u128,
}

#[derive(Clone, Debug, Default)]
struct Limits {
    total: u128,
    per_period: u128,
    until: u64,
    spent: u128,
    /// What it bound, and when; less than nothing is what came back.
    bound: Vec<(u64, i128)>,
    is_revoked: bool,
    is_set: bool,
}

impl Limits {
    fn left(&self, now: u64) -> u128 {
        let period = self.bound.iter().filter(|(at, _)| at / HOUR == now / HOUR);
        let period: i128 = period.map(|(_, amount)| amount).sum();
        let period = u128::try_from(period).expect("no more came back than was bound");
        let left = self.per_period.saturating_sub(period);
        left.min(self.total.saturating_sub(self.spent))
    }

    fn is_over(&self, now: u64) -> bool {
        !self.is_set || self.is_revoked || now > self.until
    }
}

#[derive(Clone, Debug, Default)]
struct Line {
    id: B256,
    sequence: u64,
    until: u64,
    claimed_epoch: u64,
    bound: u128,
    /// Holds of the key's periods: which, and how much.
    holds: Vec<(u64, u128)>,
    claimed: u128,
    paid: u128,
    returned: u128,
    /// Receipts of an epoch, and whether each is right.
    served: BTreeMap<u64, Vec<(Receipt, Truth)>>,
}

/// What a receipt really is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    Right,
    Lie,
    /// It says so itself.
    Bad(Fault),
}

/// What the three auditors of a pick do: the first finds what is there, the others what they like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Truth,
    Guess,
    /// It commits, and shows nothing.
    Silence,
    /// It is not there.
    Nothing,
}

/// What auditors said of a pick of a claim.
struct Seen {
    id: u64,
    pick: u32,
    truth: Truth,
    says: [Says; 3],
}

impl Seen {
    /// Whether two agree: guesses of two are different.
    fn has_quorum(&self) -> bool {
        self.right().count() >= 2
    }

    /// Verdict and witness of an auditor.
    fn said(&self, at: usize) -> (u8, B256) {
        match self.says[at] {
            Says::Guess => (1, B256::repeat_byte(0x60 + at as u8)),
            _ => (
                u8::from(self.truth == Truth::Lie),
                witness(self.id, self.pick),
            ),
        }
    }

    /// Auditors who found what is there.
    fn right(&self) -> impl Iterator<Item = usize> {
        (0..3).filter(|at| self.says[*at] == Says::Truth)
    }
}

fn said(dice: &mut Dice) -> Says {
    match dice.below(8) {
        0 => Says::Guess,
        1 => Says::Silence,
        2 => Says::Nothing,
        _ => Says::Truth,
    }
}

#[derive(Debug)]
struct Open {
    id: u64,
    line: (usize, usize),
    cost: u128,
    slash: u128,
    fee: u128,
    receipts: Vec<(Receipt, Truth)>,
    tree: Tree,
}

struct Play {
    world: World,
    asset: AssetId,
    machines: Vec<u64>,
    purses: Vec<Purse>,
    limits: Vec<Limits>,
    lines: BTreeMap<(usize, usize), Line>,
    open: Vec<Open>,
    bonds: Vec<u128>,
    /// Work that was claimed, by machine and epoch.
    used: BTreeMap<(usize, u64), u64>,
    /// From when until when the chain stood still (JOB-17).
    stops: Vec<(u64, u64)>,
    waits: u64,
    earned: u128,
    fees: u128,
    forfeit: u128,
    /// What each auditor is owed.
    owed: [u128; 3],
    jobs: u64,
    ends: BTreeMap<String, u32>,
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.root())
    }
}

impl Play {
    fn new() -> Self {
        let params = JobParams {
            detectPpm: 500_000,
            feeFlat: n(FEE_FLAT),
            auditPay: n(AUDIT_PAY),
            ..usual()
        };
        let (mut world, _, asset) = start_with(params);
        world.sweep_every = SWEEP;
        let machines = (0..MACHINES)
            .map(|at| {
                let id = register(&mut world, ALICE, KEYS[at], SMALL_BOND);
                prove(&mut world, id, ALLOWED * 60 / 1_000);
                offer(&mut world, KEYS[at], id);
                id
            })
            .collect();
        Self {
            world,
            asset,
            machines,
            purses: vec![Purse::default(); 2],
            limits: vec![Limits::default(); 2],
            lines: BTreeMap::new(),
            open: Vec::new(),
            bonds: vec![SMALL_BOND; MACHINES],
            used: BTreeMap::new(),
            stops: Vec::new(),
            waits: 0,
            earned: 0,
            fees: 0,
            forfeit: 0,
            owed: [0; 3],
            jobs: 0,
            ends: BTreeMap::new(),
        }
    }

    fn now(&mut self) -> u64 {
        now_ms(&mut self.world)
    }

    fn epoch(&mut self) -> u64 {
        self.now() / EPOCH
    }

    /// Plays a call and compares whether it was refused, and by what.
    fn step<C: SolCall>(&mut self, who: Address, call: &C, expected: Refusal) {
        let happened = self.world.call(who, ADDRESS, call).err();
        let happened = happened.map(|halt| words(&halt));
        let agrees = match (&happened, expected) {
            (None, None) => true,
            (Some(words), Some(name)) => words.starts_with(name),
            _ => false,
        };
        assert!(
            agrees,
            "{}: {happened:?} instead of {expected:?}",
            C::SIGNATURE
        );
    }

    fn deposit(&mut self, dice: &mut Dice, who: usize) -> Refusal {
        let amount = dice.below(3_000);
        let expected = (amount == 0).then_some("JobsZeroAmount");
        let call = depositCall {
            customer: CUSTOMERS[who],
            amount: n(amount),
        };
        self.step(ALICE, &call, expected);
        self.purses[who].free += amount;
        expected
    }

    fn withdraw(&mut self, dice: &mut Dice, who: usize) -> Refusal {
        let amount = dice.amount(self.purses[who].free);
        let expected = match amount {
            0 => Some("JobsZeroAmount"),
            _ if amount > self.purses[who].free => Some("JobsPoor"),
            _ => None,
        };
        let call = withdrawToAccountCall {
            index: 0,
            amount: n(amount),
        };
        self.step(CUSTOMERS[who], &call, expected);
        if expected.is_none() {
            self.purses[who].free -= amount;
        }
        expected
    }

    fn set_key(&mut self, dice: &mut Dice, who: usize) -> Refusal {
        let now = self.now();
        let limits = KeyLimits {
            total: n(1 + dice.below(20_000)),
            perPeriod: n(dice.below(4_000)),
            periodMs: HOUR,
            untilMs: now + 1 + dice.below(u128::from(6 * HOUR)) as u64,
        };
        let stored = &mut self.limits[who];
        (stored.total, stored.per_period) = (limits.total.to(), limits.perPeriod.to());
        (stored.until, stored.is_set, stored.is_revoked) = (limits.untilMs, true, false);
        let call = setKeyCall {
            key: SPENDERS[who],
            limits,
        };
        self.step(CUSTOMERS[who], &call, None);
        None
    }

    fn revoke(&mut self, who: usize) -> Refusal {
        let stored = &mut self.limits[who];
        let refused = !stored.is_set || stored.is_revoked;
        let expected = refused.then_some("JobsKeyInvalid");
        stored.is_revoked |= stored.is_set;
        let call = revokeKeyCall { key: SPENDERS[who] };
        self.step(CUSTOMERS[who], &call, expected);
        expected
    }

    fn hold(&mut self, dice: &mut Dice, who: usize, at: usize) -> Refusal {
        let now = self.now();
        let line = self.lines.get(&(who, at)).cloned().unwrap_or_default();
        let stored = &self.limits[who];
        let most = self.purses[who].free.min(stored.left(now));
        let amount = dice.amount(most);
        let sequence = line.sequence + dice.below(3) as u64;
        let until = now + dice.below(u128::from(HOUR + 10_000)) as u64;
        let serves = self.bonds[at] >= 1_000;
        let expected = match () {
            () if amount == 0 => Some("JobsZeroAmount"),
            () if until == now || until > now + HOUR => Some("JobsHoldOutOfRange"),
            () if !serves => Some("JobsNotServing"),
            () if sequence <= line.sequence => Some("JobsSequenceUsed"),
            () if stored.is_over(now) => Some("JobsKeyInvalid"),
            () if amount > stored.left(now) => Some("JobsKeyLimit"),
            () if amount > self.purses[who].free => Some("JobsPoor"),
            () => None,
        };
        let terms = Hold {
            customer: CUSTOMERS[who],
            key: SPENDERS[who],
            machineId: self.machines[at],
            classId: CLASS,
            sequence,
            amount: n(amount),
            untilMs: until,
        };
        let call = holdCall {
            terms,
            signature: CALLS,
        };
        self.step(SPENDERS[who], &call, expected);
        if expected.is_none() {
            let id = channelIdCall {
                customer: CUSTOMERS[who],
                key: SPENDERS[who],
                machineId: self.machines[at],
                classId: CLASS,
            };
            let id = self.world.view(ADDRESS, &id);
            let line = self.lines.entry((who, at)).or_default();
            (line.id, line.sequence) = (id, sequence);
            line.until = line.until.max(until);
            line.bound += amount;
            line.holds.push((now / HOUR, amount));
            self.purses[who].free -= amount;
            self.purses[who].bound += amount;
            self.limits[who].spent += amount;
            self.limits[who].bound.push((now, amount as i128));
        }
        expected
    }

    fn release(&mut self, dice: &mut Dice, who: usize, at: usize) -> Refusal {
        let now = self.now();
        let by_machine = dice.below(4) == 0;
        let line = self.lines.entry((who, at)).or_default();
        let (until, now) = (line.until / EPOCH, now);
        let is_claimable = self.is_claimable(until, now);
        let line = self.lines.entry((who, at)).or_default();
        let expected = match () {
            () if line.sequence == 0 => Some("JobsNoChannel"),
            () if line.bound == 0 => Some("JobsZeroAmount"),
            () if !by_machine && is_claimable => Some("JobsNotReleasable"),
            () => None,
        };
        let call = releaseCall {
            channel: line.id,
            byMachine: CALLS,
        };
        if expected.is_none() {
            let amount = std::mem::take(&mut line.bound);
            line.returned += amount;
            line.sequence += 1;
            self.purses[who].bound -= amount;
            self.purses[who].free += amount;
            self.limits[who].spent -= amount;
            // Claims took the oldest first: of what is left, the newest is of this period.
            let fresh = std::mem::take(&mut line.holds);
            let fresh = fresh.iter().filter(|(period, _)| *period == now / HOUR);
            let fresh: u128 = fresh.map(|(_, amount)| amount).sum();
            self.limits[who]
                .bound
                .push((now, -(fresh.min(amount) as i128)));
        }
        let by = if by_machine { KEYS[at] } else { ALICE };
        self.step(by, &call, expected);
        expected
    }

    /// A machine works for a customer: nothing of it is on chain.
    fn serve(&mut self, dice: &mut Dice, who: usize, at: usize) -> Refusal {
        let epoch = self.epoch();
        self.jobs += 1;
        let mut made = receipt(&mut self.world, KEYS[at], SPENDERS[who], self.jobs);
        made.outputUnits = 1 + dice.below(60) as u64;
        made.cost = u128::from(made.outputUnits * 8 + 20);
        let truth = match dice.below(24) {
            0 => Truth::Lie,
            1 => {
                made.outcome = 2;
                Truth::Bad(Fault::Failed)
            }
            2 => {
                made.program = B256::repeat_byte(1);
                Truth::Bad(Fault::OtherProgram)
            }
            3 => {
                made.startedMs -= 10 * EPOCH;
                Truth::Bad(Fault::OtherEpoch)
            }
            _ => Truth::Right,
        };
        let line = self.lines.entry((who, at)).or_default();
        let served = line.served.entry(epoch).or_default();
        if served.len() < 16 {
            served.push((made, truth));
        }
        None
    }

    fn claim(&mut self, dice: &mut Dice, who: usize, at: usize) -> Refusal {
        let now_epoch = self.epoch();
        let line = self.lines.entry((who, at)).or_default().clone();
        // Mostly of the last epoch; sometimes too early, or too late.
        let epoch = match dice.below(8) {
            0 => now_epoch,
            // What was served last, and not of late: some of it may be claimed, if the chain stood still.
            1 => {
                let last = line.served.keys().next_back().unwrap_or(&now_epoch);
                (*last).min(now_epoch - 2)
            }
            _ => now_epoch - 1,
        };
        let Some(receipts) = line.served.get(&epoch).cloned() else {
            return Some("nothing to claim");
        };
        let plain: Vec<_> = receipts
            .iter()
            .map(|(receipt, _)| receipt.clone())
            .collect();
        let (mut voucher, tree) = voucher(line.id, epoch, &plain);
        if dice.below(16) == 0 {
            voucher.cost += n(20);
            voucher.largest += n(20);
        }
        let cost: u128 = voucher.cost.to();
        let largest: u128 = voucher.largest.to();
        let count = plain.len() as u128;
        let most = u128::from(voucher.inputUnits * 2 + voucher.outputUnits * 8) + count;
        let work = voucher.outputUnits + voucher.inputUnits.div_ceil(10);
        let before = self.used.get(&(at, epoch)).copied().unwrap_or_default();
        let now = self.now();
        let is_time = epoch < now_epoch && self.is_claimable(epoch, now);
        // One of two cheats is found: a lie costs what it saves, and one, and no less than what its audits are paid.
        let fee = cost.div_ceil(100) + FEE_FLAT;
        let slash = (largest + 1).max(fee.min(AUDIT_PAY * count * 16));
        let reserved: u128 = self.reserved(at);
        let expected = match () {
            () if line.sequence == 0 => Some("JobsNoChannel"),
            () if !is_time => Some("JobsWrongEpoch"),
            () if epoch <= line.claimed_epoch => Some("JobsClaimed"),
            () if epoch > line.until / EPOCH => Some("JobsHoldOver"),
            () if cost > line.bound => Some("JobsOverBound"),
            () if cost > most => Some("JobsOverPriced"),
            () if self.bonds[at] < 1_000 => Some("JobsNotServing"),
            () if before + work > ALLOWED => Some("JobsOverCapacity"),
            () if reserved + slash > self.bonds[at] => Some("JobsOverBond"),
            () => None,
        };
        let call = claim_call(&self.world, &voucher, SPENDERS[who], KEYS[at]);
        self.step(ALICE, &call, expected);
        if expected.is_none() {
            let line = self.lines.get_mut(&(who, at)).expect("there");
            line.claimed_epoch = epoch;
            line.bound -= cost;
            line.claimed += cost;
            self.purses[who].bound -= cost;
            self.purses[who].claimed += cost;
            self.used.insert((at, epoch), before + work);
            if epoch + 1 < now_epoch {
                *self.ends.entry("late".to_owned()).or_default() += 1;
            }
            self.open.push(Open {
                id: self.world.view(ADDRESS, &claimCountCall {}),
                line: (who, at),
                cost,
                slash,
                fee,
                receipts,
                tree,
            });
        }
        expected
    }

    fn reserved(&self, at: usize) -> u128 {
        let open = self.open.iter().filter(|open| open.line.1 == at);
        open.map(|open| open.slash).sum()
    }

    /// All open claims are drawn, shown or not, audited or not, and settled by the block.
    fn finish(&mut self, dice: &mut Dice) {
        if self.open.is_empty() {
            return;
        }
        drawn(&mut self.world);
        let mut open = std::mem::take(&mut self.open);
        let mut ends: BTreeMap<u64, Option<Fault>> = BTreeMap::new();
        let mut seen = Vec::new();
        for open in &open {
            let picks = claim_of(&self.world, open.id).picks;
            assert_eq!(picks.len(), open.receipts.len(), "all are audited");
            let hides = dice.below(12) == 0;
            let receipts: Vec<_> = open.receipts.iter().map(|(made, _)| made.clone()).collect();
            let mut end = None;
            for (pick, index) in (0..).zip(&picks) {
                if hides && pick == 0 {
                    end = Some(Fault::NotShown);
                    continue;
                }
                let call = show_call(&self.world, open.id, pick, &receipts, &open.tree);
                self.step(ALICE, &call, None);
                let truth = open.receipts[*index as usize].1;
                if let Truth::Bad(fault) = truth {
                    end = Some(fault);
                    break;
                }
                let says = [Says::Truth, said(dice), said(dice)];
                seen.push(Seen {
                    id: open.id,
                    pick,
                    truth,
                    says,
                });
            }
            ends.insert(open.id, end);
        }
        self.world.wait_ms(10_001);
        let is_void = |ends: &BTreeMap<u64, Option<Fault>>, id: u64| matches!(ends[&id], Some(fault) if fault != Fault::NotShown);
        seen.retain(|seen| !is_void(&ends, seen.id));
        for seen in &seen {
            self.commit(seen);
        }
        self.world.wait_ms(10_001);
        for seen in &seen {
            self.reveal(seen);
            if seen.truth == Truth::Lie && seen.has_quorum() {
                let end = ends.get_mut(&seen.id).expect("there");
                *end = end.or(Some(Fault::Wrong));
            }
        }
        self.world.wait_ms(11_000);
        turn(&mut self.world);
        for open in open.drain(..) {
            self.close(&open, ends[&open.id]);
            self.credit(&open, &seen);
        }
    }

    fn commit(&mut self, seen: &Seen) {
        for (at, who) in AUDITORS.into_iter().enumerate() {
            if seen.says[at] == Says::Nothing {
                continue;
            }
            let (verdict, witness) = seen.said(at);
            let commitment = finding(seen.id, seen.pick, who, verdict, witness);
            let call = commitAuditCall {
                claimId: seen.id,
                pick: seen.pick,
                commitment,
            };
            self.step(who, &call, None);
        }
    }

    fn reveal(&mut self, seen: &Seen) {
        for (at, who) in AUDITORS.into_iter().enumerate() {
            if matches!(seen.says[at], Says::Nothing | Says::Silence) {
                continue;
            }
            let (verdict, witness) = seen.said(at);
            let call = revealAuditCall {
                claimId: seen.id,
                pick: seen.pick,
                verdict,
                witness,
                salt: SALT,
            };
            self.step(who, &call, None);
        }
    }

    /// Auditors of a claim that agreed with a quorum are paid alike, as far as its fee, its slash and all fees go.
    fn credit(&mut self, open: &Open, seen: &[Seen]) {
        let of_it = seen.iter().filter(|seen| seen.id == open.id);
        let paid = of_it.filter(|seen| seen.has_quorum());
        let paid: Vec<usize> = paid.flat_map(Seen::right).collect();
        if paid.is_empty() {
            return;
        }
        let all = open.fee.min(open.slash).min(self.fees);
        let each = AUDIT_PAY.min(all / paid.len() as u128);
        for at in paid {
            self.owed[at] += each;
            self.fees -= each;
        }
    }

    /// An auditor takes out a part of what it is owed, or more.
    fn take_pay(&mut self, dice: &mut Dice) -> Refusal {
        let at = dice.below(3) as usize;
        let amount = dice.amount(self.owed[at]);
        let expected = match amount {
            0 => Some("JobsZeroAmount"),
            _ if amount > self.owed[at] => Some("JobsNotEarned"),
            _ => None,
        };
        let call = withdrawAuditPayToAccountCall {
            index: 0,
            amount: n(amount),
        };
        self.step(AUDITORS[at], &call, expected);
        if expected.is_none() {
            self.owed[at] -= amount;
        }
        expected
    }

    /// The owner of the scope sends fees on: what auditors earned is not among them.
    fn send_fees(&mut self, dice: &mut Dice) -> Refusal {
        let amount = dice.amount(self.fees);
        let expected = match amount {
            0 => Some("JobsZeroAmount"),
            _ if amount > self.fees => Some("LedgerInsufficient"),
            _ => None,
        };
        let call = sendTakingsCall {
            index: 1,
            to: OWNER,
            toIndex: 0,
            amount: n(amount),
        };
        self.step(OWNER, &call, expected);
        if expected.is_none() {
            self.fees -= amount;
        }
        expected
    }

    fn close(&mut self, open: &Open, end: Option<Fault>) {
        let (who, at) = open.line;
        let line = self.lines.get_mut(&open.line).expect("there");
        line.claimed -= open.cost;
        self.purses[who].claimed -= open.cost;
        let found = claim_of(&self.world, open.id);
        let reason = end.map_or(0, Fault::number);
        assert_eq!(found.reason, reason, "{end:?}: {open:?}");
        if end.is_some() {
            line.returned += open.cost;
            self.purses[who].free += open.cost;
            self.limits[who].spent -= open.cost;
            self.bonds[at] -= open.slash;
            self.forfeit += open.slash;
        } else {
            assert_eq!(found.phase, Phase::Paid.number());
            line.paid += open.cost;
            self.purses[who].paid += open.cost;
            self.earned += open.cost - open.fee;
            self.fees += open.fee;
        }
        let words = end.map_or("Paid".to_owned(), |fault| format!("{fault:?}"));
        *self.ends.entry(words).or_default() += 1;
    }

    /// Whether vouchers of an epoch count, or will: as long as an epoch after it, but for the time for which the chain stood still.
    fn is_claimable(&self, epoch: u64, now: u64) -> bool {
        let from = (epoch + 1) * EPOCH;
        let stood = |(a, b): &(u64, u64)| (*b).min(now).saturating_sub((*a).max(from));
        let stood: u64 = self.stops.iter().map(stood).sum();
        now.saturating_sub(from) < EPOCH + stood
    }

    /// The chain stands still now and then; then a minute passes until time counts again.
    fn stand_still(&mut self) {
        self.waits += 1;
        if !self.waits.is_multiple_of(16) {
            return;
        }
        let from = self.now();
        let ms = still::STILL_MS + 1 + self.waits * 7_919 % (3 * EPOCH);
        self.world.stand_still_ms(ms);
        self.world.wait_ms(still::RETURN_MS);
        let to = self.now();
        self.stops.push((from, to));
        // A stop that comes sooner would have no minute of its own.
        self.world.wait_ms(still::STILL_MS);
    }

    fn wait(&mut self, dice: &mut Dice) {
        self.finish(dice);
        match dice.below(4) {
            0 => self.world.wait_ms(1 + dice.below(30_000) as u64),
            1 => self.world.wait_ms(dice.below(u128::from(HOUR)) as u64),
            _ => next_epoch(&mut self.world),
        }
        self.stand_still();
        // A bond that was spent comes back, or its machine stays barred.
        for at in 0..MACHINES {
            if self.bonds[at] < 5_000 && dice.below(3) == 0 {
                let add = IMachines::addBondCall {
                    machineId: self.machines[at],
                    amount: n(10_000),
                };
                self.world.ok(ALICE, machines::ADDRESS, &add);
                self.bonds[at] += 10_000;
            }
        }
    }

    fn compare(&mut self) {
        let now = self.now();
        for (who, purse) in self.purses.iter().enumerate() {
            let said = [purse.free, purse.bound, purse.claimed, purse.paid];
            assert_eq!(customer_of(&self.world, CUSTOMERS[who]), said);
            let call = keyOfCall {
                customer: CUSTOMERS[who],
                key: SPENDERS[who],
            };
            let key = self.world.view(ADDRESS, &call);
            let limits = &self.limits[who];
            let left = if limits.is_over(now) {
                0
            } else {
                limits.left(now)
            };
            assert_eq!((key.spent, key.left), (n(limits.spent), n(left)));
        }
        for line in self.lines.values().filter(|line| line.sequence != 0) {
            let found = channel_of(&self.world, line.id);
            let parts = [found.bound, found.claimed, found.paid, found.returned];
            let said = [line.bound, line.claimed, line.paid, line.returned];
            assert_eq!(parts, said.map(n));
            assert_eq!(found.held, n(said.iter().sum()));
        }
        for at in 0..MACHINES {
            let call = offerOfCall {
                machineId: self.machines[at],
                classId: CLASS,
            };
            let offer = self.world.view(ADDRESS, &call);
            assert_eq!(offer.bond, n(self.bonds[at]));
            assert_eq!(offer.reserved, n(self.reserved(at)));
        }
        let holder = AccountId::new(ALICE, 0);
        let found = [holder, FEES, FORFEIT, POT, EARNED];
        let found = found.map(|who| units(&mut self.world, self.asset, who));
        let pot = self.purses.iter().map(|p| p.free + p.bound + p.claimed);
        let owed = self.owed.iter().sum();
        let said = [self.earned, self.fees, self.forfeit, pot.sum(), owed];
        assert_eq!(found, said, "earned, fees, forfeit, pot, owed to auditors");
        for (auditor, owed) in AUDITORS.into_iter().zip(self.owed) {
            let found = self.world.view(ADDRESS, &auditEarningsCall { auditor });
            assert_eq!(found.owed, n(owed));
        }
    }
}

fn play(
    dice: &mut Dice,
    steps: u32,
    counts: &mut BTreeMap<(&'static str, Refusal), u32>,
    ends: &mut BTreeMap<String, u32>,
) {
    let mut play = Play::new();
    for _ in 0..steps {
        let who = dice.below(2) as usize;
        let at = dice.below(MACHINES as u128) as usize;
        let (verb, refusal) = match dice.below(32) {
            0..=2 => ("deposit", play.deposit(dice, who)),
            3 => ("withdraw", play.withdraw(dice, who)),
            4..=5 => ("set_key", play.set_key(dice, who)),
            6 if dice.below(4) == 0 => ("revoke", play.revoke(who)),
            7..=11 => ("hold", play.hold(dice, who, at)),
            12 => ("release", play.release(dice, who, at)),
            13..=20 => ("serve", play.serve(dice, who, at)),
            21..=26 => ("claim", play.claim(dice, who, at)),
            27 => ("take_pay", play.take_pay(dice)),
            28 if dice.below(4) == 0 => ("send_fees", play.send_fees(dice)),
            _ => {
                play.wait(dice);
                ("wait", None)
            }
        };
        *counts.entry((verb, refusal)).or_default() += 1;
        play.compare();
    }
    for (end, count) in play.ends {
        *ends.entry(end).or_default() += count;
    }
}

#[test]
fn random_steps_agree_with_a_model() {
    const NAME: &str = "jobs::tests::model";
    let (mut dice, steps) = steps::begin(NAME);
    let (mut counts, mut ends) = (BTreeMap::new(), BTreeMap::new());
    steps::in_plays(steps, PLAY, |steps| {
        play(&mut dice, steps, &mut counts, &mut ends);
    });
    println!("{counts:?}");
    println!("claims by their end: {ends:?}");
    if steps::is_whole(NAME, steps) {
        assert!(counts.len() >= 29, "only {}: {counts:?}", counts.len());
        for end in [
            "Paid",
            "Wrong",
            "NotShown",
            "Failed",
            "OtherProgram",
            "OtherEpoch",
            "late",
        ] {
            let met = ends.get(end).copied().unwrap_or_default();
            assert!(met > 0, "{end} never happened: {ends:?}");
        }
    }
}
