//! `capstan feed`: reports prices to a node.

use std::fs;

use alloy_signer_local::PrivateKeySigner;
use capstan_agents::feed::{
    Feeder, Market, MarketSettings, Quote, Recording, Simulated, Source, Web, WebSettings,
    parse_price, setup, show_price,
};
use capstan_client::Node;
use eyre::{OptionExt as _, Result, WrapErr as _, bail};

use crate::{
    accounts,
    args::{FeedCommand, FeedOptions, MarketOptions, SimulatedAsset},
    wallet,
};

/// Variable that holds the key, for those who keep it out of files.
const KEY_VARIABLE: &str = "CAPSTAN_FEED_KEY";

pub(crate) fn run(options: &FeedOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::select! {
            ended = feed(options) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })
}

async fn feed(options: &FeedOptions) -> Result<()> {
    let node = Node::new(&options.rpc)?;
    let mut feeder = Feeder::new(node.clone(), keys(options)?).await?;
    let reporters: Vec<_> = feeder.reporters().collect();
    let mut source = match &options.source {
        FeedCommand::File { path, speed } => Source::Recording(Recording::open(path, *speed)?),
        FeedCommand::Web { config } => {
            let text = fs::read_to_string(config)
                .wrap_err_with(|| format!("cannot read {}", config.display()))?;
            Source::Web(Web::watch(&WebSettings::from_toml(&text)?)?)
        }
        FeedCommand::Market(market) => {
            if market.setup {
                let first: Result<Vec<_>> = market.asset.iter().map(first_quote).collect();
                setup(&node, &reporters, &first?).await.wrap_err(
                    "the chain was not prepared; --setup needs a node that holds the owner's key unlocked, as `capstan dev`",
                )?;
            }
            Source::Market(market_of(market)?)
        }
    };
    for reporter in &reporters {
        println!("reporting to {} as {reporter}", options.rpc);
    }
    let total = feeder.run(&mut source).await?;
    println!("{} reports taken, {} refused", total.taken, total.refused);
    if total.taken == 0 {
        bail!("the node took no report; the log above says why");
    }
    Ok(())
}

/// The keys that sign: one of a file or of the environment, or those of development accounts.
fn keys(options: &FeedOptions) -> Result<Vec<PrivateKeySigner>> {
    if let Some(path) = &options.key_file {
        let text =
            fs::read_to_string(path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
        return Ok(vec![wallet::key(&text)?]);
    }
    if let Some(most) = options.dev_account.iter().max() {
        let signers = accounts::signers(&accounts::mnemonic(0)?, most + 1)?;
        let chosen = options
            .dev_account
            .iter()
            .map(|at| signers.get(*at as usize));
        return chosen
            .map(|signer| signer.cloned().ok_or_eyre("no such account"))
            .collect();
    }
    match std::env::var(KEY_VARIABLE) {
        Ok(text) => Ok(vec![wallet::key(&text)?]),
        Err(_) => bail!(
            "no key: give --key-file, set {KEY_VARIABLE}, or name a development account by --dev-account 1"
        ),
    }
}

fn market_of(options: &MarketOptions) -> Result<Market> {
    let assets = options.asset.iter().map(|asset| Simulated {
        asset_id: asset.asset_id,
        price: asset.price,
        volatility: asset.volatility,
    });
    Ok(Market::new(MarketSettings {
        seed: options.seed,
        every: options.every.into(),
        correlation: options.correlation,
        jumps_per_day: options.jumps_per_day,
        jump_size: options.jump_percent / 100.0,
        assets: assets.collect(),
    })?)
}

/// The price at which a simulated asset begins.
fn first_quote(asset: &SimulatedAsset) -> Result<Quote> {
    let price = parse_price(&format!("{:e}", asset.price))?;
    println!(
        "asset {} begins at {} dollars",
        asset.asset_id,
        show_price(price)
    );
    Ok(Quote {
        asset_id: asset.asset_id,
        price,
        confidence_bps: 0,
    })
}
