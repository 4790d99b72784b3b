//! `capstan product`: leveraged tokens and strategy vaults, shown before they are signed.

use alloy_primitives::{Address, U256};
use capstan_client::{
    Amount, Asset, Assets, Call, Node, Product, close_product, create_product, deposit_product,
    products, redeem_product, redeem_product_in_kind, top_up_product,
};
use capstan_contracts::{
    erc20::IErc20,
    erc4626::IErc4626,
    ether,
    products::{self as contract, IProducts::Policy, unit},
};
use capstan_units::{decimal, decimal_down};
use eyre::{OptionExt as _, Result, WrapErr as _, bail};
use serde_json::{Value, json};

use crate::{
    account::{balance, owner},
    args::{AskOptions, ProductCommand, ProductCreateOptions, ProductKind, Signing},
    block_on,
    consent::Stakes,
    deed::{Deed, approval},
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
    block_on(async {
        match command {
            ProductCommand::List(ask) => list(ask).await,
            ProductCommand::Show { ask, id } => show(ask, *id).await,
            ProductCommand::Mint {
                signing,
                id,
                amount,
                swap,
            } => {
                let desk = Desk::open(signing, *id).await?;
                finish(desk.mint(amount, swap.slippage).await?, signing).await
            }
            ProductCommand::Redeem {
                signing,
                id,
                units,
                in_kind,
                swap,
            } => {
                let desk = Desk::open(signing, *id).await?;
                let units = desk.units_of(units).await?;
                let deed = match in_kind {
                    true => desk.redeem_in_kind(units).await?,
                    false => desk.redeem(units, swap.slippage).await?,
                };
                finish(deed, signing).await
            }
            ProductCommand::Create(options) => {
                finish(create(options).await?, &options.signing).await
            }
            ProductCommand::Close { signing, id } => {
                let desk = Desk::open(signing, *id).await?;
                finish(desk.close(), signing).await
            }
            ProductCommand::TopUp { signing, id, coins } => {
                let desk = Desk::open(signing, *id).await?;
                finish(desk.top_up(*coins).await, signing).await
            }
        }
    })
}

/// Carries a deed out, and says what became of it.
async fn finish(deed: Deed, signing: &Signing) -> Result<()> {
    let Some(sent) = deed.carry_out(signing).await? else {
        return Ok(());
    };
    if signing.ask.json {
        println!(
            "{:#}",
            json!({"transaction": sent.to_json(), "product": deed.told})
        );
    } else {
        println!("{sent}");
    }
    Ok(())
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
        "unit USD",
        "worth USD",
    ]);
    for (_, product) in &all {
        let short = |fixed: &Option<capstan_client::Fixed>| {
            let known = fixed.as_ref().map(|fixed| fixed.near(PLACES));
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
        let known = fixed.as_ref().map(|fixed| fixed.near(PLACES));
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
    row("unit", format!("{} USD", or_unknown(&product.unit_value)));
    row("worth", format!("{} USD", or_unknown(&product.equity)));
    row("units", product.supply.near(PLACES));
    row("limit", percent(product.limit_bps));
    row("fee", percent(product.fee_bps));
    let next = match product.next_ms {
        Some(at) => format!("the block comes at {} at the latest", time(at.to())),
        None => "the block does not come: `capstan product top-up` brings it".to_owned(),
    };
    let coins = product.reserve.near(PLACES);
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
    assets: Assets,
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
            assets,
            base,
            debt,
            deadline_ms,
        })
    }

    async fn has(&self, asset: &Asset) -> Result<U256> {
        balance(&self.node, asset, self.wallet).await
    }

    /// The gas coin, where it is listed.
    fn coin(&self) -> Option<&Asset> {
        self.assets
            .iter()
            .find(|asset| asset.token == ether::ADDRESS)
    }

    fn title(&self) -> String {
        format!("#{} {}", self.product.id, self.product.symbol)
    }

    /// A call of this wallet about this product.
    fn deed(
        self,
        call: Call,
        rows: Vec<(&'static str, String)>,
        stakes: Stakes,
        told: Value,
    ) -> Deed {
        let mut all = vec![("product", self.title())];
        all.extend(rows);
        Deed {
            node: self.node,
            wallet: self.wallet,
            approvals: Vec::new(),
            call,
            rows: all,
            stakes,
            told,
        }
    }

    async fn mint(self, amount: &Amount, slippage_bps: u32) -> Result<Deed> {
        let there_is = spendable(&self.base, self.has(&self.base).await?);
        let amount = whole_or(amount, self.base.decimals, there_is)?;
        let (symbol, digits) = (self.base.symbol.clone(), self.base.decimals);
        if amount.is_zero() {
            bail!("the amount is zero");
        }
        if amount > there_is {
            let has = decimal(there_is, digits);
            bail!("the wallet has {has} {symbol} to spend");
        }
        let (id, token) = (self.product.id, self.product.token);
        let preview = IErc4626::previewDepositCall { assets: amount };
        let made = self.node.view(token, &preview).await;
        let made = made.wrap_err("this would fail")?;
        let least = less(made, slippage_bps);
        let call = deposit_product(token, amount, least, self.wallet, self.deadline_ms);
        let rows = vec![
            ("pay", format!("{} {symbol}", decimal(amount, digits))),
            ("get", self.units(made, least)),
            ("worth", self.worth(made)),
        ];
        let stakes = Stakes::default();
        let stakes = stakes.amount(&self.node, &self.base, amount, "are paid in");
        let stakes = stakes.await;
        let told = json!({"id": id, "assets": amount, "units": made, "unitsMin": least});
        let approval = approval(&self.node, &self.base, self.wallet, token, amount).await?;
        let mut deed = self.deed(call, rows, stakes, told);
        deed.approvals.extend(approval);
        Ok(deed)
    }

    /// A number of units, of those that the wallet has.
    async fn units_of(&self, units: &Amount) -> Result<U256> {
        let account = self.wallet;
        let held = IErc20::balanceOfCall { account };
        let held = self.node.view(self.product.token, &held).await?;
        if held.is_zero() {
            bail!("the wallet has no units of product {}", self.product.id);
        }
        Ok(units.resolve(UNIT_DECIMALS, held)?.min(held))
    }

    fn units(&self, made: U256, least: U256) -> String {
        let short = |units| decimal_down(units, UNIT_DECIMALS, PLACES);
        format!("{} units, at least {}", short(made), short(least))
    }

    /// In dollars times 10^18, at oracle prices: what the trade cost is the difference to what is paid.
    fn value(&self, units: U256) -> Option<U256> {
        let of_one = self.product.unit_value.as_ref()?.amount;
        Some(units.saturating_mul(of_one) / U256::from(10).pow(U256::from(UNIT_DECIMALS)))
    }

    fn worth(&self, units: U256) -> String {
        let value = self.value(units);
        let said = value.map(|value| format!("{} USD", decimal_down(value, UNIT_DECIMALS, PLACES)));
        said.unwrap_or_else(|| "unknown".to_owned())
    }

    fn stakes_of(&self, units: U256) -> Stakes {
        let value = self.value(units).unwrap_or_default();
        Stakes::default().value(value, "are given back")
    }

    async fn redeem(self, units: U256, slippage_bps: u32) -> Result<Deed> {
        let (id, token) = (self.product.id, self.product.token);
        let preview = IErc4626::previewRedeemCall { shares: units };
        let given = self.node.view(token, &preview).await;
        let given = given.wrap_err("this would fail; --in-kind asks no price and no pool")?;
        let least = less(given, slippage_bps);
        let call = redeem_product(token, units, least, self.wallet, self.deadline_ms);
        let (symbol, digits) = (&self.base.symbol, self.base.decimals);
        let said = |amount| format!("{} {symbol}", decimal(amount, digits));
        let rows = vec![
            ("burn", burnt(units)),
            ("worth", self.worth(units)),
            (
                "receive",
                format!("{}, at least {}", said(given), said(least)),
            ),
        ];
        let told = json!({"id": id, "units": units, "assets": given, "assetsMin": least});
        let stakes = self.stakes_of(units);
        Ok(self.deed(call, rows, stakes, told))
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

    async fn redeem_in_kind(self, units: U256) -> Result<Deed> {
        let (id, token) = (self.product.id, self.product.token);
        let preview = unit::IProductToken::previewRedeemInKindCall { units };
        let part = self.node.view(token, &preview).await?;
        let growth = part.debt.saturating_mul(U256::from(GROWTH_BPS)) / U256::from(WHOLE_BPS);
        let most = part.debt.saturating_add(growth).saturating_add(U256::ONE);
        let call = redeem_product_in_kind(token, units, most, self.wallet);
        let (symbol, digits) = (&self.debt.symbol, self.debt.decimals);
        let rows = vec![
            ("burn", burnt(units)),
            (
                "pay",
                format!("{} {symbol}, which is owed", decimal(part.debt, digits)),
            ),
            ("receive", self.in_kind(&part)),
        ];
        let told = json!({
            "id": id,
            "units": units,
            "debt": part.debt,
            "debtMax": most,
            "collateral": part.collateral,
            "shares": part.shares,
        });
        let approval = approval(&self.node, &self.debt, self.wallet, token, most).await?;
        let stakes = self.stakes_of(units);
        let mut deed = self.deed(call, rows, stakes, told);
        deed.approvals.extend(approval);
        Ok(deed)
    }

    fn close(self) -> Deed {
        let id = self.product.id;
        let equity = self.product.equity.as_ref();
        let worth = equity.map_or("?", |fixed| &fixed.text);
        let then = "nobody deposits, and the block sells what it has for its base asset";
        let rows = vec![("worth", format!("{worth} USD")), ("then", then.to_owned())];
        self.deed(
            close_product(id),
            rows,
            Stakes::default(),
            json!({"id": id}),
        )
    }

    async fn top_up(self, coins: U256) -> Deed {
        let id = self.product.id;
        let rows = vec![("coins", format!("{} eth", decimal(coins, UNIT_DECIMALS)))];
        let told = json!({"id": id, "coinsWei": coins});
        let stakes = Stakes::default();
        let stakes = match self.coin() {
            Some(coin) => stakes.amount(&self.node, coin, coins, "are paid in").await,
            None => stakes,
        };
        self.deed(top_up_product(id, coins), rows, stakes, told)
    }
}

fn burnt(units: U256) -> String {
    format!("{} units", decimal_down(units, UNIT_DECIMALS, PLACES))
}

async fn create(options: &ProductCreateOptions) -> Result<Deed> {
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
    let stakes = Stakes::default().amount(&node, &base, seed, "are paid in");
    let stakes = stakes.await;
    let approval = approval(&node, &base, wallet, contract::ADDRESS, seed).await?;
    Ok(Deed {
        node,
        wallet,
        approvals: approval.into_iter().collect(),
        call: create_product(policy, seed, wallet),
        rows,
        stakes,
        told,
    })
}
