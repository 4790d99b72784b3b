//! `capstan_shock`, `capstan_cheat`, `capstan_feed`, `capstan_labels`: the prepared world of a development node, where it has one.
//!
//! Who made the world knows it: the program hands over a [`DevWorld`]. Not here: how prices move, who the bots are.

use std::fmt;

use alloy_primitives::{Address, U64, U256};
use serde::Serialize;

use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    fixed::Fixed,
    methods::Methods,
};

/// A world with prices that somebody can push, and with names.
pub trait DevWorld: fmt::Debug + Send + Sync {
    /// How prices come.
    fn feed(&self) -> WorldFeed;

    /// Moves the price of an asset: where to, as `-40%` or `1800`, and in how many seconds.
    ///
    /// # Errors
    /// In words, what cannot be done and why.
    fn shock(&self, asset: &str, to: &str, seconds: u64) -> Result<WorldShock, String>;

    /// Lets a provider, by its number, cheat in a way from now on.
    ///
    /// # Errors
    /// In words, what cannot be done and why.
    fn cheat(&self, provider: u32, how: &str) -> Result<WorldCheat, String>;

    /// Who lives there.
    fn labels(&self) -> Vec<WorldLabel>;
}

/// How prices come.
#[derive(Clone, Debug)]
pub struct WorldFeed {
    /// `fixed`, `synthetic` or `off`.
    pub kind: &'static str,
    /// Time between two reports.
    pub every_ms: u64,
    /// Assets on which a shock runs, and how many reports of it are left.
    pub shocks: Vec<(u32, usize)>,
}

/// A shock that has begun.
#[derive(Clone, Debug)]
pub struct WorldShock {
    /// Whose price.
    pub asset_id: u32,
    /// The price before it, in dollars times 10^18.
    pub from: u128,
    /// What each report will say.
    pub prices: Vec<u128>,
    /// Time between two reports.
    pub every_ms: u64,
    /// Assets whose prices follow.
    pub followers: Vec<u32>,
}

/// A provider that cheats.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorldCheat {
    /// The key of its machine.
    pub key: Address,
    /// Whose title it is.
    pub holder: Address,
    /// What it does now, in words.
    pub does: String,
}

/// Somebody with a name.
#[derive(Clone, Debug, Serialize)]
pub struct WorldLabel {
    /// His address.
    pub address: Address,
    /// `owner`, `person` or `bot`.
    pub kind: &'static str,
    /// For people to read.
    pub name: String,
}

pub(super) fn register(table: &mut Methods) {
    table
        .quick(
            "capstan_shock",
            ["asset", "to", "seconds"],
            "Moves the price of an asset of the prepared world, by its symbol or number: to a price or by a change (\"1800\", \"-40%\"), in so many seconds. Answers the path.",
            shock,
        )
        .writes()
        .dev();
    table
        .quick(
            "capstan_cheat",
            ["provider", "how"],
            "Lets a provider of the prepared world cheat from now on: `swap-model`, `truncate`, `replay`, `go-dark`, or `none` again. Answers its machine's key.",
            cheat,
        )
        .writes()
        .dev();
    table
        .quick(
            "capstan_feed",
            [],
            "How prices of the prepared world come, and which shocks run; null without a world.",
            feed,
        )
        .dev();
    table
        .quick(
            "capstan_labels",
            [],
            "Names of addresses of the prepared world: its owner, its people, its bots.",
            labels,
        )
        .dev();
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShockAnswer {
    asset_id: u32,
    from: Fixed,
    to: Fixed,
    every_ms: u64,
    path: Vec<Fixed>,
    followers: Vec<u32>,
}

fn shock(cx: &RpcContext, (asset, to, seconds): (String, String, u64)) -> RpcResult<ShockAnswer> {
    let world = cx.config().world.as_ref().ok_or_else(|| {
        RpcError::server("this node feeds no prices itself: start it without --empty and with --feed fixed or synthetic")
    })?;
    let told = world
        .shock(&asset, &to, seconds)
        .map_err(RpcError::invalid_params)?;
    let price = |price: &u128| Fixed::wad(U256::from(*price));
    Ok(ShockAnswer {
        asset_id: told.asset_id,
        from: price(&told.from),
        to: price(told.prices.last().unwrap_or(&told.from)),
        every_ms: told.every_ms,
        path: told.prices.iter().map(price).collect(),
        followers: told.followers,
    })
}

fn cheat(cx: &RpcContext, (provider, how): (u32, String)) -> RpcResult<WorldCheat> {
    let world = cx.config().world.as_ref().ok_or_else(|| {
        RpcError::server(
            "no machines live on this node: start it without --empty and with --machines 3",
        )
    })?;
    world
        .cheat(provider, &how)
        .map_err(RpcError::invalid_params)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FeedAnswer {
    kind: &'static str,
    every_ms: u64,
    shocks: Vec<ShockLeft>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShockLeft {
    asset_id: u32,
    reports_left: U64,
}

fn feed(cx: &RpcContext, (): ()) -> RpcResult<Option<FeedAnswer>> {
    let told = cx.config().world.as_ref().map(|world| world.feed());
    Ok(told.map(|feed| FeedAnswer {
        kind: feed.kind,
        every_ms: feed.every_ms,
        shocks: feed
            .shocks
            .iter()
            .map(|(asset_id, left)| ShockLeft {
                asset_id: *asset_id,
                reports_left: U64::from(*left),
            })
            .collect(),
    }))
}

fn labels(cx: &RpcContext, (): ()) -> RpcResult<Vec<WorldLabel>> {
    let world = cx.config().world.as_ref();
    Ok(world.map(|world| world.labels()).unwrap_or_default())
}
