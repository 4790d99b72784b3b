//! A connection that is closed when it sends no head, when nothing moves on it, and when its client does not read.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep},
};

use crate::Bounds;

/// What a client must take of its answers, once it has had its time, in bytes a second.
const PACE_BYTES: u64 = 64 << 10;

/// What ends a head.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// A connection that holds its permit and watches its idle time, its first head, and how fast its client reads.
pub(crate) struct Connection {
    stream: TcpStream,
    idle: Pin<Box<Sleep>>,
    answer_time_max: Duration,
    head: Option<Head>,
    unread: Option<Unread>,
    unread_time_max: Duration,
    on_unread: fn(),
    _permit: Option<OwnedSemaphorePermit>,
}

/// The first head has not come whole.
struct Head {
    alarm: Pin<Box<Sleep>>,
    /// Its last bytes.
    tail: [u8; 4],
}

impl Head {
    /// Whether these bytes end it.
    fn ends_with(&mut self, read: &[u8]) -> bool {
        read.iter().any(|byte| {
            self.tail.rotate_left(1);
            self.tail[3] = *byte;
            self.tail == *HEAD_END
        })
    }
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
    pub(crate) fn new(
        stream: TcpStream,
        permit: Option<OwnedSemaphorePermit>,
        bounds: &Bounds,
    ) -> Self {
        let head = Head {
            alarm: Box::pin(tokio::time::sleep(bounds.head)),
            tail: [0; 4],
        };
        Self {
            stream,
            idle: Box::pin(tokio::time::sleep(bounds.idle)),
            answer_time_max: bounds.answer,
            head: Some(head),
            unread: None,
            unread_time_max: bounds.unread,
            on_unread: bounds.on_unread,
            _permit: permit,
        }
    }

    /// Something moved; without more it may stay so long.
    fn moved(&mut self) {
        let deadline = Instant::now() + self.answer_time_max;
        self.idle.as_mut().reset(deadline);
    }

    /// Whether it waited too long for its client.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let head = self.head.as_mut();
        let is_slow = head.is_some_and(|head| head.alarm.as_mut().poll(cx).is_ready());
        is_slow || self.idle.as_mut().poll(cx).is_ready()
    }

    fn too_slow(&self) -> std::io::Error {
        (self.on_unread)();
        std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            "the client does not read its answers",
        )
    }

    /// Judges a try to send by what the client has taken since it fell behind.
    fn wrote(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<std::io::Result<usize>>,
    ) -> Poll<std::io::Result<usize>> {
        let (now, unread_max) = (Instant::now(), self.unread_time_max);
        match polled {
            Poll::Ready(Ok(bytes)) => {
                // The rest of the answer may take its time; between requests hyper watches.
                self.moved();
                if let Some(unread) = &mut self.unread {
                    unread.taken_bytes += bytes as u64;
                    if unread.deadline(unread_max) < now {
                        return Poll::Ready(Err(self.too_slow()));
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
                let deadline = unread.deadline(unread_max);
                unread.alarm.as_mut().reset(deadline);
                match unread.alarm.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Err(self.too_slow())),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }
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
            // It may be a request, whose answer takes its time.
            self.moved();
            let read = buf.filled().get(before..).unwrap_or_default();
            if self.head.as_mut().is_some_and(|head| head.ends_with(read)) {
                self.head = None;
            }
            return polled;
        }
        if self.is_over(cx) {
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
