//! A swap as it is planned: stages in a row, each of routes side by side.
//!
//! ```text
//!          stage                stage
//!   from ──┬── pool ──┬──► x ──┬── pool ─────────────┬──► to
//!          └── pool ──┘        └── pool ─► y ── pool ┘
//! ```
//!
//! Routes of a stage share no pool, and no pool is in two stages: each is asked once, and is asked for all that goes
//! through it. So a pool that all ways share stands alone in its stage, and what the whole moves it by is in what the next
//! stage gets.

use alloy_primitives::U256;
use capstan_units::mul_div_down;

use super::{Exact, Hop, Route};

/// Stages in the order of payment; none is no way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::exchange) struct Plan {
    pub(in crate::exchange) stages: Vec<Vec<Route>>,
}

impl Plan {
    pub(super) fn of(routes: Vec<Route>) -> Self {
        Self {
            stages: vec![routes],
        }
    }

    /// The side that is not given.
    pub(super) fn other(&self, exact: Exact) -> U256 {
        let far = match exact {
            Exact::In => self.stages.last(),
            Exact::Out => self.stages.first(),
        };
        far.map(|routes| sum(exact, routes)).unwrap_or_default()
    }

    /// Every pool, once.
    pub(super) fn hops(&self) -> impl Iterator<Item = &Hop> {
        self.stages.iter().flatten().flat_map(|route| &route.hops)
    }

    /// Whole ways from the first asset to the last, the largest first. What goes through a pool that several share is told
    /// in parts, and at each asset between two stages parts add up to what is there.
    pub(in crate::exchange) fn ways(&self) -> Vec<Route> {
        let mut stages = self.stages.iter().cloned();
        let mut ways = stages.next().unwrap_or_default();
        for next in stages {
            ways = joined(ways, next);
        }
        if self.stages.len() > 1 {
            ways.sort_by_key(|way| std::cmp::Reverse(way.paid()));
        }
        ways
    }
}

/// What routes come to together, on the side that is not given.
pub(super) fn sum(exact: Exact, routes: &[Route]) -> U256 {
    let others = routes.iter().map(|route| route.other(exact));
    others.fold(U256::ZERO, U256::saturating_add)
}

/// Leads what each of the first gives to the second ones, in order.
fn joined(first: Vec<Route>, second: Vec<Route>) -> Vec<Route> {
    let mut ways = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let (mut here, mut there) = (first.next(), second.next());
    while let (Some(one), Some(other)) = (&here, &there) {
        let amount = one.received().min(other.paid());
        let (taken, here_left) = one.cut(amount, one.received());
        let (led, there_left) = other.cut(amount, other.paid());
        ways.push(taken.followed_by(&led));
        here = here_left.or_else(|| first.next());
        there = there_left.or_else(|| second.next());
    }
    ways
}

impl Route {
    /// `part` of `whole` of it, and the rest if there is one; parts of each amount are rounded down, so rests are not.
    fn cut(&self, part: U256, whole: U256) -> (Self, Option<Self>) {
        if part == whole {
            return (self.clone(), None);
        }
        let of_each = self.amounts.iter();
        let parts = of_each.map(|amount| mul_div_down(*amount, part, whole).unwrap_or_default());
        let parts: Vec<U256> = parts.collect();
        let both = self.amounts.iter().zip(&parts);
        let rests = both.map(|(amount, part)| amount.saturating_sub(*part));
        let with = |amounts| Self {
            hops: self.hops.clone(),
            amounts,
        };
        let rests = rests.collect();
        (with(parts), Some(with(rests)))
    }

    fn followed_by(&self, next: &Self) -> Self {
        let to_here = self.amounts.iter().take(self.hops.len());
        Self {
            hops: self.hops.iter().chain(&next.hops).copied().collect(),
            amounts: to_here.chain(&next.amounts).copied().collect(),
        }
    }
}
