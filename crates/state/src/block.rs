//! What consensus fixed about the block before any contract ran.

use alloy_primitives::{Address, B256};

/// Version of the protocol rules in force, scheduled by height in genesis. Read only in `params`,
/// `abi` and the registry: business code never asks for a version by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion(pub u32);

/// The block as contracts see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockInfo {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Height.
    pub number: u64,
    /// Consensus time in milliseconds; the header's seconds are this, divided down.
    pub time_ms: u64,
    /// Who earns the priority fees.
    pub beneficiary: Address,
    /// Base fee per gas, in wei.
    pub base_fee_wei: u128,
    /// EIP-4399 randomness.
    pub prevrandao: B256,
    /// Gas limit of the header: user limit + system limit.
    pub gas_limit: u64,
    /// Protocol rules in force.
    pub version: ProtocolVersion,
}
