//! Writes what is made from the contracts below the folder that is named; `cargo xtask gen` runs it.
//!
//! It is a program of this crate and not a part of xtask, so that `cargo xtask` itself needs no contract, no
//! ABI and no Solidity parser, and starts within seconds on a fresh clone.

use std::{env, fs, io, path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    let Some(root) = env::args_os().nth(1) else {
        eprintln!("error: name the folder to write to: the root of the repository");
        return ExitCode::FAILURE;
    };
    match write(PathBuf::from(root)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the files that are stale, and names them.
fn write(root: PathBuf) -> io::Result<()> {
    for file in capstan_contracts::generated::files() {
        let path = root.join(&file.path);
        if fs::read_to_string(&path).is_ok_and(|text| text == file.text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, &file.text)?;
        println!("wrote {}", file.path);
    }
    Ok(())
}
