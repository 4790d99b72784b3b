//! The two shapes of a trie: their hashes and their stored form.

use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use alloy_rlp::Header;
use alloy_trie::{
    EMPTY_ROOT_HASH, Nibbles,
    nodes::{ExtensionNodeRef, LeafNodeRef, RlpNode},
};

/// A record: the branch at a path, or the leaf that is a whole trie.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every node is a branch, and a box would cost each one a second allocation"
)]
pub enum Node {
    /// The only entry of a trie; found at the root alone.
    Leaf(Arc<Leaf>),
    /// A branch and the extension above it.
    Branch(Branch),
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The rest of its key below the place where it hangs.
    pub suffix: Nibbles,
    /// Its RLP value.
    pub value: Vec<u8>,
}

/// A branch, together with the extension above it: `prefix` is empty if there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branch {
    /// Nibbles between the branch's place and the branch.
    pub prefix: Nibbles,
    /// What hangs below each nibble.
    pub children: [Child; 16],
}

/// What hangs below a nibble of a branch. The reference is what the parent's RLP says: a hash, or the node
/// itself if it is shorter than one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Child {
    /// Nothing.
    #[default]
    Empty,
    /// A leaf, kept in its parent's record.
    Leaf(RlpNode, Arc<Leaf>),
    /// A branch, kept in a record of its own.
    Branch(RlpNode),
}

impl Child {
    /// A leaf with its reference computed.
    pub(crate) fn leaf(leaf: Arc<Leaf>, scratch: &mut Vec<u8>) -> Self {
        Self::Leaf(leaf.reference(scratch), leaf)
    }

    fn reference(&self) -> Option<&RlpNode> {
        match self {
            Self::Empty => None,
            Self::Leaf(reference, _) | Self::Branch(reference) => Some(reference),
        }
    }
}

impl Leaf {
    /// Writes the node's RLP over `out`.
    pub(crate) fn encode_rlp(&self, out: &mut Vec<u8>) -> RlpNode {
        out.clear();
        LeafNodeRef::new(&self.suffix, &self.value).rlp(out)
    }

    /// What a parent says of it.
    pub(crate) fn reference(&self, scratch: &mut Vec<u8>) -> RlpNode {
        self.encode_rlp(scratch)
    }
}

impl Branch {
    /// Writes the RLP of the branch itself, without its extension, over `out`.
    pub(crate) fn encode_branch_rlp(&self, out: &mut Vec<u8>) -> RlpNode {
        out.clear();
        let references = || self.children.iter().map(Child::reference);
        // An absent child, and the value that no branch of fixed-length keys has, take one byte each.
        let payload_length = 1 + references()
            .map(|child| child.map_or(1, |r| r.len()))
            .sum::<usize>();
        Header {
            list: true,
            payload_length,
        }
        .encode(out);
        for child in references() {
            match child {
                Some(reference) => out.extend_from_slice(reference),
                None => out.push(alloy_rlp::EMPTY_STRING_CODE),
            }
        }
        out.push(alloy_rlp::EMPTY_STRING_CODE);
        RlpNode::from_rlp(out)
    }

    /// What a parent says of it.
    pub(crate) fn reference(&self, scratch: &mut Vec<u8>) -> RlpNode {
        let branch = self.encode_branch_rlp(scratch);
        if self.prefix.is_empty() {
            return branch;
        }
        scratch.clear();
        ExtensionNodeRef::new(&self.prefix, &branch).rlp(scratch)
    }

    /// Number of children.
    pub(crate) fn count(&self) -> usize {
        self.children
            .iter()
            .filter(|child| !matches!(child, Child::Empty))
            .count()
    }
}

impl Node {
    /// The root of a trie of which this is the root node.
    #[must_use]
    pub fn root(&self) -> B256 {
        let mut scratch = Vec::new();
        let reference = match self {
            Self::Leaf(leaf) => leaf.reference(&mut scratch),
            Self::Branch(branch) => branch.reference(&mut scratch),
        };
        // A root is hashed even where a parent would hold it whole.
        reference
            .as_hash()
            .unwrap_or_else(|| keccak256(&*reference))
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(640);
        match self {
            Self::Leaf(leaf) => {
                out.push(LEAF);
                put_leaf(leaf, &mut out);
            }
            Self::Branch(branch) => {
                out.push(BRANCH);
                put_nibbles(&branch.prefix, &mut out);
                let mask = |wanted: fn(&Child) -> bool| {
                    (0..16)
                        .filter(|&at| wanted(&branch.children[at]))
                        .fold(0u16, |m, at| m | 1 << at)
                };
                out.extend_from_slice(
                    &mask(|child| matches!(child, Child::Leaf(..))).to_be_bytes(),
                );
                out.extend_from_slice(
                    &mask(|child| matches!(child, Child::Branch(_))).to_be_bytes(),
                );
                for child in &branch.children {
                    if let Some(reference) = child.reference() {
                        put_reference(reference, &mut out);
                    }
                    if let Child::Leaf(_, leaf) = child {
                        put_leaf(leaf, &mut out);
                    }
                }
            }
        }
        out
    }

    /// Reads the stored form; `None` if it is not one.
    #[must_use]
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let input = &mut bytes;
        let node = match take(input, 1)?[0] {
            LEAF => Self::Leaf(Arc::new(take_leaf(input)?)),
            BRANCH => {
                let mut branch = Branch {
                    prefix: take_nibbles(input)?,
                    ..Default::default()
                };
                let leaves = u16::from_be_bytes(take(input, 2)?.try_into().ok()?);
                let branches = u16::from_be_bytes(take(input, 2)?.try_into().ok()?);
                if leaves & branches != 0 {
                    return None;
                }
                for (at, child) in branch.children.iter_mut().enumerate() {
                    if leaves >> at & 1 == 1 {
                        let reference = take_reference(input)?;
                        *child = Child::Leaf(reference, Arc::new(take_leaf(input)?));
                    } else if branches >> at & 1 == 1 {
                        *child = Child::Branch(take_reference(input)?);
                    }
                }
                Self::Branch(branch)
            }
            _ => return None,
        };
        input.is_empty().then_some(node)
    }
}

/// The root of a trie by its root record.
#[must_use]
pub fn root_of(node: Option<&Node>) -> B256 {
    node.map_or(EMPTY_ROOT_HASH, Node::root)
}

const LEAF: u8 = 1;
const BRANCH: u8 = 2;

fn put_nibbles(nibbles: &Nibbles, out: &mut Vec<u8>) {
    // A path has at most 64 nibbles.
    out.push(nibbles.len() as u8);
    out.extend_from_slice(&nibbles.pack());
}

fn put_leaf(leaf: &Leaf, out: &mut Vec<u8>) {
    put_nibbles(&leaf.suffix, out);
    // Values are words or accounts: at most 33 or about 110 bytes.
    out.push(leaf.value.len() as u8);
    out.extend_from_slice(&leaf.value);
}

fn put_reference(reference: &RlpNode, out: &mut Vec<u8>) {
    // A hash is by far the commonest, so its own first byte (0xa0) is left to say so.
    match reference.as_hash() {
        Some(hash) => {
            out.push(32);
            out.extend_from_slice(hash.as_slice());
        }
        None => {
            out.push(0x80 | reference.len() as u8);
            out.extend_from_slice(reference);
        }
    }
}

fn take<'a>(input: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(bytes)?;
    *input = rest;
    Some(taken)
}

fn take_nibbles(input: &mut &[u8]) -> Option<Nibbles> {
    let count = usize::from(take(input, 1)?[0]);
    if count > 64 {
        return None;
    }
    let packed = take(input, count.div_ceil(2))?;
    Some(Nibbles::unpack(packed).slice(..count))
}

fn take_leaf(input: &mut &[u8]) -> Option<Leaf> {
    let suffix = take_nibbles(input)?;
    let bytes = usize::from(take(input, 1)?[0]);
    Some(Leaf {
        suffix,
        value: take(input, bytes)?.to_vec(),
    })
}

fn take_reference(input: &mut &[u8]) -> Option<RlpNode> {
    match take(input, 1)?[0] {
        32 => Some(RlpNode::word_rlp(&B256::from_slice(take(input, 32)?))),
        // Thirty-three bytes are the RLP of a hash, and that is written as a hash.
        short if (0x80..0x80 + 33).contains(&short) => {
            RlpNode::from_raw(take(input, usize::from(short & 0x7f))?)
        }
        _ => None,
    }
}
