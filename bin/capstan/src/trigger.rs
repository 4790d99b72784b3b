//! `capstan trigger`: orders that the block executes by itself, shown before they are signed.

use alloy_primitives::{Address, U256};
use capstan_client::{
    AccountName, Amount, Asset, Assets, Call, Market, Node, TriggerOrder, account, cancel_trigger,
    create_trigger, created_trigger, markets, triggers,
};
use capstan_contracts::triggers::{ADDRESS, ITriggers, Kind, prepaid_min_wei};
use capstan_units::{decimal, parse_decimal};
use eyre::{OptionExt as _, Result, WrapErr as _, bail};
use serde_json::{Value, json};

use crate::{
    account::owner,
    args::{ActOptions, AddOptions, TriggerCommand},
    block_on,
    consent::Stakes,
    deed::Deed,
    table::Table,
    words::{lasting, percent, time},
};

/// Digits of a price in dollars.
const USD_DECIMALS: u8 = 18;
/// Digits of health, counted in hundredths of a percent.
const HEALTH_DECIMALS: u8 = 4;
/// Digits of the gas coin.
const COIN_DECIMALS: u8 = 18;
/// Digits behind the point that people see.
const PLACES: u8 = 6;
/// A whole, in hundredths of a percent.
const WHOLE_BPS: u32 = 10_000;
/// Steps of a price in a doubling.
const STEPS_PER_DOUBLING: f64 = 64.0;

pub(crate) fn run(command: &TriggerCommand) -> Result<()> {
    block_on(async {
        match command {
            TriggerCommand::Add(options) => add(options).await,
            TriggerCommand::List {
                ask,
                signer,
                index,
                owner: stated,
            } => {
                let node = Node::new(&ask.rpc)?;
                let name = AccountName {
                    owner: owner(signer, *stated)?,
                    index: *index,
                };
                list(&node, name, ask.json).await
            }
            TriggerCommand::Cancel { act, id } => cancel(act, *id).await,
        }
    })
}

/// An order that is about to be signed.
struct Doing {
    node: Node,
    wallet: Address,
    from: Asset,
    to: Asset,
    watch: Asset,
    order: ITriggers::Order,
    /// The exact price at which it fires; zero where none does.
    fires_at: U256,
    prepaid_wei: U256,
    call: Call,
    /// What the account has of what is sold.
    held: U256,
    markets: Vec<Market>,
}

async fn add(options: &AddOptions) -> Result<()> {
    let signing = &options.act.signing;
    let deed = Doing::prepare(options).await?.deed().await;
    let Some(sent) = deed.carry_out(signing).await? else {
        return Ok(());
    };
    let id = created_trigger(&deed.node, sent.hash).await?;
    let id = id.ok_or_eyre("the transaction was mined and says of no order")?;
    if signing.ask.json {
        let told = json!({"transaction": sent.to_json(), "order": deed.told, "id": id});
        println!("{told:#}");
        return Ok(());
    }
    println!("{sent}");
    println!(
        "order {id} stands: `capstan trigger list` shows it, `capstan trigger cancel {id}` ends it"
    );
    Ok(())
}

impl Doing {
    async fn prepare(options: &AddOptions) -> Result<Self> {
        let act = &options.act;
        let node = Node::new(&act.signing.ask.rpc)?;
        let wallet = owner(&act.signing.signer, None)?;
        let assets = Assets::of(&node).await?;
        let (from, to) = (
            assets.find(&options.from)?.clone(),
            assets.find(&options.to)?.clone(),
        );
        let watch = match &options.watch {
            Some(name) => assets.find(name)?.clone(),
            None => from.clone(),
        };
        let amount = match &options.amount {
            Amount::PartBps(_) => bail!("say how much {} as a number, or `max`", from.symbol),
            amount => amount.resolve(from.decimals, U256::ZERO)?,
        };
        let now_ms = node.head_time_ms().await?;
        let lasts_ms = u64::try_from(options.lasts.as_millis()).unwrap_or(u64::MAX);
        let mut order = ITriggers::Order {
            kind: 0,
            sellAssetId: from.id,
            buyAssetId: to.id,
            amount,
            limitBps: u16::try_from(options.limit)?,
            repay: options.repay,
            watchAssetId: watch.id,
            above: false,
            price: U256::ZERO,
            distanceSteps: 0,
            intervalS: 0,
            count: options.times.unwrap_or(1),
            floorBps: 0,
            targetBps: 0,
            expiresMs: now_ms.saturating_add(lasts_ms),
        };
        let kind = condition(&mut order, options)?;
        order.kind = kind.number();
        let fires_at = match kind {
            Kind::Price => {
                let exact = ITriggers::firesAtCall {
                    price: order.price,
                    above: order.above,
                };
                node.view(ADDRESS, &exact).await?
            }
            _ => U256::ZERO,
        };
        let prepaid_wei = match options.prepay {
            Some(wei) => wei,
            None => {
                let base_fee_wei: U256 = node.read("eth_baseFee", json!([])).await?;
                // Twice the least: the base fee may rise until its block, and what is left comes back.
                prepaid_min_wei(kind, order.count, base_fee_wei).saturating_mul(U256::from(2))
            }
        };
        let name = AccountName {
            owner: wallet,
            index: act.index,
        };
        let call = create_trigger(name, order.clone(), prepaid_wei);
        let markets = markets(&node).await?;
        let (_, state) = account(&node, name).await?;
        let held = state.standing.holding(from.id).map_or(U256::ZERO, |held| {
            held.units.amount.saturating_add(held.supplied.amount)
        });
        Ok(Self {
            node,
            wallet,
            from,
            to,
            watch,
            order,
            fires_at,
            prepaid_wei,
            call,
            held,
            markets: markets.into_iter().map(|(_, market)| market).collect(),
        })
    }

    async fn deed(self) -> Deed {
        let (rows, told, stakes) = (self.rows(), self.told(), self.stakes().await);
        Deed {
            node: self.node,
            wallet: self.wallet,
            approvals: Vec::new(),
            call: self.call,
            rows,
            stakes,
            told,
        }
    }

    /// What is sold, of all of it what stands there now; and what is prepaid.
    async fn stakes(&self) -> Stakes {
        let times = match self.order.kind == Kind::Slices.number() {
            true => U256::from(self.order.count),
            false => U256::from(1),
        };
        let sold = match self.order.amount == U256::MAX {
            true => self.held,
            false => self.order.amount.saturating_mul(times),
        };
        let stakes = Stakes::default();
        stakes
            .amount(&self.node, &self.from, sold, "would be sold")
            .await
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let (order, from, to) = (&self.order, &self.from.symbol, &self.to.symbol);
        let (all, each) = match (order.amount == U256::MAX, order.kind) {
            (true, 4) => ("what is needed of all".to_owned(), ""),
            (true, _) => ("all".to_owned(), ""),
            (false, 3) => (decimal(order.amount, self.from.decimals), " each time"),
            (false, _) => (
                format!("up to {}", decimal(order.amount, self.from.decimals)),
                "",
            ),
        };
        let repaid = if order.repay || order.kind == Kind::Health.number() {
            ", which pays debt in it"
        } else {
            ""
        };
        let floor = percent(order.limitBps);
        let mut rows = vec![
            ("when", self.when()),
            ("sell", format!("{all} {from}{each}")),
            ("for", format!("{to}{repaid}")),
            (
                "floor",
                format!("at most {floor} below its value at oracle prices"),
            ),
        ];
        if let Some(least) = self.least() {
            let at = format!("at least {least} {to}, at this price and the present one of {to}");
            rows.push(("brings", at));
        }
        let prepaid = decimal(self.prepaid_wei, COIN_DECIMALS);
        rows.push(("ends", time(order.expiresMs)));
        rows.push(("prepaid", format!("{prepaid} eth; what is left comes back")));
        rows
    }

    fn when(&self) -> String {
        let (order, watch) = (&self.order, &self.watch.symbol);
        let now = match self.price_of(self.watch.id) {
            Some(price) => format!(", now {}", short(price)),
            None => String::new(),
        };
        let side = if order.above { "or above" } else { "or below" };
        match order.kind {
            1 => format!("1 {watch} is at {} USD {side}{now}", short(self.fires_at)),
            2 => {
                let way = if order.above {
                    "above the lowest"
                } else {
                    "below the best"
                };
                format!(
                    "1 {watch} is {} steps of 1.1 % {way} price seen from now on{now}",
                    order.distanceSteps
                )
            }
            3 => format!(
                "every {}, {} times, the first at once",
                lasting(u64::from(order.intervalS).saturating_mul(1_000)),
                order.count
            ),
            _ => format!(
                "health is at {} or below; restores {}, {} times at most",
                health(order.floorBps),
                health(order.targetBps),
                order.count
            ),
        }
    }

    fn price_of(&self, asset_id: u32) -> Option<U256> {
        let mut known = self.markets.iter();
        let market = known.find(|market| market.asset_id == asset_id)?;
        Some(market.price.as_ref()?.spot.amount)
    }

    /// What a sale of a fixed amount brings at least where the watched price is that of what is sold.
    fn least(&self) -> Option<String> {
        let order = &self.order;
        if order.kind != Kind::Price.number()
            || order.amount == U256::MAX
            || self.watch.id != self.from.id
        {
            return None;
        }
        let kept = WHOLE_BPS.saturating_sub(order.limitBps.into());
        let ten = |digits: u8| U256::from(10).checked_pow(U256::from(digits));
        let value = order.amount.checked_mul(self.fires_at)?;
        let value = value.checked_mul(U256::from(kept))? / U256::from(WHOLE_BPS);
        let units = value.checked_mul(ten(self.to.decimals)?)?;
        let units = units / ten(self.from.decimals)?;
        let least = units.checked_div(self.price_of(self.to.id)?)?;
        Some(capstan_units::decimal_down(least, self.to.decimals, PLACES))
    }

    fn told(&self) -> Value {
        let order = &self.order;
        json!({
            "kind": order.kind,
            "sell": self.from.symbol,
            "buy": self.to.symbol,
            "amount": (order.amount != U256::MAX).then(|| decimal(order.amount, self.from.decimals)),
            "watch": self.watch.symbol,
            "above": order.above,
            "firesAt": (!self.fires_at.is_zero()).then(|| decimal(self.fires_at, USD_DECIMALS)),
            "distanceSteps": order.distanceSteps,
            "intervalS": order.intervalS,
            "count": order.count,
            "floor": health(order.floorBps),
            "target": health(order.targetBps),
            "limitBps": order.limitBps,
            "repay": order.repay,
            "expiresMs": order.expiresMs,
            "prepaidWei": self.prepaid_wei,
            "to": self.call.to,
            "input": self.call.input,
        })
    }
}

/// What the order waits for, as it was said.
fn condition(order: &mut ITriggers::Order, options: &AddOptions) -> Result<Kind> {
    let usd = |text: &str| {
        let price = parse_decimal(text, USD_DECIMALS);
        price.wrap_err_with(|| format!("`{text}` is no price in USD"))
    };
    if let Some(text) = options.below.as_ref().or(options.above.as_ref()) {
        order.above = options.above.is_some();
        order.price = usd(text)?;
        return Ok(Kind::Price);
    }
    if let Some(bps) = options.trail.or(options.trail_up) {
        order.above = options.trail_up.is_some();
        order.distanceSteps = steps(bps, order.above)?;
        return Ok(Kind::Trailing);
    }
    if let Some(every) = &options.every {
        order.intervalS = u32::try_from(every.as_secs())?;
        return Ok(Kind::Slices);
    }
    let bps = |text: &Option<String>| -> Result<u32> {
        let text = text
            .as_deref()
            .ok_or_eyre("say what health is restored by --restore")?;
        let bps = parse_decimal(text, HEALTH_DECIMALS);
        let bps = bps.wrap_err_with(|| format!("`{text}` is no health: write 1.25"))?;
        u32::try_from(bps).wrap_err_with(|| format!("`{text}` is more than any health"))
    };
    order.floorBps = bps(&options.health)?;
    order.targetBps = bps(&options.restore)?;
    Ok(Kind::Health)
}

/// The distance in steps that comes nearest to a part of the price.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of steps between one and 64"
)]
fn steps(bps: u32, above: bool) -> Result<u16> {
    let part = f64::from(bps) / f64::from(WHOLE_BPS);
    let ratio = if above {
        1.0 + part
    } else {
        1.0 / (1.0 - part)
    };
    let steps = (ratio.log2() * STEPS_PER_DOUBLING).round();
    if (1.0..=64.0).contains(&steps) {
        return Ok(steps as u16);
    }
    bail!(
        "{} is no distance to trail by: between 1 % and 50 %",
        percent(bps)
    )
}

fn short(price: U256) -> String {
    capstan_units::decimal_down(price, USD_DECIMALS, PLACES)
}

fn health(bps: u32) -> String {
    decimal(U256::from(bps), HEALTH_DECIMALS)
}

async fn cancel(act: &ActOptions, id: u64) -> Result<()> {
    let signing = &act.signing;
    let deed = Deed {
        node: Node::new(&signing.ask.rpc)?,
        wallet: owner(&signing.signer, None)?,
        approvals: Vec::new(),
        call: cancel_trigger(id),
        rows: vec![("order", id.to_string())],
        stakes: Stakes::default(),
        told: json!({"id": id}),
    };
    let Some(sent) = deed.carry_out(signing).await? else {
        return Ok(());
    };
    if signing.ask.json {
        let told = json!({"transaction": sent.to_json(), "id": id});
        println!("{told:#}");
        return Ok(());
    }
    println!("{sent}");
    println!("order {id} is gone; what was left of its coins is back");
    Ok(())
}

async fn list(node: &Node, of: AccountName, is_json: bool) -> Result<()> {
    let all = triggers(node, of).await?;
    if is_json {
        let whole: Vec<_> = all.iter().map(|(whole, _)| whole).collect();
        println!("{}", serde_json::to_string_pretty(&whole)?);
        return Ok(());
    }
    if all.is_empty() {
        println!("no orders stand on this account");
        return Ok(());
    }
    let mut table = Table::new(["order", "sells", "for", "when", "prepaid eth", "ends"]);
    for (_, order) in &all {
        let left = order.left.as_ref();
        let left = left.map_or("all".to_owned(), |left| left.short(PLACES));
        table.row([
            order.id.to::<u64>().to_string(),
            format!("{left} {}", order.sell.symbol),
            order.buy.symbol.clone(),
            waits_for(order),
            order.prepaid.short(PLACES),
            time(order.expires_ms.to()),
        ]);
    }
    print!("{table}");
    Ok(())
}

fn waits_for(order: &TriggerOrder) -> String {
    let waits = match (
        &order.watch,
        &order.fires_at,
        &order.floor,
        order.interval_s,
    ) {
        (Some(watch), Some(at), ..) => {
            let side = if order.above { ">=" } else { "<=" };
            let trails = match order.distance_steps {
                Some(steps) => format!(", {steps} steps behind"),
                None => String::new(),
            };
            format!("{} {side} {} USD{trails}", watch.symbol, at.short(PLACES))
        }
        (_, _, Some(floor), _) => format!("health <= {}", floor.text),
        (_, _, _, Some(every_s)) => {
            let every = lasting(u64::from(every_s).saturating_mul(1_000));
            format!("every {every}, {} left", order.count)
        }
        _ => order.kind.clone(),
    };
    match order.failures {
        0 => waits,
        failures => format!(
            "{waits}; {failures} attempts failed, next {}",
            time(order.next_ms.to())
        ),
    }
}
