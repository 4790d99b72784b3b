//! Dollars that wait are paid by the riskiest, and nobody is worse off than he was.

use super::{debts::*, *};
use crate::{
    account::{
        REDEMPTIONS_MAX, encode_accounts,
        index::{Changes, GuardIndex},
    },
    dollar::{self, IDollar},
};

impl Scene {
    /// The debtors whom the next block would let pay.
    fn payers(&mut self) -> Vec<AccountId> {
        let index = GuardIndex::of(&self.world.store).expect("reads");
        let cx = &mut self.world.store.frame(ADDRESS, ADDRESS);
        index
            .redeemable(cx, &Changes::default(), REDEMPTIONS_MAX)
            .expect("reads")
            .who
    }

    /// The block's redemptions; answers whom it let pay.
    fn redeem(&mut self) -> Vec<AccountId> {
        let payers = self.payers();
        self.redeem_by(&payers);
        payers
    }

    fn redeem_by(&mut self, payers: &[AccountId]) {
        let done = self
            .world
            .system(SystemKind::Redeem, &encode_accounts(payers));
        done.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    }

    /// Carol queues dollars that she bought from Bob.
    fn queue(&mut self, dollars: u128) -> u64 {
        let usd = self.tokens[5];
        let pay = IErc20::transferCall {
            to: CAROL,
            value: n(dollars * USD),
        };
        self.world.ok(BOB, usd, &pay);
        let request = IDollar::requestRedemptionCall {
            amount: n(dollars * USD),
            index: CAROLS.index,
        };
        self.world.ok(CAROL, dollar::ADDRESS, &request)
    }

    fn waiting(&self) -> usize {
        let all = IDollar::requestsCall { behind: 0, max: 9 };
        self.world.view(dollar::ADDRESS, &all).len()
    }
}

/// Alice owes 10,000 dollars against ten ETH, half of them supplied; Bob 20,000 against a hundred.
fn in_dollars() -> Scene {
    let mut scene = Scene::with_dollar();
    let batch = [
        deposit(ETH, 10 * ONE),
        supply(ETH, 5 * ONE),
        mint(10_000 * USD),
        withdraw(USD_ASSET, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    let batch = [
        deposit(ETH, 100 * ONE),
        mint(20_000 * USD),
        withdraw(USD_ASSET, U256::MAX, BOB),
    ];
    scene.ok(BOB, BOBS, &batch);
    scene
}

#[test]
fn red_1_the_riskiest_pays_at_par_and_is_healthier() {
    let mut scene = in_dollars();
    assert!(scene.payers().is_empty(), "nobody waits");
    scene.queue(1_000);
    assert_eq!(scene.payers(), [ALICES, BOBS], "nearest to her guard first");
    let before = scene.report(ALICES);
    assert_eq!(scene.redeem(), [ALICES, BOBS]);
    assert_eq!(scene.waiting(), 0);
    // A thousand dollars less a fee of half a percent, at two thousand dollars each.
    let goods = n(995 * ONE / 2_000);
    let held = scene.holding(ALICES, ETH).expect("the rest");
    let left = held.units + held.supplied;
    assert!(n(10 * ONE) - goods - left <= n(1), "{left} left");
    assert_eq!(scene.owed(ALICES, USD_ASSET), n(9_000 * USD));
    assert_eq!(scene.owed(BOBS, USD_ASSET), n(20_000 * USD));
    let after = scene.report(ALICES);
    assert!(after.healthMaintenance > before.healthMaintenance);
    assert!(after.healthInitial > before.healthInitial);
    // The goods wait beside the redeemer's sheet, or stand on it where ether stood already.
    let units = scene.ok(CAROL, CAROLS, &[admit(ETH)]);
    assert_eq!(units, [goods]);
}

#[test]
fn red_1_nobody_is_left_with_dust() {
    let mut scene = in_dollars();
    scene.queue(9_995);
    scene.redeem();
    // Five dollars of Alice's debt would be left, so ten are; five are too few to wait, and go back.
    assert_eq!(scene.owed(ALICES, USD_ASSET), n(10 * USD));
    assert_eq!(scene.waiting(), 0);
    assert_eq!(scene.wallet(CAROL, USD_ASSET), 5 * USD);
    // With so little of a debt left, she is no longer the riskiest.
    scene.queue(1_000);
    assert_eq!(scene.redeem().first(), Some(&BOBS));
    assert_eq!(scene.owed(BOBS, USD_ASSET), n(19_000 * USD));
}

/// Who is unhealthy, overdue or on offer is left to the look; so is who has nothing that can be had now.
#[test]
fn red_2_who_cannot_pay_is_passed_over() {
    let mut scene = in_dollars();
    scene.queue(1_000);
    scene.prices(&[(ETH, 1_150 * USD)]);
    assert_eq!(scene.payers(), [BOBS], "Alice is unhealthy");
    scene.look();
    assert_eq!(scene.payers(), [BOBS], "Alice is on offer");
    // Chosen nevertheless, she changes nothing, and the block says so.
    let (before, from) = (scene.report(ALICES), scene.world.store.logs().len());
    scene.redeem_by(&[ALICES, BOBS]);
    assert_eq!(scene.report(ALICES), before);
    assert_eq!(scene.events::<RedemptionFailed>(from).len(), 1);
    assert_eq!(scene.waiting(), 0, "Bob paid");
}

/// Collateral in a market without cash cannot be had.
#[test]
fn red_2_supply_without_cash_waits() {
    let mut scene = Scene::with_dollar();
    scene.ok(CAROL, CAROLS, &[redeem(RISKY, 100_000_000 * ONE)]);
    let batch = [
        deposit(RISKY, 2_000 * ONE),
        supply(RISKY, 2_000 * ONE),
        mint(10_000 * USD),
        withdraw(USD_ASSET, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    let batch = [
        deposit(ETH, 100 * ONE),
        mint(2_000 * USD),
        withdraw(USD_ASSET, U256::MAX, BOB),
        borrow(RISKY, 1_990 * ONE),
        withdraw(RISKY, U256::MAX, BOB),
    ];
    scene.ok(BOB, BOBS, &batch);
    scene.queue(1_000);
    let from = scene.world.store.logs().len();
    scene.redeem_by(&[ALICES, BOBS]);
    if let Some(failed) = scene.events::<RedemptionFailed>(from).into_iter().next() {
        panic!("{}", words(&Halt::Revert(failed.reason)));
    }
    // What cash there is, ten of it and the seed, Alice pays; Bob the rest.
    let alices = n(10_000 * USD) - scene.owed(ALICES, USD_ASSET);
    assert!(alices > U256::ZERO && alices < n(300 * USD), "{alices}");
    assert_eq!(scene.waiting(), 0);
    assert_eq!(
        alices + n(2_000 * USD) - scene.owed(BOBS, USD_ASSET),
        n(1_000 * USD)
    );
}

/// Several requests are served in order; what a debtor has left pays the next one.
#[test]
fn red_2_requests_are_served_in_order() {
    let mut scene = in_dollars();
    for dollars in [4_000, 5_000, 3_000] {
        scene.queue(dollars);
    }
    scene.redeem();
    assert_eq!(scene.waiting(), 0);
    assert_eq!(scene.owed(ALICES, USD_ASSET), U256::ZERO);
    assert_eq!(scene.owed(BOBS, USD_ASSET), n(18_000 * USD));
}

/// A price that nobody may borrow at redeems nothing: requests wait.
#[test]
fn red_2_without_a_price_requests_wait() {
    let mut scene = in_dollars();
    scene.queue(1_000);
    scene.world.wait_ms(3 * 86_400_000);
    scene.prices(&[(USD_ASSET, USD)]);
    assert!(scene.payers().is_empty());
    assert_eq!(scene.waiting(), 1);
    scene.prices(&[(ETH, 2_000 * USD)]);
    assert_eq!(scene.redeem().first(), Some(&ALICES));
    assert_eq!(scene.waiting(), 0);
}
