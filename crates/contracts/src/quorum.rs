//! What most of those who showed something found, if enough of them did: one rule for every room with auditors.

use std::collections::BTreeMap;

/// The finding that at least `quorum` showed, and more than half of all who showed one.
pub(crate) fn agreed<T: Ord + Copy>(shown: impl Iterator<Item = T>, quorum: u8) -> Option<T> {
    let mut votes = BTreeMap::<T, u32>::new();
    let mut all = 0_u32;
    for finding in shown {
        let votes = votes.entry(finding).or_default();
        *votes = votes.saturating_add(1);
        all = all.saturating_add(1);
    }
    let wins = |votes: u32| votes >= quorum.into() && votes.saturating_mul(2) > all;
    votes
        .into_iter()
        .find(|(_, votes)| wins(*votes))
        .map(|(finding, _)| finding)
}
