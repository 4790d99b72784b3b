//! A listener with a bound on open connections, which closes idle ones and those that do not read.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};

use crate::metrics;

/// A connection on which nothing moves for so long is closed. WebSockets are pinged more often.
const IDLE_MAX: Duration = Duration::from_secs(120);

/// What a client must take of its answers, once it has had its time, in bytes a second.
const PACE_BYTES: u64 = 64 << 10;

/// How a connection of HTTP/2 begins. It could ask for hundreds of answers at once and take none; nobody needs it here.
const HTTP2: &[u8] = b"PRI ";

/// Accepts no more connections than it has permits.
pub(super) struct Bounded {
    listener: TcpListener,
    permits: Arc<Semaphore>,
    unread_time_max: Duration,
}

impl Bounded {
    pub(super) fn new(
        listener: TcpListener,
        connections_max: usize,
        unread_time_max: Duration,
    ) -> Self {
        Self {
            listener,
            unread_time_max,
            permits: Arc::new(Semaphore::new(connections_max)),
        }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            // The semaphore is never closed; were it, connections would be unbounded rather than none.
            let permit = self.permits.clone().acquire_owned().await.ok();
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    // Small answers should not wait for more to say.
                    let _ = stream.set_nodelay(true);
                    let idle = Box::pin(tokio::time::sleep(IDLE_MAX));
                    return (
                        Connection {
                            stream,
                            idle,
                            begun: Vec::new(),
                            unread: None,
                            unread_time_max: self.unread_time_max,
                            _permit: permit,
                        },
                        peer,
                    );
                }
                Err(reason) => {
                    // Out of file descriptors, mostly: the next moment may be better.
                    tracing::warn!(%reason, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that holds its permit and watches its idle time, and how fast its client reads.
pub(super) struct Connection {
    stream: TcpStream,
    idle: Pin<Box<Sleep>>,
    /// What it begins with, until that tells the protocol.
    begun: Vec<u8>,
    unread: Option<Unread>,
    unread_time_max: Duration,
    _permit: Option<OwnedSemaphorePermit>,
}

/// Something is to be sent that the client does not take.
struct Unread {
    since: Instant,
    taken_bytes: u64,
    alarm: Pin<Box<Sleep>>,
}

impl Unread {
    /// Until when the client must have taken more.
    fn deadline(&self, time_max: Duration) -> Instant {
        self.since + time_max + Duration::from_millis(self.taken_bytes * 1_000 / PACE_BYTES)
    }
}

impl Connection {
    fn moved(&mut self) {
        self.idle.as_mut().reset(Instant::now() + IDLE_MAX);
    }

    /// Looks at the first bytes of a connection.
    fn is_http2(&mut self, read: &[u8]) -> bool {
        let left = HTTP2.len() - self.begun.len();
        self.begun.extend(read.iter().take(left));
        left > 0 && self.begun == HTTP2
    }

    /// Judges a try to send by what the client has taken since it fell behind.
    fn wrote(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<std::io::Result<usize>>,
    ) -> Poll<std::io::Result<usize>> {
        let now = Instant::now();
        let time_max = self.unread_time_max;
        match polled {
            Poll::Ready(Ok(bytes)) => {
                self.moved();
                if let Some(unread) = &mut self.unread {
                    unread.taken_bytes += bytes as u64;
                    if unread.deadline(time_max) < now {
                        return Poll::Ready(Err(too_slow()));
                    }
                }
                polled
            }
            Poll::Ready(Err(_)) => polled,
            Poll::Pending => {
                let unread = self.unread.get_or_insert_with(|| Unread {
                    since: now,
                    taken_bytes: 0,
                    alarm: Box::pin(tokio::time::sleep_until(now)),
                });
                let deadline = unread.deadline(time_max);
                unread.alarm.as_mut().reset(deadline);
                match unread.alarm.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Err(too_slow())),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }
}

fn too_slow() -> std::io::Error {
    metrics::slow_consumer();
    std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        "the client does not read its answers",
    )
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if polled.is_ready() {
            self.moved();
            let read = buf.filled().get(before..).unwrap_or_default();
            if self.is_http2(read) {
                let kind = std::io::ErrorKind::Unsupported;
                return Poll::Ready(Err(std::io::Error::new(kind, "HTTP/2 is not spoken here")));
            }
            return polled;
        }
        if self.idle.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(std::io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked for when everything was handed over: the client is behind no more.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.unread = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
