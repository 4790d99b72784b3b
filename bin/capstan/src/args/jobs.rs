//! The words of work that machines sell.

use alloy_primitives::Address;
use capstan_client::Amount;
use clap::{ArgGroup, Args, Subcommand};

use super::{
    address,
    credit::{AskOptions, Signing},
    exchange::amount,
};

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// Classes of work, and what a million units of each cost
    Classes(AskOptions),
    /// Machines that offer a class, each with its price now
    Offers {
        #[command(flatten)]
        ask: AskOptions,
        /// The class, by its number
        #[arg(value_name = "CLASS")]
        class: u32,
    },
    /// Claims of a machine or of a customer, the newest first, and what became of each
    Claims {
        #[command(flatten)]
        ask: AskOptions,
        #[command(flatten)]
        whose: Whose,
        /// At most so many
        #[arg(long, default_value_t = 20, value_name = "NUMBER")]
        limit: usize,
    },
    /// A customer: what is free, bound and paid
    Balance {
        #[command(flatten)]
        ask: AskOptions,
        /// Who
        #[arg(value_name = "CUSTOMER", value_parser = address)]
        customer: Address,
    },
    /// Bring units of the wallet in, to pay for work
    Deposit {
        #[command(flatten)]
        signing: Signing,
        /// How much: `5`, `10%` of what the wallet has, or `max`
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
        /// For somebody else
        #[arg(long, value_name = "CUSTOMER", value_parser = address)]
        to: Option<Address>,
    },
    /// Take free units out to the wallet: what is bound to machines stays
    Withdraw {
        #[command(flatten)]
        signing: Signing,
        /// How much: `5`, `10%` of what is free, or `max`
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
    },
    /// Spending keys of a customer, and what each has left
    Keys {
        #[command(flatten)]
        ask: AskOptions,
        /// Whose
        #[arg(value_name = "CUSTOMER", value_parser = address)]
        customer: Address,
    },
    /// What a key may spend for the wallet
    Key {
        #[command(subcommand)]
        command: JobKeyCommand,
    },
}

/// Whose claims.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").required(true))]
pub(crate) struct Whose {
    /// Of this machine
    #[arg(long, group = "whose", value_name = "NUMBER")]
    pub(crate) machine: Option<u64>,
    /// Paid by this customer
    #[arg(long, group = "whose", value_name = "ADDRESS", value_parser = address)]
    pub(crate) customer: Option<Address>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobKeyCommand {
    /// Let a key bind units of the wallet's balance, within limits
    Add {
        #[command(flatten)]
        signing: Signing,
        /// The key's address
        #[arg(value_name = "KEY", value_parser = address)]
        key: Address,
        /// In all, of the asset of jobs
        #[arg(long, value_name = "AMOUNT", value_parser = amount)]
        total: Amount,
        /// In each period; without it, as much as in all
        #[arg(long, value_name = "AMOUNT", value_parser = amount)]
        each: Option<Amount>,
        /// How long a period is
        #[arg(long, default_value = "1day", value_name = "TIME")]
        period: humantime::Duration,
        /// How long the key counts
        #[arg(long, default_value = "90days", value_name = "TIME")]
        lasts: humantime::Duration,
    },
    /// End a key: it binds nothing more from now on
    Revoke {
        #[command(flatten)]
        signing: Signing,
        /// The key's address
        #[arg(value_name = "KEY", value_parser = address)]
        key: Address,
    },
}
