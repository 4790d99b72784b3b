use super::{ANSWER_MS, Passed, UNITS};

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
