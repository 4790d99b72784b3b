//! `cargo xtask dev`: from a clone to a running chain.

use std::{os::unix::process::CommandExt, path::PathBuf, sync::OnceLock};

use eyre::{Result, WrapErr, bail};

use crate::{page, shell};

/// Builds the program if it is missing or stale and becomes it.
pub(crate) fn run(flags: &[String]) -> Result<()> {
    let binary = build()?;
    let error = shell::program(&binary).arg("dev").args(flags).exec();
    Err(error).wrap_err_with(|| format!("cannot start {}", binary.display()))
}

/// Builds `capstan` and says where it is.
pub(crate) fn build() -> Result<PathBuf> {
    build_with(&["--package", "capstan"])
}

/// Builds every test, and with them the program, and says where it is. What tests need turns on features of
/// dependencies that a plain build does not have; one build for both compiles the house once instead of twice.
/// Parts of a run that need it share it.
pub(crate) fn build_tested() -> Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(program) = BUILT.get() {
        return Ok(program.clone());
    }
    needs()?;
    page::build()?;
    shell::run(shell::cargo().args(["test", "--workspace", "--no-run"]))?;
    let program = shell::target_dir()?.join("debug/capstan");
    Ok(BUILT.get_or_init(|| program).clone())
}

/// Builds every program, for benches.
pub(crate) fn build_all() -> Result<PathBuf> {
    build_with(&["--workspace"])
}

/// Builds the same, and the trie that ours is measured beside, which no other build needs.
pub(crate) fn build_benches() -> Result<PathBuf> {
    let capstan = build_all()?;
    let peer = ["build", "--manifest-path", "benches/trie-peer/Cargo.toml"];
    let target = shell::target_dir()?;
    shell::run(shell::cargo().args(peer).arg("--target-dir").arg(target))?;
    Ok(capstan)
}

fn build_with(what: &[&str]) -> Result<PathBuf> {
    needs()?;
    page::build()?;
    shell::run(shell::cargo().arg("build").args(what))?;
    Ok(shell::target_dir()?.join("debug/capstan"))
}

/// What building takes beside cargo, which runs us already.
fn needs() -> Result<()> {
    if !["cc", "gcc", "clang"].into_iter().any(shell::has) {
        bail!(
            "a C compiler is missing (signature recovery is written in C): install gcc or clang, then run this again"
        );
    }
    Ok(())
}
