//! The project's own commands: `cargo xtask dev | test | lint | gen | bench | dist | soak | readme`.
//!
//! Everything that a person or a machine does to this repository goes through here, so that both do the same.
//! Each command says what it lacks, by name, and how to get it.

mod bench;
mod budget;
mod clients;
mod compute;
mod dev;
mod dist;
mod generate;
mod licences;
mod lint;
mod page;
mod pages;
mod python;
mod readme;
mod shell;
mod soak;
mod statetests;
mod tally;
mod test;
mod tidy;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Build, run, check and ship Capstan",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build what is missing and start a development chain; flags go to `capstan dev`
    Dev {
        /// Flags of `capstan dev`, for example `--port 9000 --block-time instant`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
    /// Install what the tests need, run every test, print the minutes of each part
    Test(test::Options),
    /// Format, clippy, tidy, licences, links and words of pages
    Lint(lint::Options),
    /// Write what is made from the contracts: `abi/*.json`, Solidity interfaces, tables of specs, `docs/abi`
    Gen,
    /// Measure, side by side with the peers
    Bench {
        /// Flags of the bench
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
    /// Make what users take, in dist/: one stripped program and a .deb
    Dist(dist::Options),
    /// The same tests with new seeds, for as long as asked; counts add up in testing/soak.json
    Soak(soak::Options),
    /// Put real output into README.md, or with --check fail where it is not what the program says
    Readme {
        /// Only compare
        #[arg(long)]
        check: bool,
    },
}

fn main() {
    let result = match Cli::parse().command {
        Command::Dev { flags } => dev::run(&flags),
        Command::Test(options) => test::run(&options),
        Command::Lint(options) => lint::run(&options),
        Command::Gen => generate::run(),
        Command::Bench { flags } => bench::run(&flags),
        Command::Dist(options) => dist::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Readme { check } => readme::run(check),
    };
    if let Err(error) = result {
        eprintln!("error: {error:#}");
        std::process::exit(1);
    }
}
