//! What machines can do: whoever offers work and has proven nothing is asked, and what he answers is computed again.
//!
//! A short question to a fast machine measures the chain: the wait for its blocks is most of the answer's time. So who answers
//! quickly is asked more, until an answer takes long enough to say something about the machine.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue as _};
use capstan_client::{Call, ClientError, job_offered, send};
use capstan_contracts::{
    jobs::{
        self,
        IJobs::{classesCall, machinesInCall, offerOfCall},
    },
    machines::{
        self,
        IMachines::{
            Challenge, MachinesCommitted, MachinesWrongPhase, askCall, capacityCall, challengeCall,
            commitAuditCall, paramsCall, revealAuditCall, settleCall,
        },
        Phase,
    },
};
use tokio::{sync::mpsc, task::JoinHandle};

use super::Auditor;
use crate::provider::{Answered, question};

/// Machines of one look.
const MACHINES_MAX: u32 = 256;
/// Units of the first question, few enough for a slow machine, and of the longest.
const UNITS: (u64, u64) = (32, 4_096);
/// How long an answer should take. What takes half of it is long enough.
const ANSWER_MS: u64 = 10_000;
/// An answer is asked for of a quarter of the time that the chain leaves for it at most: the machine may be at work.
const ANSWER_PART: u64 = 4;
/// And of so much of the time in which auditors commit: they may be slower than the machine.
const AUDIT_PART: u64 = 3;
/// No machine is believed to be faster than that for one question.
const WITHIN_MS: u64 = 1_000;

/// Whoever failed is asked again when he has had time to mend it; each time he fails again, that is twice as long, so many times.
const ASK_EVERY: Duration = Duration::from_secs(30);
const DOUBLED_MAX: u32 = 7;

/// How far he is with a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Computing,
    Found(B256),
    Committed(B256),
    Done,
}

/// A question that was answered rightly.
#[derive(Clone, Copy, Debug)]
struct Passed {
    units: u64,
    took_ms: u64,
}

impl Passed {
    /// Units that would take so long, where this took less than half of it.
    fn longer(&self, answer_ms: u64) -> Option<u64> {
        let longer = self.units.saturating_mul(answer_ms);
        let longer = longer.checked_div(self.took_ms.max(1))?.min(UNITS.1);
        (longer >= self.units.saturating_mul(2)).then_some(longer)
    }
}

/// How a machine did at questions of a class.
#[derive(Clone, Copy, Debug, Default)]
struct Tried {
    /// When he asked last.
    at: Option<Instant>,
    /// The last question that was passed.
    passed: Option<Passed>,
    /// The least that was too much.
    too_much: Option<u64>,
    /// Failures in a row.
    failed: u32,
    /// The number of the challenge that this is as of.
    number: u64,
}

impl Tried {
    /// What came of a challenge that is over.
    fn ended(&mut self, last: &Challenge) {
        if last.number == self.number {
            return;
        }
        self.number = last.number;
        if last.phase == Phase::Passed.number() {
            self.failed = 0;
            self.passed = Some(Passed {
                units: last.units,
                took_ms: last.answeredMs.saturating_sub(last.askedMs),
            });
        }
        // One that others judged by no quorum, or that lapsed, says nothing of the machine.
        if [Phase::Unanswered, Phase::Wrong]
            .map(Phase::number)
            .contains(&last.phase)
        {
            self.failed = self.failed.saturating_add(1);
            self.passed = None;
            let too_much = self
                .too_much
                .map_or(last.units, |least| least.min(last.units));
            self.too_much = Some(too_much);
        }
    }

    /// Whether who failed has not had his time yet.
    fn is_early(&self) -> bool {
        let doubled = 1_u32 << self.failed.saturating_sub(1).min(DOUBLED_MAX);
        let wait = ASK_EVERY.saturating_mul(doubled);
        self.at.is_some_and(|at| at.elapsed() < wait)
    }

    /// Units of a question to who has proven nothing, or nothing any more.
    fn first(&self) -> u64 {
        let passed = self.passed.map_or(UNITS.0, |passed| passed.units);
        passed.clamp(UNITS.0, UNITS.1)
    }

    /// Units of a longer question than the one that was passed, where there is reason for one.
    fn longer(&self, answer_ms: u64) -> Option<u64> {
        let longer = self.passed?.longer(answer_ms)?;
        // An answer that fails takes everything from a machine that it had proven.
        let is_bold = self.too_much.is_some_and(|too_much| longer >= too_much);
        (!is_bold).then_some(longer)
    }
}

/// A task that ends with whoever wants its result.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Challenges of all machines that offer work.
pub(super) struct Capacity<'a> {
    auditor: &'a Auditor,
    /// By machine and number of its challenge.
    known: BTreeMap<(u64, u64), Standing>,
    /// By machine and class.
    tried: BTreeMap<(u64, u32), Tried>,
    /// What is computed for a machine.
    computing: BTreeMap<u64, AbortOnDrop>,
    found_to: mpsc::UnboundedSender<((u64, u64), Option<B256>)>,
    found: mpsc::UnboundedReceiver<((u64, u64), Option<B256>)>,
}

impl<'a> Capacity<'a> {
    pub(super) fn new(auditor: &'a Auditor) -> Self {
        let (found_to, found) = mpsc::unbounded_channel();
        Self {
            auditor,
            known: BTreeMap::new(),
            tried: BTreeMap::new(),
            computing: BTreeMap::new(),
            found_to,
            found,
        }
    }

    /// One look at every machine that offers work.
    pub(super) async fn look(&mut self) -> Result<(), ClientError> {
        while let Ok((place, output)) = self.found.try_recv() {
            let next = output.map_or(Standing::Done, Standing::Found);
            self.known.insert(place, next);
        }
        let node = &self.auditor.node;
        for class_id in node.view(jobs::ADDRESS, &classesCall {}).await? {
            let call = machinesInCall {
                classId: class_id,
                from: 0,
                count: MACHINES_MAX,
            };
            for machine_id in node.view(jobs::ADDRESS, &call).await?.machineIds {
                // One machine that cannot be looked at keeps him from no other.
                if let Err(error) = self.look_at(machine_id, class_id).await {
                    tracing::warn!(%error, machine = machine_id, "a challenge waits");
                }
            }
        }
        Ok(())
    }

    async fn look_at(&mut self, machine_id: u64, class_id: u32) -> Result<(), ClientError> {
        let call = challengeCall {
            machineId: machine_id,
        };
        let asked = self.auditor.node.view(machines::ADDRESS, &call).await?;
        let open = [
            Phase::Asked,
            Phase::Drawn,
            Phase::Committing,
            Phase::Revealing,
        ];
        if !open.iter().any(|phase| phase.number() == asked.phase) {
            self.computing.remove(&machine_id);
            return self.after(machine_id, class_id, &asked).await;
        }
        let place = (machine_id, asked.number);
        let standing = self.known.get(&place).copied();
        match (asked.phase, standing) {
            // Once the machine has answered: one that does not costs auditors nothing, and where they share its processors they do not
            // slow it down. What is more than any of them asks is left alone.
            (phase, None) if phase >= Phase::Committing.number() && asked.units <= UNITS.1 => {
                self.compute(machine_id, &asked).await
            }
            (phase, Some(Standing::Found(output))) if phase == Phase::Committing.number() => {
                let call = commitAuditCall {
                    machineId: machine_id,
                    commitment: self.commitment(place, output),
                };
                match self.send(&call).await {
                    // He did before he was started again, or was about to: what he finds is the same.
                    Err(error) if error.is::<MachinesCommitted>() => {}
                    told => self.kept(place, told)?,
                }
                self.known.insert(place, Standing::Committed(output));
                Ok(())
            }
            (phase, Some(Standing::Found(output) | Standing::Committed(output)))
                if phase == Phase::Revealing.number() =>
            {
                let call = revealAuditCall {
                    machineId: machine_id,
                    output,
                    salt: self.salt(place),
                };
                let told = self.send(&call).await;
                self.kept(place, told)?;
                self.known.insert(place, Standing::Done);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What a node could not take, or not at this moment, is said again; what a contract refuses is left.
    fn kept(
        &mut self,
        place: (u64, u64),
        told: Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        if let Err(error) = &told
            && error.is_of_contract()
            && !error.is::<MachinesWrongPhase>()
        {
            self.known.insert(place, Standing::Done);
        }
        told
    }

    /// Settles what is over, and asks whoever offers work and has proven nothing.
    async fn after(
        &mut self,
        machine_id: u64,
        class_id: u32,
        last: &Challenge,
    ) -> Result<(), ClientError> {
        if !self.auditor.asks {
            return Ok(());
        }
        // What has ended and is not settled has a time still.
        if last.number > 0 && last.dueMs > 0 {
            let call = settleCall {
                machineId: machine_id,
            };
            return self.send(&call).await;
        }
        let tried = self.tried.entry((machine_id, last.class)).or_default();
        tried.ended(last);
        let Some(units) = self.wanted(machine_id, class_id, last).await? else {
            return Ok(());
        };
        let tried = self.tried.entry((machine_id, class_id)).or_default();
        tried.at = Some(Instant::now());
        let call = askCall {
            machineId: machine_id,
            class: class_id,
            units,
            withinMs: WITHIN_MS,
        };
        self.send(&call).await
    }

    /// Units of the next question; none where nothing is to be asked now.
    async fn wanted(
        &self,
        machine_id: u64,
        class_id: u32,
        last: &Challenge,
    ) -> Result<Option<u64>, ClientError> {
        let node = &self.auditor.node;
        let offer = offerOfCall {
            machineId: machine_id,
            classId: class_id,
        };
        let offer = node.view(jobs::ADDRESS, &offer).await?;
        let serves = [
            machines::State::Probation,
            machines::State::Live,
            machines::State::Late,
        ];
        if !offer.terms.isOpen || !serves.iter().any(|state| state.number() == offer.state) {
            return Ok(None);
        }
        let proven = capacityCall {
            machineId: machine_id,
            class: class_id,
        };
        let proven = node.view(machines::ADDRESS, &proven).await?;
        let tried = self.tried.get(&(machine_id, class_id));
        let tried = tried.copied().unwrap_or_default();
        if proven.perHour == 0 {
            return Ok((!tried.is_early()).then(|| tried.first()));
        }
        // Whoever is at work would show less than he can. Who sold more than he has shown that he can is whom to ask.
        let is_at_work = (1..=offer.perEpoch).contains(&offer.used);
        if tried.longer(ANSWER_MS).is_none() || is_at_work {
            return Ok(None);
        }
        let params = node.view(machines::ADDRESS, &paramsCall {}).await?.current;
        let from_ms = last.askedMs.saturating_add(params.gapMs);
        let is_early = node.head_time_ms().await? < from_ms;
        // Auditors begin when it has answered.
        let answer_ms = (params.answerMs / ANSWER_PART).min(params.commitMs / AUDIT_PART);
        let longer = tried.longer(ANSWER_MS.min(answer_ms));
        Ok(longer.filter(|_| !is_early))
    }

    async fn compute(&mut self, machine_id: u64, asked: &Challenge) -> Result<(), ClientError> {
        let node = &self.auditor.node;
        let question = question(node, asked).await?;
        let offer = job_offered(node, machine_id, asked.class).await?;
        let left_ms = asked.dueMs.saturating_sub(node.head_time_ms().await?);
        let answered = Answered {
            endpoint: offer.map_or_else(String::new, |offer| offer.terms.endpoint),
            // The rest is for hearing it, and for the word to get into a block.
            patience: Duration::from_millis(left_ms) / 2,
        };
        let place = (machine_id, asked.number);
        self.known.retain(|known, _| known.0 != machine_id);
        self.known.insert(place, Standing::Computing);
        let (worker, told) = (Arc::clone(&self.auditor.worker), self.found_to.clone());
        let task = tokio::spawn(async move {
            let output = worker.work(&question, Some(&answered)).await;
            // Nobody hears it where the auditor has ended.
            let _ = told.send((place, output));
        });
        // It ends what was computed for this machine before.
        self.computing.insert(machine_id, AbortOnDrop(task));
        Ok(())
    }

    fn salt(&self, (machine_id, number): (u64, u64)) -> B256 {
        self.auditor
            .salt("capstan audit of a challenge", machine_id, number)
    }

    /// As the contract reads it.
    fn commitment(&self, place: (u64, u64), output: B256) -> B256 {
        let auditor = self.auditor.key.address();
        keccak256((place.1, auditor, output, self.salt(place)).abi_encode())
    }

    async fn send(&self, call: &impl SolCall) -> Result<(), ClientError> {
        let call = Call {
            to: machines::ADDRESS,
            input: call.abi_encode().into(),
            value_wei: U256::ZERO,
        };
        send(&self.auditor.node, &self.auditor.key, &call)
            .await
            .map(drop)
    }
}

#[cfg(test)]
mod tests;
