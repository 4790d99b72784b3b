//! GW-15: what is old goes, and nothing that is owed, under a voucher, or young.

use super::*;
use crate::{
    keys::Put,
    receipt::{Outcome, Signed},
    tab::{LeafRecord, LineRecord},
};

const CHANNEL: B256 = B256::repeat_byte(0xc1);

fn signed(ledger: &Ledger, number: u8, ended_ms: u64) -> Signed {
    let Draft { mut receipt, notes } = draft();
    receipt.job = job(number).word();
    receipt.startedMs = ended_ms - 5;
    receipt.tookMs = 5;
    receipt.outcome = Outcome::Whole.number();
    ledger.machine().sign(receipt, notes).expect("signed")
}

fn put(ledger: &Ledger, puts: Vec<Put>) {
    futures::executor::block_on(ledger.write(puts).on_disk()).expect("written");
}

/// Receipts that ended at these times, in this order.
fn written(ledger: &Ledger, ended_ms: &[u64]) -> Vec<Signed> {
    let mut all = Vec::new();
    for (number, ended_ms) in (0..).zip(ended_ms) {
        let signed = signed(ledger, number, *ended_ms);
        put(
            ledger,
            vec![Put::receipt(&signed), Put::job(&job(number), &signed)],
        );
        all.push(signed);
    }
    all
}

fn is_there(ledger: &Ledger, signed: &Signed) -> bool {
    let by_id = ledger.receipt(&signed.id).expect("reads").is_some();
    let word = signed.receipt.job;
    let number = JobId::new(word[..16].try_into().expect("so long"));
    let by_job = ledger.receipt_of(&number).expect("reads").is_some();
    assert_eq!(by_id, by_job);
    by_id
}

fn let_go(ledger: &Ledger, before_ms: u64) -> u64 {
    futures::executor::block_on(ledger.let_go(before_ms)).expect("goes")
}

#[test]
fn gw_15_old_receipts_go_and_young_ones_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::open(folder.path(), system_clock()).expect("opens");
    let all = written(&ledger, &[10, 20, 30, 40]);
    assert_eq!(let_go(&ledger, 10), 0);
    assert_eq!(let_go(&ledger, 21), 2);
    let there = all.iter().map(|signed| is_there(&ledger, signed));
    assert_eq!(there.collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!(ledger.overview(10).expect("reads").receipts.len(), 2);
    assert_eq!(let_go(&ledger, 21), 0);
    // All of them go, and the next one has its place behind them.
    assert_eq!(let_go(&ledger, 1_000), 2);
    assert!(ledger.overview(10).expect("reads").receipts.is_empty());
    let more = written(&ledger, &[2_000, 3_000]);
    let shown = ledger.overview(10).expect("reads").receipts;
    let ids: Vec<_> = shown.iter().map(|signed| signed.id).collect();
    assert_eq!(ids, [more[1].id, more[0].id]);
    drop(ledger);
    let again = Ledger::open(folder.path(), system_clock()).expect("opens");
    assert_eq!(again.overview(10).expect("reads").receipts.len(), 2);
}

#[test]
fn gw_15_what_is_owed_or_under_a_voucher_stays_however_old() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::open(folder.path(), system_clock()).expect("opens");
    let all = written(&ledger, &[10, 20, 30, 40]);
    let leaf = LeafRecord::of(CHANNEL, 1, 0, all[1].id);
    let line = LineRecord::of(CHANNEL, vec![(1, all[2].id)]);
    put(&ledger, vec![Put::leaf(&leaf), Put::line(&line)]);
    assert_eq!(let_go(&ledger, 1_000), 2);
    let there = |ledger: &Ledger| {
        all.iter()
            .map(|signed| is_there(ledger, signed))
            .collect::<Vec<_>>()
    };
    assert_eq!(there(&ledger), [false, true, true, false]);
    assert_eq!(let_go(&ledger, 1_000), 0);
    // Once they are let go of, they go.
    put(&ledger, vec![Put::no_leaf(&leaf), Put::no_line(&line)]);
    assert_eq!(let_go(&ledger, 1_000), 2);
    assert_eq!(there(&ledger), [false; 4]);
}

/// Several batches, with one in the middle that is needed; and budgets that nothing of it changes.
#[test]
fn gw_15_many_go_in_batches_and_keys_stay_what_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::open(folder.path(), system_clock()).expect("opens");
    let made = futures::executor::block_on(ledger.add_key("k".to_owned(), Limits::default()));
    let (_, key) = made.expect("made");
    ledger
        .reserve(&key.hash, job(1), usd("1usd"), draft())
        .expect("may");
    let charged = ledger
        .settle(&job(1), used("0.5usd"), None, None)
        .expect("at work");
    futures::executor::block_on(charged.1.on_disk()).expect("written");
    let mut puts = Vec::new();
    let mut needed = None;
    for number in 0..2_500_u64 {
        let Draft { mut receipt, notes } = draft();
        receipt.job = B256::from(alloy_primitives::U256::from(number));
        receipt.startedMs = 1 + number;
        let signed = ledger.machine().sign(receipt, notes).expect("signed");
        puts.push(Put::receipt(&signed));
        if number == 1_500 {
            puts.push(Put::leaf(&LeafRecord::of(CHANNEL, 1, 0, signed.id)));
            needed = Some(signed);
        }
    }
    put(&ledger, puts);
    assert_eq!(let_go(&ledger, 2_401), 2_399);
    assert_eq!(ledger.overview(9_999).expect("reads").receipts.len(), 101);
    let needed = needed.expect("one of them");
    assert!(ledger.receipt(&needed.id).expect("reads").is_some());
    assert_eq!(ledger.keys().remove(0).key.spent, usd("0.5usd"));
}
