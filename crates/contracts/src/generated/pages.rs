//! The reference of the ABI for people: one page per contract in `docs/abi`, from the same sources as the Solidity files.

use std::fmt::Write;

use alloy_json_abi::JsonAbi;
use alloy_primitives::hex;

use super::{File, file, solidity_name};
use crate::{
    Contract, Entry, Interface, Mutability, Place, all, error::INative, native, text,
    text::Declaration,
};

const FOLDER: &str = "docs/abi";

/// What the end of a name, or a whole name, says about a number.
const UNITS: &[(&str, &str)] = &[
    (
        "amount, assets, units, cash, supplied, borrowed, owed, fee, cap, seed, paid, received",
        "smallest units of the asset: 1500000 is 1.5 of a token of 6 decimals",
    ),
    (
        "shares",
        "smallest units of a share token; what they are worth is asked of the contract that made them",
    ),
    (
        "..Id",
        "a number that the contract gave: of an asset (ledger), a pool, a position, an order",
    ),
    ("index", "which of an owner's 256 accounts"),
    (
        "..Price, spot, smoothed, median",
        "dollars of a whole token, times 10^18",
    ),
    (
        "..Value, health.., collateral, debt, borrowable (of a report)",
        "dollars, or a ratio, times 10^18",
    ),
    ("..Bps", "hundredths of a percent: 250 is 2.5 %"),
    ("..Pips", "millionths: 500 is 0.05 %"),
    (
        "..Ms",
        "milliseconds: a moment since 1970, or a length of time",
    ),
    ("..S", "seconds"),
    (
        "deadline",
        "a moment in seconds since 1970; deadlineMs in milliseconds",
    ),
    ("..X96", "times 2^96"),
    ("..Wad, ..Ray", "times 10^18, times 10^27"),
    ("..Wei", "smallest units of the gas coin"),
    (
        "..Usd",
        "dollars; the verb says whether whole ones, or times 10^18",
    ),
    (
        "..Min, ..Max",
        "a bound of the caller's: beyond it the call does nothing",
    ),
];

/// The index, a page per contract, and one for what every contract answers.
pub(super) fn files() -> Vec<File> {
    let mut files = vec![
        file(&format!("{FOLDER}/README.md"), index()),
        file(&format!("{FOLDER}/native.md"), of_all_contracts()),
    ];
    for contract in documented() {
        let path = format!("{FOLDER}/{}.md", contract.name);
        files.push(file(&path, page(contract)));
    }
    files
}

/// Contracts with verbs.
fn documented() -> impl Iterator<Item = &'static &'static Contract> {
    all()
        .iter()
        .filter(|contract| matches!(contract.entry, Entry::Verbs(_)))
}

fn index() -> String {
    let mut text = String::from(
        "# ABI reference\n\n\
         Made by `cargo xtask gen` from the sources of the contracts. One page for each: its verbs with their selectors, its\n\
         events with their topics, its errors with their selectors and what to do next.\n\
         For machines the same is in [abi/](../../abi), for Solidity in [solidity/](../../solidity); how to use both is in\n\
         [the guide for Solidity developers](../solidity.md).\n\n\
         | contract | address | what |\n|---|---|---|\n",
    );
    for contract in documented() {
        let (name, doc, at) = (contract.name, contract.doc, address(contract));
        let _ = writeln!(text, "| [{name}]({name}.md) | {at} | {doc} |");
    }
    text.push_str(
        "\nWhat [every contract](native.md) may answer stands by itself. `create2` takes bare bytes and has no verbs\n\
         ([specs/create2.md](../../specs/create2.md)).\n\n\
         ## Units\n\nNames say units. No number has a hidden one.\n\n| name | unit |\n|---|---|\n",
    );
    for (name, unit) in UNITS {
        let _ = writeln!(text, "| {name} | {unit} |");
    }
    text.push_str(
        "\n## Errors\n\nA refusal is a Solidity custom error: four bytes of selector, then the numbers that it is about. A node puts\n\
         it into words (`capstan_decodeError`, and the message of `eth_call` and `eth_estimateGas`); viem and ethers do with\n\
         the JSON files. An arithmetic overflow is `Panic(0x11)`.\n",
    );
    text
}

fn address(contract: &Contract) -> String {
    match contract.place {
        Place::At(at) => format!("`{at}`"),
        Place::Kind(kind) => format!("`{:#x}` + id", native(kind, 0)),
    }
}

fn page(contract: &Contract) -> String {
    let Entry::Verbs(verbs) = contract.entry else {
        return String::new();
    };
    let (name, abi) = (contract.name, contract.declared());
    let mut text = format!(
        "# {name}\n\nMade by `cargo xtask gen`. {}\n\nAddress: {}. For machines: [abi/{name}.json](../../abi/{name}.json).",
        contract.doc,
        address(contract)
    );
    for interface in contract.interfaces {
        let sol = solidity_name(interface);
        let _ = write!(text, " [{sol}.sol](../../solidity/{sol}.sol).");
    }
    text.push_str(" Units: [index](README.md#units).\n");
    let declared: Vec<_> = contract.interfaces.iter().flat_map(declarations).collect();
    for (title, of) in [("Reads", true), ("Writes", false)] {
        let rows = rows(&declared, "function", |name, at| {
            let function = abi.functions.get(name)?.get(at)?;
            let selector = function.selector().0;
            let verb = verbs.iter().find(|verb| verb.selector == selector)?;
            let coins = if verb.payable { " Takes coins." } else { "" };
            let reads = verb.mutability != Mutability::Write;
            (reads == of).then(|| (hex::encode_prefixed(selector), coins))
        });
        table(&mut text, title, "verb", "selector", &rows);
    }
    facts(&mut text, &declared, &abi);
    structs(&mut text, &declared);
    let others = contract.errors_of.iter().map(|other| other.name);
    let others: Vec<_> = others.map(|of| format!("[{of}]({of}.md#errors)")).collect();
    let through = match others.as_slice() {
        [] => "those of [every contract](native.md)".to_owned(),
        named => format!(
            "those of {} and of [every contract](native.md)",
            named.join(", ")
        ),
    };
    let _ = write!(text, "\nIts verbs may also answer {through}.\n");
    text
}

fn of_all_contracts() -> String {
    let mut text = String::from(
        "# Every contract\n\nMade by `cargo xtask gen`. What the framework answers before any verb runs, and the errors of storage\n\
         and calls that contracts share.\n",
    );
    let source = text::solidity(include_str!("../error.rs"));
    facts(
        &mut text,
        &text::declarations(&source),
        &INative::abi::contract(),
    );
    text
}

fn declarations(interface: &Interface) -> Vec<Declaration> {
    text::declarations(&text::solidity(interface.source))
}

/// A declaration as people read it, its number, and what it is.
struct Row {
    shown: String,
    number: String,
    what: String,
}

/// Rows of one kind of declaration. `number_of` takes a name and which of the same name it is, and answers its number and
/// what is to be added to its sentence; what it knows nothing of is left out.
fn rows<'a>(
    declared: &[Declaration],
    kind: &str,
    number_of: impl Fn(&str, usize) -> Option<(String, &'a str)>,
) -> Vec<Row> {
    let of_kind: Vec<_> = declared.iter().filter(|one| one.kind == kind).collect();
    let mut rows = Vec::new();
    for (at, one) in of_kind.iter().enumerate() {
        let before = of_kind.iter().take(at);
        let namesakes = before.filter(|other| other.name == one.name).count();
        if let Some((number, more)) = number_of(&one.name, namesakes) {
            rows.push(Row {
                shown: one.for_people(),
                number,
                what: format!("{}{more}", one.doc),
            });
        }
    }
    rows
}

fn facts(text: &mut String, declared: &[Declaration], abi: &JsonAbi) {
    let events = rows(declared, "event", |name, at| {
        let event = abi.events.get(name)?.get(at)?;
        Some((event.selector().to_string(), ""))
    });
    table(text, "Events", "event", "topic", &events);
    let errors = rows(declared, "error", |name, at| {
        let error = abi.errors.get(name)?.get(at)?;
        Some((hex::encode_prefixed(error.selector()), ""))
    });
    table(text, "Errors", "error", "selector", &errors);
}

fn table(text: &mut String, title: &str, first: &str, number: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    let _ = write!(
        text,
        "\n## {title}\n\n| {first} | what | {number} |\n|---|---|---|\n"
    );
    for row in rows {
        let _ = writeln!(
            text,
            "| `{}` | {} | `{}` |",
            row.shown, row.what, row.number
        );
    }
}

fn structs(text: &mut String, declared: &[Declaration]) {
    let structs: Vec<_> = declared.iter().filter(|one| one.kind == "struct").collect();
    if structs.is_empty() {
        return;
    }
    text.push_str("\n## Structs\n\n```solidity\n");
    for one in structs {
        let _ = writeln!(text, "// {}\n{}", one.doc, one.body);
    }
    text.push_str("```\n");
}
