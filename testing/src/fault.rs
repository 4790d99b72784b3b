//! A store that fails when it is told to.
//!
//! A verb is safe against faults if, whichever touch fails and however, it passes the fault on and leaves
//! nothing half done. So a test first counts a verb's touches with [`Fault::None`], then runs it once for
//! each touch and each way to fail:
//!
//! ```
//! use alloy_primitives::{Address, U256};
//! use capstan_state::{Halt, Store, mem::MemStore};
//! use capstan_testing::fault::{Fault, FaultStore, at_every_touch};
//!
//! let at = Address::repeat_byte(1);
//! at_every_touch(MemStore::new, |store| {
//!     let word = store.load(at, U256::ZERO)?;
//!     store.save(at, U256::ZERO, word + U256::ONE)
//! }, |inner, fault, result| {
//!     assert_eq!(result, &Err(fault.halt()));
//!     assert_eq!(inner.word(at, U256::ZERO), U256::ZERO);
//! });
//! ```

use alloy_primitives::{Address, B256, Bytes, LogData, U256};
use capstan_state::{
    BlockInfo, CallOutcome, CallRequest, CreateOutcome, CreateRequest, GasClass, Halt, Mark, Store,
};

/// What revert data an injected revert carries.
pub const REVERTED: &[u8] = b"injected";

/// How a touch fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not.
    None,
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
    ///
    /// # Panics
    /// For [`Fault::None`], which halts nothing.
    pub fn halt(self) -> Halt {
        match self {
            Self::None => panic!("no fault has no halt"),
            Self::OutOfGas => Halt::OutOfGas,
            Self::Fatal => Halt::Fatal("injected".into()),
            Self::Revert => Halt::Revert(Bytes::from_static(REVERTED)),
        }
    }
}

/// Wraps a store, counts its fallible touches, and lets one of them fail before it does anything.
///
/// What a callee touches is not counted: it has the inner store.
#[derive(Debug)]
pub struct FaultStore<S> {
    inner: S,
    touches: usize,
    fail_at: usize,
    fault: Fault,
}

impl<S: Store> FaultStore<S> {
    /// Lets touch number `fail_at` (from zero) of `inner` fail.
    pub fn new(inner: S, fail_at: usize, fault: Fault) -> Self {
        Self {
            inner,
            touches: 0,
            fail_at,
            fault,
        }
    }

    /// Counts only.
    pub fn counting(inner: S) -> Self {
        Self::new(inner, usize::MAX, Fault::None)
    }

    /// Touches so far, the failed one included.
    pub fn touches(&self) -> usize {
        self.touches
    }

    /// The store inside.
    pub fn into_inner(self) -> S {
        self.inner
    }

    fn touch(&mut self) -> Result<&mut S, Halt> {
        let number = self.touches;
        self.touches += 1;
        if number == self.fail_at && self.fault != Fault::None {
            return Err(self.fault.halt());
        }
        Ok(&mut self.inner)
    }
}

/// Runs `verb` as a frame (undone when it halts) once for each of its touches and each way to fail, each
/// time over a fresh world, and lets `check` look at what is left. Answers how many faults it injected.
///
/// # Panics
/// If `verb` fails without a fault, since then nothing would be tested.
pub fn at_every_touch<S: Store, R: std::fmt::Debug>(
    world: impl Fn() -> S,
    verb: impl Fn(&mut FaultStore<S>) -> Result<R, Halt>,
    check: impl Fn(&S, Fault, &Result<R, Halt>),
) -> usize {
    let mut counted = FaultStore::counting(world());
    let without = verb(&mut counted);
    assert!(
        without.is_ok(),
        "the verb fails without a fault: {without:?}"
    );
    let mut injected = 0;
    for fail_at in 0..counted.touches() {
        for fault in Fault::ALL {
            let mut store = FaultStore::new(world(), fail_at, fault);
            let mark = store.mark();
            let result = verb(&mut store);
            match &result {
                Ok(_) => store.commit(mark),
                Err(_) => store.rewind(mark),
            }
            check(&store.inner, fault, &result);
            injected += 1;
        }
    }
    injected
}

impl<S: Store> Store for FaultStore<S> {
    fn load(&mut self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.touch()?.load(at, slot)
    }

    fn save(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt> {
        self.touch()?.save(at, slot, word)
    }

    fn add(&mut self, at: Address, slot: U256, delta: U256, class: GasClass) -> Result<(), Halt> {
        self.touch()?.add(at, slot, delta, class)
    }

    fn sub_bounded(
        &mut self,
        at: Address,
        slot: U256,
        delta: U256,
        min: U256,
        class: GasClass,
    ) -> Result<bool, Halt> {
        self.touch()?.sub_bounded(at, slot, delta, min, class)
    }

    fn add_capped(
        &mut self,
        at: Address,
        slot: U256,
        delta: U256,
        cap: U256,
        class: GasClass,
    ) -> Result<bool, Halt> {
        self.touch()?.add_capped(at, slot, delta, cap, class)
    }

    fn tload(&mut self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.touch()?.tload(at, slot)
    }

    fn tsave(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt> {
        self.touch()?.tsave(at, slot, word)
    }

    fn coin_balance(&mut self, of: Address) -> Result<U256, Halt> {
        self.touch()?.coin_balance(of)
    }

    fn coin_move(&mut self, from: Address, to: Address, amount: U256) -> Result<bool, Halt> {
        self.touch()?.coin_move(from, to, amount)
    }

    fn code_size(&mut self, of: Address) -> Result<usize, Halt> {
        self.touch()?.code_size(of)
    }

    fn deploy_marker(&mut self, at: Address) -> Result<(), Halt> {
        self.touch()?.deploy_marker(at)
    }

    fn create(&mut self, request: CreateRequest) -> Result<CreateOutcome, Halt> {
        self.touch()?.create(request)
    }

    fn call(&mut self, request: CallRequest) -> Result<CallOutcome, Halt> {
        self.touch()?.call(request)
    }

    fn emit(&mut self, at: Address, log: LogData) -> Result<(), Halt> {
        self.touch()?.emit(at, log)
    }

    fn charge(&mut self, gas: u64) -> Result<(), Halt> {
        self.touch()?.charge(gas)
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

    fn recover(&mut self, digest: B256, v: u8, r: B256, s: B256) -> Result<Option<Address>, Halt> {
        self.touch()?.recover(digest, v, r, s)
    }

    fn keccak(&mut self, bytes: &[u8]) -> Result<B256, Halt> {
        self.touch()?.keccak(bytes)
    }
}
