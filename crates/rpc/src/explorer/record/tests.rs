use alloy_primitives::{Address, U256};

use super::*;

fn check(transaction_count: usize, words: &[&[usize]], numbers: &[usize], count: usize) {
    let words: Vec<Vec<usize>> = words.iter().map(|by| by.to_vec()).collect();
    let lanes = Lanes::of(transaction_count, words.iter());
    assert_eq!(
        (lanes.numbers.as_slice(), lanes.count),
        (numbers, count),
        "{words:?}"
    );
}

#[test]
fn transactions_that_share_a_word_are_one_lane() {
    check(0, &[], &[], 0);
    check(3, &[], &[0, 1, 2], 3);
    check(3, &[&[0], &[1], &[2]], &[0, 1, 2], 3);
    check(4, &[&[1, 3]], &[0, 1, 2, 1], 3);
    // By way of others, whatever comes first.
    check(5, &[&[3, 4], &[0, 3], &[1, 2]], &[0, 1, 1, 0, 0], 2);
    check(4, &[&[2, 3], &[1, 2], &[0, 1]], &[0, 0, 0, 0], 1);
}

#[test]
fn words_with_most_writers_come_first() {
    let word = |slot: u64| (Address::ZERO, Some(U256::from(slot)));
    let mut writers: BTreeMap<Word, Vec<usize>> = (0..50).map(|n| (word(n), vec![0, 1])).collect();
    writers.insert(word(60), vec![0, 1, 2]);
    writers.insert((Address::repeat_byte(1), None), vec![0, 1, 2, 3]);
    writers.insert(word(61), vec![4]);
    let hot = most_written(&writers);
    assert_eq!(hot.len(), HOT_MAX);
    assert_eq!(hot[0].1, 4);
    assert_eq!((hot[0].0.1, hot[1].0.1), (None, Some(U256::from(60))));
    assert!(hot.iter().all(|(_, count)| *count > 1));
}
