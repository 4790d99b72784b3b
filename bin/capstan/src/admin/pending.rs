//! `capstan admin pending`: what is announced on this chain, and when it takes effect.

use alloy_primitives::U256;
use capstan_client::{Administration, Asset, Assets, Node, administration, scope_name};
use capstan_contracts::{
    account::{self, IAccount},
    exchange::{self, IExchange},
    ledger::{self, ILedger},
    lending::{self, ILending},
    oracle::{self, IOracle},
};
use capstan_units::decimal;
use eyre::Result;
use serde::Serialize;
use serde_json::json;

use crate::{
    args::AskOptions,
    words::{lasting, percent, time, when},
};

/// A change that is announced.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Announced {
    /// What changes.
    what: String,
    /// How.
    change: String,
    /// When it begins to count; none is when somebody accepts it.
    from_ms: Option<u64>,
    /// When it has arrived, if that takes time.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<u64>,
}

pub(super) async fn show(ask: &AskOptions) -> Result<()> {
    let node = Node::new(&ask.rpc)?;
    let known = administration(&node).await?;
    let now_ms = known.now_ms;
    let mut all = of_roles(&known);
    for asset in Assets::of(&node).await?.iter() {
        all.extend(of_border(&node, asset, now_ms).await?);
        all.extend(of_feed(&node, asset, now_ms).await?);
        all.extend(of_market(&node, asset, now_ms).await?);
        all.extend(of_collateral(&node, asset, now_ms).await?);
    }
    all.extend(of_exchange(&node, now_ms).await?);
    all.sort_by_key(|change| change.from_ms.unwrap_or(u64::MAX));
    if ask.json {
        println!("{:#}", json!(all));
        return Ok(());
    }
    if all.is_empty() {
        println!("nothing is announced");
        return Ok(());
    }
    for change in all {
        let from = change.from_ms.map_or_else(
            || "when it is accepted".to_owned(),
            |from_ms| when(now_ms, from_ms),
        );
        println!("{}\n  {}\n  {from}", change.what, change.change);
        if let Some(until_ms) = change.until_ms {
            println!("  step by step until {}", time(until_ms));
        }
    }
    Ok(())
}

fn of_roles(known: &Administration) -> Vec<Announced> {
    let now_ms = known.now_ms;
    let mut all = Vec::new();
    for scope in &known.scopes {
        if let Some(to) = scope.offered_to {
            all.push(Announced {
                what: format!("owner of {}", scope.name),
                change: format!("{} -> {to}", scope.owner),
                from_ms: None,
                until_ms: None,
            });
        }
    }
    for grant in known
        .grants
        .iter()
        .filter(|grant| grant.effective_ms > now_ms)
    {
        all.push(Announced {
            what: format!("{} of {}", grant.name, scope_name(grant.scope)),
            change: format!("granted to {}", grant.holder),
            from_ms: Some(grant.effective_ms),
            until_ms: None,
        });
    }
    for delay in known
        .delays
        .iter()
        .filter(|delay| delay.next_from_ms > now_ms)
    {
        all.push(Announced {
            what: format!("delay of {} of {}", delay.name, scope_name(delay.scope)),
            change: format!("{} -> {}", lasting(delay.delay_ms), lasting(delay.next_ms)),
            from_ms: Some(delay.next_from_ms),
            until_ms: None,
        });
    }
    all
}

/// What differs between two states, in words; none if nothing does.
#[derive(Default)]
pub(super) struct Differences(Vec<String>);

impl Differences {
    fn note<T: PartialEq>(&mut self, name: &str, was: T, is: T, words: impl Fn(T) -> String) {
        if was != is {
            self.0
                .push(format!("{name} {} -> {}", words(was), words(is)));
        }
    }

    /// How much an asset counts.
    pub(super) fn factors(&mut self, was: &IAccount::Collateral, is: &IAccount::Collateral) {
        let pairs = [
            ("to borrow", was.initialBps, is.initialBps),
            ("to stay", was.maintenanceBps, is.maintenanceBps),
            (
                "to borrow in its category",
                was.categoryInitialBps,
                is.categoryInitialBps,
            ),
            (
                "to stay in its category",
                was.categoryMaintenanceBps,
                is.categoryMaintenanceBps,
            ),
        ];
        for (name, was, is) in pairs {
            self.note(name, was, is, percent);
        }
    }

    /// All of it; `None` if nothing differs.
    pub(super) fn words(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join(", "))
    }

    fn announced(self, what: String, from_ms: u64) -> Option<Announced> {
        self.words().map(|change| Announced {
            what,
            change,
            from_ms: Some(from_ms),
            until_ms: None,
        })
    }
}

async fn of_border(node: &Node, asset: &Asset, now_ms: u64) -> Result<Option<Announced>> {
    let asked = ILedger::outflowLimitOfCall { assetId: asset.id };
    let set = node.view(ledger::ADDRESS, &asked).await?;
    if set.nextFromMs <= now_ms {
        return Ok(None);
    }
    let mut changes = Differences::default();
    let (was, is) = (set.present, set.next);
    changes.note("window", was.windowS, is.windowS, |s| {
        lasting(u64::from(s) * 1_000)
    });
    changes.note("share", was.shareBps, is.shareBps, percent);
    changes.note("floor", was.floor, is.floor, |floor| units(asset, floor));
    Ok(changes.announced(format!("border of {}", asset.symbol), set.nextFromMs))
}

fn units(asset: &Asset, value: U256) -> String {
    format!("{} {}", decimal(value, asset.decimals), asset.symbol)
}

async fn of_feed(node: &Node, asset: &Asset, now_ms: u64) -> Result<Option<Announced>> {
    let feeds = node.view(oracle::ADDRESS, &IOracle::feedsCall {}).await?;
    if !feeds.bit(asset.id as usize) {
        return Ok(None);
    }
    let asked = IOracle::feedParamsOfCall { assetId: asset.id };
    let set = node.view(oracle::ADDRESS, &asked).await?;
    if set.nextFromMs <= now_ms {
        return Ok(None);
    }
    let (was, is) = (set.current, set.next);
    let ms = |ms: u32| lasting(u64::from(ms));
    let mut changes = Differences::default();
    let number = |number: u8| number.to_string();
    changes.note("quorum", was.quorum, is.quorum, number);
    changes.note(
        "confirming rounds",
        was.reacceptRounds,
        is.reacceptRounds,
        number,
    );
    changes.note("band", was.bandBps, is.bandBps, percent);
    changes.note(
        "band widens a minute by",
        was.bandWidenBpsPerMin,
        is.bandWidenBpsPerMin,
        percent,
    );
    changes.note(
        "unsure by",
        was.confidenceBpsMax,
        is.confidenceBpsMax,
        percent,
    );
    changes.note(
        "growth a year",
        was.growthBpsPerYear,
        is.growthBpsPerYear,
        percent,
    );
    changes.note("stale after", was.staleMs, is.staleMs, ms);
    changes.note("smoothed over", was.smoothMs, is.smoothMs, ms);
    changes.note("outage after", was.outageMs, is.outageMs, ms);
    changes.note("grace", was.graceMs, is.graceMs, ms);
    changes.note("still", was.stillMs, is.stillMs, ms);
    Ok(changes.announced(format!("price of {}", asset.symbol), set.nextFromMs))
}

async fn of_market(node: &Node, asset: &Asset, now_ms: u64) -> Result<Option<Announced>> {
    let asked = ILending::paramsOfCall { assetId: asset.id };
    // An asset without a market has nothing announced there.
    let Ok(set) = node.view(lending::ADDRESS, &asked).await else {
        return Ok(None);
    };
    if set.nextFromMs <= now_ms {
        return Ok(None);
    }
    let (was, is) = (set.present, set.next);
    let mut changes = Differences::default();
    changes.note("supply cap", was.supplyCap, is.supplyCap, |cap| {
        units(asset, cap)
    });
    changes.note("borrow cap", was.borrowCap, is.borrowCap, |cap| {
        units(asset, cap)
    });
    changes.note(
        "reserve",
        was.reserveFactorBps,
        is.reserveFactorBps,
        percent,
    );
    changes.note("rate model", was.rateModel, is.rateModel, |model| {
        if model == 0 { "kinked" } else { "adaptive" }.to_owned()
    });
    changes.note("base rate", was.baseBps, is.baseBps, percent);
    changes.note("slope to the kink", was.slope1Bps, is.slope1Bps, percent);
    changes.note("slope beyond", was.slope2Bps, is.slope2Bps, percent);
    changes.note("kink at", was.optimalBps, is.optimalBps, percent);
    Ok(changes.announced(format!("market of {}", asset.symbol), set.nextFromMs))
}

async fn of_exchange(node: &Node, now_ms: u64) -> Result<Option<Announced>> {
    let asked = IExchange::protocolShareCall {};
    let set = node.view(exchange::ADDRESS, &asked).await?;
    if set.nextFromMs <= now_ms {
        return Ok(None);
    }
    let mut changes = Differences::default();
    changes.note(
        "the protocol's part of fees",
        set.presentBps,
        set.nextBps,
        percent,
    );
    Ok(changes.announced("terms of the exchange".to_owned(), set.nextFromMs))
}

async fn of_collateral(node: &Node, asset: &Asset, now_ms: u64) -> Result<Option<Announced>> {
    let asked = IAccount::collateralOfCall { assetId: asset.id };
    let set = node.view(account::ADDRESS, &asked).await?;
    if set.endMs <= now_ms {
        return Ok(None);
    }
    let (was, is) = (set.now, set.next);
    let mut changes = Differences::default();
    changes.factors(&was, &is);
    let announced = changes.announced(format!("collateral {}", asset.symbol), set.startMs);
    Ok(announced.map(|change| Announced {
        until_ms: Some(set.endMs),
        ..change
    }))
}
