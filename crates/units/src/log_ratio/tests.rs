use alloy_primitives::U256;
use proptest::prelude::*;

use super::*;

fn n(value: u128) -> U256 {
    U256::from(value)
}

/// Each root squared is the one before it: the table follows from two alone.
#[test]
fn the_table_is_made_of_roots_of_two() {
    let mut square = U256::ONE << 128;
    for root in ROOTS_OF_TWO {
        let (low, high) = ((root * root) >> 127, ((root + n(1)) * (root + n(1))) >> 127);
        assert!(low <= square && square <= high, "{root}");
        square = root;
    }
}

#[test]
fn powers_of_two_are_exact() {
    for power in -112_i32..=112 {
        let (up, down) = (power.max(0).unsigned_abs(), power.min(0).unsigned_abs());
        let log = LogRatio::of_down(U256::ONE << up, U256::ONE << down);
        assert_eq!(log.get(), power * DOUBLE);
        let back = (U256::ONE << (96 + up as usize)) >> down;
        assert_eq!(log.x96(), back, "2^{power}");
    }
}

#[test]
fn what_has_no_logarithm_is_at_the_end() {
    assert_eq!(LogRatio::of_down(U256::ZERO, n(1)), LogRatio::MIN);
    assert_eq!(LogRatio::of_down(n(1), U256::ZERO), LogRatio::MAX);
    assert_eq!(LogRatio::of_down(U256::MAX, n(1)), LogRatio::MAX);
    assert_eq!(LogRatio::of_down(n(1), U256::MAX), LogRatio::MIN);
    assert_eq!(LogRatio::clamped(i64::MIN), LogRatio::MIN);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A ratio lies between its step and the next; a higher one never has a lower step.
    #[test]
    fn a_ratio_lies_at_its_step(
        part in 1_u128..1 << 112, whole in 1_u128..1 << 112, shift in 0_u32..100, more in 0_u128..1 << 100,
    ) {
        let part = (part >> shift).max(1);
        let log = LogRatio::of_down(n(part), n(whole));
        let fixed = (n(part) << 143) / n(whole);
        let at = |log: LogRatio| log.x96() << 47;
        // The first 64 digits, sixteen times squared, are good to 2^-46; the ratio itself to one unit.
        let slack = (fixed >> 46) + (U256::ONE << 48);
        prop_assert!(at(log) <= fixed + slack);
        prop_assert!(at(LogRatio::clamped(i64::from(log.get()) + 1)) + slack >= fixed);
        prop_assert!(LogRatio::of_down(n(part + more), n(whole)) >= log);
    }
}
