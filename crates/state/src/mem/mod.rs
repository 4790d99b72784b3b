//! A world in memory: the store of unit tests, fuzzers and the risk lab.
//!
//! It keeps the chain's rules (what is charged, what a static frame may not do, what a failed call
//! undoes) over ordered maps, and runs no EVM code. Foreign code is scripted: [`MemStore::on_call`] says
//! what happens when an address is called, with the store in hand, so a callee can call back in.
//!
//! ```
//! use alloy_primitives::{Address, Bytes, U256};
//! use capstan_state::{Ctx, Frame, Store, mem::MemStore};
//!
//! let (us, them) = (Address::repeat_byte(1), Address::repeat_byte(2));
//! let mut store = MemStore::new();
//! store.on_call(them, move |store, request| {
//!     store.save(them, U256::ZERO, U256::from(7))?;
//!     Ok(request.input.clone())
//! });
//! let outcome = store.call_simply(us, them, Bytes::from_static(b"hello"))?;
//! assert!(outcome.success);
//! assert_eq!(store.word(them, U256::ZERO), U256::from(7));
//! # Ok::<(), capstan_state::Halt>(())
//! ```

mod call;
mod journal;
mod meter;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes, Log, LogData, U256, keccak256};

use crate::{
    BlockInfo, CallKind, CallOutcome, CallRequest, CreateOutcome, CreateRequest, Ctx, Frame,
    GasClass, Halt, Mark, ProtocolVersion, Store, View, commute, gas,
};
use journal::Undo;
use meter::Meter;

type Slot = (Address, U256);
type Callee = Arc<dyn Fn(&mut MemStore, &CallRequest) -> Result<Bytes, Halt> + Send + Sync>;
type Creator =
    Arc<dyn Fn(&mut MemStore, &CreateRequest, Address) -> Result<usize, Halt> + Send + Sync>;
type Recover = fn(B256, u8, B256, B256) -> Option<Address>;
type History = fn(u64) -> B256;

/// Calls deeper than this fail, as they do between native contracts on the chain.
pub const CALL_DEPTH_MAX: usize = 16;

/// A world in memory. A clone is an independent world.
#[derive(Clone)]
pub struct MemStore {
    block: BlockInfo,
    accounts: BTreeMap<Address, Account>,
    words: BTreeMap<Slot, U256>,
    /// Words at the start of the transaction, where it wrote.
    originals: BTreeMap<Slot, U256>,
    transient: BTreeMap<Slot, U256>,
    warm_words: BTreeSet<Slot>,
    warm_accounts: BTreeSet<Address>,
    logs: Vec<Log>,
    creations: Vec<CreateRequest>,
    journal: Vec<Undo>,
    meter: Meter,
    is_static: bool,
    in_system_phase: bool,
    depth: usize,
    callees: BTreeMap<Address, Callee>,
    creator: Option<Creator>,
    recover: Option<Recover>,
    history: Option<History>,
}

/// An account, code by its size alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Account {
    coins: U256,
    nonce: u64,
    code_bytes: usize,
}

impl Account {
    /// EIP-161: nothing there.
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for MemStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemStore")
            .field("block", &self.block.number)
            .field("accounts", &self.accounts)
            .field("words", &self.words)
            .field("meter", &self.meter)
            .finish_non_exhaustive()
    }
}

impl MemStore {
    /// An empty world at block 1 with as good as unlimited gas.
    pub fn new() -> Self {
        Self {
            block: BlockInfo {
                chain_id: 31_337,
                number: 1,
                time_ms: 1_700_000_000_000,
                beneficiary: Address::ZERO,
                base_fee_wei: 0,
                prevrandao: B256::ZERO,
                gas_limit: 160_000_000,
                version: ProtocolVersion(1),
            },
            accounts: BTreeMap::new(),
            words: BTreeMap::new(),
            originals: BTreeMap::new(),
            transient: BTreeMap::new(),
            warm_words: BTreeSet::new(),
            warm_accounts: BTreeSet::new(),
            logs: Vec::new(),
            creations: Vec::new(),
            journal: Vec::new(),
            meter: Meter::new(u64::MAX),
            is_static: false,
            in_system_phase: false,
            depth: 0,
            callees: BTreeMap::new(),
            creator: None,
            recover: None,
            history: None,
        }
    }

    /// Ends the transaction and opens the next one with this much gas: words become original, everything
    /// is cold, transient words and the refund are gone. Logs and creations stay.
    pub fn next_transaction(&mut self, gas_limit: u64) {
        self.originals.clear();
        self.transient.clear();
        self.warm_words.clear();
        self.warm_accounts.clear();
        self.journal.clear();
        self.meter = Meter::new(gas_limit);
    }

    /// A frame over this world, as after a call: both ends are warm.
    pub fn frame(&mut self, this: Address, caller: Address) -> Ctx<'_> {
        self.warm_account(this);
        self.warm_account(caller);
        Ctx::new(
            self,
            Frame {
                this,
                caller,
                value: U256::ZERO,
            },
        )
    }

    /// Runs `verb` as the chain runs a frame: what it did is undone if it halts.
    pub fn attempt<R>(
        &mut self,
        verb: impl FnOnce(&mut Self) -> Result<R, Halt>,
    ) -> Result<R, Halt> {
        let mark = self.mark();
        let result = verb(self);
        match result {
            Ok(_) => self.commit(mark),
            Err(_) => self.rewind(mark),
        }
        result
    }

    /// Calls `target` without coins and with all gas that may go along.
    pub fn call_simply(
        &mut self,
        from: Address,
        target: Address,
        input: Bytes,
    ) -> Result<CallOutcome, Halt> {
        let kind = CallKind::Call;
        self.call(CallRequest {
            kind,
            from,
            target,
            value: U256::ZERO,
            input,
            gas_limit: None,
        })
    }

    /// Scripts the code at `target`: it gets the store, so it can call back in, and may be entered again
    /// while it runs (hence `Fn`: what it remembers lives in a `Mutex` or an atomic). Its `Err` undoes it.
    /// Code without a script burns its gas when called, as marker code does; an account without code
    /// answers nothing and succeeds.
    pub fn on_call(
        &mut self,
        target: Address,
        callee: impl Fn(&mut Self, &CallRequest) -> Result<Bytes, Halt> + Send + Sync + 'static,
    ) {
        let account = self.accounts.entry(target).or_default();
        account.code_bytes = account.code_bytes.max(1);
        self.callees.insert(target, Arc::new(callee));
    }

    /// Scripts creation: answers the size of the deployed code. Unscripted creations deploy as many
    /// bytes as their init code has.
    pub fn on_create(
        &mut self,
        creator: impl Fn(&mut Self, &CreateRequest, Address) -> Result<usize, Halt>
        + Send
        + Sync
        + 'static,
    ) {
        self.creator = Some(Arc::new(creator));
    }

    /// Sets the function behind [`Store::recover`]: this crate carries no curve arithmetic.
    pub fn set_recover(&mut self, recover: Recover) {
        self.recover = Some(recover);
    }

    /// Sets the function behind [`Store::block_hash`]: without one there is no history, and every hash is zero.
    pub fn set_history(&mut self, history: History) {
        self.history = Some(history);
    }

    /// The block, to change it.
    pub fn block_mut(&mut self) -> &mut BlockInfo {
        &mut self.block
    }

    /// Makes the current frame static, or not.
    pub fn set_static(&mut self, is_static: bool) {
        self.is_static = is_static;
    }

    /// Enters or leaves a system phase, in which calls are refused.
    pub fn set_system_phase(&mut self, in_system_phase: bool) {
        self.in_system_phase = in_system_phase;
    }

    /// Gives an account this many coins, from nowhere and for free.
    pub fn set_coins(&mut self, of: Address, coins: U256) {
        self.accounts.entry(of).or_default().coins = coins;
    }

    /// Gives an account code of this size, from nowhere and for free.
    pub fn set_code_size(&mut self, of: Address, bytes: usize) {
        self.accounts.entry(of).or_default().code_bytes = bytes;
    }

    /// Coins of an account, for free.
    pub fn coins(&self, of: Address) -> U256 {
        self.account(of).coins
    }

    /// A stored word, for free.
    pub fn word(&self, at: Address, slot: U256) -> U256 {
        self.words.get(&(at, slot)).copied().unwrap_or_default()
    }

    /// Writes a stored word for free: damage for tests, or an imported world.
    pub fn set_word(&mut self, at: Address, slot: U256, word: U256) {
        put(&mut self.words, (at, slot), word);
    }

    /// All words that are not zero, by address and slot.
    pub fn words(&self) -> impl Iterator<Item = (Address, U256, U256)> {
        self.words
            .iter()
            .map(|((at, slot), word)| (*at, *slot, *word))
    }

    /// Logs so far, in order.
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// Forgets the logs so far: a long run has no room for all. Between transactions only.
    pub fn forget_logs(&mut self) {
        self.logs.clear();
    }

    /// The words that this transaction wrote: address, slot, and the word before it and now.
    pub fn written(&self) -> impl Iterator<Item = (Address, U256, U256, U256)> {
        self.originals
            .iter()
            .map(|((at, slot), before)| (*at, *slot, *before, self.word(*at, *slot)))
    }

    /// Creations so far, in order.
    pub fn creations(&self) -> &[CreateRequest] {
        &self.creations
    }

    /// Gas used in this transaction, refund not counted.
    pub fn gas_used(&self) -> u64 {
        self.meter.used()
    }

    /// Refund counter of this transaction, before the cap of EIP-3529.
    pub fn gas_refund(&self) -> i64 {
        self.meter.refund
    }

    fn account(&self, of: Address) -> Account {
        self.accounts.get(&of).copied().unwrap_or_default()
    }

    fn set_account(&mut self, of: Address, account: Account) {
        let before = self.account(of);
        if account.is_empty() {
            self.accounts.remove(&of);
        } else {
            self.accounts.insert(of, account);
        }
        self.journal.push(Undo::Account(of, before));
    }

    fn is_cold_word(&self, slot: Slot) -> bool {
        !self.warm_words.contains(&slot)
    }

    fn is_cold_account(&self, of: Address) -> bool {
        !self.warm_accounts.contains(&of)
    }

    fn warm_word(&mut self, slot: Slot) {
        if self.warm_words.insert(slot) {
            self.journal.push(Undo::WarmWord(slot));
        }
    }

    fn warm_account(&mut self, of: Address) {
        if self.warm_accounts.insert(of) {
            self.journal.push(Undo::WarmAccount(of));
        }
    }

    /// Charges the touch of an account and warms it.
    fn touch_account(&mut self, of: Address) -> Result<(), Halt> {
        self.meter.charge(gas::account(self.is_cold_account(of)))?;
        self.warm_account(of);
        Ok(())
    }

    fn refuse_static(&mut self) -> Result<(), Halt> {
        if self.is_static {
            self.meter.drain();
            return Err(Halt::StaticViolation);
        }
        Ok(())
    }

    /// Reaches the account whose storage is touched. A frame's own account is warm from its call.
    fn reach(&mut self, at: Address) -> Result<(), Halt> {
        self.meter.charge(gas::reach(self.is_cold_account(at)))?;
        self.warm_account(at);
        Ok(())
    }

    /// Opens a write: static frames and frames that live on a stipend may not.
    fn open_write(&mut self, at: Address) -> Result<(), Halt> {
        self.refuse_static()?;
        self.meter.sentry()?;
        self.reach(at)
    }

    fn charge_write(&mut self, slot: Slot, cost: gas::WriteCost) -> Result<(), Halt> {
        self.meter.charge(cost.gas)?;
        self.add_refund(cost.refund);
        self.warm_word(slot);
        Ok(())
    }

    fn add_refund(&mut self, change: i64) {
        if change != 0 {
            self.journal.push(Undo::Refund(self.meter.refund));
            self.meter.refund = self.meter.refund.saturating_add(change);
        }
    }

    fn write(&mut self, slot: Slot, word: U256) {
        let before = put(&mut self.words, slot, word);
        self.originals.entry(slot).or_insert(before);
        self.journal.push(Undo::Word(slot, before));
    }

    fn original(&self, slot: Slot, present: U256) -> U256 {
        self.originals.get(&slot).copied().unwrap_or(present)
    }

    /// One commutative write; answers whether it took effect.
    fn commute(
        &mut self,
        slot: Slot,
        class: GasClass,
        change: impl FnOnce(U256) -> Option<U256>,
    ) -> Result<bool, Halt> {
        self.open_write(slot.0)?;
        let (cold, present) = (self.is_cold_word(slot), self.word(slot.0, slot.1));
        let Some(new) = change(present) else {
            let gas = gas::commute_refused(class, cold);
            self.charge_write(slot, gas::WriteCost { gas, refund: 0 })?;
            return Ok(false);
        };
        let cost = gas::commute(class, self.original(slot, present), present, new, cold);
        self.charge_write(slot, cost)?;
        self.write(slot, new);
        Ok(true)
    }
}

/// Writes a word into an ordered map that holds no zeros; answers what was there.
fn put(words: &mut BTreeMap<Slot, U256>, slot: Slot, word: U256) -> U256 {
    let before = if word.is_zero() {
        words.remove(&slot)
    } else {
        words.insert(slot, word)
    };
    before.unwrap_or_default()
}

impl View for MemStore {
    fn latest_block(&self) -> &BlockInfo {
        &self.block
    }

    fn word_of(&self, at: Address, slot: U256) -> Result<U256, Halt> {
        Ok(self.word(at, slot))
    }

    fn words_of(&self, at: Address) -> Result<Vec<(U256, U256)>, Halt> {
        let here = (at, U256::ZERO)..=(at, U256::MAX);
        let words = self.words.range(here);
        Ok(words.map(|((_, slot), word)| (*slot, *word)).collect())
    }

    fn coins_of(&self, of: Address) -> Result<U256, Halt> {
        Ok(self.coins(of))
    }

    fn code_size_of(&self, of: Address) -> Result<usize, Halt> {
        Ok(self.account(of).code_bytes)
    }
}

impl Store for MemStore {
    fn load(&mut self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.reach(at)?;
        self.meter
            .charge(gas::load(self.is_cold_word((at, slot))))?;
        self.warm_word((at, slot));
        Ok(self.word(at, slot))
    }

    fn save(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt> {
        self.open_write(at)?;
        let key = (at, slot);
        let present = self.word(at, slot);
        let cost = gas::save(
            self.original(key, present),
            present,
            word,
            self.is_cold_word(key),
        );
        self.charge_write(key, cost)?;
        self.write(key, word);
        Ok(())
    }

    fn add(&mut self, at: Address, slot: U256, delta: U256, class: GasClass) -> Result<(), Halt> {
        let added = self.commute((at, slot), class, |word| commute::add(word, delta, class))?;
        if added { Ok(()) } else { Err(Halt::overflow()) }
    }

    fn sub_bounded(
        &mut self,
        at: Address,
        slot: U256,
        delta: U256,
        min: U256,
        class: GasClass,
    ) -> Result<bool, Halt> {
        self.commute((at, slot), class, |word| {
            commute::sub_bounded(word, delta, min, class)
        })
    }

    fn add_capped(
        &mut self,
        at: Address,
        slot: U256,
        delta: U256,
        cap: U256,
        class: GasClass,
    ) -> Result<bool, Halt> {
        self.commute((at, slot), class, |word| {
            commute::add_capped(word, delta, cap, class)
        })
    }

    fn tload(&mut self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.meter.charge(gas::TRANSIENT)?;
        Ok(self.transient.get(&(at, slot)).copied().unwrap_or_default())
    }

    fn tsave(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt> {
        self.refuse_static()?;
        self.meter.charge(gas::TRANSIENT)?;
        let before = put(&mut self.transient, (at, slot), word);
        self.journal.push(Undo::Transient((at, slot), before));
        Ok(())
    }

    fn coin_balance(&mut self, of: Address) -> Result<U256, Halt> {
        self.touch_account(of)?;
        Ok(self.coins(of))
    }

    fn coin_move(&mut self, from: Address, to: Address, amount: U256) -> Result<bool, Halt> {
        self.refuse_static()?;
        self.touch_account(from)?;
        self.touch_account(to)?;
        if amount.is_zero() {
            return Ok(true);
        }
        self.meter
            .charge(gas::coin_move(self.account(to).is_empty()))?;
        Ok(self.move_coins(from, to, amount))
    }

    fn code_size(&mut self, of: Address) -> Result<usize, Halt> {
        self.touch_account(of)?;
        Ok(self.account(of).code_bytes)
    }

    fn deploy_marker(&mut self, at: Address) -> Result<(), Halt> {
        self.refuse_static()?;
        self.touch_account(at)?;
        let account = self.account(at);
        if account.code_bytes != 0 {
            return Ok(());
        }
        self.meter.charge(gas::DEPLOY_MARKER)?;
        self.set_account(
            at,
            Account {
                code_bytes: 1,
                ..account
            },
        );
        Ok(())
    }

    fn create(&mut self, request: CreateRequest) -> Result<CreateOutcome, Halt> {
        self.run_create(request)
    }

    fn call(&mut self, request: CallRequest) -> Result<CallOutcome, Halt> {
        self.run_call(request)
    }

    fn emit(&mut self, at: Address, log: LogData) -> Result<(), Halt> {
        self.refuse_static()?;
        self.meter
            .charge(gas::log(log.topics().len(), log.data.len()))?;
        self.logs.push(Log {
            address: at,
            data: log,
        });
        self.journal.push(Undo::Log);
        Ok(())
    }

    fn charge(&mut self, gas: u64) -> Result<(), Halt> {
        self.meter.charge(gas)
    }

    fn gas_left(&self) -> u64 {
        self.meter.left
    }

    fn is_static(&self) -> bool {
        self.is_static
    }

    fn block(&self) -> &BlockInfo {
        &self.block
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Halt> {
        let Some(history) = self.history else {
            return Ok(B256::ZERO);
        };
        self.meter.charge(gas::BLOCKHASH)?;
        let ago = self.block.number.checked_sub(number);
        let is_recent = ago.is_some_and(|ago| (1..=256).contains(&ago));
        Ok(if is_recent {
            history(number)
        } else {
            B256::ZERO
        })
    }

    fn mark(&mut self) -> Mark {
        Mark(self.journal.len())
    }

    fn commit(&mut self, _mark: Mark) {}

    fn rewind(&mut self, mark: Mark) {
        while self.journal.len() > mark.0 {
            self.undo_last();
        }
    }

    fn recover(&mut self, digest: B256, v: u8, r: B256, s: B256) -> Result<Option<Address>, Halt> {
        self.meter.charge(gas::RECOVER)?;
        match self.recover {
            Some(recover) => Ok(recover(digest, v, r, s)),
            None => Err(Halt::Fatal(
                "MemStore has no curve: give it one with set_recover".into(),
            )),
        }
    }

    fn keccak(&mut self, bytes: &[u8]) -> Result<B256, Halt> {
        self.meter.charge(gas::keccak(bytes.len()))?;
        Ok(keccak256(bytes))
    }
}
