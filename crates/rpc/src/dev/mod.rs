//! `evm_`, `anvil_`, `hardhat_`: the verbs of a development chain (R13); and the world that it prepares.
//!
//! Tools disagree on names but not on meaning, so one handler stands behind each group of names. A node
//! that is not `capstan dev` refuses them all.

mod crash;
mod info;
mod mining;
mod quantity;
mod state;
mod world;

use capstan_chain::{ChainError, Dev};
use serde::Serialize;

pub use world::{DevWorld, WorldCheat, WorldFeed, WorldLabel, WorldShock};

use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    methods::{Methods, Params},
};

pub(crate) fn register(table: &mut Methods) {
    crash::register(table);
    info::register(table);
    mining::register(table);
    state::register(table);
    world::register(table);
}

/// Puts one verb into the table under each of its names.
fn verb<P, R, const N: usize>(
    table: &mut Methods,
    names: &[&'static str],
    params: [&'static str; N],
    about: &'static str,
    handler: impl Fn(&RpcContext, P) -> RpcResult<R> + Clone + Send + Sync + 'static,
) where
    P: Params<N>,
    R: Serialize,
{
    for name in names {
        table
            .blocking(name, params, about, handler.clone())
            .writes()
            .dev();
    }
}

/// A setter's answer: true, or why the chain refuses.
fn done(result: Result<(), ChainError>) -> RpcResult<bool> {
    result.map(|()| true).map_err(refused)
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
        ChainError::Internal(_) | ChainError::Storage(_) => crate::error::chain_error(error),
        other => RpcError::server(other.to_string()),
    }
}
