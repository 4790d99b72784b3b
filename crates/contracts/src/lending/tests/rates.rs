//! Rate models beside their formulas in exact integers.

use alloy_primitives::{U256, U512};
use capstan_units::{Bps, MS_PER_YEAR, Ray};

use super::super::rates::{Kinked, RateModel, adaptive, rates};
use crate::testkit::dice::Dice;

const RAY: u128 = 1_000_000_000_000_000_000_000_000_000;

fn percent(parts: u128) -> Ray {
    Ray::new(RAY / 100 * parts).expect("in range")
}

#[test]
fn the_kinked_rate_is_two_lines() {
    let kinked = Kinked {
        base_bps: 100,
        slope1_bps: 400,
        slope2_bps: 6_000,
        optimal_bps: 8_000,
    };
    // Utilisation and rate in percent.
    for (used, rate) in [(0, 1), (40, 3), (80, 5), (90, 35), (100, 65)] {
        assert_eq!(kinked.rate(percent(used)), Ok(percent(rate)), "{used} %");
    }
}

/// The exponential beside its series in 512 bits, with 200 bits behind the point.
#[test]
fn the_exponential_is_exact_to_twenty_three_digits() {
    let one = U512::from(1) << 200_usize;
    let exact = |x: Ray| {
        let x = (U512::from(x.get()) << 200_usize) / U512::from(RAY);
        let (mut sum, mut term) = (one, one);
        for divisor in 1..200_u32 {
            term = ((term * x) >> 200_usize) / U512::from(divisor);
            sum += term;
        }
        (sum * U512::from(RAY)) >> 200_usize
    };
    let mut dice = Dice::new("the_exponential");
    let mut worst = U512::ZERO;
    for round in 0..2_000 {
        let x = match round {
            0 => Ray::ZERO,
            1 => percent(800),
            _ => Ray::new(dice.below(8 * RAY)).expect("in range"),
        };
        let exact = exact(x);
        let ours = U512::from(adaptive::exp_down(x).expect("in range").get());
        assert!(ours <= exact, "{x}");
        worst = worst.max((exact - ours) * U512::from(RAY) / exact);
    }
    println!("exp: at most {worst} parts of 10^27 below");
    assert!(worst < U512::from(10_000_u32));
}

#[test]
fn the_adaptive_rate_rests_at_its_target_and_moves_away_from_it() {
    let first = Ray::from_bps(adaptive::FIRST_BPS);
    let step = |used, days: u64| {
        adaptive::step(first, percent(used), days * 86_400_000).expect("in range")
    };
    let rest = step(90, 365);
    assert_eq!((rest.rate, rest.target_rate), (first, first));
    // At once: four times the target at full use, a quarter without use.
    assert_eq!(step(100, 0).rate, Ray::from_bps(1_600));
    assert_eq!(step(0, 0).rate, Ray::from_bps(100));
    // e^(50 * 5 / 365) = 1.98...: after five days at full use the target doubles.
    let later = step(100, 5).target_rate.get() * 1_000 / first.get();
    assert_eq!(later, 1_983);
    let later = step(0, 5).target_rate.get() * 1_000 / first.get();
    assert_eq!(later, 504);
    // Bounds.
    assert_eq!(
        step(100, 400).target_rate,
        Ray::from_bps(adaptive::HIGHEST_BPS)
    );
    assert_eq!(
        step(0, 400).target_rate,
        Ray::from_bps(adaptive::LOWEST_BPS)
    );
}

/// In small steps or large ones the target goes to the same place, and rates grow with use.
#[test]
fn the_adaptive_target_does_not_depend_on_how_often_it_is_touched() {
    let first = Ray::from_bps(adaptive::FIRST_BPS);
    for used in [0, 30, 85, 90, 95, 100] {
        let day = 86_400_000;
        let once = adaptive::step(first, percent(used), day)
            .expect("in range")
            .target_rate;
        let mut often = first;
        for _ in 0..1_440 {
            often = adaptive::step(often, percent(used), day / 1_440)
                .expect("in range")
                .target_rate;
        }
        let apart = once.get().abs_diff(often.get());
        assert!(
            apart <= once.get() / 1_000_000_000_000,
            "{used} %: {once} and {often}"
        );
    }
    let mut last = Ray::ZERO;
    for used in 0..=100 {
        let rate = adaptive::step(first, percent(used), 0)
            .expect("in range")
            .rate;
        assert!(rate >= last, "{used} %");
        last = rate;
    }
}

/// Lenders never earn more than borrowers pay.
#[test]
fn the_supply_rate_is_the_borrowers_part() {
    let mut dice = Dice::new("the_supply_rate");
    for _ in 0..2_000 {
        let kinked = Kinked {
            base_bps: u32::try_from(dice.below(1_000)).expect("small"),
            slope1_bps: u32::try_from(dice.below(2_000)).expect("small"),
            slope2_bps: u32::try_from(dice.below(40_000)).expect("small"),
            optimal_bps: u32::try_from(100 + dice.below(9_800)).expect("small"),
        };
        let used = Ray::new(dice.below(RAY + 1)).expect("in range");
        let factor = Bps::new(u16::try_from(dice.below(10_001)).expect("small")).expect("in range");
        let model = dice.of(&[RateModel::Kinked(kinked), RateModel::Adaptive]);
        let target = Ray::from_bps(adaptive::FIRST_BPS);
        let rates = rates(model, factor, target, used, MS_PER_YEAR / 100).expect("in range");
        let most = U256::from(rates.borrow.get()) * U256::from(used.get()) / U256::from(RAY);
        let most = most * U256::from(10_000 - u32::from(factor.get())) / U256::from(10_000);
        // To the nearest, twice.
        assert!(
            rates.supply.to_u256() <= most + U256::from(2),
            "{model:?} {used} {factor}"
        );
        assert!(
            rates.supply.to_u256() + U256::from(2) >= most,
            "{model:?} {used} {factor}"
        );
    }
}
