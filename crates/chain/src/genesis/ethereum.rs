//! A `genesis.json` as Ethereum clients write it, taken as far as it makes sense here.

use super::{Genesis, GenesisAccount, GenesisError};

/// Chain id, time, gas limit, base fee and accounts are taken; the rest gets this chain's defaults.
pub(super) fn convert(ethereum: alloy_genesis::Genesis) -> Result<Genesis, GenesisError> {
    let mut genesis = Genesis::new(ethereum.config.chain_id);
    genesis.time_ms = ethereum.timestamp.saturating_mul(1000);
    if ethereum.gas_limit > 0 {
        genesis.user_gas_limit = ethereum.gas_limit;
    }
    if let Some(wei) = ethereum.base_fee_per_gas {
        genesis.initial_base_fee_wei = u64::try_from(wei).map_err(|_| GenesisError::Field {
            field: "baseFeePerGas".into(),
            reason: format!("is {wei}, must be below 2^64"),
        })?;
    }
    for (address, account) in ethereum.alloc {
        let storage = account.storage.unwrap_or_default();
        let account = GenesisAccount {
            balance: account.balance,
            nonce: account.nonce.unwrap_or_default(),
            code: account.code.unwrap_or_default(),
            storage: storage
                .into_iter()
                .filter(|(_, word)| !word.is_zero())
                .collect(),
        };
        genesis.alloc.insert(address, account);
    }
    Ok(genesis)
}
