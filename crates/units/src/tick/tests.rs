//! Two ways to the digits of a logarithm.

use proptest::prelude::*;

use super::*;

#[test]
fn squares_have_two_halves() {
    for number in [0, 1, 3, u128::from(u64::MAX), 1 << 64, 1 << 127, u128::MAX] {
        let wide: U256 = U256::from(number) * U256::from(number);
        let (high, low) = squared(number);
        let halves = (U256::from(high) << 128_usize) | U256::from(low);
        assert_eq!(halves, wide, "{number}");
    }
}

#[test]
fn around_powers_of_two_both_ways_agree() {
    for bits in 1..112 {
        for number in [(1_u128 << bits) - 1, 1 << bits, (1 << bits) + 1] {
            assert_eq!(
                fraction_narrow(number),
                Some(fraction_wide(number)),
                "{number}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn both_ways_agree(any in 1..=u128::MAX, shift in 0..120_u32) {
        let number = (any >> shift).max(1);
        let wide = fraction_wide(number);
        // Where the narrow one does not know, it says so.
        prop_assert_eq!(fraction_narrow(number).unwrap_or(wide), wide);
        prop_assert!((0..1 << FRACTION_BITS).contains(&wide));
    }

    #[test]
    fn squares_of_any(number in any::<u128>()) {
        let (high, low) = squared(number);
        let wide = U256::from(number) * U256::from(number);
        prop_assert_eq!((U256::from(high) << 128_usize) | U256::from(low), wide);
    }
}
