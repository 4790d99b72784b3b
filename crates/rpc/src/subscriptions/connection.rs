//! One WebSocket client: a bounded queue of what it is to be sent.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::{Notify, mpsc};

use crate::metrics;

/// Bytes of notifications that may wait for one client.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// Something to send; its size is given back when it is sent.
pub(crate) struct Outgoing {
    pub(crate) text: Utf8Bytes,
}

/// One WebSocket client, as the rest of the crate sees it.
pub(crate) struct Connection {
    queue: mpsc::Sender<Outgoing>,
    waiting_bytes: AtomicUsize,
    closing: Notify,
    reason: OnceLock<String>,
    /// Open subscriptions.
    pub(crate) subscription_count: AtomicUsize,
}

impl Connection {
    pub(crate) fn new(queue: mpsc::Sender<Outgoing>) -> Self {
        Self {
            queue,
            waiting_bytes: AtomicUsize::new(0),
            closing: Notify::new(),
            reason: OnceLock::new(),
            subscription_count: AtomicUsize::new(0),
        }
    }

    /// Queues a notification, or closes the connection of a client that reads too slowly.
    pub(crate) fn notify(&self, text: Utf8Bytes) {
        if self.is_closed() {
            return;
        }
        let bytes = text.len();
        let waiting = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let full = waiting > WAITING_BYTES_MAX || self.queue.try_send(Outgoing { text }).is_err();
        if full {
            metrics::slow_consumer();
            self.close("too slow: the queue of notifications for this client is full");
        }
    }

    /// Whether much more can be queued. One that is closed takes anything.
    pub(crate) fn has_room(&self) -> bool {
        self.is_closed() || self.queue.capacity() * 2 >= self.queue.max_capacity()
    }

    /// Queues an answer; waits while the queue is full. `false`: the client is gone.
    pub(crate) async fn answer(&self, text: Utf8Bytes) -> bool {
        self.waiting_bytes.fetch_add(text.len(), Ordering::Relaxed);
        self.queue.send(Outgoing { text }).await.is_ok()
    }

    /// The queue's reader says that so many bytes went out.
    pub(crate) fn sent(&self, bytes: usize) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
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
