//! The minted dollar in plain integers: fee, ceiling, headroom, surplus and hole, and who waits for redemption.

use std::collections::VecDeque;

use alloy_primitives::{Address, U256};
use capstan_units::{AccountId, MS_PER_YEAR};

use super::{
    super::*,
    USD_ASSET,
    book::{Answer, Model, ceil, floor, narrow, one, whole},
};
use crate::{
    dollar::IDollar::{
        DollarCeiling, DollarHeadroom, DollarInsufficientDebt, DollarNoRequest, DollarNotRequester,
        DollarParams, DollarPausedNow, DollarRequestTooSmall, DollarTooSmall, DollarZeroAmount,
    },
    testkit::market::{Book, RAY_BPS, half_up, no, of, ray, sum},
};

const DAY_MS: u64 = 86_400_000;
/// Pause bit of mints.
const MINT: u8 = 1;
/// Pause bit of requests.
const REQUEST: u8 = 4;

/// Dollars that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) id: u64,
    pub(super) account: AccountId,
    pub(super) left: U256,
}

/// The dollar as of a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    pub(super) index: U256,
    pub(super) surplus: U256,
    pub(super) hole: U256,
}

#[derive(Clone)]
pub(super) struct Usd {
    pub(super) params: DollarParams,
    pub(super) next: Option<(u64, DollarParams)>,
    pub(super) paused: u8,
    pub(super) free: Book,
    pub(super) debts: Book,
    pub(super) index: U256,
    pub(super) at_ms: u64,
    pub(super) surplus: U256,
    pub(super) hole: U256,
    /// Headroom in use, and since when it was so much.
    used: U256,
    used_at_ms: u64,
    pub(super) queue: VecDeque<Request>,
    pub(super) made: u64,
}

impl Usd {
    /// Nobody owes anything yet.
    pub(super) fn new(params: DollarParams, now_ms: u64) -> Self {
        Self {
            params,
            next: None,
            paused: 0,
            free: Book::new(),
            debts: Book::new(),
            index: ray(),
            at_ms: now_ms,
            surplus: U256::ZERO,
            hole: U256::ZERO,
            used: U256::ZERO,
            used_at_ms: 0,
            queue: VecDeque::new(),
            made: 0,
        }
    }

    fn after(&self, before: Ahead, bps: u32, ms: u64) -> Ahead {
        let total = sum(&self.debts);
        if total.is_zero() {
            return before;
        }
        let rate = U256::from(bps) * n(RAY_BPS);
        let x = rate * U256::from(ms) / U256::from(MS_PER_YEAR);
        let growth = ray() + x + half_up(x, x / n(2) + half_up(x, x / n(6), ray()), ray());
        let index = ceil(growth, before.index, ray());
        let income = floor(total, index - before.index, ray());
        let filled = income.min(before.hole);
        Ahead {
            index,
            surplus: before.surplus + income - filled,
            hole: before.hole - filled,
        }
    }

    /// As of now, whether or not it accrues: a new fee counts from its exact moment.
    pub(super) fn ahead(&self, now_ms: u64) -> Ahead {
        let before = Ahead {
            index: self.index,
            surplus: self.surplus,
            hole: self.hole,
        };
        if self.at_ms == now_ms {
            return before;
        }
        match &self.next {
            Some((from_ms, next)) if *from_ms <= now_ms => {
                let until = from_ms.saturating_sub(self.at_ms);
                let then = self.after(before, self.params.stabilityBps, until);
                self.after(then, next.stabilityBps, now_ms - from_ms)
            }
            _ => self.after(before, self.params.stabilityBps, now_ms - self.at_ms),
        }
    }

    /// Parameters in force now.
    pub(super) fn params_at(&self, now_ms: u64) -> &DollarParams {
        match &self.next {
            Some((from_ms, next)) if *from_ms <= now_ms && self.at_ms != now_ms => next,
            _ => &self.params,
        }
    }

    pub(super) fn accrue(&mut self, now_ms: u64) {
        if self.at_ms == now_ms {
            return;
        }
        let Ahead {
            index,
            surplus,
            hole,
        } = self.ahead(now_ms);
        self.params = self.params_at(now_ms).clone();
        self.next = self.next.take().filter(|(from_ms, _)| *from_ms > now_ms);
        (self.index, self.surplus, self.hole) = (index, surplus, hole);
        self.at_ms = now_ms;
    }

    pub(super) fn owed(&self, who: AccountId, now_ms: u64) -> U256 {
        let shares = of(&self.debts, who);
        if shares.is_zero() {
            return shares;
        }
        ceil(shares, self.ahead(now_ms).index, ray())
    }

    fn drain(&mut self, now_ms: u64) {
        let elapsed = U256::from(now_ms - self.used_at_ms);
        let refill = U256::from(self.params.refillS) * n(1_000);
        let back = floor(self.params.headroom, elapsed, refill);
        self.used = self.used.saturating_sub(back);
        self.used_at_ms = now_ms;
    }

    fn take_headroom(&mut self, units: U256, now_ms: u64) -> Answer<()> {
        self.drain(now_ms);
        let size = self.params.headroom;
        let left = size.saturating_sub(self.used);
        if units <= left {
            self.used += units;
            return Ok(());
        }
        let resets_ms = if units > size {
            u64::MAX
        } else {
            let refill = U256::from(self.params.refillS) * n(1_000);
            now_ms + ceil(self.used + units - size, refill, size).to::<u64>()
        };
        no(&DollarHeadroom {
            amount: units,
            left,
            resetsMs: resets_ms,
        })
    }

    pub(super) fn mint(&mut self, who: AccountId, units: U256, now_ms: u64) -> Answer<()> {
        if units.is_zero() {
            return no(&DollarZeroAmount {});
        }
        self.accrue(now_ms);
        if self.paused & MINT != 0 {
            return no(&DollarPausedNow { verb: MINT });
        }
        let shares = ceil(units, ray(), self.index);
        let total = sum(&self.debts);
        if total + shares > floor(self.params.ceiling, ray(), self.index) {
            return no(&DollarCeiling {
                debt: ceil(total, self.index, ray()),
                amount: units,
                ceiling: self.params.ceiling,
            });
        }
        self.take_headroom(units, now_ms)?;
        *self.debts.entry(who).or_default() += shares;
        *self.free.entry(who).or_default() += units;
        Ok(())
    }

    pub(super) fn no_debt<R>(&self, who: AccountId) -> Answer<R> {
        no(&DollarInsufficientDebt {
            owner: who.owner,
            index: who.index,
            have: U256::ZERO,
            need: n(1),
        })
    }

    /// Takes up to `units` off a debt; answers how many.
    pub(super) fn lower(&mut self, who: AccountId, units: U256, now_ms: u64) -> Answer<U256> {
        let all = of(&self.debts, who);
        if all.is_zero() {
            return self.no_debt(who);
        }
        let owed = ceil(all, self.index, ray());
        let (paid, burned) = if units >= owed {
            (owed, all)
        } else {
            (units, floor(units, ray(), self.index))
        };
        if burned.is_zero() {
            return no(&DollarTooSmall {
                amount: units,
                least: self.index.div_ceil(ray()),
            });
        }
        *self.debts.entry(who).or_default() -= burned;
        self.drain(now_ms);
        self.used = self.used.saturating_sub(paid);
        Ok(paid)
    }

    pub(super) fn move_all(&mut self, from: AccountId, to: AccountId, now_ms: u64) {
        let shares = of(&self.debts, from);
        if shares.is_zero() {
            return;
        }
        self.accrue(now_ms);
        self.debts.remove(&from);
        *self.debts.entry(to).or_default() += shares;
    }

    /// Forgives a debt; answers what was owed, and what all who hold dollars bear of it.
    pub(super) fn write_off(&mut self, who: AccountId, now_ms: u64) -> Answer<(U256, U256)> {
        self.accrue(now_ms);
        let owed = ceil(of(&self.debts, who), self.index, ray());
        if self.debts.remove(&who).unwrap_or_default().is_zero() {
            return self.no_debt(who);
        }
        let borne = owed.min(self.surplus);
        self.surplus -= borne;
        self.hole += owed - borne;
        Ok((owed, owed - borne))
    }

    /// What the owner says; only what tightens alone counts at once.
    pub(super) fn set(&mut self, params: DollarParams, now_ms: u64) {
        self.accrue(now_ms);
        let before = &self.params;
        let same = DollarParams {
            refillS: before.refillS,
            ceiling: before.ceiling,
            headroom: before.headroom,
            ..params
        };
        let is_tighter = same == *before
            && params.refillS >= before.refillS
            && params.ceiling <= before.ceiling
            && params.headroom <= before.headroom;
        if is_tighter {
            (self.params, self.next) = (params, None);
        } else {
            self.next = Some((now_ms + DAY_MS, params));
        }
    }
}

impl Model {
    pub(super) fn burn_dollars(
        &mut self,
        payer: AccountId,
        debtor: AccountId,
        units: U256,
    ) -> Answer<U256> {
        if units.is_zero() {
            return no(&DollarZeroAmount {});
        }
        self.usd.accrue(self.now_ms);
        let paid = self.usd.lower(debtor, units, self.now_ms)?;
        self.take(USD_ASSET, payer, paid)?;
        Ok(paid)
    }

    pub(super) fn request(&mut self, account: AccountId, units: U256) -> Answer<U256> {
        let units = narrow(units)?;
        self.usd.accrue(self.now_ms);
        if self.usd.paused & REQUEST != 0 {
            return no(&DollarPausedNow { verb: REQUEST });
        }
        let least = self.usd.params.redemptionMin;
        if units < least {
            return no(&DollarRequestTooSmall {
                amount: units,
                least,
            });
        }
        self.spend(USD_ASSET, account.owner, units)?;
        self.usd.made += 1;
        let id = self.usd.made;
        self.usd.queue.push_back(Request {
            id,
            account,
            left: units,
        });
        Ok(U256::from(id))
    }

    pub(super) fn cancel_request(&mut self, who: Address, id: u64) -> Answer<U256> {
        let at = self.usd.queue.iter().position(|request| request.id == id);
        let Some(at) = at else {
            return no(&DollarNoRequest { id });
        };
        let Request { account, left, .. } = self.usd.queue[at];
        if account.owner != who {
            return no(&DollarNotRequester {
                id,
                owner: account.owner,
            });
        }
        self.usd.queue.remove(at);
        *self.wallets.entry((USD_ASSET, who)).or_default() += left;
        Ok(left)
    }

    /// Goods of a debtor for dollars, at par less the fee.
    pub(super) fn goods_for(&self, asset: u32, units: U256) -> U256 {
        let params = self.usd.params_at(self.now_ms);
        let fee = ceil(units, U256::from(params.redemptionFeeBps), one());
        let (_, price) = self.quotes[&asset].lend.expect("it could pay");
        floor(units - fee, whole(asset), n(price))
    }

    /// Serves the first request with free units of a debtor.
    pub(super) fn fulfil(&mut self, debtor: AccountId, asset: u32, units: U256) -> Answer<()> {
        self.usd.accrue(self.now_ms);
        let Request { account, left, .. } = self.usd.queue[0];
        let owed = self.usd.owed(debtor, self.now_ms);
        if owed.is_zero() {
            return self.usd.no_debt(debtor);
        }
        let burned = units.min(left).min(owed);
        let goods = self.goods_for(asset, burned);
        if goods.is_zero() {
            return no(&DollarTooSmall {
                amount: burned,
                least: self.usd.params.redemptionMin,
            });
        }
        self.usd.lower(debtor, burned, self.now_ms)?;
        self.shift(asset, debtor, account, goods)?;
        let left = left - burned;
        if left >= self.usd.params.redemptionMin {
            self.usd.queue[0].left = left;
        } else {
            self.usd.queue.pop_front();
            *self.wallets.entry((USD_ASSET, account.owner)).or_default() += left;
        }
        Ok(())
    }
}
