//! The words of machines on a chain.

use alloy_primitives::Address;
use clap::Subcommand;

use super::credit::AskOptions;

#[derive(Debug, Subcommand)]
pub(crate) enum MachineCommand {
    /// All machines, one line each, with what they are known to do in an hour
    List {
        #[command(flatten)]
        ask: AskOptions,
        /// Only those whose title this address holds
        #[arg(long, value_name = "ADDRESS")]
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
}
