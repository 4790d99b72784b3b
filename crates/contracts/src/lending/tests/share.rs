//! The share token as ERC-4626 users see it.

use super::*;
use crate::{
    erc20::IErc20::{self, *},
    erc4626::IErc4626::*,
    lending::share::address_of,
    testkit::dice::Dice,
};

/// A market with a borrower, and wallets with tokens.
fn vault() -> (World, Address, Address, AssetId) {
    let mut world = World::new();
    let (token, id) = open(&mut world, params());
    for who in [ALICE, BOB] {
        world.mint(token, who, 1_000_000_000);
    }
    supply(&mut world, id, CAROLS, 1_000_000_000).expect("supplies");
    borrow(&mut world, id, BOBS, 900_000_000).expect("borrows");
    world.wait_ms(MS_PER_YEAR);
    (world, token, address_of(id), id)
}

fn view<C: SolCall<Return = U256>>(world: &mut World, share: Address, call: &C) -> U256 {
    world.ok(CAROL, share, call)
}

#[test]
fn it_says_what_it_is() {
    let (mut world, token, share, id) = vault();
    assert_eq!(world.ok(BOB, share, &assetCall {}), token);
    assert_eq!(world.ok(BOB, share, &nameCall {}), "Supplied TT");
    assert_eq!(world.ok(BOB, share, &symbolCall {}), "sTT");
    assert_eq!(world.ok(BOB, share, &decimalsCall {}), 6);
    let named = world.ok(BOB, ADDRESS, &shareTokenCall { assetId: id.get() });
    assert_eq!(named, share);
    let none = crate::error::NativeNotDeployed {
        account: address_of(AssetId::new(5)),
    };
    world.refused(BOB, address_of(AssetId::new(5)), &totalAssetsCall {}, &none);
}

/// The eight round trips: in by deposit or mint, out by withdraw or redeem, in any order, never gain.
#[test]
fn lend_4_round_trips_never_gain_and_previews_are_exact() {
    let (mut world, token, share, _) = vault();
    let mut dice = Dice::new("round_trips");
    let mut trips = 0;
    for _ in 0..400 {
        let units = n(2 + dice.amount(1_000_000));
        let before = world.balance(token, ALICE);
        let held = world.balance(share, ALICE);
        let (assets, shares) = if dice.below(2) == 0 {
            let shares = view(&mut world, share, &previewDepositCall { assets: units });
            let deposit = depositCall {
                assets: units,
                receiver: ALICE,
            };
            assert_eq!(world.ok(ALICE, share, &deposit), shares);
            (units, shares)
        } else {
            let assets = view(&mut world, share, &previewMintCall { shares: units });
            let mint = mintCall {
                shares: units,
                receiver: ALICE,
            };
            assert_eq!(world.ok(ALICE, share, &mint), assets);
            (assets, units)
        };
        assert_eq!(world.balance(token, ALICE), before - assets);
        assert_eq!(world.balance(share, ALICE), held + shares);
        let event = world.last_event::<Deposit>(share);
        assert_eq!((event.assets, event.shares), (assets, shares));
        let worth = view(&mut world, share, &convertToAssetsCall { shares });
        assert!(worth <= assets);
        if dice.below(2) == 0 {
            let out = view(&mut world, share, &previewRedeemCall { shares });
            let redeem = redeemCall {
                shares,
                receiver: ALICE,
                owner: ALICE,
            };
            if out.is_zero() {
                world.refused(ALICE, share, &redeem, &LendingZeroAmount {});
                continue;
            }
            assert_eq!(world.ok(ALICE, share, &redeem), out);
        } else {
            if worth.is_zero() {
                continue;
            }
            let burned = view(&mut world, share, &previewWithdrawCall { assets: worth });
            let withdraw = withdrawCall {
                assets: worth,
                receiver: ALICE,
                owner: ALICE,
            };
            assert_eq!(world.ok(ALICE, share, &withdraw), burned);
            assert!(burned <= shares);
        }
        assert!(world.balance(token, ALICE) <= before, "a round trip gained");
        trips += 1;
    }
    assert!(trips > 350);
}

#[test]
fn lend_11_its_shares_are_wallet_units_of_one_account() {
    let (mut world, token, share, id) = vault();
    let deposit = depositCall {
        assets: n(1_000_000),
        receiver: BOB,
    };
    let shares = world.ok(ALICE, share, &deposit);
    let accounts = [ALICES, BOBS, CAROLS].map(|who| supplied(&mut world, id, who));
    let transfer = transferCall {
        to: CAROL,
        value: shares,
    };
    world.ok(BOB, share, &transfer);
    assert_eq!(world.balance(share, CAROL), shares);
    assert_eq!(
        [ALICES, BOBS, CAROLS].map(|who| supplied(&mut world, id, who)),
        accounts
    );
    let withdraw = redeemCall {
        shares,
        receiver: ALICE,
        owner: CAROL,
    };
    let none = IErc20::ERC20InsufficientAllowance {
        spender: ALICE,
        allowance: n(0),
        needed: shares,
    };
    world.refused(ALICE, share, &withdraw, &none);
    let approve = approveCall {
        spender: ALICE,
        value: shares,
    };
    world.ok(CAROL, share, &approve);
    let before = world.balance(token, ALICE);
    let out = world.ok(ALICE, share, &withdraw);
    assert_eq!(world.balance(token, ALICE), before + out);
    assert_eq!(world.supply(share), n(0));
}

#[test]
fn what_it_says_is_most_works_and_one_more_does_not() {
    let mut world = World::new();
    let capped = MarketParams {
        supplyCap: n(2_000_000),
        ..params()
    };
    let (token, id) = open(&mut world, capped);
    let share = address_of(id);
    world.mint(token, ALICE, 10_000_000);
    supply(&mut world, id, CAROLS, 1_000_000).expect("supplies");
    borrow(&mut world, id, BOBS, 900_000).expect("borrows");
    world.wait_ms(MS_PER_YEAR / 3);
    let most = view(&mut world, share, &maxDepositCall { receiver: ALICE });
    assert!(most > n(800_000), "{most}");
    let put = |assets| depositCall {
        assets,
        receiver: ALICE,
    };
    assert!(world.clone().call(ALICE, share, &put(most + n(2))).is_err());
    world.ok(ALICE, share, &put(most));
    let no_more = view(&mut world, share, &maxMintCall { receiver: ALICE });
    assert!(no_more <= n(1), "{no_more}");
    // Lend out most of the cash: what may be withdrawn is what is left.
    let cash = market(&mut world, id).cash;
    let take = u128::try_from(cash).expect("small") - 100_000;
    borrow(&mut world, id, BOBS, take).expect("borrows");
    let most = view(&mut world, share, &maxWithdrawCall { owner: ALICE });
    assert_eq!(most, n(100_000));
    let shares = view(&mut world, share, &maxRedeemCall { owner: ALICE });
    let out = |shares| redeemCall {
        shares,
        receiver: ALICE,
        owner: ALICE,
    };
    assert!(
        world
            .clone()
            .call(ALICE, share, &out(shares + n(2)))
            .is_err()
    );
    world.ok(ALICE, share, &out(shares));
    let pause = pauseCall {
        assetId: id.get(),
        verbs: 3,
    };
    world.ok(OWNER, ADDRESS, &pause);
    assert_eq!(
        view(&mut world, share, &maxDepositCall { receiver: ALICE }),
        n(0)
    );
    assert_eq!(
        view(&mut world, share, &maxMintCall { receiver: ALICE }),
        n(0)
    );
    assert_eq!(
        view(&mut world, share, &maxWithdrawCall { owner: ALICE }),
        n(0)
    );
    assert_eq!(
        view(&mut world, share, &maxRedeemCall { owner: ALICE }),
        n(0)
    );
}

#[test]
fn every_fault_leaves_no_trace_of_a_deposit_or_a_withdrawal() {
    let (mut world, _, share, _) = vault();
    let put = depositCall {
        assets: n(1_000_000),
        receiver: ALICE,
    };
    crate::testkit::fault::check_every_fault(&world, ALICE, share, &put.abi_encode());
    let shares = world.ok(ALICE, share, &put);
    world.wait_ms(1_000);
    let take = redeemCall {
        shares,
        receiver: ALICE,
        owner: ALICE,
    };
    crate::testkit::fault::check_every_fault(&world, ALICE, share, &take.abi_encode());
}
