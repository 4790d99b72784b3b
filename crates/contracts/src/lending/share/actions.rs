//! The verbs of ERC-4626. The frame is the share token's.
//!
//! Deposits pull first, while nothing of the market has changed; withdrawals push last, when everything has. So
//! whatever the asset's token runs in between sees a whole market.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, Shares};

use super::{
    ISupplyShare::{Deposit, ShareAssetTakesFee, Withdraw},
    ShareBook, account_of, asset_of,
};
use crate::{
    contract::emit,
    erc20::{self, Book},
    ledger,
    lending::{
        self, Pause,
        market::{self, CASH, STATE as MARKETS},
        math,
        params::SUPPLY_INDEX_MIN,
        state::Market,
    },
    revert,
};

pub(super) fn asset(cx: &mut Ctx<'_>) -> Result<Address, Halt> {
    let id = asset_of(cx)?;
    Ok(ledger::asset(cx, id)?.token)
}

fn now(cx: &mut Ctx<'_>) -> Result<Market, Halt> {
    let id = asset_of(cx)?;
    market::now(&mut cx.enter(lending::ADDRESS), id)
}

pub(super) fn total_assets(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    let supply = ShareBook::total_supply(cx)?;
    to_assets_down(cx, supply)
}

pub(super) fn to_shares_down(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
    Ok(now(cx)?.supply_index.into_down(assets)?)
}

pub(super) fn to_shares_up(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
    Ok(now(cx)?.supply_index.into_up(assets)?)
}

pub(super) fn to_assets_down(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
    Ok(now(cx)?.supply_index.of_down(shares)?)
}

pub(super) fn to_assets_up(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
    Ok(now(cx)?.supply_index.of_up(shares)?)
}

/// Takes assets and makes the shares that what arrives is worth.
///
/// # Errors
/// Those of `ledger::pull` and `lending::supply`, `ERC20InvalidReceiver`.
pub(super) fn deposit(cx: &mut Ctx<'_>, assets: U256, receiver: Address) -> Result<U256, Halt> {
    let (id, sender, account) = (asset_of(cx)?, cx.caller(), account_of(cx.this()));
    let arrived = ledger::pull(cx, id, sender, account, Assets::from_u256(assets)?)?;
    let shares = lending::supply(cx, id, account, arrived)?.to_u256();
    made(cx, receiver, arrived.to_u256(), shares)?;
    Ok(shares)
}

/// Makes exactly these shares and takes what they cost.
///
/// # Errors
/// `ShareAssetTakesFee`, and those of [`deposit`].
pub(super) fn mint(cx: &mut Ctx<'_>, shares: U256, receiver: Address) -> Result<U256, Halt> {
    let (id, sender, account) = (asset_of(cx)?, cx.caller(), account_of(cx.this()));
    let narrow = Shares::from_u256(shares)?;
    let index = now(cx)?.supply_index;
    let assets = math::assets_up(narrow, index)?;
    let arrived = ledger::pull(cx, id, sender, account, assets)?;
    if arrived != assets {
        return Err(revert(&ShareAssetTakesFee {
            wanted: assets.to_u256(),
            arrived: arrived.to_u256(),
        }));
    }
    let inside = &mut cx.enter(lending::ADDRESS);
    let market = market::accrue(inside, id)?;
    lending::actions::put_in(inside, id, market, account, assets, narrow)?;
    made(cx, receiver, assets.to_u256(), shares)?;
    Ok(assets.to_u256())
}

fn made(cx: &mut Ctx<'_>, owner: Address, assets: U256, shares: U256) -> Result<(), Halt> {
    erc20::mint::<ShareBook>(cx, owner, shares)?;
    emit(
        cx,
        &Deposit {
            sender: cx.caller(),
            owner,
            assets,
            shares,
        },
    )
}

/// Sends exactly these assets and burns what they cost.
///
/// # Errors
/// Those of `lending::redeem` and `ledger::push`, `ERC20InsufficientAllowance`, `ERC20InsufficientBalance`.
pub(super) fn withdraw(
    cx: &mut Ctx<'_>,
    assets: U256,
    receiver: Address,
    owner: Address,
) -> Result<U256, Halt> {
    let shares = to_shares_up(cx, assets)?;
    leave(cx, assets, shares, receiver, owner)?;
    Ok(shares)
}

/// Burns exactly these shares and sends what they are worth.
///
/// # Errors
/// As [`withdraw`].
pub(super) fn redeem(
    cx: &mut Ctx<'_>,
    shares: U256,
    receiver: Address,
    owner: Address,
) -> Result<U256, Halt> {
    let assets = to_assets_down(cx, shares)?;
    leave(cx, assets, shares, receiver, owner)?;
    Ok(assets)
}

fn leave(
    cx: &mut Ctx<'_>,
    assets: U256,
    shares: U256,
    receiver: Address,
    owner: Address,
) -> Result<(), Halt> {
    let (id, sender, account) = (asset_of(cx)?, cx.caller(), account_of(cx.this()));
    if sender != owner {
        erc20::spend_allowance::<ShareBook>(cx, owner, sender, shares)?;
    }
    erc20::burn::<ShareBook>(cx, owner, shares)?;
    let (narrow, amount) = (Shares::from_u256(shares)?, Assets::from_u256(assets)?);
    let inside = &mut cx.enter(lending::ADDRESS);
    let market = market::accrue(inside, id)?;
    lending::actions::take_out(inside, id, market, account, amount, narrow)?;
    ledger::push(cx, id, account, receiver, amount)?;
    emit(
        cx,
        &Withdraw {
            sender,
            receiver,
            owner,
            assets,
            shares,
        },
    )
}

/// Shares that the market would still take: none while supply is paused or the border is closed.
pub(super) fn max_mint(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    let (id, market) = (asset_of(cx)?, now(cx)?);
    let is_shut = market.paused & Pause::Supply.bit() != 0
        || market.supply_index.get() < SUPPLY_INDEX_MIN
        || ledger::asset(cx, id)?.is_frozen;
    if is_shut {
        return Ok(U256::ZERO);
    }
    let inside = &mut cx.enter(lending::ADDRESS);
    let accrued = market::projected(inside, id)?;
    let total = MARKETS.total_shares.at(id).load(inside)?;
    let total = total.add(accrued.reserve_shares)?;
    let cap = market::params(inside, id)?.supply_cap;
    let cap = math::cap_shares_down(cap, market.supply_index);
    Ok(cap.sub_or_zero(total).to_u256())
}

/// Assets that the market would still take.
pub(super) fn max_deposit(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    let room = max_mint(cx)?;
    Ok(to_assets_down(cx, room)?.min(Assets::MAX.to_u256()))
}

/// What the owner could take out now: his shares, the market's cash, and what may leave the ledger.
pub(super) fn max_withdraw(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
    let (id, market) = (asset_of(cx)?, now(cx)?);
    let is_shut = market.paused & Pause::Redeem.bit() != 0 || ledger::asset(cx, id)?.is_frozen;
    if is_shut {
        return Ok(U256::ZERO);
    }
    let shares = ShareBook::balance_of(cx, owner)?;
    let worth = market.supply_index.of_down(shares)?;
    let cash = ledger::free(cx, id, CASH)?.to_u256();
    Ok(worth.min(cash).min(ledger::may_leave(cx, id)?.to_u256()))
}

/// Shares that the owner could redeem now.
pub(super) fn max_redeem(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
    let assets = max_withdraw(cx, owner)?;
    let (market, shares) = (now(cx)?, ShareBook::balance_of(cx, owner)?);
    if market.supply_index.of_down(shares)? == assets {
        return Ok(if assets.is_zero() { U256::ZERO } else { shares });
    }
    Ok(market.supply_index.into_down(assets)?.min(shares))
}
