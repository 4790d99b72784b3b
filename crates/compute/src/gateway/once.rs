//! Requests that are repeated: under one `Idempotency-Key` of one key an answer is made, and charged, once.
//!
//! ```text
//!   first ─► AtWork ─► its answer is kept ─► the same bytes for whoever asks again
//!              │  asked again meanwhile: 409 · another request under the same word: 422
//!              └─ refused, failed, cut, left: forgotten, and a repetition is a new request
//! ```
//! It lies in memory: a gateway that was started again knows none.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, keccak256};
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use parking_lot::Mutex;

use super::error::ApiError;
use crate::upstream::Kind;

/// The header that names a request.
pub(super) const NAME: &str = "idempotency-key";
/// What clients see on an answer that was kept.
const AGAIN: header::HeaderName = header::HeaderName::from_static("x-capstan-again");
/// Longer than any word that somebody makes up for a request.
const WORD_BYTES_MAX: usize = 255;
/// Answers that are kept.
const KEPT_MAX: usize = 4_096;
/// Their bytes, together and of one.
const BYTES_MAX: usize = 64 << 20;
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// For so long.
const AGE: Duration = Duration::from_secs(24 * 3_600);
/// How a stream ends that is whole.
const END: &[u8] = b"data: [DONE]\n\n";

/// Whose, and which.
type Word = (B256, B256);

/// Answers by the words of their requests.
#[derive(Debug, Default)]
pub(super) struct Once(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    entries: HashMap<Word, Entry>,
    /// Those that are kept, the oldest first.
    kept: VecDeque<(Word, Instant)>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    request: B256,
    /// None while it is at work.
    saved: Option<Saved>,
}

#[derive(Clone, Debug)]
struct Saved {
    headers: HeaderMap,
    body: Bytes,
}

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Turn {
    /// It is done; what comes of it may be kept.
    First(Begun),
    /// It was done: this came of it.
    Again(Response),
}

/// A request under a word. Dropping it before its answer was kept forgets it.
#[derive(Debug)]
pub(super) struct Begun {
    once: Arc<Once>,
    word: Word,
    is_open: bool,
}

impl Once {
    /// A request of a key; none where it has no word.
    pub(super) fn begin(
        self: &Arc<Self>,
        key: B256,
        headers: &HeaderMap,
        kind: Kind,
        body: &[u8],
    ) -> Result<Option<Turn>, ApiError> {
        let Some(word) = headers.get(NAME) else {
            return Ok(None);
        };
        if word.is_empty() || word.len() > WORD_BYTES_MAX {
            let message = format!("`Idempotency-Key` has 1 to {WORD_BYTES_MAX} bytes");
            return Err(ApiError::wrong(
                "invalid_value",
                Some("Idempotency-Key"),
                message,
            ));
        }
        let word = (key, keccak256(word.as_bytes()));
        let request = keccak256([kind.path().as_bytes(), b"\0", body].concat());
        let mut book = self.0.lock();
        book.forget_old();
        match book.entries.get(&word) {
            Some(entry) if entry.request != request => Err(ApiError::other_request()),
            Some(Entry { saved: None, .. }) => Err(ApiError::at_work()),
            Some(Entry {
                saved: Some(saved), ..
            }) => Ok(Some(Turn::Again(saved.response()))),
            None => {
                let entry = Entry {
                    request,
                    saved: None,
                };
                book.entries.insert(word, entry);
                Ok(Some(Turn::First(Begun {
                    once: Arc::clone(self),
                    word,
                    is_open: true,
                })))
            }
        }
    }
}

impl Book {
    fn forget_old(&mut self) {
        while let Some((word, at)) = self.kept.front().copied() {
            let is_old = at.elapsed() > AGE;
            if !is_old && self.kept.len() <= KEPT_MAX && self.bytes <= BYTES_MAX {
                return;
            }
            self.kept.pop_front();
            let gone = self.entries.remove(&word).and_then(|entry| entry.saved);
            self.bytes -= gone.map_or(0, |saved| saved.body.len());
        }
    }
}

impl Saved {
    fn response(&self) -> Response {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.headers_mut() = self.headers.clone();
        let headers = response.headers_mut();
        headers.insert(AGAIN, HeaderValue::from_static("true"));
        response
    }
}

impl Begun {
    /// Lets an answer pass, and keeps it once it is whole.
    pub(super) async fn keep(self, response: Response) -> Response {
        if response.status() != StatusCode::OK {
            return response;
        }
        let (head, body) = response.into_parts();
        let headers = head.headers.clone();
        let kind = headers.get(header::CONTENT_TYPE);
        let is_stream = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if is_stream {
            let passed = Passed {
                begun: Some(self),
                body: body.into_data_stream(),
                headers,
                seen: Vec::new(),
            };
            let body = Body::from_stream(stream::unfold(passed, Passed::next));
            return Response::from_parts(head, body);
        }
        // It is in memory already, and settled: it is kept though nobody should read it now.
        let Ok(bytes) = to_bytes(body, usize::MAX).await else {
            return Response::from_parts(head, Body::empty());
        };
        self.save(headers, bytes.clone());
        Response::from_parts(head, Body::from(bytes))
    }

    fn save(mut self, headers: HeaderMap, body: Bytes) {
        if body.len() > ANSWER_BYTES_MAX {
            return;
        }
        self.is_open = false;
        let mut book = self.once.0.lock();
        let Some(entry) = book.entries.get_mut(&self.word) else {
            return;
        };
        let bytes = body.len();
        entry.saved = Some(Saved { headers, body });
        book.bytes += bytes;
        book.kept.push_back((self.word, Instant::now()));
        book.forget_old();
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if self.is_open {
            self.once.0.lock().entries.remove(&self.word);
        }
    }
}

/// A stream on its way to who asked first.
struct Passed {
    begun: Option<Begun>,
    body: axum::body::BodyDataStream,
    headers: HeaderMap,
    seen: Vec<u8>,
}

impl Passed {
    async fn next(mut self) -> Option<(Result<Bytes, axum::Error>, Self)> {
        match self.body.next().await {
            Some(Ok(part)) => {
                if self.seen.len() + part.len() > ANSWER_BYTES_MAX {
                    // Too long to be kept: a repetition is a new request.
                    self.begun = None;
                    self.seen = Vec::new();
                } else if self.begun.is_some() {
                    self.seen.extend_from_slice(&part);
                }
                Some((Ok(part), self))
            }
            Some(Err(error)) => Some((Err(error), self)),
            None => {
                if let Some(begun) = self.begun.take().filter(|_| self.seen.ends_with(END)) {
                    begun.save(self.headers, self.seen.into());
                }
                None
            }
        }
    }
}
