use alloy_eip7928::NonceChange;
use proptest::prelude::*;

use super::*;

fn account(address: Address) -> AccountChanges {
    AccountChanges {
        address,
        ..AccountChanges::default()
    }
}

proptest! {
    /// Entries below an index are counted right, however far they lie apart.
    #[test]
    fn entries_below_are_counted(steps in prop::collection::vec(1_u64..4, 0..40), start in 0_u64..5) {
        let mut at = start;
        let entries: Vec<_> = steps.iter().map(|step| { at += step; at }).collect();
        let changes: Vec<_> = entries.iter().map(|at| NonceChange::new(BlockAccessIndex::new(*at), 1)).collect();
        for index in 0..at + 3 {
            let below = entries.iter().filter(|at| **at < index).count();
            let index_of = |change: &NonceChange| change.block_access_index;
            prop_assert_eq!(last_before(&changes, index, index_of), below.checked_sub(1));
            let here = entry_at(&changes, index, index_of).map(|change| change.block_access_index.get());
            prop_assert_eq!(here, entries.contains(&index).then_some(index));
        }
    }

    /// Every account is found at its place and nobody else, also where addresses begin alike.
    #[test]
    fn accounts_are_found(
        words in prop::collection::btree_set((0_u32..4, 0_u8..8), 0..50),
        strange in prop::collection::vec((0_u32..5, 0_u8..9), 20),
    ) {
        let address_of = |(first, last): (u32, u8)| {
            let mut address = Address::ZERO;
            // The first shelf, the last, and two between them.
            address[..4].copy_from_slice(&(first * (u32::MAX / 4)).to_be_bytes());
            address[19] = last;
            address
        };
        let list: Vec<_> = words.iter().map(|word| account(address_of(*word))).collect();
        let mut shelves = Shelves::roomy(list.len());
        list.iter().enumerate().for_each(|(place, account)| shelves.add(place, account.address));
        shelves.end(list.len());
        for (place, account) in list.iter().enumerate() {
            prop_assert_eq!(shelves.find(&list, account.address), Some(place));
        }
        for word in strange.into_iter().filter(|word| !words.contains(word)) {
            prop_assert_eq!(shelves.find(&list, address_of(word)), None);
        }
    }
}
