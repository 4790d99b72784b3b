//! Products in a world with accounts, prices and pools: what units are worth, who pays for trades, what the block owes.

mod closing;
mod damage;
mod earning;
mod faults;
mod looks;
mod model;
mod neutral;
mod random;
mod units;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use capstan_state::Halt;
use capstan_units::{AccountId, AssetId, Assets, PoolId, ProductId, sqrt_down};

use super::{
    ADDRESS, Changes,
    IProducts::*,
    ProductIndex, SEED_UNITS, encode_products,
    unit::{self, IProductToken},
};
use crate::{
    SystemKind,
    erc4626::IErc4626,
    exchange::{self, Bounds, Curve, IExchange, Leg, Shape, Size},
    testkit::{
        ALICE, BOB, CAROL, account,
        accounts::{BOBS, DAI, ETH, ONE, RISKY, Scene, USD, USDC, deposit, n},
        words,
    },
};

/// A native contract that moves units of accounts.
const ROOM: Address = account(0x77);
const GWEI: u128 = 1_000_000_000;
const DAY_MS: u64 = 86_400_000;
/// Coins that everybody has.
const COINS: u128 = 1_000 * USD;
/// One unit of a product.
const UNIT: u128 = USD;

fn a(units: u128) -> Assets {
    Assets::new(units).expect("in range")
}

/// Deep pools at the oracle's prices: ETH and dollars, RISKY and dollars, and two kinds of dollars.
pub(crate) fn start() -> Scene {
    let mut scene = Scene::new();
    scene.world.store.block_mut().base_fee_wei = u64::try_from(GWEI).expect("small").into();
    for who in [ALICE, BOB, CAROL] {
        scene.world.store.set_coins(who, n(COINS));
    }
    let all = [
        deposit(ETH, 10_000_000 * ONE),
        deposit(USDC, 200_000_000 * ONE),
        deposit(RISKY, 5_000_000 * ONE),
        deposit(DAI, 50_000_000 * ONE),
    ];
    scene.ok(BOB, BOBS, &all);
    open(&mut scene, ETH, 10_000 * ONE, USDC, 20_000_000 * ONE);
    open(&mut scene, USDC, 2_000_000 * ONE, RISKY, 100_000 * ONE);
    open(&mut scene, USDC, 40_000_000 * ONE, DAI, 40_000_000 * ONE);
    scene
}

fn open(scene: &mut Scene, low: u32, of_low: u128, high: u32, of_high: u128) -> PoolId {
    let shape = Shape {
        curve: Curve::Product,
        fee_pips: 500,
        amplification: 0,
        assets: vec![AssetId::new(low), AssetId::new(high)],
    };
    let amounts = [a(of_low), a(of_high)];
    let made = scene.world.inside(ROOM, ROOM, |cx| {
        exchange::create(cx, BOBS, BOBS, &shape, &amounts)
    });
    made.unwrap_or_else(|halt| panic!("{}", words(&halt))).0
}

fn pool_of(scene: &Scene, one: u32, other: u32) -> u32 {
    let pools = IExchange::poolsOfCall {
        assetA: one,
        assetB: other,
    };
    scene.world.view(exchange::ADDRESS, &pools)[0]
}

/// Bob swaps in the pool of a pair, whatever he gets.
pub(crate) fn swap(scene: &mut Scene, from: u32, units: u128, to: u32) {
    let pool = PoolId::new(pool_of(scene, from, to));
    let (from, to) = (AssetId::new(from), AssetId::new(to));
    let leg = Leg {
        pool,
        asset_in: from,
        asset_out: to,
        size: Size::InAll,
    };
    let bounds = Bounds {
        asset_in: from,
        paid_max: a(units),
        asset_out: to,
        received_min: Assets::ZERO,
    };
    let swapped = scene.world.inside(ROOM, ROOM, |cx| {
        exchange::swap(cx, BOBS, BOBS, &[leg], bounds)
    });
    swapped.unwrap_or_else(|halt| panic!("{}", words(&halt)));
}

/// Others bring the pool of a pair to the oracle's price, but for the fee.
pub(crate) fn arbitrage(scene: &mut Scene, one: u32, other: u32) {
    let (low, high) = (one.min(other), one.max(other));
    let pool = IExchange::poolCall {
        poolId: pool_of(scene, low, high),
    };
    let reserves = scene.world.view(exchange::ADDRESS, &pool).reserves;
    let (x, y) = (reserves[0], reserves[1]);
    let (of_low, of_high) = (n(scene.spot(low)), n(scene.spot(high)));
    // x' = sqrt(x * y * price of y / price of x)
    let wanted = sqrt_down(x * y * of_high / of_low);
    let most = |amount: U256| u128::try_from(amount).expect("small");
    if wanted > x + n(1_000) {
        swap(scene, low, most(wanted - x), high);
    } else if x > wanted + n(1_000) {
        let wanted = x * y / wanted;
        swap(scene, high, most(wanted - y), low);
    }
}

pub(crate) fn three_long() -> Policy {
    Policy {
        kind: 1,
        collateralAssetId: ETH,
        debtAssetId: USDC,
        targetBps: 30_000,
        lowBps: 27_000,
        highBps: 33_000,
        limitBps: 100,
        feeBps: 0,
        capUsd: n(100_000_000 * USD),
        poolId: 0,
        owner: ALICE,
    }
}

fn one_short() -> Policy {
    Policy {
        kind: 2,
        collateralAssetId: USDC,
        debtAssetId: ETH,
        targetBps: 10_000,
        lowBps: 8_500,
        highBps: 11_500,
        ..three_long()
    }
}

/// Health 1.10 of one dollar against another: 6.9-fold.
fn dollars() -> Policy {
    Policy {
        kind: 3,
        collateralAssetId: DAI,
        debtAssetId: USDC,
        targetBps: 11_000,
        lowBps: 10_600,
        highBps: 11_500,
        ..three_long()
    }
}

/// Liquidity of ETH and dollars beside a debt of ETH.
fn neutral() -> Policy {
    Policy {
        kind: 4,
        collateralAssetId: USDC,
        debtAssetId: ETH,
        targetBps: 10_000,
        lowBps: 9_500,
        highBps: 10_500,
        ..three_long()
    }
}

fn every_kind() -> [Policy; 4] {
    [three_long(), one_short(), dollars(), neutral()]
}

pub(crate) fn create(scene: &mut Scene, policy: &Policy, dollars: u128) -> createReturn {
    let create = createCall {
        policy: policy.clone(),
        seed: n(dollars * ONE),
        receiver: ALICE,
    };
    let made = scene.world.ok(ALICE, ADDRESS, &create);
    scene.world.answer_calls(made.token);
    top_up(scene, made.id, COINS / 100);
    look(scene);
    made
}

fn top_up(scene: &mut Scene, id: u32, wei: u128) {
    let input = topUpCall { id }.abi_encode();
    let topped = scene.world.raw(ALICE, ADDRESS, n(wei), &input);
    topped.unwrap_or_else(|halt| panic!("{}", words(&halt)));
}

fn standing(scene: &Scene, id: u32) -> Standing {
    scene.world.view(ADDRESS, &productOfCall { id })
}

fn token(id: u32) -> Address {
    unit::address_of(ProductId::new(id))
}

fn try_deposit(scene: &mut Scene, who: Address, id: u32, units: u128) -> Result<U256, Halt> {
    let deposit = IErc4626::depositCall {
        assets: n(units),
        receiver: who,
    };
    scene.world.call(who, token(id), &deposit)
}

#[track_caller]
pub(crate) fn deposits(scene: &mut Scene, who: Address, id: u32, units: u128) -> U256 {
    let made = try_deposit(scene, who, id, units);
    made.unwrap_or_else(|halt| panic!("{}", words(&halt)))
}

fn try_redeem(scene: &mut Scene, who: Address, id: u32, units: U256) -> Result<U256, Halt> {
    let redeem = IErc4626::redeemCall {
        shares: units,
        receiver: who,
        owner: who,
    };
    scene.world.call(who, token(id), &redeem)
}

#[track_caller]
pub(crate) fn redeems(scene: &mut Scene, who: Address, id: u32, units: U256) -> U256 {
    let given = try_redeem(scene, who, id, units);
    given.unwrap_or_else(|halt| panic!("{}", words(&halt)))
}

fn in_kind(units: U256, receiver: Address) -> IProductToken::redeemInKindCall {
    IProductToken::redeemInKindCall {
        units,
        debtMax: U256::MAX,
        receiver,
        asUnits: false,
    }
}

/// PROD-1: what a unit is worth did not fall. What stays after a redemption in kind is valued anew, and each of two values is
/// rounded by less than 10^-18 dollars.
#[track_caller]
fn expect_no_less(before: &Standing, after: &Standing) {
    assert!(
        (after.equity + n(2)) * before.supply >= before.equity * after.supply,
        "PROD-1: a unit was worth {} / {}, and is worth {} / {}",
        before.equity,
        before.supply,
        after.equity,
        after.supply
    );
}

/// The products that the next block would look at.
fn due(scene: &mut Scene) -> Vec<ProductId> {
    let index = ProductIndex::of(&scene.world.store).expect("reads");
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let due = index.due(cx, &Changes::default(), usize::MAX);
    due.expect("reads").who
}

/// What the next block does for products that are due; answers which.
pub(crate) fn look(scene: &mut Scene) -> Vec<u32> {
    // How far pools may be pushed counts by the block.
    scene.world.store.block_mut().number += 1;
    let due = due(scene);
    if !due.is_empty() {
        run(scene, &due).unwrap_or_else(|halt| panic!("{}", words(&halt)));
    }
    due.into_iter().map(ProductId::get).collect()
}

fn run(scene: &mut Scene, ids: &[ProductId]) -> Result<Bytes, Halt> {
    let input = encode_products(ids);
    scene.world.system(SystemKind::Rebalance, &input)
}

pub(crate) fn events<E: SolEvent>(scene: &Scene, from: usize) -> Vec<E> {
    let logs = scene.world.store.logs()[from..].iter();
    logs.filter(|log| log.address == ADDRESS)
        .filter_map(|log| E::decode_log_data(&log.data).ok())
        .collect()
}

/// Within a part of 1,000 of each other.
#[track_caller]
fn expect_near(found: U256, wanted: u128, part: u128) {
    let wanted = n(wanted);
    let off = found.abs_diff(wanted);
    assert!(off * n(1_000) <= wanted * n(part), "{found}, not {wanted}");
}

fn error_of<E: SolError>(halt: &Halt) -> E {
    match halt {
        Halt::Revert(data) => E::abi_decode(data),
        _ => panic!("{}", words(halt)),
    }
    .unwrap_or_else(|_| panic!("{}", words(halt)))
}

fn account_of(id: u32) -> AccountId {
    unit::account_of(ProductId::new(id))
}
