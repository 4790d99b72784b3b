//! Our trie beside `ethrex-trie`, the trie of a production client: the same slots, the same changes, the same root.
//!
//! Both read encoded records from the same kind of map in memory, hash with the same Keccak, and are given plain
//! slots; what is measured is load, change and hash, without writing back. Writing is not compared: it is what the
//! store below costs.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U256, keccak256};
use capstan_chain::{
    db::{AccountDiff, AccountInfo, StateDiff},
    trie::{Mpt, Node, NodeKey, NodeSource, NodeUpdates, StateCommitment as _, TrieError},
};
use ethrex_trie::{Nibbles, Trie, TrieDB};
use eyre::{OptionExt, ensure, eyre};
use parking_lot::RwLock;

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

/// The peer's records. Clones are the same map.
#[derive(Clone, Default)]
struct Theirs(Arc<RwLock<HashMap<Vec<u8>, Vec<u8>>>>);

impl TrieDB for Theirs {
    fn get(&self, key: Nibbles) -> Result<Option<Vec<u8>>, ethrex_trie::TrieError> {
        Ok(self.0.read().get(key.as_ref()).cloned())
    }

    fn put_batch(&self, nodes: Vec<(Nibbles, Vec<u8>)>) -> Result<(), ethrex_trie::TrieError> {
        let mut map = self.0.write();
        for (key, node) in nodes {
            match node.is_empty() {
                true => drop(map.remove(key.as_ref())),
                false => drop(map.insert(key.into_vec(), node)),
            }
        }
        Ok(())
    }
}

/// The same Keccak that we use.
#[derive(Debug)]
struct SameKeccak;

impl ethrex_crypto::Crypto for SameKeccak {
    fn keccak256(&self, input: &[u8]) -> [u8; 32] {
        keccak256(input).0
    }
}

fn put(trie: &mut Trie, changes: &[(u64, u64)]) -> eyre::Result<()> {
    for (slot, word) in changes {
        let path = keccak256(U256::from(*slot).to_be_bytes::<32>());
        trie.insert(path.to_vec(), alloy_rlp::encode(U256::from(*word)))
            .map_err(|error| eyre!("ethrex-trie: {error}"))?;
    }
    Ok(())
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
        let (mut ours, theirs) = (Ours::default(), Theirs::default());
        let mut peer_root = Trie::new(Box::new(theirs.clone())).hash_no_commit(&SameKeccak);
        for first in (0..slots).step_by(FILL as usize) {
            let changes: Vec<(u64, u64)> = (first..slots.min(first + FILL))
                .map(|slot| (slot, slot + 1))
                .collect();
            let (root, updates) = ours.update(&changes)?;
            ours.keep(&updates);
            let mut trie = Trie::open(Box::new(theirs.clone()), peer_root);
            put(&mut trie, &changes)?;
            peer_root = trie
                .hash(&SameKeccak)
                .map_err(|error| eyre!("ethrex-trie: {error}"))?;
            ensure!(
                peer_root.0 == root.0,
                "the tries differ while they are filled"
            );
        }
        let stride = slots / CHANGED;
        let mut samples: [Vec<f64>; 3] = Default::default();
        for round in 0..runs {
            let change = |n| (round % stride + n * stride, slots + round + 2);
            let changes: Vec<(u64, u64)> = (0..CHANGED).map(change).collect();
            let start = Instant::now();
            let (alone, _) = one.install(|| ours.update(&changes))?;
            samples[0].push(ms(start.elapsed()));
            let start = Instant::now();
            let (together, _) = ours.update(&changes)?;
            samples[1].push(ms(start.elapsed()));
            let mut trie = Trie::open(Box::new(theirs.clone()), peer_root);
            let start = Instant::now();
            put(&mut trie, &changes)?;
            let theirs = trie.hash_no_commit(&SameKeccak);
            samples[2].push(ms(start.elapsed()));
            ensure!(
                alone == together && together.0 == theirs.0,
                "the roots differ: {alone}, {together}, {theirs:?}"
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
