//! What stands on the account of a product, what it is worth, and whether it left its band.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, Price, Shares, Usd, value_down, value_up};

use super::{
    math::{debt_down, log_down, log_of, wad_down},
    params::{DEBT_USD_MIN, NEAR_PART},
    state::{Kind, Product},
};
use crate::{
    exchange::{Liquidity, PriceMin, Quoted, Sale},
    ledger, lending,
    mutant::mutant,
    oracle::{self, PriceUse, Side},
};

/// A usable price, with the decimals of its asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) asset: AssetId,
    pub(super) price: Price,
    pub(super) decimals: u8,
}

impl Quote {
    fn read(cx: &mut Ctx<'_>, asset: AssetId, side: Side) -> Result<Self, Halt> {
        Ok(Self {
            asset,
            price: oracle::price(cx, asset, PriceUse::Liquidate, side)?,
            decimals: ledger::asset(cx, asset)?.decimals,
        })
    }

    pub(super) fn value_down(&self, assets: Assets) -> Result<Usd, Halt> {
        Ok(value_down(assets, self.price, self.decimals)?)
    }

    pub(super) fn value_up(&self, assets: Assets) -> Result<Usd, Halt> {
        Ok(value_up(assets, self.price, self.decimals)?)
    }

    pub(super) fn assets_down(&self, value: Usd) -> Result<Assets, Halt> {
        Ok(capstan_units::assets_down(
            value,
            self.price,
            self.decimals,
        )?)
    }

    pub(super) fn assets_up(&self, value: Usd) -> Result<Assets, Halt> {
        Ok(capstan_units::assets_up(value, self.price, self.decimals)?)
    }
}

/// Both prices of a product, for liquidation: the block judges its account by the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prices {
    pub(super) collateral: Quote,
    pub(super) debt: Quote,
}

impl Prices {
    /// # Errors
    /// `OraclePriceUnusable`.
    pub(super) fn read(cx: &mut Ctx<'_>, product: &Product) -> Result<Self, Halt> {
        Ok(Self {
            collateral: Quote::read(cx, product.collateral, Side::Collateral)?,
            debt: Quote::read(cx, product.debt, Side::Debt)?,
        })
    }

    pub(super) fn base(&self, product: &Product) -> Result<Quote, Halt> {
        Ok(if product.base_is_debt()? {
            self.debt
        } else {
            self.collateral
        })
    }

    /// Prices of the coins of the product's pool, in its order.
    pub(super) fn quoted(&self) -> [Quoted; 2] {
        let mut both = [self.collateral, self.debt];
        both.sort_by_key(|quote| quote.asset);
        both.map(|quote| Quoted {
            price: quote.price,
            decimals: quote.decimals,
        })
    }

    /// A sale of collateral for what is owed, at the product's floor.
    pub(super) fn sale_of_collateral(&self, product: &Product, most: Assets) -> Result<Sale, Halt> {
        Ok(Sale {
            sold: product.collateral,
            received: product.debt,
            amount_max: most,
            price_min: floor(&self.collateral, &self.debt, product)?,
        })
    }

    /// The way back: of units of the debt's asset for collateral.
    pub(super) fn sale_for_collateral(
        &self,
        product: &Product,
        most: Assets,
    ) -> Result<Sale, Halt> {
        Ok(Sale {
            sold: product.debt,
            received: product.collateral,
            amount_max: most,
            price_min: floor(&self.debt, &self.collateral, product)?,
        })
    }
}

fn floor(sold: &Quote, received: &Quote, product: &Product) -> Result<PriceMin, Halt> {
    let floor = PriceMin::of_prices(
        (sold.price, sold.decimals),
        (received.price, received.decimals),
        product.limit,
    )?;
    Ok(mutant!(NoProductFloor, floor, PriceMin::ANY))
}

/// What stands on the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    /// Free units of the collateral.
    pub(super) held: Assets,
    /// Free units of the debt's asset.
    pub(super) idle: Assets,
    /// What is owed.
    pub(super) owed: Assets,
    /// Of a neutral product: what it provides to its pool.
    pub(super) liquidity: Option<Liquidity>,
}

impl Holding {
    pub(super) fn read(
        cx: &mut Ctx<'_>,
        product: &Product,
        account: AccountId,
    ) -> Result<Self, Halt> {
        let liquidity = match product.kind()? {
            Kind::Neutral => Some(Liquidity::of_shares(cx, product.pool, account)?),
            Kind::Long | Kind::Short | Kind::Loop => None,
        };
        Ok(Self {
            held: ledger::free(cx, product.collateral, account)?,
            idle: ledger::free(cx, product.debt, account)?,
            owed: lending::debt_up(cx, product.debt, account)?,
            liquidity,
        })
    }

    /// What belongs to the holders, rounded down; nothing where more is owed.
    pub(super) fn equity_down(&self, prices: &Prices) -> Result<Usd, Halt> {
        let held = prices.collateral.value_down(self.held)?;
        let held = held.add(self.provided_down(prices)?)?;
        let idle = prices.debt.value_down(self.idle)?;
        let owed = prices.debt.value_up(self.owed)?;
        Ok(held.add(idle)?.sub(owed).unwrap_or(Usd::ZERO))
    }

    /// What is owed beyond free units of its asset, in value.
    pub(super) fn debt_up(&self, prices: &Prices) -> Result<Usd, Halt> {
        prices.debt.value_up(self.owed.sub_or_zero(self.idle))
    }

    /// What its liquidity is worth wherever its pool stands, rounded down.
    pub(super) fn provided_down(&self, prices: &Prices) -> Result<Usd, Halt> {
        match &self.liquidity {
            Some(liquidity) => liquidity.fair_down(&prices.quoted()),
            None => Ok(Usd::ZERO),
        }
    }

    /// Shares of its pool.
    pub(super) fn shares(&self) -> Result<Shares, Halt> {
        let amount = self.liquidity.as_ref().map(|liquidity| liquidity.amount);
        Ok(Shares::new(amount.unwrap_or_default())?)
    }

    /// What the debt stands against: liquidity where there is some, else free units.
    pub(super) fn collateral_down(&self, prices: &Prices) -> Result<Usd, Halt> {
        match self.liquidity {
            Some(_) => self.provided_down(prices),
            None => prices.collateral.value_down(self.held),
        }
    }

    /// Debt per collateral, in wad.
    pub(super) fn ratio_down(&self, prices: &Prices) -> Result<U256, Halt> {
        Ok(wad_down(
            self.debt_up(prices)?,
            self.collateral_down(prices)?,
        ))
    }
}

/// Where a product stands in its band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Inside: how far its ratio may rise and fall, in steps of `2^(1/65536)`.
    Within { up: i32, down: i32 },
    /// It owes too much, or too little to be worth a debt.
    TooMuch,
    /// It owes too little.
    TooLittle,
    /// Nothing can be done: it owes as much as it holds, or is too small to owe.
    AtRest,
}

/// Whether a product left its band, or is so near its end that it counts as beyond.
pub(super) fn judge(
    product: &Product,
    holding: &Holding,
    prices: &Prices,
) -> Result<Verdict, Halt> {
    let equity = holding.equity_down(prices)?;
    if equity.is_zero() {
        return Ok(Verdict::AtRest);
    }
    let (debt, collateral) = (holding.debt_up(prices)?, holding.collateral_down(prices)?);
    let ratio = log_down(debt.to_u256(), collateral.to_u256());
    let (low, target, high) = (
        log_of(product.low_wad),
        log_of(product.target_wad),
        log_of(product.high_wad),
    );
    // One step for each of the two logarithms that are rounded.
    let up = high.saturating_sub(ratio).saturating_sub(1);
    let down = ratio.saturating_sub(low).saturating_sub(1);
    let near = |side: i32| side.checked_div(NEAR_PART).unwrap_or_default();
    if up <= near(high.saturating_sub(target)) {
        return Ok(Verdict::TooMuch);
    }
    if down > near(target.saturating_sub(low)) {
        return Ok(Verdict::Within { up, down });
    }
    Ok(match aim_down(product, equity)?.is_zero() {
        true => Verdict::AtRest,
        false => Verdict::TooLittle,
    })
}

/// What a rebalance leaves as debt: what the target says, or nothing where that would be dust.
pub(super) fn aim_down(product: &Product, equity: Usd) -> Result<Usd, Halt> {
    let aim = debt_down(equity, product.target_wad)?;
    if aim.to_u256() < U256::from(DEBT_USD_MIN) {
        return Ok(Usd::ZERO);
    }
    Ok(aim)
}
