//! `capstan product`: leveraged tokens and strategy vaults, shown before they are signed.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall as _;
use capstan_client::{
    Amount, Asset, Assets, Call, Node, Product, close_product, create_product, deposit_product,
    products, redeem_product, redeem_product_in_kind, send, top_up_product,
};
use capstan_contracts::{
    decode_call,
    erc20::IErc20,
    erc4626::IErc4626,
    products::{self as contract, IProducts::Policy, unit},
    resolve,
};
use capstan_units::{decimal, decimal_down};
use eyre::{OptionExt as _, Result, WrapErr as _, bail};
use serde_json::{Value, json};

use crate::{
    account::{agreed, balance, owner, signer},
    args::{AskOptions, ProductCommand, ProductCreateOptions, ProductKind, Signing},
    swap::spendable,
    table::Table,
    words::{percent, time},
};

/// Digits behind the point that people see.
const PLACES: u8 = 4;
/// Digits of units and of coins.
const UNIT_DECIMALS: u8 = unit::DECIMALS;
const WHOLE_BPS: u32 = 10_000;
/// How long a signed verb holds.
const VALID_MS: u64 = 600_000;
/// What interest may add to a debt until its block, in hundredths of a percent.
const GROWTH_BPS: u32 = 10;

pub(crate) fn run(command: &ProductCommand) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command {
            ProductCommand::List(ask) => list(ask).await,
            ProductCommand::Show { ask, id } => show(ask, *id).await,
            ProductCommand::Mint {
                signing,
                id,
                amount,
            } => {
                let desk = Desk::open(signing, *id).await?;
                let there_is = spendable(&desk.base, desk.has(&desk.base).await?);
                let amount = whole_or(amount, desk.base.decimals, there_is)?;
                desk.mint(signing, amount, there_is).await
            }
            ProductCommand::Redeem {
                signing,
                id,
                units,
                in_kind,
            } => {
                let desk = Desk::open(signing, *id).await?;
                let account = desk.wallet;
                let held = IErc20::balanceOfCall { account };
                let held = desk.node.view(desk.product.token, &held).await?;
                if held.is_zero() {
                    bail!("the wallet has no units of product {id}");
                }
                let units = units.resolve(UNIT_DECIMALS, held)?.min(held);
                match in_kind {
                    true => desk.redeem_in_kind(signing, units).await,
                    false => desk.redeem(signing, units).await,
                }
            }
            ProductCommand::Create(options) => create(options).await,
            ProductCommand::Close { signing, id } => {
                let desk = Desk::open(signing, *id).await?;
                let worth = desk
                    .product
                    .equity
                    .as_ref()
                    .map_or("?", |fixed| &fixed.text);
                let rows = vec![
                    ("product", desk.title()),
                    ("worth", format!("{worth} usd")),
                    (
                        "then",
                        "nobody deposits, and the block sells what it has for its base asset"
                            .to_owned(),
                    ),
                ];
                let doing = Doing {
                    node: desk.node,
                    wallet: desk.wallet,
                    approval: None,
                    call: close_product(*id),
                    rows,
                    told: json!({"id": id}),
                };
                doing.finish(signing).await
            }
            ProductCommand::TopUp { signing, id, coins } => {
                let node = Node::new(&signing.ask.rpc)?;
                let wallet = owner(&signing.signer, None)?;
                let doing = Doing {
                    node,
                    wallet,
                    approval: None,
                    call: top_up_product(*id, *coins),
                    rows: vec![("coins", format!("{} eth", decimal(*coins, UNIT_DECIMALS)))],
                    told: json!({"id": id, "coinsWei": coins}),
                };
                doing.finish(signing).await
            }
        }
    })
}

/// An amount; `max` is all that may be spent.
fn whole_or(amount: &Amount, decimals: u8, there_is: U256) -> Result<U256> {
    Ok(match amount {
        Amount::Max => there_is,
        amount => amount.resolve(decimals, there_is)?,
    })
}

async fn found(node: &Node, id: u32) -> Result<(Value, Product)> {
    let all = products(node).await?;
    let one = all.into_iter().find(|(_, product)| product.id == id);
    one.ok_or_eyre(format!(
        "there is no product {id}; `capstan product list` names those there are"
    ))
}

async fn list(ask: &AskOptions) -> Result<()> {
    let node = Node::new(&ask.rpc)?;
    let all = products(&node).await?;
    if ask.json {
        let whole: Vec<_> = all.iter().map(|(whole, _)| whole).collect();
        println!("{}", serde_json::to_string_pretty(&whole)?);
        return Ok(());
    }
    if all.is_empty() {
        println!("there are no products");
        return Ok(());
    }
    let mut table = Table::new([
        "product",
        "symbol",
        "leverage",
        "band",
        "unit usd",
        "worth usd",
    ]);
    for (_, product) in &all {
        let short = |fixed: &Option<capstan_client::Fixed>| {
            let known = fixed.as_ref().map(|fixed| fixed.short(PLACES));
            known.unwrap_or_else(|| "?".to_owned())
        };
        table.row([
            product.id.to_string(),
            product.symbol.clone(),
            short(&product.leverage),
            format!("{} to {}", product.low.text, product.high.text),
            short(&product.unit_value),
            short(&product.equity),
        ]);
    }
    print!("{table}");
    Ok(())
}

async fn show(ask: &AskOptions, id: u32) -> Result<()> {
    let node = Node::new(&ask.rpc)?;
    let (whole, product) = found(&node, id).await?;
    if ask.json {
        println!("{whole:#}");
        return Ok(());
    }
    let row = |name: &str, value: String| println!("{name:<10}{value}");
    let (held, owed) = (&product.collateral.symbol, &product.debt.symbol);
    let or_unknown = |fixed: &Option<capstan_client::Fixed>| {
        let known = fixed.as_ref().map(|fixed| fixed.short(PLACES));
        known.unwrap_or_else(|| "unknown: a price may not be used now".to_owned())
    };
    row(
        "product",
        format!("#{id} {}, {}", product.symbol, product.name),
    );
    row("token", product.token.to_string());
    row("holds", format!("{} {held}", product.held.text));
    row("owes", format!("{} {owed}", product.owed.text));
    if let (Some(pool), Some(shares)) = (product.pool_id, &product.shares) {
        row("provides", format!("{} shares of pool {pool}", shares.text));
    }
    let measure = match product.kind.as_str() {
        "neutral" => "hedge",
        "loop" => "health",
        _ => "leverage",
    };
    let band = format!(
        "{} in {} to {}",
        product.target.text, product.low.text, product.high.text
    );
    row("target", format!("{measure} {band}"));
    let now = if measure == "hedge" {
        measure
    } else {
        "leverage"
    };
    row(now, or_unknown(&product.leverage));
    row("unit", format!("{} usd", or_unknown(&product.unit_value)));
    row("worth", format!("{} usd", or_unknown(&product.equity)));
    row("units", product.supply.short(PLACES));
    row("limit", percent(product.limit_bps));
    row("fee", percent(product.fee_bps));
    let next = match product.next_ms {
        Some(at) => format!("the block comes at {} at the latest", time(at.to())),
        None => "the block does not come: `capstan product top-up` brings it".to_owned(),
    };
    let coins = product.reserve.short(PLACES);
    row("coins", format!("{coins} eth; {next}"));
    let phase = &product.phase;
    row(
        "phase",
        match product.owner {
            Some(owner) => format!("{phase}; {owner} may close it"),
            None => format!("{phase}; nobody may close it"),
        },
    );
    if product.failures > 0 {
        row("failed", format!("{} attempts in a row", product.failures));
    }
    Ok(())
}

/// A product, its assets, and whose wallet acts.
struct Desk {
    node: Node,
    wallet: Address,
    product: Product,
    base: Asset,
    debt: Asset,
    deadline_ms: u64,
}

fn less(amount: U256, bps: u32) -> U256 {
    let kept = U256::from(WHOLE_BPS.saturating_sub(bps));
    amount.saturating_mul(kept) / U256::from(WHOLE_BPS)
}

impl Desk {
    async fn open(signing: &Signing, id: u32) -> Result<Self> {
        let node = Node::new(&signing.ask.rpc)?;
        let wallet = owner(&signing.signer, None)?;
        let (_, product) = found(&node, id).await?;
        let assets = Assets::of(&node).await?;
        let known = |id: u32| assets.get(id).cloned().ok_or_eyre("an unknown asset");
        let (base, debt) = (known(product.base_asset_id)?, known(product.debt.asset_id)?);
        let deadline_ms = node.head_time_ms().await?.saturating_add(VALID_MS);
        Ok(Self {
            node,
            wallet,
            product,
            base,
            debt,
            deadline_ms,
        })
    }

    async fn has(&self, asset: &Asset) -> Result<U256> {
        balance(&self.node, asset, self.wallet).await
    }

    fn title(&self) -> String {
        format!("#{} {}", self.product.id, self.product.symbol)
    }

    async fn mint(self, signing: &Signing, amount: U256, there_is: U256) -> Result<()> {
        let (symbol, digits) = (self.base.symbol.clone(), self.base.decimals);
        if amount.is_zero() {
            bail!("the amount is zero");
        }
        if amount > there_is {
            let has = decimal(there_is, digits);
            bail!("the wallet has {has} {symbol} to spend");
        }
        let preview = IErc4626::previewDepositCall { assets: amount };
        let made = self.node.view(self.product.token, &preview).await;
        let made = made.wrap_err("this would fail")?;
        let least = less(made, signing.slippage);
        let call = deposit_product(
            self.product.token,
            amount,
            least,
            self.wallet,
            self.deadline_ms,
        );
        let rows = vec![
            ("product", self.title()),
            ("pay", format!("{} {symbol}", decimal(amount, digits))),
            ("get", self.units(made, least)),
            ("worth", self.worth(made)),
        ];
        let told =
            json!({"id": self.product.id, "assets": amount, "units": made, "unitsMin": least});
        let spender = self.product.token;
        let approval = approval(&self.node, &self.base, self.wallet, spender, amount).await?;
        let doing = Doing {
            node: self.node,
            wallet: self.wallet,
            approval,
            call,
            rows,
            told,
        };
        doing.finish(signing).await
    }

    fn units(&self, made: U256, least: U256) -> String {
        let short = |units| decimal_down(units, UNIT_DECIMALS, PLACES);
        format!("{} units, at least {}", short(made), short(least))
    }

    /// At oracle prices: what the trade cost is the difference to what is paid.
    fn worth(&self, units: U256) -> String {
        let Some(value) = &self.product.unit_value else {
            return "unknown".to_owned();
        };
        let worth = units.saturating_mul(value.amount) / U256::from(10).pow(U256::from(18));
        format!("{} usd", decimal_down(worth, UNIT_DECIMALS, PLACES))
    }

    async fn redeem(self, signing: &Signing, units: U256) -> Result<()> {
        let preview = IErc4626::previewRedeemCall { shares: units };
        let given = self.node.view(self.product.token, &preview).await;
        let given = given.wrap_err("this would fail; --in-kind asks no price and no pool")?;
        let least = less(given, signing.slippage);
        let call = redeem_product(
            self.product.token,
            units,
            least,
            self.wallet,
            self.deadline_ms,
        );
        let said = |amount| {
            format!(
                "{} {}",
                decimal(amount, self.base.decimals),
                self.base.symbol
            )
        };
        let rows = vec![
            ("product", self.title()),
            (
                "burn",
                format!("{} units", decimal_down(units, UNIT_DECIMALS, PLACES)),
            ),
            ("worth", self.worth(units)),
            (
                "receive",
                format!("{}, at least {}", said(given), said(least)),
            ),
        ];
        let told =
            json!({"id": self.product.id, "units": units, "assets": given, "assetsMin": least});
        let doing = Doing {
            node: self.node,
            wallet: self.wallet,
            approval: None,
            call,
            rows,
            told,
        };
        doing.finish(signing).await
    }

    fn in_kind(&self, part: &unit::IProductToken::previewRedeemInKindReturn) -> String {
        let held = &self.product.collateral;
        let units = format!(
            "{} {}",
            decimal(part.collateral, held.decimals),
            held.symbol
        );
        match self.product.pool_id {
            Some(pool) => {
                let shares = decimal(part.shares, UNIT_DECIMALS);
                format!("{shares} LP tokens of pool {pool} and {units}")
            }
            None => units,
        }
    }

    async fn redeem_in_kind(self, signing: &Signing, units: U256) -> Result<()> {
        let preview = unit::IProductToken::previewRedeemInKindCall { units };
        let part = self.node.view(self.product.token, &preview).await?;
        let growth = part.debt.saturating_mul(U256::from(GROWTH_BPS)) / U256::from(WHOLE_BPS);
        let most = part.debt.saturating_add(growth).saturating_add(U256::ONE);
        let call = redeem_product_in_kind(self.product.token, units, most, self.wallet);
        let rows = vec![
            ("product", self.title()),
            (
                "burn",
                format!("{} units", decimal_down(units, UNIT_DECIMALS, PLACES)),
            ),
            (
                "pay",
                format!(
                    "{} {}, which is owed",
                    decimal(part.debt, self.debt.decimals),
                    self.debt.symbol
                ),
            ),
            ("receive", self.in_kind(&part)),
        ];
        let told = json!({
            "id": self.product.id,
            "units": units,
            "debt": part.debt,
            "debtMax": most,
            "collateral": part.collateral,
            "shares": part.shares,
        });
        let spender = self.product.token;
        let approval = approval(&self.node, &self.debt, self.wallet, spender, most).await?;
        let doing = Doing {
            node: self.node,
            wallet: self.wallet,
            approval,
            call,
            rows,
            told,
        };
        doing.finish(signing).await
    }
}

async fn create(options: &ProductCreateOptions) -> Result<()> {
    let signing = &options.signing;
    let node = Node::new(&signing.ask.rpc)?;
    let wallet = owner(&signing.signer, None)?;
    let assets = Assets::of(&node).await?;
    let asset = assets.find(&options.asset)?.clone();
    let base = assets.find(&options.base)?.clone();
    let (kind, collateral, debt) = match options.kind {
        ProductKind::Long => (contract::Kind::Long, asset.id, base.id),
        ProductKind::Short => (contract::Kind::Short, base.id, asset.id),
        ProductKind::Loop => (contract::Kind::Loop, asset.id, base.id),
        ProductKind::Neutral => (contract::Kind::Neutral, base.id, asset.id),
    };
    if (options.kind == ProductKind::Neutral) != options.pool.is_some() {
        bail!(
            "a neutral product, and no other, provides to a pool: --pool says which of those that `capstan_pools` lists"
        );
    }
    if options.kind == ProductKind::Loop && (options.low.is_none() || options.high.is_none()) {
        bail!("a loop's band is of its health: say --low and --high, above 1.03");
    }
    let there_is = spendable(&base, balance(&node, &base, wallet).await?);
    let seed = whole_or(&options.seed, base.decimals, there_is)?;
    let tenth = options.target / 10;
    let policy = Policy {
        kind: kind.number(),
        collateralAssetId: collateral,
        debtAssetId: debt,
        targetBps: options.target,
        lowBps: options.low.unwrap_or(options.target.saturating_sub(tenth)),
        highBps: options.high.unwrap_or(options.target.saturating_add(tenth)),
        limitBps: u16::try_from(options.limit)?,
        feeBps: u16::try_from(options.fee)?,
        capUsd: options.cap,
        poolId: options.pool.unwrap_or_default(),
        owner: if options.closable {
            wallet
        } else {
            Address::ZERO
        },
    };
    let bps = |bps: u32| decimal(U256::from(bps), 4);
    let rows = vec![
        (
            "product",
            format!("{:?} {} against {}", kind, asset.symbol, base.symbol),
        ),
        (
            "target",
            format!(
                "{} in {} to {}, for ever",
                bps(policy.targetBps),
                bps(policy.lowBps),
                bps(policy.highBps)
            ),
        ),
        (
            "seed",
            format!(
                "{} {}, of which a hundred units belong to nobody",
                decimal(seed, base.decimals),
                base.symbol
            ),
        ),
        (
            "owner",
            match options.closable {
                true => "this wallet, who may close it".to_owned(),
                false => "nobody: it is never closed".to_owned(),
            },
        ),
        (
            "then",
            "`capstan product top-up` brings coins: without them the block does not rebalance it"
                .to_owned(),
        ),
    ];
    let told = json!({"targetBps": policy.targetBps, "lowBps": policy.lowBps, "highBps": policy.highBps, "seed": seed});
    let approval = approval(&node, &base, wallet, contract::ADDRESS, seed).await?;
    let doing = Doing {
        node,
        wallet,
        approval,
        call: create_product(policy, seed, wallet),
        rows,
        told,
    };
    doing.finish(signing).await
}

/// What the wallet must allow first of a token of others, if less is allowed than may be taken.
async fn approval(
    node: &Node,
    asset: &Asset,
    wallet: Address,
    spender: Address,
    most: U256,
) -> Result<Option<Call>> {
    if !asset.is_foreign {
        return Ok(None);
    }
    let allowance = IErc20::allowanceCall {
        owner: wallet,
        spender,
    };
    if node.view(asset.token, &allowance).await? >= most {
        return Ok(None);
    }
    let approve = IErc20::approveCall {
        spender,
        value: most,
    };
    Ok(Some(Call {
        to: asset.token,
        input: approve.abi_encode().into(),
        value_wei: U256::ZERO,
    }))
}

/// What is about to be signed.
struct Doing {
    node: Node,
    wallet: Address,
    approval: Option<Call>,
    call: Call,
    rows: Vec<(&'static str, String)>,
    told: Value,
}

impl Doing {
    /// Shows it, tries it, asks, signs, and tells what became of it. Without an approval nothing can be tried.
    async fn finish(self, signing: &Signing) -> Result<()> {
        let is_json = signing.ask.json;
        if !is_json {
            for (name, value) in &self.rows {
                println!("{name:<9}{value}");
            }
            println!("{:<9}{}", "call", self.decoded());
            if let Some(approval) = &self.approval {
                eprintln!(
                    "note: the token {} first needs your approval; a transaction of its own does that",
                    approval.to
                );
            }
        }
        if self.approval.is_none() {
            let asked = json!([
                {"from": self.wallet, "to": self.call.to, "input": self.call.input, "value": self.call.value_wei},
                "latest",
            ]);
            let tried = self.node.call_in_words("eth_call", asked).await;
            tried.wrap_err("this would fail")?;
        }
        if signing.preview {
            if is_json {
                println!("{:#}", self.told);
            }
            return Ok(());
        }
        if !signing.yes && !agreed()? {
            bail!("not signed");
        }
        let key = signer(&signing.signer)?;
        if key.address() != self.wallet {
            bail!("the wallet is {}, not {}", key.address(), self.wallet);
        }
        if let Some(approval) = &self.approval {
            send(&self.node, &key, approval).await?;
        }
        let sent = send(&self.node, &key, &self.call).await?;
        let (block, gas): (u64, u64) = (sent.block_number.to(), sent.gas_used.to());
        if is_json {
            let told = json!({
                "transaction": {
                    "transactionHash": sent.hash,
                    "blockNumber": sent.block_number,
                    "gasUsed": sent.gas_used,
                },
                "product": self.told,
            });
            println!("{told:#}");
            return Ok(());
        }
        println!("done in block {block}: {} ({gas} gas)", sent.hash);
        Ok(())
    }

    /// The call as a wallet would show it.
    fn decoded(&self) -> String {
        let known = resolve(self.call.to);
        let said = known.and_then(|known| {
            decode_call(known, &self.call.input).map(|said| format!("{}.{said}", known.name))
        });
        said.unwrap_or_else(|| self.call.input.to_string())
    }
}
