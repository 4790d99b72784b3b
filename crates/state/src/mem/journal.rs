//! The undo log: a mark is its length, so opening one costs nothing.

use alloy_primitives::{Address, U256};

use super::{Account, MemStore, Slot, put};

/// One change, and what undoes it.
#[derive(Clone, Debug)]
pub(super) enum Undo {
    /// A stored word had this value.
    Word(Slot, U256),
    /// A transient word had this value.
    Transient(Slot, U256),
    /// An account was this.
    Account(Address, Account),
    /// A word was cold.
    WarmWord(Slot),
    /// An account was cold.
    WarmAccount(Address),
    /// There was one log less.
    Log,
    /// There was one creation less.
    Creation,
    /// The refund counter had this value.
    Refund(i64),
}

impl MemStore {
    pub(super) fn undo_last(&mut self) {
        match self.journal.pop() {
            Some(Undo::Word(slot, word)) => {
                put(&mut self.words, slot, word);
            }
            Some(Undo::Transient(slot, word)) => {
                put(&mut self.transient, slot, word);
            }
            Some(Undo::Account(of, account)) if account.is_empty() => {
                self.accounts.remove(&of);
            }
            Some(Undo::Account(of, account)) => {
                self.accounts.insert(of, account);
            }
            Some(Undo::WarmWord(slot)) => {
                self.warm_words.remove(&slot);
            }
            Some(Undo::WarmAccount(of)) => {
                self.warm_accounts.remove(&of);
            }
            Some(Undo::Log) => {
                self.logs.pop();
            }
            Some(Undo::Creation) => {
                self.creations.pop();
            }
            Some(Undo::Refund(refund)) => self.meter.refund = refund,
            None => {}
        }
    }
}
