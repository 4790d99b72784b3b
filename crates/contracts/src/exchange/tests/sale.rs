//! Sales at the seller's price: what is planned is what happens, never below the price, never too far, whatever pools
//! there are.

use capstan_units::{Bps, Price};

use super::*;
use crate::{
    exchange::{PriceMin, SALE_IMPACT_BPS, Sale, Ticks},
    mutant::{Mutant, Twin},
    testkit::dice::Dice,
};

/// A thousandth of a dollar, as a price.
const MILLI: u128 = 1_000_000_000_000_000;
const LOT: u128 = 1_000_000_000_000;

/// At least so many thousandths of what is received for one of what is sold.
fn at_least(thousandths: u128) -> PriceMin {
    let price = |milli: u128| (Price::new(milli * MILLI).expect("in range"), 6);
    PriceMin::of_prices(price(thousandths), price(1_000), Bps::ZERO).expect("a price")
}

fn offer(from: u32, to: u32, units: u128, thousandths: u128) -> Sale {
    Sale {
        sold: id(from),
        received: id(to),
        amount_max: a(units),
        price_min: at_least(thousandths),
    }
}

/// Plans, sells, and holds both to each other; answers what was paid and received.
#[track_caller]
fn sold(world: &mut World, sale: Sale) -> [u128; 2] {
    let plan = act(world, |cx| exchange::plan_sale(cx, sale)).expect("plans");
    assert!(plan.sold <= sale.amount_max);
    if plan.sold.is_zero() {
        assert_eq!(plan.received, Assets::ZERO);
        return [0, 0];
    }
    let before = free(world, sale.received.get(), BOBS);
    let done = act(world, |cx| exchange::sell(cx, BOBS, BOBS, &plan, plan.sold));
    let done = done.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    assert_eq!(
        (done.paid, done.received),
        (plan.sold, plan.received),
        "EXCH-21"
    );
    let least = sale.price_min.of_up(done.paid).expect("small");
    assert!(done.received >= least, "EXCH-21: {done:?} below {least}");
    assert_eq!(
        free(world, sale.received.get(), BOBS),
        before + done.received.get()
    );
    [done.paid.get(), done.received.get()]
}

fn next_block(world: &mut World) {
    world.wait_ms(250);
    world.store.block_mut().number += 1;
}

fn terms(world: &mut World, impact_max_bps: u16, common_coins: &[u32]) {
    let call = setSaleTermsCall {
        impactMaxBps: impact_max_bps,
        commonCoins: common_coins.to_vec(),
    };
    world.ok(OWNER, ADDRESS, &call);
}

/// How far the price of coin 1 for coin 0 stands below where it was, in hundredths of a percent, rounded down.
fn fell_bps(world: &World, pool: PoolId, before: &[u128]) -> u128 {
    let now = reserves(world, pool);
    10_000 - (now[1] * before[0] * 10_000).div_ceil(now[0] * before[1])
}

#[test]
fn exch_21_a_sale_brings_what_its_plan_said_and_less_of_it_no_less_for_each() {
    let (mut world, _) = start();
    open(&mut world, &product(0, 1, 500), &[1_000 * LOT; 2]);
    let [paid, received] = sold(&mut world, offer(0, 1, LOT, 998));
    assert_eq!(paid, LOT, "a deep pool takes all of it");
    assert!(received > LOT * 998 / 1_000 && received < LOT);
    next_block(&mut world);
    let sale = offer(0, 1, LOT, 990);
    let plan = act(&mut world, |cx| exchange::plan_sale(cx, sale)).expect("plans");
    let half = a(LOT / 2);
    let done = act(&mut world, |cx| {
        exchange::sell(cx, BOBS, CAROLS, &plan, half)
    });
    let done = done.expect("sells");
    assert_eq!(done.paid, half);
    assert!(done.received.get() * 2 >= plan.received.get());
    // Nothing, the same asset, a pair without a pool.
    for sale in [offer(0, 1, 0, 1), offer(0, 0, 5, 1), offer(3, 4, LOT, 1)] {
        assert_eq!(sold(&mut world, sale), [0, 0]);
    }
}

#[test]
fn exch_21_below_the_sellers_price_no_slice_is_sold() {
    let (mut world, _) = start();
    terms(&mut world, 1_000, &[]);
    let pool = open(&mut world, &product(0, 1, 100), &[1_000 * LOT; 2]);
    assert_eq!(
        sold(&mut world, offer(0, 1, LOT, 1_000)),
        [0, 0],
        "there is a fee"
    );
    // A slice is an eighth. The first brings 98.8 %; behind it nothing brings 98 %.
    let [paid, received] = sold(&mut world, offer(0, 1, 100 * LOT, 980));
    let fell = fell_bps(&world, pool, &[1_000 * LOT; 2]);
    println!(
        "{paid} of {} sold for {received}, {fell} bps down",
        100 * LOT
    );
    assert_eq!(paid, 100 * LOT / 8);
    assert!(received >= paid * 980 / 1_000 && fell > 200, "{fell}");
    // A smaller sale has smaller slices, and comes closer to where a part brings just as much.
    next_block(&mut world);
    let pool = open(&mut world, &product(2, 3, 100), &[100 * LOT; 2]);
    let [paid, _] = sold(&mut world, offer(2, 3, 3 * LOT, 980));
    let fell = fell_bps(&world, pool, &[100 * LOT; 2]);
    assert!((160..=260).contains(&fell), "{paid} sold, {fell}");
}

#[test]
fn exch_22_sales_of_one_block_share_the_push_and_the_next_block_goes_on() {
    let sell_all = |world: &mut World| {
        let pool = open(world, &product(0, 1, 100), &[1_000 * LOT; 2]);
        let before = reserves(world, pool);
        for _ in 0..6 {
            sold(world, offer(0, 1, 2 * LOT, 900));
        }
        (fell_bps(world, pool, &before), pool)
    };
    let (mut world, _) = start();
    let most = u128::from(SALE_IMPACT_BPS);
    let (fell, pool) = sell_all(&mut world);
    assert!((most * 8 / 10..=most).contains(&fell), "{fell}");
    // The other way round is another push, from where the pool stands now.
    let [paid, _] = sold(&mut world, offer(1, 0, LOT, 900));
    assert_eq!(paid, LOT);
    next_block(&mut world);
    let before = reserves(&world, pool);
    for _ in 0..6 {
        sold(&mut world, offer(0, 1, 2 * LOT, 900));
    }
    let fell = fell_bps(&world, pool, &before);
    assert!((most * 8 / 10..=most).contains(&fell), "{fell}");
    let (mut world, _) = start();
    let twin = Twin::with(&[Mutant::NoImpactCap]);
    let (fell, _) = sell_all(&mut world);
    drop(twin);
    assert!(fell > most, "the twin is not noticed: {fell}");
}

#[test]
fn exch_21_two_steps_go_through_common_coins_alone() {
    let (mut world, _) = start();
    open(&mut world, &product(2, 3, 500), &[100 * LOT, 200 * LOT]);
    open(&mut world, &product(3, 4, 500), &[100 * LOT; 2]);
    let sale = offer(2, 4, LOT / 4, 1_970);
    assert_eq!(sold(&mut world, sale), [0, 0], "3 is no common coin");
    terms(&mut world, 100, &[0, 3]);
    let [paid, received] = sold(&mut world, sale);
    assert!(
        paid == LOT / 4 && received > LOT / 4 * 1_970 / 1_000,
        "{received}"
    );
    // A direct pool that is better is taken before it.
    next_block(&mut world);
    let direct = open(&mut world, &product(2, 4, 100), &[100 * LOT, 200 * LOT]);
    let before = reserves(&world, direct);
    sold(&mut world, offer(2, 4, LOT / 4, 1_970));
    assert_ne!(reserves(&world, direct), before);
}

/// Beside the best of all splits in 64 parts among three pools.
#[test]
fn exch_21_a_sale_is_split_nearly_as_well_as_can_be() {
    let mut dice = Dice::new("exch_21_a_sale_is_split_nearly_as_well_as_can_be");
    let mut worst = 10_000;
    for _ in 0..6 {
        let (mut world, _) = start();
        terms(&mut world, 1_000, &[]);
        let depths = [(); 3].map(|()| (1 + dice.below(20)) * LOT);
        let pools: Vec<PoolId> = [100, 500, 3_000]
            .into_iter()
            .zip(depths)
            .map(|(fee, depth)| open(&mut world, &product(0, 1, fee), &[depth; 2]))
            .collect();
        let whole = depths.iter().sum::<u128>() / 64 / (1 + dice.below(4));
        let parts = 64;
        let of = |world: &mut World, place: usize, part: u128| {
            if part == 0 {
                return 0;
            }
            let legs = [leg(pools[place], 0, 1, whole * part / parts)];
            let bounds = bounds(0, whole, 1, 0);
            let cx = &mut world.store.frame(ROOM, ROOM);
            let quoted = exchange::quote(cx, &legs, bounds);
            quoted.expect("quotes").received.get()
        };
        let table: Vec<Vec<u128>> = (0..3)
            .map(|place| {
                (0..=parts)
                    .map(|part| of(&mut world, place, part))
                    .collect()
            })
            .collect();
        let index = |part: u128| usize::try_from(part).expect("small");
        let mut best = 0;
        for one in 0..=parts {
            for two in 0..=parts - one {
                let three = parts - one - two;
                let sum = table[0][index(one)] + table[1][index(two)] + table[2][index(three)];
                best = best.max(sum);
            }
        }
        let [paid, received] = sold(&mut world, offer(0, 1, whole, 500));
        assert_eq!(paid, whole);
        worst = worst.min(received * 10_000 / best);
        assert!(received * 10_000 >= best * 9_975, "{received} of {best}");
    }
    println!("at worst {worst} parts of 10000 of the best split");
}

#[test]
fn exch_23_a_pool_that_is_paused_or_damaged_holds_up_none() {
    let (mut world, _) = start();
    let bad = open(&mut world, &product(0, 1, 100), &[100 * LOT; 2]);
    let good = open(&mut world, &product(0, 1, 3_000), &[100 * LOT; 2]);
    let sale = offer(0, 1, LOT / 4, 990);
    world.ok(OWNER, ADDRESS, &pausePoolCall { poolId: bad.get() });
    let before = reserves(&world, bad);
    assert_eq!(sold(&mut world, sale)[0], LOT / 4);
    assert_eq!(reserves(&world, bad), before);
    next_block(&mut world);
    // Words that nobody writes, one after the other: the sale ends, and what is sold is sold at the price.
    let spoilt: Vec<U256> = {
        let words = world.store.words().filter(|(at, ..)| *at == ADDRESS);
        words.map(|(_, slot, _)| slot).collect()
    };
    let mut passed = 0;
    for slot in spoilt {
        let mut world = world.clone();
        world.store.set_word(ADDRESS, slot, U256::MAX);
        world.store.next_transaction(u64::MAX);
        let cx = &mut world.store.frame(ROOM, ROOM);
        match exchange::sell_up_to(cx, BOBS, BOBS, sale) {
            Ok(done) if done.paid.is_zero() => {}
            Ok(done) => {
                passed += 1;
                assert!(done.received >= sale.price_min.of_up(done.paid).expect("small"));
            }
            // Its own terms, or the protocol's part of fees: whoever asks goes on without it.
            Err(Halt::Fatal(_) | Halt::Revert(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(passed > 10, "{passed}");
    assert_ne!(reserves(&world, good), [100 * LOT; 2]);
}

/// The price of a search where somebody opened whatever can be opened, with marks as close as they may be.
#[test]
fn exch_23_the_work_of_a_sale_is_bounded() {
    let (mut world, _) = start();
    for fee in [100, 500, 3_000, 10_000] {
        open(&mut world, &product(0, 1, fee), &[LOT; 2]);
        open(&mut world, &product(0, 2, fee), &[LOT; 2]);
        open(&mut world, &product(1, 2, fee), &[LOT; 2]);
    }
    for amplification in 1..=7 {
        open(&mut world, &stable(&[0, 1, 2, 3], amplification), &[LOT; 4]);
    }
    for fee in [100, 500, 3_000, 10_000, 0] {
        let shape = Shape {
            curve: Curve::Range,
            ..product(0, 1, fee)
        };
        act(&mut world, |cx| {
            let root = capstan_units::tick_price::sqrt_price_at(0)?;
            let pool = exchange::create_range(cx, &shape, root)?;
            let spacing = match fee {
                100 => 1,
                3_000 => 60,
                10_000 => 200,
                _ => 10,
            };
            for step in 0..100 {
                let range = Ticks {
                    lower: -(step + 1) * spacing,
                    upper: (step + 1) * spacing,
                };
                let number = exchange::open_range(cx, pool, range)?;
                exchange::grow_range(cx, number, ALICES, [a(LOT / 1_000); 2])?;
            }
            Ok(())
        })
        .expect("opens");
    }
    terms(&mut world, 1_000, &[2, 3]);
    for units in [LOT / 1_000, LOT / 100, LOT / 10, LOT, 10 * LOT] {
        let mut world = world.clone();
        let done = act(&mut world, |cx| {
            exchange::sell_up_to(cx, BOBS, BOBS, offer(0, 1, units, 800))
        });
        let used = world.store.gas_used();
        let done = done.expect("sells");
        println!("{} of {units} sold in {used} gas", done.paid);
        assert!(!done.paid.is_zero() && used < 6_000_000, "{used}");
    }
}

#[test]
fn the_owner_sets_what_holds_for_sales_within_bounds() {
    let (mut world, _) = start();
    let told = world.view(ADDRESS, &saleTermsCall {});
    assert_eq!(
        (told.impactMaxBps, told.commonCoins),
        (SALE_IMPACT_BPS, vec![0])
    );
    terms(&mut world, 10, &[4, 1, 2]);
    let told = world.view(ADDRESS, &saleTermsCall {});
    assert_eq!((told.impactMaxBps, told.commonCoins), (10, vec![4, 1, 2]));
    let call = |impact: u16, coins: &[u32]| setSaleTermsCall {
        impactMaxBps: impact,
        commonCoins: coins.to_vec(),
    };
    for (what, value, min, max, call) in [
        ("impactMaxBps", 9, 10, 1_000, call(9, &[])),
        ("impactMaxBps", 1_001, 10, 1_000, call(1_001, &[])),
        ("number of commonCoins", 4, 0, 3, call(100, &[0, 1, 2, 3])),
    ] {
        let error = ExchangeParamOutOfRange {
            what: what.to_owned(),
            value: n(value),
            min: n(min),
            max: n(max),
        };
        world.refused(OWNER, ADDRESS, &call, &error);
    }
    let unknown = ledger::ILedger::LedgerUnknownAsset { assetId: 99 };
    world.refused(OWNER, ADDRESS, &call(100, &[99]), &unknown);
    let stranger = world.call(BOB, ADDRESS, &call(100, &[]));
    assert!(stranger.is_err_and(|halt| words(&halt).contains("AdminNotOwner")));
}

/// Random pools and sales: planned is done, no price below, no push too far, nothing left over (`check_all` runs behind each).
#[test]
fn exch_21_exch_22_random_sales() {
    let mut dice = Dice::new("exch_21_exch_22_random_sales");
    let (mut world, _) = start();
    for (low, high) in [(0, 1), (0, 2), (1, 2), (2, 3)] {
        for fee in [100, 3_000] {
            let depth = [(); 2].map(|()| (1 + dice.below(1_000)) * LOT / 10);
            open(&mut world, &product(low, high, fee), &depth);
        }
    }
    open(&mut world, &stable(&[0, 1, 3], 200), &[LOT * 50; 3]);
    terms(&mut world, 200, &[2, 0]);
    let (mut some, mut none) = (0, 0);
    for _ in 0..200 {
        let (from, to) = (
            u32::try_from(dice.below(4)).expect("small"),
            u32::try_from(dice.below(4)).expect("small"),
        );
        let sale = offer(from, to, dice.amount(10 * LOT), 1 + dice.below(3_000));
        if sold(&mut world, sale)[0] == 0 {
            none += 1;
        } else {
            some += 1;
        }
        if dice.below(3) == 0 {
            next_block(&mut world);
        }
    }
    println!("{some} sales, {none} where no pool takes any");
    assert!(some > 40 && none > 40);
}
