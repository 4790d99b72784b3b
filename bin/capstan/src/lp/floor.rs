//! The ground under liquidity: a pool with its assets on a node, what a call would answer, and words for all of it.

use alloy_primitives::{Address, B256, Bytes, U256};
use capstan_client::{Amount, Asked, Asset, Assets, Call, Node, Pool, events_in, pools};
use capstan_contracts::exchange::{self, IExchange};
use capstan_units::{decimal, mul_div_down, mul_div_up};
use eyre::{OptionExt as _, Result, WrapErr as _, bail};
use serde_json::{Value, json};

use crate::{
    account::{balance, owner},
    args::Signing,
    consent::Stakes,
    deed::{approval, tried},
    swap::spendable,
};

/// The largest amount of an asset.
pub(super) const AMOUNT_MAX: U256 = U256::from_limbs([u64::MAX, (1 << 48) - 1, 0, 0]);
/// Decimals of shares.
pub(super) const SHARE_DECIMALS: u8 = 18;
const WHOLE_BPS: u32 = 10_000;
/// How long a signed verb holds.
const VALID_MS: u64 = 600_000;

/// A pool and its assets on a node, and whose wallet acts.
pub(super) struct Floor {
    pub(super) node: Node,
    pub(super) wallet: Address,
    pub(super) pool: Pool,
    pub(super) assets: Vec<Asset>,
    pub(super) deadline_ms: u64,
}

impl Floor {
    pub(super) async fn open(signing: &Signing, number: u32) -> Result<Self> {
        let node = Node::new(&signing.ask.rpc)?;
        let wallet = owner(&signing.signer, None)?;
        let all = pools(&node).await?;
        let pool = all.into_iter().find(|(_, pool)| pool.pool_id == number);
        let (_, pool) = pool.ok_or_eyre(format!(
            "there is no pool {number}; `capstan pool list` names those there are"
        ))?;
        let listed = Assets::of(&node).await?;
        let known = |id: u32| listed.get(id).cloned().ok_or_eyre("an unknown asset");
        let assets = pool.assets.iter().map(|asset| known(asset.asset_id));
        let assets = assets.collect::<Result<_>>()?;
        let deadline_ms = node.head_time_ms().await? + VALID_MS;
        Ok(Self {
            node,
            wallet,
            pool,
            assets,
            deadline_ms,
        })
    }

    pub(super) fn is_range(&self) -> bool {
        self.pool.range.is_some()
    }

    /// How much of each asset was named.
    pub(super) async fn named(&self, amounts: &[Asked]) -> Result<Vec<Option<U256>>> {
        let listed = Assets::from_list(self.assets.clone());
        let mut named = vec![None; self.assets.len()];
        for asked in amounts {
            let asset = listed.find(&asked.asset).wrap_err(format!(
                "pool #{} holds {}",
                self.pool.pool_id,
                self.symbols().join(" and ")
            ))?;
            let there_is = spendable(asset, balance(&self.node, asset, self.wallet).await?);
            let amount = match asked.amount {
                Amount::Max => there_is,
                ref amount => amount.resolve(asset.decimals, there_is)?,
            };
            if amount > there_is {
                bail!(
                    "the wallet has {} {} to spend",
                    decimal(there_is, asset.decimals),
                    asset.symbol
                );
            }
            for (place, known) in self.assets.iter().enumerate() {
                if known.id == asset.id && named[place].replace(amount).is_some() {
                    bail!("{} is named twice", asset.symbol);
                }
            }
        }
        if named.iter().flatten().all(U256::is_zero) {
            bail!("the amount is zero");
        }
        Ok(named)
    }

    fn symbols(&self) -> Vec<&str> {
        self.assets.iter().map(|asset| &*asset.symbol).collect()
    }

    pub(super) fn words(&self, amounts: &[U256]) -> String {
        let known = self.assets.iter().zip(amounts);
        let said = known.map(|(asset, amount)| {
            format!("{} {}", decimal(*amount, asset.decimals), asset.symbol)
        });
        said.collect::<Vec<_>>().join(" and ")
    }

    pub(super) fn json_of(&self, amounts: &[U256]) -> Value {
        let known = self.assets.iter().zip(amounts);
        let said = known.map(|(asset, amount)| {
            json!({
                "assetId": asset.id,
                "symbol": asset.symbol,
                "amount": amount,
                "text": decimal(*amount, asset.decimals),
            })
        });
        said.collect()
    }

    /// What must be allowed first of tokens of others, if less is allowed than may be taken.
    pub(super) async fn approvals(&self, most: &[U256]) -> Result<Vec<Call>> {
        let mut approvals = Vec::new();
        for (asset, most) in self.assets.iter().zip(most) {
            let spender = exchange::ADDRESS;
            approvals.extend(approval(&self.node, asset, self.wallet, spender, *most).await?);
        }
        Ok(approvals)
    }

    /// What the exchange answers to a call by the wallet, after approvals that it still has to sign.
    pub(super) async fn tried(&self, approvals: &[Call], input: &Bytes) -> Result<Bytes> {
        tried(&self.node, self.wallet, approvals, &to_exchange(input)).await
    }

    /// So much of each asset leaves the wallet or the pool.
    pub(super) async fn stakes(&self, amounts: &[U256], what: &'static str) -> Stakes {
        let mut stakes = Stakes::default();
        for (asset, amount) in self.assets.iter().zip(amounts) {
            stakes = stakes.amount(&self.node, asset, *amount, what).await;
        }
        stakes.together(what)
    }
}

/// A call of the exchange.
pub(super) fn to_exchange(input: &Bytes) -> Call {
    Call {
        to: exchange::ADDRESS,
        input: input.clone(),
        value_wei: U256::ZERO,
    }
}

impl Floor {
    pub(super) fn title(&self) -> String {
        let (number, symbols) = (self.pool.pool_id, self.symbols().join("/"));
        format!("#{number} {symbols}, {}", self.pool.curve)
    }

    pub(super) fn range_words(&self, lower: i32, upper: i32) -> String {
        let (first, second) = (&self.assets[0], &self.assets[1]);
        let price = |tick| price_of(tick, first.decimals, second.decimals);
        let now = self.pool.range.as_ref().map(|range| range.tick);
        let place = match now {
            Some(tick) if tick < lower => ", above the price",
            Some(tick) if tick >= upper => ", below the price",
            _ => "",
        };
        format!(
            "1 {} from {:.6} to {:.6} {} (ticks {lower} to {upper}){place}",
            first.symbol,
            price(lower),
            price(upper),
            second.symbol
        )
    }

    /// What part of a pool of shares would be theirs who just made some.
    pub(super) fn part_after(&self, made: U256) -> Option<String> {
        let total = self.pool.total_shares.as_ref()?.amount.saturating_add(made);
        let part = mul_div_down(made, U256::from(1_000_000), total).ok()?;
        Some(format!("{} % of the pool for these", decimal(part, 4)))
    }
}

/// What a transaction did.
pub(super) struct Done {
    pub(super) words: String,
    pub(super) json: Value,
}

impl Floor {
    pub(super) async fn done(&self, transaction: B256) -> Result<Done> {
        let node = &self.node;
        let shares = |amount: U256| decimal(amount, SHARE_DECIMALS);
        if let Some(event) =
            events_in::<IExchange::LiquidityAdded>(node, exchange::ADDRESS, transaction)
                .await?
                .pop()
        {
            let (amounts, made) = (self.words(&event.amounts), shares(event.shares));
            return Ok(Done {
                words: format!("put in {amounts} for {made} shares"),
                json: json!({"amounts": self.json_of(&event.amounts), "shares": event.shares}),
            });
        }
        if let Some(event) =
            events_in::<IExchange::LiquidityRemoved>(node, exchange::ADDRESS, transaction)
                .await?
                .pop()
        {
            let (amounts, burned) = (self.words(&event.amounts), shares(event.shares));
            return Ok(Done {
                words: format!("received {amounts} for {burned} shares"),
                json: json!({"amounts": self.json_of(&event.amounts), "shares": event.shares}),
            });
        }
        if let Some(event) =
            events_in::<IExchange::RangeGrown>(node, exchange::ADDRESS, transaction)
                .await?
                .pop()
        {
            let (position, amounts) = (event.positionId, [event.amount0, event.amount1]);
            return Ok(Done {
                words: format!("put in {} as position #{position}", self.words(&amounts)),
                json: json!({
                    "positionId": position,
                    "amounts": self.json_of(&amounts),
                    "liquidity": U256::from(event.liquidity),
                }),
            });
        }
        let shrunk =
            events_in::<IExchange::RangeShrunk>(node, exchange::ADDRESS, transaction).await?;
        let collected =
            events_in::<IExchange::RangeCollected>(node, exchange::ADDRESS, transaction).await?;
        let principal = shrunk
            .last()
            .map_or([U256::ZERO; 2], |event| [event.amount0, event.amount1]);
        let fees = collected
            .last()
            .map_or([U256::ZERO; 2], |event| [event.fee0, event.fee1]);
        Ok(Done {
            words: format!(
                "received {}, and {} of fees",
                self.words(&principal),
                self.words(&fees)
            ),
            json: json!({"amounts": self.json_of(&principal), "fees": self.json_of(&fees)}),
        })
    }
}

/// The tick of a price of one of the first asset in the second, in whole units; a part of one.
pub(super) fn tick_of(price: f64, decimals0: u8, decimals1: u8) -> f64 {
    let shift = i32::from(decimals1) - i32::from(decimals0);
    (price * 10_f64.powi(shift)).ln() / 1.0001_f64.ln()
}

/// The price at a tick.
fn price_of(tick: i32, decimals0: u8, decimals1: u8) -> f64 {
    let shift = i32::from(decimals0) - i32::from(decimals1);
    1.0001_f64.powi(tick) * 10_f64.powi(shift)
}

pub(super) fn less(amount: U256, bps: u32) -> U256 {
    let kept = U256::from(WHOLE_BPS.saturating_sub(bps));
    mul_div_down(amount, kept, U256::from(WHOLE_BPS)).unwrap_or_default()
}

pub(super) fn more(amount: U256, bps: u32) -> U256 {
    let whole = U256::from(WHOLE_BPS.saturating_add(bps));
    let most = mul_div_up(amount, whole, U256::from(WHOLE_BPS)).unwrap_or(AMOUNT_MAX);
    most.min(AMOUNT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_and_prices_are_two_ways_of_one_number() {
        // 2,000 USDC of 6 decimals for an ETH of 18.
        let tick = tick_of(2_000.0, 18, 6);
        assert_eq!(tick.floor(), -200_312.0);
        assert!((price_of(-200_311, 18, 6) - 2_000.0).abs() < 0.3);
        assert_eq!(tick_of(1.0, 18, 18), 0.0);
    }

    #[test]
    fn slippage_is_for_the_signer() {
        assert_eq!(less(U256::from(1_001), 50), U256::from(995));
        assert_eq!(more(U256::from(1_001), 50), U256::from(1_007));
        assert_eq!(more(AMOUNT_MAX, 50), AMOUNT_MAX);
    }
}
