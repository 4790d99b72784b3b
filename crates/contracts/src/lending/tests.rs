//! Markets by themselves: verbs, errors, parameters, the share token.

mod model;
mod rates;
mod replays;
mod share;
pub(super) mod twin;

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolError};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, DebtShares, MS_PER_YEAR, Shares};

use super::{ADDRESS, ILending::*, Loss, SEED_MIN, SUPPLY_INDEX_MIN};
use crate::{
    admin,
    ledger::{self, ILedger},
    lending,
    testkit::{ALICE, BOB, CAROL, OWNER, World, account, words},
};

/// A native contract that moves units of accounts, as the account room does.
/// Shares and debt shares of an account as they are stored, for models of whoever builds on markets.
pub(crate) fn stored_of(cx: &mut Ctx<'_>, asset: u32, who: AccountId) -> [U256; 2] {
    let (cx, at) = (&mut cx.enter(ADDRESS), (AssetId::new(asset), who));
    let state = super::market::STATE;
    let shares = state.shares.at(at).load(cx).expect("reads");
    let debts = state.debts.at(at).load(cx).expect("reads");
    [shares.to_u256(), debts.to_u256()]
}

const ROOM: Address = account(0x77);
const ALICES: AccountId = AccountId::new(ALICE, 0);
const BOBS: AccountId = AccountId::new(BOB, 3);
const CAROLS: AccountId = AccountId::new(CAROL, 1);
/// What each of them begins with.
const RICH: u128 = 1_000_000_000_000;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn a(value: u128) -> Assets {
    Assets::new(value).expect("in range")
}

/// Kinked: nothing without borrowers, 4 % at 80 %, 104 % at full use; a tenth to the reserve.
pub(super) fn params() -> MarketParams {
    MarketParams {
        reserveFactorBps: 1_000,
        supplyCap: n(Assets::MAX.get()),
        borrowCap: n(Assets::MAX.get()),
        rateModel: 0,
        baseBps: 0,
        slope1Bps: 400,
        slope2Bps: 10_000,
        optimalBps: 8_000,
    }
}

/// A listed asset of which the owner has plenty.
fn asset(world: &mut World) -> (Address, AssetId) {
    let token = world.create_token(0);
    world.mint(token, OWNER, RICH * 1_000);
    let limit = ILedger::OutflowLimit {
        windowS: 60,
        shareBps: 10_000,
        floor: n(0),
    };
    let list = ILedger::listAssetCall { token, limit };
    (token, AssetId::new(world.ok(OWNER, ledger::ADDRESS, &list)))
}

fn fund(world: &mut World, id: AssetId, who: AccountId, units: u128) {
    let pulled = world.inside(ROOM, OWNER, |cx| ledger::pull(cx, id, OWNER, who, a(units)));
    assert_eq!(pulled, Ok(a(units)));
}

/// Opens a market and gives everybody units.
fn open(world: &mut World, params: MarketParams) -> (Address, AssetId) {
    let (token, id) = asset(world);
    let list = listMarketCall {
        assetId: id.get(),
        params,
        seed: n(SEED_MIN),
    };
    world.ok(OWNER, ADDRESS, &list);
    for who in [ALICES, BOBS, CAROLS] {
        fund(world, id, who, RICH);
    }
    (token, id)
}

fn start() -> (World, AssetId) {
    let mut world = World::new();
    let (_, id) = open(&mut world, params());
    (world, id)
}

fn act<R>(
    world: &mut World,
    verb: impl FnOnce(&mut Ctx<'_>) -> Result<R, Halt>,
) -> Result<R, Halt> {
    world.inside(ROOM, ROOM, verb)
}

fn supply(world: &mut World, id: AssetId, who: AccountId, units: u128) -> Result<Shares, Halt> {
    act(world, |cx| lending::supply(cx, id, who, a(units)))
}

fn redeem(world: &mut World, id: AssetId, who: AccountId, units: u128) -> Result<Shares, Halt> {
    act(world, |cx| Ok(lending::redeem(cx, id, who, a(units))?.1))
}

fn borrow(world: &mut World, id: AssetId, who: AccountId, units: u128) -> Result<DebtShares, Halt> {
    act(world, |cx| lending::borrow(cx, id, who, a(units)))
}

fn repay(world: &mut World, id: AssetId, who: AccountId, units: u128) -> Result<Assets, Halt> {
    act(world, |cx| lending::repay(cx, id, who, who, a(units)))
}

fn absorb(world: &mut World, id: AssetId, who: AccountId) -> Result<Loss, Halt> {
    act(world, |cx| lending::absorb(cx, id, who))
}

fn free(world: &mut World, id: AssetId, who: AccountId) -> u128 {
    act(world, |cx| ledger::free(cx, id, who))
        .expect("reads")
        .get()
}

fn supplied(world: &mut World, id: AssetId, who: AccountId) -> u128 {
    act(world, |cx| lending::supplied_down(cx, id, who))
        .expect("reads")
        .get()
}

fn debt(world: &mut World, id: AssetId, who: AccountId) -> u128 {
    act(world, |cx| lending::debt_up(cx, id, who))
        .expect("reads")
        .get()
}

fn market(world: &mut World, id: AssetId) -> Market {
    world.ok(BOB, ADDRESS, &marketCall { assetId: id.get() })
}

#[track_caller]
fn refuses<R: core::fmt::Debug>(
    world: &mut World,
    error: &impl SolError,
    verb: impl FnOnce(&mut World) -> Result<R, Halt>,
) {
    let before = world.state();
    let halt = verb(world).expect_err("refused");
    assert_eq!(halt, Halt::revert(error), "{}", words(&halt));
    assert_eq!(world.state(), before, "left traces");
}

#[test]
fn supply_earns_what_borrowers_pay() {
    let (mut world, id) = start();
    supply(&mut world, id, ALICES, 1_000_000_000).expect("supplies");
    borrow(&mut world, id, BOBS, 800_000_800).expect("borrows");
    let now = market(&mut world, id);
    assert_eq!(now.utilisation, n(8) * n(10).pow(n(26)));
    assert_eq!(now.borrowRate, n(4) * n(10).pow(n(25)));
    assert_eq!(now.supplyRate, n(288) * n(10).pow(n(23)));
    world.wait_ms(MS_PER_YEAR);
    // 4 % compounded: 1.04081066...; lenders get 80 % of 90 % of 4 %, linearly.
    assert_eq!(debt(&mut world, id, BOBS), 832_649_366);
    assert_eq!(supplied(&mut world, id, ALICES), 1_028_800_000);
    let later = market(&mut world, id);
    assert_eq!(later.reserve, n(3_264_856));
    let paid = repay(&mut world, id, BOBS, u128::from(u64::MAX));
    assert_eq!(paid, Ok(a(832_649_366)));
    assert_eq!(debt(&mut world, id, BOBS), 0);
    redeem(&mut world, id, ALICES, Assets::MAX.get()).expect("redeems all");
    assert_eq!(free(&mut world, id, ALICES), RICH + 28_800_000);
    assert_eq!(supplied(&mut world, id, ALICES), 0);
}

#[test]
fn a_market_accrues_once_per_block() {
    let (mut world, id) = start();
    supply(&mut world, id, ALICES, 1_000_000).expect("supplies");
    borrow(&mut world, id, BOBS, 900_000).expect("borrows");
    world.wait_ms(1_000_000_000);
    let accruals = |world: &World| {
        let is_accrual = |log: &&alloy_primitives::Log| {
            <Accrued as alloy_sol_types::SolEvent>::decode_log_data(&log.data).is_ok()
        };
        world.store.logs().iter().filter(is_accrual).count()
    };
    let before = accruals(&world);
    for _ in 0..3 {
        world.ok(BOB, ADDRESS, &accrueCall { assetId: id.get() });
        supply(&mut world, id, ALICES, 10).expect("supplies");
    }
    assert_eq!(accruals(&world), before + 1);
    // Views see the same before and after the first touch of a block.
    world.wait_ms(1_000_000_000);
    let (seen, owed) = (market(&mut world, id), debt(&mut world, id, BOBS));
    world.ok(BOB, ADDRESS, &accrueCall { assetId: id.get() });
    assert_eq!(
        (market(&mut world, id), debt(&mut world, id, BOBS)),
        (seen, owed)
    );
}

#[test]
fn lend_7_nothing_is_lent_beyond_the_cash() {
    let (mut world, id) = start();
    supply(&mut world, id, ALICES, 5_000).expect("supplies");
    let no_cash = |wanted, cash| LendingNoCash {
        assetId: id.get(),
        wanted: n(wanted),
        cash: n(cash),
    };
    // The seed is cash as well.
    refuses(&mut world, &no_cash(6_001, 6_000), |world| {
        borrow(world, id, BOBS, 6_001)
    });
    borrow(&mut world, id, BOBS, 5_900).expect("borrows");
    refuses(&mut world, &no_cash(101, 100), |world| {
        redeem(world, id, ALICES, 101)
    });
    redeem(&mut world, id, ALICES, 100).expect("what is there");
    refuses(&mut world, &no_cash(1, 0), |world| {
        borrow(world, id, CAROLS, 1)
    });
}

#[test]
fn lend_8_caps_bound_what_they_name_and_nothing_else() {
    let mut world = World::new();
    let capped = MarketParams {
        supplyCap: n(10_000),
        borrowCap: n(500),
        ..params()
    };
    let (_, id) = open(&mut world, capped);
    supply(&mut world, id, ALICES, 8_000).expect("supplies");
    let supply_cap = |supplied, amount| LendingSupplyCap {
        assetId: id.get(),
        supplied: n(supplied),
        amount: n(amount),
        cap: n(10_000),
    };
    refuses(&mut world, &supply_cap(9_000, 1_001), |world| {
        supply(world, id, BOBS, 1_001)
    });
    supply(&mut world, id, BOBS, 1_000).expect("up to the cap");
    borrow(&mut world, id, CAROLS, 500).expect("up to the cap");
    let borrow_cap = LendingBorrowCap {
        assetId: id.get(),
        borrowed: n(500),
        amount: n(1),
        cap: n(500),
    };
    refuses(&mut world, &borrow_cap, |world| borrow(world, id, BOBS, 1));
    // Interest may pass a cap; it stops nobody from leaving.
    world.wait_ms(MS_PER_YEAR * 20);
    assert!(debt(&mut world, id, CAROLS) > 500);
    repay(&mut world, id, CAROLS, 100).expect("repays");
    redeem(&mut world, id, BOBS, 1_000).expect("redeems");
}

#[test]
fn lend_9_everything_but_repaying_can_be_paused() {
    let (mut world, id) = start();
    supply(&mut world, id, ALICES, 5_000).expect("supplies");
    borrow(&mut world, id, BOBS, 1_000).expect("borrows");
    let number = id.get();
    let pause = |verbs| pauseCall {
        assetId: number,
        verbs,
    };
    let missing = admin::IAdmin::AdminMissingRole {
        scope: ADDRESS,
        role: admin::GUARD,
        account: ALICE,
    };
    world.refused(ALICE, ADDRESS, &pause(1), &missing);
    for verbs in [0, 16, 255] {
        let error = LendingParamOutOfRange {
            what: "verbs".into(),
            value: n(verbs.into()),
            min: n(1),
            max: n(15),
        };
        world.refused(OWNER, ADDRESS, &pause(verbs), &error);
    }
    world.ok(OWNER, ADDRESS, &pause(15));
    let paused = |verb| LendingPaused {
        assetId: number,
        verb,
    };
    refuses(&mut world, &paused(1), |world| supply(world, id, ALICES, 1));
    refuses(&mut world, &paused(2), |world| redeem(world, id, ALICES, 1));
    refuses(&mut world, &paused(4), |world| borrow(world, id, BOBS, 1));
    repay(&mut world, id, BOBS, 400).expect("repays");
    let unpause = unpauseCall {
        assetId: number,
        verbs: 2,
    };
    world.ok(OWNER, ADDRESS, &unpause);
    redeem(&mut world, id, ALICES, 1).expect("goes on");
    refuses(&mut world, &paused(4), |world| borrow(world, id, BOBS, 1));
}

#[test]
fn bad_input_is_refused_by_name() {
    let (mut world, id) = start();
    let zero = LendingZeroAmount {};
    refuses(&mut world, &zero, |world| supply(world, id, ALICES, 0));
    refuses(&mut world, &zero, |world| redeem(world, id, ALICES, 0));
    refuses(&mut world, &zero, |world| {
        redeem(world, id, ALICES, Assets::MAX.get())
    });
    refuses(&mut world, &zero, |world| borrow(world, id, ALICES, 0));
    refuses(&mut world, &zero, |world| repay(world, id, ALICES, 0));
    let (_, other) = asset(&mut world);
    let unknown = LendingUnknownMarket {
        assetId: other.get(),
    };
    refuses(&mut world, &unknown, |world| {
        supply(world, other, ALICES, 1)
    });
    refuses(&mut world, &unknown, |world| {
        redeem(world, other, ALICES, 1)
    });
    refuses(&mut world, &unknown, |world| {
        borrow(world, other, ALICES, 1)
    });
    refuses(&mut world, &unknown, |world| repay(world, other, ALICES, 1));
    refuses(&mut world, &unknown, |world| absorb(world, other, ALICES));
    let nothing = LendingInsufficientDebt {
        assetId: id.get(),
        owner: ALICE,
        index: 0,
        have: n(0),
        need: n(1),
    };
    refuses(&mut world, &nothing, |world| repay(world, id, ALICES, 5));
    refuses(&mut world, &nothing, |world| absorb(world, id, ALICES));
    supply(&mut world, id, ALICES, 50).expect("supplies");
    let short = LendingInsufficientShares {
        assetId: id.get(),
        owner: ALICE,
        index: 0,
        have: n(50),
        need: n(51),
    };
    refuses(&mut world, &short, |world| redeem(world, id, ALICES, 51));
    let poor = ILedger::LedgerInsufficient {
        owner: BOB,
        index: 3,
        assetId: id.get(),
        have: n(RICH),
        need: n(RICH + 1),
    };
    refuses(&mut world, &poor, |world| supply(world, id, BOBS, RICH + 1));
}

/// Once a share is worth more than a unit, a unit makes no share and pays for none.
#[test]
fn dust_is_refused_not_taken() {
    let (mut world, id) = start();
    supply(&mut world, id, ALICES, 1_000_000).expect("supplies");
    borrow(&mut world, id, BOBS, 900_000).expect("borrows");
    world.wait_ms(MS_PER_YEAR);
    let dust = LendingTooSmall {
        assetId: id.get(),
        amount: n(1),
        least: n(2),
    };
    refuses(&mut world, &dust, |world| supply(world, id, CAROLS, 1));
    refuses(&mut world, &dust, |world| repay(world, id, BOBS, 1));
    supply(&mut world, id, CAROLS, 2).expect("a share");
}

#[test]
fn lend_12_parameters_tighten_at_once_and_change_a_day_later() {
    let (mut world, id) = start();
    supply(&mut world, id, ALICES, 1_000_000).expect("supplies");
    let set = |params| setParamsCall {
        assetId: id.get(),
        params,
    };
    let read = |world: &mut World| world.ok(BOB, ADDRESS, &paramsOfCall { assetId: id.get() });
    let tight = MarketParams {
        borrowCap: n(1_000_000),
        ..params()
    };
    world.ok(OWNER, ADDRESS, &set(tight.clone()));
    assert_eq!(read(&mut world).present, tight);
    let dear = MarketParams {
        baseBps: 5_000,
        ..tight
    };
    world.ok(OWNER, ADDRESS, &set(dear.clone()));
    let both = read(&mut world);
    assert_eq!((both.present, both.next), (tight.clone(), dear.clone()));
    borrow(&mut world, id, BOBS, 1_000).expect("borrows");
    world.wait_ms(lending::CHANGE_DELAY_MS - 1);
    world.ok(BOB, ADDRESS, &accrueCall { assetId: id.get() });
    assert_eq!(read(&mut world).present, tight);
    world.wait_ms(1);
    world.ok(BOB, ADDRESS, &accrueCall { assetId: id.get() });
    let one = read(&mut world);
    assert_eq!((one.present, one.nextFromMs), (dear.clone(), 0));
    // Tightening takes back what was announced.
    world.ok(OWNER, ADDRESS, &set(params()));
    let tighter = MarketParams {
        borrowCap: n(10),
        ..dear
    };
    world.ok(OWNER, ADDRESS, &set(tighter.clone()));
    world.wait_ms(lending::CHANGE_DELAY_MS * 2);
    world.ok(BOB, ADDRESS, &accrueCall { assetId: id.get() });
    assert_eq!(read(&mut world).present, tighter);
    let stranger = admin::IAdmin::AdminNotOwner {
        scope: ADDRESS,
        caller: ALICE,
        owner: OWNER,
    };
    world.refused(ALICE, ADDRESS, &set(params()), &stranger);
}

#[test]
fn parameters_have_ranges() {
    let (mut world, id) = start();
    let cases: [(&str, u128, u128, u128, fn(&mut MarketParams)); 9] = [
        ("rateModel", 2, 0, 1, |p| p.rateModel = 2),
        ("slope1Bps", 100_001, 0, 100_000, |p| p.slope1Bps = 100_001),
        ("slope2Bps", 399, 400, 99_600, |p| p.slope2Bps = 399),
        ("slope2Bps", 99_601, 400, 99_600, |p| p.slope2Bps = 99_601),
        ("baseBps", 89_601, 0, 89_600, |p| p.baseBps = 89_601),
        ("optimalBps", 99, 100, 9_900, |p| p.optimalBps = 99),
        ("optimalBps", 9_901, 100, 9_900, |p| p.optimalBps = 9_901),
        ("reserveFactorBps", 10_001, 0, 10_000, |p| {
            p.reserveFactorBps = 10_001
        }),
        ("slope1Bps", 400, 0, 0, |p| {
            (p.rateModel, p.optimalBps) = (1, 0);
        }),
    ];
    for (what, value, min, max, change) in cases {
        let mut params = params();
        change(&mut params);
        let set = setParamsCall {
            assetId: id.get(),
            params,
        };
        let error = LendingParamOutOfRange {
            what: what.into(),
            value: n(value),
            min: n(min),
            max: n(max),
        };
        world.refused(OWNER, ADDRESS, &set, &error);
    }
}

#[test]
fn lend_5_a_market_opens_once_with_a_seed_that_stays() {
    let mut world = World::new();
    let (_, id) = asset(&mut world);
    let list = |seed| listMarketCall {
        assetId: id.get(),
        params: params(),
        seed: n(seed),
    };
    let small = LendingSeedTooSmall {
        seed: n(999),
        min: n(1_000),
    };
    world.refused(OWNER, ADDRESS, &list(999), &small);
    world.ok(OWNER, ADDRESS, &list(1_000));
    let again = LendingListedAlready { assetId: id.get() };
    world.refused(OWNER, ADDRESS, &list(1_000), &again);
    let unknown = ILedger::LedgerUnknownAsset { assetId: 7 };
    let other = listMarketCall {
        assetId: 7,
        params: params(),
        seed: n(1_000),
    };
    world.refused(OWNER, ADDRESS, &other, &unknown);
    // No verb answers for the seed's account: only lending itself has its address.
    assert_eq!(supplied(&mut world, id, lending::SEED), 1_000);
    assert_eq!(market(&mut world, id).cash, n(1_000));
}

/// A loss falls on unclaimed interest, then on the reserve, then on all lenders of this market alike.
#[test]
fn lend_10_a_loss_stays_in_its_market() {
    let (mut world, id) = start();
    let (_, other) = open(&mut world, params());
    for id in [id, other] {
        supply(&mut world, id, ALICES, 600_000_000).expect("supplies");
        supply(&mut world, id, CAROLS, 400_000_000).expect("supplies");
    }
    borrow(&mut world, id, BOBS, 900_000_000).expect("borrows");
    borrow(&mut world, other, BOBS, 900_000_000).expect("borrows");
    world.wait_ms(MS_PER_YEAR / 2);
    let before = market(&mut world, id);
    let theirs = (
        supplied(&mut world, id, ALICES),
        supplied(&mut world, id, CAROLS),
    );
    let elsewhere = (market(&mut world, other), debt(&mut world, other, BOBS));
    let owed = debt(&mut world, id, BOBS);
    let loss = absorb(&mut world, id, BOBS).expect("written off");
    assert_eq!(
        (loss.debt, loss.reserve.to_u256()),
        (a(owed), before.reserve)
    );
    let after = market(&mut world, id);
    assert_eq!((after.borrowed, after.reserve), (n(0), n(0)));
    // What is left is the cash, and everybody lost the same part.
    assert!(after.supplied <= after.cash && after.supplied + n(3) >= after.cash);
    let now = (
        supplied(&mut world, id, ALICES),
        supplied(&mut world, id, CAROLS),
    );
    let ratio = |now: u128, then: u128| now * 1_000_000 / then;
    assert_eq!(ratio(now.0, theirs.0), ratio(now.1, theirs.1));
    assert_eq!(
        (market(&mut world, other), debt(&mut world, other, BOBS)),
        elsewhere
    );
    let event = world.store.logs().iter().rev().find_map(|log| {
        <LossRealised as alloy_sol_types::SolEvent>::decode_log_data(&log.data).ok()
    });
    let event = event.expect("said so");
    assert_eq!((event.debt, event.reserve), (n(owed), before.reserve));
    println!(
        "loss {owed}: reserve {}, lenders {}, unclaimed interest {}",
        loss.reserve,
        loss.lenders,
        owed - loss.reserve.get() - loss.lenders.get()
    );
}

#[test]
fn a_small_loss_is_the_reserves() {
    let (mut world, id) = start();
    supply(&mut world, id, ALICES, 1_000_000_000).expect("supplies");
    borrow(&mut world, id, BOBS, 800_000_000).expect("borrows");
    world.wait_ms(MS_PER_YEAR);
    borrow(&mut world, id, CAROLS, 2_000_000).expect("borrows");
    let before = (market(&mut world, id), supplied(&mut world, id, ALICES));
    let loss = absorb(&mut world, id, CAROLS).expect("written off");
    assert_eq!(loss.lenders, Assets::ZERO);
    assert_eq!(supplied(&mut world, id, ALICES), before.1);
    let after = market(&mut world, id);
    assert_eq!(after.supplyIndex, before.0.supplyIndex);
    assert!(before.0.reserve - after.reserve <= n(2_000_001));
}

/// Everything is lent and lost: shares are worth nothing, nobody buys in at the ruin's price.
#[test]
fn a_market_that_lost_everything_takes_no_supply() {
    let (mut world, id) = start();
    supply(&mut world, id, ALICES, RICH).expect("supplies");
    borrow(&mut world, id, BOBS, RICH + SEED_MIN).expect("borrows everything");
    absorb(&mut world, id, BOBS).expect("written off");
    assert_eq!(supplied(&mut world, id, ALICES), 0);
    let low = LendingIndexTooLow {
        assetId: id.get(),
        supplyIndex: n(0),
        min: n(SUPPLY_INDEX_MIN),
    };
    refuses(&mut world, &low, |world| supply(world, id, CAROLS, 5));
    let nothing = LendingInsufficientShares {
        assetId: id.get(),
        owner: ALICE,
        index: 0,
        have: n(0),
        need: n(1),
    };
    refuses(&mut world, &nothing, |world| redeem(world, id, ALICES, 1));
    world.wait_ms(MS_PER_YEAR);
    world.ok(BOB, ADDRESS, &accrueCall { assetId: id.get() });
}

/// The dearest rate for a thousand years: indexes stop at the end of their range, and the debt can be paid.
#[test]
fn lend_9_no_time_makes_a_market_stop() {
    let mut world = World::new();
    let dear = MarketParams {
        baseBps: 100_000,
        slope1Bps: 0,
        slope2Bps: 0,
        ..params()
    };
    let (_, id) = open(&mut world, dear);
    supply(&mut world, id, ALICES, 1_000_000).expect("supplies");
    borrow(&mut world, id, BOBS, 10).expect("borrows");
    for _ in 0..200 {
        world.wait_ms(MS_PER_YEAR * 5);
        world.ok(BOB, ADDRESS, &accrueCall { assetId: id.get() });
    }
    assert!(debt(&mut world, id, BOBS) > 1 << 30);
    repay(&mut world, id, BOBS, 1_000_000_000).expect("a part");
    redeem(&mut world, id, ALICES, 500_000).expect("what is there");
    absorb(&mut world, id, BOBS).expect("written off");
    redeem(&mut world, id, ALICES, Assets::MAX.get()).expect("the rest");
}

#[test]
fn shares_and_debts_change_hands_whole() {
    let (mut world, id) = start();
    let shares = supply(&mut world, id, ALICES, 1_000_000).expect("supplies");
    let owed = borrow(&mut world, id, BOBS, 900_000).expect("borrows");
    world.wait_ms(1_000_000_000);
    let half = Shares::new(shares.get() / 2).expect("in range");
    act(&mut world, |cx| {
        lending::move_shares(cx, id, ALICES, CAROLS, half)
    })
    .expect("moves");
    act(&mut world, |cx| {
        lending::move_debt(cx, id, BOBS, CAROLS, owed)
    })
    .expect("moves");
    assert_eq!(debt(&mut world, id, BOBS), 0);
    assert!(debt(&mut world, id, CAROLS) > 900_000);
    let none = LendingInsufficientDebt {
        assetId: id.get(),
        owner: BOB,
        index: 3,
        have: n(0),
        need: n(5),
    };
    refuses(&mut world, &none, |world| {
        let five = DebtShares::new(5).expect("in range");
        act(world, |cx| lending::move_debt(cx, id, BOBS, ALICES, five))
    });
    let all = shares;
    let have = supplied(&mut world, id, CAROLS);
    let need = super::math::assets_up(
        all,
        act(&mut world, |cx| {
            super::market::now(&mut cx.enter(ADDRESS), id).map(|market| market.supply_index)
        })
        .expect("reads"),
    )
    .expect("in range");
    let short = LendingInsufficientShares {
        assetId: id.get(),
        owner: CAROL,
        index: 1,
        have: n(have),
        need: need.to_u256(),
    };
    refuses(&mut world, &short, |world| {
        act(world, |cx| {
            lending::move_shares(cx, id, CAROLS, ALICES, all)
        })
    });
}

#[test]
fn every_fault_leaves_no_trace() {
    let (mut world, id) = start();
    supply(&mut world, id, ALICES, 1_000_000).expect("supplies");
    borrow(&mut world, id, BOBS, 900_000).expect("borrows");
    world.wait_ms(1_000_000);
    let (_, other) = asset(&mut world);
    let check = |input: &[u8]| {
        crate::testkit::fault::check_every_fault(&world, OWNER, ADDRESS, input);
    };
    check(&accrueCall { assetId: id.get() }.abi_encode());
    let list = listMarketCall {
        assetId: other.get(),
        params: params(),
        seed: n(SEED_MIN),
    };
    check(&list.abi_encode());
    let dear = MarketParams {
        baseBps: 1,
        ..params()
    };
    let set = setParamsCall {
        assetId: id.get(),
        params: dear,
    };
    check(&set.abi_encode());
}
