//! The prepared world of `capstan dev`: assets with markets and prices, pools, farms, products and people who use them,
//! so that a newcomer can supply, borrow, swap, farm and see health at once.
//!
//! ```text
//!   tables (listed) ─► transactions before anybody looks (maker, past) ─► prices that live and can be pushed, and bots
//!   machines (works) ─► shops that sell, a customer who buys through gateways, auditors; a shop can be made to cheat (crook)
//! ```
//!
//! The same seed makes the same world. Prices come from a made-up market, signed by the account that owns the protocol.

mod bots;
mod cast;
mod crook;
mod customer;
mod listed;
mod maker;
mod past;
mod program;
mod shared;
mod shop;
mod works;

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use capstan_agents::{
    auditor::Told,
    feed::{Claim, Feeder, Hand, Living, MarketSettings, Shock, Simulated, Source, Target},
    provider::seat,
};
use capstan_chain::Chain;
use capstan_client::{Node, Sender};
use capstan_compute::bundled::class_of;
use capstan_contracts::{
    jobs::{self, IJobs::classesCall},
    oracle::{self, IOracle},
};
use capstan_rpc::{DevWorld, WorldCheat, WorldFeed, WorldLabel, WorldShock};
use eyre::{Result, WrapErr as _};
use futures::{
    FutureExt as _,
    future::{join_all, try_join_all},
    join, try_join,
};
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, timeout_at},
};

pub(crate) use bots::{Bot, addresses, bots};
use cast::Provider;
pub(crate) use cast::{Cast, MACHINES_MAX, cast};
pub(crate) use crook::Cheat;
use customer::{Buyer, ask_all};
use listed::{ASSETS, Moves, number};
use maker::Maker;
use program::{Program, program};
use shared::Shared;
use shop::{Shop, Town};

use crate::{
    args::FeedKind,
    compute::{Engines, Spend, auditor},
};

/// Time between prices.
const PRICE_EVERY: Duration = Duration::from_secs(1);
/// What could not be opened is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// By then a shop has opened, or its customer looks for it all the same.
const OPENS_WITHIN: Duration = Duration::from_secs(20);
/// How much of each move is common to all prices.
const CORRELATION: f64 = 0.6;

/// What goes on in a prepared world once it stands.
#[derive(Debug)]
pub(crate) struct World {
    owner: PrivateKeySigner,
    bots: Vec<Bot>,
    seed: u64,
    feed: FeedKind,
    works: Option<(Cast, Program)>,
    folder: Option<PathBuf>,
    door: Arc<Door>,
}

/// What RPC knows of it.
struct Door {
    feed: FeedKind,
    /// Once prices live.
    hand: OnceLock<Hand>,
    /// Providers by number, with what tells each how it works.
    providers: Vec<(Provider, watch::Sender<Cheat>)>,
    labels: Vec<WorldLabel>,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a world with {} prices", self.feed.name())
    }
}

/// How a world shall live.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) seed: u64,
    pub(crate) feed: FeedKind,
    pub(crate) bots: Vec<Bot>,
    /// Who has to do with machines; none where there are none.
    pub(crate) cast: Option<Cast>,
    /// Where books of machines and customers are kept, beside the chain's data; in memory, like it, without.
    pub(crate) folder: Option<PathBuf>,
}

/// Makes the world on a chain that has none, as the owner of its protocol; `None` where nobody here owns it.
///
/// # Errors
/// A transaction fails: the contracts and the tables do not agree.
pub(crate) fn make(
    chain: &Chain,
    signers: &[PrivateKeySigner],
    life: Life,
) -> Result<Option<World>> {
    let admin_owner = chain.genesis().native.admin_owner;
    let owner = signers
        .iter()
        .find(|signer| signer.address() == admin_owner);
    let Some(owner) = owner else {
        return Ok(None);
    };
    // Only those whom the genesis gave coins can act: a chain that was kept may have been made with fewer.
    let has_coins = |bot: &Bot| chain.genesis().alloc.contains_key(&bot.signer.address());
    let bots: Vec<_> = life.bots.into_iter().filter(has_coins).collect();
    let funded = |cast: &Cast| {
        let mut all = cast.addresses();
        all.all(|somebody| chain.genesis().alloc.contains_key(&somebody))
    };
    let works = match life.cast.filter(funded) {
        Some(cast) => Some((cast, program()?)),
        None => None,
    };
    // A chain that was kept: its world stands, or was never wanted.
    if chain.head().number() == 0 {
        Maker::new(chain, owner).make(signers, &bots, works.as_ref())?;
    }
    let cast = works.as_ref().map(|(cast, _)| cast);
    let providers = cast.iter().flat_map(|cast| cast.providers.clone());
    let door = Door {
        feed: life.feed,
        hand: OnceLock::new(),
        providers: providers
            .map(|provider| (provider, watch::Sender::new(Cheat::None)))
            .collect(),
        labels: labels(owner.address(), signers, &bots, cast),
    };
    Ok(Some(World {
        owner: owner.clone(),
        bots,
        seed: life.seed,
        feed: life.feed,
        works,
        folder: life.folder,
        door: Arc::new(door),
    }))
}

fn labels(
    owner: Address,
    signers: &[PrivateKeySigner],
    bots: &[Bot],
    cast: Option<&Cast>,
) -> Vec<WorldLabel> {
    let people = signers.iter().enumerate().map(|(index, signer)| {
        let is_owner = signer.address() == owner;
        WorldLabel {
            address: signer.address(),
            kind: if is_owner { "owner" } else { "person" },
            name: match is_owner {
                true => format!("account {index}: owner of the protocol"),
                false => format!("account {index}"),
            },
        }
    });
    let bots = bots.iter().map(|bot| WorldLabel {
        address: bot.signer.address(),
        kind: "bot",
        name: bot.name(),
    });
    let others = cast.map(Cast::names).unwrap_or_default();
    let others = others.into_iter().map(|(address, name)| WorldLabel {
        address,
        kind: "bot",
        name,
    });
    people.chain(bots).chain(others).collect()
}

impl World {
    /// For RPC.
    pub(crate) fn door(&self) -> Arc<dyn DevWorld> {
        self.door.clone()
    }

    /// Signs prices and lets the bots act, until it is dropped.
    ///
    /// # Errors
    /// The node does not answer, or the market's settings are wrong.
    pub(crate) async fn live(self, address: SocketAddr) -> Result<()> {
        let node = Node::new(&format!("http://{address}"))?;
        let bots = bots::run(node.clone(), self.bots, self.seed);
        let providers = &self.door.providers;
        let works = work(
            &node,
            self.works,
            self.folder.as_deref(),
            providers,
            self.seed,
        );
        let prices = async {
            if self.feed == FeedKind::Off {
                return std::future::pending().await;
            }
            let (living, hand) = living(&node, self.feed, self.seed).await?;
            // Nobody else sets it.
            let _ = self.door.hand.set(hand);
            let feeder = Feeder::new(node.clone(), vec![self.owner]).await;
            let mut feeder = feeder
                .wrap_err("the made-up market does not reach its own node")?
                .quiet();
            feeder.run(&mut Source::Living(living)).await?;
            Ok(())
        };
        tokio::select! {
            ended = prices => ended,
            () = bots => Ok(()),
            () = works => Ok(()),
        }
    }
}

/// Lets machines sell, a customer buy, and auditors look, until it is dropped. What fails there ends nothing else.
async fn work(
    node: &Node,
    works: Option<(Cast, Program)>,
    folder: Option<&Path>,
    providers: &[(Provider, watch::Sender<Cheat>)],
    seed: u64,
) {
    if let Some((cast, program)) = works {
        let town = Town {
            node,
            class_id: class_of(&program.engine.card().sha256),
            program: &program,
            folder,
        };
        if let Err(error) = trade(&town, &cast, providers, seed).await {
            tracing::error!(
                error = format!("{error:#}"),
                "the machines of the prepared world have ended"
            );
        }
    }
    std::future::pending().await
}

async fn trade(
    town: &Town<'_>,
    cast: &Cast,
    providers: &[(Provider, watch::Sender<Cheat>)],
    seed: u64,
) -> Result<()> {
    let classes = town.node.view(jobs::ADDRESS, &classesCall {}).await?;
    if !classes.contains(&town.class_id) {
        tracing::warn!(
            "the machines of this chain sell another model than {}: they rest",
            town.program.about
        );
        return Ok(());
    }
    tracing::info!(
        "{} machines sell {}",
        cast.providers.len(),
        town.program.about
    );
    // Those that came: none did on a chain that was kept from before there were machines.
    let mut sellers = Vec::new();
    for (provider, cheat) in providers {
        let seat = seat(town.node, provider.key.address()).await?;
        sellers.extend(seat.map(|seat| (provider, seat, cheat)));
    }
    let engines = vec![Arc::clone(&town.program.engine)];
    let worker = Arc::new(Shared::new(Arc::new(Engines::new(engines.clone())?)));
    let mut auditors = Vec::new();
    for (at, key) in cast.auditors.iter().enumerate() {
        let (engines, worker) = (engines.clone(), Arc::clone(&worker));
        auditors.push(auditor(town.node, key.clone(), engines, worker, at == 0).await?);
    }
    // An offer from before this start names a door that nobody opens any more: who buys waits until his machine has said anew
    // where it is.
    let (opens, awaits): (Vec<_>, Vec<_>) = sellers
        .iter()
        .map(|(_, seat, _)| {
            let (opens, awaits) = oneshot::channel();
            (opens, (seat.machine_id, awaits))
        })
        .unzip();
    let sells = sellers
        .iter()
        .zip(opens)
        .map(|((provider, seat, cheat), opens)| async move {
            let open = async || Shop::open(town, provider, seat, cheat.subscribe()).await;
            let shop = opened("a machine", open).await;
            // Whoever waited too long looks by himself.
            let _ = opens.send(());
            shop.run().await
        });
    let audits = join_all(auditors.iter().map(|auditor| auditor.run(&told))).map(|_| Ok(()));
    let buys = buy(town, cast, awaits, seed).map(Ok);
    try_join!(try_join_all(sells), audits, buys).map(drop)
}

/// What is opened, as soon as it can be: what one of them lacks keeps none of the others.
async fn opened<T>(what: &str, mut open: impl AsyncFnMut() -> Result<T>) -> T {
    loop {
        match open().await {
            Ok(open) => return open,
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "{what} of the world opens later"
                );
            }
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

fn told(what: &Told) {
    tracing::debug!("{what}");
}

/// The customer's gateways, and his software that asks one after the other.
async fn buy(town: &Town<'_>, cast: &Cast, machines: Vec<(u64, oneshot::Receiver<()>)>, seed: u64) {
    let spend = Spend {
        customer: cast.customer.address(),
        key: Arc::new(Sender::new(cast.spender.clone())),
    };
    let mut buyers = Vec::new();
    let late = Instant::now() + OPENS_WITHIN;
    for (machine_id, opens) in machines {
        let _ = timeout_at(late, opens).await;
        let open = async || Buyer::open(town, &spend, machine_id).await;
        buyers.push(opened("a gateway", open).await);
    }
    let software: Vec<_> = buyers.iter().map(Buyer::software).collect();
    join!(
        join_all(buyers.into_iter().map(Buyer::run)),
        ask_all(&software, seed)
    );
}

/// The market, from where prices stand: a chain that was kept goes on.
async fn living(node: &Node, feed: FeedKind, seed: u64) -> Result<(Living, Hand)> {
    let mut assets = Vec::new();
    let mut claims = Vec::new();
    let stood = async |place: usize| -> Result<f64> {
        let asked = IOracle::feedOfCall {
            assetId: number(place),
        };
        let state = node.view(oracle::ADDRESS, &asked).await?;
        match state.spot {
            0 => Ok(ASSETS[place].price.parse()?),
            spot => Ok(spot as f64 / 1e18),
        }
    };
    for (place, asset) in ASSETS.iter().enumerate() {
        let (asset_id, price) = (number(place), stood(place).await?);
        match asset.moves {
            Moves::Walk(volatility) => assets.push(Simulated {
                asset_id,
                price,
                volatility: match feed {
                    FeedKind::Synthetic => volatility,
                    FeedKind::Fixed | FeedKind::Off => 0.0,
                },
            }),
            Moves::Rate { of, growth } => claims.push(Claim {
                asset_id,
                of: number(of),
                rate: price / stood(of).await?,
                growth: match feed {
                    FeedKind::Synthetic => growth,
                    FeedKind::Fixed | FeedKind::Off => 0.0,
                },
            }),
        }
    }
    let settings = MarketSettings {
        seed,
        every: PRICE_EVERY,
        correlation: CORRELATION,
        jumps_per_day: 0.0,
        jump_size: 0.0,
        assets,
    };
    Ok(Living::new(settings, claims)?)
}

impl DevWorld for Door {
    fn feed(&self) -> WorldFeed {
        let hand = self.hand.get();
        WorldFeed {
            kind: self.feed.name(),
            every_ms: u64::try_from(PRICE_EVERY.as_millis()).unwrap_or(u64::MAX),
            shocks: hand.map(Hand::running).unwrap_or_default(),
        }
    }

    fn shock(&self, asset: &str, to: &str, seconds: u64) -> Result<WorldShock, String> {
        let asset_id = asset_id(asset)?;
        let to: Target = to.parse()?;
        let Some(hand) = self.hand.get() else {
            return Err(match self.feed {
                FeedKind::Off => "this node signs no prices (--feed off)".to_owned(),
                FeedKind::Fixed | FeedKind::Synthetic => {
                    "prices have not begun: try again in a second".to_owned()
                }
            });
        };
        let shock = Shock {
            asset_id,
            to,
            over: Duration::from_secs(seconds),
        };
        let path = hand.begin(&shock).map_err(|error| error.to_string())?;
        Ok(WorldShock {
            asset_id,
            from: path.from,
            prices: path.prices,
            every_ms: u64::try_from(path.every.as_millis()).unwrap_or(u64::MAX),
            followers: path.followers,
        })
    }

    fn cheat(&self, provider: u32, how: &str) -> Result<WorldCheat, String> {
        let how: Cheat = how.parse()?;
        let found = self
            .providers
            .iter()
            .find(|(one, _)| one.number == provider);
        let Some((found, tell)) = found else {
            return Err(match self.providers.len() {
                0 => "no machines live on this node: start it with --machines 3".to_owned(),
                count => {
                    format!("there is no provider {provider}: they have the numbers 1 to {count}")
                }
            });
        };
        tell.send_replace(how);
        Ok(WorldCheat {
            key: found.key.address(),
            holder: found.holder.address(),
            does: how.words().to_owned(),
        })
    }

    fn labels(&self) -> Vec<WorldLabel> {
        self.labels.clone()
    }
}

/// An asset of the world, by its symbol or its number.
fn asset_id(text: &str) -> Result<u32, String> {
    let digits = text.trim_start_matches('#');
    let place = digits.parse().ok().or_else(|| {
        let mut assets = ASSETS.iter();
        assets.position(|asset| asset.symbol.eq_ignore_ascii_case(text))
    });
    match place {
        Some(place) if place < ASSETS.len() => Ok(number(place)),
        _ => {
            let symbols: Vec<_> = ASSETS.iter().map(|asset| asset.symbol).collect();
            Err(format!(
                "`{text}` is no asset of this world: {}",
                symbols.join(", ")
            ))
        }
    }
}

/// What a newcomer can do, for the banner.
pub(crate) fn words(has_machines: bool) -> String {
    let cheat = match has_machines {
        true => "  capstan dev cheat --provider 1 --swap-model\n",
        false => "",
    };
    let assets: Vec<_> = ASSETS
        .iter()
        .map(|asset| format!("{} at {} USD", asset.symbol, asset.price))
        .collect();
    format!(
        "\nAssets with made-up prices:\n  {}\n  capstan market list\n  capstan account supply 1 eth --dev-account 1\n  \
         capstan account borrow 500 usdc --dev-account 1\n  \
         capstan account mint 200 usd --dev-account 1\n  capstan account show --dev-account 1\n  \
         capstan swap 1 eth usdc --dev-account 1\n  capstan dev crash --asset eth --to -40% --in 60s\n{cheat}",
        assets.join(", ")
    )
}

#[cfg(test)]
mod tests;
