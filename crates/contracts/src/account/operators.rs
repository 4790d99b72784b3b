//! Who may act on an account.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, TimeMs};

use super::{
    ADDRESS, IAccount::OperatorSet, batch, error::AccountNotAuthorised, state::AccountState,
};
use crate::{contract::emit, revert};

const STATE: AccountState = AccountState::new();

/// The owner always may; an operator may until his time is over (ACC-3).
///
/// # Errors
/// `AccountNotAuthorised`.
pub(super) fn expect_authorised(
    cx: &mut Ctx<'_>,
    account: AccountId,
    who: Address,
) -> Result<(), Halt> {
    let now_ms = cx.store.block().time_ms;
    if who == account.owner || until_ms(cx, account, who)? > now_ms {
        return Ok(());
    }
    Err(revert(&AccountNotAuthorised {
        owner: account.owner,
        index: account.index,
        caller: who,
    }))
}

/// Whether somebody may.
///
/// # Errors
/// The store's.
pub fn may_act(cx: &mut Ctx<'_>, account: AccountId, who: Address) -> Result<bool, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let now_ms = cx.store.block().time_ms;
    Ok(who == account.owner || until_ms(cx, account, who)? > now_ms)
}

pub(super) fn until_ms(
    cx: &mut Ctx<'_>,
    account: AccountId,
    operator: Address,
) -> Result<u64, Halt> {
    Ok(STATE.operators.at((account, operator)).load(cx)?.get())
}

/// Lets `operator` act on an account of the caller's until `until_ms`.
///
/// # Errors
/// `AccountInFlight`: not from inside a batch, so that no callback can plant an operator.
pub(super) fn set(
    cx: &mut Ctx<'_>,
    index: u8,
    operator: Address,
    until_ms: u64,
) -> Result<(), Halt> {
    batch::expect_settled(cx)?;
    let account = AccountId::new(cx.caller(), index);
    let place = STATE.operators.at((account, operator));
    place.save(cx, TimeMs::new(until_ms))?;
    emit(
        cx,
        &OperatorSet {
            owner: account.owner,
            index,
            operator,
            untilMs: until_ms,
        },
    )
}
