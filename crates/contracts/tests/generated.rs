//! Generated files are fresh.

use std::path::Path;

use capstan_contracts::all;

#[test]
fn generated_files_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let stale: Vec<_> = capstan_contracts::generated::files()
        .into_iter()
        .filter(|file| {
            std::fs::read_to_string(root.join(&file.path)).ok().as_ref() != Some(&file.text)
        })
        .map(|file| file.path)
        .collect();
    assert!(stale.is_empty(), "run `cargo xtask gen`; stale: {stale:?}");
}

/// What a contract inherits stands behind `is` of the interface before it: Solidity has all that the ABI has.
#[test]
fn inherited_interfaces_are_named_in_solidity() {
    let heading = |source: &'static str| {
        let mut lines = source.lines().map(str::trim);
        let heading = lines.find_map(|line| line.strip_prefix("interface "));
        heading.expect("an interface").split([' ', '{'])
    };
    for contract in all() {
        for pair in contract.interfaces.windows(2) {
            let parent = heading(pair[1].source).next().expect("a name");
            let named = heading(pair[0].source).any(|word| word == parent);
            assert!(named, "{}: {} is no {parent}", contract.name, pair[0].name);
        }
    }
}

/// Every verb, event and error of a contract stands on its page with its number and a sentence.
#[test]
fn pages_name_all_that_a_contract_declares() {
    let files = capstan_contracts::generated::files();
    for contract in all() {
        let path = format!("docs/abi/{}.md", contract.name);
        let Some(page) = files.iter().find(|file| file.path == path) else {
            assert!(
                matches!(contract.entry, capstan_contracts::Entry::Raw(_)),
                "{path}"
            );
            continue;
        };
        let abi = contract.declared();
        let verbs = abi.functions().map(|one| one.selector().to_string());
        let events = abi.events().map(|one| one.selector().to_string());
        let errors = abi.errors().map(|one| one.selector().to_string());
        for number in verbs.chain(events).chain(errors) {
            let row = format!(" | `{number}` |");
            let found = page.text.lines().find(|line| line.ends_with(&row));
            let found = found.unwrap_or_else(|| panic!("{path} lacks {number}"));
            assert!(
                !found.contains("` |  | `"),
                "{path} says nothing of {found}"
            );
        }
    }
}
