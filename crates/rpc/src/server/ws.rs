//! WebSocket: the same calls as HTTP, and notifications.
//!
//! One task reads, one writes. Calls of one connection run together up to a bound; then reading waits,
//! which is all the backpressure that a well-behaved client needs.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code},
    },
    response::Response,
};
use futures::{SinkExt, StreamExt, stream::SplitSink};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::Instant,
};

use super::dispatch;
use crate::{
    context::{Scope, Shared},
    subscriptions::{Connection, Outgoing},
};

/// How often a quiet client is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// How long it may take to answer.
const SILENCE_MAX: Duration = Duration::from_secs(90);
/// How long a client may take to read one message before its queue counts as stuck.
const SEND_MAX: Duration = Duration::from_secs(30);

/// Turns true when the server stops.
#[derive(Clone)]
pub(super) struct Stopped(pub(super) watch::Receiver<bool>);

pub(super) fn accept(shared: Arc<Shared>, stopped: Stopped, upgrade: WebSocketUpgrade) -> Response {
    let bytes_max = shared.config.limits.body_bytes_max;
    upgrade
        .max_message_size(bytes_max)
        .max_frame_size(bytes_max)
        .on_upgrade(move |socket| run(shared, stopped, socket))
}

async fn run(shared: Arc<Shared>, Stopped(mut stopped): Stopped, socket: WebSocket) {
    let (sink, mut stream) = socket.split();
    let (queue, queued) = mpsc::channel(shared.config.limits.ws_queue_max);
    let connection = Arc::new(Connection::new(queue, shared.backlog.clone()));
    let writer = tokio::spawn(write(connection.clone(), queued, sink));
    let at_once = Arc::new(Semaphore::new(shared.config.limits.ws_calls_at_once));
    let mut heard_at = Instant::now();
    loop {
        let message = tokio::select! {
            message = stream.next() => message,
            _ = connection.closed() => break,
            _ = stopped.wait_for(|stop| *stop) => {
                connection.close("the node is stopping");
                break;
            }
            () = tokio::time::sleep_until(heard_at + SILENCE_MAX) => {
                connection.close("no sign of life");
                break;
            }
        };
        heard_at = Instant::now();
        let body = match message {
            Some(Ok(Message::Text(text))) => axum::body::Bytes::from(text),
            Some(Ok(Message::Binary(bytes))) => bytes,
            // Pings are answered by the library.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Close(_))) | None => break,
            Some(Err(reason)) => {
                connection.close(&format!("unreadable message: {reason}"));
                break;
            }
        };
        // The semaphore is never closed.
        let Ok(permit) = at_once.clone().acquire_owned().await else {
            break;
        };
        let (shared, connection) = (shared.clone(), connection.clone());
        tokio::spawn(async move {
            let scope = Arc::new(Scope::new(&shared.config.limits, Some(connection.clone())));
            let answer = dispatch::answer(&shared, &scope, &body).await;
            if let Some(text) = answer.and_then(|answer| Utf8Bytes::try_from(answer).ok()) {
                connection.answer(text).await;
            }
            let subscribed = std::mem::take(&mut *scope.subscribed.lock());
            shared.hub.start(&subscribed);
            if connection.is_closed() {
                // The client left while the call ran: nobody else would end what it subscribed to.
                shared.hub.remove_all(&connection);
            }
            drop(permit);
        });
    }
    connection.close("closed by the client");
    shared.hub.remove_all(&connection);
    // The writer ends by itself: it has a time limit for each message. A panic there is nobody's loss.
    let _ = writer.await;
}

async fn write(
    connection: Arc<Connection>,
    mut queued: mpsc::Receiver<Outgoing>,
    mut sink: SplitSink<WebSocket, Message>,
) {
    let mut ping = tokio::time::interval(PING_EVERY);
    ping.reset();
    loop {
        // They count as waiting until the client has taken them.
        let mut bytes = 0;
        let message = tokio::select! {
            biased;
            reason = connection.closed() => {
                let frame = CloseFrame { code: close_code::POLICY, reason: reason.into() };
                // The client may be gone or stuck: it gets the reason if it still listens.
                let _ = tokio::time::timeout(
                    Duration::from_secs(1),
                    sink.send(Message::Close(Some(frame))),
                )
                .await;
                return;
            }
            outgoing = queued.recv() => match outgoing {
                Some(outgoing) => {
                    bytes = outgoing.bytes();
                    Message::Text(outgoing.into_text())
                }
                None => return,
            },
            _ = ping.tick() => Message::Ping(axum::body::Bytes::new()),
        };
        let sending = tokio::time::timeout(SEND_MAX, sink.send(message));
        let sent = tokio::select! {
            sent = sending => matches!(sent, Ok(Ok(()))),
            _ = connection.closed() => continue,
        };
        connection.sent(bytes);
        if !sent {
            connection.close("too slow: a message could not be delivered");
            return;
        }
    }
}
