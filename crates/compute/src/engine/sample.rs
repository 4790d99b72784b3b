//! Which token comes next: from logits, settings and a seed, so that anybody who has the same logits can see whether it was the
//! right one. From the weights on everything is integers.

use sha2::{Digest as _, Sha256};

use super::{error::EngineError, kernel};

/// Weight of the largest logit.
const WEIGHT_ONE: f32 = (1_u64 << 40) as f32;
/// Parts in which top-p is counted.
const PARTS: f64 = (1_u64 << 32) as f64;

/// How tokens are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Zero takes the likeliest token always.
    pub temperature: f32,
    /// Only so many likeliest tokens; zero takes all.
    pub top_k: u32,
    /// Only the likeliest tokens that together reach this share.
    pub top_p: f32,
    /// Tokens that were there already are less likely by this.
    pub repetition_penalty: f32,
}

impl Sampling {
    /// The likeliest token, always.
    pub const GREEDY: Self = Self {
        temperature: 0.0,
        top_k: 0,
        top_p: 1.0,
        repetition_penalty: 1.0,
    };

    /// Refuses settings that make no sense.
    pub fn check(&self) -> Result<(), EngineError> {
        let temperature = (0.0..=100.0).contains(&self.temperature);
        if !temperature {
            return Err(EngineError::Setting("temperature", "from 0 to 100"));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(EngineError::Setting("top_p", "above 0 and at most 1"));
        }
        if !(0.01..=100.0).contains(&self.repetition_penalty) {
            return Err(EngineError::Setting(
                "repetition_penalty",
                "from 0.01 to 100",
            ));
        }
        Ok(())
    }
}

/// What decides draws. Whoever knows job and randomness knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// For requests that draw nothing.
    pub const NONE: Self = Self([0; 32]);

    /// The seed of a job: nobody chooses it who knows neither.
    pub fn of(job: &[u8], randomness: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"capstan seed");
        hasher.update((job.len() as u64).to_le_bytes());
        hasher.update(job);
        hasher.update(randomness);
        Self(hasher.finalize().into())
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The draw for one position of an answer, as a fraction of 2^64.
    pub(crate) fn draw(&self, position: u64) -> u64 {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(position.to_le_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(first)
    }
}

/// What may come next, in order of token id, each with its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chances {
    kept: Vec<(u32, u64)>,
    total: u64,
}

/// Logits after what was there already made them smaller.
pub(crate) fn penalised(logits: &[f32], seen: &[u32], penalty: f32) -> Vec<f32> {
    let mut logits = logits.to_vec();
    if penalty == 1.0 {
        return logits;
    }
    let mut seen = seen.to_vec();
    seen.sort_unstable();
    seen.dedup();
    for token in seen {
        if let Some(logit) = logits.get_mut(token as usize) {
            *logit = if *logit > 0.0 {
                *logit / penalty
            } else {
                *logit * penalty
            };
        }
    }
    logits
}

/// The largest logit; the smaller token of equal ones.
pub(crate) fn likeliest(logits: &[f32]) -> (u32, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (token, logit) in (0_u32..).zip(logits) {
        if *logit > best.1 {
            best = (token, *logit);
        }
    }
    best
}

impl Chances {
    /// From logits, at a temperature above zero.
    pub(crate) fn of(logits: &[f32], sampling: &Sampling) -> Self {
        let (_, most) = likeliest(logits);
        let inverse = 1.0 / sampling.temperature;
        let mut kept: Vec<(u32, u64)> = (0_u32..)
            .zip(logits)
            .map(|(token, logit)| {
                let weight = kernel::exp((logit - most) * inverse) * WEIGHT_ONE;
                (token, weight as u64)
            })
            .filter(|(_, weight)| *weight > 0)
            .collect();
        let heavier = |a: &(u32, u64), b: &(u32, u64)| b.1.cmp(&a.1).then(a.0.cmp(&b.0));
        let top_k = sampling.top_k as usize;
        if top_k > 0 && top_k < kept.len() {
            kept.select_nth_unstable_by(top_k - 1, heavier);
            kept.truncate(top_k);
        }
        if sampling.top_p < 1.0 {
            kept.sort_unstable_by(heavier);
            let total: u128 = kept.iter().map(|(_, weight)| u128::from(*weight)).sum();
            let parts = (f64::from(sampling.top_p) * PARTS).ceil() as u128;
            let enough = (total * parts) >> 32;
            let mut sum = 0;
            let needed = kept.iter().position(|(_, weight)| {
                sum += u128::from(*weight);
                sum >= enough
            });
            kept.truncate(needed.map_or(kept.len(), |last| last + 1));
        }
        kept.sort_unstable();
        let total = kept.iter().map(|(_, weight)| weight).sum();
        Self { kept, total }
    }

    /// The token that a draw picks.
    pub(crate) fn pick(&self, draw: u64) -> u32 {
        let mark = self.mark(draw);
        let mut sum = 0;
        for (token, weight) in &self.kept {
            sum += weight;
            if mark < sum {
                return *token;
            }
        }
        self.kept.last().map_or(0, |(token, _)| *token)
    }

    /// How far a draw lies outside the interval of a token, in shares of the whole: zero if it picks it, one and more if
    /// nothing speaks for it.
    pub(crate) fn miss(&self, token: u32, draw: u64) -> f64 {
        let mark = self.mark(draw);
        let mut start = 0;
        for (kept, weight) in &self.kept {
            if *kept == token {
                let end = start + weight;
                let outside = start
                    .saturating_sub(mark)
                    .max((mark + 1).saturating_sub(end));
                return outside as f64 / self.total as f64;
            }
            start += weight;
        }
        1.0
    }

    /// The share of a token in the whole: how often a draw that nobody chose picks it.
    pub(crate) fn share(&self, token: u32) -> f64 {
        let kept = self.kept.binary_search_by_key(&token, |(kept, _)| *kept);
        let weight = kept.map_or(0, |at| self.kept[at].1);
        weight as f64 / self.total as f64
    }

    fn mark(&self, draw: u64) -> u64 {
        let mark = (u128::from(draw) * u128::from(self.total)) >> 64;
        u64::try_from(mark).unwrap_or(u64::MAX)
    }
}

/// The next token.
pub(crate) fn next(
    logits: &[f32],
    seen: &[u32],
    sampling: &Sampling,
    seed: &Seed,
    position: u64,
) -> u32 {
    let logits = penalised(logits, seen, sampling.repetition_penalty);
    if sampling.temperature == 0.0 {
        return likeliest(&logits).0;
    }
    Chances::of(&logits, sampling).pick(seed.draw(position))
}
