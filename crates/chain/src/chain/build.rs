//! From inputs to a block, and from a block to a verdict: both run the same execution and make the same
//! header, so what one node builds is what another finds good.

use std::{sync::Arc, thread, time::Instant};

use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, Header, Transaction as _, constants::EMPTY_WITHDRAWALS, proofs,
    transaction::Recovered,
};
use alloy_primitives::{Address, B256, Bytes, Sealable as _, keccak256};
use capstan_contracts::{oracle, still, system::SystemKind};
use capstan_evm::{
    BlockContext, BlockOutcome, BlockRun, ExecError, NEWEST_VERSION, StateDiff, StateRead,
    SystemTx, Tx, TxOutcome, TxRefused, encode_access_list,
    parallel::{Counts, UserFeed, Workers},
};
use rayon::prelude::*;
use revm::state::EvmState;

use super::{
    BlockInputs, Built, Inner, Refusal, TxFeed, Verdict,
    big_stack::STACK_BYTES,
    guards::{self, Owed},
    ledger::Executed,
    order::{check_order, system_gas_limit, system_kind},
    pace::{Pace, Way},
    root_ahead::{self, RootAhead},
    tree::Candidate,
    verified::{Tried, report_disagreement},
};
use crate::{
    Block, ChainError, RawBlock,
    block::{header_time_ms, recover, split_time_ms},
    trie::{Commit, NodeUpdates},
};

/// What decides a block besides its transactions.
pub(super) struct Frame {
    pub(super) parent: Arc<Block>,
    pub(super) time_ms: u64,
    /// How far a developer's clock was ahead when the time was taken.
    pub(super) ahead_ms: i64,
    /// On a development chain: whether the time since the parent, if it is long, is one in which the chain stood still.
    pub(super) stood: bool,
    pub(super) beneficiary: Address,
    pub(super) prevrandao: B256,
    pub(super) base_fee_wei: u64,
}

/// EIP-4399 randomness where nobody chose it: fixed by the parent, so a proposer cannot grind it, and known
/// to everyone one block ahead.
pub(super) fn derived_prevrandao(parent: &Block) -> B256 {
    keccak256([parent.hash().0, parent.header.mix_hash.0].concat())
}

fn failed(error: ExecError) -> ChainError {
    ChainError::Execution(error.to_string())
}

/// Two steps at once, unless the block is so small that waking another thread takes longer.
fn side_by_side<A: Send, B: Send>(
    transaction_count: usize,
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    match transaction_count {
        0..64 => (a(), b()),
        _ => rayon::join(a, b),
    }
}

/// The tries after a block that is to be sealed.
enum Tries<'scope, 'env> {
    /// They are made.
    Made(Commit),
    /// Somebody has followed the block with them.
    Followed(RootAhead<'scope, 'env>),
    /// Nobody has begun.
    ToMake,
}

impl Inner {
    /// Base fee that follows from a parent.
    pub(super) fn next_base_fee(&self, parent: &Block) -> u64 {
        let next = self
            .rules
            .next_base_fee_wei(parent.base_fee_wei().into(), parent.user_gas_used);
        u64::try_from(next).unwrap_or(u64::MAX)
    }

    pub(super) fn context(&self, frame: &Frame) -> BlockContext {
        let number = frame.parent.number() + 1;
        BlockContext {
            info: capstan_state::BlockInfo {
                chain_id: self.rules.chain_id,
                number,
                time_ms: frame.time_ms,
                beneficiary: frame.beneficiary,
                base_fee_wei: frame.base_fee_wei.into(),
                prevrandao: frame.prevrandao,
                gas_limit: self.rules.gas_limit(),
                version: self.rules.version_at(number),
            },
            parent_hash: frame.parent.hash(),
            parent_beacon_root: B256::ZERO,
        }
    }

    /// By rules that it does not know a program neither makes nor judges blocks.
    fn check_version(&self, number: u64) -> Result<(), ChainError> {
        let version = self.rules.version_at(number);
        if version <= NEWEST_VERSION {
            return Ok(());
        }
        Err(ChainError::UnknownVersion {
            number,
            version: version.0,
            newest: NEWEST_VERSION.0,
        })
    }

    /// Builds a block. The caller holds the turn.
    pub(super) fn build(
        &self,
        frame: &Frame,
        inputs: BlockInputs,
    ) -> Result<(Executed, Vec<(B256, Refusal)>), ChainError> {
        self.check_version(frame.parent.number() + 1)?;
        if frame.time_ms <= frame.parent.time_ms() {
            return Err(ChainError::Inputs(format!(
                "time {} ms is not after the parent's {} ms",
                frame.time_ms,
                frame.parent.time_ms()
            )));
        }
        if inputs.reports.len() > REPORTS_PER_BLOCK {
            return Err(ChainError::Inputs(format!(
                "{} price reports, at most {REPORTS_PER_BLOCK} fit a block",
                inputs.reports.len()
            )));
        }
        if !inputs.overrides.is_empty() && !self.genesis.development {
            return Err(ChainError::NotDev("a state override"));
        }
        let started = Instant::now();
        let state = self.state_of(frame.parent.hash())?;
        let run = BlockRun::open(Arc::clone(&self.rules), state, self.context(frame));
        let mut filling = Filling {
            run: run.map_err(failed)?,
            number: frame.parent.number() + 1,
            transactions: Vec::new(),
            refused: Vec::new(),
            said: Vec::new(),
        };
        if self.config.dev {
            filling.run.listen();
        }
        for input in inputs.overrides {
            filling.system(SystemKind::DevOverride, input)?;
        }
        if let Some(input) = self.wake(frame)
            && (frame.stood || !self.genesis.development)
        {
            filling.system(SystemKind::Wake, input)?;
        }
        if !inputs.reports.is_empty() {
            filling.system(SystemKind::Prices, oracle::encode_reports(&inputs.reports))?;
        }
        for kind in Owed::KINDS {
            let session = filling.run.session();
            let (state, info) = (session.overlay(), &session.block().info);
            if let Some(input) = self.due(kind, frame.parent.hash(), state, info)? {
                filling.system(kind, input)?;
            }
        }
        thread::scope(|scope| {
            let parent = frame.parent.hash();
            let threads = self.config.threads;
            let way = match threads {
                0 | 1 => Way::Plain,
                _ => self.root_pace.way(),
            };
            let mut root = (way == Way::Ahead).then(|| RootAhead::new(scope, self, parent));
            let hands = || self.hands();
            let counts = filling.users(
                inputs.transactions,
                threads,
                &self.pace,
                hands,
                root.as_mut(),
            )?;
            let Filling {
                run,
                transactions,
                refused,
                said,
                ..
            } = filling;
            let outcome = run.close().map_err(failed)?;
            metrics::histogram!("capstan_block_execute_seconds").record(started.elapsed());
            let gas = outcome.user_gas_used;
            let tries = root.map_or(Tries::ToMake, Tries::Followed);
            let mut executed = self.seal(frame, transactions, outcome, tries)?;
            if threads > 1 && counts.transactions >= root_ahead::LEAST {
                self.root_pace.note(way, gas, started.elapsed());
            }
            executed.said = Arc::new(said);
            self.runs.lock().put(executed.block.hash(), counts);
            Ok((executed, refused))
        })
    }

    /// Threads beside the one that builds, for as long as the chain is open; none where only one is allowed, or no more can be had.
    fn hands(&self) -> Option<Arc<rayon::ThreadPool>> {
        let count = self
            .config
            .threads
            .checked_sub(1)
            .filter(|count| *count > 0)?;
        let start = || {
            let builder = rayon::ThreadPoolBuilder::new()
                .num_threads(count)
                .stack_size(STACK_BYTES)
                .thread_name(|number| format!("execute {}", number + 1));
            builder.build().ok().map(Arc::new)
        };
        self.hands.get_or_init(start).clone()
    }

    /// State root after a child of `parent` with this effect, and what of the tries changes.
    pub(super) fn commit_on(&self, parent: B256, diff: &StateDiff) -> Result<Commit, ChainError> {
        self.commit_over(parent, Arc::default(), diff)
    }

    /// The same, where updates lie on top of the parent's.
    pub(super) fn commit_over(
        &self,
        parent: B256,
        on_top: Arc<NodeUpdates>,
        diff: &StateDiff,
    ) -> Result<Commit, ChainError> {
        let head = self.ledger.head().hash();
        let mut overlays = self.tree.lock().nodes_above(parent, head)?;
        if !on_top.is_empty() {
            overlays.insert(0, on_top);
        }
        self.ledger.root_after(overlays, diff)
    }

    /// Makes the header of what was executed.
    fn seal(
        &self,
        frame: &Frame,
        transactions: Vec<Recovered<Tx>>,
        outcome: BlockOutcome,
        tries: Tries<'_, '_>,
    ) -> Result<Executed, ChainError> {
        let started = Instant::now();
        let diff = Arc::new(outcome.diff);
        let (made, coming) = match tries {
            Tries::Made(commit) => (Some(commit), None),
            Tries::Followed(root) => (None, root.closed(&diff)),
            Tries::ToMake => (None, None),
        };
        let bodies: Vec<&Tx> = transactions.iter().map(Recovered::inner).collect();
        let lists = || {
            side_by_side(
                transactions.len(),
                || proofs::calculate_transaction_root(&bodies),
                || proofs::calculate_receipt_root(&outcome.receipts),
            )
        };
        let make = || self.commit_on(frame.parent.hash(), &diff);
        let (commit, (transactions_root, receipts_root)) = match (made, coming) {
            (Some(commit), _) => (Ok(commit), lists()),
            (None, Some(coming)) => {
                let roots = lists();
                (coming.wait().map_or_else(make, Ok), roots)
            }
            (None, None) => side_by_side(transactions.len(), make, lists),
        };
        let commit = commit?;
        metrics::histogram!("capstan_block_root_seconds").record(started.elapsed());
        let started = Instant::now();
        let (timestamp, extra_data) = split_time_ms(frame.time_ms);
        let header = Header {
            parent_hash: frame.parent.hash(),
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: frame.beneficiary,
            state_root: commit.root,
            transactions_root,
            receipts_root,
            logs_bloom: outcome.logs_bloom,
            number: frame.parent.number() + 1,
            gas_limit: self.rules.gas_limit(),
            gas_used: outcome.gas_used,
            timestamp,
            extra_data,
            mix_hash: frame.prevrandao,
            base_fee_per_gas: Some(frame.base_fee_wei),
            withdrawals_root: Some(EMPTY_WITHDRAWALS),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            requests_hash: Some(outcome.requests_hash),
            block_access_list_hash: Some(outcome.access_list_hash),
            ..Header::default()
        };
        let access_list = Bytes::from(encode_access_list(&outcome.access_list));
        let block = Block::new(
            header.seal_slow(),
            transactions,
            outcome.receipts,
            access_list,
        );
        metrics::histogram!("capstan_block_seal_seconds").record(started.elapsed());
        let guards = guards::changes(&diff, || self.state_of(frame.parent.hash()))?;
        Ok(Executed {
            block: Arc::new(block),
            diff,
            nodes: Arc::new(commit.updates),
            guards: Arc::new(guards),
            said: Arc::default(),
        })
    }

    /// Executes a block that somebody made, and says what of it is not as it must be.
    /// `Ok(Err(reason))` is a bad block; `Err` is our own trouble.
    pub(super) fn judge(
        &self,
        raw: &RawBlock,
        parent: Arc<Block>,
    ) -> Result<Result<Executed, String>, ChainError> {
        let header = &raw.header;
        let frame = Frame {
            time_ms: header_time_ms(header),
            ahead_ms: 0,
            stood: false,
            beneficiary: header.beneficiary,
            prevrandao: header.mix_hash,
            base_fee_wei: header.base_fee_per_gas.unwrap_or_default(),
            parent,
        };
        if let Err(reason) = self.check_frame(header, &frame) {
            return Ok(Err(reason));
        }
        let development = self.genesis.development;
        let recovered: Result<Vec<_>, _> = raw
            .transactions
            .par_iter()
            .enumerate()
            .map(|(i, tx)| {
                recover(tx.clone(), development).map_err(|e| format!("transaction {i}: {e}"))
            })
            .collect();
        let transactions = match recovered {
            Ok(transactions) => transactions,
            Err(reason) => return Ok(Err(reason)),
        };
        let placed = check_order(&transactions, development)
            .and_then(|()| self.check_wake(&frame, &transactions));
        if let Err(reason) = placed {
            return Ok(Err(reason));
        }
        let (outcome, commit, doubt) = match self.verified(raw, &frame, &transactions)? {
            Tried::Good(found) => (found.outcome, found.commit, None),
            tried => match self.in_sequence(&frame, &transactions)? {
                Ok(outcome) => (outcome, None, tried.doubt()),
                Err(reason) => return Ok(Err(reason)),
            },
        };
        let list = outcome.access_list_hash;
        let tries = commit.map_or(Tries::ToMake, Tries::Made);
        let executed = self.seal(&frame, transactions, outcome, tries)?;
        let reason = match first_difference(header, &executed.block.header) {
            Some(reason) => reason,
            None if raw.access_list != executed.block.access_list => {
                "accessList: is not the one that the header commits to".into()
            }
            None => {
                if let Some(doubt) = doubt {
                    report_disagreement(header.number, &doubt);
                }
                return Ok(Ok(executed));
            }
        };
        // Where the list differs, it is said too which entry of it does.
        let same_list = header.block_access_list_hash == Some(list)
            && raw.access_list == executed.block.access_list;
        Ok(Err(match same_list {
            true => reason,
            false => self.name_entry(raw, &frame, &executed.block.transactions, &reason)?,
        }))
    }

    /// What a block says if the chain stood still before it (STILL-3). Before the first block there was nothing to hold up.
    fn wake(&self, frame: &Frame) -> Option<Bytes> {
        let parent_ms = frame.parent.time_ms();
        let gap_ms = frame.time_ms.saturating_sub(parent_ms);
        let stood = frame.parent.number() > 0 && still::stood(gap_ms, self.genesis.pace_ms);
        stood.then(|| still::encode_wake(parent_ms))
    }

    /// A block says so exactly when it did. A developer alone may let time pass and say nothing.
    fn check_wake(&self, frame: &Frame, transactions: &[Recovered<Tx>]) -> Result<(), String> {
        let said = transactions
            .iter()
            .find(|tx| system_kind(tx) == Some(SystemKind::Wake))
            .map(|tx| tx.input());
        match (said, self.wake(frame)) {
            (Some(said), Some(must)) if *said != must => {
                Err(format!("Wake: is {said}, must be {must}"))
            }
            (Some(_), None) => Err("Wake: the chain did not stand still".into()),
            (None, Some(must)) if !self.genesis.development => {
                Err(format!("the block owes Wake: {must}"))
            }
            _ => Ok(()),
        }
    }

    /// Executes the transactions of a block in order.
    fn in_sequence(
        &self,
        frame: &Frame,
        transactions: &[Recovered<Tx>],
    ) -> Result<Result<BlockOutcome, String>, ChainError> {
        let parent = frame.parent.hash();
        let state = self.state_of(parent)?;
        let mut run =
            BlockRun::open(Arc::clone(&self.rules), state, self.context(frame)).map_err(failed)?;
        let mut duties = Duties::new();
        for (i, tx) in transactions.iter().enumerate() {
            let session = run.session();
            let due = |kind| self.due(kind, parent, session.overlay(), &session.block().info);
            if let Some(reason) = duties.next(tx, run.system_gas_left(), due)? {
                return Ok(Err(format!("transaction {i}: {reason}")));
            }
            match run.any(tx) {
                Ok(_) => {}
                Err(error @ (ExecError::Refused(_) | ExecError::System { .. })) => {
                    return Ok(Err(format!("transaction {i}: {error}")));
                }
                Err(error) => return Err(failed(error)),
            }
        }
        let session = run.session();
        let due = |kind| self.due(kind, parent, session.overlay(), &session.block().info);
        if let Some(reason) = duties.left(due)? {
            return Ok(Err(reason));
        }
        Ok(Ok(run.close().map_err(failed)?))
    }

    /// What can be said without executing.
    fn check_frame(&self, header: &Header, frame: &Frame) -> Result<(), String> {
        let parent = &frame.parent;
        let differs = |field: &str, is: &dyn std::fmt::Display, must: &dyn std::fmt::Display| {
            Err(format!("{field}: is {is}, must be {must}"))
        };
        if header.number != parent.number() + 1 {
            return differs("number", &header.number, &(parent.number() + 1));
        }
        if split_time_ms(frame.time_ms) != (header.timestamp, header.extra_data.clone()) {
            return differs(
                "extraData",
                &header.extra_data,
                &"two bytes of milliseconds below 1000",
            );
        }
        if frame.time_ms <= parent.time_ms() {
            let after = format!("after the parent's {} ms", parent.time_ms());
            return differs("time", &format!("{} ms", frame.time_ms), &after);
        }
        // A developer may choose the fee and the randomness of a block; nobody else may.
        if !self.genesis.development {
            let base_fee = self.next_base_fee(parent);
            if header.base_fee_per_gas != Some(base_fee) {
                return differs("baseFeePerGas", &frame.base_fee_wei, &base_fee);
            }
            let prevrandao = derived_prevrandao(parent);
            if header.mix_hash != prevrandao {
                return differs("mixHash", &header.mix_hash, &prevrandao);
            }
        }
        Ok(())
    }
}

/// What a block that is judged owes, transaction by transaction.
pub(super) struct Duties([Owed; Owed::KINDS.len()]);

impl Duties {
    pub(super) fn new() -> Self {
        Self(Owed::KINDS.map(Owed::of))
    }

    /// What is wrong with the next transaction where it stands. `due` answers for the state before it.
    pub(super) fn next(
        &mut self,
        tx: &Recovered<Tx>,
        system_gas_left: u64,
        due: impl Fn(SystemKind) -> Result<Option<Bytes>, ChainError>,
    ) -> Result<Option<String>, ChainError> {
        for owed in &mut self.0 {
            if let Some(reason) = owed.expect(tx, &due)? {
                return Ok(Some(reason));
            }
        }
        let Some(kind) = system_kind(tx) else {
            return Ok(None);
        };
        let (is, must) = (tx.gas_limit(), system_gas_limit(kind, system_gas_left));
        Ok((is != must).then(|| format!("gas limit of {kind:?} is {is}, must be {must}")))
    }

    /// What is still owed behind the last transaction.
    pub(super) fn left(
        &mut self,
        due: impl Fn(SystemKind) -> Result<Option<Bytes>, ChainError>,
    ) -> Result<Option<String>, ChainError> {
        for owed in &mut self.0 {
            if let Some(reason) = owed.left(&due)? {
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }
}

/// One report of each reporter.
const REPORTS_PER_BLOCK: usize = oracle::REPORTERS_MAX as usize;

/// A block that is being filled.
struct Filling {
    run: BlockRun,
    number: u64,
    transactions: Vec<Recovered<Tx>>,
    refused: Vec<(B256, Refusal)>,
    said: Vec<(B256, String)>,
}

impl Filling {
    fn system(&mut self, kind: SystemKind, input: Bytes) -> Result<(), ChainError> {
        let tx = SystemTx {
            number: self.number,
            ordinal: self.run.system_count(),
            target: kind.target(),
            gas_limit: system_gas_limit(kind, self.run.system_gas_left()),
            input,
        };
        let tx = tx.into_tx();
        let outcome = self.run.system(&tx).map_err(failed)?;
        if !outcome.success {
            let output = outcome.output;
            tracing::warn!(?kind, %output, "a system transaction reverted; it stands in the block without effect");
        }
        let receipt = self.run.receipts().last();
        guards::report_damaged(
            kind,
            receipt.map(|receipt| receipt.logs()).unwrap_or_default(),
        );
        self.transactions.push(tx);
        Ok(())
    }

    fn users(
        &mut self,
        feed: Box<dyn TxFeed>,
        threads: usize,
        pace: &Pace,
        hands: impl FnOnce() -> Option<Arc<rayon::ThreadPool>>,
        root: Option<&mut RootAhead<'_, '_>>,
    ) -> Result<Counts, ChainError> {
        let way = pace.way();
        let mut users = Users {
            feed,
            root,
            transactions: &mut self.transactions,
            refused: &mut self.refused,
            said: &mut self.said,
        };
        let workers = Workers {
            stack_bytes: STACK_BYTES,
            pool: if way == Way::Ahead { hands() } else { None },
            ..Workers::new(match way {
                Way::Plain => 1,
                Way::Ahead => threads,
            })
        };
        let (start, gas_before) = (Instant::now(), self.run.user_gas_left());
        let counts = self.run.users(&mut users, &workers).map_err(failed)?;
        let is_large =
            usize::try_from(counts.transactions).is_ok_and(|count| count >= workers.least);
        if threads > 1 && is_large {
            let gas = gas_before.saturating_sub(self.run.user_gas_left());
            pace.note(way, gas, start.elapsed());
        }
        metrics::counter!("capstan_user_runs_total").increment(counts.runs);
        metrics::counter!("capstan_user_runs_in_vain_total").increment(counts.stale);
        Ok(counts)
    }
}

/// What users send, on its way into a block.
struct Users<'a, 'scope, 'env> {
    feed: Box<dyn TxFeed>,
    root: Option<&'a mut RootAhead<'scope, 'env>>,
    transactions: &'a mut Vec<Recovered<Tx>>,
    refused: &'a mut Vec<(B256, Refusal)>,
    said: &'a mut Vec<(B256, String)>,
}

impl UserFeed for Users<'_, '_, '_> {
    fn next_tx(&mut self) -> Option<Recovered<Tx>> {
        self.feed.next_tx()
    }

    fn stands(&mut self, tx: &Recovered<Tx>) -> bool {
        self.feed.stands(tx)
    }

    fn left(&mut self, state: EvmState) -> EvmState {
        match &mut self.root {
            Some(root) => root.take(state),
            None => state,
        }
    }

    fn follows(&self) -> bool {
        self.root.is_some()
    }

    fn left_together(&mut self, count: usize, left: StateDiff) {
        if let Some(root) = &mut self.root {
            root.take_together(count, left);
        }
    }

    fn ended(&mut self, tx: Recovered<Tx>, end: Result<TxOutcome, TxRefused>, said: Vec<String>) {
        let why = match end {
            Ok(_) => {
                let lines = said.into_iter().map(|line| (*tx.tx_hash(), line));
                self.said.extend(lines);
                self.transactions.push(tx);
                return;
            }
            Err(TxRefused::BlockFull { .. }) => Refusal::Full,
            Err(refused) => Refusal::Invalid(refused.to_string()),
        };
        self.feed.refused(&tx, &why);
        self.refused.push((*tx.tx_hash(), why));
    }
}

/// The first header field that is not as execution makes it, with both values.
fn first_difference(given: &Header, made: &Header) -> Option<String> {
    macro_rules! fields {
        ($($name:literal $field:ident),* $(,)?) => {$(
            if given.$field != made.$field {
                return Some(format!("{}: is {:?}, must be {:?}", $name, given.$field, made.$field));
            }
        )*};
    }
    fields!(
        "parentHash" parent_hash,
        "number" number,
        "timestamp" timestamp,
        "extraData" extra_data,
        "gasLimit" gas_limit,
        "baseFeePerGas" base_fee_per_gas,
        "transactionsRoot" transactions_root,
        "gasUsed" gas_used,
        "receiptsRoot" receipts_root,
        "logsBloom" logs_bloom,
        "blockAccessListHash" block_access_list_hash,
        "stateRoot" state_root,
        "sha3Uncles" ommers_hash,
        "difficulty" difficulty,
        "nonce" nonce,
        "withdrawalsRoot" withdrawals_root,
        "blobGasUsed" blob_gas_used,
        "excessBlobGas" excess_blob_gas,
        "parentBeaconBlockRoot" parent_beacon_block_root,
        "requestsHash" requests_hash,
        "slotNumber" slot_number,
        "miner" beneficiary,
        "mixHash" mix_hash,
    );
    None
}

impl Inner {
    /// State after a block that is final and newest, or a candidate.
    pub(super) fn state_of(&self, hash: B256) -> Result<Arc<dyn StateRead>, ChainError> {
        // A block leaves the tree after it has become the head: who holds the tree finds it in either.
        let tree = self.tree.lock();
        let head = self.ledger.head();
        let layers = tree.layers_above(hash, head.hash())?;
        drop(tree);
        let base = self.ledger.state(head.number());
        Ok(match layers.is_empty() {
            true => base,
            false => Arc::new(super::ledger::Overlay { layers, base }),
        })
    }

    /// Keeps what was built or found good.
    pub(super) fn keep(&self, executed: Executed) -> Arc<Block> {
        let block = Arc::clone(&executed.block);
        self.tree.lock().insert(Candidate { executed });
        block
    }

    pub(super) fn build_candidate(
        &self,
        parent: B256,
        inputs: BlockInputs,
    ) -> Result<Built, ChainError> {
        let parent = self
            .live_block(parent)?
            .ok_or(ChainError::UnknownParent(parent))?;
        let frame = Frame {
            time_ms: inputs.time_ms,
            ahead_ms: 0,
            stood: inputs.stood,
            beneficiary: inputs.beneficiary,
            prevrandao: inputs
                .prevrandao
                .unwrap_or_else(|| derived_prevrandao(&parent)),
            base_fee_wei: inputs
                .base_fee_wei
                .unwrap_or_else(|| self.next_base_fee(&parent)),
            parent,
        };
        let (executed, refused) = self.build(&frame, inputs)?;
        Ok(Built {
            block: self.keep(executed),
            refused,
        })
    }

    /// A block that can have children: the newest final one, or a candidate.
    pub(super) fn live_block(&self, hash: B256) -> Result<Option<Arc<Block>>, ChainError> {
        let head = self.ledger.head();
        if head.hash() == hash {
            return Ok(Some(head));
        }
        Ok(self
            .tree
            .lock()
            .get(&hash)
            .map(|candidate| Arc::clone(&candidate.executed.block)))
    }

    /// `history` is for blocks that are known to be of the past, whatever a developer did to their clock.
    pub(super) fn check_raw(&self, raw: &RawBlock, history: bool) -> Result<Verdict, ChainError> {
        let hash = raw.header.hash_slow();
        if self.live_block(hash)?.is_some() || self.ledger.height_of(hash)?.is_some() {
            return Ok(Verdict::Ok);
        }
        let Some(parent) = self.live_block(raw.header.parent_hash)? else {
            let parent = raw.header.parent_hash;
            let why = match self.ledger.height_of(parent)? {
                Some(height) => {
                    format!("its parent {parent} is final at {height}, and has a final child")
                }
                None => format!("its parent {parent} is not known"),
            };
            return Ok(Verdict::NotYet(why));
        };
        let ahead = header_time_ms(&raw.header).saturating_sub(self.clock.now_ms());
        if !history && u128::from(ahead) > self.config.clock_tolerance.as_millis() {
            return Ok(Verdict::NotYet(format!(
                "its time is {ahead} ms ahead of this node's clock"
            )));
        }
        if let Err(unknown) = self.check_version(parent.number() + 1) {
            return Ok(Verdict::NotYet(unknown.to_string()));
        }
        if self.tree.lock().is_full() {
            return Ok(Verdict::NotYet(
                "too many blocks wait to become final".into(),
            ));
        }
        Ok(match self.judge(raw, parent)? {
            Ok(executed) => {
                self.keep(executed);
                Verdict::Ok
            }
            Err(reason) => Verdict::Bad(reason),
        })
    }
}
