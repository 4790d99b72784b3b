//! Counts what one transaction reads and writes, word by word.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, LogData, U256};
use capstan_state::{
    BlockInfo, CallOutcome, CallRequest, CreateOutcome, CreateRequest, GasClass, Halt, Mark, Store,
};

/// Touches of one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Reads.
    pub(crate) loads: u32,
    /// Writes, commutative ones included.
    pub(crate) saves: u32,
}

/// A store that counts the touches of the one inside. What foreign code touches is not counted.
pub(crate) struct Touches<'s> {
    inner: &'s mut dyn Store,
    /// Words in storage.
    pub(crate) words: BTreeMap<(Address, U256), Count>,
    /// Words that end with the transaction.
    pub(crate) transient: BTreeMap<(Address, U256), Count>,
}

impl<'s> Touches<'s> {
    pub(crate) fn of(inner: &'s mut dyn Store) -> Self {
        Self {
            inner,
            words: BTreeMap::new(),
            transient: BTreeMap::new(),
        }
    }

    /// All loads and saves of words in storage.
    pub(crate) fn sum(&self) -> Count {
        let mut sum = Count::default();
        for count in self.words.values() {
            sum.loads += count.loads;
            sum.saves += count.saves;
        }
        sum
    }

    fn saved(&mut self, at: Address, slot: U256) -> &mut dyn Store {
        self.words.entry((at, slot)).or_default().saves += 1;
        self.inner
    }
}

macro_rules! passing {
    ($(fn $name:ident(&mut self $(, $arg:ident: $ty:ty)*) -> $answer:ty;)*) => {$(
        fn $name(&mut self $(, $arg: $ty)*) -> Result<$answer, Halt> {
            self.inner.$name($($arg),*)
        }
    )*};
}

impl Store for Touches<'_> {
    fn load(&mut self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.words.entry((at, slot)).or_default().loads += 1;
        self.inner.load(at, slot)
    }

    fn save(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt> {
        self.saved(at, slot).save(at, slot, word)
    }

    fn add(&mut self, at: Address, slot: U256, delta: U256, class: GasClass) -> Result<(), Halt> {
        self.saved(at, slot).add(at, slot, delta, class)
    }

    fn sub_bounded(
        &mut self,
        at: Address,
        slot: U256,
        delta: U256,
        min: U256,
        class: GasClass,
    ) -> Result<bool, Halt> {
        self.saved(at, slot)
            .sub_bounded(at, slot, delta, min, class)
    }

    fn add_capped(
        &mut self,
        at: Address,
        slot: U256,
        delta: U256,
        cap: U256,
        class: GasClass,
    ) -> Result<bool, Halt> {
        self.saved(at, slot).add_capped(at, slot, delta, cap, class)
    }

    fn tload(&mut self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.transient.entry((at, slot)).or_default().loads += 1;
        self.inner.tload(at, slot)
    }

    fn tsave(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt> {
        self.transient.entry((at, slot)).or_default().saves += 1;
        self.inner.tsave(at, slot, word)
    }

    passing! {
        fn coin_balance(&mut self, of: Address) -> U256;
        fn coin_move(&mut self, from: Address, to: Address, amount: U256) -> bool;
        fn code_size(&mut self, of: Address) -> usize;
        fn deploy_marker(&mut self, at: Address) -> ();
        fn create(&mut self, request: CreateRequest) -> CreateOutcome;
        fn call(&mut self, request: CallRequest) -> CallOutcome;
        fn emit(&mut self, at: Address, log: LogData) -> ();
        fn charge(&mut self, gas: u64) -> ();
        fn block_hash(&mut self, number: u64) -> B256;
        fn recover(&mut self, digest: B256, v: u8, r: B256, s: B256) -> Option<Address>;
        fn keccak(&mut self, bytes: &[u8]) -> B256;
    }

    fn gas_left(&self) -> u64 {
        self.inner.gas_left()
    }

    fn is_static(&self) -> bool {
        self.inner.is_static()
    }

    fn block(&self) -> &BlockInfo {
        self.inner.block()
    }

    fn mark(&mut self) -> Mark {
        self.inner.mark()
    }

    fn commit(&mut self, mark: Mark) {
        self.inner.commit(mark);
    }

    fn rewind(&mut self, mark: Mark) {
        self.inner.rewind(mark);
    }
}
