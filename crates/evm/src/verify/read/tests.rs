use alloy_eip7928::{BalanceChange, NonceChange};
use alloy_primitives::{Address, U256};

use super::*;
use crate::encode_access_list;
use crate::mem::MemState;
use crate::verify::book::Book;

const TRANSACTIONS: usize = 10;
const GAS: u64 = 100_000_000;

/// So many accounts in order, each with a balance and a nonce after some index.
fn list(count: u32) -> Vec<AccountChanges> {
    let account = |n: u32| {
        let mut address = Address::ZERO;
        address[..4].copy_from_slice(&(n * 50_000).to_be_bytes());
        let index = BlockAccessIndex::new(u64::from(n) % 10 + 1);
        AccountChanges {
            address,
            balance_changes: vec![BalanceChange::new(index, U256::from(n))],
            nonce_changes: vec![NonceChange::new(index, 1)],
            ..AccountChanges::default()
        }
    };
    (0..count).map(account).collect()
}

/// What a list comes to, on any number of threads the same.
fn verdict(bytes: &[u8]) -> Result<Vec<AccountChanges>, VerifyError> {
    let on = |threads| {
        let reading = read(bytes, TRANSACTIONS, GAS, threads, &mut [], &[])?;
        let counts = reading.write_counts.clone();
        let parent = std::sync::Arc::new(MemState::new());
        let book = Book::new(reading, parent, TRANSACTIONS, GAS)?;
        for (index, count) in counts.into_iter().enumerate() {
            assert_eq!(book.write_count(index as u64), count as usize);
            assert_eq!(book.places_at(index as u64).len(), count as usize);
        }
        Ok(book.into_list())
    };
    let alone = on(1);
    for threads in [2, 8] {
        assert_eq!(on(threads), alone, "{threads} threads");
    }
    alone
}

fn fault(list: &[AccountChanges]) -> String {
    verdict(&encode_access_list(list))
        .expect_err("bad")
        .to_string()
}

#[test]
fn lists_of_any_length_are_read() {
    for count in [0, 1, 63, 64, 65, 128, 200] {
        let list = list(count);
        assert_eq!(verdict(&encode_access_list(&list)), Ok(list), "{count}");
    }
    let mut wide = list(1);
    wide[0].storage_reads = (0..10_000).map(U256::from).collect();
    assert_eq!(verdict(&encode_access_list(&wide)), Ok(wide));
}

#[test]
fn order_is_seen_within_runs_and_between_them() {
    for at in [10, 63, 64, 127] {
        let mut swapped = list(200);
        swapped.swap(at, at + 1);
        let (first, second) = (swapped[at].address, swapped[at + 1].address);
        let words = fault(&swapped);
        assert!(
            words.contains(&second.to_string()),
            "{at}: {words}, not {first}"
        );
        let mut twice = list(200);
        twice[at + 1] = twice[at].clone();
        let words = fault(&twice);
        assert!(
            words.contains(&twice[at].address.to_string()),
            "{at}: {words}"
        );
    }
}

#[test]
fn the_first_run_with_a_fault_is_named() {
    let late = BlockAccessIndex::new(TRANSACTIONS as u64 + 2);
    let mut bad = list(200);
    bad[150].nonce_changes[0].block_access_index = late;
    let third = fault(&bad);
    assert!(third.contains(&bad[150].address.to_string()), "{third}");
    bad[20].balance_changes[0].block_access_index = late;
    let first = fault(&bad);
    assert!(first.contains(&bad[20].address.to_string()), "{first}");
}

#[test]
fn what_is_no_list_of_accounts_is_refused() {
    let good = encode_access_list(&list(100));
    let undecodable = |bytes: &[u8]| {
        let fault = verdict(bytes).expect_err("bad");
        assert!(
            matches!(fault, VerifyError::List(Fault::Undecodable(_))),
            "{fault}"
        );
    };
    undecodable(&[]);
    undecodable(&good[..good.len() - 1]);
    undecodable(&[0x80]);
    let mut behind = good.clone();
    behind.push(0);
    assert_eq!(verdict(&behind), Err(Fault::NotCanonical.into()));
    // A byte for each account would ask for more than a hundred times the memory.
    let mut tiny = vec![0xf9, 0x03, 0xe8];
    tiny.resize(3 + 1_000, 0xc0);
    undecodable(&tiny);
    let mut broken = good;
    // In place of the last account's codes, of which there are none, a list that is longer than what is left.
    *broken.last_mut().expect("bytes") = 0xff;
    undecodable(&broken);
}

#[test]
fn more_accounts_than_gas_has_room_for_are_refused() {
    let bytes = encode_access_list(&list(100));
    let fault = read(&bytes, TRANSACTIONS, 99 * ITEM_GAS, 2, &mut [], &[]).err();
    assert!(
        matches!(fault, Some(VerifyError::List(Fault::TooLong(_)))),
        "{fault:?}"
    );
}

#[test]
fn each_chore_is_done_once_and_a_panic_is_told() {
    let bytes = encode_access_list(&list(100));
    for threads in [1, 2, 8] {
        let (one, other) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let count = |of: &AtomicUsize| {
            of.fetch_add(1, Ordering::Relaxed);
        };
        let chores: [Chore<'_>; 2] = [&|| count(&one), &|| count(&other)];
        let reading = read(&bytes, TRANSACTIONS, GAS, threads, &mut [], &chores);
        assert!(reading.is_ok());
        assert_eq!((one.into_inner(), other.into_inner()), (1, 1));
        let panics: [Chore<'_>; 1] = [&|| panic!("of a chore")];
        let error = read(&bytes, TRANSACTIONS, GAS, threads, &mut [], &panics).err();
        assert_eq!(error, Some(VerifyError::Panicked("of a chore".into())));
    }
}
