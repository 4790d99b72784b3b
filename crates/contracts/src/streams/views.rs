//! What anyone may ask.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, StreamId};

use super::{
    IStreams,
    actions::{STATE, known},
    assignment,
};

pub(super) fn stream_count(cx: &mut Ctx<'_>) -> Result<u64, Halt> {
    STATE.stream_count.load(cx)
}

pub(super) fn stream(cx: &mut Ctx<'_>, id: StreamId) -> Result<IStreams::Stream, Halt> {
    let stream = known(cx, id)?;
    let flow = STATE.flows.at(id).load(cx)?;
    let now_ms = cx.store.block().time_ms;
    Ok(IStreams::Stream {
        owner: stream.owner.owner,
        ownerIndex: stream.owner.index,
        payer: stream.payer.owner,
        payerIndex: stream.payer.index,
        assignedTo: stream.assigned.owner,
        assignedIndex: stream.assigned.index,
        assetId: stream.asset.get(),
        isSettled: stream.is_settled,
        isFinal: stream.is_final,
        isStopped: stream.is_stopped,
        rate: flow.rate.to_u256(),
        periodMs: flow.period_ms,
        sinceMs: flow.since_ms,
        cliffMs: flow.cliff_ms,
        endMs: flow.end_ms()?,
        paid: flow.paid.to_u256(),
        flowed: flow.flowed_down(now_ms)?.to_u256(),
        collected: flow.collected.to_u256(),
    })
}

pub(super) fn due_of(cx: &mut Ctx<'_>, id: StreamId) -> Result<U256, Halt> {
    known(cx, id)?;
    let now_ms = cx.store.block().time_ms;
    let flow = STATE.flows.at(id).load(cx)?;
    Ok(flow.due_down(now_ms)?.to_u256())
}

pub(super) fn returnable_of(cx: &mut Ctx<'_>, id: StreamId) -> Result<U256, Halt> {
    known(cx, id)?;
    Ok(STATE.returnable.at(id).load(cx)?.to_u256())
}

pub(super) fn assigned_to(cx: &mut Ctx<'_>, account: Address, index: u8) -> Result<Vec<u64>, Halt> {
    let assigned = assignment::assigned(cx, AccountId::new(account, index))?;
    Ok(assigned.into_iter().map(|(id, _)| id.get()).collect())
}
