//! Storage that breaks an invariant, and the id that says so: a check that cannot fail checks nothing.

use capstan_state::Ctx;

use super::*;
use crate::{
    income::{
        market::{FIRST_LOSS, STATE},
        state::{Book, Case, Day, Market, Tranche},
    },
    invariant::check_all,
};

#[track_caller]
fn check(id: &str, spoil: impl FnOnce(&mut Ctx<'_>, AssetId) -> Result<(), Halt>) {
    let (mut scene, ..) = scene();
    assert_eq!(check_all(&scene.world.store), Ok(()));
    scene.world.store.next_transaction(u64::MAX);
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    spoil(cx, scene.asset).expect("writes");
    let broken = check_all(&scene.world.store).expect_err(id);
    assert_eq!(broken.id, id, "{broken}");
}

/// A machine that owes, in an open case.
fn scene() -> (Scene, u64) {
    let (mut scene, id) = Scene::machine();
    scene.set(|params| {
        params.verifiedDays = 1;
        params.fractionBps = 10_000;
    });
    scene.beat(KEYS[0], id);
    scene.days(id, KEYS[0], 1);
    scene.borrow(id, n(1_000));
    scene.wait(DAY_MS + 3_600_001);
    assert_eq!(scene.advance(id), 1);
    (scene, id)
}

fn book(id: &str, change: impl FnOnce(&mut Book)) {
    check(id, |cx, _| {
        let saved = STATE.books.at(0).update(cx, |book| {
            change(book);
            Ok(())
        });
        saved.map(drop)
    });
}

fn market(id: &str, change: impl FnOnce(&mut Market)) {
    check(id, |cx, asset| {
        let saved = STATE.markets.at(asset).update(cx, |market| {
            change(market);
            Ok(())
        });
        saved.map(drop)
    });
}

fn case(id: &str, change: impl FnOnce(&mut Case)) {
    check(id, |cx, _| {
        let saved = STATE.cases.at(1).update(cx, |case| {
            change(case);
            Ok(())
        });
        saved.map(drop)
    });
}

#[test]
fn every_check_can_fail() {
    book("INC-1", |book| {
        book.to_holder = book.to_holder.add(a(1)).expect("small")
    });
    book("INC-1", |book| {
        book.reserved = a(1);
        book.to_holder = book.to_holder.sub(a(1)).expect("some");
    });
    book("INC-2", |book| book.principal = a(1_001));
    book("INC-2", |book| book.place = 2);
    market("INC-2", |market| {
        market.idle = market.idle.add(a(1)).expect("small")
    });
    market("INC-2", |market| market.at_risk = a(0));
    check("INC-2", |cx, asset| {
        let saved = STATE
            .tranches
            .at((asset, FIRST_LOSS))
            .update(cx, |tranche: &mut Tranche| {
                tranche.units = tranche.units.add(a(1))?;
                Ok(())
            });
        saved.map(drop)
    });
    check("INC-3", |cx, _| {
        let day = Day {
            day: 1,
            counted: a(1),
            ..Day::default()
        };
        STATE.days.at((0, 1)).save(cx, &day)
    });
    check("INC-4", |cx, _| machines::unlock(cx, 0));
    check("INC-4", |cx, _| machines::award(cx, 0, ADDRESS));
    check("INC-14", |cx, _| STATE.dues.at(0).save(cx, 0));
    case("INC-7", |case| case.paid = a(1));
    check("INC-7", |cx, _| STATE.case_count.save(cx, 0));
    check("INC-9", |cx, asset| {
        let saved = STATE.configs.at(asset).update(cx, |params| {
            params.instalments = 0;
            Ok(())
        });
        saved.map(drop)
    });
    check("INC-13", |cx, asset| {
        let token = share::address_of(asset, 0);
        share::spoil_balance(&mut cx.enter(token), BOB)
    });
}
