//! Why an engine refuses a request.

use crate::model::ModelError;

/// Why an engine refuses a request.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nothing to answer.
    #[error("the prompt is empty")]
    Empty,
    /// More than fits.
    #[error(
        "the prompt has {tokens} tokens; the model takes {context}, and an answer needs at least one of them"
    )]
    TooLong {
        /// Of the prompt, or at least so many.
        tokens: usize,
        /// Of the model.
        context: usize,
    },
    /// A token that is none.
    #[error("token {token} does not exist: the model has {vocabulary}")]
    Token {
        /// What was given.
        token: u32,
        /// How many there are.
        vocabulary: usize,
    },
    /// A setting outside its range.
    #[error("{0} must be {1}")]
    Setting(&'static str, &'static str),
    /// The model's own words failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}
