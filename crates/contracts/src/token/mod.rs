//! ERC-20 tokens without bytecode, and the factory that makes them.
//!
//! ```text
//!   factory ── createToken ──► token 1 · token 2 · ...     one native address each, one code for all
//!                                 │
//!                         crate::erc20 ── Book ──► supply and balances of this token
//! ```
//!
//! A token behaves as OpenZeppelin's ERC20Permit v5 does: same return data, events and errors.
//!
//! - TOK-1: the sum of all balances is the total supply.
//! - TOK-2: the supply is at most 2^112 - 1, so every product of two amounts is exact in 256 bits.
//! - TOK-3: a balance falls only by its owner's call or by an allowance that its owner gave.
//! - TOK-4: an allowance of 2^256 - 1 stays; any other falls by exactly what is spent.
//! - TOK-5: a permit counts once, until its deadline, on this chain and this token only.
//! - TOK-6: only a holder of the MINT role mints, and only a holder of the BURN role burns.
//! - TOK-10: a token has an owner, and its name, symbol and decimals never change.
//!
//! Imports: admin, erc20.
//!
//! Trusts: holders of MINT, who can make tokens up to the cap, and the owner of the token, who appoints them.
//!
//! Not here: roles (`admin`), loans of new tokens (`flash`), the coin's face (`ether`).

mod abi;
mod actions;
mod factory;
mod invariants;
mod params;
mod state;

pub use abi::{IToken, ITokenFactory};
pub use actions::{
    balance_of, burn, burn_from, mint, mintable, total_supply, transfer, transfer_from,
};
pub use factory::{create, is_token};
pub use params::{BURN, MINT};

use alloy_primitives::Address;

use crate::{Contract, Entry, Interface, Kind, Place, admin, erc20, native};

/// Where the factory answers.
pub const FACTORY_ADDRESS: Address = native(Kind::new(1), 0);
/// Where tokens answer: ids count from 1.
pub const KIND: Kind = Kind::new(2);

/// The registry's line for tokens.
pub static CONTRACT: Contract = Contract {
    name: "token",
    doc: "An ERC-20 token with permit; minted and burned by role.",
    place: Place::Kind(KIND),
    entry: Entry::Verbs(abi::token::VERBS),
    interfaces: &[
        Interface {
            name: "token",
            abi: IToken::abi::contract,
            source: include_str!("abi/token.rs"),
        },
        erc20::INTERFACE,
    ],
    errors_of: &[&admin::CONTRACT],
    system: &[],
    layout: state::TokenState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: invariants::check,
};

/// The registry's line for the factory.
pub static FACTORY: Contract = Contract {
    name: "tokenFactory",
    doc: "Makes ERC-20 tokens at native addresses.",
    place: Place::At(FACTORY_ADDRESS),
    entry: Entry::Verbs(abi::factory::VERBS),
    interfaces: &[Interface {
        name: "tokenFactory",
        abi: ITokenFactory::abi::contract,
        source: include_str!("abi/factory.rs"),
    }],
    errors_of: &[&admin::CONTRACT],
    system: &[],
    layout: state::FactoryState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: invariants::check_factory,
};

#[cfg(test)]
mod tests;
