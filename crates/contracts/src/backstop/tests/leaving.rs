//! Staking and leaving, as ERC-4626 users and those who would cheat the wait see it.

use super::*;
use crate::testkit::dice::Dice;

fn request_of(scene: &Scene, owner: Address) -> (u128, u64, u64) {
    let request = scene.world.view(scene.share, &requestOfCall { owner });
    (small(request.shares), request.readyMs, request.untilMs)
}

/// In by deposit or mint, out by redeem or withdraw, in one block, at any price of a share: never a unit gained, and
/// previews are what happens.
#[test]
fn back_4_round_trips_never_gain() {
    let mut scene = Scene::new();
    let mut dice = Dice::new("backstop::tests::leaving");
    let ripe = scene.deposit(ALICE, 300_000_000_000);
    scene.pay_in(123_456_789);
    scene.ripen(ALICE, ripe);
    let mut trips = 0;
    for turn in 0..300 {
        if turn % 30 == 29 {
            let loss = scene.assets() / 7;
            scene.cover(loss);
        }
        let units = n(1 + dice.amount(1_000_000));
        let before = scene.world.balance(scene.token, ALICE);
        let share = scene.share;
        let (assets, shares) = if dice.below(2) == 0 {
            let shares = scene
                .world
                .view(share, &previewDepositCall { assets: units });
            let deposit = depositCall {
                assets: units,
                receiver: ALICE,
            };
            assert_eq!(scene.world.ok(ALICE, share, &deposit), shares);
            (units, shares)
        } else {
            let assets = scene.world.view(share, &previewMintCall { shares: units });
            let mint = mintCall {
                shares: units,
                receiver: ALICE,
            };
            assert_eq!(scene.world.ok(ALICE, share, &mint), assets);
            (assets, units)
        };
        let event = scene.world.last_event::<IErc4626::Deposit>(share);
        assert_eq!((event.assets, event.shares), (assets, shares));
        let worth = scene.world.view(share, &previewRedeemCall { shares });
        assert!(worth <= assets, "{worth} for {assets}");
        if worth.is_zero() {
            continue;
        }
        // Out with as many of the shares that are ripe.
        if dice.below(2) == 0 {
            assert_eq!(
                scene.world.ok(ALICE, share, &redeem(ALICE, small(shares))),
                worth
            );
        } else {
            let burned = scene
                .world
                .view(share, &previewWithdrawCall { assets: worth });
            let withdraw = withdrawCall {
                assets: worth,
                receiver: ALICE,
                owner: ALICE,
            };
            assert_eq!(scene.world.ok(ALICE, share, &withdraw), burned);
            assert!(burned <= shares);
        }
        assert!(
            scene.world.balance(scene.token, ALICE) <= before,
            "a round trip gained"
        );
        trips += 1;
    }
    assert!(trips > 150, "{trips}");
}

#[test]
fn back_5_what_was_not_requested_or_is_not_ripe_stays() {
    let mut scene = Scene::new();
    let shares = scene.deposit(ALICE, 10_000);
    let (number, share) = (scene.id.get(), scene.share);
    let not_requested = |requested, needed| BackstopNotRequested {
        assetId: number,
        owner: ALICE,
        requested: n(requested),
        needed: n(needed),
    };
    scene.world.refused(
        ALICE,
        share,
        &redeem(ALICE, shares),
        &not_requested(0, shares),
    );
    let asked_ms = scene.now_ms();
    let request = requestUnstakeCall {
        shares: n(shares / 2),
    };
    scene.world.ok(ALICE, share, &request);
    let (ready_ms, until_ms) = (asked_ms + 10 * DAY_MS, asked_ms + 12 * DAY_MS);
    assert_eq!(request_of(&scene, ALICE), (shares / 2, ready_ms, until_ms));
    let not_ripe = |now_ms| BackstopNotRipe {
        assetId: number,
        owner: ALICE,
        nowMs: now_ms,
        readyMs: ready_ms,
        untilMs: until_ms,
    };
    let most = maxRedeemCall { owner: ALICE };
    for (wait_ms, is_ripe) in [
        (0, false),
        (10 * DAY_MS - 1, false),
        (1, true),
        (2 * DAY_MS - 1, true),
        (1, false),
    ] {
        scene.world.wait_ms(wait_ms);
        let now_ms = scene.now_ms();
        let said = scene.world.view(share, &most);
        if is_ripe {
            assert_eq!(said, n(shares / 2));
            scene.clone().redeem(ALICE, shares / 2);
            let mut other = scene.clone();
            let too_many = not_requested(shares / 2, shares / 2 + 1);
            other
                .world
                .refused(ALICE, share, &redeem(ALICE, shares / 2 + 1), &too_many);
        } else {
            assert_eq!(said, n(0));
            scene
                .world
                .refused(ALICE, share, &redeem(ALICE, shares / 2), &not_ripe(now_ms));
        }
    }
    // It has lapsed: she waits again, or takes it back.
    let mut again = scene.clone();
    again
        .world
        .ok(ALICE, share, &requestUnstakeCall { shares: n(0) });
    let now_ms = again.now_ms();
    assert_eq!(request_of(&again, ALICE).1, now_ms + 10 * DAY_MS);
    let back = scene.world.ok(ALICE, share, &cancelUnstakeCall {});
    assert_eq!(back, n(shares / 2));
    assert_eq!(scene.shares(ALICE), shares);
    scene
        .world
        .refused(ALICE, share, &cancelUnstakeCall {}, &not_requested(0, 1));
}

/// A wait belongs to the shares that were set aside and to nobody else: what waits cannot be moved, what is bought has
/// not waited, what is added waits from the beginning, and what left cannot leave again.
#[test]
fn back_5_no_transfer_shortens_a_wait() {
    let mut scene = Scene::new();
    let shares = scene.deposit(ALICE, 10_000);
    let bobs = scene.deposit(BOB, 10_000);
    let share = scene.share;
    scene
        .world
        .ok(ALICE, share, &requestUnstakeCall { shares: n(shares) });
    let transfer = transferCall {
        to: BOB,
        value: n(1),
    };
    let empty = IErc20::ERC20InsufficientBalance {
        sender: ALICE,
        balance: n(0),
        needed: n(1),
    };
    scene.world.refused(ALICE, share, &transfer, &empty);
    scene.world.wait_ms(10 * DAY_MS);
    // Bob's shares, lent to Alice for the day, are not ripe in her hands.
    let lend = transferCall {
        to: ALICE,
        value: n(bobs),
    };
    scene.world.ok(BOB, share, &lend);
    let refused = BackstopNotRequested {
        assetId: scene.id.get(),
        owner: ALICE,
        requested: n(shares),
        needed: n(shares + bobs),
    };
    scene
        .world
        .refused(ALICE, share, &redeem(ALICE, shares + bobs), &refused);
    let mut other = scene.clone();
    other
        .world
        .ok(ALICE, share, &requestUnstakeCall { shares: n(bobs) });
    assert_eq!(
        other.world.view(share, &maxRedeemCall { owner: ALICE }),
        n(0)
    );
    // Ripe shares that she takes back are as if she had never asked.
    let mut other = scene.clone();
    other.world.ok(ALICE, share, &cancelUnstakeCall {});
    other
        .world
        .ok(ALICE, share, &requestUnstakeCall { shares: n(shares) });
    assert_eq!(
        other.world.view(share, &maxRedeemCall { owner: ALICE }),
        n(0)
    );
    // Twice is once.
    scene.redeem(ALICE, shares);
    let refused = BackstopNotRequested {
        requested: n(0),
        needed: n(shares),
        ..refused
    };
    scene
        .world
        .refused(ALICE, share, &redeem(ALICE, shares), &refused);
}

#[test]
fn back_5_another_redeems_by_allowance_alone() {
    let mut scene = Scene::new();
    let shares = scene.deposit(ALICE, 10_000);
    scene.ripen(ALICE, shares);
    let share = scene.share;
    let leave = redeemCall {
        shares: n(shares),
        receiver: BOB,
        owner: ALICE,
    };
    let none = IErc20::ERC20InsufficientAllowance {
        spender: BOB,
        allowance: n(0),
        needed: n(shares),
    };
    scene.world.refused(BOB, share, &leave, &none);
    let approve = approveCall {
        spender: BOB,
        value: n(shares),
    };
    scene.world.ok(ALICE, share, &approve);
    assert_eq!(scene.world.ok(BOB, share, &leave), n(10_000));
    assert_eq!(scene.world.balance(scene.token, BOB), n(RICH + 10_000));
}

/// Everything that can be stopped is, and no price is usable: who is ripe leaves.
#[test]
fn back_10_leaving_is_never_paused_and_asks_no_price() {
    let mut scene = Scene::priced();
    let shares = scene.deposit(ALICE, 10_000);
    scene.take_over(4_400, 2_000);
    let pause = pauseCall {
        assetId: scene.id.get(),
        verbs: 3,
    };
    scene.world.ok(OWNER, ADDRESS, &pause);
    for asset in [scene.id, scene.goods] {
        let freeze = IOracle::freezeCall {
            assetId: asset.get(),
        };
        scene.world.ok(OWNER, oracle::ADDRESS, &freeze);
    }
    scene.ripen(ALICE, shares);
    // Goods count nothing for those who leave: 6,600 of 11,000 are there.
    assert_eq!(scene.redeem(ALICE, shares), 6_000);
}

/// A token that calls back finds whole stakes: a deposit in a deposit is locked out, a purchase that is entered again
/// sells nothing twice, and one that keeps a tenth makes shares for what arrives.
#[test]
fn back_4_tokens_that_lie_or_call_back_gain_nothing() {
    let mut world = World::new();
    let token = Token::deploy(&mut world, Whim::Honest);
    let id = list(&mut world, token.address);
    token.give(&mut world, OWNER, 1_000);
    token.allow_to(&mut world, OWNER, ADDRESS);
    let open = openStakeCall {
        assetId: id.get(),
        params: params(),
        seed: n(SEED_MIN),
    };
    let share = world.ok(OWNER, ADDRESS, &open);
    world.answer_calls(share);
    let (number, put) = (id.get(), |assets| depositCall {
        assets: n(assets),
        receiver: ALICE,
    });
    token.give(&mut world, ALICE, 100_000);
    token.allow_to(&mut world, ALICE, share);
    token.becomes(Whim::Fee);
    assert_eq!(world.ok(ALICE, share, &put(1_000)), n(900_000));
    let mint = mintCall {
        shares: n(10_000),
        receiver: ALICE,
    };
    let fee = BackstopTakesFee {
        assetId: number,
        wanted: n(10),
        arrived: n(9),
    };
    world.refused(ALICE, share, &mint, &fee);
    token.becomes(Whim::Honest);
    let inner = put(7).abi_encode();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(0));
    let counter = seen.clone();
    token.calls(move |store| {
        let outcome = store.call_simply(ALICE, share, inner.clone().into())?;
        assert!(!outcome.success, "staked inside a stake");
        let total = store.call_simply(BOB, share, totalAssetsCall {}.abi_encode().into())?;
        assert!(total.success);
        *counter.lock().expect("one thread") += 1;
        Ok(())
    });
    assert_eq!(world.ok(ALICE, share, &put(1_000)), n(1_000_000));
    assert_eq!(*seen.lock().expect("one thread"), 1);
    let most = world.view(share, &totalAssetsCall {});
    assert_eq!(most, n(2_900));
}
