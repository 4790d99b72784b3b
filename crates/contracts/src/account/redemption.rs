//! Dollars that wait for redemption, paid with collateral of the riskiest dollar debtors: the work of a `Redeem` system
//! transaction.
//!
//! ```text
//!   calldata: debtors, riskiest first: whose collateral guard lies nearest to its price
//!   for each, while somebody waits:  goods = what is worth most of what he holds and can be unwound now
//!                                    debt falls by the dollars, goods worth them less the fee go to the redeemer
//! ```
//!
//! At par and with a collateral that counts less than its value, a redemption lifts the health of its debtor; one who is
//! unhealthy, overdue or on offer is left to the look. Nobody is left with dust. A user who could choose the debtor could
//! sell somebody's collateral at his own moment, so the block chooses: users only queue.

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt, Scratch};
use capstan_units::{AccountId, AssetId, Assets, assets_up, value_down};

use super::{
    ADDRESS,
    IAccount::{AccountRef, RedemptionFailed},
    assess::{self, Question, Valued},
    desk::Desk,
    error::{AccountLooksMalformed, AccountNotRedeemable, AccountTooManyLooks},
    guard, moves, offer,
    params::{LOOK_GAS, REDEMPTIONS_MAX},
    settings,
};
use crate::{
    contract::emit,
    dollar::{self, Waiting},
    oracle::{self, PriceUse, Side},
    registry::{DOLLAR, UNITS},
    revert,
};

/// Pays who waits, debtor by debtor. One that cannot pay changes nothing and holds up nobody.
///
/// # Errors
/// `AccountLooksMalformed`, `AccountTooManyLooks`.
pub(super) fn redemptions(cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let Ok(debtors) = Vec::<AccountRef>::abi_decode_validate(input) else {
        return Err(revert(&AccountLooksMalformed {}));
    };
    if debtors.len() > REDEMPTIONS_MAX {
        return Err(revert(&AccountTooManyLooks {
            count: U256::from(debtors.len()),
            max: U256::from(REDEMPTIONS_MAX),
        }));
    }
    for debtor in debtors {
        let debtor = AccountId::from(debtor);
        if cx.store.gas_left() < LOOK_GAS || first(cx)?.is_none() {
            break;
        }
        if let Err(reason) = cx.attempt_item(|cx| redeem_from(cx, debtor))? {
            emit(
                cx,
                &RedemptionFailed {
                    owner: debtor.owner,
                    index: debtor.index,
                    reason,
                },
            )?;
        }
    }
    Ok(Bytes::new())
}

/// Whether an account could pay who waits first: tried in a scratch world.
pub(super) fn can_pay(cx: &mut Ctx<'_>, debtor: AccountId) -> Result<bool, Halt> {
    let frame = cx.frame;
    let mut world = Scratch::new(cx.store);
    match redeem_from(&mut Ctx::new(&mut world, frame), debtor) {
        Ok(()) => Ok(true),
        Err(Halt::Revert(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

/// Whether anybody waits.
pub(super) fn is_awaited(cx: &mut Ctx<'_>) -> Result<bool, Halt> {
    Ok(first(cx)?.is_some())
}

fn first(cx: &mut Ctx<'_>) -> Result<Option<Waiting>, Halt> {
    Ok(dollar::next_requests(cx, 1)?.into_iter().next())
}

/// Serves requests with one debtor's goods of one kind: the first at least, and those behind it while something is left
/// of him.
///
/// # Errors
/// `AccountNotRedeemable`, and those of the dollar's `fulfil`.
fn redeem_from(cx: &mut Ctx<'_>, debtor: AccountId) -> Result<(), Halt> {
    let (mut desk, usd) = (Desk::new(debtor), dollar::asset(cx)?);
    let mut served = 0;
    while let Some(waiting) = first(cx)? {
        let Some((goods, dollars)) = pick(cx, &mut desk, usd, waiting.left)? else {
            break;
        };
        let (units, _) = dollar::goods_down(cx, goods.asset(), dollars)?;
        moves::unwind(cx, &mut desk, debtor, goods.row, units)?;
        dollar::fulfil(cx, waiting.id, debtor, goods.asset(), dollars)?;
        desk.mark(cx, debtor, goods.asset(), UNITS)?;
        desk.mark(cx, debtor, usd, DOLLAR)?;
        served = usize::saturating_add(served, 1);
        if served == REDEMPTIONS_MAX || cx.store.gas_left() < LOOK_GAS {
            break;
        }
    }
    if served == 0 {
        return Err(revert(&AccountNotRedeemable {
            owner: debtor.owner,
            index: debtor.index,
        }));
    }
    guard::renew(cx, &mut desk, debtor)
}

/// What a debtor pays with, and how many dollars of it; `None` if he is not the one to pay.
fn pick(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    usd: AssetId,
    wanted: Assets,
) -> Result<Option<(Valued, Assets)>, Halt> {
    let debtor = desk.account();
    let stand = desk.stand(cx, debtor)?;
    let all = stand.valued(cx, &mut desk.goods, Question::View)?;
    if !assess::sum(&all)?.is_healthy()
        || assess::is_overdue(cx, &stand)?
        || offer::opened(cx, debtor)?.is_some()
    {
        return Ok(None);
    }
    let Some(debt) = all.iter().find(|valued| valued.asset() == usd) else {
        return Ok(None);
    };
    // What can be unwound is tried on what is stored.
    desk.close(cx)?;
    let minted = dollar::debt_up(cx, debtor)?;
    let mut best: Option<(Valued, Assets)> = None;
    for goods in all.iter().filter(|valued| valued.asset() != usd) {
        let worth = payable_down(cx, debtor, goods)?;
        if best.is_none_or(|(_, most)| worth > most) {
            best = Some((*goods, worth));
        }
    }
    let Some((goods, worth)) = best else {
        return Ok(None);
    };
    let mut dollars = wanted.min(minted).min(worth);
    // He keeps nothing, or what is worth a liquidation.
    let min = assets_up(settings::debt_min_now(cx)?, debt.owed_price, debt.decimals)?;
    let rest = debt.line.owed.sub_or_zero(dollars);
    if !rest.is_zero() && rest < min {
        dollars = dollars.min(debt.line.owed.sub_or_zero(min));
    }
    // Less is not worth a block's trouble, unless it ends his debt; so crumbs cannot keep others from being paid.
    let is_worth_it = dollars >= dollar::redemption_min(cx)? || dollars == minted;
    Ok((is_worth_it && !dollars.is_zero()).then_some((goods, dollars)))
}

/// How many dollars the goods that can be unwound now pay for at par; none if their price may not be used.
fn payable_down(cx: &mut Ctx<'_>, debtor: AccountId, goods: &Valued) -> Result<Assets, Halt> {
    let feed = oracle::feed(cx, goods.asset())?;
    let now_ms = cx.store.block().time_ms;
    let Ok(price) = feed.price(now_ms, PriceUse::Borrow, Side::Debt) else {
        return Ok(Assets::ZERO);
    };
    let frame = cx.frame;
    let mut world = Scratch::new(cx.store);
    let cx = &mut Ctx::new(&mut world, frame);
    let mut desk = Desk::new(debtor);
    let units = moves::unwind(cx, &mut desk, debtor, goods.row, goods.line.held)?;
    // Value and minted dollars both have eighteen decimals.
    let worth = value_down(units, price, goods.decimals)?;
    Ok(Assets::from_u256(worth.to_u256()).unwrap_or(Assets::MAX))
}
