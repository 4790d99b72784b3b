use capstan_units::tick_price::TICK_MAX;

use super::*;
use crate::{
    exchange::curve::range::{coin0_up, coin1_up},
    testkit::dice::Dice,
};

const WAD: u128 = 1_000_000_000_000_000_000;

fn quoted(price: u128, decimals: u8) -> Quoted {
    Quoted {
        price: Price::new(price).expect("in range"),
        decimals,
    }
}

fn liquidity(amount: u128, made: Made) -> Liquidity {
    Liquidity {
        pool: PoolId::new(0),
        coins: Vec::new(),
        amount,
        made,
    }
}

fn product(x: u128, y: u128, shares: u128, total: u128) -> Liquidity {
    let [x, y, total] = [x, y, total].map(U256::from);
    liquidity(shares, Made::Product { x, y, total })
}

fn range(amount: u128, lower: i32, upper: i32) -> Liquidity {
    let root = |tick| sqrt_price_at(tick).expect("in range");
    let (low, high) = (root(lower), root(upper));
    liquidity(amount, Made::Range { low, high })
}

fn fair(of: &Liquidity, prices: &[Quoted]) -> U256 {
    of.fair_down(prices).expect("in range").to_u256()
}

fn worth(amount: U256, quoted: Quoted) -> U256 {
    let unit = whole(u32::from(quoted.decimals)).expect("fits");
    mul_div_down(amount, quoted.price.to_u256(), unit).expect("fits")
}

/// A number of any size up to `most`, never zero.
fn any(dice: &mut Dice, most: u128) -> u128 {
    dice.amount(most).max(1)
}

#[test]
fn what_it_is_worth_where_the_pool_stands_at_the_price() {
    let eth_usdc = [quoted(2_000 * WAD, 18), quoted(WAD, 6)];
    // 1,000 ETH and 2,000,000 USDC, of which a quarter.
    let quarter = product(1_000 * WAD, 2_000_000_000_000, 250, 1_000);
    let value = fair(&quarter, &eth_usdc);
    assert_eq!(value + U256::ONE, U256::from(1_000_000 * WAD));
    // An odd number of digits, and a price four times as high: twice the value.
    let eth_old = [quoted(8_000 * WAD, 17), quoted(WAD, 6)];
    let quarter = product(100 * WAD, 2_000_000_000_000, 250, 1_000);
    let value = fair(&quarter, &eth_old);
    assert!(
        value.abs_diff(U256::from(2_000_000 * WAD)) <= U256::from(1),
        "{value}"
    );
    // D counts at the lowest price.
    let d = U256::from(3_000_000 * WAD);
    let total = U256::from(300);
    let third = liquidity(100, Made::Stable { d, total });
    let three = [
        quoted(WAD, 6),
        quoted(WAD * 99 / 100, 18),
        quoted(2 * WAD, 0),
    ];
    assert_eq!(fair(&third, &three), U256::from(990_000 * WAD));
    // Without a price it is worth nothing.
    assert_eq!(
        fair(&third, &[quoted(WAD, 6), quoted(0, 6), quoted(WAD, 6)]),
        U256::ZERO
    );
    assert_eq!(fair(&quarter, &[quoted(WAD, 6), quoted(0, 6)]), U256::ZERO);
    assert_eq!(
        fair(&range(7, -10, 10), &[quoted(0, 6), quoted(WAD, 6)]),
        U256::ZERO
    );
}

/// Wherever a product stands on its curve it is worth that at least, and where it stands at the price, that.
#[test]
fn acc_22_a_product_is_worth_its_fair_value_at_least() {
    let mut dice = Dice::new("acc_22_a_product_is_worth_its_fair_value_at_least");
    for _ in 0..20_000 {
        let (x, y) = (any(&mut dice, 1 << 100), any(&mut dice, 1 << 100));
        let total = any(&mut dice, 1 << 110);
        let prices = [0, 1].map(|_| {
            let decimals = u8::try_from(dice.below(31)).expect("small");
            quoted(any(&mut dice, 1 << 111), decimals)
        });
        let all = product(x, y, total, total);
        let value = fair(&all, &prices);
        let here = worth(U256::from(x), prices[0]) + worth(U256::from(y), prices[1]);
        assert!(
            value <= here + U256::from(2),
            "{all:?} at {prices:?}: {value} of {here}"
        );
        // Along the curve: twice of one coin, half of the other.
        if y.is_multiple_of(2) {
            assert_eq!(fair(&product(x * 2, y / 2, total, total), &prices), value);
        }
        let mut fallen = prices;
        let part = 1 + dice.below(1_000);
        for quoted in &mut fallen {
            let least = quoted.price.get() / 1_000 * part;
            let kept = least + dice.below(quoted.price.get() - least + 1);
            quoted.price = Price::new(kept).expect("in range");
        }
        let lowest = (0..2).map(|n| {
            mul_div_down(value, fallen[n].price.to_u256(), prices[n].price.to_u256()).expect("fits")
        });
        let after = fair(&all, &fallen);
        // Roots have 127 binary digits.
        let cut = U256::from(1) + (value >> 100);
        assert!(after + cut >= lowest.min().expect("two"), "drift");
        assert!(after <= value + cut, "a lower price never raises it");
    }
}

/// The same of ranges, between all ends.
#[test]
fn acc_22_a_range_is_worth_its_fair_value_at_least() {
    let mut dice = Dice::new("acc_22_a_range_is_worth_its_fair_value_at_least");
    for _ in 0..20_000 {
        let tick = |dice: &mut Dice, low: i32, high: i32| {
            let span = u128::try_from(high - low).expect("positive");
            low + i32::try_from(dice.below(span + 1)).expect("small")
        };
        let lower = tick(&mut dice, -200_000, 199_999);
        let upper = tick(&mut dice, lower + 1, 200_000);
        let all = range(any(&mut dice, 1 << 90), lower, upper);
        let Made::Range { low, high } = all.made else {
            panic!("a range");
        };
        let decimals = [0, 1].map(|_| u8::try_from(6 + dice.below(13)).expect("small"));
        let prices = decimals.map(|decimals| quoted(any(&mut dice, 1 << 90), decimals));
        let value = fair(&all, &prices);
        let at = sqrt_price_at(tick(&mut dice, lower, upper)).expect("in range");
        let coin0 = coin0_up(at, high, all.amount).expect("fits");
        let coin1 = coin1_up(low, at, all.amount).expect("fits");
        let here = worth(coin0, prices[0]) + worth(coin1, prices[1]);
        // Beside rounding, the root of the price is cut after 96 digits, which moves it along a curve that is flat there.
        let most = here + (here >> 60) + U256::from(2);
        assert!(value <= most, "{all:?} at {prices:?}: {value} of {here}");
    }
    for amount in [1, u128::MAX >> 20] {
        let all = range(amount, -TICK_MAX, TICK_MAX);
        for decimals in [0, 30] {
            fair(&all, &[quoted(1, decimals), quoted(1, decimals)]);
        }
    }
}

/// At the price itself, the fair value is what the pool holds, to a part in a million and a unit of each coin.
#[test]
fn a_range_at_its_price_is_worth_what_it_holds() {
    let prices = [quoted(2_000 * WAD, 18), quoted(WAD, 6)];
    let root = root_of(prices[0], prices[1]).expect("in range");
    let tick = capstan_units::tick_price::tick_at(root).expect("in range");
    for (lower, upper) in [(-10, 10), (-5_000, 3_000), (1, 500), (-500, -1)] {
        let all = range(1_000_000 * WAD, tick + lower, tick + upper);
        let Made::Range { low, high } = all.made else {
            panic!("a range");
        };
        let at = root.clamp(low, high);
        let coin0 = coin0_up(at, high, all.amount).expect("fits");
        let coin1 = coin1_up(low, at, all.amount).expect("fits");
        let here = worth(coin0, prices[0]) + worth(coin1, prices[1]);
        let value = fair(&all, &prices);
        let unit = U256::from(WAD / 1_000_000 + 4_000);
        assert!(value <= here && value + unit + here / U256::from(1_000_000) >= here);
    }
}
