//! `capstan swap`: one asset for another, shown before it is signed.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall as _;
use capstan_client::{
    Amount, Asset, Assets, Call, Fixed, Node, Quote, Sent, SwapAsked, Swapped, quote, send,
    swapped, try_in_turn,
};
use capstan_contracts::{decode_call, erc20::IErc20, ether, exchange};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, WrapErr as _, bail};
use serde_json::{Value, json};

use crate::{
    account::{agreed, balance, owner, signer},
    args::SwapOptions,
    words::{percent, pips},
};

/// What stays in a wallet when all of the gas coin is swapped: 0.01, for later transactions.
const GAS_LEFT_WEI: u64 = 10_000_000_000_000_000;
/// Digits behind the point of a price.
const PRICE_PLACES: u8 = 8;
/// From here on the amount itself costs more than people expect: one percent.
const IMPACT_TOLD_BPS: u32 = 100;

pub(crate) fn run(options: &SwapOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(swap(options))
}

/// A swap that is about to be signed.
struct Doing {
    node: Node,
    wallet: Address,
    from: Asset,
    to: Asset,
    call: Call,
    /// What must be allowed first, of a token of others, and the call that allows it.
    approval: Option<(U256, Call)>,
    whole: Value,
    told: Quote,
}

async fn swap(options: &SwapOptions) -> Result<()> {
    let doing = Doing::prepare(options).await?;
    let is_json = options.signing.ask.json;
    if !is_json {
        doing.show();
    }
    doing.try_it().await?;
    if options.signing.preview {
        if is_json {
            println!("{:#}", doing.whole);
        }
        return Ok(());
    }
    if !options.signing.yes && !agreed()? {
        bail!("not signed");
    }
    let signer = signer(&options.signing.signer)?;
    if signer.address() != doing.wallet {
        bail!("the wallet is {}, not {}", signer.address(), doing.wallet);
    }
    if let Some((_, approve)) = &doing.approval {
        send(&doing.node, &signer, approve).await?;
    }
    let sent = send(&doing.node, &signer, &doing.call).await?;
    let done = swapped(&doing.node, sent.hash).await?;
    doing.done(&sent, done, is_json);
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
            slippage_bps: options.signing.slippage,
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
        let approval = approval(&node, &from, wallet, &told).await?;
        Ok(Self {
            node,
            wallet,
            from,
            to,
            call,
            approval,
            whole,
            told,
        })
    }

    fn show(&self) {
        let row = |name: &str, value: String| println!("{name:<9}{value}");
        let (told, from, to) = (&self.told, &self.from.symbol, &self.to.symbol);
        let at_most = if told.paid_max == told.paid {
            String::new()
        } else {
            format!(", at most {}", told.paid_max.text)
        };
        row("pay", format!("{} {from}{at_most}", told.paid.text));
        let at_least = if told.received_min == told.received {
            String::new()
        } else {
            format!(", at least {}", told.received_min.text)
        };
        row("receive", format!("{} {to}{at_least}", told.received.text));
        let short = |price: &Option<Fixed>| {
            let known = price.as_ref().map(|price| price.short(PRICE_PLACES));
            known.unwrap_or_else(|| "?".to_owned())
        };
        let (price, before) = (short(&told.price), short(&told.spot_price));
        row("price", format!("1 {from} = {price} {to}, {before} before"));
        row("impact", percent(told.price_impact_bps));
        row("fee", format!("{} of what is paid", pips(told.fee_pips)));
        row("route", told.route.clone());
        row("call", self.decoded());
        if told.price_impact_bps >= IMPACT_TOLD_BPS {
            let impact = percent(told.price_impact_bps);
            eprintln!(
                "note: the amount itself moves the price by {impact}; less at a time costs less"
            );
        }
        if let Some((value, _)) = &self.approval {
            let (value, spender) = (decimal(*value, self.from.decimals), exchange::ADDRESS);
            eprintln!(
                "note: {from} first needs your approval for {spender} to move {value} of it; a transaction of its own \
                 does that"
            );
        }
    }

    /// The call as a wallet would show it.
    fn decoded(&self) -> String {
        match decode_call(&exchange::CONTRACT, &self.call.input) {
            Some(call) => format!("{}.{call}", exchange::CONTRACT.name),
            None => self.call.input.to_string(),
        }
    }

    /// What would fail is not signed, be it only after the approval.
    async fn try_it(&self) -> Result<()> {
        let approve = self.approval.iter().map(|(_, approve)| approve);
        let calls: Vec<_> = approve.chain([&self.call]).cloned().collect();
        let tried = try_in_turn(&self.node, self.wallet, &calls).await;
        tried.wrap_err("this would fail").map(drop)
    }

    fn done(&self, sent: &Sent, done: Option<Swapped>, is_json: bool) {
        if is_json {
            let transaction = sent.to_json();
            let swapped = done.map(|done| json!({"paid": done.paid, "received": done.received}));
            let told = json!({"transaction": transaction, "swapped": swapped, "quote": self.whole});
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

/// What the wallet must allow first: of tokens of others, if less is allowed than may be paid.
async fn approval(
    node: &Node,
    asset: &Asset,
    wallet: Address,
    told: &Quote,
) -> Result<Option<(U256, Call)>> {
    if !asset.is_foreign {
        return Ok(None);
    }
    let (spender, value) = (exchange::ADDRESS, told.paid_max.amount);
    let allowance = IErc20::allowanceCall {
        owner: wallet,
        spender,
    };
    if node.view(asset.token, &allowance).await? >= value {
        return Ok(None);
    }
    let approve = Call {
        to: asset.token,
        input: IErc20::approveCall { spender, value }.abi_encode().into(),
        value_wei: U256::ZERO,
    };
    Ok(Some((value, approve)))
}
