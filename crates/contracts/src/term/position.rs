//! Fixed-term debt as a kind of position. Nothing is held in this kind: what was lent are units of the ledger, and a
//! claim backs nothing.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, Ray};

use super::{
    ADDRESS, STATE,
    loans::{ending_up, move_loans, next_default_ms, overdue_up, settle, write_off},
    math,
};
use crate::position::{Line, Loss, Position};

/// What an account owes at fixed terms.
#[derive(Debug)]
pub struct InTerm;

impl Position for InTerm {
    fn name(&self) -> &'static str {
        "term"
    }

    /// What would end the debt now, the fee of early repayment included: whoever pays it, by his own choice or in
    /// liquidation, pays that.
    fn assess(&self, cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<Line, Halt> {
        Ok(Line {
            held: Assets::ZERO,
            owed: ending_up(cx, asset, account)?,
        })
    }

    /// All of a loan in default.
    fn overdue(
        &self,
        cx: &mut Ctx<'_>,
        account: AccountId,
        asset: AssetId,
    ) -> Result<Assets, Halt> {
        overdue_up(cx, asset, account)
    }

    fn overdue_from_ms(
        &self,
        cx: &mut Ctx<'_>,
        account: AccountId,
        asset: AssetId,
    ) -> Result<Option<u64>, Halt> {
        next_default_ms(cx, asset, account)
    }

    /// The dearest rate of any loan of this asset: interest runs on what has not fallen due, late fees on what has, so
    /// on interest too.
    fn drift_bound(&self, cx: &mut Ctx<'_>, asset: AssetId) -> Result<Ray, Halt> {
        let dearest = STATE.dearest_bps.at(asset).load(&mut cx.enter(ADDRESS))?;
        math::most_within_a_day(dearest)
    }

    fn transfer(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        from: AccountId,
        to: AccountId,
    ) -> Result<(), Halt> {
        move_loans(cx, asset, from, to)
    }

    fn repay(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        payer: AccountId,
        debtor: AccountId,
        amount: Assets,
    ) -> Result<Assets, Halt> {
        settle(cx, asset, payer, debtor, amount)
    }

    fn write_off(&self, cx: &mut Ctx<'_>, debtor: AccountId, asset: AssetId) -> Result<Loss, Halt> {
        write_off(cx, debtor, asset)
    }
}
