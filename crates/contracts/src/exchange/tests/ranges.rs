//! Concentrated liquidity: positions, swaps along ranges, fees, the fee that follows the price.

use alloy_sol_types::SolCall;
use capstan_units::tick_price::sqrt_price_at;

use super::*;
use crate::{
    exchange::{FEE_DYNAMIC, STEPS_MAX, Ticks, nft, nft::IRangePosition::*},
    testkit::{
        dice::Dice,
        fault::check_every_fault,
        foreign::{Token, Whim},
    },
};

const SOON: u64 = u64::MAX;

fn ranged(fee_pips: u32) -> Shape {
    Shape {
        curve: Curve::Range,
        fee_pips,
        amplification: 0,
        assets: vec![id(0), id(1)],
    }
}

/// A pool of ranges at the price of a tick.
fn begin(world: &mut World, fee_pips: u32, tick: i32) -> PoolId {
    let root = sqrt_price_at(tick).expect("in range");
    let made = act(world, |cx| {
        exchange::create_range(cx, &ranged(fee_pips), root)
    });
    made.expect("opens")
}

/// A position of so much of each coin at most; answers its number, its liquidity and what it cost.
fn place(
    world: &mut World,
    pool: PoolId,
    who: AccountId,
    (lower, upper): (i32, i32),
    most: [u128; 2],
) -> Result<(u64, u128, [u128; 2]), Halt> {
    act(world, |cx| {
        let number = exchange::open_range(cx, pool, Ticks { lower, upper })?;
        let (cost, liquidity) = exchange::grow_range(cx, number, who, most.map(a))?;
        Ok((number, liquidity, cost.map(Assets::get)))
    })
}

fn now(world: &World, pool: PoolId) -> rangePoolReturn {
    world.view(ADDRESS, &rangePoolCall { poolId: pool.get() })
}

fn wealth(world: &mut World, who: AccountId) -> [u128; 2] {
    [free(world, 0, who), free(world, 1, who)]
}

#[test]
fn exch_14_a_position_is_made_of_both_coins_around_the_price_and_of_one_beside_it() {
    let (mut world, _) = start();
    let pool = begin(&mut world, 3_000, 0);
    let (_, _, both) = place(&mut world, pool, ALICES, (-600, 600), [1_000_000; 2]).expect("opens");
    assert!(both[0] > 999_990 && both[1] > 999_990, "{both:?}");
    let (_, _, above) = place(&mut world, pool, ALICES, (60, 600), [1_000_000; 2]).expect("opens");
    assert!(above[0] > 999_990 && above[1] == 0, "{above:?}");
    let (_, _, below) = place(&mut world, pool, ALICES, (-600, 0), [1_000_000; 2]).expect("opens");
    assert!(below[0] == 0 && below[1] > 999_990, "{below:?}");
    let held = reserves(&world, pool);
    assert_eq!(held, [both[0] + above[0], both[1] + below[1]]);
    assert_eq!(free(&mut world, 0, exchange::VAULT), held[0]);
}

#[test]
fn exch_16_a_swap_goes_through_ranges_and_back() {
    let (mut world, _) = start();
    let pool = begin(&mut world, 500, 0);
    let (_, narrow, _) =
        place(&mut world, pool, ALICES, (-100, 100), [10_000_000; 2]).expect("opens");
    let (_, wide, _) =
        place(&mut world, pool, BOBS, (-5_000, 5_000), [10_000_000; 2]).expect("opens");
    assert_eq!(now(&world, pool).liquidity, narrow + wide);
    let done = swap(
        &mut world,
        CAROLS,
        &[leg(pool, 0, 1, 12_000_000)],
        bounds(0, RICH, 1, 0),
    );
    let done = done.expect("swaps");
    let after = now(&world, pool);
    assert!(after.tick < -100, "{after:?}");
    assert_eq!(after.liquidity, wide);
    assert!(done.received.get() < 12_000_000);
    let back = sized(leg(pool, 1, 0, 0), Size::Out(a(11_900_000)));
    swap(&mut world, CAROLS, &[back], bounds(1, RICH, 0, 0)).expect("swaps");
    assert_eq!(now(&world, pool).liquidity, narrow + wide);
}

/// To the end of a range exactly, one unit less and one unit more, and back: liquidity is never counted twice
/// (KyberSwap, November 2023).
#[test]
fn exch_16_a_price_at_the_very_end_of_a_range_counts_its_liquidity_once() {
    for more in [-1_i128, 0, 1, 2] {
        for (from, end) in [(0_u32, -100), (1, 100)] {
            let (mut world, _) = start();
            let pool = begin(&mut world, 500, 0);
            place(&mut world, pool, ALICES, (-100, 100), [10_000_000; 2]).expect("opens");
            let (_, wide, _) =
                place(&mut world, pool, BOBS, (-5_000, 5_000), [10_000_000; 2]).expect("opens");
            let all = now(&world, pool).liquidity;
            // The least that reaches the end, by halving.
            let target = sqrt_price_at(end).expect("in range");
            let (mut low, mut high) = (1_u128, 15_000_000_u128);
            while high - low > 1 {
                let middle = u128::midpoint(low, high);
                let mut trial = world.clone();
                trial.sweep_every = u32::MAX;
                let legs = [leg(pool, from, 1 - from, middle)];
                swap(&mut trial, CAROLS, &legs, bounds(from, RICH, 1 - from, 0)).expect("swaps");
                let root = now(&trial, pool).sqrtPriceX96;
                let reaches = if from == 0 {
                    root <= target
                } else {
                    root >= target
                };
                if reaches {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            let units = high.checked_add_signed(more).expect("positive");
            let legs = [leg(pool, from, 1 - from, units)];
            swap(&mut world, CAROLS, &legs, bounds(from, RICH, 1 - from, 0)).expect("swaps");
            let there = now(&world, pool).liquidity;
            assert!(there == all || there == wide, "{there} of {all} and {wide}");
            let back = [leg(pool, 1 - from, from, units / 2)];
            swap(&mut world, CAROLS, &back, bounds(1 - from, RICH, from, 0)).expect("swaps");
            assert_eq!(now(&world, pool).liquidity, all);
        }
    }
}

#[test]
fn exch_14_fees_go_to_the_liquidity_that_stood_at_the_price() {
    let (mut world, _) = start();
    let pool = begin(&mut world, 10_000, 0);
    let (first, one, _) =
        place(&mut world, pool, ALICES, (-2_000, 2_000), [30_000_000; 2]).expect("opens");
    let (second, two, _) =
        place(&mut world, pool, BOBS, (-2_000, 2_000), [10_000_000; 2]).expect("opens");
    let (beside, _, _) =
        place(&mut world, pool, CAROLS, (4_000, 6_000), [10_000_000; 2]).expect("opens");
    swap(
        &mut world,
        CAROLS,
        &[leg(pool, 0, 1, 1_000_000)],
        bounds(0, RICH, 1, 0),
    )
    .expect("swaps");
    let fees = |world: &World, position| {
        world
            .view(
                ADDRESS,
                &rangeCall {
                    positionId: position,
                },
            )
            .fees
    };
    let (a_fee, b_fee) = (fees(&world, first)[0], fees(&world, second)[0]);
    // A hundredth of a million, by liquidity.
    assert!(
        a_fee + b_fee <= n(10_000) && a_fee + b_fee >= n(9_998),
        "{a_fee} {b_fee}"
    );
    assert_eq!(a_fee, n(10_000) * n(one) / n(one + two));
    assert_eq!(fees(&world, beside), [n(0), n(0)]);
    let taken = act(&mut world, |cx| {
        exchange::shrink_range(cx, first, ALICES, 0)
    })
    .expect("collects");
    assert_eq!(taken.1[0].to_u256(), a_fee);
    assert_eq!(fees(&world, first), [n(0), n(0)]);
    assert_eq!(fees(&world, second)[0], b_fee);
}

#[test]
fn exch_10_a_swap_that_finds_no_liquidity_or_too_many_ends_says_how_far_it_came() {
    let (mut world, _) = start();
    let pool = begin(&mut world, 100, 0);
    let dry = ExchangeDry {
        poolId: 0,
        swapped: n(0),
    };
    let far = |swapped| ExchangeTooFar {
        poolId: 0,
        swapped: n(swapped),
    };
    // An empty pool: the way to the end of all prices is long.
    refuses(&mut world, &far(0), |w| {
        swap(w, BOBS, &[leg(pool, 0, 1, 5)], bounds(0, RICH, 1, 0))
    });
    for tick in 0..40 {
        let range = (tick * 2 - 81, tick * 2 - 80);
        place(&mut world, pool, ALICES, range, [0, 1_000]).expect("opens");
    }
    let legs = [leg(pool, 0, 1, 36_000)];
    let done = swap(&mut world, BOBS, &legs, bounds(0, RICH, 1, 0));
    assert_eq!(STEPS_MAX, 64);
    let Err(Halt::Revert(data)) = done else {
        panic!("eighty ends are more than one swap passes: {done:?}")
    };
    let far = ExchangeTooFar::abi_decode(&data).expect("too far");
    let swapped = u128::try_from(far.swapped).expect("small");
    assert!(swapped > 25_000 && swapped < 36_000, "{swapped}");
    // What it says can be swapped, and the rest after it.
    swap(
        &mut world,
        BOBS,
        &[leg(pool, 0, 1, swapped)],
        bounds(0, RICH, 1, 0),
    )
    .expect("swaps");
    // At the end of all prices nothing is left.
    let (mut world, _) = start();
    let pool = begin(&mut world, 10_000, -887_200);
    let found = swap(
        &mut world,
        BOBS,
        &[leg(pool, 0, 1, 5)],
        bounds(0, RICH, 1, 0),
    );
    assert_eq!(found, Err(Halt::revert(&dry)));
}

#[test]
fn exch_13_ranges_and_pools_that_there_are_not() {
    let (mut world, _) = start();
    let pool = begin(&mut world, 3_000, 0);
    let flat = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]);
    for (lower, upper) in [
        (0, 0),
        (60, -60),
        (-61, 60),
        (-60, 61),
        (-900_000, 60),
        (0, 887_280),
    ] {
        let bad = ExchangeBadTicks {
            lower,
            upper,
            spacing: 60,
        };
        refuses(&mut world, &bad, |w| {
            place(w, pool, ALICES, (lower, upper), [1_000; 2])
        });
    }
    let wrong = |pool: PoolId| ExchangeWrongCurve { poolId: pool.get() };
    refuses(&mut world, &wrong(flat), |w| {
        place(w, flat, ALICES, (-60, 60), [1_000; 2])
    });
    refuses(&mut world, &wrong(pool), |w| {
        act(w, |cx| {
            exchange::add(cx, pool, BOBS, BOBS, &[a(1_000); 2], s(0))
        })
    });
    refuses(&mut world, &wrong(pool), |w| {
        act(w, |cx| {
            exchange::remove(cx, pool, BOBS, BOBS, s(1), &[a(0); 2])
        })
    });
    refuses(&mut world, &ExchangePoolExists { poolId: 0 }, |w| {
        act(w, |cx| {
            exchange::create_range(cx, &ranged(3_000), n(1) << 96_usize)
        })
    });
    let bad = ExchangeBadPrice {
        sqrtPriceX96: n(5),
        min: capstan_units::tick_price::SQRT_PRICE_MIN,
        max: capstan_units::tick_price::SQRT_PRICE_MAX,
    };
    refuses(&mut world, &bad, |w| {
        act(w, |cx| exchange::create_range(cx, &ranged(500), n(5)))
    });
    let unknown = ExchangeUnknownPosition { positionId: 3 };
    refuses(&mut world, &unknown, |w| {
        act(w, |cx| exchange::shrink_range(cx, 3, ALICES, 0))
    });
    let small = ExchangeTooSmall {
        poolId: 0,
        amount: n(2),
    };
    refuses(&mut world, &small, |w| {
        place(w, pool, ALICES, (-60, 60), [2, 2])
    });
    let (number, liquidity, _) =
        place(&mut world, pool, ALICES, (-60, 60), [5_000; 2]).expect("opens");
    let too_much = ExchangeTooMuchLiquidity {
        poolId: 0,
        liquidity: n(liquidity + 1),
        most: n(liquidity),
    };
    refuses(&mut world, &too_much, |w| {
        act(w, |cx| {
            exchange::shrink_range(cx, number, ALICES, liquidity + 1)
        })
    });
}

#[test]
fn exch_17_a_dynamic_fee_rises_with_the_swing_between_blocks_and_fades() {
    let (mut world, _) = start();
    let pool = begin(&mut world, FEE_DYNAMIC, 0);
    place(
        &mut world,
        pool,
        ALICES,
        (-20_000, 20_000),
        [100_000_000; 2],
    )
    .expect("opens");
    world.wait_ms(250);
    let fee = |world: &World| now(world, pool).feePips;
    assert_eq!(fee(&world), 500);
    let swing = |world: &mut World, units| {
        swap(
            world,
            BOBS,
            &[leg(pool, 0, 1, units)],
            bounds(0, RICH, 1, 0),
        )
        .expect("swaps")
    };
    swing(&mut world, 2_000_000);
    let moved = now(&world, pool).tick.unsigned_abs();
    assert!(moved > 100);
    // Within the block nothing has changed; in the next, its first touch counts what the last one did.
    swing(&mut world, 1_000);
    assert_eq!(fee(&world), 500);
    world.wait_ms(250);
    let risen = fee(&world);
    swing(&mut world, 1_000);
    assert_eq!(fee(&world), risen, "told before it was paid");
    assert!(
        risen >= 500 + moved * 10 - 10 && risen <= 500 + moved * 10 + 10,
        "{risen} after {moved}"
    );
    // In a half-life half of it is gone; a wild price pays the most.
    world.wait_ms(exchange::HALF_LIFE_MS);
    swing(&mut world, 1_000);
    let faded = fee(&world);
    assert!(
        faded.abs_diff(500 + (risen - 500) / 2) <= 2,
        "{faded} after {risen}"
    );
    swing(&mut world, 60_000_000);
    world.wait_ms(250);
    swing(&mut world, 1_000);
    assert!(fee(&world) > 9_990, "{}", fee(&world));
    // However wild it was, and whether or not anybody came by meanwhile: in eight half-lives nearly all is forgotten.
    world.wait_ms(8 * exchange::HALF_LIFE_MS);
    assert!(fee(&world) < 540, "{}", fee(&world));
    swing(&mut world, 1_000);
    assert!(fee(&world) < 540, "{}", fee(&world));
}

/// Shapes without reserves cost nothing to open: they take no place from stable pools.
#[test]
fn exch_13_ranges_do_not_crowd_stable_pools_out() {
    let (mut world, _) = start();
    let fees = exchange::FEE_TIERS_PIPS.into_iter().chain([FEE_DYNAMIC]);
    for fee_pips in fees {
        begin(&mut world, fee_pips, 0);
    }
    for fee_pips in exchange::FEE_TIERS_PIPS {
        open(&mut world, &product(0, 1, fee_pips), &[5_000_000; 2]);
    }
    for amplification in 1..=8 {
        open(&mut world, &stable(&[0, 1], amplification), &[5_000_000; 2]);
    }
    let pair = IExchange::poolsOfCall {
        assetA: 0,
        assetB: 1,
    };
    let listed: Vec<u32> = (0..16).collect();
    assert_eq!(world.view(exchange::ADDRESS, &pair), listed);
}

#[test]
fn exch_8_prices_of_ranges_have_means_too() {
    let (mut world, _) = start();
    let pool = begin(&mut world, 500, 6_932);
    place(
        &mut world,
        pool,
        ALICES,
        (-20_000, 20_000),
        [100_000_000; 2],
    )
    .expect("opens");
    world.wait_ms(60_000);
    let ask = twapX96Call {
        poolId: pool.get(),
        assetId: 1,
        windowMs: 60_000,
    };
    let mean = world.view(ADDRESS, &ask);
    let two = n(2) << 96_usize;
    assert!(mean.abs_diff(two) < two / n(10_000), "{mean}");
    swap(
        &mut world,
        BOBS,
        &[leg(pool, 0, 1, 30_000_000)],
        bounds(0, RICH, 1, 0),
    )
    .expect("swaps");
    assert_eq!(world.view(ADDRESS, &ask), mean);
}

fn wallet() -> (World, PoolId) {
    let (mut world, tokens) = start();
    for token in &tokens {
        for who in [ALICE, BOB] {
            world.mint(*token, who, RICH);
        }
    }
    let make = createRangePoolCall {
        feePips: 3_000,
        asset0: 0,
        asset1: 1,
        sqrtPriceX96: n(1) << 96_usize,
    };
    let pool = PoolId::new(world.ok(BOB, ADDRESS, &make));
    (world, pool)
}

fn open_call(pool: PoolId, most: u128) -> openRangeCall {
    openRangeCall {
        poolId: pool.get(),
        lower: -600,
        upper: 1_200,
        amountsMax: [n(most); 2],
        liquidityMin: 1,
        to: BOB,
        deadlineMs: SOON,
    }
}

fn shrink_call(position: u64, liquidity: u128) -> shrinkRangeCall {
    shrinkRangeCall {
        positionId: position,
        liquidity,
        amountsMin: [n(0); 2],
        to: CAROL,
        deadlineMs: SOON,
    }
}

#[test]
fn exch_15_a_wallet_opens_grows_hands_on_and_empties_a_position() {
    let (mut world, pool) = wallet();
    let made = world.ok(BOB, ADDRESS, &open_call(pool, 1_000_000));
    assert_eq!(made.positionId, 0);
    let token = |id: u64| U256::from(id);
    assert_eq!(
        world.view(nft::ADDRESS, &ownerOfCall { tokenId: token(0) }),
        BOB
    );
    assert_eq!(
        world.view(nft::ADDRESS, &balanceOfCall { owner: BOB }),
        n(1)
    );
    let grow = growRangeCall {
        positionId: 0,
        amountsMax: [n(50_000); 2],
        liquidityMin: 1,
        deadlineMs: SOON,
    };
    let grown = world.ok(ALICE, ADDRESS, &grow);
    let all = made.liquidity + grown.liquidity;
    swap(
        &mut world,
        CAROLS,
        &[leg(pool, 1, 0, 10_000)],
        bounds(1, RICH, 0, 0),
    )
    .expect("swaps");
    let not_his = ERC721InsufficientApproval {
        operator: ALICE,
        tokenId: n(0),
    };
    world.refused(ALICE, ADDRESS, &shrink_call(0, all), &not_his);
    let hand_on = transferFromCall {
        from: BOB,
        to: ALICE,
        tokenId: n(0),
    };
    world.refused(ALICE, nft::ADDRESS, &hand_on, &not_his);
    world.ok(
        BOB,
        nft::ADDRESS,
        &approveCall {
            to: ALICE,
            tokenId: n(0),
        },
    );
    world.ok(ALICE, nft::ADDRESS, &hand_on);
    assert_eq!(
        world.view(nft::ADDRESS, &getApprovedCall { tokenId: n(0) }),
        Address::ZERO
    );
    let worth = world.view(ADDRESS, &rangeCall { positionId: 0 });
    let gone = world.ok(ALICE, ADDRESS, &shrink_call(0, all));
    assert_eq!((gone.principal, gone.fees), (worth.principal, worth.fees));
    assert_eq!(gone.fees[1], n(29));
    let tokens = [0_u32, 1].map(|asset| {
        act(&mut world, |cx| ledger::asset(cx, id(asset)))
            .expect("listed")
            .token
    });
    for (token, (part, fee)) in tokens
        .into_iter()
        .zip(gone.principal.into_iter().zip(gone.fees))
    {
        assert_eq!(world.balance(token, CAROL), part + fee);
    }
    let nothing = ERC721NonexistentToken { tokenId: n(9) };
    world.refused(ALICE, ADDRESS, &shrink_call(9, 0), &nothing);
    world.refused(
        ALICE,
        nft::ADDRESS,
        &approveCall {
            to: BOB,
            tokenId: n(9),
        },
        &nothing,
    );
    let wrong = ERC721IncorrectOwner {
        sender: BOB,
        tokenId: n(0),
        owner: ALICE,
    };
    world.refused(ALICE, nft::ADDRESS, &hand_on, &wrong);
    let all_of_them = setApprovalForAllCall {
        operator: CAROL,
        approved: true,
    };
    world.ok(ALICE, nft::ADDRESS, &all_of_them);
    let safe = safeTransferFrom_0Call {
        from: ALICE,
        to: BOB,
        tokenId: n(0),
    };
    world.ok(CAROL, nft::ADDRESS, &safe);
    let supports = |id: u32| supportsInterfaceCall {
        interfaceId: id.to_be_bytes().into(),
    };
    assert!(world.view(nft::ADDRESS, &supports(0x80ac_58cd)));
    assert!(!world.view(nft::ADDRESS, &supports(0xffff_ffff)));
    // A contract that does not take positions gets none.
    let refuses = account(0x55);
    world.store.on_call(refuses, |_, _| Ok(Default::default()));
    let safe = safeTransferFrom_0Call {
        from: BOB,
        to: refuses,
        tokenId: n(0),
    };
    world.refused(
        BOB,
        nft::ADDRESS,
        &safe,
        &ERC721InvalidReceiver { receiver: refuses },
    );
}

/// Where one coin's border is shut, a position is emptied all the same.
#[test]
fn exch_12_a_position_is_left_to_units() {
    let (mut world, pool) = wallet();
    let made = world.ok(BOB, ADDRESS, &open_call(pool, 1_000_000));
    world.ok(OWNER, ledger::ADDRESS, &ILedger::freezeCall { assetId: 1 });
    let away = shrink_call(0, made.liquidity);
    assert!(matches!(
        world.call(BOB, ADDRESS, &away),
        Err(Halt::Revert(_))
    ));
    let to_units = shrinkRangeToUnitsCall {
        positionId: 0,
        liquidity: made.liquidity,
        amountsMin: [n(1); 2],
        index: 7,
        deadlineMs: SOON,
    };
    let stranger = world.call(CAROL, ADDRESS, &to_units);
    assert!(matches!(stranger, Err(Halt::Revert(_))));
    let out = world.ok(BOB, ADDRESS, &to_units);
    let bobs = AccountId::new(BOB, 7);
    for (asset, amount) in (0..).zip(out.principal) {
        assert_eq!(n(free(&mut world, asset, bobs)), amount);
    }
}

/// Opening pulls what the position needs and no more: of a token that keeps a fee, it keeps it of that alone.
#[test]
fn exch_9_a_position_pulls_what_it_needs() {
    let (mut world, _) = start();
    let token = Token::deploy(&mut world, Whim::Honest);
    token.give(&mut world, BOB, RICH);
    token.allow_to(&mut world, BOB, ADDRESS);
    let asset = list(&mut world, token.address);
    let listed = ILedger::assetCall { assetId: 0 };
    let native = world.view(ledger::ADDRESS, &listed).token;
    world.mint(native, BOB, RICH);
    let make = createRangePoolCall {
        feePips: 3_000,
        asset0: 0,
        asset1: asset.get(),
        sqrtPriceX96: n(1) << 96_usize,
    };
    let pool = PoolId::new(world.ok(BOB, ADDRESS, &make));
    // A thousand of the one needs about a thousand of the other, of which he allows a million.
    let uneven = openRangeCall {
        amountsMax: [n(1_000), n(1_000_000)],
        lower: -600,
        upper: 600,
        ..open_call(pool, 0)
    };
    let mut held = token.balance(&world, BOB);
    let mut spent = |world: &World| {
        let before = core::mem::replace(&mut held, token.balance(world, BOB));
        before - held
    };
    let made = world.ok(BOB, ADDRESS, &uneven);
    assert_eq!(spent(&world), made.amounts[1]);
    assert!(made.amounts[1] < n(1_100));
    token.becomes(Whim::Fee);
    let made = world.ok(BOB, ADDRESS, &uneven);
    assert!(spent(&world) < n(1_100));
    assert!(made.amounts[1] < n(1_000), "of what arrived");
}

#[test]
fn nothing_is_left_of_a_ranges_verb_that_breaks() {
    let (mut world, pool) = wallet();
    let made = world.ok(BOB, ADDRESS, &open_call(pool, 1_000_000));
    world.wait_ms(20_000);
    check_every_fault(&world, BOB, ADDRESS, &open_call(pool, 5_000).abi_encode());
    let shrink = shrink_call(0, made.liquidity);
    check_every_fault(&world, BOB, ADDRESS, &shrink.abi_encode());
    check_every_fault_of(&world, ROOM, ROOM, &|cx| {
        let legs = [leg(pool, 0, 1, 100_000)];
        exchange::swap(cx, BOBS, CAROLS, &legs, bounds(0, RICH, 1, 0)).map(drop)
    });
}

/// Random positions and swaps: invariants hold, quotes come true, and when all have left, the pool keeps dust: nobody
/// was paid what another had.
#[test]
fn exch_6_exch_7_exch_14_exch_16_random_ranges_come_out_even() {
    let mut dice = Dice::new("random_ranges_come_out_even");
    for (fee_pips, spacing) in [(100, 1), (500, 10), (3_000, 60), (FEE_DYNAMIC, 10)] {
        let (mut world, _) = start();
        world.sweep_every = 10;
        let pool = begin(&mut world, fee_pips, 1_234);
        place(
            &mut world,
            pool,
            ALICES,
            (-60_000, 60_000),
            [1_000_000_000; 2],
        )
        .expect("opens");
        let mut positions = vec![(0_u64, ALICES)];
        let (mut swaps, mut changes) = (0, 0_u128);
        for step in 0..500 {
            if dice.below(3) == 0 {
                world.wait_ms(u64::try_from(dice.below(20_000)).expect("small"));
            }
            let who = dice.of(&[ALICES, BOBS, CAROLS]);
            match dice.below(10) {
                0..=5 => {
                    let from = dice.of(&[0_u32, 1]);
                    let units = a(dice.amount(200_000_000));
                    let size = dice.of(&[Size::In(units), Size::Out(units)]);
                    let legs = [sized(leg(pool, from, 1 - from, 0), size)];
                    let bounds = bounds(from, RICH / 10, 1 - from, 0);
                    let quoted = act(&mut world, |cx| exchange::quote(cx, &legs, bounds));
                    let done = swap(&mut world, who, &legs, bounds);
                    assert_eq!(quoted, done, "step {step}");
                    swaps += u32::from(done.is_ok());
                }
                6..=7 => {
                    let tick = now(&world, pool).tick;
                    let near = |dice: &mut Dice| {
                        let far = i32::try_from(dice.below(2_000)).expect("small") - 1_000;
                        (tick + far).div_euclid(spacing) * spacing
                    };
                    let (one, two) = (near(&mut dice), near(&mut dice));
                    let most = [dice.amount(1_000_000_000), dice.amount(1_000_000_000)];
                    let range = (one.min(two), one.max(two));
                    if let Ok((number, ..)) = place(&mut world, pool, who, range, most) {
                        positions.push((number, who));
                        changes += 1;
                    }
                }
                _ => {
                    let (number, owner) = dice.of(&positions);
                    let worth = world.view(ADDRESS, &rangeCall { positionId: number });
                    let part = dice.amount(worth.liquidity);
                    let gone = act(&mut world, |cx| {
                        exchange::shrink_range(cx, number, owner, part)
                    });
                    assert_eq!(gone.is_ok(), part <= worth.liquidity, "step {step}");
                    changes += 1;
                }
            }
        }
        // In a block of his own, who comes and goes around a swap of his own gains nothing.
        let before = wealth(&mut world, CAROLS);
        let tick = now(&world, pool).tick.div_euclid(spacing) * spacing;
        let range = (tick - spacing * 20, tick + spacing * 20);
        if let Ok((number, liquidity, _)) = place(&mut world, pool, CAROLS, range, [50_000_000; 2])
        {
            act(&mut world, |cx| {
                exchange::shrink_range(cx, number, CAROLS, liquidity)
            })
            .expect("leaves");
            let after = wealth(&mut world, CAROLS);
            assert!(after[0] <= before[0] && after[1] <= before[1]);
            assert!(before[0] - after[0] <= 3 && before[1] - after[1] <= 3);
        }
        for (number, owner) in positions {
            let worth = world.view(ADDRESS, &rangeCall { positionId: number });
            act(&mut world, |cx| {
                exchange::shrink_range(cx, number, owner, worth.liquidity)
            })
            .expect("leaves");
        }
        let dust = reserves(&world, pool);
        // A unit or two of each rounding.
        let most = 2 * (u128::from(swaps) + changes);
        println!(
            "fee {fee_pips}: {swaps} swaps, {changes} changes, dust {dust:?} of at most {most}"
        );
        assert!(dust[0] <= most && dust[1] <= most);
        assert!(swaps > 100, "only {swaps} swaps");
        assert_eq!(now(&world, pool).liquidity, 0);
    }
}
