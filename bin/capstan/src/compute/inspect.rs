//! How an auditor looks at a receipt: asks its machine for what it keeps of it, and computes that again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use alloy_primitives::{B256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use capstan_agents::auditor::{Case, Examiner, Seen};
use capstan_client::Node;
use capstan_compute::{
    audit::{Evidence, Failure, Ground, spelled},
    bundled::{Doubt, Terms, overheard, witnessed},
    engine::Engine,
    receipt::{Outcome, Signed},
    tab::{Court, INSPECTION, Inspection, Kept, in_hex},
};
use capstan_contracts::jobs::{ADDRESS, Fault};
use eyre::{Result, WrapErr as _, bail, eyre};
use futures::{FutureExt as _, future::BoxFuture};
use tokio::sync::Semaphore;

use super::endpoints::Endpoints;

/// Answers that are computed again at a time. Who waits for a machine takes none of these places.
const LOOKS_AT_ONCE: usize = 4;
/// Machines that are asked at a time: what they send lies in memory until it is computed.
const DOORS: usize = 32;
/// More than a machine keeps of one receipt.
const BYTES_MAX: usize = 16 << 20;

/// Looks at receipts with the models of this machine.
pub(crate) struct Inspector {
    node: Node,
    court: Court,
    key: PrivateKeySigner,
    engines: Vec<Arc<Engine>>,
    endpoints: Endpoints,
    /// Of machines that are asked, and of answers that are computed.
    doors: Semaphore,
    places: Arc<Semaphore>,
}

impl Inspector {
    /// With this key, on the node's chain.
    pub(crate) async fn new(
        node: &Node,
        key: PrivateKeySigner,
        engines: Vec<Arc<Engine>>,
    ) -> Result<Self> {
        Ok(Self {
            node: node.clone(),
            court: Court {
                chain_id: node.chain_id().await?,
                contract: ADDRESS,
            },
            key,
            engines,
            endpoints: Endpoints::new()?,
            doors: Semaphore::new(DOORS),
            places: Arc::new(Semaphore::new(LOOKS_AT_ONCE)),
        })
    }

    /// Asks the machine; why not, if it gives nothing that is this receipt.
    async fn kept(&self, case: &Case, word: String) -> Result<Kept> {
        let path = format!("audit/{}", case.receipt);
        let word = Some((INSPECTION, word));
        let bytes = self
            .endpoints
            .get(&case.endpoint, &path, word, BYTES_MAX)
            .await?;
        let kept = Kept::read(&bytes).map_err(|why| eyre!("what it sends is no receipt: {why}"))?;
        kept.signed
            .verify()
            .wrap_err("what it sends does not hold")?;
        if kept.signed.id != case.receipt {
            bail!("it sends another receipt, {}", kept.signed.id);
        }
        Ok(kept)
    }

    /// Who asks, and when: a machine shows what customers said to auditors alone.
    async fn word(&self, receipt: B256) -> Result<String> {
        let said = Inspection {
            receipt,
            timeMs: self.node.head_time_ms().await?,
        };
        let word = self.court.sign(&said, &self.key)?;
        Ok(format!("{} {}", said.timeMs, in_hex(&word)))
    }

    async fn look(&self, case: &Case, heard: &AtomicBool) -> Seen {
        let fits = |engine: &&Arc<Engine>| engine.card().sha256 == case.program.0;
        let Some(engine) = self.engines.iter().find(fits).map(Arc::clone) else {
            return Seen::Unable(format!("no model here has the hash {}", case.program));
        };
        // They are closed with the inspector alone.
        let Ok(_door) = self.doors.acquire().await else {
            return Seen::Unable("nobody asks any more".to_owned());
        };
        let word = match self.word(case.receipt).await {
            Ok(word) => word,
            Err(why) => return Seen::Later(format!("{why:#}")),
        };
        let kept = match self.kept(case, word).await {
            Ok(kept) => kept,
            Err(why) => return Seen::Silent(format!("{why:#}")),
        };
        if kept.signed.receipt.outcome != Outcome::Whole.number() {
            // Nobody can say what it would have been; what it may cost is bounded by the voucher's own signature.
            return Seen::Unable("the answer was cut with its client's consent".to_owned());
        }
        let ground = ground(case.quantisation, &engine);
        if ground != Ground::Words && kept.evidence.is_none() {
            return Seen::Silent("it keeps nothing to compute on".to_owned());
        }
        heard.store(true, Ordering::Relaxed);
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return Seen::Unable("nobody computes any more".to_owned());
        };
        let looked = tokio::task::spawn_blocking(move || {
            // What is computed goes on where nobody waits for it any more, and keeps its place.
            let _place = place;
            match (&kept.evidence, ground) {
                (Some(evidence), Ground::States | Ground::Exact) => {
                    judged(&engine, &kept.signed, evidence, ground == Ground::Exact)
                }
                _ => judged_by_words(&engine, &kept),
            }
        });
        looked
            .await
            .unwrap_or_else(|_| Seen::Unable("the computation ended badly".to_owned()))
    }
}

impl Examiner for Inspector {
    fn examine<'a>(&'a self, case: &'a Case, heard: &'a AtomicBool) -> BoxFuture<'a, Seen> {
        self.look(case, heard).boxed()
    }
}

/// What a class is held by: its quantisation is the hash of `Q4_1`, `Q4_1 exact-1` or `Q4_1 words-1`. Kernels of this machine
/// that are others than every engine's are fixed by their own name.
fn ground(quantisation: B256, engine: &Engine) -> Ground {
    let card = engine.card();
    let of_this = keccak256(format!("{} {}", card.quantisation, card.kernels));
    match spelled(quantisation) {
        Some((_, Ground::Words)) => Ground::Words,
        _ if quantisation == of_this => Ground::Exact,
        _ => Ground::States,
    }
}

/// What is heard in an answer, where its class asks for no more.
pub(crate) fn judged_by_words(engine: &Engine, kept: &Kept) -> Seen {
    let found = overheard(engine, kept);
    let (fault, words) = match found.outcome {
        Ok(again) => {
            let words = format!("{} tokens are what this model says", again.tokens);
            (None, words)
        }
        Err(doubt @ (Doubt::Request | Doubt::Output { .. })) => {
            return Seen::Silent(format!("what it keeps is not what was signed: {doubt}"));
        }
        // What cannot be run here convicts nobody.
        Err(Doubt::Job(why)) => return Seen::Unable(why),
        Err(doubt) => (Some(fault_of(&doubt)), doubt.to_string()),
    };
    Seen::Found {
        fault,
        witness: keccak256(found.witness),
        words,
    }
}

/// What a second computation says of a receipt. A class that fixes its kernels has no others.
pub(crate) fn judged(
    engine: &Engine,
    signed: &Signed,
    evidence: &Evidence,
    fixes_kernels: bool,
) -> Seen {
    let terms = Terms {
        by_request: true,
        is_exact: fixes_kernels,
    };
    let is_strict = fixes_kernels || engine.card().kernels == evidence.work.kernels;
    let found = witnessed(engine, signed, evidence, terms);
    let (fault, words) = match found.outcome {
        Ok(again) => (
            None,
            format!(
                "{} tokens and {} groups of states agree",
                again.tokens, again.groups
            ),
        ),
        Err(Doubt::Evidence { .. }) => {
            return Seen::Silent("what it keeps is not what was signed".to_owned());
        }
        // Other kernels may differ by themselves: what they explain slashes nobody (specs/audit.md).
        Err(doubt) if !is_strict && doubt.may_be_kernels() => {
            return Seen::Unable(format!(
                "on other kernels ({}) that proves nothing: {doubt}",
                evidence.work.kernels
            ));
        }
        Err(doubt) => (Some(fault_of(&doubt)), doubt.to_string()),
    };
    Seen::Found {
        fault,
        witness: keccak256(found.witness),
        words,
    }
}

const fn fault_of(doubt: &Doubt) -> Fault {
    match doubt {
        Doubt::Failure {
            failure: Failure::Cut { .. },
            ..
        } => Fault::CutShort,
        Doubt::Request
        | Doubt::Failure {
            failure: Failure::Twin,
            ..
        } => Fault::Copied,
        _ => Fault::Wrong,
    }
}

#[cfg(test)]
mod tests;
