//! What an account owes of an asset in markets, in minted dollars and at fixed terms, and what that costs in a day at
//! today's rates.

use alloy_primitives::U256;
use capstan_contracts::{
    account::IAccount::AccountRef,
    dollar::{self, IDollar, IDollar::DollarNotOpen},
    lending::{self, ILending, ILending::LendingUnknownMarket},
    term::{self, ITerm},
};

use super::account::per_day_up;
use crate::{
    error::RpcResult,
    fixed::RAY_ONE,
    views::{Views, unless},
};

/// Hundredths of a percent in one.
const BPS_ONE: u64 = 10_000;

/// In smallest units of the asset, rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Debts {
    pub(super) owed: U256,
    pub(super) per_day: U256,
}

impl Debts {
    /// What `of` owes of an asset whose market charges `market_rate` a year.
    pub(super) fn read(
        views: &mut Views<'_>,
        of: &AccountRef,
        asset_id: u32,
        market_rate: U256,
    ) -> RpcResult<Self> {
        let (owner, index) = (of.owner, of.index);
        let mut debts = Self::default();
        let asked = ILending::debtOfCall {
            assetId: asset_id,
            owner,
            index,
        };
        let market = views.answer(lending::ADDRESS, &asked)?;
        if let Some(market) = unless::<LendingUnknownMarket, _>(market)? {
            debts.add(market.assets, market_rate)?;
        }
        let usd = views.answer(dollar::ADDRESS, &IDollar::dollarCall {})?;
        let usd = unless::<DollarNotOpen, _>(usd)?;
        if usd.is_some_and(|usd| usd.assetId == asset_id) {
            let minted = views.ask(dollar::ADDRESS, &IDollar::debtOfCall { owner, index })?;
            let params = views.ask(dollar::ADDRESS, &IDollar::paramsOfCall {})?;
            debts.add(minted.amount, per_year(params.present.stabilityBps))?;
        }
        for id in views.ask(term::ADDRESS, &ITerm::loansOfCall { owner, index })? {
            let loan = views.ask(term::ADDRESS, &ITerm::loanOfCall { id })?;
            if loan.assetId == asset_id {
                debts.add_loan(&loan)?;
            }
        }
        Ok(debts)
    }

    /// Interest runs on what has not fallen due, late fees on what is beyond its grace.
    fn add_loan(&mut self, loan: &ITerm::Loan) -> RpcResult<()> {
        let interest = per_day_up(loan.balance, per_year(loan.rateBps))?;
        let late = per_day_up(loan.overdue, per_year(loan.lateBps))?;
        self.owed = self.owed.saturating_add(loan.owed);
        self.per_day = self.per_day.saturating_add(interest).saturating_add(late);
        Ok(())
    }

    fn add(&mut self, owed: U256, rate: U256) -> RpcResult<()> {
        self.owed = self.owed.saturating_add(owed);
        self.per_day = self.per_day.saturating_add(per_day_up(owed, rate)?);
        Ok(())
    }
}

/// A rate in hundredths of a percent as a ray.
fn per_year(bps: u32) -> U256 {
    RAY_ONE / U256::from(BPS_ONE) * U256::from(bps)
}
