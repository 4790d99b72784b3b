//! Rounding directions: every small case, and random large ones beside exact rationals of another library.

use alloy_primitives::U256;
use num_bigint::BigUint;
use proptest::prelude::*;

use super::{any_u256, big};
use crate::{
    Assets, Bps, DebtShares, MS_PER_YEAR, NumberError, Price, Ray, Shares, Usd, assets_down,
    assets_up, mul_div_down, mul_div_up, value_down, value_up,
};

/// How a quotient became an integer.
#[derive(Clone, Copy, Debug)]
enum Round {
    Down,
    Up,
    HalfUp,
}

/// `numerator / denominator` of exact integers; a zero denominator has no quotient.
fn quotient(numerator: &BigUint, denominator: &BigUint, round: Round) -> Option<BigUint> {
    if *denominator == BigUint::ZERO {
        return None;
    }
    let extra = match round {
        Round::Down => BigUint::ZERO,
        Round::Up => denominator - 1_u8,
        Round::HalfUp => denominator / 2_u8,
    };
    Some((numerator + extra) / denominator)
}

fn fits(value: Option<BigUint>, bits: u64) -> Option<BigUint> {
    value.filter(|value| value.bits() <= bits)
}

fn big_of(answer: Result<U256, NumberError>) -> Option<BigUint> {
    answer.ok().map(big)
}

fn big_of_ray(answer: Result<Ray, NumberError>) -> Option<BigUint> {
    answer.ok().map(|ray| BigUint::from(ray.get()))
}

fn ray() -> BigUint {
    BigUint::from(10_u8).pow(27)
}

/// Every division of eight bits by eight bits, both directions.
#[test]
fn every_small_quotient_rounds_as_its_name_says() {
    let n = |value: u32| U256::from(value);
    for a in 0..=255_u32 {
        for c in 1..=255 {
            for b in [0, 1, 2, 3, 7, 10, 16, 100, 127, 128, 254, 255] {
                let exact = a * b;
                let (down, up) = (exact / c, exact.div_ceil(c));
                assert_eq!(
                    mul_div_down(n(a), n(b), n(c)),
                    Ok(n(down)),
                    "{a} * {b} / {c}"
                );
                assert_eq!(mul_div_up(n(a), n(b), n(c)), Ok(n(up)), "{a} * {b} / {c}");
            }
        }
    }
}

/// Every amount and price of eight bits: values enclose the exact one, and a trip there and back in the
/// protocol's favour never gains a unit.
#[test]
fn every_small_value_rounds_as_its_name_says() {
    for decimals in 0..=2 {
        let whole = 10_u32.pow(u32::from(decimals));
        for units in 0..=255_u32 {
            for dollars in 0..=255_u32 {
                let (assets, price) = (
                    Assets::new(u128::from(units)).unwrap(),
                    Price::new(u128::from(dollars)).unwrap(),
                );
                let down = value_down(assets, price, decimals).unwrap();
                let up = value_up(assets, price, decimals).unwrap();
                assert_eq!(down.get(), U256::from(units * dollars / whole));
                assert_eq!(up.get(), U256::from((units * dollars).div_ceil(whole)));
                if dollars == 0 {
                    assert!(matches!(
                        assets_down(down, price, decimals),
                        Err(NumberError::DividedByZero(_))
                    ));
                    continue;
                }
                assert!(assets_down(down, price, decimals).unwrap() <= assets);
                assert!(assets_up(up, price, decimals).unwrap() >= assets);
            }
        }
    }
}

/// Every split of every small amount: parts rounded against their owner never sum to more than the whole.
#[test]
fn every_split_of_a_small_amount_pays_for_itself() {
    for index in
        [7_u128, 10, 13, 15, 20, 26].map(|tenths| Ray::new(Ray::ONE.get() / 10 * tenths).unwrap())
    {
        for whole in 0..=80_u32 {
            for part in 0..=whole {
                let (a, b, ab) = (
                    U256::from(part),
                    U256::from(whole - part),
                    U256::from(whole),
                );
                let down = |x| index.of_down(x).unwrap();
                let up = |x| index.of_up(x).unwrap();
                assert!(down(a) + down(b) <= down(ab) && up(a) + up(b) >= up(ab));
                assert!(index.into_down(down(ab)).unwrap() <= ab);
                assert!(index.into_up(up(ab)).unwrap() >= ab);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Products and quotients with rays and with hundredths of a percent.
    #[test]
    fn parts_of_a_whole_are_exact(value in any_u256(), by in any::<u128>(), small in 0..=10_000_u16, shift in 0..128_u32) {
        let by = by >> shift;
        let part = Ray::new(by).unwrap();
        let (value_big, by_big) = (big(value), BigUint::from(by));
        for (answer, numerator, denominator, round) in [
            (part.of_down(value), &value_big * &by_big, ray(), Round::Down),
            (part.of_up(value), &value_big * &by_big, ray(), Round::Up),
            (part.into_down(value), &value_big * ray(), by_big.clone(), Round::Down),
            (part.into_up(value), &value_big * ray(), by_big, Round::Up),
            (Bps::new(small).unwrap().of_down(value), &value_big * small, BigUint::from(10_000_u32), Round::Down),
            (Bps::new(small).unwrap().of_up(value), &value_big * small, BigUint::from(10_000_u32), Round::Up),
        ] {
            prop_assert_eq!(big_of(answer), fits(quotient(&numerator, &denominator, round), 256));
        }
        prop_assert_eq!(Ray::from_bps(u32::from(small)).get(), u128::from(small) * 10_u128.pow(23));
    }

    /// Rays among themselves.
    #[test]
    fn rays_are_exact(a in any::<u128>(), b in any::<u128>(), small in 0..=10_000_u16, shifts in (0..128_u32, 0..128_u32)) {
        let (x, y) = (Ray::new(a >> shifts.0).unwrap(), Ray::new(b >> shifts.1).unwrap());
        let (a, b) = (BigUint::from(x.get()), BigUint::from(y.get()));
        for (answer, numerator, denominator, round) in [
            (x.mul_half_up(y), &a * &b, ray(), Round::HalfUp),
            (x.mul_down(y), &a * &b, ray(), Round::Down),
            (x.div_half_up(y), &a * ray(), &b + 0_u8, Round::HalfUp),
            (x.percent_half_up(Bps::new(small).unwrap()), &a * small, BigUint::from(10_000_u32), Round::HalfUp),
        ] {
            prop_assert_eq!(big_of_ray(answer), fits(quotient(&numerator, &denominator, round), 128));
        }
        prop_assert_eq!(big_of_ray(x.add(y)), fits(Some(&a + &b), 128));
        prop_assert_eq!(x.sub(y).ok().map(Ray::get), x.get().checked_sub(y.get()));
    }

    /// Values of any width.
    #[test]
    fn values_are_exact(units in any::<u128>(), dollars in any::<u128>(), wad in any_u256(), decimals in 0..=30_u8, shift in 0..=112_u32) {
        let assets = Assets::new(units >> 16).unwrap();
        let price = Price::new((dollars >> 16).checked_shr(shift).unwrap_or(0)).unwrap();
        let whole = BigUint::from(10_u8).pow(u32::from(decimals));
        let worth = BigUint::from(assets.get()) * BigUint::from(price.get());
        for (answer, round) in [(value_down(assets, price, decimals), Round::Down), (value_up(assets, price, decimals), Round::Up)] {
            prop_assert_eq!(big_of(answer.map(Usd::get)), quotient(&worth, &whole, round));
        }
        let (wad_big, price_big) = (big(wad) * &whole, BigUint::from(price.get()));
        for (answer, round) in [(assets_down(Usd::new(wad).unwrap(), price, decimals), Round::Down), (assets_up(Usd::new(wad).unwrap(), price, decimals), Round::Up)] {
            let expected = fits(quotient(&wad_big, &price_big, round), 112);
            prop_assert_eq!(big_of(answer.map(Assets::to_u256)), expected);
        }
    }

    /// Growth follows its formula, grows with time, compounds above the line and below the exponential.
    #[test]
    fn growth_is_its_formula(rate_bps in 0..=100_000_u32, ms in 0..=10 * MS_PER_YEAR, more in 0..=MS_PER_YEAR) {
        let rate = Ray::from_bps(rate_bps);
        let year = BigUint::from(MS_PER_YEAR);
        let x = quotient(&(BigUint::from(rate.get()) * ms), &year, Round::Down).unwrap();
        let half_up = |a: &BigUint, b: &BigUint| quotient(&(a * b), &ray(), Round::HalfUp).unwrap();
        let inner = &x / 2_u8 + half_up(&x, &(&x / 6_u8));
        let expected = ray() + &x + half_up(&x, &inner);
        let (linear, compound) = (rate.linear_growth_down(ms).unwrap(), rate.compound_growth(ms));
        prop_assert_eq!(BigUint::from(linear.get()), ray() + &x);
        prop_assert_eq!(big_of_ray(compound), fits(Some(expected), 128));
        let compound = rate.compound_growth(ms).unwrap();
        prop_assert!(compound >= linear);
        prop_assert!(rate.compound_growth(ms.saturating_add(more)).unwrap() >= compound);
        // 1 + x + x^2/2 + x^3/6 plus the three roundings.
        let cube = quotient(&(x.pow(3)), &(ray().pow(2) * 6_u8), Round::Up).unwrap();
        let square = quotient(&(x.pow(2)), &(ray() * 2_u8), Round::Up).unwrap();
        prop_assert!(BigUint::from(compound.get()) <= ray() + &x + square + cube + 2_u8 + &x / ray());
    }
}

#[test]
fn kinds_of_amounts_share_their_range_and_not_their_type() {
    assert_eq!(Shares::MAX.get(), Assets::MAX.get());
    let refused = DebtShares::new(1 << 112).unwrap_err();
    assert!(
        refused.to_string().contains("debt share amount"),
        "{refused}"
    );
    let one = Shares::new(1).unwrap();
    assert_eq!(Shares::ZERO.sub_or_zero(one), Shares::ZERO);
    assert_eq!(one.sub_or_zero(one), Shares::ZERO);
}

#[test]
fn complements_make_a_whole() {
    let fee = Bps::new(525).unwrap();
    assert_eq!(fee.complement().get(), 9_475);
    assert_eq!(Bps::ONE.complement(), Bps::ZERO);
}

#[test]
fn a_year_has_365_days() {
    let five_percent = Ray::from_bps(500);
    assert_eq!(five_percent.over_ms_down(MS_PER_YEAR), Ok(five_percent));
    assert_eq!(five_percent.linear_growth_down(0), Ok(Ray::ONE));
    assert_eq!(five_percent.compound_growth(0), Ok(Ray::ONE));
    // e^0.05 is 1.051271096...; three terms give 1.0512708333...
    let year = five_percent.compound_growth(MS_PER_YEAR).unwrap();
    assert_eq!(year.get(), 1_051_270_833_333_333_333_333_333_333);
}

#[test]
fn values_beyond_their_range_are_refused() {
    assert!(Usd::MAX.add(Usd::ONE).is_err());
    assert!(Usd::ZERO.sub(Usd::ONE).is_err());
    let (one, dear) = (Assets::new(1).unwrap(), Price::MAX);
    assert!(value_down(one, dear, 78).is_err());
    assert!(assets_down(Usd::MAX, Price::new(1).unwrap(), 18).is_err());
}
