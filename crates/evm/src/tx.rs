//! A signed transaction in the EVM's own form.

use alloy_consensus::{Transaction, Typed2718, transaction::Recovered};
use revm::context::TxEnv;
use revm::context_interface::either::Either;

use crate::Tx;

/// What the EVM needs to know of a signed transaction.
pub(crate) fn to_env(tx: &Recovered<Tx>) -> TxEnv {
    let body: &Tx = tx.inner();
    TxEnv {
        tx_type: body.ty(),
        caller: tx.signer(),
        gas_limit: body.gas_limit(),
        gas_price: body.max_fee_per_gas(),
        kind: body.kind(),
        value: body.value(),
        data: body.input().clone(),
        nonce: body.nonce(),
        chain_id: body.chain_id(),
        access_list: body.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: body.max_priority_fee_per_gas(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: body
            .authorization_list()
            .map(|list| list.iter().cloned().map(Either::Left).collect())
            .unwrap_or_default(),
    }
}
