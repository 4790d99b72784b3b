//! What an account owes of an asset in markets and in minted dollars, and what that costs in a day at today's rates.
//!
//! Interest of fixed-term loans is not in it: their schedules say when which payment is due (`ITerm.scheduleOf`).

use alloy_primitives::U256;
use capstan_contracts::{
    account::IAccount::AccountRef,
    dollar::{self, IDollar, IDollar::DollarNotOpen},
    lending::{self, ILending, ILending::LendingUnknownMarket},
};

use super::{account::per_day_up, fixed::RAY_ONE, markets::unless, views::Views};
use crate::error::RpcResult;

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
            let bps = U256::from(params.present.stabilityBps);
            debts.add(minted.amount, RAY_ONE / U256::from(BPS_ONE) * bps)?;
        }
        Ok(debts)
    }

    fn add(&mut self, owed: U256, rate: U256) -> RpcResult<()> {
        self.owed = self.owed.saturating_add(owed);
        self.per_day = self.per_day.saturating_add(per_day_up(owed, rate)?);
        Ok(())
    }
}
