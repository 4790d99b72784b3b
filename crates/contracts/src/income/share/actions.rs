//! Coming in and leaving. The frame is the share token's.
//!
//! A deposit pulls first and looks then; a withdrawal pushes last. So whatever the asset's token runs in between sees a
//! whole market.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{ShareBook, address_of, holdings, holdings_of, place_of};
use crate::{
    contract::emit,
    erc20::IErc20,
    erc4626::{self, Exit, Vault},
    income::{ADDRESS, POT, Pause, error::*, market, math::Worth, params},
    ledger, revert,
};

/// All shares of a generation. For the market, from any frame.
pub(in crate::income) fn supply_of(
    cx: &mut Ctx<'_>,
    id: AssetId,
    tranche: u8,
    generation: u32,
) -> Result<U256, Halt> {
    holdings_of(generation).total(&mut cx.enter(address_of(id, tranche)))
}

/// What shares are worth now: as those see it who leave, or as those who come.
fn worth(cx: &mut Ctx<'_>, for_deposit: bool) -> Result<Worth, Halt> {
    let (id, tranche) = place_of(cx)?;
    market::worth(&mut cx.enter(ADDRESS), id, tranche, for_deposit)
}

/// What may leave the tranche now.
pub(super) fn free(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    let (id, tranche) = place_of(cx)?;
    let free = market::may_leave(&mut cx.enter(ADDRESS), id, tranche)?;
    Ok(free.to_u256())
}

impl Vault for ShareBook {
    fn asset(cx: &mut Ctx<'_>) -> Result<Address, Halt> {
        let (id, _) = place_of(cx)?;
        Ok(ledger::asset(cx, id)?.token)
    }

    fn shares_down(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        Ok(worth(cx, false)?.shares_down(assets)?)
    }

    fn shares_up(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        Ok(worth(cx, false)?.shares_up(assets)?)
    }

    fn assets_down(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
        Ok(worth(cx, false)?.assets_down(shares)?)
    }

    /// Who comes pays for machines that are recovered from as if all of it came.
    fn assets_up(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
        Ok(worth(cx, true)?.assets_up(shares)?)
    }

    fn preview_deposit(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        Ok(worth(cx, true)?.shares_down(assets)?)
    }

    fn total_assets(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        Ok(worth(cx, false)?.assets)
    }

    /// # Errors
    /// `IncomeZeroAmount`, `IncomePaused`, `IncomeCap`, `IncomeTooSmall`, `ERC20InvalidReceiver`, and those of
    /// `ledger::pull`.
    fn deposit(cx: &mut Ctx<'_>, assets: U256, receiver: Address) -> Result<U256, Halt> {
        let (id, sender) = (expect_open(cx, assets)?, cx.caller());
        let arrived = ledger::pull(cx, id, sender, POT, Assets::from_u256(assets)?)?;
        let shares = worth(cx, true)?.shares_down(arrived.to_u256())?;
        take_in(cx, receiver, arrived, shares)?;
        Ok(shares)
    }

    /// # Errors
    /// `IncomeTakesFee`, and those of `deposit`.
    fn mint(cx: &mut Ctx<'_>, shares: U256, receiver: Address) -> Result<U256, Halt> {
        let (id, sender) = (expect_open(cx, shares)?, cx.caller());
        let assets = Assets::from_u256(Self::assets_up(cx, shares)?)?;
        let arrived = ledger::pull(cx, id, sender, POT, assets)?;
        let cost = worth(cx, true)?.assets_up(shares)?;
        if arrived != assets || cost > assets.to_u256() {
            return Err(revert(&IncomeTakesFee {
                assetId: id.get(),
                wanted: cost.max(assets.to_u256()),
                arrived: arrived.to_u256(),
            }));
        }
        take_in(cx, receiver, assets, shares)?;
        Ok(assets.to_u256())
    }

    /// # Errors
    /// `IncomeZeroAmount`, `IncomeTooSmall`, `IncomeNotIdle`, `ERC20InsufficientAllowance`, `ERC20InsufficientBalance`,
    /// and those of `ledger::push`.
    fn leave(cx: &mut Ctx<'_>, exit: Exit) -> Result<(), Halt> {
        let (id, tranche) = place_of(cx)?;
        market::refuse_zero(exit.shares)?;
        if exit.assets.is_zero() {
            return Err(too_small(id, exit.shares));
        }
        erc4626::spend::<Self>(cx, &exit)?;
        burn(cx, exit.owner, exit.shares)?;
        let amount = Assets::from_u256(exit.assets)?;
        market::take_out(&mut cx.enter(ADDRESS), id, tranche, amount)?;
        erc4626::left(cx, &exit)?;
        ledger::push(cx, id, POT, exit.receiver, amount)
    }

    /// None while supply is paused or the border is closed.
    fn max_deposit(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        let (id, tranche) = place_of(cx)?;
        let is_frozen = ledger::asset(cx, id)?.is_frozen;
        let inside = &mut cx.enter(ADDRESS);
        let market = market::known(inside, id)?;
        if is_frozen || market.paused & Pause::Supply.bit() != 0 {
            return Ok(U256::ZERO);
        }
        let worth = market::worth(inside, id, tranche, true)?;
        let cap = params::in_force(inside, id)?.cap.to_u256();
        let shares_left = Assets::MAX.to_u256().saturating_sub(worth.shares);
        let room = worth.assets_down(shares_left)?;
        Ok(cap.saturating_sub(worth.assets).min(room))
    }

    /// The owner's shares, what is free, and what may leave the ledger: the least of them.
    fn max_withdraw(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        use crate::erc20::Book;
        let (id, _) = place_of(cx)?;
        let shares = Self::balance_of(cx, owner)?;
        let worth = worth(cx, false)?.assets_down(shares)?;
        let free = free(cx)?;
        Ok(worth.min(free).min(ledger::may_leave(cx, id)?.to_u256()))
    }
}

/// Refuses early what would be refused after the pull as well.
fn expect_open(cx: &mut Ctx<'_>, amount: U256) -> Result<AssetId, Halt> {
    let (id, tranche) = place_of(cx)?;
    market::refuse_zero(amount)?;
    let cx = &mut cx.enter(ADDRESS);
    let market = market::known(cx, id)?;
    market::expect_not_paused(id, &market, Pause::Supply)?;
    market::renew_if_ruined(cx, id, tranche)?;
    Ok(id)
}

/// Counts a deposit that is in the pot.
fn take_in(cx: &mut Ctx<'_>, owner: Address, assets: Assets, shares: U256) -> Result<(), Halt> {
    let (id, tranche) = place_of(cx)?;
    if shares.is_zero() {
        return Err(too_small(id, assets.to_u256()));
    }
    let inside = &mut cx.enter(ADDRESS);
    let cap = params::in_force(inside, id)?.cap.to_u256();
    let present = market::worth(inside, id, tranche, true)?.assets;
    if present.saturating_add(assets.to_u256()) > cap {
        return Err(revert(&IncomeCap {
            assetId: id.get(),
            assets: present,
            amount: assets.to_u256(),
            cap,
        }));
    }
    market::put_in(inside, id, tranche, assets)?;
    mint(cx, owner, shares)?;
    erc4626::came(cx, owner, assets.to_u256(), shares)
}

fn too_small(id: AssetId, amount: U256) -> Halt {
    revert(&IncomeTooSmall {
        assetId: id.get(),
        amount,
    })
}

/// Makes shares. The frame is the share token's.
///
/// # Errors
/// `ERC20InvalidReceiver`, `ERC20ExceededCap`.
pub(in crate::income) fn mint(cx: &mut Ctx<'_>, to: Address, shares: U256) -> Result<(), Halt> {
    if to.is_zero() {
        return Err(revert(&IErc20::ERC20InvalidReceiver { receiver: to }));
    }
    let holdings = holdings(cx)?;
    if !holdings.issue(cx, to, shares)? {
        let (id, _) = place_of(cx)?;
        return Err(too_small(id, shares));
    }
    moved(cx, Address::ZERO, to, shares)
}

fn burn(cx: &mut Ctx<'_>, from: Address, shares: U256) -> Result<(), Halt> {
    let holdings = holdings(cx)?;
    if !holdings.retire(cx, from, shares)? {
        let balance = holdings.balance_of(cx, from)?;
        return Err(revert(&IErc20::ERC20InsufficientBalance {
            sender: from,
            balance,
            needed: shares,
        }));
    }
    moved(cx, from, Address::ZERO, shares)
}

fn moved(cx: &mut Ctx<'_>, from: Address, to: Address, value: U256) -> Result<(), Halt> {
    emit(cx, &IErc20::Transfer { from, to, value })
}
