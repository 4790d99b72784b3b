//! `cargo xtask gen`: files that are made from the sources of the contracts.
//!
//! That none of them is stale is a test of the contracts (`generated_files_are_fresh`).

use eyre::Result;

use crate::shell;

/// Writes the files.
pub(crate) fn run() -> Result<()> {
    let example = "generate";
    // As a part of the workspace, so that dependencies are compiled with the features that everything else has.
    shell::run(shell::cargo().args(["build", "--quiet", "--workspace", "--example", example]))?;
    let program = shell::target_dir()?.join("debug/examples").join(example);
    shell::run(shell::program(program).arg(shell::root()))
}
