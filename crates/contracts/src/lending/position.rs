//! Supply and debt in a market as a kind of position.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, Ray};

use super::{
    ADDRESS, Pause,
    actions::{absorb, first_loss_down, move_debt, move_shares, pay_off, redeem},
    market::{self, CASH, STATE},
    math,
    params::Params,
    rates::RateModel,
};
use crate::{
    ledger,
    position::{Line, Loss, Position},
};

/// Supply and debt of an account in the market of an asset.
#[derive(Debug)]
pub struct InMarket;

/// The highest rate that a market can reach within a day. Only the adaptive model asks where its rate stands.
fn most_within_a_day(cx: &mut Ctx<'_>, asset: AssetId, params: Params) -> Result<Ray, Halt> {
    let target_rate = match params.model {
        RateModel::Kinked(_) => Ray::ZERO,
        RateModel::Adaptive => market::stored(cx, asset)?.target_rate,
    };
    params.model.most_within_a_day(target_rate)
}

impl Position for InMarket {
    fn name(&self) -> &'static str {
        "market"
    }

    fn assess(&self, cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<Line, Halt> {
        let cx = &mut cx.enter(ADDRESS);
        let market = market::now(cx, asset)?;
        let shares = market::shares_of(cx, asset, account)?;
        let debt_shares = STATE.debts.at((asset, account)).load(cx)?;
        Ok(Line {
            held: math::assets_down(shares, market.supply_index)?,
            owed: math::debt_up(debt_shares, market.borrow_index)?,
        })
    }

    /// Every share counts, also one that a loss of lenders made worth less than a unit: interest lifts it again.
    fn stands(&self, cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<bool, Halt> {
        let cx = &mut cx.enter(ADDRESS);
        let shares = market::shares_of(cx, asset, account)?;
        let debt_shares = STATE.debts.at((asset, account)).load(cx)?;
        Ok(!shares.is_zero() || !debt_shares.is_zero())
    }

    fn may_stand_empty(&self) -> bool {
        true
    }

    fn owed(&self, cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<Assets, Halt> {
        let cx = &mut cx.enter(ADDRESS);
        let debt_shares = STATE.debts.at((asset, account)).load(cx)?;
        math::debt_up(debt_shares, market::now(cx, asset)?.borrow_index)
    }

    fn drift_bound(&self, cx: &mut Ctx<'_>, asset: AssetId) -> Result<Ray, Halt> {
        let cx = &mut cx.enter(ADDRESS);
        let params = market::params(cx, asset)?;
        let now = most_within_a_day(cx, asset, params)?;
        if STATE.next_from_ms.at(asset).load(cx)? == 0 {
            return Ok(now);
        }
        let next = Params::of_config(STATE.next_configs.at(asset).load(cx)?)?;
        Ok(now.max(most_within_a_day(cx, asset, next)?))
    }

    /// As far as the market has cash and lets anybody redeem.
    fn unwind(
        &self,
        cx: &mut Ctx<'_>,
        account: AccountId,
        asset: AssetId,
        wanted: Assets,
    ) -> Result<Assets, Halt> {
        let held = self.assess(cx, account, asset)?.held;
        let cash = ledger::free(cx, asset, CASH)?;
        let paused = market::stored(&mut cx.enter(ADDRESS), asset)?.paused & Pause::Redeem.bit();
        let turned = held.min(cash).min(wanted);
        if turned.is_zero() || paused != 0 {
            return Ok(Assets::ZERO);
        }
        redeem(cx, asset, account, turned)?;
        Ok(turned)
    }

    fn hand_over(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        from: AccountId,
        to: AccountId,
        wanted: Assets,
    ) -> Result<Assets, Halt> {
        let market = market::accrue(&mut cx.enter(ADDRESS), asset)?;
        if market.supply_index.is_zero() {
            return Ok(Assets::ZERO);
        }
        let all = market::shares_of(&mut cx.enter(ADDRESS), asset, from)?;
        let shares = if wanted >= math::assets_down(all, market.supply_index)? {
            all
        } else {
            math::shares_down(wanted, market.supply_index)?
        };
        if shares.is_zero() {
            return Ok(Assets::ZERO);
        }
        move_shares(cx, asset, from, to, shares)?;
        math::assets_down(shares, market.supply_index)
    }

    fn transfer(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        from: AccountId,
        to: AccountId,
    ) -> Result<(), Halt> {
        self.hand_over(cx, asset, from, to, Assets::MAX)?;
        let debt = STATE.debts.at((asset, from)).load(&mut cx.enter(ADDRESS))?;
        if debt.is_zero() {
            return Ok(());
        }
        move_debt(cx, asset, from, to, debt)
    }

    fn repay(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        payer: AccountId,
        debtor: AccountId,
        amount: Assets,
    ) -> Result<Assets, Halt> {
        let cx = &mut cx.enter(ADDRESS);
        let accrued = market::accrued(cx, asset)?;
        let index = match accrued {
            Some(market) => market.borrow_index,
            None => market::projected(cx, asset)?.market.borrow_index,
        };
        let all = STATE.debts.at((asset, debtor)).load(cx)?;
        let owed = math::debt_up(all, index)?;
        let amount = amount.min(owed);
        if amount.is_zero() {
            return Ok(Assets::ZERO);
        }
        if amount < owed && math::debt_shares_down(amount, index)?.is_zero() {
            return Ok(Assets::ZERO);
        }
        // A market accrues when something is paid, not when somebody tries.
        let market = match accrued {
            Some(market) => market,
            None => market::accrue(cx, asset)?,
        };
        pay_off(cx, asset, market, (payer, debtor), all, amount)
    }

    fn reserve_down(&self, cx: &mut Ctx<'_>, asset: AssetId) -> Result<Assets, Halt> {
        first_loss_down(&mut cx.enter(ADDRESS), asset)
    }

    fn write_off(&self, cx: &mut Ctx<'_>, debtor: AccountId, asset: AssetId) -> Result<Loss, Halt> {
        absorb(cx, asset, debtor)
    }
}
