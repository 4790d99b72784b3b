use std::cmp::Reverse;

use alloy_primitives::Address;
use capstan_contracts::{
    account::index::Sheets, calls::Call, products::Products, triggers::Orders,
};
use capstan_units::{AccountId, AssetId, OrderId, PriceTick, ProductId};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::*;
use crate::db::DerivedIndex as _;

fn any(dice: &mut StdRng) -> Call {
    match dice.random_range(0..4) {
        0 => Call::Time(dice.random_range(1..5_000)),
        1 => Call::Redemption,
        2 => Call::Fall(
            AssetId::new(dice.random_range(0..3)),
            dice.random(),
            Reverse(PriceTick::new(dice.random_range(-2_000..2_000))),
        ),
        _ => Call::Rise(AssetId::new(1), PriceTick::new(dice.random_range(0..2_000))),
    }
}

/// DB-14: blocks that change an index between its parts, in what is copied already and in what is not, leave the copy as the
/// index stands in the end.
fn check<R: Saved>(id: impl Fn(&mut StdRng) -> R::Id) {
    let mut dice = StdRng::seed_from_u64(14);
    let new = |dice: &mut StdRng| (any(dice), id(dice));
    for calls in [0, 1, PART - 1, PART, PART + 1, 5 * PART + 77] {
        let mut index = CallIndex::<R>::default();
        while index.len() < calls {
            let added = (index.len()..calls).map(|_| new(&mut dice)).collect();
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
                let all: Vec<_> = index.iter().copied().collect();
                for _ in 0..dice.random_range(0..200) {
                    let gone = all[dice.random_range(0..all.len())];
                    changes.removed.insert(gone);
                    let new = new(&mut dice);
                    if all.binary_search(&new).is_err() {
                        changes.added.insert(new);
                    }
                }
                index.apply(&changes);
                parts.follow(&changes);
            }
        }
        assert!(count >= calls / PART, "{calls} calls in {count} parts");
        assert!(parts.into_saved() == index.save(), "{calls} calls");
    }
}

#[test]
fn db_14_a_copy_in_parts_is_the_index_in_the_end() {
    check::<Sheets>(|dice| {
        let owner = Address::with_last_byte(dice.random_range(0..200));
        AccountId::new(owner, dice.random_range(0..200))
    });
    check::<Orders>(|dice| OrderId::new(dice.random_range(0..40_000)));
    check::<Products>(|dice| ProductId::new(dice.random_range(0..40_000)));
}
