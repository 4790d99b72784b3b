//! `eth_call` and `eth_createAccessList`: run a request against a state and throw the result away.

use std::collections::BTreeSet;

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U256, map::HashMap};
use alloy_rpc_types_eth::{
    AccessList, AccessListItem, AccessListResult, BlockOverrides, TransactionRequest,
    state::StateOverride,
};
use capstan_evm::call::{Checks, Session};
use revm::context::TxEnv;
use revm::context_interface::result::{ExecutionResult, ResultAndState};
use revm_inspectors::access_list::AccessListInspector;

use super::refusal;
use super::scene::{Fees, Scene, affordable_gas, call_checks, fees, output_of, run, tx_env};
use crate::RpcContext;
use crate::error::RpcResult;
use crate::labels;
use crate::methods::Methods;

/// Rounds after which an access list that keeps changing is answered as it stands.
const ACCESS_LIST_ROUNDS_MAX: usize = 16;

/// Puts the rows of this file into the table.
pub(crate) fn register(table: &mut Methods) {
    table
        .blocking(
            "eth_call",
            [
                "transaction",
                "block?",
                "stateOverrides?",
                "blockOverrides?",
            ],
            "Runs a call on the state of a block and answers what it returns.",
            call,
        )
        .heavy();
    table.blocking(
        "eth_createAccessList",
        ["transaction", "block?", "stateOverrides?"],
        "The accounts and slots that a transaction touches, and the gas that it uses with them listed.",
        create_access_list,
    ).heavy();
}

type CallParams = (
    TransactionRequest,
    Option<BlockId>,
    Option<StateOverride>,
    Option<BlockOverrides>,
);

fn call(cx: &RpcContext, (request, id, state, block): CallParams) -> RpcResult<Bytes> {
    let scene = Scene::at(cx, id)?;
    let mut session = scene.open(state.as_ref(), block.as_ref())?;
    let (tx, checks) = prepare(cx, &scene, &session, &request, state.as_ref())?;
    listen(cx, &mut session);
    let ended = run(&mut session, &tx, checks);
    show_heard(&mut session, "eth_call");
    output_of(ended?.result)
}

/// A development chain shows what calls say to `console.log`.
pub(crate) fn listen(cx: &RpcContext, session: &mut Session) {
    if cx.chain().dev().is_some() {
        session.listen();
    }
}

/// Shows what was said since the last time.
pub(crate) fn show_heard(session: &mut Session, method: &str) {
    for line in session.heard() {
        tracing::info!(target: "console", method, "{line}");
    }
}

/// The request with everything that it leaves open filled in. Without a gas limit it gets the node's cap, or
/// what the sender can pay for if it states a price.
pub(crate) fn prepare(
    cx: &RpcContext,
    scene: &Scene,
    session: &Session,
    request: &TransactionRequest,
    state: Option<&StateOverride>,
) -> RpcResult<(TxEnv, Checks)> {
    let fees = fees(request)?;
    let gas_limit = gas_limit(cx, scene, request, state, fees)?;
    let sender = request.from.unwrap_or_default();
    let nonce = match request.nonce {
        Some(nonce) => nonce,
        None => session.nonce(sender).map_err(refusal::state_unreadable)?,
    };
    Ok((
        tx_env(request, scene.rules.chain_id, gas_limit, nonce)?,
        call_checks(fees),
    ))
}

fn gas_limit(
    cx: &RpcContext,
    scene: &Scene,
    request: &TransactionRequest,
    state: Option<&StateOverride>,
    fees: Fees,
) -> RpcResult<u64> {
    let cap = cx.limits().call_gas_max;
    if let Some(gas) = request.gas {
        return Ok(gas.min(cap));
    }
    let balance_wei = scene.balance(request.from.unwrap_or_default(), state)?;
    let affordable = affordable_gas(balance_wei, request.value.unwrap_or_default(), fees)?;
    Ok(affordable.map_or(cap, |gas| gas.min(cap)))
}

/// Runs the transaction until its list no longer changes: a listed slot makes gas cheaper, and a contract that
/// looks at the gas left may take another path.
fn create_access_list(
    cx: &RpcContext,
    (request, id, state): (TransactionRequest, Option<BlockId>, Option<StateOverride>),
) -> RpcResult<AccessListResult> {
    let scene = Scene::at(cx, id)?;
    let mut session = scene.open(state.as_ref(), None)?;
    let (mut tx, checks) = prepare(cx, &scene, &session, &request, state.as_ref())?;
    tx.tx_type = tx.tx_type.max(1);
    let base_fee_wei = u128::from(session.block_env().basefee);
    let mut list = request.access_list.unwrap_or_default();
    let mut rounds = 0;
    loop {
        cx.check_deadline()?;
        tx.access_list = list.clone();
        let mut inspector = AccessListInspector::new(list.clone());
        let done = session
            .run_watched(tx.clone(), checks, &mut inspector)
            .map_err(|error| refusal::call_failed(error, &tx, base_fee_wei))?;
        let touched = touched(inspector.into_access_list(), &done);
        rounds += 1;
        if touched == list || rounds == ACCESS_LIST_ROUNDS_MAX {
            let error = match &done.result {
                ExecutionResult::Success { .. } => None,
                ExecutionResult::Revert { .. } => Some("execution reverted".to_owned()),
                ExecutionResult::Halt { reason, .. } => Some(refusal::halt_words(reason)),
            };
            return Ok(AccessListResult {
                access_list: touched,
                gas_used: U256::from(done.result.tx_gas_used()),
                error,
            });
        }
        list = touched;
    }
}

/// What bytecode touched, as the inspector saw it, and the slots of native contracts, which no opcode loads.
fn touched(seen: AccessList, done: &ResultAndState) -> AccessList {
    let mut slots: HashMap<Address, BTreeSet<B256>> = HashMap::default();
    for item in seen.0 {
        slots
            .entry(item.address)
            .or_default()
            .extend(item.storage_keys);
    }
    for (address, account) in &done.state {
        if !account.storage.is_empty() && labels::contract_at(*address).is_some() {
            let keys = account.storage.keys().map(|slot| B256::from(*slot));
            slots.entry(*address).or_default().extend(keys);
        }
    }
    let mut items: Vec<AccessListItem> = slots
        .into_iter()
        .map(|(address, slots)| AccessListItem {
            address,
            storage_keys: slots.into_iter().collect(),
        })
        .collect();
    items.sort_by_key(|item| item.address);
    AccessList(items)
}
