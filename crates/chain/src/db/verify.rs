//! Checking the newest state against its root, and the tables that say where it stands.
//!
//! The chain of trust is: block hash, state root, records of the state trie, accounts, storage roots, slots, history.
//! Each step takes the one before it for granted, so the first difference is named where it is.

use std::{
    ops::{Bound, ControlFlow},
    sync::Arc,
};

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256, map::B256Map};
use alloy_rlp::Decodable as _;
use alloy_trie::{
    EMPTY_ROOT_HASH, Nibbles, TrieAccount,
    root::{state_root_unsorted, storage_root_unsorted},
};
use capstan_evm::AccountInfo;

use super::{
    DbError, FLOOR_KEY, TIP_KEY, Tip, VERSION_KEY,
    index::{SNAPSHOT, take_snapshot},
    tables::{
        ACCOUNT_HISTORY, ACCOUNTS, BLOCK_HASH, BLOCK_HEIGHT, CODE, META, STORAGE, STORAGE_HISTORY,
        TRIE_STATE, TRIE_STORAGE, height_of, slot_key, take_account, take_word,
    },
    view::DbView,
};
use crate::{
    kv::{Order, Table},
    trie::{Child, Leaf, Node, NodeKey, NodeSource, Owner, TrieError, root_of},
};

/// What is being checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Hashes against heights.
    Blocks,
    /// Trie records against their parents.
    Trie,
    /// Accounts and storage against the tries, and by their root.
    State,
    /// Newest history against the state.
    History,
}

/// What was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Accounts.
    pub accounts: u64,
    /// Slots.
    pub slots: u64,
    /// Trie records.
    pub nodes: u64,
    /// Entries of history.
    pub history: u64,
    /// Blocks.
    pub blocks: u64,
}

type Progress<'a> = &'a mut dyn FnMut(Stage, u64);

impl DbView {
    /// Checks the newest state: its root, made from scratch by an independent implementation from flat state, every
    /// trie record, and the tables beside them. `progress` hears the number of rows done in each stage. The storage
    /// of one account, and 200 bytes for each account, must fit into memory. [`DbView::audit`] checks the rest.
    pub fn verify(&self, progress: Progress<'_>) -> Result<Report, DbError> {
        let mut report = Report::default();
        self.verify_blocks(&mut report, progress)?;
        self.verify_meta()?;
        let leaves = self.verify_state_trie(&mut report, progress)?;
        self.verify_state(leaves, &mut report, progress)?;
        self.verify_history(ACCOUNT_HISTORY, ACCOUNTS, &mut report, progress)?;
        self.verify_history(STORAGE_HISTORY, STORAGE, &mut report, progress)?;
        Ok(report)
    }

    fn verify_blocks(&self, report: &mut Report, progress: Progress<'_>) -> Result<(), DbError> {
        let mut last: Option<u64> = None;
        self.each(BLOCK_HASH, &[], &mut |key, _| {
            let height = height_of(key)?;
            if last.is_some_and(|last| last + 1 != height) {
                return Err(DbError::damaged(format!("no row before block {height}")));
            }
            let hash = self
                .block(height)?
                .map(|(hash, _)| hash)
                .unwrap_or_default();
            if self.block_height(hash)? != Some(height) {
                let what = format!("it does not lead from {hash} back to block {height}");
                return Err(DbError::damaged_in(BLOCK_HEIGHT, what));
            }
            last = Some(height);
            report.blocks += 1;
            progress(Stage::Blocks, report.blocks);
            Ok(())
        })?;
        let (rows, blocks) = (self.kv.len(BLOCK_HEIGHT)?, report.blocks);
        if rows != blocks {
            let what = format!("{rows} rows for {blocks} blocks");
            return Err(DbError::damaged_in(BLOCK_HEIGHT, what));
        }
        let newest = last.map(|height| self.block(height)).transpose()?.flatten();
        if last != self.tip.map(|tip| tip.height)
            || newest != self.tip.map(|tip| (tip.hash, tip.state_root))
        {
            let what = format!(
                "the last block is {last:?} {newest:?}, the tip says {:?}",
                self.tip
            );
            return Err(DbError::damaged_in(META, what));
        }
        Ok(())
    }

    fn verify_meta(&self) -> Result<(), DbError> {
        self.each(META, &[], &mut |key, value| {
            if let Some(name) = key.strip_prefix(SNAPSHOT) {
                let name = String::from_utf8_lossy(name).into_owned();
                let (height, hash, _) = take_snapshot(value)?;
                return match self.block_hash(height)? == Some(hash) {
                    true => Ok(()),
                    false => Err(DbError::damaged(format!(
                        "the snapshot of index {name} stands at block {height} ({hash}), which is not here"
                    ))),
                };
            }
            match [VERSION_KEY, TIP_KEY, FLOOR_KEY].contains(&key) {
                true => Ok(()),
                false => Err(DbError::damaged(format!(
                    "the unknown key {}",
                    String::from_utf8_lossy(key)
                ))),
            }
        })?;
        let Tip { height, .. } = self.tip.unwrap_or_default();
        match self.floor <= height {
            true => Ok(()),
            false => Err(DbError::damaged_in(
                META,
                format!(
                    "history from block {} on, above the tip {height}",
                    self.floor
                ),
            )),
        }
    }

    fn state_root(&self) -> B256 {
        self.tip.map_or(EMPTY_ROOT_HASH, |tip| tip.state_root)
    }

    /// Returns the accounts as the state trie has them, by hashed address.
    fn verify_state_trie(
        &self,
        report: &mut Report,
        progress: Progress<'_>,
    ) -> Result<B256Map<TrieAccount>, DbError> {
        let mut leaves = B256Map::default();
        self.walk_trie(
            Owner::State,
            self.state_root(),
            report,
            progress,
            &mut |key, leaf| {
                let account = TrieAccount::decode(&mut &*leaf.value).map_err(|_| {
                    DbError::damaged(format!("the account at {key} cannot be read"))
                })?;
                leaves.insert(key, account);
                Ok(())
            },
        )
        .map_err(|error| error.within(TRIE_STATE))?;
        let (rows, reached) = (self.kv.len(TRIE_STATE)?, report.nodes);
        match rows == reached {
            true => Ok(leaves),
            false => Err(DbError::damaged_in(
                TRIE_STATE,
                format!("{rows} records, {reached} of them part of the trie"),
            )),
        }
    }

    fn verify_state(
        &self,
        mut leaves: B256Map<TrieAccount>,
        report: &mut Report,
        progress: Progress<'_>,
    ) -> Result<(), DbError> {
        let mut accounts = Vec::new();
        let nodes_before = report.nodes;
        self.each(ACCOUNTS, &[], &mut |key, value| {
            let address = Address::try_from(key)
                .map_err(|_| DbError::damaged("an address of another length"))?;
            let info = take_account(value)?.ok_or_else(|| DbError::damaged("an empty account"))?;
            let hashed = keccak256(address);
            let leaf = leaves.remove(&hashed).ok_or_else(|| {
                DbError::damaged(format!("account {address} is not part of the state"))
            })?;
            let known = AccountInfo {
                balance: leaf.balance,
                nonce: leaf.nonce,
                code_hash: leaf.code_hash,
            };
            if info != known {
                let what = format!("account {address} is {info:?}, the state has {known:?}");
                return Err(DbError::damaged(what));
            }
            self.verify_code(address, info.code_hash)?;
            let root = self.verify_storage(address, leaf.storage_root, report)?;
            self.walk_trie(
                Owner::Account(address),
                root,
                report,
                progress,
                &mut |_, _| Ok(()),
            )
            .map_err(|error| error.within(TRIE_STORAGE))?;
            let account = TrieAccount::new(info.nonce, info.balance, root, info.code_hash);
            accounts.push((hashed, account));
            report.accounts += 1;
            progress(Stage::State, report.accounts);
            Ok(())
        })?;
        if let Some(hashed) = leaves.keys().next() {
            let what = format!("the account with hashed address {hashed} is missing");
            return Err(DbError::damaged_in(ACCOUNTS, what));
        }
        let counts = [
            (STORAGE, self.kv.len(STORAGE)?, report.slots),
            (
                TRIE_STORAGE,
                self.kv.len(TRIE_STORAGE)?,
                report.nodes - nodes_before,
            ),
        ];
        for (table, rows, used) in counts {
            if rows != used {
                let what = format!("{rows} rows, {used} of them of accounts that exist");
                return Err(DbError::damaged_in(table, what));
            }
        }
        // All parts agree; that they make the root is shown once more by another implementation alone.
        let (made, root) = (state_root_unsorted(accounts), self.state_root());
        if made != root {
            let what = format!("the state makes root {made} from scratch, its block says {root}");
            return Err(DbError::damaged_in(ACCOUNTS, what));
        }
        // Code is kept for good, also when no account names it any more; its hash must still be right.
        self.each(
            CODE,
            &[],
            &mut |key, code| match keccak256(code).as_slice() == key {
                true => Ok(()),
                false => Err(DbError::damaged("code of another hash")),
            },
        )
    }

    fn verify_code(&self, address: Address, hash: B256) -> Result<(), DbError> {
        if hash == KECCAK256_EMPTY {
            return Ok(());
        }
        match self.code(hash)?.map(keccak256) {
            Some(made) if made == hash => Ok(()),
            found => Err(DbError::damaged_in(
                CODE,
                format!("account {address} has code {hash}, the table has {found:?} there"),
            )),
        }
    }

    /// The root of an account's flat slots, from scratch; it must be the one that the state trie names.
    fn verify_storage(
        &self,
        address: Address,
        expected: B256,
        report: &mut Report,
    ) -> Result<B256, DbError> {
        let mut slots = Vec::new();
        self.each_slot(address, &mut |slot, word| {
            slots.push((keccak256(slot.to_be_bytes::<32>()), word));
            Ok(())
        })?;
        report.slots += slots.len() as u64;
        let made = storage_root_unsorted(slots);
        match made == expected {
            true => Ok(made),
            false => Err(DbError::damaged_in(
                STORAGE,
                format!("the slots of {address} make root {made}, the state has {expected}"),
            )),
        }
    }

    /// Walks every record of a trie from its root, and each leaf with its whole hashed key.
    fn walk_trie(
        &self,
        owner: Owner,
        root: B256,
        report: &mut Report,
        progress: Progress<'_>,
        visit: &mut dyn FnMut(B256, &Leaf) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        let path = Nibbles::new();
        let top = self.record(NodeKey { owner, path })?;
        let made = root_of(top.as_deref());
        if made != root {
            let what = format!("the root of {owner:?} is {made}, its state has {root}");
            return Err(DbError::damaged(what));
        }
        let mut open: Vec<_> = top.into_iter().map(|node| (path, node)).collect();
        while let Some((path, node)) = open.pop() {
            report.nodes += 1;
            progress(Stage::Trie, report.nodes);
            let branch = match &*node {
                Node::Branch(branch) => branch,
                Node::Leaf(leaf) => {
                    visit(whole_key(&path, leaf)?, leaf)?;
                    continue;
                }
            };
            for (nibble, child) in (0u8..).zip(&branch.children) {
                let mut path = path.join(&branch.prefix);
                path.push(nibble);
                match child {
                    Child::Empty => {}
                    Child::Leaf(reference, leaf) => {
                        if leaf.reference(&mut Vec::new()) != *reference {
                            let what = format!("the leaf at {owner:?} {path:?} has another hash");
                            return Err(DbError::damaged(what));
                        }
                        visit(whole_key(&path, leaf)?, leaf)?;
                    }
                    Child::Branch(reference) => match self.record(NodeKey { owner, path })? {
                        Some(node) if is_branch(&node, reference) => open.push((path, node)),
                        found => {
                            let found = if found.is_some() { "another" } else { "no" };
                            return Err(DbError::damaged(format!(
                                "{found} record at {owner:?} {path:?}"
                            )));
                        }
                    },
                }
            }
        }
        Ok(())
    }

    fn record(&self, key: NodeKey) -> Result<Option<Arc<Node>>, DbError> {
        self.node(&key).map_err(|error| match error {
            TrieError::Damaged { key, what } => {
                DbError::damaged(format!("the record at {key:?} is {what}"))
            }
            other => other.into(),
        })
    }

    /// The newest entry of each history is what the state says.
    fn verify_history(
        &self,
        history: Table,
        flat: Table,
        report: &mut Report,
        progress: Progress<'_>,
    ) -> Result<(), DbError> {
        let mut newest: Option<(Vec<u8>, Vec<u8>)> = None;
        let mut live = 0;
        let mut check = |entry: Option<(Vec<u8>, Vec<u8>)>| -> Result<(), DbError> {
            let Some((key, value)) = entry else {
                return Ok(());
            };
            live += u64::from(!value.is_empty());
            if self.kv.get(flat, &key)?.unwrap_or_default() == value {
                Ok(())
            } else {
                let key = alloy_primitives::hex::encode_prefixed(key);
                let what = format!("its newest entry at {key} is not what the state has");
                Err(DbError::damaged_in(history, what))
            }
        };
        self.each(history, &[], &mut |key, value| {
            let (prefix, _) = key
                .split_last_chunk::<8>()
                .ok_or_else(|| DbError::damaged("a key that is too short"))?;
            if newest.as_ref().is_some_and(|(key, _)| key != prefix) {
                check(newest.take())?;
            }
            newest = Some((prefix.to_vec(), value.to_vec()));
            report.history += 1;
            progress(Stage::History, report.history);
            Ok(())
        })?;
        check(newest)?;
        let rows = self.kv.len(flat)?;
        match live == rows {
            true => Ok(()),
            false => Err(DbError::damaged_in(
                history,
                format!("it names {live} live keys, the state has {rows}"),
            )),
        }
    }

    /// Visits every entry whose key starts with `prefix`.
    pub(super) fn each(
        &self,
        table: Table,
        prefix: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        let mut result = Ok(());
        let range = (Bound::Included(prefix), Bound::Unbounded);
        self.kv
            .walk(table, range, Order::Forward, &mut |key, value| {
                if !key.starts_with(prefix) {
                    return ControlFlow::Break(());
                }
                result = visit(key, value);
                if result.is_ok() {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
        result.map_err(|error| error.within(table))
    }

    /// Visits every account.
    pub fn each_account(
        &self,
        visit: &mut dyn FnMut(Address, capstan_evm::AccountInfo) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        self.each(ACCOUNTS, &[], &mut |key, value| {
            let address = Address::try_from(key).map_err(|_| DbError::damaged("an address"))?;
            match take_account(value)? {
                Some(info) => visit(address, info),
                None => Ok(()),
            }
        })
    }

    /// Visits every slot of an account.
    pub fn each_slot(
        &self,
        address: Address,
        visit: &mut dyn FnMut(U256, U256) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        let skip = slot_key(&address, &U256::ZERO).len() - 32;
        self.each(STORAGE, address.as_slice(), &mut |key, value| {
            visit(take_word(&key[skip..])?, take_word(value)?)
        })
    }
}

/// The hashed key of a leaf that hangs at a path.
fn whole_key(path: &Nibbles, leaf: &Leaf) -> Result<B256, DbError> {
    let key = path.join(&leaf.suffix);
    match key.len() {
        64 => Ok(B256::from_slice(&key.pack())),
        nibbles => Err(DbError::damaged(format!(
            "a key of {nibbles} nibbles at {path:?}"
        ))),
    }
}

fn is_branch(node: &Node, reference: &alloy_trie::nodes::RlpNode) -> bool {
    matches!(node, Node::Branch(branch) if branch.reference(&mut Vec::new()) == *reference)
}
