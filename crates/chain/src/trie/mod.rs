//! The state root: Ethereum's Merkle Patricia trie, changed in place, node by node.
//!
//! A trie is kept as one record per *branch*, addressed by its path from the root. A record holds the
//! nibbles of the extension above the branch, if any, and the leaves right below it. So a changed slot
//! reads and writes one or two records where one per node would need three or four, and only two shapes
//! (leaf and branch) exist for the code that changes them.
//!
//! [`Mpt::update`] changes nothing: it reads records through a [`NodeSource`] and returns a root with the
//! [`NodeUpdates`] that lead to it. Unfinalized blocks are [`Layers`] of such updates over the database.

mod ahead;
mod node;
mod proof;
#[cfg(test)]
mod tests;
mod update;

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256, map::HashMap};
use alloy_rlp::{Decodable, encode_fixed_size};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use capstan_evm::{AccountDiff, StateDiff};
use rayon::prelude::*;

pub(crate) use self::ahead::Ahead;
pub use self::node::{Branch, Child, Leaf, Node, root_of};
use self::update::remove_trie;
pub(crate) use self::update::{Change, update_trie};
pub use alloy_trie::Nibbles;

/// Which trie a node belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The trie of accounts.
    State,
    /// The storage trie of an account.
    Account(Address),
}

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey {
    /// Its trie.
    pub owner: Owner,
    /// The nibbles from the root down to it.
    pub path: Nibbles,
}

/// Where nodes are read from.
pub trait NodeSource: Send + Sync {
    /// The record at a path, if there is one.
    fn node(&self, key: &NodeKey) -> Result<Option<Arc<Node>>, TrieError>;
}

/// What a block changed in the tries: the new record of each path, `None` where there is none any more.
pub type NodeUpdates = HashMap<NodeKey, Option<Arc<Node>>>;

/// A new state root and how to get there.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// The state root.
    pub root: B256,
    /// Changed records.
    pub updates: NodeUpdates,
    /// Storage roots of the changed accounts that exist.
    pub storage_roots: BTreeMap<Address, B256>,
}

/// What failed in a trie.
#[derive(Debug, thiserror::Error)]
pub enum TrieError {
    /// The node store failed.
    #[error(transparent)]
    Kv(#[from] crate::kv::KvError),
    /// A record that a branch points to is not there or cannot be read.
    #[error(
        "trie node {key:?} is {what}: the database is damaged; run `capstan db verify`, or remove the state file to rebuild it from the block log"
    )]
    Damaged {
        /// The node.
        key: NodeKey,
        /// "missing" or what is wrong with it.
        what: &'static str,
    },
}

/// How a chain commits to its state. Stateless: everything comes in through the source.
pub trait StateCommitment: Send + Sync {
    /// The root after `diff`, and the changed nodes.
    fn update(&self, source: &dyn NodeSource, diff: &StateDiff) -> Result<Commit, TrieError>;
    /// The root of what the source holds.
    fn root(&self, source: &dyn NodeSource) -> Result<B256, TrieError>;
    /// Proof of an account and of some of its slots, present or absent.
    fn proof(
        &self,
        source: &dyn NodeSource,
        address: Address,
        slots: &[B256],
    ) -> Result<AccountProof, TrieError>;
}

/// Proof of an account (EIP-1186).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountProof {
    /// The account.
    pub address: Address,
    /// What the trie says of it; `None` when absent.
    pub account: Option<TrieAccount>,
    /// Nodes from the state root down.
    pub proof: Vec<Bytes>,
    /// One for each slot asked for, in that order.
    pub storage: Vec<SlotProof>,
}

/// Proof of a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotProof {
    /// The slot.
    pub slot: B256,
    /// Its value; zero when absent.
    pub value: U256,
    /// Nodes from the storage root down.
    pub proof: Vec<Bytes>,
}

/// Updates of unfinalized blocks over a source. The newest is asked first.
pub struct Layers<'a> {
    /// Newest first.
    pub overlays: Vec<Arc<NodeUpdates>>,
    /// What is below them.
    pub base: &'a dyn NodeSource,
}

impl NodeSource for Layers<'_> {
    fn node(&self, key: &NodeKey) -> Result<Option<Arc<Node>>, TrieError> {
        match self.overlays.iter().find_map(|updates| updates.get(key)) {
            Some(node) => Ok(node.clone()),
            None => self.base.node(key),
        }
    }
}

/// Nothing: the source of an empty state.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNodes;

impl NodeSource for NoNodes {
    fn node(&self, _: &NodeKey) -> Result<Option<Arc<Node>>, TrieError> {
        Ok(None)
    }
}

/// Ethereum's Merkle Patricia trie.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mpt;

impl StateCommitment for Mpt {
    fn update(&self, source: &dyn NodeSource, diff: &StateDiff) -> Result<Commit, TrieError> {
        let accounts: Vec<_> = diff.accounts.iter().collect();
        let changed = accounts
            .into_par_iter()
            .map(|(address, account)| update_account(source, *address, account))
            .collect::<Result<Vec<_>, _>>()?;
        let mut commit = Commit::default();
        let mut changes = Vec::with_capacity(changed.len());
        for ChangedAccount {
            address,
            storage_root,
            updates,
            change,
        } in changed
        {
            commit.updates.extend(updates);
            if change.value.is_some() {
                commit.storage_roots.insert(address, storage_root);
            }
            changes.push(change);
        }
        changes.par_sort_unstable_by(|a, b| a.key.cmp(&b.key));
        commit.root = update_trie(source, Owner::State, &changes, &mut commit.updates)?;
        Ok(commit)
    }

    fn root(&self, source: &dyn NodeSource) -> Result<B256, TrieError> {
        Ok(root_of(source.node(&root_key(Owner::State))?.as_deref()))
    }

    fn proof(
        &self,
        source: &dyn NodeSource,
        address: Address,
        slots: &[B256],
    ) -> Result<AccountProof, TrieError> {
        let (value, proof) = proof::prove(source, Owner::State, &hashed(address.as_slice()))?;
        let account = value
            .map(|value| TrieAccount::decode(&mut &*value))
            .transpose()
            .map_err(|_| TrieError::Damaged {
                key: root_key(Owner::State),
                what: "above an account that cannot be read",
            })?;
        let storage = slots
            .iter()
            .map(|&slot| prove_slot(source, address, slot))
            .collect::<Result<_, _>>()?;
        Ok(AccountProof {
            address,
            account,
            proof,
            storage,
        })
    }
}

struct ChangedAccount {
    address: Address,
    storage_root: B256,
    updates: NodeUpdates,
    change: Change,
}

fn update_account(
    source: &dyn NodeSource,
    address: Address,
    account: &AccountDiff,
) -> Result<ChangedAccount, TrieError> {
    let owner = Owner::Account(address);
    let key = hashed(address.as_slice());
    let mut updates = NodeUpdates::default();
    let Some(info) = account.info else {
        remove_trie(source, owner, &mut updates)?;
        let change = Change { key, value: None };
        return Ok(ChangedAccount {
            address,
            storage_root: EMPTY_ROOT_HASH,
            updates,
            change,
        });
    };
    let changes = slot_changes(&account.storage);
    let storage_root = update_trie(source, owner, &changes, &mut updates)?;
    let value = alloy_rlp::encode(TrieAccount::new(
        info.nonce,
        info.balance,
        storage_root,
        info.code_hash,
    ));
    Ok(ChangedAccount {
        address,
        storage_root,
        updates,
        change: Change {
            key,
            value: Some(value),
        },
    })
}

fn slot_changes(storage: &BTreeMap<U256, U256>) -> Vec<Change> {
    /// Below this many, hashing and sorting is faster on one thread.
    const PARALLEL_SLOTS: usize = 512;
    let change = |(slot, value): (&U256, &U256)| Change {
        key: hashed(&slot.to_be_bytes::<32>()),
        value: (!value.is_zero()).then(|| encode_fixed_size(value).to_vec()),
    };
    let mut changes: Vec<Change> = if storage.len() < PARALLEL_SLOTS {
        storage.iter().map(change).collect()
    } else {
        storage
            .iter()
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(change)
            .collect()
    };
    changes.par_sort_unstable_by(|a, b| a.key.cmp(&b.key));
    changes
}

fn prove_slot(
    source: &dyn NodeSource,
    address: Address,
    slot: B256,
) -> Result<SlotProof, TrieError> {
    let owner = Owner::Account(address);
    let (value, proof) = proof::prove(source, owner, &hashed(slot.as_slice()))?;
    let value = value
        .map(|value| U256::decode(&mut &*value))
        .transpose()
        .map_err(|_| TrieError::Damaged {
            key: root_key(owner),
            what: "above a slot that cannot be read",
        })?;
    Ok(SlotProof {
        slot,
        value: value.unwrap_or_default(),
        proof,
    })
}

fn hashed(key: &[u8]) -> Nibbles {
    Nibbles::unpack_array(&keccak256(key).0)
}

fn root_key(owner: Owner) -> NodeKey {
    NodeKey {
        owner,
        path: Nibbles::new(),
    }
}
