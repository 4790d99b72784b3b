//! Fixed-term debt by itself: offers, schedules, payments, default, losses.

mod faults;
mod model;
mod schedules;

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolError};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};

use super::{ADDRESS, ESCROW, ITerm::*, InTerm, Payment, Standing};
use crate::{
    admin,
    erc20::IErc20,
    ledger::{self, ILedger},
    position::{Line, Loss, Position},
    term,
    testkit::{ALICE, BOB, CAROL, OWNER, World, account, words},
};

/// A native contract that moves units of accounts, as the account room does.
const ROOM: Address = account(0x77);
const ALICES: AccountId = AccountId::new(ALICE, 0);
const BOBS: AccountId = AccountId::new(BOB, 3);
const CAROLS: AccountId = AccountId::new(CAROL, 1);
/// What each of them begins with, in the account and in the wallet.
const RICH: u128 = 1_000_000_000_000;
const DAY_MS: u64 = 86_400_000;
/// A month of thirty days.
const MONTH_S: u32 = 2_592_000;
const MONTH_MS: u64 = 2_592_000_000;
const NEVER: u64 = u64::MAX;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn a(value: u128) -> Assets {
    Assets::new(value).expect("in range")
}

/// 12 % a year in twelve months, equal principal; five days of grace, 24 % late, 1 % for early repayment, default
/// after forty days.
fn terms(id: AssetId) -> OfferTerms {
    OfferTerms {
        assetId: id.get(),
        rateBps: 1_200,
        instalments: 12,
        periodS: MONTH_S,
        amortisation: 0,
        graceS: 432_000,
        lateBps: 2_400,
        earlyFeeBps: 100,
        defaultS: 3_456_000,
        least: n(1_000),
        expiresMs: NEVER,
    }
}

/// A world in which Alice lends and Bob borrows.
#[derive(Clone)]
struct Scene {
    world: World,
    token: Address,
    id: AssetId,
}

impl Scene {
    fn new() -> Self {
        let mut scene = Self {
            world: World::new(),
            token: Address::ZERO,
            id: AssetId::new(0),
        };
        (scene.token, scene.id) = scene.asset();
        scene
    }

    fn asset(&mut self) -> (Address, AssetId) {
        let token = self.world.create_token(0);
        let limit = ILedger::OutflowLimit {
            windowS: 60,
            shareBps: 10_000,
            floor: n(0),
        };
        let list = ILedger::listAssetCall { token, limit };
        let id = AssetId::new(self.world.ok(OWNER, ledger::ADDRESS, &list));
        for who in [ALICES, BOBS, CAROLS] {
            self.world.mint(token, who.owner, RICH * 2);
            let pulled = self.world.inside(ROOM, who.owner, |cx| {
                ledger::pull(cx, id, who.owner, who, a(RICH))
            });
            assert_eq!(pulled, Ok(a(RICH)));
        }
        (token, id)
    }

    fn act<R>(&mut self, work: impl FnOnce(&mut Ctx<'_>) -> Result<R, Halt>) -> Result<R, Halt> {
        self.world.inside(ROOM, ROOM, work)
    }

    fn offer(&mut self, terms: &OfferTerms, amount: u128) -> Result<u64, Halt> {
        self.act(|cx| term::offer(cx, ALICES, terms, a(amount)))
    }

    fn take(&mut self, who: AccountId, offer: u64, amount: u128) -> Result<u64, Halt> {
        self.act(|cx| term::take(cx, who, offer, a(amount)))
    }

    /// Alice lends Bob `amount` on these terms.
    fn lend(&mut self, terms: &OfferTerms, amount: u128) -> u64 {
        let offer = self.offer(terms, amount).expect("offered");
        self.take(BOBS, offer, amount).expect("taken")
    }

    fn repay(&mut self, id: u64, amount: u128) -> Result<Payment, Halt> {
        self.act(|cx| term::repay(cx, BOBS, id, a(amount)))
    }

    fn standing(&mut self, id: u64) -> Standing {
        self.act(|cx| term::standing(cx, id)).expect("reads")
    }

    fn owed(&mut self, who: AccountId) -> u128 {
        let id = self.id;
        self.act(|cx| term::owed_up(cx, id, who))
            .expect("reads")
            .get()
    }

    fn free(&mut self, who: AccountId) -> u128 {
        let id = self.id;
        self.act(|cx| ledger::free(cx, id, who))
            .expect("reads")
            .get()
    }

    fn loan(&mut self, id: u64) -> Loan {
        self.world.view(ADDRESS, &loanOfCall { id })
    }

    #[track_caller]
    fn refuses<R: core::fmt::Debug>(
        &mut self,
        error: &impl SolError,
        verb: impl FnOnce(&mut Self) -> Result<R, Halt>,
    ) {
        let before = self.world.state();
        let halt = verb(self).expect_err("refused");
        assert_eq!(halt, Halt::revert(error), "{}", words(&halt));
        assert_eq!(self.world.state(), before, "left traces");
    }
}

#[test]
fn a_loan_on_schedule() {
    let mut scene = Scene::new();
    let id = scene.lend(&terms(scene.id), 120_000);
    assert_eq!(
        (scene.free(ALICES), scene.free(BOBS)),
        (RICH - 120_000, RICH + 120_000)
    );
    assert_eq!(scene.owed(BOBS), 120_000);
    // Twelve times 10,000 and 30 days of 12 % on what is left: 120,000 * 0.12 * 30 / 365 = 1183.56...
    let plan = scene.world.ok(CAROL, ADDRESS, &scheduleOfCall { id });
    assert_eq!((plan[0].principal, plan[0].interest), (n(10_000), n(1_184)));
    assert_eq!((plan[11].principal, plan[11].interest), (n(10_000), n(99)));
    let mut paid = 0;
    for month in 1..=12_u128 {
        scene.world.wait_ms(MONTH_MS);
        let standing = scene.standing(id);
        let due = standing.due.get();
        let instalment = &plan[usize::try_from(month).expect("small") - 1];
        assert_eq!(n(due), instalment.principal + instalment.interest);
        assert_eq!(standing.overdue, a(0));
        let payment = scene.repay(id, due).expect("paid");
        assert_eq!(payment.total().expect("small"), a(due));
        assert_eq!(payment.due, a(due));
        paid += due;
    }
    assert_eq!(scene.owed(BOBS), 0);
    let gone = TermNoLoan { id };
    scene
        .world
        .refused(CAROL, ADDRESS, &loanOfCall { id }, &gone);
    assert_eq!(scene.act(|cx| term::loans_of(cx, BOBS)), Ok(vec![]));
    // TERM-3: to the unit.
    assert_eq!(scene.free(ALICES), RICH - 120_000 + paid);
    assert_eq!(scene.free(BOBS), RICH + 120_000 - paid);
    assert_eq!(paid, 127_699);
}

#[test]
fn term_2_and_term_11_an_offer_is_taken_in_parts_until_it_expires() {
    let mut scene = Scene::new();
    let expires_ms = scene.world.store.block_mut().time_ms + DAY_MS;
    let terms = OfferTerms {
        expiresMs: expires_ms,
        ..terms(scene.id)
    };
    let id = scene.offer(&terms, 5_000).expect("offered");
    assert_eq!(scene.free(ESCROW), 5_000);
    let small = TermTooSmall {
        id,
        amount: n(999),
        least: n(1_000),
    };
    scene.refuses(&small, |scene| scene.take(BOBS, id, 999));
    let short = TermOfferShort {
        id,
        left: n(5_000),
        wanted: n(5_001),
    };
    scene.refuses(&short, |scene| scene.take(BOBS, id, 5_001));
    scene.refuses(&TermZeroAmount {}, |scene| scene.take(BOBS, id, 0));
    scene.take(BOBS, id, 4_500).expect("a part");
    let seen = scene.world.ok(CAROL, ADDRESS, &offerOfCall { id });
    assert_eq!((seen.left, &seen.terms), (n(500), &terms));
    assert_eq!(
        scene.world.ok(CAROL, ADDRESS, &offersCall { behind: 0 }),
        [seen]
    );
    let mut late = scene.clone();
    // The rest may be smaller than the least.
    scene.take(CAROLS, id, 500).expect("the rest");
    let none = TermNoOffer { id };
    scene.refuses(&none, |scene| scene.take(BOBS, id, 1_000));
    assert_eq!(scene.free(ESCROW), 0);
    // Its loans still refer to its terms.
    let gone = scene.world.ok(CAROL, ADDRESS, &offerOfCall { id });
    assert_eq!((gone.left, gone.lender), (U256::ZERO, Address::ZERO));
    assert_eq!(gone.terms.rateBps, terms.rateBps);
    assert_eq!(
        scene.world.ok(CAROL, ADDRESS, &offersCall { behind: 0 }),
        []
    );
    let never = TermNoOffer { id: id + 1 };
    scene
        .world
        .refused(CAROL, ADDRESS, &offerOfCall { id: id + 1 }, &never);
    late.world.wait_ms(DAY_MS);
    let expired = TermExpired {
        id,
        expiresMs: expires_ms,
    };
    late.refuses(&expired, |scene| scene.take(BOBS, id, 500));
    let others = TermNotLender { id, lender: ALICE };
    let cancel = cancelOfferCall { id };
    late.world.refused(BOB, ADDRESS, &cancel, &others);
    late.refuses(&others, |scene| {
        scene.act(|cx| term::cancel_offer(cx, AccountId::new(ALICE, 1), id))
    });
    let before = late.free(ALICES);
    assert_eq!(late.world.ok(ALICE, ADDRESS, &cancel), n(500));
    assert_eq!((late.free(ALICES), late.free(ESCROW)), (before + 500, 0));
    late.world.refused(ALICE, ADDRESS, &cancel, &none);
    // The loan that was taken of it goes on by its terms.
    assert_eq!(late.loan(1).principal, n(4_500));
}

#[test]
fn a_wallet_offers_by_itself() {
    let mut scene = Scene::new();
    let approve = IErc20::approveCall {
        spender: ADDRESS,
        value: n(700),
    };
    scene.world.ok(ALICE, scene.token, &approve);
    let offer = offerCall {
        terms: OfferTerms {
            least: n(1),
            ..terms(scene.id)
        },
        amount: n(700),
        index: 5,
    };
    let before = scene.world.balance(scene.token, ALICE);
    let id = scene.world.ok(ALICE, ADDRESS, &offer);
    assert_eq!(scene.world.balance(scene.token, ALICE), before - n(700));
    let loan = scene.take(BOBS, id, 700).expect("taken");
    scene.world.wait_ms(MONTH_MS);
    let due = scene.standing(loan).due.get();
    scene.repay(loan, due).expect("paid");
    assert_eq!(scene.free(AccountId::new(ALICE, 5)), due);
}

#[test]
fn term_5_a_late_fee_runs_beyond_the_grace_alone() {
    let mut scene = Scene::new();
    let id = scene.lend(&terms(scene.id), 12_000_000);
    scene.world.wait_ms(MONTH_MS);
    let due = scene.standing(id).due.get();
    scene.world.wait_ms(5 * DAY_MS);
    let standing = scene.standing(id);
    assert_eq!((standing.late, standing.overdue), (a(0), a(0)));
    scene.world.wait_ms(10 * DAY_MS);
    let standing = scene.standing(id);
    // Ten days of 24 % on the instalment, and on nothing else.
    let fee = (due * 24 * 10).div_ceil(36_500);
    assert_eq!((standing.late, standing.overdue), (a(fee), a(due)));
    // Half is paid: late fees first.
    let payment = scene.repay(id, due / 2).expect("paid");
    assert_eq!((payment.late, payment.due), (a(fee), a(due / 2 - fee)));
    scene.world.wait_ms(3 * DAY_MS);
    let unpaid = due - (due / 2 - fee);
    let fee = (unpaid * 24 * 3).div_ceil(36_500);
    assert_eq!(scene.standing(id).late, a(fee));
    // The second instalment falls due twelve days later and has its own grace.
    scene.world.wait_ms(12 * DAY_MS);
    let standing = scene.standing(id);
    assert_eq!(standing.done, 2);
    let fee = (unpaid * 24 * 15).div_ceil(36_500);
    assert_eq!((standing.late, standing.overdue), (a(fee), a(unpaid)));
    assert!(standing.due > standing.overdue);
}

#[test]
fn term_10_default_is_a_fact() {
    let mut scene = Scene::new();
    let id = scene.lend(&terms(scene.id), 12_000);
    let asset = scene.id;
    let next = |scene: &mut Scene| {
        let at = scene
            .act(|cx| term::next_default_ms(cx, asset, BOBS))
            .expect("reads");
        at.map(|at| at - scene.world.store.block_mut().time_ms)
    };
    let defaults = |scene: &mut Scene| scene.act(|cx| term::defaults(cx, BOBS)).expect("reads");
    let day = |days: u64| Some(days * DAY_MS);
    assert_eq!(next(&mut scene), day(70));
    scene.world.wait_ms(70 * DAY_MS);
    assert!(defaults(&mut scene).is_empty());
    let mut punctual = scene.clone();
    scene.world.wait_ms(1);
    assert_eq!(defaults(&mut scene), [id]);
    assert!(scene.loan(id).inDefault);
    // Paying the oldest instalment and what it cost late ends the default; the second is ten days late.
    let standing = punctual.standing(id);
    let first = standing.late.get() + 1_000 + 119;
    punctual.repay(id, first).expect("paid");
    assert_eq!(next(&mut punctual), day(30));
    punctual.world.wait_ms(30 * DAY_MS);
    assert!(defaults(&mut punctual).is_empty());
    punctual.world.wait_ms(1);
    assert_eq!(defaults(&mut punctual), [id]);
    assert_eq!(
        scene.act(|cx| term::next_default_ms(cx, asset, CAROLS)),
        Ok(None)
    );
}

/// What was paid early lowers every later instalment alike; their number and dates stay.
#[test]
fn term_13_early_repayment_costs_its_fee_and_saves_interest() {
    for amortisation in 0..3 {
        let mut scene = Scene::new();
        let terms = OfferTerms {
            amortisation,
            ..terms(scene.id)
        };
        let id = scene.lend(&terms, 1_200_000);
        let plan = scene.world.ok(CAROL, ADDRESS, &scheduleOfCall { id });
        scene.world.wait_ms(MONTH_MS + 10 * DAY_MS);
        let before = scene.standing(id);
        // The instalment that is due, the interest that runs, half a million and its fee.
        let amount = before.due.get() + before.accrued.get() + 505_000;
        let payment = scene.repay(id, amount).expect("paid");
        let expected = Payment {
            late: before.late,
            due: before.due,
            accrued: before.accrued,
            principal: a((505_000 - before.late.get()) * 100 / 101),
            fee: payment.fee,
        };
        assert_eq!(payment, expected);
        assert!(payment.total().expect("small") <= a(amount));
        let after = scene.world.ok(CAROL, ADDRESS, &scheduleOfCall { id });
        assert_eq!(after.len(), 11);
        for (then, now) in plan.iter().skip(1).zip(&after) {
            assert_eq!(then.dueMs, now.dueMs);
            let (then_sum, now_sum) =
                (then.principal + then.interest, now.principal + now.interest);
            assert!(
                now_sum <= then_sum,
                "{amortisation}: {now_sum} after {then_sum}"
            );
        }
        // All of it at once, whatever is offered beyond.
        scene.world.wait_ms(DAY_MS);
        let owed = scene.owed(BOBS);
        let rest = scene.standing(id).balance.get();
        let payment = scene.repay(id, RICH).expect("paid");
        assert_eq!(payment.fee, a(rest.div_ceil(100)));
        assert_eq!(
            payment.total().expect("small").get(),
            owed + rest.div_ceil(100)
        );
        assert_eq!(scene.owed(BOBS), 0);
    }
}

#[test]
fn payments_that_do_nothing_are_refused() {
    let mut scene = Scene::new();
    let id = scene.lend(&terms(scene.id), 1_200_000);
    scene.refuses(&TermZeroAmount {}, |scene| scene.repay(id, 0));
    scene.refuses(&TermNoLoan { id: 9 }, |scene| scene.repay(9, 1));
    scene.world.wait_ms(10 * DAY_MS);
    let accrued = scene.standing(id).accrued.get();
    assert_eq!(accrued, 3_946);
    let small = TermTooSmall {
        id,
        amount: n(accrued),
        least: n(accrued + 2),
    };
    scene.refuses(&small, |scene| scene.repay(id, accrued));
    let poor = ILedger::LedgerInsufficient {
        owner: CAROL,
        index: 9,
        assetId: scene.id.get(),
        have: n(0),
        need: n(accrued + 1_010),
    };
    scene.refuses(&poor, |scene| {
        let nobody = AccountId::new(CAROL, 9);
        scene.act(|cx| term::repay(cx, nobody, id, a(accrued + 1_010)))
    });
}

#[test]
fn term_6_paying_is_never_paused() {
    let mut scene = Scene::new();
    let offer = scene.offer(&terms(scene.id), 50_000).expect("offered");
    let id = scene.take(BOBS, offer, 20_000).expect("taken");
    let missing = admin::IAdmin::AdminMissingRole {
        scope: ADDRESS,
        role: admin::GUARD,
        account: ALICE,
    };
    let pause = |verbs| pauseCall { verbs };
    scene.world.refused(ALICE, ADDRESS, &pause(1), &missing);
    for verbs in [0, 4, 255] {
        let error = TermOutOfRange {
            what: "verbs".into(),
            value: n(verbs.into()),
            min: n(1),
            max: n(3),
        };
        scene.world.refused(OWNER, ADDRESS, &pause(verbs), &error);
    }
    scene.world.ok(OWNER, ADDRESS, &pause(3));
    let terms = terms(scene.id);
    scene.refuses(&TermPausedNow { verb: 1 }, |scene| {
        scene.offer(&terms, 5_000)
    });
    scene.refuses(&TermPausedNow { verb: 2 }, |scene| {
        scene.take(BOBS, offer, 5_000)
    });
    scene.world.wait_ms(MONTH_MS * 3);
    scene
        .world
        .ok(ALICE, ADDRESS, &cancelOfferCall { id: offer });
    scene.repay(id, RICH).expect("paid whole");
    assert_eq!(scene.owed(BOBS), 0);
    scene.world.ok(OWNER, ADDRESS, &unpauseCall { verbs: 2 });
    scene.refuses(&TermPausedNow { verb: 1 }, |scene| {
        scene.offer(&terms, 5_000)
    });
}

#[test]
fn term_8_an_account_has_eight_loans() {
    let mut scene = Scene::new();
    let offer = scene.offer(&terms(scene.id), 100_000).expect("offered");
    for _ in 0..8 {
        scene.take(BOBS, offer, 1_000).expect("taken");
    }
    let many = TermTooManyLoans {
        owner: BOB,
        index: 3,
        max: n(8),
    };
    scene.refuses(&many, |scene| scene.take(BOBS, offer, 1_000));
    // Refinancing: one goes, one comes.
    scene.repay(3, RICH).expect("paid");
    let id = scene.take(BOBS, offer, 2_000).expect("taken");
    let ids = scene.act(|cx| term::loans_of(cx, BOBS)).expect("reads");
    assert_eq!(ids, [1, 2, 4, 5, 6, 7, 8, id]);
    let seen = loansOfCall {
        owner: BOB,
        index: 3,
    };
    assert_eq!(scene.world.ok(CAROL, ADDRESS, &seen), ids);
    scene.take(CAROLS, offer, 1_000).expect("taken");
    let asset = scene.id;
    let many = TermTooManyLoans {
        owner: CAROL,
        index: 1,
        max: n(8),
    };
    scene.refuses(&many, |scene| {
        scene.act(|cx| term::move_loans(cx, asset, BOBS, CAROLS))
    });
    let owed = scene.owed(BOBS);
    let fresh = AccountId::new(CAROL, 7);
    scene
        .act(|cx| InTerm.transfer(cx, asset, BOBS, fresh))
        .expect("moved");
    assert_eq!((scene.owed(BOBS), scene.owed(fresh)), (0, owed));
    assert_eq!(scene.loan(4).borrowerIndex, 7);
}

#[test]
fn term_12_whoever_holds_the_claim_is_paid() {
    let mut scene = Scene::new();
    let id = scene.lend(&terms(scene.id), 12_000);
    let give = transferClaimCall {
        id,
        to: CAROL,
        index: 1,
    };
    let others = TermNotLender { id, lender: ALICE };
    scene.world.refused(BOB, ADDRESS, &give, &others);
    scene.refuses(&others, |scene| {
        scene.act(|cx| term::transfer_claim(cx, id, BOBS, CAROLS))
    });
    let nobody = transferClaimCall {
        to: Address::ZERO,
        ..give.clone()
    };
    let error = TermOutOfRange {
        what: "to".into(),
        value: n(0),
        min: n(1),
        max: U256::MAX,
    };
    scene.world.refused(ALICE, ADDRESS, &nobody, &error);
    scene.world.ok(ALICE, ADDRESS, &give);
    scene
        .world
        .refused(ALICE, ADDRESS, &give, &TermNotLender { id, lender: CAROL });
    let before = (scene.free(ALICES), scene.free(CAROLS));
    scene.world.wait_ms(MONTH_MS);
    let due = scene.standing(id).due.get();
    scene.repay(id, due).expect("paid");
    assert_eq!(
        (scene.free(ALICES), scene.free(CAROLS)),
        (before.0, before.1 + due)
    );
}

/// A loss is that loan's holder's; the same borrower's other lenders and assets see nothing of it.
#[test]
fn term_9_a_loss_is_its_lenders_alone() {
    let mut scene = Scene::new();
    let (_, other) = scene.asset();
    let id = scene.id;
    let mine = scene.lend(&terms(id), 12_000);
    let elsewhere = scene.lend(&terms(other), 5_000);
    let offer = scene.act(|cx| term::offer(cx, CAROLS, &terms(id), a(7_000)));
    let carols = scene
        .take(BOBS, offer.expect("offered"), 7_000)
        .expect("taken");
    scene.world.wait_ms(MONTH_MS * 2);
    let owed = (scene.loan(mine).owed, scene.loan(carols).owed);
    let free = (scene.free(ALICES), scene.free(CAROLS), scene.free(BOBS));
    let both = Assets::from_u256(owed.0 + owed.1).expect("small");
    let line = scene.act(|cx| InTerm.assess(cx, CAROLS, id));
    assert_eq!(line, Ok(Line::EMPTY), "a claim backs nothing");
    let loss = scene
        .act(|cx| InTerm.write_off(cx, BOBS, id))
        .expect("gone");
    let expected = Loss {
        debt: both,
        reserve: a(0),
        lenders: both,
    };
    assert_eq!(loss, expected);
    let events: Vec<_> = scene
        .world
        .store
        .logs()
        .iter()
        .filter_map(|log| {
            <TermLossRealised as alloy_sol_types::SolEvent>::decode_log_data(&log.data).ok()
        })
        .map(|event| (event.lender, event.owed))
        .collect();
    assert_eq!(events, [(ALICE, owed.0), (CAROL, owed.1)]);
    assert_eq!(
        (scene.free(ALICES), scene.free(CAROLS), scene.free(BOBS)),
        free
    );
    assert_eq!(scene.owed(BOBS), 0);
    assert_eq!(scene.loan(elsewhere).principal, n(5_000));
}

/// The position owes what ends the debt, fees of paying early included, and is paid the oldest loan first.
#[test]
fn the_position_is_what_ends_the_debt() {
    let mut scene = Scene::new();
    let id = scene.id;
    let first = scene.lend(&terms(id), 12_000);
    let second = scene.lend(&terms(id), 12_000);
    scene.world.wait_ms(MONTH_MS + DAY_MS);
    let cost = scene
        .act(|cx| term::ending_up(cx, id, BOBS))
        .expect("reads");
    // One percent of the 11,000 of each that have not fallen due.
    assert_eq!(cost.get(), scene.owed(BOBS) + 220);
    let line = scene.act(|cx| InTerm.assess(cx, BOBS, id)).expect("reads");
    assert_eq!((line.held, line.owed), (a(0), cost));
    let pay =
        |scene: &mut Scene, amount| scene.act(|cx| InTerm.repay(cx, id, CAROLS, BOBS, a(amount)));
    let owed = scene.loan(first).owed.to::<u128>() + 110;
    assert_eq!(pay(&mut scene, owed), Ok(a(owed)));
    assert_eq!(scene.act(|cx| term::loans_of(cx, BOBS)), Ok(vec![second]));
    assert_eq!(pay(&mut scene, RICH), Ok(a(cost.get() - owed)));
    assert_eq!(scene.owed(BOBS), 0);
    assert_eq!(pay(&mut scene, RICH), Ok(a(0)));
}

#[test]
fn terms_have_ranges() {
    let mut scene = Scene::new();
    let id = scene.id;
    let now_ms = u128::from(scene.world.store.block_mut().time_ms);
    type Change = fn(&mut OfferTerms);
    let period = u128::from(MONTH_S);
    let never = u128::from(u64::MAX);
    let cases: [(&str, u128, u128, u128, Change); 14] = [
        ("rateBps", 10_001, 0, 10_000, |t| t.rateBps = 10_001),
        ("instalments", 0, 1, 120, |t| t.instalments = 0),
        ("instalments", 121, 1, 120, |t| t.instalments = 121),
        ("periodS", 3_599, 3_600, 31_536_000, |t| t.periodS = 3_599),
        ("periodS", 31_536_001, 3_600, 31_536_000, |t| {
            t.periodS = 31_536_001;
        }),
        ("amortisation", 3, 0, 2, |t| t.amortisation = 3),
        ("graceS", period, 0, period - 1, |t| t.graceS = MONTH_S),
        ("lateBps", 10_001, 0, 10_000, |t| t.lateBps = 10_001),
        ("earlyFeeBps", 1_001, 0, 1_000, |t| t.earlyFeeBps = 1_001),
        ("defaultS", 1, 432_000, 31_536_000, |t| t.defaultS = 1),
        ("defaultS", 31_536_001, 432_000, 31_536_000, |t| {
            t.defaultS = 31_536_001;
        }),
        ("least", 0, 1, 5_000, |t| t.least = U256::ZERO),
        ("least", 5_001, 1, 5_000, |t| t.least = U256::from(5_001)),
        ("expiresMs", now_ms, now_ms + 1, never, |t| t.expiresMs = 0),
    ];
    for (what, value, min, max, change) in cases {
        let mut terms = terms(id);
        change(&mut terms);
        let value = if what == "expiresMs" {
            terms.expiresMs = u64::try_from(now_ms).expect("small");
            value
        } else {
            value
        };
        let error = TermOutOfRange {
            what: what.into(),
            value: n(value),
            min: n(min),
            max: n(max),
        };
        scene.refuses(&error, |scene| scene.offer(&terms, 5_000));
    }
    scene.refuses(&TermZeroAmount {}, |scene| scene.offer(&terms(id), 0));
    let unknown = ILedger::LedgerUnknownAsset { assetId: 77 };
    let other = OfferTerms {
        assetId: 77,
        ..terms(id)
    };
    scene.refuses(&unknown, |scene| scene.offer(&other, 5_000));
    let poor = ILedger::LedgerInsufficient {
        owner: ALICE,
        index: 0,
        assetId: id.get(),
        have: n(RICH),
        need: n(RICH + 1),
    };
    scene.refuses(&poor, |scene| scene.offer(&terms(id), RICH + 1));
}

/// Storage that breaks an invariant, and the id that says so: a check that cannot fail checks nothing.
#[test]
fn every_check_can_fail() {
    use super::STATE;
    let mut scene = Scene::new();
    let loan = scene.lend(&terms(scene.id), 12_000);
    scene.offer(&terms(scene.id), 5_000).expect("offered");
    let id = scene.id;
    let check = |spoil: &dyn Fn(&mut Ctx<'_>) -> Result<(), Halt>, id: &str| {
        let mut world = scene.world.clone();
        world.store.next_transaction(u64::MAX);
        spoil(&mut world.store.frame(ADDRESS, ADDRESS)).expect("spoiled");
        let broken = crate::invariant::check_all(&world.store).expect_err(id);
        assert_eq!(broken.id, id, "{broken}");
    };
    check(
        &|cx| {
            STATE.loans.at(loan).update(cx, |loan| {
                loan.done = 12;
                Ok(())
            })?;
            Ok(())
        },
        "TERM-1",
    );
    check(&|cx| STATE.offered.at(id).add(cx, a(1)), "TERM-2");
    check(&|cx| ledger::shift(cx, id, ESCROW, ALICES, a(1)), "TERM-2");
    check(&|cx| STATE.dearest_bps.at(id).save(cx, 2_399), "TERM-7");
    check(&|cx| STATE.loans_of.at(BOBS).pop(cx).map(|_| ()), "TERM-8");
    check(
        &|cx| STATE.loans_of.at(ALICES).push(cx, loan).map(|_| ()),
        "TERM-8",
    );
}
