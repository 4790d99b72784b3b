//! Random batches, prices, times, looks and bids beside a model of plain integers, which predicts every answer, every error
//! with its numbers, every balance, share, debt, sheet, offer and health (ACC-1, ACC-3, ACC-6, ACC-9, LIQ-1 to LIQ-7).
//!
//! The index of guards follows the changes of storage and agrees with one that is read anew, and whoever assesses all
//! accounts finds nobody whom it does not call.

mod book;

use std::collections::{BTreeMap, BTreeSet};

use capstan_state::Halt;
use capstan_units::AssetId;

use self::book::{Act, Asker, Model, Quote, cash, room};
use super::*;
use crate::{
    account::{
        DEFER_MS, Sheet, encode_accounts,
        index::{Changes, GuardIndex},
    },
    invariant::check_all,
    lending::{
        self, CASH,
        ILending::{marketCall, pauseCall, unpauseCall},
        RESERVE, SEED,
    },
    oracle::{PriceUse, Side, Unusable},
    testkit::{
        dice::Dice,
        market::{Market, of},
    },
};

/// Steps in CI; `CAPSTAN_STEPS` asks for more.
const STEPS: u32 = 6_000;
/// Transactions between looks at the whole world.
const SWEEP: u32 = 500;
const ASSETS: [u32; 5] = [ETH, USDC, RISKY, DAI, ALONE];
const PEOPLE: [AccountId; 5] = [
    ALICES,
    BOBS,
    CAROLS,
    AccountId::new(ALICE, 1),
    AccountId::new(BOB, 200),
];
/// What Carol lends here: little, so that cash runs out.
const THIN: u128 = 60_000 * ONE;
/// Most that anybody deposits to pay with.
const PURSE: u128 = 500_000 * ONE;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A world in which caps, cash, prices and grace periods run out, and what the model knows of it.
fn begin() -> (Scene, Model) {
    let dollars = |initial, maintenance| Collateral {
        categoryInitialBps: 9_200,
        categoryMaintenanceBps: 9_400,
        category: 1,
        ..bps(initial, maintenance)
    };
    let alone = Collateral {
        isolated: true,
        depositCap: n(2 * THIN),
        ..bps(5_000, 6_000)
    };
    let mut all = [
        Listing::new(2_000 * USD, bps(8_000, 8_500)),
        Listing::new(USD, dollars(8_500, 9_000)),
        Listing::new(20 * USD, bps(4_000, 5_000)),
        Listing::new(USD, dollars(7_000, 8_000)),
        Listing::new(10 * USD, alone),
    ];
    all[2].feed.smoothMs = u32::try_from(HOUR_MS).expect("small");
    all[2].market.borrowCap = n(THIN * 2 / 3);
    all[3].market.supplyCap = n(THIN * 5 / 2);
    all[4].feed.graceMs = u32::try_from(2 * HOUR_MS).expect("small");
    all[4].feed.outageMs = all[4].feed.staleMs;
    let mut scene = Scene::with(&[]);
    let mut prices = Vec::new();
    for listing in &all {
        prices.push((scene.list(listing), listing.price));
    }
    for _ in 0..4 {
        scene.world.wait_ms(HOUR_MS);
        scene.report_prices(&prices);
    }
    let mut model = Model::new(0);
    for (asset, listing) in ASSETS.into_iter().zip(all) {
        let batch = [deposit(asset, THIN), supply(asset, THIN)];
        scene.ok(CAROL, CAROLS, &batch);
        let call = marketCall { assetId: asset };
        let market = scene.world.view(lending::ADDRESS, &call);
        let free = [(CASH, n(THIN + lending::SEED_MIN))];
        let shares = [(CAROLS, n(THIN)), (SEED, n(lending::SEED_MIN))];
        let market = Market {
            id: asset,
            free: free.into(),
            shares: shares.into(),
            debts: BTreeMap::new(),
            fees: U256::ZERO,
            supply_index: market.supplyIndex,
            borrow_index: market.borrowIndex,
            at_ms: scene.world.store.block_mut().time_ms,
            paused: 0,
            params: listing.market,
        };
        model.markets.insert(asset, market);
        model.terms.insert(asset, listing.collateral);
        model
            .sheets
            .entry(CAROLS)
            .or_default()
            .insert(asset, 1 << crate::registry::MARKET);
        for who in [ALICE, BOB, CAROL] {
            let units = n(scene.wallet(who, asset));
            model.wallets.insert((asset, who), units);
        }
    }
    (scene, model)
}

/// What the oracle says now.
fn ask(scene: &mut Scene, model: &mut Model) {
    let now_ms = scene.world.store.block_mut().time_ms;
    model.now_ms = now_ms;
    for asset in ASSETS {
        let feed = scene.feed(asset);
        let price = |price_use, side| feed.price(now_ms, price_use, side).map(|price| price.get());
        let sell = price(PriceUse::Liquidate, Side::Collateral);
        let quote = Quote {
            lend: price(PriceUse::Borrow, Side::Collateral)
                .ok()
                .zip(price(PriceUse::Borrow, Side::Debt).ok()),
            sell: sell.ok(),
            view: price(PriceUse::View, Side::Debt).ok(),
            latest: feed.spot().get(),
            in_grace: matches!(sell, Err(Unusable::Grace { .. })),
        };
        model.quotes.insert(asset, quote);
    }
}

/// What happened so far.
#[derive(Default)]
struct Seen {
    /// Answers of each verb, and each error.
    counts: BTreeMap<String, u32>,
    looks: usize,
    sick: usize,
}

impl Seen {
    fn note(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }
}

fn narrow(value: U256) -> u128 {
    u128::try_from(value).unwrap_or(u128::MAX >> 16)
}

/// An amount of the right order, or one that is none.
fn units(dice: &mut Dice, likely: U256) -> U256 {
    let likely = narrow(likely);
    match dice.below(80) {
        0 => n(u128::MAX),
        1..=5 => U256::MAX,
        6..=20 => n(dice.amount(likely)),
        _ => n(dice.below(likely.max(1)).saturating_add(1)),
    }
}

/// An asset of which something stands there, mostly; else any.
fn asset_of(dice: &mut Dice, stands: impl Fn(u32) -> bool) -> u32 {
    let fitting: Vec<u32> = ASSETS.into_iter().filter(|asset| stands(*asset)).collect();
    match dice.below(60) {
        0 => 9,
        1..=5 => dice.of(&ASSETS),
        _ if fitting.is_empty() => dice.of(&ASSETS),
        _ => dice.of(&fitting),
    }
}

/// Another account: of the same owner, mostly.
fn other_of(dice: &mut Dice, on: AccountId) -> AccountId {
    let family = PEOPLE
        .into_iter()
        .find(|one| one.owner == on.owner && *one != on);
    match (dice.below(4), family) {
        (1.., Some(one)) => one,
        _ => dice.of(&PEOPLE),
    }
}

fn price_of(model: &Model, asset: u32) -> U256 {
    n(model.quotes.get(&asset).map_or(USD, |quote| quote.latest))
}

fn roll_act(dice: &mut Dice, model: &Model, who: Address, on: AccountId) -> Vec<Act> {
    let is_free = |asset: u32| !model.free(asset, on).is_zero();
    let owes = |asset: u32| !model.owed(on, asset).is_zero();
    let worth = |asset: u32| {
        let market = model.markets.get(&asset);
        market.map_or(U256::ZERO, |market| market.worth(on))
    };
    match dice.below(22) {
        0..=4 => {
            // Three thousand dollars, if the price allows.
            let asset = asset_of(dice, |_| true);
            let purse = n(3_000) * n(ONE) * n(USD) / price_of(model, asset);
            vec![Act::Deposit(asset, units(dice, purse))]
        }
        5 | 6 => {
            let asset = asset_of(dice, is_free);
            vec![Act::Supply(asset, units(dice, model.free(asset, on)))]
        }
        7 => {
            let asset = asset_of(dice, |asset| !worth(asset).is_zero());
            vec![Act::Redeem(asset, units(dice, worth(asset)))]
        }
        8..=12 => {
            let asset = asset_of(dice, |asset| !cash(model, asset).is_zero());
            let room = room(model, on) * n(ONE) / price_of(model, asset);
            let likely = room.min(cash(model, asset) + n(5)) * n(80 + dice.below(22)) / n(100);
            let units = match dice.below(4) {
                0 => units(dice, likely),
                _ => likely,
            };
            vec![Act::Borrow(asset, units), Act::Withdraw(asset, units, who)]
        }
        13 => {
            let asset = asset_of(dice, |_| true);
            vec![Act::Borrow(asset, units(dice, cash(model, asset)))]
        }
        14 | 15 => {
            let asset = asset_of(dice, owes);
            let units = units(dice, model.owed(on, asset));
            vec![
                Act::Deposit(asset, units.min(n(PURSE))),
                Act::Repay(asset, units),
            ]
        }
        16 => {
            let asset = asset_of(dice, is_free);
            let to = dice.of(&[who, who, who, who, Address::ZERO, ledger::ADDRESS]);
            vec![Act::Withdraw(asset, units(dice, model.free(asset, on)), to)]
        }
        17 => {
            let asset = asset_of(dice, is_free);
            let units = units(dice, model.free(asset, on));
            vec![Act::Transfer(asset, units, other_of(dice, on))]
        }
        18 => {
            let from = other_of(dice, on);
            let asset = asset_of(dice, |asset| !model.owed(from, asset).is_zero());
            vec![Act::TakeDebt(
                asset,
                units(dice, model.owed(from, asset)),
                from,
            )]
        }
        19 if dice.below(3) == 0 => vec![Act::TakeOver(other_of(dice, on))],
        19 | 20 => match dice.below(12) {
            0 => vec![Act::Unknown(999)],
            1 => vec![Act::Garbled(Verb::Supply)],
            _ => vec![Act::CloseAll],
        },
        _ => {
            let account = other_of(dice, on);
            roll_bid(dice, model, account)
        }
    }
}

/// Somebody pays for what is on offer.
fn roll_bid(dice: &mut Dice, model: &Model, account: AccountId) -> Vec<Act> {
    let debt = asset_of(dice, |asset| !model.owed(account, asset).is_zero());
    let holds = |asset: u32| {
        let sheet = model.sheets.get(&account);
        sheet.is_some_and(|sheet| sheet.contains_key(&asset))
    };
    let owed = model.owed(account, debt);
    let most = match dice.below(3) {
        0 => units(dice, owed),
        _ => owed,
    };
    let least = dice.of(&[0, 0, 0, 0, 1, 1_000_000 * ONE]);
    let bid = Act::Bid {
        account,
        debt,
        most,
        collateral: asset_of(dice, holds),
        least: n(least),
    };
    vec![Act::Deposit(debt, most.min(n(PURSE))), bid]
}

fn batch(scene: &mut Scene, model: &mut Model, dice: &mut Dice, seen: &mut Seen, step: u32) {
    let on = dice.of(&PEOPLE);
    let who = match dice.below(25) {
        0 => dice.of(&[ALICE, BOB, CAROL]),
        _ => on.owner,
    };
    let offered: Vec<AccountId> = model.offers.keys().copied().collect();
    let acts: Vec<Act> = if !offered.is_empty() && dice.below(3) == 0 {
        let account = dice.of(&offered);
        roll_bid(dice, model, account)
    } else {
        let count = dice.of(&[1, 1, 1, 2, 3]);
        (0..count)
            .flat_map(|_| roll_act(dice, model, who, on))
            .collect()
    };
    let actions: Vec<Action> = acts.iter().map(Act::action).collect();
    let happened = scene.run(who, on, &actions);
    let expected = model.run(who, on, &acts);
    match &expected {
        Ok(_) => acts.iter().for_each(|act| seen.note(act.name())),
        Err(halt) => seen.note(&error_name(halt)),
    }
    let expected: Result<Vec<Bytes>, Halt> = expected.map(|answers| {
        let answers = answers.into_iter();
        answers
            .map(|answer| answer.map_or(Bytes::new(), |units| units.abi_encode().into()))
            .collect()
    });
    let said = |answer: &Result<Vec<Bytes>, Halt>| match answer {
        Ok(answers) => format!("{answers:?}"),
        Err(halt) => words(halt),
    };
    assert!(
        happened == expected,
        "step {step}: {acts:?} of {who} on {on}: {} instead of {}",
        said(&happened),
        said(&expected)
    );
}

/// The name of an error, without its numbers.
fn error_name(halt: &Halt) -> String {
    let said = words(halt);
    said.split('(').next().unwrap_or_default().to_owned()
}

/// Errors that must come up in a run.
const ERRORS: &[&str] = &[
    "AccountBadArguments",
    "AccountBidTooDear",
    "AccountDebtTooSmall",
    "AccountDepositCap",
    "AccountHealthy",
    "AccountInFlight",
    "AccountNotAuthorised",
    "AccountNotOffered",
    "AccountNothingOwed",
    "AccountPriceUnusable",
    "AccountSameAccount",
    "AccountUnhealthy",
    "AccountUnknownVerb",
    "ERC20InsufficientBalance",
    "LedgerBadWallet",
    "LedgerInsufficient",
    "LedgerUnknownAsset",
    "LedgerZeroAmount",
    "LendingBorrowCap",
    "LendingInsufficientShares",
    "LendingNoCash",
    "LendingPaused",
    "LendingSupplyCap",
    "LendingTooSmall",
    "LendingUnknownMarket",
    "LendingZeroAmount",
    "Panic",
];

/// Errors that a long run may meet.
const RARE: &[&str] = &["AccountUnderpaid", "LendingIndexTooLow"];

/// Verbs that must work in a run.
const VERBS: &[&str] = &[
    "deposit", "withdraw", "supply", "redeem", "borrow", "repay", "transfer", "takeDebt",
    "closeAll", "takeOver", "bid",
];

/// An operator comes or goes, or a market pauses or goes on.
fn govern(scene: &mut Scene, model: &mut Model, dice: &mut Dice) {
    if dice.below(2) == 0 {
        let account = dice.of(&PEOPLE);
        let operator = dice.of(&[ALICE, BOB, CAROL]);
        let until_ms = model.now_ms + u64::try_from(dice.below(2)).expect("small") * DAY_MS;
        let appoint = setOperatorCall {
            index: account.index,
            operator,
            untilMs: until_ms,
        };
        scene.world.ok(account.owner, ADDRESS, &appoint);
        model.operators.insert((account, operator), until_ms);
        return;
    }
    let asset = dice.of(&ASSETS);
    let market = model.markets.get_mut(&asset).expect("listed");
    if market.paused == 0 && dice.below(6) == 0 {
        let verbs = u8::try_from(1 + dice.below(7)).expect("small");
        let pause = pauseCall {
            assetId: asset,
            verbs,
        };
        scene.world.ok(OWNER, lending::ADDRESS, &pause);
        market.paused |= verbs;
    } else {
        let unpause = unpauseCall {
            assetId: asset,
            verbs: 7,
        };
        scene.world.ok(OWNER, lending::ADDRESS, &unpause);
        market.paused = 0;
    }
}

/// A price falls or rises; what is far from where it began comes back.
fn move_price(scene: &mut Scene, dice: &mut Dice) {
    let asset = dice.of(&ASSETS);
    let first = [2_000, 1, 20, 1, 10][usize::try_from(asset).expect("small")] * USD;
    let before = scene.spot(asset);
    let percent = match dice.below(5) {
        _ if before < first / 8 => 150 + dice.below(45),
        _ if before > first * 8 => 50,
        0 => 5 + dice.below(50),
        _ => 60 + dice.below(90),
    };
    scene.report_prices(&[(asset, before * percent / 100)]);
}

/// All reporters speak of all assets, so that prices are usable again.
fn refresh_prices(scene: &mut Scene) {
    let prices = ASSETS.map(|asset| (asset, scene.spot(asset)));
    scene.report_prices(&prices);
}

/// The block looks at whom the index calls, and at somebody besides.
fn look(scene: &mut Scene, model: &mut Model, dice: &mut Dice, seen: &mut Seen) {
    let mut due = scene.due();
    seen.looks += due.len();
    if dice.below(8) == 0 {
        due.push(dice.of(&PEOPLE));
    }
    if due.is_empty() {
        return;
    }
    let looked = scene
        .world
        .system(SystemKind::Liquidate, &encode_accounts(&due));
    looked.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    for who in due {
        model.look(who);
    }
}

fn compare(scene: &mut Scene, model: &Model, seen: &mut Seen, step: u32) {
    let due = scene.due();
    for asset in ASSETS {
        let market = &model.markets[&asset];
        let call = marketCall { assetId: asset };
        let seen = scene.world.view(lending::ADDRESS, &call);
        let ahead = model.ahead(asset);
        assert_eq!(
            (seen.supplyIndex, seen.borrowIndex),
            (ahead.supply_index, ahead.borrow_index),
            "step {step}: indexes of {asset}"
        );
        for who in PEOPLE.into_iter().chain([CASH, RESERVE, SEED]) {
            let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
            let free = ledger::free(cx, AssetId::new(asset), who).expect("reads");
            let [shares, debts] = lending::tests::stored_of(cx, asset, who);
            assert_eq!(
                [free.to_u256(), shares, debts],
                [
                    of(&market.free, who),
                    of(&market.shares, who),
                    of(&market.debts, who)
                ],
                "step {step}: units, shares and debt shares of {who} in {asset}"
            );
        }
        for who in [ALICE, BOB, CAROL] {
            let wallet = n(scene.wallet(who, asset));
            assert_eq!(
                wallet,
                model.wallet(asset, who),
                "step {step}: wallet of {who}"
            );
        }
    }
    for who in PEOPLE {
        compare_account(scene, model, who, &due, seen, step);
    }
}

fn compare_account(
    scene: &mut Scene,
    model: &Model,
    who: AccountId,
    due: &[AccountId],
    seen: &mut Seen,
    step: u32,
) {
    let account = reference(who);
    let offer = scene.world.view(ADDRESS, &offerOfCall { account });
    let since_ms = model.offers.get(&who).copied().unwrap_or_default();
    assert_eq!(offer.sinceMs, since_ms, "step {step}: offer of {who}");
    let account = reference(who);
    let health = scene.world.call(BOB, ADDRESS, &healthOfCall { account });
    let expected = model.sum(who, Asker::Owner).map(|sum| sum.health());
    assert_eq!(health, expected, "step {step}: health of {who}");
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let sheet = Sheet::load(cx, who).expect("reads");
    let rows: BTreeMap<u32, u8> = sheet
        .rows
        .iter()
        .map(|row| (row.asset.get(), row.kinds))
        .collect();
    let noted = model.sheets.get(&who).cloned().unwrap_or_default();
    assert_eq!(rows, noted, "step {step}: sheet of {who}");
    let unhealthy = scene.unhealthy(who);
    assert_eq!(unhealthy, model.unhealthy(who), "step {step}: {who}");
    if unhealthy {
        seen.sick += 1;
        let look_ms = u64::from(sheet.look_by_s) * 1_000;
        let awaited = look_ms != 0 && look_ms <= model.now_ms + DEFER_MS;
        assert!(
            due.contains(&who) || awaited,
            "step {step}: LIQ-1: nobody looks at {who}, {sheet:?}"
        );
    }
}

/// The index of guards, as whoever follows a chain keeps it.
struct Follower {
    words: BTreeMap<U256, U256>,
    index: GuardIndex,
}

impl Follower {
    fn words_of(scene: &Scene) -> BTreeMap<U256, U256> {
        let all = scene.world.store.words();
        all.filter(|(at, ..)| *at == ADDRESS)
            .map(|(_, slot, word)| (slot, word))
            .collect()
    }

    fn new(scene: &Scene) -> Self {
        Self {
            words: Self::words_of(scene),
            index: GuardIndex::of(&scene.world.store).expect("reads"),
        }
    }

    /// LIQ-2: following changes and reading anew give the same set.
    fn follow(&mut self, scene: &Scene, step: u32) {
        let after = Self::words_of(scene);
        let mut changes = Changes::default();
        let slots: BTreeSet<_> = self.words.keys().chain(after.keys()).collect();
        for slot in slots {
            let get = |words: &BTreeMap<U256, U256>| words.get(slot).copied().unwrap_or_default();
            changes.note(*slot, get(&self.words), get(&after));
        }
        self.index.apply(&changes);
        let anew = GuardIndex::of(&scene.world.store).expect("reads");
        assert_eq!(self.index, anew, "step {step}: LIQ-2");
        self.words = after;
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "how long a run is, is asked by its variable"
)]
fn steps() -> u32 {
    let asked = std::env::var("CAPSTAN_STEPS").ok();
    asked.and_then(|steps| steps.parse().ok()).unwrap_or(STEPS)
}

#[test]
fn random_batches_prices_looks_and_bids_agree_with_a_model() {
    let mut dice = Dice::new("account::tests::model");
    let (mut scene, mut model) = begin();
    scene.world.sweep_every = SWEEP;
    let (steps, mut seen) = (steps(), Seen::default());
    ask(&mut scene, &mut model);
    let mut follower = Follower::new(&scene);
    for step in 0..steps {
        match dice.below(24) {
            0..=14 => batch(&mut scene, &mut model, &mut dice, &mut seen, step),
            15..=18 => move_price(&mut scene, &mut dice),
            19 => govern(&mut scene, &mut model, &mut dice),
            20..=22 => {
                let ms = dice.of(&[1, 250, 60_000, 400_000, HOUR_MS, 10 * HOUR_MS]);
                scene.world.wait_ms(ms);
            }
            _ => {
                if dice.below(8) == 0 {
                    scene.world.wait_ms(30 * DAY_MS);
                }
                refresh_prices(&mut scene);
            }
        }
        ask(&mut scene, &mut model);
        compare(&mut scene, &model, &mut seen, step);
        if dice.below(2) == 0 {
            look(&mut scene, &mut model, &mut dice, &mut seen);
            compare(&mut scene, &model, &mut seen, step);
        }
        follower.follow(&scene, step);
    }
    check_all(&scene.world.store).expect("every invariant holds");
    let Seen {
        counts,
        looks,
        sick,
    } = seen;
    let forgiven = model.forgiven;
    println!(
        "{steps} steps, {looks} looks, {sick} times somebody was unhealthy, {forgiven} debts forgiven: {counts:?}"
    );
    for what in counts.keys() {
        let mut known = [VERBS, ERRORS, RARE].into_iter().flatten();
        assert!(known.any(|one| one == what), "{what} is not in the lists");
    }
    if steps < STEPS {
        return;
    }
    for what in VERBS.iter().chain(ERRORS) {
        assert!(counts.contains_key(*what), "{what} never came up");
    }
    assert!(looks > 50 && sick > 20 && forgiven > 0);
}
