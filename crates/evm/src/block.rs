//! One block in progress: sequential, deterministic, metered.

use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_eip7928::BlockAccessList;
use alloy_primitives::{Address, B256, Bloom, Bytes};
use capstan_state::BlockInfo;
use revm::context_interface::result::{HaltReason, ResultAndState};

use crate::call::Session;
use crate::trace::DynInspector;
use crate::{ExecError, Receipt, Rules, StateDiff, StateRead, Tx};

/// The block that is about to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// What contracts may know of it.
    pub info: BlockInfo,
    /// Hash of the parent block; stored by EIP-2935.
    pub parent_hash: B256,
    /// Root that the header carries in its `parentBeaconBlockRoot` field; stored by EIP-4788.
    pub parent_beacon_root: B256,
}

/// How one transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxOutcome {
    /// Whether it ended well.
    pub success: bool,
    /// Gas used, refunds taken off.
    pub gas_used: u64,
    /// Return data, or revert data.
    pub output: Bytes,
    /// Address of a created contract.
    pub created: Option<Address>,
    /// Why it halted, if it neither ended well nor reverted.
    pub halt: Option<HaltReason>,
}

/// Everything a finished block produced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockOutcome {
    /// One receipt per transaction, in order.
    pub receipts: Vec<Receipt>,
    /// Bloom over all logs.
    pub logs_bloom: Bloom,
    /// Gas used by users and system together: the header's `gasUsed`.
    pub gas_used: u64,
    /// Gas used by users: what the base fee follows.
    pub user_gas_used: u64,
    /// Gas used by system transactions.
    pub system_gas_used: u64,
    /// EIP-7928 access list in canonical order.
    pub access_list: BlockAccessList,
    /// Its hash, for the header.
    pub access_list_hash: B256,
    /// Post-values.
    pub diff: StateDiff,
    /// EIP-7685 hash of the empty list: this chain has no execution-layer requests.
    pub requests_hash: B256,
}

/// One block in progress.
pub struct BlockRun {
    session: Session,
}

impl std::fmt::Debug for BlockRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockRun").finish_non_exhaustive()
    }
}

impl BlockRun {
    /// Opens a block over its parent's state and runs what comes before its first transaction
    /// (access-list index 0): EIP-2935 and EIP-4788.
    pub fn open(
        rules: Arc<Rules>,
        parent: Arc<dyn StateRead>,
        ctx: BlockContext,
    ) -> Result<Self, ExecError> {
        Ok(Self {
            session: Session::open(rules, parent, ctx)?,
        })
    }

    /// Runs a system transaction. A revert is an outcome; a transaction that breaks the rules of the block
    /// is [`ExecError::System`].
    pub fn system(&mut self, tx: &Recovered<Tx>) -> Result<TxOutcome, ExecError> {
        let _ = tx;
        Err(ExecError::Internal("under construction".into()))
    }

    /// Runs a user transaction. [`ExecError::Refused`] leaves the run as it was.
    pub fn user(&mut self, tx: &Recovered<Tx>) -> Result<TxOutcome, ExecError> {
        let _ = tx;
        Err(ExecError::Internal("under construction".into()))
    }

    /// Runs a transaction of either kind, told apart by its shape: how a received block is replayed.
    pub fn any(&mut self, tx: &Recovered<Tx>) -> Result<TxOutcome, ExecError> {
        if crate::SystemTx::has_shape(tx.inner()) {
            self.system(tx)
        } else {
            self.user(tx)
        }
    }

    /// Like [`BlockRun::any`], watched by an inspector. `after` sees the result and the state before it is
    /// committed, which is what the tracers of `debug_traceTransaction` need.
    pub fn traced<T>(
        &mut self,
        tx: &Recovered<Tx>,
        inspector: &mut DynInspector<'_>,
        after: impl FnOnce(&ResultAndState, &Session) -> T,
    ) -> Result<(TxOutcome, T), ExecError> {
        let _ = (tx, inspector, after);
        Err(ExecError::Internal("under construction".into()))
    }

    /// Receipts so far.
    pub fn receipts(&self) -> &[Receipt] {
        &[]
    }

    /// Gas that user transactions may still ask for.
    pub fn user_gas_left(&self) -> u64 {
        0
    }

    /// Gas that system transactions may still ask for.
    pub fn system_gas_left(&self) -> u64 {
        0
    }

    /// Closes the block.
    pub fn close(self) -> Result<BlockOutcome, ExecError> {
        let _ = self.session;
        Err(ExecError::Internal("under construction".into()))
    }
}
