//! Days, power, shares, interest that flows, and the price of a title. All rounding of `income` is here.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, NumberError, mul_div_down, mul_div_up};

use super::{
    PERIOD_DAYS,
    state::{Case, Tranche},
};

pub(super) const DAY_MS: u64 = 86_400_000;
/// Shares that nobody has, beside one unit that nobody has: what a first share is worth.
const VIRTUAL_SHARES: U256 = U256::from_limbs([1_000, 0, 0, 0]);
/// Digits that shares have beyond the asset's.
pub(super) const SHARE_DIGITS: u8 = 3;
/// A share that is worth less than its first value divided by this is ruined.
const RUIN: U256 = U256::from_limbs([10_000, 0, 0, 0]);
const BPS: U256 = U256::from_limbs([10_000, 0, 0, 0]);

/// The day of a time, counted from 1970.
pub(super) fn day_of(ms: u64) -> u32 {
    let day = ms.checked_div(DAY_MS).unwrap_or_default();
    u32::try_from(day).unwrap_or(u32::MAX)
}

/// The period of a day.
pub(super) fn period_of(day: u32) -> u32 {
    day.checked_div(PERIOD_DAYS).unwrap_or_default()
}

/// What a day of power costs.
pub(super) fn power_up(watts: u32, kwh_price: u64) -> Assets {
    let watt_hours = U256::from(watts).saturating_mul(U256::from(24_u8));
    let cost = watt_hours
        .saturating_mul(U256::from(kwh_price))
        .div_ceil(U256::from(1_000_u16));
    Assets::from_u256(cost).unwrap_or(Assets::MAX)
}

/// A part of an amount, in hundredths of a percent.
pub(super) fn part_down(amount: Assets, bps: u64) -> Result<Assets, Halt> {
    let part = mul_div_down(amount.to_u256(), U256::from(bps), BPS)?;
    Ok(Assets::from_u256(part)?)
}

/// The same, rounded up.
pub(super) fn part_up(amount: Assets, bps: u64) -> Result<Assets, Halt> {
    let part = mul_div_up(amount.to_u256(), U256::from(bps), BPS)?;
    Ok(Assets::from_u256(part)?)
}

/// The largest whole of which `part` is still a part of so many hundredths of a percent; none for zero of them.
pub(super) fn whole_down(part: Assets, bps: u64) -> Assets {
    if bps == 0 {
        return Assets::MAX;
    }
    let whole = mul_div_down(part.to_u256(), BPS, U256::from(bps));
    let whole = whole.ok().and_then(|whole| Assets::from_u256(whole).ok());
    whole.unwrap_or(Assets::MAX)
}

/// What is left of a day's amount when its period's excess is taken from all days in proportion.
pub(super) fn less_excess_down(
    amount: Assets,
    excess: Assets,
    total: Assets,
) -> Result<Assets, Halt> {
    if excess.is_zero() || total.is_zero() {
        return Ok(amount);
    }
    let less = mul_div_up(amount.to_u256(), excess.to_u256(), total.to_u256())?;
    Ok(amount.sub_or_zero(Assets::from_u256(less)?))
}

/// What a machine's income carries: `net / window * days * fraction * remaining / life`, rounded down once.
pub(super) fn carried_down(
    net: Assets,
    window_days: u16,
    days: u64,
    fraction_bps: u16,
    remaining_ms: u64,
    life_ms: u64,
) -> Result<Assets, Halt> {
    let whole = U256::from(window_days)
        .saturating_mul(BPS)
        .saturating_mul(U256::from(life_ms));
    if whole.is_zero() {
        return Ok(Assets::ZERO);
    }
    // Amounts are below 2^112, days, parts and times together below 2^96: nothing here comes near 256 bits.
    let weight = net
        .to_u256()
        .saturating_mul(U256::from(days))
        .saturating_mul(U256::from(fraction_bps));
    let carried = mul_div_down(weight, U256::from(remaining_ms.min(life_ms)), whole)?;
    Ok(Assets::from_u256(carried).unwrap_or(Assets::MAX))
}

/// What all shares of a tranche are worth together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worth {
    /// What its owners have.
    pub(super) assets: U256,
    /// All shares of this generation.
    pub(super) shares: U256,
}

impl Worth {
    /// A generation that begins with these assets, all of them nobody's.
    pub(super) fn of_seed(assets: Assets) -> Self {
        let assets = assets.to_u256();
        Self {
            assets,
            shares: assets.saturating_mul(VIRTUAL_SHARES),
        }
    }

    fn all_shares(&self) -> U256 {
        self.shares.saturating_add(VIRTUAL_SHARES)
    }

    fn all_assets(&self) -> U256 {
        self.assets.saturating_add(U256::ONE)
    }

    pub(super) fn shares_down(&self, assets: U256) -> Result<U256, NumberError> {
        mul_div_down(assets, self.all_shares(), self.all_assets())
    }

    pub(super) fn shares_up(&self, assets: U256) -> Result<U256, NumberError> {
        mul_div_up(assets, self.all_shares(), self.all_assets())
    }

    pub(super) fn assets_down(&self, shares: U256) -> Result<U256, NumberError> {
        mul_div_down(shares, self.all_assets(), self.all_shares())
    }

    pub(super) fn assets_up(&self, shares: U256) -> Result<U256, NumberError> {
        mul_div_up(shares, self.all_assets(), self.all_shares())
    }

    /// Whether so little is left that new shares would be numberless.
    pub(super) fn is_ruined(&self) -> bool {
        let worth = self.assets.saturating_mul(VIRTUAL_SHARES);
        worth.saturating_mul(RUIN) < self.shares
    }
}

impl Tranche {
    /// Interest that has not flowed.
    pub(super) fn unreleased_up(&self, now_ms: u64) -> Result<Assets, Halt> {
        let left_ms = self.end_ms.saturating_sub(now_ms);
        if left_ms == 0 {
            return Ok(Assets::ZERO);
        }
        let lasts_ms = self.end_ms.saturating_sub(self.since_ms);
        let unreleased = mul_div_up(
            self.interest.to_u256(),
            U256::from(left_ms),
            U256::from(lasts_ms),
        )?;
        Ok(Assets::from_u256(unreleased)?)
    }

    /// What its owners have.
    pub(super) fn assets_down(&self, now_ms: u64) -> Result<Assets, Halt> {
        Ok(self.units.sub_or_zero(self.unreleased_up(now_ms)?))
    }

    /// Takes interest in, which flows beside what has not flowed yet: the end is the mean of both ends, weighted by amount.
    pub(super) fn add_interest(
        &mut self,
        amount: Assets,
        now_ms: u64,
        interest_ms: u64,
    ) -> Result<(), Halt> {
        if amount.is_zero() {
            return Ok(());
        }
        let rest = self.unreleased_up(now_ms)?;
        let sum = rest.add(amount)?;
        let weigh = |part: Assets, ms: u64| part.to_u256().saturating_mul(U256::from(ms));
        let rest_ms = self.end_ms.saturating_sub(now_ms);
        let weighted = weigh(rest, rest_ms).saturating_add(weigh(amount, interest_ms));
        let lasts_ms = mul_div_up(weighted, U256::ONE, sum.to_u256())?;
        self.units = self.units.add(amount)?;
        self.interest = sum;
        self.since_ms = now_ms;
        self.end_ms = now_ms.saturating_add(u64::try_from(lasts_ms).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Takes units out: first what the owners have, then interest that has not flowed.
    pub(super) fn take(&mut self, amount: Assets, now_ms: u64) -> Result<(), Halt> {
        let unreleased = self.unreleased_up(now_ms)?;
        self.units = self.units.sub(amount)?;
        if self.units < unreleased {
            self.interest = self.units;
            self.since_ms = now_ms;
        }
        Ok(())
    }
}

impl Case {
    /// What the title costs so long after its auction began: from `start` to `floor`, evenly, rounded up.
    pub(super) fn price_up(&self, passed_ms: u64) -> Result<Assets, Halt> {
        let lasts_ms = self.until_ms.saturating_sub(self.auction_ms);
        let left_ms = lasts_ms.saturating_sub(passed_ms);
        if lasts_ms == 0 || left_ms == 0 {
            return Ok(self.floor);
        }
        let falls = self.start.sub_or_zero(self.floor);
        let above = mul_div_up(falls.to_u256(), U256::from(left_ms), U256::from(lasts_ms))?;
        Ok(self.floor.add(Assets::from_u256(above)?)?)
    }
}
