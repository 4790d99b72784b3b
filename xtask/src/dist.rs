//! `cargo xtask dist`: what users take, in dist/: the stripped program, a .deb, and their checksums.

mod answer;
mod archive;
mod deb;
mod notices;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use eyre::{Result, WrapErr, bail, eyre};

use crate::{page, shell};

/// What to pack, and where to.
#[derive(Args)]
pub(crate) struct Options {
    /// Pack this program instead of building one for release
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where to put the files
    #[arg(long, value_name = "DIR", default_value = "dist")]
    out: PathBuf,
}

/// Builds for release, and packs.
pub(crate) fn run(options: &Options) -> Result<()> {
    let built = match &options.binary {
        Some(binary) => binary.clone(),
        None => {
            page::build()?;
            shell::run(shell::cargo().args(["build", "--release", "--package", "capstan"]))?;
            shell::target_dir()?.join("release/capstan")
        }
    };
    // A path that is given counts from where the command was given; our own from the root.
    let out = std::path::absolute(&options.out).wrap_err("no folder to write to")?;
    let files = pack(&built, &out)?;
    for path in &files {
        println!("{} ({})", path.display(), size(path)?);
    }
    let Some(deb) = files
        .iter()
        .find(|path| path.extension() == Some("deb".as_ref()))
    else {
        bail!("no package was made");
    };
    let scratch = out.join(".measuring");
    fs::create_dir_all(&scratch).wrap_err("cannot make a folder for the measurement")?;
    let after = answer::check(deb, &scratch);
    fs::remove_dir_all(&scratch).wrap_err("cannot clear the folder of the measurement")?;
    println!(
        "its program answers RPC {} ms after its start",
        after?.as_millis()
    );
    Ok(())
}

/// Puts everything into `out` and answers the files, the program first.
fn pack(built: &Path, out: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(out).wrap_err_with(|| format!("cannot make {}", out.display()))?;
    let program = out.join("capstan");
    fs::copy(built, &program)
        .wrap_err_with(|| format!("cannot copy {} to {}", built.display(), out.display()))?;
    let version = version()?;
    let deb = out.join(format!("capstan_{version}_{}.deb", deb::architecture()));
    let tree = out.join(".packing");
    if tree.exists() {
        fs::remove_dir_all(&tree).wrap_err("cannot clear the packing folder")?;
    }
    deb::pack(&tree, &program, &version, &deb)?;
    fs::remove_dir_all(&tree).wrap_err("cannot clear the packing folder")?;
    let sums = out.join("SHA256SUMS");
    let names = [&program, &deb].map(|path| path.file_name().unwrap_or_default());
    let lines = shell::output(shell::program("sha256sum").args(names).current_dir(out))?;
    fs::write(&sums, lines).wrap_err("cannot write SHA256SUMS")?;
    Ok(vec![program, deb, sums])
}

fn version() -> Result<String> {
    let metadata = shell::metadata(&["--no-deps"])?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut versions = packages
        .filter(|package| package["name"] == "capstan")
        .filter_map(|package| package["version"].as_str());
    versions
        .next()
        .map(str::to_owned)
        .ok_or_else(|| eyre!("there is no package `capstan`"))
}

fn size(path: &Path) -> Result<String> {
    let bytes = fs::metadata(path)?.len();
    Ok(match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    })
}

#[cfg(test)]
mod tests;
