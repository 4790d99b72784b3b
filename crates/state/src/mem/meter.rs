//! The gas of one frame.

use crate::{Halt, gas};

/// Gas of the frame that runs, and the transaction's refund counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meter {
    /// Gas that the transaction started with.
    limit: u64,
    /// Gas that callers up the stack hold back from this frame.
    held: u64,
    /// Gas that this frame may still use.
    pub(super) left: u64,
    /// Words that callees have answered to this frame.
    answer_words: u64,
    /// EIP-3529 refunds; below zero only between the writes that take one back.
    pub(super) refund: i64,
}

impl Meter {
    pub(super) const fn new(limit: u64) -> Self {
        Self {
            limit,
            held: 0,
            left: limit,
            answer_words: 0,
            refund: 0,
        }
    }

    /// Gas used so far. A stipend that its callee leaves comes back, as on the chain, so it lowers this.
    pub(super) const fn used(&self) -> u64 {
        self.limit
            .saturating_sub(self.left)
            .saturating_sub(self.held)
    }

    pub(super) fn charge(&mut self, gas: u64) -> Result<(), Halt> {
        match self.left.checked_sub(gas) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.drain();
                Err(Halt::OutOfGas)
            }
        }
    }

    /// Pays for holding what a callee answered.
    pub(super) fn keep_answer(&mut self, bytes: usize) -> Result<(), Halt> {
        let before = self.answer_words;
        self.answer_words = before.saturating_add(gas::words(bytes));
        self.charge(gas::kept_words(before, self.answer_words))
    }

    /// EIP-2200: too little left to write at all.
    pub(super) fn sentry(&mut self) -> Result<(), Halt> {
        if self.left <= gas::SSTORE_SENTRY {
            self.drain();
            return Err(Halt::OutOfGas);
        }
        Ok(())
    }

    pub(super) fn drain(&mut self) {
        self.left = 0;
    }

    /// Opens a callee's frame with at most `wanted` of this frame's gas, and `stipend` from nowhere.
    /// Answers what [`close`](Self::close) needs.
    pub(super) fn open(&mut self, wanted: Option<u64>, stipend: u64) -> Opened {
        let most = gas::forwardable(self.left);
        let given = wanted.map_or(most, |w| w.min(most));
        let kept = self.left.saturating_sub(given);
        let opened = Opened {
            kept,
            held_before: self.held,
            answer_words_before: std::mem::take(&mut self.answer_words),
        };
        self.held = self.held.saturating_add(kept);
        self.left = given.saturating_add(stipend);
        opened
    }

    /// Closes the callee's frame: what it left comes back.
    pub(super) fn close(&mut self, opened: Opened) {
        self.held = opened.held_before;
        self.answer_words = opened.answer_words_before;
        self.left = self.left.saturating_add(opened.kept);
    }
}

/// What a caller held back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened {
    kept: u64,
    held_before: u64,
    answer_words_before: u64,
}
