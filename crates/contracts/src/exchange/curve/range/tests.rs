//! Against exact fractions of big integers.

use alloy_primitives::U256;
use capstan_units::tick_price::{SQRT_PRICE_MAX, SQRT_PRICE_MIN, sqrt_price_at};
use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn big(value: U256) -> BigUint {
    BigUint::from_bytes_be(&value.to_be_bytes::<32>())
}

fn root() -> impl Strategy<Value = U256> {
    (-887_272_i32..887_272).prop_map(|tick| sqrt_price_at(tick).expect("in range"))
}

fn liquidity() -> impl Strategy<Value = u128> {
    (1_u128..u128::MAX, 0_u32..120).prop_map(|(amount, shift)| (amount >> shift).max(1))
}

fn amount() -> impl Strategy<Value = U256> {
    (1_u128..1 << 112, 0_u32..112).prop_map(|(amount, shift)| n((amount >> shift).max(1)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// What lies between two prices is the fraction, rounded as stated: down, and up by at most two units.
    #[test]
    fn amounts_are_exact(a in root(), b in root(), liquidity in liquidity()) {
        let (low, high) = (big(a.min(b)), big(a.max(b)));
        let (l, point) = (BigUint::from(liquidity), BigUint::from(1_u8) << 96);
        let exact1 = &l * (&high - &low) / &point;
        let (down, up) = (big(coin1_down(a, b, liquidity).expect("fits")), big(coin1_up(a, b, liquidity).expect("fits")));
        prop_assert_eq!(&down, &exact1);
        prop_assert_eq!(up, (&l * (&high - &low) + &point - 1_u8) / &point);
        let exact0 = &l * &point * (&high - &low) / (&high * &low);
        let (Ok(down), Ok(up)) = (coin0_down(a, b, liquidity), coin0_up(a, b, liquidity)) else {
            return Ok(());
        };
        prop_assert!(big(down) <= exact0 && exact0 <= big(down) + 1_u8);
        prop_assert!(big(up) >= exact0 && big(up) <= exact0 + 2_u8);
    }

    /// A step never takes more than there is, gives more than was asked for, or passes its end; the price moves its way;
    /// and what came in without fee pays for what went out, as a root of the product.
    #[test]
    fn a_step_stays_within_what_it_is_given(
        from in root(), other in root(), liquidity in liquidity(), amount in amount(),
        fee in prop::sample::select(vec![100_u32, 500, 3_000, 10_000]), is_out in any::<bool>(),
    ) {
        prop_assume!(from != other);
        let way = if other < from { Way::Down } else { Way::Up };
        let rest = if is_out { Rest::Out(amount) } else { Rest::In(amount) };
        let Ok(found) = step(way, from, other, liquidity, rest, fee) else {
            return Ok(());
        };
        let within = match way {
            Way::Down => other <= found.root && found.root <= from,
            Way::Up => from <= found.root && found.root <= other,
        };
        prop_assert!(within, "{:?}", found);
        match rest {
            Rest::In(amount) => {
                prop_assert!(found.amount_in + found.fee <= amount);
                prop_assert!(found.root == other || found.amount_in + found.fee == amount);
            }
            Rest::Out(amount) => {
                prop_assert!(found.amount_out <= amount);
                prop_assert!(found.root == other || found.amount_out == amount, "{:?}", found);
            }
        }
        // The fee is at least its part of what came in.
        prop_assert!(big(found.fee) * 1_000_000_u32 >= big(found.amount_in + found.fee) * fee);
        // Between the two prices, the pool got at least what it must and gave at most what it may.
        let needed = way.in_up(from, found.root, liquidity).expect("fits");
        let given = way.out_down(from, found.root, liquidity).expect("fits");
        prop_assert!(found.amount_in >= needed && found.amount_out <= given);
    }

    /// The most liquidity that amounts make costs no more than they are, and a little more would.
    #[test]
    fn liquidity_costs_what_it_is_made_of(
        at in root(), a in root(), b in root(), coin0 in amount(), coin1 in amount(),
    ) {
        prop_assume!(a != b);
        let (low, high) = (a.min(b), a.max(b));
        let Ok(made) = liquidity_down(at, low, high, coin0, coin1) else {
            return Ok(());
        };
        let at = at.clamp(low, high);
        prop_assert!(coin0_up(at, high, made).map_or(at == high, |cost| cost <= coin0 + n(1)));
        prop_assert!(coin1_up(low, at, made).expect("fits") <= coin1);
    }
}

/// The worked example of the Uniswap v3 development book: five thousand for one, between 4545 and 5500, and forty-two
/// swapped in without a fee.
#[test]
fn the_books_example_comes_out() {
    let root = n(5_602_277_097_478_614_198_912_276_234_240);
    let liquidity = 1_517_882_343_751_509_868_544;
    let (low, high) = (
        sqrt_price_at(84_222).expect("in range"),
        sqrt_price_at(86_129).expect("in range"),
    );
    let ether = 10_u128.pow(18);
    assert_eq!(
        coin0_up(root, high, liquidity),
        Ok(n(998_628_802_115_141_959))
    );
    assert_eq!(
        coin1_up(low, root, liquidity),
        Ok(n(5_000_209_190_920_489_524_100))
    );
    let found = step(Way::Up, root, high, liquidity, Rest::In(n(42 * ether)), 0).expect("fits");
    assert_eq!(found.root, n(5_604_469_350_942_327_889_444_743_441_197));
    assert_eq!(found.amount_out, n(8_396_714_242_162_444));
}

#[test]
fn the_ends_of_all_prices_hold() {
    assert!(coin1_up(SQRT_PRICE_MIN, SQRT_PRICE_MAX, u128::MAX).is_ok());
    assert!(coin0_up(SQRT_PRICE_MIN, SQRT_PRICE_MAX, u128::MAX).is_ok());
}
