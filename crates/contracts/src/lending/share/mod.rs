//! Shares of a market as a token of the wallet: ERC-20 and ERC-4626 at one native address per market.
//!
//! ```text
//!   wallet ── deposit ──► ledger (share token, 0) ── supply ──► market        the wallet holds token units,
//!   wallet ◄── withdraw ─ ledger (share token, 0) ◄─ redeem ─── market        the token holds the market's shares
//! ```
//!
//! Token units and the market's shares are the same numbers (LEND-11). Nothing here touches a person's account:
//! wallet units back nothing, so no transfer of them changes anybody's health.

mod abi;
mod actions;
mod state;

pub use abi::ISupplyShare;

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt, View};
use capstan_units::{AccountId, AssetId};

use super::market::STATE as MARKETS;
use crate::{
    Contract, Entry, Interface, Kind, Place, address,
    erc20::{self, Book, Holdings, Issued},
    erc4626,
    invariant::{Broken, holds},
    ledger, native,
};
use state::ShareState;

/// Where share tokens answer; the id is the asset's number.
pub const KIND: Kind = Kind::new(10);

const STATE: ShareState = ShareState::new();

/// The share token of a market.
pub fn address_of(id: AssetId) -> Address {
    native(KIND, u64::from(id.get()))
}

/// The market of a share token, which the frame is.
fn asset_of(cx: &Ctx<'_>) -> Result<AssetId, Halt> {
    address::parse(cx.this())
        .and_then(|(_, id)| u32::try_from(id).ok())
        .map(AssetId::new)
        .ok_or_else(|| Halt::Fatal(format!("{} is no share token", cx.this())))
}

/// The account that holds the market's shares for all wallets.
const fn account_of(token: Address) -> AccountId {
    AccountId::new(token, 0)
}

/// Units of a share token.
pub(super) struct ShareBook;

impl Book for ShareBook {
    erc20::kept_in!(STATE);

    fn name(cx: &mut Ctx<'_>) -> Result<String, Halt> {
        let id = asset_of(cx)?;
        Ok(format!("Supplied {}", ledger::symbol(cx, id)?))
    }

    fn symbol(cx: &mut Ctx<'_>) -> Result<String, Halt> {
        let id = asset_of(cx)?;
        Ok(format!("s{}", ledger::symbol(cx, id)?))
    }

    fn decimals(cx: &mut Ctx<'_>) -> Result<u8, Halt> {
        let id = asset_of(cx)?;
        Ok(ledger::asset(cx, id)?.decimals)
    }
}

impl Issued for ShareBook {
    fn holdings() -> Holdings {
        Holdings {
            supply: STATE.supply,
            balances: STATE.balances,
        }
    }
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "supplyShare",
    doc: "Shares of a lending market as a token (ERC-4626).",
    place: Place::Kind(KIND),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[
        Interface {
            name: "supplyShare",
            abi: ISupplyShare::abi::contract,
            source: include_str!("abi.rs"),
        },
        erc4626::INTERFACE,
        erc20::INTERFACE,
    ],
    errors_of: &[&super::CONTRACT, &ledger::CONTRACT],
    system: &[],
    layout: ShareState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: check,
};

/// The face's own invariants, and LEND-11.
fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    ShareBook::holdings().check(world, cx)?;
    let (id, token) = (asset_of(cx)?, cx.this());
    let supply = ShareBook::holdings().total(cx)?;
    let at = (id, account_of(token));
    let shares = MARKETS.shares.at(at).load(&mut cx.enter(super::ADDRESS))?;
    holds(supply == shares.to_u256(), "LEND-11", || {
        format!("{token} has a supply of {supply} and {shares} shares of its market")
    })
}
