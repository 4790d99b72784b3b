//! Attacks on exchanges. Both coins are worth a dollar and have six decimals, so units are millionths of one.

use std::sync::atomic::{AtomicBool, Ordering};

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, PoolId, Shares};

use super::scene::{ROOM, n, signed};
use crate::{
    exchange::{self, Bounds, Curve, IExchange, Leg, Outcome, Shape, Size, Ticks},
    ledger::{self, ILedger},
    testkit::{
        ALICE, BOB, OWNER, World,
        foreign::{Token, Whim},
        words,
    },
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
    for _ in 0..2 {
        let token: Address = world.create_token(0);
        world.mint(token, OWNER, RICH * 2);
        let asset = list(&mut world, token);
        for who in [PROVIDER, THIEF] {
            fund(&mut world, asset, who);
        }
    }
    world
}

fn list(world: &mut World, token: Address) -> AssetId {
    let limit = ILedger::OutflowLimit {
        windowS: 60,
        shareBps: 10_000,
        floor: U256::ZERO,
    };
    let list = ILedger::listAssetCall { token, limit };
    AssetId::new(world.ok(OWNER, ledger::ADDRESS, &list))
}

/// Gives an account units out of the owner's wallet.
fn fund(world: &mut World, asset: AssetId, who: AccountId) {
    let funds = world.inside(ROOM, OWNER, |cx| {
        ledger::pull(cx, asset, OWNER, who, units(RICH))
    });
    funds.expect("funds");
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
    let done = world.inside(ROOM, ROOM, |cx| swap_in(cx, pool, from, size));
    let done = done.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    done.received.get()
}

fn swap_in(cx: &mut Ctx<'_>, pool: PoolId, from: u32, size: Size) -> Result<Outcome, Halt> {
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
    exchange::swap(cx, THIEF, THIEF, &[leg], bounds)
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

/// yETH, November 2025: of reserves that are far from even an iteration found no product, so their sum was what shares
/// were made of. Somebody deposits one coin until the pool is as uneven as it may be, leaves with shares for a sum that
/// is not there, and takes what is left of the others by a swap.
pub(super) fn product_cut_to_nothing() -> i128 {
    const EVEN: u128 = 1_000_000_000;
    let mut world = floor();
    let before = wealth(&mut world);
    let opened = world.inside(ROOM, ROOM, |cx| {
        let shape = shape(Curve::Stable, 100, 1);
        exchange::create(cx, PROVIDER, PROVIDER, &shape, &[units(EVEN); 2])
    });
    let (pool, _) = opened.expect("opens");
    let one_sided = [units(100 * EVEN), Assets::ZERO];
    let out = world.inside(ROOM, ROOM, |cx| {
        let (_, shares) = exchange::add(cx, pool, THIEF, THIEF, &one_sided, Shares::ZERO)?;
        exchange::remove(cx, pool, THIEF, THIEF, shares, &[Assets::ZERO; 2])
    });
    let [_, scarce] = out.expect("comes and goes")[..] else {
        panic!("two coins")
    };
    // What came of the scarce coin goes back for the other one, of which the pool has too much.
    swap(&mut world, pool, 1, Size::In(scarce));
    let after = wealth(&mut world);
    [0, 1]
        .map(|coin: usize| signed(after[coin]) - signed(before[coin]))
        .iter()
        .sum()
}

/// GMX v1, July 2025: whoever was paid back in the middle of a change was called, and found prices that were half changed.
/// Here the only code of others that runs in a deposit is that of its tokens. It moves the pool after the deposit was
/// planned, and before it is counted.
pub(super) fn reentered_between_price_and_count() -> i128 {
    const EVEN: u128 = 1_000_000_000;
    let called = AtomicBool::new(false);
    let mut world = World::new();
    world.sweep_every = 50;
    let plain: Address = world.create_token(0);
    let hooked = Token::deploy(&mut world, Whim::Honest);
    for who in [OWNER, ALICE, BOB] {
        world.mint(plain, who, RICH * 2);
        hooked.give(&mut world, who, RICH * 2);
        hooked.allow_to(&mut world, who, exchange::ADDRESS);
    }
    for token in [plain, hooked.address] {
        let asset = list(&mut world, token);
        fund(&mut world, asset, THIEF);
    }
    let wallets = |world: &World| [world.balance(plain, BOB), hooked.balance(world, BOB)];
    let sums = |world: &mut World| -> i128 {
        let (units, wallets) = (wealth(world), wallets(world));
        units.into_iter().chain(wallets).map(signed).sum()
    };
    let before = sums(&mut world);
    let open = IExchange::createPoolCall {
        shape: IExchange::Shape {
            curve: Curve::Product.number(),
            feePips: 100,
            amplification: 0,
            assets: vec![0, 1],
        },
        amounts: vec![n(EVEN); 2],
        to: ALICE,
        deadlineMs: u64::MAX,
    };
    let opened = world.ok(ALICE, exchange::ADDRESS, &open);
    let pool = PoolId::new(opened.poolId);
    hooked.calls(move |store| {
        if !called.swap(true, Ordering::Relaxed) {
            let cx = &mut store.frame(ROOM, ROOM);
            swap_in(cx, pool, 0, Size::In(units(9 * EVEN)))?;
        }
        Ok(())
    });
    let add = IExchange::addLiquidityCall {
        poolId: pool.get(),
        amountsMax: vec![n(EVEN / 2); 2],
        sharesMin: U256::ZERO,
        to: BOB,
        deadlineMs: u64::MAX,
    };
    world.ok(BOB, exchange::ADDRESS, &add);
    let bought = n(RICH) - wealth(&mut world)[0];
    assert_eq!(bought, n(9 * EVEN), "its code ran, and swapped");
    let gained = u128::try_from(wealth(&mut world)[1] - n(RICH)).expect("small");
    swap(&mut world, pool, 1, Size::In(units(gained)));
    let leave = IExchange::removeLiquidityCall {
        poolId: pool.get(),
        shares: world.balance(exchange::lp::address_of(pool), BOB),
        amountsMin: vec![U256::ZERO; 2],
        to: BOB,
        deadlineMs: u64::MAX,
    };
    world.ok(BOB, exchange::ADDRESS, &leave);
    sums(&mut world) - before
}
