//! A port for strangers: HTTP/1.1 and WebSockets, with bounds on what open, idle and slow connections cost.
//!
//! ```text
//!   accept, if there is room ─► its first head in time ─► hyper: later heads in time ─► Router
//!                                └─ nothing moves, or its answers are not read ─► closed, and others have its room
//! ```
//! - LISTEN-1: never more connections are open than were allowed, nor than leave other files of the process their room.
//! - LISTEN-2: a connection that does not send its first head, or the next one, in time is closed; so is one on which nothing
//!   moves, and one whose client does not take its answers.
//! - LISTEN-3: a process may open as many files as its system lets it.

mod connection;
mod files;

use std::{pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

use connection::Connection;
pub use files::{open_files_max, raise_open_files};

/// Files that a process needs besides connections: databases, logs, connections of its own.
const OTHER_FILES: u64 = 256;
/// Between two tries where no file is to be had.
const AGAIN: Duration = Duration::from_millis(100);

/// How many connections, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Open connections; fewer where the process may not open so many files.
    pub connections_max: usize,
    /// For the first head of a connection to come whole.
    pub head: Duration,
    /// Between requests, for a later head to come whole. Longer than most clients keep connections for reuse, so that hardly
    /// one is closed under a request.
    pub idle: Duration,
    /// Without a byte either way while an answer, or the rest of it, may be waited for.
    pub answer: Duration,
    /// A client that takes nothing of its answers.
    pub unread: Duration,
    /// Told when a client was closed for that.
    pub on_unread: fn(),
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            head: Duration::from_secs(20),
            idle: Duration::from_secs(120),
            answer: Duration::from_secs(120),
            unread: Duration::from_secs(60),
            on_unread: || {},
        }
    }
}

impl Bounds {
    fn connections(&self) -> usize {
        let files = open_files_max().saturating_sub(OTHER_FILES).max(1);
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        self.connections_max.min(files).min(Semaphore::MAX_PERMITS)
    }
}

/// Serves until `stop` is ready, and then until requests at work are answered.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(bounds.idle);
    // Each connection has a receiver: the last one that is dropped is the end.
    let (told, _) = watch::channel(false);
    let permits = Arc::new(Semaphore::new(bounds.connections()));
    let mut stop = pin!(stop);
    loop {
        let (stream, permit) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let io = TokioIo::new(Connection::new(stream, permit, &bounds));
        let service = TowerToHyperService::new(router.clone());
        let served = http.serve_connection(io, service).with_upgrades();
        let mut stopping = told.subscribe();
        tokio::spawn(async move {
            let mut served = pin!(served);
            let ended = tokio::select! {
                ended = served.as_mut() => ended,
                // An error means that nobody is left to say so, which says it.
                () = async { drop(stopping.wait_for(|is_told| *is_told).await) } => {
                    served.as_mut().graceful_shutdown();
                    served.await
                }
            };
            if let Err(reason) = ended {
                tracing::debug!(%reason, "a connection ended");
            }
        });
    }
    drop(listener);
    told.send_replace(true);
    told.closed().await;
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    loop {
        // The semaphore is never closed; were it, connections would be unbounded rather than none.
        let permit = Arc::clone(permits).acquire_owned().await.ok();
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small answers should not wait for more to say.
                let _ = stream.set_nodelay(true);
                return (stream, permit);
            }
            Err(reason) => {
                // Out of file descriptors, mostly: the next moment may be better.
                tracing::warn!(%reason, "cannot accept a connection");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
