//! Which assets there are, and what people call them.

use std::{fmt, str::FromStr};

use alloy_primitives::Address;
use capstan_contracts::ledger::{self, ILedger};

use crate::{ClientError, Node};

/// The ledger's number for tokens that are not native.
const FOREIGN: u8 = 2;

/// How somebody names an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssetName {
    /// `usdc`, in capitals or not.
    Symbol(String),
    /// `#3`.
    Number(u32),
    /// The token's address.
    Token(Address),
}

impl FromStr for AssetName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(number) = text.strip_prefix('#') {
            return number.parse().map(Self::Number).map_err(|_| ());
        }
        if let Ok(token) = text.parse() {
            return Ok(Self::Token(token));
        }
        if text.is_empty() {
            return Err(());
        }
        Ok(Self::Symbol(text.to_owned()))
    }
}

impl fmt::Display for AssetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbol(symbol) => f.write_str(symbol),
            Self::Number(number) => write!(f, "#{number}"),
            Self::Token(token) => write!(f, "{token}"),
        }
    }
}

/// A listed asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its number.
    pub id: u32,
    /// What its token calls itself. It proves nothing: anybody may write a symbol.
    pub symbol: String,
    /// The token.
    pub token: Address,
    /// Digits behind the point.
    pub decimals: u8,
    /// Whether it is a token of others, which moves only as far as its owner allowed it.
    pub is_foreign: bool,
}

/// A token may call itself anything; what it says must not move a cursor.
fn printable(symbol: &str) -> String {
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace();
    symbol
        .chars()
        .map(|c| if is_plain(c) { c } else { '?' })
        .collect()
}

/// All listed assets.
#[derive(Clone, Debug, Default)]
pub struct Assets(Vec<Asset>);

impl Assets {
    /// Asks a node.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn of(node: &Node) -> Result<Self, ClientError> {
        let count = node
            .view(ledger::ADDRESS, &ILedger::assetCountCall {})
            .await?;
        let mut assets = Vec::new();
        for id in 0..count {
            let asset = node
                .view(ledger::ADDRESS, &ILedger::assetCall { assetId: id })
                .await?;
            assets.push(Asset {
                id,
                symbol: printable(&asset.symbol),
                token: asset.token,
                decimals: asset.decimals,
                is_foreign: asset.kind == FOREIGN,
            });
        }
        Ok(Self(assets))
    }

    /// These.
    pub fn from_list(assets: Vec<Asset>) -> Self {
        Self(assets)
    }

    /// All of them, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Asset> {
        self.0.iter()
    }

    /// The asset with this number.
    pub fn get(&self, id: u32) -> Option<&Asset> {
        self.0.iter().find(|asset| asset.id == id)
    }

    /// The one asset with this name.
    ///
    /// # Errors
    /// None has it, or several have.
    pub fn find(&self, name: &AssetName) -> Result<&Asset, ClientError> {
        let is_meant = |asset: &&Asset| match name {
            AssetName::Symbol(symbol) => asset.symbol.eq_ignore_ascii_case(symbol),
            AssetName::Number(number) => asset.id == *number,
            AssetName::Token(token) => asset.token == *token,
        };
        let found: Vec<_> = self.0.iter().filter(is_meant).collect();
        match found.as_slice() {
            [one] => Ok(one),
            [] => {
                let known = self.0.iter();
                let known: Vec<_> = known.map(|asset| asset.symbol.clone()).collect();
                Err(ClientError::UnknownAsset {
                    name: name.to_string(),
                    known: if known.is_empty() {
                        "none, nothing is listed".to_owned()
                    } else {
                        known.join(", ")
                    },
                })
            }
            several => {
                let which: Vec<_> = several
                    .iter()
                    .map(|asset| format!("#{}", asset.id))
                    .collect();
                Err(ClientError::AmbiguousAsset {
                    name: name.to_string(),
                    which: which.join(", "),
                })
            }
        }
    }
}
