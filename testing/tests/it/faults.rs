//! STORE-15: whatever touch of a handle fails, and however, the fault goes up and nothing stays half done.

use alloy_primitives::{Address, Bytes, U256};
use capstan_state::{
    CallKind, CallRequest, Ctx, Frame, Halt, Layout, List, Lock, Map, Store, Text, Total, Value,
    fault::{Fault, FaultStore, at_every_touch},
    mem::MemStore,
};
use capstan_units::Assets;

const THIS: Address = Address::repeat_byte(1);
const THEM: Address = Address::repeat_byte(2);

#[derive(Layout)]
struct Everything {
    #[tag(1)]
    lock: Lock,
    #[tag(2)]
    supply: Total,
    #[tag(3)]
    allowances: Map<(Address, Address), Value<U256>>,
    #[tag(4)]
    queue: List<u64, 4>,
    #[tag(5)]
    name: Text<64>,
}

const LAYOUT: Everything = Everything::new();

fn world() -> MemStore {
    let mut store = MemStore::new();
    store.set_coins(THIS, U256::from(10));
    store.on_call(THEM, |store, _| {
        store
            .save(THEM, U256::ZERO, U256::ONE)
            .map(|()| Bytes::new())
    });
    let cx = &mut store.frame(THIS, THEM);
    LAYOUT.name.save(cx, &"long ".repeat(12)).unwrap();
    LAYOUT.queue.push(cx, 1).unwrap();
    store.next_transaction(10_000_000);
    store
}

/// A verb that touches every kind of field, calls out, and does it all under a lock.
fn verb(store: &mut FaultStore<'_>) -> Result<(), Halt> {
    let cx = &mut Ctx::new(
        store,
        Frame {
            this: THIS,
            caller: THEM,
            value: U256::ZERO,
        },
    );
    LAYOUT.lock.hold(cx, |cx| {
        LAYOUT.supply.add(cx, Assets::new(5)?)?;
        LAYOUT.allowances.at((THIS, THEM)).save(cx, U256::from(9))?;
        LAYOUT.queue.push(cx, 2)?;
        LAYOUT.queue.swap_remove(cx, 0)?;
        LAYOUT.name.save(cx, "short")?;
        cx.store.coin_move(THIS, THEM, U256::ONE)?;
        let value = U256::from(2);
        let input = Bytes::new();
        let request = CallRequest {
            kind: CallKind::Call,
            from: THIS,
            target: THEM,
            value,
            input,
            gas_limit: None,
        };
        cx.store.call(request).map(drop)
    })
}

/// All that a verb can leave behind.
fn left(store: &MemStore) -> (Vec<(Address, U256, U256)>, U256, U256, usize) {
    (
        store.words().collect(),
        store.coins(THIS),
        store.coins(THEM),
        store.logs().len(),
    )
}

#[test]
fn faults_at_every_touch_leave_nothing() {
    let before = left(&world());
    let injected = at_every_touch(world, verb, |store, fault: Fault, result| {
        assert_eq!(result, &Err(fault.halt()));
        assert_eq!(left(store), before);
        // The next verb finds the lock free.
        let mut store = store.clone();
        assert_eq!(LAYOUT.lock.check(&mut store.frame(THIS, THEM)), Ok(()));
    });
    assert!(
        injected > 60,
        "only {injected} faults: the verb no longer touches much"
    );
}

/// STORE-10: a lock whose verb reverts is released even for a caller that catches the revert and goes on.
#[test]
fn a_caught_revert_leaves_the_lock_free() {
    // Touches: the guard's look, its taking, then the verb's own.
    for fail_at in 2..10 {
        let mut store = world();
        let mut failing = FaultStore::new(&mut store, fail_at, Fault::Revert);
        assert_eq!(verb(&mut failing), Err(Fault::Revert.halt()));
        assert_eq!(LAYOUT.lock.check(&mut store.frame(THIS, THEM)), Ok(()));
    }
}
