//! The client tests: real wallets, libraries and deployment tools from npm against a started node.

use std::{
    fs,
    path::{Path, PathBuf},
};

use eyre::{Result, WrapErr, bail};

use crate::{dev, shell, tally::Report, test::Outcome};

/// The oldest Node.js that can install: what runs the tests is a newer one, from npm.
const NODE_MAJOR_MIN: u32 = 18;

/// Installs what the lockfiles say and runs the tests against our own program.
pub(crate) fn run() -> Result<Outcome> {
    let node = match node() {
        Ok(node) => node,
        Err(why) => return Ok(Outcome::Skip(why)),
    };
    let binary = dev::build_tested()?;
    let watched = shell::watch(
        shell::program(node)
            .arg("run.mjs")
            .env("CAPSTAN_BIN", &binary)
            .current_dir(folder()),
    )?;
    Ok(Outcome::Ran(Report::of(&watched)))
}

/// The Node.js of the tests with everything installed, or what is missing and how to get it.
fn node() -> std::result::Result<PathBuf, String> {
    can_install()?;
    install().map_err(unreachable_registry)
}

/// The folder of the Node.js that builds and tests, or what is missing and how to get it.
pub(crate) fn node_folder() -> std::result::Result<PathBuf, String> {
    can_install()?;
    install_node().map_err(unreachable_registry)
}

fn can_install() -> std::result::Result<(), String> {
    let wanted = format!("install Node.js {NODE_MAJOR_MIN} or newer with npm");
    match shell::version("node").as_deref().and_then(node_major) {
        Some(major) if major >= NODE_MAJOR_MIN => {}
        Some(major) => return Err(format!("Node.js {major} is too old: {wanted}")),
        None => return Err(format!("Node.js is missing: {wanted}")),
    }
    match shell::version("npm") {
        Some(_) => Ok(()),
        None => Err(format!("npm is missing: {wanted}")),
    }
}

fn unreachable_registry(error: eyre::Report) -> String {
    format!("packages cannot be installed: {error:#}; is the npm registry reachable?")
}

/// Compiles the protocols that Rust tests stand beside, or tells why not: those tests then tell that they are
/// skipped, which CI does not accept.
pub(crate) fn compile_peers() -> Result<()> {
    match node() {
        Ok(node) => PEERS
            .iter()
            .try_for_each(|room| compile_peer(&node, room, "rooms.mjs")),
        Err(why) => {
            println!("SKIP peers: {why}");
            Ok(())
        }
    }
}

/// Runs a script of the peers of some rooms.
pub(crate) fn compile_peer(node: &Path, room: &str, script: &str) -> Result<()> {
    shell::run(shell::program(node).arg(script).current_dir(peers(room)))
}

/// Rooms that have peers from npm.
const PEERS: [&str; 2] = ["credit", "exchange"];

fn peers(room: &str) -> PathBuf {
    shell::root().join("testing/peers").join(room)
}

pub(crate) fn folder() -> PathBuf {
    shell::root().join("testing/clients")
}

fn node_major(version: &str) -> Option<u32> {
    version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Two steps: the Node.js that the tests run on, and with it everything else, since npm leaves out what the
/// Node.js that runs it is too old for. Returns that Node.js.
pub(crate) fn install() -> Result<PathBuf> {
    let bin = install_node()?;
    npm_install(&folder(), Some(&bin))?;
    for room in PEERS {
        npm_install(&peers(room), Some(&bin))?;
    }
    Ok(bin.join("node"))
}

/// The first of them; answers the folder that it lies in.
fn install_node() -> Result<PathBuf> {
    let first = folder().join("node");
    npm_install(&first, None)?;
    let arch = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "x64",
    };
    let bin = first.join(format!("node_modules/node-linux-{arch}/bin"));
    if !bin.join("node").exists() {
        bail!("npm has no Node.js for {} {arch}", std::env::consts::OS);
    }
    Ok(bin)
}

/// Where programs are looked for, that Node.js first.
pub(crate) fn path_with(node_bin: Option<&Path>) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = node_bin
        .map(Path::to_path_buf)
        .into_iter()
        .chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(folders)?)
}

/// Installs what the lockfile pins, unless these very packages are installed already.
pub(crate) fn npm_install(folder: &Path, node_bin: Option<&Path>) -> Result<()> {
    let lock =
        fs::read(folder.join("package-lock.json")).wrap_err("cannot read package-lock.json")?;
    let stamp = folder.join("node_modules/.installed-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    shell::run(
        shell::program("npm")
            // Not `npm ci`: it refuses a lockfile that leaves out other platforms' optional binaries. What the
            // lockfile pins is installed as pinned, and it is not rewritten.
            .args(["install", "--no-save", "--no-progress", "--loglevel=error"])
            .env("PATH", path_with(node_bin)?)
            .current_dir(folder),
    )?;
    fs::write(&stamp, &lock).wrap_err_with(|| format!("cannot write {}", stamp.display()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_the_major_version_of_node() {
        assert_eq!(super::node_major("v22.23.3"), Some(22));
        assert_eq!(super::node_major("nonsense"), None);
    }
}
