//! Our trie beside `ethrex-trie`, the trie of a production client: the same slots, the same changes, the same root.
//!
//! Both read encoded records from the same kind of map in memory and are given plain slots; what is measured is load,
//! change and hash, without writing back. Writing is not compared: it is what the store below costs. The peer runs
//! first, in a program of its own (`benches/trie-peer`).

use std::{
    collections::HashMap,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U256};
use capstan_chain::{
    db::{AccountDiff, AccountInfo, StateDiff},
    trie::{Mpt, Node, NodeKey, NodeSource, NodeUpdates, StateCommitment as _, TrieError},
};
use eyre::{OptionExt, ensure};

use crate::{
    block::{CHANGED, STORE},
    report::{Table, median},
};

/// Slots that are put in at once while a trie is filled.
const FILL: u64 = 100_000;

/// Our records, encoded.
#[derive(Default)]
struct Ours(HashMap<NodeKey, Vec<u8>>);

impl NodeSource for Ours {
    fn node(&self, key: &NodeKey) -> Result<Option<Arc<Node>>, TrieError> {
        let node = self.0.get(key).and_then(|bytes| Node::decode(bytes));
        Ok(node.map(Arc::new))
    }
}

impl Ours {
    fn update(&self, changes: &[(u64, u64)]) -> eyre::Result<(B256, NodeUpdates)> {
        let word = |(slot, word): &(u64, u64)| (U256::from(*slot), U256::from(*word));
        let account = AccountDiff {
            info: Some(AccountInfo {
                nonce: 1,
                ..AccountInfo::default()
            }),
            storage: changes.iter().map(word).collect(),
        };
        let diff = StateDiff {
            accounts: [(STORE, account)].into(),
            ..StateDiff::default()
        };
        let commit = Mpt.update(self, &diff)?;
        let root = commit.storage_roots.get(&STORE).copied();
        Ok((root.ok_or_eyre("no storage root")?, commit.updates))
    }

    fn keep(&mut self, updates: &NodeUpdates) {
        for (key, node) in updates {
            match node {
                Some(node) => drop(self.0.insert(*key, node.encode())),
                None => drop(self.0.remove(key)),
            }
        }
    }
}

/// Root and milliseconds of each step of the peer: filled, then each round.
fn peer(slots: u64, runs: u64) -> eyre::Result<Vec<(B256, f64)>> {
    let name = "capstan-bench-trie-peer";
    let program = std::env::current_exe()?.with_file_name(name);
    ensure!(
        program.exists(),
        "{} is not built: `cargo xtask bench block` builds it",
        program.display()
    );
    let numbers = [slots, CHANGED, runs, FILL].map(|number| number.to_string());
    let output = Command::new(program).args(numbers).output()?;
    ensure!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    let step = |line: &str| {
        let (root, ms) = line.split_once(' ').ok_or_eyre("no figure from the peer")?;
        Ok((root.parse()?, ms.parse()?))
    };
    text.lines().map(step).collect()
}

/// Prints the table.
pub(crate) fn compare(sizes: &[u64], runs: u64) -> eyre::Result<()> {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let cores = rayon::current_num_threads();
    let all = format!("ours, {cores} threads ms");
    let mut table = Table::new(&[
        "slots in the account",
        "ours, 1 thread ms",
        &all,
        "ethrex-trie ms",
        "ethrex / ours, 1 thread",
        "ethrex / ours, all",
    ]);
    for &slots in sizes {
        let peer = peer(slots, runs)?;
        ensure!(
            peer.len() as u64 == runs + 1,
            "the peer made {} steps",
            peer.len()
        );
        let mut ours = Ours::default();
        let mut filled = B256::ZERO;
        for first in (0..slots).step_by(FILL as usize) {
            let part = first..slots.min(first + FILL);
            let changes: Vec<(u64, u64)> = part.map(|slot| (slot, slot + 1)).collect();
            let (root, updates) = ours.update(&changes)?;
            ours.keep(&updates);
            filled = root;
        }
        ensure!(
            filled == peer[0].0,
            "filled: ours {filled}, theirs {}",
            peer[0].0
        );
        let stride = slots / CHANGED;
        let mut samples: [Vec<f64>; 3] = Default::default();
        for (round, (theirs, theirs_ms)) in (0..runs).zip(&peer[1..]) {
            let change = |n| (round % stride + n * stride, slots + round + 2);
            let changes: Vec<(u64, u64)> = (0..CHANGED).map(change).collect();
            let start = Instant::now();
            let (alone, _) = one.install(|| ours.update(&changes))?;
            samples[0].push(ms(start.elapsed()));
            let start = Instant::now();
            let (together, _) = ours.update(&changes)?;
            samples[1].push(ms(start.elapsed()));
            samples[2].push(*theirs_ms);
            ensure!(
                alone == together && together == *theirs,
                "round {round}: the roots differ: {alone}, {together}, {theirs}"
            );
        }
        let [alone, together, theirs] = samples.each_mut().map(|samples| median(samples));
        table.row(vec![
            slots.to_string(),
            format!("{alone:.1}"),
            format!("{together:.1}"),
            format!("{theirs:.1}"),
            format!("{:.2}x", theirs / alone),
            format!("{:.2}x", theirs / together),
        ]);
    }
    println!(
        "The root after {CHANGED} changed slots, records in memory, medians of {runs}; every root is the same in both"
    );
    table.print();
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
