//! The page: `web/` built into `web/dist`, which `crates/page` puts into the program.
//!
//! Node.js does that. Without it everything else is built, and the program has a page that says how to get the real one.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
};

use eyre::{Result, WrapErr};

use crate::{clients, shell};

/// What the page is made of: its sources, and the ABIs that its types come from.
const INPUTS: [&str; 2] = ["web", "abi"];

/// Builds the page unless it is built from these very files, or says in one line what is missing.
pub(crate) fn build() -> Result<()> {
    if !folder().join("package.json").is_file() {
        return Ok(());
    }
    let inputs = fingerprint()?;
    let stamp = shell::target_dir()?.join("page-built-from");
    let is_there = folder().join("dist/index.html").is_file();
    if is_there && fs::read_to_string(&stamp).is_ok_and(|built| built == inputs) {
        return Ok(());
    }
    let bin = match clients::node_folder() {
        Ok(bin) => bin,
        Err(why) => {
            println!("the page is not built, the node works without it: {why}");
            return Ok(());
        }
    };
    println!("== the page");
    clients::npm_install(&folder(), Some(&bin))?;
    let path = clients::path_with(Some(&bin))?;
    let mut build = shell::program("npm");
    build.args(["run", "--silent", "build"]);
    shell::run(build.env("PATH", path).current_dir(folder()))?;
    fs::write(&stamp, inputs).wrap_err_with(|| format!("cannot write {}", stamp.display()))
}

pub(crate) fn folder() -> PathBuf {
    shell::root().join("web")
}

/// Changes when a file that the page is made of does.
fn fingerprint() -> Result<String> {
    let mut hasher = DefaultHasher::new();
    let mut files = shell::tracked_files()?;
    files.retain(|path| INPUTS.iter().any(|folder| path.starts_with(folder)));
    files.sort();
    for path in files {
        let bytes = fs::read(shell::root().join(&path))
            .wrap_err_with(|| format!("cannot read {}", path.display()))?;
        (path, bytes).hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}
