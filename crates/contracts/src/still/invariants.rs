//! What must hold between transactions, as code over a world that is only looked at.
//!
//! STILL-2 speaks of what is answered, STILL-3 of blocks and STILL-4 of other rooms, so the tests check them there.

use capstan_state::{Ctx, View};

use super::{ADDRESS, RETURN_MS, actions::STATE, state::Stop};
use crate::invariant::{Broken, holds};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let latest_ms = world.latest_block().time_ms.saturating_add(RETURN_MS);
    let count = STATE.stop_count.load(cx)?;
    let found = STATE.stops.listed(world, ADDRESS)?.len();
    holds(u64::try_from(found) == Ok(count), "STILL-1", || {
        format!("{found} stops of {count}")
    })?;
    let mut last = Stop::default();
    for number in 1..=count {
        let stop = STATE.stops.at(number).load(cx)?;
        let is_in_order = last.to_ms <= stop.from_ms
            && stop.from_ms < stop.to_ms
            && stop.to_ms <= latest_ms
            && stop.before_ms == last.before_ms.saturating_add(last.lasts_ms());
        holds(is_in_order, "STILL-1", || {
            format!("stop {number}, {stop:?} after {last:?}")
        })?;
        last = stop;
    }
    Ok(())
}
