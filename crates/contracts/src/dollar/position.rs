//! Debt in dollars as a kind of position. Nothing is held in this kind: minted dollars are units of the ledger.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, Ray};

use super::{
    ADDRESS,
    actions::{debt_shares, debt_up, move_debt, repay, write_off},
    book::{self, STATE},
    math,
};
use crate::position::{Line, Loss, Position};

/// What an account owes in minted dollars.
#[derive(Debug)]
pub struct InDollar;

/// Whether this is the dollar, and there is one.
fn is_usd(cx: &mut Ctx<'_>, asset: AssetId) -> Result<bool, Halt> {
    let book = STATE.book.load(&mut cx.enter(ADDRESS))?;
    Ok(!book::is_none(&book) && book.asset_id == asset)
}

impl Position for InDollar {
    fn name(&self) -> &'static str {
        "dollar"
    }

    fn assess(&self, cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<Line, Halt> {
        if !is_usd(cx, asset)? {
            return Ok(Line::EMPTY);
        }
        Ok(Line {
            held: Assets::ZERO,
            owed: debt_up(cx, account)?,
        })
    }

    /// The higher of the rates in force today and tomorrow: a change waits a day, so no third one can come.
    fn drift_bound(&self, cx: &mut Ctx<'_>, asset: AssetId) -> Result<Ray, Halt> {
        if !is_usd(cx, asset)? {
            return Ok(Ray::ZERO);
        }
        let cx = &mut cx.enter(ADDRESS);
        let now_bps = STATE.config.load(cx)?.stability_bps;
        let next_bps = match STATE.next_from_ms.load(cx)? {
            0 => 0,
            _ => STATE.next_config.load(cx)?.stability_bps,
        };
        math::most_within_a_day(now_bps.max(next_bps))
    }

    fn transfer(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        from: AccountId,
        to: AccountId,
    ) -> Result<(), Halt> {
        if !is_usd(cx, asset)? {
            return Ok(());
        }
        let shares = debt_shares(cx, from)?;
        if shares.is_zero() {
            return Ok(());
        }
        move_debt(cx, from, to, shares)
    }

    fn repay(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        payer: AccountId,
        debtor: AccountId,
        amount: Assets,
    ) -> Result<Assets, Halt> {
        let owed = self.assess(cx, debtor, asset)?.owed;
        let amount = amount.min(owed);
        if amount.is_zero() {
            return Ok(Assets::ZERO);
        }
        let index = book::now(&mut cx.enter(ADDRESS))?.borrow_index;
        if amount < owed && math::debt_shares_down(amount, index)?.is_zero() {
            return Ok(Assets::ZERO);
        }
        repay(cx, payer, debtor, amount)
    }

    /// The surplus bears a loss before anybody else.
    fn reserve_down(&self, cx: &mut Ctx<'_>, asset: AssetId) -> Result<Assets, Halt> {
        if !is_usd(cx, asset)? {
            return Ok(Assets::ZERO);
        }
        Ok(book::now(&mut cx.enter(ADDRESS))?.surplus)
    }

    fn write_off(&self, cx: &mut Ctx<'_>, debtor: AccountId, asset: AssetId) -> Result<Loss, Halt> {
        if !is_usd(cx, asset)? {
            return Ok(Loss::NONE);
        }
        write_off(cx, debtor)
    }
}
