//! Runs one transaction again and again, and breaks it at every point where it can break.

use alloy_primitives::{Address, U256};
use capstan_state::{
    Ctx, Frame,
    fault::{Fault, FaultStore},
};

use super::World;
use crate::resolve;

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
            let mut store = FaultStore::new(inner, touches, Fault::Fatal);
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
            Err(halt) => assert_eq!(halt, Fault::Fatal.halt(), "touch {touches}"),
        }
        assert_eq!(
            world.state(),
            before,
            "traces after a fault at touch {touches}"
        );
    }
}
