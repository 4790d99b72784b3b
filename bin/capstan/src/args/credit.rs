//! The words of markets, accounts, wallets and watching.

use std::path::PathBuf;

use alloy_primitives::Address;
use capstan_client::{Amount, AssetName};
use clap::{Args, Subcommand, ValueEnum};

use super::address;

/// Which node is asked, and how it is answered.
#[derive(Debug, Args)]
pub(crate) struct AskOptions {
    /// The node
    #[arg(
        long,
        value_name = "URL",
        env = "CAPSTAN_RPC",
        default_value = "http://127.0.0.1:8545"
    )]
    pub(crate) rpc: String,
    /// Print JSON, with every digit
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MarketCommand {
    /// All markets, one line each
    List(AskOptions),
    /// One market in full
    Show {
        #[command(flatten)]
        ask: AskOptions,
        /// The asset: its symbol, `#` and its number, or its token's address
        #[arg(value_name = "ASSET", value_parser = asset_name)]
        asset: AssetName,
    },
}

pub(crate) fn asset_name(text: &str) -> Result<AssetName, String> {
    text.parse()
        .map_err(|()| format!("`{text}` is no asset: write usdc, #3 or a token's address"))
}

/// Where wallets lie.
#[derive(Debug, Args)]
pub(crate) struct KeystoreOptions {
    /// Folder of wallets; without it, .capstan/keystore at home
    #[arg(long, value_name = "DIR", env = "CAPSTAN_KEYSTORE")]
    pub(crate) keystore: Option<PathBuf>,
}

/// What opens a wallet.
#[derive(Debug, Args)]
pub(crate) struct PasswordOptions {
    /// File with the password in its first line; without it, the variable CAPSTAN_PASSWORD, or the terminal is asked
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WalletCommand {
    /// Make a key and keep it under a password
    New {
        #[command(flatten)]
        keystore: KeystoreOptions,
        #[command(flatten)]
        password: PasswordOptions,
        /// What it is to be called
        name: String,
        /// Print JSON: name, address and file
        #[arg(long)]
        json: bool,
    },
    /// Keep a key that you have under a password; without a file, the terminal asks for it
    Import {
        #[command(flatten)]
        keystore: KeystoreOptions,
        #[command(flatten)]
        password: PasswordOptions,
        /// What it is to be called
        name: String,
        /// File with the key in hexadecimal
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        /// Print JSON: name, address and file
        #[arg(long)]
        json: bool,
    },
    /// Wallets and their addresses
    List {
        #[command(flatten)]
        keystore: KeystoreOptions,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Send coins or tokens of a wallet to somebody
    Send {
        #[command(flatten)]
        signing: Signing,
        /// How much: `1.5`, `10%` of what the wallet has, or `max`
        #[arg(value_name = "AMOUNT", value_parser = super::exchange::amount)]
        amount: Amount,
        /// What: a listed asset, `eth`, or a token's address
        #[arg(value_name = "ASSET", value_parser = asset_name)]
        asset: AssetName,
        /// Who receives it
        #[arg(value_name = "TO", value_parser = address)]
        to: Address,
    },
}

/// Whose key signs.
#[derive(Debug, Args)]
pub(crate) struct SignerOptions {
    /// The wallet that signs, by name or address
    #[arg(long, value_name = "NAME", env = "CAPSTAN_WALLET")]
    pub(crate) wallet: Option<String>,
    /// A well-known development account, whose key everybody knows
    #[arg(long, value_name = "NUMBER", conflicts_with = "wallet", value_parser = clap::value_parser!(u32).range(0..1_000))]
    pub(crate) dev_account: Option<u32>,
    #[command(flatten)]
    pub(crate) keystore: KeystoreOptions,
    #[command(flatten)]
    pub(crate) password: PasswordOptions,
}

/// Who signs, and what he sees and is asked before.
#[derive(Debug, Args)]
pub(crate) struct Signing {
    #[command(flatten)]
    pub(crate) ask: AskOptions,
    #[command(flatten)]
    pub(crate) signer: SignerOptions,
    /// Show what it would do, and sign nothing
    #[arg(long, visible_alias = "dry-run", conflicts_with = "yes")]
    pub(crate) preview: bool,
    /// Sign without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// Which account, and who acts.
#[derive(Debug, Args)]
pub(crate) struct ActOptions {
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// Which of the owner's accounts
    #[arg(long, default_value_t = 0)]
    pub(crate) index: u8,
}

/// How far a swap may go from its quote.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SlippageArgs {
    /// How much worse than shown it may become until its block; else nothing happens
    #[arg(long, value_name = "PERCENT", default_value = "0.5%", value_parser = super::exchange::percent)]
    pub(crate) slippage: u32,
}

/// How much of what: `75.5 usdc`, `10% usdc`, `max usdc`.
#[derive(Debug, Args)]
pub(crate) struct AmountArgs {
    /// `75.5 usdc`, `10% usdc` of what there is, or `max usdc`
    #[arg(required = true, num_args = 1..=2, value_names = ["AMOUNT", "ASSET"], allow_negative_numbers = true)]
    pub(crate) amount: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// What an account holds and owes, and how far it is from liquidation
    Show {
        #[command(flatten)]
        ask: AskOptions,
        #[command(flatten)]
        signer: SignerOptions,
        /// Which of the owner's accounts
        #[arg(long, default_value_t = 0)]
        index: u8,
        /// The owner; without it, the wallet
        #[arg(value_parser = address)]
        owner: Option<Address>,
    },
    /// What actions would do, without signing them: `capstan account preview "supply 1 eth" "borrow 500 usdc"`
    Preview {
        #[command(flatten)]
        act: ActOptions,
        /// Actions in their order: `VERB AMOUNT ASSET` with deposit, supply, redeem, withdraw, borrow, repay or mint;
        /// `take-loan OFFER AMOUNT ASSET`, `repay-loan LOAN AMOUNT ASSET`, `assign STREAM`, `collect STREAM`,
        /// `admit ASSET`
        #[arg(required = true)]
        actions: Vec<String>,
    },
    /// Do several things at once, checked once at their end: `capstan account run "supply 1 eth" "borrow 500 usdc"`
    Run {
        #[command(flatten)]
        act: ActOptions,
        /// Actions in their order, as `preview` takes them
        #[arg(required = true)]
        actions: Vec<String>,
    },
    /// From the wallet to the account, without lending it
    Deposit {
        #[command(flatten)]
        act: ActOptions,
        #[command(flatten)]
        amount: AmountArgs,
    },
    /// Lend: from the account's units, and from the wallet what is missing
    Supply {
        #[command(flatten)]
        act: ActOptions,
        #[command(flatten)]
        amount: AmountArgs,
    },
    /// To the wallet: from the account's units, and from the market what is missing
    Withdraw {
        #[command(flatten)]
        act: ActOptions,
        #[command(flatten)]
        amount: AmountArgs,
        /// Another wallet
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        to: Option<Address>,
    },
    /// Borrow against what the account holds, to the wallet
    Borrow {
        #[command(flatten)]
        act: ActOptions,
        #[command(flatten)]
        amount: AmountArgs,
        /// Leave it on the account
        #[arg(long)]
        keep: bool,
    },
    /// Make the chain's own dollars against what the account holds, to the wallet
    Mint {
        #[command(flatten)]
        act: ActOptions,
        #[command(flatten)]
        amount: AmountArgs,
        /// Leave them on the account
        #[arg(long)]
        keep: bool,
    },
    /// Pay a debt: from the account's units, and from the wallet what is missing
    Repay {
        #[command(flatten)]
        act: ActOptions,
        #[command(flatten)]
        amount: AmountArgs,
    },
    /// Borrow, swap what was borrowed and lend what was bought, at once: `lever 20000 usdc --buy eth` is long of eth
    Lever {
        #[command(flatten)]
        act: ActOptions,
        #[command(flatten)]
        amount: AmountArgs,
        /// What is bought with it
        #[arg(long, value_name = "ASSET", value_parser = asset_name)]
        buy: AssetName,
        #[command(flatten)]
        swap: SlippageArgs,
    },
    /// The way back at once: sell just enough of what is held to pay a debt: `unlever max usdc --sell eth`
    Unlever {
        #[command(flatten)]
        act: ActOptions,
        #[command(flatten)]
        amount: AmountArgs,
        /// What is sold for it
        #[arg(long, value_name = "ASSET", value_parser = asset_name)]
        sell: AssetName,
        #[command(flatten)]
        swap: SlippageArgs,
    },
    /// Move a debt or a collateral to another asset at once: `refinance debt max usdc --into wbtc` owes wbtc instead
    Refinance {
        #[command(flatten)]
        act: ActOptions,
        /// What is moved
        what: Refinanced,
        #[command(flatten)]
        amount: AmountArgs,
        /// What is owed, or held, instead
        #[arg(long, value_name = "ASSET", value_parser = asset_name)]
        into: AssetName,
        #[command(flatten)]
        swap: SlippageArgs,
    },
    /// Pay all debts from what the account holds of the same assets, and with `--swap eth` from eth what is missing
    Close {
        #[command(flatten)]
        act: ActOptions,
        /// What is sold for debts that the account does not hold
        #[arg(long = "swap", value_name = "ASSET", value_parser = asset_name)]
        sell: Option<AssetName>,
        #[command(flatten)]
        swap: SlippageArgs,
    },
    /// What you forbid yourself, and how today stands: tighter limits count at once, looser ones after a day
    Limits {
        #[command(flatten)]
        act: ActOptions,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Why an account was liquidated: what was sold, to whom, what it cost, and what another protocol's rule would have taken
    Explain {
        #[command(flatten)]
        ask: AskOptions,
        #[command(flatten)]
        signer: SignerOptions,
        /// Which of the owner's accounts
        #[arg(long, default_value_t = 0)]
        index: u8,
        /// Number of the liquidation; without it, the newest one of the wallet's account
        #[arg(value_name = "ID")]
        id: Option<u64>,
    },
    /// What happened to an account, newest first
    History {
        #[command(flatten)]
        ask: AskOptions,
        #[command(flatten)]
        signer: SignerOptions,
        /// Which of the owner's accounts
        #[arg(long, default_value_t = 0)]
        index: u8,
        /// How many events
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// The owner; without it, the wallet
        #[arg(value_parser = address)]
        owner: Option<Address>,
    },
}

/// Which side of an account is moved to another asset.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Refinanced {
    /// Borrow the other asset, buy just the debt with it, and repay
    Debt,
    /// Sell it for the other asset, which is lent if it was
    Collateral,
}

/// Limits to set; what is not named stays.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Most collateral per own capital: 3 is three-fold; `none`
    #[arg(long, value_name = "FACTOR")]
    pub(crate) leverage: Option<String>,
    /// Most that a day may lose, in whole dollars; `none`
    #[arg(long, value_name = "USD")]
    pub(crate) daily_loss: Option<String>,
    /// For how long after a day that lost more no new risk is taken: 12h, 3days
    #[arg(long, value_name = "TIME")]
    pub(crate) cooling_off: Option<humantime::Duration>,
}

impl LimitArgs {
    /// Whether anything is to be set.
    pub(crate) const fn sets(&self) -> bool {
        self.leverage.is_some() || self.daily_loss.is_some() || self.cooling_off.is_some()
    }
}

#[derive(Debug, Args)]
pub(crate) struct WatchOptions {
    #[command(flatten)]
    pub(crate) ask: AskOptions,
    /// Whose account
    #[arg(value_parser = address)]
    pub(crate) owner: Address,
    /// Which of the owner's accounts
    #[arg(long, default_value_t = 0)]
    pub(crate) index: u8,
    /// Warn when health falls below these; the account is liquidated below 1
    #[arg(long, value_name = "LEVELS", default_value = "1.5,1.25,1.1,1.03")]
    pub(crate) health: String,
    /// Time between looks
    #[arg(long, default_value = "5s", value_name = "TIME")]
    pub(crate) every: humantime::Duration,
    /// Warn when so many looks in a row saw nothing
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) blind_after: u32,
    /// Post warnings as JSON to this http:// address. Repeatable
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Vec<String>,
    /// Send warnings by mail to this address. Repeatable
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mail: Vec<String>,
    /// The program that takes a whole mail on its stdin
    #[arg(long, value_name = "COMMAND", default_value = "sendmail -t")]
    pub(crate) sendmail: String,
    /// Look once, warn, and end: with a failure if there was something to warn of
    #[arg(long)]
    pub(crate) once: bool,
}
