//! What a provider keeps beside a receipt, so that its answer can be computed again.

use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::engine::Finish;

/// One answer of a request: its tokens, how it ended, and the proof of its states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Tokens, the end token too.
    pub tokens: Vec<u32>,
    /// Why it ended.
    pub finish: Finish,
    /// A [`super::Proof`], encoded.
    pub proof: Bytes,
}

/// What an engine did for a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Tokens that each answer could have: the client's wish, or less where the key could not pay more.
    pub max_tokens: u64,
    /// What draws hang on where the client named no seed.
    pub drawn: B256,
    /// Which kernels multiplied.
    pub kernels: String,
    /// The answers by index; none for embeddings.
    pub choices: Vec<Chosen>,
}

/// Everything that a verifier needs besides the receipt and the model's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The client's request, canonical: the receipt has the hash of this very text.
    pub request: String,
    /// What was done.
    pub work: Work,
}

impl Evidence {
    /// By which a receipt names it. Nothing in it is a fraction, so it has one text.
    pub fn hash(&self) -> B256 {
        crate::receipt::hash(&self.json())
    }

    fn json(&self) -> Value {
        json!(self)
    }
}
