//! Accounts that must sell the opposite pay each other's debts, before anything goes to a pool or on offer.
//!
//! ```text
//!   one    holds A, owes B ──► A worth v ──►  other  holds B, owes A
//!                          ◄── B worth v ◄──         v: at most what brings either to the target health
//! ```
//!
//! Both goods count at the oracle's price for liquidation, the one by which the block judges both accounts now: neither
//! gains nor loses a unit of value, no discount is spent and no pool is pushed. Nobody could offer either of them more than the
//! oracle's price and be sure of it.
//!
//! The accounts of one transaction are read first, on a scratch world; then each pair whose wants are opposite is tried, in
//! the order of the calldata. Where two cannot trade, both stay as they were (LIQ-6). The work is bounded, and takes no more
//! than a part of the transaction's gas: looks come after it.

use alloy_primitives::{Bytes, U256};
use capstan_state::{Ctx, Halt, Scratch};
use capstan_units::{AccountId, AssetId, Assets, Usd, Wad, assets_down, value_down, value_up};

use super::{
    assess::{self, Assessment, Question, Valued},
    desk::Desk,
    guard, look,
    math::Cost,
    moves, offer,
    params::{LOOK_GAS, MATCHED_MAX, MATCHES_MAX, MATCHING_GAS_DIVISOR},
    pieces,
    venue::{self, Number, Order, Step, with_held},
};
use crate::{ledger, mutant::mutant, registry};

/// Gas beside storage of comparing two accounts.
const PAIR_GAS: u64 = 30;

/// What an account would sell, and what it owes: bit `n` is asset `n`.
struct Wants {
    account: AccountId,
    sells: U256,
    owes: U256,
}

impl Wants {
    /// `None` if the block leaves the account alone.
    fn read(cx: &mut Ctx<'_>, account: AccountId) -> Result<Option<Self>, Halt> {
        let mut desk = Desk::new(account);
        let stand = desk.stand(cx, account)?;
        let all = stand.valued(cx, &mut desk.goods, Question::Block)?;
        if assess::sum(&all)?.is_healthy() && !assess::is_overdue(cx, &stand)? {
            return Ok(None);
        }
        // This world is thrown away; the pair that trades takes its liquidity apart in the real one.
        let all = pieces::into_units(cx, &mut desk, &stand, all)?;
        let bits = |is_meant: fn(&Valued) -> bool| {
            let meant = all.iter().filter(|valued| is_meant(valued));
            meant.fold(U256::ZERO, |bits, valued| {
                let place = usize::try_from(valued.asset().get()).unwrap_or(usize::MAX);
                bits | U256::ONE.checked_shl(place).unwrap_or_default()
            })
        };
        Ok(Some(Self {
            account,
            sells: bits(is_long),
            owes: bits(is_short),
        }))
    }

    fn is_opposite(&self, other: &Self) -> bool {
        !(self.sells & other.owes).is_zero() && !(other.sells & self.owes).is_zero()
    }
}

/// More is held than owed, at a price.
fn is_long(valued: &Valued) -> bool {
    venue::is_for_sale(valued) && valued.line.held > valued.line.owed
}

/// More is owed than held, at a price.
fn is_short(valued: &Valued) -> bool {
    valued.is_judged && valued.line.owed > valued.line.held
}

/// Lets the accounts of a transaction trade with one another.
///
/// # Errors
/// Gas.
pub(super) fn meet(cx: &mut Ctx<'_>, accounts: &[AccountId]) -> Result<(), Halt> {
    if accounts.len() < 2 {
        return Ok(());
    }
    let begun = cx.store.gas_left();
    let all = read_all(cx, accounts, begun)?;
    let mut tried = 0;
    for (place, one) in all.iter().enumerate() {
        for other in all.iter().skip(place.saturating_add(1)) {
            cx.store.charge(PAIR_GAS)?;
            if !one.is_opposite(other) {
                continue;
            }
            if tried == MATCHES_MAX || is_spent(cx, begun) {
                return Ok(());
            }
            tried = tried.saturating_add(1);
            let _ = cx.attempt_item(|cx| trade(cx, one.account, other.account))?;
        }
    }
    Ok(())
}

fn is_spent(cx: &Ctx<'_>, begun: u64) -> bool {
    let left = cx.store.gas_left();
    let most = begun.checked_div(MATCHING_GAS_DIVISOR).unwrap_or_default();
    left < LOOK_GAS.saturating_mul(2) || begun.saturating_sub(left) > most
}

/// Who must sell what. Whoever cannot be read wants nothing.
fn read_all(cx: &mut Ctx<'_>, accounts: &[AccountId], begun: u64) -> Result<Vec<Wants>, Halt> {
    let frame = cx.frame;
    let mut world = Scratch::new(cx.store);
    let cx = &mut Ctx::new(&mut world, frame);
    let mut all: Vec<Wants> = Vec::new();
    for account in accounts.iter().take(MATCHED_MAX) {
        if is_spent(cx, begun) {
            break;
        }
        if all.iter().any(|known| known.account == *account) {
            continue;
        }
        if let Ok(Some(wants)) = cx.attempt_item(|cx| Wants::read(cx, *account))? {
            all.push(wants);
        }
    }
    Ok(all)
}

/// One of the two, after its liquidity became units and it paid its debts with what it holds of them.
struct Side {
    account: AccountId,
    health_before: Wad,
    steps: Vec<Step>,
    all: Vec<Valued>,
    sum: Assessment,
}

impl Side {
    fn open(cx: &mut Ctx<'_>, desk: &mut Desk, account: AccountId) -> Result<Self, Halt> {
        let stand = desk.stand(cx, account)?;
        let all = stand.valued(cx, &mut desk.goods, Question::Block)?;
        let before = assess::sum(&all)?;
        let all = pieces::into_units(cx, desk, &stand, all)?;
        let steps = look::net(cx, desk, account, &all, before.is_healthy())?;
        let stand = desk.stand(cx, account)?;
        let all = stand.valued(cx, &mut desk.goods, Question::Block)?;
        let sum = assess::sum(&all)?;
        if sum.is_healthy() && !assess::is_overdue(cx, &stand)? {
            return Err(nothing());
        }
        Ok(Self {
            account,
            health_before: before.health_down(),
            steps,
            all,
            sum,
        })
    }

    /// What it would sell of one asset for a debt of another, if it must.
    fn order(
        &self,
        cx: &mut Ctx<'_>,
        debt: AssetId,
        collateral: AssetId,
    ) -> Result<Option<Order<'_>>, Halt> {
        let find = |asset: AssetId, is_meant: fn(&Valued) -> bool| {
            let mut all = self.all.iter();
            all.find(|valued| valued.asset() == asset && is_meant(valued))
        };
        let Some((debt, collateral)) = find(debt, is_short).zip(find(collateral, is_long)) else {
            return Ok(None);
        };
        let overdue = assess::overdue(cx, self.account, debt.row)?;
        let is_due = !self.sum.is_healthy() || !overdue.is_zero();
        Ok(is_due.then_some(Order {
            account: self.account,
            debt,
            collateral,
            before: self.sum,
            overdue,
        }))
    }
}

/// Two who cannot trade: what was done to find out is undone.
fn nothing() -> Halt {
    Halt::Revert(Bytes::new())
}

/// What one pays of the other's debt, in the asset of that debt.
#[derive(Clone, Copy)]
struct Deal {
    /// What the first account gives up, and the other's debt falls by.
    given: Assets,
    /// What it gets, and its own debt falls by.
    got: Assets,
}

/// Lets two accounts trade once: the first's largest debt that the other can pay, for its largest collateral that the other
/// owes.
fn trade(cx: &mut Ctx<'_>, first: AccountId, second: AccountId) -> Result<(), Halt> {
    let desk = &mut Desk::new(first);
    let mut one = Side::open(cx, desk, first)?;
    let mut other = Side::open(cx, desk, second)?;
    let Some((mine, theirs, deal)) = find(cx, &one, &other)? else {
        return Err(nothing());
    };
    let deal = turn_into_units(cx, desk, &mine, &theirs, deal)?;
    let (given_id, got_id) = (mine.collateral.asset(), theirs.collateral.asset());
    ledger::shift(cx, given_id, first, second, deal.given)?;
    ledger::shift(cx, got_id, second, first, deal.got)?;
    desk.mark(cx, first, given_id, registry::UNITS)?;
    desk.mark(cx, second, got_id, registry::UNITS)?;
    let step = |debt, paid, collateral, taken, buyer| Step {
        venue: Number::Match,
        debt,
        paid,
        collateral,
        taken,
        to_reserve: Assets::ZERO,
        discount_bps: 0,
        buyer,
    };
    let paid = moves::pay(cx, desk, first, first, got_id, deal.got)?;
    one.steps
        .push(step(got_id, paid, given_id, deal.given, second));
    let repaid = moves::pay(cx, desk, second, second, given_id, deal.given)?;
    other
        .steps
        .push(step(given_id, repaid, got_id, deal.got, first));
    if paid.is_zero() || repaid.is_zero() {
        return Err(nothing());
    }
    for side in [&one, &other] {
        offer::report(cx, desk, side.account, side.health_before, &side.steps)?;
    }
    guard::renew(cx, desk, first)?;
    guard::renew(cx, desk, second)
}

fn find<'a>(
    cx: &mut Ctx<'_>,
    one: &'a Side,
    other: &'a Side,
) -> Result<Option<(Order<'a>, Order<'a>, Deal)>, Halt> {
    for debt in venue::debts(&one.all) {
        for goods in venue::goods(&one.all) {
            let mine = one.order(cx, debt.asset(), goods.asset())?;
            let theirs = other.order(cx, goods.asset(), debt.asset())?;
            let Some((mine, theirs)) = mine.zip(theirs) else {
                continue;
            };
            if let Some(deal) = size(cx, &mine, &theirs)? {
                return Ok(Some((mine, theirs, deal)));
            }
        }
    }
    Ok(None)
}

/// As much as both want and have; no debt is left too small for another liquidation.
fn size(cx: &mut Ctx<'_>, mine: &Order<'_>, theirs: &Order<'_>) -> Result<Option<Deal>, Halt> {
    let mut value = Usd::MAX;
    for order in [mine, theirs] {
        value = value
            .min(wanted(cx, order)?)
            .min(order.collateral.held_value);
    }
    // A smaller trade for one may leave dust of the other's debt, once.
    for order in [mine, theirs, mine] {
        value = without_dust(cx, order, value)?;
    }
    if without_dust(cx, theirs, value)? != value {
        return Ok(None);
    }
    let deal = Deal {
        given: paid(theirs, value)?,
        got: paid(mine, value)?,
    };
    Ok((!deal.given.is_zero() && !deal.got.is_zero()).then_some(deal))
}

/// What an account must pay, at the oracle's price: to the target health, or what is overdue, and the dust behind it.
fn wanted(cx: &mut Ctx<'_>, order: &Order<'_>) -> Result<Usd, Halt> {
    let debt = order.debt;
    let due = offer::due(
        debt,
        order.collateral,
        order.before,
        Cost::NONE,
        order.overdue,
    )?;
    let rest = debt.line.owed.sub(due)?;
    let is_dust = rest < offer::debt_min_up(cx, debt)?;
    let units = if is_dust {
        debt.line.owed
    } else {
        mutant!(MatchBeyondTarget, due, debt.line.owed)
    };
    Ok(value_up(units, debt.owed_price, debt.decimals)?)
}

/// What of a debt a value pays.
fn paid(order: &Order<'_>, value: Usd) -> Result<Assets, Halt> {
    let debt = order.debt;
    let units = assets_down(value, debt.owed_price, debt.decimals)?;
    Ok(units.min(debt.line.owed))
}

/// A value that leaves nothing of a debt, or enough for another liquidation.
fn without_dust(cx: &mut Ctx<'_>, order: &Order<'_>, value: Usd) -> Result<Usd, Halt> {
    let debt = order.debt;
    let least = offer::debt_min_up(cx, debt)?;
    let rest = debt.line.owed.sub(paid(order, value)?)?;
    if rest.is_zero() || rest >= least {
        return Ok(value);
    }
    let most = debt.line.owed.sub_or_zero(least);
    Ok(value_down(most, debt.owed_price, debt.decimals)?.min(value))
}

/// Turns what both give up into units; where a market has no cash, less is traded.
fn turn_into_units(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    mine: &Order<'_>,
    theirs: &Order<'_>,
    deal: Deal,
) -> Result<Deal, Halt> {
    let given = moves::unwind(cx, desk, mine.account, mine.collateral.row, deal.given)?;
    let got = moves::unwind(cx, desk, theirs.account, theirs.collateral.row, deal.got)?;
    if given == deal.given && got == deal.got {
        return Ok(deal);
    }
    let (my_goods, their_goods) = (
        with_held(mine.collateral, given)?,
        with_held(theirs.collateral, got)?,
    );
    let mine = Order {
        collateral: &my_goods,
        ..*mine
    };
    let theirs = Order {
        collateral: &their_goods,
        ..*theirs
    };
    size(cx, &mine, &theirs)?.ok_or_else(nothing)
}
