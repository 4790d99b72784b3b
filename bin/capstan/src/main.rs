//! `capstan`: a development chain, a node, and the tools around them, in one program.
//!
//! This crate parses words, wires rooms together and talks to people; what a chain is and does lives below.

mod account;
mod accounts;
mod admin;
mod amounts;
mod args;
mod banner;
mod blocks;
mod cheat;
mod complaint;
mod compute;
mod consent;
mod crash;
mod data;
mod deed;
mod farm;
mod feed;
mod folder;
mod follow;
mod genesis;
mod help;
mod income;
mod jobs;
mod loan;
mod logs;
mod lp;
mod machine;
mod market;
mod model;
mod node;
mod pool;
mod port;
mod product;
mod progress;
mod statetest;
mod status;
mod stream;
mod swap;
mod table;
mod told;
mod trigger;
mod verify_worker;
mod wallet;
mod watch;
mod words;
mod world;

use std::process::ExitCode;

use clap::FromArgMatches as _;

use args::{Cli, Command};
use eyre::Result;

/// The package version, with the commit where git could say it.
pub(crate) const VERSION: &str = env!("CAPSTAN_VERSION");

/// The system's own makes threads wait for each other: what a lot of a block leaves is given back by whoever settles it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let words = args::command().try_get_matches();
    let cli = match words.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return complaint::about_words(&error),
    };
    logs::start(&cli.log);
    // Each connection is a file, and many systems begin with a thousand.
    capstan_listen::raise_open_files();
    let result = match cli.command {
        Command::Dev(options) => node::dev(&options),
        Command::Node(options) => node::node(&options),
        Command::Follow(options) => follow::run(&options),
        Command::VerifyWorker(options) => verify_worker::run(&options),
        Command::Blocks { command } => blocks::run(&command),
        Command::Genesis {
            command: args::GenesisCommand::Init(options),
        } => genesis::init(&options),
        Command::Statetest(options) => statetest::run(&options),
        Command::Replay(options) => folder::replay(&options),
        Command::Export(options) => folder::export(&options),
        Command::Import(options) => folder::import(&options),
        Command::Db { command } => folder::db(&command),
        Command::Feed(options) => feed::run(&options),
        Command::Market { command } => market::run(&command),
        Command::Account { command } => account::run(&command),
        Command::Pool { command } => pool::run(&command),
        Command::Swap(options) => swap::run(&options),
        Command::Lp { command } => lp::run(&command),
        Command::Trigger { command } => trigger::run(&command),
        Command::Farm { command } => farm::run(&command),
        Command::Loan { command } => loan::run(&command),
        Command::Stream { command } => stream::run(&command),
        Command::Product { command } => product::run(&command),
        Command::Admin { command } => admin::run(&command),
        Command::Watch(options) => watch::run(&options),
        Command::Wallet { command } => wallet::run(&command),
        Command::Model { command } => model::run(&command),
        Command::Gateway(options) => compute::gateway(&options),
        Command::Key { command } => compute::key(&command),
        Command::Receipt { command } => compute::receipt(&command),
        Command::Machine { command } => machine::run(&command),
        Command::Jobs { command } => jobs::run(&command),
        Command::Income { command } => income::run(&command),
        Command::Provide { command } => compute::provide(&command),
        Command::Audit { command } => compute::audit(&command),
        Command::Spend { command } => compute::spend(&command),
        Command::Completions { shell } => help::completions(shell),
        Command::Man { out } => help::man(&out),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complaint::about_command(&error),
    }
}

/// Runs what waits for answers, on this thread.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work)
}
