//! Model servers: what the gateway asks of one, and what may go wrong there. specs/gateway.md.
//!
//! A server over HTTP is [`Http`]; an engine in this process implements [`Upstream`] itself, with [`chunk`] to make parts and
//! [`gather`] to make a whole answer of them.

mod answer;
mod fault;
pub(crate) mod http;
mod pool;
mod sse;

use std::sync::Arc;

use alloy_primitives::B256;
use futures::{future::BoxFuture, stream::BoxStream};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{audit::Work, money::Dollars, receipt::Signed};

pub use answer::{Answer, Claim, chunk, gather};
pub(crate) use answer::{says_once, usage};
pub(crate) use fault::DEARER;
pub use fault::Fault;
pub use http::{Http, HttpSettings};
pub use pool::{MemberView, NoPlace, Place, Pool, PoolSettings};
pub use sse::{Sse, SseError};

/// A JSON object.
pub type Object = Map<String, Value>;
/// Parts of an answer, each an object of OpenAI's form. It ends after the last part of a whole answer, and with a [`Fault`]
/// otherwise.
pub type Chunks = BoxStream<'static, Result<Object, Fault>>;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `/chat/completions`
    Chat,
    /// `/completions`
    Completion,
    /// `/embeddings`
    Embedding,
}

impl Kind {
    /// Where servers answer it, below `/v1`.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Chat => "chat/completions",
            Self::Completion => "completions",
            Self::Embedding => "embeddings",
        }
    }

    /// Its word in notes and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completion => "completion",
            Self::Embedding => "embedding",
        }
    }
}

/// A request as it goes to a server: what the client said, with the bounds that the gateway set.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Which question.
    pub kind: Kind,
    /// Of which model.
    pub model: String,
    /// The whole object.
    pub body: Object,
    /// For an engine of this process, which shows its work.
    pub aside: Aside,
    /// How much it may read, write and cost.
    pub bounds: AskBounds,
}

/// How much a request may read, write and cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskBounds {
    /// Tokens read, at most.
    pub input_tokens_max: u64,
    /// Tokens written, of all answers, at most.
    pub output_tokens_max: u64,
    /// How many answers.
    pub n: u64,
    /// What it may cost.
    pub most: Dollars,
}

/// What a machine of the network was paid for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// In dollars.
    pub cost: Dollars,
    /// The machine's receipt, which was checked and signed for; none where it was not believed, and nothing was paid.
    pub receipt: Option<Signed>,
}

/// Where an engine of this process leaves what its receipt shall commit to. It does not travel with the answer.
#[derive(Clone, Debug, Default)]
pub struct Aside(Arc<Mutex<Left>>);

#[derive(Debug, Default)]
struct Left {
    work: Option<Work>,
    bill: Option<Bill>,
}

impl Aside {
    /// Leaves what was paid for the answer.
    pub fn leave_bill(&self, bill: Bill) {
        self.0.lock().bill = Some(bill);
    }

    /// Takes what was paid for it.
    pub fn take_bill(&self) -> Option<Bill> {
        self.0.lock().bill.take()
    }

    /// Leaves it; what another attempt left is gone.
    pub fn leave(&self, work: Work) {
        self.0.lock().work = Some(work);
    }

    /// Takes what was left.
    pub fn take(&self) -> Option<Work> {
        self.0.lock().work.take()
    }
}

/// A model that a server has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub id: String,
    /// Hash of its weights, where they are known.
    pub program: Option<B256>,
    /// How its weights are stored, where that is known.
    pub quantisation: Option<String>,
}

/// A model server. Dropping a future or stream of it lets go of the work.
pub trait Upstream: Send + Sync + std::fmt::Debug + 'static {
    /// What its owner calls it; it stands in receipts.
    fn name(&self) -> &str;

    /// Answers that it makes at a time, if it knows; else the pool's setting counts.
    fn parallel(&self) -> Option<usize> {
        None
    }

    /// In which order servers are asked: the least first, and those of one rank in the order in which they came. One's own
    /// servers have none; what must be paid for has its price.
    fn rank(&self) -> u128 {
        0
    }

    /// Whether somebody else runs it, so that it is asked for nothing that it did not list.
    fn is_stranger(&self) -> bool {
        false
    }

    /// Whether it works on this host, so that its energy is this host's.
    fn is_here(&self) -> bool {
        false
    }

    /// Whether it is asked no more: it left, or was left.
    fn is_gone(&self) -> bool {
        false
    }

    /// The models that it has now.
    fn models(&self) -> BoxFuture<'_, Result<Vec<Model>, Fault>>;

    /// An answer in parts.
    fn stream(&self, ask: &Ask) -> BoxFuture<'static, Result<Chunks, Fault>>;

    /// A whole answer.
    fn whole(&self, ask: &Ask) -> BoxFuture<'static, Result<Object, Fault>>;
}

#[cfg(test)]
mod tests;
