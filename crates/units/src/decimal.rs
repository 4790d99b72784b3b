//! Numbers as people write them: digits with a point, to and from integers of so many decimals. Nothing is rounded
//! on the way in; on the way out, only where the name says so.

use alloy_primitives::U256;

/// Why a text is not a number of these decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Something else than digits, with `_` between them, and one point.
    #[error("write digits with at most one point, as 75.5 or 1_000")]
    NotDigits,
    /// A digit behind the point that is too small to count.
    #[error("it has {digits} digits behind the point, and only {decimals} are counted")]
    TooFine {
        /// How many stand there, without zeros at the end.
        digits: usize,
        /// How many count.
        decimals: u8,
    },
    /// More than an ABI word holds.
    #[error("it is larger than any number here")]
    TooLarge,
}

/// Reads `75.5` as 75_500_000 where there are six decimals.
///
/// # Errors
/// [`DecimalError`]: no digits, digits that would be lost, or more than 2^256 - 1.
pub fn parse_decimal(text: &str, decimals: u8) -> Result<U256, DecimalError> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits_only = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    let starts_with_digit = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    let ends_the_number = text.ends_with(|last: char| last.is_ascii_digit());
    if !starts_with_digit(whole) || !ends_the_number || !digits_only(whole) || !digits_only(part) {
        return Err(DecimalError::NotDigits);
    }
    let fine: String = part.chars().filter(char::is_ascii_digit).collect();
    let fine = fine.trim_end_matches('0');
    let missing = usize::from(decimals)
        .checked_sub(fine.len())
        .ok_or(DecimalError::TooFine {
            digits: fine.len(),
            decimals,
        })?;
    let digits = whole.bytes().chain(fine.bytes());
    let digits = digits.filter(u8::is_ascii_digit);
    let mut value = U256::ZERO;
    for digit in digits.chain(core::iter::repeat_n(b'0', missing)) {
        let digit = U256::from(digit.saturating_sub(b'0'));
        value = value
            .checked_mul(U256::from(10))
            .and_then(|value| value.checked_add(digit))
            .ok_or(DecimalError::TooLarge)?;
    }
    Ok(value)
}

/// Every digit that there is: `75.5` for 75_500_000 of six decimals.
pub fn decimal(value: U256, decimals: u8) -> String {
    decimal_down(value, decimals, decimals)
}

/// At most `places` digits behind the point; what is behind them is cut off.
pub fn decimal_down(value: U256, decimals: u8, places: u8) -> String {
    let decimals = usize::from(decimals);
    let least = decimals.saturating_add(1);
    let text = format!("{value:0>least$}");
    let point = text.len().saturating_sub(decimals);
    let (whole, part) = text.split_at_checked(point).unwrap_or((&text, ""));
    let part = part.get(..usize::from(places)).unwrap_or(part);
    match part.trim_end_matches('0') {
        "" => whole.to_owned(),
        part => format!("{whole}.{part}"),
    }
}
