//! What `capstan farm` makes of a batch: staking, and farming with borrowed units. What a pool gives or takes is what the
//! node previews, and its bounds, less what the signer tolerates, are what is signed.

use alloy_primitives::U256;
use alloy_sol_types::SolValue as _;
use capstan_client::{
    AccountName, Amount, Asked, Asset, AssetName, Batch, Farm, Outputs, There, Way, Wish, farms,
    outputs, plan, preview,
};
use capstan_contracts::{
    exchange::{self, IExchange},
    oracle::{self, IOracle},
};
use eyre::{OptionExt as _, Result, bail};

use super::Floor;
use crate::{args::SlippageArgs, swap::spendable};

/// Decimals of shares.
const SHARE_DECIMALS: u8 = 18;
const WHOLE_BPS: u32 = 10_000;

/// What somebody wants done in a farm.
pub(crate) enum FarmStep {
    Stake(u32, Amount),
    Unstake(u32, Amount),
    Claim(u32),
    Compound(u32, SlippageArgs),
    Enter {
        farm: u32,
        own: Vec<Asked>,
        borrow: Vec<Asked>,
        slippage: SlippageArgs,
    },
    Leave(u32, SlippageArgs),
}

impl Floor<'_> {
    pub(super) async fn farm(&mut self, batch: &mut Batch, step: &FarmStep) -> Result<()> {
        match step {
            FarmStep::Stake(farm, amount) => self.stake(batch, *farm, amount).await,
            FarmStep::Unstake(farm, amount) => {
                let found = self.of_farm(*farm).await?;
                let staked = staked(&found)?;
                let decimals = found.staked.decimals;
                let taken = match amount {
                    Amount::Max => U256::MAX,
                    amount => amount.resolve(decimals, staked)?,
                };
                batch.unstake(*farm, taken);
                Ok(())
            }
            FarmStep::Claim(farm) => {
                let found = self.of_farm(*farm).await?;
                if dues(&found).iter().all(U256::is_zero) {
                    bail!("nothing is due to this account in farm {farm}");
                }
                batch.claim(*farm);
                Ok(())
            }
            FarmStep::Compound(farm, slippage) => self.compound(batch, *farm, *slippage).await,
            FarmStep::Enter {
                farm,
                own,
                borrow,
                slippage,
            } => self.enter(batch, *farm, own, borrow, *slippage).await,
            FarmStep::Leave(farm, slippage) => self.leave(batch, *farm, *slippage).await,
        }
    }

    async fn of_farm(&self, number: u32) -> Result<Farm> {
        let all = farms(self.node, Some(self.name())).await?;
        let mut found = all.into_iter().map(|(_, farm)| farm);
        found
            .find(|farm| farm.farm_id == number)
            .ok_or_eyre(format!(
                "there is no farm {number}; `capstan farm list` names those there are"
            ))
    }

    const fn name(&self) -> AccountName {
        AccountName {
            owner: self.owner,
            index: self.index,
        }
    }

    async fn stake(&mut self, batch: &mut Batch, number: u32, amount: &Amount) -> Result<()> {
        let farm = self.of_farm(number).await?;
        let Some(asset) = &farm.asset else {
            let pool = pool_of(&farm)?;
            let pieces = self.standing.pieces.iter().flatten();
            let mut own = pieces.filter(|piece| piece.kind == "shares");
            let own = own.find(|piece| piece.pool_id == Some(pool));
            let own = own.ok_or_eyre(format!(
                "the account has no shares of pool #{pool}: `capstan farm enter` provides and stakes"
            ))?;
            let staked = match amount {
                Amount::Max => U256::MAX,
                amount => amount.resolve(SHARE_DECIMALS, own.amount)?,
            };
            batch.stake(number, staked);
            return Ok(());
        };
        let asset = self.listed(asset.asset_id)?;
        let at = self.place(&asset).await?;
        let there = &mut self.there[at].1;
        let staked = bring(batch, &asset, amount, there)?;
        there.units = there.units.saturating_sub(staked);
        batch.stake(number, staked);
        Ok(())
    }

    async fn compound(
        &mut self,
        batch: &mut Batch,
        number: u32,
        slippage: SlippageArgs,
    ) -> Result<()> {
        let farm = self.of_farm(number).await?;
        let due = dues(&farm);
        let of = |asset_id: u32| {
            let mut rewards = farm.rewards.iter().zip(&due);
            let found = rewards.find(|(reward, _)| reward.asset_id == asset_id);
            found.map_or(U256::ZERO, |(_, due)| *due)
        };
        batch.claim(number);
        let coins = match &farm.asset {
            Some(asset) => vec![self.listed(asset.asset_id)?],
            None => self.coins_of(&farm).await?,
        };
        let mut most: Vec<_> = coins.iter().map(|coin| of(coin.id)).collect();
        for (reward, due) in farm.rewards.iter().zip(&due) {
            if !coins.iter().any(|coin| coin.id == reward.asset_id) {
                let sold = self.listed(reward.asset_id)?;
                self.sell_reward(batch, &sold, *due, (&coins, &mut most), slippage)
                    .await?;
            }
        }
        if most.iter().all(U256::is_zero) {
            bail!("nothing that the farm takes is due, or can be bought with what is");
        }
        if farm.asset.is_some() {
            batch.stake(number, most[0]);
            return Ok(());
        }
        self.provide_and_stake(batch, &farm, most, slippage).await
    }

    /// A reward that the farm does not take is sold for what it takes, in equal parts. What it brings stays no further below its
    /// worth at oracle prices than is tolerated; a part that no pool takes for that, or that has no price, stays as units, and
    /// is told.
    async fn sell_reward(
        &mut self,
        batch: &mut Batch,
        sold: &Asset,
        due: U256,
        (coins, most): (&[Asset], &mut [U256]),
        slippage: SlippageArgs,
    ) -> Result<()> {
        let count = U256::from(coins.len());
        for (coin, most) in coins.iter().zip(most) {
            let part = due / count;
            if part.is_zero() {
                continue;
            }
            let told = self.swaps.len();
            match self.sold_at_worth(sold, coin, part, slippage).await {
                Ok(way) => {
                    *most = most.saturating_add(way.bounds.receivedMin);
                    batch.swap(&way);
                }
                Err(why) => {
                    self.swaps.truncate(told);
                    self.swaps.push(format!(
                        "keep {} {}: {why}",
                        capstan_units::decimal(part, sold.decimals),
                        sold.symbol
                    ));
                }
            }
        }
        Ok(())
    }

    /// A way that brings what is sold to its worth at oracle prices, less what is tolerated.
    async fn sold_at_worth(
        &mut self,
        sold: &Asset,
        bought: &Asset,
        amount: U256,
        slippage: SlippageArgs,
    ) -> Result<Way> {
        let prices = (self.price(sold).await?, self.price(bought).await?);
        let worth = worth_in(amount, (sold, prices.0), (bought, prices.1))
            .ok_or_eyre(format!("what {} is worth has too many digits", sold.symbol))?;
        let least = less(worth, slippage.slippage);
        let mut way = self.way(sold, bought, amount, false, slippage).await?;
        // The quote is what its calldata does now; it tolerates as much again, and the oracle's floor does not.
        let received = self.brings(&way).await?;
        if received < least {
            bail!(
                "pools give {} {} for it, and at oracle prices it is worth {}; `--slippage` says what is tolerated",
                capstan_units::decimal(received, bought.decimals),
                bought.symbol,
                capstan_units::decimal(worth, bought.decimals)
            );
        }
        way.bounds.receivedMin = way.bounds.receivedMin.max(least);
        Ok(way)
    }

    async fn brings(&self, way: &Way) -> Result<U256> {
        let quote = IExchange::quoteCall {
            legs: way.legs.clone(),
            bounds: way.bounds.clone(),
        };
        Ok(self.node.view(exchange::ADDRESS, &quote).await?.received)
    }

    /// The oracle's price of an asset, which may be used.
    async fn price(&self, asset: &Asset) -> Result<U256> {
        let feed = IOracle::feedOfCall { assetId: asset.id };
        let feed = self.node.view(oracle::ADDRESS, &feed).await;
        let usable = feed.ok().filter(|feed| feed.reason == 0);
        let price = usable.map(|feed| U256::from(feed.spot));
        price.ok_or_eyre(format!("the price of {} may not be used now", asset.symbol))
    }

    async fn enter(
        &mut self,
        batch: &mut Batch,
        number: u32,
        own: &[Asked],
        borrow: &[Asked],
        slippage: SlippageArgs,
    ) -> Result<()> {
        let farm = self.of_farm(number).await?;
        let coins = match &farm.asset {
            Some(asset) => vec![self.listed(asset.asset_id)?],
            None => self.coins_of(&farm).await?,
        };
        let mut most = vec![U256::ZERO; coins.len()];
        for (asked, is_borrowed) in own
            .iter()
            .map(|asked| (asked, false))
            .chain(borrow.iter().map(|asked| (asked, true)))
        {
            let asset = self.assets.find(&asked.asset)?.clone();
            let Some(place) = coins.iter().position(|coin| coin.id == asset.id) else {
                let names: Vec<_> = coins.iter().map(|coin| coin.symbol.as_str()).collect();
                bail!(
                    "farm {number} takes {}, not {}",
                    names.join(" and "),
                    asset.symbol
                );
            };
            let at = self.place(&asset).await?;
            let there = &mut self.there[at].1;
            let amount = if is_borrowed {
                let before = there.units;
                plan(batch, Wish::Borrow { to: None }, &asked.amount, there)?;
                there.units.saturating_sub(before)
            } else {
                bring(batch, &asset, &asked.amount, there)?
            };
            most[place] = most[place].saturating_add(amount);
        }
        if most.iter().all(U256::is_zero) {
            bail!("nothing goes in: name what of your own does, as \"5000 usdc\"");
        }
        if farm.asset.is_some() {
            batch.stake(number, most[0]);
            return Ok(());
        }
        self.provide_and_stake(batch, &farm, most, slippage).await
    }

    /// Provides what the preview says it takes and makes, no worse than tolerated, and stakes all shares of the pool.
    async fn provide_and_stake(
        &mut self,
        batch: &mut Batch,
        farm: &Farm,
        most: Vec<U256>,
        slippage: SlippageArgs,
    ) -> Result<()> {
        let pool = pool_of(farm)?;
        let mut tried = batch.clone();
        tried.provide(pool, most.clone(), U256::ZERO);
        let answers = self.tried(&tried).await?;
        let made = answers.last().ok_or_eyre("the node previewed nothing")?;
        let shares = U256::abi_decode(made)?;
        let shares_min = less(shares, slippage.slippage);
        batch.provide(pool, most, shares_min);
        // All of them, since how many there will be is not known to the last one.
        batch.stake(farm.farm_id, U256::MAX);
        self.swaps.push(format!(
            "provide to pool #{pool} for {} shares, at least {}",
            capstan_units::decimal(shares, SHARE_DECIMALS),
            capstan_units::decimal(shares_min, SHARE_DECIMALS)
        ));
        Ok(())
    }

    async fn leave(
        &mut self,
        batch: &mut Batch,
        number: u32,
        slippage: SlippageArgs,
    ) -> Result<()> {
        let farm = self.of_farm(number).await?;
        let staked = staked(&farm)?;
        batch.unstake(number, U256::MAX);
        batch.claim(number);
        if farm.asset.is_none() {
            let (pool, coins) = (pool_of(&farm)?, self.coins_of(&farm).await?);
            let mut tried = batch.clone();
            tried.remove(pool, staked, vec![U256::ZERO; coins.len()]);
            let answers = self.tried(&tried).await?;
            let came = answers.last().ok_or_eyre("the node previewed nothing")?;
            let amounts = Vec::<U256>::abi_decode(came)?;
            let least = amounts
                .iter()
                .map(|amount| less(*amount, slippage.slippage));
            batch.remove(pool, staked, least.collect());
            let words = coins.iter().zip(&amounts).map(|(coin, amount)| {
                let amount = capstan_units::decimal(*amount, coin.decimals);
                format!("{amount} {}", coin.symbol)
            });
            let words: Vec<_> = words.collect();
            self.swaps.push(format!("take out {}", words.join(" and ")));
        }
        batch.close_all();
        Ok(())
    }

    async fn tried(&self, batch: &Batch) -> Result<Outputs> {
        let (whole, told) = preview(self.node, self.name(), batch).await?;
        if let Some(error) = &told.error {
            bail!("this would fail: {error}");
        }
        outputs(&whole).ok_or_eyre(
            "the node cannot preview this: a token of others first needs your approval, by `capstan account deposit`",
        )
    }

    async fn coins_of(&self, farm: &Farm) -> Result<Vec<Asset>> {
        let number = pool_of(farm)?;
        let pools = capstan_client::pools(self.node).await?;
        let mut found = pools.iter().map(|(_, pool)| pool);
        let pool = found.find(|pool| pool.pool_id == number);
        let pool = pool.ok_or_eyre(format!("there is no pool {number}"))?;
        let coins = pool.assets.iter().map(|coin| self.listed(coin.asset_id));
        coins.collect()
    }

    fn listed(&self, asset_id: u32) -> Result<Asset> {
        Ok(self.assets.find(&AssetName::Number(asset_id))?.clone())
    }
}

/// Brings from the wallet what the account lacks of an amount of one's own; answers the amount.
fn bring(batch: &mut Batch, asset: &Asset, amount: &Amount, there: &mut There) -> Result<U256> {
    let all = there.units.saturating_add(spendable(asset, there.wallet));
    let amount = match amount {
        Amount::Max => all,
        amount => amount.resolve(asset.decimals, all)?,
    };
    if amount.is_zero() {
        bail!("account and wallet have no {} for that", asset.symbol);
    }
    let missing = amount.saturating_sub(there.units);
    if !missing.is_zero() {
        let missing = Amount::Units(capstan_units::decimal(missing, asset.decimals));
        plan(batch, Wish::Deposit, &missing, there)?;
    }
    Ok(amount)
}

fn pool_of(farm: &Farm) -> Result<u32> {
    farm.pool_id.ok_or_eyre("the farm is of no pool")
}

fn staked(farm: &Farm) -> Result<U256> {
    let amount = farm
        .own
        .as_ref()
        .map_or(U256::ZERO, |own| own.amount.amount);
    if amount.is_zero() {
        bail!("the account has no stake in farm {}", farm.farm_id);
    }
    Ok(amount)
}

fn dues(farm: &Farm) -> Vec<U256> {
    let own = farm.own.iter().flat_map(|own| &own.due);
    own.map(|due| due.amount).collect()
}

/// An amount of one asset in units of another, each with its price per whole token, rounded down.
fn worth_in(
    amount: U256,
    (sold, sold_price): (&Asset, U256),
    (bought, bought_price): (&Asset, U256),
) -> Option<U256> {
    let ten = |digits: u8| U256::from(10).checked_pow(U256::from(digits));
    let up = sold_price.checked_mul(ten(bought.decimals)?)?;
    let down = bought_price.checked_mul(ten(sold.decimals)?)?;
    capstan_units::mul_div_down(amount, up, down).ok()
}

/// What is left of an amount when it gets worse by so many hundredths of a percent.
fn less(amount: U256, bps: u32) -> U256 {
    let kept = U256::from(WHOLE_BPS.saturating_sub(bps));
    amount * kept / U256::from(WHOLE_BPS)
}
