//! `capstan spend`: what a gateway may spend on the network, and a key of its own for it.

use std::{path::Path, sync::Arc};

use alloy_primitives::U256;
use alloy_signer_local::PrivateKeySigner;
use capstan_agents::jobs::{classes, trade};
use capstan_client::{Assets, Call, Node, Sender, deposit_for_jobs, set_job_key};
use capstan_contracts::jobs::{
    ADDRESS,
    IJobs::{KeyLimits, customerOfCall, keyOfCall},
};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, bail};
use serde_json::json;

use super::{block_on, purchase::Spend};
use crate::{
    account::{balance, coins, owner},
    args::{SpendCommand, SpendOptions},
    consent::Stakes,
    deed::{Deed, approval},
    words::lasting,
};

pub(crate) fn run(command: &SpendCommand) -> Result<()> {
    match command {
        SpendCommand::Open(options) => block_on(open(options)),
        SpendCommand::Show { ask, spend } => block_on(show(&ask.rpc, ask.json, spend)),
    }
}

/// The key of a file, which is made where there is none.
fn key(options: &SpendOptions, customer: alloy_primitives::Address) -> Result<Spend> {
    if options.spend.exists() {
        return Spend::read(&options.spend);
    }
    let spend = Spend {
        customer,
        key: Arc::new(Sender::new(PrivateKeySigner::random())),
    };
    if !options.signing.preview {
        spend.write(&options.spend)?;
    }
    Ok(spend)
}

async fn open(options: &SpendOptions) -> Result<()> {
    let signing = &options.signing;
    let node = Node::new(&signing.ask.rpc)?;
    let customer = owner(&signing.signer, None)?;
    let nothing = "no work is sold on this chain: its owner has opened no class of `jobs`";
    let first = *classes(&node).await?.first().ok_or_eyre(nothing)?;
    let trade = trade(&node, first).await?.ok_or_eyre(nothing)?;
    let assets = Assets::of(&node).await?;
    let asset = assets.get(trade.params.assetId).ok_or_eyre(nothing)?;
    let has = balance(&node, asset, customer).await?;
    let deposit = options.deposit.resolve(asset.decimals, has)?;
    let limit = options.limit.resolve(asset.decimals, deposit)?.min(most());
    let fuel = options.fuel.resolve(18, U256::MAX)?;
    let words = |amount| format!("{} {}", decimal(amount, asset.decimals), asset.symbol);
    if deposit > has {
        bail!(
            "that would bring {} in, and wallet {customer} has {}",
            words(deposit),
            words(has)
        );
    }
    let coins = coins(&node, customer).await?;
    if coins <= fuel {
        bail!(
            "wallet {customer} has {} ETH: the spending key gets {} of it for its holds (--fuel), and its transactions cost gas",
            decimal(coins, 18),
            decimal(fuel, 18)
        );
    }
    let spend = key(options, customer)?;
    let period_ms = u64::try_from(options.per.as_millis())?;
    let limits = KeyLimits {
        total: deposit.max(limit),
        perPeriod: limit,
        periodMs: period_ms,
        untilMs: u64::MAX,
    };
    let mut before: Vec<Call> = approval(&node, asset, customer, ADDRESS, deposit)
        .await?
        .into_iter()
        .collect();
    before.push(deposit_for_jobs(customer, deposit));
    before.push(Call {
        to: spend.key.address(),
        value_wei: fuel,
        ..Call::default()
    });
    let stakes = Stakes::default()
        .amount(&node, asset, deposit, "lie ready to pay machines")
        .await;
    let deed = Deed {
        rows: vec![
            (
                "spend",
                format!("key {} in {}", spend.key.address(), options.spend.display()),
            ),
            (
                "deposit",
                format!(
                    "{}, of which what is bound to no machine is yours at any time",
                    words(deposit)
                ),
            ),
            (
                "limit",
                match limit == most() {
                    true => "all that lies ready".to_owned(),
                    false => format!("{} each {}", words(limit), lasting(period_ms)),
                },
            ),
            (
                "fuel",
                format!("{} ETH to the key, for its holds", decimal(fuel, 18)),
            ),
        ],
        told: json!({
            "key": spend.key.address(), "customer": customer, "deposit": deposit, "limit": limit, "fuel": fuel,
        }),
        wallet: customer,
        call: set_job_key(spend.key.address(), limits),
        approvals: before,
        node: node.clone(),
        stakes,
    };
    if deed.carry_out(signing).await?.is_some() && !signing.ask.json {
        println!(
            "capstan gateway --network {} --spend {} buys with it",
            signing.ask.rpc,
            options.spend.display()
        );
    }
    Ok(())
}

/// The most that a key's limit says: an amount of the contract has 112 bits.
fn most() -> U256 {
    (U256::from(1) << 112) - U256::from(1)
}

async fn show(rpc: &str, is_json: bool, path: &Path) -> Result<()> {
    let node = Node::new(rpc)?;
    let Spend { customer, key } = Spend::read(path)?;
    let key = key.address();
    let stands = node.view(ADDRESS, &customerOfCall { customer }).await?;
    let may = node.view(ADDRESS, &keyOfCall { customer, key }).await?;
    let nothing = "no work is sold on this chain: its owner has opened no class of `jobs`";
    let first = *classes(&node).await?.first().ok_or_eyre(nothing)?;
    let trade = trade(&node, first).await?.ok_or_eyre(nothing)?;
    if is_json {
        println!(
            "{:#}",
            json!({
                "customer": customer, "key": key, "asset": trade.symbol, "decimals": trade.decimals,
                "free": stands.free, "bound": stands.bound, "claimed": stands.claimed, "paid": stands.paid,
                "left": may.left, "isRevoked": may.isRevoked,
            })
        );
        return Ok(());
    }
    let words = |amount| format!("{} {}", decimal(amount, trade.decimals), trade.symbol);
    println!("customer  {customer}");
    let left = match may.left > stands.free {
        true => "all that is free".to_owned(),
        false => words(may.left),
    };
    println!("key       {key}, which may still bind {left}");
    println!("free      {}", words(stands.free));
    println!("bound     {} to machines", words(stands.bound));
    println!("claimed   {}, not settled yet", words(stands.claimed));
    println!("paid      {}", words(stands.paid));
    Ok(())
}
