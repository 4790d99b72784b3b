//! Shares, rewards and the price of goods. All rounding is here.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, NumberError, Usd, mul_div_down, mul_div_up};

use super::{
    params::Params,
    state::{Lot, Stake},
};

/// Shares that nobody has, beside one unit that nobody has: what a first share is worth.
pub(super) const VIRTUAL_SHARES: U256 = U256::from_limbs([1_000, 0, 0, 0]);
/// Digits that shares have beyond the asset's.
pub(super) const SHARE_DIGITS: u8 = 3;
/// A share that is worth less than its first value divided by this is ruined.
const RUIN: U256 = U256::from_limbs([10_000, 0, 0, 0]);
const BPS: U256 = U256::from_limbs([10_000, 0, 0, 0]);

/// What all shares of a stake are worth together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pool {
    /// What the stakers own.
    pub(super) assets: U256,
    /// All shares of this generation.
    pub(super) shares: U256,
}

impl Pool {
    /// A generation that begins with these assets, all of them the seed's.
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

    /// Whether so little is left that new shares would be numberless (BACK-7).
    pub(super) fn is_ruined(&self) -> bool {
        let worth = self.assets.saturating_mul(VIRTUAL_SHARES);
        worth.saturating_mul(RUIN) < self.shares
    }
}

impl Stake {
    /// Rewards that have not flowed.
    pub(super) fn unreleased_up(&self, now_ms: u64) -> Result<Assets, Halt> {
        let left_ms = self.reward_end_ms.saturating_sub(now_ms);
        if left_ms == 0 {
            return Ok(Assets::ZERO);
        }
        let lasts_ms = self.reward_end_ms.saturating_sub(self.reward_since_ms);
        let unreleased = mul_div_up(
            self.reward.to_u256(),
            U256::from(left_ms),
            U256::from(lasts_ms),
        )?;
        Ok(Assets::from_u256(unreleased)?)
    }

    /// What the stakers own.
    pub(super) fn assets_down(&self, now_ms: u64) -> Result<Assets, Halt> {
        Ok(self.units.sub_or_zero(self.unreleased_up(now_ms)?))
    }

    /// Takes a reward in, which flows beside what has not flowed yet: the end is the mean of both ends, weighted by
    /// amount, so that small rewards cannot hold back large ones (BACK-2, BACK-13).
    pub(super) fn add_reward(
        &mut self,
        amount: Assets,
        now_ms: u64,
        reward_ms: u64,
    ) -> Result<(), Halt> {
        let rest = self.unreleased_up(now_ms)?;
        let sum = rest.add(amount)?;
        let rest_ms = U256::from(self.reward_end_ms.saturating_sub(now_ms));
        // Amounts are below 2^112 and times below 2^64: nothing here comes near 256 bits.
        let weighted = rest
            .to_u256()
            .saturating_mul(rest_ms)
            .saturating_add(amount.to_u256().saturating_mul(U256::from(reward_ms)));
        let lasts_ms = mul_div_up(weighted, U256::ONE, sum.to_u256())?;
        let lasts_ms = u64::try_from(lasts_ms).unwrap_or(u64::MAX);
        self.units = self.units.add(amount)?;
        self.reward = sum;
        self.reward_since_ms = now_ms;
        self.reward_end_ms = now_ms.saturating_add(lasts_ms);
        Ok(())
    }

    /// Takes units out: first what the stakers own, then rewards that have not flowed.
    pub(super) fn take(&mut self, amount: Assets, now_ms: u64) -> Result<(), Halt> {
        let unreleased = self.unreleased_up(now_ms)?;
        self.units = self.units.sub(amount)?;
        if self.units < unreleased {
            self.reward = self.units;
            self.reward_since_ms = now_ms;
        }
        Ok(())
    }
}

impl Lot {
    /// Puts more goods on sale. The beginning is the mean, weighted by amount and rounded up, so that neither a small
    /// lot makes a large one dear again nor a large new one is cheap at once.
    pub(super) fn join(&mut self, goods: Assets, now_ms: u64) -> Result<(), Halt> {
        let sum = self.goods.add(goods)?;
        let weigh = |goods: Assets, ms: u64| goods.to_u256().saturating_mul(U256::from(ms));
        let weighted = weigh(self.goods, self.began_ms).saturating_add(weigh(goods, now_ms));
        let began_ms = mul_div_up(weighted, U256::ONE, sum.to_u256())?;
        self.began_ms = u64::try_from(began_ms).unwrap_or(u64::MAX);
        self.goods = sum;
        Ok(())
    }

    /// What goods of this value are sold for now (BACK-9).
    pub(super) fn price_up(&self, value: Usd, params: &Params, now_ms: u64) -> Result<Usd, Halt> {
        let sale_ms = U256::from(params.sale_ms);
        let start = U256::from(params.sale_start_bps);
        let falls = start.saturating_sub(U256::from(params.sale_floor_bps));
        let elapsed = U256::from(now_ms.saturating_sub(self.began_ms)).min(sale_ms);
        let parts = start
            .saturating_mul(sale_ms)
            .saturating_sub(falls.saturating_mul(elapsed));
        let whole = BPS.saturating_mul(sale_ms);
        Ok(Usd::new(mul_div_up(value.get(), parts, whole)?)?)
    }
}
