//! Orders in a world with accounts, prices and pools: what fires them, what they do, what they cost.

mod own_limits;
mod pieces;
mod random;
mod waits;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{Revert, SolCall, SolError, SolEvent, SolValue};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, OrderId, PoolId, Price, PriceTick};

use super::{
    ADDRESS, Changes, ITriggers::*, LOOK_GAS, ORDERS_MAX, STEP_ORDERS_MAX, TriggerIndex,
    encode_orders, guard::STATE, math,
};
use crate::{
    SystemKind,
    account::ADDRESS as ACCOUNT,
    account::IAccount::{AccountNotAuthorised, AccountUnhealthy, Liquidated, setOperatorCall},
    exchange::{self, Bounds, Curve, IExchange, Leg, Shape, Size},
    invariant::check_all,
    testkit::{
        ALICE, BOB, CAROL, account,
        accounts::{
            ALICES, ALONE, BOBS, DAI, ETH, ONE, RISKY, Scene, USD, USDC, borrow, deposit, n,
            supply, withdraw,
        },
        fault::check_every_fault,
        words,
    },
};

/// A native contract that moves units of accounts.
const ROOM: Address = account(0x77);
const DAY_MS: u64 = 86_400_000;
const GWEI: u64 = 1_000_000_000;
/// Coins that everybody has.
const COINS: u128 = 1_000 * 1_000_000_000_000_000_000;
/// Coins that come with most orders here: enough for any.
const PREPAID: u128 = 1_000_000_000_000_000_000;

fn a(units: u128) -> Assets {
    Assets::new(units).expect("in range")
}

/// A scene with a deep pool of ETH and dollars at the oracle's price, and one of RISKY.
fn start() -> Scene {
    let mut scene = Scene::new();
    scene.world.store.block_mut().base_fee_wei = u128::from(GWEI);
    for who in [ALICE, BOB, CAROL] {
        scene.world.store.set_coins(who, n(COINS));
    }
    let all = [
        deposit(ETH, 1_000_000 * ONE),
        deposit(USDC, 100_000_000 * ONE),
        deposit(RISKY, 5_000_000 * ONE),
    ];
    scene.ok(BOB, BOBS, &all);
    open(&mut scene, ETH, 10_000 * ONE, USDC, 20_000_000 * ONE);
    open(&mut scene, USDC, 2_000_000 * ONE, RISKY, 100_000 * ONE);
    scene
}

fn open(scene: &mut Scene, low: u32, of_low: u128, high: u32, of_high: u128) -> PoolId {
    let shape = Shape {
        curve: Curve::Product,
        fee_pips: 500,
        amplification: 0,
        assets: vec![AssetId::new(low), AssetId::new(high)],
    };
    let amounts = [a(of_low), a(of_high)];
    let made = scene.world.inside(ROOM, ROOM, |cx| {
        exchange::create(cx, BOBS, BOBS, &shape, &amounts)
    });
    made.unwrap_or_else(|halt| panic!("{}", words(&halt))).0
}

/// Bob swaps in the first pool of a pair, whatever he gets.
fn swap(scene: &mut Scene, from: u32, units: u128, to: u32) {
    let pools = IExchange::poolsOfCall {
        assetA: from,
        assetB: to,
    };
    let pool = PoolId::new(scene.world.view(exchange::ADDRESS, &pools)[0]);
    let (from, to) = (AssetId::new(from), AssetId::new(to));
    let leg = Leg {
        pool,
        asset_in: from,
        asset_out: to,
        size: Size::InAll,
    };
    let bounds = Bounds {
        asset_in: from,
        paid_max: a(units),
        asset_out: to,
        received_min: Assets::ZERO,
    };
    let swapped = scene.world.inside(ROOM, ROOM, |cx| {
        exchange::swap(cx, BOBS, BOBS, &[leg], bounds)
    });
    swapped.unwrap_or_else(|halt| panic!("{}", words(&halt)));
}

/// All ETH is sold for dollars, 2 % below at most, within a month.
fn plain(scene: &mut Scene) -> Order {
    Order {
        kind: 0,
        sellAssetId: ETH,
        buyAssetId: USDC,
        amount: U256::MAX,
        limitBps: 200,
        repay: false,
        watchAssetId: ETH,
        above: false,
        price: U256::ZERO,
        distanceSteps: 0,
        intervalS: 0,
        count: 0,
        floorBps: 0,
        targetBps: 0,
        expiresMs: scene.world.store.block_mut().time_ms + 30 * DAY_MS,
    }
}

fn stop_at(scene: &mut Scene, price: u128) -> Order {
    Order {
        kind: 1,
        price: n(price),
        ..plain(scene)
    }
}

fn deleverage(scene: &mut Scene, floor_bps: u32, target_bps: u32) -> Order {
    Order {
        kind: 4,
        count: 3,
        floorBps: floor_bps,
        targetBps: target_bps,
        ..plain(scene)
    }
}

fn creation(of: AccountId, order: &Order) -> createCall {
    createCall {
        owner: of.owner,
        index: of.index,
        order: order.clone(),
    }
}

fn try_create(
    scene: &mut Scene,
    who: Address,
    of: AccountId,
    order: &Order,
    wei: u128,
) -> Result<u64, Halt> {
    let input = creation(of, order).abi_encode();
    let answer = scene.world.raw(who, ADDRESS, n(wei), &input)?;
    Ok(u64::abi_decode(&answer).expect("an id"))
}

#[track_caller]
fn create(scene: &mut Scene, order: &Order) -> u64 {
    let made = try_create(scene, ALICE, ALICES, order, PREPAID);
    made.unwrap_or_else(|halt| panic!("{}", words(&halt)))
}

#[track_caller]
fn refuses(scene: &mut Scene, order: &Order, why: &impl SolError) {
    let before = scene.world.state();
    let refused = try_create(scene, ALICE, ALICES, order, PREPAID).expect_err("it was not refused");
    assert_eq!(refused, Halt::revert(why), "{}", words(&refused));
    assert!(scene.world.state() == before, "left traces");
}

/// The orders that the next block would look at.
fn due(scene: &mut Scene) -> Vec<u64> {
    let index = TriggerIndex::of(&scene.world.store).expect("reads");
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let due = index.due(cx, &Changes::default(), usize::MAX);
    due.expect("reads")
        .who
        .into_iter()
        .map(OrderId::get)
        .collect()
}

/// What the block does for orders that are due; answers which.
fn look(scene: &mut Scene) -> Vec<u64> {
    // How far pools may be pushed counts by the block.
    scene.world.store.block_mut().number += 1;
    let due = due(scene);
    if !due.is_empty() {
        run(scene, &due).unwrap_or_else(|halt| panic!("{}", words(&halt)));
    }
    due
}

fn run(scene: &mut Scene, ids: &[u64]) -> Result<Bytes, Halt> {
    let ids: Vec<_> = ids.iter().copied().map(OrderId::new).collect();
    scene
        .world
        .system(SystemKind::Triggers, &encode_orders(&ids))
}

fn events<E: SolEvent>(scene: &Scene, from: usize) -> Vec<E> {
    let logs = scene.world.store.logs()[from..].iter();
    logs.filter(|log| log.address == ADDRESS)
        .filter_map(|log| E::decode_log_data(&log.data).ok())
        .collect()
}

fn standing(scene: &Scene, id: u64) -> Standing {
    scene.world.view(ADDRESS, &orderOfCall { id })
}

fn orders(scene: &Scene) -> Vec<u64> {
    let (owner, index) = (ALICE, 0);
    scene.world.view(ADDRESS, &ordersOfCall { owner, index })
}

fn coins(scene: &mut Scene, of: Address) -> U256 {
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    cx.store.coin_balance(of).expect("reads")
}

fn units(scene: &Scene, asset: u32) -> U256 {
    let holding = scene.holding(ALICES, asset);
    holding.map_or(U256::ZERO, |holding| holding.units + holding.supplied)
}

/// TRIG-1, TRIG-2: a stop-loss fires in the look of the first price at its step, not above it, and no pool moves it.
#[test]
fn trig_1_a_stop_loss_follows_the_oracle_and_no_pool() {
    let mut scene = start();
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    let stop = stop_at(&mut scene, 1_800 * USD);
    let id = create(&mut scene, &stop);
    let at = standing(&scene, id).firesAt;
    assert!(at <= n(1_800 * USD) && at > n(1_780 * USD), "{at}");
    let at = u128::try_from(at).expect("small");
    // Somebody sells the pool down by a third. The oracle does not care, so neither does the order.
    swap(&mut scene, ETH, 2_500 * ONE, USDC);
    assert_eq!(look(&mut scene), [] as [u64; 0]);
    swap(&mut scene, USDC, 4_100_000 * ONE, ETH);
    scene.prices(&[(ETH, at + 1)]);
    assert_eq!(look(&mut scene), [] as [u64; 0], "one unit above");
    scene.prices(&[(ETH, at)]);
    let from = scene.log_count();
    assert_eq!(look(&mut scene), [id]);
    let fired = events::<TriggerFired>(&scene, from);
    let [fired] = fired.as_slice() else {
        panic!("{fired:?}")
    };
    assert_eq!(
        (fired.id, fired.sellPrice, fired.sold),
        (id, n(at), n(10 * ONE))
    );
    assert_eq!(fired.buyPrice, n(USD));
    assert_eq!(units(&scene, ETH), U256::ZERO);
    assert_eq!(units(&scene, USDC), fired.received);
    assert_eq!(look(&mut scene), [] as [u64; 0]);
    assert_eq!(orders(&scene), [] as [u64; 0]);
    let unknown = Halt::revert(&TriggersUnknown { id });
    assert_eq!(
        scene.world.call(ALICE, ADDRESS, &orderOfCall { id }),
        Err(unknown)
    );
}

/// TRIG-1: upward, of part of what is held, out of the market; the best price is followed, and what came back fires.
#[test]
fn trig_1_take_profit_and_trailing() {
    let mut scene = start();
    scene.ok(
        ALICE,
        ALICES,
        &[deposit(ETH, 10 * ONE), supply(ETH, 10 * ONE)],
    );
    let profit = Order {
        above: true,
        amount: n(4 * ONE),
        ..stop_at(&mut scene, 2_200 * USD)
    };
    let profit = create(&mut scene, &profit);
    let trailing = Order {
        kind: 2,
        distanceSteps: 8,
        ..plain(&mut scene)
    };
    let trailing = create(&mut scene, &trailing);
    let first = standing(&scene, trailing).firesAt;
    assert!(first < n(1_850 * USD) && first > n(1_780 * USD), "{first}");
    // A rise moves the best price, and does not fire.
    scene.prices(&[(ETH, 2_100 * USD)]);
    assert_eq!(look(&mut scene), [trailing]);
    let second = standing(&scene, trailing).firesAt;
    assert!(second > first);
    assert_eq!(look(&mut scene), [] as [u64; 0]);
    // A small fall moves nothing.
    scene.prices(&[(ETH, 2_000 * USD)]);
    assert_eq!(look(&mut scene), [] as [u64; 0]);
    assert_eq!(standing(&scene, trailing).firesAt, second);
    swap(&mut scene, USDC, 1_100_000 * ONE, ETH);
    scene.prices(&[(ETH, 2_230 * USD)]);
    let from = scene.log_count();
    assert_eq!(look(&mut scene), [trailing, profit], "lower prices first");
    let fired = events::<TriggerFired>(&scene, from);
    assert_eq!(fired.len(), 1);
    assert_eq!((fired[0].id, fired[0].sold), (profit, n(4 * ONE)));
    // Eight steps back from the best, not from where it stood at first.
    scene.prices(&[(ETH, 2_010 * USD)]);
    let from = scene.log_count();
    assert_eq!(look(&mut scene), [trailing]);
    let fired = events::<TriggerFired>(&scene, from);
    assert_eq!((fired.len(), fired[0].id), (1, trailing));
    assert!(
        units(&scene, ETH) <= U256::ONE,
        "a unit may be left to rounding"
    );
    assert_eq!(orders(&scene), [] as [u64; 0]);
}

/// TRIG-1: a falling best price, and a rise that buys back what is owed.
#[test]
fn trig_1_trailing_upward_buys_a_debt_back() {
    let mut scene = start();
    let short = [
        deposit(USDC, 100_000 * ONE),
        borrow(ETH, 10 * ONE),
        withdraw(ETH, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &short);
    let order = Order {
        kind: 2,
        distanceSteps: 4,
        above: true,
        sellAssetId: USDC,
        buyAssetId: ETH,
        amount: n(30_000 * ONE),
        repay: true,
        ..plain(&mut scene)
    };
    let id = create(&mut scene, &order);
    scene.prices(&[(ETH, 1_800 * USD)]);
    assert_eq!(look(&mut scene), [id]);
    scene.prices(&[(ETH, 1_910 * USD)]);
    let from = scene.log_count();
    swap(&mut scene, ETH, 200 * ONE, USDC);
    assert_eq!(look(&mut scene), [id], "{:?}", standing(&scene, id));
    let fired = &events::<TriggerFired>(&scene, from)[0];
    assert!(fired.repaid >= n(10 * ONE), "{fired:?}");
    assert!(fired.received >= fired.repaid);
    assert_eq!(scene.report(ALICES).debt, U256::ZERO);
}

/// TRIG-1: slices are sold at their times, one after a halt, and the last one ends the order.
#[test]
fn trig_1_slices_are_sold_at_their_times() {
    let mut scene = start();
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    let order = Order {
        kind: 3,
        amount: n(2 * ONE),
        intervalS: 600,
        count: 4,
        ..plain(&mut scene)
    };
    let id = create(&mut scene, &order);
    let mut sold = Vec::new();
    for wait_ms in [0, 599_000, 1_000, 4 * 600_000, 1_000, 600_000] {
        scene.world.wait_ms(wait_ms);
        let looked = look(&mut scene);
        sold.push(looked == [id]);
        assert_eq!(look(&mut scene), [] as [u64; 0], "one slice at a time");
    }
    assert_eq!(sold, [true, false, true, true, false, true]);
    assert_eq!(units(&scene, ETH), n(2 * ONE));
    assert_eq!(orders(&scene), [] as [u64; 0]);
}

/// TRIG-1, TRIG-5: an account is deleveraged before it is liquidated, to the health that its owner chose.
#[test]
fn trig_1_deleverage_keeps_an_account_away_from_liquidation() {
    let mut scene = start();
    scene.alice_borrows(12_000);
    // 17,000 count of 20,000, so health is 1.416.
    let order = deleverage(&mut scene, 12_000, 14_000);
    let id = create(&mut scene, &order);
    let mut fired = Vec::new();
    for price in (1_300..2_000).rev().step_by(20) {
        // The pool follows, as others trade in it.
        swap(&mut scene, ETH, 49 * ONE, USDC);
        scene.prices(&[(ETH, price * USD)]);
        let from = scene.log_count();
        let _ = scene.look();
        let sold: Vec<Liquidated> = scene.events(from);
        assert_eq!(sold, [], "nobody is liquidated at {price}");
        let health = scene.report(ALICES).healthMaintenance;
        if look(&mut scene) == [id] {
            fired.extend(events::<TriggerFired>(&scene, from));
        }
        let after = scene.report(ALICES).healthMaintenance;
        assert!(after >= health);
        let floor = n(USD) * n(12) / n(10);
        assert!(after > floor || fired.len() == 3, "{after} at {price}");
        if fired.len() == 2 {
            break;
        }
    }
    assert_eq!(fired.len(), 2);
    for fired in fired {
        let target = n(USD) * n(14) / n(10);
        assert!(
            fired.healthBefore <= n(USD) * n(1_206) / n(1_000),
            "{fired:?}"
        );
        assert!(fired.healthAfter >= target, "{fired:?}");
        assert!(fired.healthAfter < target + n(USD) / n(5), "{fired:?}");
        assert!(fired.repaid <= fired.received);
    }
}

/// TRIG-2: a guard of kind 4 is read anew when its owner asks, after he changed the account.
#[test]
fn trig_2_an_account_that_changed_is_read_anew() {
    let mut scene = start();
    scene.alice_borrows(8_000);
    let order = deleverage(&mut scene, 12_000, 14_000);
    let id = create(&mut scene, &order);
    // Health 1.215 by his own hand: the guard does not know yet.
    let more = [borrow(USDC, 6_000 * ONE), withdraw(USDC, U256::MAX, ALICE)];
    scene.ok(ALICE, ALICES, &more);
    scene.world.ok(ALICE, ADDRESS, &renewCall { id });
    assert_eq!(due(&mut scene), [] as [u64; 0]);
    swap(&mut scene, ETH, 100 * ONE, USDC);
    scene.prices(&[(ETH, 1_960 * USD)]);
    assert_eq!(look(&mut scene), [id]);
    assert!(scene.report(ALICES).healthMaintenance >= n(USD) * n(14) / n(10));
}

/// TRIG-3, TRIG-4: below the floor nothing is sold and the attempt is repeated ever later; where pools bear only a part of
/// it, that part is sold.
#[test]
fn trig_3_nothing_is_sold_below_the_floor() {
    let mut scene = start();
    scene.ok(ALICE, ALICES, &[deposit(RISKY, 20_000 * ONE)]);
    let order = Order {
        sellAssetId: RISKY,
        watchAssetId: RISKY,
        limitBps: 300,
        ..stop_at(&mut scene, 19 * USD)
    };
    let id = create(&mut scene, &order);
    scene.prices(&[(RISKY, 18 * USD)]);
    // Somebody pushed the pool far below the oracle.
    swap(&mut scene, RISKY, 10_000 * ONE, USDC);
    let before = (units(&scene, RISKY), units(&scene, USDC));
    let mut waits = Vec::new();
    for _ in 0..9 {
        let from = scene.log_count();
        assert_eq!(look(&mut scene), [id]);
        let failed = &events::<TriggerFailed>(&scene, from)[0];
        TriggersBelowFloor::abi_decode(&failed.reason).expect("the reason");
        let now_ms = scene.world.store.block_mut().time_ms;
        waits.push(failed.retryMs.div_ceil(1_000) - now_ms / 1_000);
        assert_eq!(look(&mut scene), [] as [u64; 0], "it waits");
        scene.world.wait_ms(failed.retryMs - now_ms);
    }
    assert_eq!(waits, [60, 120, 240, 480, 960, 1_920, 3_840, 3_840, 3_840]);
    assert_eq!((units(&scene, RISKY), units(&scene, USDC)), before);
    assert_eq!(standing(&scene, id).failures, 9);
    // Others trade it back: a part is worth selling.
    swap(&mut scene, USDC, 200_000 * ONE, RISKY);
    let from = scene.log_count();
    assert_eq!(look(&mut scene), [id]);
    let fired = &events::<TriggerFired>(&scene, from)[0];
    assert!(fired.sold < n(20_000 * ONE), "{fired:?}");
    let least = fired.sold * n(18) * n(97) / n(100);
    assert!(fired.received >= least, "{fired:?}");
    assert_eq!(standing(&scene, id).failures, 0);
    // A price that came back lets it stand again.
    scene.prices(&[(RISKY, 20 * USD)]);
    scene.world.wait_ms(60_000);
    assert_eq!(look(&mut scene), [id]);
    assert_eq!(look(&mut scene), [] as [u64; 0]);
    assert_eq!(orders(&scene), [id]);
}

/// TRIG-4: who fails, is unknown or holds nothing changes nothing else and holds up nobody; calldata that is no list does
/// nothing, and a block without gas goes on where it stopped.
#[test]
fn trig_4_one_that_fails_holds_up_nobody() {
    let mut scene = start();
    let stop = stop_at(&mut scene, 1_800 * USD);
    let empty = create(&mut scene, &stop);
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    let good = create(&mut scene, &stop);
    scene.ok(ALICE, ALICES, &[withdraw(ETH, n(10 * ONE), ALICE)]);
    let one = Order {
        amount: n(ONE),
        ..stop
    };
    let other = try_create(&mut scene, BOB, BOBS, &one, PREPAID).expect("works");
    swap(&mut scene, ETH, 600 * ONE, USDC);
    scene.prices(&[(ETH, 1_780 * USD)]);
    assert_eq!(due(&mut scene), [empty, good, other]);
    // Gas for one look.
    let ids = [empty, good, other].map(OrderId::new);
    let from = scene.log_count();
    let limited = scene.world.system_limited(
        LOOK_GAS + 30_000,
        SystemKind::Triggers,
        &encode_orders(&ids),
    );
    limited.expect("does what it can");
    assert_eq!(events::<TriggerFailed>(&scene, from)[0].id, empty);
    let left = &events::<TriggersLeft>(&scene, from)[0];
    assert_eq!(left.count, n(2));
    assert_eq!(due(&mut scene), [good, other], "nobody is forgotten");
    // One that nobody knows among them.
    let from = scene.log_count();
    run(&mut scene, &[99, good, other]).expect("works");
    let failed = events::<TriggerFailed>(&scene, from);
    assert_eq!([failed[0].id, failed[1].id], [99, good]);
    let nothing = TriggersNothingToSell { assetId: ETH };
    assert_eq!(failed[1].reason, Bytes::from(nothing.abi_encode()));
    assert_eq!(events::<TriggerFired>(&scene, from)[0].id, other);
    let refused = |scene: &mut Scene, input: &[u8], why: Halt| {
        let before = scene.world.state();
        assert_eq!(scene.world.system(SystemKind::Triggers, input), Err(why));
        assert!(scene.world.state() == before);
    };
    refused(&mut scene, &[1, 2, 3], Halt::revert(&TriggersMalformed {}));
    let many = TriggersTooManyLooks {
        count: n(257),
        max: n(256),
    };
    let ids = vec![OrderId::new(1); 257];
    refused(&mut scene, &encode_orders(&ids), Halt::revert(&many));
    // What is not due any more is judged anew: calldata fires nothing.
    scene.prices(&[(ETH, 2_000 * USD)]);
    let from = scene.log_count();
    run(&mut scene, &[empty, good]).expect("works");
    assert_eq!(events::<TriggerFired>(&scene, from).len(), 0);
}

/// TRIG-4: words that nobody writes stop no other order, and say so.
#[test]
fn trig_4_damaged_words_hold_up_nobody() {
    let mut scene = start();
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    let stop = stop_at(&mut scene, 1_800 * USD);
    let half = Order {
        amount: n(5 * ONE),
        ..stop
    };
    let (bad, good) = (create(&mut scene, &half), create(&mut scene, &half));
    swap(&mut scene, ETH, 600 * ONE, USDC);
    scene.prices(&[(ETH, 1_780 * USD)]);
    let ids = encode_orders(&[bad, good].map(OrderId::new));
    spoil(&mut scene, |cx| {
        let place = STATE.orders.at(OrderId::new(bad));
        let mut order = place.load(cx)?;
        order.kind = 9;
        place.save(cx, &order)
    });
    let from = scene.log_count();
    let done = scene
        .world
        .system_unchecked(u64::MAX, SystemKind::Triggers, &ids);
    done.expect("works");
    let failed = &events::<TriggerFailed>(&scene, from)[0];
    assert_eq!(failed.id, bad);
    Revert::abi_decode(&failed.reason).expect("damage in words");
    assert_eq!(events::<TriggerFired>(&scene, from)[0].id, good);
}

/// TRIG-5: an order that would leave its account worse off than a batch may is not executed.
#[test]
fn trig_5_no_order_harms_the_health_of_its_account() {
    let mut scene = start();
    scene.alice_borrows(14_000);
    let order = Order {
        buyAssetId: RISKY,
        ..stop_at(&mut scene, 1_990 * USD)
    };
    open(&mut scene, ETH, 10_000 * ONE, RISKY, 1_000_000 * ONE);
    let id = create(&mut scene, &order);
    scene.prices(&[(ETH, 1_960 * USD)]);
    let before = scene.report(ALICES);
    let from = scene.log_count();
    assert_eq!(look(&mut scene), [id]);
    let failed = &events::<TriggerFailed>(&scene, from)[0];
    AccountUnhealthy::abi_decode(&failed.reason).expect("the reason");
    assert_eq!(scene.report(ALICES), before);
    // One that repays what it can is executed though the account is not healthy at the initial factors: it gets better.
    scene.prices(&[(ETH, 1_700 * USD)]);
    let report = scene.report(ALICES);
    assert!(report.healthInitial < n(USD));
    let stop = Order {
        repay: true,
        amount: n(ONE),
        ..stop_at(&mut scene, 1_690 * USD)
    };
    let id = create(&mut scene, &stop);
    swap(&mut scene, ETH, 950 * ONE, USDC);
    scene.prices(&[(ETH, 1_668 * USD)]);
    let from = scene.log_count();
    let _ = look(&mut scene);
    let fired = &events::<TriggerFired>(&scene, from)[0];
    assert_eq!(fired.id, id);
    assert!(fired.healthAfter > fired.healthBefore, "{fired:?}");
    assert_eq!(fired.repaid, fired.received);
    // Below one it may not fall further: what this one buys counts less than what it sells.
    assert!(scene.report(ALICES).healthInitial < n(USD));
    let worse = Order {
        buyAssetId: RISKY,
        amount: n(ONE),
        ..stop_at(&mut scene, 1_650 * USD)
    };
    let id = create(&mut scene, &worse);
    scene.prices(&[(ETH, 1_630 * USD)]);
    let (from, before) = (scene.log_count(), units(&scene, ETH));
    assert!(look(&mut scene).contains(&id));
    let failed = events::<TriggerFailed>(&scene, from).into_iter();
    let failed = failed.filter(|failed| failed.id == id).last();
    AccountUnhealthy::abi_decode(&failed.expect("it failed").reason).expect("the reason");
    assert_eq!(units(&scene, ETH), before);
}

/// TRIG-1: pools take an order in parts, and all parts together are what was asked.
#[test]
fn trig_1_the_parts_of_an_order_are_what_was_asked() {
    let mut scene = start();
    scene.ok(ALICE, ALICES, &[deposit(RISKY, 20_000 * ONE)]);
    let order = Order {
        sellAssetId: RISKY,
        watchAssetId: RISKY,
        amount: n(8_000 * ONE),
        ..stop_at(&mut scene, 19 * USD)
    };
    let id = create(&mut scene, &order);
    scene.prices(&[(RISKY, 18 * USD)]);
    let mut sold = Vec::new();
    while orders(&scene) == [id] && sold.len() < 60 {
        let from = scene.log_count();
        look(&mut scene);
        sold.extend(
            events::<TriggerFired>(&scene, from)
                .iter()
                .map(|fired| fired.sold),
        );
        // Others trade some of it back.
        swap(&mut scene, USDC, 20_000 * ONE, RISKY);
        scene.world.wait_ms(60_000);
    }
    assert!(sold.len() > 1, "{sold:?}");
    assert_eq!(sold.iter().sum::<U256>(), n(8_000 * ONE), "{sold:?}");
    assert_eq!(units(&scene, RISKY), n(12_000 * ONE));
}

/// ACC-9: where what an order brings pays all but dust of a debt, so much less is paid, and stands beside it.
#[test]
fn trig_5_an_order_leaves_no_dust_of_a_debt() {
    let mut scene = start();
    scene.alice_borrows(1_000);
    let order = Order {
        repay: true,
        amount: n(ONE / 2),
        ..stop_at(&mut scene, 1_990 * USD)
    };
    let id = create(&mut scene, &order);
    scene.prices(&[(ETH, 1_960 * USD)]);
    let from = scene.log_count();
    assert_eq!(look(&mut scene), [id]);
    let fired = &events::<TriggerFired>(&scene, from)[0];
    assert!(
        fired.received > n(991 * ONE) && fired.repaid < fired.received,
        "{fired:?}"
    );
    let owed = scene.holding(ALICES, USDC).expect("owed").owed;
    assert!(owed >= n(10 * ONE) && owed < n(11 * ONE), "{owed}");
}

/// TRIG-6: what looks cost is taken from what was prepaid, and the rest goes back to the owner; with nothing left it ends.
#[test]
fn trig_6_what_is_prepaid_is_spent_or_comes_back() {
    let mut scene = start();
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    let stop = stop_at(&mut scene, 1_800 * USD);
    let least = scene
        .world
        .view(ADDRESS, &prepaidMinCall { kind: 1, count: 1 });
    assert_eq!(least, n(u128::from(3 * 2 * 600_000 * GWEI)));
    let least = u128::try_from(least).expect("small");
    let too_little = TriggersPrepaidTooLittle {
        sentWei: n(least - 1),
        leastWei: n(least),
    };
    let refused = try_create(&mut scene, ALICE, ALICES, &stop, least - 1);
    assert_eq!(refused, Err(Halt::revert(&too_little)));
    // Cancelled: everything comes back.
    let before = coins(&mut scene, ALICE);
    let id = try_create(&mut scene, ALICE, ALICES, &stop, least).expect("works");
    assert_eq!(coins(&mut scene, ALICE), before - n(least));
    scene.world.ok(ALICE, ADDRESS, &cancelCall { id });
    assert_eq!(coins(&mut scene, ALICE), before);
    // Executed: what its gas cost stays.
    let id = try_create(&mut scene, ALICE, ALICES, &stop, least).expect("works");
    swap(&mut scene, ETH, 600 * ONE, USDC);
    scene.prices(&[(ETH, 1_780 * USD)]);
    assert_eq!(look(&mut scene), [id]);
    let used = scene.world.store.gas_used();
    let ended = scene.world.last_event::<TriggerEnded>(ADDRESS);
    let cost = (n(least) - ended.refundWei) / n(GWEI.into());
    println!("a stop-loss is executed for {cost} gas; its transaction used {used}");
    assert!(cost > n(50_000) && cost < n(600_000), "{cost}");
    assert!(n(used.into()) <= cost + n(60_000), "{used} of {cost}");
    assert_eq!((ended.id, ended.reason), (id, 1));
    assert_eq!(
        coins(&mut scene, ALICE),
        before - n(least) + ended.refundWei
    );
    assert_eq!(coins(&mut scene, ADDRESS), n(least) - ended.refundWei);
    // Looks that find nothing to sell use it up.
    scene.prices(&[(ETH, 2_000 * USD)]);
    let id = try_create(&mut scene, ALICE, ALICES, &stop, least).expect("works");
    scene.prices(&[(ETH, 1_780 * USD)]);
    let (mut looks, from) = (0, scene.log_count());
    while look(&mut scene) == [id] {
        looks += 1;
        scene.world.wait_ms(3_840_000);
        scene.prices(&[(ETH, 1_780 * USD)]);
        assert!(looks < 1_000);
    }
    let ended = &events::<TriggerEnded>(&scene, from)[0];
    assert_eq!(
        (ended.id, ended.reason, ended.refundWei),
        (id, 4, U256::ZERO)
    );
    assert!(looks > 3, "{looks}");
    assert_eq!(orders(&scene), [] as [u64; 0]);
    // A base fee that rose makes no order dearer than what was prepaid.
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    scene.prices(&[(ETH, 2_000 * USD)]);
    let id = try_create(&mut scene, ALICE, ALICES, &stop, least).expect("works");
    scene.world.store.block_mut().base_fee_wei = u128::from(1_000 * GWEI);
    scene.prices(&[(ETH, 1_780 * USD)]);
    let from = scene.log_count();
    assert_eq!(look(&mut scene), [id]);
    assert_eq!(events::<TriggerFired>(&scene, from).len(), 1);
    let ended = scene.world.last_event::<TriggerEnded>(ADDRESS);
    assert_eq!((ended.reason, ended.refundWei), (1, U256::ZERO));
}

/// TRIG-6: slices prepay for each time that they fire; cancelled halfway, what their looks did not cost comes back.
#[test]
fn trig_6_slices_that_are_cancelled_give_back_the_rest() {
    let mut scene = start();
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    let slices = Order {
        kind: 3,
        amount: n(2 * ONE),
        intervalS: 600,
        count: 4,
        ..plain(&mut scene)
    };
    let least = prepaidMinCall { kind: 3, count: 4 };
    let least = u128::try_from(scene.world.view(ADDRESS, &least)).expect("small");
    assert_eq!(least, u128::from((4 + 2) * 2 * 600_000 * GWEI));
    let too_little = TriggersPrepaidTooLittle {
        sentWei: n(least - 1),
        leastWei: n(least),
    };
    let refused = try_create(&mut scene, ALICE, ALICES, &slices, least - 1);
    assert_eq!(refused, Err(Halt::revert(&too_little)));
    let before = coins(&mut scene, ALICE);
    let id = try_create(&mut scene, ALICE, ALICES, &slices, least).expect("works");
    for wait_ms in [0, 600_000] {
        scene.world.wait_ms(wait_ms);
        assert_eq!(look(&mut scene), [id]);
    }
    let left = standing(&scene, id).prepaidWei;
    let each = (n(least) - left) / n(2 * u128::from(GWEI));
    println!("a slice is executed for {each} gas");
    assert!(each > n(50_000) && each < n(600_000), "{each}");
    scene.world.ok(ALICE, ADDRESS, &cancelCall { id });
    let ended = scene.world.last_event::<TriggerEnded>(ADDRESS);
    assert_eq!((ended.reason, ended.refundWei), (2, left));
    assert_eq!(coins(&mut scene, ALICE), before - n(least) + left);
    assert_eq!(coins(&mut scene, ADDRESS), n(least) - left);
    scene.world.wait_ms(600_000);
    assert_eq!(look(&mut scene), [] as [u64; 0]);
}

/// TRIG-7: strangers do nothing; an operator in his time does, and coins come back to the owner.
#[test]
fn trig_7_only_the_owner_and_operators_act() {
    let mut scene = start();
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    let stop = stop_at(&mut scene, 1_800 * USD);
    let stranger = Halt::revert(&AccountNotAuthorised {
        owner: ALICE,
        index: 0,
        caller: BOB,
    });
    let refused = try_create(&mut scene, BOB, ALICES, &stop, PREPAID);
    assert_eq!(refused, Err(stranger.clone()));
    let id = create(&mut scene, &stop);
    let cancelled = scene.world.call(BOB, ADDRESS, &cancelCall { id });
    assert_eq!(cancelled.map(drop), Err(stranger.clone()));
    let renewed = scene.world.call(BOB, ADDRESS, &renewCall { id });
    assert_eq!(renewed.map(drop), Err(stranger));
    let allow = setOperatorCall {
        index: 0,
        operator: BOB,
        untilMs: u64::MAX,
    };
    scene.world.ok(ALICE, ACCOUNT, &allow);
    let by_bob = try_create(&mut scene, BOB, ALICES, &stop, PREPAID).expect("works");
    let before = coins(&mut scene, ALICE);
    scene.world.ok(BOB, ADDRESS, &cancelCall { id: by_bob });
    assert_eq!(coins(&mut scene, ALICE), before + n(PREPAID));
    // More coins may come.
    let more = renewCall { id }.abi_encode();
    scene.world.raw(BOB, ADDRESS, n(7), &more).expect("works");
    assert_eq!(standing(&scene, id).prepaidWei, n(PREPAID + 7));
}

/// TRIG-8: so many orders per account and step, and each ends in time.
#[test]
fn trig_8_orders_are_bounded_and_end() {
    let mut scene = start();
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    let stop = stop_at(&mut scene, 1_800 * USD);
    let first = create(&mut scene, &stop);
    for _ in 1..ORDERS_MAX {
        create(&mut scene, &stop);
    }
    let full = TriggersTooMany {
        owner: ALICE,
        index: 0,
        max: n(ORDERS_MAX.into()),
    };
    refuses(&mut scene, &stop, &full);
    scene.world.ok(ALICE, ADDRESS, &cancelCall { id: first });
    create(&mut scene, &stop);
    // A step that is full, as if others had filled it.
    let step = math::step_down(Price::new(1_700 * USD).expect("in range"));
    let crowd = STATE.crowds.at(((AssetId::new(ETH), false), step));
    spoil(&mut scene, |cx| crowd.save(cx, STEP_ORDERS_MAX));
    let there = stop_at(&mut scene, 1_700 * USD);
    let at = math::price_fallen_to(math::tick_of(step));
    let full = Halt::revert(&TriggersStepFull {
        assetId: ETH,
        price: at.to_u256(),
        max: n(STEP_ORDERS_MAX.into()),
    });
    let bobs = creation(BOBS, &there).abi_encode();
    let refused = {
        let mut world = scene.world.clone();
        world.sweep_every = u32::MAX;
        world.raw(BOB, ADDRESS, n(PREPAID), &bobs)
    };
    assert_eq!(refused, Err(full));
    spoil(&mut scene, |cx| crowd.save(cx, 0));
    // The end of its time calls the block.
    scene.world.wait_ms(30 * DAY_MS);
    assert_eq!(look(&mut scene).len(), 16);
    let ended = scene.world.last_event::<TriggerEnded>(ADDRESS);
    assert_eq!(ended.reason, 3);
    assert_eq!(orders(&scene), [] as [u64; 0]);
}

/// What is out of range, met already or of no asset is refused with its numbers.
#[test]
fn wishes_out_of_range_are_refused() {
    let mut scene = start();
    scene.alice_borrows(10_000);
    let base = stop_at(&mut scene, 1_800 * USD);
    let now_ms = scene.world.store.block_mut().time_ms;
    let year = 365 * DAY_MS;
    let invalid = |what: &str, value: u64, least: u64, most: u64| TriggersInvalid {
        what: what.into(),
        value: U256::from(value),
        least: U256::from(least),
        most: U256::from(most),
    };
    let cases: Vec<(Order, TriggersInvalid)> = vec![
        (
            Order {
                kind: 0,
                ..base.clone()
            },
            invalid("kind", 0, 1, 4),
        ),
        (
            Order {
                kind: 5,
                ..base.clone()
            },
            invalid("kind", 5, 1, 4),
        ),
        (
            Order {
                buyAssetId: ETH,
                ..base.clone()
            },
            invalid("buyAssetId", 0, 1, u32::MAX.into()),
        ),
        (
            Order {
                limitBps: 0,
                ..base.clone()
            },
            invalid("limitBps", 0, 1, 5_000),
        ),
        (
            Order {
                limitBps: 5_001,
                ..base.clone()
            },
            invalid("limitBps", 5_001, 1, 5_000),
        ),
        (
            Order {
                expiresMs: now_ms,
                ..base.clone()
            },
            invalid("expiresMs", now_ms, now_ms + 1_000, now_ms + year),
        ),
        (
            Order {
                expiresMs: now_ms + year + 1,
                ..base.clone()
            },
            invalid(
                "expiresMs",
                now_ms + year + 1,
                now_ms + 1_000,
                now_ms + year,
            ),
        ),
        (
            Order {
                price: U256::ZERO,
                ..base.clone()
            },
            invalid("price", 0, 1, 7_168),
        ),
        (
            Order {
                kind: 2,
                distanceSteps: 65,
                ..base.clone()
            },
            invalid("distanceSteps", 65, 1, 64),
        ),
        (
            Order {
                kind: 3,
                intervalS: 0,
                count: 1,
                ..base.clone()
            },
            invalid("intervalS", 0, 1, 31 * 86_400),
        ),
        (
            Order {
                kind: 3,
                intervalS: 1,
                count: 1_001,
                ..base.clone()
            },
            invalid("count", 1_001, 1, 1_000),
        ),
        (
            Order {
                kind: 4,
                floorBps: 10_000,
                ..base.clone()
            },
            invalid("floorBps", 10_000, 10_100, 100_000),
        ),
        (
            Order {
                kind: 4,
                floorBps: 12_000,
                targetBps: 12_000,
                ..base
            },
            invalid("targetBps", 12_000, 12_100, 200_000),
        ),
    ];
    for (wish, why) in cases {
        refuses(&mut scene, &wish, &why);
    }
    let zero = TriggersInvalid {
        what: "amount".into(),
        value: U256::ZERO,
        least: U256::ONE,
        most: Assets::MAX.to_u256(),
    };
    refuses(
        &mut scene,
        &Order {
            amount: U256::ZERO,
            ..base
        },
        &zero,
    );
    let met = TriggersMetAlready {
        found: n(2_000 * USD),
    };
    let over = Order {
        price: n(2_100 * USD),
        ..base
    };
    refuses(&mut scene, &over, &met);
    let under = Order {
        above: true,
        ..base
    };
    refuses(&mut scene, &under, &met);
    let found = scene.report(ALICES).healthMaintenance;
    let health = deleverage(&mut scene, 17_000, 18_000);
    refuses(&mut scene, &health, &TriggersMetAlready { found });
    // Assets that nobody knows.
    let nobody = Order {
        watchAssetId: 77,
        ..stop_at(&mut scene, USD)
    };
    assert!(try_create(&mut scene, ALICE, ALICES, &nobody, PREPAID).is_err());
}

/// The exact price of a step is the last that fires and the next one does not, both ways.
#[test]
fn prices_of_steps_are_exact() {
    for price in [
        1,
        2,
        1_000,
        USD - 1,
        USD,
        USD + 1,
        1_800 * USD,
        123_456 * USD,
        u128::MAX >> 17,
    ] {
        let price = Price::new(price).expect("in range");
        let (down, up) = (math::step_down(price), math::step_up(price));
        let fallen = math::price_fallen_to(math::tick_of(down));
        assert!(fallen <= price);
        assert!(PriceTick::down(fallen) <= math::tick_of(down));
        let above = Price::new(fallen.get() + 1).expect("in range");
        assert!(PriceTick::down(above) > math::tick_of(down));
        let risen = math::price_risen_to(math::tick_of(up));
        assert!(PriceTick::up(risen) >= math::tick_of(up));
        if risen.get() > 1 {
            let below = Price::new(risen.get() - 1).expect("in range");
            assert!(PriceTick::up(below) < math::tick_of(up) || up == 0);
        }
        // No step is wider than 1.1 %.
        let wide = fallen.get() + fallen.get() / 90;
        assert!(
            price.get() <= wide.max(fallen.get() + 1),
            "{price} {fallen}"
        );
    }
}

#[test]
fn faults_leave_no_traces() {
    let mut scene = start();
    scene.world.store.block_mut().base_fee_wei = 0;
    scene.alice_borrows(10_000);
    let stop = stop_at(&mut scene, 1_800 * USD);
    check_every_fault(
        &scene.world,
        ALICE,
        ADDRESS,
        &creation(ALICES, &stop).abi_encode(),
    );
    let health = deleverage(&mut scene, 12_000, 14_000);
    check_every_fault(
        &scene.world,
        ALICE,
        ADDRESS,
        &creation(ALICES, &health).abi_encode(),
    );
    let id = try_create(&mut scene, ALICE, ALICES, &stop, 0).expect("works");
    check_every_fault(
        &scene.world,
        ALICE,
        ADDRESS,
        &cancelCall { id }.abi_encode(),
    );
    check_every_fault(&scene.world, ALICE, ADDRESS, &renewCall { id }.abi_encode());
}

/// Damage of words, of which each invariant says something.
#[test]
fn every_check_can_fail() {
    let mut scene = start();
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    let stop = stop_at(&mut scene, 1_800 * USD);
    let id = OrderId::new(create(&mut scene, &stop));
    type Damage = fn(&mut Ctx<'_>, OrderId) -> Result<(), Halt>;
    let cases: [(&str, Damage); 7] = [
        ("TRIG-6", |cx, id| {
            STATE
                .orders
                .at(id)
                .update(cx, |order| {
                    order.prepaid_wei += 1;
                    Ok(())
                })
                .map(drop)
        }),
        ("TRIG-8", |cx, _| STATE.lists.at(ALICES).pop(cx).map(drop)),
        ("TRIG-8", |cx, id| {
            STATE.lists.at(ALICES).push(cx, id).map(drop)
        }),
        ("TRIG-8", |cx, id| {
            STATE.guards.at((id, 0)).save(cx, U256::ZERO)
        }),
        ("TRIG-8", |cx, id| {
            let order = STATE.orders.at(id).load(cx)?;
            let crowd = STATE.crowds.at(((order.watch, false), order.step));
            crowd.save(cx, 2)
        }),
        ("TRIG-8", |cx, id| {
            let order = STATE.orders.at(id).load(cx)?;
            let crowd = STATE.crowds.at(((order.watch, false), order.step));
            crowd.save(cx, 0)
        }),
        ("TRIG-2", |cx, id| {
            // It would fire now, and its guard calls at the old step.
            let mut order = STATE.orders.at(id).load(cx)?;
            let crowd = |step| STATE.crowds.at(((AssetId::new(ETH), false), step));
            crowd(order.step).save(cx, 0)?;
            order.step += 20;
            crowd(order.step).save(cx, 1)?;
            STATE.orders.at(id).save(cx, &order)
        }),
    ];
    for (invariant, damage) in cases {
        let mut scene = scene.clone();
        spoil(&mut scene, |cx| damage(cx, id));
        let broken = check_all(&scene.world.store).expect_err(invariant);
        assert_eq!(broken.id, invariant, "{broken}");
    }
    assert_eq!(check_all(&scene.world.store), Ok(()));
}

/// Writes words as no verb does.
fn spoil(scene: &mut Scene, write: impl FnOnce(&mut Ctx<'_>) -> Result<(), Halt>) {
    scene.world.store.next_transaction(u64::MAX);
    let written = scene
        .world
        .store
        .attempt(|store| write(&mut store.frame(ADDRESS, ADDRESS)));
    written.unwrap_or_else(|halt| panic!("{}", words(&halt)));
}

/// What a dear look takes: an account of five assets, four pools of the pair, and every part asked for in vain.
#[test]
fn a_dear_look_fits_its_gas() {
    let mut scene = start();
    scene.world.store.block_mut().base_fee_wei = 0;
    let all = [ETH, USDC, DAI, ALONE].map(|asset| deposit(asset, 1_000 * ONE));
    scene.ok(ALICE, ALICES, &all);
    let supplies = [ETH, USDC, DAI].map(|asset| supply(asset, 500 * ONE));
    scene.ok(ALICE, ALICES, &supplies);
    scene.ok(ALICE, ALICES, &[borrow(RISKY, 100 * ONE)]);
    for fee_pips in [100, 3_000, 10_000] {
        let shape = Shape {
            curve: Curve::Product,
            fee_pips,
            amplification: 0,
            assets: vec![AssetId::new(ETH), AssetId::new(USDC)],
        };
        let amounts = [a(10 * ONE), a(20_000 * ONE)];
        let made = scene.world.inside(ROOM, ROOM, |cx| {
            exchange::create(cx, BOBS, BOBS, &shape, &amounts)
        });
        made.expect("a pool");
    }
    let order = Order {
        limitBps: 1,
        ..stop_at(&mut scene, 1_900 * USD)
    };
    let id = try_create(&mut scene, ALICE, ALICES, &order, 0).expect("works");
    scene.prices(&[(ETH, 1_850 * USD)]);
    swap(&mut scene, ETH, 2_000 * ONE, USDC);
    assert_eq!(look(&mut scene), [id]);
    let used = scene.world.store.gas_used();
    println!("a dear look: {used} gas of {LOOK_GAS}");
    assert!(used < LOOK_GAS, "{used} gas");
}
