//! How far an auditor is with a receipt, and what is to be done next. Pure.
//!
//! What he says has to survive him: he may be killed between any two steps, and start again with nothing but his key and what the
//! chain knows, which is whether somebody with that key committed, and not to what.

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::SolValue as _;
use capstan_client::ClientError;
use capstan_contracts::jobs::{
    Fault,
    IJobs::{JobsCommitted, JobsNotCommitted},
};

use super::work::{Case, Seen};

/// So often the contract may refuse him before he leaves a receipt alone.
const REFUSED_MAX: u8 = 5;

/// A finding of his.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) fault: Option<Fault>,
    pub(super) witness: B256,
}

impl Finding {
    /// What there is to say of a machine that gave nothing. All who got nothing have the same witness.
    pub(super) fn withheld(case: &Case) -> Self {
        let parts = ("capstan withheld".to_owned(), case.receipt);
        Self {
            fault: Some(Fault::Withheld),
            witness: keccak256(parts.abi_encode()),
        }
    }

    pub(super) fn verdict(&self) -> u8 {
        self.fault.map_or(0, Fault::number)
    }
}

/// What a claim's phase and time ask of an auditor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Receipts are being shown: what was shown may be looked at.
    Show,
    /// Auditors commit.
    Commit,
    /// They commit, and soon it is too late.
    CommitLast,
    /// They reveal.
    Reveal,
}

/// What he knows of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The machine was not asked yet.
    New,
    /// Somebody computes.
    Looking,
    /// The machine was silent; it is asked again.
    Silent,
    /// It is to be said.
    Found(Finding),
    /// Nothing is left to be done.
    Done,
}

/// His word on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// There is none.
    None,
    /// One from before this process began. To what it is shows when it is shown.
    Earlier { may_be_withheld: bool },
    /// To what he found.
    Own,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wait,
    /// The machine is asked, and what it gives is computed again.
    Ask,
    Say(Say),
}

/// What is said on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Say {
    /// A commitment to a finding.
    Commit(Finding),
    /// The finding.
    Reveal(Finding),
}

/// A receipt that he looks at.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) case: Case,
    pub(super) standing: Standing,
    word: Word,
    refused: u8,
}

impl Look {
    pub(super) const fn new(case: Case, has_committed: bool) -> Self {
        Self {
            case,
            standing: Standing::New,
            word: if has_committed {
                Word::EARLIER
            } else {
                Word::None
            },
            refused: 0,
        }
    }

    /// Takes over what was seen.
    pub(super) fn heard(&mut self, seen: Seen) {
        if self.standing != Standing::Looking {
            return;
        }
        self.standing = match seen {
            Seen::Found { fault, witness, .. } => Standing::Found(Finding { fault, witness }),
            Seen::Silent(_) => Standing::Silent,
            Seen::Later(_) => Standing::New,
            Seen::Unable(_) => Standing::Done,
        };
    }

    /// What was said is on the chain.
    pub(super) fn said(&mut self, said: Say) {
        self.standing = match said {
            Say::Commit(finding) => Standing::Found(finding),
            Say::Reveal(_) => Standing::Done,
        };
        self.word = Word::Own;
    }

    /// What is to be done now.
    pub(super) fn step(&self, when: When) -> Step {
        match (self.standing, self.word, when) {
            (Standing::Silent, Word::None, When::CommitLast) => {
                Step::Say(Say::Commit(Finding::withheld(&self.case)))
            }
            (
                Standing::Silent,
                Word::Earlier {
                    may_be_withheld: true,
                },
                When::Reveal,
            ) => Step::Say(Say::Reveal(Finding::withheld(&self.case))),
            // Who committed to nothing has nothing to show.
            (Standing::New | Standing::Silent, Word::None, When::Reveal) => Step::Wait,
            (Standing::New | Standing::Silent, _, _) => Step::Ask,
            (Standing::Found(finding), Word::None, When::Commit | When::CommitLast) => {
                Step::Say(Say::Commit(finding))
            }
            (Standing::Found(finding), Word::Earlier { .. } | Word::Own, When::Reveal) => {
                Step::Say(Say::Reveal(finding))
            }
            _ => Step::Wait,
        }
    }

    /// A word was refused. A node that does not answer is asked again; what a contract refuses may be a matter of the moment, of a
    /// word that was under way when this process began, or of the wrong word.
    pub(super) fn refused(&mut self, said: Say, error: &ClientError) {
        if !error.is_of_contract() {
            return;
        }
        match (said, self.word) {
            (Say::Commit(_), Word::None) if error.is::<JobsCommitted>() => {
                self.word = Word::EARLIER;
                return;
            }
            (
                Say::Reveal(finding),
                Word::Earlier {
                    may_be_withheld: true,
                },
            ) if error.is::<JobsNotCommitted>() => {
                // It was to the other.
                let may_be_withheld = finding != Finding::withheld(&self.case);
                self.word = Word::Earlier { may_be_withheld };
                self.standing = Standing::Silent;
                return;
            }
            _ => {}
        }
        self.refused = self.refused.saturating_add(1);
        if self.refused >= REFUSED_MAX {
            self.standing = Standing::Done;
        }
    }
}

impl Word {
    const EARLIER: Self = Self::Earlier {
        may_be_withheld: true,
    };
}

#[cfg(test)]
mod tests;
