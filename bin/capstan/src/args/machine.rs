//! The words of machines on a chain.

use alloy_primitives::Address;
use capstan_client::Amount;
use clap::Subcommand;

use super::{
    address,
    credit::{AskOptions, Signing},
    exchange::amount,
};

#[derive(Debug, Subcommand)]
pub(crate) enum MachineCommand {
    /// All machines, one line each, with what they are known to do in an hour
    List {
        #[command(flatten)]
        ask: AskOptions,
        /// Only those whose title this address holds
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        holder: Option<Address>,
    },
    /// One machine in full: state and reason, life, bond, last readings and challenge
    Show {
        #[command(flatten)]
        ask: AskOptions,
        /// Its number
        #[arg(value_name = "MACHINE")]
        machine: u64,
    },
    /// Add units of the wallet to a machine's bond, which stays its holder's
    Bond {
        #[command(flatten)]
        signing: Signing,
        /// Its number
        #[arg(value_name = "MACHINE")]
        machine: u64,
        /// How much: `5`, `10%` of what the wallet has, or `max`
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
    },
    /// A machine leaves for good: its bond is free some time later
    Leave {
        #[command(flatten)]
        signing: Signing,
        /// Its number
        #[arg(value_name = "MACHINE")]
        machine: u64,
    },
    /// The bond of a machine that left comes to its holder's wallet
    Withdraw {
        #[command(flatten)]
        signing: Signing,
        /// Its number
        #[arg(value_name = "MACHINE")]
        machine: u64,
    },
}
