//! Times and parts, as people read them.

use std::time::{Duration, UNIX_EPOCH};

use alloy_primitives::U256;
use capstan_client::Fixed;

/// The first millisecond that has no calendar here: the year 10000.
const CALENDAR_ENDS_MS: u64 = 253_402_300_800_000;

/// A moment.
pub(crate) fn time(ms: u64) -> String {
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(ms));
    match at.filter(|_| ms < CALENDAR_ENDS_MS) {
        Some(at) => humantime::format_rfc3339_seconds(at).to_string(),
        None => format!("{ms} ms"),
    }
}

/// A length of time, in whole seconds unless it is shorter.
pub(crate) fn lasting(ms: u64) -> String {
    let rounded = if ms < 1_000 { ms } else { ms - ms % 1_000 };
    humantime::format_duration(Duration::from_millis(rounded)).to_string()
}

/// When something counts, seen from `now_ms`.
pub(crate) fn when(now_ms: u64, at_ms: u64) -> String {
    match at_ms.checked_sub(now_ms) {
        None | Some(0) => "now".to_owned(),
        Some(left_ms) => format!("from {}, in {}", time(at_ms), lasting(left_ms)),
    }
}

/// Hundredths of a percent.
pub(crate) fn percent(bps: impl Into<u32>) -> String {
    let bps: u32 = bps.into();
    match bps % 100 {
        0 => format!("{} %", bps / 100),
        part => format!("{}.{part:02} %", bps / 100),
    }
}

/// An amount for a table of eighty columns: four digits behind the point, and fewer the more stand before it.
pub(crate) fn brief(amount: &Fixed) -> String {
    let whole = amount.short(0).len();
    amount.near(u8::try_from(6_usize.saturating_sub(whole).min(4)).unwrap_or(0))
}

/// So many of something: `1 order`, `2 orders`.
pub(crate) fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// Millionths, as a percentage without zeros at its end.
pub(crate) fn pips(pips: u32) -> String {
    format!("{} %", capstan_units::decimal(U256::from(pips), 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_parts_in_words() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(CALENDAR_ENDS_MS - 1), "9999-12-31T23:59:59Z");
        assert_eq!(time(CALENDAR_ENDS_MS), "253402300800000 ms");
        assert_eq!(time(u64::MAX), format!("{} ms", u64::MAX));
        assert_eq!(when(5, 5), "now");
        assert_eq!(when(1_000, 91_500), "from 1970-01-01T00:01:31Z, in 1m 30s");
        assert_eq!(lasting(500), "500ms");
        assert_eq!(percent(750_u16), "7.50 %");
        assert_eq!(percent(10_000_u32), "100 %");
        assert_eq!(pips(500), "0.05 %");
        assert_eq!(pips(10_000), "1 %");
        assert_eq!(pips(0), "0 %");
        assert_eq!(
            [0, 1, 2].map(|number| count(number, "order")),
            ["0 orders", "1 order", "2 orders"]
        );
        let brief = |text: &str| {
            let amount = capstan_units::parse_decimal(text, 6).expect("a number");
            let fixed = serde_json::json!({"amount": amount, "decimals": 6, "text": text});
            super::brief(&serde_json::from_value(fixed).expect("an amount"))
        };
        assert_eq!(brief("5000001.0007"), "5000001");
        assert_eq!(brief("434.444444"), "434.444");
        assert_eq!(brief("1.053312"), "1.0533");
        assert_eq!(brief("15000"), "15000");
        assert_eq!(brief("1.999999"), "2");
    }
}
