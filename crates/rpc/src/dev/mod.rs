//! `evm_`, `anvil_`, `hardhat_`: the verbs of a development chain (R13).
//!
//! Tools disagree on names but not on meaning, so one handler stands behind each group of names. A node
//! that is not `capstan dev` refuses them all.

mod info;
mod mining;
mod quantity;
mod state;

use capstan_chain::{ChainError, Dev};

use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    methods::Methods,
};

pub(crate) fn register(table: &mut Methods) {
    info::register(table);
    mining::register(table);
    state::register(table);
}

/// The development verbs. The table refuses these methods elsewhere, so this is a second bolt.
fn dev(cx: &RpcContext) -> RpcResult<&Dev> {
    cx.chain()
        .dev()
        .ok_or_else(|| RpcError::dev_only("of development"))
}

/// A development verb that the chain refuses.
fn refused(error: ChainError) -> RpcError {
    match error {
        ChainError::Internal(_) | ChainError::Storage(_) => crate::native::chain_error(error),
        other => RpcError::server(other.to_string()),
    }
}
