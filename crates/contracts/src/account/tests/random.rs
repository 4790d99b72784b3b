//! Random batches, prices, looks, bids, pools and stakes; every invariant holds after each step, the index agrees with brute
//! force, and what debts lose is paid or borne.

use std::collections::BTreeMap;

use capstan_units::{AssetId, PoolId};

use super::{backstop::Looked, venues::MAKER, *};
use crate::{
    account::{
        LAST_BUYER_MS, Sheet,
        index::{Changes, GuardIndex, unhealthy},
    },
    backstop::{
        ADDRESS as BACKSTOP, IBackstop,
        share::{IStakeShare, address_of},
    },
    erc4626::IErc4626,
    testkit::dice::Dice,
};

const STEPS: usize = 1_000;
const PRICES: [u128; 5] = [2_000 * USD, USD, 20 * USD, USD, 10 * USD];

fn words_of(scene: &Scene) -> BTreeMap<U256, U256> {
    let all = scene.world.store.words();
    all.filter(|(at, ..)| *at == ADDRESS)
        .map(|(_, slot, word)| (slot, word))
        .collect()
}

fn step(scene: &mut Scene, dice: &mut Dice, prices: &mut [u128; 5], pools: &[PoolOf]) {
    let people = [
        (ALICE, ALICES),
        (BOB, BOBS),
        (CAROL, CAROLS),
        (ALICE, AccountId::new(ALICE, 1)),
    ];
    let (who, on) = dice.of(&people);
    let asset = dice.of(&[ETH, USDC, RISKY, DAI, ALONE]);
    match dice.below(20) {
        17..=19 => pool_step(scene, dice, pools),
        15 | 16 => bid_step(scene, dice, who, on),
        12..=14 => stake_step(scene, dice, who, asset),
        10 | 11 => {
            // Half to all of what may still be borrowed leaves the account.
            let call = reportOfCall {
                account: reference(on),
            };
            let Ok(report) = scene.world.call(who, ADDRESS, &call) else {
                return;
            };
            let room = report.borrowable.saturating_sub(report.debt);
            let price = prices[usize::try_from(asset).expect("small")];
            let units = room * n(ONE) / n(price) * n(50 + dice.below(51)) / n(100);
            let units = u128::try_from(units).unwrap_or_default();
            let _ = scene.run(
                who,
                on,
                &[borrow(asset, units), withdraw(asset, n(units), who)],
            );
        }
        0..=6 => {
            let count = dice.below(4) + 1;
            let batch: Vec<Action> = (0..count)
                .flat_map(|_| {
                    let asset = dice.of(&[ETH, USDC, RISKY, DAI, ALONE]);
                    let units = dice.amount(50_000 * ONE);
                    let (_, other_one) = dice.of(&people);
                    match dice.below(14) {
                        0..=2 => vec![deposit(asset, units)],
                        3 => vec![supply(asset, units)],
                        4 => vec![redeem(asset, units)],
                        5 => vec![borrow(asset, units)],
                        6 | 7 => vec![borrow(asset, units), withdraw(asset, n(units), who)],
                        8 => vec![repay(asset, units)],
                        9 => vec![withdraw(asset, n(units), who)],
                        10 => vec![other(Verb::Transfer, asset, n(units), other_one)],
                        11 | 12 => {
                            let collateral = dice.of(&[ETH, USDC, RISKY, DAI, ALONE]);
                            vec![
                                deposit(asset, units),
                                bid(other_one, asset, units, collateral),
                            ]
                        }
                        _ => vec![action(Verb::CloseAll, Vec::new())],
                    }
                })
                .collect();
            let _ = scene.run(who, on, &batch);
        }
        7 | 8 => {
            let place = &mut prices[usize::try_from(asset).expect("small")];
            // Around where it began, so that debts are worth something to the end; one in four is a crash.
            let percent = match dice.below(4) {
                0 => 1 + dice.below(40),
                _ => 50 + dice.below(100),
            };
            let base = PRICES[usize::try_from(asset).expect("small")];
            *place = base * percent / 100;
            let all: Vec<(u32, u128)> = (0..).zip(prices.iter().copied()).collect();
            scene.prices(&all);
        }
        // An offer's time, or hours.
        _ => {
            let ms = dice.of(&[LAST_BUYER_MS, LAST_BUYER_MS, 40_000_000]);
            let part = u64::try_from(dice.below(1_000)).expect("small");
            scene.world.wait_ms(ms - part);
        }
    }
}

/// Somebody bids on an account that is unhealthy, for what stands there.
fn bid_step(scene: &mut Scene, dice: &mut Dice, who: Address, on: AccountId) {
    let store = scene.world.store.clone();
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let found = unhealthy(&store, cx).expect("reads");
    let Some(sick) = found.first() else { return };
    let rows = Sheet::load(cx, *sick).expect("reads").rows;
    let assets: Vec<u32> = rows.iter().map(|row| row.asset.get()).collect();
    let (debt, collateral) = (dice.of(&assets), dice.of(&assets));
    let units = RICH / 10;
    let batch = [
        deposit(debt, units),
        bid(*sick, debt, units, collateral),
        withdraw(debt, U256::MAX, who),
    ];
    let _ = scene.run(who, on, &batch);
}

/// A pool and its assets.
type PoolOf = (PoolId, u32, u32);

/// A pool of so many whole tokens, at the prices of the beginning.
fn open_pool(scene: &mut Scene, low: u32, high: u32, dollars: u128) -> PoolOf {
    let price = |asset: u32| PRICES[usize::try_from(asset).expect("small")] / USD;
    let of = |asset: u32| (asset, dollars / price(asset) * ONE);
    (scene.pool(of(low), of(high), 500), low, high)
}

/// Arbitrage brings pools to the oracle's prices, or somebody pushes one.
fn pool_step(scene: &mut Scene, dice: &mut Dice, pools: &[PoolOf]) {
    if dice.below(4) > 0 {
        for (pool, low, high) in pools {
            scene.arbitrage(*pool, *low, *high, 500);
        }
        return;
    }
    let (pool, low, high) = dice.of(pools);
    let way = dice.of(&[[low, high], [high, low]]);
    let units = dice.amount(100_000 * ONE);
    scene.swap(MAKER, pool, way, units);
}

/// Somebody stakes, asks to leave, leaves, takes it back, pays a reward or buys goods, if he may.
fn stake_step(scene: &mut Scene, dice: &mut Dice, who: Address, asset: u32) {
    let share = address_of(AssetId::new(asset));
    let world = &mut scene.world;
    let amount = n(dice.amount(50_000 * ONE));
    let shares = world.balance(share, who) / n(1 + dice.below(3));
    let _ = match dice.below(8) {
        0..=1 => {
            let deposit = IErc4626::depositCall {
                assets: amount,
                receiver: who,
            };
            world.call(who, share, &deposit).map(drop)
        }
        2 => {
            let request = IStakeShare::requestUnstakeCall { shares };
            world.call(who, share, &request).map(drop)
        }
        3 => {
            // In the middle of the window, if nothing was asked since.
            let call = IStakeShare::requestOfCall { owner: who };
            let request = world.view(share, &call);
            let now_ms = world.store.block_mut().time_ms;
            world.wait_ms(request.readyMs.saturating_sub(now_ms));
            let leave = IErc4626::redeemCall {
                shares: request.shares,
                receiver: who,
                owner: who,
            };
            world.call(who, share, &leave).map(drop)
        }
        4 => {
            let cancel = IStakeShare::cancelUnstakeCall {};
            world.call(who, share, &cancel).map(drop)
        }
        5 => {
            let reward = IBackstop::payInCall {
                assetId: asset,
                amount: amount / n(100),
            };
            world.call(who, BACKSTOP, &reward).map(drop)
        }
        _ => {
            let buy = IBackstop::buyGoodsCall {
                assetId: asset,
                goodsAssetId: dice.of(&[ETH, USDC, RISKY, DAI, ALONE]),
                amount: U256::MAX,
                maxPay: U256::MAX,
            };
            world.call(who, BACKSTOP, &buy).map(drop)
        }
    };
}

/// LIQ-1, LIQ-2, LIQ-5, ACC-6, BACK-1 to BACK-3, BACK-5 and all others: `check_all` runs after every transaction.
#[test]
fn random_batches_prices_looks_bids_and_stakes() {
    let mut dice = Dice::new("random_batches_prices_looks_bids_and_stakes");
    let mut scene = Scene::new();
    for asset in [ETH, USDC, RISKY, DAI, ALONE] {
        scene.stake(asset, 1_000 * ONE);
    }
    for asset in [ETH, USDC, RISKY, DAI, ALONE] {
        scene.ok(CAROL, MAKER, &[deposit(asset, RICH / 100)]);
    }
    let pools = [(ETH, USDC), (ETH, RISKY), (USDC, DAI), (USDC, ALONE)]
        .map(|(low, high)| open_pool(&mut scene, low, high, 1_000_000));
    let mut prices = PRICES;
    let mut index = GuardIndex::of(&scene.world.store).expect("reads");
    let mut words = words_of(&scene);
    let (mut looks, mut sick, mut all) = (0, 0, Looked::default());
    for _ in 0..STEPS {
        step(&mut scene, &mut dice, &mut prices, &pools);
        scene.world.store.block_mut().number += 1;
        let store = scene.world.store.clone();
        let found =
            unhealthy(&store, &mut scene.world.store.frame(ADDRESS, ADDRESS)).expect("reads");
        sick += found.len();
        let looked = scene.look_audited();
        looks += looked.accounts.len();
        all.add(&looked);
        let after = words_of(&scene);
        let mut changes = Changes::default();
        for slot in words
            .keys()
            .chain(after.keys())
            .collect::<std::collections::BTreeSet<_>>()
        {
            let get = |words: &BTreeMap<U256, U256>| words.get(slot).copied().unwrap_or_default();
            changes.note(*slot, get(&words), get(&after));
        }
        index.apply(&changes);
        words = after;
        assert_eq!(
            index,
            GuardIndex::of(&scene.world.store).expect("reads"),
            "LIQ-2"
        );
    }
    let steps = scene.events::<LiquidationStep>(0);
    let [sales, purchases, matches] =
        [2, 4, 5].map(|venue| steps.iter().filter(|step| step.venue == venue).count());
    let borne = |tier| all.tiers.keys().filter(|(_, of)| *of == tier).count();
    let tiers = [1, 2, 3].map(borne);
    println!("{STEPS} steps, {looks} looks, {sick} times somebody was unhealthy");
    println!(
        "{purchases} purchases of stakes; markets in which each tier bore something: {tiers:?}"
    );
    assert!(looks > 50 && sick > 20, "the test reaches what it is about");
    println!("{sales} sales to pools, {matches} halves of matches");
    assert!(purchases > 0, "stakes buy");
    assert!(sales > 0, "pools buy");
    assert!(tiers.iter().sum::<usize>() > 0, "losses are borne");
}
