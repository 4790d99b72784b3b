//! Storage that breaks an invariant, and the id that says so: a check that cannot fail checks nothing.

use capstan_units::{Bps, tick_price::sqrt_price_at};

use super::*;
use crate::{
    exchange::{
        Ticks, nft,
        pool::STATE,
        state::{Pair, ProtocolShare},
    },
    invariant::check_all,
};

/// A product pool, a stable pool with LP tokens in a wallet, and a pool of ranges with one position.
fn world() -> World {
    let (mut world, tokens) = start();
    for token in &tokens {
        world.mint(*token, BOB, RICH);
    }
    open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]);
    let create = createPoolCall {
        shape: abi(&stable(&[0, 1, 2], 100)),
        amounts: vec![n(5_000_000); 3],
        to: BOB,
        deadlineMs: u64::MAX,
    };
    world.ok(BOB, ADDRESS, &create);
    let shape = Shape {
        curve: Curve::Range,
        ..product(0, 1, 3_000)
    };
    act(&mut world, |cx| {
        let pool = exchange::create_range(cx, &shape, sqrt_price_at(0)?)?;
        let range = Ticks {
            lower: -60,
            upper: 60,
        };
        let number = exchange::open_range(cx, pool, range)?;
        nft::mint(cx, BOB, number)?;
        exchange::grow_range(cx, number, ALICES, [a(1_000_000); 2])
    })
    .expect("opens");
    world
}

#[track_caller]
fn check(id: &str, spoil: impl FnOnce(&mut Ctx<'_>) -> Result<(), Halt>) {
    let mut world = world();
    assert_eq!(check_all(&world.store), Ok(()));
    world.store.next_transaction(u64::MAX);
    spoil(&mut world.store.frame(ADDRESS, ADDRESS)).expect("writes");
    let broken = check_all(&world.store).expect_err(id);
    assert_eq!(broken.id, id, "{broken}");
}

fn pair(low: u128, high: u128) -> Pair {
    Pair {
        touched: 0,
        low: a(low),
        high: a(high),
    }
}

const FLAT: PoolId = PoolId::new(0);
const EVEN: PoolId = PoolId::new(1);
const RANGED: PoolId = PoolId::new(2);

#[test]
fn exch_1_exch_2_exch_3_every_check_of_shares_can_fail() {
    check("EXCH-1", |cx| {
        STATE
            .reserves
            .at((FLAT, false))
            .save(cx, &pair(50_000_000, 1))
    });
    check("EXCH-1", |cx| STATE.protocol_fees.at(id(3)).add(cx, a(1)));
    check("EXCH-2", |cx| {
        STATE.reserves.at((FLAT, false)).save(cx, &pair(0, 1))
    });
    check("EXCH-2", |cx| STATE.shares.at((FLAT, BOBS)).add(cx, s(1)));
    check("EXCH-2", |cx| {
        STATE.shares.at((PoolId::new(9), BOBS)).add(cx, s(1))
    });
    check("EXCH-2", |cx| {
        STATE.total_shares.at(FLAT).add(cx, s(1))?;
        STATE.shares.at((FLAT, exchange::LOCKED)).add(cx, s(1))
    });
    check("EXCH-3", |cx| {
        STATE.total_shares.at(EVEN).add(cx, s(1))?;
        STATE
            .shares
            .at((EVEN, lp::account_of(lp::address_of(EVEN))))
            .add(cx, s(1))
    });
}

#[test]
fn exch_10_exch_11_exch_13_every_check_of_settings_can_fail() {
    check("EXCH-10", |cx| {
        STATE.reserves.at((EVEN, true)).save(cx, &pair(1, 0))
    });
    check("EXCH-11", |cx| {
        let share = ProtocolShare {
            present: Bps::new(2_501)?,
            next: Bps::ZERO,
            next_from_ms: 0,
        };
        STATE.protocol_share.save(cx, &share)
    });
    check("EXCH-13", |cx| {
        STATE.pool_of.at(product(0, 1, 3_000).key()).save(cx, 2)
    });
}

#[test]
fn exch_14_exch_15_exch_16_exch_17_every_check_of_ranges_can_fail() {
    check("EXCH-14", |cx| {
        STATE
            .reserves
            .at((RANGED, false))
            .save(cx, &pair(999_000, 1_000_000))
    });
    check("EXCH-15", |cx| nft::mint(cx, BOB, 1));
    check("EXCH-16", |cx| STATE.liquidity.at(RANGED).save(cx, 1));
    check("EXCH-16", |cx| {
        STATE.tick_marks.at((RANGED, 1 << 14)).save(cx, U256::ZERO)
    });
    check("EXCH-16", |cx| {
        STATE.ranges.at(RANGED).update(cx, |range| {
            range.tick += 1;
            Ok(())
        })?;
        Ok(())
    });
    check("EXCH-17", |cx| {
        let shape = Shape {
            curve: Curve::Range,
            ..product(0, 1, 20_000)
        };
        STATE.configs.at(RANGED).update(cx, |config| {
            config.fee_pips = 20_000;
            Ok(())
        })?;
        STATE.pool_of.at(shape.key()).save(cx, 3)
    });
}
