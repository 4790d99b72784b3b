//! What only a development chain may do: change state by hand, go back, move the clock.
//!
//! Changes of state are visible at `latest` at once and are written by a `DevOverride` transaction in the
//! next block, so every block still follows from its parent and can be replayed.

use std::{
    collections::HashSet,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes, U256};
use capstan_contracts::system::SlotOverride;
use capstan_evm::{StateDiff, StateRead};
use parking_lot::{Mutex, MutexGuard};

use crate::{
    ChainError, Mining,
    chain::{ClockSetting, Inner, OVERRIDES_PER_BLOCK, Override, apply_override},
};

/// Most blocks that one call of [`Dev::mine`] makes.
const MINE_AT_ONCE: u64 = 100_000;

/// End of the year 9999, in milliseconds since 1970: no clock is set beyond it, so that sums of times stay far from
/// the end of what 64 bits hold.
const TIME_MS_MAX: u128 = 253_402_300_799_999;

fn within_time(ms: u128) -> Result<(), ChainError> {
    if ms <= TIME_MS_MAX {
        return Ok(());
    }
    let (seconds, max) = (ms / 1000, TIME_MS_MAX / 1000);
    Err(ChainError::Inputs(format!(
        "time {seconds} s is out of range: at most {max} s, the end of the year 9999"
    )))
}

/// Developer verbs of one chain.
pub struct Dev {
    chain: Weak<Inner>,
    waiting: Mutex<Waiting>,
    wishes: Mutex<Wishes>,
    snapshots: Mutex<Snapshots>,
    impersonated: Mutex<HashSet<Address>>,
    impersonate_all: AtomicBool,
}

impl std::fmt::Debug for Dev {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dev").finish_non_exhaustive()
    }
}

/// Changes that wait for the next block, and what they make of the newest state.
#[derive(Clone, Debug, Default)]
struct Waiting {
    changes: Vec<Override>,
    overlay: Arc<StateDiff>,
}

/// What a developer wants of the next block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes {
    /// For all later blocks.
    pub(crate) beneficiary: Option<Address>,
    /// For one block.
    pub(crate) prevrandao: Option<B256>,
    /// For one block.
    pub(crate) base_fee_wei: Option<u64>,
}

#[derive(Debug, Default)]
struct Snapshots {
    last_id: u64,
    kept: Vec<Snapshot>,
}

#[derive(Debug)]
struct Snapshot {
    id: u64,
    height: u64,
    changes: Vec<Override>,
    wishes: Wishes,
    clock: ClockSetting,
}

impl Dev {
    pub(crate) fn new(chain: Weak<Inner>) -> Self {
        Self {
            chain,
            waiting: Mutex::default(),
            wishes: Mutex::default(),
            snapshots: Mutex::default(),
            impersonated: Mutex::default(),
            impersonate_all: AtomicBool::new(false),
        }
    }

    fn chain(&self) -> Result<Arc<Inner>, ChainError> {
        self.chain
            .upgrade()
            .ok_or_else(|| ChainError::DriverStopped(": the chain is closed".into()))
    }

    /// Sets a balance.
    pub fn set_balance(&self, account: Address, wei: U256) -> Result<(), ChainError> {
        self.change(Override {
            hasBalance: true,
            balance: wei,
            ..Override::of(account)
        })
    }

    /// Sets a nonce. Waiting transactions of the account are judged anew.
    pub fn set_nonce(&self, account: Address, nonce: u64) -> Result<(), ChainError> {
        self.change(Override {
            hasNonce: true,
            nonce,
            ..Override::of(account)
        })
    }

    /// Sets code.
    pub fn set_code(&self, account: Address, code: Bytes) -> Result<(), ChainError> {
        self.change(Override {
            hasCode: true,
            code,
            ..Override::of(account)
        })
    }

    /// Sets a storage word. An account that is empty otherwise gets nonce 1, as a contract has: Ethereum's rules
    /// remove an empty account at the end of the block, and its storage with it.
    pub fn set_storage_at(
        &self,
        account: Address,
        slot: U256,
        word: U256,
    ) -> Result<(), ChainError> {
        let slots = vec![SlotOverride { slot, word }];
        self.change(Override {
            slots,
            ..Override::of(account)
        })
    }

    fn change(&self, change: Override) -> Result<(), ChainError> {
        let chain = self.chain()?;
        let turn = chain.take_turn();
        self.change_in_turn(&chain, change)?;
        drop(turn);
        chain.ring();
        Ok(())
    }

    fn change_in_turn(&self, chain: &Inner, mut change: Override) -> Result<(), ChainError> {
        let base = chain.final_state();
        let mut waiting = self.waiting.lock();
        if !change.slots.is_empty() && self.is_empty(&waiting, &change, &*base)? {
            change.hasNonce = true;
            change.nonce = 1;
        }
        apply_override(&mut waiting.overlay, &change, &*base)
            .map_err(|error| ChainError::Execution(error.to_string()))?;
        let touched = waiting.overlay.accounts.get_key_value(&change.account);
        let touched = touched.map(|(address, account)| (*address, account.clone()));
        waiting.changes.push(change);
        drop(waiting);
        let diff = StateDiff {
            accounts: touched.into_iter().collect(),
            ..StateDiff::default()
        };
        chain.pool.on_block(&diff);
        chain.forget_pending();
        Ok(())
    }

    /// Whether an account would be empty after a change that says nothing of its nonce.
    fn is_empty(
        &self,
        waiting: &Waiting,
        change: &Override,
        base: &dyn StateRead,
    ) -> Result<bool, ChainError> {
        let known = match waiting.overlay.accounts.get(&change.account) {
            Some(account) => account.info,
            None => base
                .account(change.account)
                .map_err(|error| ChainError::Execution(error.to_string()))?,
        };
        let touched = change.hasBalance || change.hasNonce || change.hasCode;
        Ok(!touched && known.is_none_or(|info| info.is_empty()))
    }

    /// Remembers the newest block, and what was overridden since. Ids rise from 1.
    pub fn snapshot(&self) -> Result<u64, ChainError> {
        let chain = self.chain()?;
        let _turn = chain.take_turn();
        let mut snapshots = self.snapshots.lock();
        snapshots.last_id += 1;
        let snapshot = Snapshot {
            id: snapshots.last_id,
            height: chain.height_now(),
            changes: self.waiting.lock().changes.clone(),
            wishes: self.wishes(),
            clock: chain.clock().setting(),
        };
        snapshots.kept.push(snapshot);
        Ok(snapshots.last_id)
    }

    /// Goes back to a snapshot, which is used up by it, as are those taken after it. `false`: no such snapshot.
    pub fn revert(&self, snapshot: u64) -> Result<bool, ChainError> {
        let chain = self.chain()?;
        // One turn for all of it: a block that was made in between would write what is about to be forgotten.
        let turn = chain.take_turn();
        let mut snapshots = self.snapshots.lock();
        let Some(index) = snapshots.kept.iter().position(|kept| kept.id == snapshot) else {
            return Ok(false);
        };
        self.rewind_in_turn(&chain, snapshots.kept[index].height, &turn)?;
        let Some(found) = snapshots.kept.drain(index..).next() else {
            return Ok(false);
        };
        drop(snapshots);
        chain.clock().restore(found.clock);
        *self.wishes.lock() = found.wishes;
        for change in found.changes {
            self.change_in_turn(&chain, change)?;
        }
        drop(turn);
        chain.ring();
        Ok(true)
    }

    /// Undoes blocks until `height` is the newest, and forgets what waits for the next block.
    pub fn rewind_to(&self, height: u64) -> Result<(), ChainError> {
        let chain = self.chain()?;
        let turn = chain.take_turn();
        self.rewind_in_turn(&chain, height, &turn)?;
        self.snapshots
            .lock()
            .kept
            .retain(|snapshot| snapshot.height <= height);
        Ok(())
    }

    /// What waits is forgotten with the blocks, and kept where going back is refused.
    fn rewind_in_turn(
        &self,
        chain: &Inner,
        height: u64,
        turn: &MutexGuard<'_, ()>,
    ) -> Result<(), ChainError> {
        let waited = std::mem::take(&mut *self.waiting.lock());
        let done = chain.rewind_to(height, turn);
        if done.is_err() {
            *self.waiting.lock() = waited;
        }
        done
    }

    /// Makes `count` blocks now, the first from the pool as always; `step` apart if given.
    /// Answers their hashes. May block for as long as they take: not for an async thread.
    pub fn mine(&self, count: u64, step: Option<Duration>) -> Result<Vec<B256>, ChainError> {
        let chain = self.chain()?;
        if count > MINE_AT_ONCE {
            let reason = format!("{count} blocks at once; at most {MINE_AT_ONCE}");
            return Err(ChainError::Inputs(reason));
        }
        let ahead_ms = step.map_or(0, |step| step.as_millis().saturating_mul(count.into()));
        within_time(u128::from(chain.head_time_ms()).saturating_add(ahead_ms))?;
        let mut hashes = Vec::new();
        for index in 0..count {
            // The first block comes now, each later one a step after the one before it.
            let time_ms = match step {
                Some(step) if index > 0 => {
                    let by = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
                    Some(chain.head_time_ms().saturating_add_signed(by))
                }
                _ => None,
            };
            let block = chain.produce(time_ms)?;
            if time_ms.is_some() {
                chain.clock().set_now(block.time_ms());
            }
            hashes.push(block.hash());
        }
        Ok(hashes)
    }

    /// Moves the clock of later blocks ahead. Answers by how far it is ahead in all.
    pub fn increase_time(&self, by: Duration) -> Result<Duration, ChainError> {
        let chain = self.chain()?;
        let now_ms = chain.clock().now_ms().max(chain.head_time_ms());
        within_time(u128::from(now_ms).saturating_add(by.as_millis()))?;
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let ahead = chain.clock().advance(by_ms);
        chain.forget_pending();
        Ok(Duration::from_millis(u64::try_from(ahead).unwrap_or(0)))
    }

    /// Sets the header seconds of the next block; the clock goes on from there.
    pub fn set_next_block_timestamp(&self, seconds: u64) -> Result<(), ChainError> {
        let chain = self.chain()?;
        within_time(u128::from(seconds) * 1000)?;
        let parent_ms = chain.head_time_ms();
        let next_ms = seconds.saturating_mul(1000).max(parent_ms + 1);
        if next_ms / 1000 != seconds {
            return Err(ChainError::Inputs(format!(
                "timestamp {seconds} is lower than or equal to previous block's timestamp {}",
                parent_ms / 1000
            )));
        }
        chain.clock().set_next(next_ms);
        chain.forget_pending();
        Ok(())
    }

    /// Sets the clock: blocks made from now on go on from these seconds. Answers how far it moved, in seconds.
    pub fn set_time(&self, seconds: u64) -> Result<i64, ChainError> {
        let chain = self.chain()?;
        within_time(u128::from(seconds) * 1000)?;
        let moved_ms = chain.clock().set_now(seconds.saturating_mul(1000));
        chain.forget_pending();
        Ok(moved_ms / 1000)
    }

    /// Blocks made from now on have the machine's time again, however its clock was moved.
    pub fn reset_time(&self) -> Result<(), ChainError> {
        let chain = self.chain()?;
        chain.clock().restore(ClockSetting::default());
        chain.forget_pending();
        Ok(())
    }

    /// When blocks are made.
    pub fn mining(&self) -> Mining {
        self.chain()
            .map_or(Mining::Manual, |chain| chain.driver.lock().mining)
    }

    /// Changes when blocks are made.
    pub fn set_mining(&self, mining: Mining) -> Result<(), ChainError> {
        if mining == Mining::Interval(Duration::ZERO) {
            return Err(ChainError::Inputs(
                "a block interval of zero; use automine instead".into(),
            ));
        }
        let chain = self.chain()?;
        let mut driver = chain.driver.lock();
        if driver.mining != mining {
            // Of the time since the last block nobody can say any more whether it was waited or stood through.
            chain.clock().rewound();
        }
        driver.mining = mining;
        driver.rung = true;
        chain.bell.notify_all();
        Ok(())
    }

    /// Sets the base fee of the next block alone.
    pub fn set_next_base_fee(&self, wei: u64) -> Result<(), ChainError> {
        self.wishes.lock().base_fee_wei = Some(wei);
        self.chain()?.forget_pending();
        Ok(())
    }

    /// Sets the beneficiary of later blocks.
    pub fn set_beneficiary(&self, account: Address) -> Result<(), ChainError> {
        self.wishes.lock().beneficiary = Some(account);
        self.chain()?.forget_pending();
        Ok(())
    }

    /// Sets the randomness of the next block alone.
    pub fn set_prevrandao(&self, word: B256) -> Result<(), ChainError> {
        self.wishes.lock().prevrandao = Some(word);
        self.chain()?.forget_pending();
        Ok(())
    }

    /// Forgets a waiting transaction. `false`: it was not waiting.
    pub fn drop_transaction(&self, hash: B256) -> bool {
        self.chain().is_ok_and(|chain| chain.pool.remove(&hash))
    }

    /// Forgets all waiting transactions; answers how many.
    pub fn drop_all_transactions(&self) -> usize {
        self.chain().map_or(0, |chain| chain.pool.clear())
    }

    /// Lets transactions name this account as sender ([`crate::impersonation_signature`]).
    pub fn impersonate(&self, account: Address) {
        self.impersonated.lock().insert(account);
    }

    /// Stops that. `false`: it was not impersonated.
    pub fn stop_impersonating(&self, account: Address) -> bool {
        self.impersonated.lock().remove(&account)
    }

    /// Lets transactions name any sender, or stops that.
    pub fn set_auto_impersonate(&self, on: bool) {
        self.impersonate_all.store(on, Ordering::Relaxed);
    }

    /// Whether transactions may name this sender.
    pub fn is_impersonated(&self, account: Address) -> bool {
        self.impersonate_all.load(Ordering::Relaxed) || self.impersonated.lock().contains(&account)
    }

    /// What the changes that wait make of the newest state, if there are any.
    pub(crate) fn overlay(&self) -> Option<Arc<StateDiff>> {
        let waiting = self.waiting.lock();
        (!waiting.changes.is_empty()).then(|| Arc::clone(&waiting.overlay))
    }

    /// What the next block writes: the oldest changes, as many as fit.
    pub(crate) fn waiting_overrides(&self) -> Vec<Override> {
        self.waiting
            .lock()
            .changes
            .iter()
            .take(OVERRIDES_PER_BLOCK)
            .cloned()
            .collect()
    }

    pub(crate) fn wishes(&self) -> Wishes {
        *self.wishes.lock()
    }

    /// Whether anything of the next block was asked for.
    pub(crate) fn has_wishes(&self) -> bool {
        let wishes = self.wishes();
        let for_one_block = wishes.prevrandao.is_some() || wishes.base_fee_wei.is_some();
        for_one_block || !self.waiting.lock().changes.is_empty()
    }

    pub(crate) fn wished_base_fee(&self) -> Option<u64> {
        self.wishes.lock().base_fee_wei
    }

    /// A block was made: the first `written` changes are in it, and wishes for one block are fulfilled. The
    /// caller holds the turn, so nothing was added meanwhile.
    pub(crate) fn made(&self, written: usize, state: &dyn StateRead) -> Result<(), ChainError> {
        let mut waiting = self.waiting.lock();
        let left = waiting.changes.split_off(written);
        let mut fresh = Waiting::default();
        for change in left {
            apply_override(&mut fresh.overlay, &change, state)
                .map_err(|error| ChainError::Execution(error.to_string()))?;
            fresh.changes.push(change);
        }
        *waiting = fresh;
        let mut wishes = self.wishes.lock();
        wishes.prevrandao = None;
        wishes.base_fee_wei = None;
        Ok(())
    }
}
