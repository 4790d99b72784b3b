//! What anybody may ask.

use alloy_primitives::{Address, B256, FixedBytes, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::AssetId;

use super::{
    abi::IOracle::{
        FeedState, borrowPriceOfReturn, eip712DomainReturn, feedParamsOfReturn,
        liquidationPriceOfReturn, observationOfReturn, priceOfReturn, roundOfReturn,
    },
    actions::{effective_params, expect_listed, reporters_now},
    error::Unusable,
    feed::{PriceUse, Side, feed},
    report::{DOMAIN_NAME, DOMAIN_VERSION},
    state::OracleState,
};

const STATE: OracleState = OracleState::new();

pub(super) fn price_of(cx: &mut Ctx<'_>, asset_id: AssetId) -> Result<priceOfReturn, Halt> {
    let now_ms = cx.store.block().time_ms;
    let feed = feed(cx, asset_id)?;
    match feed.price(now_ms, PriceUse::View, Side::Collateral) {
        Ok(price) => Ok(priceOfReturn {
            price: price.get(),
            timeMs: feed.time_ms(),
        }),
        Err(why) => Err(why.halt(asset_id)),
    }
}

/// What the asset counts as collateral and as debt.
fn both_sides(
    cx: &mut Ctx<'_>,
    asset_id: AssetId,
    price_use: PriceUse,
) -> Result<(u128, u128), Halt> {
    let now_ms = cx.store.block().time_ms;
    let feed = feed(cx, asset_id)?;
    let price = |side| {
        let price = feed.price(now_ms, price_use, side);
        price.map_err(|why| why.halt(asset_id))
    };
    Ok((price(Side::Collateral)?.get(), price(Side::Debt)?.get()))
}

pub(super) fn borrow_price_of(
    cx: &mut Ctx<'_>,
    asset_id: AssetId,
) -> Result<borrowPriceOfReturn, Halt> {
    let (collateral, debt) = both_sides(cx, asset_id, PriceUse::Borrow)?;
    Ok(borrowPriceOfReturn { collateral, debt })
}

pub(super) fn liquidation_price_of(
    cx: &mut Ctx<'_>,
    asset_id: AssetId,
) -> Result<liquidationPriceOfReturn, Halt> {
    let (collateral, debt) = both_sides(cx, asset_id, PriceUse::Liquidate)?;
    Ok(liquidationPriceOfReturn { collateral, debt })
}

pub(super) fn feed_of(cx: &mut Ctx<'_>, asset_id: AssetId) -> Result<FeedState, Halt> {
    expect_listed(cx, asset_id)?;
    let now_ms = cx.store.block().time_ms;
    let feed = feed(cx, asset_id)?;
    let unusable = feed.unusable(now_ms, PriceUse::Borrow);
    let (detail, limit) = unusable.map(Unusable::numbers).unwrap_or_default();
    Ok(FeedState {
        description: STATE.descriptions.at(asset_id).load(cx)?,
        round: STATE.trails.at(asset_id).load(cx)?.round,
        spot: feed.spot.get(),
        smoothed: feed.smoothed.get(),
        raw: feed.raw.get(),
        timeMs: feed.time_ms,
        graceUntilMs: feed.grace_until_ms(),
        frozen: feed.frozen,
        reason: unusable.map_or(0, Unusable::reason),
        detail,
        limit,
    })
}

pub(super) fn feed_params_of(
    cx: &mut Ctx<'_>,
    asset_id: AssetId,
) -> Result<feedParamsOfReturn, Halt> {
    expect_listed(cx, asset_id)?;
    let current = effective_params(cx, asset_id)?;
    let next_from_ms = STATE.next_from_ms.at(asset_id).load(cx)?;
    if next_from_ms <= cx.store.block().time_ms {
        return Ok(feedParamsOfReturn {
            current: current.into(),
            next: current.into(),
            nextFromMs: 0,
        });
    }
    let next = STATE.next_params.at(asset_id).load(cx)?;
    Ok(feedParamsOfReturn {
        current: current.into(),
        next: next.into(),
        nextFromMs: next_from_ms,
    })
}

pub(super) fn feeds(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    STATE.listed.load(cx)
}

pub(super) fn reporters(cx: &mut Ctx<'_>) -> Result<Vec<Address>, Halt> {
    STATE.reporters.load(cx)
}

pub(super) fn is_reporter(cx: &mut Ctx<'_>, account: Address) -> Result<bool, Halt> {
    Ok(reporters_now(cx)?.contains(&account))
}

pub(super) fn round_of(cx: &mut Ctx<'_>, reporter: Address) -> Result<roundOfReturn, Halt> {
    let spoken = STATE.spoken.at(reporter).load(cx)?;
    Ok(roundOfReturn {
        round: spoken.round,
        timeMs: spoken.time_ms,
    })
}

pub(super) fn observation_of(
    cx: &mut Ctx<'_>,
    asset_id: AssetId,
    reporter: Address,
) -> Result<observationOfReturn, Halt> {
    let observation = STATE.observations.at((asset_id, reporter)).load(cx)?;
    Ok(observationOfReturn {
        price: observation.price.get(),
        confidenceBps: observation.confidence_bps,
        timeMs: observation.time_ms,
    })
}

pub(super) fn eip712_domain(cx: &Ctx<'_>) -> eip712DomainReturn {
    eip712DomainReturn {
        fields: FixedBytes([0x0f]),
        name: DOMAIN_NAME.to_owned(),
        version: DOMAIN_VERSION.to_owned(),
        chainId: U256::from(cx.store.block().chain_id),
        verifyingContract: cx.this(),
        salt: B256::ZERO,
        extensions: Vec::new(),
    }
}
