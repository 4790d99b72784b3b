//! Computes an answer again and holds it against its receipt.

use std::time::{Duration, Instant};

use alloy_primitives::{B256, keccak256};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    ask,
    work::{finish_word, rows},
};
use crate::{
    audit::{Evidence, Failure, Thresholds, Transcript, Work, verify},
    engine::Engine,
    receipt::{self, Signed},
    upstream::{Answer, Claim, Fault, Kind, Object, chunk},
};

/// What was found to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Again {
    /// Tokens of all answers, each of which was drawn again.
    pub tokens: usize,
    /// Groups of states that were compared.
    pub groups: usize,
    /// Whether bits had to be equal, for the kernels were.
    pub is_strict: bool,
    /// Tokens that other kernels draw differently, if only just.
    pub near: usize,
    /// How long it took.
    pub took: Duration,
}

/// Why an answer is not what its receipt says.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Doubt {
    /// The evidence is not what the receipt was signed with.
    #[error("the evidence hashes to {is}, and the receipt was signed with {said}")]
    Evidence {
        /// As signed.
        said: String,
        /// As computed.
        is: B256,
    },
    /// Another request.
    #[error("the request in the evidence is not the receipt's")]
    Request,
    /// Another file.
    #[error("the receipt names the model {said}, and this file is {is}")]
    Model {
        /// As signed.
        said: B256,
        /// The file's.
        is: B256,
    },
    /// The request cannot be run.
    #[error("the request cannot be run: {0}")]
    Job(String),
    /// Not as many answers as were asked for.
    #[error("{is} answers where {asked} were asked for")]
    Count {
        /// What there is.
        is: usize,
        /// What there should be.
        asked: usize,
    },
    /// An audit fails.
    #[error("answer {index}: {failure}")]
    Failure {
        /// Which answer.
        index: usize,
        /// What the audit says.
        failure: Failure,
    },
    /// The tokens say something else than what was delivered.
    #[error("what the model says here hashes to {is}, and the receipt is of {said}")]
    Output {
        /// As signed.
        said: B256,
        /// As computed.
        is: B256,
    },
    /// Its class is judged by words, and there are none to judge: a machine signs for no such answer.
    #[error("nobody can judge this by its words: {0}")]
    Unreadable(String),
    /// The same of embeddings.
    #[error("the vectors that come here hash to {is}, and the receipt is of {said}")]
    Vectors {
        /// As signed.
        said: B256,
        /// As computed.
        is: B256,
    },
    /// More was charged than was read or written.
    #[error("the receipt counts {said:?}, and the answer has {is:?}")]
    Usage {
        /// Read and written, as signed.
        said: (u64, u64),
        /// As computed.
        is: (u64, u64),
    },
}

impl From<Fault> for Doubt {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Request { body, .. } => Self::Job(
                body["error"]["message"]
                    .as_str()
                    .unwrap_or("refused")
                    .to_owned(),
            ),
            other => Self::Job(other.to_string()),
        }
    }
}

impl Doubt {
    /// The same of one answer of several.
    pub(super) fn of_answer(self, index: usize) -> Self {
        match self {
            Self::Failure { failure, .. } => Self::Failure { index, failure },
            other => other,
        }
    }

    /// Whether another machine's arithmetic may be all that is behind it: then it convicts nobody whose kernels are others.
    pub const fn may_be_kernels(&self) -> bool {
        // What an embedding is, kernels decide to the last bit; texts follow from tokens everywhere.
        matches!(
            self,
            Self::Job(_)
                | Self::Vectors { .. }
                | Self::Failure {
                    failure: Failure::Token { .. } | Failure::Job(_),
                    ..
                }
        )
    }
}

/// By what an answer is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// An answer may end for its length where the request says, and not earlier: what a machine says itself about it counts
    /// only where the request says nothing.
    pub by_request: bool,
    /// Bits are equal whatever kernels the work names.
    pub is_exact: bool,
}

/// Runs a receipt's request again on the model's own file.
///
/// # Errors
/// The first thing that does not fit.
pub fn again(engine: &Engine, signed: &Signed, evidence: &Evidence) -> Result<Again, Doubt> {
    witnessed(engine, signed, evidence, Terms::default()).outcome
}

/// What a second computation came to, and the digest of what it saw on its way there.
#[derive(Clone, Debug, PartialEq)]
pub struct Witnessed {
    /// Whether it holds.
    pub outcome: Result<Again, Doubt>,
    /// The same for everybody who computed the same on equal kernels, whatever the machine did; nobody else has it.
    pub witness: B256,
}

/// The same, with what was seen: what an auditor of a chain commits to.
pub fn witnessed(engine: &Engine, signed: &Signed, evidence: &Evidence, terms: Terms) -> Witnessed {
    let mut saw = Saw::of(&signed.receipt.id());
    let outcome = holds(engine, signed, evidence, terms, &mut saw);
    let witness = saw.digest(outcome.as_ref().err());
    Witnessed { outcome, witness }
}

/// What a second computation sees, as it goes.
pub(super) struct Saw(Sha256);

impl Saw {
    pub(super) fn of(receipt: &B256) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"capstan witness of a receipt");
        hasher.update(receipt);
        Self(hasher)
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// With the doubt that ended it: who guesses one has no witness for it.
    pub(super) fn digest(mut self, doubt: Option<&Doubt>) -> B256 {
        let words = doubt.map(ToString::to_string).unwrap_or_default();
        self.add(words.as_bytes());
        B256::from(<[u8; 32]>::from(self.0.finalize()))
    }
}

fn holds(
    engine: &Engine,
    signed: &Signed,
    evidence: &Evidence,
    terms: Terms,
    saw: &mut Saw,
) -> Result<Again, Doubt> {
    let start = Instant::now();
    let receipt = &signed.receipt;
    let is = evidence.hash();
    let said = signed.notes.get("evidence").and_then(Value::as_str);
    if said != Some(is.to_string().as_str()) {
        let said = said.unwrap_or("none").to_owned();
        return Err(Doubt::Evidence { said, is });
    }
    if keccak256(&evidence.request) != receipt.input {
        return Err(Doubt::Request);
    }
    let Ok(Value::Object(request)) = serde_json::from_str(&evidence.request) else {
        return Err(Doubt::Request);
    };
    let (said, is) = (receipt.program, B256::from(engine.card().sha256));
    if said != is {
        return Err(Doubt::Model { said, is });
    }
    let asked = ask::max_tokens(&request)?;
    let work = Work {
        max_tokens: match terms.by_request && asked < u64::MAX {
            true => asked,
            false => evidence.work.max_tokens,
        },
        kernels: match terms.is_exact {
            true => engine.card().kernels.clone(),
            false => evidence.work.kernels.clone(),
        },
        ..evidence.work.clone()
    };
    let kind = match signed.notes.get("kind").and_then(Value::as_str) {
        Some("embedding") => Kind::Embedding,
        Some("completion") => Kind::Completion,
        _ => Kind::Chat,
    };
    let found = match kind {
        Kind::Embedding => embedded(engine, &request, saw)?,
        kind => answered(engine, kind, &request, &work, saw)?,
    };
    let (said, is) = (receipt.output, found.output);
    if said != is {
        return Err(match kind {
            Kind::Embedding => Doubt::Vectors { said, is },
            _ => Doubt::Output { said, is },
        });
    }
    let (said, is) = (
        (receipt.inputUnits, receipt.outputUnits),
        (found.claim.input_tokens, found.claim.output_tokens),
    );
    if said.0 > is.0 || said.1 > is.1 {
        return Err(Doubt::Usage { said, is });
    }
    Ok(Again {
        took: start.elapsed(),
        ..found.again
    })
}

/// What a second computation gives.
struct Found {
    again: Again,
    output: B256,
    claim: Claim,
}

fn embedded(engine: &Engine, request: &Object, saw: &mut Saw) -> Result<Found, Doubt> {
    let prompts = ask::embedded(engine, request)?;
    let data = rows(engine, request, &prompts, || false)?.unwrap_or(Value::Null);
    let tokens: usize = prompts.iter().map(Vec::len).sum();
    let again = Again {
        tokens: 0,
        groups: prompts.len(),
        is_strict: true,
        near: 0,
        took: Duration::ZERO,
    };
    let claim = Claim {
        input_tokens: tokens as u64,
        output_tokens: 0,
    };
    let output = receipt::hash(&data);
    saw.add(output.as_slice());
    Ok(Found {
        again,
        output,
        claim,
    })
}

fn answered(
    engine: &Engine,
    kind: Kind,
    request: &Object,
    work: &Work,
    saw: &mut Saw,
) -> Result<Found, Doubt> {
    let Work {
        max_tokens,
        drawn,
        kernels,
        choices,
    } = work;
    let jobs = ask::jobs(engine.reader(), kind, request, *max_tokens, drawn)?;
    if jobs.len() != choices.len() {
        let (is, asked) = (choices.len(), jobs.len());
        return Err(Doubt::Count { is, asked });
    }
    let thresholds = Thresholds::between(&engine.card().kernels, kernels);
    let mut again = Again {
        tokens: 0,
        groups: 0,
        is_strict: thresholds == Thresholds::STRICT,
        near: 0,
        took: Duration::ZERO,
    };
    let (mut said, mut claim) = (Answer::default(), Claim::default());
    for (index, (job, chosen)) in jobs.into_iter().zip(choices).enumerate() {
        claim.output_tokens += chosen.tokens.len() as u64;
        if job.is_first_of_prompt {
            claim.input_tokens += job.request.prompt.len() as u64;
        }
        let text = engine.text_of(&chosen.tokens, &job.request.stop);
        for part in parts(kind, job.index, &text, finish_word(chosen.finish)) {
            said.add(&part);
        }
        let transcript = Transcript {
            model: engine.card().sha256,
            request: job.request,
            answer: chosen.tokens.clone(),
            finish: chosen.finish,
        };
        let report = verify(engine, &transcript, &chosen.proof, &thresholds);
        saw.add(&report.witness.encode());
        if let Some(failure) = report.failure {
            return Err(Doubt::Failure { index, failure });
        }
        again.tokens += chosen.tokens.len();
        again.groups += report.measures.len();
        again.near += report.missed();
    }
    Ok(Found {
        again,
        output: said.hash(),
        claim,
    })
}

/// An answer in the parts that its canonical form is made of. The model's name is not in it.
fn parts(kind: Kind, index: u64, text: &str, finish: Option<&str>) -> Vec<Object> {
    let mut parts = vec![chunk::text(kind, "", index, text)];
    parts.extend(finish.map(|reason| chunk::finish(kind, "", index, reason)));
    parts
}
