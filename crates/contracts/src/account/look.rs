//! The block's look at accounts whose guard was crossed: the work of a `Liquidate` system transaction.
//!
//! ```text
//!   calldata: accounts, in the order of the index
//!   for each:  net ─► healthy, nothing overdue? ─► a new guard
//!                      │ no
//!                      ├─► nothing to sell ─► waterfall: backstop, reserve, lenders; the account is clean
//!                      └─► collateral stands on offer until somebody pays
//! ```

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets, Usd};

use super::{
    ADDRESS,
    IAccount::{AccountRef, LookFailed, LooksLeft},
    assess::{self, Assessment, Question, Valued},
    error::{AccountLooksMalformed, AccountTooManyLooks},
    guard, moves, offer,
    offer::{Step, Venue},
    params::{DUST, LOOK_GAS, LOOKS_MAX, dollars},
    sheet::{Row, Sheet},
    waterfall,
};
use crate::{contract::emit, revert};

/// Calldata of a `Liquidate` or a `Redeem` transaction.
pub fn encode_accounts(accounts: &[AccountId]) -> Bytes {
    let accounts = accounts.iter().map(|account| AccountRef {
        owner: account.owner,
        index: account.index,
    });
    accounts.collect::<Vec<_>>().abi_encode().into()
}

/// Looks at each account. One that cannot be looked at changes nothing and holds up nobody (LIQ-6).
///
/// # Errors
/// `AccountLooksMalformed`, `AccountTooManyLooks`.
pub(super) fn looks(cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let Ok(accounts) = Vec::<AccountRef>::abi_decode_validate(input) else {
        return Err(revert(&AccountLooksMalformed {}));
    };
    if accounts.len() > LOOKS_MAX {
        return Err(revert(&AccountTooManyLooks {
            count: U256::from(accounts.len()),
            max: U256::from(LOOKS_MAX),
        }));
    }
    for (done, account) in accounts.iter().enumerate() {
        if cx.store.gas_left() < LOOK_GAS {
            let left = accounts.len().saturating_sub(done);
            emit(
                cx,
                &LooksLeft {
                    count: U256::from(left),
                },
            )?;
            break;
        }
        let account = AccountId::new(account.owner, account.index);
        let mark = cx.store.mark();
        match look(cx, account) {
            Ok(()) => cx.store.commit(mark),
            Err(Halt::Revert(reason)) => {
                cx.store.rewind(mark);
                guard::defer(cx, account)?;
                emit(
                    cx,
                    &LookFailed {
                        owner: account.owner,
                        index: account.index,
                        reason,
                    },
                )?;
            }
            Err(other) => return Err(other),
        }
    }
    Ok(Bytes::new())
}

/// One account.
///
/// # Errors
/// `AccountPriceUnusable`: what it owes has no price now.
fn look(cx: &mut Ctx<'_>, account: AccountId) -> Result<(), Halt> {
    let sheet = Sheet::load(cx, account)?;
    let all = assess::valued(cx, account, &sheet, Question::Block)?;
    let before = assess::sum(&all)?;
    let is_healthy = before.is_healthy();
    if is_healthy && !assess::is_overdue(cx, account, &sheet)? {
        offer::close(cx, account)?;
        return guard::renew(cx, account);
    }
    let steps = net(cx, account, &all, is_healthy)?;
    if !steps.is_empty() {
        offer::report(cx, account, before.health_down(), &steps)?;
    }
    let sheet = Sheet::load(cx, account)?;
    let all = assess::valued(cx, account, &sheet, Question::Block)?;
    let after = assess::sum(&all)?;
    if !after.is_healthy() {
        sell_or_forgive(cx, account, &all, after)?;
    } else if !assess::is_overdue(cx, account, &sheet)? {
        offer::close(cx, account)?;
    } else if offer::opened(cx, account)?.is_none() {
        offer::open(cx, account, after.health_down())?;
    }
    guard::renew(cx, account)
}

/// Pays each debt with what the account holds of the same asset; of a healthy account, only what is overdue.
fn net(
    cx: &mut Ctx<'_>,
    account: AccountId,
    all: &[Valued],
    is_healthy: bool,
) -> Result<Vec<Step>, Halt> {
    let mut steps = Vec::new();
    let rows: Vec<Row> = all.iter().map(|valued| valued.row).collect();
    for row in rows {
        let most = if is_healthy {
            assess::overdue(cx, account, row)?
        } else {
            Assets::MAX
        };
        let paid = moves::net(cx, account, row, most)?;
        if !paid.is_zero() {
            steps.push(Step {
                venue: Venue::Netting,
                debt: row.asset,
                paid,
                collateral: row.asset,
                taken: paid,
                to_reserve: Default::default(),
                discount_bps: 0,
                buyer: account,
            });
        }
    }
    Ok(steps)
}

/// Collateral goes on offer; a debt that nothing backs is borne.
fn sell_or_forgive(
    cx: &mut Ctx<'_>,
    account: AccountId,
    all: &[Valued],
    sum: Assessment,
) -> Result<(), Halt> {
    if is_dust(all, sum) {
        waterfall::bear(cx, account, all, sum.health_down())?;
        return offer::close(cx, account);
    }
    if offer::opened(cx, account)?.is_none() {
        offer::open(cx, account, sum.health_down())?;
    }
    Ok(())
}

/// Whether nobody would trouble to buy what is left, and all of it has a price.
fn is_dust(all: &[Valued], sum: Assessment) -> bool {
    let known = all
        .iter()
        .all(|valued| valued.is_priced || valued.line.held.is_zero());
    let worth: Usd = sum.collateral;
    known && worth < dollars(DUST)
}
