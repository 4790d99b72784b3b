//! Adding up what test runners say about themselves.

use std::fmt;

use crate::shell::Watched;

/// What a runner said.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// How many.
    pub(crate) tally: Tally,
    /// What failed, by name.
    pub(crate) failed: Vec<String>,
    /// What failed first and then passed, by name.
    pub(crate) flaky: Vec<String>,
    /// Whether it ended well.
    pub(crate) content: bool,
}

impl Report {
    /// Reads what a runner printed.
    pub(crate) fn of(watched: &Watched) -> Self {
        Self {
            tally: Tally::read(&watched.lines),
            failed: names(&watched.lines, failed_name),
            flaky: names(&watched.lines, flaky_name),
            content: watched.success,
        }
    }

    /// Both together.
    pub(crate) fn plus(mut self, other: Self) -> Self {
        self.failed.extend(other.failed);
        self.flaky.extend(other.flaky);
        Self {
            tally: self.tally.plus(other.tally),
            failed: self.failed,
            flaky: self.flaky,
            content: self.content && other.content,
        }
    }
}

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
/// * vitest: `      Tests  1 failed | 11 passed (12)`
///
/// What nextest repeats of a failing test's own output is indented; a closing line in there counts nothing again.
fn closing_line(line: &str) -> Option<Tally> {
    let rest = if let Some(rest) = line.strip_prefix("test result:") {
        rest.split_once(". ")?.1
    } else if line.trim_start().starts_with("Summary [") {
        line.split_once("run:")?.1
    } else if let Some(rest) = line.trim_start().strip_prefix("Tests  ") {
        rest
    } else {
        let digits = line.split(' ').next()?;
        (!digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && line.contains(" passed, "))
        .then_some(line)?
    };
    let mut tally = Tally::default();
    for part in rest.split([',', ';', '|']) {
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

/// Each test that some line names, once, in the order of their ends.
fn names(lines: &[String], name_in: fn(&str) -> Option<&str>) -> Vec<String> {
    let mut names = Vec::new();
    for name in lines.iter().filter_map(|line| name_in(line)) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The name in a line that says that one test failed:
/// * cargo test: `test some::name ... FAILED`
/// * nextest: `        FAIL [   0.006s] (2/4) package::binary some::name`
/// * ours: `FAILED some name: why`
fn failed_name(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("FAILED ") {
        return Some(rest.split_once(": ").map_or(rest, |(name, _)| name));
    }
    if let Some(rest) = line.strip_prefix("test ") {
        return rest.strip_suffix(" ... FAILED");
    }
    let (verdict, name) = verdict_of_nextest(line)?;
    // A first try is followed by a second, which decides.
    let verdict = verdict.strip_prefix("TRY 2 ").unwrap_or(verdict);
    let is_failure = [
        "FAIL",
        "LEAK-FAIL",
        "FL+LK",
        "TIMEOUT",
        "TMT",
        "ABORT",
        "ABRT",
        "SEGV",
        "KILL",
    ]
    .contains(&verdict)
        || verdict.starts_with("SIG");
    is_failure.then_some(name)
}

/// The name in a line that says that one test failed and then passed:
/// * nextest: `   FLAKY 2/2 [   0.006s] (2/4) package::binary some::name`
/// * ours: `flaky: some name`
fn flaky_name(line: &str) -> Option<&str> {
    if let Some(name) = line.strip_prefix("flaky: ") {
        return Some(name);
    }
    let (verdict, name) = verdict_of_nextest(line)?;
    verdict.starts_with("FLAKY ").then_some(name)
}

/// The verdict and the name of a line of nextest about one test, with or without a count in front of the name.
fn verdict_of_nextest(line: &str) -> Option<(&str, &str)> {
    let (verdict, rest) = line.trim_start().split_once(" [")?;
    let (time, name) = rest.split_once("] ")?;
    if !time.trim_start().starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let name = name.trim_start();
    let name = match name.strip_prefix('(') {
        Some(counted) => counted.split_once(") ")?.1,
        None => name,
    };
    Some((verdict, name))
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
        check("      Tests  1 failed | 11 passed (12)", (11, 1, 0));
        check("the 12 passed, and nobody failed", (0, 0, 0));
        check("", (0, 0, 0));
        check(
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 3 filtered out",
            (0, 0, 0),
        );
    }

    #[test]
    fn a_failed_test_is_named_once() {
        let lines = [
            "        FAIL [   0.006s] (  2/622) package::binary some::name",
            "        PASS [   0.006s] (  3/622) package::binary other::name",
            "    test some::name ... FAILED",
            "     Summary [   9.0s] 2 tests run: 1 passed, 1 failed, 0 skipped",
            "        FAIL [   0.006s] (  2/622) package::binary some::name",
            "     SIGABRT [   1.006s] package crash",
            "test crates/units/src/lib.rs - Bps (line 7) ... FAILED",
            "test good::name ... ok",
            "FAILED fork_Osaka-3.json: the state root differs: 1, 2",
            "FAILED viem sends a coin",
            "a list [of] words",
            "  TRY 1 FAIL [   0.006s] (───────) package::binary tried::twice",
            "  TRY 2 PASS [   0.006s] (  4/622) package::binary tried::twice",
            "   FLAKY 2/2 [   0.006s] (  4/622) package::binary tried::twice",
            "  TRY 1 ABRT [   0.006s] (───────) package::binary never::passes",
            "  TRY 2 FAIL [   0.006s] (  5/622) package::binary never::passes",
        ]
        .map(str::to_owned);
        assert_eq!(names(&lines, flaky_name), ["package::binary tried::twice"]);
        assert_eq!(
            names(&lines, failed_name),
            [
                "package::binary some::name",
                "package crash",
                "crates/units/src/lib.rs - Bps (line 7)",
                "fork_Osaka-3.json",
                "viem sends a coin",
                "package::binary never::passes",
            ]
        );
    }
}
