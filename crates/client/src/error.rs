//! Why a node did not answer, or answered no.

use std::fmt;

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolError;
use serde::Deserialize;

use crate::AmountError;

/// What can go wrong between a client and a node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The node does not answer as a node does. Is it running, and is the address right?
    #[error(
        "the node at {url} does not answer: {why}; is it running there? `capstan dev` starts one, --rpc names another"
    )]
    Node {
        /// Its address.
        url: String,
        /// What happened.
        why: String,
    },
    /// Nothing is there, or something else.
    #[error("nothing at {at} answers {what}: is the address right, and on this chain?")]
    NothingThere {
        /// Where it was asked.
        at: Address,
        /// Signature of the view.
        what: &'static str,
    },
    /// There is no TLS in this program.
    #[error(
        "`{0}` is no address of a node here: write http://HOST:PORT (for https://, run a local proxy)"
    )]
    Url(String),
    /// The node refused.
    #[error("the node refused {method}: {message}")]
    Refused {
        /// What was asked.
        method: String,
        /// Its words.
        message: String,
        /// Revert bytes, if it was a revert.
        data: Option<Bytes>,
    },
    /// A contract refused.
    #[error("{0}")]
    Reverted(ErrorInWords),
    /// A transaction was mined and reverted.
    #[error("transaction {hash} failed in block {block}: {why}")]
    Failed {
        /// Which.
        hash: B256,
        /// Where.
        block: u64,
        /// Why, as far as it can be told.
        why: String,
    },
    /// A transaction did not get into a block in time. It may still.
    #[error("transaction {hash} was not mined within {seconds} s; it may still be")]
    NotMined {
        /// Which.
        hash: B256,
        /// How long was waited.
        seconds: u64,
    },
    /// No asset has this name.
    #[error("no asset is called `{name}`; there are: {known}")]
    UnknownAsset {
        /// What was asked.
        name: String,
        /// What there is.
        known: String,
    },
    /// More than one asset has this name.
    #[error("more than one asset is called `{name}`: name one of {which}")]
    AmbiguousAsset {
        /// What was asked.
        name: String,
        /// Numbers of the assets.
        which: String,
    },
    /// Not an amount.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The key does not sign.
    #[error("the key does not sign: {0}")]
    Key(String),
}

impl ClientError {
    /// Whether a contract refused with this error, before anything was sent.
    pub fn is<E: SolError>(&self) -> bool {
        let name = E::SIGNATURE.split('(').next().unwrap_or_default();
        matches!(self, Self::Reverted(error) if error.name == name)
    }

    /// Whether a contract refused, before anything was sent or afterwards.
    pub const fn is_of_contract(&self) -> bool {
        matches!(self, Self::Reverted(_) | Self::Failed { .. })
    }
}

/// A revert in words, as `capstan_decodeError` answers it.
#[derive(Clone, Debug, Deserialize)]
pub struct ErrorInWords {
    /// Its name, as `AccountUnhealthy`.
    pub name: String,
    /// Name and arguments.
    pub message: String,
    /// What happened, and what to do next.
    pub help: String,
}

impl fmt::Display for ErrorInWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.help.as_str() {
            "" => f.write_str(&self.message),
            help => write!(f, "{help} ({})", self.message),
        }
    }
}
