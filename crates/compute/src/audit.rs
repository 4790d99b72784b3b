//! Was that answer computed by that model? Judged by one pass over prompt and answer together, and a short proof.
//!
//! How: a `Witness` is what somebody's own run remembers of its states; a `Proof` is the provider's witness as polynomials;
//! `verify` runs the job again at once and compares states, tokens and the end. `commit` keeps auditors from copying, `stakes`
//! says how much a provider must have to lose. Where a machine shows no states, `words` judges the text alone; `ground` says
//! which of these a class wants. Formulas and invariants (AUD-n): specs/audit.md.
//! Not here: who pays and who is slashed (contracts).

mod commit;
mod draws;
mod evidence;
mod field;
mod ground;
mod proof;
mod stakes;
mod verify;
mod words;

#[cfg(test)]
mod tests;

pub use commit::{Commitment, Opening};
pub use draws::{Draw, FAR_HONEST, NEAR, NEAR_LIKELIEST, ODDS, odds_ln};
pub use evidence::{Chosen, Evidence, Work};
pub use ground::{Ground, is_by_words, spelled};
pub use proof::{GROUP_TOKENS, Measure, Polynomial, Proof, TOP, Witness};
pub use stakes::{caught_of, is_audited, slash_min};
pub use verify::{Failure, Report, Thresholds, Transcript, judged, verify};
pub use words::{DRAWN_FROM, Heard};
