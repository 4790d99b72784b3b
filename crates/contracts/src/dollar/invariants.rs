//! What must hold between transactions, as code over a world that is only looked at.
//!
//! DOL-3 to DOL-6, DOL-9, DOL-10, DOL-13 and DOL-14 speak of steps, so the tests check them around steps.

use alloy_primitives::U256;
use capstan_state::{Ctx, View};
use capstan_units::Ray;

use super::{
    ADDRESS,
    book::{self, RESERVES, STATE},
    math, savings,
};
use crate::{
    admin,
    invariant::{Broken, holds},
    ledger, token,
};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let book = STATE.book.load(cx)?;
    if book::is_none(&book) {
        let made = STATE.ends.load(cx)?.made;
        return holds(made == 0, "DOL-11", || {
            format!("{made} requests before there is a dollar")
        });
    }
    let token = STATE.token.load(cx)?;
    let total = STATE.total_debts.load(cx)?;
    let mut sum = U256::ZERO;
    for (_, balance) in STATE.debts.listed(world, ADDRESS)? {
        sum = sum.saturating_add(balance.load(cx)?.to_u256());
    }
    holds(sum == total.to_u256(), "DOL-2", || {
        format!("accounts have {sum} debt shares, the total is {total}")
    })?;
    holds(book.borrow_index >= Ray::ONE, "DOL-3", || {
        format!("the borrow index is {}", book.borrow_index)
    })?;
    let mut backing = math::debt_up(total, book.borrow_index)?
        .to_u256()
        .saturating_add(book.hole.to_u256());
    for (id, reserve) in STATE.reserves.listed(world, ADDRESS)? {
        let reserve = reserve.load(cx)?;
        let held = ledger::free(cx, id, RESERVES)?;
        holds(held >= reserve, "DOL-9", || {
            format!("{held} held of asset {id}, {reserve} counted")
        })?;
        let decimals = ledger::asset(cx, id)?.decimals;
        backing = backing.saturating_add(math::par_down(reserve, decimals)?.to_u256());
    }
    let supply = super::supply(cx)?;
    holds(supply <= backing, "DOL-1", || {
        format!("{supply} dollars against {backing}")
    })?;
    let owner = admin::owner_of(cx, token)?;
    holds(owner == ADDRESS, "DOL-12", || {
        format!("{owner} owns the dollar")
    })?;
    check_queue(world, cx)?;
    let escrow = STATE.escrow.load(cx)?.to_u256();
    let kept = escrow.saturating_add(book.surplus.to_u256());
    let held = token::balance_of(&mut cx.enter(token), ADDRESS)?;
    holds(held >= kept, "DOL-8", || {
        format!("{held} held, surplus and escrow are {kept}")
    })?;
    let worth = book
        .savings_index
        .of_down(savings::total_shares(cx)?.to_u256())
        .unwrap_or(U256::MAX);
    let pot = book.savings.to_u256();
    let held = token::balance_of(&mut cx.enter(token), savings::ADDRESS)?;
    holds(pot >= worth && held >= pot, "DOL-7", || {
        format!("savings are worth {worth}, the pot is {pot}, held are {held}")
    })
}

fn check_queue(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let ends = STATE.ends.load(cx)?;
    let (mut at, mut before, mut waiting) = (ends.first, 0, U256::ZERO);
    let mut walked = 0_usize;
    while at != 0 {
        let request = STATE.requests.at(at).load(cx)?;
        let is_whole = request.previous == before && !request.left.is_zero() && at > before;
        holds(is_whole && at <= ends.made, "DOL-11", || {
            format!("request {at} of {} behind {before}: {request:?}", ends.made)
        })?;
        waiting = waiting.saturating_add(request.left.to_u256());
        walked = walked.saturating_add(1);
        (before, at) = (at, request.next);
    }
    holds(ends.last == before, "DOL-11", || {
        format!("the queue ends at {before}, not at {}", ends.last)
    })?;
    let mut stored = 0_usize;
    for (_, request) in STATE.requests.listed(world, ADDRESS)? {
        stored = stored.saturating_add(usize::from(!request.load(cx)?.left.is_zero()));
    }
    holds(stored == walked, "DOL-11", || {
        format!("{stored} requests, {walked} of them in the queue")
    })?;
    let escrow = STATE.escrow.load(cx)?.to_u256();
    holds(escrow == waiting, "DOL-8", || {
        format!("{waiting} wait, the escrow is {escrow}")
    })
}
