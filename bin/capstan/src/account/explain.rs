//! `capstan account explain`: a liquidation in words, from what the block wrote down.

use capstan_client::{AccountName, Assets, Fixed, Node};
use eyre::{OptionExt as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use alloy_primitives::{Address, U64};

use super::{owner, show};
use crate::{
    args::{AskOptions, SignerOptions},
    words::percent,
};

/// Digits of dollars and of amounts.
const DOLLAR_PLACES: u8 = 2;
const PLACES: u8 = 6;
/// What the node calls a debt that is set off against the same asset.
const NETTING: &str = "netting";

/// As `capstan_explainLiquidation` answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explained {
    pub(crate) id: U64,
    pub(crate) block_number: U64,
    pub(crate) owner: Address,
    pub(crate) index: u8,
    pub(crate) health_before: Fixed,
    pub(crate) health_after: Option<Fixed>,
    steps: Vec<Step>,
    losses: Vec<Loss>,
    pub(crate) compared: Option<Compared>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    venue: String,
    debt_asset_id: u32,
    paid: Fixed,
    collateral_asset_id: u32,
    taken: Fixed,
    to_reserve: Fixed,
    discount_bps: u16,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Loss {
    asset_id: u32,
    tier: String,
    amount: Fixed,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Compared {
    pub(crate) paid_value: Fixed,
    pub(crate) taken_value: Fixed,
    pub(crate) penalty: Fixed,
    pub(crate) aave: Aave,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Aave {
    close_factor_bps: u32,
    bonus_bps: u32,
    paid_value: Fixed,
    taken_value: Fixed,
    pub(crate) penalty: Fixed,
}

pub(super) async fn run(
    ask: &AskOptions,
    signer: &SignerOptions,
    index: u8,
    id: Option<u64>,
) -> Result<()> {
    let node = Node::new(&ask.rpc)?;
    let id = match id {
        Some(id) => U64::from(id),
        None => {
            let name = AccountName {
                owner: owner(signer, None)?,
                index,
            };
            let newest = newest(&node, Some(name), 1).await?;
            *newest.first().ok_or_eyre(format!(
                "account {index} of {} was never liquidated; its history: `capstan account history`",
                name.owner
            ))?
        }
    };
    let (whole, told) = explained(&node, id).await?;
    if ask.json {
        println!("{whole:#}");
        return Ok(());
    }
    let assets = Assets::of(&node).await?;
    for line in told.lines(&assets) {
        println!("{line}");
    }
    Ok(())
}

/// Numbers of the newest liquidations of an account, or of all.
pub(crate) async fn newest(node: &Node, of: Option<AccountName>, limit: usize) -> Result<Vec<U64>> {
    #[derive(Deserialize)]
    struct Page {
        items: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        id: U64,
    }
    let of = of.map(|name| json!({"owner": name.owner, "index": name.index}));
    let asked = json!([of, {"limit": limit}]);
    let page: Page = node.read("capstan_liquidations", asked).await?;
    Ok(page.items.into_iter().map(|item| item.id).collect())
}

/// One liquidation: as the node wrote it, and read.
pub(crate) async fn explained(node: &Node, id: U64) -> Result<(Value, Explained)> {
    let whole = node
        .call_in_words("capstan_explainLiquidation", json!([id]))
        .await?;
    let told = serde_json::from_value(whole.clone())?;
    Ok((whole, told))
}

fn usd(value: &Fixed) -> String {
    format!("{} USD", value.near(DOLLAR_PLACES))
}

impl Explained {
    /// Whether nothing was sold: what the account owed and had of one asset cancelled each other.
    pub(crate) fn is_set_off(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.venue == NETTING)
    }

    /// A few lines of at most eighty columns, but for an address.
    pub(crate) fn lines(&self, assets: &Assets) -> Vec<String> {
        let symbol = |id: u32| {
            let asset = assets.get(id);
            asset.map_or_else(|| format!("#{id}"), |asset| asset.symbol.clone())
        };
        let what = match self.is_set_off() {
            true => "setting off",
            false => "liquidation",
        };
        let mut lines = vec![
            format!(
                "{what} {} in block {}",
                self.id.to::<u64>(),
                self.block_number.to::<u64>()
            ),
            format!("account   {} of {}", self.index, self.owner),
            format!(
                "health    {} before, {} after",
                show::health(Some(&self.health_before)),
                show::health(self.health_after.as_ref())
            ),
        ];
        for step in &self.steps {
            let goods = symbol(step.collateral_asset_id);
            if step.venue == NETTING {
                lines.push(format!(
                    "set off   {} {goods} that it had, against as much of its debt, for nothing",
                    step.taken.near(PLACES)
                ));
                continue;
            }
            lines.push(format!(
                "sold      {} {goods} for {} {} of debt",
                step.taken.near(PLACES),
                step.paid.near(PLACES),
                symbol(step.debt_asset_id),
            ));
            lines.push(format!(
                "          by {}, {} below the oracle's price",
                venue(&step.venue),
                percent(step.discount_bps),
            ));
            if !step.to_reserve.amount.is_zero() {
                let kept = step.to_reserve.near(PLACES);
                lines.push(format!("          {kept} {goods} more went to the reserve"));
            }
        }
        for loss in &self.losses {
            lines.push(format!(
                "loss      {} {} borne by {}",
                loss.amount.near(PLACES),
                symbol(loss.asset_id),
                loss.tier
            ));
        }
        if let Some(compared) = &self.compared {
            let aave = &compared.aave;
            lines.push(format!(
                "penalty   {}: {} of collateral for {} of debt",
                usd(&compared.penalty),
                usd(&compared.taken_value),
                usd(&compared.paid_value)
            ));
            lines.push(format!(
                "Aave v3   {}: {} for {} at once",
                usd(&aave.penalty),
                usd(&aave.taken_value),
                usd(&aave.paid_value)
            ));
            lines.push(format!(
                "          by its rule of {} of the debt and a bonus of {}",
                percent(aave.close_factor_bps),
                percent(aave.bonus_bps)
            ));
        }
        lines
    }
}

fn venue(name: &str) -> &str {
    match name {
        "exchange" => "the pools",
        "offer" => "a bidder",
        "backstop" => "the backstop",
        "match" => "another account's sale",
        other => other,
    }
}
