//! What must hold between transactions, as code over a world that is only looked at.
//!
//! PROD-1, PROD-2, PROD-4, PROD-5 and PROD-9 speak of single verbs and looks, so the tests check them around those.

use alloy_primitives::U256;
use capstan_state::{Ctx, View};
use capstan_units::ProductId;

use super::{
    ADDRESS,
    guard::{self, STATE},
    holding::Holding,
    params::{LOOK_S, SEED_UNITS},
    state::{Phase, Product},
    unit,
};
use crate::{
    invariant::{Broken, check_one, holds},
    looks::now_s,
};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let count = STATE.product_count.load(cx)?;
    let mut all = Vec::new();
    for (id, product) in STATE.products.listed(world, ADDRESS)? {
        all.push((id, product.load(cx)?));
    }
    let is_counted = all.iter().all(|(id, _)| (1..=count).contains(&id.get()));
    let whole = usize::try_from(count).unwrap_or(usize::MAX);
    holds(is_counted && all.len() == whole, "PROD-7", || {
        format!("{count} products are counted, and {} stand", all.len())
    })?;
    check_coins(cx, &all)?;
    for (id, product) in &all {
        product.kind()?;
        check_closed(cx, *id, product)?;
        let locked = unit::balance_of(cx, *id, ADDRESS)?;
        let is_closed = product.phase()? == Phase::Closed;
        holds(
            is_closed || locked >= U256::from(SEED_UNITS),
            "PROD-6",
            || format!("the seed of product {id} has {locked} units"),
        )?;
        check_guard(cx, *id, product)?;
        check_one(&unit::CONTRACT, world, unit::address_of(*id))?;
    }
    Ok(())
}

/// PROD-12: a closed product has base units alone.
fn check_closed(cx: &mut Ctx<'_>, id: ProductId, product: &Product) -> Result<(), Broken> {
    if product.phase()? != Phase::Closed {
        return Ok(());
    }
    let holding = Holding::read(cx, product, unit::account_of(id))?;
    let has_shares = !holding.shares()?.is_zero();
    let is_empty = holding.owed.is_zero() && !has_shares && product.reserve_wei == 0;
    holds(is_empty, "PROD-12", || {
        format!("product {id} is closed, and has {holding:?}")
    })
}

/// PROD-8: what is kept for looks is there.
fn check_coins(cx: &mut Ctx<'_>, all: &[(ProductId, Product)]) -> Result<(), Broken> {
    let kept = all.iter().fold(U256::ZERO, |sum, (_, product)| {
        sum.saturating_add(U256::from(product.reserve_wei))
    });
    let coins = cx.store.coin_balance(ADDRESS)?;
    holds(coins >= kept, "PROD-8", || {
        format!("{kept} wei are kept for looks, and {coins} are there")
    })
}

/// PROD-3 and PROD-8: one without coins calls for nothing, any other within a day. Whether its guard fits its account is asked
/// behind looks: a gift in between is seen by the next one.
fn check_guard(cx: &mut Ctx<'_>, id: ProductId, product: &Product) -> Result<(), Broken> {
    let guard = guard::load(cx, id)?;
    let is_attended = product.reserve_wei != 0;
    let calls = guard.look_by_s != 0 || !guard.rows.is_empty();
    holds(calls == is_attended, "PROD-8", || {
        format!(
            "product {id} has {} wei for looks, and its guard is {guard:?}",
            product.reserve_wei
        )
    })?;
    let latest_s = now_s(cx).saturating_add(LOOK_S);
    holds(guard.look_by_s <= latest_s, "PROD-3", || {
        format!("product {id} is looked at {}", guard.look_by_s)
    })
}
