//! Prices through time, which nothing inside a block can move.
//!
//! ```text
//!   block n   first touch: the price that stood since the last touch counts until now; swaps
//!             second touch: nothing
//!   block n+1 first touch: the price at the end of block n counts until now
//! ```
//!
//! So whatever happens in a block counts only from its end on: who wants a price to count has to leave it standing,
//! and everybody may trade against it. Prices are logarithms (`LogRatio`), so means are geometric.
//!
//! A price that went far counts at first only as far as an eighth of a doubling from the one that counted before, and an
//! eighth further for each second that it stood: a block that ends far outside all liquidity moves a mean no more than
//! one that ends near it, and whoever wants more has to leave his price to the market for seconds.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{LogRatio, PoolId};

use super::{
    Curve,
    error::ExchangeNoHistory,
    params::{COUNT_AT_ONCE, COUNT_PER_S, HALF_LIFE_MS, OBSERVATIONS, OBSERVE_EVERY_MS},
    pool::{Pool, STATE},
    range,
    state::{Observation, Track},
    trade,
};
use crate::revert;

/// Binary digits that a mean has beyond those of a price.
const MEAN_BITS: u32 = 16;
/// The mean of a pool that has no price yet: none ended a block.
const NO_MEAN: u64 = 1 << 63;
const MS_PER_S: u64 = 1_000;
/// `ln 2 * 2^64`, down.
const LN_2_X64: u128 = 12_786_308_645_202_655_659;

/// The price of the coin at `place` for a unit of the first, now.
pub(super) fn spot(cx: &mut Ctx<'_>, pool: &Pool, place: usize) -> Result<LogRatio, Halt> {
    if pool.curve == Curve::Range {
        return range::price(cx, pool.id);
    }
    let (part, whole) = trade::price(cx, pool, place)?;
    Ok(LogRatio::of_down(part, whole))
}

/// Places of coins that have a price: all but the first.
fn places(pool: &Pool) -> impl Iterator<Item = (usize, u8)> + use<> {
    (0..pool.coins.len()).zip(0_u8..).skip(1)
}

/// Begins the tracks of a new pool.
pub(super) fn begin(cx: &mut Ctx<'_>, pool: &Pool) -> Result<(), Halt> {
    let now_ms = cx.store.block().time_ms;
    for (_, key) in places(pool) {
        let first = Track {
            sum: 0,
            at_ms: now_ms,
            mean: NO_MEAN,
            seen: 0,
            counted: 0,
        };
        observe(cx, pool.id, key, first)?;
    }
    Ok(())
}

/// This block, as pools keep it: the low half of its number.
pub(super) fn this_block(cx: &Ctx<'_>) -> u32 {
    let low = cx.store.block().number & u64::from(u32::MAX);
    u32::try_from(low).unwrap_or_default()
}

/// Lets the price that stood so far count until now: at the first touch of a block, before anything changes. Whoever
/// touches writes the reserves afterwards, and with them that he did.
pub(super) fn touch(cx: &mut Ctx<'_>, pool: &mut Pool) -> Result<(), Halt> {
    let block = this_block(cx);
    if pool.touched == block {
        return Ok(());
    }
    pool.touched = block;
    let now_ms = cx.store.block().time_ms;
    for (place, key) in places(pool) {
        let track = STATE.tracks.at((pool.id, key)).load(cx)?;
        if track.at_ms == now_ms {
            // All tracks of a pool are touched together.
            return Ok(());
        }
        let price = spot(cx, pool, place)?;
        let next = advanced(track, price, now_ms);
        if pool.curve == Curve::Range {
            range::touch(cx, pool.id, now_ms.saturating_sub(track.at_ms))?;
        }
        let is_due =
            now_ms.div_euclid(OBSERVE_EVERY_MS) != track.at_ms.div_euclid(OBSERVE_EVERY_MS);
        if is_due {
            observe(cx, pool.id, key, next)?;
        } else {
            STATE.tracks.at((pool.id, key)).save(cx, &next)?;
        }
    }
    Ok(())
}

/// How long a pool of two coins was not touched; none if this block did.
pub(super) fn untouched_ms(cx: &mut Ctx<'_>, pool: &Pool) -> Result<Option<u64>, Halt> {
    let now_ms = cx.store.block().time_ms;
    if pool.touched == this_block(cx) {
        return Ok(None);
    }
    let track = STATE.tracks.at((pool.id, 1)).load(cx)?;
    let elapsed_ms = now_ms.saturating_sub(track.at_ms);
    Ok((track.at_ms != now_ms).then_some(elapsed_ms))
}

/// Whether a pool was touched in this block, or began in it: then what it holds is not what the last block left.
pub(super) fn is_touched(cx: &mut Ctx<'_>, id: PoolId) -> Result<bool, Halt> {
    // Every pool has a second coin, and all tracks of a pool are touched together.
    let track = STATE.tracks.at((id, 1)).load(cx)?;
    Ok(track.at_ms == cx.store.block().time_ms)
}

/// Writes a track and keeps its sum.
fn observe(cx: &mut Ctx<'_>, id: PoolId, key: u8, track: Track) -> Result<(), Halt> {
    let seen = track.seen.wrapping_add(1);
    let place = track.seen.checked_rem(OBSERVATIONS).unwrap_or_default();
    let observation = Observation {
        sum: track.sum,
        at_ms: track.at_ms,
    };
    STATE
        .observations
        .at(((id, key), place))
        .save(cx, &observation)?;
    STATE
        .tracks
        .at((id, key))
        .save(cx, &Track { seen, ..track })
}

/// A track at a later time, if a price stood since.
///
/// The mean goes `1 - 2^(-elapsed / half-life)` of the way to the price, rounded towards where it was; a pool's first
/// price is its first mean.
fn advanced(track: Track, price: LogRatio, now_ms: u64) -> Track {
    let elapsed_ms = now_ms.saturating_sub(track.at_ms);
    let price = counted(track, price, elapsed_ms);
    let units = i64::from(price);
    let grown = units.cast_unsigned().wrapping_mul(elapsed_ms);
    let target = i128::from(units).saturating_mul(1 << MEAN_BITS);
    let before = i128::from(track.mean.cast_signed());
    let mean = if track.mean == NO_MEAN {
        target
    } else {
        let stays = stays_x64(elapsed_ms, HALF_LIFE_MS);
        // A distance below 2^40 times at most 2^64.
        let kept = target.saturating_sub(before).saturating_mul(stays);
        let kept = kept.checked_div(1 << 64).unwrap_or_default();
        target.saturating_sub(kept)
    };
    Track {
        sum: track.sum.wrapping_add(grown),
        at_ms: now_ms,
        mean: i64::try_from(mean).unwrap_or_default().cast_unsigned(),
        seen: track.seen,
        counted: price.cast_unsigned(),
    }
}

/// The price that counts of one that stood for so long: at most so far from the one before. A pool's first price counts
/// as it is.
fn counted(track: Track, price: LogRatio, elapsed_ms: u64) -> i32 {
    if track.mean == NO_MEAN {
        return price.get();
    }
    let stood = COUNT_PER_S
        .saturating_mul(elapsed_ms)
        .div_euclid(MS_PER_S)
        .saturating_add(COUNT_AT_ONCE);
    let reach = i32::try_from(stood).unwrap_or(i32::MAX);
    let before = track.counted.cast_signed();
    price
        .get()
        .clamp(before.saturating_sub(reach), before.saturating_add(reach))
}

/// `2^(-elapsed / half-life) * 2^64`.
///
/// Whole steps of a logarithm by its table; of what is left, `2^-x = 1 - x * ln 2`, which is low by less than 10^-10. So
/// a mean fades as much in many short times as in one long one.
pub(super) fn stays_x64(elapsed_ms: u64, half_life_ms: u64) -> i128 {
    let (parts, half_life) = (
        u128::from(elapsed_ms).saturating_mul(1 << 16),
        u128::from(half_life_ms),
    );
    let steps = parts.checked_div(half_life).unwrap_or_default();
    let rest = parts.checked_rem(half_life).unwrap_or_default();
    let steps = i64::try_from(steps).unwrap_or(i64::MAX).saturating_neg();
    let whole: U256 = LogRatio::clamped(steps).x96().wrapping_shr(32);
    let stays = i128::try_from(whole).unwrap_or_default();
    let fades = LN_2_X64
        .saturating_mul(rest)
        .checked_div(half_life.saturating_mul(1 << 16))
        .unwrap_or_default();
    // Below 2^64 times below 2^48.
    let faded = stays.saturating_mul(i128::try_from(fades).unwrap_or_default()) >> 64;
    stays.saturating_sub(faded)
}

/// The track as it would be after a touch now.
fn now(cx: &mut Ctx<'_>, pool: &Pool, place: usize, key: u8) -> Result<Track, Halt> {
    let track = STATE.tracks.at((pool.id, key)).load(cx)?;
    let now_ms = cx.store.block().time_ms;
    if track.at_ms == now_ms {
        return Ok(track);
    }
    let price = spot(cx, pool, place)?;
    Ok(advanced(track, price, now_ms))
}

fn key_of(pool: &Pool, place: usize) -> u8 {
    places(pool)
        .find(|(at, _)| *at == place)
        .map_or(0, |(_, key)| key)
}

/// The exponential mean of a coin's price.
///
/// # Errors
/// `ExchangeNoHistory` in the block in which the pool was made.
pub(super) fn mean(cx: &mut Ctx<'_>, pool: &Pool, place: usize) -> Result<LogRatio, Halt> {
    if place == 0 {
        return Ok(LogRatio::default());
    }
    let key = key_of(pool, place);
    let track = now(cx, pool, place, key)?;
    if track.mean == NO_MEAN {
        return Err(no_history(pool.id, 1, 0));
    }
    let units = track.mean.cast_signed().div_euclid(1 << MEAN_BITS);
    Ok(LogRatio::clamped(units))
}

/// The geometric mean of a coin's price over the last `window_ms`, down.
///
/// # Errors
/// `ExchangeNoHistory`.
pub(super) fn mean_over(
    cx: &mut Ctx<'_>,
    pool: &Pool,
    place: usize,
    window_ms: u64,
) -> Result<LogRatio, Halt> {
    if place == 0 {
        return Ok(LogRatio::default());
    }
    let key = key_of(pool, place);
    let track = now(cx, pool, place, key)?;
    let oldest = oldest_ms(cx, pool.id, key, track)?;
    let from_ms = track.at_ms.checked_sub(window_ms);
    let Some(from_ms) = from_ms.filter(|from_ms| *from_ms >= oldest && window_ms > 0) else {
        let have = track.at_ms.saturating_sub(oldest);
        return Err(no_history(pool.id, window_ms, have));
    };
    let past = sum_at(cx, pool.id, key, track, from_ms)?;
    let moved = track.sum.wrapping_sub(past).cast_signed();
    let window = i64::try_from(window_ms).unwrap_or(i64::MAX);
    Ok(LogRatio::clamped(
        moved.checked_div_euclid(window).unwrap_or_default(),
    ))
}

fn no_history(id: PoolId, wanted_ms: u64, have: u64) -> Halt {
    revert(&ExchangeNoHistory {
        poolId: id.get(),
        wantedMs: wanted_ms,
        have,
    })
}

/// The observation with this number.
fn observation(cx: &mut Ctx<'_>, id: PoolId, key: u8, number: u32) -> Result<Observation, Halt> {
    let place = number.checked_rem(OBSERVATIONS).unwrap_or_default();
    STATE.observations.at(((id, key), place)).load(cx)
}

/// Numbers of the observations that are kept: from the first to before the second.
fn kept(track: Track) -> (u32, u32) {
    (track.seen.saturating_sub(OBSERVATIONS), track.seen)
}

fn oldest_ms(cx: &mut Ctx<'_>, id: PoolId, key: u8, track: Track) -> Result<u64, Halt> {
    let (first, _) = kept(track);
    Ok(observation(cx, id, key, first)?.at_ms)
}

/// The sum at a moment that is not before the oldest observation: halving finds the last one not after it, and between
/// two the sum grows evenly. At most eight observations are read.
fn sum_at(cx: &mut Ctx<'_>, id: PoolId, key: u8, last: Track, at_ms: u64) -> Result<u64, Halt> {
    let (mut low, mut high) = kept(last);
    let mut before = observation(cx, id, key, low)?;
    let mut after = Observation {
        sum: last.sum,
        at_ms: last.at_ms,
    };
    while high.saturating_sub(low) > 1 {
        let middle = low.midpoint(high);
        let there = observation(cx, id, key, middle)?;
        if there.at_ms <= at_ms {
            (low, before) = (middle, there);
        } else {
            (high, after) = (middle, there);
        }
    }
    let whole = after.at_ms.saturating_sub(before.at_ms);
    if whole == 0 {
        return Ok(before.sum);
    }
    let grown = i128::from(after.sum.wrapping_sub(before.sum).cast_signed());
    let part = i128::from(at_ms.saturating_sub(before.at_ms));
    let part = grown
        .saturating_mul(part)
        .checked_div_euclid(i128::from(whole))
        .unwrap_or_default();
    let part = i64::try_from(part).unwrap_or_default();
    Ok(before.sum.wrapping_add(part.cast_unsigned()))
}
