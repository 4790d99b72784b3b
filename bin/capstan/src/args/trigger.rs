//! The words of orders that the block executes.

use alloy_primitives::{Address, U256, utils::parse_ether};
use capstan_client::{Amount, AssetName};
use clap::{ArgGroup, Args, Subcommand};

use super::{
    address,
    credit::{ActOptions, AskOptions, SignerOptions, asset_name},
    exchange::{amount, percent},
};

#[derive(Debug, Subcommand)]
pub(crate) enum TriggerCommand {
    /// Place an order: `capstan trigger add 1.5 eth usdc --below 1800`
    Add(Box<AddOptions>),
    /// Orders that stand
    List {
        #[command(flatten)]
        ask: AskOptions,
        #[command(flatten)]
        signer: SignerOptions,
        /// Which of the owner's accounts
        #[arg(long, default_value_t = 0)]
        index: u8,
        /// The owner; without it, the wallet
        #[arg(value_parser = address)]
        owner: Option<Address>,
    },
    /// End an order; what is left of its coins comes back
    Cancel {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "ORDER")]
        id: u64,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("when").required(true).args(["below", "above", "trail", "trail_up", "every", "health"]))]
pub(crate) struct AddOptions {
    #[command(flatten)]
    pub(crate) act: ActOptions,
    /// How much is sold, `1.5`, or `max`: all there is on the account when it fires; of a sale in parts, each part
    #[arg(value_name = "AMOUNT", value_parser = amount)]
    pub(crate) amount: Amount,
    /// What is sold
    #[arg(value_name = "FROM", value_parser = asset_name)]
    pub(crate) from: AssetName,
    /// What is bought
    #[arg(value_name = "TO", value_parser = asset_name)]
    pub(crate) to: AssetName,
    /// When the price is at or below this, in usd: stop-loss
    #[arg(long, value_name = "USD")]
    pub(crate) below: Option<String>,
    /// When the price is at or above this, in usd: take-profit
    #[arg(long, value_name = "USD")]
    pub(crate) above: Option<String>,
    /// When the price is so far below the best one seen from now on
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) trail: Option<u32>,
    /// When the price is so far above the lowest one seen from now on
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) trail_up: Option<u32>,
    /// Again and again, with this time between: 1h, 1day
    #[arg(long, value_name = "TIME", requires = "times")]
    pub(crate) every: Option<humantime::Duration>,
    /// When health of the account is at or below this: sells what restores it, and pays debt in TO
    #[arg(long, value_name = "HEALTH", requires = "restore")]
    pub(crate) health: Option<String>,
    /// The health that is restored
    #[arg(long, value_name = "HEALTH", requires = "health")]
    pub(crate) restore: Option<String>,
    /// How many times it fires, in parts or by health
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["below", "above", "trail", "trail_up"], value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) times: Option<u32>,
    /// Whose price is watched; FROM unless named
    #[arg(long, value_name = "ASSET", value_parser = asset_name)]
    pub(crate) watch: Option<AssetName>,
    /// What is bought pays the account's debt in it
    #[arg(long)]
    pub(crate) repay: bool,
    /// How far below its value at oracle prices the sale may stay; else it waits
    #[arg(long, value_name = "PERCENT", default_value = "2%", value_parser = percent)]
    pub(crate) limit: u32,
    /// When it ends if it did not fire
    #[arg(long, value_name = "TIME", default_value = "30days")]
    pub(crate) lasts: humantime::Duration,
    /// Coins that pay for the block's work, in eth; what is left comes back. Without it, twice the least
    #[arg(long, value_name = "ETH", value_parser = coins)]
    pub(crate) prepay: Option<U256>,
}

fn coins(text: &str) -> Result<U256, String> {
    parse_ether(text).map_err(|why| format!("`{text}` is no amount of eth: {why}"))
}
