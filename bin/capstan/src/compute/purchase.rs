//! A gateway that buys of machines of the network what its own servers cannot take: offers, and units bound to them.

use std::{path::Path, sync::Arc, time::Duration};

use alloy_primitives::{Address, B256, U256, hex};
use alloy_signer_local::PrivateKeySigner;
use capstan_agents::jobs::{self, Binding, Trade};
use capstan_client::{ClientError, Node, Sender, job_channel};
use capstan_compute::{
    gateway::Gateway,
    money::Dollars,
    network::{Binder, Held, Network, Offer, Terms},
    tab::{Court, Purse, Rate, units_up},
};
use capstan_contracts::jobs::{ADDRESS, IJobs::Channel};
use eyre::{OptionExt as _, Result, WrapErr as _};
use futures::{FutureExt as _, future::BoxFuture};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

/// Between two looks at who sells.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A spending key and whose units it spends, as they lie in a file.
#[derive(Clone)]
pub(crate) struct Spend {
    pub(crate) customer: Address,
    /// One for all who send by it in this program.
    pub(crate) key: Arc<Sender>,
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpendFile {
    customer: Address,
    key: String,
}

impl Spend {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).wrap_err_with(|| {
            format!(
                "cannot read {}; `capstan spend open --spend {0}` makes a spending key",
                path.display()
            )
        })?;
        let file: SpendFile = serde_json::from_str(&text)
            .wrap_err_with(|| format!("{} holds no spending key", path.display()))?;
        let key = file.key.parse::<PrivateKeySigner>();
        let key = key.wrap_err_with(|| format!("the key in {} is none", path.display()))?;
        Ok(Self {
            customer: file.customer,
            key: Arc::new(Sender::new(key)),
        })
    }

    /// For its owner's eyes only; a key that lies there is not written over.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
        let file = SpendFile {
            customer: self.customer,
            key: hex::encode(self.key.signer().to_bytes()),
        };
        let mut options = std::fs::OpenOptions::new();
        let mut out = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .wrap_err_with(|| format!("cannot make {}", path.display()))?;
        out.write_all(serde_json::to_string(&file)?.as_bytes())?;
        Ok(out.sync_all()?)
    }
}

/// Binds units by the spending key's own transactions.
#[derive(Debug)]
struct Chain {
    node: Node,
    key: Arc<Sender>,
    customer: Address,
    trade: Trade,
    usual: U256,
}

impl Binder for Chain {
    fn held(&self, machine_id: u64, class_id: u32) -> BoxFuture<'_, Result<Held, String>> {
        async move {
            let channel = self.channel(machine_id, class_id).await;
            let found = async { job_channel(&self.node, channel?).await }.await;
            let found = found.map_err(|error| error.to_string())?;
            Ok(found.as_ref().map(held).unwrap_or_default())
        }
        .boxed()
    }

    fn hold(
        &self,
        machine_id: u64,
        class_id: u32,
        at_least: u128,
    ) -> BoxFuture<'_, Result<Held, String>> {
        let binding = Binding {
            customer: self.customer,
            machine_id,
            class_id,
            at_least: U256::from(at_least),
            usual: self.usual,
        };
        async move {
            let bound = jobs::bind(&self.node, &self.trade, &self.key, &binding).await;
            let bound = bound.map_err(|error| error.to_string())?;
            let bound = bound.ok_or("the hold is not on the chain")?;
            tracing::info!(machine = machine_id, bound = %bound.bound, "bound");
            Ok(held(&bound))
        }
        .boxed()
    }
}

impl Chain {
    async fn channel(&self, machine_id: u64, class_id: u32) -> Result<B256, ClientError> {
        let (customer, key) = (self.customer, self.key.address());
        jobs::channel_id(&self.node, customer, key, machine_id, class_id).await
    }
}

fn held(channel: &Channel) -> Held {
    Held {
        bound: channel.bound.saturating_to(),
        claimed_epoch: channel.claimedEpoch,
        last_epoch: channel.lastEpoch,
    }
}

/// Of whom a gateway buys, and how much it binds at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// Of these classes; of all where none is named.
    pub(crate) classes: &'a [u32],
    /// Of these machines; of all where none is named.
    pub(crate) machines: &'a [u64],
    /// Bound to a machine at a time.
    pub(crate) usual: Dollars,
}

/// A gateway's part on the network.
pub(crate) struct Purchase {
    node: Node,
    network: Arc<Network>,
    classes: Vec<u32>,
    machines: Vec<u64>,
}

impl Purchase {
    /// Begins to buy.
    pub(crate) async fn open(
        node: &Node,
        gateway: &Arc<Gateway>,
        spend: &Spend,
        wanted: &Wanted<'_>,
    ) -> Result<Self> {
        let named = match wanted.classes {
            [] => jobs::classes(node).await?,
            named => named.to_vec(),
        };
        let nothing = "no work is sold on this chain: its owner has opened no class of `jobs`";
        let first = *named.first().ok_or_eyre(nothing)?;
        let trade = jobs::trade(node, first).await?.ok_or_eyre(nothing)?;
        let terms = Terms {
            epoch_ms: trade.params.epochMs,
            decimals: trade.decimals,
        };
        let court = Court {
            chain_id: node.chain_id().await?,
            contract: ADDRESS,
        };
        let binder = Chain {
            node: node.clone(),
            key: Arc::clone(&spend.key),
            customer: spend.customer,
            usual: U256::from(units_up(wanted.usual, trade.decimals)),
            trade,
        };
        let purse = Purse::new(spend.customer, spend.key.signer().clone(), court);
        let network = Network::open(gateway, purse, Arc::new(binder), terms)?;
        let purchase = Self {
            node: node.clone(),
            network,
            classes: wanted.classes.to_vec(),
            machines: wanted.machines.to_vec(),
        };
        purchase.look().await?;
        // Who sells is asked for his models at once, so that the first request finds them.
        gateway.pool().look().await;
        Ok(purchase)
    }

    /// Looks at who sells, until this is dropped.
    pub(crate) async fn keep(&self) {
        self.network.settle().await;
        loop {
            sleep(LOOK_EVERY).await;
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "who sells on the network is not known anew");
            }
        }
    }

    async fn look(&self) -> Result<(), ClientError> {
        let classes = match self.classes.as_slice() {
            [] => jobs::classes(&self.node).await?,
            named => named.to_vec(),
        };
        let time_ms = self.node.head_time_ms().await?;
        let mut all = Vec::new();
        for class_id in classes {
            let Some(trade) = jobs::trade(&self.node, class_id).await? else {
                continue;
            };
            for sold in jobs::offers(&self.node, class_id).await? {
                if !self.is_wanted(sold.offer.terms.machineId) {
                    continue;
                }
                all.push(Offer {
                    machine_id: sold.offer.terms.machineId,
                    class_id,
                    machine: sold.key,
                    program: trade.class.program,
                    endpoint: sold.offer.terms.endpoint,
                    rate: Rate {
                        input: sold.offer.inputPrice.saturating_to(),
                        output: sold.offer.outputPrice.saturating_to(),
                    },
                });
            }
        }
        self.network.see(time_ms, &all);
        Ok(())
    }

    fn is_wanted(&self, machine_id: u64) -> bool {
        self.machines.is_empty() || self.machines.contains(&machine_id)
    }
}
