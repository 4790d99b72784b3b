//! PER-108: the quicker way is gone, the other is tried now and then, and what changes is noticed.

use super::*;

/// Runs blocks of a million gas that take so many microseconds each way; answers how many went ahead.
fn ahead_of(pace: &Pace, blocks: u32, plain_us: u64, ahead_us: u64) -> u32 {
    let mut ahead = 0;
    for _ in 0..blocks {
        let way = pace.way();
        let took_us = match way {
            Way::Plain => plain_us,
            Way::Ahead => {
                ahead += 1;
                ahead_us
            }
        };
        pace.note(way, 1_000_000, Duration::from_micros(took_us));
    }
    ahead
}

#[test]
fn per_108_a_node_goes_the_quicker_way() {
    let pace = Pace::default();
    let ahead = ahead_of(&pace, 4_000, 1_000, 700);
    assert!((3_970..4_000).contains(&ahead), "threads pay: {ahead}");
    let pace = Pace::default();
    let ahead = ahead_of(&pace, 4_000, 1_000, 1_400);
    assert!((3..30).contains(&ahead), "they do not: {ahead}");
}

#[test]
fn per_108_what_changes_is_noticed() {
    let pace = Pace::default();
    ahead_of(&pace, 320, 1_000, 1_400);
    let ahead = ahead_of(&pace, 10_000, 1_000, 500);
    assert!(ahead > 4_000, "{ahead} of 10,000 went ahead");
    let ahead = ahead_of(&pace, 1_000, 1_000, 3_000);
    assert!(ahead < 50, "{ahead} of 1,000 went ahead");
}

#[test]
fn a_block_without_gas_says_nothing() {
    let pace = Pace::default();
    pace.note(Way::Ahead, 0, Duration::from_secs(9));
    assert_eq!(pace.way(), Way::Ahead);
}

/// What a machine does beside a block makes it slower: two of three blocks of a trial may be disturbed, on either way.
#[test]
fn per_108_noise_decides_nothing() {
    let pace = Pace::default();
    let mut ahead = 0;
    for number in 0..4_000_u64 {
        let way = pace.way();
        let disturbed = number % 3 != 0;
        let took_us = match way {
            Way::Plain => 1_000,
            Way::Ahead => 900,
        };
        ahead += u32::from(way == Way::Ahead);
        let took_us = took_us * if disturbed { 3 } else { 1 };
        pace.note(way, 1_000_000, Duration::from_micros(took_us));
    }
    assert!((3_970..4_000).contains(&ahead), "threads pay: {ahead}");
}
