//! What a policy may say, and what it comes to.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Bps, PoolId};

use super::{
    IProducts::Policy,
    Kind, Phase,
    error::{ProductsInvalid, ProductsWrongPool},
    math::{log_of, ratio_down, wad},
    params::{
        BAND_DISTANCE_BPS, BAND_LOGS_MIN, FEE_BPS_MAX, HEALTH_BPS, LIMIT_BPS_MAX, LONG_BPS,
        NEUTRAL_BPS, NEUTRAL_TARGET_BPS, SHORT_BPS,
    },
    state::Product,
};
use crate::{
    account,
    exchange::{self, Curve},
    ledger, revert,
};

/// The product that is wished for, if every part is in its range (PROD-7).
///
/// # Errors
/// `ProductsInvalid`, `LedgerUnknownAsset`, `ExchangeUnknownPool`.
pub(super) fn checked(cx: &mut Ctx<'_>, policy: &Policy) -> Result<Product, Halt> {
    let Some(kind) = Kind::from_number(policy.kind) else {
        return Err(invalid("kind", policy.kind, 1, 4));
    };
    let (collateral, debt) = (
        AssetId::new(policy.collateralAssetId),
        AssetId::new(policy.debtAssetId),
    );
    for asset in [collateral, debt] {
        ledger::asset(cx, asset)?;
        // Rows of a guard have a byte for the asset.
        let most = account::ASSETS_MAX.saturating_sub(1);
        within("asset", asset.get(), 0, most)?;
    }
    if collateral == debt {
        let other = policy.collateralAssetId.saturating_add(1);
        return Err(invalid("debtAssetId", policy.debtAssetId, other, u32::MAX));
    }
    let (least, most) = match kind {
        Kind::Long => LONG_BPS,
        Kind::Short => SHORT_BPS,
        Kind::Loop => HEALTH_BPS,
        Kind::Neutral => NEUTRAL_BPS,
    };
    within("lowBps", policy.lowBps, least, most)?;
    within("targetBps", policy.targetBps, policy.lowBps, most)?;
    within("highBps", policy.highBps, policy.targetBps, most)?;
    within("limitBps", policy.limitBps, 1, LIMIT_BPS_MAX)?;
    within("feeBps", policy.feeBps, 0, FEE_BPS_MAX)?;
    let cap_usd = u128::try_from(policy.capUsd).map_err(|_| Halt::overflow())?;
    let (mut initial, maintenance) = account::factors_between(cx, collateral, debt)?;
    if kind == Kind::Neutral {
        within(
            "targetBps",
            policy.targetBps,
            NEUTRAL_TARGET_BPS,
            NEUTRAL_TARGET_BPS,
        )?;
        expect_pool_of_both(cx, policy)?;
        // Liquidity counts at the lowest factor of its coins.
        initial = initial.min(account::factors_between(cx, debt, debt)?.0);
    } else {
        within("poolId", policy.poolId, 0, 0)?;
    }
    let ratio = |bps| ratio_down(kind, bps, maintenance);
    let (mut low_wad, mut high_wad) = (ratio(policy.lowBps)?, ratio(policy.highBps)?);
    if kind == Kind::Loop {
        // The more health, the less debt.
        core::mem::swap(&mut low_wad, &mut high_wad);
    }
    let product = Product {
        kind: policy.kind,
        collateral,
        debt,
        limit: Bps::new(policy.limitBps)?,
        fee: Bps::new(policy.feeBps)?,
        target_bps: policy.targetBps,
        low_bps: policy.lowBps,
        high_bps: policy.highBps,
        failures: 0,
        target_wad: ratio(policy.targetBps)?,
        low_wad,
        high_wad,
        cap_usd,
        reserve_wei: 0,
        pool: PoolId::new(policy.poolId),
        owner: policy.owner,
        phase: Phase::Open.number(),
    };
    expect_safe_band(&product, initial)?;
    Ok(product)
}

/// A constant product of the two assets and nothing else: half of it is of either, at any price.
fn expect_pool_of_both(cx: &mut Ctx<'_>, policy: &Policy) -> Result<(), Halt> {
    let pool = PoolId::new(policy.poolId);
    let mut coins = [policy.collateralAssetId, policy.debtAssetId].map(AssetId::new);
    coins.sort();
    let is_product = exchange::curve_of(cx, pool)? == Curve::Product;
    if is_product && exchange::coins_of(cx, pool)? == coins {
        return Ok(());
    }
    Err(revert(&ProductsWrongPool {
        poolId: policy.poolId,
    }))
}

/// The band leaves room on both sides of the target, and its upper end lies below what may be borrowed.
fn expect_safe_band(product: &Product, initial: Bps) -> Result<(), Halt> {
    let kept = Bps::new(BAND_DISTANCE_BPS)?.complement();
    let most = kept.of_down(initial.of_down(wad())?)?;
    if U256::from(product.high_wad) > most {
        return Err(revert(&ProductsInvalid {
            what: "ratio of debt to collateral at the end of the band".to_owned(),
            value: U256::from(product.high_wad),
            least: U256::ZERO,
            most,
        }));
    }
    let target = log_of(product.target_wad);
    let sides = [
        log_of(product.high_wad).saturating_sub(target),
        target.saturating_sub(log_of(product.low_wad)),
    ];
    for side in sides {
        if side < BAND_LOGS_MIN {
            return Err(revert(&ProductsInvalid {
                what: "width of the band, in steps of 2^(1/65536)".to_owned(),
                value: U256::from(side.max(0).unsigned_abs()),
                least: U256::from(BAND_LOGS_MIN.unsigned_abs()),
                most: U256::MAX,
            }));
        }
    }
    Ok(())
}

fn within<N: Into<u64> + Copy>(what: &str, value: N, least: N, most: N) -> Result<(), Halt> {
    let inside = (least.into()..=most.into()).contains(&value.into());
    if inside {
        return Ok(());
    }
    Err(invalid(what, value, least, most))
}

fn invalid<N: Into<u64>>(what: &str, value: N, least: N, most: N) -> Halt {
    revert(&ProductsInvalid {
        what: what.to_owned(),
        value: U256::from(value.into()),
        least: U256::from(least.into()),
        most: U256::from(most.into()),
    })
}
