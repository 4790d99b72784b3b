//! What the owner of the scope may do to feeds and reporters, and what other files of this room ask the state.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Price};

use super::{
    ADDRESS as ORACLE, FEED_KIND,
    abi::IOracle::{
        FeedFrozen, FeedListed, FeedParamsSet, FeedReset, FeedUnfrozen, ReporterAdded,
        ReporterRemoved,
    },
    error::*,
    params::{ASSET_ID_MAX, FeedParams, LOOSEN, REPORT},
    prices::emit_grace,
    round::Book,
    state::{Ceiling, OracleState},
};
use crate::{admin, contract::emit, native, revert};

const STATE: OracleState = OracleState::new();

/// Address of an asset's feed.
pub fn feed_address(asset_id: AssetId) -> Address {
    native(FEED_KIND, asset_id.get().into())
}

/// Parameters that count now.
pub(super) fn effective_params(cx: &mut Ctx<'_>, asset_id: AssetId) -> Result<FeedParams, Halt> {
    let next_from_ms = STATE.next_from_ms.at(asset_id).load(cx)?;
    if next_from_ms > 0 && next_from_ms <= cx.store.block().time_ms {
        STATE.next_params.at(asset_id).load(cx)
    } else {
        STATE.params.at(asset_id).load(cx)
    }
}

/// Reporters that stand in the list and hold the role now.
pub(super) fn reporters_now(cx: &mut Ctx<'_>) -> Result<Vec<Address>, Halt> {
    let mut counting = Vec::new();
    for reporter in STATE.reporters.load(cx)? {
        if admin::has_role(cx, ORACLE, REPORT, reporter)? {
            counting.push(reporter);
        }
    }
    Ok(counting)
}

/// Stops unless the asset has a feed.
pub(super) fn expect_listed(cx: &mut Ctx<'_>, asset_id: AssetId) -> Result<(), Halt> {
    if is_listed(cx, asset_id)? {
        return Ok(());
    }
    Err(revert(&OracleFeedUnknown {
        assetId: asset_id.get(),
    }))
}

fn is_listed(cx: &mut Ctx<'_>, asset_id: AssetId) -> Result<bool, Halt> {
    let listed = STATE.listed.load(cx)?;
    Ok(usize::try_from(asset_id.get()).is_ok_and(|bit| listed.bit(bit)))
}

fn expect_owner(cx: &mut Ctx<'_>) -> Result<(), Halt> {
    admin::expect_owner(cx, ORACLE, cx.caller())
}

/// The owner, and a feed that exists.
fn expect_owner_of(cx: &mut Ctx<'_>, asset_id: AssetId) -> Result<(), Halt> {
    expect_owner(cx)?;
    expect_listed(cx, asset_id)
}

/// A price that can be a reference.
fn reference_price(price: u128) -> Result<Price, Halt> {
    match Price::new(price) {
        Ok(reference) if reference > Price::ZERO => Ok(reference),
        _ => Err(revert(&OraclePriceOutOfRange {
            price,
            max: Price::MAX.get(),
        })),
    }
}

/// Lists a feed, for the owner.
///
/// # Errors
/// `AdminNotOwner`, and those of [`list`].
pub(super) fn list_feed(
    cx: &mut Ctx<'_>,
    asset_id: AssetId,
    description: &str,
    reference: u128,
    params: FeedParams,
) -> Result<(), Halt> {
    expect_owner(cx)?;
    list(cx, asset_id, description, reference, params)
}

/// Lists a feed, without a price. The caller checks who may.
///
/// # Errors
/// `OracleAssetOutOfRange`, `OracleFeedListed`, `OraclePriceOutOfRange`, `OracleParamOutOfRange`, `TextTooLong`.
pub fn list(
    cx: &mut Ctx<'_>,
    asset_id: AssetId,
    description: &str,
    reference: u128,
    params: FeedParams,
) -> Result<(), Halt> {
    let cx = &mut cx.enter(ORACLE);
    if asset_id.get() > ASSET_ID_MAX {
        return Err(revert(&OracleAssetOutOfRange {
            assetId: asset_id.get(),
            max: ASSET_ID_MAX,
        }));
    }
    if is_listed(cx, asset_id)? {
        return Err(revert(&OracleFeedListed {
            assetId: asset_id.get(),
        }));
    }
    let (price, params) = (reference_price(reference)?, params.checked()?);
    let bit = usize::try_from(asset_id.get()).map_err(|_| Halt::overflow())?;
    let mut listed = STATE.listed.load(cx)?;
    listed.set_bit(bit, true);
    STATE.listed.save(cx, listed)?;
    STATE.params.at(asset_id).save(cx, &params)?;
    STATE.descriptions.at(asset_id).save(cx, description)?;
    let book = Book::begun(price, &params, false, 0);
    STATE.feeds.at(asset_id).save(cx, &book.feed)?;
    let feed = feed_address(asset_id);
    cx.store.deploy_marker(feed)?;
    emit(
        cx,
        &FeedListed {
            assetId: asset_id.get(),
            feed,
            description: description.to_owned(),
            referencePrice: reference,
        },
    )?;
    emit_params(cx, asset_id, params, params, 0)
}

fn emit_params(
    cx: &mut Ctx<'_>,
    asset_id: AssetId,
    current: FeedParams,
    next: FeedParams,
    next_from_ms: u64,
) -> Result<(), Halt> {
    emit(
        cx,
        &FeedParamsSet {
            assetId: asset_id.get(),
            current: current.into(),
            next: next.into(),
            nextFromMs: next_from_ms,
        },
    )
}

/// Tunes a feed: what is stricter at once, the rest after the delay of LOOSEN (ORC-10). A new wish replaces the one
/// that waits.
///
/// # Errors
/// `AdminNotOwner`, `OracleFeedUnknown`, `OracleParamOutOfRange`, `OracleParamStepTooLarge`.
pub(super) fn set_feed_params(
    cx: &mut Ctx<'_>,
    asset_id: AssetId,
    wanted: FeedParams,
) -> Result<(), Halt> {
    expect_owner_of(cx, asset_id)?;
    let present = effective_params(cx, asset_id)?;
    let wanted = wanted.checked()?;
    present.step_to(wanted)?;
    let delay_ms = admin::role_delay_ms(cx, ORACLE, LOOSEN)?;
    let stricter = present.stricter(wanted);
    let (current, next_from_ms) = if stricter == wanted || delay_ms == 0 {
        (wanted, 0)
    } else {
        let from_ms = cx.store.block().time_ms.saturating_add(delay_ms);
        (stricter, from_ms)
    };
    STATE.params.at(asset_id).save(cx, &current)?;
    STATE.next_params.at(asset_id).save(cx, &wanted)?;
    STATE.next_from_ms.at(asset_id).save(cx, next_from_ms)?;
    // Readers see the age limit in the feed itself.
    STATE.feeds.at(asset_id).update(cx, |feed| {
        feed.stale_ms = current.stale_ms;
        Ok(())
    })?;
    emit_params(cx, asset_id, current, wanted, next_from_ms)
}

/// Forgets a feed's price.
///
/// # Errors
/// `AdminNotOwner`, `OracleFeedUnknown`, `OraclePriceOutOfRange`.
pub(super) fn reset_feed(cx: &mut Ctx<'_>, asset_id: AssetId, reference: u128) -> Result<(), Halt> {
    expect_owner_of(cx, asset_id)?;
    let price = reference_price(reference)?;
    let params = effective_params(cx, asset_id)?;
    let frozen = STATE.feeds.at(asset_id).load(cx)?.frozen;
    let round = STATE.trails.at(asset_id).load(cx)?.round;
    let book = Book::begun(price, &params, frozen, round);
    STATE.feeds.at(asset_id).save(cx, &book.feed)?;
    STATE.trails.at(asset_id).save(cx, &book.trail)?;
    STATE.ceilings.at(asset_id).save(cx, &Ceiling::default())?;
    emit(
        cx,
        &FeedReset {
            assetId: asset_id.get(),
            referencePrice: reference,
        },
    )
}

/// Makes a price unusable.
///
/// # Errors
/// `AdminNotOwner`, `OracleFeedUnknown`.
pub(super) fn freeze(cx: &mut Ctx<'_>, asset_id: AssetId) -> Result<(), Halt> {
    expect_owner_of(cx, asset_id)?;
    STATE.feeds.at(asset_id).update(cx, |feed| {
        feed.frozen = true;
        Ok(())
    })?;
    emit(
        cx,
        &FeedFrozen {
            assetId: asset_id.get(),
        },
    )
}

/// Ends a freeze and opens a grace period, for whoever could not act meanwhile (ORC-8). Nothing happens to a feed that
/// is not frozen.
///
/// # Errors
/// `AdminNotOwner`, `OracleFeedUnknown`.
pub(super) fn unfreeze(cx: &mut Ctx<'_>, asset_id: AssetId) -> Result<(), Halt> {
    expect_owner_of(cx, asset_id)?;
    let mut feed = STATE.feeds.at(asset_id).load(cx)?;
    if !feed.frozen {
        return Ok(());
    }
    let grace_ms = effective_params(cx, asset_id)?.grace_ms;
    feed.frozen = false;
    feed.open_grace(cx.store.block().time_ms, grace_ms);
    STATE.feeds.at(asset_id).save(cx, &feed)?;
    emit(
        cx,
        &FeedUnfrozen {
            assetId: asset_id.get(),
        },
    )?;
    emit_grace(cx, asset_id, &feed)
}

/// Puts a reporter into the list.
///
/// # Errors
/// `AdminNotOwner`, `OracleReporterZero`, `OracleReporterListed`, `ListFull`.
pub(super) fn add_reporter(cx: &mut Ctx<'_>, reporter: Address) -> Result<(), Halt> {
    expect_owner(cx)?;
    if reporter.is_zero() {
        return Err(revert(&OracleReporterZero {}));
    }
    if STATE.reporters.load(cx)?.contains(&reporter) {
        return Err(revert(&OracleReporterListed { reporter }));
    }
    STATE.reporters.push(cx, reporter)?;
    emit(cx, &ReporterAdded { reporter })
}

/// Takes a reporter out of the list.
///
/// # Errors
/// `AdminNotOwner`, `OracleReporterUnknown`.
pub(super) fn remove_reporter(cx: &mut Ctx<'_>, reporter: Address) -> Result<(), Halt> {
    expect_owner(cx)?;
    let present = STATE.reporters.load(cx)?;
    let Some((index, _)) = (0..).zip(&present).find(|(_, one)| **one == reporter) else {
        return Err(revert(&OracleReporterUnknown { reporter }));
    };
    STATE.reporters.swap_remove(cx, index)?;
    emit(cx, &ReporterRemoved { reporter })
}
