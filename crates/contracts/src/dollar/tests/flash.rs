//! Dollars that are lent for one call.

use super::*;
use crate::{
    erc20::IErc20,
    flash::{self, IFlash},
    testkit::honest_borrower,
};

const BORROWER: Address = account(0xbb);

fn scene() -> Scene {
    let mut scene = Scene::new(params());
    honest_borrower(&mut scene.world.store, BORROWER);
    let fee = IFlash::setFeeBpsCall { feeBps: 10 };
    scene.world.ok(OWNER, flash::ADDRESS, &fee);
    scene.mint_to_wallet(ALICES, 10_000 * USD);
    let fee_money = IErc20::transferCall {
        to: BORROWER,
        value: n(10_000 * USD),
    };
    let usd = scene.usd;
    scene.world.ok(ALICE, usd, &fee_money);
    scene
}

fn loan(scene: &Scene, amount: u128) -> IFlash::flashLoanCall {
    IFlash::flashLoanCall {
        receiver: BORROWER,
        token: scene.usd,
        amount: n(amount),
        data: Default::default(),
    }
}

#[test]
fn dol_15_a_loan_is_gone_when_the_call_ends_and_its_fee_is_income() {
    let mut scene = scene();
    let token = scene.usd;
    let supply = scene.world.supply(token);
    let surplus = scene.now().surplus;
    let call = loan(&scene, 5_000_000 * USD);
    assert!(scene.world.ok(BOB, flash::ADDRESS, &call));
    let fee = n(5_000 * USD);
    assert_eq!(scene.world.supply(token), supply);
    assert_eq!(scene.now().surplus, surplus + fee);
    assert_eq!(scene.world.balance(token, BORROWER), n(5_000 * USD));
    // Its headroom is for debts: a loan that ends with its call uses none.
    assert_eq!(scene.now().mintable, n(990_000 * USD));
}

#[test]
fn dol_15_the_ceiling_bounds_a_loan() {
    let mut scene = scene();
    let max = IFlash::maxFlashLoanCall { token: scene.usd };
    let room = scene.world.ok(BOB, flash::ADDRESS, &max);
    assert_eq!(room, n(9_990_000 * USD), "ten million less what is owed");
    let token = scene.usd;
    let refused = IFlash::FlashAmountTooHigh {
        token,
        amount: n(9_990_000 * USD + 1),
        max: room,
    };
    let more = loan(&scene, 9_990_000 * USD + 1);
    scene.world.refused(BOB, flash::ADDRESS, &more, &refused);
    scene.world.ok(OWNER, ADDRESS, &pauseCall { verbs: 1 });
    assert_eq!(scene.world.ok(BOB, flash::ADDRESS, &max), U256::ZERO);
    let least = loan(&scene, 1);
    assert!(scene.world.call(BOB, flash::ADDRESS, &least).is_err());
}

#[test]
fn dol_15_who_cannot_pay_gets_nothing() {
    let mut scene = scene();
    let before = scene.world.state();
    // The fee of ten million would be ten thousand and one unit.
    let call = loan(&scene, 9_990_000 * USD);
    scene.world.ok(BOB, flash::ADDRESS, &call);
    let call = loan(&scene, 100_000 * USD);
    let after = scene.world.state();
    assert_ne!(before, after);
    let halt = scene
        .world
        .call(BOB, flash::ADDRESS, &call)
        .expect_err("broke");
    assert!(
        words(&halt).starts_with("ERC20InsufficientBalance"),
        "{}",
        words(&halt)
    );
    assert_eq!(scene.world.state(), after, "left traces");
}
