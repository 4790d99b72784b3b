//! What auditors earn: who, how much, out of what (JOB-15, JOB-16).

use super::*;
use crate::{
    income::{self, IIncome},
    jobs::error::*,
};

/// A market where a finding is paid `pay`, and a cheat is found in one of two cases, so that a claim's slash is more than the
/// dearest receipt.
fn paying(pay: u128, fee_flat: u128) -> (World, AssetId, u64, B256) {
    let (mut world, _, asset) = start_with(JobParams {
        detectPpm: 500_000,
        feeFlat: n(fee_flat),
        auditPay: n(pay),
        ..usual()
    });
    let id = machine(&mut world, KEYS[0]);
    customer(&mut world, BOB, SPENDERS[0], 1_000_000);
    next_epoch(&mut world);
    let channel = hold(&mut world, BOB, SPENDERS[0], id, 100_000);
    (world, asset, id, channel)
}

/// A claim of so many good receipts, drawn and shown, in the time to commit.
fn to_commit(world: &mut World, channel: B256, count: u64) -> u64 {
    let (id, receipts, tree) = claimed(world, channel, count);
    drawn(world);
    shown(world, id, &receipts, &tree);
    world.wait_ms(10_001);
    id
}

fn commit(world: &mut World, id: u64, pick: u32, who: Address, said: (u8, B256)) {
    let call = commitAuditCall {
        claimId: id,
        pick,
        commitment: finding(id, pick, who, said.0, said.1),
    };
    world.ok(who, ADDRESS, &call);
}

fn reveal(world: &mut World, id: u64, pick: u32, who: Address, (verdict, witness): (u8, B256)) {
    let call = revealAuditCall {
        claimId: id,
        pick,
        verdict,
        witness,
        salt: SALT,
    };
    world.ok(who, ADDRESS, &call);
}

fn settled(world: &mut World, id: u64) -> u8 {
    world.wait_ms(21_000);
    turn(world);
    claim_of(world, id).phase
}

fn owed(world: &World) -> [u128; 3] {
    AUDITORS.map(|auditor| {
        let found = world.view(ADDRESS, &auditEarningsCall { auditor });
        found.owed.to::<u128>()
    })
}

#[test]
fn job_16_who_found_what_a_quorum_found_is_paid_for_each_pick_and_nobody_else() {
    let (mut world, asset, _, channel) = paying(4, 40);
    let id = to_commit(&mut world, channel, 3);
    let truth = |pick| (0, witness(id, pick));
    let guess = (0, B256::repeat_byte(9));
    // The first two are right of all three; the third is right of one, guesses one, and shows nothing of one.
    for pick in 0..3 {
        commit(&mut world, id, pick, AUDITORS[0], truth(pick));
        commit(&mut world, id, pick, AUDITORS[1], truth(pick));
        let said = if pick == 1 { guess } else { truth(pick) };
        commit(&mut world, id, pick, AUDITORS[2], said);
    }
    world.wait_ms(10_001);
    for pick in 0..3 {
        reveal(&mut world, id, pick, AUDITORS[0], truth(pick));
        reveal(&mut world, id, pick, AUDITORS[1], truth(pick));
    }
    reveal(&mut world, id, 0, AUDITORS[2], truth(0));
    reveal(&mut world, id, 1, AUDITORS[2], guess);
    assert_eq!(owed(&world), [0; 3]);
    assert_eq!(settled(&mut world, id), Phase::Paid.number());
    assert_eq!(owed(&world), [12, 12, 4]);
    // One percent of 180, up, and 40 came in; 28 of it went to auditors, to the unit.
    let accounts = [FEES, EARNED, POT].map(|who| units(&mut world, asset, who));
    assert_eq!(accounts, [42 - 28, 28, 1_000_000 - 180]);
    let logs = world.store.logs().iter();
    let paid: Vec<_> = logs
        .filter_map(|log| alloy_sol_types::SolEvent::decode_log_data(&log.data).ok())
        .map(|paid: AuditPaid| (paid.claimId, paid.auditor, paid.amount))
        .collect();
    assert!(paid.contains(&(id, AUDITORS[2], n(4))), "{paid:?}");
}

/// Two who always say that they were given nothing, and look at nothing, have no pay from it.
#[test]
fn job_16_who_computed_nothing_is_paid_nothing() {
    let (mut world, _, _, channel) = paying(4, 40);
    let id = to_commit(&mut world, channel, 1);
    let nothing = (Fault::Withheld.number(), B256::repeat_byte(9));
    for auditor in [AUDITORS[0], AUDITORS[1]] {
        commit(&mut world, id, 0, auditor, nothing);
    }
    world.wait_ms(10_001);
    for auditor in [AUDITORS[0], AUDITORS[1]] {
        reveal(&mut world, id, 0, auditor, nothing);
    }
    assert_eq!(settled(&mut world, id), Phase::Void.number());
    assert_eq!(owed(&world), [0; 3]);
}

/// What auditors are paid may come back to whoever buys from himself, so lenders against income are not told that it is gone
/// (INC-11).
#[test]
fn job_16_what_auditors_are_paid_is_not_gone() {
    let (mut world, asset, machine, channel) = paying(4, 40);
    let params = income::IIncome::IncomeParams {
        customerAgeMs: 0,
        ..debts::income_params()
    };
    let open = IIncome::openMarketCall {
        assetId: asset.get(),
        params,
    };
    world.ok(OWNER, income::ADDRESS, &open);
    let id = to_commit(&mut world, channel, 3);
    let truth = |pick| (0, witness(id, pick));
    for pick in 0..3 {
        for auditor in [AUDITORS[0], AUDITORS[1]] {
            commit(&mut world, id, pick, auditor, truth(pick));
        }
    }
    world.wait_ms(10_001);
    for pick in 0..3 {
        for auditor in [AUDITORS[0], AUDITORS[1]] {
            reveal(&mut world, id, pick, auditor, truth(pick));
        }
    }
    assert_eq!(settled(&mut world, id), Phase::Paid.number());
    let (fee, paid) = (claim_of(&world, id).fee, n(2 * 3 * 4));
    world.wait_ms(DAY);
    let call = IIncome::daysOfCall { machineId: machine };
    let days = world.view(income::ADDRESS, &call);
    let gone = days.iter().fold(n(0), |sum, day| sum + day.fees);
    assert_eq!(gone, fee - paid, "{days:?}");
}

#[test]
fn job_16_without_a_quorum_nobody_is_paid() {
    let (mut world, asset, _, channel) = paying(4, 40);
    let id = to_commit(&mut world, channel, 1);
    let said = [
        (0, witness(id, 0)),
        (0, B256::repeat_byte(9)),
        (1, witness(id, 0)),
    ];
    for (who, said) in AUDITORS.into_iter().zip(said) {
        commit(&mut world, id, 0, who, said);
    }
    world.wait_ms(10_001);
    for (who, said) in AUDITORS.into_iter().zip(said) {
        reveal(&mut world, id, 0, who, said);
    }
    assert_eq!(settled(&mut world, id), Phase::Paid.number());
    assert_eq!(owed(&world), [0; 3]);
    assert_eq!(units(&mut world, asset, FEES), 41);
}

#[test]
fn job_16_a_claim_pays_no_more_than_its_fee_and_its_slash() {
    // Whatever the owner promises: a thousand for each of six findings, and 42 came in. Each has a sixth, rounded down.
    let (mut world, asset, _, channel) = paying(1_000, 40);
    let id = to_commit(&mut world, channel, 3);
    audited(&mut world, id, &[0, 0, 0]);
    assert_eq!(settled(&mut world, id), Phase::Paid.number());
    assert_eq!(owed(&world), [21, 21, 0]);
    // 43 came in: what does not divide stays with the fees.
    let id = to_commit(&mut world, channel, 4);
    audited(&mut world, id, &[0, 0, 0, 0]);
    assert_eq!(settled(&mut world, id), Phase::Paid.number());
    assert_eq!(owed(&world), [21 + 20, 21 + 20, 0]);
    assert_eq!(units(&mut world, asset, FEES), 3);
    // A claim that is void brings no fee: what others brought pays, and no more than is there.
    let id = to_commit(&mut world, channel, 2);
    audited(&mut world, id, &[1, 0]);
    assert_eq!(settled(&mut world, id), Phase::Void.number());
    assert_eq!(owed(&world), [41, 41, 0]);
    assert_eq!(units(&mut world, asset, FEES), 3);
    let id = to_commit(&mut world, channel, 1);
    audited(&mut world, id, &[1]);
    assert_eq!(settled(&mut world, id), Phase::Void.number());
    assert_eq!(owed(&world), [42, 42, 0]);
    assert_eq!(units(&mut world, asset, FEES), 1);
}

/// Where every lie is found, a slash of one unit deters it; what stands for a claim is then what its audits are paid.
#[test]
fn job_5_job_16_the_bond_stands_for_what_audits_are_paid() {
    for (pay, slash) in [(0, 1), (1, 42), (4, 42), (1_000, 42)] {
        let (mut world, _, asset) = start_with(JobParams {
            feeFlat: n(40),
            auditPay: n(pay),
            ..usual()
        });
        let id = machine(&mut world, KEYS[0]);
        customer(&mut world, BOB, SPENDERS[0], 1_000_000);
        next_epoch(&mut world);
        let channel = hold(&mut world, BOB, SPENDERS[0], id, 100_000);
        let id = to_commit(&mut world, channel, 3);
        assert_eq!(claim_of(&world, id).slash, n(slash), "{pay}");
        audited(&mut world, id, &[0, 0, 0]);
        assert_eq!(settled(&mut world, id), Phase::Paid.number());
        let each = 3 * pay.min(7);
        assert_eq!(owed(&world), [each, each, 0]);
        assert_eq!(units(&mut world, asset, FEES), 42 - 2 * each);
    }
}

/// Machine, customer and one auditor are one person, who sends himself work all the time: what he takes out is less than what
/// he pays in, whether his claims are paid or void.
#[test]
fn job_16_who_audits_his_own_trade_pays_more_than_he_is_paid() {
    for verdict in [0, Fault::Wrong.number()] {
        let (mut world, asset, _, channel) = paying(1_000, 40);
        // Somebody else's fees lie there.
        let out = withdrawToAccountCall {
            index: 0,
            amount: n(10_000),
        };
        world.ok(BOB, ADDRESS, &out);
        world.store.next_transaction(u64::MAX);
        let (from, amount) = (AccountId::new(BOB, 0), capstan_units::Assets::new(10_000));
        let cx = &mut world.store.frame(ADDRESS, ADDRESS);
        ledger::shift(cx, asset, from, FEES, amount.expect("small")).expect("there");
        let (mut paid_in, mut slashed) = (0_u128, 0_u128);
        for _ in 0..4 {
            let id = to_commit(&mut world, channel, 1);
            let claim = claim_of(&world, id);
            audited(&mut world, id, &[verdict]);
            if settled(&mut world, id) == Phase::Paid.number() {
                paid_in += claim.fee.to::<u128>();
            } else {
                slashed += claim.slash.to::<u128>();
            }
        }
        let both: u128 = owed(&world).iter().sum();
        assert!(
            both <= paid_in + slashed,
            "{both} for {paid_in} and {slashed}"
        );
    }
}

#[test]
fn job_15_what_is_earned_is_taken_out_once_by_whom_it_is_owed() {
    let (mut world, asset, _, channel) = paying(4, 40);
    let id = to_commit(&mut world, channel, 3);
    audited(&mut world, id, &[0, 0, 0]);
    assert_eq!(settled(&mut world, id), Phase::Paid.number());
    assert_eq!(owed(&world), [12, 12, 0]);
    let take = |amount| withdrawAuditPayCall { amount: n(amount) };
    let poor = |auditor, owed, need| JobsNotEarned {
        auditor,
        owed: n(owed),
        need: n(need),
    };
    world.refused(AUDITORS[2], ADDRESS, &take(1), &poor(AUDITORS[2], 0, 1));
    world.refused(AUDITORS[0], ADDRESS, &take(13), &poor(AUDITORS[0], 12, 13));
    world.refused(AUDITORS[0], ADDRESS, &take(0), &JobsZeroAmount {});
    // The owner sends all fees on; what is earned is none of them. He takes the role away; what is owed stays owed.
    let fees = units(&mut world, asset, FEES);
    let send = |amount| sendTakingsCall {
        index: 1,
        to: OWNER,
        toIndex: 0,
        amount: n(amount),
    };
    world.ok(OWNER, ADDRESS, &send(fees));
    assert!(world.call(OWNER, ADDRESS, &send(1)).is_err());
    let revoke = IAdmin::revokeRoleCall {
        scope: ADDRESS,
        role: AUDIT,
        holder: AUDITORS[0],
    };
    world.ok(OWNER, ADMIN, &revoke);
    check_every_fault(&world, AUDITORS[0], ADDRESS, &take(5).abi_encode());
    world.ok(AUDITORS[0], ADDRESS, &take(5));
    assert_eq!(owed(&world), [7, 12, 0]);
    let to_account = withdrawAuditPayToAccountCall {
        index: 3,
        amount: n(7),
    };
    world.ok(AUDITORS[0], ADDRESS, &to_account);
    let left: AuditPayWithdrawn = world.last_event(ADDRESS);
    assert_eq!((left.amount, left.owed), (n(7), n(0)));
    assert_eq!(units(&mut world, asset, AccountId::new(AUDITORS[0], 3)), 7);
    world.refused(AUDITORS[0], ADDRESS, &take(1), &poor(AUDITORS[0], 0, 1));
    assert_eq!(owed(&world), [0, 12, 0]);
    assert_eq!(units(&mut world, asset, EARNED), 12);
    let earned = auditEarningsCall {
        auditor: AUDITORS[0],
    };
    assert_eq!(world.view(ADDRESS, &earned).earned, n(12));
}

/// Words that are damaged hold no settlement up: the machine is paid, and the auditors are not.
#[test]
fn job_13_a_settlement_does_not_wait_for_auditors_pay() {
    let (mut world, asset, _, channel) = paying(4, 40);
    let id = to_commit(&mut world, channel, 1);
    audited(&mut world, id, &[0]);
    // So much is owed already that no more can be.
    world.store.next_transaction(u64::MAX);
    let full = capstan_units::Assets::MAX;
    let cx = &mut world.store.frame(ADDRESS, ADDRESS);
    let saved = crate::jobs::STATE
        .auditors
        .at(AUDITORS[0])
        .update(cx, |auditor| {
            (auditor.owed, auditor.earned) = (full, full);
            Ok(())
        });
    saved.expect("writes");
    world.sweep_every = 1_000_000;
    assert_eq!(settled(&mut world, id), Phase::Paid.number());
    assert_eq!(owed(&world)[1], 0);
    assert_eq!(units(&mut world, asset, FEES), 41);
}
