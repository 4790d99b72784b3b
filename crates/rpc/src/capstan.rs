//! `capstan_`: what this chain has beyond Ethereum.

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, B256, Bytes, U64, hex};
use capstan_contracts::{
    Place,
    address::{self, Kind},
    registry,
};
use serde::Serialize;

use crate::{
    RpcContext,
    error::{RpcResult, chain_error},
    methods::Methods,
    page::{Page, PageAsked},
    words::ErrorInWords,
};

pub(crate) fn register(table: &mut Methods) {
    table.blocking(
        "capstan_contracts",
        [],
        "Every native contract: name, purpose, address or address prefix, ABI.",
        contracts,
    );
    table.blocking(
        "capstan_decodeError",
        ["data"],
        "Revert data in words and what to do next; null if neither a native contract nor Solidity has it.",
        |cx, (data,): (Bytes,)| ErrorInWords::newest(cx, &data),
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
) -> RpcResult<Page<HistoryItem>> {
    let page = page.unwrap_or_default();
    let (limit, cursor) = (page.limit()?, page.cursor());
    let found = cx
        .chain()
        .account_transactions(account, cursor, limit)
        .map_err(chain_error)?;
    let items = found.items.into_iter().map(|item| HistoryItem {
        block_number: U64::from(item.block_number),
        transaction_index: U64::from(item.tx_index),
        transaction_hash: item.tx_hash,
    });
    Ok(Page {
        items: items.collect(),
        cursor: found.cursor.map(U64::from),
    })
}
