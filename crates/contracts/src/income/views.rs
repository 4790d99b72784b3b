//! What anyone may ask.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets, mul_div_down};

use super::{
    IIncome::{self, Customer, Security, customersOfReturn, paramsOfReturn},
    account_of, book as books, days,
    market::{self, FIRST_LOSS, LENDERS, STATE},
    math::{day_of, period_of},
    params::{self, Params},
    power, recover, related, share,
    state::Case,
};
use crate::{machines, term};

/// Most cases, and most debtors, of one answer.
const COUNT_MAX: u64 = 100;

pub(super) fn markets(cx: &mut Ctx<'_>) -> Result<Vec<u32>, Halt> {
    let listed = STATE.listed.load(cx)?;
    Ok(listed.into_iter().map(AssetId::get).collect())
}

pub(super) fn market(cx: &mut Ctx<'_>, number: u32) -> Result<IIncome::Market, Halt> {
    let id = AssetId::new(number);
    let market = market::known(cx, id)?;
    let now_ms = cx.store.block().time_ms;
    let (lenders, first) = (
        market::tranche(cx, id, LENDERS)?,
        market::tranche(cx, id, FIRST_LOSS)?,
    );
    let unreleased = lenders
        .unreleased_up(now_ms)?
        .add(first.unreleased_up(now_ms)?)?;
    let debtors = STATE.debtors.at(id).load(cx)?;
    let (mut largest, mut largest_machine) = (Assets::ZERO, 0);
    for machine in &debtors {
        let principal = books::known(cx, *machine)?.principal;
        if principal > largest {
            (largest, largest_machine) = (principal, *machine);
        }
    }
    Ok(IIncome::Market {
        assetId: number,
        lenderShare: share::address_of(id, LENDERS),
        firstLossShare: share::address_of(id, FIRST_LOSS),
        idle: market.idle.to_u256(),
        lent: market.lent.to_u256(),
        lenders: lenders.units.to_u256(),
        firstLoss: first.units.to_u256(),
        unreleased: unreleased.to_u256(),
        uncovered: market.uncovered.to_u256(),
        atRisk: market.at_risk.to_u256(),
        largest: largest.to_u256(),
        largestMachine: largest_machine,
        debtors: u32::try_from(debtors.len()).unwrap_or(u32::MAX),
        defaults: market.defaults,
        lostFirstLoss: market.lost_first.to_u256(),
        lostLenders: market.lost_lenders.to_u256(),
        recovered: market.recovered.to_u256(),
        interestPaid: market.interest.to_u256(),
        paused: market.paused,
    })
}

pub(super) fn params_of(cx: &mut Ctx<'_>, number: u32) -> Result<paramsOfReturn, Halt> {
    let id = AssetId::new(number);
    market::known(cx, id)?;
    let current = params::in_force(cx, id)?;
    let from_ms = STATE.next_from_ms.at(id).load(cx)?;
    let is_coming = from_ms > cx.store.block().time_ms;
    let next = if is_coming {
        STATE.next_configs.at(id).load(cx)?
    } else {
        Params::default()
    };
    Ok(paramsOfReturn {
        current: current.to_abi(),
        next: next.to_abi(),
        nextFromMs: if is_coming { from_ms } else { 0 },
    })
}

pub(super) fn debtors(
    cx: &mut Ctx<'_>,
    number: u32,
    from: u64,
    count: u64,
) -> Result<Vec<u64>, Halt> {
    let id = AssetId::new(number);
    market::known(cx, id)?;
    let list = STATE.debtors.at(id);
    let end = from.saturating_add(count.min(COUNT_MAX));
    let end = end.min(list.len(cx)?.into());
    let mut found = Vec::new();
    for place in from..end {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        found.extend(list.get(cx, place)?);
    }
    Ok(found)
}

pub(super) fn book(cx: &mut Ctx<'_>, id: u64) -> Result<IIncome::Book, Halt> {
    let book = books::known(cx, id)?;
    let params = params::in_force(cx, book.asset)?;
    let (_, life_end_ms) = books::life_of(cx, id, &book, &params)?;
    let account = account_of(id);
    Ok(IIncome::Book {
        machineId: id,
        assetId: book.asset.get(),
        streamId: book.stream.get(),
        holder: machines::holder_of(cx, id)?,
        earned: book.earned.to_u256(),
        toDebt: book.to_debt.to_u256(),
        reserved: book.reserved.to_u256(),
        toHolder: book.to_holder.to_u256(),
        principal: book.principal.to_u256(),
        due: books::due_up(cx, id)?.to_u256(),
        owed: term::ending_up(cx, book.asset, account)?.to_u256(),
        nextMs: recover::next_ms(cx, id, &book)?,
        escrow: book.escrow.to_u256(),
        kwhPrice: U256::from(book.kwh_price.max(params.kwh_price_min)),
        watts: book.watts.max(params.watts_min),
        lifeEndMs: life_end_ms,
        defaults: book.defaults,
        caseId: book.case_id,
    })
}

pub(super) fn days_of(cx: &mut Ctx<'_>, id: u64) -> Result<Vec<IIncome::Day>, Halt> {
    let book = books::known(cx, id)?;
    let params = params::in_force(cx, book.asset)?;
    let window = days::window(cx, id, &book, &params)?;
    let days = window.days.into_iter().map(|one| IIncome::Day {
        day: one.day.day,
        gross: one.day.gross.to_u256(),
        counted: one.day.counted.to_u256(),
        fees: one.day.fees.to_u256(),
        power: one.day.power.to_u256(),
        net: one.net.to_u256(),
    });
    Ok(days.collect())
}

pub(super) fn customers_of(cx: &mut Ctx<'_>, id: u64) -> Result<customersOfReturn, Halt> {
    let book = books::known(cx, id)?;
    let params = params::in_force(cx, book.asset)?;
    let period = period_of(day_of(cx.store.block().time_ms));
    let (counted, excess, tops) = days::concentration(cx, id, period, &params)?;
    let mut customers = Vec::new();
    for top in tops {
        let whole = U256::from(10_000_u16);
        let share = mul_div_down(top.amount.to_u256(), whole, counted.to_u256())?;
        customers.push(Customer {
            customer: top.customer,
            amount: top.amount.to_u256(),
            shareBps: share,
        });
    }
    Ok(customersOfReturn {
        customers,
        counted: counted.to_u256(),
        excess: excess.to_u256(),
    })
}

pub(super) fn relation_of(cx: &mut Ctx<'_>, id: u64, customer: Address) -> Result<u8, Halt> {
    Ok(related::of_customer(cx, id, customer)?.number())
}

pub(super) fn offer(cx: &mut Ctx<'_>, id: u64) -> Result<IIncome::Offer, Halt> {
    let book = books::known(cx, id)?;
    let offer = power::offer(cx, id, &book)?;
    Ok(IIncome::Offer {
        today: offer.today.to_u256(),
        later: offer.later.to_u256(),
        verifiedDays: offer.verified,
        neededDays: offer.needed,
        netPerDay: offer.net_per_day.to_u256(),
        byIncome: offer.by_income.to_u256(),
        byEscrow: offer.by_escrow.to_u256(),
        byBondAndFees: offer.by_bond_and_fees.to_u256(),
        byMarket: offer.by_market.to_u256(),
        bound: offer.bound.number(),
    })
}

pub(super) fn security(cx: &mut Ctx<'_>, id: u64) -> Result<Security, Halt> {
    let book = books::known(cx, id)?;
    let params = params::in_force(cx, book.asset)?;
    let window = days::window(cx, id, &book, &params)?;
    let bond = power::bond_of(cx, id, &book)?;
    let first = market::tranche(cx, book.asset, FIRST_LOSS)?.units;
    let behind_bond = book.principal.sub_or_zero(bond);
    let first_loss = first.min(behind_bond);
    Ok(Security {
        netPerDay: power::per_day_down(window.net, params.window_days).to_u256(),
        reserved: book.reserved.to_u256(),
        title: machines::locked_by(cx, id)? == Some(super::ADDRESS),
        bond: bond.to_u256(),
        firstLoss: first_loss.to_u256(),
        lenders: behind_bond.sub(first_loss)?.to_u256(),
    })
}

pub(super) fn case_count(cx: &mut Ctx<'_>) -> Result<u64, Halt> {
    STATE.case_count.load(cx)
}

/// A case that there is not has machine 0 and stage 0.
pub(super) fn case_of(cx: &mut Ctx<'_>, case_id: u64) -> Result<IIncome::Case, Halt> {
    let case = STATE.cases.at(case_id).load(cx)?;
    let until_ms = match case.stage {
        0 => 0,
        _ => recover::ends_ms(cx, &case)?,
    };
    Ok(told(case_id, &case, until_ms))
}

pub(super) fn cases(cx: &mut Ctx<'_>, from: u64, count: u64) -> Result<Vec<IIncome::Case>, Halt> {
    let last = STATE.case_count.load(cx)?;
    let first = from.max(1);
    let end = first.saturating_add(count.min(COUNT_MAX));
    let mut all = Vec::new();
    for case_id in first..end.min(last.saturating_add(1)) {
        all.push(case_of(cx, case_id)?);
    }
    Ok(all)
}

fn told(case_id: u64, case: &Case, until_ms: u64) -> IIncome::Case {
    let borne = case
        .from_first
        .get()
        .saturating_add(case.from_lenders.get());
    let settled = case.paid.get().saturating_add(borne);
    let left = case.principal.get().saturating_sub(settled);
    IIncome::Case {
        caseId: case_id,
        machineId: case.machine,
        assetId: case.asset.get(),
        reason: case.reason,
        stage: case.stage,
        openedMs: case.opened_ms,
        untilMs: until_ms,
        closedMs: case.closed_ms,
        holder: case.holder,
        buyer: case.buyer,
        owed: case.owed.to_u256(),
        principal: case.principal.to_u256(),
        paid: case.paid.to_u256(),
        left: U256::from(left),
        fromIncome: case.from_income.to_u256(),
        fromRepayment: case.from_repayment.to_u256(),
        fromTitle: case.from_title.to_u256(),
        fromBond: case.from_bond.to_u256(),
        fromFirstLoss: case.from_first.to_u256(),
        fromLenders: case.from_lenders.to_u256(),
        recovered: case.recovered.to_u256(),
        toHolder: case.to_holder.to_u256(),
    }
}
