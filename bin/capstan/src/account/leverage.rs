//! `capstan account lever`, `unlever`, `refinance` and `close --swap`: wishes that need a way through the pools. The way is the node's
//! quote, checked to be what was asked, and its bounds are what is signed.

use alloy_primitives::U256;
use capstan_client::{
    Amount, Asked, Asset, AssetName, Batch, SwapAsked, There, Way, lever, owed_with_growth, quote,
    refinance_collateral, refinance_debt, unlever,
};
use capstan_contracts::{
    account::Verb,
    dollar::{self, IDollar},
};
use eyre::{OptionExt as _, Result, bail};

use super::Floor;
use crate::{args::SlippageArgs, words::percent};

impl Floor<'_> {
    /// So much is borrowed and swapped, and what it bought is lent.
    pub(super) async fn lever(
        &mut self,
        batch: &mut Batch,
        borrowed: &Asked,
        buy: &AssetName,
        slippage: SlippageArgs,
    ) -> Result<()> {
        let (against, long) = self.pair(&borrowed.asset, buy)?;
        if !matches!(borrowed.amount, Amount::Units(_)) {
            bail!(
                "say how much to borrow: the most would be liquidated by the next move of a price"
            );
        }
        let amount = borrowed.amount.resolve(against.decimals, U256::ZERO)?;
        let way = self.way(&against, &long, amount, false, slippage).await?;
        let (at, to) = (self.place(&against).await?, self.place(&long).await?);
        let (mut owed, mut held) = (self.there[at].1, self.there[to].1);
        lever(batch, &mut owed, &mut held, &way);
        self.keep([(at, owed), (to, held)]);
        Ok(())
    }

    /// So much of a debt is paid, or all of it, by selling what it takes.
    pub(super) async fn unlever(
        &mut self,
        batch: &mut Batch,
        repaid: &Asked,
        sell: &AssetName,
        slippage: SlippageArgs,
    ) -> Result<()> {
        let (against, long) = self.pair(&repaid.asset, sell)?;
        let (needed, is_whole) = self.needed(&against, &repaid.amount).await?;
        self.sell(batch, &against, &long, needed, is_whole, slippage)
            .await
    }

    /// So much of a debt, or all of it, becomes a debt of another asset.
    pub(super) async fn refinance_debt(
        &mut self,
        batch: &mut Batch,
        repaid: &Asked,
        into: &AssetName,
        slippage: SlippageArgs,
    ) -> Result<()> {
        let (old, new) = self.pair(&repaid.asset, into)?;
        let (needed, is_whole) = self.needed(&old, &repaid.amount).await?;
        let way = self.way(&new, &old, needed, true, slippage).await?;
        let is_minted = self.is_minted(&new).await;
        let (at, to) = (self.place(&old).await?, self.place(&new).await?);
        let (mut owed, mut owing) = (self.there[at].1, self.there[to].1);
        refinance_debt(batch, &mut owed, &mut owing, &way, is_whole, is_minted);
        self.keep([(at, owed), (to, owing)]);
        Ok(())
    }

    /// So much of what is held, lent or not, becomes another asset.
    pub(super) async fn refinance_collateral(
        &mut self,
        batch: &mut Batch,
        sold: &Asked,
        into: &AssetName,
        slippage: SlippageArgs,
    ) -> Result<()> {
        let (old, new) = self.pair(&sold.asset, into)?;
        let at = self.place(&old).await?;
        let all = self.there[at].1.units + self.there[at].1.supplied;
        let amount = match &sold.amount {
            Amount::Max => all,
            amount => amount.resolve(old.decimals, all)?,
        };
        if amount > all || all.is_zero() {
            bail!(
                "the account holds {} {}, as units and in the market: name at most that, or `max`; `capstan account \
                 supply` adds to it",
                capstan_units::decimal(all, old.decimals),
                old.symbol
            );
        }
        expect_some(amount)?;
        let way = self.way(&old, &new, amount, false, slippage).await?;
        let to = self.place(&new).await?;
        let (mut held, mut holding) = (self.there[at].1, self.there[to].1);
        refinance_collateral(batch, &mut held, &mut holding, &way, amount == all);
        self.keep([(at, held), (to, holding)]);
        Ok(())
    }

    /// What must be bought to pay so much of a debt, and whether that is all of it.
    async fn needed(&mut self, asset: &Asset, amount: &Amount) -> Result<(U256, bool)> {
        let at = self.place(asset).await?;
        let owed = self.there[at].1.owed;
        if owed.is_zero() {
            bail!(
                "nothing is owed of {}: `capstan account show` says what is",
                asset.symbol
            );
        }
        let amount = match amount {
            Amount::Max => owed,
            amount => amount.resolve(asset.decimals, owed)?,
        };
        expect_some(amount)?;
        let is_whole = amount >= owed;
        let needed = if is_whole {
            owed_with_growth(owed)
        } else {
            amount
        };
        Ok((needed, is_whole))
    }

    /// Whether an asset is the chain's own dollar, which is minted and not borrowed.
    async fn is_minted(&self, asset: &Asset) -> bool {
        let usd = self.node.view(dollar::ADDRESS, &IDollar::dollarCall {});
        usd.await.is_ok_and(|usd| usd.assetId == asset.id)
    }

    /// Every debt is paid: from what the account holds of its asset, then by selling.
    pub(super) async fn close(
        &mut self,
        batch: &mut Batch,
        sell: &AssetName,
        slippage: SlippageArgs,
    ) -> Result<()> {
        let long = self.assets.find(sell)?.clone();
        let standing = self.standing;
        let owed: Vec<_> = standing
            .holdings
            .iter()
            .filter(|held| !held.owed.amount.is_zero())
            .collect();
        if owed.is_empty() {
            bail!("the account owes nothing");
        }
        batch.close_all();
        for held in owed {
            let own = held.units.amount.saturating_add(held.supplied.amount);
            let missing = owed_with_growth(held.owed.amount).saturating_sub(own);
            if missing.is_zero() {
                continue;
            }
            let against = self.assets.find(&AssetName::Number(held.asset_id))?.clone();
            if against.id == long.id {
                bail!(
                    "the account does not hold enough {} to pay what it owes of it: name what else is to be sold",
                    long.symbol
                );
            }
            let at = self.place(&against).await?;
            self.there[at].1.units = U256::ZERO;
            self.sell(batch, &against, &long, missing, true, slippage)
                .await?;
        }
        Ok(())
    }

    /// Buys what is needed beyond free units, and repays.
    async fn sell(
        &mut self,
        batch: &mut Batch,
        against: &Asset,
        long: &Asset,
        needed: U256,
        is_whole: bool,
        slippage: SlippageArgs,
    ) -> Result<()> {
        let (at, to) = (self.place(against).await?, self.place(long).await?);
        let bought = needed.saturating_sub(self.there[at].1.units);
        if bought.is_zero() {
            let amount = if is_whole { U256::MAX } else { needed };
            batch.act(Verb::Repay, against.id, amount);
            return Ok(());
        }
        let way = self.way(long, against, bought, true, slippage).await?;
        let (mut owed, mut held) = (self.there[at].1, self.there[to].1);
        unlever(batch, &mut held, &mut owed, &way, is_whole);
        self.keep([(at, owed), (to, held)]);
        Ok(())
    }

    fn pair(&self, one: &AssetName, other: &AssetName) -> Result<(Asset, Asset)> {
        let (one, other) = (self.assets.find(one)?, self.assets.find(other)?);
        if one.id == other.id {
            bail!(
                "both assets are {}: name another one to swap with",
                one.symbol
            );
        }
        Ok((one.clone(), other.clone()))
    }

    fn keep(&mut self, changed: [(usize, There); 2]) {
        for (at, there) in changed {
            self.there[at].1 = there;
        }
    }

    /// The best way that the node finds, if it is what was asked.
    pub(super) async fn way(
        &mut self,
        from: &Asset,
        to: &Asset,
        amount: U256,
        exact_out: bool,
        slippage: SlippageArgs,
    ) -> Result<Way> {
        let asked = SwapAsked {
            from: from.id,
            to: to.id,
            amount,
            exact_out,
            slippage_bps: slippage.slippage,
            receiver: self.owner,
        };
        let (_, told) = quote(self.node, &asked).await?;
        let way = told
            .way(&asked)
            .ok_or_eyre("the node's legs are not what was asked of it: nothing is signed")?;
        self.swaps.push(format!(
            "swap {} {} for {} {}, at most {} and at least {}, by {}; price impact {}",
            told.paid.text,
            from.symbol,
            told.received.text,
            to.symbol,
            told.paid_max.text,
            told.received_min.text,
            told.route,
            percent(told.price_impact_bps)
        ));
        Ok(way)
    }
}

fn expect_some(amount: U256) -> Result<()> {
    if amount.is_zero() {
        bail!("the amount is zero: name a larger one");
    }
    Ok(())
}
