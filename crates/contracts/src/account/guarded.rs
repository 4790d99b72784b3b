//! Rooms beside this one whose guards have the form of a sheet: how their words are read and written, and at which prices
//! they call.

use core::fmt;

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, Map, SlotKey, Value};
use capstan_units::{AssetId, Price, PriceTick};

use super::{
    index::{after_losses, calls_of},
    sheet::{Sheet, WORDS},
};
use crate::{
    calls::{self, Room},
    oracle::{self, PriceUse, Side},
};

/// Words of guards: each item has as many as a sheet.
pub(crate) type Guards<I> = Map<(I, u8), Value<U256>>;

/// A room whose items call the block by guards of this form. A price that may not be used calls for nothing.
pub trait Guarded: Copy + Default + fmt::Debug + Eq {
    /// Whom they call it to.
    type Id: Copy + Ord + fmt::Debug;
    /// The first of all ids.
    const LOWEST: Self::Id;
    /// The last.
    const HIGHEST: Self::Id;
    /// Whose storage it is.
    const ADDRESS: Address;

    /// The item and word that a storage slot of the room is part of.
    fn guard_of(slot: U256) -> Option<(Self::Id, u8)>;
}

impl<R: Guarded> Room for R {
    type Id = R::Id;
    const LOWEST: R::Id = <R as Guarded>::LOWEST;
    const HIGHEST: R::Id = <R as Guarded>::HIGHEST;
    const ADDRESS: Address = <R as Guarded>::ADDRESS;

    fn entries(slot: U256, word: U256) -> Vec<calls::Entry<R::Id>> {
        let Some((id, part)) = R::guard_of(slot) else {
            return Vec::new();
        };
        let calls = calls_of(part, word).into_iter();
        calls.map(|call| (call, id)).collect()
    }

    fn has(slot: U256) -> bool {
        R::guard_of(slot).is_some()
    }

    fn fallen_to(
        cx: &mut Ctx<'_>,
        asset: AssetId,
        supplied: bool,
    ) -> Result<Option<PriceTick>, Halt> {
        fallen_to(cx, asset, supplied)
    }

    fn risen_to(cx: &mut Ctx<'_>, asset: AssetId) -> Result<Option<PriceTick>, Halt> {
        risen_to(cx, asset)
    }
}

/// The guard of an item. The frame is its room's.
pub(crate) fn load<I: Copy>(guards: Guards<I>, cx: &mut Ctx<'_>, id: I) -> Result<Sheet, Halt>
where
    (I, u8): SlotKey,
{
    Sheet::read(|part| guards.at((id, part)).load(cx))
}

/// Writes the words of a guard that differ from what is stored.
pub(crate) fn save<I: Copy>(
    guards: Guards<I>,
    cx: &mut Ctx<'_>,
    id: I,
    guard: &Sheet,
) -> Result<(), Halt>
where
    (I, u8): SlotKey,
{
    let before = load(guards, cx, id)?;
    for part in 0..WORDS {
        let word = guard.word(part);
        if word != before.word(part) {
            guards.at((id, part)).save(cx, word)?;
        }
    }
    Ok(())
}

/// The price at which things are sold for an account, if it may be used now.
pub(crate) fn usable(cx: &mut Ctx<'_>, asset: AssetId) -> Result<Option<Price>, Halt> {
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
