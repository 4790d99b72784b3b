//! The block's look at accounts whose guard was crossed: the work of a `Liquidate` system transaction.
//!
//! ```text
//!   calldata: accounts, in the order of the index
//!   those who must sell the opposite ─► matched
//!   for each:  liquidity ─► units, where it is needed
//!              net ─► healthy, nothing overdue? ─► a new guard
//!                      │ no
//!                      ├─► pools buy, above the floor
//!                      ├─► what is left stands on offer; when its time is over, a stake buys
//!                      └─► nothing to sell ─► waterfall: reserve, backstop, lenders; the account is clean
//! ```

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets, TimeMs, Usd};

use super::{
    ADDRESS,
    IAccount::{AccountRef, LookFailed, LooksLeft},
    assess::{self, Assessment, Question, Stand, Valued},
    desk::Desk,
    error::{AccountLooksMalformed, AccountTooManyLooks},
    guard,
    last_buyer::Stakes,
    matching, moves, offer,
    params::{DUST, LAST_BUYER_MS, LOOK_GAS, LOOKS_MAX, SALES_MAX, UNWANTED, UNWANTED_MS, dollars},
    pieces,
    pools::Pools,
    sheet::Row,
    venue::{self, Number, Step},
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
    let accounts: Vec<AccountId> = accounts
        .iter()
        .map(|account| AccountId::new(account.owner, account.index))
        .collect();
    matching::meet(cx, &accounts)?;
    for (done, account) in accounts.iter().copied().enumerate() {
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
        if let Err(reason) = cx.attempt_item(|cx| look(cx, account))? {
            // Where even its sheet cannot be read it stays due, and fails again: nothing else can be said of it.
            let _ = cx.attempt_item(|cx| guard::defer(cx, account))?;
            emit(
                cx,
                &LookFailed {
                    owner: account.owner,
                    index: account.index,
                    reason,
                },
            )?;
        }
    }
    Ok(Bytes::new())
}

/// One account.
///
/// # Errors
/// `AccountPriceUnusable`: what it owes has no price now.
fn look(cx: &mut Ctx<'_>, account: AccountId) -> Result<(), Halt> {
    let mut desk = Desk::new(account);
    let stand = desk.stand(cx, account)?;
    let all = stand.valued(cx, &mut desk.goods, Question::Block)?;
    let before = assess::sum(&all)?;
    if is_left_alone(cx, &stand, &all)? {
        return guard::looked(cx, &mut desk, &stand);
    }
    let all = pieces::into_units(cx, &mut desk, &stand, all)?;
    let steps = net(cx, &mut desk, account, &all, before.is_healthy())?;
    if !steps.is_empty() {
        offer::report(cx, &mut desk, account, before.health_down(), &steps)?;
    }
    let stand = desk.stand(cx, account)?;
    let all = stand.valued(cx, &mut desk.goods, Question::Block)?;
    let after = assess::sum(&all)?;
    if !is_left_alone(cx, &stand, &all)? {
        sell_or_forgive(cx, &mut desk, &all, after)?;
    }
    let stand = desk.stand(cx, account)?;
    guard::looked(cx, &mut desk, &stand)
}

/// Whether the account is healthy and nothing is overdue. Its offer ends then, unless a debt could not be judged: what
/// stood on offer for it waits until its price is back.
fn is_left_alone(cx: &mut Ctx<'_>, stand: &Stand, all: &[Valued]) -> Result<bool, Halt> {
    if !assess::sum(all)?.is_healthy() || assess::is_overdue(cx, stand)? {
        return Ok(false);
    }
    if assess::is_judged(all) {
        offer::close(cx, stand.account)?;
    }
    Ok(true)
}

/// Pays each debt with what the account holds of the same asset; of a healthy account, only what is overdue.
pub(super) fn net(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
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
        let paid = moves::net(cx, desk, account, row, most)?;
        if !paid.is_zero() {
            steps.push(Step {
                venue: Number::Netting,
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

/// Pools buy what they may; the rest goes on offer; a stake buys what nobody bought in time; a debt that nothing backs is
/// borne.
fn sell_or_forgive(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    all: &[Valued],
    sum: Assessment,
) -> Result<(), Halt> {
    let account = desk.account();
    let now = TimeMs::new(cx.store.block().time_ms);
    let since = offer::opened(cx, account)?;
    let on_offer_ms = match since {
        Some(since) => now.ms_since(since)?,
        None => 0,
    };
    let dust = dollars(if on_offer_ms < UNWANTED_MS {
        DUST
    } else {
        UNWANTED
    });
    if is_dust(all, sum, dust) {
        return waterfall::bear(cx, desk, account, all, sum.health_down());
    }
    let sold = sell_to_pools(cx, desk, all, sum, on_offer_ms)?;
    let (all, sum) = match &sold {
        Some((all, sum)) => (all.as_slice(), *sum),
        None => (all, sum),
    };
    if sold.is_some() {
        let stand = desk.stand(cx, account)?;
        if is_left_alone(cx, &stand, all)? {
            return Ok(());
        }
    }
    if is_dust(all, sum, dust) {
        return waterfall::bear(cx, desk, account, all, sum.health_down());
    }
    if since.is_none() {
        return offer::open(cx, account, sum.health_down());
    }
    let stakes = Stakes::of(all, sum)?;
    if on_offer_ms < LAST_BUYER_MS || !venue::ask(cx, desk, &stakes, account, all, sum)? {
        return Ok(());
    }
    let (all, sum) = judge(cx, desk, account)?;
    if is_dust(&all, sum, dust) {
        return waterfall::bear(cx, desk, account, &all, sum.health_down());
    }
    Ok(())
}

/// Sells to pools, one collateral for one debt at a time; answers how the account stands then, if they bought anything.
fn sell_to_pools(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    all: &[Valued],
    sum: Assessment,
    on_offer_ms: u64,
) -> Result<Option<(Vec<Valued>, Assessment)>, Halt> {
    let account = desk.account();
    let pools = Pools {
        on_offer_ms,
        gas: cx.store.gas_left(),
    };
    let mut sold: Option<(Vec<Valued>, Assessment)> = None;
    for _ in 0..SALES_MAX {
        let (all, sum) = match &sold {
            Some((all, sum)) => (all.as_slice(), *sum),
            None => (all, sum),
        };
        if !venue::ask(cx, desk, &pools, account, all, sum)? {
            break;
        }
        sold = Some(judge(cx, desk, account)?);
    }
    Ok(sold)
}

/// How an account stands now.
fn judge(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
) -> Result<(Vec<Valued>, Assessment), Halt> {
    let stand = desk.stand(cx, account)?;
    let all = stand.valued(cx, &mut desk.goods, Question::Block)?;
    let sum = assess::sum(&all)?;
    Ok((all, sum))
}

/// Whether nobody would trouble to buy what is left beside debts that it does not carry, and all of it has a price.
fn is_dust(all: &[Valued], sum: Assessment, dust: Usd) -> bool {
    let known = all
        .iter()
        .all(|valued| valued.is_priced || valued.line.held.is_zero());
    known && !sum.is_healthy() && sum.collateral < dust
}
