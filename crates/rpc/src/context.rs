//! What a method sees: the chain, the settings, the keys, and the call it answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use capstan_chain::Chain;
use parking_lot::Mutex;
use serde::Serialize;

use crate::{
    config::{Limits, RpcConfig},
    credit::KeptRisk,
    error::{RpcError, RpcResult},
    explorer::KeptRecords,
    filters::Filters,
    health::Pulse,
    keys::DevKeys,
    methods::{Methods, Written},
    subscriptions::{Backlog, Connection, Hub, SubscriptionId},
    work::WorkPool,
};

/// What all calls share.
pub(crate) struct Shared {
    pub(crate) chain: Chain,
    pub(crate) config: RpcConfig,
    pub(crate) keys: DevKeys,
    pub(crate) methods: Methods,
    pub(crate) pool: WorkPool,
    /// Threads that recover the senders of batches, one for each core.
    pub(crate) recovery: rayon::ThreadPool,
    pub(crate) filters: Filters,
    pub(crate) hub: Hub,
    /// What waits for WebSocket clients.
    pub(crate) backlog: Arc<Backlog>,
    /// Held from choosing a nonce for an unlocked account to submitting with it.
    pub(crate) sending: Mutex<()>,
    pub(crate) started: Instant,
    /// When the chain last moved.
    pub(crate) pulse: Pulse,
    /// The newest look at all debtors.
    pub(crate) risk: Mutex<Option<KeptRisk>>,
    /// Records of blocks that were asked for.
    pub(crate) records: KeptRecords,
}

/// What the calls of one body or message share.
pub(crate) struct Scope {
    /// The WebSocket connection that it came by, if it did.
    pub(crate) connection: Option<Arc<Connection>>,
    /// When the time for all of it is over, so that a batch is no multiplier of time either.
    deadline: Instant,
    /// Bytes that the answers may still use together, so that a batch is no multiplier.
    bytes_left: AtomicUsize,
    /// Subscriptions made by it: they start once the answer that names them is on its way.
    pub(crate) subscribed: Mutex<Vec<SubscriptionId>>,
}

impl Scope {
    pub(crate) fn new(limits: &Limits, connection: Option<Arc<Connection>>) -> Self {
        Self {
            connection,
            deadline: Instant::now() + limits.call_time_max,
            bytes_left: AtomicUsize::new(limits.response_bytes_max),
            subscribed: Mutex::default(),
        }
    }

    /// A number of whoever asks: of his connection where there is one, else of this body.
    pub(crate) fn owner(&self) -> usize {
        match &self.connection {
            Some(connection) => Arc::as_ptr(connection).addr(),
            None => std::ptr::from_ref(self).addr(),
        }
    }

    fn reserve(&self, bytes: usize) -> bool {
        let take = |left: usize| left.checked_sub(bytes);
        self.bytes_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }
}

/// What a method sees. Cheap to clone.
#[derive(Clone)]
pub struct RpcContext {
    pub(crate) shared: Arc<Shared>,
    pub(crate) scope: Arc<Scope>,
    deadline: Instant,
    /// Raised when nobody waits for the answer any more.
    abandoned: Arc<AtomicBool>,
}

/// Held while somebody waits for an answer. Dropping it ends what still runs for it.
pub(crate) struct Awaited(Arc<AtomicBool>);

impl Drop for Awaited {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl RpcContext {
    /// A context for one call.
    pub(crate) fn new(shared: Arc<Shared>, scope: Arc<Scope>) -> Self {
        let deadline = scope.deadline;
        Self {
            shared,
            scope,
            deadline,
            abandoned: Arc::default(),
        }
    }

    /// To be held by whoever waits for the answer.
    pub(crate) fn awaited(&self) -> Awaited {
        Awaited(self.abandoned.clone())
    }

    /// Raised when nobody waits any more: its time is over, or the client left.
    pub(crate) fn abandoned(&self) -> Arc<AtomicBool> {
        self.abandoned.clone()
    }

    /// The chain.
    pub fn chain(&self) -> &Chain {
        &self.shared.chain
    }

    /// The settings.
    pub fn config(&self) -> &RpcConfig {
        &self.shared.config
    }

    /// Bounds on this call.
    pub fn limits(&self) -> &Limits {
        &self.shared.config.limits
    }

    /// Unlocked accounts; empty on a real node.
    pub fn keys(&self) -> &DevKeys {
        &self.shared.keys
    }

    /// Installed filters.
    pub(crate) fn filters(&self) -> &Filters {
        &self.shared.filters
    }

    /// When the caller is told that it takes too long. Long loops look at it.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// An error if the time for this call is over, or nobody waits for it: long loops ask this between steps.
    pub fn check_deadline(&self) -> RpcResult<()> {
        if Instant::now() < self.deadline && !self.abandoned.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(RpcError::timed_out(self.limits().call_time_max.as_millis()))
    }

    /// Writes an answer as JSON, once, and stops at the size limit.
    pub(crate) fn write(&self, answer: &impl Serialize) -> RpcResult<Written> {
        let mut writer = Bounded {
            bytes: Vec::new(),
            bytes_max: FREE_BYTES,
            scope: &self.scope,
        };
        match serde_json::to_writer(&mut writer, answer) {
            Ok(()) => Ok(writer.bytes),
            Err(reason) if reason.is_io() => Err(RpcError::response_too_large(
                self.limits().response_bytes_max,
            )),
            Err(reason) => Err(RpcError::internal(format!(
                "cannot write the answer: {reason}"
            ))),
        }
    }
}

/// A short answer reserves nothing; their number is bounded by the entries of a batch.
const FREE_BYTES: usize = 1 << 10;
/// Longer ones reserve at least so much at a time.
const STEP_BYTES: usize = 64 << 10;

/// A writer that reserves from its scope what it grows by, and stops when nothing is left.
struct Bounded<'a> {
    bytes: Vec<u8>,
    bytes_max: usize,
    scope: &'a Scope,
}

impl std::io::Write for Bounded<'_> {
    fn write(&mut self, chunk: &[u8]) -> std::io::Result<usize> {
        let missing = (self.bytes.len() + chunk.len()).saturating_sub(self.bytes_max);
        if missing > 0 {
            // Near the limit a whole step may be too much where the missing bytes still fit.
            let steps = [missing.max(STEP_BYTES), missing];
            let Some(step) = steps.into_iter().find(|step| self.scope.reserve(*step)) else {
                return Err(std::io::Error::other("response too large"));
            };
            self.bytes_max += step;
        }
        self.bytes.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
