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
    forgiven: usize,
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

fn roll_act(dice: &mut Dice, model: &Model, who: Address, on: AccountId) -> Vec<Act> {
    let asset = match dice.below(60) {
        0 => 9,
        _ => dice.of(&ASSETS),
    };
    let price = model.quotes.get(&asset).map_or(USD, |quote| quote.latest);
    let other_one = dice.of(&PEOPLE);
    let market = model.markets.get(&asset);
    let worth = market.map_or(U256::ZERO, |market| market.worth(on));
    let free = model.free(asset, on);
    // Three thousand dollars, if the price allows.
    let purse = n(3_000) * n(ONE) * n(USD) / n(price);
    let offered: Vec<AccountId> = model.offers.keys().copied().collect();
    // Bids come where something is on offer.
    let most = if offered.is_empty() { 21 } else { 26 };
    match dice.below(most) {
        0..=3 => vec![Act::Deposit(asset, units(dice, purse))],
        4 | 5 => vec![Act::Supply(asset, units(dice, free))],
        6 => vec![Act::Redeem(asset, units(dice, worth))],
        7..=10 => {
            let room = room(model, on) * n(ONE) / n(price);
            let likely = room.min(cash(model, asset) + n(5)) * n(80 + dice.below(22)) / n(100);
            let units = match dice.below(4) {
                0 => units(dice, likely),
                _ => likely,
            };
            vec![Act::Borrow(asset, units), Act::Withdraw(asset, units, who)]
        }
        11 => vec![Act::Borrow(asset, units(dice, cash(model, asset)))],
        12 | 13 => vec![Act::Repay(asset, units(dice, model.owed(on, asset)))],
        14 => {
            let to = dice.of(&[who, who, who, Address::ZERO, ledger::ADDRESS]);
            vec![Act::Withdraw(asset, units(dice, free), to)]
        }
        15 => vec![Act::Transfer(asset, units(dice, free), other_one)],
        16 => {
            let owed = model.owed(other_one, asset);
            vec![Act::TakeDebt(asset, units(dice, owed), other_one)]
        }
        17 | 18 if dice.below(3) == 0 => vec![Act::TakeOver(other_one)],
        17..=19 => match dice.below(8) {
            0 => vec![Act::Unknown(999)],
            1 => vec![Act::Garbled(Verb::Supply)],
            _ => vec![Act::CloseAll],
        },
        _ => {
            let account = match offered.is_empty() || dice.below(8) == 0 {
                true => other_one,
                false => dice.of(&offered),
            };
            let owing = |asset: &u32| !model.owed(account, *asset).is_zero();
            let debts: Vec<u32> = ASSETS.into_iter().filter(owing).collect();
            let debt = match debts.is_empty() || dice.below(8) == 0 {
                true => asset,
                false => dice.of(&debts),
            };
            let most = units(dice, model.owed(account, debt));
            let rest = narrow(most).min(50_000_000 * ONE);
            let least = dice.of(&[0, 0, 0, 1, 1_000 * ONE]);
            vec![
                Act::Deposit(debt, n(rest)),
                Act::Bid {
                    account,
                    debt,
                    most,
                    collateral: dice.of(&ASSETS),
                    least: n(least),
                },
            ]
        }
    }
}

fn batch(scene: &mut Scene, model: &mut Model, dice: &mut Dice, seen: &mut Seen, step: u32) {
    let on = dice.of(&PEOPLE);
    let who = match dice.below(12) {
        0 => dice.of(&[ALICE, BOB, CAROL]),
        _ => on.owner,
    };
    let count = dice.of(&[1, 1, 1, 2, 3]);
    let acts: Vec<Act> = (0..count)
        .flat_map(|_| roll_act(dice, model, who, on))
        .collect();
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
    if market.paused == 0 && dice.below(3) == 0 {
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

fn move_price(scene: &mut Scene, dice: &mut Dice) {
    let asset = dice.of(&ASSETS);
    let percent = 55 + dice.below(80);
    let before = scene.spot(asset);
    let price = (before * percent / 100).clamp(USD / 1_000, 1_000_000 * USD);
    scene.report_prices(&[(asset, price)]);
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
        let owed = |model: &Model| {
            ASSETS
                .iter()
                .any(|asset| !model.owed(who, *asset).is_zero())
        };
        let (before, was_on_offer) = (owed(model), model.offers.contains_key(&who));
        model.look(who);
        seen.forgiven += usize::from(before && !owed(model) && was_on_offer);
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
        forgiven,
    } = seen;
    println!(
        "{steps} steps, {looks} looks, {sick} times somebody was unhealthy, {forgiven} debts forgiven: {counts:?}"
    );
    for what in counts.keys() {
        let is_named = VERBS.contains(&what.as_str()) || ERRORS.contains(&what.as_str());
        assert!(is_named, "{what} is not in the lists above");
    }
    for what in VERBS.iter().chain(ERRORS) {
        assert!(counts.contains_key(*what), "{what} never came up");
    }
    assert!(looks > 50 && sick > 20 && forgiven > 0);
}
