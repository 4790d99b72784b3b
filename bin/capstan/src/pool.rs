//! `capstan pool`: what pools hold, and where their prices stand.

use capstan_client::{Fixed, Node, Pool, PoolAsset, PoolPrice, pools};
use eyre::{OptionExt as _, Result};
use serde_json::Value;

use crate::{
    args::{AskOptions, PoolCommand},
    block_on,
    table::Table,
    words::{brief, percent, pips},
};

const PRICE_PLACES: u8 = 8;

pub(crate) fn run(command: &PoolCommand) -> Result<()> {
    match command {
        PoolCommand::List(ask) => list(&block_on(all(ask))?, ask.json),
        PoolCommand::Show { ask, pool } => {
            let found = block_on(all(ask))?;
            let mut found = found.iter();
            let found = found.find(|(_, known)| known.pool_id == *pool);
            let (whole, found) = found.ok_or_eyre(format!(
                "there is no pool {pool}; `capstan pool list` names those there are"
            ))?;
            if ask.json {
                println!("{whole:#}");
            } else {
                show(found);
            }
            Ok(())
        }
    }
}

async fn all(ask: &AskOptions) -> Result<Vec<(Value, Pool)>> {
    Ok(pools(&Node::new(&ask.rpc)?).await?)
}

fn list(found: &[(Value, Pool)], json: bool) -> Result<()> {
    if json {
        let whole: Vec<_> = found.iter().map(|(whole, _)| whole).collect();
        println!("{}", serde_json::to_string_pretty(&whole)?);
        return Ok(());
    }
    if found.is_empty() {
        println!("there are no pools here");
        return Ok(());
    }
    let mut table = Table::new(["pool", "curve", "fee", "holds", "price"]);
    for (_, pool) in found {
        let holds = pool.assets.iter().map(held);
        table.row([
            format!("#{} {}", pool.pool_id, symbols(pool)),
            pool.curve.clone(),
            fee(pool),
            holds.collect::<Vec<_>>().join(", "),
            prices(pool, |price| {
                (price.spot.as_ref(), price.spot_back.as_ref())
            }),
        ]);
    }
    print!("{table}");
    Ok(())
}

fn symbols(pool: &Pool) -> String {
    let symbols: Vec<_> = pool.assets.iter().map(|asset| &*asset.symbol).collect();
    symbols.join("/")
}

fn held(asset: &PoolAsset) -> String {
    format!("{} {}", brief(&asset.reserve), asset.symbol)
}

fn fee(pool: &Pool) -> String {
    let fee = pips(pool.fee_pips);
    if pool.fee_is_dynamic {
        format!("{fee} now")
    } else {
        fee
    }
}

/// A price from the side on which it is at least one: `1 ETH = 2000 USDC`.
fn prices(pool: &Pool, of: fn(&PoolPrice) -> (Option<&Fixed>, Option<&Fixed>)) -> String {
    let Some(first) = pool.assets.first() else {
        return String::new();
    };
    let said = pool.prices.iter().map(|price| {
        let other = pool
            .assets
            .iter()
            .find(|asset| asset.asset_id == price.asset_id);
        let other = other.map_or("?", |asset| &asset.symbol);
        let (first, (forth, back)) = (&first.symbol, of(price));
        let is_dearer = |price: &&Fixed| price.short(0) != "0";
        match (back.filter(is_dearer), forth) {
            (Some(back), _) => format!("1 {first} = {} {other}", brief(back)),
            (None, Some(forth)) => format!("1 {other} = {} {first}", brief(forth)),
            (None, None) => "not yet".to_owned(),
        }
    });
    said.collect::<Vec<_>>().join(", ")
}

fn show(pool: &Pool) {
    let row = |name: &str, value: String| println!("{name:<15}{value}");
    row("pool", format!("#{} {}", pool.pool_id, symbols(pool)));
    row("curve", pool.curve.clone());
    if let Some(amplification) = pool.amplification {
        row("amplification", amplification.to_string());
    }
    let kept = percent(pool.protocol_share_bps);
    row("fee", format!("{}, {kept} of it the protocol's", fee(pool)));
    for asset in &pool.assets {
        let (amount, symbol) = (&asset.reserve.text, &asset.symbol);
        row("holds", format!("{amount} {symbol} (#{})", asset.asset_id));
        row("token", asset.token.to_string());
    }
    if let Some(first) = pool.assets.first() {
        for price in &pool.prices {
            let other = pool
                .assets
                .iter()
                .find(|asset| asset.asset_id == price.asset_id);
            let other = other.map_or("?", |asset| &asset.symbol);
            let said = |one: &str, price: &Option<Fixed>, of: &str| match price {
                Some(price) => format!("1 {one} = {} {of}", price.short(PRICE_PLACES)),
                None => "not yet".to_owned(),
            };
            row("price", said(other, &price.spot, &first.symbol));
            row("", said(&first.symbol, &price.spot_back, other));
            row("mean price", said(other, &price.mean, &first.symbol));
            row("", said(&first.symbol, &price.mean_back, other));
        }
    }
    if let (Some(shares), Some(token)) = (&pool.total_shares, pool.lp_token) {
        row("shares", shares.text.clone());
        row("LP token", token.to_string());
    }
    if let Some(range) = &pool.range {
        row("tick", range.tick.to_string());
        row("tick spacing", range.tick_spacing.to_string());
        row("liquidity", format!("{} at this price", range.liquidity));
        row("root of price", format!("{} / 2^96", range.sqrt_price_x96));
    }
    let paused = if pool.paused {
        "swaps and new liquidity"
    } else {
        "nothing"
    };
    row("paused", paused.to_owned());
}
