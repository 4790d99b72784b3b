//! Files that are made from the contracts: ABI, Solidity interfaces, the tables of specs, and the reference in docs.
//!
//! `cargo xtask gen` writes them; a test fails when one is stale.

mod pages;

use std::fmt::Write;

use alloy_json_abi::JsonAbi;
use capstan_state::snapshot;

use crate::{
    Entry, Interface, Place, SystemKind, address::PREFIX, all, error::INative, native, text,
};

/// One generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path from the repository's root.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// Every generated file.
pub fn files() -> Vec<File> {
    let mut files = vec![
        file("specs/addresses.md", addresses()),
        file("specs/selectors.md", selectors()),
        file("specs/layouts.md", layouts()),
        file("abi/native.json", json(&INative::abi::contract())),
        file(
            "solidity/INative.sol",
            solidity(&text::solidity(include_str!("error.rs"))),
        ),
        file("solidity/CapstanAddresses.sol", address_library()),
    ];
    for contract in all() {
        if contract.interfaces.is_empty() {
            continue;
        }
        let abi = format!("abi/{}.json", contract.name);
        files.push(file(&abi, json(&contract.abi())));
        let mut rest = contract.interfaces;
        while let Some((own, inherited)) = rest.split_first() {
            files.push(interface(own, inherited));
            rest = inherited;
        }
    }
    files.extend(pages::files());
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup();
    files
}

fn file(path: &str, text: String) -> File {
    File {
        path: path.to_owned(),
        text,
    }
}

/// The Solidity file of an interface, which imports those that it names among the ones it inherits.
fn interface(own: &Interface, inherited: &[Interface]) -> File {
    let source = text::solidity(own.source);
    let mut text = String::new();
    for face in inherited.iter().map(solidity_name) {
        if source.contains(&format!("is {face} ")) {
            let _ = writeln!(text, "import {{{face}}} from \"./{face}.sol\";\n");
        }
    }
    text.push_str(&source);
    file(
        &format!("solidity/{}.sol", solidity_name(own)),
        solidity(&text),
    )
}

/// Name of the first interface of a source.
fn solidity_name(interface: &Interface) -> String {
    let solidity = text::solidity(interface.source);
    let name = solidity
        .lines()
        .find_map(|line| line.strip_prefix("interface "));
    name.and_then(|rest| rest.split(' ').next())
        .unwrap_or(interface.name)
        .to_owned()
}

fn json(abi: &JsonAbi) -> String {
    // An ABI is strings and lists: there is nothing in it that JSON cannot hold.
    let mut text = serde_json::to_string_pretty(abi).unwrap_or_default();
    text.push('\n');
    text
}

/// The text of a Solidity file with its head.
fn solidity(body: &str) -> String {
    format!(
        "// SPDX-License-Identifier: MIT OR Apache-2.0\n\
         // Made by `cargo xtask gen`. Change the Rust source instead.\n\
         pragma solidity >=0.8.4;\n\n{body}"
    )
}

fn address_library() -> String {
    let mut text = String::from("/// Where native contracts answer.\nlibrary CapstanAddresses {\n");
    for contract in all() {
        if let Place::At(at) = contract.place {
            let name = upper(contract.name);
            let _ = writeln!(
                text,
                "    /// {}\n    address internal constant {name} = {at};",
                contract.doc
            );
        }
    }
    text.push_str("}\n");
    solidity(&text)
}

/// `tokenFactory` as `TOKEN_FACTORY`.
fn upper(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

fn addresses() -> String {
    let prefix = alloy_primitives::hex::encode_prefixed(PREFIX);
    let mut text = format!(
        "# Addresses\n\n\
         Made by `cargo xtask gen` from `crates/contracts/src/registry.rs`.\n\n\
         A native address is the twelve bytes `{prefix}`, then the kind (two bytes), then the id (six bytes).\n\
         A call goes to a native contract because of the address, never because of the code found there. The code\n\
         of a native account is the one byte `fe`, so that Solidity sees a contract. Two contracts stand where\n\
         tools of other chains look for them. EVM code cannot be created under the prefix.\n\n\
         | contract | address | what |\n|---|---|---|\n"
    );
    for contract in all() {
        let place = match contract.place {
            Place::At(at) => format!("`{at}`"),
            Place::Kind(kind) => format!("`{:#x}` + id", native(kind, 0)),
        };
        let _ = writeln!(text, "| {} | {place} | {} |", contract.name, contract.doc);
    }
    text.push_str(
        "\nTransactions that the block itself makes go to these, in this order, and only there:\n\n\
         | work | address | phase |\n|---|---|---|\n",
    );
    for kind in SystemKind::ALL {
        let _ = writeln!(
            text,
            "| {kind:?} | `{}` | {:?} |",
            kind.target(),
            kind.phase()
        );
    }
    text
}

fn selectors() -> String {
    let mut text = String::from(
        "# Selectors\n\n\
         Made by `cargo xtask gen`. A selector that changed here changed for every wallet: think twice.\n\
         Base gas is charged beside storage, calldata (6 per word), logs and calls.\n",
    );
    for contract in all() {
        if let Entry::Verbs(verbs) = contract.entry {
            let _ = write!(
                text,
                "\n## {}\n\n| selector | verb | may | base gas |\n|---|---|---|---|\n",
                contract.name
            );
            let mut rows: Vec<_> = verbs.iter().collect();
            rows.sort_by_key(|verb| verb.signature);
            for verb in rows {
                let selector = alloy_primitives::hex::encode_prefixed(verb.selector);
                let payable = if verb.payable { ", takes coins" } else { "" };
                let may = format!("{:?}{payable}", verb.mutability).to_lowercase();
                let _ = writeln!(
                    text,
                    "| `{selector}` | `{}` | {may} | {} |",
                    verb.signature, verb.base_gas
                );
            }
            facts(&mut text, &contract.declared());
        }
    }
    text.push_str("\n## All contracts\n");
    facts(&mut text, &INative::abi::contract());
    text
}

fn facts(text: &mut String, abi: &JsonAbi) {
    if !abi.errors.is_empty() {
        text.push_str("\n| selector | error |\n|---|---|\n");
        for error in abi.errors() {
            let _ = writeln!(text, "| `{}` | `{}` |", error.selector(), error.signature());
        }
    }
    if !abi.events.is_empty() {
        text.push_str("\n| topic | event |\n|---|---|\n");
        for event in abi.events() {
            let _ = writeln!(text, "| `{}` | `{}` |", event.selector(), event.signature());
        }
    }
}

fn layouts() -> String {
    let mut text = String::from(
        "# Storage layouts\n\n\
         Made by `cargo xtask gen`. A line that changed here means other bytes in every chain that runs: it needs\n\
         a migration.\n",
    );
    for contract in all().iter().filter(|contract| !contract.layout.is_empty()) {
        let _ = write!(
            text,
            "\n## {}\n\n```text\n{}```\n",
            contract.name,
            snapshot(contract.layout)
        );
    }
    text
}
