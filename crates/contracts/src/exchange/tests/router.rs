//! Uniswap v2's verbs over all pools.

use super::*;
use crate::{
    erc20::IErc20,
    exchange::{
        Ticks,
        router::{self, IExchangeRouter::*, PATH_MAX},
    },
    testkit::{
        fault::check_every_fault,
        foreign::{Token, Whim},
    },
};
use alloy_sol_types::SolCall;

/// Pools of assets 0 to 2, some better than others; Bob has tokens and allowed the router.
fn routed() -> (World, Vec<Address>) {
    let (mut world, tokens) = start();
    for token in &tokens {
        world.mint(*token, BOB, RICH);
        let approve = IErc20::approveCall {
            spender: router::ADDRESS,
            value: U256::MAX,
        };
        world.ok(BOB, *token, &approve);
    }
    open(&mut world, &product(0, 1, 10_000), &[5_000_000, 5_000_000]);
    open(&mut world, &product(0, 1, 3_000), &[5_000_000, 5_000_000]);
    open(&mut world, &stable(&[0, 1], 100), &[5_000_000, 5_000_000]);
    open(&mut world, &product(1, 2, 3_000), &[4_000_000, 8_000_000]);
    (world, tokens)
}

fn exact_in(path: &[Address], amount: u128, least: u128) -> swapExactTokensForTokensCall {
    swapExactTokensForTokensCall {
        amountIn: n(amount),
        amountOutMin: n(least),
        path: path.to_vec(),
        to: CAROL,
        deadline: U256::MAX,
    }
}

fn exact_out(path: &[Address], amount: u128, most: u128) -> swapTokensForExactTokensCall {
    swapTokensForExactTokensCall {
        amountOut: n(amount),
        amountInMax: n(most),
        path: path.to_vec(),
        to: CAROL,
        deadline: U256::MAX,
    }
}

#[test]
fn exch_7_a_path_takes_the_best_pool_of_each_pair_and_pays_what_it_said() {
    let (mut world, tokens) = routed();
    let path = &tokens[..3];
    let ask = getAmountsOutCall {
        amountIn: n(100_000),
        path: path.to_vec(),
    };
    let told = world.view(router::ADDRESS, &ask);
    // The stable pool gives nearly one for one; the next step is a product's.
    assert!(told[1] > n(99_800), "{told:?}");
    let after_fee = told[1] * n(997);
    assert_eq!(
        told[2],
        after_fee * n(8_000_000) / (n(4_000_000) * n(1_000) + after_fee)
    );
    let done = world.ok(BOB, router::ADDRESS, &exact_in(path, 100_000, 1));
    assert_eq!(done, told);
    assert_eq!(world.balance(tokens[2], CAROL), told[2]);
    assert_eq!(world.balance(tokens[0], BOB), n(RICH - 100_000));
    let ask = getAmountsInCall {
        amountOut: n(50_000),
        path: path.to_vec(),
    };
    let told = world.view(router::ADDRESS, &ask);
    let done = world.ok(BOB, router::ADDRESS, &exact_out(path, 50_000, 100_000));
    assert_eq!(done, told);
    assert_eq!(done[2], n(50_000));
    assert_eq!(world.balance(tokens[0], BOB), n(RICH - 100_000) - done[0]);
}

#[test]
fn exch_9_a_paths_bounds_hold() {
    let (mut world, tokens) = routed();
    let pair = &tokens[..2];
    let out = world.view(
        router::ADDRESS,
        &getAmountsOutCall {
            amountIn: n(1_000),
            path: pair.to_vec(),
        },
    )[1];
    let least = u128::try_from(out).expect("small") + 1;
    let too_little = ExchangeReceivedTooLittle {
        assetId: 1,
        received: out,
        receivedMin: n(least),
    };
    world.refused(
        BOB,
        router::ADDRESS,
        &exact_in(pair, 1_000, least),
        &too_little,
    );
    let mut late = exact_in(pair, 1_000, 0);
    late.deadline = n(7);
    world.store.block_mut().time_ms = 7_999;
    world.ok(BOB, router::ADDRESS, &late);
    world.store.block_mut().time_ms = 8_000;
    let expired = ExchangeExpired {
        deadlineMs: 7_999,
        nowMs: 8_000,
    };
    world.refused(BOB, router::ADDRESS, &late, &expired);
    let dear = world.call(BOB, router::ADDRESS, &exact_out(pair, 1_000, 999));
    assert!(matches!(dear, Err(Halt::Revert(_))));
}

#[test]
fn exch_10_paths_that_lead_nowhere_are_refused() {
    let (mut world, tokens) = routed();
    let bad = |length: usize| RouterBadPath {
        length: U256::from(length),
        max: U256::from(PATH_MAX),
    };
    let mut check =
        |path: &[Address], error: &dyn Fn(&mut World, &swapExactTokensForTokensCall)| {
            error(&mut world, &exact_in(path, 1_000, 0));
        };
    let refused = |length| {
        move |world: &mut World, call: &swapExactTokensForTokensCall| {
            world.refused(BOB, router::ADDRESS, call, &bad(length));
        }
    };
    check(&[], &refused(0));
    check(&tokens[..1], &refused(1));
    check(&[tokens[0], tokens[0]], &refused(2));
    check(&[tokens[0], tokens[1], tokens[0]], &refused(3));
    check(&[tokens[0]; 6], &refused(6));
    check(&[tokens[0], account(0x33)], &|world, call| {
        let token = account(0x33);
        world.refused(BOB, router::ADDRESS, call, &RouterUnknownToken { token });
    });
    let (from, to) = (tokens[0], tokens[4]);
    check(&[from, to], &|world, call| {
        let none = RouterNoPool {
            tokenIn: from,
            tokenOut: to,
        };
        world.refused(BOB, router::ADDRESS, call, &none);
    });
}

#[test]
fn a_path_begins_with_a_token_that_keeps_a_fee() {
    let (mut world, tokens) = routed();
    let token = Token::deploy(&mut world, Whim::Honest);
    token.give(&mut world, BOB, RICH);
    token.allow_to(&mut world, BOB, ADDRESS);
    token.allow_to(&mut world, BOB, router::ADDRESS);
    let asset = list(&mut world, token.address);
    fund_foreign(&mut world, &token, asset);
    let shape = product(0, asset.get(), 3_000);
    open(&mut world, &shape, &[1_000_000, 1_000_000]);
    token.becomes(Whim::Fee);
    let path = [token.address, tokens[0], tokens[1]];
    let done = world.ok(BOB, router::ADDRESS, &exact_in(&path, 1_000, 1));
    assert_eq!(done[0], n(900));
    assert_eq!(world.balance(tokens[1], CAROL), done[2]);
}

/// Whoever litters a deep pool with small ranges does not take it out of the way: a path goes on where the pool stops.
#[test]
fn exch_10_a_path_goes_on_where_a_pool_stops() {
    let (mut world, tokens) = routed();
    let shape = Shape {
        curve: Curve::Range,
        fee_pips: 100,
        amplification: 0,
        assets: vec![id(0), id(1)],
    };
    let root = U256::ONE << 96_usize;
    let deep = act(&mut world, |cx| exchange::create_range(cx, &shape, root)).expect("opens");
    let place = |world: &mut World, (lower, upper), most: [u128; 2]| {
        act(world, |cx| {
            let number = exchange::open_range(cx, deep, Ticks { lower, upper })?;
            exchange::grow_range(cx, number, ALICES, most.map(a))
        })
        .expect("opens");
    };
    place(&mut world, (-5_000, 5_000), [1_000_000_000; 2]);
    let units = 20_000_000;
    for forth in [true, false] {
        let path = if forth {
            [tokens[0], tokens[1]]
        } else {
            [tokens[1], tokens[0]]
        };
        let (from, to) = if forth { (0, 1) } else { (1, 0) };
        let ask = getAmountsOutCall {
            amountIn: n(units),
            path: path.to_vec(),
        };
        let clean = world.view(router::ADDRESS, &ask)[1];
        let mut littered = world.clone();
        for near in (1..81).step_by(2) {
            let (range, most) = if forth {
                ((-near - 1, -near), [0, 1_000])
            } else {
                ((near, near + 1), [1_000, 0])
            };
            place(&mut littered, range, most);
        }
        let mut again = littered.clone();
        let alone = swap(
            &mut littered,
            CAROLS,
            &[leg(deep, from, to, units)],
            bounds(from, RICH, to, 0),
        );
        let Err(Halt::Revert(data)) = alone else {
            panic!("eighty ends are more than one leg passes: {alone:?}")
        };
        assert!(ExchangeTooFar::abi_decode(&data).is_ok());
        let told = littered.view(router::ADDRESS, &ask)[1];
        assert!(told >= clean - clean / n(10_000), "{told} of {clean}");
        let done = littered.ok(BOB, router::ADDRESS, &exact_in(&path, units, 1));
        assert_eq!(done[1], told);
        // From the other end, as if that had not been.
        let wanted = units - units / 50;
        let ask = getAmountsInCall {
            amountOut: n(wanted),
            path: path.to_vec(),
        };
        let told = again.view(router::ADDRESS, &ask);
        assert!(told[0] < n(units), "{told:?}");
        let done = again.ok(BOB, router::ADDRESS, &exact_out(&path, wanted, units));
        assert_eq!(done, told);
    }
}

/// A pool that takes a unit or two, gives nothing for them and stops there is no way, and stops nobody.
#[test]
fn exch_10_a_pool_that_stops_at_nothing_stops_nobody() {
    let (mut world, tokens) = routed();
    let shape = Shape {
        curve: Curve::Range,
        fee_pips: 100,
        amplification: 0,
        assets: vec![id(0), id(1)],
    };
    let root = U256::ONE << 96_usize;
    let ask = getAmountsOutCall {
        amountIn: n(10_000),
        path: tokens[..2].to_vec(),
    };
    let before = world.view(router::ADDRESS, &ask);
    let dust = act(&mut world, |cx| exchange::create_range(cx, &shape, root)).expect("opens");
    let placed = act(&mut world, |cx| {
        let (lower, upper) = (-10, -5);
        let number = exchange::open_range(cx, dust, Ticks { lower, upper })?;
        exchange::grow_range(cx, number, ALICES, [a(0), a(1)])
    });
    assert!(placed.is_ok(), "{placed:?}");
    let legs = [leg(dust, 0, 1, 10_000)];
    let alone = swap(&mut world, CAROLS, &legs, bounds(0, RICH, 1, 0));
    let Err(Halt::Revert(data)) = alone else {
        panic!("it stops: {alone:?}")
    };
    let stopped = ExchangeTooFar::abi_decode(&data).expect("too far");
    assert!(!stopped.swapped.is_zero(), "at something");
    assert_eq!(world.view(router::ADDRESS, &ask), before);
}

/// Gives Alice's account units of a foreign token.
fn fund_foreign(world: &mut World, token: &Token, asset: AssetId) {
    token.give(world, OWNER, RICH);
    fund(world, asset, ALICES, RICH / 2);
}

#[test]
fn nothing_is_left_of_a_path_that_breaks() {
    let (world, tokens) = routed();
    let call = exact_out(&tokens[..3], 5_000, 100_000);
    check_every_fault(&world, BOB, router::ADDRESS, &call.abi_encode());
}
