//! Liquidity beside an asset that counts alone or not at all.

use super::{
    pieces::{pieces, provide},
    pools::eth_usdc,
    *,
};

/// Bob's liquidity of about 20,000 dollars, which lets him borrow 16,000.
fn provided() -> Scene {
    let mut scene = Scene::new();
    let pool = eth_usdc(&mut scene);
    let batch = [
        deposit(ETH, 5 * ONE),
        deposit(USDC, 10_000 * ONE),
        provide(pool, &[5 * ONE, 10_000 * ONE]),
    ];
    scene.ok(BOB, BOBS, &batch);
    scene
}

/// More collateral never counts less: whichever of the two is worth more counts, and the other nothing.
#[test]
fn acc_22_liquidity_counts_beside_an_isolated_asset_if_it_counts_more() {
    let mut scene = provided();
    let without = scene.report(BOBS);
    assert!(without.borrowable > n(15_900 * USD) && without.borrowable < n(16_100 * USD));
    // 10,000 dollars that count half: less than the liquidity.
    scene.ok(BOB, BOBS, &[deposit(ALONE, 1_000 * ONE)]);
    let beside = scene.report(BOBS);
    assert_eq!(beside.borrowable, without.borrowable);
    assert_eq!(pieces(&scene, BOBS)[0].initialBps, 8_000);
    // 40,000 that count half: more than the liquidity.
    scene.ok(BOB, BOBS, &[deposit(ALONE, 3_000 * ONE)]);
    assert_eq!(scene.report(BOBS).borrowable, n(20_000 * USD));
    assert_eq!(pieces(&scene, BOBS)[0].initialBps, 0);
    // What counts can be owed to the unit, and no more.
    let all = |dollars: u128| [borrow(DAI, dollars * ONE), withdraw(DAI, U256::MAX, BOB)];
    scene.refused_as::<AccountUnhealthy>(BOB, BOBS, &all(20_001));
    scene.ok(BOB, BOBS, &all(20_000));
    // Without liquidity nothing changes for him, and without the other he may not stand.
    let error = scene.refused_as::<AccountUnhealthy>(BOB, BOBS, &[withdraw(ALONE, n(ONE), BOB)]);
    assert_eq!(error.borrowable, n(19_995 * USD));
}

/// The block judges by the same rule: it takes the liquidity apart, since what comes counts no more than before.
#[test]
fn acc_24_the_block_counts_liquidity_beside_an_isolated_asset_by_the_same_rule() {
    let mut scene = provided();
    scene.ok(BOB, BOBS, &[deposit(ALONE, 4_000 * ONE)]);
    let away = [borrow(DAI, 19_000 * ONE), withdraw(DAI, U256::MAX, BOB)];
    scene.ok(BOB, BOBS, &away);
    // 40,000 count 60 %; at seven dollars 16,800, and the liquidity 17,000: neither carries 19,000.
    assert_eq!(scene.report(BOBS).healthMaintenance / n(USD / 100), n(126));
    scene.prices(&[(ALONE, 7 * USD)]);
    assert!(scene.unhealthy(BOBS));
    let health = scene.report(BOBS).healthMaintenance;
    assert!(health > wad(89) && health < wad(90), "{health}");
    let logs = scene.log_count();
    assert_eq!(scene.look(), [BOBS]);
    assert_eq!(scene.events::<PieceTakenApart>(logs).len(), 1);
}
