//! How supplies come and leave as shares (ERC-4626). The frame is the share token's.
//!
//! Deposits pull first, while nothing of the market has changed; withdrawals push last, when everything has. So
//! whatever the asset's token runs in between sees a whole market.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, Shares};

use super::{ISupplyShare::ShareAssetTakesFee, ShareBook, account_of, asset_of};
use crate::{
    erc20::{self, Book},
    erc4626::{self, Exit, Vault},
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

fn now(cx: &mut Ctx<'_>) -> Result<Market, Halt> {
    let id = asset_of(cx)?;
    market::now(&mut cx.enter(lending::ADDRESS), id)
}

impl Vault for ShareBook {
    fn asset(cx: &mut Ctx<'_>) -> Result<Address, Halt> {
        let id = asset_of(cx)?;
        Ok(ledger::asset(cx, id)?.token)
    }

    fn shares_down(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        Ok(now(cx)?.supply_index.into_down(assets)?)
    }

    fn shares_up(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        Ok(now(cx)?.supply_index.into_up(assets)?)
    }

    fn assets_down(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
        Ok(now(cx)?.supply_index.of_down(shares)?)
    }

    fn assets_up(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
        Ok(now(cx)?.supply_index.of_up(shares)?)
    }

    /// # Errors
    /// Those of `ledger::pull` and `lending::supply`, `ERC20InvalidReceiver`.
    fn deposit(cx: &mut Ctx<'_>, assets: U256, receiver: Address) -> Result<U256, Halt> {
        let (id, sender, account) = (asset_of(cx)?, cx.caller(), account_of(cx.this()));
        let arrived = ledger::pull(cx, id, sender, account, Assets::from_u256(assets)?)?;
        let shares = lending::supply(cx, id, account, arrived)?.to_u256();
        made(cx, receiver, arrived.to_u256(), shares)?;
        Ok(shares)
    }

    /// # Errors
    /// `ShareAssetTakesFee`, and those of `deposit`.
    fn mint(cx: &mut Ctx<'_>, shares: U256, receiver: Address) -> Result<U256, Halt> {
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

    /// # Errors
    /// Those of `lending::redeem` and `ledger::push`, `ERC20InsufficientAllowance`, `ERC20InsufficientBalance`.
    fn leave(cx: &mut Ctx<'_>, exit: Exit) -> Result<(), Halt> {
        let (id, account) = (asset_of(cx)?, account_of(cx.this()));
        erc4626::spend::<Self>(cx, &exit)?;
        erc20::burn::<Self>(cx, exit.owner, exit.shares)?;
        let shares = Shares::from_u256(exit.shares)?;
        let amount = Assets::from_u256(exit.assets)?;
        let inside = &mut cx.enter(lending::ADDRESS);
        let market = market::accrue(inside, id)?;
        lending::actions::take_out(inside, id, market, account, amount, shares)?;
        ledger::push(cx, id, account, exit.receiver, amount)?;
        erc4626::left(cx, &exit)
    }

    fn max_deposit(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        let room = Self::max_mint(cx)?;
        Ok(Self::assets_down(cx, room)?.min(Assets::MAX.to_u256()))
    }

    /// None while supply is paused or the border is closed.
    fn max_mint(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
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

    /// The owner's shares, the market's cash, and what may leave the ledger: the least of them.
    fn max_withdraw(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        let (id, market) = (asset_of(cx)?, now(cx)?);
        let is_shut = market.paused & Pause::Redeem.bit() != 0 || ledger::asset(cx, id)?.is_frozen;
        if is_shut {
            return Ok(U256::ZERO);
        }
        let shares = Self::balance_of(cx, owner)?;
        let worth = market.supply_index.of_down(shares)?;
        let cash = ledger::free(cx, id, CASH)?.to_u256();
        Ok(worth.min(cash).min(ledger::may_leave(cx, id)?.to_u256()))
    }
}

fn made(cx: &mut Ctx<'_>, owner: Address, assets: U256, shares: U256) -> Result<(), Halt> {
    erc20::mint::<ShareBook>(cx, owner, shares)?;
    erc4626::came(cx, owner, assets, shares)
}
