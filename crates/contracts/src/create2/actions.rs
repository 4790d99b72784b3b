//! The one thing that `create2` does.

use alloy_primitives::{B256, Bytes, U256};
use capstan_state::{CreateRequest, Ctx, Halt};

use crate::{error::NativeShortCalldata, revert};

/// Gas beside that of the creation itself.
const BASE_GAS: u64 = 100;

/// Deploys. A failed creation reverts without data, as the original does; the coins stay with the sender.
pub(super) fn deploy(cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
    cx.store.charge(BASE_GAS)?;
    let Some((salt, init_code)) = input.split_first_chunk::<32>() else {
        return Err(revert(&NativeShortCalldata {
            length: U256::from(input.len()),
        }));
    };
    if cx.store.is_static() {
        return Err(Halt::StaticViolation);
    }
    let created = cx.store.create(CreateRequest {
        from: cx.frame.this,
        salt: Some(B256::from(*salt)),
        value: cx.frame.value,
        init_code: Bytes::copy_from_slice(init_code),
    })?;
    match created.address {
        Some(address) => Ok(Bytes::copy_from_slice(address.as_slice())),
        None => Err(Halt::Revert(Bytes::new())),
    }
}
