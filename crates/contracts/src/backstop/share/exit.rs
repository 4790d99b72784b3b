//! Leaving: request, cooldown, window. The frame is the share token's. Nothing here can be paused or asks a price
//! (BACK-10).

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, Record};
use capstan_units::{AssetId, Assets, Shares};

use super::{
    IStakeShare::{UnstakeCancelled, UnstakeRequested, requestOfReturn, requestUnstakeReturn},
    STATE, ShareBook, actions, asset_of, generation_of, holdings,
    state::Request,
};
use crate::{
    backstop::{
        ADDRESS, POT,
        error::*,
        stake::{self, refuse_zero},
    },
    contract::emit,
    erc20::IErc20,
    erc4626::{self, Exit},
    ledger, revert,
};

fn place_of(cx: &mut Ctx<'_>, owner: Address) -> Result<Record<Request>, Halt> {
    Ok(STATE.requests.at(generation_of(cx)?).at(owner))
}

/// Sets shares of the caller aside. The times are those of now, whatever the parameters become.
///
/// # Errors
/// `BackstopZeroAmount` where nothing was requested before, `ERC20InsufficientBalance`.
pub(super) fn request(cx: &mut Ctx<'_>, shares: U256) -> Result<requestUnstakeReturn, Halt> {
    let (id, owner, token) = (asset_of(cx)?, cx.caller(), cx.this());
    let place = place_of(cx, owner)?;
    let before = place.load(cx)?;
    if before.shares.is_zero() {
        refuse_zero(shares)?;
    }
    let holdings = holdings(cx)?;
    if !holdings.shift(cx, owner, token, shares)? {
        let balance = holdings.balance_of(cx, owner)?;
        return Err(revert(&IErc20::ERC20InsufficientBalance {
            sender: owner,
            balance,
            needed: shares,
        }));
    }
    actions::moved(cx, owner, token, shares)?;
    let params = stake::params(&mut cx.enter(ADDRESS), id)?;
    let now_ms = cx.store.block().time_ms;
    let ready_ms = now_ms.saturating_add(params.cooldown_ms);
    let request = Request {
        shares: before.shares.add(Shares::from_u256(shares)?)?,
        ready_ms,
        until_ms: ready_ms.saturating_add(params.window_ms),
    };
    place.save(cx, &request)?;
    emit(
        cx,
        &UnstakeRequested {
            owner,
            shares: request.shares.to_u256(),
            readyMs: ready_ms,
            untilMs: request.until_ms,
        },
    )?;
    Ok(requestUnstakeReturn {
        readyMs: ready_ms,
        untilMs: request.until_ms,
    })
}

/// Gives the caller back what he requested.
///
/// # Errors
/// `BackstopNotRequested`.
pub(super) fn cancel(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    let (id, owner, token) = (asset_of(cx)?, cx.caller(), cx.this());
    let place = place_of(cx, owner)?;
    let shares = place.load(cx)?.shares.to_u256();
    if shares.is_zero() {
        return Err(not_requested(id, owner, shares, U256::ONE));
    }
    place.save(cx, &Request::default())?;
    if !holdings(cx)?.shift(cx, token, owner, shares)? {
        return Err(Halt::Fatal(format!("{token}: escrow below a request")));
    }
    actions::moved(cx, token, owner, shares)?;
    emit(cx, &UnstakeCancelled { owner, shares })?;
    Ok(shares)
}

pub(super) fn request_of(cx: &mut Ctx<'_>, owner: Address) -> Result<requestOfReturn, Halt> {
    let request = place_of(cx, owner)?.load(cx)?;
    Ok(requestOfReturn {
        shares: request.shares.to_u256(),
        readyMs: request.ready_ms,
        untilMs: request.until_ms,
    })
}

/// Burns shares of a ripe request and sends what they give.
///
/// # Errors
/// `BackstopZeroAmount`, `BackstopTooSmall`, `BackstopNotRequested`, `BackstopNotRipe`, `BackstopTooLittle`,
/// `ERC20InsufficientAllowance`, and those of `ledger::push`.
pub(super) fn leave(cx: &mut Ctx<'_>, exit: Exit) -> Result<(), Halt> {
    let (id, token, shares) = (asset_of(cx)?, cx.this(), exit.shares);
    refuse_zero(shares)?;
    if exit.assets.is_zero() {
        return Err(revert(&BackstopTooSmall {
            assetId: id.get(),
            amount: shares,
        }));
    }
    erc4626::spend::<ShareBook>(cx, &exit)?;
    use_request(cx, id, exit.owner, shares)?;
    if !holdings(cx)?.retire(cx, token, shares)? {
        return Err(Halt::Fatal(format!("{token}: escrow below a request")));
    }
    actions::moved(cx, token, Address::ZERO, shares)?;
    let amount = Assets::from_u256(exit.assets)?;
    pay_out(&mut cx.enter(ADDRESS), id, amount)?;
    erc4626::left(cx, &exit)?;
    ledger::push(cx, id, POT, exit.receiver, amount)
}

/// Takes shares off a request that is ripe (BACK-5).
fn use_request(cx: &mut Ctx<'_>, id: AssetId, owner: Address, shares: U256) -> Result<(), Halt> {
    let place = place_of(cx, owner)?;
    let request = place.load(cx)?;
    let requested = request.shares.to_u256();
    if shares > requested {
        return Err(not_requested(id, owner, requested, shares));
    }
    let now_ms = cx.store.block().time_ms;
    if !request.is_ripe(now_ms) {
        return Err(revert(&BackstopNotRipe {
            assetId: id.get(),
            owner,
            nowMs: now_ms,
            readyMs: request.ready_ms,
            untilMs: request.until_ms,
        }));
    }
    let left = request.shares.sub(Shares::from_u256(shares)?)?;
    let rest = if left.is_zero() {
        Request::default()
    } else {
        Request {
            shares: left,
            ..request
        }
    };
    place.save(cx, &rest)
}

/// Takes units of the stakers out of a stake; never rewards that have not flowed. The frame is that of `backstop`.
fn pay_out(cx: &mut Ctx<'_>, id: AssetId, amount: Assets) -> Result<(), Halt> {
    let now_ms = cx.store.block().time_ms;
    let mut stake = stake::known(cx, id)?;
    let have = stake.assets_down(now_ms)?;
    if amount > have {
        return Err(revert(&BackstopTooLittle {
            assetId: id.get(),
            have: have.to_u256(),
            need: amount.to_u256(),
        }));
    }
    stake.take(amount, now_ms)?;
    stake::save(cx, id, &stake)
}

fn not_requested(id: AssetId, owner: Address, requested: U256, needed: U256) -> Halt {
    revert(&BackstopNotRequested {
        assetId: id.get(),
        owner,
        requested,
        needed,
    })
}

/// What an owner's request lets leave now.
pub(super) fn ripe_shares(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
    let request = place_of(cx, owner)?.load(cx)?;
    let now_ms = cx.store.block().time_ms;
    Ok(if request.is_ripe(now_ms) {
        request.shares.to_u256()
    } else {
        U256::ZERO
    })
}

impl Request {
    const fn is_ripe(&self, now_ms: u64) -> bool {
        self.ready_ms <= now_ms && now_ms < self.until_ms
    }
}
