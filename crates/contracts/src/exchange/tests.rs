//! Pools in a world: verbs, errors, prices through time, faults, random steps.

mod asked;
mod attacks;
mod damage;
mod model;
mod prices;
mod ranges;
mod router;
mod sale;
mod wallet;

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolError;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, PoolId, Shares};

use super::{
    ADDRESS, Bounds, Curve, IExchange, IExchange::*, LOCKED_SHARES, Leg, Outcome, Shape, Size, lp,
};
use crate::{
    exchange,
    ledger::{self, ILedger},
    testkit::{ALICE, BOB, CAROL, OWNER, World, account, fault::check_every_fault_of, words},
};

/// A native contract that moves units of accounts, as the account room does.
const ROOM: Address = account(0x77);
const ALICES: AccountId = AccountId::new(ALICE, 0);
const BOBS: AccountId = AccountId::new(BOB, 3);
const CAROLS: AccountId = AccountId::new(CAROL, 1);
/// What each of them begins with, of each asset.
const RICH: u128 = 1_000_000_000_000_000;
/// How many assets there are.
const ASSETS: u32 = 5;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn a(value: u128) -> Assets {
    Assets::new(value).expect("in range")
}

fn s(value: u128) -> Shares {
    Shares::new(value).expect("in range")
}

fn id(number: u32) -> AssetId {
    AssetId::new(number)
}

fn list(world: &mut World, token: Address) -> AssetId {
    let limit = ILedger::OutflowLimit {
        windowS: 60,
        shareBps: 10_000,
        floor: n(Assets::MAX.get()),
    };
    let list = ILedger::listAssetCall { token, limit };
    AssetId::new(world.ok(OWNER, ledger::ADDRESS, &list))
}

fn fund(world: &mut World, id: AssetId, who: AccountId, units: u128) {
    let pulled = world.inside(ROOM, OWNER, |cx| ledger::pull(cx, id, OWNER, who, a(units)));
    assert_eq!(pulled, Ok(a(units)));
}

/// Assets 0 to 4 of 6 decimals each, of which everybody has plenty in an account; answers their tokens.
fn start() -> (World, Vec<Address>) {
    let mut world = World::new();
    let tokens: Vec<_> = (0..ASSETS).map(|_| world.create_token(0)).collect();
    for token in &tokens {
        world.mint(*token, OWNER, RICH * 1_000_000);
        let id = list(&mut world, *token);
        for who in [ALICES, BOBS, CAROLS] {
            fund(&mut world, id, who, RICH);
        }
    }
    (world, tokens)
}

fn product(low: u32, high: u32, fee_pips: u32) -> Shape {
    Shape {
        curve: Curve::Product,
        fee_pips,
        amplification: 0,
        assets: vec![id(low), id(high)],
    }
}

fn stable(assets: &[u32], amplification: u32) -> Shape {
    Shape {
        curve: Curve::Stable,
        fee_pips: 100,
        amplification,
        assets: assets.iter().copied().map(id).collect(),
    }
}

fn act<R>(
    world: &mut World,
    verb: impl FnOnce(&mut Ctx<'_>) -> Result<R, Halt>,
) -> Result<R, Halt> {
    world.inside(ROOM, ROOM, verb)
}

#[track_caller]
fn open(world: &mut World, shape: &Shape, amounts: &[u128]) -> PoolId {
    let amounts: Vec<_> = amounts.iter().copied().map(a).collect();
    let made = act(world, |cx| {
        exchange::create(cx, ALICES, ALICES, shape, &amounts)
    });
    match made {
        Ok((pool, _)) => pool,
        Err(halt) => panic!("{}", words(&halt)),
    }
}

/// A leg that swaps `units` in.
fn leg(pool: PoolId, from: u32, to: u32, units: u128) -> Leg {
    Leg {
        pool,
        asset_in: id(from),
        asset_out: id(to),
        size: Size::In(a(units)),
    }
}

fn sized(leg: Leg, size: Size) -> Leg {
    Leg { size, ..leg }
}

fn bounds(from: u32, most: u128, to: u32, least: u128) -> Bounds {
    Bounds {
        asset_in: id(from),
        paid_max: a(most),
        asset_out: id(to),
        received_min: a(least),
    }
}

fn swap(world: &mut World, who: AccountId, legs: &[Leg], bounds: Bounds) -> Result<Outcome, Halt> {
    act(world, |cx| exchange::swap(cx, who, who, legs, bounds))
}

fn free(world: &mut World, asset: u32, who: AccountId) -> u128 {
    act(world, |cx| ledger::free(cx, id(asset), who))
        .expect("reads")
        .get()
}

fn reserves(world: &World, pool: PoolId) -> Vec<u128> {
    let pool = world.view(ADDRESS, &poolCall { poolId: pool.get() });
    let narrow = |reserve: &U256| u128::try_from(*reserve).expect("in range");
    pool.reserves.iter().map(narrow).collect()
}

fn shares(world: &World, pool: PoolId, who: AccountId) -> u128 {
    let of = sharesOfCall {
        poolId: pool.get(),
        owner: who.owner,
        index: who.index,
    };
    u128::try_from(world.view(ADDRESS, &of).shares).expect("in range")
}

#[track_caller]
fn refuses<R: core::fmt::Debug>(
    world: &mut World,
    error: &impl SolError,
    verb: impl FnOnce(&mut World) -> Result<R, Halt>,
) {
    let before = world.state();
    let halt = verb(world).expect_err("refused");
    assert_eq!(halt, Halt::revert(error), "{}", words(&halt));
    assert_eq!(world.state(), before, "left traces");
}

fn abi(shape: &Shape) -> IExchange::Shape {
    shape.to_abi()
}

#[test]
fn exch_1_a_swap_moves_net_units_and_the_vault_holds_them() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]);
    assert_eq!(reserves(&world, pool), [5_000_000, 7_000_000]);
    let out = 1_000 * 997 * 7_000_000 / (5_000_000 * 1_000 + 1_000 * 997);
    let done = swap(
        &mut world,
        BOBS,
        &[leg(pool, 0, 1, 1_000)],
        bounds(0, 1_000, 1, out),
    );
    let wanted = Outcome {
        paid: a(1_000),
        received: a(out),
    };
    assert_eq!(done, Ok(wanted));
    assert_eq!(reserves(&world, pool), [5_001_000, 7_000_000 - out]);
    assert_eq!(free(&mut world, 0, BOBS), RICH - 1_000);
    assert_eq!(free(&mut world, 1, BOBS), RICH + out);
    assert_eq!(free(&mut world, 0, exchange::VAULT), 5_001_000);
    assert_eq!(free(&mut world, 1, exchange::VAULT), 7_000_000 - out);
}

#[test]
fn exch_2_the_first_deposit_makes_what_the_curve_says_less_what_stays() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 3_000), &[4_000_000, 9_000_000]);
    assert_eq!(shares(&world, pool, ALICES), 6_000_000 - LOCKED_SHARES);
    assert_eq!(shares(&world, pool, exchange::LOCKED), LOCKED_SHARES);
    let all = s(6_000_000 - LOCKED_SHARES);
    let none = [Assets::ZERO; 2];
    let left = act(&mut world, |cx| {
        exchange::remove(cx, pool, ALICES, ALICES, all, &none)
    });
    assert_eq!(left, Ok(vec![a(3_999_333), a(8_998_500)]));
    assert_eq!(reserves(&world, pool), [667, 1_500]);
    // Three coins of six decimals, even: D is their sum in units of 10^-18, less the slack of its rounding.
    let three = open(&mut world, &stable(&[0, 1, 2], 100), &[1_000_000; 3]);
    let even = 3_000_000 * 10_u128.pow(12) - 1;
    assert_eq!(shares(&world, three, ALICES), even - LOCKED_SHARES);
}

#[test]
fn exch_2_a_first_deposit_below_what_stays_is_refused() {
    let (mut world, _) = start();
    for (amounts, shares) in [([1_000, 1_000], 1_000), ([1, 10], 3), ([0, 5], 0)] {
        let error = ExchangeFirstDepositTooSmall {
            shares: n(shares),
            min: n(LOCKED_SHARES),
        };
        refuses(&mut world, &error, |world| {
            let amounts = amounts.map(a);
            let shape = product(0, 1, 3_000);
            act(world, |cx| {
                exchange::create(cx, ALICES, ALICES, &shape, &amounts)
            })
        });
    }
}

#[test]
fn exch_5_liquidity_comes_and_goes_in_the_pools_ratio() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 3_000), &[1_000_003, 3_000_017]);
    let total = 1_732_058;
    let added = act(&mut world, |cx| {
        exchange::add(
            cx,
            pool,
            BOBS,
            BOBS,
            &[a(1_000), a(1_000_000)],
            Shares::ZERO,
        )
    });
    // floor(1000 * total / 1000003), and what that is of the other, up.
    let made = 1_000 * total / 1_000_003;
    let taken = |reserve: u128| (made * reserve).div_ceil(total);
    let wanted = (vec![a(taken(1_000_003)), a(taken(3_000_017))], s(made));
    assert_eq!(added, Ok(wanted));
    let too_few = ExchangeTooFewShares {
        poolId: pool.get(),
        shares: n(1_732),
        sharesMin: n(1_733),
    };
    refuses(&mut world, &too_few, |world| {
        let most = [a(1_000), a(1_000_000)];
        act(world, |cx| {
            exchange::add(cx, pool, BOBS, BOBS, &most, s(1_733))
        })
    });
    let error = ExchangeTooSmall {
        poolId: pool.get(),
        amount: n(0),
    };
    refuses(&mut world, &error, |world| {
        let most = [a(0), a(1_000_000)];
        act(world, |cx| exchange::add(cx, pool, BOBS, BOBS, &most, s(0)))
    });
}

/// One coin alone may be put into a stable pool; it pays what a swap into the ratio would have paid, and more.
#[test]
fn exch_5_exch_6_one_sided_stable_liquidity_pays_for_the_swap_that_it_is() {
    let (mut world, _) = start();
    let pool = open(&mut world, &stable(&[0, 1], 200), &[10_000_000_000; 2]);
    let most = [a(1_000_000_000), a(0)];
    let (_, made) = act(&mut world, |cx| {
        exchange::add(cx, pool, BOBS, BOBS, &most, s(0))
    })
    .expect("adds");
    let out = act(&mut world, |cx| {
        exchange::remove(cx, pool, BOBS, BOBS, made, &[a(0); 2])
    })
    .expect("removes");
    let [first, second] = out[..] else {
        panic!("two amounts")
    };
    let back = swap(
        &mut world,
        BOBS,
        &[leg(pool, 1, 0, second.get())],
        bounds(1, second.get(), 0, 0),
    );
    let back = back.expect("swaps").received.get();
    let lost = 1_000_000_000 - first.get() - back;
    assert!(lost > 30_000, "a one-sided deposit cost only {lost}");
    assert!(lost < 200_000, "a one-sided deposit cost {lost}");
    assert_eq!(free(&mut world, 1, BOBS), RICH);
}

#[test]
fn exch_7_a_quote_is_what_the_swap_does() {
    let (mut world, _) = start();
    let first = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]);
    let second = open(&mut world, &stable(&[1, 2, 3], 100), &[9_000_000; 3]);
    let third = open(&mut world, &product(0, 1, 500), &[2_000_000, 3_000_000]);
    let routes: [(Vec<Leg>, Bounds); 4] = [
        (vec![leg(first, 0, 1, 1_000)], bounds(0, 1_000, 1, 0)),
        (
            vec![
                leg(first, 0, 1, 70_000),
                leg(third, 0, 1, 30_000),
                sized(leg(second, 1, 3, 0), Size::InAll),
            ],
            bounds(0, 100_000, 3, 0),
        ),
        (
            vec![
                sized(leg(second, 1, 2, 0), Size::Out(a(50_000))),
                sized(leg(first, 0, 1, 0), Size::OutOwed),
            ],
            bounds(0, 100_000, 2, 50_000),
        ),
        // Around a circle: what comes back is less than what went in.
        (
            vec![
                leg(first, 0, 1, 1_000),
                sized(leg(third, 1, 0, 0), Size::InAll),
            ],
            bounds(0, 1_000, 0, 0),
        ),
    ];
    for (legs, bounds) in routes {
        let quoted = act(&mut world, |cx| exchange::quote(cx, &legs, bounds)).expect("quotes");
        assert!(!quoted.paid.is_zero());
        let before = free(&mut world, 1, BOBS);
        assert_eq!(swap(&mut world, BOBS, &legs, bounds), Ok(quoted));
        if bounds.asset_out != id(1) {
            assert_eq!(
                free(&mut world, 1, BOBS),
                before,
                "what lies between moves nowhere"
            );
        }
    }
}

/// A circle through two pools of different prices pays who closes it, without a unit of his own.
#[test]
fn exch_9_a_circle_that_gains_needs_nothing_to_begin_with() {
    let (mut world, _) = start();
    let dear = open(&mut world, &product(0, 1, 500), &[1_000_000, 2_000_000]);
    let cheap = open(&mut world, &product(0, 1, 3_000), &[1_000_000, 1_000_000]);
    let poor = AccountId::new(account(0x99), 0);
    let legs = [
        leg(dear, 0, 1, 10_000),
        sized(leg(cheap, 1, 0, 0), Size::InAll),
    ];
    let done = swap(&mut world, poor, &legs, bounds(0, 10_000, 0, 1)).expect("swaps");
    assert!(
        done.paid.is_zero() && done.received.get() > 9_000,
        "{done:?}"
    );
    assert_eq!(free(&mut world, 0, poor), done.received.get());
}

#[test]
fn exch_9_legs_that_do_not_come_out_even_move_nothing() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]);
    let other = open(&mut world, &product(1, 2, 3_000), &[5_000_000, 7_000_000]);
    let one = leg(pool, 0, 1, 1_000);
    let out = 1_395;
    let left = ExchangeUnsettled {
        assetId: 1,
        amount: n(out),
        isOwed: false,
    };
    refuses(&mut world, &left, |w| {
        swap(w, BOBS, &[one], bounds(0, 1_000, 2, 0))
    });
    let owed = ExchangeUnsettled {
        assetId: 1,
        amount: n(1_000),
        isOwed: true,
    };
    let short = leg(other, 1, 2, 1_000);
    refuses(&mut world, &owed, |w| {
        swap(w, BOBS, &[short], bounds(0, 9_000, 2, 0))
    });
    let too_much = ExchangePaidTooMuch {
        assetId: 0,
        needed: n(1_000),
        paidMax: n(999),
    };
    refuses(&mut world, &too_much, |w| {
        swap(w, BOBS, &[one], bounds(0, 999, 1, 0))
    });
    let too_little = ExchangeReceivedTooLittle {
        assetId: 1,
        received: n(out),
        receivedMin: n(out + 1),
    };
    refuses(&mut world, &too_little, |w| {
        swap(w, BOBS, &[one], bounds(0, 1_000, 1, out + 1))
    });
    let poor = ILedger::LedgerInsufficient {
        owner: account(0x99),
        index: 0,
        assetId: 0,
        have: n(0),
        need: n(1_000),
    };
    let nobody = AccountId::new(account(0x99), 0);
    refuses(&mut world, &poor, |w| {
        swap(w, nobody, &[one], bounds(0, 1_000, 1, 0))
    });
}

#[test]
fn exch_10_bad_swaps_are_refused_by_name() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]);
    let even = open(&mut world, &stable(&[0, 1], 100), &[5_000_000; 2]);
    let all = bounds(0, RICH, 1, 0);
    let count = |count: usize| ExchangeLegCount {
        count: U256::from(count),
        max: n(16),
    };
    refuses(&mut world, &count(0), |w| swap(w, BOBS, &[], all));
    refuses(&mut world, &count(17), |w| {
        swap(w, BOBS, &[leg(pool, 0, 1, 1); 17], all)
    });
    let unknown = ExchangeUnknownPool { poolId: 9 };
    refuses(&mut world, &unknown, |w| {
        swap(w, BOBS, &[leg(PoolId::new(9), 0, 1, 1)], all)
    });
    for (from, to) in [(0, 2), (2, 0), (0, 0)] {
        let not = ExchangeNotInPool {
            poolId: 0,
            assetIn: from,
            assetOut: to,
        };
        refuses(&mut world, &not, |w| {
            swap(w, BOBS, &[leg(pool, from, to, 1)], all)
        });
    }
    refuses(&mut world, &ExchangeZeroAmount {}, |w| {
        swap(w, BOBS, &[leg(pool, 0, 1, 0)], all)
    });
    let nothing = ExchangeTooSmall {
        poolId: 0,
        amount: n(1),
    };
    refuses(&mut world, &nothing, |w| {
        swap(w, BOBS, &[leg(pool, 1, 0, 1)], bounds(1, 1, 0, 0))
    });
    for pool in [pool, even] {
        let [_, reserve] = reserves(&world, pool)[..] else {
            panic!("two reserves")
        };
        let too_much = ExchangeTooMuch {
            poolId: pool.get(),
            assetId: 1,
            wanted: n(reserve),
            reserve: n(reserve),
        };
        let drain = sized(leg(pool, 0, 1, 0), Size::Out(a(reserve)));
        refuses(&mut world, &too_much, |w| swap(w, BOBS, &[drain], all));
    }
    // A stable pool stays in the range in which its curve is exact.
    let wild = sized(leg(even, 0, 1, 0), Size::Out(a(4_999_999)));
    let unbalanced = ExchangeUnbalanced {
        poolId: even.get(),
        least: n(10).pow(n(12)),
        most: n(5_000_000) * n(10).pow(n(12)),
    };
    refuses(&mut world, &unbalanced, |w| swap(w, BOBS, &[wild], all));
}

#[test]
fn exch_11_the_protocol_takes_its_part_of_the_fee_and_no_more() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 10_000), &[5_000_000, 7_000_000]);
    let set = |share_bps| setProtocolShareCall {
        shareBps: share_bps,
    };
    world.ok(OWNER, ADDRESS, &set(2_500));
    let out_of_range = ExchangeParamOutOfRange {
        what: "shareBps".to_owned(),
        value: n(2_501),
        min: n(0),
        max: n(2_500),
    };
    world.refused(OWNER, ADDRESS, &set(2_501), &out_of_range);
    let not_owner = crate::admin::IAdmin::AdminNotOwner {
        scope: ADDRESS,
        caller: BOB,
        owner: OWNER,
    };
    world.refused(BOB, ADDRESS, &set(0), &not_owner);
    // A larger part waits a day.
    let fees = |world: &World| world.view(ADDRESS, &protocolFeesCall { assetId: 0 });
    swap(
        &mut world,
        BOBS,
        &[leg(pool, 0, 1, 40_000)],
        bounds(0, 40_000, 1, 0),
    )
    .expect("swaps");
    assert_eq!(fees(&world), n(0));
    let now = world.view(ADDRESS, &protocolShareCall {});
    assert_eq!((now.presentBps, now.nextBps), (0, 2_500));
    world.wait_ms(86_400_000);
    let [before, _] = reserves(&world, pool)[..] else {
        panic!("two reserves")
    };
    swap(
        &mut world,
        BOBS,
        &[leg(pool, 0, 1, 40_039)],
        bounds(0, 40_039, 1, 0),
    )
    .expect("swaps");
    // A hundredth is 400.39, a quarter of that 100.0975.
    assert_eq!(fees(&world), n(100));
    assert_eq!(reserves(&world, pool)[0], before + 40_039 - 100);
    let now = world.view(ADDRESS, &protocolShareCall {});
    assert_eq!(
        (now.presentBps, now.nextBps, now.nextFromMs),
        (2_500, 2_500, 0)
    );
    // A smaller one counts at once.
    world.ok(OWNER, ADDRESS, &set(0));
    swap(
        &mut world,
        BOBS,
        &[leg(pool, 0, 1, 40_000)],
        bounds(0, 40_000, 1, 0),
    )
    .expect("swaps");
    assert_eq!(fees(&world), n(100));
    let collect = collectProtocolFeesCall {
        assetId: 0,
        to: CAROL,
    };
    world.refused(BOB, ADDRESS, &collect, &not_owner);
    assert_eq!(world.ok(OWNER, ADDRESS, &collect), n(100));
    world.refused(OWNER, ADDRESS, &collect, &ExchangeZeroAmount {});
}

#[test]
fn exch_12_a_pause_stops_all_but_removal() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]);
    world.ok(OWNER, ADDRESS, &pausePoolCall { poolId: 0 });
    let paused = ExchangePaused { poolId: 0 };
    let one = leg(pool, 0, 1, 1_000);
    refuses(&mut world, &paused, |w| {
        swap(w, BOBS, &[one], bounds(0, 1_000, 1, 0))
    });
    refuses(&mut world, &paused, |w| {
        act(w, |cx| {
            exchange::add(cx, pool, BOBS, BOBS, &[a(1_000), a(2_000)], s(0))
        })
    });
    let removed = act(&mut world, |cx| {
        exchange::remove(cx, pool, ALICES, ALICES, s(1_000), &[a(0); 2])
    });
    assert!(removed.is_ok());
    world.ok(OWNER, ADDRESS, &unpausePoolCall { poolId: 0 });
    assert!(swap(&mut world, BOBS, &[one], bounds(0, 1_000, 1, 0)).is_ok());
    // A guard may pause, and only the owner lets go on.
    let no_guard = crate::admin::IAdmin::AdminMissingRole {
        scope: ADDRESS,
        role: crate::admin::GUARD,
        account: BOB,
    };
    world.refused(BOB, ADDRESS, &pausePoolCall { poolId: 0 }, &no_guard);
    let grant = crate::admin::IAdmin::grantRoleCall {
        scope: ADDRESS,
        role: crate::admin::GUARD,
        holder: BOB,
        expiresMs: 0,
    };
    world.ok(OWNER, crate::admin::ADDRESS, &grant);
    world.ok(BOB, ADDRESS, &pausePoolCall { poolId: 0 });
    let not_owner = crate::admin::IAdmin::AdminNotOwner {
        scope: ADDRESS,
        caller: BOB,
        owner: OWNER,
    };
    world.refused(BOB, ADDRESS, &unpausePoolCall { poolId: 0 }, &not_owner);
    let unknown = ExchangeUnknownPool { poolId: 5 };
    world.refused(OWNER, ADDRESS, &pausePoolCall { poolId: 5 }, &unknown);
}

#[test]
fn exch_13_one_pool_of_each_shape() {
    let (mut world, _) = start();
    let shape = product(0, 1, 3_000);
    open(&mut world, &shape, &[5_000_000, 7_000_000]);
    let there = ExchangePoolExists { poolId: 0 };
    refuses(&mut world, &there, |w| {
        act(w, |cx| {
            exchange::create(cx, BOBS, BOBS, &shape, &[a(9_000), a(9_000)])
        })
    });
    open(&mut world, &product(0, 1, 500), &[5_000_000, 7_000_000]);
    open(&mut world, &stable(&[0, 1], 100), &[5_000_000; 2]);
    open(&mut world, &stable(&[0, 1], 200), &[5_000_000; 2]);
    open(&mut world, &stable(&[0, 1, 2, 3], 200), &[5_000_000; 4]);
    let found = world.view(ADDRESS, &poolOfCall { shape: abi(&shape) });
    assert_eq!((found.exists, found.poolId), (true, 0));
    let pair = poolsOfCall {
        assetA: 1,
        assetB: 0,
    };
    assert_eq!(world.view(ADDRESS, &pair), [0, 1, 2, 3, 4]);
    let pair = poolsOfCall {
        assetA: 2,
        assetB: 3,
    };
    assert_eq!(world.view(ADDRESS, &pair), [4]);
    assert_eq!(world.view(ADDRESS, &poolCountCall {}), 5);
}

/// Stable shapes are many; they leave room in the list of a pair for every product pool.
#[test]
fn exch_13_stable_pools_do_not_crowd_a_pair_out() {
    let (mut world, _) = start();
    for amplification in 1..=9 {
        open(&mut world, &stable(&[0, 1], amplification), &[5_000_000; 2]);
    }
    for fee_pips in exchange::FEE_TIERS_PIPS {
        open(&mut world, &product(0, 1, fee_pips), &[5_000_000; 2]);
    }
    let pair = poolsOfCall {
        assetA: 0,
        assetB: 1,
    };
    assert_eq!(
        world.view(ADDRESS, &pair),
        [0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12]
    );
}

fn listed(world: &World) -> Vec<u32> {
    let pair = poolsOfCall {
        assetA: 0,
        assetB: 1,
    };
    world.view(ADDRESS, &pair)
}

/// A stable pool that holds more of a pair takes the place of the one that holds least when anybody says so: being first
/// is no place for ever.
#[test]
fn exch_13_deeper_stable_pools_replace_listed_ones_of_less() {
    let (mut world, _) = start();
    for amplification in 1..=7 {
        open(&mut world, &stable(&[0, 1], amplification), &[5_000_000; 2]);
    }
    // One-sided depth is none: what counts is the coin of which there is less.
    let uneven = [4_999_999, 9_000_000];
    open(&mut world, &stable(&[0, 1], 8), &uneven);
    open(&mut world, &stable(&[0, 1], 9), &[5_000_001; 2]);
    assert_eq!(listed(&world), [0, 1, 2, 3, 4, 5, 6]);
    world.wait_ms(250);
    assert!(world.ok(CAROL, ADDRESS, &listPoolCall { poolId: 8 }));
    assert_eq!(listed(&world), [8, 1, 2, 3, 4, 5, 6]);
    let say = listPoolCall { poolId: 7 };
    assert!(!world.ok(CAROL, ADDRESS, &say));
    act(&mut world, |cx| {
        let most = [a(2), a(0)];
        exchange::add(cx, PoolId::new(7), BOBS, BOBS, &most, s(0))
    })
    .expect("adds");
    world.wait_ms(250);
    assert_eq!(listed(&world), [8, 1, 2, 3, 4, 5, 6]);
    assert!(world.ok(CAROL, ADDRESS, &say));
    assert_eq!(listed(&world), [8, 7, 2, 3, 4, 5, 6]);
    assert!(!world.ok(CAROL, ADDRESS, &say), "it stands there already");
    let unknown = ExchangeUnknownPool { poolId: 99 };
    world.refused(CAROL, ADDRESS, &listPoolCall { poolId: 99 }, &unknown);
}

/// EXCH-24: money for a moment changes no list: neither lent to a pool, at its birth or later, nor swapped through the one
/// that stands there.
#[test]
fn exch_24_depth_counts_as_the_last_block_left_it() {
    let (mut world, _) = start();
    for amplification in 1..=7 {
        open(&mut world, &stable(&[0, 1], amplification), &[5_000_000; 2]);
    }
    world.wait_ms(250);
    let (lent, before) = ([a(90_000_000); 2], [0, 1, 2, 3, 4, 5, 6]);
    let moved = |pool: u32| ExchangeMovedNow { poolId: pool };
    let say = |pool: u32| listPoolCall { poolId: pool };
    // A pool that is born deep, and leaves as it came.
    let shallow = open(&mut world, &stable(&[0, 1], 8), &[4_000_000; 2]);
    let add = |world: &mut World| {
        let added = act(world, |cx| {
            exchange::add(cx, shallow, BOBS, BOBS, &lent, s(0))
        });
        added.expect("adds").1
    };
    let shares = add(&mut world);
    world.refused(CAROL, ADDRESS, &say(7), &moved(7));
    let leave = |world: &mut World, shares| {
        let gone = act(world, |cx| {
            exchange::remove(cx, shallow, BOBS, BOBS, shares, &[a(0); 2])
        });
        gone.expect("leaves");
    };
    leave(&mut world, shares);
    world.wait_ms(250);
    // The same in a later block.
    let shares = add(&mut world);
    world.refused(CAROL, ADDRESS, &say(7), &moved(7));
    leave(&mut world, shares);
    assert_eq!(listed(&world), before);
    world.wait_ms(250);
    // Another's pool is swapped empty, and back: in between it holds less than this one.
    let (there, empty) = (PoolId::new(3), [leg(PoolId::new(3), 0, 1, 3_000_000)]);
    let done = swap(&mut world, BOBS, &empty, bounds(0, 3_000_000, 1, 0)).expect("swaps");
    let pool = world.view(ADDRESS, &poolCall { poolId: 3 });
    assert!(pool.reserves[1] < n(4_000_000), "{pool:?}");
    world.refused(CAROL, ADDRESS, &say(7), &moved(3));
    let back = [leg(there, 1, 0, done.received.get())];
    swap(
        &mut world,
        BOBS,
        &back,
        bounds(1, done.received.get(), 0, 0),
    )
    .expect("swaps");
    world.wait_ms(250);
    assert!(!world.ok(CAROL, ADDRESS, &say(7)), "it holds less than any");
    assert_eq!(listed(&world), before);
    // What still stands there when the block is over counts.
    add(&mut world);
    world.wait_ms(250);
    assert!(world.ok(CAROL, ADDRESS, &say(7)));
    assert!(listed(&world).contains(&7));
}

#[test]
fn exch_13_shapes_that_there_are_not() {
    let (mut world, _) = start();
    let check =
        |world: &mut World, change: &dyn Fn(&mut IExchange::Shape), what: &str, value: u128| {
            let mut shape = abi(&stable(&[0, 1], 100));
            change(&mut shape);
            let error = ExchangeBadShape {
                what: what.to_owned(),
                value: n(value),
            };
            let call = createPoolCall {
                shape,
                amounts: vec![n(5_000_000); 2],
                to: BOB,
                deadlineMs: u64::MAX,
            };
            world.refused(BOB, ADDRESS, &call, &error);
        };
    let world = &mut world;
    check(world, &|s| s.curve = 0, "curve", 0);
    check(world, &|s| s.curve = 9, "curve", 9);
    check(world, &|s| s.feePips = 0, "feePips", 0);
    check(world, &|s| s.feePips = 101, "feePips", 101);
    check(world, &|s| s.amplification = 0, "amplification", 0);
    check(
        world,
        &|s| s.amplification = 10_001,
        "amplification",
        10_001,
    );
    check(world, &|s| s.curve = 1, "amplification", 100);
    check(world, &|s| s.assets = vec![0], "number of assets", 1);
    check(
        world,
        &|s| s.assets = vec![0, 1, 2, 3, 4],
        "number of assets",
        5,
    );
    check(
        world,
        &|s| s.assets = vec![1, 0],
        "asset not in rising order",
        0,
    );
    check(
        world,
        &|s| s.assets = vec![1, 1],
        "asset not in rising order",
        1,
    );
    let unknown = ILedger::LedgerUnknownAsset { assetId: 77 };
    let call = createPoolCall {
        shape: abi(&product(0, 77, 3_000)),
        amounts: vec![n(5_000_000); 2],
        to: BOB,
        deadlineMs: u64::MAX,
    };
    refuses(world, &unknown, |w| {
        let shape = product(0, 77, 3_000);
        act(w, |cx| {
            exchange::create(cx, BOBS, BOBS, &shape, &[a(9_000), a(9_000)])
        })
    });
    assert!(world.call(BOB, ADDRESS, &call).is_err());
}

#[test]
fn shares_move_between_accounts() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 3_000), &[4_000_000, 9_000_000]);
    act(&mut world, |cx| {
        exchange::move_shares(cx, pool, ALICES, BOBS, s(5_000))
    })
    .expect("moves");
    assert_eq!(shares(&world, pool, BOBS), 5_000);
    let too_many = ExchangeInsufficientShares {
        poolId: 0,
        owner: BOB,
        index: 3,
        have: n(5_000),
        need: n(5_001),
    };
    refuses(&mut world, &too_many, |w| {
        act(w, |cx| {
            exchange::move_shares(cx, pool, BOBS, ALICES, s(5_001))
        })
    });
    refuses(&mut world, &too_many, |w| {
        act(w, |cx| {
            exchange::remove(cx, pool, BOBS, BOBS, s(5_001), &[a(0); 2])
        })
    });
    let too_little = ExchangeReceivedTooLittle {
        assetId: 1,
        received: n(7_500),
        receivedMin: n(7_501),
    };
    refuses(&mut world, &too_little, |w| {
        act(w, |cx| {
            exchange::remove(cx, pool, BOBS, BOBS, s(5_000), &[a(0), a(7_501)])
        })
    });
    let count = ExchangeAmountCount {
        count: n(1),
        assets: n(2),
    };
    refuses(&mut world, &count, |w| {
        act(w, |cx| {
            exchange::remove(cx, pool, BOBS, BOBS, s(5_000), &[a(0)])
        })
    });
}

#[test]
fn nothing_is_left_of_a_verb_that_breaks() {
    let (mut world, _) = start();
    let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]);
    let even = open(&mut world, &stable(&[1, 2, 3], 100), &[9_000_000; 3]);
    world.wait_ms(20_000);
    let (shape, amounts) = (stable(&[0, 1, 2, 3], 7), [a(9_000_000); 4]);
    check_every_fault_of(&world, ROOM, ROOM, &|cx| {
        exchange::create(cx, ALICES, BOBS, &shape, &amounts).map(drop)
    });
    check_every_fault_of(&world, ROOM, ROOM, &|cx| {
        let legs = [
            leg(pool, 0, 1, 1_000),
            sized(leg(even, 1, 3, 0), Size::InAll),
        ];
        exchange::swap(cx, BOBS, CAROLS, &legs, bounds(0, 1_000, 3, 0)).map(drop)
    });
    check_every_fault_of(&world, ROOM, ROOM, &|cx| {
        exchange::add(cx, even, BOBS, BOBS, &[a(5), a(5_000), a(0)], s(0)).map(drop)
    });
    check_every_fault_of(&world, ROOM, ROOM, &|cx| {
        exchange::remove(cx, pool, ALICES, BOBS, s(5_000), &[a(0); 2]).map(drop)
    });
}

/// Prices of swaps, in gas beside a transaction's own 21,000: printed, and held near what they are.
#[test]
fn exch_10_what_a_swap_costs() {
    let (mut world, _) = start();
    let flat = open(&mut world, &product(0, 1, 3_000), &[5_000_000; 2]);
    let even = open(&mut world, &stable(&[0, 1], 100), &[5_000_000; 2]);
    let three = open(&mut world, &stable(&[0, 1, 2], 100), &[5_000_000; 3]);
    let ranged = Shape {
        curve: Curve::Range,
        ..product(0, 1, 3_000)
    };
    let ranged = act(&mut world, |cx| {
        let pool = exchange::create_range(cx, &ranged, n(1) << 96_usize)?;
        let range = exchange::Ticks {
            lower: -600,
            upper: 600,
        };
        let number = exchange::open_range(cx, pool, range)?;
        exchange::grow_range(cx, number, ALICES, [a(5_000_000); 2])?;
        Ok(pool)
    })
    .expect("opens");
    println!(
        "pool | next of a block | first of a block | first in fifteen seconds; all with cold storage"
    );
    for (name, pool, most) in [
        ("constant product", flat, 70_000),
        ("stableswap, two", even, 80_000),
        ("stableswap, three", three, 130_000),
        ("concentrated, no end crossed", ranged, 100_000),
    ] {
        let legs = [leg(pool, 0, 1, 10_000)];
        let mut cost = |wait_ms| {
            world.wait_ms(wait_ms);
            swap(&mut world, BOBS, &legs, bounds(0, 10_000, 1, 0)).expect("swaps");
            world.store.gas_used()
        };
        cost(20_000);
        let (next, first, observed) = (cost(0), cost(1), cost(20_000));
        println!("{name} | {next} | {first} | {observed}");
        assert!(
            next < first && first < observed && observed < most,
            "{name}: {next}, {first}, {observed}"
        );
    }
}
