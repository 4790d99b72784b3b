//! From the text of a request to the text of its answer.
//!
//! Entries of a batch are worked on together and answered in order. An entry that writes keeps its
//! place: what stands before it is answered first, and what stands after it sees what it did. A run of
//! `eth_sendRawTransaction` entries is one piece of work: signatures are recovered on all cores, then
//! the pool is asked once.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use futures::{FutureExt, StreamExt, stream};
use serde_json::value::RawValue;

use super::message::{self, Incoming, Malformed, NULL_ID, Request, write_answer};
use crate::{
    context::{RpcContext, Scope, Shared},
    error::{RpcError, RpcResult},
    eth::send,
    methods::{Started, Written, split_params},
    metrics,
    work::Lane,
};

const SEND_RAW: &str = "eth_sendRawTransaction";

/// Answers one body or message. `None`: it held only notifications, so there is nothing to say.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    scope: &Arc<Scope>,
    body: &[u8],
) -> Option<Vec<u8>> {
    let incoming = std::str::from_utf8(body)
        .map_err(RpcError::parse)
        .and_then(|text| message::split(text, shared.config.limits.batch_entries_max));
    match incoming {
        Ok(Incoming::One(entry)) => answer_one(shared, scope, entry).await,
        Ok(Incoming::Batch(entries)) => answer_batch(shared, scope, &entries).await,
        Err(error) => {
            let mut out = Vec::new();
            write_answer(&mut out, NULL_ID, &Err(error));
            Some(out)
        }
    }
}

async fn answer_one(shared: &Arc<Shared>, scope: &Arc<Scope>, entry: &RawValue) -> Option<Vec<u8>> {
    let (id, result) = match message::request(entry) {
        Err(Malformed { id, error }) => (Some(id), Err(error)),
        Ok(request) => (request.id, call(shared, scope, &request).await),
    };
    let id = id?;
    let mut out = Vec::with_capacity(result.as_ref().map_or(0, Vec::len) + id.len() + 48);
    write_answer(&mut out, id, &result);
    Some(out)
}

/// A piece of a batch that is worked on as a whole.
enum Piece {
    /// Entries that only read: together.
    Reads(std::ops::Range<usize>),
    /// Raw transactions: recovered on all cores, submitted as one.
    Sends(std::ops::Range<usize>),
    /// One entry that writes.
    Write(usize),
}

type Entry<'a> = Result<Request<'a>, Malformed<'a>>;

async fn answer_batch(
    shared: &Arc<Shared>,
    scope: &Arc<Scope>,
    raw: &[&RawValue],
) -> Option<Vec<u8>> {
    let entries: Vec<Entry<'_>> = raw.iter().map(|entry| message::request(entry)).collect();
    let mut out = Answers::new(shared.config.limits.response_bytes_max);
    for piece in pieces(shared, &entries) {
        match piece {
            Piece::Reads(range) => {
                let at_once = shared.config.limits.batch_entries_at_once;
                let mut answers = stream::iter(range)
                    .map(|index| answer_entry(shared, scope, &entries[index]))
                    .buffered(at_once);
                while let Some((id, result)) = answers.next().await {
                    out.push(id, result);
                }
            }
            Piece::Sends(range) => {
                let requests: Vec<&Request<'_>> = entries[range]
                    .iter()
                    .filter_map(|entry| entry.as_ref().ok())
                    .collect();
                let results = send_many(shared, scope, &requests).await;
                for (request, result) in requests.iter().zip(results) {
                    out.push(request.id, result);
                }
            }
            Piece::Write(index) => {
                let (id, result) = answer_entry(shared, scope, &entries[index]).await;
                out.push(id, result);
            }
        }
    }
    out.finish()
}

fn pieces(shared: &Shared, entries: &[Entry<'_>]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let method = entry.as_ref().map_or("", |request| request.method.as_ref());
        let writes = shared
            .methods
            .find(method)
            .is_some_and(|method| method.writes);
        match pieces.last_mut() {
            Some(Piece::Sends(range)) if method == SEND_RAW => range.end = index + 1,
            Some(Piece::Reads(range)) if !writes => range.end = index + 1,
            _ if method == SEND_RAW => pieces.push(Piece::Sends(index..index + 1)),
            _ if writes => pieces.push(Piece::Write(index)),
            _ => pieces.push(Piece::Reads(index..index + 1)),
        }
    }
    pieces
}

async fn answer_entry<'a>(
    shared: &Arc<Shared>,
    scope: &Arc<Scope>,
    entry: &Entry<'a>,
) -> (Option<&'a str>, RpcResult<Written>) {
    match entry {
        Ok(request) => (request.id, call(shared, scope, request).await),
        Err(malformed) => (Some(malformed.id), Err(malformed.error.clone())),
    }
}

/// Answers of a batch as they come, within the size limit.
struct Answers {
    out: Vec<u8>,
    bytes_max: usize,
}

impl Answers {
    fn new(bytes_max: usize) -> Self {
        Self {
            out: Vec::new(),
            bytes_max,
        }
    }

    fn push(&mut self, id: Option<&str>, mut result: RpcResult<Written>) {
        let Some(id) = id else { return };
        let result_bytes = result.as_ref().map_or(0, Vec::len);
        if self.out.len() + result_bytes > self.bytes_max {
            result = Err(RpcError::response_too_large(self.bytes_max));
        }
        self.out.push(if self.out.is_empty() { b'[' } else { b',' });
        write_answer(&mut self.out, id, &result);
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        if self.out.is_empty() {
            return None;
        }
        self.out.push(b']');
        Some(self.out)
    }
}

/// Runs one call to its end, within its time.
async fn call(
    shared: &Arc<Shared>,
    scope: &Arc<Scope>,
    request: &Request<'_>,
) -> RpcResult<Written> {
    let started_at = Instant::now();
    let Some(method) = shared.methods.find(&request.method) else {
        metrics::unknown_method();
        return Err(RpcError::method_not_found(&request.method));
    };
    let cx = RpcContext::new(shared.clone(), scope.clone());
    let _awaited = cx.awaited();
    let result = match start(method, &cx, request.params) {
        Err(error) | Ok(Started::Done(Err(error))) => Err(error),
        Ok(Started::Done(Ok(written))) => Ok(written),
        Ok(Started::Blocking(job)) => {
            let lane = match method.heavy {
                true => Lane::Heavy {
                    owner: scope.owner(),
                },
                false => Lane::Light,
            };
            in_time(&cx, shared.pool.run(lane, job)).await
        }
        Ok(Started::Later(later)) => {
            let later = AssertUnwindSafe(later).catch_unwind();
            let later = async {
                later
                    .await
                    .unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
            };
            in_time(&cx, later).await
        }
    };
    metrics::call(method.name, started_at.elapsed(), result.as_ref().err());
    result
}

fn start(
    method: &crate::methods::Method,
    cx: &RpcContext,
    params: Option<&RawValue>,
) -> RpcResult<Started> {
    let args = split_params(params)?;
    catch_unwind(AssertUnwindSafe(|| method.start(cx, &args)))
        .unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

async fn in_time(
    cx: &RpcContext,
    work: impl Future<Output = RpcResult<Written>>,
) -> RpcResult<Written> {
    tokio::time::timeout_at(cx.deadline().into(), work)
        .await
        .unwrap_or_else(|_| Err(RpcError::timed_out(cx.limits().call_time_max.as_millis())))
}

/// The fast path: one job for a run of raw transactions.
async fn send_many(
    shared: &Arc<Shared>,
    scope: &Arc<Scope>,
    requests: &[&Request<'_>],
) -> Vec<RpcResult<Written>> {
    let started_at = Instant::now();
    let cx = RpcContext::new(shared.clone(), scope.clone());
    let raw: Vec<RpcResult<Vec<u8>>> = requests
        .iter()
        .map(|request| send::raw_argument(request.params))
        .collect();
    let job_cx = cx.clone();
    let job = move || Ok(send::submit_raw_many(&job_cx, raw));
    let deadline = cx.deadline().into();
    let answer = tokio::time::timeout_at(deadline, shared.pool.run(Lane::Light, job))
        .await
        .unwrap_or_else(|_| Err(RpcError::timed_out(cx.limits().call_time_max.as_millis())));
    let results: Vec<RpcResult<Written>> = match answer {
        Ok(hashes) => hashes
            .into_iter()
            .map(|hash| hash.and_then(|hash| cx.write(&hash)))
            .collect(),
        Err(error) => requests.iter().map(|_| Err(error.clone())).collect(),
    };
    metrics::calls(SEND_RAW, started_at.elapsed(), &results);
    results
}

/// A panic is our bug: the caller is told so, the log gets the text, everybody else is served.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> RpcError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    metrics::panic();
    tracing::error!(panic = text, "a method panicked");
    RpcError::internal("the method failed inside the node; its log says more (please report)")
}
