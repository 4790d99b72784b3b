//! Stakes behind accounts: what they buy, what they bear, and in which order.

use std::collections::BTreeMap;

use capstan_units::{AssetId, Assets};

use super::{
    debts::{USD_ASSET, mint},
    *,
};
use crate::{
    account::{LAST_BUYER_MS, LOOK_GAS, OFFER_MS, Sheet, UNWANTED_MS, assess, desk::Desk},
    backstop::{
        self, IBackstop,
        share::{IStakeShare, address_of},
    },
    dollar::{self, IDollar},
    erc4626::IErc4626,
    lending,
    mutant::{Mutant, Twin},
    position::Position,
    registry::UNITS,
};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;

fn a(value: u128) -> Assets {
    Assets::new(value).expect("in range")
}

fn small(value: U256) -> u128 {
    u128::try_from(value).expect("small")
}

/// Ten days of cooldown, two of window; goods are sold from 100 % of their price down to 90 % within an hour.
fn stake_params() -> IBackstop::StakeParams {
    IBackstop::StakeParams {
        cap: n(backstop::CAP_MAX),
        cooldownMs: 10 * DAY_MS,
        windowMs: 2 * DAY_MS,
        rewardMs: DAY_MS,
        saleMs: 60 * MINUTE_MS,
        saleStartBps: 10_000,
        saleFloorBps: 9_000,
    }
}

/// What one look did to the debts of the accounts that it looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Looked {
    pub(super) accounts: Vec<AccountId>,
    /// What stakes paid for goods, by the asset of the debt.
    pub(super) bought: BTreeMap<u32, u128>,
    /// What each tier bore, by asset.
    pub(super) tiers: BTreeMap<(u32, u8), u128>,
}

impl Looked {
    pub(super) fn add(&mut self, more: &Self) {
        self.accounts.extend(&more.accounts);
        for (asset, paid) in &more.bought {
            *self.bought.entry(*asset).or_default() += paid;
        }
        for (key, amount) in &more.tiers {
            *self.tiers.entry(*key).or_default() += amount;
        }
    }

    fn tier(&self, asset: u32, tier: u8) -> u128 {
        self.tiers.get(&(asset, tier)).copied().unwrap_or_default()
    }

    fn borne(&self, asset: u32) -> u128 {
        (1..=3).map(|tier| self.tier(asset, tier)).sum()
    }
}

impl Scene {
    /// Opens the stake of an asset and lets Carol stake.
    pub(super) fn stake(&mut self, asset: u32, units: u128) {
        let open = IBackstop::openStakeCall {
            assetId: asset,
            params: stake_params(),
            seed: n(backstop::SEED_MIN),
        };
        self.world.ok(OWNER, backstop::ADDRESS, &open);
        self.put(CAROL, asset, units);
    }

    /// Stakes from a wallet; answers the shares.
    fn put(&mut self, who: Address, asset: u32, units: u128) -> U256 {
        let deposit = IErc4626::depositCall {
            assets: n(units),
            receiver: who,
        };
        self.world
            .ok(who, address_of(AssetId::new(asset)), &deposit)
    }

    /// What the shares of a stake are worth.
    pub(super) fn staked(&self, asset: u32) -> u128 {
        let call = IBackstop::stakeCall { assetId: asset };
        small(self.world.view(backstop::ADDRESS, &call).assets)
    }

    fn goods(&self, asset: u32, goods: u32) -> u128 {
        let call = IBackstop::lotOfCall {
            assetId: asset,
            goodsAssetId: goods,
        };
        small(self.world.view(backstop::ADDRESS, &call).goods)
    }

    fn debts_of(&mut self, of: &[AccountId]) -> BTreeMap<(AccountId, u32), u128> {
        let cx = &mut self.world.store.frame(ADDRESS, ADDRESS);
        let mut owed = BTreeMap::new();
        for account in of {
            for row in Sheet::load(cx, *account).expect("reads").rows {
                let line = assess::line(cx, *account, row).expect("reads");
                owed.insert((*account, row.asset.get()), line.owed.get());
            }
        }
        owed
    }

    /// The look of a block. Whatever a debt lost, somebody paid or a tier bore, to the unit that rounding takes each time
    /// (LIQ-5).
    pub(super) fn look_audited(&mut self) -> Looked {
        let due = self.due();
        let before = self.debts_of(&due);
        let logs = self.log_count();
        let looked = self.look_told();
        let after = self.debts_of(&due);
        let gone = self.gone_since(logs);
        for (key, owed) in before {
            let left = after.get(&key).copied().unwrap_or_default();
            let (sum, count) = gone.get(&key).copied().unwrap_or_default();
            let lost = owed - left;
            assert!(
                sum.abs_diff(lost) <= count,
                "{lost} of the debt {key:?} are gone, and {sum} were paid and borne"
            );
        }
        looked
    }

    /// The look of a block, as its events tell it.
    fn look_told(&mut self) -> Looked {
        let logs = self.log_count();
        let mut looked = Looked {
            accounts: self.look(),
            ..Looked::default()
        };
        for step in self.events::<LiquidationStep>(logs) {
            if step.venue == 4 {
                *looked.bought.entry(step.debtAssetId).or_default() += small(step.paid);
            }
        }
        for loss in self.events::<LossRealised>(logs) {
            let key = (loss.assetId, loss.tier);
            *looked.tiers.entry(key).or_default() += small(loss.amount);
        }
        looked
    }

    /// What events say that debts lost, and in how many parts.
    fn gone_since(&self, logs: usize) -> BTreeMap<(AccountId, u32), (u128, u128)> {
        let whose: BTreeMap<u64, AccountId> = self
            .events::<Liquidated>(logs)
            .into_iter()
            .map(|done| (done.id, AccountId::new(done.owner, done.index)))
            .collect();
        let steps = self.events::<LiquidationStep>(logs).into_iter();
        let losses = self.events::<LossRealised>(logs).into_iter();
        let parts = steps
            .map(|step| (step.id, step.debtAssetId, step.paid))
            .chain(losses.map(|loss| (loss.id, loss.assetId, loss.amount)));
        let mut gone = BTreeMap::new();
        for (id, asset, amount) in parts {
            let (sum, count) = gone.entry((whose[&id], asset)).or_default();
            (*sum, *count) = (*sum + small(amount), *count + 1);
        }
        gone
    }

    /// So many minutes, each with a block that looks.
    fn minutes(&mut self, count: u64) -> Looked {
        let mut all = Looked::default();
        for _ in 0..count {
            self.world.wait_ms(MINUTE_MS);
            all.add(&self.look_audited());
        }
        all
    }

    fn is_on_offer(&self, account: AccountId) -> bool {
        let account = reference(account);
        self.world.view(ADDRESS, &offerOfCall { account }).sinceMs != 0
    }

    /// Gives the reserve of a market so much, out of Bob's wallet.
    fn endow(&mut self, asset: u32, units: u128) {
        let id = AssetId::new(asset);
        self.ok(BOB, BOBS, &[deposit(asset, units)]);
        let endowed = self.world.inside(ADDRESS, ADDRESS, |cx| {
            lending::endow(cx, id, BOBS, a(units))?;
            let mut desk = Desk::new(BOBS);
            desk.mark(cx, BOBS, id, UNITS)?;
            desk.close(cx)
        });
        assert_eq!(endowed, Ok(()));
    }

    fn free(&mut self, asset: u32, of: AccountId) -> u128 {
        let cx = &mut self.world.store.frame(ADDRESS, ADDRESS);
        let free = ledger::free(cx, AssetId::new(asset), of);
        free.expect("reads").get()
    }

    fn reserve(&mut self, asset: u32) -> u128 {
        let cx = &mut self.world.store.frame(ADDRESS, ADDRESS);
        let held = lending::InMarket.assess(cx, lending::RESERVE, AssetId::new(asset));
        held.expect("reads").held.get()
    }

    /// Alice owes 14,000 dollars against ten ETH, whose price falls to `dollars`; the offer is open.
    fn fallen(dollars: u128) -> Self {
        let mut scene = Self::new();
        scene.alice_borrows(14_000);
        scene.fall(dollars);
        scene
    }

    fn fall(&mut self, dollars: u128) {
        self.prices(&[(ETH, dollars * USD)]);
        self.look();
        assert!(self.is_on_offer(ALICES));
    }
}

#[test]
fn liq_10_a_stake_buys_what_nobody_bought_and_sells_it_on() {
    let mut scene = Scene::new();
    scene.stake(USDC, 100_000 * ONE);
    scene.alice_borrows(14_000);
    scene.fall(1_600);
    let (before, rich) = (scene.staked(USDC), scene.wallet(BOB, ETH));
    let minutes = LAST_BUYER_MS / MINUTE_MS;
    assert!(scene.minutes(minutes - 1).bought.is_empty(), "too early");
    let logs = scene.log_count();
    let bought = scene.minutes(1).bought[&USDC];
    let step: LiquidationStep = scene.events(logs).pop().expect("a step");
    assert_eq!((step.venue, step.discountBps), (4, 500));
    assert_eq!((step.buyer, step.toReserve), (backstop::ADDRESS, n(0)));
    // At the floor: 95 % of 1,600 dollars each, which lifts health to 1.05.
    let taken = small(step.taken);
    assert!(bought >= taken * 1_520 && bought <= (taken + 1) * 1_520 + 1);
    let health = scene.report(ALICES).healthMaintenance;
    assert!(health >= wad(104) && health <= wad(106), "{health}");
    assert!(!scene.is_on_offer(ALICES));
    assert_eq!(scene.staked(USDC), before - bought);
    assert_eq!(scene.goods(USDC, ETH), taken);
    // Bob buys the goods for what they are worth: the stakers earned the discount.
    let buy = IBackstop::buyGoodsCall {
        assetId: USDC,
        goodsAssetId: ETH,
        amount: U256::MAX,
        maxPay: U256::MAX,
    };
    let sold = scene.world.ok(BOB, backstop::ADDRESS, &buy);
    assert_eq!(sold.paid, n(taken * 1_600));
    assert_eq!(scene.wallet(BOB, ETH), rich + taken);
    assert_eq!(scene.staked(USDC), before - bought + taken * 1_600);
}

/// Whoever pays a unit in twice a minute, be it the owner, does not keep the stake away.
#[test]
fn liq_10_nobody_puts_off_the_block() {
    let gift = |scene: &mut Scene| {
        let gift = [deposit(ETH, 1), other(Verb::Transfer, ETH, n(1), ALICES)];
        scene.ok(BOB, BOBS, &gift);
    };
    let own = |scene: &mut Scene| drop(scene.ok(ALICE, ALICES, &[deposit(ETH, 1)]));
    let pay_in = |scene: &mut Scene| {
        let pay = depositToCall {
            account: reference(ALICES),
            assetId: ETH,
            amount: n(1),
        };
        scene.world.ok(BOB, ADDRESS, &pay);
    };
    let ways: [fn(&mut Scene); 3] = [gift, own, pay_in];
    for (way, put_off) in ways.into_iter().enumerate() {
        let mut scene = Scene::new();
        scene.stake(USDC, 100_000 * ONE);
        scene.alice_borrows(14_000);
        scene.fall(1_600);
        let half_minutes = 2 * (LAST_BUYER_MS / MINUTE_MS + 1);
        let mut done = Looked::default();
        for _ in 0..half_minutes {
            scene.world.wait_ms(MINUTE_MS / 2);
            put_off(&mut scene);
            done.add(&scene.look_audited());
        }
        assert!(done.bought.contains_key(&USDC), "way {way}: nobody bought");
        assert!(!scene.is_on_offer(ALICES), "way {way}");
    }
}

/// Prices fall by half and nobody ever bids: the stakes buy everything, each account ends healthy or clean, and what was
/// borne is what was missing. LIQ-5, LIQ-10.
#[test]
fn liq_10_black_thursday_without_bidders() {
    let mut scene = Scene::new();
    scene.stake(USDC, 100_000 * ONE);
    scene.stake(DAI, 10_000 * ONE);
    // Collateral, debts, and what is missing to the debts when all collateral has been sold at the floor.
    type Sums = &'static [(u32, u128)];
    let cases: [(Sums, Sums, u128); 6] = [
        (&[(ETH, 10 * ONE)], &[(USDC, 14_000 * ONE)], 4_500 * ONE),
        (&[(ETH, 10 * ONE)], &[(USDC, 8_600 * ONE)], 0),
        (&[(ETH, ONE)], &[(DAI, 1_500 * ONE)], 550 * ONE),
        (&[(RISKY, 1_000 * ONE)], &[(USDC, 7_900 * ONE)], 0),
        (
            &[(ETH, ONE), (RISKY, 100 * ONE)],
            &[(USDC, 2_000 * ONE), (DAI, 200 * ONE)],
            300 * ONE,
        ),
        // Worth twenty dollars, then: less than it costs to take.
        (&[(ETH, ONE / 50)], &[(USDC, 30 * ONE)], 11 * ONE),
    ];
    let accounts: Vec<AccountId> = (0..6).map(|index| AccountId::new(ALICE, index)).collect();
    for (account, (collateral, debts, _)) in accounts.iter().zip(&cases) {
        let mut batch: Vec<Action> = collateral
            .iter()
            .flat_map(|&(asset, units)| [deposit(asset, units), supply(asset, units)])
            .collect();
        batch.extend(debts.iter().flat_map(|&(asset, units)| take(asset, units)));
        scene.ok(ALICE, *account, &batch);
    }
    let staked = [USDC, DAI].map(|asset| scene.staked(asset));
    let lent = [USDC, DAI].map(|asset| scene.holding(CAROLS, asset).expect("there").supplied);
    scene.prices(&[(ETH, 1_000 * USD), (RISKY, 10 * USD)]);
    scene.look();
    for account in &accounts {
        assert!(scene.is_on_offer(*account), "{account}");
    }
    let done = scene.minutes(60);
    for account in &accounts {
        let report = scene.report(*account);
        assert!(!scene.is_on_offer(*account), "{account}: {report:?}");
        assert!(report.healthMaintenance >= wad(100), "{account}");
    }
    // Interest of half an hour is less than a tenth of a cent.
    let missing: u128 = cases.iter().map(|(.., missing)| missing).sum();
    let borne = done.borne(USDC) + done.borne(DAI);
    println!("{missing} was missing, {borne} was borne: {:?}", done.tiers);
    assert!(borne >= missing && borne < missing + 1_000, "{borne}");
    for (place, asset) in [USDC, DAI].into_iter().enumerate() {
        assert_eq!(
            staked[place] - scene.staked(asset),
            done.bought[&asset] + done.tier(asset, 2)
        );
        assert_eq!(done.tier(asset, 3), 0, "lenders of {asset}");
        let after = scene.holding(CAROLS, asset).expect("there").supplied;
        assert!(after >= lent[place], "lenders of {asset}");
    }
}

/// The reserve first, then the stake, then lenders: each as far as it goes. The parts are the debt.
#[test]
fn liq_5_reserve_stake_and_lenders_bear_a_loss_in_this_order() {
    // The reserve, the stake, and what each tier bears of 13,050 dollars.
    let loss = 13_050 * ONE;
    for (reserve, stake, expected) in [
        (0, 0, [0, 0, loss]),
        (5_000, 0, [5_000 * ONE, 0, loss - 5_000 * ONE]),
        (20_000, 20_000, [loss, 0, 0]),
        (5_000, 20_000, [5_000 * ONE, loss - 5_000 * ONE, 0]),
        (0, 20_000, [0, loss, 0]),
        (5_000, 1_000, [5_000 * ONE, 1_000 * ONE, loss - 6_000 * ONE]),
    ] {
        let mut scene = Scene::fallen(100);
        if reserve > 0 {
            scene.endow(USDC, reserve * ONE);
        }
        if stake > 0 {
            scene.stake(USDC, stake * ONE);
        }
        scene.world.wait_ms(OFFER_MS);
        let batch = [
            deposit(USDC, 14_000 * ONE),
            bid(ALICES, USDC, 14_000 * ONE, ETH),
        ];
        scene.ok(BOB, BOBS, &batch);
        let (staked, lent) = (
            if stake > 0 { scene.staked(USDC) } else { 0 },
            small(scene.holding(CAROLS, USDC).expect("there").supplied),
        );
        let done = scene.minutes(1);
        let report = scene.report(ALICES);
        assert_eq!((report.debt, report.collateral), (U256::ZERO, U256::ZERO));
        let borne = [1, 2, 3].map(|tier| done.tier(USDC, tier));
        for (tier, (borne, expected)) in borne.iter().zip(expected).enumerate() {
            // A cent of interest, and the seed of the stake.
            let near = borne.abs_diff(expected) < ONE / 100;
            assert!(
                near,
                "{reserve}, {stake}: tier {} bore {borne}, not {expected}",
                tier + 1
            );
        }
        if stake > 0 {
            assert_eq!(staked - scene.staked(USDC), borne[1]);
        }
        let after = small(scene.holding(CAROLS, USDC).expect("there").supplied);
        assert!((lent.saturating_sub(after)).abs_diff(borne[2]) <= ONE / 100);
    }
}

/// A stake spends on goods only what the loss in sight leaves it; what it bears, it bears though it bought.
#[test]
fn liq_10_losses_come_before_goods() {
    // Ten ETH at 1,000 dollars bring 9,500 of the 14,000 that are owed: 4,500 are missing.
    for (stake, spent) in [(4_000, 0), (6_000, 1_500), (13_990, 9_490), (15_000, 9_500)] {
        let mut scene = Scene::new();
        scene.stake(USDC, stake * ONE);
        scene.alice_borrows(14_000);
        scene.fall(1_000);
        let done = scene.minutes(40);
        let bought = done.bought.get(&USDC).copied().unwrap_or_default();
        assert!(bought.abs_diff(spent * ONE) < ONE, "{stake}: {bought}");
        let is_clean = spent == 9_500;
        assert_eq!(!scene.is_on_offer(ALICES), is_clean, "{stake}");
        // Somebody buys the rest; then the stake bears what is missing as far as it goes.
        let mut all = done.clone();
        if !is_clean {
            let batch = [
                deposit(USDC, 14_000 * ONE),
                bid(ALICES, USDC, 14_000 * ONE, ETH),
            ];
            scene.ok(BOB, BOBS, &batch);
            all.add(&scene.minutes(1));
        }
        assert_eq!(scene.report(ALICES).debt, U256::ZERO);
        let (staked, lent) = (all.tier(USDC, 2), all.tier(USDC, 3));
        let bears = 4_500.min(stake);
        assert!(staked.abs_diff(bears * ONE) < ONE, "{stake}: {staked}");
        assert!(
            lent.abs_diff((4_500 - bears) * ONE) < ONE,
            "{stake}: {lent}"
        );
    }
}

/// Who asked to leave before the loss waits, and bears his part of it like those who stay.
#[test]
fn back_6_a_loss_reaches_those_who_wait_to_leave() {
    let mut scene = Scene::new();
    scene.stake(USDC, 10_000 * ONE);
    let shares = scene.put(BOB, USDC, 10_000 * ONE);
    let token = address_of(AssetId::new(USDC));
    scene.alice_borrows(14_000);
    scene.prices(&[(ETH, 100 * USD)]);
    // Bob sees it coming.
    let request = IStakeShare::requestUnstakeCall { shares };
    scene.world.ok(BOB, token, &request);
    let leave = IErc4626::redeemCall {
        shares,
        receiver: BOB,
        owner: BOB,
    };
    assert!(scene.world.call(BOB, token, &leave).is_err(), "no wait");
    scene.look();
    let done = scene.minutes(40);
    let lost = done.bought[&USDC] + done.tier(USDC, 2);
    assert!(lost.abs_diff(14_000 * ONE) < ONE, "{lost}");
    scene.world.wait_ms(10 * DAY_MS);
    let got = small(scene.world.ok(BOB, token, &leave));
    assert!(got.abs_diff(3_000 * ONE) < ONE, "{got}");
}

/// A stake with less than a payment may be holds up nothing: the account is clean, and lenders bear.
#[test]
fn liq_5_a_stake_with_next_to_nothing_holds_up_nobody() {
    let mut scene = Scene::new();
    scene.stake(USDC, ONE);
    scene.alice_borrows(14_000);
    // A year later a unit pays for no share of the debt.
    scene.world.wait_ms(365 * DAY_MS);
    scene.prices(&[(USDC, USD), (ETH, 100 * USD)]);
    let left = scene.staked(USDC) - 1;
    let id = AssetId::new(USDC);
    let covered = scene.world.inside(ADDRESS, ADDRESS, |cx| {
        backstop::cover(cx, id, a(left), |cx, payer, amount| {
            ledger::shift(cx, id, payer, lending::CASH, amount)?;
            Ok(amount)
        })
    });
    assert_eq!((covered, scene.staked(USDC)), (Ok(a(left)), 1));
    scene.look();
    scene.world.wait_ms(OFFER_MS);
    let batch = [
        deposit(USDC, 14_000 * ONE),
        bid(ALICES, USDC, 14_000 * ONE, ETH),
    ];
    scene.ok(BOB, BOBS, &batch);
    let done = scene.minutes(1);
    assert_eq!(scene.report(ALICES).debt, U256::ZERO);
    assert_eq!((done.tier(USDC, 2), scene.staked(USDC)), (0, 1));
    assert!(done.tier(USDC, 3) > 13_000 * ONE);
}

/// Without a stake, what is worth a few dollars ends with the day; what is worth more waits for a buyer.
#[test]
fn liq_5_what_nobody_wanted_for_a_day_is_dust() {
    for (units, is_clean) in [(ONE / 200, true), (ONE, false)] {
        let mut scene = Scene::new();
        let batch = [deposit(ETH, units), borrow(USDC, units * 1_600)];
        scene
            .world
            .ok(OWNER, ADDRESS, &setDebtMinCall { value: n(USD) });
        scene.ok(ALICE, ALICES, &batch);
        scene.ok(ALICE, ALICES, &[withdraw(USDC, U256::MAX, ALICE)]);
        scene.prices(&[(ETH, 1_000 * USD)]);
        scene.look();
        scene.world.wait_ms(UNWANTED_MS - MINUTE_MS);
        scene.look();
        assert!(scene.is_on_offer(ALICES));
        let before = scene.reserve(ETH);
        let done = scene.minutes(1);
        assert_eq!(!scene.is_on_offer(ALICES), is_clean);
        if is_clean {
            assert_eq!(scene.report(ALICES).debt, U256::ZERO);
            assert!(
                scene.reserve(ETH) >= before + units - 1,
                "the reserve has it"
            );
            assert!(done.tier(USDC, 3) > 0);
        } else {
            assert_eq!(scene.holding(ALICES, ETH).expect("there").units, n(units));
        }
    }
}

/// What a liquidation leaves to the reserve of a market is shares of it, and bears the next loss there.
#[test]
fn liq_3_what_the_reserve_gets_is_reserve() {
    for is_supplied in [true, false] {
        let mut scene = Scene::new();
        let mut batch = vec![deposit(ETH, 10 * ONE)];
        batch.extend(is_supplied.then(|| supply(ETH, 10 * ONE)));
        batch.extend(take(USDC, 14_000 * ONE));
        scene.ok(ALICE, ALICES, &batch);
        scene.fall(1_600);
        let (before, logs) = (scene.reserve(ETH), scene.log_count());
        let batch = [
            deposit(USDC, 14_000 * ONE),
            bid(ALICES, USDC, 14_000 * ONE, ETH),
        ];
        scene.ok(BOB, BOBS, &batch);
        let step: LiquidationStep = scene.events(logs).pop().expect("a step");
        assert!(step.toReserve > n(1_000));
        let gained = scene.reserve(ETH) - before;
        assert!(gained.abs_diff(small(step.toReserve)) <= 1, "{gained}");
    }
}

/// The stake of dollars bears what the surplus cannot, before all who hold dollars do.
#[test]
fn liq_5_a_debt_in_dollars_falls_on_surplus_stake_and_holders() {
    let loss = 13_050 * USD;
    for (stake, bears) in [(1_000, 1_000 * USD), (50_000, loss)] {
        let mut scene = Scene::with_dollar();
        // Bob mints what Carol stakes and he bids; Alice mints what she cannot pay back.
        let batch = [
            deposit(DAI, 100_000 * ONE),
            mint(60_000 * USD),
            withdraw(USD_ASSET, n(58_000 * USD), CAROL),
            withdraw(USD_ASSET, n(USD), OWNER),
        ];
        scene.ok(BOB, BOBS, &batch);
        scene.stake(USD_ASSET, stake * USD);
        let batch = [
            deposit(ETH, 10 * ONE),
            mint(14_000 * USD),
            withdraw(USD_ASSET, U256::MAX, ALICE),
        ];
        scene.ok(ALICE, ALICES, &batch);
        scene.fall(100);
        let hole = |scene: &Scene| {
            let dollar = scene.world.view(dollar::ADDRESS, &IDollar::dollarCall {});
            small(dollar.hole)
        };
        let before = hole(&scene);
        scene.world.wait_ms(OFFER_MS);
        scene.ok(BOB, BOBS, &[bid(ALICES, USD_ASSET, 14_000 * USD, ETH)]);
        let done = scene.minutes(1);
        assert_eq!(scene.report(ALICES).debt, U256::ZERO);
        let [surplus, staked, holders] = [1, 2, 3].map(|tier| done.tier(USD_ASSET, tier));
        assert!(surplus < USD, "{surplus}");
        assert!(staked.abs_diff(bears) < USD, "{staked}");
        assert!(holders.abs_diff(loss - bears) < USD, "{holders}");
        assert_eq!(hole(&scene) - before, holders);
    }
}

/// A fixed-term loan has no reserve: the stake of its asset bears first, the lender of that loan the rest.
#[test]
fn liq_5_a_term_loan_falls_on_the_stake_and_on_its_lender() {
    // What would end it: 1 % for early repayment.
    let loss = (14_140 - 950) * ONE;
    for (stake, bears) in [(1_000, 1_000 * ONE), (50_000, loss)] {
        let mut scene = Scene::new();
        scene.stake(USDC, stake * ONE);
        scene.alice_takes_a_loan(14_000);
        let before = scene.free(USDC, BOBS);
        scene.fall(100);
        scene.world.wait_ms(OFFER_MS);
        let batch = [
            deposit(USDC, 1_000 * ONE),
            bid(ALICES, USDC, 14_000 * ONE, ETH),
        ];
        scene.ok(CAROL, AccountId::new(CAROL, 1), &batch);
        scene.world.wait_ms(MINUTE_MS);
        let done = scene.look_told();
        assert_eq!(scene.report(ALICES).debt, U256::ZERO);
        let [reserve, staked, lender] = [1, 2, 3].map(|tier| done.tier(USDC, tier));
        assert_eq!(reserve, 0);
        // Who pays early pays a fee on what he pays, and nobody on what he loses.
        assert!(staked.abs_diff(bears) < 141 * ONE, "{staked}");
        assert!(lender.abs_diff(loss - bears) < 141 * ONE, "{lender}");
        // Bob got what was bid and what the stake paid.
        let got = scene.free(USDC, BOBS) - before;
        assert!(got.abs_diff(950 * ONE + staked) < ONE, "{got}");
    }
}

/// What is overdue of a healthy account is bought by the stake, too: nobody has to come.
#[test]
fn liq_10_a_stake_buys_for_what_is_overdue() {
    let mut scene = Scene::new();
    scene.stake(USDC, 50_000 * ONE);
    scene.alice_takes_a_loan(10_000);
    // The first instalment falls due after thirty days, and is in default after ten more.
    while !scene.is_on_offer(ALICES) {
        scene.world.wait_ms(DAY_MS / 2);
        scene.prices(&[(ETH, 2_000 * USD), (USDC, USD)]);
        scene.look();
    }
    assert!(!scene.unhealthy(ALICES));
    let before = scene.free(USDC, BOBS);
    scene.world.wait_ms(LAST_BUYER_MS);
    let done = scene.look_told();
    let bought = done.bought[&USDC];
    assert!(!scene.is_on_offer(ALICES) && !scene.unhealthy(ALICES));
    // In default, all of the loan is.
    assert!(bought > 10_000 * ONE && bought < 10_300 * ONE, "{bought}");
    assert_eq!(scene.free(USDC, BOBS) - before, bought);
    assert_eq!(scene.owed(ALICES, USDC), U256::ZERO);
    assert!(done.tiers.is_empty());
}

/// The widest sheets there are, in what costs most: no look needs the gas without which none begins.
#[test]
fn liq_6_the_dearest_looks_fit_their_gas() {
    // How many of fourteen assets are owed, what is left of the price of the others in parts of a million, what stakes
    // have, and minutes on offer.
    for (what, owed, left, stake, minutes) in [
        ("an offer", 7, 880_000, ONE, 0),
        ("a purchase", 7, 880_000, 1_000_000 * ONE, 30),
        ("stakes too poor to buy", 7, 880_000, 1, 30),
        ("every debt is borne", 13, 0, 1_000 * ONE, 0),
    ] {
        let mut scene = Scene::new();
        let first = u32::try_from(scene.tokens.len()).expect("small");
        let all = u32::try_from(ROWS_MAX).expect("small");
        for asset in first..all {
            scene.list(&Listing::new(USD, bps(8_000, 8_500)));
            scene.prices(&[(asset, USD)]);
            let batch = [
                deposit(asset, 100_000_000 * ONE),
                supply(asset, 100_000_000 * ONE),
            ];
            scene.ok(CAROL, CAROLS, &batch);
        }
        // All but the isolated asset: the last ones are owed, the first ones are collateral, as units and as supply.
        scene.prices(&[(ETH, USD), (RISKY, USD), (ALONE, USD)]);
        let debts: Vec<u32> = (all - owed..all).collect();
        let goods: Vec<u32> = (0..all - owed).collect();
        for asset in &debts {
            scene.stake(*asset, stake.max(ONE));
        }
        for asset in &goods {
            let units = 1_000_000 * ONE;
            let batch = [deposit(*asset, 2 * units), supply(*asset, units)];
            scene.ok(ALICE, ALICES, &batch);
        }
        let room = scene.report(ALICES).borrowable / n(USD);
        let each = small(room) / u128::from(owed) * ONE * 999 / 1_000;
        for asset in &debts {
            scene.ok(ALICE, ALICES, &take(*asset, each));
        }
        scene.world.wait_ms(300 * DAY_MS);
        let mut prices: Vec<(u32, u128)> = debts.iter().map(|asset| (*asset, USD)).collect();
        let fallen = (USD / 1_000_000 * left).max(USD / 10_000_000);
        prices.extend(goods.iter().map(|asset| (*asset, fallen)));
        scene.prices(&prices);
        for asset in &debts {
            let id = AssetId::new(*asset);
            let spare = scene.staked(*asset).saturating_sub(stake);
            let spent = scene.world.inside(ADDRESS, ADDRESS, |cx| {
                backstop::cover(cx, id, a(spare), |cx, payer, amount| {
                    ledger::shift(cx, id, payer, lending::CASH, amount)?;
                    Ok(amount)
                })
            });
            assert_eq!(spent, Ok(a(spare)));
        }
        assert!(scene.unhealthy(ALICES));
        if minutes > 0 {
            scene.look();
            scene.world.wait_ms(minutes * MINUTE_MS);
        }
        let logs = scene.log_count();
        assert_eq!(scene.due(), [ALICES]);
        scene.look();
        let used = u64::MAX - scene.world.store.frame(ADDRESS, ADDRESS).store.gas_left();
        let failed = scene.events::<LookFailed>(logs);
        assert!(failed.is_empty(), "{failed:?}");
        println!("{what}: {used} gas, {} logs", scene.log_count() - logs);
        assert!(used < LOOK_GAS, "{what}: {used}");
    }
}

/// Who bears how much of a debt that is forgiven: reserve, stake, lenders.
fn tiers_of_a_loss(reserve: u128, staked: u128) -> [u128; 3] {
    let mut scene = Scene::new();
    scene.stake(USDC, staked);
    scene.endow(USDC, reserve);
    scene.alice_borrows(14_000);
    // Ten ETH for nearly nothing: dust, which the look takes and forgives the debt at once.
    scene.prices(&[(ETH, USD / 100)]);
    let looked = scene.look_told();
    [1, 2, 3].map(|tier| looked.tier(USDC, tier))
}

/// LIQ-5: reserve, stake, lenders, each to its end before the next; and the twins that spare one are noticed.
#[test]
fn liq_5_tiers_bear_a_loss_in_order() {
    let check = |mutants: &'static [Mutant], reserve: u128, staked: u128, tokens: [u128; 3]| {
        let twin = Twin::with(mutants);
        let borne = tiers_of_a_loss(reserve * ONE, staked * ONE);
        drop(twin);
        let close = borne.iter().zip(tokens);
        let close = close.map(|(units, tokens)| units.abs_diff(tokens * ONE) < ONE / 100);
        assert!(
            close.into_iter().all(|close| close),
            "{mutants:?}: {borne:?}"
        );
    };
    check(&[], 20_000, 20_000, [14_000, 0, 0]);
    check(&[], 2_000, 20_000, [2_000, 12_000, 0]);
    check(&[], 2_000, 5_000, [2_000, 5_000, 7_000]);
    check(&[], 1, 5_000, [1, 5_000, 8_999]);
    check(&[Mutant::ReserveSpared], 2_000, 20_000, [0, 14_000, 0]);
    check(&[Mutant::StakeSpared], 2_000, 20_000, [2_000, 0, 12_000]);
}
