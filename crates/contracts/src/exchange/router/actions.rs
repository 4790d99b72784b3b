//! Paths of tokens become legs: at each step every pool of the pair is tried, and the best one taken. All of it happens
//! on a scratch world, so a step sees what the steps before it did.
//!
//! A pool of ranges may stop on the way, where its liquidity ends or too many ends of ranges lie. What it swaps until
//! then is one leg, the rest another, in whichever pool is best then: so whoever litters a deep pool with small ranges
//! makes a swap through it take more legs, and does not take the pool out of the way.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolError;
use capstan_state::{Ctx, Halt, Scratch};
use capstan_units::{AssetId, Assets, PoolId};

use super::{
    IExchangeRouter::{
        RouterBadPath, RouterNoPool, RouterUnknownToken, swapExactTokensForTokensCall,
        swapTokensForExactTokensCall,
    },
    PATH_MAX,
};
use crate::{
    exchange::{
        ADDRESS as EXCHANGE, Bounds,
        IExchange::{ExchangeDry, ExchangeTooFar},
        LEGS_MAX, Leg, Outcome, Size, pool,
        trade::{Exact, Traded, trade},
        wallet,
    },
    ledger, revert,
};

const MS_PER_S: u64 = 1_000;
/// Most legs of one step: paths of the most tokens still have no more than a swap may.
const PARTS_MAX: usize = LEGS_MAX / (PATH_MAX - 1);

/// One step of a path.
#[derive(Clone, Copy)]
struct Hop {
    tokens: (Address, Address),
    assets: (AssetId, AssetId),
}

/// A path as parts of each step, and the amount at each of its tokens.
struct Route {
    steps: Vec<Vec<Part>>,
    amounts: Vec<Assets>,
}

/// What one pool does of a step: how much of the side that is given, and what the other side is.
#[derive(Clone, Copy)]
struct Part {
    pool: PoolId,
    given: Assets,
    other: Assets,
}

fn hops(cx: &mut Ctx<'_>, path: &[Address]) -> Result<Vec<Hop>, Halt> {
    let is_twice = |(at, token)| path.iter().skip(at).skip(1).any(|other| other == token);
    if path.len() < 2 || path.len() > PATH_MAX || path.iter().enumerate().any(is_twice) {
        return Err(revert(&RouterBadPath {
            length: U256::from(path.len()),
            max: U256::from(PATH_MAX),
        }));
    }
    let mut assets = Vec::with_capacity(path.len());
    for token in path {
        let asset = ledger::asset_of(cx, *token)?;
        assets.push(asset.ok_or_else(|| revert(&RouterUnknownToken { token: *token }))?);
    }
    let ends = path.iter().zip(&assets);
    let steps = ends.clone().zip(ends.skip(1));
    let hop =
        |((from, asset_in), (to, asset_out)): ((&Address, &AssetId), (&Address, &AssetId))| Hop {
            tokens: (*from, *to),
            assets: (*asset_in, *asset_out),
        };
    Ok(steps.map(hop).collect())
}

/// The best way found for a step. The world keeps the swaps.
fn step(cx: &mut Ctx<'_>, hop: Hop, exact: Exact) -> Result<Vec<Part>, Halt> {
    let mark = cx.store.mark();
    let found = best(cx, hop, exact, PARTS_MAX)?;
    cx.store.rewind(mark);
    let (token_in, token_out) = hop.tokens;
    let Some(parts) = found else {
        return Err(revert(&RouterNoPool {
            tokenIn: token_in,
            tokenOut: token_out,
        }));
    };
    let (from, to) = hop.assets;
    for part in &parts {
        trade(cx, part.pool, from, to, with(exact, part.given))?;
    }
    Ok(parts)
}

/// The best pool, or the pool that comes furthest and the best way for the rest: whichever is better. The world is left
/// as it was, or not, for the caller to rewind.
fn best(
    cx: &mut Ctx<'_>,
    hop: Hop,
    exact: Exact,
    parts_max: usize,
) -> Result<Option<Vec<Part>>, Halt> {
    let (from, to) = hop.assets;
    let (Exact::In(given) | Exact::Out(given)) = exact;
    let mut best: Option<Vec<Part>> = None;
    let mut furthest: Option<(Assets, PoolId)> = None;
    for pool in pool::of_pair(cx, from, to)? {
        let mark = cx.store.mark();
        let tried = trade(cx, pool, from, to, exact);
        cx.store.rewind(mark);
        match tried {
            Ok(traded) => {
                let other = other_side(exact, traded);
                let whole = Part { pool, given, other };
                best = better(exact, best, vec![whole]);
            }
            Err(Halt::Revert(data)) => {
                let came = came_to(&data).filter(|came| !came.is_zero() && *came < given);
                furthest = furthest.max(came.map(|came| (came, pool)));
            }
            Err(halt) => return Err(halt),
        }
    }
    let Some((came, pool)) = furthest.filter(|_| parts_max > 1) else {
        return Ok(best);
    };
    let traded = match trade(cx, pool, from, to, with(exact, came)) {
        Ok(traded) => traded,
        // So far it came, and nothing came out: no way for anybody.
        Err(Halt::Revert(_)) => return Ok(best),
        Err(halt) => return Err(halt),
    };
    let first = Part {
        pool,
        given: came,
        other: other_side(exact, traded),
    };
    let rest = with(exact, given.sub(came)?);
    if let Some(parts) = self::best(cx, hop, rest, parts_max.saturating_sub(1))? {
        let parts = [first].into_iter().chain(parts).collect();
        best = better(exact, best, parts);
    }
    Ok(best)
}

/// How far a pool came that stopped on the way.
fn came_to(data: &[u8]) -> Option<Assets> {
    let far = ExchangeTooFar::abi_decode(data).map(|error| error.swapped);
    let swapped = far.or_else(|_| ExchangeDry::abi_decode(data).map(|error| error.swapped));
    Assets::from_u256(swapped.ok()?).ok()
}

/// The same side, with another amount.
const fn with(exact: Exact, amount: Assets) -> Exact {
    match exact {
        Exact::In(_) => Exact::In(amount),
        Exact::Out(_) => Exact::Out(amount),
    }
}

const fn other_side(exact: Exact, traded: Traded) -> Assets {
    match exact {
        Exact::In(_) => traded.amount_out,
        Exact::Out(_) => traded.amount_in,
    }
}

/// What parts come to on the side that is not given.
fn sum(parts: &[Part]) -> Assets {
    let others = parts.iter().map(|part| part.other);
    others.fold(Assets::ZERO, |sum, other| {
        sum.add(other).unwrap_or(Assets::MAX)
    })
}

/// Of two ways the better; the one found first, if neither is.
fn better(exact: Exact, found: Option<Vec<Part>>, tried: Vec<Part>) -> Option<Vec<Part>> {
    let is_better = found.as_ref().is_none_or(|found| match exact {
        Exact::In(_) => sum(&tried) > sum(found),
        Exact::Out(_) => sum(&tried) < sum(found),
    });
    if is_better { Some(tried) } else { found }
}

/// From the first token on.
fn forwards(cx: &mut Ctx<'_>, amount: Assets, hops: &[Hop]) -> Result<Route, Halt> {
    let mut route = Route {
        steps: Vec::with_capacity(hops.len()),
        amounts: vec![amount],
    };
    let mut amount = amount;
    let mut world = Scratch::new(cx.store);
    let mut router = Ctx::new(&mut world, cx.frame);
    let inside = &mut router.enter(EXCHANGE);
    for hop in hops {
        let parts = step(inside, *hop, Exact::In(amount))?;
        amount = sum(&parts);
        route.steps.push(parts);
        route.amounts.push(amount);
    }
    Ok(route)
}

/// From the last token back; steps and amounts are in the order of the path all the same.
fn backwards(cx: &mut Ctx<'_>, amount: Assets, hops: &[Hop]) -> Result<Route, Halt> {
    let mut route = Route {
        steps: Vec::with_capacity(hops.len()),
        amounts: vec![amount],
    };
    let mut amount = amount;
    let mut world = Scratch::new(cx.store);
    let mut router = Ctx::new(&mut world, cx.frame);
    let inside = &mut router.enter(EXCHANGE);
    for hop in hops.iter().rev() {
        let parts = step(inside, *hop, Exact::Out(amount))?;
        amount = sum(&parts);
        route.steps.push(parts);
        route.amounts.push(amount);
    }
    route.steps.reverse();
    route.amounts.reverse();
    Ok(route)
}

fn words(route: &Route) -> Vec<U256> {
    route
        .amounts
        .iter()
        .map(|amount| amount.to_u256())
        .collect()
}

pub(super) fn amounts_out(
    cx: &mut Ctx<'_>,
    amount: U256,
    path: &[Address],
) -> Result<Vec<U256>, Halt> {
    let hops = hops(cx, path)?;
    let amount = Assets::from_u256(amount)?;
    Ok(words(&forwards(cx, amount, &hops)?))
}

pub(super) fn amounts_in(
    cx: &mut Ctx<'_>,
    amount: U256,
    path: &[Address],
) -> Result<Vec<U256>, Halt> {
    let hops = hops(cx, path)?;
    let amount = Assets::from_u256(amount)?;
    Ok(words(&backwards(cx, amount, &hops)?))
}

/// Swaps exactly what comes in.
///
/// # Errors
/// `ExchangeExpired`, `RouterBadPath`, `RouterUnknownToken`, `RouterNoPool`, and those of the exchange's `swap`.
pub(super) fn swap_exact_in(
    cx: &mut Ctx<'_>,
    call: &swapExactTokensForTokensCall,
) -> Result<Vec<U256>, Halt> {
    expect_in_time(cx, call.deadline)?;
    let hops = hops(cx, &call.path)?;
    let paid_max = Assets::from_u256(call.amountIn)?;
    let route = forwards(cx, paid_max, &hops)?;
    let received_min = Assets::from_u256(call.amountOutMin)?;
    let legs = route
        .steps
        .iter()
        .zip(&hops)
        .flat_map(|(parts, hop)| legs(parts, hop, Size::In, Size::InAll));
    let legs: Vec<_> = legs.collect();
    run(cx, &hops, &legs, paid_max, received_min, call.to, route)
}

/// Swaps so much that exactly what is wanted comes out.
///
/// # Errors
/// As [`swap_exact_in`].
pub(super) fn swap_exact_out(
    cx: &mut Ctx<'_>,
    call: &swapTokensForExactTokensCall,
) -> Result<Vec<U256>, Halt> {
    expect_in_time(cx, call.deadline)?;
    let hops = hops(cx, &call.path)?;
    let wanted = Assets::from_u256(call.amountOut)?;
    let route = backwards(cx, wanted, &hops)?;
    let paid_max = Assets::from_u256(call.amountInMax)?;
    // From the end of the path back: what a leg asks for, the ones before it owe.
    let steps = route.steps.iter().zip(&hops).rev();
    let legs = steps.enumerate().flat_map(|(number, (parts, hop))| {
        let last = match parts.last() {
            Some(part) if number == 0 => Size::Out(part.given),
            _ => Size::OutOwed,
        };
        legs(parts, hop, Size::Out, last)
    });
    let legs: Vec<_> = legs.collect();
    run(cx, &hops, &legs, paid_max, wanted, call.to, route)
}

/// The legs of a step: each part as it was found, the last one what is left.
fn legs<'a>(
    parts: &'a [Part],
    hop: &'a Hop,
    size: fn(Assets) -> Size,
    last: Size,
) -> impl Iterator<Item = Leg> + 'a {
    let count = parts.len();
    (1..).zip(parts).map(move |(number, part)| Leg {
        pool: part.pool,
        asset_in: hop.assets.0,
        asset_out: hop.assets.1,
        size: if number == count {
            last
        } else {
            size(part.given)
        },
    })
}

fn run(
    cx: &mut Ctx<'_>,
    hops: &[Hop],
    legs: &[Leg],
    paid_max: Assets,
    received_min: Assets,
    to: Address,
    route: Route,
) -> Result<Vec<U256>, Halt> {
    let Some((first, last)) = hops.first().zip(hops.last()) else {
        return Ok(Vec::new());
    };
    let bounds = Bounds {
        asset_in: first.assets.0,
        paid_max,
        asset_out: last.assets.1,
        received_min,
    };
    let Outcome { paid, received } = wallet::swap_from(cx, legs, bounds, to)?;
    // Of a token that keeps a fee, less is swapped than was planned: the ends say what it was.
    let mut amounts = words(&route);
    if let Some(first) = amounts.first_mut() {
        *first = paid.to_u256();
    }
    if let Some(last) = amounts.last_mut() {
        *last = received.to_u256();
    }
    Ok(amounts)
}

fn expect_in_time(cx: &Ctx<'_>, deadline_s: U256) -> Result<(), Halt> {
    let deadline_s = u64::try_from(deadline_s).unwrap_or(u64::MAX);
    // The last millisecond of that second.
    let next_s = deadline_s.saturating_add(1);
    wallet::expect_in_time(cx, next_s.saturating_mul(MS_PER_S).saturating_sub(1))
}
