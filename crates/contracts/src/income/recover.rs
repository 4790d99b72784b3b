//! What happens when a machine does not pay: its stream, its title, its bond, the first loss, lenders. Each step leaves its
//! amount in the case (INC-7). The frame is that of `income`.
//!
//! ```text
//!   1 Redirected ── grace ──► 2 Auction ── bid ──► 5 Sold
//!        │                        │ └── nobody ──► 3 Unsold ── bid ──► 5 Sold
//!        └── right again ─────────┴── all paid ──► 4 Cured
//! ```

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets};

use super::{
    ADDRESS,
    IIncome::{
        CaseCured, CaseOpened, CaseStep, LossRecovered, TitleOffered, TitleSold, TitleUnsold,
    },
    POT, account_of, bank, book,
    error::*,
    look,
    market::{self, STATE},
    math::{day_of, part_up},
    params, power,
    state::{Book, Case},
};
use crate::{
    contract::emit,
    ledger,
    machines::{self, State},
    mutant::mutant,
    revert, still, term,
};

/// Why something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An instalment is unpaid for too long.
    Unpaid,
    /// The machine is dark.
    Dark,
    /// Its bond is too small.
    Barred,
    /// It leaves.
    Leaving,
}

impl Reason {
    /// The number under which it is stored and told, for ever.
    pub const fn number(self) -> u8 {
        match self {
            Self::Unpaid => 1,
            Self::Dark => 2,
            Self::Barred => 3,
            Self::Leaving => 4,
        }
    }
}

/// How far a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The stream pays the debt whole.
    Redirected,
    /// The title is at auction.
    Auction,
    /// Nobody bought it.
    Unsold,
    /// What was wrong is right again.
    Cured,
    /// The title was sold.
    Sold,
}

impl Stage {
    /// The number under which it is stored and told, for ever.
    pub const fn number(self) -> u8 {
        match self {
            Self::Redirected => 1,
            Self::Auction => 2,
            Self::Unsold => 3,
            Self::Cured => 4,
            Self::Sold => 5,
        }
    }

    fn of(number: u8) -> Result<Self, Halt> {
        match number {
            1 => Ok(Self::Redirected),
            2 => Ok(Self::Auction),
            3 => Ok(Self::Unsold),
            4 => Ok(Self::Cured),
            5 => Ok(Self::Sold),
            _ => Err(Halt::Fatal(format!(
                "corrupt storage: {number} is no stage of a case"
            ))),
        }
    }
}

/// Who bears what, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    Income,
    Repayment,
    Title,
    Bond,
    FirstLoss,
    Lenders,
}

impl Tier {
    const fn number(self) -> u8 {
        match self {
            Self::Income => 1,
            Self::Repayment => 2,
            Self::Title => 3,
            Self::Bond => 4,
            Self::FirstLoss => 5,
            Self::Lenders => 6,
        }
    }
}

fn case_of(cx: &mut Ctx<'_>, book: &Book) -> Result<Case, Halt> {
    STATE.cases.at(book.case_id).load(cx)
}

fn save_case(cx: &mut Ctx<'_>, book: &Book, case: &Case) -> Result<(), Halt> {
    STATE.cases.at(book.case_id).save(cx, case)
}

fn stage_of(cx: &mut Ctx<'_>, book: &Book) -> Result<Option<Stage>, Halt> {
    if book.case_id == 0 {
        return Ok(None);
    }
    Stage::of(case_of(cx, book)?.stage).map(Some)
}

/// Whether the title of a machine found no buyer in time.
pub(super) fn is_unsold(cx: &mut Ctx<'_>, book: &Book) -> Result<bool, Halt> {
    Ok(stage_of(cx, book)? == Some(Stage::Unsold))
}

fn say_step(
    cx: &mut Ctx<'_>,
    id: u64,
    case_id: u64,
    tier: Tier,
    amount: Assets,
    left: Assets,
) -> Result<(), Halt> {
    if amount.is_zero() {
        return Ok(());
    }
    emit(
        cx,
        &CaseStep {
            caseId: case_id,
            machineId: id,
            tier: tier.number(),
            amount: amount.to_u256(),
            left: left.to_u256(),
        },
    )
}

/// Counts a payment of a machine in an open case.
pub(super) fn count(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &Book,
    tier: Tier,
    paid: Assets,
    principal: Assets,
) -> Result<(), Halt> {
    let mut case = case_of(cx, book)?;
    case.paid = case.paid.add(principal)?;
    match tier {
        Tier::Repayment => case.from_repayment = case.from_repayment.add(paid)?,
        _ => case.from_income = case.from_income.add(paid)?,
    }
    save_case(cx, book, &case)?;
    let left = term::ending_up(cx, book.asset, account_of(id))?;
    say_step(cx, id, book.case_id, tier, paid, left)
}

/// When the stage of a case ends, by what is known now: time for which the chain stood still is in no stage (INC-15).
pub(super) fn ends_ms(cx: &mut Ctx<'_>, case: &Case) -> Result<u64, Halt> {
    let from_ms = match Stage::of(case.stage)? {
        Stage::Redirected => case.opened_ms,
        Stage::Auction => case.auction_ms,
        Stage::Unsold | Stage::Cured | Stage::Sold => return Ok(case.until_ms),
    };
    still::until_ms(cx, from_ms, case.until_ms.saturating_sub(from_ms))
}

/// When there will be something to do with a machine that owes, if nothing else happens.
pub(super) fn next_ms(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<u64, Halt> {
    match stage_of(cx, book)? {
        Some(Stage::Redirected | Stage::Auction) => {
            let case = case_of(cx, book)?;
            ends_ms(cx, &case)
        }
        Some(_) => Ok(0),
        None if book.principal.is_zero() => Ok(0),
        None => {
            let unpaid_ms = unpaid_ms(cx, id, book)?;
            let dark_ms = machines::facts(cx, id)?.dark_from_ms;
            Ok(unpaid_ms.unwrap_or(u64::MAX).min(dark_ms).saturating_add(1))
        }
    }
}

/// The last moment at which no instalment is unpaid for too long, if nobody pays; none without loans. Time for which the chain stood
/// still is none in which it was unpaid (INC-15): nobody could pay. Each loan keeps the time that it was made with, so the first by
/// the clock need not be the first.
fn unpaid_ms(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<Option<u64>, Halt> {
    let mut first_ms = None;
    for loan in term::unpaid_windows(cx, book.asset, account_of(id))? {
        let until_ms = still::until_ms(cx, loan.due_ms, loan.window_ms)?;
        first_ms = Some(first_ms.map_or(until_ms, |first_ms: u64| first_ms.min(until_ms)));
    }
    Ok(first_ms)
}

/// What is wrong with a machine that owes.
fn reason_of(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<Option<Reason>, Halt> {
    let now_ms = cx.store.block().time_ms;
    if !term::defaults(cx, account_of(id))?.is_empty()
        && unpaid_ms(cx, id, book)?.is_none_or(|until_ms| now_ms > until_ms)
    {
        return Ok(Some(Reason::Unpaid));
    }
    Ok(match machines::status(cx, id)?.state {
        State::Dark => Some(Reason::Dark),
        State::Barred => Some(Reason::Barred),
        State::Leaving | State::Gone => Some(Reason::Leaving),
        State::Probation | State::Live | State::Late => None,
    })
}

/// Takes the next step with a machine, if there is one. Answers the stage, zero where nothing is wrong.
///
/// # Errors
/// `IncomeNoBook`.
pub(super) fn advance(cx: &mut Ctx<'_>, id: u64) -> Result<u8, Halt> {
    let mut book = book::known(cx, id)?;
    let holder = machines::holder_of(cx, id)?;
    book::meet(cx, id, &mut book, holder)?;
    book::share_out(cx, id, &mut book)?;
    bank::recount_bond(cx, id, &mut book)?;
    step(cx, id, &mut book)?;
    book::save(cx, id, &book)?;
    look::call_block(cx, id, &book)?;
    let stage = stage_of(cx, &book)?;
    Ok(stage.map_or(0, Stage::number))
}

fn step(cx: &mut Ctx<'_>, id: u64, book: &mut Book) -> Result<(), Halt> {
    let now_ms = cx.store.block().time_ms;
    let Some(stage) = stage_of(cx, book)? else {
        return match reason_of(cx, id, book)? {
            Some(reason) if !book.principal.is_zero() => open(cx, id, book, reason),
            _ => Ok(()),
        };
    };
    let case = case_of(cx, book)?;
    let until_ms = ends_ms(cx, &case)?;
    match stage {
        Stage::Redirected if reason_of(cx, id, book)?.is_none() => {
            let principal = book.principal;
            let mut market = market::known(cx, book.asset)?;
            market.at_risk = market.at_risk.sub(principal)?;
            market::save(cx, book.asset, &market)?;
            cure(cx, id, book)
        }
        Stage::Redirected if now_ms >= until_ms => start_auction(cx, id, book),
        Stage::Auction if now_ms >= until_ms => leave_unsold(cx, id, book),
        _ => Ok(()),
    }
}

/// Opens a case: from now on the whole stream pays the debt, and what was reserved.
fn open(cx: &mut Ctx<'_>, id: u64, book: &mut Book, reason: Reason) -> Result<(), Halt> {
    let case_id = STATE.case_count.load(cx)?.checked_add(1);
    let case_id = case_id.ok_or_else(Halt::overflow)?;
    STATE.case_count.save(cx, case_id)?;
    let params = params::in_force(cx, book.asset)?;
    let now_ms = cx.store.block().time_ms;
    let owed = term::ending_up(cx, book.asset, account_of(id))?;
    let case = Case {
        machine: id,
        asset: book.asset,
        reason: reason.number(),
        stage: Stage::Redirected.number(),
        opened_ms: now_ms,
        until_ms: now_ms.saturating_add(params.grace_ms),
        holder: book.holder,
        owed,
        principal: book.principal,
        ..Case::default()
    };
    book.case_id = case_id;
    save_case(cx, book, &case)?;
    let mut market = market::known(cx, book.asset)?;
    market.at_risk = market.at_risk.add(book.principal)?;
    market::save(cx, book.asset, &market)?;
    let until_ms = ends_ms(cx, &case)?;
    emit(
        cx,
        &CaseOpened {
            caseId: case_id,
            machineId: id,
            reason: reason.number(),
            owed: owed.to_u256(),
            untilMs: until_ms,
        },
    )?;
    book::save(cx, id, book)?;
    book::share_out(cx, id, book).map(|_| ())
}

/// Closes an open case because nothing is wrong any more. What is at risk, the caller has counted.
pub(super) fn cure(cx: &mut Ctx<'_>, id: u64, book: &mut Book) -> Result<(), Halt> {
    if book.case_id == 0 {
        return Ok(());
    }
    let mut case = case_of(cx, book)?;
    case.stage = Stage::Cured.number();
    case.closed_ms = cx.store.block().time_ms;
    save_case(cx, book, &case)?;
    let case_id = book.case_id;
    book.case_id = 0;
    emit(
        cx,
        &CaseCured {
            caseId: case_id,
            machineId: id,
        },
    )
}

fn start_auction(cx: &mut Ctx<'_>, id: u64, book: &mut Book) -> Result<(), Halt> {
    let params = params::in_force(cx, book.asset)?;
    let now_ms = cx.store.block().time_ms;
    let owed = term::ending_up(cx, book.asset, account_of(id))?;
    let mut case = case_of(cx, book)?;
    case.stage = Stage::Auction.number();
    case.auction_ms = now_ms;
    case.until_ms = now_ms.saturating_add(params.auction_ms);
    case.start = part_up(owed, params.auction_start_bps.into())?;
    case.floor = part_up(owed, params.auction_floor_bps.into())?;
    save_case(cx, book, &case)?;
    let until_ms = ends_ms(cx, &case)?;
    emit(
        cx,
        &TitleOffered {
            caseId: book.case_id,
            machineId: id,
            start: case.start.to_u256(),
            floor: case.floor.to_u256(),
            untilMs: until_ms,
        },
    )
}

/// Nobody bid in time: the loss is borne now, and the title stays for sale at the floor.
fn leave_unsold(cx: &mut Ctx<'_>, id: u64, book: &mut Book) -> Result<(), Halt> {
    let mut case = finish(cx, id, book, Assets::ZERO)?;
    case.stage = Stage::Unsold.number();
    case.buyer = ADDRESS;
    save_case(cx, book, &case)?;
    machines::award(cx, id, ADDRESS)?;
    book::meet(cx, id, book, ADDRESS)?;
    emit(
        cx,
        &TitleUnsold {
            caseId: book.case_id,
            machineId: id,
            floor: case.floor.to_u256(),
        },
    )
}

/// Ends a debt with what there is: reserved income, what the title brought, the bond; then the first loss and lenders bear
/// the principal that is left. Answers the case, which the caller writes.
fn finish(cx: &mut Ctx<'_>, id: u64, book: &mut Book, title: Assets) -> Result<Case, Halt> {
    let (account, asset) = (account_of(id), book.asset);
    let mut case = case_of(cx, book)?;
    let owed = term::ending_up(cx, asset, account)?;
    let own = book.reserved.min(owed);
    let behind_own = owed.sub(own)?;
    let behind_title = behind_own.sub(title)?;
    let bond = take_bond(cx, id, book, behind_title)?;
    look::leave_alone(cx, id)?;
    let all = own.add(title)?.add(bond)?;
    let settled = term::settle(cx, asset, account, account, all)?;
    let after = power::principal_of(cx, id)?;
    // What is less than the running interest pays nothing early: of a debt that ends, it is principal.
    let rest = all.sub(settled)?;
    if !rest.is_zero() {
        ledger::shift(cx, asset, account, POT, rest)?;
    }
    let direct = rest.min(after);
    let back = book.principal.sub(after)?.add(direct)?;
    let lost = after.sub(direct)?;
    let mut market = market::known(cx, asset)?;
    market::receive(cx, asset, &mut market, back, all.sub(back)?)?;
    term::write_off(cx, account, asset)?;
    let (first, lenders) = market::bear(cx, asset, &mut market, lost)?;
    market.uncovered = market.uncovered.sub(book.uncovered)?;
    market.at_risk = market.at_risk.sub(book.principal)?;
    market.defaults = market.defaults.saturating_add(1);
    market::save(cx, asset, &market)?;
    let case_id = book.case_id;
    say_step(cx, id, case_id, Tier::Income, own, behind_own)?;
    say_step(cx, id, case_id, Tier::Title, title, behind_title)?;
    say_step(cx, id, case_id, Tier::Bond, bond, behind_title.sub(bond)?)?;
    say_step(cx, id, case_id, Tier::FirstLoss, first, lost.sub(first)?)?;
    say_step(cx, id, case_id, Tier::Lenders, lenders, Assets::ZERO)?;
    case.paid = case.paid.add(back)?;
    case.from_income = case.from_income.add(own)?;
    case.from_title = title;
    case.from_bond = bond;
    case.from_first = first;
    case.from_lenders = lenders;
    case.closed_ms = cx.store.block().time_ms;
    forget(cx, book, own)?;
    Ok(case)
}

/// Takes what is owed from the bond.
fn take_bond(cx: &mut Ctx<'_>, id: u64, book: &Book, owed: Assets) -> Result<Assets, Halt> {
    let most = power::bond_of(cx, id, book)?.min(owed);
    let bond = mutant!(BondSpared, most, Assets::ZERO);
    if bond.is_zero() {
        return Ok(bond);
    }
    machines::slash(cx, id, bond, account_of(id), machines::Reason::Slashed)
}

/// A machine that did not pay owes nothing more, and nothing of what it did counts any more.
fn forget(cx: &mut Ctx<'_>, book: &mut Book, own: Assets) -> Result<(), Halt> {
    book.to_debt = book.to_debt.add(own)?;
    book.reserved = book.reserved.sub(own)?;
    book.principal = Assets::ZERO;
    book.uncovered = Assets::ZERO;
    book.defaults = book.defaults.saturating_add(1);
    book.clean_from = day_of(cx.store.block().time_ms).saturating_add(1);
    bank::leave_debtors(cx, book)
}

/// What a title costs now.
///
/// # Errors
/// `IncomeNoBook`, `IncomeNotForSale`.
pub(super) fn title_price(cx: &mut Ctx<'_>, id: u64) -> Result<U256, Halt> {
    let book = book::known(cx, id)?;
    let (_, price) = for_sale(cx, id, &book)?;
    Ok(price.to_u256())
}

fn for_sale(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<(Stage, Assets), Halt> {
    let now_ms = cx.store.block().time_ms;
    match stage_of(cx, book)? {
        Some(Stage::Auction) => {
            let case = case_of(cx, book)?;
            let passed_ms = still::passed_ms(cx, case.auction_ms, now_ms)?;
            Ok((Stage::Auction, case.price_up(passed_ms)?))
        }
        Some(Stage::Unsold) => Ok((Stage::Unsold, case_of(cx, book)?.floor)),
        _ => Err(revert(&IncomeNotForSale { machineId: id })),
    }
}

/// Buys a title that is for sale.
///
/// # Errors
/// `IncomeNoBook`, `IncomeNotForSale`, `IncomePriceAbove`, `IncomeTakesFee`, and those of `ledger::pull`.
pub(super) fn bid(cx: &mut Ctx<'_>, id: u64, price_max: U256) -> Result<U256, Halt> {
    // What the stream brought pays first, and may end it.
    advance(cx, id)?;
    let buyer = cx.caller();
    let book = book::known(cx, id)?;
    let (_, price) = for_sale(cx, id, &book)?;
    if price.to_u256() > price_max {
        return Err(revert(&IncomePriceAbove {
            machineId: id,
            price: price.to_u256(),
            priceMax: price_max,
        }));
    }
    if !price.is_zero() {
        let arrived = ledger::pull(cx, book.asset, buyer, account_of(id), price)?;
        if arrived != price {
            return Err(revert(&IncomeTakesFee {
                assetId: book.asset.get(),
                wanted: price.to_u256(),
                arrived: arrived.to_u256(),
            }));
        }
    }
    // The token may have run its payer's code: nothing that was read before counts.
    let mut book = book::known(cx, id)?;
    let (stage, _) = for_sale(cx, id, &book)?;
    sell(cx, id, &mut book, stage, buyer, price)?;
    book::save(cx, id, &book)?;
    Ok(price.to_u256())
}

/// Hands the title over for a price that is on the machine's account.
fn sell(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &mut Book,
    stage: Stage,
    buyer: Address,
    price: Assets,
) -> Result<(), Halt> {
    let case_id = book.case_id;
    let (mut case, to_holder) = match stage {
        Stage::Unsold => {
            let case = give_back(cx, id, book, price)?;
            (case, Assets::ZERO)
        }
        _ => {
            let owed = term::ending_up(cx, book.asset, account_of(id))?;
            let title = price.min(owed.sub_or_zero(book.reserved));
            (finish(cx, id, book, title)?, price.sub(title)?)
        }
    };
    case.stage = Stage::Sold.number();
    case.buyer = buyer;
    case.to_holder = to_holder;
    save_case(cx, book, &case)?;
    if !to_holder.is_zero() {
        let to = AccountId::new(case.holder, 0);
        ledger::shift(cx, book.asset, account_of(id), to, to_holder)?;
    }
    machines::award(cx, id, buyer)?;
    machines::unlock(cx, id)?;
    book.case_id = 0;
    book::meet(cx, id, book, buyer)?;
    emit(
        cx,
        &TitleSold {
            caseId: case_id,
            machineId: id,
            buyer,
            price: price.to_u256(),
            toHolder: to_holder.to_u256(),
        },
    )
}

/// What an unsold machine earns goes to those who lost.
pub(super) fn give_back_income(cx: &mut Ctx<'_>, id: u64, book: &mut Book) -> Result<(), Halt> {
    let amount = book.reserved;
    let case = give_back(cx, id, book, amount)?;
    save_case(cx, book, &case)?;
    book.to_debt = book.to_debt.add(amount)?;
    book.reserved = Assets::ZERO;
    Ok(())
}

/// Gives units of a machine's account to those who lost by it, lenders first. Answers the case, which the caller writes.
fn give_back(cx: &mut Ctx<'_>, id: u64, book: &Book, amount: Assets) -> Result<Case, Halt> {
    let mut case = case_of(cx, book)?;
    if amount.is_zero() {
        return Ok(case);
    }
    ledger::shift(cx, book.asset, account_of(id), POT, amount)?;
    let mut market = market::known(cx, book.asset)?;
    let owed = case.from_lenders.sub_or_zero(case.recovered);
    let (lenders, first) = market::give_back(cx, book.asset, &mut market, amount, owed)?;
    market::save(cx, book.asset, &market)?;
    case.recovered = case.recovered.add(amount)?;
    emit(
        cx,
        &LossRecovered {
            caseId: book.case_id,
            machineId: id,
            toLenders: lenders.to_u256(),
            toFirstLoss: first.to_u256(),
        },
    )?;
    Ok(case)
}
