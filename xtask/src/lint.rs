//! `cargo xtask lint`: what can be said about the code without running it.
//!
//! Import edges between rooms are a test (`testing/tests/it/architecture.rs`), so `cargo xtask test` runs them.

use std::time::Instant;

use clap::Args;
use eyre::Result;

use crate::{generate, licences, shell, tidy};

/// How to lint.
#[derive(Args)]
pub(crate) struct Options {
    /// Repair what can be repaired: format, generated files
    #[arg(long)]
    fix: bool,
}

/// Runs every check; the first that fails ends it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let start = Instant::now();
    if options.fix {
        shell::run(shell::cargo().args(["fmt", "--all"]))?;
        generate::run(false)?;
    }
    step("tidy", tidy::run)?;
    step("format", || {
        shell::run(shell::cargo().args(["fmt", "--all", "--check"]))
    })?;
    step("licences", licences::run)?;
    step("clippy", || {
        shell::run(shell::cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    step("generated files", || generate::run(true))?;
    println!(
        "lint: {:.1} minutes of the 25 that it shares with the build",
        start.elapsed().as_secs_f64() / 60.0
    );
    Ok(())
}

fn step(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    check()
}
