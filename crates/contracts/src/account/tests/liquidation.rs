//! The block's part: guards, looks, offers, losses.

use capstan_units::Wad;

use super::*;
use crate::account::{
    Bid,
    IAccount::{LookFailed, OfferOpened},
    OFFER_MS, encode_accounts,
    index::{Changes, GuardIndex},
    sheet_slot,
};
use crate::{lending, oracle};

/// Alice owes 14,000 dollars against ten ETH that count 17,000; liquidated below 1,647.06.
fn in_debt() -> Scene {
    let mut scene = Scene::new();
    scene.alice_borrows(14_000);
    scene
}

#[test]
fn liq_1_guards_call_the_block_before_health_is_lost() {
    let mut scene = in_debt();
    assert!(scene.due().is_empty());
    let mut looks = 0;
    for dollars in (1_600..2_000_u128).rev() {
        scene.prices(&[(ETH, dollars * USD)]);
        let due = scene.look();
        looks += due.len();
        let unhealthy = scene.unhealthy(ALICES);
        assert_eq!(unhealthy, dollars <= 1_647, "at {dollars}");
    }
    // Each look halves the distance, so a slow fall needs few of them.
    assert!((2..40).contains(&looks), "{looks} looks in 400 falls");
}

#[test]
fn liq_1_debts_that_rise_and_time_call_too() {
    let mut scene = Scene::new();
    scene.ok(
        ALICE,
        ALICES,
        &[
            deposit(USDC, 20_000 * ONE),
            borrow(ETH, 7 * ONE),
            withdraw(ETH, U256::MAX, ALICE),
        ],
    );
    assert!(scene.due().is_empty());
    scene.prices(&[(ETH, 2_600 * USD)]);
    assert_eq!(scene.look(), [ALICES]);
    assert!(scene.unhealthy(ALICES));
    let mut scene = in_debt();
    scene.world.wait_ms(NOTICE_MS);
    assert_eq!(scene.due(), [ALICES], "a guard lives for a day");
    scene.look();
    assert!(scene.due().is_empty());
}

/// A loss of lenders lowers collateral without any price.
#[test]
fn liq_1_losses_of_lenders_call_whoever_supplied() {
    let mut scene = Scene::new();
    // Alice's collateral is supply of RISKY; Bob owes nearly all of that market and cannot pay.
    scene.ok(CAROL, CAROLS, &[redeem(RISKY, 100_000_000 * ONE)]);
    scene.ok(
        ALICE,
        ALICES,
        &[
            deposit(RISKY, 1_000 * ONE),
            supply(RISKY, 1_000 * ONE),
            borrow(USDC, 7_000 * ONE),
        ],
    );
    scene.ok(ALICE, ALICES, &[withdraw(USDC, U256::MAX, ALICE)]);
    scene.ok(
        BOB,
        BOBS,
        &[
            deposit(ETH, 10 * ONE),
            borrow(RISKY, 500 * ONE),
            withdraw(RISKY, U256::MAX, BOB),
        ],
    );
    scene.prices(&[(ETH, USD / 100)]);
    assert_eq!(scene.look(), [BOBS], "he is clean, and lenders bore it");
    assert_eq!(scene.report(BOBS).debt, U256::ZERO);
    let supplied = scene.holding(ALICES, RISKY).expect("there").supplied;
    assert!(supplied < n(510 * ONE), "{supplied}");
    assert!(scene.unhealthy(ALICES));
    assert_eq!(scene.look(), [ALICES]);
}

#[test]
fn liq_2_the_index_follows_changes_as_if_read_anew() {
    let mut scene = Scene::new();
    let before = GuardIndex::of(&scene.world.store).expect("reads");
    let words = |scene: &Scene| -> std::collections::BTreeMap<U256, U256> {
        let all = scene.world.store.words();
        all.filter(|(at, ..)| *at == ADDRESS)
            .map(|(_, slot, word)| (slot, word))
            .collect()
    };
    let old = words(&scene);
    scene.alice_borrows(14_000);
    let new = words(&scene);
    let mut changes = Changes::default();
    for slot in old.keys().chain(new.keys()) {
        let get = |words: &std::collections::BTreeMap<U256, U256>| {
            words.get(slot).copied().unwrap_or_default()
        };
        changes.note(*slot, get(&old), get(&new));
    }
    let mut index = before.clone();
    index.apply(&changes);
    assert_eq!(index, GuardIndex::of(&scene.world.store).expect("reads"));
    assert_eq!(
        index.len(),
        3,
        "ETH that may fall, dollars that may rise, and a time"
    );
    index.undo(&changes);
    assert_eq!(index, before);
    assert!(index.is_empty());
}

#[test]
fn liq_3_a_sale_restores_the_target_and_no_more() {
    let mut scene = in_debt();
    scene.prices(&[(ETH, 1_600 * USD)]);
    scene.look();
    let offer = scene.world.view(
        ADDRESS,
        &offerOfCall {
            account: reference(ALICES),
        },
    );
    assert_eq!(offer.fullMs - offer.sinceMs, OFFER_MS);
    // Half-way the discount is half of 5 %, and a quarter of it goes to the reserve.
    scene.world.wait_ms(OFFER_MS / 2);
    let logs = scene.log_count();
    scene.ok(BOB, BOBS, &[deposit(USDC, 14_000 * ONE)]);
    let taken = scene.ok(BOB, BOBS, &[bid(ALICES, USDC, 14_000 * ONE, ETH)]);
    let step: LiquidationStep = scene.events(logs).pop().expect("a step");
    assert_eq!((step.venue, step.discountBps, step.buyer), (3, 250, BOB));
    let (paid, got) = (step.paid, step.taken);
    assert_eq!(taken, [got]);
    // Bob pays 0.975 * (1 - 0.0125 / (1 - 0.0125)) of what he gets, nearly.
    let worth = got * n(1_600);
    let ratio = paid * n(10_000) / worth;
    assert!(
        (9_740..=9_760).contains(&u128::try_from(ratio).expect("small")),
        "{ratio}"
    );
    assert!(step.toReserve > U256::ZERO);
    let report = scene.report(ALICES);
    assert!(
        report.healthMaintenance >= wad(104) && report.healthMaintenance <= wad(106),
        "{}",
        report.healthMaintenance
    );
    let done: Liquidated = scene.events(logs).pop().expect("a record");
    assert!(done.healthBefore < Wad::ONE.to_u256());
    assert_eq!(done.healthAfter, report.healthMaintenance);
    assert!(done.priceRound > 1);
    let error = AccountNotOffered {
        owner: ALICE,
        index: 0,
    };
    scene.refused(BOB, BOBS, &[bid(ALICES, USDC, ONE, ETH)], &error);
}

#[test]
fn liq_4_nothing_leaves_before_it_is_paid_nor_below_the_floor() {
    let mut scene = in_debt();
    scene.prices(&[(ETH, 1_600 * USD)]);
    scene.look();
    // Nobody comes for a day: everything stands as it stood.
    for _ in 0..24 {
        scene.world.wait_ms(3_600_000);
        scene.look();
    }
    assert!(scene.holding(ALICES, ETH).expect("there").supplied >= n(10 * ONE - 1));
    // A bidder without money gets nothing.
    scene.ok(BOB, BOBS, &[deposit(ETH, ONE)]);
    assert!(
        scene
            .run(BOB, BOBS, &[bid(ALICES, USDC, 14_000 * ONE, ETH)])
            .is_err()
    );
    let logs = scene.log_count();
    scene.ok(
        BOB,
        BOBS,
        &[
            deposit(USDC, 14_000 * ONE),
            bid(ALICES, USDC, 14_000 * ONE, ETH),
        ],
    );
    let step: LiquidationStep = scene.events(logs).pop().expect("a step");
    assert_eq!(step.discountBps, 500);
    assert!(
        step.paid * n(10_000) >= step.taken * n(1_600) * n(9_499),
        "below the floor"
    );
    let mut greedy = scene;
    greedy.prices(&[(ETH, 1_000 * USD)]);
    greedy.look();
    let mut args = Bid {
        owner: ALICE,
        index: 0,
        debtAssetId: USDC,
        repayMax: n(100 * ONE),
        collateralAssetId: ETH,
        takenMin: n(ONE),
    };
    let error: AccountBidTooDear =
        greedy.refused_as(BOB, BOBS, &[action(Verb::Bid, args.abi_encode())]);
    assert!(error.taken < n(ONE));
    args.takenMin = error.taken;
    greedy.ok(BOB, BOBS, &[action(Verb::Bid, args.abi_encode())]);
}

/// Where the market has no cash, its shares are sold, and what the buyer got is what he is told.
#[test]
fn liq_4_without_cash_the_position_itself_is_sold() {
    let mut scene = Scene::new();
    scene.ok(CAROL, CAROLS, &[redeem(RISKY, 100_000_000 * ONE)]);
    let batch = [
        deposit(RISKY, 1_000 * ONE),
        supply(RISKY, 1_000 * ONE),
        borrow(USDC, 7_000 * ONE),
        withdraw(USDC, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    let batch = [
        deposit(ETH, 100 * ONE),
        borrow(RISKY, 990 * ONE),
        withdraw(RISKY, U256::MAX, BOB),
    ];
    scene.ok(BOB, BOBS, &batch);
    scene.prices(&[(RISKY, 13 * USD)]);
    scene.look();
    scene.ok(CAROL, CAROLS, &[deposit(USDC, 1_000 * ONE)]);
    let before = scene.holding(CAROLS, RISKY).expect("units");
    let taken = scene.ok(CAROL, CAROLS, &[bid(ALICES, USDC, 1_000 * ONE, RISKY)])[0];
    let after = scene.holding(CAROLS, RISKY).expect("units and supply");
    assert!(after.supplied > before.supplied, "no shares were sold");
    let got = after.units + after.supplied - before.units - before.supplied;
    assert!(
        got <= taken && taken <= got + n(1),
        "{taken} told, {got} got"
    );
}

#[test]
fn liq_4_the_owner_may_come_back_until_the_last_block() {
    let mut scene = in_debt();
    scene.prices(&[(ETH, 1_600 * USD)]);
    scene.look();
    scene.ok(BOB, BOBS, &[deposit(USDC, 14_000 * ONE)]);
    // With its price back the offer is void, and the next look ends it.
    let mut recovered = scene.clone();
    recovered.prices(&[(ETH, 2_000 * USD)]);
    let error: AccountHealthy = recovered.refused_as(BOB, BOBS, &[bid(ALICES, USDC, ONE, ETH)]);
    assert!(error.health >= Wad::ONE.to_u256());
    recovered.world.wait_ms(60_000);
    recovered.look();
    assert!(!on_offer(&recovered, ALICES));
    // Whatever she or anybody adds ends it at once.
    scene.ok(ALICE, ALICES, &[deposit(ETH, ONE)]);
    let error = AccountNotOffered {
        owner: ALICE,
        index: 0,
    };
    scene.refused(BOB, BOBS, &[bid(ALICES, USDC, ONE, ETH)], &error);
}

/// However an account is saved, its offer is over: when it falls again, hours later and before any look, its discount begins
/// from nothing.
#[test]
fn liq_4_the_discount_of_who_falls_again_begins_anew() {
    let add = |scene: &mut Scene| drop(scene.ok(ALICE, ALICES, &[deposit(ETH, ONE)]));
    let repay = |scene: &mut Scene| {
        let part = [deposit(USDC, 1_000 * ONE), repay(USDC, 1_000 * ONE)];
        scene.ok(ALICE, ALICES, &part);
    };
    // All of it, and a new debt an hour later.
    let repay_all_of_it = |scene: &mut Scene| {
        let all = [deposit(USDC, 14_001 * ONE), repay_all(USDC)];
        scene.ok(ALICE, ALICES, &all);
        scene.prices(&[(ETH, 2_000 * USD)]);
        scene.ok(ALICE, ALICES, &take(USDC, 13_000 * ONE));
    };
    let pay_in = |scene: &mut Scene| {
        let pay = depositToCall {
            account: reference(ALICES),
            assetId: ETH,
            amount: n(ONE),
        };
        scene.world.ok(BOB, ADDRESS, &pay);
    };
    let take_over = |scene: &mut Scene| {
        let heir = AccountId::new(ALICE, 1);
        let all = [
            other(Verb::TakeOver, 0, U256::ZERO, ALICES),
            deposit(ETH, 10 * ONE),
        ];
        scene.ok(ALICE, heir, &all);
        let back = [
            other(Verb::TakeOver, 0, U256::ZERO, heir),
            deposit(ETH, ONE),
        ];
        scene.ok(ALICE, ALICES, &back);
        scene.ok(
            ALICE,
            ALICES,
            &[redeem(ETH, 10 * ONE), withdraw(ETH, n(10 * ONE), ALICE)],
        );
    };
    let ways: [fn(&mut Scene); 5] = [add, repay, repay_all_of_it, pay_in, take_over];
    for (way, save) in ways.into_iter().enumerate() {
        let mut scene = in_debt();
        scene.prices(&[(ETH, 1_600 * USD)]);
        scene.look();
        assert!(on_offer(&scene, ALICES));
        save(&mut scene);
        assert!(!on_offer(&scene, ALICES), "way {way}");
        scene.world.wait_ms(6 * 3_600_000);
        scene.prices(&[(ETH, 1_300 * USD), (USDC, USD)]);
        assert!(scene.unhealthy(ALICES), "way {way}");
        assert_eq!(scene.look(), [ALICES], "way {way}");
        let logs = scene.log_count();
        let batch = [
            deposit(USDC, 14_000 * ONE),
            bid(ALICES, USDC, 100 * ONE, ETH),
        ];
        scene.ok(BOB, BOBS, &batch);
        let step: LiquidationStep = scene.events(logs).pop().expect("a step");
        assert_eq!(step.discountBps, 0, "way {way}");
    }
}

#[test]
fn liq_5_what_nothing_backs_is_borne_at_once() {
    let mut scene = in_debt();
    scene.prices(&[(ETH, 100 * USD)]);
    scene.look();
    scene.world.wait_ms(OFFER_MS);
    scene.ok(
        BOB,
        BOBS,
        &[
            deposit(USDC, 14_000 * ONE),
            bid(ALICES, USDC, 14_000 * ONE, ETH),
        ],
    );
    // All collateral is sold, 950 of 14,000 dollars are paid; the next look clears the rest.
    assert!(scene.report(ALICES).collateral < dollars(1).to_u256());
    let logs = scene.log_count();
    scene.world.wait_ms(60_000);
    scene.look();
    assert_eq!(scene.report(ALICES).debt, U256::ZERO);
    let losses: Vec<LossRealised> = scene.events(logs);
    assert!(
        losses
            .iter()
            .all(|loss| loss.owner == ALICE && loss.assetId == USDC)
    );
    let lenders = losses.iter().find(|loss| loss.tier == 3).expect("lenders");
    assert!(
        lenders.amount > n(13_000 * ONE) && lenders.amount < n(13_100 * ONE),
        "{}",
        lenders.amount
    );
}

/// LIQ-5: dust beside a debt that is forgiven is no gift to its owner: it goes to the reserves of its own markets.
#[test]
fn liq_5_dust_beside_a_forgiven_debt_goes_to_the_reserve() {
    let mut scene = Scene::new();
    let batch = [
        deposit(RISKY, 100 * ONE),
        supply(RISKY, 60 * ONE),
        deposit(ETH, ONE),
        borrow(USDC, 2_000 * ONE),
        withdraw(USDC, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    scene.prices(&[(RISKY, USD / 1_000), (ETH, USD / 2)]);
    let reserve = |scene: &mut Scene, asset: u32| {
        let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
        let asset = capstan_units::AssetId::new(asset);
        lending::supplied_down(cx, asset, lending::RESERVE)
            .expect("reads")
            .get()
    };
    let before = [RISKY, ETH].map(|asset| reserve(&mut scene, asset));
    assert_eq!(scene.look(), [ALICES]);
    assert_eq!(scene.report(ALICES).debt, U256::ZERO);
    for asset in [RISKY, ETH] {
        assert_eq!(scene.holding(ALICES, asset), None);
    }
    let after = [RISKY, ETH].map(|asset| reserve(&mut scene, asset));
    let came = [after[0] - before[0], after[1] - before[1]];
    assert!(came[0].abs_diff(100 * ONE) <= 3, "{came:?}");
    assert!(came[1].abs_diff(ONE) <= 3, "{came:?}");
}

#[test]
fn liq_6_one_bad_account_holds_up_nobody() {
    let mut scene = in_debt();
    scene.prices(&[(ETH, 1_600 * USD)]);
    // Nobody's account and a healthy one among them.
    let looked = scene.world.system(
        SystemKind::Liquidate,
        &encode_accounts(&[BOBS, CAROLS, ALICES, ALICES]),
    );
    assert!(looked.is_ok());
    assert!(
        scene
            .world
            .view(
                ADDRESS,
                &offerOfCall {
                    account: reference(ALICES)
                }
            )
            .sinceMs
            > 0
    );
    let error = AccountLooksMalformed {}.abi_encode();
    assert_eq!(
        scene.world.system(SystemKind::Liquidate, &[1, 2]),
        Err(Halt::Revert(error.into()))
    );
}

/// Words that nobody writes, as a developer's `setStorageAt` leaves them: the account or the asset that is made of them is
/// passed over, the others are served.
#[test]
fn liq_6_damaged_words_hold_up_nobody() {
    let mut scene = in_debt();
    scene.ok(BOB, BOBS, &[deposit(USDC, 14_000 * ONE)]);
    scene.prices(&[(ETH, 1_600 * USD)]);
    let words: Vec<_> = scene.world.store.words().collect();
    let damage = |scene: &mut Scene, of: Address, slot: U256| {
        scene.world.store.set_word(of, slot, U256::MAX);
    };
    let of_bob = |slot: U256| sheet_slot(slot).is_some_and(|(account, _)| account == BOBS);
    for (_, slot, _) in words
        .iter()
        .filter(|(at, slot, _)| *at == ADDRESS && of_bob(*slot))
    {
        damage(&mut scene, ADDRESS, *slot);
    }
    let look = |scene: &mut Scene, accounts: &[AccountId]| {
        let input = encode_accounts(accounts);
        let kind = SystemKind::Liquidate;
        let looked = scene.world.system_unchecked(u64::MAX, kind, &input);
        assert!(looked.is_ok(), "{looked:?}");
    };
    let logs = scene.log_count();
    look(&mut scene, &[BOBS, ALICES]);
    let failed: Vec<LookFailed> = scene.events(logs);
    let owners: Vec<_> = failed.iter().map(|failed| failed.owner).collect();
    assert_eq!(owners, [BOB]);
    let reason = crate::testkit::words(&Halt::Revert(failed[0].reason.clone()));
    assert_eq!(
        reason, "LendingUnknownMarket(assetId: 255)",
        "his rows are all ones"
    );
    let opened: Vec<OfferOpened> = scene.events(logs);
    assert_eq!(opened.len(), 1, "Alice's collateral stands on offer");

    // Every word of the oracle in turn: whoever is still called is looked at, and nothing ends the block.
    for (at, slot, _) in words.iter().filter(|(at, ..)| *at == oracle::ADDRESS) {
        let mut scene = in_debt();
        scene.prices(&[(ETH, 1_600 * USD)]);
        damage(&mut scene, *at, *slot);
        let due = scene.due();
        look(&mut scene, &due);
    }
}

#[test]
fn liq_6_a_block_without_gas_leaves_the_rest_to_the_next() {
    let mut scene = in_debt();
    scene.prices(&[(ETH, 1_600 * USD)]);
    let logs = scene.log_count();
    let looked = scene.world.system_limited(
        5_000_000,
        SystemKind::Liquidate,
        &encode_accounts(&[ALICES]),
    );
    assert!(looked.is_ok());
    let left: Vec<LooksLeft> = scene.events(logs);
    assert_eq!(left[0].count, n(1));
    assert_eq!(scene.due(), [ALICES]);
}

/// Whoever is on offer comes back each minute. In a fall of everything those who come back must not hold up those who
/// were never looked at, nor these those.
#[test]
fn liq_6_who_comes_back_and_who_is_new_take_turns() {
    let mut scene = Scene::new();
    let accounts = [0, 1, 2, 3].map(|index| AccountId::new(ALICE, index));
    for account in accounts {
        scene.ok(
            ALICE,
            account,
            &[
                deposit(ETH, ONE),
                borrow(USDC, 1_400 * ONE),
                withdraw(USDC, U256::MAX, ALICE),
            ],
        );
    }
    scene.prices(&[(ETH, 1_600 * USD)]);
    let [first, second, third, fourth] = scene.due()[..] else {
        panic!("{:?}", scene.due());
    };
    let input = encode_accounts(&[first, second]);
    let looked = scene.world.system(SystemKind::Liquidate, &input);
    assert!(looked.is_ok(), "{looked:?}");
    assert_eq!(scene.due(), [third, fourth]);
    scene.world.wait_ms(61_000);
    scene.prices(&[(ETH, 1_600 * USD)]);
    assert_eq!(scene.due(), [first, third, second, fourth]);
}

#[test]
fn liq_7_nobody_is_liquidated_for_want_of_a_price() {
    let mut scene = in_debt();
    scene.world.wait_ms(172_800_001);
    scene.prices(&[(USDC, USD)]);
    // The collateral is without a price: it counts at its latest one.
    scene.look();
    assert!(!scene.unhealthy(ALICES));
    assert_eq!(
        scene
            .world
            .view(
                ADDRESS,
                &offerOfCall {
                    account: reference(ALICES)
                }
            )
            .sinceMs,
        0
    );
    // A worthless second collateral whose price is gone blocks no sale of the first.
    let mut scene = Scene::new();
    scene.alice_borrows(14_000);
    scene.ok(ALICE, ALICES, &[deposit(RISKY, 1)]);
    scene.world.wait_ms(172_800_001);
    scene.prices(&[(USDC, USD), (ETH, 1_600 * USD)]);
    scene.look();
    scene.ok(
        BOB,
        BOBS,
        &[
            deposit(USDC, 14_000 * ONE),
            bid(ALICES, USDC, ONE * 1_000, ETH),
        ],
    );
    let error = AccountPriceUnusable {
        owner: ALICE,
        index: 0,
        assetId: RISKY,
    };
    scene.refused(BOB, BOBS, &[bid(ALICES, USDC, ONE, RISKY)], &error);
}

/// Collateral whose latest price was next to nothing is no dust until somebody says what it is worth now.
#[test]
fn liq_7_nothing_is_forgiven_while_collateral_has_no_price() {
    let mut scene = Scene::new();
    scene.ok(ALICE, ALICES, &[deposit(RISKY, 100 * ONE)]);
    scene.ok(ALICE, ALICES, &take(USDC, 700 * ONE));
    scene.prices(&[(RISKY, USD / 1_000)]);
    scene.world.wait_ms(172_800_001);
    scene.prices(&[(USDC, USD)]);
    let logs = scene.log_count();
    assert!(scene.look().contains(&ALICES));
    assert!(scene.events::<LossRealised>(logs).is_empty());
    scene.prices(&[(RISKY, 20 * USD)]);
    scene.look();
    let held = scene.holding(ALICES, RISKY).expect("hers");
    assert_eq!(held.units, n(100 * ONE));
    assert!(!scene.unhealthy(ALICES));
}

/// A debt without a price is judged by nobody; it shields no other debt, and is looked at again within a minute.
#[test]
fn liq_7_a_debt_without_a_price_shields_nobody() {
    let mut scene = Scene::new();
    let small = [borrow(DAI, 20 * ONE), withdraw(DAI, U256::MAX, ALICE)];
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    scene.ok(ALICE, ALICES, &take(USDC, 14_000 * ONE));
    scene.ok(ALICE, ALICES, &small);
    scene.ok(BOB, BOBS, &[deposit(ETH, 10 * ONE)]);
    let small = [borrow(DAI, 20 * ONE), withdraw(DAI, U256::MAX, BOB)];
    scene.ok(BOB, BOBS, &small);
    scene.world.wait_ms(172_800_001);
    scene.prices(&[(USDC, USD), (ETH, 1_600 * USD)]);
    assert!(!scene.is_usable(DAI));
    let logs = scene.log_count();
    scene.look();
    assert!(scene.events::<LookFailed>(logs).is_empty());
    assert_eq!(scene.events::<OfferOpened>(logs).len(), 1, "Alice's");
    let dear = [deposit(USDC, 14_000 * ONE), bid(ALICES, DAI, 20 * ONE, ETH)];
    let error = AccountPriceUnusable {
        owner: ALICE,
        index: 0,
        assetId: DAI,
    };
    scene.refused(CAROL, CAROLS, &dear, &error);
    // Her debt with a price is sold to the target; the offer waits for the other one's price.
    let bought = [
        deposit(USDC, 14_000 * ONE),
        bid(ALICES, USDC, 14_000 * ONE, ETH),
    ];
    scene.ok(CAROL, CAROLS, &bought);
    assert!(!scene.unhealthy(ALICES));
    let offer = offerOfCall {
        account: reference(ALICES),
    };
    assert_ne!(scene.world.view(ADDRESS, &offer).sinceMs, 0);
    // Both are looked at again within a minute; with the price back, a debt that has become dear is found.
    scene.world.wait_ms(60_000);
    let due = scene.look();
    assert!(due.contains(&ALICES) && due.contains(&BOBS), "{due:?}");
    scene.prices(&[(DAI, 1_000 * USD)]);
    assert!(scene.unhealthy(BOBS));
    scene.world.wait_ms(60_000);
    assert!(scene.look().contains(&BOBS));
}

#[test]
fn liq_8_netting_comes_first_and_is_written_down() {
    let mut scene = Scene::new();
    // The loan stays on the account: it pays itself back before anything is sold.
    let batch = [
        deposit(ETH, 10 * ONE),
        supply(ETH, 10 * ONE),
        borrow(USDC, 14_000 * ONE),
        deposit(USDC, 10 * ONE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    scene.prices(&[(ETH, 50 * USD)]);
    let logs = scene.log_count();
    scene.look();
    let step: LiquidationStep = scene.events(logs).remove(0);
    assert_eq!(step.venue, 1);
    assert!(step.paid >= n(14_000 * ONE) && step.paid < n(14_001 * ONE));
    let done: Liquidated = scene.events(logs).remove(0);
    assert!(done.healthBefore < Wad::ONE.to_u256());
    assert_eq!(done.healthAfter, U256::MAX);
    assert_eq!(done.id >> 16, scene.world.store.block_mut().number);
    assert_eq!(scene.report(ALICES).debt, U256::ZERO);
}

#[test]
fn what_a_batch_changed_cannot_be_bid_on_in_it() {
    let mut scene = in_debt();
    scene.prices(&[(ETH, 1_600 * USD)]);
    scene.look();
    let appoint = setOperatorCall {
        index: 0,
        operator: BOB,
        untilMs: u64::MAX,
    };
    scene.world.ok(ALICE, ADDRESS, &appoint);
    let batch = [
        deposit(USDC, 14_000 * ONE),
        other(Verb::TakeDebt, USDC, n(100 * ONE), ALICES),
        bid(ALICES, USDC, ONE, ETH),
    ];
    scene.refused(BOB, BOBS, &batch, &AccountInFlight {});
}

/// Alice owes 500,000 dollars against 10,000 of a token at a hundred, whose reporters then are out for a while.
fn after_an_outage(dollars: u128) -> (Scene, u32) {
    let mut scene = Scene::with(&[Listing::new(USD, bps(9_000, 9_300))]);
    let mut listing = Listing::new(100 * USD, bps(5_000, 6_000));
    listing.feed.staleMs = 300_000;
    (listing.feed.outageMs, listing.feed.graceMs) = (300_000, 120_000);
    let id = scene.list(&listing);
    for _ in 0..8 {
        scene.world.wait_ms(30_000);
        scene.report_prices(&[(id, 100 * USD)]);
    }
    let batch = [
        deposit(id, 10_000 * ONE),
        borrow(0, 500_000 * ONE),
        withdraw(0, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    scene.world.wait_ms(400_000);
    scene.report_prices(&[(id, dollars * USD)]);
    (scene, id)
}

fn on_offer(scene: &Scene, of: AccountId) -> bool {
    let account = reference(of);
    scene.world.view(ADDRESS, &offerOfCall { account }).sinceMs > 0
}

#[test]
fn liq_7_whoever_may_come_back_within_a_grace_period_is_left_alone_in_it() {
    let (mut scene, id) = after_an_outage(70);
    assert!(!scene.is_usable(id));
    // He sees where he will stand when it is over.
    assert!(scene.report(ALICES).healthMaintenance < wad(85));
    let look = encode_accounts(&[ALICES]);
    let looked = scene.world.system(SystemKind::Liquidate, &look);
    looked.expect("looks");
    assert!(!on_offer(&scene, ALICES), "nor does its discount grow");
    let mut back = scene.clone();
    back.ok(ALICE, ALICES, &[deposit(id, 10_000 * ONE)]);
    for scene in [&mut back, &mut scene] {
        scene.world.wait_ms(121_000);
        scene.look();
    }
    assert!(on_offer(&scene, ALICES) && !on_offer(&back, ALICES));
}

/// The rest of his collateral need not wait for whoever is lost even at twice the price.
#[test]
fn liq_7_whoever_is_lost_anyway_is_on_offer_within_a_grace_period() {
    let (mut scene, id) = after_an_outage(40);
    assert_eq!(scene.look(), [ALICES]);
    assert!(on_offer(&scene, ALICES));
    let batch = [deposit(0, ONE), bid(ALICES, 0, ONE, id)];
    scene.refused_as::<AccountPriceUnusable>(BOB, BOBS, &batch);
    scene.world.wait_ms(121_000);
    scene.ok(
        BOB,
        BOBS,
        &[deposit(0, 100_000 * ONE), bid(ALICES, 0, 100_000 * ONE, id)],
    );
}
