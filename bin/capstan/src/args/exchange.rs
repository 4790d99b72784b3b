//! The words of pools, swaps and liquidity.

use alloy_primitives::Address;
use capstan_client::{Amount, Asked, AssetName};
use capstan_units::parse_decimal;
use clap::{Args, Subcommand};

use super::{
    address,
    credit::{ActOptions, AskOptions, SignerOptions, Signing, SlippageArgs, asset_name},
};

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
    pub(crate) signing: Signing,
    #[command(flatten)]
    pub(crate) swap: SlippageArgs,
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
}

#[derive(Debug, Subcommand)]
pub(crate) enum LpCommand {
    /// Provide liquidity: to all of a pool, or to a range of its prices
    Add(Box<LpAddOptions>),
    /// Take liquidity out, and its fees
    Remove(Box<LpRemoveOptions>),
    /// Bring LP tokens or a position of the wallet to an account, where they back debts
    Deposit(Box<LpCarryOptions>),
    /// Take liquidity of an account to the wallet as it is
    Withdraw(Box<LpCarryOptions>),
    /// What somebody provides, in his wallet, on his accounts and in contracts: its part and worth, its fees, and what
    /// holding would have been worth
    Show {
        #[command(flatten)]
        ask: AskOptions,
        #[command(flatten)]
        signer: SignerOptions,
        /// Whose, instead of a wallet's
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        owner: Option<Address>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LpAddOptions {
    #[command(flatten)]
    pub(crate) signing: Signing,
    #[command(flatten)]
    pub(crate) swap: SlippageArgs,
    /// The pool's number
    #[arg(value_name = "POOL")]
    pub(crate) pool: u32,
    /// How much of which asset at most, as "2 eth"; what the pool needs of the others comes with it
    #[arg(value_name = "AMOUNT", required = true, num_args = 1..=4, value_parser = asked)]
    pub(crate) amounts: Vec<Asked>,
    /// A range's lower price: of one of the pool's first asset, in the second
    #[arg(long, value_name = "PRICE", requires = "to", value_parser = price)]
    pub(crate) from: Option<f64>,
    /// Its upper price
    #[arg(long, value_name = "PRICE", requires = "from", value_parser = price)]
    pub(crate) to: Option<f64>,
    /// A range of all prices
    #[arg(long, conflicts_with_all = ["from", "position"])]
    pub(crate) full: bool,
    /// More of a position that there is
    #[arg(long, value_name = "NUMBER", conflicts_with = "from")]
    pub(crate) position: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct LpRemoveOptions {
    #[command(flatten)]
    pub(crate) signing: Signing,
    #[command(flatten)]
    pub(crate) swap: SlippageArgs,
    /// The pool's number; or a position's, with --position
    #[arg(value_name = "NUMBER")]
    pub(crate) number: u64,
    /// How much of it: `50%`, `max`, or a number of shares
    #[arg(value_name = "PART", default_value = "max", value_parser = amount)]
    pub(crate) part: Amount,
    /// NUMBER is a position of a pool of ranges; a part of 0 takes its fees alone
    #[arg(long)]
    pub(crate) position: bool,
    /// To units of the wallet's account with this index, where a coin cannot leave now
    #[arg(long, value_name = "INDEX")]
    pub(crate) to_units: Option<u8>,
}

#[derive(Debug, Args)]
pub(crate) struct LpCarryOptions {
    #[command(flatten)]
    pub(crate) act: ActOptions,
    /// The pool's number; or a position's, with --position
    #[arg(value_name = "NUMBER")]
    pub(crate) number: u64,
    /// How many of its shares: `50%`, `max`, or a number; a position moves whole
    #[arg(value_name = "PART", default_value = "max", value_parser = amount, conflicts_with = "position")]
    pub(crate) part: Amount,
    /// NUMBER is a position of a pool of ranges
    #[arg(long)]
    pub(crate) position: bool,
}

pub(super) fn asked(text: &str) -> Result<Asked, String> {
    let read: Result<Asked, _> = text.parse();
    read.map_err(|error| error.to_string())
}

/// A price above nothing.
fn price(text: &str) -> Result<f64, String> {
    let read: Option<f64> = text.replace('_', "").parse().ok();
    let good = read.filter(|price| price.is_finite() && *price > 0.0);
    good.ok_or_else(|| format!("`{text}` is no price"))
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
    fn prices() {
        let check = |text: &str, read: Option<f64>| assert_eq!(price(text).ok(), read, "{text}");
        check("1800", Some(1_800.0));
        check("2_000.5", Some(2_000.5));
        check("0", None);
        check("-1", None);
        check("inf", None);
        check("nan", None);
        check("cheap", None);
    }

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
