//! The two tranches: what may leave, what it is worth, and that coming and going gains nothing.

use super::*;

fn withdraw(who: Address, amount: u128) -> IErc4626::withdrawCall {
    IErc4626::withdrawCall {
        assets: n(amount),
        receiver: who,
        owner: who,
    }
}

/// Everything that somebody's shares are worth to him now.
fn worth(scene: &Scene, who: Address, tranche: u8) -> u128 {
    let share = scene.share(tranche);
    let shares = scene.world.balance(share, who);
    scene
        .world
        .view(share, &IErc4626::previewRedeemCall { shares })
        .to()
}

#[test]
fn inc_6_only_what_is_idle_leaves_and_the_first_loss_stays_as_large_as_it_must() {
    let (mut scene, _, amount) = Scene::indebted();
    let (lenders, first) = (scene.share(0), scene.share(1));
    let refusal = |scene: &Scene, amount: u128, free: u128| IncomeNotIdle {
        assetId: scene.asset.get(),
        amount: n(amount),
        free: n(free),
    };
    // Carol keeps what the bond does not cover: 150,000, more than a tenth of what is lent.
    let uncovered = amount - BOND;
    let free = 1_000_000 - uncovered;
    let error = refusal(&scene, free + 1, free);
    scene
        .world
        .refused(CAROL, first, &withdraw(CAROL, free + 1), &error);
    let twin = Twin::with(&[Mutant::FirstLossFlees]);
    assert_eq!(
        scene.world.view(first, &share::IMachineShare::freeCall {}),
        n(1_000_000)
    );
    drop(twin);
    let shown = IErc4626::maxWithdrawCall { owner: CAROL };
    assert_eq!(scene.world.view(first, &shown), n(free));
    scene.world.ok(CAROL, first, &withdraw(CAROL, free));
    // Lenders have what is idle, all of it.
    let idle = scene.told().idle.to();
    assert_eq!(idle, 11_000_000 - amount - free);
    let shown = IErc4626::maxWithdrawCall { owner: BOB };
    assert_eq!(scene.world.view(lenders, &shown), n(idle));
    let error = refusal(&scene, idle + 1, idle);
    scene
        .world
        .refused(BOB, lenders, &withdraw(BOB, idle + 1), &error);
    scene.world.ok(BOB, lenders, &withdraw(BOB, idle));
    assert_eq!(scene.told().idle, n(0));
}

#[test]
fn inc_13_coming_and_leaving_within_a_block_gains_nothing() {
    let (mut scene, id, _) = Scene::indebted();
    scene.days(id, KEYS[0], 2);
    // Just before a payment, and just behind it.
    let before = scene.world.balance(scene.token, ALICE);
    scene.deposit(ALICE, 0, 5_000_000);
    scene.deposit(ALICE, 1, 500_000);
    for index in 0..CUSTOMERS {
        scene.earn(id, customer(index), EACH);
    }
    for tranche in [0, 1] {
        let share = scene.share(tranche);
        let shares = scene.world.balance(share, ALICE);
        let redeem = IErc4626::redeemCall {
            shares,
            receiver: ALICE,
            owner: ALICE,
        };
        scene.world.ok(ALICE, share, &redeem);
    }
    assert!(scene.world.balance(scene.token, ALICE) <= before);
    // Who stays has it, a day later.
    let (lenders, first) = (worth(&scene, BOB, 0), worth(&scene, CAROL, 1));
    scene.wait(DAY_MS);
    assert!(worth(&scene, BOB, 0) > lenders && worth(&scene, CAROL, 1) > first);
    let market = scene.told();
    let all = worth(&scene, BOB, 0) + worth(&scene, CAROL, 1);
    let owned = (market.lenders + market.firstLoss).to();
    assert!(all <= owned && owned - all < 10, "{all} of {owned}");
}

#[test]
fn who_leaves_during_a_case_leaves_as_if_it_brought_nothing() {
    // A market that trusts machines beyond their bond: three times it.
    let (mut scene, id) = Scene::proven();
    scene.set(|params| {
        params.bondBps = 30_000;
        params.verifiedDays = 20;
    });
    scene.beat(KEYS[0], id);
    let withdraw_first = withdraw(CAROL, 100_000);
    let first = scene.share(1);
    scene.world.ok(CAROL, first, &withdraw_first);
    let today = scene.offer(id).today.to();
    assert_eq!(today, BOND + 900_000, "the bond, and what is insured");
    scene.borrow(id, n(today));
    // An auditor takes the bond: nothing but the first loss stands behind the loan.
    let slashed = scene.world.inside(JOBS, JOBS, |cx| {
        let to = AccountId::new(JOBS, 5);
        machines::slash(cx, id, a(BOND), to, machines::Reason::WrongAnswer)
    });
    slashed.expect("slashes");
    let before = worth(&scene, BOB, 0);
    assert_eq!(scene.advance(id), Stage::Redirected.number());
    let during = worth(&scene, BOB, 0);
    assert_eq!(
        before - during,
        today - 900_000,
        "what the first loss does not bear"
    );
    assert_eq!(worth(&scene, CAROL, 1), 0);
    let twin = Twin::with(&[Mutant::LendersLeaveWhole]);
    assert_eq!(worth(&scene, BOB, 0), before);
    drop(twin);
    // Half of the lenders leave at that price; the loss is borne; who stayed lost no more than they.
    let shares = scene.world.balance(scene.share(0), BOB);
    let leave = IErc4626::redeemCall {
        shares: shares / n(2),
        receiver: BOB,
        owner: BOB,
    };
    let share = scene.share(0);
    let got = scene.world.ok(BOB, share, &leave).to();
    scene.wait(DAY_MS);
    scene.advance(id);
    scene.wait(DAY_MS);
    assert_eq!(scene.advance(id), Stage::Unsold.number());
    assert!(worth(&scene, BOB, 0) >= got);
    // The first loss is ruined: whoever comes now begins anew, and the old shares are void.
    let made = scene.deposit(ALICE, 1, 1_000);
    assert_eq!(made, n(1_000_000));
    assert_eq!(scene.world.balance(scene.share(1), CAROL), n(0));
    assert_eq!(worth(&scene, ALICE, 1), 1_000);
}

#[test]
fn caps_dust_and_pauses_are_refused() {
    let mut scene = Scene::market();
    let asset = scene.asset.get();
    let deposit = |amount: u128| IErc4626::depositCall {
        assets: n(amount),
        receiver: ALICE,
    };
    let share = scene.share(0);
    scene
        .world
        .refused(ALICE, share, &deposit(0), &IncomeZeroAmount {});
    scene.set(|params| params.cap = n(10_000_100));
    let full = IncomeCap {
        assetId: asset,
        assets: n(10_000_000),
        amount: n(101),
        cap: n(10_000_100),
    };
    scene.world.refused(ALICE, share, &deposit(101), &full);
    let shown = IErc4626::maxDepositCall { receiver: ALICE };
    assert_eq!(scene.world.view(share, &shown), n(100));
    let pause = pauseCall {
        assetId: asset,
        verbs: 2,
    };
    scene.world.ok(OWNER, ADDRESS, &pause);
    let paused = IncomePaused {
        assetId: asset,
        verb: 2,
    };
    scene.world.refused(ALICE, share, &deposit(1), &paused);
    assert_eq!(scene.world.view(share, &shown), n(0));
    // Leaving is not paused.
    scene.world.ok(BOB, share, &withdraw(BOB, 10_000_000));
}
