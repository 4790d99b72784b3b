//! What calls the block to an order, in words of the form of an account's sheet.

use capstan_state::{Ctx, Halt};
use capstan_units::OrderId;

use super::state::TriggersState;
use crate::account::{Sheet, guarded};

pub(super) const STATE: TriggersState = TriggersState::new();

pub(super) fn load(cx: &mut Ctx<'_>, id: OrderId) -> Result<Sheet, Halt> {
    guarded::load(STATE.guards, cx, id)
}

/// Writes the words that differ from what is stored.
pub(super) fn save(cx: &mut Ctx<'_>, id: OrderId, guard: &Sheet) -> Result<(), Halt> {
    guarded::save(STATE.guards, cx, id, guard)
}
