//! A block that changes 10,000 slots of one account, over storage of growing size, on disk.
//!
//! Each part of a block's life is measured by itself, cold: state is read from the database, which a running node
//! mostly finds in memory. The slots changed are spread over the whole storage and are others in each round.
//!
//! ```text
//!   execution   four transactions of 2,500 SSTOREs through the EVM, access list included
//!   root        the new state root from the changed slots
//!   log         the block appended to the log and synced: from here on it is final
//!   flush       state, history and trie records into the database, synced
//! ```

use std::{path::Path, sync::Arc, time::Instant};

use alloy_consensus::{SignableTransaction as _, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Signature, TxKind, U256, keccak256};
use alloy_trie::root::storage_root_unsorted;
use capstan_chain::{
    Chain, ChainConfig, Genesis,
    db::{AccountInfo, BlockRecord, Db, DbConfig, LOG_FOLDER, LoadedAccount, SCHEMA, STATE_FILE},
    disk::{Disk as _, OsDisk, Unsynced},
    kv::{KvConfig, RedbKv},
    log::{BlockLog, LogConfig},
    trie::{Mpt, StateCommitment as _},
};
use capstan_evm::{BlockContext, BlockOutcome, BlockRun, Rules, Tx};
use eyre::ensure;

use crate::{
    report::{Table, median},
    trie,
};

/// The account whose storage is large.
pub(crate) const STORE: Address = Address::repeat_byte(0x5e);
const SENDER: Address = Address::repeat_byte(0xaa);
/// Slots that one block changes.
pub(crate) const CHANGED: u64 = 10_000;
/// In so many transactions, since none may take more than 2^24 gas.
const TRANSACTIONS: u64 = 4;

/// How much.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Slots of the account: a table row for each.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000, 10_000_000])]
    slots: Vec<u64>,
    /// Blocks over each size; medians are printed.
    #[arg(long, default_value_t = 7)]
    runs: u64,
    /// Slots at most in the comparison of tries, whose peer keeps everything in memory.
    #[arg(long, default_value_t = 1_000_000)]
    peer_slots: u64,
}

/// Prints both tables.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    let mut table = Table::new(&[
        "slots in the account",
        "load s",
        "file MB",
        "execution ms",
        "root ms",
        "log ms",
        "flush ms",
    ]);
    for &slots in &options.slots {
        ensure!(slots >= CHANGED, "at least {CHANGED} slots, not {slots}");
        // Made anew for each size, and removed when it is dropped.
        let folder = tempfile::tempdir()?;
        table.row(measure(folder.path(), slots, options.runs)?);
    }
    println!(
        "A block that changes {CHANGED} slots of one account, medians of {} blocks",
        options.runs
    );
    table.print();
    println!();
    let sizes = options
        .slots
        .iter()
        .filter(|slots| **slots <= options.peer_slots);
    trie::compare(&sizes.copied().collect::<Vec<_>>(), options.runs)
}

/// Assembles the writer: calldata is `slot | count | stride | word`; it stores the word `count` times, `stride` apart.
fn writer() -> Bytes {
    let mut code = vec![0x5f, 0x35, 0x60, 0x20, 0x35]; // slot, i = count
    let top = code.len() as u8;
    code.extend([0x5b, 0x80, 0x15, 0x60, 0, 0x57]); // JUMPDEST DUP1 ISZERO PUSH1 end JUMPI
    code.extend([0x60, 0x60, 0x35, 0x82, 0x55]); // word DUP3 SSTORE
    code.extend([0x90, 0x60, 0x40, 0x35, 0x01, 0x90]); // slot + stride
    code.extend([0x60, 0x01, 0x90, 0x03]); // i - 1
    code.extend([0x60, top, 0x56]); // JUMP top
    code[usize::from(top) + 4] = code.len() as u8;
    code.extend([0x5b, 0x00]); // end: STOP
    code.into()
}

struct World {
    rules: Arc<Rules>,
    context: BlockContext,
    db: Db,
    log: BlockLog,
}

/// Fills a folder with an account of that many slots, and opens it as a node does.
fn load(folder: &Path, slots: u64) -> eyre::Result<World> {
    let chain = Chain::open(ChainConfig::dev(Genesis::dev(1, 0)))?;
    {
        // Loading need not be safe against a power cut; what is measured afterwards is.
        let file = Unsynced(OsDisk::open(folder)?.create(STATE_FILE)?);
        let kv = RedbKv::open_file(Arc::new(file), STATE_FILE, SCHEMA, KvConfig::default())?;
        let db = Db::open(Arc::new(kv), DbConfig::default())?;
        let mut loader = db.load(0)?;
        let code = writer();
        let accounts = [
            (SENDER, U256::from(10).pow(U256::from(24)), None, 0),
            (STORE, U256::ZERO, Some(code), slots),
        ];
        for (address, balance, code, slots) in accounts {
            let code_hash = code.as_ref().map_or(KECCAK256_EMPTY, keccak256);
            loader.account(LoadedAccount {
                address,
                info: AccountInfo {
                    nonce: 0,
                    balance,
                    code_hash,
                },
                code,
                slots: &mut (0..slots).map(|slot| (U256::from(slot), U256::from(slot + 1))),
            })?;
        }
        loader.finish(keccak256)?;
    }
    std::fs::File::open(folder.join(STATE_FILE))?.sync_all()?;
    let kv = RedbKv::open_path(&folder.join(STATE_FILE), SCHEMA, KvConfig::default())?;
    let disk = OsDisk::open(&folder.join(LOG_FOLDER))?;
    Ok(World {
        rules: Arc::clone(chain.rules()),
        context: chain.next_context(),
        db: Db::open(Arc::new(kv), DbConfig::default())?,
        log: BlockLog::open(Arc::new(disk), LogConfig::default())?.0,
    })
}

fn measure(folder: &Path, slots: u64, runs: u64) -> eyre::Result<Vec<String>> {
    let start = Instant::now();
    let world = load(folder, slots)?;
    let load_s = start.elapsed().as_secs_f64();
    let file_mb = std::fs::metadata(folder.join(STATE_FILE))?.len() as f64 / 1e6;
    let mut samples: [Vec<f64>; 4] = Default::default();
    for round in 0..runs {
        let parts = world.block(slots, round)?;
        for (samples, part_ms) in samples.iter_mut().zip(parts) {
            samples.push(part_ms);
        }
    }
    if slots <= 1_000_000 {
        world.check(slots)?;
    }
    let mut row = vec![
        slots.to_string(),
        format!("{load_s:.1}"),
        format!("{file_mb:.0}"),
    ];
    row.extend(
        samples
            .iter_mut()
            .map(|samples| format!("{:.1}", median(samples))),
    );
    Ok(row)
}

impl World {
    /// Milliseconds of execution, root, log and flush of one block.
    fn block(&self, slots: u64, round: u64) -> eyre::Result<[f64; 4]> {
        let view = self.db.view()?;
        let tip = view.tip().unwrap_or_default();
        let height = tip.height + 1;
        let start = Instant::now();
        let (outcome, transactions) = self.execute(slots, round, height, tip.hash)?;
        let execution = ms(start);

        let start = Instant::now();
        let commit = Mpt.update(&*view, &outcome.diff)?;
        let root = ms(start);

        let mut payload = alloy_rlp::encode(&outcome.access_list);
        let bodies = transactions.iter().map(|tx| tx.inner().clone());
        payload.extend(alloy_rlp::encode(bodies.collect::<Vec<Tx>>()));
        let hash = keccak256(commit.root);
        let start = Instant::now();
        self.log.append(height, hash, &payload)?;
        let log = ms(start);

        let changed = outcome
            .diff
            .accounts
            .get(&STORE)
            .map_or(0, |a| a.storage.len());
        ensure!(
            changed as u64 == CHANGED,
            "{changed} slots changed, not {CHANGED}"
        );
        let record = BlockRecord {
            height,
            hash,
            state_root: commit.root,
            diff: Arc::new(outcome.diff),
            nodes: Arc::new(commit.updates),
            ..BlockRecord::default()
        };
        drop(view);
        let start = Instant::now();
        self.db.apply(&[record])?;
        Ok([execution, root, log, ms(start)])
    }

    fn execute(
        &self,
        slots: u64,
        round: u64,
        height: u64,
        parent: B256,
    ) -> eyre::Result<(BlockOutcome, Vec<Recovered<Tx>>)> {
        let view = self.db.view()?;
        let mut context = self.context.clone();
        context.info.number = height;
        context.info.time_ms += 250 * height;
        context.parent_hash = parent;
        let base_fee = context.info.base_fee_wei;
        let state = Arc::new(view.at(height - 1)?);
        let mut run = BlockRun::open(Arc::clone(&self.rules), state, context)?;
        let (stride, each) = (slots / CHANGED, CHANGED / TRANSACTIONS);
        let mut transactions = Vec::new();
        for index in 0..TRANSACTIONS {
            let first = round % stride + index * each * stride;
            let words = [first, each, stride, slots + round + 2].map(U256::from);
            let tx = TxEip1559 {
                chain_id: self.rules.chain_id,
                nonce: round * TRANSACTIONS + index,
                gas_limit: 1 << 24,
                max_fee_per_gas: base_fee,
                to: TxKind::Call(STORE),
                input: words
                    .iter()
                    .flat_map(|word| word.to_be_bytes::<32>())
                    .collect(),
                ..TxEip1559::default()
            };
            // Recovery of senders is not measured here, so nobody signs.
            let unsigned = tx.into_signed(Signature::new(U256::ONE, U256::ONE, false));
            let tx = Recovered::new_unchecked(Tx::Eip1559(unsigned), SENDER);
            let done = run.user(&tx)?;
            ensure!(done.success, "transaction {index} failed: {:?}", done.halt);
            transactions.push(tx);
        }
        Ok((run.close()?, transactions))
    }

    /// The storage root of the account, from scratch by another implementation, is the one in the state.
    fn check(&self, slots: u64) -> eyre::Result<()> {
        let view = self.db.view()?;
        let mut entries = Vec::new();
        view.each_slot(STORE, &mut |slot, word| {
            entries.push((keccak256(slot.to_be_bytes::<32>()), word));
            Ok(())
        })?;
        ensure!(
            entries.len() as u64 == slots,
            "{} slots, not {slots}",
            entries.len()
        );
        let proof = Mpt.proof(&*view, STORE, &[])?;
        let stored = proof.account.map(|account| account.storage_root);
        let made = storage_root_unsorted(entries);
        ensure!(
            stored == Some(made),
            "the storage root is {stored:?}, from scratch {made}"
        );
        Ok(())
    }
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
