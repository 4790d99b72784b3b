//! What other programs take of this machine just now.

use std::{fs, thread, time::Duration};

/// The part of all cores that was in use over a moment in which this program sleeps, in percent. `None` where the system
/// does not say.
pub(super) fn busy_percent(moment: Duration) -> Option<u64> {
    let before = ticks(&fs::read_to_string("/proc/stat").ok()?)?;
    thread::sleep(moment);
    let after = ticks(&fs::read_to_string("/proc/stat").ok()?)?;
    Some(percent_between(before, after))
}

/// Ticks of all cores since the start: those in use, and all.
pub(crate) fn ticks(stat: &str) -> Option<(u64, u64)> {
    let words = stat.lines().next()?.strip_prefix("cpu ")?;
    // user, nice, system, idle, iowait, irq, softirq, steal; what guests use stands in user already.
    let ticks: Vec<u64> = words
        .split_whitespace()
        .take(8)
        .map(|word| word.parse().ok())
        .collect::<Option<_>>()?;
    let all: u64 = ticks.iter().sum();
    let idle: u64 = ticks.get(3..5)?.iter().sum();
    Some((all.saturating_sub(idle), all))
}

/// The part in use between two looks, rounded to the nearest percent.
pub(super) fn percent_between(before: (u64, u64), after: (u64, u64)) -> u64 {
    let used = after.0.saturating_sub(before.0);
    let all = after.1.saturating_sub(before.1);
    (used.saturating_mul(100).saturating_add(all / 2))
        .checked_div(all)
        .unwrap_or_default()
        .min(100)
}
