//! Speed, measured beside the peer and beside the limit, in one run.
//!
//! Machines are noisy, so every figure here is a ratio of two things measured minutes apart at most, or
//! a median of many. `cargo xtask bench` builds what is needed and runs all of it.

mod accounts;
mod block;
mod ceiling;
mod credit;
mod exchange;
mod frame;
mod growth;
mod parallel;
mod per;
mod pool;
mod report;
mod throughput;
mod trie;
mod world;

use std::{fs, path::Path};

use alloy_primitives::{Bytes, U256, hex};
use clap::{Parser, Subcommand};
use eyre::{Context, OptionExt};

/// As the node's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// A block of 10,000 changed slots over ever larger storage: execution, root, log and flush; and the state root
    /// beside another implementation.
    Block(block::Options),
    /// A block over ever more open accounts, a fall that makes some unhealthy, and the index of guards.
    Accounts(accounts::Options),
    /// How much a node writes a day, empty and under load, with the default window of history.
    Growth(growth::Options),
    /// Admission to the pool, by how much waits in it.
    Pool(pool::Options),
    /// A native token transfer against the same ERC-20 in bytecode: inside one call frame, and whole.
    Frame(frame::Options),
    /// Supply, borrow, repay, withdraw, flash loan and liquidation against Aave v3 in bytecode: inside one call frame, and
    /// whole.
    Credit(credit::Options),
    /// Swaps against Uniswap v2 and v3 in bytecode: inside one call frame, and whole; and how many a core does.
    Exchange(exchange::Options),
    /// Verifying a block from its access list beside running it in sequence, and the size of its record.
    Per(per::Options),
    /// Blocks on several threads beside the plain loop and beside what the machine gives.
    Parallel(parallel::Options),
}

fn main() -> eyre::Result<()> {
    match Args::parse().bench {
        Bench::Throughput(options) => throughput::run(&options),
        Bench::Block(options) => block::run(&options),
        Bench::Accounts(options) => accounts::run(&options),
        Bench::Growth(options) => growth::run(&options),
        Bench::Pool(options) => pool::run(&options),
        Bench::Frame(options) => frame::run(&options),
        Bench::Credit(options) => credit::run(&options),
        Bench::Exchange(options) => exchange::run(&options),
        Bench::Per(options) => per::run(&options),
        Bench::Parallel(options) => parallel::run(&options),
    }
}

/// Creation code of OpenZeppelin's ERC20Permit, compiled from the client tests' sources, whose constructor
/// mints 10^24 units to the deployer.
fn erc20_init_code() -> eyre::Result<Bytes> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testing/clients/build/artifacts.json");
    let text = fs::read(&path).wrap_err_with(|| {
        format!(
            "{} is missing: `cargo xtask bench` makes it",
            path.display()
        )
    })?;
    let artifacts: serde_json::Value = serde_json::from_slice(&text)?;
    let code = artifacts["TestToken"]["bytecode"]
        .as_str()
        .ok_or_eyre("no TestToken among the artifacts")?;
    let mut code: Vec<u8> = hex::decode(code)?;
    code.extend(U256::from(10).pow(U256::from(24)).to_be_bytes::<32>());
    Ok(code.into())
}
