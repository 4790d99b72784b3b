//! Would this model write that text? Judged by the text alone, where a machine keeps no states and draws by no seed of ours.
//!
//! ```text
//!   prompt and text, fed at once ─► chances of each token ─► odds that another hand wrote it, hand by hand, token by token
//!                                                         └► odds that it was cut where it ends
//! ```
//! Each odds is a product of factors that are at most 1 in the mean while the model itself draws, so of honest texts no more
//! than one in x ever comes to odds of x, however long they are and wherever one looks (Ville). Formulas: specs/audit.md.

use crate::engine::{Sampling, kernel, sample::likeliest};

/// How another hand is taken to write.
#[derive(Clone, Copy, Debug)]
struct Hand {
    /// Its chances are the model's own to this power: flatter, or steeper.
    tilt: f64,
    /// So much of them lies anywhere.
    anywhere: f64,
}

const HANDS: [Hand; 7] = [
    Hand::of(0.5, 0.1),
    Hand::of(0.75, 0.02),
    Hand::of(0.875, 0.004),
    Hand::of(0.9375, 0.002),
    Hand::of(1.25, 0.002),
    Hand::of(2.0, 0.002),
    // It knows what the model knows, and now and then writes what the model never would.
    Hand::of(1.0, 0.1),
];

impl Hand {
    const fn of(tilt: f64, anywhere: f64) -> Self {
        Self { tilt, anywhere }
    }
}

/// Of a text that is hardly drawn: parts of it that may come of another hand.
const PARTS: [f64; 3] = [1.0, 0.25, 0.0625];
/// How often a text that was cut would end at any token.
const CUTS: [f64; 3] = [1.0 / 8.0, 1.0 / 64.0, 1.0 / 512.0];
/// From this temperature on chances are what other kernels make of them too; below, they move too much to be weighed.
const WEIGHED_FROM: f32 = 0.5;
/// Below it nothing is drawn; servers disagree about what is so near to it.
pub const DRAWN_FROM: f64 = 0.001;
/// So much of all chances may lie anywhere: what other kernels and other cuts of a text into tokens do.
const ANYWHERE: f64 = 0.001;
/// Where little is drawn: two tokens whose logits are this near change places on other kernels.
const NEAR_LOGITS: f64 = 0.3;
/// A token is far where all that are as unlikely, or nearly, have no more than this together.
const FAR_CHANCE: f64 = 0.02;
/// So often at most, it is taken, an honest token is far.
const FAR_HONEST: f64 = 0.05;
/// So often another hand is taken to write one that is not.
const NEAR_FOREIGN: f64 = 0.5;
/// Another hand may take over before any token: of its odds so much is kept for each. The first has half of all.
const ANEW: f64 = 0.5 / 16_384.0;
/// No end is taken to be less likely.
const END_LEAST: f64 = 1e-12;

/// What was heard of a text until now.
#[derive(Clone, Debug)]
pub struct Heard {
    temperature: f32,
    /// Of each hand, as a logarithm.
    hands: Vec<f64>,
    /// The most that their mean came to.
    most_ln: f64,
    /// How likely the model finds the text itself, where that can be weighed.
    own_ln: f64,
    /// The chance that the last token would have been one that ends the text behind itself.
    ends_within: f64,
    /// That it was cut, each way, as a logarithm.
    cuts: [f64; CUTS.len()],
    cut_ln: f64,
    tokens: usize,
}

impl Heard {
    /// Nothing yet, of a text drawn at this temperature from all tokens.
    pub fn at(temperature: f32) -> Self {
        let hands = match temperature < WEIGHED_FROM {
            true => PARTS.len(),
            false => HANDS.len(),
        };
        Self {
            temperature,
            hands: vec![0.5_f64.ln(); hands],
            most_ln: 0.0,
            own_ln: 0.0,
            ends_within: 0.0,
            cuts: [0.0; CUTS.len()],
            cut_ln: f64::NEG_INFINITY,
            tokens: 0,
        }
    }

    /// How such a text is drawn.
    pub const fn sampling(temperature: f32) -> Sampling {
        Sampling {
            temperature,
            ..Sampling::GREEDY
        }
    }

    /// The next token of the text, after these logits; `ends` says which tokens would have ended it.
    pub fn token(&mut self, logits: &[f32], token: u32, ends: impl Fn(u32) -> bool) {
        self.tokens += 1;
        self.ends_within = 0.0;
        // A good beginning hides nothing of what comes after it.
        if (self.tokens as f64) < 0.5 / ANEW {
            for hand in &mut self.hands {
                *hand = (hand.exp() + ANEW).ln();
            }
        }
        let chances = Chances::of(logits, self.temperature.max(WEIGHED_FROM), &ends);
        for (cut, often) in self.cuts.iter_mut().zip(CUTS) {
            // Going on where most would end gains nobody anything: it speaks for no cut.
            *cut += ((1.0 - often) / (1.0 - chances.end).max(END_LEAST))
                .ln()
                .min(0.0);
        }
        if self.temperature < WEIGHED_FROM {
            let is_far = is_far(logits, token, self.temperature, &ends);
            for (hand, part) in self.hands.iter_mut().zip(PARTS) {
                let odds = match is_far {
                    true => (1.0 - NEAR_FOREIGN) / FAR_HONEST,
                    false => NEAR_FOREIGN / (1.0 - FAR_HONEST),
                };
                *hand += (1.0 - part + part * odds).ln();
            }
        } else {
            for (odds, hand) in self.hands.iter_mut().zip(HANDS) {
                *odds += chances.odds_ln(token, hand);
            }
            self.own_ln += chances.own(token).ln();
        }
        self.most_ln = self.most_ln.max(mean_ln(&self.hands));
    }

    /// After the logits of the last token: others would have ended the text with what they have behind it.
    pub fn may_end(&mut self, logits: &[f32], ends: impl Fn(u32) -> bool) {
        let chances = Chances::of(logits, self.temperature.max(WEIGHED_FROM), &ends);
        self.ends_within = chances.end;
    }

    /// The text ends here, after these logits, by any of these tokens.
    pub fn end(&mut self, logits: &[f32], ends: impl Fn(u32) -> bool) {
        let chances = Chances::of(logits, self.temperature.max(WEIGHED_FROM), &ends);
        let end = (chances.end + self.ends_within).clamp(END_LEAST, 1.0);
        for (cut, often) in self.cuts.iter_mut().zip(CUTS) {
            *cut += (often / end).ln();
        }
        self.cut_ln = self.cut_ln.max(mean_ln(&self.cuts));
    }

    /// Tokens that were heard.
    pub const fn tokens(&self) -> usize {
        self.tokens
    }

    /// Odds that another hand wrote it, at the token where they were highest, as a natural logarithm.
    pub const fn foreign_ln(&self) -> f64 {
        self.most_ln
    }

    /// How likely the model finds it, as a natural logarithm; 0 where little is drawn, and so nothing says that.
    pub const fn own_ln(&self) -> f64 {
        self.own_ln
    }

    /// Odds that it was cut, as a natural logarithm.
    pub const fn cut_ln(&self) -> f64 {
        self.cut_ln
    }
}

/// Chances of the tokens that go on, and of an end.
struct Chances {
    /// Logits over the temperature, less the largest.
    heights: Vec<f64>,
    /// Of the token that would go on, the sum of its kind.
    total: f64,
    end: f64,
}

impl Chances {
    fn of(logits: &[f32], temperature: f32, ends: &impl Fn(u32) -> bool) -> Self {
        let (_, most) = likeliest(logits);
        let inverse = f64::from(1.0 / temperature);
        let (mut total, mut end) = (0.0, 0.0);
        let mut heights = Vec::with_capacity(logits.len());
        for (token, logit) in (0_u32..).zip(logits) {
            let height = f64::from(logit - most) * inverse;
            if ends(token) {
                end += exp(height);
                heights.push(f64::NEG_INFINITY);
            } else {
                total += exp(height);
                heights.push(height);
            }
        }
        Self {
            end: end / (total + end),
            heights,
            total,
        }
    }

    fn any(&self) -> f64 {
        1.0 / self.heights.len().max(1) as f64
    }

    fn height(&self, token: u32) -> f64 {
        let height = self.heights.get(token as usize).copied();
        height.unwrap_or(f64::NEG_INFINITY)
    }

    /// The model's own chance of a token, with its share of what may lie anywhere.
    fn own(&self, token: u32) -> f64 {
        (1.0 - ANYWHERE) * exp(self.height(token)) / self.total + ANYWHERE * self.any()
    }

    /// How much likelier a hand writes the token than the model does, as a logarithm.
    fn odds_ln(&self, token: u32, hand: Hand) -> f64 {
        let Hand { tilt, anywhere } = hand;
        let tilted: f64 = self.heights.iter().map(|height| exp(height * tilt)).sum();
        let foreign =
            (1.0 - anywhere) * exp(self.height(token) * tilt) / tilted + anywhere * self.any();
        // With the share of the first, the mean over what the model draws stays below 1.
        ((1.0 - ANYWHERE) * foreign / self.own(token)).ln()
    }
}

/// Whether other kernels do not explain a token where little or nothing is drawn.
fn is_far(logits: &[f32], token: u32, temperature: f32, ends: &impl Fn(u32) -> bool) -> bool {
    let goes_on = || (0_u32..).zip(logits).filter(|(token, _)| !ends(*token));
    let most = goes_on().map(|(_, logit)| *logit);
    let most = most.fold(f32::NEG_INFINITY, f32::max);
    let Some(logit) = logits.get(token as usize) else {
        return true;
    };
    let gap = f64::from(most - logit) - NEAR_LOGITS;
    if gap <= 0.0 {
        return false;
    }
    let inverse = 1.0 / f64::from(temperature).max(DRAWN_FROM);
    let (mut total, mut as_far) = (0.0, 0.0);
    for (_, logit) in goes_on() {
        let below = f64::from(most - logit);
        let weight = exp(-below * inverse);
        total += weight;
        if below >= gap {
            as_far += weight;
        }
    }
    as_far / total < FAR_CHANCE
}

/// By the engine's own, whose bits are the same on every machine; logarithms differ in their last digits, which no verdict but one
/// at the very limit hangs on.
fn exp(x: f64) -> f64 {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "logits have no more digits"
    )]
    let x = x as f32;
    f64::from(kernel::exp(x))
}

/// The mean of odds, all as logarithms.
fn mean_ln(all: &[f64]) -> f64 {
    let most = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = all.iter().map(|one| (one - most).exp()).sum();
    most + (sum / all.len() as f64).ln()
}

#[cfg(test)]
mod tests;
