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
//!
//! A run counts only if the receipts are exactly those of what was sent, all of success, and every account
//! holds afterwards what the receipts make it hold. Nodes take turns round by round, so that whatever else
//! the machine does falls on all of them; ratios are medians of the rounds' own ratios.

mod client;
mod node;
mod workload;

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use alloy_consensus::{TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_signer_local::PrivateKeySigner;
use eyre::{OptionExt, WrapErr, bail, ensure};
use rayon::prelude::*;

use self::{
    client::{Client, count_receipts},
    node::{Node, Usage, own_cpu_seconds},
    workload::{Signed, Workload, balances, presign, set_up, signers, verify},
};
use crate::report::{Table, median};

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
    /// Rounds; medians are printed.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Our node's binary.
    #[arg(long)]
    capstan: PathBuf,
    /// When our node makes blocks.
    #[arg(long, default_value = "instant")]
    block_time: String,
    /// The peer's binary; without it only our own node is measured.
    #[arg(long)]
    anvil: Option<PathBuf>,
    /// Flags of the peer, in one word split at spaces. By default it makes a block each second out of all that
    /// waits. Empty: on demand, as our node does. Which is faster depends on the machine: quote the faster.
    #[arg(
        long,
        value_delimiter = ' ',
        allow_hyphen_values = true,
        default_value = "--block-time 1 --gas-limit 3000000000"
    )]
    anvil_flags: Vec<String>,
}

/// Prints the tables.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(bench(options))
}

/// One measured run.
struct Run {
    per_second: f64,
    /// Seconds of the whole run.
    wall_s: f64,
    node: Usage,
    client_cpu_s: f64,
    /// CPU microseconds of recovering one sender, measured right before.
    recovery_us: f64,
    transactions: f64,
    blocks: u64,
    fsyncs: Option<u64>,
    /// Differences of the node's own figures.
    metrics: BTreeMap<String, f64>,
}

impl Run {
    fn node_cpu_us(&self) -> f64 {
        self.node.cpu_s * 1e6 / self.transactions
    }

    fn client_cpu_us(&self) -> f64 {
        self.client_cpu_s * 1e6 / self.transactions
    }
}

/// Medians over runs.
fn typical(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    median(&mut runs.iter().map(of).collect::<Vec<_>>())
}

async fn bench(options: &Options) -> eyre::Result<()> {
    let signers = signers(options.accounts)?;
    println!(
        "{} transactions from {} accounts, batches of {}, {} connections, {} rounds; capstan syncs each block to disk",
        options.transactions, options.accounts, options.batch, options.connections, options.runs
    );
    let mut rates = Table::new(&[
        "workload",
        "node",
        "tx/s",
        "vs anvil",
        "node CPU us/tx",
        "recovery alone us",
        "vs recovery",
        "generator CPU us/tx",
        "blocks",
        "fsyncs",
    ]);
    let mut breakdowns = Vec::new();
    // The peer has no native tokens: there the same ERC-20 in bytecode stands for them.
    let mut peer = Vec::new();
    for workload in [
        Workload::Transfers,
        Workload::Erc20Bytecode,
        Workload::NativeToken,
    ] {
        let (ours, theirs) = rounds(options, workload, &signers).await?;
        if workload != Workload::NativeToken {
            peer = theirs;
            if !peer.is_empty() {
                rates.row(rate_row(workload, "anvil", &peer, &[]));
            }
        }
        rates.row(rate_row(workload, "capstan", &ours, &peer));
        breakdowns.push((workload, ours));
    }
    rates.print();
    print_breakdown(&breakdowns);
    Ok(())
}

/// Measures both nodes in turn; answers our runs and the peer's.
async fn rounds(
    options: &Options,
    workload: Workload,
    signers: &[PrivateKeySigner],
) -> eyre::Result<(Vec<Run>, Vec<Run>)> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut bytes = None;
    for _ in 0..options.runs {
        if let (Some(anvil), true) = (&options.anvil, workload != Workload::NativeToken) {
            let node = Node::anvil(anvil, signers.len(), &options.anvil_flags).await?;
            theirs.push(run_on(&node, options, workload, signers, &mut bytes).await?);
        }
        let flags = ["--block-time".to_owned(), options.block_time.clone()];
        let node = Node::capstan(&options.capstan, signers.len(), &flags).await?;
        ours.push(run_on(&node, options, workload, signers, &mut bytes).await?);
    }
    Ok((ours, theirs))
}

/// One run on a fresh node. `bytes` is the hash of what the first run of the workload sent.
async fn run_on(
    node: &Node,
    options: &Options,
    workload: Workload,
    signers: &[PrivateKeySigner],
    bytes: &mut Option<B256>,
) -> eyre::Result<Run> {
    let ready = set_up(&node.client, signers, workload).await?;
    let signed = presign(signers, options.transactions, options.batch, &ready)?;
    let sent = keccak256(signed.bodies.concat());
    ensure!(
        *bytes.get_or_insert(sent) == sent,
        "{} would be sent other bytes",
        node.name
    );
    let recovery_us = recovery_us(signers)?;
    let before = balances(&node.client, signers, ready.token).await?;
    let (run, answers) = measure(node, &signed, options, recovery_us).await?;
    let after = balances(&node.client, signers, ready.token).await?;
    verify(signers, ready.token, &signed, &answers, (&before, &after))?;
    Ok(run)
}

/// Sends everything and fetches every receipt. Answers the blocks' receipts unread.
async fn measure(
    node: &Node,
    signed: &Signed,
    options: &Options,
    recovery_us: f64,
) -> eyre::Result<(Run, Vec<String>)> {
    let client = &node.client;
    let count = signed.hashes.len();
    let first_block = client.quantity("eth_blockNumber", "[]").await?;
    let metrics = node.metrics().await;
    let queue: Queue = Arc::new(Mutex::new(signed.bodies.iter().cloned().collect()));
    let (usage, own, start) = (node.usage()?, own_cpu_seconds(), Instant::now());
    let senders: Vec<_> = (0..options.connections)
        .map(|_| tokio::spawn(send_all(Arc::clone(&queue), client.clone())))
        .collect();
    let sending = async {
        for sender in senders {
            sender.await??;
        }
        Ok(())
    };
    let fetching = tokio::time::timeout(DEADLINE, fetch_all(client, first_block, count));
    let fetching = async { fetching.await.wrap_err("not all receipts came in time")? };
    let ((), answers) =
        tokio::try_join!(sending, fetching).wrap_err_with(|| node.name.to_owned())?;
    let (wall_s, own) = (start.elapsed().as_secs_f64(), own_cpu_seconds() - own);
    let used = node.usage()?.since(&usage);
    let mut after = node.metrics().await;
    for (name, value) in &mut after {
        *value -= metrics.get(name).copied().unwrap_or_default();
    }
    let run = Run {
        per_second: count as f64 / wall_s,
        wall_s,
        node: used,
        client_cpu_s: own,
        recovery_us,
        transactions: count as f64,
        blocks: answers.len() as u64,
        fsyncs: after.get("capstan_log_fsyncs_total").map(|n| *n as u64),
        metrics: after,
    };
    if let Some(fsyncs) = run.fsyncs {
        ensure!(
            fsyncs >= run.blocks,
            "{} blocks and only {fsyncs} fsyncs",
            run.blocks
        );
    }
    Ok((run, answers))
}

type Queue = Arc<Mutex<VecDeque<bytes::Bytes>>>;

/// One connection: a batch, its answer, the next batch.
async fn send_all(queue: Queue, client: Client) -> eyre::Result<()> {
    let next = || queue.lock().ok()?.pop_front();
    while let Some(body) = next() {
        let answer = client.post(body).await?;
        if let Some(at) = answer.find("\"error\"") {
            let end = answer.len().min(at + 200);
            bail!("refused: {}", answer.get(at..end).unwrap_or_default());
        }
    }
    Ok(())
}

/// Fetches the receipts of every block after `block` until there are `count` of them.
async fn fetch_all(client: &Client, mut block: u64, count: usize) -> eyre::Result<Vec<String>> {
    let mut answers = Vec::new();
    let mut seen = 0;
    while seen < count {
        let head = client.quantity("eth_blockNumber", "[]").await?;
        if block >= head {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        while block < head {
            block += 1;
            let params = format!("[\"{block:#x}\"]");
            let receipts = client.call("eth_getBlockReceipts", &params).await?;
            let (good, bad) = count_receipts(&receipts);
            ensure!(bad == 0, "{bad} transactions of block {block} failed");
            seen += good;
            answers.push(receipts);
        }
    }
    Ok(answers)
}

fn rate_row(workload: Workload, node: &str, runs: &[Run], peer: &[Run]) -> Vec<String> {
    let times = runs
        .iter()
        .zip(peer)
        .map(|(r, p)| r.per_second / p.per_second);
    let versus = match peer.is_empty() {
        true => "-".into(),
        false => format!("{:.1}x", median(&mut times.collect::<Vec<_>>())),
    };
    let last = runs.last();
    let number = |n: Option<u64>| n.map_or("-".into(), |n| n.to_string());
    vec![
        workload.name().into(),
        node.into(),
        format!("{:.0}", typical(runs, |r| r.per_second)),
        versus,
        format!("{:.0}", typical(runs, Run::node_cpu_us)),
        format!("{:.0}", typical(runs, |r| r.recovery_us)),
        format!("{:.2}x", typical(runs, |r| r.node_cpu_us() / r.recovery_us)),
        format!("{:.0}", typical(runs, Run::client_cpu_us)),
        number(last.map(|r| r.blocks)),
        number(last.and_then(|r| r.fsyncs)),
    ]
}

/// The steps of a block that the node times itself, with what stands in the table for them.
const STEPS: [(&str, &str); 6] = [
    ("capstan_block_execute_seconds_sum", "execute"),
    ("capstan_block_root_seconds_sum", "root"),
    (
        "capstan_block_seal_seconds_sum",
        "seal (roots of lists, header)",
    ),
    ("capstan_block_log_seconds_sum", "log (write and fsync)"),
    (
        "capstan_block_publish_seconds_sum",
        "publish (memory, pool, subscribers)",
    ),
    ("capstan_db_flush_seconds_sum", "database, behind the log"),
];

/// Where our node's time goes: CPU by kind of thread, and the steps of a block by the node's own clock.
fn print_breakdown(runs: &[(Workload, Vec<Run>)]) {
    let mut header = vec!["capstan, us per transaction"];
    header.extend(runs.iter().map(|(workload, _)| workload.name()));
    let mut table = Table::new(&header);
    let mut kinds: Vec<&str> = runs
        .iter()
        .flat_map(|(_, runs)| runs.iter().flat_map(|run| run.node.threads_s.keys()))
        .map(String::as_str)
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let of = |run: &Run| {
            let cpu_s = run.node.threads_s.get(kind).copied().unwrap_or_default();
            cpu_s * 1e6 / run.transactions
        };
        table.measured(&format!("CPU of threads `{kind}`"), runs, of);
    }
    for (metric, step) in STEPS {
        let of = |run: &Run| {
            let wall_s = run.metrics.get(metric).copied().unwrap_or_default();
            wall_s * 1e6 / run.transactions
        };
        table.measured(&format!("time to {step}"), runs, of);
    }
    table.measured("time of the whole run", runs, |run| {
        run.wall_s * 1e6 / run.transactions
    });
    println!();
    table.print();
}

impl Table {
    fn measured(&mut self, name: &str, runs: &[(Workload, Vec<Run>)], of: impl Fn(&Run) -> f64) {
        let medians: Vec<f64> = runs.iter().map(|(_, runs)| typical(runs, &of)).collect();
        if medians.iter().all(|us| *us < 0.05) {
            return;
        }
        let mut row = vec![name.to_owned()];
        row.extend(medians.iter().map(|us| format!("{us:.1}")));
        self.row(row);
    }
}

/// CPU microseconds to recover one sender on all cores at once, which is how the node does it: the physical
/// limit of throughput. Decoding is included, since a node must decode to know what was signed.
fn recovery_us(signers: &[PrivateKeySigner]) -> eyre::Result<f64> {
    let raw: Vec<Bytes> = workload::samples(signers, 4_000)?;
    let recover = |bytes: &Bytes| -> eyre::Result<Address> {
        Ok(TxEnvelope::decode_2718(&mut bytes.as_ref())?.recover_signer()?)
    };
    let start = own_cpu_seconds();
    let senders = raw
        .par_iter()
        .map(recover)
        .collect::<eyre::Result<Vec<_>>>()?;
    let cpu_s = own_cpu_seconds() - start;
    let first = signers.first().ok_or_eyre("no accounts")?.address();
    ensure!(senders.first() == Some(&first), "recovered another sender");
    Ok(cpu_s * 1e6 / raw.len() as f64)
}
