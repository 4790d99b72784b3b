//! Verifying a block from its access list beside running it in sequence, and beside what the machine can do at all.
//!
//! ```text
//!   plain      BlockRun: open, every transaction, close
//!   ahead 2    the same on two threads, ahead of the turn (specs/parallel.md)
//!   verify 1   the same block from its list, on one thread
//!   verify 2   on two
//!   ceiling    two plain loops at once, each on a core of its own: 2 x plain / both
//! ```
//!
//!   2 processes  one thread here and one in another process, which is given the block over loopback
//!
//! They take turns. Every ratio is the median over the rounds of one round's times. Running ahead cannot do better than the
//! ceiling; a verifier can, since what the plain loop finds out it is told by the list.

mod node;
mod redo;

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use alloy_consensus::{SignableTransaction as _, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use capstan_chain::{Genesis, Helpers, Token, help_once};
use capstan_evm::{
    BlockContext, BlockOutcome, BlockRun, Rules, StateRead, Tx,
    mem::MemState,
    parallel::Workers,
    record::{analyse, record},
    verify::{Claim, verify},
};
use capstan_state::{BlockInfo, ProtocolVersion};
use eyre::ensure;

use crate::{
    ceiling::Cores,
    parallel::Feed,
    report::{Table, median},
};

/// How much.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Transactions of a block, where their gas allows.
    #[arg(long, default_value_t = 3_000)]
    transactions: u64,
    /// Rounds; medians are printed.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Threads of the column with several.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Blocks that are redone from their records.
    #[arg(long, default_value_t = 20)]
    blocks: u64,
    /// Be the other process: help the one that listens here.
    #[arg(long, hide = true, requires = "token")]
    worker: Option<SocketAddr>,
    /// File with the token of the two.
    #[arg(long, hide = true)]
    token: Option<PathBuf>,
}

/// Blocks until the other process must have taken part in one.
const WARM_MAX: usize = 30;

/// One kind of block.
struct Workload {
    name: &'static str,
    /// Sender, callee, gas limit and input of the n-th transaction.
    tx: fn(u64) -> (Address, Address, u64, Vec<u8>),
    /// Gas of one at most, to see how many fit.
    gas: u64,
}

const COUNTER: Address = Address::repeat_byte(0xc0);
const SLOTS: Address = Address::repeat_byte(0x51);
const HASHER: Address = Address::repeat_byte(0x4a);

const WORKLOADS: [Workload; 5] = [
    Workload {
        name: "transfers, all apart",
        tx: |n| (person(n), person(n + (1 << 32)), 21_000, Vec::new()),
        gas: 21_000,
    },
    Workload {
        name: "transfers, each to the next sender",
        tx: |n| (person(n), person(n + 1), 21_000, Vec::new()),
        gas: 21_000,
    },
    Workload {
        name: "two words of its own each",
        tx: |n| (person(n), SLOTS, 100_000, word(n)),
        gas: 70_000,
    },
    Workload {
        name: "one counter",
        tx: |n| (person(n), COUNTER, 60_000, Vec::new()),
        gas: 45_000,
    },
    Workload {
        name: "one counter, behind 500 hashes",
        tx: |n| (person(n), HASHER, 200_000, word(n)),
        gas: 90_000,
    },
];

fn person(n: u64) -> Address {
    Address::from_slice(&keccak256(n.to_be_bytes())[..20])
}

fn word(n: u64) -> Vec<u8> {
    keccak256(n.to_be_bytes()).to_vec()
}

/// sstore(0, sload(0) + 1)
const COUNT_UP: [u8; 7] = [0x60, 1, 0x5f, 0x54, 0x01, 0x5f, 0x55];

fn hasher_code() -> Vec<u8> {
    let mut code = vec![0x5f, 0x35, 0x61, 0x01, 0xf4]; // x = word, i = 500
    let top = 5;
    // JUMPDEST; x = keccak(x); i -= 1; while i
    code.extend([0x5b, 0x90, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0x20, 0x90]);
    code.extend([0x60, 1, 0x90, 0x03, 0x80, 0x60, top, 0x57]);
    code.extend(COUNT_UP);
    code
}

/// Prints the tables.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    if let (Some(node), Some(token)) = (options.worker, &options.token) {
        return Ok(help_once(node, &Token::read(token)?, &drop)?);
    }
    let threads = options.threads;
    let other = Other::start()?;
    let cores = Cores::new(2, Workers::new(1).stack_bytes)?;
    let mut speed = Table::new(&[
        "block",
        "transactions",
        "plain ms",
        &format!("ahead {threads}"),
        "verify 1",
        &format!("verify {threads}"),
        "2 processes",
        "ceiling",
    ]);
    let mut size = Table::new(&[
        "block",
        "places",
        "touches",
        "list B/place",
        "list B/touch",
        "list B/tx",
        "sidecar B/touch",
        "parallelism",
        &format!("ahead {threads}"),
        &format!("verify {threads}"),
        "ahead 16",
        "verify 16",
    ]);
    for workload in &WORKLOADS {
        let block = Block::make(workload, options.transactions)?;
        speed.row(block.speed(workload.name, options, &other.helpers, &cores)?);
        size.row(block.size(workload.name, threads)?);
    }
    println!(
        "Running ahead on {threads} threads, and verifying from the access list, as multiples of the plain loop in the same round; medians of {} rounds",
        options.rounds
    );
    speed.print();
    println!();
    println!(
        "The record; the last four, for so many cores, are projections from its gas, not measurements"
    );
    size.print();
    println!();
    node::run(threads, options.rounds)?;
    println!();
    redo::run(options.blocks, options.rounds.min(5))
}

/// Another process that helps to verify; ended with this one's use of it.
struct Other {
    helpers: Arc<Helpers>,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Other {
    fn start() -> eyre::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("token");
        let token = Token::read_or_make(&path)?;
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let helpers = Helpers::listen(Helpers::bind(here)?, token, &Genesis::dev(0, 0))?;
        let address = helpers.address().to_string();
        let process = Command::new(std::env::current_exe()?)
            .args(["per", "--worker", &address, "--token"])
            .arg(&path)
            .spawn()?;
        let other = Self {
            helpers,
            process,
            _folder: folder,
        };
        let started = Instant::now();
        while other.helpers.count() == 0 {
            ensure!(
                started.elapsed() < Duration::from_secs(20),
                "the other process does not come"
            );
            thread::sleep(Duration::from_millis(10));
        }
        Ok(other)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A block, the state before it, and what it leads to.
struct Block {
    rules: Arc<Rules>,
    parent: Arc<dyn StateRead>,
    context: BlockContext,
    transactions: Vec<Recovered<Tx>>,
    outcome: BlockOutcome,
    list: Vec<u8>,
}

impl Block {
    fn make(workload: &Workload, most: u64) -> eyre::Result<Self> {
        let rules = Arc::new(Genesis::dev(0, 0).rules());
        let count = most.min(rules.user_gas_limit / workload.gas);
        let mut state = MemState::new();
        let coins = U256::from(10).pow(U256::from(20));
        for n in 0..=count {
            state.put(person(n), coins, 0, Bytes::new(), []);
        }
        state.put(COUNTER, U256::ZERO, 1, COUNT_UP.to_vec().into(), []);
        // sstore(word, number of the block), sstore(word + 1, the same)
        let own = [
            0x43, 0x5f, 0x35, 0x55, 0x43, 0x5f, 0x35, 0x60, 1, 0x01, 0x55,
        ];
        state.put(SLOTS, U256::ZERO, 1, Bytes::copy_from_slice(&own), []);
        state.put(HASHER, U256::ZERO, 1, hasher_code().into(), []);
        let parent: Arc<dyn StateRead> = Arc::new(state);
        let context = context(&rules);
        let transactions: Vec<_> = (0..count).map(|n| sign((workload.tx)(n))).collect();
        let outcome = in_sequence(&rules, &parent, &context, &transactions)?;
        for (n, receipt) in outcome.receipts.iter().enumerate() {
            ensure!(
                receipt.status(),
                "transaction {n} of `{}` failed",
                workload.name
            );
        }
        let list = alloy_rlp::encode(&outcome.access_list);
        Ok(Self {
            rules,
            parent,
            context,
            transactions,
            outcome,
            list,
        })
    }

    fn claim(&self) -> Claim<'_> {
        Claim {
            rules: Arc::clone(&self.rules),
            parent: Arc::clone(&self.parent),
            context: self.context.clone(),
            transactions: &self.transactions,
            access_list: &self.list,
            access_list_hash: self.outcome.access_list_hash,
        }
    }

    fn plain(&self) -> eyre::Result<f64> {
        let started = Instant::now();
        let outcome = in_sequence(&self.rules, &self.parent, &self.context, &self.transactions)?;
        let time = ms(started);
        ensure!(outcome.gas_used == self.outcome.gas_used, "another outcome");
        Ok(time)
    }

    fn ahead(&self, workers: &Workers) -> eyre::Result<f64> {
        let started = Instant::now();
        let (rules, parent) = (Arc::clone(&self.rules), Arc::clone(&self.parent));
        let mut run = BlockRun::open(rules, parent, self.context.clone())?;
        let mut feed = Feed {
            waiting: self.transactions.iter().collect(),
            refused: 0,
        };
        run.users(&mut feed, workers)?;
        let outcome = run.close()?;
        let time = ms(started);
        ensure!(outcome == self.outcome, "running ahead differs");
        Ok(time)
    }

    fn verified(&self, threads: usize) -> eyre::Result<f64> {
        let started = Instant::now();
        let outcome = verify(&self.claim(), threads)?.into_outcome();
        let time = ms(started);
        ensure!(outcome == self.outcome, "the verifier differs");
        Ok(time)
    }

    /// Verifies until the other process has taken part: then it is connected, and knows code and rules.
    fn warm(&self, helpers: &Helpers) -> eyre::Result<()> {
        for _ in 0..WARM_MAX {
            if self.shared(helpers)?.1 {
                return Ok(());
            }
        }
        eyre::bail!("the other process did nothing in {WARM_MAX} blocks")
    }

    /// On this process's one thread and the other process; its milliseconds, and whether the other took part.
    fn shared(&self, helpers: &Helpers) -> eyre::Result<(f64, bool)> {
        let before = helpers.piece_count();
        let started = Instant::now();
        let outcome = helpers.verify(&self.claim(), 1, &|_| true)?.into_outcome();
        let time = ms(started);
        ensure!(outcome == self.outcome, "two processes differ");
        Ok((time, helpers.piece_count() > before))
    }

    fn speed(
        &self,
        name: &str,
        options: &Options,
        helpers: &Helpers,
        cores: &Cores,
    ) -> eyre::Result<Vec<String>> {
        let (mut plain, mut alone) = (Vec::new(), Vec::new());
        let (mut several, mut shared, mut ceiling) = (Vec::new(), Vec::new(), Vec::new());
        let mut ahead = Vec::new();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads.saturating_sub(1).max(1))
            .stack_size(Workers::new(1).stack_bytes)
            .build()?;
        let workers = Workers {
            pool: Some(Arc::new(pool)),
            ..Workers::new(options.threads)
        };
        self.warm(helpers)?;
        let mut alone_count = 0;
        for _ in 0..options.rounds {
            let time = self.plain()?;
            plain.push(time);
            ahead.push(time / self.ahead(&workers)?);
            alone.push(time / self.verified(1)?);
            several.push(time / self.verified(options.threads)?);
            let (together, took_part) = self.shared(helpers)?;
            shared.push(time / together);
            alone_count += usize::from(!took_part);
            ceiling.push(2.0 * time / cores.slowest(|| self.plain())?);
        }
        let times = |values: &mut Vec<f64>| format!("{:.2}x", median(values));
        Ok(vec![
            name.to_owned(),
            self.transactions.len().to_string(),
            format!("{:.1}", median(&mut plain)),
            times(&mut ahead),
            times(&mut alone),
            times(&mut several),
            // Rounds that this process was done with before the other began count as they are.
            match alone_count {
                0 => times(&mut shared),
                _ => format!("{} ({alone_count} alone)", times(&mut shared)),
            },
            times(&mut ceiling),
        ])
    }

    fn size(&self, name: &str, threads: usize) -> eyre::Result<Vec<String>> {
        let record = record(&self.claim(), threads)?;
        let places = self.outcome.access_list.iter();
        let places = places.map(|a| 1 + a.storage_changes.len() + a.storage_reads.len());
        let places = places.sum::<usize>() as f64;
        let rows = record.sidecar.rows.iter();
        let touches = rows.map(|row| row.accesses.len()).sum::<usize>() as f64;
        let list = self.list.len() as f64;
        let found = analyse(&record.sidecar);
        let milli = |ratio: u64| format!("{:.2}x", ratio as f64 / 1e3);
        Ok(vec![
            name.to_owned(),
            places.to_string(),
            touches.to_string(),
            format!("{:.1}", list / places),
            format!("{:.1}", list / touches),
            format!("{:.0}", list / self.transactions.len() as f64),
            format!("{:.2}", record.sidecar.encode().len() as f64 / touches),
            milli(found.parallelism_milli()),
            milli(found.projected_milli(threads)),
            milli(found.projected_verify_milli(threads)),
            milli(found.projected_milli(16)),
            milli(found.projected_verify_milli(16)),
        ])
    }
}

fn in_sequence(
    rules: &Arc<Rules>,
    parent: &Arc<dyn StateRead>,
    context: &BlockContext,
    transactions: &[Recovered<Tx>],
) -> eyre::Result<BlockOutcome> {
    let mut run = BlockRun::open(Arc::clone(rules), Arc::clone(parent), context.clone())?;
    for tx in transactions {
        run.user(tx)?;
    }
    Ok(run.close()?)
}

fn sign((from, to, gas_limit, input): (Address, Address, u64, Vec<u8>)) -> Recovered<Tx> {
    let tx = TxEip1559 {
        chain_id: 31_337,
        gas_limit,
        max_fee_per_gas: 100,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(to),
        value: U256::from(u8::from(input.is_empty() && gas_limit == 21_000)),
        input: input.into(),
        ..TxEip1559::default()
    };
    // Recovery of senders is not measured here, so nobody signs.
    let unsigned = tx.into_signed(Signature::new(U256::ONE, U256::ONE, false));
    Recovered::new_unchecked(Tx::Eip1559(unsigned), from)
}

fn context(rules: &Rules) -> BlockContext {
    BlockContext {
        info: BlockInfo {
            chain_id: rules.chain_id,
            number: 1,
            time_ms: 1_700_000_000_000,
            beneficiary: Address::repeat_byte(0xbe),
            base_fee_wei: 7,
            prevrandao: B256::ZERO,
            gas_limit: rules.gas_limit(),
            version: ProtocolVersion(1),
        },
        parent_hash: B256::ZERO,
        parent_beacon_root: B256::ZERO,
    }
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
