//! The order of a block's transactions, judged before any of them runs.
//!
//! ```text
//!   Migrate · DevOverride* · Wake · Prices · Liquidate · Redeem · Triggers · Rebalance · Epoch · Recover │ users* │ Match
//! ```
//!
//! Each kind of system work stands at most once: its one transaction takes all that the block owes, so a second
//! one could only be a second chance for whoever makes blocks. Developer overrides alone are spread over
//! several (`*`), because a developer may change more than the gas of one transaction pays for.

use alloy_consensus::{Transaction as _, transaction::Recovered};
use capstan_contracts::system::{Phase, SystemKind};
use capstan_evm::Tx;

use crate::block::codec;

#[cfg(test)]
mod tests;

/// Kinds of system work that exist in this version.
const SERVED: [SystemKind; 9] = [
    SystemKind::DevOverride,
    SystemKind::Wake,
    SystemKind::Prices,
    SystemKind::Liquidate,
    SystemKind::Redeem,
    SystemKind::Triggers,
    SystemKind::Rebalance,
    SystemKind::Epoch,
    SystemKind::Recover,
];
/// Gas of one transaction of overrides, which are cut to fit.
const OVERRIDE_GAS: u64 = 16_000_000;

/// Gas limit of a system transaction when `left` is what the block has left for its own work. It follows from the
/// block, so that nobody who makes one can starve a step of it.
pub(super) fn system_gas_limit(kind: SystemKind, left: u64) -> u64 {
    match kind {
        SystemKind::DevOverride => left.min(OVERRIDE_GAS),
        _ => left,
    }
}

/// What system work a transaction is; `None` is a user's.
pub(super) fn system_kind(tx: &Recovered<Tx>) -> Option<SystemKind> {
    codec::is_system(tx)
        .then(|| tx.to().and_then(SystemKind::of_target))
        .flatten()
}

/// Says which transaction stands where none of its kind may.
pub(super) fn check_order(transactions: &[Recovered<Tx>], development: bool) -> Result<(), String> {
    let mut reached = Place::START;
    for (i, tx) in transactions.iter().enumerate() {
        let place = place_of(tx, development).map_err(|why| format!("transaction {i}: {why}"))?;
        if place < reached {
            return Err(format!("transaction {i}: {place:?} after {reached:?}"));
        }
        if place == reached && place.is_single() {
            return Err(format!("transaction {i}: a second {place:?} in one block"));
        }
        reached = place;
    }
    Ok(())
}

fn place_of(tx: &Recovered<Tx>, development: bool) -> Result<Place, String> {
    if !codec::is_system(tx) {
        return Ok(Place::Users);
    }
    match system_kind(tx) {
        Some(SystemKind::DevOverride) if !development => {
            Err("a developer override on a chain that allows none".into())
        }
        Some(kind) if SERVED.contains(&kind) => Ok(Place::of(kind)),
        _ => Err(format!("no system work goes to {:?}", tx.to())),
    }
}

/// Where in a block a transaction stands; the order of the variants is the order in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Before the users, in the order of kinds.
    Pre(Option<SystemKind>),
    /// Signed by people.
    Users,
    /// After the users.
    Post(Option<SystemKind>),
}

impl Place {
    /// Before everything.
    const START: Self = Self::Pre(None);

    fn of(kind: SystemKind) -> Self {
        match kind.phase() {
            Phase::Pre => Self::Pre(Some(kind)),
            Phase::Post => Self::Post(Some(kind)),
        }
    }

    /// Whether one transaction does all that belongs here.
    fn is_single(self) -> bool {
        !matches!(self, Self::Users | Self::Pre(Some(SystemKind::DevOverride)))
    }
}
