//! The house has floors: imports go down, and only along the edges listed here.
//!
//! A new edge is a decision about the architecture. Whoever needs one adds it here, with its reason in
//! ARCHITECTURE.md, so that a review sees it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Which room may import which. `testing` is a tool of development and sees all.
const ROOMS: &[(&str, &[&str])] = &[
    ("capstan-units", &[]),
    // Only for the macros' documentation examples, which compile against the real handles.
    ("capstan-state-derive", &["capstan-state"]),
    ("capstan-state", &["capstan-units", "capstan-state-derive"]),
    ("capstan-contracts", &["capstan-units", "capstan-state"]),
    // Knows nothing of transactions, so that it can be checked by itself.
    ("capstan-window", &[]),
    // A port for strangers, whoever answers on it.
    ("capstan-listen", &[]),
    (
        "capstan-evm",
        &[
            "capstan-units",
            "capstan-state",
            "capstan-contracts",
            "capstan-window",
        ],
    ),
    (
        "capstan-chain",
        &[
            "capstan-units",
            "capstan-state",
            "capstan-contracts",
            "capstan-evm",
        ],
    ),
    (
        "capstan-rpc",
        &[
            "capstan-units",
            "capstan-state",
            "capstan-contracts",
            "capstan-evm",
            "capstan-chain",
            "capstan-listen",
        ],
    ),
    // They talk to a node over RPC alone, and know contracts by their ABI.
    ("capstan-client", &["capstan-units", "capstan-contracts"]),
    (
        "capstan-agents",
        &["capstan-units", "capstan-contracts", "capstan-client"],
    ),
    // What a machine runs knows no chain; its money has the digits of the chain's own dollar.
    ("capstan-compute", &["capstan-units", "capstan-listen"]),
    // The page's files, as the server wants them.
    ("capstan-page", &["capstan-rpc"]),
    (
        "capstan",
        &[
            "capstan-units",
            "capstan-state",
            "capstan-contracts",
            "capstan-evm",
            "capstan-chain",
            "capstan-rpc",
            "capstan-client",
            "capstan-agents",
            "capstan-page",
            "capstan-compute",
            "capstan-listen",
            // Only for its tests, which start the program as a process.
            "capstan-testing",
        ],
    ),
    (
        "capstan-testing",
        &[
            "capstan-units",
            "capstan-state",
            "capstan-contracts",
            "capstan-evm",
            "capstan-chain",
            "capstan-rpc",
            "capstan-client",
        ],
    ),
    (
        "capstan-bench",
        &[
            "capstan-units",
            "capstan-state",
            "capstan-contracts",
            "capstan-evm",
            "capstan-chain",
            "capstan-rpc",
        ],
    ),
    (
        "capstan-fuzz",
        &[
            "capstan-state",
            "capstan-contracts",
            "capstan-evm",
            "capstan-chain",
            "capstan-rpc",
        ],
    ),
    // Nothing of the node: `cargo xtask` must start within seconds on a fresh clone.
    ("xtask", &[]),
];

/// Modules of the contracts room that are no contract: what all contracts stand on.
const FRAMEWORK: &[&str] = &[
    "address",
    "contract",
    "decode",
    "error",
    "generated",
    "invariant",
    "lib",
    "position",
    "registry",
    "system",
    "testkit",
    "text",
];

/// Those of them that know every contract: they list them.
const REGISTRIES: &[&str] = &["lib.rs", "registry.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("testing lies in the repository")
        .to_owned()
}

fn metadata(flags: &[&str]) -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline"])
        .args(flags)
        .current_dir(root())
        .output()
        .expect("cargo answers");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

#[test]
fn rooms_import_only_along_the_listed_edges() {
    let metadata = metadata(&["--no-deps"]);
    let packages = metadata["packages"].as_array().expect("packages");
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let names: BTreeSet<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let Some(edges) = allowed.get(name) else {
            wrong.push(format!("{name} is a room that the table does not know"));
            continue;
        };
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let target = dependency["name"].as_str().expect("a name");
            if names.contains(target) && !edges.contains(&target) {
                wrong.push(format!("{name} imports {target}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "edges that the architecture does not have:\n  {}",
        wrong.join("\n  ")
    );
}

/// What the library door needs is what a researcher builds: no EVM, no node.
#[test]
fn contracts_need_no_evm() {
    let metadata = metadata(&["--filter-platform", "x86_64-unknown-linux-gnu"]);
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let name = |id: &str| {
        id.rsplit(['/', '#'])
            .next()
            .unwrap_or_default()
            .split('@')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let below = |id: &str| -> Vec<String> {
        let node = nodes.iter().find(|node| node["id"] == id).expect("a node");
        let ships = |edge: &&serde_json::Value| {
            edge["dep_kinds"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
        };
        let edges = node["deps"].as_array().expect("edges").iter().filter(ships);
        edges
            .filter_map(|edge| edge["pkg"].as_str().map(str::to_owned))
            .collect()
    };
    let packages = metadata["packages"].as_array().expect("packages");
    let contracts = packages
        .iter()
        .find(|package| package["name"] == "capstan-contracts")
        .expect("contracts");
    let mut waiting = vec![contracts["id"].as_str().expect("an id").to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if seen.insert(id.clone()) {
            waiting.extend(below(&id));
        }
    }
    let names: BTreeSet<String> = seen.iter().map(|id| name(id)).collect();
    assert!(
        names.contains("alloy-sol-types"),
        "the walk did not reach what contracts use: {names:?}"
    );
    for heavy in ["revm", "tokio", "redb", "axum", "alloy-consensus"] {
        assert!(!names.contains(heavy), "capstan-contracts pulls {heavy}");
    }
}

/// The folders of contracts, each with the contracts that its door says it imports (`//! Imports: a, b.`).
fn contracts(source: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut contracts = BTreeMap::new();
    for entry in fs::read_dir(source).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let door = entry.path().join("mod.rs");
        if FRAMEWORK.contains(&name.as_str()) || !door.exists() {
            continue;
        }
        let text = fs::read_to_string(&door).expect("readable");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("//! Imports: "));
        let line = line.unwrap_or_else(|| panic!("{name}/mod.rs does not say what it imports"));
        let list = line.split('.').next().unwrap_or_default();
        let imports = list.split(", ").filter(|target| *target != "none");
        contracts.insert(name, imports.map(str::to_owned).collect());
    }
    contracts
}

#[test]
fn contracts_import_what_their_doors_say() {
    let source = root().join("crates/contracts/src");
    let stated = contracts(&source);
    assert!(stated.len() > 5, "contracts were not found: {stated:?}");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for file in rust_files(&source) {
        let path = file.strip_prefix(&source).expect("below the source");
        let first = path.components().next().expect("a name").as_os_str();
        let first = first.to_string_lossy().into_owned();
        if REGISTRIES.contains(&first.as_str()) || is_test(path) {
            continue;
        }
        let room = first.trim_end_matches(".rs");
        for target in imported(&fs::read_to_string(&file).expect("readable")) {
            if target == room || !stated.contains_key(&target) {
                continue;
            }
            if stated.contains_key(room) {
                found.entry(room.to_owned()).or_default().insert(target);
            } else {
                wrong.push(format!(
                    "{}, which is no contract, imports {target}",
                    path.display()
                ));
            }
        }
    }
    for (room, imports) in &stated {
        let found = found.remove(room).unwrap_or_default();
        if found != *imports {
            wrong.push(format!(
                "{room}/mod.rs says {imports:?}, and imports {found:?}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "edges between contracts:\n  {}",
        wrong.join("\n  ")
    );
    assert!(
        edges_go_one_way(&stated),
        "contracts import each other in a circle: {stated:?}"
    );
}

/// Whether the contracts can be put in an order in which each imports only earlier ones.
fn edges_go_one_way(edges: &BTreeMap<String, BTreeSet<String>>) -> bool {
    let mut placed = BTreeSet::new();
    while placed.len() < edges.len() {
        let next = edges
            .iter()
            .find(|(room, imports)| !placed.contains(*room) && imports.is_subset(&placed));
        match next {
            Some((room, _)) => placed.insert(room.clone()),
            None => return false,
        };
    }
    true
}

#[test]
fn a_circle_of_imports_is_seen() {
    let edges = |pairs: &[(&str, &[&str])]| -> BTreeMap<String, BTreeSet<String>> {
        let own = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let rows = pairs
            .iter()
            .map(|(room, imports)| ((*room).to_owned(), own(imports)));
        rows.collect()
    };
    assert!(edges_go_one_way(&edges(&[("a", &["b"]), ("b", &[])])));
    assert!(!edges_go_one_way(&edges(&[("a", &["b"]), ("b", &["a"])])));
    assert!(!edges_go_one_way(&edges(&[("a", &["gone"])])));
}

/// The first names after `crate::`, in paths and in groups.
fn imported(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group_heads(group)),
            None => names.extend(head(rest)),
        }
    }
    names
}

fn head(path: &str) -> Option<String> {
    let name: String = path
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

/// The heads of `a::{b, c}, d}`: what stands at the first level of a group.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                heads.extend(head(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.extend(head(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    heads
}

fn is_test(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem == "tests"
        || stem == "testkit"
        || stem.ends_with("_tests")
        || path
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "testkit")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn the_reader_of_imports_sees_paths_and_groups() {
    let names = imported(
        "use crate::token::{self, Token};\n// crate::flash\nuse crate::{admin::{a, b}, oracle};\ncrate::x()",
    );
    let expected = ["admin", "oracle", "token", "x"].map(str::to_owned);
    assert_eq!(names, BTreeSet::from(expected));
}

/// Ids of invariants as specs declare them: `- **TOK-1** ...`, or the first cell of a table's row.
fn declared_ids() -> BTreeMap<String, PathBuf> {
    let mut declared = BTreeMap::new();
    for entry in fs::read_dir(root().join("specs")).expect("specs").flatten() {
        let path = entry.path();
        let text = fs::read_to_string(&path).expect("readable");
        for line in text.lines() {
            let starts = ["- **", "**", "| "];
            let Some(rest) = starts.iter().find_map(|start| line.strip_prefix(start)) else {
                continue;
            };
            let end = rest.find(['*', ' ']).unwrap_or(rest.len());
            let (id, after) = rest.split_at(end);
            let opens = after.starts_with("**") || after.starts_with(" |");
            // Standards have numbers too; they are not ours.
            let ours = !(id.starts_with("EIP-") || id.starts_with("ERC-"));
            if opens && ours && ids(id).contains(id) {
                let other = declared.insert(id.to_owned(), path.clone());
                assert!(
                    other.is_none(),
                    "{id} stands in {other:?} and in {}",
                    path.display()
                );
            }
        }
    }
    declared
}

/// Everything in a text that looks like `TOK-1`.
fn ids(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
        if let Some((room, number)) = word.split_once('-')
            && room.len() > 1
            && room.chars().all(|c| c.is_ascii_uppercase())
            && !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
        {
            found.insert(word.to_owned());
        }
    }
    found
}

/// Ids in the names of functions: `fn tok_1_the_supply...`, `fn create_1_create_2_it...`.
fn ids_of_names(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in text
        .lines()
        .filter_map(|line| line.trim_start().split_once("fn "))
    {
        let parts: Vec<&str> = name.1.split(['_', '(']).collect();
        for pair in parts.windows(2) {
            if pair[1].chars().all(|c| c.is_ascii_digit()) && !pair[1].is_empty() {
                found.insert(format!("{}-{}", pair[0].to_uppercase(), pair[1]));
            }
        }
    }
    found
}

/// Every file below `folder` that tests, or that has tests in it: (path, the part that tests).
fn tests_below(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["target", "node_modules", "build"].contains(&name.as_str()) {
                tests_below(&path, found);
            }
            continue;
        }
        if !(name.ends_with(".rs") || name.ends_with(".mjs") || name.ends_with(".py")) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("readable");
        if is_test(&path) || path.starts_with(root().join("testing")) {
            found.push((path, text));
        } else if let Some((_, inside)) = text.split_once("mod tests {") {
            let inside = inside.to_owned();
            found.push((path, inside));
        }
    }
}

#[test]
fn every_invariant_has_a_test_of_its_name() {
    let declared = declared_ids();
    assert!(declared.len() > 100, "ids were not found: {declared:?}");
    let mut tests = Vec::new();
    for folder in ["crates", "bin", "testing", "xtask"] {
        tests_below(&root().join(folder), &mut tests);
    }
    let rooms: BTreeSet<&str> = declared
        .keys()
        .filter_map(|id| id.split('-').next())
        .collect();
    let mut named = BTreeSet::new();
    let mut unknown = Vec::new();
    for (path, text) in &tests {
        for id in ids(text).into_iter().chain(ids_of_names(text)) {
            let of_a_room = id
                .split('-')
                .next()
                .is_some_and(|room| rooms.contains(room));
            if of_a_room && !declared.contains_key(&id) && !path.ends_with("it/architecture.rs") {
                unknown.push(format!(
                    "{} names {id}, which no page of specs declares",
                    path.display()
                ));
            }
            if !path.ends_with("it/architecture.rs") {
                named.insert(id);
            }
        }
    }
    let untested = declared.iter().filter(|(id, _)| !named.contains(*id));
    let untested: Vec<String> = untested
        .map(|(id, page)| format!("{id} of {} is named by no test", page.display()))
        .chain(unknown)
        .collect();
    assert!(
        untested.is_empty(),
        "invariants and tests differ:\n  {}",
        untested.join("\n  ")
    );
}

#[test]
fn ids_are_seen_in_texts_and_names() {
    let set = |list: &[&str]| {
        list.iter()
            .map(|id| (*id).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        ids("TOK-1, and ADM-12: not tok-3, A-1, TOK-x"),
        set(&["TOK-1", "ADM-12"])
    );
    assert_eq!(
        ids_of_names("fn create_1_create_2_it() {\n    fn adm_3() {}"),
        set(&["CREATE-1", "CREATE-2", "ADM-3"])
    );
}
