//! Every item is settled once and in order, whoever runs it; who sleeps is woken. Threads of the machine here; every order
//! that a model checker tries is in `src/tests.rs`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use capstan_window::{Baton, Fed, Settled, Task, Turn, Width, Window};

/// Items that wait for nobody.
fn free(items: std::ops::Range<u64>) -> Vec<Fed<u64>> {
    let free = |item| Fed { item, waits: false };
    items.map(free).collect()
}

/// Runs `count` items through a window; an item's value counts its predecessors if it is right. Answers what was settled,
/// in order, and how often anything ran.
fn drive(workers: usize, count: u64, baton: Option<&Baton>, most: usize) -> (Vec<u64>, usize) {
    let window = Window::<u64, u64>::new(Width::new(2, most), workers);
    // What is settled: the sum so far, the items, and what the feed has left.
    let ordered = Mutex::new((Vec::new(), 0));
    let runs = AtomicUsize::new(0);
    let settled = AtomicUsize::new(0);
    let step = |worker| {
        if let Some(baton) = baton {
            baton.step(worker);
        }
    };
    let work = |worker: usize| {
        if let Some(baton) = baton {
            baton.join(worker);
        }
        loop {
            step(worker);
            let task = match baton {
                Some(_) => window.poll(),
                None => window.next(),
            };
            match task {
                Task::Idle => {}
                Task::Over => break,
                Task::Run { place, items } => {
                    let run = |_: &Arc<u64>| {
                        runs.fetch_add(1, Ordering::Relaxed);
                        let seen = settled.load(Ordering::Acquire) as u64;
                        step(worker);
                        seen
                    };
                    window.ran(place, items.iter().map(run).collect());
                }
                Task::Commit => {
                    // Who had it before may be about to let go: its turn ended with `advance`.
                    let mut ordered = ordered.lock().expect("nobody panicked");
                    let (order, fed) = &mut *ordered;
                    let mut how = Vec::new();
                    loop {
                        step(worker);
                        match window.advance(&std::mem::take(&mut how)) {
                            Turn::Feed { count: wanted, .. } => {
                                let until = count.min(*fed + wanted as u64);
                                window.feed(free(*fed..until), until < count);
                                *fed = until;
                            }
                            Turn::Direct { place, item, .. } => {
                                assert_eq!(place, *item);
                                runs.fetch_add(1, Ordering::Relaxed);
                                order.push(*item);
                                settled.store(order.len(), Ordering::Release);
                                how.push(Settled::Direct);
                            }
                            Turn::Settle { place, ready } => {
                                for (at, (item, done)) in (place..).zip(ready) {
                                    assert_eq!(at, *item);
                                    let clean = done == order.len() as u64;
                                    order.push(*item);
                                    settled.store(order.len(), Ordering::Release);
                                    how.push(match clean {
                                        true => Settled::Clean,
                                        false => Settled::Stale,
                                    });
                                }
                            }
                            Turn::Yield | Turn::Over => break,
                        }
                    }
                }
            }
        }
        if let Some(baton) = baton {
            baton.leave(worker);
        }
    };
    std::thread::scope(|scope| {
        for worker in 0..workers {
            scope.spawn(move || work(worker));
        }
    });
    let (order, _) = ordered.into_inner().expect("nobody panicked");
    (order, runs.into_inner())
}

/// PER-104
#[test]
fn everything_is_settled_once_and_in_order() {
    for workers in [1, 2, 5] {
        for count in [0, 1, 2, 40, 1_000] {
            let (order, _) = drive(workers, count, None, 64);
            assert_eq!(order, (0..count).collect::<Vec<_>>(), "{workers} workers");
        }
    }
}

#[test]
fn one_seed_is_one_interleaving() {
    let mut counts = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let run = || drive(3, 60, Some(&Baton::new(3, seed)), 8);
        let (order, runs) = run();
        assert_eq!(order, (0..60).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(runs, run().1, "seed {seed} is not repeatable");
        counts.insert(runs);
    }
    assert!(!counts.is_empty());
}

#[test]
fn one_worker_is_a_plain_loop() {
    let (order, runs) = drive(1, 100, None, 64);
    assert_eq!((order.len(), runs), (100, 100));
}

#[test]
fn a_stopped_window_gives_back_what_is_left() {
    let window = Window::<u64, ()>::new(Width::new(4, 4), 2);
    assert!(matches!(window.next(), Task::Commit));
    assert!(matches!(window.advance(&[]), Turn::Feed { .. }));
    window.feed(free(7..10), false);
    assert!(matches!(window.advance(&[]), Turn::Direct { place: 0, .. }));
    assert!(matches!(window.next(), Task::Run { place: 1, .. }));
    window.stop();
    assert!(matches!(window.next(), Task::Over));
    let rest: Vec<u64> = window.into_rest().iter().map(|item| **item).collect();
    assert_eq!(rest, [7, 8, 9]);
}

#[test]
fn an_item_that_waits_holds_up_those_behind_it() {
    let window = Window::<u64, ()>::new(Width::new(8, 8), 2);
    assert!(matches!(window.next(), Task::Commit));
    assert!(matches!(window.advance(&[]), Turn::Feed { .. }));
    let mut items = free(0..4);
    items[1].waits = true;
    window.feed(items, false);
    // Nobody can begin another beside the first.
    let first = window.advance(&[]);
    assert!(
        matches!(
            first,
            Turn::Direct {
                place: 0,
                is_alone: true,
                ..
            }
        ),
        "{first:?}"
    );
    assert!(matches!(window.poll(), Task::Idle));
    let second = window.advance(&[Settled::Direct]);
    assert!(
        matches!(
            second,
            Turn::Direct {
                place: 1,
                is_alone: false,
                ..
            }
        ),
        "{second:?}"
    );
    assert!(matches!(window.poll(), Task::Run { place: 2, .. }));
}
