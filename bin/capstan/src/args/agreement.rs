//! The words of agreements: loans at fixed terms, and streams.

use alloy_primitives::Address;
use capstan_client::{Amount, Asked};
use clap::{Args, Subcommand, ValueEnum};

use super::{
    address,
    credit::{ActOptions, AskOptions, SignerOptions},
    exchange::{amount, asked, percent},
};

#[derive(Debug, Subcommand)]
pub(crate) enum LoanCommand {
    /// Offers that stand: how much, at which rate, paid back how
    Offers(AskOptions),
    /// What somebody owes at fixed terms, and what he is owed
    List {
        #[command(flatten)]
        ask: AskOptions,
        #[command(flatten)]
        signer: SignerOptions,
        /// Which of the owner's accounts owes
        #[arg(long, default_value_t = 0)]
        index: u8,
        /// The owner; without it, the wallet
        #[arg(value_parser = address)]
        owner: Option<Address>,
    },
    /// One loan in full, with every payment that is to come
    Show {
        #[command(flatten)]
        ask: AskOptions,
        /// Its number
        #[arg(value_name = "LOAN")]
        loan: u64,
    },
    /// Lend at fixed terms: units of the wallet, for whoever takes the terms
    Offer(Box<OfferOptions>),
    /// Borrow by an offer: the account is the collateral, as for any debt
    Take {
        #[command(flatten)]
        act: ActOptions,
        /// The offer's number
        #[arg(value_name = "OFFER")]
        offer: u64,
        /// How much of it, `500`, or `max`: all that is left of it
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
        /// What is borrowed stays on the account
        #[arg(long)]
        keep: bool,
    },
    /// Pay on a loan, from the account and then the wallet: late fees first, then what is due, then early
    Repay {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "LOAN")]
        loan: u64,
        /// How much, `500`, or `max`: all that ends it
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
    },
    /// Take back what nobody has taken of an offer, to the account that gets its payments
    Cancel {
        #[command(flatten)]
        act: ActOptions,
        /// The offer's number
        #[arg(value_name = "OFFER")]
        offer: u64,
    },
    /// Somebody else is owed a loan from now on
    HandOver {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "LOAN")]
        loan: u64,
        #[command(flatten)]
        to: Receiver,
    },
}

/// Whose account something goes to.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Receiver {
    /// To whom
    #[arg(value_name = "TO", value_parser = address)]
    pub(crate) to: Address,
    /// Which of that owner's accounts
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    pub(crate) to_index: u8,
}

#[derive(Debug, Args)]
pub(crate) struct OfferOptions {
    #[command(flatten)]
    pub(crate) act: ActOptions,
    /// How much of what: `"5000 usdc"`, `"10% usdc"` of what the wallet has, or `"max usdc"`
    #[arg(value_name = "AMOUNT", value_parser = asked)]
    pub(crate) amount: Asked,
    /// What it costs a year
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) rate: u32,
    /// How many payments
    #[arg(long, value_name = "NUMBER", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=120))]
    pub(crate) instalments: u16,
    /// From one payment to the next
    #[arg(long, value_name = "TIME", default_value = "30days")]
    pub(crate) every: humantime::Duration,
    /// How it is paid back
    #[arg(long, value_enum, default_value_t = Amortisation::Annuity)]
    pub(crate) by: Amortisation,
    /// How late a payment may be before it costs more
    #[arg(long, value_name = "TIME", default_value = "3days")]
    pub(crate) grace: humantime::Duration,
    /// What a late payment costs a year on top
    #[arg(long, value_name = "PERCENT", default_value = "12%", value_parser = percent)]
    pub(crate) late: u32,
    /// What paying early costs, of what is early
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = percent)]
    pub(crate) early: u32,
    /// How late a payment may be before collateral is sold for it
    #[arg(long, value_name = "TIME", default_value = "30days")]
    pub(crate) default_after: humantime::Duration,
    /// The least that somebody may take of it; without it, anything
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    pub(crate) least: Option<Amount>,
    /// How long the offer stands
    #[arg(long, value_name = "TIME", default_value = "30days")]
    pub(crate) lasts: humantime::Duration,
}

/// How a loan is paid back, as the contract counts the ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum Amortisation {
    /// Equal parts of the principal
    Principal,
    /// Equal payments
    Annuity,
    /// All of it at the end
    Bullet,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StreamCommand {
    /// Streams that somebody owns or pays
    List {
        #[command(flatten)]
        ask: AskOptions,
        #[command(flatten)]
        signer: SignerOptions,
        /// Whose; without it, the wallet's
        #[arg(value_parser = address)]
        who: Option<Address>,
    },
    /// One stream in full
    Show {
        #[command(flatten)]
        ask: AskOptions,
        /// Its number
        #[arg(value_name = "STREAM")]
        stream: u64,
    },
    /// Pay somebody all the time, with units of the wallet that are paid in now
    Open(Box<OpenStreamOptions>),
    /// Pay more in: a timed stream goes on for longer, another passes it on at once
    PayIn {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "STREAM")]
        stream: u64,
        /// How much, `500`, `10%` of what the wallet has, or `max`
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        amount: Amount,
    },
    /// What has flowed comes to the wallet; of an assigned stream it pays the account's debt
    Collect {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "STREAM")]
        stream: u64,
        /// To the account, not to the wallet
        #[arg(long)]
        keep: bool,
    },
    /// Let a stream pay the account's debt in its asset, until nothing is owed
    Assign {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "STREAM")]
        stream: u64,
    },
    /// Stop a stream that the wallet pays, and bring back what has not flowed
    Cancel {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "STREAM")]
        stream: u64,
    },
    /// Somebody else owns a stream from now on
    HandOver {
        #[command(flatten)]
        act: ActOptions,
        /// Its number
        #[arg(value_name = "STREAM")]
        stream: u64,
        #[command(flatten)]
        to: Receiver,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OpenStreamOptions {
    #[command(flatten)]
    pub(crate) act: ActOptions,
    /// How much of what: `"1200 usdc"`, `"10% usdc"` of what the wallet has, or `"max usdc"`
    #[arg(value_name = "AMOUNT", value_parser = asked)]
    pub(crate) amount: Asked,
    #[command(flatten)]
    pub(crate) to: Receiver,
    /// How long it flows, from now on
    #[arg(long, value_name = "TIME", default_value = "30days")]
    pub(crate) lasts: humantime::Duration,
    /// How long nothing is to be had of it
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub(crate) cliff: humantime::Duration,
    /// Its payer can never stop it
    #[arg(long = "final")]
    pub(crate) is_final: bool,
}
