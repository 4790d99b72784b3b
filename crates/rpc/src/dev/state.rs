//! Changing accounts by hand, and acting as accounts whose key nobody has.
//!
//! A change is visible at `latest` at once; the next block writes it as a `DevOverride` transaction, so
//! that every block still follows from its parent.

use alloy_primitives::{Address, B256, Bytes, U256};

use super::{dev, done, quantity::Quantity, refused, verb};
use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    methods::Methods,
};

pub(crate) fn register(table: &mut Methods) {
    let about = "Sets the balance of an account, in wei.";
    verb(
        table,
        &[
            "hardhat_setBalance",
            "anvil_setBalance",
            "evm_setAccountBalance",
        ],
        ["address", "wei"],
        about,
        |cx, (account, wei): (Address, Quantity)| done(dev(cx)?.set_balance(account, wei.0)),
    );
    let about = "Adds to the balance of an account, in wei.";
    verb(
        table,
        &["anvil_addBalance"],
        ["address", "wei"],
        about,
        add_balance,
    );
    let about = "Sets the nonce of an account.";
    verb(
        table,
        &["hardhat_setNonce", "anvil_setNonce", "evm_setAccountNonce"],
        ["address", "nonce"],
        about,
        set_nonce,
    );
    let about = "Sets the code of an account.";
    verb(
        table,
        &["hardhat_setCode", "anvil_setCode", "evm_setAccountCode"],
        ["address", "code"],
        about,
        |cx, (account, code): (Address, Bytes)| done(dev(cx)?.set_code(account, code)),
    );
    let about = "Sets one storage word of an account.";
    verb(
        table,
        &[
            "hardhat_setStorageAt",
            "anvil_setStorageAt",
            "evm_setAccountStorageAt",
        ],
        ["address", "slot", "word"],
        about,
        |cx, (account, slot, word): (Address, Quantity, B256)| {
            done(dev(cx)?.set_storage_at(account, slot.0, word.into()))
        },
    );
    let about = "Lets eth_sendTransaction act as this account, without its key.";
    verb(
        table,
        &["hardhat_impersonateAccount", "anvil_impersonateAccount"],
        ["address"],
        about,
        |cx, (account,): (Address,)| {
            dev(cx)?.impersonate(account);
            Ok(true)
        },
    );
    let about = "Ends that; false if the account was not impersonated.";
    verb(
        table,
        &[
            "hardhat_stopImpersonatingAccount",
            "anvil_stopImpersonatingAccount",
        ],
        ["address"],
        about,
        |cx, (account,): (Address,)| Ok(dev(cx)?.stop_impersonating(account)),
    );
    let about = "Lets eth_sendTransaction act as any account, or ends that.";
    verb(
        table,
        &["anvil_autoImpersonateAccount"],
        ["on"],
        about,
        |cx, (on,): (bool,)| {
            dev(cx)?.set_auto_impersonate(on);
            Ok(true)
        },
    );
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
    done(dev(cx)?.set_balance(account, sum_wei))
}

fn set_nonce(cx: &RpcContext, (account, nonce): (Address, Quantity)) -> RpcResult<bool> {
    let nonce = u64::try_from(nonce.0)
        .map_err(|_| RpcError::invalid_argument(1, "nonce", "a nonce has 64 bits"))?;
    done(dev(cx)?.set_nonce(account, nonce))
}
