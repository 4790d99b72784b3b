//! Healthy accounts with an instalment in default: what the block pays of it, and what it leaves alone.

use capstan_units::AssetId;

use super::{
    pieces::{pieces, provide, stable},
    pools::eth_usdc,
    *,
};
use crate::{account::assess, lending};

const DAY_MS: u64 = 86_400_000;
const NETTING: u8 = 1;

/// The first instalment was due after thirty days, and is in default after ten more.
fn default(scene: &mut Scene) {
    scene.world.wait_ms(45 * DAY_MS);
    scene.prices(&[(ETH, 2_000 * USD), (USDC, USD), (DAI, USD)]);
    assert!(!scene.unhealthy(ALICES));
}

fn overdue(scene: &mut Scene, asset: u32) -> u128 {
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let sheet = crate::account::Sheet::load(cx, ALICES).expect("reads");
    let mut rows = sheet.rows.iter();
    let row = rows.find(|row| row.asset == AssetId::new(asset));
    assess::overdue(cx, ALICES, *row.expect("owed"))
        .expect("reads")
        .get()
}

/// LIQ-9: beside a debt to the market of the same asset, what is overdue is paid, and that alone.
#[test]
fn liq_9_what_is_overdue_is_paid_and_no_other_debt_of_its_asset() {
    let mut scene = Scene::new();
    scene.alice_takes_a_loan(1_200);
    scene.ok(ALICE, ALICES, &take(USDC, 1_000 * ONE));
    scene.ok(ALICE, ALICES, &[deposit(USDC, 5_000 * ONE)]);
    default(&mut scene);
    let market = |scene: &mut Scene| {
        let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
        let owed = lending::debt_up(cx, AssetId::new(USDC), ALICES);
        owed.expect("reads").get()
    };
    let (late, other) = (overdue(&mut scene, USDC), market(&mut scene));
    assert!(late > 0 && other > 1_000 * ONE, "{late} {other}");
    let logs = scene.log_count();
    assert!(scene.look().contains(&ALICES));
    let steps = scene.events::<LiquidationStep>(logs);
    let [step] = &steps[..] else {
        panic!("{steps:?}");
    };
    assert_eq!((step.venue, step.paid), (NETTING, n(late)));
    assert_eq!(market(&mut scene), other, "nobody asked for that one");
    assert_eq!(overdue(&mut scene, USDC), 0);
}

/// ACC-24: where units pay what is overdue, liquidity stays whole, however much of it is made of that asset.
#[test]
fn acc_24_liquidity_stays_whole_where_units_pay_what_is_overdue() {
    let mut scene = Scene::new();
    let pool = eth_usdc(&mut scene);
    scene.alice_takes_a_loan(1_200);
    let batch = [
        deposit(ETH, 5 * ONE),
        deposit(USDC, 15_000 * ONE),
        provide(pool, &[5 * ONE, 10_000 * ONE]),
    ];
    scene.ok(ALICE, ALICES, &batch);
    default(&mut scene);
    let (logs, before) = (scene.log_count(), pieces(&scene, ALICES));
    assert!(scene.look().contains(&ALICES));
    assert_eq!(overdue(&mut scene, USDC), 0);
    assert_eq!(scene.events::<PieceTakenApart>(logs), []);
    assert_eq!(pieces(&scene, ALICES)[0].amount, before[0].amount);
}

/// ACC-24, LIQ-9: two instalments in default, and units for one of them: liquidity pays the other.
#[test]
fn acc_24_liquidity_pays_where_units_pay_one_of_two_that_are_overdue() {
    let mut scene = Scene::new();
    let pool = stable(&mut scene);
    scene.alice_takes_a_loan_of(USDC, 1_200);
    scene.alice_takes_a_loan_of(DAI, 1_200);
    let batch = [
        deposit(USDC, 15_000 * ONE),
        deposit(DAI, 10_000 * ONE),
        provide(pool, &[10_000 * ONE, 10_000 * ONE]),
    ];
    scene.ok(ALICE, ALICES, &batch);
    default(&mut scene);
    let late = [USDC, DAI].map(|asset| overdue(&mut scene, asset));
    assert!(late.iter().all(|late| *late > 0), "{late:?}");
    let logs = scene.log_count();
    assert!(scene.look().contains(&ALICES));
    assert_eq!(scene.events::<PieceTakenApart>(logs).len(), 1);
    assert!(pieces(&scene, ALICES).is_empty());
    let steps = scene.events::<LiquidationStep>(logs).into_iter();
    let paid: Vec<_> = steps.map(|step| (step.debtAssetId, step.paid)).collect();
    assert_eq!(paid, [(USDC, n(late[0])), (DAI, n(late[1]))]);
    assert!(scene.holding(ALICES, DAI).is_some(), "the rest of it");
}

/// ACC-24: units that pay what is overdue to the last one are enough, and liquidity stays whole; with one less it does not.
#[test]
fn acc_24_units_pay_what_is_overdue_to_the_last_one() {
    for missing in [0, 1] {
        let mut scene = Scene::new();
        let pool = eth_usdc(&mut scene);
        scene.alice_takes_a_loan(1_200);
        let batch = [
            deposit(ETH, 5 * ONE),
            deposit(USDC, 15_000 * ONE),
            provide(pool, &[5 * ONE, 10_000 * ONE]),
        ];
        scene.ok(ALICE, ALICES, &batch);
        default(&mut scene);
        let late = overdue(&mut scene, USDC);
        let units = scene.holding(ALICES, USDC).expect("some").units;
        let away = withdraw(USDC, units - n(late) + n(missing), ALICE);
        scene.ok(ALICE, ALICES, &[away]);
        assert_eq!(overdue(&mut scene, USDC), late);
        assert!(!scene.unhealthy(ALICES));
        let logs = scene.log_count();
        assert!(scene.look().contains(&ALICES));
        let apart = scene.events::<PieceTakenApart>(logs);
        assert_eq!(n(apart.len().try_into().expect("small")), n(missing));
        assert_eq!(overdue(&mut scene, USDC), 0);
    }
}
