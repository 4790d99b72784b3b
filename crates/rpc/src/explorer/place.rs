//! Places of the state by name.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use capstan_contracts::{
    Place,
    erc20::IErc20,
    exchange::{self, IExchange},
    products::{self, IProducts},
    resolve,
};
use capstan_evm::record::Location;
use capstan_state::{describe, field_of, lead_key};
use serde::Serialize;

use crate::{RpcContext, error::RpcResult, labels, views::Views, words::unit};

/// Things that contracts are asked about for one answer; more than that many go by number.
const LOOKUPS_MAX: usize = 512;

/// An account or a word, as its contract calls it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NamedPlace {
    pub(super) address: Address,
    /// Null unless it is a native contract's.
    pub(super) contract: Option<&'static str>,
    /// Null for the account itself: coins, nonce and code.
    pub(super) slot: Option<U256>,
    /// The field of the contract's layout.
    pub(super) field: Option<&'static str>,
    /// The word within the field.
    pub(super) name: Option<String>,
    /// Which of several it is about, in symbols: a token, the asset or product of a key, the coins of a pool.
    pub(super) which: Option<String>,
}

/// Contract and field of a place, where it is a word of a native contract.
pub(super) fn field_at(
    Location { address, slot }: Location,
) -> Option<(&'static str, &'static str)> {
    let field = field_of(resolve(address)?.layout, slot?)?;
    Some((labels::contract_at(address)?, field.name))
}

/// Names places, and remembers what it asked for.
pub(super) struct Names<'a> {
    views: Views<'a>,
    known: BTreeMap<Thing, Option<String>>,
}

/// What has a symbol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    /// A token of a kind of which there are several.
    Token(Address),
    Asset(u32),
    Pool(u32),
    Product(u32),
}

impl Thing {
    fn of(Location { address, slot }: Location) -> Option<Self> {
        let contract = resolve(address)?;
        if matches!(contract.place, Place::Kind(_)) {
            return Some(Self::Token(address));
        }
        let (kind, id) = lead_key(contract.layout, slot?)?;
        let id = u32::try_from(id).ok()?;
        match kind {
            "AssetId" => Some(Self::Asset(id)),
            "PoolId" => Some(Self::Pool(id)),
            "ProductId" => Some(Self::Product(id)),
            _ => None,
        }
    }
}

impl<'a> Names<'a> {
    pub(super) fn new(cx: &'a RpcContext) -> RpcResult<Self> {
        let (views, known) = (Views::at(cx, None)?, BTreeMap::new());
        Ok(Self { views, known })
    }

    pub(super) fn of(&mut self, location: Location) -> RpcResult<NamedPlace> {
        let Location { address, slot } = location;
        let layout = resolve(address).map(|contract| contract.layout);
        let word = layout.zip(slot);
        let which = match Thing::of(location) {
            Some(thing) => self.symbol(thing)?,
            None => None,
        };
        Ok(NamedPlace {
            address,
            contract: labels::contract_at(address),
            slot,
            field: word.and_then(|(layout, slot)| Some(field_of(layout, slot)?.name)),
            name: word.and_then(|(layout, slot)| describe(layout, slot)),
            which,
        })
    }

    fn symbol(&mut self, thing: Thing) -> RpcResult<Option<String>> {
        if let Some(known) = self.known.get(&thing) {
            return Ok(known.clone());
        }
        if self.known.len() >= LOOKUPS_MAX {
            return Ok(None);
        }
        let symbol = match thing {
            Thing::Token(address) => self.token(address)?,
            Thing::Asset(id) => unit(&mut self.views, id)?.map(|unit| unit.symbol),
            Thing::Pool(id) => self.pool(id)?,
            Thing::Product(id) => {
                let call = IProducts::productOfCall { id };
                match self.ask(products::ADDRESS, &call)? {
                    Some(standing) => self.token(standing.token)?,
                    None => None,
                }
            }
        };
        self.known.insert(thing, symbol.clone());
        Ok(symbol)
    }

    /// The coins of a pool.
    fn pool(&mut self, id: u32) -> RpcResult<Option<String>> {
        let call = IExchange::poolCall { poolId: id };
        let Some(pool) = self.ask(exchange::ADDRESS, &call)? else {
            return Ok(None);
        };
        let mut coins = Vec::new();
        for asset in pool.shape.assets {
            let symbol = self.symbol(Thing::Asset(asset))?;
            coins.push(symbol.unwrap_or_else(|| format!("asset {asset}")));
        }
        Ok(Some(coins.join("/")))
    }

    /// What a token calls itself, without what moves a cursor.
    fn token(&mut self, at: Address) -> RpcResult<Option<String>> {
        let symbol = self.ask(at, &IErc20::symbolCall {})?;
        let symbol =
            symbol.map(|text| text.chars().filter(|c| !c.is_control()).collect::<String>());
        Ok(symbol.filter(|text| !text.is_empty()))
    }

    /// Nothing where the contract knows no such thing.
    fn ask<C: SolCall>(&mut self, to: Address, call: &C) -> RpcResult<Option<C::Return>> {
        Ok(self.views.answer(to, call)?.ok())
    }
}
