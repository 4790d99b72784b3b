//! `capstan admin pool` and `exchange`: pools that stop and go on, and what holds for all of them.

use alloy_primitives::{Address, U256};
use capstan_client::{Asset, AssetName, Assets, Node, pools};
use capstan_contracts::exchange::{self, CHANGE_DELAY_MS, IExchange};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, bail};
use serde_json::json;

use super::Change;
use crate::{
    args::{AdminExchangeCommand, AdminPoolCommand, AskOptions},
    words::{percent, time, when},
};

pub(super) async fn pool(command: &AdminPoolCommand) -> Result<()> {
    let (signing, pool, stops) = match command {
        AdminPoolCommand::Pause { signing, pool } => (signing, *pool, true),
        AdminPoolCommand::Resume { signing, pool } => (signing, *pool, false),
    };
    let mut change = Change::begin(signing)?;
    let all = pools(&change.node).await?;
    let found = all.iter().find(|(_, known)| known.pool_id == pool);
    let (_, found) = found.ok_or_eyre(format!(
        "there is no pool {pool}; `capstan pool list` names those there are"
    ))?;
    let symbols: Vec<_> = found.assets.iter().map(|asset| &*asset.symbol).collect();
    let name = format!("#{pool} {}", symbols.join("/"));
    match (stops, found.paused) {
        (true, false) => {
            let word =
                format!("stops swaps and new liquidity of pool {name}, now; removing goes on");
            let call = IExchange::pausePoolCall { poolId: pool };
            change.step(exchange::ADDRESS, &call, vec![word]);
        }
        (false, true) => {
            let word = format!("lets swaps and new liquidity of pool {name} go on, now");
            let call = IExchange::unpausePoolCall { poolId: pool };
            change.step(exchange::ADDRESS, &call, vec![word]);
        }
        _ => {}
    }
    change.carry_out(signing).await
}

pub(super) async fn exchange(command: &AdminExchangeCommand) -> Result<()> {
    match command {
        AdminExchangeCommand::Show(ask) => show(ask).await,
        AdminExchangeCommand::Set {
            signing,
            fee_share,
            push,
            through,
        } => {
            let mut change = Change::begin(signing)?;
            let node = change.node.clone();
            if let Some(share_bps) = fee_share {
                set_share(&mut change, &node, u16::try_from(*share_bps)?).await?;
            }
            if push.is_some() || !through.is_empty() {
                let push_bps = push.map(u16::try_from).transpose()?;
                set_sales(&mut change, &node, push_bps, through).await?;
            }
            change.carry_out(signing).await
        }
        AdminExchangeCommand::Collect { signing, asset, to } => {
            let mut change = Change::begin(signing)?;
            let node = change.node.clone();
            collect(&mut change, &node, asset, *to).await?;
            change.carry_out(signing).await
        }
    }
}

async fn set_share(change: &mut Change, node: &Node, share_bps: u16) -> Result<()> {
    let set = node
        .view(exchange::ADDRESS, &IExchange::protocolShareCall {})
        .await?;
    if set.presentBps == share_bps && set.nextBps == share_bps {
        return Ok(());
    }
    let now_ms = node.head_time_ms().await?;
    let at_ms = match share_bps <= set.presentBps {
        true => now_ms,
        false => now_ms.saturating_add(CHANGE_DELAY_MS),
    };
    let word = format!(
        "the protocol's part of swap fees: {} -> {}, {}",
        percent(set.presentBps),
        percent(share_bps),
        when(now_ms, at_ms)
    );
    let call = IExchange::setProtocolShareCall {
        shareBps: share_bps,
    };
    change.step(exchange::ADDRESS, &call, vec![word]);
    Ok(())
}

async fn set_sales(
    change: &mut Change,
    node: &Node,
    push_bps: Option<u16>,
    through: &[AssetName],
) -> Result<()> {
    let assets = Assets::of(node).await?;
    let set = node
        .view(exchange::ADDRESS, &IExchange::saleTermsCall {})
        .await?;
    let coins = match through {
        [] => set.commonCoins.clone(),
        named => named
            .iter()
            .map(|name| assets.find(name).map(|asset| asset.id))
            .collect::<Result<_, _>>()?,
    };
    let push_bps = push_bps.unwrap_or(set.impactMaxBps);
    let mut words = Vec::new();
    if push_bps != set.impactMaxBps {
        words.push(format!(
            "sales of one block push a pool by at most {} -> {}, now",
            percent(set.impactMaxBps),
            percent(push_bps)
        ));
    }
    if coins != set.commonCoins {
        words.push(format!(
            "sales of the block take two steps through {} -> {}, now",
            symbols(&assets, &set.commonCoins),
            symbols(&assets, &coins)
        ));
    }
    if words.is_empty() {
        return Ok(());
    }
    let call = IExchange::setSaleTermsCall {
        impactMaxBps: push_bps,
        commonCoins: coins,
    };
    change.step(exchange::ADDRESS, &call, words);
    Ok(())
}

async fn collect(change: &mut Change, node: &Node, name: &AssetName, to: Address) -> Result<()> {
    let assets = Assets::of(node).await?;
    let asset = assets.find(name)?;
    let owed = fees(node, asset).await?;
    if owed.is_zero() {
        bail!("no fees of {} wait to be collected", asset.symbol);
    }
    let amount = decimal(owed, asset.decimals);
    let word = format!(
        "sends collected fees, {amount} {} by now, to {to}",
        asset.symbol
    );
    let call = IExchange::collectProtocolFeesCall {
        assetId: asset.id,
        to,
    };
    change.step(exchange::ADDRESS, &call, vec![word]);
    change.receiver(to);
    Ok(())
}

async fn fees(node: &Node, asset: &Asset) -> Result<U256> {
    let asked = IExchange::protocolFeesCall { assetId: asset.id };
    Ok(node.view(exchange::ADDRESS, &asked).await?)
}

fn symbols(assets: &Assets, ids: &[u32]) -> String {
    let symbol = |id: &u32| {
        let asset = assets.get(*id);
        asset.map_or_else(|| format!("#{id}"), |asset| asset.symbol.clone())
    };
    let all: Vec<_> = ids.iter().map(symbol).collect();
    match all.as_slice() {
        [] => "nothing".to_owned(),
        all => all.join(", "),
    }
}

async fn show(ask: &AskOptions) -> Result<()> {
    let node = Node::new(&ask.rpc)?;
    let assets = Assets::of(&node).await?;
    let share = node
        .view(exchange::ADDRESS, &IExchange::protocolShareCall {})
        .await?;
    let sales = node
        .view(exchange::ADDRESS, &IExchange::saleTermsCall {})
        .await?;
    let mut waiting = Vec::new();
    for asset in assets.iter() {
        let owed = fees(&node, asset).await?;
        if !owed.is_zero() {
            waiting.push((asset, owed));
        }
    }
    if ask.json {
        let fees = waiting.iter().map(|(asset, owed)| {
            json!({"assetId": asset.id, "symbol": asset.symbol, "amount": owed, "decimals": asset.decimals})
        });
        let told = json!({
            "protocolShareBps": share.presentBps,
            "nextProtocolShareBps": share.nextBps,
            "nextFromMs": share.nextFromMs,
            "impactMaxBps": sales.impactMaxBps,
            "commonCoins": sales.commonCoins,
            "fees": fees.collect::<Vec<_>>(),
        });
        println!("{told:#}");
        return Ok(());
    }
    let row = |name: &str, value: String| println!("{name:<15}{value}");
    row(
        "fee share",
        format!(
            "{} of swap fees are the protocol's",
            percent(share.presentBps)
        ),
    );
    if share.nextFromMs > node.head_time_ms().await? {
        row(
            "",
            format!("{} from {}", percent(share.nextBps), time(share.nextFromMs)),
        );
    }
    let push = percent(sales.impactMaxBps);
    row(
        "push",
        format!("{push} of a pool's price at most, by the sales of one block"),
    );
    row("through", symbols(&assets, &sales.commonCoins));
    for (asset, owed) in &waiting {
        row(
            "fees",
            format!("{} {}", decimal(*owed, asset.decimals), asset.symbol),
        );
    }
    if waiting.is_empty() {
        row("fees", "none wait to be collected".to_owned());
    }
    Ok(())
}
