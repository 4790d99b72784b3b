//! Filling an empty database with a whole state, of any size, in memory that is bounded by its largest account.
//!
//! Rows go in by their keys and trie records by their hashed keys, so the tree of the store only ever grows at its
//! end. That is two orders of magnitude faster than applying the same state as one block after the other.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256, map::HashMap};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use rayon::prelude::*;

use super::{
    AccountInfo, Db, DbError, FLOOR_KEY, Tip, VERSION_KEY, put_flat_account, put_nodes, put_tip,
    tables::{
        ACCOUNT_HISTORY, BLOCK_HASH, BLOCK_HEIGHT, CODE, DB_VERSION, META, STORAGE,
        STORAGE_HISTORY, at_height, key, put_account, put_word, slot_key,
    },
};
use crate::{
    kv::Batch,
    trie::{
        Change, Nibbles, Node, NodeKey, NodeSource, NodeUpdates, Owner, TrieError, update_trie,
    },
};

/// Slots that are written in one batch.
const BATCH_SLOTS: usize = 200_000;

/// An account of a state that is loaded.
pub struct LoadedAccount<'a> {
    /// Its address.
    pub address: Address,
    /// Its fields.
    pub info: AccountInfo,
    /// Its code, if it has any.
    pub code: Option<Bytes>,
    /// Its slots, each once; fastest in rising order.
    pub slots: &'a mut dyn Iterator<Item = (U256, U256)>,
}

/// A database that is being filled. Dropped before [`Loader::finish`] it leaves a database that is refused.
pub struct Loader<'a> {
    db: &'a Db,
    height: u64,
    accounts: Vec<Change>,
}

impl std::fmt::Debug for Loader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader")
            .field("height", &self.height)
            .field("accounts", &self.accounts.len())
            .finish()
    }
}

impl Db {
    /// Begins to fill this database, which must be empty, with the state after the block at `height`. Nothing else
    /// may use it meanwhile.
    pub fn load(&self, height: u64) -> Result<Loader<'_>, DbError> {
        if let Some(tip) = self.tip() {
            return Err(DbError::Order {
                tip: Some(tip.height),
                height,
            });
        }
        let mut batch = Batch::new();
        // The version comes last: a load that was cut short is not a database.
        batch.delete(META, VERSION_KEY);
        self.kv.write(batch)?;
        Ok(Loader {
            db: self,
            height,
            accounts: Vec::new(),
        })
    }
}

impl Loader<'_> {
    /// Takes in an account. Answers its storage root.
    pub fn account(&mut self, account: LoadedAccount<'_>) -> Result<B256, DbError> {
        let LoadedAccount { address, info, .. } = account;
        let mut batch = Batch::new();
        put_flat_account(&mut batch, &address, Some(&info));
        let history = at_height(address.as_slice(), self.height);
        batch.put(ACCOUNT_HISTORY, history, put_account(Some(&info)));
        if let Some(code) = account.code {
            batch.put(CODE, info.code_hash.as_slice(), code.to_vec());
        }
        let mut entries = Vec::new();
        let (mut batch, mut waiting) = (batch, 0);
        for (slot, word) in account.slots {
            if word.is_zero() {
                continue;
            }
            let stored = slot_key(&address, &slot);
            batch.put(
                STORAGE_HISTORY,
                at_height(&stored, self.height),
                put_word(word),
            );
            batch.put(STORAGE, stored, put_word(word));
            entries.push((B256::from(slot), word));
            waiting += 1;
            if waiting == BATCH_SLOTS {
                self.db.kv.write(std::mem::take(&mut batch))?;
                waiting = 0;
            }
        }
        self.db.kv.write(batch)?;
        let root = self.storage_trie(address, entries)?;
        self.accounts.push(Change {
            key: Nibbles::unpack(keccak256(address)),
            value: Some(alloy_rlp::encode(TrieAccount::new(
                info.nonce,
                info.balance,
                root,
                info.code_hash,
            ))),
        });
        Ok(root)
    }

    /// Writes the records of one trie, a part of it at a time.
    fn storage_trie(
        &self,
        address: Address,
        mut slots: Vec<(B256, U256)>,
    ) -> Result<B256, DbError> {
        slots
            .par_iter_mut()
            .for_each(|(slot, _)| *slot = keccak256(*slot));
        slots.par_sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let owner = Owner::Account(address);
        let mut upper = Upper::default();
        let mut root = EMPTY_ROOT_HASH;
        for part in slots.chunk_by(|a, b| a.0[0] == b.0[0]) {
            let change = |(hashed, word): &(B256, U256)| Change {
                key: Nibbles::unpack_array(&hashed.0),
                value: Some(alloy_rlp::encode(word)),
            };
            let changes: Vec<Change> = part.par_iter().map(change).collect();
            let mut updates = NodeUpdates::default();
            root = update_trie(&upper, owner, &changes, &mut updates)?;
            upper.keep(&updates);
            let mut batch = Batch::new();
            put_nodes(&mut batch, &updates);
            self.db.kv.write(batch)?;
        }
        Ok(root)
    }

    /// Ends: the state is complete. `seal` makes the block's hash from the state root. Answers where the database
    /// stands now.
    pub fn finish(mut self, seal: impl FnOnce(B256) -> B256) -> Result<Tip, DbError> {
        self.accounts.par_sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let mut updates = NodeUpdates::default();
        let state_root = update_trie(
            &crate::trie::NoNodes,
            Owner::State,
            &self.accounts,
            &mut updates,
        )?;
        let tip = Tip {
            height: self.height,
            hash: seal(state_root),
            state_root,
        };
        let mut batch = Batch::new();
        put_nodes(&mut batch, &updates);
        let height = tip.height.to_be_bytes();
        let row = key(&[tip.hash.as_slice(), tip.state_root.as_slice()]);
        batch.put(BLOCK_HASH, height, row);
        batch.put(BLOCK_HEIGHT, tip.hash.as_slice(), height);
        batch.put(META, FLOOR_KEY, height);
        batch.put(META, VERSION_KEY, DB_VERSION.to_be_bytes());
        put_tip(&mut batch, &tip);
        let _writer = self.db.writer.lock();
        let view = self.db.view()?;
        view.cache.clear();
        self.db.commit(batch, &view, &NodeUpdates::default())?;
        Ok(tip)
    }
}

/// The records that a later part can meet again: parts differ in their first byte, so these are the upper two levels.
#[derive(Default)]
struct Upper(HashMap<NodeKey, Option<std::sync::Arc<Node>>>);

impl Upper {
    fn keep(&mut self, updates: &NodeUpdates) {
        let upper = updates.iter().filter(|(key, _)| key.path.len() <= 2);
        self.0.extend(upper.map(|(key, node)| (*key, node.clone())));
    }
}

impl NodeSource for Upper {
    fn node(&self, key: &NodeKey) -> Result<Option<std::sync::Arc<Node>>, TrieError> {
        Ok(self.0.get(key).cloned().flatten())
    }
}
