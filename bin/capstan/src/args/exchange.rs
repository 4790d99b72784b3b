//! The words of pools and swaps.

use capstan_client::{Amount, AssetName};
use capstan_units::parse_decimal;
use clap::{Args, Subcommand};

use super::credit::{AskOptions, SignerOptions, asset_name};

/// Digits of a percentage behind the point.
const PERCENT_DECIMALS: u8 = 2;
/// A whole, in hundredths of a percent.
const WHOLE_BPS: u32 = 10_000;

#[derive(Debug, Subcommand)]
pub(crate) enum PoolCommand {
    /// All pools, one line each
    List(AskOptions),
    /// One pool in full
    Show {
        #[command(flatten)]
        ask: AskOptions,
        /// Its number
        #[arg(value_name = "POOL")]
        pool: u32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SwapOptions {
    #[command(flatten)]
    pub(crate) ask: AskOptions,
    #[command(flatten)]
    pub(crate) signer: SignerOptions,
    /// How much: `1.5`, `10%` of what the wallet has, or `max`
    #[arg(value_name = "AMOUNT", value_parser = amount)]
    pub(crate) amount: Amount,
    /// What is paid
    #[arg(value_name = "FROM", value_parser = asset_name)]
    pub(crate) from: AssetName,
    /// What is received
    #[arg(value_name = "TO", value_parser = asset_name)]
    pub(crate) to: AssetName,
    /// AMOUNT is what is received, and whatever it costs is paid
    #[arg(long)]
    pub(crate) exact_out: bool,
    /// How much worse than quoted it may become until its block; else it does nothing
    #[arg(long, value_name = "PERCENT", default_value = "0.5%", value_parser = percent)]
    pub(crate) slippage: u32,
    /// Show what it would do, and sign nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) preview: bool,
    /// Sign without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
}

pub(super) fn amount(text: &str) -> Result<Amount, String> {
    let read: Result<Amount, _> = text.parse();
    read.map_err(|error| error.to_string())
}

/// `0.5%` or `0.5`, in hundredths of a percent.
pub(super) fn percent(text: &str) -> Result<u32, String> {
    let wrong = |why: String| format!("`{text}` is no percentage from 0 to 100: {why}");
    let number = text.trim_end_matches('%').trim_end();
    let bps = parse_decimal(number, PERCENT_DECIMALS).map_err(|why| wrong(why.to_string()))?;
    let bps = u32::try_from(bps).ok().filter(|bps| *bps <= WHOLE_BPS);
    bps.ok_or_else(|| wrong("that is more than all of it".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages() {
        let check = |text: &str, bps: Option<u32>| assert_eq!(percent(text).ok(), bps, "{text}");
        check("0.5%", Some(50));
        check("0.5 %", Some(50));
        check("1", Some(100));
        check("0", Some(0));
        check("100%", Some(10_000));
        check("100.01%", None);
        check("0.001%", None);
        check("-1%", None);
        check("half", None);
    }
}
