//! What opens, feeds, stops and empties a stream. Functions for other native contracts; nothing asks here who calls,
//! only whether the account for which he acts is the right one.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, StreamId};

use super::{
    ADDRESS, DURATION_MS_MAX,
    IStreams::{
        StreamCollected, StreamOpened, StreamPaid, StreamStopped as Stopped, StreamTransferred,
    },
    POT, assignment,
    error::*,
    state::{Flow, Stream, StreamsState},
    views,
};
use crate::{contract::emit, ledger, revert};

pub(super) const STATE: StreamsState = StreamsState::new();

/// What a timed stream promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What flows.
    pub asset: AssetId,
    /// To whom.
    pub owner: AccountId,
    /// How much, over the whole time.
    pub amount: Assets,
    /// From when; zero is now.
    pub start_ms: u64,
    /// Before this time nothing is due; zero is the start.
    pub cliff_ms: u64,
    /// Until when.
    pub end_ms: u64,
    /// Whether the payer gives up stopping it.
    pub is_final: bool,
}

/// What was paid out, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collected {
    /// Which asset.
    pub asset: AssetId,
    /// Who has it now.
    pub to: AccountId,
    /// Whether it is there to pay his debt.
    pub is_assigned: bool,
    /// How much.
    pub amount: Assets,
}

/// Who pays a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payer {
    Account(AccountId),
    Wallet(alloy_primitives::Address),
}

/// A stream that exists. The frame is that of `streams`, as everywhere in this room.
pub(super) fn known(cx: &mut Ctx<'_>, id: StreamId) -> Result<Stream, Halt> {
    let stream = STATE.streams.at(id).load(cx)?;
    if stream.owner.owner.is_zero() {
        return Err(revert(&StreamsUnknown { streamId: id.get() }));
    }
    Ok(stream)
}

/// Opens a timed stream with units of `payer`.
///
/// # Errors
/// `LedgerUnknownAsset`, `StreamsBadOwner`, `StreamsZeroAmount`, `StreamsBadTimes`, `LedgerInsufficient`.
pub fn open(cx: &mut Ctx<'_>, payer: AccountId, terms: Terms) -> Result<StreamId, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let terms = checked(cx, terms)?;
    ledger::shift(cx, terms.asset, payer, POT, terms.amount)?;
    begin(cx, Payer::Account(payer), terms)
}

/// Opens a stream into which `payer` pays amounts as they fall due.
///
/// # Errors
/// `LedgerUnknownAsset`, `StreamsBadOwner`.
pub fn open_settled(
    cx: &mut Ctx<'_>,
    payer: AccountId,
    asset: AssetId,
    owner: AccountId,
) -> Result<StreamId, Halt> {
    begin_settled(&mut cx.enter(ADDRESS), Payer::Account(payer), asset, owner)
}

/// Terms with their times filled in, if they can be promised.
pub(super) fn checked(cx: &mut Ctx<'_>, terms: Terms) -> Result<Terms, Halt> {
    ledger::asset(cx, terms.asset)?;
    refuse_nobody(terms.owner)?;
    refuse_zero(terms.amount)?;
    let now_ms = cx.store.block().time_ms;
    let or = |ms: u64, default_ms| if ms == 0 { default_ms } else { ms };
    let start_ms = or(terms.start_ms, now_ms);
    let cliff_ms = or(terms.cliff_ms, start_ms);
    let lasts_ms = terms.end_ms.saturating_sub(start_ms);
    if start_ms < now_ms
        || !(start_ms..=terms.end_ms).contains(&cliff_ms)
        || !(1..=DURATION_MS_MAX).contains(&lasts_ms)
    {
        return Err(revert(&StreamsBadTimes {
            startMs: start_ms,
            cliffMs: cliff_ms,
            endMs: terms.end_ms,
            nowMs: now_ms,
            maxMs: DURATION_MS_MAX,
        }));
    }
    Ok(Terms {
        start_ms,
        cliff_ms,
        ..terms
    })
}

/// Begins a stream whose units are in the pot.
pub(super) fn begin(cx: &mut Ctx<'_>, payer: Payer, terms: Terms) -> Result<StreamId, Halt> {
    let Terms {
        asset,
        owner,
        amount,
        start_ms,
        cliff_ms,
        end_ms,
        is_final,
    } = terms;
    let flow = Flow::timed(amount, start_ms, cliff_ms, end_ms);
    let stream = Stream {
        is_final,
        ..fresh(payer, asset, owner)
    };
    add(cx, &stream, &flow)
}

/// Begins a stream into which nothing has been paid yet.
pub(super) fn begin_settled(
    cx: &mut Ctx<'_>,
    payer: Payer,
    asset: AssetId,
    owner: AccountId,
) -> Result<StreamId, Halt> {
    ledger::asset(cx, asset)?;
    refuse_nobody(owner)?;
    let stream = Stream {
        is_settled: true,
        ..fresh(payer, asset, owner)
    };
    add(cx, &stream, &Flow::default())
}

fn fresh(payer: Payer, asset: AssetId, owner: AccountId) -> Stream {
    let (payer, is_from_wallet) = match payer {
        Payer::Account(account) => (account, false),
        Payer::Wallet(wallet) => (AccountId::new(wallet, 0), true),
    };
    Stream {
        owner,
        asset,
        is_settled: false,
        is_final: false,
        is_from_wallet,
        is_stopped: false,
        payer,
        assigned: AccountId::default(),
    }
}

fn add(cx: &mut Ctx<'_>, stream: &Stream, flow: &Flow) -> Result<StreamId, Halt> {
    let number = STATE.stream_count.load(cx)?;
    let next = number.checked_add(1).ok_or_else(Halt::overflow)?;
    STATE.stream_count.save(cx, next)?;
    let id = StreamId::new(number);
    STATE.streams.at(id).save(cx, stream)?;
    STATE.flows.at(id).save(cx, flow)?;
    let event = StreamOpened {
        streamId: number,
        owner: stream.owner.owner,
        payer: stream.payer.owner,
        stream: views::stream(cx, id)?,
    };
    emit(cx, &event)?;
    Ok(id)
}

/// Pays units of an account into a stream.
///
/// # Errors
/// `StreamsUnknown`, `StreamsStopped`, `StreamsZeroAmount`, `LedgerInsufficient`.
pub fn pay_in(cx: &mut Ctx<'_>, id: StreamId, from: AccountId, amount: Assets) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let stream = known(cx, id)?;
    refuse_zero(amount)?;
    ledger::shift(cx, stream.asset, from, POT, amount)?;
    take_in(cx, id, from, amount)
}

/// Counts an amount that is in the pot.
pub(super) fn take_in(
    cx: &mut Ctx<'_>,
    id: StreamId,
    from: AccountId,
    amount: Assets,
) -> Result<(), Halt> {
    // After a pull the stream is no longer what it was before: the token may have run its payer's code.
    if known(cx, id)?.is_stopped {
        return Err(revert(&StreamsStopped { streamId: id.get() }));
    }
    let now_ms = cx.store.block().time_ms;
    let flow = STATE.flows.at(id);
    let flow = flow.update(cx, |flow| flow.pay_in(amount, now_ms))?;
    emit(
        cx,
        &StreamPaid {
            streamId: id.get(),
            from: from.owner,
            fromIndex: from.index,
            amount: amount.to_u256(),
            endMs: flow.end_ms()?,
        },
    )
}

/// Stops a stream that an account pays, and returns what has not flowed. Answers that.
///
/// # Errors
/// `StreamsUnknown`, `StreamsNotPayer`, `StreamsStopped`, `StreamsFinal`.
pub fn cancel(cx: &mut Ctx<'_>, id: StreamId, by: AccountId) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let stream = known(cx, id)?;
    if stream.is_from_wallet || stream.payer != by {
        return Err(not_payer(id, &stream, by.owner));
    }
    let rest = stop(cx, id, stream)?;
    ledger::shift(cx, stream.asset, POT, by, rest)?;
    Ok(rest)
}

/// Stops a stream and answers what has not flowed, which is the payer's.
pub(super) fn stop(cx: &mut Ctx<'_>, id: StreamId, stream: Stream) -> Result<Assets, Halt> {
    let number = id.get();
    if stream.is_stopped {
        return Err(revert(&StreamsStopped { streamId: number }));
    }
    if stream.is_final {
        return Err(revert(&StreamsFinal { streamId: number }));
    }
    let now_ms = cx.store.block().time_ms;
    let mut flow = STATE.flows.at(id).load(cx)?;
    let rest = flow.stop(now_ms)?;
    STATE.flows.at(id).save(cx, &flow)?;
    let stopped = Stream {
        is_stopped: true,
        ..stream
    };
    STATE.streams.at(id).save(cx, &stopped)?;
    emit(
        cx,
        &Stopped {
            streamId: number,
            flowed: flow.paid.to_u256(),
            returned: rest.to_u256(),
        },
    )?;
    assignment::drop_spent(cx, id, &stopped, &flow)?;
    Ok(rest)
}

/// Whose a stream is, and whom it pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whose {
    /// To whom it belongs.
    pub owner: AccountId,
    /// What flows.
    pub asset: AssetId,
    /// The account whose debt it pays, if any.
    pub assigned: Option<AccountId>,
}

/// Whose a stream is, and whom it pays.
///
/// # Errors
/// `StreamsUnknown`.
pub fn whose(cx: &mut Ctx<'_>, id: StreamId) -> Result<Whose, Halt> {
    let stream = known(&mut cx.enter(ADDRESS), id)?;
    let is_assigned = !stream.assigned.owner.is_zero();
    Ok(Whose {
        owner: stream.owner,
        asset: stream.asset,
        assigned: is_assigned.then_some(stream.assigned),
    })
}

/// All that was ever paid out of a stream.
///
/// # Errors
/// `StreamsUnknown`.
pub fn collected(cx: &mut Ctx<'_>, id: StreamId) -> Result<Assets, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    known(cx, id)?;
    Ok(STATE.flows.at(id).load(cx)?.collected)
}

/// Pays what is due to the assigned account, or to the owner's (STR-7). Nothing due is no error.
///
/// # Errors
/// `StreamsUnknown`.
pub fn collect(cx: &mut Ctx<'_>, id: StreamId) -> Result<Collected, Halt> {
    collect_up_to(&mut cx.enter(ADDRESS), id, Assets::MAX)
}

/// The same, up to an amount.
pub(super) fn collect_up_to(
    cx: &mut Ctx<'_>,
    id: StreamId,
    most: Assets,
) -> Result<Collected, Halt> {
    let stream = known(cx, id)?;
    let is_assigned = !stream.assigned.owner.is_zero();
    let to = if is_assigned {
        stream.assigned
    } else {
        stream.owner
    };
    let amount = take_due(cx, id, &stream, most)?;
    if !amount.is_zero() {
        ledger::shift(cx, stream.asset, POT, to, amount)?;
        say_collected(cx, id, to, false, amount)?;
    }
    Ok(Collected {
        asset: stream.asset,
        to,
        is_assigned,
        amount,
    })
}

/// Counts up to `most` of what is due as collected; the caller moves it.
pub(super) fn take_due(
    cx: &mut Ctx<'_>,
    id: StreamId,
    stream: &Stream,
    most: Assets,
) -> Result<Assets, Halt> {
    let now_ms = cx.store.block().time_ms;
    let mut flow = STATE.flows.at(id).load(cx)?;
    let amount = flow.due_down(now_ms)?.min(most);
    if amount.is_zero() {
        return Ok(amount);
    }
    flow.collected = flow.collected.add(amount)?;
    STATE.flows.at(id).save(cx, &flow)?;
    assignment::drop_spent(cx, id, stream, &flow)?;
    Ok(amount)
}

pub(super) fn say_collected(
    cx: &mut Ctx<'_>,
    id: StreamId,
    to: AccountId,
    to_wallet: bool,
    amount: Assets,
) -> Result<(), Halt> {
    emit(
        cx,
        &StreamCollected {
            streamId: id.get(),
            to: to.owner,
            index: to.index,
            toWallet: to_wallet,
            amount: amount.to_u256(),
        },
    )
}

/// Makes another account the owner; an assignment stays (STR-8).
///
/// # Errors
/// `StreamsUnknown`, `StreamsNotOwner`, `StreamsBadOwner`.
pub fn transfer(cx: &mut Ctx<'_>, id: StreamId, by: AccountId, to: AccountId) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let stream = known(cx, id)?;
    expect_owner(id, &stream, by)?;
    hand_over(cx, id, stream, to)
}

pub(super) fn hand_over(
    cx: &mut Ctx<'_>,
    id: StreamId,
    stream: Stream,
    to: AccountId,
) -> Result<(), Halt> {
    refuse_nobody(to)?;
    let from = stream.owner;
    STATE.streams.at(id).save(
        cx,
        &Stream {
            owner: to,
            ..stream
        },
    )?;
    emit(
        cx,
        &StreamTransferred {
            streamId: id.get(),
            from: from.owner,
            fromIndex: from.index,
            to: to.owner,
            toIndex: to.index,
        },
    )
}

pub(super) fn expect_owner(id: StreamId, stream: &Stream, by: AccountId) -> Result<(), Halt> {
    if stream.owner == by {
        return Ok(());
    }
    Err(not_owner(id, stream, by.owner))
}

pub(super) fn not_owner(id: StreamId, stream: &Stream, caller: alloy_primitives::Address) -> Halt {
    revert(&StreamsNotOwner {
        streamId: id.get(),
        owner: stream.owner.owner,
        ownerIndex: stream.owner.index,
        caller,
    })
}

pub(super) fn not_payer(id: StreamId, stream: &Stream, caller: alloy_primitives::Address) -> Halt {
    revert(&StreamsNotPayer {
        streamId: id.get(),
        payer: stream.payer.owner,
        payerIndex: stream.payer.index,
        caller,
    })
}

fn refuse_nobody(owner: AccountId) -> Result<(), Halt> {
    if !owner.owner.is_zero() {
        return Ok(());
    }
    Err(revert(&StreamsBadOwner { owner: owner.owner }))
}

fn refuse_zero(amount: Assets) -> Result<(), Halt> {
    if !amount.is_zero() {
        return Ok(());
    }
    Err(revert(&StreamsZeroAmount {}))
}
