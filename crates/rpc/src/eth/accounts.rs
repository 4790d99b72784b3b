//! Unlocked accounts of a development chain: listing them, and signing with them.

use alloy_primitives::{Address, B256, Bytes, eip191_hash_message};
use alloy_signer::SignerSync;

use serde_json::value::RawValue;

use super::typed_data::TypedData;
use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    methods::Methods,
};

pub(crate) fn register(table: &mut Methods) {
    table.quick(
        "eth_accounts",
        [],
        "Unlocked accounts; none on a real node.",
        |cx, ()| Ok(cx.keys().addresses()),
    );
    table.quick(
        "eth_requestAccounts",
        [],
        "As eth_accounts: for pages that expect a wallet here.",
        |cx, ()| Ok(cx.keys().addresses()),
    );
    table.quick(
        "eth_sign",
        ["account", "message"],
        "Signs a message (EIP-191) with an unlocked account.",
        |cx, (account, message): (Address, Bytes)| sign_message(cx, account, &message),
    );
    table.quick(
        "personal_sign",
        ["message", "account", "password?"],
        "As eth_sign, with the arguments the other way round.",
        |cx, (message, account, _password): (Bytes, Address, Option<String>)| {
            sign_message(cx, account, &message)
        },
    );
    for name in ["eth_signTypedData_v4", "eth_signTypedData"] {
        table.quick(
            name,
            ["account", "typedData"],
            "Signs typed data (EIP-712), an object or its JSON text, with an unlocked account.",
            sign_typed_data,
        );
    }
}

/// The refusal of an account that has no key here, as geth words it.
pub(crate) fn unknown_account(account: Address) -> RpcError {
    RpcError::server(format!(
        "unknown account {account}: this node holds no key for it; sign in a wallet and use \
         eth_sendRawTransaction"
    ))
}

fn sign_message(cx: &RpcContext, account: Address, message: &[u8]) -> RpcResult<Bytes> {
    sign(cx, account, eip191_hash_message(message))
}

fn sign(cx: &RpcContext, account: Address, hash: B256) -> RpcResult<Bytes> {
    let signer = cx
        .keys()
        .signer(account)
        .ok_or_else(|| unknown_account(account))?;
    let signature = signer
        .sign_hash_sync(&hash)
        .map_err(|reason| RpcError::internal(format!("cannot sign: {reason}")))?;
    Ok(signature.as_bytes().to_vec().into())
}

fn sign_typed_data(
    cx: &RpcContext,
    (account, typed_data): (Address, Box<RawValue>),
) -> RpcResult<Bytes> {
    let hash = TypedData::read(typed_data.get())
        .and_then(|data| data.signing_hash())
        .map_err(|reason| RpcError::invalid_argument(1, "typedData", reason))?;
    sign(cx, account, hash)
}
