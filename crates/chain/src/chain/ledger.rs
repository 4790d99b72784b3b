//! What is final: the block log, the database behind it, and between them what is not flushed yet.
//!
//! ```text
//!  commit(block) ─► BlockLog (fsync) ─► Hot + Recent ─► readers see it
//!                                          │ every second, or every few blocks
//!                                          └─► Db::apply, one transaction ─► Recent lets go of it
//! ```

use std::{collections::VecDeque, sync::Arc, time::Instant};

use alloy_primitives::{
    Address, B256, Bytes, U256,
    map::{B256Map, HashMap},
};
use capstan_evm::{AccountInfo, StateDiff, StateError, StateRead};
use parking_lot::{Mutex, RwLock};

use crate::{
    Block, ChainError,
    db::{BlockRecord, Db, DbError, DbView, IndexSnapshot, IndexStep, TxRecord},
    log::BlockLog,
    trie::{
        AccountProof, Commit, Mpt, Node, NodeKey, NodeSource, NodeUpdates, StateCommitment as _,
        TrieError,
    },
};

use super::{guards::Called, hot::Hot};

/// Blocks that stay decoded in memory: what wallets poll for. Bounded by transactions too.
const RECENT_BLOCKS: usize = 1_024;
const RECENT_TRANSACTIONS: usize = 100_000;
/// Blocks read from the log that stay decoded.
const OLD_BLOCKS: usize = 128;

/// A block that was executed: all that makes it final.
#[derive(Clone, Debug)]
pub(crate) struct Executed {
    pub(crate) block: Arc<Block>,
    pub(crate) diff: Arc<StateDiff>,
    pub(crate) nodes: Arc<NodeUpdates>,
    /// What it changed of what calls for the next ones; nothing where that is read anew.
    pub(crate) guards: Arc<Called>,
    /// What its transactions said to `console.log`, on a development chain that made it.
    pub(crate) said: Arc<Vec<(B256, String)>>,
}

/// See the module.
pub(super) struct Ledger {
    log: BlockLog,
    db: Db,
    hot: Hot,
    view: RwLock<Arc<DbView>>,
    head: RwLock<Arc<Block>>,
    recent: RwLock<Recent>,
    /// Trie nodes above the database, each with the height that wrote it.
    nodes: RwLock<HashMap<NodeKey, (u64, Option<Arc<Node>>)>>,
    old: Mutex<lru::LruCache<u64, Arc<Block>>>,
    /// One flush at a time.
    flushing: Mutex<()>,
    failed: Mutex<Option<String>>,
}

#[derive(Default)]
struct Recent {
    /// Consecutive, the newest last.
    blocks: VecDeque<Arc<Block>>,
    by_hash: B256Map<u64>,
    transactions: B256Map<(u64, usize)>,
    unflushed: VecDeque<Executed>,
    unflushed_since: Option<Instant>,
}

impl Recent {
    fn push(&mut self, executed: Executed) {
        let block = Arc::clone(&executed.block);
        self.by_hash.insert(block.hash(), block.number());
        let hashes = block.transactions.iter().enumerate();
        self.transactions
            .extend(hashes.map(|(index, tx)| (*tx.tx_hash(), (block.number(), index))));
        self.blocks.push_back(block);
        self.unflushed.push_back(executed);
        self.unflushed_since.get_or_insert_with(Instant::now);
    }

    /// Lets go of old blocks, but of none that is not flushed.
    fn trim(&mut self) {
        while (self.blocks.len() > RECENT_BLOCKS || self.transactions.len() > RECENT_TRANSACTIONS)
            && self.blocks.len() > self.unflushed.len().max(1)
        {
            let Some(block) = self.blocks.pop_front() else {
                return;
            };
            self.by_hash.remove(&block.hash());
            for tx in &block.transactions {
                self.transactions.remove(tx.tx_hash());
            }
        }
    }

    fn at(&self, number: u64) -> Option<&Arc<Block>> {
        let first = self.blocks.front()?.number();
        self.blocks
            .get(usize::try_from(number.checked_sub(first)?).ok()?)
    }
}

pub(super) fn storage(error: impl std::fmt::Display) -> ChainError {
    ChainError::Storage(error.to_string())
}

fn unreadable(error: impl std::fmt::Display) -> StateError {
    StateError::Storage(error.to_string())
}

impl Ledger {
    /// Over a log, and a database that stands at this block of it.
    pub(super) fn new(log: BlockLog, db: Db, head: Arc<Block>) -> Result<Self, ChainError> {
        let view = db.view().map_err(storage)?;
        let mut recent = Recent::default();
        recent.by_hash.insert(head.hash(), head.number());
        let hashes = head.transactions.iter().enumerate();
        recent.transactions = hashes
            .map(|(index, tx)| (*tx.tx_hash(), (head.number(), index)))
            .collect();
        recent.blocks.push_back(Arc::clone(&head));
        Ok(Self {
            log,
            db,
            hot: Hot::new(head.number()),
            view: RwLock::new(view),
            head: RwLock::new(head),
            recent: RwLock::new(recent),
            nodes: RwLock::default(),
            old: Mutex::new(lru::LruCache::new(
                const { std::num::NonZeroUsize::new(OLD_BLOCKS).unwrap() },
            )),
            flushing: Mutex::new(()),
            failed: Mutex::new(None),
        })
    }

    pub(super) fn head(&self) -> Arc<Block> {
        Arc::clone(&self.head.read())
    }

    pub(super) fn log(&self) -> &BlockLog {
        &self.log
    }

    pub(super) fn view(&self) -> Arc<DbView> {
        Arc::clone(&self.view.read())
    }

    /// Height up to which the database holds everything.
    pub(super) fn flushed_height(&self) -> u64 {
        self.view().tip().map_or(0, |tip| tip.height)
    }

    /// After a failed write nothing more is written: what is on disk must not be guessed at.
    fn check_healthy(&self) -> Result<(), ChainError> {
        match &*self.failed.lock() {
            Some(reason) => Err(ChainError::Storage(format!(
                "writing has stopped: {reason}"
            ))),
            None => Ok(()),
        }
    }

    fn fail(&self, error: impl std::fmt::Display) -> ChainError {
        let reason = error.to_string();
        tracing::error!(%reason, "storage failed; no further block is written");
        *self.failed.lock() = Some(reason.clone());
        ChainError::Storage(reason)
    }

    /// Why writing has stopped, if it has.
    pub(super) fn failure(&self) -> Option<String> {
        self.failed.lock().clone()
    }

    /// Makes a block final. Durable on return, and visible to everyone.
    pub(super) fn commit(&self, executed: Executed) -> Result<(), ChainError> {
        self.check_healthy()?;
        let block = &executed.block;
        let started = Instant::now();
        self.log
            .append(block.number(), block.hash(), &block.encode_frame())
            .map_err(|error| self.fail(error))?;
        metrics::histogram!("capstan_block_log_seconds").record(started.elapsed());
        self.adopt(vec![executed]);
        Ok(())
    }

    /// Takes the next blocks, which the log has: everyone sees them, and the database follows. All at once, since their tries may
    /// stand in the last one alone.
    pub(super) fn adopt(&self, blocks: Vec<Executed>) {
        for executed in &blocks {
            self.hot.advance(executed.block.number(), &executed.diff);
        }
        // The head moves under the lock of the nodes: whoever reads them knows which block they belong to.
        let mut nodes = self.nodes.write();
        let mut recent = self.recent.write();
        for executed in blocks {
            let height = executed.block.number();
            let written = executed.nodes.iter();
            nodes.extend(written.map(|(key, node)| (*key, (height, node.clone()))));
            recent.push(executed);
        }
        if let Some(newest) = recent.blocks.back() {
            *self.head.write() = Arc::clone(newest);
        }
        recent.trim();
    }

    /// Blocks that wait for the database, and for how long the oldest has waited.
    pub(super) fn unflushed(&self) -> (u64, std::time::Duration) {
        let recent = self.recent.read();
        let waited = recent
            .unflushed_since
            .map_or_else(Default::default, |since| since.elapsed());
        (recent.unflushed.len() as u64, waited)
    }

    /// Moves everything final into the database.
    pub(super) fn flush(&self) -> Result<(), ChainError> {
        let _one = self.flushing.lock();
        self.check_healthy()?;
        let waiting: Vec<Executed> = self.recent.read().unflushed.iter().cloned().collect();
        let Some(last) = waiting.last() else {
            return Ok(());
        };
        let height = last.block.number();
        let started = Instant::now();
        let records: Vec<BlockRecord> = waiting.iter().map(record).collect();
        self.db.apply(&records).map_err(|error| self.fail(error))?;
        self.refresh_view()?;
        self.hot.flushed(height);
        self.nodes
            .write()
            .retain(|_, (written, _)| *written > height);
        let mut recent = self.recent.write();
        recent.unflushed.drain(..waiting.len());
        recent.unflushed_since = (!recent.unflushed.is_empty()).then(Instant::now);
        recent.trim();
        drop(recent);
        metrics::histogram!("capstan_db_flush_seconds").record(started.elapsed());
        Ok(())
    }

    /// Saves an index, which may stand above the database until it is flushed.
    pub(super) fn save_index(&self, snapshot: &IndexSnapshot) -> Result<(), ChainError> {
        self.flush()?;
        let _one = self.flushing.lock();
        self.check_healthy()?;
        self.db
            .save_index(snapshot)
            .map_err(|error| self.fail(error))?;
        self.refresh_view()
    }

    /// Removes history that is no longer kept; bounded work.
    pub(super) fn prune(&self) -> Result<(), ChainError> {
        let _one = self.flushing.lock();
        self.check_healthy()?;
        self.db.prune(256).map_err(|error| self.fail(error))?;
        self.refresh_view()
    }

    fn refresh_view(&self) -> Result<(), ChainError> {
        let view = self.db.view().map_err(|error| self.fail(error))?;
        *self.view.write() = view;
        Ok(())
    }

    /// Undoes every block above `height`. Answers them, newest first, and what they had done to the words of accounts.
    pub(super) fn rewind_to(
        &self,
        height: u64,
        accounts: &[Address],
    ) -> Result<(Vec<Arc<Block>>, Vec<(Address, IndexStep)>), ChainError> {
        self.flush()?;
        let target = self.block(height)?;
        let target = target.ok_or_else(|| ChainError::UnknownBlock(height.to_string()))?;
        // Nothing is cut that the database could not follow.
        let oldest = self.oldest_state();
        if height < oldest {
            return Err(ChainError::StatePruned {
                number: height,
                oldest,
            });
        }
        let mut steps = Vec::with_capacity(accounts.len());
        for account in accounts {
            let step = self.view().step_since(height, *account);
            steps.push((*account, step.map_err(storage)?));
        }
        let newest = self.head().number();
        let first_kept = newest.saturating_sub(RECENT_BLOCKS as u64).max(height);
        let mut removed = Vec::new();
        for number in ((first_kept + 1)..=newest).rev() {
            removed.extend(self.block(number)?);
        }
        let _one = self.flushing.lock();
        // The log first: it is the commit point, and opening brings the database down to it.
        self.log
            .truncate_to(height)
            .map_err(|error| self.fail(error))?;
        self.db
            .rewind_to(height)
            .map_err(|error| self.fail(error))?;
        self.refresh_view()?;
        self.hot.reset(height);
        self.nodes.write().clear();
        self.old.lock().clear();
        let mut recent = self.recent.write();
        while recent
            .blocks
            .back()
            .is_some_and(|block| block.number() > height)
        {
            let Some(block) = recent.blocks.pop_back() else {
                break;
            };
            recent.by_hash.remove(&block.hash());
            for tx in &block.transactions {
                recent.transactions.remove(tx.tx_hash());
            }
        }
        if recent.blocks.is_empty() {
            recent.by_hash.insert(target.hash(), height);
            recent.blocks.push_back(Arc::clone(&target));
        }
        *self.head.write() = target;
        Ok((removed, steps))
    }

    /// The final block at a height.
    pub(super) fn block(&self, number: u64) -> Result<Option<Arc<Block>>, ChainError> {
        if let Some(block) = self.recent.read().at(number) {
            return Ok(Some(Arc::clone(block)));
        }
        if number > self.head().number() {
            return Ok(None);
        }
        if let Some(block) = self.old.lock().get(&number) {
            return Ok(Some(Arc::clone(block)));
        }
        let Some(entry) = self.log.read(number).map_err(storage)? else {
            return Ok(None);
        };
        let block = decode(number, &entry.payload)?;
        self.old.lock().put(number, Arc::clone(&block));
        Ok(Some(block))
    }

    /// Height of a final block.
    pub(super) fn height_of(&self, hash: B256) -> Result<Option<u64>, ChainError> {
        if let Some(number) = self.recent.read().by_hash.get(&hash) {
            return Ok(Some(*number));
        }
        self.view().block_height(hash).map_err(storage)
    }

    /// Hash of a final block.
    pub(super) fn hash_of(&self, number: u64) -> Result<Option<B256>, ChainError> {
        if let Some(block) = self.recent.read().at(number) {
            return Ok(Some(block.hash()));
        }
        self.log.hash(number).map_err(storage)
    }

    /// Where a transaction is.
    pub(super) fn transaction(
        &self,
        hash: B256,
    ) -> Result<Option<(Arc<Block>, usize)>, ChainError> {
        let recent = self.recent.read().transactions.get(&hash).copied();
        if let Some((number, index)) = recent {
            return Ok(self.block(number)?.map(|block| (block, index)));
        }
        // The index keeps a part of each hash, so the block has the last word.
        for position in self.view().transaction(hash).map_err(storage)? {
            if let Some(block) = self.block(position.height)?
                && let Some(index) = block.position(&hash)
            {
                return Ok(Some((block, index)));
            }
        }
        Ok(None)
    }

    /// Root after `diff` over the newest final state with `overlays` (newest first) on it.
    pub(super) fn root_after(
        &self,
        overlays: Vec<Arc<NodeUpdates>>,
        diff: &StateDiff,
    ) -> Result<Commit, ChainError> {
        self.with_nodes(overlays, |source| Mpt.update(source, diff))
    }

    /// Proof at the newest final state with `overlays` (newest first) on it.
    pub(super) fn proof(
        &self,
        overlays: Vec<Arc<NodeUpdates>>,
        address: Address,
        slots: &[B256],
    ) -> Result<AccountProof, ChainError> {
        self.with_nodes(overlays, |source| Mpt.proof(source, address, slots))
    }

    /// Proof at the newest final block; `None` if that is no longer the one at `height`.
    pub(super) fn proof_at_head(
        &self,
        height: u64,
        address: Address,
        slots: &[B256],
    ) -> Result<Option<AccountProof>, ChainError> {
        self.with_nodes(Vec::new(), |source| match self.head().number() == height {
            true => Mpt.proof(source, address, slots).map(Some),
            false => Ok(None),
        })
    }

    fn with_nodes<T>(
        &self,
        overlays: Vec<Arc<NodeUpdates>>,
        f: impl FnOnce(&dyn NodeSource) -> Result<T, TrieError>,
    ) -> Result<T, ChainError> {
        // The guard is taken before the view: a flush cannot take nodes away that the view lacks.
        let nodes = self.nodes.read();
        let source = Nodes {
            overlays,
            unflushed: &nodes,
            view: self.view(),
        };
        f(&source).map_err(storage)
    }

    /// Updates that lead from the newest trie back to the one at `height`.
    pub(super) fn nodes_back_to(&self, height: u64) -> Result<Arc<NodeUpdates>, ChainError> {
        self.flush()?;
        let back = self.view().diff_back_to(height).map_err(storage)?;
        Ok(Arc::new(self.root_after(Vec::new(), &back)?.updates))
    }

    /// Lowest height whose state can be read.
    pub(super) fn oldest_state(&self) -> u64 {
        self.view().history().map_or(0, |range| *range.start())
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    /// State after the final block at `height`.
    pub(super) fn state(self: &Arc<Self>, height: u64) -> Arc<dyn StateRead> {
        Arc::new(FinalState {
            ledger: Arc::clone(self),
            height,
        })
    }
}

pub(super) fn decode(number: u64, payload: &Bytes) -> Result<Arc<Block>, ChainError> {
    Block::decode_frame(payload).map(Arc::new).map_err(|error| {
        ChainError::Storage(format!(
            "block {number} in the block log cannot be read ({error}): restore the data folder from a backup, or run `capstan db verify`"
        ))
    })
}

/// What the database wants to know of a block.
pub(crate) fn record(executed: &Executed) -> BlockRecord {
    let block = &executed.block;
    let transactions = block.transactions.iter().enumerate().map(|(index, tx)| {
        use alloy_consensus::Transaction as _;
        let mut accounts = vec![tx.signer()];
        accounts.extend(tx.to());
        accounts.extend(block.created_address(index));
        TxRecord {
            hash: *tx.tx_hash(),
            accounts,
        }
    });
    let logs = block.receipts.iter().flat_map(|receipt| receipt.logs());
    BlockRecord {
        height: block.number(),
        hash: block.hash(),
        state_root: block.header.state_root,
        diff: Arc::clone(&executed.diff),
        nodes: Arc::clone(&executed.nodes),
        transactions: transactions.collect(),
        logs: logs
            .map(|log| (log.address, log.topics().to_vec()))
            .collect(),
    }
}

/// Unfinalized over unflushed over stored.
struct Nodes<'a> {
    overlays: Vec<Arc<NodeUpdates>>,
    unflushed: &'a HashMap<NodeKey, (u64, Option<Arc<Node>>)>,
    view: Arc<DbView>,
}

impl NodeSource for Nodes<'_> {
    fn node(&self, key: &NodeKey) -> Result<Option<Arc<Node>>, TrieError> {
        if let Some(node) = self.overlays.iter().find_map(|updates| updates.get(key)) {
            return Ok(node.clone());
        }
        match self.unflushed.get(key) {
            Some((_, node)) => Ok(node.clone()),
            None => self.view.node(key),
        }
    }
}

/// State after a final block.
struct FinalState {
    ledger: Arc<Ledger>,
    height: u64,
}

impl FinalState {
    /// The database either stands at or below this height and has no later value (what is later is hot), or
    /// stands above it and answers from history.
    fn read<T>(
        &self,
        newest: impl FnOnce(&DbView) -> Result<T, DbError>,
        then: impl FnOnce(&DbView) -> Result<T, DbError>,
    ) -> Result<T, StateError> {
        let view = self.ledger.view();
        let below = view.tip().is_none_or(|tip| tip.height <= self.height);
        let answer = if below { newest(&view) } else { then(&view) };
        answer.map_err(|error| match error {
            DbError::NoHistory { height, floor, .. } => StateError::Pruned {
                height,
                oldest: floor,
            },
            other => unreadable(other),
        })
    }
}

impl StateRead for FinalState {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let hot = &self.ledger.hot;
        if let Some(info) = hot.account(address, self.height) {
            return Ok(info);
        }
        let info = self.read(
            |view| view.account(address),
            |view| view.account_at(self.height, address),
        )?;
        hot.fill_account(address, info, self.height);
        Ok(info)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let hot = &self.ledger.hot;
        if let Some(word) = hot.slot(address, slot, self.height) {
            return Ok(word);
        }
        let word = self.read(
            |view| view.storage(address, slot),
            |view| view.storage_at(self.height, address, slot),
        )?;
        hot.fill_slot(address, slot, word, self.height);
        Ok(word)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        if let Some(code) = self.ledger.hot.code(&hash) {
            return Ok(code);
        }
        let code = self.ledger.view().code(hash).map_err(unreadable)?;
        let code = code.ok_or(StateError::MissingCode(hash))?;
        self.ledger.hot.fill_code(hash, code.clone());
        Ok(code)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        if number > self.height {
            return Ok(B256::ZERO);
        }
        Ok(self
            .ledger
            .hash_of(number)
            .map_err(unreadable)?
            .unwrap_or_default())
    }
}

/// Changes that are not final, over a state.
#[derive(Clone)]
pub(super) struct Overlay {
    /// Newest first; the height and hash of the block that made each, if a block did.
    pub(super) layers: Vec<(Arc<StateDiff>, Option<(u64, B256)>)>,
    /// What is below them.
    pub(super) base: Arc<dyn StateRead>,
}

impl StateRead for Overlay {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let mut layers = self.layers.iter();
        match layers.find_map(|(diff, _)| diff.accounts.get(&address)) {
            Some(account) => Ok(account.info),
            None => self.base.account(address),
        }
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let word = |diff: &StateDiff| diff.accounts.get(&address)?.storage.get(&slot).copied();
        match self.layers.iter().find_map(|(diff, _)| word(diff)) {
            Some(word) => Ok(word),
            None => self.base.storage(address, slot),
        }
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        match self
            .layers
            .iter()
            .find_map(|(diff, _)| diff.codes.get(&hash))
        {
            Some(code) => Ok(code.clone()),
            None => self.base.code(hash),
        }
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        let mut blocks = self.layers.iter().filter_map(|(_, block)| *block);
        match blocks.find(|(height, _)| *height == number) {
            Some((_, hash)) => Ok(hash),
            None => self.base.block_hash(number),
        }
    }
}
