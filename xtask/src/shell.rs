//! Running other programs, and finding our way around the repository.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
};

use eyre::{Result, WrapErr, bail, eyre};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the repository")
}

/// Where cargo builds to; what the tests install goes there too, so that a fresh clone starts warm.
pub(crate) fn target_dir() -> Result<&'static Path> {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    if let Some(dir) = DIR.get() {
        return Ok(dir);
    }
    let metadata = metadata(&["--no-deps"])?;
    let dir = metadata["target_directory"]
        .as_str()
        .ok_or_else(|| eyre!("cargo metadata names no target folder"))?;
    Ok(DIR.get_or_init(|| PathBuf::from(dir)))
}

/// `cargo metadata`, parsed.
pub(crate) fn metadata(flags: &[&str]) -> Result<serde_json::Value> {
    let text = output(
        cargo()
            .args(["metadata", "--format-version", "1"])
            .args(flags),
    )?;
    serde_json::from_str(&text).wrap_err("cargo metadata is not JSON")
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// A program, started in the root of the repository.
pub(crate) fn program(path: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(path);
    command.current_dir(root());
    command
}

/// Whether a program of this name answers `--version`.
pub(crate) fn has(name: &str) -> bool {
    version(name).is_some()
}

/// What `NAME --version` says, if anything.
pub(crate) fn version(name: &str) -> Option<String> {
    let output = Command::new(name)
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether machines, not people, wait for the result: then nothing may be skipped.
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI")
        .is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// Runs to the end; an exit status other than zero is an error that names the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = spell(command);
    let status = command
        .status()
        .wrap_err_with(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Runs to the end and returns what it printed; what it complained about goes to our own stderr.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = spell(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .wrap_err_with(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed ({})", output.status);
    }
    String::from_utf8(output.stdout).wrap_err_with(|| format!("`{line}` did not print UTF-8"))
}

/// How a watched program ended.
pub(crate) struct Watched {
    /// Whether it exited with zero.
    pub(crate) success: bool,
    /// Every line that it printed, in the order of their arrival.
    pub(crate) lines: Vec<String>,
}

/// Runs to the end, shows each line as it comes, and keeps them.
pub(crate) fn watch(command: &mut Command) -> Result<Watched> {
    let line = spell(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .wrap_err_with(|| format!("cannot start `{line}`"))?;
    let stdout = child.stdout.take().ok_or_else(|| eyre!("no stdout"))?;
    let stderr = child.stderr.take().ok_or_else(|| eyre!("no stderr"))?;
    let (sender, receiver) = std::sync::mpsc::channel();
    let other = sender.clone();
    thread::spawn(move || forward(stdout, &sender));
    thread::spawn(move || forward(stderr, &other));
    let mut lines = Vec::new();
    for line in receiver {
        let mut out = std::io::stdout().lock();
        // A closed pipe on our side is no reason to stop what we watch.
        let _ = writeln!(out, "{line}");
        lines.push(line);
    }
    let status = child.wait()?;
    Ok(Watched {
        success: status.success(),
        lines,
    })
}

fn forward(stream: impl std::io::Read, sender: &std::sync::mpsc::Sender<String>) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        let text = String::from_utf8_lossy(&line)
            .trim_end_matches(['\n', '\r'])
            .to_owned();
        if sender.send(text).is_err() {
            return;
        }
        line.clear();
    }
}

/// A command as a person would type it.
fn spell(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Files that git knows, relative to the root.
pub(crate) fn tracked_files() -> Result<Vec<PathBuf>> {
    // What is new and not ignored counts too: a check before the commit must see what the commit will hold.
    let listed = output(program("git").args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let files = listed
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    Ok(files.filter(|path| root().join(path).is_file()).collect())
}
