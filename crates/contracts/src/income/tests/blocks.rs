//! What the block does by itself with machines that owe, and what becomes of it where it cannot.

use alloy_sol_types::SolEvent;
use capstan_state::{Ctx, Frame, ReadOnly};

use super::*;
use crate::income::{
    look::LOOK_GAS,
    market::STATE,
    math::{day_of, period_of},
    state::Sum,
};

const HOUR_MS: u64 = 3_600_000;

/// Machines to which the block must come, as the chain finds them.
pub(super) fn due(scene: &Scene) -> Vec<u64> {
    let store = &scene.world.store;
    let index = DebtIndex::of(store).expect("reads");
    let mut store = ReadOnly::new(store);
    let frame = Frame {
        this: ADDRESS,
        caller: ADDRESS,
        value: U256::ZERO,
    };
    let cx = &mut Ctx::new(&mut store, frame);
    let due = index.due(cx, &Changes::default(), LOOKS_MAX);
    due.expect("reads").who
}

/// The block's own work, if there is any. Answers at how many machines it looked.
pub(super) fn turn(scene: &mut Scene) -> usize {
    let due = due(scene);
    if !due.is_empty() {
        let input = encode_machines(&due);
        let done = scene.world.system(SystemKind::Recover, &input);
        done.expect("looks");
    }
    due.len()
}

fn has<E: SolEvent>(scene: &Scene) -> bool {
    let mut logs = scene.world.store.logs().iter();
    logs.any(|log| E::decode_log_data(&log.data).is_ok())
}

/// Hours pass as on a chain: the block comes whenever it is called.
fn hours(scene: &mut Scene, count: u32) {
    for _ in 0..count {
        scene.wait(HOUR_MS);
        turn(scene);
    }
}

#[test]
fn inc_14_the_block_pays_an_instalment_from_what_is_reserved_and_nobody_pays_for_its_delay() {
    let (mut scene, id, _) = Scene::indebted();
    scene.earn(id, customer(0), 200_000);
    let kept = scene.book(id);
    assert!(kept.reserved > n(0) && kept.toDebt == n(0));
    assert!(due(&scene).is_empty());
    hours(&mut scene, 23);
    scene.beat(KEYS[0], id);
    // The block is a little late, as blocks are.
    scene.wait(HOUR_MS + 900);
    assert_eq!(due(&scene), [id]);
    turn(&mut scene);
    let paid = scene.book(id);
    assert_eq!(paid.toDebt, kept.reserved, "to the unit: no late fee");
    assert_eq!((paid.reserved, paid.due), (n(0), n(0)));
    assert!(paid.principal < kept.principal);
    assert!(due(&scene).is_empty());
}

/// A machine goes dark and nobody calls anything. Answers the stages that its case went through.
fn nobody_cares() -> Vec<u8> {
    let (mut scene, ..) = Scene::indebted();
    let mut stages = Vec::new();
    for _ in 0..80 {
        hours(&mut scene, 1);
        let stage = scene.case(1).stage;
        if stage != 0 && stages.last() != Some(&stage) {
            stages.push(stage);
        }
    }
    stages
}

/// INC-14: grace, auction, bond, first loss, lenders: each when it is due, by nobody's leave.
#[test]
fn inc_14_steps_of_a_case_are_taken_by_the_block() {
    assert_eq!(nobody_cares(), [1, 2, 3]);
    let twin = Twin::with(&[Mutant::GoodwillAdvances]);
    assert_eq!(nobody_cares(), [0_u8; 0], "where somebody must want to");
    // The twin is swept now: the break is seen.
    let (mut scene, ..) = Scene::indebted();
    scene.world.sweep_every = 1;
    scene.wait(60_000);
    scene.beat(KEYS[0], 0);
    assert!(twin.noted().contains("INC-14"), "{:?}", twin.noted());
}

#[test]
fn inc_14_the_block_comes_no_more_when_nothing_is_owed_or_nothing_is_left_to_do() {
    let (mut scene, id, _) = Scene::indebted();
    assert_eq!(DebtIndex::of(&scene.world.store).expect("reads").len(), 1);
    let repay = repayCall {
        machineId: id,
        amount: U256::MAX,
    };
    scene.world.ok(JOBS, ADDRESS, &repay);
    assert!(DebtIndex::of(&scene.world.store).expect("reads").is_empty());
    let (mut scene, ..) = Scene::indebted();
    hours(&mut scene, 80);
    assert_eq!(scene.case(1).stage, Stage::Unsold.number());
    assert!(DebtIndex::of(&scene.world.store).expect("reads").is_empty());
}

/// A machine whose bond is taken by another room says so to nobody: the block finds it within the hour.
#[test]
fn inc_14_a_bond_that_was_taken_is_found_within_the_hour() {
    let (mut scene, id, _) = Scene::indebted();
    let slashed = scene.world.inside(JOBS, JOBS, |cx| {
        machines::slash(cx, id, a(BOND), FEES, machines::Reason::WrongAnswer)
    });
    slashed.expect("slashes");
    scene.wait(HOUR_MS + 1_000);
    assert_eq!(due(&scene), [id]);
    turn(&mut scene);
    assert_eq!(scene.case(1).reason, Reason::Barred.number());
}

#[test]
fn what_cannot_be_done_is_tried_again_later_and_later_and_holds_up_no_other() {
    let (mut scene, id, _) = Scene::indebted();
    scene.world.sweep_every = 1_000_000;
    let other = scene.register(BOB, KEYS[1], BOND);
    scene.days(other, KEYS[1], 31);
    let call = borrowCall {
        machineId: other,
        amount: n(1_000),
    };
    scene.beat(KEYS[0], id);
    let offered = scene.offer(other).today;
    assert!(offered >= n(1_000), "{offered}");
    scene.world.ok(BOB, ADDRESS, &call);
    // Its debt cannot be read: nothing that looks at it ends.
    scene.world.store.next_transaction(u64::MAX);
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let book = STATE.books.at(id).load(cx).expect("reads");
    let spoilt = crate::income::state::Book {
        stream: capstan_units::StreamId::new(9_999),
        ..book
    };
    STATE.books.at(id).save(cx, &spoilt).expect("writes");
    scene.wait(DAY_MS + 2 * HOUR_MS);
    let due_s = |scene: &mut Scene| {
        let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
        u64::from(STATE.dues.at(id).load(cx).expect("reads"))
    };
    for minutes in [1, 2, 4, 8, 16, 32, 64, 64] {
        assert!(due(&scene).contains(&id));
        turn(&mut scene);
        assert!(has::<MachineLookFailed>(&scene));
        let wait_s = due_s(&mut scene) - scene.now_ms() / 1_000;
        assert_eq!(wait_s, minutes * 60);
        scene.wait(minutes * 60_000);
    }
    assert_eq!(scene.book(other).caseId, 1, "the other went its way");
    scene.world.store.next_transaction(u64::MAX);
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    STATE.books.at(id).save(cx, &book).expect("writes");
    turn(&mut scene);
    assert_eq!(scene.book(id).caseId, 2);
}

/// A step of income that fails loses nothing, holds no settlement up, and passes no debt by: the units wait in the stream.
#[test]
fn income_that_cannot_be_counted_waits_in_the_stream_and_the_block_shares_it_out() {
    for owes in [false, true] {
        let (mut scene, id) = Scene::proven();
        if owes {
            scene.borrow(id, n(100_000));
        }
        scene.world.sweep_every = 1_000_000;
        let period = period_of(day_of(scene.now_ms()));
        scene.world.store.next_transaction(u64::MAX);
        let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
        let full = Sum {
            period,
            amount: Assets::MAX,
        };
        let place = u8::try_from(period % 4).expect("small");
        let place = STATE.periods.at((id, place));
        let before = place.load(cx).expect("reads");
        place.save(cx, &full).expect("writes");
        let held = scene.free(AccountId::new(ALICE, 0));
        assert_eq!(scene.earn(id, customer(0), 200_000), Shared::default());
        assert!(has::<IncomeWaits>(&scene));
        assert_eq!(scene.free(AccountId::new(ALICE, 0)), held);
        scene.wait(1_000);
        assert_eq!(due(&scene), [id]);
        turn(&mut scene);
        let book = scene.book(id);
        let came = scene.free(AccountId::new(ALICE, 0)) - held;
        assert_eq!(n(came) + book.reserved, n(200_000), "all of it, in order");
        assert_eq!(book.reserved > n(0), owes, "the debt is first");
        scene.world.store.next_transaction(u64::MAX);
        let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
        place.save(cx, &before).expect("writes");
        assert_eq!(crate::invariant::check_all(&scene.world.store), Ok(()));
    }
}

#[test]
fn the_dearest_look_has_gas_enough() {
    let (mut scene, id) = Scene::machine();
    scene.set(|params| {
        params.instalments = 120;
        params.periodS = 3_600;
        params.unpaidS = 300 * 3_600;
    });
    scene.days(id, KEYS[0], 33);
    for _ in 0..8 {
        scene.borrow(id, n(10_000));
    }
    for _ in 0..6 {
        scene.wait(DAY_MS);
        scene.beat(KEYS[0], id);
    }
    // Everything fell due, and something came for it.
    let pay = IStreams::payInCall {
        streamId: scene.book(id).streamId,
        amount: n(79_999),
    };
    scene.world.ok(JOBS, streams::ADDRESS, &pay);
    turn(&mut scene);
    let used = scene.world.store.gas_used();
    assert!(scene.book(id).toDebt > n(0) && !has::<MachineLookFailed>(&scene));
    println!("eight loans of a hundred and twenty instalments: {used} gas of {LOOK_GAS}");
    assert!(used < LOOK_GAS / 2);
}
