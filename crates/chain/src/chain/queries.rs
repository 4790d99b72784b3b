//! Questions about blocks, states, logs, accounts and fees.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256};
use capstan_evm::{BlockContext, StateDiff, StateRead};

use super::{
    BlockInputs, Inner, Pending,
    ledger::{Overlay, storage},
    on_big_stack,
    produce::PoolFeed,
};
use crate::{
    AccountTransaction, At, Block, Budget, ChainError, FeeHistory, LogEntry, LogQuery, LogRange,
    Page,
    db::{LogFilter, TxPosition},
    trie::{AccountProof, NodeUpdates},
};

/// Proofs reach this many blocks back: each is found by undoing the blocks since.
pub const PROOF_WINDOW: u64 = 128;
/// How long a pending block is answered again.
const PENDING_FOR: Duration = Duration::from_millis(100);
/// Most blocks and percentiles of one fee history.
const FEE_BLOCKS: u64 = 1_024;
/// Blocks that one look into the log index names.
const LOG_BLOCKS: usize = 1_024;

/// A pending block, what it was made on, and when.
pub(super) struct CachedPending {
    made: Instant,
    parent: B256,
    pending: Pending,
}

impl Inner {
    /// Height of a point of the chain that is final; `None` if there is no such block.
    fn height(&self, at: At) -> Result<Option<u64>, ChainError> {
        let head = self.ledger.head().number();
        Ok(match at {
            At::Latest | At::Pending => Some(head),
            At::Earliest => Some(0),
            At::Number(number) => (number <= head).then_some(number),
            At::Hash(hash) => self.ledger.height_of(hash)?,
        })
    }

    pub(super) fn block(&self, at: At) -> Result<Option<Arc<Block>>, ChainError> {
        match at {
            At::Latest => return Ok(Some(self.ledger.head())),
            At::Pending => return Ok(Some(self.pending()?.block)),
            At::Hash(hash) => {
                if let Some(block) = self.live_block(hash)? {
                    return Ok(Some(block));
                }
            }
            At::Earliest | At::Number(_) => {}
        }
        match self.height(at)? {
            Some(height) => self.ledger.block(height),
            None => Ok(None),
        }
    }

    pub(super) fn state_at(&self, at: At) -> Result<Arc<dyn StateRead>, ChainError> {
        let head = self.ledger.head();
        let height = match at {
            At::Latest => return Ok(self.latest_state(&head)),
            At::Pending => return Ok(self.pending()?.state),
            At::Hash(hash) if self.tree.lock().get(&hash).is_some() => return self.state_of(hash),
            At::Number(number) if number == head.number() => return Ok(self.latest_state(&head)),
            At::Hash(hash) if hash == head.hash() => return Ok(self.latest_state(&head)),
            _ => self.height(at)?,
        };
        let number = height.ok_or_else(|| ChainError::UnknownBlock(format!("{at:?}")))?;
        let oldest = self.ledger.oldest_state();
        if number < oldest {
            return Err(ChainError::StatePruned { number, oldest });
        }
        Ok(self.ledger.state(number))
    }

    /// State after the newest block, with what a developer has changed since.
    fn latest_state(&self, head: &Block) -> Arc<dyn StateRead> {
        let base = self.ledger.state(head.number());
        match self.dev.as_ref().and_then(|dev| dev.overlay()) {
            Some(diff) => Arc::new(Overlay {
                layers: vec![(diff, None)],
                base,
            }),
            None => base,
        }
    }

    pub(super) fn next_context(&self) -> BlockContext {
        let head = self.ledger.head();
        self.context(&self.next_frame(&head))
    }

    pub(super) fn pending(&self) -> Result<Pending, ChainError> {
        let mut cached = self.pending.lock();
        if let Some(fresh) = &*cached
            && fresh.parent == self.ledger.head().hash()
            && fresh.made.elapsed() < PENDING_FOR
        {
            return Ok(fresh.pending.clone());
        }
        // Nobody waits for a block that is only looked at. When the chain moves on meanwhile it is made
        // again, the last time while the chain stands still.
        for _ in 0..2 {
            let head = self.ledger.head();
            let made = self.make_pending(&head);
            if self.ledger.head().hash() == head.hash() {
                return keep_pending(&mut cached, &head, made?);
            }
        }
        drop(cached);
        let _turn = self.turn.lock();
        let head = self.ledger.head();
        let made = self.make_pending(&head)?;
        keep_pending(&mut self.pending.lock(), &head, made)
    }

    fn make_pending(&self, head: &Arc<Block>) -> Result<Pending, ChainError> {
        let frame = self.next_frame(head);
        let overrides = self
            .dev
            .as_ref()
            .map(|dev| dev.waiting_overrides())
            .unwrap_or_default();
        let inputs = BlockInputs {
            overrides: super::overrides::calldata(&overrides),
            reports: self.reports.for_block(frame.time_ms),
            transactions: Box::new(PoolFeed::new(&self.pool, frame.base_fee_wei, None, false)),
            ..BlockInputs::at(frame.time_ms)
        };
        let (executed, _) = on_big_stack(|| self.build(&frame, inputs))?;
        let layer = (
            executed.diff,
            Some((executed.block.number(), executed.block.hash())),
        );
        let base = self.ledger.state(head.number());
        Ok(Pending {
            block: executed.block,
            state: Arc::new(Overlay {
                layers: vec![layer],
                base,
            }),
        })
    }

    pub(super) fn oldest_state(&self) -> u64 {
        self.ledger.oldest_state()
    }

    pub(super) fn oldest_proof(&self) -> u64 {
        let head = self.ledger.head().number();
        head.saturating_sub(PROOF_WINDOW).max(self.oldest_state())
    }

    pub(super) fn proof(
        &self,
        at: At,
        address: Address,
        slots: &[B256],
    ) -> Result<AccountProof, ChainError> {
        let head = self.ledger.head();
        let newest = match at {
            At::Latest | At::Pending => true,
            At::Number(number) => number == head.number(),
            At::Hash(hash) => hash == head.hash(),
            At::Earliest => false,
        };
        if newest && let Some(proof) = self.ledger.proof_at_head(head.number(), address, slots)? {
            return Ok(proof);
        }
        // Other proofs are found from where the tries stand: nobody may move them meanwhile.
        let _turn = self.turn.lock();
        let overlays = self.nodes_at(at)?;
        self.ledger.proof(overlays, address, slots)
    }

    pub(super) fn root_with(&self, at: At, diff: &StateDiff) -> Result<B256, ChainError> {
        let _turn = self.turn.lock();
        let overlays = self.nodes_at(at)?;
        Ok(self.ledger.root_after(overlays, diff)?.root)
    }

    /// What lies over the newest final tries at a point of the chain. The caller holds the turn.
    fn nodes_at(&self, at: At) -> Result<Vec<Arc<NodeUpdates>>, ChainError> {
        let head = self.ledger.head();
        if let At::Hash(hash) = at
            && self.tree.lock().get(&hash).is_some()
        {
            return self.tree.lock().nodes_above(hash, head.hash());
        }
        let number = self
            .height(at)?
            .ok_or_else(|| ChainError::UnknownBlock(format!("{at:?}")))?;
        if number == head.number() {
            return Ok(Vec::new());
        }
        let oldest = self.oldest_proof();
        if number < oldest {
            return Err(ChainError::ProofWindow {
                number,
                oldest,
                head: head.number(),
            });
        }
        Ok(vec![self.ledger.nodes_back_to(number)?])
    }

    pub(super) fn logs(
        &self,
        query: &LogQuery,
        budget: &Budget,
    ) -> Result<Vec<LogEntry>, ChainError> {
        let mut answer = Answer {
            query,
            budget,
            started: Instant::now(),
            found: Vec::new(),
        };
        let head = self.ledger.head().number();
        let (mut from, to) = match query.range {
            LogRange::Block(hash) => {
                let block = self.block(At::Hash(hash))?;
                answer.take(&block.ok_or_else(|| ChainError::UnknownBlock(hash.to_string()))?)?;
                return Ok(answer.found);
            }
            LogRange::Numbers { from, to } => (from, to.min(head)),
        };
        let filter = LogFilter {
            addresses: query.addresses.clone(),
            topics: query.topics.clone(),
        };
        // What is flushed is found by the index, what is not by looking at each block.
        let view = self.ledger.view();
        let flushed = view.tip().map_or(0, |tip| tip.height);
        while from <= to.min(flushed) {
            let last = to.min(flushed);
            let heights = view
                .log_blocks(&filter, from, last, LOG_BLOCKS)
                .map_err(storage)?;
            let next = match heights.last() {
                Some(height) if heights.len() == LOG_BLOCKS => height + 1,
                _ => last + 1,
            };
            for height in heights {
                self.take_logs(&mut answer, height)?;
            }
            from = next;
        }
        for height in from..=to {
            self.take_logs(&mut answer, height)?;
        }
        Ok(answer.found)
    }

    fn take_logs(&self, answer: &mut Answer<'_>, height: u64) -> Result<(), ChainError> {
        match self.ledger.block(height)? {
            Some(block) => answer.take(&block),
            None => Ok(()),
        }
    }

    pub(super) fn account_transactions(
        &self,
        account: Address,
        cursor: Option<u64>,
        limit: usize,
    ) -> Result<Page<AccountTransaction>, ChainError> {
        // One cursor names a transaction: a block holds fewer than 2^20.
        let split = |cursor: u64| TxPosition {
            height: cursor >> 20,
            index: u32::try_from(cursor & 0xf_ffff).unwrap_or_default(),
        };
        let before = cursor.map(split);
        let mut items = Vec::new();
        let flushed = self.ledger.flushed_height();
        let newest = before
            .map_or(u64::MAX, |before| before.height)
            .min(self.ledger.head().number());
        for height in (flushed + 1..=newest).rev() {
            let Some(block) = self.ledger.block(height)? else {
                continue;
            };
            for index in (0..block.transactions.len()).rev() {
                let position = TxPosition {
                    height,
                    index: u32::try_from(index).unwrap_or(u32::MAX),
                };
                let tx = &block.transactions[index];
                let involved = tx.signer() == account
                    || tx.to() == Some(account)
                    || block.created_address(index) == Some(account);
                if involved && before.is_none_or(|before| position < before) && items.len() < limit
                {
                    items.push(position);
                }
            }
        }
        let rest = limit - items.len();
        if rest > 0 {
            let view = self.ledger.view();
            let older = view
                .account_transactions(account, before, rest)
                .map_err(storage)?;
            items.extend(
                older
                    .into_iter()
                    .filter(|position| position.height <= flushed),
            );
        }
        let full = items.len() == limit;
        let cursor = items.last().filter(|_| full);
        let cursor = cursor.map(|last| last.height << 20 | u64::from(last.index));
        let mut page = Page {
            items: Vec::with_capacity(items.len()),
            cursor,
        };
        for position in items {
            let Some(block) = self.ledger.block(position.height)? else {
                continue;
            };
            let Some(tx) = block.transactions.get(position.index as usize) else {
                continue;
            };
            page.items.push(AccountTransaction {
                block_number: position.height,
                tx_index: position.index,
                tx_hash: *tx.tx_hash(),
            });
        }
        Ok(page)
    }

    pub(super) fn fee_history(
        &self,
        newest: u64,
        block_count: u64,
        percentiles: &[f64],
    ) -> Result<FeeHistory, ChainError> {
        let head = self.ledger.head().number();
        if newest > head {
            return Err(ChainError::UnknownBlock(newest.to_string()));
        }
        let count = block_count.min(FEE_BLOCKS).min(newest + 1);
        let mut history = FeeHistory {
            oldest_block: newest + 1 - count,
            ..FeeHistory::default()
        };
        let mut next_base_fee = None;
        for number in history.oldest_block..=newest {
            let block = self.ledger.block(number)?;
            let block = block.ok_or_else(|| ChainError::UnknownBlock(number.to_string()))?;
            history.base_fee_wei.push(block.base_fee_wei().into());
            let ratio = block.user_gas_used as f64 / self.rules.user_gas_limit as f64;
            history.gas_used_ratio.push(ratio);
            if !percentiles.is_empty() {
                history.tip_wei.push(tips(&block, percentiles));
            }
            next_base_fee = Some(self.next_base_fee(&block));
        }
        if newest < head
            && let Some(block) = self.ledger.block(newest + 1)?
        {
            next_base_fee = Some(block.base_fee_wei());
        }
        history.base_fee_wei.extend(next_base_fee.map(u128::from));
        Ok(history)
    }
}

fn keep_pending(
    cached: &mut Option<CachedPending>,
    head: &Block,
    pending: Pending,
) -> Result<Pending, ChainError> {
    *cached = Some(CachedPending {
        made: Instant::now(),
        parent: head.hash(),
        pending: pending.clone(),
    });
    Ok(pending)
}

/// Tips at percentiles of user gas.
fn tips(block: &Block, percentiles: &[f64]) -> Vec<u128> {
    let base_fee = block.base_fee_wei();
    let mut paid: Vec<(u128, u64)> = (0..block.transactions.len())
        .filter(|&i| !block.is_system(i))
        .map(|i| {
            let tip = block.transactions[i]
                .effective_tip_per_gas(base_fee)
                .unwrap_or_default();
            (tip, block.gas_used_by(i))
        })
        .collect();
    paid.sort_unstable();
    let total = block.user_gas_used as f64;
    let at = |percentile: &f64| {
        let mut gas = 0.0;
        let reached = paid.iter().find(|(_, used)| {
            gas += *used as f64;
            gas >= total * percentile / 100.0
        });
        reached.or(paid.last()).map_or(0, |(tip, _)| *tip)
    };
    percentiles.iter().map(at).collect()
}

/// A log query under way.
struct Answer<'a> {
    query: &'a LogQuery,
    budget: &'a Budget,
    started: Instant,
    found: Vec<LogEntry>,
}

impl Answer<'_> {
    fn take(&mut self, block: &Arc<Block>) -> Result<(), ChainError> {
        if self.started.elapsed() > self.budget.time {
            let (limit, reached) = (self.budget.time, block.number());
            return Err(ChainError::QueryTimeout { limit, reached });
        }
        for entry in block.logs().filter(|entry| self.query.matches(&entry.log)) {
            if self.found.len() == self.budget.results {
                let last_block = self.found.last().map_or(0, |entry| entry.block_number);
                return Err(ChainError::TooManyResults {
                    limit: self.budget.results,
                    last_block,
                });
            }
            self.found.push(entry);
        }
        Ok(())
    }
}
