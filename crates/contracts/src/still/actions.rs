//! What the block writes, and what rooms and people ask.

use alloy_primitives::Bytes;
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};

use super::{
    ADDRESS,
    IStill::{self, StoodStill},
    RETURN_MS, STILL_MS,
    error::*,
    math::{self, Stops},
    state::{StillState, Stop},
};
use crate::{contract::emit, revert};

pub(super) const STATE: StillState = StillState::new();

/// Calldata of a `Wake` transaction: the time of the parent.
pub fn encode_wake(parent_ms: u64) -> Bytes {
    parent_ms.abi_encode().into()
}

/// Writes down that the chain stood still since a block's parent. One that stands still again before it lived for ten seconds gets no
/// new minute, and of the gap ten seconds count: else one whose blocks are all late would end no window.
///
/// # Errors
/// `StillMalformed`.
pub(super) fn wake(cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let back_ms = cx.store.block().time_ms;
    let parent_ms = match u64::abi_decode_validate(input) {
        Ok(parent_ms) if parent_ms < back_ms && encode_wake(parent_ms) == *input => parent_ms,
        _ => return Err(revert(&StillMalformed {})),
    };
    let count = STATE.stop_count.load(cx)?;
    let last = STATE.stops.at(count).load(cx)?;
    let Some(stop) = behind(&last, parent_ms, back_ms) else {
        return Ok(Bytes::new());
    };
    let number = count.checked_add(1).ok_or_else(Halt::overflow)?;
    STATE.stops.at(number).save(cx, &stop)?;
    STATE.stop_count.save(cx, number)?;
    emit(
        cx,
        &StoodStill {
            number,
            fromMs: parent_ms,
            backMs: back_ms,
            countsFromMs: stop.to_ms,
        },
    )?;
    Ok(Bytes::new())
}

/// The stop of a gap between two blocks, behind the last one. None where nothing of the gap is left out.
fn behind(last: &Stop, parent_ms: u64, back_ms: u64) -> Option<Stop> {
    let before_ms = last.before_ms.saturating_add(last.lasts_ms());
    let lived_until_ms = last.to_ms.saturating_add(STILL_MS);
    if last.to_ms == 0 || parent_ms >= lived_until_ms {
        return Some(Stop {
            from_ms: parent_ms,
            to_ms: back_ms.saturating_add(RETURN_MS),
            before_ms,
        });
    }
    // The minute of the last stop goes on, less the ten seconds that count.
    let stood_from_ms = parent_ms.saturating_add(STILL_MS);
    let left_ms = last.to_ms.saturating_sub(stood_from_ms);
    (stood_from_ms < back_ms).then(|| Stop {
        from_ms: stood_from_ms.max(last.to_ms),
        to_ms: back_ms.saturating_add(left_ms),
        before_ms,
    })
}

/// The stops of a world.
struct Stored<'a, 'b>(&'a mut Ctx<'b>);

impl Stops for Stored<'_, '_> {
    fn count(&mut self) -> Result<u64, Halt> {
        STATE.stop_count.load(self.0)
    }

    fn stop(&mut self, number: u64) -> Result<Stop, Halt> {
        STATE.stops.at(number).load(self.0)
    }
}

/// What of the time between two moments counts.
///
/// # Errors
/// The store's.
pub fn passed_ms(cx: &mut Ctx<'_>, from_ms: u64, to_ms: u64) -> Result<u64, Halt> {
    math::passed_ms(&mut Stored(&mut cx.enter(ADDRESS)), from_ms, to_ms)
}

/// The last moment of a window that began at a time.
///
/// # Errors
/// The store's.
pub fn until_ms(cx: &mut Ctx<'_>, from_ms: u64, window_ms: u64) -> Result<u64, Halt> {
    math::until_ms(&mut Stored(&mut cx.enter(ADDRESS)), from_ms, window_ms)
}

pub(super) fn stop_count(cx: &mut Ctx<'_>) -> Result<u64, Halt> {
    STATE.stop_count.load(cx)
}

pub(super) fn stop(cx: &mut Ctx<'_>, number: u64) -> Result<IStill::Stop, Halt> {
    let stop = STATE.stops.at(number).load(cx)?;
    if stop.to_ms == 0 {
        return Err(revert(&StillUnknown { number }));
    }
    Ok(IStill::Stop {
        fromMs: stop.from_ms,
        toMs: stop.to_ms,
        beforeMs: stop.before_ms,
    })
}
