//! What contracts told: in one transaction, or ever.

use alloy_primitives::{Address, B256, Bytes, LogData};
use alloy_sol_types::SolEvent;
use serde::Deserialize;
use serde_json::json;

use crate::{ClientError, Node};

#[derive(Deserialize)]
struct Receipt {
    logs: Vec<Log>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    transaction_hash: B256,
}

impl Log {
    fn read<E: SolEvent>(self) -> Option<E> {
        let log = LogData::new(self.topics, self.data)?;
        E::decode_log_data(&log).ok()
    }
}

/// Events of one kind that a contract told in a transaction that was mined.
///
/// # Errors
/// The node does not answer.
pub async fn events_in<E: SolEvent>(
    node: &Node,
    contract: Address,
    transaction: B256,
) -> Result<Vec<E>, ClientError> {
    let method = "eth_getTransactionReceipt";
    let receipt: Receipt = node.read(method, json!([transaction])).await?;
    let logs = receipt.logs.into_iter();
    let logs = logs.filter(|log| log.address == contract);
    Ok(logs.filter_map(Log::read).collect())
}

/// Events of one kind that a contract ever told, with these words behind the first topic, and their transactions.
///
/// # Errors
/// The node does not answer, or has forgotten its beginning.
pub async fn events_of<E: SolEvent>(
    node: &Node,
    contract: Address,
    words: &[Option<B256>],
) -> Result<Vec<(B256, E)>, ClientError> {
    let first = [Some(E::SIGNATURE_HASH)];
    let topics: Vec<_> = first.iter().chain(words).collect();
    let filter = json!([{
        "fromBlock": "0x0",
        "toBlock": "latest",
        "address": contract,
        "topics": topics,
    }]);
    let logs: Vec<Log> = node.read("eth_getLogs", filter).await?;
    let read = |log: Log| Some((log.transaction_hash, log.read()?));
    Ok(logs.into_iter().filter_map(read).collect())
}
