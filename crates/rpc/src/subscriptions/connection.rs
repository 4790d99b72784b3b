//! One WebSocket client: a bounded queue of what it is to be sent.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use axum::{body::Bytes, extract::ws::Utf8Bytes};
use tokio::sync::{Notify, mpsc};

use super::SubscriptionId;
use crate::metrics;

/// Bytes that may wait for one client when something happens that it is to hear of.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// This much counts as small: a client that reads gets it even when all others together are behind.
const SMALL_BYTES: usize = 1 << 20;
/// So much may wait for anybody: a client that reads is now and then a few heads behind.
const FEW_BYTES: usize = 64 << 10;
/// What a notification holds besides its result.
const ENVELOPE_BYTES: usize = 128;

/// Something to send; its size is given back when it is sent.
pub(crate) enum Outgoing {
    /// An answer.
    Answer(Utf8Bytes),
    /// What happened. Subscribers share the result, which is by far the largest part.
    Notification {
        subscription: SubscriptionId,
        result: Arc<str>,
    },
}

impl Outgoing {
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Answer(text) => text.len(),
            Self::Notification { result, .. } => result.len() + ENVELOPE_BYTES,
        }
    }

    /// What goes over the wire.
    pub(crate) fn into_text(self) -> Utf8Bytes {
        match self {
            Self::Answer(text) => text,
            Self::Notification {
                subscription,
                result,
            } => format!(
                r#"{{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":"{subscription:#x}","result":{result}}}}}"#
            )
            .into(),
        }
    }
}

/// Bytes that all clients together have not read, over WebSocket and HTTP.
pub(crate) struct Backlog {
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl Backlog {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            bytes_max,
        }
    }

    /// Counts an answer over HTTP until its client has taken it or is gone. `None`: all clients together leave too much
    /// unread. A small one always passes, of which each connection has one.
    pub(crate) fn hold(self: &Arc<Self>, mut answer: Vec<u8>) -> Option<Bytes> {
        if answer.capacity() - answer.len() > FEW_BYTES {
            answer.shrink_to_fit();
        }
        let held = Held {
            backlog: Arc::clone(self),
            answer,
        };
        let bytes = held.answer.capacity();
        let all = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        (all <= self.bytes_max || bytes <= FEW_BYTES).then(|| Bytes::from_owner(held))
    }
}

/// An answer that is on its way.
struct Held {
    backlog: Arc<Backlog>,
    answer: Vec<u8>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let bytes = self.answer.capacity();
        self.backlog.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One WebSocket client, as the rest of the crate sees it.
pub(crate) struct Connection {
    queue: mpsc::Sender<Outgoing>,
    waiting_bytes: AtomicUsize,
    backlog: Arc<Backlog>,
    closing: Notify,
    reason: OnceLock<String>,
    /// Open subscriptions.
    pub(crate) subscription_count: AtomicUsize,
}

impl Connection {
    pub(crate) fn new(queue: mpsc::Sender<Outgoing>, backlog: Arc<Backlog>) -> Self {
        Self {
            queue,
            waiting_bytes: AtomicUsize::new(0),
            backlog,
            closing: Notify::new(),
            reason: OnceLock::new(),
            subscription_count: AtomicUsize::new(0),
        }
    }

    /// Queues a notification, or closes the connection of a client that reads too slowly.
    pub(crate) fn notify(&self, subscription: SubscriptionId, result: &Arc<str>) {
        if self.is_closed() {
            return;
        }
        let result = Arc::clone(result);
        let outgoing = Outgoing::Notification {
            subscription,
            result,
        };
        let bytes = outgoing.bytes();
        let own = self.waiting_bytes.load(Ordering::Relaxed) + bytes;
        if own > WAITING_BYTES_MAX || !self.admit(bytes) || self.queue.try_send(outgoing).is_err() {
            metrics::slow_consumer();
            self.close("too slow: the queue of notifications for this client is full");
        }
    }

    /// Counts what is about to be queued; `false`: it must not be. A client that has taken everything so far is behind
    /// nobody, so what others leave unread is not held against him, unless he wants much.
    fn admit(&self, bytes: usize) -> bool {
        let before = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let all = self.backlog.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        all <= self.backlog.bytes_max
            || (before == 0 && bytes <= SMALL_BYTES)
            || before + bytes <= FEW_BYTES
    }

    /// Whether much more can be queued. One that is closed takes anything.
    pub(crate) fn has_room(&self) -> bool {
        self.is_closed() || self.queue.capacity() * 2 >= self.queue.max_capacity()
    }

    /// Queues an answer; waits while the queue is full. `false`: the client is gone, or leaves too much unread.
    pub(crate) async fn answer(&self, text: Utf8Bytes) -> bool {
        let outgoing = Outgoing::Answer(text);
        if !self.admit(outgoing.bytes()) {
            metrics::slow_consumer();
            self.close("too slow: too many answers for this client are unread");
            return false;
        }
        self.queue.send(outgoing).await.is_ok()
    }

    /// The queue's reader says that so many bytes went out.
    pub(crate) fn sent(&self, bytes: usize) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.backlog.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Asks for the end of the connection. The first reason counts.
    pub(crate) fn close(&self, reason: &str) {
        // A second reason is dropped on purpose.
        let _ = self.reason.set(reason.to_owned());
        self.closing.notify_waiters();
    }

    /// Whether somebody asked for the end.
    pub(crate) fn is_closed(&self) -> bool {
        self.reason.get().is_some()
    }

    /// Waits until somebody asks for the end; answers the reason.
    pub(crate) async fn closed(&self) -> &str {
        loop {
            // Listening starts before looking, so that no call falls in between.
            let mut notified = std::pin::pin!(self.closing.notified());
            notified.as_mut().enable();
            if let Some(reason) = self.reason.get() {
                return reason;
            }
            notified.await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let unsent = self.waiting_bytes.load(Ordering::Relaxed);
        self.backlog.bytes.fetch_sub(unsent, Ordering::Relaxed);
    }
}
