//! Hostile input: whatever comes in, the answer is JSON-RPC or an HTTP error, and others are served.
//!
//! Requests are made from the table of methods with arguments of every kind, then broken byte by byte.
//! The seed is fixed; `CAPSTAN_SEED` tries another, `CAPSTAN_CASES` another number.

use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::node::Node;
use capstan_rpc::{Limits, Methods};

const CASES: usize = 100_000;
const CASES_PER_BODY: usize = 50;
const LONG: usize = 2_000;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Verbs that would take longer than the whole test, or undo what it looks at.
fn is_spared(name: &str) -> bool {
    ["Mine", "_mine", "Mining", "Automine", "Sync", "crash"]
        .iter()
        .any(|part| name.contains(part))
}

struct Maker {
    rng: StdRng,
    methods: Vec<(&'static str, usize)>,
}

impl Maker {
    fn new(seed: u64) -> Self {
        let methods = Methods::all();
        let methods = methods.rows().iter().filter(|row| !is_spared(row.name));
        Self {
            rng: StdRng::seed_from_u64(seed),
            methods: methods.map(|row| (row.name, row.params.len())).collect(),
        }
    }

    fn request(&mut self) -> Value {
        let &(method, arity) = self.methods.choose(&mut self.rng).expect("a table");
        let count = if self.rng.random_ratio(1, 20) {
            self.rng.random_range(0..7)
        } else {
            arity
        };
        let params: Vec<Value> = (0..count).map(|_| self.value(0)).collect();
        json!({"jsonrpc": "2.0", "id": self.rng.random_range(0..1_000), "method": method, "params": params})
    }

    fn hex(&mut self, bytes: usize) -> String {
        let mut buffer = vec![0; bytes];
        self.rng.fill(&mut buffer[..]);
        alloy_primitives::hex::encode_prefixed(buffer)
    }

    /// A value of a kind that some method takes, or nearly.
    fn value(&mut self, depth: usize) -> Value {
        let tags = [
            "latest",
            "earliest",
            "pending",
            "safe",
            "finalized",
            "newHeads",
            "logs",
            "0x0",
            "0x1",
            "0xffffffffffffffff",
            "",
            "0x",
        ];
        match self.rng.random_range(0..14) {
            0 => Value::Null,
            1 => json!(self.rng.random_bool(0.5)),
            2 => json!(self.rng.random::<i64>()),
            3 => json!(self.rng.random::<f64>()),
            4 | 5 => json!(tags.choose(&mut self.rng).expect("tags")),
            6 | 7 => json!(self.hex(20)),
            8 => json!(self.hex(32)),
            9 => {
                let bytes = self.rng.random_range(0..200);
                json!(self.hex(bytes))
            }
            10 => json!(format!(
                "{:#x}",
                self.rng.random::<u64>() >> self.rng.random_range(0..64)
            )),
            11 if depth < 4 => {
                let count = self.rng.random_range(0..4);
                (0..count).map(|_| self.value(depth + 1)).collect()
            }
            _ if depth < 4 => self.object(depth),
            _ => json!("x".repeat(self.rng.random_range(0..LONG))),
        }
    }

    fn object(&mut self, depth: usize) -> Value {
        let names = [
            "from",
            "to",
            "gas",
            "gasPrice",
            "maxFeePerGas",
            "maxPriorityFeePerGas",
            "value",
            "data",
            "input",
            "nonce",
            "type",
            "accessList",
            "authorizationList",
            "chainId",
            "address",
            "topics",
            "fromBlock",
            "toBlock",
            "blockHash",
            "blockNumber",
            "tracer",
            "tracerConfig",
            "timeout",
            "stateOverrides",
            "blockOverrides",
            "balance",
            "code",
            "stateDiff",
            "state",
            "blockStateCalls",
            "calls",
            "validation",
            "limit",
            "cursor",
            "types",
            "primaryType",
            "domain",
            "message",
            "timestamp",
            "blocks",
            "onlyTopCall",
            "storageKeys",
        ];
        let count = self.rng.random_range(0..6);
        let members = (0..count).map(|_| {
            let name = if self.rng.random_ratio(1, 10) {
                self.hex(20)
            } else {
                (*names.choose(&mut self.rng).expect("names")).to_owned()
            };
            (name, self.value(depth + 1))
        });
        Value::Object(members.collect())
    }

    /// Breaks a text in one to four places.
    fn broken(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..self.rng.random_range(1..5) {
            if bytes.is_empty() {
                break;
            }
            let at = self.rng.random_range(0..bytes.len());
            match self.rng.random_range(0..5) {
                0 => bytes[at] = self.rng.random(),
                1 => bytes[at] ^= 1 << self.rng.random_range(0..8),
                2 => {
                    bytes.remove(at);
                }
                3 => bytes.insert(at, *b"[]{}\",:0n\\".choose(&mut self.rng).expect("bytes")),
                _ => {
                    let end = (at + self.rng.random_range(1..20)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
        bytes
    }
}

/// Codes of specs/rpc.md that a request of the right form may be answered with. The node's own failure, -32603,
/// is none of them.
fn is_refusal(code: i64) -> bool {
    matches!(code, 3 | 4 | -32015 | -32602 | -32005..=-32000 | -38026..=-38010)
}

/// Codes of the errors in a text.
fn codes(text: &str) -> Vec<i64> {
    let answers: Value = serde_json::from_str(text).unwrap_or_default();
    let list = answers.as_array().cloned().unwrap_or_else(|| vec![answers]);
    list.iter()
        .filter_map(|answer| answer["error"]["code"].as_i64())
        .collect()
}

fn is_json(body: &[u8]) -> bool {
    let text = std::str::from_utf8(body).ok();
    text.is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

/// Whether a text is one answer, or a list of them, as the specification has it.
fn is_answer(text: &str) -> bool {
    let one = |answer: &Value| {
        let result = answer.get("result").is_some();
        let error = answer
            .get("error")
            .is_some_and(|error| error["code"].is_i64() && error["message"].is_string());
        answer["jsonrpc"] == "2.0" && answer.get("id").is_some() && result != error
    };
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(answers)) => !answers.is_empty() && answers.iter().all(one),
        Ok(answer) => one(&answer),
        Err(_) => false,
    }
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// RPC-6
#[tokio::test(flavor = "multi_thread")]
async fn rpc_6_any_bytes_have_an_answer() {
    let seed = setting("CAPSTAN_SEED", 20_261_121) as u64;
    let cases = setting("CAPSTAN_CASES", CASES);
    let limits = Limits {
        call_time_max: Duration::from_secs(5),
        ..Limits::default()
    };
    let node = Node::limited(limits).await;
    let mut maker = Maker::new(seed);
    let replay = format!("CAPSTAN_SEED={seed} cargo nextest run -p capstan-testing rpc_6");
    let mut case = 0;
    let mut settled_kib = 0;
    let began = Instant::now();
    while case < cases {
        // Half of the requests are whole and go in batches; the others are broken and go alone.
        let batch: Vec<Value> = (0..CASES_PER_BODY / 2).map(|_| maker.request()).collect();
        case += batch.len();
        let (status, text) = node.post(Value::from(batch).to_string()).await;
        assert!(
            status == 200 && is_answer(&text),
            "case {case}: {status} {text}; {replay}"
        );
        let wrong: Vec<i64> = codes(&text)
            .into_iter()
            .filter(|code| !is_refusal(*code))
            .collect();
        assert!(
            wrong.is_empty(),
            "case {case}: {wrong:?} in {text}; {replay}"
        );
        let text = maker.request().to_string();
        let bodies: Vec<Vec<u8>> = (0..CASES_PER_BODY / 2)
            .map(|_| maker.broken(&text))
            .collect();
        case += bodies.len();
        let answers = bodies.iter().map(|body| node.post(body.clone()));
        for (body, (status, text)) in bodies.iter().zip(futures::future::join_all(answers).await) {
            let quiet = status == 204 && text.is_empty();
            let good = quiet || (status == 200 && is_answer(&text));
            let shown = String::from_utf8_lossy(body);
            assert!(good, "{shown}: {status} {text}; {replay}");
            for code in codes(&text) {
                let right = match code {
                    -32700 => !is_json(body),
                    -32600 | -32601 => is_json(body),
                    other => is_json(body) && is_refusal(other),
                };
                assert!(right, "{shown}: {code} in {text}; {replay}");
            }
        }
        if settled_kib == 0 && case > cases / 4 {
            settled_kib = resident_kib();
        }
        if case % 10_000 < CASES_PER_BODY {
            node.ok("hardhat_reset", json!([])).await;
            assert_eq!(node.ok("eth_chainId", json!([])).await, "0x7a69");
        }
    }
    let grown_kib = resident_kib().saturating_sub(settled_kib);
    println!(
        "{case} requests in {:?}, memory grew by {grown_kib} KiB after a quarter",
        began.elapsed()
    );
    assert!(
        grown_kib < 256 << 10,
        "memory grew by {grown_kib} KiB; {replay}"
    );
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x7a69");
}

/// RPC-6
#[tokio::test(flavor = "multi_thread")]
async fn rpc_6_deep_and_large_bodies() {
    let node = Node::start().await;
    let deep = 1_000_000;
    let nested = |open: &str, close: &str| format!("{}{}", open.repeat(deep), close.repeat(deep));
    for (body, code) in [
        ("[".repeat(deep), -32700),
        (r#"{"a":"#.repeat(deep), -32700),
        (nested("[", "]"), -32600),
    ] {
        let (status, text) = node.post(body).await;
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        let answer = answer.get(0).unwrap_or(&answer);
        assert_eq!(
            (status, answer["error"]["code"].as_i64()),
            (200, Some(code)),
            "{text}"
        );
    }
    // Deep where a method reads: as an argument, as options, as typed data.
    for method in [
        "eth_call",
        "eth_getLogs",
        "eth_getBalance",
        "eth_subscribe",
        "eth_signTypedData_v4",
        "debug_traceCall",
        "eth_simulateV1",
        "evm_mine",
    ] {
        for argument in [
            nested("[", "]"),
            format!("{}1{}", r#"{"a":"#.repeat(deep), "}".repeat(deep)),
        ] {
            for params in [
                format!("[{argument}]"),
                format!(r#"["{}",{argument}]"#, node.account(0)),
            ] {
                let body =
                    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
                let (status, text) = node.post(body).await;
                assert!(
                    status == 200 && is_answer(&text) && text.len() < 2_000,
                    "{method}: {status} {text}"
                );
                assert!(text.contains("error"), "{method}: {text}");
            }
        }
    }
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x7a69");
}

/// RPC-6: connections that say nothing, or nonsense, or leave early, take nothing from others.
#[tokio::test(flavor = "multi_thread")]
async fn rpc_6_broken_connections() {
    let node = Node::start().await;
    let mut open = Vec::new();
    for start in [
        &b""[..],
        b"\x16\x03\x01\x00\x00",
        b"POST / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    ] {
        for _ in 0..20 {
            let mut stream = tokio::net::TcpStream::connect(node.address).await.expect("connected");
            stream.write_all(start).await.expect("sent");
            open.push(stream);
        }
    }
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x7a69");
    // Half a request, then gone.
    drop(open);
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x7a69");
    let mut stream = tokio::net::TcpStream::connect(node.address)
        .await
        .expect("connected");
    let upgrade = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(upgrade).await.expect("sent");
    let mut buffer = [0; 256];
    let _ = stream.read(&mut buffer).await.expect("an answer");
    // An unmasked frame with reserved bits.
    stream
        .write_all(&[0xff, 0x7f, 1, 2, 3])
        .await
        .expect("sent");
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x7a69");
}
