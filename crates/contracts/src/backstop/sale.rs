//! The Dutch sale of goods: anybody buys, at a price that falls with time.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets, assets_up, value_up};

use super::{
    GOODS,
    IBackstop::{GoodsSold, buyGoodsCall, buyGoodsReturn},
    POT, Pause,
    error::*,
    stake::{self, STATE},
    state::Lot,
};
use crate::{
    contract::emit,
    ledger,
    oracle::{self, PriceUse, Side},
    revert,
};

/// Goods, and what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Purchase {
    /// How much of the goods.
    pub(super) goods: Assets,
    /// How much of the stake's asset.
    pub(super) paid: Assets,
}

/// What up to `amount` of a stake's goods cost now, as far as there are so many. The frame is that of `backstop`.
///
/// # Errors
/// `BackstopUnknownStake`, `BackstopPaused`, `BackstopZeroAmount`, `BackstopNothingOnSale`, `OraclePriceUnusable`.
pub(super) fn quote(
    cx: &mut Ctx<'_>,
    id: AssetId,
    goods_id: AssetId,
    amount: Assets,
) -> Result<Purchase, Halt> {
    let stake = stake::known(cx, id)?;
    stake::expect_not_paused(id, &stake, Pause::Sale)?;
    stake::refuse_zero(amount.to_u256())?;
    let lot = STATE.lots.at((id, goods_id)).load(cx)?;
    let goods = amount.min(lot.goods);
    if goods.is_zero() {
        return Err(nothing_on_sale(id, goods_id));
    }
    // The prices of a liquidation, each on the side on which an error is the buyer's.
    let goods_price = oracle::price(cx, goods_id, PriceUse::Liquidate, Side::Collateral)?;
    let price = oracle::price(cx, id, PriceUse::Liquidate, Side::Debt)?;
    let goods_decimals = ledger::asset(cx, goods_id)?.decimals;
    let decimals = ledger::asset(cx, id)?.decimals;
    let (params, now_ms) = (stake::params(cx, id)?, cx.store.block().time_ms);
    let value = value_up(goods, goods_price, goods_decimals)?;
    let value = lot.price_up(value, &params, now_ms)?;
    Ok(Purchase {
        goods,
        paid: assets_up(value, price, decimals)?,
    })
}

fn affordable(
    cx: &mut Ctx<'_>,
    id: AssetId,
    goods_id: AssetId,
    amount: Assets,
    max_pay: Assets,
) -> Result<Purchase, Halt> {
    let purchase = quote(cx, id, goods_id, amount)?;
    if purchase.paid <= max_pay {
        return Ok(purchase);
    }
    Err(revert(&BackstopTooDear {
        assetId: id.get(),
        goodsAssetId: goods_id.get(),
        goods: purchase.goods.to_u256(),
        pay: purchase.paid.to_u256(),
        maxPay: max_pay.to_u256(),
    }))
}

/// Sells goods to the caller's wallet for its tokens.
///
/// # Errors
/// Those of a quote, `BackstopTooDear`, `BackstopTakesFee`, and those of `ledger::pull` and `ledger::push`.
pub(super) fn buy_goods(cx: &mut Ctx<'_>, call: &buyGoodsCall) -> Result<buyGoodsReturn, Halt> {
    let (id, goods_id) = (AssetId::new(call.assetId), AssetId::new(call.goodsAssetId));
    let caller = cx.caller();
    let max_pay = Assets::from_u256(call.maxPay.min(Assets::MAX.to_u256()))?;
    let amount = Assets::from_u256(call.amount.min(Assets::MAX.to_u256()))?;
    let purchase = affordable(cx, id, goods_id, amount, max_pay)?;
    let arrived = ledger::pull(cx, id, caller, POT, purchase.paid)?;
    if arrived != purchase.paid {
        return Err(takes_fee(id, purchase.paid, arrived));
    }
    settle(cx, id, goods_id, purchase, caller)?;
    ledger::push(cx, goods_id, GOODS, caller, purchase.goods)?;
    Ok(buyGoodsReturn {
        goods: purchase.goods.to_u256(),
        paid: purchase.paid.to_u256(),
    })
}

/// Counts a purchase whose payment is in the pot. What was quoted may be gone: the payment may have run foreign code.
fn settle(
    cx: &mut Ctx<'_>,
    id: AssetId,
    goods_id: AssetId,
    Purchase { goods, paid }: Purchase,
    buyer: Address,
) -> Result<(), Halt> {
    let place = STATE.lots.at((id, goods_id));
    let mut lot = place.load(cx)?;
    let mut stake = stake::known(cx, id)?;
    if lot.goods < goods {
        return Err(nothing_on_sale(id, goods_id));
    }
    lot.goods = lot.goods.sub(goods)?;
    if lot.goods.is_zero() {
        lot = Lot::default();
        stake.lots = stake.lots.checked_sub(1).ok_or_else(Halt::overflow)?;
    }
    stake.units = stake.units.add(paid)?;
    place.save(cx, &lot)?;
    stake::save(cx, id, &stake)?;
    emit(
        cx,
        &GoodsSold {
            assetId: id.get(),
            goodsAssetId: goods_id.get(),
            buyer,
            goods: goods.to_u256(),
            paid: paid.to_u256(),
            left: lot.goods.to_u256(),
        },
    )
}

fn nothing_on_sale(id: AssetId, goods_id: AssetId) -> Halt {
    revert(&BackstopNothingOnSale {
        assetId: id.get(),
        goodsAssetId: goods_id.get(),
    })
}

/// The error of a token that keeps a part where an exact amount is due.
pub(super) fn takes_fee(id: AssetId, wanted: Assets, arrived: Assets) -> Halt {
    revert(&BackstopTakesFee {
        assetId: id.get(),
        wanted: wanted.to_u256(),
        arrived: arrived.to_u256(),
    })
}
