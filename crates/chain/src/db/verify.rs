//! Checking a database against itself, and its state against its root by another implementation.

use std::ops::{Bound, ControlFlow};

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{
    TrieAccount,
    root::{state_root_unsorted, storage_root_unsorted},
};

use super::{
    DbError,
    tables::{
        ACCOUNT_HISTORY, ACCOUNTS, BLOCK_HASH, BLOCK_HEIGHT, CODE, STORAGE, STORAGE_HISTORY,
        TRIE_STATE, TRIE_STORAGE, height_of, slot_key, take_account, take_word,
    },
    view::DbView,
};
use crate::{
    kv::{Order, Table},
    trie::{Child, Node, NodeKey, NodeSource, Owner, root_of},
};

/// What is being checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Accounts and storage against the state root.
    State,
    /// Trie records against their parents.
    Trie,
    /// Newest history against the state.
    History,
    /// Hashes against heights.
    Blocks,
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
    /// Checks every table against the others and recomputes the state root from flat state with an
    /// independent implementation, calling `progress` with the number of rows done in each stage. The
    /// storage of one account, and 64 bytes for each account, must fit into memory.
    pub fn verify(&self, progress: Progress<'_>) -> Result<Report, DbError> {
        let mut report = Report::default();
        let roots = self.verify_state(&mut report, progress)?;
        self.verify_trie(&roots, &mut report, progress)?;
        self.verify_history(ACCOUNT_HISTORY, ACCOUNTS, &mut report, progress)?;
        self.verify_history(STORAGE_HISTORY, STORAGE, &mut report, progress)?;
        self.verify_blocks(&mut report, progress)?;
        Ok(report)
    }

    /// Returns the storage root of each account.
    fn verify_state(
        &self,
        report: &mut Report,
        progress: Progress<'_>,
    ) -> Result<Vec<(Address, B256)>, DbError> {
        let mut accounts = Vec::new();
        let mut roots = Vec::new();
        self.each(ACCOUNTS, &[], &mut |key, value| {
            let address = Address::try_from(key).map_err(|_| DbError::damaged("an address"))?;
            let info = take_account(value)?.ok_or_else(|| DbError::damaged("an empty account"))?;
            let mut slots = Vec::new();
            self.each(STORAGE, key, &mut |key, value| {
                let slot = key
                    .last_chunk::<32>()
                    .ok_or_else(|| DbError::damaged("a slot"))?;
                slots.push((keccak256(slot), take_word(value)?));
                Ok(())
            })?;
            if !info.is_empty() && info.code_hash != alloy_primitives::KECCAK256_EMPTY {
                let code = self.code(info.code_hash)?;
                if code.is_none_or(|code| keccak256(&code) != info.code_hash) {
                    return Err(DbError::damaged(format!("the code of {address}")));
                }
            }
            report.accounts += 1;
            report.slots += slots.len() as u64;
            let root = storage_root_unsorted(slots);
            let account = TrieAccount::new(info.nonce, info.balance, root, info.code_hash);
            accounts.push((keccak256(address), account));
            roots.push((address, root));
            progress(Stage::State, report.accounts);
            Ok(())
        })?;
        if self.kv.len(STORAGE)? != report.slots {
            return Err(DbError::damaged("slots of accounts that do not exist"));
        }
        let root = state_root_unsorted(accounts);
        let expected = self
            .tip
            .map_or(alloy_trie::EMPTY_ROOT_HASH, |tip| tip.state_root);
        if root != expected {
            return Err(DbError::damaged(format!(
                "the state has root {root}, its block says {expected}"
            )));
        }
        // Code is kept for good, also when no account names it any more; its hash must still be right.
        self.each(CODE, &[], &mut |key, code| {
            if keccak256(code).as_slice() == key {
                Ok(())
            } else {
                Err(DbError::damaged("code of another hash"))
            }
        })?;
        Ok(roots)
    }

    fn verify_trie(
        &self,
        roots: &[(Address, B256)],
        report: &mut Report,
        progress: Progress<'_>,
    ) -> Result<(), DbError> {
        let state_root = self
            .tip
            .map_or(alloy_trie::EMPTY_ROOT_HASH, |tip| tip.state_root);
        let tries = roots
            .iter()
            .map(|(address, root)| (Owner::Account(*address), *root));
        for (owner, root) in tries.chain([(Owner::State, state_root)]) {
            let path = alloy_trie::Nibbles::new();
            let top = self.node(&NodeKey { owner, path })?;
            if root_of(top.as_deref()) != root {
                return Err(DbError::damaged(format!("the root record of {owner:?}")));
            }
            let mut open: Vec<_> = top.into_iter().map(|node| (path, node)).collect();
            while let Some((path, node)) = open.pop() {
                report.nodes += 1;
                progress(Stage::Trie, report.nodes);
                let Node::Branch(branch) = &*node else {
                    continue;
                };
                for (nibble, child) in (0u8..).zip(&branch.children) {
                    let mut path = path.join(&branch.prefix);
                    path.push(nibble);
                    match child {
                        Child::Empty => {}
                        Child::Leaf(reference, leaf) => {
                            if leaf.reference(&mut Vec::new()) != *reference {
                                return Err(DbError::damaged(format!(
                                    "a leaf at {owner:?} {path:?}"
                                )));
                            }
                        }
                        Child::Branch(reference) => match self.node(&NodeKey { owner, path })? {
                            Some(node) if is_branch(&node, reference) => open.push((path, node)),
                            _ => {
                                return Err(DbError::damaged(format!(
                                    "a branch at {owner:?} {path:?}"
                                )));
                            }
                        },
                    }
                }
            }
        }
        if self.kv.len(TRIE_STATE)? + self.kv.len(TRIE_STORAGE)? != report.nodes {
            return Err(DbError::damaged("trie records that nothing points to"));
        }
        Ok(())
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
                Err(DbError::damaged(format!(
                    "history and state differ at {}",
                    alloy_primitives::hex::encode(key)
                )))
            }
        };
        self.each(history, &[], &mut |key, value| {
            let (prefix, _) = key
                .split_last_chunk::<8>()
                .ok_or_else(|| DbError::damaged("a key of history"))?;
            if newest.as_ref().is_some_and(|(key, _)| key != prefix) {
                check(newest.take())?;
            }
            newest = Some((prefix.to_vec(), value.to_vec()));
            report.history += 1;
            progress(Stage::History, report.history);
            Ok(())
        })?;
        check(newest)?;
        if live == self.kv.len(flat)? {
            Ok(())
        } else {
            Err(DbError::damaged("state without history"))
        }
    }

    fn verify_blocks(&self, report: &mut Report, progress: Progress<'_>) -> Result<(), DbError> {
        let mut last = None;
        self.each(BLOCK_HASH, &[], &mut |key, _| {
            let height = height_of(key)?;
            let row = self.block(height)?;
            let back = row
                .map(|(hash, _)| self.block_height(hash))
                .transpose()?
                .flatten();
            if back != Some(height) || last.is_some_and(|last: u64| last + 1 != height) {
                return Err(DbError::damaged(format!(
                    "hash and height of block {height}"
                )));
            }
            last = Some(height);
            report.blocks += 1;
            progress(Stage::Blocks, report.blocks);
            Ok(())
        })?;
        let newest = last.map(|height| self.block(height)).transpose()?.flatten();
        if self.kv.len(BLOCK_HEIGHT)? != report.blocks
            || last != self.tip.map(|tip| tip.height)
            || newest != self.tip.map(|tip| (tip.hash, tip.state_root))
        {
            return Err(DbError::damaged("the list of blocks"));
        }
        Ok(())
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
        result
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

fn is_branch(node: &Node, reference: &alloy_trie::nodes::RlpNode) -> bool {
    matches!(node, Node::Branch(branch) if branch.reference(&mut Vec::new()) == *reference)
}
