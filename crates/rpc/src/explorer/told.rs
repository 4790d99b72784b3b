//! Calls, actions, system work and events in words.

use std::collections::BTreeMap;

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, Log, TxKind, U256, hex};
use alloy_sol_types::{SolCall as _, SolValue as _};
use capstan_contracts::{
    Contract, Decoded, SystemKind,
    account::{
        self,
        IAccount::{AccountRef, Action, executeCall, executeSignedCall},
        Swap, Verb, decode_action,
    },
    by_name, decode_call, decode_event,
    exchange::{self, IExchange},
    oracle::IOracle::SignedReport,
    resolve,
    system::DevOverride,
};
use capstan_evm::Tx;
use capstan_units::decimal_down;
use serde::Serialize;

use crate::{
    RpcContext,
    error::RpcResult,
    labels,
    views::Views,
    words::{Unit, time_words, unit},
};

/// Digits behind the point that people read in a line.
const PLACES: u8 = 6;
const WAD_DECIMALS: u8 = 18;
/// What a batch or a list of system work shows one by one; the rest is counted.
const PARTS_MAX: usize = 100;

/// Arguments that are amounts, and the argument that names their asset.
const AMOUNTS: [(&str, &str); 20] = [
    ("amount", "assetId"),
    ("assets", "assetId"),
    ("requested", "assetId"),
    ("credited", "assetId"),
    ("fee", "assetId"),
    ("debt", "assetId"),
    ("reserve", "assetId"),
    ("lenders", "assetId"),
    ("loss", "assetId"),
    ("seed", "assetId"),
    ("paid", "assetIn"),
    ("received", "assetOut"),
    ("amountIn", "assetIn"),
    ("amountOut", "assetOut"),
    ("paid", "debtAssetId"),
    ("taken", "collateralAssetId"),
    ("toReserve", "collateralAssetId"),
    ("repayMax", "debtAssetId"),
    ("takenMin", "collateralAssetId"),
    ("goods", "goodsAssetId"),
];

/// Arguments of events that are dollars, or parts of one, with 18 decimals.
const WADS: [(&str, &str); 11] = [
    ("spot", " USD"),
    ("smoothed", " USD"),
    ("median", " USD"),
    ("price", " USD"),
    ("referencePrice", " USD"),
    ("sellPrice", " USD"),
    ("buyPrice", " USD"),
    ("health", ""),
    ("healthBefore", ""),
    ("healthAfter", ""),
    ("minHealth", ""),
];

/// One value with its name, and what it means where it does not say so itself.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Arg {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    value: String,
    /// With its unit, its date or its name; null where `value` says all.
    text: Option<String>,
}

/// A call, an action of a batch, or a piece of system work.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Told {
    contract: &'static str,
    name: String,
    signature: String,
    /// In one line.
    title: String,
    /// What it does, in the contract's own sentence.
    about: String,
    args: Vec<Arg>,
}

/// What a transaction was made to do.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Work {
    /// In one line.
    pub(super) title: String,
    /// Null where no native contract is called.
    call: Option<Told>,
    /// Actions of a batch, reports, accounts or orders, one by one.
    parts: Vec<Told>,
    /// Of how many that is.
    part_count: usize,
}

/// A log.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    address: Address,
    /// Null for contracts of others.
    contract: Option<&'static str>,
    /// Null where nobody here declares it.
    name: Option<String>,
    /// Whether it is only read as what tokens declare, since its contract is another's.
    is_guessed: bool,
    signature: Option<String>,
    about: Option<String>,
    args: Vec<Arg>,
}

/// Tells bytes, and remembers the assets that it asked for.
pub(super) struct Teller<'a> {
    views: Views<'a>,
    units: BTreeMap<u32, Option<Unit>>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(cx: &'a RpcContext) -> RpcResult<Self> {
        Ok(Self {
            views: Views::at(cx, None)?,
            units: BTreeMap::new(),
        })
    }

    /// What a transaction was made to do.
    pub(super) fn work(&mut self, tx: &Tx) -> RpcResult<Work> {
        let TxKind::Call(to) = tx.kind() else {
            return Ok(Work {
                title: format!("create a contract of {} bytes", tx.input().len()),
                ..Work::default()
            });
        };
        if let Some(kind) = SystemKind::of_target(to) {
            return self.system(kind, tx.input());
        }
        let native = resolve(to);
        let called = native.and_then(|contract| decode_call(contract, tx.input()));
        let Some(called) = called else {
            return Ok(Work {
                title: foreign_title(tx, to),
                ..Work::default()
            });
        };
        if to == account::ADDRESS
            && let Some(actions) = actions_of(tx.input())
        {
            return self.batch(&called, &actions);
        }
        let swap = (to == exchange::ADDRESS)
            .then(|| IExchange::swapCall::abi_decode(tx.input()).ok())
            .flatten();
        let title = match swap {
            Some(swap) => self.swap_title(&swap.bounds)?,
            None => format!("{}.{}", called.contract, called.name),
        };
        Ok(Work {
            call: Some(self.told(called, title.clone())?),
            title,
            ..Work::default()
        })
    }

    fn batch(&mut self, called: &Decoded, actions: &[Action]) -> RpcResult<Work> {
        let mut parts = Vec::new();
        for action in actions.iter().take(PARTS_MAX) {
            parts.push(self.action(action)?);
        }
        let titles: Vec<&str> = parts.iter().map(|part| part.title.as_str()).collect();
        let title = match titles.is_empty() {
            true => "an empty batch".to_owned(),
            false => titles.join(", "),
        };
        Ok(Work {
            title,
            call: Some(self.told(called.clone(), format!("account.{}", called.name))?),
            parts,
            part_count: actions.len(),
        })
    }

    fn action(&mut self, action: &Action) -> RpcResult<Told> {
        let Some(decoded) = decode_action(action) else {
            return Ok(Told {
                contract: account::CONTRACT.name,
                name: action.verb.to_string(),
                signature: String::new(),
                title: format!("verb {}", action.verb),
                about: "No verb takes such arguments.".to_owned(),
                args: Vec::new(),
            });
        };
        let swap = (action.verb == Verb::Swap.number())
            .then(|| Swap::abi_decode(&action.args).ok())
            .flatten();
        let mut told = self.told(decoded, String::new())?;
        told.title = match swap {
            Some((_, bounds, _)) => self.swap_title(&bounds)?,
            None => {
                let mut amounts = told.args.iter().filter(|arg| {
                    AMOUNTS.iter().any(|(name, _)| *name == arg.name) && arg.text.is_some()
                });
                match amounts.next().and_then(|arg| arg.text.as_deref()) {
                    Some(amount) => format!("{} {amount}", told.name),
                    None => told.name.clone(),
                }
            }
        };
        Ok(told)
    }

    fn swap_title(&mut self, bounds: &IExchange::Bounds) -> RpcResult<String> {
        let paid = self.amount(bounds.assetIn, bounds.paidMax)?;
        let received = self.amount(bounds.assetOut, bounds.receivedMin)?;
        Ok(match (paid, received) {
            (Some(paid), Some(received)) => {
                format!("swap at most {paid} for at least {received}")
            }
            _ => "swap".to_owned(),
        })
    }

    /// The block's own work, from the calldata that it carries.
    fn system(&mut self, kind: SystemKind, input: &[u8]) -> RpcResult<Work> {
        let none = || (Vec::new(), 0);
        let (parts, count) = match kind {
            SystemKind::Prices => match Vec::<SignedReport>::abi_decode(input) {
                Ok(reports) => self.reports(&reports)?,
                Err(_) => none(),
            },
            SystemKind::Liquidate | SystemKind::Redeem => {
                match Vec::<AccountRef>::abi_decode(input) {
                    Ok(accounts) => listed(kind, &accounts, "account", |of| {
                        format!("{}/{}", of.owner, of.index)
                    }),
                    Err(_) => none(),
                }
            }
            SystemKind::Triggers => match Vec::<u64>::abi_decode(input) {
                Ok(orders) => listed(kind, &orders, "order", u64::to_string),
                Err(_) => none(),
            },
            SystemKind::Rebalance => match Vec::<u32>::abi_decode(input) {
                Ok(products) => listed(kind, &products, "product", u32::to_string),
                Err(_) => none(),
            },
            SystemKind::DevOverride => match DevOverride::abi_decode(input) {
                Ok(asked) => listed(kind, &asked.accounts, "account", |of| {
                    of.account.to_string()
                }),
                Err(_) => none(),
            },
            SystemKind::Epoch => match Vec::<u64>::abi_decode(input) {
                Ok(claims) => listed(kind, &claims, "claim", u64::to_string),
                Err(_) => none(),
            },
            SystemKind::Recover => match Vec::<u64>::abi_decode(input) {
                Ok(machines) => listed(kind, &machines, "machine", u64::to_string),
                Err(_) => none(),
            },
            SystemKind::Migrate | SystemKind::Wake | SystemKind::Match => none(),
        };
        let title = system_title(kind, count);
        Ok(Work {
            call: Some(Told {
                contract: "system",
                name: kind.name().to_owned(),
                signature: kind.name().to_owned(),
                title: title.clone(),
                about: system_about(kind).to_owned(),
                args: Vec::new(),
            }),
            title,
            parts,
            part_count: count,
        })
    }

    /// One part for each price that was reported.
    fn reports(&mut self, reports: &[SignedReport]) -> RpcResult<(Vec<Told>, usize)> {
        let mut parts = Vec::new();
        let mut count = 0;
        for signed in reports {
            for entry in &signed.report.entries {
                count += 1;
                if parts.len() == PARTS_MAX {
                    continue;
                }
                let symbol = self.symbol(entry.assetId)?;
                let dollars = dollars(U256::from(entry.price));
                parts.push(Told {
                    contract: "system",
                    name: "report".to_owned(),
                    signature: String::new(),
                    title: format!("{symbol} at {dollars}"),
                    about: "One reporter's price; the oracle takes the median of those that count."
                        .to_owned(),
                    args: vec![
                        plain("reporter", "address", signed.reporter),
                        plain("round", "uint64", signed.report.round),
                        plain("assetId", "uint32", entry.assetId),
                        Arg {
                            text: Some(dollars),
                            ..plain("price", "uint128", entry.price)
                        },
                    ],
                });
            }
        }
        Ok((parts, count))
    }

    /// A log, as its contract declares it; a token's event of any contract.
    pub(super) fn event(&mut self, log: &Log) -> RpcResult<Event> {
        let native = resolve(log.address);
        let own = native.and_then(|contract| decode_event(contract, &log.data));
        let is_guessed = native.is_none();
        let decoded = own.or_else(|| match is_guessed {
            true => decode_event(token()?, &log.data),
            false => None,
        });
        let mut event = Event {
            address: log.address,
            contract: native.map(|contract| contract.name),
            name: None,
            is_guessed: is_guessed && decoded.is_some(),
            signature: None,
            about: None,
            args: Vec::new(),
        };
        if let Some(decoded) = decoded {
            let told = self.told(decoded, String::new())?;
            event.name = Some(told.name);
            event.signature = Some(told.signature);
            event.about = Some(told.about);
            event.args = told.args;
        }
        Ok(event)
    }

    fn told(&mut self, decoded: Decoded, title: String) -> RpcResult<Told> {
        let mut texts = Vec::with_capacity(decoded.arguments.len());
        for at in 0..decoded.arguments.len() {
            texts.push(self.text(&decoded, at)?);
        }
        let args = decoded.arguments.into_iter().zip(texts);
        Ok(Told {
            contract: decoded.contract,
            name: decoded.name,
            signature: decoded.signature,
            title,
            about: decoded.help,
            args: args
                .map(|(argument, text)| Arg {
                    name: argument.name,
                    kind: argument.kind,
                    value: argument.value,
                    text,
                })
                .collect(),
        })
    }

    /// What an argument means, beside others of its call.
    fn text(&mut self, decoded: &Decoded, at: usize) -> RpcResult<Option<String>> {
        let argument = &decoded.arguments[at];
        let (name, value) = (argument.name.as_str(), argument.value.as_str());
        Ok(match argument.kind.as_str() {
            "address" => value
                .parse()
                .ok()
                .and_then(labels::contract_at)
                .map(str::to_owned),
            "uint32" if name.starts_with("asset") || name.ends_with("AssetId") => {
                match value.parse() {
                    Ok(asset_id) => self.unit(asset_id)?.map(|unit| unit.symbol.clone()),
                    Err(_) => None,
                }
            }
            "uint64" if name.ends_with("Ms") => {
                let ms = value.parse().ok().filter(|ms| *ms != 0 && *ms != u64::MAX);
                ms.and_then(time_words)
            }
            "uint256" | "uint128" => {
                let Ok(number) = value.parse::<U256>() else {
                    return Ok(None);
                };
                if let Some((_, unit)) = WADS.iter().find(|(wad, _)| *wad == name) {
                    let told = || format!("{}{unit}", decimal_down(number, WAD_DECIMALS, PLACES));
                    return Ok((number != U256::MAX).then(told));
                }
                match asset_beside(decoded, name) {
                    Some(asset_id) => self.amount(asset_id, number)?,
                    None => None,
                }
            }
            _ => None,
        })
    }

    /// An amount with its unit; the largest number is all there is.
    fn amount(&mut self, asset_id: u32, amount: U256) -> RpcResult<Option<String>> {
        Ok(self.unit(asset_id)?.map(|unit| match amount == U256::MAX {
            true => format!("all {}", unit.symbol),
            false => {
                let amount = decimal_down(amount, unit.decimals, PLACES);
                format!("{amount} {}", unit.symbol)
            }
        }))
    }

    fn symbol(&mut self, asset_id: u32) -> RpcResult<String> {
        let unit = self.unit(asset_id)?;
        Ok(unit.map_or_else(|| format!("asset {asset_id}"), |unit| unit.symbol.clone()))
    }

    fn unit(&mut self, asset_id: u32) -> RpcResult<Option<&Unit>> {
        if !self.units.contains_key(&asset_id) {
            let found = unit(&mut self.views, asset_id)?;
            self.units.insert(asset_id, found);
        }
        Ok(self.units.get(&asset_id).and_then(Option::as_ref))
    }
}

/// The asset in which an argument is counted, if another argument names it.
fn asset_beside(decoded: &Decoded, name: &str) -> Option<u32> {
    let mut named = AMOUNTS.iter().filter(|(amount, _)| *amount == name);
    named.find_map(|(_, asset)| {
        let mut arguments = decoded.arguments.iter();
        let asset = arguments.find(|argument| argument.name == *asset)?;
        asset.value.parse().ok()
    })
}

/// The actions in calldata of the account contract, signed ones too.
fn actions_of(input: &[u8]) -> Option<Vec<Action>> {
    if let Ok(call) = executeCall::abi_decode(input) {
        return Some(call.actions);
    }
    executeSignedCall::abi_decode(input)
        .ok()
        .map(|call| call.actions)
}

/// What is known of a call to no native contract.
fn foreign_title(tx: &Tx, to: Address) -> String {
    let coins = match tx.value().is_zero() {
        true => String::new(),
        false => format!("{} ETH", decimal_down(tx.value(), WAD_DECIMALS, PLACES)),
    };
    let whom = labels::contract_at(to).map_or_else(|| to.to_string(), str::to_owned);
    match tx.input().first_chunk::<4>() {
        None => format!(
            "send {} to {whom}",
            if coins.is_empty() { "nothing" } else { &coins }
        ),
        Some(selector) => {
            let selector = hex::encode_prefixed(selector);
            let with = if coins.is_empty() {
                coins
            } else {
                format!(" with {coins}")
            };
            format!("call {selector} of {whom}{with}")
        }
    }
}

fn token() -> Option<&'static Contract> {
    by_name("token")
}

fn plain(name: &str, kind: &str, value: impl ToString) -> Arg {
    Arg {
        name: name.to_owned(),
        kind: kind.to_owned(),
        value: value.to_string(),
        text: None,
    }
}

fn dollars(price: U256) -> String {
    format!("{} USD", decimal_down(price, WAD_DECIMALS, PLACES))
}

/// A list that system work carries, one part for each.
fn listed<T>(
    kind: SystemKind,
    items: &[T],
    what: &str,
    show: impl Fn(&T) -> String,
) -> (Vec<Told>, usize) {
    let part = |item: &T| {
        let shown = show(item);
        Told {
            contract: "system",
            name: kind.name().to_owned(),
            signature: String::new(),
            title: format!("{what} {shown}"),
            about: String::new(),
            args: vec![plain(what, "", shown)],
        }
    };
    let parts = items.iter().take(PARTS_MAX).map(part);
    (parts.collect(), items.len())
}

fn system_title(kind: SystemKind, count: usize) -> String {
    let some = |one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    match kind {
        SystemKind::Migrate => "a step of a migration".to_owned(),
        SystemKind::DevOverride => format!("a developer sets {}", some("account", "accounts")),
        SystemKind::Wake => "the chain stood still".to_owned(),
        SystemKind::Prices => format!("{} reported", some("price", "prices")),
        SystemKind::Liquidate => format!("the block looks after {}", some("account", "accounts")),
        SystemKind::Redeem => format!(
            "{} for redeemed dollars",
            some("debtor pays", "debtors pay")
        ),
        SystemKind::Triggers => format!("the block looks at {}", some("order", "orders")),
        SystemKind::Rebalance => format!("the block looks at {}", some("product", "products")),
        SystemKind::Epoch => format!("the block looks at {}", some("claim", "claims")),
        SystemKind::Recover => format!(
            "the block looks at {} that owe",
            some("machine", "machines")
        ),
        SystemKind::Match => "matching and settlement".to_owned(),
    }
}

const fn system_about(kind: SystemKind) -> &'static str {
    match kind {
        SystemKind::Migrate => "A bounded step of a change of stored layouts.",
        SystemKind::DevOverride => "What a developer set by hand. Only development chains have it.",
        SystemKind::Wake => "No block came for a while: this time counts in nobody's window.",
        SystemKind::Prices => {
            "Signed reports, before the first user of the block: all of them see the same prices."
        }
        SystemKind::Liquidate => {
            "Accounts whose guard was crossed: each is sold as far as it must be, or has time set for another look."
        }
        SystemKind::Redeem => {
            "Debtors nearest to liquidation pay dollars that wait for redemption."
        }
        SystemKind::Triggers => "Orders whose price, time or health has come.",
        SystemKind::Rebalance => "Products that left their band go back to their target.",
        SystemKind::Epoch => {
            "Claims of machines whose audits begin or are over: drawn, paid or void."
        }
        SystemKind::Recover => {
            "Machines that owe: instalments that fell due are paid from what is reserved, and whoever does not pay is one step further."
        }
        SystemKind::Match => "What users asked for together is settled together.",
    }
}
