//! Titles of machines: whoever holds one has the machine's income and its bond. The free half of a machine, whose identity
//! stays with its key.

mod state;

/// Titles answer the face of ERC-721 and nothing else.
pub use crate::erc721::IErc721 as IMachineTitle;

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, View};

use super::{record::STATE as MACHINES, security};
use crate::{
    Contract, Entry, Kind, Place,
    erc721::{self, Book, Tokens},
    invariant::{Broken, holds},
    native,
};
use state::TitleState;

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(31), 0);

const STATE: TitleState = TitleState::new();

/// The titles of machines.
struct Titles;

impl Book for Titles {
    const NAME: &'static str = "Capstan machine title";
    const SYMBOL: &'static str = "TITLE";

    fn tokens() -> Tokens {
        Tokens {
            owners: STATE.owners,
            counts: STATE.counts,
            approved: STATE.approved,
            operators: STATE.operators,
        }
    }

    fn uri(cx: &mut Ctx<'_>, id: u64) -> Result<String, Halt> {
        spec_uri(cx, id)
    }

    /// A title that is security is not moved (MACH-13).
    fn expect_free(cx: &mut Ctx<'_>, token: U256) -> Result<(), Halt> {
        let id = u64::try_from(token).map_err(|_| Halt::overflow())?;
        security::expect_unlocked(cx, id)
    }
}

crate::verbs! { faces erc721::verbs::<Titles>() }

/// Where a machine says more about itself.
pub(super) fn spec_uri(cx: &mut Ctx<'_>, id: u64) -> Result<String, Halt> {
    MACHINES.uris.at(id).load(&mut cx.enter(super::ADDRESS))
}

/// Gives a new title to the holder of a new machine.
pub(super) fn mint(cx: &mut Ctx<'_>, to: Address, id: u64) -> Result<(), Halt> {
    erc721::mint::<Titles>(&mut cx.enter(ADDRESS), to, id)
}

/// Hands a title over, for the room whose security it is.
pub(super) fn hand_over(cx: &mut Ctx<'_>, id: u64, to: Address) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let holder = owner_of(cx, id)?;
    erc721::hand_over::<Titles>(cx, holder, to, id)
}

/// Who holds a title.
pub(super) fn owner_of(cx: &mut Ctx<'_>, id: u64) -> Result<Address, Halt> {
    erc721::owner_of::<Titles>(&mut cx.enter(ADDRESS), U256::from(id))
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "machineTitle",
    doc: "Titles of machines, whose holders have their income and their bonds (ERC-721).",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(VERBS),
    interfaces: &[erc721::INTERFACE],
    errors_of: &[&super::CONTRACT],
    system: &[],
    layout: TitleState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: check,
};

/// MACH-3: as many titles as machines.
fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let machines = MACHINES.machine_count.load(&mut cx.enter(super::ADDRESS))?;
    let owned = Titles::tokens().check(world, cx, machines, "MACH-3")?;
    holds(owned == machines, "MACH-3", || {
        format!("{owned} titles of {machines} machines")
    })
}
