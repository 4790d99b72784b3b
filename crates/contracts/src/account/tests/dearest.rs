//! The dearest look: the widest sheet there is, all its pairs full of pools that cost as much work as they can.

use super::{pools::pool, *};
use crate::{
    account::{IAccount::LookFailed, LOOK_GAS, encode_accounts},
    exchange::{self, Curve, FEE_TIERS_PIPS, Ticks},
};
use capstan_units::{AssetId, Assets};

/// Gas of all system transactions of a block, as the default genesis says.
const SYSTEM_GAS: u64 = 60_000_000;
/// How many of fourteen assets are owed.
const OWED: u32 = 7;
/// What a pool holds of each side, in dollars: enough that it takes a 64th of what must be sold, and little beside all of it,
/// so that no sale is flat and each is cut into slices.
const DEPTH: u128 = 600_000;
/// Who fills ranges.
const MAKER: AccountId = AccountId::new(CAROL, 99);

/// Liquidity in ranges whose ends a price passes one after the other.
fn litter(scene: &mut Scene, low: u32, high: u32, depth: u128) {
    let shape = exchange::Shape {
        curve: Curve::Range,
        fee_pips: 100,
        amplification: 0,
        assets: vec![AssetId::new(low), AssetId::new(high)],
    };
    let units = |amount: u128| Assets::new(amount).expect("in range");
    let made = scene.world.inside(ADDRESS, CAROL, |cx| {
        let pool = exchange::create_range(cx, &shape, n(1) << 96_usize)?;
        for asset in [low, high] {
            ledger::pull(cx, AssetId::new(asset), CAROL, MAKER, units(depth))?;
        }
        for end in 1..=20 {
            let around = Ticks {
                lower: -end,
                upper: end,
            };
            let number = exchange::open_range(cx, pool, around)?;
            exchange::grow_range(cx, number, MAKER, [units(depth / 40); 2])?;
        }
        Ok(pool)
    });
    made.unwrap_or_else(|halt| panic!("{}", words(&halt)));
}

/// Every pool that a pair's list may hold, all small: four products, seven stable ones, and one of ranges with an end at
/// each tick.
fn crowd(scene: &mut Scene, low: u32, high: u32) {
    let coins = [(low, DEPTH * ONE), (high, DEPTH * ONE)];
    for fee_pips in FEE_TIERS_PIPS {
        pool(scene, (Curve::Product, fee_pips, 0), &coins);
    }
    for amplification in 1..=7 {
        pool(scene, (Curve::Stable, 100, amplification), &coins);
    }
    litter(scene, low, high, DEPTH * ONE);
}

/// LIQ-6, EXCH-23: fourteen rows, half of them owed, each pair of what is held and owed with as many pools as lists hold,
/// and common coins besides. The look sells what it may, and fits the gas without which none begins.
#[test]
fn liq_6_the_dearest_look_beside_hostile_pools_fits_its_gas() {
    let count = u32::try_from(ROWS_MAX).expect("small");
    let listing = || Listing::new(USD, bps(8_000, 8_500));
    let assets: Vec<_> = (0..count).map(|_| listing()).collect();
    let mut scene = Scene::with(&assets);
    scene.world.sweep_every = u32::MAX;
    let (goods, debts) = (0..count - OWED, count - OWED..count);
    for good in goods.clone() {
        let units = 1_000_000 * ONE;
        scene.ok(
            ALICE,
            ALICES,
            &[deposit(good, 2 * units), supply(good, units)],
        );
    }
    let room = scene.report(ALICES).borrowable / n(USD);
    let each = u128::try_from(room).expect("small") / u128::from(OWED) * ONE * 999 / 1_000;
    for debt in debts.clone() {
        scene.ok(ALICE, ALICES, &take(debt, each));
    }
    // The largest debts are sold for first, of the largest collateral: those pairs are crowded, the others have products.
    for good in goods.clone() {
        for debt in debts.clone() {
            if debt < count - OWED + 2 {
                crowd(&mut scene, good, debt);
            } else {
                let coins = [(good, DEPTH * ONE), (debt, DEPTH * ONE)];
                pool(&mut scene, (Curve::Product, 3_000, 0), &coins);
            }
        }
    }
    let terms = exchange::IExchange::setSaleTermsCall {
        impactMaxBps: 1_000,
        commonCoins: vec![2, 3, 4],
    };
    scene.world.ok(OWNER, exchange::ADDRESS, &terms);
    let fallen: Vec<_> = goods.map(|good| (good, USD * 94 / 100)).collect();
    scene.prices(&fallen);
    assert!(scene.unhealthy(ALICES));
    let rows = holdingsOfCall {
        account: reference(ALICES),
    };
    assert_eq!(scene.world.view(ADDRESS, &rows).len(), ROWS_MAX);
    let from = scene.log_count();
    let looked =
        scene
            .world
            .system_unchecked(u64::MAX, SystemKind::Liquidate, &encode_accounts(&[ALICES]));
    looked.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    let used = scene.world.store.gas_used();
    assert_eq!(scene.events::<LookFailed>(from), []);
    let steps = scene.events::<LiquidationStep>(from);
    let sold = steps.iter().filter(|step| step.venue == 2).count();
    println!(
        "the dearest look beside hostile pools: {used} gas of {LOOK_GAS}, {sold} sales; a block's system gas of \
         {SYSTEM_GAS} fits {} such looks",
        SYSTEM_GAS.saturating_sub(LOOK_GAS) / used + 1
    );
    assert!(sold > 0, "pools were asked in earnest");
    assert!(used < LOOK_GAS, "{used} gas");
}
