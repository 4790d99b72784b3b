//! The rules of one chain, fixed by its genesis.

use std::collections::BTreeSet;

use capstan_state::ProtocolVersion;
use revm::primitives::hardfork::SpecId;

/// The newest protocol version that this program knows.
pub const NEWEST_VERSION: ProtocolVersion = ProtocolVersion(1);

/// An Ethereum fork whose rules the EVM may follow here. Earlier ones are only for the official state
/// tests: a chain starts at Cancun or later, where an account with storage can no longer be destroyed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Fork {
    /// March 2024.
    Cancun,
    /// May 2025: EIP-7702, EIP-2935, EIP-7623.
    Prague,
    /// December 2025: EIP-7825, EIP-7939, EIP-7951.
    Osaka,
}

impl Fork {
    /// The same fork in revm's words.
    pub fn spec(self) -> SpecId {
        match self {
            Self::Cancun => SpecId::CANCUN,
            Self::Prague => SpecId::PRAGUE,
            Self::Osaka => SpecId::OSAKA,
        }
    }
}

/// How the base fee follows demand (EIP-1559 with our own numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseFeeRule {
    /// The fee moves by at most `1 / denominator` per block.
    pub denominator: u64,
    /// The target is the user gas limit divided by this.
    pub elasticity: u64,
    /// The fee never falls below this, in wei per gas.
    pub floor_wei: u128,
}

impl Default for BaseFeeRule {
    /// Ethereum moves an eighth per 12 s; at four blocks a second the same pace is about 1/400.
    fn default() -> Self {
        Self {
            denominator: 400,
            elasticity: 2,
            floor_wei: 7,
        }
    }
}

/// The rules of one chain, fixed by its genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Gas for users in one block.
    pub user_gas_limit: u64,
    /// Gas for the block's own work, on top of the users'. Neither can starve the other.
    pub system_gas_limit: u64,
    /// Base fee rule.
    pub base_fee: BaseFeeRule,
    /// Whether legacy transactions without a chain id are accepted.
    pub allow_unprotected: bool,
    /// Ethereum forks by first height, ascending; the first entry is height 0.
    pub forks: Vec<(u64, Fork)>,
    /// Protocol versions by first height, ascending; the first entry is height 0.
    pub versions: Vec<(u64, ProtocolVersion)>,
}

impl Rules {
    /// Rules of the default genesis.
    pub fn new(chain_id: u64) -> Self {
        Self {
            chain_id,
            user_gas_limit: 100_000_000,
            system_gas_limit: 60_000_000,
            base_fee: BaseFeeRule::default(),
            allow_unprotected: false,
            forks: vec![(0, Fork::Osaka)],
            versions: vec![(0, ProtocolVersion(1))],
        }
    }

    /// The header's gas limit: users plus system.
    pub fn gas_limit(&self) -> u64 {
        self.user_gas_limit.saturating_add(self.system_gas_limit)
    }

    /// Fork in force at a height.
    pub fn fork_at(&self, number: u64) -> Fork {
        in_force(&self.forks, number).unwrap_or(Fork::Osaka)
    }

    /// Protocol version in force at a height.
    pub fn version_at(&self, number: u64) -> ProtocolVersion {
        in_force(&self.versions, number).unwrap_or(ProtocolVersion(1))
    }

    /// Heights at which the fork or the protocol version changes; the first is 0.
    pub fn activation_heights(&self) -> BTreeSet<u64> {
        let forks = self.forks.iter().map(|(first, _)| *first);
        let versions = self.versions.iter().map(|(first, _)| *first);
        forks.chain(versions).collect()
    }

    /// Base fee of the block after one with `base_fee_wei` in which users burnt `user_gas_used`. System
    /// gas is not demand, so it does not enter.
    pub fn next_base_fee_wei(&self, base_fee_wei: u128, user_gas_used: u64) -> u128 {
        let rule = self.base_fee;
        let target = (self.user_gas_limit / rule.elasticity.max(1)).max(1);
        let step = |gap: u64| {
            let scale = u128::from(target) * u128::from(rule.denominator.max(1));
            base_fee_wei.saturating_mul(u128::from(gap)) / scale
        };
        let next = if user_gas_used > target {
            base_fee_wei.saturating_add(step(user_gas_used - target).max(1))
        } else {
            base_fee_wei.saturating_sub(step(target - user_gas_used))
        };
        // revm, like Ethereum's header, holds the base fee in 64 bits.
        next.max(rule.floor_wei).min(u128::from(u64::MAX))
    }
}

fn in_force<T: Copy>(schedule: &[(u64, T)], number: u64) -> Option<T> {
    schedule
        .iter()
        .rev()
        .find(|(first, _)| *first <= number)
        .map(|(_, value)| *value)
}

#[cfg(test)]
mod tests;
