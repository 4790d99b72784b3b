//! Positions of concentrated liquidity as tokens of wallets (ERC-721).
//!
//! The token says who may act on a position; what it is worth, `exchange` keeps.

mod abi;
mod actions;
mod state;

pub use abi::IRangePosition;

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, View};

use super::pool::STATE as POOLS;
use crate::{
    Contract, Entry, Interface, Kind, Place,
    invariant::{Broken, holds},
    native,
};
use state::NftState;

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(20), 0);

const STATE: NftState = NftState::new();

/// Gives a new position to somebody.
///
/// # Errors
/// `ERC721InvalidReceiver`.
pub(super) fn mint(cx: &mut Ctx<'_>, to: Address, position: u64) -> Result<(), Halt> {
    if to.is_zero() {
        let refusal = IRangePosition::ERC721InvalidReceiver { receiver: to };
        return Err(crate::revert(&refusal));
    }
    actions::give(&mut cx.enter(ADDRESS), Address::ZERO, to, position)
}

/// Hands a position from its owner to somebody else, without asking who takes it. For other native contracts, which ask
/// whether the owner agreed.
///
/// # Errors
/// `ERC721NonexistentToken`, `ERC721IncorrectOwner`, `ERC721InvalidReceiver`.
pub fn hand_over(cx: &mut Ctx<'_>, from: Address, to: Address, position: u64) -> Result<(), Halt> {
    actions::hand_over(&mut cx.enter(ADDRESS), from, to, U256::from(position))
}

/// Who owns a position.
///
/// # Errors
/// `ERC721NonexistentToken`.
pub fn owner_of(cx: &mut Ctx<'_>, position: u64) -> Result<Address, Halt> {
    actions::owner_of(&mut cx.enter(ADDRESS), U256::from(position))
}

/// Refuses who may not act on a position.
///
/// # Errors
/// `ERC721NonexistentToken`, `ERC721InsufficientApproval`.
pub(super) fn expect_may(cx: &mut Ctx<'_>, who: Address, position: u64) -> Result<(), Halt> {
    actions::expect_may(&mut cx.enter(ADDRESS), who, U256::from(position)).map(drop)
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "rangePosition",
    doc: "Positions of concentrated liquidity as tokens (ERC-721).",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "rangePosition",
        abi: IRangePosition::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[],
    system: &[],
    layout: NftState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: check,
};

/// EXCH-15: every position has one owner, and everybody owns as many as he is said to.
fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let mut counts = BTreeMap::<Address, u64>::new();
    let positions = POOLS.position_count.load(&mut cx.enter(super::ADDRESS))?;
    for (id, owner) in STATE.owners.listed(world, ADDRESS)? {
        let count = counts.entry(owner.load(cx)?).or_default();
        *count = count.saturating_add(1);
        holds(id < positions, "EXCH-15", || {
            format!("position {id} is owned, and there are {positions}")
        })?;
    }
    for (owner, count) in STATE.counts.listed(world, ADDRESS)? {
        let (count, found) = (count.load(cx)?, counts.remove(&owner).unwrap_or_default());
        holds(count == found, "EXCH-15", || {
            format!("{owner} owns {found} positions and is said to own {count}")
        })?;
    }
    holds(counts.is_empty(), "EXCH-15", || {
        format!("owners without a count: {counts:?}")
    })
}
