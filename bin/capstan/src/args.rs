//! The words that the program understands.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use alloy_primitives::{Address, U256, utils::parse_ether};
use capstan_agents::feed::Target;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

mod admin;
mod agreement;
mod compute;
mod credit;
mod examples;
mod exchange;
mod farm;
mod income;
mod jobs;
mod machine;
mod model;
mod product;
mod records;
mod trigger;

use crate::accounts;
pub(crate) use admin::{
    AdminCommand, AdminExchangeCommand, AdminPoolCommand, ReportersCommand, RoleArgs, RolesCommand,
    Stoppable,
};
pub(crate) use agreement::{
    Amortisation, LoanCommand, OfferOptions, OpenStreamOptions, Receiver, StreamCommand,
};
pub(crate) use compute::{
    AuditCommand, AuditOptions, BesideOptions, ClassWish, EngineOptions, GatewayOptions,
    KeyCommand, LedgerOptions, NetworkOptions, ProvideCommand, ReceiptCommand, ScanOptions,
    ServersOptions, SpendCommand, SpendOptions, StartOptions,
};
pub(crate) use credit::{
    AccountCommand, ActOptions, AmountArgs, AskOptions, KeystoreOptions, LimitArgs, MarketCommand,
    PasswordOptions, Refinanced, SignerOptions, Signing, SlippageArgs, WalletCommand, WatchOptions,
    asset_name,
};
pub(crate) use examples::command;
pub(crate) use exchange::{
    LpAddOptions, LpCarryOptions, LpCommand, LpRemoveOptions, PoolCommand, SwapOptions,
};
pub(crate) use farm::FarmCommand;
pub(crate) use income::{IncomeCommand, Tranche, TrancheArgs};
pub(crate) use jobs::{JobKeyCommand, JobsCommand, Whose};
pub(crate) use machine::MachineCommand;
pub(crate) use model::{ModelCommand, ShelfOptions};
pub(crate) use product::{ProductCommand, ProductCreateOptions, ProductKind};
pub(crate) use records::{AnalyseOptions, BlocksCommand, FollowOptions, VerifyWorkerOptions};
pub(crate) use trigger::{AddOptions, TriggerCommand};

/// An Ethereum-compatible chain with native contracts in Rust.
#[derive(Debug, Parser)]
#[command(name = "capstan", version = crate::VERSION, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) log: LogOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How the program talks to operators. Logs go to stderr; results go to stdout.
#[derive(Debug, Args)]
pub(crate) struct LogOptions {
    /// How log lines look
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, display_order = 900)]
    pub(crate) log_format: LogFormat,
    /// error, warn, info, debug, trace, off, or a filter as `capstan_chain=debug,info`
    #[arg(
        long,
        global = true,
        env = "CAPSTAN_LOG",
        default_value = "info",
        display_order = 901
    )]
    pub(crate) log_level: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a development chain: funded public accounts, state in memory, developer methods
    Dev(DevOptions),
    /// Start a node of the chain that a genesis file describes
    Node(NodeOptions),
    /// Start a second node, which takes blocks from another and judges each of them itself
    Follow(FollowOptions),
    /// Run transactions of blocks that a node on this machine verifies
    VerifyWorker(VerifyWorkerOptions),
    /// What blocks waited for: parallelism, hot slots, projected speed-up
    Blocks {
        #[command(subcommand)]
        command: BlocksCommand,
    },
    /// Genesis files
    Genesis {
        #[command(subcommand)]
        command: GenesisCommand,
    },
    /// Run Ethereum GeneralStateTests (JSON files, or folders of them) through this program's own execution
    Statetest(StatetestOptions),
    /// Execute every stored block again from genesis, and compare
    Replay(ReplayOptions),
    /// Look after a data folder; the node must not be running
    Db {
        #[command(subcommand)]
        command: DbCommand,
    },
    /// Write the blocks of a data folder to a file
    Export(ExportOptions),
    /// Check and append the blocks of a file to a data folder
    Import(ImportOptions),
    /// Sign prices and submit them to a node, as a reporter of its oracle
    Feed(FeedOptions),
    /// Lending markets: what can be supplied and borrowed, and what it costs
    Market {
        #[command(subcommand)]
        command: MarketCommand,
    },
    /// Accounts: what they hold and owe, and what to do with them
    Account {
        #[command(subcommand)]
        command: Box<AccountCommand>,
    },
    /// Pools of the exchange: what they hold, and where their prices stand
    Pool {
        #[command(subcommand)]
        command: PoolCommand,
    },
    /// Swap one asset for another, by the best way found
    Swap(Box<SwapOptions>),
    /// Provide liquidity and take it out, shown before it is signed
    Lp {
        #[command(subcommand)]
        command: LpCommand,
    },
    /// Orders that the block executes by itself: stop-loss, take-profit, trailing, in parts, deleverage
    Trigger {
        #[command(subcommand)]
        command: TriggerCommand,
    },
    /// Farms: stake units or shares of a pool for rewards, with borrowed units too
    Farm {
        #[command(subcommand)]
        command: Box<FarmCommand>,
    },
    /// Leveraged tokens and strategy vaults, which the block rebalances by itself
    Product {
        #[command(subcommand)]
        command: ProductCommand,
    },
    /// Loans at fixed terms: offer them, take them, pay them back by a schedule
    Loan {
        #[command(subcommand)]
        command: Box<LoanCommand>,
    },
    /// Streams: pay somebody all the time, and let what flows pay a debt
    Stream {
        #[command(subcommand)]
        command: Box<StreamCommand>,
    },
    /// Administration: assets, caps, pauses, reporters, roles
    Admin {
        #[command(subcommand)]
        command: Box<AdminCommand>,
    },
    /// Warn when an account's health falls: here, by a webhook, by mail
    Watch(WatchOptions),
    /// Keys under passwords
    Wallet {
        #[command(subcommand)]
        command: WalletCommand,
    },
    /// Language models on this machine: get them, ask them
    Model {
        #[command(subcommand)]
        command: ModelCommand,
    },
    /// Serve OpenAI's API in front of your own model servers: budgets, receipts, no chain
    Gateway(Box<GatewayOptions>),
    /// Keys of a gateway: what their holders may spend
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Receipts of a gateway: what a machine did, and what it cost
    Receipt {
        #[command(subcommand)]
        command: ReceiptCommand,
    },
    /// Machines of a chain: state, bond, life, and what they proved
    Machine {
        #[command(subcommand)]
        command: MachineCommand,
    },
    /// Work that machines sell: classes, offers, claims, and what a customer has and lets his keys spend
    Jobs {
        #[command(subcommand)]
        command: Box<JobsCommand>,
    },
    /// What machines earn, what can be borrowed and lent against it, and what became of those that did not pay
    Income {
        #[command(subcommand)]
        command: Box<IncomeCommand>,
    },
    /// Sell this machine's spare time, or measure first what it can do and must earn
    Provide {
        #[command(subcommand)]
        command: ProvideCommand,
    },
    /// Compute again what machines of a chain are paid for, and say what was found
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// What a gateway may spend on machines of a chain
    Spend {
        #[command(subcommand)]
        command: SpendCommand,
    },
    /// Print a script that completes these words in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual's pages
    #[command(hide = true)]
    Man {
        /// The folder to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ListenOptions {
    /// Port of HTTP and WebSocket; 0 takes a free one
    #[arg(long, default_value_t = 8545)]
    pub(crate) port: u16,
    /// Address to listen on; anything but this machine's own should stand behind a proxy
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Web page that may talk to this node, besides those of this machine; `*` admits every page. Repeatable
    #[arg(long, value_name = "ORIGIN", value_parser = parse_origin)]
    pub(crate) cors: Vec<String>,
    /// Host name under which this node may be reached, besides localhost; `*` admits every name. Repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
}

/// What a browser calls an origin: no path, no slash at the end. Anything else would never match one.
fn parse_origin(text: &str) -> Result<String, String> {
    let names_a_host = text.split_once("://").is_some_and(|(scheme, host)| {
        !scheme.is_empty() && !host.is_empty() && !host.contains('/')
    });
    if names_a_host || ["*", "null"].contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "`{text}` is no origin: write https://app.example or http://10.0.0.5:3000, without a path, or `*`"
    ))
}

/// Name of a development chain. Tools ask for it before they use developer methods, and know a few names only; those
/// methods are anvil's here.
const DEV_CLIENT: &str = concat!("anvil/v1.7-compatible/Capstan-v", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DevOptions {
    #[command(subcommand)]
    pub(crate) command: Option<DevCommand>,
    #[command(flatten)]
    pub(crate) listen: ListenOptions,
    #[command(flatten)]
    pub(crate) gateway: BesideOptions,
    /// Time between blocks, as 250ms or 2s, or `instant`: one for each transaction
    #[arg(long, default_value = "250ms", value_name = "TIME")]
    pub(crate) block_time: BlockTime,
    /// Keep the chain in this folder; without it, it is gone with the process
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// How many accounts are funded and unlocked
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) accounts: u32,
    /// Other accounts than the well-known ones; the same number gives the same accounts
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Accounts of these words of your own (12 to 24, BIP-39, in one pair of quotes)
    #[arg(long, value_name = "WORDS", conflicts_with = "seed", value_parser = accounts::parse_mnemonic)]
    pub(crate) mnemonic: Option<String>,
    /// Accounts and contracts only, without assets, markets and prices
    #[arg(long)]
    pub(crate) empty: bool,
    /// How prices of the prepared world come: a seeded walk, or still until a shock, or not from this node
    #[arg(long, value_enum, default_value_t = FeedKind::Synthetic, conflicts_with = "empty")]
    pub(crate) feed: FeedKind,
    /// How many bots live in the prepared world, the first a market maker
    /// [default: 10; 1 with --feed fixed; 0 with --feed off or --block-time instant]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=100), conflicts_with = "empty")]
    pub(crate) bots: Option<u32>,
    /// How many machines sell work in the prepared world, with a customer, auditors and lenders
    /// [default: 3; 0 where fewer than 10 bots live]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=i64::from(crate::world::MACHINES_MAX)), conflicts_with = "empty")]
    pub(crate) machines: Option<u32>,
    /// Chain id [default: 31337, or that of the folder]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) chain_id: Option<u64>,
    /// Coins of each account at the start, in ETH [default: 10000, or as in the folder]
    #[arg(long, value_parser = clap::value_parser!(u64).range(0..=1_000_000_000))]
    pub(crate) balance: Option<u64>,
    /// What web3_clientVersion answers; some tools use developer methods only of names that they know
    #[arg(long, value_name = "TEXT", default_value = DEV_CLIENT)]
    pub(crate) client_version: String,
}

impl DevOptions {
    /// How many bots live there, unless it was said. A chain that makes a block for each transaction shall make them for
    /// its user's alone.
    pub(crate) fn bot_count(&self) -> u32 {
        let usual = match (self.block_time, self.feed) {
            (BlockTime::Instant, _) | (_, FeedKind::Off) => 0,
            (_, FeedKind::Fixed) => 1,
            (_, FeedKind::Synthetic) => 10,
        };
        if self.empty {
            0
        } else {
            self.bots.unwrap_or(usual)
        }
    }
}

impl DevOptions {
    /// How many machines live there, unless it was said: none in a world that was made small.
    pub(crate) fn machine_count(&self) -> u32 {
        if self.empty {
            return 0;
        }
        let usual = if self.bot_count() < 10 { 0 } else { 3 };
        self.machines.unwrap_or(usual)
    }
}

/// How prices of the prepared world come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FeedKind {
    /// They stand still until a shock
    Fixed,
    /// They walk by chance, together, as the seed says
    Synthetic,
    /// This node signs none
    Off,
}

impl FeedKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Synthetic => "synthetic",
            Self::Off => "off",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum DevCommand {
    /// Move the price of an asset of a running development node, and tell what that does
    Crash(CrashOptions),
    /// Let a provider of a running development node cheat, and tell what becomes of it
    Cheat(CheatOptions),
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("how").args(["swap_model", "truncate", "replay", "go_dark", "honest"]).required(true))]
pub(crate) struct CheatOptions {
    #[command(flatten)]
    pub(crate) ask: AskOptions,
    /// Which provider, counted from 1: provider 1 has machine 0, provider 2 machine 1
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=i64::from(crate::world::MACHINES_MAX)))]
    pub(crate) provider: u32,
    /// It answers with other weights than those it is paid for
    #[arg(long)]
    pub(crate) swap_model: bool,
    /// It cuts its answers and calls them whole
    #[arg(long)]
    pub(crate) truncate: bool,
    /// It sells one old answer again and again
    #[arg(long)]
    pub(crate) replay: bool,
    /// It says nothing any more
    #[arg(long)]
    pub(crate) go_dark: bool,
    /// It cheats no more
    #[arg(long)]
    pub(crate) honest: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CrashOptions {
    #[command(flatten)]
    pub(crate) ask: AskOptions,
    /// Whose price: a symbol, or a number
    #[arg(long, default_value = "eth")]
    pub(crate) asset: String,
    /// Where to: -40%, +15%, or a price in dollars
    #[arg(
        long,
        default_value = "-40%",
        allow_hyphen_values = true,
        value_name = "TARGET",
        value_parser = target
    )]
    pub(crate) to: String,
    /// In what time; less than a second is one report
    #[arg(long = "in", default_value = "60s", value_name = "TIME")]
    pub(crate) over: humantime::Duration,
}

/// What a node would not take is refused before one is asked.
fn target(text: &str) -> Result<String, String> {
    text.parse::<Target>().map(|_| text.to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct NodeOptions {
    #[command(flatten)]
    pub(crate) listen: ListenOptions,
    #[command(flatten)]
    pub(crate) gateway: BesideOptions,
    /// The chain, if the data folder is new; `capstan genesis init` writes one
    #[arg(long, value_name = "FILE")]
    pub(crate) genesis: Option<PathBuf>,
    /// Where the chain is kept
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Who earns the priority fees of the blocks that this node makes
    #[arg(long, value_name = "ADDRESS", default_value_t = Address::ZERO, value_parser = address)]
    pub(crate) beneficiary: Address,
    /// Blocks whose state stays readable, or `all`
    #[arg(long, value_name = "BLOCKS", default_value_t = History::Blocks(capstan_chain::DEFAULT_HISTORY_BLOCKS))]
    pub(crate) history: History,
    /// Threads that may run the transactions of a block, where that was quicker lately; all cores, unless said otherwise
    #[arg(long, value_name = "COUNT")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

/// How much state of the past is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum History {
    All,
    Blocks(u64),
}

impl std::str::FromStr for History {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            number => number
                .parse()
                .map(Self::Blocks)
                .map_err(|_| format!("`{number}` is neither a number of blocks nor `all`")),
        }
    }
}

impl std::fmt::Display for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Blocks(count) => write!(f, "{count}"),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum GenesisCommand {
    /// Write a genesis file with the default numbers; specs/genesis.md explains each field
    Init(GenesisInitOptions),
}

#[derive(Debug, Args)]
pub(crate) struct GenesisInitOptions {
    /// Where to write; without it, to stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// A development chain with the well-known funded accounts
    #[arg(long)]
    pub(crate) dev: bool,
    /// Chain id
    #[arg(long, default_value_t = 31_337, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) chain_id: u64,
    /// An account with coins from the start, as ADDRESS=WEI or ADDRESS=1000ether. Repeatable
    #[arg(long, value_name = "ADDRESS=WEI", value_parser = parse_funded)]
    pub(crate) fund: Vec<(Address, U256)>,
    /// Who administers the native contracts; without it nobody ever does
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) owner: Option<Address>,
    /// Overwrite the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Say as JSON what was written; without --out, the file itself is JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// An address. Capitals and small letters together are a checksum, which must be right: a wrong digit must not pay
/// somebody else.
fn address(text: &str) -> Result<Address, String> {
    let address: Address = text
        .parse()
        .map_err(|_| format!("`{text}` is no address: write 0x and 40 hexadecimal digits"))?;
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_mixed = digits.bytes().any(|digit| digit.is_ascii_lowercase())
        && digits.bytes().any(|digit| digit.is_ascii_uppercase());
    if is_mixed && address.to_checksum(None).strip_prefix("0x") != Some(digits) {
        return Err(format!(
            "`{text}` has a wrong checksum: a digit is mistyped, or write it all in small letters"
        ));
    }
    Ok(address)
}

fn parse_funded(text: &str) -> Result<(Address, U256), String> {
    let (address, amount) = text
        .split_once('=')
        .ok_or("write it as ADDRESS=WEI or ADDRESS=1000ether")?;
    let address = self::address(address)?;
    let wei = match amount.strip_suffix("ether") {
        // The parser would take a sign, and nothing for zero.
        Some(ether)
            if ether.starts_with(|c: char| c.is_ascii_digit())
                && ether.bytes().all(|b| b.is_ascii_digit() || b == b'.') =>
        {
            parse_ether(ether).ok()
        }
        None if !amount.is_empty() => amount.parse().ok(),
        _ => None,
    };
    let wei = wei.ok_or_else(|| {
        format!("`{amount}` is not an amount: write wei as 1000000000, or ether as 1.5ether")
    })?;
    Ok((address, wei))
}

#[derive(Debug, Args)]
pub(crate) struct StatetestOptions {
    /// Files, or folders that are searched to the bottom
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DataOptions {
    /// The data folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayOptions {
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Where the second chain is made, in a folder that is removed afterwards; about as large as the state
    /// [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// Execute nothing: redo every block from the values in its access list, and compare each state root
    #[arg(long)]
    pub(crate) from_records: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Read everything and compare it with its checksums, hashes and roots
    Verify(DataOptions),
    /// Give unused space back to the file system
    Compact(DataOptions),
    /// Copy blocks, genesis file and compacted database to a folder of their own
    Backup {
        #[command(flatten)]
        data: DataOptions,
        /// Where to copy to: a folder that does not exist yet
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Copy a backup, or another data folder, into a data folder that does not exist yet
    Restore {
        #[command(flatten)]
        data: DataOptions,
        /// The backup
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ExportOptions {
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// The file to write; it must not exist yet
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// First block
    #[arg(long, default_value_t = 1)]
    pub(crate) from: u64,
    /// Last block; without it, the newest
    #[arg(long)]
    pub(crate) to: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportOptions {
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// The file that `capstan export` wrote
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The chain, if the data folder is new
    #[arg(long, value_name = "FILE")]
    pub(crate) genesis: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct FeedOptions {
    /// The node that takes the reports
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "CAPSTAN_RPC",
        default_value = "http://127.0.0.1:8545"
    )]
    pub(crate) rpc: String,
    /// File with the reporter's key in hexadecimal; without it, the variable CAPSTAN_FEED_KEY
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Report as this well-known development account, whose key everybody knows. Repeatable
    #[arg(long, global = true, value_name = "NUMBER", conflicts_with = "key_file", value_parser = clap::value_parser!(u32).range(0..1_000))]
    pub(crate) dev_account: Vec<u32>,
    #[command(subcommand)]
    pub(crate) source: FeedCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FeedCommand {
    /// Prices that a file recorded: CSV (timeMs,assetId,price,confidenceBps) or one JSON object a line
    File {
        /// The recording
        #[arg(value_name = "FILE")]
        path: PathBuf,
        /// How many times faster than recorded
        #[arg(long, default_value_t = 1.0)]
        speed: f64,
    },
    /// Prices of servers that answer JSON over HTTP or WebSocket, or of commands that print it
    Web {
        /// What to ask, in TOML; specs/feed.md explains it
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// A made-up market, for development
    Market(MarketOptions),
}

#[derive(Debug, Args)]
pub(crate) struct MarketOptions {
    /// An asset as NUMBER=DOLLARS, or NUMBER=DOLLARS:PERCENT with how much it moves in a year. Repeatable
    #[arg(long, required = true, value_name = "ASSET")]
    pub(crate) asset: Vec<SimulatedAsset>,
    /// The same number gives the same prices
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Time between prices
    #[arg(long, default_value = "1s", value_name = "TIME")]
    pub(crate) every: humantime::Duration,
    /// How much of each move is common to all assets, 0 to 1
    #[arg(long, default_value_t = 0.6)]
    pub(crate) correlation: f64,
    /// Jumps of each asset in a day, on average
    #[arg(long, default_value_t = 4.0)]
    pub(crate) jumps_per_day: f64,
    /// Size of a jump, up or down
    #[arg(long, default_value_t = 4.0)]
    pub(crate) jump_percent: f64,
    /// Make the chain ready first, as the owner of its oracle: roles, reporters, feeds
    #[arg(long)]
    pub(crate) setup: bool,
}

/// An asset of a made-up market.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SimulatedAsset {
    pub(crate) asset_id: u32,
    pub(crate) price: f64,
    pub(crate) volatility: f64,
}

/// How much an asset moves in a year unless it is said.
const VOLATILITY_PERCENT: f64 = 80.0;

impl std::str::FromStr for SimulatedAsset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no asset: write 1=2000 or 1=2000:80");
        let (asset_id, rest) = text.split_once('=').ok_or_else(wrong)?;
        let (price, percent) = match rest.split_once(':') {
            Some((price, percent)) => (price, percent.parse().map_err(|_| wrong())?),
            None => (rest, VOLATILITY_PERCENT),
        };
        Ok(Self {
            asset_id: asset_id.parse().map_err(|_| wrong())?,
            price: price.parse().map_err(|_| wrong())?,
            volatility: percent / 100.0,
        })
    }
}

/// When a development chain makes blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockTime {
    Instant,
    Every(Duration),
}

/// A block cannot be made faster than its time can be told from its parent's.
const BLOCK_TIME_MIN: Duration = Duration::from_millis(1);
const BLOCK_TIME_MAX: Duration = Duration::from_secs(3600);

impl std::str::FromStr for BlockTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "instant" {
            return Ok(Self::Instant);
        }
        let time = humantime::parse_duration(text)
            .map_err(|_| format!("`{text}` is no time: write 250ms, 2s or instant"))?;
        if !(BLOCK_TIME_MIN..=BLOCK_TIME_MAX).contains(&time) {
            return Err(format!("{text} is outside of 1ms to 1h"));
        }
        Ok(Self::Every(time))
    }
}

impl std::fmt::Display for BlockTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Instant => f.write_str("as transactions arrive"),
            Self::Every(time) => write!(f, "every {}", humantime::format_duration(*time)),
        }
    }
}

#[cfg(test)]
mod tests;
