//! The AggregatorV3 face of one feed. It has no storage of its own: it reads the oracle's.

use alloy_primitives::{I256, U256, aliases::U80};
use capstan_state::{Ctx, Halt};
use capstan_units::AssetId;

use super::{
    ADDRESS as ORACLE,
    abi::IFeed::{FeedAnswerTooSmall, FeedNoRound, getRoundDataReturn, latestRoundDataReturn},
    feed::{PriceUse, Side, feed},
    state::OracleState,
};
use crate::{parse, revert};

const STATE: OracleState = OracleState::new();

/// Digits behind the point, as Chainlink's dollar feeds have.
pub(super) const DECIMALS: u8 = 8;
/// Version of the interface.
pub(super) const VERSION: U256 = U256::ONE;
/// 10^(18 - 8): from our units to the face's.
const UNITS_PER_ANSWER: u128 = 10_000_000_000;
const MS_PER_S: u64 = 1_000;

/// The asset whose face this frame is: the id of its address.
fn asset_id(cx: &Ctx<'_>) -> Result<AssetId, Halt> {
    let id = parse(cx.this()).and_then(|(_, id)| u32::try_from(id).ok());
    id.map(AssetId::new).ok_or_else(Halt::overflow)
}

pub(super) fn description(cx: &mut Ctx<'_>) -> Result<String, Halt> {
    let asset_id = asset_id(cx)?;
    STATE.descriptions.at(asset_id).load(&mut cx.enter(ORACLE))
}

/// The latest price, if View may have it (ORC-12).
///
/// # Errors
/// `OraclePriceUnusable`, `FeedAnswerTooSmall`.
pub(super) fn latest_round_data(cx: &mut Ctx<'_>) -> Result<latestRoundDataReturn, Halt> {
    let asset_id = asset_id(cx)?;
    let now_ms = cx.store.block().time_ms;
    let feed = feed(cx, asset_id)?;
    let price = feed
        .price(now_ms, PriceUse::View, Side::Collateral)
        .map_err(|why| why.halt(asset_id))?;
    let answer = price.get().div_euclid(UNITS_PER_ANSWER);
    if answer == 0 {
        return Err(revert(&FeedAnswerTooSmall {
            assetId: asset_id.get(),
            price: price.get(),
        }));
    }
    let round_id = U80::from(latest_round(cx, asset_id)?);
    let updated_at = U256::from(feed.time_ms().div_euclid(MS_PER_S));
    Ok(latestRoundDataReturn {
        roundId: round_id,
        answer: I256::try_from(answer).map_err(|_| Halt::overflow())?,
        startedAt: updated_at,
        updatedAt: updated_at,
        answeredInRound: round_id,
    })
}

fn latest_round(cx: &mut Ctx<'_>, asset_id: AssetId) -> Result<u64, Halt> {
    let trail = STATE.trails.at(asset_id).load(&mut cx.enter(ORACLE))?;
    Ok(trail.round)
}

/// The latest round again, by its number.
///
/// # Errors
/// `FeedNoRound` for any other; those of [`latest_round_data`].
pub(super) fn round_data(cx: &mut Ctx<'_>, round_id: U80) -> Result<getRoundDataReturn, Halt> {
    let asset_id = asset_id(cx)?;
    let latest = U80::from(latest_round(cx, asset_id)?);
    if round_id != latest {
        return Err(revert(&FeedNoRound {
            roundId: round_id,
            latest,
        }));
    }
    let data = latest_round_data(cx)?;
    Ok(getRoundDataReturn {
        id: data.roundId,
        answer: data.answer,
        startedAt: data.startedAt,
        updatedAt: data.updatedAt,
        answeredInRound: data.answeredInRound,
    })
}
