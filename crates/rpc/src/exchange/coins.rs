//! Assets by whatever they are called, and prices between them in whole units.

use std::collections::{BTreeMap, btree_map::Entry};

use alloy_primitives::{Address, U256};
use capstan_contracts::ledger::{self, ILedger};
use capstan_units::mul_div_down;
use serde::{Deserialize, Serialize};

use crate::{
    error::{RpcError, RpcResult, shorten},
    fixed::Fixed,
    views::Views,
};

/// The ledger's number for tokens of others.
const FOREIGN: u8 = 2;
/// Digits behind the point of a price.
const PRICE_DECIMALS: u8 = 18;

/// An asset by its number, its token's address or its symbol.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "write an asset's number, its token's address or its symbol"
)]
pub(crate) enum AssetAsked {
    Number(u32),
    Token(Address),
    Text(String),
}

/// One asset.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Coin {
    pub(crate) asset_id: u32,
    pub(crate) symbol: String,
    pub(crate) token: Address,
    pub(crate) decimals: u8,
    #[serde(skip)]
    pub(crate) is_foreign: bool,
}

/// Assets that were asked for so far, in one call.
#[derive(Default)]
pub(crate) struct Coins(BTreeMap<u32, Coin>);

impl Coins {
    /// The asset with this number.
    pub(crate) fn get(&mut self, views: &mut Views<'_>, asset_id: u32) -> RpcResult<&Coin> {
        Ok(match self.0.entry(asset_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let call = ILedger::assetCall { assetId: asset_id };
                let asset = views.ask(ledger::ADDRESS, &call)?;
                place.insert(Coin {
                    asset_id,
                    symbol: asset.symbol,
                    token: asset.token,
                    decimals: asset.decimals,
                    is_foreign: asset.kind == FOREIGN,
                })
            }
        })
    }

    /// The asset that is meant. A symbol is no proof of anything: where two have it, the caller says which.
    pub(crate) fn find(&mut self, views: &mut Views<'_>, asked: &AssetAsked) -> RpcResult<Coin> {
        let id = match asked {
            AssetAsked::Number(id) => *id,
            AssetAsked::Token(token) => {
                views.ask(ledger::ADDRESS, &ILedger::assetOfCall { token: *token })?
            }
            AssetAsked::Text(text) => match text.strip_prefix('#').map(str::parse) {
                Some(Ok(id)) => id,
                _ => self.by_symbol(views, text)?,
            },
        };
        self.get(views, id).cloned()
    }

    fn by_symbol(&mut self, views: &mut Views<'_>, symbol: &str) -> RpcResult<u32> {
        let count = views.ask(ledger::ADDRESS, &ILedger::assetCountCall {})?;
        let mut found = Vec::new();
        for id in 0..count {
            if self
                .get(views, id)?
                .symbol
                .eq_ignore_ascii_case(symbol.trim())
            {
                found.push(id);
            }
        }
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(RpcError::invalid_params(format!(
                "no asset is called {}: write a symbol of capstan_markets, #3, or a token's address",
                shorten(symbol)
            ))),
            several => {
                let which: Vec<_> = several.iter().map(|id| format!("#{id}")).collect();
                Err(RpcError::invalid_params(format!(
                    "more than one asset is called {}: write one of {}",
                    shorten(symbol),
                    which.join(", ")
                )))
            }
        }
    }
}

/// Whole units of `part`'s asset for one whole unit of `whole`'s, rounded down: each an amount and its decimals. None
/// where nothing is divided by, or the price has more digits than a word.
pub(crate) fn price_down(part: (U256, u8), whole: (U256, u8)) -> Option<Fixed> {
    let ten = |digits: u8| U256::from(10).checked_pow(U256::from(digits));
    let up = ten(PRICE_DECIMALS.checked_add(whole.1)?)?;
    let down = whole.0.checked_mul(ten(part.1)?)?;
    let price = mul_div_down(part.0, up, down).ok()?;
    Some(Fixed::new(price, PRICE_DECIMALS))
}
