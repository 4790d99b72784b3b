//! Savings as ERC-4626 users see them, and where their interest comes from.

use super::*;
use crate::{
    erc20::IErc20::{self, approveCall, nameCall, symbolCall, transferCall},
    erc4626::IErc4626::*,
    testkit::dice::Dice,
};
use saved::ADDRESS as SAVINGS;

/// Debtors of 100,000, and wallets with dollars.
fn saving(params: DollarParams) -> Scene {
    let mut scene = Scene::new(params);
    scene.mint_to_wallet(ALICES, 60_000 * USD);
    scene.mint_to_wallet(BOBS, 40_000 * USD);
    scene
}

fn deposit(scene: &mut Scene, who: Address, amount: u128) -> U256 {
    let call = depositCall {
        assets: n(amount),
        receiver: who,
    };
    scene.world.ok(who, SAVINGS, &call)
}

fn worth(scene: &mut Scene, who: Address) -> U256 {
    scene
        .world
        .ok(BOB, SAVINGS, &maxWithdrawCall { owner: who })
}

fn redeem(scene: &mut Scene, who: Address) -> U256 {
    let call = redeemCall {
        shares: scene.world.balance(SAVINGS, who),
        receiver: who,
        owner: who,
    };
    scene.world.ok(who, SAVINGS, &call)
}

#[test]
fn it_says_what_it_is() {
    let mut scene = saving(params());
    assert_eq!(scene.world.ok(BOB, SAVINGS, &assetCall {}), scene.usd);
    assert_eq!(scene.world.ok(BOB, SAVINGS, &symbolCall {}), "susd");
    let name = scene.world.ok(BOB, SAVINGS, &nameCall {});
    assert_eq!(name, "Saved Capstan Dollar");
}

#[test]
fn dol_7_savings_earn_their_rate_out_of_the_surplus() {
    let mut scene = saving(params());
    deposit(&mut scene, ALICE, 50_000 * USD);
    scene.world.wait_ms(MS_PER_YEAR);
    // 4 % compounded to three terms: 1.040810666...; 5 % on 100,000 pay for it.
    let now = worth(&mut scene, ALICE).to::<u128>();
    assert_eq!(now / (USD / 1_000), 52_040_533);
    scene.world.ok(BOB, ADDRESS, &accrueCall {});
    let book = scene.now();
    let income = book.debt - n(100_000 * USD);
    let paid = book.savings - n(50_000 * USD);
    assert!(income - paid - book.surplus <= n(1), "to the unit");
    assert_eq!(redeem(&mut scene, ALICE), n(now));
    assert!(scene.now().savings <= n(1), "less than a unit stays");
}

#[test]
fn dol_7_savings_never_earn_from_nothing() {
    // The rate promises far more than fees bring.
    let mut scene = saving(DollarParams {
        stabilityBps: 100,
        savingsBps: 5_000,
        surplusFloor: n(400 * USD),
        ..params()
    });
    deposit(&mut scene, ALICE, 50_000 * USD);
    let mut last = (worth(&mut scene, ALICE), n(0));
    for month in 1..=36 {
        scene.world.wait_ms(MS_PER_YEAR / 12);
        scene.world.ok(BOB, ADDRESS, &accrueCall {});
        let (book, now) = (scene.now(), worth(&mut scene, ALICE));
        assert!(now >= last.0, "month {month}: a share lost");
        let earned = scene.world.supply(scene.usd) - n(100_000 * USD);
        assert_eq!(book.surplus + book.savings - n(50_000 * USD), earned);
        assert!(book.surplus >= last.1.min(n(400 * USD)), "the floor holds");
        last = (now, book.surplus);
    }
    assert!(
        last.0 > n(52_500 * USD) && last.0 < n(52_700 * USD),
        "{}",
        last.0
    );
    assert!(last.1 >= n(400 * USD));
    // While there is a hole nothing is paid, and savers still leave whole.
    scene.write_off(BOBS).expect("written off");
    assert!(scene.now().hole > n(0));
    let before = worth(&mut scene, ALICE);
    scene.world.wait_ms(MS_PER_YEAR);
    assert_eq!(worth(&mut scene, ALICE), before);
    assert_eq!(redeem(&mut scene, ALICE), before);
}

/// The eight round trips: in by deposit or mint, out by withdraw or redeem, never gain; previews are exact.
#[test]
fn dol_3_round_trips_never_gain_and_previews_are_exact() {
    let mut scene = saving(params());
    deposit(&mut scene, BOB, 30_000 * USD);
    scene.world.wait_ms(MS_PER_YEAR);
    let usd = scene.usd;
    let mut dice = Dice::new("dollar::tests::savings");
    for _ in 0..300 {
        let units = n(2 + dice.amount(1_000_000));
        let before = scene.world.balance(usd, ALICE);
        let (assets, shares) = if dice.below(2) == 0 {
            let preview = previewDepositCall { assets: units };
            let shares = scene.world.ok(CAROL, SAVINGS, &preview);
            let call = depositCall {
                assets: units,
                receiver: ALICE,
            };
            assert_eq!(scene.world.ok(ALICE, SAVINGS, &call), shares);
            (units, shares)
        } else {
            let preview = previewMintCall { shares: units };
            let assets = scene.world.ok(CAROL, SAVINGS, &preview);
            let call = mintCall {
                shares: units,
                receiver: ALICE,
            };
            assert_eq!(scene.world.ok(ALICE, SAVINGS, &call), assets);
            (assets, units)
        };
        assert_eq!(scene.world.balance(usd, ALICE), before - assets);
        if dice.below(2) == 0 {
            let preview = previewRedeemCall { shares };
            let out = scene.world.ok(CAROL, SAVINGS, &preview);
            assert_eq!(redeem(&mut scene, ALICE), out);
        } else {
            let out = worth(&mut scene, ALICE);
            let preview = previewWithdrawCall { assets: out };
            let burned = scene.world.ok(CAROL, SAVINGS, &preview);
            let call = withdrawCall {
                assets: out,
                receiver: ALICE,
                owner: ALICE,
            };
            assert_eq!(scene.world.ok(ALICE, SAVINGS, &call), burned);
            assert!(burned <= shares);
        }
        assert!(
            scene.world.balance(usd, ALICE) <= before,
            "a round trip gained"
        );
    }
}

#[test]
fn others_take_out_by_allowance_alone() {
    let mut scene = saving(params());
    let shares = deposit(&mut scene, ALICE, 1_000 * USD);
    let take = redeemCall {
        shares,
        receiver: BOB,
        owner: ALICE,
    };
    let none = IErc20::ERC20InsufficientAllowance {
        spender: BOB,
        allowance: n(0),
        needed: shares,
    };
    scene.world.refused(BOB, SAVINGS, &take, &none);
    let allow = approveCall {
        spender: BOB,
        value: shares,
    };
    scene.world.ok(ALICE, SAVINGS, &allow);
    let before = scene.world.balance(scene.usd, BOB);
    let got = scene.world.ok(BOB, SAVINGS, &take);
    assert_eq!(scene.world.balance(scene.usd, BOB), before + got);
    let dust = DollarTooSmall {
        amount: n(0),
        least: n(1),
    };
    let nothing = depositCall {
        assets: n(0),
        receiver: ALICE,
    };
    scene.world.refused(ALICE, SAVINGS, &nothing, &dust);
    let call = maxDepositCall { receiver: ALICE };
    let most = scene.world.ok(BOB, SAVINGS, &call);
    assert_eq!(most, Assets::MAX.to_u256());
}

/// Whoever comes first with a unit and gives the pot a fortune makes nobody's deposit round to nothing.
#[test]
fn dol_14_a_first_saver_inflates_nothing() {
    let mut scene = saving(params());
    for gift in [1, USD, 30_000 * USD] {
        let mut scene = scene.clone();
        deposit(&mut scene, ALICE, 1);
        let give = transferCall {
            to: SAVINGS,
            value: n(gift),
        };
        scene.world.ok(ALICE, scene.usd, &give);
        let before = scene.world.balance(scene.usd, ALICE) + n(gift + 1);
        deposit(&mut scene, BOB, 20_000 * USD);
        let (bobs, alices) = (redeem(&mut scene, BOB), redeem(&mut scene, ALICE));
        assert!(bobs + n(1) >= n(20_000 * USD), "the victim lost");
        assert!(alices <= n(1));
        let after = scene.world.balance(scene.usd, ALICE);
        println!("gift {gift}: the attacker lost {}", before - after);
        assert!(after < before);
    }
    deposit(&mut scene, BOB, 20_000 * USD);
}
