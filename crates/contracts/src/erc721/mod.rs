//! The ERC-721 face: one interface, one set of rules, for every contract of which each token is one.
//!
//! ```text
//!   transfer · approve · views        one interface, one table, written once
//!            │
//!            ▼
//!          Book ──► Tokens: owners, counts and approvals in storage      positions, titles, identities
//! ```
//!
//! A contract joins by implementing [`Book`] and naming [`verbs`] and [`INTERFACE`] in its own table:
//! `verbs! { faces erc721::verbs::<Positions>() }`.
//!
//! The order of checks and the errors are those of OpenZeppelin's ERC721, version 5, so that code written against it sees
//! no difference. A safe transfer asks the contract that gets a token last of all, when everything is written.
//!
//! Imports: none.
//!
//! Trusts: nobody. Not here: who may mint (the contract that holds the book), and burning: no token of ours ends.

mod abi;
mod actions;
mod tokens;

pub use abi::{IErc721, INTERFACE, verbs};
pub use actions::{expect_may, hand_over, mint, owner_of};
pub use tokens::Tokens;

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};

/// Where the tokens are, and what the face cannot know by itself. The frame is the contract's.
pub trait Book {
    /// Name for people.
    const NAME: &'static str;
    /// Short name for people.
    const SYMBOL: &'static str;
    /// Standards that are answered besides ERC-165, ERC-721 and its metadata.
    const STANDARDS: &'static [u32] = &[];

    /// Owners, counts and approvals.
    fn tokens() -> Tokens;

    /// Where more is said about a token that there is.
    ///
    /// # Errors
    /// The store's.
    fn uri(_cx: &mut Ctx<'_>, _id: u64) -> Result<String, Halt> {
        Ok(String::new())
    }

    /// Refuses to move or approve a token that is bound to its owner.
    ///
    /// # Errors
    /// The book's own.
    fn expect_free(_cx: &mut Ctx<'_>, _token: U256) -> Result<(), Halt> {
        Ok(())
    }
}
