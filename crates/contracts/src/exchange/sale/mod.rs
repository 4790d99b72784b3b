//! Sales at the seller's price: as much of an asset as pools take at that price or a better one, and no more.
//!
//! ```text
//!   pools of the pair ───────┐              ┌─ at most so much
//!   two steps through a coin ┴─► ways ─► ───┼─ no slice below the least price
//!                 best first, a slice at a time └─ no pool further down than sales of one block may push it
//!
//!   plan_sale   what could be sold now, on a scratch world     sell   the plan, or less of it
//! ```
//!
//! For other native contracts, on ledger units alone and without a call of any code: liquidations and triggers sell so in
//! system phases. The work is bounded whatever pools there are, and depends on state alone. A pool that refuses, is
//! damaged or asks too much work is passed over.

mod search;
mod terms;

pub(super) use terms::{set, view};

use std::collections::BTreeMap;

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt, Scratch};
use capstan_units::{AccountId, AssetId, Assets, Bps, LogRatio, PoolId, Price, mul_div_up};

use self::search::Search;
use super::{
    ADDRESS,
    curve::mul,
    params::SALE_LEGS_GAS,
    pool::STATE,
    route::{Bounds, Leg, Outcome, Size, settle, swap},
    state::SaleAnchor,
};

/// The least that is received for what is sold: a fraction of smallest units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceMin {
    received: U256,
    sold: U256,
}

impl PriceMin {
    /// Whatever there is.
    pub const ANY: Self = Self {
        received: U256::ZERO,
        sold: U256::ONE,
    };

    /// What two prices of whole tokens come to, each with the decimals of its asset, less a part.
    ///
    /// # Errors
    /// A price of zero, or numbers beyond 256 bits.
    pub fn of_prices(sold: (Price, u8), received: (Price, u8), less: Bps) -> Result<Self, Halt> {
        let ((sold_price, sold_digits), (price, digits)) = (sold, received);
        let kept = Bps::ONE.to_u256().saturating_sub(less.to_u256());
        let ten = |power: u8| U256::from(10).checked_pow(U256::from(power));
        let ten = |power: u8| ten(power).ok_or_else(Halt::overflow);
        let up = ten(digits.saturating_sub(sold_digits))?;
        let down = ten(sold_digits.saturating_sub(digits))?;
        let least = Self {
            received: mul(mul(sold_price.to_u256(), up)?, kept)?,
            sold: mul(mul(price.to_u256(), down)?, Bps::ONE.to_u256())?,
        };
        if least.sold.is_zero() {
            return Err(Halt::overflow());
        }
        Ok(least)
    }

    /// The least that an amount must bring.
    ///
    /// # Errors
    /// More than any amount may be.
    pub fn of_up(self, amount: Assets) -> Result<Assets, Halt> {
        let least = mul_div_up(amount.to_u256(), self.received, self.sold)?;
        Ok(Assets::from_u256(least)?)
    }
}

/// What somebody would sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    /// What he has.
    pub sold: AssetId,
    /// What he wants for it.
    pub received: AssetId,
    /// At most how much he sells.
    pub amount_max: Assets,
    /// The least that each slice must bring.
    pub price_min: PriceMin,
}

/// One pool on a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    pool: PoolId,
    from: AssetId,
    to: AssetId,
}

/// From what is sold to what is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    first: Step,
    second: Option<Step>,
}

impl Way {
    fn steps(&self) -> impl Iterator<Item = Step> + use<> {
        [Some(self.first), self.second].into_iter().flatten()
    }
}

/// A sale that pools would take now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    sale: Sale,
    /// In the order in which they were found: what comes later brings no more.
    slices: Vec<(Way, Assets)>,
    /// Where the price of each pool stood before this block's sales.
    anchors: BTreeMap<Step, LogRatio>,
    /// How much would be sold; nothing, where no pool takes any at that price.
    pub sold: Assets,
    /// What all of it would bring, to the unit.
    pub received: Assets,
}

/// Finds how much of a sale pools take now, and by which ways. Changes nothing.
///
/// # Errors
/// Gas.
pub fn plan_sale(cx: &mut Ctx<'_>, sale: Sale) -> Result<Plan, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let mut plan = Plan {
        sale,
        slices: Vec::new(),
        anchors: BTreeMap::new(),
        sold: Assets::ZERO,
        received: Assets::ZERO,
    };
    if sale.sold == sale.received || sale.amount_max.is_zero() {
        return Ok(plan);
    }
    let terms = terms::load(cx)?;
    let mut search = Search::new(cx, sale, terms.impact_max);
    {
        let mut world = Scratch::new(cx.store);
        let inside = &mut Ctx::new(&mut world, cx.frame);
        search.find_ways(inside, &terms.common_coins)?;
        search.cut(inside)?;
    }
    (plan.slices, plan.anchors) = search.found();
    // Slices of one way are swapped as one. That brings no less, unless it passes more marks than a swap may.
    while !plan.slices.is_empty() {
        let amount = plan.amount()?;
        if let Some(received) = plan.quoted(cx, amount)? {
            (plan.sold, plan.received) = (amount, received);
            break;
        }
        let half = plan.slices.len().div_euclid(2);
        plan.slices.truncate(half);
    }
    Ok(plan)
}

/// Sells `amount` of what was planned, free units of `payer`, into free units of `receiver`. Less than was planned is taken
/// from what would have brought least. Nothing may have changed since.
///
/// # Errors
/// `ExchangeReceivedTooLittle`: below the price of the sale. `LedgerInsufficient`, and those of the pools.
pub fn sell(
    cx: &mut Ctx<'_>,
    payer: AccountId,
    receiver: AccountId,
    plan: &Plan,
    amount: Assets,
) -> Result<Outcome, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let amount = amount.min(plan.sold);
    let bounds = plan.bounds(amount)?;
    plan.save_anchors(cx)?;
    swap(cx, payer, receiver, &plan.legs(amount)?, bounds)
}

/// Sells as much as may be; answers what it came to, which is nothing where no pool takes any at that price.
///
/// # Errors
/// As [`sell`].
pub fn sell_up_to(
    cx: &mut Ctx<'_>,
    payer: AccountId,
    receiver: AccountId,
    sale: Sale,
) -> Result<Outcome, Halt> {
    let plan = plan_sale(cx, sale)?;
    if plan.sold.is_zero() {
        return Ok(Outcome {
            paid: Assets::ZERO,
            received: Assets::ZERO,
        });
    }
    sell(cx, payer, receiver, &plan, plan.sold)
}

impl Plan {
    fn amount(&self) -> Result<Assets, Halt> {
        let mut sum = Assets::ZERO;
        for (_, slice) in &self.slices {
            sum = sum.add(*slice)?;
        }
        Ok(sum)
    }

    fn bounds(&self, amount: Assets) -> Result<Bounds, Halt> {
        Ok(Bounds {
            asset_in: self.sale.sold,
            paid_max: amount,
            asset_out: self.sale.received,
            received_min: self.sale.price_min.of_up(amount)?,
        })
    }

    /// The first `amount` of all slices, those of one way together.
    fn legs(&self, amount: Assets) -> Result<Vec<Leg>, Halt> {
        let mut left = amount;
        let mut ways: Vec<(Way, Assets)> = Vec::new();
        for (way, slice) in &self.slices {
            let part = left.min(*slice);
            left = left.sub(part)?;
            if part.is_zero() {
                break;
            }
            match ways.iter_mut().find(|(known, _)| known == way) {
                Some((_, sum)) => *sum = sum.add(part)?,
                None => ways.push((*way, part)),
            }
        }
        let legs = ways.into_iter().flat_map(|(way, amount)| {
            let sizes = [Size::In(amount), Size::InAll];
            way.steps().zip(sizes).map(|(step, size)| Leg {
                pool: step.pool,
                asset_in: step.from,
                asset_out: step.to,
                size,
            })
        });
        Ok(legs.collect())
    }

    /// What `amount` would bring; `None` where a pool refuses it whole, or where that takes too much work.
    fn quoted(&self, cx: &mut Ctx<'_>, amount: Assets) -> Result<Option<Assets>, Halt> {
        let before = cx.store.gas_left();
        let mut world = Scratch::new(cx.store);
        let inside = &mut Ctx::new(&mut world, cx.frame);
        let settled = inside.attempt_item(|cx| {
            let legs = self.legs(amount)?;
            settle(cx, &legs, self.bounds(amount)?)
        })?;
        let spent = before.saturating_sub(cx.store.gas_left());
        let fits = settled.ok().filter(|_| spent <= SALE_LEGS_GAS);
        Ok(fits.map(|outcome| outcome.received))
    }

    /// What this block's sales in each pool are measured from. The first one of a block writes it.
    fn save_anchors(&self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        let height = cx.store.block().number;
        for step in self.slices.iter().flat_map(|(way, _)| way.steps()) {
            let Some(price) = self.anchors.get(&step) else {
                continue;
            };
            let anchor = SaleAnchor {
                height,
                price: price.get().cast_unsigned(),
            };
            let place = STATE.sale_anchors.at((step.pool, (step.from, step.to)));
            place.save(cx, &anchor)?;
        }
        Ok(())
    }
}
