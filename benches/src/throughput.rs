//! Pre-signed raw transactions over HTTP, in batches, until every receipt was fetched by
//! `eth_getBlockReceipts`. The same client sends the same bytes to each node, one node after the other.
//!
//! ```text
//!   sign N transactions ──► node A: send, fetch receipts ──► node B: the same bytes
//!                           │
//!                           ├ wall time from the first byte sent to the last receipt seen
//!                           ├ CPU of the node's process (user + system), per included transaction
//!                           └ CPU of this generator, apart
//! ```

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use alloy_sol_types::{SolCall, SolEvent};
use capstan_contracts::token::{IToken, ITokenFactory};
use eyre::{Context, OptionExt, bail, ensure};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::report::{Table, median};

const MNEMONIC: &str = "test test test test test test test test test test test junk";
const CHAIN_ID: u64 = 31337;
/// Most seconds one node may take for one workload before the bench gives up on it.
const DEADLINE: Duration = Duration::from_secs(180);

/// What to send, and to whom.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Transactions per workload.
    #[arg(long, default_value_t = 20_000)]
    transactions: usize,
    /// Senders.
    #[arg(long, default_value_t = 1_000)]
    accounts: usize,
    /// Transactions per HTTP batch.
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Concurrent connections.
    #[arg(long, default_value_t = 2)]
    connections: usize,
    /// Runs per node and workload; medians are printed.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Our node's binary.
    #[arg(long)]
    capstan: PathBuf,
    /// The peer's binary; without it only our own node is measured.
    #[arg(long)]
    anvil: Option<PathBuf>,
}

/// Prints the table.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(bench(options))
}

/// One node process, with its data in a fresh folder.
struct Node {
    name: &'static str,
    child: Child,
    url: String,
    _data: tempfile::TempDir,
}

impl Drop for Node {
    fn drop(&mut self) {
        // A node that already ended is fine: the bench is over for it either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Node {
    fn capstan(options: &Options) -> eyre::Result<Self> {
        let data = tempfile::tempdir()?;
        let port = free_port()?;
        let child = Command::new(&options.capstan)
            .args([
                "dev",
                "--empty",
                "--accounts",
                &options.accounts.to_string(),
            ])
            .args(["--port", &port.to_string(), "--data"])
            .arg(data.path().join("chain"))
            .args(["--log-level", "warn"])
            .stdout(Stdio::null())
            .spawn()
            .wrap_err("starting capstan")?;
        Ok(Self {
            name: "capstan",
            child,
            url: format!("http://127.0.0.1:{port}"),
            _data: data,
        })
    }

    fn anvil(options: &Options, binary: &Path) -> eyre::Result<Self> {
        let data = tempfile::tempdir()?;
        let port = free_port()?;
        let child = Command::new(binary)
            .args(["--silent", "--accounts", &options.accounts.to_string()])
            .args(["--port", &port.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .wrap_err("starting anvil")?;
        Ok(Self {
            name: "anvil",
            child,
            url: format!("http://127.0.0.1:{port}"),
            _data: data,
        })
    }

    /// CPU seconds of the process so far, user and system.
    fn cpu_seconds(&self) -> eyre::Result<f64> {
        cpu_seconds_of(&self.child.id().to_string())
    }
}

fn free_port() -> eyre::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}

fn cpu_seconds_of(process: &str) -> eyre::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The command name may hold spaces; fields are counted after its closing parenthesis.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .ok_or_eyre("odd /proc stat")?
        .1
        .split_whitespace()
        .collect();
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    // SAFETY: sysconf reads a constant of the running kernel.
    #[allow(unsafe_code)]
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Ok(ticks as f64 / per_second as f64)
}

/// A client that sends what it is given and counts nothing by itself.
#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    fn new(url: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: url.to_owned(),
        }
    }

    async fn post(&self, body: Vec<u8>) -> eyre::Result<Value> {
        let response = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?;
        Ok(serde_json::from_slice(&response.bytes().await?)?)
    }

    async fn call(&self, method: &str, params: Value) -> eyre::Result<Value> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.post(serde_json::to_vec(&body)?).await?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer.get("result").cloned().unwrap_or(Value::Null))
    }

    async fn quantity(&self, method: &str, params: Value) -> eyre::Result<u64> {
        let text = self.call(method, params).await?;
        let text = text.as_str().ok_or_eyre("not a quantity")?;
        Ok(u64::from_str_radix(text.trim_start_matches("0x"), 16)?)
    }

    async fn wait_until_up(&self) -> eyre::Result<()> {
        let start = Instant::now();
        while self.call("eth_chainId", json!([])).await.is_err() {
            ensure!(
                start.elapsed() < Duration::from_secs(30),
                "{} does not answer",
                self.url
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn receipt(&self, hash: &str) -> eyre::Result<Value> {
        for _ in 0..2_000 {
            let receipt = self
                .call("eth_getTransactionReceipt", json!([hash]))
                .await?;
            if !receipt.is_null() {
                ensure!(
                    receipt["status"] == "0x1",
                    "set-up transaction failed: {receipt}"
                );
                return Ok(receipt);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("no receipt of {hash}")
    }
}

/// The first accounts of the well-known development mnemonic.
fn signers(count: usize) -> eyre::Result<Vec<PrivateKeySigner>> {
    (0..count)
        .into_par_iter()
        .map(|index| {
            Ok(MnemonicBuilder::<English>::default()
                .phrase(MNEMONIC)
                .index(u32::try_from(index)?)?
                .build()?)
        })
        .collect()
}

fn sign(
    signer: &PrivateKeySigner,
    nonce: u64,
    gas_limit: u64,
    to: TxKind,
    value: U256,
    input: Bytes,
) -> eyre::Result<Bytes> {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit,
        max_fee_per_gas: 3_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to,
        value,
        access_list: Default::default(),
        input,
    };
    let signature = signer.sign_hash_sync(&tx.signature_hash())?;
    Ok(TxEnvelope::from(tx.into_signed(signature))
        .encoded_2718()
        .into())
}

/// What the transactions do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Workload {
    Transfers,
    Erc20Bytecode,
    NativeToken,
}

impl Workload {
    fn name(self) -> &'static str {
        match self {
            Self::Transfers => "transfers",
            Self::Erc20Bytecode => "ERC-20 in bytecode",
            Self::NativeToken => "native token",
        }
    }
}

/// Signs every transaction of a workload: sender `i` pays sender `i + 1 + round`.
fn presign(
    signers: &[PrivateKeySigner],
    count: usize,
    first_nonces: &[u64],
    token: Option<Address>,
) -> eyre::Result<Vec<Bytes>> {
    let n = signers.len();
    (0..count)
        .into_par_iter()
        .map(|index| {
            let (round, sender) = (index / n, index % n);
            let to = signers[(sender + 1 + round) % n].address();
            let nonce = first_nonces[sender] + round as u64;
            match token {
                None => sign(
                    &signers[sender],
                    nonce,
                    21_000,
                    to.into(),
                    U256::ONE,
                    Bytes::new(),
                ),
                Some(token) => {
                    let input = IToken::transferCall {
                        to,
                        value: U256::ONE,
                    }
                    .abi_encode()
                    .into();
                    sign(
                        &signers[sender],
                        nonce,
                        100_000,
                        token.into(),
                        U256::ZERO,
                        input,
                    )
                }
            }
        })
        .collect()
}

/// One measured run.
struct Run {
    per_second: f64,
    node_cpu_us: f64,
    client_cpu_us: f64,
    blocks: u64,
    fsyncs: Option<u64>,
}

async fn measure(
    node: &Node,
    client: &Client,
    raw: &[Bytes],
    options: &Options,
) -> eyre::Result<Run> {
    let bodies: Vec<Vec<u8>> = raw
        .chunks(options.batch)
        .map(|chunk| {
            let entries: Vec<Value> = chunk
                .iter()
                .enumerate()
                .map(|(id, tx)| {
                    json!({"jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction",
                           "params": [hex::encode_prefixed(tx)]})
                })
                .collect();
            Ok(serde_json::to_vec(&entries)?)
        })
        .collect::<eyre::Result<_>>()?;
    let first_block = client.quantity("eth_blockNumber", json!([])).await?;
    let fsyncs_before = fsyncs(client).await;
    let (node_cpu, own_cpu, start) = (node.cpu_seconds()?, cpu_seconds_of("self")?, Instant::now());

    let queue = Arc::new(parking(bodies));
    let senders: Vec<_> = (0..options.connections)
        .map(|_| {
            let (queue, client) = (Arc::clone(&queue), client.clone());
            tokio::spawn(async move {
                while let Some(body) = next(&queue) {
                    let answers = client.post(body).await?;
                    let answers = answers
                        .as_array()
                        .ok_or_eyre("batch answered by no array")?;
                    if let Some(bad) = answers.iter().find(|a| a.get("error").is_some()) {
                        bail!("refused: {bad}");
                    }
                }
                Ok(())
            })
        })
        .collect();

    let mut seen = 0usize;
    let mut block = first_block;
    while seen < raw.len() {
        ensure!(
            start.elapsed() < DEADLINE,
            "{}: {seen} of {} receipts in time",
            node.name,
            raw.len()
        );
        let head = client.quantity("eth_blockNumber", json!([])).await?;
        if block >= head {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        while block < head {
            block += 1;
            let receipts = client
                .call("eth_getBlockReceipts", json!([format!("{block:#x}")]))
                .await?;
            let receipts = receipts.as_array().ok_or_eyre("no receipts")?;
            ensure!(
                receipts.iter().all(|r| r["status"] == "0x1"),
                "a measured transaction failed"
            );
            seen += receipts.len();
        }
    }
    let wall = start.elapsed().as_secs_f64();
    for sender in senders {
        sender.await??;
    }
    let n = raw.len() as f64;
    let fsyncs = match (fsyncs_before, fsyncs(client).await) {
        (Some(before), Some(after)) => Some(after - before),
        _ => None,
    };
    Ok(Run {
        per_second: n / wall,
        node_cpu_us: (node.cpu_seconds()? - node_cpu) * 1e6 / n,
        client_cpu_us: (cpu_seconds_of("self")? - own_cpu) * 1e6 / n,
        blocks: block - first_block,
        fsyncs,
    })
}

type Queue = std::sync::Mutex<std::collections::VecDeque<Vec<u8>>>;

fn parking(bodies: Vec<Vec<u8>>) -> Queue {
    std::sync::Mutex::new(bodies.into())
}

fn next(queue: &Queue) -> Option<Vec<u8>> {
    queue.lock().ok()?.pop_front()
}

/// Number of fsyncs that the node says it did, from its metrics page.
async fn fsyncs(client: &Client) -> Option<u64> {
    let page = client
        .http
        .get(format!("{}/metrics", client.url))
        .send()
        .await
        .ok()?
        .text()
        .await
        .ok()?;
    BufReader::new(page.as_bytes())
        .lines()
        .map_while(Result::ok)
        .find(|line| line.starts_with("capstan_log_fsyncs_total"))
        .and_then(|line| line.split_whitespace().last()?.parse::<f64>().ok())
        .map(|n| n as u64)
}

/// Prepares the node for a workload; answers the token to call, if the workload has one.
async fn set_up(
    client: &Client,
    signers: &[PrivateKeySigner],
    workload: Workload,
    nonces: &mut [u64],
) -> eyre::Result<Option<Address>> {
    let deployer = &signers[0];
    let token = match workload {
        Workload::Transfers => return Ok(None),
        Workload::Erc20Bytecode => {
            let code = crate::erc20_init_code()?;
            let raw = sign(
                deployer,
                nonces[0],
                5_000_000,
                TxKind::Create,
                U256::ZERO,
                code,
            )?;
            nonces[0] += 1;
            let receipt = send(client, &raw).await?;
            receipt["contractAddress"]
                .as_str()
                .ok_or_eyre("not created")?
                .parse()?
        }
        Workload::NativeToken => native_token(client, deployer, &mut nonces[0]).await?,
    };
    // Everyone holds some from the start, so that the measured writes are changes and not creations.
    for signer in &signers[1..] {
        let input = IToken::transferCall {
            to: signer.address(),
            value: U256::from(1_000_000),
        };
        let raw = sign(
            deployer,
            nonces[0],
            100_000,
            token.into(),
            U256::ZERO,
            input.abi_encode().into(),
        )?;
        nonces[0] += 1;
        client
            .call(
                "eth_sendRawTransaction",
                json!([hex::encode_prefixed(&raw)]),
            )
            .await?;
    }
    let probe = sign(
        deployer,
        nonces[0],
        21_000,
        deployer.address().into(),
        U256::ZERO,
        Bytes::new(),
    )?;
    nonces[0] += 1;
    send(client, &probe).await?;
    Ok(Some(token))
}

async fn send(client: &Client, raw: &Bytes) -> eyre::Result<Value> {
    let hash = client
        .call("eth_sendRawTransaction", json!([hex::encode_prefixed(raw)]))
        .await?;
    client.receipt(hash.as_str().ok_or_eyre("no hash")?).await
}

async fn bench(options: &Options) -> eyre::Result<()> {
    let signers = signers(options.accounts)?;
    let recovery_us = recovery_us(&signers)?;
    println!(
        "{} transactions from {} accounts, batches of {}, {} connections, {} runs; signature recovery alone {recovery_us:.1} us",
        options.transactions, options.accounts, options.batch, options.connections, options.runs
    );
    let mut table = Table::new(&[
        "workload",
        "node",
        "tx/s",
        "vs anvil",
        "node CPU us/tx",
        "vs recovery",
        "generator CPU us/tx",
        "blocks",
        "fsyncs",
    ]);
    for workload in [
        Workload::Transfers,
        Workload::Erc20Bytecode,
        Workload::NativeToken,
    ] {
        let mut peer = None;
        if let (Some(anvil), true) = (&options.anvil, workload != Workload::NativeToken) {
            let runs = runs(options, workload, &signers, || Node::anvil(options, anvil)).await?;
            peer = Some(row(&mut table, workload, "anvil", runs, None, recovery_us));
        }
        let runs = runs(options, workload, &signers, || Node::capstan(options)).await?;
        row(&mut table, workload, "capstan", runs, peer, recovery_us);
    }
    table.print();
    Ok(())
}

async fn runs(
    options: &Options,
    workload: Workload,
    signers: &[PrivateKeySigner],
    start: impl Fn() -> eyre::Result<Node>,
) -> eyre::Result<Vec<Run>> {
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let node = start()?;
        let client = Client::new(&node.url);
        client.wait_until_up().await?;
        let mut nonces = vec![0; signers.len()];
        let token = set_up(&client, signers, workload, &mut nonces).await?;
        let raw = presign(signers, options.transactions, &nonces, token)?;
        runs.push(measure(&node, &client, &raw, options).await?);
    }
    Ok(runs)
}

/// Adds one row of medians; answers the median rate.
fn row(
    table: &mut Table,
    workload: Workload,
    node: &str,
    runs: Vec<Run>,
    peer_per_second: Option<f64>,
    recovery_us: f64,
) -> f64 {
    let rate = median(&mut runs.iter().map(|r| r.per_second).collect::<Vec<_>>());
    let cpu = median(&mut runs.iter().map(|r| r.node_cpu_us).collect::<Vec<_>>());
    let own = median(&mut runs.iter().map(|r| r.client_cpu_us).collect::<Vec<_>>());
    let last = runs.last();
    table.row(vec![
        workload.name().into(),
        node.into(),
        format!("{rate:.0}"),
        peer_per_second.map_or("-".into(), |p| format!("{:.1}x", rate / p)),
        format!("{cpu:.0}"),
        format!("{:.2}x", cpu / recovery_us),
        format!("{own:.0}"),
        last.map_or("-".into(), |r| r.blocks.to_string()),
        last.and_then(|r| r.fsyncs)
            .map_or("-".into(), |n| n.to_string()),
    ]);
    rate
}

/// Microseconds of one core to recover one signer, the physical limit of throughput: decoding included,
/// since a node must decode to know what was signed.
fn recovery_us(signers: &[PrivateKeySigner]) -> eyre::Result<f64> {
    let raw = presign(&signers[..1], 2_000, &[0], None)?;
    let mut passes = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let mut sum = B256::ZERO;
        for bytes in &raw {
            let sender = TxEnvelope::decode_2718(&mut bytes.as_ref())?.recover_signer()?;
            sum ^= sender.into_word();
        }
        ensure!(sum.is_zero(), "an even number of equal senders cancels out");
        passes.push(start.elapsed().as_secs_f64() * 1e6 / raw.len() as f64);
    }
    Ok(median(&mut passes))
}

/// Creates a native token whose whole supply belongs to the deployer.
async fn native_token(
    client: &Client,
    deployer: &PrivateKeySigner,
    nonce: &mut u64,
) -> eyre::Result<Address> {
    let create = ITokenFactory::createTokenCall {
        name: "Bench".into(),
        symbol: "BENCH".into(),
        decimals: 18,
        owner: deployer.address(),
        grantDelayMs: 0,
    };
    let factory = capstan_contracts::address::TOKEN_FACTORY;
    let raw = sign(
        deployer,
        *nonce,
        3_000_000,
        factory.into(),
        U256::ZERO,
        create.abi_encode().into(),
    )?;
    *nonce += 1;
    let receipt = send(client, &raw).await?;
    let topics = receipt["logs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|log| &log["topics"])
        .find(|topics| topics[0] == ITokenFactory::TokenCreated::SIGNATURE_HASH.to_string())
        .ok_or_eyre("the factory says nothing of a token")?;
    let token: B256 = topics[1].as_str().ok_or_eyre("no token")?.parse()?;
    let token = Address::from_word(token);
    let mint = IToken::mintCall {
        to: deployer.address(),
        value: U256::from(10).pow(U256::from(24)),
    };
    let raw = sign(
        deployer,
        *nonce,
        300_000,
        token.into(),
        U256::ZERO,
        mint.abi_encode().into(),
    )?;
    *nonce += 1;
    send(client, &raw).await?;
    Ok(token)
}
