//! Desks of several classes over one ledger and one bond.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256};
use alloy_signer_local::PrivateKeySigner;
use futures::{FutureExt as _, future::BoxFuture};
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{
    COURT,
    desk::{EPOCH, EPOCH_MS, MACHINE, NOW_MS, bound, market, setup},
    receipt,
};
use crate::{
    keys::{Ledger, system_clock},
    receipt::{Receipt, Signed},
    tab::{
        Bound, Desk, Desks, Kept, Market, Owed, Promise, Purse, Raise, Registry, Tally, Turned,
        in_hex,
    },
};

const CLASSES: [u32; 3] = [7, 8, 9];

/// What a chain knows of channels.
#[derive(Debug, Default)]
struct Known(BTreeMap<B256, Bound>);

impl Registry for Known {
    fn channel(&self, channel: B256) -> BoxFuture<'_, Result<Option<Bound>, String>> {
        async move { Ok(self.0.get(&channel).copied()) }.boxed()
    }
}

/// A machine that sells several classes, and one customer of all of them.
struct Case {
    folder: tempfile::TempDir,
    ledger: Ledger,
    desks: Arc<Desks>,
    key: PrivateKeySigner,
    purse: Purse,
    /// Of each class what is signed, by epochs.
    signed: BTreeMap<(u32, u64), Vec<Signed>>,
    next: u64,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::open(folder.path(), system_clock()).expect("opens");
        let key = PrivateKeySigner::random();
        let purse = Purse::new(Address::repeat_byte(0xb0), key.clone(), COURT);
        let case = Self {
            desks: opened(&ledger, &purse, &CLASSES, &CLASSES),
            folder,
            ledger,
            key,
            purse,
            signed: BTreeMap::new(),
            next: 1,
        };
        case.see(NOW_MS, u128::MAX);
        for class_id in CLASSES {
            let channel = case.channel(class_id);
            case.desk(class_id).bound(channel, &case.bound(class_id));
        }
        case
    }

    /// The same folder in a process that follows, and sells these.
    fn again(mut self, sold: &[u32]) -> Self {
        drop(self.desks);
        drop(self.ledger);
        self.ledger = Ledger::open(self.folder.path(), system_clock()).expect("opens");
        let stored = Desks::stored(&self.ledger, MACHINE, &[6, 7, 8, 9, 10]).expect("reads");
        let opened_for: Vec<_> = stored.into_iter().collect();
        self.desks = opened(&self.ledger, &self.purse, &opened_for, sold);
        self
    }

    fn channel(&self, class_id: u32) -> B256 {
        self.purse.channel(MACHINE, class_id)
    }

    fn bound(&self, class_id: u32) -> Bound {
        Bound {
            class_id,
            ..bound(self.key.address())
        }
    }

    fn desk(&self, class_id: u32) -> &Arc<Desk> {
        self.desks.of_class(class_id).expect("opened")
    }

    fn see(&self, time_ms: u64, bond_free: u128) {
        for desk in self.desks.iter() {
            let market = Market {
                bond_free,
                ..market(time_ms)
            };
            desk.see(&self.ledger, market);
        }
    }

    fn asks(&self, class_id: u32, units: u64) -> Result<Promise, Turned> {
        let said = self
            .purse
            .errand(self.channel(class_id), &[], u128::MAX, NOW_MS);
        self.desk(class_id)
            .promise(&said.expect("signed"), 0, units)
    }

    /// An answer to a request that was promised: all that was asked for, in this epoch, signed for.
    fn answers(&mut self, class_id: u32, epoch: u64, promise: Promise, units: u64) {
        let number = self.next;
        self.next += 1;
        let told = Receipt {
            outputUnits: units,
            cost: u128::from(units),
            ..receipt(number)
        };
        let signed = self.ledger.machine().sign(told, Map::new());
        let signed = signed.expect("signed");
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
        drop(promise.owe(&self.ledger, owed, Vec::new(), &kept));
        let channel = self.channel(class_id);
        let all = self.signed.entry((class_id, epoch)).or_default();
        all.push(signed);
        let mut tally = Tally::new(channel, epoch);
        for signed in all.iter() {
            assert!(tally.push(&signed.receipt));
        }
        let word = COURT.sign(tally.voucher().expect("something"), &self.key);
        let raise = Raise {
            epoch,
            adds: all.last().map(|signed| signed.id).into_iter().collect(),
            word: Some(in_hex(&word.expect("signed"))),
            declines: Vec::new(),
        };
        let raised = self.desk(class_id).raise(&self.ledger, channel, &raise);
        drop(raised.expect("heard"));
    }

    /// What the contract would let stand of the bond if all that can be claimed now were.
    fn would_stand(&self, epoch: u64) -> u128 {
        let vouchers = self.desks.iter().flat_map(|desk| {
            let mut vouchers = desk.signed(epoch - 1);
            vouchers.extend(desk.signed(epoch));
            vouchers
        });
        let stands = vouchers.map(|voucher| {
            let receipts = usize::try_from(voucher.receipts).expect("few");
            let (cost, largest) = (voucher.cost.to(), voucher.largest.to());
            market(NOW_MS).stands_for(cost, largest, receipts)
        });
        stands.sum()
    }
}

fn opened(ledger: &Ledger, purse: &Purse, class_ids: &[u32], sold: &[u32]) -> Arc<Desks> {
    let known = class_ids.iter().map(|class_id| {
        let found = Bound {
            class_id: *class_id,
            ..bound(purse.key().address())
        };
        (purse.channel(MACHINE, *class_id), found)
    });
    let registry = Arc::new(Known(known.collect()));
    let setups = class_ids.iter().map(|class_id| crate::tab::Setup {
        reader: None,
        is_sold: sold.contains(class_id),
        ..setup(*class_id)
    });
    Desks::open(ledger, setups.collect(), registry).expect("reads")
}

/// NET-9: which desk a line is of follows from its channel; a process that follows finds each sheet at its own desk, with what
/// is signed, and settles what is sold no more.
#[tokio::test]
async fn net_9_each_desk_reads_its_own_lines() {
    let mut case = Case::new();
    for (class_id, units) in [(7, 100), (9, 300), (9, 50)] {
        let promise = case.asks(class_id, units).expect("room");
        case.answers(class_id, EPOCH, promise, units);
    }
    let cost_of = |case: &Case, class_id: u32| -> u128 {
        let signed = case.desk(class_id).signed(EPOCH);
        signed.iter().map(|voucher| voucher.cost.to::<u128>()).sum()
    };
    case.ledger
        .write(Vec::new())
        .on_disk()
        .await
        .expect("written");
    let case = case.again(&[7]);
    // Class 8 was asked for nothing that is on disk.
    let classes: Vec<_> = case
        .desks
        .iter()
        .map(|desk| desk.setup().class_id)
        .collect();
    assert_eq!(classes, [7, 9]);
    assert_eq!((cost_of(&case, 7), cost_of(&case, 9)), (100, 350));
    for (class_id, other) in [(7, 9), (9, 7)] {
        let channel = case.channel(class_id);
        assert_eq!(case.desk(class_id).channels(), [channel]);
        let found = case.desks.knowing(channel).expect("known");
        assert_eq!(found.setup().class_id, class_id);
        let not_its = case.desk(other).shown(&case.ledger, channel, EPOCH, 0);
        assert!(not_its.is_none());
    }
    // What is sold no more begins nothing, and is claimed and shown as ever.
    for class_id in [7, 9] {
        let channel = case.channel(class_id);
        case.desk(class_id).bound(channel, &case.bound(class_id));
    }
    case.see(NOW_MS, u128::MAX);
    drop(case.asks(7, 1).expect("room"));
    assert_eq!(case.asks(9, 1).err(), Some(Turned::NotSold));
    case.see(NOW_MS + EPOCH_MS, u128::MAX);
    for (class_id, receipts) in [(7, 1), (9, 2)] {
        let (ready, _) = case.desk(class_id).claimable(&case.ledger);
        assert_eq!(ready.len(), 1);
        assert_eq!(ready[0].voucher.receipts, receipts);
        assert_eq!(ready[0].voucher.channel, case.channel(class_id));
        let shown =
            case.desk(class_id)
                .shown(&case.ledger, ready[0].voucher.channel, EPOCH, receipts - 1);
        assert!(shown.is_some());
    }
}

/// NET-9: a channel that no desk knows is taken over by the one of its class, as the chain says; one of a class that is not
/// here by none.
#[tokio::test]
async fn net_9_an_errand_finds_the_desk_of_its_channel() {
    let case = Case::new();
    let desks = opened(&case.ledger, &case.purse, &CLASSES, &CLASSES);
    for class_id in CLASSES {
        let channel = case.channel(class_id);
        assert!(desks.knowing(channel).is_none());
        let found = desks.of_channel(channel).await.expect("found");
        assert_eq!(found.setup().class_id, class_id);
        assert_eq!(
            desks.knowing(channel).map(Arc::as_ptr),
            Some(Arc::as_ptr(found))
        );
    }
    let unknown = desks.of_channel(B256::ZERO).await;
    assert_eq!(unknown.err(), Some(Turned::NoChannel));
    let elsewhere = case.channel(10);
    let known = Known([(elsewhere, case.bound(10))].into());
    let setups = CLASSES.map(setup).to_vec();
    let desks = Desks::open(&case.ledger, setups, Arc::new(known)).expect("reads");
    assert_eq!(
        desks.of_channel(elsewhere).await.err(),
        Some(Turned::NoChannel)
    );
}

/// NET-4: one desk leaves another what it does not lean on, and a claim gives nothing back before the chain's word of it.
#[test]
fn net_4_desks_share_one_bond() {
    let mut case = Case::new();
    // Nothing is signed yet: a unit for a voucher of this epoch, and the request for one of the next.
    let at_work = |units: u128| 1 + market(NOW_MS).stands_for(units, units, 1);
    let bond = at_work(1_000) + at_work(600);
    case.see(NOW_MS, bond);
    let first = case.asks(7, 1_000).expect("room");
    assert_eq!(case.asks(8, 601).err(), Some(Turned::SoldOut));
    let second = case.asks(8, 600).expect("room");
    assert_eq!(case.asks(9, 1).err(), Some(Turned::SoldOut));
    drop(second);
    drop(case.asks(9, 600).expect("what was not used is free"));
    case.answers(7, EPOCH, first, 1_000);
    // Claimed, and not seen on the chain yet: what stood for it is not free.
    case.see(NOW_MS + EPOCH_MS, bond);
    let stood = case.would_stand(EPOCH + 1);
    let channel = case.channel(7);
    case.desk(7).claimed(&case.ledger, channel, EPOCH);
    let rest = u64::try_from(bond - stood).expect("small");
    assert_eq!(case.asks(8, rest).err(), Some(Turned::SoldOut));
    case.see(NOW_MS + EPOCH_MS, bond);
    drop(case.asks(8, 1_000).expect("room"));
}

/// What happens at the desks of a machine.
#[derive(Clone, Debug)]
enum Step {
    Ask(u32, u64),
    Answer(usize),
    Leave(usize),
    /// Some time later.
    Later(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let class = prop::sample::select(&CLASSES[..]);
    let step = prop_oneof![
        5 => (class, 1_u64..2_000).prop_map(|(class_id, units)| Step::Ask(class_id, units)),
        4 => (0_usize..8).prop_map(Step::Answer),
        1 => (0_usize..8).prop_map(Step::Leave),
        1 => (1_u64..EPOCH_MS).prop_map(Step::Later),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// NET-4: whatever is asked of which class, and in whichever epoch it ends: what claims of all classes would reserve is
    /// never more than the bond.
    #[test]
    fn net_4_what_all_desks_owe_never_exceeds_the_bond(steps in steps(), bond in 1_000_u128..20_000) {
        let mut case = Case::new();
        let mut now_ms = NOW_MS;
        case.see(now_ms, bond);
        let mut at_work = Vec::new();
        for step in steps {
            match step {
                Step::Ask(class_id, units) => {
                    if let Ok(promise) = case.asks(class_id, units) {
                        at_work.push((class_id, promise, units));
                    }
                }
                Step::Answer(at) if at < at_work.len() => {
                    let (class_id, promise, units) = at_work.remove(at);
                    case.answers(class_id, now_ms / EPOCH_MS, promise, units);
                }
                Step::Leave(at) if at < at_work.len() => {
                    at_work.remove(at);
                }
                Step::Answer(_) | Step::Leave(_) => {}
                Step::Later(ms) => {
                    now_ms += ms;
                    case.see(now_ms, bond);
                }
            }
            let stands = case.would_stand(now_ms / EPOCH_MS);
            prop_assert!(stands <= bond, "{stands} of {bond}");
        }
    }
}
