//! What moves a price, and what does not.

use super::*;
use crate::jobs::{error::*, math, state};

fn price(world: &World) -> Price {
    let call = priceOfCall {
        classId: CLASS,
        region: REGION,
    };
    world.view(ADDRESS, &call)
}

fn stored() -> state::Class {
    state::Class {
        program: PROGRAM,
        input_price: capstan_units::Assets::new(INPUT_PRICE).expect("small"),
        output_price: capstan_units::Assets::new(OUTPUT_PRICE).expect("small"),
        level_min: LEVEL_ONE / 4,
        level_max: LEVEL_ONE * 4,
        step_bps: 1_000,
        target_bps: 5_000,
        inputs_per_output: 10,
        ..state::Class::default()
    }
}

#[test]
fn job_6_a_level_moves_by_a_step_at_most_and_stays_in_its_bounds() {
    let class = stored();
    let mut cell = state::Cell {
        epoch: 100,
        level: LEVEL_ONE,
        level_before: LEVEL_ONE,
        used: 0,
        offered: 1_000,
    };
    let mut lowest = u64::MAX;
    let mut highest = 0;
    for round in 0..4_000_u64 {
        cell.used = match round / 100 % 4 {
            0 => 0,
            1 => 500,
            2 => u64::MAX,
            _ => keccak256(round.to_be_bytes()).0[0].into(),
        };
        let (next, steps) = cell.at(cell.epoch + 1, &class);
        assert_eq!((steps, next.level_before, next.used), (1, cell.level, 0));
        assert!(next.level.abs_diff(cell.level) <= cell.level / 10);
        assert!((class.level_min..=class.level_max).contains(&next.level));
        if cell.used == 500 {
            assert_eq!(next.level, cell.level, "at its target it stands still");
        }
        (lowest, highest) = (lowest.min(next.level), highest.max(next.level));
        cell = next;
    }
    assert_eq!((lowest, highest), (class.level_min, class.level_max));
    // Many epochs at once are as many one by one.
    for gap in [2, 3, 17, 400, 1_000_000] {
        let start = state::Cell {
            used: 900,
            level: LEVEL_ONE * 3,
            level_before: LEVEL_ONE,
            ..cell
        };
        let (at_once, steps) = start.at(start.epoch + gap, &class);
        let mut slowly = start;
        for _ in 0..gap.min(1_000) {
            slowly = slowly.at(slowly.epoch + 1, &class).0;
        }
        slowly.epoch = at_once.epoch;
        assert_eq!(at_once, slowly);
        assert!(steps < 500, "{steps} steps");
    }
}

#[test]
fn job_6_use_moves_the_price_of_its_region() {
    let (mut world, ..) = start_class(usual(), moving());
    let id = machine(&mut world, KEYS[0]);
    customer(&mut world, BOB, SPENDERS[0], 1_000_000);
    assert_eq!(price(&world).offered, 16_666);
    assert_eq!(price(&world).level, LEVEL_ONE);
    next_epoch(&mut world);
    // Nobody used it: a step down.
    assert_eq!(price(&world).level, LEVEL_ONE / 10 * 9);
    let channel = hold(&mut world, BOB, SPENDERS[0], id, 100_000);
    // Half of 16,666 is the target; 12,499 is half as much again, and half a step.
    let mut much = receipt(&mut world, KEYS[0], SPENDERS[0], 1);
    (much.inputUnits, much.outputUnits, much.cost) = (0, 12_499, 89_992);
    claimed_with(&mut world, channel, &[much]);
    assert_eq!(price(&world).used, 12_499);
    let before = price(&world).level;
    next_epoch(&mut world);
    let after = price(&world).level;
    assert_eq!(after, before + before / 10 * 4_166 / 8_333);
    // Then nobody comes, and it falls until it rests at its lowest.
    for _ in 0..100 {
        next_epoch(&mut world);
    }
    assert_eq!(price(&world).level, LEVEL_ONE / 4);
    assert_eq!(price(&world).outputPrice, n(OUTPUT_PRICE / 4));
    // A machine that leaves is no supply any more, as soon as somebody looks.
    let leave = IMachines::leaveCall { machineId: id };
    world.ok(ALICE, machines::ADDRESS, &leave);
    let refresh = refreshCall {
        machineId: id,
        classId: CLASS,
    };
    world.ok(CAROL, ADDRESS, &refresh);
    assert_eq!(price(&world).offered, 0);
}

#[test]
fn job_6_floors_hold_and_change_from_the_next_epoch_on() {
    let (mut world, ..) = start_class(usual(), moving());
    let id = machine(&mut world, KEYS[0]);
    let set = |sequence, floors| offerCall {
        terms: terms(id, sequence, floors),
        signature: CALLS,
    };
    let offer = |world: &World| {
        world.view(
            ADDRESS,
            &offerOfCall {
                machineId: id,
                classId: CLASS,
            },
        )
    };
    next_epoch(&mut world);
    let floor = 2 * OUTPUT_PRICE;
    let changed = epoch(&world);
    world.ok(KEYS[0], ADDRESS, &set(2, (0, floor)));
    // The level has fallen a step: nobody used the machine.
    let level = price(&world).outputPrice;
    assert_eq!(offer(&world).outputPrice, level);
    next_epoch(&mut world);
    assert_eq!(offer(&world).outputPrice, n(floor));
    let again = JobsFloorsChangedLately {
        machineId: id,
        classId: CLASS,
        fromEpoch: changed + 2,
    };
    world.refused(KEYS[0], ADDRESS, &set(3, (0, floor + 1)), &again);
    next_epoch(&mut world);
    world.ok(KEYS[0], ADDRESS, &set(3, (0, 0)));
    assert_eq!(offer(&world).outputPrice, n(floor));
    next_epoch(&mut world);
    assert!(offer(&world).outputPrice < level);
    let beyond = OUTPUT_PRICE * 4 + 1;
    let range = JobsParamOutOfRange {
        what: "outputFloor".to_owned(),
        value: n(beyond),
        min: n(0),
        max: n(beyond - 1),
    };
    next_epoch(&mut world);
    world.refused(KEYS[0], ADDRESS, &set(4, (0, beyond)), &range);
    // An offer that ends is bound no more, and counts no more.
    let end = OfferTerms {
        isOpen: false,
        ..terms(id, 4, (0, 0))
    };
    let end = offerCall {
        terms: end,
        signature: CALLS,
    };
    world.ok(KEYS[0], ADDRESS, &end);
    assert_eq!(price(&world).offered, 0);
    customer(&mut world, BOB, SPENDERS[0], 1_000);
    let held = hold_terms(&mut world, BOB, SPENDERS[0], id, 1);
    let held = holdCall {
        terms: held,
        signature: CALLS,
    };
    let none = JobsNoOffer {
        machineId: id,
        classId: CLASS,
    };
    world.refused(SPENDERS[0], ADDRESS, &held, &none);
}

/// Each receipt of a claim is as likely as any other, at the stated rate, and none is picked twice.
#[test]
#[allow(clippy::disallowed_types, reason = "a count is judged by its spread")]
fn job_8_each_receipt_is_picked_at_the_stated_rate() {
    for (receipts, ppm) in [
        (1, 50_000),
        (7, 300_000),
        (40, 50_000),
        (16, 1_000_000),
        (1_000, 50_000),
    ] {
        let rounds = 20_000_u32;
        let mut counts = vec![0_u32; receipts as usize];
        for round in 0..rounds {
            let seed = keccak256((round, receipts).abi_encode());
            let picks = math::picks_of(receipts, ppm, seed);
            let mut seen = std::collections::BTreeSet::new();
            for pick in 0..picks {
                let index = math::index_of(seed, pick, picks, receipts);
                assert!(seen.insert(index), "picked twice");
                counts[index as usize] += 1;
            }
        }
        let rate = (f64::from(ppm) / 1e6).min(f64::from(PICKS_MAX) / f64::from(receipts));
        let (mean, spread) = (
            f64::from(rounds) * rate,
            (f64::from(rounds) * rate * (1.0 - rate)).sqrt(),
        );
        for (index, count) in counts.iter().enumerate() {
            let off = (f64::from(*count) - mean).abs();
            assert!(
                off <= 5.0 * spread + 0.5,
                "{index} of {receipts}: {count}, not {mean}"
            );
        }
    }
}

/// The slash of a claim is that of specs/audit.md: with it no lie pays, with one unit less it does not cost.
#[test]
fn job_5_the_slash_deters() {
    for ppm in [100_u32, 10_000, 50_000, 333_333, 1_000_000] {
        for detect in [10_000_u32, 900_000, 1_000_000] {
            for receipts in [1_u32, 16, 17, 100_000] {
                for largest in [1_u128, 60, 1_000_000_007] {
                    let params = Params {
                        audit_ppm: ppm,
                        detect_ppm: detect,
                        ..Params::default()
                    };
                    let cost = capstan_units::Assets::new(largest).expect("small");
                    let slash = params.slash_of(cost, receipts).expect("in range").get();
                    // pd as a fraction: caught of whole.
                    let n = u128::from(receipts);
                    let by_rate = u128::from(ppm) * n;
                    let caught = by_rate.min(16_000_000) * u128::from(detect);
                    let whole = 1_000_000_000_000 * n;
                    let wins = (whole - caught) * largest;
                    assert!(caught * slash > wins);
                    assert!(caught * (slash - 1) <= wins);
                }
            }
        }
    }
}
