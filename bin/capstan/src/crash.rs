//! `capstan dev crash`: pushes a price of a running development node, and tells what the block does about it.
//!
//! The node's own feed reports the path, so the oracle walks it by its rules; nothing here touches a price. What is told is
//! read from the chain: prices as they were accepted, liquidations with their explanations, orders that fired.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, U64, U256};
use alloy_sol_types::SolEvent as _;
use capstan_client::{Assets, ClientError, Fixed, Node, events_in, events_of};
use capstan_contracts::{
    oracle::{self, IOracle},
    triggers::{
        self,
        ITriggers::{TriggerCreated, TriggerFired},
    },
};
use capstan_units::decimal_down;
use eyre::{OptionExt as _, Result, WrapErr as _};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    account::explain::{self, Explained},
    args::CrashOptions,
    block_on,
    words::count,
};

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Rounds of the price behind a shock until it has surely arrived.
const ROUNDS_AFTER: u64 = 2;
/// The block goes on selling for a while after the last price.
const QUIET: Duration = Duration::from_secs(3);
/// After that much beyond the path the end is told, whatever still goes on.
const PATIENCE: Duration = Duration::from_secs(60);
/// Lines of prices at most.
const PRICE_LINES: usize = 12;
/// Liquidations of one look at most.
const LIQUIDATIONS_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    asset_id: u32,
    from: Fixed,
    to: Fixed,
    every_ms: u64,
    path: Vec<Fixed>,
    followers: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feed {
    shocks: Vec<Running>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Running {
    asset_id: u32,
}

#[derive(Deserialize)]
struct Label {
    address: Address,
    kind: String,
    name: String,
}

pub(crate) fn run(options: &CrashOptions) -> Result<()> {
    block_on(async {
        tokio::select! {
            ended = crash(options) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })
}

async fn crash(options: &CrashOptions) -> Result<()> {
    let node = Node::new(&options.ask.rpc)?;
    let assets = Assets::of(&node).await?;
    let mut told = Told::begin(&node, options.ask.json).await?;
    let asked = json!([options.asset, options.to, options.over.as_secs()]);
    let begun: Begun = node
        .read("capstan_shock", asked)
        .await
        .wrap_err("the node does not move its prices")?;
    told.path(&begun, &assets);
    let deadline = Instant::now()
        + Duration::from_millis(begun.every_ms.saturating_mul(begun.path.len() as u64))
        + PATIENCE;
    let mut quiet_since = None;
    let mut ended_in = None;
    while Instant::now() < deadline {
        tokio::time::sleep(LOOK_EVERY).await;
        let is_news = told.look(&node, &assets, &begun).await?;
        if runs(&node, begun.asset_id).await? {
            continue;
        }
        // What the feed has said last may still be on its way to a block: later rounds tell that it has arrived.
        let ended_in = *ended_in.get_or_insert(told.rounds);
        if is_news || told.rounds < ended_in + ROUNDS_AFTER {
            quiet_since = None;
            continue;
        }
        if quiet_since.get_or_insert_with(Instant::now).elapsed() >= QUIET {
            break;
        }
    }
    told.end(&node, &begun, &assets).await
}

/// Whether a shock on an asset still has prices to report.
async fn runs(node: &Node, asset_id: u32) -> Result<bool> {
    let feed: Option<Feed> = node.read("capstan_feed", json!([])).await?;
    let shocks = feed.map(|feed| feed.shocks).unwrap_or_default();
    Ok(shocks.iter().any(|one| one.asset_id == asset_id))
}

/// What was seen, and told.
struct Told {
    json: bool,
    names: BTreeMap<Address, String>,
    /// The newest liquidation and block that were there before.
    last_id: Option<U64>,
    next_block: u64,
    first_block: u64,
    last_price: u128,
    /// The round of the price, and how many of them were seen.
    round: u64,
    rounds: u64,
    last_line: usize,
    liquidations: Vec<(Value, Explained)>,
    fired: Vec<(B256, TriggerFired)>,
}

impl Told {
    async fn begin(node: &Node, json: bool) -> Result<Self> {
        let labels: Vec<Label> = node.read("capstan_labels", json!([])).await?;
        let names = labels
            .into_iter()
            .filter(|label| label.kind == "bot")
            .map(|label| (label.address, label.name));
        let newest = explain::newest(node, None, 1).await?;
        let head = node.quantity("eth_blockNumber", json!([])).await?;
        Ok(Self {
            json,
            names: names.collect(),
            last_id: newest.first().copied(),
            next_block: head + 1,
            first_block: head,
            last_price: 0,
            round: 0,
            rounds: 0,
            last_line: 0,
            liquidations: Vec::new(),
            fired: Vec::new(),
        })
    }

    fn say(&self, line: impl AsRef<str>) {
        if !self.json {
            println!("{}", line.as_ref());
        }
    }

    fn path(&self, begun: &Begun, assets: &Assets) {
        let symbol = symbol(assets, begun.asset_id);
        self.say(format!(
            "{symbol} goes from {} to {} USD in {} reports, one every {} ms",
            begun.from.near(2),
            begun.to.near(2),
            begun.path.len(),
            begun.every_ms
        ));
        for follower in &begun.followers {
            let name = self::symbol(assets, *follower);
            self.say(format!("{name} is priced by its rate to it, and follows"));
        }
        self.say("");
    }

    /// What is new since the last look; whether anything was sold.
    async fn look(&mut self, node: &Node, assets: &Assets, begun: &Begun) -> Result<bool> {
        self.price(node, assets, begun).await?;
        let fired = self.orders(node, assets).await?;
        let liquidated = self.liquidations(node, assets).await?;
        Ok(fired || liquidated)
    }

    async fn price(&mut self, node: &Node, assets: &Assets, begun: &Begun) -> Result<()> {
        let asked = IOracle::feedOfCall {
            assetId: begun.asset_id,
        };
        let state = node.view(oracle::ADDRESS, &asked).await?;
        if state.round != self.round {
            self.round = state.round;
            self.rounds += 1;
        }
        if state.spot == self.last_price {
            return Ok(());
        }
        self.last_price = state.spot;
        let at = begun
            .path
            .iter()
            .position(|price| price.amount == U256::from(state.spot));
        let Some(at) = at.map(|at| at + 1) else {
            return Ok(());
        };
        // Not every report is a line: a long path would drown what happens on it.
        let line = at * PRICE_LINES / begun.path.len();
        if line > self.last_line || at == begun.path.len() {
            self.last_line = line;
            self.say(format!(
                "{:>5} of {}  {} {} USD",
                at,
                begun.path.len(),
                symbol(assets, begun.asset_id),
                usd(U256::from(state.spot))
            ));
        }
        Ok(())
    }

    async fn orders(&mut self, node: &Node, assets: &Assets) -> Result<bool> {
        let head = node.quantity("eth_blockNumber", json!([])).await?;
        if head < self.next_block {
            return Ok(false);
        }
        let new = fired_in(node, self.next_block, head).await?;
        self.next_block = head + 1;
        for (_, order) in &new {
            self.say(format!("order {} of {}", order.id, self.who(order.owner)));
            let (sell, buy) = pair(node, order.id).await?;
            let amount = |asset: u32, units: U256| {
                let decimals = assets.get(asset).map_or(0, |asset| asset.decimals);
                let text = decimal_down(units, decimals, 6);
                format!("{text} {}", symbol(assets, asset))
            };
            self.say(format!(
                "  fired at {} USD: sold {} for {}, repaid {}",
                usd(order.sellPrice),
                amount(sell, order.sold),
                amount(buy, order.received),
                amount(buy, order.repaid)
            ));
        }
        let is_news = !new.is_empty();
        self.fired.extend(new);
        Ok(is_news)
    }

    async fn liquidations(&mut self, node: &Node, assets: &Assets) -> Result<bool> {
        let newest = explain::newest(node, None, LIQUIDATIONS_MAX).await?;
        let last = self.last_id;
        let mut new: Vec<_> = newest
            .into_iter()
            .take_while(|id| Some(*id) != last)
            .collect();
        new.reverse();
        for id in &new {
            let (whole, told) = explain::explained(node, *id).await?;
            for line in told.lines(assets) {
                self.say(format!("  {line}"));
            }
            if let Some(name) = self.names.get(&told.owner) {
                self.say(format!("            who is {name}"));
            }
            self.last_id = Some(*id);
            self.liquidations.push((whole, told));
        }
        Ok(!new.is_empty())
    }

    fn who(&self, owner: Address) -> String {
        let name = self.names.get(&owner);
        name.cloned().unwrap_or_else(|| owner.to_string())
    }

    async fn end(mut self, node: &Node, begun: &Begun, assets: &Assets) -> Result<()> {
        self.look(node, assets, begun).await?;
        let penalties = Penalties::of(self.liquidations.iter().map(|(_, told)| told));
        if self.json {
            let fired: Vec<_> = self.fired.iter().map(order_json).collect();
            let told: Vec<_> = self.liquidations.iter().map(|(whole, _)| whole).collect();
            let whole = json!({
                "assetId": begun.asset_id,
                "from": begun.from.amount,
                "to": begun.to.amount,
                "fromBlock": self.first_block,
                "toBlock": self.next_block.saturating_sub(1),
                "liquidations": told,
                "orders": fired,
            });
            println!("{whole:#}");
            return Ok(());
        }
        println!();
        println!(
            "{} stands at {} USD",
            symbol(assets, begun.asset_id),
            usd(U256::from(self.last_price))
        );
        let sold: BTreeSet<_> = self
            .liquidations
            .iter()
            .filter(|(_, told)| !told.is_set_off())
            .map(|(_, told)| (told.owner, told.index))
            .collect();
        let set_off = self
            .liquidations
            .iter()
            .filter(|(_, told)| told.is_set_off());
        let set_off = set_off.count();
        println!(
            "{} of {}, {} fired",
            count(self.liquidations.len() - set_off, "liquidation"),
            count(sold.len(), "account"),
            count(self.fired.len(), "order")
        );
        if set_off > 0 {
            let debts = count(set_off, "debt");
            println!("{debts} set off against what the account had of the same asset, for nothing");
        }
        for line in penalties.iter().flat_map(Penalties::lines) {
            println!("{line}");
        }
        Ok(())
    }
}

/// What sales cost, beside Aave's rule. That one would have left another account behind, so what can be compared is the
/// first sale of each account.
#[derive(Debug, Default, PartialEq, Eq)]
struct Penalties {
    /// All sales here.
    all: U256,
    /// The first of each account here, and by the other rule at the same moment.
    first: U256,
    first_aave: U256,
    has_later: bool,
}

impl Penalties {
    fn of<'a>(all: impl Iterator<Item = &'a Explained>) -> Option<Self> {
        let mut sum = Self::default();
        let mut seen = BTreeSet::new();
        for told in all {
            let Some(compared) = &told.compared else {
                continue;
            };
            sum.all = sum.all.saturating_add(compared.penalty.amount);
            if seen.insert((told.owner, told.index)) {
                sum.first = sum.first.saturating_add(compared.penalty.amount);
                sum.first_aave = sum.first_aave.saturating_add(compared.aave.penalty.amount);
            } else {
                sum.has_later = true;
            }
        }
        (!seen.is_empty()).then_some(sum)
    }

    fn lines(&self) -> Vec<String> {
        let (all, first, aave) = (usd(self.all), usd(self.first), usd(self.first_aave));
        if !self.has_later {
            return vec![format!(
                "penalties {all} USD; Aave's rule would have taken {aave} USD"
            )];
        }
        vec![
            format!("penalties {all} USD in all"),
            format!("first sale of each account: {first} USD here, {aave} USD by Aave's rule"),
        ]
    }
}

/// What an order sells, and what it buys.
async fn pair(node: &Node, id: u64) -> Result<(u32, u32)> {
    let topic = Some(B256::from(U256::from(id)));
    let created = events_of::<TriggerCreated>(node, triggers::ADDRESS, &[topic]).await?;
    let (_, event) = created.first().ok_or_eyre("an order that nobody placed")?;
    Ok((event.order.sellAssetId, event.order.buyAssetId))
}

/// Orders that fired in these blocks, with their transactions.
async fn fired_in(
    node: &Node,
    from: u64,
    to: u64,
) -> Result<Vec<(B256, TriggerFired)>, ClientError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Log {
        transaction_hash: B256,
    }
    let filter = json!([{
        "fromBlock": U64::from(from),
        "toBlock": U64::from(to),
        "address": triggers::ADDRESS,
        "topics": [TriggerFired::SIGNATURE_HASH],
    }]);
    let logs: Vec<Log> = node.read("eth_getLogs", filter).await?;
    let mut hashes: Vec<_> = logs.into_iter().map(|log| log.transaction_hash).collect();
    hashes.dedup();
    let mut fired = Vec::new();
    for hash in hashes {
        let events = events_in::<TriggerFired>(node, triggers::ADDRESS, hash).await?;
        fired.extend(events.into_iter().map(|event| (hash, event)));
    }
    Ok(fired)
}

fn order_json((hash, order): &(B256, TriggerFired)) -> Value {
    json!({
        "transactionHash": hash,
        "id": order.id,
        "owner": order.owner,
        "index": order.index,
        "sellPrice": order.sellPrice,
        "sold": order.sold,
        "received": order.received,
        "repaid": order.repaid,
        "healthBefore": order.healthBefore,
        "healthAfter": order.healthAfter,
    })
}

fn symbol(assets: &Assets, id: u32) -> String {
    let asset = assets.get(id);
    asset.map_or_else(|| format!("#{id}"), |asset| asset.symbol.clone())
}

/// Dollars of 18 digits.
fn usd(value: U256) -> String {
    decimal_down(value, 18, 2)
}

#[cfg(test)]
mod tests;
