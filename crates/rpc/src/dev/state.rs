//! Changing accounts by hand, and acting as accounts whose key nobody has.
//!
//! A change is visible at `latest` at once; the next block writes it as a `DevOverride` transaction, so
//! that every block still follows from its parent.

use alloy_primitives::{Address, B256, Bytes, U256};

use super::{dev, quantity::Quantity, refused};
use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    methods::Methods,
};

pub(crate) fn register(table: &mut Methods) {
    for name in [
        "hardhat_setBalance",
        "anvil_setBalance",
        "evm_setAccountBalance",
    ] {
        let about = "Sets the balance of an account, in wei.";
        table
            .blocking(name, ["address", "wei"], about, set_balance)
            .writes()
            .dev();
    }
    let about = "Adds to the balance of an account, in wei.";
    table
        .blocking("anvil_addBalance", ["address", "wei"], about, add_balance)
        .writes()
        .dev();
    for name in ["hardhat_setNonce", "anvil_setNonce", "evm_setAccountNonce"] {
        let about = "Sets the nonce of an account.";
        table
            .blocking(name, ["address", "nonce"], about, set_nonce)
            .writes()
            .dev();
    }
    for name in ["hardhat_setCode", "anvil_setCode", "evm_setAccountCode"] {
        let about = "Sets the code of an account.";
        table
            .blocking(name, ["address", "code"], about, set_code)
            .writes()
            .dev();
    }
    for name in [
        "hardhat_setStorageAt",
        "anvil_setStorageAt",
        "evm_setAccountStorageAt",
    ] {
        let about = "Sets one storage word of an account.";
        table
            .blocking(name, ["address", "slot", "word"], about, set_storage_at)
            .writes()
            .dev();
    }
    for name in ["hardhat_impersonateAccount", "anvil_impersonateAccount"] {
        let about = "Lets eth_sendTransaction act as this account, without its key.";
        table
            .quick(name, ["address"], about, impersonate)
            .writes()
            .dev();
    }
    for name in [
        "hardhat_stopImpersonatingAccount",
        "anvil_stopImpersonatingAccount",
    ] {
        let about = "Ends that; false if the account was not impersonated.";
        table
            .quick(name, ["address"], about, |cx, (account,): (Address,)| {
                Ok(dev(cx)?.stop_impersonating(account))
            })
            .writes()
            .dev();
    }
    table
        .quick(
            "anvil_autoImpersonateAccount",
            ["on"],
            "Lets eth_sendTransaction act as any account, or ends that.",
            |cx, (on,): (bool,)| {
                dev(cx)?.set_auto_impersonate(on);
                Ok(true)
            },
        )
        .writes()
        .dev();
}

fn set_balance(cx: &RpcContext, (account, wei): (Address, Quantity)) -> RpcResult<bool> {
    dev(cx)?
        .set_balance(account, wei.0)
        .map(|()| true)
        .map_err(refused)
}

fn add_balance(cx: &RpcContext, (account, wei): (Address, Quantity)) -> RpcResult<bool> {
    let state = cx
        .chain()
        .state_at(capstan_chain::At::Latest)
        .map_err(refused)?;
    let found = state
        .account(account)
        .map_err(|reason| RpcError::internal(reason.to_string()))?;
    let balance_wei = found.map_or(U256::ZERO, |info| info.balance);
    let sum_wei = balance_wei.checked_add(wei.0).ok_or_else(|| {
        RpcError::invalid_params(format!("the sum exceeds 2^256: {balance_wei} + {}", wei.0))
    })?;
    dev(cx)?
        .set_balance(account, sum_wei)
        .map(|()| true)
        .map_err(refused)
}

fn set_nonce(cx: &RpcContext, (account, nonce): (Address, Quantity)) -> RpcResult<bool> {
    let nonce = u64::try_from(nonce.0)
        .map_err(|_| RpcError::invalid_argument(1, "nonce", "a nonce has 64 bits"))?;
    dev(cx)?
        .set_nonce(account, nonce)
        .map(|()| true)
        .map_err(refused)
}

fn set_code(cx: &RpcContext, (account, code): (Address, Bytes)) -> RpcResult<bool> {
    dev(cx)?
        .set_code(account, code)
        .map(|()| true)
        .map_err(refused)
}

fn set_storage_at(
    cx: &RpcContext,
    (account, slot, word): (Address, Quantity, B256),
) -> RpcResult<bool> {
    dev(cx)?
        .set_storage_at(account, slot.0, word.into())
        .map(|()| true)
        .map_err(refused)
}

fn impersonate(cx: &RpcContext, (account,): (Address,)) -> RpcResult<bool> {
    dev(cx)?.impersonate(account);
    Ok(true)
}
