//! Income and debt of machines: what counts, what it carries, who bears what when a machine does not pay.

mod blocks;
mod cases;
mod damage;
mod model;
mod pool;
mod replay;
mod stills;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;
use capstan_state::Halt;
use capstan_units::{AccountId, AssetId, Assets};

use super::{IIncome::*, *};
use crate::{
    account::{self, IAccount},
    erc721::IErc721,
    erc4626::IErc4626,
    ledger::{self, ILedger},
    machines::{self, IMachines, title},
    mutant::{Mutant, Twin},
    streams::{self, IStreams},
    testkit::{ALICE, BOB, CAROL, OWNER, World, account as person, sign, words},
};

const DAY_MS: u64 = 86_400_000;
/// What people begin with.
const RICH: u128 = 100_000_000;
/// The bond of a machine.
const BOND: u128 = 500_000;
/// Keys of machines.
const KEYS: [Address; 3] = [person(0x31), person(0x32), person(0x33)];
/// The room that sells work, and where its fees go.
const JOBS: Address = person(0x77);
const FEES: AccountId = AccountId::new(JOBS, 9);
/// Customers.
const CUSTOMERS: u8 = 20;
/// What each pays a day, and what settlement takes of it.
const EACH: u128 = 5_000;
const FEE: u128 = 250;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn a(value: u128) -> Assets {
    Assets::new(value).expect("in range")
}

const fn customer(index: u8) -> Address {
    person(0x80 + index)
}

fn usual() -> IncomeParams {
    IncomeParams {
        rateBps: 1_000,
        lateBps: 2_000,
        instalments: 30,
        periodS: 86_400,
        unpaidS: 2 * 86_400,
        windowDays: 30,
        verifiedDays: 30,
        customerAgeMs: 7 * DAY_MS,
        concentrationBps: 2_500,
        fractionBps: 5_000,
        escrowBps: 5_000,
        bondBps: 10_000,
        feeBps: 10_000,
        lifeDays: 1_460,
        kwhPriceMin: n(100),
        wattsMin: 350,
        firstLossBps: 1_000,
        firstLossCutBps: 2_000,
        graceMs: DAY_MS,
        auctionMs: DAY_MS,
        auctionStartBps: 15_000,
        auctionFloorBps: 1_000,
        cap: n(1_000_000_000_000),
        loanMin: n(100),
    }
}

/// A machine in a market, with lenders and a first loss.
struct Scene {
    world: World,
    token: Address,
    asset: AssetId,
}

impl Scene {
    /// A market with 10,000,000 of lenders (Bob) and 1,000,000 of first loss (Carol), and no machine.
    fn market() -> Self {
        let (mut world, token) = World::with_token();
        world.sweep_every = 16;
        world.store.block_mut().time_ms = 20_000 * DAY_MS;
        for who in [ALICE, BOB, CAROL, JOBS] {
            world.mint(token, who, RICH);
        }
        let limit = ILedger::OutflowLimit {
            windowS: 60,
            shareBps: 10_000,
            floor: n(0),
        };
        let list = ILedger::listAssetCall { token, limit };
        let asset = AssetId::new(world.ok(OWNER, ledger::ADDRESS, &list));
        let params = IMachines::MachineParams {
            assetId: asset.get(),
            bondMin: n(1_000),
            unbondMs: 2 * 3_600_000,
            intervalMs: DAY_MS,
            graceMs: 3_600_000,
            probationMs: DAY_MS,
            lateMs: 20_000,
            gapMs: 10_000,
            answerMs: 20_000,
            commitMs: 10_000,
            revealMs: 10_000,
            capacityAgeMs: 600_000,
            slashBps: 5_000,
            quorum: 1,
        };
        world.ok(
            OWNER,
            machines::ADDRESS,
            &IMachines::setParamsCall { params },
        );
        let open = openMarketCall {
            assetId: asset.get(),
            params: usual(),
        };
        let tokens = world.ok(OWNER, ADDRESS, &open);
        world.answer_calls(tokens.lenderShare);
        world.answer_calls(tokens.firstLossShare);
        let mut scene = Self {
            world,
            token,
            asset,
        };
        scene.deposit(BOB, 0, 10_000_000);
        scene.deposit(CAROL, 1, 1_000_000);
        scene
    }

    /// The same with Alice's machine.
    fn machine() -> (Self, u64) {
        let mut scene = Self::market();
        let id = scene.register(ALICE, KEYS[0], BOND);
        (scene, id)
    }

    /// The same after thirty verified days.
    fn proven() -> (Self, u64) {
        let (mut scene, id) = Self::machine();
        scene.days(id, KEYS[0], 31);
        (scene, id)
    }

    /// The same with a loan of all it can carry.
    fn indebted() -> (Self, u64, u128) {
        let (mut scene, id) = Self::proven();
        let amount = scene.offer(id).today;
        scene.borrow(id, amount);
        (scene, id, amount.to())
    }

    fn share(&self, tranche: u8) -> Address {
        share::address_of(self.asset, tranche)
    }

    fn deposit(&mut self, who: Address, tranche: u8, amount: u128) -> U256 {
        let deposit = IErc4626::depositCall {
            assets: n(amount),
            receiver: who,
        };
        let share = self.share(tranche);
        self.world.ok(who, share, &deposit)
    }

    fn register(&mut self, holder: Address, key: Address, bond: u128) -> u64 {
        let deadline_ms = self.now_ms() + 1_000;
        let consent = self.signed(key, machines::REGISTRATION_TYPE, &(holder, deadline_ms));
        let call = IMachines::registerCall {
            key,
            spec: IMachines::Spec {
                kind: 1,
                region: 49,
                hash: B256::repeat_byte(0x5e),
                uri: String::new(),
            },
            bond: n(bond),
            deadlineMs: deadline_ms,
            consent,
        };
        self.world.ok(holder, machines::ADDRESS, &call)
    }

    fn signed(&self, key: Address, kind: &str, fields: &impl SolValue) -> IMachines::Signature {
        let domain = IMachines::DOMAIN_SEPARATORCall {};
        let domain = self.world.view(machines::ADDRESS, &domain);
        let message = [keccak256(kind).as_slice(), &fields.abi_encode()].concat();
        let message = keccak256(message);
        let digest = [b"\x19\x01".as_slice(), &domain.0, &message.0].concat();
        let (r, s) = sign(keccak256(digest), key);
        IMachines::Signature { v: 27, r, s }
    }

    fn now_ms(&mut self) -> u64 {
        self.world.store.block_mut().time_ms
    }

    fn wait(&mut self, ms: u64) {
        self.world.wait_ms(ms);
    }

    fn beat(&mut self, key: Address, id: u64) {
        let call = IMachines::beatCall { machineId: id };
        self.world.ok(key, machines::ADDRESS, &call);
    }

    /// The room that sells work gets units to pay with.
    fn fund(&mut self, amount: u128) {
        let asset = self.asset;
        let pulled = self.world.inside(JOBS, JOBS, |cx| {
            ledger::pull(cx, asset, JOBS, AccountId::new(JOBS, 0), a(amount))
        });
        pulled.expect("pulls");
    }

    fn earning(&mut self, id: u64, customer: Address, amount: u128) -> Earning {
        Earning {
            machine_id: id,
            asset: self.asset,
            from: AccountId::new(JOBS, 0),
            amount: a(amount),
            fee: a(amount * FEE / EACH),
            customer,
            first_seen_ms: self.now_ms() - 8 * DAY_MS,
        }
    }

    fn pay(&mut self, earning: &Earning) -> Shared {
        self.fund(earning.amount.get());
        let shared = self.world.inside(JOBS, JOBS, |cx| earned(cx, earning));
        shared.unwrap_or_else(|halt| panic!("{}", words(&halt)))
    }

    fn earn(&mut self, id: u64, customer: Address, amount: u128) -> Shared {
        let earning = self.earning(id, customer, amount);
        self.pay(&earning)
    }

    /// Whole days on which every customer pays, with a beat at the end of each.
    fn days(&mut self, id: u64, key: Address, count: u32) {
        for _ in 0..count {
            for index in 0..CUSTOMERS {
                self.earn(id, customer(index), EACH);
            }
            self.wait(DAY_MS);
            self.beat(key, id);
        }
    }

    fn offer(&self, id: u64) -> Offer {
        self.world.view(ADDRESS, &offerCall { machineId: id })
    }

    fn book(&self, id: u64) -> IIncome::Book {
        self.world.view(ADDRESS, &bookCall { machineId: id })
    }

    fn told(&self) -> IIncome::Market {
        let call = marketCall {
            assetId: self.asset.get(),
        };
        self.world.view(ADDRESS, &call)
    }

    fn case(&self, case_id: u64) -> IIncome::Case {
        self.world.view(ADDRESS, &caseOfCall { caseId: case_id })
    }

    fn borrow(&mut self, id: u64, amount: U256) -> Quote {
        let call = borrowCall {
            machineId: id,
            amount,
        };
        self.world.ok(ALICE, ADDRESS, &call)
    }

    fn advance(&mut self, id: u64) -> u8 {
        self.world.ok(BOB, ADDRESS, &advanceCall { machineId: id })
    }

    fn free(&mut self, who: AccountId) -> u128 {
        let asset = self.asset;
        let cx = &mut self.world.store.frame(ADDRESS, ADDRESS);
        ledger::free(cx, asset, who).expect("reads").get()
    }

    fn set(&mut self, change: impl FnOnce(&mut IncomeParams)) {
        let mut params = usual();
        change(&mut params);
        let call = setParamsCall {
            assetId: self.asset.get(),
            params,
        };
        self.world.ok(OWNER, ADDRESS, &call);
        let now_ms = self.now_ms();
        // Whatever the change is, it counts: what waits is tested by inc_9.
        let from_ms = self.world.view(
            ADDRESS,
            &paramsOfCall {
                assetId: self.asset.get(),
            },
        );
        if from_ms.nextFromMs > now_ms {
            self.world.store.block_mut().time_ms = from_ms.nextFromMs;
        }
    }
}

trait Small {
    fn to(self) -> u128;
}

impl Small for U256 {
    fn to(self) -> u128 {
        u128::try_from(self).expect("small")
    }
}

fn transfer(id: u64, to: Address) -> IErc721::transferFromCall {
    IErc721::transferFromCall {
        from: ALICE,
        to,
        tokenId: U256::from(id),
    }
}

/// From the first job to the last instalment: what is earned is counted and paid out, carries a loan, pays it before its
/// holder sees anything of what is due, and leaves him a free title.
#[test]
fn a_machine_earns_borrows_and_its_income_pays_the_debt() {
    let (mut scene, id) = Scene::machine();
    assert_eq!(scene.earn(id, customer(0), EACH).to_holder, a(EACH));
    assert_eq!(scene.free(AccountId::new(ALICE, 0)), EACH);
    let none = scene.offer(id);
    assert_eq!((none.today, none.bound, none.neededDays), (n(0), 6, 30));
    scene.days(id, KEYS[0], 31);
    let offer = scene.offer(id);
    // The first day was probation: thirty of a hundred thousand each, net of 840 for power.
    assert_eq!((offer.verifiedDays, offer.netPerDay), (30, n(99_160)));
    // Its bond, and thirty days of fees.
    assert_eq!((offer.today, offer.bound), (n(BOND + 30 * 5_000), 3));
    assert_eq!(offer.later, offer.today, "it is what it was said to become");
    let before = scene.world.balance(scene.token, ALICE);
    let quote = scene.borrow(id, offer.today);
    assert_eq!(
        scene.world.balance(scene.token, ALICE) - before,
        offer.today
    );
    assert_eq!(quote.canBorrowAfter, n(0));
    let owed = scene.book(id);
    assert_eq!((owed.principal, owed.reserved), (offer.today, n(0)));
    // What comes in is kept up to the next instalment, the rest is the holder's at once.
    let first = quote.firstPayment.to();
    let shared = scene.earn(id, customer(0), first + 7);
    assert_eq!(
        (shared.to_debt, shared.reserved, shared.to_holder),
        (a(0), a(first), a(7))
    );
    let mut paid = 0;
    for _ in 0..30 {
        scene.wait(DAY_MS);
        scene.beat(KEYS[0], id);
        for index in 0..CUSTOMERS {
            paid += scene.earn(id, customer(index), EACH).to_debt.get();
        }
    }
    let done = scene.book(id);
    assert_eq!(
        (done.principal, done.owed, done.reserved),
        (n(0), n(0), n(0))
    );
    assert_eq!(
        paid,
        (offer.today + quote.interest).to(),
        "on time, so what was quoted"
    );
    scene.world.ok(ALICE, title::ADDRESS, &transfer(id, CAROL));
    let market = scene.told();
    assert_eq!((market.lent, market.debtors, market.defaults), (n(0), 0, 0));
    assert_eq!(market.interestPaid, quote.interest);
    println!(
        "borrowed {}, paid {paid} out of {} of income; lenders and first loss earned {}",
        offer.today, done.earned, quote.interest
    );
}

#[test]
fn inc_1_what_a_stream_brought_is_all_accounted_for_whoever_paid_it() {
    let (mut scene, id, _) = Scene::indebted();
    let stream = scene.book(id).streamId;
    // Somebody pays from outside, and somebody else fetches it for the owner: nothing is lost, and nothing counts.
    let counted = |scene: &Scene| {
        let call = customersOfCall { machineId: id };
        scene.world.view(ADDRESS, &call).counted
    };
    let before = counted(&scene);
    let pay = IStreams::payInCall {
        streamId: stream,
        amount: n(12_345),
    };
    scene.world.ok(CAROL, streams::ADDRESS, &pay);
    let fetched = scene.world.inside(JOBS, JOBS, |cx| {
        streams::collect(cx, capstan_units::StreamId::new(stream))
    });
    assert_eq!(fetched.expect("collects").to, account_of(id));
    let earned_before = scene.book(id).earned;
    scene.world.ok(BOB, ADDRESS, &collectCall { machineId: id });
    let book = scene.book(id);
    assert_eq!(book.earned - earned_before, n(12_345));
    assert_eq!(book.earned, book.toDebt + book.reserved + book.toHolder);
    assert_eq!(counted(&scene), before);
    // Income in an asset that has no market is the holder's, and is no part of the book.
    let other = scene.world.create_token(0);
    scene.world.mint(other, JOBS, 100);
    let limit = ILedger::OutflowLimit {
        windowS: 60,
        shareBps: 10_000,
        floor: n(0),
    };
    let list = ILedger::listAssetCall {
        token: other,
        limit,
    };
    let second = AssetId::new(scene.world.ok(OWNER, ledger::ADDRESS, &list));
    let from = AccountId::new(JOBS, 0);
    let pulled = scene.world.inside(JOBS, JOBS, |cx| {
        ledger::pull(cx, second, JOBS, from, a(100))
    });
    pulled.expect("pulls");
    let earning = Earning {
        asset: second,
        ..scene.earning(id, customer(0), 100)
    };
    let shared = scene.world.inside(JOBS, JOBS, |cx| earned(cx, &earning));
    assert_eq!(shared.expect("pays").to_holder, a(100));
    assert_eq!(scene.book(id).earned, book.earned);
}

#[test]
fn inc_2_idle_and_lent_are_what_the_tranches_own() {
    let (mut scene, id, amount) = Scene::indebted();
    let market = scene.told();
    assert_eq!(
        (market.idle, market.lent),
        (n(11_000_000 - amount), n(amount))
    );
    assert_eq!(market.uncovered, n(amount - BOND));
    assert_eq!((market.largest, market.largestMachine), (n(amount), id));
    // A gift to the pot changes nothing.
    let pulled = scene.world.inside(JOBS, JOBS, |cx| {
        ledger::pull(cx, AssetId::new(0), JOBS, POT, a(777))
    });
    pulled.expect("pulls");
    assert_eq!(scene.told(), market);
    scene.days(id, KEYS[0], 3);
    let later = scene.told();
    assert_eq!(later.idle + later.lent, later.lenders + later.firstLoss);
    assert!(later.interestPaid > n(0));
}

#[test]
fn inc_3_what_is_related_new_concentrated_or_not_live_counts_nothing_and_is_paid() {
    let (mut scene, id) = Scene::machine();
    let pays = |scene: &mut Scene, earning: &Earning, why: Why| {
        let shared = scene.pay(earning);
        assert_eq!(
            shared.to_holder, earning.amount,
            "it is paid whatever it counts"
        );
        let logs = scene.world.store.logs();
        let told = logs.iter().rev().find_map(|log| {
            use alloy_sol_types::SolEvent;
            IncomeEarned::decode_log_data(&log.data).ok()
        });
        let told = told.expect("an event");
        let counted = if why == Why::Counts {
            earning.amount
        } else {
            a(0)
        };
        assert_eq!((told.why, told.counted), (why.number(), counted.to_u256()));
    };
    let stranger = scene.earning(id, customer(0), 100);
    pays(&mut scene, &stranger, Why::NotLive);
    scene.wait(DAY_MS);
    scene.beat(KEYS[0], id);
    let stranger = scene.earning(id, customer(0), 100);
    pays(&mut scene, &stranger, Why::Counts);
    for first_seen_ms in [0, scene.now_ms() - 7 * DAY_MS + 1] {
        let new = Earning {
            first_seen_ms,
            ..stranger
        };
        pays(&mut scene, &new, Why::New);
    }
    // The holder, the key, a key of another machine of his, an operator of his, whose operator he is.
    let second = scene.register(ALICE, KEYS[1], 1_000);
    assert_eq!(second, id + 1);
    let until_ms = scene.now_ms() + DAY_MS;
    let operate = |operator| IAccount::setOperatorCall {
        index: 0,
        operator,
        untilMs: until_ms,
    };
    scene
        .world
        .ok(ALICE, account::ADDRESS, &operate(customer(1)));
    scene
        .world
        .ok(customer(2), account::ADDRESS, &operate(ALICE));
    scene
        .world
        .ok(customer(3), account::ADDRESS, &operate(KEYS[0]));
    // Topped up by Alice, by somebody whom she topped up, and by who topped her up.
    for (who, by) in [
        (customer(4), ALICE),
        (customer(5), customer(4)),
        (ALICE, customer(6)),
        (customer(7), customer(6)),
        (customer(8), customer(9)),
    ] {
        let noted = scene.world.inside(JOBS, JOBS, |cx| funded(cx, who, by));
        noted.expect("notes");
    }
    let related = [ALICE, KEYS[0], KEYS[1]].into_iter();
    for who in related.chain((1..=7).map(customer)) {
        let own = Earning {
            customer: who,
            ..stranger
        };
        pays(&mut scene, &own, Why::Related);
    }
    let free = Earning {
        customer: customer(8),
        ..stranger
    };
    pays(&mut scene, &free, Why::Counts);
    // Who held the title is related for ever, whoever holds it now.
    scene.world.ok(ALICE, title::ADDRESS, &transfer(id, CAROL));
    let own = Earning {
        customer: ALICE,
        ..stranger
    };
    pays(&mut scene, &own, Why::Related);
    // The twin that forgets relations counts what the owner pays himself.
    let twin = Twin::with(&[Mutant::RelatedCount]);
    pays(&mut scene, &own, Why::Counts);
    drop(twin);
}

#[test]
fn inc_3_one_customer_is_at_most_a_quarter() {
    let (mut scene, id) = Scene::machine();
    scene.wait(DAY_MS);
    scene.beat(KEYS[0], id);
    for (index, amount) in [(0, 60_000), (1, 20_000), (2, 10_000), (3, 10_000)] {
        scene.earn(id, customer(index), amount);
    }
    let told = scene
        .world
        .view(ADDRESS, &customersOfCall { machineId: id });
    // A quarter of 100,000 counts of the first; all of the others.
    assert_eq!((told.counted, told.excess), (n(100_000), n(35_000)));
    assert_eq!(told.customers[0].shareBps, n(6_000));
    scene.wait(DAY_MS);
    let days = scene.world.view(ADDRESS, &daysOfCall { machineId: id });
    let last = days.last().expect("a day");
    assert_eq!((last.gross, last.counted), (n(100_000), n(100_000)));
    assert_eq!(last.net, n(100_000 - 35_000 - 840));
}

#[test]
fn power_is_the_larger_of_what_is_stated_reported_and_least() {
    let (mut scene, id) = Scene::machine();
    let state = |kwh: u128, watts| statePowerCall {
        machineId: id,
        kwhPrice: n(kwh),
        watts,
    };
    let call = openCall {
        machineId: id,
        assetId: scene.asset.get(),
    };
    scene.world.ok(ALICE, ADDRESS, &call);
    let stranger = IncomeNotHolder {
        machineId: id,
        holder: ALICE,
        caller: BOB,
    };
    scene.world.refused(BOB, ADDRESS, &state(1, 1), &stranger);
    let power = |scene: &mut Scene| {
        scene.earn(id, customer(0), 1);
        scene.wait(DAY_MS);
        scene.beat(KEYS[0], id);
        let days = scene.world.view(ADDRESS, &daysOfCall { machineId: id });
        days.last().expect("a day").power.to()
    };
    // 350 W at 100 a kWh, whatever less he says.
    scene.world.ok(ALICE, ADDRESS, &state(0, 0));
    assert_eq!(power(&mut scene), 840);
    scene.world.ok(ALICE, ADDRESS, &state(150, 1_000));
    assert_eq!(power(&mut scene), 3_600);
    // What it reports counts where it is more.
    let now_ms = scene.now_ms();
    let batch = IMachines::Readings {
        sequence: 1,
        fromMs: now_ms - 1_000,
        toMs: now_ms,
        root: B256::ZERO,
        count: 1,
        watts: 2_000,
        decikelvin: 3_000,
        utilisationBps: 9_000,
    };
    let fields = (
        id,
        batch.sequence,
        batch.fromMs,
        batch.toMs,
        batch.root,
        batch.count,
        batch.watts,
        U256::from(batch.decikelvin),
        U256::from(batch.utilisationBps),
    );
    let signature = scene.signed(KEYS[0], machines::READINGS_TYPE, &fields);
    let report = IMachines::reportCall {
        machineId: id,
        batch,
        signature,
    };
    scene.world.ok(BOB, machines::ADDRESS, &report);
    assert_eq!(power(&mut scene), 7_200);
}

#[test]
fn inc_4_a_title_is_locked_as_long_as_its_machine_owes() {
    let (mut scene, id, _) = Scene::indebted();
    let locked = IMachines::MachinesLocked {
        machineId: id,
        by: ADDRESS,
    };
    scene
        .world
        .refused(ALICE, title::ADDRESS, &transfer(id, CAROL), &locked);
    let leave = IMachines::leaveCall { machineId: id };
    scene
        .world
        .refused(ALICE, machines::ADDRESS, &leave, &locked);
    let approve = IErc721::approveCall {
        to: CAROL,
        tokenId: U256::from(id),
    };
    scene
        .world
        .refused(ALICE, title::ADDRESS, &approve, &locked);
    let repay = repayCall {
        machineId: id,
        amount: U256::MAX,
    };
    scene.world.ok(ALICE, ADDRESS, &repay);
    scene.world.ok(ALICE, title::ADDRESS, &transfer(id, CAROL));
    scene.world.ok(CAROL, machines::ADDRESS, &leave);
}

#[test]
fn inc_5_no_more_is_lent_than_every_limit_allows() {
    let (mut scene, id) = Scene::proven();
    let ask = |scene: &mut Scene, amount: U256, bound: u8| {
        let today = scene.offer(id).today;
        let call = borrowCall {
            machineId: id,
            amount,
        };
        let refusal = IncomeTooMuch {
            machineId: id,
            amount,
            today,
            bound,
        };
        scene.world.refused(ALICE, ADDRESS, &call, &refusal);
    };
    let today = scene.offer(id).today;
    ask(&mut scene, today + n(1), 3);
    ask(&mut scene, n(99), 8);
    // Income that is small binds before bond and fees do.
    let saved = scene.world.clone();
    scene.set(|params| params.fractionBps = 1_000);
    let offer = scene.offer(id);
    assert!(offer.byIncome < offer.byBondAndFees);
    assert_eq!(offer.today, offer.byIncome);
    ask(&mut scene, offer.today + n(1), 2);
    scene.world = saved.clone();
    // Without a first loss nothing is lent beyond what bonds cover, and with a share of it none at all.
    let redeem = IErc4626::redeemCall {
        shares: scene.world.balance(scene.share(1), CAROL),
        receiver: CAROL,
        owner: CAROL,
    };
    let share = scene.share(1);
    scene.world.ok(CAROL, share, &redeem);
    assert_eq!((scene.offer(id).today, scene.offer(id).bound), (n(0), 5));
    scene.deposit(CAROL, 1, 60_000);
    // 600,000 is ten times that; and 500,000 of bond with 60,000 of first loss are less.
    assert_eq!(
        (scene.offer(id).today, scene.offer(id).bound),
        (n(560_000), 5)
    );
    let twin = Twin::with(&[Mutant::Uninsured]);
    assert_eq!(scene.offer(id).today, n(BOND + 150_000));
    drop(twin);
    scene.world = saved;
    // Idle units bind.
    let withdraw = IErc4626::withdrawCall {
        assets: n(9_900_000),
        receiver: BOB,
        owner: BOB,
    };
    let share = scene.share(0);
    scene.world.ok(BOB, share, &withdraw);
    // The border lets so much out in a minute.
    scene.wait(120_000);
    let redeem = IErc4626::withdrawCall {
        assets: n(600_000),
        receiver: CAROL,
        owner: CAROL,
    };
    let share = scene.share(1);
    scene.world.ok(CAROL, share, &redeem);
    assert_eq!(
        (scene.offer(id).today, scene.offer(id).bound),
        (n(500_000), 4)
    );
    // A paused market lends nothing, nor does one to a machine that is not live.
    let pause = pauseCall {
        assetId: scene.asset.get(),
        verbs: 1,
    };
    scene.world.ok(OWNER, ADDRESS, &pause);
    ask(&mut scene, n(100), 7);
    scene.wait(3 * DAY_MS);
    ask(&mut scene, n(100), 6);
}

#[test]
fn inc_8_machine_income_backs_no_instant_debt() {
    let (mut scene, id, amount) = Scene::indebted();
    let report = |scene: &Scene, of: AccountId| {
        let call = IAccount::reportOfCall {
            account: IAccount::AccountRef {
                owner: of.owner,
                index: of.index,
            },
        };
        scene.world.view(account::ADDRESS, &call)
    };
    // Neither the machine's account, which owes and holds, nor the holder's, whom it pays, has anything that counts.
    let nothing = report(&scene, AccountId::new(CAROL, 7));
    assert!(nothing.debt.is_zero() && nothing.borrowable.is_zero());
    assert_eq!(report(&scene, account_of(id)), nothing);
    scene.earn(id, customer(0), 50_000);
    assert!(scene.book(id).reserved > n(0) && amount > 0);
    assert_eq!(report(&scene, account_of(id)), nothing);
    assert_eq!(report(&scene, AccountId::new(ALICE, 0)), nothing);
    let kinds = crate::registry::positions().count();
    assert_eq!(kinds, 5, "machine income is no kind of position");
}

#[test]
fn inc_9_what_tightens_counts_at_once_and_anything_else_a_day_later() {
    let mut scene = Scene::market();
    let asset = scene.asset.get();
    let set = |params: IncomeParams| setParamsCall {
        assetId: asset,
        params,
    };
    let shown = |scene: &Scene| scene.world.view(ADDRESS, &paramsOfCall { assetId: asset });
    let tighter = IncomeParams {
        fractionBps: 4_000,
        bondBps: 9_000,
        firstLossBps: 2_000,
        ..usual()
    };
    scene.world.ok(OWNER, ADDRESS, &set(tighter.clone()));
    assert_eq!(
        (shown(&scene).current, shown(&scene).nextFromMs),
        (tighter.clone(), 0)
    );
    let looser = IncomeParams {
        rateBps: 500,
        ..tighter
    };
    scene.world.ok(OWNER, ADDRESS, &set(looser.clone()));
    assert_eq!(
        (shown(&scene).current, shown(&scene).next),
        (tighter, looser.clone())
    );
    scene.wait(DAY_MS);
    assert_eq!(shown(&scene).current, looser);
    let wild = |what: &str, value: u64, min: u64, max: u64, params: IncomeParams| {
        let error = IncomeParamOutOfRange {
            what: what.to_owned(),
            value: U256::from(value),
            min: U256::from(min),
            max: U256::from(max),
        };
        (set(params), error)
    };
    for (call, error) in [
        wild(
            "rateBps",
            10_001,
            0,
            10_000,
            IncomeParams {
                rateBps: 10_001,
                ..usual()
            },
        ),
        wild(
            "windowDays",
            61,
            7,
            60,
            IncomeParams {
                windowDays: 61,
                ..usual()
            },
        ),
        wild(
            "verifiedDays",
            31,
            1,
            30,
            IncomeParams {
                verifiedDays: 31,
                ..usual()
            },
        ),
        wild(
            "concentrationBps",
            1_249,
            1_250,
            10_000,
            IncomeParams {
                concentrationBps: 1_249,
                ..usual()
            },
        ),
        wild(
            "bondBps",
            30_001,
            0,
            30_000,
            IncomeParams {
                bondBps: 30_001,
                ..usual()
            },
        ),
        wild(
            "graceMs",
            0,
            60_000,
            30 * DAY_MS,
            IncomeParams {
                graceMs: 0,
                ..usual()
            },
        ),
    ] {
        scene.world.refused(OWNER, ADDRESS, &call, &error);
    }
    let not_owner = crate::admin::IAdmin::AdminNotOwner {
        scope: ADDRESS,
        owner: OWNER,
        caller: BOB,
    };
    let call = set(usual());
    let halt = scene.world.call(BOB, ADDRESS, &call).expect_err("refused");
    assert_eq!(halt, Halt::revert(&not_owner), "{}", words(&halt));
}

#[test]
fn inc_10_a_preview_answers_what_the_action_does() {
    let (mut scene, id) = Scene::proven();
    for amount in [100, 12_345, 400_000, 10_000_000] {
        let preview = previewBorrowCall {
            machineId: id,
            amount: n(amount),
        };
        let before = scene.world.state();
        let shown = scene.world.call(BOB, ADDRESS, &preview);
        assert_eq!(scene.world.state(), before, "a preview changes nothing");
        let call = borrowCall {
            machineId: id,
            amount: n(amount),
        };
        let done = scene.world.call(ALICE, ADDRESS, &call);
        assert_eq!(shown, done);
        assert_eq!(done.is_ok(), amount < 10_000_000);
    }
}

#[test]
fn inc_12_repaying_is_never_paused_and_always_possible() {
    let (mut scene, id, amount) = Scene::indebted();
    let pause = pauseCall {
        assetId: scene.asset.get(),
        verbs: 3,
    };
    scene.world.ok(OWNER, ADDRESS, &pause);
    let repay = |amount: U256| repayCall {
        machineId: id,
        amount,
    };
    scene.wait(DAY_MS / 2);
    assert_eq!(scene.world.ok(BOB, ADDRESS, &repay(n(100_000))), n(100_000));
    // Less than the interest that runs does nothing, and is said to.
    scene.wait(DAY_MS / 4);
    let small = IncomeTooSmall {
        assetId: scene.asset.get(),
        amount: n(1),
    };
    scene.world.refused(BOB, ADDRESS, &repay(n(1)), &small);
    let owed = scene.book(id).owed;
    let before = scene.world.balance(scene.token, BOB);
    assert_eq!(scene.world.ok(BOB, ADDRESS, &repay(U256::MAX)), owed);
    assert_eq!(before - scene.world.balance(scene.token, BOB), owed);
    assert!(owed < n(amount));
    let none = IncomeNoDebt { machineId: id };
    scene.world.refused(BOB, ADDRESS, &repay(n(1)), &none);
}
