//! Foreign tokens that misbehave while they are staked, flow or are locked.

use super::*;
use crate::testkit::foreign::{Token, Whim};

/// A foreign token of which Alice and Bob have a million, as an asset of the ledger.
fn foreign(scene: &mut Scene) -> (Token, u32) {
    let token = Token::deploy(&mut scene.world, Whim::Honest);
    for who in [ALICE, BOB] {
        token.rebase(&mut scene.world, who, 1_000_000);
        token.allow_to(&mut scene.world, who, ADDRESS);
    }
    let list = ILedger::listAssetCall {
        token: token.address,
        limit: ILedger::OutflowLimit {
            windowS: 60,
            shareBps: 10_000,
            floor: Assets::MAX.to_u256(),
        },
    };
    let id = scene.world.ok(OWNER, ledger::ADDRESS, &list);
    (token, id)
}

fn funds(farm: u32, asset: u32, amount: u128) -> fundCall {
    fundCall {
        farmId: farm,
        assetId: asset,
        amount: n(amount),
        periodMs: HOUR_MS,
    }
}

#[test]
fn farm_12_what_arrives_counts() {
    let mut scene = Scene::new();
    let (token, id) = foreign(&mut scene);
    let farm = open(&mut scene, (1, id), &[id], (id, EVEN));
    token.becomes(Whim::Fee);
    let until_ms = next_epoch_ms(&mut scene);
    let world = &mut scene.world;
    assert_eq!(world.ok(ALICE, ADDRESS, &stakes(farm, 100)), n(90));
    assert_eq!(world.ok(BOB, ADDRESS, &funds(farm, id, 1_000)), n(900));
    assert_eq!(world.ok(ALICE, ADDRESS, &locks(farm, 10, until_ms)), n(9));
    let mine = has(&scene, farm, ALICE);
    assert_eq!(
        (mine.amount, mine.locked, mine.weight),
        (n(90), n(9), n(99))
    );
    assert_eq!(seen(&scene, farm).streams[0].left, n(900));
    token.becomes(Whim::Honest);
    scene.world.wait_ms(HOUR_MS);
    let sent = scene.world.ok(ALICE, ADDRESS, &claims(farm, id, CAROL));
    assert!(n(900) - sent <= n(1), "{sent}");
    assert_eq!(token.balance(&scene.world, CAROL), sent);
    // One that takes more than it was told from custody is stopped at the border.
    token.becomes(Whim::Greedy);
    let taken = scene.world.call(ALICE, ADDRESS, &unstakes(farm, 90, ALICE));
    assert!(taken.is_err());
    token.becomes(Whim::Honest);
    scene.world.ok(ALICE, ADDRESS, &unstakes(farm, 90, ALICE));
}

#[test]
fn farm_12_a_token_that_calls_back_gains_nothing() {
    let mut scene = Scene::new();
    let (token, id) = foreign(&mut scene);
    let farm = open(&mut scene, (1, id), &[id], (id, EVEN));
    let until_ms = next_epoch_ms(&mut scene);
    let world = &mut scene.world;
    world.ok(ALICE, ADDRESS, &stakes(farm, 100));
    world.ok(BOB, ADDRESS, &stakes(farm, 300));
    world.ok(ALICE, ADDRESS, &locks(farm, 10, until_ms));
    world.ok(BOB, ADDRESS, &funds(farm, id, 4_000));
    world.wait_ms(HOUR_MS / 2);
    // In the middle of every transfer Alice tries everything again.
    let inner = [
        claims(farm, id, ALICE).abi_encode(),
        unstakes(farm, 50, ALICE).abi_encode(),
        unlocks(farm, ALICE).abi_encode(),
        stakes(farm, 1).abi_encode(),
        pokeCall { farmId: farm }.abi_encode(),
    ];
    token.calls(move |store| {
        for input in &inner {
            // What is refused is refused inside; the transfer goes on.
            let _ = store.call_simply(ALICE, ADDRESS, input.clone().into())?;
        }
        Ok(())
    });
    let start = token.balance(&scene.world, ALICE);
    let owed = due(&scene, farm, ALICE);
    let inputs = [
        claims(farm, id, ALICE).abi_encode(),
        stakes(farm, 5).abi_encode(),
        locks(farm, 5, until_ms).abi_encode(),
        unstakes(farm, 5, ALICE).abi_encode(),
        funds(farm, id, 7).abi_encode(),
    ];
    for input in inputs {
        // Every invariant is checked after it, whatever came of it.
        let _ = scene.world.raw(ALICE, ADDRESS, U256::ZERO, &input);
    }
    let mine = has(&scene, farm, ALICE);
    let end = token.balance(&scene.world, ALICE);
    let spent = start + n(owed) + n(100) + n(10);
    assert_eq!(
        end + mine.amount + mine.locked + mine.due[0] + n(paid_in_by(&scene, farm)),
        spent,
        "units of Alice came from nowhere"
    );
}

/// What Alice let flow besides Bob's.
fn paid_in_by(scene: &Scene, farm: u32) -> u128 {
    let all = seen(scene, farm).streams[0].paidIn;
    u128::try_from(all).expect("small") - 4_000
}
