//! The peg: other dollars against this one, at par less a fee.
//!
//! A swap in pulls first, while nothing here has changed; a swap out pushes last, when everything has. So whatever
//! the foreign token runs in between sees a whole book.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets, Price};

use super::{
    ADDRESS,
    IDollar::{SwappedIn, SwappedOut},
    Pause,
    actions::taken,
    book::{self, RESERVES, STATE},
    error::*,
    math::{self, Headroom},
    params::DECIMALS,
    state::PegConfig,
};
use crate::{
    contract::emit,
    ledger,
    oracle::{self, PriceUse, Side},
    revert,
};

/// A listed foreign dollar: its parameters in force now.
pub(super) fn config(cx: &mut Ctx<'_>, id: AssetId) -> Result<PegConfig, Halt> {
    let from_ms = STATE.next_pegs_from_ms.at(id).load(cx)?;
    let config = if from_ms != 0 && from_ms <= cx.store.block().time_ms {
        STATE.next_pegs.at(id).load(cx)?
    } else {
        STATE.pegs.at(id).load(cx)?
    };
    if config.is_listed {
        return Ok(config);
    }
    Err(revert(&DollarNoPeg { assetId: id.get() }))
}

/// Swaps a foreign dollar of the caller's wallet for dollars (DOL-9).
///
/// # Errors
/// `DollarNotOpen`, `DollarNoPeg`, `DollarPausedNow`, `OraclePriceUnusable`, `DollarOffPeg`, `DollarTooSmall`,
/// `DollarSlippage`, `DollarPegCap`, `DollarHeadroom`, and those of a pull.
pub(super) fn swap_in(
    cx: &mut Ctx<'_>,
    number: u32,
    amount: U256,
    least_usd: U256,
) -> Result<U256, Halt> {
    let (id, wallet) = (AssetId::new(number), cx.caller());
    let book = book::accrue(cx)?;
    book::refuse_paused(&book, Pause::SwapIn)?;
    let peg = config(cx, id)?;
    expect_on_peg(cx, id, peg)?;
    let arrived = ledger::pull(cx, id, wallet, RESERVES, Assets::from_u256(amount)?)?;
    // The foreign token has run: whatever follows is read afresh.
    let decimals = ledger::asset(cx, id)?.decimals;
    let par = math::par_down(arrived, decimals)?;
    let fee = Assets::from_u256(peg.fee_in.of_up(par.to_u256())?)?;
    let usd = par.sub(fee)?;
    if usd.is_zero() {
        return Err(revert(&DollarTooSmall {
            amount: arrived.to_u256(),
            least: math::least_unit(decimals, DECIMALS)?,
        }));
    }
    expect_at_least(usd, least_usd)?;
    raise_reserve(cx, id, peg, arrived, decimals)?;
    let headroom = Headroom::new(peg.headroom, peg.refill_s);
    let used = STATE.pegs_used.at(id).load(cx)?;
    let used = taken(cx, headroom, used, par)?;
    STATE.pegs_used.at(id).save(cx, &used)?;
    book::mint(cx, wallet, usd)?;
    book::mint(cx, ADDRESS, fee)?;
    book::earn(cx, fee)?;
    emit(
        cx,
        &SwappedIn {
            assetId: number,
            wallet,
            amount: arrived.to_u256(),
            usd: usd.to_u256(),
            fee: fee.to_u256(),
        },
    )?;
    Ok(usd.to_u256())
}

/// Swaps dollars of the caller's wallet for a foreign dollar. Never paused, and no price is asked (DOL-5).
///
/// # Errors
/// `DollarNotOpen`, `DollarZeroAmount`, `DollarNoPeg`, `DollarTooSmall`, `DollarSlippage`, `DollarPegReserve`,
/// `ERC20InsufficientBalance`, and those of a push.
pub(super) fn swap_out(
    cx: &mut Ctx<'_>,
    number: u32,
    usd: U256,
    least_amount: U256,
) -> Result<U256, Halt> {
    let (id, wallet) = (AssetId::new(number), cx.caller());
    let usd = Assets::from_u256(usd)?;
    book::refuse_zero(usd)?;
    book::accrue(cx)?;
    let peg = config(cx, id)?;
    let decimals = ledger::asset(cx, id)?.decimals;
    let fee = Assets::from_u256(peg.fee_out.of_up(usd.to_u256())?)?;
    let net = usd.sub(fee)?;
    let amount = math::foreign_down(net, decimals)?;
    if amount.is_zero() {
        return Err(revert(&DollarTooSmall {
            amount: usd.to_u256(),
            least: math::least_unit(DECIMALS, decimals)?.saturating_add(fee.to_u256()),
        }));
    }
    expect_at_least(amount, least_amount)?;
    book::take(cx, wallet, ADDRESS, usd)?;
    book::burn(cx, net)?;
    book::earn(cx, fee)?;
    let reserve = STATE.reserves.at(id);
    if !reserve.sub_bounded(cx, amount, Assets::ZERO)? {
        return Err(revert(&DollarPegReserve {
            assetId: number,
            held: reserve.load(cx)?.to_u256(),
            wanted: amount.to_u256(),
        }));
    }
    let headroom = Headroom::new(peg.headroom, peg.refill_s);
    let now_ms = cx.store.block().time_ms;
    let used = headroom.drained(STATE.pegs_used.at(id).load(cx)?, now_ms)?;
    STATE
        .pegs_used
        .at(id)
        .save(cx, &Headroom::give(used, net))?;
    emit(
        cx,
        &SwappedOut {
            assetId: number,
            wallet,
            usd: usd.to_u256(),
            fee: fee.to_u256(),
            amount: amount.to_u256(),
        },
    )?;
    ledger::push(cx, id, RESERVES, wallet, amount)?;
    Ok(amount.to_u256())
}

/// What a foreign dollar is worth when it comes in: the worse of spot and smoothed.
pub(super) fn price(cx: &mut Ctx<'_>, id: AssetId) -> Result<Price, Halt> {
    oracle::price(cx, id, PriceUse::Borrow, Side::Collateral)
}

/// A foreign dollar whose price broke is handed in by everybody who holds it: not here.
fn expect_on_peg(cx: &mut Ctx<'_>, id: AssetId, peg: PegConfig) -> Result<(), Halt> {
    let price = price(cx, id)?.to_u256();
    let least = peg.tolerance.complement().of_up(Price::ONE.to_u256())?;
    if price >= least {
        return Ok(());
    }
    Err(revert(&DollarOffPeg {
        assetId: id.get(),
        price,
        least,
    }))
}

fn expect_at_least(got: Assets, least: U256) -> Result<(), Halt> {
    let got = got.to_u256();
    if got >= least {
        return Ok(());
    }
    Err(revert(&DollarSlippage { got, least }))
}

fn raise_reserve(
    cx: &mut Ctx<'_>,
    id: AssetId,
    peg: PegConfig,
    arrived: Assets,
    decimals: u8,
) -> Result<(), Halt> {
    let reserve = STATE.reserves.at(id);
    let held = reserve.load(cx)?;
    if math::par_down(held.add(arrived)?, decimals)? <= peg.cap {
        return reserve.add(cx, arrived);
    }
    Err(revert(&DollarPegCap {
        assetId: id.get(),
        held: math::par_down(held, decimals)?.to_u256(),
        amount: math::par_down(arrived, decimals)?.to_u256(),
        cap: peg.cap.to_u256(),
    }))
}
