//! Small files of numbers, as the kernel shows them.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

/// More than any number or name there has.
const BYTES_MAX: u64 = 256;
/// More than any folder there holds.
const ENTRIES_MAX: usize = 512;

/// The first line; none where it is not there, may not be read, or is no text.
pub(super) fn line(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(BYTES_MAX).read_to_string(&mut text).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

/// A number.
pub(super) fn number<N: std::str::FromStr>(path: &Path) -> Option<N> {
    line(path)?.parse().ok()
}

/// What lies in a folder, by name.
pub(super) fn folder(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .take(ENTRIES_MAX)
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    found.sort();
    found
}

/// The last part of a path, as text.
pub(super) fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}
