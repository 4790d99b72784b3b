//! Neutral products: liquidity of a pool of two assets beside a debt of one of them, as much of it as the liquidity is
//! made of, so that its price moves next to nothing.
//!
//! ```text
//!   V  liquidity at its fair value    C  free units of the base asset    D  debt less free units of its asset
//!   exposure = V / 2 - D              equity = V + C - D                 target: D = equity, V = 2 * equity, C = 0
//!
//!   long   price fell: borrow ─► sell the exposure ─► provide the rest
//!   short  price rose: withdraw liquidity ─► buy the exposure ─► repay
//! ```
//!
//! The fair value is that of [`exchange::Liquidity`], which no swap moves. A pool that stands far from oracle prices makes
//! less of what is added to it, so nothing is provided beyond the product's limit; withdrawing gains from such a pool.
//!
//! Whoever comes or goes takes his part of what there *is*: of the pool as it stands and of the debt as it is, and trades
//! the difference at pools' prices. So a late price is of no use to him (PROD-2).

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, Shares, Usd, mul_div_down, mul_div_up};

use super::{
    error::ProductsPoolAstray,
    holding::Holding,
    math::{held_down, wad},
    params::SPECK_PART,
    trade::{Desk, NOTHING_SOLD, sell_some, sell_whole},
};
use crate::{
    account::Hands,
    exchange::{self, Outcome},
    revert,
};

/// What the account gains when the price of what it owes rises by all of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exposure {
    /// It gains so much.
    Long(Usd),
    /// It loses so much.
    Short(Usd),
}

impl Desk<'_> {
    fn exposure(&self, holding: &Holding) -> Result<Exposure, Halt> {
        let half = holding
            .provided_down(&self.prices)?
            .to_u256()
            .wrapping_shr(1);
        let idle = self.prices.debt.value_down(holding.idle)?;
        let long = Usd::from_u256(half)?.add(idle)?;
        let owed = self.prices.debt.value_up(holding.owed)?;
        Ok(match long.sub(owed) {
            Ok(long) => Exposure::Long(long),
            Err(_) => Exposure::Short(owed.sub(long)?),
        })
    }

    /// Brings the account to a debt of `aim`, liquidity that fits it, and no exposure, as far as pools go.
    ///
    /// # Errors
    /// `ProductsBelowFloor`, `ProductsPoolAstray`: nothing could be done. And those of the account.
    pub(super) fn neutralise(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        aim: Usd,
    ) -> Result<Outcome, Halt> {
        let (product, prices) = (self.product, &self.prices);
        let holding = self.holding(cx)?;
        let equity = holding.equity_down(prices)?;
        let missing = aim.sub(holding.debt_up(prices)?).unwrap_or(Usd::ZERO);
        hands.borrow(cx, product.debt, prices.debt.assets_down(missing)?)?;
        self.withdraw_to(cx, hands, &holding, held_down(aim, product.target_wad)?)?;
        let outcome = self.trade_exposure(cx, hands, equity)?;
        let now = self.holding(cx)?;
        let surplus = prices.debt.value_up(now.owed)?.sub(aim);
        let surplus = prices.debt.assets_up(surplus.unwrap_or(Usd::ZERO))?;
        hands.repay(cx, product.debt, surplus.min(now.idle))?;
        let free = self.holding(cx)?;
        let is_near = self.expect_near(cx).is_ok();
        let is_worth_it = !is_speck(prices.debt.value_down(free.idle)?, equity)
            && !is_speck(prices.collateral.value_down(free.held)?, equity);
        if is_near && is_worth_it {
            self.provide(cx, hands, free.idle, free.held)?;
        } else if outcome == NOTHING_SOLD && is_worth_it {
            self.expect_near(cx)?;
        }
        let left = self.holding(cx)?.idle;
        hands.repay(cx, product.debt, left)?;
        Ok(outcome)
    }

    /// Liquidity beyond what it is to be worth comes back.
    fn withdraw_to(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        holding: &Holding,
        worth: Usd,
    ) -> Result<(), Halt> {
        let provided = holding.provided_down(&self.prices)?;
        let Ok(beyond) = provided.sub(worth) else {
            return Ok(());
        };
        let shares = holding.shares()?.to_u256();
        let taken = mul_div_down(shares, beyond.to_u256(), provided.to_u256());
        let taken = Shares::from_u256(taken.unwrap_or_default())?;
        self.remove(cx, hands, taken).map(drop)
    }

    /// Answers how many units of the debt's asset came.
    fn remove(&self, cx: &mut Ctx<'_>, hands: &mut Hands, shares: Shares) -> Result<Assets, Halt> {
        if shares.is_zero() {
            return Ok(Assets::ZERO);
        }
        let amounts = hands.remove(cx, self.product.pool, shares)?;
        Ok(self.of_debt(&amounts))
    }

    /// The coin that is owed, of amounts in the pool's order.
    fn of_debt(&self, amounts: &[Assets]) -> Assets {
        let place = usize::from(self.product.collateral < self.product.debt);
        amounts.get(place).copied().unwrap_or_default()
    }

    /// Sells what it is long in, or buys what it is short of. What is next to nothing stays.
    fn trade_exposure(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        equity: Usd,
    ) -> Result<Outcome, Halt> {
        let holding = self.holding(cx)?;
        let prices = &self.prices;
        let sale = match self.exposure(&holding)? {
            Exposure::Long(value) | Exposure::Short(value) if is_speck(value, equity) => {
                return Ok(NOTHING_SOLD);
            }
            Exposure::Long(value) => {
                let most = prices.debt.assets_down(value)?.min(holding.idle);
                prices.sale_for_collateral(self.product, most)?
            }
            Exposure::Short(value) => {
                let most = prices.collateral.assets_up(value)?.min(holding.held);
                prices.sale_of_collateral(self.product, most)?
            }
        };
        sell_some(cx, hands, sale)
    }

    /// A deposit's part of the account: of its debt as it is, and of its pool as that stands.
    ///
    /// # Errors
    /// `ProductsPoolsTooThin`, `ProductsPoolAstray`, and those of the account and of the pool.
    pub(super) fn add_slice(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        holding: &Holding,
        (value, equity): (Usd, Usd),
    ) -> Result<(), Halt> {
        let part = |of: Assets| {
            let part = mul_div_down(of.to_u256(), value.to_u256(), equity.to_u256())?;
            Ok::<_, Halt>(Assets::from_u256(part)?)
        };
        let borrowed = part(holding.owed)?;
        hands.borrow(cx, self.product.debt, borrowed)?;
        let shares = holding.shares()?;
        let there_is = exchange::some_shares_worth(cx, self.product.pool, shares)?;
        let wanted = part(self.of_debt(&there_is))?;
        let got = self.even_out(cx, hands, (borrowed, wanted), value)?;
        let (provided, free) = (got.min(wanted), self.holding(cx)?.held);
        if !provided.is_zero() && !free.is_zero() {
            self.expect_near(cx)?;
            self.provide(cx, hands, provided, free)?;
        }
        let left = self.holding(cx)?.idle.sub_or_zero(holding.idle);
        hands.repay(cx, self.product.debt, left).map(drop)
    }

    /// A redemption's part of the liquidity comes back; answers what of it may pay its part of the debt.
    ///
    /// # Errors
    /// `ProductsPoolsTooThin`, and those of the account.
    pub(super) fn take_slice(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        holding: &Holding,
        (units, supply): (U256, U256),
        equity: Usd,
    ) -> Result<Assets, Halt> {
        let part = |of: U256| mul_div_down(of, units, supply);
        let shares = Shares::from_u256(part(holding.shares()?.to_u256())?)?;
        let came = self.remove(cx, hands, shares)?;
        let has = came.add(Assets::from_u256(part(holding.idle.to_u256())?)?)?;
        let due = mul_div_up(holding.owed.to_u256(), units, supply)?;
        let due = Assets::from_u256(due)?;
        let value = Usd::from_u256(part(equity.to_u256())?)?;
        self.even_out(cx, hands, (has, due), value)
    }

    /// Trades what there is of the debt's asset beyond what is wanted, or what is missing to it; answers what there is then.
    /// What is next to nothing beside `value` stays.
    fn even_out(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        (has, wanted): (Assets, Assets),
        value: Usd,
    ) -> Result<Assets, Halt> {
        let differs = has.sub_or_zero(wanted).max(wanted.sub_or_zero(has));
        if is_speck(self.prices.debt.value_up(differs)?, value) {
            return Ok(has);
        }
        if has < wanted {
            let spare = Usd::from_u256(value.to_u256().wrapping_div(U256::from(SPECK_PART)))?;
            return Ok(has.add(self.buy(cx, hands, differs, spare)?)?);
        }
        let sale = self.prices.sale_for_collateral(self.product, differs)?;
        Ok(has.sub(sell_whole(cx, hands, sale)?.paid)?)
    }

    fn provide(
        &self,
        cx: &mut Ctx<'_>,
        hands: &mut Hands,
        of_debt: Assets,
        of_base: Assets,
    ) -> Result<(), Halt> {
        let product = self.product;
        let most = match product.collateral < product.debt {
            true => [of_base, of_debt],
            false => [of_debt, of_base],
        };
        hands.provide(cx, product.pool, &most).map(drop)
    }

    /// Refuses a pool that would keep more than the product's limit of what is added to it.
    ///
    /// # Errors
    /// `ProductsPoolAstray`.
    fn expect_near(&self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        let product = self.product;
        let kept = exchange::kept_of_added_down(cx, product.pool, &self.prices.quoted())?;
        let least = product.limit.complement().of_up(wad())?;
        if kept.to_u256() >= least {
            return Ok(());
        }
        Err(revert(&ProductsPoolAstray {
            poolId: product.pool.get(),
            kept: kept.to_u256(),
            least,
        }))
    }
}

/// Whether a value is next to nothing of another.
fn is_speck(value: Usd, of: Usd) -> bool {
    value.to_u256().saturating_mul(U256::from(SPECK_PART)) <= of.to_u256()
}
