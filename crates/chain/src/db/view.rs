//! Reading the database.

use std::{
    collections::BTreeSet,
    ops::{Bound, ControlFlow, RangeInclusive},
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes, U256};
use capstan_evm::{AccountInfo, StateDiff, StateError, StateRead};

use super::{
    DbError, LogFilter, Tip, TxPosition,
    cache::NodeCache,
    tables::{
        ACCOUNT_HISTORY, ACCOUNT_TRANSACTIONS, ACCOUNTS, BLOCK_HASH, BLOCK_HEIGHT, CHANGED, CODE,
        EMITTER, LOG_BLOCKS, STORAGE, STORAGE_HISTORY, TRANSACTIONS, at_height, height_of, key,
        log_fingerprint, node_key, slot_key, take_account, take_changed, take_indexes, take_word,
    },
};
use crate::{
    kv::{KvRead, Order, Table},
    trie::{Node, NodeKey, NodeSource, TrieError},
};

/// A view of the database as it was when taken.
pub struct DbView {
    pub(super) kv: Arc<dyn KvRead>,
    pub(super) cache: Arc<NodeCache>,
    pub(super) generation: u64,
    pub(super) tip: Option<Tip>,
    pub(super) floor: u64,
}

impl std::fmt::Debug for DbView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DbView")
            .field("tip", &self.tip)
            .field("floor", &self.floor)
            .finish()
    }
}

impl DbView {
    /// Where the view stands.
    pub fn tip(&self) -> Option<Tip> {
        self.tip
    }

    /// An account at the tip (code not loaded).
    pub fn account(&self, address: Address) -> Result<Option<AccountInfo>, DbError> {
        take_account(
            &self
                .kv
                .get(ACCOUNTS, address.as_slice())?
                .unwrap_or_default(),
        )
    }

    /// A slot at the tip.
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, DbError> {
        take_word(
            &self
                .kv
                .get(STORAGE, &slot_key(&address, &slot))?
                .unwrap_or_default(),
        )
    }

    /// Every slot of an account at the tip that is not zero.
    pub fn storage_of(&self, address: Address) -> Result<Vec<(U256, U256)>, DbError> {
        let low = slot_key(&address, &U256::ZERO);
        let high = slot_key(&address, &U256::MAX);
        let range = (Bound::Included(&*low), Bound::Included(&*high));
        let (mut found, mut failed) = (Vec::new(), None);
        self.kv
            .walk(STORAGE, range, Order::Forward, &mut |key, value| {
                let slot = key.get(Address::len_bytes()..).unwrap_or_default();
                match take_word(value) {
                    Ok(word) => found.push((U256::from_be_slice(slot), word)),
                    Err(error) => {
                        failed = Some(error);
                        return ControlFlow::Break(());
                    }
                }
                ControlFlow::Continue(())
            })?;
        failed.map_or(Ok(found), Err)
    }

    /// Code by hash.
    pub fn code(&self, hash: B256) -> Result<Option<Bytes>, DbError> {
        Ok(self.kv.get(CODE, hash.as_slice())?.map(Bytes::from))
    }

    /// Heights whose state can be read.
    pub fn history(&self) -> Option<RangeInclusive<u64>> {
        Some(self.floor..=self.tip?.height)
    }

    pub(super) fn check_history(&self, height: u64) -> Result<u64, DbError> {
        let tip = self.tip.unwrap_or_default().height;
        if self.history().is_some_and(|range| range.contains(&height)) {
            Ok(tip)
        } else {
            Err(DbError::NoHistory {
                height,
                floor: self.floor,
                tip,
            })
        }
    }

    /// The last entry of a history at or below a height; nothing if there is none.
    fn last_at(&self, table: Table, prefix: &[u8], height: u64) -> Result<Vec<u8>, DbError> {
        let found = self
            .kv
            .last_upto(table, &at_height(prefix, 0), &at_height(prefix, height))?;
        Ok(found.map(|(_, value)| value).unwrap_or_default())
    }

    /// An account after `height`.
    pub fn account_at(
        &self,
        height: u64,
        address: Address,
    ) -> Result<Option<AccountInfo>, DbError> {
        if self.check_history(height)? == height {
            return self.account(address);
        }
        take_account(&self.last_at(ACCOUNT_HISTORY, address.as_slice(), height)?)
    }

    /// A slot after `height`.
    pub fn storage_at(&self, height: u64, address: Address, slot: U256) -> Result<U256, DbError> {
        if self.check_history(height)? == height {
            return self.storage(address, slot);
        }
        take_word(&self.last_at(STORAGE_HISTORY, &slot_key(&address, &slot), height)?)
    }

    /// The state after `height`, for execution.
    pub fn at(self: &Arc<Self>, height: u64) -> Result<StateAt, DbError> {
        self.check_history(height)?;
        Ok(StateAt {
            view: Arc::clone(self),
            height,
        })
    }

    /// What must be changed to be back at `height`: previous values of all that changed since.
    pub fn diff_back_to(&self, height: u64) -> Result<StateDiff, DbError> {
        let tip = self.check_history(height)?;
        let mut diff = StateDiff::default();
        for changed_at in height + 1..=tip {
            for (address, slots) in self.changed(changed_at)? {
                let account = diff.accounts.entry(address).or_default();
                for slot in slots {
                    account.storage.insert(slot, U256::ZERO);
                }
            }
        }
        for (address, account) in &mut diff.accounts {
            account.info = self.account_at(height, *address)?;
            for (slot, value) in &mut account.storage {
                *value = self.storage_at(height, *address, *slot)?;
            }
        }
        Ok(diff)
    }

    pub(super) fn changed(&self, height: u64) -> Result<Vec<(Address, Vec<U256>)>, DbError> {
        take_changed(
            &self
                .kv
                .get(CHANGED, &height.to_be_bytes())?
                .unwrap_or_default(),
        )
    }

    /// Hash of a block.
    pub fn block_hash(&self, height: u64) -> Result<Option<B256>, DbError> {
        Ok(self.block(height)?.map(|(hash, _)| hash))
    }

    /// Hash of a block, and the state root after it.
    pub fn block(&self, height: u64) -> Result<Option<(B256, B256)>, DbError> {
        let Some(row) = self.kv.get(BLOCK_HASH, &height.to_be_bytes())? else {
            return Ok(None);
        };
        match row
            .split_first_chunk::<32>()
            .map(|(hash, root)| (hash, B256::try_from(root)))
        {
            Some((hash, Ok(root))) => Ok(Some((B256::from(*hash), root))),
            _ => Err(DbError::damaged("a block row of another length")),
        }
    }

    /// Height of a block.
    pub fn block_height(&self, hash: B256) -> Result<Option<u64>, DbError> {
        self.kv
            .get(BLOCK_HEIGHT, hash.as_slice())?
            .map(|height| height_of(&height))
            .transpose()
    }

    /// Where a transaction may be, newest first: nearly always one place. The index keeps eight bytes of
    /// each hash, so the caller compares the full hash in the block.
    pub fn transaction(&self, hash: B256) -> Result<Vec<TxPosition>, DbError> {
        let low = key(&[&hash[..8], &[0; 12]]);
        let high = key(&[&hash[..8], &[0xff; 12]]);
        let mut found = Vec::new();
        let range = (Bound::Included(&*low), Bound::Included(&*high));
        self.kv
            .walk(TRANSACTIONS, range, Order::Backward, &mut |key, _| {
                if let Some((rest, index)) = key.split_last_chunk::<4>()
                    && let Some(height) = rest.last_chunk::<8>()
                {
                    let height = u64::from_be_bytes(*height);
                    found.push(TxPosition {
                        height,
                        index: u32::from_be_bytes(*index),
                    });
                }
                ControlFlow::Continue(())
            })?;
        Ok(found)
    }

    /// Transactions of an account below `before`, newest first, at most `limit`.
    pub fn account_transactions(
        &self,
        address: Address,
        before: Option<TxPosition>,
        limit: usize,
    ) -> Result<Vec<TxPosition>, DbError> {
        let before = before.unwrap_or(TxPosition {
            height: u64::MAX,
            index: u32::MAX,
        });
        let low = at_height(address.as_slice(), 0);
        let high = at_height(address.as_slice(), before.height);
        let (mut found, mut failed) = (Vec::new(), None);
        let range = (Bound::Included(&*low), Bound::Included(&*high));
        self.kv.walk(
            ACCOUNT_TRANSACTIONS,
            range,
            Order::Backward,
            &mut |key, value| {
                match height_of(key).and_then(|height| Ok((height, take_indexes(value)?))) {
                    Ok((height, indexes)) => found.extend(
                        indexes
                            .into_iter()
                            .rev()
                            .map(|index| TxPosition { height, index })
                            .filter(|position| *position < before),
                    ),
                    Err(error) => failed = Some(error),
                }
                if failed.is_some() || found.len() >= limit {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        )?;
        found.truncate(limit);
        failed.map_or(Ok(found), Err)
    }

    /// Heights in `from..=to`, ascending, at most `limit`, whose blocks may hold matching logs. A block
    /// that holds one is never left out; a filter that names nothing leaves none out.
    pub fn log_blocks(
        &self,
        filter: &LogFilter,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Result<Vec<u64>, DbError> {
        let emitters = filter
            .addresses
            .iter()
            .map(|a| log_fingerprint(EMITTER, a.as_slice()));
        let mut clauses = vec![emitters.collect::<Vec<_>>()];
        for (position, topics) in (0u8..).zip(&filter.topics) {
            clauses.push(
                topics
                    .iter()
                    .map(|t| log_fingerprint(position, t.as_slice()))
                    .collect(),
            );
        }
        clauses.retain(|clause| !clause.is_empty());
        if clauses.is_empty() {
            return Ok((from..=to).take(limit).collect());
        }
        let mut found = Vec::new();
        let mut at = from;
        // Each clause names the next height that it allows; when all name the same one it is found.
        'heights: while at <= to && found.len() < limit {
            let mut agreed = at;
            for clause in &clauses {
                match self.next_log_block(clause, agreed, to)? {
                    Some(height) => agreed = height,
                    None => break 'heights,
                }
            }
            if agreed == at {
                found.push(at);
                at = match at.checked_add(1) {
                    Some(next) => next,
                    None => break,
                };
            } else {
                at = agreed;
            }
        }
        Ok(found)
    }

    /// The lowest height in `from..=to` under any of the fingerprints.
    fn next_log_block(
        &self,
        clause: &[[u8; 8]],
        from: u64,
        to: u64,
    ) -> Result<Option<u64>, DbError> {
        let mut next = BTreeSet::new();
        for fingerprint in clause {
            let (low, high) = (at_height(fingerprint, from), at_height(fingerprint, to));
            let range = (Bound::Included(&*low), Bound::Included(&*high));
            if let Some((key, _)) = self.kv.edge(LOG_BLOCKS, range, Order::Forward)? {
                next.insert(height_of(&key)?);
            }
        }
        Ok(next.first().copied())
    }
}

impl NodeSource for DbView {
    fn node(&self, key: &NodeKey) -> Result<Option<Arc<Node>>, TrieError> {
        if let Some(node) = self.cache.get(self.generation, key) {
            return Ok(node);
        }
        let (table, stored) = node_key(key);
        let node = match self.kv.get(table, &stored)? {
            None => None,
            Some(bytes) => Some(Arc::new(Node::decode(&bytes).ok_or(
                TrieError::Damaged {
                    key: *key,
                    what: "unreadable",
                },
            )?)),
        };
        self.cache.put(self.generation, *key, node.clone());
        Ok(node)
    }
}

/// The state after a block, for execution. It keeps its view alive.
#[derive(Clone, Debug)]
pub struct StateAt {
    view: Arc<DbView>,
    height: u64,
}

impl StateRead for StateAt {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.view
            .account_at(self.height, address)
            .map_err(state_error)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.view
            .storage_at(self.height, address, slot)
            .map_err(state_error)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.view
            .code(hash)
            .map_err(state_error)?
            .ok_or(StateError::MissingCode(hash))
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        if number > self.height {
            return Ok(B256::ZERO);
        }
        self.view
            .block_hash(number)
            .map(Option::unwrap_or_default)
            .map_err(state_error)
    }
}

fn state_error(error: DbError) -> StateError {
    match error {
        DbError::NoHistory { height, floor, .. } => StateError::Pruned {
            height,
            oldest: floor,
        },
        other => StateError::Storage(other.to_string()),
    }
}
