//! Tells the program which commit it is made from, where git can say so.

use std::process::Command;

fn main() {
    let git = |flags: &[&str]| {
        let output = Command::new("git").args(flags).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    // The log of HEAD grows with every commit, checkout and reset.
    match git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        Some(path) if std::path::Path::new(&path).exists() => {
            println!("cargo:rerun-if-changed={path}")
        }
        _ => println!("cargo:rerun-if-changed=build.rs"),
    }
    let version = env!("CARGO_PKG_VERSION");
    let full = match git(&["rev-parse", "--short=10", "HEAD"]) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo:rustc-env=CAPSTAN_VERSION={full}");
}
