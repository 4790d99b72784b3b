//! Prices between text and integers, without floats: what a source says is what is signed.

use super::FeedError;

/// Digits behind the point of a price.
const DECIMALS: usize = 18;
/// Largest price: 2^112 - 1.
const PRICE_MAX: u128 = u128::MAX >> 16;
/// Exponents beyond this leave the range of prices whatever stands before them.
const EXPONENT_MAX: i32 = 60;

/// Reads `2000.5`, `1e-5` or `12`: dollars, as an integer of 18 decimals. Digits behind the 18th are cut.
///
/// # Errors
/// [`FeedError::Price`]: not a number above zero within range.
pub fn parse_price(text: &str) -> Result<u128, FeedError> {
    let wrong = |why| FeedError::Price {
        text: text.chars().take(80).collect(),
        why,
    };
    let (digits, exponent) = match text.trim().split_once(['e', 'E']) {
        Some((digits, exponent)) => {
            let exponent: i32 = exponent
                .parse()
                .map_err(|_| wrong("the exponent is no number"))?;
            (digits, exponent)
        }
        None => (text.trim(), 0),
    };
    if !(-EXPONENT_MAX..=EXPONENT_MAX).contains(&exponent) {
        return Err(wrong("the exponent is out of range"));
    }
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) {
        return Err(wrong("it is not digits with one point"));
    }
    // As an integer: the point moves right by the exponent and by 18.
    let mut integer: String = format!("{whole}{part}");
    let shift = i64::from(exponent) + DECIMALS as i64 - part.len() as i64;
    if shift < 0 {
        let kept = integer.len().saturating_sub(shift.unsigned_abs() as usize);
        integer.truncate(kept);
    } else {
        integer.extend(std::iter::repeat_n('0', shift as usize));
    }
    let price = match integer.trim_start_matches('0') {
        "" => return Err(wrong("it is zero, or below 10^-18")),
        digits => digits
            .parse::<u128>()
            .ok()
            .filter(|price| *price <= PRICE_MAX),
    };
    price.ok_or_else(|| wrong("it is above the largest price, 5 * 10^15"))
}

/// A price for people: as many digits as it has, at least one before the point.
pub fn show_price(price: u128) -> String {
    let text = format!("{price:0>width$}", width = DECIMALS + 1);
    let (whole, part) = text.split_at(text.len() - DECIMALS);
    match part.trim_end_matches('0') {
        "" => whole.to_owned(),
        part => format!("{whole}.{part}"),
    }
}
