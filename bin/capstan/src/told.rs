//! What a development chain says about each transaction: who, to whom, what it cost, and why it failed.
//!
//! A receipt does not hold why a transaction failed, so a block with a failed one is executed again up to it.

use std::ops::RangeInclusive;

use alloy_consensus::Transaction as _;
use alloy_primitives::Address;
use capstan_chain::{At, Block, Chain};
use capstan_contracts::{decode_call, resolve};
use capstan_evm::{BlockRun, TxOutcome};
use capstan_rpc::RpcError;
use tracing::field::display;

/// A line for each of the first `most` transactions of users in these blocks.
pub(crate) fn tell(chain: &Chain, blocks: RangeInclusive<u64>, most: usize) {
    let mut left = most;
    for number in blocks {
        if left == 0 {
            return;
        }
        // A block that a rewind has just taken away has nothing to tell.
        let Ok(Some(block)) = chain.block(number) else {
            continue;
        };
        let users = (0..block.transactions.len()).filter(|&index| !block.is_system(index));
        let users: Vec<usize> = users.take(left).collect();
        left -= users.len();
        let outcomes = outcomes(chain, &block, &users);
        for index in users {
            tell_one(&block, index, outcomes.get(index));
        }
    }
}

/// How the transactions of a block ended, up to the last failed one of these; nothing if none failed, or if the state
/// below the block is no longer kept.
fn outcomes(chain: &Chain, block: &Block, users: &[usize]) -> Vec<TxOutcome> {
    let failed = |index: &&usize| !block.receipts[**index].status();
    let again = || -> Option<Vec<TxOutcome>> {
        let last = *users.iter().rev().find(failed)?;
        let parent = chain.state_at(At::Hash(block.header.parent_hash)).ok()?;
        let context = chain.context_of(block);
        let mut run = BlockRun::open(chain.rules().clone(), parent, context).ok()?;
        let transactions = block.transactions.iter().take(last + 1);
        transactions.map(|tx| run.any(tx).ok()).collect()
    };
    again().unwrap_or_default()
}

fn tell_one(block: &Block, index: usize, outcome: Option<&TxOutcome>) {
    let tx = &block.transactions[index];
    let (block_number, hash, from) = (block.number(), tx.tx_hash(), tx.signer());
    let gas_used = block.gas_used_by(index);
    let to = tx.to().map(display);
    let call = tx.to().and_then(|to| call_words(to, tx.input()));
    let call = call.as_deref();
    if block.receipts[index].status() {
        let created = block.created_address(index).map(display);
        tracing::info!(block = block_number, %hash, %from, to, created, call, gas_used, "transaction");
    } else {
        let reason = outcome.map(reason);
        let reason = reason.as_deref();
        tracing::warn!(block = block_number, %hash, %from, to, call, gas_used, reason, "transaction failed");
    }
}

/// The verb of a native contract that a transaction calls, as `token.transfer`.
fn call_words(to: Address, input: &[u8]) -> Option<String> {
    let contract = resolve(to)?;
    let call = decode_call(contract, input)?;
    Some(format!("{}.{}", contract.name, call.name))
}

/// In the words that RPC has for it.
fn reason(outcome: &TxOutcome) -> String {
    match &outcome.halt {
        Some(halt) => format!("execution halted: {halt:?}"),
        None => RpcError::reverted(&outcome.output).message.into_owned(),
    }
}
