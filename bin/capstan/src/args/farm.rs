//! The words of farms.

use alloy_primitives::Address;
use capstan_client::{Amount, Asked};
use clap::Subcommand;

use super::{
    address,
    credit::{ActOptions, AskOptions, SignerOptions, SlippageArgs},
    exchange::{amount, asked},
};

#[derive(Debug, Subcommand)]
pub(crate) enum FarmCommand {
    /// All farms, one line each
    List(AskOptions),
    /// One farm in full, and what an account has there: its worth, what it is due, what it earns net of what its debts cost
    Show {
        #[command(flatten)]
        ask: AskOptions,
        #[command(flatten)]
        signer: SignerOptions,
        /// Which of the owner's accounts
        #[arg(long, default_value_t = 0)]
        index: u8,
        /// Its number
        #[arg(value_name = "FARM")]
        farm: u32,
        /// The owner; without it, the wallet
        #[arg(value_parser = address)]
        owner: Option<Address>,
    },
    /// Stake units, from the account and then the wallet, or shares of a pool that the account has
    Stake {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "FARM")]
        farm: u32,
        /// How much, `10%` of what there is, or `max`
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
    },
    /// Take a stake out, as units or shares of the account; what it earned stays due
    Unstake {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "FARM")]
        farm: u32,
        /// How much, `10%` of the stake, or `max`
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
    },
    /// What is due becomes units of the account
    Claim {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "FARM")]
        farm: u32,
    },
    /// What is due is claimed, sold for what the farm takes where it is something else, provided to the farm's pool and staked, in one batch
    Compound {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "FARM")]
        farm: u32,
        #[command(flatten)]
        swap: SlippageArgs,
    },
    /// Borrow, provide and stake in one batch: `capstan farm enter 0 "5000 usdc" --borrow "2 eth" --borrow "1000 usdc"`
    Enter {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "FARM")]
        farm: u32,
        /// What of one's own goes in, from the account and then the wallet
        #[arg(value_name = "OWN", value_parser = asked)]
        own: Vec<Asked>,
        /// What is borrowed and goes in too
        #[arg(long, value_name = "AMOUNT", value_parser = asked)]
        borrow: Vec<Asked>,
        #[command(flatten)]
        swap: SlippageArgs,
    },
    /// Unstake, claim, take the liquidity apart and repay with it, in one batch
    Leave {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "FARM")]
        farm: u32,
        #[command(flatten)]
        swap: SlippageArgs,
    },
}
