//! Why a model cannot be used, one variant per fact.

use std::io;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The disk failed.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Other first bytes.
    #[error("this is no GGUF file: it does not begin with GGUF")]
    NotGguf,
    /// A version that is not known.
    #[error("GGUF version {0} is not known: versions 2 and 3 are")]
    Version(u32),
    /// The file ends inside its head.
    #[error("the file ends at byte {0}, inside its head: it was cut; get it again")]
    Ends(u64),
    /// A count beyond the file's length.
    #[error("byte {at} counts {count} things, more than the rest of the file can hold")]
    Count {
        /// Where it stands.
        at: u64,
        /// What it says.
        count: u64,
    },
    /// No UTF-8.
    #[error("byte {0} begins text that is no UTF-8")]
    NotText(u64),
    /// One name for two things.
    #[error("`{0}` stands there twice")]
    Twice(String),
    /// A fact that is missing.
    #[error("the file does not say `{0}`")]
    Missing(String),
    /// A fact of another kind, or outside its range.
    #[error("`{0}` has no value that makes sense")]
    Wrong(String),
    /// A tensor beyond the end.
    #[error("tensor `{0}` passes the end of the file: it was cut; get it again")]
    Cut(String),
    /// A tensor that overlaps another, or is not aligned.
    #[error("tensor `{0}` lies where it cannot")]
    Misplaced(String),
    /// A tensor of another form.
    #[error("tensor `{name}` cannot have sizes {dims:?}")]
    Shape {
        /// Its name.
        name: String,
        /// What stands there.
        dims: Vec<u64>,
    },
    /// A tensor of an unknown kind.
    #[error("tensor `{name}` is of kind {id}, which is not known")]
    Kind {
        /// Its name.
        name: String,
        /// What stands there.
        id: u32,
    },
    /// A weight or scale that is no number.
    #[error("tensor `{0}` holds a weight that is not a finite number")]
    NotFinite(String),
    /// Another architecture.
    #[error("models of architecture `{0}` do not run here: `llama` does")]
    Architecture(String),
    /// Something that the model needs and the engine has not.
    #[error("the model needs {0}, which does not run here")]
    Unsupported(String),
    /// Two facts that do not fit.
    #[error("{what}: {left} does not fit {right}")]
    Unfit {
        /// Which facts.
        what: &'static str,
        /// One.
        left: u64,
        /// The other.
        right: u64,
    },
    /// More than this machine can address.
    #[error("{0} bytes are more than this machine can hold")]
    TooLarge(u64),
    /// The tokenizer's tables do not make one.
    #[error("the file's tokenizer cannot be built: {0}")]
    Tokenizer(String),
    /// The chat template is no template.
    #[error("the file's chat template cannot be read: {0}")]
    Template(String),
    /// No threads.
    #[error("the engine's threads cannot be started: {0}")]
    Threads(String),
    /// A model could not be fetched.
    #[error("{0}")]
    Fetch(String),
}

impl ModelError {
    pub(crate) fn wrong(key: &str) -> Self {
        Self::Wrong(key.to_owned())
    }

    pub(crate) fn missing(key: &str) -> Self {
        Self::Missing(key.to_owned())
    }
}
