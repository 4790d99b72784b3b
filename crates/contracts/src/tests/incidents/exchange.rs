//! Attacks on exchanges. Both coins are worth a dollar and have six decimals, so units are millionths of one.

use alloy_primitives::{Address, U256};
use capstan_units::{AccountId, AssetId, Assets, PoolId};

use super::scene::{ROOM, n, signed};
use crate::{
    exchange::{self, Bounds, Curve, IExchange, Leg, Shape, Size, Ticks},
    ledger::{self, ILedger},
    testkit::{ALICE, BOB, OWNER, World, words},
};

const PROVIDER: AccountId = AccountId::new(ALICE, 0);
const THIEF: AccountId = AccountId::new(BOB, 0);
/// What both have of each coin.
const RICH: u128 = 1_000_000_000_000;

fn units(amount: u128) -> Assets {
    Assets::new(amount).expect("in range")
}

/// Two coins, of which the provider and the thief have plenty in accounts.
fn floor() -> World {
    let mut world = World::new();
    world.sweep_every = 50;
    for number in 0..2 {
        let token: Address = world.create_token(0);
        world.mint(token, OWNER, RICH * 2);
        let limit = ILedger::OutflowLimit {
            windowS: 60,
            shareBps: 10_000,
            floor: U256::ZERO,
        };
        let list = ILedger::listAssetCall { token, limit };
        world.ok(OWNER, ledger::ADDRESS, &list);
        for who in [PROVIDER, THIEF] {
            let funds = world.inside(ROOM, OWNER, |cx| {
                ledger::pull(cx, AssetId::new(number), OWNER, who, units(RICH))
            });
            funds.expect("funds");
        }
    }
    world
}

fn shape(curve: Curve, fee_pips: u32, amplification: u32) -> Shape {
    Shape {
        curve,
        fee_pips,
        amplification,
        assets: vec![AssetId::new(0), AssetId::new(1)],
    }
}

/// The thief swaps; answers what he received.
fn swap(world: &mut World, pool: PoolId, from: u32, size: Size) -> u128 {
    let leg = Leg {
        pool,
        asset_in: AssetId::new(from),
        asset_out: AssetId::new(1 - from),
        size,
    };
    let bounds = Bounds {
        asset_in: leg.asset_in,
        paid_max: units(RICH),
        asset_out: leg.asset_out,
        received_min: Assets::ZERO,
    };
    let done = world.inside(ROOM, ROOM, |cx| {
        exchange::swap(cx, THIEF, THIEF, &[leg], bounds)
    });
    let done = done.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    done.received.get()
}

fn wealth(world: &mut World) -> [U256; 2] {
    [0, 1].map(|asset| {
        let free = world.inside(ROOM, ROOM, |cx| {
            ledger::free(cx, AssetId::new(asset), THIEF)
        });
        free.expect("reads").to_u256()
    })
}

/// Balancer, November 2025: a batch drains a coin to a few hundred units, takes it in scraps of which scaling loses
/// most, puts what is gone back in one piece, and again.
pub(super) fn scraps_of_exact_output() -> i128 {
    const EVEN: u128 = 100_000;
    const DRAINED: u128 = 300;
    const SCRAP: u128 = 31;
    let mut world = floor();
    let opened = world.inside(ROOM, ROOM, |cx| {
        let shape = shape(Curve::Stable, 100, 50);
        exchange::create(cx, PROVIDER, PROVIDER, &shape, &[units(EVEN); 2])
    });
    let (pool, _) = opened.expect("opens");
    let left = |world: &World| {
        let call = IExchange::poolCall { poolId: pool.get() };
        let pool = world.view(exchange::ADDRESS, &call);
        u128::try_from(pool.reserves[1]).expect("small")
    };
    let [before0, before1] = wealth(&mut world);
    swap(&mut world, pool, 0, Size::Out(units(EVEN - DRAINED)));
    for _ in 0..30 {
        while left(&world) >= DRAINED / 2 + SCRAP {
            swap(&mut world, pool, 0, Size::Out(units(SCRAP)));
        }
        let gone = DRAINED - left(&world);
        swap(&mut world, pool, 1, Size::In(units(gone)));
    }
    let took = wealth(&mut world)[1] - before1;
    let took = units(u128::try_from(took).expect("small"));
    swap(&mut world, pool, 1, Size::In(took));
    signed(wealth(&mut world)[0]) - signed(before0)
}

/// KyberSwap, November 2023: a swap ends beyond the end of a range whose liquidity is not taken off, and on the way back
/// it is added again. There and back gains what twice the liquidity sells too cheap.
pub(super) fn end_of_a_range_forgotten() -> i128 {
    const AMOUNT: u128 = 1_500_000_000;
    let mut world = floor();
    let opened = world.inside(ROOM, ROOM, |cx| {
        let shape = shape(Curve::Range, 500, 0);
        let pool = exchange::create_range(cx, &shape, n(1) << 96_usize)?;
        for (lower, upper) in [(-5_000, 5_000), (-1_000, 1_000)] {
            let number = exchange::open_range(cx, pool, Ticks { lower, upper })?;
            exchange::grow_range(cx, number, PROVIDER, [units(1_000_000_000); 2])?;
        }
        Ok(pool)
    });
    let pool = opened.expect("opens");
    let there = swap(&mut world, pool, 0, Size::In(units(AMOUNT)));
    let back = swap(&mut world, pool, 1, Size::In(units(there)));
    signed(n(back)) - signed(n(AMOUNT))
}
