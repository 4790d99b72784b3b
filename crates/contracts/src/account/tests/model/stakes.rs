//! Stakes behind debts: what they have, what they bought, and what they bear.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use capstan_units::AccountId;

use super::{
    super::*,
    book::{Answer, Model, ceil, one, whole},
};
use crate::{
    backstop::{
        GOODS,
        IBackstop::{BackstopNothingOnSale, BackstopTooLittle, StakeParams},
        POT,
    },
    testkit::market::no,
};

/// What a stake has; nobody joins or leaves here, which a model of its own knows.
#[derive(Clone, Debug)]
pub(super) struct Stake {
    pub(super) params: StakeParams,
    pub(super) units: U256,
    /// Rewards that flow since then, until then.
    reward: U256,
    since_ms: u64,
    end_ms: u64,
}

/// Goods on sale, and since when their price falls.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lot {
    pub(super) goods: U256,
    pub(super) began_ms: u64,
}

#[derive(Clone, Default)]
pub(super) struct Stakes {
    pub(super) all: BTreeMap<u32, Stake>,
    pub(super) lots: BTreeMap<(u32, u32), Lot>,
}

impl Stake {
    pub(super) fn new(params: StakeParams, units: U256) -> Self {
        Self {
            params,
            units,
            reward: U256::ZERO,
            since_ms: 0,
            end_ms: 0,
        }
    }

    fn unreleased(&self, now_ms: u64) -> U256 {
        let left_ms = self.end_ms.saturating_sub(now_ms);
        if left_ms == 0 {
            return U256::ZERO;
        }
        let lasts_ms = U256::from(self.end_ms - self.since_ms);
        ceil(self.reward, U256::from(left_ms), lasts_ms)
    }

    pub(super) fn available(&self, now_ms: u64) -> U256 {
        self.units.saturating_sub(self.unreleased(now_ms))
    }

    /// First what stakers own, then rewards that have not flowed.
    fn take(&mut self, units: U256, now_ms: u64) {
        let unreleased = self.unreleased(now_ms);
        self.units -= units;
        if self.units < unreleased {
            (self.reward, self.since_ms) = (self.units, now_ms);
        }
    }

    /// The end is the mean of both ends, weighted by amount.
    fn reward(&mut self, units: U256, now_ms: u64) {
        let rest = self.unreleased(now_ms);
        let rest_ms = U256::from(self.end_ms.saturating_sub(now_ms));
        let weighted = rest * rest_ms + units * U256::from(self.params.rewardMs);
        let lasts_ms = weighted.div_ceil(rest + units).to::<u64>();
        self.units += units;
        self.reward = rest + units;
        (self.since_ms, self.end_ms) = (now_ms, now_ms + lasts_ms);
    }
}

impl Model {
    /// What a stake may spend now.
    pub(super) fn available(&self, asset: u32) -> U256 {
        let stake = self.stakes.all.get(&asset);
        stake.map_or(U256::ZERO, |stake| stake.available(self.now_ms))
    }

    /// Bears what it can of a loss with a payment; answers how much.
    pub(super) fn cover(
        &mut self,
        asset: u32,
        loss: U256,
        pay: impl FnOnce(&mut Self, AccountId, U256) -> Answer<U256>,
    ) -> Answer<U256> {
        let units = self.stakes.all.get(&asset).map(|stake| stake.units);
        let most = units.unwrap_or_default().min(loss);
        if most.is_zero() {
            return Ok(most);
        }
        let paid = pay(self, POT, most)?;
        if !paid.is_zero() {
            let now_ms = self.now_ms;
            let stake = self.stakes.all.get_mut(&asset).expect("there");
            stake.take(paid, now_ms);
        }
        Ok(paid)
    }

    /// Buys goods of an account and puts them on sale.
    pub(super) fn stake_buys(
        &mut self,
        asset: u32,
        price: U256,
        goods_asset: u32,
        goods: U256,
        from: AccountId,
    ) -> Answer<()> {
        let now_ms = self.now_ms;
        let have = self.available(asset);
        if price > have {
            return no(&BackstopTooLittle {
                assetId: asset,
                have,
                need: price,
            });
        }
        let lot = self.stakes.lots.entry((asset, goods_asset)).or_default();
        let weigh = |units: U256, ms: u64| units * U256::from(ms);
        let weighted = weigh(lot.goods, lot.began_ms) + weigh(goods, now_ms);
        lot.goods += goods;
        lot.began_ms = weighted.div_ceil(lot.goods).to();
        let stake = self.stakes.all.get_mut(&asset).expect("it has something");
        stake.take(price, now_ms);
        self.shift(asset, POT, from, price)?;
        self.shift(goods_asset, from, GOODS, goods)
    }

    /// Somebody's wallet buys goods. Both prices may be used.
    pub(super) fn buy_goods(
        &mut self,
        who: Address,
        asset: u32,
        goods_asset: u32,
        most: U256,
    ) -> Answer<(U256, U256)> {
        let lot = self.stakes.lots.get(&(asset, goods_asset)).copied();
        let lot = lot.unwrap_or_default();
        let goods = most.min(lot.goods);
        if goods.is_zero() {
            return no(&BackstopNothingOnSale {
                assetId: asset,
                goodsAssetId: goods_asset,
            });
        }
        let price = |asset: u32| n(self.quotes[&asset].sell.expect("usable"));
        let (goods_price, price) = (price(goods_asset), price(asset));
        let params = &self.stakes.all[&asset].params;
        let (start, floor) = (params.saleStartBps, params.saleFloorBps);
        let sale_ms = U256::from(params.saleMs);
        let elapsed = U256::from(self.now_ms - lot.began_ms).min(sale_ms);
        let parts = U256::from(start) * sale_ms - U256::from(start - floor) * elapsed;
        let value = ceil(goods, goods_price, whole(goods_asset));
        let value = ceil(value, parts, one() * sale_ms);
        let paid = ceil(value, whole(asset), price);
        self.pull(asset, who, POT, paid)?;
        let lot = self
            .stakes
            .lots
            .get_mut(&(asset, goods_asset))
            .expect("on sale");
        lot.goods -= goods;
        if lot.goods.is_zero() {
            *lot = Lot::default();
        }
        self.stakes.all.get_mut(&asset).expect("there").units += paid;
        self.push(goods_asset, GOODS, who, goods)?;
        Ok((goods, paid))
    }

    pub(super) fn reward(&mut self, who: Address, asset: u32, units: U256) -> Answer<U256> {
        self.pull(asset, who, POT, units)?;
        let now_ms = self.now_ms;
        let stake = self.stakes.all.get_mut(&asset).expect("there");
        stake.reward(units, now_ms);
        Ok(units)
    }
}
