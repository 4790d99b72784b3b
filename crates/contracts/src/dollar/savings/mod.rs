//! Saved dollars as a token of the wallet: ERC-20 and ERC-4626 over usd.
//!
//! ```text
//!   surplus above its floor ── accrue ──► pot        assets = shares * savings index, down
//!   wallet ── deposit ──► pot ── withdraw ──► wallet     the index never falls, and follows no balance
//! ```
//!
//! The index rises at the savings rate as far as the surplus pays for it (DOL-7). It follows no balance, so no gift
//! moves it (DOL-14), and a first depositor cannot inflate it.

mod actions;
mod state;

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::Shares;

use crate::{
    Contract, Entry, Kind, Place,
    erc20::{self, Book, Holdings, Issued},
    erc4626, native,
};
use state::SavingsState;

/// Where savings answer. Their wallet holds the pot.
pub const ADDRESS: Address = native(Kind::new(17), 0);

const STATE: SavingsState = SavingsState::new();

/// Shares of all savers.
pub(super) fn total_shares(cx: &mut Ctx<'_>) -> Result<Shares, Halt> {
    let supply = SavingsBook::holdings().total(&mut cx.enter(ADDRESS))?;
    Ok(Shares::from_u256(supply)?)
}

/// Shares of savings.
pub(super) struct SavingsBook;

impl Book for SavingsBook {
    erc20::kept_in!(STATE);

    fn name(_: &mut Ctx<'_>) -> Result<String, Halt> {
        Ok("Saved Capstan Dollar".to_owned())
    }

    fn symbol(_: &mut Ctx<'_>) -> Result<String, Halt> {
        Ok("susd".to_owned())
    }

    fn decimals(_: &mut Ctx<'_>) -> Result<u8, Halt> {
        Ok(super::DECIMALS)
    }
}

impl Issued for SavingsBook {
    fn holdings() -> Holdings {
        Holdings {
            supply: STATE.supply,
            balances: STATE.balances,
        }
    }
}

crate::verbs! { faces erc4626::verbs::<SavingsBook>(), erc20::verbs::<SavingsBook>() }

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "savings",
    doc: "Saved dollars as a token (ERC-4626).",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(VERBS),
    interfaces: &[erc4626::INTERFACE, erc20::INTERFACE],
    errors_of: &[&super::CONTRACT],
    system: &[],
    layout: SavingsState::LAYOUT,
    genesis: |_, _| Ok(()),
    // What its shares are worth is checked with the dollar's book.
    invariants: |world, cx| SavingsBook::holdings().check(world, cx),
};
