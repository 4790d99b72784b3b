//! The words of administration.

use std::path::PathBuf;

use alloy_primitives::Address;
use capstan_client::{AssetName, scope_address};
use capstan_contracts::lending::Pause;
use capstan_units::{DecimalError, parse_decimal};
use clap::{Args, Subcommand, ValueEnum};

use super::{
    address,
    credit::{AskOptions, Signing, asset_name},
    exchange::percent,
};

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// List an asset with border, feed, market and collateral terms, as a file describes it
    List {
        #[command(flatten)]
        signing: Signing,
        /// Print a file that says everything, with a word about each part
        #[arg(long, conflicts_with = "file")]
        example: bool,
        /// The description, in TOML
        #[arg(value_name = "FILE", required_unless_present = "example")]
        file: Option<PathBuf>,
    },
    /// Open the chain's own dollar, once: its parameters, its price and what it counts, as a file describes it
    Dollar {
        #[command(flatten)]
        signing: Signing,
        /// Print a file that says everything, with a word about each part
        #[arg(long, conflicts_with = "file")]
        example: bool,
        /// The description, in TOML
        #[arg(value_name = "FILE", required_unless_present = "example")]
        file: Option<PathBuf>,
    },
    /// Change how much of an asset may be supplied, borrowed, deposited; lower ones count at once, higher ones after a day
    #[command(group = clap::ArgGroup::new("cap").required(true).multiple(true))]
    Caps {
        #[command(flatten)]
        signing: Signing,
        /// The asset: its symbol, `#` and its number, or its token's address
        #[arg(value_name = "ASSET", value_parser = asset_name)]
        asset: AssetName,
        /// Most that may be supplied to its market, in whole units
        #[arg(long, value_name = "UNITS", group = "cap", value_parser = units)]
        supply: Option<String>,
        /// Most that may be borrowed from its market, in whole units
        #[arg(long, value_name = "UNITS", group = "cap", value_parser = units)]
        borrow: Option<String>,
        /// Most that may stand in the ledger, in whole units; 0 is any. Counts at once
        #[arg(long, value_name = "UNITS", group = "cap", value_parser = units)]
        deposit: Option<String>,
    },
    /// Stop verbs of an asset at once. Repaying and adding collateral never stop
    Pause {
        #[command(flatten)]
        signing: Signing,
        /// The asset: its symbol, `#` and its number, or its token's address
        #[arg(value_name = "ASSET", value_parser = asset_name)]
        asset: AssetName,
        /// What stops
        #[arg(value_name = "VERB", required = true)]
        verbs: Vec<Stoppable>,
    },
    /// Let verbs of an asset go on
    Resume {
        #[command(flatten)]
        signing: Signing,
        /// The asset: its symbol, `#` and its number, or its token's address
        #[arg(value_name = "ASSET", value_parser = asset_name)]
        asset: AssetName,
        /// What goes on
        #[arg(value_name = "VERB", required = true)]
        verbs: Vec<Stoppable>,
    },
    /// Move how much an asset counts as collateral: step by step, over a week or longer, from a day on
    #[command(group = clap::ArgGroup::new("factor").required(true).multiple(true))]
    Factors {
        #[command(flatten)]
        signing: Signing,
        /// The asset: its symbol, `#` and its number, or its token's address
        #[arg(value_name = "ASSET", value_parser = asset_name)]
        asset: AssetName,
        /// Part of its value that may be borrowed against
        #[arg(long, value_name = "PERCENT", group = "factor", value_parser = percent)]
        borrow: Option<u32>,
        /// Part of its value that keeps a debt from being liquidated
        #[arg(long, value_name = "PERCENT", group = "factor", value_parser = percent)]
        stay: Option<u32>,
        /// The first where all debts are of its category
        #[arg(long, value_name = "PERCENT", group = "factor", value_parser = percent)]
        category_borrow: Option<u32>,
        /// The second where all debts are of its category
        #[arg(long, value_name = "PERCENT", group = "factor", value_parser = percent)]
        category_stay: Option<u32>,
        /// How long the way takes
        #[arg(long, value_name = "TIME", default_value = "7days")]
        over: humantime::Duration,
    },
    /// Stop swaps and new liquidity of a pool at once, or let them go on. Removing never stops
    Pool {
        #[command(subcommand)]
        command: AdminPoolCommand,
    },
    /// What holds for all pools: the protocol's part of fees, and how the block sells
    Exchange {
        #[command(subcommand)]
        command: AdminExchangeCommand,
    },
    /// Who reports prices
    Reporters {
        #[command(subcommand)]
        command: ReportersCommand,
    },
    /// Who may do what
    Roles {
        #[command(subcommand)]
        command: RolesCommand,
    },
    /// What is announced, and when it takes effect
    Pending(AskOptions),
}

/// What can be stopped of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stoppable {
    /// Supplying to the market
    Supply,
    /// Taking supply out
    Redeem,
    /// Borrowing
    Borrow,
    /// Flash loans
    Flash,
    /// Deposits and withdrawals of wallets
    Border,
    /// Its price: nobody borrows against it or is liquidated at it
    Price,
}

impl Stoppable {
    /// The verb of a market that it is.
    pub(crate) const fn of_market(self) -> Option<Pause> {
        match self {
            Self::Supply => Some(Pause::Supply),
            Self::Redeem => Some(Pause::Redeem),
            Self::Borrow => Some(Pause::Borrow),
            Self::Flash => Some(Pause::Flash),
            Self::Border | Self::Price => None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminPoolCommand {
    /// Stop swaps and new liquidity
    Pause {
        #[command(flatten)]
        signing: Signing,
        /// Number of the pool
        pool: u32,
    },
    /// Let them go on
    Resume {
        #[command(flatten)]
        signing: Signing,
        /// Number of the pool
        pool: u32,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminExchangeCommand {
    /// Terms as they are, and fees that wait to be collected
    Show(AskOptions),
    /// Change what is named; a larger part of fees counts after a day, everything else at once
    #[command(group = clap::ArgGroup::new("term").required(true).multiple(true))]
    Set {
        #[command(flatten)]
        signing: Signing,
        /// The protocol's part of swap fees, at most 25%
        #[arg(long, value_name = "PERCENT", group = "term", value_parser = percent)]
        fee_share: Option<u32>,
        /// Most by which sales of one block push a pool's price, from 0.1% to 10%
        #[arg(long, value_name = "PERCENT", group = "term", value_parser = percent)]
        push: Option<u32>,
        /// Assets through which the block may sell in two steps, with commas between: at most three
        #[arg(long, value_name = "ASSETS", group = "term", value_delimiter = ',', value_parser = asset_name)]
        through: Vec<AssetName>,
    },
    /// Send the protocol's part of fees in one asset
    Collect {
        #[command(flatten)]
        signing: Signing,
        /// The asset: its symbol, `#` and its number, or its token's address
        #[arg(value_name = "ASSET", value_parser = asset_name)]
        asset: AssetName,
        /// Who receives it
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        to: Address,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportersCommand {
    /// Reporters, and whether they count
    List(AskOptions),
    /// Let somebody report: grants the role and puts him into the list
    Add {
        #[command(flatten)]
        signing: Signing,
        /// Whose signature counts
        #[arg(value_parser = address)]
        reporter: Address,
    },
    /// Let him report no more, at once
    Remove {
        #[command(flatten)]
        signing: Signing,
        /// Whose
        #[arg(value_parser = address)]
        reporter: Address,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RolesCommand {
    /// Owners, holders and delays
    List(AskOptions),
    /// Grant a role; it counts once the delay of the role has passed
    Grant {
        #[command(flatten)]
        signing: Signing,
        #[command(flatten)]
        role: RoleArgs,
        /// For how long; without it, for ever
        #[arg(long = "for", value_name = "TIME")]
        lasts: Option<humantime::Duration>,
    },
    /// Take a role away at once
    Revoke {
        #[command(flatten)]
        signing: Signing,
        #[command(flatten)]
        role: RoleArgs,
    },
    /// Say how long a grant of a role waits: longer at once, shorter after the present delay
    Delay {
        #[command(flatten)]
        signing: Signing,
        /// The contract: its name, or an address
        #[arg(value_parser = scope)]
        scope: Address,
        /// Name or number of the role
        role: String,
        /// 1day, 90days, 0s
        #[arg(value_name = "TIME")]
        delay: humantime::Duration,
    },
    /// Offer a contract to a new owner, who accepts it; the zero address withdraws the offer
    Offer {
        #[command(flatten)]
        signing: Signing,
        /// The contract: its name, or an address
        #[arg(value_parser = scope)]
        scope: Address,
        /// The new owner
        #[arg(value_parser = address)]
        new_owner: Address,
    },
    /// Accept a contract that was offered to you
    Accept {
        #[command(flatten)]
        signing: Signing,
        /// The contract: its name, or an address
        #[arg(value_parser = scope)]
        scope: Address,
    },
}

/// Whose role of which contract.
#[derive(Debug, Args)]
pub(crate) struct RoleArgs {
    /// The contract: its name, or an address
    #[arg(value_parser = scope)]
    pub(crate) scope: Address,
    /// Name or number of the role: report and loosen of oracle; guard of ledger, lending, dollar and term; mint and burn of a token
    pub(crate) role: String,
    /// Who
    #[arg(value_parser = address)]
    pub(crate) holder: Address,
}

fn scope(text: &str) -> Result<Address, String> {
    scope_address(text).ok_or_else(|| {
        format!("`{text}` is no contract: write oracle, ledger, lending, account, or an address")
    })
}

/// A number of whole units. How many digits count is known when the asset is.
fn units(text: &str) -> Result<String, String> {
    match parse_decimal(text, u8::MAX) {
        Ok(_) | Err(DecimalError::TooLarge) => Ok(text.to_owned()),
        Err(why) => Err(why.to_string()),
    }
}
