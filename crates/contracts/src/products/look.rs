//! The block's look at products whose guard was crossed: the work of a `Rebalance` system transaction.
//!
//! ```text
//!   calldata: products, in the order of the index
//!   for each:  inside its band? ─ yes ─► a new guard
//!                                 no  ─► a sale at the floor ─► the target, or the rest a minute later
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
    Phase, Products,
    actions::{bring_back, known, store},
    error::{ProductsMalformed, ProductsTooManyLooks},
    guard,
    holding::Prices,
    params::{LOOK_GAS, LOOKS_MAX},
};
use crate::{
    contract::emit,
    looks::{Looks, look_at_all, now_s},
    revert,
};

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
    let products: Vec<_> = products.into_iter().map(ProductId::new).collect();
    look_at_all::<Products>(cx, &products)
}

impl Looks for Products {
    type Id = ProductId;
    type Seen = ();
    const LOOKS_MAX: usize = LOOKS_MAX;
    const LOOK_GAS: u64 = LOOK_GAS;

    fn look(cx: &mut Ctx<'_>, id: ProductId) -> Result<(), Halt> {
        look(cx, id)
    }

    fn count_failure(cx: &mut Ctx<'_>, id: ProductId) -> Result<u8, Halt> {
        let mut product = known(cx, id)?;
        product.failures = product.failures.saturating_add(1);
        store(cx, id, &product)?;
        Ok(product.failures)
    }

    fn wait_for(cx: &mut Ctx<'_>, id: ProductId, seconds: u32) -> Result<u32, Halt> {
        guard::wait_for(cx, id, seconds)?;
        Ok(now_s(cx).saturating_add(seconds))
    }

    /// Never more than the product has (PROD-8). One that has none left is not called for any more.
    fn settle(cx: &mut Ctx<'_>, id: ProductId, (): (), cost_wei: u128) -> Result<(), Halt> {
        let mut product = known(cx, id)?;
        if product.phase()? == Phase::Closed {
            return Ok(());
        }
        product.reserve_wei = product.reserve_wei.saturating_sub(cost_wei);
        store(cx, id, &product)?;
        if product.reserve_wei != 0 {
            return Ok(());
        }
        guard::disarm(cx, id)?;
        emit(cx, &ProductUnattended { id: id.get() })
    }

    fn say_failed(
        cx: &mut Ctx<'_>,
        id: ProductId,
        reason: Bytes,
        retry_ms: u64,
    ) -> Result<(), Halt> {
        let id = id.get();
        emit(
            cx,
            &RebalanceFailed {
                id,
                reason,
                retryMs: retry_ms,
            },
        )
    }

    fn say_left(cx: &mut Ctx<'_>, count: U256) -> Result<(), Halt> {
        emit(cx, &ProductsLeft { count })
    }

    fn too_many(count: U256, max: U256) -> Halt {
        revert(&ProductsTooManyLooks { count, max })
    }
}

fn look(cx: &mut Ctx<'_>, id: ProductId) -> Result<(), Halt> {
    let mut product = known(cx, id)?;
    if product.phase()? == Phase::Closed {
        return guard::disarm(cx, id);
    }
    // Without a price nobody can tell, and nothing has failed.
    if let Err(Halt::Revert(_)) = Prices::read(cx, &product) {
        return guard::keep_for(cx, id);
    }
    bring_back(cx, id, &mut product).map(|_| ())
}
