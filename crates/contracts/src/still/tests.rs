//! Stops: what they hold back, added up and searched; what is written of them.

use alloy_primitives::{Bytes, U256};
use capstan_state::Halt;
use proptest::prelude::*;

use super::{
    IStill::{passedMsCall, stopCall, stopCountCall, untilMsCall},
    error::{StillMalformed, StillUnknown},
    math::{self, Stops},
    state::Stop,
    *,
};
use crate::{
    SystemKind,
    invariant::check_all,
    revert,
    testkit::{World, words},
};

/// Stops in memory, and how many were read.
struct Listed {
    all: Vec<Stop>,
    reads: u64,
}

impl Listed {
    /// Of times at which the chain ran and stood, in turns.
    fn of(turns: &[(u64, u64)]) -> Self {
        let (mut now_ms, mut before_ms) = (1_000, 0);
        let stop = |&(runs_ms, stands_ms): &(u64, u64)| {
            let from_ms = now_ms + runs_ms;
            now_ms = from_ms + stands_ms;
            let stop = Stop {
                from_ms,
                to_ms: now_ms,
                before_ms,
            };
            before_ms += stands_ms;
            stop
        };
        Self {
            all: turns.iter().map(stop).collect(),
            reads: 0,
        }
    }

    /// Moment by moment: whether it counts.
    fn counts(&self, time_ms: u64) -> bool {
        !self
            .all
            .iter()
            .any(|stop| (stop.from_ms..stop.to_ms).contains(&time_ms))
    }

    fn passed_slowly(&self, from_ms: u64, to_ms: u64) -> u64 {
        (from_ms..to_ms).filter(|at| self.counts(*at)).count() as u64
    }
}

impl Stops for Listed {
    fn count(&mut self) -> Result<u64, Halt> {
        Ok(self.all.len() as u64)
    }

    fn stop(&mut self, number: u64) -> Result<Stop, Halt> {
        self.reads += 1;
        Ok(self.all[usize::try_from(number - 1).expect("small")])
    }
}

fn turns() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec((0..40_u64, 1..60_u64), 0..12)
}

proptest! {
    /// STILL-2: every answer is what counting moment by moment gives.
    #[test]
    fn still_2_what_passes_is_every_moment_outside_stops(
        turns in turns(), from_ms in 900..2_200_u64, more_ms in 0..1_200_u64, then_ms in 0..500_u64, window_ms in 0..600_u64,
    ) {
        let mut stops = Listed::of(&turns);
        let to_ms = from_ms + more_ms;
        let passed = math::passed_ms(&mut stops, from_ms, to_ms).expect("reads");
        prop_assert_eq!(passed, stops.passed_slowly(from_ms, to_ms));
        let rest = math::passed_ms(&mut stops, to_ms, to_ms + then_ms).expect("reads");
        let whole = math::passed_ms(&mut stops, from_ms, to_ms + then_ms).expect("reads");
        prop_assert_eq!(passed + rest, whole);
        prop_assert!(whole <= more_ms + then_ms);
        let until = math::until_ms(&mut stops, from_ms, window_ms).expect("reads");
        prop_assert!(stops.passed_slowly(from_ms, until) <= window_ms);
        prop_assert!(stops.passed_slowly(from_ms, until + 1) > window_ms);
    }

    /// STILL-4: another stop at the end takes no time from anybody, and gives none to whoever was too late before it.
    #[test]
    fn still_4_a_stop_only_gives_time_and_none_to_who_was_late(
        turns in turns(), from_ms in 900..1_500_u64, window_ms in 0..600_u64, runs_ms in 0..100_u64, stands_ms in 1..900_u64,
    ) {
        let mut before = Listed::of(&turns);
        let mut after = Listed::of(&[&turns[..], &[(runs_ms, stands_ms)]].concat());
        let stop = *after.all.last().expect("one");
        let until = math::until_ms(&mut before, from_ms, window_ms).expect("reads");
        let later = math::until_ms(&mut after, from_ms, window_ms).expect("reads");
        let given = if until < stop.from_ms { 0 } else { stop.to_ms - stop.from_ms.max(from_ms).min(stop.to_ms) };
        prop_assert_eq!(later, until + given);
    }
}

/// A search reads few stops, however many there are, and fewest where it is asked about late ones.
#[test]
fn a_search_reads_few_stops() {
    let mut stops = Listed::of(&[(10, 10); 4_096]);
    math::passed_ms(&mut stops, 81_000, 82_910).expect("reads");
    let late = core::mem::take(&mut stops.reads);
    math::until_ms(&mut stops, 1_500, 100).expect("reads");
    assert!(late <= 16 && stops.reads <= 50, "{late}, {}", stops.reads);
}

fn at(world: &mut World) -> u64 {
    world.store.block_mut().time_ms
}

fn stop_at(world: &World, number: u64) -> (u64, u64, u64) {
    let stop = world.view(ADDRESS, &stopCall { number });
    (stop.fromMs, stop.toMs, stop.beforeMs)
}

/// STILL-1: what a block writes, and what views say of it; a chain that stands still again before it came back goes on.
#[test]
fn still_1_stops_follow_each_other_and_add_up() {
    let mut world = World::new();
    let start = at(&mut world);
    let until = |world: &World, from_ms, window_ms| {
        let until = untilMsCall {
            fromMs: from_ms,
            windowMs: window_ms,
        };
        world.view(ADDRESS, &until)
    };
    assert_eq!(until(&world, start, 5), start + 5);
    world.stand_still_ms(100_000);
    assert_eq!(stop_at(&world, 1), (start, start + 160_000, 0));
    world.wait_ms(10_000);
    world.stand_still_ms(40_000);
    assert_eq!(
        stop_at(&world, 2),
        (start + 160_000, start + 190_000, 160_000),
        "forty seconds of the minute are left: fifty, less the ten of the gap that count"
    );
    world.wait_ms(80_000);
    let parent = at(&mut world);
    world.stand_still_ms(31_000);
    assert_eq!(stop_at(&world, 3), (parent, parent + 91_000, 190_000));
    assert_eq!(world.view(ADDRESS, &stopCountCall {}), 3);
    let passed = passedMsCall {
        fromMs: start - 7,
        toMs: parent + 91_005,
    };
    assert_eq!(
        world.view(ADDRESS, &passed),
        7 + (parent - start - 190_000) + 5
    );
    assert_eq!(until(&world, start, 3), start + 190_003);
}

/// STILL-1: a chain whose blocks are all late lives badly, but time counts on it: but for one minute, ten seconds of each gap.
#[test]
fn still_1_where_each_block_is_late_ten_seconds_of_each_gap_count() {
    for gaps_ms in [&[10_300][..], &[60_000], &[10_300, 250]] {
        let mut world = World::new();
        let start = at(&mut world);
        world.stand_still_ms(gaps_ms[0]);
        let mut counted_ms = 0;
        for gap_ms in gaps_ms.iter().cycle().skip(1).take(200) {
            if stood(*gap_ms, 250) {
                world.stand_still_ms(*gap_ms);
                counted_ms += STILL_MS;
            } else {
                world.wait_ms(*gap_ms);
                counted_ms += gap_ms;
            }
        }
        let passed = passedMsCall {
            fromMs: start,
            toMs: at(&mut world),
        };
        assert_eq!(world.view(ADDRESS, &passed), counted_ms - RETURN_MS);
        assert_eq!(check_all(&world.store), Ok(()));
    }
}

/// STILL-4: whoever finds the chain gone again in his minute finds what is left of it again, less the ten seconds that count.
#[test]
fn still_4_a_second_stop_takes_no_more_than_ten_seconds_of_the_minute() {
    for (lived_ms, left_ms) in [(0, 50_000), (20_000, 30_000), (50_000, 0), (69_999, 0)] {
        let mut world = World::new();
        world.stand_still_ms(3_600_000);
        world.wait_ms(lived_ms);
        world.stand_still_ms(3_600_000);
        let (from, to, _) = stop_at(&world, 2);
        assert_eq!(to, at(&mut world) + left_ms);
        let counted_ms = (RETURN_MS.saturating_sub(lived_ms)).max(STILL_MS);
        assert_eq!(from, at(&mut world) - 3_600_000 + counted_ms);
    }
}

#[test]
fn what_is_no_stop_is_refused_and_writes_nothing() {
    let mut world = World::new();
    let now_ms = at(&mut world);
    let before = world.state();
    let long = [encode_wake(1), Bytes::from_static(&[0])].concat();
    for input in [
        encode_wake(now_ms),
        encode_wake(u64::MAX),
        Bytes::new(),
        long.into(),
    ] {
        let refused = world.system(SystemKind::Wake, &input).expect_err("refused");
        assert_eq!(refused, revert(&StillMalformed {}), "{}", words(&refused));
    }
    assert_eq!(world.state(), before);
    let unknown = stopCall { number: 1 };
    world.refused(
        crate::testkit::ALICE,
        ADDRESS,
        &unknown,
        &StillUnknown { number: 1 },
    );
}

#[test]
fn every_check_can_fail() {
    let words: [(u8, u64, u64); 3] = [(1, 0, 2), (2, 2, 1), (2, 1, 0)];
    for (tag, key, word) in words {
        let mut world = World::new();
        world.stand_still_ms(50_000);
        assert_eq!(check_all(&world.store), Ok(()));
        let slot = match tag {
            1 => U256::from_be_slice(&[tag]),
            _ => U256::from_be_slice(&[&[tag][..], &key.to_be_bytes()].concat()),
        };
        world.store.set_word(ADDRESS, slot, U256::from(word));
        let broken = check_all(&world.store).expect_err("STILL-1");
        assert_eq!(broken.id, "STILL-1", "{broken}");
    }
}

/// The edges of what counts as standing still.
#[test]
fn a_slow_pace_is_no_stop() {
    assert!(!stood(10_250, 250) && stood(10_251, 250));
    assert!(!stood(3_610_000, 3_600_000) && stood(3_610_001, 3_600_000));
    assert!(!stood(u64::MAX, u64::MAX));
}
