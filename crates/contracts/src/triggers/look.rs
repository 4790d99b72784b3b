//! The block's look at orders whose guard was crossed: the work of a `Triggers` system transaction.
//!
//! ```text
//!   calldata: orders, in the order of the index
//!   for each:  over? ─► ended
//!              holds? ── no ─► a new guard, a new best price
//!                        yes ─► sale at the floor, repayment, health ─► done, or the rest a minute later
//! ```
//!
//! Calldata only says where to look: what holds is judged anew, from state alone.

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, OrderId};

use super::{
    ADDRESS,
    ITriggers::{TriggerFailed, TriggerFired, TriggersLeft},
    Kind, Orders,
    actions::{Reason, end, known, store},
    condition,
    error::{TriggersMalformed, TriggersNothingToSell, TriggersTooManyLooks},
    params::{LOOK_GAS, LOOKS_MAX},
    sale::{self, Floor},
    state::Order,
};
use crate::{
    account::{self, Traded, Wish},
    contract::emit,
    looks::{Looks, RETRY_S, look_at_all, now_s},
    oracle::{self, PriceUse, Side},
    revert,
};

/// Calldata of a `Triggers` transaction.
pub fn encode_orders(orders: &[OrderId]) -> Bytes {
    let orders = orders.iter().map(|order| order.get());
    orders.collect::<Vec<u64>>().abi_encode().into()
}

/// Looks at each order (TRIG-4).
///
/// # Errors
/// `TriggersMalformed`, `TriggersTooManyLooks`.
pub(super) fn looks(cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let Ok(orders) = Vec::<u64>::abi_decode_validate(input) else {
        return Err(revert(&TriggersMalformed {}));
    };
    let orders: Vec<_> = orders.into_iter().map(OrderId::new).collect();
    look_at_all::<Orders>(cx, &orders)
}

impl Looks for Orders {
    type Id = OrderId;
    type Seen = Option<Reason>;
    const LOOKS_MAX: usize = LOOKS_MAX;
    const LOOK_GAS: u64 = LOOK_GAS;

    fn look(cx: &mut Ctx<'_>, id: OrderId) -> Result<Option<Reason>, Halt> {
        look(cx, id)
    }

    fn count_failure(cx: &mut Ctx<'_>, id: OrderId) -> Result<u8, Halt> {
        let mut order = known(cx, id)?;
        order.failures = order.failures.saturating_add(1);
        store(cx, id, &order)?;
        Ok(order.failures)
    }

    fn wait_for(cx: &mut Ctx<'_>, id: OrderId, seconds: u32) -> Result<u32, Halt> {
        let order = known(cx, id)?;
        condition::wait_for(cx, id, &order, seconds)?;
        Ok(now_s(cx).saturating_add(seconds).min(order.expires_s))
    }

    /// Never more than what was prepaid (TRIG-6). An order that has nothing left ends.
    fn settle(
        cx: &mut Ctx<'_>,
        id: OrderId,
        ended: Option<Reason>,
        cost_wei: u128,
    ) -> Result<(), Halt> {
        let mut order = known(cx, id)?;
        let is_used_up = cost_wei > 0 && cost_wei >= order.prepaid_wei;
        order.prepaid_wei = order.prepaid_wei.saturating_sub(cost_wei);
        match ended {
            Some(reason) => end(cx, id, &order, reason),
            None if is_used_up => end(cx, id, &order, Reason::UsedUp),
            None => store(cx, id, &order),
        }
    }

    fn say_failed(cx: &mut Ctx<'_>, id: OrderId, reason: Bytes, retry_ms: u64) -> Result<(), Halt> {
        let id = id.get();
        emit(
            cx,
            &TriggerFailed {
                id,
                reason,
                retryMs: retry_ms,
            },
        )
    }

    fn say_left(cx: &mut Ctx<'_>, count: U256) -> Result<(), Halt> {
        emit(cx, &TriggersLeft { count })
    }

    fn too_many(count: U256, max: U256) -> Halt {
        revert(&TriggersTooManyLooks { count, max })
    }
}

/// One order; answers why it ends, if it does.
fn look(cx: &mut Ctx<'_>, id: OrderId) -> Result<Option<Reason>, Halt> {
    let mut order = known(cx, id)?;
    if now_s(cx) >= order.expires_s {
        return Ok(Some(Reason::Expired));
    }
    if condition::holds(cx, &order)? {
        return fire(cx, id, order);
    }
    order.failures = 0;
    condition::follow(cx, &mut order)?;
    store(cx, id, &order)?;
    condition::arm(cx, id, &order)?;
    Ok(None)
}

fn fire(cx: &mut Ctx<'_>, id: OrderId, mut order: Order) -> Result<Option<Reason>, Halt> {
    let kind = order.kind()?;
    let mut price = |asset| oracle::price(cx, asset, PriceUse::Liquidate, Side::Collateral);
    let floor = Floor {
        sell: order.sell,
        sell_price: price(order.sell)?,
        buy: order.buy,
        buy_price: price(order.buy)?,
        limit: order.limit,
    };
    let wish = Wish {
        sell: order.sell,
        buy: order.buy,
        most: order.at_once.min(order.left),
        repays: order.repays,
        until: match kind {
            Kind::Health => Some(condition::health(order.target_bps)?),
            Kind::Price | Kind::Trailing | Kind::Slices => None,
        },
        discount: order.limit,
    };
    let account = order.account;
    let traded = account::trade(cx, account, wish, &mut |cx, units| {
        let outcome = sale::sell(cx, account, &floor, units)?;
        Ok((outcome.paid, outcome.received))
    })?;
    if traded.sold.is_zero() {
        return Err(revert(&TriggersNothingToSell {
            assetId: order.sell.get(),
        }));
    }
    say(cx, id, &order, &floor, &traded)?;
    order.failures = 0;
    if order.left != Assets::MAX {
        order.left = order.left.sub(traded.sold)?;
    }
    let is_done = match kind {
        Kind::Price | Kind::Trailing => traded.sold >= traded.wanted,
        Kind::Slices | Kind::Health => {
            order.count = order.count.saturating_sub(1);
            order.count == 0
        }
    };
    if is_done || order.left.is_zero() {
        return Ok(Some(Reason::Done));
    }
    match kind {
        // Pools did not bear all of it at the floor: the rest follows when others have traded.
        Kind::Price | Kind::Trailing => condition::wait_for(cx, id, &order, RETRY_S)?,
        Kind::Slices => {
            let now_s = now_s(cx);
            let next_s = order.next_s.saturating_add(order.interval_s);
            // After a halt one slice is sold, not all that were missed.
            order.next_s = if next_s > now_s {
                next_s
            } else {
                now_s.saturating_add(order.interval_s)
            };
            condition::arm(cx, id, &order)?;
        }
        Kind::Health => condition::arm(cx, id, &order)?,
    }
    store(cx, id, &order)?;
    Ok(None)
}

fn say(
    cx: &mut Ctx<'_>,
    id: OrderId,
    order: &Order,
    floor: &Floor,
    traded: &Traded,
) -> Result<(), Halt> {
    emit(
        cx,
        &TriggerFired {
            id: id.get(),
            owner: order.account.owner,
            index: order.account.index,
            sellPrice: floor.sell_price.to_u256(),
            buyPrice: floor.buy_price.to_u256(),
            sold: traded.sold.to_u256(),
            received: traded.received.to_u256(),
            repaid: traded.repaid.to_u256(),
            healthBefore: traded.health_before.to_u256(),
            healthAfter: traded.health_after.to_u256(),
        },
    )
}
