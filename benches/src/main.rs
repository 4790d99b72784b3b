//! Speed, measured beside the peer and beside the limit, in one run.
//!
//! Machines are noisy, so every figure here is a ratio of two things measured minutes apart at most, or
//! a median of many. `cargo xtask bench` builds what is needed and runs all of it.

mod report;
mod throughput;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Capstan's benches: each prints one table")]
struct Args {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Pre-signed transactions over HTTP until their receipts are fetched, against anvil.
    Throughput(throughput::Options),
}

fn main() -> eyre::Result<()> {
    match Args::parse().bench {
        Bench::Throughput(options) => throughput::run(&options),
    }
}

/// Where `cargo xtask` leaves what a bench needs but does not build itself.
fn client_tests_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testing/clients")
}
