//! What holds for all sales: how far they push a pool, and through which coins they may go. The frame is the exchange's.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Bps};

use crate::{
    admin,
    contract::emit,
    exchange::{
        ADDRESS,
        IExchange::{ExchangeParamOutOfRange, SaleTermsSet, saleTermsReturn},
        params::{COMMON_COINS_MAX, SALE_IMPACT_BPS, SALE_IMPACT_MAX_BPS, SALE_IMPACT_MIN_BPS},
        pool::STATE,
        state::SaleTerms,
    },
    ledger, revert,
};

/// Terms in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Most by which sales of one block lower the price of one pool.
    pub(super) impact_max: Bps,
    /// Coins through which two steps may go.
    pub(super) common_coins: Vec<AssetId>,
}

/// The terms; until the owner says otherwise those of a new chain, whose common coin is the first asset.
pub(super) fn load(cx: &mut Ctx<'_>) -> Result<Terms, Halt> {
    let SaleTerms {
        impact_max,
        coin_count,
        coin0,
        coin1,
        coin2,
    } = STATE.sale_terms.load(cx)?;
    if impact_max == Bps::ZERO {
        return Ok(Terms {
            impact_max: Bps::new(SALE_IMPACT_BPS)?,
            common_coins: vec![AssetId::new(0)],
        });
    }
    let coins = [coin0, coin1, coin2].into_iter();
    Ok(Terms {
        impact_max,
        common_coins: coins.take(usize::from(coin_count)).collect(),
    })
}

pub(in crate::exchange) fn view(cx: &mut Ctx<'_>) -> Result<saleTermsReturn, Halt> {
    let terms = load(cx)?;
    Ok(saleTermsReturn {
        impactMaxBps: terms.impact_max.get(),
        commonCoins: terms.common_coins.iter().map(|coin| coin.get()).collect(),
    })
}

/// Sets both, for the owner.
///
/// # Errors
/// `AdminNotOwner`, `ExchangeParamOutOfRange`, `LedgerUnknownAsset`.
pub(in crate::exchange) fn set(
    cx: &mut Ctx<'_>,
    impact_max_bps: u16,
    common_coins: &[u32],
) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    if !(SALE_IMPACT_MIN_BPS..=SALE_IMPACT_MAX_BPS).contains(&impact_max_bps) {
        return Err(revert(&ExchangeParamOutOfRange {
            what: "impactMaxBps".to_owned(),
            value: U256::from(impact_max_bps),
            min: U256::from(SALE_IMPACT_MIN_BPS),
            max: U256::from(SALE_IMPACT_MAX_BPS),
        }));
    }
    if common_coins.len() > COMMON_COINS_MAX {
        return Err(revert(&ExchangeParamOutOfRange {
            what: "number of commonCoins".to_owned(),
            value: U256::from(common_coins.len()),
            min: U256::ZERO,
            max: U256::from(COMMON_COINS_MAX),
        }));
    }
    for coin in common_coins {
        ledger::asset(cx, AssetId::new(*coin))?;
    }
    let coin = |place: usize| AssetId::new(common_coins.get(place).copied().unwrap_or_default());
    let terms = SaleTerms {
        impact_max: Bps::new(impact_max_bps)?,
        coin_count: u8::try_from(common_coins.len()).unwrap_or_default(),
        coin0: coin(0),
        coin1: coin(1),
        coin2: coin(2),
    };
    STATE.sale_terms.save(cx, &terms)?;
    emit(
        cx,
        &SaleTermsSet {
            impactMaxBps: impact_max_bps,
            commonCoins: common_coins.to_vec(),
        },
    )
}
