//! What each part of the checks may take, on two cores.
//!
//! The whole must stay well under 90 minutes on a machine that has built nothing yet, with room for what is
//! not written yet. So a part that outgrows its minutes says so long before anybody waits.

use std::{fmt, time::Duration};

/// Minutes of one part: beyond them is a warning, beyond twice a failure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// The part, as people read it.
    pub(crate) name: &'static str,
    /// What it may take.
    pub(crate) minutes: u32,
}

/// Format, licences, clippy. With the build it shares 25 minutes.
pub(crate) const LINT: Budget = budget("lint", 8);
/// Everything compiled that is tested.
pub(crate) const BUILD: Budget = budget("build", 17);
/// The tests of the chain share ten minutes.
pub(crate) const RUST: Budget = budget("rust", 5);
/// Installing the clients included.
pub(crate) const CLIENTS: Budget = budget("clients", 3);
/// Types and lints, and a browser's journeys; installing both included.
pub(crate) const PAGE: Budget = budget("page", 6);
/// Installing the execution specification included.
pub(crate) const STATETESTS: Budget = budget("statetests", 2);
/// Fetching the model included. With the tests of the gateway it shares six minutes.
pub(crate) const COMPUTE: Budget = budget("compute", 3);

const fn budget(name: &'static str, minutes: u32) -> Budget {
    Budget { name, minutes }
}

/// What a part took beside what it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Within,
    Beyond,
    BeyondTwice,
}

impl Budget {
    /// How a part stands that took this long.
    pub(crate) fn judge(self, spent: Duration) -> Verdict {
        let limit = Duration::from_secs(60 * u64::from(self.minutes));
        if spent <= limit {
            Verdict::Within
        } else if spent <= 2 * limit {
            Verdict::Beyond
        } else {
            Verdict::BeyondTwice
        }
    }

    /// Says a warning if there is one to say; returns the complaint of a failure.
    pub(crate) fn complain(self, spent: Duration) -> Option<String> {
        let words = || {
            format!(
                "{}: move what is long to `cargo xtask soak`",
                self.line(spent)
            )
        };
        match self.judge(spent) {
            Verdict::Within => None,
            Verdict::Beyond => {
                println!("warning: {}", words());
                None
            }
            Verdict::BeyondTwice => Some(words()),
        }
    }

    /// `lint took 0.3 of its 8 minutes`.
    pub(crate) fn line(self, spent: Duration) -> String {
        format!("{} took {} of its {}", self.name, minutes(spent), self)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} minutes", self.minutes)
    }
}

/// Minutes with one digit behind the point.
pub(crate) fn minutes(spent: Duration) -> String {
    format!("{:.1}", spent.as_secs_f64() / 60.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spent_seconds: u64, expected: Verdict) {
        let budget = budget("a part", 3);
        let spent = Duration::from_secs(spent_seconds);
        assert_eq!(budget.judge(spent), expected, "{spent_seconds} s");
        let complaint = budget.complain(spent);
        assert_eq!(
            complaint.is_some(),
            expected == Verdict::BeyondTwice,
            "{complaint:?}"
        );
    }

    #[test]
    fn beyond_is_a_warning_and_beyond_twice_a_failure() {
        check(0, Verdict::Within);
        check(180, Verdict::Within);
        check(181, Verdict::Beyond);
        check(360, Verdict::Beyond);
        check(361, Verdict::BeyondTwice);
    }

    #[test]
    fn what_is_long_names_itself_with_its_minutes() {
        let said = budget("a part", 3).complain(Duration::from_secs(600));
        let said = said.expect("a complaint");
        assert!(said.contains("a part took 10.0 of its 3 minutes"), "{said}");
    }

    #[test]
    fn all_parts_together_leave_room() {
        let sum: u32 = [LINT, BUILD, RUST, CLIENTS, STATETESTS, COMPUTE]
            .iter()
            .map(|part| part.minutes)
            .sum();
        assert_eq!(LINT.minutes + BUILD.minutes, 25);
        assert!(sum <= 38, "{sum} of 90 minutes");
    }
}
