//! The verbs of streams: what flows to an account pays its debt before anybody sees it.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, StreamId};

use super::{batch, desk::Desk, error::AccountOtherStream, guard, moves, operators};
use crate::{
    registry::{INCOME, UNITS},
    revert, streams,
};

/// A stream of the account's owner pays the account's debt from now on; who runs the batch may act for the stream's
/// account too.
///
/// # Errors
/// `AccountNotAuthorised`, and those of an assignment.
pub(super) fn assign(cx: &mut Ctx<'_>, desk: &mut Desk, id: StreamId) -> Result<(), Halt> {
    let account = desk.account();
    let stream = streams::whose(cx, id)?;
    let caller = cx.caller();
    operators::expect_authorised(cx, stream.owner, caller)?;
    streams::assign(cx, id, stream.owner, account, stream.asset)?;
    desk.mark(cx, account, stream.asset, INCOME)
}

/// What a stream owes this account -> its debt in that asset, then units; answers what came.
///
/// # Errors
/// `StreamsUnknown`, `AccountOtherStream`.
pub(super) fn collect(cx: &mut Ctx<'_>, desk: &mut Desk, id: StreamId) -> Result<Assets, Halt> {
    let account = desk.account();
    let stream = streams::whose(cx, id)?;
    let to = stream.assigned.unwrap_or(stream.owner);
    if to != account {
        return Err(revert(&AccountOtherStream {
            streamId: id.get(),
            owner: to.owner,
            index: to.index,
        }));
    }
    let came = bring(cx, desk, id)?;
    desk.mark(cx, account, stream.asset, UNITS)?;
    Ok(came)
}

/// The same by anybody, for the account to which the stream flows: nobody has to remember that his debt can be paid.
/// Units that come to an account of which the caller is no friend count when their owner admits them.
///
/// # Errors
/// `AccountInFlight`, `StreamsUnknown`.
pub(super) fn collect_for_anyone(cx: &mut Ctx<'_>, id: u64) -> Result<U256, Halt> {
    batch::expect_settled(cx)?;
    let id = StreamId::new(id);
    let stream = streams::whose(cx, id)?;
    let account = stream.assigned.unwrap_or(stream.owner);
    let mut desk = Desk::new(account);
    let came = bring(cx, &mut desk, id)?;
    let mut rows = desk.rows(cx, account)?.iter();
    if rows.any(|row| row.asset == stream.asset) {
        desk.mark(cx, account, stream.asset, UNITS)?;
    }
    guard::renew(cx, &mut desk, account)?;
    Ok(came.to_u256())
}

/// Collects, pays the debt of an assigned account with it, and gives the stream back when nothing is owed any more.
fn bring(cx: &mut Ctx<'_>, desk: &mut Desk, id: StreamId) -> Result<Assets, Halt> {
    let collected = streams::collect(cx, id)?;
    if !collected.is_assigned {
        return Ok(collected.amount);
    }
    let (account, asset) = (collected.to, collected.asset);
    moves::pay(cx, desk, account, account, asset, collected.amount)?;
    if desk.owed(cx, account, asset)?.is_zero() && streams::whose(cx, id)?.assigned.is_some() {
        streams::release(cx, id)?;
    }
    desk.mark(cx, account, asset, INCOME)?;
    Ok(collected.amount)
}
