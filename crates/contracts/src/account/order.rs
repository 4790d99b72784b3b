//! What an order that its owner gave beforehand may do to his account: the doors for the rooms above.
//!
//! ```text
//!   unwind ─► swap ─► repay ─► is it healthy, or better than before? ─► a new guard
//! ```
//!
//! It runs before the users of a block, where no batch is open. How units are swapped is the caller's: this room only
//! knows what stands on the account before and after.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{
    AccountId, AssetId, Assets, Bps, TimeMs, Usd, Wad, assets_up, mul_div_up, value_up,
};

use super::{
    ADDRESS,
    assess::{self, Assessment, Question, Stand, Valued, kind_bit},
    desk::Desk,
    error::AccountUnhealthy,
    guard, math, moves, operators, settings,
    sheet::{Row, Sheet},
};
use crate::{
    oracle::{PriceUse, Side},
    registry::{MARKET, UNITS},
    revert,
};

/// What an order wants of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// What is sold: free units first, then what stands in its market.
    pub(crate) sell: AssetId,
    /// What is bought.
    pub(crate) buy: AssetId,
    /// At most how much is sold.
    pub(crate) most: Assets,
    /// Whether what is bought pays debts in it.
    pub(crate) repays: bool,
    /// No more than lifts health to this, at prices for liquidation.
    pub(crate) until: Option<Wad>,
    /// Part of its value that the sale may cost.
    pub(crate) discount: Bps,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traded {
    /// How much there was to sell.
    pub(crate) wanted: Assets,
    /// How much was sold.
    pub(crate) sold: Assets,
    /// What was received for it.
    pub(crate) received: Assets,
    /// How much of that paid debts.
    pub(crate) repaid: Assets,
    /// Health before, at prices for liquidation.
    pub(crate) health_before: Wad,
    /// Health afterwards.
    pub(crate) health_after: Wad,
}

/// Swaps units of an account: at most so many, answers how many it took and what came.
pub(crate) type Swap<'a> =
    &'a mut dyn FnMut(&mut Ctx<'_>, Assets) -> Result<(Assets, Assets), Halt>;

/// Refuses who may not act on an account.
///
/// # Errors
/// `AccountNotAuthorised`.
pub(crate) fn expect_may_act(
    cx: &mut Ctx<'_>,
    account: AccountId,
    who: Address,
) -> Result<(), Halt> {
    operators::expect_authorised(&mut cx.enter(ADDRESS), account, who)
}

/// Health at prices for liquidation, as its owner sees it.
///
/// # Errors
/// `AccountPriceUnusable`.
pub(crate) fn health_down(cx: &mut Ctx<'_>, account: AccountId) -> Result<Wad, Halt> {
    Ok(assess::assess(&mut cx.enter(ADDRESS), account, Question::View)?.health_down())
}

/// How far prices and time may move before health may be below `floor`, in the form of a sheet; `None` if nothing may
/// move any more. What the account holds and owes must stay as it is for as long.
///
/// # Errors
/// The store's.
pub(crate) fn guard_above(
    cx: &mut Ctx<'_>,
    account: AccountId,
    floor: Wad,
) -> Result<Option<Sheet>, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut desk = Desk::new(account);
    let stand = desk.stand(cx, account)?;
    if !stand.owes() {
        return Ok(Some(Sheet::default()));
    }
    let now = TimeMs::new(cx.store.block().time_ms);
    for horizon_ms in guard::HORIZONS_MS {
        let later = now.after_ms(horizon_ms)?;
        let mut all = stand.valued_until(cx, &mut desk.goods, Question::Block, later)?;
        // `counted >= floor * debt` is the question of a guard about a debt so much larger.
        for valued in &mut all {
            valued.owed_value = Usd::from_u256(floor.of_up(valued.owed_value.to_u256())?)?;
        }
        let (longs, shorts) = guard::exposure(&all)?;
        let Some(slack) = math::Slack::of(longs, shorts)? else {
            continue;
        };
        let growth = guard::growth_per_year_up(cx, &all)?;
        let look_by = guard::look_by(now, horizon_ms, slack.interest, growth)?;
        let (triggers, are_whole) = guard::triggers(cx, &all, &slack)?;
        let mut sheet = Sheet {
            look_by_s: guard::seconds_down(look_by),
            rows: Vec::with_capacity(all.len()),
            pieces: Vec::new(),
        };
        if !are_whole {
            sheet.look_by_s = sheet.look_by_s.min(guard::in_a_minute(cx)?);
        }
        for (valued, trigger) in all.iter().zip(triggers) {
            let supplied = valued.row.kinds & kind_bit(MARKET);
            sheet.rows.push(Row {
                asset: valued.asset(),
                kinds: kind_bit(UNITS) | supplied,
                trigger,
            });
        }
        return Ok(assess::is_judged(&all).then_some(sheet));
    }
    Ok(None)
}

/// Does what an order wants. Health must be at one or more in the end at the initial factors, as after a batch; of an
/// account that was below before, it must have risen.
///
/// # Errors
/// `AccountUnhealthy`, `AccountPriceUnusable`, and those of `swap`.
pub(crate) fn trade(
    cx: &mut Ctx<'_>,
    account: AccountId,
    wish: Wish,
    swap: Swap<'_>,
) -> Result<Traded, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let desk = &mut Desk::new(account);
    let stand = desk.stand(cx, account)?;
    let before = stand.assess(cx, &mut desk.goods, Question::Batch)?;
    let seen = stand.valued(cx, &mut desk.goods, Question::View)?;
    let mut traded = Traded {
        wanted: Assets::ZERO,
        sold: Assets::ZERO,
        received: Assets::ZERO,
        repaid: Assets::ZERO,
        health_before: assess::sum(&seen)?.health_down(),
        health_after: Wad::ZERO,
    };
    traded.health_after = traded.health_before;
    let Some(held) = seen.iter().find(|valued| valued.asset() == wish.sell) else {
        return Ok(traded);
    };
    traded.wanted = wanted_up(&seen, held, wish)?;
    let units = moves::unwind(cx, desk, account, held.row, traded.wanted)?;
    if units.is_zero() {
        return Ok(traded);
    }
    (traded.sold, traded.received) = swap(cx, units)?;
    desk.mark(cx, account, wish.sell, UNITS)?;
    desk.mark(cx, account, wish.buy, UNITS)?;
    if wish.repays {
        let amount = payable(cx, desk, wish.buy, traded.received)?;
        traded.repaid = moves::pay(cx, desk, account, account, wish.buy, amount)?;
    }
    let stand = desk.stand(cx, account)?;
    expect_no_worse(cx, desk, &stand, before)?;
    traded.health_after = stand
        .assess(cx, &mut desk.goods, Question::View)?
        .health_down();
    guard::end(cx, desk, &stand)?;
    Ok(traded)
}

/// Healthy at the initial factors, or healthier than before.
pub(super) fn expect_no_worse(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    stand: &Stand,
    before: Assessment,
) -> Result<(), Halt> {
    let after = stand.assess(cx, &mut desk.goods, Question::Batch)?;
    let has_risen = !before.is_healthy() && after.health_down() > before.health_down();
    if !stand.owes() || after.is_healthy() || has_risen {
        return Ok(());
    }
    Err(revert(&AccountUnhealthy {
        owner: stand.account.owner,
        index: stand.account.index,
        borrowable: after.adjusted.to_u256(),
        debt: after.debt.to_u256(),
    }))
}

/// How much of what is held is to be sold.
///
/// ```text
///   sold for at least (1 - discount) of its value v, which pays debts:
///   adjusted - v * factor >= until * (debt - v * (1 - discount))
/// ```
fn wanted_up(all: &[Valued], held: &Valued, wish: Wish) -> Result<Assets, Halt> {
    let most = wish.most.min(held.line.held);
    let Some(until) = wish.until else {
        return Ok(most);
    };
    let sum = assess::sum(all)?;
    let aim = until.of_up(sum.debt.to_u256())?;
    let Some(missing) = aim.checked_sub(sum.adjusted.to_u256()) else {
        return Ok(Assets::ZERO);
    };
    let owed = all.iter().find(|valued| valued.asset() == wish.buy);
    let owed = owed.map_or(U256::ZERO, |valued| valued.owed_value.to_u256());
    let kept = wish.discount.complement();
    let gain = until.of_down(kept.of_down(Wad::ONE.to_u256())?)?;
    let loss = held.factor.of_up(Wad::ONE.to_u256())?;
    let whole_debt = mul_div_up(owed, Bps::ONE.to_u256(), kept.to_u256())?;
    let value = match gain.checked_sub(loss).filter(|net| !net.is_zero()) {
        Some(net) => mul_div_up(missing, Wad::ONE.to_u256(), net)?.min(whole_debt),
        // A sale helps so little that only all of it may do.
        None => whole_debt,
    };
    let units = assets_up(Usd::from_u256(value)?, held.held_price, held.decimals);
    Ok(units.map_or(most, |units| units.min(most)))
}

/// What of `received` pays debts: all that is owed, or so much that what stays owed is worth a liquidation (ACC-9).
pub(super) fn payable(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    asset: AssetId,
    received: Assets,
) -> Result<Assets, Halt> {
    let account = desk.account();
    let owed = desk.owed(cx, account, asset)?;
    if received >= owed {
        return Ok(owed);
    }
    let now_ms = cx.store.block().time_ms;
    let feed = desk.goods.feed(cx, asset)?;
    let Ok(price) = feed.price(now_ms, PriceUse::View, Side::Debt) else {
        return Ok(received);
    };
    let decimals = desk.goods.listed(cx, asset)?.decimals;
    let min = settings::debt_min_now(cx)?;
    if value_up(owed.sub(received)?, price, decimals)? >= min {
        return Ok(received);
    }
    Ok(owed.sub_or_zero(assets_up(min, price, decimals)?))
}
