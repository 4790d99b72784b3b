use alloy_primitives::{U256, U512};
use proptest::prelude::*;

use super::*;

/// The first power squared is 1 / 1.0001, and each further one is the square of the one before it.
#[test]
fn the_table_is_made_of_powers() {
    let half = U256::ONE << 127;
    let mut wanted =
        ((U256::ONE << 128) * U256::from(10_000) + U256::from(5_000)) / U256::from(10_001);
    let near = |a: U256, b: U256, slack: u64| a.abs_diff(b) <= U256::from(slack);
    let mut powers = POWERS.into_iter().map(U256::from);
    let mut last = powers.next().expect("the first");
    let square = |power: U256| (power * power + half) >> 128;
    assert!(near(square(last), wanted, 2), "the root of 1 / 1.0001");
    for power in powers {
        wanted = square(last);
        assert!(near(power, wanted, 2), "{power:x} is not {wanted:x}");
        last = power;
    }
}

#[test]
fn the_ends_are_as_stated() {
    assert_eq!(sqrt_price_at(-TICK_MAX), Ok(SQRT_PRICE_MIN));
    assert_eq!(sqrt_price_at(TICK_MAX), Ok(SQRT_PRICE_MAX));
    assert_eq!(sqrt_price_at(0), Ok(U256::ONE << 96));
    assert!(sqrt_price_at(TICK_MAX + 1).is_err());
    assert!(sqrt_price_at(i32::MIN).is_err());
    assert_eq!(tick_at(SQRT_PRICE_MIN), Ok(-TICK_MAX));
    assert_eq!(tick_at(SQRT_PRICE_MAX - U256::ONE), Ok(TICK_MAX - 1));
    assert!(tick_at(SQRT_PRICE_MAX).is_err());
    assert!(tick_at(SQRT_PRICE_MIN - U256::ONE).is_err());
}

fn check(tick: i32) {
    let root = sqrt_price_at(tick).expect("in range");
    assert_eq!(tick_at(root), Ok(tick));
    if root > SQRT_PRICE_MIN {
        assert_eq!(tick_at(root - U256::ONE), Ok(tick - 1));
    }
}

#[test]
fn every_tick_near_the_ends_and_the_middle_comes_back() {
    for tick in (-TICK_MAX..-TICK_MAX + 500)
        .chain(-500..500)
        .chain(TICK_MAX - 500..TICK_MAX)
    {
        check(tick);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A root comes back to its tick, and one unit less to the tick before it.
    #[test]
    fn ticks_and_roots_agree(tick in -TICK_MAX + 1..TICK_MAX) {
        check(tick);
        // Ten thousand and one ten-thousandths more per tick, to within what the digits hold: a power of 128 digits
        // behind the point has fewer the smaller it is, one for 13,864 ticks.
        let digits = 118_usize.saturating_sub(usize::try_from(tick.max(0) / 13_863).expect("small"));
        let squared = |root: U256| -> U512 { root.widening_mul(root) };
        let (low, high) = (sqrt_price_at(tick).expect("in range"), sqrt_price_at(tick + 1).expect("in range"));
        let (left, right) = (squared(low) * U512::from(10_001_u64), squared(high) * U512::from(10_000_u64));
        let slack = squared(high + U256::ONE) * U512::from(10_001_u64) - squared(high) * U512::from(10_001_u64)
            + (left >> digits);
        prop_assert!(left.abs_diff(right) <= slack * U512::from(2_u64), "{}", tick);
    }

    #[test]
    fn roots_between_ticks_belong_to_the_lower(tick in -TICK_MAX..TICK_MAX, part in any::<u64>()) {
        let (low, high) = (sqrt_price_at(tick).expect("in range"), sqrt_price_at(tick + 1).expect("in range"));
        let between = low + (high - low - U256::ONE) * U256::from(part) / U256::from(u64::MAX);
        prop_assert_eq!(tick_at(between), Ok(tick));
    }
}
