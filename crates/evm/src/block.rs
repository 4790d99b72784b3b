//! One block in progress: sequential, deterministic, metered.
//!
//! ```text
//!   open ─► index 0: EIP-2935, EIP-4788
//!        ─► system transactions (pre)  ┐
//!        ─► user transactions          ├ indices 1..n, one receipt each
//!        ─► system transactions (post) ┘
//!   close ─► receipts, bloom, gas, access list and its hash, StateDiff
//! ```

use std::sync::Arc;

use alloy_consensus::{Eip658Value, ReceiptWithBloom, transaction::Recovered};
use alloy_eip7928::{BlockAccessIndex, BlockAccessList};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B256, Bloom, Bytes};
use capstan_state::BlockInfo;
use revm::context_interface::result::{ExecutionResult, HaltReason, Output, ResultAndState};
use revm::state::EvmState;
use revm::state::bal::Bal;

use crate::bloom::Blooms;
use crate::call::Session;
use crate::list::{Band, Closed, Closers, Part};
use crate::natives::{Natives, PROTOCOL};
use crate::overlay::Overlay;
use crate::parallel::Workers;
use crate::trace::DynInspector;
use crate::{ExecError, Receipt, Rules, StateDiff, StateRead, SystemTx, Tx, TxRefused, list, tx};

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

/// One block in progress. It belongs to one thread: open, fill and close it inside one blocking task.
pub struct BlockRun {
    session: Session,
    book: Book,
}

/// What a block has come to so far, beside its state.
pub(crate) struct Book {
    /// Parts of the access list before `access`, in order.
    parts: Vec<Part>,
    access: Bal,
    /// Access-list index of the last transaction; 0 before the first.
    index: BlockAccessIndex,
    receipts: Vec<Receipt>,
    blooms: Blooms,
    logs_bloom: Bloom,
    user_gas_used: u64,
    system_gas_used: u64,
    system_count: u16,
    /// Who ran it on several threads may also close it.
    closers: Closers,
}

impl std::fmt::Debug for BlockRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockRun")
            .field("transactions", &self.book.receipts.len())
            .finish_non_exhaustive()
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
        Self::open_with(rules, parent, ctx, &PROTOCOL)
    }

    /// The same with other native contracts, for tests.
    pub fn open_with(
        rules: Arc<Rules>,
        parent: Arc<dyn StateRead>,
        ctx: BlockContext,
        natives: &'static dyn Natives,
    ) -> Result<Self, ExecError> {
        let mut run = Self {
            session: Session::open_over(rules, Overlay::for_blocks(parent), ctx, natives)?,
            book: Book::default(),
        };
        for (target, word) in run.session.opening_calls() {
            let state = run.session.protocol_call(target, word.into())?;
            run.book.keep(&state, run.session.overlay_mut());
            run.session.recycle(state);
        }
        Ok(run)
    }

    /// Runs a system transaction. A revert is an outcome; a transaction that breaks the rules of the block
    /// is [`ExecError::System`].
    pub fn system(&mut self, tx: &Recovered<Tx>) -> Result<TxOutcome, ExecError> {
        Ok(self.system_watched(tx, None, |_, _| ())?.0)
    }

    /// Runs a user transaction. [`ExecError::Refused`] leaves the run as it was.
    pub fn user(&mut self, tx: &Recovered<Tx>) -> Result<TxOutcome, ExecError> {
        Ok(self.user_watched(tx, None, |_, _| ())?.0)
    }

    /// The same, with the state that it left, for [`Session::recycle`].
    pub(crate) fn user_with_state(
        &mut self,
        tx: &Recovered<Tx>,
    ) -> Result<(TxOutcome, EvmState), ExecError> {
        let gas_left = self.user_gas_left();
        let ended = run_user(&mut self.session, tx, gas_left, None)?;
        let overlay = self.session.overlay_mut();
        Ok(self.book.record_user(tx, ended, overlay))
    }

    /// Runs a transaction of either kind, told apart by its shape: how a received block is replayed.
    pub fn any(&mut self, tx: &Recovered<Tx>) -> Result<TxOutcome, ExecError> {
        if SystemTx::has_shape(tx.inner()) {
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
        if SystemTx::has_shape(tx.inner()) {
            self.system_watched(tx, Some(inspector), after)
        } else {
            self.user_watched(tx, Some(inspector), after)
        }
    }

    fn user_watched<T>(
        &mut self,
        tx: &Recovered<Tx>,
        inspector: Option<&mut DynInspector<'_>>,
        after: impl FnOnce(&ResultAndState, &Session) -> T,
    ) -> Result<(TxOutcome, T), ExecError> {
        let gas_left = self.user_gas_left();
        let ended = run_user(&mut self.session, tx, gas_left, inspector)?;
        let seen = after(&ended, &self.session);
        let overlay = self.session.overlay_mut();
        let (outcome, state) = self.book.record_user(tx, ended, overlay);
        self.session.recycle(state);
        Ok((outcome, seen))
    }

    fn system_watched<T>(
        &mut self,
        tx: &Recovered<Tx>,
        inspector: Option<&mut DynInspector<'_>>,
        after: impl FnOnce(&ResultAndState, &Session) -> T,
    ) -> Result<(TxOutcome, T), ExecError> {
        let (ordinal, gas_left) = (self.book.system_count, self.system_gas_left());
        let ended = run_system(&mut self.session, tx, ordinal, gas_left, inspector)?;
        let seen = after(&ended, &self.session);
        self.book.system_count += 1;
        self.book.system_gas_used += ended.result.tx_gas_used();
        let overlay = self.session.overlay_mut();
        let (outcome, state) = self.book.record(tx, ended, overlay);
        self.session.recycle(state);
        Ok((outcome, seen))
    }

    /// Keeps what transactions say to `console.log` from now on, for [`BlockRun::heard`].
    pub fn listen(&mut self) {
        self.session.listen();
    }

    /// What was said since the last time, in words; nothing where nobody listens.
    pub fn heard(&mut self) -> Vec<String> {
        self.session.heard()
    }

    /// Receipts so far.
    pub fn receipts(&self) -> &[Receipt] {
        &self.book.receipts
    }

    /// The session below, for reading state as it stands.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Gas that user transactions may still ask for.
    pub fn user_gas_left(&self) -> u64 {
        self.session
            .rules()
            .user_gas_limit
            .saturating_sub(self.book.user_gas_used)
    }

    /// Gas that system transactions may still ask for.
    pub fn system_gas_left(&self) -> u64 {
        self.session
            .rules()
            .system_gas_limit
            .saturating_sub(self.book.system_gas_used)
    }

    /// System transactions so far: the next one's ordinal.
    pub fn system_count(&self) -> u16 {
        self.book.system_count
    }

    /// The parts of a run, for whoever fills it on several threads.
    pub(crate) fn parts(&mut self) -> (&mut Session, &mut Book) {
        (&mut self.session, &mut self.book)
    }

    /// Closes the block.
    pub fn close(self) -> Result<BlockOutcome, ExecError> {
        let Self { session, mut book } = self;
        book.end_part();
        let parts = std::mem::take(&mut book.parts);
        let Closed {
            access_list,
            access_list_hash,
            diff,
        } = list::close(parts, session.overlay(), &book.closers)?;
        Ok(BlockOutcome {
            receipts: book.receipts,
            logs_bloom: book.logs_bloom,
            gas_used: book.user_gas_used + book.system_gas_used,
            user_gas_used: book.user_gas_used,
            system_gas_used: book.system_gas_used,
            access_list,
            access_list_hash,
            diff,
            requests_hash: EMPTY_REQUESTS_HASH,
        })
    }
}

impl Default for Book {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            access: Bal::new(),
            index: BlockAccessIndex::PRE_EXECUTION,
            receipts: Vec::new(),
            blooms: Blooms::default(),
            logs_bloom: Bloom::ZERO,
            user_gas_used: 0,
            system_gas_used: 0,
            system_count: 0,
            closers: Closers::default(),
        }
    }
}

impl Book {
    /// An empty book with room for so many transactions. `blooms` knows hashes from another one.
    pub(crate) fn for_many(transactions: usize, blooms: Blooms) -> Self {
        let mut book = Self {
            blooms,
            ..Self::default()
        };
        book.receipts.reserve(transactions);
        book
    }

    /// What was hashed for this book, for another one.
    pub(crate) fn take_blooms(&mut self) -> Blooms {
        std::mem::take(&mut self.blooms)
    }

    /// What closes the block may run on these threads.
    pub(crate) fn close_on_several(&mut self, workers: &Workers) {
        self.closers = Closers::of(workers);
    }

    /// Users are done.
    pub(crate) fn end_users(&self) {
        self.closers.stay_awake();
    }

    /// What comes next belongs to another part of the access list.
    fn end_part(&mut self) {
        if !self.access.accounts.is_empty() {
            let access = std::mem::take(&mut self.access);
            self.parts.push(Part::begun(access));
        }
    }

    /// Goes on with the transactions of another book, which begins with them, and what they touched.
    pub(crate) fn absorb(&mut self, next: Self, band: Band) {
        self.end_part();
        let before = self.index.get();
        self.parts.push(Part::band(band, before));
        self.index = BlockAccessIndex::new(before.saturating_add(next.index.get()));
        let gas_before = self.user_gas_used + self.system_gas_used;
        self.receipts.reserve(next.receipts.len());
        for mut receipt in next.receipts {
            if let Some(inner) = receipt.as_receipt_with_bloom_mut() {
                inner.receipt.cumulative_gas_used += gas_before;
            }
            self.receipts.push(receipt);
        }
        self.logs_bloom |= next.logs_bloom;
        self.user_gas_used += next.user_gas_used;
    }

    /// Gas of users so far.
    pub(crate) fn user_gas_used(&self) -> u64 {
        self.user_gas_used
    }

    /// Keeps a finished transaction of a user: state, access list, receipt. Its state map comes back.
    pub(crate) fn record_user(
        &mut self,
        tx: &Recovered<Tx>,
        ended: ResultAndState,
        overlay: &mut Overlay,
    ) -> (TxOutcome, EvmState) {
        self.user_gas_used += ended.result.tx_gas_used();
        self.record(tx, ended, overlay)
    }

    fn record(
        &mut self,
        tx: &Recovered<Tx>,
        ended: ResultAndState,
        overlay: &mut Overlay,
    ) -> (TxOutcome, EvmState) {
        self.index.increment();
        self.keep(&ended.state, overlay);
        let (outcome, logs) = outcome_of(ended.result);
        let receipt = alloy_consensus::Receipt {
            status: Eip658Value::Eip658(outcome.success),
            cumulative_gas_used: self.user_gas_used + self.system_gas_used,
            logs,
        };
        let bloom = self.blooms.of(&receipt.logs);
        self.logs_bloom |= bloom;
        self.receipts.push(Receipt::from_typed(
            tx.tx_type(),
            ReceiptWithBloom::new(receipt, bloom),
        ));
        (outcome, ended.state)
    }

    fn keep(&mut self, state: &EvmState, overlay: &mut Overlay) {
        // Where there are notes, they say what was touched.
        if overlay.notes().is_none() {
            // Accounts come in the order of a hash map; each is recorded for itself, and `close` sorts them.
            for (address, account) in state {
                self.access.update_account(self.index, *address, account);
            }
        }
        overlay.commit(state);
    }
}

/// Runs a user's transaction in a block that has so much gas left for users, and keeps nothing.
pub(crate) fn run_user(
    session: &mut Session,
    tx: &Recovered<Tx>,
    gas_left: u64,
    inspector: Option<&mut DynInspector<'_>>,
) -> Result<ResultAndState, ExecError> {
    admit(session, tx, gas_left)?;
    // A signature with s = 0 names its sender instead of proving it. Only development chains let one
    // through, to act as any account, contracts included.
    let named = tx.inner().signature().s().is_zero();
    session.refuse_code_at_sender(!named);
    session.user(tx::to_env(tx), inspector)
}

/// Runs the system transaction with this ordinal in a block that has so much gas left for its own work, and keeps
/// nothing.
pub(crate) fn run_system(
    session: &mut Session,
    tx: &Recovered<Tx>,
    ordinal: u16,
    gas_left: u64,
    inspector: Option<&mut DynInspector<'_>>,
) -> Result<ResultAndState, ExecError> {
    let number = session.block().info.number;
    let bad = |why: String| ExecError::System {
        number,
        ordinal: u64::from(ordinal),
        why,
    };
    let read = read_system(session, tx, ordinal, gas_left).map_err(bad)?;
    match session.system(&read, inspector) {
        Err(ExecError::Refused(refused)) => Err(bad(refused.to_string())),
        ended => ended,
    }
}

/// What a user transaction must be before the EVM looks at it.
pub(crate) fn admit(session: &Session, tx: &Recovered<Tx>, gas_left: u64) -> Result<(), TxRefused> {
    let body = tx.inner();
    if body.is_eip4844() {
        return Err(TxRefused::Blob);
    }
    if SystemTx::has_shape(body) {
        return Err(TxRefused::SystemShape);
    }
    let unprotected = alloy_consensus::Transaction::chain_id(body).is_none();
    if unprotected && !session.rules().allow_unprotected {
        return Err(TxRefused::Unprotected);
    }
    if session.natives().owns(tx.signer()) {
        return Err(TxRefused::NativeSender(tx.signer()));
    }
    fits(tx, gas_left)
}

/// Whether a user's transaction finds the gas that it asks for.
pub(crate) fn fits(tx: &Recovered<Tx>, gas_left: u64) -> Result<(), TxRefused> {
    let gas_limit = alloy_consensus::Transaction::gas_limit(tx.inner());
    if gas_limit > gas_left {
        return Err(TxRefused::BlockFull {
            gas_limit,
            gas_left,
        });
    }
    Ok(())
}

/// What a system transaction must be.
fn read_system(
    session: &Session,
    tx: &Recovered<Tx>,
    ordinal: u16,
    gas_left: u64,
) -> Result<SystemTx, String> {
    let number = session.block().info.number;
    let Some(read) = SystemTx::read(tx.inner()) else {
        return Err("not in the canonical form of a system transaction".into());
    };
    if (read.number, read.ordinal) != (number, ordinal) {
        let (height, ordinal) = (read.number, read.ordinal);
        return Err(format!("its nonce says block {height}, ordinal {ordinal}"));
    }
    if tx.signer() != crate::SYSTEM_SENDER {
        let sender = tx.signer();
        return Err(format!("sender is {sender}, not the system sender"));
    }
    system_fits(read.gas_limit, gas_left)?;
    if !session.natives().serves_system(read.target) {
        return Err(format!(
            "target {} serves no system transactions",
            read.target
        ));
    }
    Ok(read)
}

/// Whether a system transaction finds the gas that it asks for.
pub(crate) fn system_fits(gas_limit: u64, gas_left: u64) -> Result<(), String> {
    if gas_limit > gas_left {
        return Err(format!("gas limit {gas_limit} exceeds the {gas_left} left"));
    }
    Ok(())
}

pub(crate) fn outcome_of(result: ExecutionResult) -> (TxOutcome, Vec<alloy_primitives::Log>) {
    let gas_used = result.tx_gas_used();
    let outcome = |success, output, created, halt| TxOutcome {
        success,
        gas_used,
        output,
        created,
        halt,
    };
    match result {
        ExecutionResult::Success {
            output: Output::Call(data),
            logs,
            ..
        } => (outcome(true, data, None, None), logs),
        ExecutionResult::Success {
            output: Output::Create(data, created),
            logs,
            ..
        } => (outcome(true, data, created, None), logs),
        ExecutionResult::Revert { output, .. } => (outcome(false, output, None, None), Vec::new()),
        ExecutionResult::Halt { reason, .. } => {
            (outcome(false, Bytes::new(), None, Some(reason)), Vec::new())
        }
    }
}
