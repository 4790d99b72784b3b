//! Receipts of claims: which are to be looked at, and what is said of them when.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue as _};
use capstan_client::{Call, ClientError, send_all};
use capstan_contracts::jobs::{
    self, Fault,
    IJobs::{
        Claim, claimCountCall, claimOfCall, classOfCall, commitAuditCall, offerOfCall, paramsCall,
        pickOfCall, revealAuditCall,
    },
    Phase,
};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use super::{
    Auditor,
    standing::{Finding, Look, Say, Standing, Step, When},
};

/// Between two looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So many claims before the newest are looked at when an auditor starts.
const BACK: u64 = 256;
/// Receipts of one machine that are looked at at a time: one that stalls holds up nobody but itself.
const ASKS_AT_ONCE: usize = 4;
/// What is said in one look, in one block: the next look is not to be late.
const WORDS_MAX: usize = 16;
/// Of the time in which auditors commit, the part that is left for the transaction: then a silent machine has withheld.
const LAST_PART: u64 = 3;

/// A receipt to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its claim.
    pub claim_id: u64,
    /// Its place among those that were picked.
    pub pick: u32,
    /// Its digest.
    pub receipt: B256,
    /// The machine.
    pub machine_id: u64,
    /// The class that it sold the work in.
    pub class_id: u32,
    /// Where the machine answers, by its offer.
    pub endpoint: String,
    /// The model that its class names.
    pub program: B256,
    /// How its class says that weights are stored, and on which kernels the work runs if it says that.
    pub quantisation: B256,
}

/// What was seen of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was computed again.
    Found {
        /// What is wrong; none where it is right.
        fault: Option<Fault>,
        /// The digest of what was computed.
        witness: B256,
        /// In words.
        words: String,
    },
    /// The machine gave nothing to compute on, for this reason.
    Silent(String),
    /// This auditor could not ask it, for this reason; he tries again.
    Later(String),
    /// This auditor cannot say, for this reason.
    Unable(String),
}

/// What an auditor did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// He looked at a receipt.
    Examined(Case, Seen),
    /// He committed to what he found.
    Committed(Case, Option<Fault>),
    /// He showed it.
    Revealed(Case, Option<Fault>),
}

/// A verdict as it is said.
fn verdict_words(fault: Option<Fault>) -> &'static str {
    match fault {
        None => "right",
        Some(Fault::CutShort) => "cut short",
        Some(Fault::Copied) => "copied",
        Some(Fault::Withheld) => "withheld",
        Some(_) => "wrong",
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |case: &Case| {
            let Case {
                claim_id,
                pick,
                machine_id,
                ..
            } = case;
            format!("claim {claim_id} of machine {machine_id}, pick {pick}")
        };
        match self {
            Self::Examined(case, Seen::Found { fault, words, .. }) => {
                write!(f, "{}: {}: {words}", of(case), verdict_words(*fault))
            }
            Self::Examined(case, Seen::Silent(why)) => {
                write!(f, "{}: the machine gave nothing: {why}", of(case))
            }
            Self::Examined(case, Seen::Later(why)) => {
                write!(f, "{}: not asked yet: {why}", of(case))
            }
            Self::Examined(case, Seen::Unable(why)) => {
                write!(f, "{}: nothing is said: {why}", of(case))
            }
            Self::Committed(case, fault) => {
                write!(f, "{}: committed to `{}`", of(case), verdict_words(*fault))
            }
            Self::Revealed(case, fault) => {
                write!(f, "{}: revealed `{}`", of(case), verdict_words(*fault))
            }
        }
    }
}

/// What is left to be said after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    Some,
}

/// A look that goes on.
struct Asking {
    machine_id: u64,
    /// Whether the machine has given something to compute on.
    heard: Arc<AtomicBool>,
    handle: AbortHandle,
}

/// What is to be said, and until when.
type Words = Vec<(u64, Case, Say)>;

/// The receipts of all claims that are open.
pub(super) struct Work<'a> {
    auditor: &'a Auditor,
    tell: &'a (dyn Fn(&Told) + Sync),
    next_claim: Option<u64>,
    open: BTreeMap<u64, BTreeMap<u32, Look>>,
    looking: JoinSet<()>,
    /// Looks that go on, by claim and pick.
    asking: BTreeMap<(u64, u32), Asking>,
    /// Machines that were silent when they were asked last.
    mute: BTreeSet<u64>,
    seen_to: mpsc::UnboundedSender<(Case, Seen)>,
    seen: mpsc::UnboundedReceiver<(Case, Seen)>,
}

impl<'a> Work<'a> {
    pub(super) fn new(auditor: &'a Auditor, tell: &'a (dyn Fn(&Told) + Sync)) -> Self {
        let (seen_to, seen) = mpsc::unbounded_channel();
        Self {
            auditor,
            tell,
            next_claim: None,
            open: BTreeMap::new(),
            looking: JoinSet::new(),
            asking: BTreeMap::new(),
            mute: BTreeSet::new(),
            seen_to,
            seen,
        }
    }

    async fn view<C: SolCall>(&self, call: &C) -> Result<C::Return, ClientError> {
        self.auditor.node.view(jobs::ADDRESS, call).await
    }

    /// One look at everything that is open.
    pub(super) async fn look(&mut self) -> Result<Left, ClientError> {
        while self.looking.try_join_next().is_some() {}
        let count = self.view(&claimCountCall {}).await?;
        let from = self
            .next_claim
            .unwrap_or_else(|| count.saturating_sub(BACK) + 1);
        for id in from..=count {
            self.open.insert(id, BTreeMap::new());
        }
        self.next_claim = Some(count + 1);
        self.take_seen();
        let mut claims = Vec::with_capacity(self.open.len());
        for id in self.open.keys().copied() {
            claims.push((id, self.view(&claimOfCall { claimId: id }).await?));
        }
        // Many that are worth little keep him from none that is worth much.
        claims.sort_by_key(|(id, claim)| (Reverse(claim.voucher.cost), *id));
        let mut words = Vec::new();
        for (id, claim) in claims {
            if claim.phase >= Phase::Ripe.number() {
                self.close(id);
                continue;
            }
            // One claim that cannot be looked at keeps him from no other.
            if let Err(error) = self.look_at(id, &claim, &mut words).await {
                tracing::warn!(%error, claim = id, "a claim waits");
            }
        }
        // What is due first, and of that what is dearest.
        words.sort_by_key(|(due_ms, ..)| *due_ms);
        let is_more = words.len() > WORDS_MAX;
        words.truncate(WORDS_MAX);
        // A node that takes nothing, as from a key without coins, is not asked again at once.
        let left = match self.say(words).await > 0 && is_more {
            true => Left::Some,
            false => Left::Nothing,
        };
        Ok(left)
    }

    /// Nothing more is asked about a claim.
    fn close(&mut self, id: u64) {
        self.open.remove(&id);
        let its = (id, 0)..=(id, u32::MAX);
        for (_, asking) in self.asking.extract_if(its, |_, _| true) {
            asking.handle.abort();
        }
    }

    /// Takes over what was computed since the last look.
    fn take_seen(&mut self) {
        while let Ok((case, seen)) = self.seen.try_recv() {
            (self.tell)(&Told::Examined(case.clone(), seen.clone()));
            self.asking.remove(&(case.claim_id, case.pick));
            match seen {
                Seen::Silent(_) => drop(self.mute.insert(case.machine_id)),
                Seen::Found { .. } => drop(self.mute.remove(&case.machine_id)),
                Seen::Later(_) | Seen::Unable(_) => {}
            }
            let look = self
                .open
                .get_mut(&case.claim_id)
                .and_then(|picks| picks.get_mut(&case.pick));
            if let Some(look) = look {
                look.heard(seen);
            }
        }
    }

    async fn look_at(
        &mut self,
        id: u64,
        claim: &Claim,
        words: &mut Words,
    ) -> Result<(), ClientError> {
        let phase = claim.phase;
        if phase < Phase::Showing.number() {
            return Ok(());
        }
        let now_ms = self.auditor.node.head_time_ms().await?;
        let left_ms = claim.dueMs.saturating_sub(now_ms);
        let when = match phase {
            _ if phase == Phase::Revealing.number() => When::Reveal,
            _ if phase == Phase::Showing.number() => When::Show,
            _ if left_ms < self.commit_ms().await? / LAST_PART => When::CommitLast,
            _ => When::Commit,
        };
        for pick in (0..).take(claim.picks.len()) {
            let look = self.open.get_mut(&id).and_then(|all| all.remove(&pick));
            let look = match look {
                Some(look) => Some(look),
                None => self.begin(id, claim, pick).await?,
            };
            // Not shown yet.
            let Some(mut look) = look else {
                continue;
            };
            if let Some(said) = self.go_on(&mut look, when).await {
                words.push((claim.dueMs, look.case.clone(), said));
            }
            if let Some(picks) = self.open.get_mut(&id) {
                picks.insert(pick, look);
            }
        }
        Ok(())
    }

    /// How long auditors may commit. A claim has the terms of its day; those of now are near enough to know when it is late.
    async fn commit_ms(&self) -> Result<u64, ClientError> {
        Ok(self.view(&paramsCall {}).await?.current.commitMs)
    }

    /// A receipt that was shown, which is looked at from now on.
    async fn begin(
        &mut self,
        id: u64,
        claim: &Claim,
        pick: u32,
    ) -> Result<Option<Look>, ClientError> {
        let call = pickOfCall { claimId: id, pick };
        let picked = self.view(&call).await?;
        if picked.receipt.is_zero() {
            return Ok(None);
        }
        let class_id = claim.classId;
        let class = self.view(&classOfCall { classId: class_id }).await?;
        let case = Case {
            claim_id: id,
            pick,
            receipt: picked.receipt,
            machine_id: claim.machineId,
            class_id,
            endpoint: String::new(),
            program: class.program,
            quantisation: class.quantisation,
        };
        let me = self.auditor.key.address();
        let has_committed = picked.auditors.contains(&me);
        Ok(Some(Look::new(case, has_committed)))
    }

    /// Lets a receipt be computed beside everything else. A machine that was started again may answer elsewhere than before.
    async fn ask(&mut self, look: &mut Look) -> Result<(), ClientError> {
        let offer = offerOfCall {
            machineId: look.case.machine_id,
            classId: look.case.class_id,
        };
        look.case.endpoint = self.view(&offer).await?.terms.endpoint;
        look.standing = Standing::Looking;
        let case = look.case.clone();
        let (place, machine_id) = ((case.claim_id, case.pick), case.machine_id);
        let (told, examiner) = (self.seen_to.clone(), Arc::clone(&self.auditor.examiner));
        let heard = Arc::new(AtomicBool::new(false));
        let hears = Arc::clone(&heard);
        let handle = self.looking.spawn(async move {
            let seen = examiner.examine(&case, &hears).await;
            // Nobody hears it where the auditor has ended.
            let _ = told.send((case, seen));
        });
        let asking = Asking {
            machine_id,
            heard,
            handle,
        };
        self.asking.insert(place, asking);
        Ok(())
    }

    /// Looks at a machine that go on.
    fn asking(&self, machine_id: u64) -> impl Iterator<Item = &Asking> {
        let all = self.asking.values();
        all.filter(move |asking| asking.machine_id == machine_id)
    }

    /// Whether a machine holds all its places with silence: what it was not asked for yet it would not give either.
    fn is_mute(&self, machine_id: u64) -> bool {
        self.mute.contains(&machine_id)
            && self
                .asking(machine_id)
                .all(|asking| !asking.heard.load(Ordering::Relaxed))
    }

    /// Does what is to be done now with a receipt; what is to be said is said with everything else.
    async fn go_on(&mut self, look: &mut Look, when: When) -> Option<Say> {
        let machine_id = look.case.machine_id;
        let is_full = self.asking(machine_id).count() >= ASKS_AT_ONCE;
        if is_full
            && when == When::CommitLast
            && look.standing == Standing::New
            && self.is_mute(machine_id)
        {
            look.standing = Standing::Silent;
        }
        match look.step(when) {
            Step::Say(said) => return Some(said),
            Step::Ask if !is_full => {
                if let Err(error) = self.ask(look).await {
                    tracing::warn!(%error, claim = look.case.claim_id, "a receipt waits");
                }
            }
            Step::Wait | Step::Ask => {}
        }
        None
    }

    /// Says all of it, many to a block. Answers how much of it was taken.
    async fn say(&mut self, words: Words) -> usize {
        let calls = words.iter().map(|(_, case, said)| self.call(case, said));
        let calls: Vec<Call> = calls.collect();
        let done = send_all(&self.auditor.node, &self.auditor.key, &calls).await;
        let taken = done.iter().filter(|done| done.is_ok()).count();
        for ((_, case, said), done) in words.into_iter().zip(done) {
            let look = self.open.get_mut(&case.claim_id);
            let Some(look) = look.and_then(|picks| picks.get_mut(&case.pick)) else {
                continue;
            };
            if let Err(error) = done {
                tracing::warn!(%error, claim = case.claim_id, "a finding waits");
                look.refused(said, &error);
                continue;
            }
            look.said(said);
            (self.tell)(&match said {
                Say::Commit(finding) => Told::Committed(case, finding.fault),
                Say::Reveal(finding) => Told::Revealed(case, finding.fault),
            });
        }
        taken
    }

    fn call(&self, case: &Case, said: &Say) -> Call {
        let input = match said {
            Say::Reveal(finding) => revealAuditCall {
                claimId: case.claim_id,
                pick: case.pick,
                verdict: finding.verdict(),
                witness: finding.witness,
                salt: self.salt(case),
            }
            .abi_encode(),
            Say::Commit(finding) => commitAuditCall {
                claimId: case.claim_id,
                pick: case.pick,
                commitment: self.commitment(case, finding),
            }
            .abi_encode(),
        };
        Call {
            to: jobs::ADDRESS,
            input: input.into(),
            value_wei: U256::ZERO,
        }
    }

    fn salt(&self, case: &Case) -> B256 {
        let (claim, pick) = (case.claim_id, case.pick.into());
        self.auditor.salt("capstan audit of a receipt", claim, pick)
    }

    /// As the contract reads it.
    fn commitment(&self, case: &Case, finding: &Finding) -> B256 {
        let verdict = U256::from(finding.verdict());
        let auditor = self.auditor.key.address();
        let salt = self.salt(case);
        let parts = (
            case.claim_id,
            case.pick,
            auditor,
            verdict,
            finding.witness,
            salt,
        );
        keccak256(parts.abi_encode())
    }
}

#[cfg(test)]
mod tests;
