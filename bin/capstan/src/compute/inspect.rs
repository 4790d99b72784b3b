//! How an auditor looks at a receipt: asks its machine for what it keeps of it, and computes that again.
//!
//! The address of a machine is its own word, so what comes from there is bounded in size and time, and follows no redirect.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy_primitives::{B256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use capstan_agents::auditor::{Case, Examiner, Seen};
use capstan_client::Node;
use capstan_compute::{
    audit::{Evidence, Failure},
    bundled::{Doubt, Terms, witnessed},
    engine::Engine,
    receipt::{Outcome, Signed},
    tab::{Court, INSPECTION, Inspection, Kept, in_hex},
};
use capstan_contracts::jobs::{ADDRESS, Fault};
use eyre::{Result, WrapErr as _, bail, eyre};
use futures::{FutureExt as _, future::BoxFuture};
use tokio::sync::Semaphore;

/// Longest wait for a machine: it is asked again while there is time.
const PATIENCE: Duration = Duration::from_secs(3);
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
    client: reqwest::Client,
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
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none());
        Ok(Self {
            node: node.clone(),
            court: Court {
                chain_id: node.chain_id().await?,
                contract: ADDRESS,
            },
            key,
            engines,
            client: client.build()?,
            doors: Semaphore::new(DOORS),
            places: Arc::new(Semaphore::new(LOOKS_AT_ONCE)),
        })
    }

    /// Asks the machine; why not, if it gives nothing that is this receipt.
    async fn kept(&self, case: &Case, word: String) -> Result<(Signed, Option<Evidence>)> {
        let base = case.endpoint.trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        if !base.starts_with("http://") && !base.starts_with("https://") {
            bail!("`{}` is no address of a machine", case.endpoint);
        }
        let url = format!("{base}/v1/capstan/audit/{}", case.receipt);
        let answer = self.client.get(url).header(INSPECTION, word).send().await;
        let mut answer = answer.wrap_err("it does not answer")?;
        if !answer.status().is_success() {
            bail!("it answers {}", answer.status());
        }
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await.wrap_err("it stops in the middle")? {
            if bytes.len() + part.len() > BYTES_MAX {
                bail!("it sends more than {BYTES_MAX} bytes");
            }
            bytes.extend_from_slice(&part);
        }
        let kept = Kept::read(&bytes).map_err(|why| eyre!("what it sends is no receipt: {why}"))?;
        kept.signed
            .verify()
            .wrap_err("what it sends does not hold")?;
        if kept.signed.id != case.receipt {
            bail!("it sends another receipt, {}", kept.signed.id);
        }
        Ok((kept.signed, kept.evidence))
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
        let (signed, evidence) = match self.kept(case, word).await {
            Ok(kept) => kept,
            Err(why) => return Seen::Silent(format!("{why:#}")),
        };
        if signed.receipt.outcome != Outcome::Whole.number() {
            // Nobody can say what it would have been; what it may cost is bounded by the voucher's own signature.
            return Seen::Unable("the answer was cut with its client's consent".to_owned());
        }
        let Some(evidence) = evidence else {
            return Seen::Silent("it keeps nothing to compute on".to_owned());
        };
        let fixes = fixes_kernels(case.quantisation, &engine);
        heard.store(true, Ordering::Relaxed);
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return Seen::Unable("nobody computes any more".to_owned());
        };
        let looked = tokio::task::spawn_blocking(move || {
            // What is computed goes on where nobody waits for it any more, and keeps its place.
            let _place = place;
            judged(&engine, &signed, &evidence, fixes)
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

/// Whether a class says which kernels its work runs on: its quantisation is the hash of `Q4_1 exact-1`, not of `Q4_1` alone.
fn fixes_kernels(quantisation: B256, engine: &Engine) -> bool {
    let card = engine.card();
    quantisation == keccak256(format!("{} {}", card.quantisation, card.kernels))
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
        Doubt::Request => Fault::Copied,
        _ => Fault::Wrong,
    }
}

#[cfg(test)]
mod tests;
