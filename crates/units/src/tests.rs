//! Ranges, and rounding against big integers of another library.

mod models;

use alloy_primitives::{Address, U256};
use num_bigint::BigUint;
use proptest::prelude::*;

use crate::{
    AccountId, Assets, DecimalError, NumberError, Price, PriceTick, TimeMs, decimal, decimal_down,
    mul_div_down, mul_div_up, parse_decimal, sqrt_down, sqrt_up,
};

/// Integers of every size, so that products cross 256 bits about half of the time.
fn any_u256() -> impl Strategy<Value = U256> {
    (any::<[u64; 4]>(), 0..=256_usize).prop_map(|(limbs, shift)| {
        if shift == 256 {
            U256::ZERO
        } else {
            U256::from_limbs(limbs) >> shift
        }
    })
}

fn big(value: U256) -> BigUint {
    BigUint::from_bytes_be(&value.to_be_bytes::<32>())
}

/// What the other library says: `None` is a quotient beyond 256 bits.
fn expected(a: U256, b: U256, c: U256, up: bool) -> Option<BigUint> {
    let (product, divisor) = (big(a) * big(b), big(c));
    let rounding = if up { &divisor - 1_u8 } else { BigUint::ZERO };
    let quotient = (product + rounding) / divisor;
    (quotient <= big(U256::MAX)).then_some(quotient)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn quotients_are_exact(a in any_u256(), b in any_u256(), c in any_u256()) {
        prop_assume!(!c.is_zero());
        prop_assert_eq!(mul_div_down(a, b, c).ok().map(big), expected(a, b, c, false));
        prop_assert_eq!(mul_div_up(a, b, c).ok().map(big), expected(a, b, c, true));
    }

    /// Roots of every size are the other library's.
    #[test]
    fn roots_are_exact(value in any_u256()) {
        let root = big(value).sqrt();
        prop_assert_eq!(&big(sqrt_down(value)), &root);
        let up = if &root * &root == big(value) { root } else { root + 1_u8 };
        prop_assert_eq!(big(sqrt_up(value)), up);
    }

    /// Amounts are integers of a range: every result is the integer's, or names the range.
    #[test]
    fn amounts_follow_integers(a in any::<u128>(), b in any::<u128>()) {
        let max = (1_u128 << 112) - 1;
        match (Assets::new(a), a <= max) {
            (Ok(amount), true) => prop_assert_eq!(amount.get(), a),
            (Err(NumberError::TooLarge { value, .. }), false) => prop_assert_eq!(value, U256::from(a)),
            other => prop_assert!(false, "{:?}", other),
        }
        let (a, b) = (a & max, b & max);
        let (x, y) = (Assets::new(a).unwrap(), Assets::new(b).unwrap());
        prop_assert_eq!(x.add(y).ok().map(Assets::get), Some(a + b).filter(|sum| *sum <= max));
        prop_assert_eq!(x.sub(y).ok().map(Assets::get), a.checked_sub(b));
        prop_assert_eq!(Assets::from_u256(x.to_u256()), Ok(x));
    }
}

#[test]
fn division_by_zero_is_an_error() {
    let (one, zero) = (U256::ONE, U256::ZERO);
    for divide in [mul_div_down, mul_div_up] {
        assert_eq!(divide(one, one, zero), Err(NumberError::DividedByZero(one)));
    }
}

#[test]
fn rounding_up_at_the_edge_of_the_word_is_refused() {
    // (2^256 - 1) * 3 / 3 fits; one more unit of remainder does not.
    let three = U256::from(3);
    assert_eq!(mul_div_up(U256::MAX, three, three), Ok(U256::MAX));
    assert!(mul_div_up(U256::MAX, U256::from(4), three).is_err());
}

#[test]
fn edges_of_amounts() {
    let one = Assets::new(1).unwrap();
    assert_eq!(Assets::MAX.get(), (1 << 112) - 1);
    assert!(Assets::MAX.add(one).is_err());
    assert!(Assets::new(Assets::MAX.get() + 1).is_err());
    assert!(Assets::from_u256(U256::MAX).is_err());
    let refused = Assets::ZERO.sub(one).unwrap_err();
    assert_eq!(refused.to_string(), "cannot take 1 asset amount from 0");
}

#[test]
fn time_runs_forward() {
    let t = TimeMs::from_secs(1_700_000_000)
        .unwrap()
        .after_ms(250)
        .unwrap();
    assert_eq!(t.secs_down(), 1_700_000_000);
    assert_eq!(t.after_ms(1_000).unwrap().ms_since(t), Ok(1_000));
    assert!(t.ms_since(t.after_ms(1).unwrap()).is_err());
    assert!(TimeMs::new(u64::MAX).after_ms(1).is_err());
    assert!(TimeMs::from_secs(u64::MAX).is_err());
}

#[test]
fn accounts_read_back() {
    let account = AccountId::new(Address::repeat_byte(0xab), 7);
    assert_eq!(AccountId::from_bytes(account.to_bytes()), account);
    assert_eq!(account.to_bytes()[20], 7);
}

/// `floor(log2(price) * 2^16)` without a logarithm: the bits of `price^65536`.
fn tick_by_power(price: u128) -> i32 {
    i32::try_from(BigUint::from(price).pow(65_536).bits() - 1).unwrap()
}

#[test]
fn ticks_are_exact() {
    // The power has as many digits as the tick says, so this is slow for large prices: a few of every size.
    for price in [
        3,
        5,
        1_000,
        65_537,
        1_000_003,
        2_718_281_828_459,
        (1 << 48) - 1,
        (1 << 48) + 1,
    ] {
        let tick = PriceTick::down(Price::new(price).unwrap());
        assert_eq!(tick.get(), tick_by_power(price), "{price}");
        assert_eq!(
            PriceTick::up(Price::new(price).unwrap()).get(),
            tick.get() + 1
        );
    }
    for bits in 0..112 {
        let power = Price::new(1 << bits).unwrap();
        assert_eq!(PriceTick::down(power).get(), bits << 16);
        assert_eq!(PriceTick::up(power), PriceTick::down(power));
    }
    assert!(PriceTick::down(Price::ZERO) < PriceTick::down(Price::new(1).unwrap()));
    assert_eq!(PriceTick::down(Price::MAX).get(), (112 << 16) - 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn ticks_are_monotone(a in any::<u128>(), shift in 16..128_u32, step in 0..1_000_u128) {
        let low = Price::new(a >> shift).unwrap();
        let high = Price::new(low.get().saturating_add(step).min(Price::MAX.get())).unwrap();
        prop_assert!(PriceTick::down(low) <= PriceTick::down(high));
        prop_assert!(PriceTick::up(low) <= PriceTick::up(high));
        prop_assert!(PriceTick::down(low) <= PriceTick::up(low));
    }
}

#[track_caller]
fn check_decimal(text: &str, decimals: u8, expected: Result<u64, DecimalError>) {
    assert_eq!(
        parse_decimal(text, decimals),
        expected.map(U256::from),
        "{text}"
    );
}

#[test]
fn decimals_as_people_write_them() {
    check_decimal("75.5", 6, Ok(75_500_000));
    check_decimal("0", 18, Ok(0));
    check_decimal("1_000.000_1", 4, Ok(10_000_001));
    check_decimal("7", 0, Ok(7));
    check_decimal("7.00", 0, Ok(7));
    let too_fine = |digits, decimals| Err(DecimalError::TooFine { digits, decimals });
    check_decimal("7.5", 0, too_fine(1, 0));
    check_decimal("0.0000010", 5, too_fine(6, 5));
    for text in [
        "", ".", ".5", "5.", "_1", "1_", "-1", "+1", "1,5", "1.2.3", "1e3", "0x10", " 1", "é",
    ] {
        check_decimal(text, 6, Err(DecimalError::NotDigits));
    }
    let largest = U256::MAX.to_string();
    assert_eq!(parse_decimal(&largest, 0), Ok(U256::MAX));
    assert_eq!(parse_decimal(&largest, 1), Err(DecimalError::TooLarge));
    assert_eq!(
        parse_decimal(&"9".repeat(10_000), 255),
        Err(DecimalError::TooLarge)
    );
}

#[test]
fn decimals_as_people_read_them() {
    let check = |value: u64, decimals, places, expected: &str| {
        assert_eq!(decimal_down(U256::from(value), decimals, places), expected);
    };
    check(75_500_000, 6, 6, "75.5");
    check(75_509_999, 6, 2, "75.5");
    check(75_519_999, 6, 2, "75.51");
    check(9, 6, 2, "0");
    check(9, 6, 6, "0.000009");
    check(9, 0, 2, "9");
    check(0, 255, 255, "0");
    check(120, 1, 0, "12");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_shown_reads_back(value in any_u256(), decimals: u8) {
        prop_assert_eq!(parse_decimal(&decimal(value, decimals), decimals), Ok(value));
    }

    #[test]
    fn what_is_cut_is_less_than_a_place(value in any_u256(), decimals in 0..=77_u8, places in 0..=77_u8) {
        let shown = parse_decimal(&decimal_down(value, decimals, places), decimals).expect("a number");
        let place = U256::from(10).pow(U256::from(decimals.saturating_sub(places)));
        prop_assert!(shown <= value && value - shown < place);
    }

    #[test]
    fn no_text_panics(text in "[0-9_.eé +-]{0,100}", decimals: u8) {
        let _ = parse_decimal(&text, decimals);
    }
}
