//! `capstan db`: looking after a data folder.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, Keccak256};
use eyre::{Result, WrapErr, bail};
use serde::{Deserialize, Serialize};

use crate::{args::DbCommand, data, progress::Progress};

/// Lists what a backup holds.
const MANIFEST: &str = "manifest.json";

/// Runs one of the commands.
pub(crate) fn run(command: &DbCommand) -> Result<()> {
    match command {
        DbCommand::Verify(options) => verify(&options.data),
        DbCommand::Compact(options) => compact(&options.data),
        DbCommand::Backup { data, to } => backup(&data.data, to),
        DbCommand::Restore { data, from } => restore(&data.data, from),
    }
}

fn verify(folder: &Path) -> Result<()> {
    let chain = data::open_existing(folder)?;
    let head = chain.head().number();
    let progress = Progress::new("blocks verified", head);
    let mut parent = chain.head();
    for number in (0..head).rev() {
        let Some(block) = chain.block(number)? else {
            bail!(
                "block {number} is missing, but block {} is here",
                number + 1
            );
        };
        if block.hash() != parent.header.parent_hash {
            bail!(
                "block {} names the parent {}, but block {number} is {}",
                number + 1,
                parent.header.parent_hash,
                block.hash()
            );
        }
        parent = block;
        progress.at(head - number);
    }
    progress.finish(head);
    println!(
        "verified {head} blocks; the newest is {}",
        chain.head().hash()
    );
    Ok(())
}

fn compact(folder: &Path) -> Result<()> {
    let _ = data::genesis(folder)?;
    bail!("not available")
}

/// What a backup says about itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manifest {
    /// The program that wrote it.
    version: String,
    /// The newest block.
    head_number: u64,
    /// Its hash.
    head_hash: B256,
    /// Every file with its length and Keccak-256.
    files: BTreeMap<String, FileEntry>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FileEntry {
    bytes: u64,
    keccak: B256,
}

fn backup(folder: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        bail!("{} exists: name a folder that does not", to.display());
    }
    // Opening takes the folder's lock and redoes what a crash left; nothing writes while it is open.
    let chain = data::open_existing(folder)?;
    let head = chain.head();
    let files = files_below(folder)?;
    let progress = Progress::new("bytes copied", files.iter().map(|(_, bytes)| bytes).sum());
    let mut manifest = Manifest {
        version: crate::VERSION.to_owned(),
        head_number: head.number(),
        head_hash: head.hash(),
        files: BTreeMap::new(),
    };
    let mut copied = 0;
    for (name, _) in &files {
        let entry = copy(&folder.join(name), &to.join(name))?;
        copied += entry.bytes;
        manifest.files.insert(name.display().to_string(), entry);
        progress.at(copied);
    }
    let path = to.join(MANIFEST);
    fs::write(&path, serde_json::to_string_pretty(&manifest)? + "\n")
        .wrap_err_with(|| format!("cannot write {}", path.display()))?;
    progress.finish(copied);
    println!(
        "backed up {} files to {}; the newest block is {} ({})",
        files.len(),
        to.display(),
        head.number(),
        head.hash()
    );
    Ok(())
}

fn restore(folder: &Path, from: &Path) -> Result<()> {
    if folder.exists() && fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!(
            "{} is not empty: name a folder that does not exist yet",
            folder.display()
        );
    }
    let path = from.join(MANIFEST);
    let text = fs::read_to_string(&path).wrap_err_with(|| {
        format!(
            "{} is no backup of `capstan db backup`: cannot read its {MANIFEST}",
            from.display()
        )
    })?;
    let manifest: Manifest =
        serde_json::from_str(&text).wrap_err_with(|| format!("{} is damaged", path.display()))?;
    let progress = Progress::new(
        "bytes copied",
        manifest.files.values().map(|entry| entry.bytes).sum(),
    );
    let mut copied = 0;
    for (name, expected) in &manifest.files {
        let relative = Path::new(name);
        if relative
            .components()
            .any(|part| !matches!(part, std::path::Component::Normal(_)))
        {
            bail!(
                "{} names a file outside of the backup: {name}",
                path.display()
            );
        }
        let entry = copy(&from.join(relative), &folder.join(relative))?;
        if entry != *expected {
            bail!(
                "{name} in the backup is damaged: it has {} bytes, the manifest says {}, or its hash differs",
                entry.bytes,
                expected.bytes
            );
        }
        copied += entry.bytes;
        progress.at(copied);
    }
    progress.finish(copied);
    let chain = data::open_existing(folder)?;
    if chain.head().hash() != manifest.head_hash {
        bail!(
            "the restored chain ends in {}, the manifest says {}",
            chain.head().hash(),
            manifest.head_hash
        );
    }
    println!(
        "restored {}; the newest block is {} ({})",
        folder.display(),
        manifest.head_number,
        manifest.head_hash
    );
    Ok(())
}

/// Files below a folder, relative to it, with their lengths. Lock files say who runs, not what is stored.
fn files_below(folder: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let here = folder.join(&relative);
        for entry in
            fs::read_dir(&here).wrap_err_with(|| format!("cannot read {}", here.display()))?
        {
            let entry = entry?;
            let name = relative.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(name);
            } else if kind.is_file() && !is_lock(&name) {
                files.push((name, entry.metadata()?.len()));
            }
        }
    }
    files.sort();
    Ok(files)
}

fn is_lock(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.eq_ignore_ascii_case("lock"))
}

/// Copies, flushes and hashes in one pass.
fn copy(from: &Path, to: &Path) -> Result<FileEntry> {
    let context = || format!("cannot copy {} to {}", from.display(), to.display());
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).wrap_err_with(context)?;
    }
    let mut reader = BufReader::new(File::open(from).wrap_err_with(context)?);
    let mut writer = BufWriter::new(File::create(to).wrap_err_with(context)?);
    let mut hasher = Keccak256::new();
    let mut bytes = 0_u64;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = reader.read(&mut buffer).wrap_err_with(context)?;
        let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else {
            break;
        };
        hasher.update(part);
        writer.write_all(part).wrap_err_with(context)?;
        bytes += u64::try_from(count)?;
    }
    let file = writer
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)
        .wrap_err_with(context)?;
    file.sync_all().wrap_err_with(context)?;
    Ok(FileEntry {
        bytes,
        keccak: hasher.finalize(),
    })
}
