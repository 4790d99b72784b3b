//! What other programs show about this one: completions of a shell, pages of a manual.

use std::{fs, path::Path};

use clap_complete::Shell;
use eyre::{Result, WrapErr};

use crate::args;

/// Prints the script that completes this program's words.
pub(crate) fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "capstan", &mut script);
    print!(
        "{}",
        String::from_utf8(script).wrap_err("the script is no text")?
    );
    Ok(())
}

/// Writes a page for the program and one for each of its commands.
pub(crate) fn man(out: &Path) -> Result<()> {
    fs::create_dir_all(out).wrap_err_with(|| format!("cannot make {}", out.display()))?;
    clap_mangen::generate_to(args::command(), out)
        .wrap_err_with(|| format!("cannot write to {}", out.display()))
}
