//! What calls the block to an order, in words of the form of an account's sheet, and the prices that it is held against.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, OrderId, Price, PriceTick};

use super::state::TriggersState;
use crate::{
    account::{SHEET_WORDS, Sheet, index::after_losses},
    oracle::{self, PriceUse, Side},
};

pub(super) const STATE: TriggersState = TriggersState::new();

/// The order and word that a storage slot of this contract is part of.
pub(super) fn guard_slot(slot: U256) -> Option<(OrderId, u8)> {
    STATE.guards.key_of(slot)
}

pub(super) fn load(cx: &mut Ctx<'_>, id: OrderId) -> Result<Sheet, Halt> {
    Sheet::read(|part| STATE.guards.at((id, part)).load(cx))
}

/// Writes the words that differ from what is stored.
pub(super) fn save(cx: &mut Ctx<'_>, id: OrderId, guard: &Sheet) -> Result<(), Halt> {
    let before = load(cx, id)?;
    for part in 0..SHEET_WORDS {
        let word = guard.word(part);
        if word != before.word(part) {
            STATE.guards.at((id, part)).save(cx, word)?;
        }
    }
    Ok(())
}

/// The price at which things are sold for an account, if it may be used now.
pub(super) fn usable(cx: &mut Ctx<'_>, asset: AssetId) -> Result<Option<Price>, Halt> {
    let now_ms = cx.store.block().time_ms;
    let feed = oracle::feed(cx, asset)?;
    Ok(feed
        .price(now_ms, PriceUse::Liquidate, Side::Collateral)
        .ok())
}

/// Down to which tick a price counts as fallen.
pub(crate) fn fallen_to(
    cx: &mut Ctx<'_>,
    asset: AssetId,
    supplied: bool,
) -> Result<Option<PriceTick>, Halt> {
    match usable(cx, asset)? {
        Some(price) => after_losses(cx, asset, supplied, PriceTick::down(price)).map(Some),
        None => Ok(None),
    }
}

/// Up to which tick it counts as risen.
pub(crate) fn risen_to(cx: &mut Ctx<'_>, asset: AssetId) -> Result<Option<PriceTick>, Halt> {
    Ok(usable(cx, asset)?.map(PriceTick::up))
}
