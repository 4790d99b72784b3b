//! How a product's account grows, shrinks and is brought back to its target: loans, sales, repayments.
//!
//! Deposits and redemptions trade in the account's own proportion, so that its ratio stays as it is. What that costs is
//! what whoever comes adds less, or whoever goes leaves less behind for: the others' part is measured before and after.
//!
//! What neutral products do instead of selling: [`neutral`](super::neutral).

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets, ProductId, Usd, mul_div_down, mul_div_up};

use super::{
    LOBBY,
    error::{ProductsBelowFloor, ProductsPoolsTooThin, ProductsTooSmall, ProductsWorthNothing},
    holding::{Holding, Prices, Verdict, aim_down},
    math::{debt_down, kept_up, less_down, units_down},
    params::{BUY_ROUNDS, DEBT_USD_MIN, LEFTOVER_USD_MAX, UNSOLD_PART},
    state::{Kind, Product},
    unit,
};
use crate::{
    account::{self, Hands},
    exchange::{Outcome, Sale},
    mutant::mutant,
    revert,
};

/// A product, its account and its prices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Desk<'p> {
    pub(super) id: ProductId,
    pub(super) product: &'p Product,
    pub(super) prices: Prices,
}

/// What a rebalance came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    pub(super) outcome: Outcome,
    pub(super) ratio_before: U256,
    pub(super) ratio_after: U256,
}

impl<'p> Desk<'p> {
    /// # Errors
    /// `OraclePriceUnusable`.
    pub(super) fn open(
        cx: &mut Ctx<'_>,
        id: ProductId,
        product: &'p Product,
    ) -> Result<Self, Halt> {
        Ok(Self {
            id,
            product,
            prices: Prices::read(cx, product)?,
        })
    }

    fn account(&self) -> AccountId {
        unit::account_of(self.id)
    }

    fn value_down(&self, of_base: Assets) -> Result<Usd, Halt> {
        self.prices.base(self.product)?.value_down(of_base)
    }

    pub(super) fn holding(&self, cx: &mut Ctx<'_>) -> Result<Holding, Halt> {
        Holding::read(cx, self.product, self.account())
    }

    /// What belongs to the holders, if anything does.
    ///
    /// # Errors
    /// `ProductsWorthNothing`.
    fn worth(&self, holding: &Holding) -> Result<Usd, Halt> {
        let equity = holding.equity_down(&self.prices)?;
        if equity.is_zero() {
            return Err(revert(&ProductsWorthNothing { id: self.id.get() }));
        }
        Ok(equity)
    }

    /// Units of the lobby come, a loan comes with them, and what is to be sold of both becomes collateral.
    fn lever(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        arrived: Assets,
        borrowed: Assets,
    ) -> Result<(), Halt> {
        hands.borrow(cx, self.product.debt, borrowed)?;
        let sold = match self.product.base_is_debt()? {
            true => arrived.add(borrowed)?,
            false => borrowed,
        };
        let sale = self.prices.sale_for_collateral(self.product, sold)?;
        sell_whole(cx, hands, sale).map(drop)
    }

    /// Units of the lobby become a new account at its target; answers what it is worth.
    ///
    /// # Errors
    /// `ProductsPoolsTooThin`, and those of the account.
    pub(super) fn found(&self, cx: &mut Ctx<'_>, seed: Assets) -> Result<Usd, Halt> {
        let value = self.value_down(seed)?;
        let debt = debt_down(value, self.product.target_wad)?;
        let base = self.product.base()?;
        account::manage(cx, self.account(), |cx, hands| {
            hands.put_in(cx, LOBBY, base, seed)?;
            match self.product.kind()? {
                Kind::Neutral => self.neutralise(cx, hands, debt).map(drop),
                Kind::Long | Kind::Short | Kind::Loop => {
                    let loan = self.prices.debt.assets_down(debt)?;
                    self.lever(cx, hands, seed, loan)
                }
            }
        })?;
        self.holding(cx)?.equity_down(&self.prices)
    }

    /// Units of the lobby join the account; answers the units of the product that this is worth, and its equity now.
    ///
    /// # Errors
    /// `ProductsWorthNothing`, `ProductsPoolsTooThin`, `ProductsTooSmall`, and those of the account.
    pub(super) fn grow(
        &self,
        cx: &mut Ctx<'_>,
        arrived: Assets,
        supply: U256,
    ) -> Result<(U256, Usd), Halt> {
        let holding = self.holding(cx)?;
        let before = self.worth(&holding)?;
        let (base, value) = (self.product.base()?, self.value_down(arrived)?);
        account::manage(cx, self.account(), |cx, hands| {
            hands.put_in(cx, LOBBY, base, arrived)?;
            match self.product.kind()? {
                Kind::Neutral => self.add_slice(cx, hands, &holding, (value, before)),
                Kind::Long | Kind::Short | Kind::Loop => {
                    let loan = loan_down(&holding, value, before)?;
                    self.lever(cx, hands, arrived, loan)
                }
            }
        })?;
        let after = self.holding(cx)?.equity_down(&self.prices)?;
        let added = mutant!(ValueIsEnough, after.sub(before).unwrap_or(Usd::ZERO), value);
        Ok((self.units_of(arrived, supply, before, added)?, after))
    }

    fn units_of(
        &self,
        arrived: Assets,
        supply: U256,
        before: Usd,
        added: Usd,
    ) -> Result<U256, Halt> {
        let units = units_down(supply, less_down(added, self.product.fee)?, before)?;
        if units.is_zero() {
            return Err(too_small(arrived));
        }
        Ok(units)
    }

    /// The part of the account that units stand for becomes base units in the lobby; answers how many.
    ///
    /// # Errors
    /// `ProductsWorthNothing`, `ProductsPoolsTooThin`, `ProductsTooSmall`, and those of the account.
    pub(super) fn shrink(
        &self,
        cx: &mut Ctx<'_>,
        units: U256,
        supply: U256,
    ) -> Result<Assets, Halt> {
        let holding = self.holding(cx)?;
        let before = self.worth(&holding)?;
        let kept = kept_up(before, units, supply)?;
        let part = |of: Assets| Assets::from_u256(mul_div_down(of.to_u256(), units, supply)?);
        let due = mul_div_up(holding.owed.to_u256(), units, supply)?;
        let due = Assets::from_u256(due)?;
        let product = self.product;
        let base_is_debt = product.base_is_debt()?;
        account::manage(cx, self.account(), |cx, hands| {
            let bought = match product.kind()? {
                Kind::Long | Kind::Loop => {
                    let most = part(holding.held)?;
                    let sale = self.prices.sale_of_collateral(product, most)?;
                    sell_whole(cx, hands, sale)?.received
                }
                Kind::Short => self.buy(cx, hands, due, Usd::ZERO)?,
                Kind::Neutral => self.take_slice(cx, hands, &holding, (units, supply), before)?,
            };
            hands.repay(cx, product.debt, due.min(bought))?;
            let now = self.holding(cx)?;
            let free = now.equity_down(&self.prices)?.sub(kept);
            let free = less_down(free.unwrap_or(Usd::ZERO), product.fee)?;
            let there_is = if base_is_debt { now.idle } else { now.held };
            let given = self.prices.base(product)?.assets_down(free)?.min(there_is);
            if given.is_zero() {
                return Err(revert(&ProductsTooSmall { amount: units }));
            }
            hands.take_out(cx, LOBBY, product.base()?, given)?;
            Ok(given)
        })
    }

    /// Sells collateral for what is due; the second time for what the first one lacked. What comes is at most a little
    /// less or more: either way it is the account's. What is worth no more than `spare` may be missing.
    pub(super) fn buy(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        due: Assets,
        spare: Usd,
    ) -> Result<Assets, Halt> {
        let mut bought = Assets::ZERO;
        for _ in 0..BUY_ROUNDS {
            let missing = due.sub_or_zero(bought);
            let value = self.prices.debt.value_up(missing)?;
            let most = self.prices.collateral.assets_up(value)?;
            if value <= spare {
                break;
            }
            let sale = self.prices.sale_of_collateral(self.product, most)?;
            bought = bought.add(sell_whole(cx, hands, sale)?.received)?;
        }
        Ok(bought)
    }

    /// Brings the account towards its target (PROD-4), as far as pools go.
    ///
    /// # Errors
    /// `ProductsBelowFloor`, and those of the account.
    pub(super) fn rebalance(&self, cx: &mut Ctx<'_>, verdict: Verdict) -> Result<Moved, Halt> {
        let holding = self.holding(cx)?;
        let ratio_before = holding.ratio_down(&self.prices)?;
        let aim = aim_down(self.product, holding.equity_down(&self.prices)?)?;
        let is_neutral = self.product.kind()? == Kind::Neutral;
        let outcome = account::manage(cx, self.account(), |cx, hands| match verdict {
            _ if is_neutral => self.neutralise(cx, hands, aim),
            Verdict::TooMuch => self.repay_down_to(cx, hands, &holding, aim),
            _ => self.borrow_up_to(cx, hands, &holding, aim),
        })?;
        let ratio_after = self.holding(cx)?.ratio_down(&self.prices)?;
        Ok(Moved {
            outcome,
            ratio_before,
            ratio_after,
        })
    }

    /// A step of a product that closes: its liquidity comes back, then what is not base units is sold for them, its debt paid.
    ///
    /// # Errors
    /// `ProductsBelowFloor`, and those of the account.
    pub(super) fn unwind(&self, cx: &mut Ctx<'_>) -> Result<Moved, Halt> {
        let product = self.product;
        let before = self.holding(cx)?;
        let outcome = match self.is_unwound(cx)? {
            true => NOTHING_SOLD,
            false => account::manage(cx, self.account(), |cx, hands| {
                let shares = before.shares()?;
                if !shares.is_zero() {
                    hands.remove(cx, product.pool, shares)?;
                }
                let idle = self.holding(cx)?.idle;
                hands.repay(cx, product.debt, idle)?;
                self.sell_off(cx, hands)
            })?,
        };
        Ok(Moved {
            outcome,
            ratio_before: before.ratio_down(&self.prices)?,
            ratio_after: self.holding(cx)?.ratio_down(&self.prices)?,
        })
    }

    fn sell_off(&self, cx: &mut Ctx<'_>, hands: &mut Hands) -> Result<Outcome, Halt> {
        let product = self.product;
        let now = self.holding(cx)?;
        if product.base_is_debt()? {
            let sale = self.prices.sale_of_collateral(product, now.held)?;
            let outcome = sell_some(cx, hands, sale)?;
            let idle = self.holding(cx)?.idle;
            hands.repay(cx, product.debt, idle)?;
            return Ok(outcome);
        }
        if !now.owed.is_zero() {
            return self.pay_off(cx, hands, &now);
        }
        if self.is_unwound(cx)? {
            return Ok(NOTHING_SOLD);
        }
        let sale = self.prices.sale_for_collateral(product, now.idle)?;
        sell_some(cx, hands, sale)
    }

    /// Buys all that is owed with base units, and so much at least that pools sell it; what is too much is sold back.
    fn pay_off(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        holding: &Holding,
    ) -> Result<Outcome, Halt> {
        let surplus = self.with_costs(holding.debt_up(&self.prices)?)?;
        let least = Usd::from_u256(U256::from(DEBT_USD_MIN))?;
        self.sell_to_repay(cx, hands, holding, surplus.max(least))
    }

    /// A value, and what a sale that brings it costs at most; the second time for the costs themselves.
    fn with_costs(&self, value: Usd) -> Result<Usd, Halt> {
        let costs = Usd::from_u256(self.product.limit.of_up(value.to_u256())?)?;
        Ok(value.add(costs)?.add(costs)?)
    }

    /// Whether base units are all that there is, but for what is too little to be sold.
    pub(super) fn is_unwound(&self, cx: &mut Ctx<'_>) -> Result<bool, Halt> {
        let now = self.holding(cx)?;
        let left = match self.product.base_is_debt()? {
            true => self.prices.collateral.value_up(now.held)?,
            false => self.prices.debt.value_up(now.idle)?,
        };
        let is_little = left.to_u256() <= U256::from(LEFTOVER_USD_MAX);
        Ok(now.owed.is_zero() && now.shares()?.is_zero() && is_little)
    }

    fn repay_down_to(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        holding: &Holding,
        aim: Usd,
    ) -> Result<Outcome, Halt> {
        let surplus = holding.debt_up(&self.prices)?.sub(aim);
        let surplus = surplus.unwrap_or(Usd::ZERO);
        // Where all of it is to be paid, the costs of the sale come on top.
        let surplus = match aim.is_zero() {
            true => self.with_costs(surplus)?,
            false => surplus,
        };
        self.sell_to_repay(cx, hands, holding, surplus)
    }

    /// Sells collateral of a value and repays with what it brings, and with what there is.
    fn sell_to_repay(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        holding: &Holding,
        surplus: Usd,
    ) -> Result<Outcome, Halt> {
        let most = self.prices.collateral.assets_up(surplus)?.min(holding.held);
        let sale = self.prices.sale_of_collateral(self.product, most)?;
        let outcome = sell_some(cx, hands, sale)?;
        let idle = self.holding(cx)?.idle;
        hands.repay(cx, self.product.debt, idle)?;
        Ok(outcome)
    }

    fn borrow_up_to(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        holding: &Holding,
        aim: Usd,
    ) -> Result<Outcome, Halt> {
        let missing = aim.sub(holding.debt_up(&self.prices)?);
        let most = self.prices.debt.assets_down(missing.unwrap_or(Usd::ZERO))?;
        let product = self.product;
        hands.borrow(cx, product.debt, most.sub_or_zero(holding.idle))?;
        let sale = self.prices.sale_for_collateral(product, most)?;
        let outcome = sell_some(cx, hands, sale)?;
        let unsold = self.holding(cx)?.idle;
        hands.repay(cx, product.debt, unsold)?;
        Ok(outcome)
    }
}

/// What a deposit of a value borrows: as much for each part of equity as there is.
fn loan_down(holding: &Holding, value: Usd, equity: Usd) -> Result<Assets, Halt> {
    let owed = holding.owed.to_u256();
    let loan = mul_div_down(owed, value.to_u256(), equity.to_u256())?;
    Ok(Assets::from_u256(loan)?)
}

fn too_small(amount: Assets) -> Halt {
    revert(&ProductsTooSmall {
        amount: amount.to_u256(),
    })
}

/// No sale at all.
pub(super) const NOTHING_SOLD: Outcome = Outcome {
    paid: Assets::ZERO,
    received: Assets::ZERO,
};

/// Sells all of it; but for what is less than a slice.
pub(super) fn sell_whole(cx: &mut Ctx<'_>, hands: &mut Hands, sale: Sale) -> Result<Outcome, Halt> {
    let outcome = match sale.amount_max.is_zero() {
        true => NOTHING_SOLD,
        false => hands.sell(cx, sale)?,
    };
    expect_whole(outcome.paid, sale.amount_max)?;
    Ok(outcome)
}

/// Sells what pools take, if that is anything.
pub(super) fn sell_some(cx: &mut Ctx<'_>, hands: &mut Hands, sale: Sale) -> Result<Outcome, Halt> {
    let outcome = hands.sell(cx, sale)?;
    if outcome.paid.is_zero() {
        return Err(revert(&ProductsBelowFloor {
            units: sale.amount_max.to_u256(),
            receivedMin: sale.price_min.of_up(sale.amount_max)?.to_u256(),
        }));
    }
    Ok(outcome)
}

fn expect_whole(sold: Assets, wanted: Assets) -> Result<(), Halt> {
    let spare = wanted.get().checked_div(UNSOLD_PART).unwrap_or_default();
    if wanted.get().saturating_sub(sold.get()) <= spare {
        return Ok(());
    }
    Err(revert(&ProductsPoolsTooThin {
        sold: sold.to_u256(),
        wanted: wanted.to_u256(),
    }))
}
