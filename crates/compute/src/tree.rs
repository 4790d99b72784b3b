//! Merkle trees as contracts here check them: leaves in their order, filled with zeros to a power of two.

use alloy_primitives::{B256, keccak256};

/// Two trees under one.
pub(crate) fn node(left: B256, right: B256) -> B256 {
    keccak256([left.0, right.0].concat())
}

fn filled(leaves: &[B256]) -> Vec<B256> {
    let mut row = leaves.to_vec();
    row.resize(row.len().next_power_of_two(), B256::ZERO);
    row
}

fn above(row: &[B256]) -> Vec<B256> {
    let pairs = row.chunks_exact(2);
    pairs.map(|pair| node(pair[0], pair[1])).collect()
}

/// The root; zero of nothing.
pub(crate) fn root(leaves: &[B256]) -> B256 {
    let mut row = filled(leaves);
    while row.len() > 1 {
        row = above(&row);
    }
    row.first().copied().unwrap_or_default()
}

/// That a leaf lies under the root: the hashes beside its way up.
pub(crate) fn proof(leaves: &[B256], mut index: usize) -> Vec<B256> {
    let (mut row, mut proof) = (filled(leaves), Vec::new());
    while row.len() > 1 {
        proof.push(row[index ^ 1]);
        row = above(&row);
        index >>= 1;
    }
    proof
}
