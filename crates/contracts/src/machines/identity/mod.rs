//! Who machines are, as tokens that never leave their key: the bound half of a machine, whose title is the other.
//!
//! A rotation moves the token from the old key to the new one; nothing else does (MACH-3).

mod abi;
mod state;

pub use abi::IMachineIdentity;

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, View};

use super::{record::STATE as MACHINES, title};
use crate::{
    Contract, Entry, Interface, Kind, Place,
    contract::emit,
    erc721::{self, Book, Tokens},
    invariant::{Broken, holds},
    native, revert,
};
use state::IdentityState;

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(30), 0);

const STATE: IdentityState = IdentityState::new();
/// ERC-5192.
const BOUND: u32 = 0xb45a_3c0e;

/// The identities of machines.
struct Identities;

impl Book for Identities {
    const NAME: &'static str = "Capstan machine identity";
    const SYMBOL: &'static str = "MACHINE";
    const STANDARDS: &'static [u32] = &[BOUND];

    fn tokens() -> Tokens {
        Tokens {
            owners: STATE.owners,
            counts: STATE.counts,
            approved: STATE.approved,
            operators: STATE.operators,
        }
    }

    fn uri(cx: &mut Ctx<'_>, id: u64) -> Result<String, Halt> {
        title::spec_uri(cx, id)
    }

    fn expect_free(_cx: &mut Ctx<'_>, token: U256) -> Result<(), Halt> {
        Err(revert(&IMachineIdentity::MachineIdentityBound {
            tokenId: token,
        }))
    }
}

fn locked(cx: &mut Ctx<'_>, token: U256) -> Result<bool, Halt> {
    erc721::owner_of::<Identities>(cx, token)?;
    Ok(true)
}

/// Gives a new machine its identity.
pub(super) fn mint(cx: &mut Ctx<'_>, key: Address, id: u64) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    erc721::mint::<Identities>(cx, key, id)?;
    let token = U256::from(id);
    emit(cx, &IMachineIdentity::Locked { tokenId: token })
}

/// Follows a machine to its new key.
pub(super) fn rotate(cx: &mut Ctx<'_>, old: Address, new: Address, id: u64) -> Result<(), Halt> {
    erc721::hand_over::<Identities>(&mut cx.enter(ADDRESS), old, new, id)
}

/// The key to which an identity is bound.
pub(super) fn owner_of(cx: &mut Ctx<'_>, id: u64) -> Result<Address, Halt> {
    erc721::owner_of::<Identities>(&mut cx.enter(ADDRESS), U256::from(id))
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "machineIdentity",
    doc: "Who machines are, as tokens bound to their keys (ERC-721, ERC-5192).",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[
        Interface {
            name: "machineIdentity",
            abi: IMachineIdentity::abi::contract,
            source: include_str!("abi.rs"),
        },
        erc721::INTERFACE,
    ],
    errors_of: &[],
    system: &[],
    layout: IdentityState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: check,
};

/// MACH-3: as many identities as machines.
fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let machines = MACHINES.machine_count.load(&mut cx.enter(super::ADDRESS))?;
    let owned = Identities::tokens().check(world, cx, machines, "MACH-3")?;
    holds(owned == machines, "MACH-3", || {
        format!("{owned} identities of {machines} machines")
    })
}
