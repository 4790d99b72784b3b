//! `cargo xtask lint`: what can be said about the code without running it.
//!
//! Import edges between rooms, and that generated files are fresh, are tests: `cargo xtask test` runs them.

use std::time::Instant;

use clap::Args;
use eyre::{Result, bail};

use crate::{budget, generate, licences, pages, shell, tidy};

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
        generate::run()?;
    }
    step("tidy", tidy::run)?;
    step("pages", pages::run)?;
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
    let spent = start.elapsed();
    println!("{}", budget::LINT.line(spent));
    if let Some(complaint) = budget::LINT.complain(spent) {
        bail!(complaint);
    }
    Ok(())
}

fn step(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    check()
}
