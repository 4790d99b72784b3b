//! From a customer's deposit to a machine's debt: what settlement pays is judged, counted and shared out by `income`.

use capstan_state::View as _;

use super::*;
use crate::{
    erc4626::IErc4626,
    income::{
        self,
        IIncome::{self, IncomeParams},
    },
    mutant::{Mutant, Twin},
};

/// Accounts of one owner.
const ACCOUNTS: u8 = 20;
/// What each buys a day.
const EACH: u128 = 5_000;
/// Of a job so large: units written.
const UNITS: u64 = 625;
const SMALL_BOND: u128 = 100_000;
const WEEK: u64 = 7;

const fn wallet(index: u8) -> Address {
    account(0x80 + index)
}

pub(super) fn income_params() -> IncomeParams {
    IncomeParams {
        rateBps: 1_000,
        lateBps: 2_000,
        instalments: 30,
        periodS: 86_400,
        unpaidS: 2 * 86_400,
        windowDays: 7,
        verifiedDays: 5,
        customerAgeMs: DAY,
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
        graceMs: DAY,
        auctionMs: DAY,
        auctionStartBps: 15_000,
        auctionFloorBps: 1_000,
        cap: n(1_000_000_000_000),
        loanMin: n(100),
    }
}

struct Scene {
    world: World,
    token: Address,
    asset: AssetId,
    id: u64,
}

impl Scene {
    /// A market of machine loans with lenders (Bob) and a first loss (Carol), and a machine of Alice's that offers.
    fn begin() -> Self {
        let (mut world, token, asset) = start();
        world.sweep_every = 500;
        let open = IIncome::openMarketCall {
            assetId: asset.get(),
            params: income_params(),
        };
        let tokens = world.ok(OWNER, income::ADDRESS, &open);
        for (who, share, assets) in [
            (BOB, tokens.lenderShare, n(10_000_000)),
            (CAROL, tokens.firstLossShare, n(1_000_000)),
        ] {
            world.answer_calls(share);
            let deposit = IErc4626::depositCall {
                assets,
                receiver: who,
            };
            world.ok(who, share, &deposit);
        }
        for index in 0..ACCOUNTS {
            world.mint(token, wallet(index), 1_000_000);
        }
        let id = register(&mut world, ALICE, KEYS[0], SMALL_BOND);
        prove(&mut world, id, 1_000);
        offer(&mut world, KEYS[0], id);
        Self {
            world,
            token,
            asset,
            id,
        }
    }

    /// Twenty wallets that look like strangers: each brings units for itself, more than a day before it buys.
    fn customers(&mut self) {
        for index in 0..ACCOUNTS {
            customer(&mut self.world, wallet(index), wallet(index), 200_000);
        }
        self.wait(DAY);
        self.beat();
    }

    /// Time passes as on a chain: the block comes when it is called.
    fn wait(&mut self, ms: u64) {
        self.world.wait_ms(ms);
        turn(&mut self.world);
        self.collect();
    }

    /// The block's looks at machines that owe.
    fn collect(&mut self) {
        let store = &self.world.store;
        let index = income::DebtIndex::of(store).expect("reads");
        let mut store = ReadOnly::new(store);
        let frame = Frame {
            this: ADDRESS,
            caller: ADDRESS,
            value: U256::ZERO,
        };
        let cx = &mut Ctx::new(&mut store, frame);
        let due = index.due(cx, &income::Changes::default(), income::LOOKS_MAX);
        let due = due.expect("reads").who;
        if !due.is_empty() {
            let input = income::encode_machines(&due);
            let done = self.world.system(SystemKind::Recover, &input);
            done.expect("looks");
        }
    }

    fn beat(&mut self) {
        let beat = IMachines::beatCall { machineId: self.id };
        self.world.ok(KEYS[0], machines::ADDRESS, &beat);
    }

    /// Each wallet buys a job, which is done, shown and settled.
    fn buy(&mut self) {
        let (id, world) = (self.id, &mut self.world);
        next_epoch(world);
        let mut sold = Vec::new();
        for index in 0..ACCOUNTS {
            let who = wallet(index);
            let channel = hold(world, who, who, id, EACH);
            let number = now_ms(world) * 100 + u64::from(index);
            let work = Receipt {
                inputUnits: 0,
                outputUnits: UNITS,
                cost: EACH,
                ..receipt(world, KEYS[0], who, number)
            };
            sold.push((who, channel, vec![work]));
        }
        let of = epoch(world);
        next_epoch(world);
        let mut claims = Vec::new();
        for (who, channel, receipts) in sold {
            let (voucher, tree) = voucher(channel, of, &receipts);
            let call = claim_call(world, &voucher, who, KEYS[0]);
            claims.push((world.ok(CAROL, ADDRESS, &call), receipts, tree));
        }
        for _ in 0..4 {
            world.wait_ms(1_000);
            turn(world);
        }
        for (claim, receipts, tree) in &claims {
            shown(world, *claim, receipts, tree);
        }
        world.wait_ms(40_000);
        assert_eq!(turn(world), usize::from(ACCOUNTS), "all are settled");
        for (claim, ..) in claims {
            assert_eq!(claim_of(world, claim).phase, Phase::Paid.number());
        }
    }

    /// Days on which each buys.
    fn days(&mut self, count: u64) {
        for _ in 0..count {
            let end = now_ms(&mut self.world) + DAY;
            self.buy();
            let left = end - now_ms(&mut self.world);
            self.wait(left);
            self.beat();
        }
    }

    fn offered(&self) -> IIncome::Offer {
        let call = IIncome::offerCall { machineId: self.id };
        self.world.view(income::ADDRESS, &call)
    }

    fn book(&self) -> IIncome::Book {
        let call = IIncome::bookCall { machineId: self.id };
        self.world.view(income::ADDRESS, &call)
    }

    fn market(&self) -> IIncome::Market {
        let call = IIncome::marketCall {
            assetId: self.asset.get(),
        };
        self.world.view(income::ADDRESS, &call)
    }

    fn borrow(&mut self, amount: U256) {
        let call = IIncome::borrowCall {
            machineId: self.id,
            amount,
        };
        self.world.ok(ALICE, income::ADDRESS, &call);
    }

    /// All that the owner has: her wallets, their escrow, her account.
    fn wealth(&mut self) -> u128 {
        let mut sum = units(&mut self.world, self.asset, AccountId::new(ALICE, 0));
        for who in (0..ACCOUNTS).map(wallet).chain([ALICE]) {
            sum += self.world.balance(self.token, who).to::<u128>();
            let [free, bound, claimed, _] = customer_of(&self.world, who);
            sum += free + bound + claimed;
        }
        sum
    }
}

/// JOB-14: what is settled is counted, carries a loan, and pays it before its holder sees anything of what is due.
#[test]
fn job_14_a_machines_pay_goes_to_its_debt_before_its_holder() {
    let mut scene = Scene::begin();
    scene.customers();
    scene.days(WEEK);
    let fee = EACH / 100 + 1;
    let earned = u128::from(WEEK) * u128::from(ACCOUNTS) * (EACH - fee);
    assert_eq!(scene.book().earned, n(earned), "what was settled came in");
    let held = AccountId::new(ALICE, 0);
    assert_eq!(units(&mut scene.world, scene.asset, held), earned);
    let offer = scene.offered();
    assert!(offer.verifiedDays >= 5 && offer.today > n(0), "{offer:?}");
    scene.borrow(offer.today);
    let before = units(&mut scene.world, scene.asset, held);
    scene.days(2);
    let (book, after) = (scene.book(), units(&mut scene.world, scene.asset, held));
    assert!(book.toDebt > n(0) && book.due.is_zero(), "{book:?}");
    assert_eq!(book.earned, book.toDebt + book.reserved + book.toHolder);
    assert!(n(after - before) < n(2 * u128::from(ACCOUNTS) * (EACH - fee)));
    // What is bound and not yet earned counts as escrow, and what is let go of no longer does.
    let (id, who) = (scene.id, wallet(0));
    let channel = hold(&mut scene.world, who, who, id, 7_000);
    assert_eq!(scene.book().escrow, n(7_000));
    let release = releaseCall {
        channel,
        byMachine: CALLS,
    };
    scene.world.ok(KEYS[0], ADDRESS, &release);
    assert_eq!(scene.book().escrow, n(0));
}

/// Plays it, with these lines broken: what was borrowed, the owner's profit, and what the tranches lost.
fn buys_from_himself_and_leaves(mutants: &'static [Mutant]) -> (u128, i128, u128, u128) {
    let twin = Twin::with(mutants);
    let mut scene = Scene::begin();
    // Her bond is with the room of machines by now.
    let before = scene.wealth() + SMALL_BOND;
    scene.customers();
    scene.days(WEEK);
    let today = scene.offered().today;
    scene.borrow(today);
    // She is never seen again, and nobody calls anything: the block goes on.
    for _ in 0..150 {
        scene.wait(HOUR);
    }
    let (after, market) = (scene.wealth(), scene.market());
    drop(twin);
    let profit = i128::try_from(after).expect("small") - i128::try_from(before).expect("small");
    let (first, lenders) = (
        market.lostFirstLoss.to::<u128>(),
        market.lostLenders.to::<u128>(),
    );
    println!(
        "{mutants:?}: borrowed {today}, profit {profit}, first loss {first}, lenders {lenders}"
    );
    assert_eq!(market.defaults, 1, "every step was the block's");
    (today.to(), profit, first, lenders)
}

/// An owner buys from himself through twenty accounts that look like strangers, with real jobs that are settled and paid,
/// borrows all that he is offered, and leaves: he has no profit, and no loss is larger than the first loss.
#[test]
fn buying_from_oneself_through_settled_jobs_and_leaving_does_not_pay() {
    let (borrowed, profit, first, lenders) = buys_from_himself_and_leaves(&[]);
    assert!(
        borrowed > SMALL_BOND,
        "he is offered what honest people are"
    );
    assert!(profit <= 0, "profit {profit}");
    assert!(first <= 1_000_000 && lenders == 0);
    let (more, profit, ..) = buys_from_himself_and_leaves(&[Mutant::IncomeAlone]);
    assert!(more > borrowed && profit > 0, "profit {profit}");
}

/// JOB-13: units are bound, come back and go out however damaged the book is of the machine for which they stand.
#[test]
fn job_13_a_damaged_book_holds_up_no_release_and_no_deposit() {
    let mut scene = Scene::begin();
    scene.customers();
    scene.days(1);
    let (id, who, world) = (scene.id, wallet(0), &mut scene.world);
    world.sweep_every = u32::MAX;
    let channel = hold(world, who, who, id, 7_000);
    for (slot, _) in world.store.words_of(income::ADDRESS).expect("reads") {
        world.store.set_word(income::ADDRESS, slot, U256::MAX);
    }
    let free = customer_of(world, who)[0];
    world.wait_ms(1);
    hold(world, who, who, id, 1_000);
    let release = releaseCall {
        channel,
        byMachine: CALLS,
    };
    assert_eq!(world.ok(KEYS[0], ADDRESS, &release), n(8_000));
    assert_eq!(customer_of(world, who)[0], free + 7_000);
    let (from, to) = (wallet(1), account(0x99));
    let deposit = depositCall {
        customer: to,
        amount: n(5),
    };
    world.ok(from, ADDRESS, &deposit);
    assert_eq!(customer_of(world, to)[0], 5);
}

/// Whoever is topped up by somebody else the first time is known by him; whoever did so himself, by nobody, whatever
/// others bring him later: a stranger cannot make two people related.
#[test]
fn job_14_who_topped_up_first_is_told_once() {
    let mut scene = Scene::begin();
    let deposit = |scene: &mut Scene, from: Address, customer: Address| {
        let call = depositCall {
            customer,
            amount: n(1),
        };
        scene.world.ok(from, ADDRESS, &call);
    };
    deposit(&mut scene, ALICE, wallet(0));
    deposit(&mut scene, wallet(1), wallet(1));
    deposit(&mut scene, ALICE, wallet(1));
    // A stranger brings a unit to the holder and to her customer.
    deposit(&mut scene, wallet(2), wallet(2));
    deposit(&mut scene, BOB, ALICE);
    deposit(&mut scene, BOB, wallet(2));
    let why = |scene: &Scene, customer: Address| {
        let call = IIncome::relationOfCall {
            machineId: scene.id,
            customer,
        };
        scene.world.view(income::ADDRESS, &call)
    };
    assert_eq!(why(&scene, wallet(0)), income::Why::Related.number());
    assert_eq!(why(&scene, wallet(1)), income::Why::Counts.number());
    assert_eq!(why(&scene, wallet(2)), income::Why::Counts.number());
    assert_eq!(why(&scene, BOB), income::Why::Related.number());
}
