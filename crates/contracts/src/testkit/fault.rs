//! Runs one transaction again and again, and breaks it at every point where it can break.

use alloy_primitives::{Address, B256, LogData, U256};
use capstan_state::{
    BlockInfo, CallOutcome, CallRequest, CreateOutcome, CreateRequest, Ctx, Frame, GasClass, Halt,
    Mark, Store, mem::MemStore,
};

use super::World;
use crate::resolve;

/// A store whose n-th touch fails as a broken disk does.
struct FaultStore<'s> {
    inner: &'s mut MemStore,
    touches_left: usize,
}

impl FaultStore<'_> {
    fn touch(&mut self) -> Result<&mut MemStore, Halt> {
        match self.touches_left.checked_sub(1) {
            Some(left) => {
                self.touches_left = left;
                Ok(self.inner)
            }
            None => Err(Halt::Fatal("fault".into())),
        }
    }
}

macro_rules! touching {
    ($(fn $name:ident(&mut self, $($arg:ident: $ty:ty),*) -> $answer:ty;)*) => {$(
        fn $name(&mut self, $($arg: $ty),*) -> Result<$answer, Halt> {
            self.touch()?.$name($($arg),*)
        }
    )*};
}

impl Store for FaultStore<'_> {
    touching! {
        fn load(&mut self, at: Address, slot: U256) -> U256;
        fn save(&mut self, at: Address, slot: U256, word: U256) -> ();
        fn add(&mut self, at: Address, slot: U256, delta: U256, class: GasClass) -> ();
        fn sub_bounded(&mut self, at: Address, slot: U256, delta: U256, min: U256, class: GasClass) -> bool;
        fn add_capped(&mut self, at: Address, slot: U256, delta: U256, cap: U256, class: GasClass) -> bool;
        fn tload(&mut self, at: Address, slot: U256) -> U256;
        fn tsave(&mut self, at: Address, slot: U256, word: U256) -> ();
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

/// Breaks a transaction that works: at every touch of the store, and at every gas limit of a dense sample
/// below what it uses. Each time the state is as before, and nothing but the fault is answered.
#[track_caller]
pub(crate) fn check_every_fault(world: &World, caller: Address, target: Address, input: &[u8]) {
    let before = world.state();
    let used = {
        let mut world = world.clone();
        world
            .raw(caller, target, U256::ZERO, input)
            .expect("works when nothing breaks");
        world.store.gas_used()
    };
    let stride = used.div_ceil(512).max(1);
    for gas_limit in (0..used).step_by(usize::try_from(stride).expect("small")) {
        let mut world = world.clone();
        let result = world.limited(gas_limit, caller, target, U256::ZERO, input);
        assert!(result.is_err(), "{gas_limit} of {used} gas sufficed");
        assert_eq!(
            world.state(),
            before,
            "traces with {gas_limit} of {used} gas"
        );
    }
    for touches in 0.. {
        let mut world = world.clone();
        world.store.next_transaction(u64::MAX);
        let result = world.store.attempt(|inner| {
            let mut store = FaultStore {
                inner,
                touches_left: touches,
            };
            let frame = Frame {
                this: target,
                caller,
                value: U256::ZERO,
            };
            resolve(target)
                .expect("native")
                .run(&mut Ctx::new(&mut store, frame), input)
        });
        match result {
            Ok(_) => return assert!(touches > 1, "the store was never touched"),
            Err(halt) => assert_eq!(halt, Halt::Fatal("fault".into()), "touch {touches}"),
        }
        assert_eq!(
            world.state(),
            before,
            "traces after a fault at touch {touches}"
        );
    }
}
