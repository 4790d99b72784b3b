//! One node's way to a final block: take what waits, build, finalize.

use std::{sync::Arc, thread, time::Instant};

use alloy_consensus::transaction::Recovered;
use alloy_primitives::B256;
use capstan_contracts::still;
use capstan_evm::{StateDiff, StateRead, Tx};

use super::{
    BlockInputs, Clock, Event, Inner, Refusal, TxFeed,
    build::{Frame, derived_prevrandao},
    guards::FOLLOWED,
    ledger::Executed,
    on_big_stack,
};
use crate::{
    Block, ChainError, Mining,
    pool::{Best, Pool},
};

/// Most blocks that are made in one turn.
const BURST: usize = 8;

/// The pool as a block sees it.
pub(super) struct PoolFeed {
    best: Best,
    pool: Arc<Pool>,
    /// Whether what cannot enter is forgotten. A block that is only looked at forgets nothing.
    forget: bool,
}

impl PoolFeed {
    pub(super) fn new(
        pool: &Arc<Pool>,
        base_fee_wei: u64,
        ahead: Option<&StateDiff>,
        forget: bool,
    ) -> Self {
        Self {
            best: pool.best(base_fee_wei, ahead),
            pool: Arc::clone(pool),
            forget,
        }
    }
}

impl TxFeed for PoolFeed {
    fn next_tx(&mut self) -> Option<Recovered<Tx>> {
        Some(self.best.next_tx()?.tx.clone())
    }

    fn refused(&mut self, tx: &Recovered<Tx>, why: &Refusal) {
        self.best.skip_sender(tx.signer());
        if let (Refusal::Invalid(reason), true) = (why, self.forget) {
            let hash = tx.tx_hash();
            tracing::debug!(%hash, %reason, "a waiting transaction cannot enter a block and is forgotten");
            self.pool.remove(hash);
        }
    }

    fn stands(&mut self, tx: &Recovered<Tx>) -> bool {
        !self.best.skips(tx.signer())
    }
}

impl Inner {
    /// Makes the next block from the pool and what a developer wishes, and finalizes it.
    pub(crate) fn produce(&self, time_ms: Option<u64>) -> Result<Arc<Block>, ChainError> {
        let _turn = self.turn.lock();
        self.produce_one(time_ms)
    }

    /// Makes blocks for as long as something is ready, but not more than a few: others wait for the turn.
    ///
    /// ```text
    ///   execute 1 │ execute 2         │ execute 3         │
    ///             │ sync and publish 1│ sync and publish 2│ sync and publish 3
    /// ```
    ///
    /// A block is executed over its parent while that is still being synced. Nobody sees either before its
    /// own sync has ended, and a block whose parent cannot be synced is dropped with it.
    pub(crate) fn produce_ready(&self) -> Result<(), ChainError> {
        let _turn = self.turn.lock();
        let head = self.ledger.head();
        let frame = self.next_frame(&head);
        // Asked after the frame was made: a wish that it holds is then fulfilled, and not held a second time.
        if self.is_steered() || self.reports.has_any(frame.time_ms) {
            return self.produce_one(None).map(drop);
        }
        let feed = PoolFeed::new(&self.pool, frame.base_fee_wei, None, true);
        let mut newest = self.build_from(&frame, feed)?;
        self.clock.followed(frame.ahead_ms);
        for _ in 1..BURST {
            let frame = self.next_frame(&newest.block);
            let feed = PoolFeed::new(&self.pool, frame.base_fee_wei, Some(&newest.diff), false);
            if feed.best.is_empty() || self.is_steered() {
                break;
            }
            self.keep(newest.clone());
            let next = thread::scope(|scope| {
                let parent = newest.clone();
                let syncing = scope.spawn(|| self.make_final(parent));
                let next = self.build_from(&frame, feed);
                match syncing.join() {
                    Ok(synced) => synced.and(next),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            })?;
            if next.block.transactions.is_empty() {
                return Ok(());
            }
            newest = next;
        }
        self.make_final(newest)
    }

    /// Whether a developer has asked for something of the next block.
    fn is_steered(&self) -> bool {
        self.clock.setting().next_ms.is_some()
            || self.dev.as_ref().is_some_and(|dev| dev.has_wishes())
    }

    fn build_from(&self, frame: &Frame, feed: PoolFeed) -> Result<Executed, ChainError> {
        let inputs = BlockInputs {
            beneficiary: frame.beneficiary,
            transactions: Box::new(feed),
            ..BlockInputs::at(frame.time_ms)
        };
        Ok(on_big_stack(|| self.build(frame, inputs))?.0)
    }

    fn produce_one(&self, time_ms: Option<u64>) -> Result<Arc<Block>, ChainError> {
        let head = self.ledger.head();
        let mut frame = self.next_frame(&head);
        if let Some(time_ms) = time_ms {
            frame.time_ms = time_ms.max(head.time_ms() + 1);
            frame.stood = false;
        }
        let overrides = self
            .dev
            .as_ref()
            .map(|dev| dev.waiting_overrides())
            .unwrap_or_default();
        let inputs = BlockInputs {
            beneficiary: frame.beneficiary,
            overrides: super::overrides::calldata(&overrides),
            reports: self.reports.for_block(frame.time_ms),
            transactions: Box::new(PoolFeed::new(&self.pool, frame.base_fee_wei, None, true)),
            ..BlockInputs::at(frame.time_ms)
        };
        let (executed, _) = on_big_stack(|| self.build(&frame, inputs))?;
        let block = Arc::clone(&executed.block);
        self.make_final(executed)?;
        self.clock.made(block.time_ms(), frame.ahead_ms);
        if let Some(dev) = &self.dev {
            dev.made(overrides.len(), &*self.final_state())?;
        }
        Ok(block)
    }

    /// The right to build, check, finalize and rewind.
    pub(crate) fn take_turn(&self) -> parking_lot::MutexGuard<'_, ()> {
        self.turn.lock()
    }

    /// State after the newest block, without what a developer changed since.
    pub(crate) fn final_state(&self) -> Arc<dyn StateRead> {
        self.ledger.state(self.ledger.head().number())
    }

    pub(crate) fn height_now(&self) -> u64 {
        self.ledger.head().number()
    }

    pub(crate) fn head_time_ms(&self) -> u64 {
        self.ledger.head().time_ms()
    }

    pub(crate) fn forget_pending(&self) {
        *self.pending.lock() = None;
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the next block would be, were it made now.
    pub(super) fn next_frame(&self, head: &Arc<Block>) -> Frame {
        let wishes = self
            .dev
            .as_ref()
            .map(|dev| dev.wishes())
            .unwrap_or_default();
        let ahead_ms = self.clock.setting().ahead_ms;
        let time_ms = self.clock.next_ms(head.time_ms());
        Frame {
            time_ms,
            ahead_ms,
            stood: self.has_stood(time_ms.saturating_sub(head.time_ms())),
            beneficiary: wishes.beneficiary.unwrap_or(self.config.beneficiary),
            prevrandao: wishes
                .prevrandao
                .unwrap_or_else(|| derived_prevrandao(head)),
            base_fee_wei: wishes
                .base_fee_wei
                .unwrap_or_else(|| self.next_base_fee(head)),
            parent: Arc::clone(head),
        }
    }

    /// Whether the time since the newest block is one in which the chain stood still. Where a developer moved the clock he meant to let
    /// it pass; and a chain that makes blocks when it is asked stands still while nobody runs it, not while nobody asks.
    fn has_stood(&self, gap_ms: u64) -> bool {
        if !self.genesis.development {
            return true;
        }
        if self.clock.is_moved() {
            return false;
        }
        match self.driver.lock().mining {
            Mining::Interval(pace) => {
                let pace_ms = u64::try_from(pace.as_millis()).unwrap_or(u64::MAX);
                still::stood(gap_ms, pace_ms)
            }
            Mining::Instant | Mining::Manual => self.clock.is_fresh(),
        }
    }

    /// Makes a candidate final, its ancestors first. The caller holds the turn.
    pub(super) fn finalize(&self, hash: B256) -> Result<Arc<Block>, ChainError> {
        if let Some(height) = self.ledger.height_of(hash)?
            && let Some(block) = self.ledger.block(height)?
            && block.hash() == hash
        {
            return Ok(block);
        }
        let path: Vec<Executed> = {
            let tree = self.tree.lock();
            let path = tree.path(hash, self.ledger.head().hash());
            let path = path.map_err(|_| ChainError::UnknownBlock(hash.to_string()))?;
            path.into_iter()
                .rev()
                .map(|candidate| candidate.executed.clone())
                .collect()
        };
        for executed in path {
            self.make_final(executed)?;
        }
        Ok(self.ledger.head())
    }

    fn make_final(&self, executed: Executed) -> Result<(), ChainError> {
        let block = Arc::clone(&executed.block);
        let (diff, changes) = (Arc::clone(&executed.diff), Arc::clone(&executed.guards));
        let said = Arc::clone(&executed.said);
        self.ledger.commit(executed)?;
        let started = Instant::now();
        for (tx, line) in said.iter() {
            tracing::info!(target: "console", %tx, "{line}");
        }
        // Together: whoever asks what is due finds the block in the index or in the tree.
        let mut guards = self.guards.lock();
        guards.follow(&block, &changes);
        self.tree.lock().settle(block.hash());
        drop(guards);
        self.pool.on_block(&diff);
        self.reports.on_block(&block);
        metrics::counter!("capstan_blocks_total").increment(1);
        metrics::counter!("capstan_transactions_total").increment(block.transactions.len() as u64);
        metrics::counter!("capstan_gas_used_total").increment(block.header.gas_used);
        metrics::gauge!("capstan_base_fee_wei").set(block.base_fee_wei() as f64);
        // Nobody listening is not an error.
        let _ = self.events.send(Event::Block(block));
        metrics::histogram!("capstan_block_publish_seconds").record(started.elapsed());
        Ok(())
    }

    /// Goes back to `height`, for one who holds the turn. Candidates and subscribers go with it; the pool is
    /// judged anew.
    pub(crate) fn rewind_to(
        &self,
        height: u64,
        _turn: &parking_lot::MutexGuard<'_, ()>,
    ) -> Result<(), ChainError> {
        let head = self.ledger.head().number();
        if height > head {
            return Err(ChainError::UnknownBlock(height.to_string()));
        }
        let removed = match height == head {
            true => Vec::new(),
            false => {
                let (removed, steps) = self.ledger.rewind_to(height, &FOLLOWED)?;
                self.leave_guards(&steps);
                removed
            }
        };
        self.tree.lock().clear();
        self.clock.rewound();
        *self.pending.lock() = None;
        let state = self.state_at(crate::At::Latest)?;
        self.pool
            .on_rewind(&*state)
            .map_err(super::ledger::storage)?;
        if !removed.is_empty() {
            let _ = self.events.send(Event::Rewound {
                to: height,
                removed: Arc::new(removed),
            });
        }
        Ok(())
    }
}
