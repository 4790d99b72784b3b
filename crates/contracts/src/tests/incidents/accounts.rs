//! Attacks on lenders through accounts: batches, looks of blocks and bids, as everybody runs them.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolValue;
use capstan_units::{AccountId, AssetId};

use super::scene::at_price;
use crate::{
    account::{
        ADDRESS,
        IAccount::{Action, LiquidationStep, offerOfCall},
        OFFER_MS, Provision, Verb,
    },
    exchange::{
        self, IExchange,
        IExchange::{createPoolCall, swapCall},
    },
    ledger, lending,
    oracle::IOracle,
    testkit::{
        ALICE, BOB, CAROL,
        accounts::{
            ALICES, BOBS, ETH, Listing, ONE, Scene, USD, USDC, bid, borrow, bps, deposit, n, other,
            reference, withdraw,
        },
    },
};

/// Two more accounts of the attacker's.
const DEBTOR: AccountId = AccountId::new(ALICE, 1);
const HEIR: AccountId = AccountId::new(ALICE, 2);

/// Dollars, in scenes of two assets, and what is borrowed or posted against them.
const DOLLAR: u32 = 0;
const OTHER: u32 = 1;

/// What an account would leave its owner after it paid, in millionths of a dollar; below nothing if it cannot.
fn equity(scene: &mut Scene, of: AccountId, prices: &[(u32, u128)]) -> i128 {
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let mut sum = 0;
    for &(asset, price) in prices {
        let id = AssetId::new(asset);
        let free = ledger::free(cx, id, of).expect("reads");
        let supplied = lending::supplied_down(cx, id, of).expect("reads");
        let owed = lending::debt_up(cx, id, of).expect("reads");
        sum += at_price(free.get() + supplied.get(), price) - at_price(owed.get(), price);
    }
    sum
}

/// What an owner has: his wallet, and each account that is worth keeping. The others he leaves behind.
fn worth(scene: &mut Scene, who: Address, accounts: &[AccountId], prices: &[(u32, u128)]) -> i128 {
    let wallet = |(asset, price): &(u32, u128)| at_price(scene.wallet(who, *asset), *price);
    let mut sum: i128 = prices.iter().map(wallet).sum();
    for account in accounts {
        sum += equity(scene, *account, prices).max(0);
    }
    sum
}

/// What an account may still borrow, in millionths of a dollar.
fn room(scene: &Scene, of: AccountId) -> u128 {
    let report = scene.report(of);
    let room = (report.borrowable - report.debt) / n(USD) * n(ONE);
    u128::try_from(room).expect("small")
}

/// A debtor gives nine tenths of his collateral to his other account, waits until the rest is on offer at its largest
/// discount, buys it there, and is forgiven what is left of the debt.
pub(super) fn harming_oneself() -> i128 {
    let mut scene = Scene::new();
    let prices = [(ETH, 2_000 * USD), (USDC, USD)];
    let before = worth(&mut scene, ALICE, &[], &prices);
    let loan = [
        deposit(ETH, 1_000 * ONE),
        borrow(USDC, 1_600_000 * ONE),
        withdraw(USDC, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, DEBTOR, &loan);
    let purse = [deposit(ETH, ONE), deposit(USDC, 200_000 * ONE)];
    scene.ok(ALICE, HEIR, &purse);
    let gift = other(Verb::Transfer, ETH, n(900 * ONE), HEIR);
    let _ = scene.run(ALICE, DEBTOR, &[gift]);
    scene.look();
    scene.world.wait_ms(OFFER_MS);
    scene.look();
    let _ = scene.run(ALICE, HEIR, &[bid(DEBTOR, USDC, 200_000 * ONE, ETH)]);
    scene.world.wait_ms(60_000);
    scene.look();
    worth(&mut scene, ALICE, &[DEBTOR, HEIR], &prices) - before
}

/// A loan against nothing, and behind it an action that does nothing and leaves the list of checks as it likes it.
pub(super) fn checks_reset_in_a_batch() -> i128 {
    let mut scene = Scene::new();
    let prices = [(USDC, USD)];
    let before = worth(&mut scene, ALICE, &[], &prices);
    let batch = [
        borrow(USDC, 1_800_000 * ONE),
        withdraw(USDC, U256::MAX, ALICE),
        other(Verb::TakeOver, 0, U256::ZERO, HEIR),
    ];
    let _ = scene.run(ALICE, ALICES, &batch);
    worth(&mut scene, ALICE, &[ALICES, HEIR], &prices) - before
}

/// Liquidity of ten million dollars is borrowed against while its owner holds the pool far from the market's price, and
/// left behind when he has swapped back.
pub(super) fn pool_pumped_liquidity() -> i128 {
    let mut scene = Scene::new();
    let open = createPoolCall {
        shape: IExchange::Shape {
            curve: 1,
            feePips: 100,
            amplification: 0,
            assets: vec![ETH, USDC],
        },
        amounts: vec![n(50_000 * ONE), n(100_000_000 * ONE)],
        to: CAROL,
        deadlineMs: u64::MAX,
    };
    scene.world.ok(CAROL, exchange::ADDRESS, &open);
    let prices = [(ETH, 2_000 * USD), (USDC, USD)];
    let before = worth(&mut scene, ALICE, &[], &prices);
    let liquidity = Provision {
        poolId: 0,
        amountsMax: vec![n(2_500 * ONE), n(5_000_000 * ONE)],
        sharesMin: U256::ZERO,
    };
    let provide = [
        deposit(ETH, 2_500 * ONE),
        deposit(USDC, 5_000_000 * ONE),
        Action {
            verb: Verb::Provide.number(),
            args: liquidity.abi_encode().into(),
        },
    ];
    scene.ok(ALICE, ALICES, &provide);
    let bought = wallet_swap(&mut scene, ETH, USDC, n(400_000 * ONE));
    let loan = room(&scene, ALICES);
    let take = [borrow(USDC, loan), withdraw(USDC, n(loan), ALICE)];
    scene.ok(ALICE, ALICES, &take);
    wallet_swap(&mut scene, USDC, ETH, bought);
    worth(&mut scene, ALICE, &[ALICES], &prices) - before
}

/// Somebody empties a pool of its ETH with money that he needs for a moment only, posts the ETH at the price that he made,
/// and leaves with the loan.
pub(super) fn pool_pumped_collateral() -> i128 {
    let mut scene = Scene::new();
    let open = createPoolCall {
        shape: IExchange::Shape {
            curve: 1,
            feePips: 100,
            amplification: 0,
            assets: vec![ETH, USDC],
        },
        amounts: vec![n(100 * ONE), n(200_000 * ONE)],
        to: CAROL,
        deadlineMs: u64::MAX,
    };
    scene.world.ok(CAROL, exchange::ADDRESS, &open);
    let prices = [(ETH, 2_000 * USD), (USDC, USD)];
    let before = worth(&mut scene, ALICE, &[], &prices);
    let bought = wallet_swap(&mut scene, USDC, ETH, n(2_000_000 * ONE));
    let bought = u128::try_from(bought).expect("small");
    scene.ok(ALICE, ALICES, &[deposit(ETH, bought)]);
    let loan = room(&scene, ALICES);
    let take = [borrow(USDC, loan), withdraw(USDC, n(loan), ALICE)];
    scene.ok(ALICE, ALICES, &take);
    worth(&mut scene, ALICE, &[ALICES], &prices) - before
}

/// Alice swaps in pool 0 from wallet to wallet; answers what she received.
fn wallet_swap(scene: &mut Scene, from: u32, to: u32, amount: U256) -> U256 {
    let call = swapCall {
        legs: vec![IExchange::Leg {
            poolId: 0,
            assetIn: from,
            assetOut: to,
            exactOut: false,
            amount,
        }],
        bounds: IExchange::Bounds {
            assetIn: from,
            paidMax: amount,
            assetOut: to,
            receivedMin: U256::ZERO,
        },
        to: ALICE,
        deadlineMs: u64::MAX,
    };
    scene.world.ok(ALICE, exchange::ADDRESS, &call).received
}

/// A token that few hold is driven to twenty times its price within a second, and borrowed against before it falls back.
pub(super) fn self_pumped_collateral() -> i128 {
    let price = USD / 20;
    let mut pumped = Listing::new(price, bps(4_000, 5_000));
    pumped.feed.smoothMs = 3_600_000;
    let mut scene = Scene::with(&[Listing::new(USD, bps(9_000, 9_300)), pumped]);
    let prices = [(DOLLAR, USD), (OTHER, price)];
    let before = worth(&mut scene, ALICE, &[], &prices);
    scene.ok(ALICE, ALICES, &[deposit(OTHER, 10_000_000 * ONE)]);
    scene.prices(&[(OTHER, price * 20)]);
    let most = room(&scene, ALICES);
    let loan = [borrow(DOLLAR, most), withdraw(DOLLAR, U256::MAX, ALICE)];
    scene.ok(ALICE, ALICES, &loan);
    worth(&mut scene, ALICE, &[ALICES], &prices) - before
}

/// Most of a thin token is borrowed and held back, so that whoever liquidates the loan finds little of it; its price
/// rises by three quarters meanwhile. What liquidators buy the attacker sells them, so he has no other gain from the
/// price than what lenders lose.
pub(super) fn thin_debt_squeezed() -> i128 {
    let depth = 100_000 * ONE;
    let mut thin = Listing::new(USD / 2, bps(4_000, 5_000));
    thin.market.borrowCap = n(10 * depth);
    let mut scene = Scene::with(&[Listing::new(USD, bps(8_500, 9_000)), thin]);
    let mut price = USD / 2;
    let (mut held, mut posted) = (0, 0);
    for units in [60 * depth, 10 * depth - ONE] {
        let collateral = units * 5 / 10 * 100 / 85 + ONE;
        let batch = [
            deposit(DOLLAR, collateral),
            borrow(OTHER, units),
            withdraw(OTHER, U256::MAX, ALICE),
        ];
        if scene.run(ALICE, ALICES, &batch).is_ok() {
            (held, posted) = (units, collateral);
            break;
        }
    }
    let mut sold = 0;
    for _ in 0..28 {
        scene.world.wait_ms(600_000);
        price = price * 102 / 100;
        scene.prices(&[(OTHER, price), (DOLLAR, USD)]);
        scene.look();
        let logs = scene.log_count();
        let batch = [deposit(OTHER, depth), bid(ALICES, OTHER, depth, DOLLAR)];
        if scene.run(BOB, BOBS, &batch).is_ok() {
            let step: LiquidationStep = scene.events(logs).pop().expect("a step");
            let paid = u128::try_from(step.paid).expect("small");
            held -= paid;
            sold += at_price(paid, price);
        }
    }
    let left = equity(&mut scene, ALICES, &[(DOLLAR, USD), (OTHER, price)]).max(0);
    sold + at_price(held, price) + left - at_price(posted, USD)
}

/// Collateral stands on offer, nobody comes, and after hours the only bidder takes it. Profit is counted beyond what the
/// largest discount grants to anybody.
pub(super) fn nobody_else_bids() -> i128 {
    let mut scene = Scene::new();
    scene.alice_borrows(14_000);
    let price = 1_600 * USD;
    scene.prices(&[(ETH, price)]);
    for _ in 0..20 {
        scene.look();
        scene.world.wait_ms(OFFER_MS * 399 / 400);
    }
    let logs = scene.log_count();
    let purse = 14_000 * ONE;
    let batch = [deposit(USDC, purse), bid(ALICES, USDC, purse, ETH)];
    scene.ok(BOB, BOBS, &batch);
    let step: LiquidationStep = scene.events(logs).pop().expect("a step");
    let [taken, paid] = [step.taken, step.paid].map(|units| u128::try_from(units).expect("small"));
    at_price(taken, price) * 95 / 100 - at_price(paid, USD)
}

/// Somebody pushes a pool at the end of a block, the next one sells from an account into it, and he buys back. Profit is
/// counted beyond what the floor of such a sale grants anybody: a quarter of the largest discount. The best of five pushes.
pub(super) fn sandwiched_sale() -> i128 {
    let pushes = [1, 5, 10, 50, 100];
    let profits = pushes.map(|whole| {
        let mut scene = Scene::new();
        scene.alice_borrows(14_000);
        let pool = scene.pool((ETH, 100 * ONE), (USDC, 160_000 * ONE), 100);
        scene.ok(BOB, BOBS, &[deposit(ETH, 100 * ONE)]);
        let price = 1_600 * USD;
        scene.prices(&[(ETH, price)]);
        let spent = whole * ONE;
        let got = scene.swap(BOBS, pool, [ETH, USDC], spent);
        let logs = scene.log_count();
        scene.look();
        let back = scene.swap(BOBS, pool, [USDC, ETH], got);
        let steps = scene.events::<LiquidationStep>(logs);
        let taken: u128 = steps
            .iter()
            .map(|step| u128::try_from(step.taken).expect("small"))
            .sum();
        let granted = at_price(taken, price) * 125 / 10_000;
        at_price(back, price) - at_price(spent, price) - granted
    });
    profits.into_iter().max().unwrap_or_default()
}

/// Reporters are out while the market falls by 30 %, and it falls on. A debtor whom nobody may liquidate leaves with what
/// his collateral lacks; liquidators come when they gain two percent.
pub(super) fn gap_after_an_outage() -> i128 {
    let mut scene = Scene::with(&[Listing::new(USD, bps(9_000, 9_300))]);
    let mut falling = Listing::new(100 * USD, bps(5_000, 6_000));
    falling.feed = IOracle::FeedParams {
        quorum: 1,
        ..super::scene::FEED
    };
    let id = scene.list(&falling);
    for step in 0..8 {
        scene.world.wait_ms(30_000);
        scene.report_prices(&[(id, 100 * USD + step)]);
    }
    scene.ok(ALICE, ALICES, &[deposit(id, 10_000 * ONE)]);
    let most = room(&scene, ALICES);
    let loan = [borrow(DOLLAR, most), withdraw(DOLLAR, U256::MAX, ALICE)];
    scene.ok(ALICE, ALICES, &loan);
    scene.world.wait_ms(400_000);
    let mut price = 70 * USD;
    for _ in 0..150 {
        scene.world.wait_ms(20_000);
        scene.report_prices(&[(id, price)]);
        scene.look();
        if on_offer_ms(&mut scene, ALICES) >= OFFER_MS * 2 / 5 {
            let purse = deposit(DOLLAR, most);
            let _ = scene.run(BOB, BOBS, &[purse, bid(ALICES, DOLLAR, most, id)]);
        }
        price = price / 1_000 * 993;
    }
    -equity(&mut scene, ALICES, &[(DOLLAR, USD), (id, price)])
}

/// For how long collateral has been on offer.
fn on_offer_ms(scene: &mut Scene, of: AccountId) -> u64 {
    let account = reference(of);
    let since_ms = scene.world.view(ADDRESS, &offerOfCall { account }).sinceMs;
    let now_ms = scene.world.store.block_mut().time_ms;
    if since_ms == 0 { 0 } else { now_ms - since_ms }
}
