//! From a request to a transaction: filling in what is missing, and signing with an unlocked key.
//!
//! Also here: acting as an account whose key nobody has (`hardhat_impersonateAccount`). Such a
//! transaction names its sender in the signature instead of proving it, which only a development chain
//! takes, and only for accounts that are impersonated.

use alloy_consensus::{EthereumTypedTransaction, SignableTransaction, transaction::Recovered};
use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer::SignerSync;
use capstan_chain::{At, impersonation_signature};
use capstan_evm::Tx;
use serde::Serialize;

use super::{accounts::unknown_account, estimate, fees, refusal, send};
use crate::{
    RpcContext, convert,
    error::{RpcError, RpcResult},
    methods::Methods,
};

pub(crate) fn register(table: &mut Methods) {
    table
        .blocking(
            "eth_sendTransaction",
            ["transaction"],
            "Fills in, signs with an unlocked account (or acts as an impersonated one) and submits.",
            send_transaction,
        )
        .writes();
    table
        .blocking(
            "eth_sendUnsignedTransaction",
            ["transaction"],
            "As eth_sendTransaction: the name that tools use for impersonated accounts.",
            send_transaction,
        )
        .writes()
        .dev();
    table.blocking(
        "eth_signTransaction",
        ["transaction"],
        "Fills in and signs with an unlocked account, without submitting.",
        sign_transaction,
    );
    table
        .blocking(
            "eth_fillTransaction",
            ["transaction"],
            "Fills in nonce, gas, fees and chain id; answers the unsigned transaction.",
            fill_transaction,
        )
        .heavy();
}

/// A transaction and its bytes.
#[derive(Serialize)]
struct Built {
    raw: Bytes,
    tx: convert::RpcTransaction,
}

impl Built {
    fn new(tx: Tx, from: Address) -> Self {
        let raw = tx.encoded_2718().into();
        Self {
            raw,
            tx: convert::pending_transaction(&Recovered::new_unchecked(tx, from)),
        }
    }
}

fn send_transaction(cx: &RpcContext, (request,): (TransactionRequest,)) -> RpcResult<B256> {
    let from = sender(cx, &request)?;
    if !may_act_as(cx, from) {
        return Err(unknown_account(from));
    }
    // From choosing the nonce to entering the pool nobody else chooses one.
    let _turn = cx.shared.sending.lock();
    let typed = typed(fill(cx, request, from)?)?;
    let tx = sign(cx, typed, from)?;
    send::check_fee(cx, &tx)?;
    let tx = Recovered::new_unchecked(tx, from);
    cx.chain().submit(tx).map_err(send::pool_refused)
}

fn sign_transaction(cx: &RpcContext, (request,): (TransactionRequest,)) -> RpcResult<Built> {
    let from = sender(cx, &request)?;
    if cx.keys().signer(from).is_none() {
        return Err(unknown_account(from));
    }
    let typed = typed(fill(cx, request, from)?)?;
    Ok(Built::new(sign(cx, typed, from)?, from))
}

fn fill_transaction(cx: &RpcContext, (request,): (TransactionRequest,)) -> RpcResult<Built> {
    let from = request.from.unwrap_or_default();
    let typed = typed(fill(cx, request, from)?)?;
    // Nobody has signed yet: the signature is empty, as in geth's answer.
    let unsigned = Signature::new(U256::ZERO, U256::ZERO, false);
    Ok(Built::new(enveloped(typed, unsigned), from))
}

fn sender(cx: &RpcContext, request: &TransactionRequest) -> RpcResult<Address> {
    request
        .from
        .or_else(|| cx.keys().signers().first().map(|signer| signer.address()))
        .ok_or_else(|| {
            RpcError::invalid_params("missing `from`: this node has no unlocked accounts")
        })
}

fn may_act_as(cx: &RpcContext, account: Address) -> bool {
    let impersonated = cx
        .chain()
        .dev()
        .is_some_and(|dev| dev.is_impersonated(account));
    impersonated || cx.keys().signer(account).is_some()
}

/// Fills in what the request leaves open.
fn fill(
    cx: &RpcContext,
    mut request: TransactionRequest,
    from: Address,
) -> RpcResult<TransactionRequest> {
    request.from = Some(from);
    request.to.get_or_insert(TxKind::Create);
    request.value.get_or_insert(U256::ZERO);
    check_chain_id(cx, &mut request)?;
    fill_input(&mut request)?;
    fill_fees(cx, &mut request)?;
    if request.nonce.is_none() {
        request.nonce = Some(next_nonce(cx, from)?);
    }
    if request.gas.is_none() {
        // What waits in the pool may be what this transaction builds on.
        let waiting = cx.chain().pool().status().pending > 0;
        let tag = if waiting {
            BlockNumberOrTag::Pending
        } else {
            BlockNumberOrTag::Latest
        };
        let gas = estimate::gas_limit(cx, request.clone(), BlockId::Number(tag))?;
        request.gas = Some(gas);
    }
    Ok(request)
}

fn check_chain_id(cx: &RpcContext, request: &mut TransactionRequest) -> RpcResult<()> {
    let want = cx.chain().rules().chain_id;
    match request.chain_id {
        Some(have) if have != want => Err(RpcError::server(format!(
            "chainId does not match node's (have={have}, want={want})"
        ))),
        _ => {
            request.chain_id = Some(want);
            Ok(())
        }
    }
}

fn fill_input(request: &mut TransactionRequest) -> RpcResult<()> {
    let input = request.input.unique_input().map_err(|_| {
        RpcError::server(
            "both \"data\" and \"input\" are set and not equal. Please use \"input\" to pass \
             transaction call data",
        )
    })?;
    let input = input.cloned().unwrap_or_default();
    if input.is_empty() && request.to == Some(TxKind::Create) {
        return Err(RpcError::server(
            "contract creation without any data provided",
        ));
    }
    request.input = input.into();
    Ok(())
}

/// Twice the base fee leaves room for it to rise while the transaction waits.
fn fill_fees(cx: &RpcContext, request: &mut TransactionRequest) -> RpcResult<()> {
    let asked = fees_asked(request)?;
    let base_fee_wei = cx.chain().next_context().info.base_fee_wei;
    match asked {
        Asked::Price => return Ok(()),
        Asked::Nothing if matches!(request.transaction_type, Some(0 | 1)) => {
            let price_wei = base_fee_wei
                .saturating_mul(2)
                .saturating_add(fees::suggested_tip_wei(cx)?);
            request.gas_price = Some(price_wei);
            return Ok(());
        }
        _ => {}
    }
    let tip_wei = match request.max_priority_fee_per_gas {
        Some(tip_wei) => tip_wei,
        None => {
            let suggested = fees::suggested_tip_wei(cx)?;
            request
                .max_fee_per_gas
                .map_or(suggested, |fee_wei| suggested.min(fee_wei))
        }
    };
    let fee_wei = request
        .max_fee_per_gas
        .unwrap_or_else(|| base_fee_wei.saturating_mul(2).saturating_add(tip_wei));
    if fee_wei < tip_wei {
        return Err(RpcError::server(format!(
            "maxFeePerGas ({fee_wei}) < maxPriorityFeePerGas ({tip_wei})"
        )));
    }
    request.max_priority_fee_per_gas = Some(tip_wei);
    request.max_fee_per_gas = Some(fee_wei);
    Ok(())
}

/// Which kind of fee a request names.
enum Asked {
    Nothing,
    Price,
    Dynamic,
}

fn fees_asked(request: &TransactionRequest) -> RpcResult<Asked> {
    let dynamic = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    match (request.gas_price.is_some(), dynamic) {
        (true, true) => Err(RpcError::server(
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
        )),
        (true, false) => Ok(Asked::Price),
        (false, true) => Ok(Asked::Dynamic),
        (false, false) => Ok(Asked::Nothing),
    }
}

fn next_nonce(cx: &RpcContext, account: Address) -> RpcResult<u64> {
    if let Some(nonce) = cx.chain().pool().next_nonce(account) {
        return Ok(nonce);
    }
    let state = cx
        .chain()
        .state_at(At::Latest)
        .map_err(crate::error::chain_error)?;
    let found = state.account(account).map_err(refusal::state_unreadable)?;
    Ok(found.map_or(0, |info| info.nonce))
}

/// The transaction that a filled request describes.
fn typed(
    request: TransactionRequest,
) -> RpcResult<EthereumTypedTransaction<alloy_consensus::TxEip4844>> {
    use alloy_consensus::TypedTransaction;
    let built = request
        .build_consensus_tx()
        .map_err(|reason| RpcError::invalid_params(format!("transaction: {}", reason.error)))?;
    Ok(match built {
        TypedTransaction::Legacy(tx) => EthereumTypedTransaction::Legacy(tx),
        TypedTransaction::Eip2930(tx) => EthereumTypedTransaction::Eip2930(tx),
        TypedTransaction::Eip1559(tx) => EthereumTypedTransaction::Eip1559(tx),
        TypedTransaction::Eip7702(tx) => EthereumTypedTransaction::Eip7702(tx),
        TypedTransaction::Eip4844(_) => {
            return Err(send::pool_refused(capstan_chain::PoolError::Blob));
        }
    })
}

type Typed = EthereumTypedTransaction<alloy_consensus::TxEip4844>;

fn enveloped(typed: Typed, signature: Signature) -> Tx {
    typed.into_signed(signature).into()
}

/// Signs with the account's key; without one the signature names the impersonated sender.
fn sign(cx: &RpcContext, typed: Typed, from: Address) -> RpcResult<Tx> {
    let signature = match cx.keys().signer(from) {
        Some(signer) => signer
            .sign_hash_sync(&typed.signature_hash())
            .map_err(|reason| RpcError::internal(format!("cannot sign: {reason}")))?,
        None => impersonation_signature(from),
    };
    Ok(enveloped(typed, signature))
}
