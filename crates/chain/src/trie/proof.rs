//! Proofs: the nodes that a verifier needs, in Ethereum's encoding, from the root down.

use alloy_primitives::Bytes;
use alloy_trie::{Nibbles, nodes::ExtensionNodeRef};

use super::{Child, Leaf, Node, NodeKey, NodeSource, Owner, TrieError, update::child_path};

/// The value at a hashed key, and the proof of it or of its absence.
pub(super) fn prove(
    source: &dyn NodeSource,
    owner: Owner,
    key: &Nibbles,
) -> Result<(Option<Vec<u8>>, Vec<Bytes>), TrieError> {
    let mut proof = Proof::default();
    let mut path = Nibbles::new();
    loop {
        let node_key = NodeKey { owner, path };
        let node = match source.node(&node_key)? {
            Some(node) => node,
            None if path.is_empty() => return Ok((None, proof.nodes)),
            None => {
                return Err(TrieError::Damaged {
                    key: node_key,
                    what: "missing",
                });
            }
        };
        let branch = match &*node {
            Node::Leaf(leaf) => return Ok((proof.leaf(leaf, key, path.len()), proof.nodes)),
            Node::Branch(branch) => branch,
        };
        let mut rlp = Vec::new();
        let reference = branch.encode_branch_rlp(&mut rlp);
        let below = path.join(&branch.prefix);
        if !branch.prefix.is_empty() {
            let mut extension = Vec::new();
            ExtensionNodeRef::new(&branch.prefix, &reference).rlp(&mut extension);
            proof.push(extension);
            if !key.starts_with(&below) {
                return Ok((None, proof.nodes));
            }
        }
        proof.push(rlp);
        let nibble = key.get_unchecked(below.len());
        path = child_path(&below, nibble);
        match &branch.children[usize::from(nibble)] {
            Child::Empty => return Ok((None, proof.nodes)),
            Child::Leaf(_, leaf) => return Ok((proof.leaf(leaf, key, path.len()), proof.nodes)),
            Child::Branch(_) => {}
        }
    }
}

#[derive(Default)]
struct Proof {
    nodes: Vec<Bytes>,
}

impl Proof {
    /// A node shorter than a hash stands inside its parent, except for the root.
    fn push(&mut self, rlp: Vec<u8>) {
        if rlp.len() >= 32 || self.nodes.is_empty() {
            self.nodes.push(rlp.into());
        }
    }

    fn leaf(&mut self, leaf: &Leaf, key: &Nibbles, depth: usize) -> Option<Vec<u8>> {
        let mut rlp = Vec::new();
        leaf.encode_rlp(&mut rlp);
        self.push(rlp);
        (key.slice(depth..) == leaf.suffix).then(|| leaf.value.clone())
    }
}
