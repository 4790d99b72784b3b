//! Measures, side by side with the peers: every bench prints one table.

use std::{path::Path, process::Command};

use eyre::{Result, WrapErr};

use crate::{clients, compute, dev, shell};

/// Benches that need no peer from npm.
const ALONE: [&str; 6] = ["accounts", "block", "growth", "parallel", "per", "pool"];

/// Runs one bench (`engine`, `gateway`, `audit`, `words`, `throughput`, `frame`, `credit`, `exchange`, `accounts`, `block`, `growth`, `parallel`, `per`, `pool`; flags go to it), or all of them.
pub(crate) fn run(flags: &[String]) -> Result<()> {
    match flags.split_first() {
        Some((first, rest)) if first == "engine" => return compute::bench(rest),
        Some((first, _)) if first == "gateway" => return compute::bench_gateway(),
        Some((first, rest)) if first == "audit" => return compute::bench_audit(rest),
        Some((first, rest)) if first == "words" => return compute::bench_words(rest),
        _ => {}
    }
    if flags
        .first()
        .is_some_and(|name| ALONE.contains(&name.as_str()))
    {
        dev::build_benches()?;
        shell::run(shell::program(bench()?).args(flags))?;
        // Everything that specs/parallel.md and specs/per.md promise, in one go.
        if flags == ["per"] {
            println!("\n## Blocks on several threads\n");
            shell::run(shell::program(bench()?).arg("parallel"))?;
        }
        return Ok(());
    }
    let node = clients::install().wrap_err("the peers come from npm")?;
    shell::run(
        shell::program(&node)
            .args([
                "--input-type=module",
                "-e",
                "(await import('./compile.mjs')).compile()",
            ])
            .current_dir(clients::folder()),
    )?;
    clients::compile_peer(&node, "credit", "pool.mjs")?;
    clients::compile_peer(&node, "exchange", "rooms.mjs")?;
    let capstan = dev::build_benches()?;
    let bench = bench()?;
    match flags.split_first() {
        Some((first, rest)) if first == "throughput" => {
            return shell::run(&mut throughput(&bench, &capstan, rest));
        }
        Some(_) => return shell::run(shell::program(bench).args(flags)),
        None => {}
    }
    println!("\n## A token transfer, native and in bytecode\n");
    shell::run(shell::program(&bench).arg("frame"))?;
    println!("\n## Lending and flash loans, native and in bytecode\n");
    shell::run(shell::program(&bench).arg("credit"))?;
    println!("\n## Swaps, native and in bytecode\n");
    shell::run(shell::program(&bench).arg("exchange"))?;
    println!("\n## A block over growing storage, and the state root beside another trie\n");
    shell::run(shell::program(&bench).arg("block"))?;
    println!("\n## A block from its access list\n");
    shell::run(shell::program(&bench).arg("per"))?;
    println!("\n## Blocks over ever more accounts\n");
    shell::run(shell::program(&bench).arg("accounts"))?;
    println!("\n## Blocks on several threads\n");
    shell::run(shell::program(&bench).arg("parallel"))?;
    println!("\n## What a node writes\n");
    shell::run(shell::program(&bench).arg("growth"))?;
    println!("\n## Admission to the pool\n");
    shell::run(shell::program(&bench).arg("pool"))?;
    println!("\n## Transactions over HTTP until their receipts are fetched\n");
    shell::run(&mut throughput(&bench, &capstan, &[]))
}

/// The throughput bench knows where the nodes are.
fn throughput(bench: &Path, capstan: &Path, flags: &[String]) -> Command {
    // The program itself, not npm's wrapper: its CPU is measured, and it must end when it is told to.
    let arch = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    };
    let anvil = format!("node_modules/@foundry-rs/anvil-linux-{arch}/bin/anvil");
    let mut command = shell::program(bench);
    command
        .arg("throughput")
        .arg("--capstan")
        .arg(capstan)
        .arg("--anvil")
        .arg(clients::folder().join(anvil))
        .args(flags);
    command
}

fn bench() -> Result<std::path::PathBuf> {
    Ok(shell::target_dir()?.join("debug/capstan-bench"))
}
