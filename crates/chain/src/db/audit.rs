//! The tables against the blocks that they were made from.
//!
//! [`super::DbView::verify`] shows that the newest state is right. An [`Audit`] shows the rest: the state at the
//! floor of history by its root, and from there every entry of history and of the indexes, block by block. So a
//! database that passes both answers any question as if it had just been made from the log.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, hex, keccak256};
use alloy_trie::{
    TrieAccount,
    root::{state_root_unsorted, storage_root_unsorted},
};
use capstan_evm::AccountDiff;

use super::{
    BlockRecord, DbError, put_indexes_of,
    tables::{
        ACCOUNT_HISTORY, ACCOUNT_TRANSACTIONS, BLOCK_HASH, CHANGED, CODE, INDEXED, LOG_BLOCKS,
        STORAGE_HISTORY, TRANSACTIONS, at_height, height_of, put_account, put_keys, put_word,
        slot_key, take_account, take_word,
    },
    view::DbView,
};
use crate::kv::{Batch, Table};

/// Tables whose rows carry the height of the block that made them, at these bytes of the key from its end.
const BY_HEIGHT: [(Table, usize); 5] = [
    (TRANSACTIONS, 12),
    (ACCOUNT_TRANSACTIONS, 8),
    (LOG_BLOCKS, 8),
    (ACCOUNT_HISTORY, 8),
    (STORAGE_HISTORY, 8),
];

/// See the module. Made by [`DbView::audit`].
#[derive(Debug)]
pub struct Audit<'a> {
    view: &'a DbView,
    first: Option<u64>,
    tip: u64,
    floor_checked: bool,
    /// Rows that the blocks so far make, in the order of [`BY_HEIGHT`].
    rows: [u64; BY_HEIGHT.len()],
}

impl DbView {
    /// Begins to compare the tables with blocks.
    #[must_use]
    pub fn audit(&self) -> Audit<'_> {
        Audit {
            view: self,
            first: None,
            tip: self.tip.unwrap_or_default().height,
            floor_checked: false,
            rows: Default::default(),
        }
    }

    /// The root of the state at a height, from scratch, by the entries of history.
    fn root_from_history(&self, height: u64) -> Result<B256, DbError> {
        let mut accounts = Vec::new();
        self.each_at(ACCOUNT_HISTORY, &[], height, &mut |key, value| {
            let Some(info) = take_account(value).map_err(|error| error.within(ACCOUNT_HISTORY))?
            else {
                return Ok(());
            };
            let address = Address::try_from(key)
                .map_err(|_| DbError::damaged_in(ACCOUNT_HISTORY, "a key of another length"))?;
            if info.code_hash != KECCAK256_EMPTY && self.code(info.code_hash)?.is_none() {
                return Err(no_code(info.code_hash, &address));
            }
            let mut slots = Vec::new();
            self.each_at(STORAGE_HISTORY, key, height, &mut |key, value| {
                let slot = key.last_chunk::<32>().copied().unwrap_or_default();
                let word = take_word(value).map_err(|error| error.within(STORAGE_HISTORY))?;
                if !word.is_zero() {
                    slots.push((keccak256(slot), word));
                }
                Ok(())
            })?;
            let root = storage_root_unsorted(slots);
            let account = TrieAccount::new(info.nonce, info.balance, root, info.code_hash);
            accounts.push((keccak256(address), account));
            Ok(())
        })?;
        Ok(state_root_unsorted(accounts))
    }

    /// Visits each key of a history under `prefix`, without its height, with its last value at or below `height`.
    fn each_at(
        &self,
        history: Table,
        prefix: &[u8],
        height: u64,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        let mut last: Option<(Vec<u8>, Vec<u8>)> = None;
        self.each(history, prefix, &mut |key, value| {
            if height_of(key)? > height {
                return Ok(());
            }
            let key = &key[..key.len() - 8];
            match &mut last {
                Some((known, newest)) if known == key => value.clone_into(newest),
                other => {
                    if let Some((known, newest)) = other.replace((key.to_vec(), value.to_vec())) {
                        visit(&known, &newest)?;
                    }
                }
            }
            Ok(())
        })?;
        last.map_or(Ok(()), |(key, value)| visit(&key, &value))
    }
}

impl Audit<'_> {
    /// Compares what the tables say of a block with the block, whose trie nodes are not looked at. Blocks come in
    /// order. The difference in state counts only above the floor of history.
    pub fn block(&mut self, block: &BlockRecord) -> Result<(), DbError> {
        self.first.get_or_insert(block.height);
        self.check_indexes(block)?;
        if block.height < self.view.floor {
            return Ok(());
        }
        if !std::mem::replace(&mut self.floor_checked, true) {
            self.check_floor()?;
        }
        if block.height > self.view.floor {
            self.check_changed(block)?;
        }
        Ok(())
    }

    /// The state at the floor of history, by its root.
    fn check_floor(&self) -> Result<(), DbError> {
        let floor = self.view.floor;
        if floor == self.tip {
            return Ok(());
        }
        let row = self
            .view
            .block(floor)
            .map_err(|error| error.within(BLOCK_HASH))?;
        let (_, root) =
            row.ok_or_else(|| DbError::damaged_in(BLOCK_HASH, format!("no row of block {floor}")))?;
        let made = self.view.root_from_history(floor)?;
        match made == root {
            true => Ok(()),
            false => Err(DbError::damaged_in(
                ACCOUNT_HISTORY,
                format!(
                    "with `storage_history` it makes state root {made} at block {floor}, whose root is {root}"
                ),
            )),
        }
    }

    fn count(&mut self, table: Table, rows: u64) {
        if let Some(at) = BY_HEIGHT.iter().position(|(known, _)| *known == table) {
            self.rows[at] += rows;
        }
    }

    fn check_indexes(&mut self, block: &BlockRecord) -> Result<(), DbError> {
        let height = block.height;
        let mut expected = Batch::new();
        let indexed = put_indexes_of(&mut expected, block);
        if height > self.view.floor {
            expected.put(INDEXED, height.to_be_bytes(), put_keys(&indexed));
        }
        for (table, rows) in expected.into_sorted() {
            self.count(table, rows.len() as u64);
            for (key, value) in rows {
                let found = self.view.kv.get(table, &key)?;
                if found != value {
                    return Err(differs(
                        table,
                        height,
                        &key,
                        found.as_deref(),
                        value.as_deref(),
                    ));
                }
            }
        }
        Ok(())
    }

    fn check_changed(&mut self, block: &BlockRecord) -> Result<(), DbError> {
        let height = block.height;
        let changed = self
            .view
            .changed(height)
            .map_err(|error| error.within(CHANGED))?;
        let named = changed.iter().map(|(address, _)| address);
        if !named.eq(block.diff.accounts.keys()) {
            let what = format!("the accounts of block {height} are not those that it changed");
            return Err(DbError::damaged_in(CHANGED, what));
        }
        for ((address, slots), account) in changed.iter().zip(block.diff.accounts.values()) {
            let info = put_account(account.info.as_ref());
            let stored = at_height(address.as_slice(), height);
            self.expect(ACCOUNT_HISTORY, height, stored, &info)?;
            let wanted = self.slots_of(height, *address, account)?;
            if !slots.iter().copied().eq(wanted.iter().copied()) {
                let what = format!(
                    "the slots of {address} in block {height} are not those that it changed"
                );
                return Err(DbError::damaged_in(CHANGED, what));
            }
            for slot in slots {
                let word = match account.info {
                    Some(_) => account.storage.get(slot).copied().unwrap_or_default(),
                    None => U256::ZERO,
                };
                let stored = at_height(&slot_key(address, slot), height);
                self.expect(STORAGE_HISTORY, height, stored, &put_word(word))?;
            }
            self.count(ACCOUNT_HISTORY, 1);
            self.count(STORAGE_HISTORY, slots.len() as u64);
        }
        for hash in block.diff.codes.keys() {
            if self.view.code(*hash)?.is_none() {
                return Err(DbError::damaged_in(
                    CODE,
                    format!("code {hash} of block {height} is missing"),
                ));
            }
        }
        Ok(())
    }

    /// Slots that a block wrote: an account that ends takes those with it that were there.
    fn slots_of(
        &self,
        height: u64,
        address: Address,
        account: &AccountDiff,
    ) -> Result<BTreeSet<U256>, DbError> {
        let mut slots: BTreeSet<U256> = account.storage.keys().copied().collect();
        if account.info.is_none() {
            let before = height.saturating_sub(1);
            let prefix = address.as_slice();
            self.view
                .each_at(STORAGE_HISTORY, prefix, before, &mut |key, value| {
                    if !value.is_empty()
                        && let Some(slot) = key.last_chunk::<32>()
                    {
                        slots.insert(U256::from_be_bytes(*slot));
                    }
                    Ok(())
                })?;
        }
        Ok(slots)
    }

    fn expect(&self, table: Table, height: u64, key: Vec<u8>, value: &[u8]) -> Result<(), DbError> {
        let found = self.view.kv.get(table, &key)?;
        match found.as_deref() == Some(value) {
            true => Ok(()),
            false => Err(differs(table, height, &key, found.as_deref(), Some(value))),
        }
    }

    /// After the last block up to the database's tip: no table may hold more than the blocks made.
    pub fn finish(self) -> Result<(), DbError> {
        let Some(first) = self.first else {
            return Ok(());
        };
        for ((table, from_end), expected) in BY_HEIGHT.into_iter().zip(self.rows) {
            self.check_count(table, from_end, first, expected)?;
        }
        for table in [CHANGED, INDEXED] {
            let mut expected = self.view.floor + 1;
            self.view.each(table, &[], &mut |key, _| {
                let height = height_of(key)?;
                if height != expected || height > self.tip {
                    let what = format!("block {expected} should be next, {height} is");
                    return Err(DbError::damaged_in(table, what));
                }
                expected += 1;
                Ok(())
            })?;
            if expected != self.tip + 1 && self.view.floor < self.tip {
                let what = format!(
                    "it ends before block {expected}, the database with {}",
                    self.tip
                );
                return Err(DbError::damaged_in(table, what));
            }
        }
        Ok(())
    }

    fn check_count(
        &self,
        table: Table,
        from_end: usize,
        first: u64,
        expected: u64,
    ) -> Result<(), DbError> {
        let history = matches!(table, ACCOUNT_HISTORY | STORAGE_HISTORY);
        let low = if history { self.view.floor + 1 } else { first };
        let mut found = 0;
        let mut old: Option<Vec<u8>> = None;
        self.view.each(table, &[], &mut |key, _| {
            let (prefix, rest) = key
                .split_at_checked(key.len().wrapping_sub(from_end))
                .ok_or_else(|| DbError::damaged("a key that is too short"))?;
            let height = height_of(&rest[..8])?;
            if height > self.tip {
                let what = format!("a row of block {height}, above the last one ({})", self.tip);
                return Err(DbError::damaged(what));
            }
            if height >= low {
                found += 1;
            } else if history && old.replace(prefix.to_vec()).as_deref() == Some(prefix) {
                // At and below the floor one entry of each key is enough; more would never be removed.
                let what = format!(
                    "more than one entry below the window, at 0x{}",
                    hex::encode(key)
                );
                return Err(DbError::damaged(what));
            }
            Ok(())
        })?;
        match found == expected {
            true => Ok(()),
            false => Err(DbError::damaged_in(
                table,
                format!(
                    "{found} rows for blocks {low} to {}, which make {expected}",
                    self.tip
                ),
            )),
        }
    }
}

fn no_code(hash: B256, address: &Address) -> DbError {
    DbError::damaged_in(CODE, format!("code {hash} of account {address} is missing"))
}

fn differs(
    table: Table,
    height: u64,
    key: &[u8],
    found: Option<&[u8]>,
    expected: Option<&[u8]>,
) -> DbError {
    let words = |value: Option<&[u8]>| value.map_or("nothing".into(), hex::encode_prefixed);
    DbError::damaged_in(
        table,
        format!(
            "at key 0x{} of block {height} it has {}, the block makes {}",
            hex::encode(key),
            words(found),
            words(expected)
        ),
    )
}
