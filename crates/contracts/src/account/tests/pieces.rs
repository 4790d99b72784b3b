//! Liquidity as collateral: what it counts, that nobody moves it, what the block does with it.

use std::collections::BTreeMap;

use super::{
    pools::{eth_usdc, leg, pool, swap_all},
    *,
};
use crate::{
    account::{
        GrowRange, LAST_BUYER_MS, LOOK_GAS, OpenRange, PIECES_MAX, PieceTo, Provision, Removal,
        Sheet, ShrinkRange, Trigger,
        index::{Changes, GuardIndex, unhealthy},
        sheet_slot,
    },
    exchange::{
        self, Curve,
        IExchange::{self, swapCall},
        Shape, nft,
    },
    invariant::check_all,
    registry,
    testkit::{dice::Dice, fault::check_every_fault},
};
use capstan_units::AssetId;

pub(super) fn provide(pool: u32, most: &[u128]) -> Action {
    let args = Provision {
        poolId: pool,
        amountsMax: most.iter().copied().map(n).collect(),
        sharesMin: U256::ZERO,
    };
    action(Verb::Provide, args.abi_encode())
}

pub(super) fn remove(pool: u32, shares: U256, coins: usize) -> Action {
    let args = Removal {
        poolId: pool,
        shares,
        amountsMin: vec![U256::ZERO; coins],
    };
    action(Verb::Remove, args.abi_encode())
}

pub(super) fn open(pool: u32, (lower, upper): (i32, i32), most: [u128; 2]) -> Action {
    let args = OpenRange {
        poolId: pool,
        lower,
        upper,
        amountsMax: most.map(n),
        liquidityMin: 0,
    };
    action(Verb::OpenRange, args.abi_encode())
}

fn grow(position: u64, most: [U256; 2]) -> Action {
    let args = GrowRange {
        positionId: position,
        amountsMax: most,
        liquidityMin: 1,
    };
    action(Verb::GrowRange, args.abi_encode())
}

pub(super) fn shrink(position: u64, liquidity: u128) -> Action {
    let args = ShrinkRange {
        positionId: position,
        liquidity,
        amountsMin: [U256::ZERO; 2],
    };
    action(Verb::ShrinkRange, args.abi_encode())
}

fn give(is_range: bool, id: u64, amount: U256, to: AccountId) -> Action {
    let args = PieceTo {
        kind: u8::from(is_range),
        id,
        amount,
        owner: to.owner,
        index: to.index,
    };
    action(Verb::MovePiece, args.abi_encode())
}

/// A pool of ranges of ETH and USDC at 0.01 %, at two thousand dollars.
pub(super) fn ranges(scene: &mut Scene) -> u32 {
    let shape = Shape {
        curve: Curve::Range,
        fee_pips: 100,
        amplification: 0,
        assets: vec![AssetId::new(ETH), AssetId::new(USDC)],
    };
    // The root of 2,000 with 96 binary digits.
    let root = capstan_units::sqrt_down(n(2_000) << 192);
    let made = scene.world.inside(ADDRESS, CAROL, |cx| {
        exchange::create_range(cx, &shape, root)
    });
    made.expect("opens").get()
}

pub(super) fn stable(scene: &mut Scene) -> u32 {
    let coins = [(USDC, 50_000_000 * ONE), (DAI, 50_000_000 * ONE)];
    pool(scene, (Curve::Stable, 100, 200), &coins)
}

/// Ticks around two thousand: 76,012 is its own.
pub(super) const AROUND: (i32, i32) = (74_000, 78_000);

pub(super) fn pieces(scene: &Scene, of: AccountId) -> Vec<Piece> {
    let account = reference(of);
    scene.world.view(ADDRESS, &piecesOfCall { account })
}

/// Somebody trades from his wallet, as large as he likes, at whatever price.
pub(super) fn trade(scene: &mut Scene, pool: u32, from: u32, to: u32, amount: u128) {
    let call = swapCall {
        legs: vec![leg(pool, from, to, false, 0)],
        bounds: IExchange::Bounds {
            assetIn: from,
            paidMax: n(amount),
            assetOut: to,
            receivedMin: U256::ZERO,
        },
        to: BOB,
        deadlineMs: u64::MAX,
    };
    scene.world.ok(BOB, exchange::ADDRESS, &call);
}

/// Alice has a piece on each curve, of about 20,000 dollars; answers their pools and the position.
fn provided(scene: &mut Scene) -> ([u32; 3], u64) {
    let all = [eth_usdc(scene), stable(scene), ranges(scene)];
    let [product, flat, ranged] = all;
    let batch = [
        deposit(ETH, 10 * ONE),
        deposit(USDC, 30_000 * ONE),
        deposit(DAI, 10_000 * ONE),
        provide(product, &[5 * ONE, 10_000 * ONE]),
        provide(flat, &[10_000 * ONE; 2]),
    ];
    scene.ok(ALICE, ALICES, &batch);
    let opened = scene.run(
        ALICE,
        ALICES,
        &[open(ranged, AROUND, [5 * ONE, 10_000 * ONE])],
    );
    let answer = opened.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    let (position, liquidity) = <(u64, u128)>::abi_decode(&answer[0]).expect("two numbers");
    assert!(liquidity > 0);
    (all, position)
}

pub(super) fn is_near(one: U256, other: U256, per_million: u128) -> bool {
    one.abs_diff(other) * n(1_000_000) <= other * n(per_million)
}

#[test]
fn acc_22_nobody_moves_what_liquidity_counts_and_it_gives_that_at_least() {
    let mut scene = Scene::new();
    let ([product, flat, ranged], _) = provided(&mut scene);
    let before = pieces(&scene, ALICES);
    let report = scene.report(ALICES);
    assert_eq!(before.len(), 3);
    for piece in &before {
        let least = if piece.kind == 1 { 18_000 } else { 19_990 };
        assert!(piece.fairValue > n(least * USD) && piece.fairValue < n(20_001 * USD));
        assert!(
            is_near(piece.fairValue, piece.value, 200),
            "the pool stands at the oracle's price"
        );
    }
    // By far more than the pools hold on either side, and not back.
    for (pool, from, to, amount) in [
        (product, ETH, USDC, 400_000 * ONE),
        (flat, USDC, DAI, 45_000_000 * ONE),
        (ranged, ETH, USDC, 5 * ONE),
    ] {
        let mut scene = scene.clone();
        trade(&mut scene, pool, from, to, amount);
        let (skewed, now) = (pieces(&scene, ALICES), scene.report(ALICES));
        let is_moved = |piece: &&Piece| piece.poolId == pool;
        for (piece, old) in skewed.iter().zip(&before) {
            // Fees raise it; nothing else moves it.
            assert!(piece.fairValue >= old.fairValue);
            assert!(
                is_near(piece.fairValue, old.fairValue, 300),
                "{piece:?} after {old:?}"
            );
        }
        let moved = skewed.iter().find(is_moved).expect("there");
        assert!(
            moved.value >= moved.fairValue - n(3 * USD / 500),
            "{moved:?}"
        );
        assert!(
            !is_near(moved.value, moved.fairValue, 1_000),
            "the pool was moved: {moved:?}"
        );
        assert!(now.borrowable >= report.borrowable);
        assert!(is_near(now.borrowable, report.borrowable, 300));
        // Taken apart there and then it gives what was said.
        let away = if moved.kind == 1 {
            shrink(moved.id, u128::MAX)
        } else {
            remove(pool, U256::MAX, 2)
        };
        let collateral = scene.report(ALICES).collateral;
        scene.ok(ALICE, ALICES, &[away]);
        assert_eq!(pieces(&scene, ALICES).len(), 2);
        let gained = scene.report(ALICES).collateral - collateral;
        assert!(
            is_near(gained, moved.value - moved.fairValue, 10),
            "{gained}"
        );
    }
}

#[test]
fn acc_22_an_oracle_price_moves_liquidity_by_no_more_than_its_coin() {
    let mut scene = Scene::new();
    provided(&mut scene);
    let before = pieces(&scene, ALICES);
    for (asset, price) in [(ETH, 2_000), (USDC, 1), (DAI, 1)] {
        for percent in [1, 50, 90, 99, 101, 150, 400] {
            let mut scene = scene.clone();
            scene.prices(&[(asset, price * USD / 100 * percent)]);
            for (now, then) in pieces(&scene, ALICES).iter().zip(&before) {
                let least = then.fairValue * n(percent.min(100)) / n(100);
                let most = then.fairValue * n(percent.max(100)) / n(100);
                assert!(now.fairValue + n(100) >= least && now.fairValue <= most + n(100));
                assert!(now.fairValue <= now.value + n(USD / 100), "{now:?}");
                let is_coin = then.assetIds.contains(&asset);
                assert!(is_coin || now.fairValue == then.fairValue);
            }
        }
    }
}

/// `2 * sqrt(r) / (1 + r)` of what holding would be worth, at four times the price: four fifths.
#[test]
fn impermanent_loss_is_what_holding_would_have_made() {
    let mut scene = Scene::new();
    let pool = eth_usdc(&mut scene);
    scene.ok(
        ALICE,
        ALICES,
        &[
            deposit(ETH, 5 * ONE),
            deposit(USDC, 10_000 * ONE),
            provide(pool, &[5 * ONE, 10_000 * ONE]),
        ],
    );
    scene.prices(&[(ETH, 8_000 * USD)]);
    let piece = pieces(&scene, ALICES).remove(0);
    assert!(is_near(piece.putIn[0], n(5 * ONE), 1) && is_near(piece.putIn[1], n(10_000 * ONE), 1));
    assert!(is_near(piece.ifHeld, n(50_000 * USD), 1));
    assert!(is_near(piece.fairValue, n(40_000 * USD), 1));
    // The pool has not followed yet: what it would give is worth as much as was put in.
    assert!(is_near(piece.value, n(50_000 * USD), 1));
    // Half of the ETH leaves the pool.
    trade(&mut scene, pool, USDC, ETH, 100_000_000 * ONE);
    let piece = pieces(&scene, ALICES).remove(0);
    assert!(is_near(piece.value, n(40_000 * USD), 300), "{piece:?}");
    assert!(piece.impermanentLoss.into_raw() == piece.ifHeld - piece.value);
    // A quarter out takes a quarter of what was put in with it, and a new price is told at once.
    scene.ok(ALICE, ALICES, &[remove(pool, piece.amount / n(4), 2)]);
    let rest = pieces(&scene, ALICES).remove(0);
    assert!(is_near(rest.putIn[0], n(5 * ONE * 3 / 4), 1));
    assert!(is_near(rest.value, piece.value * n(3) / n(4), 1));
}

#[test]
fn acc_23_four_pieces_stand_on_a_sheet_and_their_coins_have_rows() {
    let mut scene = Scene::new();
    let ranged = ranges(&mut scene);
    let product = eth_usdc(&mut scene);
    scene.ok(
        ALICE,
        ALICES,
        &[deposit(ETH, 10 * ONE), deposit(USDC, 20_000 * ONE)],
    );
    let one = open(ranged, AROUND, [ONE, 2_000 * ONE]);
    scene.ok(ALICE, ALICES, &vec![one.clone(); PIECES_MAX]);
    let error = AccountTooManyPieces {
        owner: ALICE,
        index: 0,
        max: U256::from(PIECES_MAX),
    };
    scene.refused(ALICE, ALICES, &[one], &error);
    let fifth = provide(product, &[ONE, 2_000 * ONE]);
    scene.refused(ALICE, ALICES, std::slice::from_ref(&fifth), &error);
    // One that is taken apart makes room; what its place says, nobody else may change.
    let first = pieces(&scene, ALICES)[0].clone();
    let none = AccountNoPiece {
        owner: BOB,
        index: 0,
        kind: 1,
        id: first.id,
    };
    for theft in [
        shrink(first.id, u128::MAX),
        grow(first.id, [n(1); 2]),
        give(true, first.id, U256::MAX, AccountId::new(BOB, 1)),
    ] {
        scene.refused(BOB, BOBS, &[theft], &none);
    }
    scene.ok(ALICE, ALICES, &[shrink(first.id, u128::MAX), fifth]);
    let seen = pieces(&scene, ALICES);
    assert!(seen[0].kind == 0 && seen[1..].iter().all(|piece| piece.kind == 1));
    // More of the same is no new piece, and all there is can be named.
    let second = seen[1].clone();
    scene.ok(
        ALICE,
        ALICES,
        &[
            provide(product, &[ONE / 10, 200 * ONE]),
            grow(second.id, [U256::MAX; 2]),
        ],
    );
    let grown = pieces(&scene, ALICES);
    assert!(grown[0].amount > seen[0].amount && grown[1].amount > second.amount);
    // All units may leave: the rows stay for the pieces.
    for asset in [ETH, USDC] {
        let all = [deposit(asset, 1), withdraw(asset, U256::MAX, ALICE)];
        scene.ok(ALICE, ALICES, &all);
    }
    let sheet = Sheet::load(&mut scene.world.store.frame(ADDRESS, ADDRESS), ALICES);
    let kinds: Vec<_> = sheet
        .expect("reads")
        .rows
        .iter()
        .map(|row| row.kinds)
        .collect();
    assert_eq!(kinds, [1 << registry::LIQUIDITY; 2]);
}

#[test]
fn acc_3_pieces_move_to_who_the_runner_may_act_for() {
    let mut scene = Scene::new();
    let ([product, ..], position) = provided(&mut scene);
    let mine = AccountId::new(ALICE, 4);
    let before = pieces(&scene, ALICES);
    let error = AccountNotAuthorised {
        owner: BOB,
        index: 0,
        caller: ALICE,
    };
    scene.refused(
        ALICE,
        ALICES,
        &[give(true, position, U256::MAX, BOBS)],
        &error,
    );
    let third = before[0].amount / n(3);
    let batch = [
        give(true, position, U256::MAX, mine),
        give(false, product.into(), third, mine),
    ];
    scene.ok(ALICE, ALICES, &batch);
    let (here, there) = (pieces(&scene, ALICES), pieces(&scene, mine));
    assert_eq!((here.len(), there.len()), (2, 2));
    assert_eq!(there[1].fairValue, before[2].fairValue);
    assert_eq!(here[0].amount + there[0].amount, before[0].amount);
    for coin in 0..2 {
        let sum = here[0].putIn[coin] + there[0].putIn[coin];
        assert_eq!(sum, before[0].putIn[coin]);
    }
    // A whole account changes hands, and shares of one pool meet.
    let debt = [borrow(USDC, 1_000 * ONE), withdraw(USDC, U256::MAX, ALICE)];
    scene.ok(ALICE, mine, &debt);
    scene.ok(ALICE, ALICES, &[other(Verb::TakeOver, 0, U256::ZERO, mine)]);
    assert!(pieces(&scene, mine).is_empty());
    let again = pieces(&scene, ALICES);
    assert_eq!(again.len(), 3);
    assert_eq!(again[0].amount, before[0].amount);
    assert!(scene.report(ALICES).debt >= n(1_000 * USD));
    scene.ok(ALICE, ALICES, &[give(true, position, U256::MAX, mine)]);
    scene.refused_as::<AccountNoPiece>(ALICE, ALICES, &[shrink(position, u128::MAX)]);
    let owner = nft::IRangePosition::ownerOfCall {
        tokenId: U256::from(position),
    };
    assert_eq!(scene.world.view(nft::ADDRESS, &owner), ADDRESS);
}

/// Category factors where both coins have them, else the lower one; nothing with an isolated coin.
#[test]
fn liquidity_counts_by_the_lowest_factor_of_its_coins() {
    let mut scene = Scene::new();
    provided(&mut scene);
    let factors = |scene: &Scene| -> Vec<(u16, u16)> {
        let all = pieces(scene, ALICES);
        let of = |piece: &Piece| (piece.initialBps, piece.maintenanceBps);
        all.iter().map(of).collect()
    };
    let ordinary = [(8_000, 8_500), (7_000, 8_000), (8_000, 8_500)];
    assert_eq!(factors(&scene), ordinary);
    // A debt of their category lifts the one whose coins both have it.
    scene.ok(ALICE, ALICES, &[borrow(DAI, 1_000 * ONE)]);
    let lifted = [(8_000, 8_500), (9_200, 9_400), (8_000, 8_500)];
    assert_eq!(factors(&scene), lifted);
    let isolated = pool(
        &mut scene,
        (Curve::Product, 3_000, 0),
        &[(USDC, 1_000_000 * ONE), (ALONE, 100_000 * ONE)],
    );
    let borrowable = scene.report(ALICES).borrowable;
    let batch = [
        deposit(USDC, 10_000 * ONE),
        deposit(ALONE, 1_000 * ONE),
        provide(isolated, &[10_000 * ONE, 1_000 * ONE]),
    ];
    scene.ok(BOB, BOBS, &batch);
    assert!(scene.report(BOBS).borrowable < n(USD / 100));
    assert_eq!(scene.report(ALICES).borrowable, borrowable);
}

/// Debts of both coins: whichever moves apart from the other, up or down, calls the block in time.
#[test]
fn liq_1_a_coin_that_is_provided_and_owed_calls_both_ways() {
    let mut scene = Scene::new();
    let pool = eth_usdc(&mut scene);
    let farm = |own: u128| {
        [
            deposit(ETH, ONE),
            deposit(USDC, own * ONE),
            borrow(ETH, 4 * ONE),
            borrow(USDC, (10_000 - own) * ONE),
            provide(pool, &[5 * ONE, 10_000 * ONE]),
        ]
    };
    scene.refused_as::<AccountUnhealthy>(ALICE, ALICES, &farm(1_900));
    scene.ok(ALICE, ALICES, &farm(3_000));
    let sheet = Sheet::load(&mut scene.world.store.frame(ADDRESS, ADDRESS), ALICES);
    let eth = sheet.expect("reads").rows[0];
    assert!(matches!(eth.trigger, Trigger::Leaves(..)), "{eth:?}");
    let mut sick = 0;
    for percent in (20..=400).step_by(5) {
        let mut scene = scene.clone();
        scene.prices(&[(ETH, 2_000 * USD / 100 * percent)]);
        // `check_all` compares every step with brute force: LIQ-1.
        let is_sick = scene.unhealthy(ALICES);
        assert!(!is_sick || scene.due().contains(&ALICES), "{percent} %");
        sick += usize::from(is_sick);
    }
    assert!(sick > 10, "{sick}");
    let mut both = [false; 2];
    for (place, percent) in [(0, 28_u128), (1, 265)] {
        let mut scene = scene.clone();
        scene.prices(&[(ETH, 2_000 * USD / 100 * percent)]);
        both[place] = scene.unhealthy(ALICES);
    }
    assert_eq!(both, [true; 2], "both ways are dangerous");
}

#[test]
fn acc_24_the_block_takes_liquidity_apart_before_it_sells() {
    let mut scene = Scene::new();
    let ([product, ..], _) = provided(&mut scene);
    let debt = [
        borrow(RISKY, 2_000 * ONE),
        withdraw(RISKY, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &debt);
    // Whoever is left alone keeps everything, however often he is looked at.
    scene.prices(&[(RISKY, 22 * USD), (ETH, 1_900 * USD)]);
    scene.look();
    assert_eq!(pieces(&scene, ALICES).len(), 3);
    // The pool is far from the oracle's price, to the worse for whoever leaves it by sale: what comes is worth no less.
    trade(&mut scene, product, ETH, USDC, 20_000 * ONE);
    scene.prices(&[(RISKY, 26 * USD)]);
    assert!(scene.unhealthy(ALICES));
    let from = scene.log_count();
    let before = scene.report(ALICES);
    assert!(scene.look().contains(&ALICES));
    assert!(pieces(&scene, ALICES).is_empty());
    let apart = scene.events::<PieceTakenApart>(from);
    assert_eq!(apart.len(), 3);
    assert!(apart.iter().all(|event| event.amounts.len() == 2));
    let after = scene.report(ALICES);
    assert!(after.collateral >= before.collateral - n(USD / 100));
    assert!(after.healthMaintenance >= before.healthMaintenance);
    // From there on it is collateral like any other.
    if after.healthMaintenance < wad(100) {
        assert_eq!(scene.events::<OfferOpened>(from).len(), 1);
        let purchase = [
            deposit(RISKY, 2_000 * ONE),
            bid(ALICES, RISKY, 2_000 * ONE, ETH),
        ];
        scene.ok(BOB, BOBS, &purchase);
        assert!(!scene.unhealthy(ALICES));
    }
}

/// A debt in a coin of the piece is paid with what comes out of it, before anything is offered.
#[test]
fn acc_24_what_comes_out_of_a_pool_pays_debts_of_its_own_coins() {
    let mut scene = Scene::new();
    let pool = eth_usdc(&mut scene);
    let farm = [
        deposit(ETH, 5 * ONE),
        borrow(USDC, 7_000 * ONE),
        provide(pool, &[5 * ONE, 7_000 * ONE]),
    ];
    scene.ok(ALICE, ALICES, &farm);
    scene.prices(&[(ETH, 300 * USD)]);
    assert!(scene.unhealthy(ALICES));
    let from = scene.log_count();
    scene.look();
    assert!(pieces(&scene, ALICES).is_empty());
    let paid = scene.events::<LiquidationStep>(from);
    assert_eq!((paid[0].venue, paid[0].debtAssetId), (1, USDC));
    assert!(
        paid[0].paid >= n(6_990 * ONE),
        "the pool still had the old price"
    );
}

/// Broken at every touch and below every gas limit, batches and looks leave nothing half done.
#[test]
fn pieces_survive_every_fault() {
    let mut scene = Scene::new();
    let ([product, _, ranged], position) = provided(&mut scene);
    let batch = executeCall {
        account: reference(ALICES),
        actions: vec![
            deposit(ETH, 2 * ONE),
            deposit(USDC, 4_000 * ONE),
            borrow(USDC, 1_000 * ONE),
            swap_all(product, ETH, USDC),
            shrink(position, 1_000),
            remove(product, n(1_000), 2),
            open(ranged, (60_000, 70_000), [0, ONE]),
        ],
    };
    check_every_fault(&scene.world, ALICE, ADDRESS, &batch.abi_encode());
    let debt = [
        borrow(RISKY, 2_100 * ONE),
        withdraw(RISKY, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &debt);
    scene.prices(&[(RISKY, 30 * USD)]);
    let from = scene.world.store.gas_used();
    scene.look();
    let used = scene.world.store.gas_used();
    println!("a look that takes three pieces apart: {used} gas, the transaction before {from}");
    assert!(used < LOOK_GAS / 4);
}

/// ACC-23 as code sees rows of a piece that is not there, a position of somebody else, a coin whose row is silent.
#[test]
fn acc_23_its_check_can_fail() {
    let mut scene = Scene::new();
    let ([.., ranged], position) = provided(&mut scene);
    let mine = [deposit(USDC, ONE), open(ranged, (60_000, 70_000), [0, ONE])];
    scene.ok(BOB, BOBS, &mine);
    assert_eq!(check_all(&scene.world.store), Ok(()));
    let slot = |part: u8| {
        let of_alice = |slot: &U256| sheet_slot(*slot) == Some((ALICES, part));
        words_of(&scene).into_keys().find(of_alice).expect("a word")
    };
    let (head, pieces) = (slot(0), slot(3));
    let words = words_of(&scene);
    let broken = |at: U256, word: U256| {
        let mut world = scene.world.clone();
        world.store.set_word(ADDRESS, at, word);
        check_all(&world.store).expect_err("broken").id
    };
    let first = words[&pieces] & U256::from(u64::MAX);
    assert_eq!(broken(pieces, first), "ACC-23");
    // The third place names her position; the one after it is Bob's.
    let bobs = words[&pieces] + (U256::ONE << 128);
    assert_eq!(position, 0);
    assert_eq!(broken(pieces, bobs), "ACC-23");
    // The kinds of the first row without their highest bit.
    assert_eq!(
        broken(head, words[&head] ^ (U256::from(1 << 7) << 72)),
        "ACC-23"
    );
}

fn words_of(scene: &Scene) -> BTreeMap<U256, U256> {
    let all = scene.world.store.words();
    all.filter(|(at, ..)| *at == ADDRESS)
        .map(|(_, slot, word)| (slot, word))
        .collect()
}

/// One price goes to anything from a half to twice of where it began.
fn move_a_price(scene: &mut Scene, dice: &mut Dice) {
    let moved = u32::try_from(dice.below(4)).expect("small");
    let percent = 50 + dice.below(150);
    let mut prices = Vec::new();
    for (asset, base) in (0_u32..).zip(PRICES) {
        let price = if asset == moved {
            base / 100 * percent
        } else {
            scene.spot(asset)
        };
        prices.push((asset, price));
    }
    scene.prices(&prices);
}

const STEPS: usize = 300;
const PRICES: [u128; 4] = [2_000 * USD, USD, 20 * USD, USD];

fn step(scene: &mut Scene, dice: &mut Dice, [product, flat, ranged]: [u32; 3]) {
    let people = [
        (ALICE, ALICES),
        (BOB, BOBS),
        (ALICE, AccountId::new(ALICE, 1)),
    ];
    let (who, on) = dice.of(&people);
    let ids: Vec<u64> = pieces(scene, on)
        .iter()
        .filter(|piece| piece.kind == 1)
        .map(|piece| piece.id)
        .collect();
    let (eth, usdc) = (dice.amount(20 * ONE), dice.amount(40_000 * ONE));
    let coins = [deposit(ETH, eth), deposit(USDC, usdc)];
    match dice.below(12) {
        0..=4 => {
            let mut batch = coins.to_vec();
            for _ in 0..=dice.below(2) {
                let verb = match dice.below(9) {
                    0 | 1 => provide(product, &[eth / 2, usdc / 2]),
                    2 => {
                        batch.push(deposit(DAI, usdc));
                        provide(flat, &[usdc / 2, usdc])
                    }
                    3 => {
                        let low = 72_000 + i32::try_from(dice.below(4_000)).expect("small");
                        let high = low + 1 + i32::try_from(dice.below(6_000)).expect("small");
                        open(ranged, (low, high), [eth / 2, usdc / 2])
                    }
                    4 => remove(dice.of(&[product, flat]), U256::MAX, 2),
                    5 if !ids.is_empty() => shrink(dice.of(&ids), dice.of(&[0, 1, u128::MAX])),
                    6 if !ids.is_empty() => grow(dice.of(&ids), [n(eth) / n(2), n(usdc) / n(2)]),
                    7 => swap_all(product, ETH, USDC),
                    _ => give(false, product.into(), U256::MAX, dice.of(&people).1),
                };
                batch.push(verb);
            }
            let _ = scene.run(who, on, &batch);
        }
        5 | 6 => {
            // Leverage on both sides of a pool.
            let (debt_eth, debt_usdc) = (eth / 100 * dice.below(170), usdc / 100 * dice.below(170));
            let all = Provision {
                poolId: product,
                amountsMax: vec![U256::MAX; 2],
                sharesMin: U256::ZERO,
            };
            let mut batch = coins.to_vec();
            batch.extend([borrow(ETH, debt_eth), borrow(USDC, debt_usdc)]);
            batch.push(action(Verb::Provide, all.abi_encode()));
            let _ = scene.run(who, on, &batch);
        }
        7 | 8 => {
            // Nearly all that may be borrowed, in a coin of the pools or in another, leaves the account.
            let debt = dice.of(&[ETH, USDC, RISKY, DAI]);
            let report = scene.report(on);
            let room = report.borrowable.saturating_sub(report.debt);
            let units = room * n(ONE) / n(scene.spot(debt)) * n(90 + dice.below(11)) / n(100);
            let batch = [
                amount(Verb::Borrow, debt, units),
                withdraw(debt, units, who),
                withdraw(ETH, U256::MAX, who),
                withdraw(USDC, U256::MAX, who),
            ];
            let kept = batch.len() - usize::try_from(dice.below(3)).expect("small");
            let _ = scene.run(who, on, &batch[..kept]);
        }
        _ => scene.world.wait_ms(LAST_BUYER_MS),
    }
    if dice.below(2) == 0 {
        move_a_price(scene, dice);
    }
    if dice.below(4) == 0 {
        let (pool, from, to) = dice.of(&[
            (product, ETH, USDC),
            (product, USDC, ETH),
            (flat, USDC, DAI),
            (flat, DAI, USDC),
            (ranged, ETH, USDC),
            (ranged, USDC, ETH),
        ]);
        let most = if from == ETH { 5_000 } else { 10_000_000 };
        let call = swapCall {
            legs: vec![leg(pool, from, to, false, 0)],
            bounds: IExchange::Bounds {
                assetIn: from,
                paidMax: n(dice.amount(most * ONE)),
                assetOut: to,
                receivedMin: U256::ZERO,
            },
            to: BOB,
            deadlineMs: u64::MAX,
        };
        let _ = scene.world.call(BOB, exchange::ADDRESS, &call);
    }
}

/// LIQ-1, LIQ-2, ACC-22, ACC-23, ACC-24: every check runs after every transaction, and what swaps leave of a piece is
/// compared around each of them.
#[test]
fn random_liquidity_swaps_prices_and_looks() {
    let mut dice = Dice::new("random_liquidity_swaps_prices_and_looks");
    let mut scene = Scene::new();
    let pools = [eth_usdc(&mut scene), stable(&mut scene), ranges(&mut scene)];
    let mut index = GuardIndex::of(&scene.world.store).expect("reads");
    let mut words = words_of(&scene);
    let (mut sick_with_pieces, mut both_ways, mut apart) = (0, 0, 0);
    for _ in 0..STEPS {
        step(&mut scene, &mut dice, pools);
        let store = scene.world.store.clone();
        let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
        for sick in unhealthy(&store, cx).expect("reads") {
            let sheet = Sheet::load(cx, sick).expect("reads");
            sick_with_pieces += usize::from(!sheet.pieces.is_empty());
        }
        for (_, account) in [(0, ALICES), (0, BOBS)] {
            let rows = Sheet::load(cx, account).expect("reads").rows;
            let is_both = |row: &&crate::account::Row| matches!(row.trigger, Trigger::Leaves(..));
            both_ways += rows.iter().filter(is_both).count();
        }
        let from = scene.log_count();
        scene.look();
        apart += scene.events::<PieceTakenApart>(from).len();
        assert!(scene.events::<LookFailed>(from).is_empty());
        let after = words_of(&scene);
        let mut changes = Changes::default();
        let slots: std::collections::BTreeSet<_> = words.keys().chain(after.keys()).collect();
        for slot in slots {
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
    println!(
        "{STEPS} steps: {sick_with_pieces} times somebody with liquidity was unhealthy, {apart} pieces were taken \
         apart, {both_ways} coins called both ways"
    );
    assert!(sick_with_pieces > 1 && apart > 3 && both_ways > 20);
}
