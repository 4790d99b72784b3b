//! The server: one port for HTTP, WebSocket, the page, health and metrics.
//!
//! Not here: what the methods do (their own rooms), who may connect from a browser (`access`).

mod access;
mod dispatch;
mod http;
pub mod message;
mod site;
mod ws;

use std::{net::SocketAddr, sync::Arc, time::Instant};

use axum::{Router, middleware, routing};
use capstan_chain::Chain;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub(crate) use dispatch::panicked;
pub use site::SiteFile;

use crate::{
    config::RpcConfig,
    context::Shared,
    filters::Filters,
    keys::{DevKeys, KeysError},
    methods::Methods,
    metrics,
    subscriptions::{Backlog, Hub, run_hub},
    work::WorkPool,
};

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error(
        "cannot listen on {address}: {reason}; another node may run there, choose a free --port"
    )]
    Listen {
        /// Address asked for.
        address: SocketAddr,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The system gives no threads.
    #[error("cannot start the threads that run calls: {0}")]
    Threads(std::io::Error),
    /// The development keys are wrong.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// A running server.
pub struct ServerHandle {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl ServerHandle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, lets running requests end for a moment, and returns.
    pub async fn stop(self) {
        const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
        // Fails only if the server has ended by itself.
        let _ = self.stop.send(true);
        let abort = self.task.abort_handle();
        if tokio::time::timeout(PATIENCE, self.task).await.is_err() {
            abort.abort();
        }
    }
}

/// Whether the address is free just now: asked before anything is made on disk for a server that cannot start.
///
/// # Errors
/// It is taken, or is none of this machine's.
pub fn probe(address: SocketAddr) -> Result<(), ServeError> {
    match std::net::TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(reason) => Err(ServeError::Listen { address, reason }),
    }
}

/// Starts the server.
///
/// # Errors
/// The address is not free, threads are not to be had, or the development keys are wrong.
pub async fn serve(config: RpcConfig, chain: Chain) -> Result<ServerHandle, ServeError> {
    let address = config.listen;
    let bounds = capstan_listen::Bounds {
        connections_max: config.limits.connections_max,
        answer: config.limits.answer_time_max,
        unread: config.limits.unread_time_max,
        on_unread: metrics::slow_consumer,
        ..capstan_listen::Bounds::default()
    };
    let (stop, stopped) = watch::channel(false);
    let router = build(config, chain, stopped.clone())?;
    let listen_error = |reason| ServeError::Listen { address, reason };
    let listener = TcpListener::bind(address).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let mut stopping = stopped;
    let shutdown = async move {
        // An error means that the handle is gone, which is a wish to stop, too.
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let task = tokio::spawn(capstan_listen::serve(listener, router, bounds, shutdown));
    Ok(ServerHandle {
        address,
        stop,
        task,
    })
}

/// The router alone, for tests that need no port. Subscriptions work as long as the router lives.
///
/// # Errors
/// As [`serve`], the address apart.
pub fn router(config: RpcConfig, chain: Chain) -> Result<Router, ServeError> {
    let (stop, stopped) = watch::channel(false);
    let router = build(config, chain, stopped)?;
    // The sender lives as long as the router: a dropped one would read as a wish to stop.
    Ok(router.layer(axum::Extension(Arc::new(stop))))
}

fn build(
    mut config: RpcConfig,
    chain: Chain,
    stopped: watch::Receiver<bool>,
) -> Result<Router, ServeError> {
    metrics::install();
    let beside = config.beside.take().unwrap_or_default();
    let keys = match &config.dev_keys {
        Some(dev_keys) => DevKeys::derive(dev_keys)?,
        None => DevKeys::default(),
    };
    let pool = WorkPool::new(
        config.limits.blocking_threads,
        config.limits.blocking_queue_max,
    )
    .map_err(ServeError::Threads)?;
    let recovery = rayon::ThreadPoolBuilder::new()
        .thread_name(|index| format!("recover-{index}"))
        .build()
        .map_err(|reason| ServeError::Threads(std::io::Error::other(reason)))?;
    let shared = Arc::new(Shared {
        filters: Filters::new(&config.limits),
        hub: Hub::default(),
        backlog: Arc::new(Backlog::new(config.limits.unread_bytes_max)),
        methods: Methods::all(),
        sending: Default::default(),
        started: Instant::now(),
        pulse: Default::default(),
        risk: Default::default(),
        records: Default::default(),
        keys,
        pool,
        recovery,
        chain,
        config,
    });
    tokio::spawn(run_hub(Arc::downgrade(&shared), stopped.clone()));
    let router = Router::new()
        .route("/", routing::get(http::root).post(http::post))
        .route("/health", routing::get(http::health))
        .route("/live", routing::get(|| async { "ok\n" }))
        .route("/metrics", routing::get(http::metrics))
        .fallback(http::elsewhere)
        .layer(middleware::from_fn_with_state(
            shared.clone(),
            access::guard,
        ))
        .layer(axum::Extension(ws::Stopped(stopped)))
        .with_state(shared);
    Ok(router.merge(beside))
}
