//! Receipts: their digest, and their place under the root of a voucher.
//!
//! ```text
//!            root                  height = the least h with 2^h >= receipts
//!          /      \                node   = keccak256(left ‖ right)
//!       node      node             leaf   = the receipt's EIP-712 digest, zero behind the last
//!      /    \    /    \
//!     0      1  2      0
//! ```
//!
//! A digest is the hash of 66 bytes and a node that of 64, so that no node passes as a receipt.

use alloy_primitives::{B256, U256, b256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};

use super::IJobs::Receipt;

/// What a machine did, as it signs it. The domain has no chain: what binds a receipt to one is its voucher.
pub const RECEIPT_TYPE: &str = "Receipt(bytes32 job,bytes32 program,bytes32 input,bytes32 output,bytes32[] parents,bytes32 payer,address machine,uint64 startedMs,uint64 firstMs,uint64 tookMs,uint64 inputUnits,uint64 outputUnits,uint128 cost,uint64 energyMj,uint8 outcome,bytes32 notes)";
/// `keccak256("EIP712Domain(string name,string version)")`.
const DOMAIN_TYPEHASH: B256 =
    b256!("b03948446334eb9b2196d5eb166f69b9d49403eb4a12f36de8d3f9f3cb8e15c3");
const DOMAIN_NAME: &str = "Capstan Receipt";
const DOMAIN_VERSION: &str = "1";

/// The EIP-712 digest of a receipt.
pub(super) fn digest(cx: &mut Ctx<'_>, receipt: &Receipt) -> Result<B256, Halt> {
    let typehash = cx.store.keccak(RECEIPT_TYPE.as_bytes())?;
    let parents_hash = cx.store.keccak(&receipt.parents.abi_encode_packed())?;
    let what = (
        typehash,
        receipt.job,
        receipt.program,
        receipt.input,
        receipt.output,
        parents_hash,
        receipt.payer,
        receipt.machine,
    );
    let how = (
        receipt.startedMs,
        receipt.firstMs,
        receipt.tookMs,
        receipt.inputUnits,
        receipt.outputUnits,
        U256::from(receipt.cost),
        receipt.energyMj,
        U256::from(receipt.outcome),
        receipt.notes,
    );
    let message = [what.abi_encode(), how.abi_encode()].concat();
    let message_hash = cx.store.keccak(&message)?;
    let name_hash = cx.store.keccak(DOMAIN_NAME.as_bytes())?;
    let version_hash = cx.store.keccak(DOMAIN_VERSION.as_bytes())?;
    let domain = (DOMAIN_TYPEHASH, name_hash, version_hash).abi_encode();
    let domain = cx.store.keccak(&domain)?;
    cx.store
        .keccak(&[b"\x19\x01".as_slice(), &domain.0, &message_hash.0].concat())
}

/// How many levels the tree of so many receipts has above its leaves.
pub(super) fn height(receipts: u32) -> u32 {
    receipts
        .checked_next_power_of_two()
        .map_or(u32::BITS, u32::trailing_zeros)
}

/// Whether a receipt lies under a root at an index.
pub(super) fn is_under(
    cx: &mut Ctx<'_>,
    root: B256,
    receipts: u32,
    index: u32,
    leaf: B256,
    proof: &[B256],
) -> Result<bool, Halt> {
    let is_long = u32::try_from(proof.len()).is_ok_and(|long| long == height(receipts));
    if !is_long || index >= receipts {
        return Ok(false);
    }
    let (mut node, mut index) = (leaf, index);
    for other in proof {
        let is_right = index & 1 == 1;
        let pair = if is_right {
            [other.0, node.0]
        } else {
            [node.0, other.0]
        };
        node = cx.store.keccak(&pair.concat())?;
        index >>= 1;
    }
    Ok(node == root)
}
