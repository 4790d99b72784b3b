//! The block's look at products whose guard was crossed: the work of a `Rebalance` system transaction.
//!
//! ```text
//!   calldata: products, in the order of the index
//!   for each:  inside its band? ─ yes ─► a new guard
//!                                 no  ─► a sale at the floor ─► the target, or the rest a minute later
//!                                        └─ cannot be ─► again after 1, 2, 4 ... 64 minutes
//!              and its cost is taken from the product's coins
//! ```
//!
//! Calldata only says where to look: what is to be done is judged anew, from state alone.

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};
use capstan_units::ProductId;

use super::{
    ADDRESS,
    IProducts::{ProductUnattended, ProductsLeft, RebalanceFailed},
    actions::{bring_back, known, store},
    error::{ProductsMalformed, ProductsTooManyLooks},
    guard,
    holding::Prices,
    params::{LOOK_GAS, LOOKS_MAX, SETTLE_GAS},
};
use crate::{contract::emit, revert, triggers::retry_s};

const MS_PER_S: u64 = 1_000;

/// Calldata of a `Rebalance` transaction.
pub fn encode_products(products: &[ProductId]) -> Bytes {
    let products = products.iter().map(|product| product.get());
    products.collect::<Vec<u32>>().abi_encode().into()
}

/// Looks at each product (PROD-9).
///
/// # Errors
/// `ProductsMalformed`, `ProductsTooManyLooks`.
pub(super) fn looks(cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let Ok(products) = Vec::<u32>::abi_decode_validate(input) else {
        return Err(revert(&ProductsMalformed {}));
    };
    if products.len() > LOOKS_MAX {
        return Err(revert(&ProductsTooManyLooks {
            count: U256::from(products.len()),
            max: U256::from(LOOKS_MAX),
        }));
    }
    for (done, id) in products.iter().enumerate() {
        let gas_before = cx.store.gas_left();
        if gas_before < LOOK_GAS {
            let left = products.len().saturating_sub(done);
            emit(
                cx,
                &ProductsLeft {
                    count: U256::from(left),
                },
            )?;
            break;
        }
        let id = ProductId::new(*id);
        if let Err(reason) = cx.attempt_item(|cx| look(cx, id))? {
            put_off(cx, id, reason)?;
        }
        let gas = gas_before.saturating_sub(cx.store.gas_left());
        // Where even its words cannot be read it stays due, and fails again: nothing else can be said of it.
        let _ = cx.attempt_item(|cx| settle(cx, id, gas))?;
    }
    Ok(Bytes::new())
}

fn look(cx: &mut Ctx<'_>, id: ProductId) -> Result<(), Halt> {
    let mut product = known(cx, id)?;
    // Without a price nobody can tell, and nothing has failed.
    if let Err(Halt::Revert(_)) = Prices::read(cx, &product) {
        return guard::keep_for(cx, id);
    }
    bring_back(cx, id, &mut product).map(|_| ())
}

/// Says why it could not be, and when the block tries again.
fn put_off(cx: &mut Ctx<'_>, id: ProductId, reason: Bytes) -> Result<(), Halt> {
    let retry = cx.attempt_item(|cx| {
        let mut product = known(cx, id)?;
        product.failures = product.failures.saturating_add(1);
        store(cx, id, &product)?;
        let seconds = retry_s(product.failures);
        guard::wait_for(cx, id, seconds)?;
        let at_s = guard::now_s(cx).saturating_add(seconds);
        Ok(u64::from(at_s).saturating_mul(MS_PER_S))
    })?;
    emit(
        cx,
        &RebalanceFailed {
            id: id.get(),
            reason,
            retryMs: retry.unwrap_or_default(),
        },
    )
}

/// Takes what a look cost from the product's coins: its gas at the block's base fee, at most what there is (PROD-8). The
/// coins stay here for ever, as if burnt. A product that has none left is not called for any more.
fn settle(cx: &mut Ctx<'_>, id: ProductId, gas: u64) -> Result<(), Halt> {
    let mut product = known(cx, id)?;
    let gas = U256::from(gas.saturating_add(SETTLE_GAS));
    let cost = gas.saturating_mul(U256::from(cx.store.block().base_fee_wei));
    let cost_wei = u128::try_from(cost).unwrap_or(u128::MAX);
    product.reserve_wei = product.reserve_wei.saturating_sub(cost_wei);
    store(cx, id, &product)?;
    if product.reserve_wei != 0 {
        return Ok(());
    }
    guard::disarm(cx, id)?;
    emit(cx, &ProductUnattended { id: id.get() })
}
