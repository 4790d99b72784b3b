//! What the verbs of a batch do, and the check at its end.

use alloy_primitives::{Address, U256};
use capstan_units::AccountId;

use super::{
    super::*,
    FOREIGN, USD_ASSET,
    act::Act,
    book::{Answer, DOLLAR, KINDS, MARKET, Model, TERM, UNITS, ceil, most, narrow, whole},
    sheet::{Asker, DEBT_MIN, Sum},
};
use crate::{
    lending::ILending::{LendingUnknownMarket, LendingZeroAmount},
    testkit::market::{no, of, ray},
};

/// An account that a batch changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touched {
    pub(super) account: AccountId,
    /// Whether its health may have fallen.
    lowered: bool,
    /// What it was worth before, if it limits its losses.
    before: Option<Sum>,
}

/// What an action answers.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Nothing,
    Units(U256),
    Amounts([U256; 2]),
}

impl Reply {
    pub(super) fn encoded(&self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::Units(units) => units.abi_encode().into(),
            Self::Amounts(amounts) => amounts.to_vec().abi_encode().into(),
        }
    }
}

impl Model {
    pub(super) fn authorised(&self, account: AccountId, who: Address) -> Answer<()> {
        let until_ms = self.operators.get(&(account, who)).copied();
        if who == account.owner || until_ms.unwrap_or_default() > self.now_ms {
            return Ok(());
        }
        no(&AccountNotAuthorised {
            owner: account.owner,
            index: account.index,
            caller: who,
        })
    }

    /// Runs a batch; answers what each action does, and changes nothing if one is refused.
    pub(super) fn run(
        &mut self,
        caller: Address,
        account: AccountId,
        acts: &[Act],
    ) -> Answer<Vec<Reply>> {
        self.touched.clear();
        self.attempt(|next| {
            let answers = next.run_inside(caller, account, acts, false)?;
            next.end()?;
            Ok(answers)
        })
    }

    fn run_inside(
        &mut self,
        caller: Address,
        account: AccountId,
        acts: &[Act],
        is_nested: bool,
    ) -> Answer<Vec<Reply>> {
        self.authorised(account, caller)?;
        let acts = acts.iter();
        acts.map(|act| self.act(caller, account, act, is_nested))
            .collect()
    }

    pub(super) fn touch(&mut self, account: AccountId, lowers: bool) {
        if let Some(touched) = self.touched.iter_mut().find(|one| one.account == account) {
            touched.lowered |= lowers;
            return;
        }
        let before = self.begin_day(account);
        self.touched.push(Touched {
            account,
            lowered: lowers,
            before,
        });
    }

    /// An account whose collateral somebody buys: what that costs is a loss, unless he buys for its owner.
    pub(super) fn touch_sold(&mut self, caller: Address, account: AccountId) {
        if self.authorised(account, caller).is_ok() {
            self.touch(account, false);
            return;
        }
        self.touched.push(Touched {
            account,
            lowered: false,
            before: None,
        });
    }

    fn end(&mut self) -> Answer<()> {
        for touched in self.touched.clone() {
            let Touched {
                account,
                lowered,
                before,
            } = touched;
            if lowered {
                self.expect_healthy(account)?;
            }
            self.end_day(account, lowered, before)?;
            self.end_offer(account);
        }
        Ok(())
    }

    fn expect_healthy(&self, who: AccountId) -> Answer<()> {
        let rows = self.rows(who);
        if rows.iter().all(|row| self.owed(who, row.0).is_zero()) {
            return Ok(());
        }
        let sum = self.sum(who, Asker::Batch)?;
        if sum.is_healthy() {
            return Ok(());
        }
        no(&AccountUnhealthy {
            owner: who.owner,
            index: who.index,
            borrowable: sum.adjusted,
            debt: sum.debt,
        })
    }

    fn act(
        &mut self,
        caller: Address,
        account: AccountId,
        act: &Act,
        is_nested: bool,
    ) -> Answer<Reply> {
        if let Act::Unknown(verb) = *act {
            return no(&AccountUnknownVerb { verb });
        }
        let verb = act.number();
        if is_nested && !act.may_nest() {
            return no(&AccountNotInCallback { verb });
        }
        self.touch(account, act.lowers());
        Ok(Reply::Units(match act {
            &Act::Deposit(asset, units) => self.deposit(caller, account, asset, units)?,
            &Act::Withdraw(asset, units, to) => self.withdraw(account, asset, units, to)?,
            &Act::Supply(asset, units) => self.supply(account, asset, units)?,
            &Act::Redeem(asset, units) => self.redeem(account, asset, units)?,
            &Act::Borrow(asset, units) => self.borrow(account, asset, units)?,
            &Act::Repay(asset, units) => self.repay(account, asset, units)?,
            &Act::Mint(units) => self.mint(account, units)?,
            &Act::Burn(units) => self.burn(account, units)?,
            &Act::TakeLoan(id, units) => self.borrow_for_a_term(account, id, units)?,
            &Act::RepayLoan(id, units) => {
                let (asset, paid) = self.repay_loan(account, id, units)?;
                self.note(account, asset, UNITS);
                self.note(account, asset, TERM);
                self.refuse_small_debt(account, asset)?;
                paid
            }
            &Act::Collect(id) => self.collect(account, id)?,
            &Act::Admit(asset) => {
                self.note(account, asset, UNITS);
                self.free(asset, account)
            }
            &Act::Transfer(asset, units, to) => self.transfer(caller, account, asset, units, to)?,
            &Act::TakeDebt(asset, units, from) => {
                self.authorised(from, caller)?;
                self.take_debt(account, asset, units, from)?
            }
            Act::Bid(bid) => self.bid(caller, account, bid)?,
            &Act::Assign(id) => {
                self.assign(caller, account, id)?;
                return Ok(Reply::Nothing);
            }
            &Act::Provide(pool, most) => self.provide(account, pool, most)?,
            &Act::Remove(pool, shares) => {
                return self.remove(account, pool, shares).map(Reply::Amounts);
            }
            &Act::GivePiece(pool, shares, to) => {
                self.give_piece(caller, account, to, pool, shares)?;
                return Ok(Reply::Nothing);
            }
            Act::CloseAll => {
                for (asset, kinds) in self.rows(account) {
                    self.net(account, asset, kinds, most())?;
                }
                return Ok(Reply::Nothing);
            }
            &Act::TakeOver(from) => {
                self.authorised(from, caller)?;
                self.take_over(account, from)?;
                return Ok(Reply::Nothing);
            }
            Act::Call(on, acts) => {
                self.run_inside(FOREIGN, *on, acts, true)?;
                return Ok(Reply::Nothing);
            }
            Act::Unknown(_) | Act::Garbled(_) => return no(&AccountBadArguments { verb }),
        }))
    }

    fn deposit(
        &mut self,
        caller: Address,
        account: AccountId,
        asset: u32,
        units: U256,
    ) -> Answer<U256> {
        let units = if units == U256::MAX {
            self.known(asset)?;
            self.wallet(asset, caller).min(most())
        } else {
            narrow(units)?
        };
        self.pull(asset, caller, account, units)?;
        let cap = self.terms[&asset].said.depositCap;
        let claims = self.claims(asset);
        if !cap.is_zero() && claims > cap {
            return no(&AccountDepositCap {
                assetId: asset,
                claims,
                cap,
            });
        }
        self.note(account, asset, UNITS);
        Ok(units)
    }

    /// By anybody, to whoever has the asset already.
    pub(super) fn deposit_to(
        &mut self,
        caller: Address,
        account: AccountId,
        asset: u32,
        units: U256,
    ) -> Answer<U256> {
        if self.kinds(account, asset) == 0 {
            self.authorised(account, caller)?;
        }
        self.touch(account, false);
        let units = self.deposit(caller, account, asset, units)?;
        self.end()?;
        Ok(units)
    }

    fn withdraw(
        &mut self,
        account: AccountId,
        asset: u32,
        units: U256,
        to: Address,
    ) -> Answer<U256> {
        let units = self.all_or(units, self.free(asset, account))?;
        self.push(asset, account, to, units)?;
        self.note(account, asset, UNITS);
        Ok(units)
    }

    pub(super) fn all_or(&self, units: U256, all: U256) -> Answer<U256> {
        if units == U256::MAX {
            return Ok(all);
        }
        narrow(units)
    }

    fn supply(&mut self, account: AccountId, asset: u32, units: U256) -> Answer<U256> {
        let units = self.all_or(units, self.free(asset, account))?;
        refuse_zero(units)?;
        self.accrued(asset)?.supply(account, units)?;
        self.note(account, asset, UNITS);
        self.note(account, asset, MARKET);
        Ok(units)
    }

    fn redeem(&mut self, account: AccountId, asset: u32, units: U256) -> Answer<U256> {
        let before = self.free(asset, account);
        let units = self.all_or(units, most())?;
        refuse_zero(units)?;
        self.accrued(asset)?.redeem(account, units)?;
        self.note(account, asset, UNITS);
        self.note(account, asset, MARKET);
        Ok(self.free(asset, account) - before)
    }

    fn borrow(&mut self, account: AccountId, asset: u32, units: U256) -> Answer<U256> {
        let units = narrow(units)?;
        refuse_zero(units)?;
        self.accrued(asset)?.borrow(account, units)?;
        self.note(account, asset, UNITS);
        self.note(account, asset, MARKET);
        self.refuse_small_debt(account, asset)?;
        Ok(units)
    }

    fn mint(&mut self, account: AccountId, units: U256) -> Answer<U256> {
        let units = narrow(units)?;
        self.usd.mint(account, units, self.now_ms)?;
        self.note(account, USD_ASSET, UNITS);
        self.note(account, USD_ASSET, DOLLAR);
        self.refuse_small_debt(account, USD_ASSET)?;
        Ok(units)
    }

    fn burn(&mut self, account: AccountId, units: U256) -> Answer<U256> {
        let owed = self.usd.owed(account, self.now_ms);
        if owed.is_zero() {
            return no(&AccountNothingOwed { assetId: USD_ASSET });
        }
        let units = self.all_or(units, owed)?;
        let paid = self.burn_dollars(account, account, units)?;
        self.note(account, USD_ASSET, UNITS);
        self.note(account, USD_ASSET, DOLLAR);
        self.refuse_small_debt(account, USD_ASSET)?;
        Ok(paid)
    }

    fn borrow_for_a_term(&mut self, account: AccountId, id: u64, units: U256) -> Answer<U256> {
        let (loan, asset) = self.take_loan(account, id, units)?;
        self.note(account, asset, UNITS);
        self.note(account, asset, TERM);
        self.refuse_small_debt(account, asset)?;
        Ok(U256::from(loan))
    }

    fn refuse_small_debt(&self, who: AccountId, asset: u32) -> Answer<()> {
        let owed = self.owed(who, asset);
        if owed.is_zero() {
            return Ok(());
        }
        let Some(price) = self.quotes[&asset].view else {
            return Ok(());
        };
        let value = ceil(owed, n(price), whole(asset));
        if value >= n(DEBT_MIN) {
            return Ok(());
        }
        no(&AccountDebtTooSmall {
            assetId: asset,
            value,
            min: n(DEBT_MIN),
        })
    }

    fn repay(&mut self, account: AccountId, asset: u32, units: U256) -> Answer<U256> {
        let units = self.all_or(units, most())?;
        let owed = self.owed(account, asset);
        if owed.is_zero() {
            return no(&AccountNothingOwed { assetId: asset });
        }
        let paid = self.pay(account, account, asset, units.min(owed))?;
        self.refuse_small_debt(account, asset)?;
        Ok(paid)
    }

    fn transfer(
        &mut self,
        caller: Address,
        account: AccountId,
        asset: u32,
        units: U256,
        to: AccountId,
    ) -> Answer<U256> {
        refuse_same(account, to)?;
        if self.kinds(to, asset) == 0 {
            self.authorised(to, caller)?;
        }
        self.touch(to, false);
        let units = self.all_or(units, self.free(asset, account))?;
        self.shift(asset, account, to, units)?;
        self.note(account, asset, UNITS);
        self.note(to, asset, UNITS);
        Ok(units)
    }

    fn take_debt(
        &mut self,
        account: AccountId,
        asset: u32,
        units: U256,
        from: AccountId,
    ) -> Answer<U256> {
        refuse_same(account, from)?;
        let Some(market) = self.markets.get(&asset) else {
            return no(&LendingUnknownMarket { assetId: asset });
        };
        let nothing = AccountNothingOwed { assetId: asset };
        let all = of(&market.debts, from);
        let index = market.ahead(self.now_ms).borrow_index;
        let owed = ceil(all, index, ray());
        if all.is_zero() {
            return no(&nothing);
        }
        let wanted = self.all_or(units, owed)?;
        let shares = if wanted >= owed {
            all
        } else {
            ceil(wanted, ray(), index).min(all)
        };
        if shares.is_zero() {
            return no(&nothing);
        }
        self.touch(from, false);
        self.accrued(asset)?.move_debt(from, account, shares)?;
        for who in [from, account] {
            self.note(who, asset, MARKET);
            self.refuse_small_debt(who, asset)?;
        }
        Ok(wanted.min(owed))
    }

    fn take_over(&mut self, account: AccountId, from: AccountId) -> Answer<()> {
        refuse_same(account, from)?;
        self.touch(from, true);
        for (asset, kinds) in self.rows(from) {
            for kind in KINDS.into_iter().filter(|kind| kinds & kind != 0) {
                self.move_all_in(kind, asset, from, account)?;
                self.note(from, asset, kind);
                self.note(account, asset, kind);
            }
        }
        for pool in self.pieces(from) {
            self.move_piece(from, account, pool, U256::MAX)?;
        }
        Ok(())
    }
}

fn refuse_zero(units: U256) -> Answer<()> {
    if units.is_zero() {
        return no(&LendingZeroAmount {});
    }
    Ok(())
}

pub(super) fn refuse_same(one: AccountId, other: AccountId) -> Answer<()> {
    if one != other {
        return Ok(());
    }
    no(&AccountSameAccount {
        owner: one.owner,
        index: one.index,
    })
}
