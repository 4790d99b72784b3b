//! `cargo xtask gen`: files that are made from the sources of the contracts.

use std::{fs, path::Path};

use eyre::{Result, WrapErr, ensure};

/// Writes the files, or with `check` compares them.
pub(crate) fn run(check: bool) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut stale = Vec::new();
    for file in capstan_contracts::generated::files() {
        let path = root.join(&file.path);
        if fs::read_to_string(&path).ok().as_ref() == Some(&file.text) {
            continue;
        }
        if !check {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, &file.text).wrap_err_with(|| format!("cannot write {}", file.path))?;
            println!("wrote {}", file.path);
        }
        stale.push(file.path);
    }
    ensure!(
        !check || stale.is_empty(),
        "run `cargo xtask gen`; stale: {}",
        stale.join(", ")
    );
    Ok(())
}
