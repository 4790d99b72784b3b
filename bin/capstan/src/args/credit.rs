//! The words of markets and wallets.

use std::path::PathBuf;

use capstan_client::AssetName;
use clap::{Args, Subcommand};

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
    },
    /// Wallets and their addresses
    List {
        #[command(flatten)]
        keystore: KeystoreOptions,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
