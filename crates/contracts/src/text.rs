//! Reads the `sol!` blocks of the contracts as text: their sentences and their Solidity.

use std::collections::BTreeMap;

/// The doc comment of each declaration, under keys like `error FlashFeeTooHigh`.
pub(crate) fn docs(source: &str) -> BTreeMap<String, String> {
    let mut docs = BTreeMap::new();
    let mut sentence: Vec<&str> = Vec::new();
    for line in source.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            sentence.push(words.trim());
            continue;
        }
        if let Some((kind, rest)) = line.split_once(' ')
            && matches!(
                kind,
                "error" | "event" | "function" | "interface" | "struct"
            )
            && let Some(name) = rest.split(['(', ' ']).next()
        {
            docs.insert(format!("{kind} {name}"), sentence.join(" "));
        }
        if !line.starts_with("#[") {
            sentence.clear();
        }
    }
    docs
}

/// The inside of the first `sol!` block, without Rust's attributes and one indentation to the left.
pub(crate) fn solidity(source: &str) -> String {
    let inside = source
        .lines()
        .skip_while(|line| *line != "sol! {")
        .skip(1)
        .take_while(|line| *line != "}");
    let mut text = String::new();
    for line in inside.filter(|line| !line.trim_start().starts_with("#[")) {
        text.push_str(line.strip_prefix("    ").unwrap_or(line));
        text.push('\n');
    }
    text
}
