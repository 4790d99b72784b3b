//! What others lost money by, tried here.

use super::*;
use crate::testkit::dice::Dice;

/// Gifts to the ledger, to the exchange's address and to its accounts are nobody's.
#[test]
fn exch_4_a_gift_changes_no_reserve_price_or_share() {
    let (mut world, tokens) = start();
    let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]);
    world.wait_ms(60_000);
    let legs = [leg(pool, 0, 1, 1_000)];
    let look = |world: &mut World| {
        let quoted = act(world, |cx| {
            exchange::quote(cx, &legs, bounds(0, 1_000, 1, 0))
        });
        let ask = twapX96Call {
            poolId: 0,
            assetId: 1,
            windowMs: 60_000,
        };
        (
            quoted,
            world.view(ADDRESS, &ask),
            world.view(ADDRESS, &poolCall { poolId: 0 }),
        )
    };
    let before = look(&mut world);
    for at in [ledger::ADDRESS, ADDRESS, lp::address_of(pool)] {
        world.mint(tokens[0], at, RICH);
    }
    for index in 0..4 {
        let to = AccountId::new(ADDRESS, index);
        act(&mut world, |cx| {
            ledger::shift(cx, id(0), BOBS, to, a(1_000_000))
        })
        .expect("gives");
    }
    assert_eq!(look(&mut world), before);
}

/// The first depositor makes a share as dear as he can, by trading with himself; the second loses next to nothing.
#[test]
fn exch_2_exch_6_the_first_depositor_cannot_make_a_share_dear() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 10_000), &[1_100, 1_100]);
    let before = free(&mut world, 0, ALICES) + free(&mut world, 1, ALICES);
    for _ in 0..200 {
        let [x, y] = reserves(&world, pool)[..] else {
            panic!("two reserves")
        };
        let (from, units) = if x <= y { (0, x * 50) } else { (1, y * 50) };
        let legs = [leg(pool, from, 1 - from, units)];
        let _ = swap(&mut world, ALICES, &legs, bounds(from, units, 1 - from, 0));
    }
    let spent = before - (free(&mut world, 0, ALICES) + free(&mut world, 1, ALICES));
    let deposit = [a(1_000_000_000), a(1_000_000_000)];
    let (taken, made) = act(&mut world, |cx| {
        exchange::add(cx, pool, BOBS, BOBS, &deposit, Shares::ZERO)
    })
    .expect("adds");
    let back = act(&mut world, |cx| {
        exchange::remove(cx, pool, BOBS, BOBS, made, &[a(0); 2])
    })
    .expect("removes");
    for (taken, back) in taken.iter().zip(&back) {
        let lost = taken.get() - back.get();
        assert!(
            lost <= 2,
            "the second depositor lost {lost} of {taken}, the first had spent {spent}"
        );
    }
    let all = s(shares(&world, pool, ALICES));
    act(&mut world, |cx| {
        exchange::remove(cx, pool, ALICES, ALICES, all, &[a(0); 2])
    })
    .expect("removes");
    let after = free(&mut world, 0, ALICES) + free(&mut world, 1, ALICES);
    assert!(after < before, "who tried is poorer");
}

/// Balancer, November 2025: many tiny swaps in one batch, each rounded down for the trader, in a pool drained to wei.
/// Here each is rounded for the pool, whatever the decimals.
#[test]
fn exch_5_tiny_swaps_in_a_drained_stable_pool_gain_nothing() {
    let mut dice = Dice::new("tiny_swaps_in_a_drained_stable_pool_gain_nothing");
    for amplification in [1, 200, 10_000] {
        let (mut world, _) = start();
        world.sweep_every = 50;
        let pool = open(
            &mut world,
            &stable(&[0, 1], amplification),
            &[20_000, 20_000],
        );
        let worth = |world: &mut World| free(world, 0, BOBS) + free(world, 1, BOBS);
        let rich = worth(&mut world);
        let low = sized(leg(pool, 0, 1, 0), Size::Out(a(19_990)));
        let _ = swap(&mut world, BOBS, &[low], bounds(0, RICH, 1, 0));
        for _ in 0..300 {
            let from = dice.of(&[0, 1]);
            let units = a(1 + dice.below(9));
            let size = dice.of(&[Size::In(units), Size::Out(units)]);
            let legs = [sized(leg(pool, from, 1 - from, 0), size)];
            let _ = swap(&mut world, BOBS, &legs, bounds(from, RICH, 1 - from, 0));
        }
        // Back to even: what is left to gain would show here.
        for _ in 0..40 {
            let [x, y] = reserves(&world, pool)[..] else {
                panic!("two reserves")
            };
            if x.abs_diff(y) < 2 {
                break;
            }
            let (from, units) = if x < y {
                (0, (y - x) / 2)
            } else {
                (1, (x - y) / 2)
            };
            let legs = [leg(pool, from, 1 - from, units.max(1))];
            let _ = swap(&mut world, BOBS, &legs, bounds(from, RICH, 1 - from, 0));
        }
        assert!(worth(&mut world) <= rich, "amplification {amplification}");
        let [x, y] = reserves(&world, pool)[..] else {
            panic!("two reserves")
        };
        assert!(x + y >= 40_000, "the pool has {x} and {y}");
    }
}

/// yETH, November 2025: reserves so uneven that an iteration found no invariant, and shares were made of nothing. Here
/// no verb leaves the range.
#[test]
fn exch_10_no_verb_leaves_the_range_of_the_stable_curve() {
    let (mut world, _) = start();
    let pool = open(&mut world, &stable(&[0, 1, 2], 10), &[1_000_000; 3]);
    let one_sided = [a(RICH / 2), a(0), a(0)];
    let unbalanced = ExchangeUnbalanced {
        poolId: 0,
        least: n(1_000_000) * n(10).pow(n(12)),
        most: n(RICH / 2 + 1_000_000) * n(10).pow(n(12)),
    };
    refuses(&mut world, &unbalanced, |w| {
        act(w, |cx| {
            exchange::add(cx, pool, BOBS, BOBS, &one_sided, s(0))
        })
    });
    // Of a swap what is left after the fee counts: 0.01 %.
    let unbalanced = ExchangeUnbalanced {
        most: (n(RICH / 2) * n(9_999) / n(10_000) + n(1_000_000)) * n(10).pow(n(12)),
        ..unbalanced
    };
    refuses(&mut world, &unbalanced, |w| {
        swap(w, BOBS, &[leg(pool, 0, 1, RICH / 2)], bounds(0, RICH, 1, 0))
    });
    let uneven = [a(1), a(1), a(10_001_000)];
    let shape = stable(&[0, 1, 3], 10);
    let made = act(&mut world, |cx| {
        exchange::create(cx, BOBS, BOBS, &shape, &uneven)
    });
    let error = ExchangeUnbalanced {
        poolId: 1,
        least: n(10).pow(n(12)),
        most: n(10_001_000) * n(10).pow(n(12)),
    };
    assert_eq!(made.map(|_| ()), Err(Halt::revert(&error)));
}

/// What it costs to hold a mean price away from where it was: printed, and never less than nothing.
#[test]
fn exch_8_moving_a_mean_costs_what_arbitrage_takes() {
    println!("move of the half-hour mean | cost, in parts of the pool");
    for percent in [10_u128, 50, 100] {
        let (mut world, _) = start();
        let depth = RICH / 1_000;
        let pool = open(&mut world, &product(0, 1, 3_000), &[depth; 2]);
        world.wait_ms(1_800_000);
        // The attacker leaves the price standing for one block of 250 ms, and the market takes what he left.
        let out = depth * percent / (100 + percent) / 2;
        let done = swap(
            &mut world,
            BOBS,
            &[sized(leg(pool, 0, 1, 0), Size::Out(a(out)))],
            bounds(0, RICH, 1, 0),
        )
        .expect("swaps");
        world.wait_ms(250);
        swap(
            &mut world,
            CAROLS,
            &[leg(pool, 1, 0, out)],
            bounds(1, out, 0, 0),
        )
        .expect("swaps");
        let lost = done.paid.get() - out;
        let ask = twapX96Call {
            poolId: 0,
            assetId: 1,
            windowMs: 1_800_000,
        };
        let moved = world.view(ADDRESS, &ask);
        let shift = ((n(1) << 96_usize).abs_diff(moved) * n(1_000_000_000)) >> 96_usize;
        println!("{shift} / 10^9 | {lost} of {depth}");
        assert!(lost > 0 && shift < n(1_000_000), "{shift}");
    }
}
