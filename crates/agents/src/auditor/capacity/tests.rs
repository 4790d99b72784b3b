use capstan_contracts::machines::{IMachines::Challenge, Phase};

use super::{ANSWER_MS, Passed, Tried, UNITS};

fn longer(units: u64, took_ms: u64) -> Option<u64> {
    Passed { units, took_ms }.longer(ANSWER_MS)
}

/// Who answers quickly is asked more, and whose answer took long enough is left alone.
#[test]
fn questions_grow_until_an_answer_takes_its_time() {
    // A machine of 400 units a second, behind a chain that takes two and a half seconds whatever is asked.
    let (mut units, mut asked) = (UNITS.0, 0);
    let per_hour = loop {
        asked += 1;
        let took_ms = 2_500 + units * 1_000 / 400;
        match longer(units, took_ms) {
            Some(longer) => units = longer,
            None => break units * 3_600_000 / took_ms,
        }
    };
    assert_eq!((units, asked), (1_224, 4));
    // More than half of the 1,440,000 that it can; the first question showed 44,651.
    assert_eq!(per_hour, 792_517);
    assert_eq!(longer(32, 5_001), None, "a slow machine is asked once");
    assert_eq!(
        longer(3_000, 100),
        None,
        "not half as much again is left to ask"
    );
    assert_eq!(
        longer(32, 0),
        Some(UNITS.1),
        "nothing is divided by nothing"
    );
    assert_eq!(longer(u64::MAX, 1), None);
}

fn over(number: u64, phase: Phase, units: u64, took_ms: u64) -> Challenge {
    Challenge {
        number,
        phase: phase.number(),
        units,
        answeredMs: took_ms,
        ..Challenge::default()
    }
}

/// A machine that failed at a longer question is asked shorter ones from then on, and more and more rarely while it fails.
#[test]
fn who_fails_is_asked_less_and_more_rarely() {
    let mut tried = Tried::default();
    assert_eq!(tried.first(), UNITS.0);
    tried.ended(&over(1, Phase::Passed, 32, 2_500));
    assert_eq!(tried.longer(ANSWER_MS), Some(128));
    tried.ended(&over(2, Phase::Unanswered, 128, 0));
    // Seen again it counts once.
    tried.ended(&over(2, Phase::Unanswered, 128, 0));
    assert_eq!((tried.failed, tried.first()), (1, UNITS.0));
    tried.ended(&over(3, Phase::Passed, 32, 2_500));
    assert_eq!(tried.longer(ANSWER_MS), None, "as much was too much before");
    assert_eq!(tried.failed, 0);
    tried.ended(&over(4, Phase::NoQuorum, 32, 9_000));
    assert_eq!(tried.failed, 0, "it is not to blame");
    // A holder may ask himself whatever he likes.
    tried.ended(&over(5, Phase::Passed, 1 << 40, 60_000));
    assert_eq!(tried.first(), UNITS.1);
}
