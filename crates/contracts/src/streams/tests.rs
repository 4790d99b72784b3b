//! Streams by themselves: verbs, errors, exactness, assignments, tokens that call back.

mod model;

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolError};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, StreamId};

use super::{ADDRESS, ASSIGNED_MAX, Collected, DURATION_MS_MAX, IStreams::*, Income, POT, Terms};
use crate::{
    ledger::{self, ILedger},
    position::{Line, Position},
    streams,
    testkit::{
        ALICE, BOB, CAROL, OWNER, World, account,
        fault::check_every_fault,
        foreign::{Token, Whim},
        words,
    },
};

/// A native contract that acts for accounts, as the account room does.
const ROOM: Address = account(0x77);
const ALICES: AccountId = AccountId::new(ALICE, 0);
const BOBS: AccountId = AccountId::new(BOB, 3);
const BOBS_DEBT: AccountId = AccountId::new(BOB, 4);
const CAROLS: AccountId = AccountId::new(CAROL, 1);
/// What wallets and accounts begin with.
const RICH: u128 = 1_000_000_000;
const DAY_MS: u64 = 86_400_000;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn a(value: u128) -> Assets {
    Assets::new(value).expect("in range")
}

fn list(world: &mut World, token: Address) -> AssetId {
    let limit = ILedger::OutflowLimit {
        windowS: 60,
        shareBps: 10_000,
        floor: n(0),
    };
    let list = ILedger::listAssetCall { token, limit };
    AssetId::new(world.ok(OWNER, ledger::ADDRESS, &list))
}

/// A native token of which people and their accounts have plenty.
fn start() -> (World, Address, AssetId) {
    let (mut world, token) = World::with_token();
    for who in [ALICE, BOB, CAROL] {
        world.mint(token, who, RICH * 2);
    }
    let asset = list(&mut world, token);
    for who in [ALICES, BOBS, CAROLS] {
        let pulled = world.inside(ROOM, who.owner, |cx| {
            ledger::pull(cx, asset, who.owner, who, a(RICH))
        });
        assert_eq!(pulled, Ok(a(RICH)));
    }
    (world, token, asset)
}

fn act<R>(
    world: &mut World,
    verb: impl FnOnce(&mut Ctx<'_>) -> Result<R, Halt>,
) -> Result<R, Halt> {
    world.inside(ROOM, ROOM, verb)
}

fn free(world: &mut World, asset: AssetId, who: AccountId) -> u128 {
    let free = act(world, |cx| ledger::free(cx, asset, who));
    free.expect("reads").get()
}

fn now_ms(world: &mut World) -> u64 {
    world.store.block_mut().time_ms
}

/// Alice's account pays Bob's.
fn open(world: &mut World, asset: AssetId, amount: u128, lasts_ms: u64) -> StreamId {
    let end_ms = now_ms(world) + lasts_ms;
    let terms = Terms {
        asset,
        owner: BOBS,
        amount: a(amount),
        start_ms: 0,
        cliff_ms: 0,
        end_ms,
        is_final: false,
    };
    act(world, |cx| streams::open(cx, ALICES, terms)).expect("opens")
}

fn settled(world: &mut World, asset: AssetId) -> StreamId {
    act(world, |cx| streams::open_settled(cx, ALICES, asset, BOBS)).expect("opens")
}

fn collect(world: &mut World, id: StreamId) -> Collected {
    act(world, |cx| streams::collect(cx, id)).expect("collects")
}

fn stream(world: &World, id: StreamId) -> Stream {
    let stream_id = id.get();
    world.view(
        ADDRESS,
        &streamCall {
            streamId: stream_id,
        },
    )
}

fn due(world: &World, id: StreamId) -> u128 {
    let due = world.view(ADDRESS, &dueOfCall { streamId: id.get() });
    u128::try_from(due).expect("small")
}

fn assign(world: &mut World, id: StreamId, asset: AssetId) {
    let done = act(world, |cx| streams::assign(cx, id, BOBS, BOBS_DEBT, asset));
    assert_eq!(done, Ok(()));
}

fn income(world: &mut World, who: AccountId, asset: AssetId) -> u128 {
    let line = act(world, |cx| Income.assess(cx, who, asset)).expect("assesses");
    assert_eq!(line.owed, Assets::ZERO);
    line.held.get()
}

#[track_caller]
fn refuses<R: core::fmt::Debug>(
    world: &mut World,
    error: &impl SolError,
    verb: impl FnOnce(&mut Ctx<'_>) -> Result<R, Halt>,
) {
    let before = world.state();
    let halt = act(world, verb).expect_err("refused");
    assert_eq!(halt, Halt::revert(error), "{}", words(&halt));
    assert_eq!(world.state(), before, "left traces");
}

#[test]
fn a_salary_flows_evenly_and_ends_to_the_unit() {
    let (mut world, _, asset) = start();
    let id = open(&mut world, asset, 3_000, 30 * DAY_MS);
    assert_eq!(free(&mut world, asset, ALICES), RICH - 3_000);
    assert_eq!(due(&world, id), 0);
    world.wait_ms(DAY_MS);
    assert_eq!(due(&world, id), 100);
    world.wait_ms(DAY_MS / 2);
    assert_eq!(due(&world, id), 150);
    let collected = collect(&mut world, id);
    assert_eq!((collected.to, collected.amount), (BOBS, a(150)));
    assert_eq!(free(&mut world, asset, BOBS), RICH + 150);
    world.wait_ms(100 * DAY_MS);
    assert_eq!(collect(&mut world, id).amount, a(2_850));
    assert_eq!(collect(&mut world, id).amount, a(0));
    assert_eq!(free(&mut world, asset, POT), 0);
}

#[test]
fn str_1_the_pot_holds_what_streams_owe() {
    let (mut world, _, asset) = start();
    let id = open(&mut world, asset, 1_000, 1_000);
    let other = settled(&mut world, asset);
    act(&mut world, |cx| streams::pay_in(cx, other, CAROLS, a(500))).expect("pays");
    world.wait_ms(100);
    collect(&mut world, id);
    collect(&mut world, other);
    assert_eq!(free(&mut world, asset, POT), 900);
    // A gift to the pot is nobody's.
    act(&mut world, |cx| ledger::shift(cx, asset, CAROLS, POT, a(7))).expect("shifts");
    world.wait_ms(DAY_MS);
    collect(&mut world, id);
    assert_eq!(free(&mut world, asset, POT), 7);
}

/// However often it is collected, and at whatever times, the sum at each time is the floor of the exact amount.
#[test]
fn str_3_nothing_is_lost_to_rounding() {
    for (amount, lasts_ms, step_ms) in [
        (1, 7, 1),
        (10, 3_333, 1),
        (1_000_003, 86_399_999, 977_777),
        (7, 1_000_000, 3),
        (999_999_999, 12_345, 1),
    ] {
        let (mut world, _, asset) = start();
        let id = open(&mut world, asset, amount, lasts_ms);
        let (mut elapsed, mut sum) = (0_u64, 0_u128);
        while elapsed < lasts_ms && elapsed < step_ms * 3_000 {
            world.wait_ms(step_ms);
            elapsed += step_ms;
            sum += collect(&mut world, id).amount.get();
            let exact = amount * u128::from(elapsed) / u128::from(lasts_ms);
            assert_eq!(sum, exact.min(amount), "{amount} over {lasts_ms} ms");
        }
        world.wait_ms(lasts_ms);
        sum += collect(&mut world, id).amount.get();
        assert_eq!(sum, amount);
    }
}

#[test]
fn str_4_paying_in_prolongs_at_the_same_rate() {
    let (mut world, _, asset) = start();
    let id = open(&mut world, asset, 10, 7_000);
    let began_ms = now_ms(&mut world);
    // Each block somebody pays one unit in: what has flowed is as if nobody had.
    for _ in 0..20 {
        world.wait_ms(250);
        act(&mut world, |cx| streams::pay_in(cx, id, CAROLS, a(1))).expect("pays");
        let elapsed = now_ms(&mut world) - began_ms;
        assert_eq!(due(&world, id), u128::from(elapsed) * 10 / 7_000);
    }
    assert_eq!(stream(&world, id).endMs, began_ms + 21_000);
    assert_eq!(stream(&world, id).rate, n(10));
    world.wait_ms(DAY_MS);
    assert_eq!(due(&world, id), 30);
    // It ran dry for most of a day, which does not count.
    act(&mut world, |cx| streams::pay_in(cx, id, CAROLS, a(10))).expect("pays");
    assert_eq!(due(&world, id), 30);
    let again_ms = now_ms(&mut world);
    assert_eq!(stream(&world, id).endMs, again_ms + 7_000);
    world.wait_ms(3_500);
    assert_eq!(due(&world, id), 35);
    world.wait_ms(3_500);
    assert_eq!(collect(&mut world, id).amount, a(40));
}

#[test]
fn str_5_before_the_cliff_nothing_is_due_and_all_returns() {
    let (mut world, _, asset) = start();
    let now = now_ms(&mut world);
    let terms = Terms {
        asset,
        owner: BOBS,
        amount: a(1_000),
        start_ms: now + 1_000,
        cliff_ms: now + 3_000,
        end_ms: now + 11_000,
        is_final: false,
    };
    let vesting = |world: &mut World| act(world, |cx| streams::open(cx, ALICES, terms));
    let (id, other) = (
        vesting(&mut world).expect("opens"),
        vesting(&mut world).expect("opens"),
    );
    world.wait_ms(2_999);
    assert_eq!(due(&world, id), 0);
    let returned = act(&mut world, |cx| streams::cancel(cx, other, ALICES));
    assert_eq!(returned, Ok(a(1_000)));
    world.wait_ms(1);
    assert_eq!((due(&world, id), due(&world, other)), (200, 0));
    world.wait_ms(50);
    assert_eq!(due(&world, id), 205);
}

#[test]
fn str_6_a_cancellation_returns_what_has_not_flowed() {
    let (mut world, token, asset) = start();
    let id = open(&mut world, asset, 1_000, 10_000);
    world.wait_ms(2_503);
    let returned = act(&mut world, |cx| streams::cancel(cx, id, ALICES));
    assert_eq!(returned, Ok(a(750)));
    assert_eq!(free(&mut world, asset, ALICES), RICH - 250);
    world.wait_ms(DAY_MS);
    assert_eq!(collect(&mut world, id).amount, a(250));
    let stopped = StreamsStopped { streamId: id.get() };
    refuses(&mut world, &stopped, |cx| streams::cancel(cx, id, ALICES));
    refuses(&mut world, &stopped, |cx| {
        streams::pay_in(cx, id, ALICES, a(1))
    });
    // A wallet is paid back to its wallet.
    let (now, had) = (now_ms(&mut world), world.balance(token, ALICE));
    let open = |is_final| openCall {
        assetId: asset.get(),
        owner: BOB,
        ownerIndex: 3,
        amount: n(1_000),
        startMs: 0,
        cliffMs: 0,
        endMs: now + 1_000,
        isFinal: is_final,
    };
    let id = world.ok(ALICE, ADDRESS, &open(false));
    let is_final = world.ok(ALICE, ADDRESS, &open(true));
    world.wait_ms(400);
    let cancelled = world.ok(ALICE, ADDRESS, &cancelCall { streamId: id });
    assert_eq!(cancelled, n(600));
    assert_eq!(world.balance(token, ALICE), had - n(1_400));
    let error = StreamsFinal { streamId: is_final };
    let cancel = cancelCall { streamId: is_final };
    world.refused(ALICE, ADDRESS, &cancel, &error);
    let error = StreamsStopped { streamId: id };
    world.refused(ALICE, ADDRESS, &cancelCall { streamId: id }, &error);
}

/// A closed border does not keep a stream flowing: it stops at once, and the rest is fetched later.
#[test]
fn str_6_a_stream_stops_though_the_border_is_closed() {
    let (mut world, token, asset) = start();
    let end_ms = now_ms(&mut world) + 1_000;
    let open = openCall {
        assetId: asset.get(),
        owner: BOB,
        ownerIndex: 3,
        amount: n(1_000),
        startMs: 0,
        cliffMs: 0,
        endMs: end_ms,
        isFinal: false,
    };
    let id = world.ok(ALICE, ADDRESS, &open);
    let had = world.balance(token, ALICE);
    world.wait_ms(300);
    let number = asset.get();
    let freeze = ILedger::freezeCall { assetId: number };
    world.ok(OWNER, ledger::ADDRESS, &freeze);
    let frozen = ILedger::LedgerFrozen { assetId: number };
    world.refused(ALICE, ADDRESS, &cancelCall { streamId: id }, &frozen);
    world.ok(ALICE, ADDRESS, &stopCall { streamId: id });
    world.wait_ms(DAY_MS);
    assert_eq!(due(&world, StreamId::new(id)), 300);
    let waits = world.view(ADDRESS, &returnableOfCall { streamId: id });
    assert_eq!(waits, n(700));
    let unfreeze = ILedger::unfreezeCall { assetId: number };
    world.ok(OWNER, ledger::ADDRESS, &unfreeze);
    let returned = world.ok(ALICE, ADDRESS, &cancelCall { streamId: id });
    assert_eq!(returned, n(700));
    assert_eq!(world.balance(token, ALICE), had + n(700));
    let error = StreamsStopped { streamId: id };
    world.refused(ALICE, ADDRESS, &cancelCall { streamId: id }, &error);
    assert_eq!(collect(&mut world, StreamId::new(id)).amount, a(300));
}

#[test]
fn str_7_an_assigned_stream_pays_the_account_that_owes() {
    let (mut world, _, asset) = start();
    let id = open(&mut world, asset, 1_000, 10_000);
    world.wait_ms(1_000);
    assert_eq!(income(&mut world, BOBS, asset), 0);
    assign(&mut world, id, asset);
    assert_eq!(income(&mut world, BOBS_DEBT, asset), 100);
    world.wait_ms(1_000);
    assert_eq!(income(&mut world, BOBS_DEBT, asset), 200);
    let collected = collect(&mut world, id);
    let expected = Collected {
        asset,
        to: BOBS_DEBT,
        is_assigned: true,
        amount: a(200),
    };
    assert_eq!(collected, expected);
    assert_eq!(free(&mut world, asset, BOBS_DEBT), 200);
    assert_eq!(income(&mut world, BOBS_DEBT, asset), 0);
    // A wallet cannot take what a debt is owed.
    let error = StreamsAssigned {
        streamId: id.get(),
        account: BOB,
        index: 4,
    };
    let to_wallet = collectCall { streamId: id.get() };
    world.refused(BOB, ADDRESS, &to_wallet, &error);
    // Part of it, as a liquidation may want.
    world.wait_ms(1_000);
    let turned = act(&mut world, |cx| Income.unwind(cx, BOBS_DEBT, asset, a(30)));
    assert_eq!(turned, Ok(a(30)));
    assert_eq!(income(&mut world, BOBS_DEBT, asset), 70);
    let moved = act(&mut world, |cx| {
        Income.hand_over(cx, asset, BOBS_DEBT, CAROLS, a(500))
    });
    assert_eq!(moved, Ok(a(70)));
    assert_eq!(free(&mut world, asset, CAROLS), RICH + 70);
    assert_eq!(free(&mut world, asset, BOBS_DEBT), 230);
}

#[test]
fn str_8_an_assignment_ends_by_release_alone_and_travels_along() {
    let (mut world, _, asset) = start();
    let id = open(&mut world, asset, 1_000, 10_000);
    assign(&mut world, id, asset);
    let transfer = transferCall {
        streamId: id.get(),
        to: CAROL,
        index: 1,
    };
    world.ok(BOB, ADDRESS, &transfer);
    let assigned = StreamsAssigned {
        streamId: id.get(),
        account: BOB,
        index: 4,
    };
    let other = AccountId::new(CAROL, 9);
    refuses(&mut world, &assigned, |cx| {
        streams::assign(cx, id, CAROLS, other, asset)
    });
    world.wait_ms(1_000);
    assert_eq!(collect(&mut world, id).to, BOBS_DEBT);
    world.wait_ms(1_000);
    // What flowed before the release is the debtor's, what flows after it the buyer's.
    let last = act(&mut world, |cx| streams::release(cx, id)).expect("releases");
    assert_eq!((last.to, last.amount), (BOBS_DEBT, a(100)));
    assert_eq!(
        act(&mut world, |cx| streams::assigned(cx, BOBS_DEBT)),
        Ok(vec![])
    );
    world.wait_ms(1_000);
    let after = collect(&mut world, id);
    assert_eq!((after.to, after.amount), (CAROLS, a(100)));
    let none = StreamsNotAssigned { streamId: id.get() };
    refuses(&mut world, &none, |cx| streams::release(cx, id));
}

/// A stopped stream leaves its account's list with its last unit, in whatever order.
#[test]
fn str_8_a_stopped_stream_leaves_with_its_last_unit() {
    for is_released in [false, true] {
        let (mut world, _, asset) = start();
        let id = open(&mut world, asset, 1_000, 10_000);
        assign(&mut world, id, asset);
        world.wait_ms(1_000);
        act(&mut world, |cx| streams::cancel(cx, id, ALICES)).expect("cancels");
        assert_eq!(income(&mut world, BOBS_DEBT, asset), 100);
        let last = act(&mut world, |cx| {
            if is_released {
                streams::release(cx, id)
            } else {
                streams::collect(cx, id)
            }
        });
        assert_eq!(last.expect("pays").amount, a(100));
        assert_eq!(
            act(&mut world, |cx| streams::assigned(cx, BOBS_DEBT)),
            Ok(vec![])
        );
    }
    // One that is stopped with nothing due leaves at once, and none that is spent comes in.
    let (mut world, _, asset) = start();
    let id = open(&mut world, asset, 1_000, 10_000);
    assign(&mut world, id, asset);
    act(&mut world, |cx| streams::cancel(cx, id, ALICES)).expect("cancels");
    assert_eq!(
        act(&mut world, |cx| streams::assigned(cx, BOBS_DEBT)),
        Ok(vec![])
    );
    let error = StreamsStopped { streamId: id.get() };
    refuses(&mut world, &error, |cx| {
        streams::assign(cx, id, BOBS, BOBS_DEBT, asset)
    });
}

#[test]
fn str_9_at_most_eight_streams_pay_one_account() {
    let (mut world, token, asset) = start();
    let other_token = world.create_token(0);
    world.mint(other_token, ALICE, RICH);
    let other = list(&mut world, other_token);
    assert_ne!(token, other_token);
    let ids: Vec<_> = (0..ASSIGNED_MAX)
        .map(|_| open(&mut world, asset, 1_000, 1_000))
        .collect();
    for id in &ids {
        assign(&mut world, *id, asset);
    }
    let ninth = settled(&mut world, asset);
    let full = StreamsTooManyAssigned {
        account: BOB,
        index: 4,
        max: n(ASSIGNED_MAX.into()),
    };
    refuses(&mut world, &full, |cx| {
        streams::assign(cx, ninth, BOBS, BOBS_DEBT, asset)
    });
    act(&mut world, |cx| streams::release(cx, ids[2])).expect("releases");
    assign(&mut world, ninth, asset);
    let listed = assignedToCall {
        account: BOB,
        index: 4,
    };
    let mut listed = world.view(ADDRESS, &listed);
    listed.sort_unstable();
    assert_eq!(listed, [0, 1, 3, 4, 5, 6, 7, 8]);
    world.wait_ms(10);
    assert_eq!(income(&mut world, BOBS_DEBT, asset), 70);
    assert_eq!(income(&mut world, BOBS_DEBT, other), 0);
    // The whole account changes hands: the streams pay the new one.
    let to = AccountId::new(CAROL, 200);
    act(&mut world, |cx| {
        Income.transfer(cx, asset, BOBS_DEBT, BOBS_DEBT)?;
        Income.transfer(cx, asset, BOBS_DEBT, to)
    })
    .expect("moves");
    assert_eq!(income(&mut world, BOBS_DEBT, asset), 0);
    assert_eq!(income(&mut world, to, asset), 70);
    assert_eq!(collect(&mut world, ids[0]).to, to);
    let line = act(&mut world, |cx| Income.assess(cx, BOBS_DEBT, asset));
    assert_eq!(line, Ok(Line::EMPTY));
}

#[test]
fn str_10_everybody_does_only_what_is_his() {
    let (mut world, _, asset) = start();
    let id = open(&mut world, asset, 1_000, 10_000);
    world.wait_ms(100);
    let number = id.get();
    let not_payer = |caller| StreamsNotPayer {
        streamId: number,
        payer: ALICE,
        payerIndex: 0,
        caller,
    };
    let not_owner = |caller| StreamsNotOwner {
        streamId: number,
        owner: BOB,
        ownerIndex: 3,
        caller,
    };
    // The payer is Alice's account: her wallet, her other accounts and everybody else are not.
    for caller in [ALICE, BOB, CAROL] {
        let (stop, cancel) = (
            stopCall { streamId: number },
            cancelCall { streamId: number },
        );
        world.refused(caller, ADDRESS, &stop, &not_payer(caller));
        world.refused(caller, ADDRESS, &cancel, &not_payer(caller));
    }
    for by in [AccountId::new(ALICE, 1), BOBS, CAROLS] {
        refuses(&mut world, &not_payer(by.owner), |cx| {
            streams::cancel(cx, id, by)
        });
    }
    for caller in [ALICE, CAROL] {
        let (collect, transfer) = (
            collectCall { streamId: number },
            transferCall {
                streamId: number,
                to: caller,
                index: 0,
            },
        );
        world.refused(caller, ADDRESS, &collect, &not_owner(caller));
        world.refused(caller, ADDRESS, &transfer, &not_owner(caller));
    }
    for by in [ALICES, AccountId::new(BOB, 0), CAROLS] {
        refuses(&mut world, &not_owner(by.owner), |cx| {
            streams::transfer(cx, id, by, CAROLS)
        });
        refuses(&mut world, &not_owner(by.owner), |cx| {
            streams::assign(cx, id, by, AccountId::new(by.owner, 9), asset)
        });
    }
    // To somebody else's account: it would fill his places.
    let other = StreamsOtherOwner {
        streamId: number,
        owner: BOB,
        account: CAROL,
    };
    refuses(&mut world, &other, |cx| {
        streams::assign(cx, id, BOBS, CAROLS, asset)
    });
    world.ok(BOB, ADDRESS, &collectCall { streamId: number });
    let moved = act(&mut world, |cx| streams::transfer(cx, id, BOBS, CAROLS));
    assert_eq!(moved, Ok(()));
    world.wait_ms(100);
    let collected = world.ok(CAROL, ADDRESS, &collectCall { streamId: number });
    assert_eq!(collected, n(10));
}

#[test]
fn bad_input_is_refused_by_name() {
    let (mut world, _, asset) = start();
    let now = now_ms(&mut world);
    let good = Terms {
        asset,
        owner: BOBS,
        amount: a(1),
        start_ms: now + 10,
        cliff_ms: now + 20,
        end_ms: now + 30,
        is_final: false,
    };
    let unknown_asset = ILedger::LedgerUnknownAsset { assetId: 9 };
    let elsewhere = Terms {
        asset: AssetId::new(9),
        ..good
    };
    refuses(&mut world, &unknown_asset, |cx| {
        streams::open(cx, ALICES, elsewhere)
    });
    let nobody = AccountId::new(Address::ZERO, 5);
    let bad_owner = StreamsBadOwner {
        owner: Address::ZERO,
    };
    refuses(&mut world, &bad_owner, |cx| {
        streams::open(
            cx,
            ALICES,
            Terms {
                owner: nobody,
                ..good
            },
        )
    });
    refuses(&mut world, &bad_owner, |cx| {
        streams::open_settled(cx, ALICES, asset, nobody)
    });
    let zero = StreamsZeroAmount {};
    let nothing = Terms {
        amount: a(0),
        ..good
    };
    refuses(&mut world, &zero, |cx| streams::open(cx, ALICES, nothing));
    for (start_ms, cliff_ms, end_ms) in [
        (now - 1, now + 20, now + 30),
        (now + 10, now + 9, now + 30),
        (now + 10, now + 31, now + 30),
        (now + 10, now + 10, now + 10),
        (now + 10, now + 10, now + 9),
        (now + 10, now + 10, 0),
        (now + 10, now + 10, now + 11 + DURATION_MS_MAX),
        (u64::MAX, u64::MAX, u64::MAX),
    ] {
        let error = StreamsBadTimes {
            startMs: start_ms,
            cliffMs: cliff_ms,
            endMs: end_ms,
            nowMs: now,
            maxMs: DURATION_MS_MAX,
        };
        let terms = Terms {
            start_ms,
            cliff_ms,
            end_ms,
            ..good
        };
        refuses(&mut world, &error, |cx| streams::open(cx, ALICES, terms));
    }
    let poor = ILedger::LedgerInsufficient {
        owner: ALICE,
        index: 0,
        assetId: asset.get(),
        have: n(RICH),
        need: n(RICH + 1),
    };
    let dear = Terms {
        amount: a(RICH + 1),
        ..good
    };
    refuses(&mut world, &poor, |cx| streams::open(cx, ALICES, dear));
    let unknown = StreamsUnknown { streamId: 0 };
    let none = StreamId::new(0);
    refuses(&mut world, &unknown, |cx| streams::collect(cx, none));
    refuses(&mut world, &unknown, |cx| {
        streams::pay_in(cx, none, ALICES, a(1))
    });
    refuses(&mut world, &unknown, |cx| streams::cancel(cx, none, ALICES));
    refuses(&mut world, &unknown, |cx| streams::release(cx, none));
    world.refused(BOB, ADDRESS, &streamCall { streamId: 0 }, &unknown);
    let pay = payInCall {
        streamId: 0,
        amount: n(1),
    };
    world.refused(BOB, ADDRESS, &pay, &unknown);
    let id = open(&mut world, asset, 100, 100);
    refuses(&mut world, &zero, |cx| {
        streams::pay_in(cx, id, ALICES, a(0))
    });
    let due = StreamsNothingDue { streamId: id.get() };
    let collect = collectCall { streamId: id.get() };
    world.refused(BOB, ADDRESS, &collect, &due);
    refuses(&mut world, &bad_owner, |cx| {
        streams::transfer(cx, id, BOBS, nobody)
    });
    let other = StreamsOtherAsset {
        streamId: id.get(),
        assetId: asset.get(),
        debtAssetId: 7,
    };
    refuses(&mut world, &other, |cx| {
        streams::assign(cx, id, BOBS, BOBS_DEBT, AssetId::new(7))
    });
}

/// The widest amount, the longest time, the last moment: nothing overflows on the way out.
#[test]
fn the_largest_numbers_flow() {
    let (mut world, token) = World::with_token();
    let most = Assets::MAX.get();
    world.mint(token, ALICE, most);
    let asset = list(&mut world, token);
    let pulled = world.inside(ROOM, ALICE, |cx| {
        ledger::pull(cx, asset, ALICE, ALICES, Assets::MAX)
    });
    assert_eq!(pulled, Ok(Assets::MAX));
    let now = now_ms(&mut world);
    let id = open(&mut world, asset, most - 1, DURATION_MS_MAX);
    world.wait_ms(1);
    assert_eq!(due(&world, id), (most - 1) / u128::from(DURATION_MS_MAX));
    act(&mut world, |cx| streams::pay_in(cx, id, ALICES, a(1))).expect("pays");
    assert_eq!(stream(&world, id).endMs, now + DURATION_MS_MAX + 1);
    world.store.block_mut().time_ms = u64::MAX;
    assert_eq!(collect(&mut world, id).amount, Assets::MAX);
    // In its whole life a stream carries as much as any amount may be.
    act(&mut world, |cx| {
        ledger::shift(cx, asset, BOBS, ALICES, Assets::MAX)
    })
    .expect("shifts");
    let before = world.state();
    let more = act(&mut world, |cx| streams::pay_in(cx, id, ALICES, a(1)));
    assert_eq!(more, Err(Halt::overflow()));
    assert_eq!(world.state(), before);
}

#[test]
fn every_fault_leaves_no_trace() {
    let (mut world, _, asset) = start();
    let end_ms = now_ms(&mut world) + 1_000;
    let open = openCall {
        assetId: asset.get(),
        owner: BOB,
        ownerIndex: 3,
        amount: n(1_000),
        startMs: 0,
        cliffMs: 0,
        endMs: end_ms,
        isFinal: false,
    };
    check_every_fault(&world, ALICE, ADDRESS, &open.abi_encode());
    let id = world.ok(ALICE, ADDRESS, &open);
    world.wait_ms(500);
    let pay = payInCall {
        streamId: id,
        amount: n(5),
    };
    for (caller, input) in [
        (CAROL, pay.abi_encode()),
        (BOB, collectCall { streamId: id }.abi_encode()),
        (ALICE, stopCall { streamId: id }.abi_encode()),
        (ALICE, cancelCall { streamId: id }.abi_encode()),
    ] {
        check_every_fault(&world, caller, ADDRESS, &input);
    }
}

/// A token that runs its payer's code in the middle of a payment: the stream was stopped meanwhile, so nothing is
/// paid into it; a token that keeps a tenth sets the rate by what arrives.
#[test]
fn str_6_a_token_that_calls_back_pays_into_no_stopped_stream() {
    let mut world = World::new();
    let token = Token::deploy(&mut world, Whim::Fee);
    token.give(&mut world, ALICE, 1_000);
    token.allow_to(&mut world, ALICE, ADDRESS);
    let asset = list(&mut world, token.address);
    let end_ms = now_ms(&mut world) + 900;
    let open = openCall {
        assetId: asset.get(),
        owner: BOB,
        ownerIndex: 0,
        amount: n(1_000),
        startMs: 0,
        cliffMs: 0,
        endMs: end_ms,
        isFinal: false,
    };
    let id = world.ok(ALICE, ADDRESS, &open);
    assert_eq!(stream(&world, StreamId::new(id)).paid, n(900));
    world.wait_ms(1);
    assert_eq!(due(&world, StreamId::new(id)), 1);
    token.becomes(Whim::Honest);
    token.give(&mut world, CAROL, 1_000);
    token.allow_to(&mut world, CAROL, ADDRESS);
    token.calls(move |store| {
        let input = stopCall { streamId: id }.abi_encode();
        let outcome = store.call_simply(ALICE, ADDRESS, input.into())?;
        assert!(outcome.success, "{}", words(&Halt::Revert(outcome.output)));
        Ok(())
    });
    let pay = payInCall {
        streamId: id,
        amount: n(100),
    };
    let stopped = StreamsStopped { streamId: id };
    world.refused(CAROL, ADDRESS, &pay, &stopped);
    // A collection that is entered again pays once: the border is locked.
    world.wait_ms(99);
    token.calls(move |store| {
        let input = collectCall { streamId: id }.abi_encode();
        let outcome = store.call_simply(BOB, ADDRESS, input.into())?;
        assert!(!outcome.success, "collected twice");
        Ok(())
    });
    let collected = world.ok(BOB, ADDRESS, &collectCall { streamId: id });
    assert_eq!(collected, n(100));
    assert_eq!(token.balance(&world, BOB), n(100));
}

/// Damage in storage, and the invariant that says so: a check that cannot fail checks nothing.
#[test]
fn str_2_every_check_can_fail() {
    let (mut world, _, asset) = start();
    let id = open(&mut world, asset, 1_000, 10_000);
    assign(&mut world, id, asset);
    world.wait_ms(100);
    let state = super::actions::STATE;
    let check = |spoil: &dyn Fn(&mut Ctx<'_>) -> Result<(), Halt>, broken: &str| {
        let mut world = world.clone();
        let mut cx = world.store.frame(ADDRESS, ADDRESS);
        spoil(&mut cx).expect("writes");
        let found = crate::invariant::check_all(&world.store).expect_err(broken);
        assert_eq!(found.id, broken, "{found}");
    };
    let flow = state.flows.at(id);
    check(
        &|cx| {
            flow.update(cx, |flow| {
                flow.collected = a(11);
                Ok(())
            })
            .map(drop)
        },
        "STR-2",
    );
    check(
        &|cx| {
            flow.update(cx, |flow| {
                flow.paid = a(1_001);
                Ok(())
            })
            .map(drop)
        },
        "STR-1",
    );
    check(&|cx| state.returnable.at(id).add(cx, a(1)), "STR-6");
    check(&|cx| state.stream_count.save(cx, 0), "STR-10");
    let pledges = state.pledges.at(BOBS_DEBT);
    check(&|cx| pledges.pop(cx).map(drop), "STR-9");
    check(
        &|cx| {
            let pledge = pledges.get(cx, 0)?.expect("there");
            state.pledges.at(CAROLS).push(cx, pledge).map(drop)
        },
        "STR-9",
    );
}
