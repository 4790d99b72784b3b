//! Which pools a swap goes through, and in which parts.
//!
//! ```text
//!   from ──┬── pool ──────────────────► to        one hop
//!          ├── pool ─► x ── pool ─────► to        two: x lies between
//!          └── pool ─► x ── pool ─► y ── pool ─► to
//! ```
//!
//! A search goes hop by hop from the side that is given, asks every pool of a pair what it would do, and keeps the best
//! few ways to each asset. It is done twice: with the whole amount, and with a tenth of it, since the pool that is best
//! for a little is not the best for all. Of what the second one finds, paths that share no pool are filled tenth by
//! tenth, each where it does most; pools that do not meet do not disturb each other, so parts add up.
//!
//! Bounds: paths of [`HOPS_MAX`] pools, [`MIDDLES_MAX`] assets between on each side, sixteen pools of a pair,
//! [`KEPT`] ways to an asset. With `M` middles and `P = 16` that is at most `2 * ((M + 1) * P + M * KEPT * (M + 2) * P)`
//! questions, 5,408, and ninety for the split.

use std::{cmp::Ordering, collections::BTreeMap};

use alloy_primitives::U256;

use crate::error::RpcResult;

/// Most pools of a path.
pub(super) const HOPS_MAX: usize = 3;
/// Most assets next to an end that a path goes through: those between both ends first, then the lowest numbers.
pub(super) const MIDDLES_MAX: usize = 8;
/// Ways to an asset that are followed further.
const KEPT: usize = 2;
/// Most paths of one swap.
pub(super) const PATHS_MAX: usize = 3;
/// Parts in which an amount is given to paths.
const PARTS: u64 = 10;
/// Another path is taken if it betters the whole by more than this part: it costs gas.
const WORTH_PARTS: u64 = 10_000;

/// Which side of a swap is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exact {
    /// What is paid.
    In,
    /// What is received.
    Out,
}

impl Exact {
    /// The better of two other sides comes first: more that is received, less that is paid.
    fn order(self, one: U256, other: U256) -> Ordering {
        match self {
            Self::In => other.cmp(&one),
            Self::Out => one.cmp(&other),
        }
    }
}

/// A swap in one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hop {
    pub(super) pool: u32,
    pub(super) asset_in: u32,
    pub(super) asset_out: u32,
}

/// Hops in the order of payment, and the amount at each asset on the way: one more than hops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) hops: Vec<Hop>,
    pub(super) amounts: Vec<U256>,
}

impl Route {
    fn start(amount: U256) -> Self {
        Self {
            hops: Vec::new(),
            amounts: vec![amount],
        }
    }

    /// What goes in at its beginning.
    pub(super) fn paid(&self) -> U256 {
        self.amounts.first().copied().unwrap_or_default()
    }

    /// What comes out at its end.
    pub(super) fn received(&self) -> U256 {
        self.amounts.last().copied().unwrap_or_default()
    }

    /// The side that is not given.
    fn other(&self, exact: Exact) -> U256 {
        match exact {
            Exact::In => self.received(),
            Exact::Out => self.paid(),
        }
    }

    /// One hop further from the side that is given.
    fn longer(&self, exact: Exact, hop: Hop, other: U256) -> Self {
        let mut route = self.clone();
        match exact {
            Exact::In => {
                route.hops.push(hop);
                route.amounts.push(other);
            }
            Exact::Out => {
                route.hops.insert(0, hop);
                route.amounts.insert(0, other);
            }
        }
        route
    }

    fn meets(&self, other: &Self) -> bool {
        self.hops.iter().any(|hop| other.has_pool(hop.pool))
    }

    fn has_pool(&self, pool: u32) -> bool {
        self.hops.iter().any(|hop| hop.pool == pool)
    }

    fn has_asset(&self, asset: u32) -> bool {
        let mut hops = self.hops.iter();
        hops.any(|hop| hop.asset_in == asset || hop.asset_out == asset)
    }
}

/// What a search asks.
pub(super) trait Market {
    /// Assets there are: their numbers begin with zero.
    fn asset_count(&self) -> u32;
    /// Pools that swap two assets.
    fn pools_of(&mut self, one: u32, other: u32) -> RpcResult<Vec<u32>>;
    /// What the other side of a swap in one pool is; none where the pool refuses.
    fn trade(&mut self, hop: Hop, exact: Exact, amount: U256) -> RpcResult<Option<U256>>;
}

/// What is to be swapped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) exact: Exact,
    pub(super) amount: U256,
}

/// The best found routes for all of the amount together, the largest part first; none if no pools lead there.
pub(super) fn find(market: &mut impl Market, wanted: Wanted) -> RpcResult<Vec<Route>> {
    let exact = wanted.exact;
    let middles = Middles::of(market, wanted)?;
    let whole = candidates(market, wanted, &middles)?;
    let mut best: Vec<Route> = whole.into_iter().take(1).collect();
    let part = wanted.amount / U256::from(PARTS);
    if part.is_zero() {
        return Ok(best);
    }
    let little = Wanted {
        amount: part,
        ..wanted
    };
    let mut apart: Vec<Route> = Vec::new();
    for route in candidates(market, little, &middles)? {
        if apart.len() < PATHS_MAX && !apart.iter().any(|taken| taken.meets(&route)) {
            apart.push(route);
        }
    }
    for count in 2..=apart.len() {
        let Some(paths) = apart.get(..count) else {
            break;
        };
        if let Some(split) = split(market, wanted, paths)?
            && is_worth(exact, &split, &best)
        {
            best = split;
        }
    }
    Ok(best)
}

/// Whether pools lead there at all, whatever they would do with the amount.
pub(super) fn leads(market: &mut impl Market, wanted: Wanted) -> RpcResult<bool> {
    let Middles { near, far } = Middles::of(market, wanted)?;
    let is_next = !market.pools_of(wanted.from, wanted.to)?.is_empty();
    if is_next || near.iter().any(|asset| far.contains(asset)) {
        return Ok(true);
    }
    for one in &near {
        for other in &far {
            if !market.pools_of(*one, *other)?.is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Assets that a path may go through.
struct Middles {
    /// Next to the side that is given.
    near: Vec<u32>,
    /// Next to the other.
    far: Vec<u32>,
}

impl Middles {
    fn of(market: &mut impl Market, wanted: Wanted) -> RpcResult<Self> {
        let (start, goal) = wanted.ends();
        let (near, far) = (
            neighbours(market, start, goal)?,
            neighbours(market, goal, start)?,
        );
        let chosen = |of: &[u32], others: &[u32]| {
            let mut chosen = of.to_vec();
            chosen.sort_by_key(|asset| (!others.contains(asset), *asset));
            chosen.truncate(MIDDLES_MAX);
            chosen
        };
        Ok(Self {
            near: chosen(&near, &far),
            far: chosen(&far, &near),
        })
    }
}

/// Assets that pools swap with one, but for another.
fn neighbours(market: &mut impl Market, asset: u32, but: u32) -> RpcResult<Vec<u32>> {
    let mut found = Vec::new();
    for other in 0..market.asset_count() {
        if other != asset && other != but && !market.pools_of(asset, other)?.is_empty() {
            found.push(other);
        }
    }
    Ok(found)
}

impl Wanted {
    /// Where a search begins, and where it wants to.
    fn ends(&self) -> (u32, u32) {
        match self.exact {
            Exact::In => (self.from, self.to),
            Exact::Out => (self.to, self.from),
        }
    }
}

/// Whole paths that a search finds, the best first.
fn candidates(
    market: &mut impl Market,
    wanted: Wanted,
    middles: &Middles,
) -> RpcResult<Vec<Route>> {
    let exact = wanted.exact;
    let (start, goal) = wanted.ends();
    let mut done = Vec::new();
    let mut front = vec![(start, Route::start(wanted.amount))];
    for number in 0..HOPS_MAX {
        let between: &[u32] = match number {
            0 => &middles.near,
            1 => &middles.far,
            _ => &[],
        };
        let mut reached: BTreeMap<u32, Vec<Route>> = BTreeMap::new();
        for (at, route) in &front {
            for next in between.iter().copied().chain([goal]) {
                if next == *at || route.has_asset(next) {
                    continue;
                }
                let longer = one_hop(market, exact, route, (*at, next))?;
                if next == goal {
                    done.extend(longer);
                } else {
                    reached.entry(next).or_default().extend(longer);
                }
            }
        }
        front = reached
            .into_iter()
            .flat_map(|(asset, mut routes)| {
                sort(exact, &mut routes);
                routes.truncate(KEPT);
                routes.into_iter().map(move |route| (asset, route))
            })
            .collect();
    }
    sort(exact, &mut done);
    Ok(done)
}

fn sort(exact: Exact, routes: &mut [Route]) {
    routes.sort_by(|one, other| {
        exact
            .order(one.other(exact), other.other(exact))
            .then_with(|| one.hops.len().cmp(&other.hops.len()))
            .then_with(|| one.hops.cmp(&other.hops))
    });
}

/// A route, one hop further by each pool that swaps the two assets.
fn one_hop(
    market: &mut impl Market,
    exact: Exact,
    route: &Route,
    (at, next): (u32, u32),
) -> RpcResult<Vec<Route>> {
    let mut longer = Vec::new();
    for pool in market.pools_of(at, next)? {
        if route.has_pool(pool) {
            continue;
        }
        let (asset_in, asset_out) = match exact {
            Exact::In => (at, next),
            Exact::Out => (next, at),
        };
        let hop = Hop {
            pool,
            asset_in,
            asset_out,
        };
        let amount = route.other(exact);
        if let Some(other) = market.trade(hop, exact, amount)? {
            longer.push(route.longer(exact, hop, other));
        }
    }
    Ok(longer)
}

/// The same hops with another amount; none where a pool refuses.
fn again(
    market: &mut impl Market,
    exact: Exact,
    hops: &[Hop],
    amount: U256,
) -> RpcResult<Option<Route>> {
    let mut route = Route::start(amount);
    let mut rest: Vec<Hop> = hops.to_vec();
    if exact == Exact::Out {
        rest.reverse();
    }
    for hop in rest {
        let Some(other) = market.trade(hop, exact, route.other(exact))? else {
            return Ok(None);
        };
        route = route.longer(exact, hop, other);
    }
    Ok(Some(route))
}

/// Gives an amount to paths that share no pool, part by part, each to the one that does most for it.
fn split(
    market: &mut impl Market,
    wanted: Wanted,
    paths: &[Route],
) -> RpcResult<Option<Vec<Route>>> {
    let exact = wanted.exact;
    let part = wanted.amount / U256::from(PARTS);
    // Of each path: parts so far, what they come to, and what one more would make of that.
    let mut filled: Vec<(u64, U256, Option<U256>)> = Vec::new();
    for path in paths {
        let first = again(market, exact, &path.hops, part)?;
        filled.push((0, U256::ZERO, first.map(|route| route.other(exact))));
    }
    for _ in 0..PARTS {
        let steps = filled.iter().enumerate();
        let steps = steps.filter_map(|(at, (_, now, next))| {
            let step = (*next)?.saturating_sub(*now);
            Some((at, step))
        });
        let Some((at, _)) = steps.min_by(|one, other| exact.order(one.1, other.1)) else {
            return Ok(None);
        };
        let (Some(path), Some((parts, now, next))) = (paths.get(at), filled.get_mut(at)) else {
            return Ok(None);
        };
        *parts += 1;
        *now = next.unwrap_or_default();
        let more = part.saturating_mul(U256::from(*parts + 1));
        *next = again(market, exact, &path.hops, more)?.map(|route| route.other(exact));
    }
    let mut shares: Vec<(u64, &Route)> = filled
        .iter()
        .map(|(parts, _, _)| *parts)
        .zip(paths)
        .filter(|(parts, _)| *parts > 0)
        .collect();
    shares.sort_by_key(|(parts, _)| std::cmp::Reverse(*parts));
    // What does not divide by the number of parts goes with the largest.
    let mut rest = wanted.amount % U256::from(PARTS);
    let mut routes = Vec::with_capacity(shares.len());
    for (parts, path) in shares {
        let amount = part.saturating_mul(U256::from(parts)).saturating_add(rest);
        rest = U256::ZERO;
        let Some(route) = again(market, exact, &path.hops, amount)? else {
            return Ok(None);
        };
        routes.push(route);
    }
    Ok(Some(routes))
}

/// Whether routes are enough better than those found before.
fn is_worth(exact: Exact, routes: &[Route], before: &[Route]) -> bool {
    if before.is_empty() {
        return true;
    }
    let sum = |routes: &[Route]| {
        let others = routes.iter().map(|route| route.other(exact));
        others.fold(U256::ZERO, U256::saturating_add)
    };
    let (now, then) = (sum(routes), sum(before));
    let gain = match exact {
        Exact::In => now.saturating_sub(then),
        Exact::Out => then.saturating_sub(now),
    };
    gain > then / U256::from(WORTH_PARTS)
}

#[cfg(test)]
mod tests;
