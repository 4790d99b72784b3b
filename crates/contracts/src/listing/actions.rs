//! The one verb: four contracts, one after the other.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::Assets;

use super::{
    IListing::{Asset, Border, Collateral, Feed, Listed, Market, listReturn},
    SCOPES,
};
use crate::{account, admin, contract::emit, ledger, lending, oracle, revert};

/// Lists an asset (LIST-1).
///
/// # Errors
/// `AdminNotOwner`, and whatever one of the four contracts refuses.
pub(super) fn list(cx: &mut Ctx<'_>, asset: &Asset) -> Result<listReturn, Halt> {
    let caller = cx.caller();
    for scope in SCOPES {
        admin::expect_owner(cx, scope, caller)?;
    }
    let Asset {
        token,
        border,
        feed,
        market,
        collateral,
    } = asset;
    let limit = ledger::Limit::checked(&border.into())?;
    let params = lending::Params::checked(&market.into())?;
    let seed = amount("seed", market.seed)?;

    let id = ledger::list(cx, *token, limit)?;
    oracle::list(cx, id, &feed.description, feed.referencePrice, feed.into())?;
    let share_token = lending::list(cx, id, params, caller, seed)?;
    account::list(cx, id, &collateral.into())?;

    let feed = oracle::feed_address(id);
    emit(
        cx,
        &Listed {
            assetId: id.get(),
            token: *token,
            feed,
            shareToken: share_token,
        },
    )?;
    Ok(listReturn {
        assetId: id.get(),
        feed,
        shareToken: share_token,
    })
}

fn amount(what: &str, value: U256) -> Result<Assets, Halt> {
    Assets::from_u256(value).map_err(|_| {
        revert(&lending::ILending::LendingParamOutOfRange {
            what: what.to_owned(),
            value,
            min: U256::from(lending::SEED_MIN),
            max: Assets::MAX.to_u256(),
        })
    })
}

impl From<&Border> for ledger::ILedger::OutflowLimit {
    fn from(border: &Border) -> Self {
        let Border {
            windowS,
            shareBps,
            floor,
        } = *border;
        Self {
            windowS,
            shareBps,
            floor,
        }
    }
}

impl From<&Feed> for oracle::FeedParams {
    fn from(feed: &Feed) -> Self {
        let &Feed {
            description: _,
            referencePrice: _,
            quorum,
            reacceptRounds,
            bandBps,
            bandWidenBpsPerMin,
            confidenceBpsMax,
            growthBpsPerYear,
            staleMs,
            smoothMs,
            outageMs,
            graceMs,
            stillMs,
        } = feed;
        Self {
            quorum,
            reaccept_rounds: reacceptRounds,
            band_bps: bandBps,
            band_widen_bps_per_min: bandWidenBpsPerMin,
            confidence_bps_max: confidenceBpsMax,
            growth_bps_per_year: growthBpsPerYear,
            stale_ms: staleMs,
            smooth_ms: smoothMs,
            outage_ms: outageMs,
            grace_ms: graceMs,
            still_ms: stillMs,
        }
    }
}

impl From<&Market> for lending::ILending::MarketParams {
    fn from(market: &Market) -> Self {
        let Market {
            seed: _,
            reserveFactorBps,
            supplyCap,
            borrowCap,
            rateModel,
            baseBps,
            slope1Bps,
            slope2Bps,
            optimalBps,
        } = *market;
        Self {
            reserveFactorBps,
            supplyCap,
            borrowCap,
            rateModel,
            baseBps,
            slope1Bps,
            slope2Bps,
            optimalBps,
        }
    }
}

impl From<&Collateral> for account::IAccount::Collateral {
    fn from(collateral: &Collateral) -> Self {
        let Collateral {
            initialBps,
            maintenanceBps,
            categoryInitialBps,
            categoryMaintenanceBps,
            discountMaxBps,
            category,
            isolated,
            depositCap,
        } = *collateral;
        Self {
            initialBps,
            maintenanceBps,
            categoryInitialBps,
            categoryMaintenanceBps,
            discountMaxBps,
            category,
            isolated,
            depositCap,
        }
    }
}
