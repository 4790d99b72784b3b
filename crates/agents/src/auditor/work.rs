//! Receipts of claims: which are to be looked at, and what is said of them when.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue as _};
use capstan_client::{Call, ClientError, send};
use capstan_contracts::jobs::{
    self, Fault,
    IJobs::{
        Claim, claimCountCall, claimOfCall, classOfCall, commitAuditCall, offerOfCall, paramsCall,
        pickOfCall, revealAuditCall,
    },
    Phase,
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use super::Auditor;

/// Between two looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So many claims before the newest are looked at when an auditor starts.
const BACK: u64 = 256;
/// Receipts that are looked at at a time: what machines send lies in memory meanwhile.
const LOOKS_AT_ONCE: usize = 4;
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
    /// Where the machine answers.
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

/// A finding of his.
#[derive(Clone, Copy, Debug)]
struct Finding {
    fault: Option<Fault>,
    witness: B256,
}

/// What a claim's phase and time ask of an auditor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Receipts are being shown: what was shown may be looked at.
    Show,
    /// Auditors commit.
    Commit,
    /// They commit, and soon it is too late.
    CommitLast,
    /// They reveal.
    Reveal,
}

/// How far he is with a receipt.
#[derive(Debug)]
enum Standing {
    /// Somebody computes.
    Looking { has_committed: bool },
    /// The machine was silent; it is asked again.
    Silent { case: Case, has_committed: bool },
    /// It is to be said.
    Found {
        case: Case,
        finding: Finding,
        has_committed: bool,
    },
    /// Nothing is left to be done.
    Done,
}

/// The receipts of all claims that are open.
pub(super) struct Work<'a> {
    auditor: &'a Auditor,
    tell: &'a (dyn Fn(&Told) + Sync),
    next_claim: Option<u64>,
    open: BTreeMap<u64, BTreeMap<u32, Standing>>,
    looking: JoinSet<()>,
    places: Arc<Semaphore>,
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
            places: Arc::new(Semaphore::new(LOOKS_AT_ONCE)),
            seen_to,
            seen,
        }
    }

    async fn view<C: SolCall>(&self, call: &C) -> Result<C::Return, ClientError> {
        self.auditor.node.view(jobs::ADDRESS, call).await
    }

    /// One look at everything that is open.
    pub(super) async fn look(&mut self) -> Result<(), ClientError> {
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
        let ids: Vec<u64> = self.open.keys().copied().collect();
        for id in ids {
            let claim = self.view(&claimOfCall { claimId: id }).await?;
            if claim.phase >= Phase::Ripe.number() {
                self.open.remove(&id);
                continue;
            }
            // One claim that cannot be looked at keeps him from no other.
            if let Err(error) = self.look_at(id, &claim).await {
                tracing::warn!(%error, claim = id, "a claim waits");
            }
        }
        Ok(())
    }

    /// Takes over what was computed since the last look.
    fn take_seen(&mut self) {
        while let Ok((case, seen)) = self.seen.try_recv() {
            (self.tell)(&Told::Examined(case.clone(), seen.clone()));
            let standing = self
                .open
                .get_mut(&case.claim_id)
                .and_then(|picks| picks.get_mut(&case.pick));
            let Some(standing) = standing else {
                continue;
            };
            let Standing::Looking { has_committed } = *standing else {
                continue;
            };
            *standing = match seen {
                Seen::Found { fault, witness, .. } => Standing::Found {
                    case,
                    finding: Finding { fault, witness },
                    has_committed,
                },
                Seen::Silent(_) => Standing::Silent {
                    case,
                    has_committed,
                },
                Seen::Unable(_) => Standing::Done,
            };
        }
    }

    async fn look_at(&mut self, id: u64, claim: &Claim) -> Result<(), ClientError> {
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
            let standing = self.open.get_mut(&id).and_then(|all| all.remove(&pick));
            let standing = match standing {
                Some(standing) => Some(standing),
                None => self.begin(id, claim, pick).await?,
            };
            // Not shown yet.
            let Some(standing) = standing else {
                continue;
            };
            let next = self.go_on(standing, when).await;
            if let Some(picks) = self.open.get_mut(&id) {
                picks.insert(pick, next);
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
    ) -> Result<Option<Standing>, ClientError> {
        let call = pickOfCall { claimId: id, pick };
        let picked = self.view(&call).await?;
        if picked.receipt.is_zero() {
            return Ok(None);
        }
        let (machine_id, class_id) = (claim.machineId, claim.classId);
        let offer = offerOfCall {
            machineId: machine_id,
            classId: class_id,
        };
        let (offer, class) = (
            self.view(&offer).await?,
            self.view(&classOfCall { classId: class_id }).await?,
        );
        let me = self.auditor.key.address();
        let case = Case {
            claim_id: id,
            pick,
            receipt: picked.receipt,
            machine_id,
            endpoint: offer.terms.endpoint,
            program: class.program,
            quantisation: class.quantisation,
        };
        Ok(Some(self.examine(case, picked.auditors.contains(&me))))
    }

    /// Lets a receipt be computed beside everything else.
    fn examine(&mut self, case: Case, has_committed: bool) -> Standing {
        let examiner = Arc::clone(&self.auditor.examiner);
        let (told, places) = (self.seen_to.clone(), Arc::clone(&self.places));
        self.looking.spawn(async move {
            // They are closed with the auditor alone.
            let Ok(_place) = places.acquire().await else {
                return;
            };
            let seen = examiner.examine(&case).await;
            // Nobody hears it where the auditor has ended.
            let _ = told.send((case, seen));
        });
        Standing::Looking { has_committed }
    }

    /// What is to be done now with a receipt.
    async fn go_on(&mut self, standing: Standing, when: When) -> Standing {
        match (standing, when) {
            (Standing::Silent { case, .. }, When::CommitLast) => {
                let finding = Finding::withheld(&case);
                self.commit(case, finding).await
            }
            // What was committed to before this process began was that, if the machine is silent still.
            (
                Standing::Silent {
                    case,
                    has_committed: true,
                },
                When::Reveal,
            ) => {
                let finding = Finding::withheld(&case);
                self.reveal(case, finding).await
            }
            (
                Standing::Silent {
                    case,
                    has_committed,
                },
                When::Show | When::Commit,
            ) => self.examine(case, has_committed),
            (
                Standing::Found {
                    case,
                    finding,
                    has_committed: false,
                },
                When::Commit | When::CommitLast,
            ) => self.commit(case, finding).await,
            (
                Standing::Found {
                    case,
                    finding,
                    has_committed: true,
                },
                When::Reveal,
            ) => self.reveal(case, finding).await,
            (standing, _) => standing,
        }
    }

    async fn commit(&self, case: Case, finding: Finding) -> Standing {
        let call = commitAuditCall {
            claimId: case.claim_id,
            pick: case.pick,
            commitment: self.commitment(&case, &finding),
        };
        if let Err(error) = self.send(&call).await {
            tracing::warn!(%error, claim = case.claim_id, "a finding was not taken");
            return Standing::Done;
        }
        (self.tell)(&Told::Committed(case.clone(), finding.fault));
        Standing::Found {
            case,
            finding,
            has_committed: true,
        }
    }

    async fn reveal(&self, case: Case, finding: Finding) -> Standing {
        let call = revealAuditCall {
            claimId: case.claim_id,
            pick: case.pick,
            verdict: finding.verdict(),
            witness: finding.witness,
            salt: self.salt(&case),
        };
        match self.send(&call).await {
            Ok(()) => (self.tell)(&Told::Revealed(case, finding.fault)),
            Err(error) => tracing::warn!(%error, claim = case.claim_id, "a finding was not shown"),
        }
        Standing::Done
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

    async fn send(&self, call: &impl SolCall) -> Result<(), ClientError> {
        let call = Call {
            to: jobs::ADDRESS,
            input: call.abi_encode().into(),
            value_wei: U256::ZERO,
        };
        send(&self.auditor.node, &self.auditor.key, &call)
            .await
            .map(drop)
    }
}

impl Finding {
    /// What there is to say of a machine that gave nothing. All who got nothing have the same witness.
    fn withheld(case: &Case) -> Self {
        let parts = ("capstan withheld".to_owned(), case.receipt);
        Self {
            fault: Some(Fault::Withheld),
            witness: keccak256(parts.abi_encode()),
        }
    }

    fn verdict(&self) -> u8 {
        self.fault.map_or(0, Fault::number)
    }
}
