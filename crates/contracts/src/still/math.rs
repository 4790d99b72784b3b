//! What of a time counts. Pure: stops are asked for by number, from one on, so that a search reads only a few.

use capstan_state::Halt;

use super::state::Stop;

/// Stops by number, and how many there are.
pub(super) trait Stops {
    fn count(&mut self) -> Result<u64, Halt>;
    fn stop(&mut self, number: u64) -> Result<Stop, Halt>;
}

impl Stop {
    pub(super) fn lasts_ms(&self) -> u64 {
        self.to_ms.saturating_sub(self.from_ms)
    }

    /// What of stops lies before a time at which or after which this one began, and no later one.
    fn before_time_ms(&self, time_ms: u64) -> u64 {
        let of_it = time_ms.min(self.to_ms).saturating_sub(self.from_ms);
        self.before_ms.saturating_add(of_it)
    }

    /// How much time had counted when it began.
    fn counted_ms(&self) -> u64 {
        self.from_ms.saturating_sub(self.before_ms)
    }
}

/// The last of `count` stops that is as is asked for, where each that is so has only such before it. From the newest on, in steps
/// that double: what is asked about is rarely long ago.
fn last_where(
    stops: &mut impl Stops,
    count: u64,
    is_so: impl Fn(&Stop) -> bool,
) -> Result<Option<Stop>, Halt> {
    let (mut above, mut step) = (count.saturating_add(1), 1_u64);
    let mut below = 0;
    let mut found = None;
    while above.saturating_sub(below) > 1 {
        let number = match found {
            None => above.saturating_sub(step).max(1),
            Some(_) => below.midpoint(above),
        };
        let stop = stops.stop(number)?;
        if is_so(&stop) {
            (below, found) = (number, Some(stop));
        } else {
            above = number;
            step = step.saturating_mul(2);
        }
    }
    Ok(found)
}

/// What of stops lies before a time.
fn stood_before_ms(stops: &mut impl Stops, count: u64, time_ms: u64) -> Result<u64, Halt> {
    let last = last_where(stops, count, |stop| stop.from_ms <= time_ms)?;
    Ok(last.map_or(0, |stop| stop.before_time_ms(time_ms)))
}

/// Whether nothing of a stop lies behind a time: then real time counts.
fn is_behind_all(stops: &mut impl Stops, count: u64, time_ms: u64) -> Result<bool, Halt> {
    Ok(count == 0 || stops.stop(count)?.to_ms <= time_ms)
}

/// What of the time between two moments counts (STILL-2). None, if they are in the wrong order.
pub(super) fn passed_ms(stops: &mut impl Stops, from_ms: u64, to_ms: u64) -> Result<u64, Halt> {
    let real_ms = to_ms.saturating_sub(from_ms);
    let count = stops.count()?;
    if real_ms == 0 || is_behind_all(stops, count, from_ms)? {
        return Ok(real_ms);
    }
    let until_to = stood_before_ms(stops, count, to_ms)?;
    let until_from = stood_before_ms(stops, count, from_ms)?;
    Ok(real_ms.saturating_sub(until_to.saturating_sub(until_from)))
}

/// The last moment at which no more than a window has passed (STILL-2).
pub(super) fn until_ms(stops: &mut impl Stops, from_ms: u64, window_ms: u64) -> Result<u64, Halt> {
    let count = stops.count()?;
    if is_behind_all(stops, count, from_ms)? {
        return Ok(from_ms.saturating_add(window_ms));
    }
    let counted_ms = from_ms.saturating_sub(stood_before_ms(stops, count, from_ms)?);
    let over_ms = counted_ms.saturating_add(window_ms);
    let last = last_where(stops, count, |stop| stop.counted_ms() <= over_ms)?;
    let stood_ms = last.map_or(0, |stop| stop.before_ms.saturating_add(stop.lasts_ms()));
    Ok(over_ms.saturating_add(stood_ms))
}
