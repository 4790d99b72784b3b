//! Archives of which the same content gives the same bytes.

use std::path::Path;

use eyre::Result;

use crate::shell;

/// Packs a folder with `tar` and `gzip`.
pub(super) fn tar_gz(folder: &Path, to: &Path) -> Result<()> {
    let flags = [
        "--sort=name",
        "--mtime=@0",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mode=u+rwX,go+rX,go-w",
        "--use-compress-program=gzip -9n",
    ];
    shell::run(
        shell::program("tar")
            .args(flags)
            .arg("-C")
            .arg(folder)
            .arg("-cf")
            .arg(to)
            .arg("."),
    )
}

/// Compresses a file, which then has the ending `.gz`.
pub(super) fn gzip(path: &Path) -> Result<()> {
    shell::run(shell::program("gzip").args(["-9nf"]).arg(path))
}

/// The common `ar` format: a magic line, then for each member 60 bytes of header and content padded to even.
pub(super) fn ar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let header = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            0,
            0,
            0,
            "100644",
            content.len()
        );
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(content);
        if content.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}
