//! Licences of what ships: permissive only.
//!
//! What ships is the tree of normal dependencies of the `capstan` program; what only tests or build scripts use
//! never leaves this repository.

use std::collections::BTreeMap;

use eyre::{Result, bail, eyre};

use crate::shell;

/// Licences that ask for no more than to be named.
const PERMISSIVE: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Fails with the name of every crate that ships under another licence.
pub(crate) fn run() -> Result<()> {
    let licences = shipped()?;
    let mut refused = Vec::new();
    for (name, licence) in &licences {
        if !is_permissive(licence) {
            refused.push(format!("{name}: {licence}"));
        }
    }
    if !refused.is_empty() {
        bail!(
            "crates that ship must be under a permissive licence:\n  {}",
            refused.join("\n  ")
        );
    }
    println!(
        "{} crates ship, all under permissive licences",
        licences.len()
    );
    Ok(())
}

/// Name and version of each crate that ships, with its licence.
pub(crate) fn shipped() -> Result<BTreeMap<String, String>> {
    // `cargo tree` lists what is compiled; the resolve of `cargo metadata` also holds optional crates that
    // no feature turns on. Derive macros run in the compiler: nothing of them is in the program.
    let mut tree = shell::cargo();
    tree.args(["tree", "--package", "capstan"])
        .args(["--edges", "normal,no-proc-macro"])
        .args(["--prefix", "none", "--format", "{p}|{l}"])
        // Where it asks for the features of the whole workspace, the tree would be the whole workspace's.
        .env_remove("CARGO_RESOLVER_FEATURE_UNIFICATION");
    let tree = shell::output(&mut tree)?;
    let mut licences = BTreeMap::new();
    for line in tree.lines() {
        let line = line.trim_end_matches(" (*)");
        let (package, licence) = line
            .rsplit_once('|')
            .ok_or_else(|| eyre!("cargo tree says `{line}`"))?;
        // Our own crates are listed with the folder they are in.
        if package.contains('(') {
            continue;
        }
        let licence = if licence.is_empty() {
            "no licence stated"
        } else {
            licence
        };
        licences.insert(package.replacen(" v", " ", 1), licence.to_owned());
    }
    Ok(licences)
}

/// Reads an SPDX expression of `AND`, `OR`, `WITH` and brackets; `/` is an old way to write `OR`.
fn is_permissive(expression: &str) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    any_of(&tokens, &mut at) && at == tokens.len()
}

fn any_of(tokens: &[&str], at: &mut usize) -> bool {
    let mut good = all_of(tokens, at);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        good |= all_of(tokens, at);
    }
    good
}

fn all_of(tokens: &[&str], at: &mut usize) -> bool {
    let mut good = one(tokens, at);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        good &= one(tokens, at);
    }
    good
}

fn one(tokens: &[&str], at: &mut usize) -> bool {
    match tokens.get(*at) {
        Some(&"(") => {
            *at += 1;
            let good = any_of(tokens, at);
            let closed = tokens.get(*at) == Some(&")");
            *at += 1;
            good && closed
        }
        Some(name) => {
            *at += 1;
            if tokens.get(*at) == Some(&"WITH") {
                let exception = tokens.get(*at + 1).copied().unwrap_or_default();
                *at += 2;
                let plain = PERMISSIVE.contains(name);
                return plain || PERMISSIVE.contains(&format!("{name} WITH {exception}").as_str());
            }
            PERMISSIVE.contains(name)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_permissive;

    #[test]
    fn a_choice_needs_one_good_licence_and_a_sum_all() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "MIT OR GPL-3.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
            "LGPL-2.1 OR MIT",
        ] {
            assert!(is_permissive(good), "{good}");
        }
        for bad in [
            "GPL-3.0",
            "LGPL-3.0",
            "MIT AND GPL-3.0",
            "no licence stated",
            "",
            "(MIT",
            "MIT MIT",
            "MPL-2.0",
        ] {
            assert!(!is_permissive(bad), "{bad}");
        }
    }
}
