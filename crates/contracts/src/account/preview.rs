//! What an account is worth, and what a batch would make of it.

use alloy_primitives::{Bytes, U256};
use capstan_state::{Ctx, Frame, Halt, NotPreviewable, Scratch};
use capstan_units::{AccountId, Usd};

use super::{
    IAccount::{Action, Holding, Report, previewReturn},
    assess::{self, Question, Stand},
    batch,
    goods::Goods,
    math::{liquidation_price_up, room_to_fall_bps_down},
    pieces, settings,
    sheet::Sheet,
    verbs::Verb,
};
use crate::{ledger, lending, revert};

/// Runs the batch in a scratch world, as the owner would (ACC-5).
///
/// # Errors
/// Whatever `execute` answers; `NotPreviewable` for a verb that runs foreign code; `AccountInFlight`.
pub(super) fn preview(
    cx: &mut Ctx<'_>,
    account: AccountId,
    actions: &[Action],
) -> Result<previewReturn, Halt> {
    batch::expect_settled(cx)?;
    for action in actions {
        if !Verb::from_number(action.verb)?.rule().previewable {
            let target = cx.this();
            return Err(revert(&NotPreviewable { target }));
        }
    }
    let before = report(cx, account)?;
    let frame = Frame {
        caller: account.owner,
        value: U256::ZERO,
        ..cx.frame
    };
    let mut world = Scratch::new(cx.store);
    let mut scratch = Ctx::new(&mut world, frame);
    let results: Vec<Bytes> = batch::execute(&mut scratch, account, actions)?;
    Ok(previewReturn {
        before,
        afterwards: report(&mut scratch, account)?,
        results,
        pieces: pieces::view(&mut scratch, account)?,
    })
}

/// The balance sheet in one line.
///
/// # Errors
/// `AccountInFlight`, `AccountPriceUnusable`.
pub(super) fn report_of(cx: &mut Ctx<'_>, account: AccountId) -> Result<Report, Halt> {
    batch::expect_settled(cx)?;
    report(cx, account)
}

/// Health at the maintenance factors.
///
/// # Errors
/// `AccountInFlight`, `AccountPriceUnusable`.
pub(super) fn health_of(cx: &mut Ctx<'_>, account: AccountId) -> Result<U256, Halt> {
    batch::expect_settled(cx)?;
    let sum = assess::assess(cx, account, Question::View)?;
    Ok(sum.health_down().to_u256())
}

pub(super) fn report(cx: &mut Ctx<'_>, account: AccountId) -> Result<Report, Halt> {
    let sheet = Sheet::load(cx, account)?;
    let (stand, mut goods) = (Stand::read(cx, account, &sheet)?, Goods::default());
    let initial = stand.assess(cx, &mut goods, Question::Batch)?;
    let maintenance = stand.assess(cx, &mut goods, Question::View)?;
    let room = room_to_fall_bps_down(maintenance.adjusted, maintenance.debt)?;
    Ok(Report {
        collateral: maintenance.collateral.to_u256(),
        borrowable: initial.adjusted.to_u256(),
        debt: maintenance.debt.to_u256(),
        healthInitial: initial.health_down().to_u256(),
        healthMaintenance: maintenance.health_down().to_u256(),
        roomToFallBps: room.get(),
    })
}

/// The balance sheet asset by asset, at the prices that the block would use.
///
/// # Errors
/// `AccountInFlight`, `AccountPriceUnusable`.
pub(super) fn holdings_of(cx: &mut Ctx<'_>, account: AccountId) -> Result<Vec<Holding>, Halt> {
    batch::expect_settled(cx)?;
    let sheet = Sheet::load(cx, account)?;
    let all = assess::valued(cx, account, &sheet, Question::View)?;
    let sum = assess::sum(&all)?;
    let mut holdings = Vec::with_capacity(all.len());
    for valued in all {
        let own = valued.adjusted_down()?.to_u256();
        let rest = Usd::from_u256(sum.adjusted.to_u256().saturating_sub(own))?;
        let price = liquidation_price_up(
            rest,
            sum.debt,
            valued.line.held,
            valued.factor,
            valued.decimals,
        )?;
        let asset = valued.asset();
        let factors = settings::factors(cx, asset)?;
        holdings.push(Holding {
            assetId: asset.get(),
            units: ledger::free(cx, asset, account)?.to_u256(),
            supplied: supplied(cx, account, &valued)?,
            owed: valued.line.owed.to_u256(),
            heldValue: valued.held_value.to_u256(),
            owedValue: valued.owed_value.to_u256(),
            initialBps: factors.initial.get(),
            maintenanceBps: valued.factor.get(),
            liquidationPrice: price.map_or(U256::ZERO, |price| price.to_u256()),
        });
    }
    Ok(holdings)
}

/// Of what is held, what stands in the asset's market.
fn supplied(cx: &mut Ctx<'_>, account: AccountId, valued: &assess::Valued) -> Result<U256, Halt> {
    if !super::guard::is_supplied(valued.row) {
        return Ok(U256::ZERO);
    }
    Ok(lending::supplied_down(cx, valued.asset(), account)?.to_u256())
}
