//! Signed price reports that wait for a block: the latest of each reporter, checked at the door.
//!
//! ```text
//!   submit ─► form ─► time ─► signature ─► list and role, round ─► waiting ─► Prices of the next block
//!               └───────┴─────────┴──────────────┴── refused, with the reason in words
//! ```
//!
//! What passes the door may still be refused by the block (a role that ends meanwhile): the contract has the last word,
//! and says it by an event. A restart forgets what waits: reporters speak again within seconds.

use std::collections::BTreeMap;

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, Bytes, TxKind};
use alloy_sol_types::{SolCall, SolValue as _};
use capstan_contracts::{
    SystemKind,
    oracle::{
        self, ADDRESS as ORACLE,
        IOracle::{SignedReport, isReporterCall, roundOfCall},
        REPORTERS_MAX, Refusal,
    },
};
use capstan_evm::call::{Checks, Session};
use parking_lot::Mutex;
use revm::context::TxEnv;

use crate::Block;

/// Most entries of all reports of one block, so that the gas of the block's own work suffices for all of them even if
/// each is a reporter's first.
const ENTRIES_PER_BLOCK: usize = 512;

/// Why a report does not wait for a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// No block would take it.
    #[error("the report is refused: {0}")]
    Refused(Refusal),
    /// It is of a time that the chain has not reached.
    #[error(
        "not yet: the report is of {time_ms} ms, the next block of {now_ms} ms; send it again then"
    )]
    NotYet {
        /// Time of the report.
        time_ms: u64,
        /// Time that the next block would have.
        now_ms: u64,
    },
    /// State could not be read.
    #[error("the state cannot be read: {0}")]
    State(String),
}

impl From<Refusal> for ReportError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Early { time_ms, now_ms } => Self::NotYet { time_ms, now_ms },
            other => Self::Refused(other),
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    waiting: Mutex<BTreeMap<Address, SignedReport>>,
}

impl Reports {
    /// Checks a report against the state that `session` sees, and keeps it.
    pub(crate) fn submit(
        &self,
        mut session: Session,
        signed: SignedReport,
    ) -> Result<(), ReportError> {
        let info = &session.block().info;
        let (chain_id, now_ms) = (info.chain_id, info.time_ms);
        oracle::check_form(&signed.report)?;
        oracle::check_time(&signed.report, now_ms)?;
        let digest = oracle::digest(chain_id, &signed.report);
        if capstan_evm::recover(digest, signed.v, signed.r, signed.s) != Some(signed.reporter) {
            return Err(Refusal::WrongSigner.into());
        }
        let account = signed.reporter;
        if !ask(&mut session, &isReporterCall { account })? {
            return Err(Refusal::NotAReporter.into());
        }
        let latest = ask(&mut session, &roundOfCall { reporter: account })?;
        oracle::check_order(&signed.report, latest.round, latest.timeMs)?;
        self.keep(signed)
    }

    /// Keeps a report in the place of an earlier one of its reporter.
    fn keep(&self, signed: SignedReport) -> Result<(), ReportError> {
        let mut waiting = self.waiting.lock();
        if let Some(SignedReport { report, .. }) = waiting.get(&signed.reporter) {
            oracle::check_order(&signed.report, report.round, report.timeMs)?;
        }
        waiting.insert(signed.reporter, signed);
        Ok(())
    }

    /// What a block of this time may take, and forgets what is too old for any.
    pub(crate) fn for_block(&self, time_ms: u64) -> Vec<SignedReport> {
        let mut waiting = self.waiting.lock();
        waiting.retain(|_, signed| {
            let timely = oracle::check_time(&signed.report, time_ms);
            !matches!(timely, Err(Refusal::Expired { .. }))
        });
        let mut entries_left = ENTRIES_PER_BLOCK;
        let timely = waiting.values().filter(|signed| {
            let entries = signed.report.entries.len();
            let fits = signed.report.timeMs <= time_ms && entries <= entries_left;
            entries_left -= if fits { entries } else { 0 };
            fits
        });
        let most = usize::try_from(REPORTERS_MAX).unwrap_or(usize::MAX);
        timely.take(most).cloned().collect()
    }

    /// Whether a block of this time would take any.
    pub(crate) fn has_any(&self, time_ms: u64) -> bool {
        let waiting = self.waiting.lock();
        waiting
            .values()
            .any(|signed| oracle::check_time(&signed.report, time_ms).is_ok())
    }

    /// A block became final: what it took no longer waits.
    pub(crate) fn on_block(&self, block: &Block) {
        let mut waiting = self.waiting.lock();
        if waiting.is_empty() {
            return;
        }
        for tx in &block.transactions {
            if tx.to() != Some(SystemKind::Prices.target()) {
                continue;
            }
            for taken in Vec::<SignedReport>::abi_decode(tx.input()).unwrap_or_default() {
                let is_taken = |signed: &SignedReport| signed.report.round <= taken.report.round;
                if waiting.get(&taken.reporter).is_some_and(is_taken) {
                    waiting.remove(&taken.reporter);
                }
            }
        }
    }
}

/// A view of the oracle.
fn ask<C: SolCall>(session: &mut Session, call: &C) -> Result<C::Return, ReportError> {
    let failed = |why: String| ReportError::State(why);
    let tx = TxEnv {
        kind: TxKind::Call(ORACLE),
        data: Bytes::from(call.abi_encode()),
        gas_limit: VIEW_GAS,
        chain_id: None,
        ..TxEnv::default()
    };
    let ended = session
        .run(tx, Checks::NONE)
        .map_err(|error| failed(error.to_string()))?;
    let output = ended.result.output().cloned().unwrap_or_default();
    C::abi_decode_returns(&output).map_err(|error| failed(error.to_string()))
}

/// More than any view here needs: a look at sixteen reporters and their roles.
const VIEW_GAS: u64 = 1_000_000;
