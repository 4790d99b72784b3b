use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_primitives::{Address, Signature, U256};

use super::*;

fn asking(gas_limit: u64) -> Recovered<Tx> {
    let tx = TxEip1559 {
        gas_limit,
        ..TxEip1559::default()
    };
    let signed = tx.into_signed(Signature::new(U256::ONE, U256::ONE, false));
    Recovered::new_unchecked(Tx::Eip1559(signed), Address::ZERO)
}

/// Places in the block, as they are taken.
fn drained(queue: &Queue) -> Vec<usize> {
    let takes = std::iter::repeat_with(|| queue.take(HALF));
    let taken = takes.take_while(|taken| !taken.is_empty());
    taken.flatten().map(|queued| queued.place).collect()
}

const HALF: Handful = Handful {
    part: 2,
    least: 1,
    most: 3,
};

/// Those that ask for most come first, and otherwise the block's order stands; each comes once.
#[test]
fn each_is_taken_once_the_dearest_first() {
    let queue = Queue::of(&[10, 30, 10, 20, 10].map(asking));
    let all = drained(&queue);
    assert_eq!(all, [1, 3, 0, 2, 4]);
    assert!(queue.take(HALF).is_empty());
}

/// Nobody takes more gas than his part of what is left, but one transaction; and never more than so many.
#[test]
fn a_handful_is_a_part_of_what_is_left() {
    let queue = Queue::of(&[100, 10, 10, 10, 10, 10, 10, 10].map(asking));
    let sizes = || queue.take(HALF).len();
    // 85 of 170 are less than the first asks for; then 35 of 70, 20 of 40, 10 of 20.
    assert_eq!([sizes(), sizes(), sizes(), sizes()], [1, 3, 2, 1]);
    let queue = Queue::of(&[1; 100].map(asking));
    assert_eq!(queue.take(HALF).len(), 3);
    let some = Handful {
        least: 200,
        most: 300,
        ..HALF
    };
    assert_eq!(queue.take(some).len(), 97);
}

/// Sums of gas that no number holds lose nobody.
#[test]
fn extreme_gas_loses_nobody() {
    let queue = Queue::of(&[u64::MAX, u64::MAX, 0, 1].map(asking));
    let all = drained(&queue);
    assert_eq!(all, [0, 1, 3, 2]);
}
