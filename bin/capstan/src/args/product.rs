//! The words of leveraged tokens and strategy vaults.

use alloy_primitives::{U256, utils::parse_ether};
use capstan_client::{Amount, AssetName};
use capstan_units::parse_decimal;
use clap::{Args, Subcommand, ValueEnum};

use super::{
    credit::{AskOptions, Signing, SlippageArgs, asset_name},
    exchange::{amount, percent},
};

/// Digits of a leverage or a health.
const BPS_DECIMALS: u8 = 4;

#[derive(Debug, Subcommand)]
pub(crate) enum ProductCommand {
    /// All products, one line each
    List(AskOptions),
    /// One product in full
    Show {
        #[command(flatten)]
        ask: AskOptions,
        /// Its number
        #[arg(value_name = "PRODUCT")]
        id: u32,
    },
    /// Units of a product for its base asset: `capstan product mint 1 "500"`
    Mint {
        #[command(flatten)]
        signing: Signing,
        /// Its number
        #[arg(value_name = "PRODUCT")]
        id: u32,
        /// How much of the base asset: `500`, `10%` of what the wallet has, or `max`
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
        #[command(flatten)]
        swap: SlippageArgs,
    },
    /// Units of a product back into its base asset
    Redeem {
        #[command(flatten)]
        signing: Signing,
        /// Its number
        #[arg(value_name = "PRODUCT")]
        id: u32,
        /// How many units: `50%`, `max`, or a number
        #[arg(value_name = "UNITS", default_value = "max", value_parser = amount)]
        units: Amount,
        /// For their part of the collateral, against their part of the debt from the wallet: needs no price and no pool
        #[arg(long)]
        in_kind: bool,
        #[command(flatten)]
        swap: SlippageArgs,
    },
    /// Make a product: `capstan product create long eth usdc 1000 --target 3`
    Create(Box<ProductCreateOptions>),
    /// Close a product of one's own: nobody deposits any more, the block turns it into its base asset, and units are redeemed
    Close {
        #[command(flatten)]
        signing: Signing,
        /// Its number
        #[arg(value_name = "PRODUCT")]
        id: u32,
    },
    /// Coins for a product's rebalances; what is left when it is closed goes to its owner
    TopUp {
        #[command(flatten)]
        signing: Signing,
        /// Its number
        #[arg(value_name = "PRODUCT")]
        id: u32,
        /// How much, in eth
        #[arg(value_name = "ETH", value_parser = coins)]
        coins: U256,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProductKind {
    /// Gains when ASSET rises against BASE
    Long,
    /// Gains when ASSET falls against BASE
    Short,
    /// Holds ASSET and owes BASE, at a health
    Loop,
    /// Provides ASSET and BASE to a pool and owes ASSET: earns fees, and hardly moves with prices
    Neutral,
}

#[derive(Debug, Args)]
pub(crate) struct ProductCreateOptions {
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// What it does
    #[arg(value_enum)]
    pub(crate) kind: ProductKind,
    /// What it is long or short in, holds, or owes beside liquidity
    #[arg(value_name = "ASSET", value_parser = asset_name)]
    pub(crate) asset: AssetName,
    /// What is deposited and given back
    #[arg(value_name = "BASE", value_parser = asset_name)]
    pub(crate) base: AssetName,
    /// How much of BASE it begins with; a hundred dollars of it belong to nobody
    #[arg(value_name = "SEED", value_parser = amount)]
    pub(crate) seed: Amount,
    /// Leverage, 3, or of a loop its health, 1.1; of a neutral product always 1
    #[arg(long, value_name = "NUMBER", value_parser = bps)]
    pub(crate) target: u32,
    /// Of a neutral product: the pool of ASSET and BASE to which it provides
    #[arg(long, value_name = "POOL")]
    pub(crate) pool: Option<u32>,
    /// Lower end of the band; a tenth below the target unless said
    #[arg(long, value_name = "NUMBER", value_parser = bps)]
    pub(crate) low: Option<u32>,
    /// Upper end of the band; a tenth above the target unless said
    #[arg(long, value_name = "NUMBER", value_parser = bps)]
    pub(crate) high: Option<u32>,
    /// How far below its value at oracle prices a sale may stay
    #[arg(long, value_name = "PERCENT", default_value = "1%", value_parser = percent)]
    pub(crate) limit: u32,
    /// What stays with the other holders of what comes or goes
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = percent)]
    pub(crate) fee: u32,
    /// The wallet may close it later; without this nobody ever may
    #[arg(long)]
    pub(crate) closable: bool,
    /// Nobody deposits beyond this worth, in usd
    #[arg(long, value_name = "USD", default_value = "1000000", value_parser = usd)]
    pub(crate) cap: U256,
}

/// `2.7`, in hundredths of a percent.
fn bps(text: &str) -> Result<u32, String> {
    let wrong = |why: String| format!("`{text}` is no leverage or health: {why}");
    let read = parse_decimal(text, BPS_DECIMALS).map_err(|why| wrong(why.to_string()))?;
    u32::try_from(read).map_err(|_| wrong("that is too much".to_owned()))
}

fn usd(text: &str) -> Result<U256, String> {
    parse_decimal(text, 18).map_err(|why| format!("`{text}` is no sum in USD: {why}"))
}

fn coins(text: &str) -> Result<U256, String> {
    parse_ether(text).map_err(|why| format!("`{text}` is no amount of eth: {why}"))
}
