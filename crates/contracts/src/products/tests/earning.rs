//! Why collateral stands as free units: what is lent out can be locked by anybody, for next to nothing, when it must be sold.

use super::*;
use crate::testkit::accounts::{ALICES, LENT, redeem, repay_all, supply, take};

/// PROD-4: somebody borrows all that a market has. Whoever supplied there gets nothing back while he holds it, and ten minutes
/// of that cost him less than a hundredth of what liquidating a product that cannot rebalance would bring him.
#[test]
fn prod_4_supplied_collateral_could_be_locked_for_next_to_nothing() {
    let mut scene = start();
    scene.ok(
        ALICE,
        ALICES,
        &[deposit(DAI, 1_000_000 * ONE), supply(DAI, 1_000_000 * ONE)],
    );
    scene.ok(BOB, BOBS, &take(DAI, LENT + 1_000_000 * ONE - 10 * ONE));
    let halt = scene.run(ALICE, ALICES, &[redeem(DAI, 100_000 * ONE)]);
    let why = words(&halt.expect_err("no cash"));
    assert!(why.contains("LendingNoCash"), "{why}");
    scene.world.wait_ms(600_000);
    let owed = {
        let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
        crate::lending::debt_up(cx, AssetId::new(DAI), BOBS).expect("reads")
    };
    let cost = owed.get() - (LENT + 1_000_000 * ONE - 10 * ONE);
    // The largest discount of a loop of ten millions, five percent of it.
    let prize = 10_000_000 * ONE * 5 / 100;
    println!(
        "a market of {} dollars is empty for ten minutes at {} dollars of interest; a product's discount is {} dollars",
        LENT / ONE,
        cost / ONE,
        prize / ONE
    );
    assert!(cost * 100 < prize);
    scene.ok(
        BOB,
        BOBS,
        &[deposit(DAI, 102_000_000 * ONE), repay_all(DAI)],
    );
    scene.ok(ALICE, ALICES, &[redeem(DAI, 100_000 * ONE)]);
}
