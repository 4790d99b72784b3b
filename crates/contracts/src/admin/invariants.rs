//! What must hold between transactions, as code over a world that is only looked at.
//!
//! ADM-2 and ADM-5 speak of single calls, so the tests check them around calls.

use capstan_state::{Ctx, View};

use super::{
    params::DELAY_MS_MAX,
    state::{AdminState, Delay, Grant},
};
use crate::invariant::{Broken, holds};

/// Checks everything that `admin` stores.
pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let (state, this) = (AdminState::new(), cx.this());
    for grant in state.grants.records(world, this)? {
        let Grant {
            effective_ms,
            expires_ms,
        } = grant;
        holds(effective_ms < expires_ms, "ADM-1", || {
            format!("a grant from {effective_ms} ms ends at {expires_ms} ms, before it begins")
        })?;
    }
    for (scope, offered_to) in state.offers.listed(world, this)? {
        let (owner, offered_to) = (state.owners.at(scope).load(cx)?, offered_to.load(cx)?);
        holds(!owner.is_zero(), "ADM-3", || {
            format!("{scope}, which nobody owns, is offered to {offered_to}")
        })?;
    }
    for (key, delay) in state.delays.listed(world, this)? {
        let Delay {
            current_ms,
            next_ms,
            next_from_ms,
        } = delay.load(cx)?;
        holds(current_ms.max(next_ms) <= DELAY_MS_MAX, "ADM-4", || {
            format!("{key:?} has delays of {current_ms} ms, then {next_ms} ms")
        })?;
        let latest_ms = world.latest_block().time_ms.saturating_add(DELAY_MS_MAX);
        holds(next_from_ms <= latest_ms, "ADM-4", || {
            format!("{key:?} changes at {next_from_ms} ms, later than any delay from now")
        })?;
    }
    Ok(())
}
