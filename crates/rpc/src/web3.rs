//! `web3_`: the client's name, and a hash.

use alloy_primitives::{Bytes, keccak256};

use crate::methods::Methods;

pub(crate) fn register(table: &mut Methods) {
    table.quick(
        "web3_clientVersion",
        [],
        "Name and version of this node.",
        |cx, ()| Ok(cx.config().client_version.clone()),
    );
    table.quick(
        "web3_sha3",
        ["data"],
        "Keccak-256 of the data.",
        |_, (data,): (Bytes,)| Ok(keccak256(&data)),
    );
}
