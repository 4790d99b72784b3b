//! The rules of consensus code hold because clippy refuses what breaks them. Here each rule is broken once, in a
//! crate that has nothing but the rules of ours: a rule that refuses nothing is no rule.

use std::{fs, path::Path, process::Command};

/// One line of code for each thing that consensus code may not do.
const BROKEN: &[&str] = &[
    "pub fn float(a: f64) -> f64 { a }",
    "pub fn cast(a: u64) -> u32 { a as u32 }",
    "pub fn unwraps(a: Option<u8>) -> u8 { a.unwrap() }",
    "pub fn expects(a: Option<u8>) -> u8 { a.expect(\"there\") }",
    "pub fn panics() { panic!(\"no\") }",
    "pub fn clock(a: std::time::Instant) -> bool { a == a.clone() }",
    "pub fn date() -> std::time::SystemTime { std::time::UNIX_EPOCH }",
    "pub fn order() -> std::collections::HashMap<u8, u8> { Default::default() }",
    "pub fn set() -> std::collections::HashSet<u8> { Default::default() }",
    "pub fn thread() { drop(std::thread::spawn(|| ())) }",
    "pub fn environment() { drop(std::env::var(\"HOME\")) }",
];

/// What the crates without layout macros and constant tables also refuse.
const STRICT: &[&str] = &[
    "pub fn index(a: &[u8], at: usize) -> u8 { a[at] }",
    "pub fn sum(a: u64, b: u64) -> u64 { a + b }",
];

/// The attributes at the head of a crate: its rules.
fn rules(lib: &str) -> String {
    let mut rules = String::new();
    let mut open = false;
    for line in lib.lines() {
        open |= line.starts_with("#![");
        if open {
            rules.push_str(line);
            rules.push('\n');
        }
        open &= !line.ends_with(")]");
    }
    rules
}

/// Every line of `broken` is an error under the rules of the crate, and a line that breaks none is not.
fn check(krate: &str, broken: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates")
        .join(krate);
    let scratch = tempfile::tempdir().expect("a folder");
    let source = scratch.path().join("src");
    fs::create_dir(&source).expect("made");
    let manifest = "[package]\nname = \"rules\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(scratch.path().join("Cargo.toml"), manifest).expect("written");
    fs::copy(root.join("clippy.toml"), scratch.path().join("clippy.toml")).expect("copied");
    let lib = fs::read_to_string(root.join("src/lib.rs")).expect("readable");
    let head = rules(&lib) + "pub fn fine(a: u64) -> Option<u64> { a.checked_add(1) }\n";
    let before = head.lines().count();
    fs::write(source.join("lib.rs"), head + &broken.join("\n")).expect("written");
    let output = Command::new(env!("CARGO"))
        .args(["clippy", "--quiet", "--offline", "--message-format=short"])
        .env("CARGO_TARGET_DIR", scratch.path().join("target"))
        .current_dir(scratch.path())
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let refused = |line: usize| said.contains(&format!("src/lib.rs:{line}:"));
    assert!(!refused(before), "{krate} refuses what is fine:\n{said}");
    for (number, line) in broken.iter().enumerate() {
        assert!(
            refused(before + 1 + number),
            "{krate} lets this pass: {line}\n{said}"
        );
    }
    assert!(!output.status.success(), "{krate} only warns:\n{said}");
}

#[test]
fn every_rule_of_consensus_code_refuses_what_breaks_it() {
    let all = [BROKEN, STRICT].concat();
    check("units", &all);
    check("contracts", &all);
    check("state", BROKEN);
}
