//! Redemption at par: requests in order of arrival, and how one is served.
//!
//! The queue is a list linked in both directions, so that whoever cancels leaves no gap that others must walk over.
//! Which debtor pays is the account room's choice, made before the users of a block.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, Price, Usd, assets_down};

use super::{
    ADDRESS,
    IDollar::{Redeemed, RedemptionEnded, RedemptionRequested},
    Pause,
    actions::{insufficient_debt, lower_debt},
    book::{self, STATE},
    error::*,
    math,
    state::{Ends, Request},
};
use crate::{
    contract::emit,
    ledger,
    oracle::{self, PriceUse, Side},
    revert,
};
use capstan_units::DebtShares;

/// Dollars that wait for redemption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The request.
    pub id: u64,
    /// Where the goods go.
    pub account: AccountId,
    /// What is left of it.
    pub left: Assets,
    /// When it was made.
    pub time_ms: u64,
}

/// What serving a request did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fulfilled {
    /// Dollars that are gone, and as much of the debtor's debt.
    pub burned: Assets,
    /// The part of it that the debtor keeps.
    pub fee: Assets,
    /// What the redeemer got.
    pub goods: Assets,
    /// What is left of the request; less than the least amount goes back, and nothing is left.
    pub left: Assets,
}

/// Queues dollars of the caller's wallet.
///
/// # Errors
/// `DollarNotOpen`, `DollarPausedNow`, `DollarRequestTooSmall`, `ERC20InsufficientBalance`.
pub(super) fn request(cx: &mut Ctx<'_>, amount: U256, index: u8) -> Result<u64, Halt> {
    let account = AccountId::new(cx.caller(), index);
    let amount = Assets::from_u256(amount)?;
    let book = book::accrue(cx)?;
    book::refuse_paused(&book, Pause::Request)?;
    let least = STATE.config.load(cx)?.redemption_min;
    if amount < least {
        return Err(revert(&DollarRequestTooSmall {
            amount: amount.to_u256(),
            least: least.to_u256(),
        }));
    }
    book::take(cx, account.owner, ADDRESS, amount)?;
    STATE.escrow.add(cx, amount)?;
    let ends = STATE.ends.load(cx)?;
    let id = ends.made.checked_add(1).ok_or_else(Halt::overflow)?;
    if ends.last != 0 {
        STATE.requests.at(ends.last).update(cx, |last| {
            last.next = id;
            Ok(())
        })?;
    }
    let request = Request {
        account,
        next: 0,
        left: amount,
        previous: ends.last,
        time_ms: cx.store.block().time_ms,
    };
    STATE.requests.at(id).save(cx, &request)?;
    let first = if ends.first == 0 { id } else { ends.first };
    STATE.ends.save(
        cx,
        &Ends {
            first,
            last: id,
            made: id,
        },
    )?;
    emit(
        cx,
        &RedemptionRequested {
            id,
            owner: account.owner,
            index,
            amount: amount.to_u256(),
        },
    )?;
    Ok(id)
}

/// Gives back what is left of the caller's request. Never paused (DOL-5).
///
/// # Errors
/// `DollarNoRequest`, `DollarNotRequester`.
pub(super) fn cancel(cx: &mut Ctx<'_>, id: u64) -> Result<U256, Halt> {
    let request = known(cx, id)?;
    if request.account.owner != cx.caller() {
        return Err(revert(&DollarNotRequester {
            id,
            owner: request.account.owner,
        }));
    }
    end(cx, id, &request)?;
    Ok(request.left.to_u256())
}

/// The least that may be queued, and the least that a debtor who goes on owing pays.
///
/// # Errors
/// The store's.
pub fn redemption_min(cx: &mut Ctx<'_>) -> Result<Assets, Halt> {
    Ok(STATE.config.load(&mut cx.enter(ADDRESS))?.redemption_min)
}

/// The first requests that wait, in order.
///
/// # Errors
/// The store's.
pub fn next_requests(cx: &mut Ctx<'_>, max: u32) -> Result<Vec<Waiting>, Halt> {
    waiting_after(&mut cx.enter(ADDRESS), 0, max)
}

/// Requests behind one, or from the first. The frame is the dollar's.
pub(super) fn waiting_after(cx: &mut Ctx<'_>, behind: u64, max: u32) -> Result<Vec<Waiting>, Halt> {
    let mut id = if behind == 0 {
        STATE.ends.load(cx)?.first
    } else {
        known(cx, behind)?.next
    };
    let mut found = Vec::new();
    for _ in 0..max {
        if id == 0 {
            break;
        }
        let Request {
            account,
            next,
            left,
            previous: _,
            time_ms,
        } = STATE.requests.at(id).load(cx)?;
        found.push(Waiting {
            id,
            account,
            left,
            time_ms,
        });
        id = next;
    }
    Ok(found)
}

/// What redeeming `amount` takes of these goods now: at par, less the fee, at the dearer of spot and smoothed, so
/// that no lag of a price is paid by the debtor. Answers the fee too.
///
/// # Errors
/// `DollarNotOpen`, `LedgerUnknownAsset`, `OraclePriceUnusable`.
pub fn goods_down(
    cx: &mut Ctx<'_>,
    goods: AssetId,
    amount: Assets,
) -> Result<(Assets, Assets), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let fee = book::projected(cx)?.config.redemption_fee;
    let fee = Assets::from_u256(fee.of_up(amount.to_u256())?)?;
    let price = oracle::price(cx, goods, PriceUse::Borrow, Side::Debt)?;
    let decimals = ledger::asset(cx, goods)?.decimals;
    Ok((at_par(amount.sub(fee)?, price, decimals)?, fee))
}

/// Goods for dollars at exactly one dollar each, rounded down.
fn at_par(usd: Assets, price: Price, decimals: u8) -> Result<Assets, Halt> {
    Ok(assets_down(Usd::new(usd.to_u256())?, price, decimals)?)
}

/// Serves the first request with free units of a debtor: at most `amount`, what is left of the request, and what he
/// owes. The caller picked the debtor and the goods.
///
/// # Errors
/// `DollarNotOpen`, `DollarZeroAmount`, `DollarNoRequest`, `DollarNotFirst`, `DollarInsufficientDebt`,
/// `DollarTooSmall`, `LedgerUnknownAsset`, `OraclePriceUnusable`, `LedgerInsufficient`.
pub fn fulfil(
    cx: &mut Ctx<'_>,
    id: u64,
    debtor: AccountId,
    goods: AssetId,
    amount: Assets,
) -> Result<Fulfilled, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    book::refuse_zero(amount)?;
    let book = book::accrue(cx)?;
    let request = known(cx, id)?;
    let first = STATE.ends.load(cx)?.first;
    if id != first {
        return Err(revert(&DollarNotFirst { id, first }));
    }
    let all = STATE.debts.at(debtor).load(cx)?;
    if all.is_zero() {
        return Err(insufficient_debt(debtor, all, DebtShares::new(1)?));
    }
    let owed = math::debt_up(all, book.borrow_index)?;
    let burned = amount.min(request.left).min(owed);
    let (paid_out, fee) = goods_down(cx, goods, burned)?;
    if paid_out.is_zero() {
        return Err(revert(&DollarTooSmall {
            amount: burned.to_u256(),
            least: STATE.config.load(cx)?.redemption_min.to_u256(),
        }));
    }
    lower_debt(cx, book.borrow_index, debtor, burned)?;
    release(cx, burned)?;
    book::burn(cx, burned)?;
    ledger::shift(cx, goods, debtor, request.account, paid_out)?;
    emit(
        cx,
        &Redeemed {
            id,
            debtor: debtor.owner,
            debtorIndex: debtor.index,
            assetId: goods.get(),
            amount: burned.to_u256(),
            fee: fee.to_u256(),
            goods: paid_out.to_u256(),
        },
    )?;
    let left = lessen(cx, id, request, burned)?;
    Ok(Fulfilled {
        burned,
        fee,
        goods: paid_out,
        left,
    })
}

/// Keeps what is left of a request, or ends it if that is too little to wait.
fn lessen(cx: &mut Ctx<'_>, id: u64, request: Request, by: Assets) -> Result<Assets, Halt> {
    let request = Request {
        left: request.left.sub(by)?,
        ..request
    };
    if request.left >= STATE.config.load(cx)?.redemption_min {
        STATE.requests.at(id).save(cx, &request)?;
        return Ok(request.left);
    }
    end(cx, id, &request)?;
    Ok(Assets::ZERO)
}

/// Takes a request out of the queue and gives back what is left of it.
fn end(cx: &mut Ctx<'_>, id: u64, request: &Request) -> Result<(), Halt> {
    let mut ends = STATE.ends.load(cx)?;
    match request.previous {
        0 => ends.first = request.next,
        previous => {
            STATE.requests.at(previous).update(cx, |before| {
                before.next = request.next;
                Ok(())
            })?;
        }
    }
    match request.next {
        0 => ends.last = request.previous,
        next => {
            STATE.requests.at(next).update(cx, |behind| {
                behind.previous = request.previous;
                Ok(())
            })?;
        }
    }
    STATE.ends.save(cx, &ends)?;
    STATE.requests.at(id).save(cx, &NOBODY)?;
    if request.left.is_zero() {
        return Ok(());
    }
    release(cx, request.left)?;
    book::give(cx, request.account.owner, request.left)?;
    emit(
        cx,
        &RedemptionEnded {
            id,
            owner: request.account.owner,
            amount: request.left.to_u256(),
        },
    )
}

/// What a request leaves behind: nothing.
const NOBODY: Request = Request {
    account: AccountId::new(alloy_primitives::Address::ZERO, 0),
    next: 0,
    left: Assets::ZERO,
    previous: 0,
    time_ms: 0,
};

fn release(cx: &mut Ctx<'_>, amount: Assets) -> Result<(), Halt> {
    if STATE.escrow.sub_bounded(cx, amount, Assets::ZERO)? {
        return Ok(());
    }
    Err(Halt::Fatal("dollar: escrow below a request".into()))
}

/// A request that waits.
pub(super) fn known(cx: &mut Ctx<'_>, id: u64) -> Result<Request, Halt> {
    let request = STATE.requests.at(id).load(cx)?;
    if request.left.is_zero() {
        return Err(revert(&DollarNoRequest { id }));
    }
    Ok(request)
}
