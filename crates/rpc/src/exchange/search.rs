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
//! for a little is not the best for all. Of what the second one finds, sets of paths that share no pool are filled tenth by
//! tenth, each where it does most; pools that do not meet do not disturb each other, so parts add up.
//! Then the best path is cut into stages ([`Plan`]), each of which is parted in the same way on its own: that is where
//! ways part that share a pool.
//!
//! Bounds: paths of [`HOPS_MAX`] pools, [`MIDDLES_MAX`] assets between on each side, sixteen pools of a pair,
//! [`KEPT`] ways to an asset. With `M` middles and `P = 16` that is at most `2 * ((M + 1) * P + M * KEPT * (M + 2) * P)`
//! questions, 5,408, and ninety for each split, of which there are four. A stage of one pool asks `P + 121` more, one of two
//! pools `(M + 1) * P + M * KEPT * P + 242`, and a path of three is cut in three ways: 1,969 for its five stages of one pool
//! and two of two.

mod plan;

use std::{cmp::Ordering, collections::BTreeMap};

use alloy_primitives::U256;

pub(super) use self::plan::Plan;
use crate::error::RpcResult;

/// Most pools of a path.
pub(super) const HOPS_MAX: usize = 3;
/// Most assets next to an end that a path goes through: those between both ends first, then the lowest numbers.
pub(super) const MIDDLES_MAX: usize = 8;
/// Ways to an asset that are followed further.
const KEPT: usize = 2;
/// Most paths of one swap.
pub(super) const PATHS_MAX: usize = 3;
/// Paths from which a set of paths that share no pool begins.
const BEGINNINGS: usize = 4;
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
        let (amounts, others) = (self.amounts.as_slice(), [other]);
        let amounts = match exact {
            Exact::In => [amounts, &others],
            Exact::Out => [&others, amounts],
        };
        Self {
            hops: joined(exact, &self.hops, &hop).concat(),
            amounts: amounts.concat(),
        }
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

/// Hops with one more at the end that is not given, in the order of payment.
fn joined<'h>(exact: Exact, hops: &'h [Hop], hop: &'h Hop) -> [&'h [Hop]; 2] {
    let hop = std::slice::from_ref(hop);
    match exact {
        Exact::In => [hops, hop],
        Exact::Out => [hop, hops],
    }
}

/// A route, one hop further. Most are forgotten before they are made.
struct Step<'r> {
    route: &'r Route,
    hop: Hop,
    other: U256,
}

impl Step<'_> {
    /// Its hops, in the order of payment.
    fn hops(&self, exact: Exact) -> impl Iterator<Item = &Hop> {
        joined(exact, &self.route.hops, &self.hop)
            .into_iter()
            .flatten()
    }

    fn made(&self, exact: Exact) -> Route {
        self.route.longer(exact, self.hop, self.other)
    }

    /// Which of two steps comes first, as [`sort`] orders what they make.
    fn order(&self, exact: Exact, other: &Self) -> Ordering {
        exact
            .order(self.other, other.other)
            .then_with(|| self.route.hops.len().cmp(&other.route.hops.len()))
            .then_with(|| self.hops(exact).cmp(other.hops(exact)))
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

/// The best plan found for all of the amount; an empty one if no pools lead there.
pub(super) fn find(market: &mut impl Market, wanted: Wanted) -> RpcResult<Plan> {
    let middles = Middles::of(market, wanted)?;
    let whole = candidates(market, wanted, &middles, HOPS_MAX)?;
    let Some(single) = whole.into_iter().next() else {
        return Ok(Plan::default());
    };
    let parts = parted(market, wanted, &middles, HOPS_MAX, &single)?;
    let mut best = Plan::of(parts);
    for lengths in rows(single.hops.len()) {
        if let Some(plan) = staged(market, wanted, &single, lengths)?
            && is_worth(
                wanted.exact,
                plan.other(wanted.exact),
                best.other(wanted.exact),
            )
        {
            best = plan;
        }
    }
    Ok(best)
}

/// How many pools of a path of so many are in one stage, from the side that is given: every way to cut it.
const fn rows(hops: usize) -> &'static [&'static [usize]] {
    match hops {
        2 => &[&[1, 1]],
        3 => &[&[1, 2], &[2, 1], &[1, 1, 1]],
        _ => &[],
    }
}

/// Cuts the best path into stages, and parts each of them, from the side that is given. None where a pool refuses.
fn staged(
    market: &mut impl Market,
    wanted: Wanted,
    single: &Route,
    lengths: &[usize],
) -> RpcResult<Option<Plan>> {
    let exact = wanted.exact;
    let mut rest = single.hops.clone();
    let mut plan = Plan { stages: Vec::new() };
    let mut amount = wanted.amount;
    for length in lengths {
        let own: Vec<Hop> = match exact {
            Exact::In => rest.drain(..*length).collect(),
            Exact::Out => rest.split_off(rest.len().saturating_sub(*length)),
        };
        let (Some(first), Some(last)) = (own.first(), own.last()) else {
            return Ok(None);
        };
        let wanted = Wanted {
            from: first.asset_in,
            to: last.asset_out,
            exact,
            amount,
        };
        let elsewhere = plan.hops().chain(&rest).map(|hop| hop.pool);
        let all = single.hops.iter();
        let all = all.flat_map(|hop| [hop.asset_in, hop.asset_out]);
        let is_own = |asset: &u32| {
            let mut own = own.iter();
            own.any(|hop| [hop.asset_in, hop.asset_out].contains(asset))
        };
        let market = &mut Without {
            pools: elsewhere.collect(),
            assets: all.filter(|asset| !is_own(asset)).collect(),
            market: &mut *market,
        };
        let Some(route) = again(market, exact, &own, amount)? else {
            return Ok(None);
        };
        let middles = match length {
            1 => Middles::default(),
            _ => Middles::of(market, wanted)?,
        };
        let routes = parted(market, wanted, &middles, *length, &route)?;
        amount = plan::sum(exact, &routes);
        match exact {
            Exact::In => plan.stages.push(routes),
            Exact::Out => plan.stages.insert(0, routes),
        }
    }
    Ok(Some(plan))
}

/// The best path, or parts of the amount by several that share no pool, if that is better.
fn parted(
    market: &mut impl Market,
    wanted: Wanted,
    middles: &Middles,
    hops_max: usize,
    single: &Route,
) -> RpcResult<Vec<Route>> {
    let exact = wanted.exact;
    let mut best = vec![single.clone()];
    let part = wanted.amount / U256::from(PARTS);
    if part.is_zero() {
        return Ok(best);
    }
    let little = Wanted {
        amount: part,
        ..wanted
    };
    let found = candidates(market, little, middles, hops_max)?;
    for first in 0..found.len().min(BEGINNINGS) {
        let apart = apart(&found, first);
        for count in 2..=apart.len() {
            let Some(paths) = apart.get(..count) else {
                break;
            };
            if let Some(split) = split(market, wanted, paths)?
                && is_worth(exact, plan::sum(exact, &split), plan::sum(exact, &best))
            {
                best = split;
            }
        }
    }
    Ok(best)
}

/// Paths that share no pool, as many as there may be: one of those that were found, then the best that do not meet it. Where the
/// best path of all meets every other, two that are less good alone are better together.
fn apart(found: &[Route], first: usize) -> Vec<Route> {
    let mut apart: Vec<Route> = found.get(first).cloned().into_iter().collect();
    for route in found {
        if apart.len() < PATHS_MAX && !apart.iter().any(|taken| taken.meets(route)) {
            apart.push(route.clone());
        }
    }
    apart
}

/// A market without some of its pools and assets.
struct Without<'m, M> {
    market: &'m mut M,
    pools: Vec<u32>,
    assets: Vec<u32>,
}

impl<M: Market> Market for Without<'_, M> {
    fn asset_count(&self) -> u32 {
        self.market.asset_count()
    }

    fn pools_of(&mut self, one: u32, other: u32) -> RpcResult<Vec<u32>> {
        if self.assets.contains(&one) || self.assets.contains(&other) {
            return Ok(Vec::new());
        }
        let mut pools = self.market.pools_of(one, other)?;
        pools.retain(|pool| !self.pools.contains(pool));
        Ok(pools)
    }

    fn trade(&mut self, hop: Hop, exact: Exact, amount: U256) -> RpcResult<Option<U256>> {
        self.market.trade(hop, exact, amount)
    }
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
#[derive(Default)]
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
    hops_max: usize,
) -> RpcResult<Vec<Route>> {
    let exact = wanted.exact;
    let (start, goal) = wanted.ends();
    let mut done = Vec::new();
    let mut front = vec![(start, Route::start(wanted.amount))];
    for number in 1..=hops_max {
        // The last hop leads to the end.
        let between: &[u32] = match number {
            _ if number == hops_max => &[],
            1 => &middles.near,
            _ => &middles.far,
        };
        let mut reached: BTreeMap<u32, Vec<Step<'_>>> = BTreeMap::new();
        for (at, route) in &front {
            for next in between.iter().copied().chain([goal]) {
                if next == *at || route.has_asset(next) {
                    continue;
                }
                let steps = one_hop(market, exact, route, (*at, next))?;
                if next == goal {
                    done.extend(steps.iter().map(|step| step.made(exact)));
                } else {
                    reached.entry(next).or_default().extend(steps);
                }
            }
        }
        front = reached
            .into_iter()
            .flat_map(|(asset, mut steps)| {
                steps.sort_by(|one, other| one.order(exact, other));
                steps.truncate(KEPT);
                steps.into_iter().map(move |step| (asset, step.made(exact)))
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

/// Steps from a route to another asset: one for each pool that swaps the two.
fn one_hop<'r>(
    market: &mut impl Market,
    exact: Exact,
    route: &'r Route,
    (at, next): (u32, u32),
) -> RpcResult<Vec<Step<'r>>> {
    let pools = market.pools_of(at, next)?;
    let mut steps = Vec::with_capacity(pools.len());
    for pool in pools {
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
        if let Some(other) = market.trade(hop, exact, route.other(exact))? {
            steps.push(Step { route, hop, other });
        }
    }
    Ok(steps)
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

/// Whether one other side is enough better than another.
fn is_worth(exact: Exact, now: U256, then: U256) -> bool {
    let gain = match exact {
        Exact::In => now.saturating_sub(then),
        Exact::Out => then.saturating_sub(now),
    };
    gain > then / U256::from(WORTH_PARTS)
}

#[cfg(test)]
mod tests;
