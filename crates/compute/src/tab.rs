//! What a customer owes a machine between two settlements: receipts add up to one voucher for each channel and epoch, which both
//! keys sign. specs/jobs.md says what the chain makes of it; nothing here asks a chain.
//!
//! ```text
//!   receipt ─► Tally: sums, root ─► Voucher ─► Court: EIP-712 digest, signatures of both keys ─► a claim
//! ```
//! - TAB-1: the root is that of the receipts in their order, and every receipt has a proof under it.
//! - TAB-2: what is signed binds chain, contract, channel, epoch and every sum: a change of one is another voucher.

mod desk;
mod market;
mod purse;
mod records;
mod tally;
mod terms;
mod voucher;

#[cfg(test)]
mod tests;

pub(crate) use desk::Promise;
pub use desk::{Bound, Claimable, Desk, Desks, Registry, Setup, Turned};
pub use market::{Market, Room};
pub use purse::{Dealt, Doubt, Got, Purse};
pub(crate) use records::{LeafRecord, LineRecord, SheetRecord};
pub use tally::Tally;
pub(crate) use terms::bill_of;
pub use terms::{
    ERRAND, INSPECTION, Kept, Owed, Page, Raise, Rate, Said, Standing, Terms, cost_of, dollars_of,
    in_hex, of_hex, units_down, units_up,
};
pub use voucher::{Court, Errand, Inspection, Voucher, channel_of};
