//! What happens when a machine does not pay, step by step.

use super::*;
use alloy_sol_types::SolEvent;
use capstan_state::Ctx;

/// Tiers and amounts of the last transaction, in order.
fn steps(scene: &Scene) -> Vec<(u8, u128, u128)> {
    let logs = scene.world.store.logs();
    let steps = logs
        .iter()
        .filter_map(|log| CaseStep::decode_log_data(&log.data).ok());
    steps
        .map(|step| (step.tier, step.amount.to(), step.left.to()))
        .collect()
}

fn bid(id: u64, price_max: U256) -> bidCall {
    bidCall {
        machineId: id,
        priceMax: price_max,
    }
}

fn price(scene: &Scene, id: u64) -> u128 {
    let call = titlePriceCall { machineId: id };
    scene.world.view(ADDRESS, &call).to()
}

/// A machine that owes and is silent, at auction.
fn at_auction() -> (Scene, u64, u128) {
    let (mut scene, id, amount) = Scene::indebted();
    scene.wait(DAY_MS + 3_600_001);
    assert_eq!(scene.advance(id), Stage::Redirected.number());
    scene.wait(DAY_MS);
    assert_eq!(scene.advance(id), Stage::Auction.number());
    (scene, id, amount)
}

#[test]
fn inc_7_a_dark_machine_pays_with_its_stream_and_is_cured_when_it_comes_back() {
    let (mut scene, id, amount) = Scene::indebted();
    assert_eq!(scene.advance(id), 0, "nothing is wrong");
    let next_ms = scene.book(id).nextMs;
    assert_eq!(next_ms, scene.now_ms() + DAY_MS + 3_600_001);
    scene.wait(DAY_MS + 3_600_000);
    assert_eq!(scene.advance(id), 0, "late is not dark");
    scene.wait(1);
    assert_eq!(scene.advance(id), Stage::Redirected.number());
    let opened = scene.case(1);
    assert_eq!((opened.reason, opened.principal), (2, n(amount)));
    assert_eq!(scene.told().atRisk, n(amount));
    // What was sold before comes in now: all of it pays, ahead of schedule.
    let shared = scene.earn(id, customer(0), 100_000);
    assert_eq!((shared.to_debt, shared.to_holder), (a(100_000), a(0)));
    let paid = scene.case(1);
    assert_eq!(paid.fromIncome, n(100_000));
    assert_eq!(paid.principal, paid.paid + paid.left);
    scene.beat(KEYS[0], id);
    assert_eq!(scene.advance(id), 0);
    assert_eq!(scene.case(1).stage, Stage::Cured.number());
    let market = scene.told();
    assert_eq!((market.atRisk, market.defaults), (n(0), 0));
    // Its days count as before.
    assert_eq!(
        scene.offer(id).verifiedDays,
        29,
        "but for the day on which it was silent"
    );
    assert_eq!(market.lent, paid.left);
}

#[test]
fn inc_7_an_unpaid_instalment_opens_a_case_and_paying_it_cures() {
    let (mut scene, id, _) = Scene::indebted();
    for _ in 0..3 {
        scene.wait(DAY_MS);
        scene.beat(KEYS[0], id);
    }
    assert_eq!(scene.advance(id), 0, "two days are not over");
    scene.wait(1);
    assert_eq!(scene.advance(id), Stage::Redirected.number());
    assert_eq!(scene.case(1).reason, Reason::Unpaid.number());
    let due = scene.book(id).due;
    let repay = repayCall {
        machineId: id,
        amount: due,
    };
    scene.world.ok(CAROL, ADDRESS, &repay);
    assert_eq!(scene.case(1).fromRepayment, due);
    assert_eq!(scene.advance(id), 0);
}

#[test]
fn inc_7_a_title_that_is_sold_pays_the_debt_and_the_rest_is_the_holders() {
    let (mut scene, id, amount) = at_auction();
    let owed = scene.book(id).owed.to();
    let (start, floor) = ((owed * 3).div_ceil(2), owed.div_ceil(10));
    assert_eq!(price(&scene, id), start);
    scene.wait(DAY_MS / 2);
    let (now, owed) = (price(&scene, id), scene.book(id).owed.to());
    assert_eq!(now, floor + (start - floor).div_ceil(2), "half way down");
    let dearer = IncomePriceAbove {
        machineId: id,
        price: n(now),
        priceMax: n(now - 1),
    };
    scene
        .world
        .refused(BOB, ADDRESS, &bid(id, n(now - 1)), &dearer);
    let holders = scene.free(AccountId::new(ALICE, 0));
    assert_eq!(scene.world.ok(BOB, ADDRESS, &bid(id, n(now))), n(now));
    let case = scene.case(1);
    // The title brought less than was owed: the bond paid the rest, and nobody lost.
    let bond = owed - now;
    assert_eq!(steps(&scene), [(3, now, bond), (4, bond, 0)]);
    assert_eq!((case.fromTitle, case.fromBond), (n(now), n(bond)));
    assert_eq!(
        (case.paid, case.left, case.toHolder),
        (n(amount), n(0), n(0))
    );
    assert_eq!((case.fromFirstLoss, case.fromLenders), (n(0), n(0)));
    assert_eq!(case.stage, Stage::Sold.number());
    assert_eq!(scene.free(AccountId::new(ALICE, 0)), holders);
    // The buyer has the machine and its income; what it did before counts nothing.
    let title = IErc721::ownerOfCall {
        tokenId: U256::from(id),
    };
    assert_eq!(scene.world.view(title::ADDRESS, &title), BOB);
    assert_eq!(scene.offer(id).verifiedDays, 0);
    scene.beat(KEYS[0], id);
    let bobs = scene.free(AccountId::new(BOB, 0));
    scene.earn(id, customer(0), 777);
    assert_eq!(scene.free(AccountId::new(BOB, 0)) - bobs, 777);
    let move_it = IErc721::transferFromCall {
        from: BOB,
        to: CAROL,
        tokenId: U256::from(id),
    };
    scene.world.ok(BOB, title::ADDRESS, &move_it);
}

#[test]
fn inc_7_what_a_title_brings_beyond_the_debt_is_the_former_holders() {
    let (mut scene, id, _) = at_auction();
    let (now, owed) = (price(&scene, id), scene.book(id).owed.to());
    assert!(now > owed);
    let before = scene.free(AccountId::new(ALICE, 0));
    scene.world.ok(BOB, ADDRESS, &bid(id, U256::MAX));
    assert_eq!(scene.free(AccountId::new(ALICE, 0)) - before, now - owed);
    let case = scene.case(1);
    assert_eq!((case.toHolder, case.fromBond), (n(now - owed), n(0)));
}

#[test]
fn inc_7_nobody_bids_and_bond_first_loss_and_lenders_bear_it_in_this_order() {
    let check = |mutants: &'static [Mutant]| {
        let (mut scene, id, amount) = at_auction();
        let twin = Twin::with(mutants);
        scene.wait(DAY_MS);
        let owed = scene.book(id).owed.to();
        assert_eq!(scene.advance(id), Stage::Unsold.number());
        let found = (steps(&scene), scene.case(1), scene.told());
        drop(twin);
        (scene, id, amount, owed, found)
    };
    let (mut scene, id, amount, owed, (told, case, market)) = check(&[]);
    let interest = owed - amount;
    let lost = amount - (BOND - interest);
    assert_eq!(told, [(4, BOND, owed - BOND), (5, lost, 0)]);
    assert_eq!(
        (case.fromBond, case.fromFirstLoss, case.fromLenders),
        (n(BOND), n(lost), n(0))
    );
    assert_eq!(case.principal, case.paid + case.fromFirstLoss);
    assert_eq!((market.defaults, market.lostFirstLoss), (1, n(lost)));
    assert_eq!(
        (market.lent, market.atRisk, market.uncovered),
        (n(0), n(0), n(0))
    );
    // It stays for sale at the floor; what it earns meanwhile, and what it brings, goes to those who lost.
    scene.beat(KEYS[0], id);
    scene.earn(id, customer(0), 5_000);
    assert_eq!(scene.told().recovered, n(5_000));
    let floor = price(&scene, id);
    scene.world.ok(BOB, ADDRESS, &bid(id, n(floor)));
    assert_eq!(scene.told().recovered, n(5_000 + floor));
    assert_eq!(scene.case(1).stage, Stage::Sold.number());
    // Twins in which another bears it first.
    let (.., (told, case, _)) = check(&[Mutant::LendersLoseFirst]);
    assert_eq!(told.last().map(|step| step.0), Some(6), "{told:?}");
    assert!(case.fromLenders > n(0) && case.fromFirstLoss.is_zero());
    let (.., (told, ..)) = check(&[Mutant::BondSpared]);
    assert_eq!(told.first().map(|step| step.0), Some(5), "{told:?}");
}

#[test]
fn a_slashed_bond_under_a_loan_is_a_case_and_filling_it_up_cures() {
    let (mut scene, id, _) = Scene::indebted();
    let slashed = scene.world.inside(JOBS, JOBS, |cx| {
        let to = AccountId::new(JOBS, 5);
        machines::slash(cx, id, a(BOND - 1), to, machines::Reason::WrongAnswer)
    });
    slashed.expect("slashes");
    assert_eq!(scene.advance(id), Stage::Redirected.number());
    assert_eq!(scene.case(1).reason, Reason::Barred.number());
    let add = IMachines::addBondCall {
        machineId: id,
        amount: n(1_000),
    };
    scene.world.ok(ALICE, machines::ADDRESS, &add);
    assert_eq!(scene.advance(id), 0);
    scene.earn(id, customer(0), 50_000);
    scene.wait(DAY_MS);
    scene.beat(KEYS[0], id);
    scene.earn(id, customer(0), 50_000);
    let book = scene.book(id);
    assert_eq!(scene.told().uncovered, book.principal - n(1_001));
}

/// INC-5, INC-6: what a slash uncovers is the first loss's from that moment on, where the room that slashed says so, and at the
/// block's next look where nobody does.
#[test]
fn inc_5_a_bond_that_is_slashed_under_a_loan_covers_less() {
    let (mut scene, id, amount) = Scene::indebted();
    let before = scene.told().uncovered;
    assert_eq!(before, n(amount - BOND));
    let slash = |scene: &mut Scene, by: u128| {
        let slashed = scene.world.inside(JOBS, JOBS, |cx| {
            let to = AccountId::new(JOBS, 5);
            machines::slash(cx, id, a(by), to, machines::Reason::Slashed)
        });
        slashed.expect("slashes");
    };
    slash(&mut scene, 1_000);
    assert_eq!(scene.told().uncovered, before, "nobody said so yet");
    let asset = scene.asset;
    let told = |cx: &mut Ctx<'_>| book::escrow_left(cx, id, asset, a(0));
    scene.world.inside(JOBS, JOBS, told).expect("told");
    assert_eq!(scene.told().uncovered, before + n(1_000));
    slash(&mut scene, 500);
    scene.advance(id);
    assert_eq!(scene.told().uncovered, before + n(1_500));
    let first = scene.share(1);
    let free = 1_000_000 - (amount - BOND) - 1_500;
    assert_eq!(
        scene.world.view(first, &share::IMachineShare::freeCall {}),
        n(free)
    );
}

#[test]
fn a_case_can_be_paid_off_until_the_title_is_sold() {
    let (mut scene, id, _) = at_auction();
    let repay = repayCall {
        machineId: id,
        amount: U256::MAX,
    };
    scene.world.ok(ALICE, ADDRESS, &repay);
    assert_eq!(scene.case(1).stage, Stage::Cured.number());
    let none = IncomeNotForSale { machineId: id };
    scene
        .world
        .refused(BOB, ADDRESS, &bid(id, U256::MAX), &none);
    scene.world.ok(ALICE, title::ADDRESS, &transfer(id, CAROL));
}
