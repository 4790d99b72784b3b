//! Runs a job again, all tokens at once, and says whether the answer was honest.

use std::ops::ControlFlow;

use sha2::{Digest as _, Sha256};

use super::{
    draws::{Draw, ODDS, odds_ln},
    proof::{Measure, Proof, Witness},
};
use crate::engine::{
    Engine, EngineError, Finish, Request, Taught, kernel,
    sample::{Chances, likeliest, penalised},
};

/// What a provider says that he did.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// SHA-256 of the model's file.
    pub model: [u8; 32],
    /// The job. What a customer cut short has as many `max_tokens` as he took.
    pub request: Request,
    /// Tokens of the answer.
    pub answer: Vec<u32>,
    /// Why it ended.
    pub finish: Finish,
}

impl Transcript {
    /// By which a receipt names it: any change of it is another.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"capstan transcript");
        hasher.update(self.model);
        for tokens in [&self.request.prompt, &self.answer] {
            hasher.update((tokens.len() as u64).to_le_bytes());
            for token in tokens {
                hasher.update(token.to_le_bytes());
            }
        }
        let sampling = &self.request.sampling;
        hasher.update(sampling.temperature.to_bits().to_le_bytes());
        hasher.update(sampling.top_k.to_le_bytes());
        hasher.update(sampling.top_p.to_bits().to_le_bytes());
        hasher.update(sampling.repetition_penalty.to_bits().to_le_bytes());
        hasher.update(self.request.seed.bytes());
        hasher.update((self.request.max_tokens as u64).to_le_bytes());
        hasher.update((self.request.stop.len() as u64).to_le_bytes());
        for stop in &self.request.stop {
            hasher.update((stop.len() as u64).to_le_bytes());
            hasher.update(stop);
        }
        hasher.update([self.finish as u8]);
        hasher.finalize().into()
    }
}

/// How far states and draws may be apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Of 128 entries, those that may disagree.
    pub disagree: usize,
    /// Mean distance of mantissas.
    pub mean: f64,
    /// Median distance of mantissas.
    pub median: f64,
    /// Odds against the seed at which draws are refused; none allows no miss at all.
    pub odds: Option<f64>,
}

impl Thresholds {
    /// Equal kernels give equal bits.
    pub const STRICT: Self = Self {
        disagree: 0,
        mean: 0.0,
        median: 0.0,
        odds: None,
    };
    /// Other kernels: TOPLOC's own numbers for states, twice what `audit_rates` measured of honest machines at their worst.
    pub const TOLERANT: Self = Self {
        disagree: 38,
        mean: 10.0,
        median: 8.0,
        odds: Some(ODDS),
    };

    /// Those for a job that ran on kernels of this name.
    pub fn between(ours: &str, theirs: &str) -> Self {
        if ours == theirs {
            Self::STRICT
        } else {
            Self::TOLERANT
        }
    }

    /// Whether a measure is within them.
    pub fn admit(&self, measure: &Measure) -> bool {
        let allowed = self.disagree * measure.entries / super::TOP;
        measure.disagree <= allowed && measure.mean <= self.mean && measure.median <= self.median
    }
}

/// Why an answer is not what was asked for. The names are for programs.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// Another file.
    #[error("MODEL: the answer names another model than the verifier has")]
    Model,
    /// The job itself cannot be run.
    #[error("JOB: {0}")]
    Job(String),
    /// More tokens than asked for, or none.
    #[error("LENGTH: {tokens} tokens, where 1 to {most} were asked for")]
    Length {
        /// What there is.
        tokens: usize,
        /// What may be.
        most: usize,
    },
    /// No reason to end there.
    #[error("CUT: the answer ends after {tokens} tokens for no reason that holds")]
    Cut {
        /// What there is.
        tokens: usize,
    },
    /// It went on after its end.
    #[error("BEYOND: the answer goes on after it ended at token {position}")]
    Beyond {
        /// Where it ended.
        position: usize,
    },
    /// Bytes that are no proof of this job.
    #[error("PROOF: the proof has no form that fits the job")]
    Proof,
    /// States of another computation.
    #[error(
        "STATES: group {group} disagrees in {disagree} of {entries} entries, mantissas by {mean:.2} in the mean"
    )]
    States {
        /// Which group.
        group: usize,
        /// Entries that disagree.
        disagree: usize,
        /// Entries that there are.
        entries: usize,
        /// Mean distance of the others.
        mean: f64,
    },
    /// A token that the seed does not draw.
    #[error("TOKEN: token {position} is not what the seed draws")]
    Token {
        /// Which one.
        position: usize,
    },
    /// Draws that kernels do not explain, taken together.
    #[error(
        "DRAWS: {far} of {tokens} draws lie beside their tokens, 10^{odds:.1} to one against the seed"
    )]
    Draws {
        /// Those that are far.
        far: usize,
        /// All tokens.
        tokens: usize,
        /// The odds, as a power of ten.
        odds: f64,
    },
    /// The same rare text as another answer to the same prompt: it was written once.
    #[error("TWIN: it is another answer again, which this model would hardly write twice")]
    Twin,
    /// A text that another hand wrote, as far as its words say.
    #[error("WORDS: 10^{odds:.0} to one, this model did not write these {tokens} tokens")]
    Words {
        /// All tokens.
        tokens: usize,
        /// The odds, as a power of ten.
        odds: f64,
    },
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The first reason, if there is one.
    pub failure: Option<Failure>,
    /// Each group.
    pub measures: Vec<Measure>,
    /// Each token against its draw.
    pub draws: Vec<Draw>,
    /// What this verifier saw himself.
    pub witness: Witness,
}

impl Report {
    /// Whether nothing speaks against the answer.
    pub const fn passed(&self) -> bool {
        self.failure.is_none()
    }

    /// Tokens that the seed does not draw here.
    pub fn missed(&self) -> usize {
        self.draws.iter().filter(|draw| draw.miss > 0.0).count()
    }
}

/// Runs the job again and judges the answer by it.
pub fn verify(
    engine: &Engine,
    transcript: &Transcript,
    proof: &[u8],
    thresholds: &Thresholds,
) -> Report {
    let request = &transcript.request;
    let mut report = Report {
        failure: None,
        measures: Vec::new(),
        draws: Vec::new(),
        witness: Witness::new(request.prompt.len(), engine.card().width),
    };
    report.failure = ends_well(engine, transcript)
        .and_then(|()| judge(engine, transcript, proof, thresholds, &mut report))
        .err();
    report
}

/// What can be seen without running anything.
fn ends_well(engine: &Engine, transcript: &Transcript) -> Result<(), Failure> {
    let (request, answer) = (&transcript.request, &transcript.answer);
    if transcript.model != engine.card().sha256 {
        return Err(Failure::Model);
    }
    let said = request.sampling.check();
    said.map_err(|error| Failure::Job(error.to_string()))?;
    let room = engine.card().context.saturating_sub(request.prompt.len());
    let (tokens, most) = (answer.len(), request.max_tokens.min(room));
    if tokens == 0 || tokens > most {
        return Err(Failure::Length { tokens, most });
    }
    let tokenizer = engine.tokenizer();
    let end = answer.iter().position(|token| tokenizer.ends(*token));
    let stops_after = |count: usize| {
        let text = tokenizer.decode(&answer[..count]);
        let mut stops = request.stop.iter().filter(|stop| !stop.is_empty());
        stops.any(|stop| text.contains(stop.as_str()))
    };
    if let Some(position) = end.filter(|position| position + 1 < tokens) {
        return Err(Failure::Beyond { position });
    }
    if stops_after(tokens - 1) {
        let position = tokens - 2;
        return Err(Failure::Beyond { position });
    }
    let holds = match transcript.finish {
        Finish::End => end.is_some(),
        Finish::Stop => end.is_none() && stops_after(tokens),
        Finish::Length => end.is_none() && tokens == most,
        Finish::Cancelled => false,
    };
    if holds {
        Ok(())
    } else {
        Err(Failure::Cut { tokens })
    }
}

fn judge(
    engine: &Engine,
    transcript: &Transcript,
    proof: &[u8],
    thresholds: &Thresholds,
    report: &mut Report,
) -> Result<(), Failure> {
    let (request, answer) = (&transcript.request, &transcript.answer);
    let (prompt_tokens, width) = (request.prompt.len(), engine.card().width);
    let proof = Proof::decode(proof, prompt_tokens, answer.len(), width).ok_or(Failure::Proof)?;
    let mut tokens = request.prompt.clone();
    tokens.extend_from_slice(answer);
    let fed = &tokens[..tokens.len() - 1];
    let vocabulary = engine.card().vocabulary;
    let Report { draws, witness, .. } = report;
    let taught = engine.teach(fed, prompt_tokens - 1, &mut |taught: Taught<'_>| {
        witness.see(taught.first, taught.states);
        let rows = taught.logits.chunks_exact(vocabulary);
        for (position, logits) in (taught.logits_first..).zip(rows) {
            let at = position + 1 - prompt_tokens;
            let seen = &tokens[..=position];
            draws.push(draw(logits, seen, answer[at], at, request));
        }
        ControlFlow::Continue(())
    });
    taught.map_err(|error: EngineError| Failure::Job(error.to_string()))?;
    let groups = proof.groups().iter().zip(witness.groups());
    report.measures = groups.map(|(said, saw)| said.measure(saw)).collect();
    judged(
        &report.measures,
        &report.draws,
        transcript.finish,
        thresholds,
    )
}

/// What states and draws say under these thresholds.
///
/// # Errors
/// The first thing that they do not admit.
pub fn judged(
    measures: &[Measure],
    draws: &[Draw],
    finish: Finish,
    thresholds: &Thresholds,
) -> Result<(), Failure> {
    let strange = |measure: &Measure| !thresholds.admit(measure);
    if let Some(group) = measures.iter().position(strange) {
        let Measure {
            entries,
            disagree,
            mean,
            ..
        } = measures[group];
        return Err(Failure::States {
            group,
            disagree,
            entries,
            mean,
        });
    }
    let Some(most) = thresholds.odds else {
        let missed = draws.iter().position(|draw| draw.miss > 0.0);
        return missed.map_or(Ok(()), |position| Err(Failure::Token { position }));
    };
    let odds = odds_ln(draws);
    if odds > most.ln() {
        return Err(Failure::Draws {
            far: draws.iter().filter(|draw| draw.is_far()).count(),
            tokens: draws.len(),
            odds: odds / std::f64::consts::LN_10,
        });
    }
    // An end that was not drawn is a cut, so none is forgiven; but one alone convicts nobody.
    let end = draws.last().filter(|_| finish == Finish::End);
    if end.is_some_and(Draw::is_far) {
        let position = draws.len() - 1;
        return Err(Failure::Token { position });
    }
    Ok(())
}

/// A token against its draw.
fn draw(logits: &[f32], seen: &[u32], token: u32, at: usize, request: &Request) -> Draw {
    let sampling = &request.sampling;
    let logits = penalised(logits, seen, sampling.repetition_penalty);
    if sampling.temperature == 0.0 {
        let (best, most) = likeliest(&logits);
        let logit = logits.get(token as usize).copied();
        let miss = match logit {
            _ if best == token => 0.0,
            // Two that weigh the same are no miss that anybody could avoid, but not the one that is taken.
            Some(logit) => f64::from(1.0 - kernel::exp(logit - most)).max(f64::MIN_POSITIVE),
            None => 1.0,
        };
        return Draw { miss, share: None };
    }
    let chances = Chances::of(&logits, sampling);
    Draw {
        miss: chances.miss(token, request.seed.draw(at as u64)),
        share: Some(chances.share(token)),
    }
}
