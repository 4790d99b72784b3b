//! Flash loans (ERC-3156): tokens for the length of one call, of one token or of several at once.
//!
//! ```text
//!   borrower ── flashLoan ──► lend amount to receiver           source: mint, or the cash of the token's market
//!                             receiver.onFlashLoan(initiator, token, amount, fee, data)   any EVM code
//!                             take amount and fee from receiver, by its allowance
//! ```
//!
//! | source (`source`) | a token has it while | at most | the fee goes to |
//! |---|---|---|---|
//! | mint | its owner lets this contract mint and burn it | what may still be minted | the token's owner |
//! | dollar | it is the chain's own dollar | what its ceiling leaves | the dollar's surplus |
//! | market | it has none of the above, and a lending market | cash that may leave the ledger | reserve and lenders |
//!
//! `fee_up = ceil(amount * fee_bps / 10_000)`: the borrower pays the odd unit.
//!
//! - FLASH-1: after a flash loan its source is as before and richer by the fee, and the receiver has paid exactly that.
//! - FLASH-2: a token lends only if it is the dollar, while its owner lets this contract mint and burn it, or while it
//!   has a market.
//! - FLASH-3: no loan of a token runs inside another loan of the same token.
//! - FLASH-4: a loan counts only if the receiver answers the magic word; everything is undone otherwise.
//! - FLASH-5: the fee is at most 1 %, and fixed when the loan begins.
//! - FLASH-6: a market lends at most its cash and what may leave the ledger.
//! - FLASH-7: what comes back is measured: a token that moves less than is due ends its loan, whatever it answers.
//! - FLASH-8: a loan of several tokens is made and repaid as one: all or nothing.
//!
//! Imports: admin, dollar, ledger, lending, token.
//!
//! Trusts: nobody with value. The owner of this contract's scope sets fees, at most 1 %.
//!
//! Not here: what a market does while its cash is out (`lending`). While tokens are minted for a loan, `totalSupply` is
//! higher by its amount: code that takes decisions by the supply of such a token must not do so inside a call.
//!
//! This is also the tutorial: a small contract that has every kind of file.

mod abi;
mod actions;
mod error;
mod invariants;
mod math;
mod params;
mod source;
mod state;

pub use abi::{IFlash, IFlashBorrower, IFlashManyBorrower};
pub use params::{FEE_BPS_MAX, Params, TOKENS_MAX};

use alloy_primitives::Address;

use crate::{
    Contract, Entry, Interface, Kind, Place, admin, dollar, ledger, lending, native, token,
};

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(5), 0);

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "flash",
    doc: "Flash loans of what markets hold, and flash mint of factory tokens (ERC-3156).",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "flash",
        abi: IFlash::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[
        &admin::CONTRACT,
        &dollar::CONTRACT,
        &token::CONTRACT,
        &ledger::CONTRACT,
        &lending::CONTRACT,
    ],
    system: &[],
    layout: state::FlashState::LAYOUT,
    genesis: |cx, config| {
        admin::open_scope_at_genesis(cx, ADDRESS, config.owner)?;
        actions::found(
            cx,
            Params {
                fee_bps: config.flash_fee_bps,
            },
        )
    },
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
