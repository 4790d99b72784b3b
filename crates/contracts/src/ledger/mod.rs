//! Who holds what: the one value ledger, and the border between it and wallets.
//!
//! ```text
//!   wallet ── pull (measured, locked) ──►  free[asset, account]  ── shift ──►  free[asset, other]
//!   wallet ◄── push (limited, measured) ──        │
//!                                      claims[asset] = their sum <= held[asset]
//! ```
//!
//! `limit = max(floor, (claims - inward net) * share)`; outward net flow drains by `limit * elapsed / window` (`math`).
//!
//! - LED-1: the sum of `free` over all accounts is `claims`, for each asset.
//! - LED-2: the ledger's address holds at least `claims`: always of the coin and native tokens, and of a foreign
//!   token when a pull or push of it ends.
//! - LED-3: a pull credits `min(requested, arrived)`, measured around one call of the token, under the asset's lock.
//! - LED-4: a shortfall stops the border of that asset alone; shifts go on.
//! - LED-5: net outflow never passes its limit, as reckoned last or as it is; a blocked push changes nothing.
//! - LED-6: a limit tightens at once and loosens a day after it was announced.
//! - LED-7: one token is one asset; the coin and its face are one.
//! - LED-8: no coins come with a pull, so no payment counts twice.
//! - LED-9: units are issued and retired only with their tokens, by a contract that may mint and burn those.
//!
//! Imports: admin, ether, token.
//!
//! Trusts: native contracts, to move only what they may; the owner of the scope, who lists
//! tokens, sets limits and closes borders, and can move nothing. Foreign tokens are not trusted with anything
//! but themselves.
//!
//! Not here: what units back, who may move whose (the rooms above), prices (`oracle`).

mod abi;
mod actions;
mod border;
mod error;
mod foreign;
mod invariants;
mod math;
mod params;
mod position;
mod state;
mod views;

pub use abi::{IForeign, ILedger, IRebasing};
pub use actions::{
    Asset, asset, asset_count, asset_of, claims, free, list, shift, symbol, wallet_balance_down,
};
pub use border::{issue, may_leave, pull, push, retire, suppose};
pub use params::{ASSET_COUNT_MAX, LOOSEN_DELAY_MS, Limit, WINDOW_S};
pub use position::Units;

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};

use crate::{Contract, Entry, Interface, Place, address, admin, ether, native, token};

/// Where it answers, and the address that holds every token.
pub const ADDRESS: Address = native(address::Kind::new(8), 0);

/// What kind of token an asset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The gas coin, by its ERC-20 face.
    Coin,
    /// A token of the factory.
    NativeToken,
    /// Any other code.
    Foreign,
}

impl Kind {
    /// The kind of a token, by its address.
    fn of(cx: &mut Ctx<'_>, token: Address) -> Result<Self, Halt> {
        if token == ether::ADDRESS {
            Ok(Self::Coin)
        } else if token::is_token(cx, token)? {
            Ok(Self::NativeToken)
        } else {
            Ok(Self::Foreign)
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Coin => 0,
            Self::NativeToken => 1,
            Self::Foreign => 2,
        }
    }

    fn from_number(number: u8) -> Result<Self, Halt> {
        match number {
            0 => Ok(Self::Coin),
            1 => Ok(Self::NativeToken),
            2 => Ok(Self::Foreign),
            _ => Err(Halt::Fatal(format!(
                "corrupt storage: {number} is no kind of asset"
            ))),
        }
    }
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "ledger",
    doc: "Who holds what: units per account and asset.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "ledger",
        abi: ILedger::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[&admin::CONTRACT, &token::CONTRACT],
    system: &[],
    layout: state::LedgerState::LAYOUT,
    genesis: |cx, config| admin::open_scope_at_genesis(cx, ADDRESS, config.owner),
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
