//! A store that counts what is touched, and fails when it is told to: for tests.
//!
//! A verb is safe against faults if, whichever touch fails and however, it passes the fault on and leaves
//! nothing half done. So a test first counts a verb's touches, then runs it once for each touch and each way
//! to fail:
//!
//! ```
//! use alloy_primitives::{Address, U256};
//! use capstan_state::{Halt, Store, fault::at_every_touch, mem::MemStore};
//!
//! let at = Address::repeat_byte(1);
//! at_every_touch(MemStore::new, |store| {
//!     let word = store.load(at, U256::ZERO)?;
//!     store.save(at, U256::ZERO, word + U256::ONE)
//! }, |left, fault, result| {
//!     assert_eq!(result, &Err(fault.halt()));
//!     assert_eq!(left.word(at, U256::ZERO), U256::ZERO);
//! });
//! ```

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, LogData, U256};

use crate::{
    BlockInfo, CallOutcome, CallRequest, CreateOutcome, CreateRequest, GasClass, Halt, Mark, Store,
};

/// How a touch fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Gas runs out there.
    OutOfGas,
    /// The storage breaks there.
    Fatal,
    /// The touch reverts there.
    Revert,
}

impl Fault {
    /// The ways to fail.
    pub const ALL: [Self; 3] = [Self::OutOfGas, Self::Fatal, Self::Revert];

    /// The halt that the touch answers.
    pub fn halt(self) -> Halt {
        match self {
            Self::OutOfGas => Halt::OutOfGas,
            Self::Fatal => Halt::Fatal("injected".into()),
            Self::Revert => Halt::Revert(Bytes::from_static(b"injected")),
        }
    }
}

/// Touches of one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Reads.
    pub loads: u32,
    /// Writes, commutative ones included.
    pub saves: u32,
}

/// Counts the fallible touches of a store, and lets one of them fail before it does anything.
///
/// What a callee touches is not counted: it has the store inside.
pub struct FaultStore<'s> {
    inner: &'s mut dyn Store,
    /// Words in storage that were touched.
    pub words: BTreeMap<(Address, U256), Count>,
    /// Words that end with the transaction.
    pub transient: BTreeMap<(Address, U256), Count>,
    touches: usize,
    /// Number of the touch that fails, from zero, and how.
    fails: Option<(usize, Fault)>,
}

impl<'s> FaultStore<'s> {
    /// Lets touch number `at` (from zero) of `inner` fail.
    pub fn new(inner: &'s mut dyn Store, at: usize, fault: Fault) -> Self {
        Self {
            fails: Some((at, fault)),
            ..Self::counting(inner)
        }
    }

    /// Counts only.
    pub fn counting(inner: &'s mut dyn Store) -> Self {
        Self {
            inner,
            words: BTreeMap::new(),
            transient: BTreeMap::new(),
            touches: 0,
            fails: None,
        }
    }

    /// Touches so far, the failed one included.
    pub fn touches(&self) -> usize {
        self.touches
    }

    /// All reads and writes of words in storage.
    pub fn sum(&self) -> Count {
        let mut sum = Count::default();
        for count in self.words.values() {
            sum.loads += count.loads;
            sum.saves += count.saves;
        }
        sum
    }

    fn touch(&mut self) -> Result<&mut dyn Store, Halt> {
        let number = self.touches;
        self.touches += 1;
        match self.fails {
            Some((at, fault)) if at == number => Err(fault.halt()),
            _ => Ok(self.inner),
        }
    }
}

impl std::fmt::Debug for FaultStore<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultStore")
            .field("touches", &self.touches)
            .field("fails", &self.fails)
            .finish_non_exhaustive()
    }
}

/// Runs `verb` as a frame (undone when it halts) once for each of its touches and each way to fail, each
/// time over a fresh world, and lets `check` look at what is left. Answers how many faults it injected.
///
/// # Panics
/// If `verb` fails without a fault, since then nothing would be tested.
pub fn at_every_touch<S: Store, R: std::fmt::Debug>(
    world: impl Fn() -> S,
    verb: impl Fn(&mut FaultStore<'_>) -> Result<R, Halt>,
    check: impl Fn(&S, Fault, &Result<R, Halt>),
) -> usize {
    let mut inner = world();
    let mut counted = FaultStore::counting(&mut inner);
    let without = verb(&mut counted);
    let touches = counted.touches();
    assert!(
        without.is_ok(),
        "the verb fails without a fault: {without:?}"
    );
    let mut injected = 0;
    for at in 0..touches {
        for fault in Fault::ALL {
            let mut inner = world();
            let mark = inner.mark();
            let result = verb(&mut FaultStore::new(&mut inner, at, fault));
            match &result {
                Ok(_) => inner.commit(mark),
                Err(_) => inner.rewind(mark),
            }
            check(&inner, fault, &result);
            injected += 1;
        }
    }
    injected
}

macro_rules! touching {
    ($(fn $name:ident(&mut self $(, $arg:ident: $ty:ty)*) -> $answer:ty;)*) => {$(
        fn $name(&mut self $(, $arg: $ty)*) -> Result<$answer, Halt> {
            self.touch()?.$name($($arg),*)
        }
    )*};
}

macro_rules! counting {
    ($($words:ident . $count:ident: fn $name:ident(&mut self $(, $arg:ident: $ty:ty)*) -> $answer:ty;)*) => {$(
        fn $name(&mut self, at: Address, slot: U256 $(, $arg: $ty)*) -> Result<$answer, Halt> {
            self.$words.entry((at, slot)).or_default().$count += 1;
            self.touch()?.$name(at, slot $(, $arg)*)
        }
    )*};
}

impl Store for FaultStore<'_> {
    counting! {
        words.loads: fn load(&mut self) -> U256;
        words.saves: fn save(&mut self, word: U256) -> ();
        words.saves: fn add(&mut self, delta: U256, class: GasClass) -> ();
        words.saves: fn sub_bounded(&mut self, delta: U256, min: U256, class: GasClass) -> bool;
        words.saves: fn add_capped(&mut self, delta: U256, cap: U256, class: GasClass) -> bool;
        transient.loads: fn tload(&mut self) -> U256;
        transient.saves: fn tsave(&mut self, word: U256) -> ();
    }

    touching! {
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
