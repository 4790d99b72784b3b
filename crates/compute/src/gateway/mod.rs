//! The door in front of model servers: OpenAI's API, budgets, receipts. specs/gateway.md.
//!
//! ```text
//!   serve: a request ─► request: bounds ─► ticket: budget reserved ─► flow: a server, its answer ─► ticket: settled, receipt
//! ```
//! [`router`] gives what a node mounts on its own port; [`alone`] adds what a server of its own needs.

mod admin;
mod error;
mod flow;
mod measure;
mod office;
mod once;
mod pace;
mod page;
mod prices;
mod recite;
mod request;
mod saved;
mod serve;
mod tab;
mod ticket;

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use axum::Router;
use parking_lot::Mutex;
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    keys::{Ledger, Secret},
    readings::{Board, SAMPLE_EVERY},
    tab::Desks,
    upstream::Pool,
};

pub use admin::{NewKey, not_one};
pub use measure::install_recorder;
pub use office::{Office, OfficeError, OpenDoor};
pub use pace::{Pace, Stance};
pub use prices::{ModelPrice, PRICES_EXAMPLE, Prices, PricesError};
pub use recite::recite_at;
pub use saved::{NoAnswer, saved_answer};

/// How much and how long.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Bytes of a request.
    pub body_bytes: usize,
    /// A whole request, from its arrival to the end of its answer.
    pub whole: Duration,
    /// A client that does not take the next part of its answer.
    pub client: Duration,
    /// Between two marks of a stream.
    pub mark: Duration,
    /// Between two looks at the servers.
    pub look: Duration,
    /// Requests at work and waiting, of all keys.
    pub requests: usize,
    /// Of one key.
    pub requests_of_key: usize,
    /// For a request to come whole.
    pub arrival: Duration,
    /// Memory of all requests at work, their text and their structure.
    pub memory_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            body_bytes: 32 << 20,
            whole: Duration::from_secs(600),
            client: Duration::from_secs(60),
            mark: Duration::from_secs(1),
            look: Duration::from_secs(5),
            requests: 4_096,
            requests_of_key: 1_024,
            arrival: Duration::from_secs(60),
            memory_bytes: 1 << 30,
        }
    }
}

impl Bounds {
    /// How long a connection may wait for its answer: nothing goes out before a whole one is there.
    fn answer(&self) -> Duration {
        self.whole + self.arrival
    }

    /// What a port of its own grants to connections: more than there may be requests, since most are idle.
    fn listening(&self) -> capstan_listen::Bounds {
        capstan_listen::Bounds {
            connections_max: self.requests.saturating_mul(2),
            answer: self.answer(),
            unread: self.client,
            ..capstan_listen::Bounds::default()
        }
    }
}

/// What a gateway is made of.
#[derive(Debug)]
pub struct Settings {
    /// Prices of models.
    pub prices: Prices,
    /// How much and how long.
    pub bounds: Bounds,
    /// Who knows this may make keys and see use.
    pub admin: Secret,
    /// Names, besides those of this machine, under which admin paths answer.
    pub allow_hosts: Vec<String>,
    /// For how long receipts are kept, and what was sold and bought; for ever without it. Less than [`KEEP_MIN`] is for a chain
    /// whose epochs and audits are known to be shorter.
    pub keep: Option<Duration>,
}

/// A gateway: its ledger, its servers, its rules.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) ledger: Ledger,
    pub(crate) pool: Arc<Pool>,
    pub(crate) settings: Settings,
    started: Instant,
    at_work: AtomicUsize,
    /// Of which key how many.
    by_key: Mutex<HashMap<B256, usize>>,
    memory: Arc<Semaphore>,
    pace: Arc<Pace>,
    desks: OnceLock<Arc<Desks>>,
    board: OnceLock<Arc<Board>>,
    once: Arc<once::Once>,
    recitals: recite::Recitals,
}

/// Two epochs and an audit take five days at the longest that the contract allows; until then all of it may be asked for.
pub const KEEP_MIN: Duration = Duration::from_secs(7 * 86_400);
/// Between two times at which what is old is let go of.
const LET_GO_EVERY: Duration = Duration::from_secs(3_600);
/// Before the first: requests that come with the start go first.
const LET_GO_FIRST: Duration = Duration::from_secs(30);

impl Gateway {
    /// How long a connection may wait for its answer.
    pub fn answer_time_max(&self) -> Duration {
        self.settings.bounds.answer()
    }

    /// A gateway over an open ledger.
    pub fn new(ledger: Ledger, pool: Arc<Pool>, settings: Settings) -> Arc<Self> {
        let (started, at_work) = (Instant::now(), AtomicUsize::new(0));
        let pace = Arc::new(Pace::default());
        let pages = settings.bounds.memory_bytes / PAGE_BYTES;
        let memory = Arc::new(Semaphore::new(pages.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self {
            ledger,
            pool,
            settings,
            started,
            at_work,
            by_key: Mutex::default(),
            memory,
            pace,
            desks: OnceLock::new(),
            board: OnceLock::new(),
            once: Arc::default(),
            recitals: recite::Recitals::default(),
        })
    }

    /// Sells to customers of the network from now on. The first desks stay.
    pub fn sell(&self, desks: Arc<Desks>) {
        let _ = self.desks.set(desks);
    }

    /// Where customers of the network are served, if they are.
    pub fn desks(&self) -> Option<&Arc<Desks>> {
        self.desks.get()
    }

    /// Measures what answers of this host take from now on, and shows it. The first board stays.
    pub fn measure(&self, board: Arc<Board>) {
        let _ = self.board.set(board);
    }

    /// What the machine tells of itself, if it is measured.
    pub fn board(&self) -> Option<&Arc<Board>> {
        self.board.get()
    }

    /// Its keys and receipts.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Its servers.
    pub const fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Who has the machine.
    pub const fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }

    /// Looks at the servers again and again, and at the machine, until this is dropped.
    pub async fn watch(self: Arc<Self>) {
        let look = async {
            loop {
                self.pool.look().await;
                tokio::time::sleep(self.settings.bounds.look).await;
            }
        };
        tokio::join!(look, self.sample(), self.keep());
    }

    /// Lets go of what is old, again and again, unless everything is kept.
    async fn keep(&self) {
        tokio::time::sleep(LET_GO_FIRST).await;
        while self.settings.keep.is_some() {
            self.let_go().await;
            tokio::time::sleep(LET_GO_EVERY).await;
        }
    }

    /// Before when everything is old that nobody needs; none where all is kept.
    pub(crate) fn old_before_ms(&self) -> Option<u64> {
        let keep = self.settings.keep?;
        let keep_ms = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
        Some(self.ledger.now_ms().saturating_sub(keep_ms))
    }

    /// Lets go of what is old: vouchers that are long settled, then receipts that nothing needs.
    pub(crate) async fn let_go(&self) {
        let Some(keep) = self.settings.keep else {
            return;
        };
        if let Some(desks) = self.desks()
            && let Err(error) = desks.let_go(&self.ledger, keep)
        {
            tracing::warn!(%error, "old vouchers stay");
        }
        let Some(before_ms) = self.old_before_ms() else {
            return;
        };
        match self.ledger.let_go(before_ms).await {
            Ok(0) => {}
            Ok(receipts) => {
                tracing::info!(receipts, "old receipts are gone; --keep-days keeps more")
            }
            Err(error) => tracing::warn!(%error, "old receipts stay"),
        }
    }

    /// Takes readings again and again, if the machine is measured.
    async fn sample(&self) {
        while let Some(board) = self.board() {
            let (board, at_ms) = (Arc::clone(board), self.ledger.now_ms());
            // A hung file of the kernel holds up no request.
            let _ = tokio::task::spawn_blocking(move || board.sample(at_ms)).await;
            tokio::time::sleep(SAMPLE_EVERY).await;
        }
    }

    /// One more request at work, of whom, if there is room for it.
    fn enter(self: &Arc<Self>, of: B256, is_own: bool) -> Option<Entered> {
        let before = self.at_work.fetch_add(1, Ordering::AcqRel);
        let of_key = {
            let mut by_key = self.by_key.lock();
            let count = by_key.entry(of).or_default();
            *count += 1;
            *count
        };
        let bounds = &self.settings.bounds;
        let has_room = before < bounds.requests && of_key <= bounds.requests_of_key;
        let entered = Entered {
            gateway: Arc::clone(self),
            of,
            _own: is_own.then(|| self.pace.enter_own()),
            memory: None,
        };
        has_room.then_some(entered)
    }

    fn at_work(&self) -> usize {
        self.at_work.load(Ordering::Acquire)
    }
}

/// What memory is counted in.
const PAGE_BYTES: usize = 4_096;
/// How long a request waits for the memory of others.
const MEMORY_PATIENCE: Duration = Duration::from_secs(5);

/// A request at work.
#[derive(Debug)]
struct Entered {
    gateway: Arc<Gateway>,
    of: B256,
    _own: Option<pace::OwnAtWork>,
    /// What it holds of the memory of all.
    memory: Option<OwnedSemaphorePermit>,
}

impl Entered {
    /// Holds so much of the memory of all requests, as soon as there is so much; false where that takes too long.
    async fn hold_memory(&mut self, bytes: usize) -> bool {
        let held = self.memory.as_ref().map_or(0, |held| held.num_permits());
        let lacking = bytes.div_ceil(PAGE_BYTES).saturating_sub(held);
        if lacking == 0 {
            return true;
        }
        let lacking = u32::try_from(lacking).unwrap_or(u32::MAX);
        let memory = Arc::clone(&self.gateway.memory);
        let taken = timeout(MEMORY_PATIENCE, memory.acquire_many_owned(lacking)).await;
        let Ok(Ok(taken)) = taken else {
            return false;
        };
        match &mut self.memory {
            Some(held) => held.merge(taken),
            none => *none = Some(taken),
        }
        true
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.gateway.at_work.fetch_sub(1, Ordering::AcqRel);
        let mut by_key = self.gateway.by_key.lock();
        if let Some(count) = by_key.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                by_key.remove(&self.of);
            }
        }
    }
}

/// Everything under `/v1`, `/usage` and `/admin`, to be mounted beside other routes.
pub fn router(gateway: Arc<Gateway>) -> Router {
    serve::routes(Arc::clone(&gateway))
        .merge(tab::routes(Arc::clone(&gateway)))
        .merge(recite::routes(Arc::clone(&gateway)))
        .merge(admin::routes(gateway))
}

/// The same with `/health`, `/live` and `/metrics`: a server of its own.
pub fn alone(gateway: Arc<Gateway>) -> Router {
    router(Arc::clone(&gateway))
        .merge(admin::watchers(gateway))
        .fallback(serve::no_such_path)
        .method_not_allowed_fallback(serve::wrong_method)
}

/// Longest wait for streams in progress when the gateway is told to stop; then they are cut and settled.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves [`alone`] until `stop` is ready.
pub async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let watch = tokio::spawn(Arc::clone(&gateway).watch());
    let (told, mut stopped) = tokio::sync::watch::channel(false);
    let stop = async move {
        stop.await;
        let _ = told.send(true);
    };
    let bounds = gateway.settings.bounds.listening();
    let server = capstan_listen::serve(listener, alone(gateway), bounds, stop);
    tokio::select! {
        () = server => {}
        () = async {
            let _ = stopped.wait_for(|told| *told).await;
            tokio::time::sleep(PATIENCE).await;
        } => {}
    }
    watch.abort();
}

#[cfg(test)]
mod tests;
