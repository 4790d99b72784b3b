//! Why feeding cannot go on, in words that say what to do.

use std::path::PathBuf;

use capstan_client::ClientError;

/// What can go wrong between a price and a node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// A text is not a price.
    #[error("`{text}` is not a price: {why}")]
    Price {
        /// What was read.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A line of a recording is not what it must be.
    #[error("{path}, line {line}: {why}")]
    Line {
        /// File.
        path: PathBuf,
        /// Counted from one.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The settings are not what they must be.
    #[error("settings: {0}")]
    Settings(String),
    /// A source of prices failed.
    #[error("{from}: {why}")]
    Source {
        /// Address or command.
        from: String,
        /// What happened.
        why: String,
    },
    /// The node does not answer, or refuses.
    #[error(transparent)]
    Node(#[from] ClientError),
    /// The key does not sign.
    #[error("the key does not sign: {0}")]
    Key(String),
}
