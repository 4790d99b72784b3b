//! Who may do what, as people name it: scopes and roles by words, and what the chain says about them.
//!
//! Holders of roles cannot be listed on chain, so their names come from events; what counts is asked anew for each.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bytes, LogData, U64};
use alloy_sol_types::SolEvent as _;
use capstan_contracts::{
    Place,
    admin::{
        self, ADDRESS as ADMIN,
        IAdmin::{self, RoleDelaySet, RoleGranted},
    },
    all, by_name, oracle, resolve, token,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{ClientError, Node};

/// Roles that contracts give a meaning to: contract, number, name.
const ROLES: &[(&str, u32, &str)] = &[
    ("oracle", oracle::REPORT, "report"),
    ("oracle", oracle::LOOSEN, "loosen"),
    ("ledger", admin::GUARD, "guard"),
    ("lending", admin::GUARD, "guard"),
    ("exchange", admin::GUARD, "guard"),
    ("backstop", admin::GUARD, "guard"),
    ("dollar", admin::GUARD, "guard"),
    ("term", admin::GUARD, "guard"),
    ("token", token::MINT, "mint"),
    ("token", token::BURN, "burn"),
];

/// Address of a scope: a contract's name, or an address.
pub fn scope_address(text: &str) -> Option<Address> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    match by_name(text)?.place {
        Place::At(address) => Some(address),
        Place::Kind(_) => None,
    }
}

/// A scope for people: the contract's name, with the address where there are many of it.
pub fn scope_name(scope: Address) -> String {
    match resolve(scope) {
        Some(contract) if matches!(contract.place, Place::At(_)) => contract.name.to_owned(),
        Some(contract) => format!("{} {scope}", contract.name),
        None => scope.to_string(),
    }
}

/// Number of a role of a scope: its name there, or a number.
pub fn role_number(scope: Address, text: &str) -> Option<u32> {
    let of = resolve(scope).map(|contract| contract.name);
    let mut known = ROLES.iter();
    let named = known.find(|(contract, _, name)| Some(*contract) == of && *name == text);
    named
        .map(|(_, number, _)| *number)
        .or_else(|| text.parse().ok())
}

/// A role for people.
pub fn role_name(scope: Address, role: u32) -> String {
    let of = resolve(scope).map(|contract| contract.name);
    let mut known = ROLES.iter();
    let named = known.find(|(contract, number, _)| Some(*contract) == of && *number == role);
    named.map_or_else(|| format!("role {role}"), |(_, _, name)| (*name).to_owned())
}

/// A scope that has an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// The contract.
    pub scope: Address,
    /// Its name.
    pub name: String,
    /// Who administers it.
    pub owner: Address,
    /// Who may take it over by accepting it.
    pub offered_to: Option<Address>,
}

/// A role that somebody holds or will hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The contract.
    pub scope: Address,
    /// The role's number there.
    pub role: u32,
    /// Its name there.
    pub name: String,
    /// Who.
    pub holder: Address,
    /// From when it counts.
    pub effective_ms: u64,
    /// Until when; none is for ever.
    pub expires_ms: Option<u64>,
}

/// How long a grant of a role waits before it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delay {
    /// The contract.
    pub scope: Address,
    /// The role's number there.
    pub role: u32,
    /// Its name there.
    pub name: String,
    /// The delay now.
    pub delay_ms: u64,
    /// The one that was asked for last.
    pub next_ms: u64,
    /// When that counts.
    pub next_from_ms: u64,
}

/// Everything that `admin` knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Administration {
    /// Consensus time of the answer.
    pub now_ms: u64,
    /// Scopes with an owner.
    pub scopes: Vec<Scope>,
    /// Roles that count now or will.
    pub grants: Vec<Grant>,
    /// Delays that are not zero, or will not be.
    pub delays: Vec<Delay>,
}

/// Asks a node for owners, holders and delays.
///
/// # Errors
/// The node does not answer.
pub async fn administration(node: &Node) -> Result<Administration, ClientError> {
    let now_ms = node.head_time_ms().await?;
    let said = said(node).await?;
    let mut answer = Administration {
        now_ms,
        ..Default::default()
    };
    let mut scopes: BTreeSet<Address> = said.grants.iter().map(|(scope, ..)| *scope).collect();
    scopes.extend(all().iter().filter_map(|contract| match contract.place {
        Place::At(address) => Some(address),
        Place::Kind(_) => None,
    }));
    for scope in scopes {
        answer.scopes.extend(scope_of(node, scope).await?);
    }
    for (scope, role, holder) in said.grants {
        let asked = IAdmin::grantOfCall {
            scope,
            role,
            account: holder,
        };
        let grant = node.view(ADMIN, &asked).await?;
        if grant.expiresMs > now_ms {
            answer.grants.push(Grant {
                scope,
                role,
                name: role_name(scope, role),
                holder,
                effective_ms: grant.effectiveMs,
                expires_ms: (grant.expiresMs != u64::MAX).then_some(grant.expiresMs),
            });
        }
    }
    for set in said.delays {
        let (scope, role) = (set.scope, set.role);
        let delay_ms = node
            .view(ADMIN, &IAdmin::roleDelayMsCall { scope, role })
            .await?;
        if delay_ms > 0 || set.delayMs > 0 {
            answer.delays.push(Delay {
                scope,
                role,
                name: role_name(scope, role),
                delay_ms,
                next_ms: set.delayMs,
                next_from_ms: set.fromMs,
            });
        }
    }
    Ok(answer)
}

async fn scope_of(node: &Node, scope: Address) -> Result<Option<Scope>, ClientError> {
    let owner = node.view(ADMIN, &IAdmin::ownerOfCall { scope }).await?;
    if owner.is_zero() {
        return Ok(None);
    }
    let offered_to = node.view(ADMIN, &IAdmin::offeredToCall { scope }).await?;
    Ok(Some(Scope {
        scope,
        name: scope_name(scope),
        owner,
        offered_to: (!offered_to.is_zero()).then_some(offered_to),
    }))
}

/// What events name.
#[derive(Default)]
struct Said {
    grants: BTreeSet<(Address, u32, Address)>,
    /// The last one of each role.
    delays: Vec<RoleDelaySet>,
}

#[derive(Deserialize)]
struct Log {
    topics: Vec<B256>,
    data: Bytes,
}

/// Every grant and delay that was ever set. A node finds them by its index, so the cost follows their number and not that
/// of blocks; where they are more than one answer holds, they come by parts of the chain.
async fn role_logs(node: &Node) -> Result<Vec<Log>, ClientError> {
    let topics = [RoleGranted::SIGNATURE_HASH, RoleDelaySet::SIGNATURE_HASH];
    let newest: U64 = node.read("eth_blockNumber", json!([])).await?;
    let newest = newest.to::<u64>();
    let mut logs = Vec::new();
    let (mut from, mut blocks) = (0, newest.saturating_add(1));
    while from <= newest {
        let to = newest.min(from.saturating_add(blocks - 1));
        let (first, last) = (U64::from(from), U64::from(to));
        let filter =
            json!([{"fromBlock": first, "toBlock": last, "address": ADMIN, "topics": [topics]}]);
        match node.read::<Vec<Log>>("eth_getLogs", filter).await {
            Ok(part) => {
                logs.extend(part);
                from = to.saturating_add(1);
            }
            Err(ClientError::Refused { .. }) if blocks > 1 => blocks = blocks.div_ceil(2),
            Err(error) => return Err(error),
        }
    }
    Ok(logs)
}

async fn said(node: &Node) -> Result<Said, ClientError> {
    let mut said = Said::default();
    for log in role_logs(node).await? {
        let data = LogData::new_unchecked(log.topics, log.data);
        if let Ok(grant) = RoleGranted::decode_log_data(&data) {
            said.grants.insert((grant.scope, grant.role, grant.holder));
        } else if let Ok(delay) = RoleDelaySet::decode_log_data(&data) {
            said.delays
                .retain(|old| (old.scope, old.role) != (delay.scope, delay.role));
            said.delays.push(delay);
        }
    }
    Ok(said)
}
