//! A machine's book before customers that are slow, and before thieves.

use std::{
    cell::Cell,
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256};
use alloy_signer_local::PrivateKeySigner;
use futures::{FutureExt as _, future::BoxFuture};
use serde_json::{Map, Value};

use super::{COURT, receipt};
use crate::{
    keys::{Ledger, system_clock},
    receipt::{Receipt, Signed},
    tab::{
        Bound, Desk, Desks, Kept, Market, Owed, Promise, Purse, Raise, Rate, Registry, Room, Setup,
        Tally, Turned, in_hex,
    },
};

pub(super) const EPOCH_MS: u64 = 1_000_000;
pub(super) const EPOCH: u64 = 1_000;
pub(super) const NOW_MS: u64 = EPOCH * EPOCH_MS + 10;
pub(super) const MACHINE: u64 = 3;
pub(super) const CLASS: u32 = 7;

/// The chain knows one channel.
#[derive(Debug)]
struct One(Bound);

impl Registry for One {
    fn channel(&self, _: B256) -> BoxFuture<'_, Result<Option<Bound>, String>> {
        async { Ok(Some(self.0)) }.boxed()
    }
}

/// A machine's book, and the customer's key.
struct Case {
    _folder: tempfile::TempDir,
    ledger: Ledger,
    desks: Arc<Desks>,
    desk: Arc<Desk>,
    key: PrivateKeySigner,
    purse: Purse,
    channel: B256,
    /// The last epoch that the chain knows as claimed.
    claimed_epoch: Cell<u64>,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::open(folder.path(), system_clock()).expect("opens");
        let key = PrivateKeySigner::random();
        let purse = Purse::new(Address::repeat_byte(0xb0), key.clone(), COURT);
        let channel = purse.channel(MACHINE, CLASS);
        let desks = opened(&ledger, key.address(), &[CLASS]);
        let case = Self {
            desk: Arc::clone(desks.of_class(CLASS).expect("opened")),
            desks,
            _folder: folder,
            ledger,
            key,
            purse,
            channel,
            claimed_epoch: Cell::new(0),
        };
        case.see(NOW_MS, u128::MAX);
        case
    }

    /// The same book in a process that follows.
    fn again(mut self) -> Self {
        self.desks = opened(&self.ledger, self.key.address(), &[CLASS]);
        self.desk = Arc::clone(self.desks.of_class(CLASS).expect("opened"));
        self
    }

    fn see(&self, time_ms: u64, bond_free: u128) {
        self.sees(Market {
            bond_free,
            ..market(time_ms)
        });
    }

    fn sees(&self, market: Market) {
        self.desk.see(&self.ledger, market);
    }

    /// The channel as the chain has it.
    fn on_chain(&self) -> Bound {
        Bound {
            claimed_epoch: self.claimed_epoch.get(),
            ..bound(self.key.address())
        }
    }

    /// The chain takes a claim.
    fn claimed(&self, epoch: u64) {
        self.claimed_epoch.set(epoch);
        self.desk.claimed(&self.ledger, self.channel, epoch);
    }

    fn asks(&self, time_ms: u64, units: u64) -> Result<Promise, Turned> {
        self.desk.bound(self.channel, &self.on_chain());
        let said = self.purse.errand(self.channel, &[], u128::MAX, time_ms);
        self.desk.promise(&said.expect("signed"), 0, units)
    }

    /// An answer of so many units that waits for the key's word.
    fn answered(&self, number: u64, epoch: u64, units: u64) -> Signed {
        let promise = self.asks(epoch * EPOCH_MS + 10 + number, units);
        let told = Receipt {
            outputUnits: units,
            cost: u128::from(units),
            ..receipt(number)
        };
        let signed = self
            .ledger
            .machine()
            .sign(told, Map::new())
            .expect("signed");
        let owed = Owed {
            epoch,
            signed: signed.clone(),
        };
        let kept = Kept {
            signed: signed.clone(),
            request: String::new(),
            answer: Value::Null,
            evidence: None,
        };
        drop(
            promise
                .expect("room")
                .owe(&self.ledger, owed, Vec::new(), &kept),
        );
        signed
    }

    /// The key's word for all of these, of which the last `new` are added.
    fn signs(&self, epoch: u64, all: &[&Signed], new: usize) -> Result<(), Turned> {
        let mut tally = Tally::new(self.channel, epoch);
        for signed in all {
            assert!(tally.push(&signed.receipt));
        }
        let word = COURT.sign(tally.voucher().expect("something"), &self.key);
        let added = all.iter().skip(all.len() - new);
        let raise = Raise {
            epoch,
            adds: added.map(|signed| signed.id).collect(),
            word: Some(in_hex(&word.expect("signed"))),
            declines: Vec::new(),
        };
        self.desk
            .raise(&self.ledger, self.channel, &raise)
            .map(drop)
    }

    fn declines(&self, signed: &Signed) {
        let raise = Raise {
            declines: vec![signed.id],
            ..Raise::default()
        };
        let raised = self.desk.raise(&self.ledger, self.channel, &raise);
        drop(raised.expect("heard"));
    }
}

pub(super) fn bound(key: Address) -> Bound {
    Bound {
        customer: Address::repeat_byte(0xb0),
        key,
        machine_id: MACHINE,
        class_id: CLASS,
        bound: 1_000_000_000_000,
        last_epoch: EPOCH + 100,
        claimed_epoch: 0,
    }
}

pub(super) fn market(time_ms: u64) -> Market {
    Market {
        late_from: None,
        time_ms,
        seen: Instant::now(),
        rate: Rate {
            input: 1_000_000,
            output: 1_000_000,
        },
        work: Room::of_epoch(u64::MAX),
        bond_free: u128::MAX,
        audit_ppm: 500_000,
        detect_ppm: 900_000,
        fee_bps: 200,
        fee_flat: 0,
        audit_pay: 0,
    }
}

pub(super) fn setup(class_id: u32) -> Setup {
    Setup {
        court: COURT,
        machine_id: MACHINE,
        class_id,
        program: B256::ZERO,
        inputs_per_output: 10,
        epoch_ms: EPOCH_MS,
        decimals: 6,
        unsigned_max: 2,
        reader: None,
        is_sold: true,
    }
}

fn opened(ledger: &Ledger, key: Address, class_ids: &[u32]) -> Arc<Desks> {
    let setups = class_ids.iter().copied().map(setup);
    Desks::open(ledger, setups.collect(), Arc::new(One(bound(key)))).expect("reads")
}

/// NET-5: a voucher that has a receipt twice would void the whole claim, by `showTwin`.
#[tokio::test]
async fn net_5_a_receipt_is_signed_for_once() {
    let case = Case::new();
    let one = case.answered(1, EPOCH, 100);
    assert_eq!(
        case.signs(EPOCH, &[&one, &one], 2),
        Err(Turned::OtherVoucher)
    );
    assert_eq!(case.signs(EPOCH, &[&one], 1), Ok(()));
    // Heard a second time, as when the first answer was lost.
    assert_eq!(case.signs(EPOCH, &[&one], 1), Ok(()));
    assert_eq!(
        case.signs(EPOCH, &[&one, &one], 1),
        Err(Turned::OtherVoucher)
    );
    assert_eq!(case.desk.signed(EPOCH)[0].receipts, 1);
}

/// NET-6: what is on its way to the chain stays as it is, in a process that follows too, so that what is drawn can be shown.
#[tokio::test]
async fn net_6_what_is_handed_out_is_raised_no_more() {
    let case = Case::new();
    let (one, two) = (case.answered(1, EPOCH, 100), case.answered(2, EPOCH, 100));
    assert_eq!(case.signs(EPOCH, &[&one], 1), Ok(()));
    let late_ms = NOW_MS + EPOCH_MS + EPOCH_MS / 2;
    case.see(late_ms, u128::MAX);
    let (ready, written) = case.desk.claimable(&case.ledger);
    let written = written.expect("it is new");
    written.on_disk().await.expect("written");
    assert_eq!(ready[0].voucher.receipts, 1);
    let (again, written) = case.desk.claimable(&case.ledger);
    assert!(again == ready && written.is_none());
    let late = Err(Turned::OtherVoucher);
    assert_eq!(case.signs(EPOCH, &[&one, &two], 1), late);
    let case = case.again();
    case.see(late_ms, u128::MAX);
    assert_eq!(case.signs(EPOCH, &[&one, &two], 1), late);
    let shown = case.desk.shown(&case.ledger, case.channel, EPOCH, 0);
    let (signed, proof) = shown.expect("there");
    assert_eq!((signed.id, proof.len()), (one.id, 0));
    // Who was slow is served on, and may say that he will not pay any more.
    drop(case.asks(late_ms, 10).expect("room"));
    case.declines(&two);
    drop(case.asks(late_ms + 1, 10).expect("room"));
}

/// NET-4: of many receipts few are drawn, so the contract lets more of the bond stand for each; the book reckons as it does.
#[tokio::test]
async fn net_4_the_bond_is_reckoned_as_the_contract_does() {
    // What the contract asked for when it refused such a claim.
    assert_eq!(market(0).slash_of(80_025_000, 113), 547_948_959);
    let bond = 1_000_000;
    let case = Case::new();
    case.see(NOW_MS, bond);
    let dear = case.answered(0, EPOCH, 500_000);
    assert_eq!(case.signs(EPOCH, &[&dear], 1), Ok(()));
    let mut all = vec![dear];
    for number in 1.. {
        let promise = case.asks(NOW_MS + 1_000 + number, 1);
        if promise.is_err() {
            assert_eq!(promise.err(), Some(Turned::SoldOut));
            break;
        }
        drop(promise);
        all.push(case.answered(number, EPOCH, 1));
        let signed: Vec<&Signed> = all.iter().collect();
        assert_eq!(case.signs(EPOCH, &signed, 1), Ok(()));
    }
    let sold = all.len();
    assert!(market(0).slash_of(500_000, sold) <= bond);
    assert!(market(0).slash_of(500_000, sold + 1) > bond);
    // What can be claimed no more stands for nothing.
    case.see(NOW_MS + 2 * EPOCH_MS, bond);
    drop(case.asks(NOW_MS + 2 * EPOCH_MS, 500_000).expect("room"));
}

/// NET-6: a program that died between sending a claim and writing that down knows of it from the chain, however late, and has
/// what is drawn; what the chain says was never claimed is owed no more.
#[tokio::test]
async fn net_6_a_claim_that_nobody_wrote_down_is_found_again() {
    for (claimed_epoch, is_there) in [(EPOCH, true), (EPOCH - 1, false)] {
        let case = Case::new();
        let one = case.answered(1, EPOCH, 100);
        assert_eq!(case.signs(EPOCH, &[&one], 1), Ok(()));
        case.see(NOW_MS + EPOCH_MS, u128::MAX);
        let (ready, written) = case.desk.claimable(&case.ledger);
        written.expect("new").on_disk().await.expect("written");
        assert_eq!((ready.len(), case.desk.doubtful().len()), (1, 0));
        let case = case.again();
        let shown = |case: &Case| {
            let shown = case.desk.shown(&case.ledger, case.channel, EPOCH, 0);
            shown.map(|(signed, _)| signed.id)
        };
        case.see(NOW_MS + 3 * EPOCH_MS, u128::MAX);
        assert_eq!(case.desk.doubtful(), [case.channel]);
        assert_eq!(shown(&case), Some(one.id));
        let found = Bound {
            claimed_epoch,
            ..bound(case.key.address())
        };
        case.desk.bound(case.channel, &found);
        case.desk.lapsed(case.channel);
        assert_eq!(shown(&case), is_there.then_some(one.id));
        assert!(case.desk.doubtful().is_empty());
        case.see(NOW_MS + 5 * EPOCH_MS, u128::MAX);
        assert_eq!(shown(&case), is_there.then_some(one.id));
    }
}

/// The last moments of an epoch as a chain was seen in them a second ago: by this program's clock the next one began.
fn end_of(epoch: u64) -> Market {
    let seen = Instant::now().checked_sub(Duration::from_secs(1));
    Market {
        seen: seen.expect("no machine is that young"),
        ..market((epoch + 1) * EPOCH_MS - 20)
    }
}

/// NET-6: an epoch is shut by the clock by which answers are booked to it, so nobody is asked for a word that comes too late.
#[tokio::test]
async fn net_6_an_epoch_is_not_shut_while_answers_are_booked_to_it() {
    let case = Case::new();
    let one = case.answered(1, EPOCH, 100);
    assert_eq!(case.signs(EPOCH, &[&one], 1), Ok(()));
    case.sees(end_of(EPOCH));
    assert!(case.desk.now_ms() > Some((EPOCH + 1) * EPOCH_MS));
    let (ready, written) = case.desk.claimable(&case.ledger);
    assert!(ready.is_empty() && written.is_none());
    let (booked_to, _) = case.asks(NOW_MS, 1).expect("room").priced();
    assert_eq!(booked_to, EPOCH);
    let two = case.answered(2, booked_to, 50);
    assert_eq!(case.signs(EPOCH, &[&one, &two], 1), Ok(()));
    case.see((EPOCH + 1) * EPOCH_MS, u128::MAX);
    let (ready, _) = case.desk.claimable(&case.ledger);
    assert_eq!(ready.len(), 1);
    assert_eq!(ready[0].voucher.receipts, 2);
    // What was priced before that and is written down after it is of the epoch that runs.
    let three = case.answered(3, EPOCH, 10);
    assert_eq!(case.signs(EPOCH + 1, &[&three], 1), Ok(()));
    // Half of the next epoch is waited for a word, and that half too is the chain's.
    let case = Case::new();
    let (one, _two) = (case.answered(1, EPOCH, 100), case.answered(2, EPOCH, 100));
    assert_eq!(case.signs(EPOCH, &[&one], 1), Ok(()));
    let half = Market {
        time_ms: (EPOCH + 1) * EPOCH_MS + EPOCH_MS / 2 - 20,
        ..end_of(EPOCH)
    };
    case.sees(half);
    assert!(case.desk.claimable(&case.ledger).0.is_empty());
}

/// NET-6: where the chain stood still, what it still takes of the epochs before is carried to it one after the other, and the
/// customer's units are not given back before.
#[tokio::test]
async fn net_6_what_a_stop_keeps_claimable_is_claimed_in_order() {
    let case = Case::new();
    let one = case.answered(1, EPOCH, 100);
    assert_eq!(case.signs(EPOCH, &[&one], 1), Ok(()));
    case.see((EPOCH + 1) * EPOCH_MS, u128::MAX);
    let two = case.answered(2, EPOCH + 1, 50);
    assert_eq!(case.signs(EPOCH + 1, &[&two], 1), Ok(()));
    let back_ms = (EPOCH + 7) * EPOCH_MS;
    assert_eq!(case.desk.late(back_ms), BTreeSet::from([EPOCH, EPOCH + 1]));
    case.sees(Market {
        late_from: Some(EPOCH),
        ..market(back_ms)
    });
    for epoch in [EPOCH, EPOCH + 1] {
        assert!(case.desk.over().is_empty() && case.desk.doubtful().is_empty());
        let (ready, _) = case.desk.claimable(&case.ledger);
        let epochs: Vec<_> = ready.iter().map(|ready| ready.voucher.epoch).collect();
        assert_eq!(epochs, [epoch]);
        case.claimed(epoch);
    }
    assert!(case.desk.claimable(&case.ledger).0.is_empty());
    assert!(case.desk.late(back_ms).is_empty());
}

/// NET-4: what is promised at the end of an epoch is weighed with the work of the epoch that it will be booked to.
#[tokio::test]
async fn net_4_a_promise_looks_at_the_epoch_that_its_work_is_booked_to() {
    const DEAR: u64 = 500_000;
    const RECEIPTS: u64 = 40;
    let market = end_of(EPOCH);
    let slash = |receipts| market.slash_of(u128::from(DEAR), receipts);
    let all_work = Market {
        work: Room::of_epoch(DEAR),
        ..market
    };
    // Enough beside a voucher of forty receipts, and not beside one of forty-one: few of many are drawn.
    let all_bond = Market {
        bond_free: 1 + slash(40) + slash(1),
        ..market
    };
    for market in [all_work, all_bond] {
        let case = Case::new();
        let mut all = Vec::new();
        for number in 0..RECEIPTS {
            all.push(case.answered(number, EPOCH, if number == 0 { DEAR } else { 1 }));
            let signed: Vec<&Signed> = all.iter().collect();
            assert_eq!(case.signs(EPOCH, &signed, 1), Ok(()));
        }
        case.sees(market);
        let more = case.asks(NOW_MS + 1, DEAR);
        assert_eq!(more.err(), Some(Turned::SoldOut));
        // What the next epoch takes is free when the chain is there.
        case.sees(Market {
            time_ms: (EPOCH + 2) * EPOCH_MS,
            ..market
        });
        drop(case.asks(NOW_MS + 2, DEAR).expect("room"));
    }
}

/// NET-4: a slow machine is ahead of what it has proven, and what it sold weighs on until it is worked off: before its claim, behind
/// it, and when the chain has been seen again.
#[tokio::test]
async fn net_4_what_was_sold_weighs_until_it_is_worked_off() {
    let case = Case::new();
    let slow = |epoch: u64, used| Market {
        work: Room {
            per_epoch: 100,
            ahead: 500,
            used,
        },
        ..market(epoch * EPOCH_MS + 20)
    };
    case.sees(slow(EPOCH, 0));
    assert_eq!(case.asks(NOW_MS, 501).err(), Some(Turned::SoldOut));
    // One unit was read.
    let one = case.answered(1, EPOCH, 449);
    assert_eq!(case.signs(EPOCH, &[&one], 1), Ok(()));
    let number = Cell::new(0);
    let has_room_for = |units| {
        number.set(number.get() + 1);
        let time_ms = (EPOCH + 1) * EPOCH_MS + number.get();
        let room = |units| case.asks(time_ms + units, units).map(drop);
        assert_eq!(room(units + 1), Err(Turned::SoldOut));
        assert_eq!(room(units), Ok(()));
    };
    case.sees(slow(EPOCH + 1, 0));
    has_room_for(150);
    case.claimed(EPOCH);
    has_room_for(150);
    // The chain counts it from now on, once.
    case.sees(slow(EPOCH + 1, 450));
    has_room_for(150);
}

/// NET-4: a look-up that was under way while a claim landed says what was bound before it, and binds nothing again.
#[tokio::test]
async fn net_4_a_look_up_from_before_a_claim_is_passed_over() {
    let case = Case::new();
    let one = case.answered(1, EPOCH, 400);
    assert_eq!(case.signs(EPOCH, &[&one], 1), Ok(()));
    let before = Bound {
        bound: 1_000,
        ..case.on_chain()
    };
    case.see((EPOCH + 1) * EPOCH_MS + 10, u128::MAX);
    case.claimed(EPOCH);
    let after = Bound {
        bound: 600,
        ..case.on_chain()
    };
    let promises = |units| {
        let said = case.purse.errand(case.channel, &[], u128::MAX, NOW_MS);
        case.desk
            .promise(&said.expect("signed"), 0, units)
            .map(drop)
    };
    let not_bound = Err(Turned::NotBound {
        need: 601,
        left: 600,
    });
    for found in [after, before] {
        case.desk.bound(case.channel, &found);
        assert_eq!(promises(601), not_bound);
        assert_eq!(promises(600), Ok(()));
    }
    // A process that follows knows of the claim from its book.
    case.ledger
        .write(Vec::new())
        .on_disk()
        .await
        .expect("written");
    let case = case.again();
    case.see((EPOCH + 1) * EPOCH_MS + 20, u128::MAX);
    case.desk.bound(case.channel, &before);
    let said = case.purse.errand(case.channel, &[], u128::MAX, NOW_MS);
    let promised = case.desk.promise(&said.expect("signed"), 0, 1);
    assert!(promised.is_err());
}

/// NET-4: of two requests at work one may end in this epoch by its slash, and the other in the next by a flat fee; the bond is
/// enough for both.
#[tokio::test]
async fn net_4_the_bond_covers_work_that_ends_in_two_epochs() {
    let case = Case::new();
    let mut all = Vec::new();
    for number in 0..160 {
        all.push(case.answered(number, EPOCH, 1));
        let signed: Vec<&Signed> = all.iter().collect();
        assert_eq!(case.signs(EPOCH, &signed, 1), Ok(()));
    }
    let market = Market {
        audit_ppm: 1_000_000,
        detect_ppm: 950_000,
        fee_flat: 500_000,
        audit_pay: 1_000_000,
        ..market(NOW_MS)
    };
    let (dear, cheap) = (990_000, 10_000);
    let this = market.stands_for(160 + dear, dear, 161);
    let split = this + market.stands_for(cheap, cheap, 1);
    let together = market.stands_for(160 + dear + cheap, dear + cheap, 162);
    assert!(split > together, "{split} of {together}");
    let ask = |bond_free| {
        case.sees(Market {
            bond_free,
            ..market
        });
        let first = case.asks(NOW_MS + 1_000, 990_000).expect("room");
        let second = case.asks(NOW_MS + 1_001, 10_000).map(drop);
        drop(first);
        second
    };
    assert_eq!(ask(split - 1), Err(Turned::SoldOut));
    assert_eq!(ask(split + split / 50), Ok(()));
}

/// NET-4: an answer that nobody signs for in time is the machine's loss; a channel with four of them is served no more.
#[tokio::test]
async fn net_4_what_is_never_signed_is_lost_and_has_an_end() {
    let case = Case::new();
    for turn in 0..2 {
        let epoch = EPOCH + 2 * turn;
        case.see(epoch * EPOCH_MS + 10, u128::MAX);
        case.answered(10 * turn, epoch, 100);
        case.answered(10 * turn + 1, epoch, 100);
        let full = case.asks(epoch * EPOCH_MS + 50, 1);
        assert_eq!(full.err(), Some(Turned::Unsigned));
    }
    case.see((EPOCH + 4) * EPOCH_MS + 10, u128::MAX);
    let closed = case.asks((EPOCH + 4) * EPOCH_MS + 10, 1);
    assert_eq!(closed.err(), Some(Turned::Closed));
}

/// NET-8: vouchers stay for as long as they may be claimed, drawn, shown or audited, and are gone some time later, with their
/// receipts; a process that follows reads the same.
#[tokio::test]
async fn net_8_vouchers_go_when_nobody_can_ask_for_them() {
    let keep = Duration::from_millis(8 * EPOCH_MS);
    let case = Case::new();
    let (one, two) = (case.answered(1, EPOCH, 100), case.answered(2, EPOCH, 100));
    assert_eq!(case.signs(EPOCH, &[&one, &two], 2), Ok(()));
    let shown = |case: &Case, index| case.desk.shown(&case.ledger, case.channel, EPOCH, index);
    let goes = |case: &Case| {
        // What was handed to the writer before is on disk when this is.
        let written = case.ledger.write(Vec::new()).on_disk();
        futures::executor::block_on(written).expect("written");
        case.desks.let_go(&case.ledger, keep).expect("reads");
        futures::executor::block_on(case.ledger.let_go(u64::MAX)).expect("goes")
    };
    // As far as it is known the epoch runs, is claimed, is audited.
    assert_eq!(goes(&case), 0);
    case.see((EPOCH + 1) * EPOCH_MS + 10, u128::MAX);
    let (ready, written) = case.desk.claimable(&case.ledger);
    written.expect("new").on_disk().await.expect("written");
    assert_eq!(ready.len(), 1);
    case.claimed(EPOCH);
    for epochs in [1, 5, 8] {
        case.see((EPOCH + epochs) * EPOCH_MS + 20, u128::MAX);
        assert_eq!(goes(&case), 0, "{epochs} epochs later");
        assert!(shown(&case, 1).is_some());
    }
    let case = case.again();
    case.see((EPOCH + 8) * EPOCH_MS + 30, u128::MAX);
    assert_eq!(goes(&case), 0);
    let late = case.answered(3, EPOCH + 9, 100);
    case.see((EPOCH + 9) * EPOCH_MS + 20, u128::MAX);
    assert_eq!(goes(&case), 2, "what is owed stays");
    assert!(shown(&case, 0).is_none());
    assert!(case.ledger.receipt(&late.id).expect("reads").is_some());
    assert_eq!(case.desk.channels(), [case.channel]);
    // Nothing is left of the channel once its hold is over and what it has bound is back.
    assert_eq!(case.signs(EPOCH + 9, &[&late], 1), Ok(()));
    case.claimed(EPOCH + 9);
    case.see((EPOCH + 200) * EPOCH_MS, u128::MAX);
    assert_eq!(goes(&case), 1);
    assert_eq!(
        case.desk.channels(),
        [case.channel],
        "units are bound to it"
    );
    let returned = Bound {
        bound: 0,
        ..case.on_chain()
    };
    case.desk.bound(case.channel, &returned);
    assert_eq!(goes(&case), 0);
    assert!(case.desk.channels().is_empty());
    assert!(case.again().desk.channels().is_empty());
}
