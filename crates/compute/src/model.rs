//! Model files: what one says, its tokens and its words, and the shelf on which models lie.
//!
//! How: `gguf` reads a file's head and believes nothing; `config` holds sizes against each other; `tokenizer` and `template`
//! are made of facts of the same file, and together are its `reader`; `shelf` is a folder. Invariants: specs/engine.md, ENG-5, 9, 10.

mod config;
mod error;
pub mod gguf;
mod reader;
mod shelf;
mod template;
mod tokenizer;

#[cfg(test)]
mod tests;

pub use config::Config;
pub use error::ModelError;
pub use reader::Reader;
pub use shelf::{Known, Shelf, Shelved, hash_file};
pub use template::Message;
pub(crate) use template::Template;
pub use tokenizer::Tokenizer;
pub(crate) use tokenizer::letter;
