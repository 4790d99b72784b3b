//! Random batches, prices, looks and bids; every invariant holds after each step, and the index agrees with brute force.

use std::collections::BTreeMap;

use super::{liquidation::bid, *};
use crate::{
    account::index::{Changes, GuardIndex, unhealthy},
    testkit::dice::Dice,
};

const STEPS: usize = 1_000;

fn words_of(scene: &Scene) -> BTreeMap<U256, U256> {
    let all = scene.world.store.words();
    all.filter(|(at, ..)| *at == ADDRESS)
        .map(|(_, slot, word)| (slot, word))
        .collect()
}

fn step(scene: &mut Scene, dice: &mut Dice, prices: &mut [u128; 5]) {
    let people = [
        (ALICE, ALICES),
        (BOB, BOBS),
        (CAROL, CAROLS),
        (ALICE, AccountId::new(ALICE, 1)),
    ];
    let (who, on) = dice.of(&people);
    let asset = dice.of(&[ETH, USDC, RISKY, DAI, ALONE]);
    match dice.below(12) {
        10 | 11 => {
            // Half to all of what may still be borrowed leaves the account.
            let call = reportOfCall {
                account: reference(on),
            };
            let Ok(report) = scene.world.call(who, ADDRESS, &call) else {
                return;
            };
            let room = report.borrowable.saturating_sub(report.debt);
            let price = prices[usize::try_from(asset).expect("small")];
            let units = room * n(ONE) / n(price) * n(50 + dice.below(51)) / n(100);
            let units = u128::try_from(units).unwrap_or_default();
            let _ = scene.run(
                who,
                on,
                &[borrow(asset, units), withdraw(asset, n(units), who)],
            );
        }
        0..=6 => {
            let count = dice.below(4) + 1;
            let batch: Vec<Action> = (0..count)
                .flat_map(|_| {
                    let asset = dice.of(&[ETH, USDC, RISKY, DAI, ALONE]);
                    let units = dice.amount(50_000 * ONE);
                    let (_, other_one) = dice.of(&people);
                    match dice.below(14) {
                        0..=2 => vec![deposit(asset, units)],
                        3 => vec![supply(asset, units)],
                        4 => vec![redeem(asset, units)],
                        5 => vec![borrow(asset, units)],
                        6 | 7 => vec![borrow(asset, units), withdraw(asset, n(units), who)],
                        8 => vec![repay(asset, units)],
                        9 => vec![withdraw(asset, n(units), who)],
                        10 => vec![other(Verb::Transfer, asset, n(units), other_one)],
                        11 | 12 => {
                            let collateral = dice.of(&[ETH, USDC, RISKY, DAI, ALONE]);
                            vec![
                                deposit(asset, units),
                                bid(other_one, asset, units, collateral),
                            ]
                        }
                        _ => vec![action(Verb::CloseAll, Vec::new())],
                    }
                })
                .collect();
            let _ = scene.run(who, on, &batch);
        }
        7 | 8 => {
            let place = &mut prices[usize::try_from(asset).expect("small")];
            let percent = 55 + dice.below(80);
            *place = (*place * percent / 100).clamp(USD / 1_000, 1_000_000 * USD);
            scene.prices(&[(asset, *place)]);
        }
        _ => scene
            .world
            .wait_ms(u64::try_from(dice.below(40_000_000)).expect("small")),
    }
}

/// LIQ-1, LIQ-2, ACC-6 and all others: `check_all` runs after every transaction.
#[test]
fn random_batches_prices_looks_and_bids() {
    let mut dice = Dice::new("random_batches_prices_looks_and_bids");
    let mut scene = Scene::new();
    let mut prices = [2_000 * USD, USD, 20 * USD, USD, 10 * USD];
    let mut index = GuardIndex::of(&scene.world.store).expect("reads");
    let mut words = words_of(&scene);
    let (mut looks, mut sick) = (0, 0);
    for _ in 0..STEPS {
        step(&mut scene, &mut dice, &mut prices);
        let store = scene.world.store.clone();
        let found =
            unhealthy(&store, &mut scene.world.store.frame(ADDRESS, ADDRESS)).expect("reads");
        sick += found.len();
        looks += scene.look().len();
        let after = words_of(&scene);
        let mut changes = Changes::default();
        for slot in words
            .keys()
            .chain(after.keys())
            .collect::<std::collections::BTreeSet<_>>()
        {
            let get = |words: &BTreeMap<U256, U256>| words.get(slot).copied().unwrap_or_default();
            changes.note(*slot, get(&words), get(&after));
        }
        index.apply(&changes);
        words = after;
        assert_eq!(
            index,
            GuardIndex::of(&scene.world.store).expect("reads"),
            "LIQ-2"
        );
    }
    println!("{STEPS} steps, {looks} looks, {sick} times somebody was unhealthy");
    assert!(looks > 50 && sick > 20, "the test reaches what it is about");
}
