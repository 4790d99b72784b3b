//! The words of what machines earn, and of the debt that it carries.

use capstan_client::{Amount, AssetName};
use clap::{Subcommand, ValueEnum};

use super::{
    credit::{AskOptions, Signing, asset_name},
    exchange::amount,
};

/// Who bears a loss before whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tranche {
    /// Bears a loss after the first loss is spent
    Lenders,
    /// Bears a loss first, and gets a part of all interest for it
    FirstLoss,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IncomeCommand {
    /// What a machine earned, what its holder can borrow today and later, and what a lender can take
    Show {
        #[command(flatten)]
        ask: AskOptions,
        /// The machine, by its number
        #[arg(value_name = "MACHINE")]
        machine: u64,
    },
    /// Markets of machine loans: who put in what, what is lent, how it is covered, and what was lost
    Market(AskOptions),
    /// Machines that did not pay: what happened to each, step by step
    Cases(AskOptions),
    /// Borrow against a machine whose title the wallet holds
    Borrow {
        #[command(flatten)]
        signing: Signing,
        /// The machine, by its number
        #[arg(value_name = "MACHINE")]
        machine: u64,
        /// How much: `5`, `10%` of what is offered, or `max`
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
    },
    /// Pay on a machine's debt from the wallet; anybody may
    Repay {
        #[command(flatten)]
        signing: Signing,
        /// The machine, by its number
        #[arg(value_name = "MACHINE")]
        machine: u64,
        /// How much: `5`, `10%` of what is owed, or `max`
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
    },
    /// Lend to machines: put units of the wallet into a market
    Supply {
        #[command(flatten)]
        signing: Signing,
        #[command(flatten)]
        into: TrancheArgs,
        /// How much: `5`, `10%` of what the wallet has, or `max`
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
        /// Of which market
        #[arg(value_name = "ASSET", value_parser = asset_name)]
        asset: AssetName,
    },
    /// Take units out of a market, as far as they are not lent
    Withdraw {
        #[command(flatten)]
        signing: Signing,
        #[command(flatten)]
        from: TrancheArgs,
        /// How much: `5`, `10%` of what may leave, or `max`
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
        /// Of which market
        #[arg(value_name = "ASSET", value_parser = asset_name)]
        asset: AssetName,
    },
    /// Buy the title of a machine that is for sale, with its income from then on
    Bid {
        #[command(flatten)]
        signing: Signing,
        /// The machine, by its number
        #[arg(value_name = "MACHINE")]
        machine: u64,
        /// At most so much; without it, the price of now
        #[arg(long, value_name = "AMOUNT", value_parser = amount)]
        most: Option<Amount>,
    },
}

/// In which tranche.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct TrancheArgs {
    /// Which tranche
    #[arg(long, value_enum, default_value_t = Tranche::Lenders)]
    pub(crate) tranche: Tranche,
}
