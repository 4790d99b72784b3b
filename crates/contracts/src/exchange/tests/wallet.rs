//! From wallet to wallet: native tokens, the coin, and foreign tokens that do as they please.

use alloy_sol_types::SolCall;
use capstan_state::mem::MemStore;

use super::*;
use crate::{
    erc20::IErc20,
    ether,
    testkit::{
        fault::check_every_fault,
        foreign::{Token, Whim},
    },
};

const SOON: u64 = u64::MAX;

fn rich(world: &mut World, tokens: &[Address]) {
    for token in tokens {
        for who in [ALICE, BOB] {
            world.mint(*token, who, RICH);
        }
    }
}

fn create(shape: &Shape, amounts: &[u128], to: Address) -> createPoolCall {
    createPoolCall {
        shape: abi(shape),
        amounts: amounts.iter().copied().map(n).collect(),
        to,
        deadlineMs: SOON,
    }
}

fn abi_leg(leg: Leg) -> IExchange::Leg {
    let (exact_out, amount) = match leg.size {
        Size::In(amount) => (false, amount.get()),
        Size::InAll => (false, 0),
        Size::Out(amount) => (true, amount.get()),
        Size::OutOwed => (true, 0),
    };
    IExchange::Leg {
        poolId: leg.pool.get(),
        assetIn: leg.asset_in.get(),
        assetOut: leg.asset_out.get(),
        exactOut: exact_out,
        amount: n(amount),
    }
}

fn swap_call(legs: &[Leg], bounds: Bounds, to: Address) -> swapCall {
    swapCall {
        legs: legs.iter().copied().map(abi_leg).collect(),
        bounds: IExchange::Bounds {
            assetIn: bounds.asset_in.get(),
            paidMax: bounds.paid_max.to_u256(),
            assetOut: bounds.asset_out.get(),
            receivedMin: bounds.received_min.to_u256(),
        },
        to,
        deadlineMs: SOON,
    }
}

#[test]
fn exch_3_a_wallet_opens_a_pool_adds_swaps_and_leaves() {
    let (mut world, tokens) = start();
    rich(&mut world, &tokens);
    let made = world.ok(
        BOB,
        ADDRESS,
        &create(&product(0, 1, 3_000), &[4_000_000, 9_000_000], BOB),
    );
    let pool = PoolId::new(made.poolId);
    let lp = lp::address_of(pool);
    assert_eq!(world.balance(lp, BOB), n(6_000_000 - LOCKED_SHARES));
    assert_eq!(world.supply(lp), made.shares);
    let add = addLiquidityCall {
        poolId: 0,
        amountsMax: vec![n(40_000), n(1_000_000)],
        sharesMin: n(60_000),
        to: ALICE,
        deadlineMs: SOON,
    };
    let added = world.ok(ALICE, ADDRESS, &add);
    assert_eq!(
        (added.amounts, added.shares),
        (vec![n(40_000), n(90_000)], n(60_000))
    );
    assert_eq!(world.balance(tokens[1], ALICE), n(RICH - 90_000));
    let legs = [leg(pool, 0, 1, 1_000)];
    let quoted = quoteCall {
        legs: legs.map(abi_leg).to_vec(),
        bounds: swap_call(&legs, bounds(0, 1_000, 1, 0), BOB).bounds,
    };
    let quoted = world.view(ADDRESS, &quoted);
    let done = world.ok(
        ALICE,
        ADDRESS,
        &swap_call(&legs, bounds(0, 1_000, 1, 1), CAROL),
    );
    assert_eq!((done.paid, done.received), (quoted.paid, quoted.received));
    assert_eq!(world.balance(tokens[1], CAROL), done.received);
    world.ok(
        BOB,
        lp,
        &IErc20::transferCall {
            to: CAROL,
            value: n(5_000_000),
        },
    );
    let remove = removeLiquidityCall {
        poolId: 0,
        shares: n(5_000_000),
        amountsMin: vec![n(1); 2],
        to: CAROL,
        deadlineMs: SOON,
    };
    let gone = world.ok(CAROL, ADDRESS, &remove);
    assert_eq!(world.balance(tokens[0], CAROL), gone[0]);
    assert_eq!(world.balance(lp, CAROL), n(0));
    let poor = IErc20::ERC20InsufficientBalance {
        sender: CAROL,
        balance: n(0),
        needed: n(5_000_000),
    };
    world.refused(CAROL, ADDRESS, &remove, &poor);
    let name = world.view(lp, &IErc20::nameCall {});
    assert_eq!(name, "Liquidity of pool 0: TT-TT");
    assert_eq!(world.view(lp, &lp::ILpToken::poolIdCall {}), 0);
}

#[test]
fn exch_9_what_is_not_needed_never_leaves_a_wallet_or_comes_back() {
    let (mut world, tokens) = start();
    rich(&mut world, &tokens);
    let pool = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]);
    // Exactly what is wanted is bought, and only what that costs is pulled.
    let out = sized(leg(pool, 0, 1, 0), Size::Out(a(1_000)));
    let done = world.ok(
        BOB,
        ADDRESS,
        &swap_call(&[out], bounds(0, RICH, 1, 1_000), BOB),
    );
    assert_eq!((done.paid, done.received), (n(717), n(1_000)));
    assert_eq!(world.balance(tokens[0], BOB), n(RICH - 717));
    // More is allowed than the legs take: the rest comes back.
    let legs = [leg(pool, 0, 1, 500)];
    let done = world.ok(BOB, ADDRESS, &swap_call(&legs, bounds(0, 9_000, 1, 0), BOB));
    assert_eq!(done.paid, n(500));
    assert_eq!(world.balance(tokens[0], BOB), n(RICH - 1_217));
    let late = ExchangeExpired {
        deadlineMs: 5,
        nowMs: 10,
    };
    world.store.block_mut().time_ms = 10;
    let mut call = swap_call(&legs, bounds(0, 9_000, 1, 0), BOB);
    call.deadlineMs = 5;
    world.refused(BOB, ADDRESS, &call, &late);
}

#[test]
fn the_coin_is_swapped_by_its_face() {
    let (mut world, tokens) = start();
    rich(&mut world, &tokens);
    let coin = list(&mut world, ether::ADDRESS);
    world.store.set_coins(BOB, n(RICH));
    let shape = product(0, coin.get(), 500);
    let made = world.ok(BOB, ADDRESS, &create(&shape, &[1_000_000, 1_000_000], BOB));
    let legs = [leg(PoolId::new(made.poolId), 0, coin.get(), 1_000)];
    let done = world.ok(
        BOB,
        ADDRESS,
        &swap_call(&legs, bounds(0, 1_000, coin.get(), 0), CAROL),
    );
    assert_eq!(world.store.coins(CAROL), done.received);
    let back = [leg(PoolId::new(made.poolId), coin.get(), 0, 500)];
    world.ok(
        BOB,
        ADDRESS,
        &swap_call(&back, bounds(coin.get(), 500, 0, 0), BOB),
    );
}

/// A pool of asset 0 and a foreign token.
fn with_foreign() -> (World, Token, AssetId, PoolId) {
    let (mut world, tokens) = start();
    rich(&mut world, &tokens);
    let token = Token::deploy(&mut world, Whim::Honest);
    token.give(&mut world, BOB, RICH);
    token.allow_to(&mut world, BOB, ADDRESS);
    let asset = list(&mut world, token.address);
    let shape = product(0, asset.get(), 3_000);
    let made = world.ok(BOB, ADDRESS, &create(&shape, &[1_000_000, 1_000_000], BOB));
    (world, token, asset, PoolId::new(made.poolId))
}

#[test]
fn exch_1_of_a_token_that_keeps_a_fee_what_arrives_is_swapped() {
    let (mut world, token, asset, pool) = with_foreign();
    token.becomes(Whim::Fee);
    let legs = [sized(leg(pool, asset.get(), 0, 0), Size::InAll)];
    let done = world.ok(
        BOB,
        ADDRESS,
        &swap_call(&legs, bounds(asset.get(), 1_000, 0, 0), CAROL),
    );
    assert_eq!(done.paid, n(900));
    assert_eq!(reserves(&world, pool)[1], 1_000_900);
    // A leg that names more than arrives takes nothing.
    let legs = [leg(pool, asset.get(), 0, 1_000)];
    let short = ExchangePaidTooMuch {
        assetId: asset.get(),
        needed: n(1_000),
        paidMax: n(900),
    };
    world.refused(
        BOB,
        ADDRESS,
        &swap_call(&legs, bounds(asset.get(), 1_000, 0, 0), CAROL),
        &short,
    );
    // What arrives of a deposit is added, and what is too much of the other goes back.
    let (before, lp) = (reserves(&world, pool), lp::address_of(pool));
    let supply = world.supply(lp);
    let add = addLiquidityCall {
        poolId: pool.get(),
        amountsMax: vec![n(10_000), n(10_000)],
        sharesMin: n(0),
        to: BOB,
        deadlineMs: SOON,
    };
    let added = world.ok(BOB, ADDRESS, &add);
    let after = reserves(&world, pool);
    assert!(added.amounts[0] < n(9_010) && added.amounts[1] <= n(9_000));
    assert_eq!(n(after[0] - before[0]), added.amounts[0]);
    assert_eq!(world.supply(lp), supply + added.shares);
    assert_eq!(free(&mut world, 0, AccountId::new(ADDRESS, 1)), 0);
}

/// Where one coin's border is shut, its pool is left all the same: to units, of which the others can be withdrawn.
#[test]
fn exch_12_a_coin_that_cannot_leave_holds_up_no_other() {
    let (mut world, tokens) = start();
    rich(&mut world, &tokens);
    let shape = product(0, 1, 3_000);
    let made = world.ok(BOB, ADDRESS, &create(&shape, &[5_000_000, 7_000_000], BOB));
    world.ok(OWNER, ledger::ADDRESS, &ILedger::freezeCall { assetId: 1 });
    let away = removeLiquidityCall {
        poolId: made.poolId,
        shares: made.shares,
        amountsMin: vec![n(0); 2],
        to: BOB,
        deadlineMs: SOON,
    };
    assert!(matches!(
        world.call(BOB, ADDRESS, &away),
        Err(Halt::Revert(_))
    ));
    let to_units = |least| removeLiquidityToUnitsCall {
        poolId: made.poolId,
        shares: made.shares,
        amountsMin: vec![n(0), n(least)],
        index: 4,
        deadlineMs: SOON,
    };
    let too_little = ExchangeReceivedTooLittle {
        assetId: 1,
        received: n(6_998_816),
        receivedMin: n(6_999_000),
    };
    world.refused(BOB, ADDRESS, &to_units(6_999_000), &too_little);
    let late = removeLiquidityToUnitsCall {
        deadlineMs: 0,
        ..to_units(0)
    };
    assert!(matches!(
        world.call(BOB, ADDRESS, &late),
        Err(Halt::Revert(_))
    ));
    let amounts = world.ok(BOB, ADDRESS, &to_units(1));
    let bobs = AccountId::new(BOB, 4);
    for (asset, amount) in (0..).zip(&amounts) {
        assert_eq!(n(free(&mut world, asset, bobs)), *amount);
    }
    assert_eq!(
        world.balance(lp::address_of(PoolId::new(made.poolId)), BOB),
        n(0)
    );
    let mut leaves = |asset: u32| {
        let units = a(free(&mut world, asset, bobs));
        act(&mut world, |cx| {
            ledger::push(cx, id(asset), bobs, BOB, units)
        })
    };
    assert_eq!(leaves(0), Ok(()));
    assert!(leaves(1).is_err());
}

/// A token that swaps while it is being moved finds whole pools, and gains nothing.
#[test]
fn exch_9_a_token_that_comes_back_in_finds_whole_pools() {
    let (mut world, token, asset, pool) = with_foreign();
    let inner = swap_call(
        &[leg(pool, 0, asset.get(), 1_000)],
        bounds(0, 1_000, asset.get(), 0),
        BOB,
    );
    let locked = std::sync::Arc::new(std::sync::Mutex::new(0_u32));
    let seen = locked.clone();
    token.calls(move |store: &mut MemStore| {
        let outcome = store.call_simply(BOB, ADDRESS, inner.abi_encode().into())?;
        assert!(!outcome.success, "the asset is crossing the border already");
        *seen.lock().expect("one thread") += 1;
        Ok(())
    });
    let legs = [leg(pool, asset.get(), 0, 1_000)];
    world.ok(
        BOB,
        ADDRESS,
        &swap_call(&legs, bounds(asset.get(), 1_000, 0, 0), BOB),
    );
    assert_eq!(*locked.lock().expect("one thread"), 1);
}

#[test]
fn nothing_is_left_of_a_wallets_verb_that_breaks() {
    let (mut world, _, asset, pool) = with_foreign();
    world.wait_ms(60_000);
    let legs = [sized(leg(pool, asset.get(), 0, 0), Size::Out(a(500)))];
    let swap = swap_call(&legs, bounds(asset.get(), 9_000, 0, 0), CAROL);
    check_every_fault(&world, BOB, ADDRESS, &swap.abi_encode());
    let add = addLiquidityCall {
        poolId: pool.get(),
        amountsMax: vec![n(10_000), n(20_000)],
        sharesMin: n(0),
        to: BOB,
        deadlineMs: SOON,
    };
    check_every_fault(&world, BOB, ADDRESS, &add.abi_encode());
    let remove = removeLiquidityCall {
        poolId: pool.get(),
        shares: n(5_000),
        amountsMin: vec![n(1); 2],
        to: BOB,
        deadlineMs: SOON,
    };
    check_every_fault(&world, BOB, ADDRESS, &remove.abi_encode());
    let make = create(&stable(&[0, 1, 2], 50), &[1_000_000; 3], BOB);
    check_every_fault(&world, BOB, ADDRESS, &make.abi_encode());
}

#[test]
fn exch_9_a_wallet_allows_what_it_pays() {
    let (mut world, token, asset, pool) = with_foreign();
    let legs = [leg(pool, asset.get(), 0, 1_000)];
    let call = swap_call(&legs, bounds(asset.get(), 1_000, 0, 0), ALICE);
    token.give(&mut world, ALICE, 5_000);
    assert!(world.call(ALICE, ADDRESS, &call).is_err(), "no allowance");
    token.allow_to(&mut world, ALICE, ADDRESS);
    world.ok(ALICE, ADDRESS, &call);
}
