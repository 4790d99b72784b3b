//! Code and calldata that mean harm, against the real native contracts (EXEC-30).

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use capstan_contracts::address::{CANONICAL, MULTICALL3};
use capstan_contracts::admin::ADDRESS as ADMIN;
use capstan_contracts::erc20::IErc20;
use capstan_contracts::ether::ADDRESS as ETHER;
use capstan_contracts::flash::ADDRESS as FLASH;
use capstan_contracts::multicall::IMulticall3::{self, Call};
use capstan_contracts::token::{FACTORY_ADDRESS as TOKEN_FACTORY, KIND as TOKEN_KIND};
use capstan_contracts::{Entry, Kind, decode_error, native as address_of, resolve};
use capstan_evm::call::{AccountOverride, Checks, Session, StorageOverride};
use capstan_evm::mem::MemState;
use capstan_evm::{NATIVE_DEPTH_MAX, Natives, Protocol, STACK_BYTES, StateRead};
use revm::context_interface::result::{ExecutionResult, HaltReason};
use revm_inspectors::tracing::{TracingInspector, TracingInspectorConfig};

use crate::genesis::{Chain, balance, call_tx};
use crate::world::*;

/// Every native contract that a user can reach, a token among them, and addresses that only look like one.
fn targets(chain: &mut Chain) -> Vec<Address> {
    let token = chain.token();
    let mut targets = vec![token, ETHER, FLASH, ADMIN, TOKEN_FACTORY];
    targets.extend(CANONICAL);
    targets.extend([address_of(TOKEN_KIND, 99), address_of(Kind::SYSTEM, 2)]);
    targets
}

fn selectors(of: Address) -> Vec<[u8; 4]> {
    let mut selectors = vec![[0; 4], [0xff; 4]];
    if let Some(contract) = resolve(of)
        && let Entry::Verbs(verbs) = contract.entry
    {
        selectors.extend(verbs.iter().map(|verb| verb.selector));
    }
    selectors
}

/// EXEC-30: calldata of every length and of nonsense content ends in an answer, a revert or a halt: no panic, no fault,
/// and never a change of coins.
#[test]
fn garbage_calldata_of_every_length() {
    let mut chain = Chain::new();
    let targets = targets(&mut chain);
    let mut session = chain.session();
    let lengths: Vec<usize> = (0..=70)
        .chain([96, 100, 127, 128, 132, 164, 1_000])
        .collect();
    let mut calls = 0;
    for target in targets {
        for selector in selectors(target) {
            for fill in [0x00, 0x20, 0xff] {
                for length in &lengths {
                    let mut data = selector.to_vec();
                    data.resize(*length, fill);
                    let ran = session
                        .run(call_tx(target, data), Checks::NONE)
                        .expect("no fault");
                    if let ExecutionResult::Halt { reason, .. } = &ran.result {
                        let panicked = matches!(reason, HaltReason::InvalidFEOpcode);
                        assert!(!panicked, "{target} {selector:x?} {fill:#x} x {length}");
                    }
                    let moved = ran
                        .state
                        .values()
                        .any(|account| account.info.balance != account.original_info().balance);
                    assert!(!moved, "{target} {selector:x?} {fill:#x} x {length}");
                    calls += 1;
                }
            }
        }
    }
    assert!(calls > 10_000, "{calls}");
}

/// EXEC-30: coins that come with a verb that takes none go back, and so do coins without calldata.
#[test]
fn coins_do_not_stick_to_natives() {
    let mut chain = Chain::new();
    let targets = targets(&mut chain);
    let mut session = chain.session();
    for target in targets {
        let verbs = match resolve(target).map(|contract| contract.entry) {
            Some(Entry::Verbs(verbs)) => verbs,
            _ => &[],
        };
        let refusing = verbs.iter().filter(|verb| !verb.payable);
        let inputs = refusing.map(|verb| verb.selector.to_vec()).chain([vec![]]);
        for input in inputs {
            let mut tx = call_tx(target, input.clone());
            tx.value = U256::from(1);
            let ran = session.run(tx, Checks::NONE).expect("valid");
            assert!(
                !ran.result.is_success(),
                "{target} took a coin with {input:x?}"
            );
            let after = ran.state.get(&target).map(|account| account.info.balance);
            assert!(after.unwrap_or_default().is_zero());
        }
    }
}

/// Returns `bytes` zero bytes.
fn bomb(bytes: u64) -> Asm {
    asm().push(U256::from(bytes)).push(U256::ZERO).op(0xf3)
}

fn aggregate(target: Address, times: usize) -> Vec<u8> {
    let call = Call {
        target,
        callData: Bytes::new(),
    };
    let calls = vec![call; times];
    IMulticall3::tryAggregateCall {
        requireSuccess: false,
        calls,
    }
    .abi_encode()
}

/// EXEC-31: what callees answer to one native frame costs like memory, so gas bounds what the host must keep.
#[test]
fn answers_are_bounded_by_gas() {
    let mut chain = Chain::new();
    chain.code(at(1), &bomb(32 * 1024));
    let mut session = chain.session();
    let mut gas_of = |times| {
        let mut tx = call_tx(MULTICALL3, aggregate(at(1), times));
        tx.gas_limit = 100_000_000;
        let ran = session.run(tx, Checks::NONE).expect("valid").result;
        (ran.is_success(), ran.tx_gas_used())
    };
    let (small, one) = gas_of(1);
    let (_, four) = gas_of(4);
    let (medium, fifty) = gas_of(50);
    assert!(small && medium);
    // n calls keep 1024 n words: (1024 n)^2 / 512 = 2048 n^2 gas beside what each call costs.
    let per_call = (four - one - 2_048 * 15) / 3;
    assert!(
        fifty - one > 2_048 * 2_499 && fifty - one < 2_048 * 2_499 + per_call * 60,
        "{one} {fifty}"
    );
    assert_eq!(
        gas_of(300),
        (false, 100_000_000),
        "10 MB of answers do not fit 100 million gas"
    );
    // An answer that is longer than memory could be is not reached by its own frame either.
    chain.code(at(1), &bomb(1 << 40));
    let ran = chain
        .session()
        .run(call_tx(MULTICALL3, aggregate(at(1), 3)), Checks::NONE)
        .expect("valid");
    assert!(
        ran.result.is_success(),
        "its callees are out of gas, it is not: {:?}",
        ran.result
    );
}

/// EXEC-31: a native frame's copy of its input is paid for, whatever becomes of the call.
#[test]
fn large_inputs_are_paid_for() {
    let mut chain = Chain::new();
    let token = chain.token();
    let length = 1u64 << 20;
    let paid = length / 32 * 6;
    for target in [token, MULTICALL3, address_of(TOKEN_KIND, 99)] {
        let call = |gas: u64| {
            asm()
                .push(U256::ZERO)
                .push(U256::ZERO)
                .push(U256::from(length))
                .push(U256::ZERO)
                .push(U256::ZERO)
                .push(U256::from_be_bytes(target.into_word().0))
                .push(U256::from(gas))
                .op(0xf1)
                .pop()
        };
        let mut gas_of = |code: Asm| {
            chain.code(at(1), &code);
            chain
                .session()
                .run(call_tx(at(1), vec![]), Checks::NONE)
                .expect("valid")
                .result
                .tx_gas_used()
        };
        for gas in [0, 1_000, paid - 1, paid + 100_000] {
            let (once, twice) = (gas_of(call(gas)), {
                let mut code = call(gas);
                code.code.extend(call(gas).code);
                gas_of(code)
            });
            // The second call grows no memory and finds everything warm.
            let spent = twice - once;
            assert!(
                spent >= gas.min(paid),
                "{target}: {spent} of {gas} for a megabyte"
            );
        }
    }
}

/// Counts down its argument by calling itself, then calls `target`; answers the flag of that call.
fn descends_to(target: Address) -> Asm {
    let end = asm()
        .op(0x50)
        .call(0xf1, target, 0, U256::MAX)
        .push(U256::ZERO)
        .op(0x52)
        .push(U256::from(32))
        .push(U256::ZERO)
        .op(0xf3);
    // PUSH0 CALLDATALOAD DUP1 PUSH2 deeper JUMPI .. deeper: JUMPDEST
    let mut code = vec![0x5f, 0x35, 0x80, 0x61, 0, 0, 0x57];
    code.extend(end.code);
    let deeper = u16::try_from(code.len()).expect("small").to_be_bytes();
    code[4..6].copy_from_slice(&deeper);
    // n - 1 to memory; CALL self with it; answer what it answered.
    code.extend([0x5b, 0x60, 1, 0x90, 0x03, 0x5f, 0x52]);
    code.extend([0x60, 32, 0x5f, 0x60, 32, 0x5f, 0x5f, 0x30, 0x5a, 0xf1, 0x50]);
    code.extend([0x60, 32, 0x5f, 0xf3]);
    Asm { code, overhead: 0 }
}

/// EXEC-30: at the bottom of the call stack a native contract runs, and one frame deeper it does not; its own calls
/// count too.
#[test]
fn the_call_stack_ends_at_1024_for_natives_too() {
    let leaf = native(vec![]);
    let calls = native(vec![Act::Call(leaf), Act::Call(at(2))]);
    let mut world = world();
    for at in [leaf, calls] {
        world.put(at, 0, &MARKER, &[]);
    }
    world.put(at(2), 0, &[0], &[]);
    world.put(at(1), 0, &descends_to(leaf).code, &[]);
    let flag = |world: &World, depth: u64| {
        let mut tx = tx(revm::primitives::TxKind::Call(at(1)), 0, 0);
        // A 64th stays behind in each of 1,024 frames.
        tx.gas_limit = 1 << 50;
        tx.data = U256::from(depth).to_be_bytes::<32>().to_vec().into();
        let ran = world.session().run(tx, Checks::NONE).expect("valid");
        U256::from_be_slice(&ran.result.into_output().expect("an answer"))
    };
    assert_eq!(flag(&world, 10), U256::from(1));
    assert_eq!(
        flag(&world, 1_023),
        U256::from(1),
        "the native frame is number 1,024 below the first"
    );
    assert_eq!(flag(&world, 1_024), U256::ZERO);
    // A native contract at the bottom cannot call, and ends well.
    let bottom = native(vec![
        Act::Call(leaf),
        Act::Call(at(2)),
        Act::Revert("said so"),
    ]);
    world.put(bottom, 0, &MARKER, &[]);
    world.put(at(1), 0, &descends_to(calls).code, &[]);
    assert_eq!(flag(&world, 1_023), U256::from(1));
    world.put(at(1), 0, &descends_to(bottom).code, &[]);
    assert_eq!(flag(&world, 1_023), U256::ZERO);
}

/// `levels` multicalls, one in the other, around a read.
fn nested_multicalls(levels: usize) -> Vec<u8> {
    let read = IMulticall3::getBlockNumberCall {}.abi_encode();
    let mut call = Call {
        target: MULTICALL3,
        callData: read.into(),
    };
    for _ in 0..levels {
        let calls = vec![call];
        let data = IMulticall3::tryAggregateCall {
            requireSuccess: false,
            calls,
        }
        .abi_encode();
        call = Call {
            target: MULTICALL3,
            callData: data.into(),
        };
    }
    call.callData.to_vec()
}

/// Unwraps what nested multicalls answered: the flags from the outside in.
fn flags(mut output: Bytes) -> Vec<bool> {
    let mut flags = Vec::new();
    while let Ok(results) = IMulticall3::tryAggregateCall::abi_decode_returns(&output)
        && let [result] = results.as_slice()
    {
        flags.push(result.success);
        output = result.returnData.clone();
    }
    flags
}

/// EXEC-16: real contracts nest up to the cap and no further, traced, on the stack that executors have.
#[test]
fn real_natives_nest_to_the_cap() {
    let run = || {
        let chain = Chain::new();
        let mut tracer = TracingInspector::new(TracingInspectorConfig::all());
        let tx = call_tx(MULTICALL3, nested_multicalls(NATIVE_DEPTH_MAX + 3));
        let ran = chain
            .session()
            .run_watched(tx, Checks::NONE, &mut tracer)
            .expect("valid");
        let mut expected = vec![true; NATIVE_DEPTH_MAX - 1];
        expected.push(false);
        assert_eq!(
            flags(ran.result.into_output().expect("an answer")),
            expected
        );
    };
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(run)
        .expect("spawns");
    thread.join().expect("the stack is enough");
}

/// EXEC-30: coins forced on native accounts by SELFDESTRUCT arrive and change nothing else; the marker stays.
#[test]
fn selfdestruct_to_natives() {
    let mut chain = Chain::new();
    let token = chain.token();
    chain.mint(token, SENDER, 100);
    let nowhere = address_of(TOKEN_KIND, 99);
    for target in [token, MULTICALL3, nowhere] {
        let destroy = asm()
            .push(U256::from_be_bytes(target.into_word().0))
            .op(0xff);
        chain.code(at(1), &destroy);
        // An account with coins, and one made in the same transaction.
        let mut session = chain.session();
        let by_code = session
            .run(call_tx(at(1), vec![]), Checks::NONE)
            .expect("valid");
        assert!(by_code.result.is_success());
        session.commit(&by_code.state);
        let mut create = call_tx(at(1), destroy.code.clone());
        (create.kind, create.value) = (revm::primitives::TxKind::Create, U256::from(5));
        let by_creation = session.run(create, Checks::NONE).expect("valid");
        assert!(by_creation.result.is_success());
        session.commit(&by_creation.state);
        let account = session
            .overlay()
            .account(target)
            .expect("memory")
            .expect("has coins");
        assert_eq!(account.balance, U256::from(1_005));
        let before = chain
            .state
            .account(target)
            .expect("memory")
            .unwrap_or_default();
        assert_eq!(
            (account.code_hash, account.nonce),
            (before.code_hash, before.nonce)
        );
        assert_eq!(balance(&mut session, token, SENDER), U256::from(100));
        // Nothing was made at the third address, and coins do not make it.
        let call = IErc20::totalSupplyCall {}.abi_encode();
        let ran = session
            .run(call_tx(nowhere, call), Checks::NONE)
            .expect("valid");
        assert!(!ran.result.is_success());
    }
}

/// EXEC-30: no address that Ethereum gives a meaning is native, and precompiles answer to natives as to code.
#[test]
fn low_addresses_are_not_native() {
    for low in 0..=0x1_000u64 {
        let at = Address::from_word(U256::from(low).into());
        assert!(!Protocol.owns(at), "{at}");
    }
    let chain = Chain::new();
    let identity = Call {
        target: Address::with_last_byte(4),
        callData: Bytes::from_static(b"echo"),
    };
    // Too short for a pairing check: a failing precompile takes what it was given.
    let fails = Call {
        target: Address::with_last_byte(8),
        callData: Bytes::from_static(b"x"),
    };
    let calls = vec![identity.clone(), fails, identity];
    let call = IMulticall3::tryAggregateCall {
        requireSuccess: false,
        calls,
    };
    let ran = chain
        .session()
        .run(call_tx(MULTICALL3, call.abi_encode()), Checks::NONE)
        .expect("valid");
    let output = ran.result.into_output().expect("an answer");
    let results = IMulticall3::tryAggregateCall::abi_decode_returns(&output).expect("decodes");
    let answers: Vec<_> = results
        .iter()
        .map(|r| (r.success, r.returnData.as_ref()))
        .collect();
    assert_eq!(
        answers,
        [(true, b"echo".as_slice()), (false, b""), (true, b"echo")]
    );
}

/// EXEC-30: with any gas, a callee that burns all it gets leaves its native caller either finished or undone.
#[test]
fn griefing_with_63_64ths() {
    let mut chain = Chain::new();
    let token = chain.token();
    chain.mint(token, MULTICALL3, 1_000);
    chain.code(at(1), &asm().op(0xfe));
    let transfer = IErc20::transferCall {
        to: at(9),
        value: U256::from(1),
    };
    let pay = Call {
        target: token,
        callData: transfer.abi_encode().into(),
    };
    let burn = Call {
        target: at(1),
        callData: Bytes::new(),
    };
    let calls = vec![pay.clone(), burn, pay];
    let data = IMulticall3::tryAggregateCall {
        requireSuccess: false,
        calls,
    }
    .abi_encode();
    let mut seen = [0; 3];
    for gas in (40_000..6_000_000).step_by(29_989) {
        let mut session = chain.session();
        let mut tx = call_tx(MULTICALL3, data.clone());
        tx.gas_limit = gas;
        let ran = session.run(tx, Checks::NONE).expect("valid");
        session.commit(&ran.state);
        let arrived = balance(&mut session, token, at(9));
        match &ran.result {
            ExecutionResult::Success { output, .. } => {
                let results = IMulticall3::tryAggregateCall::abi_decode_returns(output.data())
                    .expect("decodes");
                let flags: Vec<bool> = results.iter().map(|result| result.success).collect();
                assert!(!flags[1], "it burns");
                // What the answer says is what happened.
                let paid = u64::from(flags[0]) + u64::from(flags[2]);
                assert_eq!(arrived, U256::from(paid), "{flags:?} with {gas} gas");
                seen[usize::from(paid == 2)] += 1;
            }
            _ => {
                assert!(arrived.is_zero(), "undone with {gas} gas");
                seen[2] += 1;
            }
        }
    }
    assert!(
        seen.iter().all(|count| *count > 0),
        "partly, all, nothing: {seen:?}"
    );
}

/// EXEC-14: a static call by bytecode reads real contracts and cannot write through them, multicall in between.
#[test]
fn static_calls_do_not_write_through_real_natives() {
    let mut chain = Chain::new();
    let token = chain.token();
    chain.mint(token, MULTICALL3, 1_000);
    let transfer = IErc20::transferCall {
        to: at(9),
        value: U256::from(1),
    }
    .abi_encode();
    let read = IErc20::balanceOfCall {
        account: MULTICALL3,
    }
    .abi_encode();
    let calls = [read, transfer].map(|data| Call {
        target: token,
        callData: data.into(),
    });
    let data = IMulticall3::tryAggregateCall {
        requireSuccess: false,
        calls: calls.to_vec(),
    }
    .abi_encode();
    // CALLDATACOPY everything, STATICCALL multicall with it, return what it answers.
    let code = asm()
        .op(0x36)
        .push(U256::ZERO)
        .push(U256::ZERO)
        .op(0x37)
        .push(U256::ZERO)
        .push(U256::ZERO);
    let code = code
        .op(0x36)
        .push(U256::ZERO)
        .push(U256::from_be_bytes(MULTICALL3.into_word().0));
    chain.code(
        at(1),
        &code
            .push(U256::from(2_000_000))
            .op(0xfa)
            .pop()
            .return_data(),
    );
    let mut session = chain.session();
    let ran = session
        .run(call_tx(at(1), data), Checks::NONE)
        .expect("valid");
    let output = ran.result.clone().into_output().expect("an answer");
    let results = IMulticall3::tryAggregateCall::abi_decode_returns(&output).expect("decodes");
    assert_eq!((results[0].success, results[1].success), (true, false));
    assert_eq!(
        U256::from_be_slice(&results[0].returnData),
        U256::from(1_000)
    );
    session.commit(&ran.state);
    assert_eq!(balance(&mut session, token, at(9)), U256::ZERO);
}

/// EXEC-32: words that no contract wrote (a caller pretends them) end that call with all its gas, and the session goes on.
#[test]
fn exec_32_pretended_storage_is_a_halt() {
    let mut chain = Chain::new();
    let token = chain.token();
    chain.mint(token, SENDER, 100);
    let open = || {
        let state: Arc<dyn StateRead> = Arc::new(MemState::clone(&chain.state));
        Session::open(chain.rules.clone(), state, block_context(&chain.rules, 1)).expect("opens")
    };
    // Learn which word is the balance, then pretend one that is wider than any amount.
    let read = IErc20::balanceOfCall { account: SENDER }.abi_encode();
    let looked = open()
        .run(call_tx(token, read.clone()), Checks::NONE)
        .expect("valid");
    let slots = looked.state[&token]
        .storage
        .keys()
        .map(|slot| (*slot, U256::MAX))
        .collect();
    let pretended = AccountOverride {
        storage: Some(StorageOverride::Slots(slots)),
        ..AccountOverride::default()
    };
    let mut session = open();
    session.override_account(token, &pretended).expect("memory");
    let ran = session
        .run(call_tx(token, read), Checks::NONE)
        .expect("no fault of the node");
    assert!(
        matches!(
            ran.result,
            ExecutionResult::Halt {
                reason: HaltReason::InvalidFEOpcode,
                ..
            }
        ),
        "{:?}",
        ran.result
    );
    let supply = IErc20::nameCall {}.abi_encode();
    let ran = session
        .run(call_tx(token, supply), Checks::NONE)
        .expect("the session goes on");
    assert!(ran.result.is_success());
}

/// EXEC-12: code that an override puts at a native address never runs: dispatch is by address.
#[test]
fn code_at_a_native_address_never_runs() {
    let mut chain = Chain::new();
    let token = chain.token();
    chain.mint(token, SENDER, 100);
    let mut session = chain.session();
    let code = AccountOverride {
        code: Some(
            asm()
                .sstore(1, 1)
                .push(U256::from(7))
                .return_word()
                .code
                .into(),
        ),
        ..AccountOverride::default()
    };
    session.override_account(token, &code).expect("memory");
    assert_eq!(balance(&mut session, token, SENDER), U256::from(100));
    let ran = session
        .run(call_tx(token, vec![0xff; 4]), Checks::NONE)
        .expect("valid");
    let output = ran.result.into_output().expect("an answer");
    assert_eq!(
        decode_error(&output).expect("known").name,
        "NativeUnknownVerb"
    );
}
