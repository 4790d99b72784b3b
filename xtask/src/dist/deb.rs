//! The Debian package: the program with its pages and completions, a service, and a user for it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use eyre::{Result, WrapErr};

use super::{archive, notices};
use crate::shell;

/// Debian's word for this machine.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Files of the repository, and where they are installed.
const FILES: [(&str, &str); 5] = [
    (
        "packaging/capstan.service",
        "usr/lib/systemd/system/capstan.service",
    ),
    (
        "packaging/capstan.sysusers",
        "usr/lib/sysusers.d/capstan.conf",
    ),
    ("packaging/capstan.default", "etc/default/capstan"),
    ("README.md", "usr/share/doc/capstan/README.md"),
    ("CHANGELOG.md", "usr/share/doc/capstan/changelog"),
];

/// Folders of the repository, and where they are installed.
const FOLDERS: [(&str, &str); 4] = [
    ("docs", "usr/share/doc/capstan/docs"),
    ("specs", "usr/share/doc/capstan/specs"),
    ("abi", "usr/share/capstan/abi"),
    ("solidity", "usr/share/capstan/solidity"),
];

/// What an operator edits, and an upgrade keeps.
const CONFFILES: &str = "/etc/default/capstan\n";

/// Run by dpkg.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Shells, as `capstan completions` names them, and where each looks.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/capstan"),
    ("zsh", "usr/share/zsh/vendor-completions/_capstan"),
    ("fish", "usr/share/fish/vendor_completions.d/capstan.fish"),
];

/// A .deb is an `ar` archive of three members: a version, the control files, the data.
pub(super) fn pack(tree: &Path, program: &Path, version: &str, deb: &Path) -> Result<()> {
    let data = tree.join("data");
    let control = tree.join("control");
    install(&data, program)?;
    describe(&control, &data, program, version)?;
    let mut members = vec![("debian-binary", b"2.0\n".to_vec())];
    for (name, folder) in [("control.tar.gz", control), ("data.tar.gz", data)] {
        let path = tree.join(name);
        archive::tar_gz(&folder, &path)?;
        members.push((name, fs::read(path)?));
    }
    fs::write(deb, archive::ar(&members))
        .wrap_err_with(|| format!("cannot write {}", deb.display()))
}

/// Everything that the package puts on a machine.
fn install(data: &Path, program: &Path) -> Result<()> {
    put(program, &data.join("usr/bin/capstan"), 0o755)?;
    for (from, to) in FILES {
        put(&shell::root().join(from), &data.join(to), 0o644)?;
    }
    for (from, to) in FOLDERS {
        let folder = shell::root().join(from);
        for path in files_below(&folder)? {
            put(&folder.join(&path), &data.join(to).join(&path), 0o644)?;
        }
    }
    // Where the genesis goes.
    fs::create_dir_all(data.join("etc/capstan"))?;
    let doc = data.join("usr/share/doc/capstan");
    archive::gzip(&doc.join("changelog"))?;
    fs::write(doc.join("copyright"), notices::copyright()?)?;
    fs::write(doc.join("third-party.txt"), notices::third_party()?)?;
    archive::gzip(&doc.join("third-party.txt"))?;
    for (shell, to) in COMPLETIONS {
        let script = shell::output(shell::program(program).args(["completions", shell]))?;
        let to = data.join(to);
        make_room(&to)?;
        fs::write(to, script)?;
    }
    let pages = data.join("usr/share/man/man1");
    fs::create_dir_all(&pages)?;
    shell::run(shell::program(program).arg("man").arg("--out").arg(&pages))?;
    for page in fs::read_dir(&pages)? {
        archive::gzip(&page?.path())?;
    }
    Ok(())
}

/// What dpkg reads.
fn describe(control: &Path, data: &Path, program: &Path, version: &str) -> Result<()> {
    fs::create_dir_all(control)?;
    let files = files_below(data)?;
    let mut bytes = 0;
    for path in &files {
        bytes += fs::metadata(data.join(path))?.len();
    }
    fs::write(
        control.join("control"),
        format!(
            "Package: capstan\nVersion: {version}\nArchitecture: {}\nSection: net\nPriority: optional\n\
             Maintainer: Capstan maintainers <maintainers@capstan.invalid>\nInstalled-Size: {}\n\
             Depends: libc6{}, libgcc-s1\nDescription: Ethereum-compatible chain node with native Rust contracts\n \
             One program: a development chain, a node, and the tools around them.\n \
             The service starts once there is a genesis in /etc/capstan/genesis.json.\n",
            architecture(),
            bytes.div_ceil(1024),
            match libc_needed(&fs::read(program)?) {
                Some((major, minor)) => format!(" (>= {major}.{minor})"),
                None => String::new(),
            }
        ),
    )?;
    fs::write(control.join("conffiles"), CONFFILES)?;
    let mut sums = shell::program("md5sum");
    fs::write(
        control.join("md5sums"),
        shell::output(sums.args(&files).current_dir(data))?,
    )?;
    for script in SCRIPTS {
        let from = shell::root().join("packaging").join(script);
        put(&from, &control.join(script), 0o755)?;
    }
    Ok(())
}

/// The newest version of the C library that a symbol of the program asks for.
fn libc_needed(program: &[u8]) -> Option<(u32, u32)> {
    const MARK: &[u8] = b"GLIBC_";
    let version = |at: usize| {
        let rest = &program[at + MARK.len()..];
        let end = rest
            .iter()
            .position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
        let text = std::str::from_utf8(&rest[..end]).ok()?;
        let mut numbers = text.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    let marks = program.windows(MARK.len()).enumerate();
    marks
        .filter(|(_, window)| *window == MARK)
        .filter_map(|(at, _)| version(at))
        .max()
}

fn put(from: &Path, to: &Path, mode: u32) -> Result<()> {
    make_room(to)?;
    fs::copy(from, to).wrap_err_with(|| format!("cannot take {}", from.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Makes the folder that a file goes into.
fn make_room(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).wrap_err_with(|| format!("cannot make {}", folder.display()))?;
    }
    Ok(())
}

/// Every file below, by its path from there, sorted.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                files.push(path.strip_prefix(folder)?.to_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_newest_symbol_counts() {
        let program = b"..GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0";
        assert_eq!(super::libc_needed(program), Some((2, 34)));
        assert_eq!(super::libc_needed(b"#!/bin/sh"), None);
    }
}
