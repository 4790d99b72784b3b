//! Debts beside those of markets, and income: minted dollars, fixed terms, streams, and what others pay in.

use capstan_units::{AssetId, StreamId};

use super::*;
use crate::{
    account::{Admission, Dollars, Loan, Stream, desk::Desk, encode_accounts, params::LOOK_GAS},
    dollar::{self, IDollar},
    invariant::check_all,
    lending, native, registry,
    streams::{self, IStreams},
    term::{self, ITerm},
    token,
};

/// The minted dollar, which has eighteen decimals.
pub(super) const USD_ASSET: u32 = 5;
const DAY_MS: u64 = 86_400_000;

pub(super) fn mint(units: u128) -> Action {
    action(Verb::Mint, Dollars { amount: n(units) }.abi_encode())
}

pub(super) fn burn(units: U256) -> Action {
    action(Verb::Burn, Dollars { amount: units }.abi_encode())
}

pub(super) fn loan(verb: Verb, id: u64, amount: U256) -> Action {
    action(verb, Loan { id, amount }.abi_encode())
}

pub(super) fn stream(verb: Verb, id: u64) -> Action {
    action(verb, Stream { id }.abi_encode())
}

pub(super) fn admit(asset: u32) -> Action {
    action(Verb::Admit, Admission { assetId: asset }.abi_encode())
}

impl Scene {
    /// The same world with the chain's own dollar: minted at 5 % a year, worth one, counting 90 %.
    pub(super) fn with_dollar() -> Self {
        let mut scene = Self::new();
        scene.open_dollar(IDollar::DollarParams {
            stabilityBps: 500,
            savingsBps: 0,
            redemptionFeeBps: 50,
            refillS: 3_600,
            ceiling: n(10_000_000 * USD),
            headroom: n(1_000_000 * USD),
            redemptionMin: n(100 * USD),
            surplusFloor: U256::ZERO,
        });
        scene
    }

    /// Opens the chain's own dollar.
    pub(super) fn open_dollar(&mut self, params: IDollar::DollarParams) {
        let world = &mut self.world;
        let made = world.ok(
            OWNER,
            token::FACTORY_ADDRESS,
            &token::ITokenFactory::tokenCountCall {},
        );
        world.answer_calls(native(token::KIND, made.to::<u64>() + 1));
        let usd = world.ok(OWNER, dollar::ADDRESS, &IDollar::openCall { params });
        self.tokens.push(usd);
        self.value(USD_ASSET, &Listing::new(USD, bps(8_500, 9_000)));
        self.prices(&[(USD_ASSET, USD)]);
    }

    /// Bob lends Alice dollars of a foreign kind for a year, at 12 %, in monthly instalments; answers the loan.
    pub(super) fn alice_takes_a_loan(&mut self, dollars: u128) -> u64 {
        self.alice_takes_a_loan_of(USDC, dollars)
    }

    /// The same of an asset that is worth a dollar.
    pub(super) fn alice_takes_a_loan_of(&mut self, asset: u32, dollars: u128) -> u64 {
        let terms = ITerm::OfferTerms {
            assetId: asset,
            rateBps: 1_200,
            instalments: 12,
            periodS: 2_592_000,
            amortisation: 0,
            graceS: 432_000,
            lateBps: 2_400,
            earlyFeeBps: 100,
            defaultS: 864_000,
            least: n(ONE),
            expiresMs: u64::MAX,
        };
        let offer = ITerm::offerCall {
            terms,
            amount: n(dollars * ONE),
            index: 0,
        };
        let offer = self.world.ok(BOB, term::ADDRESS, &offer);
        let batch = [
            deposit(ETH, 10 * ONE),
            loan(Verb::TakeLoan, offer, n(dollars * ONE)),
            withdraw(asset, n(dollars * ONE), ALICE),
        ];
        let answers = self.ok(ALICE, ALICES, &batch);
        answers[1].to()
    }

    /// Somebody pays dollars to an account's owner over so many days; answers the stream.
    fn stream_to(&mut self, owner: AccountId, dollars: u128, days: u64) -> u64 {
        let open = IStreams::openCall {
            assetId: USDC,
            owner: owner.owner,
            ownerIndex: owner.index,
            amount: n(dollars * ONE),
            startMs: 0,
            cliffMs: 0,
            endMs: self.world.store.block_mut().time_ms + days * DAY_MS,
            isFinal: false,
        };
        self.world.ok(CAROL, streams::ADDRESS, &open)
    }

    pub(super) fn owed(&self, of: AccountId, asset: u32) -> U256 {
        self.holding(of, asset).map_or(U256::ZERO, |held| held.owed)
    }

    fn due_of(&self, id: u64) -> U256 {
        self.world
            .view(streams::ADDRESS, &IStreams::dueOfCall { streamId: id })
    }
}

#[test]
fn dollars_are_minted_against_an_account_and_burned() {
    let mut scene = Scene::with_dollar();
    scene.ok(ALICE, ALICES, &[deposit(ETH, 10 * ONE)]);
    scene.ok(ALICE, ALICES, &[mint(10_000 * USD)]);
    let stands = scene.holding(ALICES, USD_ASSET).expect("a row");
    assert_eq!(stands.units, n(10_000 * USD));
    assert_eq!(stands.owed, n(10_000 * USD));
    // Twenty thousand of ether count sixteen; the dollars in hand count 85 %.
    scene.ok(ALICE, ALICES, &[withdraw(USD_ASSET, U256::MAX, ALICE)]);
    assert_eq!(scene.wallet(ALICE, USD_ASSET), 10_000 * USD);
    let more = [mint(6_001 * USD), withdraw(USD_ASSET, U256::MAX, ALICE)];
    scene.refused_as::<AccountUnhealthy>(ALICE, ALICES, &more);
    scene.refused_as::<AccountDebtTooSmall>(BOB, BOBS, &[deposit(ETH, ONE), mint(9 * USD)]);
    // A year later 5 % more are owed; what is burned is at most the debt.
    scene.world.wait_ms(365 * DAY_MS);
    scene.prices(&[(ETH, 2_000 * USD), (USD_ASSET, USD)]);
    let owed = scene.owed(ALICES, USD_ASSET);
    assert!(owed > n(10_500 * USD) && owed < n(10_513 * USD), "{owed}");
    scene.ok(BOB, BOBS, &[deposit(ETH, 10 * ONE), mint(1_000 * USD)]);
    let gift = other(Verb::Transfer, USD_ASSET, n(1_000 * USD), ALICES);
    scene.ok(BOB, BOBS, &[gift]);
    scene.ok(
        ALICE,
        ALICES,
        &[amount(Verb::Deposit, USD_ASSET, U256::MAX)],
    );
    assert_eq!(scene.ok(ALICE, ALICES, &[burn(U256::MAX)]), [owed]);
    assert_eq!(scene.owed(ALICES, USD_ASSET), U256::ZERO);
    let nothing = AccountNothingOwed { assetId: USD_ASSET };
    scene.refused(ALICE, ALICES, &[burn(n(1))], &nothing);
}

/// A debt in dollars is liquidated like any other, by whoever has dollars.
#[test]
fn dollars_that_are_owed_are_liquidated() {
    let mut scene = Scene::with_dollar();
    let batch = [
        deposit(ETH, 10 * ONE),
        mint(14_000 * USD),
        withdraw(USD_ASSET, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    scene.ok(BOB, BOBS, &[deposit(ETH, 100 * ONE), mint(20_000 * USD)]);
    scene.prices(&[(ETH, 1_600 * USD)]);
    assert_eq!(scene.look(), [ALICES]);
    assert!(scene.unhealthy(ALICES));
    scene.world.wait_ms(600_000);
    scene.ok(BOB, BOBS, &[bid(ALICES, USD_ASSET, 20_000 * USD, ETH)]);
    let health = scene.report(ALICES).healthMaintenance;
    assert!(health >= wad(104) && health <= wad(106), "{health}");
}

#[test]
fn loans_of_fixed_terms_are_debts_of_an_account() {
    let mut scene = Scene::new();
    let id = scene.alice_takes_a_loan(10_000);
    // The fee of ending it early is part of what is owed: 1 % of the balance.
    assert_eq!(scene.owed(ALICES, USDC), n(10_100 * ONE));
    let more = loan(Verb::TakeLoan, 1, n(ONE));
    scene.refused_as::<ITerm::TermNoOffer>(ALICE, ALICES, &[more]);
    let wrong = AccountOtherLoan {
        id,
        owner: ALICE,
        index: 0,
    };
    scene.refused(CAROL, CAROLS, &[loan(Verb::RepayLoan, id, n(ONE))], &wrong);
    scene.refused_as::<AccountUnhealthy>(ALICE, ALICES, &take(USDC, 6_000 * ONE));
    scene.ok(ALICE, ALICES, &[deposit(USDC, 11_000 * ONE)]);
    assert_eq!(
        scene.ok(ALICE, ALICES, &[loan(Verb::RepayLoan, id, U256::MAX)]),
        [n(10_100 * ONE)]
    );
    assert_eq!(scene.owed(ALICES, USDC), U256::ZERO);
    assert!(scene.due().is_empty());
    // What the lender got stands beside his sheet until he admits it.
    assert!(scene.holding(BOBS, USDC).is_none());
    assert_eq!(scene.ok(BOB, BOBS, &[admit(USDC)]), [n(10_100 * ONE)]);
    let held = scene.holding(BOBS, USDC).expect("a row");
    assert_eq!(held.units, n(10_100 * ONE));
}

/// A loan in default is paid with what the account has, then by sale of its collateral, however healthy it is.
#[test]
fn liq_9_what_is_overdue_is_paid_or_sold() {
    let mut scene = Scene::new();
    let id = scene.alice_takes_a_loan(10_000);
    // After forty days one instalment is ten days late.
    let from_ms = scene.world.store.block_mut().time_ms;
    while scene.world.store.block_mut().time_ms < from_ms + 39 * DAY_MS + DAY_MS / 2 {
        scene.world.wait_ms(DAY_MS / 2);
        scene.prices(&[(ETH, 2_000 * USD), (USDC, USD)]);
        scene.look();
    }
    assert!(scene.due().is_empty());
    // The guard calls the block at the second of the default, not hours later.
    let passed_ms = scene.world.store.block_mut().time_ms - from_ms;
    scene.world.wait_ms(40 * DAY_MS + 2_000 - passed_ms);
    assert_eq!(scene.due(), [ALICES], "the guard knows the schedule");
    let mut with_units = scene.clone();
    scene.look();
    let offer = offerOfCall {
        account: reference(ALICES),
    };
    assert_ne!(
        scene.world.view(ADDRESS, &offer).sinceMs,
        0,
        "it is on offer"
    );
    assert!(scene.due().is_empty(), "and waits for buyers");
    assert!(!scene.unhealthy(ALICES));
    let owed = scene.owed(ALICES, USDC);
    scene.ok(CAROL, CAROLS, &[deposit(USDC, 20_000 * ONE)]);
    scene.ok(CAROL, CAROLS, &[bid(ALICES, USDC, 20_000 * ONE, ETH)]);
    assert_eq!(scene.owed(ALICES, USDC), U256::ZERO, "of {owed}");
    assert_eq!(scene.world.view(ADDRESS, &offer).sinceMs, 0);
    let gone = ITerm::loanOfCall { id };
    assert!(scene.world.call(ALICE, term::ADDRESS, &gone).is_err());
    // With units of the asset nothing is sold.
    let scene = &mut with_units;
    scene.ok(ALICE, ALICES, &[deposit(USDC, 12_000 * ONE)]);
    scene.world.wait_ms(DAY_MS);
    scene.prices(&[(ETH, 2_000 * USD), (USDC, USD)]);
    scene.look();
    assert_eq!(scene.owed(ALICES, USDC), U256::ZERO);
    let left = scene.holding(ALICES, ETH).expect("all of it").units;
    assert_eq!(left, n(10 * ONE));
    assert_eq!(scene.world.view(ADDRESS, &offer).sinceMs, 0);
}

#[test]
fn streams_pay_the_debt_before_anybody_sees_them() {
    let mut scene = Scene::new();
    let id = scene.stream_to(ALICES, 1_000, 100);
    let batch = [
        deposit(ETH, ONE),
        stream(Verb::Assign, id),
        borrow(USDC, 500 * ONE),
        withdraw(USDC, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    scene.world.wait_ms(10 * DAY_MS);
    scene.prices(&[(ETH, 2_000 * USD), (USDC, USD)]);
    // What has flowed counts already.
    let held = scene.holding(ALICES, USDC).expect("a row");
    assert_eq!(held.heldValue, n(100 * USD));
    let before = scene.owed(ALICES, USDC);
    let collect = collectCall { streamId: id };
    assert_eq!(scene.world.ok(BOB, ADDRESS, &collect), n(100 * ONE));
    assert_eq!(scene.owed(ALICES, USDC), before - n(100 * ONE));
    // Its owner cannot take it while he owes.
    let assigned = IStreams::StreamsAssigned {
        streamId: id,
        account: ALICE,
        index: 0,
    };
    scene.world.wait_ms(DAY_MS);
    let own = IStreams::collectCall { streamId: id };
    scene
        .world
        .refused(ALICE, streams::ADDRESS, &own, &assigned);
    // The debt is paid; the stream is its owner's again, the rest is units.
    scene.world.wait_ms(60 * DAY_MS);
    scene.prices(&[(ETH, 2_000 * USD), (USDC, USD)]);
    let owed = scene.owed(ALICES, USDC);
    assert_eq!(
        scene.ok(ALICE, ALICES, &[stream(Verb::Collect, id)]),
        [n(610 * ONE)]
    );
    let held = scene.holding(ALICES, USDC).expect("units");
    assert_eq!((held.owed, held.units), (U256::ZERO, n(610 * ONE) - owed));
    let listed = IStreams::assignedToCall {
        account: ALICE,
        index: 0,
    };
    assert!(scene.world.view(streams::ADDRESS, &listed).is_empty());
    scene.world.wait_ms(DAY_MS);
    assert_eq!(scene.world.ok(ALICE, streams::ADDRESS, &own), n(10 * ONE));
}

#[test]
fn streams_of_others_are_neither_assigned_nor_collected() {
    let mut scene = Scene::new();
    let id = scene.stream_to(ALICES, 1_000, 100);
    let stranger = AccountNotAuthorised {
        owner: ALICE,
        index: 0,
        caller: BOB,
    };
    scene.refused(BOB, BOBS, &[stream(Verb::Assign, id)], &stranger);
    let other = AccountOtherStream {
        streamId: id,
        owner: ALICE,
        index: 0,
    };
    scene.refused(BOB, BOBS, &[stream(Verb::Collect, id)], &other);
    let unknown = IStreams::StreamsUnknown { streamId: 9 };
    scene.refused(BOB, BOBS, &[stream(Verb::Collect, 9)], &unknown);
    // Anybody may bring what is due to its owner's account; there it waits, so that nobody fills another's sheet.
    scene.world.wait_ms(DAY_MS);
    assert_eq!(scene.due_of(id), n(10 * ONE));
    let collect = collectCall { streamId: id };
    scene.world.ok(BOB, ADDRESS, &collect);
    assert!(scene.holding(ALICES, USDC).is_none());
    assert_eq!(scene.ok(ALICE, ALICES, &[admit(USDC)]), [n(10 * ONE)]);
}

/// The block collects too: a stream that could pay an unhealthy account's debt does, before anything is sold.
#[test]
fn streams_pay_before_collateral_is_sold() {
    let mut scene = Scene::new();
    let id = scene.stream_to(ALICES, 1_000, 10);
    let batch = [
        deposit(ETH, ONE),
        stream(Verb::Assign, id),
        borrow(USDC, 1_500 * ONE),
        withdraw(USDC, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    scene.world.wait_ms(5 * DAY_MS);
    scene.prices(&[(ETH, 1_170 * USD), (USDC, USD)]);
    scene.look();
    let held = scene.holding(ALICES, USDC).expect("a debt");
    assert!(held.owed < n(1_002 * ONE), "{}", held.owed);
    assert_eq!(scene.due_of(id), U256::ZERO);
}

/// A unit of the debt, too small to pay a share of it, must not make an account immune.
#[test]
fn liq_6_a_speck_of_the_debt_holds_up_nothing() {
    let mut scene = Scene::with_dollar();
    scene.ok(BOB, BOBS, &[deposit(ETH, 100 * ONE), mint(1_000 * USD)]);
    let batch = [
        deposit(ETH, 10 * ONE),
        borrow(USDC, 5_000 * ONE),
        mint(5_000 * USD),
        withdraw(USDC, n(5_000 * ONE - 1), ALICE),
        withdraw(USD_ASSET, n(5_000 * USD - 1), ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    scene.world.wait_ms(30 * DAY_MS);
    scene.prices(&[(ETH, 900 * USD), (USDC, USD), (USD_ASSET, USD)]);
    let from = scene.world.store.logs().len();
    assert!(scene.look().contains(&ALICES));
    assert!(scene.events::<LookFailed>(from).is_empty());
    assert_eq!(scene.events::<OfferOpened>(from).len(), 1);
    // Nor does it in a batch that closes everything.
    scene.ok(ALICE, ALICES, &[action(Verb::CloseAll, Vec::new())]);
}

/// Income keeps its row from the moment of its assignment, before anything has flowed (ACC-6).
#[test]
fn acc_6_an_assigned_stream_stands_on_the_sheet() {
    let mut scene = Scene::new();
    let id = scene.stream_to(ALICES, 1_000, 10);
    scene.ok(ALICE, ALICES, &[stream(Verb::Assign, id)]);
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let income = registry::position(registry::INCOME).expect("known");
    assert_eq!(income.stands(cx, ALICES, AssetId::new(USDC)), Ok(true));
    let sheet = crate::account::Sheet::load(cx, ALICES).expect("reads");
    let row = sheet.rows.first().expect("a row");
    assert_eq!(row.kinds, 1 << registry::INCOME);
    // Another account of hers takes it over, the stream too.
    let hers = AccountId::new(ALICE, 1);
    let all = other(Verb::TakeOver, 0, U256::ZERO, ALICES);
    scene.ok(ALICE, hers, &[all]);
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let whose = streams::whose(cx, StreamId::new(id)).expect("known");
    assert_eq!(whose.assigned, Some(hers));
    assert_eq!(scene.holding(ALICES, USDC), None);
    assert!(scene.holding(hers, USDC).is_some());
}

/// The fullest sheet there can be: fourteen assets, each held, supplied and owed, eight loans of which every instalment
/// is unpaid, eight streams. A look at it must fit the gas without which no look begins (LIQ-6).
#[test]
fn liq_6_the_dearest_look_fits_its_gas() {
    let mut scene = Scene::new();
    let count = u32::try_from(ROWS_MAX).expect("small");
    for asset in 5..count {
        scene.list(&Listing::new(10 * USD, bps(5_000, 6_000)));
        scene.prices(&[(asset, 10 * USD)]);
        let batch = [
            deposit(asset, 1_000_000 * ONE),
            supply(asset, 1_000_000 * ONE),
        ];
        scene.ok(CAROL, CAROLS, &batch);
    }
    for asset in 0..count {
        let batch = [
            deposit(asset, 1_000 * ONE),
            supply(asset, 900 * ONE),
            borrow(asset, 50 * ONE),
        ];
        scene.ok(ALICE, ALICES, &batch);
    }
    for n_th in 0..8 {
        let terms = ITerm::OfferTerms {
            assetId: n_th + 1,
            rateBps: 10,
            instalments: 120,
            periodS: 3_600,
            amortisation: 1,
            graceS: 0,
            lateBps: 10,
            earlyFeeBps: 100,
            defaultS: 31_536_000,
            least: n(ONE),
            expiresMs: u64::MAX,
        };
        let offer = ITerm::offerCall {
            terms,
            amount: n(1_000 * ONE),
            index: 0,
        };
        let offer = scene.world.ok(BOB, term::ADDRESS, &offer);
        let taken = [
            loan(Verb::TakeLoan, offer, n(1_000 * ONE)),
            withdraw(n_th + 1, U256::MAX, ALICE),
        ];
        scene.ok(ALICE, ALICES, &taken);
        let id = scene.stream_to(ALICES, 1, 100);
        scene.ok(ALICE, ALICES, &[stream(Verb::Assign, id)]);
    }
    scene.world.wait_ms(6 * DAY_MS);
    let mut prices: Vec<_> = (0..count).map(|asset| (asset, 10 * USD)).collect();
    prices[0].1 = 2 * USD;
    scene.prices(&prices);
    assert!(scene.unhealthy(ALICES));
    let rows = scene.world.view(
        ADDRESS,
        &holdingsOfCall {
            account: reference(ALICES),
        },
    );
    assert_eq!(rows.len(), ROWS_MAX);
    let from = scene.world.store.logs().len();
    scene
        .world
        .system(SystemKind::Liquidate, &encode_accounts(&[ALICES]))
        .expect("looks");
    assert_eq!(scene.events::<LookFailed>(from).len(), 0);
    let used = scene.world.store.gas_used();
    println!("the dearest look: {used} gas of {LOOK_GAS}");
    assert!(used < LOOK_GAS, "{used} gas");
}

/// A share that a loss of lenders made worth less than a unit keeps its row: interest makes it worth one again.
#[test]
fn acc_6_a_share_worth_less_than_a_unit_keeps_its_row() {
    let mut scene = Scene::new();
    scene.alice_borrows(14_000);
    let forgiven = scene.world.inside(ADDRESS, ADDRESS, |cx| {
        lending::absorb(cx, AssetId::new(USDC), ALICES)?;
        let mut desk = Desk::new(ALICES);
        desk.mark(cx, ALICES, AssetId::new(USDC), registry::MARKET)?;
        desk.close(cx)
    });
    assert_eq!(forgiven, Ok(()));
    // Three shares are worth two units; one of them leaves with two shares.
    scene.ok(
        BOB,
        BOBS,
        &[deposit(USDC, 3), supply(USDC, 3), redeem(USDC, 1)],
    );
    let held = scene.holding(BOBS, USDC).expect("a row");
    assert_eq!((held.units, held.supplied), (n(1), n(0)));
    scene.ok(BOB, BOBS, &[withdraw(USDC, n(1), BOB)]);
    assert!(scene.holding(BOBS, USDC).is_some());
    let rich = AccountId::new(BOB, 1);
    let batch = [deposit(ETH, 1_000_000 * ONE), borrow(USDC, LENT / 2)];
    scene.ok(BOB, rich, &batch);
    scene.world.wait_ms(30 * DAY_MS);
    scene.prices(&[(ETH, 2_000 * USD), (USDC, USD)]);
    let held = scene.holding(BOBS, USDC).expect("a row");
    assert_eq!(held.supplied, n(1));
    check_all(&scene.world.store).expect("every invariant holds");
    scene.ok(
        BOB,
        BOBS,
        &[
            amount(Verb::Redeem, USDC, U256::MAX),
            withdraw(USDC, n(1), BOB),
        ],
    );
    assert!(scene.holding(BOBS, USDC).is_none());
}
