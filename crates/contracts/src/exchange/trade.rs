//! One swap in one pool: reserves move, no units do. The frame is the exchange's.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets, Bps, PoolId, mul_div_up};

use super::{
    Curve,
    IExchange::Swapped,
    curve::{
        add, mul, product,
        stable::{Even, Found},
        sub,
    },
    error::*,
    fees,
    params::{LEG_GAS, NEWTON_STEP_GAS, PIPS, STEPS_MAX},
    pool::{Coin, Pool},
    range, track,
};
use crate::{contract::emit, mutant::mutant, revert};

/// Which side of a swap is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exact {
    /// What the pool takes.
    In(Assets),
    /// What it gives.
    Out(Assets),
}

/// What a swap came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traded {
    pub(super) amount_in: Assets,
    pub(super) amount_out: Assets,
}

/// Swaps in one pool.
///
/// # Errors
/// `ExchangeUnknownPool`, `ExchangePaused`, `ExchangeNotInPool`, `ExchangeZeroAmount`, `ExchangeTooSmall`,
/// `ExchangeTooMuch`, `ExchangeUnbalanced`, `ExchangeNoSolution`.
pub(super) fn trade(
    cx: &mut Ctx<'_>,
    id: PoolId,
    asset_in: AssetId,
    asset_out: AssetId,
    exact: Exact,
) -> Result<Traded, Halt> {
    trade_within(cx, id, asset_in, asset_out, exact, STEPS_MAX)
}

/// The same, if it passes at most so many marks and empty stretches where the pool is one of ranges.
///
/// # Errors
/// As [`trade`].
pub(super) fn trade_within(
    cx: &mut Ctx<'_>,
    id: PoolId,
    asset_in: AssetId,
    asset_out: AssetId,
    exact: Exact,
    steps_max: u32,
) -> Result<Traded, Halt> {
    cx.store.charge(LEG_GAS)?;
    let mut pool = Pool::load(cx, id)?;
    let places = tradable(&pool, asset_in, asset_out)?;
    track::touch(cx, &mut pool)?;
    let share = fees::share(cx)?;
    let (traded, protocol_fee) = match pool.curve {
        Curve::Range => along_ranges(&pool, exact, || {
            range::swap(cx, &pool, places.0, exact, share, steps_max)
        })?,
        Curve::Product | Curve::Stable => in_reserves(cx, &pool, None, places, exact, share)?,
    };
    fees::keep(cx, &pool, asset_in, protocol_fee)?;
    move_reserves(&mut pool, places, traded, protocol_fee)?;
    pool.save_reserves(cx)?;
    emit(
        cx,
        &Swapped {
            poolId: id.get(),
            assetIn: asset_in.get(),
            amountIn: traded.amount_in.to_u256(),
            assetOut: asset_out.get(),
            amountOut: traded.amount_out.to_u256(),
            protocolFee: protocol_fee.to_u256(),
        },
    )?;
    Ok(traded)
}

/// The places of what a swap takes and what it gives, in a pool that is open.
///
/// # Errors
/// `ExchangePaused`, `ExchangeNotInPool`.
pub(super) fn tradable(
    pool: &Pool,
    asset_in: AssetId,
    asset_out: AssetId,
) -> Result<(usize, usize), Halt> {
    pool.expect_open()?;
    let places = pool.place(asset_in).zip(pool.place(asset_out));
    places.filter(|(from, to)| from != to).ok_or_else(|| {
        revert(&ExchangeNotInPool {
            poolId: pool.id.get(),
            assetIn: asset_in.get(),
            assetOut: asset_out.get(),
        })
    })
}

/// What the curve of a pool of reserves says, and what the protocol keeps of it. Its `D` is worked out unless it is
/// `known`.
pub(super) fn in_reserves(
    cx: &mut Ctx<'_>,
    pool: &Pool,
    known: Option<Found>,
    (from, to): (usize, usize),
    exact: Exact,
    share: Bps,
) -> Result<(Traded, Assets), Halt> {
    let traded = priced(cx, pool, known, (from, to), exact)?;
    let fee = fees::part_down(share, traded.amount_in, pool.fee_pips)?;
    Ok((traded, fee))
}

/// Moves the reserves by what was traded, less what the protocol keeps.
///
/// # Errors
/// `ExchangeUnbalanced`, or a reserve beyond its range.
pub(super) fn move_reserves(
    pool: &mut Pool,
    (from, to): (usize, usize),
    traded: Traded,
    protocol_fee: Assets,
) -> Result<(), Halt> {
    let coin = pool.coin_mut(from)?;
    coin.reserve = coin.reserve.add(traded.amount_in.sub(protocol_fee)?)?;
    let coin = pool.coin_mut(to)?;
    coin.reserve = coin.reserve.sub(traded.amount_out)?;
    expect_balanced(pool)
}

/// What a pool of ranges says where one of reserves is needed, and the other way around.
pub(super) fn wrong_curve(pool: &Pool) -> Halt {
    let pool_id = pool.id.get();
    revert(&ExchangeWrongCurve { poolId: pool_id })
}

/// Along the ranges of a pool. Answers what the protocol keeps, too.
pub(super) fn along_ranges(
    pool: &Pool,
    exact: Exact,
    swap: impl FnOnce() -> Result<(Traded, Assets), Halt>,
) -> Result<(Traded, Assets), Halt> {
    let (Exact::In(amount) | Exact::Out(amount)) = exact;
    expect_some(amount)?;
    let (traded, kept) = swap()?;
    if traded.amount_out.is_zero() {
        return Err(too_small(pool, amount));
    }
    Ok((traded, kept))
}

fn too_small(pool: &Pool, amount: Assets) -> Halt {
    revert(&ExchangeTooSmall {
        poolId: pool.id.get(),
        amount: amount.to_u256(),
    })
}

/// What the curve of reserves says.
fn priced(
    cx: &mut Ctx<'_>,
    pool: &Pool,
    known: Option<Found>,
    (from, to): (usize, usize),
    exact: Exact,
) -> Result<Traded, Halt> {
    let (coin_in, coin_out) = (pool.coin(from)?, pool.coin(to)?);
    let (amount_in, amount_out) = match exact {
        Exact::In(amount) => {
            expect_some(amount)?;
            let out = match pool.curve {
                Curve::Product => {
                    let (x, y) = (coin_in.reserve.to_u256(), coin_out.reserve.to_u256());
                    let out = product::out_down(x, y, amount.to_u256(), pool.fee_pips)?;
                    Assets::from_u256(out)?
                }
                Curve::Stable => stable_out_down(cx, pool, known, (from, to), amount)?,
                Curve::Range => return Err(wrong_curve(pool)),
            };
            if out.is_zero() {
                return Err(too_small(pool, amount));
            }
            (amount, out)
        }
        Exact::Out(amount) => {
            expect_some(amount)?;
            if amount >= coin_out.reserve {
                return Err(revert(&ExchangeTooMuch {
                    poolId: pool.id.get(),
                    assetId: coin_out.asset.get(),
                    wanted: amount.to_u256(),
                    reserve: coin_out.reserve.to_u256(),
                }));
            }
            let needed = match pool.curve {
                Curve::Product => {
                    let (x, y) = (coin_in.reserve.to_u256(), coin_out.reserve.to_u256());
                    let needed = product::in_up(x, y, amount.to_u256(), pool.fee_pips)?;
                    Assets::from_u256(needed)?
                }
                Curve::Stable => stable_in_up(cx, pool, known, (from, to), amount)?,
                Curve::Range => return Err(wrong_curve(pool)),
            };
            (needed, amount)
        }
    };
    Ok(Traded {
        amount_in,
        amount_out,
    })
}

fn expect_some(amount: Assets) -> Result<(), Halt> {
    if amount.is_zero() {
        return Err(revert(&ExchangeZeroAmount {}));
    }
    Ok(())
}

/// `out = x_j - y(x_i + in * (1 - fee))`, down.
fn stable_out_down(
    cx: &mut Ctx<'_>,
    pool: &Pool,
    known: Option<Found>,
    (from, to): (usize, usize),
    amount: Assets,
) -> Result<Assets, Halt> {
    let kept = sub(PIPS, U256::from(pool.fee_pips))?;
    let scaled = pool.coin(from)?.scaled(amount)?;
    let after_fee = mul(scaled, kept)?.wrapping_div(PIPS);
    let even = pool.even()?;
    let before = reserve_of(&even, to);
    let left = other_up(cx, pool, even, known, (from, to), |x| add(x, after_fee))?;
    pool.coin(to)?.amount_down(before.saturating_sub(left))
}

/// `in = (y(x_j - out) - x_i) / (1 - fee)`, up.
fn stable_in_up(
    cx: &mut Ctx<'_>,
    pool: &Pool,
    known: Option<Found>,
    (from, to): (usize, usize),
    amount: Assets,
) -> Result<Assets, Halt> {
    let kept = sub(PIPS, U256::from(pool.fee_pips))?;
    let leaves = mutant!(ScrapsCountLess, amount, Assets::new(amount.get() & !15)?);
    let scaled = pool.coin(to)?.scaled(leaves)?;
    let even = pool.even()?;
    let before = reserve_of(&even, from);
    let after = other_up(cx, pool, even, known, (to, from), |x| sub(x, scaled))?;
    let net = after.saturating_sub(before);
    pool.coin(from)?.amount_up(mul_div_up(net, PIPS, kept)?)
}

fn reserve_of(even: &Even, place: usize) -> U256 {
    even.reserves.get(place).copied().unwrap_or_default()
}

/// The reserve that the coin at `asked` must have after that at `moved` has changed, not below the true one.
fn other_up(
    cx: &mut Ctx<'_>,
    pool: &Pool,
    mut even: Even,
    known: Option<Found>,
    (moved, asked): (usize, usize),
    change: impl FnOnce(U256) -> Result<U256, Halt>,
) -> Result<U256, Halt> {
    let d = match known {
        Some(d) => d,
        None => invariant(cx, pool, &even)?,
    };
    if let Some(reserve) = even.reserves.get_mut(moved) {
        *reserve = change(*reserve)?;
    }
    if let Some((least, most)) = even.unbalanced() {
        return Err(unbalanced(pool, least, most));
    }
    let found = even.solve(asked, d.up())?;
    Ok(paid_steps(cx, pool, &even, found)?.up())
}

/// Charges for the steps of an iteration.
///
/// # Errors
/// `ExchangeNoSolution`: it did not end.
pub(super) fn paid_steps(
    cx: &mut Ctx<'_>,
    pool: &Pool,
    even: &Even,
    found: Option<Found>,
) -> Result<Found, Halt> {
    let Some(found) = found else {
        let pool_id = pool.id.get();
        return Err(revert(&ExchangeNoSolution { poolId: pool_id }));
    };
    let width = u64::try_from(even.reserves.len()).unwrap_or(u64::MAX);
    let steps = u64::from(found.steps);
    let each = NEWTON_STEP_GAS.saturating_mul(width.saturating_add(2));
    cx.store.charge(steps.saturating_mul(each))?;
    Ok(found)
}

/// Refuses reserves for which the stable curve is not exact.
pub(super) fn expect_balanced(pool: &Pool) -> Result<(), Halt> {
    if pool.curve != Curve::Stable {
        return Ok(());
    }
    match pool.even()?.unbalanced() {
        None => Ok(()),
        Some((least, most)) => Err(unbalanced(pool, least, most)),
    }
}

fn unbalanced(pool: &Pool, least: U256, most: U256) -> Halt {
    revert(&ExchangeUnbalanced {
        poolId: pool.id.get(),
        least,
        most,
    })
}

/// `D` of a stable pool.
pub(super) fn invariant(cx: &mut Ctx<'_>, pool: &Pool, even: &Even) -> Result<Found, Halt> {
    let found = even.invariant()?;
    paid_steps(cx, pool, even, found)
}

/// How many smallest units of the coin at `place` a smallest unit of the first one is worth, as a fraction.
///
/// Constant product: `y / x`. Stable: a coin's weight is `A*n*x + P`, and its price `weight / x`, so the ratio is
/// `x_i * (A*n*x_0 + P) / (x_0 * (A*n*x_i + P))`, times what one smallest unit of each counts.
pub(super) fn price(cx: &mut Ctx<'_>, pool: &Pool, place: usize) -> Result<(U256, U256), Halt> {
    let (first, other): (&Coin, &Coin) = (pool.coin(0)?, pool.coin(place)?);
    match pool.curve {
        Curve::Product => return Ok((other.reserve.to_u256(), first.reserve.to_u256())),
        Curve::Range => return Err(wrong_curve(pool)),
        Curve::Stable => {}
    }
    let even = pool.even()?;
    let d = invariant(cx, pool, &even)?;
    let (slope, bend) = even.weights(d.root)?;
    let (x, y) = (reserve_of(&even, 0), reserve_of(&even, place));
    // Dividing a weight by its reserve first keeps products within 256 bits: digits behind the point are 96.
    let worth = |reserve: U256| -> Result<U256, Halt> {
        let point = U256::ONE.wrapping_shl(96);
        let part = capstan_units::mul_div_down(bend, point, reserve)?;
        add(mul(slope, point)?, part)
    };
    let (first_worth, other_worth) = (worth(x)?, worth(y)?);
    let one = Assets::new(1)?;
    let part = mul(first_worth, first.scaled(one)?)?;
    let whole = mul(other_worth, other.scaled(one)?)?;
    Ok((part, whole))
}
