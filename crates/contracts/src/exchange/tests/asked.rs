//! A pool that is asked again and again answers what a quote does.

use capstan_state::{Frame, fault::FaultStore};
use capstan_units::tick_price::sqrt_price_at;

use super::*;
use crate::{
    exchange::{Asked, Exact, FEE_DYNAMIC, Ticks},
    testkit::{dice::Dice, steps},
};

/// Questions of each pool in each state of it.
const QUESTIONS: u32 = 60;

/// Both answers to one question; what is refused says why in the same words.
#[track_caller]
fn check(world: &mut World, asked: &Asked, leg: Leg) -> bool {
    let (exact, most) = match leg.size {
        Size::In(amount) => (Exact::In(amount), amount),
        Size::Out(amount) => (Exact::Out(amount), Assets::MAX),
        Size::InAll | Size::OutOwed => panic!("no question"),
    };
    let bounds = Bounds {
        asset_in: leg.asset_in,
        paid_max: most,
        asset_out: leg.asset_out,
        received_min: Assets::ZERO,
    };
    let quoted = act(world, |cx| exchange::quote(cx, &[leg], bounds));
    let answer = act(world, |cx| {
        asked.trade(cx, leg.asset_in, leg.asset_out, exact)
    });
    let told = |answer: &Result<Outcome, Halt>| answer.as_ref().map(|done| *done).map_err(words);
    assert_eq!(told(&answer), told(&quoted), "{leg:?}");
    answer.is_ok()
}

/// Liquidity in three ranges around a price, of which two end where swaps of this test come.
fn ranged(world: &mut World, fee_pips: u32) -> PoolId {
    let shape = Shape {
        curve: Curve::Range,
        fee_pips,
        amplification: 0,
        assets: vec![id(0), id(1)],
    };
    let root = sqrt_price_at(-200).expect("in range");
    let made = act(world, |cx| {
        let pool = exchange::create_range(cx, &shape, root)?;
        for (lower, upper) in [(-600, 0), (-1_200, 1_800), (-60_000, 60_000)] {
            let range = Ticks { lower, upper };
            let position = exchange::open_range(cx, pool, range)?;
            exchange::grow_range(cx, position, ALICES, [a(4_000_000), a(4_000_000)])?;
        }
        Ok(pool)
    });
    made.unwrap_or_else(|halt| panic!("{}", words(&halt)))
}

/// Pools of every curve, and how many assets each has.
fn every_kind(world: &mut World) -> Vec<(PoolId, u32)> {
    let deep = [9_000_000, 5_000_000, 7_000_000, 80_000_000];
    let mut pools = vec![
        (
            open(world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]),
            2,
        ),
        (
            open(world, &product(0, 1, 100), &[5_000_000, 700_000_000]),
            2,
        ),
    ];
    for (amplification, count) in [(100, 2), (10, 3), (2_000, 4)] {
        let assets: Vec<u32> = (0..count).collect();
        let of = usize::try_from(count).expect("small");
        let pool = open(world, &stable(&assets, amplification), &deep[..of]);
        pools.push((pool, count));
    }
    for fee_pips in [500, 3_000, FEE_DYNAMIC] {
        pools.push((ranged(world, fee_pips), 2));
    }
    pools
}

/// Asks one pool as it stands: amounts of every size, both sides, assets that it has not. Answers how many were answered.
fn ask_all(world: &mut World, dice: &mut Dice, (pool, count): (PoolId, u32)) -> u32 {
    let read = act(world, |cx| Asked::read(cx, pool));
    let asked = read.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    let mut answered = 0;
    for _ in 0..steps::asked().unwrap_or(QUESTIONS) {
        let ends: Vec<u32> = (0..=count).collect();
        let (from, to) = (dice.of(&ends), dice.of(&ends[..ends.len() - 1]));
        let units = dice.amount(100_000_000);
        let leg = leg(pool, from, to, units);
        answered += u32::from(check(world, &asked, leg));
        answered += u32::from(check(world, &asked, sized(leg, Size::Out(a(units)))));
    }
    let none = leg(pool, 0, 1, 0);
    check(world, &asked, none);
    check(world, &asked, sized(none, Size::Out(a(0))));
    answered
}

/// EXCH-7: whatever the curve, the fee's share, and whether the pool was touched in this block or long ago.
#[test]
fn exch_7_a_pool_that_is_asked_again_answers_what_a_quote_does() {
    let (mut world, _) = start();
    let pools = every_kind(&mut world);
    world.sweep_every = u32::MAX;
    let mut dice = Dice::new("exch_7_a_pool_that_is_asked_again_answers_what_a_quote_does");
    let (mut answered, mut asked) = (0, 0);
    for share_bps in [0, 1_000] {
        let set = setProtocolShareCall {
            shareBps: share_bps,
        };
        world.ok(OWNER, ADDRESS, &set);
        world.wait_ms(exchange::CHANGE_DELAY_MS);
        for pool in &pools {
            // As the last block left it; within this block, after a swap far along the curve; and a moment later.
            answered += ask_all(&mut world, &mut dice, *pool);
            let far = [leg(pool.0, 0, 1, 900_000)];
            swap(&mut world, BOBS, &far, bounds(0, RICH, 1, 0)).expect("swaps");
            answered += ask_all(&mut world, &mut dice, *pool);
            world.wait_ms(2_500);
            answered += ask_all(&mut world, &mut dice, *pool);
            let back = [leg(pool.0, 1, 0, 600_000)];
            swap(&mut world, BOBS, &back, bounds(1, RICH, 0, 0)).expect("swaps");
            asked += 3 * 2 * steps::asked().unwrap_or(QUESTIONS);
        }
    }
    println!("{answered} of {asked} questions were answered, the others refused in the same words");
    // Of the pairs that are drawn a third are no pair of a pool of two, and half of the amounts are beyond it.
    assert!(answered > asked / 8, "only {answered} of {asked}");
}

#[test]
fn a_pool_that_is_paused_or_unknown_is_asked_as_such() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]);
    world.ok(OWNER, ADDRESS, &pausePoolCall { poolId: pool.get() });
    let asked = act(&mut world, |cx| Asked::read(cx, pool)).expect("reads");
    assert!(!check(&mut world, &asked, leg(pool, 0, 1, 10)));
    let unknown = act(&mut world, |cx| Asked::read(cx, PoolId::new(99)));
    let error = ExchangeUnknownPool { poolId: 99 };
    assert_eq!(unknown.map(drop), Err(Halt::revert(&error)));
}

/// Words that something reads and writes.
fn touches(world: &mut World, verb: impl FnOnce(&mut Ctx<'_>) -> Result<(), Halt>) -> u32 {
    let frame = Frame {
        this: ROOM,
        caller: ROOM,
        value: U256::ZERO,
    };
    world.store.next_transaction(u64::MAX);
    let mut store = FaultStore::counting(&mut world.store);
    let ran = verb(&mut Ctx::new(&mut store, frame));
    ran.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    let sum = store.sum();
    sum.loads + sum.saves
}

/// A pool of reserves is read once, and asked without another word; along ranges a question reads the marks on its way. Printed.
#[test]
fn a_pool_that_is_asked_again_is_read_once() {
    let (mut world, _) = start();
    let pools = every_kind(&mut world);
    world.wait_ms(1_000);
    println!("pool | words of a quote | of reading the pool | of each question after that");
    for (number, (pool, _)) in (0..).zip(pools) {
        let one = leg(pool, 0, 1, 1_000);
        let quoted = touches(&mut world, |cx| {
            exchange::quote(cx, &[one], bounds(0, 1_000, 1, 0)).map(drop)
        });
        let mut known = None;
        let read = touches(&mut world, |cx| {
            known = Some(Asked::read(cx, pool)?);
            Ok(())
        });
        let known = known.expect("was read");
        let again = touches(&mut world, |cx| {
            let exact = Exact::In(a(1_000));
            known.trade(cx, id(0), id(1), exact).map(drop)
        });
        println!("{number} | {quoted} | {read} | {again}");
        assert!(read < quoted, "{read} of {quoted}");
        let is_of_ranges = number >= 5;
        assert!(again <= u32::from(is_of_ranges), "{again}");
    }
}
