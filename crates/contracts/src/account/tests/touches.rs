//! How often a batch touches storage. Each case is a batch as the bench beside Aave has it, in a block in which the
//! markets have accrued, and the most words that it may read and write.
//!
//! `cargo nextest run -p capstan-contracts touches --no-capture` prints which words those are.

use capstan_state::{Ctx, Frame, fault::FaultStore};

use super::*;
use crate::{account::OFFER_MS, resolve};

/// Alice holds supply of dollars and owes some.
fn scene() -> Scene {
    let mut scene = Scene::new();
    let open = [
        deposit(USDC, 10_000 * ONE),
        supply(USDC, 10_000 * ONE),
        borrow(USDC, 1_000 * ONE),
        withdraw(USDC, n(1_000 * ONE), ALICE),
    ];
    scene.ok(ALICE, ALICES, &open);
    scene
}

/// Alice's collateral is on offer at its largest discount.
fn scene_with_offer() -> Scene {
    let mut scene = Scene::new();
    scene.alice_borrows(14_000);
    scene.prices(&[(ETH, 1_600 * USD)]);
    scene.look();
    scene.world.wait_ms(OFFER_MS);
    for asset in [USDC, ETH] {
        scene.ok(CAROL, CAROLS, &[deposit(asset, ONE), supply(asset, ONE)]);
    }
    scene
}

/// Runs a batch, prints its touches, and holds them to `most` reads and writes.
#[track_caller]
fn check(name: &str, mut scene: Scene, on: AccountId, actions: &[Action], most: (u32, u32)) {
    let call = executeCall {
        account: reference(on),
        actions: actions.to_vec(),
    };
    let frame = Frame {
        this: ADDRESS,
        caller: on.owner,
        value: U256::ZERO,
    };
    scene.world.store.next_transaction(u64::MAX);
    let mut store = FaultStore::counting(&mut scene.world.store);
    let ran = resolve(ADDRESS)
        .expect("native")
        .run(&mut Ctx::new(&mut store, frame), &call.abi_encode());
    ran.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    let sum = store.sum();
    println!(
        "{name}: {} loads and {} saves of {} words; {} of {} that end with the transaction",
        sum.loads,
        sum.saves,
        store.words.len(),
        store
            .transient
            .values()
            .map(|count| count.loads + count.saves)
            .sum::<u32>(),
        store.transient.len(),
    );
    for ((at, slot), count) in &store.words {
        let room = resolve(*at).map_or("?", |contract| contract.name);
        println!(
            "  {room:10} {slot:#x} {} loads {} saves",
            count.loads, count.saves
        );
    }
    assert!(
        sum.loads <= most.0 && sum.saves <= most.1,
        "{name}: {sum:?} are more than {most:?}"
    );
}

#[test]
fn touches_of_a_batch_stay_few() {
    let supplies = [deposit(USDC, ONE), supply(USDC, ONE)];
    check("supply", scene(), ALICES, &supplies, (26, 9));
    let leaves = [redeem(USDC, ONE), withdraw(USDC, n(ONE), ALICE)];
    check("withdraw", scene(), ALICES, &leaves, (24, 9));
    check("borrow", scene(), ALICES, &take(USDC, ONE), (30, 9));
    let pays = [deposit(USDC, ONE), repay(USDC, ONE)];
    check("repay", scene(), ALICES, &pays, (32, 9));
    let buys = [
        deposit(USDC, 100 * ONE),
        bid(ALICES, USDC, 100 * ONE, ETH),
        withdraw(ETH, U256::MAX, BOB),
    ];
    check("liquidate", scene_with_offer(), BOBS, &buys, (75, 22));
}

/// What a batch knows of its account is in storage before foreign code runs, which may act on the same account, and is
/// read anew behind it: otherwise one of the two would write over the rows of the other (ACC-6 is checked after each
/// transaction).
#[test]
fn acc_6_a_batch_inside_a_batch_finds_and_leaves_the_rows_of_the_same_account() {
    let mut scene = Scene::new();
    let allow = setOperatorCall {
        index: 0,
        operator: HOSTILE,
        untilMs: u64::MAX,
    };
    scene.world.ok(ALICE, ADDRESS, &allow);
    let inner = executeCall {
        account: reference(ALICES),
        actions: vec![supply(ETH, 10 * ONE), borrow(USDC, 100 * ONE)],
    };
    let inner = Bytes::from(inner.abi_encode());
    scene.world.store.on_call(HOSTILE, move |store, _| {
        let outcome = store.call_simply(HOSTILE, ADDRESS, inner.clone())?;
        assert!(outcome.success, "{}", outcome.output);
        Ok(Bytes::new())
    });
    let call = ForeignCall {
        target: HOSTILE,
        input: Bytes::new(),
    };
    let batch = [
        deposit(ETH, 10 * ONE),
        deposit(DAI, 5 * ONE),
        action(Verb::Call, call.abi_encode()),
        withdraw(USDC, n(100 * ONE), ALICE),
        withdraw(DAI, U256::MAX, ALICE),
    ];
    scene.run(ALICE, ALICES, &batch).expect("both batches run");
    let eth = scene.holding(ALICES, ETH).expect("collateral");
    assert_eq!(eth.units, U256::ZERO);
    assert!(eth.supplied >= n(10 * ONE - 1));
    let usdc = scene.holding(ALICES, USDC).expect("a debt");
    assert_eq!(usdc.owed, n(100 * ONE));
    assert_eq!(scene.holding(ALICES, DAI), None);
}
