//! `capstan market`: what can be supplied and borrowed, and what it costs.

use capstan_client::{Asset, Assets, Market, Node, markets};
use eyre::{Result, eyre};
use serde_json::Value;

use crate::{
    args::{AskOptions, MarketCommand},
    block_on,
    table::Table,
    words::{brief, time},
};

pub(crate) fn run(command: &MarketCommand) -> Result<()> {
    match command {
        MarketCommand::List(ask) => {
            let found = block_on(all(ask))?;
            list(&found, ask.json)
        }
        MarketCommand::Show { ask, asset } => {
            let (found, assets) = block_on(async {
                let assets = Assets::of(&Node::new(&ask.rpc)?).await?;
                Ok::<_, eyre::Report>((all(ask).await?, assets))
            })?;
            let asset = assets.find(asset)?;
            let shown = found.iter().find(|(_, market)| market.asset_id == asset.id);
            let (whole, market) = shown.ok_or_else(|| no_market(asset, &found))?;
            if ask.json {
                println!("{whole:#}");
            } else {
                show(market);
            }
            Ok(())
        }
    }
}

/// The chain's own dollar, for one, is minted and not lent.
fn no_market(asset: &Asset, found: &[(Value, Market)]) -> eyre::Report {
    let listed: Vec<_> = found
        .iter()
        .map(|(_, market)| market.symbol.as_str())
        .collect();
    eyre!(
        "#{} {} has no lending market; there are markets of {}",
        asset.id,
        asset.symbol,
        listed.join(", ")
    )
}

async fn all(ask: &AskOptions) -> Result<Vec<(Value, Market)>> {
    Ok(markets(&Node::new(&ask.rpc)?).await?)
}

fn list(found: &[(Value, Market)], json: bool) -> Result<()> {
    if json {
        let whole: Vec<_> = found.iter().map(|(whole, _)| whole).collect();
        println!("{}", serde_json::to_string_pretty(&whole)?);
        return Ok(());
    }
    if found.is_empty() {
        println!("no asset has a market here");
        return Ok(());
    }
    let mut table = Table::new([
        "asset",
        "supplied",
        "borrowed",
        "in use",
        "earns a year",
        "costs a year",
        "price",
    ]);
    for (_, market) in found {
        table.row([
            format!("#{} {}", market.asset_id, market.symbol),
            brief(&market.supplied),
            brief(&market.borrowed),
            market.utilisation.percent(),
            market.supply_rate_per_year.percent(),
            market.borrow_rate_per_year.percent(),
            price(market),
        ]);
    }
    print!("{table}");
    if found.iter().any(|(_, market)| is_stale(market)) {
        eprintln!(
            "note: prices in brackets are not usable now; `capstan market show` says of each how old it is"
        );
    }
    Ok(())
}

/// There was a price, and nobody counts on it now.
fn is_stale(market: &Market) -> bool {
    let price = market.price.as_ref();
    price.is_some_and(|price| !price.usable && !price.spot.amount.is_zero())
}

/// A price, or why there is none to count on.
fn price(market: &Market) -> String {
    match &market.price {
        None => "none".to_owned(),
        Some(price) if price.usable => format!("{} USD", brief(&price.spot)),
        Some(price) if price.spot.amount.is_zero() => "not yet".to_owned(),
        Some(price) => format!("({} USD)", brief(&price.spot)),
    }
}

fn show(market: &Market) {
    let unit = &market.symbol;
    let row = |name: &str, value: String| println!("{name:<15}{value}");
    let amount = |number: &capstan_client::Fixed| format!("{} {unit}", number.text);
    row("asset", format!("#{} {unit}", market.asset_id));
    row("token", market.token.to_string());
    row("share token", market.share_token.to_string());
    row("supplied", amount(&market.supplied));
    row("borrowed", amount(&market.borrowed));
    row("cash", amount(&market.cash));
    row("reserve", amount(&market.reserve));
    row("in use", market.utilisation.percent());
    row("earns a year", market.supply_rate_per_year.percent());
    row("costs a year", market.borrow_rate_per_year.percent());
    row("supply cap", amount(&market.params.supply_cap));
    row("borrow cap", amount(&market.params.borrow_cap));
    let factor = u32::from(market.params.reserve_factor_bps);
    let factor = format!("{}.{:02} % of interest", factor / 100, factor % 100);
    row("reserve takes", factor);
    row("rate model", market.params.rate_model.clone());
    if let Some(next) = &market.next_params {
        let caps = (&next.params.supply_cap, &next.params.borrow_cap);
        let from_ms: u64 = next.from_ms.to();
        row(
            "changes",
            format!(
                "at {}: supply cap {}, borrow cap {}, rate model {}",
                time(from_ms),
                amount(caps.0),
                amount(caps.1),
                next.params.rate_model
            ),
        );
    }
    row("paused", paused(market));
    if let Some(found) = &market.price {
        row("price", format!("{} USD", found.spot.text));
        row("smoothed", format!("{} USD", found.smoothed.text));
        if let Some(why) = &found.why {
            row("not usable", why.clone());
        }
    } else {
        row("price", "none: the oracle has no feed for it".to_owned());
    }
}

/// What cannot be done now.
fn paused(market: &Market) -> String {
    let verbs = [
        ("supply", market.paused.supply),
        ("redeem", market.paused.redeem),
        ("borrow", market.paused.borrow),
        ("wallets (the border of the ledger)", market.frozen),
    ];
    let words: Vec<_> = verbs
        .iter()
        .filter(|verb| verb.1)
        .map(|verb| verb.0)
        .collect();
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
    }
}
