//! Titles that are security for a debt, and what a lender asks about a machine. For rooms above (`jobs`, `income`): nothing here asks who
//! calls but which room's frame it is.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{
    ADDRESS,
    IMachines::{TitleLocked, TitleUnlocked},
    error::MachinesLocked,
    params,
    record::{STATE, known},
    title,
};
use crate::{contract::emit, revert, still};

/// What a lender asks about a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Who it is.
    pub key: Address,
    /// In which asset its bond is.
    pub asset: AssetId,
    /// Its bond.
    pub bond: Assets,
    /// When it came.
    pub registered_ms: u64,
    /// How much life it has proven.
    pub proven_ms: u64,
    /// When it would be dark if it stayed silent.
    pub dark_from_ms: u64,
    /// The power of its last reading.
    pub watts: u32,
}

/// What a lender asks about a machine.
///
/// # Errors
/// `MachinesUnknown`, `MachinesNotOpen`.
pub fn facts(cx: &mut Ctx<'_>, id: u64) -> Result<Facts, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let (machine, params) = (known(cx, id)?, params::known(cx)?);
    let life = STATE.lives.at(id).load(cx)?;
    Ok(Facts {
        key: machine.key,
        asset: machine.asset,
        bond: machine.bond,
        registered_ms: machine.registered_ms,
        proven_ms: life.proven_ms,
        dark_from_ms: still::until_ms(cx, life.last_ms, params.silence_ms())?,
        watts: STATE.telemetry.at(id).load(cx)?.watts,
    })
}

/// Makes a title security of the room whose frame this is (MACH-13). Who agreed, that room asked.
///
/// # Errors
/// `MachinesUnknown`, `MachinesLocked`.
pub fn lock(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
    let by = cx.this();
    let cx = &mut cx.enter(ADDRESS);
    known(cx, id)?;
    expect_unlocked(cx, id)?;
    STATE.locks.at(id).save(cx, by)?;
    emit(cx, &TitleLocked { machineId: id, by })
}

/// Lets a title go that this room locked.
///
/// # Errors
/// `MachinesLocked`.
pub fn unlock(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
    expect_own(cx, id)?;
    let cx = &mut cx.enter(ADDRESS);
    STATE.locks.at(id).save(cx, Address::ZERO)?;
    emit(cx, &TitleUnlocked { machineId: id })
}

/// Hands a title that this room locked to somebody else; it stays locked.
///
/// # Errors
/// `MachinesLocked`, `ERC721InvalidReceiver`.
pub fn award(cx: &mut Ctx<'_>, id: u64, to: Address) -> Result<(), Halt> {
    expect_own(cx, id)?;
    title::hand_over(cx, id, to)
}

/// The room that locked a title, if one did.
///
/// # Errors
/// The store's.
pub fn locked_by(cx: &mut Ctx<'_>, id: u64) -> Result<Option<Address>, Halt> {
    let by = STATE.locks.at(id).load(&mut cx.enter(ADDRESS))?;
    Ok((!by.is_zero()).then_some(by))
}

fn expect_own(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
    let (this, by) = (cx.this(), locked_by(cx, id)?);
    if by == Some(this) {
        return Ok(());
    }
    Err(revert(&MachinesLocked {
        machineId: id,
        by: by.unwrap_or_default(),
    }))
}

/// Refuses what the holder of a locked title may not do.
pub(super) fn expect_unlocked(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
    match locked_by(cx, id)? {
        None => Ok(()),
        Some(by) => Err(revert(&MachinesLocked { machineId: id, by })),
    }
}
