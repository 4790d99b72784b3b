//! Writes the table of the page's files: those of `web/dist` if the page was built, else those of `without/`.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let built = here.join("../../web/dist");
    // Cargo runs this again at every build while a folder that it shall watch is missing. One that cannot be made (the
    // sources may be read-only) costs no more than that.
    let _ = fs::create_dir_all(&built);
    println!("cargo:rerun-if-changed={}", built.display());
    println!("cargo:rerun-if-changed=without");
    println!("cargo:rerun-if-changed=build.rs");
    let (folder, is_built) = match built.join("index.html").is_file() {
        true => (built.canonicalize()?, true),
        false => (here.join("without"), false),
    };
    let mut files = Vec::new();
    collect(&folder, &mut files)?;
    let mut named: Vec<_> = files
        .iter()
        .filter_map(|file| Some((relative(&folder, file)?, file)))
        .collect();
    named.sort();
    let mut table = format!(
        "/// Whether the real page is in this program.\npub const IS_BUILT: bool = {is_built};\n\n\
         /// The files, by path.\npub static SITE: &[SiteFile] = &[\n"
    );
    for (path, file) in named {
        let hash = fnv1a(&fs::read(file)?);
        let _ = writeln!(
            table,
            "    SiteFile {{ path: {path:?}, etag: \"\\\"{hash:016x}\\\"\", bytes: include_bytes!({file:?}) }},"
        );
    }
    table += "];\n";
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("files.rs"), table)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => collect(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

/// The path as an address has it. What has no name in UTF-8 cannot be asked for, and is left out.
fn relative(folder: &Path, file: &Path) -> Option<String> {
    Some(file.strip_prefix(folder).ok()?.to_str()?.replace('\\', "/"))
}

/// A hash that tells one version of a file from another; nobody gains by making two alike.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
