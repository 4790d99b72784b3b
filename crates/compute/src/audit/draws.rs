//! What the draws of an answer say about whose they were, where kernels differ and so no single miss proves anything.

/// One token against its draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// How far the draw lies outside the token's interval here, as a share of the whole: zero where the seed draws just it, one
    /// where nothing speaks for it. Where the largest logit is taken, the share by which another token's weight exceeds its.
    pub miss: f64,
    /// How often a draw that nobody chose would have picked it; none where nothing is drawn.
    pub share: Option<f64>,
}

/// A miss up to this is what other kernels do to the borders of intervals.
pub const NEAR: f64 = 0.05;
/// The same where the largest logit is taken: two that weigh nearly the same change places.
pub const NEAR_LIKELIEST: f64 = 0.25;
/// So often at most, it is taken, an honest machine's draw lies further off: four times what was measured in the mean, twice that of the worst kind of machine.
pub const FAR_HONEST: f64 = 0.05;
/// So often another hand is taken to write the likeliest token where nothing is drawn.
const LIKELIEST_FOREIGN: f64 = 0.5;
/// An answer is refused at odds of so many to one: no more than one honest answer in so many comes to them.
pub const ODDS: f64 = 1e6;
/// Parts of an answer that may come of another hand.
const FOREIGN: [f64; 3] = [1.0, 0.25, 0.0625];

impl Draw {
    /// Whether it lies further off than kernels explain.
    pub fn is_far(&self) -> bool {
        self.miss > self.share.map_or(NEAR_LIKELIEST, |_| NEAR)
    }

    /// How much likelier this is if the token was not drawn by the seed. At most 1 in the mean for whoever is far as often as
    /// [`FAR_HONEST`] or less.
    fn odds(&self) -> f64 {
        let agrees = self
            .share
            .map_or(LIKELIEST_FOREIGN, |share| share + 2.0 * NEAR)
            .min(1.0);
        if self.is_far() {
            (1.0 - agrees) / FAR_HONEST
        } else {
            (agrees / (1.0 - FAR_HONEST)).min(1.0)
        }
    }
}

/// The odds, as a natural logarithm, that some part of these tokens is not what the seed drew, against that all are. Multiplied
/// over tokens, and the mean over what part that may be: of honest answers no more than one in x comes to odds of x, whatever
/// the length, since the mean of such a product is at most 1.
pub fn odds_ln(draws: &[Draw]) -> f64 {
    let of_part = |part: &f64| -> f64 {
        let parts = draws
            .iter()
            .map(|draw| (1.0 - part + part * draw.odds()).ln());
        parts.sum()
    };
    let all: Vec<f64> = FOREIGN.iter().map(of_part).collect();
    let most = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = all.iter().map(|one| (one - most).exp()).sum();
    most + (sum / FOREIGN.len() as f64).ln()
}
