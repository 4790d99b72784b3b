//! Liquidity of a range: each position is one, owned by a token of `rangePosition`. With free units of accounts; calls
//! no code, and asks nobody whether he may.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{
    AccountId, Assets, PoolId, mul_div_down,
    tick_price::{TICK_MAX, sqrt_price_at},
};

use super::{
    Growth, Now, spacing,
    ticks::{self, Change},
};
use crate::{
    contract::emit,
    exchange::{
        ADDRESS, Curve,
        IExchange::{RangeCollected, RangeGrown, RangeShrunk},
        curve::range::{coin0_down, coin0_up, coin1_down, coin1_up, liquidity_down},
        error::*,
        pool::{Pool, STATE, VAULT},
        state::Position,
        track,
    },
    ledger, revert,
};

/// Amounts of a pool's two coins.
pub type Two = [Assets; 2];

/// A range of prices: from one tick to below another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticks {
    /// Where liquidity begins.
    pub lower: i32,
    /// Where it stops.
    pub upper: i32,
}

impl Ticks {
    /// Refuses what is no range of a pool.
    fn expect_good(self, pool: &Pool) -> Result<(), Halt> {
        let spacing = spacing(pool.fee_pips);
        let fits = |tick: i32| tick.rem_euclid(spacing) == 0 && tick.abs() <= TICK_MAX;
        if self.lower < self.upper && fits(self.lower) && fits(self.upper) {
            return Ok(());
        }
        Err(revert(&ExchangeBadTicks {
            lower: self.lower,
            upper: self.upper,
            spacing,
        }))
    }
}

/// The pool of concentrated liquidity with this number.
fn ranged(cx: &mut Ctx<'_>, id: PoolId) -> Result<Pool, Halt> {
    let pool = Pool::load(cx, id)?;
    if pool.curve != Curve::Range {
        return Err(revert(&ExchangeWrongCurve { poolId: id.get() }));
    }
    Ok(pool)
}

/// Makes an empty position; answers its number. Whose it is, `rangePosition` keeps.
///
/// # Errors
/// `ExchangeUnknownPool`, `ExchangeWrongCurve`, `ExchangeBadTicks`.
pub fn open_range(cx: &mut Ctx<'_>, id: PoolId, range: Ticks) -> Result<u64, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let pool = ranged(cx, id)?;
    range.expect_good(&pool)?;
    let number = STATE.position_count.load(cx)?;
    let next = number.checked_add(1).ok_or_else(Halt::overflow)?;
    STATE.position_count.save(cx, next)?;
    let position = Position {
        pool: id,
        lower: ticks::key(range.lower),
        upper: ticks::key(range.upper),
        liquidity: 0,
        inside0: U256::ZERO,
        inside1: U256::ZERO,
        owed0: Assets::ZERO,
        owed1: Assets::ZERO,
    };
    STATE.positions.at(number).save(cx, &position)?;
    Ok(number)
}

/// A position, its pool, and where that stands.
struct Opened {
    number: u64,
    position: Position,
    pool: Pool,
    now: Now,
    growth: Growth,
}

impl Opened {
    fn load(cx: &mut Ctx<'_>, number: u64) -> Result<Self, Halt> {
        if number >= STATE.position_count.load(cx)? {
            return Err(revert(&ExchangeUnknownPosition { positionId: number }));
        }
        let position = STATE.positions.at(number).load(cx)?;
        let pool = ranged(cx, position.pool)?;
        let now = Now::load(cx, pool.id)?;
        Ok(Self {
            number,
            position,
            growth: Growth::load(cx, pool.id)?,
            pool,
            now,
        })
    }

    fn ends(&self) -> (i32, i32) {
        let Position { lower, upper, .. } = self.position;
        (ticks::of_key(lower), ticks::of_key(upper))
    }

    fn roots(&self) -> Result<(U256, U256), Halt> {
        let (lower, upper) = self.ends();
        Ok((sqrt_price_at(lower)?, sqrt_price_at(upper)?))
    }

    /// What liquidity is made of at the present price: of coin 0 what lies above it, of coin 1 what lies below.
    fn made_of(&self, liquidity: u128, is_up: bool) -> Result<Two, Halt> {
        let (low, high) = self.roots()?;
        let at = self.now.root.clamp(low, high);
        let (coin0, coin1) = if is_up {
            (
                coin0_up(at, high, liquidity)?,
                coin1_up(low, at, liquidity)?,
            )
        } else {
            (
                coin0_down(at, high, liquidity)?,
                coin1_down(low, at, liquidity)?,
            )
        };
        Ok([Assets::from_u256(coin0)?, Assets::from_u256(coin1)?])
    }

    /// Credits the fees that grew in the range since the last time, down.
    fn credit(&mut self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        let (lower, upper) = self.ends();
        let inside = ticks::inside(cx, self.pool.id, lower, upper, self.growth, self.now.tick)?;
        let position = &mut self.position;
        let grown = |now: U256, then: U256| -> Result<Assets, Halt> {
            let point = U256::ONE.wrapping_shl(128);
            let fees = mul_div_down(
                now.wrapping_sub(then),
                U256::from(position.liquidity),
                point,
            )?;
            Ok(Assets::from_u256(fees)?)
        };
        let more = (
            grown(inside.coin0, position.inside0)?,
            grown(inside.coin1, position.inside1)?,
        );
        position.owed0 = position.owed0.add(more.0)?;
        position.owed1 = position.owed1.add(more.1)?;
        (position.inside0, position.inside1) = (inside.coin0, inside.coin1);
        Ok(())
    }

    /// Moves liquidity at both ends, and at the price if it lies between. Fees are credited between.
    fn change(&mut self, cx: &mut Ctx<'_>, change: Change) -> Result<(), Halt> {
        let (lower, upper) = self.ends();
        let (id, spacing) = (self.pool.id, spacing(self.pool.fee_pips));
        let tick = self.now.tick;
        // Ends that begin to exist need their outside before fees inside are asked for; those that cease, after.
        if !change.is_more {
            self.credit(cx)?;
        }
        for (end, is_upper) in [(lower, false), (upper, true)] {
            ticks::change(cx, id, end, spacing, change, is_upper, (tick, self.growth))?;
        }
        if change.is_more {
            self.credit(cx)?;
        }
        self.position.liquidity = change.of(self.position.liquidity)?;
        if lower <= tick && tick < upper {
            let liquidity = change.of(self.now.liquidity)?;
            STATE.liquidity.at(id).save(cx, liquidity)?;
        }
        Ok(())
    }

    fn save(&self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        STATE.positions.at(self.number).save(cx, &self.position)?;
        self.pool.save_reserves(cx)
    }
}

/// What a growth costs, and the liquidity that it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Growing {
    pub(in crate::exchange) cost: Two,
    pub(in crate::exchange) liquidity: u128,
}

impl Opened {
    /// The most liquidity whose cost, rounded up, is within both amounts. Rounding costs at most two units of coin 0.
    ///
    /// # Errors
    /// `ExchangeTooSmall`.
    fn affordable(&self, most: Two) -> Result<Growing, Halt> {
        let (low, high) = self.roots()?;
        let [most0, most1] = most.map(Assets::to_u256);
        let less = most0.saturating_sub(U256::from(2));
        let liquidity = liquidity_down(self.now.root, low, high, less, most1)?;
        if liquidity == 0 {
            return Err(revert(&ExchangeTooSmall {
                poolId: self.pool.id.get(),
                amount: most0.max(most1),
            }));
        }
        self.growing(liquidity)
    }

    fn growing(&self, liquidity: u128) -> Result<Growing, Halt> {
        let cost = self.made_of(liquidity, true)?;
        Ok(Growing { cost, liquidity })
    }
}

/// What [`grow_range`] would come to now.
///
/// # Errors
/// `ExchangeUnknownPosition`, `ExchangePaused`, `ExchangeTooSmall`.
pub(in crate::exchange) fn planned(
    cx: &mut Ctx<'_>,
    number: u64,
    most: Two,
) -> Result<Growing, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let opened = Opened::load(cx, number)?;
    opened.pool.expect_open()?;
    opened.affordable(most)
}

/// Adds the most liquidity that `most` of the payer's units make. Answers what it cost, and the liquidity.
///
/// # Errors
/// `ExchangeUnknownPosition`, `ExchangePaused`, `ExchangeTooSmall`, `ExchangeTooMuchLiquidity`, `LedgerInsufficient`.
pub fn grow_range(
    cx: &mut Ctx<'_>,
    number: u64,
    payer: AccountId,
    most: Two,
) -> Result<(Two, u128), Halt> {
    let done = grow_to(cx, number, payer, most, None)?;
    Ok((done.cost, done.liquidity))
}

/// The same with the liquidity of a plan, where its cost is still within `most`.
pub(in crate::exchange) fn grow_to(
    cx: &mut Ctx<'_>,
    number: u64,
    payer: AccountId,
    most: Two,
    plan: Option<Growing>,
) -> Result<Growing, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut opened = Opened::load(cx, number)?;
    opened.pool.expect_open()?;
    track::touch(cx, &mut opened.pool)?;
    opened.now = Now::load(cx, opened.pool.id)?;
    let done = match plan {
        Some(plan) if opened.growing(plan.liquidity)?.fits(most) => {
            opened.growing(plan.liquidity)?
        }
        _ => opened.affordable(most)?,
    };
    let change = Change {
        liquidity: done.liquidity,
        is_more: true,
    };
    opened.change(cx, change)?;
    for (coin, amount) in opened.pool.coins.iter_mut().zip(done.cost) {
        coin.reserve = coin.reserve.add(amount)?;
    }
    opened.save(cx)?;
    for (coin, amount) in opened.pool.coins.iter().zip(done.cost) {
        if !amount.is_zero() {
            ledger::shift(cx, coin.asset, payer, VAULT, amount)?;
        }
    }
    let [amount0, amount1] = done.cost.map(Assets::to_u256);
    emit(
        cx,
        &RangeGrown {
            positionId: number,
            amount0,
            amount1,
            liquidity: done.liquidity,
        },
    )?;
    Ok(done)
}

impl Growing {
    fn fits(&self, most: Two) -> bool {
        self.cost.iter().zip(most).all(|(cost, most)| *cost <= most)
    }
}

/// Takes liquidity out, and all fees with it, to free units of `receiver`; liquidity of zero collects fees alone. Never
/// paused. Answers what the liquidity was made of, and the fees.
///
/// # Errors
/// `ExchangeUnknownPosition`, `ExchangeTooMuchLiquidity`: more than the position has.
pub fn shrink_range(
    cx: &mut Ctx<'_>,
    number: u64,
    receiver: AccountId,
    liquidity: u128,
) -> Result<(Two, Two), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut opened = Opened::load(cx, number)?;
    let have = opened.position.liquidity;
    if liquidity > have {
        return Err(revert(&ExchangeTooMuchLiquidity {
            poolId: opened.pool.id.get(),
            liquidity: U256::from(liquidity),
            most: U256::from(have),
        }));
    }
    track::touch(cx, &mut opened.pool)?;
    opened.now = Now::load(cx, opened.pool.id)?;
    let principal = opened.made_of(liquidity, false)?;
    if liquidity > 0 {
        let change = Change {
            liquidity,
            is_more: false,
        };
        opened.change(cx, change)?;
    } else if have > 0 {
        opened.credit(cx)?;
    }
    let position = &mut opened.position;
    let fees = [position.owed0, position.owed1];
    (position.owed0, position.owed1) = (Assets::ZERO, Assets::ZERO);
    let mut paid = Vec::with_capacity(2);
    for ((coin, part), fee) in opened.pool.coins.iter_mut().zip(principal).zip(fees) {
        let amount = part.add(fee)?;
        coin.reserve = coin.reserve.sub(amount)?;
        paid.push((coin.asset, amount));
    }
    opened.save(cx)?;
    for (asset, amount) in paid {
        if !amount.is_zero() {
            ledger::shift(cx, asset, VAULT, receiver, amount)?;
        }
    }
    say_shrunk(cx, number, liquidity, principal, fees)?;
    Ok((principal, fees))
}

fn say_shrunk(
    cx: &mut Ctx<'_>,
    number: u64,
    liquidity: u128,
    principal: Two,
    fees: Two,
) -> Result<(), Halt> {
    if liquidity > 0 {
        let [amount0, amount1] = principal.map(Assets::to_u256);
        emit(
            cx,
            &RangeShrunk {
                positionId: number,
                amount0,
                amount1,
                liquidity,
            },
        )?;
    }
    let [fee0, fee1] = fees.map(Assets::to_u256);
    emit(
        cx,
        &RangeCollected {
            positionId: number,
            fee0,
            fee1,
        },
    )
}

/// What a position is worth now: its pool, range and liquidity, what that is made of, and its fees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeWorth {
    /// Its pool.
    pub pool: PoolId,
    /// Its range.
    pub range: Ticks,
    /// Its liquidity.
    pub liquidity: u128,
    /// What that would give, down.
    pub principal: Two,
    /// Fees so far, down.
    pub fees: Two,
}

/// What a position is worth now.
///
/// # Errors
/// `ExchangeUnknownPosition`.
pub fn range_worth(cx: &mut Ctx<'_>, number: u64) -> Result<RangeWorth, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut opened = Opened::load(cx, number)?;
    if opened.position.liquidity > 0 {
        opened.credit(cx)?;
    }
    let (lower, upper) = opened.ends();
    Ok(RangeWorth {
        pool: opened.pool.id,
        range: Ticks { lower, upper },
        liquidity: opened.position.liquidity,
        principal: opened.made_of(opened.position.liquidity, false)?,
        fees: [opened.position.owed0, opened.position.owed1],
    })
}
