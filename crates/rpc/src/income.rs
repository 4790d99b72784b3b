//! `capstan_income`: what machines verifiably earn, what they can borrow against it and why no more, and what became of
//! those that did not pay.

use alloy_eips::BlockId;
use alloy_primitives::{Address, Bytes, U64, U256};
use alloy_sol_types::SolError as _;
use capstan_contracts::{
    income::{
        ADDRESS,
        IIncome::{
            self, IncomeNoBook, bookCall, caseCountCall, caseOfCall, customersOfCall, daysOfCall,
            marketCall, marketsCall, offerCall, paramsOfCall, securityCall, titlePriceCall,
        },
        account_of,
    },
    machines::{self, IMachines},
    term::{self, ITerm},
};
use serde::{Deserialize, Serialize};

use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    exchange::coins::{Coin, Coins},
    fixed::Fixed,
    machines::{some, word},
    methods::Methods,
    page::PageAsked,
    views::Views,
};

/// Words of what binds an offer, by its number; specs/income.md has the rules.
const BOUNDS: [&str; 9] = [
    "unknown",
    "too few verified days",
    "income",
    "bond and fees",
    "idle units",
    "first loss",
    "state of the machine",
    "paused",
    "least loan",
];
const REASONS: [&str; 5] = ["none", "unpaid", "dark", "barred", "leaving"];
const STAGES: [&str; 6] = ["none", "redirected", "auction", "unsold", "cured", "sold"];
/// Stages in which a title is for sale.
const FOR_SALE: [u8; 2] = [2, 3];
/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

pub(crate) fn register(table: &mut Methods) {
    table
        .blocking(
            "capstan_income",
            ["filter?", "page?", "block?"],
            "What machines earn and owe: markets of machine loans with tranches, coverage and concentration, and every case that ever was with its steps; with {machine} one machine's stream, days, net, loans, case, and what it can borrow today and later with what binds that. Page of cases: {limit, cursor}.",
            income,
        )
        .heavy();
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    machine: Option<U64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Income {
    block_number: U64,
    time_ms: U64,
    markets: Option<Vec<MarketItem>>,
    /// Null where one was asked for that has earned nothing yet.
    machine: Option<MachineItem>,
    /// The newest first.
    cases: Option<Vec<CaseItem>>,
    /// What to pass for the next page; null at the end.
    cursor: Option<U64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MarketItem {
    asset: Coin,
    lender_share: Address,
    first_loss_share: Address,
    /// What each tranche owns, idle or lent.
    lenders: Fixed,
    first_loss: Fixed,
    idle: Fixed,
    lent: Fixed,
    /// What of `lent` no bond stands for, and how much of it the first loss covers: 1 and above is all.
    uncovered: Fixed,
    coverage: Option<Fixed>,
    /// What of `lent` machines in open cases owe.
    at_risk: Fixed,
    debtors: u32,
    /// The largest debtor, and its part of `lent`.
    largest: Fixed,
    largest_machine: Option<U64>,
    concentration: Option<Fixed>,
    /// Cases that were not cured, and who bore what in them.
    defaults: u32,
    lost_first_loss: Fixed,
    lost_lenders: Fixed,
    recovered: Fixed,
    interest_paid: Fixed,
    rate_per_year: Fixed,
    instalments: u16,
    period_ms: U64,
    verified_days: u16,
    window_days: u16,
    grace_ms: U64,
    auction_ms: U64,
    loan_min: Fixed,
    paused: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MachineItem {
    machine_id: U64,
    holder: Address,
    asset: Coin,
    stream_id: U64,
    /// All that its stream brought: to its debt, kept for the next instalment, to holders.
    earned: Fixed,
    to_debt: Fixed,
    reserved: Fixed,
    to_holder: Fixed,
    principal: Fixed,
    due: Fixed,
    owed: Fixed,
    /// When the block takes the next step, if nothing else happens.
    next_ms: Option<U64>,
    escrow: Fixed,
    kwh_price: Fixed,
    watts: u32,
    life_end_ms: U64,
    defaults: u32,
    offer: OfferItem,
    security: SecurityItem,
    /// Whole days of the window that had income, the oldest first.
    days: Vec<DayItem>,
    /// The largest customers of the present period of thirty days, and what of it is too much from one.
    customers: Vec<CustomerItem>,
    counted: Fixed,
    excess: Fixed,
    loans: Vec<LoanItem>,
    /// Null while nothing is wrong.
    case: Option<CaseItem>,
    /// What the title costs now; null while it is not for sale.
    title_price: Option<Fixed>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfferItem {
    today: Fixed,
    /// What it will be after `needed_days` days at the use so far.
    later: Fixed,
    verified_days: u16,
    needed_days: u16,
    net_per_day: Fixed,
    by_income: Fixed,
    by_escrow: Fixed,
    by_bond_and_fees: Fixed,
    by_market: Fixed,
    /// What binds today's figure.
    bound: &'static str,
}

/// What lenders can take, in this order, and nothing else.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecurityItem {
    net_per_day: Fixed,
    reserved: Fixed,
    title: bool,
    bond: Fixed,
    first_loss: Fixed,
    lenders: Fixed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DayItem {
    start_ms: U64,
    gross: Fixed,
    counted: Fixed,
    fees: Fixed,
    power: Fixed,
    net: Fixed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CustomerItem {
    customer: Address,
    amount: Fixed,
    share: Fixed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoanItem {
    loan_id: U64,
    rate_per_year: Fixed,
    owed: Fixed,
    due: Fixed,
    late: Fixed,
    /// Instalments that fell due.
    done: u16,
    /// The next one; null behind the last.
    next_due_ms: Option<U64>,
    next_payment: Option<Fixed>,
    default_ms: U64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CaseItem {
    case_id: U64,
    machine_id: U64,
    asset: Coin,
    reason: &'static str,
    stage: &'static str,
    opened_ms: U64,
    /// Until when the stage lasts; null where it has no end.
    until_ms: Option<U64>,
    closed_ms: Option<U64>,
    holder: Address,
    /// Null until the title has another holder.
    buyer: Option<Address>,
    owed: Fixed,
    principal: Fixed,
    paid: Fixed,
    left: Fixed,
    /// Who bore what, in the order in which they bear.
    steps: Vec<StepItem>,
    recovered: Fixed,
    to_holder: Fixed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StepItem {
    tier: &'static str,
    amount: Fixed,
}

/// The cursor is the case before which the next page begins.
fn income(
    cx: &RpcContext,
    (filter, page, id): (Option<Filter>, Option<PageAsked>, Option<BlockId>),
) -> RpcResult<Income> {
    let (filter, page) = (filter.unwrap_or_default(), page.unwrap_or_default());
    let limit = page.limit()?;
    let mut asked = Asked {
        views: Views::at(cx, id)?,
        coins: Coins::default(),
    };
    let mut answer = Income {
        block_number: U64::from(asked.views.number),
        time_ms: U64::from(asked.views.time_ms),
        markets: None,
        machine: None,
        cases: None,
        cursor: None,
    };
    if let Some(machine) = filter.machine {
        answer.machine = asked.machine(machine.to())?;
        return Ok(answer);
    }
    answer.markets = Some(asked.markets()?);
    let (cases, next) = asked.cases(page.cursor(), limit)?;
    (answer.cases, answer.cursor) = (Some(cases), next);
    Ok(answer)
}

struct Asked<'a> {
    views: Views<'a>,
    coins: Coins,
}

/// A part in hundredths of a percent.
fn part(bps: impl Into<u64>) -> Fixed {
    Fixed::new(U256::from(bps.into()), 4)
}

/// What part of `whole` an amount is, or how many times it; none of nothing.
fn ratio(amount: U256, whole: U256) -> Option<Fixed> {
    let bps = amount.saturating_mul(U256::from(10_000_u16));
    Some(Fixed::new(bps.checked_div(whole)?, 4))
}

impl Asked<'_> {
    fn coin(&mut self, asset: u32) -> RpcResult<Coin> {
        self.coins.get(&mut self.views, asset).cloned()
    }

    fn markets(&mut self) -> RpcResult<Vec<MarketItem>> {
        let listed = self.views.ask(ADDRESS, &marketsCall {})?;
        let items = listed.into_iter().map(|asset| self.market(asset));
        items.collect()
    }

    fn market(&mut self, asset: u32) -> RpcResult<MarketItem> {
        let coin = self.coin(asset)?;
        let market = self.views.ask(ADDRESS, &marketCall { assetId: asset })?;
        let params = self.views.ask(ADDRESS, &paramsOfCall { assetId: asset })?;
        let params = params.current;
        let units = |amount| Fixed::new(amount, coin.decimals);
        let verbs = [(1, "borrow"), (2, "supply")].into_iter();
        let paused = verbs.filter(|(bit, _)| market.paused & bit != 0);
        Ok(MarketItem {
            lender_share: market.lenderShare,
            first_loss_share: market.firstLossShare,
            lenders: units(market.lenders),
            first_loss: units(market.firstLoss),
            idle: units(market.idle),
            lent: units(market.lent),
            uncovered: units(market.uncovered),
            coverage: ratio(market.firstLoss, market.uncovered),
            at_risk: units(market.atRisk),
            debtors: market.debtors,
            largest: units(market.largest),
            largest_machine: (market.debtors > 0).then(|| U64::from(market.largestMachine)),
            concentration: ratio(market.largest, market.lent),
            defaults: market.defaults,
            lost_first_loss: units(market.lostFirstLoss),
            lost_lenders: units(market.lostLenders),
            recovered: units(market.recovered),
            interest_paid: units(market.interestPaid),
            rate_per_year: part(params.rateBps),
            instalments: params.instalments,
            period_ms: U64::from(u64::from(params.periodS).saturating_mul(1_000)),
            verified_days: params.verifiedDays,
            window_days: params.windowDays,
            grace_ms: U64::from(params.graceMs),
            auction_ms: U64::from(params.auctionMs),
            loan_min: units(params.loanMin),
            paused: paused.map(|(_, verb)| verb).collect(),
            asset: coin,
        })
    }

    /// None where the machine has no book.
    fn book(&mut self, machine: u64) -> RpcResult<Option<IIncome::Book>> {
        let call = bookCall { machineId: machine };
        match self.views.answer(ADDRESS, &call)? {
            Ok(book) => Ok(Some(book)),
            Err(output) if is_no_book(&output) => {
                // A machine that there is not says so.
                let call = IMachines::machineCall { machineId: machine };
                self.views.ask(machines::ADDRESS, &call)?;
                Ok(None)
            }
            Err(output) => Err(RpcError::reverted(&output)),
        }
    }

    fn machine(&mut self, machine: u64) -> RpcResult<Option<MachineItem>> {
        let Some(book) = self.book(machine)? else {
            return Ok(None);
        };
        let coin = self.coin(book.assetId)?;
        let units = |amount| Fixed::new(amount, coin.decimals);
        let customers = self
            .views
            .ask(ADDRESS, &customersOfCall { machineId: machine })?;
        let of_customers = customers.customers.iter().map(|one| CustomerItem {
            customer: one.customer,
            amount: units(one.amount),
            share: Fixed::new(one.shareBps, 4),
        });
        let of_customers = of_customers.collect();
        let case = match book.caseId {
            0 => None,
            number => Some(self.case(number)?),
        };
        Ok(Some(MachineItem {
            machine_id: U64::from(machine),
            holder: book.holder,
            stream_id: U64::from(book.streamId),
            earned: units(book.earned),
            to_debt: units(book.toDebt),
            reserved: units(book.reserved),
            to_holder: units(book.toHolder),
            principal: units(book.principal),
            due: units(book.due),
            owed: units(book.owed),
            next_ms: some(book.nextMs),
            escrow: units(book.escrow),
            kwh_price: units(book.kwhPrice),
            watts: book.watts,
            life_end_ms: U64::from(book.lifeEndMs),
            defaults: book.defaults,
            offer: self.offer(machine, &coin)?,
            security: self.security(machine, &coin)?,
            days: self.days(machine, &coin)?,
            customers: of_customers,
            counted: units(customers.counted),
            excess: units(customers.excess),
            loans: self.loans(machine, &coin)?,
            title_price: self.title_price(machine, book.caseId, &coin)?,
            case,
            asset: coin,
        }))
    }

    fn offer(&mut self, machine: u64, coin: &Coin) -> RpcResult<OfferItem> {
        let offer = self.views.ask(ADDRESS, &offerCall { machineId: machine })?;
        let units = |amount| Fixed::new(amount, coin.decimals);
        Ok(OfferItem {
            today: units(offer.today),
            later: units(offer.later),
            verified_days: offer.verifiedDays,
            needed_days: offer.neededDays,
            net_per_day: units(offer.netPerDay),
            by_income: units(offer.byIncome),
            by_escrow: units(offer.byEscrow),
            by_bond_and_fees: units(offer.byBondAndFees),
            by_market: units(offer.byMarket),
            bound: word(&BOUNDS, offer.bound),
        })
    }

    fn security(&mut self, machine: u64, coin: &Coin) -> RpcResult<SecurityItem> {
        let call = securityCall { machineId: machine };
        let stands = self.views.ask(ADDRESS, &call)?;
        let units = |amount| Fixed::new(amount, coin.decimals);
        Ok(SecurityItem {
            net_per_day: units(stands.netPerDay),
            reserved: units(stands.reserved),
            title: stands.title,
            bond: units(stands.bond),
            first_loss: units(stands.firstLoss),
            lenders: units(stands.lenders),
        })
    }

    fn days(&mut self, machine: u64, coin: &Coin) -> RpcResult<Vec<DayItem>> {
        let call = daysOfCall { machineId: machine };
        let days = self.views.ask(ADDRESS, &call)?;
        let units = |amount| Fixed::new(amount, coin.decimals);
        let days = days.into_iter().map(|day| DayItem {
            start_ms: U64::from(u64::from(day.day).saturating_mul(DAY_MS)),
            gross: units(day.gross),
            counted: units(day.counted),
            fees: units(day.fees),
            power: units(day.power),
            net: units(day.net),
        });
        Ok(days.collect())
    }

    fn loans(&mut self, machine: u64, coin: &Coin) -> RpcResult<Vec<LoanItem>> {
        let of = account_of(machine);
        let call = ITerm::loansOfCall {
            owner: of.owner,
            index: of.index,
        };
        let numbers = self.views.ask(term::ADDRESS, &call)?;
        let units = |amount| Fixed::new(amount, coin.decimals);
        let mut items = Vec::with_capacity(numbers.len());
        for id in numbers {
            let loan = self.views.ask(term::ADDRESS, &ITerm::loanOfCall { id })?;
            let schedule = self
                .views
                .ask(term::ADDRESS, &ITerm::scheduleOfCall { id })?;
            let now_ms = self.views.time_ms;
            let next = schedule.iter().find(|one| one.dueMs > now_ms);
            items.push(LoanItem {
                loan_id: U64::from(id),
                rate_per_year: part(loan.rateBps),
                owed: units(loan.owed),
                due: units(loan.due),
                late: units(loan.late),
                done: loan.done,
                next_due_ms: next.map(|one| U64::from(one.dueMs)),
                next_payment: next.map(|one| units(one.principal.saturating_add(one.interest))),
                default_ms: U64::from(loan.defaultMs),
            });
        }
        Ok(items)
    }

    fn title_price(&mut self, machine: u64, case_id: u64, coin: &Coin) -> RpcResult<Option<Fixed>> {
        let call = caseOfCall { caseId: case_id };
        let stage = self.views.ask(ADDRESS, &call)?.stage;
        if case_id == 0 || !FOR_SALE.contains(&stage) {
            return Ok(None);
        }
        let call = titlePriceCall { machineId: machine };
        let price = self.views.ask(ADDRESS, &call)?;
        Ok(Some(Fixed::new(price, coin.decimals)))
    }

    fn cases(
        &mut self,
        before: Option<u64>,
        limit: usize,
    ) -> RpcResult<(Vec<CaseItem>, Option<U64>)> {
        let count = self.views.ask(ADDRESS, &caseCountCall {})?;
        let mut at = before.unwrap_or(u64::MAX).min(count.saturating_add(1));
        let mut items = Vec::new();
        while at > 1 && items.len() < limit {
            at = at.saturating_sub(1);
            items.push(self.case(at)?);
        }
        Ok((items, (at > 1).then(|| U64::from(at))))
    }

    fn case(&mut self, number: u64) -> RpcResult<CaseItem> {
        let case = self.views.ask(ADDRESS, &caseOfCall { caseId: number })?;
        let coin = self.coin(case.assetId)?;
        let units = |amount| Fixed::new(amount, coin.decimals);
        let steps = [
            ("income", case.fromIncome),
            ("repayment", case.fromRepayment),
            ("title", case.fromTitle),
            ("bond", case.fromBond),
            ("first loss", case.fromFirstLoss),
            ("lenders", case.fromLenders),
        ];
        let steps = steps.into_iter().filter(|(_, amount)| !amount.is_zero());
        let steps = steps.map(|(tier, amount)| StepItem {
            tier,
            amount: units(amount),
        });
        Ok(CaseItem {
            case_id: U64::from(number),
            machine_id: U64::from(case.machineId),
            reason: word(&REASONS, case.reason),
            stage: word(&STAGES, case.stage),
            opened_ms: U64::from(case.openedMs),
            until_ms: some(case.untilMs).filter(|_| case.closedMs == 0),
            closed_ms: some(case.closedMs),
            holder: case.holder,
            buyer: (!case.buyer.is_zero()).then_some(case.buyer),
            owed: units(case.owed),
            principal: units(case.principal),
            paid: units(case.paid),
            left: units(case.left),
            steps: steps.collect(),
            recovered: units(case.recovered),
            to_holder: units(case.toHolder),
            asset: coin,
        })
    }
}

fn is_no_book(output: &Bytes) -> bool {
    output.starts_with(&IncomeNoBook::SELECTOR)
}
