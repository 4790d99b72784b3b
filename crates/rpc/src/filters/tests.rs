use std::time::Duration;

use super::*;

fn hash(number: u64) -> B256 {
    B256::from(alloy_primitives::U256::from(number))
}

/// A reader who comes too late gets what is still there, and never the same hash twice.
#[test]
fn arrivals_are_read_from_a_cursor() {
    let mut arrivals = Arrivals::default();
    arrivals.hashes.extend((0..10).map(hash));
    assert_eq!(arrivals.since(7), [hash(7), hash(8), hash(9)]);
    assert_eq!(arrivals.next(), 10);
    arrivals.hashes.drain(..8);
    arrivals.first += 8;
    assert_eq!(arrivals.next(), 10);
    assert_eq!(arrivals.since(0), [hash(8), hash(9)]);
    assert_eq!(arrivals.since(9), [hash(9)]);
    assert!(arrivals.since(10).is_empty());
    assert!(arrivals.since(u64::MAX).is_empty());
}

#[test]
fn idle_filters_make_room() {
    let limits = Limits {
        filters_max: 2,
        filter_idle_max: Duration::from_millis(20),
        ..Limits::default()
    };
    let filters = Filters::new(&limits);
    let first = filters.watch_blocks(0).expect("room");
    filters.watch_pending(false).expect("room");
    assert!(filters.watch_blocks(0).is_err());
    std::thread::sleep(Duration::from_millis(30));
    filters.watch_blocks(0).expect("the idle ones made room");
    assert_eq!(filters.count(), 1);
    assert!(!filters.uninstall(first));
}

/// RPC-13: a rewind sets cursors back to what is there, and never ahead.
#[test]
fn rpc_13_cursors_go_back_with_the_chain() {
    let filters = Filters::new(&Limits::default());
    let ahead = filters.watch_blocks(9).expect("room");
    let behind = filters.watch_blocks(2).expect("room");
    filters.rewound(5, &[]);
    let next = |id| match filters.filters.lock().get(&id).map(|filter| &filter.watch) {
        Some(Watch::Blocks { next_block }) => *next_block,
        _ => panic!("a filter of blocks"),
    };
    assert_eq!((next(ahead), next(behind)), (6, 3));
    // An answer that was being made when the chain went back does not move the cursor.
    filters.advance(ahead, 10, 12);
    assert_eq!(next(ahead), 6);
    filters.advance(ahead, 6, 7);
    assert_eq!(next(ahead), 8);
}
