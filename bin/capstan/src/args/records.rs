//! Words of the commands about blocks of another node, and about what blocks say of their own execution.

use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf};

use clap::{Args, Subcommand};

use super::{AskOptions, History, ListenOptions};

#[derive(Debug, Args)]
pub(crate) struct FollowOptions {
    #[command(flatten)]
    pub(crate) listen: ListenOptions,
    /// The node whose blocks are taken
    #[arg(long, value_name = "URL")]
    pub(crate) rpc: String,
    /// Where the chain is kept: an empty folder, or one with a snapshot (`capstan db restore`, `capstan import`)
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The chain; without it and in an empty folder, the one that the other node names
    #[arg(long, value_name = "FILE")]
    pub(crate) genesis: Option<PathBuf>,
    /// Blocks whose state stays readable, or `all`
    #[arg(long, value_name = "BLOCKS", default_value_t = History::Blocks(capstan_chain::DEFAULT_HISTORY_BLOCKS))]
    pub(crate) history: History,
    /// Let workers of this machine help to verify, at this address (`capstan verify-worker`)
    #[arg(long, value_name = "ADDRESS", requires = "verify_token")]
    pub(crate) verify_listen: Option<SocketAddr>,
    /// File with the token that workers must know; made, for its owner alone, if there is none
    #[arg(long, value_name = "FILE", requires = "verify_listen")]
    pub(crate) verify_token: Option<PathBuf>,
    /// Verify from the access list what uses at least so much gas; smaller blocks run in sequence
    #[arg(long, value_name = "GAS", default_value_t = 2_000_000)]
    pub(crate) verify_from_gas: u64,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyWorkerOptions {
    /// Where the node listens (its --verify-listen)
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) connect: SocketAddr,
    /// File with the node's token (its --verify-token), which only its owner may read
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: PathBuf,
    /// Transactions at once
    #[arg(long, value_name = "COUNT", default_value = "1")]
    pub(crate) threads: NonZeroUsize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BlocksCommand {
    /// Where a range of blocks waited, how parallel it was, and what more cores would gain
    Analyse(AnalyseOptions),
}

#[derive(Debug, Args)]
pub(crate) struct AnalyseOptions {
    #[command(flatten)]
    pub(crate) ask: AskOptions,
    /// First block: a number, or `latest`
    #[arg(long, value_name = "BLOCK")]
    pub(crate) from: String,
    /// Last block; without it, the first one alone
    #[arg(long, value_name = "BLOCK")]
    pub(crate) to: Option<String>,
    /// Draw the block with the most gas as lanes of parallel work, to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// The same in a page, with the table below
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}
