//! The scene of a call: a block's environment, the state under it, and what the caller pretends about both.
//!
//! `eth_call` at block N runs with N's header over the state after N, as geth does; `pending` runs in the
//! block that would be made now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, atomic::AtomicBool};

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, TxKind, U256};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use capstan_chain::At;
use capstan_evm::call::{AccountOverride, Checks, Session, StorageOverride};
use capstan_evm::{BlockContext, ExecError, Rules, StateRead};
use capstan_state::BlockInfo;
use revm::context::TxEnv;
use revm::context_interface::either::Either;
use revm::context_interface::result::{ExecutionResult, ResultAndState};

use super::blocks;
use super::refusal::{self, simulate_code};
use crate::RpcContext;
use crate::error::chain_error;
use crate::error::{RpcError, RpcResult};

/// EIP-7825: what one transaction may ask for since Osaka.
pub(crate) const TX_GAS_MAX: u64 = 1 << 24;

/// Accounts and slots that one request may override: bounds memory, far above real use.
const OVERRIDDEN_SLOTS_MAX: usize = 100_000;

/// A block's environment and the state under it.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) rules: Arc<Rules>,
    pub(crate) state: Arc<dyn StateRead>,
    pub(crate) block: BlockContext,
    /// Ends what runs here once nobody waits for it.
    abandoned: Arc<AtomicBool>,
}

impl Scene {
    /// The scene at a block; `latest` if none is named.
    pub(crate) fn at(cx: &RpcContext, id: Option<BlockId>) -> RpcResult<Self> {
        let chain = cx.chain();
        let rules = chain.rules().clone();
        let id = id.unwrap_or_default();
        if matches!(id, BlockId::Number(BlockNumberOrTag::Pending)) {
            let pending = chain.pending().map_err(chain_error)?;
            return Ok(Self {
                rules,
                block: chain.context_of(&pending.block),
                state: pending.state,
                abandoned: cx.abandoned(),
            });
        }
        let block = blocks::find(cx, id)?.ok_or_else(RpcError::header_not_found)?;
        let state = chain
            .state_at(state_of(id, block.hash()))
            .map_err(chain_error)?;
        Ok(Self {
            rules,
            state,
            block: chain.context_of(&block),
            abandoned: cx.abandoned(),
        })
    }

    /// The newest state under the block that comes next: where a transaction that is sent now will run. Later than the
    /// newest block by a moment at least, since what accrues by time costs its first user of a moment more.
    pub(crate) fn upcoming(cx: &RpcContext) -> RpcResult<Self> {
        let mut scene = Self::at(cx, None)?;
        let newest_ms = scene.block.info.time_ms;
        scene.block = cx.chain().next_context();
        let info = &mut scene.block.info;
        info.time_ms = info.time_ms.max(newest_ms.saturating_add(1));
        Ok(scene)
    }

    /// Opens a session with the caller's pretences in place.
    pub(crate) fn open(
        &self,
        state: Option<&StateOverride>,
        block: Option<&BlockOverrides>,
    ) -> RpcResult<Session> {
        let mut ctx = self.block.clone();
        if let Some(overrides) = block {
            override_block(&mut ctx.info, overrides)?;
        }
        let mut session = Session::open(self.rules.clone(), self.state.clone(), ctx)
            .map_err(refusal::execution)?;
        session.stop_when(self.abandoned.clone());
        for (number, hash) in block.iter().flat_map(|b| b.block_hash.iter().flatten()) {
            session.override_block_hash(*number, *hash);
        }
        if let Some(overrides) = state {
            override_state(&mut session, overrides)?;
        }
        Ok(session)
    }

    /// Balance of an account in this scene, the overrides included.
    pub(crate) fn balance(
        &self,
        address: Address,
        over: Option<&StateOverride>,
    ) -> RpcResult<U256> {
        if let Some(balance) = over.and_then(|o| o.get(&address)).and_then(|o| o.balance) {
            return Ok(balance);
        }
        let account = self
            .state
            .account(address)
            .map_err(refusal::state_unreadable)?;
        Ok(account.map_or(U256::ZERO, |account| account.balance))
    }
}

/// State at the newest block includes the overrides of a development chain that wait for the next one, but
/// only if it is asked for by its tag: a block named by number or hash answers as it was.
pub(crate) fn state_of(id: BlockId, hash: alloy_primitives::B256) -> At {
    match id {
        BlockId::Number(
            BlockNumberOrTag::Latest | BlockNumberOrTag::Safe | BlockNumberOrTag::Finalized,
        ) => At::Latest,
        BlockId::Number(BlockNumberOrTag::Pending) => At::Pending,
        _ => At::Hash(hash),
    }
}

/// Puts the caller's block fields in place.
pub(crate) fn override_block(info: &mut BlockInfo, overrides: &BlockOverrides) -> RpcResult<()> {
    let BlockOverrides {
        number,
        difficulty: _, // means nothing since the merge
        time,
        gas_limit,
        coinbase,
        random,
        base_fee,
        blob_base_fee,
        beacon_root: _, // only simulation makes blocks that could hold it
        block_hash: _,  // goes to the session
    } = overrides;
    if blob_base_fee.is_some_and(|fee| !fee.is_zero()) {
        return Err(RpcError::invalid_params(
            "block override blobBaseFee: this chain has no blobs, its blob base fee is always 0",
        ));
    }
    if let Some(number) = number {
        info.number = fits("number", *number)?;
    }
    if let Some(base_fee) = base_fee {
        info.base_fee_wei = u128::from(fits("baseFeePerGas", *base_fee)?);
    }
    if let Some(seconds) = time {
        info.time_ms = seconds.checked_mul(1000).ok_or_else(|| {
            RpcError::invalid_params(format!(
                "block override time: {seconds} seconds is out of range"
            ))
        })?;
    }
    info.gas_limit = gas_limit.unwrap_or(info.gas_limit);
    info.beneficiary = coinbase.unwrap_or(info.beneficiary);
    info.prevrandao = random.unwrap_or(info.prevrandao);
    Ok(())
}

fn fits(field: &str, value: U256) -> RpcResult<u64> {
    u64::try_from(value).map_err(|_| {
        RpcError::invalid_params(format!(
            "block override {field}: {value} does not fit in 64 bits"
        ))
    })
}

/// Puts the caller's accounts in place. Precompile moves are checked first: they must not collide.
pub(crate) fn override_state(session: &mut Session, overrides: &StateOverride) -> RpcResult<()> {
    let mut moved_to = BTreeSet::new();
    let mut slots = 0;
    for (address, over) in overrides {
        if let Some(target) = over.move_precompile_to {
            if target == *address {
                return Err(RpcError::new(
                    simulate_code::MOVE_TO_SELF,
                    format!("MovePrecompileToAddress referenced itself in replacement: {address}"),
                ));
            }
            if !moved_to.insert(target) || overrides.get(&target).is_some_and(|o| o.code.is_some())
            {
                return Err(RpcError::new(
                    simulate_code::MOVE_TWICE,
                    format!("account {target} is already overridden by another override"),
                ));
            }
        }
        slots += over.state.as_ref().map_or(0, |map| map.len());
        slots += over.state_diff.as_ref().map_or(0, |map| map.len());
    }
    if slots > OVERRIDDEN_SLOTS_MAX {
        return Err(RpcError::invalid_params(format!(
            "state override: {slots} slots are more than the limit of {OVERRIDDEN_SLOTS_MAX}"
        )));
    }
    for (address, over) in overrides {
        let words = |map: &alloy_primitives::map::B256HashMap<alloy_primitives::B256>| {
            map.iter()
                .map(|(slot, word)| ((*slot).into(), (*word).into()))
                .collect::<BTreeMap<_, _>>()
        };
        let storage = match (&over.state, &over.state_diff) {
            (Some(_), Some(_)) => {
                return Err(RpcError::server(format!(
                    "account {address} has both 'state' and 'stateDiff'"
                )));
            }
            (Some(whole), None) => Some(StorageOverride::Whole(words(whole))),
            (None, Some(diff)) => Some(StorageOverride::Slots(words(diff))),
            (None, None) => None,
        };
        let change = AccountOverride {
            balance: over.balance,
            nonce: over.nonce,
            code: over.code.clone(),
            storage,
            move_precompile_to: over.move_precompile_to,
        };
        session
            .override_account(*address, &change)
            .map_err(|error| match error {
                ExecError::Internal(why) => RpcError::server(why),
                other => refusal::execution(other),
            })?;
    }
    Ok(())
}

/// What a caller is ready to pay, in wei per gas. Both zero: the call is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fees {
    pub(crate) cap_wei: u128,
    pub(crate) tip_wei: Option<u128>,
}

/// Reads the fees of a request; the mistakes read as geth's.
pub(crate) fn fees(request: &TransactionRequest) -> RpcResult<Fees> {
    let dynamic = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    if request.gas_price.is_some() && dynamic {
        return Err(RpcError::server(
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
        ));
    }
    if let Some(price) = request.gas_price {
        return Ok(Fees {
            cap_wei: price,
            tip_wei: None,
        });
    }
    if !dynamic {
        return Ok(Fees::default());
    }
    let tip_wei = request.max_priority_fee_per_gas.unwrap_or_default();
    match request.max_fee_per_gas {
        Some(cap) if cap < tip_wei => Err(RpcError::server(format!(
            "maxFeePerGas ({cap}) < maxPriorityFeePerGas ({tip_wei})"
        ))),
        // A tip without a cap is a call that pays exactly the tip and no base fee.
        cap => Ok(Fees {
            cap_wei: cap.unwrap_or(tip_wei),
            tip_wei: Some(tip_wei),
        }),
    }
}

/// The request in the EVM's own form.
pub(crate) fn tx_env(
    request: &TransactionRequest,
    chain_id: u64,
    gas_limit: u64,
    nonce: u64,
) -> RpcResult<TxEnv> {
    if request.blob_versioned_hashes.is_some()
        || request.sidecar.is_some()
        || request.max_fee_per_blob_gas.is_some()
    {
        return Err(RpcError::invalid_params(
            "blob transactions are not supported on this chain; send type 0, 1, 2 or 4",
        ));
    }
    if let Some(given) = request.chain_id.filter(|given| *given != chain_id) {
        return Err(RpcError::server(format!(
            "chainId does not match node's (have={given}, want={chain_id})"
        )));
    }
    let input = request.input.unique_input().map_err(|_| {
        RpcError::server(
            "both \"data\" and \"input\" are set and not equal. Please use \"input\" to pass transaction call data",
        )
    })?;
    let Fees { cap_wei, tip_wei } = fees(request)?;
    let authorizations = request.authorization_list.as_deref().unwrap_or_default();
    let tx_type = match () {
        () if request.authorization_list.is_some() => 4,
        () if tip_wei.is_some() => 2,
        () if request.access_list.is_some() => 1,
        () => 0,
    };
    Ok(TxEnv {
        tx_type,
        caller: request.from.unwrap_or_default(),
        gas_limit,
        gas_price: cap_wei,
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data: input.cloned().unwrap_or_default(),
        nonce,
        chain_id: Some(chain_id),
        access_list: request.access_list.clone().unwrap_or_default(),
        gas_priority_fee: tip_wei,
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: authorizations.iter().cloned().map(Either::Left).collect(),
    })
}

/// Which checks a call without a signature must pass: who states no price pays none, and who states one
/// must be able to pay it.
pub(crate) fn call_checks(fees: Fees) -> Checks {
    Checks {
        base_fee: fees.cap_wei > 0,
        ..Checks::CALL
    }
}

/// How many units of gas the sender can pay for, after `value`. `None`: the call is free.
pub(crate) fn affordable_gas(
    balance_wei: U256,
    value_wei: U256,
    fees: Fees,
) -> RpcResult<Option<u64>> {
    if fees.cap_wei == 0 {
        return Ok(None);
    }
    let Some(available) = balance_wei.checked_sub(value_wei) else {
        return Err(RpcError::server("insufficient funds for transfer"));
    };
    let gas = available / U256::from(fees.cap_wei);
    Ok(Some(gas.saturating_to()))
}

/// Runs `tx` in an open session and keeps nothing.
pub(crate) fn run(session: &mut Session, tx: &TxEnv, checks: Checks) -> RpcResult<ResultAndState> {
    let base_fee_wei = u128::from(session.block_env().basefee);
    session
        .run(tx.clone(), checks)
        .map_err(|error| refusal::call_failed(error, tx, base_fee_wei))
}

/// The bytes that an execution returned, or why it failed as `eth_call` answers it.
pub(crate) fn output_of(result: ExecutionResult) -> RpcResult<alloy_primitives::Bytes> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(RpcError::reverted(&output)),
        ExecutionResult::Halt { reason, .. } => Err(RpcError::server(refusal::halt_words(&reason))),
    }
}

#[cfg(test)]
mod tests;
