//! `net_`: what kind of network this is. A single node has no peers.

use alloy_primitives::U64;

use crate::methods::Methods;

pub(crate) fn register(table: &mut Methods) {
    table.quick(
        "net_version",
        [],
        "Chain id as a decimal string.",
        |cx, ()| Ok(cx.chain().rules().chain_id.to_string()),
    );
    table.quick(
        "net_listening",
        [],
        "Whether connections are accepted: true.",
        |_, ()| Ok(true),
    );
    table.quick("net_peerCount", [], "Connected peers: none.", |_, ()| {
        Ok(U64::ZERO)
    });
}
