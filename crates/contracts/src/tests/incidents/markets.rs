//! Attacks on markets themselves. Prices of both assets are one dollar, so units are millionths of one.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use capstan_units::{AccountId, Assets};

use super::scene::{
    ATTACKER, FEED, LENT, Listed, ONE, ROOM, Scene, USD, at_price, deposit, inner, listed, n, open,
    redeem_all, signed,
};
use crate::{
    erc20::IErc20,
    erc4626::IErc4626,
    ether,
    flash::{self, IFlash, IFlashBorrower::onFlashLoanCall},
    ledger,
    lending::{self, ILending},
    testkit::{ALICE, BOB, CAROL, OWNER, World, account, repay},
};

/// The attacker's contract.
const THIEF: Address = account(0xbb);
/// A contract that sells shares of a market at the price that it works out from the market's view.
const SELLER: Address = account(0x5e);

/// Deposit two units where nobody is, donate, let a victim's deposit be rounded away, take all.
pub(super) fn empty_market_and_donation() -> i128 {
    let mut world = World::new();
    let market = listed(&mut world, Assets::MAX.get(), 0);
    let gift = 100_000 * ONE;
    world.mint(market.token, ALICE, gift + 2);
    world.mint(market.token, BOB, gift * 3 / 2);
    let before = world.balance(market.token, ALICE);
    deposit(&mut world, market, ALICE, 2).expect("supplies");
    let give = IErc20::transferCall {
        to: ledger::ADDRESS,
        value: n(gift),
    };
    world.ok(ALICE, market.token, &give);
    deposit(&mut world, market, BOB, gift * 3 / 2).expect("the victim supplies");
    // What the gift brought into nobody's account cannot be taken: as much as there is.
    let most = IErc4626::maxWithdrawCall { owner: ALICE };
    let leave = IErc4626::withdrawCall {
        assets: world.view(market.share, &most),
        receiver: ALICE,
        owner: ALICE,
    };
    world.ok(ALICE, market.share, &leave);
    signed(world.balance(market.token, ALICE)) - signed(before)
}

/// A thousand supplies of a unit each, where a unit is less than a share.
pub(super) fn half_up_rounding() -> i128 {
    let mut world = World::new();
    let market = listed(&mut world, Assets::MAX.get(), LENT);
    let debtor = AccountId::new(BOB, 1);
    let lent = world.inside(ROOM, ROOM, |cx| {
        lending::borrow(cx, market.id, debtor, Assets::new(LENT / 100 * 79)?)
    });
    lent.expect("borrows");
    let index = |world: &mut World| {
        let look = ILending::marketCall {
            assetId: market.id.get(),
        };
        world.ok(BOB, lending::ADDRESS, &look).supplyIndex
    };
    // Interest until a share is worth a unit and a half.
    while index(&mut world) < n(1_500_000_000) * n(1_000_000_000_000_000_000) {
        world.wait_ms(1_000_000_000);
        let accrue = ILending::accrueCall {
            assetId: market.id.get(),
        };
        world.ok(BOB, lending::ADDRESS, &accrue);
    }
    world.mint(market.token, ALICE, 1_000);
    for _ in 0..1_000 {
        // Too small for a share, here; refused, and nothing lost.
        let _ = deposit(&mut world, market, ALICE, 1);
    }
    let _ = redeem_all(&mut world, market, ALICE);
    signed(world.balance(market.token, ALICE)) - 1_000
}

/// Somebody mints a bridged token out of nothing and supplies it all. What the cap lets in is what the market's owner
/// put at stake; the profit is counted beyond that.
pub(super) fn unbacked_supply() -> i128 {
    let cap = 10_000 * ONE;
    let mut scene = Scene::capped(USD, FEED, cap);
    // The twin takes no heed of the cap, so it is not asked how much it would take.
    let units = 500_000 * ONE;
    let Listed { token, id, .. } = scene.other;
    scene.world.mint(token, ALICE, units);
    for part in [units, cap / 2, cap / 4, cap / 8] {
        let part = Assets::new(part).expect("in range");
        let _ = scene.world.inside(ROOM, ALICE, |cx| {
            ledger::pull(cx, id, ALICE, ATTACKER, part)?;
            lending::supply(cx, id, ATTACKER, part)
        });
    }
    let lent = scene.borrow_against(ATTACKER);
    at_price(lent, USD) - at_price(cap, USD)
}

/// Makes the thief's contract do this with a loan, and pay it back.
fn thief(
    world: &mut World,
    then: impl Fn(&mut capstan_state::mem::MemStore) -> Result<(), capstan_state::Halt>
    + Send
    + Sync
    + 'static,
) {
    world.store.on_call(THIEF, move |store, request| {
        let call = onFlashLoanCall::abi_decode(&request.input).expect("a callback");
        then(store)?;
        repay(store, THIEF, &call, U256::MAX)
    });
}

fn flash_loan(token: Address, units: u128) -> IFlash::flashLoanCall {
    IFlash::flashLoanCall {
        receiver: THIEF,
        token,
        amount: n(units),
        data: Bytes::new(),
    }
}

/// A contract prices shares by what their market says it has, as integrators of pooled lending do. The thief takes the
/// market's cash by a flash loan and buys while it is out.
pub(super) fn read_only_reentrancy() -> i128 {
    let mut world = World::new();
    let market = listed(&mut world, Assets::MAX.get(), LENT);
    let Listed { token, id, share } = market;
    let shares = 100_000 * ONE;
    let give = IErc20::transferCall {
        to: SELLER,
        value: n(shares),
    };
    world.ok(CAROL, share, &give);
    world.mint(token, THIEF, shares);
    thief(&mut world, move |store| {
        let look = ILending::marketCall { assetId: id.get() };
        let seen = inner(store, SELLER, lending::ADDRESS, &look)?;
        let has = seen.cash + seen.borrowed;
        let price = n(shares) * has / seen.supplied;
        let pay = IErc20::transferCall {
            to: SELLER,
            value: price,
        };
        inner(store, THIEF, token, &pay)?;
        let sell = IErc20::transferCall {
            to: THIEF,
            value: n(shares),
        };
        inner(store, SELLER, share, &sell)?;
        Ok(())
    });
    world.ok(ALICE, flash::ADDRESS, &flash_loan(token, LENT / 2));
    let worth = IErc4626::convertToAssetsCall { shares: n(shares) };
    let has = world.balance(token, THIEF) + world.view(share, &worth);
    signed(has) - signed(n(shares))
}

/// The coin is borrowed by its ERC-20 face and supplied to the market that lent it: one payment, which a careless
/// lender counts as supply and as repayment.
pub(super) fn one_payment_counted_twice() -> i128 {
    let mut world = World::new();
    for who in [OWNER, CAROL, THIEF] {
        world.store.set_coins(who, n(LENT));
    }
    let market = open(&mut world, ether::ADDRESS, Assets::MAX.get());
    deposit(&mut world, market, CAROL, LENT / 2).expect("supplies");
    let all = LENT / 2 + lending::SEED_MIN;
    thief(&mut world, move |store| {
        let put = IErc4626::depositCall {
            assets: n(all),
            receiver: THIEF,
        };
        inner(store, THIEF, market.share, &put)?;
        let rest = store.coins(THIEF);
        // Nothing is left in the wallet that could be taken back.
        let hide = IErc20::transferCall {
            to: ALICE,
            value: rest,
        };
        inner(store, THIEF, ether::ADDRESS, &hide)?;
        Ok(())
    });
    let before = world.store.coins(THIEF) + world.store.coins(ALICE);
    let _ = world.call(ALICE, flash::ADDRESS, &flash_loan(ether::ADDRESS, all));
    if world.balance(market.share, THIEF) > n(0) {
        redeem_all(&mut world, market, THIEF).expect("redeems");
    }
    signed(world.store.coins(THIEF) + world.store.coins(ALICE)) - signed(before)
}
