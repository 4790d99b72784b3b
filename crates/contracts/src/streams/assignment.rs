//! Which stream pays the debts of which account.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, StreamId};

use super::{
    ADDRESS, ASSIGNED_MAX, Collected,
    IStreams::{StreamAssigned as AssignedEvent, StreamReleased},
    actions::{self, STATE, known},
    error::*,
    state::{Flow, Pledge, Stream},
};
use crate::{contract::emit, revert};

/// Lets a stream pay the debt of an account of the same owner, in the stream's asset. What is due already goes along.
///
/// # Errors
/// `StreamsUnknown`, `StreamsNotOwner`, `StreamsAssigned`, `StreamsOtherOwner`, `StreamsOtherAsset`,
/// `StreamsTooManyAssigned`, `StreamsStopped` where nothing will ever be due.
pub fn assign(
    cx: &mut Ctx<'_>,
    id: StreamId,
    by: AccountId,
    account: AccountId,
    debt: AssetId,
) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let (stream, number) = (known(cx, id)?, id.get());
    actions::expect_owner(id, &stream, by)?;
    if !stream.assigned.owner.is_zero() {
        return Err(revert(&StreamsAssigned {
            streamId: number,
            account: stream.assigned.owner,
            index: stream.assigned.index,
        }));
    }
    if account.owner != by.owner {
        return Err(revert(&StreamsOtherOwner {
            streamId: number,
            owner: by.owner,
            account: account.owner,
        }));
    }
    if debt != stream.asset {
        return Err(revert(&StreamsOtherAsset {
            streamId: number,
            assetId: stream.asset.get(),
            debtAssetId: debt.get(),
        }));
    }
    if is_spent(&stream, &STATE.flows.at(id).load(cx)?) {
        return Err(revert(&StreamsStopped { streamId: number }));
    }
    tie(cx, id, stream, account)
}

/// Gives a stream back to its owner, after what is due went to the account. For the account room alone, which knows
/// that the debt is gone.
///
/// # Errors
/// `StreamsUnknown`, `StreamsNotAssigned`.
pub fn release(cx: &mut Ctx<'_>, id: StreamId) -> Result<Collected, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    if known(cx, id)?.assigned.owner.is_zero() {
        return Err(revert(&StreamsNotAssigned { streamId: id.get() }));
    }
    let collected = actions::collect_up_to(cx, id, capstan_units::Assets::MAX)?;
    let stream = known(cx, id)?;
    // The last unit of a stopped stream has ended the assignment already.
    if !stream.assigned.owner.is_zero() {
        untie(cx, id, stream)?;
    }
    Ok(collected)
}

/// Streams that pay the debts of an account, and what flows in each.
///
/// # Errors
/// The store's.
pub fn assigned(cx: &mut Ctx<'_>, account: AccountId) -> Result<Vec<(StreamId, AssetId)>, Halt> {
    let pledges = STATE.pledges.at(account).load(&mut cx.enter(ADDRESS))?;
    let pair = |Pledge { stream, asset }| (stream, asset);
    Ok(pledges.into_iter().map(pair).collect())
}

/// Ends the assignment of a stream that will never pay again.
pub(super) fn drop_spent(
    cx: &mut Ctx<'_>,
    id: StreamId,
    stream: &Stream,
    flow: &Flow,
) -> Result<(), Halt> {
    if stream.assigned.owner.is_zero() || !is_spent(stream, flow) {
        return Ok(());
    }
    untie(cx, id, *stream)
}

fn is_spent(stream: &Stream, flow: &Flow) -> bool {
    stream.is_stopped && flow.collected == flow.paid
}

/// Puts a stream in an account's list.
pub(super) fn tie(
    cx: &mut Ctx<'_>,
    id: StreamId,
    stream: Stream,
    account: AccountId,
) -> Result<(), Halt> {
    let pledges = STATE.pledges.at(account);
    if pledges.len(cx)? >= ASSIGNED_MAX {
        return Err(revert(&StreamsTooManyAssigned {
            account: account.owner,
            index: account.index,
            max: U256::from(ASSIGNED_MAX),
        }));
    }
    pledges.push(
        cx,
        Pledge {
            stream: id,
            asset: stream.asset,
        },
    )?;
    STATE.streams.at(id).save(
        cx,
        &Stream {
            assigned: account,
            ..stream
        },
    )?;
    emit(
        cx,
        &AssignedEvent {
            streamId: id.get(),
            account: account.owner,
            index: account.index,
            assetId: stream.asset.get(),
        },
    )
}

/// Takes a stream out of its account's list.
pub(super) fn untie(cx: &mut Ctx<'_>, id: StreamId, stream: Stream) -> Result<(), Halt> {
    let account = stream.assigned;
    let pledges = STATE.pledges.at(account);
    let mut places = (0_u32..).zip(pledges.load(cx)?);
    let Some((place, _)) = places.find(|(_, pledge)| pledge.stream == id) else {
        return Err(Halt::Fatal(format!(
            "stream {id} is not in the list of {account}"
        )));
    };
    pledges.swap_remove(cx, place)?;
    STATE.streams.at(id).save(
        cx,
        &Stream {
            assigned: AccountId::default(),
            ..stream
        },
    )?;
    emit(
        cx,
        &StreamReleased {
            streamId: id.get(),
            account: account.owner,
            index: account.index,
        },
    )
}
