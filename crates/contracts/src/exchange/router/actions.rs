//! Paths of tokens become legs: at each step every pool of the pair is tried, and the best one taken. All of it happens
//! on a scratch world, so a step sees what the steps before it did.

use alloy_primitives::{Address, U256};
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
        ADDRESS as EXCHANGE, Bounds, Leg, Outcome, Size, pool,
        trade::{Exact, trade},
        wallet,
    },
    ledger, revert,
};

const MS_PER_S: u64 = 1_000;

/// One step of a path.
#[derive(Clone, Copy)]
struct Hop {
    tokens: (Address, Address),
    assets: (AssetId, AssetId),
}

/// A path as legs, and the amount at each of its tokens.
struct Route {
    pools: Vec<PoolId>,
    amounts: Vec<Assets>,
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

/// The best pool for a step, and what the other side of it is. The world keeps the swap.
fn step(cx: &mut Ctx<'_>, hop: Hop, exact: Exact) -> Result<(PoolId, Assets), Halt> {
    let (from, to) = hop.assets;
    let mut best: Option<(PoolId, Assets)> = None;
    for id in pool::of_pair(cx, from, to)? {
        let mark = cx.store.mark();
        let tried = trade(cx, id, from, to, exact);
        cx.store.rewind(mark);
        let other = match (tried, exact) {
            (Ok(traded), Exact::In(_)) => traded.amount_out,
            (Ok(traded), Exact::Out(_)) => traded.amount_in,
            (Err(Halt::Revert(_)), _) => continue,
            (Err(halt), _) => return Err(halt),
        };
        let is_better = best.is_none_or(|(_, found)| match exact {
            Exact::In(_) => other > found,
            Exact::Out(_) => other < found,
        });
        if is_better {
            best = Some((id, other));
        }
    }
    let (token_in, token_out) = hop.tokens;
    let (id, other) = best.ok_or_else(|| {
        revert(&RouterNoPool {
            tokenIn: token_in,
            tokenOut: token_out,
        })
    })?;
    trade(cx, id, from, to, exact)?;
    Ok((id, other))
}

/// From the first token on.
fn forwards(cx: &mut Ctx<'_>, amount: Assets, hops: &[Hop]) -> Result<Route, Halt> {
    let mut route = Route {
        pools: Vec::with_capacity(hops.len()),
        amounts: vec![amount],
    };
    let mut amount = amount;
    let mut world = Scratch::new(cx.store);
    let mut router = Ctx::new(&mut world, cx.frame);
    let inside = &mut router.enter(EXCHANGE);
    for hop in hops {
        let (id, out) = step(inside, *hop, Exact::In(amount))?;
        route.pools.push(id);
        route.amounts.push(out);
        amount = out;
    }
    Ok(route)
}

/// From the last token back; pools and amounts are in the order of the path all the same.
fn backwards(cx: &mut Ctx<'_>, amount: Assets, hops: &[Hop]) -> Result<Route, Halt> {
    let mut route = Route {
        pools: Vec::with_capacity(hops.len()),
        amounts: vec![amount],
    };
    let mut amount = amount;
    let mut world = Scratch::new(cx.store);
    let mut router = Ctx::new(&mut world, cx.frame);
    let inside = &mut router.enter(EXCHANGE);
    for hop in hops.iter().rev() {
        let (id, needed) = step(inside, *hop, Exact::Out(amount))?;
        route.pools.push(id);
        route.amounts.push(needed);
        amount = needed;
    }
    route.pools.reverse();
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
    let legs = legs(&route, &hops, Size::InAll, Size::InAll);
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
    let mut legs = legs(&route, &hops, Size::OutOwed, Size::Out(wanted));
    legs.reverse();
    run(cx, &hops, &legs, paid_max, wanted, call.to, route)
}

/// The legs of a route, in the order of its path: the last has a size of its own.
fn legs(route: &Route, hops: &[Hop], size: Size, last: Size) -> Vec<Leg> {
    let count = hops.len();
    let numbered = route.pools.iter().zip(hops).zip(1..);
    numbered
        .map(|((pool, hop), number)| Leg {
            pool: *pool,
            asset_in: hop.assets.0,
            asset_out: hop.assets.1,
            size: if number == count { last } else { size },
        })
        .collect()
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
