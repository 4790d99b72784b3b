//! What commutative writes of a lot need of the words below them.
//!
//! Transactions that only added to a word, and never looked at it, end the same over any word in a range: the range in
//! which every one of their writes is done or refused as it was, and costs the same gas. Over another word of that range
//! their result is shifted, and nothing else is different.

use alloy_primitives::{Address, U256};
use capstan_state::{GasClass, commute};

/// A storage word by its full key.
pub(crate) type Word = (Address, U256);

/// A commutative write ([`commute`]).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Commutative {
    /// Fails only beyond 256 bits.
    Add(U256),
    /// Refused below a minimum.
    SubBounded {
        /// Subtracted.
        delta: U256,
        /// Least that may be left.
        min: U256,
    },
    /// Refused above a cap.
    AddCapped {
        /// Added.
        delta: U256,
        /// Most that may come of it.
        cap: U256,
    },
}

impl Commutative {
    /// The word after it; `None`: refused.
    #[inline]
    pub(crate) fn apply(self, word: U256, class: GasClass) -> Option<U256> {
        match self {
            Self::Add(delta) => commute::add(word, delta, class),
            Self::SubBounded { delta, min } => commute::sub_bounded(word, delta, min, class),
            Self::AddCapped { delta, cap } => commute::add_capped(word, delta, cap, class),
        }
    }

    /// The words over which this write ends as it ends over `word`, which is not zero: done or refused, and for the same
    /// gas. `None` if that is this word alone.
    fn range(self, word: U256, class: GasClass) -> Option<Range> {
        let done = self.apply(word, class).is_some();
        let above_zero = Range::ABOVE_ZERO;
        match self {
            Self::Add(delta) => above_zero.split(U256::MAX.checked_sub(delta), done),
            Self::AddCapped { delta, cap } => above_zero.split(cap.checked_sub(delta), done),
            Self::SubBounded { delta, min } => {
                // Gas is another where nothing is left, so a write that leaves nothing stands for itself.
                if self.apply(word, class).is_some_and(|new| new.is_zero()) {
                    return None;
                }
                let high = match (done, delta.checked_add(refused_below(min, class))) {
                    (true, _) | (false, None) => U256::MAX,
                    (false, Some(least)) => least.checked_sub(U256::ONE)?,
                };
                let low = match done {
                    true => delta.checked_add(min.max(U256::ONE))?,
                    false => U256::ZERO,
                };
                above_zero.and(Range { low, high })
            }
        }
    }
}

/// Least word that a subtraction may leave.
fn refused_below(min: U256, class: GasClass) -> U256 {
    match class {
        GasClass::Flat => min.max(U256::ONE),
        GasClass::ZeroAware => min,
    }
}

/// Words from `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    low: U256,
    high: U256,
}

impl Range {
    /// All but zero.
    const ABOVE_ZERO: Self = Self {
        low: U256::ONE,
        high: U256::MAX,
    };

    /// One word.
    pub(super) fn only(word: U256) -> Self {
        Self {
            low: word,
            high: word,
        }
    }

    /// Whether a word lies in it.
    pub(crate) fn contains(&self, word: U256) -> bool {
        (self.low..=self.high).contains(&word)
    }

    /// What lies in both; `None`: nothing.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let (low, high) = (self.low.max(other.low), self.high.min(other.high));
        (low <= high).then_some(Self { low, high })
    }

    /// The part up to `most` (nothing reaches it if `None`), or the part above.
    fn split(self, most: Option<U256>, lower: bool) -> Option<Self> {
        match (most, lower) {
            (Some(most), true) => self.and(Self {
                low: U256::ZERO,
                high: most,
            }),
            (Some(most), false) => self.and(Self {
                low: most.checked_add(U256::ONE)?,
                high: U256::MAX,
            }),
            (None, true) => None,
            (None, false) => Some(self),
        }
    }

    /// The range of words before something that changed them by `to - from` until now.
    pub(super) fn before(self, from: U256, to: U256) -> Self {
        match to.checked_sub(from) {
            Some(risen) => Self {
                low: self.low.saturating_sub(risen),
                high: self.high.saturating_sub(risen),
            },
            None => {
                let fallen = from.saturating_sub(to);
                Self {
                    low: self.low.saturating_add(fallen),
                    high: self.high.saturating_add(fallen),
                }
            }
        }
    }
}

/// What a location must be in a lot's turn, so that the lot ends as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// As it was found.
    Exact,
    /// Within a range.
    Within(Range),
}

impl Need {
    /// Any word: nothing has looked at it yet.
    pub(super) const ANY: Self = Self::Within(Range {
        low: U256::ZERO,
        high: U256::MAX,
    });

    /// A commutative write over a word that was `found` by the lot, `original` before its transaction, and `present` before the
    /// write. `is_first`: nothing in this transaction had touched the word yet.
    pub(super) fn narrow(
        &mut self,
        class: GasClass,
        op: Commutative,
        [found, original, present]: [U256; 3],
        is_first: bool,
    ) {
        let Self::Within(range) = *self else { return };
        let narrowed = match original.is_zero() || present.is_zero() {
            true => None,
            false => op
                .range(present, class)
                .and_then(|now| range.and(now.before(found, present))),
        };
        let narrowed = match is_first {
            // Whether the word was zero before its transaction is a matter of gas.
            true => narrowed.and_then(|range| range.and(Range::ABOVE_ZERO.before(found, original))),
            false => narrowed,
        };
        *self = match narrowed {
            Some(range) if range != Range::only(found) => Self::Within(range),
            _ => Self::Exact,
        };
    }

    /// Whether another word does as well as the one that was found.
    pub(super) fn allows(&self, word: U256) -> bool {
        matches!(self, Self::Within(range) if range.contains(word))
    }
}

#[cfg(test)]
mod tests;
