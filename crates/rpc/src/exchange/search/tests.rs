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
    let plan = find(&mut Pools::new(pools), wanted).expect("answers");
    plan.ways()
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
        let plan = find(&mut market, wanted).expect("answers");
        if let Some(single) = best_single(&mut market, wanted) {
            assert!(!plan.stages.is_empty());
            assert!(
                exact.order(plan.other(exact), single).is_le(),
                "{plan:?} is worse than {single}"
            );
        }
        follows(&market, &plan, wanted);
        splits += usize::from(plan.ways().len() > 1);
    }
    assert!(splits > 20, "only {splits} of 300 are split");
}

/// Each pool is used once and does what the next one needs; what goes in and out of each stage adds up; and whole ways are the
/// same amounts, told another way.
fn follows(market: &Pools, plan: &Plan, wanted: Wanted) {
    let exact = wanted.exact;
    let mut used: Vec<u32> = plan.hops().map(|hop| hop.pool).collect();
    let count = used.len();
    used.sort_unstable();
    used.dedup();
    assert_eq!(used.len(), count, "a pool is used twice: {plan:?}");
    let add = |of: &[Route], side: fn(&Route) -> U256| {
        of.iter().map(side).fold(U256::ZERO, |sum, part| sum + part)
    };
    for pair in plan.stages.windows(2) {
        assert_eq!(add(&pair[0], Route::received), add(&pair[1], Route::paid));
    }
    for route in plan.stages.iter().flatten() {
        let outs = route.amounts.iter().skip(1);
        for (hop, (paid, received)) in route.hops.iter().zip(route.amounts.iter().zip(outs)) {
            let (given, other) = match exact {
                Exact::In => (*paid, *received),
                Exact::Out => (*received, *paid),
            };
            assert_eq!(market.swap(*hop, exact, given), Some(other), "{plan:?}");
        }
    }
    let (Some(first), Some(last)) = (plan.stages.first(), plan.stages.last()) else {
        return;
    };
    let (paid, received) = (add(first, Route::paid), add(last, Route::received));
    let given = match exact {
        Exact::In => paid,
        Exact::Out => received,
    };
    assert_eq!(given, wanted.amount);
    let ways = plan.ways();
    assert_eq!(
        (add(&ways, Route::paid), add(&ways, Route::received)),
        (paid, received)
    );
    for way in ways {
        let ends = (way.hops.first(), way.hops.last());
        let ends = (
            ends.0.map(|hop| hop.asset_in),
            ends.1.map(|hop| hop.asset_out),
        );
        assert_eq!(ends, (Some(wanted.from), Some(wanted.to)));
        assert_eq!(way.amounts.len(), way.hops.len() + 1);
    }
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
            for step in one_hop(market, wanted.exact, &route, (at, next)).expect("answers") {
                let longer = step.made(wanted.exact);
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
        let plan = find(&mut market, wanted).expect("answers");
        follows(&market, &plan, wanted);
        assert!(
            market.asked <= 5_408 + 4 * 90 + 1_969,
            "{} questions",
            market.asked
        );
    }
}

/// Where all ways go through one pool and only then part, or part and then meet in one, they are split: nothing is lost but
/// what a gain below a ten-thousandth is not worth. Printed beside what the best single path would have come to.
#[test]
fn ways_that_share_a_pool_are_split() {
    // A pool so deep that it moves by nothing, then two of one depth; and the other way around.
    let deep = DEEP * 1_000;
    let shared = pool((0, deep), (1, deep), 0);
    let apart = |one: u32, other: u32| pool((one, DEEP), (other, DEEP), 0);
    println!(
        "amount, parts of a pool | the best single path, then what is found, below the best split, parts of a million"
    );
    for exact in BOTH {
        for (pools, ends) in [
            ([shared, apart(1, 2), apart(1, 2)], (0, 2)),
            ([shared, apart(1, 2), apart(1, 2)], (2, 0)),
        ] {
            for parts in [1_000, 100, 10, 4] {
                let wanted = Wanted {
                    from: ends.0,
                    to: ends.1,
                    exact,
                    amount: U256::from(DEEP / parts),
                };
                let mut market = Pools::new(&pools);
                let plan = find(&mut market, wanted).expect("answers");
                follows(&market, &plan, wanted);
                let single = best_single(&mut market, wanted).expect("leads");
                let best = best_in_halves(&market, ends, exact, wanted.amount);
                let below = |found: U256| found.abs_diff(best) * U256::from(1_000_000) / best;
                let found = plan.other(exact);
                println!("{exact:?} 1/{parts} | {} {}", below(single), below(found));
                assert!(below(found) <= U256::from(1_000_000 / WORTH_PARTS));
                if parts <= 100 {
                    assert_eq!(plan.stages.len(), 2, "{plan:?}");
                }
            }
        }
    }
}

/// Half by each of the two pools that are alike, and all of it by the one that both share.
fn best_in_halves(market: &Pools, (from, to): (u32, u32), exact: Exact, amount: U256) -> U256 {
    let hop = |pool, asset_in, asset_out| Hop {
        pool,
        asset_in,
        asset_out,
    };
    let hops = |pool: u32| {
        [
            hop(0, from.min(1), to.min(1)),
            hop(pool, from.max(1), to.max(1)),
        ]
    };
    let halves = |amount: U256| {
        let [_, own] = hops(1);
        let half = amount / U256::from(2);
        market.swap(own, exact, half).expect("swaps") * U256::from(2)
    };
    let whole = |amount: U256| market.swap(hops(1)[0], exact, amount).expect("swaps");
    // The shared pool is beside asset 0.
    let shared_is_first = (from == 0) == (exact == Exact::In);
    if shared_is_first {
        halves(whole(amount))
    } else {
        whole(halves(amount))
    }
}

/// What is found beside the best of all single paths and of all two and three paths that share no pool, in tenths, by trying
/// all of them over random markets, with amounts of up to fifty times what a pool holds: as good in 79 of 100, and never more
/// than 5 % worse. Printed.
#[test]
fn what_is_found_is_nearly_the_best_of_all() {
    let mut seed = 11_u64;
    let mut dice = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let (mut markets, mut as_good, mut worst, mut better) = (0_u32, 0_u32, U256::ZERO, 0_u32);
    for _ in 0..400 {
        let mut pools = Vec::new();
        for _ in 0..4 + dice(8) {
            let (one, other) = (dice(4), dice(4));
            if one != other {
                let asset = |at: u64| u32::try_from(at).expect("small");
                let reserve = 1_000_000_000 + dice(1_000_000_000_000);
                let back = reserve / 1_000 * (900 + dice(200));
                let fee = [100, 500, 3_000, 10_000][usize::try_from(dice(4)).expect("small")];
                pools.push(pool((asset(one), reserve), (asset(other), back), fee));
            }
        }
        let exact = BOTH[usize::try_from(dice(2)).expect("small")];
        let wanted = Wanted {
            from: 0,
            to: 1,
            exact,
            amount: U256::from(10_000_000 + dice(50_000_000_000)),
        };
        let mut market = Pools::new(&pools);
        let plan = find(&mut market, wanted).expect("answers");
        follows(&market, &plan, wanted);
        let Some(best) = best_of_all(&mut market, wanted) else {
            continue;
        };
        let found = plan.other(exact);
        markets += 1;
        let is_worse = exact.order(found, best).is_gt();
        as_good += u32::from(!is_worse);
        better += u32::from(exact.order(found, best).is_lt());
        if is_worse {
            worst = worst.max(found.abs_diff(best) * U256::from(1_000_000) / best);
        }
    }
    println!(
        "{markets} markets: as good in {as_good}, better by stages in {better}, at worst {worst} parts of a million worse"
    );
    assert!(markets > 200);
    assert!(worst <= U256::from(50_000), "{worst} parts of a million");
    assert!(as_good * 100 >= markets * 79, "{as_good} of {markets}");
}

/// The best other side of all paths alone, and of two and three that share no pool with tenths of the amount each.
fn best_of_all(market: &mut Pools, wanted: Wanted) -> Option<U256> {
    let exact = wanted.exact;
    let part = wanted.amount / U256::from(PARTS);
    let rest = wanted.amount % U256::from(PARTS);
    let mut best = best_single(market, wanted);
    let paths = every_path(market, wanted);
    // What each path comes to for so many tenths; the rest goes with the first of several.
    let mut of_parts = Vec::new();
    for path in &paths {
        let mut sums = Vec::new();
        for parts in 1..PARTS {
            let amount = part * U256::from(parts);
            let mut other = |amount| {
                let route = again(market, exact, &path.hops, amount).expect("answers");
                route.map(|route| route.other(exact))
            };
            sums.push((other(amount), other(amount + rest)));
        }
        of_parts.push(sums);
    }
    let mut join = |others: &[Option<U256>]| {
        let sum = others
            .iter()
            .try_fold(U256::ZERO, |sum, other| Some(sum + (*other)?));
        if let Some(sum) = sum
            && best.is_none_or(|found| exact.order(sum, found).is_lt())
        {
            best = Some(sum);
        }
    };
    for (one, first) in paths.iter().enumerate() {
        for (two, second) in paths.iter().enumerate() {
            if two == one || first.meets(second) {
                continue;
            }
            for parts in 1..9 {
                join(&[of_parts[one][parts].1, of_parts[two][8 - parts].0]);
            }
            for (three, third) in paths.iter().enumerate().skip(two + 1) {
                if three == one || third.meets(first) || third.meets(second) {
                    continue;
                }
                for parts in 0..8 {
                    for more in 0..8 - parts {
                        join(&[
                            of_parts[one][parts].1,
                            of_parts[two][more].0,
                            of_parts[three][7 - parts - more].0,
                        ]);
                    }
                }
            }
        }
    }
    best
}

/// Every path of at most three pools, whatever it comes to.
fn every_path(market: &mut Pools, wanted: Wanted) -> Vec<Route> {
    let (start, goal) = wanted.ends();
    let mut found = Vec::new();
    let little = wanted.amount / U256::from(PARTS);
    let mut open = vec![(start, Route::start(little))];
    while let Some((at, route)) = open.pop() {
        for next in 0..market.asset_count {
            if next == at || route.has_asset(next) {
                continue;
            }
            for step in one_hop(market, wanted.exact, &route, (at, next)).expect("answers") {
                let longer = step.made(wanted.exact);
                if next == goal {
                    found.push(longer);
                } else if longer.hops.len() < HOPS_MAX {
                    open.push((next, longer));
                }
            }
        }
    }
    found
}
