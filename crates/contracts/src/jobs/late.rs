//! What is kept of epochs that may be claimed late, because the chain stood still while they could be (JOB-17). Where it never
//! stood still nothing is kept, and nothing asked.
//!
//! ```text
//!   epoch   e            e + 1                                  now
//!           work ──────► vouchers of e are claimed ── stop ───► and still are, for what is left of an epoch
//!   kept    work claimed of e, and the cell of the class before anybody moved it on: levels of e follow from it
//! ```

use capstan_state::{Ctx, Halt};

use super::{
    STATE,
    classes::STEP_GAS,
    params,
    state::{Cell, Class, Use},
};

/// Work that was claimed of an epoch before the last one of a machine's claims.
pub(super) fn work(cx: &mut Ctx<'_>, machine: u64, class: u32, epoch: u64) -> Result<u64, Halt> {
    Ok(STATE.late_uses.at(((machine, class), epoch)).load(cx)?.work)
}

pub(super) fn keep_work(
    cx: &mut Ctx<'_>,
    machine: u64,
    class: u32,
    last: &Use,
) -> Result<(), Halt> {
    let place = STATE.late_uses.at(((machine, class), last.epoch));
    place.save(cx, last)
}

/// Keeps a cell that is about to move on to an epoch, if it knows the levels of all epochs that may be claimed late.
pub(super) fn keep_cell(
    cx: &mut Ctx<'_>,
    at: (u32, u32),
    stored: &Cell,
    epoch: u64,
) -> Result<(), Halt> {
    // What it knows goes back to the epoch before its own.
    let Some(oldest) = stored.epoch.checked_sub(1) else {
        return Ok(());
    };
    if stored.epoch >= epoch {
        return Ok(());
    }
    let params = params::known(cx)?;
    // Where nothing but the epoch before `epoch` may be claimed, the cell itself will know it.
    let is_any_late = params.is_claimable(cx, epoch.saturating_sub(2))?;
    let knows_all = !params.is_claimable(cx, oldest.saturating_sub(1))?;
    if is_any_late && knows_all {
        return STATE.late_cells.at(at).save(cx, stored);
    }
    Ok(())
}

/// The level of a class in a region, in an epoch that is claimed late.
pub(super) fn level(
    cx: &mut Ctx<'_>,
    class: (u32, &Class),
    region: u32,
    epoch: u64,
) -> Result<u64, Halt> {
    let at = (class.0, region);
    let next = epoch.saturating_add(1);
    let mut cell = STATE.cells.at(at).load(cx)?;
    if cell.epoch > next {
        cell = STATE.late_cells.at(at).load(cx)?;
    }
    let (cell, steps) = cell.at(next, class.1);
    cx.store.charge(steps.saturating_mul(STEP_GAS))?;
    Ok(cell.level_before)
}
