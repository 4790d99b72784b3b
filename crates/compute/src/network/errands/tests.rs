//! What was asked goes once nothing of it can be claimed, and not while a request waits for it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use alloy_primitives::Address;

use super::*;
use crate::tab::Rate;

const CHANNEL: B256 = B256::repeat_byte(1);

fn dealt(number: u8) -> Dealt {
    Dealt {
        machine: Address::ZERO,
        program: B256::ZERO,
        rate: Rate::default(),
        most: 1,
        input: B256::repeat_byte(number),
        input_max: 1,
        output_max: 1,
    }
}

/// NET-8, of the customer's side.
#[tokio::test]
async fn net_8_errands_of_silent_machines_go_when_they_are_old() {
    let folder = tempfile::tempdir().expect("a folder");
    let time = Arc::new(AtomicU64::new(1_000));
    let clock = {
        let time = Arc::clone(&time);
        Arc::new(move || time.load(Ordering::Acquire))
    };
    let ledger = Ledger::open(folder.path(), clock).expect("opens");
    let errands = Errands::of(&ledger).expect("reads");
    let mut numbers = Vec::new();
    for number in 0..3 {
        let begun = errands.begin(&ledger, CHANNEL, dealt(number)).await;
        numbers.push(begun.expect("written").number);
        time.fetch_add(100, Ordering::AcqRel);
    }
    errands.leave(&ledger, numbers[0], Stand::Open);
    errands.leave(&ledger, numbers[2], Stand::Failed);
    let left = |errands: &Errands| {
        let all = errands.of_channel(CHANNEL);
        all.iter().map(|errand| errand.number).collect::<Vec<_>>()
    };
    errands.let_go(&ledger, 1_000);
    assert_eq!(left(&errands), [0, 1, 2]);
    // The first is old; the second is at work, however old; the third is young.
    errands.let_go(&ledger, 1_200);
    assert_eq!(left(&errands), [1, 2]);
    // What was handed to the writer before is on disk when this is.
    ledger.write(Vec::new()).on_disk().await.expect("written");
    let again = Errands::of(&ledger).expect("reads");
    assert_eq!(left(&again), [1, 2]);
    // Nobody waits for it in a process that follows.
    again.let_go(&ledger, 1_200);
    assert_eq!(left(&again), [2]);
}
