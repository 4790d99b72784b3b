//! Stakes as collateral: what they count, what the block does with them, and farming with borrowed units.

use capstan_units::{AssetId, FarmId, PoolId};

use super::{
    pools::{eth_usdc, pool},
    *,
};
use crate::{
    account::{
        FarmAmount, FarmRewards, LOOK_GAS, OtherAccount, PIECES_MAX, PieceTo, Provision, Removal,
    },
    exchange::Curve,
    farms::{
        self,
        IFarms::{self, FarmsInsufficient, FarmsUnknown},
    },
    testkit::fault::check_every_fault,
};

const HOUR_MS: u64 = 3_600_000;

fn staking(verb: Verb, farm: u32, amount: U256) -> Action {
    let args = FarmAmount {
        farmId: farm,
        amount,
    };
    action(verb, args.abi_encode())
}

fn stake(farm: u32, amount: U256) -> Action {
    staking(Verb::Stake, farm, amount)
}

fn unstake(farm: u32, amount: U256) -> Action {
    staking(Verb::Unstake, farm, amount)
}

fn claim(farm: u32) -> Action {
    let args = FarmRewards { farmId: farm };
    action(Verb::Claim, args.abi_encode())
}

fn provide(pool: u32, most: &[U256]) -> Action {
    let args = Provision {
        poolId: pool,
        amountsMax: most.to_vec(),
        sharesMin: U256::ZERO,
    };
    action(Verb::Provide, args.abi_encode())
}

fn remove(pool: u32) -> Action {
    let args = Removal {
        poolId: pool,
        shares: U256::MAX,
        amountsMin: vec![U256::ZERO; 2],
    };
    action(Verb::Remove, args.abi_encode())
}

fn give(farm: u32, amount: U256, to: AccountId) -> Action {
    let args = PieceTo {
        kind: 2,
        id: u64::from(farm),
        amount,
        owner: to.owner,
        index: to.index,
    };
    action(Verb::MovePiece, args.abi_encode())
}

/// A farm into which Carol lets a thousand of each reward flow within an hour.
fn farm(scene: &mut Scene, (kind, id): (u8, u32), rewards: &[u32]) -> u32 {
    let open = IFarms::openCall {
        kind,
        id,
        rewards: rewards.to_vec(),
        boostAssetId: 0,
        liftWad: U256::ZERO,
    };
    let farm = scene.world.ok(CAROL, farms::ADDRESS, &open);
    for asset in rewards {
        let fund = IFarms::fundCall {
            farmId: farm,
            assetId: *asset,
            amount: n(1_000 * ONE),
            periodMs: HOUR_MS,
        };
        scene.world.ok(CAROL, farms::ADDRESS, &fund);
    }
    farm
}

fn pieces(scene: &Scene, of: AccountId) -> Vec<Piece> {
    let account = reference(of);
    scene.world.view(ADDRESS, &piecesOfCall { account })
}

fn due(scene: &Scene, farm: u32, of: AccountId) -> Vec<U256> {
    let call = IFarms::stakeOfCall {
        farmId: farm,
        isWallet: false,
        owner: of.owner,
        index: of.index,
    };
    scene.world.view(farms::ADDRESS, &call).due
}

fn run(scene: &mut Scene, who: Address, on: AccountId, actions: &[Action]) -> Vec<Bytes> {
    let answers = scene.run(who, on, actions);
    answers.unwrap_or_else(|halt| panic!("{}", words(&halt)))
}

#[test]
fn acc_25_a_stake_counts_what_it_is_made_of() {
    let mut scene = Scene::new();
    let pool = eth_usdc(&mut scene);
    let (of_pool, of_units) = (
        farm(&mut scene, (2, pool), &[RISKY]),
        farm(&mut scene, (1, USDC), &[RISKY]),
    );
    let batch = [
        deposit(ETH, 5 * ONE),
        deposit(USDC, 30_000 * ONE),
        provide(pool, &[n(5 * ONE), n(10_000 * ONE)]),
        borrow(DAI, 10_000 * ONE),
    ];
    run(&mut scene, ALICE, ALICES, &batch);
    let (before, alone) = (scene.report(ALICES), pieces(&scene, ALICES));
    let half = alone[0].amount / n(2);
    for batch in [
        vec![stake(of_pool, half)],
        vec![stake(of_units, n(7_000 * ONE))],
        vec![stake(of_pool, U256::MAX), stake(of_units, U256::MAX)],
        vec![unstake(of_pool, half), unstake(of_units, n(1))],
        vec![unstake(of_pool, U256::MAX), unstake(of_units, U256::MAX)],
    ] {
        run(&mut scene, ALICE, ALICES, &batch);
        let (now, seen) = (scene.report(ALICES), pieces(&scene, ALICES));
        // Each piece is rounded by itself.
        for (one, other) in [
            (now.collateral, before.collateral),
            (now.borrowable, before.borrowable),
            (now.debt, before.debt),
        ] {
            assert!(one.abs_diff(other) <= n(4), "{one} after {other}");
        }
        // What was put in goes along, so impermanent loss does too.
        let of = |kind: u8| seen.iter().filter(move |piece| piece.kind == kind);
        let shares: U256 = of(0).map(|piece| piece.amount).sum();
        let staked: U256 = of(2)
            .filter(|piece| piece.poolId == pool)
            .map(|p| p.amount)
            .sum();
        assert_eq!(shares + staked, alone[0].amount);
        let put_in: U256 = seen
            .iter()
            .filter(|piece| piece.poolId == pool)
            .map(|piece| piece.putIn[0])
            .sum();
        assert!(put_in.abs_diff(alone[0].putIn[0]) <= n(1), "{put_in}");
    }
    assert_eq!(pieces(&scene, ALICES), alone);
}

#[test]
fn farm_10_acc_25_the_block_takes_a_stake_apart_and_claims() {
    let mut scene = Scene::new();
    let pool = eth_usdc(&mut scene);
    let (of_pool, of_units) = (
        farm(&mut scene, (2, pool), &[USDC, DAI]),
        farm(&mut scene, (1, RISKY), &[ETH]),
    );
    let batch = [
        deposit(ETH, 5 * ONE),
        deposit(RISKY, 100 * ONE),
        borrow(USDC, 7_000 * ONE),
        provide(pool, &[n(5 * ONE), n(7_000 * ONE)]),
        stake(of_pool, U256::MAX),
        stake(of_units, U256::MAX),
    ];
    run(&mut scene, ALICE, ALICES, &batch);
    scene.world.wait_ms(HOUR_MS);
    assert_eq!(due(&scene, of_pool, ALICES), [n(1_000 * ONE - 1); 2]);
    scene.prices(&[(ETH, 300 * USD), (RISKY, USD)]);
    assert!(scene.unhealthy(ALICES));
    let from = scene.log_count();
    scene.look();
    assert!(pieces(&scene, ALICES).is_empty());
    let apart = scene.events::<PieceTakenApart>(from);
    assert_eq!(apart.len(), 2);
    let paid = scene.events::<LiquidationStep>(from);
    // The reward in a coin of the sheet helped to pay; the other one stays due, and its owner's.
    assert_eq!((paid[0].venue, paid[0].debtAssetId), (1, USDC));
    assert!(
        paid[0].paid > n(7_000 * ONE),
        "the debt grew, and was paid: {paid:?}"
    );
    assert_eq!(
        due(&scene, of_pool, ALICES),
        [U256::ZERO, n(1_000 * ONE - 1)]
    );
    let answers = run(&mut scene, ALICE, ALICES, &[claim(of_pool)]);
    let claimed = Vec::<U256>::abi_decode(&answers[0]).expect("amounts");
    assert_eq!(claimed, [U256::ZERO, n(1_000 * ONE - 1)]);
    assert!(scene.holding(ALICES, DAI).is_some());
}

#[test]
fn acc_25_farming_with_borrowed_units_is_one_batch_each_way() {
    let mut scene = Scene::new();
    let pool = eth_usdc(&mut scene);
    let of_pool = farm(&mut scene, (2, pool), &[ETH, USDC]);
    let enter = |own: u128| {
        [
            deposit(USDC, own * ONE),
            borrow(ETH, 5 * ONE),
            borrow(USDC, (10_000 - own) * ONE),
            provide(pool, &[n(5 * ONE), n(10_000 * ONE)]),
            stake(of_pool, U256::MAX),
        ]
    };
    scene.refused_as::<AccountUnhealthy>(ALICE, ALICES, &enter(3_000));
    run(&mut scene, ALICE, ALICES, &enter(6_000));
    let held = scene.report(ALICES);
    assert!(held.collateral > n(19_990 * USD) && held.debt > n(13_999 * USD));
    // Rewards become more of the same.
    scene.world.wait_ms(HOUR_MS);
    let before = pieces(&scene, ALICES)[0].amount;
    let compound = [
        claim(of_pool),
        provide(pool, &[U256::MAX, U256::MAX]),
        stake(of_pool, U256::MAX),
    ];
    run(&mut scene, ALICE, ALICES, &compound);
    let after = pieces(&scene, ALICES);
    assert_eq!((after.len(), after[0].kind), (1, 2));
    assert!(after[0].amount > before * n(104) / n(100), "{after:?}");
    // All the way back.
    let leave = [
        unstake(of_pool, U256::MAX),
        claim(of_pool),
        remove(pool),
        amount(Verb::Repay, ETH, U256::MAX),
        amount(Verb::Repay, USDC, U256::MAX),
    ];
    run(&mut scene, ALICE, ALICES, &leave);
    let end = scene.report(ALICES);
    assert_eq!(end.debt, U256::ZERO);
    // Own six thousand, and rewards of a thousand ether and a thousand dollars.
    assert!(end.collateral > n(2_006_900 * USD), "{}", end.collateral);
}

#[test]
fn acc_3_acc_23_stakes_are_moved_by_whoever_may_and_bounded() {
    let mut scene = Scene::new();
    let pool_id = eth_usdc(&mut scene);
    let farms: Vec<u32> = (0..4)
        .map(|_| farm(&mut scene, (1, USDC), &[RISKY]))
        .collect();
    run(
        &mut scene,
        ALICE,
        ALICES,
        &[deposit(USDC, 50_000 * ONE), deposit(ETH, 50 * ONE)],
    );
    for of in &farms {
        run(&mut scene, ALICE, ALICES, &[stake(*of, n(1_000 * ONE))]);
    }
    let full = AccountTooManyPieces {
        owner: ALICE,
        index: 0,
        max: U256::from(PIECES_MAX),
    };
    let more = provide(pool_id, &[n(ONE), n(2_000 * ONE)]);
    scene.refused(ALICE, ALICES, &[more], &full);
    let none = |owner, index, id: u32| AccountNoPiece {
        owner,
        index,
        kind: 2,
        id: u64::from(id),
    };
    let theirs = none(BOB, 0, farms[0]);
    scene.refused(BOB, BOBS, &[unstake(farms[0], n(1))], &theirs);
    let others = AccountId::new(BOB, 1);
    scene.refused(BOB, BOBS, &[give(farms[0], n(1), others)], &theirs);
    let too_much = FarmsInsufficient {
        farmId: farms[0],
        have: n(1_000 * ONE),
        need: n(1_000 * ONE + 1),
    };
    let all_and_one = unstake(farms[0], n(1_000 * ONE + 1));
    scene.refused(ALICE, ALICES, &[all_and_one], &too_much);
    let unknown = FarmsUnknown { farmId: 77 };
    scene.refused(ALICE, ALICES, &[stake(77, n(1))], &unknown);
    scene.refused(ALICE, ALICES, &[claim(77)], &unknown);
    let no_shares = AccountNoPiece {
        owner: ALICE,
        index: 0,
        kind: 0,
        id: u64::from(pool_id),
    };
    let of_pool = farm(&mut scene, (2, pool_id), &[RISKY]);
    scene.refused(ALICE, ALICES, &[stake(of_pool, U256::MAX)], &no_shares);
    // A part to another account, then everything: what was earned stays.
    let second = AccountId::new(ALICE, 1);
    scene.world.wait_ms(HOUR_MS / 2);
    run(
        &mut scene,
        ALICE,
        ALICES,
        &[give(farms[0], n(400 * ONE), second)],
    );
    assert_eq!(pieces(&scene, second)[0].amount, n(400 * ONE));
    let earned = due(&scene, farms[0], ALICES)[0];
    assert!(earned > n(499 * ONE), "{earned}");
    assert_eq!(due(&scene, farms[0], second)[0], U256::ZERO);
    let take = action(
        Verb::TakeOver,
        OtherAccount {
            assetId: 0,
            amount: U256::ZERO,
            owner: ALICE,
            index: 0,
        }
        .abi_encode(),
    );
    run(&mut scene, ALICE, second, &[take]);
    assert_eq!(pieces(&scene, second).len(), 4);
    assert_eq!(pieces(&scene, second)[0].amount, n(1_000 * ONE));
    assert_eq!(due(&scene, farms[0], ALICES)[0], earned);
    assert!(pieces(&scene, ALICES).is_empty());
}

/// A farm of four rewards that thirteen others locked for, each until another epoch.
fn busy(scene: &mut Scene) -> u32 {
    let open = IFarms::openCall {
        kind: 1,
        id: USDC,
        rewards: vec![ETH, USDC, RISKY, DAI],
        boostAssetId: DAI,
        liftWad: n(USD),
    };
    let farm = scene.world.ok(CAROL, farms::ADDRESS, &open);
    for asset in [ETH, USDC, RISKY, DAI] {
        let fund = IFarms::fundCall {
            farmId: farm,
            assetId: asset,
            amount: n(1_000 * ONE),
            periodMs: 365 * 24 * HOUR_MS,
        };
        scene.world.ok(CAROL, farms::ADDRESS, &fund);
    }
    let now_ms = scene.world.store.block_mut().time_ms;
    for (epochs, who) in (1..=farms::LOCK_EPOCHS_MAX).zip(1..) {
        let who = account(who);
        for asset in [USDC, DAI] {
            let token = scene.tokens[usize::try_from(asset).expect("small")];
            scene.world.mint(token, who, 100);
        }
        let stake = IFarms::stakeCall {
            farmId: farm,
            amount: n(100),
        };
        scene.world.ok(who, farms::ADDRESS, &stake);
        let lock = IFarms::lockCall {
            farmId: farm,
            isWallet: true,
            index: 0,
            amount: n(50),
            untilMs: now_ms + u64::from(epochs - 1) * farms::EPOCH_MS + 1,
        };
        scene.world.ok(who, farms::ADDRESS, &lock);
    }
    farm
}

/// The most that stakes can ask of a look: four of them, four rewards in each, thirteen ends of locks that nobody passed.
#[test]
fn acc_25_four_stakes_in_the_busiest_farms_fit_a_look() {
    let mut scene = Scene::new();
    scene.world.sweep_every = 1_000;
    let farms: Vec<u32> = (0..4).map(|_| busy(&mut scene)).collect();
    let mut batch = vec![deposit(USDC, 40_000 * ONE)];
    batch.extend(farms.iter().map(|farm| stake(*farm, n(10_000 * ONE))));
    batch.extend([
        borrow(RISKY, 1_000 * ONE),
        withdraw(RISKY, U256::MAX, ALICE),
    ]);
    run(&mut scene, ALICE, ALICES, &batch);
    scene.world.wait_ms(400 * 24 * HOUR_MS);
    let prices = [
        (ETH, 2_000 * USD),
        (USDC, USD),
        (RISKY, 38 * USD),
        (DAI, USD),
    ];
    scene.prices(&prices);
    assert!(scene.unhealthy(ALICES));
    scene.look();
    let used = scene.world.store.gas_used();
    assert!(pieces(&scene, ALICES).is_empty());
    println!("a look that takes four stakes in the busiest farms apart: {used} gas");
    assert!(used < LOOK_GAS, "{used}");
}

#[test]
fn stakes_survive_every_fault() {
    let mut scene = Scene::new();
    let pool_id = pool(
        &mut scene,
        (Curve::Product, 3_000, 0),
        &[(ETH, 1_000 * ONE), (USDC, 2_000_000 * ONE)],
    );
    let (of_pool, of_units) = (
        farm(&mut scene, (2, pool_id), &[ETH]),
        farm(&mut scene, (1, USDC), &[RISKY]),
    );
    let batch = [
        deposit(ETH, 5 * ONE),
        deposit(USDC, 20_000 * ONE),
        provide(pool_id, &[n(2 * ONE), n(4_000 * ONE)]),
        stake(of_pool, n(100)),
        stake(of_units, n(100)),
    ];
    run(&mut scene, ALICE, ALICES, &batch);
    scene.world.wait_ms(HOUR_MS / 3);
    let batch = executeCall {
        account: reference(ALICES),
        actions: vec![
            borrow(USDC, 1_000 * ONE),
            stake(of_pool, U256::MAX),
            claim(of_pool),
            unstake(of_units, n(40)),
        ],
    };
    check_every_fault(&scene.world, ALICE, ADDRESS, &batch.abi_encode());
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let coins = crate::exchange::coins_of(cx, PoolId::new(pool_id)).expect("reads");
    assert_eq!(coins, [AssetId::new(ETH), AssetId::new(USDC)]);
    let staked = farms::staked(cx, FarmId::new(of_pool), ALICES).expect("reads");
    assert_eq!(staked, 100);
}
