//! Streams, as the contract's views answer them, and the calls of a wallet that pays or owns one.
//!
//! The chain lists no streams of an owner or a payer: events name those that were ever his, and the streams say whose they are.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use capstan_contracts::streams::{
    ADDRESS,
    IStreams::{
        Stream as Fields, StreamOpened, StreamTransferred, cancelCall, collectCall, dueOfCall,
        openCall, openSettledCall, payInCall, stopCall, streamCall, transferCall,
    },
};

use crate::{AccountName, Call, ClientError, Node, events_in, events_of};

/// A stream as it is now.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its number.
    pub id: u64,
    /// What it is.
    pub fields: Fields,
    /// What has flowed and is not collected.
    pub due: U256,
}

impl Stream {
    /// Whether it was stopped and paid its last unit.
    pub fn is_over(&self) -> bool {
        self.fields.isStopped && self.due.is_zero()
    }
}

/// A stream; none if nobody ever opened it.
///
/// # Errors
/// The node does not answer.
pub async fn stream(node: &Node, id: u64) -> Result<Option<Stream>, ClientError> {
    let fields = match node.view(ADDRESS, &streamCall { streamId: id }).await {
        Ok(fields) => fields,
        Err(ClientError::Reverted(_)) => return Ok(None),
        Err(other) => return Err(other),
    };
    let due = node.view(ADDRESS, &dueOfCall { streamId: id }).await?;
    Ok(Some(Stream { id, fields, due }))
}

/// Streams that somebody owns or pays, newest first, without those that are over.
///
/// # Errors
/// The node does not answer, or has forgotten its beginning.
pub async fn streams_of(node: &Node, who: Address) -> Result<Vec<Stream>, ClientError> {
    let word = Some(who.into_word());
    let mut ids = BTreeSet::new();
    for at in [[None, word, None], [None, None, word]] {
        let opened = events_of::<StreamOpened>(node, ADDRESS, &at).await?;
        ids.extend(opened.into_iter().map(|(_, event)| event.streamId));
    }
    let came = events_of::<StreamTransferred>(node, ADDRESS, &[None, None, word]).await?;
    ids.extend(came.into_iter().map(|(_, event)| event.streamId));
    let mut all = Vec::new();
    for id in ids.into_iter().rev() {
        all.extend(stream(node, id).await?);
    }
    all.retain(|one| [one.fields.owner, one.fields.payer].contains(&who) && !one.is_over());
    Ok(all)
}

/// When a timed stream flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// From when on; zero is now.
    pub start_ms: u64,
    /// Nothing is to be had before; zero is the start.
    pub cliff_ms: u64,
    /// Until when.
    pub end_ms: u64,
    /// Whether its payer can never stop it.
    pub is_final: bool,
}

/// The call that opens a timed stream of the caller's wallet.
pub fn open_stream(asset_id: u32, to: AccountName, amount: U256, flow: Flow) -> Call {
    call(&openCall {
        assetId: asset_id,
        owner: to.owner,
        ownerIndex: to.index,
        amount,
        startMs: flow.start_ms,
        cliffMs: flow.cliff_ms,
        endMs: flow.end_ms,
        isFinal: flow.is_final,
    })
}

/// The call that opens a stream into which the caller pays amounts as they fall due.
pub fn open_settled_stream(asset_id: u32, to: AccountName) -> Call {
    call(&openSettledCall {
        assetId: asset_id,
        owner: to.owner,
        ownerIndex: to.index,
    })
}

/// The call that pays more in from the caller's wallet.
pub fn pay_into_stream(id: u64, amount: U256) -> Call {
    call(&payInCall {
        streamId: id,
        amount,
    })
}

/// The call that brings what is due to the wallet of the owner.
pub fn collect_stream(id: u64) -> Call {
    call(&collectCall { streamId: id })
}

/// The call after which nothing more flows; what has not flowed waits for `cancel`.
pub fn stop_stream(id: u64) -> Call {
    call(&stopCall { streamId: id })
}

/// The call that stops a stream and brings what has not flowed back to its payer.
pub fn cancel_stream(id: u64) -> Call {
    call(&cancelCall { streamId: id })
}

/// The call that makes somebody else the owner.
pub fn hand_over_stream(id: u64, to: AccountName) -> Call {
    call(&transferCall {
        streamId: id,
        to: to.owner,
        index: to.index,
    })
}

fn call<C: SolCall>(verb: &C) -> Call {
    Call {
        to: ADDRESS,
        input: verb.abi_encode().into(),
        value_wei: U256::ZERO,
    }
}

/// The number of the stream that a transaction opened; none if it opened none.
///
/// # Errors
/// The node does not answer.
pub async fn opened_stream(node: &Node, transaction: B256) -> Result<Option<u64>, ClientError> {
    let opened = events_in::<StreamOpened>(node, ADDRESS, transaction).await?;
    Ok(opened.last().map(|event| event.streamId))
}
