//! ERC-20 tokens without bytecode, and the factory that makes them.
//!
//! ```text
//!   factory ── createToken ──► token 1 · token 2 · ...     one native address each, one code for all
//!                                 │
//!        erc20 (transfer, approve, permit) ◄── Book ──► balances of this token, or coins (crate::ether)
//! ```
//!
//! A token behaves as OpenZeppelin's ERC20Permit v5 does: same return data, events and errors.
//!
//! - TOK-1: the sum of all balances is the total supply.
//! - TOK-2: the supply is at most 2^112 - 1, so every product of two amounts is exact in 256 bits.
//! - TOK-3: a balance falls only by its owner's call, by an allowance that its owner gave, or by nothing.
//! - TOK-4: an allowance of 2^256 - 1 stays; any other falls by exactly what is spent.
//! - TOK-5: a permit counts once, until its deadline, on this chain and this token only.
//! - TOK-6: only a holder of the MINT role mints, and only a holder of the BURN role burns.
//!
//! Trusts: holders of MINT, who can make tokens up to the cap, and the owner of the token, who appoints them.
//!
//! Not here: roles (`admin`), loans of new tokens (`flash`), the coin's face (`ether`).

mod abi;
mod actions;
pub(crate) mod erc20;
mod factory;
mod params;
mod state;

pub use abi::{IToken, ITokenFactory};
pub(crate) use actions::TokenBook;
pub use actions::{balance_of, burn_from, mint, mintable, transfer};
pub use factory::is_token;
pub use params::{BURN, MINT};

use crate::{Contract, Entry, Place, address, address::Kind};

/// The registry's line for tokens.
pub static CONTRACT: Contract = Contract {
    name: "token",
    doc: "An ERC-20 token with permit; minted and burned by role.",
    place: Place::Kind(Kind::Token),
    entry: Entry::Verbs(abi::token::VERBS),
    abi: IToken::abi::contract,
    source: include_str!("abi/token.rs"),
    system: None,
    layout: state::TokenState::LAYOUT,
    genesis: |_, _| Ok(()),
};

/// The registry's line for the factory.
pub static FACTORY: Contract = Contract {
    name: "tokenFactory",
    doc: "Makes ERC-20 tokens at native addresses.",
    place: Place::At(address::TOKEN_FACTORY),
    entry: Entry::Verbs(abi::factory::VERBS),
    abi: ITokenFactory::abi::contract,
    source: include_str!("abi/factory.rs"),
    system: None,
    layout: state::FactoryState::LAYOUT,
    genesis: |_, _| Ok(()),
};

#[cfg(test)]
mod tests;
