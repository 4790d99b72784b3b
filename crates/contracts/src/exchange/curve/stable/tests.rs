//! Against the curve's own polynomial in big integers: a root is one, to within what is stated.

use alloy_primitives::U256;
use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn big(value: U256) -> BigInt {
    BigInt::from_bytes_be(num_bigint::Sign::Plus, &value.to_be_bytes::<32>())
}

/// `(A*n*S + D - A*n*D) * n^n * P - D^(n+1)`: falls as `D` grows, and is zero at the invariant.
fn above(reserves: &[U256], amplification: u32, d: U256) -> BigInt {
    let count = u32::try_from(reserves.len()).expect("small");
    let slope = BigInt::from(amplification) * count;
    let (d, whole) = (big(d), BigInt::from(count.pow(count)));
    let sum: BigInt = reserves.iter().map(|x| big(*x)).sum();
    let product = reserves.iter().fold(whole, |all, x| all * big(*x));
    (&slope * sum + &d - slope * &d) * product - d.pow(count + 1)
}

/// Two to four reserves within the range, of any size.
fn reserves() -> impl Strategy<Value = Vec<U256>> {
    (
        1_u128..1 << 98,
        0_u32..80,
        prop::collection::vec(1_u128..10_000, 2..=4),
    )
        .prop_map(|(base, shift, parts)| {
            let base = (base >> shift).max(1);
            parts.into_iter().map(|part| n(base * part)).collect()
        })
}

fn amplification() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![1_u32, 2, 10, 85, 200, 1_000, 5_000, 10_000])
}

#[test]
fn even_reserves_are_their_sum() {
    for count in 2..=4 {
        for a in [1, 100, 10_000] {
            let even = Even::new(vec![n(10).pow(n(24)); count], a).expect("in range");
            let found = even.invariant().expect("in range").expect("ends");
            assert_eq!(found.root, n(10).pow(n(24)) * U256::from(count));
            assert_eq!(found.steps, 1);
        }
    }
}

#[test]
fn the_range_is_as_stated() {
    let check = |reserves: &[u128], is_fine: bool| {
        let even = Even::new(reserves.iter().copied().map(n).collect(), 100).expect("in range");
        assert_eq!(even.unbalanced().is_none(), is_fine, "{reserves:?}");
    };
    check(&[1, 10_000], true);
    check(&[1, 10_001], true);
    check(&[1, 20_000], false);
    check(&[0, 1], false);
    check(&[1 << 112, 1 << 112], true);
    check(&[1 << 112, (1 << 112) + 1], false);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The true invariant lies between down and up, and the steps are far below their bound.
    #[test]
    fn the_invariant_is_a_root(reserves in reserves(), a in amplification()) {
        let even = Even::new(reserves.clone(), a).expect("in range");
        prop_assume!(even.unbalanced().is_none());
        let found = even.invariant().expect("in range").expect("ends");
        let zero = BigInt::from(0);
        prop_assert!(above(&reserves, a, found.down()) >= zero, "{:?}", found);
        prop_assert!(above(&reserves, a, found.up()) <= zero, "{:?}", found);
        prop_assert!(found.steps <= STEPS_MAX / 3, "{:?}", found);
    }

    /// With a solved reserve the invariant is not below what it was solved for, and not far above.
    #[test]
    fn a_solved_reserve_keeps_the_invariant(
        reserves in reserves(), a in amplification(), place in 0_usize..4, grow in 1_u128..1_000_000,
    ) {
        let even = Even::new(reserves, a).expect("in range");
        let place = place % even.reserves.len();
        let other = (place + 1) % even.reserves.len();
        prop_assume!(even.unbalanced().is_none());
        let d = even.invariant().expect("in range").expect("ends").up();
        let mut moved = even;
        let more = moved.reserves[other] * n(grow) / n(1_000_000);
        moved.reserves[other] += more;
        prop_assume!(moved.unbalanced().is_none());
        let found = moved.solve(place, d).expect("in range").expect("ends");
        prop_assert!(found.steps <= STEPS_MAX / 3, "{:?}", found);
        let zero = BigInt::from(0);
        moved.reserves[place] = found.up();
        prop_assert!(above(&moved.reserves, a, d) >= zero);
        // What the order of divisions is for: less than three units above, of all but the smallest pools.
        prop_assume!(d >= n(1_000_000_000));
        moved.reserves[place] = found.root.saturating_sub(n(3)).max(U256::ONE);
        prop_assert!(above(&moved.reserves, a, d) <= zero || moved.reserves[place] == U256::ONE);
    }

    /// The same at the edge of the range, where the smallest reserve is a ten-thousandth of the largest in any place:
    /// there divisions in another order are off by hundreds.
    #[test]
    fn roots_at_the_edge_of_the_range(
        base in 1_u128..1 << 98, parts in prop::collection::vec(prop::sample::select(vec![1_u128, 3, 9_999]), 2..=4),
        a in amplification(), place in 0_usize..4,
    ) {
        let reserves: Vec<_> = parts.into_iter().map(|part| n(base * part)).collect();
        let even = Even::new(reserves.clone(), a).expect("in range");
        prop_assume!(even.unbalanced().is_none());
        let found = even.invariant().expect("in range").expect("ends");
        let zero = BigInt::from(0);
        prop_assert!(above(&reserves, a, found.down()) >= zero, "{:?}", found);
        prop_assert!(above(&reserves, a, found.up()) <= zero, "{:?}", found);
        let place = place % reserves.len();
        let solved = even.solve(place, found.up()).expect("in range").expect("ends");
        prop_assert!(solved.up() >= reserves[place]);
        // Two units of `D` are at most so many of the coin that is cheapest there.
        prop_assume!(found.root >= n(1_000_000_000));
        prop_assert!(solved.root <= reserves[place] + n(256), "{:?}", solved);
    }

    /// One coin more makes every other worth less of it: never the other way around.
    #[test]
    fn more_of_one_is_less_of_another(reserves in reserves(), a in amplification(), more in 1_u128..1_000_000) {
        let even = Even::new(reserves, a).expect("in range");
        prop_assume!(even.unbalanced().is_none());
        let d = even.invariant().expect("in range").expect("ends").up();
        let solve = |even: &Even| even.solve(1, d).expect("in range").expect("ends").root;
        let before = solve(&even);
        let mut moved = even;
        let more = moved.reserves[0] * n(more) / n(1_000_000);
        moved.reserves[0] += more;
        prop_assume!(moved.unbalanced().is_none());
        prop_assert!(solve(&moved) <= before + n(SLACK.into()));
    }
}
