//! The page: `web/` built into `web/dist`, which `crates/page` puts into the program.
//!
//! Node.js does that. Without it everything else is built, and the program has a page that says how to get the real one.
//! Its tests are those of its own rooms, and journeys: a browser that does what people do, against a started node.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    process::Command,
};

use eyre::{Result, WrapErr, bail};

use crate::{clients, dev, shell, tally::Report, test::Outcome};

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

/// Types, lints and unit tests, then the journeys.
pub(crate) fn test() -> Result<Outcome> {
    let (bin, browser) = match (clients::node_folder(), browser()) {
        (Ok(bin), Ok(browser)) => (bin, browser),
        (Err(why), _) | (_, Err(why)) => return Ok(Outcome::Skip(why)),
    };
    let binary = dev::build_tested()?;
    clients::npm_install(&folder(), Some(&bin))?;
    let path = clients::path_with(Some(&bin))?;
    let mut report = Report {
        content: true,
        ..Report::default()
    };
    for script in ["test", "journeys"] {
        let mut npm = shell::program("npm");
        npm.args(["run", "--silent", script])
            .envs([("PATH", path.as_os_str()), ("CHROME", browser.as_ref())])
            .env("CAPSTAN_BIN", &binary)
            .env("NO_COLOR", "1")
            .current_dir(folder());
        report = report.plus(Report::of(&shell::watch(&mut npm)?));
    }
    Ok(Outcome::Ran(report))
}

/// Names under which a browser for the journeys is found.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The browser that is there, or one that Debian's package manager installs, or what is missing and how to get it.
fn browser() -> std::result::Result<String, String> {
    if let Ok(chosen) = std::env::var("CHROME") {
        return Ok(chosen);
    }
    if let Some(name) = found() {
        return Ok(name);
    }
    let wanted = "install Chromium (Debian, Ubuntu: sudo apt install chromium)";
    install().map_err(|error| format!("no browser is here, {error:#}: {wanted}"))?;
    found().ok_or_else(|| format!("Chromium is missing: {wanted}"))
}

/// Its path: a browser is not looked for by who starts it.
fn found() -> Option<String> {
    let folders = std::env::var_os("PATH")?;
    let mut paths = std::env::split_paths(&folders)
        .flat_map(|folder| BROWSERS.map(|name| folder.join(name)))
        .filter(|path| path.is_file());
    paths.next()?.to_str().map(str::to_owned)
}

/// A browser and letters for it, where we may install for the whole machine.
fn install() -> Result<()> {
    let user = shell::output(Command::new("id").arg("-u"))?;
    if user.trim() != "0" {
        bail!("and only root installs one");
    }
    println!("== Chromium");
    let apt = |words: &[&str]| {
        let mut apt = shell::program("apt-get");
        shell::run(
            apt.args(words)
                .env("DEBIAN_FRONTEND", "noninteractive")
                .stdout(std::process::Stdio::null()),
        )
    };
    apt(&["update", "-qq"])?;
    apt(&[
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        "chromium",
        "fonts-dejavu-core",
    ])
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
