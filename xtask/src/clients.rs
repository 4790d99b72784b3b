//! The client tests: real wallets, libraries and deployment tools from npm against a started node.

use std::{fs, path::Path};

use eyre::{Result, WrapErr};

use crate::{dev, shell, tally::Tally, test::Outcome};

/// The oldest Node.js that runs the tests. (Hardhat brings a newer one of its own, from npm.)
const NODE_MAJOR_MIN: u32 = 20;

/// Installs what the lockfile says and runs the tests against our own program.
pub(crate) fn run() -> Result<Outcome> {
    match version_of("node").as_deref().and_then(node_major) {
        Some(major) if major >= NODE_MAJOR_MIN => {}
        Some(major) => {
            return Ok(Outcome::Skip(format!(
                "Node.js {major} is too old: install Node.js {NODE_MAJOR_MIN} or newer"
            )));
        }
        None => {
            return Ok(Outcome::Skip(format!(
                "Node.js is missing: install Node.js {NODE_MAJOR_MIN} or newer"
            )));
        }
    }
    if version_of("npm").is_none() {
        return Ok(Outcome::Skip(
            "npm is missing: install npm (it comes with Node.js)".to_owned(),
        ));
    }
    if let Err(error) = install() {
        return Ok(Outcome::Skip(format!(
            "the client packages cannot be installed: {error:#}; is the npm registry reachable?"
        )));
    }
    let binary = dev::build()?;
    let watched = shell::watch(
        shell::program("node")
            .arg("run.mjs")
            .env("CAPSTAN_BIN", &binary)
            .current_dir(folder()),
    )?;
    Ok(Outcome::Ran(Tally::read(&watched.lines), watched.success))
}

fn folder() -> std::path::PathBuf {
    shell::root().join("testing/clients")
}

fn version_of(name: &str) -> Option<String> {
    shell::version(name)
}

fn node_major(version: &str) -> Option<u32> {
    version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// `npm ci`, unless these very packages are installed already.
fn install() -> Result<()> {
    let lock =
        fs::read(folder().join("package-lock.json")).wrap_err("cannot read package-lock.json")?;
    let stamp = folder().join("node_modules/.installed-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    shell::run(
        shell::program("npm")
            .args(["ci", "--no-progress", "--loglevel=error"])
            .current_dir(folder()),
    )?;
    write(&stamp, &lock)
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    fs::write(path, content).wrap_err_with(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_the_major_version_of_node() {
        assert_eq!(super::node_major("v22.23.3"), Some(22));
        assert_eq!(super::node_major("nonsense"), None);
    }
}
