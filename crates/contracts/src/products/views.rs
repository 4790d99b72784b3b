//! What anyone may ask.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{Bps, ProductId, Usd, mul_div_down};

use super::{
    IProducts::{Policy, Standing},
    Kind,
    actions::known,
    guard::{self, STATE},
    holding::{Holding, Prices},
    math::wad,
    state::Product,
    unit,
};

const MS_PER_S: u64 = 1_000;

pub(super) fn product_count(cx: &mut Ctx<'_>) -> Result<u32, Halt> {
    STATE.product_count.load(cx)
}

pub(super) fn token_of(cx: &mut Ctx<'_>, id: ProductId) -> Result<Address, Halt> {
    known(cx, id)?;
    Ok(unit::address_of(id))
}

/// What is worth something only at prices that may be used.
#[derive(Default)]
struct Worth {
    ratio: U256,
    leverage_bps: U256,
    equity: Usd,
}

fn worth(cx: &mut Ctx<'_>, product: &Product, holding: &Holding) -> Result<Option<Worth>, Halt> {
    let prices = match Prices::read(cx, product) {
        Err(Halt::Revert(_)) => return Ok(None),
        prices => prices?,
    };
    let equity = holding.equity_down(&prices)?;
    let debt = holding.debt_up(&prices)?.to_u256();
    let (exposed, of) = match product.kind()? {
        Kind::Long | Kind::Loop => (
            holding.collateral_down(&prices)?.to_u256(),
            equity.to_u256(),
        ),
        Kind::Short => (debt, equity.to_u256()),
        Kind::Neutral => (
            debt.saturating_mul(U256::from(2)),
            holding.provided_down(&prices)?.to_u256(),
        ),
    };
    let whole = U256::from(Bps::ONE.get());
    let leverage_bps = mul_div_down(exposed, whole, of);
    Ok(Some(Worth {
        ratio: holding.ratio_down(&prices)?,
        leverage_bps: leverage_bps.unwrap_or(U256::MAX),
        equity,
    }))
}

pub(super) fn standing(cx: &mut Ctx<'_>, id: ProductId) -> Result<Standing, Halt> {
    let product = known(cx, id)?;
    let holding = Holding::read(cx, &product, unit::account_of(id))?;
    let supply = unit::supply_of(cx, id)?;
    let worth = worth(cx, &product, &holding)?;
    let priced = worth.is_some();
    let worth = worth.unwrap_or_default();
    // When the last unit of a closed one is redeemed there are none.
    let unit_value = mul_div_down(worth.equity.to_u256(), wad(), supply).unwrap_or_default();
    let guard = guard::load(cx, id)?;
    Ok(Standing {
        token: unit::address_of(id),
        policy: policy(&product),
        targetRatio: U256::from(product.target_wad),
        lowRatio: U256::from(product.low_wad),
        highRatio: U256::from(product.high_wad),
        ratio: worth.ratio,
        leverageBps: worth.leverage_bps,
        supply,
        collateral: holding.held.to_u256(),
        idle: holding.idle.to_u256(),
        debt: holding.owed.to_u256(),
        shares: holding.shares()?.to_u256(),
        priced,
        equity: worth.equity.to_u256(),
        unitValue: unit_value,
        reserveWei: U256::from(product.reserve_wei),
        nextMs: u64::from(guard.look_by_s).saturating_mul(MS_PER_S),
        failures: product.failures,
        phase: product.phase,
    })
}

fn policy(product: &Product) -> Policy {
    Policy {
        kind: product.kind,
        collateralAssetId: product.collateral.get(),
        debtAssetId: product.debt.get(),
        targetBps: product.target_bps,
        lowBps: product.low_bps,
        highBps: product.high_bps,
        limitBps: product.limit.get(),
        feeBps: product.fee.get(),
        capUsd: U256::from(product.cap_usd),
        poolId: product.pool.get(),
        owner: product.owner,
    }
}
