//! Measures, side by side with the peers: every bench prints one table.

use eyre::{Result, WrapErr};

use crate::{clients, dev, shell};

/// Runs one bench (`throughput`, `frame`; flags go to it), or all of them.
pub(crate) fn run(flags: &[String]) -> Result<()> {
    let node = clients::install().wrap_err("the peers come from npm")?;
    shell::run(
        shell::program(node)
            .args([
                "--input-type=module",
                "-e",
                "(await import('./compile.mjs')).compile()",
            ])
            .current_dir(clients::folder()),
    )?;
    let capstan = dev::build_all()?;
    let bench = shell::target_dir()?.join("debug/capstan-bench");
    if !flags.is_empty() {
        return shell::run(shell::program(bench).args(flags));
    }
    println!("\n## A token transfer, native and in bytecode\n");
    shell::run(shell::program(&bench).arg("frame"))?;
    println!("\n## Transactions over HTTP until their receipts are fetched\n");
    let anvil = clients::folder().join("node_modules/.bin/anvil");
    shell::run(
        shell::program(&bench)
            .arg("throughput")
            .arg("--capstan")
            .arg(capstan)
            .arg("--anvil")
            .arg(anvil),
    )
}
