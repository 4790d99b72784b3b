//! Verbs of pools: units swap, and leverage is one batch both ways.

use super::*;
use crate::{
    exchange::{
        self, Curve, IExchange,
        IExchange::{ExchangeExpired, ExchangePaidTooMuch, ExchangeReceivedTooLittle},
        Shape,
    },
    ledger,
};
use capstan_units::{AssetId, Assets};

/// Who begins pools. Nothing of it is on a sheet.
const MAKER: AccountId = AccountId::new(CAROL, 99);

fn units(amount: u128) -> Assets {
    Assets::new(amount).expect("in range")
}

/// Puts units that Carol's wallet has on [`MAKER`].
pub(super) fn stock(scene: &mut Scene, asset: u32, amount: u128) {
    let pulled = scene.world.inside(ADDRESS, CAROL, |cx| {
        ledger::pull(cx, AssetId::new(asset), CAROL, MAKER, units(amount))
    });
    assert_eq!(pulled, Ok(units(amount)));
}

/// A pool of reserves with a first deposit of the maker's: what each asset is, and how much of it.
pub(super) fn pool(
    scene: &mut Scene,
    (curve, fee_pips, amplification): (Curve, u32, u32),
    coins: &[(u32, u128)],
) -> u32 {
    for (asset, amount) in coins {
        stock(scene, *asset, *amount);
    }
    let shape = Shape {
        curve,
        fee_pips,
        amplification,
        assets: coins
            .iter()
            .map(|(asset, _)| AssetId::new(*asset))
            .collect(),
    };
    let amounts: Vec<_> = coins.iter().map(|(_, amount)| units(*amount)).collect();
    let made = scene.world.inside(ADDRESS, CAROL, |cx| {
        exchange::create(cx, MAKER, MAKER, &shape, &amounts)
    });
    made.unwrap_or_else(|halt| panic!("{}", words(&halt)))
        .0
        .get()
}

/// A product at two thousand dollars of each side a thousand times, at 0.01 %.
pub(super) fn eth_usdc(scene: &mut Scene) -> u32 {
    let shape = (Curve::Product, 100, 0);
    let coins = [(ETH, 50_000 * ONE), (USDC, 100_000_000 * ONE)];
    pool(scene, shape, &coins)
}

pub(super) fn leg(pool: u32, from: u32, to: u32, out: bool, amount: u128) -> IExchange::Leg {
    IExchange::Leg {
        poolId: pool,
        assetIn: from,
        assetOut: to,
        exactOut: out,
        amount: n(amount),
    }
}

pub(super) fn swap(
    legs: Vec<IExchange::Leg>,
    (from, most): (u32, U256),
    (to, least): (u32, u128),
) -> Action {
    let bounds = IExchange::Bounds {
        assetIn: from,
        paidMax: most,
        assetOut: to,
        receivedMin: n(least),
    };
    action(Verb::Swap, (legs, bounds, u64::MAX).abi_encode())
}

/// All of one asset for another.
pub(super) fn swap_all(pool: u32, from: u32, to: u32) -> Action {
    let legs = vec![leg(pool, from, to, false, 0)];
    swap(legs, (from, U256::MAX), (to, 0))
}

fn held(scene: &Scene, asset: u32) -> u128 {
    let holding = scene.holding(ALICES, asset);
    holding.map_or(0, |holding| holding.units.to())
}

#[test]
fn units_swap_within_bounds_and_before_a_deadline() {
    let mut scene = Scene::new();
    let eth = eth_usdc(&mut scene);
    let dai = pool(
        &mut scene,
        (Curve::Stable, 100, 200),
        &[(USDC, 1_000_000 * ONE), (DAI, 1_000_000 * ONE)],
    );
    scene.ok(ALICE, ALICES, &[deposit(USDC, 10_000 * ONE)]);
    // What there is, through one pool and through two.
    let results = scene.run(ALICE, ALICES, &[swap_all(eth, USDC, ETH)]);
    let answer = results.expect("swaps").remove(0);
    let (paid, received) = <(U256, U256)>::abi_decode(&answer).expect("two amounts");
    assert_eq!(paid, n(10_000 * ONE));
    assert_eq!(received, n(held(&scene, ETH)));
    assert_eq!(held(&scene, USDC), 0);
    let two = vec![leg(eth, ETH, USDC, false, 0), leg(dai, USDC, DAI, false, 0)];
    scene.ok(
        ALICE,
        ALICES,
        &[swap(two, (ETH, U256::MAX), (DAI, 9_990 * ONE))],
    );
    assert!(held(&scene, DAI) > 9_990 * ONE && held(&scene, ETH) == 0);
    // An amount out takes what it needs and no more.
    let back = |most| {
        let legs = vec![leg(dai, DAI, USDC, true, 5_000 * ONE)];
        swap(legs, (DAI, n(most)), (USDC, 5_000 * ONE))
    };
    let before = held(&scene, DAI);
    let error: ExchangePaidTooMuch = scene.refused_as(ALICE, ALICES, &[back(5_000 * ONE)]);
    scene.ok(ALICE, ALICES, &[back(5_010 * ONE)]);
    assert_eq!(held(&scene, USDC), 5_000 * ONE);
    assert_eq!(n(before - held(&scene, DAI)), error.needed);

    let greedy = swap(
        vec![leg(dai, USDC, DAI, false, 0)],
        (USDC, U256::MAX),
        (DAI, 5_001 * ONE),
    );
    scene.refused_as::<ExchangeReceivedTooLittle>(ALICE, ALICES, &[greedy]);
    let now_ms = scene.world.store.block_mut().time_ms;
    let bounds = IExchange::Bounds {
        assetIn: USDC,
        paidMax: U256::MAX,
        assetOut: DAI,
        receivedMin: U256::ZERO,
    };
    let late = (vec![leg(dai, USDC, DAI, false, 0)], bounds, now_ms - 1).abi_encode();
    let error = ExchangeExpired {
        deadlineMs: now_ms - 1,
        nowMs: now_ms,
    };
    scene.refused(ALICE, ALICES, &[action(Verb::Swap, late)], &error);
}

/// Ten-fold at margins of 10 % and 5 %: own 1,000, borrow 9,000, hold 10,000, and health is one at 9,473.7.
#[test]
fn ten_fold_leverage_opens_5_3_percent_from_its_liquidation() {
    let tier = Collateral {
        discountMaxBps: 300,
        ..bps(9_000, 9_500)
    };
    let dollar = Listing::new(USD, tier.clone());
    let mut scene = Scene::with(&[Listing::new(2_000 * USD, tier), dollar]);
    let eth = pool(
        &mut scene,
        (Curve::Product, 100, 0),
        &[(ETH, 400_000 * ONE), (USDC, 800_000_000 * ONE)],
    );
    // One part in ten thousand goes to the pool's fee, ten times of what is own: nine dollars of margin pay it.
    let open = [
        deposit(USDC, 1_010 * ONE),
        borrow(USDC, 8_999 * ONE),
        swap_all(eth, USDC, ETH),
        amount(Verb::Supply, ETH, U256::MAX),
    ];
    scene.ok(ALICE, ALICES, &open);
    let report = scene.report(ALICES);
    let own = report.collateral - report.debt;
    let leverage = report.collateral * n(100) / own;
    println!(
        "{leverage} hundredths of leverage, {} bps to fall",
        report.roomToFallBps
    );
    assert!(leverage >= n(980) && leverage <= n(1_000), "{leverage}");
    assert!((526..=560).contains(&report.roomToFallBps));
    let after = |percent_of_ten_thousand: u128| {
        let mut scene = scene.clone();
        scene.prices(&[(ETH, 2_000 * USD / 10_000 * percent_of_ten_thousand)]);
        scene.unhealthy(ALICES)
    };
    let room = u128::from(report.roomToFallBps);
    assert!(!after(10_000 - room + 1));
    assert!(after(10_000 - room - 1));
    // One more for each thousand is too much to open with.
    scene.refused_as::<AccountUnhealthy>(
        ALICE,
        ALICES,
        &[borrow(USDC, 150 * ONE), swap_all(eth, USDC, ETH)],
    );
}

/// A long of three times opens and closes in one batch each, from and to dollars in a wallet; a short is the same with the
/// assets changed over.
#[test]
fn leverage_opens_and_closes_in_one_batch_each() {
    for (long, short, price) in [(ETH, USDC, 2_000), (USDC, ETH, 1)] {
        let mut scene = Scene::new();
        let pool = eth_usdc(&mut scene);
        // 10,000 dollars of one's own in what is held, twice of it borrowed in the other.
        let (own, debt) = if long == ETH {
            (10_000 * ONE / price, 20_000 * ONE)
        } else {
            (10_000 * ONE, 10 * ONE)
        };
        let before = scene.wallet(ALICE, long);
        let open = [
            deposit(long, own),
            borrow(short, debt),
            swap_all(pool, short, long),
            amount(Verb::Supply, long, U256::MAX),
        ];
        scene.ok(ALICE, ALICES, &open);
        let report = scene.report(ALICES);
        assert!(report.collateral > n(29_970 * USD) && report.collateral < n(30_000 * USD));
        // What it takes of the long to buy the debt, and all the rest goes home.
        let owed = scene.holding(ALICES, short).expect("owed").owed;
        let close = [
            amount(Verb::Redeem, long, U256::MAX),
            swap(
                vec![leg(pool, long, short, true, owed.to())],
                (long, U256::MAX),
                (short, owed.to()),
            ),
            repay_all(short),
            withdraw(long, U256::MAX, ALICE),
        ];
        scene.ok(ALICE, ALICES, &close);
        let report = scene.report(ALICES);
        assert_eq!((report.collateral, report.debt), (U256::ZERO, U256::ZERO));
        let cost = before - scene.wallet(ALICE, long);
        // Two fees of 0.01 % and the price that the pool moved there and back.
        assert!(cost > 0 && cost < own / 1_000, "{cost} of {own}");
    }
}

#[test]
fn acc_1_a_swap_that_loses_health_reverts() {
    let mut scene = Scene::new();
    let pool = pool(
        &mut scene,
        (Curve::Product, 3_000, 0),
        &[(USDC, 20_000_000 * ONE), (RISKY, 1_000_000 * ONE)],
    );
    scene.ok(
        ALICE,
        ALICES,
        &[deposit(USDC, 10_000 * ONE), borrow(ETH, 2 * ONE)],
    );
    scene.ok(ALICE, ALICES, &[withdraw(ETH, U256::MAX, ALICE)]);
    let half = |units| {
        let legs = vec![leg(pool, USDC, RISKY, false, units)];
        [swap(legs, (USDC, n(units)), (RISKY, 0))]
    };
    scene.ok(ALICE, ALICES, &half(1_000 * ONE));
    scene.refused_as::<AccountUnhealthy>(ALICE, ALICES, &half(9_000 * ONE));
}
