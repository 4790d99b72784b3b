//! Adding up what test runners say about themselves.

use std::fmt;

/// Counts of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Did what they say.
    pub(crate) passed: u64,
    /// Did not.
    pub(crate) failed: u64,
    /// Were not run.
    pub(crate) skipped: u64,
}

impl Tally {
    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }

    /// How many were run.
    pub(crate) fn run_count(self) -> u64 {
        self.passed + self.failed
    }

    /// Reads the closing lines of `cargo test`, `cargo nextest` and our own programs.
    pub(crate) fn read(lines: &[String]) -> Self {
        lines
            .iter()
            .filter_map(|line| closing_line(line))
            .fold(Self::default(), Self::plus)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// The counts of a closing line:
/// * cargo test: `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; ..`
/// * nextest: `Summary [ 0.5s] 4 tests run: 3 passed (1 slow), 1 failed, 0 skipped`
/// * ours: `3 passed, 0 failed, 1 skipped`
fn closing_line(line: &str) -> Option<Tally> {
    let line = line.trim();
    let rest = if let Some(rest) = line.strip_prefix("test result:") {
        rest.split_once(". ")?.1
    } else if line.starts_with("Summary [") {
        line.split_once("run:")?.1
    } else {
        let digits = line.split(' ').next()?;
        (!digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && line.contains(" passed, "))
        .then_some(line)?
    };
    let mut tally = Tally::default();
    for part in rest.split([',', ';']) {
        let mut words = part.split_whitespace();
        let (Some(count), Some(word)) = (words.next(), words.next()) else {
            continue;
        };
        let Ok(count) = count.parse::<u64>() else {
            continue;
        };
        match word {
            "passed" => tally.passed += count,
            "failed" | "timed" | "exec" => tally.failed += count,
            "ignored" | "skipped" => tally.skipped += count,
            _ => {}
        }
    }
    Some(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: (u64, u64, u64)) {
        let (passed, failed, skipped) = expected;
        assert_eq!(
            Tally::read(&[line.to_owned()]),
            Tally {
                passed,
                failed,
                skipped
            },
            "{line}"
        );
    }

    #[test]
    fn reads_what_runners_say() {
        check(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.0s",
            (3, 0, 1),
        );
        check(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
            (1, 2, 0),
        );
        check(
            "     Summary [   0.523s] 4 tests run: 3 passed (1 slow), 1 failed, 2 skipped",
            (3, 1, 2),
        );
        check(
            "     Summary [   9.000s] 2/4 tests run: 1 passed, 1 timed out, 2 skipped",
            (1, 1, 2),
        );
        check("12 passed, 0 failed, 3 skipped", (12, 0, 3));
        check("the 12 passed, and nobody failed", (0, 0, 0));
        check("", (0, 0, 0));
    }
}
