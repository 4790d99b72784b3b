//! A block's life: order, metering, fees, refusals, access list (EXEC-1 to EXEC-11).

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip4844, TxLegacy};
use alloy_eip7928::{BlockAccessList, compute_block_access_list_hash, validate_block_access_list};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use alloy_sol_types::SolValue;
use capstan_contracts::SystemKind;
use capstan_contracts::system::{AccountOverride, DevOverride, SlotOverride};
use capstan_evm::mem::MemState;
use capstan_evm::{
    BlockOutcome, ExecError, Rules, SYSTEM_SENDER, StateDiff, StateRead, SystemTx, Tx, TxOutcome,
    TxRefused,
};
use capstan_state::{CallKind, GasClass};
use revm::context_interface::result::InvalidTransaction;

use crate::judged::Judged;
use crate::world::*;

const HISTORY: Address = alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
const ROOTS: Address = alloy_eips::eip4788::BEACON_ROOTS_ADDRESS;

/// A signature that nobody checks here: recovery happens at the door.
pub(crate) fn signed<T: SignableTransaction<Signature>>(tx: T) -> alloy_consensus::Signed<T> {
    tx.into_signed(Signature::new(U256::from(1), U256::from(1), false))
}

pub(crate) fn fee_tx(nonce: u64, to: TxKind, value: u64, gas_limit: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: 31337,
        nonce,
        gas_limit,
        max_fee_per_gas: 100,
        max_priority_fee_per_gas: 3,
        to,
        value: U256::from(value),
        ..TxEip1559::default()
    }
}

pub(crate) fn user_from(
    from: Address,
    nonce: u64,
    to: Address,
    value: u64,
    gas: u64,
) -> Recovered<Tx> {
    let tx = fee_tx(nonce, TxKind::Call(to), value, 21_000 + gas);
    Recovered::new_unchecked(Tx::Eip1559(signed(tx)), from)
}

pub(crate) fn user(nonce: u64, to: Address, value: u64, gas: u64) -> Recovered<Tx> {
    user_from(SENDER, nonce, to, value, gas)
}

pub(crate) fn system(ordinal: u16, target: Address, gas_limit: u64, input: Bytes) -> Recovered<Tx> {
    SystemTx {
        number: 1,
        ordinal,
        target,
        gas_limit,
        input,
    }
    .into_tx()
}

impl World {
    pub(crate) fn run(&self) -> Judged {
        let state: Arc<dyn StateRead> = Arc::new(self.state.clone());
        let ctx = block_context(&self.rules, 1);
        Judged::open(self.rules.clone(), state, ctx, &SCRIPTED)
    }
}

/// EXEC-3: parent hash and beacon root are stored before the first transaction, at index 0.
#[test]
fn roots_come_first() {
    let mut world = world();
    let history = alloy_eips::eip2935::HISTORY_STORAGE_CODE.clone();
    world.state.put(HISTORY, U256::ZERO, 1, history, []);
    // A stand-in that stores its calldata: the real contract's bytes are the genesis' business.
    let store = asm()
        .push(U256::ZERO)
        .op(0x35)
        .push(U256::ZERO)
        .op(0x55)
        .code;
    world.put(ROOTS, 0, &store, &[]);
    let outcome = world.run().close().expect("closes");
    // EIP-2935 keeps the parent's hash at (number - 1) mod 8191.
    let stored = outcome.diff.accounts[&HISTORY].storage[&U256::ZERO];
    assert_eq!(B256::from(stored), B256::repeat_byte(0x11));
    assert_eq!(
        B256::from(outcome.diff.accounts[&ROOTS].storage[&U256::ZERO]),
        B256::repeat_byte(0x22)
    );
    for account in &outcome.access_list {
        for slot in &account.storage_changes {
            assert_eq!(slot.changes[0].block_access_index.get(), 0);
        }
    }
    assert!(
        outcome
            .access_list
            .iter()
            .all(|account| account.address != revm::handler::SYSTEM_ADDRESS)
    );
    assert_eq!(
        (outcome.gas_used, outcome.receipts.len()),
        (0, 0),
        "not metered, no receipt"
    );
}

/// EXEC-1: fees, nonces, receipts and cumulative gas of a plain block.
#[test]
fn transfers() {
    let world = world();
    let mut run = world.run();
    for nonce in 0..3 {
        let outcome = run.user(&user(nonce, at(1), 5, 0)).expect("stands");
        assert_eq!(
            outcome,
            TxOutcome {
                success: true,
                gas_used: 21_000,
                output: Bytes::new(),
                created: None,
                halt: None
            }
        );
    }
    let outcome = run.close().expect("closes");
    let cumulative: Vec<u64> = outcome
        .receipts
        .iter()
        .map(|receipt| receipt.cumulative_gas_used())
        .collect();
    assert_eq!(cumulative, [21_000, 42_000, 63_000]);
    assert_eq!(
        (
            outcome.gas_used,
            outcome.user_gas_used,
            outcome.system_gas_used
        ),
        (63_000, 63_000, 0)
    );
    let balance = |of| outcome.diff.accounts[&of].info.expect("there").balance;
    // Base fee 7 is burnt, the tip of 3 goes to the beneficiary.
    assert_eq!(balance(at(1)), U256::from(15));
    assert_eq!(balance(COINBASE), U256::from(63_000 * 3));
    assert_eq!(
        balance(SENDER),
        U256::from(10).pow(U256::from(21)) - U256::from(63_000 * 10 + 15)
    );
    assert_eq!(outcome.diff.accounts[&SENDER].info.expect("there").nonce, 3);
}

/// EXEC-4: what is refused leaves no trace: not in state, not in the access list, not in the gas.
#[test]
fn refusals_leave_no_trace() {
    let native = native(vec![Act::Save(1, 1)]);
    let poor = Address::repeat_byte(0x90);
    let mut world = world()
        .with_native(native, 0, &[])
        .with_code(at(3), &[0], &[]);
    Arc::make_mut(&mut world.rules).user_gas_limit = 5_000_000;
    let legacy = TxLegacy {
        gas_limit: 21_000,
        gas_price: 100,
        to: TxKind::Call(at(1)),
        ..TxLegacy::default()
    };
    let unprotected = Recovered::new_unchecked(Tx::Legacy(signed(legacy)), SENDER);
    let blob = TxEip4844 {
        chain_id: 31337,
        gas_limit: 21_000,
        ..TxEip4844::default()
    };
    let invalid = |refused| TxRefused::Invalid(refused);
    let recovered = |tx| Recovered::new_unchecked(Tx::Eip1559(signed(tx)), SENDER);
    let good = fee_tx(0, TxKind::Call(at(1)), 0, 21_000);
    let cases = [
        (
            Recovered::new_unchecked(Tx::Eip4844(signed(blob)), SENDER),
            TxRefused::Blob,
        ),
        (unprotected.clone(), TxRefused::Unprotected),
        (
            system(0, native, 100_000, Bytes::new()),
            TxRefused::SystemShape,
        ),
        (
            user_from(native, 0, at(1), 0, 0),
            TxRefused::NativeSender(native),
        ),
        (
            user(0, at(1), 0, 5_000_000),
            TxRefused::BlockFull {
                gas_limit: 5_021_000,
                gas_left: 5_000_000,
            },
        ),
        (
            user(1, at(1), 0, 0),
            invalid(InvalidTransaction::NonceTooHigh { tx: 1, state: 0 }),
        ),
        (
            user_from(at(3), 1, at(1), 0, 0),
            invalid(InvalidTransaction::RejectCallerWithCode),
        ),
        (
            user_from(poor, 0, at(1), 0, 0),
            invalid(InvalidTransaction::LackOfFundForMaxFee {
                fee: Box::new(U256::from(2_100_000)),
                balance: Box::new(U256::ZERO),
            }),
        ),
        (
            recovered(TxEip1559 {
                chain_id: 1,
                ..good.clone()
            }),
            invalid(InvalidTransaction::InvalidChainId),
        ),
        (
            recovered(TxEip1559 {
                max_fee_per_gas: 6,
                ..good.clone()
            }),
            invalid(InvalidTransaction::GasPriceLessThanBasefee),
        ),
        (
            recovered(TxEip1559 {
                max_priority_fee_per_gas: 101,
                ..good.clone()
            }),
            invalid(InvalidTransaction::PriorityFeeGreaterThanMaxFee),
        ),
        (
            recovered(TxEip1559 {
                gas_limit: 20_999,
                ..good
            }),
            invalid(InvalidTransaction::CallGasCostMoreThanGasLimit {
                initial_gas: 21_000,
                gas_limit: 20_999,
            }),
        ),
    ];
    let mut run = world.run();
    for (tx, why) in &cases {
        assert_eq!(refusal(run.user(tx)), *why);
    }
    run.user(&user(0, at(1), 1, 0)).expect("still usable");
    for (tx, _) in &cases[..5] {
        refusal(run.user(tx));
    }
    let busy = run.close().expect("closes");

    let mut run = world.run();
    run.user(&user(0, at(1), 1, 0)).expect("stands");
    assert_eq!(
        busy,
        run.close().expect("closes"),
        "as if nothing had been refused"
    );

    Arc::make_mut(&mut world.rules).allow_unprotected = true;
    world.run().user(&unprotected).expect("allowed by setting");
}

/// EXEC-9: Osaka's cap on one transaction's gas binds users and not the system.
#[test]
fn transaction_gas_cap() {
    let native = native(vec![Act::Gas]);
    let world = world().with_native(native, 0, &[]);
    let mut run = world.run();
    let over = user(0, at(1), 0, (1 << 24) - 21_000 + 1);
    assert_eq!(
        refusal(run.user(&over)),
        TxRefused::Invalid(InvalidTransaction::TxGasLimitGreaterThanCap {
            gas_limit: (1 << 24) + 1,
            cap: 1 << 24
        })
    );
    run.user(&user(0, at(1), 0, (1 << 24) - 21_000))
        .expect("at the cap");
    let outcome = run
        .system(&system(0, native, 50_000_000, Bytes::new()))
        .expect("stands");
    assert_eq!(
        U256::from_be_slice(&outcome.output),
        U256::from(50_000_000 - 21_000)
    );
}

/// EXEC-5, EXEC-6: system transactions run in the block, with receipts, without a nonce or a fee anywhere.
#[test]
fn system_transactions() {
    let works = native(vec![Act::Save(1, 1), Act::Emit(1), Act::Caller]);
    let reverts = native(vec![Act::Save(1, 1), Act::Revert("not now")]);
    let panics = native(vec![Act::Panic]);
    let mut world = world()
        .with_native(works, 0, &[])
        .with_native(reverts, 0, &[])
        .with_native(panics, 0, &[]);
    Arc::make_mut(&mut world.rules).base_fee.floor_wei = 7;
    let mut run = world.run();
    let first = run
        .system(&system(0, works, 100_000, Bytes::new()))
        .expect("stands");
    assert!(first.success);
    assert_eq!(B256::from_slice(&first.output), SYSTEM_SENDER.into_word());
    let second = run
        .system(&system(1, reverts, 100_000, Bytes::new()))
        .expect("a revert is an outcome");
    assert_eq!(
        (second.success, second.output.as_ref()),
        (false, b"not now".as_slice())
    );
    let third = run
        .system(&system(2, panics, 100_000, Bytes::new()))
        .expect("so is a panic");
    assert_eq!((third.success, third.gas_used), (false, 100_000));
    run.user(&user(0, at(1), 1, 0)).expect("stands");
    let outcome = run.close().expect("closes");

    assert_eq!(
        outcome.system_gas_used,
        first.gas_used + second.gas_used + third.gas_used
    );
    assert_eq!(outcome.gas_used, outcome.system_gas_used + 21_000);
    assert_eq!(outcome.user_gas_used, 21_000);
    let statuses: Vec<bool> = outcome
        .receipts
        .iter()
        .map(|receipt| receipt.status())
        .collect();
    assert_eq!(statuses, [true, false, false, true]);
    assert!(!outcome.diff.accounts.contains_key(&SYSTEM_SENDER));
    assert!(
        outcome
            .access_list
            .iter()
            .all(|account| account.address != SYSTEM_SENDER)
    );
    // The beneficiary got the user's tip and nothing else.
    let beneficiary = outcome.diff.accounts[&COINBASE].info.expect("there");
    assert_eq!(beneficiary.balance, U256::from(63_000));
    assert_eq!(
        outcome.diff.accounts[&works].storage[&U256::from(1)],
        U256::from(1)
    );
}

/// EXEC-5: a system transaction that is not exactly as the block makes it is refused, and the block with it.
#[test]
fn bad_system_transactions() {
    let native = native(vec![]);
    let world = world().with_native(native, 0, &[]);
    let good = || system(0, native, 100_000, Bytes::new());
    let wrong_height = SystemTx {
        number: 2,
        ..SystemTx::read(good().inner()).expect("reads")
    }
    .into_tx();
    let cases = [
        (user(0, at(1), 0, 0), "canonical form"),
        (wrong_height, "block 2, ordinal 0"),
        (
            system(1, native, 100_000, Bytes::new()),
            "block 1, ordinal 1",
        ),
        (
            Recovered::new_unchecked(good().into_inner(), SENDER),
            "not the system sender",
        ),
        (
            system(0, native, 60_000_001, Bytes::new()),
            "exceeds the 60000000 left",
        ),
        (
            system(0, at(1), 100_000, Bytes::new()),
            "serves no system transactions",
        ),
        (
            system(0, native, 20_999, Bytes::new()),
            "exceeds the gas limit (20999)",
        ),
    ];
    for (tx, why) in cases {
        match world.run().system(&tx) {
            Err(error @ ExecError::System { .. }) => {
                assert!(error.to_string().contains(why), "{error}")
            }
            other => panic!("{why}: {other:?}"),
        }
    }
    world.run().any(&good()).expect("told apart by its shape");
}

/// EXEC-7: users and system cannot take each other's gas.
#[test]
fn budgets_are_apart() {
    let burner = native(vec![Act::Panic]);
    let mut world = world().with_native(burner, 0, &[]);
    let rules = Arc::make_mut(&mut world.rules);
    (rules.user_gas_limit, rules.system_gas_limit) = (100_000, 200_000);
    let mut run = world.run();
    run.user(&user(0, burner, 0, 79_000))
        .expect("takes all user gas");
    assert_eq!((run.user_gas_left(), run.system_gas_left()), (0, 200_000));
    refusal(run.user(&user(1, at(1), 0, 0)));
    run.system(&system(0, burner, 150_000, Bytes::new()))
        .expect("system gas is untouched");
    assert_eq!(run.system_gas_left(), 50_000);
    assert!(matches!(
        run.system(&system(1, burner, 50_001, Bytes::new())),
        Err(ExecError::System { .. })
    ));
    assert_eq!(world.rules.gas_limit(), 300_000);
}

/// EXEC-10: in a system phase a native contract calls and creates nothing; that item reverts, the rest goes on.
#[test]
fn no_calls_in_system_phase() {
    let calls = [
        Act::Call(at(1)),
        Act::CallWith {
            to: at(1),
            value: 0,
            gas: None,
            kind: CallKind::Static,
        },
        Act::Create {
            value: 0,
            init: Bytes::new(),
            salt: None,
        },
    ];
    for call in calls {
        let item = native(vec![Act::Save(1, 1), call]);
        let world =
            world()
                .with_native(item, 0, &[])
                .with_code(at(1), &asm().sstore(1, 1).code, &[]);
        let mut run = world.run();
        let outcome = run
            .system(&system(0, item, 1_000_000, Bytes::new()))
            .expect("stands");
        assert!(!outcome.success && outcome.output.len() >= 4);
        run.user(&user(0, item, 0, 1_000_000))
            .expect("as a user, it may");
        let outcome = run.close().expect("closes");
        assert_eq!(
            outcome
                .receipts
                .iter()
                .map(|receipt| receipt.status())
                .collect::<Vec<_>>(),
            [false, true]
        );
    }
}

/// EXEC-11: a developer's override is a transaction like any other: in the state, the access list, the receipts.
#[test]
fn dev_overrides() {
    let world = world().with_code(at(1), &[0], &[(1, 1), (2, 2)]);
    let mut wanted = AccountOverride::of(at(1));
    (wanted.hasBalance, wanted.balance) = (true, U256::from(77));
    (wanted.hasNonce, wanted.nonce) = (true, 9);
    (wanted.hasCode, wanted.code) = (true, asm().sload(1).code.into());
    wanted.slots = vec![
        SlotOverride {
            slot: U256::from(1),
            word: U256::ZERO,
        },
        SlotOverride {
            slot: U256::from(3),
            word: U256::from(3),
        },
    ];
    let mut bare = AccountOverride::of(at(2));
    (bare.hasBalance, bare.balance) = (true, U256::from(1));
    let mut uncoded = AccountOverride::of(at(1));
    uncoded.hasCode = true;
    let input = DevOverride {
        accounts: vec![wanted.clone(), bare],
    }
    .abi_encode();
    let target = SystemKind::DevOverride.target();
    let mut run = world.run();
    assert!(
        run.system(&system(0, target, 1_000_000, input.into()))
            .expect("stands")
            .success
    );
    let outcome = run.close().expect("closes");
    let account = &outcome.diff.accounts[&at(1)];
    let info = account.info.expect("there");
    assert_eq!((info.balance, info.nonce), (U256::from(77), 9));
    assert_eq!(outcome.diff.codes[&info.code_hash], wanted.code);
    let slots: Vec<_> = account
        .storage
        .iter()
        .map(|(slot, word)| (slot.to(), word.to()))
        .collect();
    assert_eq!(slots, [(1u64, 0u64), (3, 3)]);
    assert_eq!(
        outcome.diff.accounts[&at(2)].info.expect("made").balance,
        U256::from(1)
    );

    // Taking code away, and input that is none.
    let mut run = world.run();
    let input = DevOverride {
        accounts: vec![uncoded],
    }
    .abi_encode();
    assert!(
        run.system(&system(0, target, 1_000_000, input.into()))
            .expect("stands")
            .success
    );
    let bad = run
        .system(&system(1, target, 1_000_000, Bytes::from_static(b"junk")))
        .expect("stands");
    assert!(!bad.success);
    let outcome = run.close().expect("closes");
    let info = outcome.diff.accounts[&at(1)].info.expect("there");
    assert_eq!(info.code_hash, alloy_primitives::KECCAK256_EMPTY);
}

/// A block with a bit of everything, run over `world`.
fn busy_block(world: &World, natives: &[Address]) -> (BlockOutcome, Vec<MemState>) {
    let txs = [
        system(0, natives[0], 1_000_000, Bytes::new()),
        user(0, natives[1], 3, 1_000_000),
        user(1, at(1), 1, 1_000_000),
        user(2, natives[2], 0, 1_000_000),
        user(3, at(4), 2, 1_000_000),
        user(4, natives[1], 0, 1_000_000),
        system(1, natives[0], 1_000_000, Bytes::new()),
    ];
    // Every prefix of the block, closed: the state after each transaction.
    let mut states = vec![world.state.clone()];
    for length in 0..=txs.len() {
        let mut run = world.run();
        for tx in &txs[..length] {
            run.any(tx).expect("stands");
        }
        let outcome = run.close().expect("closes");
        let mut state = world.state.clone();
        state.apply(&outcome.diff);
        if length == txs.len() {
            states.push(state);
            return (outcome, states);
        }
        states.push(state);
    }
    unreachable!("the last length returns")
}

pub(crate) fn busy_world() -> (World, Vec<Address>) {
    let first = native(vec![
        Act::Load(9),
        Act::Add(1, 5, GasClass::Flat),
        Act::Save(2, 2),
        Act::Load(7),
    ]);
    let second = native(vec![
        Act::Send(at(8), 1),
        Act::Save(1, 1),
        Act::Guard(false, vec![Act::Save(5, 5), Act::Send(at(7), 1)]),
        Act::Call(at(1)),
        Act::Create {
            value: 0,
            init: asm()
                .push(U256::from(1))
                .push(U256::ZERO)
                .op(0xf3)
                .code
                .into(),
            salt: None,
        },
        Act::Emit(4),
    ]);
    let third = native(vec![
        Act::Save(1, 9),
        Act::Save(2, 9),
        Act::Save(2, 0),
        Act::Balance(at(9)),
        Act::Revert("x"),
    ]);
    // Toggles slot 1 between what it was and something else; reads slot 3.
    let code = asm()
        .sload(3)
        .sstore(4, 4)
        .sstore(4, 0)
        .push(U256::from(1))
        .op(0x54)
        .op(0x15)
        .push(U256::from(1))
        .op(0x55);
    let mut world = world()
        .with_native(first, 0, &[(9, 9)])
        .with_native(second, 5, &[])
        .with_native(third, 0, &[(2, 9)])
        .with_code(at(1), &code.code, &[]);
    // Gives all coins away and is gone (it was made of coins alone).
    world.put(
        at(4),
        0,
        &asm()
            .push(U256::from_be_bytes(at(5).into_word().0))
            .op(0xff)
            .code,
        &[],
    );
    (world, vec![first, second, third])
}

/// EXEC-25: writes in the list are exactly the differences between the states before and after each
/// index; nothing that did not change is written; nothing that changed is missing.
#[test]
fn access_list_is_the_difference_of_states() {
    let (world, natives) = busy_world();
    let (outcome, states) = busy_block(&world, &natives);
    let list = &outcome.access_list;
    validate_block_access_list(list, outcome.receipts.len()).expect("canonical");
    assert_eq!(
        outcome.access_list_hash,
        compute_block_access_list_hash(list)
    );
    assert_eq!(writes_between(&states, list), writes_in(list));
    // The last state is the one that the diff makes, and the one that redoing the list makes.
    let redone = StateDiff::from_access_list(list, &world.state).expect("memory");
    assert_eq!(redone, outcome.diff);
}

/// EXEC-26: what was touched but not written is in the list as a read: reverted writes too.
#[test]
fn access_list_has_the_reads() {
    let (world, natives) = busy_world();
    let (outcome, _) = busy_block(&world, &natives);
    let reads: BTreeMap<Address, Vec<u64>> = outcome
        .access_list
        .iter()
        .map(|account| {
            (
                account.address,
                account.storage_reads.iter().map(|slot| slot.to()).collect(),
            )
        })
        .collect();
    assert_eq!(reads[&natives[0]], [7, 9]);
    assert_eq!(reads[&natives[1]], [5], "undone by a mark");
    assert_eq!(reads[&natives[2]], [1, 2], "reverted");
    assert_eq!(
        reads[&at(1)],
        [3, 4],
        "read, and written back to what it was"
    );
    assert!(
        reads.contains_key(&at(7)) && reads.contains_key(&at(9)),
        "touched accounts stand, unchanged"
    );
}

type Write = (u64, Address, String, U256);

/// Everything that differs between neighbouring states, over every account and slot the list names.
fn writes_between(states: &[MemState], list: &BlockAccessList) -> Vec<Write> {
    let mut writes = Vec::new();
    for (index, pair) in states.windows(2).enumerate() {
        let index = u64::try_from(index).expect("small");
        for account in list {
            let address = account.address;
            let (before, after) = (&pair[0], &pair[1]);
            let info =
                |state: &MemState| state.account(address).expect("memory").unwrap_or_default();
            let (old, new) = (info(before), info(after));
            let mut push = |what: &str, differs: bool, value: U256| {
                if differs {
                    writes.push((index, address, what.to_owned(), value));
                }
            };
            push("balance", old.balance != new.balance, new.balance);
            push("nonce", old.nonce != new.nonce, U256::from(new.nonce));
            push("code", old.code_hash != new.code_hash, new.code_hash.into());
            let slots = account.storage_changes.iter().map(|slot| slot.slot);
            for slot in slots.chain(account.storage_reads.iter().copied()) {
                let word = |state: &MemState| state.storage(address, slot).expect("memory");
                push(
                    &format!("slot {slot}"),
                    word(before) != word(after),
                    word(after),
                );
            }
        }
    }
    writes.sort();
    writes
}

fn writes_in(list: &BlockAccessList) -> Vec<Write> {
    let mut writes = Vec::new();
    for account in list {
        let mut push = |index: alloy_eip7928::BlockAccessIndex, what: String, value: U256| {
            writes.push((index.get(), account.address, what, value));
        };
        for change in &account.balance_changes {
            push(
                change.block_access_index,
                "balance".into(),
                change.post_balance,
            );
        }
        for change in &account.nonce_changes {
            push(
                change.block_access_index,
                "nonce".into(),
                U256::from(change.new_nonce),
            );
        }
        for change in &account.code_changes {
            let hash = alloy_primitives::keccak256(change.new_code());
            push(change.block_access_index, "code".into(), hash.into());
        }
        for slot in &account.storage_changes {
            for change in &slot.changes {
                push(
                    change.block_access_index,
                    format!("slot {}", slot.slot),
                    change.new_value,
                );
            }
        }
    }
    writes.sort();
    writes
}

/// EXEC-1: running a block again gives the same bytes; watching it changes nothing.
#[test]
fn execution_is_a_function() {
    use revm_inspectors::tracing::{TracingInspector, TracingInspectorConfig};
    let (world, natives) = busy_world();
    let (outcome, _) = busy_block(&world, &natives);
    assert_eq!(outcome, busy_block(&world, &natives).0);

    let mut tracer = TracingInspector::new(TracingInspectorConfig::all());
    let mut run = world.run();
    let txs = [
        system(0, natives[0], 1_000_000, Bytes::new()),
        user(0, natives[1], 3, 1_000_000),
    ];
    for tx in &txs {
        tracer.fuse();
        let (ended, gas) = run
            .traced(tx, &mut tracer, |ended, session| {
                assert_eq!(session.block().info.number, 1);
                ended.result.tx_gas_used()
            })
            .expect("stands");
        assert_eq!(ended.gas_used, gas);
        assert!(!tracer.traces().nodes().is_empty());
    }
    let watched = run.close().expect("closes");
    let mut run = world.run();
    for tx in &txs {
        run.any(tx).expect("stands");
    }
    assert_eq!(watched, run.close().expect("closes"));
}

/// EXEC-2: rules change with the height that genesis schedules.
#[test]
fn forks_by_height() {
    use capstan_evm::Fork;
    // CLZ (0x1e) exists from Osaka on.
    let mut world = world().with_code(at(1), &asm().push(U256::from(1)).op(0x1e).pop().code, &[]);
    for (fork, succeeds) in [
        (Fork::Cancun, false),
        (Fork::Prague, false),
        (Fork::Osaka, true),
    ] {
        *Arc::make_mut(&mut world.rules) = Rules {
            forks: vec![(0, fork)],
            ..Rules::new(31337)
        };
        let mut run = world.run();
        assert_eq!(
            run.user(&user(0, at(1), 0, 100_000))
                .expect("stands")
                .success,
            succeeds,
            "{fork:?}"
        );
    }
}
