//! What native contracts and bytecode may do to each other (EXEC-12 to EXEC-20).

use alloy_primitives::{B256, Bytes, U256};
use capstan_evm::call::Checks;
use capstan_evm::{ExecError, NATIVE_DEPTH_MAX, StateError};
use capstan_state::{CallKind, GasClass};
use revm::context_interface::result::{ExecutionResult, HaltReason};
use revm::primitives::TxKind;

use crate::world::*;

const GAS: u64 = 3_000_000;
const YES: U256 = U256::ONE;
const NO: U256 = U256::ZERO;

/// EXEC-12: a native contract is called like any other, from a transaction and from bytecode.
#[test]
fn called_from_transaction_and_bytecode() {
    let native = native(vec![Act::Save(1, 7), Act::Load(1), Act::Value, Act::Caller]);
    let code = asm().call(0xf1, native, 5, U256::MAX).pop().return_data();
    let mut world = world().with_native(native, 0, &[]);
    world.put(at(1), 5, &code.code, &[]);

    let ran = world.call(native, 9, GAS).ok();
    assert_eq!(
        ran.words(),
        [U256::from(7), U256::from(9), SENDER.into_word().into()]
    );
    assert_eq!(
        (ran.slot(native, 1), ran.balance(native)),
        (U256::from(7), U256::from(9))
    );

    let ran = world.call(at(1), 0, GAS).ok();
    assert_eq!(
        ran.words(),
        [U256::from(7), U256::from(5), at(1).into_word().into()]
    );
    assert_eq!(ran.balance(native), U256::from(5));
}

/// EXEC-13: DELEGATECALL and CALLCODE to a native contract revert with a reason and touch nothing.
#[test]
fn delegation_is_refused() {
    let native = native(vec![Act::Save(1, 7)]);
    for op in [0xf4, 0xf2] {
        let code = asm().call(op, native, 0, U256::MAX).pop().return_data();
        let world = world()
            .with_native(native, 0, &[])
            .with_code(at(1), &code.code, &[]);
        let ran = world.call(at(1), 0, GAS).ok();
        assert_eq!(
            ran.result.output().map(|bytes| bytes.as_ref()),
            Some(DELEGATED)
        );
        assert_eq!((ran.slot(native, 1), ran.slot(at(1), 1)), (NO, NO));
    }
}

/// EXEC-13: an EIP-7702 delegation to a native contract is refused the same way, called from anywhere.
#[test]
fn delegation_by_7702_is_refused() {
    let native = native(vec![Act::Save(1, 7)]);
    let designator = [&[0xef, 0x01, 0x00], native.as_slice()].concat();
    let inner = asm().call(0xf1, at(2), 0, U256::MAX).return_word();
    let world = world()
        .with_native(native, 0, &[])
        .with_code(at(2), &designator, &[])
        .with_code(at(1), &inner.code, &[]);
    match world.call(at(2), 0, GAS).result {
        ExecutionResult::Revert { output, .. } => assert_eq!(output.as_ref(), DELEGATED),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.call(at(1), 0, GAS).ok().words(), [NO]);
}

/// EXEC-12: the marker is an ordinary halting byte for whoever else deploys it.
#[test]
fn marker_elsewhere_halts() {
    let world = world().with_code(at(1), &MARKER, &[]);
    let ran = world.call(at(1), 0, 100_000);
    assert!(matches!(ran.result, ExecutionResult::Halt { .. }));
    assert_eq!(ran.gas(), 100_000);
}

/// EXEC-14: no write gets through a static call, however it is nested.
#[test]
fn static_is_inherited() {
    let writes: Vec<Vec<Act>> = vec![
        vec![Act::Save(1, 7)],
        vec![Act::Add(1, 1, GasClass::Flat)],
        vec![Act::TSave(1, 7)],
        vec![Act::Emit(1)],
        vec![Act::Send(SENDER, 1)],
        vec![Act::Marker(at(9))],
        vec![Act::Create {
            value: 0,
            init: Bytes::new(),
            salt: None,
        }],
    ];
    for script in writes {
        let writer = native(script.clone());
        let outer = native(vec![
            Act::Save(5, 5),
            Act::CallWith {
                to: writer,
                value: 0,
                gas: Some(50_000),
                kind: CallKind::Static,
            },
        ]);
        let through = native(vec![Act::CallWith {
            to: writer,
            value: 0,
            gas: Some(50_000),
            kind: CallKind::Call,
        }]);
        let code = asm()
            .call(0xfa, through, 0, U256::from(200_000))
            .pop()
            .return_data();
        let world = world()
            .with_native(writer, 100, &[])
            .with_native(outer, 0, &[])
            .with_native(through, 0, &[])
            .with_code(at(1), &code.code, &[]);
        // Directly, it writes.
        world.call(writer, 0, GAS).ok();
        // Called static, it fails and costs the callee all its gas.
        let ran = world.call(outer, 0, GAS).ok();
        assert_eq!(ran.words(), [NO], "{script:?}");
        assert_eq!(
            (ran.slot(writer, 1), ran.slot(outer, 5)),
            (NO, U256::from(5))
        );
        assert!(ran.gas() > 50_000);
        // STATICCALL by bytecode, one native in between.
        assert_eq!(world.call(at(1), 0, GAS).ok().words(), [NO], "{script:?}");
    }
    // Bytecode below a static native frame cannot write either.
    let code = asm().sstore(1, 7);
    let outer = native(vec![Act::CallWith {
        to: at(1),
        value: 0,
        gas: Some(50_000),
        kind: CallKind::Static,
    }]);
    let world = world()
        .with_native(outer, 0, &[])
        .with_code(at(1), &code.code, &[]);
    assert_eq!(world.call(outer, 0, GAS).ok().words(), [NO]);
}

/// EXEC-15: what a callee reverts is gone, what its caller did stays; what a caller reverts takes its callees along.
#[test]
fn reverts_nest() {
    for by_bytecode in [false, true] {
        let (bad, good) = if by_bytecode {
            (at(2), at(3))
        } else {
            (
                native(vec![
                    Act::Save(1, 1),
                    Act::TSave(1, 1),
                    Act::Emit(1),
                    Act::Revert("no"),
                ]),
                native(vec![Act::Save(1, 2), Act::Emit(2)]),
            )
        };
        let keeps = native(vec![
            Act::Save(9, 9),
            Act::Emit(9),
            Act::Call(bad),
            Act::Call(good),
            Act::Load(9),
        ]);
        let undoes = native(vec![
            Act::Call(good),
            Act::Send(SENDER, 5),
            Act::Revert("all"),
        ]);
        let top = native(vec![Act::Call(undoes), Act::Call(keeps)]);
        let mut world = world()
            .with_native(keeps, 0, &[])
            .with_native(top, 0, &[])
            .with_native(undoes, 50, &[]);
        if by_bytecode {
            world.put(bad, 0, &asm().sstore(1, 1).log(1).revert().code, &[]);
            world.put(good, 0, &asm().sstore(1, 2).log(2).code, &[]);
        } else {
            world.put(bad, 0, &MARKER, &[]);
            world.put(good, 0, &MARKER, &[]);
        }

        let ran = world.call(keeps, 0, GAS).ok();
        assert_eq!(ran.words(), [NO, YES, U256::from(9)]);
        assert_eq!((ran.slot(bad, 1), ran.slot(good, 1)), (NO, U256::from(2)));
        assert_eq!(ran.topics(), [9, 2]);

        let ran = world.call(top, 0, GAS).ok();
        assert_eq!(ran.words(), [NO, YES]);
        assert_eq!(
            (ran.topics(), ran.balance(undoes)),
            (vec![9, 2], U256::from(50))
        );

        match world.call(undoes, 0, GAS).result {
            ExecutionResult::Revert { output, .. } => assert_eq!(output.as_ref(), b"all"),
            other => panic!("{other:?}"),
        }
    }
}

/// EXEC-15: marks undo storage, transient words, coins and logs, and nest.
#[test]
fn marks_undo() {
    let inner = vec![
        Act::Save(2, 2),
        Act::Emit(2),
        Act::TSave(2, 2),
        Act::Send(SENDER, 3),
    ];
    let script = vec![
        Act::Save(1, 1),
        Act::Emit(1),
        Act::Guard(false, inner.clone()),
        Act::Load(2),
        Act::TLoad(2),
        Act::Guard(
            true,
            vec![Act::Save(3, 3), Act::Guard(false, inner.clone())],
        ),
        Act::Guard(false, vec![Act::Guard(true, inner)]),
        Act::Load(3),
        Act::Load(2),
    ];
    let native = native(script);
    let ran = world()
        .with_native(native, 10, &[])
        .call(native, 0, GAS)
        .ok();
    // Sends answered yes inside the undone parts; nothing of them is left.
    assert_eq!(ran.words(), [YES, NO, NO, YES, YES, U256::from(3), NO]);
    assert_eq!(
        (ran.topics(), ran.balance(native)),
        (vec![1], U256::from(10))
    );
}

/// EXEC-16: natives and bytecode call each other in any mix up to the cap; beyond it a call fails, its gas comes back.
#[test]
fn mixes_up_to_the_cap() {
    // at(100 + i) is bytecode that calls native i + 1; native i calls at(100 + i).
    let mut world = world();
    let bytecode = |i: u8| at(100 + i);
    let mut below = native(vec![Act::Emit(99)]);
    world.put(below, 0, &MARKER, &[]);
    for i in (0..u8::try_from(NATIVE_DEPTH_MAX).expect("small")).rev() {
        let call = asm().visit(below).log(u64::from(i));
        world.put(bytecode(i), 0, &call.code, &[]);
        below = native(vec![
            Act::Emit(1000 + u64::from(i)),
            Act::Call(bytecode(i)),
            Act::Save(1, 1),
        ]);
        world.put(below, 0, &MARKER, &[]);
    }
    // The outermost native is number 1; the innermost leaf would be number 17.
    let ran = world.call(below, 0, GAS).ok();
    let expect: Vec<u64> = (1000..1016).chain((0..16).rev()).collect();
    assert_eq!(ran.topics(), expect, "all 16 natives ran, the 17th did not");

    // One less above it, and the leaf runs.
    let ran = world.call(bytecode(0), 0, GAS).ok();
    assert!(ran.topics().contains(&99));

    // Beyond the cap the gas comes back: the failed call costs its access and no more.
    let leaf = native(vec![]);
    let mut chain = native(vec![Act::Gas, Act::Call(leaf), Act::Gas]);
    world.put(chain, 0, &MARKER, &[]);
    for _ in 1..NATIVE_DEPTH_MAX {
        chain = native(vec![Act::Forward(chain)]);
        world.put(chain, 0, &MARKER, &[]);
    }
    let words = world.call(chain, 0, GAS).ok().words();
    assert_eq!(words[1], NO);
    assert_eq!(words[0] - words[2], U256::from(2_600));
}

/// EXEC-17: with any amount of gas a transaction ends well or leaves no trace; and never panics.
#[test]
fn out_of_gas_everywhere() {
    let code = asm().sload(1).sstore(1, 3).log(5);
    let helper = native(vec![Act::Save(4, 4), Act::Emit(4)]);
    let native = native(vec![
        Act::Load(1),
        Act::Add(2, 5, GasClass::Flat),
        Act::Sub(2, 1, 1, GasClass::ZeroAware),
        Act::Emit(1),
        Act::Balance(at(7)),
        Act::Send(at(8), 1),
        Act::CodeSize(at(6)),
        Act::Keccak(100),
        Act::TSave(1, 1),
        Act::CallWith {
            to: at(1),
            value: 1,
            gas: None,
            kind: CallKind::Call,
        },
        Act::Call(helper),
        Act::Marker(at(9)),
        Act::Save(3, 3),
    ]);
    let world = world()
        .with_native(native, 100, &[(1, 1)])
        .with_native(helper, 0, &[])
        .with_code(at(1), &code.code, &[(1, 1)]);
    let needs = {
        let ran = world.call(native, 0, GAS).ok();
        assert_eq!(ran.slot(native, 3), U256::from(3));
        ran.result.gas().total_gas_spent() - 21_000
    };
    let mut ended_well = 0;
    for gas in (0..needs + 3_000)
        .step_by(97)
        .chain(needs - 300..needs + 300)
    {
        let ran = world.call(native, 0, gas);
        if ran.result.is_success() {
            ended_well += 1;
            continue;
        }
        assert_eq!(ran.gas(), gas, "a halt takes all gas");
        let untouched = ran.slot(native, 1) == YES
            && ran.slot(native, 2).is_zero()
            && ran.slot(native, 3).is_zero()
            && ran.slot(helper, 4).is_zero()
            && ran.slot(at(1), 1) == YES
            && ran.balance(native) == U256::from(100)
            && ran.balance(at(8)).is_zero();
        assert!(untouched && ran.topics().is_empty(), "gas {gas}");
    }
    assert!(ended_well > 300 && world.call(native, 0, needs - 4_000).result.is_halt());
}

/// EXEC-18: a panic is a halt that takes all gas of its frame and changes nothing; the rest of the transaction goes on.
#[test]
fn panic_is_a_halt() {
    let panics = native(vec![
        Act::Save(1, 1),
        Act::Emit(1),
        Act::Call(at(1)),
        Act::Panic,
    ]);
    let outer = native(vec![
        Act::Save(2, 2),
        Act::CallWith {
            to: panics,
            value: 3,
            gas: Some(100_000),
            kind: CallKind::Call,
        },
        Act::Call(at(1)),
        Act::Emit(2),
    ]);
    let bytecode = asm()
        .call(0xf1, panics, 0, U256::from(100_000))
        .return_word();
    let world = world()
        .with_native(panics, 0, &[])
        .with_native(outer, 10, &[])
        .with_code(at(1), &asm().sstore(7, 7).code, &[])
        .with_code(at(2), &bytecode.code, &[]);

    let ran = world.call(panics, 0, 200_000);
    assert!(matches!(
        ran.result,
        ExecutionResult::Halt {
            reason: HaltReason::InvalidFEOpcode,
            ..
        }
    ));
    assert_eq!(
        (ran.gas(), ran.slot(panics, 1), ran.slot(at(1), 7)),
        (200_000, NO, NO)
    );

    let ran = world.call(outer, 0, GAS).ok();
    assert_eq!(ran.words(), [NO, YES]);
    assert_eq!(
        (ran.slot(outer, 2), ran.slot(at(1), 7)),
        (U256::from(2), U256::from(7))
    );
    assert_eq!(
        (ran.topics(), ran.balance(outer)),
        (vec![2], U256::from(10))
    );
    assert!(ran.gas() > 100_000);

    assert_eq!(world.call(at(2), 0, GAS).ok().words(), [NO]);
}

/// EXEC-12: creation never lands on a native address; it fails as a collision does.
#[test]
fn create_on_native_is_refused() {
    let init = asm().push(U256::from(1)).push(U256::ZERO).op(0xf3).code;
    // By a transaction: address from sender and nonce 0.
    own(SENDER.create(0));
    let world = world();
    let mut session = world.session();
    let mut create = tx(TxKind::Create, 0, GAS);
    create.data = init.clone().into();
    let ran = session.run(create, Checks::NONE).expect("valid");
    assert!(matches!(
        ran.result,
        ExecutionResult::Halt {
            reason: HaltReason::CreateCollision,
            ..
        }
    ));
    session.commit(&ran.state);
    assert_eq!(session.nonce(SENDER).expect("memory"), 1);

    // By CREATE2 of a native contract.
    let salt = B256::repeat_byte(7);
    let maker = native(vec![Act::Create {
        value: 0,
        init: init.clone().into(),
        salt: Some(salt),
    }]);
    let world = world.with_native(maker, 0, &[]);
    let made = world.call(maker, 0, GAS).ok();
    let address = maker.create2_from_code(salt, &init);
    assert_eq!(
        made.words(),
        [U256::from_be_bytes(address.into_word().0)],
        "it works before"
    );
    own(address);
    let refused = world.call(maker, 0, GAS).ok();
    assert_eq!(refused.words(), [NO]);
    assert!(
        refused.gas() > made.gas() * 10,
        "a collision takes the gas that was handed on"
    );
    assert_eq!(refused.session.nonce(maker).expect("memory"), 2);
}

/// EXEC-12: a native contract creates bytecode as CREATE and CREATE2 do, and hears of failures.
#[test]
fn native_creates() {
    // Deploys one STOP byte; reverts with nothing; runs out.
    let good: Bytes = asm()
        .push(U256::from(1))
        .push(U256::ZERO)
        .op(0xf3)
        .code
        .into();
    let bad: Bytes = asm().revert().code.into();
    let maker = native(vec![
        Act::Create {
            value: 4,
            init: good.clone(),
            salt: None,
        },
        Act::Create {
            value: 0,
            init: bad,
            salt: None,
        },
        Act::Create {
            value: 1000,
            init: good,
            salt: None,
        },
    ]);
    let ran = world().with_native(maker, 10, &[]).call(maker, 0, GAS).ok();
    let made = maker.create(1);
    assert_eq!(
        ran.words(),
        [U256::from_be_bytes(made.into_word().0), NO, NO]
    );
    assert_eq!(
        (ran.balance(made), ran.balance(maker)),
        (U256::from(4), U256::from(6))
    );
}

/// EXEC-19: coins go along with calls, in both directions, and come back with a revert.
#[test]
fn value_moves() {
    let receives = native(vec![Act::Value]);
    let reverts = native(vec![Act::Revert("keep it")]);
    let value = |to, value| Act::CallWith {
        to,
        value,
        gas: None,
        kind: CallKind::Call,
    };
    let sender = native(vec![
        value(receives, 4),
        value(at(1), 3),
        value(reverts, 2),
        value(receives, 1_000),
        Act::Send(at(5), 1),
        Act::Send(at(5), 1_000),
        Act::Balance(at(5)),
    ]);
    let world = world()
        .with_native(receives, 0, &[])
        .with_native(reverts, 0, &[])
        .with_native(sender, 0, &[])
        .with_code(at(1), &[0], &[]);
    let ran = world.call(sender, 20, GAS).ok();
    assert_eq!(ran.words(), [YES, YES, NO, NO, YES, NO, YES]);
    let balances = [sender, receives, at(1), reverts, at(5)].map(|of| ran.balance(of).to::<u64>());
    assert_eq!(balances, [12, 4, 3, 0, 1]);
}

/// EXEC-20: a failing read below stops execution and names itself, from however deep.
#[test]
fn failing_reads_go_up() {
    use alloy_primitives::Address;
    use capstan_evm::call::Session;
    use capstan_evm::{AccountInfo, StateRead};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Failing {
        below: capstan_evm::mem::MemState,
        reads_left: AtomicU64,
    }
    impl Failing {
        fn tick(&self) -> Result<(), StateError> {
            let left = self
                .reads_left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            left.map(|_| ())
                .map_err(|_| StateError::Storage("disk on fire".into()))
        }
    }
    impl StateRead for Failing {
        fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
            self.tick()?;
            self.below.account(address)
        }
        fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
            self.tick()?;
            self.below.storage(address, slot)
        }
        fn code(&self, hash: B256) -> Result<Bytes, StateError> {
            self.tick()?;
            self.below.code(hash)
        }
        fn block_hash(&self, number: u64) -> Result<B256, StateError> {
            self.tick()?;
            self.below.block_hash(number)
        }
    }

    let leaf = native(vec![
        Act::Load(1),
        Act::Save(2, 1),
        Act::Balance(at(5)),
        Act::CodeSize(at(6)),
    ]);
    let top = native(vec![Act::Call(at(1)), Act::Save(1, 1)]);
    let world = world()
        .with_native(leaf, 0, &[])
        .with_native(top, 0, &[])
        .with_code(at(1), &asm().sload(3).visit(leaf).code, &[]);
    let run = |reads| {
        let below = Failing {
            below: world.state.clone(),
            reads_left: AtomicU64::new(reads),
        };
        let ctx = block_context(&world.rules, 1);
        let mut session = Session::open_with(world.rules.clone(), Arc::new(below), ctx, &SCRIPTED)
            .expect("opens");
        session.run(tx(TxKind::Call(top), 0, GAS), Checks::NONE)
    };
    let mut reads = 0;
    while let Err(error) = run(reads) {
        assert_eq!(
            error,
            ExecError::State(StateError::Storage("disk on fire".into())),
            "read {reads}"
        );
        reads += 1;
    }
    assert!(reads > 10, "every read failed once: {reads}");
}

/// EXEC-12: storage of another native, reached without a call, costs what reaching its account costs.
#[test]
fn neighbours_are_reached() {
    let neighbour = native(vec![]);
    let own = native(vec![Act::Save(1, 1)]);
    let other = native(vec![Act::SaveAt(neighbour, 1, 1)]);
    let world = world()
        .with_native(neighbour, 0, &[])
        .with_native(own, 0, &[])
        .with_native(other, 0, &[]);
    let ran = world.call(other, 0, GAS).ok();
    assert_eq!(ran.slot(neighbour, 1), YES);
    assert_eq!(ran.gas(), world.call(own, 0, GAS).ok().gas() + 2_500);
}

/// EXEC-16: the deepest mix, traced, fits into the stack that executors are told to have.
#[test]
fn deepest_mix_fits_the_stack() {
    use revm_inspectors::tracing::{TracingInspector, TracingInspectorConfig};
    let run = || {
        let mut world = world();
        let mut below = native(vec![Act::Emit(99)]);
        world.put(below, 0, &MARKER, &[]);
        for i in 1..u8::try_from(NATIVE_DEPTH_MAX).expect("small") {
            world.put(at(100 + i), 0, &asm().visit(below).code, &[]);
            below = native(vec![Act::Guard(true, vec![Act::Call(at(100 + i))])]);
            world.put(below, 0, &MARKER, &[]);
        }
        let mut tracer = TracingInspector::new(TracingInspectorConfig::all());
        let ran = world.watched(below, 0, GAS, Some(&mut tracer)).ok();
        assert_eq!(ran.topics(), [99], "all sixteen ran");
        assert_eq!(tracer.traces().nodes().len(), 2 * NATIVE_DEPTH_MAX - 1);
    };
    let half = capstan_evm::STACK_BYTES / 2;
    let thread = std::thread::Builder::new()
        .stack_size(half)
        .spawn(run)
        .expect("spawns");
    thread
        .join()
        .expect("half of what is promised is enough for contracts with small frames");
}
