//! What the verbs of `products` do. Deposits and redemptions are verbs of a product's token ([`unit`]).

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets, ProductId};

use super::{
    ADDRESS,
    IProducts::{
        Policy, ProductClosed, ProductClosing, ProductCreated, ProductRebalanced, ProductToppedUp,
        createReturn, rebalanceReturn,
    },
    LOBBY, Phase,
    error::{
        ProductsClosing, ProductsInBand, ProductsInvalid, ProductsNotOwner, ProductsSeedTooSmall,
        ProductsUnknown,
    },
    guard::{self, STATE},
    holding::{Verdict, judge},
    params::SEED_UNITS,
    policy,
    state::Product,
    trade::{Desk, Moved},
    unit,
};
use crate::{account, contract::emit, ledger, revert};

/// A product that stands.
///
/// # Errors
/// `ProductsUnknown`.
pub(super) fn known(cx: &mut Ctx<'_>, id: ProductId) -> Result<Product, Halt> {
    let product = STATE.products.at(id).load(&mut cx.enter(ADDRESS))?;
    if product.kind == 0 {
        return Err(revert(&ProductsUnknown { id: id.get() }));
    }
    Ok(product)
}

pub(super) fn store(cx: &mut Ctx<'_>, id: ProductId, product: &Product) -> Result<(), Halt> {
    STATE.products.at(id).save(&mut cx.enter(ADDRESS), product)
}

/// Makes a product of a seed. The pull comes first: what the token's code sees is a world without it.
///
/// # Errors
/// `ProductsInvalid`, `ProductsSeedTooSmall`, `ProductsPoolsTooThin`, `OraclePriceUnusable`, and those of a pull, the account
/// and the market.
pub(super) fn create(
    cx: &mut Ctx<'_>,
    policy: &Policy,
    seed: U256,
    receiver: Address,
) -> Result<createReturn, Halt> {
    let caller = cx.caller();
    let product = policy::checked(cx, policy)?;
    let arrived = ledger::pull(cx, product.base()?, caller, LOBBY, Assets::from_u256(seed)?)?;
    let count = STATE.product_count.load(cx)?;
    let count = count.checked_add(1).ok_or_else(Halt::overflow)?;
    STATE.product_count.save(cx, count)?;
    let id = ProductId::new(count);
    let token = unit::address_of(id);
    cx.store.deploy_marker(token)?;
    store(cx, id, &product)?;
    let equity = Desk::open(cx, id, &product)?.found(cx, arrived)?;
    // One dollar a unit, in the beginning.
    let made = equity.to_u256();
    let least = U256::from(SEED_UNITS);
    let Some(units) = made.checked_sub(least) else {
        return Err(revert(&ProductsSeedTooSmall { value: made, least }));
    };
    expect_under_cap(&product, made)?;
    unit::mint(cx, id, ADDRESS, least)?;
    if !units.is_zero() {
        unit::mint(cx, id, receiver, units)?;
    }
    guard::arm(cx, id, &product)?;
    emit(
        cx,
        &ProductCreated {
            id: count,
            token,
            creator: caller,
            policy: policy.clone(),
            seed: arrived.to_u256(),
            units,
        },
    )?;
    Ok(createReturn {
        id: count,
        token,
        units,
    })
}

/// # Errors
/// `ProductsClosing`.
pub(super) fn expect_open(id: ProductId, product: &Product) -> Result<(), Halt> {
    if product.phase()? == Phase::Open {
        return Ok(());
    }
    Err(revert(&ProductsClosing { id: id.get() }))
}

/// # Errors
/// `ProductsCapReached`.
pub(super) fn expect_under_cap(product: &Product, equity: U256) -> Result<(), Halt> {
    let cap = U256::from(product.cap_usd);
    if equity <= cap {
        return Ok(());
    }
    Err(revert(&super::error::ProductsCapReached { equity, cap }))
}

/// Anybody brings a product back to its target that left its band.
///
/// # Errors
/// `ProductsUnknown`, `ProductsInBand`, `ProductsBelowFloor`, `OraclePriceUnusable`, and those of the account.
pub(super) fn rebalance(cx: &mut Ctx<'_>, id: ProductId) -> Result<rebalanceReturn, Halt> {
    let mut product = known(cx, id)?;
    let Some(Moved { outcome, .. }) = bring_back(cx, id, &mut product)? else {
        let desk = Desk::open(cx, id, &product)?;
        let ratio = desk.holding(cx)?.ratio_down(&desk.prices)?;
        return Err(revert(&ProductsInBand {
            ratio,
            low: U256::from(product.low_wad),
            high: U256::from(product.high_wad),
        }));
    };
    Ok(rebalanceReturn {
        sold: outcome.paid.to_u256(),
        received: outcome.received.to_u256(),
    })
}

/// Rebalances a product that left its band, and writes what calls the block next. `None`: there was nothing to do.
///
/// # Errors
/// As [`rebalance`], but for `ProductsInBand`.
pub(super) fn bring_back(
    cx: &mut Ctx<'_>,
    id: ProductId,
    product: &mut Product,
) -> Result<Option<Moved>, Halt> {
    match product.phase()? {
        Phase::Open => {}
        Phase::Closing => return wind_up(cx, id, product).map(Some),
        Phase::Closed => return Err(revert(&ProductsClosing { id: id.get() })),
    }
    let desk = Desk::open(cx, id, product)?;
    let holding = desk.holding(cx)?;
    let verdict = judge(product, &holding, &desk.prices)?;
    let moved = match verdict {
        Verdict::Within { .. } | Verdict::AtRest => None,
        Verdict::TooMuch | Verdict::TooLittle => Some(desk.rebalance(cx, verdict)?),
    };
    product.failures = 0;
    store(cx, id, product)?;
    guard::arm(cx, id, product)?;
    if let Some(moved) = &moved {
        emit(
            &mut cx.enter(ADDRESS),
            &ProductRebalanced {
                id: id.get(),
                borrowed: verdict == Verdict::TooLittle,
                sold: moved.outcome.paid.to_u256(),
                received: moved.outcome.received.to_u256(),
                ratioBefore: moved.ratio_before,
                ratioAfter: moved.ratio_after,
            },
        )?;
    }
    Ok(moved)
}

/// A step of a product that closes: towards base units alone, and to its end where they are all that it has.
fn wind_up(cx: &mut Ctx<'_>, id: ProductId, product: &mut Product) -> Result<Moved, Halt> {
    let desk = Desk::open(cx, id, product)?;
    let moved = desk.unwind(cx)?;
    let is_done = desk.is_unwound(cx)?;
    let said = ProductRebalanced {
        id: id.get(),
        borrowed: false,
        sold: moved.outcome.paid.to_u256(),
        received: moved.outcome.received.to_u256(),
        ratioBefore: moved.ratio_before,
        ratioAfter: moved.ratio_after,
    };
    product.failures = 0;
    emit(&mut cx.enter(ADDRESS), &said)?;
    match is_done {
        true => finish(cx, id, product)?,
        false => {
            store(cx, id, product)?;
            guard::arm(cx, id, product)?;
        }
    }
    Ok(moved)
}

/// Everything but base units leaves for the owner: what was too little to be sold, the seed's units, coins for looks. So the
/// words that were reserved for it are free again, and each unit is its part of what there is.
fn finish(cx: &mut Ctx<'_>, id: ProductId, product: &mut Product) -> Result<(), Halt> {
    let (owner, account) = (product.owner, unit::account_of(id));
    let leftover = ledger::free(cx, product.other()?, account)?;
    let other = product.other()?;
    account::split(cx, account, |cx, hands| {
        hands.take_out(cx, AccountId::new(owner, 0), other, leftover)
    })?;
    let refund = U256::from(product.reserve_wei);
    if !refund.is_zero() && !cx.store.coin_move(ADDRESS, owner, refund)? {
        return Err(Halt::Fatal(format!("product {id}: its coins are gone")));
    }
    product.phase = Phase::Closed.number();
    product.reserve_wei = 0;
    store(cx, id, product)?;
    guard::disarm(cx, id)?;
    unit::give_seed(cx, id, owner)?;
    let assets = ledger::free(cx, product.base()?, account)?;
    let supply = unit::supply_of(cx, id)?;
    emit(
        &mut cx.enter(ADDRESS),
        &ProductClosed {
            id: id.get(),
            assets: assets.to_u256(),
            supply,
            leftover: leftover.to_u256(),
            refundWei: refund,
        },
    )
}

/// Its owner closes a product (PROD-12). The block comes in its next, if there are coins; else anybody may `rebalance`.
///
/// # Errors
/// `ProductsUnknown`, `ProductsNotOwner`, `ProductsClosing`.
pub(super) fn close(cx: &mut Ctx<'_>, id: ProductId) -> Result<(), Halt> {
    let (mut product, caller) = (known(cx, id)?, cx.caller());
    expect_open(id, &product)?;
    if product.owner.is_zero() || caller != product.owner {
        return Err(revert(&ProductsNotOwner {
            id: id.get(),
            owner: product.owner,
            caller,
        }));
    }
    product.phase = Phase::Closing.number();
    product.failures = 0;
    store(cx, id, &product)?;
    guard::arm(cx, id, &product)?;
    emit(cx, &ProductClosing { id: id.get() })
}

/// Coins for the block's looks (PROD-8). One that nobody attended is armed again; while no price is usable, the block comes
/// in a minute to ask.
///
/// # Errors
/// `ProductsUnknown`, `ProductsClosing`, `ProductsInvalid`: no coins came.
pub(super) fn top_up(cx: &mut Ctx<'_>, id: ProductId) -> Result<(), Halt> {
    let mut product = known(cx, id)?;
    if product.phase()? == Phase::Closed {
        return Err(revert(&ProductsClosing { id: id.get() }));
    }
    let (from, wei) = (cx.caller(), cx.frame.value);
    let sent = u128::try_from(wei).map_err(|_| Halt::overflow())?;
    if sent == 0 {
        return Err(revert(&ProductsInvalid {
            what: "coins".to_owned(),
            value: wei,
            least: U256::ONE,
            most: U256::from(u128::MAX),
        }));
    }
    let was_unattended = product.reserve_wei == 0;
    let sum = product.reserve_wei.checked_add(sent);
    product.reserve_wei = sum.ok_or_else(Halt::overflow)?;
    store(cx, id, &product)?;
    if was_unattended {
        guard::wait_for(cx, id, 0)?;
    }
    emit(
        cx,
        &ProductToppedUp {
            id: id.get(),
            from,
            sentWei: wei,
            reserveWei: U256::from(product.reserve_wei),
        },
    )
}
