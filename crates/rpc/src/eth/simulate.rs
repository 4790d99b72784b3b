//! `eth_simulateV1`: whole blocks of calls on top of a real one, as if they had been mined.
//!
//! ```text
//! plan       numbers and times must rise; a gap in the numbers is filled with empty blocks
//!   for each block: overrides -> calls, each sees what the ones before it left -> header -> hash
//! seal       logs learn the hash of their block
//! ```
//!
//! Without `validation` nonces, fees and gas limits are filled in and not checked, and the base fee is zero;
//! with it every call must be a transaction that could stand in the block. A call that reverts or halts is an
//! answer; one that may not run fails the request with its own code (-380xx).
//!
//! A simulated block begins as a real one does (EIP-4788, EIP-2935), and its header carries all roots. The state root
//! is zero where it cannot be known: beyond the reach of proofs, and where the whole storage of a contract was
//! pretended away.

use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, Transaction as _, TxType,
    proofs::{calculate_receipt_root, calculate_transaction_root},
    transaction::Recovered,
};
use alloy_eips::BlockId;
use alloy_eips::eip4895::Withdrawals;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{B256, Bloom, Bytes, TxKind, U256};
use alloy_rpc_types_eth as rpc;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_eth::simulate::{
    MAX_SIMULATE_BLOCKS, SimBlock, SimCallResult, SimulateError, SimulatePayload, SimulatedBlock,
};
use capstan_chain::ChainError;
use capstan_evm::call::{Checks, Session};
use capstan_evm::{BlockContext, ExecError, Fork, Rules, Tx};
use capstan_state::BlockInfo;
use revm::context_interface::result::ExecutionResult;
use revm_inspectors::transfer::TransferInspector;

use super::blocks;
use super::refusal::{self, Refusal, halt_words, simulate_code};
use super::scene::{self, Scene, TX_GAS_MAX};
use crate::RpcContext;
use crate::convert::{RpcBlock, RpcTransaction, Transactions};
use crate::error::chain_error;
use crate::error::{RpcError, RpcResult};
use crate::methods::Methods;

/// Seconds between simulated blocks that do not say their time.
const BLOCK_SECONDS: u64 = 1;

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table.blocking(
        "eth_simulateV1",
        ["payload", "block?"],
        "Runs blocks of calls on top of a block, with overrides, and answers the blocks and what each call did.",
        simulate,
    ).heavy();
}

fn simulate(
    cx: &RpcContext,
    (payload, id): (SimulatePayload, Option<BlockId>),
) -> RpcResult<Vec<SimulatedBlock<RpcBlock>>> {
    if payload.block_state_calls.is_empty() {
        return Err(RpcError::invalid_params("empty input"));
    }
    let scene = Scene::at(cx, id)?;
    let base = blocks::find(cx, id.unwrap_or_default())?.ok_or_else(RpcError::header_not_found)?;
    let mut simulation = Simulation {
        cx,
        validation: payload.validation,
        trace_transfers: payload.trace_transfers,
        transactions: payload.return_full_transactions.into(),
        gas_left: cx.limits().call_gas_max,
        session: scene.open(None, None)?,
        rules: scene.rules,
        base_hash: base.hash(),
        parent: base.header.inner().clone(),
        parent_hash: base.hash(),
        parent_user_gas: base.user_gas_used,
    };
    plan(&simulation.parent, payload.block_state_calls)?
        .into_iter()
        .map(|planned| simulation.block(planned))
        .collect()
}

/// Times beyond it, in milliseconds, would near the end of what 64 bits hold.
const SECONDS_MAX: u64 = u64::MAX / 2_000;

/// A block with number and time settled.
#[derive(Debug)]
struct Planned {
    number: u64,
    seconds: u64,
    block: SimBlock,
}

/// Settles numbers and times. Both must rise; a gap in the numbers is filled with empty blocks.
fn plan(base: &Header, asked: Vec<SimBlock>) -> RpcResult<Vec<Planned>> {
    let too_many = || {
        RpcError::new(
            simulate_code::LIMIT,
            format!("too many blocks: one simulation may span {MAX_SIMULATE_BLOCKS}"),
        )
    };
    let (mut number, mut seconds) = (base.number, base.timestamp);
    let mut planned = Vec::new();
    for block in asked {
        let overrides = block.block_overrides.as_ref();
        let wanted = match overrides.and_then(|o| o.number) {
            Some(wanted) => u64::try_from(wanted).map_err(|_| too_many())?,
            None => number + 1,
        };
        if wanted <= number {
            return Err(RpcError::new(
                simulate_code::BLOCK_NUMBER,
                format!("block numbers must be in order: {wanted} <= {number}"),
            ));
        }
        if wanted - base.number > MAX_SIMULATE_BLOCKS {
            return Err(too_many());
        }
        for filler in number + 1..wanted {
            seconds += BLOCK_SECONDS;
            planned.push(Planned {
                number: filler,
                seconds,
                block: SimBlock::default(),
            });
        }
        let time = overrides
            .and_then(|o| o.time)
            .unwrap_or(seconds + BLOCK_SECONDS);
        // Blocks come several times a second, so a second may hold more than one of them.
        if time > SECONDS_MAX {
            return Err(RpcError::new(
                simulate_code::BLOCK_TIME,
                format!("block timestamp {time} is out of range: at most {SECONDS_MAX}"),
            ));
        }
        if time < seconds {
            return Err(RpcError::new(
                simulate_code::BLOCK_TIME,
                format!("block timestamps must be in order: {time} < {seconds}"),
            ));
        }
        (number, seconds) = (wanted, time);
        planned.push(Planned {
            number,
            seconds,
            block,
        });
    }
    Ok(planned)
}

/// Everything that a simulation carries from block to block.
struct Simulation<'a> {
    cx: &'a RpcContext,
    validation: bool,
    trace_transfers: bool,
    transactions: Transactions,
    /// Gas that all blocks together may still use.
    gas_left: u64,
    session: Session,
    rules: std::sync::Arc<Rules>,
    /// The real block below all simulated ones.
    base_hash: B256,
    parent: Header,
    parent_hash: B256,
    parent_user_gas: u64,
}

/// What one call left behind.
struct Called {
    tx: Recovered<Tx>,
    receipt: ReceiptEnvelope,
    result: SimCallResult,
}

impl Simulation<'_> {
    fn block(&mut self, planned: Planned) -> RpcResult<SimulatedBlock<RpcBlock>> {
        // Also between empty blocks: each has a root over all that changed before it.
        self.cx.check_deadline()?;
        let info = self.info(&planned)?;
        let ctx = BlockContext {
            info: info.clone(),
            parent_hash: self.parent_hash,
            parent_beacon_root: planned
                .block
                .block_overrides
                .as_ref()
                .and_then(|o| o.beacon_root)
                .unwrap_or_default(),
        };
        let beacon_root = ctx.parent_beacon_root;
        self.session.next_block(ctx).map_err(refusal::execution)?;
        self.session
            .override_block_hash(self.parent.number, self.parent_hash);
        if let Some(hashes) = planned
            .block
            .block_overrides
            .iter()
            .find_map(|o| o.block_hash.as_ref())
        {
            for (number, hash) in hashes {
                self.session.override_block_hash(*number, *hash);
            }
        }
        if let Some(overrides) = &planned.block.state_overrides {
            scene::override_state(&mut self.session, overrides)?;
        }
        self.session.begin_block().map_err(refusal::execution)?;
        let mut gas_used = 0;
        let mut called = Vec::with_capacity(planned.block.calls.len());
        for request in planned.block.calls {
            self.cx.check_deadline()?;
            let done = self.call(request, &info, &mut gas_used)?;
            called.push(done);
        }
        let mut header = header(&info, self.parent_hash, beacon_root, gas_used, &called);
        header.state_root = self.state_root()?;
        Ok(self.seal(header, called))
    }

    /// Root of the state as it stands, or zero where it cannot be known.
    fn state_root(&self) -> RpcResult<B256> {
        let changes = self.session.changes().map_err(refusal::state_unreadable)?;
        let Some(changes) = changes else {
            return Ok(B256::ZERO);
        };
        match self.cx.chain().root_with(self.base_hash, &changes) {
            Ok(root) => Ok(root),
            Err(ChainError::ProofWindow { .. } | ChainError::UnknownBlock(_)) => Ok(B256::ZERO),
            Err(error) => Err(chain_error(error)),
        }
    }

    /// The environment of a block: what the caller says, otherwise what follows from its parent.
    fn info(&self, planned: &Planned) -> RpcResult<BlockInfo> {
        let parent_fee_wei = u128::from(self.parent.base_fee_per_gas.unwrap_or_default());
        let base_fee_wei = match self.validation {
            true => self
                .rules
                .next_base_fee_wei(parent_fee_wei, self.parent_user_gas),
            false => 0,
        };
        let mut info = BlockInfo {
            chain_id: self.rules.chain_id,
            number: planned.number,
            time_ms: planned.seconds * 1000,
            beneficiary: self.parent.beneficiary,
            base_fee_wei,
            prevrandao: B256::ZERO,
            gas_limit: self.parent.gas_limit,
            version: self.rules.version_at(planned.number),
        };
        if let Some(overrides) = &planned.block.block_overrides {
            scene::override_block(&mut info, overrides)?;
        }
        // Times rise from block to block, also where whole seconds do not.
        let parent_ms = capstan_chain::header_time_ms(&self.parent);
        info.time_ms = info.time_ms.max(parent_ms + 1);
        Ok(info)
    }

    fn call(
        &mut self,
        request: TransactionRequest,
        info: &BlockInfo,
        gas_used: &mut u64,
    ) -> RpcResult<Called> {
        let tx = self.fill(request, info, *gas_used)?;
        let checks = if self.validation {
            Checks::ALL
        } else {
            Checks::CALL
        };
        let env = tx_env_of(&tx, self.rules.chain_id)?;
        let mut transfers = TransferInspector::new(false).with_logs(true);
        let ended = match self.trace_transfers {
            true => self
                .session
                .run_watched(env.clone(), checks, &mut transfers),
            false => self.session.run(env.clone(), checks),
        };
        let ended = ended.map_err(|error| match error {
            ExecError::Refused(refused) => {
                let refusal = Refusal::new(&refused, &env, info.base_fee_wei);
                RpcError::new(refusal.simulate_code, refusal.with_gas(&env))
            }
            other => refusal::execution(other),
        })?;
        self.session.commit(&ended.state);
        let used = ended.result.tx_gas_used();
        *gas_used += used;
        self.gas_left = self.gas_left.saturating_sub(used);
        Ok(called(tx, ended.result, *gas_used))
    }

    /// The transaction that a request stands for, with everything that it leaves open filled in.
    fn fill(
        &self,
        mut request: TransactionRequest,
        info: &BlockInfo,
        gas_used: u64,
    ) -> RpcResult<Recovered<Tx>> {
        let block_gas_left = info.gas_limit.saturating_sub(gas_used);
        let sender = request.from.unwrap_or_default();
        // Reads the request once for its mistakes: blobs, another chain, two inputs, two kinds of fees.
        scene::tx_env(&request, self.rules.chain_id, 0, 0)?;
        if let Some(gas) = request.gas.filter(|gas| *gas > block_gas_left) {
            return Err(RpcError::new(
                simulate_code::BLOCK_GAS,
                format!(
                    "block gas limit reached: {gas_used} + {gas} >= {}",
                    info.gas_limit
                ),
            ));
        }
        let mut gas = request.gas.unwrap_or(block_gas_left);
        if request.gas.is_none() && self.rules.fork_at(info.number) >= Fork::Osaka {
            gas = gas.min(TX_GAS_MAX);
        }
        if gas.min(block_gas_left) > 0 && self.gas_left == 0 {
            return Err(RpcError::new(
                simulate_code::LIMIT,
                format!(
                    "gas limit of the simulation reached: {}",
                    self.cx.limits().call_gas_max
                ),
            ));
        }
        request.gas = Some(gas.min(self.gas_left));
        if request.nonce.is_none() {
            request.nonce = Some(
                self.session
                    .nonce(sender)
                    .map_err(refusal::state_unreadable)?,
            );
        }
        request.chain_id = Some(self.rules.chain_id);
        request.to = Some(request.to.unwrap_or(TxKind::Create));
        request.normalize_input();
        if request.gas_price.is_none() {
            let tip_wei = request.max_priority_fee_per_gas.get_or_insert_default();
            request.max_fee_per_gas.get_or_insert(*tip_wei);
        }
        let tx = request
            .build_typed_simulate_transaction()
            .map_err(|error| {
                RpcError::invalid_params(format!("call is not a transaction: {error}"))
            })?;
        Ok(Recovered::new_unchecked(tx, sender))
    }

    /// Gives a finished block its hash, its logs their place, and makes it the next one's parent.
    fn seal(&mut self, header: Header, called: Vec<Called>) -> SimulatedBlock<RpcBlock> {
        let hash = header.hash_slow();
        let base_fee_wei = header.base_fee_per_gas;
        let mut log_index = 0;
        let mut calls = Vec::with_capacity(called.len());
        let mut full = Vec::with_capacity(called.len());
        let mut hashes = Vec::with_capacity(called.len());
        for (index, Called { tx, mut result, .. }) in called.into_iter().enumerate() {
            for log in &mut result.logs {
                log.block_hash = Some(hash);
                log.block_number = Some(header.number);
                log.block_timestamp = Some(header.timestamp);
                log.transaction_index = Some(index as u64);
                log.log_index = Some(log_index);
                log_index += 1;
            }
            calls.push(result);
            hashes.push(*tx.tx_hash());
            full.push(RpcTransaction {
                effective_gas_price: Some(tx.effective_gas_price(base_fee_wei)),
                inner: tx,
                block_hash: Some(hash),
                block_number: Some(header.number),
                transaction_index: Some(index as u64),
                block_timestamp: Some(header.timestamp),
            });
        }
        let size = alloy_consensus::Block::<Tx, Header>::rlp_length_for(
            &header,
            &alloy_consensus::BlockBody {
                transactions: full.iter().map(|tx| tx.inner.inner().clone()).collect(),
                ommers: Vec::new(),
                withdrawals: Some(Withdrawals::default()),
            },
        );
        let transactions = match self.transactions {
            Transactions::Full => rpc::BlockTransactions::Full(full),
            Transactions::Hashes => rpc::BlockTransactions::Hashes(hashes),
        };
        // Every simulated transaction is a user's, so all gas is demand.
        self.parent_user_gas = header.gas_used;
        self.parent_hash = hash;
        self.parent = header.clone();
        let header = rpc::Header {
            hash,
            inner: header,
            total_difficulty: None,
            size: Some(U256::from(size)),
        };
        let withdrawals = Some(Withdrawals::default());
        let inner = rpc::Block {
            header,
            uncles: Vec::new(),
            transactions,
            withdrawals,
        };
        SimulatedBlock { inner, calls }
    }
}

/// The EVM's form of a filled transaction, with the nonce and gas that were filled in.
fn tx_env_of(tx: &Recovered<Tx>, chain_id: u64) -> RpcResult<revm::context::TxEnv> {
    let mut request = TransactionRequest::from_recovered_transaction(tx.clone());
    // Type 2 with zero fees and a legacy price of zero run alike; the request keeps the one it was given.
    request.transaction_type = None;
    scene::tx_env(&request, chain_id, tx.gas_limit(), tx.nonce())
}

/// Receipt and answer of one call.
fn called(tx: Recovered<Tx>, result: ExecutionResult, cumulative_gas_used: u64) -> Called {
    let gas_used = result.tx_gas_used();
    let max_used_gas = Some(result.gas().total_gas_spent().max(gas_used));
    let (status, return_data, logs, error) = match result {
        ExecutionResult::Success { logs, output, .. } => (true, output.into_data(), logs, None),
        ExecutionResult::Revert { output, .. } => {
            let reverted = RpcError::reverted(&output);
            let error = SimulateError {
                code: 3,
                message: reverted.message.into_owned(),
                data: Some(output.clone()),
            };
            (false, output, Vec::new(), Some(error))
        }
        ExecutionResult::Halt { reason, .. } => {
            let error = SimulateError {
                code: SimulateError::VM_EXECUTION_ERROR_CODE,
                message: halt_words(&reason),
                data: None,
            };
            (false, Bytes::new(), Vec::new(), Some(error))
        }
    };
    let hash = *tx.tx_hash();
    let placed = |log| rpc::Log {
        inner: log,
        transaction_hash: Some(hash),
        ..Default::default()
    };
    let result = SimCallResult {
        return_data,
        logs: logs.iter().cloned().map(placed).collect(),
        gas_used,
        max_used_gas,
        status,
        error,
    };
    let tx_type = TxType::try_from(alloy_consensus::Typed2718::ty(&*tx)).unwrap_or(TxType::Legacy);
    let receipt = Receipt {
        status: status.into(),
        cumulative_gas_used,
        logs,
    }
    .with_bloom();
    Called {
        receipt: ReceiptEnvelope::from_typed(tx_type, receipt),
        tx,
        result,
    }
}

fn header(
    info: &BlockInfo,
    parent_hash: B256,
    beacon_root: B256,
    gas_used: u64,
    called: &[Called],
) -> Header {
    let transactions: Vec<&Tx> = called.iter().map(|call| call.tx.inner()).collect();
    let receipts: Vec<&ReceiptEnvelope> = called.iter().map(|call| &call.receipt).collect();
    let mut logs_bloom = Bloom::ZERO;
    for receipt in &receipts {
        logs_bloom |= *receipt.logs_bloom();
    }
    let (timestamp, extra_data) = capstan_chain::split_time_ms(info.time_ms);
    Header {
        parent_hash,
        beneficiary: info.beneficiary,
        transactions_root: calculate_transaction_root(&transactions),
        receipts_root: calculate_receipt_root(&receipts),
        state_root: B256::ZERO,
        logs_bloom,
        number: info.number,
        gas_limit: info.gas_limit,
        gas_used,
        timestamp,
        extra_data,
        mix_hash: info.prevrandao,
        base_fee_per_gas: u64::try_from(info.base_fee_wei).ok(),
        withdrawals_root: Some(alloy_consensus::EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(beacon_root),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

#[cfg(test)]
mod tests;
