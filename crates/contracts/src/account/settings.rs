//! What counts how much, and who may say so.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, TimeMs, Usd};

use super::{
    ADDRESS,
    IAccount::{Collateral, CollateralSet, DebtMinSet, collateralOfReturn},
    params::{Agreed, DEBT_MIN, Factors, dollars},
    state::{AccountState, Ramp, Terms},
};
use crate::{admin, contract::emit, ledger};

const STATE: AccountState = AccountState::new();

/// First state.
pub(super) fn found(cx: &mut Ctx<'_>) -> Result<(), Halt> {
    save_debt_min(cx, dollars(DEBT_MIN))
}

/// Factors of an asset now; zeros if it is no collateral.
pub(super) fn factors(cx: &mut Ctx<'_>, asset: AssetId) -> Result<Factors, Halt> {
    ramp(cx, asset)?.at(TimeMs::new(cx.store.block().time_ms))
}

/// Factors of an asset on their way.
pub(super) fn ramp(cx: &mut Ctx<'_>, asset: AssetId) -> Result<Ramp, Halt> {
    STATE.ramps.at(asset).load(cx)
}

/// What else is agreed about an asset.
pub(super) fn terms(cx: &mut Ctx<'_>, asset: AssetId) -> Result<Terms, Halt> {
    STATE.terms.at(asset).load(cx)
}

pub(super) fn collateral_of(cx: &mut Ctx<'_>, asset_id: u32) -> Result<collateralOfReturn, Halt> {
    let asset = AssetId::new(asset_id);
    ledger::asset(cx, asset)?;
    let now = factors(cx, asset)?;
    let ramp = ramp(cx, asset)?;
    let next = ramp.at(ramp.end_ms)?;
    let terms = terms(cx, asset)?;
    Ok(collateralOfReturn {
        now: collateral(now, terms),
        next: collateral(next, terms),
        startMs: ramp.start_ms.get(),
        endMs: ramp.end_ms.get(),
    })
}

fn collateral(factors: Factors, terms: Terms) -> Collateral {
    let Factors {
        initial,
        maintenance,
        category_initial,
        category_maintenance,
    } = factors;
    let Terms {
        deposit_cap,
        discount_max,
        category,
        is_isolated,
    } = terms;
    Collateral {
        initialBps: initial.get(),
        maintenanceBps: maintenance.get(),
        categoryInitialBps: category_initial.get(),
        categoryMaintenanceBps: category_maintenance.get(),
        discountMaxBps: discount_max.get(),
        category,
        isolated: is_isolated,
        depositCap: deposit_cap.to_u256(),
    }
}

/// Says how much an asset counts as collateral, from now on for a new one, else by a ramp.
///
/// # Errors
/// `AdminNotOwner`, `LedgerUnknownAsset`, `AccountCollateralInvalid`, `AccountCollateralFixed`, `AccountRampTooShort`,
/// `AccountRampUnderWay`.
pub(super) fn set_collateral(
    cx: &mut Ctx<'_>,
    asset_id: u32,
    collateral: &Collateral,
    ramp_ms: u64,
) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let asset = AssetId::new(asset_id);
    ledger::asset(cx, asset)?;
    agree(cx, asset, collateral, ramp_ms)
}

/// Says how much an asset counts that never counted. The caller checks who may.
///
/// # Errors
/// `AccountCollateralInvalid`; `AccountCollateralFixed`, `AccountRampTooShort` and `AccountRampUnderWay` for an asset that
/// counts already.
pub fn list(cx: &mut Ctx<'_>, asset: AssetId, collateral: &Collateral) -> Result<(), Halt> {
    agree(&mut cx.enter(ADDRESS), asset, collateral, 0)
}

/// The frame is this contract's.
fn agree(
    cx: &mut Ctx<'_>,
    asset: AssetId,
    collateral: &Collateral,
    ramp_ms: u64,
) -> Result<(), Halt> {
    let asset_id = asset.get();
    let agreed = Agreed::checked(collateral)?;
    let present = ramp(cx, asset)?;
    if present != Ramp::default() {
        agreed.expect_compatible(asset_id, terms(cx, asset)?)?;
    }
    STATE.terms.at(asset).save(cx, &agreed.terms)?;
    let now = present.at(TimeMs::new(cx.store.block().time_ms))?;
    // Caps change alone, without a ramp that changes nothing.
    let ramp = if present != Ramp::default() && now == agreed.factors {
        present
    } else {
        agreed.factors.ramp_after(cx, present, ramp_ms)?
    };
    STATE.ramps.at(asset).save(cx, &ramp)?;
    emit(
        cx,
        &CollateralSet {
            assetId: asset_id,
            collateral: collateral.clone(),
            startMs: ramp.start_ms.get(),
            endMs: ramp.end_ms.get(),
        },
    )
}

pub(super) fn debt_min_now(cx: &mut Ctx<'_>) -> Result<Usd, Halt> {
    STATE.debt_min.load(cx)
}

pub(super) fn debt_min(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    Ok(debt_min_now(cx)?.to_u256())
}

/// Sets the smallest debt. Debts that stand are not touched.
///
/// # Errors
/// `AdminNotOwner`.
pub(super) fn set_debt_min(cx: &mut Ctx<'_>, value: U256) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    save_debt_min(cx, Usd::from_u256(value)?)
}

fn save_debt_min(cx: &mut Ctx<'_>, value: Usd) -> Result<(), Halt> {
    STATE.debt_min.save(cx, value)?;
    emit(
        cx,
        &DebtMinSet {
            value: value.to_u256(),
        },
    )
}
