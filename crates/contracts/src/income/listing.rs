//! What the owner of the scope and its guards do.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::AssetId;

use super::{
    ADDRESS,
    IIncome::{
        IncomeMarketOpened, IncomeParams, IncomeParamsSet, IncomePausedSet, openMarketReturn,
    },
    Pause,
    error::*,
    market::{self, FIRST_LOSS, LENDERS, STATE},
    params::{self, CHANGE_DELAY_MS, Params, refuse},
    share,
    state::{Market, Tranche},
};
use crate::{
    admin::{self, Pausing},
    contract::emit,
    ledger, revert,
};

/// Opens a market, for the owner.
///
/// # Errors
/// `AdminNotOwner`, `LedgerUnknownAsset`, `IncomeOpenedAlready`, `IncomeParamOutOfRange`, `ListFull`.
pub(super) fn open_market(
    cx: &mut Ctx<'_>,
    number: u32,
    params: &IncomeParams,
) -> Result<openMarketReturn, Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let (id, params) = (AssetId::new(number), Params::checked(params)?);
    ledger::asset(cx, id)?;
    if market::find(cx, id)?.is_some() {
        return Err(revert(&IncomeOpenedAlready { assetId: number }));
    }
    let market = Market {
        is_open: true,
        ..Market::default()
    };
    market::save(cx, id, &market)?;
    STATE.listed.push(cx, id)?;
    let first = Tranche {
        generation: 1,
        ..Tranche::default()
    };
    for tranche in [LENDERS, FIRST_LOSS] {
        STATE.tranches.at((id, tranche)).save(cx, &first)?;
        cx.store.deploy_marker(share::address_of(id, tranche))?;
    }
    let (lenders, first_loss) = (
        share::address_of(id, LENDERS),
        share::address_of(id, FIRST_LOSS),
    );
    emit(
        cx,
        &IncomeMarketOpened {
            assetId: number,
            lenderShare: lenders,
            firstLossShare: first_loss,
        },
    )?;
    set(cx, id, params)?;
    Ok(openMarketReturn {
        lenderShare: lenders,
        firstLossShare: first_loss,
    })
}

/// Sets parameters, for the owner (INC-9).
///
/// # Errors
/// `AdminNotOwner`, `IncomeUnknownMarket`, `IncomeParamOutOfRange`.
pub(super) fn set_params(cx: &mut Ctx<'_>, number: u32, params: &IncomeParams) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let (id, params) = (AssetId::new(number), Params::checked(params)?);
    market::known(cx, id)?;
    let present = params::in_force(cx, id)?;
    if params.is_tighter(present) {
        return set(cx, id, params);
    }
    let from_ms = cx.store.block().time_ms.saturating_add(CHANGE_DELAY_MS);
    STATE.configs.at(id).save(cx, &present)?;
    STATE.next_configs.at(id).save(cx, &params)?;
    STATE.next_from_ms.at(id).save(cx, from_ms)?;
    say(cx, id, params, from_ms)
}

/// Puts parameters in force, and takes back what was announced.
fn set(cx: &mut Ctx<'_>, id: AssetId, params: Params) -> Result<(), Halt> {
    STATE.configs.at(id).save(cx, &params)?;
    STATE.next_from_ms.at(id).save(cx, 0)?;
    let now_ms = cx.store.block().time_ms;
    say(cx, id, params, now_ms)
}

fn say(cx: &mut Ctx<'_>, id: AssetId, params: Params, from_ms: u64) -> Result<(), Halt> {
    emit(
        cx,
        &IncomeParamsSet {
            assetId: id.get(),
            params: params.to_abi(),
            fromMs: from_ms,
        },
    )
}

/// Stops verbs or lets them go on.
///
/// # Errors
/// `AdminMissingRole`, `AdminNotOwner`, `IncomeUnknownMarket`, `IncomeParamOutOfRange`.
pub(super) fn pause(cx: &mut Ctx<'_>, number: u32, change: Pausing) -> Result<(), Halt> {
    change.check(cx, ADDRESS, Pause::ALL, |verbs: U256, all| {
        refuse("verbs", verbs, 1, all)
    })?;
    let id = AssetId::new(number);
    let market = market::known(cx, id)?;
    let paused = change.after(market.paused);
    market::save(cx, id, &Market { paused, ..market })?;
    emit(
        cx,
        &IncomePausedSet {
            assetId: number,
            verbs: paused,
        },
    )
}
