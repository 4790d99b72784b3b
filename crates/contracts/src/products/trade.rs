//! How a product's account grows, shrinks and is brought back to its target: loans, sales, repayments.
//!
//! Deposits and redemptions trade in the account's own proportion, so that its ratio stays as it is. What that costs is
//! what whoever comes adds less, or whoever goes leaves less behind for: the others' part is measured before and after.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets, ProductId, Usd, mul_div_down, mul_div_up};

use super::{
    LOBBY,
    error::{ProductsBelowFloor, ProductsPoolsTooThin, ProductsTooSmall, ProductsWorthNothing},
    holding::{Holding, Prices, Verdict, aim_down},
    math::{debt_down, kept_up, less_down, units_down},
    params::{BUY_ROUNDS, UNSOLD_PART},
    state::Product,
    unit,
};
use crate::{
    account::{self, Hands},
    exchange::{self, Outcome, Sale},
    lending, revert,
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

/// What a deposit would do.
#[derive(Clone, Copy, Debug)]
struct Growth {
    borrowed: Assets,
    /// Units of the debt's asset that are sold for collateral.
    sold: Assets,
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

    fn growth(&self, arrived: Assets, borrowed: Assets) -> Result<Growth, Halt> {
        let sold = match self.product.base_is_debt()? {
            true => arrived.add(borrowed)?,
            false => borrowed,
        };
        Ok(Growth { borrowed, sold })
    }

    /// What a deposit borrows: as much for each part of equity as there is.
    fn loan_down(&self, holding: &Holding, arrived: Assets, equity: Usd) -> Result<Assets, Halt> {
        let value = self.prices.base(self.product)?.value_down(arrived)?;
        let owed = holding.owed.to_u256();
        let loan = mul_div_down(owed, value.to_u256(), equity.to_u256())?;
        Ok(Assets::from_u256(loan)?)
    }

    fn take_in(&self, cx: &mut Ctx<'_>, arrived: Assets, growth: Growth) -> Result<(), Halt> {
        let (product, base) = (self.product, self.product.base()?);
        account::manage(cx, self.account(), |cx, hands| {
            hands.put_in(cx, LOBBY, base, arrived)?;
            hands.borrow(cx, product.debt, growth.borrowed)?;
            let sale = self.prices.sale_for_collateral(product, growth.sold)?;
            sell_whole(cx, hands, sale).map(|_| ())
        })
    }

    /// Units of the lobby become a new account at its target; answers what it is worth.
    ///
    /// # Errors
    /// `ProductsPoolsTooThin`, and those of the account.
    pub(super) fn found(&self, cx: &mut Ctx<'_>, seed: Assets) -> Result<Usd, Halt> {
        let value = self.prices.base(self.product)?.value_down(seed)?;
        let debt = debt_down(value, self.product.target_wad)?;
        let growth = self.growth(seed, self.prices.debt.assets_down(debt)?)?;
        self.take_in(cx, seed, growth)?;
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
        let borrowed = self.loan_down(&holding, arrived, before)?;
        let growth = self.growth(arrived, borrowed)?;
        self.take_in(cx, arrived, growth)?;
        let after = self.holding(cx)?.equity_down(&self.prices)?;
        Ok((self.units_of(arrived, supply, before, after)?, after))
    }

    fn units_of(
        &self,
        arrived: Assets,
        supply: U256,
        before: Usd,
        after: Usd,
    ) -> Result<U256, Halt> {
        let added = after.sub(before).unwrap_or(Usd::ZERO);
        let units = units_down(supply, less_down(added, self.product.fee)?, before)?;
        if units.is_zero() {
            return Err(too_small(arrived));
        }
        Ok(units)
    }

    /// What [`grow`](Self::grow) would make of an amount, or a unit of rounding less.
    ///
    /// # Errors
    /// As there.
    pub(super) fn preview_grow(
        &self,
        cx: &mut Ctx<'_>,
        arrived: Assets,
        supply: U256,
    ) -> Result<U256, Halt> {
        let holding = self.holding(cx)?;
        let before = self.worth(&holding)?;
        let borrowed = self.loan_down(&holding, arrived, before)?;
        let growth = self.growth(arrived, borrowed)?;
        let sale = self.prices.sale_for_collateral(self.product, growth.sold)?;
        let plan = exchange::plan_sale(cx, sale)?;
        expect_whole(plan.sold, growth.sold)?;
        let mut after = Holding {
            held: holding.held.add(plan.received)?,
            idle: holding.idle.add(growth.sold.sub(plan.sold)?)?,
            owed: holding.owed.add(borrowed)?.add(self.share_up(cx)?)?,
        };
        if !self.product.base_is_debt()? {
            after.held = after.held.add(arrived)?;
        }
        let after = after.equity_down(&self.prices)?;
        self.units_of(arrived, supply, before, after)
    }

    /// What one share of the debt comes to: a loan is rounded up to whole shares.
    fn share_up(&self, cx: &mut Ctx<'_>) -> Result<Assets, Halt> {
        let account = self.account();
        let owed = self.holding(cx)?.owed;
        let shares = lending::debt_shares(cx, self.product.debt, account)?;
        if shares.is_zero() {
            return Ok(Assets::new(2)?);
        }
        let share = mul_div_up(owed.to_u256(), U256::ONE, shares.to_u256())?;
        Ok(Assets::from_u256(share)?.add(Assets::new(1)?)?)
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
            let bought = match base_is_debt {
                true => {
                    let most = part(holding.held)?;
                    let sale = self.prices.sale_of_collateral(product, most)?;
                    sell_whole(cx, hands, sale)?.received
                }
                false => self.buy(cx, hands, due)?,
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
    /// less or more: either way it is the account's.
    fn buy(&self, cx: &mut Ctx<'_>, hands: &mut Hands, due: Assets) -> Result<Assets, Halt> {
        let mut bought = Assets::ZERO;
        for _ in 0..BUY_ROUNDS {
            let missing = due.sub_or_zero(bought);
            let value = self.prices.debt.value_up(missing)?;
            let most = self.prices.collateral.assets_up(value)?;
            if missing.is_zero() {
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
        let outcome = account::manage(cx, self.account(), |cx, hands| match verdict {
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

    fn repay_down_to(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        holding: &Holding,
        aim: Usd,
    ) -> Result<Outcome, Halt> {
        let surplus = holding.debt_up(&self.prices)?.sub(aim);
        let mut surplus = surplus.unwrap_or(Usd::ZERO);
        if aim.is_zero() {
            // All of it is to be paid, so the costs of the sale come on top.
            let limit = self.product.limit;
            let costs = limit.of_up(surplus.to_u256())?;
            surplus = surplus.add(Usd::from_u256(costs)?.add(Usd::from_u256(costs)?)?)?;
        }
        let most = self.prices.collateral.assets_up(surplus)?.min(holding.held);
        let sale = self.prices.sale_of_collateral(self.product, most)?;
        let outcome = sell_some(cx, hands, sale)?;
        let payable = outcome.received.add(holding.idle)?;
        hands.repay(cx, self.product.debt, payable)?;
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

fn too_small(amount: Assets) -> Halt {
    revert(&ProductsTooSmall {
        amount: amount.to_u256(),
    })
}

/// Sells all of it; but for what is less than a slice.
fn sell_whole(cx: &mut Ctx<'_>, hands: &mut Hands, sale: Sale) -> Result<Outcome, Halt> {
    let outcome = match sale.amount_max.is_zero() {
        true => Outcome {
            paid: Assets::ZERO,
            received: Assets::ZERO,
        },
        false => hands.sell(cx, sale)?,
    };
    expect_whole(outcome.paid, sale.amount_max)?;
    Ok(outcome)
}

/// Sells what pools take, if that is anything.
fn sell_some(cx: &mut Ctx<'_>, hands: &mut Hands, sale: Sale) -> Result<Outcome, Halt> {
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
