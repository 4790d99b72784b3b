//! The words of the gateway, its keys and receipts, and of what a machine can do.

use std::{net::IpAddr, path::PathBuf, str::FromStr, time::Duration};

use alloy_primitives::Address;
use capstan_client::Amount;
use capstan_compute::{gateway::KEEP_MIN, money::Dollars};
use clap::{ArgGroup, Args, Subcommand};

use super::{
    credit::{AskOptions, Signing},
    model::ShelfOptions,
};
use crate::compute::Runs;

/// Not that of a node: whoever has machines runs both beside each other.
pub(crate) const GATEWAY_PORT: u16 = 8550;

/// Where the ledger of a gateway lies.
#[derive(Debug, Args)]
pub(crate) struct LedgerOptions {
    /// Folder of keys and receipts; without it, .capstan/gateway at home
    #[arg(long, value_name = "DIR", env = "CAPSTAN_GATEWAY")]
    pub(crate) data: Option<PathBuf>,
    /// Print JSON, with every digit
    #[arg(long)]
    pub(crate) json: bool,
}

/// Models that this program runs itself.
#[derive(Debug, Args)]
pub(crate) struct EngineOptions {
    /// Model to run in this program, by its name on the shelf or as a GGUF file. Repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Vec<String>,
    #[command(flatten)]
    pub(crate) shelf: ShelfOptions,
    /// Threads of each such model; 0 takes one for each core
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    pub(crate) engine_threads: usize,
    /// Answers that each such model makes at a time
    #[arg(long, default_value_t = 2, value_name = "COUNT")]
    pub(crate) answers: u32,
}

/// The model servers that a gateway stands before.
#[derive(Debug, Args)]
pub(crate) struct ServersOptions {
    /// Model server, as http://127.0.0.1:8000/v1; the first is asked first. Repeatable
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: Vec<String>,
    #[command(flatten)]
    pub(crate) engine: EngineOptions,
    /// Name of the variable that holds the key of the model servers, if they want one: `export VLLM_API_KEY=...` before,
    /// then `--upstream-key-env VLLM_API_KEY`. All of them get the same
    #[arg(long, value_name = "NAME")]
    pub(crate) upstream_key_env: Option<String>,
    /// Prices of models (TOML, its form stands below); without it, 0.1usd per million tokens read and 0.4usd written
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: Option<PathBuf>,
    /// Requests at work at one model server
    #[arg(long, default_value_t = 64, value_name = "COUNT")]
    pub(crate) parallel: u32,
    /// Requests that wait for a model server
    #[arg(long, default_value_t = 256, value_name = "COUNT")]
    pub(crate) queue: u32,
    /// Longest wait for a model server
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = length)]
    pub(crate) wait: Duration,
    /// Longest wait for the first part of an answer
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = length)]
    pub(crate) first: Duration,
    /// Days for which receipts are kept, and what was sold and bought of machines; 0 keeps all. What is owed, claimable, or may
    /// be audited stays in any case
    #[arg(long, default_value_t = 90, value_name = "DAYS", value_parser = keep_days)]
    pub(crate) keep_days: u64,
    /// Folder below which sys and proc of this machine lie: watts, warmth and use are read there
    #[arg(long, default_value = "/", value_name = "DIR")]
    pub(crate) sensors: PathBuf,
}

impl ServersOptions {
    /// For how long receipts are kept; none for ever.
    pub(crate) fn keep(&self) -> Option<Duration> {
        let days = Some(self.keep_days).filter(|days| *days > 0);
        days.map(|days| Duration::from_secs(days.saturating_mul(DAY_S)))
    }
}

/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// None or so many that no claim and no audit can still ask for what is let go of.
fn keep_days(text: &str) -> Result<u64, String> {
    let days: u64 = text
        .parse()
        .map_err(|_| "write whole days, as 90".to_owned())?;
    let least = KEEP_MIN.as_secs() / DAY_S;
    if days == 0 || days >= least {
        return Ok(days);
    }
    Err(format!(
        "at least {least}, since claims and audits may take as long, or 0 to keep all"
    ))
}

/// What a gateway buys of machines of a network.
#[derive(Clone, Debug, Args)]
pub(crate) struct NetworkOptions {
    /// File of the spending key: what one's own servers cannot take is bought with it (`capstan spend open` makes one)
    #[arg(long, value_name = "FILE")]
    pub(crate) spend: Option<PathBuf>,
    /// Bound to a machine at a time: little and often
    #[arg(long, default_value = "0.05usd", value_name = "AMOUNT")]
    pub(crate) bind: Dollars,
    /// Class of work to buy; without it, all. Repeatable
    #[arg(long, value_name = "NUMBER")]
    pub(crate) buy_class: Vec<u32>,
    /// Machine to buy of, by its number; without it, all that sell. Repeatable
    #[arg(long, value_name = "NUMBER")]
    pub(crate) buy_machine: Vec<u64>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("servers").args(["upstream", "model", "network"]).required(true).multiple(true))]
pub(crate) struct GatewayOptions {
    #[command(flatten)]
    pub(crate) ledger: LedgerOptions,
    #[command(flatten)]
    pub(crate) servers: ServersOptions,
    /// Node of a chain on which machines sell, as http://127.0.0.1:8545
    #[arg(long, value_name = "URL", requires = "spend")]
    pub(crate) network: Option<String>,
    #[command(flatten)]
    pub(crate) buying: NetworkOptions,
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = GATEWAY_PORT)]
    pub(crate) port: u16,
    /// Address to listen on; anything but this machine's own should stand behind a proxy
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Host name under which keys and use may be seen, besides localhost. Repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
}

/// A gateway on a node's port: there if a model server or a spending key is named.
#[derive(Debug, Args)]
pub(crate) struct BesideOptions {
    #[command(flatten)]
    pub(crate) servers: ServersOptions,
    #[command(flatten)]
    pub(crate) buying: NetworkOptions,
    /// Folder of keys and receipts of the gateway; without it, .capstan/gateway at home
    #[arg(long, value_name = "DIR", env = "CAPSTAN_GATEWAY")]
    pub(crate) gateway_data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key, and print it: once, alone on stdout
    New {
        #[command(flatten)]
        ledger: LedgerOptions,
        /// What it may spend in total, as 5usd; without it, no bound
        #[arg(long, value_name = "AMOUNT")]
        total: Option<Dollars>,
        /// What it may spend on one UTC day; without it, no bound
        #[arg(long, value_name = "AMOUNT")]
        day: Option<Dollars>,
        /// Requests at a time; without it, no bound
        #[arg(long, value_name = "COUNT")]
        parallel: Option<u32>,
        /// When it ends, from now, as 30days
        #[arg(long, value_name = "TIME", value_parser = length)]
        expires: Option<Duration>,
        /// It is your own: its requests take the machine from everybody else's
        #[arg(long)]
        own: bool,
        /// What it is to be called; two keys that work have two names
        #[arg(long, default_value = "")]
        name: String,
    },
    /// All keys: what they spent of what
    List(LedgerOptions),
    /// One key in full
    Usage {
        #[command(flatten)]
        ledger: LedgerOptions,
        /// Its name, or the first digits of its id
        key: String,
    },
    /// Take a key back, from the next request on
    Revoke {
        #[command(flatten)]
        ledger: LedgerOptions,
        /// Its name, or the first digits of its id
        key: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReceiptCommand {
    /// What a receipt says
    Show {
        #[command(flatten)]
        ledger: LedgerOptions,
        /// Of the receipt (0x...) or of its request (req_...)
        id: String,
    },
    /// Check id, notes and signature of a receipt, what is yours of it, and compute the answer again where it was kept
    Verify {
        #[command(flatten)]
        ledger: LedgerOptions,
        /// Of the receipt (0x...) or of its request (req_...)
        id: String,
        /// The request as it was sent (JSON), to be hashed and compared
        #[arg(long, value_name = "FILE")]
        input: Option<PathBuf>,
        /// The answer as it came, to be hashed and compared: whole (JSON), the stream that `curl -N` showed, or an array of
        /// its parts
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// GGUF file to compute the answer again with; without it, the one of the shelf that has the hash
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
        #[command(flatten)]
        shelf: ShelfOptions,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SpendCommand {
    /// Bring units in and let a new key of a gateway spend them on machines, within a limit
    Open(Box<SpendOptions>),
    /// What is free, bound to machines, claimed by them, and paid
    Show {
        #[command(flatten)]
        ask: AskOptions,
        /// File of the spending key
        #[arg(long, value_name = "FILE", default_value = "spend.json")]
        spend: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SpendOptions {
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// File of the spending key, which is made where there is none
    #[arg(long, value_name = "FILE", default_value = "spend.json")]
    pub(crate) spend: PathBuf,
    /// What is brought in, of the asset that jobs are paid in
    #[arg(long, value_name = "AMOUNT", value_parser = super::exchange::amount)]
    pub(crate) deposit: Amount,
    /// What the key may bind in each period
    #[arg(long, value_name = "AMOUNT", default_value = "max", value_parser = super::exchange::amount)]
    pub(crate) limit: Amount,
    /// Length of the period
    #[arg(long, value_name = "TIME", default_value = "1day", value_parser = length)]
    pub(crate) per: Duration,
    /// Coins for the key's own messages
    #[arg(long, value_name = "ETH", default_value = "0.05", value_parser = super::exchange::amount)]
    pub(crate) fuel: Amount,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProvideCommand {
    /// Measure what this machine does, and from which income on its power is paid
    Scan(ScanOptions),
    /// Sell this machine's spare time: its key has a bond on the chain, and customers a gateway here
    Start(Box<StartOptions>),
    /// Take the machine back at once: whoever is at work is cut, and charged for what he had
    Pause(LedgerOptions),
    /// Sell again
    Resume(LedgerOptions),
    /// End it: as pause, and the program with it
    Stop(LedgerOptions),
    /// Whether it sells
    Status(LedgerOptions),
}

/// What is to be sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClassWish {
    /// Whatever can be.
    All,
    /// A class, by its number.
    One(u32),
}

impl FromStr for ClassWish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let number = text.parse().map(Self::One);
        number.map_err(|_| format!("`{text}` is no class: a number, or `all`"))
    }
}

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("servers").args(["upstream", "model", "fleet"]).required(true).multiple(true),
    group = ArgGroup::new("price").args(["floor", "prices"]).required(true)
)]
pub(crate) struct StartOptions {
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// Folder of the machine's key, its customers and receipts; without it, .capstan/gateway at home
    #[arg(long, value_name = "DIR", env = "CAPSTAN_GATEWAY")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) servers: ServersOptions,
    /// File with addresses of more model servers, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) fleet: Option<PathBuf>,
    /// Which weights a server's model is, as llama=llama.gguf: its name there, and the file or a name on the shelf. The server is
    /// tried against them, and classes that are judged by words can be sold by it then. Repeatable
    #[arg(long, value_name = "NAME=WEIGHTS")]
    pub(crate) runs: Vec<Runs>,
    /// What an hour of writing must bring in, as 0.06usd/h; prices follow from what the servers do
    #[arg(long, value_name = "PRICE", value_parser = per_hour)]
    pub(crate) floor: Option<Dollars>,
    /// What stands for the machine's word; without it, the least that the chain takes
    #[arg(long, value_name = "AMOUNT", value_parser = super::exchange::amount)]
    pub(crate) bond: Option<Amount>,
    /// Coins of the holder for the machine's own messages, sent with its registration
    #[arg(long, value_name = "ETH", default_value = "0.05", value_parser = super::exchange::amount)]
    pub(crate) fuel: Amount,
    /// Where it stands, as a number that customers know
    #[arg(long, default_value_t = 0)]
    pub(crate) region: u32,
    /// Address at which customers reach it, if that is another than here
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Classes of work to sell to customers of the network, besides holders of keys, with commas between or repeated; `all`
    /// sells each that a model here can serve. The chain has a list of classes
    #[arg(
        long,
        value_name = "NUMBERS",
        value_delimiter = ',',
        conflicts_with = "alone"
    )]
    pub(crate) class: Vec<ClassWish>,
    /// Answers of one customer of the network that may be unsigned at a time: what may be lost on him
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub(crate) unsigned: u32,
    /// Sell to holders of keys alone, without a chain
    #[arg(long)]
    pub(crate) alone: bool,
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = 8546)]
    pub(crate) port: u16,
    /// Address to listen on; anything but this machine's own should stand behind a proxy
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Host name under which keys and use may be seen, besides localhost. Repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Audit until it is stopped: receipts that were drawn, and what machines can do
    Run(AuditOptions),
    /// What an auditor has earned and not taken out, and how often he found what a quorum found
    Earned {
        #[command(flatten)]
        ask: AskOptions,
        /// The auditor
        #[arg(value_name = "AUDITOR", value_parser = super::address)]
        auditor: Address,
    },
    /// Take out to the wallet what it earned by audits
    Withdraw {
        #[command(flatten)]
        signing: Signing,
        /// How much: `5`, `10%` of what is owed, or `max`
        #[arg(value_name = "AMOUNT", default_value = "max", value_parser = super::exchange::amount)]
        amount: Amount,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AuditOptions {
    /// The node
    #[arg(
        long,
        value_name = "URL",
        env = "CAPSTAN_RPC",
        default_value = "http://127.0.0.1:8545"
    )]
    pub(crate) rpc: String,
    /// File with the auditor's key in hexadecimal; without it, the variable CAPSTAN_AUDIT_KEY
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Audit as this well-known development account, whose key everybody knows
    #[arg(long, value_name = "NUMBER", conflicts_with = "key_file", value_parser = clap::value_parser!(u32).range(0..1_000))]
    pub(crate) dev_account: Option<u32>,
    /// Model to compute with, by its name on the shelf or as a GGUF file; without it, all that are on the shelf. Repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Vec<String>,
    #[command(flatten)]
    pub(crate) shelf: ShelfOptions,
    /// Threads of each model; 0 takes one for each core
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    pub(crate) engine_threads: usize,
    /// Leave it to other auditors to ask machines that have proven nothing
    #[arg(long)]
    pub(crate) never_ask: bool,
}

/// A length of time: what is said of a wrong one names the form, not the place of a letter.
fn length(text: &str) -> Result<Duration, String> {
    let read = humantime::parse_duration(text);
    read.map_err(|_| format!("`{text}` is no length of time: write 30days, 12h or 90s"))
}

/// An amount an hour.
fn per_hour(text: &str) -> Result<Dollars, String> {
    let amount = text
        .strip_suffix("/h")
        .ok_or("write an amount an hour, as 0.06usd/h")?;
    amount.parse().map_err(|why| format!("{why}"))
}

/// More than a machine draws: a number of another unit.
const WATTS_MAX: u32 = 1_000_000;

#[derive(Debug, Args)]
pub(crate) struct ScanOptions {
    /// Price of a kilowatt-hour, in dollars, as 0.12
    #[arg(long, value_name = "PRICE", value_parser = kwh)]
    pub(crate) kwh: Dollars,
    /// What the machine draws at work, in watts, as 350
    #[arg(long, value_name = "WATTS", value_parser = watts)]
    pub(crate) watts: u32,
    /// Model server whose tokens per second are measured too
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: Option<String>,
    /// Folder below which sys and proc of this machine lie
    #[arg(long, default_value = "/", value_name = "DIR")]
    pub(crate) sensors: PathBuf,
    /// Which model to ask there; without it, the first
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Print JSON, with every digit
    #[arg(long)]
    pub(crate) json: bool,
}

/// A price with or without its unit.
fn kwh(text: &str) -> Result<Dollars, String> {
    let number = text.trim();
    let number = number.strip_suffix("usd").unwrap_or(number);
    let number = number.strip_prefix('$').unwrap_or(number).trim();
    let read = format!("{number}usd").parse();
    read.map_err(|_| "no price of a kilowatt-hour: write dollars, as 0.12".to_owned())
}

/// Draws nothing, and no machine: a mistake.
fn watts(text: &str) -> Result<u32, String> {
    let number = text.trim();
    let number = number.strip_suffix(['W', 'w']).unwrap_or(number).trim_end();
    let read = number
        .parse()
        .ok()
        .filter(|watts| (1..=WATTS_MAX).contains(watts));
    read.ok_or_else(|| {
        format!("no power of a machine: write whole watts from 1 to {WATTS_MAX}, as 350")
    })
}
