//! Limits that an owner set himself, and the day of losses (ACC-11, ACC-21).

use alloy_primitives::{I256, U256};
use capstan_units::AccountId;

use super::{
    super::*,
    book::{Answer, Model, ceil, one},
    sheet::{Asker, Sum},
};
use crate::testkit::market::no;

const DAY_S: u64 = 86_400;
/// Longest cooling-off: thirty days.
const COOLING_S_MAX: u32 = 2_592_000;

/// What counts, and what follows from when on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    now: Counts,
    next: Counts,
    from_s: u64,
}

/// Zeros are no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    leverage_bps: u32,
    loss_usd: u32,
    cooling_s: u32,
}

impl Counts {
    fn tighter(self, other: Self) -> Self {
        let less =
            |one: u32, other: u32| [one, other].into_iter().filter(|limit| *limit != 0).min();
        Self {
            leverage_bps: less(self.leverage_bps, other.leverage_bps).unwrap_or_default(),
            loss_usd: less(self.loss_usd, other.loss_usd).unwrap_or_default(),
            cooling_s: self.cooling_s.max(other.cooling_s),
        }
    }

    fn loss_max(&self) -> I256 {
        I256::from_raw(U256::from(self.loss_usd) * n(USD))
    }
}

/// A day of losses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Day {
    pub(super) begun_s: u64,
    pub(super) is_passed: bool,
    /// The equity that neither gains nor loses; none while a price is missing.
    mark: Option<I256>,
}

fn equity(sum: &Sum) -> I256 {
    I256::from_raw(sum.collateral) - I256::from_raw(sum.debt)
}

impl Day {
    fn begun(now_s: u64, equity: I256) -> Self {
        Self {
            begun_s: now_s,
            is_passed: false,
            mark: Some(equity),
        }
    }

    fn ends_s(&self, limits: Counts) -> u64 {
        let cooling = if self.is_passed { limits.cooling_s } else { 0 };
        self.begun_s + DAY_S + u64::from(cooling)
    }

    fn loss(&self, equity: I256) -> I256 {
        self.mark.expect("seen") - equity
    }

    /// A loss once seen stays seen; a day that is over begins anew.
    fn seen(mut self, now_s: u64, equity: I256, limits: Counts) -> Self {
        self.mark.get_or_insert(equity);
        self.is_passed |= self.loss(equity) > limits.loss_max();
        if now_s < self.ends_s(limits) {
            return self;
        }
        Self::begun(now_s, equity)
    }

    /// What moved in or out is neither profit nor loss.
    fn shift(&mut self, before: &Sum, after: &Sum) {
        let moved = equity(after) - equity(before);
        self.mark = self.mark.map(|mark| mark + moved);
    }
}

/// What a view of a day answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) begun_ms: u64,
    pub(super) ends_ms: u64,
    pub(super) loss: I256,
    pub(super) is_passed: bool,
}

impl Model {
    fn now_s(&self) -> u64 {
        self.now_ms / 1_000
    }

    fn counts(&self, who: AccountId) -> Counts {
        let Some(limits) = self.limits.get(&who) else {
            return Counts::default();
        };
        if limits.from_s != 0 && self.now_s() >= limits.from_s {
            limits.next
        } else {
            limits.now
        }
    }

    fn day(&self, who: AccountId) -> Day {
        self.days.get(&who).copied().unwrap_or_default()
    }

    fn measure(&self, who: AccountId) -> Option<Sum> {
        self.sum(who, Asker::Owner).ok()
    }

    fn lose_mark(&mut self, who: AccountId) {
        self.days.entry(who).or_default().mark = None;
    }

    /// The day of an account that limits its losses, if every price is known.
    pub(super) fn seen_day(&self, who: AccountId) -> Option<Seen> {
        let limits = self.counts(who);
        if limits.loss_usd == 0 {
            return None;
        }
        let equity = equity(&self.measure(who)?);
        let day = self.day(who).seen(self.now_s(), equity, limits);
        Some(Seen {
            begun_ms: day.begun_s * 1_000,
            ends_ms: day.ends_s(limits) * 1_000,
            loss: day.loss(equity),
            is_passed: day.is_passed,
        })
    }

    /// Tighter at once, looser after a day, and not before a cooling-off ends.
    pub(super) fn set_limits(&mut self, who: AccountId, limits: &OwnLimits) -> Answer<()> {
        let wanted = Counts {
            leverage_bps: limits.leverageMaxBps,
            loss_usd: limits.dailyLossMaxUsd,
            cooling_s: limits.coolingOffS,
        };
        if wanted.cooling_s > COOLING_S_MAX {
            return no(&AccountLimitOutOfRange {
                what: "coolingOffS".to_owned(),
                value: U256::from(wanted.cooling_s),
                max: U256::from(COOLING_S_MAX),
            });
        }
        let (now_s, present) = (self.now_s(), self.counts(who));
        let now = present.tighter(wanted);
        let equity = self.measure(who).map(|sum| equity(&sum));
        let day = (present.loss_usd != 0).then(|| {
            let day = self.day(who);
            equity.map_or(day, |equity| day.seen(now_s, equity, present))
        });
        let from_s = if now == wanted {
            now_s
        } else {
            let ends_s = day
                .filter(|day| day.is_passed)
                .map(|day| day.ends_s(present));
            (now_s + DAY_S).max(ends_s.unwrap_or_default())
        };
        let next = wanted;
        self.limits.insert(who, Limits { now, next, from_s });
        if now.loss_usd != 0 {
            let fresh = Day {
                begun_s: now_s,
                ..Day::default()
            };
            let begun = equity.map_or(fresh, |equity| Day::begun(now_s, equity));
            self.days.insert(who, day.unwrap_or(begun));
        }
        Ok(())
    }

    /// Before a batch changes an account.
    pub(super) fn begin_day(&mut self, who: AccountId) -> Option<Sum> {
        if self.counts(who).loss_usd == 0 {
            return None;
        }
        let before = self.measure(who);
        if before.is_none() {
            self.lose_mark(who);
        }
        before
    }

    /// When a batch ends.
    pub(super) fn end_day(
        &mut self,
        who: AccountId,
        lowers: bool,
        before: Option<Sum>,
    ) -> Answer<()> {
        let limits = self.counts(who);
        if lowers && limits.leverage_bps != 0 {
            self.refuse_leverage(who, limits.leverage_bps)?;
        }
        let Some(before) = before.filter(|_| limits.loss_usd != 0) else {
            return Ok(());
        };
        let equity = equity(&before);
        let mut day = self.day(who).seen(self.now_s(), equity, limits);
        match self.measure(who) {
            Some(after) => {
                if lowers && day.is_passed && raises_risk(&before, &after) {
                    return no(&AccountCoolingOff {
                        owner: who.owner,
                        index: who.index,
                        loss: day.loss(equity),
                        lossMax: limits.loss_max().into_raw(),
                        untilMs: day.ends_s(limits) * 1_000,
                    });
                }
                day.shift(&before, &after);
            }
            None => day.mark = None,
        }
        self.days.insert(who, day);
        Ok(())
    }

    fn refuse_leverage(&self, who: AccountId, max_bps: u32) -> Answer<()> {
        let sum = self.sum(who, Asker::Batch)?;
        if sum.debt.is_zero() {
            return Ok(());
        }
        let own = sum.collateral.saturating_sub(sum.debt);
        let leverage = if own.is_zero() {
            U256::MAX
        } else {
            ceil(sum.collateral, one(), own)
        };
        if leverage <= U256::from(max_bps) {
            return Ok(());
        }
        no(&AccountLimitReached {
            owner: who.owner,
            index: who.index,
            leverageBps: leverage,
            maxBps: max_bps,
        })
    }
}

/// More debt, or less collateral for each part of it, but for a dollar of rounding.
fn raises_risk(before: &Sum, after: &Sum) -> bool {
    let dollar = n(USD);
    if after.debt.is_zero() {
        return false;
    }
    if after.debt > before.debt + dollar {
        return true;
    }
    let per_debt = |held: U256, owed: U256| {
        if owed.is_zero() {
            U256::MAX
        } else {
            ceil(held, dollar, owed)
        }
    };
    per_debt(after.collateral + dollar, after.debt) < per_debt(before.collateral, before.debt)
}
