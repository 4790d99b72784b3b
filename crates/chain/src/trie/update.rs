//! Changing one trie.
//!
//! A sorted list of changes runs down from the root and splits at each branch; what comes back up is the new
//! subtree and its reference. A branch left with one child merges with it; a leaf or an extension that a new
//! key parts from becomes a branch. Where a subtree has many changes its sixteen parts run in parallel, at
//! any depth, so one huge storage trie keeps all cores as busy as many small ones.

use std::sync::Arc;

use alloy_primitives::B256;
use alloy_trie::Nibbles;
use rayon::prelude::*;

use super::{
    Branch, Child, Leaf, Node, NodeKey, NodeSource, NodeUpdates, Owner, TrieError, node::root_of,
};

/// A subtree with fewer changes than this is not worth another thread.
const PARALLEL_CHANGES: usize = 96;

/// A change of one entry: its hashed key, and the RLP value, `None` to remove it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) key: Nibbles,
    pub(crate) value: Option<Vec<u8>>,
}

/// A subtree while it is changed.
enum Tree {
    Empty,
    Leaf(Arc<Leaf>),
    Branch(Box<Branch>),
}

/// Changes one trie and returns its root. `changes` are sorted by key and name each key once.
pub(crate) fn update_trie(
    source: &dyn NodeSource,
    owner: Owner,
    changes: &[Change],
    updates: &mut NodeUpdates,
) -> Result<B256, TrieError> {
    let root_key = NodeKey {
        owner,
        path: Nibbles::new(),
    };
    let old = source.node(&root_key)?;
    if changes.is_empty() {
        return Ok(root_of(old.as_deref()));
    }
    let had_record = old.is_some();
    let tree = match old.as_deref() {
        None => Tree::Empty,
        Some(Node::Leaf(leaf)) => Tree::Leaf(Arc::clone(leaf)),
        Some(Node::Branch(branch)) => Tree::Branch(Box::new(branch.clone())),
    };
    let mut work = Work {
        source,
        owner,
        updates: NodeUpdates::default(),
        scratch: Vec::new(),
    };
    let node = match work.change(&Nibbles::new(), tree, changes)? {
        Tree::Empty => None,
        Tree::Leaf(leaf) => Some(Node::Leaf(leaf)),
        Tree::Branch(branch) => Some(Node::Branch(*branch)),
    };
    let root = root_of(node.as_ref());
    updates.extend(work.updates);
    if had_record || node.is_some() {
        updates.insert(root_key, node.map(Arc::new));
    }
    Ok(root)
}

/// Removes every record of a trie.
pub(crate) fn remove_trie(
    source: &dyn NodeSource,
    owner: Owner,
    updates: &mut NodeUpdates,
) -> Result<(), TrieError> {
    let mut paths = vec![Nibbles::new()];
    while let Some(path) = paths.pop() {
        let key = NodeKey { owner, path };
        let Some(node) = source.node(&key)? else {
            continue;
        };
        if let Node::Branch(branch) = &*node {
            let below = path.join(&branch.prefix);
            paths.extend(
                (0u8..)
                    .zip(&branch.children)
                    .filter(|(_, child)| matches!(child, Child::Branch(_)))
                    .map(|(nibble, _)| child_path(&below, nibble)),
            );
        }
        updates.insert(key, None);
    }
    Ok(())
}

/// One thread's part of an update.
struct Work<'a> {
    source: &'a dyn NodeSource,
    owner: Owner,
    updates: NodeUpdates,
    scratch: Vec<u8>,
}

impl Work<'_> {
    /// Applies changes, whose keys all start with `path`, to the subtree at `path`.
    fn change(
        &mut self,
        path: &Nibbles,
        tree: Tree,
        changes: &[Change],
    ) -> Result<Tree, TrieError> {
        match tree {
            Tree::Empty => self.grow(path, None, changes),
            Tree::Leaf(leaf) => self.grow(path, Some(leaf), changes),
            Tree::Branch(branch) => self.change_branch(path, *branch, changes),
        }
    }

    /// Builds a subtree from the inserts among `changes`, and from a leaf that was there unless they name it.
    fn grow(
        &mut self,
        path: &Nibbles,
        leaf: Option<Arc<Leaf>>,
        changes: &[Change],
    ) -> Result<Tree, TrieError> {
        let mut entries: Vec<(Nibbles, &[u8])> = changes
            .iter()
            .filter_map(|change| Some((change.key, change.value.as_deref()?)))
            .collect();
        if let Some(leaf) = &leaf {
            let key = path.join(&leaf.suffix);
            if changes
                .binary_search_by(|change| change.key.cmp(&key))
                .is_err()
            {
                let at = entries.partition_point(|(other, _)| *other < key);
                entries.insert(at, (key, &leaf.value));
            }
        }
        self.build(path, &entries)
    }

    /// Builds a subtree from sorted entries.
    fn build(&mut self, path: &Nibbles, entries: &[(Nibbles, &[u8])]) -> Result<Tree, TrieError> {
        let (first, last) = match entries {
            [] => return Ok(Tree::Empty),
            [(key, value)] => {
                let leaf = Leaf {
                    suffix: key.slice(path.len()..),
                    value: value.to_vec(),
                };
                return Ok(Tree::Leaf(Arc::new(leaf)));
            }
            [first, .., last] => (first.0, last.0),
        };
        let fork = first.common_prefix_length(&last);
        let branch_path = first.slice(..fork);
        let mut branch = Branch {
            prefix: first.slice(path.len()..fork),
            ..Default::default()
        };
        let parts = split(entries, fork, |(key, _)| key);
        self.each_child(&mut branch, &parts, |work, nibble, _, entries| {
            let path = child_path(&branch_path, nibble);
            let tree = work.build(&path, entries)?;
            Ok(work.seal(path, tree, false))
        })?;
        Ok(Tree::Branch(Box::new(branch)))
    }

    fn change_branch(
        &mut self,
        path: &Nibbles,
        mut branch: Branch,
        changes: &[Change],
    ) -> Result<Tree, TrieError> {
        let whole = path.join(&branch.prefix);
        // How far the branch agrees with the insert that parts from it first.
        let fork = changes
            .iter()
            .filter(|change| change.value.is_some())
            .map(|change| change.key.common_prefix_length(&whole))
            .min()
            .unwrap_or(whole.len())
            .min(whole.len());
        let mut lowered = None;
        if fork < whole.len() {
            // The branch moves down, below a new one where the keys part. Its children stay where they are.
            let upper = Branch {
                prefix: whole.slice(path.len()..fork),
                ..Default::default()
            };
            let mut lower = std::mem::replace(&mut branch, upper);
            lower.prefix = whole.slice(fork + 1..);
            lowered = Some((whole.get_unchecked(fork), lower));
        }
        let branch_path = whole.slice(..fork);
        // Removals of keys that part from the branch name nothing that exists.
        let from = changes.partition_point(|change| change.key < branch_path);
        let inside = &changes[from..];
        let count = inside.partition_point(|change| change.key.starts_with(&branch_path));
        let mut parts = split(&inside[..count], fork, |change| &change.key);
        if let Some((nibble, lower)) = lowered {
            let at = usize::from(nibble);
            let path = child_path(&branch_path, nibble);
            let tree = self.change(&path, Tree::Branch(Box::new(lower)), parts[at])?;
            branch.children[at] = self.seal(path, tree, false);
            parts[at] = &[];
        }
        self.each_child(&mut branch, &parts, |work, nibble, child, changes| {
            let path = child_path(&branch_path, nibble);
            let had_record = matches!(child, Child::Branch(_));
            let tree = match child {
                Child::Empty => Tree::Empty,
                Child::Leaf(_, leaf) => Tree::Leaf(leaf),
                Child::Branch(_) => Tree::Branch(Box::new(work.load(path)?)),
            };
            let tree = work.change(&path, tree, changes)?;
            Ok(work.seal(path, tree, had_record))
        })?;
        self.settle(branch_path, branch)
    }

    /// Replaces each child that has a part of the work by what `run` makes of it.
    fn each_child<T: Sync>(
        &mut self,
        branch: &mut Branch,
        parts: &[&[T]; 16],
        run: impl Fn(&mut Work<'_>, u8, Child, &[T]) -> Result<Child, TrieError> + Sync,
    ) -> Result<(), TrieError> {
        let work = (0u8..)
            .zip(&mut branch.children)
            .zip(parts)
            .filter(|(_, part)| !part.is_empty());
        if parts.iter().map(|part| part.len()).sum::<usize>() < PARALLEL_CHANGES {
            for ((nibble, child), part) in work {
                *child = run(self, nibble, std::mem::take(child), part)?;
            }
            return Ok(());
        }
        let (source, owner) = (self.source, self.owner);
        let done = work
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|((nibble, child), part)| {
                let mut work = Work {
                    source,
                    owner,
                    updates: NodeUpdates::default(),
                    scratch: Vec::new(),
                };
                *child = run(&mut work, nibble, std::mem::take(child), part)?;
                Ok(work.updates)
            })
            .collect::<Result<Vec<_>, TrieError>>()?;
        for updates in done {
            self.updates.extend(updates);
        }
        Ok(())
    }

    /// The shape that a branch must have after its children changed.
    fn settle(&mut self, branch_path: Nibbles, mut branch: Branch) -> Result<Tree, TrieError> {
        match branch.count() {
            0 => return Ok(Tree::Empty),
            1 => {}
            _ => return Ok(Tree::Branch(Box::new(branch))),
        }
        let only = (0u8..)
            .zip(&mut branch.children)
            .find(|(_, c)| !matches!(c, Child::Empty));
        let Some((nibble, child)) = only else {
            return Ok(Tree::Empty);
        };
        let mut prefix = branch.prefix;
        prefix.push(nibble);
        match std::mem::take(child) {
            Child::Empty => Ok(Tree::Empty),
            Child::Leaf(_, leaf) => Ok(Tree::Leaf(Arc::new(Leaf {
                suffix: prefix.join(&leaf.suffix),
                value: leaf.value.clone(),
            }))),
            Child::Branch(_) => {
                let path = child_path(&branch_path, nibble);
                let mut lower = self.load(path)?;
                self.updates.insert(self.key(path), None);
                lower.prefix = prefix.join(&lower.prefix);
                Ok(Tree::Branch(Box::new(lower)))
            }
        }
    }

    /// Notes the record of a changed subtree, and makes it a child of its parent.
    fn seal(&mut self, path: Nibbles, tree: Tree, had_record: bool) -> Child {
        match tree {
            Tree::Branch(branch) => {
                let reference = branch.reference(&mut self.scratch);
                self.updates
                    .insert(self.key(path), Some(Arc::new(Node::Branch(*branch))));
                return Child::Branch(reference);
            }
            _ if had_record => drop(self.updates.insert(self.key(path), None)),
            _ => {}
        }
        match tree {
            Tree::Leaf(leaf) => Child::leaf(leaf, &mut self.scratch),
            _ => Child::Empty,
        }
    }

    /// The branch at a path, as this update left it or as it was.
    fn load(&self, path: Nibbles) -> Result<Branch, TrieError> {
        let key = self.key(path);
        let node = match self.updates.get(&key) {
            Some(node) => node.clone(),
            None => self.source.node(&key)?,
        };
        match node.as_deref() {
            Some(Node::Branch(branch)) => Ok(branch.clone()),
            Some(Node::Leaf(_)) => Err(TrieError::Damaged {
                key,
                what: "a leaf, not a branch",
            }),
            None => Err(TrieError::Damaged {
                key,
                what: "missing",
            }),
        }
    }

    fn key(&self, path: Nibbles) -> NodeKey {
        NodeKey {
            owner: self.owner,
            path,
        }
    }
}

pub(super) fn child_path(branch_path: &Nibbles, nibble: u8) -> Nibbles {
    let mut path = *branch_path;
    path.push(nibble);
    path
}

/// Splits sorted items by the nibble of their key at `depth`.
fn split<T>(items: &[T], depth: usize, key: impl Fn(&T) -> &Nibbles) -> [&[T]; 16] {
    let mut parts: [&[T]; 16] = [&[]; 16];
    let mut rest = items;
    while let Some(first) = rest.first() {
        let nibble = key(first).get_unchecked(depth);
        let count = rest.partition_point(|item| key(item).get_unchecked(depth) <= nibble);
        let (part, after) = rest.split_at(count);
        parts[usize::from(nibble)] = part;
        rest = after;
    }
    parts
}
