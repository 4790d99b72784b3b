//! Random batches, prices, times, looks, bids, loans, streams, stakes, redemptions and limits beside a model of plain
//! integers, which predicts every answer, every error with its numbers, every balance, share, debt, piece, sheet, offer,
//! health and loss (ACC-1, ACC-3, ACC-6, ACC-9, ACC-11, ACC-21 to ACC-24, LIQ-1 to LIQ-11, RED-1, RED-3).
//!
//! ```text
//!   act    a batch, as the chain and the model take it         book   who has what, in which kinds; how it moves
//!   roll   random batches       outside   all other steps      sheet  what it is worth     offer, look, matching, redeem  sales
//!   compare  chain = model                                     usd, loans, streams, stakes, pools, gate, limits  by room
//! ```
//!
//! What a step touches is compared after it, all of it every [`SWEEP`] steps. The index of guards follows the changes of
//! storage; whoever assesses all accounts by the model after every step finds nobody whom it does not call.

mod act;
mod book;
mod compare;
mod gate;
mod limits;
mod loans;
mod look;
mod matching;
mod offer;
mod outside;
mod pools;
mod redeem;
mod roll;
mod sheet;
mod stakes;
mod streams;
mod usd;
mod verbs;

use std::{collections::BTreeMap, fmt::Debug};

use alloy_sol_types::SolEvent;

use self::{
    book::{Model, Told},
    compare::Follower,
    gate::Gate,
    pools::Pool,
    sheet::{Counting, Quote},
    stakes::Stake,
    usd::Usd,
};
use super::{debts::USD_ASSET, *};
use crate::{
    account::encode_accounts,
    backstop::{self, IBackstop},
    dollar::IDollar::DollarParams,
    exchange::{
        self, Curve,
        IExchange::{self, poolCall},
    },
    invariant::check_all,
    lending::{self, CASH, ILending::marketCall, SEED},
    oracle::{PriceUse, Side, Unusable},
    testkit::{dice::Dice, market::Market, steps},
};

/// Steps between comparisons of everything, and of transactions between looks at all invariants.
const SWEEP: u32 = 100;
const INVARIANTS: u32 = 1_000;
/// Steps of one world: where everything was lost once, little happens any more.
const PLAY: u32 = 2_000;
/// Assets with a market.
const LENT: [u32; 5] = [ETH, USDC, RISKY, DAI, ALONE];
const ASSETS: [u32; 6] = [ETH, USDC, RISKY, DAI, ALONE, USD_ASSET];
/// Where prices begin, in dollars.
const FIRST: [u128; 6] = [2_000, 1, 20, 1, 10, 1];
/// Foreign code that runs batches: it owns an account and may be anybody's operator.
const FOREIGN: Address = account(0x77);
const WALLETS: [Address; 4] = [ALICE, BOB, CAROL, FOREIGN];
const PEOPLE: [AccountId; 6] = [
    ALICES,
    BOBS,
    CAROLS,
    AccountId::new(ALICE, 1),
    AccountId::new(BOB, 200),
    AccountId::new(FOREIGN, 3),
];
/// Pools of liquidity: their numbers, and what they begin with.
const POOLS: [u32; 3] = [0, 1, 2];
const FILLED: [[(u32, u128); 2]; 3] = [
    [(ETH, 100 * ONE), (USDC, 200_000 * ONE)],
    [(USDC, 100_000 * ONE), (DAI, 100_000 * ONE)],
    [(USDC, 10_000 * ONE), (ALONE, 1_000 * ONE)],
];
/// Who filled them, and trades in them. Nothing of it is on a sheet.
const MAKER: AccountId = AccountId::new(CAROL, 99);
/// What Carol lends here: little, so that cash runs out.
const THIN: u128 = 60_000 * ONE;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A run: the chain, the model, and what happened so far.
struct Run {
    scene: Scene,
    model: Model,
    dice: Dice,
    follower: Follower,
    step: u32,
    /// Answers of each verb, and each error.
    counts: BTreeMap<String, u32>,
    looks: u32,
    sick: u32,
    /// At whom the next look looks besides.
    called: Vec<AccountId>,
}

fn listings() -> [Listing; 5] {
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
    // Of what is risky a tenth may leave within the hour.
    all[2].limit.windowS = 3_600;
    all[2].limit.shareBps = 1_000;
    all[2].limit.floor = n(500 * ONE);
    all
}

fn dollar_params() -> DollarParams {
    DollarParams {
        stabilityBps: 500,
        savingsBps: 0,
        redemptionFeeBps: 50,
        refillS: 7_200,
        ceiling: n(120_000 * USD),
        headroom: n(40_000 * USD),
        redemptionMin: n(100 * USD),
        surplusFloor: U256::ZERO,
    }
}

fn stake_params() -> IBackstop::StakeParams {
    IBackstop::StakeParams {
        cap: n(backstop::CAP_MAX),
        cooldownMs: 10 * DAY_MS,
        windowMs: 2 * DAY_MS,
        rewardMs: DAY_MS,
        saleMs: HOUR_MS,
        saleStartBps: 10_500,
        saleFloorBps: 8_000,
    }
}

/// A world in which caps, cash, prices and grace periods run out, and what the model knows of it.
fn begin() -> (Scene, Model) {
    let all = listings();
    let mut scene = Scene::with(&[]);
    let mut prices = Vec::new();
    for listing in &all {
        prices.push((scene.list(listing), listing.price));
    }
    for token in scene.tokens.clone() {
        scene.world.mint(token, FOREIGN, RICH);
    }
    scene.open_dollar(dollar_params());
    prices.push((USD_ASSET, USD));
    for _ in 0..4 {
        scene.world.wait_ms(HOUR_MS);
        scene.report_prices(&prices);
    }
    // Whoever runs foreign code runs what he sends along.
    scene.world.store.on_call(FOREIGN, |store, request| {
        let outcome = store.call_simply(FOREIGN, ADDRESS, request.input.clone())?;
        if outcome.success {
            Ok(Bytes::new())
        } else {
            Err(Halt::Revert(outcome.output))
        }
    });
    let now_ms = scene.world.store.block_mut().time_ms;
    let mut model = Model::new(Usd::new(dollar_params(), now_ms));
    for (asset, listing) in LENT.into_iter().zip(&all) {
        open_market(&mut scene, &mut model, asset, listing);
    }
    let usd = Listing::new(USD, bps(8_500, 9_000));
    let counting = Counting::new(usd.collateral, now_ms);
    model.terms.insert(USD_ASSET, counting);
    let mut gate = usd.limit;
    gate.windowS = 86_400;
    gate.shareBps = 0;
    model.gates.insert(USD_ASSET, Gate::new(gate));
    for (id, coins) in POOLS.into_iter().zip(FILLED) {
        fill_pool(&mut scene, &mut model, id, coins);
    }
    for asset in LENT {
        model.wallets.insert((asset, OWNER), n(backstop::SEED_MIN));
        open_stake(&mut scene, &mut model, asset);
    }
    (scene, model)
}

/// Carol lends a little of an asset.
fn open_market(scene: &mut Scene, model: &mut Model, asset: u32, listing: &Listing) {
    let now_ms = scene.world.store.block_mut().time_ms;
    let view = marketCall { assetId: asset };
    let view = scene.world.view(lending::ADDRESS, &view);
    let market = Market {
        id: asset,
        free: [(CASH, n(lending::SEED_MIN))].into(),
        shares: [(SEED, n(lending::SEED_MIN))].into(),
        debts: BTreeMap::new(),
        fees: U256::ZERO,
        supply_index: view.supplyIndex,
        borrow_index: view.borrowIndex,
        at_ms: now_ms,
        paused: 0,
        params: listing.market.clone(),
    };
    model.markets.insert(asset, market);
    model.gates.insert(asset, Gate::new(listing.limit.clone()));
    let counting = Counting::new(listing.collateral.clone(), now_ms);
    model.terms.insert(asset, counting);
    for who in WALLETS {
        model.wallets.insert((asset, who), n(RICH));
    }
    scene.ok(CAROL, CAROLS, &[deposit(asset, THIN), supply(asset, THIN)]);
    let acts = [
        act::Act::Deposit(asset, n(THIN)),
        act::Act::Supply(asset, n(THIN)),
    ];
    model.run(CAROL, CAROLS, &acts).expect("she may");
}

/// Carol fills a pool, which is shut from then on, and keeps as much again to trade with.
fn fill_pool(scene: &mut Scene, model: &mut Model, id: u32, coins: [(u32, u128); 2]) {
    let made = super::pools::pool(scene, (Curve::Product, 3_000, 0), &coins);
    assert_eq!(made, id);
    for (asset, amount) in coins {
        super::pools::stock(scene, asset, amount);
        let units = n(amount);
        for _ in 0..2 {
            model.pull(asset, CAROL, MAKER, units).expect("hers");
        }
        let filled = model.shift(asset, MAKER, exchange::VAULT, units);
        filled.expect("hers");
    }
    let pause = IExchange::pausePoolCall { poolId: id };
    scene.world.ok(OWNER, exchange::ADDRESS, &pause);
    let seen = poolCall { poolId: id };
    let seen = scene.world.view(exchange::ADDRESS, &seen);
    let pool = Pool {
        coins: coins.map(|(asset, _)| asset),
        reserves: coins.map(|(_, amount)| n(amount)),
        total: seen.totalShares,
        shares: BTreeMap::new(),
        put_in: BTreeMap::new(),
    };
    model.pools.insert(id, pool);
}

/// The owner stakes a seed. Whatever else a stake has are rewards: nobody joins or leaves here.
fn open_stake(scene: &mut Scene, model: &mut Model, asset: u32) {
    let seed = n(backstop::SEED_MIN);
    let open = IBackstop::openStakeCall {
        assetId: asset,
        params: stake_params(),
        seed,
    };
    scene.world.ok(OWNER, backstop::ADDRESS, &open);
    model.pull(asset, OWNER, backstop::POT, seed).expect("his");
    let stake = Stake::new(stake_params(), seed);
    model.stakes.all.insert(asset, stake);
}

impl Run {
    fn new(dice: Dice) -> Self {
        let (mut scene, model) = begin();
        scene.world.sweep_every = INVARIANTS;
        scene.world.watched = Some(ADDRESS);
        let follower = Follower::new(&scene);
        let mut run = Self {
            scene,
            model,
            dice,
            follower,
            step: 0,
            counts: BTreeMap::new(),
            looks: 0,
            sick: 0,
            called: Vec::new(),
        };
        run.ask();
        run.stake_dollars();
        run
    }

    /// Goes on in a new world.
    fn anew(self) -> Self {
        Self {
            step: self.step,
            counts: self.counts,
            looks: self.looks,
            sick: self.sick,
            ..Self::new(self.dice)
        }
    }

    fn now_ms(&mut self) -> u64 {
        self.scene.world.store.block_mut().time_ms
    }

    /// What the oracle says now.
    fn ask(&mut self) {
        let now_ms = self.now_ms();
        self.model.go(now_ms);
        for asset in ASSETS {
            let feed = self.scene.feed(asset);
            let price =
                |price_use, side| feed.price(now_ms, price_use, side).map(|price| price.get());
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
            self.model.quotes.insert(asset, quote);
        }
    }

    /// Carol mints the seed of the dollar's stake.
    fn stake_dollars(&mut self) {
        let units = n(100 * USD);
        let acts = [
            act::Act::Mint(units),
            act::Act::Withdraw(USD_ASSET, units, OWNER),
        ];
        let actions = acts.each_ref().map(act::Act::action);
        self.scene.ok(CAROL, CAROLS, &actions);
        self.model.run(CAROL, CAROLS, &acts).expect("she may");
        open_stake(&mut self.scene, &mut self.model, USD_ASSET);
    }

    fn note(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    /// The chain and the model say the same.
    #[track_caller]
    fn agree<T: PartialEq + Debug>(
        &mut self,
        what: &str,
        happened: &Result<T, Halt>,
        expected: &Result<T, Halt>,
    ) {
        let said = |answer: &Result<T, Halt>| match answer {
            Ok(answer) => format!("{answer:?}"),
            Err(halt) => words(halt),
        };
        assert!(
            happened == expected,
            "step {}: {what}: {} instead of {}",
            self.step,
            said(happened),
            said(expected)
        );
        match expected {
            Ok(_) => self.note(what.split(' ').next().unwrap_or_default()),
            Err(halt) => {
                let said = words(halt);
                self.note(said.split('(').next().unwrap_or_default());
            }
        }
    }

    /// A call of a wallet, as the chain and the model take it.
    #[track_caller]
    fn call<C: SolCall<Return: PartialEq + Debug>>(
        &mut self,
        what: &str,
        who: Address,
        to: Address,
        call: &C,
        expected: impl FnOnce(&mut Model) -> Result<C::Return, Halt>,
    ) {
        let happened = self.scene.world.call(who, to, call);
        let expected = self.model.attempt(expected);
        self.agree(what, &happened, &expected);
    }

    /// What the chain said of liquidations is what the model says.
    fn agree_on_events(&mut self, from: usize) {
        let logs = self.scene.world.store.logs()[from..].iter();
        let logs = logs.filter(|log| log.address == ADDRESS);
        let told: Vec<Told> = logs.filter_map(|log| told(&log.data)).collect();
        assert_eq!(told, self.model.told, "step {}: events", self.step);
        for one in &self.model.told {
            let name = match one {
                Told::Step { venue, .. } => format!("venue {venue}"),
                Told::Done { before, .. } if *before >= n(USD) => "for what is overdue".to_owned(),
                Told::Done { .. } => continue,
                Told::Loss { tier, .. } => format!("tier {tier}"),
                Told::Apart { .. } => "apart".to_owned(),
            };
            *self.counts.entry(name).or_default() += 1;
        }
        self.model.told.clear();
    }

    /// One random thing happens; then the block looks, sometimes.
    fn turn(&mut self) {
        self.scene.world.store.forget_logs();
        self.model.touched.clear();
        match self.dice.below(44) {
            0..=19 => self.batch(),
            20..=22 => self.move_price(),
            23 | 24 => self.govern(),
            25..=27 => {
                let times = [1, 250, 60_000, 400_000, HOUR_MS, 10 * HOUR_MS];
                let ms = self.dice.of(&times);
                self.scene.world.wait_ms(ms);
            }
            28 => self.refresh_prices(),
            29..=31 => self.stream_step(),
            32 | 38 => self.lend_at_terms(),
            33 | 34 => self.request_step(),
            35 => self.stake_step(),
            36 => self.limit_step(),
            37 => self.deposit_to(),
            39 => self.crash(),
            40 => self.oppose(),
            41 => self.swap(),
            _ => self.batch(),
        }
        self.agree_on_events(0);
        let touched: Vec<AccountId> = self.model.touched.iter().map(|one| one.account).collect();
        self.ask();
        self.follow();
        self.compare(&touched);
        if self.dice.below(2) == 0 || !self.called.is_empty() {
            let looked = self.look();
            self.follow();
            if !looked.is_empty() {
                self.compare_accounts(&looked);
                self.check_guards();
            }
        }
        self.model.streams.forget_spent();
    }

    /// The block looks at whom the index calls, and at somebody besides; then it lets debtors pay dollars that wait.
    fn look(&mut self) -> Vec<AccountId> {
        let mut due = self.due();
        self.looks += u32::try_from(due.len()).expect("few");
        match self.dice.below(8) {
            0 => due.push(self.dice.of(&PEOPLE)),
            // Whoever waits on offer may meet somebody who must sell the opposite.
            1 | 2 => due.extend(PEOPLE),
            _ => {}
        }
        due.append(&mut self.called);
        let from = self.scene.log_count();
        if !due.is_empty() {
            self.system(SystemKind::Liquidate, &due);
            self.model.meet(&due);
            for who in &due {
                if !self.model.look(*who) {
                    self.note("look failed");
                }
            }
        }
        self.agree_on_events(from);
        if self.model.usd.queue.is_empty() {
            return due;
        }
        let mut debtors = self.redeemable();
        if self.dice.below(8) == 0 {
            debtors.push(self.dice.of(&PEOPLE));
        }
        if !debtors.is_empty() {
            let from = self.scene.log_count();
            self.system(SystemKind::Redeem, &debtors);
            let paid = self.model.redeem_from(&debtors);
            let count = self.counts.entry("redemption".to_owned()).or_default();
            *count += u32::try_from(paid).expect("few");
            let apart = u32::try_from(self.model.told.len()).expect("few");
            *self
                .counts
                .entry("redemption by liquidity".to_owned())
                .or_default() += apart;
            self.agree_on_events(from);
            due.extend(debtors);
        }
        due
    }

    fn system(&mut self, kind: SystemKind, accounts: &[AccountId]) {
        let done = self.scene.world.system(kind, &encode_accounts(accounts));
        done.unwrap_or_else(|halt| panic!("step {}: {}", self.step, words(&halt)));
    }

    /// Everything that a run must have met has come up.
    fn check_coverage(&self, is_whole: bool) {
        println!(
            "{} looks, {} times somebody was unhealthy: {:?}",
            self.looks, self.sick, self.counts
        );
        for what in self.counts.keys() {
            let mut known = [MUST, MAY].into_iter().flatten();
            assert!(known.any(|one| one == what), "{what} is not in the lists");
        }
        if !is_whole {
            return;
        }
        for what in MUST {
            assert!(self.counts.contains_key(*what), "{what} never came up");
        }
        for (what, least) in OFTEN {
            let count = self.counts.get(*what).copied().unwrap_or_default();
            let least = self.step * least / 10_000;
            assert!(count >= least, "{what}: {count} times, not {least}");
        }
        assert!(self.looks > 500 && self.sick > 200);
    }
}

fn told(data: &alloy_primitives::LogData) -> Option<Told> {
    if let Ok(step) = LiquidationStep::decode_log_data(data) {
        return Some(Told::Step {
            venue: step.venue,
            debt: step.debtAssetId,
            paid: step.paid,
            collateral: step.collateralAssetId,
            taken: step.taken,
            to_reserve: step.toReserve,
            discount_bps: step.discountBps,
            buyer: AccountId::new(step.buyer, step.buyerIndex),
        });
    }
    if let Ok(done) = Liquidated::decode_log_data(data) {
        return Some(Told::Done {
            account: AccountId::new(done.owner, done.index),
            before: done.healthBefore,
            after: done.healthAfter,
        });
    }
    if let Ok(apart) = PieceTakenApart::decode_log_data(data) {
        return Some(Told::Apart {
            account: AccountId::new(apart.owner, apart.index),
            pool: u32::try_from(apart.id).expect("a pool"),
            amounts: [apart.amounts[0], apart.amounts[1]],
        });
    }
    let loss = LossRealised::decode_log_data(data).ok()?;
    Some(Told::Loss {
        account: AccountId::new(loss.owner, loss.index),
        asset: loss.assetId,
        tier: loss.tier,
        amount: loss.amount,
    })
}

/// Verbs, steps, errors, venues and tiers that must come up in a run.
const MUST: &[&str] = &[
    "AccountBadArguments",
    "AccountBidTooDear",
    "AccountCoolingOff",
    "AccountDebtTooSmall",
    "AccountDepositCap",
    "AccountHealthy",
    "AccountInFlight",
    "AccountLimitOutOfRange",
    "AccountLimitReached",
    "AccountNoPiece",
    "AccountNotAuthorised",
    "AccountNotInCallback",
    "AccountNotOffered",
    "AccountNothingOwed",
    "AccountOtherLoan",
    "AccountOtherStream",
    "AccountPriceUnusable",
    "AccountRampTooShort",
    "AccountRampUnderWay",
    "AccountSameAccount",
    "AccountUnhealthy",
    "AccountUnknownVerb",
    "DollarCeiling",
    "DollarHeadroom",
    "DollarNoRequest",
    "DollarRequestTooSmall",
    "DollarZeroAmount",
    "ERC20InsufficientBalance",
    "ExchangeInsufficientShares",
    "ExchangeUnknownPool",
    "ExchangeZeroAmount",
    "LedgerBadWallet",
    "LedgerInsufficient",
    "LedgerUnknownAsset",
    "LendingBorrowCap",
    "LendingInsufficientShares",
    "LendingNoCash",
    "LendingPaused",
    "LendingSupplyCap",
    "LendingTooSmall",
    "LendingUnknownMarket",
    "LendingZeroAmount",
    "Panic",
    "StreamsAssigned",
    "StreamsFinal",
    "StreamsNotOwner",
    "StreamsNotPayer",
    "StreamsUnknown",
    "TermExpired",
    "TermNoLoan",
    "TermNoOffer",
    "TermNotLender",
    "TermTooSmall",
    "TermZeroAmount",
    "admit",
    "apart",
    "assign",
    "batch",
    "bid",
    "borrow",
    "bring",
    "burn",
    "buy",
    "call",
    "cancel",
    "cancelOffer",
    "closeAll",
    "collect",
    "crash",
    "deposit",
    "depositTo",
    "for what is overdue",
    "limit",
    "mint",
    "movePiece",
    "offer",
    "open",
    "oppose",
    "provide",
    "ramp",
    "redeem",
    "redemption",
    "redemption by liquidity",
    "remove",
    "repay",
    "repayLoan",
    "request",
    "reward",
    "supply",
    "swap",
    "take",
    "takeDebt",
    "takeLoan",
    "takeOver",
    "transfer",
    "withdraw",
    "set dollar",
    "tier 1",
    "tier 2",
    "tier 3",
    "venue 1",
    "venue 3",
    "venue 4",
    "venue 5",
];

/// What must come up so many times in ten thousand steps: whatever is rare shows no mistake.
const OFTEN: &[(&str, u32)] = &[
    ("takeLoan", 35),
    ("repayLoan", 12),
    ("for what is overdue", 8),
    ("venue 4", 20),
    ("tier 1", 4),
    ("tier 2", 3),
    ("tier 3", 2),
    ("venue 5", 10),
    ("provide", 60),
    ("remove", 8),
    ("apart", 20),
    ("redemption by liquidity", 2),
];

/// Those that a run may meet.
const MAY: &[&str] = &[
    "AccountBidEmpty",
    "AccountCollateralFixed",
    "AccountUnderpaid",
    "DollarInsufficientDebt",
    "DollarNotRequester",
    "DollarPausedNow",
    "DollarTooSmall",
    "ExchangeTooSmall",
    "LedgerOutflowLimit",
    "LedgerZeroAmount",
    "LendingIndexTooLow",
    "LendingInsufficientDebt",
    "StreamsNothingDue",
    "StreamsOtherOwner",
    "StreamsStopped",
    "StreamsTooManyAssigned",
    "TermOfferShort",
    "TermTooManyLoans",
    "recall",
    "look failed",
    "swap refused",
];

#[test]
fn random_steps_of_accounts_agree_with_a_model() {
    const NAME: &str = "account::tests::model";
    let (dice, steps) = steps::begin(NAME);
    let mut run = Run::new(dice);
    for step in 0..steps {
        if step % PLAY == PLAY - 1 {
            check_all(&run.scene.world.store).expect("every invariant holds");
            run = run.anew();
        }
        run.step = step;
        run.turn();
    }
    check_all(&run.scene.world.store).expect("every invariant holds");
    run.check_coverage(steps::is_whole(NAME, steps));
}
