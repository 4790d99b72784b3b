//! A moment of every target in the ordinary tests; `cargo xtask soak` hunts long.

use std::time::Duration;

use capstan_fuzz::{Limit, TARGETS, Target, find, hunt, memory::Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The seed is fixed: what passes today passes tomorrow.
const SEED: u64 = 1;
const LIMIT: Limit = Limit {
    inputs: 2_000,
    time: Duration::from_secs(3),
};

#[track_caller]
fn check(name: &str) {
    let target = find(name).expect("a target");
    let done = hunt(target, SEED, LIMIT);
    if let Some((why, input)) = done.finding {
        panic!(
            "{name}: {why}\ninput: {}",
            alloy_primitives::hex::encode(input)
        );
    }
    assert!(done.accepted > 0, "{name}: not even a seed is accepted");
    assert!(
        done.shapes > 1,
        "{name}: every input is answered alike: nothing is read"
    );
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_target_has_its_moment() {
            let tested = [$(stringify!($name)),*];
            for target in TARGETS {
                assert!(tested.contains(&target.name), "{} is not run", target.name);
            }
        }
    };
}

targets!(log block frame node journal export transaction access sidecar message genesis statetest abi error);

/// A target with one fault, which the driver must find.
fn planted(run: fn(&[u8]) -> String) -> Target {
    Target {
        name: "planted",
        what: "a fault",
        run,
        seeds: || vec![b"a harmless seed, 12 bytes".to_vec()],
        memory_base: 1 << 20,
        memory_factor: 16,
    }
}

#[track_caller]
fn is_found(run: fn(&[u8]) -> String, words: &str) {
    let done = hunt(&planted(run), SEED, LIMIT);
    let (why, _) = done.finding.expect("the fault is found");
    assert!(why.contains(words), "{why}");
}

#[test]
fn a_planted_panic_is_found() {
    is_found(
        |input| match input.first() {
            Some(byte) if byte & 0x80 != 0 => panic!("planted"),
            _ => "ok".to_owned(),
        },
        "panic: planted",
    );
}

#[test]
fn memory_by_a_decoded_length_is_found() {
    is_found(
        |input| {
            let length = usize::from(input.first().copied().unwrap_or_default());
            let held: Vec<u8> = Vec::with_capacity(length * 20_000);
            format!("ok {}", held.is_empty())
        },
        "bytes of memory",
    );
}
