//! What somebody provides: shares and positions, what they are worth, and what holding would have been worth.
//!
//! ```text
//!   in his wallet      LP tokens, positions       worth, fees, and holding by the chain's events
//!   on his accounts    pieces                     as the account contract tells them
//!   sent to contracts  LP tokens that they hold   whose they are, the contract says
//! ```
//!
//! What went in and came out is read from the chain's events. Where those do not tell all of it (shares or positions
//! that came from or went to others, a node that has forgotten its beginning), that is said, and nothing is guessed.
//! Worth is counted in the pool's first asset at the pool's own price of this moment.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256};
use capstan_client::{AccountName, Assets, Node, Pool, account, events_in, events_of, pools};
use capstan_contracts::{
    account::{self as accounts, IAccount::Executed},
    erc20::IErc20,
    exchange::{
        self,
        IExchange::{
            LiquidityAdded, LiquidityRemoved, RangeCollected, RangeGrown, RangeShrunk, rangeCall,
        },
        nft::{self, IRangePosition},
    },
    resolve,
};
use capstan_units::{decimal, mul_div_down};
use eyre::{OptionExt as _, Result};
use serde_json::{Value, json};

use super::floor::SHARE_DECIMALS;
use crate::{account::in_a_line, args::AskOptions};

pub(super) async fn show(ask: &AskOptions, owner: Address) -> Result<()> {
    let node = Node::new(&ask.rpc)?;
    let assets = Assets::of(&node).await?;
    let mut found = Vec::new();
    let all: Vec<Pool> = pools(&node)
        .await?
        .into_iter()
        .map(|(_, pool)| pool)
        .collect();
    for pool in &all {
        let known = Known::of(pool, &assets)?;
        if let Some(shares) = shares(&node, &known, owner).await? {
            found.push((known.clone(), shares));
        }
    }
    for number in positions(&node, owner).await? {
        let range = node
            .view(exchange::ADDRESS, &rangeCall { positionId: number })
            .await?;
        let pool = all.iter().find(|pool| pool.pool_id == range.poolId);
        let known = Known::of(pool.ok_or_eyre("a position of no pool")?, &assets)?;
        let held = position(&node, number, range).await?;
        found.push((known, held));
    }
    let on_accounts = on_accounts(&node, owner).await?;
    let mut elsewhere = Vec::new();
    for pool in &all {
        elsewhere.extend(sent_to_contracts(&node, pool, owner).await?);
    }
    if ask.json {
        let wallet = found.iter().map(|(known, held)| known.json(held));
        let pieces = on_accounts.iter().map(|(_, whole)| whole.clone());
        let elsewhere = elsewhere.iter().map(Elsewhere::json);
        let all: Value = wallet.chain(pieces).chain(elsewhere).collect();
        println!("{all:#}");
        return Ok(());
    }
    if found.is_empty() && on_accounts.is_empty() && elsewhere.is_empty() {
        println!("{owner} provides no liquidity");
    }
    for (number, (known, held)) in found.iter().enumerate() {
        if number > 0 {
            println!();
        }
        known.print(held);
    }
    for (words, _) in &on_accounts {
        println!("{words}");
    }
    for held in &elsewhere {
        println!("{}", held.words());
    }
    Ok(())
}

/// Pieces of all accounts that somebody ever ran a batch on: in words and whole. Where the node has forgotten its
/// beginning, those of the first account.
async fn on_accounts(node: &Node, owner: Address) -> Result<Vec<(String, Value)>> {
    let ran = events_of::<Executed>(node, accounts::ADDRESS, &[Some(owner.into_word())]).await;
    let indexes: BTreeSet<u8> = match ran {
        Ok(ran) => ran.into_iter().map(|(_, event)| event.index).collect(),
        Err(_) => [0].into(),
    };
    let mut found = Vec::new();
    for index in indexes {
        let (whole, state) = account(node, AccountName { owner, index }).await?;
        let pieces = state.standing.pieces.into_iter().flatten();
        let wholes = whole["pieces"].as_array().cloned().unwrap_or_default();
        for (piece, mut whole) in pieces.zip(wholes) {
            whole["account"] = json!(index);
            found.push((format!("account {index}: {}", in_a_line(&piece)), whole));
        }
    }
    Ok(found)
}

/// Shares that a wallet sent to a contract, which holds some now.
struct Elsewhere {
    pool_id: u32,
    contract: Address,
    sent: U256,
    holds: U256,
}

async fn sent_to_contracts(node: &Node, pool: &Pool, owner: Address) -> Result<Vec<Elsewhere>> {
    let Some(token) = pool.lp_token else {
        return Ok(Vec::new());
    };
    let who = Some(owner.into_word());
    // Without the chain's beginning nobody can tell.
    let Ok(went) = events_of::<IErc20::Transfer>(node, token, &[who]).await else {
        return Ok(Vec::new());
    };
    let mut sums = BTreeMap::<Address, U256>::new();
    for (_, event) in went.into_iter().filter(|(_, event)| !event.to.is_zero()) {
        let sum = sums.entry(event.to).or_default();
        *sum = sum.saturating_add(event.value);
    }
    let mut found = Vec::new();
    for (contract, sent) in sums {
        let code: Bytes = node
            .read("eth_getCode", json!([contract, "latest"]))
            .await?;
        let held = IErc20::balanceOfCall { account: contract };
        let holds = node.view(token, &held).await?;
        if !code.is_empty() && !holds.is_zero() {
            found.push(Elsewhere {
                pool_id: pool.pool_id,
                contract,
                sent,
                holds,
            });
        }
    }
    Ok(found)
}

impl Elsewhere {
    fn words(&self) -> String {
        let shares = |amount| decimal(amount, SHARE_DECIMALS);
        let name = resolve(self.contract).map_or("contract", |known| known.name);
        format!(
            "{name} {}: sent {} shares of pool #{} there, and it holds {}; whose they are, it says",
            self.contract,
            shares(self.sent),
            self.pool_id,
            shares(self.holds)
        )
    }

    fn json(&self) -> Value {
        json!({
            "poolId": self.pool_id,
            "contract": self.contract,
            "sharesSent": self.sent,
            "sharesHeld": self.holds,
        })
    }
}

/// A pool, as far as worth needs it.
#[derive(Clone)]
struct Known {
    pool: Pool,
    decimals: Vec<u8>,
    /// What one whole of each asset costs in the first one, where there is a price.
    prices: Vec<Option<f64>>,
}

/// What somebody has in a pool.
struct Held {
    what: What,
    /// What it would give now, without fees that are kept apart.
    worth: Vec<U256>,
    /// Fees of a position that wait, and those that were taken.
    fees: Option<[Vec<U256>; 2]>,
    /// What went in less what came out; none where nobody can tell.
    put_in: Option<Vec<i128>>,
}

enum What {
    Shares { held: U256, total: U256 },
    Position { number: u64, lower: i32, upper: i32 },
}

/// Shares of a pool that a wallet has, if it has any.
async fn shares(node: &Node, known: &Known, owner: Address) -> Result<Option<Held>> {
    let (Some(token), Some(total)) = (known.pool.lp_token, &known.pool.total_shares) else {
        return Ok(None);
    };
    let held = node
        .view(token, &IErc20::balanceOfCall { account: owner })
        .await?;
    if held.is_zero() {
        return Ok(None);
    }
    let total = total.amount;
    let part = |reserve| mul_div_down(held, reserve, total).unwrap_or_default();
    let reserves = known.pool.assets.iter().map(|asset| asset.reserve.amount);
    Ok(Some(Held {
        what: What::Shares { held, total },
        worth: reserves.map(part).collect(),
        fees: None,
        put_in: shares_history(node, known, token, owner).await,
    }))
}

/// What a wallet put into shares, less what it took out: none where shares came from or went to somebody else.
async fn shares_history(
    node: &Node,
    known: &Known,
    token: Address,
    owner: Address,
) -> Option<Vec<i128>> {
    let who = Some(owner.into_word());
    let came: Vec<(B256, IErc20::Transfer)> = events_of(node, token, &[None, who]).await.ok()?;
    let went: Vec<(B256, IErc20::Transfer)> = events_of(node, token, &[who]).await.ok()?;
    let (mut sum, id) = (vec![0_i128; known.decimals.len()], known.pool.pool_id);
    for (transaction, event) in came {
        if !event.from.is_zero() {
            return None;
        }
        let added: Vec<LiquidityAdded> =
            events_in(node, exchange::ADDRESS, transaction).await.ok()?;
        let added = added.into_iter();
        let mut added = added.filter(|added| added.poolId == id && added.shares == event.value);
        count(&mut sum, &added.next()?.amounts, 1)?;
    }
    for (transaction, event) in went {
        if !event.to.is_zero() {
            return None;
        }
        let gone: Vec<LiquidityRemoved> =
            events_in(node, exchange::ADDRESS, transaction).await.ok()?;
        let gone = gone.into_iter();
        let mut gone = gone.filter(|gone| gone.poolId == id && gone.shares == event.value);
        count(&mut sum, &gone.next()?.amounts, -1)?;
    }
    Some(sum)
}

fn count(sum: &mut [i128], amounts: &[U256], sign: i128) -> Option<()> {
    for (sum, amount) in sum.iter_mut().zip(amounts) {
        *sum += sign * i128::try_from(*amount).ok()?;
    }
    Some(())
}

/// Positions that ever came to somebody and are still his.
async fn positions(node: &Node, owner: Address) -> Result<BTreeSet<u64>> {
    let who = Some(owner.into_word());
    let came: Vec<(B256, IRangePosition::Transfer)> =
        events_of(node, nft::ADDRESS, &[None, who]).await?;
    let mut still = BTreeSet::new();
    for (_, event) in came {
        let ask = IRangePosition::ownerOfCall {
            tokenId: event.tokenId,
        };
        if node.view(nft::ADDRESS, &ask).await? == owner {
            still.insert(u64::try_from(event.tokenId)?);
        }
    }
    Ok(still)
}

async fn position(
    node: &Node,
    number: u64,
    range: capstan_contracts::exchange::IExchange::Range,
) -> Result<Held> {
    let history = position_history(node, number).await;
    let taken = history.as_ref().map(|(_, taken)| taken.to_vec());
    Ok(Held {
        what: What::Position {
            number,
            lower: range.lower,
            upper: range.upper,
        },
        worth: range.principal.to_vec(),
        fees: Some([range.fees.to_vec(), taken.unwrap_or_default()]),
        put_in: history.map(|(put_in, _)| put_in),
    })
}

/// What went into a position, less what came out but for fees; and the fees that were taken.
async fn position_history(node: &Node, number: u64) -> Option<(Vec<i128>, [U256; 2])> {
    let word = Some(U256::from(number).into());
    let at = exchange::ADDRESS;
    let mut sum = vec![0_i128; 2];
    let grown: Vec<(B256, RangeGrown)> = events_of(node, at, &[word]).await.ok()?;
    for (_, event) in grown {
        count(&mut sum, &[event.amount0, event.amount1], 1)?;
    }
    let shrunk: Vec<(B256, RangeShrunk)> = events_of(node, at, &[word]).await.ok()?;
    for (_, event) in shrunk {
        count(&mut sum, &[event.amount0, event.amount1], -1)?;
    }
    let mut fees = [U256::ZERO; 2];
    let collected: Vec<(B256, RangeCollected)> = events_of(node, at, &[word]).await.ok()?;
    for (_, event) in collected {
        fees[0] += event.fee0;
        fees[1] += event.fee1;
    }
    Some((sum, fees))
}

impl Known {
    fn of(pool: &Pool, assets: &Assets) -> Result<Self> {
        let mut decimals = Vec::new();
        for asset in &pool.assets {
            let known = assets.get(asset.asset_id).ok_or_eyre("an unknown asset")?;
            decimals.push(known.decimals);
        }
        let first = pool.assets.first().map(|asset| asset.asset_id);
        let price = |id: u32| {
            if Some(id) == first {
                return Some(1.0);
            }
            let price = pool.prices.iter().find(|price| price.asset_id == id)?;
            price.spot.as_ref()?.text.parse().ok()
        };
        let prices = pool.assets.iter().map(|asset| price(asset.asset_id));
        Ok(Self {
            prices: prices.collect(),
            pool: pool.clone(),
            decimals,
        })
    }

    fn words(&self, amounts: &[U256]) -> String {
        let known = self.pool.assets.iter().zip(&self.decimals).zip(amounts);
        let said = known.map(|((asset, decimals), amount)| {
            format!("{} {}", decimal(*amount, *decimals), asset.symbol)
        });
        said.collect::<Vec<_>>().join(" and ")
    }

    /// Worth in whole units of the first asset; none without a price.
    fn value(&self, amounts: &[f64]) -> Option<f64> {
        let known = self.prices.iter().zip(&self.decimals).zip(amounts);
        known
            .map(|((price, decimals), amount)| {
                Some((*price)? * amount / 10_f64.powi(i32::from(*decimals)))
            })
            .sum()
    }

    fn value_of(&self, amounts: &[U256]) -> Option<f64> {
        let amounts: Vec<_> = amounts.iter().map(f64_of).collect();
        self.value(&amounts)
    }

    /// Worth now, worth of all fees, and what holding what was put in would be worth: each where it is known.
    fn sums(&self, held: &Held) -> [Option<f64>; 3] {
        let fees = held.fees.as_ref().map(|fees| {
            let parts = fees.iter().map(|fees| self.value_of(fees));
            parts.sum::<Option<f64>>()
        });
        let held_on = held.put_in.as_ref().map(|put_in| {
            let put_in: Vec<_> = put_in.iter().map(|amount| *amount as f64).collect();
            self.value(&put_in)
        });
        [
            self.value_of(&held.worth),
            fees.flatten(),
            held_on.flatten(),
        ]
    }

    fn print(&self, held: &Held) {
        let row = |name: &str, value: String| println!("{name:<10}{value}");
        let pool = &self.pool;
        let symbols: Vec<_> = pool.assets.iter().map(|asset| &*asset.symbol).collect();
        let first = symbols.first().copied().unwrap_or("?");
        let title = format!("#{} {}, {}", pool.pool_id, symbols.join("/"), pool.curve);
        let [worth, fees, held_on] = self.sums(held);
        match held.what {
            What::Shares { held, total } => {
                row("pool", title);
                let part = mul_div_down(held, U256::from(1_000_000), total).unwrap_or_default();
                let part = decimal(part, 4);
                row(
                    "shares",
                    format!("{}, {part} % of the pool", decimal(held, 18)),
                );
            }
            What::Position {
                number,
                lower,
                upper,
            } => {
                row("position", format!("#{number} in pool {title}"));
                let tick = pool.range.as_ref().map_or(0, |range| range.tick);
                let place = if tick < lower {
                    "above the price: it earns nothing now"
                } else if tick >= upper {
                    "below the price: it earns nothing now"
                } else {
                    "around the price"
                };
                row("range", format!("ticks {lower} to {upper}, {place}"));
            }
        }
        let said = |value: Option<f64>| match value {
            Some(value) => format!(" = {} {first}", short(value)),
            None => String::new(),
        };
        row(
            "worth",
            format!("{}{}", self.words(&held.worth), said(worth)),
        );
        if let Some([waiting, taken]) = &held.fees {
            let taken = if taken.iter().all(U256::is_zero) {
                "none taken so far".to_owned()
            } else {
                format!("taken so far {}", self.words(taken))
            };
            row("fees", format!("{} to take, {taken}", self.words(waiting)));
        }
        match (worth, held_on) {
            (Some(worth), Some(held_on)) if held_on > 0.0 => {
                let by = |value: f64| format!("{:+.2} %", (value / held_on - 1.0) * 100.0);
                let words = match fees {
                    Some(fees) => {
                        format!("{} without fees, {} with them", by(worth), by(worth + fees))
                    }
                    None => format!("{}, fees included", by(worth)),
                };
                row(
                    "holding",
                    format!("would be worth {} {first}: this is {words}", short(held_on)),
                );
            }
            _ => row(
                "holding",
                "unknown: the chain's events do not tell all that went in and came out".to_owned(),
            ),
        }
    }

    fn json(&self, held: &Held) -> Value {
        let [worth, fees, held_on] = self.sums(held);
        let fixed = |amounts: &[U256]| -> Value {
            let known = self.pool.assets.iter().zip(&self.decimals).zip(amounts);
            let said = known.map(|((asset, decimals), amount)| {
                json!({
                    "assetId": asset.asset_id,
                    "symbol": asset.symbol,
                    "amount": amount,
                    "text": decimal(*amount, *decimals),
                })
            });
            said.collect()
        };
        let mut told = json!({
            "poolId": self.pool.pool_id,
            "curve": self.pool.curve,
            "amounts": fixed(&held.worth),
            "worthInFirst": worth,
            "heldInFirst": held_on,
            "feesInFirst": fees,
        });
        match held.what {
            What::Shares { held, total } => {
                told["shares"] = json!(held);
                told["totalShares"] = json!(total);
            }
            What::Position {
                number,
                lower,
                upper,
            } => {
                told["positionId"] = json!(number);
                told["ticks"] = json!([lower, upper]);
            }
        }
        if let Some([waiting, taken]) = &held.fees {
            told["feesToTake"] = fixed(waiting);
            told["feesTaken"] = fixed(taken);
        }
        told
    }
}

fn f64_of(amount: &U256) -> f64 {
    u128::try_from(*amount).map_or(f64::INFINITY, |amount| amount as f64)
}

/// A number as people read it: six digits behind the point, without zeros at its end.
fn short(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_have_no_zeros_at_their_end() {
        let check = |value: f64, text: &str| assert_eq!(short(value), text);
        check(2.0, "2");
        check(0.5, "0.5");
        check(1_234.567_890_1, "1234.56789");
        check(0.0, "0");
        check(100.0, "100");
    }
}
