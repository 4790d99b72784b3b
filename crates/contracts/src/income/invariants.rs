//! What must hold between transactions, as code over a world that is only looked at.
//!
//! INC-5, INC-6, INC-8, INC-10, INC-11 and INC-12 speak of steps and of single calls, so the tests check them around those.

use std::collections::BTreeMap;

use capstan_state::{Ctx, View};
use capstan_units::{AssetId, Assets};

use super::{
    ADDRESS, POT, account_of,
    market::{self, FIRST_LOSS, LENDERS, STATE},
    params::Params,
    power, recover, share,
    state::Book,
};
use crate::{
    invariant::{Broken, check_one, holds},
    ledger, machines, streams,
};

/// What the books of a market sum up to.
#[derive(Default)]
struct Sums {
    lent: u128,
    uncovered: u128,
    at_risk: u128,
    debtors: u32,
}

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let mut sums = BTreeMap::<AssetId, Sums>::new();
    for (id, record) in STATE.books.listed(world, ADDRESS)? {
        let book = record.load(cx)?;
        stream_of(cx, id, &book)?;
        days_of(world, cx, id)?;
        title_of(cx, id, &book)?;
        let sum = sums.entry(book.asset).or_default();
        sum.lent = sum.lent.saturating_add(book.principal.get());
        sum.uncovered = sum.uncovered.saturating_add(book.uncovered.get());
        if book.case_id != 0 {
            sum.at_risk = sum.at_risk.saturating_add(book.principal.get());
        }
        let due_s = STATE.dues.at(id).load(cx)?;
        holds(book.principal.is_zero() || due_s != 0, "INC-14", || {
            format!("machine {id} owes and calls nobody: {book:?}")
        })?;
        if book.place != 0 {
            sum.debtors = sum.debtors.saturating_add(1);
            place_of(cx, id, &book)?;
        }
    }
    for id in STATE.listed.load(cx)? {
        let sum = sums.remove(&id).unwrap_or_default();
        market_of(cx, id, &sum)?;
        params_of(cx, id)?;
        for tranche in [LENDERS, FIRST_LOSS] {
            check_one(&share::CONTRACT, world, share::address_of(id, tranche))?;
        }
    }
    cases(world, cx)
}

/// INC-1, and that the machine's account has what is reserved.
fn stream_of(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<(), Broken> {
    let brought = streams::collected(cx, book.stream)?;
    let shared = book
        .to_debt
        .get()
        .saturating_add(book.reserved.get())
        .saturating_add(book.to_holder.get());
    holds(
        book.earned.get() == shared && book.earned <= brought,
        "INC-1",
        || format!("the stream of machine {id} brought {brought}, of which {shared}: {book:?}"),
    )?;
    let held = ledger::free(cx, book.asset, account_of(id))?;
    holds(held >= book.reserved, "INC-1", || {
        format!("machine {id} has {held}, and {} reserved", book.reserved)
    })
}

/// INC-3: days, periods, customers.
fn days_of(world: &dyn View, cx: &mut Ctx<'_>, id: u64) -> Result<(), Broken> {
    for ((machine, place), record) in STATE.days.listed(world, ADDRESS)? {
        let day = record.load(cx)?;
        let is_of = machine == id;
        holds(!is_of || day.counted <= day.gross, "INC-3", || {
            format!("machine {machine}, place {place}: {day:?}")
        })?;
    }
    for (at, record) in STATE.periods.listed(world, ADDRESS)? {
        if at.0 != id {
            continue;
        }
        let all = record.load(cx)?;
        let mut sum = 0_u128;
        let mut largest = Vec::new();
        for ((of, who), record) in STATE.customers.listed(world, ADDRESS)? {
            let one = record.load(cx)?;
            if of == at && one.period == all.period {
                sum = sum.saturating_add(one.amount.get());
                largest.push((one.amount, who));
            }
        }
        largest.sort_unstable();
        let mut tops: Vec<Assets> = Vec::new();
        for top in STATE.tops.at(at).load(cx)? {
            tops.push(top.amount);
        }
        tops.sort_unstable();
        let largest = largest.iter().rev().take(tops.len()).rev();
        let agrees = largest.map(|(amount, _)| *amount).eq(tops.iter().copied());
        holds(sum == all.amount.get() && agrees, "INC-3", || {
            format!("machine {id}: customers of {all:?} brought {sum}, the largest {tops:?}")
        })?;
    }
    Ok(())
}

/// INC-4, and what `term` says of the debt.
fn title_of(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<(), Broken> {
    let is_locked = machines::locked_by(cx, id)? == Some(ADDRESS);
    let is_bound = !book.principal.is_zero() || book.case_id != 0;
    holds(is_locked == is_bound, "INC-4", || {
        format!("machine {id} is locked: {is_locked}; {book:?}")
    })?;
    let is_ours = machines::holder_of(cx, id)? == ADDRESS;
    let is_unsold = recover::is_unsold(cx, book)?;
    holds(is_ours == is_unsold, "INC-4", || {
        format!("the title of machine {id} is here: {is_ours}; unsold: {is_unsold}")
    })?;
    let principal = power::principal_of(cx, id)?;
    holds(
        principal == book.principal && book.uncovered <= book.principal,
        "INC-2",
        || format!("machine {id} owes {principal}: {book:?}"),
    )
}

/// That a debtor stands at its place, as one without debt stands nowhere.
fn place_of(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<(), Broken> {
    let place = book.place.saturating_sub(1);
    let there = STATE.debtors.at(book.asset).get(cx, place)?;
    holds(
        there == Some(id) && !book.principal.is_zero(),
        "INC-2",
        || format!("place {place} has {there:?}, not machine {id}: {book:?}"),
    )
}

/// INC-2 and INC-5.
fn market_of(cx: &mut Ctx<'_>, id: AssetId, sum: &Sums) -> Result<(), Broken> {
    let market = market::known(cx, id)?;
    let (lenders, first) = (
        market::tranche(cx, id, LENDERS)?,
        market::tranche(cx, id, FIRST_LOSS)?,
    );
    let owned = lenders.units.get().saturating_add(first.units.get());
    let there = market.idle.get().saturating_add(market.lent.get());
    holds(owned == there, "INC-2", || {
        format!("market {id}: {owned} owned, {market:?}")
    })?;
    let held = ledger::free(cx, id, POT)?;
    holds(held >= market.idle, "INC-2", || {
        format!("the pot has {held} of {id}: {market:?}")
    })?;
    let debtors = STATE.debtors.at(id).len(cx)?;
    let agrees = sum.lent == market.lent.get()
        && sum.uncovered == market.uncovered.get()
        && sum.at_risk == market.at_risk.get()
        && sum.debtors == debtors;
    holds(agrees, "INC-2", || {
        format!(
            "books of {id} sum up to {} lent, {} uncovered, {} at risk, {} of {debtors} debtors: {market:?}",
            sum.lent, sum.uncovered, sum.at_risk, sum.debtors
        )
    })
}

/// INC-7, of every case.
fn cases(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let count = STATE.case_count.load(cx)?;
    for (case_id, record) in STATE.cases.listed(world, ADDRESS)? {
        let case = record.load(cx)?;
        let borne = case
            .from_first
            .get()
            .saturating_add(case.from_lenders.get());
        let settled = case.paid.get().saturating_add(borne);
        let stands = STATE.books.at(case.machine).load(cx)?;
        let is_open = stands.case_id == case_id;
        let left = if is_open { stands.principal.get() } else { 0 };
        // A case that was cured leaves its principal to the schedule again.
        let adds_up = match case.stage {
            4 => settled <= case.principal.get(),
            _ => settled.saturating_add(left) == case.principal.get(),
        };
        holds((1..=count).contains(&case_id) && adds_up, "INC-7", || {
            format!("case {case_id} of {count}, {left} left: {case:?}")
        })?;
    }
    Ok(())
}

/// INC-9.
fn params_of(cx: &mut Ctx<'_>, id: AssetId) -> Result<(), Broken> {
    let mut configs = vec![STATE.configs.at(id).load(cx)?];
    if STATE.next_from_ms.at(id).load(cx)? != 0 {
        configs.push(STATE.next_configs.at(id).load(cx)?);
    }
    for config in configs {
        holds(
            Params::checked(&config.to_abi()) == Ok(config),
            "INC-9",
            || format!("market {id}: {config:?}"),
        )?;
    }
    Ok(())
}
