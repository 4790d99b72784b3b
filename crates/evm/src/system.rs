//! The block's own transactions: how they look, and who may write them.
//!
//! A system transaction is an ordinary legacy transaction in its bytes, so every client can read it:
//! no chain id, price 0, `r = s = 0`, `v = 27`. Nobody can sign such a signature, and the pool refuses the
//! shape, so the only way into a block is the block's own making. The sender is one fixed address whose
//! state never changes; the nonce is `height << 16 | ordinal`, which makes every hash unique.

use alloy_consensus::{SignableTransaction, Transaction, TxLegacy, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, b256};

pub use capstan_contracts::SYSTEM_SENDER;

use crate::Tx;

/// A transaction that the block itself makes. It carries its whole input, so that execution is a function of
/// state and calldata alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemTx {
    /// Height of the block.
    pub number: u64,
    /// Position among the block's system transactions, from 0.
    pub ordinal: u16,
    /// Native contract that does the work.
    pub target: Address,
    /// Most gas it may use, out of the block's system gas.
    pub gas_limit: u64,
    /// Calldata.
    pub input: Bytes,
}

impl SystemTx {
    /// Nonce of the `ordinal`-th system transaction of block `number`.
    pub fn nonce(number: u64, ordinal: u16) -> u64 {
        (number << 16) | u64::from(ordinal)
    }

    /// The transaction as it stands in the block.
    pub fn into_tx(self) -> Recovered<Tx> {
        let tx = TxLegacy {
            chain_id: None,
            nonce: Self::nonce(self.number, self.ordinal),
            gas_price: 0,
            gas_limit: self.gas_limit,
            to: TxKind::Call(self.target),
            value: U256::ZERO,
            input: self.input,
        };
        let signature = Signature::new(U256::ZERO, U256::ZERO, false);
        Recovered::new_unchecked(Tx::Legacy(tx.into_signed(signature)), SYSTEM_SENDER)
    }

    /// Whether a transaction has the signature that only the block may write. True for malformed system
    /// transactions too, so that no user transaction passes beside [`SystemTx::read`].
    pub fn has_shape(tx: &Tx) -> bool {
        let signature = tx.signature();
        signature.r().is_zero() && signature.s().is_zero()
    }

    /// Reads a system transaction back; `None` unless every field is as [`SystemTx::into_tx`] writes it.
    pub fn read(tx: &Tx) -> Option<Self> {
        let Tx::Legacy(signed) = tx else { return None };
        let body = signed.tx();
        let canonical = Self::has_shape(tx)
            && !signed.signature().v()
            && body.chain_id.is_none()
            && body.gas_price == 0
            && body.value.is_zero();
        let TxKind::Call(target) = body.to else {
            return None;
        };
        let ordinal = u16::try_from(body.nonce & 0xffff).ok()?;
        canonical.then(|| Self {
            number: body.nonce >> 16,
            ordinal,
            target,
            gas_limit: tx.gas_limit(),
            input: body.input.clone(),
        })
    }
}

/// Code of every native account: one byte that halts if it ever runs as bytecode.
pub(crate) const MARKER: [u8; 1] = [0xfe];

/// Hash of [`MARKER`].
pub(crate) fn marker_hash() -> B256 {
    b256!("bcc90f2d6dada5b18e155c17a1c0a55920aae94f39857d39d0d8ed07ae8f228b")
}

#[cfg(test)]
mod tests;
