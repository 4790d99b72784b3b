//! Requests and their answers as data, in the line format of Ethereum's execution-apis:
//!
//! ```text
//! // what the case shows
//! // shape: stateRoot, hash          these members count by their form only
//! >> {"jsonrpc":"2.0","id":1,"method":"eth_chainId"}
//! << {"jsonrpc":"2.0","id":1,"result":"0x7a69"}
//! ```
//!
//! Cases lie in `testing/conformance/METHOD/CASE.io`. They run against the chain that [`chain`] makes, whose
//! transactions, times and keys are always the same; a case that changes something has a copy of its own. What
//! depends on the whole state (roots, hashes of blocks and the randomness made from them) would change with every
//! contract that is added to genesis, so a case names such members and only their form counts. In a request `{hash:N}` is the hash of block
//! N, `{tx:N:I}` that of its transaction I, and `{raw:A:N}` a transfer that account A signed with nonce N.
//!
//! `CAPSTAN_BLESS=1` writes the answers as they are; a person then reads the difference.

use std::fs;
use std::path::{Path, PathBuf};

use alloy_consensus::{TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, TxKind, U256};
use alloy_rpc_types_eth::{AccessList, AccessListItem};
use alloy_signer::SignerSync;
use capstan_chain::{ChainConfig, Genesis};
use capstan_rpc::{Methods, RpcConfig, methods::Offer};
use serde_json::{Value, json};

use super::code;
use super::node::Node;

/// Time of the genesis block; each later block comes ten seconds after the one before it.
const GENESIS_S: u64 = 1_700_000_000;
const STEP_S: u64 = 10;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

/// Four blocks with every type of transaction, and two transactions that wait.
async fn chain() -> Node {
    let genesis = Genesis {
        time_ms: GENESIS_S * 1000,
        ..Genesis::dev(10, 0)
    };
    let node = Node::with(ChainConfig::dev(genesis), RpcConfig::dev(10)).await;
    let (counter, reverter) = (node.address(0).create(0), node.address(0).create(1));
    for (nonce, runtime) in [(0, code::counter()), (1, code::reverter())] {
        let deploy = TxEip1559 {
            to: TxKind::Create,
            input: code::init_code(&runtime).into(),
            gas_limit: 1_000_000,
            ..dynamic(nonce)
        };
        send(&node, node.raw(0, deploy)).await;
    }
    mine(&node).await;
    let legacy = TxLegacy {
        chain_id: Some(31_337),
        gas_price: 10_000_000_000,
        gas_limit: 21_000,
        to: TxKind::Call(node.address(2)),
        value: U256::from(7),
        ..Default::default()
    };
    send(&node, node.raw(1, legacy)).await;
    mine(&node).await;
    let called = TxEip1559 {
        to: TxKind::Call(counter),
        gas_limit: 100_000,
        ..dynamic(2)
    };
    send(&node, node.raw(0, called)).await;
    let slot = AccessListItem {
        address: counter,
        storage_keys: vec![Default::default()],
    };
    let listed = TxEip2930 {
        chain_id: 31_337,
        nonce: 1,
        gas_price: 10_000_000_000,
        gas_limit: 100_000,
        to: TxKind::Call(counter),
        value: U256::ZERO,
        access_list: AccessList(vec![slot]),
        input: Default::default(),
    };
    send(&node, node.raw(1, listed)).await;
    let authorization = Authorization {
        chain_id: U256::from(31_337),
        address: counter,
        nonce: 0,
    };
    let consent = node.signers[4].sign_hash_sync(&authorization.signature_hash());
    let delegating = TxEip7702 {
        chain_id: 31_337,
        nonce: 0,
        gas_limit: 200_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 500_000_000,
        to: node.address(4),
        value: U256::ZERO,
        access_list: Default::default(),
        authorization_list: vec![authorization.into_signed(consent.expect("signed"))],
        input: Default::default(),
    };
    send(&node, node.raw(3, delegating)).await;
    mine(&node).await;
    let failing = TxEip1559 {
        to: TxKind::Call(reverter),
        input: vec![0x12, 0x34].into(),
        gas_limit: 100_000,
        ..dynamic(0)
    };
    send(&node, node.raw(2, failing)).await;
    mine(&node).await;
    for nonce in [0, 2] {
        send(&node, node.raw(5, dynamic(nonce))).await;
    }
    node
}

fn dynamic(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: 31_337,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(Address::repeat_byte(0x77)),
        value: U256::ZERO,
        access_list: Default::default(),
        input: Default::default(),
    }
}

async fn send(node: &Node, raw: String) {
    node.ok("eth_sendRawTransaction", json!([raw])).await;
}

async fn mine(node: &Node) {
    let at = GENESIS_S + STEP_S * (node.chain.head().number() + 1);
    node.ok("evm_setNextBlockTimestamp", json!([at])).await;
    node.mine().await;
}

/// One file.
struct Case {
    name: String,
    path: PathBuf,
    text: String,
}

fn cases() -> Vec<Case> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let list = fs::read_dir(folder).expect("the cases are here");
        let mut list: Vec<PathBuf> = list.map(|entry| entry.expect("readable").path()).collect();
        list.sort();
        list
    };
    let files = entries(&folder())
        .into_iter()
        .flat_map(|method| entries(&method));
    files
        .map(|path| Case {
            name: path
                .strip_prefix(folder())
                .expect("below")
                .display()
                .to_string(),
            text: fs::read_to_string(&path).expect("text"),
            path,
        })
        .collect()
}

/// Whether two answers have the same form: members, types, and what kind of hex a string is.
fn same_form(have: &Value, want: &Value) -> bool {
    match (have, want) {
        (Value::Object(have), Value::Object(want)) => {
            have.len() == want.len()
                && want
                    .iter()
                    .all(|(key, want)| have.get(key).is_some_and(|have| same_form(have, want)))
        }
        (Value::Array(have), Value::Array(want)) => match (have.first(), want.first()) {
            (Some(_), Some(first)) => have.iter().all(|have| same_form(have, first)),
            _ => have.is_empty() == want.is_empty(),
        },
        (Value::String(have), Value::String(want)) => kind(have) == kind(want),
        (have, want) => std::mem::discriminant(have) == std::mem::discriminant(want),
    }
}

/// Hashes, addresses and blooms have a length of their own.
fn kind(text: &str) -> &'static str {
    let Some(digits) = text.strip_prefix("0x") else {
        return "text";
    };
    match digits.len() {
        _ if !digits.chars().all(|digit| digit.is_ascii_hexdigit()) => "text",
        40 => "address",
        64 => "word",
        512 => "bloom",
        _ => "hex",
    }
}

/// The first place where two answers differ; members called one of `loose` count by their form.
fn difference(at: &str, have: &Value, want: &Value, loose: &[&str]) -> Option<String> {
    match (have, want) {
        (Value::Object(left), Value::Object(right)) => {
            let extra = left.keys().find(|key| !right.contains_key(*key));
            if let Some(key) = extra {
                return Some(format!("{at}.{key} should not be there"));
            }
            right.iter().find_map(|(key, want)| {
                let place = format!("{at}.{key}");
                let Some(have) = left.get(key) else {
                    return Some(format!("{place} is missing"));
                };
                if loose.contains(&key.as_str()) {
                    return (!same_form(have, want))
                        .then(|| format!("{place} has another form: {have}, not {want}"));
                }
                difference(&place, have, want, loose)
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let pairs = left.iter().zip(right).enumerate();
            pairs
                .filter_map(|(index, (have, want))| {
                    difference(&format!("{at}[{index}]"), have, want, loose)
                })
                .next()
        }
        _ => (have != want).then(|| format!("{at} is {have}, not {want}")),
    }
}

impl Case {
    /// Whether a request changes the chain, its pool or its filters.
    fn writes(&self, table: &Methods) -> bool {
        let requests = self
            .text
            .lines()
            .filter_map(|line| line.strip_prefix(">> "));
        requests
            .map(|text| serde_json::from_str::<Value>(text).expect("a request"))
            .filter_map(|request| table.find(request["method"].as_str()?))
            .any(|method| method.writes)
    }
}

/// Runs a file; answers the differences, and the text with the answers as they are.
async fn run(case: &Case, node: &Node) -> (Vec<String>, String) {
    let mut blessed = String::new();
    let mut differences = Vec::new();
    let mut loose: Vec<&str> = Vec::new();
    let mut answer = Value::Null;
    for (number, line) in case.text.lines().enumerate() {
        if let Some(names) = line.strip_prefix("// shape: ") {
            loose = names.split(", ").collect();
        }
        if let Some(request) = line.strip_prefix(">> ") {
            let request = filled(node, request);
            answer = node.json(&request).await;
            blessed.push_str(&format!("{line}\n<< {answer}\n"));
        } else if let Some(want) = line.strip_prefix("<< ") {
            let want: Value = serde_json::from_str(want).expect("an answer");
            let found = difference("answer", &answer, &want, &loose);
            differences.extend(found.map(|at| format!("{}:{}: {at}", case.name, number + 1)));
        } else {
            blessed.push_str(&format!("{line}\n"));
        }
    }
    if !case.text.contains("\n<< ") {
        differences.push(format!("{}: no answer is stated", case.name));
    }
    (differences, blessed)
}

/// A request with its names filled in: `{hash:BLOCK}`, `{tx:BLOCK:INDEX}`, `{raw:ACCOUNT:NONCE}`.
fn filled(node: &Node, request: &str) -> String {
    let block = |number: &str| {
        let number: u64 = number.parse().expect("a height");
        node.chain.block(number).expect("readable").expect("there")
    };
    let value = |name: &str| match name.split(':').collect::<Vec<_>>().as_slice() {
        ["hash", number] => Some(block(number).hash().to_string()),
        ["tx", number, index] => {
            let index: usize = index.parse().expect("an index");
            Some(block(number).transactions[index].tx_hash().to_string())
        }
        ["raw", account, nonce] => {
            let nonce = nonce.parse().expect("a nonce");
            Some(node.raw(account.parse().expect("an account"), dynamic(nonce)))
        }
        _ => None,
    };
    let mut parts = request.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let named = part
            .split_once('}')
            .and_then(|(name, rest)| Some((value(name)?, rest)));
        match named {
            Some((value, rest)) => text.extend([value.as_str(), rest]),
            None => text.extend(["{", part]),
        }
    }
    text
}

/// RPC-18: answers are those that the cases state.
#[tokio::test(flavor = "multi_thread")]
async fn rpc_18_answers_are_those_of_the_cases() {
    let bless = std::env::var_os("CAPSTAN_BLESS").is_some();
    let cases = cases();
    let mut differences = Vec::new();
    let (table, shared) = (Methods::all(), chain().await);
    for case in &cases {
        let (found, blessed) = match case.writes(&table) {
            true => run(case, &chain().await).await,
            false => run(case, &shared).await,
        };
        if bless && !found.is_empty() {
            fs::write(&case.path, blessed).expect("written");
        }
        differences.extend(found);
    }
    println!("{} files", cases.len());
    assert!(
        bless || differences.is_empty(),
        "{} answers differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// RPC-18: no method that answers by HTTP is without a case.
#[test]
fn rpc_18_every_eth_method_has_a_case() {
    let table = Methods::all();
    let of_ethereum = |name: &str| {
        ["eth_", "net_", "web3_", "txpool_"]
            .iter()
            .any(|p| name.starts_with(p))
    };
    let missing: Vec<&str> = table
        .rows()
        .iter()
        .filter(|row| row.offer == Offer::Always && of_ethereum(row.name))
        .map(|row| row.name)
        .filter(|name| !folder().join(name).is_dir())
        .collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}
