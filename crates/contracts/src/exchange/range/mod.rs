//! Concentrated liquidity: ranges of prices, the liquidity that stands at each, and swaps along them.
//!
//! ```text
//!   liquidity        ┌─────┐
//!              ┌─────┘     └──┐          a swap goes from mark to mark; between two the curve is a product's
//!         ─────┘              └─────
//!   price     tick  tick   tick
//! ```
//!
//! Fees are kept as growth per unit of liquidity (2^-128 units of a coin), so a position's part is a difference, however
//! many positions there are. Every function takes the frame of `exchange`.

mod invariants;
pub(in crate::exchange) mod positions;
pub(in crate::exchange) mod ticks;

pub(super) use invariants::check;

use alloy_primitives::{FixedBytes, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{
    Assets, Bps, LogRatio, PoolId, mul_div_down,
    tick_price::{SQRT_PRICE_MAX, SQRT_PRICE_MIN, TICK_MAX, sqrt_price_at, tick_at},
};

use super::{
    curve::{
        add,
        range::{Rest, Step, Way, step},
        sub,
    },
    error::*,
    params::{
        FEE_DYNAMIC, FEE_DYNAMIC_MAX_PIPS, FEE_DYNAMIC_MIN_PIPS, FEE_PIPS_PER_TICK, HALF_LIFE_MS,
        RANGE_STEP_GAS, STEPS_MAX, SWING_MAX, SWING_PARTS,
    },
    pool::{Pool, STATE},
    state::Range,
    trade::{Exact, Traded},
};
use crate::{mutant::mutant, revert};

/// Fees per unit of liquidity since the pool began, modulo 2^256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Growth {
    pub(in crate::exchange) coin0: U256,
    pub(in crate::exchange) coin1: U256,
}

impl Growth {
    pub(in crate::exchange) fn load(cx: &mut Ctx<'_>, id: PoolId) -> Result<Self, Halt> {
        Ok(Self {
            coin0: STATE.growth.at((id, false)).load(cx)?,
            coin1: STATE.growth.at((id, true)).load(cx)?,
        })
    }
}

/// Where a pool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Now {
    pub(in crate::exchange) root: U256,
    pub(in crate::exchange) tick: i32,
    /// Tick at the end of the block before the last that touched the pool.
    ended_tick: i32,
    /// How many ticks the price went lately, times [`SWING_PARTS`].
    pub(in crate::exchange) swing: u32,
    pub(in crate::exchange) liquidity: u128,
}

/// Distance of ticks at which ranges may end, by the pool's fee.
pub(in crate::exchange) fn spacing(fee_pips: u32) -> i32 {
    match fee_pips {
        100 => 1,
        3_000 => 60,
        10_000 => 200,
        _ => 10,
    }
}

/// What a swap pays now. It moves only at the first touch of a block.
pub(in crate::exchange) fn fee_now(fee_pips: u32, now: &Now) -> u32 {
    if fee_pips != FEE_DYNAMIC {
        return fee_pips;
    }
    let rise = now
        .swing
        .saturating_mul(FEE_PIPS_PER_TICK)
        .div_euclid(SWING_PARTS);
    FEE_DYNAMIC_MIN_PIPS
        .saturating_add(rise)
        .min(FEE_DYNAMIC_MAX_PIPS)
}

/// Begins a pool at a price.
///
/// # Errors
/// `ExchangeBadPrice`.
pub(in crate::exchange) fn begin(cx: &mut Ctx<'_>, id: PoolId, root: U256) -> Result<(), Halt> {
    let Ok(tick) = tick_at(root) else {
        return Err(revert(&ExchangeBadPrice {
            sqrtPriceX96: root,
            min: SQRT_PRICE_MIN,
            max: SQRT_PRICE_MAX,
        }));
    };
    Now {
        root,
        tick,
        ended_tick: tick,
        swing: 0,
        liquidity: 0,
    }
    .save_price(cx, id)
}

impl Now {
    pub(in crate::exchange) fn load(cx: &mut Ctx<'_>, id: PoolId) -> Result<Self, Halt> {
        let range = STATE.ranges.at(id).load(cx)?;
        Ok(Self::of(&range, STATE.liquidity.at(id).load(cx)?))
    }

    /// As a swap of this block finds it, which touches first: `untouched_ms` is the time since the block that touched
    /// last, unless that is this one.
    pub(in crate::exchange) fn next(
        cx: &mut Ctx<'_>,
        id: PoolId,
        untouched_ms: Option<u64>,
    ) -> Result<Self, Halt> {
        let mut range = STATE.ranges.at(id).load(cx)?;
        if let Some(elapsed_ms) = untouched_ms {
            range = faded(range, elapsed_ms);
        }
        Ok(Self::of(&range, STATE.liquidity.at(id).load(cx)?))
    }

    fn of(range: &Range, liquidity: u128) -> Self {
        Self {
            root: U256::from_be_slice(range.root.as_slice()),
            tick: ticks::of_key(range.tick),
            ended_tick: ticks::of_key(range.ended_tick),
            swing: range.swing,
            liquidity,
        }
    }

    fn save_price(&self, cx: &mut Ctx<'_>, id: PoolId) -> Result<(), Halt> {
        let bytes = self.root.to_be_bytes::<32>();
        let (_, low) = bytes.split_at(12);
        let range = Range {
            root: FixedBytes::try_from(low).unwrap_or_default(),
            tick: ticks::key(self.tick),
            ended_tick: ticks::key(self.ended_tick),
            swing: self.swing,
        };
        STATE.ranges.at(id).save(cx, &range)
    }
}

/// The price of a pool as a ratio of smallest units.
pub(in crate::exchange) fn price(cx: &mut Ctx<'_>, id: PoolId) -> Result<LogRatio, Halt> {
    let range = STATE.ranges.at(id).load(cx)?;
    let root = U256::from_be_slice(range.root.as_slice());
    let half = LogRatio::of_fixed_down(root, 96);
    Ok(LogRatio::clamped(i64::from(half.get()).saturating_mul(2)))
}

/// At the first touch of a block: how far the price went in the block that touched last joins the swing, and all of it
/// fades with the time since. No more is kept than what makes the fee its highest: a wild block is forgotten as soon as
/// one that is just wild enough.
pub(in crate::exchange) fn touch(
    cx: &mut Ctx<'_>,
    id: PoolId,
    elapsed_ms: u64,
) -> Result<(), Halt> {
    let range = STATE.ranges.at(id).load(cx)?;
    STATE.ranges.at(id).save(cx, &faded(range, elapsed_ms))
}

fn faded(mut range: Range, elapsed_ms: u64) -> Range {
    // Keys are as far apart as their ticks.
    let went = range
        .tick
        .abs_diff(range.ended_tick)
        .saturating_mul(SWING_PARTS);
    let swung = range.swing.saturating_add(went).min(SWING_MAX);
    if swung > 0 {
        let stays = super::track::stays_x64(elapsed_ms, HALF_LIFE_MS);
        let faded = i128::from(swung).saturating_mul(stays) >> 64;
        range.swing = u32::try_from(faded).unwrap_or_default();
    }
    range.ended_tick = range.tick;
    range
}

/// Swaps along the ranges, past at most so many marks and empty stretches. Answers what the protocol keeps, too.
///
/// # Errors
/// `ExchangeDry`: no liquidity is left on the way. `ExchangeTooFar`: more marks lie on the way than one swap passes.
pub(in crate::exchange) fn swap(
    cx: &mut Ctx<'_>,
    pool: &Pool,
    from: usize,
    exact: Exact,
    share: Bps,
    steps_max: u32,
) -> Result<(Traded, Assets), Halt> {
    let mut now = Now::load(cx, pool.id)?;
    let before = now.liquidity;
    let mut run = Run::new(pool, &now, from, exact, share);
    run.go(cx, pool, &mut now, steps_max)?;
    now.save_price(cx, pool.id)?;
    if now.liquidity != before {
        STATE.liquidity.at(pool.id).save(cx, now.liquidity)?;
    }
    let side = STATE.growth.at((pool.id, run.way == Way::Up));
    let before = match run.growth {
        Some(Growth { coin0, .. }) if run.way == Way::Down => coin0,
        Some(Growth { coin1, .. }) => coin1,
        None => side.load(cx)?,
    };
    side.save(cx, before.wrapping_add(run.grown))?;
    run.outcome()
}

/// What [`swap`] would come to from where a pool stands. Nothing is written.
///
/// # Errors
/// Those of a swap.
pub(in crate::exchange) fn asked(
    cx: &mut Ctx<'_>,
    pool: &Pool,
    mut now: Now,
    from: usize,
    exact: Exact,
    share: Bps,
) -> Result<(Traded, Assets), Halt> {
    let mut run = Run::new(pool, &now, from, exact, share);
    run.leaves_marks = false;
    run.go(cx, pool, &mut now, STEPS_MAX)?;
    run.outcome()
}

/// A swap under way.
struct Run {
    way: Way,
    spacing: i32,
    fee_pips: u32,
    share: Bps,
    rest: Rest,
    /// In so far, with fees.
    came: U256,
    /// Out so far.
    went: U256,
    /// Of the fees, the protocol's.
    kept: U256,
    /// Fees per liquidity so far, of the coin that comes in.
    grown: U256,
    /// Fees per liquidity before the swap, once an end that is crossed asks for them.
    growth: Option<Growth>,
    /// Whether ends that are crossed keep what fees had grown to: not of a swap that is only asked about.
    leaves_marks: bool,
}

impl Run {
    fn new(pool: &Pool, now: &Now, from: usize, exact: Exact, share: Bps) -> Self {
        Self {
            way: if from == 0 { Way::Down } else { Way::Up },
            spacing: spacing(pool.fee_pips),
            fee_pips: fee_now(pool.fee_pips, now),
            share,
            rest: match exact {
                Exact::In(amount) => Rest::In(amount.to_u256()),
                Exact::Out(amount) => Rest::Out(amount.to_u256()),
            },
            came: U256::ZERO,
            went: U256::ZERO,
            kept: U256::ZERO,
            grown: U256::ZERO,
            growth: None,
            leaves_marks: true,
        }
    }

    /// Goes until all is swapped, past at most so many marks and empty stretches.
    fn go(
        &mut self,
        cx: &mut Ctx<'_>,
        pool: &Pool,
        now: &mut Now,
        steps_max: u32,
    ) -> Result<(), Halt> {
        let mut steps = 0;
        while !self.is_done() {
            if steps == steps_max {
                return Err(self.stopped(pool, |pool_id, swapped| {
                    revert(&ExchangeTooFar {
                        poolId: pool_id,
                        swapped,
                    })
                }));
            }
            cx.store.charge(RANGE_STEP_GAS)?;
            if !self.advance(cx, pool.id, now)? {
                return Err(self.stopped(pool, |pool_id, swapped| {
                    revert(&ExchangeDry {
                        poolId: pool_id,
                        swapped,
                    })
                }));
            }
            steps = steps.saturating_add(1_u32);
        }
        Ok(())
    }

    fn outcome(&self) -> Result<(Traded, Assets), Halt> {
        let traded = Traded {
            amount_in: Assets::from_u256(self.came)?,
            amount_out: Assets::from_u256(self.went)?,
        };
        Ok((traded, Assets::from_u256(self.kept)?))
    }

    fn is_done(&self) -> bool {
        matches!(self.rest, Rest::In(left) | Rest::Out(left) if left.is_zero())
    }

    fn stopped(&self, pool: &Pool, error: impl FnOnce(u32, U256) -> Halt) -> Halt {
        let swapped = match self.rest {
            Rest::In(_) => self.came,
            Rest::Out(_) => self.went,
        };
        error(pool.id.get(), swapped)
    }

    /// Goes to the next mark, or as far as the rest pays for. Answers whether it could.
    fn advance(&mut self, cx: &mut Ctx<'_>, id: PoolId, now: &mut Now) -> Result<bool, Halt> {
        let (next, is_marked) = ticks::next(cx, id, now.tick, self.spacing, self.way)?;
        let next = next.clamp(TICK_MAX.saturating_neg(), TICK_MAX);
        let end = sqrt_price_at(next)?;
        // The price itself stays inside the ends of all prices.
        let target = end.clamp(
            SQRT_PRICE_MIN.saturating_add(U256::ONE),
            SQRT_PRICE_MAX.saturating_sub(U256::ONE),
        );
        if target == now.root && target != end {
            return Ok(false);
        }
        let done = step(
            self.way,
            now.root,
            target,
            now.liquidity,
            self.rest,
            self.fee_pips,
        )?;
        self.count(&done)?;
        self.pay(now, done.fee)?;
        let start = now.root;
        now.root = done.root;
        if done.root == end {
            if is_marked {
                let behind = if self.leaves_marks {
                    let growth = self.growth_now(cx, id)?;
                    ticks::cross(cx, id, next, self.way, growth, now.liquidity)?
                } else {
                    ticks::behind(cx, id, next, self.way, now.liquidity)?
                };
                now.liquidity = mutant!(EndForgotten, behind, behind.max(now.liquidity));
            }
            now.tick = match self.way {
                Way::Down => next.saturating_sub(1),
                Way::Up => next,
            };
        } else if done.root != start {
            now.tick = tick_at(done.root)?;
        }
        Ok(true)
    }

    fn count(&mut self, done: &Step) -> Result<(), Halt> {
        let paid = add(done.amount_in, done.fee)?;
        self.came = add(self.came, paid)?;
        self.went = add(self.went, done.amount_out)?;
        self.rest = match self.rest {
            Rest::In(left) => Rest::In(sub(left, paid)?),
            Rest::Out(left) => Rest::Out(sub(left, done.amount_out)?),
        };
        Ok(())
    }

    /// Shares a fee out: the protocol's part, and the rest over all liquidity that stands here, down.
    fn pay(&mut self, now: &Now, fee: U256) -> Result<(), Halt> {
        let kept = if self.share == Bps::ZERO {
            U256::ZERO
        } else {
            self.share.of_down(fee)?
        };
        self.kept = add(self.kept, kept)?;
        if now.liquidity == 0 {
            return Ok(());
        }
        let point = U256::ONE.wrapping_shl(128);
        let grown = mul_div_down(sub(fee, kept)?, point, U256::from(now.liquidity))?;
        self.grown = self.grown.wrapping_add(grown);
        Ok(())
    }

    /// Fees per liquidity as they are here.
    fn growth_now(&mut self, cx: &mut Ctx<'_>, id: PoolId) -> Result<Growth, Halt> {
        let mut now = match self.growth {
            Some(before) => before,
            None => *self.growth.insert(Growth::load(cx, id)?),
        };
        let side = match self.way {
            Way::Down => &mut now.coin0,
            Way::Up => &mut now.coin1,
        };
        *side = side.wrapping_add(self.grown);
        Ok(now)
    }
}
