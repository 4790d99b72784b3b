//! What `capstan farm` makes of a batch: staking, and farming with borrowed units. What a pool gives or takes is what the
//! node previews, and its bounds, less what the signer tolerates, are what is signed.

use alloy_primitives::U256;
use alloy_sol_types::SolValue as _;
use capstan_client::{
    AccountName, Amount, Asked, Asset, AssetName, Batch, Farm, Outputs, There, Wish, farms,
    outputs, plan, preview,
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
        if let Some(asset) = &farm.asset {
            let amount = of(asset.asset_id);
            if amount.is_zero() {
                bail!(
                    "no {} is due there: claim, and swap what came",
                    asset.symbol
                );
            }
            batch.stake(number, amount);
            return Ok(());
        }
        let coins = self.coins_of(&farm).await?;
        let most: Vec<_> = coins.iter().map(|coin| of(coin.id)).collect();
        if most.iter().all(U256::is_zero) {
            bail!("none of what is due is a coin of the pool: claim, and swap what came");
        }
        self.provide_and_stake(batch, &farm, most, slippage).await
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

/// What is left of an amount when it gets worse by so many hundredths of a percent.
fn less(amount: U256, bps: u32) -> U256 {
    let kept = U256::from(WHOLE_BPS.saturating_sub(bps));
    amount * kept / U256::from(WHOLE_BPS)
}
