use serde_json::json;

use super::*;
use crate::upstream::Answer;

/// SCAN-2
#[test]
fn break_even_is_watts_times_the_price_of_power() {
    let even = BreakEven::of(350, "0.12usd".parse().expect("an amount"));
    assert_eq!(even.per_hour.to_string(), "0.042usd");
    // 100 tokens a second are 360,000 an hour: 0.042 / 0.36.
    let million = even
        .per_million_tokens(100.0)
        .expect("a server that writes");
    assert_eq!(million.to_string(), "0.116666666666666667usd");
    assert_eq!(even.per_million_tokens(0.0), None);
    let odd = BreakEven::of(1, "0.000000000000000001usd".parse().expect("an amount"));
    assert_eq!(odd.per_hour.atto(), 1, "rounded up");
}

/// SCAN-1
#[test]
fn noise_is_the_distance_between_rounds() {
    let quiet = Measured::of(vec![9.5, 10.0, 9.8]);
    assert_eq!((quiet.best, quiet.median, quiet.worst), (10.0, 9.8, 9.5));
    assert!(!quiet.is_noisy());
    let busy = Measured::of(vec![5.0, 10.0]);
    assert!(busy.is_noisy() && busy.spread_percent() == 50);
    assert_eq!(Measured::of(Vec::new()).spread_percent(), 0);
}

/// What is measured is some number that a computer can have, whatever else it does.
#[test]
fn machines_are_measured() {
    let memory = bandwidth(1);
    assert!((0.05..10_000.0).contains(&memory), "{memory}");
    let arithmetic = gflops(1);
    assert!((0.05..100_000.0).contains(&arithmetic), "{arithmetic}");
}

/// SCAN-3: the server's count, unless it cannot be: more than was asked for.
#[test]
fn scan_3_tokens_are_counted_or_parts() {
    let mut answer = Answer::default();
    for word in ["one", " two", " three"] {
        let part = json!({"choices": [{"index": 0, "delta": {"content": word}}]});
        answer.add(part.as_object().expect("an object"));
    }
    assert_eq!(server::written(&answer), (3, false));
    for (said, written) in [(5, (5, true)), (1_000_000, (3, false))] {
        let usage =
            json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": said}});
        answer.add(usage.as_object().expect("an object"));
        assert_eq!(server::written(&answer), written, "{said}");
    }
}

/// SCAN-4: what others used between two looks.
#[test]
fn scan_4_others_at_work_are_seen() {
    let before = load::ticks("cpu  100 0 50 800 50 0 0 0 7 7\ncpu0 1 1 1 1\n").expect("ticks");
    assert_eq!(before, (150, 1_000));
    let after = load::ticks("cpu  160 0 60 820 60 0 0 10 7 7\n").expect("ticks");
    assert_eq!(load::percent_between(before, after), 73);
    assert_eq!(load::percent_between(before, before), 0);
    for odd in ["", "cpu0 1 2 3 4 5", "cpu  a b c d e", "cpu  1 2"] {
        assert_eq!(load::ticks(odd), None, "{odd}");
    }
    let quiet = Measured::of(vec![1.0]);
    let machine = |busy_before_percent| Machine {
        threads: 2,
        memory_gb_per_s: quiet,
        gflops: quiet,
        load_before: None,
        busy_before_percent,
    };
    assert!(machine(Some(63)).was_busy());
    assert!(!machine(Some(3)).was_busy() && !machine(None).was_busy());
}
