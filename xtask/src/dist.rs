//! `cargo xtask dist`: what users take.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use eyre::{Result, WrapErr, eyre};

use crate::{licences, shell};

/// Builds for release, and packs the program and a .deb into dist/.
pub(crate) fn run() -> Result<()> {
    shell::run(shell::cargo().args(["build", "--release", "--package", "capstan"]))?;
    let binary = shell::target_dir()?.join("release/capstan");
    let version = version()?;
    let dist = shell::root().join("dist");
    fs::create_dir_all(&dist).wrap_err("cannot make dist/")?;

    let plain = dist.join("capstan");
    fs::copy(&binary, &plain).wrap_err("cannot copy the program to dist/")?;
    println!("{} ({})", plain.display(), size(&plain)?);

    let deb = dist.join(format!("capstan_{version}_{}.deb", deb_architecture()));
    let tree = shell::target_dir()?.join("deb");
    if tree.exists() {
        fs::remove_dir_all(&tree).wrap_err("cannot clear the packing folder")?;
    }
    pack_deb(&tree, &binary, &version, &deb)?;
    println!("{} ({})", deb.display(), size(&deb)?);
    Ok(())
}

fn version() -> Result<String> {
    let metadata = shell::metadata(&["--no-deps"])?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut versions = packages
        .filter(|package| package["name"] == "capstan")
        .filter_map(|p| p["version"].as_str());
    versions
        .next()
        .map(str::to_owned)
        .ok_or_else(|| eyre!("there is no package `capstan`"))
}

fn deb_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn size(path: &Path) -> Result<String> {
    let bytes = fs::metadata(path)?.len();
    Ok(format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10))
}

/// A .deb is an `ar` archive of three members: a version, the control files, the data.
fn pack_deb(tree: &Path, binary: &Path, version: &str, deb: &Path) -> Result<()> {
    let data = tree.join("data");
    let control = tree.join("control");
    let doc = data.join("usr/share/doc/capstan");
    for folder in [&data.join("usr/bin"), &doc, &control] {
        fs::create_dir_all(folder).wrap_err_with(|| format!("cannot make {}", folder.display()))?;
    }
    fs::copy(binary, data.join("usr/bin/capstan"))?;
    for file in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        fs::copy(shell::root().join(file), doc.join(file))
            .wrap_err_with(|| format!("cannot take {file}"))?;
    }
    fs::write(doc.join("copyright"), copyright()?)?;

    let installed_kb = (fs::metadata(binary)?.len() / 1024).max(1);
    fs::write(
        control.join("control"),
        format!(
            "Package: capstan\nVersion: {version}\nArchitecture: {}\nSection: net\nPriority: optional\n\
             Maintainer: Capstan maintainers <maintainers@capstan.invalid>\nInstalled-Size: {installed_kb}\n\
             Depends: libc6, libgcc-s1\nDescription: Ethereum-compatible chain node with native Rust contracts\n \
             One program: a development chain, a node, and the tools around them.\n",
            deb_architecture()
        ),
    )?;
    let control_tar = tar(&control, &tree.join("control.tar.gz"))?;
    let data_tar = tar(&data, &tree.join("data.tar.gz"))?;
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", fs::read(control_tar)?),
        ("data.tar.gz", fs::read(data_tar)?),
    ];
    let mut file =
        fs::File::create(deb).wrap_err_with(|| format!("cannot write {}", deb.display()))?;
    file.write_all(&ar(&members))?;
    Ok(())
}

/// Every crate inside, with its licence.
fn copyright() -> Result<String> {
    let mut text = String::from(
        "Capstan is licensed under MIT or Apache-2.0, at your choice; both texts lie beside this file.\n\n\
         The program contains these crates:\n",
    );
    for (name, licence) in licences::shipped()? {
        text += &format!("{name}: {licence}\n");
    }
    Ok(text)
}

/// Packs a folder so that the same content gives the same bytes.
fn tar(folder: &Path, to: &Path) -> Result<PathBuf> {
    let flags = [
        "--sort=name",
        "--mtime=@0",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mode=u+rwX,go+rX,go-w",
    ];
    shell::run(
        shell::program("tar")
            .args(flags)
            .arg("-C")
            .arg(folder)
            .arg("-czf")
            .arg(to)
            .arg(".")
            .env("GZIP", "-n"),
    )?;
    Ok(to.to_owned())
}

/// The common `ar` format: a magic line, then for each member 60 bytes of header and content padded to even.
fn ar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
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

#[cfg(test)]
mod tests {
    #[test]
    fn an_archive_has_headers_of_sixty_bytes_and_even_members() {
        let archive = super::ar(&[("a", b"xyz".to_vec()), ("b", b"12".to_vec())]);
        assert_eq!(archive.len(), 8 + 60 + 4 + 60 + 2);
        assert_eq!(&archive[8 + 58..8 + 60], b"`\n");
    }
}
