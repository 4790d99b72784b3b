//! The words of the gateway, its keys and receipts, and of what a machine can do.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use capstan_compute::money::Dollars;
use clap::{Args, Subcommand};

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

#[derive(Debug, Args)]
pub(crate) struct GatewayOptions {
    #[command(flatten)]
    pub(crate) ledger: LedgerOptions,
    /// Model server, as http://127.0.0.1:8000/v1; the first is asked first. Repeatable
    #[arg(long, value_name = "URL", required = true)]
    pub(crate) upstream: Vec<String>,
    /// Name of the variable that holds the key of the model servers, if they want one: `export VLLM_API_KEY=...` before,
    /// then `--upstream-key-env VLLM_API_KEY`. All of them get the same
    #[arg(long, value_name = "NAME")]
    pub(crate) upstream_key_env: Option<String>,
    /// Prices of models (TOML, its form stands below); without it, 0.1usd per million tokens read and 0.4usd written
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: Option<PathBuf>,
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = GATEWAY_PORT)]
    pub(crate) port: u16,
    /// Address to listen on; anything but this machine's own should stand behind a proxy
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Host name under which keys and use may be seen, besides localhost. Repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// Requests at work at one model server
    #[arg(long, default_value_t = 64, value_name = "COUNT")]
    pub(crate) parallel: u32,
    /// Requests that wait for a model server
    #[arg(long, default_value_t = 256, value_name = "COUNT")]
    pub(crate) queue: u32,
    /// Longest wait for a model server
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) wait: Duration,
    /// Longest wait for the first part of an answer
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) first: Duration,
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
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        expires: Option<Duration>,
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
    /// Check id, notes and signature of a receipt, and what is yours of request and answer
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
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProvideCommand {
    /// Measure what this machine does, and from which income on its power is paid
    Scan(ScanOptions),
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
