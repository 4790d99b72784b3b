//! What the owner and guards may do: make the dollar, set parameters, pause.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets, Bps, Ray};

use super::{
    ADDRESS,
    IDollar::{DollarParams, DollarParamsSet, DollarPaused, Opened, PegParams, PegParamsSet},
    Pause,
    book::{self, STATE},
    error::*,
    params::{CHANGE_DELAY_MS, DECIMALS, refuse},
    state::{Book, Config, PegConfig},
};
use crate::{
    admin::{self, Pausing},
    contract::emit,
    ledger, revert, token,
};

/// Window of the outflow limit that the dollar is listed with, in seconds. Everything may leave until the ledger's owner
/// tightens it.
const WINDOW_S: u32 = 86_400;

/// Makes the token and lists it, once.
///
/// # Errors
/// `AdminNotOwner`, `DollarParamOutOfRange`, `DollarOpenAlready`, `LedgerTooManyAssets`.
pub(super) fn open(cx: &mut Ctx<'_>, params: &DollarParams) -> Result<Address, Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let config = Config::checked(params)?;
    if !book::is_none(&STATE.book.load(cx)?) {
        let token = STATE.token.load(cx)?;
        return Err(revert(&DollarOpenAlready { token }));
    }
    let token = token::create(cx, "Capstan Dollar", "usd", DECIMALS, ADDRESS)?;
    let limit = ledger::Limit {
        window_s: WINDOW_S,
        share: Bps::ZERO,
        floor: Assets::MAX,
    };
    let asset_id = ledger::list(cx, token, limit)?;
    let book = Book {
        borrow_index: Ray::ONE,
        accrued_ms: cx.store.block().time_ms,
        asset_id,
        paused: 0,
        savings_index: Ray::ONE,
        savings: Assets::ZERO,
        surplus: Assets::ZERO,
        hole: Assets::ZERO,
    };
    STATE.book.save(cx, &book)?;
    STATE.token.save(cx, token)?;
    let asset_id = asset_id.get();
    emit(
        cx,
        &Opened {
            token,
            assetId: asset_id,
        },
    )?;
    set_now(cx, config)?;
    Ok(token)
}

/// Sets parameters (DOL-13).
///
/// # Errors
/// `AdminNotOwner`, `DollarNotOpen`, `DollarParamOutOfRange`.
pub(super) fn set_params(cx: &mut Ctx<'_>, params: &DollarParams) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let config = Config::checked(params)?;
    book::accrue(cx)?;
    if config.is_tighter(STATE.config.load(cx)?) {
        return set_now(cx, config);
    }
    let from_ms = cx.store.block().time_ms.saturating_add(CHANGE_DELAY_MS);
    STATE.next_config.save(cx, &config)?;
    STATE.next_from_ms.save(cx, from_ms)?;
    say(cx, config, from_ms)
}

/// Puts parameters in force, and takes back what was announced.
fn set_now(cx: &mut Ctx<'_>, config: Config) -> Result<(), Halt> {
    STATE.config.save(cx, &config)?;
    STATE.next_from_ms.save(cx, 0)?;
    let now_ms = cx.store.block().time_ms;
    say(cx, config, now_ms)
}

fn say(cx: &mut Ctx<'_>, config: Config, from_ms: u64) -> Result<(), Halt> {
    emit(
        cx,
        &DollarParamsSet {
            params: config.to_abi(),
            fromMs: from_ms,
        },
    )
}

/// Lists a foreign dollar at once, or sets its parameters (DOL-13).
///
/// # Errors
/// `AdminNotOwner`, `DollarNotOpen`, `DollarParamOutOfRange`, `DollarPegItself`, `LedgerUnknownAsset`.
pub(super) fn set_peg(cx: &mut Ctx<'_>, number: u32, params: &PegParams) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let (id, config) = (AssetId::new(number), PegConfig::checked(params)?);
    if book::stored(cx)?.asset_id == id {
        return Err(revert(&DollarPegItself { assetId: number }));
    }
    ledger::asset(cx, id)?;
    let now_ms = cx.store.block().time_ms;
    let due_ms = STATE.next_pegs_from_ms.at(id).load(cx)?;
    if due_ms != 0 && due_ms <= now_ms {
        let due = STATE.next_pegs.at(id).load(cx)?;
        STATE.pegs.at(id).save(cx, &due)?;
    }
    let present = STATE.pegs.at(id).load(cx)?;
    let from_ms = if !present.is_listed || config.is_tighter(present) {
        STATE.pegs.at(id).save(cx, &config)?;
        STATE.next_pegs_from_ms.at(id).save(cx, 0)?;
        now_ms
    } else {
        let from_ms = now_ms.saturating_add(CHANGE_DELAY_MS);
        STATE.next_pegs.at(id).save(cx, &config)?;
        STATE.next_pegs_from_ms.at(id).save(cx, from_ms)?;
        from_ms
    };
    emit(
        cx,
        &PegParamsSet {
            assetId: number,
            params: config.to_abi(),
            fromMs: from_ms,
        },
    )
}

/// Stops verbs or lets them go on.
///
/// # Errors
/// `AdminMissingRole`, `AdminNotOwner`, `DollarNotOpen`, `DollarParamOutOfRange`.
pub(super) fn pause(cx: &mut Ctx<'_>, change: Pausing) -> Result<(), Halt> {
    change.check(cx, ADDRESS, Pause::ALL, |verbs, all| {
        refuse("verbs", verbs, U256::ONE, all)
    })?;
    let book = book::stored(cx)?;
    let paused = change.after(book.paused);
    STATE.book.save(cx, &Book { paused, ..book })?;
    emit(cx, &DollarPaused { paused })
}
