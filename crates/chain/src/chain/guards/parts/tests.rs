use std::cmp::Reverse;

use alloy_primitives::Address;
use capstan_contracts::account::index::Call;
use capstan_units::{AccountId, AssetId, PriceTick};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::*;
use crate::db::DerivedIndex as _;

fn any(dice: &mut StdRng) -> Entry {
    let call = match dice.random_range(0..4) {
        0 => Call::Time(dice.random_range(1..5_000)),
        1 => Call::Redemption,
        2 => Call::Fall(
            AssetId::new(dice.random_range(0..3)),
            dice.random(),
            Reverse(PriceTick::new(dice.random_range(-2_000..2_000))),
        ),
        _ => Call::Rise(AssetId::new(1), PriceTick::new(dice.random_range(0..2_000))),
    };
    let owner = Address::with_last_byte(dice.random_range(0..200));
    (call, AccountId::new(owner, dice.random_range(0..200)))
}

/// DB-14: blocks that change the index between its parts, in what is copied already and in what is not, leave the copy as the
/// index stands in the end.
#[test]
fn db_14_a_copy_in_parts_is_the_index_in_the_end() {
    let mut dice = StdRng::seed_from_u64(14);
    for guards in [0, 1, PART - 1, PART, PART + 1, 5 * PART + 77] {
        let mut index = GuardIndex::default();
        while index.len() < guards {
            let added = (index.len()..guards).map(|_| any(&mut dice)).collect();
            index.apply(&Changes {
                removed: Default::default(),
                added,
            });
        }
        let (mut parts, mut count) = (Parts::default(), 1);
        while parts.take_from(&index) {
            count += 1;
            for _ in 0..dice.random_range(0..4) {
                let mut changes = Changes::default();
                let all: Vec<Entry> = index.iter().copied().collect();
                for _ in 0..dice.random_range(0..200) {
                    let gone = all[dice.random_range(0..all.len())];
                    changes.removed.insert(gone);
                    let new = any(&mut dice);
                    if all.binary_search(&new).is_err() {
                        changes.added.insert(new);
                    }
                }
                index.apply(&changes);
                parts.follow(&changes);
            }
        }
        assert!(count >= guards / PART, "{guards} guards in {count} parts");
        assert!(parts.into_saved() == index.save(), "{guards} guards");
    }
}
