//! What must hold of a pool of ranges, from its positions alone.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use capstan_state::{Ctx, Scratch, View};
use capstan_units::tick_price::{sqrt_price_at, tick_at};

use super::{Now, fee_now, positions, spacing, ticks};
use crate::{
    exchange::{
        ADDRESS,
        params::FEE_DYNAMIC_MAX_PIPS,
        pool::{Pool, STATE},
    },
    invariant::{Broken, holds},
};

/// EXCH-14, EXCH-16 and EXCH-17 of one pool.
pub(in crate::exchange) fn check(
    world: &dyn View,
    cx: &mut Ctx<'_>,
    pool: &Pool,
) -> Result<(), Broken> {
    let now = Now::load(cx, pool.id)?;
    let around = tick_at(now.root);
    // A price at an end that a swap downwards has passed belongs to the stretch below.
    let below = sqrt_price_at(now.tick.saturating_add(1)).is_ok_and(|end| end == now.root);
    holds(around == Ok(now.tick) || below, "EXCH-16", || {
        format!("pool {} is at {now:?}, whose tick is {around:?}", pool.id)
    })?;
    let fee = fee_now(pool.fee_pips, &now);
    holds(fee > 0 && fee <= FEE_DYNAMIC_MAX_PIPS, "EXCH-17", || {
        format!("a swap in pool {} pays {fee} millionths", pool.id)
    })?;
    let (mut at_price, mut owed) = (0_u128, [U256::ZERO; 2]);
    let mut ends = BTreeMap::<i32, (u128, i128)>::new();
    for (number, record) in STATE.positions.listed(world, ADDRESS)? {
        let position = record.load(cx)?;
        if position.pool != pool.id {
            continue;
        }
        let frame = cx.frame;
        let mut scratch = Scratch::new(&mut *cx.store);
        let worth = positions::range_worth(&mut Ctx::new(&mut scratch, frame), number)?;
        for (sum, part) in owed.iter_mut().zip(worth.principal.iter().zip(worth.fees)) {
            *sum = sum
                .saturating_add(part.0.to_u256())
                .saturating_add(part.1.to_u256());
        }
        if worth.range.lower <= now.tick && now.tick < worth.range.upper {
            at_price = at_price.saturating_add(worth.liquidity);
        }
        if worth.liquidity == 0 {
            continue;
        }
        let signed = i128::try_from(worth.liquidity).unwrap_or(i128::MAX);
        for (tick, net) in [
            (worth.range.lower, signed),
            (worth.range.upper, signed.saturating_neg()),
        ] {
            let end = ends.entry(tick).or_default();
            *end = (
                end.0.saturating_add(worth.liquidity),
                end.1.saturating_add(net),
            );
        }
    }
    holds(at_price == now.liquidity, "EXCH-16", || {
        format!("ranges around {now:?} of pool {} have {at_price}", pool.id)
    })?;
    for (coin, owed) in pool.coins.iter().zip(owed) {
        holds(coin.reserve.to_u256() >= owed, "EXCH-14", || {
            format!(
                "pool {} holds {coin:?} and owes its positions {owed}",
                pool.id
            )
        })?;
    }
    let mut marks = BTreeMap::<u16, U256>::new();
    for (tick, wanted) in ends {
        let (word, bit) = ticks::mark(tick, spacing(pool.fee_pips));
        let word = marks.entry(word).or_default();
        *word |= U256::ONE.wrapping_shl(bit);
        let there = STATE.ticks.at((pool.id, ticks::key(tick))).load(cx)?;
        let found = (there.gross, there.net.cast_signed());
        holds(found == wanted, "EXCH-16", || {
            format!(
                "end {tick} of pool {} has {found:?}, its ranges {wanted:?}",
                pool.id
            )
        })?;
    }
    for ((id, word), stored) in STATE.tick_marks.listed(world, ADDRESS)? {
        if id == pool.id {
            let (found, wanted) = (stored.load(cx)?, marks.remove(&word).unwrap_or_default());
            holds(found == wanted, "EXCH-16", || {
                format!("word {word} of pool {id} marks {found:#x}, its ranges {wanted:#x}")
            })?;
        }
    }
    holds(marks.is_empty(), "EXCH-16", || {
        format!("ends of pool {} without a mark: {marks:?}", pool.id)
    })
}
