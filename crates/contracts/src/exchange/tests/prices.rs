//! Mean prices: nothing inside a block moves them, and they are what a list of all prices says.

use super::*;
use crate::{exchange::track, testkit::dice::Dice};

const ONE: u128 = 1 << 96;

fn twap(world: &World, pool: PoolId, asset: u32, window_ms: u64) -> U256 {
    let call = twapX96Call {
        poolId: pool.get(),
        assetId: asset,
        windowMs: window_ms,
    };
    world.view(ADDRESS, &call)
}

fn ema(world: &World, pool: PoolId, asset: u32) -> U256 {
    let call = emaX96Call {
        poolId: pool.get(),
        assetId: asset,
    };
    world.view(ADDRESS, &call)
}

fn spot(world: &World, pool: PoolId, asset: u32) -> U256 {
    let call = spotX96Call {
        poolId: pool.get(),
        assetId: asset,
    };
    world.view(ADDRESS, &call)
}

/// Within so many parts of a million.
#[track_caller]
fn near(found: U256, wanted: U256, millionths: u128) {
    let slack = wanted / n(1_000_000) * n(millionths);
    assert!(
        found.abs_diff(wanted) <= slack,
        "{found} is not near {wanted}"
    );
}

#[test]
fn exch_8_what_happens_inside_a_block_moves_no_mean() {
    let (mut world, _) = start();
    let even = open(&mut world, &stable(&[0, 1, 2], 100), &[5_000_000; 3]);
    let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 10_000_000]);
    world.wait_ms(60_000);
    for (pool, worth) in [(pool, 2), (even, 1)] {
        let means = |world: &World| [twap(world, pool, 1, 60_000), ema(world, pool, 1)];
        let before = means(&world);
        for mean in before {
            near(mean, n(worth * ONE), 20);
        }
        let legs = [leg(pool, 0, 1, 4_000_000)];
        swap(&mut world, BOBS, &legs, bounds(0, 4_000_000, 1, 0)).expect("swaps");
        assert!(
            spot(&world, pool, 1) < before[0],
            "the price itself has moved"
        );
        assert_eq!(means(&world), before);
        let back = [leg(pool, 1, 0, 1_000)];
        swap(&mut world, BOBS, &back, bounds(1, 1_000, 0, 0)).expect("swaps");
        act(&mut world, |cx| {
            exchange::remove(
                cx,
                pool,
                ALICES,
                ALICES,
                s(1_000),
                &vec![a(0); reserves_count(pool)],
            )
        })
        .expect("removes");
        assert_eq!(means(&world), before);
    }
    // What stands at the end of the block counts from then on: a quarter of the time, a quarter of the way.
    let (low, high) = (spot(&world, pool, 1), n(2 * ONE));
    world.wait_ms(20_000);
    let mean = twap(&world, pool, 1, 80_000);
    let fourth = |x: U256| (x >> 64_usize).pow(n(4));
    near(
        fourth(mean) >> 32_usize,
        (fourth(high) / (high >> 64_usize) * (low >> 64_usize)) >> 32_usize,
        200,
    );
}

fn reserves_count(pool: PoolId) -> usize {
    if pool.get() == 0 { 3 } else { 2 }
}

#[test]
fn exch_8_a_price_swung_and_swung_back_in_one_block_leaves_no_trace() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 10_000_000]);
    world.wait_ms(60_000);
    let mut calm = world.clone();
    let up = sized(leg(pool, 0, 1, 0), Size::Out(a(9_000_000)));
    swap(&mut world, BOBS, &[up], bounds(0, RICH, 1, 0)).expect("swaps");
    let gain = 5_000_000;
    let down = sized(leg(pool, 1, 0, 0), Size::Out(a(45_135_406)));
    swap(&mut world, BOBS, &[down], bounds(1, RICH, 0, gain)).expect("swaps");
    for world in [&mut world, &mut calm] {
        world.wait_ms(60_000);
    }
    let (swung, still) = (
        twap(&world, pool, 1, 120_000),
        twap(&calm, pool, 1, 120_000),
    );
    // What is left is the fee that the swinger paid into the pool.
    near(swung, still, 20_000);
}

#[test]
fn exch_8_a_pool_without_history_has_no_mean() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 10_000_000]);
    let none = |wanted_ms, have| ExchangeNoHistory {
        poolId: 0,
        wantedMs: wanted_ms,
        have,
    };
    let ask = |window_ms| twapX96Call {
        poolId: pool.get(),
        assetId: 1,
        windowMs: window_ms,
    };
    let mean = emaX96Call {
        poolId: 0,
        assetId: 1,
    };
    world.refused(BOB, ADDRESS, &mean, &none(1, 0));
    world.refused(BOB, ADDRESS, &ask(1), &none(1, 0));
    world.wait_ms(1_000);
    assert_eq!(ema(&world, pool, 1), n(2 * ONE));
    assert_eq!(twap(&world, pool, 1, 1_000), n(2 * ONE));
    world.refused(BOB, ADDRESS, &ask(1_001), &none(1_001, 1_000));
    world.refused(BOB, ADDRESS, &ask(0), &none(0, 1_000));
    let long = ExchangeParamOutOfRange {
        what: "windowMs".to_owned(),
        value: n(1_800_001),
        min: n(1),
        max: n(1_800_000),
    };
    world.refused(BOB, ADDRESS, &ask(1_800_001), &long);
    let not = ExchangeNotInPool {
        poolId: 0,
        assetIn: 0,
        assetOut: 3,
    };
    let other = emaX96Call {
        poolId: 0,
        assetId: 3,
    };
    world.refused(BOB, ADDRESS, &other, &not);
    assert_eq!(ema(&world, pool, 0), n(ONE));
}

/// In one half-life a mean goes half of the way, on the logarithmic scale, however often the pool is touched.
#[test]
fn the_exponential_mean_has_its_half_life() {
    for touches in [1, 600] {
        let (mut world, _) = start();
        let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000_000; 2]);
        world.wait_ms(60_000);
        // To nine tenths of the price, whose root is the half of the way. Much further would count in steps.
        let left = 5_000_000_000 - 4_743_416_490;
        let up = sized(leg(pool, 0, 1, 0), Size::Out(a(left)));
        swap(&mut world, BOBS, &[up], bounds(0, RICH, 1, 0)).expect("swaps");
        for _ in 0..touches {
            world.wait_ms(exchange::HALF_LIFE_MS / touches);
            let tiny = [leg(pool, 0, 1, 100)];
            swap(&mut world, BOBS, &tiny, bounds(0, 100, 1, 0)).expect("swaps");
        }
        near(
            ema(&world, pool, 1),
            n(ONE) * n(948_683) / n(1_000_000),
            500,
        );
    }
}

/// A mean fades as much in many short times as in one long one: a pool that is touched every millisecond does not stand
/// still in it.
#[test]
fn a_mean_fades_however_short_the_times_are() {
    let half = exchange::HALF_LIFE_MS;
    let stays = |ms: u64| U256::try_from(track::stays_x64(ms, half)).expect("positive");
    for each in [1_u64, 3, 9, 10, 250] {
        let mut kept = U256::ONE << 64_usize;
        for _ in 0..60_000 / each {
            kept = (kept * stays(each)) >> 64_usize;
        }
        let whole = stays(60_000 / each * each);
        assert!(
            kept.abs_diff(whole) < whole / n(100_000),
            "{each} ms: {kept} {whole}"
        );
    }
    let run = |each: u64| {
        let (mut world, _) = start();
        world.sweep_every = 100;
        let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000_000; 2]);
        world.wait_ms(60_000);
        let up = sized(leg(pool, 0, 1, 0), Size::Out(a(200_000_000)));
        swap(&mut world, BOBS, &[up], bounds(0, RICH, 1, 0)).expect("swaps");
        for _ in 0..3_000 / each {
            world.wait_ms(each);
            let tiny = [leg(pool, 0, 1, 100)];
            swap(&mut world, BOBS, &tiny, bounds(0, 100, 1, 0)).expect("swaps");
        }
        ema(&world, pool, 1)
    };
    let (once, often) = (run(3_000), run(5));
    assert!(once < n(ONE), "it moved");
    // A step of a price is a hundred-thousandth.
    near(often, once, 12);
}

/// A block that ends far outside moves a mean no further than one that ends an eighth of a doubling away, and a little
/// for the time that it stood.
#[test]
fn exch_8_a_price_counts_at_once_only_so_far() {
    let moved = |out: u128, stood_ms: u64| {
        let (mut world, _) = start();
        let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000_000; 2]);
        world.wait_ms(60_000);
        let up = sized(leg(pool, 0, 1, 0), Size::Out(a(out)));
        swap(&mut world, BOBS, &[up], bounds(0, RICH, 1, 0)).expect("swaps");
        world.wait_ms(stood_ms);
        let mean = twap(&world, pool, 1, 60_000);
        n(ONE).abs_diff(mean) * n(1_000_000) / n(ONE)
    };
    // A price of one part in ten thousand, and one of nine tenths, each for a block: the first would be 60 times further.
    let (far, near) = (moved(4_950_000_000, 250), moved(300_000_000, 250));
    assert!(far <= near * n(2), "{far} {near} millionths");
    // After a minute nearly all of it counts.
    assert!(moved(4_950_000_000, 60_000) > n(900_000));
}

/// Random prices over hours: every window within reach answers what a list of all prices says.
#[test]
fn exch_8_exch_10_means_are_those_of_a_list_of_all_prices() {
    let (mut world, _) = start();
    world.sweep_every = 100;
    let mut dice = Dice::new("means_are_those_of_a_list_of_all_prices");
    let pool = open(&mut world, &product(0, 1, 500), &[RICH / 10; 2]);
    // Each price, and from when it stood.
    let mut prices: Vec<(u64, i64)> = Vec::new();
    let price = |world: &World| {
        let [x, y] = reserves(world, pool)[..] else {
            panic!("two reserves")
        };
        i64::from(capstan_units::LogRatio::of_down(n(y), n(x)).get())
    };
    let first = world.store.block_mut().time_ms;
    prices.push((first, price(&world)));
    let (mut seen, mut exact) = (0, 0_usize);
    for _ in 0..600 {
        world.wait_ms(u64::try_from(dice.of(&[1, 250, 4_000, 15_000, 40_000])).expect("small"));
        let from = dice.of(&[0, 1]);
        let units = dice.below(RICH / 100) + 1_000;
        let legs = [leg(pool, from, 1 - from, units)];
        swap(&mut world, BOBS, &legs, bounds(from, units, 1 - from, 0)).expect("swaps");
        let now = world.store.block_mut().time_ms;
        prices.push((now, price(&world)));
        let wait = u64::try_from(dice.below(1_000)).expect("small");
        world.wait_ms(wait);
        let now = now + wait;
        let window = 1 + u64::try_from(dice.below(1_800_000)).expect("small");
        let call = twapX96Call {
            poolId: 0,
            assetId: 1,
            windowMs: window,
        };
        let Ok(found) = world.call(BOB, ADDRESS, &call) else {
            continue;
        };
        seen += 1;
        let from = now - window;
        let ends = prices.iter().skip(1).map(|(at, _)| *at).chain([now]);
        let mut counted = prices[0].1;
        // The sum at the window's begin is read between the two observations around it. A touch writes one if it is the first
        // in its fifteen seconds; the last is where the sum stands now.
        let observed = prices
            .windows(2)
            .filter(|two| two[0].0 / 15_000 != two[1].0 / 15_000)
            .map(|two| two[1].0);
        let before = observed.clone().rfind(|at| *at <= from).unwrap_or(first);
        let after = observed.into_iter().find(|at| *at > from).unwrap_or(now);
        let (mut low, mut high) = (i64::MAX, i64::MIN);
        let sum: i64 = prices
            .iter()
            .zip(ends)
            .map(|((at, price), end)| {
                // An eighth of a doubling at once, and an eighth more for each second.
                let reach = 8_192 + i64::try_from((end - at) * 8_192 / 1_000).expect("small");
                let price = (*price).clamp(counted - reach, counted + reach);
                if end > *at {
                    counted = price;
                    if *at < after && end > before {
                        (low, high) = (low.min(price), high.max(price));
                    }
                }
                let stood = end.max(from) - (*at).max(from).min(end.max(from));
                price * i64::try_from(stood).expect("small")
            })
            .sum();
        let whole = i64::try_from(window).expect("small");
        let wanted = sum.div_euclid(whole);
        // Between the two the sum is taken to grow evenly. Prices changed there for less than fifteen seconds, then one stood:
        // so the sum is off by no more than that time of the furthest distance between those prices. Where one price stood
        // all the time it is not off; a mean, and the price that it becomes, are rounded by a step each.
        let slack = 15_000 * (high - low) / whole + 2;
        let found = i64::from(capstan_units::LogRatio::of_down(found, n(ONE)).get());
        assert!(
            (found - wanted).abs() <= slack,
            "{found} is further than {slack} from {wanted}, a window of {window} ms"
        );
        exact += usize::from(slack == 2);
    }
    assert!(
        exact > 50,
        "only {exact} windows began while one price stood"
    );
    assert!(seen > 300, "only {seen} windows were within reach");
}
