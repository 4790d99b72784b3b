//! Work that machines sell, as `capstan_jobs` answers it, and what customers say to the contract.

use alloy_primitives::{Address, B256, U64, U256};
use alloy_sol_types::SolCall;
use capstan_contracts::jobs::{
    ADDRESS,
    IJobs::{
        KeyLimits, depositCall, revokeKeyCall, setKeyCall, withdrawAuditPayCall, withdrawCall,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Call, ClientError, Fixed, MachineAsset, Node};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobsOf {
    /// Classes and their prices.
    All,
    /// Who offers a class.
    Class(u32),
    /// Claims of a machine, and what came of them.
    Machine(u64),
    /// A customer, and the claims that are paid by him.
    Customer(Address),
}

impl JobsOf {
    fn filter(self) -> Value {
        match self {
            Self::All => json!({}),
            Self::Class(class) => json!({"class": class}),
            Self::Machine(machine) => json!({"machine": U64::from(machine)}),
            Self::Customer(customer) => json!({"customer": customer}),
        }
    }
}

/// An answer; what was not asked for is empty.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Jobs {
    pub time_ms: U64,
    pub asset: Option<MachineAsset>,
    pub classes: Option<Vec<JobClass>>,
    pub offers: Option<Vec<JobOffer>>,
    pub machine: Option<JobRecord>,
    pub customer: Option<JobCustomer>,
    pub claims: Option<Vec<JobClaim>>,
}

/// A class of work; prices are of a million units, at level one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct JobClass {
    pub class_id: u32,
    pub program: B256,
    pub quantisation: String,
    pub input_price: Fixed,
    pub output_price: Fixed,
    pub level_min: Fixed,
    pub level_max: Fixed,
    pub is_closed: bool,
}

/// An offer; prices are of a million units, in this epoch.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct JobOffer {
    pub machine_id: U64,
    pub region: u32,
    pub endpoint: String,
    pub is_open: bool,
    pub state: String,
    pub reason: String,
    pub input_price: Fixed,
    pub output_price: Fixed,
    pub bond: Fixed,
    pub reserved: Fixed,
}

/// What came of a machine's claims.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct JobRecord {
    pub claims_paid: U64,
    pub claims_void: U64,
    pub funded: Fixed,
    pub earned: Fixed,
    pub slashed: Fixed,
    pub last_reason: String,
}

/// A customer.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct JobCustomer {
    pub customer: Address,
    pub free: Fixed,
    pub bound: Fixed,
    pub claimed: Fixed,
    pub paid: Fixed,
    pub keys: Vec<JobKey>,
}

/// A spending key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct JobKey {
    pub key: Address,
    pub total: Fixed,
    pub per_period: Fixed,
    pub period_ms: U64,
    pub until_ms: U64,
    pub is_revoked: bool,
    pub spent: Fixed,
    pub left: Fixed,
}

/// A claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct JobClaim {
    pub claim_id: U64,
    pub machine_id: U64,
    pub class_id: u32,
    pub customer: Address,
    pub phase: String,
    pub reason: String,
    pub due_ms: Option<U64>,
    pub cost: Fixed,
    pub receipts: u32,
}

/// Whatever was asked for, all pages as one: as the node wrote it, and read. At most so many claims.
///
/// # Errors
/// The node does not answer.
pub async fn jobs(node: &Node, of: JobsOf, most: usize) -> Result<(Value, Jobs), ClientError> {
    let method = "capstan_jobs";
    let mut whole: Option<Value> = None;
    let mut cursor = Value::Null;
    loop {
        let page: Value = node
            .read(method, json!([of.filter(), {"cursor": cursor}]))
            .await?;
        cursor = page["cursor"].clone();
        match &mut whole {
            None => whole = Some(page),
            Some(whole) => {
                for list in ["offers", "claims"] {
                    append(&mut whole[list], &page[list]);
                }
            }
        }
        let is_enough = whole.as_ref().is_some_and(|all| {
            let claims = all["claims"].as_array();
            claims.is_some_and(|list| list.len() >= most)
        });
        if cursor.is_null() || is_enough {
            let mut all = whole.unwrap_or_default();
            if let Some(list) = all["claims"].as_array_mut() {
                list.truncate(most);
            }
            return Ok((all.clone(), node.as_shape(method, all)?));
        }
    }
}

fn append(list: &mut Value, more: &Value) {
    if let (Some(list), Some(more)) = (list.as_array_mut(), more.as_array()) {
        list.extend(more.iter().cloned());
    }
}

fn call(verb: &impl SolCall) -> Call {
    Call {
        to: ADDRESS,
        input: verb.abi_encode().into(),
        value_wei: U256::ZERO,
    }
}

/// Brings units in for a customer.
pub fn deposit_for_jobs(customer: Address, amount: U256) -> Call {
    call(&depositCall { customer, amount })
}

/// Takes free units out to the wallet.
pub fn withdraw_from_jobs(amount: U256) -> Call {
    call(&withdrawCall { amount })
}

/// Takes out to the wallet what it earned by audits.
pub fn withdraw_audit_pay(amount: U256) -> Call {
    call(&withdrawAuditPayCall { amount })
}

/// Says what a key may spend.
pub fn set_job_key(key: Address, limits: KeyLimits) -> Call {
    call(&setKeyCall { key, limits })
}

/// Ends a key.
pub fn revoke_job_key(key: Address) -> Call {
    call(&revokeKeyCall { key })
}
