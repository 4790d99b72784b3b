//! Runs the official GeneralStateTests through this crate's own execution.
//!
//! The same engine, handler and overlay as in a block; only the rules are the fixture's, from Frontier to
//! Osaka. Checked are the state root, the hash of the logs, and whether an invalid transaction was refused, which must
//! leave the state as it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_primitives::{Address, B256, Bytes, Log, U256, keccak256};
use rayon::prelude::*;
use revm::context::{BlockEnv, CfgEnv};
use revm::primitives::hardfork::SpecId;
use revm_statetest_types::{SpecName, Test, TestSuite, TestUnit, TransactionParts, TxPartIndices};

use crate::call::Session;
use crate::mem::MemState;
use crate::{AccountInfo, StateError, StateRead};

/// Fixtures whose premise cannot arise: an account with storage that has neither code nor nonce, on which a
/// creation lands (EIP-7610). revm treats it as free, and no chain can hold one.
const IMPOSSIBLE: [&str; 10] = [
    "InitCollision",
    "InitCollisionParis",
    "RevertInCreateInInit",
    "RevertInCreateInInit_Paris",
    "RevertInCreateInInitCreate2",
    "RevertInCreateInInitCreate2Paris",
    "create2collisionStorage",
    "create2collisionStorageParis",
    "dynamicAccountOverwriteEmpty",
    "dynamicAccountOverwriteEmpty_Paris",
];

/// Fixtures with a number beyond 256 bits, which no transaction can hold and no parser reads.
const UNREADABLE: [&str; 2] = ["ValueOverflow", "ValueOverflowParis"];

/// A test that did not do what its fixture says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// File, test, fork and indices.
    pub name: String,
    /// What differed.
    pub why: String,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Cases that did what their fixture says.
    pub passed: usize,
    /// Cases that did not, in the order of their files.
    pub failed: Vec<Failure>,
    /// Cases of forks beyond Osaka, and of premises that cannot arise.
    pub skipped: usize,
}

impl Summary {
    fn join(mut self, other: Self) -> Self {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.skipped += other.skipped;
        self
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Files finished.
    pub files_done: usize,
    /// Files in all.
    pub files: usize,
}

/// Runs every case of every fixture file in `paths` (files, or folders searched to the bottom), over all cores.
/// `progress` is called after each file, from whichever thread finished it.
///
/// # Errors
/// A path that cannot be listed. A file that cannot be read or parsed is a failure by its name.
pub fn run_paths(
    paths: &[PathBuf],
    progress: &(dyn Fn(Progress) + Sync),
) -> std::io::Result<Summary> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files)?;
    }
    let done = AtomicUsize::new(0);
    let summaries: Vec<Summary> = files
        .par_iter()
        .map(|file| {
            let summary = run_file(file);
            let files_done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress(Progress {
                files_done,
                files: files.len(),
            });
            summary
        })
        .collect();
    Ok(summaries
        .into_iter()
        .fold(Summary::default(), Summary::join))
}

/// Fixture files below `path`, sorted; hidden entries hold indexes, not fixtures.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for entry in entries {
        let hidden = entry
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let fixture = entry.is_dir()
            || entry
                .extension()
                .is_some_and(|extension| extension == "json");
        if fixture && !hidden {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

fn run_file(file: &Path) -> Summary {
    let broken = |why: String| Summary {
        failed: vec![Failure {
            name: file.display().to_string(),
            why,
        }],
        ..Summary::default()
    };
    let stem = file
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    if UNREADABLE.contains(&stem.as_str()) {
        return Summary {
            skipped: 1,
            ..Summary::default()
        };
    }
    match fs::read(file) {
        Ok(text) => run_text(&file.display().to_string(), &stem, &text),
        Err(error) => broken(format!("cannot be read: {error}")),
    }
}

/// Runs every case of one fixture. `file` is what failures are named by, `stem` the file's name without its ending.
pub fn run_text(file: &str, stem: &str, text: &[u8]) -> Summary {
    let suite: TestSuite = match serde_json::from_slice(text) {
        Ok(suite) => suite,
        Err(error) => {
            return Summary {
                failed: vec![Failure {
                    name: file.to_owned(),
                    why: format!("is not a GeneralStateTest: {error}"),
                }],
                ..Summary::default()
            };
        }
    };
    let impossible = IMPOSSIBLE.contains(&stem);
    let mut summary = Summary::default();
    for (name, unit) in &suite.0 {
        let before = Arc::new(pre_state(unit));
        for (fork, tests) in &unit.post {
            let Some(spec) = spec_of(fork).filter(|_| !impossible) else {
                summary.skipped += tests.len();
                continue;
            };
            for test in tests {
                match run_case(unit, test, spec, &before) {
                    Ok(()) => summary.passed += 1,
                    Err(why) => {
                        let at = &test.indexes;
                        let name = format!(
                            "{file}: {name} [{fork:?} data {} gas {} value {}]",
                            at.data, at.gas, at.value
                        );
                        summary.failed.push(Failure { name, why });
                    }
                }
            }
        }
    }
    summary
}

/// The rules of a fixture's fork; `None` for those that this program does not follow.
fn spec_of(fork: &SpecName) -> Option<SpecId> {
    match fork {
        SpecName::Unknown
        | SpecName::Amsterdam
        | SpecName::Constantinople
        | SpecName::ByzantiumToConstantinopleAt5 => None,
        known => Some(known.to_spec_id()),
    }
}

fn pre_state(unit: &TestUnit) -> MemState {
    let mut state = MemState::new();
    for (address, account) in &unit.pre {
        let storage = account.storage.iter().map(|(slot, word)| (*slot, *word));
        state.put(
            *address,
            account.balance,
            account.nonce,
            account.code.clone(),
            storage,
        );
    }
    state
}

/// Whether a transaction can be made of a fixture's parts at all: the library takes that for granted.
fn is_whole(parts: &TransactionParts, at: &TxPartIndices) -> Result<(), String> {
    let lengths = [
        ("data", at.data, parts.data.len()),
        ("gasLimit", at.gas, parts.gas_limit.len()),
        ("value", at.value, parts.value.len()),
    ];
    for (name, index, length) in lengths {
        if index >= length {
            return Err(format!("names {name} {index} of {length}"));
        }
    }
    let fees = [parts.max_priority_fee_per_gas, parts.max_fee_per_blob_gas];
    match fees
        .into_iter()
        .flatten()
        .find(|fee| *fee > U256::from(u128::MAX))
    {
        Some(fee) => Err(format!("has a fee of {fee}, more than any")),
        None => Ok(()),
    }
}

fn run_case(
    unit: &TestUnit,
    test: &Test,
    spec: SpecId,
    before: &Arc<MemState>,
) -> Result<(), String> {
    let (cfg, block) = environment(unit, spec);
    let mut session = Session::with_env(Arc::new(Fixture(before.clone())), cfg, block);
    is_whole(&unit.transaction, &test.indexes)?;
    let ended = match test.tx_env(unit) {
        Ok(tx) => session.user(tx, None).map_err(|error| error.to_string()),
        Err(error) => Err(format!("the transaction cannot be made: {error}")),
    };
    let logs = match (&test.expect_exception, ended) {
        (Some(wanted), Ok(_)) => return Err(format!("was accepted, but must fail: {wanted}")),
        (None, Err(why)) => return Err(format!("was refused: {why}")),
        (None, Ok(ended)) => {
            session.commit(&ended.state);
            ended.result.into_logs()
        }
        // Before the merge an empty block paid its miner, and testers differed in whether that shows.
        (Some(_), Err(_)) if !spec.is_enabled_in(SpecId::MERGE) => return Ok(()),
        (Some(_), Err(_)) => Vec::new(),
    };
    let logs = logs_hash(&logs);
    if logs != test.logs {
        return Err(format!("logs hash to {logs}, not {}", test.logs));
    }
    let mut after = MemState::clone(before);
    session.overlay().settle(&mut after);
    let root = after.root();
    if root != test.hash {
        return Err(format!("state root is {root}, not {}", test.hash));
    }
    Ok(())
}

fn environment(unit: &TestUnit, spec: SpecId) -> (CfgEnv, BlockEnv) {
    let mut cfg = CfgEnv::new_with_spec(spec);
    cfg.chain_id = unit
        .env
        .current_chain_id
        .and_then(|id| u64::try_from(id).ok())
        .unwrap_or(1);
    // EIP-4844 allowed 6 blobs, EIP-7691 raised that to 9; EIP-7594 allows 6 in one transaction.
    let blobs = if spec == SpecId::PRAGUE { 9 } else { 6 };
    cfg.set_max_blobs_per_tx(blobs);
    let block = unit.block_env(&mut cfg);
    (cfg, block)
}

fn logs_hash(logs: &[Log]) -> B256 {
    let mut bytes = Vec::new();
    alloy_rlp::encode_list(logs, &mut bytes);
    keccak256(&bytes)
}

/// The fixture's accounts, and the block hashes that the test format prescribes.
struct Fixture(Arc<MemState>);

impl StateRead for Fixture {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.0.account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.0.storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.0.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        Ok(keccak256(number.to_string()))
    }
}

#[cfg(test)]
mod tests;
