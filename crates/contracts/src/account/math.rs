//! What a balance sheet is worth. Pure; all rounding of `account` is here: collateral down, debt up, health down.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, Bps, NumberError, Price, Ray, Usd, Wad, mul_div_down, mul_div_up};

use super::params::{OFFER_MS, RESERVE_DIVISOR, TARGET_HEALTH_BPS};
use crate::mutant::mutant;

/// Health of an account that owes nothing.
pub(super) const HEALTH_MAX: Wad = Wad::MAX;

/// The part of a collateral's value that counts.
pub(super) fn adjusted_down(value: Usd, factor: Bps) -> Result<Usd, NumberError> {
    Usd::from_u256(factor.of_down(value.to_u256())?)
}

/// Adjusted collateral per debt; [`HEALTH_MAX`] without debt.
pub(super) fn health_down(adjusted: Usd, debt: Usd) -> Wad {
    match mul_div_down(adjusted.to_u256(), Wad::ONE.to_u256(), debt.to_u256()) {
        Ok(ratio) => Wad::from_u256(ratio).unwrap_or(HEALTH_MAX),
        Err(_) => HEALTH_MAX,
    }
}

/// How far all collateral may fall at once before health is one, in hundredths of a percent.
pub(super) fn room_to_fall_bps_down(adjusted: Usd, debt: Usd) -> Result<Bps, NumberError> {
    let Some(room) = adjusted.to_u256().checked_sub(debt.to_u256()) else {
        return Ok(Bps::ZERO);
    };
    if adjusted == Usd::ZERO {
        return Ok(Bps::ZERO);
    }
    Bps::from_u256(mul_div_down(room, Bps::ONE.to_u256(), adjusted.to_u256())?)
}

/// The price of a collateral at which health is one, everything else as it is; `None` if no price is low
/// enough, because the rest carries the debt.
pub(super) fn liquidation_price_up(
    adjusted_rest: Usd,
    debt: Usd,
    amount: Assets,
    factor: Bps,
    decimals: u8,
) -> Result<Option<Price>, Halt> {
    let Some(missing) = debt.to_u256().checked_sub(adjusted_rest.to_u256()) else {
        return Ok(None);
    };
    let weight = factor.to_u256();
    if missing.is_zero() || amount.is_zero() || weight.is_zero() {
        return Ok(None);
    }
    let carried = mul_div_up(missing, Bps::ONE.to_u256(), weight)?;
    let unit = U256::from(10).checked_pow(U256::from(decimals));
    let unit = unit.ok_or_else(Halt::overflow)?;
    let price = mul_div_up(carried, unit, amount.to_u256())?;
    // Beyond the largest price is no price at all that could save it.
    Ok(Some(Price::from_u256(price).unwrap_or(Price::MAX)))
}

/// What a sale costs the account, as parts of the value that it gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// What the buyer gains.
    pub(super) discount: Bps,
    /// What the reserve gets.
    pub(super) reserve: Bps,
}

impl Cost {
    /// Nobody gains and nobody is paid.
    pub(super) const NONE: Self = Self {
        discount: Bps::ZERO,
        reserve: Bps::ZERO,
    };

    /// A discount; half of what is left of the largest one goes to the reserve, the rest stays with the account.
    pub(super) fn at(discount: Bps, discount_max: Bps) -> Result<Self, Halt> {
        let unspent = discount_max.get().saturating_sub(discount.get());
        Ok(Self {
            discount,
            reserve: Bps::new(unspent.checked_div(RESERVE_DIVISOR).unwrap_or_default())?,
        })
    }

    /// The discount grows with the time on offer up to its largest.
    pub(super) fn after_ms(ms: u64, discount_max: Bps) -> Result<Self, Halt> {
        let ms = mutant!(NoFloor, ms.min(OFFER_MS), ms);
        let grown = U256::from(discount_max.get()).saturating_mul(U256::from(ms));
        let grown = grown.checked_div(U256::from(OFFER_MS)).unwrap_or_default();
        Self::at(Bps::from_u256(grown)?, discount_max)
    }

    /// The smallest discount at which somebody who pays `paid` for goods worth `bought` pays enough; at most the largest.
    ///
    /// He gets `V * (1 - reserve)` and pays `V * (1 - discount - reserve)`, where `reserve = (max - discount) / 2`, so
    /// `discount = (bought - paid) * (2 - max) / (bought + paid)`.
    pub(super) fn of_sale_up(paid: Usd, bought: Usd, discount_max: Bps) -> Result<Self, Halt> {
        let (paid, bought) = (paid.to_u256(), bought.to_u256());
        let twice = Bps::ONE.to_u256().saturating_mul(U256::from(2));
        let weight = twice.saturating_sub(discount_max.to_u256());
        let lost = bought.saturating_sub(paid);
        let sum = bought.saturating_add(paid).max(U256::ONE);
        let discount = mul_div_up(lost, weight, sum)?;
        let discount = Bps::from_u256(discount.min(discount_max.to_u256()))?;
        Self::at(discount, discount_max)
    }

    /// What is paid per value given up.
    fn kept(&self) -> U256 {
        Bps::ONE
            .to_u256()
            .saturating_sub(self.discount.to_u256())
            .saturating_sub(self.reserve.to_u256())
    }

    /// Value given up for a payment.
    pub(super) fn given_up_down(&self, paid: Usd) -> Result<Usd, NumberError> {
        Usd::from_u256(mul_div_down(
            paid.to_u256(),
            Bps::ONE.to_u256(),
            self.kept(),
        )?)
    }

    /// What is given up where the buyer gets so much of it.
    pub(super) fn given_up_for_down(&self, bought: Assets) -> Result<Assets, NumberError> {
        let whole = Bps::ONE.to_u256();
        let kept = whole.saturating_sub(self.reserve.to_u256());
        Assets::from_u256(mul_div_down(bought.to_u256(), whole, kept)?)
    }

    /// Payment for value given up.
    pub(super) fn paid_up(&self, given_up: Usd) -> Result<Usd, NumberError> {
        Usd::from_u256(mul_div_up(
            given_up.to_u256(),
            self.kept(),
            Bps::ONE.to_u256(),
        )?)
    }
}

/// Smallest payment that lifts health to the target, when each payment `x` takes `x / (1 - cost)` of a collateral that
/// counts by `factor`:
///
/// `x = (target * debt - adjusted) / (target - factor / (1 - cost))`, rounded up, at most the debt.
///
/// `None` if selling this collateral cannot reach the target: then all of it is for sale.
pub(super) fn repay_to_target_up(
    adjusted: Usd,
    debt: Usd,
    cost: Cost,
    factor: Bps,
) -> Result<Option<Usd>, NumberError> {
    let wad = Wad::ONE.to_u256();
    let whole = Bps::ONE.to_u256();
    let target = mul_div_up(
        whole.saturating_add(U256::from(TARGET_HEALTH_BPS)),
        wad,
        whole,
    )?;
    // Adjusted collateral lost per value paid, in wad, rounded up: the safe side asks for more.
    let lost = mul_div_up(factor.to_u256(), wad, cost.kept())?;
    let Some(gained) = target.checked_sub(lost).filter(|gained| !gained.is_zero()) else {
        return Ok(None);
    };
    let wanted = mul_div_up(debt.to_u256(), target, wad)?;
    let Some(missing) = wanted.checked_sub(adjusted.to_u256()) else {
        return Ok(Some(Usd::ZERO));
    };
    let repay = mul_div_up(missing, wad, gained)?;
    Ok(Some(Usd::from_u256(repay.min(debt.to_u256()))?))
}

/// How far an account may drift before the block must look again: a quarter of its surplus for debts that rise, half
/// for collateral that falls, a fifth for interest, and a twentieth for rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slack {
    /// Part by which all collateral may fall at once.
    pub(super) fall: Ray,
    /// Part by which all debts may rise at once.
    pub(super) rise: Ray,
    /// Value by which debts may grow by interest.
    pub(super) interest: Usd,
}

impl Slack {
    /// Nothing may move.
    pub(super) const NONE: Self = Self {
        fall: Ray::ZERO,
        rise: Ray::ZERO,
        interest: Usd::ZERO,
    };

    /// `longs`: what counts of assets of which more is held than owed; `shorts`: what is owed of the others, beyond
    /// what is held. `None` if nothing may move.
    pub(super) fn of(longs: Usd, shorts: Usd) -> Result<Option<Self>, NumberError> {
        let Some(surplus) = longs
            .to_u256()
            .checked_sub(shorts.to_u256())
            .filter(|surplus| *surplus > U256::from(ROUNDING_WEI))
        else {
            return Ok(None);
        };
        let part = |of: u64| surplus.checked_div(U256::from(of)).unwrap_or_default();
        let ratio =
            |value: U256, of: Usd| match mul_div_down(value, Ray::ONE.to_u256(), of.to_u256()) {
                Ok(ratio) => Ray::from_u256(ratio).unwrap_or(Ray::MAX),
                Err(_) => Ray::MAX,
            };
        Ok(Some(Self {
            fall: ratio(part(2), longs),
            rise: ratio(part(4), shorts),
            interest: Usd::from_u256(part(5))?,
        }))
    }
}

/// Surplus below which rounding, of a hundred sums at most, could matter.
const ROUNDING_WEI: u64 = 2_000;

/// A price after it fell by a part, rounded up.
pub(super) fn fallen_up(price: Price, part: Ray) -> Result<Price, Halt> {
    let left = Ray::ONE.sub(part.min(Ray::ONE))?;
    Ok(Price::from_u256(left.of_up(price.to_u256())?)?)
}

/// A price after it rose by a part, rounded down; `None` if no price is so high.
pub(super) fn risen_down(price: Price, part: Ray) -> Option<Price> {
    let more = part.of_down(price.to_u256()).ok()?;
    Price::from_u256(price.to_u256().checked_add(more)?).ok()
}

#[cfg(test)]
mod tests;
