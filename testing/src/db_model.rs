//! A chain's database as plain maps: one world for each height, and what each block did.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use capstan_chain::{
    db::{
        AccountDiff, AccountInfo, BlockRecord, Db, DbError, DbView, LogFilter, StateDiff,
        TxPosition, TxRecord,
    },
    trie::{Layers, Mpt, NodeSource, StateCommitment},
};
use rand::{Rng, rngs::StdRng};

/// Accounts and their slots.
pub type World = BTreeMap<Address, (AccountInfo, BTreeMap<U256, U256>)>;

/// Everything that a database must answer, as plain maps: one world for each height.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The state after each block.
    pub worlds: Vec<World>,
    /// The blocks.
    pub blocks: Vec<BlockRecord>,
}

/// One of the model's accounts.
#[must_use]
pub fn address(n: u64) -> Address {
    Address::from_word(keccak256(n.to_be_bytes()))
}

/// What a random block changes: a few of eight accounts and ten slots, ended accounts among them.
pub fn random_diff(rng: &mut StdRng) -> StateDiff {
    let mut diff = StateDiff::default();
    for _ in 0..rng.random_range(1..6) {
        let mut account = AccountDiff::default();
        if rng.random_bool(0.85) {
            let mut info = AccountInfo {
                balance: U256::from(rng.random::<u128>()),
                nonce: rng.random_range(0..100),
                code_hash: KECCAK256_EMPTY,
            };
            if rng.random_bool(0.2) {
                let code = Bytes::from(vec![0xfe, rng.random_range(0..5)]);
                info.code_hash = keccak256(&code);
                diff.codes.insert(info.code_hash, code);
            }
            account.info = Some(info);
            for _ in 0..rng.random_range(0..8) {
                let value = if rng.random_bool(0.4) {
                    0
                } else {
                    rng.random::<u64>()
                };
                account
                    .storage
                    .insert(U256::from(rng.random_range(0..10u8)), U256::from(value));
            }
        }
        diff.accounts
            .insert(address(rng.random_range(0..8)), account);
    }
    diff
}

impl Model {
    /// Makes the next block over what `source` holds.
    pub fn grow(&mut self, rng: &mut StdRng, source: &dyn NodeSource) -> BlockRecord {
        let height = self.blocks.len() as u64;
        let diff = random_diff(rng);
        let mut world = self.worlds.last().cloned().unwrap_or_default();
        for (address, account) in &diff.accounts {
            let Some(info) = account.info else {
                world.remove(address);
                continue;
            };
            let (old, storage) = world.entry(*address).or_default();
            *old = info;
            for (slot, value) in &account.storage {
                if value.is_zero() {
                    storage.remove(slot)
                } else {
                    storage.insert(*slot, *value)
                };
            }
        }
        let commit = Mpt.update(source, &diff).unwrap();
        let block = BlockRecord {
            height,
            hash: B256::from(rng.random::<[u8; 32]>()),
            state_root: commit.root,
            diff: Arc::new(diff),
            nodes: Arc::new(commit.updates),
            transactions: (0..rng.random_range(0..4))
                .map(|_| TxRecord {
                    hash: B256::from(rng.random::<[u8; 32]>()),
                    accounts: vec![
                        address(rng.random_range(0..4)),
                        address(rng.random_range(0..8)),
                    ],
                })
                .collect(),
            logs: (0..rng.random_range(0..3))
                .map(|_| {
                    let topics = rng.random_range(0..5u8);
                    let topics = (0..topics).map(|_| topic(rng.random_range(0..6))).collect();
                    (address(rng.random_range(0..5)), topics)
                })
                .collect(),
        };
        self.worlds.push(world);
        self.blocks.push(block.clone());
        block
    }

    /// Forgets the blocks above a height.
    pub fn truncate(&mut self, height: u64) {
        self.worlds.truncate(height as usize + 1);
        self.blocks.truncate(height as usize + 1);
    }

    /// DB-1 to DB-4: every answer of the database is the model's.
    pub fn check(&self, db: &Db, floor: u64) {
        let view = db.view().unwrap();
        let tip = self.blocks.len() as u64 - 1;
        assert_eq!(view.tip().unwrap().height, tip);
        assert_eq!(view.history(), Some(floor..=tip));
        for height in floor..=tip {
            let world = &self.worlds[height as usize];
            for n in 0..8 {
                let known = world.get(&address(n));
                let found = view.account_at(height, address(n)).unwrap();
                assert_eq!(
                    found,
                    known.map(|(info, _)| *info),
                    "account {n} at {height}"
                );
                for slot in (0..10u8).map(U256::from) {
                    let value = known
                        .and_then(|(_, s)| s.get(&slot))
                        .copied()
                        .unwrap_or_default();
                    let found = view.storage_at(height, address(n), slot).unwrap();
                    assert_eq!(found, value, "slot {slot} of {n} at {height}");
                }
            }
        }
        if let Some(below) = floor.checked_sub(1) {
            let error = view.account_at(below, address(0)).unwrap_err();
            assert!(matches!(error, DbError::NoHistory { .. }), "{error}");
        }
        assert!(view.account_at(tip + 1, address(0)).is_err());
        self.check_indexes(db);
    }

    /// DB-4 alone.
    fn check_indexes(&self, db: &Db) {
        let view = db.view().unwrap();
        let mut by_account: BTreeMap<Address, BTreeSet<TxPosition>> = BTreeMap::new();
        for block in &self.blocks {
            assert_eq!(view.block_hash(block.height).unwrap(), Some(block.hash));
            assert_eq!(view.block_height(block.hash).unwrap(), Some(block.height));
            for (index, transaction) in (0u32..).zip(&block.transactions) {
                let position = TxPosition {
                    height: block.height,
                    index,
                };
                assert_eq!(view.transaction(transaction.hash).unwrap(), [position]);
                for account in &transaction.accounts {
                    by_account.entry(*account).or_default().insert(position);
                }
            }
        }
        for n in 0..8 {
            let expected: Vec<_> = by_account
                .get(&address(n))
                .into_iter()
                .flatten()
                .rev()
                .copied()
                .collect();
            let mut paged = Vec::new();
            while let page @ [_, ..] = &*view
                .account_transactions(address(n), paged.last().copied(), 3)
                .unwrap()
            {
                paged.extend_from_slice(page);
            }
            assert_eq!(paged, expected, "transactions of {n}");
        }
        let tip = self.blocks.len() as u64 - 1;
        for emitter in 0..5 {
            for wanted in 0..6 {
                let mut filter = LogFilter {
                    addresses: vec![address(emitter)],
                    ..Default::default()
                };
                filter.topics[1] = vec![topic(wanted), topic(wanted + 1)];
                let expected: Vec<u64> = self
                    .blocks
                    .iter()
                    .filter(|block| {
                        // The index works by block, not by log.
                        block
                            .logs
                            .iter()
                            .any(|(address, _)| *address == filter.addresses[0])
                            && block.logs.iter().any(|(_, topics)| {
                                topics
                                    .get(1)
                                    .is_some_and(|topic| filter.topics[1].contains(topic))
                            })
                    })
                    .map(|block| block.height)
                    .collect();
                assert_eq!(view.log_blocks(&filter, 0, tip, 1000).unwrap(), expected);
                let some = view.log_blocks(&filter, 3, tip, 2).unwrap();
                let want: Vec<u64> = expected.into_iter().filter(|h| *h >= 3).take(2).collect();
                assert_eq!(some, want);
            }
        }
        assert_eq!(
            view.log_blocks(&LogFilter::default(), 1, 3, 9).unwrap(),
            [1, 2, 3]
        );
    }
}

/// One of the model's topics.
#[must_use]
pub fn topic(n: u8) -> B256 {
    B256::with_last_byte(n)
}

/// The next `count` blocks, each made over the trie updates of those before it, as a node does.
pub fn next_blocks(db: &Db, model: &mut Model, rng: &mut StdRng, count: usize) -> Vec<BlockRecord> {
    let view = db.view().unwrap();
    let mut records: Vec<BlockRecord> = Vec::new();
    for _ in 0..count {
        let newest_first = records.iter().rev();
        let layers = Layers {
            overlays: newest_first
                .map(|record| Arc::clone(&record.nodes))
                .collect(),
            base: &*view,
        };
        records.push(model.grow(rng, &layers));
    }
    records
}

/// Applies random blocks in random batches.
pub fn grow(db: &Db, model: &mut Model, rng: &mut StdRng, blocks: usize) {
    let mut left = blocks;
    while left > 0 {
        let batch = rng.random_range(1..=left.min(5));
        db.apply(&next_blocks(db, model, rng, batch)).unwrap();
        left -= batch;
    }
}

/// Checks everything that a database holds against itself and the blocks of the model.
pub fn verify(view: &DbView, blocks: &[BlockRecord]) -> Result<(), DbError> {
    let mut audit = view.audit();
    for block in blocks {
        audit.block(block)?;
    }
    audit.finish()?;
    view.verify(&mut |_, _| {}).map(drop)
}
