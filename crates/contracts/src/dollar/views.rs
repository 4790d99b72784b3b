//! What anyone may ask. Answers are as of this block, whether or not the dollar accrued in it.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};

use super::{
    IDollar::{self, debtOfReturn, paramsOfReturn, pegOfReturn},
    Pause, actions,
    book::{self, STATE},
    math::{self, Headroom},
    peg,
    queue::{self, Waiting},
};
use crate::ledger;

/// Most requests of one answer.
const REQUESTS_MAX: u32 = 100;

pub(super) fn accrue(cx: &mut Ctx<'_>) -> Result<(), Halt> {
    book::accrue(cx).map(|_| ())
}

pub(super) fn dollar(cx: &mut Ctx<'_>) -> Result<IDollar::Dollar, Halt> {
    let book = book::now(cx)?;
    let debt = math::debt_up(STATE.total_debts.load(cx)?, book.borrow_index)?;
    Ok(IDollar::Dollar {
        token: STATE.token.load(cx)?,
        assetId: book.asset_id.get(),
        debt: debt.to_u256(),
        borrowIndex: book.borrow_index.to_u256(),
        savingsIndex: book.savings_index.to_u256(),
        savings: book.savings.to_u256(),
        surplus: book.surplus.to_u256(),
        hole: book.hole.to_u256(),
        escrow: STATE.escrow.load(cx)?.to_u256(),
        mintable: actions::mintable(cx)?,
        paused: book.paused,
    })
}

pub(super) fn debt_of(cx: &mut Ctx<'_>, owner: Address, index: u8) -> Result<debtOfReturn, Halt> {
    let book = book::now(cx)?;
    let shares = STATE.debts.at(AccountId::new(owner, index)).load(cx)?;
    Ok(debtOfReturn {
        amount: math::debt_up(shares, book.borrow_index)?.to_u256(),
        debtShares: shares.to_u256(),
    })
}

pub(super) fn params_of(cx: &mut Ctx<'_>) -> Result<paramsOfReturn, Halt> {
    let present = book::projected(cx)?.config;
    let from_ms = STATE.next_from_ms.load(cx)?;
    let (next, from_ms) = if from_ms <= cx.store.block().time_ms {
        (present, 0)
    } else {
        (STATE.next_config.load(cx)?, from_ms)
    };
    Ok(paramsOfReturn {
        present: present.to_abi(),
        next: next.to_abi(),
        nextFromMs: from_ms,
    })
}

pub(super) fn peg_of(cx: &mut Ctx<'_>, number: u32) -> Result<pegOfReturn, Halt> {
    let id = AssetId::new(number);
    let (present, now_ms) = (peg::config(cx, id)?, cx.store.block().time_ms);
    let from_ms = STATE.next_pegs_from_ms.at(id).load(cx)?;
    let (next, from_ms) = if from_ms <= now_ms {
        (present, 0)
    } else {
        (STATE.next_pegs.at(id).load(cx)?, from_ms)
    };
    let reserve = STATE.reserves.at(id).load(cx)?;
    let decimals = ledger::asset(cx, id)?.decimals;
    let headroom = Headroom::new(present.headroom, present.refill_s);
    let used = headroom.drained(STATE.pegs_used.at(id).load(cx)?, now_ms)?;
    let under_cap = present.cap.sub_or_zero(math::par_down(reserve, decimals)?);
    let is_shut = book::stored(cx)?.paused & Pause::SwapIn.bit() != 0;
    let room = if is_shut {
        Assets::ZERO
    } else {
        under_cap.min(headroom.left(used))
    };
    let price = match peg::price(cx, id) {
        Ok(price) => price.to_u256(),
        Err(Halt::Revert(_)) => U256::ZERO,
        Err(halt) => return Err(halt),
    };
    Ok(pegOfReturn {
        peg: IDollar::Peg {
            reserve: reserve.to_u256(),
            room: room.to_u256(),
            price,
        },
        present: present.to_abi(),
        next: next.to_abi(),
        nextFromMs: from_ms,
    })
}

pub(super) fn request_of(cx: &mut Ctx<'_>, id: u64) -> Result<IDollar::Request, Halt> {
    let request = queue::known(cx, id)?;
    Ok(said(Waiting {
        id,
        account: request.account,
        left: request.left,
        time_ms: request.time_ms,
    }))
}

pub(super) fn requests(
    cx: &mut Ctx<'_>,
    behind: u64,
    max: u32,
) -> Result<Vec<IDollar::Request>, Halt> {
    let found = queue::waiting_after(cx, behind, max.min(REQUESTS_MAX))?;
    Ok(found.into_iter().map(said).collect())
}

fn said(waiting: Waiting) -> IDollar::Request {
    let Waiting {
        id,
        account,
        left,
        time_ms,
    } = waiting;
    IDollar::Request {
        id,
        owner: account.owner,
        index: account.index,
        left: left.to_u256(),
        timeMs: time_ms,
    }
}
