//! Machines, as `capstan_machines` answers them, and what their keys and holders say to the contract.

use alloy_primitives::{Address, B256, U64, U256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{Eip712Domain, SolCall, SolStruct, eip712_domain};
use capstan_contracts::machines::{
    ADDRESS,
    IMachines::{
        MachineRegistered, Readings, Signature, Spec, addBondCall, answerCall, beatCall, drawCall,
        leaveCall, registerCall, reportCall, withdrawCall,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Call, ClientError, Fixed, Node, events_in};

/// What keys of machines sign.
mod said {
    alloy_sol_types::sol! {
        /// A key agrees to be a machine whose title somebody holds.
        struct Registration {
            address holder;
            uint64 deadlineMs;
        }

        /// A batch of what a machine measured.
        struct Readings {
            uint64 machineId;
            uint64 sequence;
            uint64 fromMs;
            uint64 toMs;
            bytes32 root;
            uint32 count;
            uint32 watts;
            uint16 decikelvin;
            uint16 utilisationBps;
        }
    }
}

/// A machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Machine {
    pub machine_id: U64,
    pub key: Address,
    pub holder: Address,
    pub kind: String,
    pub region: u32,
    pub uri: String,
    pub state: String,
    pub reason: String,
    pub since_ms: U64,
    pub asset: MachineAsset,
    pub bond: Fixed,
    pub bond_min: Fixed,
    pub registered_ms: U64,
    pub last_beat_ms: U64,
    pub dark_from_ms: Option<U64>,
    pub withdraw_from_ms: Option<U64>,
    pub life_ms: U64,
    pub dark_ms: U64,
    pub dark_count: u32,
    pub readings: Option<MachineReadings>,
    pub challenge: Option<MachineChallenge>,
}

/// What its bond is of.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct MachineAsset {
    pub asset_id: u32,
    pub symbol: String,
    pub token: Address,
    pub decimals: u8,
}

/// What it last measured.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct MachineReadings {
    pub to_ms: U64,
    pub watts: u32,
    pub celsius: Fixed,
    pub utilisation: Fixed,
}

/// What it was last asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct MachineChallenge {
    pub number: U64,
    pub class: u32,
    pub phase: String,
    pub units: U64,
    pub per_hour: U64,
    pub reason: String,
}

/// All machines, or those of one holder: each as the node wrote it, and read; and the time of the block they are of.
///
/// # Errors
/// The node does not answer.
pub async fn machines(
    node: &Node,
    holder: Option<Address>,
) -> Result<(Vec<(Value, Machine)>, u64), ClientError> {
    let asked = |cursor| json!([holder, {"cursor": cursor}]);
    let listed = node.all("capstan_machines", asked).await?;
    Ok((listed.items, listed.time_ms))
}

/// The domain of what machines' keys sign on a chain.
fn domain(chain_id: u64) -> Eip712Domain {
    eip712_domain! {
        name: "Capstan Machines",
        version: "1",
        chain_id: chain_id,
        verifying_contract: ADDRESS,
    }
}

/// A machine that somebody wants to register: he calls, and its key agrees.
#[derive(Clone, Debug)]
pub struct Registering<'a> {
    /// The machine's key.
    pub key: &'a PrivateKeySigner,
    /// Who calls, and gets its title.
    pub holder: Address,
    /// What it says about itself.
    pub spec: Spec,
    /// In smallest units of the bond's asset.
    pub bond: U256,
    /// Until when the key's word counts.
    pub deadline_ms: u64,
}

impl Registering<'_> {
    /// The call that the holder signs.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn call(&self, chain_id: u64) -> Result<Call, ClientError> {
        let word = said::Registration {
            holder: self.holder,
            deadlineMs: self.deadline_ms,
        };
        let register = registerCall {
            key: self.key.address(),
            spec: self.spec.clone(),
            bond: self.bond,
            deadlineMs: self.deadline_ms,
            consent: signed(self.key, &word, chain_id)?,
        };
        Ok(call(&register))
    }
}

fn signed(
    key: &PrivateKeySigner,
    word: &impl SolStruct,
    chain_id: u64,
) -> Result<Signature, ClientError> {
    let digest = word.eip712_signing_hash(&domain(chain_id));
    let signature = key
        .sign_hash_sync(&digest)
        .map_err(|error| ClientError::Key(error.to_string()))?;
    Ok(Signature {
        v: 27 + u8::from(signature.v()),
        r: signature.r().into(),
        s: signature.s().into(),
    })
}

fn call(verb: &impl SolCall) -> Call {
    Call {
        to: ADDRESS,
        input: verb.abi_encode().into(),
        value_wei: U256::ZERO,
    }
}

/// The number of the machine that a transaction registered; none if it registered none.
///
/// # Errors
/// The node does not answer.
pub async fn registered_machine(
    node: &Node,
    transaction: B256,
) -> Result<Option<u64>, ClientError> {
    let made = events_in::<MachineRegistered>(node, ADDRESS, transaction).await?;
    Ok(made.last().map(|event| event.machineId))
}

/// A machine's key says that it is there.
pub fn machine_beat(machine_id: u64) -> Call {
    call(&beatCall {
        machineId: machine_id,
    })
}

/// A machine's key says what it measured; anybody may carry it.
///
/// # Errors
/// The key does not sign.
pub fn machine_report(
    machine_id: u64,
    batch: Readings,
    key: &PrivateKeySigner,
    chain_id: u64,
) -> Result<Call, ClientError> {
    let word = said::Readings {
        machineId: machine_id,
        sequence: batch.sequence,
        fromMs: batch.fromMs,
        toMs: batch.toMs,
        root: batch.root,
        count: batch.count,
        watts: batch.watts,
        decikelvin: batch.decikelvin,
        utilisationBps: batch.utilisationBps,
    };
    Ok(call(&reportCall {
        machineId: machine_id,
        signature: signed(key, &word, chain_id)?,
        batch,
    }))
}

/// Fixes the seed of a machine's challenge; anybody may.
pub fn machine_draw(machine_id: u64) -> Call {
    call(&drawCall {
        machineId: machine_id,
    })
}

/// A machine's key answers its challenge by a commitment.
pub fn machine_answer(machine_id: u64, commitment: B256) -> Call {
    call(&answerCall {
        machineId: machine_id,
        commitment,
    })
}

/// The holder begins to leave, for good.
pub fn machine_leave(machine_id: u64) -> Call {
    call(&leaveCall {
        machineId: machine_id,
    })
}

/// Adds units of the caller to a machine's bond.
pub fn machine_add_bond(machine_id: u64, amount: U256) -> Call {
    call(&addBondCall {
        machineId: machine_id,
        amount,
    })
}

/// The bond of a machine that left comes to its holder's wallet.
pub fn machine_withdraw(machine_id: u64) -> Call {
    call(&withdrawCall {
        machineId: machine_id,
    })
}
