//! The ERC-20 face: one interface, one set of rules, for every contract whose units people hold and move.
//!
//! ```text
//!   transfer · approve · permit · views        one interface, one table, written once
//!            │
//!            ▼
//!          Book ──► Holdings: supply and balances in storage      factory tokens, shares, LP tokens
//!              └──► the accounts' own coins                       ether
//! ```
//!
//! A contract joins by implementing [`Book`] and naming [`verbs`] and [`INTERFACE`] in its own table:
//! `verbs! { ITokenCalls, and erc20::verbs::<TokenBook>(); ... }`.
//!
//! The order of checks, return data, errors and events are those of OpenZeppelin's ERC20Permit, version 5, so
//! that code written against it sees no difference. Permits count in [`permit`].
//!
//! - TOK-4: an allowance of 2^256 - 1 stays; any other falls by exactly what is spent.
//! - TOK-5: a permit counts once, until its deadline, on this chain and this token only.
//!
//! Imports: none.
//!
//! Trusts: nobody. Not here: who may mint and burn (the contract that holds the book).

mod abi;
mod actions;
mod holdings;
mod permit;

pub use abi::{IErc20, INTERFACE, verbs};
pub use actions::{approve, burn, mint, spend_allowance, transfer, transfer_from};
pub use holdings::Holdings;
pub use permit::{Permit, domain_separator, eip712_domain, permit};

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, Map, Value};

/// Where the units are, and what the face cannot know by itself. The frame is the token's.
pub trait Book {
    /// What `owner` holds.
    ///
    /// # Errors
    /// The store's.
    fn balance_of(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt>;
    /// Moves `amount`; answers `false`, and moves nothing, if `from` has too little.
    ///
    /// # Errors
    /// The store's.
    fn shift(cx: &mut Ctx<'_>, from: Address, to: Address, amount: U256) -> Result<bool, Halt>;
    /// What all hold together.
    ///
    /// # Errors
    /// The book's own, where it does not count.
    fn total_supply(cx: &mut Ctx<'_>) -> Result<U256, Halt>;
    /// What `spender` may still take from `owner`.
    fn allowance(owner: Address, spender: Address) -> Value<U256>;
    /// Permits used by each owner.
    fn nonces() -> Map<Address, Value<U256>>;
    /// Name for people; also part of what permits are bound to.
    ///
    /// # Errors
    /// The store's.
    fn name(cx: &mut Ctx<'_>) -> Result<String, Halt>;
    /// Short name for people.
    ///
    /// # Errors
    /// The store's.
    fn symbol(cx: &mut Ctx<'_>) -> Result<String, Halt>;
    /// Digits behind the point of one whole unit.
    ///
    /// # Errors
    /// The store's.
    fn decimals(cx: &mut Ctx<'_>) -> Result<u8, Halt>;
}

/// A book whose units are made and destroyed here, so their sum is known.
pub trait Issued: Book {
    /// Supply and balances.
    fn holdings() -> Holdings;
}

/// The items of [`Book`] that every [`Issued`] token answers alike, whose state keeps allowances and nonces beside its
/// holdings.
macro_rules! kept_in {
    ($state:ident) => {
        fn balance_of(
            cx: &mut ::capstan_state::Ctx<'_>,
            owner: ::alloy_primitives::Address,
        ) -> Result<::alloy_primitives::U256, ::capstan_state::Halt> {
            <Self as $crate::erc20::Issued>::holdings().balance_of(cx, owner)
        }

        fn shift(
            cx: &mut ::capstan_state::Ctx<'_>,
            from: ::alloy_primitives::Address,
            to: ::alloy_primitives::Address,
            amount: ::alloy_primitives::U256,
        ) -> Result<bool, ::capstan_state::Halt> {
            <Self as $crate::erc20::Issued>::holdings().shift(cx, from, to, amount)
        }

        fn total_supply(
            cx: &mut ::capstan_state::Ctx<'_>,
        ) -> Result<::alloy_primitives::U256, ::capstan_state::Halt> {
            <Self as $crate::erc20::Issued>::holdings().total(cx)
        }

        fn allowance(
            owner: ::alloy_primitives::Address,
            spender: ::alloy_primitives::Address,
        ) -> ::capstan_state::Value<::alloy_primitives::U256> {
            $state.allowances.at((owner, spender))
        }

        fn nonces() -> ::capstan_state::Map<
            ::alloy_primitives::Address,
            ::capstan_state::Value<::alloy_primitives::U256>,
        > {
            $state.nonces
        }
    };
}
pub(crate) use kept_in;
