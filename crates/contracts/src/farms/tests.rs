//! Farms by themselves: streams, stakers, locks, fees, hostile tokens.

mod hostile;
mod model;

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use capstan_units::{AccountId, AssetId, Assets, FarmId};

use super::{
    ADDRESS, EPOCH_MS, FEE_PERIOD_MS,
    IFarms::*,
    LOCK_EPOCHS_MAX, PERIOD_MS, REWARDS_MAX,
    live::{STATE, begins_ms, epoch_of},
    math::fine,
    params::LIFT_WAD_MAX,
    state::Flow,
};
use crate::{
    admin::IAdmin::AdminNotOwner,
    exchange::{
        self,
        IExchange::{self, *},
    },
    invariant::check_all,
    ledger::{self, ILedger},
    testkit::{
        ALICE, BOB, CAROL, OWNER, account,
        accounts::{DAI, ETH, ONE, RISKY, Scene, USDC, n},
        dice::Dice,
        fault::check_every_fault,
    },
};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// One unit of a lock lifts one unit of a stake.
const EVEN: u128 = 1_000_000_000_000_000_000;

/// A farm of `USDC` in which `RISKY` flows and `DAI` may be locked.
fn boosted(scene: &mut Scene) -> u32 {
    open(scene, (1, USDC), &[RISKY], (DAI, EVEN))
}

/// The same without locks.
fn plain(scene: &mut Scene) -> u32 {
    open(scene, (1, USDC), &[RISKY], (0, 0))
}

fn open(scene: &mut Scene, (kind, id): (u8, u32), rewards: &[u32], boost: (u32, u128)) -> u32 {
    scene
        .world
        .ok(CAROL, ADDRESS, &opens(kind, id, rewards, boost))
}

fn opens(kind: u8, id: u32, rewards: &[u32], (boost, lift): (u32, u128)) -> openCall {
    openCall {
        kind,
        id,
        rewards: rewards.to_vec(),
        boostAssetId: boost,
        liftWad: n(lift),
    }
}

fn fund(scene: &mut Scene, farm: u32, asset: u32, amount: u128, period_ms: u64) {
    let call = fundCall {
        farmId: farm,
        assetId: asset,
        amount: n(amount),
        periodMs: period_ms,
    };
    assert_eq!(scene.world.ok(CAROL, ADDRESS, &call), n(amount));
}

fn stake(scene: &mut Scene, who: Address, farm: u32, amount: u128) {
    let call = stakes(farm, amount);
    assert_eq!(scene.world.ok(who, ADDRESS, &call), n(amount));
}

fn stakes(farm: u32, amount: u128) -> stakeCall {
    stakeCall {
        farmId: farm,
        amount: n(amount),
    }
}

fn unstakes(farm: u32, amount: u128, to: Address) -> unstakeCall {
    unstakeCall {
        farmId: farm,
        amount: n(amount),
        to,
    }
}

fn claims(farm: u32, asset: u32, to: Address) -> claimCall {
    claimCall {
        farmId: farm,
        assetId: asset,
        to,
    }
}

fn locks(farm: u32, amount: u128, until_ms: u64) -> lockCall {
    lockCall {
        farmId: farm,
        isWallet: true,
        index: 0,
        amount: n(amount),
        untilMs: until_ms,
    }
}

fn unlocks(farm: u32, to: Address) -> unlockCall {
    unlockCall {
        farmId: farm,
        isWallet: true,
        index: 0,
        to,
    }
}

fn seen(scene: &Scene, farm: u32) -> Farm {
    scene.world.view(ADDRESS, &farmCall { farmId: farm })
}

fn has(scene: &Scene, farm: u32, who: Address) -> Stake {
    let call = stakeOfCall {
        farmId: farm,
        isWallet: true,
        owner: who,
        index: 0,
    };
    scene.world.view(ADDRESS, &call)
}

/// What a wallet is due of the first reward.
fn due(scene: &Scene, farm: u32, who: Address) -> u128 {
    u128::try_from(has(scene, farm, who).due[0]).expect("small")
}

fn now_ms(scene: &mut Scene) -> u64 {
    scene.world.store.block_mut().time_ms
}

/// The beginning of the epoch after this one.
fn next_epoch_ms(scene: &mut Scene) -> u64 {
    begins_ms(epoch_of(now_ms(scene)) + 1)
}

#[test]
fn farm_1_farm_2_what_is_there_is_what_is_promised() {
    let mut scene = Scene::new();
    let farm = open(&mut scene, (1, USDC), &[RISKY, DAI], (DAI, EVEN));
    fund(&mut scene, farm, RISKY, 1_000_003, DAY_MS);
    fund(&mut scene, farm, DAI, 77, HOUR_MS);
    stake(&mut scene, ALICE, farm, 3 * ONE);
    scene.world.wait_ms(12_345);
    stake(&mut scene, BOB, farm, 7);
    scene.world.wait_ms(HOUR_MS);
    scene.world.ok(ALICE, ADDRESS, &claims(farm, DAI, CAROL));
    scene.world.ok(ALICE, ADDRESS, &unstakes(farm, ONE, ALICE));
    let farm_id = FarmId::new(farm);
    let holder = (true, AccountId::new(ALICE, 0));
    // Damage of every field that an invariant speaks of is found.
    let spoil = |how: &dyn Fn(&mut capstan_state::Ctx<'_>), id: &str| {
        let mut world = scene.world.clone();
        how(&mut world.store.frame(ADDRESS, ADDRESS));
        let broken = check_all(&world.store).expect_err(id);
        assert_eq!(broken.id, id, "{broken}");
    };
    spoil(
        &|cx| {
            let mut tally = STATE.tallies.at(farm_id).load(cx).expect("reads");
            tally.staked += 1;
            STATE.tallies.at(farm_id).save(cx, &tally).expect("writes");
        },
        "FARM-1",
    );
    spoil(
        &|cx| {
            let mut tally = STATE.tallies.at(farm_id).load(cx).expect("reads");
            tally.weight += 1;
            STATE.tallies.at(farm_id).save(cx, &tally).expect("writes");
        },
        "FARM-4",
    );
    spoil(
        &|cx| {
            let at = STATE.flows.at((farm_id, 0));
            let mut flow = at.load(cx).expect("reads");
            flow.left_fine += U256::ONE;
            at.save(cx, &flow).expect("writes");
        },
        "FARM-2",
    );
    spoil(
        &|cx| {
            let at = STATE.dues.at(((farm_id, 1), holder));
            let mut due = at.load(cx).expect("reads");
            due.credit_fine += U256::ONE;
            at.save(cx, &due).expect("writes");
        },
        "FARM-2",
    );
    spoil(
        &|cx| {
            let at = STATE.stakes.at((farm_id, holder));
            let mut stake = at.load(cx).expect("reads");
            stake.extra = 2 * stake.amount;
            at.save(cx, &stake).expect("writes");
        },
        "FARM-4",
    );
    spoil(
        &|cx| {
            let next = epoch_of(cx.store.block().time_ms) + 1;
            STATE.ends.at((farm_id, next)).save(cx, 1).expect("writes");
        },
        "FARM-8",
    );
    spoil(
        &|cx| {
            let flow = Flow {
                left_fine: fine(Assets::new(1).expect("small")),
                ..Flow::default()
            };
            STATE
                .flows
                .at((farm_id, 0))
                .save(cx, &flow)
                .expect("writes");
            // What is promised fits, so only the end is wrong.
            let held = STATE.held.at((farm_id, 0));
            let all = held.load(cx).expect("reads");
            assert!(held.sub_bounded(cx, all, Assets::ZERO).expect("writes"));
            held.add(cx, Assets::new(1).expect("small"))
                .expect("writes");
            for who in [ALICE, BOB] {
                let at = STATE
                    .dues
                    .at(((farm_id, 0), (true, AccountId::new(who, 0))));
                at.save(cx, &Default::default()).expect("writes");
            }
        },
        "FARM-5",
    );
    spoil(
        &|cx| {
            let from = super::STAKES;
            let to = super::LOCKS;
            let one = Assets::new(1).expect("small");
            ledger::shift(cx, AssetId::new(USDC), from, to, one).expect("moves");
        },
        "FARM-1",
    );
    spoil(
        &|cx| {
            let mut tally = STATE.tallies.at(farm_id).load(cx).expect("reads");
            tally.at_ms = u64::MAX;
            STATE.tallies.at(farm_id).save(cx, &tally).expect("writes");
        },
        "FARM-14",
    );
}

#[test]
fn farm_3_nothing_is_lost_while_nobody_stakes() {
    let mut scene = Scene::new();
    let farm = plain(&mut scene);
    fund(&mut scene, farm, RISKY, 1_000, 10 * HOUR_MS);
    scene.world.wait_ms(30 * DAY_MS);
    let stream = seen(&scene, farm).streams[0].clone();
    assert_eq!((stream.left, stream.leftMs), (n(1_000), 10 * HOUR_MS));
    // Half of it flows, then it stands still again in the middle.
    stake(&mut scene, ALICE, farm, 1);
    scene.world.wait_ms(5 * HOUR_MS);
    scene.world.ok(ALICE, ADDRESS, &unstakes(farm, 1, ALICE));
    scene.world.wait_ms(400 * DAY_MS);
    let stream = seen(&scene, farm).streams[0].clone();
    assert_eq!((stream.left, stream.leftMs), (n(500), 5 * HOUR_MS));
    assert_eq!(due(&scene, farm, ALICE), 500);
    stake(&mut scene, BOB, farm, ONE);
    scene.world.wait_ms(5 * HOUR_MS);
    // Whoever weighs no power of two keeps a fraction.
    assert_eq!(
        (due(&scene, farm, ALICE), due(&scene, farm, BOB)),
        (500, 499)
    );
}

#[test]
fn farm_4_a_lock_lifts_a_stake_up_to_two_and_a_half_times() {
    let mut scene = Scene::new();
    let farm = boosted(&mut scene);
    let until_ms = next_epoch_ms(&mut scene);
    stake(&mut scene, ALICE, farm, 100);
    for (locked, weight) in [(1, 101), (98, 199), (51, 250), (1_000_000, 250)] {
        scene
            .world
            .ok(ALICE, ADDRESS, &locks(farm, locked, until_ms));
        assert_eq!(has(&scene, farm, ALICE).weight, n(weight));
    }
    // A larger stake is lifted by what is locked already, a smaller one by what it may.
    stake(&mut scene, ALICE, farm, 900);
    assert_eq!(has(&scene, farm, ALICE).weight, n(2_500));
    scene.world.ok(ALICE, ADDRESS, &unstakes(farm, 999, ALICE));
    assert_eq!(has(&scene, farm, ALICE).weight, n(2));
    assert_eq!(seen(&scene, farm).weight, n(2));
    // Against somebody without a lock: 250 to 100.
    stake(&mut scene, ALICE, farm, 99);
    stake(&mut scene, BOB, farm, 100);
    fund(&mut scene, farm, RISKY, 3_500, HOUR_MS);
    scene.world.wait_ms(HOUR_MS);
    assert_eq!(
        (due(&scene, farm, ALICE), due(&scene, farm, BOB)),
        (2_500, 1_000)
    );
}

#[test]
fn farm_5_streams_run_out_cleanly() {
    let mut scene = Scene::new();
    let farm = plain(&mut scene);
    let people = [(ALICE, 3), (BOB, 7 * ONE), (CAROL, 11)];
    for (who, amount) in people {
        stake(&mut scene, who, farm, amount);
    }
    let mut paid = 0;
    for round in 1..=3 {
        fund(&mut scene, farm, RISKY, 1_000_000_007, HOUR_MS + 1);
        for _ in 0..7 {
            scene.world.wait_ms(HOUR_MS / 7 + 1);
            for (who, _) in people {
                if due(&scene, farm, who) != 0 {
                    let claimed = scene.world.ok(who, ADDRESS, &claims(farm, RISKY, who));
                    paid += u128::try_from(claimed).expect("small");
                }
            }
        }
        // Everything flowed: less than a unit for each staker is a fraction that he keeps, and less than one is left.
        let stream = seen(&scene, farm).streams[0].clone();
        assert_eq!((stream.left, stream.leftMs), (U256::ZERO, 0));
        let funded = round * 1_000_000_007;
        assert!(funded - paid <= 3, "{paid} of {funded}");
        assert_eq!(stream.held, n(funded - paid));
    }
    let none = FarmsNothingDue {
        farmId: farm,
        assetId: RISKY,
    };
    scene
        .world
        .refused(ALICE, ADDRESS, &claims(farm, RISKY, ALICE), &none);
}

#[test]
fn farm_6_paying_in_never_makes_a_stream_slower() {
    let mut dice = Dice::new("farm_6");
    let ms = |dice: &mut Dice| {
        let (min, max) = PERIOD_MS;
        min + u64::try_from(dice.amount(u128::from(max - min - 1))).expect("small")
    };
    for _ in 0..2_000 {
        let mut flow = Flow::default();
        for _ in 0..6 {
            let before = flow;
            let (amount, period_ms) = (1 + dice.amount(1 << 90), ms(&mut dice));
            flow.take_in(Assets::new(amount).expect("small"), period_ms)
                .expect("takes");
            assert!(flow.left_ms > 0);
            if before.left_ms != 0 {
                // left / ms, crosswise: no less than before.
                let (now, then) = (flow.left_fine >> 64, before.left_fine >> 64);
                let one = U256::ONE;
                assert!(
                    (now + one) * U256::from(before.left_ms) >= then * U256::from(flow.left_ms),
                    "{flow:?} after {before:?}"
                );
            }
            let passed = u64::try_from(dice.amount(u128::from(flow.left_ms))).expect("small");
            flow.run(1 + dice.amount(1 << 100), passed).expect("runs");
        }
    }
    // A crumb over a year neither thins a week's stream out, nor holds up what comes after it.
    let mut scene = Scene::new();
    let farm = plain(&mut scene);
    stake(&mut scene, ALICE, farm, 1);
    fund(&mut scene, farm, RISKY, 1, 365 * DAY_MS);
    fund(&mut scene, farm, RISKY, 1_000 * ONE, 7 * DAY_MS);
    let week = seen(&scene, farm).streams[0].leftMs;
    assert!(week < 7 * DAY_MS + HOUR_MS, "{week}");
    fund(&mut scene, farm, RISKY, 1, 365 * DAY_MS);
    assert!(seen(&scene, farm).streams[0].leftMs <= week + 1);
}

#[test]
fn farm_7_who_comes_and_goes_in_a_block_earns_nothing() {
    let mut scene = Scene::new();
    let farm = boosted(&mut scene);
    stake(&mut scene, ALICE, farm, 1_000);
    fund(&mut scene, farm, RISKY, 1_000 * ONE, HOUR_MS);
    scene.world.wait_ms(HOUR_MS / 2);
    let before = due(&scene, farm, ALICE);
    let until_ms = next_epoch_ms(&mut scene);
    stake(&mut scene, BOB, farm, 1_000_000 * ONE);
    scene
        .world
        .ok(BOB, ADDRESS, &locks(farm, 1_000_000 * ONE, until_ms));
    let poke = pokeCall { farmId: farm };
    scene.world.ok(BOB, ADDRESS, &poke);
    scene
        .world
        .ok(BOB, ADDRESS, &unstakes(farm, 1_000_000 * ONE, BOB));
    assert_eq!(
        (due(&scene, farm, BOB), due(&scene, farm, ALICE)),
        (0, before)
    );
    scene.world.wait_ms(HOUR_MS / 2);
    assert_eq!(due(&scene, farm, BOB), 0);
    assert!(1_000 * ONE - due(&scene, farm, ALICE) <= 1);
    // Whatever order acts of a block come in, what everybody is due later is the same to the fraction.
    let acts: [&dyn Fn(&mut Scene); 4] = [
        &|scene| stake(scene, BOB, farm, 5_000),
        &|scene| stake(scene, CAROL, farm, 70),
        &|scene| fund(scene, farm, RISKY, 12_345, 2 * HOUR_MS),
        &|scene| {
            scene.world.ok(ALICE, ADDRESS, &unstakes(farm, 400, ALICE));
        },
    ];
    let credits = |order: [usize; 4]| {
        let mut scene = scene.clone();
        for at in order {
            acts[at](&mut scene);
        }
        scene.world.wait_ms(HOUR_MS + 17);
        let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
        let live = super::live::Live::load(cx, FarmId::new(farm)).expect("reads");
        [ALICE, BOB, CAROL].map(|who| {
            let holder = super::live::Holder::wallet(who);
            live.settle(cx, holder).expect("settles");
            let at = ((FarmId::new(farm), 0), holder.key());
            STATE.dues.at(at).load(cx).expect("reads").credit_fine
        })
    };
    let first = credits([0, 1, 2, 3]);
    for order in [[3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2], [0, 2, 1, 3]] {
        assert_eq!(credits(order), first, "{order:?}");
    }
}

#[test]
fn farm_8_a_lock_counts_until_its_end_whoever_comes_when() {
    let mut scene = Scene::new();
    let farm = boosted(&mut scene);
    let ends_ms = next_epoch_ms(&mut scene) + EPOCH_MS;
    let to_end_ms = ends_ms - now_ms(&mut scene);
    stake(&mut scene, ALICE, farm, 100);
    stake(&mut scene, BOB, farm, 100);
    scene
        .world
        .ok(ALICE, ADDRESS, &locks(farm, 100, ends_ms - 1));
    assert_eq!(has(&scene, farm, ALICE).lockedUntilMs, ends_ms);
    let later_ms = 3 * EPOCH_MS + 5;
    fund(&mut scene, farm, RISKY, 900 * ONE, to_end_ms + later_ms);
    // One world is touched at every turn, the other one long after the end.
    let mut touched = scene.clone();
    for ms in [1, to_end_ms - 2, 1, EPOCH_MS, EPOCH_MS, EPOCH_MS, 5] {
        touched.world.wait_ms(ms);
        touched.world.ok(CAROL, ADDRESS, &pokeCall { farmId: farm });
        stake(&mut touched, ALICE, farm, 1);
        touched.world.ok(ALICE, ADDRESS, &unstakes(farm, 1, ALICE));
    }
    scene.world.wait_ms(to_end_ms + later_ms);
    let total_ms = u128::from(to_end_ms + later_ms);
    let boosted = 900 * ONE * u128::from(to_end_ms) / total_ms;
    let even = 900 * ONE - boosted;
    let expected = [boosted * 2 / 3 + even / 2, boosted / 3 + even / 2];
    for world in [&scene, &touched] {
        for (who, expected) in [ALICE, BOB].into_iter().zip(expected) {
            let due = due(world, farm, who);
            assert!(due.abs_diff(expected) <= 3, "{due} for {expected}");
        }
        assert_eq!(has(world, farm, ALICE).weight, n(100));
    }
    // The lock is no gate of the stake, and goes back when it ended.
    scene.world.ok(ALICE, ADDRESS, &unstakes(farm, 100, ALICE));
    let before = scene.wallet(ALICE, DAI);
    assert_eq!(
        scene.world.ok(ALICE, ADDRESS, &unlocks(farm, ALICE)),
        n(100)
    );
    assert_eq!(scene.wallet(ALICE, DAI), before + 100);
    scene
        .world
        .refused(ALICE, ADDRESS, &unlocks(farm, ALICE), &FarmsZeroAmount {});
}

#[test]
fn farm_8_locks_grow_and_lengthen_and_open_at_their_end() {
    let mut scene = Scene::new();
    let farm = boosted(&mut scene);
    stake(&mut scene, ALICE, farm, 1_000);
    let first = next_epoch_ms(&mut scene);
    let bad = |until, min| FarmsBadLock {
        untilMs: until,
        minMs: min,
        maxMs: first + EPOCH_MS * u64::from(LOCK_EPOCHS_MAX - 1),
    };
    let now = now_ms(&mut scene);
    let epoch = first - EPOCH_MS;
    assert!(now > epoch);
    let world = &mut scene.world;
    world.refused(ALICE, ADDRESS, &locks(farm, 5, epoch), &bad(epoch, first));
    let far = first + EPOCH_MS * u64::from(LOCK_EPOCHS_MAX);
    world.refused(ALICE, ADDRESS, &locks(farm, 5, far), &bad(far, first));
    world.refused(ALICE, ADDRESS, &locks(farm, 0, first), &FarmsZeroAmount {});
    world.ok(ALICE, ADDRESS, &locks(farm, 5, first + EPOCH_MS));
    let shorter = bad(first, first + EPOCH_MS);
    world.refused(ALICE, ADDRESS, &locks(farm, 5, first), &shorter);
    world.ok(ALICE, ADDRESS, &locks(farm, 7, first + EPOCH_MS));
    world.ok(ALICE, ADDRESS, &locks(farm, 0, first + 2 * EPOCH_MS));
    let locked = FarmsLocked {
        farmId: farm,
        untilMs: first + 2 * EPOCH_MS,
    };
    world.refused(ALICE, ADDRESS, &unlocks(farm, ALICE), &locked);
    assert_eq!(has(&scene, farm, ALICE).weight, n(1_012));
    scene.world.wait_ms(first + 2 * EPOCH_MS - now - 1);
    assert_eq!(has(&scene, farm, ALICE).weight, n(1_012));
    scene
        .world
        .refused(ALICE, ADDRESS, &unlocks(farm, ALICE), &locked);
    scene.world.wait_ms(1);
    assert_eq!(has(&scene, farm, ALICE).weight, n(1_000));
    // What stayed counts again when it is locked anew.
    scene
        .world
        .ok(ALICE, ADDRESS, &locks(farm, 0, first + 3 * EPOCH_MS));
    assert_eq!(has(&scene, farm, ALICE).weight, n(1_012));
}

#[test]
fn farm_9_a_reward_that_cannot_leave_holds_up_nothing_else() {
    let mut scene = Scene::new();
    let farm = open(&mut scene, (1, USDC), &[RISKY, DAI], (0, 0));
    fund(&mut scene, farm, RISKY, 1_000, HOUR_MS);
    fund(&mut scene, farm, DAI, 1_000, HOUR_MS);
    stake(&mut scene, ALICE, farm, 10);
    scene.world.wait_ms(HOUR_MS);
    for asset in [RISKY, USDC] {
        let freeze = ILedger::freezeCall { assetId: asset };
        scene.world.ok(OWNER, ledger::ADDRESS, &freeze);
    }
    let frozen = |asset| ILedger::LedgerFrozen { assetId: asset };
    let world = &mut scene.world;
    world.refused(ALICE, ADDRESS, &claims(farm, RISKY, ALICE), &frozen(RISKY));
    assert_eq!(
        world.ok(ALICE, ADDRESS, &claims(farm, DAI, ALICE)),
        n(1_000)
    );
    world.refused(ALICE, ADDRESS, &unstakes(farm, 10, ALICE), &frozen(USDC));
    let inside = unstakeToUnitsCall {
        farmId: farm,
        amount: n(10),
        index: 3,
    };
    world.ok(ALICE, ADDRESS, &inside);
    let account = AccountId::new(ALICE, 3);
    let cx = &mut world.store.frame(ADDRESS, ADDRESS);
    let free = ledger::free(cx, AssetId::new(USDC), account).expect("reads");
    assert_eq!(free.get(), 10);
    world.ok(
        OWNER,
        ledger::ADDRESS,
        &ILedger::unfreezeCall { assetId: RISKY },
    );
    assert_eq!(
        world.ok(ALICE, ADDRESS, &claims(farm, RISKY, BOB)),
        n(1_000)
    );
}

/// A pool of ETH and USDC of Carol's wallet, and a farm of its shares with both as rewards.
fn pool_with_farm(scene: &mut Scene) -> (u32, u32, Address) {
    let create = createPoolCall {
        shape: IExchange::Shape {
            curve: 1,
            feePips: 3_000,
            amplification: 0,
            assets: vec![ETH, USDC],
        },
        amounts: vec![n(1_000 * ONE), n(2_000_000 * ONE)],
        to: ALICE,
        deadlineMs: u64::MAX,
    };
    let pool = scene.world.ok(CAROL, exchange::ADDRESS, &create).poolId;
    let token = exchange::lp::address_of(capstan_units::PoolId::new(pool));
    scene.world.answer_calls(token);
    let farm = open(scene, (2, pool), &[ETH, USDC], (0, 0));
    (pool, farm, token)
}

fn trade(scene: &mut Scene, pool: u32, amount: u128) {
    let call = swapCall {
        legs: vec![IExchange::Leg {
            poolId: pool,
            assetIn: ETH,
            assetOut: USDC,
            exactOut: false,
            amount: n(0),
        }],
        bounds: IExchange::Bounds {
            assetIn: ETH,
            paidMax: n(amount),
            assetOut: USDC,
            receivedMin: U256::ZERO,
        },
        to: BOB,
        deadlineMs: u64::MAX,
    };
    scene.world.ok(BOB, exchange::ADDRESS, &call);
}

fn protocol_fees(scene: &Scene, asset: u32) -> U256 {
    let call = protocolFeesCall { assetId: asset };
    scene.world.view(exchange::ADDRESS, &call)
}

#[test]
fn farm_11_fees_of_a_pool_flow_to_who_stakes_its_shares() {
    let mut scene = Scene::new();
    let (pool, farm, token) = pool_with_farm(&mut scene);
    let share = setProtocolShareCall { shareBps: 2_500 };
    scene.world.ok(OWNER, exchange::ADDRESS, &share);
    scene.world.wait_ms(exchange::CHANGE_DELAY_MS);
    // Before anybody says so they are the protocol's.
    trade(&mut scene, pool, 10 * ONE);
    let fee = 10 * ONE * 3_000 / 1_000_000 / 4;
    assert_eq!(protocol_fees(&scene, ETH), n(fee));
    let feed = |feeds| setFeeFarmCall {
        farmId: farm,
        feeds,
    };
    let harvest = harvestCall { farmId: farm };
    let not_fed = FarmsNotFed { farmId: farm };
    scene.world.refused(BOB, ADDRESS, &harvest, &not_fed);
    let not_owner = AdminNotOwner {
        scope: exchange::ADDRESS,
        owner: OWNER,
        caller: CAROL,
    };
    scene.world.refused(CAROL, ADDRESS, &feed(true), &not_owner);
    scene.world.ok(OWNER, ADDRESS, &feed(true));
    let fed = scene.world.view(ADDRESS, &feeFarmCall { poolId: pool });
    assert_eq!((fed.isFed, fed.farmId), (true, farm));
    trade(&mut scene, pool, 10 * ONE);
    assert_eq!(
        protocol_fees(&scene, ETH),
        n(fee),
        "no more for the protocol"
    );
    // LP tokens stake, anybody harvests, and all flows within a week.
    let shares = scene.world.balance(token, ALICE);
    let amount = u128::try_from(shares).expect("small");
    stake(&mut scene, ALICE, farm, amount);
    assert_eq!(scene.world.balance(token, ALICE), U256::ZERO);
    let brought = scene.world.ok(BOB, ADDRESS, &harvest);
    assert_eq!(brought, [n(fee), U256::ZERO]);
    assert_eq!(seen(&scene, farm).streams[0].leftMs, FEE_PERIOD_MS);
    scene.world.wait_ms(FEE_PERIOD_MS);
    assert!(fee - due(&scene, farm, ALICE) <= 1);
    // A farm that feeds no more gets what came until then, and the next one what comes after.
    trade(&mut scene, pool, 20 * ONE);
    let other = open(&mut scene, (2, pool), &[ETH, USDC, DAI], (0, 0));
    let feeds = setFeeFarmCall {
        farmId: other,
        feeds: true,
    };
    scene.world.ok(OWNER, ADDRESS, &feeds);
    assert_eq!(seen(&scene, farm).streams[0].left, n(2 * fee));
    scene.world.refused(BOB, ADDRESS, &harvest, &not_fed);
    scene.world.ok(OWNER, ADDRESS, &feed(false));
    let fed = scene.world.view(ADDRESS, &feeFarmCall { poolId: pool });
    assert_eq!((fed.isFed, fed.farmId), (true, other), "another one is fed");
    let ends = setFeeFarmCall {
        farmId: other,
        feeds: false,
    };
    scene.world.ok(OWNER, ADDRESS, &ends);
    trade(&mut scene, pool, 10 * ONE);
    assert_eq!(
        protocol_fees(&scene, ETH),
        n(2 * fee),
        "the protocol's again"
    );
    // Where a coin would have nowhere to flow, nothing is fed; nor where no pool is.
    let narrow = open(&mut scene, (2, pool), &[ETH], (0, 0));
    let feeds = setFeeFarmCall {
        farmId: narrow,
        feeds: true,
    };
    let missing = FarmsOtherPool {
        farmId: narrow,
        poolId: pool,
        assetId: USDC,
    };
    scene.world.refused(OWNER, ADDRESS, &feeds, &missing);
    scene.world.ok(ALICE, ADDRESS, &unstakes(farm, amount, BOB));
    assert_eq!(scene.world.balance(token, BOB), shares);
}

#[test]
fn farm_13_what_is_due_stays_with_whoever_earned_it() {
    let mut scene = Scene::new();
    let farm = plain(&mut scene);
    fund(&mut scene, farm, RISKY, 4_000, 4 * HOUR_MS);
    stake(&mut scene, ALICE, farm, 10);
    scene.world.wait_ms(HOUR_MS);
    scene.world.ok(ALICE, ADDRESS, &unstakes(farm, 10, BOB));
    stake(&mut scene, BOB, farm, 10);
    scene.world.wait_ms(3 * HOUR_MS);
    assert_eq!(due(&scene, farm, ALICE), 1_000);
    assert_eq!(due(&scene, farm, BOB), 3_000);
    assert_eq!(
        scene.world.ok(ALICE, ADDRESS, &claims(farm, RISKY, ALICE)),
        n(1_000)
    );
}

#[test]
fn farm_14_what_is_out_of_bounds_is_refused() {
    let mut scene = Scene::new();
    let farm = plain(&mut scene);
    let world = &mut scene.world;
    let unknown = FarmsUnknown { farmId: 9 };
    world.refused(ALICE, ADDRESS, &stakes(9, 1), &unknown);
    world.refused(ALICE, ADDRESS, &pokeCall { farmId: 9 }, &unknown);
    world.refused(
        ALICE,
        ADDRESS,
        &opens(3, 0, &[DAI], (0, 0)),
        &FarmsBadKind { kind: 3 },
    );
    let rewards = |count: usize| FarmsBadRewards {
        count: U256::from(count),
        max: U256::from(REWARDS_MAX),
    };
    for list in [vec![], vec![0, 1, 2, 3, 4], vec![1, 1], vec![2, 1]] {
        let call = opens(1, USDC, &list, (0, 0));
        world.refused(ALICE, ADDRESS, &call, &rewards(list.len()));
    }
    let nothing = ILedger::LedgerUnknownAsset { assetId: 99 };
    world.refused(ALICE, ADDRESS, &opens(1, 99, &[DAI], (0, 0)), &nothing);
    world.refused(ALICE, ADDRESS, &opens(1, USDC, &[99], (0, 0)), &nothing);
    world.refused(ALICE, ADDRESS, &opens(1, USDC, &[DAI], (99, 1)), &nothing);
    let no_pool = ExchangeUnknownPool { poolId: 5 };
    world.refused(ALICE, ADDRESS, &opens(2, 5, &[DAI], (0, 0)), &no_pool);
    let too_high = FarmsBadLift {
        liftWad: n(LIFT_WAD_MAX + 1),
        max: n(LIFT_WAD_MAX),
    };
    let lifts = opens(1, USDC, &[DAI], (DAI, LIFT_WAD_MAX + 1));
    world.refused(ALICE, ADDRESS, &lifts, &too_high);
    let funds = |asset, amount, period_ms| fundCall {
        farmId: farm,
        assetId: asset,
        amount: n(amount),
        periodMs: period_ms,
    };
    let (min, max) = PERIOD_MS;
    for period_ms in [0, min - 1, max + 1, u64::MAX] {
        let bad = FarmsBadPeriod {
            periodMs: period_ms,
            minMs: min,
            maxMs: max,
        };
        world.refused(ALICE, ADDRESS, &funds(RISKY, 1, period_ms), &bad);
    }
    let no_reward = FarmsNoReward {
        farmId: farm,
        assetId: DAI,
    };
    world.refused(ALICE, ADDRESS, &funds(DAI, 1, min), &no_reward);
    world.refused(ALICE, ADDRESS, &claims(farm, DAI, ALICE), &no_reward);
    world.refused(
        ALICE,
        ADDRESS,
        &funds(RISKY, 0, min),
        &ILedger::LedgerZeroAmount {},
    );
    world.refused(
        ALICE,
        ADDRESS,
        &unstakes(farm, 0, ALICE),
        &FarmsZeroAmount {},
    );
    let insufficient = FarmsInsufficient {
        farmId: farm,
        have: U256::ZERO,
        need: n(1),
    };
    world.refused(ALICE, ADDRESS, &unstakes(farm, 1, ALICE), &insufficient);
    let no_boost = FarmsNoBoost { farmId: farm };
    world.refused(ALICE, ADDRESS, &locks(farm, 1, u64::MAX), &no_boost);
    world.refused(ALICE, ADDRESS, &unlocks(farm, ALICE), &no_boost);
    world.refused(
        ALICE,
        ADDRESS,
        &harvestCall { farmId: farm },
        &FarmsNotFed { farmId: farm },
    );
}

#[test]
fn farm_14_locks_of_a_year_that_nobody_touched_are_bounded_work() {
    let mut scene = Scene::new();
    let farm = open(&mut scene, (1, USDC), &[ETH, RISKY, DAI], (DAI, EVEN));
    for asset in [ETH, RISKY, DAI] {
        fund(&mut scene, farm, asset, 1_000 * ONE, 365 * DAY_MS);
    }
    let first = next_epoch_ms(&mut scene);
    // One lock for each end that there may be.
    for (epoch, who) in (0..LOCK_EPOCHS_MAX).zip(1..) {
        let who = account(who);
        for asset in [USDC, DAI] {
            let token = scene.tokens[usize::try_from(asset).expect("small")];
            scene.world.mint(token, who, 100);
        }
        stake(&mut scene, who, farm, 100);
        let until_ms = first + u64::from(epoch) * EPOCH_MS;
        scene.world.ok(who, ADDRESS, &locks(farm, 50, until_ms));
    }
    assert_eq!(seen(&scene, farm).weight, n(13 * 150));
    scene.world.wait_ms(400 * DAY_MS);
    scene.world.ok(BOB, ADDRESS, &pokeCall { farmId: farm });
    let gas = scene.world.store.gas_used();
    println!("thirteen ends of locks in a farm of three rewards: {gas} gas");
    assert!(gas < 2_000_000, "{gas}");
    assert_eq!(seen(&scene, farm).weight, n(13 * 100));
}

/// An act costs the same whether three or sixty stake.
#[test]
fn acts_cost_the_same_however_many_stake() {
    let costs = [1, 57].map(|others: u8| {
        let mut scene = Scene::new();
        scene.world.sweep_every = 1_000;
        let farm = plain(&mut scene);
        fund(&mut scene, farm, RISKY, 1_000 * ONE, DAY_MS);
        for other in 1..=others {
            let token = scene.tokens[usize::try_from(USDC).expect("small")];
            scene.world.mint(token, account(other), 100);
            stake(&mut scene, account(other), farm, 100);
        }
        stake(&mut scene, ALICE, farm, 1_000);
        stake(&mut scene, BOB, farm, 1_000);
        scene.world.wait_ms(HOUR_MS);
        scene.world.ok(ALICE, ADDRESS, &claims(farm, RISKY, ALICE));
        scene.world.wait_ms(HOUR_MS);
        let acts = [
            stakes(farm, 10).abi_encode(),
            claims(farm, RISKY, ALICE).abi_encode(),
            unstakes(farm, 10, ALICE).abi_encode(),
        ];
        acts.map(|input| {
            let mut world = scene.world.clone();
            world
                .raw(ALICE, ADDRESS, U256::ZERO, &input)
                .expect("works");
            world.store.gas_used()
        })
    });
    println!(
        "stake, claim, unstake of a wallet, one reward: {:?} gas",
        costs[1]
    );
    assert_eq!(costs[0], costs[1]);
}

#[test]
fn any_fault_leaves_no_traces() {
    let mut scene = Scene::new();
    let farm = boosted(&mut scene);
    let until_ms = next_epoch_ms(&mut scene);
    stake(&mut scene, ALICE, farm, 1_000);
    scene.world.ok(ALICE, ADDRESS, &locks(farm, 500, until_ms));
    fund(&mut scene, farm, RISKY, 1_000 * ONE, 90 * DAY_MS);
    scene.world.wait_ms(60 * DAY_MS);
    let later_ms = next_epoch_ms(&mut scene);
    let acts = [
        stakes(farm, 3).abi_encode(),
        unstakes(farm, 7, BOB).abi_encode(),
        claims(farm, RISKY, BOB).abi_encode(),
        locks(farm, 4, later_ms).abi_encode(),
        unlocks(farm, ALICE).abi_encode(),
        pokeCall { farmId: farm }.abi_encode(),
        opens(1, USDC, &[DAI], (0, 0)).abi_encode(),
    ];
    for input in acts {
        check_every_fault(&scene.world, ALICE, ADDRESS, &input);
    }
}
