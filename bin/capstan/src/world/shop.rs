//! A provider of the prepared world: a gateway before its engine, with the machine's book and its offer on the chain, as
//! `capstan provide start` makes them. What it is made to cheat by is its model server ([`Crook`]) alone.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use capstan_agents::provider::{Seat, live};
use capstan_client::{Node, Sender};
use capstan_compute::{
    gateway::{Bounds, Gateway, Prices, Settings, serve},
    keys::{Ledger, Secret, Store, system_clock},
    money::PerMillion,
    receipt::Machine,
    upstream::{Pool, PoolSettings},
};
use eyre::Result;
use parking_lot::Mutex;
use tokio::{net::TcpListener, sync::watch};

use super::{
    cast::Provider,
    crook::{Cheat, Crook},
    program::Program,
};
use crate::compute::{Engines, Sale, SaleTerms};

/// A port that is taken is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Answers of a channel that may be unsigned.
const UNSIGNED: usize = 4;
/// For how long receipts are kept: epochs and audits of this world take less than a minute.
const KEPT: Duration = Duration::from_secs(3_600);

/// What shops and customers of a world share.
#[derive(Clone, Debug)]
pub(super) struct Town<'a> {
    pub(super) node: &'a Node,
    pub(super) program: &'a Program,
    pub(super) class_id: u32,
    /// Below which books of machines and customers lie; in memory without it, as the chain.
    pub(super) folder: Option<&'a Path>,
}

impl Town<'_> {
    /// A gateway with a book of its own, before these servers.
    pub(super) fn gateway(
        &self,
        whose: &str,
        machine: Machine,
        pool: Arc<Pool>,
        prices: Prices,
    ) -> Result<Arc<Gateway>> {
        let store = match self.folder {
            Some(folder) => Ledger::store(&folder.join(whose))?,
            None => Store::in_memory()?,
        };
        let ledger = Ledger::with(store, machine, system_clock())?;
        let settings = Settings {
            prices,
            bounds: Bounds::default(),
            admin: Secret::owners(),
            allow_hosts: Vec::new(),
            keep: Some(KEPT),
        };
        Ok(Gateway::new(ledger, pool, settings))
    }
}

/// A provider at work.
pub(super) struct Shop {
    node: Node,
    key: Arc<Sender>,
    seat: Seat,
    engines: Engines,
    gateway: Arc<Gateway>,
    sale: Sale,
    cheat: watch::Receiver<Cheat>,
    address: SocketAddr,
    /// Until it opens for the first time.
    listener: Mutex<Option<TcpListener>>,
}

impl Shop {
    /// Of a machine that is registered.
    pub(super) async fn open(
        town: &Town<'_>,
        provider: &Provider,
        seat: &Seat,
        cheat: watch::Receiver<Cheat>,
    ) -> Result<Self> {
        let (node, key) = (town.node.clone(), provider.key.clone());
        let (honest, other) = (Arc::clone(&town.program.engine), super::program::other()?);
        let engines = Engines::new(vec![Arc::clone(&honest)])?;
        let crook = Crook::new(town.program.name, honest, other, cheat.clone());
        let pool = Pool::new(vec![Arc::new(crook)], PoolSettings::default());
        // What its region pays is enough.
        let floor = Prices::flat(PerMillion::default(), PerMillion::default());
        let whose = format!("provider-{}", provider.number);
        let gateway = town.gateway(&whose, Machine::of(key.clone()), pool, floor)?;
        let key = Arc::new(Sender::new(key));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let terms = SaleTerms {
            class_ids: &[town.class_id],
            endpoint: &format!("http://{address}/v1"),
            unsigned: UNSIGNED,
            voices: &[],
        };
        let sale = Sale::open(&node, Arc::clone(&key), &gateway, seat, &terms).await?;
        Ok(Self {
            node,
            key,
            seat: seat.clone(),
            engines,
            gateway,
            sale,
            cheat,
            address,
            listener: Mutex::new(Some(listener)),
        })
    }

    /// Sells until it is dropped; while it is dark it does nothing at all.
    pub(super) async fn run(&self) -> Result<()> {
        let mut cheat = self.cheat.clone();
        loop {
            cheat.wait_for(|cheat| *cheat != Cheat::GoDark).await?;
            self.sell().await;
        }
    }

    /// Until it goes dark: then it answers nobody, says nothing to its chain, and leaves its offer where it stands.
    async fn sell(&self) {
        let gone_dark = || {
            let mut cheat = self.cheat.clone();
            async move {
                // Whoever tells it how to work is gone with the world.
                let _ = cheat.wait_for(|cheat| *cheat == Cheat::GoDark).await;
            }
        };
        let at_door = async {
            let listener = tokio::select! {
                listener = self.listener() => listener,
                () = gone_dark() => return,
            };
            // Prices and epochs went on while it was dark.
            if let Err(error) = self.sale.see_now().await {
                tracing::warn!(%error, "a machine opens by what it saw before");
            }
            serve(listener, Arc::clone(&self.gateway), gone_dark()).await;
        };
        let on_chain = async {
            tokio::select! {
                () = live(&self.node, &self.key, &self.seat, &self.engines) => {}
                () = self.sale.keep() => {}
                () = gone_dark() => {}
            }
        };
        tokio::join!(at_door, on_chain);
    }

    /// Its door. Where somebody took the port while it was dark, it waits for that; what it owes its chain does not.
    async fn listener(&self) -> TcpListener {
        let first = self.listener.lock().take();
        if let Some(first) = first {
            return first;
        }
        loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => return listener,
                Err(error) => {
                    tracing::warn!(%error, address = %self.address, "a machine cannot listen");
                }
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }
}
