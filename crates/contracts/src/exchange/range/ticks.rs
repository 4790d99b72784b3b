//! Ends of ranges: where liquidity begins and stops, and what fees had grown to on their other side.
//!
//! Every function takes the frame of `exchange`.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::PoolId;

use super::Growth;
use crate::exchange::{
    curve::range::Way, error::ExchangeTooMuchLiquidity, pool::STATE, state::Tick,
};
use crate::revert;

/// Added to a tick, so that it is a key.
const TICK_BIAS: i32 = 1 << 23;
/// Added to the number of a word of marks.
const WORD_BIAS: i32 = 1 << 14;
/// Marks in a word.
const WORD_TICKS: i32 = 256;

/// A tick as a key of storage.
pub(in crate::exchange) fn key(tick: i32) -> u32 {
    tick.saturating_add(TICK_BIAS).unsigned_abs()
}

/// The tick of a key.
pub(in crate::exchange) fn of_key(key: u32) -> i32 {
    key.cast_signed().saturating_sub(TICK_BIAS)
}

/// Word and bit of the mark of a tick, which is a multiple of the spacing.
fn mark_of(tick: i32, spacing: i32) -> (i32, usize) {
    let place = tick.div_euclid(spacing);
    let bit = usize::try_from(place.rem_euclid(WORD_TICKS)).unwrap_or_default();
    (place.div_euclid(WORD_TICKS), bit)
}

/// Word and bit of a mark, as they are stored.
pub(super) fn mark(tick: i32, spacing: i32) -> (u16, usize) {
    let (word, bit) = mark_of(tick, spacing);
    (word_key(word), bit)
}

fn word_key(word: i32) -> u16 {
    u16::try_from(word.saturating_add(WORD_BIAS)).unwrap_or(u16::MAX)
}

/// The next mark on the way within one word of them, or the end of that word: a tick, and whether it is marked.
///
/// Downwards the tick itself counts, upwards the one behind it, as prices at a tick belong to the stretch above it.
pub(super) fn next(
    cx: &mut Ctx<'_>,
    id: PoolId,
    tick: i32,
    spacing: i32,
    way: Way,
) -> Result<(i32, bool), Halt> {
    let from = match way {
        Way::Down => tick,
        Way::Up => tick
            .div_euclid(spacing)
            .saturating_add(1)
            .saturating_mul(spacing),
    };
    let (word, bit) = mark_of(from, spacing);
    let marks = STATE.tick_marks.at((id, word_key(word))).load(cx)?;
    let (found, last) = match way {
        Way::Down => {
            let up_to = marks.wrapping_shl(255_usize.saturating_sub(bit));
            let gap = up_to.leading_zeros();
            (bit.checked_sub(gap).filter(|_| !up_to.is_zero()), 0)
        }
        Way::Up => {
            let from = marks.wrapping_shr(bit);
            let gap = from.trailing_zeros();
            ((!from.is_zero()).then_some(bit.saturating_add(gap)), 255)
        }
    };
    let place = i32::try_from(found.unwrap_or(last)).unwrap_or_default();
    let next = word.saturating_mul(WORD_TICKS).saturating_add(place);
    Ok((next.saturating_mul(spacing), found.is_some()))
}

fn flip(cx: &mut Ctx<'_>, id: PoolId, tick: i32, spacing: i32) -> Result<(), Halt> {
    let (word, bit) = mark_of(tick, spacing);
    let marks = STATE.tick_marks.at((id, word_key(word)));
    let before = marks.load(cx)?;
    marks.save(cx, before ^ U256::ONE.wrapping_shl(bit))
}

/// A change of liquidity: how much, and whether it comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) liquidity: u128,
    pub(super) is_more: bool,
}

impl Change {
    /// A liquidity after it.
    pub(super) fn of(self, before: u128) -> Result<u128, Halt> {
        let after = if self.is_more {
            before.checked_add(self.liquidity)
        } else {
            before.checked_sub(self.liquidity)
        };
        after.ok_or_else(Halt::overflow)
    }
}

/// Moves liquidity at one end of a range.
///
/// # Errors
/// `ExchangeTooMuchLiquidity`: all ends together could pass 128 bits.
pub(super) fn change(
    cx: &mut Ctx<'_>,
    id: PoolId,
    tick: i32,
    spacing: i32,
    change: Change,
    is_upper: bool,
    (now_tick, growth): (i32, Growth),
) -> Result<(), Halt> {
    let record = STATE.ticks.at((id, key(tick)));
    let mut there = record.load(cx)?;
    let was_empty = there.gross == 0;
    let most = liquidity_max(spacing);
    there.gross = change.of(there.gross)?;
    if there.gross > most {
        return Err(revert(&ExchangeTooMuchLiquidity {
            poolId: id.get(),
            liquidity: U256::from(there.gross),
            most: U256::from(most),
        }));
    }
    let net = i128::try_from(change.liquidity).map_err(|_| Halt::overflow())?;
    let net = if change.is_more == is_upper {
        net.saturating_neg()
    } else {
        net
    };
    let before = there.net.cast_signed();
    there.net = before
        .checked_add(net)
        .ok_or_else(Halt::overflow)?
        .cast_unsigned();
    if was_empty && tick <= now_tick {
        // All fees so far are taken to have grown below.
        (there.outside0, there.outside1) = (growth.coin0, growth.coin1);
    }
    if was_empty != (there.gross == 0) {
        flip(cx, id, tick, spacing)?;
    }
    if there.gross == 0 {
        there = NOTHING;
    }
    record.save(cx, &there)
}

const NOTHING: Tick = Tick {
    gross: 0,
    net: 0,
    outside0: U256::ZERO,
    outside1: U256::ZERO,
};

/// Most liquidity of one end: all ends together hold 127 bits.
fn liquidity_max(spacing: i32) -> u128 {
    let ends = capstan_units::tick_price::TICK_MAX.div_euclid(spacing);
    let ends = u128::from(ends.unsigned_abs())
        .saturating_mul(2)
        .saturating_add(1);
    (u128::MAX >> 1).checked_div(ends).unwrap_or_default()
}

/// Crosses an end: answers the liquidity behind it.
pub(super) fn cross(
    cx: &mut Ctx<'_>,
    id: PoolId,
    tick: i32,
    way: Way,
    now: Growth,
    liquidity: u128,
) -> Result<u128, Halt> {
    let record = STATE.ticks.at((id, key(tick)));
    let mut there = record.load(cx)?;
    there.outside0 = now.coin0.wrapping_sub(there.outside0);
    there.outside1 = now.coin1.wrapping_sub(there.outside1);
    record.save(cx, &there)?;
    beyond(there.net, way, liquidity)
}

/// The liquidity behind an end, without crossing it.
pub(super) fn behind(
    cx: &mut Ctx<'_>,
    id: PoolId,
    tick: i32,
    way: Way,
    liquidity: u128,
) -> Result<u128, Halt> {
    let there = STATE.ticks.at((id, key(tick))).load(cx)?;
    beyond(there.net, way, liquidity)
}

fn beyond(net: u128, way: Way, liquidity: u128) -> Result<u128, Halt> {
    let net = net.cast_signed();
    let is_more = (net >= 0) == (way == Way::Up);
    Change {
        liquidity: net.unsigned_abs(),
        is_more,
    }
    .of(liquidity)
}

/// What fees have grown to between two ends, modulo 2^256: differences count.
pub(super) fn inside(
    cx: &mut Ctx<'_>,
    id: PoolId,
    lower: i32,
    upper: i32,
    now: Growth,
    now_tick: i32,
) -> Result<Growth, Halt> {
    let low = STATE.ticks.at((id, key(lower))).load(cx)?;
    let high = STATE.ticks.at((id, key(upper))).load(cx)?;
    let of = |all: U256, low: U256, high: U256| {
        let below = if now_tick >= lower {
            low
        } else {
            all.wrapping_sub(low)
        };
        let above = if now_tick < upper {
            high
        } else {
            all.wrapping_sub(high)
        };
        all.wrapping_sub(below).wrapping_sub(above)
    };
    Ok(Growth {
        coin0: of(now.coin0, low.outside0, high.outside0),
        coin1: of(now.coin1, low.outside1, high.outside1),
    })
}
