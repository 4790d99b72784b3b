//! Who buys a little work every few seconds, as anybody does: software that speaks OpenAI's API to a gateway of its own, which
//! buys of a machine of the network.
//!
//! ```text
//!   question ─► his gateway (a key, a budget) ─► offer of the machine ─► units bound ─► answer, receipt ─► signed for
//! ```
//! He has a gateway for each machine, so that he buys of all: one gateway stays with whom it has bound units to.

use std::{sync::Arc, time::Duration};

use alloy_signer_local::PrivateKeySigner;
use capstan_compute::{
    gateway::{Gateway, Prices, serve},
    receipt::Machine,
    upstream::{
        Aside, Ask, AskBounds, Fault, Http, HttpSettings, Kind, Pool, PoolSettings, Upstream as _,
    },
};
use eyre::{Result, eyre};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use tokio::net::TcpListener;

use super::shop::Town;
use crate::compute::{INPUT_MOST, OUTPUT_MOST, Purchase, Spend, Wanted};

/// Between two purchases.
const EVERY: Duration = Duration::from_secs(2);
/// What is bound to a machine at a time.
const HELD: &str = "1usd";
/// What his software calls itself to his gateway.
const SOFTWARE: &str = "customer";
/// Tokens of an answer.
const TOKENS: u64 = 24;
/// What is asked for.
const QUESTIONS: [&str; 6] = [
    "Name a river.",
    "What is a capstan?",
    "Count to five.",
    "Say something about the sea.",
    "What is the colour of copper?",
    "Why does a ship float?",
];

/// His gateway before one machine, and his software's way to it.
pub(super) struct Buyer {
    machine_id: u64,
    gateway: Arc<Gateway>,
    purchase: Purchase,
    listener: TcpListener,
    door: Http,
    model: &'static str,
}

impl Buyer {
    pub(super) async fn open(town: &Town<'_>, spend: &Spend, machine_id: u64) -> Result<Self> {
        let pool = Pool::new(Vec::new(), PoolSettings::default());
        let most = Prices::flat(INPUT_MOST.parse()?, OUTPUT_MOST.parse()?);
        // What it signs for its own software nobody else sees.
        let signs = Machine::of(PrivateKeySigner::random());
        let whose = format!("customer-of-{machine_id}");
        let gateway = town.gateway(&whose, signs, pool, most)?;
        let wanted = Wanted {
            classes: &[town.class_id],
            machines: &[machine_id],
            usual: HELD.parse()?,
        };
        let purchase = Purchase::open(town.node, &gateway, spend, &wanted).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        let key = key(&gateway).await?;
        let door = Http::new(&url, Some(key), HttpSettings::default()).map_err(|why| eyre!(why))?;
        Ok(Self {
            machine_id,
            gateway,
            purchase,
            listener,
            door,
            model: town.program.name,
        })
    }

    /// What asks it.
    pub(super) fn software(&self) -> Software {
        Software {
            machine_id: self.machine_id,
            door: self.door.clone(),
            model: self.model,
        }
    }

    /// Serves his software and buys, until this is dropped.
    pub(super) async fn run(self) {
        let never = std::future::pending();
        tokio::join!(
            serve(self.listener, self.gateway, never),
            self.purchase.keep()
        );
    }
}

/// A key without bounds. Of one that was made before, nobody knows the secret any more.
async fn key(gateway: &Gateway) -> Result<String> {
    let ledger = gateway.ledger();
    for old in ledger.find(SOFTWARE) {
        ledger.revoke(&old.hash).await?;
    }
    let (secret, _) = ledger
        .add_key(SOFTWARE.to_owned(), Default::default())
        .await?;
    Ok(secret.reveal().to_owned())
}

/// Any program that speaks OpenAI's API.
pub(super) struct Software {
    machine_id: u64,
    door: Http,
    model: &'static str,
}

impl Software {
    async fn ask(&self, question: &str, seed: u32) -> Result<(), Fault> {
        let body = json!({
            "model": self.model, "max_tokens": TOKENS, "seed": seed, "temperature": 1,
            "messages": [{"role": "user", "content": question}],
        });
        let ask = Ask {
            kind: Kind::Chat,
            model: self.model.to_owned(),
            body: body.as_object().cloned().unwrap_or_default(),
            aside: Aside::default(),
            bounds: AskBounds::default(),
        };
        self.door.whole(&ask).await.map(drop)
    }
}

/// Asks one machine after the other, until it is dropped. Where none answers he asks the next.
pub(super) async fn ask_all(all: &[Software], seed: u64) {
    let mut random = StdRng::seed_from_u64(seed ^ 0x0C05_7013);
    for software in all.iter().cycle() {
        tokio::time::sleep(EVERY).await;
        let question = QUESTIONS[random.random_range(0..QUESTIONS.len())];
        let seed: u32 = random.random();
        if let Err(fault) = software.ask(question, seed).await {
            tracing::debug!(%fault, machine = software.machine_id, "nothing was bought");
        }
    }
}
