//! Whose work is inside: the licence of every crate that ships, and the texts that those licences ask to be kept.

use std::{collections::BTreeMap, fs, path::Path};

use eyre::Result;

use crate::{licences, shell};

/// Names, in capitals, that files with licences begin with.
const NAMES: [&str; 6] = [
    "LICENSE",
    "LICENCE",
    "COPYING",
    "COPYRIGHT",
    "NOTICE",
    "UNLICENSE",
];

/// Our own licence, and each crate with the name of its.
pub(super) fn copyright() -> Result<String> {
    let mut text = format!(
        "Capstan is licensed under MIT or Apache-2.0, at your choice.\n\n{}\n\
         The Apache licence, version 2.0, is at https://www.apache.org/licenses/LICENSE-2.0, and on Debian in\n\
         /usr/share/common-licenses/Apache-2.0.\n\n\
         The program contains these crates; their texts are in third-party.txt.gz:\n",
        fs::read_to_string(shell::root().join("LICENSE-MIT"))?
    );
    for (name, licence) in licences::shipped()? {
        text += &format!("{name}: {licence}\n");
    }
    Ok(text)
}

/// Every licence text once, under the names of the crates that carry it.
pub(super) fn third_party() -> Result<String> {
    let shipped = licences::shipped()?;
    let metadata = shell::metadata(&[])?;
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let word = |key: &str| package[key].as_str().unwrap_or_default();
        let name = format!("{} {}", word("name"), word("version"));
        if !shipped.contains_key(&name) {
            continue;
        }
        let Some(folder) = Path::new(word("manifest_path")).parent() else {
            continue;
        };
        for text in texts_in(folder)? {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    let line = "-".repeat(100);
    let mut out = String::from("Licence texts of the crates in this program.\n");
    for (text, mut crates) in texts {
        crates.sort();
        crates.dedup();
        out += &format!("\n{line}\n{}\n{line}\n\n{text}\n", crates.join(", "));
    }
    Ok(out)
}

/// The licence texts at the top of a crate.
fn texts_in(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if NAMES.iter().any(|start| name.starts_with(start)) && entry.path().is_file() {
            // Line ends and blanks at the end differ between crates; the text does not.
            let text = fs::read_to_string(entry.path())?;
            let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            texts.push(lines.join("\n").trim().to_owned());
        }
    }
    Ok(texts)
}
