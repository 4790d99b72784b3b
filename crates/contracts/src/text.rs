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

/// Something that an interface declares, as it stands in its Solidity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declaration {
    /// `function`, `event`, `error`, `struct`.
    pub(crate) kind: &'static str,
    /// What it is called.
    pub(crate) name: String,
    /// Its doc comment, in one line.
    pub(crate) doc: String,
    /// All of it, one indentation to the left.
    pub(crate) body: String,
}

/// Kinds of declarations, and what ends one.
const KINDS: [(&str, &str); 4] = [
    ("function", ";"),
    ("event", ";"),
    ("error", ";"),
    ("struct", "}"),
];

/// The declarations of Solidity text, in their order.
pub(crate) fn declarations(solidity: &str) -> Vec<Declaration> {
    let mut all = Vec::new();
    let mut doc: Vec<&str> = Vec::new();
    let mut lines = solidity.lines();
    while let Some(line) = lines.next() {
        let line = line.strip_prefix("    ").unwrap_or(line);
        if let Some(words) = line.strip_prefix("///") {
            doc.push(words.trim());
            continue;
        }
        let begins = |(kind, _): &&(&str, &str)| {
            let rest = line.strip_prefix(*kind);
            rest.is_some_and(|rest| rest.starts_with(' '))
        };
        if let Some(&(kind, end)) = KINDS.iter().find(begins) {
            let mut body = line.to_owned();
            while !body.trim_end().ends_with(end) {
                let Some(more) = lines.next() else { break };
                body.push('\n');
                body.push_str(more.strip_prefix("    ").unwrap_or(more));
            }
            let name = body.split([' ', '(']).nth(1).unwrap_or_default();
            all.push(Declaration {
                kind,
                name: name.to_owned(),
                doc: doc.join(" "),
                body,
            });
        }
        doc.clear();
    }
    all
}

impl Declaration {
    /// `poolsOf(uint32 assetA, uint32 assetB) → (uint32[])`: without the words that only a compiler needs.
    pub(crate) fn for_people(&self) -> String {
        let whole = self.body.split_whitespace().collect::<Vec<_>>().join(" ");
        let whole = whole.strip_prefix(self.kind).unwrap_or(&whole);
        let mut shown = whole.trim().trim_end_matches(';').to_owned();
        for word in [
            " calldata",
            " memory",
            " external",
            " view",
            " payable",
            " pure",
        ] {
            shown = shown.replace(word, "");
        }
        shown.replace(" returns ", " → ")
    }
}

#[cfg(test)]
mod tests;
