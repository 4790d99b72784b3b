//! What liquidity is worth wherever its pool stands: the least that any reserves which its curve allows are worth.
//!
//! ```text
//!   fair(p) = min { p · c : c on the curve }            p: prices of the coins, c: amounts of them
//!
//!   product   2 * sqrt(x * y * p0 * p1)  of the shares' part, the tangent of x * y = k at the ratio of prices
//!   stable    D * min(p)                 at or below the least: on the curve sum(c) >= D
//!   range     its liquidity at the ratio of prices, within its ends
//! ```
//!
//! What follows from being a least of `p · c` over amounts that are not negative, whatever the curve:
//!
//! - What liquidity is made of now is one of those `c`, so removing it gives at least `fair(p)` at these prices, but for
//!   the unit of each coin that rounding keeps.
//! - A swap goes along the curve or, by its fee, beyond it. `fair` depends on the curve alone, so nobody moves it but by
//!   adding to it.
//! - If no price falls by more than a part `x`, each `p · c` keeps `1 - x` of itself, and so does the least of them. If
//!   prices rise, it does not fall. That is the drift bound of liquidity.
//!
//! Fees of ranges that wait to be collected are not counted.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{
    AccountId, AssetId, Assets, PoolId, Price, Shares, Usd, Wad, mul_div_down, sqrt_down,
    tick_price::sqrt_price_at, value_up,
};

use super::{
    ADDRESS, Curve,
    curve::{add, mul},
    error::ExchangeUnknownPosition,
    pool::{Pool, STATE},
    range::ticks,
    shares, trade,
};
use crate::revert;

/// What one coin costs: dollars times 10^18 for a whole token of so many decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// The price.
    pub price: Price,
    /// Digits behind the point of the token.
    pub decimals: u8,
}

/// Liquidity of somebody in one pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liquidity {
    /// Where.
    pub pool: PoolId,
    /// The pool's coins, in its order.
    pub coins: Vec<AssetId>,
    /// Shares, or liquidity of a range.
    pub amount: u128,
    made: Made,
}

/// What the fair value follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Made {
    /// Part of a pool of a product: reserves, shares of all.
    Product { x: U256, y: U256, total: U256 },
    /// Part of a stable pool: `D` in units of 10^-18 of a coin, shares of all.
    Stable { d: U256, total: U256 },
    /// A range: the roots of its ends.
    Range { low: U256, high: U256 },
}

impl Liquidity {
    /// Shares of an account in a pool.
    ///
    /// # Errors
    /// `ExchangeUnknownPool`, `ExchangeWrongCurve`.
    pub fn of_shares(cx: &mut Ctx<'_>, id: PoolId, holder: AccountId) -> Result<Self, Halt> {
        let own = STATE.shares.at((id, holder));
        let amount = own.load(&mut cx.enter(ADDRESS))?;
        Self::of_some_shares(cx, id, amount)
    }

    /// So many shares of a pool, whoever holds them.
    ///
    /// # Errors
    /// `ExchangeUnknownPool`, `ExchangeWrongCurve`.
    pub fn of_some_shares(cx: &mut Ctx<'_>, id: PoolId, amount: Shares) -> Result<Self, Halt> {
        let cx = &mut cx.enter(ADDRESS);
        let pool = Pool::load(cx, id)?;
        let total = STATE.total_shares.at(id).load(cx)?.to_u256();
        let made = match pool.curve {
            Curve::Product => Made::Product {
                x: pool.coin(0)?.reserve.to_u256(),
                y: pool.coin(1)?.reserve.to_u256(),
                total,
            },
            Curve::Stable => Made::Stable {
                d: trade::invariant(cx, &pool, &pool.even()?)?.down(),
                total,
            },
            Curve::Range => return Err(trade::wrong_curve(&pool)),
        };
        Ok(Self {
            pool: id,
            coins: coins(&pool),
            amount: amount.get(),
            made,
        })
    }

    /// A position of concentrated liquidity.
    ///
    /// # Errors
    /// `ExchangeUnknownPosition`.
    pub fn of_range(cx: &mut Ctx<'_>, number: u64) -> Result<Self, Halt> {
        let cx = &mut cx.enter(ADDRESS);
        if number >= STATE.position_count.load(cx)? {
            return Err(revert(&ExchangeUnknownPosition { positionId: number }));
        }
        let position = STATE.positions.at(number).load(cx)?;
        let pool = Pool::load(cx, position.pool)?;
        Ok(Self {
            pool: position.pool,
            coins: coins(&pool),
            amount: position.liquidity,
            made: Made::Range {
                low: sqrt_price_at(ticks::of_key(position.lower))?,
                high: sqrt_price_at(ticks::of_key(position.upper))?,
            },
        })
    }

    /// What it is worth at these prices, one for each coin, wherever its pool stands; nothing where a price is zero.
    ///
    /// # Errors
    /// More than any value may be.
    pub fn fair_down(&self, prices: &[Quoted]) -> Result<Usd, Halt> {
        let is_priced = prices.iter().all(|quoted| quoted.price != Price::ZERO);
        let amount = U256::from(self.amount);
        let value = match (&self.made, prices) {
            _ if !is_priced || amount.is_zero() => U256::ZERO,
            (Made::Product { x, y, total }, [first, second]) => {
                product_down(mul(*x, *y)?, (amount, *total), *first, *second)?
            }
            (Made::Stable { d, total }, prices) => {
                let lowest = prices.iter().map(|quoted| quoted.price).min();
                let lowest = lowest.unwrap_or(Price::ZERO).to_u256();
                let unit = whole(18)?;
                mul_div_down(mul(*d, lowest)?, amount, mul(*total, unit)?)?
            }
            (Made::Range { low, high }, [first, second]) => {
                range_down(amount, (*low, *high), *first, *second)?
            }
            _ => return Err(Halt::Fatal(format!("pool {} has other coins", self.pool))),
        };
        Ok(Usd::from_u256(value)?)
    }
}

/// What these shares of a pool give of each coin now, down.
///
/// # Errors
/// `ExchangeUnknownPool`.
pub fn shares_worth(
    cx: &mut Ctx<'_>,
    id: PoolId,
    holder: AccountId,
) -> Result<(Shares, Vec<Assets>), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let pool = Pool::load(cx, id)?;
    let own = STATE.shares.at((id, holder)).load(cx)?;
    let total = STATE.total_shares.at(id).load(cx)?;
    Ok((own, shares::worth_down(&pool, total, own)?))
}

/// What so many shares of a pool give of each coin now, down.
///
/// # Errors
/// `ExchangeUnknownPool`.
pub fn some_shares_worth(
    cx: &mut Ctx<'_>,
    id: PoolId,
    amount: Shares,
) -> Result<Vec<Assets>, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let pool = Pool::load(cx, id)?;
    let total = STATE.total_shares.at(id).load(cx)?;
    shares::worth_down(&pool, total, amount)
}

/// How a pool prices.
///
/// # Errors
/// `ExchangeUnknownPool`.
pub fn curve_of(cx: &mut Ctx<'_>, id: PoolId) -> Result<Curve, Halt> {
    Ok(Pool::load(&mut cx.enter(ADDRESS), id)?.curve)
}

/// What of each dollar that is added to a pool now counts in its fair value at these prices, in wad: the less, the further
/// the pool stands from them.
///
/// # Errors
/// `ExchangeUnknownPool`, `ExchangeWrongCurve`.
pub fn kept_of_added_down(cx: &mut Ctx<'_>, id: PoolId, prices: &[Quoted]) -> Result<Wad, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let total = STATE.total_shares.at(id).load(cx)?;
    let fair = Liquidity::of_some_shares(cx, id, total)?.fair_down(prices)?;
    let pool = Pool::load(cx, id)?;
    let mut worth = Usd::ZERO;
    for (coin, quoted) in pool.coins.iter().zip(prices) {
        worth = worth.add(value_up(coin.reserve, quoted.price, quoted.decimals)?)?;
    }
    let kept = mul_div_down(fair.to_u256(), Wad::ONE.to_u256(), worth.to_u256())?;
    Ok(Wad::from_u256(kept)?)
}

/// The coins of a pool, in its order.
///
/// # Errors
/// `ExchangeUnknownPool`.
pub fn coins_of(cx: &mut Ctx<'_>, id: PoolId) -> Result<Vec<AssetId>, Halt> {
    Ok(coins(&Pool::load(&mut cx.enter(ADDRESS), id)?))
}

fn coins(pool: &Pool) -> Vec<AssetId> {
    pool.coins.iter().map(|coin| coin.asset).collect()
}

fn whole(decimals: u32) -> Result<U256, Halt> {
    let whole = U256::from(10).checked_pow(U256::from(decimals));
    whole.ok_or_else(Halt::overflow)
}

/// A root with as many binary digits as fit, and how many of them lie behind the point.
fn root_down(value: U256) -> (U256, usize) {
    // An even number of digits, so that the root's point is between two of its own.
    let shift = value.leading_zeros() & !1;
    (sqrt_down(value.wrapping_shl(shift)), shift >> 1)
}

/// `2 * sqrt(k * p0 * p1 / 10^(d0 + d1)) * part`. Roots of reserves and of prices are taken apart, with 127 digits each, so
/// that reserves of a few units lose nothing that could be moved.
fn product_down(
    k: U256,
    (part, of): (U256, U256),
    first: Quoted,
    second: Quoted,
) -> Result<U256, Halt> {
    let digits = u32::from(first.decimals).saturating_add(u32::from(second.decimals));
    // Amounts are below 2^112, so a product of two has room for ten.
    let k = if digits.is_multiple_of(2) {
        k
    } else {
        mul(k, U256::from(10))?
    };
    let (root_k, behind_k) = root_down(k);
    let (root_p, behind_p) = root_down(mul(first.price.to_u256(), second.price.to_u256())?);
    let own = mul_div_down(mul(root_k, root_p)?, part, of)?;
    // One digit less behind the point is the two.
    let behind = behind_k.saturating_add(behind_p).saturating_sub(1);
    let unit = whole(digits.div_ceil(2))?;
    Ok(own.wrapping_shr(behind).wrapping_div(unit))
}

/// The root of the ratio of prices, in units of 2^-96 as pools have it: units of coin 1 for a unit of coin 0, down.
fn root_of(first: Quoted, second: Quoted) -> Result<U256, Halt> {
    let worth = |one: Quoted, other: Quoted| -> Result<U256, Halt> {
        mul(one.price.to_u256(), whole(u32::from(other.decimals))?)
    };
    let (above, below) = (worth(first, second)?, worth(second, first)?);
    // The quotient gets 255 or 256 binary digits, and an even number of them behind its point.
    let lift = below.bit_len().saturating_sub(1);
    let mut shift = above.leading_zeros();
    if shift.wrapping_add(lift) & 1 == 1 {
        shift = shift.saturating_sub(1);
    }
    let quotient = mul_div_down(
        above.wrapping_shl(shift),
        U256::ONE.wrapping_shl(lift),
        below,
    )?;
    let root = sqrt_down(quotient);
    let behind = shift.saturating_add(lift) >> 1;
    Ok(match behind.checked_sub(POINT_BITS) {
        Some(more) => root.wrapping_shr(more),
        // Roots have 128 digits, and those of pools end at 160: what is beyond is beyond every range.
        None => {
            let less = POINT_BITS.saturating_sub(behind);
            if less > POINT_BITS_SPARE {
                U256::MAX
            } else {
                root.wrapping_shl(less)
            }
        }
    })
}

const POINT_BITS: usize = 96;
/// How far a root of 128 digits can be lifted within a word.
const POINT_BITS_SPARE: usize = 128;

/// What a range is made of where its pool stands at the ratio of prices, in value: fractions of units count.
///
/// ```text
///   coin 0 = L * 2^96 * (high - at) / (high * at)         coin 1 = L * (at - low) / 2^96
/// ```
fn range_down(
    liquidity: U256,
    (low, high): (U256, U256),
    first: Quoted,
    second: Quoted,
) -> Result<U256, Halt> {
    let at = root_of(first, second)?.clamp(low, high);
    let above = mul_div_down(
        liquidity.wrapping_shl(POINT_BITS),
        high.saturating_sub(at),
        high,
    )?;
    let of_first = mul_div_down(above, first.price.to_u256(), at)?
        .wrapping_div(whole(u32::from(first.decimals))?);
    // Liquidity has 128 digits and roots have 160, so 32 go before the price and 64 after it.
    let below = mul_div_down(
        liquidity,
        at.saturating_sub(low),
        U256::ONE.wrapping_shl(32),
    )?;
    let of_second = mul_div_down(below, second.price.to_u256(), U256::ONE.wrapping_shl(64))?
        .wrapping_div(whole(u32::from(second.decimals))?);
    add(of_first, of_second)
}

#[cfg(test)]
mod tests;
