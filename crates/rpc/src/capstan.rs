//! `capstan_`: what this chain has beyond Ethereum.

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, B256, Bytes, U64, hex};
use capstan_contracts::{
    Place,
    address::{self, Kind},
    registry,
};
use serde::{Deserialize, Serialize};

use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    methods::Methods,
    native::{self, ErrorInWords},
};

/// Items of one page, unless asked for fewer.
const PAGE_MAX: usize = 1_000;
const PAGE: usize = 100;

pub(crate) fn register(table: &mut Methods) {
    table.blocking(
        "capstan_contracts",
        [],
        "Every native contract: name, purpose, address or address prefix, ABI.",
        contracts,
    );
    table.quick(
        "capstan_decodeError",
        ["data"],
        "Revert data in words and what to do next; null if neither a native contract nor Solidity has it.",
        |_, (data,): (Bytes,)| Ok(ErrorInWords::read(&data)),
    );
    table.blocking(
        "capstan_accountHistory",
        ["address", "page?"],
        "Transactions that an account sent, received or was made by; newest first. Page: {limit, cursor}.",
        account_history,
    );
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContractInfo {
    name: &'static str,
    about: &'static str,
    /// Where it answers; null for a kind of which there are many.
    address: Option<Address>,
    /// First 14 bytes of the addresses of its kind; null for a canonical address.
    kind_prefix: Option<String>,
    abi: JsonAbi,
}

fn contracts(_: &RpcContext, (): ()) -> RpcResult<Vec<ContractInfo>> {
    let info = |contract: &&'static capstan_contracts::Contract| {
        let (address, kind) = match contract.place {
            Place::At(at) => (Some(at), address::parse(at).map(|(kind, _)| kind)),
            Place::Kind(kind) => (None, Some(kind)),
        };
        ContractInfo {
            name: contract.name,
            about: contract.doc,
            address,
            kind_prefix: kind.map(kind_prefix),
            abi: contract.abi(),
        }
    };
    Ok(registry::all().iter().map(info).collect())
}

fn kind_prefix(kind: Kind) -> String {
    const KIND_PREFIX_BYTES: usize = 14;
    hex::encode_prefixed(&address::native(kind, 0)[..KIND_PREFIX_BYTES])
}

/// Which part of a list.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageAsked {
    limit: Option<usize>,
    cursor: Option<U64>,
}

#[derive(Serialize)]
struct History {
    items: Vec<HistoryItem>,
    /// What to pass for the next page; null at the end.
    cursor: Option<U64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryItem {
    block_number: U64,
    transaction_index: U64,
    transaction_hash: B256,
}

fn account_history(
    cx: &RpcContext,
    (account, page): (Address, Option<PageAsked>),
) -> RpcResult<History> {
    let page = page.unwrap_or_default();
    let limit = page.limit.unwrap_or(PAGE);
    if limit == 0 || limit > PAGE_MAX {
        return Err(RpcError::invalid_params(format!(
            "limit {limit} is not within 1 to {PAGE_MAX}"
        )));
    }
    let cursor = page.cursor.map(|cursor| cursor.to());
    let found = cx
        .chain()
        .account_transactions(account, cursor, limit)
        .map_err(native::chain_error)?;
    let items = found.items.into_iter().map(|item| HistoryItem {
        block_number: U64::from(item.block_number),
        transaction_index: U64::from(item.tx_index),
        transaction_hash: item.tx_hash,
    });
    Ok(History {
        items: items.collect(),
        cursor: found.cursor.map(U64::from),
    })
}
