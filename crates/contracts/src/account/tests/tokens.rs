//! Liquidity of wallets: LP tokens and positions come in as pieces, and leave as what they were.

use super::{
    pieces::{AROUND, is_near, pieces, ranges, remove, shrink, trade},
    pools::eth_usdc,
    *,
};
use crate::{
    account::{IAccount::LookFailed, PIECES_MAX, PieceIn, PieceOut},
    exchange::{
        self,
        IExchange::{ExchangeUnknownPool, ExchangeZeroAmount, addLiquidityCall, openRangeCall},
        lp,
        nft::{self, IRangePosition},
    },
    testkit::fault::check_every_fault,
};
use capstan_units::PoolId;
use nft::IRangePosition::{ERC721IncorrectOwner, ERC721InvalidReceiver};

fn bring(is_range: bool, id: u64, amount: U256) -> Action {
    let args = PieceIn {
        kind: u8::from(is_range),
        id,
        amount,
    };
    action(Verb::DepositPiece, args.abi_encode())
}

fn take_away(is_range: bool, id: u64, amount: U256, to: Address) -> Action {
    let args = PieceOut {
        kind: u8::from(is_range),
        id,
        amount,
        to,
    };
    action(Verb::WithdrawPiece, args.abi_encode())
}

/// Somebody's wallet provides five ETH and ten thousand dollars to a pool; answers his LP tokens.
fn provides(scene: &mut Scene, who: Address, pool: u32) -> U256 {
    let add = addLiquidityCall {
        poolId: pool,
        amountsMax: vec![n(5 * ONE), n(10_000 * ONE)],
        sharesMin: U256::ZERO,
        to: who,
        deadlineMs: u64::MAX,
    };
    scene.world.ok(who, exchange::ADDRESS, &add).shares
}

/// The same in a range; answers its number and liquidity.
fn opens(scene: &mut Scene, who: Address, pool: u32) -> (u64, u128) {
    let open = openRangeCall {
        poolId: pool,
        lower: AROUND.0,
        upper: AROUND.1,
        amountsMax: [n(5 * ONE), n(10_000 * ONE)],
        liquidityMin: 0,
        to: who,
        deadlineMs: u64::MAX,
    };
    let opened = scene.world.ok(who, exchange::ADDRESS, &open);
    (opened.positionId, opened.liquidity)
}

fn lp_tokens(scene: &Scene, pool: u32, of: Address) -> U256 {
    scene.world.balance(lp::address_of(PoolId::new(pool)), of)
}

fn owner_of(scene: &Scene, position: u64) -> Address {
    let ask = IRangePosition::ownerOfCall {
        tokenId: U256::from(position),
    };
    scene.world.view(nft::ADDRESS, &ask)
}

/// ACC-7, ACC-30: LP tokens and positions in a wallet count nothing, whoever moves them; brought to the account they count
/// what liquidity counts that it provided itself, and they leave as what they were.
#[test]
fn acc_30_tokens_of_wallets_become_pieces_and_come_back() {
    let mut scene = Scene::new();
    let (product, ranged) = (eth_usdc(&mut scene), ranges(&mut scene));
    let shares = provides(&mut scene, ALICE, product);
    let (position, liquidity) = opens(&mut scene, ALICE, ranged);
    assert_eq!(scene.report(ALICES).collateral, U256::ZERO);
    let wallet = |scene: &Scene| [ETH, USDC].map(|asset| scene.wallet(ALICE, asset));
    let coins = wallet(&scene);
    let answers = scene.ok(
        ALICE,
        ALICES,
        &[
            bring(false, product.into(), U256::MAX),
            bring(true, position, U256::ZERO),
        ],
    );
    assert_eq!(answers, [shares, U256::from(liquidity)]);
    assert_eq!(wallet(&scene), coins, "no unit of a coin moves");
    assert_eq!(lp_tokens(&scene, product, ALICE), U256::ZERO);
    assert_eq!(owner_of(&scene, position), ADDRESS);
    let seen = pieces(&scene, ALICES);
    assert_eq!(seen.len(), 2);
    for piece in &seen {
        assert!(
            is_near(piece.fairValue, n(20_000 * USD), 150_000),
            "{piece:?}"
        );
        assert_eq!(piece.putIn, piece.amounts, "put in is what it would give");
        assert!(piece.impermanentLoss.is_zero(), "{piece:?}");
    }
    // What another account provides itself counts the same.
    let batch = [
        deposit(ETH, 5 * ONE),
        deposit(USDC, 10_000 * ONE),
        super::pieces::provide(product, &[5 * ONE, 10_000 * ONE]),
    ];
    scene.ok(BOB, BOBS, &batch);
    let bobs = pieces(&scene, BOBS);
    assert!(is_near(bobs[0].fairValue, seen[0].fairValue, 1));
    // A part goes to somebody else's wallet, the rest home.
    let third = shares / n(3);
    let leave = [
        take_away(false, product.into(), third, BOB),
        take_away(false, product.into(), U256::MAX, ALICE),
        take_away(true, position, U256::ZERO, BOB),
    ];
    let answers = scene.ok(ALICE, ALICES, &leave);
    assert_eq!(answers, [third, shares - third, U256::from(liquidity)]);
    assert_eq!(lp_tokens(&scene, product, BOB), third);
    assert_eq!(lp_tokens(&scene, product, ALICE), shares - third);
    assert_eq!(owner_of(&scene, position), BOB);
    assert!(pieces(&scene, ALICES).is_empty());
    assert_eq!(scene.report(ALICES).collateral, U256::ZERO);
    let sheet = holdingsOfCall {
        account: reference(ALICES),
    };
    assert_eq!(scene.world.view(ADDRESS, &sheet).len(), 0, "no row is left");
}

/// ACC-1, ACC-30: what a debt stands on does not leave, and what it does not need does; whoever owes may always bring more.
#[test]
fn acc_30_what_leaves_is_checked_and_what_comes_is_not() {
    let mut scene = Scene::new();
    let product = eth_usdc(&mut scene);
    let shares = provides(&mut scene, ALICE, product);
    let id = product.into();
    scene.ok(ALICE, ALICES, &[bring(false, id, U256::MAX)]);
    // 80 % of about 20,000 may be borrowed against.
    scene.ok(ALICE, ALICES, &take(USDC, 8_000 * ONE));
    let all = take_away(false, id, U256::MAX, ALICE);
    scene.refused_as::<AccountUnhealthy>(ALICE, ALICES, std::slice::from_ref(&all));
    let preview = previewCall {
        account: reference(ALICES),
        actions: vec![all],
    };
    let refused = scene.world.call(ALICE, ADDRESS, &preview);
    assert!(refused.is_err(), "a preview says the same");
    scene.ok(ALICE, ALICES, &[take_away(false, id, shares / n(3), ALICE)]);
    // At half the price it is not healthy at the initial factors any more, and takes in what there is.
    scene.prices(&[(ETH, 1_100 * USD), (USDC, USD)]);
    let before = scene.report(ALICES);
    assert!(before.healthInitial < wad(100), "{before:?}");
    scene.ok(ALICE, ALICES, &[bring(false, id, U256::MAX)]);
    assert!(scene.report(ALICES).healthInitial > before.healthInitial);
    // The block takes it apart as any other liquidity.
    scene.prices(&[(ETH, 300 * USD)]);
    let from = scene.log_count();
    assert!(scene.look().contains(&ALICES));
    let apart: Vec<PieceTakenApart> = scene.events(from);
    assert_eq!((apart.len(), apart[0].id), (1, id));
    assert_eq!(scene.events::<LookFailed>(from), []);
}

/// ACC-3, ACC-30: what comes is of the wallet of whoever runs the batch, and nobody brings or takes what is another's.
#[test]
fn acc_30_nobody_brings_or_takes_what_is_anothers() {
    let mut scene = Scene::new();
    let (product, ranged) = (eth_usdc(&mut scene), ranges(&mut scene));
    let shares = provides(&mut scene, ALICE, product);
    let (position, _) = opens(&mut scene, ALICE, ranged);
    let id = product.into();
    let allow = setOperatorCall {
        index: 0,
        operator: BOB,
        untilMs: u64::MAX,
    };
    scene.world.ok(ALICE, ADDRESS, &allow);
    // Bob may act on Alice's account, and is not her wallet.
    scene.refused_as::<crate::erc20::IErc20::ERC20InsufficientBalance>(
        BOB,
        ALICES,
        &[bring(false, id, shares)],
    );
    let not_his = ERC721IncorrectOwner {
        sender: BOB,
        tokenId: U256::from(position),
        owner: ALICE,
    };
    scene.refused(BOB, ALICES, &[bring(true, position, U256::ZERO)], &not_his);
    scene.refused(BOB, BOBS, &[bring(true, position, U256::ZERO)], &not_his);
    scene.ok(
        ALICE,
        ALICES,
        &[bring(false, id, shares), bring(true, position, U256::ZERO)],
    );
    for (is_range, id) in [(false, id), (true, position)] {
        let none = AccountNoPiece {
            owner: BOB,
            index: 0,
            kind: u8::from(is_range),
            id,
        };
        let theft = take_away(is_range, id, U256::MAX, BOB);
        scene.refused(BOB, BOBS, &[theft], &none);
    }
    // Whom Alice approved before may not move it now, nor empty it.
    let steal = IRangePosition::transferFromCall {
        from: ADDRESS,
        to: BOB,
        tokenId: U256::from(position),
    };
    assert!(scene.world.call(BOB, nft::ADDRESS, &steal).is_err());
    let nowhere = ERC721InvalidReceiver { receiver: ADDRESS };
    let lost = take_away(true, position, U256::ZERO, ADDRESS);
    scene.refused(ALICE, ALICES, &[lost], &nowhere);
    let nobody = ERC721InvalidReceiver {
        receiver: Address::ZERO,
    };
    let lost = take_away(true, position, U256::ZERO, Address::ZERO);
    scene.refused(ALICE, ALICES, &[lost], &nobody);
}

/// Bounds and bad input: nothing, pools and positions that there are not, a fifth piece, more of a coin than its cap.
#[test]
fn acc_30_bounds_hold_for_what_comes_from_wallets() {
    let mut scene = Scene::new();
    let (product, ranged) = (eth_usdc(&mut scene), ranges(&mut scene));
    let shares = provides(&mut scene, ALICE, product);
    let id = product.into();
    let nothing = ExchangeZeroAmount {};
    scene.refused(ALICE, ALICES, &[bring(false, id, U256::ZERO)], &nothing);
    scene.refused(BOB, BOBS, &[bring(false, id, U256::MAX)], &nothing);
    let unknown = ExchangeUnknownPool { poolId: 99 };
    scene.refused(ALICE, ALICES, &[bring(false, 99, U256::MAX)], &unknown);
    let bad = AccountBadArguments { verb: 30 };
    scene.refused(ALICE, ALICES, &[bring(false, 1 << 32, n(1))], &bad);
    let of_ranges = bring(false, ranged.into(), U256::MAX);
    assert!(scene.run(ALICE, ALICES, &[of_ranges]).is_err());
    assert!(scene.run(ALICE, ALICES, &[bring(true, 99, n(0))]).is_err());
    scene.ok(ALICE, ALICES, &[bring(false, id, shares)]);
    let out = take_away(false, id, U256::ZERO, ALICE);
    scene.refused(ALICE, ALICES, &[out], &nothing);
    scene.refused_as::<exchange::IExchange::ExchangeInsufficientShares>(
        ALICE,
        ALICES,
        &[take_away(false, id, shares + n(1), ALICE)],
    );
    // A position that holds nothing is no piece.
    let (empty, liquidity) = opens(&mut scene, ALICE, ranged);
    let shrink = exchange::IExchange::shrinkRangeCall {
        positionId: empty,
        liquidity,
        amountsMin: [U256::ZERO; 2],
        to: ALICE,
        deadlineMs: u64::MAX,
    };
    scene.world.ok(ALICE, exchange::ADDRESS, &shrink);
    scene.refused(ALICE, ALICES, &[bring(true, empty, n(0))], &nothing);
    for _ in 1..PIECES_MAX {
        let (position, _) = opens(&mut scene, ALICE, ranged);
        scene.ok(ALICE, ALICES, &[bring(true, position, U256::ZERO)]);
    }
    let (fifth, _) = opens(&mut scene, ALICE, ranged);
    let full = AccountTooManyPieces {
        owner: ALICE,
        index: 0,
        max: U256::from(PIECES_MAX),
    };
    scene.refused(ALICE, ALICES, &[bring(true, fifth, U256::ZERO)], &full);
    // A coin whose cap is reached comes in by no door.
    let claims = scene.world.inside(ADDRESS, ADDRESS, |cx| {
        ledger::claims(cx, capstan_units::AssetId::new(ETH))
    });
    let claims = claims.expect("reads").to_u256();
    let capped = setCollateralCall {
        assetId: ETH,
        collateral: Collateral {
            depositCap: claims - n(1),
            ..bps(8_000, 8_500)
        },
        rampMs: RAMP_MS_MIN,
    };
    scene.world.ok(OWNER, ADDRESS, &capped);
    let over = AccountDepositCap {
        assetId: ETH,
        claims,
        cap: claims - n(1),
    };
    let second = AccountId::new(ALICE, 1);
    scene.refused(ALICE, second, &[bring(true, fifth, U256::ZERO)], &over);
}

/// ACC-21: a piece that comes or leaves is neither profit nor loss of a day.
#[test]
fn acc_21_pieces_that_come_and_leave_are_neither_profit_nor_loss() {
    let mut scene = Scene::new();
    let product = eth_usdc(&mut scene);
    provides(&mut scene, ALICE, product);
    scene.alice_borrows(5_000);
    let limits = setLimitsCall {
        index: 0,
        limits: OwnLimits {
            leverageMaxBps: 0,
            dailyLossMaxUsd: 1_000,
            coolingOffS: 0,
        },
    };
    scene.world.ok(ALICE, ADDRESS, &limits);
    let id = product.into();
    for step in [
        bring(false, id, U256::MAX),
        take_away(false, id, U256::MAX, ALICE),
    ] {
        scene.ok(ALICE, ALICES, &[step]);
        let account = reference(ALICES);
        let day = scene.world.view(ADDRESS, &dayOfCall { account });
        assert!(day.loss.unsigned_abs() < n(USD / 100), "{}", day.loss);
    }
}

/// ACC-22, EXCH-3: whatever happens to the pool between, LP tokens that went through an account are worth what others are.
#[test]
fn exch_3_a_way_through_an_account_changes_no_share() {
    let mut scene = Scene::new();
    let product = eth_usdc(&mut scene);
    let shares = provides(&mut scene, ALICE, product);
    assert_eq!(provides(&mut scene, BOB, product), shares);
    let id = product.into();
    scene.ok(ALICE, ALICES, &[bring(false, id, U256::MAX)]);
    trade(&mut scene, product, ETH, USDC, 1_000 * ONE);
    scene.ok(ALICE, ALICES, &[take_away(false, id, U256::MAX, ALICE)]);
    let left = [ALICE, BOB].map(|who| {
        let leave = exchange::IExchange::removeLiquidityCall {
            poolId: product,
            shares: lp_tokens(&scene, product, who),
            amountsMin: vec![U256::ZERO; 2],
            to: who,
            deadlineMs: u64::MAX,
        };
        scene.world.ok(who, exchange::ADDRESS, &leave)
    });
    for (alices, bobs) in left[0].iter().zip(&left[1]) {
        assert!(alices.abs_diff(*bobs) <= U256::ONE, "{left:?}");
    }
}

#[test]
fn tokens_leave_no_traces_of_faults() {
    let mut scene = Scene::new();
    let (product, ranged) = (eth_usdc(&mut scene), ranges(&mut scene));
    provides(&mut scene, ALICE, product);
    let (position, _) = opens(&mut scene, ALICE, ranged);
    let id = product.into();
    let batch = |actions: Vec<Action>| {
        executeCall {
            account: reference(ALICES),
            actions,
        }
        .abi_encode()
    };
    let come = [bring(false, id, U256::MAX), bring(true, position, n(0))];
    let come = batch(come.to_vec());
    check_every_fault(&scene.world, ALICE, ADDRESS, &come);
    scene
        .world
        .raw(ALICE, ADDRESS, U256::ZERO, &come)
        .expect("works");
    let leave = [
        take_away(false, id, U256::MAX, ALICE),
        take_away(true, position, n(0), ALICE),
    ];
    check_every_fault(&scene.world, ALICE, ADDRESS, &batch(leave.to_vec()));
    // Verbs of pieces serve those that came as they do any other.
    scene.ok(
        ALICE,
        ALICES,
        &[remove(product, U256::MAX, 2), shrink(position, u128::MAX)],
    );
    assert!(pieces(&scene, ALICES).is_empty());
}
