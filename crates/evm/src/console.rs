//! `console.log` of Solidity: calls to an address without code, whose input is the message.
//!
//! Hardhat's and Foundry's `console.sol` call this address with a selector for each list of types. Nothing answers there,
//! so a chain may ignore them; a development chain listens ([`crate::call::Session::listen`]) and shows what was said,
//! also where the transaction reverts.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::LazyLock,
};

use alloy_primitives::{Address, B256, Bytes, I256, U256, address, hex, keccak256};

/// Where messages go: "console.log" in ASCII.
pub const ADDRESS: Address = address!("0x000000000000000000636F6e736F6c652e6c6f67");

/// Messages of one transaction that are kept; a loop may send any number.
const MESSAGES_MAX: usize = 256;
/// Bytes of them.
const BYTES_MAX: usize = 256 << 10;

/// What a transaction said.
#[derive(Debug, Default)]
pub(crate) struct Console {
    messages: Vec<Bytes>,
    bytes: usize,
    left_out: usize,
}

impl Console {
    pub(crate) fn hear(&mut self, message: Bytes) {
        if self.messages.len() == MESSAGES_MAX || self.bytes + message.len() > BYTES_MAX {
            self.left_out += 1;
            return;
        }
        self.bytes += message.len();
        self.messages.push(message);
    }

    /// The lines, and forgets them.
    pub(crate) fn take(&mut self) -> Vec<String> {
        let said = std::mem::take(self);
        let mut lines: Vec<String> = said.messages.iter().map(|message| text(message)).collect();
        if said.left_out > 0 {
            lines.push(format!("({} more messages are left out)", said.left_out));
        }
        lines
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Uint,
    Int,
    Text,
    Bool,
    Address,
    Bytes,
    /// `bytes1` to `bytes32`.
    Word(usize),
}

/// The four that lists are made of. Old versions of `console.sol` wrote `uint` where an ABI says `uint256`.
const LISTED: [(Kind, &[&str]); 4] = [
    (Kind::Uint, &["uint256", "uint"]),
    (Kind::Text, &["string"]),
    (Kind::Bool, &["bool"]),
    (Kind::Address, &["address"]),
];

static KINDS: LazyLock<BTreeMap<[u8; 4], Vec<Kind>>> = LazyLock::new(selectors);

/// Every `log`: of up to four of the listed kinds, and of one of the others.
fn selectors() -> BTreeMap<[u8; 4], Vec<Kind>> {
    let mut known = BTreeMap::new();
    let mut add = |names: &str, kinds: Vec<Kind>| {
        let hash = keccak256(format!("log({names})"));
        known.insert([hash[0], hash[1], hash[2], hash[3]], kinds);
    };
    add("", Vec::new());
    add("int256", vec![Kind::Int]);
    add("int", vec![Kind::Int]);
    add("bytes", vec![Kind::Bytes]);
    for width in 1..=32 {
        add(&format!("bytes{width}"), vec![Kind::Word(width)]);
    }
    let mut lists: Vec<(Vec<&str>, Vec<Kind>)> = vec![(Vec::new(), Vec::new())];
    for _ in 0..4 {
        let longer = lists.iter().flat_map(|(names, kinds)| {
            LISTED.iter().flat_map(move |(kind, spellings)| {
                spellings.iter().map(move |name| {
                    let names = names.iter().copied().chain([*name]).collect();
                    let kinds = kinds.iter().copied().chain([*kind]).collect();
                    (names, kinds)
                })
            })
        });
        lists = longer.collect();
        for (names, kinds) in &lists {
            add(&names.join(","), kinds.clone());
        }
    }
    known
}

/// What a message says: placeholders of a leading string are filled as `console.log` of JavaScript does, the rest follows
/// behind spaces. One that cannot be read is shown as it came.
pub fn text(input: &[u8]) -> String {
    let shown = || format!("0x{}", hex::encode(input));
    let Some((selector, args)) = input.split_first_chunk::<4>() else {
        return shown();
    };
    let Some(kinds) = KINDS.get(selector) else {
        return shown();
    };
    let values: Option<Vec<String>> = kinds
        .iter()
        .enumerate()
        .map(|(at, kind)| value(*kind, args, at))
        .collect();
    match values {
        Some(values) => plain(&joined(kinds.first() == Some(&Kind::Text), values)),
        None => shown(),
    }
}

fn word(args: &[u8], at: usize) -> Option<B256> {
    let start = at.checked_mul(32)?;
    args.get(start..start.checked_add(32)?)
        .map(B256::from_slice)
}

/// The bytes behind an offset.
fn tail(args: &[u8], offset: B256) -> Option<&[u8]> {
    let offset = usize::try_from(U256::from_be_bytes(offset.0)).ok()?;
    let rest = args.get(offset..)?;
    let (length, rest) = rest.split_first_chunk::<32>()?;
    rest.get(..usize::try_from(U256::from_be_bytes(*length)).ok()?)
}

fn value(kind: Kind, args: &[u8], at: usize) -> Option<String> {
    let word = word(args, at)?;
    let number = U256::from_be_bytes(word.0);
    Some(match kind {
        Kind::Uint => number.to_string(),
        Kind::Int => I256::from_raw(number).to_string(),
        Kind::Text => String::from_utf8_lossy(tail(args, word)?).into_owned(),
        Kind::Bool => (!number.is_zero()).to_string(),
        Kind::Address => Address::from_word(word).to_string(),
        Kind::Bytes => format!("0x{}", hex::encode(tail(args, word)?)),
        Kind::Word(width) => format!("0x{}", hex::encode(word.get(..width)?)),
    })
}

fn joined(leads: bool, values: Vec<String>) -> String {
    let mut values = values.into_iter();
    let Some(first) = values.next() else {
        return String::new();
    };
    let mut line = match leads {
        true => filled(&first, &mut values),
        false => first,
    };
    for value in values {
        line.push(' ');
        line.push_str(&value);
    }
    line
}

/// `%s`, `%d`, `%i` and `%o` take the next value while there is one; `%%` is a percent sign.
fn filled(format: &str, values: &mut impl Iterator<Item = String>) -> String {
    let mut line = String::with_capacity(format.len());
    let mut rest = format.chars().peekable();
    while let Some(letter) = rest.next() {
        let known = |next: &&char| matches!(**next, 's' | 'd' | 'i' | 'o' | '%');
        let next = if letter == '%' {
            rest.peek().filter(known).copied()
        } else {
            None
        };
        match next {
            None => line.push(letter),
            Some('%') => {
                rest.next();
                line.push('%');
            }
            Some(_) => match values.next() {
                None => line.push(letter),
                Some(value) => {
                    rest.next();
                    line.push_str(&value);
                }
            },
        }
    }
    line
}

/// Without what would move a terminal's cursor.
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    for letter in line.chars() {
        let written: fmt::Result = match letter.is_control() {
            true => write!(plain, "{}", letter.escape_default()),
            false => plain.write_char(letter),
        };
        // A string takes whatever is written to it.
        let _ = written;
    }
    plain
}

#[cfg(test)]
mod tests;
