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
mod pace;
mod page;
mod prices;
mod request;
mod saved;
mod serve;
mod tab;
mod ticket;

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, serve::ListenerExt as _};
use tokio::net::TcpListener;

use crate::{
    keys::{Ledger, Secret},
    tab::Desk,
    upstream::Pool,
};

pub use admin::{NewKey, not_one};
pub use measure::install_recorder;
pub use office::{Office, OfficeError, OpenDoor};
pub use pace::{Pace, Stance};
pub use prices::{ModelPrice, PRICES_EXAMPLE, Prices, PricesError};
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
}

/// A gateway: its ledger, its servers, its rules.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) ledger: Ledger,
    pub(crate) pool: Arc<Pool>,
    pub(crate) settings: Settings,
    started: Instant,
    at_work: AtomicUsize,
    pace: Arc<Pace>,
    desk: OnceLock<Arc<Desk>>,
}

impl Gateway {
    /// A gateway over an open ledger.
    pub fn new(ledger: Ledger, pool: Arc<Pool>, settings: Settings) -> Arc<Self> {
        let (started, at_work) = (Instant::now(), AtomicUsize::new(0));
        let pace = Arc::new(Pace::default());
        Arc::new(Self {
            ledger,
            pool,
            settings,
            started,
            at_work,
            pace,
            desk: OnceLock::new(),
        })
    }

    /// Sells to customers of the network from now on. The first desk stays.
    pub fn sell(&self, desk: Arc<Desk>) {
        let _ = self.desk.set(desk);
    }

    /// Where customers of the network are served, if they are.
    pub fn desk(&self) -> Option<&Arc<Desk>> {
        self.desk.get()
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

    /// Looks at the servers again and again, until this is dropped.
    pub async fn watch(self: Arc<Self>) {
        loop {
            self.pool.look().await;
            tokio::time::sleep(self.settings.bounds.look).await;
        }
    }

    /// One more request at work, if there is room for it.
    fn enter(self: &Arc<Self>, is_own: bool) -> Option<Entered> {
        let before = self.at_work.fetch_add(1, Ordering::AcqRel);
        let entered = Entered {
            gateway: Arc::clone(self),
            _own: is_own.then(|| self.pace.enter_own()),
        };
        (before < self.settings.bounds.requests).then_some(entered)
    }

    fn at_work(&self) -> usize {
        self.at_work.load(Ordering::Acquire)
    }
}

/// A request at work.
#[derive(Debug)]
struct Entered {
    gateway: Arc<Gateway>,
    _own: Option<pace::OwnAtWork>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.gateway.at_work.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Everything under `/v1`, `/usage` and `/admin`, to be mounted beside other routes.
pub fn router(gateway: Arc<Gateway>) -> Router {
    serve::routes(Arc::clone(&gateway))
        .merge(tab::routes(Arc::clone(&gateway)))
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
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let watch = tokio::spawn(Arc::clone(&gateway).watch());
    // A part of an answer goes out when it is there, not when a packet is full.
    let listener = listener.tap_io(|tcp| {
        let _ = tcp.set_nodelay(true);
    });
    let (told, mut stopped) = tokio::sync::watch::channel(false);
    let stop = async move {
        stop.await;
        let _ = told.send(true);
    };
    let server = axum::serve(listener, alone(gateway)).with_graceful_shutdown(stop);
    let ended = tokio::select! {
        ended = server => ended,
        () = async {
            let _ = stopped.wait_for(|told| *told).await;
            tokio::time::sleep(PATIENCE).await;
        } => Ok(()),
    };
    watch.abort();
    ended
}

#[cfg(test)]
mod tests;
