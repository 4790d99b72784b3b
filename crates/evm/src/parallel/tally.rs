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

    /// How far a word that is not zero may lie from `present` so that this write ends as it ended: done, and this is `left`, or
    /// refused; and for the same gas. `None`: nowhere else.
    fn slack(self, present: U256, left: Option<U256>, class: GasClass) -> Option<Slack> {
        let mut slack = Slack::ANY;
        // Gas is another where there is nothing, so a write that meets or leaves nothing stands for itself.
        let mut least = U256::ONE;
        match (self, left) {
            (Self::Add(_), Some(left)) => slack.up = U256::MAX.checked_sub(left)?,
            (Self::AddCapped { cap, .. }, Some(left)) => slack.up = cap.checked_sub(left)?,
            (Self::SubBounded { min, .. }, Some(left)) => {
                slack.down = left.checked_sub(min.max(U256::ONE))?;
                return Some(slack);
            }
            (Self::Add(delta), None) => least = Self::beyond(U256::MAX.checked_sub(delta))?,
            (Self::AddCapped { delta, cap }, None) => least = Self::beyond(cap.checked_sub(delta))?,
            (Self::SubBounded { delta, min }, None) => {
                if let Some(enough) = delta.checked_add(refused_below(min, class)) {
                    slack.up = enough.checked_sub(U256::ONE)?.checked_sub(present)?;
                }
            }
        }
        slack.down = present.checked_sub(least)?;
        Some(slack)
    }

    /// The least word but zero above the most that is not refused; every word if all are.
    fn beyond(most: Option<U256>) -> Option<U256> {
        match most {
            Some(most) => most.checked_add(U256::ONE),
            None => Some(U256::ONE),
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

/// How far a word may lie from the one that was found, both ends included. Writes that only move a word move all words alike, so
/// that counts before them as it does behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slack {
    down: U256,
    up: U256,
}

impl Slack {
    const ANY: Self = Self {
        down: U256::MAX,
        up: U256::MAX,
    };

    fn narrow(&mut self, to: &Self) {
        self.down = self.down.min(to.down);
        self.up = self.up.min(to.up);
    }

    fn is_none(&self) -> bool {
        self.down.is_zero() && self.up.is_zero()
    }
}

/// What a location must be in a lot's turn, so that the lot ends as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// As it was found.
    Exact,
    /// Not farther from that.
    Within(Slack),
}

impl Need {
    /// Any word: nothing has looked at it yet.
    pub(super) const ANY: Self = Self::Within(Slack::ANY);

    /// A commutative write over a word that was `original` before its transaction, and `present` before the write; `left`: what it
    /// left, if it was not refused. `is_first`: nothing in this transaction had touched the word yet.
    pub(super) fn narrow(
        &mut self,
        class: GasClass,
        op: Commutative,
        (original, present): (U256, U256),
        left: Option<U256>,
        is_first: bool,
    ) {
        let Self::Within(slack) = self else { return };
        match op.slack(present, left, class) {
            Some(to) => slack.narrow(&to),
            None => return *self = Self::Exact,
        }
        if is_first {
            // Whether the word was zero before its transaction is a matter of gas.
            match original.checked_sub(U256::ONE) {
                Some(down) => slack.down = slack.down.min(down),
                None => return *self = Self::Exact,
            }
        }
        if slack.is_none() {
            *self = Self::Exact;
        }
    }

    /// Whether another word does as well as the one that was found.
    pub(super) fn allows(&self, found: U256, now: U256) -> bool {
        match (self, now.checked_sub(found)) {
            (Self::Exact, _) => now == found,
            (Self::Within(slack), Some(up)) => up <= slack.up,
            (Self::Within(slack), None) => found.saturating_sub(now) <= slack.down,
        }
    }
}

#[cfg(test)]
mod tests;
