//! What a chain is: the file that every node of it shares.
//!
//! Written as JSON (`specs/genesis.md`). Two files that differ in anything but formatting make two chains:
//! the genesis header's `mixHash` is a digest of everything that the state root does not hold.

use std::{collections::BTreeMap, path::Path};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use capstan_evm::{BaseFeeRule, Fork, Rules};
use capstan_state::ProtocolVersion;
use serde::{Deserialize, Serialize};

mod ethereum;
mod state;
/// A complaint of the JSON reader, with the text that it complains about: it knows lines, people know fields.
fn with_place(error: &serde_json::Error, text: &str) -> String {
    /// Characters before the place.
    const SHOWN: usize = 40;
    let line = text.lines().nth(error.line().saturating_sub(1));
    // The column counts bytes, and stands behind what was read.
    let before = line.and_then(|line| line.get(..error.column().min(line.len())));
    let Some(before) = before.filter(|_| error.line() > 0) else {
        return error.to_string();
    };
    let skipped = before.chars().count().saturating_sub(SHOWN);
    let shown: String = before.chars().skip(skipped).collect();
    format!("{error}, after `{}`", shown.trim_start())
}

#[cfg(test)]
mod tests;

pub(crate) use state::{genesis_block, genesis_diff};

/// Chain id of development chains: what wallets and tools expect.
pub const DEV_CHAIN_ID: u64 = 31_337;
/// The mnemonic that every Ethereum development tool knows. Its keys are public: never use them for value.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";
/// Coins of each development account, in wei: 10,000 ETH.
/// Least gas of a block for its own work: what developers override, the prices of all reporters, and then the dearest look
/// at an account. With less a block could owe a liquidation for ever.
const SYSTEM_GAS_MIN: u64 = 40_000_000;
const DEV_BALANCE_WEI: u128 = 10_000 * 1_000_000_000_000_000_000;
/// Start of 2026, UTC: a fixed time, so that a development chain's genesis hash is the same everywhere.
const DEV_TIME_MS: u64 = 1_767_225_600_000;

/// What is wrong with a genesis file; names the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// The file cannot be read.
    #[error("genesis file {path}: {reason}")]
    File {
        /// Path.
        path: String,
        /// Why.
        reason: String,
    },
    /// Not JSON, or not these fields.
    #[error(
        "genesis is not valid JSON of this schema: {0} (see specs/genesis.md, or `capstan genesis init` for an example)"
    )]
    Json(String),
    /// A field's value makes no chain.
    #[error("genesis field `{field}`: {reason}")]
    Field {
        /// Path of the field.
        field: String,
        /// Why it cannot be so.
        reason: String,
    },
}

/// An account that exists from the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenesisAccount {
    /// Coins, in wei.
    pub balance: U256,
    /// Transactions sent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nonce: u64,
    /// Code.
    #[serde(default, skip_serializing_if = "no_code")]
    pub code: Bytes,
    /// Storage words that are not zero.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<B256, B256>,
}

fn no_code(code: &Bytes) -> bool {
    code.is_empty()
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// From which height a protocol version is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionAt {
    /// First height.
    pub from: u64,
    /// Version.
    pub version: u32,
}

/// From which height the rules of an Ethereum fork are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForkAt {
    /// First height.
    pub from: u64,
    /// Fork.
    pub fork: Fork,
}

/// What the native contracts start with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NativeConfig {
    /// First holder of the owner role in the `admin` contract. Zero: nobody ever administers this chain.
    pub admin_owner: Address,
    /// Fee of a flash loan, in hundredths of a percent of the amount.
    #[serde(default)]
    pub flash_fee_bps: u16,
}

impl NativeConfig {
    fn contracts(&self) -> capstan_contracts::GenesisConfig {
        capstan_contracts::GenesisConfig {
            owner: self.admin_owner,
            flash_fee_bps: self.flash_fee_bps,
        }
    }
}

/// What a chain is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Genesis {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Consensus time of the genesis block, in milliseconds.
    pub time_ms: u64,
    /// Time between blocks, in milliseconds.
    pub pace_ms: u64,
    /// Gas of a block for users.
    pub user_gas_limit: u64,
    /// Gas of a block for its own work.
    pub system_gas_limit: u64,
    /// Base fee of the genesis block, in wei per gas.
    pub initial_base_fee_wei: u64,
    /// How the base fee moves.
    pub base_fee: BaseFeeRule,
    /// Whether legacy transactions without chain id are taken.
    pub allow_unprotected: bool,
    /// Whether blocks may hold developer overrides and impersonated senders.
    pub development: bool,
    /// Ethereum forks; the first from height 0.
    pub forks: Vec<ForkAt>,
    /// Protocol versions; the first from height 0.
    pub versions: Vec<VersionAt>,
    /// What the native contracts start with.
    pub native: NativeConfig,
    /// Accounts that exist from the start.
    pub alloc: BTreeMap<Address, GenesisAccount>,
}

/// A development account with its key.
#[derive(Clone, Debug)]
pub struct DevAccount {
    /// Address.
    pub address: Address,
    /// Key. Publicly known.
    pub key: B256,
}

impl Genesis {
    /// The default numbers, without accounts.
    pub fn new(chain_id: u64) -> Self {
        let rules = Rules::new(chain_id);
        Self {
            chain_id,
            time_ms: DEV_TIME_MS,
            pace_ms: 250,
            user_gas_limit: rules.user_gas_limit,
            system_gas_limit: rules.system_gas_limit,
            initial_base_fee_wei: 1_000_000_000,
            base_fee: rules.base_fee,
            allow_unprotected: false,
            development: false,
            forks: vec![ForkAt {
                from: 0,
                fork: Fork::Osaka,
            }],
            versions: vec![VersionAt {
                from: 0,
                version: 1,
            }],
            native: NativeConfig::default(),
            alloc: BTreeMap::new(),
        }
    }

    /// A development chain with `accounts` funded accounts, the first of which owns the native contracts.
    /// Seed 0 takes them from [`DEV_MNEMONIC`], another seed makes others.
    pub fn dev(accounts: u32, seed: u64) -> Self {
        let list = Self::dev_accounts(accounts, seed);
        let funded = GenesisAccount {
            balance: U256::from(DEV_BALANCE_WEI),
            ..GenesisAccount::default()
        };
        Self {
            allow_unprotected: true,
            development: true,
            native: NativeConfig {
                admin_owner: list
                    .first()
                    .map_or(Address::ZERO, |account| account.address),
                ..NativeConfig::default()
            },
            alloc: list
                .iter()
                .map(|account| (account.address, funded.clone()))
                .collect(),
            ..Self::new(DEV_CHAIN_ID)
        }
    }

    /// Accounts of [`Genesis::dev`] with their keys.
    pub fn dev_accounts(accounts: u32, seed: u64) -> Vec<DevAccount> {
        let signer = |index: u32| -> Option<PrivateKeySigner> {
            if seed == 0 {
                mnemonic_signer(index)
            } else {
                let text = format!("capstan development account {index} of seed {seed}");
                PrivateKeySigner::from_bytes(&keccak256(text)).ok()
            }
        };
        (0..accounts)
            .filter_map(signer)
            .map(|signer| DevAccount {
                address: signer.address(),
                key: signer.to_bytes(),
            })
            .collect()
    }

    /// Reads and validates a file: this schema, or a `genesis.json` as Ethereum clients write it.
    pub fn read(path: &Path) -> Result<Self, GenesisError> {
        let text = std::fs::read_to_string(path).map_err(|e| GenesisError::File {
            path: path.display().to_string(),
            reason: e.to_string(),
        })?;
        Self::from_json(&text)
    }

    /// Parses and validates. An object with a `config` field is taken as Ethereum's genesis format.
    pub fn from_json(text: &str) -> Result<Self, GenesisError> {
        let json = |e: serde_json::Error| GenesisError::Json(with_place(&e, text));
        let value: serde_json::Value = serde_json::from_str(text).map_err(json)?;
        let genesis = if value.get("config").is_some() {
            ethereum::convert(serde_json::from_value(value).map_err(json)?)?
        } else {
            serde_json::from_str(text).map_err(json)?
        };
        genesis.validate()?;
        Ok(genesis)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Whether this describes a chain that can run. The error names the field.
    pub fn validate(&self) -> Result<(), GenesisError> {
        let rule = |holds: bool, field: &str, reason: String| match holds {
            true => Ok(()),
            false => Err(GenesisError::Field {
                field: field.into(),
                reason,
            }),
        };
        let at_least = |value: u64, least: u64, field: &str| {
            rule(
                value >= least,
                field,
                format!("is {value}, must be at least {least}"),
            )
        };
        at_least(self.chain_id, 1, "chainId")?;
        at_least(self.pace_ms, 1, "paceMs")?;
        rule(
            self.pace_ms <= 3_600_000,
            "paceMs",
            format!("is {}, must be at most 3600000 (an hour)", self.pace_ms),
        )?;
        at_least(self.user_gas_limit, 1_000_000, "userGasLimit")?;
        at_least(self.system_gas_limit, SYSTEM_GAS_MIN, "systemGasLimit")?;
        rule(
            self.user_gas_limit
                .checked_add(self.system_gas_limit)
                .is_some_and(|sum| sum <= 1 << 50),
            "userGasLimit",
            "with systemGasLimit it must stay below 2^50".into(),
        )?;
        at_least(self.base_fee.denominator, 2, "baseFee.denominator")?;
        at_least(self.base_fee.elasticity, 1, "baseFee.elasticity")?;
        rule(
            u128::from(self.initial_base_fee_wei) >= self.base_fee.floor_wei,
            "initialBaseFeeWei",
            format!(
                "is {}, below baseFee.floorWei {}",
                self.initial_base_fee_wei, self.base_fee.floor_wei
            ),
        )?;
        check_schedule("forks", self.forks.iter().map(|entry| entry.from))?;
        check_schedule("versions", self.versions.iter().map(|entry| entry.from))?;
        for pair in self.forks.windows(2) {
            rule(
                pair[0].fork < pair[1].fork,
                "forks",
                "forks must follow one another".into(),
            )?;
        }
        for pair in self.versions.windows(2) {
            rule(
                pair[0].version < pair[1].version,
                "versions",
                "versions must rise".into(),
            )?;
        }
        self.check_alloc()
    }

    fn check_alloc(&self) -> Result<(), GenesisError> {
        let mut total = U256::ZERO;
        for (address, account) in &self.alloc {
            let field = |name: &str| format!("alloc.{address}.{name}");
            total = total
                .checked_add(account.balance)
                .filter(|sum| sum.bit_len() <= 128)
                .ok_or_else(|| GenesisError::Field {
                    field: field("balance"),
                    reason: "all balances together must stay below 2^128 wei".into(),
                })?;
            if account.code.starts_with(&[0xef]) {
                let reason = "code must not start with the byte 0xef (EIP-3541)".into();
                return Err(GenesisError::Field {
                    field: field("code"),
                    reason,
                });
            }
            if state::is_reserved(*address) {
                let reason = "this address belongs to the chain itself".into();
                return Err(GenesisError::Field {
                    field: format!("alloc.{address}"),
                    reason,
                });
            }
        }
        Ok(())
    }

    /// The rules of execution.
    pub fn rules(&self) -> Rules {
        let versions = self.versions.iter();
        Rules {
            chain_id: self.chain_id,
            user_gas_limit: self.user_gas_limit,
            system_gas_limit: self.system_gas_limit,
            base_fee: self.base_fee,
            allow_unprotected: self.allow_unprotected,
            forks: self
                .forks
                .iter()
                .map(|entry| (entry.from, entry.fork))
                .collect(),
            versions: versions
                .map(|entry| (entry.from, ProtocolVersion(entry.version)))
                .collect(),
        }
    }

    /// Digest of everything that the genesis state root does not hold.
    fn digest(&self) -> B256 {
        let rules = Self {
            alloc: BTreeMap::new(),
            ..self.clone()
        };
        keccak256(serde_json::to_vec(&rules).unwrap_or_default())
    }
}

fn check_schedule(field: &str, from: impl Iterator<Item = u64>) -> Result<(), GenesisError> {
    let from: Vec<u64> = from.collect();
    let rises = from.windows(2).all(|pair| pair[0] < pair[1]);
    match from.first() == Some(&0) && rises {
        true => Ok(()),
        false => Err(GenesisError::Field {
            field: field.into(),
            reason: format!(
                "heights are {from:?}: the first must be 0, and each higher than the one before"
            ),
        }),
    }
}

fn mnemonic_signer(index: u32) -> Option<PrivateKeySigner> {
    use alloy_signer_local::{MnemonicBuilder, coins_bip39::English};
    MnemonicBuilder::<English>::default()
        .phrase(DEV_MNEMONIC)
        .index(index)
        .ok()?
        .build()
        .ok()
}
