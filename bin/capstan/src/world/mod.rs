//! The prepared world of `capstan dev`: assets with markets and prices, pools, farms, products and people who use them,
//! so that a newcomer can supply, borrow, swap, farm and see health at once.
//!
//! ```text
//!   tables (listed) ─► transactions before anybody looks (maker) ─► prices that live and can be pushed, and bots
//! ```
//!
//! The same seed makes the same world. Prices come from a made-up market, signed by the account that owns the protocol.

mod bots;
mod listed;
mod maker;

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use capstan_agents::feed::{
    Claim, Feeder, Hand, Living, MarketSettings, Shock, Simulated, Source, Target,
};
use capstan_chain::Chain;
use capstan_client::Node;
use capstan_contracts::oracle::{self, IOracle};
use capstan_rpc::{DevWorld, WorldFeed, WorldLabel, WorldShock};
use eyre::{Result, WrapErr as _};

pub(crate) use bots::{Bot, addresses, bots};
use listed::{ASSETS, Moves, number};
use maker::Maker;

use crate::args::FeedKind;

/// Time between prices.
const PRICE_EVERY: Duration = Duration::from_secs(1);
/// How much of each move is common to all prices.
const CORRELATION: f64 = 0.6;

/// What goes on in a prepared world once it stands.
#[derive(Debug)]
pub(crate) struct World {
    owner: PrivateKeySigner,
    bots: Vec<Bot>,
    seed: u64,
    feed: FeedKind,
    door: Arc<Door>,
}

/// What RPC knows of it.
struct Door {
    feed: FeedKind,
    /// Once prices live.
    hand: OnceLock<Hand>,
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
    // A chain that was kept: its world stands, or was never wanted.
    if chain.head().number() == 0 {
        Maker::new(chain, owner).make(signers, &bots)?;
    }
    let door = Door {
        feed: life.feed,
        hand: OnceLock::new(),
        labels: labels(owner.address(), signers, &bots),
    };
    Ok(Some(World {
        owner: owner.clone(),
        bots,
        seed: life.seed,
        feed: life.feed,
        door: Arc::new(door),
    }))
}

fn labels(owner: Address, signers: &[PrivateKeySigner], bots: &[Bot]) -> Vec<WorldLabel> {
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
    people.chain(bots).collect()
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
        let prices = async {
            if self.feed == FeedKind::Off {
                return std::future::pending().await;
            }
            let (living, hand) = living(&node, self.feed, self.seed).await?;
            // Nobody else sets it.
            let _ = self.door.hand.set(hand);
            let feeder = Feeder::new(node, vec![self.owner]).await;
            let mut feeder = feeder
                .wrap_err("the made-up market does not reach its own node")?
                .quiet();
            feeder.run(&mut Source::Living(living)).await?;
            Ok(())
        };
        tokio::select! {
            ended = prices => ended,
            () = bots => Ok(()),
        }
    }
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
pub(crate) fn words() -> String {
    let assets: Vec<_> = ASSETS
        .iter()
        .map(|asset| format!("{} at {} USD", asset.symbol, asset.price))
        .collect();
    format!(
        "\nAssets with made-up prices:\n  {}\n  capstan market list\n  capstan account supply 1 eth --dev-account 1\n  \
         capstan account borrow 500 usdc --dev-account 1\n  \
         capstan account mint 200 usd --dev-account 1\n  capstan account show --dev-account 1\n  \
         capstan swap 1 eth usdc --dev-account 1\n  capstan dev crash --asset eth --to -40% --in 60s\n",
        assets.join(", ")
    )
}
