//! The package as dpkg sees it. The program inside is a stand-in that answers what packing asks.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::{archive, pack};
use crate::shell;

const STAND_IN: &str = r#"#!/bin/sh
case "$1" in
    completions) echo "completions for $2" ;;
    man) echo ".TH capstan 1" > "$3/capstan.1" ;;
    --version) echo "capstan stand-in" ;;
esac
"#;

#[test]
fn an_archive_has_headers_of_sixty_bytes_and_even_members() {
    let archive = archive::ar(&[("a", b"xyz".to_vec()), ("b", b"12".to_vec())]);
    assert_eq!(archive.len(), 8 + 60 + 4 + 60 + 2);
    assert_eq!(&archive[8 + 58..8 + 60], b"`\n");
}

fn stand_in(folder: &Path) -> std::path::PathBuf {
    let program = folder.join("stand-in");
    fs::write(&program, STAND_IN).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    program
}

#[test]
fn the_package_installs_runs_and_goes_away() {
    if shell::version("dpkg").is_none() {
        println!("SKIP: dpkg is missing, as it is where packages are not Debian's");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let program = stand_in(folder.path());
    let files = pack(&program, &folder.path().join("dist")).expect("packed");
    let deb = &files[1];
    let again = pack(&program, &folder.path().join("again")).expect("packed");
    assert_eq!(
        fs::read(deb).expect("there"),
        fs::read(&again[1]).expect("there"),
        "the same content gives the same bytes"
    );
    let sums = fs::read_to_string(&files[2]).expect("there");
    assert_eq!(sums.lines().count(), 2, "{sums}");

    let fields = shell::output(shell::program("dpkg-deb").arg("--field").arg(deb)).expect("fields");
    for field in [
        "Package: capstan\n",
        "Version: ",
        "Installed-Size: ",
        "Depends: libc6",
    ] {
        assert!(fields.contains(field), "{fields} lacks {field}");
    }

    // Only root may give files to root, as an installation does; others unpack.
    let root = folder.path().join("root");
    let is_root = shell::output(shell::program("id").arg("-u"))
        .expect("id")
        .trim()
        == "0";
    if !is_root {
        shell::run(shell::program("dpkg-deb").arg("-x").arg(deb).arg(&root)).expect("unpacked");
        return installed(&root);
    }
    for part in ["info", "updates", "triggers"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(part)).expect("a root");
    }
    fs::write(root.join("var/lib/dpkg/status"), "").expect("a root");
    let dpkg = |words: &[&str], what: &std::ffi::OsStr| {
        let mut command = shell::program("dpkg");
        command
            .arg(format!("--root={}", root.display()))
            .args([
                "--force-script-chrootless",
                "--force-depends",
                "--log=/dev/null",
            ])
            .args(words)
            .arg(what);
        shell::output(&mut command).expect("dpkg")
    };
    dpkg(&["--install"], deb.as_os_str());
    installed(&root);
    assert_eq!(dpkg(&["--verify"], "capstan".as_ref()), "");
    let options = root.join("etc/default/capstan");
    fs::write(&options, "CAPSTAN_OPTIONS=\"--history all\"\n").expect("edited");
    dpkg(&["--remove"], "capstan".as_ref());
    assert!(!root.join("usr/bin/capstan").exists());
    assert!(
        options.exists(),
        "what the operator wrote outlives a removal"
    );
    dpkg(&["--purge"], "capstan".as_ref());
    assert!(!options.exists());
}

/// What an installed machine has.
fn installed(root: &Path) {
    let program = root.join("usr/bin/capstan");
    let said = shell::output(shell::program(&program).arg("--version")).expect("it runs");
    assert_eq!(said.trim(), "capstan stand-in");
    for path in [
        "etc/capstan",
        "etc/default/capstan",
        "usr/lib/systemd/system/capstan.service",
        "usr/lib/sysusers.d/capstan.conf",
        "usr/share/bash-completion/completions/capstan",
        "usr/share/capstan/abi/token.json",
        "usr/share/capstan/solidity/IToken.sol",
        "usr/share/doc/capstan/README.md",
        "usr/share/doc/capstan/changelog.gz",
        "usr/share/doc/capstan/copyright",
        "usr/share/doc/capstan/docs/abi/exchange.md",
        "usr/share/doc/capstan/docs/operators.md",
        "usr/share/doc/capstan/specs/genesis.md",
        "usr/share/doc/capstan/third-party.txt.gz",
        "usr/share/man/man1/capstan.1.gz",
    ] {
        assert!(root.join(path).exists(), "{path} is missing");
    }
    let mode = |path: &str| {
        let metadata = fs::metadata(root.join(path)).expect("there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("usr/bin/capstan"), 0o755);
    assert_eq!(mode("etc/default/capstan"), 0o644);
    // The unit starts what is installed, with flags that the program has.
    let unit =
        fs::read_to_string(root.join("usr/lib/systemd/system/capstan.service")).expect("there");
    let line = unit.lines().find(|line| line.starts_with("ExecStart="));
    assert!(
        line.is_some_and(|line| line.starts_with("ExecStart=/usr/bin/capstan node --genesis "))
    );
    let texts = shell::output(
        shell::program("gzip")
            .args(["-dc"])
            .arg(root.join("usr/share/doc/capstan/third-party.txt.gz")),
    );
    assert!(
        texts
            .expect("texts")
            .contains("Permission is hereby granted")
    );
}
