//! Shares of a market's tranches as tokens of the wallet: ERC-20 and ERC-4626 at one native address per tranche.
//!
//! ```text
//!   wallet ── deposit ──► pot ── lent to machines        id = 2 * asset + tranche: 0 lenders, 1 first loss
//!   wallet ◄── withdraw ─ pot: what is idle
//! ```
//!
//! Balances and supply are kept by generation: those of a past one are void.

mod abi;
mod actions;
mod state;

pub use abi::IMachineShare;
pub(super) use actions::{mint, supply_of};

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, Map, Value, View};
use capstan_units::AssetId;

use super::{
    ADDRESS,
    market::{self, FIRST_LOSS},
    math::SHARE_DIGITS,
};
use crate::{
    Contract, Entry, Interface, Kind, Place, address,
    erc20::{self, Book, Holdings},
    erc4626,
    invariant::Broken,
    ledger, native, token,
};
use state::ShareState;

/// Where share tokens answer; the id is twice the asset's number, and one more for the first loss.
pub const KIND: Kind = Kind::new(34);

const STATE: ShareState = ShareState::new();

/// The share token of a tranche.
pub fn address_of(id: AssetId, tranche: u8) -> Address {
    let number = u64::from(id.get()).saturating_mul(2);
    native(KIND, number.saturating_add(tranche.into()))
}

/// The market and tranche of a share token, which the frame is.
fn place_of(cx: &Ctx<'_>) -> Result<(AssetId, u8), Halt> {
    let found = address::parse(cx.this()).and_then(|(_, id)| {
        let asset = u32::try_from(id.checked_div(2)?).ok()?;
        let tranche = u8::try_from(id.checked_rem(2)?).ok()?;
        Some((AssetId::new(asset), tranche))
    });
    found.ok_or_else(|| Halt::Fatal(format!("{} is no share token", cx.this())))
}

fn holdings_of(generation: u32) -> Holdings {
    Holdings {
        supply: STATE.supply.at(generation),
        balances: STATE.balances.at(generation),
    }
}

/// Which shares count. The frame is the token's.
fn holdings(cx: &mut Ctx<'_>) -> Result<Holdings, Halt> {
    let (id, tranche) = place_of(cx)?;
    let tranche = market::tranche(&mut cx.enter(ADDRESS), id, tranche)?;
    Ok(holdings_of(tranche.generation))
}

/// Shares of a tranche's present generation.
pub(super) struct ShareBook;

impl Book for ShareBook {
    fn balance_of(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        holdings(cx)?.balance_of(cx, owner)
    }

    fn shift(cx: &mut Ctx<'_>, from: Address, to: Address, amount: U256) -> Result<bool, Halt> {
        holdings(cx)?.shift(cx, from, to, amount)
    }

    fn total_supply(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        holdings(cx)?.total(cx)
    }

    fn allowance(owner: Address, spender: Address) -> Value<U256> {
        STATE.allowances.at((owner, spender))
    }

    fn nonces() -> Map<Address, Value<U256>> {
        STATE.nonces
    }

    fn name(cx: &mut Ctx<'_>) -> Result<String, Halt> {
        let (id, tranche) = place_of(cx)?;
        let what = match tranche {
            FIRST_LOSS => "Machine first loss",
            _ => "Machine loans",
        };
        Ok(format!("{what} {}", ledger::symbol(cx, id)?))
    }

    fn symbol(cx: &mut Ctx<'_>) -> Result<String, Halt> {
        let (id, tranche) = place_of(cx)?;
        let what = match tranche {
            FIRST_LOSS => "mfl",
            _ => "ml",
        };
        Ok(format!("{what}{}", ledger::symbol(cx, id)?))
    }

    fn decimals(cx: &mut Ctx<'_>) -> Result<u8, Halt> {
        let (id, _) = place_of(cx)?;
        Ok(ledger::asset(cx, id)?.decimals.saturating_add(SHARE_DIGITS))
    }
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "machineShare",
    doc: "Shares of a market of machine loans as a token (ERC-4626): of lenders, and of the first loss.",
    place: Place::Kind(KIND),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[
        Interface {
            name: "machineShare",
            abi: IMachineShare::abi::contract,
            source: include_str!("abi.rs"),
        },
        erc4626::INTERFACE,
        erc20::INTERFACE,
    ],
    errors_of: &[&super::CONTRACT, &ledger::CONTRACT, &token::CONTRACT],
    system: &[],
    layout: ShareState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: check,
};

/// INC-13 of the present generation.
fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let sum = holdings(cx)?.check(world, cx);
    sum.map_err(|broken| match broken.id {
        "TOK-1" | "TOK-2" => Broken {
            id: "INC-13",
            ..broken
        },
        _ => broken,
    })
}

/// Gives somebody a share that nobody made: for the test that the check can fail.
#[cfg(test)]
pub(super) fn spoil_balance(cx: &mut Ctx<'_>, who: Address) -> Result<(), Halt> {
    let one = capstan_units::Assets::new(1)?;
    holdings(cx)?.balances.at(who).add(cx, one)
}
