//! Rules that a transaction must meet before the pool looks at what else its sender has waiting.

use alloy_consensus::Transaction as _;
use alloy_consensus::transaction::Recovered;
use alloy_eips::eip2718::Encodable2718 as _;
use capstan_evm::{AccountInfo, Natives as _, Rules, StateRead, Tx};
use revm::{
    context_interface::cfg::gas::calculate_initial_tx_gas,
    primitives::{eip3860::MAX_INITCODE_SIZE, eip7825, hardfork::SpecId},
};

use super::{PoolConfig, PoolError};
use crate::block::codec;

/// What the chain is like at the moment of submission.
pub(crate) struct Admission<'a> {
    /// Rules of the chain.
    pub(crate) rules: &'a Rules,
    /// State of the newest block, overrides included.
    pub(crate) state: &'a dyn StateRead,
    /// Height of the next block.
    pub(crate) next_number: u64,
    /// Base fee of the next block, in wei.
    pub(crate) base_fee_wei: u64,
    /// Whether a sender may be named instead of proven.
    pub(crate) impersonation: &'a dyn Fn(alloy_primitives::Address) -> bool,
}

/// The sender as state has it.
pub(crate) struct SenderAccount {
    pub(super) info: AccountInfo,
    /// Its code is an EIP-7702 delegation.
    pub(super) delegated: bool,
}

impl Admission<'_> {
    /// Everything that can be said about a transaction without its neighbours.
    pub(crate) fn check(
        &self,
        tx: &Recovered<Tx>,
        config: &PoolConfig,
    ) -> Result<SenderAccount, PoolError> {
        self.check_shape(tx, config)?;
        self.check_fees(tx, config)?;
        self.check_gas(tx)?;
        self.check_sender(tx)
    }

    fn check_shape(&self, tx: &Recovered<Tx>, config: &PoolConfig) -> Result<(), PoolError> {
        if codec::is_system(tx) {
            return Err(PoolError::SystemShape);
        }
        if let Some(sender) = codec::impersonated(tx)
            && !(self.impersonation)(sender)
        {
            return Err(PoolError::NotImpersonated(sender));
        }
        if capstan_evm::Protocol.owns(tx.signer()) {
            return Err(PoolError::NativeSender(tx.signer()));
        }
        if tx.is_eip4844() {
            return Err(PoolError::Blob);
        }
        match tx.chain_id() {
            Some(have) if have != self.rules.chain_id => {
                return Err(PoolError::WrongChain {
                    have,
                    want: self.rules.chain_id,
                });
            }
            None if !self.rules.allow_unprotected => return Err(PoolError::Unprotected),
            _ => {}
        }
        let (size, limit) = (tx.encode_2718_len(), config.tx_bytes);
        if size > limit {
            return Err(PoolError::Oversized { size, limit });
        }
        let (size, limit) = (tx.input().len(), MAX_INITCODE_SIZE);
        if tx.is_create() && size > limit {
            return Err(PoolError::InitcodeSize { size, limit });
        }
        if let Some(authorizations) = tx.authorization_list() {
            if authorizations.is_empty() {
                return Err(PoolError::EmptyAuthorizations(tx.signer()));
            }
            if tx.is_create() {
                return Err(PoolError::SetCodeCreate(tx.signer()));
            }
        }
        Ok(())
    }

    fn check_fees(&self, tx: &Recovered<Tx>, config: &PoolConfig) -> Result<(), PoolError> {
        let (sender, max_fee_wei, base_fee_wei) =
            (tx.signer(), tx.max_fee_per_gas(), self.base_fee_wei);
        let tip_wei = tx.max_priority_fee_per_gas().unwrap_or(max_fee_wei);
        if tip_wei > max_fee_wei {
            return Err(PoolError::TipAboveFee {
                sender,
                tip_wei,
                max_fee_wei,
            });
        }
        if max_fee_wei < u128::from(base_fee_wei) {
            return Err(PoolError::FeeBelowBaseFee {
                sender,
                max_fee_wei,
                base_fee_wei,
            });
        }
        let needed_tip_wei = config.min_tip_wei;
        if tip_wei < needed_tip_wei {
            return Err(PoolError::Underpriced {
                tip_wei,
                needed_tip_wei,
            });
        }
        Ok(())
    }

    fn check_gas(&self, tx: &Recovered<Tx>) -> Result<(), PoolError> {
        let have = tx.gas_limit();
        let limit = self.rules.user_gas_limit;
        if have > limit {
            return Err(PoolError::ExceedsBlockGas { have, limit });
        }
        let spec = self.rules.fork_at(self.next_number).spec();
        if spec.is_enabled_in(SpecId::OSAKA) && have > eip7825::TX_GAS_LIMIT_CAP {
            return Err(PoolError::TxGasCap {
                have,
                cap: eip7825::TX_GAS_LIMIT_CAP,
            });
        }
        let (accounts, slots) = tx.access_list().map_or((0, 0), |list| {
            (
                list.len() as u64,
                list.iter().map(|item| item.storage_keys.len() as u64).sum(),
            )
        });
        let authorizations = tx.authorization_count().unwrap_or(0);
        let gas = calculate_initial_tx_gas(
            spec,
            tx.input(),
            tx.is_create(),
            accounts,
            slots,
            authorizations,
            None,
        );
        let want = gas.initial_total_gas();
        if have < want {
            return Err(PoolError::IntrinsicGas { have, want });
        }
        let want = gas.floor_gas;
        if spec.is_enabled_in(SpecId::PRAGUE) && have < want {
            return Err(PoolError::FloorDataGas { have, want });
        }
        Ok(())
    }

    fn check_sender(&self, tx: &Recovered<Tx>) -> Result<SenderAccount, PoolError> {
        let (sender, nonce) = (tx.signer(), tx.nonce());
        if nonce == u64::MAX {
            return Err(PoolError::NonceMax { sender, nonce });
        }
        let unreadable = |e: capstan_evm::StateError| PoolError::State(e.to_string());
        let info = self
            .state
            .account(sender)
            .map_err(unreadable)?
            .unwrap_or_default();
        if nonce < info.nonce {
            return Err(PoolError::NonceTooLow {
                next: info.nonce,
                nonce,
            });
        }
        let mut delegated = false;
        if info.code_hash != alloy_primitives::KECCAK256_EMPTY && codec::impersonated(tx).is_none()
        {
            let code = self.state.code(info.code_hash).map_err(unreadable)?;
            delegated = code.len() == 23 && code.starts_with(&[0xef, 0x01, 0x00]);
            if !delegated {
                return Err(PoolError::SenderNotEoa {
                    sender,
                    code_hash: info.code_hash,
                });
            }
        }
        Ok(SenderAccount { info, delegated })
    }
}
