//! Coming in, and what shares are worth. The frame is the share token's.
//!
//! A deposit pulls first and looks then, so whatever the asset's token runs in between cannot make shares cheap.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{ShareBook, address_of, asset_of, exit, holdings, holdings_of};
use crate::{
    backstop::{
        ADDRESS, POT, Pause,
        error::*,
        math::Pool,
        sale,
        stake::{self, refuse_zero},
        state::Stake,
    },
    contract::emit,
    erc20::IErc20,
    erc4626::{self, Exit, Vault},
    ledger, revert,
};

/// All shares of a generation. For the stake, from any frame.
pub(in crate::backstop) fn supply_of(
    cx: &mut Ctx<'_>,
    id: AssetId,
    generation: u32,
) -> Result<U256, Halt> {
    holdings_of(generation).total(&mut cx.enter(address_of(id)))
}

/// What shares are worth now: as those see it who leave, or as those who come.
pub(super) fn pool(cx: &mut Ctx<'_>, for_deposit: bool) -> Result<Pool, Halt> {
    let id = asset_of(cx)?;
    let cx = &mut cx.enter(ADDRESS);
    let stake = stake::known(cx, id)?;
    if for_deposit {
        return stake::pool_for_deposit(cx, id, &stake);
    }
    stake::pool(cx, id, &stake)
}

impl Vault for ShareBook {
    fn asset(cx: &mut Ctx<'_>) -> Result<Address, Halt> {
        let id = asset_of(cx)?;
        Ok(ledger::asset(cx, id)?.token)
    }

    fn shares_down(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        Ok(pool(cx, false)?.shares_down(assets)?)
    }

    fn shares_up(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        Ok(pool(cx, false)?.shares_up(assets)?)
    }

    fn assets_down(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
        Ok(pool(cx, false)?.assets_down(shares)?)
    }

    /// Who comes pays for rewards that have not flowed as well.
    fn assets_up(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
        Ok(pool(cx, true)?.assets_up(shares)?)
    }

    fn preview_deposit(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        Ok(pool(cx, true)?.shares_down(assets)?)
    }

    fn total_assets(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        Ok(pool(cx, false)?.assets)
    }

    /// # Errors
    /// `BackstopZeroAmount`, `BackstopPaused`, `BackstopSaleOpen`, `BackstopCap`, `BackstopTooSmall`,
    /// `ERC20InvalidReceiver`, and those of `ledger::pull`.
    fn deposit(cx: &mut Ctx<'_>, assets: U256, receiver: Address) -> Result<U256, Halt> {
        let (id, sender) = (expect_open(cx, assets)?, cx.caller());
        let arrived = ledger::pull(cx, id, sender, POT, Assets::from_u256(assets)?)?;
        let (stake, pool) = stake::for_deposit(&mut cx.enter(ADDRESS), id)?;
        let shares = pool.shares_down(arrived.to_u256())?;
        take_in(cx, id, stake, pool, receiver, arrived, shares)?;
        Ok(shares)
    }

    /// # Errors
    /// `BackstopTakesFee`, `BackstopDearer`, and those of `deposit`.
    fn mint(cx: &mut Ctx<'_>, shares: U256, receiver: Address) -> Result<U256, Halt> {
        let (id, sender) = (expect_open(cx, shares)?, cx.caller());
        let assets = Assets::from_u256(Self::assets_up(cx, shares)?)?;
        let arrived = ledger::pull(cx, id, sender, POT, assets)?;
        if arrived != assets {
            return Err(sale::takes_fee(id, assets, arrived));
        }
        let (stake, pool) = stake::for_deposit(&mut cx.enter(ADDRESS), id)?;
        let cost = pool.assets_up(shares)?;
        if cost > assets.to_u256() {
            return Err(revert(&BackstopDearer {
                assetId: id.get(),
                paid: assets.to_u256(),
                cost,
            }));
        }
        take_in(cx, id, stake, pool, receiver, assets, shares)?;
        Ok(assets.to_u256())
    }

    fn leave(cx: &mut Ctx<'_>, exit: Exit) -> Result<(), Halt> {
        exit::leave(cx, exit)
    }

    /// None while the stake is paused, waits for a sale, or the border is closed.
    fn max_deposit(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        let id = asset_of(cx)?;
        let is_frozen = ledger::asset(cx, id)?.is_frozen;
        let inside = &mut cx.enter(ADDRESS);
        let stake = stake::known(inside, id)?;
        let now_ms = inside.store.block().time_ms;
        if is_frozen || stake.paused & Pause::Stake.bit() != 0 || stake.awaits_sale(now_ms) {
            return Ok(U256::ZERO);
        }
        let pool = stake::pool_for_deposit(inside, id, &stake)?;
        let cap = stake::params(inside, id)?.cap.to_u256();
        let shares_left = Assets::MAX.to_u256().saturating_sub(pool.shares);
        let room = pool.assets_down(shares_left)?;
        Ok(cap.saturating_sub(pool.assets).min(room))
    }

    /// The owner's ripe request, and what may leave the ledger: the less of them.
    fn max_withdraw(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        let id = asset_of(cx)?;
        let (pool, shares) = (pool(cx, false)?, exit::ripe_shares(cx, owner)?);
        let worth = pool.assets_down(shares)?;
        Ok(worth.min(ledger::may_leave(cx, id)?.to_u256()))
    }

    fn leaving_shares(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        exit::ripe_shares(cx, owner)
    }
}

/// Refuses early what would be refused after the pull as well.
fn expect_open(cx: &mut Ctx<'_>, amount: U256) -> Result<AssetId, Halt> {
    let id = asset_of(cx)?;
    refuse_zero(amount)?;
    let cx = &mut cx.enter(ADDRESS);
    let stake = stake::known(cx, id)?;
    stake::expect_open(cx, id, &stake)?;
    Ok(id)
}

/// Counts a deposit that is in the pot.
#[allow(
    clippy::too_many_arguments,
    reason = "a deposit is what it is: where, from what, by whom, how much for how much"
)]
fn take_in(
    cx: &mut Ctx<'_>,
    id: AssetId,
    stake: Stake,
    pool: Pool,
    owner: Address,
    assets: Assets,
    shares: U256,
) -> Result<(), Halt> {
    if shares.is_zero() {
        return Err(revert(&BackstopTooSmall {
            assetId: id.get(),
            amount: assets.to_u256(),
        }));
    }
    let inside = &mut cx.enter(ADDRESS);
    let cap = stake::params(inside, id)?.cap.to_u256();
    if pool.assets.saturating_add(assets.to_u256()) > cap {
        return Err(revert(&BackstopCap {
            assetId: id.get(),
            assets: pool.assets,
            amount: assets.to_u256(),
            cap,
        }));
    }
    let units = stake.units.add(assets)?;
    stake::save(inside, id, &Stake { units, ..stake })?;
    mint(cx, owner, shares)?;
    erc4626::came(cx, owner, assets.to_u256(), shares)
}

/// Makes shares. The frame is the share token's.
///
/// # Errors
/// `ERC20InvalidReceiver`, `ERC20ExceededCap`.
pub(in crate::backstop) fn mint(cx: &mut Ctx<'_>, to: Address, shares: U256) -> Result<(), Halt> {
    if to.is_zero() {
        return Err(revert(&IErc20::ERC20InvalidReceiver { receiver: to }));
    }
    let holdings = holdings(cx)?;
    if !holdings.issue(cx, to, shares)? {
        let supply = holdings.total(cx)?;
        return Err(revert(&IErc20::ERC20ExceededCap {
            increasedSupply: supply.saturating_add(shares),
            cap: Assets::MAX.to_u256(),
        }));
    }
    moved(cx, Address::ZERO, to, shares)
}

pub(super) fn moved(cx: &mut Ctx<'_>, from: Address, to: Address, value: U256) -> Result<(), Halt> {
    emit(cx, &IErc20::Transfer { from, to, value })
}
