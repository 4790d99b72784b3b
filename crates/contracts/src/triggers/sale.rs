//! The floor of a sale, which follows from oracle prices (TRIG-3).

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, Bps, Price};

use super::error::TriggersBelowFloor;
use crate::{
    exchange::{self, Outcome, PriceMin, Sale},
    ledger, revert,
};

/// What a sale may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Floor {
    pub(super) sell: AssetId,
    pub(super) sell_price: Price,
    pub(super) buy: AssetId,
    pub(super) buy_price: Price,
    /// Part of its value.
    pub(super) limit: Bps,
}

/// Sells as many free units of an account as pools take at the floor; answers what was paid and received.
///
/// # Errors
/// `TriggersBelowFloor`: they take none.
pub(super) fn sell(
    cx: &mut Ctx<'_>,
    account: AccountId,
    floor: &Floor,
    units: Assets,
) -> Result<Outcome, Halt> {
    let sold = ledger::asset(cx, floor.sell)?.decimals;
    let bought = ledger::asset(cx, floor.buy)?.decimals;
    let sale = Sale {
        sold: floor.sell,
        received: floor.buy,
        amount_max: units,
        price_min: PriceMin::of_prices(
            (floor.sell_price, sold),
            (floor.buy_price, bought),
            floor.limit,
        )?,
    };
    let outcome = exchange::sell_up_to(cx, account, account, sale)?;
    if outcome.paid.is_zero() {
        return Err(revert(&TriggersBelowFloor {
            units: units.to_u256(),
            receivedMin: sale.price_min.of_up(units)?.to_u256(),
        }));
    }
    Ok(outcome)
}
