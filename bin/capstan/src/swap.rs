//! `capstan swap`: one asset for another, shown before it is signed.

use alloy_primitives::U256;
use capstan_client::{
    Amount, Asset, Assets, Fixed, Node, Quote, Sent, SwapAsked, Swapped, quote, swapped,
};
use capstan_contracts::{ether, exchange};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, bail};
use serde_json::json;

use crate::{
    account::{balance, owner},
    args::SwapOptions,
    block_on,
    consent::Stakes,
    deed::{Deed, approval},
    words::{percent, pips},
};

/// What stays in a wallet when all of the gas coin is swapped: 0.01, for later transactions.
const GAS_LEFT_WEI: u64 = 10_000_000_000_000_000;
/// Digits behind the point of a price.
const PRICE_PLACES: u8 = 8;
/// From here on the amount itself costs more than people expect: one percent.
const IMPACT_TOLD_BPS: u32 = 100;

pub(crate) fn run(options: &SwapOptions) -> Result<()> {
    block_on(swap(options))
}

/// A swap that is about to be signed.
struct Doing {
    deed: Deed,
    from: Asset,
    to: Asset,
    told: Quote,
}

async fn swap(options: &SwapOptions) -> Result<()> {
    let signing = &options.signing;
    let doing = Doing::prepare(options).await?;
    if !signing.ask.json && doing.told.price_impact_bps >= IMPACT_TOLD_BPS {
        let impact = percent(doing.told.price_impact_bps);
        eprintln!("note: the amount itself moves the price by {impact}; less at a time costs less");
    }
    let Some(sent) = doing.deed.carry_out(signing).await? else {
        return Ok(());
    };
    let done = swapped(&doing.deed.node, sent.hash).await?;
    doing.done(&sent, done, signing.ask.json);
    Ok(())
}

impl Doing {
    async fn prepare(options: &SwapOptions) -> Result<Self> {
        let node = Node::new(&options.signing.ask.rpc)?;
        let wallet = owner(&options.signing.signer, None)?;
        let assets = Assets::of(&node).await?;
        let (from, to) = (
            assets.find(&options.from)?.clone(),
            assets.find(&options.to)?.clone(),
        );
        let there_is = spendable(&from, balance(&node, &from, wallet).await?);
        let amount = match (&options.amount, options.exact_out) {
            (Amount::Units(_), true) => options.amount.resolve(to.decimals, U256::ZERO)?,
            (_, true) => bail!("say how much {} is to be received, as a number", to.symbol),
            (Amount::Max, false) => there_is,
            (amount, false) => amount.resolve(from.decimals, there_is)?,
        };
        if amount.is_zero() {
            bail!("the amount is zero");
        }
        let asked = SwapAsked {
            from: from.id,
            to: to.id,
            amount,
            exact_out: options.exact_out,
            slippage_bps: options.swap.slippage,
            receiver: wallet,
        };
        let (whole, told) = quote(&node, &asked).await?;
        if told.paid.amount > there_is {
            bail!(
                "that pays {} {}, and the wallet has {} to spend",
                told.paid.text,
                from.symbol,
                decimal(there_is, from.decimals)
            );
        }
        let call = told
            .call(&asked)
            .ok_or_eyre("the node's call is not what was asked of it: it is not signed")?;
        let paid_max = told.paid_max.amount;
        let approval = approval(&node, &from, wallet, exchange::ADDRESS, paid_max).await?;
        let stakes = Stakes::default();
        let stakes = stakes.amount(&node, &from, told.paid.amount, "are swapped");
        let stakes = stakes.await;
        let rows = rows(&told, &from.symbol, &to.symbol);
        let deed = Deed {
            node,
            wallet,
            approvals: approval.into_iter().collect(),
            call,
            rows,
            stakes,
            told: whole,
        };
        Ok(Self {
            deed,
            from,
            to,
            told,
        })
    }

    fn done(&self, sent: &Sent, done: Option<Swapped>, is_json: bool) {
        if is_json {
            let transaction = sent.to_json();
            let swapped = done.map(|done| json!({"paid": done.paid, "received": done.received}));
            let told =
                json!({"transaction": transaction, "swapped": swapped, "quote": self.deed.told});
            println!("{told:#}");
            return;
        }
        println!("{sent}");
        if let Some(done) = done {
            println!(
                "paid {} {}, received {} {}",
                decimal(done.paid, self.from.decimals),
                self.from.symbol,
                decimal(done.received, self.to.decimals),
                self.to.symbol
            );
        }
    }
}

/// What may leave a wallet that has so much.
pub(crate) fn spendable(asset: &Asset, balance: U256) -> U256 {
    if asset.token == ether::ADDRESS {
        balance.saturating_sub(U256::from(GAS_LEFT_WEI))
    } else {
        balance
    }
}

/// What a quote comes to, in words.
fn rows(told: &Quote, from: &str, to: &str) -> Vec<(&'static str, String)> {
    let bounded = |amount: &Fixed, symbol: &str, word: &str, bound: &Fixed| match bound == amount {
        true => format!("{} {symbol}", amount.text),
        false => format!("{} {symbol}, {word} {}", amount.text, bound.text),
    };
    let short = |price: &Option<Fixed>| {
        let known = price.as_ref().map(|price| price.short(PRICE_PLACES));
        known.unwrap_or_else(|| "?".to_owned())
    };
    let (price, before) = (short(&told.price), short(&told.spot_price));
    vec![
        ("pay", bounded(&told.paid, from, "at most", &told.paid_max)),
        (
            "receive",
            bounded(&told.received, to, "at least", &told.received_min),
        ),
        ("price", format!("1 {from} = {price} {to}, {before} before")),
        ("impact", percent(told.price_impact_bps)),
        ("fee", format!("{} of what is paid", pips(told.fee_pips))),
        ("route", told.route.clone()),
    ]
}
