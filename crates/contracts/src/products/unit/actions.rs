//! How units come and go. The frame is the token's.
//!
//! Deposits pull first, while nothing has changed; redemptions push last, when everything has. So whatever the asset's token
//! runs in between sees a whole product. Between the border and the account units stand in the lobby.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, Scratch};
use capstan_units::{AccountId, Assets, ProductId, Shares, Usd, mul_div_down, mul_div_up};

use super::{
    IProductToken::{RedeemedInKind, previewRedeemInKindReturn, redeemInKindReturn},
    UnitBook, account_of, product_of,
};
use crate::{
    account,
    contract::emit,
    erc20::{self, Book, Issued},
    erc4626::{self, Exit, Vault},
    exchange, ledger, lending,
    products::{
        LOBBY, Phase,
        actions::{expect_open, expect_under_cap, known},
        error::{
            ProductsClosing, ProductsDebtAbove, ProductsExactInOnly, ProductsPaidTooLittle,
            ProductsTooLittle, ProductsTooSmall,
        },
        guard,
        holding::{Holding, Prices},
        state::Product,
        trade::Desk,
    },
    revert,
};

fn own(cx: &mut Ctx<'_>) -> Result<Product, Halt> {
    let id = product_of(cx)?;
    known(cx, id)
}

fn supply(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    UnitBook::holdings().total(cx)
}

/// Refuses amounts that no account has.
fn narrow(amount: U256) -> Result<Assets, Halt> {
    let narrow = Assets::from_u256(amount)?;
    if narrow.is_zero() {
        return Err(revert(&ProductsTooSmall { amount }));
    }
    Ok(narrow)
}

fn deposit(cx: &mut Ctx<'_>, assets: U256, least: U256, receiver: Address) -> Result<U256, Halt> {
    let (id, sender) = (product_of(cx)?, cx.caller());
    let base = own(cx)?.base()?;
    let arrived = ledger::pull(cx, base, sender, LOBBY, narrow(assets)?)?;
    // Nothing foreign runs from here on.
    let (product, supply) = (own(cx)?, supply(cx)?);
    expect_open(id, &product)?;
    let (units, equity) = Desk::open(cx, id, &product)?.grow(cx, arrived, supply)?;
    expect_under_cap(&product, equity.to_u256())?;
    expect_enough(units, least)?;
    erc20::mint::<UnitBook>(cx, receiver, units)?;
    guard::rearm(cx, id, &product)?;
    erc4626::came(cx, receiver, arrived.to_u256(), units)?;
    Ok(units)
}

fn redeem(
    cx: &mut Ctx<'_>,
    units: U256,
    least: U256,
    receiver: Address,
    owner: Address,
) -> Result<U256, Halt> {
    let id = product_of(cx)?;
    narrow(units)?;
    let mut exit = Exit {
        assets: U256::ZERO,
        shares: units,
        receiver,
        owner,
    };
    erc4626::spend::<UnitBook>(cx, &exit)?;
    let (product, supply) = (own(cx)?, supply(cx)?);
    erc20::burn::<UnitBook>(cx, owner, units)?;
    let given = match product.phase()? {
        Phase::Closed => share_out(cx, id, &product, (units, supply))?,
        Phase::Open | Phase::Closing => {
            let given = Desk::open(cx, id, &product)?.shrink(cx, units, supply)?;
            guard::rearm(cx, id, &product)?;
            given
        }
    };
    exit.assets = given.to_u256();
    expect_enough(exit.assets, least)?;
    erc4626::left(cx, &exit)?;
    ledger::push(cx, product.base()?, LOBBY, receiver, given)?;
    Ok(exit.assets)
}

/// The part of a closed product's base units that units are: no price, no pool, and all of it for the last of them (PROD-12).
fn share_out(
    cx: &mut Ctx<'_>,
    id: ProductId,
    product: &Product,
    (units, supply): (U256, U256),
) -> Result<Assets, Halt> {
    let given = closed_part(cx, id, product, (units, supply))?;
    if given.is_zero() {
        return Err(revert(&ProductsTooSmall { amount: units }));
    }
    let base = product.base()?;
    account::split(cx, account_of(id), |cx, hands| {
        hands.take_out(cx, LOBBY, base, given)
    })?;
    Ok(given)
}

fn closed_part(
    cx: &mut Ctx<'_>,
    id: ProductId,
    product: &Product,
    (units, supply): (U256, U256),
) -> Result<Assets, Halt> {
    let whole = ledger::free(cx, product.base()?, account_of(id))?;
    let part = mul_div_down(whole.to_u256(), units, supply)?;
    Ok(Assets::from_u256(part)?)
}

fn expect_enough(got: U256, least: U256) -> Result<(), Halt> {
    if got >= least {
        return Ok(());
    }
    Err(revert(&ProductsTooLittle { got, least }))
}

/// # Errors
/// `ExchangeExpired`, `ProductsTooLittle`, and those of a deposit.
pub(super) fn deposit_within(
    cx: &mut Ctx<'_>,
    assets: U256,
    units_min: U256,
    receiver: Address,
    deadline_ms: u64,
) -> Result<U256, Halt> {
    exchange::expect_in_time(cx, deadline_ms)?;
    deposit(cx, assets, units_min, receiver)
}

/// # Errors
/// `ExchangeExpired`, `ProductsTooLittle`, and those of a redemption.
pub(super) fn redeem_within(
    cx: &mut Ctx<'_>,
    units: U256,
    assets_min: U256,
    receiver: Address,
    deadline_ms: u64,
) -> Result<U256, Halt> {
    exchange::expect_in_time(cx, deadline_ms)?;
    let owner = cx.caller();
    redeem(cx, units, assets_min, receiver, owner)
}

/// What units' part of an account is.
struct Part {
    debt: Assets,
    collateral: Assets,
    shares: Shares,
}

/// What stays owed for the units that stay is rounded down, to what whole shares of the debt come to at most: the others owe
/// no more for each unit than before, to the last digit.
fn part(cx: &mut Ctx<'_>, product: &Product, units: U256) -> Result<Part, Halt> {
    let account = account_of(product_of(cx)?);
    let holding = Holding::read(cx, product, account)?;
    // What has become base units already would be left behind.
    if product.phase()? == Phase::Closing && holding.idle > holding.owed {
        return Err(revert(&ProductsClosing {
            id: product_of(cx)?.get(),
        }));
    }
    let supply = supply(cx)?;
    let shares = lending::debt_shares(cx, product.debt, account)?.to_u256();
    let debt = match shares.is_zero() {
        true => U256::ZERO,
        false => {
            let owed = holding.owed.to_u256();
            let stay = supply.checked_sub(units).ok_or_else(Halt::overflow)?;
            let left = mul_div_down(owed, stay, supply)?;
            let left = mul_div_down(left, shares, owed)?;
            mul_div_up(owed, shares.saturating_sub(left), shares)?
        }
    };
    let collateral = mul_div_down(holding.held.to_u256(), units, supply)?;
    let shares = mul_div_down(holding.shares()?.to_u256(), units, supply)?;
    Ok(Part {
        debt: Assets::from_u256(debt)?,
        collateral: Assets::from_u256(collateral)?,
        shares: Shares::from_u256(shares)?,
    })
}

pub(super) fn preview_in_kind(
    cx: &mut Ctx<'_>,
    units: U256,
) -> Result<previewRedeemInKindReturn, Halt> {
    let product = own(cx)?;
    let part = part(cx, &product, units)?;
    Ok(previewRedeemInKindReturn {
        debt: part.debt.to_u256(),
        collateral: part.collateral.to_u256(),
        shares: part.shares.to_u256(),
    })
}

/// Units for their part of the collateral, whatever prices and pools say (PROD-5).
///
/// # Errors
/// `ProductsClosing`, `ProductsDebtAbove`, `ProductsPaidTooLittle`, `ProductsTooSmall`, `ERC20InsufficientBalance`, and those of a pull and a push.
pub(super) fn redeem_in_kind(
    cx: &mut Ctx<'_>,
    units: U256,
    debt_max: U256,
    receiver: Address,
    as_units: bool,
) -> Result<redeemInKindReturn, Halt> {
    let (id, sender, product) = (product_of(cx)?, cx.caller(), own(cx)?);
    narrow(units)?;
    let due = part(cx, &product, units)?.debt;
    if due.to_u256() > debt_max {
        return Err(revert(&ProductsDebtAbove {
            debt: due.to_u256(),
            most: debt_max,
        }));
    }
    let arrived = match due.is_zero() {
        true => Assets::ZERO,
        false => ledger::pull(cx, product.debt, sender, LOBBY, due)?,
    };
    // What the token's code may have changed is read anew; nothing foreign runs before the push.
    let Part {
        debt,
        collateral,
        shares,
    } = part(cx, &product, units)?;
    if arrived < debt {
        return Err(revert(&ProductsPaidTooLittle {
            arrived: arrived.to_u256(),
            debt: debt.to_u256(),
        }));
    }
    if collateral.is_zero() && shares.is_zero() {
        return Err(revert(&ProductsTooSmall { amount: units }));
    }
    erc20::burn::<UnitBook>(cx, sender, units)?;
    account::split(cx, account_of(id), |cx, hands| {
        hands.put_in(cx, LOBBY, product.debt, arrived)?;
        hands.repay_part(cx, product.debt, debt)?;
        if !shares.is_zero() {
            hands.let_out_shares(cx, product.pool, shares, receiver)?;
        }
        hands.take_out(cx, LOBBY, product.collateral, collateral)
    })?;
    rearm_if_priced(cx, id, &product)?;
    emit(
        cx,
        &RedeemedInKind {
            owner: sender,
            receiver,
            units,
            debtPaid: arrived.to_u256(),
            collateral: collateral.to_u256(),
            shares: shares.to_u256(),
        },
    )?;
    if collateral.is_zero() {
        // All of it was liquidity.
    } else if as_units {
        let to = AccountId::new(receiver, 0);
        ledger::shift(cx, product.collateral, LOBBY, to, collateral)?;
    } else {
        ledger::push(cx, product.collateral, LOBBY, receiver, collateral)?;
    }
    Ok(redeemInKindReturn {
        debtPaid: arrived.to_u256(),
        collateral: collateral.to_u256(),
        shares: shares.to_u256(),
    })
}

/// Free units of the debt's asset stay behind, so the ratio of what is left may be another. Where no price may be used, the
/// guard calls as it did.
fn rearm_if_priced(cx: &mut Ctx<'_>, id: ProductId, product: &Product) -> Result<(), Halt> {
    match Prices::read(cx, product) {
        Err(Halt::Revert(_)) => Ok(()),
        Err(halt) => Err(halt),
        Ok(_) => guard::rearm(cx, id, product),
    }
}

/// What a product is worth in base units and how many units there are, at the present prices.
fn worth(cx: &mut Ctx<'_>) -> Result<(U256, U256), Halt> {
    let (id, product) = (product_of(cx)?, own(cx)?);
    if product.phase()? == Phase::Closed {
        let whole = ledger::free(cx, product.base()?, account_of(id))?;
        return Ok((whole.to_u256(), supply(cx)?));
    }
    let prices = Prices::read(cx, &product)?;
    let holding = Holding::read(cx, &product, account_of(id))?;
    let equity = holding.equity_down(&prices)?;
    let assets = prices.base(&product)?.assets_down(equity)?;
    Ok((assets.to_u256(), supply(cx)?))
}

/// What is worth something for whoever comes or goes now: nothing while a price may not be used or the border is closed.
fn tradable_equity(cx: &mut Ctx<'_>, id: ProductId, product: &Product) -> Result<Usd, Halt> {
    let prices = match Prices::read(cx, product) {
        Err(Halt::Revert(_)) => return Ok(Usd::ZERO),
        prices => prices?,
    };
    if ledger::asset(cx, product.base()?)?.is_frozen {
        return Ok(Usd::ZERO);
    }
    Holding::read(cx, product, account_of(id))?.equity_down(&prices)
}

fn exact_in_only<R>() -> Result<R, Halt> {
    Err(revert(&ProductsExactInOnly {}))
}

impl Vault for UnitBook {
    fn asset(cx: &mut Ctx<'_>) -> Result<Address, Halt> {
        let base = own(cx)?.base()?;
        Ok(ledger::asset(cx, base)?.token)
    }

    /// At oracle prices, without what a trade costs.
    fn shares_down(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        let (whole, supply) = worth(cx)?;
        Ok(mul_div_down(assets, supply, whole)?)
    }

    fn shares_up(_: &mut Ctx<'_>, _: U256) -> Result<U256, Halt> {
        exact_in_only()
    }

    fn assets_down(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
        let (whole, supply) = worth(cx)?;
        Ok(mul_div_down(whole, shares, supply)?)
    }

    fn assets_up(_: &mut Ctx<'_>, _: U256) -> Result<U256, Halt> {
        exact_in_only()
    }

    /// # Errors
    /// `ProductsWorthNothing`, `ProductsPoolsTooThin`, `ProductsTooSmall`, `ProductsCapReached`, `OraclePriceUnusable`, and
    /// those of a pull and of the account.
    fn deposit(cx: &mut Ctx<'_>, assets: U256, receiver: Address) -> Result<U256, Halt> {
        deposit(cx, assets, U256::ZERO, receiver)
    }

    fn mint(_: &mut Ctx<'_>, _: U256, _: Address) -> Result<U256, Halt> {
        exact_in_only()
    }

    fn leave(_: &mut Ctx<'_>, _: Exit) -> Result<(), Halt> {
        exact_in_only()
    }

    /// # Errors
    /// As a deposit's, those of a push, `ERC20InsufficientAllowance`, `ERC20InsufficientBalance`.
    fn redeem(
        cx: &mut Ctx<'_>,
        shares: U256,
        receiver: Address,
        owner: Address,
    ) -> Result<U256, Halt> {
        redeem(cx, shares, U256::ZERO, receiver, owner)
    }

    /// In a scratch world where they arrived, to the unit.
    fn preview_deposit(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        let (id, product, supply) = (product_of(cx)?, own(cx)?, supply(cx)?);
        let (assets, frame) = (narrow(assets)?, cx.frame);
        expect_open(id, &product)?;
        let mut world = Scratch::new(cx.store);
        ledger::suppose(&mut world, product.base()?, LOBBY, assets)?;
        let cx = &mut Ctx::new(&mut world, frame);
        let (units, _) = Desk::open(cx, id, &product)?.grow(cx, assets, supply)?;
        Ok(units)
    }

    /// In a scratch world, to the unit.
    fn preview_redeem(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
        let (id, product, supply) = (product_of(cx)?, own(cx)?, supply(cx)?);
        narrow(shares)?;
        if product.phase()? == Phase::Closed {
            return Ok(closed_part(cx, id, &product, (shares, supply))?.to_u256());
        }
        let frame = cx.frame;
        let mut world = Scratch::new(cx.store);
        let cx = &mut Ctx::new(&mut world, frame);
        let given = Desk::open(cx, id, &product)?.shrink(cx, shares, supply)?;
        Ok(given.to_u256())
    }

    /// What is missing to the cap; none while a price may not be used or the border is closed.
    fn max_deposit(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        let (id, product) = (product_of(cx)?, own(cx)?);
        let equity = tradable_equity(cx, id, &product)?;
        if equity.is_zero() || product.phase()? != Phase::Open {
            return Ok(U256::ZERO);
        }
        let prices = Prices::read(cx, &product)?;
        let cap = U256::from(product.cap_usd);
        let room = Usd::from_u256(cap.saturating_sub(equity.to_u256()))?;
        Ok(prices.base(&product)?.assets_down(room)?.to_u256())
    }

    fn max_mint(_: &mut Ctx<'_>) -> Result<U256, Halt> {
        Ok(U256::ZERO)
    }

    fn max_withdraw(_: &mut Ctx<'_>, _: Address) -> Result<U256, Halt> {
        Ok(U256::ZERO)
    }

    /// All that the owner has, while prices may be used and the border is open. What pools take of it at once is a question
    /// for the preview.
    fn max_redeem(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        let (id, product) = (product_of(cx)?, own(cx)?);
        let is_shut = match product.phase()? {
            Phase::Closed => ledger::asset(cx, product.base()?)?.is_frozen,
            Phase::Open | Phase::Closing => tradable_equity(cx, id, &product)?.is_zero(),
        };
        if is_shut {
            return Ok(U256::ZERO);
        }
        Self::balance_of(cx, owner)
    }
}
