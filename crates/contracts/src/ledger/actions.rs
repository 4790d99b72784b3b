//! What moves units inside the ledger, and what its owner may do.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};

use super::{
    ADDRESS,
    ILedger::{AssetFrozen, AssetListed, OutflowLimit, OutflowLimitSet},
    Kind, border,
    error::*,
    foreign,
    params::{ASSET_COUNT_MAX, LOOSEN_DELAY_MS, Limit, Limits},
    state::{LedgerState, Listing},
};
use crate::{admin, contract::emit, revert};

pub(super) const STATE: LedgerState = LedgerState::new();

/// A listed asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its token; the coin's is its ERC-20 face.
    pub token: Address,
    /// Digits behind the point of one whole token.
    pub decimals: u8,
    /// What kind of token that is.
    pub kind: Kind,
    /// Whether its border is closed.
    pub is_frozen: bool,
}

/// What an asset is.
///
/// # Errors
/// `LedgerUnknownAsset`.
pub fn asset(cx: &mut Ctx<'_>, id: AssetId) -> Result<Asset, Halt> {
    let Listing {
        token,
        decimals,
        kind,
        is_frozen,
    } = STATE.listings.at(id).load(&mut cx.enter(ADDRESS))?;
    if token.is_zero() {
        return Err(revert(&LedgerUnknownAsset { assetId: id.get() }));
    }
    Ok(Asset {
        token,
        decimals,
        kind: Kind::from_number(kind)?,
        is_frozen,
    })
}

/// How many assets are listed.
///
/// # Errors
/// The store's.
pub fn asset_count(cx: &mut Ctx<'_>) -> Result<u32, Halt> {
    STATE.asset_count.load(&mut cx.enter(ADDRESS))
}

/// The asset of a token, if it is listed.
///
/// # Errors
/// The store's.
pub fn asset_of(cx: &mut Ctx<'_>, token: Address) -> Result<Option<AssetId>, Halt> {
    let biased = STATE.asset_of.at(token).load(&mut cx.enter(ADDRESS))?;
    Ok(biased.checked_sub(1).map(AssetId::new))
}

/// Short name of an asset, for people.
///
/// # Errors
/// The store's.
pub fn symbol(cx: &mut Ctx<'_>, id: AssetId) -> Result<String, Halt> {
    STATE.symbols.at(id).load(&mut cx.enter(ADDRESS))
}

/// Units of an account.
///
/// # Errors
/// The store's.
pub fn free(cx: &mut Ctx<'_>, id: AssetId, account: AccountId) -> Result<Assets, Halt> {
    STATE.free.at((id, account)).load(&mut cx.enter(ADDRESS))
}

/// Units of all accounts together.
///
/// # Errors
/// The store's.
pub fn claims(cx: &mut Ctx<'_>, id: AssetId) -> Result<Assets, Halt> {
    STATE.claims.at(id).load(&mut cx.enter(ADDRESS))
}

/// What a wallet could pay in, as its token says; no more than an amount may be.
///
/// # Errors
/// `LedgerUnknownAsset`, `LedgerTokenRefused`.
pub fn wallet_balance_down(cx: &mut Ctx<'_>, id: AssetId, wallet: Address) -> Result<Assets, Halt> {
    let token = asset(cx, id)?.token;
    let balance = foreign::balance(&mut cx.enter(ADDRESS), token, wallet)?;
    Ok(Assets::from_u256(balance).unwrap_or(Assets::MAX))
}

/// Moves units from one account to another. For native contracts; nothing asks here who calls.
///
/// # Errors
/// `LedgerInsufficient`.
pub fn shift(
    cx: &mut Ctx<'_>,
    id: AssetId,
    from: AccountId,
    to: AccountId,
    amount: Assets,
) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    take(cx, id, from, amount)?;
    STATE.free.at((id, to)).add(cx, amount)
}

/// Takes units of an account. The frame is the ledger's.
pub(super) fn take(
    cx: &mut Ctx<'_>,
    id: AssetId,
    from: AccountId,
    amount: Assets,
) -> Result<(), Halt> {
    let balance = STATE.free.at((id, from));
    if balance.sub_bounded(cx, amount, Assets::ZERO)? {
        return Ok(());
    }
    Err(revert(&LedgerInsufficient {
        owner: from.owner,
        index: from.index,
        assetId: id.get(),
        have: balance.load(cx)?.to_u256(),
        need: amount.to_u256(),
    }))
}

/// Makes a token an asset. The caller checks who may.
///
/// # Errors
/// `LedgerListedAlready`, `LedgerTooManyAssets`, `LedgerNotAToken`, `LedgerTooManyDecimals`,
/// `LedgerSupplyTooLarge`, `LedgerRebasing`.
pub fn list(cx: &mut Ctx<'_>, token: Address, limit: Limit) -> Result<AssetId, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    if let Some(id) = asset_of(cx, token)? {
        let asset_id = id.get();
        return Err(revert(&LedgerListedAlready {
            token,
            assetId: asset_id,
        }));
    }
    let number = STATE.asset_count.load(cx)?;
    if number >= ASSET_COUNT_MAX {
        let max = U256::from(ASSET_COUNT_MAX);
        return Err(revert(&LedgerTooManyAssets { max }));
    }
    let (id, kind) = (AssetId::new(number), Kind::of(cx, token)?);
    let foreign::Looks { decimals, symbol } = foreign::look(cx, token, kind)?;
    let symbol = symbol.unwrap_or_else(|| format!("asset{number}"));
    let listing = Listing {
        token,
        decimals,
        kind: kind.number(),
        is_frozen: false,
    };
    let next = number.checked_add(1).ok_or_else(Halt::overflow)?;
    STATE.asset_count.save(cx, next)?;
    STATE.listings.at(id).save(cx, &listing)?;
    STATE.asset_of.at(token).save(cx, next)?;
    STATE.symbols.at(id).save(cx, &symbol)?;
    emit(
        cx,
        &AssetListed {
            assetId: number,
            token,
            decimals,
            symbol,
        },
    )?;
    set_limits(cx, id, Limits::fixed(limit))?;
    border::open_first(cx, id)?;
    Ok(id)
}

/// Lists, for the owner.
///
/// # Errors
/// `AdminNotOwner`, `LedgerLimitOutOfRange`, and those of [`list`].
pub(super) fn list_asset(
    cx: &mut Ctx<'_>,
    token: Address,
    limit: &OutflowLimit,
) -> Result<u32, Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let limit = Limit::checked(limit)?;
    list(cx, token, limit).map(AssetId::get)
}

/// Sets a limit, for the owner (LED-6).
///
/// # Errors
/// `AdminNotOwner`, `LedgerUnknownAsset`, `LedgerLimitOutOfRange`.
pub(super) fn set_outflow_limit(
    cx: &mut Ctx<'_>,
    number: u32,
    limit: &OutflowLimit,
) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let id = known(cx, number)?;
    let limit = Limit::checked(limit)?;
    let now_ms = cx.store.block().time_ms;
    let present = Limits::load(cx, id)?.at(now_ms);
    let limits = if limit.is_within(present) {
        Limits::fixed(limit)
    } else {
        Limits::announced(present, limit, now_ms.saturating_add(LOOSEN_DELAY_MS))
    };
    // What has flowed drains by the old limit until now, and is held against the new one from now on.
    border::settle(cx, id)?;
    set_limits(cx, id, limits)?;
    border::settle(cx, id).map(drop)
}

fn set_limits(cx: &mut Ctx<'_>, id: AssetId, limits: Limits) -> Result<(), Halt> {
    limits.save(cx, id)?;
    let OutflowLimit {
        windowS,
        shareBps,
        floor,
    } = limits.next().to_abi();
    emit(
        cx,
        &OutflowLimitSet {
            assetId: id.get(),
            windowS,
            shareBps,
            floor,
            fromMs: limits.next_from_ms.max(cx.store.block().time_ms),
        },
    )
}

/// Closes the border, for the owner or a guard.
///
/// # Errors
/// `AdminMissingRole`, `LedgerUnknownAsset`.
pub(super) fn freeze(cx: &mut Ctx<'_>, number: u32) -> Result<(), Halt> {
    admin::expect_guard(cx, ADDRESS, cx.caller())?;
    let id = known(cx, number)?;
    set_frozen(cx, id, true)?;
    emit(
        cx,
        &AssetFrozen {
            assetId: number,
            held: U256::ZERO,
            claims: U256::ZERO,
        },
    )
}

pub(super) fn set_frozen(cx: &mut Ctx<'_>, id: AssetId, is_frozen: bool) -> Result<(), Halt> {
    STATE.listings.at(id).update(cx, |listing| {
        listing.is_frozen = is_frozen;
        Ok(())
    })?;
    Ok(())
}

/// The asset with this number.
pub(super) fn known(cx: &mut Ctx<'_>, number: u32) -> Result<AssetId, Halt> {
    let id = AssetId::new(number);
    asset(cx, id)?;
    Ok(id)
}
