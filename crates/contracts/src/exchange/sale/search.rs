//! Ways for a sale, and how it is cut among them.

use std::{cmp::Reverse, collections::BTreeMap};

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets, Bps, LogRatio, mul_div_down};

use super::{Sale, Step, Way};
use crate::exchange::{
    params::{
        SALE_AMOUNT_MIN, SALE_FLAT_BPS, SALE_PARTS, SALE_RUN_GAS, SALE_SEARCH_GAS, SALE_SLICES,
        SALE_SLICES_MAX, SALE_WAYS_MAX,
    },
    pool::{self, Pool, STATE},
    track,
    trade::{Exact, trade},
};

/// A search under way. Its world is a scratch one.
pub(super) struct Search {
    sale: Sale,
    /// How far the price of a pool may fall, in steps of a logarithm.
    fall_max: i64,
    /// Gas that was left when it began.
    gas: u64,
    /// The least that is tried.
    smallest: Assets,
    /// What the best way brings for that.
    best_bought: Assets,
    ways: Vec<Way>,
    slices: Vec<(Way, Assets)>,
    anchors: BTreeMap<Step, LogRatio>,
}

impl Search {
    pub(super) fn new(cx: &Ctx<'_>, sale: Sale, impact_max: Bps) -> Self {
        let whole = Bps::ONE.to_u256();
        let fallen = LogRatio::of_down(whole.saturating_sub(impact_max.to_u256()), whole);
        let part = part_of(sale.amount_max, SALE_PARTS);
        let least = Assets::new(SALE_AMOUNT_MIN).unwrap_or(Assets::MAX);
        Self {
            sale,
            // Rounded down to a lower price, so one step less is what may be gone.
            fall_max: i64::from(fallen.get()).saturating_neg().saturating_sub(1),
            gas: cx.store.gas_left(),
            smallest: part.max(least).min(sale.amount_max),
            best_bought: Assets::ZERO,
            ways: Vec::new(),
            slices: Vec::new(),
            anchors: BTreeMap::new(),
        }
    }

    /// What was found.
    pub(super) fn found(self) -> (Vec<(Way, Assets)>, BTreeMap<Step, LogRatio>) {
        (self.slices, self.anchors)
    }

    /// Tries every pool of the pair, then two steps through each common coin, the best pool at each. Ways that take the
    /// smallest part at the price stay, the best first.
    pub(super) fn find_ways(&mut self, cx: &mut Ctx<'_>, coins: &[AssetId]) -> Result<(), Halt> {
        let (from, to, part) = (self.sale.sold, self.sale.received, self.smallest);
        let mut found = Vec::new();
        let mut join = |search: &mut Self, cx: &mut Ctx<'_>, way: Way| -> Result<(), Halt> {
            if let Some(bought) = search.tried(cx, way, part)? {
                found.push((Reverse(bought), way));
            }
            Ok(())
        };
        for first in steps(cx, from, to)? {
            if self.is_spent(cx) {
                break;
            }
            let second = None;
            join(self, cx, Way { first, second })?;
        }
        for coin in coins {
            if *coin == from || *coin == to {
                continue;
            }
            let Some((first, amount)) = self.best_step(cx, from, *coin, part, None)? else {
                continue;
            };
            let best = self.best_step(cx, *coin, to, amount, Some(first))?;
            if let Some((second, _)) = best {
                let second = Some(second);
                join(self, cx, Way { first, second })?;
            }
        }
        // Stable: of two that bring the same, the older pool.
        found.sort_by_key(|(bought, _)| *bought);
        found.truncate(SALE_WAYS_MAX);
        if let Some((Reverse(bought), _)) = found.first() {
            self.best_bought = *bought;
        }
        self.ways = found.into_iter().map(|(_, way)| way).collect();
        Ok(())
    }

    /// The pool that gives most for an amount; never the one that the way goes through already.
    fn best_step(
        &mut self,
        cx: &mut Ctx<'_>,
        from: AssetId,
        to: AssetId,
        amount: Assets,
        after: Option<Step>,
    ) -> Result<Option<(Step, Assets)>, Halt> {
        let mut best: Option<(Step, Assets)> = None;
        for first in steps(cx, from, to)? {
            if self.is_spent(cx) || after.is_some_and(|before| before.pool == first.pool) {
                continue;
            }
            let second = None;
            let Some(bought) = self.bought(cx, Way { first, second }, amount)? else {
                continue;
            };
            if best.is_none_or(|(_, most)| bought > most) {
                best = Some((first, bought));
            }
        }
        Ok(best)
    }

    /// Cuts the sale among the ways: all of it by one where that costs little, else a slice at a time by whichever brings
    /// most for it. Where none takes a slice, half of it is tried.
    pub(super) fn cut(&mut self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        let whole = self.sale.amount_max;
        if let Some((way, bought)) = self.best(cx, whole)?
            && (self.ways.len() == 1 || self.is_flat(bought)?)
        {
            self.slices.push((way, whole));
            return Ok(());
        }
        let mut left = whole;
        let mut slice = part_of(whole, SALE_SLICES).max(self.smallest);
        while !left.is_zero() && self.slices.len() < SALE_SLICES_MAX && !self.is_spent(cx) {
            let part = slice.min(left);
            let Some((way, _)) = self.best(cx, part)? else {
                if part <= self.smallest {
                    break;
                }
                slice = part_of(part, 2).max(self.smallest);
                continue;
            };
            if !matches!(cx.attempt_item(|cx| self.run(cx, way, part))?, Ok(Some(_))) {
                break;
            }
            self.slices.push((way, part));
            left = left.sub(part)?;
        }
        Ok(())
    }

    /// The way that brings most for an amount at the price.
    fn best(&mut self, cx: &mut Ctx<'_>, amount: Assets) -> Result<Option<(Way, Assets)>, Halt> {
        let mut best: Option<(Way, Assets)> = None;
        for way in self.ways.clone() {
            let tried = self.tried(cx, way, amount)?;
            if let Some(bought) = tried
                && best.is_none_or(|(_, most)| bought > most)
            {
                best = Some((way, bought));
            }
        }
        Ok(best)
    }

    /// Whether all of it brings nearly as much for each unit as the smallest part does: then a split gains nothing.
    fn is_flat(&self, bought: Assets) -> Result<bool, Halt> {
        let whole = self.sale.amount_max.to_u256();
        let even = mul_div_down(
            self.best_bought.to_u256(),
            whole,
            self.smallest.to_u256().max(U256::ONE),
        )?;
        let one = Bps::ONE.to_u256();
        let least = mul_div_down(even, one.saturating_sub(U256::from(SALE_FLAT_BPS)), one)?;
        Ok(bought.to_u256() >= least)
    }

    /// What an amount brings by a way, if that is enough.
    fn tried(
        &mut self,
        cx: &mut Ctx<'_>,
        way: Way,
        amount: Assets,
    ) -> Result<Option<Assets>, Halt> {
        let bought = self.bought(cx, way, amount)?;
        // A price that no amount reaches is reached by none.
        let least = self.sale.price_min.of_up(amount).unwrap_or(Assets::MAX);
        Ok(bought.filter(|bought| *bought >= least))
    }

    /// What an amount brings by a way; `None` where a pool refuses, would be pushed too far, or asks too much work.
    fn bought(
        &mut self,
        cx: &mut Ctx<'_>,
        way: Way,
        amount: Assets,
    ) -> Result<Option<Assets>, Halt> {
        let before = cx.store.gas_left();
        let mark = cx.store.mark();
        let ran = cx.attempt_item(|cx| self.run(cx, way, amount))?;
        cx.store.rewind(mark);
        let spent = before.saturating_sub(cx.store.gas_left());
        Ok(ran.ok().flatten().filter(|_| spent <= SALE_RUN_GAS))
    }

    /// Swaps along a way.
    fn run(&mut self, cx: &mut Ctx<'_>, way: Way, amount: Assets) -> Result<Option<Assets>, Halt> {
        let mut amount = amount;
        for step in way.steps() {
            let anchor = self.anchor(cx, step)?;
            let exact = Exact::In(amount);
            amount = trade(cx, step.pool, step.from, step.to, exact)?.amount_out;
            let fell = i64::from(anchor.get()).saturating_sub(price(cx, step)?.get().into());
            if fell > self.fall_max {
                return Ok(None);
            }
        }
        Ok(Some(amount))
    }

    /// Where the price of a pool stood before this block's sales.
    fn anchor(&mut self, cx: &mut Ctx<'_>, step: Step) -> Result<LogRatio, Halt> {
        if let Some(known) = self.anchors.get(&step) {
            return Ok(*known);
        }
        let place = STATE.sale_anchors.at((step.pool, (step.from, step.to)));
        let stored = place.load(cx)?;
        let anchor = if stored.height == cx.store.block().number {
            LogRatio::clamped(stored.price.cast_signed().into())
        } else {
            price(cx, step)?
        };
        self.anchors.insert(step, anchor);
        Ok(anchor)
    }

    /// Whether the search has done its work.
    fn is_spent(&self, cx: &Ctx<'_>) -> bool {
        self.gas.saturating_sub(cx.store.gas_left()) > SALE_SEARCH_GAS
    }
}

/// One part of so many, down.
fn part_of(amount: Assets, parts: u128) -> Assets {
    let part = amount.get().checked_div(parts).unwrap_or_default();
    Assets::new(part).unwrap_or(Assets::ZERO)
}

/// The pools of a pair, the oldest first. A damaged list has none.
fn steps(cx: &mut Ctx<'_>, from: AssetId, to: AssetId) -> Result<Vec<Step>, Halt> {
    let pools = cx.attempt_item(|cx| pool::of_pair(cx, from, to))?;
    let pools = pools.unwrap_or_default().into_iter();
    Ok(pools.map(|pool| Step { pool, from, to }).collect())
}

/// Units of what a pool gives for a unit of what it takes.
fn price(cx: &mut Ctx<'_>, step: Step) -> Result<LogRatio, Halt> {
    let pool = Pool::load(cx, step.pool)?;
    let mut of = |asset: AssetId| -> Result<i64, Halt> {
        match pool.place(asset) {
            Some(0) | None => Ok(0),
            Some(place) => Ok(track::spot(cx, &pool, place)?.get().into()),
        }
    };
    let (given, taken) = (of(step.to)?, of(step.from)?);
    Ok(LogRatio::clamped(given.saturating_sub(taken)))
}
