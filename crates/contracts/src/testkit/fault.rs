//! Runs one transaction again and again, and breaks it at every point where it can break.

use alloy_primitives::{Address, U256};
use capstan_state::{
    Ctx, Frame, Halt,
    fault::{Fault, FaultStore},
};

use super::World;
use crate::{invariant::check_all, resolve};

/// What runs in the frame of a contract.
type Work<'w> = &'w dyn Fn(&mut Ctx<'_>) -> Result<(), Halt>;

/// Breaks a transaction that works: at every touch of the store, and at every gas limit of a dense sample
/// below what it uses. Each time the state is as before, and nothing but the fault is answered.
#[track_caller]
pub(crate) fn check_every_fault(world: &World, caller: Address, target: Address, input: &[u8]) {
    let contract = resolve(target).expect("native");
    check_every_fault_of(world, caller, target, &|cx| {
        contract.run(cx, input).map(|_| ())
    });
}

/// The same for what another native contract, whose frame is `this`, does by functions that are no verbs.
#[track_caller]
pub(crate) fn check_every_fault_of(world: &World, caller: Address, this: Address, work: Work<'_>) {
    let before = world.state();
    let frame = Frame {
        this,
        caller,
        value: U256::ZERO,
    };
    let run = |world: &mut World, gas_limit: u64| {
        world.store.next_transaction(gas_limit);
        world
            .store
            .attempt(|store| work(&mut Ctx::new(store, frame)))
    };
    let used = {
        let mut world = world.clone();
        run(&mut world, u64::MAX).expect("works when nothing breaks");
        check_all(&world.store).expect("every invariant holds");
        world.store.gas_used()
    };
    let stride = used.div_ceil(512).max(1);
    for gas_limit in (0..used).step_by(usize::try_from(stride).expect("small")) {
        let mut world = world.clone();
        let result = run(&mut world, gas_limit);
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
            work(&mut Ctx::new(&mut store, frame))
        });
        match result {
            Ok(()) => return assert!(touches > 1, "the store was never touched"),
            Err(halt) => assert_eq!(halt, Fault::Fatal.halt(), "touch {touches}"),
        }
        assert_eq!(
            world.state(),
            before,
            "traces after a fault at touch {touches}"
        );
    }
}
