//! Random steps, of which each is predicted beforehand from what the contract shows: how income is shared out, whether a loan
//! is made, what a title costs, who bears a loss, what shares are worth. The whole world is checked now and then.

use std::collections::BTreeMap;

use alloy_sol_types::SolError as _;

use super::{
    blocks::{due, turn},
    *,
};
use crate::{
    invariant::check_all,
    still,
    term::{self, ITerm},
    testkit::{dice::Dice, steps},
};

/// Steps of one world.
const PLAY: u32 = 1_000;
/// Transactions between looks at the whole world.
const SWEEP: u32 = 200;

const HOLDERS: [Address; 3] = [ALICE, BOB, CAROL];

/// Whether the border of the asset keeps what would leave for a wallet: so much left within the last minute.
fn is_border<R>(done: &Result<R, Halt>) -> bool {
    let selector = ILedger::LedgerOutflowLimit::SELECTOR;
    matches!(done, Err(Halt::Revert(why)) if why.starts_with(&selector))
}

struct Play {
    scene: Scene,
    keys: BTreeMap<u64, Address>,
    counts: BTreeMap<&'static str, u32>,
    waits: u64,
}

impl Play {
    fn begin() -> Self {
        let mut scene = Scene::market();
        scene.world.sweep_every = SWEEP;
        scene.set(|params| {
            params.verifiedDays = 2;
            params.windowDays = 7;
            params.instalments = 6;
            params.bondBps = 20_000;
            params.concentrationBps = 5_000;
        });
        let mut keys = BTreeMap::new();
        for (holder, key) in HOLDERS.into_iter().zip(KEYS) {
            let id = scene.register(holder, key, BOND);
            let open = openCall {
                machineId: id,
                assetId: scene.asset.get(),
            };
            scene.world.ok(holder, ADDRESS, &open);
            keys.insert(id, key);
        }
        // Ten days of work, so that there is something to borrow against.
        for _ in 0..10 {
            for id in 0..3 {
                for index in 0..CUSTOMERS {
                    scene.earn(id, customer(index), EACH);
                }
            }
            scene.wait(DAY_MS);
            for (id, key) in &keys {
                scene.beat(*key, *id);
            }
        }
        Self {
            waits: 0,
            scene,
            keys,
            counts: BTreeMap::new(),
        }
    }

    fn note(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn holder(&self, id: u64) -> Address {
        self.scene.book(id).holder
    }

    /// What a machine's debt has due now, and what its next instalments are, as `term` shows them.
    fn schedule(&mut self, id: u64) -> (u128, u128) {
        let of = account_of(id);
        let call = ITerm::loansOfCall {
            owner: of.owner,
            index: of.index,
        };
        let now_ms = self.scene.now_ms();
        let (mut due, mut next) = (0, 0);
        for id in self.scene.world.view(term::ADDRESS, &call) {
            let loan = self
                .scene
                .world
                .view(term::ADDRESS, &ITerm::loanOfCall { id });
            due += (loan.due + loan.late).to();
            let all = ITerm::scheduleOfCall { id };
            let all = self.scene.world.view(term::ADDRESS, &all);
            let coming = all.iter().find(|one| one.dueMs > now_ms);
            next += coming.map_or(0, |one| (one.principal + one.interest).to());
        }
        (due, next)
    }

    /// Pays a machine, and looks where it went.
    fn earn(&mut self, dice: &mut Dice, id: u64) {
        let amount = 1 + dice.amount(80_000);
        let who = dice.of(&[customer(0), customer(1), customer(2), self.keys[&id]]);
        let before = self.scene.book(id);
        let (due, next) = self.schedule(id);
        let holder = AccountId::new(before.holder, 0);
        let held = self.scene.free(holder);
        let shared = self.scene.earn(id, who, amount);
        let after = self.scene.book(id);
        assert_eq!(after.earned - before.earned, n(amount));
        assert_eq!(after.earned, after.toDebt + after.reserved + after.toHolder);
        if before.caseId != 0 {
            self.note("paid in a case");
            let is_unsold = before.principal.is_zero();
            assert!(is_unsold || shared.to_holder.is_zero() || after.principal.is_zero());
            return;
        }
        let all = amount + before.reserved.to();
        let to_debt = all.min(due);
        let reserved = if after.principal.is_zero() {
            0
        } else {
            (all - to_debt).min(next)
        };
        let expected = Shared {
            to_debt: a(to_debt),
            to_holder: a(all - to_debt - reserved),
            reserved: a(reserved),
        };
        assert_eq!(shared, expected, "{before:?}");
        assert_eq!(self.scene.free(holder) - held, shared.to_holder.get());
        self.note("paid");
    }

    fn borrow(&mut self, dice: &mut Dice, id: u64) {
        let holder = self.holder(id);
        let offer = self.scene.offer(id).today.to();
        let amount = dice.amount(offer.max(1_000));
        let (_, next) = self.schedule(id);
        let call = borrowCall {
            machineId: id,
            amount: n(amount),
        };
        let shown = self.scene.world.call(
            BOB,
            ADDRESS,
            &previewBorrowCall {
                machineId: id,
                amount: n(amount),
            },
        );
        let before = self.scene.told();
        let done = self.scene.world.call(holder, ADDRESS, &call);
        if holder == ADDRESS {
            return;
        }
        if is_border(&done) {
            assert!(shown.is_ok(), "a preview leaves wallets out");
            return self.note("held by the border");
        }
        assert_eq!(shown, done, "a preview is what happens");
        let fits = amount >= 100 && amount <= offer;
        // What came in meanwhile pays first, and may make room for a little more.
        assert!(
            done.is_ok() == fits || next > 0,
            "{amount} of {offer}: {done:?}"
        );
        if done.is_ok() {
            let after = self.scene.told();
            assert!(after.uncovered <= after.firstLoss, "{after:?}");
            assert!(after.lent * n(1_000) <= after.firstLoss * n(10_000));
            // What came in meanwhile paid first: principal moves between the two, and interest alone adds to them.
            let interest = after.interestPaid - before.interestPaid;
            assert_eq!(
                after.idle + after.lent,
                before.idle + before.lent + interest
            );
            self.note("borrowed");
        } else {
            self.note("refused");
        }
    }

    fn repay(&mut self, dice: &mut Dice, id: u64) {
        let book = self.scene.book(id);
        let amount = 1 + dice.amount(book.owed.to() + 10);
        let before = self.scene.world.balance(self.scene.token, JOBS);
        let call = repayCall {
            machineId: id,
            amount: n(amount),
        };
        match self.scene.world.call(JOBS, ADDRESS, &call) {
            Ok(paid) => {
                assert!(paid <= n(amount).min(book.owed));
                assert!(paid >= book.due.min(n(amount)), "what is due takes all");
                let after = self.scene.world.balance(self.scene.token, JOBS);
                assert_eq!(before - after, paid, "change is given");
                let ended = self.scene.book(id).principal.is_zero();
                assert_eq!(ended, paid == book.owed);
                self.note(if ended { "ended" } else { "repaid" });
            }
            Err(_) => {
                assert!(book.principal.is_zero() || book.due.is_zero());
                self.note("not repaid");
            }
        }
    }

    fn advance(&mut self, id: u64) {
        let (before, market) = (self.scene.book(id), self.scene.told());
        let case = self.scene.case(before.caseId);
        let now_ms = self.scene.now_ms();
        let security = self
            .scene
            .world
            .view(ADDRESS, &securityCall { machineId: id });
        let stage = self.scene.advance(id);
        let is_late = before.nextMs != 0 && now_ms >= before.nextMs;
        if before.caseId == 0 {
            // A machine that is seen, whose bond is whole and who pays, has no case.
            self.note(if stage == 0 { "right" } else { "wrong" });
            return assert!(stage <= 1, "a case begins with its first stage");
        }
        match (case.stage, stage) {
            (1, 2) => assert!(is_late),
            (2, 3) => {
                assert!(is_late);
                let after = self.scene.told();
                let done = self.scene.case(before.caseId);
                let lost = (done.fromFirstLoss + done.fromLenders).to();
                let owed = before.owed.to().saturating_sub(before.reserved.to());
                assert_eq!(done.fromBond.to(), security.bond.to().min(owed));
                let first = lost.min(market.firstLoss.to());
                assert_eq!(done.fromFirstLoss, n(first));
                assert_eq!(after.lostLenders - market.lostLenders, n(lost - first));
                assert_eq!(done.principal, done.paid + n(lost));
                self.note("unsold");
            }
            (of, to) => assert!(of == to || to == 0, "{of} to {to}"),
        }
    }

    fn bid(&mut self, dice: &mut Dice, id: u64) {
        let book = self.scene.book(id);
        let call = bidCall {
            machineId: id,
            priceMax: if dice.below(4) == 0 { n(0) } else { U256::MAX },
        };
        let stage = self.scene.case(book.caseId).stage;
        let before = self.scene.world.balance(self.scene.token, JOBS);
        let Ok(price) = self.scene.world.call(JOBS, ADDRESS, &call) else {
            return;
        };
        let after = self.scene.world.balance(self.scene.token, JOBS);
        assert_eq!(before - after, price);
        assert!(matches!(stage, 1..=3), "the step that was due came first");
        let case = self.scene.case(book.caseId);
        assert_eq!((case.stage, case.buyer), (5, JOBS));
        if stage == 2 && case.fromTitle + case.toHolder != n(0) {
            assert_eq!(case.fromTitle + case.toHolder, price);
            assert!(case.toHolder.is_zero() || case.fromBond.is_zero());
        }
        assert_eq!(self.scene.book(id).principal, n(0));
        // The buyer sells it on, so that the play goes on with people who borrow.
        let to = dice.of(&HOLDERS);
        let sell = IErc721::transferFromCall {
            from: JOBS,
            to,
            tokenId: U256::from(id),
        };
        self.scene.world.ok(JOBS, title::ADDRESS, &sell);
        self.scene
            .world
            .ok(JOBS, ADDRESS, &collectCall { machineId: id });
        self.note("sold");
    }

    fn share(&mut self, dice: &mut Dice) {
        let (who, tranche) = (dice.of(&[BOB, CAROL]), dice.of(&[0, 1]));
        let share = self.scene.share(tranche);
        let before = self.scene.world.balance(self.scene.token, who);
        if dice.below(2) == 0 {
            let assets = n(1 + dice.amount(1_000_000));
            let shown = IErc4626::previewDepositCall { assets };
            let shown = self.scene.world.view(share, &shown);
            let deposit = IErc4626::depositCall {
                assets,
                receiver: who,
            };
            if let Ok(made) = self.scene.world.call(who, share, &deposit) {
                assert_eq!(made, shown);
                self.note("deposited");
            }
            return;
        }
        let most = self
            .scene
            .world
            .view(share, &IErc4626::maxWithdrawCall { owner: who });
        let assets = n(dice.amount(most.to()));
        let withdraw = IErc4626::withdrawCall {
            assets,
            receiver: who,
            owner: who,
        };
        let done = self.scene.world.call(who, share, &withdraw);
        if done.is_ok() {
            let after = self.scene.world.balance(self.scene.token, who);
            assert_eq!(after - before, assets);
            assert!(assets <= most);
            self.note("withdrawn");
        } else if is_border(&done) {
            self.note("held by the border");
        } else {
            assert!(
                assets.is_zero() || assets > most,
                "{assets} of {most}: {done:?}"
            );
        }
    }

    fn bond(&mut self, dice: &mut Dice, id: u64) {
        if dice.below(3) == 0 {
            let amount = a(dice.amount(BOND));
            let slashed = self.scene.world.inside(JOBS, JOBS, |cx| {
                machines::slash(cx, id, amount, FEES, machines::Reason::WrongAnswer)
            });
            slashed.expect("slashes");
            return self.note("slashed");
        }
        let call = IMachines::addBondCall {
            machineId: id,
            amount: n(1 + dice.amount(BOND)),
        };
        self.scene.world.ok(JOBS, machines::ADDRESS, &call);
    }

    /// The block comes to whom it must: to all with whom a step is due, and what is due is done then.
    fn block(&mut self) {
        let now_ms = self.scene.now_ms();
        let due = due(&self.scene);
        let mut waiting = Vec::new();
        for id in 0..3 {
            let book = self.scene.book(id);
            let is_called = book.nextMs != 0 && book.nextMs.div_ceil(1_000) * 1_000 <= now_ms;
            assert!(!is_called || due.contains(&id), "{book:?} at {now_ms}");
            if is_called {
                waiting.push((id, book.nextMs));
            }
        }
        assert_eq!(turn(&mut self.scene), due.len());
        for (id, next_ms) in waiting {
            let book = self.scene.book(id);
            assert!(book.nextMs == 0 || book.nextMs > next_ms, "{book:?}");
            self.note("moved by the block");
        }
        for id in due {
            let book = self.scene.book(id);
            let is_paid = book.due.is_zero() || book.reserved.is_zero();
            assert!(is_paid, "what is reserved pays what is due: {book:?}");
            self.note("looked at");
        }
    }

    /// INC-15: nobody can do anything for a while, and nothing comes of it: no case is opened for silence or an unpaid instalment, and
    /// none goes on.
    fn stand_still(&mut self) {
        self.waits += 1;
        if !self.waits.is_multiple_of(24) {
            return;
        }
        self.block();
        let parent_ms = self.scene.now_ms();
        let stages = |scene: &Scene| {
            let one = |id| {
                let book = scene.book(id);
                (book.caseId, scene.case(book.caseId), book.nextMs)
            };
            (0..3).map(one).collect::<Vec<_>>()
        };
        let before = stages(&self.scene);
        let ms = still::STILL_MS + 1 + self.waits * 7_919_000 % (20 * DAY_MS);
        self.scene.world.stand_still_ms(ms);
        self.block();
        let after = stages(&self.scene);
        for ((case_id, case, next_ms), (later_id, later, _)) in before.into_iter().zip(after) {
            // What was due by the clock before is done now; what other rooms did to a bond is met now.
            if next_ms != 0 && next_ms <= parent_ms {
                continue;
            }
            if case_id == 0 {
                assert!(later_id == 0 || later.reason >= 3, "{later:?}");
            } else {
                let now = self.scene.case(case_id);
                assert!(
                    now.stage == case.stage || now.stage == 4,
                    "{case:?} {now:?}"
                );
            }
        }
        // A stop that comes sooner would have no minute of its own.
        self.scene.wait(still::RETURN_MS + still::STILL_MS);
        self.note("stood still");
    }

    fn wait(&mut self, dice: &mut Dice, ms: u64) {
        self.scene.wait(ms);
        // Whoever is quicker than the block meets what it will do.
        if dice.below(3) != 0 {
            self.block();
        }
        self.stand_still();
    }

    fn step(&mut self, dice: &mut Dice) {
        let id = u64::try_from(dice.below(3)).expect("small");
        match dice.below(20) {
            0..=6 => self.earn(dice, id),
            7 | 8 => self.borrow(dice, id),
            9 | 10 => self.repay(dice, id),
            11 | 12 => self.advance(id),
            13 => self.bid(dice, id),
            14 | 15 => self.share(dice),
            16 => self.bond(dice, id),
            17 => {
                let ms = u64::try_from(dice.amount(u128::from(DAY_MS))).expect("small");
                self.wait(dice, ms.max(1));
            }
            _ => {
                let hours = u64::try_from(dice.below(20)).expect("small");
                self.wait(dice, (hours + 1) * 3_600_000);
                let key = self.keys[&id];
                self.scene.beat(key, id);
            }
        }
    }
}

#[test]
fn random_steps_are_what_was_predicted() {
    let model = "income::tests::model";
    let (mut dice, all) = steps::begin(model);
    let mut counts = BTreeMap::<&'static str, u32>::new();
    steps::in_plays(all, PLAY, |now| {
        let mut play = Play::begin();
        for _ in 0..now {
            play.step(&mut dice);
        }
        assert_eq!(check_all(&play.scene.world.store), Ok(()));
        for (what, count) in play.counts {
            *counts.entry(what).or_default() += count;
        }
    });
    for (what, count) in &counts {
        println!("{count:>9} {what}");
    }
    if steps::is_whole(model, all) {
        for what in [
            "borrowed",
            "refused",
            "ended",
            "unsold",
            "sold",
            "slashed",
            "withdrawn",
            "looked at",
            "moved by the block",
            "stood still",
        ] {
            assert!(counts.contains_key(what), "nothing was {what}");
        }
    }
}
