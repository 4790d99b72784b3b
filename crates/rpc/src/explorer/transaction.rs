//! `capstan_decodeTransaction`: what a transaction was made to do and what it did, in words.

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, U64, U256};
use serde::Serialize;

use super::told::{Event, Teller, Work};
use crate::{
    RpcContext, error::RpcResult, eth::blocks::mined, fixed::Fixed, labels, methods::Methods,
};

pub(super) fn register(table: &mut Methods) {
    table.blocking(
        "capstan_decodeTransaction",
        ["hash"],
        "A transaction in words: the call, actions of a batch, system work, and its events, with amounts in units; null if there is none.",
        decode_transaction,
    );
}

/// Events that one answer tells; a transaction may have more.
const EVENTS_MAX: usize = 1_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    hash: B256,
    from: Address,
    /// Null where it creates a contract.
    to: Option<Address>,
    /// Name of a native contract.
    to_name: Option<&'static str>,
    nonce: U64,
    value: Fixed,
    /// Whether it is the block's own.
    is_system: bool,
    #[serde(flatten)]
    work: Work,
    /// Null while it waits in the pool.
    done: Option<Done>,
}

/// What came of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    block_number: U64,
    /// Time of the block in milliseconds.
    time_ms: U64,
    index: U64,
    /// False if it failed; what it did then is undone.
    is_success: bool,
    gas_used: U64,
    fee: Fixed,
    created: Option<Address>,
    events: Vec<Event>,
    event_count: U64,
}

fn decode_transaction(cx: &RpcContext, (hash,): (B256,)) -> RpcResult<Option<Told>> {
    let mut teller = Teller::new(cx)?;
    let Some((block, index)) = mined(cx, hash)? else {
        let Some(waiting) = cx.chain().pool().get(&hash) else {
            return Ok(None);
        };
        let tx = &waiting.tx;
        return told(&mut teller, hash, tx.signer(), tx, false, None).map(Some);
    };
    let (Some(tx), Some(receipt)) = (block.transactions.get(index), block.receipts.get(index))
    else {
        return Ok(None);
    };
    let mut events = Vec::new();
    for log in receipt.logs().iter().take(EVENTS_MAX) {
        events.push(teller.event(log)?);
    }
    let gas_used = block.gas_used_by(index);
    let fee_wei =
        U256::from(gas_used).saturating_mul(U256::from(block.effective_gas_price_wei(index)));
    let done = Done {
        block_number: U64::from(block.number()),
        time_ms: U64::from(block.time_ms()),
        index: U64::from(index),
        is_success: receipt.status(),
        gas_used: U64::from(gas_used),
        fee: Fixed::wad(fee_wei),
        created: block.created_address(index),
        events,
        event_count: U64::from(receipt.logs().len()),
    };
    let is_system = block.is_system(index);
    told(&mut teller, hash, tx.signer(), tx, is_system, Some(done)).map(Some)
}

fn told(
    teller: &mut Teller<'_>,
    hash: B256,
    from: Address,
    tx: &capstan_evm::Tx,
    is_system: bool,
    done: Option<Done>,
) -> RpcResult<Told> {
    Ok(Told {
        hash,
        from,
        to: tx.to(),
        to_name: tx.to().and_then(labels::contract_at),
        nonce: U64::from(tx.nonce()),
        value: Fixed::wad(tx.value()),
        is_system,
        work: teller.work(tx)?,
        done,
    })
}
