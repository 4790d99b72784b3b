//! Signature recovery for contracts, by the same library as the ECRECOVER precompile.

use alloy_primitives::{Address, B256, U256, uint};
use revm::precompile::crypto;

/// Half of the curve's order: a higher `s` is the malleable twin of a lower one.
const HALF_ORDER: U256 =
    uint!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0_U256);

/// Signer of `digest`; `None` unless the signature is valid, `v` is 27 or 28, and `s` is low.
pub fn recover(digest: B256, v: u8, r: B256, s: B256) -> Option<Address> {
    let parity = v.checked_sub(27).filter(|parity| *parity < 2)?;
    if U256::from_be_bytes(s.0) > HALF_ORDER {
        return None;
    }
    let mut signature = [0u8; 64];
    signature[..32].copy_from_slice(r.as_slice());
    signature[32..].copy_from_slice(s.as_slice());
    let word = crypto()
        .secp256k1_ecrecover(&signature, parity, &digest.0)
        .ok()?;
    Some(Address::from_word(B256::from(word)))
}
