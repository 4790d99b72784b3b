//! Shares of a stake as a token of the wallet: ERC-20 and ERC-4626 at one native address per asset, and the wait
//! before leaving.
//!
//! ```text
//!   deposit ──► balance ── requestUnstake ──► escrow ── cooldown ── window ──► redeem · withdraw
//!                  ▲                            │
//!                  └───────── cancelUnstake ────┘
//! ```
//!
//! Balances, supply and requests are kept by generation: those of a past one are void (BACK-7). Escrow is the balance
//! of the token's own address, so what is requested cannot be moved (BACK-5).

mod abi;
mod actions;
mod exit;
mod state;

pub use abi::IStakeShare;
pub(super) use actions::{mint, supply_of};

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, Map, Value, View};
use capstan_units::AssetId;

use super::{ADDRESS, math::SHARE_DIGITS, params::SEED_MIN, stake};
use crate::{
    Contract, Entry, Interface, Kind, Place, address,
    erc20::{self, Book, Holdings},
    erc4626,
    invariant::{Broken, holds},
    ledger, native, token,
};
use state::ShareState;

/// Where stake tokens answer; the id is the asset's number.
pub const KIND: Kind = Kind::new(14);

const STATE: ShareState = ShareState::new();

/// The share token of a stake.
pub fn address_of(id: AssetId) -> Address {
    native(KIND, u64::from(id.get()))
}

/// The stake of a share token, which the frame is.
fn asset_of(cx: &Ctx<'_>) -> Result<AssetId, Halt> {
    address::parse(cx.this())
        .and_then(|(_, id)| u32::try_from(id).ok())
        .map(AssetId::new)
        .ok_or_else(|| Halt::Fatal(format!("{} is no share token", cx.this())))
}

/// Which shares count. The frame is the token's.
fn generation_of(cx: &mut Ctx<'_>) -> Result<u32, Halt> {
    let id = asset_of(cx)?;
    Ok(stake::known(&mut cx.enter(ADDRESS), id)?.generation)
}

pub(super) fn holdings_of(generation: u32) -> Holdings {
    Holdings {
        supply: STATE.supply.at(generation),
        balances: STATE.balances.at(generation),
    }
}

fn holdings(cx: &mut Ctx<'_>) -> Result<Holdings, Halt> {
    Ok(holdings_of(generation_of(cx)?))
}

/// Shares of a stake's present generation.
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
        let id = asset_of(cx)?;
        Ok(format!("Staked {}", ledger::symbol(cx, id)?))
    }

    fn symbol(cx: &mut Ctx<'_>) -> Result<String, Halt> {
        let id = asset_of(cx)?;
        Ok(format!("stk{}", ledger::symbol(cx, id)?))
    }

    fn decimals(cx: &mut Ctx<'_>) -> Result<u8, Halt> {
        let id = asset_of(cx)?;
        Ok(ledger::asset(cx, id)?.decimals.saturating_add(SHARE_DIGITS))
    }
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "stakeShare",
    doc: "Shares of a backstop stake as a token (ERC-4626), with a cooldown before leaving.",
    place: Place::Kind(KIND),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[
        Interface {
            name: "stakeShare",
            abi: IStakeShare::abi::contract,
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

/// BACK-3, BACK-5 and BACK-11 of the present generation.
fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let (generation, token) = (generation_of(cx)?, cx.this());
    let holdings = holdings_of(generation);
    let sum = holdings.check(world, cx);
    sum.map_err(|broken| match broken.id {
        "TOK-1" | "TOK-2" => Broken {
            id: "BACK-3",
            ..broken
        },
        _ => broken,
    })?;
    let mut requested = U256::ZERO;
    for (_, record) in STATE.requests.at(generation).listed(world, token)? {
        requested = requested.saturating_add(record.load(cx)?.shares.to_u256());
    }
    let escrow = holdings.balance_of(cx, token)?;
    holds(escrow >= requested, "BACK-5", || {
        format!("{token} holds {escrow} shares for requests of {requested}")
    })?;
    let seed = holdings.balance_of(cx, ADDRESS)?;
    let first = U256::from(SEED_MIN).saturating_mul(super::math::VIRTUAL_SHARES);
    holds(generation != 1 || seed >= first, "BACK-11", || {
        format!("the seed of {token} has {seed} shares")
    })
}
