//! One market of `lending` in plain integers, from the formulas of its specification: what models predict with.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use alloy_sol_types::SolError;
use capstan_state::Halt;
use capstan_units::{AccountId, Assets, MS_PER_YEAR, Ray};

use crate::{
    ledger::ILedger::LedgerInsufficient,
    lending::{CASH, ILending::*, RESERVE, SUPPLY_INDEX_MIN},
};

fn n(value: u128) -> U256 {
    U256::from(value)
}

/// A hundredth of a percent of a ray.
pub(crate) const RAY_BPS: u128 = 100_000_000_000_000_000_000_000;

pub(crate) fn ray() -> U256 {
    Ray::ONE.to_u256()
}

pub(crate) fn down(a: U256, b: U256, c: U256) -> U256 {
    a * b / c
}

pub(crate) fn up(a: U256, b: U256, c: U256) -> U256 {
    (a * b).div_ceil(c)
}

pub(crate) fn half_up(a: U256, b: U256, c: U256) -> U256 {
    (a * b + c / n(2)) / c
}

pub(crate) type Book = BTreeMap<AccountId, U256>;

pub(crate) fn of(book: &Book, who: AccountId) -> U256 {
    book.get(&who).copied().unwrap_or_default()
}

pub(crate) fn sum(book: &Book) -> U256 {
    book.values().sum()
}

/// A market as integers. Its verbs take it at the present moment: whoever calls one lets it accrue before.
#[derive(Clone)]
pub(crate) struct Market {
    pub(crate) id: u32,
    pub(crate) free: Book,
    pub(crate) shares: Book,
    pub(crate) debts: Book,
    pub(crate) fees: U256,
    pub(crate) supply_index: U256,
    pub(crate) borrow_index: U256,
    pub(crate) at_ms: u64,
    pub(crate) paused: u8,
    pub(crate) params: MarketParams,
}

/// A market as of a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    pub(crate) supply_index: U256,
    pub(crate) borrow_index: U256,
    /// What the reserve gets of the interest until then.
    reserve_shares: U256,
}

/// Who bore a debt that was written off; what is missing to it was interest that nobody had claimed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Borne {
    pub(crate) debt: U256,
    pub(crate) reserve: U256,
    pub(crate) lenders: U256,
}

pub(crate) fn no<R>(error: &impl SolError) -> Result<R, Halt> {
    Err(Halt::revert(error))
}

impl Market {
    pub(crate) fn cash(&self) -> U256 {
        of(&self.free, CASH)
    }

    pub(crate) fn owed(&self, who: AccountId) -> U256 {
        up(of(&self.debts, who), self.borrow_index, ray())
    }

    pub(crate) fn worth(&self, who: AccountId) -> U256 {
        down(of(&self.shares, who), self.supply_index, ray())
    }

    pub(crate) fn rate(&self, used: U256) -> U256 {
        let bps = |value: u32| U256::from(value) * n(RAY_BPS);
        let p = &self.params;
        let optimal = bps(p.optimalBps);
        if used <= optimal {
            let rise = half_up(bps(p.slope1Bps), used, ray());
            return bps(p.baseBps) + half_up(rise, ray(), optimal);
        }
        let excess = half_up(used - optimal, ray(), ray() - optimal);
        bps(p.baseBps) + bps(p.slope1Bps) + half_up(bps(p.slope2Bps), excess, ray())
    }

    /// The indexes as of now and the reserve's new shares, whether or not it accrues.
    pub(crate) fn ahead(&self, now_ms: u64) -> Ahead {
        let (ms, year) = (U256::from(now_ms - self.at_ms), U256::from(MS_PER_YEAR));
        let mut ahead = Ahead {
            supply_index: self.supply_index,
            borrow_index: self.borrow_index,
            reserve_shares: U256::ZERO,
        };
        if ms.is_zero() {
            return ahead;
        }
        let (shares, debts) = (sum(&self.shares), sum(&self.debts));
        let debt = up(debts, self.borrow_index, ray());
        let whole = self.cash() + debt;
        let used = if debt.is_zero() {
            debt
        } else {
            half_up(debt, ray(), whole)
        };
        let rate = self.rate(used);
        let factor = U256::from(self.params.reserveFactorBps);
        let earn = half_up(half_up(rate, used, ray()), n(10_000) - factor, n(10_000));
        let before = self.borrow_index;
        if !debts.is_zero() {
            let x = rate * ms / year;
            let growth = ray() + x + half_up(x, x / n(2) + half_up(x, x / n(6), ray()), ray());
            ahead.borrow_index = half_up(growth, before, ray());
        }
        let backing = self.cash() + up(debts, ahead.borrow_index, ray());
        let reserve_fees = self.fees * factor / n(10_000);
        let wanted = half_up(ray() + earn * ms / year, self.supply_index, ray())
            + down(self.fees - reserve_fees, ray(), shares);
        let honoured = if down(shares, wanted, ray()) <= backing {
            wanted
        } else {
            down(backing, ray(), shares)
        };
        ahead.supply_index = honoured.max(self.supply_index);
        let interest = down(debts, ahead.borrow_index - before, ray());
        let spare = backing - up(shares, ahead.supply_index, ray()).min(backing);
        let fee = (half_up(interest, factor, n(10_000)) + reserve_fees).min(spare);
        ahead.reserve_shares = down(fee, ray(), ahead.supply_index);
        ahead
    }

    pub(crate) fn accrue(&mut self, now_ms: u64) {
        if self.at_ms == now_ms {
            return;
        }
        let ahead = self.ahead(now_ms);
        self.supply_index = ahead.supply_index;
        self.borrow_index = ahead.borrow_index;
        *self.shares.entry(RESERVE).or_default() += ahead.reserve_shares;
        self.fees = U256::ZERO;
        self.at_ms = now_ms;
    }

    /// A loan that comes back with its fee.
    pub(crate) fn flash(&mut self, amount: U256) -> Result<U256, Halt> {
        self.paused(8)?;
        let cash = self.cash();
        if amount > cash {
            return no(&LendingNoCash {
                assetId: self.id,
                wanted: amount,
                cash,
            });
        }
        let fee = amount.div_ceil(n(100));
        *self.free.entry(CASH).or_default() += fee;
        self.fees += fee;
        Ok(fee)
    }

    pub(crate) fn shift(
        &mut self,
        from: AccountId,
        to: AccountId,
        units: U256,
    ) -> Result<(), Halt> {
        let have = of(&self.free, from);
        if have < units {
            return no(&LedgerInsufficient {
                owner: from.owner,
                index: from.index,
                assetId: self.id,
                have,
                need: units,
            });
        }
        *self.free.entry(from).or_default() -= units;
        *self.free.entry(to).or_default() += units;
        Ok(())
    }

    pub(crate) fn pay_out(&mut self, to: AccountId, units: U256) -> Result<(), Halt> {
        let cash = self.cash();
        self.shift(CASH, to, units).or(no(&LendingNoCash {
            assetId: self.id,
            wanted: units,
            cash,
        }))
    }

    pub(crate) fn paused(&self, verb: u8) -> Result<(), Halt> {
        if self.paused & verb == 0 {
            return Ok(());
        }
        let asset_id = self.id;
        no(&LendingPaused {
            assetId: asset_id,
            verb,
        })
    }

    pub(crate) fn too_small<R>(&self, amount: U256, index: U256) -> Result<R, Halt> {
        no(&LendingTooSmall {
            assetId: self.id,
            amount,
            least: index.div_ceil(ray()),
        })
    }

    pub(crate) fn supply(&mut self, who: AccountId, amount: U256) -> Result<U256, Halt> {
        if self.supply_index < n(SUPPLY_INDEX_MIN) {
            return no(&LendingIndexTooLow {
                assetId: self.id,
                supplyIndex: self.supply_index,
                min: n(SUPPLY_INDEX_MIN),
            });
        }
        self.paused(1)?;
        let shares = down(amount, ray(), self.supply_index);
        if shares.is_zero() {
            return self.too_small(amount, self.supply_index);
        }
        let total = sum(&self.shares);
        if total + shares > down(self.params.supplyCap, ray(), self.supply_index) {
            return no(&LendingSupplyCap {
                assetId: self.id,
                supplied: down(total, self.supply_index, ray()),
                amount,
                cap: self.params.supplyCap,
            });
        }
        *self.shares.entry(who).or_default() += shares;
        self.shift(who, CASH, amount)?;
        Ok(shares)
    }

    pub(crate) fn redeem(&mut self, who: AccountId, amount: U256) -> Result<U256, Halt> {
        let (amount, shares) = if amount == Assets::MAX.to_u256() {
            (self.worth(who), of(&self.shares, who))
        } else {
            (amount, up(amount, ray(), self.supply_index))
        };
        self.paused(2)?;
        if amount.is_zero() {
            return no(&LendingZeroAmount {});
        }
        if of(&self.shares, who) < shares {
            return no(&LendingInsufficientShares {
                assetId: self.id,
                owner: who.owner,
                index: who.index,
                have: self.worth(who),
                need: amount,
            });
        }
        *self.shares.entry(who).or_default() -= shares;
        self.pay_out(who, amount)?;
        Ok(shares)
    }

    pub(crate) fn borrow(&mut self, who: AccountId, amount: U256) -> Result<U256, Halt> {
        self.paused(4)?;
        let shares = up(amount, ray(), self.borrow_index);
        let total = sum(&self.debts);
        if total + shares > down(self.params.borrowCap, ray(), self.borrow_index) {
            return no(&LendingBorrowCap {
                assetId: self.id,
                borrowed: up(total, self.borrow_index, ray()),
                amount,
                cap: self.params.borrowCap,
            });
        }
        *self.debts.entry(who).or_default() += shares;
        self.pay_out(who, amount)?;
        Ok(shares)
    }

    pub(crate) fn no_debt<R>(&self, who: AccountId, need: U256) -> Result<R, Halt> {
        no(&LendingInsufficientDebt {
            assetId: self.id,
            owner: who.owner,
            index: who.index,
            have: of(&self.debts, who),
            need,
        })
    }

    pub(crate) fn repay(
        &mut self,
        payer: AccountId,
        who: AccountId,
        amount: U256,
    ) -> Result<U256, Halt> {
        let (all, owed) = (of(&self.debts, who), self.owed(who));
        if all.is_zero() {
            return self.no_debt(who, n(1));
        }
        let (paid, burned) = if amount >= owed {
            (owed, all)
        } else {
            (amount, down(amount, ray(), self.borrow_index))
        };
        if burned.is_zero() {
            return self.too_small(amount, self.borrow_index);
        }
        *self.debts.entry(who).or_default() -= burned;
        self.shift(payer, CASH, paid)?;
        Ok(paid)
    }

    /// What a loss falls on before lenders: interest that nobody has claimed, and the reserve.
    pub(crate) fn first_loss(&self) -> U256 {
        let backing = self.cash() + up(sum(&self.debts), self.borrow_index, ray());
        let claims = up(sum(&self.shares), self.supply_index, ray());
        backing.saturating_sub(claims) + self.worth(RESERVE)
    }

    pub(crate) fn absorb(&mut self, who: AccountId) -> Result<Borne, Halt> {
        let (all, debt) = (of(&self.debts, who), self.owed(who));
        if all.is_zero() {
            return self.no_debt(who, n(1));
        }
        self.debts.remove(&who);
        let backing = self.cash() + up(sum(&self.debts), self.borrow_index, ray());
        let claims = down(sum(&self.shares), self.supply_index, ray());
        let short = claims - claims.min(backing);
        let (mine, worth) = (of(&self.shares, RESERVE), self.worth(RESERVE));
        let (burned, reserve) = if short >= worth {
            (mine, worth)
        } else {
            (up(short, ray(), self.supply_index), short)
        };
        *self.shares.entry(RESERVE).or_default() -= burned;
        let shares = sum(&self.shares);
        let before = down(shares, self.supply_index, ray());
        if before > backing {
            self.supply_index = down(backing, ray(), shares);
        }
        let lenders = before - down(shares, self.supply_index, ray());
        Ok(Borne {
            debt,
            reserve,
            lenders,
        })
    }

    pub(crate) fn move_shares(
        &mut self,
        from: AccountId,
        to: AccountId,
        shares: U256,
    ) -> Result<U256, Halt> {
        if of(&self.shares, from) < shares {
            return no(&LendingInsufficientShares {
                assetId: self.id,
                owner: from.owner,
                index: from.index,
                have: self.worth(from),
                need: up(shares, self.supply_index, ray()),
            });
        }
        *self.shares.entry(from).or_default() -= shares;
        *self.shares.entry(to).or_default() += shares;
        Ok(shares)
    }

    pub(crate) fn move_debt(
        &mut self,
        from: AccountId,
        to: AccountId,
        shares: U256,
    ) -> Result<U256, Halt> {
        if of(&self.debts, from) < shares {
            return self.no_debt(from, shares);
        }
        *self.debts.entry(from).or_default() -= shares;
        *self.debts.entry(to).or_default() += shares;
        Ok(shares)
    }

    /// What somebody has, net of what he owes; may be below zero.
    pub(crate) fn net(&self, who: AccountId) -> (U256, U256) {
        (of(&self.free, who) + self.worth(who), self.owed(who))
    }
}
