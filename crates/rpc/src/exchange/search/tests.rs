//! Searches over pools of a made-up market: constant products, without a chain.

use super::*;

/// A constant product: two assets, their reserves, the fee in millionths.
#[derive(Clone, Copy)]
struct Pool {
    assets: (u32, u32),
    reserves: (u64, u64),
    fee_pips: u64,
}

const fn pool(one: (u32, u64), other: (u32, u64), fee_pips: u64) -> Pool {
    Pool {
        assets: (one.0, other.0),
        reserves: (one.1, other.1),
        fee_pips,
    }
}

struct Pools {
    pools: Vec<Pool>,
    asset_count: u32,
    /// Questions so far.
    asked: usize,
}

impl Pools {
    fn new(pools: &[Pool]) -> Self {
        let highest = pools.iter().map(|pool| pool.assets.0.max(pool.assets.1));
        Self {
            pools: pools.to_vec(),
            asset_count: highest.max().map_or(0, |highest| highest + 1),
            asked: 0,
        }
    }

    /// The formulas of a constant product.
    fn swap(&self, hop: Hop, exact: Exact, amount: U256) -> Option<U256> {
        let pool = self.pools[usize::try_from(hop.pool).expect("small")];
        let (x, y) = if pool.assets.0 == hop.asset_in {
            pool.reserves
        } else {
            (pool.reserves.1, pool.reserves.0)
        };
        let (x, y) = (U256::from(x), U256::from(y));
        let (kept, one) = (U256::from(1_000_000 - pool.fee_pips), U256::from(1_000_000));
        match exact {
            Exact::In => {
                let net = amount * kept;
                Some(y * net / (x * one + net)).filter(|out| !out.is_zero())
            }
            Exact::Out if amount < y => Some((x * amount * one).div_ceil((y - amount) * kept)),
            Exact::Out => None,
        }
    }
}

impl Market for Pools {
    fn asset_count(&self) -> u32 {
        self.asset_count
    }

    fn pools_of(&mut self, one: u32, other: u32) -> RpcResult<Vec<u32>> {
        let pools = (0..).zip(&self.pools);
        let of_both =
            pools.filter(|(_, pool)| pool.assets == (one, other) || pool.assets == (other, one));
        Ok(of_both.map(|(number, _)| number).collect())
    }

    fn trade(&mut self, hop: Hop, exact: Exact, amount: U256) -> RpcResult<Option<U256>> {
        self.asked += 1;
        Ok(self.swap(hop, exact, amount))
    }
}

fn search(pools: &[Pool], (from, to): (u32, u32), exact: Exact, amount: u64) -> Vec<Route> {
    let wanted = Wanted {
        from,
        to,
        exact,
        amount: U256::from(amount),
    };
    find(&mut Pools::new(pools), wanted).expect("answers")
}

fn numbers(routes: &[Route]) -> Vec<Vec<u32>> {
    let hops = routes.iter().map(|route| route.hops.iter());
    hops.map(|hops| hops.map(|hop| hop.pool).collect())
        .collect()
}

/// Which pools are taken, path by path.
#[track_caller]
fn check(pools: &[Pool], ends: (u32, u32), exact: Exact, amount: u64, expected: &[&[u32]]) {
    let routes = search(pools, ends, exact, amount);
    assert_eq!(numbers(&routes), expected, "{routes:?}");
    // The sides that are given add up to what was asked, and each amount follows from the one before.
    let given = routes.iter().map(|route| match exact {
        Exact::In => route.paid(),
        Exact::Out => route.received(),
    });
    let sum = given.fold(U256::ZERO, |sum, part| sum + part);
    let given = if routes.is_empty() { 0 } else { amount };
    assert_eq!(sum, U256::from(given));
    let mut market = Pools::new(pools);
    let wanted = Wanted {
        from: ends.0,
        to: ends.1,
        exact,
        amount: U256::from(amount),
    };
    let is_there = leads(&mut market, wanted).expect("answers");
    assert_eq!(is_there, !expected.is_empty());
    for route in &routes {
        assert_eq!(route.amounts.len(), route.hops.len() + 1);
        let outs = route.amounts.iter().skip(1);
        for (hop, (paid, received)) in route.hops.iter().zip(route.amounts.iter().zip(outs)) {
            let (given, other) = match exact {
                Exact::In => (*paid, *received),
                Exact::Out => (*received, *paid),
            };
            assert_eq!(market.swap(*hop, exact, given), Some(other));
        }
    }
}

const DEEP: u64 = 1_000_000_000_000;
const BOTH: [Exact; 2] = [Exact::In, Exact::Out];

#[test]
fn the_cheaper_pool_is_taken_and_no_pool_is_no_way() {
    let pools = [
        pool((0, DEEP), (1, DEEP), 3_000),
        pool((0, DEEP), (1, DEEP), 500),
        pool((2, DEEP), (3, DEEP), 500),
    ];
    for exact in BOTH {
        check(&pools, (0, 1), exact, 1_000_000, &[&[1]]);
        check(&pools, (1, 0), exact, 1_000_000, &[&[1]]);
        check(&pools, (0, 3), exact, 1_000_000, &[]);
    }
}

#[test]
fn three_pools_in_a_row_are_found_and_four_are_not() {
    let row: Vec<_> = (0..4)
        .map(|at| pool((at, DEEP), (at + 1, DEEP), 500))
        .collect();
    for exact in BOTH {
        check(&row, (0, 3), exact, 1_000_000, &[&[0, 1, 2]]);
        check(&row, (3, 0), exact, 1_000_000, &[&[2, 1, 0]]);
        check(&row, (0, 4), exact, 1_000_000, &[]);
    }
}

#[test]
fn a_detour_is_taken_where_the_direct_pool_is_thin() {
    let pools = [
        pool((0, 1_000_000), (2, 1_000_000), 500),
        pool((0, DEEP), (1, DEEP), 500),
        pool((1, DEEP), (2, DEEP), 500),
    ];
    for exact in BOTH {
        // A little goes straight, a lot around.
        check(&pools, (0, 2), exact, 100, &[&[0]]);
        check(&pools, (0, 2), exact, 900_000, &[&[1, 2]]);
    }
}

#[test]
fn equal_pools_share_and_unequal_ones_share_by_depth() {
    let pools = [
        pool((0, DEEP), (1, DEEP), 500),
        pool((0, DEEP), (1, DEEP), 500),
        pool((0, DEEP / 4), (1, DEEP / 4), 500),
    ];
    for exact in BOTH {
        let routes = search(&pools, (0, 1), exact, DEEP / 10);
        let parts: Vec<_> = routes
            .iter()
            .map(|route| match exact {
                Exact::In => route.paid(),
                Exact::Out => route.received(),
            })
            .map(|part| part / U256::from(DEEP / 100))
            .collect();
        assert_eq!(numbers(&routes), [[0], [1], [2]]);
        assert_eq!(parts, [5, 4, 1].map(U256::from));
    }
}

#[test]
fn a_split_is_better_than_any_single_path_or_is_not_made() {
    let mut seed = 7_u64;
    let mut dice = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let mut splits = 0;
    for _ in 0..300 {
        let mut pools = Vec::new();
        for _ in 0..3 + dice(8) {
            let (one, other) = (dice(4), dice(4));
            if one != other {
                let asset = |at: u64| u32::try_from(at).expect("small");
                let reserve = 1_000_000 + dice(1_000_000_000);
                let ratio = 500_000 + dice(1_000_000);
                let back = reserve / 1_000 * ratio / 1_000;
                let fee = [100, 500, 3_000, 10_000][usize::try_from(dice(4)).expect("small")];
                pools.push(pool((asset(one), reserve), (asset(other), back), fee));
            }
        }
        let exact = BOTH[usize::try_from(dice(2)).expect("small")];
        let amount = 10 + dice(50_000_000);
        let wanted = Wanted {
            from: 0,
            to: 1,
            exact,
            amount: U256::from(amount),
        };
        let mut market = Pools::new(&pools);
        let routes = find(&mut market, wanted).expect("answers");
        let single = best_single(&mut market, wanted);
        let sum = routes.iter().map(|route| route.other(exact));
        let sum = sum.fold(U256::ZERO, |sum, part| sum + part);
        if let Some(single) = single {
            assert!(!routes.is_empty());
            assert!(
                exact.order(sum, single).is_le(),
                "{sum} is worse than {single}"
            );
        }
        let mut used: Vec<_> = numbers(&routes).concat();
        used.sort_unstable();
        let count = used.len();
        used.dedup();
        assert_eq!(used.len(), count, "no pool is used twice");
        splits += usize::from(routes.len() > 1);
    }
    assert!(splits > 20, "only {splits} of 300 are split");
}

/// The best path of at most three pools, by trying all.
fn best_single(market: &mut Pools, wanted: Wanted) -> Option<U256> {
    let (start, goal) = wanted.ends();
    let mut best: Option<U256> = None;
    let mut open = vec![(start, Route::start(wanted.amount))];
    while let Some((at, route)) = open.pop() {
        for next in 0..market.asset_count {
            if next == at || route.has_asset(next) {
                continue;
            }
            for longer in one_hop(market, wanted.exact, &route, (at, next)).expect("answers") {
                let other = longer.other(wanted.exact);
                if next != goal {
                    if longer.hops.len() < HOPS_MAX {
                        open.push((next, longer));
                    }
                } else if best.is_none_or(|found| wanted.exact.order(other, found).is_lt()) {
                    best = Some(other);
                }
            }
        }
    }
    best
}

#[test]
fn too_little_to_share_takes_one_path() {
    let pools = [
        pool((0, DEEP), (1, 2 * DEEP), 500),
        pool((0, DEEP), (1, 2 * DEEP), 500),
    ];
    for exact in BOTH {
        check(&pools, (0, 1), exact, 9, &[&[0]]);
    }
}

#[test]
fn work_is_bounded_whatever_stands_there() {
    // Every pair of forty assets with sixteen pools: more than a search looks at.
    let mut pools = Vec::new();
    for one in 0..40 {
        for other in one + 1..40 {
            pools.extend([pool((one, DEEP), (other, DEEP), 500); 16]);
        }
    }
    for exact in BOTH {
        let mut market = Pools::new(&pools);
        let wanted = Wanted {
            from: 3,
            to: 30,
            exact,
            amount: U256::from(1_000_000),
        };
        assert!(!find(&mut market, wanted).expect("answers").is_empty());
        assert!(market.asked <= 5_408 + 90, "{} questions", market.asked);
    }
}

/// What it costs that no pool is used twice: where all ways go through one pool and only then part, they are not split. Half
/// of what the amount itself moves the price behind that pool, at most; printed.
#[test]
fn ways_that_part_behind_a_shared_pool_are_not_split() {
    // A pool so deep that it moves by nothing, then two of one depth.
    let deep = DEEP * 1_000;
    let pools = [
        pool((0, deep), (1, deep), 0),
        pool((1, DEEP), (2, DEEP), 0),
        pool((1, DEEP), (2, DEEP), 0),
    ];
    println!(
        "amount, parts of a pool behind | received less than by the best split, hundredths of a percent"
    );
    for parts in [1_000, 100, 10, 4] {
        let amount = DEEP / parts;
        let found = search(&pools, (0, 2), Exact::In, amount);
        assert_eq!(numbers(&found).len(), 1);
        let received = found[0].received();
        let market = Pools::new(&pools);
        let hop = |pool, from: u32| Hop {
            pool,
            asset_in: from,
            asset_out: from + 1,
        };
        let middle = market.swap(hop(0, 0), Exact::In, U256::from(amount));
        let half = middle.expect("swaps") / U256::from(2);
        let best = market.swap(hop(1, 1), Exact::In, half).expect("swaps") * U256::from(2);
        let lost = (best - received) * U256::from(10_000) / best;
        println!("1/{parts} | {lost}");
        // A constant product gives 1 / (1 + part) of the price to all of it.
        let impact = U256::from(10_000 / (parts + 1));
        assert!(
            lost * U256::from(2) <= impact + U256::from(2),
            "{lost} of {impact}"
        );
        assert!(lost > U256::ZERO || parts == 1_000, "{lost}");
    }
}
