//! What liquidity is worth in shares: pure. All rounding is for those who stay.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, Shares, mul_div_down, mul_div_up, sqrt_down};

use super::{
    Curve,
    curve::{add, mul, stable::Even, sub},
    error::*,
    params::PIPS,
    pool::Pool,
    trade,
};
use crate::{mutant::mutant, revert};

/// What is taken of each coin, and the shares that it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) amounts: Vec<Assets>,
    pub(super) shares: Shares,
}

/// Shares of a first deposit: what the reserves are together, by the curve.
pub(super) fn first(cx: &mut Ctx<'_>, pool: &Pool) -> Result<Shares, Halt> {
    let whole = match pool.curve {
        Curve::Product => {
            let product = pool
                .coins
                .iter()
                .try_fold(U256::ONE, |all, coin| mul(all, coin.reserve.to_u256()))?;
            sqrt_down(product)
        }
        Curve::Stable => {
            trade::expect_balanced(pool)?;
            let even = pool.even()?;
            trade::invariant(cx, pool, &even)?.down()
        }
        Curve::Range => return Err(trade::wrong_curve(pool)),
    };
    Ok(Shares::from_u256(whole)?)
}

/// What a deposit of at most `most` takes and makes.
pub(super) fn plan(
    cx: &mut Ctx<'_>,
    pool: &Pool,
    total: Shares,
    most: &[Assets],
) -> Result<Plan, Halt> {
    let plan = match pool.curve {
        Curve::Product => even_plan(pool, total, most)?,
        Curve::Stable => any_plan(cx, pool, total, most)?,
        Curve::Range => return Err(trade::wrong_curve(pool)),
    };
    if plan.shares.is_zero() {
        return Err(revert(&ExchangeTooSmall {
            poolId: pool.id.get(),
            amount: most.iter().min().copied().unwrap_or_default().to_u256(),
        }));
    }
    Ok(plan)
}

/// In the pool's ratio: `shares = min(floor(most * total / reserve))`, `amounts = ceil(shares * reserve / total)`.
fn even_plan(pool: &Pool, total: Shares, most: &[Assets]) -> Result<Plan, Halt> {
    let total = total.to_u256();
    let mut shares = U256::MAX;
    for (coin, most) in pool.coins.iter().zip(most) {
        let worth = mul_div_down(most.to_u256(), total, coin.reserve.to_u256())?;
        shares = shares.min(worth);
    }
    let amounts = pool.coins.iter().map(|coin| {
        let amount = mul_div_up(shares, coin.reserve.to_u256(), total)?;
        Ok(Assets::from_u256(amount)?)
    });
    Ok(Plan {
        amounts: amounts.collect::<Result<_, Halt>>()?,
        shares: Shares::from_u256(shares)?,
    })
}

/// In any ratio: `shares = floor(total * (D2 - D0) / D0)`, where `D2` is without a fee on what a swap would have had to
/// bring into the pool's ratio: `fee * n / (4 * (n - 1))` of each coin's distance from it.
fn any_plan(cx: &mut Ctx<'_>, pool: &Pool, total: Shares, most: &[Assets]) -> Result<Plan, Halt> {
    let before = pool.even()?;
    let d0 = trade::invariant(cx, pool, &before)?.up();
    let mut grown = pool.clone();
    for (coin, amount) in grown.coins.iter_mut().zip(most) {
        coin.reserve = coin.reserve.add(*amount)?;
    }
    trade::expect_balanced(&grown)?;
    let after = grown.even()?;
    let d1 = trade::invariant(cx, pool, &after)?.down();
    let less = less_fees(pool, &before, after, d0, d1)?;
    let d2 = mutant!(
        ProductIsNothing,
        trade::invariant(cx, pool, &less)?.down(),
        less.sum()?
    );
    let shares = mul_div_down(total.to_u256(), d2.saturating_sub(d0), d0)?;
    Ok(Plan {
        amounts: most.to_vec(),
        shares: Shares::from_u256(shares)?,
    })
}

fn less_fees(
    pool: &Pool,
    before: &Even,
    mut after: Even,
    d0: U256,
    d1: U256,
) -> Result<Even, Halt> {
    let count = U256::from(pool.coins.len());
    let part = mul(U256::from(pool.fee_pips), count)?;
    let whole = mul(mul(PIPS, U256::from(4))?, sub(count, U256::ONE)?)?;
    for (old, new) in before.reserves.iter().zip(&mut after.reserves) {
        let ideal = mul_div_down(*old, d1, d0)?;
        let distance = add(ideal.abs_diff(*new), U256::ONE)?;
        *new = sub(*new, mul_div_up(distance, part, whole)?)?;
    }
    Ok(after)
}

/// What shares give of each coin, down.
pub(super) fn worth_down(pool: &Pool, total: Shares, shares: Shares) -> Result<Vec<Assets>, Halt> {
    let (total, shares) = (total.to_u256(), shares.to_u256());
    let amounts = pool.coins.iter().map(|coin| {
        let amount = mul_div_down(shares, coin.reserve.to_u256(), total)?;
        Ok(Assets::from_u256(amount)?)
    });
    amounts.collect()
}
