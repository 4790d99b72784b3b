//! Against exact fractions of big integers.

use alloy_primitives::U256;
use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;
use crate::exchange::params::FEE_TIERS_PIPS;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn big(value: U256) -> BigUint {
    BigUint::from_bytes_be(&value.to_be_bytes::<32>())
}

/// Amounts of every size.
fn any_amount() -> impl Strategy<Value = u128> {
    (1_u128..1 << 112, 0_u32..112).prop_map(|(amount, shift)| (amount >> shift).max(1))
}

fn fee() -> impl Strategy<Value = u32> {
    prop::sample::select(FEE_TIERS_PIPS.to_vec())
}

/// What Uniswap v2's pair gives at its fee, by its formula.
#[test]
fn thirty_points_are_uniswaps() {
    let (x, y) = (n(5_000_000), n(7_000_000));
    for amount in [1, 10, 997, 1_000, 123_456, 99_999_999] {
        let after_fee = n(amount) * n(997);
        let theirs = after_fee * y / (x * n(1_000) + after_fee);
        assert_eq!(out_down(x, y, n(amount), 3_000), Ok(theirs));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The exact quotient, rounded down; and the product never falls.
    #[test]
    fn what_is_bought_is_exact(x in any_amount(), y in any_amount(), amount in any_amount(), fee in fee()) {
        let out = out_down(n(x), n(y), n(amount), fee).expect("in range");
        let after_fee = big(n(amount)) * BigUint::from(1_000_000 - fee);
        let exact = big(n(y)) * &after_fee / (big(n(x)) * BigUint::from(1_000_000_u32) + after_fee);
        prop_assert_eq!(big(out), exact);
        prop_assert!(out < n(y));
        prop_assert!(big(n(x) + n(amount)) * big(n(y) - out) >= big(n(x)) * big(n(y)));
    }

    /// What is asked for buys what was wanted, and one unit less does not.
    #[test]
    fn what_is_needed_is_the_least(x in any_amount(), y in any_amount(), part in any::<u64>(), fee in fee()) {
        prop_assume!(y > 1);
        let wanted = (n(y - 1) * n(part.into()) / n(u64::MAX.into())).max(U256::ONE);
        let Ok(needed) = in_up(n(x), n(y), wanted, fee) else {
            return Ok(());
        };
        prop_assume!(needed < U256::ONE << 128);
        prop_assert!(out_down(n(x), n(y), needed, fee).expect("in range") >= wanted);
        let less = needed - U256::ONE;
        prop_assert!(out_down(n(x), n(y), less, fee).expect("in range") < wanted);
    }

    /// More buys more, and never at a better price; there and back never gains.
    #[test]
    fn there_and_back_never_gains(x in any_amount(), y in any_amount(), amount in any_amount(), fee in fee()) {
        let out = out_down(n(x), n(y), n(amount), fee).expect("in range");
        let more = out_down(n(x), n(y), n(amount) + U256::ONE, fee).expect("in range");
        prop_assert!(more >= out);
        let back = out_down(n(y) - out, n(x) + n(amount), out, fee).expect("in range");
        prop_assert!(back <= n(amount));
    }
}
