//! Positions of concentrated liquidity as tokens of wallets (ERC-721).
//!
//! The token says who may act on a position; what it is worth, `exchange` keeps.

mod state;

/// Positions answer the face of ERC-721 and nothing else.
pub use crate::erc721::IErc721 as IRangePosition;

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, View};

use super::pool::STATE as POOLS;
use crate::{
    Contract, Entry, Kind, Place,
    erc721::{self, Book, Tokens},
    invariant::Broken,
    native,
};
use state::NftState;

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(20), 0);

const STATE: NftState = NftState::new();

/// The positions' tokens.
struct Positions;

impl Book for Positions {
    const NAME: &'static str = "Capstan range position";
    const SYMBOL: &'static str = "RANGE";

    fn tokens() -> Tokens {
        Tokens {
            owners: STATE.owners,
            counts: STATE.counts,
            approved: STATE.approved,
            operators: STATE.operators,
        }
    }
}

crate::verbs! { faces erc721::verbs::<Positions>() }

/// Gives a new position to somebody.
///
/// # Errors
/// `ERC721InvalidReceiver`.
pub(super) fn mint(cx: &mut Ctx<'_>, to: Address, position: u64) -> Result<(), Halt> {
    erc721::mint::<Positions>(&mut cx.enter(ADDRESS), to, position)
}

/// Hands a position from its owner to somebody else, without asking who takes it. For other native contracts, which ask
/// whether the owner agreed.
///
/// # Errors
/// `ERC721NonexistentToken`, `ERC721IncorrectOwner`, `ERC721InvalidReceiver`.
pub fn hand_over(cx: &mut Ctx<'_>, from: Address, to: Address, position: u64) -> Result<(), Halt> {
    erc721::hand_over::<Positions>(&mut cx.enter(ADDRESS), from, to, position)
}

/// Who owns a position.
///
/// # Errors
/// `ERC721NonexistentToken`.
pub fn owner_of(cx: &mut Ctx<'_>, position: u64) -> Result<Address, Halt> {
    erc721::owner_of::<Positions>(&mut cx.enter(ADDRESS), U256::from(position))
}

/// Refuses who may not act on a position.
///
/// # Errors
/// `ERC721NonexistentToken`, `ERC721InsufficientApproval`.
pub(super) fn expect_may(cx: &mut Ctx<'_>, who: Address, position: u64) -> Result<(), Halt> {
    erc721::expect_may::<Positions>(&mut cx.enter(ADDRESS), who, U256::from(position)).map(drop)
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "rangePosition",
    doc: "Positions of concentrated liquidity as tokens (ERC-721).",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(VERBS),
    interfaces: &[erc721::INTERFACE],
    errors_of: &[],
    system: &[],
    layout: NftState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: check,
};

/// EXCH-15: every position has one owner, and everybody owns as many as he is said to.
fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let positions = POOLS.position_count.load(&mut cx.enter(super::ADDRESS))?;
    Positions::tokens()
        .check(world, cx, positions, "EXCH-15")
        .map(drop)
}
