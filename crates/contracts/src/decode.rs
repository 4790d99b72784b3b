//! Calldata, reverts and logs of native contracts in words: for tracers, RPC and tools. Never for execution.

use std::{collections::BTreeMap, sync::OnceLock};

use alloy_dyn_abi::{
    DynSolType, DynSolValue, ErrorExt, EventExt, FunctionExt, JsonAbiExt, Specifier as _,
};
use alloy_json_abi::{Error, Event, Function};
use alloy_primitives::{B256, LogData, hex};

use crate::{Contract, Interface, all, error::INative, text};

/// One value with its name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Name in the ABI; may be empty.
    pub name: String,
    /// Solidity type.
    pub kind: String,
    /// The value as people write it.
    pub value: String,
}

/// What some bytes mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Contract that answered it. Of an error: the interface that declares it; `native` for what all contracts
    /// share, `solidity` for `Error` and `Panic`.
    pub contract: &'static str,
    /// `ERC20InsufficientBalance`.
    pub name: String,
    /// `ERC20InsufficientBalance(address,uint256,uint256)`.
    pub signature: String,
    /// The values.
    pub arguments: Vec<Argument>,
    /// The sentence that the interface says about it, which ends with what to do next. May be empty.
    pub help: String,
}

impl core::fmt::Display for Decoded {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}(", self.name)?;
        for (index, argument) in self.arguments.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let colon = if argument.name.is_empty() { "" } else { ": " };
            write!(f, "{comma}{}{colon}{}", argument.name, argument.value)?;
        }
        f.write_str(")")
    }
}

/// Reads the revert data of any native contract, and Solidity's own `Error` and `Panic`.
pub fn decode_error(data: &[u8]) -> Option<Decoded> {
    let (contract, error, help) = index().errors.get(data.get(..4)?)?;
    let body = error.decode_error(data).ok()?.body;
    let names = error.inputs.iter().map(|param| (&param.name, &param.ty));
    let mut decoded = describe(contract, &error.name, error.signature(), names, &body, help);
    if decoded.signature == "Panic(uint256)" {
        decoded.help = panic_help(&body).to_owned();
    }
    Some(decoded)
}

/// Reads calldata to a contract.
pub fn decode_call(contract: &Contract, input: &[u8]) -> Option<Decoded> {
    let (selector, args) = input.split_first_chunk::<4>()?;
    let (_, function, help) = index().calls.get(&(contract.name, *selector))?;
    let values = function.abi_decode_input(args).ok()?;
    let names = function.inputs.iter().map(|param| (&param.name, &param.ty));
    Some(describe(
        contract.name,
        &function.name,
        function.signature(),
        names,
        &values,
        help,
    ))
}

/// Reads bytes that are one struct. `form` is how Solidity would write a function that takes its fields: `Loan(uint64 id,uint256
/// amount)`. What is called `name` in `contract` may have no fields; then there are no bytes either.
pub fn decode_struct(
    contract: &'static str,
    name: &str,
    help: &str,
    form: &str,
    bytes: &[u8],
) -> Option<Decoded> {
    let form = Function::parse(&format!("function {form}")).ok()?;
    let types = form.inputs.iter().map(|param| param.resolve().ok());
    let types: Vec<DynSolType> = types.collect::<Option<_>>()?;
    let values = match types.is_empty() {
        true => bytes.is_empty().then(Vec::new)?,
        false => match DynSolType::Tuple(types).abi_decode(bytes).ok()? {
            DynSolValue::Tuple(values) => values,
            _ => return None,
        },
    };
    let names = form.inputs.iter().map(|param| (&param.name, &param.ty));
    let signature = form.signature();
    Some(describe(contract, name, signature, names, &values, help))
}

/// Reads what a verb answered.
pub fn decode_answer(contract: &Contract, selector: [u8; 4], output: &[u8]) -> Option<Decoded> {
    let (_, function, help) = index().calls.get(&(contract.name, selector))?;
    let values = function.abi_decode_output(output).ok()?;
    let names = function
        .outputs
        .iter()
        .map(|param| (&param.name, &param.ty));
    Some(describe(
        contract.name,
        &function.name,
        function.signature(),
        names,
        &values,
        help,
    ))
}

/// Reads a log of a contract. An indexed text or list is only a hash in the log, and is shown as one.
pub fn decode_event(contract: &Contract, log: &LogData) -> Option<Decoded> {
    let (_, event, help) = index()
        .events
        .get(&(contract.name, *log.topics().first()?))?;
    let values = event.decode_log(log).ok()?;
    let (mut indexed, mut body) = (values.indexed.into_iter(), values.body.into_iter());
    let mut arguments = Vec::new();
    for param in &event.inputs {
        let value = if param.indexed {
            indexed.next()
        } else {
            body.next()
        }?;
        arguments.push(argument(&param.name, &param.ty, &value));
    }
    Some(Decoded {
        contract: contract.name,
        name: event.name.clone(),
        signature: event.signature(),
        arguments,
        help: help.clone(),
    })
}

type Row<T> = (&'static str, T, String);

/// Everything that any contract declares, by what stands in the bytes.
struct Index {
    errors: BTreeMap<[u8; 4], Row<Error>>,
    calls: BTreeMap<(&'static str, [u8; 4]), Row<Function>>,
    events: BTreeMap<(&'static str, B256), Row<Event>>,
}

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index = Index {
            errors: BTreeMap::new(),
            calls: BTreeMap::new(),
            events: BTreeMap::new(),
        };
        for signature in ["error Error(string reason)", "error Panic(uint256 code)"] {
            if let Ok(error) = Error::parse(signature) {
                index
                    .errors
                    .insert(error.selector().0, ("solidity", error, String::new()));
            }
        }
        let native = Interface {
            name: "native",
            abi: INative::abi::contract,
            source: include_str!("error.rs"),
        };
        index.add(native.name, &native);
        for contract in all() {
            for interface in contract.interfaces {
                index.add(contract.name, interface);
            }
        }
        index
    })
}

impl Index {
    fn add(&mut self, contract: &'static str, interface: &Interface) {
        let (docs, abi) = (text::docs(interface.source), (interface.abi)());
        let doc = |kind: &str, name: &str| {
            docs.get(&format!("{kind} {name}"))
                .cloned()
                .unwrap_or_default()
        };
        for error in abi.errors() {
            // Nothing in revert data says which contract it comes from, only which interface declares it.
            let row = (interface.name, error.clone(), doc("error", &error.name));
            self.errors.insert(error.selector().0, row);
        }
        for function in abi.functions() {
            let row = (contract, function.clone(), doc("function", &function.name));
            self.calls.insert((contract, function.selector().0), row);
        }
        for event in abi.events() {
            let row = (contract, event.clone(), doc("event", &event.name));
            self.events.insert((contract, event.selector()), row);
        }
    }
}

fn describe<'a>(
    contract: &'static str,
    name: &str,
    signature: String,
    names: impl Iterator<Item = (&'a String, &'a String)>,
    values: &[DynSolValue],
    help: &str,
) -> Decoded {
    Decoded {
        contract,
        name: name.to_owned(),
        signature,
        arguments: names
            .zip(values)
            .map(|((name, kind), value)| argument(name, kind, value))
            .collect(),
        help: help.to_owned(),
    }
}

fn argument(name: &str, kind: &str, value: &DynSolValue) -> Argument {
    Argument {
        name: name.to_owned(),
        kind: kind.to_owned(),
        value: show(value),
    }
}

fn show(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Bool(value) => value.to_string(),
        DynSolValue::Int(value, _) => value.to_string(),
        DynSolValue::Uint(value, _) => value.to_string(),
        DynSolValue::FixedBytes(word, size) => {
            hex::encode_prefixed(word.get(..*size).unwrap_or_default())
        }
        DynSolValue::Address(value) => value.to_string(),
        DynSolValue::Bytes(value) => hex::encode_prefixed(value),
        DynSolValue::String(value) => format!("{value:?}"),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            format!(
                "[{}]",
                values.iter().map(show).collect::<Vec<_>>().join(", ")
            )
        }
        DynSolValue::Tuple(values) => {
            format!(
                "({})",
                values.iter().map(show).collect::<Vec<_>>().join(", ")
            )
        }
        other => other
            .as_type()
            .as_ref()
            .map(DynSolType::to_string)
            .unwrap_or_default(),
    }
}

fn panic_help(body: &[DynSolValue]) -> &'static str {
    match body
        .first()
        .and_then(|code| code.as_uint())
        .and_then(|(code, _)| u8::try_from(code).ok())
    {
        Some(0x01) => "An assertion failed.",
        Some(0x11) => "Arithmetic left the range of its type.",
        Some(0x12) => "Division by zero.",
        Some(0x21) => "A number is no value of its enumeration.",
        Some(0x31) => "Nothing to take from an empty list.",
        Some(0x32) => "An index is behind the end of its list.",
        Some(0x41) => "Too much memory was asked for.",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
