//! Flash mint of factory tokens (ERC-3156): tokens out of nothing, gone before the call ends.
//!
//! ```text
//!   borrower ── flashLoan ──► mint amount to receiver
//!                             receiver.onFlashLoan(initiator, token, amount, fee, data)   any EVM code
//!                             burn amount from receiver, by its allowance
//!   receiver ◄─ allowance ──► fee from receiver to the token's owner
//! ```
//!
//! `fee_up = ceil(amount * fee_bps / 10_000)`: the borrower pays the odd unit.
//!
//! - FLASH-1: after a flash loan the token's supply is what it was, and the receiver has paid exactly the fee.
//! - FLASH-2: a token lends only while its owner lets this contract mint and burn it.
//! - FLASH-3: no flash loan runs inside another.
//! - FLASH-4: a loan counts only if the receiver answers the magic word; everything is undone otherwise.
//! - FLASH-5: the fee is at most 1 %.
//!
//! Imports: admin, token.
//!
//! Trusts: nobody with value. The owner of this contract's scope sets the fee, at most 1 %.
//!
//! Not here: loans of what a market holds. While a loan runs, `totalSupply` is higher by its amount: code that
//! takes decisions by the supply of such a token must not do so inside a call.
//!
//! This is also the tutorial: the smallest contract that has every kind of file.

mod abi;
mod actions;
mod error;
mod invariants;
mod math;
mod params;
mod state;

pub use abi::{IFlash, IFlashBorrower};
pub use params::{FEE_BPS_MAX, Params};

use alloy_primitives::Address;

use crate::{Contract, Entry, Interface, Kind, Place, admin, native, token};

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(5), 0);

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "flash",
    doc: "Flash mint of factory tokens (ERC-3156).",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "flash",
        abi: IFlash::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[&admin::CONTRACT, &token::CONTRACT],
    system: None,
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
