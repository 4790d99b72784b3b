use proptest::prelude::*;

use super::*;

const WHOLE: u128 = 1_000_000_000_000_000_000;

fn usd(dollars: u64) -> Usd {
    Usd::from_u256(U256::from(dollars) * U256::from(WHOLE)).expect("in range")
}

fn price(dollars: u64) -> Price {
    Price::new(u128::from(dollars) * WHOLE).expect("in range")
}

fn assets(units: u128) -> Assets {
    Assets::new(units).expect("in range")
}

fn bps(n: u16) -> Bps {
    Bps::new(n).expect("in range")
}

fn wad(hundredths: u64) -> Wad {
    Wad::from_u256(U256::from(hundredths) * U256::from(WHOLE) / U256::from(100)).expect("in range")
}

fn usd_wei(n: u128) -> Usd {
    Usd::from_u256(U256::from(n)).expect("in range")
}

#[test]
fn health_of_no_debt_is_the_largest_number() {
    assert_eq!(health_down(Usd::ZERO, Usd::ZERO), HEALTH_MAX);
    assert_eq!(health_down(usd(5), Usd::ZERO), HEALTH_MAX);
    assert_eq!(health_down(usd(3), usd(2)), wad(150));
    assert_eq!(health_down(Usd::ZERO, usd(2)), Wad::ZERO);
}

#[test]
fn ten_fold_leverage_opens_with_the_room_that_its_factors_say() {
    // 10x: 10 of collateral per 9 of debt. At a maintenance factor of 95 % the room is 1 - 9 / 9.5.
    let adjusted = adjusted_down(usd(10), bps(9_500)).expect("in range");
    assert_eq!(room_to_fall_bps_down(adjusted, usd(9)), Ok(bps(526)));
    assert_eq!(room_to_fall_bps_down(usd(1), usd(2)), Ok(Bps::ZERO));
    assert_eq!(room_to_fall_bps_down(Usd::ZERO, Usd::ZERO), Ok(Bps::ZERO));
}

#[test]
fn the_liquidation_price_is_where_health_is_one() {
    let at = |rest, debt, amount, factor| {
        liquidation_price_up(rest, debt, assets(amount), bps(factor), 18).expect("in range")
    };
    assert_eq!(at(Usd::ZERO, usd(1_600), WHOLE, 8_000), Some(price(2_000)));
    assert_eq!(at(usd(600), usd(1_400), WHOLE, 8_000), Some(price(1_000)));
    assert_eq!(
        at(usd(2), usd(1), WHOLE, 8_000),
        None,
        "the rest carries it"
    );
    assert_eq!(at(Usd::ZERO, usd(1), WHOLE, 0), None, "it carries nothing");
}

#[test]
fn the_discount_grows_and_the_rest_is_split() {
    let at = |ms| Cost::after_ms(ms, bps(1_000)).expect("in range");
    assert_eq!(
        at(0),
        Cost {
            discount: bps(0),
            reserve: bps(500)
        }
    );
    assert_eq!(
        at(OFFER_MS / 4),
        Cost {
            discount: bps(250),
            reserve: bps(375)
        }
    );
    assert_eq!(
        at(OFFER_MS),
        Cost {
            discount: bps(1_000),
            reserve: bps(0)
        }
    );
    assert_eq!(at(u64::MAX), at(OFFER_MS));
    // 90 dollars pay for 100 at the largest discount, both ways.
    assert_eq!(at(OFFER_MS).given_up_down(usd(90)), Ok(usd(100)));
    assert_eq!(at(OFFER_MS).paid_up(usd(100)), Ok(usd(90)));
}

#[test]
fn slack_leaves_health_at_one() {
    let slack = Slack::of(usd(200), usd(100))
        .expect("in range")
        .expect("some");
    assert_eq!(slack.fall, Ray::from_bps(2_500));
    assert_eq!(slack.rise, Ray::from_bps(2_500));
    assert_eq!(slack.interest, usd(20));
    // 200 * 0.75 = 150 >= 100 * 1.25 + 20 = 145
    assert_eq!(Slack::of(usd(100), usd(100)), Ok(None));
    assert_eq!(Slack::of(usd(99), usd(100)), Ok(None));
    let free = Slack::of(usd(100), Usd::ZERO)
        .expect("in range")
        .expect("some");
    assert_eq!(free.rise, Ray::MAX);
    assert_eq!(fallen_up(price(2_000), slack.fall), Ok(price(1_500)));
    assert_eq!(risen_down(price(2_000), slack.rise), Some(price(2_500)));
    assert_eq!(risen_down(Price::MAX, slack.rise), None);
}

proptest! {
    /// After paying what the formula says, health is at least the target, and 10^-15 of the debt less would not do.
    #[test]
    fn repaying_to_target_is_enough_and_no_more_than_needed(
        debt in 1_000u64..1_000_000,
        short_bps in 1u64..2_000,
        factor in 1_000u16..9_000,
        discount_max in 0u16..900,
        ms in 0u64..=OFFER_MS,
    ) {
        let debt_value = usd(debt);
        let adjusted = usd_wei(
            u128::try_from(debt_value.to_u256()).expect("small") / 10_000 * u128::from(10_000 - short_bps),
        );
        let factor = bps(factor);
        let cost = Cost::after_ms(ms, bps(discount_max)).expect("in range");
        let repay = repay_to_target_up(adjusted, debt_value, cost, factor).expect("in range");
        let repay = repay.expect("factor and discount together are below one");
        prop_assert!(repay <= debt_value);
        let after = |repay: U256| {
            let given_up = cost.given_up_down(Usd::from_u256(repay).expect("small")).expect("small");
            let taken = factor.of_up(given_up.to_u256()).expect("small");
            (adjusted.to_u256().saturating_sub(taken), debt_value.to_u256() - repay)
        };
        let reaches = |(adjusted, left): (U256, U256)| {
            left.is_zero() || adjusted * U256::from(100) >= left * U256::from(105)
        };
        if repay < debt_value {
            let (kept, left) = after(repay.to_u256());
            // The part that counts is rounded once more here than in the formula.
            prop_assert!(reaches((kept + U256::from(2), left)));
            // The ratio lost per payment is rounded to 18 digits.
            let tolerance = debt_value.to_u256() / U256::from(1_000_000_000_000_000u64);
            let less = repay.to_u256().saturating_sub(tolerance);
            prop_assert!(less.is_zero() || !reaches(after(less)));
        }
    }

    /// Whoever pays so much for goods can pay what the discount asks of him, and a smaller one asks more.
    #[test]
    fn the_discount_of_a_sale_is_the_smallest_that_its_price_pays(
        bought in 1_000_000u64..1_000_000_000,
        lost_bps in 0u64..900,
        discount_max in 1_000u16..3_000,
    ) {
        let paid = usd_wei(u128::from(bought) * u128::from(10_000 - lost_bps));
        let bought = usd_wei(u128::from(bought) * 10_000);
        let max = bps(discount_max);
        let cost = Cost::of_sale_up(paid, bought, max).expect("in range");
        prop_assert_eq!(cost, Cost::at(cost.discount, max).expect("in range"));
        let asks = |cost: &Cost| {
            // He gets V less the reserve's part, which is what was bought.
            let one = U256::from(10_000);
            let kept = one - cost.reserve.to_u256();
            bought.to_u256() * (kept - cost.discount.to_u256()) / kept
        };
        // The reserve's part is rounded down to a whole one of 10,000: so far it may ask too much.
        let slack = bought.to_u256() / U256::from(10_000);
        prop_assert!(asks(&cost) <= paid.to_u256() + slack);
        if let Some(less) = cost.discount.get().checked_sub(2) {
            let less = Cost::at(bps(less), max).expect("in range");
            prop_assert!(asks(&less) + slack > paid.to_u256());
        } else {
            prop_assert!(lost_bps <= 3);
        }
        prop_assert!(cost.discount <= max);
    }

    /// Whatever falls, rises and accrues within the slack, collateral still counts for the debt.
    #[test]
    fn slack_is_never_too_much(longs in 2_001u128..1_000_000_000_000_000_000_000, part in 1u128..1_000_000) {
        let shorts = longs / 1_000_000 * part.min(999_999);
        let Some(slack) = Slack::of(usd_wei(longs), usd_wei(shorts)).expect("in range") else {
            return Ok(());
        };
        let kept = U256::from(longs) - slack.fall.of_up(U256::from(longs)).expect("small");
        let owed = U256::from(shorts)
            + slack.rise.of_up(U256::from(shorts)).expect("small")
            + slack.interest.to_u256();
        prop_assert!(kept >= owed);
    }
}
