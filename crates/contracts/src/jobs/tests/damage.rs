//! Storage that breaks an invariant, and the id that says so: a check that cannot fail checks nothing.

use capstan_state::Halt;

use super::*;
use crate::{
    invariant::check_all,
    jobs::{STATE, state},
};

#[track_caller]
fn check(id: &str, spoil: impl FnOnce(&mut Ctx<'_>) -> Result<(), Halt>) {
    let (mut world, _, _, channel) = ready();
    claimed(&mut world, channel, 2);
    assert_eq!(check_all(&world.store), Ok(()));
    world.store.next_transaction(u64::MAX);
    spoil(&mut world.store.frame(ADDRESS, ADDRESS)).expect("writes");
    let broken = check_all(&world.store).expect_err(id);
    assert_eq!(broken.id, id, "{broken}");
}

#[track_caller]
fn spoil_claim(id: &str, change: impl FnOnce(&mut state::Claim)) {
    check(id, |cx| {
        let saved = STATE.claims.at(1).update(cx, |claim| {
            change(claim);
            Ok(())
        });
        saved.map(drop)
    });
}

#[track_caller]
fn spoil_customer(id: &str, change: impl FnOnce(&mut state::Customer)) {
    check(id, |cx| {
        let saved = STATE.customers.at(BOB).update(cx, |customer| {
            change(customer);
            Ok(())
        });
        saved.map(drop)
    });
}

#[test]
fn every_check_can_fail() {
    let a = |amount| capstan_units::Assets::new(amount).expect("small");
    check("JOB-1", |cx| STATE.escrow.add(cx, a(1)));
    spoil_customer("JOB-1", |customer| customer.free = a(1));
    spoil_customer("JOB-1", |customer| customer.bound = a(1));
    spoil_customer("JOB-1", |customer| customer.paid = a(1));
    check("JOB-1", |cx| {
        ledger::shift(cx, AssetId::new(0), POT, FEES, a(1))
    });
    spoil_claim("JOB-2", |claim| claim.cost = a(121));
    check("JOB-2", |cx| {
        let id = STATE.last_channels.at(BOB).load(cx)?;
        let saved = STATE.channels.at(id).update(cx, |channel| {
            channel.paid = a(1);
            Ok(())
        });
        saved.map(drop)
    });
    check("JOB-3", |cx| {
        let saved = STATE.keys.at((BOB, SPENDERS[0])).update(cx, |key| {
            key.spent = a(1);
            Ok(())
        });
        saved.map(drop)
    });
    check("JOB-4", |cx| {
        let saved = STATE.uses.at((0, CLASS)).update(cx, |work| {
            work.work = work.allowed + 1;
            Ok(())
        });
        saved.map(drop)
    });
    spoil_claim("JOB-5", |claim| claim.slash = a(2));
    check("JOB-6", |cx| {
        let saved = STATE.cells.at((CLASS, REGION)).update(cx, |cell| {
            cell.level = LEVEL_ONE * 5;
            Ok(())
        });
        saved.map(drop)
    });
    check("JOB-6", |cx| {
        let saved = STATE.cells.at((CLASS, REGION)).update(cx, |cell| {
            cell.offered += 1;
            Ok(())
        });
        saved.map(drop)
    });
    check("JOB-15", |cx| {
        let saved = STATE.auditors.at(AUDITORS[0]).update(cx, |auditor| {
            (auditor.owed, auditor.earned) = (a(1), a(1));
            Ok(())
        });
        saved.map(drop)
    });
    check("JOB-10", |cx| STATE.dues.at(1).save(cx, 0));
    check("JOB-11", |cx| STATE.claim_count.save(cx, 2));
    spoil_claim("JOB-11", |claim| claim.reason = 1);
    spoil_claim("JOB-11", |claim| claim.fee = a(1_000));
    check("JOB-12", |cx| STATE.paused.save(cx, 4));
    check("JOB-12", |cx| {
        let saved = STATE.config.update(cx, |params| {
            params.quorum = 0;
            Ok(())
        });
        saved.map(drop)
    });
    check("JOB-12", |cx| {
        let saved = STATE.classes.at(CLASS).update(cx, |class| {
            class.step_bps = 0;
            Ok(())
        });
        saved.map(drop)
    });
}
