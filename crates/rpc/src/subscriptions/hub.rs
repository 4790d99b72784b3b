//! The task that hears the chain and serves every subscriber.

use std::{
    sync::{Arc, OnceLock, Weak, atomic::Ordering},
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U128};
use capstan_chain::{Block, Chain, ChainError, Event, LogEntry, Pooled};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{broadcast::error::RecvError, watch};

use super::{
    Connection, SubscriptionId, Topic,
    told::{Head, Told},
};
use crate::{
    config::Limits,
    context::Shared,
    convert,
    error::{RpcError, RpcResult},
    metrics,
};

/// How often idle filters are removed and histograms drained.
const HOUSEKEEPING: Duration = Duration::from_secs(10);

/// Blocks that are sent between two looks at how full the queues are.
const CATCH_UP_STEP: u64 = 64;
/// How long a full queue holds up each step; a client that reads nothing is disconnected in the end.
const CATCH_UP_PATIENCE: Duration = Duration::from_millis(100);
const CATCH_UP_PAUSE: Duration = Duration::from_millis(2);

struct Subscriber {
    id: SubscriptionId,
    connection: Arc<Connection>,
    topic: Topic,
    /// Whether the answer that names the subscription is on its way already.
    started: bool,
}

/// All subscribers.
#[derive(Default)]
pub(crate) struct Hub {
    subscribers: Mutex<Vec<Subscriber>>,
}

impl Hub {
    /// Adds a subscriber, which hears nothing until [`Hub::start`].
    pub(crate) fn add(
        &self,
        connection: &Arc<Connection>,
        topic: Topic,
        limits: &Limits,
    ) -> RpcResult<SubscriptionId> {
        let count_max = limits.subscriptions_per_connection_max;
        let one_more = |count: usize| (count < count_max).then_some(count + 1);
        connection
            .subscription_count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .map_err(|count| {
                RpcError::limit(format!(
                    "too many subscriptions: this connection has {count}"
                ))
            })?;
        let mut subscribers = self.subscribers.lock();
        if subscribers.len() >= limits.subscriptions_max {
            connection
                .subscription_count
                .fetch_sub(1, Ordering::Relaxed);
            return Err(RpcError::limit(format!(
                "too many subscriptions: all clients together have {}",
                subscribers.len()
            )));
        }
        let id = U128::from(rand::random::<u128>());
        let connection = connection.clone();
        subscribers.push(Subscriber {
            id,
            connection,
            topic,
            started: false,
        });
        Ok(id)
    }

    /// Lets subscriptions hear: the answer that names them was queued.
    pub(crate) fn start(&self, ids: &[SubscriptionId]) {
        for subscriber in self
            .subscribers
            .lock()
            .iter_mut()
            .filter(|s| ids.contains(&s.id))
        {
            subscriber.started = true;
            if matches!(subscriber.topic, Topic::Syncing) {
                subscriber.send(&"false".into());
            }
        }
    }

    /// Ends one subscription of a connection.
    pub(crate) fn remove(&self, connection: &Arc<Connection>, id: SubscriptionId) -> bool {
        let mut subscribers = self.subscribers.lock();
        let found = subscribers
            .iter()
            .position(|s| s.id == id && Arc::ptr_eq(&s.connection, connection));
        let Some(index) = found else { return false };
        subscribers.swap_remove(index);
        connection
            .subscription_count
            .fetch_sub(1, Ordering::Relaxed);
        true
    }

    /// Ends all subscriptions of a connection that is gone.
    pub(crate) fn remove_all(&self, connection: &Arc<Connection>) {
        self.subscribers
            .lock()
            .retain(|s| !Arc::ptr_eq(&s.connection, connection));
    }

    /// Whether every subscriber's queue takes much more.
    fn has_room(&self) -> bool {
        let subscribers = self.subscribers.lock();
        subscribers.iter().all(|s| s.connection.has_room())
    }

    /// Open subscriptions.
    pub(crate) fn count(&self) -> usize {
        self.subscribers.lock().len()
    }

    fn block(&self, block: &Arc<Block>) {
        let header = Once::new(|| json(&convert::header(block)));
        for subscriber in self.subscribers.lock().iter().filter(|s| s.started) {
            match &subscriber.topic {
                Topic::Heads => subscriber.send(header.get()),
                Topic::Logs(_) => subscriber.send_logs(block.logs(), Removed::No),
                _ => {}
            }
        }
    }

    fn removed(&self, block: &Arc<Block>) {
        for subscriber in self.subscribers.lock().iter().filter(|s| s.started) {
            subscriber.send_logs(block.logs(), Removed::Yes);
        }
    }

    fn arrivals(&self, arrived: &[Arc<Pooled>]) {
        let subscribers = self.subscribers.lock();
        let wants = |s: &&Subscriber| {
            s.started && matches!(s.topic, Topic::PendingHashes | Topic::PendingTransactions)
        };
        if !subscribers.iter().any(|s| wants(&s)) {
            return;
        }
        for pooled in arrived {
            let hash = Once::new(|| json(&pooled.hash()));
            let full = Once::new(|| json(&convert::pending_transaction(&pooled.tx)));
            for subscriber in subscribers.iter().filter(wants) {
                match subscriber.topic {
                    Topic::PendingHashes => subscriber.send(hash.get()),
                    _ => subscriber.send(full.get()),
                }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Removed {
    No,
    Yes,
}

impl Subscriber {
    fn send(&self, result: &Arc<str>) {
        self.connection.notify(self.id, result);
    }

    fn send_logs(&self, logs: impl Iterator<Item = LogEntry>, removed: Removed) {
        let Topic::Logs(query) = &self.topic else {
            return;
        };
        for entry in logs.filter(|entry| query.matches(&entry.log)) {
            let mut log = convert::log(entry);
            log.removed = removed == Removed::Yes;
            self.send(&json(&log));
        }
    }
}

fn json(value: &impl Serialize) -> Arc<str> {
    // Types of the wire format: writing them to memory does not fail.
    serde_json::to_string(value).map_or_else(|_| "null".into(), Arc::from)
}

/// A text that is made at most once, and only if somebody wants it.
struct Once<F> {
    text: OnceLock<Arc<str>>,
    make: F,
}

impl<F: Fn() -> Arc<str>> Once<F> {
    fn new(make: F) -> Self {
        Self {
            text: OnceLock::new(),
            make,
        }
    }

    fn get(&self) -> &Arc<str> {
        self.text.get_or_init(&self.make)
    }
}

/// Hears the chain until the server stops or is dropped.
pub(crate) async fn run_hub(shared: Weak<Shared>, mut stopped: watch::Receiver<bool>) {
    let Some(chain) = shared.upgrade().map(|shared| shared.chain.clone()) else {
        return;
    };
    let mut events = chain.subscribe();
    let mut arrivals = chain.subscribe_pending();
    let mut told = Told::up_to(Head::of(&chain.head()));
    let mut housekeeping = tokio::time::interval(HOUSEKEEPING);
    drop(chain);
    loop {
        tokio::select! {
            event = events.recv() => {
                let Some(shared) = shared.upgrade() else { return };
                shared.pulse.beat();
                match event {
                    Ok(Event::Block(block)) => {
                        if told.leads_to(Head::of(&block)) {
                            told.tell(Head::of(&block));
                            shared.hub.block(&block);
                        }
                    }
                    Ok(Event::Rewound { to, removed }) => rewound(&shared, &mut told, to, &removed),
                    Err(RecvError::Lagged(_)) => catch_up(&shared, &mut told).await,
                    Err(RecvError::Closed) => return,
                }
            }
            arrived = arrivals.recv() => {
                let Some(shared) = shared.upgrade() else { return };
                // Hashes missed by a lag are not sent later: they may be mined by then.
                if let Ok(arrived) = arrived {
                    shared.hub.arrivals(&arrived);
                    shared.filters.arrived(&arrived);
                }
            }
            _ = housekeeping.tick() => {
                let Some(shared) = shared.upgrade() else { return };
                shared.filters.remove_idle();
                metrics::upkeep();
            }
            () = asked_to_stop(&mut stopped) => return,
        }
    }
}

async fn asked_to_stop(stopped: &mut watch::Receiver<bool>) {
    // An error: the handle is gone, and with it the server.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Takes back what a rewind removed, as far as it was told.
fn rewound(shared: &Shared, told: &mut Told, to: u64, removed: &[Arc<Block>]) {
    let was_told = |block: &&Arc<Block>| told.take_back(Head::of(block));
    let gone: Vec<Arc<Block>> = removed.iter().filter(was_told).cloned().collect();
    gone.iter().for_each(|block| shared.hub.removed(block));
    if told.newest().0 > to {
        // An event names only the newest of very many.
        told.rejoin(hashes(&shared.chain));
    }
    if !gone.is_empty() {
        shared.filters.rewound(told.newest().0, &gone);
    }
}

/// Hashes of final blocks. What cannot be read is said where the block itself is.
fn hashes(chain: &Chain) -> impl Fn(u64) -> Option<B256> {
    |number| Some(chain.block(number).ok()??.hash())
}

/// Sends the blocks whose events were lost, from where the chain left what was told. So many at once are this node's
/// doing, so its subscribers get time to take them.
async fn catch_up(shared: &Shared, told: &mut Told) {
    let Shared { hub, chain, .. } = shared;
    loop {
        let (newest, _) = told.newest();
        let fork = told.rejoin(hashes(chain));
        if fork < newest {
            // Their logs are gone with the event that had them.
            shared.filters.rewound(fork, &[]);
        }
        match send_above(hub, chain, told, fork).await {
            Ok(true) => return,
            // Rewound meanwhile: again, from where it is now.
            Ok(false) => {}
            Err(reason) => {
                tracing::warn!(after = told.newest().0, %reason, "subscribers miss blocks that cannot be read");
                *told = Told::up_to(Head::of(&chain.head()));
                return;
            }
        }
    }
}

/// Sends what is above a block up to the head; `false` if the chain left what was told.
async fn send_above(
    hub: &Hub,
    chain: &Chain,
    told: &mut Told,
    from: u64,
) -> Result<bool, ChainError> {
    for number in from + 1..=chain.head().number() {
        if number.is_multiple_of(CATCH_UP_STEP) {
            let begun = Instant::now();
            while !hub.has_room() && begun.elapsed() < CATCH_UP_PATIENCE {
                tokio::time::sleep(CATCH_UP_PAUSE).await;
            }
        }
        let Some(block) = chain.block(number)? else {
            return Ok(false);
        };
        if !told.leads_to(Head::of(&block)) {
            return Ok(false);
        }
        told.tell(Head::of(&block));
        hub.block(&block);
    }
    Ok(true)
}
