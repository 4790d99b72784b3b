//! The verifier (PER-1 to PER-6): random blocks, each wrong entry, what is never looked up, panics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_consensus::TxEip7702;
use alloy_consensus::transaction::Recovered;
use alloy_eip7928::{
    AccountChanges, BalanceChange, BlockAccessIndex, BlockAccessList, CodeChange, NonceChange,
    SlotChanges, StorageChange,
};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use capstan_evm::verify::{Fault, Field, Place, VerifyError};
use capstan_evm::{AccountInfo, BlockOutcome, StateError, StateRead, Tx};
use capstan_state::{CallKind, GasClass};
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::block::{busy_world, fee_tx, signed, system, user, user_from};
use crate::judged::Case;
use crate::world::*;

// ---------------------------------------------------------------------------------------------- one block

/// A block with everything that an entry can be: balances, nonces, code, words written, only read, and back again.
fn busy() -> (BlockOutcome, Case) {
    let (world, natives) = busy_world();
    let mut run = world.run();
    let create = fee_tx(5, TxKind::Create, 0, 200_000);
    let create = alloy_consensus::TxEip1559 {
        // Returns one byte of code.
        input: Bytes::from_static(&[0x60, 0x01, 0x5f, 0xf3]),
        ..create
    };
    let txs = [
        system(0, natives[0], 1_000_000, Bytes::new()),
        user(0, natives[1], 3, 1_000_000),
        user(1, at(1), 1, 1_000_000),
        user(2, natives[2], 0, 1_000_000),
        user(3, at(4), 2, 1_000_000),
        user(4, natives[1], 0, 1_000_000),
        Recovered::new_unchecked(Tx::Eip1559(signed(create)), SENDER),
        user(6, at(1), 0, 1_000_000),
        system(1, natives[0], 1_000_000, Bytes::new()),
    ];
    for tx in &txs {
        run.any(tx).expect("stands");
    }
    run.finish().expect("closes")
}

/// One wrong thing in a list, and the place that must be named for it.
struct Mutant {
    what: String,
    list: BlockAccessList,
    address: Address,
    /// Any of these.
    fields: Vec<Field>,
}

/// Every list that differs from this one in one entry.
fn mutants(list: &BlockAccessList, transaction_count: u64) -> Vec<Mutant> {
    let mut all = Vec::new();
    for (id, account) in list.iter().enumerate() {
        let mut add = |what: String, fields: &[Field], change: &dyn Fn(&mut AccountChanges)| {
            let mut mutated = list.clone();
            change(&mut mutated[id]);
            all.push(Mutant {
                what: format!("{what} of account {id} {}", account.address),
                list: mutated,
                address: account.address,
                fields: fields.to_vec(),
            });
        };
        for (n, read) in account.storage_reads.iter().enumerate() {
            let field = [Field::Word(*read)];
            add(format!("read {read} gone"), &field, &|a| {
                a.storage_reads.remove(n);
            });
            let at = BlockAccessIndex::new(1);
            add(format!("read {read} becomes a write"), &field, &|a| {
                a.storage_reads.remove(n);
                let value = StorageChange::new(at, U256::from(77));
                a.storage_changes.push(SlotChanges::new(*read, vec![value]));
                a.storage_changes.sort_by_key(|word| word.slot);
            });
        }
        let unknown = U256::from(0xdead_u64);
        add("one read more".into(), &[Field::Word(unknown)], &|a| {
            a.storage_reads.push(unknown);
            a.storage_reads.sort();
        });
        for (n, word) in account.storage_changes.iter().enumerate() {
            let field = [Field::Word(word.slot)];
            for (m, entry) in word.changes.iter().enumerate() {
                let at = entry.block_access_index.get();
                add(
                    format!("word {} at {at} by one more", word.slot),
                    &field,
                    &|a| {
                        a.storage_changes[n].changes[m].new_value += U256::from(1);
                    },
                );
                add(format!("word {} at {at} gone", word.slot), &field, &|a| {
                    a.storage_changes[n].changes.remove(m);
                    if a.storage_changes[n].changes.is_empty() {
                        a.storage_changes.remove(n);
                        a.storage_reads.push(word.slot);
                        a.storage_reads.sort();
                    }
                });
            }
            for at in 0..=transaction_count {
                let at = BlockAccessIndex::new(at);
                if word.changes.iter().any(|c| c.block_access_index == at) {
                    continue;
                }
                add(format!("word {} also at {at}", word.slot), &field, &|a| {
                    let changes = &mut a.storage_changes[n].changes;
                    changes.push(StorageChange::new(at, U256::from(78)));
                    changes.sort_by_key(|c| c.block_access_index);
                });
            }
        }
        for n in 0..account.balance_changes.len() {
            add(
                format!("balance entry {n} wrong"),
                &[Field::Balance],
                &|a| {
                    a.balance_changes[n].post_balance += U256::from(1);
                },
            );
            add(format!("balance entry {n} gone"), &[Field::Balance], &|a| {
                a.balance_changes.remove(n);
            });
        }
        for n in 0..account.nonce_changes.len() {
            add(format!("nonce entry {n} wrong"), &[Field::Nonce], &|a| {
                a.nonce_changes[n].new_nonce += 1;
            });
            add(format!("nonce entry {n} gone"), &[Field::Nonce], &|a| {
                a.nonce_changes.remove(n);
            });
        }
        for n in 0..account.code_changes.len() {
            add(format!("code entry {n} wrong"), &[Field::Code], &|a| {
                a.code_changes[n].new_code = Bytes::from_static(&[0x5b]);
            });
            add(format!("code entry {n} gone"), &[Field::Code], &|a| {
                a.code_changes.remove(n);
            });
        }
        for at in 0..=transaction_count {
            let at = BlockAccessIndex::new(at);
            if !account
                .balance_changes
                .iter()
                .any(|c| c.block_access_index == at)
            {
                add(format!("a balance more at {at}"), &[Field::Balance], &|a| {
                    let more = BalanceChange::new(at, U256::from(123));
                    a.balance_changes.push(more);
                    a.balance_changes.sort_by_key(|c| c.block_access_index);
                });
            }
            if !account
                .nonce_changes
                .iter()
                .any(|c| c.block_access_index == at)
            {
                add(format!("a nonce more at {at}"), &[Field::Nonce], &|a| {
                    a.nonce_changes.push(NonceChange::new(at, 123));
                    a.nonce_changes.sort_by_key(|c| c.block_access_index);
                });
            }
            if !account
                .code_changes
                .iter()
                .any(|c| c.block_access_index == at)
            {
                add(format!("a code more at {at}"), &[Field::Code], &|a| {
                    let more = CodeChange::new(at, Bytes::from_static(&[0x5b]));
                    a.code_changes.push(more);
                    a.code_changes.sort_by_key(|c| c.block_access_index);
                });
            }
        }
        let mut gone = list.clone();
        gone.remove(id);
        let words = account.storage_changes.iter().map(|w| Field::Word(w.slot));
        all.push(Mutant {
            what: format!("account {id} {} gone", account.address),
            list: gone,
            address: account.address,
            fields: words.chain([Field::Account]).collect(),
        });
    }
    let stranger = Address::repeat_byte(0x5a);
    let mut more = list.clone();
    more.push(AccountChanges::new(stranger));
    more.sort_by_key(|account| account.address);
    all.push(Mutant {
        what: "an account more".into(),
        list: more,
        address: stranger,
        fields: vec![Field::Account],
    });
    all
}

fn named(fault: &Fault) -> Option<Place> {
    match fault {
        Fault::Undeclared(at)
        | Fault::Missing { at, .. }
        | Fault::Wrong { at, .. }
        | Fault::Unused(at) => Some(*at),
        _ => None,
    }
}

/// PER-2, PER-4: every single wrong entry is found and named, and the same one with any number of threads.
#[test]
fn each_wrong_entry_is_named() {
    let (outcome, case) = busy();
    let count = case.transactions.len() as u64;
    let all = mutants(&outcome.access_list, count);
    assert!(all.len() > 500, "{}", all.len());
    let mut kinds = BTreeSet::new();
    for mutant in &all {
        let alone = case.verify(&mutant.list, 1).expect_err(&mutant.what);
        assert_eq!(
            case.verify(&mutant.list, 3).expect_err(&mutant.what),
            alone,
            "{}",
            mutant.what
        );
        let VerifyError::List(fault) = &alone else {
            panic!("{}: {alone}", mutant.what);
        };
        let place = named(fault).unwrap_or_else(|| panic!("{}: {alone}", mutant.what));
        assert_eq!(place.address, mutant.address, "{}: {alone}", mutant.what);
        assert!(
            mutant.fields.contains(&place.field),
            "{}: {alone}",
            mutant.what
        );
        assert!(alone.to_string().contains(&mutant.address.to_string()));
        kinds.insert(match fault {
            Fault::Undeclared(_) => "undeclared",
            Fault::Missing { .. } => "missing",
            Fault::Wrong { .. } => "wrong",
            _ => "unused",
        });
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
}

/// PER-2: what is wrong with a list as a whole.
#[test]
fn structure_is_checked() {
    let (outcome, case) = busy();
    let list = &outcome.access_list;
    let fault = |list: &BlockAccessList| match case.verify(list, 2) {
        Err(VerifyError::List(fault)) => fault,
        other => panic!("{other:?}"),
    };
    let mut turned = list.clone();
    turned.swap(0, 1);
    assert!(matches!(fault(&turned), Fault::Structure(_)));
    let mut twice = list.clone();
    twice.insert(0, list[0].clone());
    assert!(matches!(fault(&twice), Fault::Structure(_)));
    let mut empty = list.clone();
    let word = SlotChanges::new(U256::MAX, Vec::new());
    empty[0].storage_changes.push(word);
    assert!(matches!(fault(&empty), Fault::Structure(_)));
    // Behind the last transaction nothing runs.
    let behind = case.transactions.len() as u64 + 1;
    let mut late = list.clone();
    let change = BalanceChange::new(BlockAccessIndex::new(behind), U256::from(1));
    late[0].balance_changes.push(change);
    assert!(matches!(fault(&late), Fault::Unused(at) if at.index == Some(behind)));
    let mut beyond = list.clone();
    let change = BalanceChange::new(BlockAccessIndex::new(behind + 1), U256::from(1));
    beyond[0].balance_changes.push(change);
    assert!(matches!(fault(&beyond), Fault::Structure(_)));
    let mut long = list.clone();
    for n in 0..80_001_u64 {
        long[0]
            .storage_reads
            .push(U256::from(n) + (U256::from(1) << 200));
    }
    assert!(matches!(fault(&long), Fault::TooLong(_)));
    // Bytes.
    let bytes = alloy_rlp::encode(list);
    let bad = |bytes: &[u8]| match case.verify_bytes(bytes, 2) {
        Err(VerifyError::List(fault)) => fault,
        other => panic!("{other:?}"),
    };
    assert!(case.verify_bytes(&bytes, 2).is_ok());
    let mut more = bytes.clone();
    more.push(0);
    assert_eq!(bad(&more), Fault::NotCanonical);
    assert!(matches!(
        bad(&bytes[..bytes.len() - 1]),
        Fault::Undecodable(_)
    ));
    assert!(matches!(bad(&[]), Fault::Undecodable(_)));
    // All is well but the header, which names another list.
    let must = B256::repeat_byte(7);
    for threads in [1, 2] {
        let error = case.verify_named(&bytes, must, threads).expect_err("bad");
        let is = alloy_primitives::keccak256(&bytes);
        assert_eq!(error, Fault::Hash { is, must }.into());
    }
}

/// The parent's state, and everything that was asked of it.
struct Asked {
    state: Arc<dyn StateRead>,
    asked: Mutex<BTreeSet<(Address, Option<U256>)>>,
}

impl StateRead for Asked {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.asked.lock().insert((address, None));
        self.state.account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.asked.lock().insert((address, Some(slot)));
        self.state.storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.state.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.state.block_hash(number)
    }
}

/// PER-3: whatever a list lacks, the verifier asks the state below for nothing that it does not declare.
#[test]
fn what_is_not_declared_is_not_looked_up() {
    let (outcome, mut case) = busy();
    let asked = Arc::new(Asked {
        state: Arc::clone(&case.parent),
        asked: Mutex::default(),
    });
    case.parent = asked.clone();
    let declared = |list: &BlockAccessList| {
        let mut all = BTreeSet::new();
        for account in list {
            all.insert((account.address, None));
            let written = account.storage_changes.iter().map(|word| word.slot);
            for slot in written.chain(account.storage_reads.iter().copied()) {
                all.insert((account.address, Some(slot)));
            }
        }
        all
    };
    let count = case.transactions.len() as u64;
    let mut lists = vec![outcome.access_list.clone(), Vec::new()];
    lists.extend(
        mutants(&outcome.access_list, count)
            .into_iter()
            .map(|m| m.list),
    );
    for list in lists {
        asked.asked.lock().clear();
        let _ = case.verify(&list, 2);
        let asked = asked.asked.lock();
        let extra: Vec<_> = asked.difference(&declared(&list)).copied().collect();
        assert!(extra.is_empty(), "{extra:?}");
    }
}

/// A state whose reads panic from the n-th on, or fail.
struct Broken {
    state: Arc<dyn StateRead>,
    left: AtomicUsize,
    panics: bool,
}

impl Broken {
    fn touch(&self) -> Result<(), StateError> {
        let left = self.left.fetch_sub(1, Ordering::Relaxed);
        if left > 1 && left < usize::MAX / 2 {
            return Ok(());
        }
        assert!(!self.panics, "a read panics on purpose");
        Err(StateError::Storage("on purpose".into()))
    }
}

impl StateRead for Broken {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.touch()?;
        self.state.account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.touch()?;
        self.state.storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.state.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.state.block_hash(number)
    }
}

/// PER-6: panics and failing reads of a worker come back as such, wherever they happen, and are no verdict.
#[test]
fn trouble_in_a_worker_is_no_verdict() {
    let (outcome, mut case) = busy();
    let state = Arc::clone(&case.parent);
    let mut panicked = 0;
    for panics in [true, false] {
        for left in 1..100 {
            case.parent = Arc::new(Broken {
                state: Arc::clone(&state),
                left: AtomicUsize::new(left),
                panics,
            });
            match case.verify(&outcome.access_list, 2) {
                Ok(verified) => {
                    assert_eq!(verified, outcome);
                    break;
                }
                // A panic below a native frame is that frame's halt, so the transaction ends otherwise than listed.
                Err(VerifyError::List(_)) if panics => {}
                Err(VerifyError::Panicked(why)) if panics => {
                    assert!(why.contains("on purpose"));
                    panicked += 1;
                }
                Err(VerifyError::Own(_)) if !panics => {}
                Err(other) => panic!("{left}: {other:?}"),
            }
        }
    }
    assert!(panicked > 5, "{panicked}");
}

/// PER-1: a transaction that the block has no gas for, or that may not stand, is named as in the plain loop.
#[test]
fn what_may_not_stand_is_named() {
    let (outcome, mut case) = busy();
    let twice = case.transactions[1].clone();
    case.transactions.insert(2, twice);
    let error = case
        .verify(&outcome.access_list, 2)
        .expect_err("a nonce twice");
    assert!(
        matches!(&error, VerifyError::Transaction { index: 2, .. }),
        "{error}"
    );
    case.transactions.remove(2);
    Arc::make_mut(&mut case.rules).user_gas_limit = 1_050_000;
    let error = case.verify(&outcome.access_list, 2).expect_err("too full");
    assert!(error.to_string().contains("exceeds"), "{error}");
}

// ------------------------------------------------------------------------------------------- random blocks

const SENDERS: u8 = 4;

fn sender(n: u8) -> Address {
    Address::repeat_byte(0xe0 + n % SENDERS)
}

/// One step of a native contract's random script over few places, so that transactions meet.
fn act(natives: Vec<Address>) -> impl Strategy<Value = Act> {
    let slot = 0..4_u64;
    let near = prop::sample::select(natives);
    let code = (1..6_u8).prop_map(at);
    let anyone = prop_oneof![
        near.clone(),
        code,
        (0..SENDERS).prop_map(sender),
        Just(COINBASE)
    ];
    let classes = prop_oneof![Just(GasClass::Flat), Just(GasClass::ZeroAware)];
    prop_oneof![
        slot.clone().prop_map(Act::Load),
        (slot.clone(), 0..3_u64).prop_map(|(slot, word)| Act::Save(slot, word)),
        (slot.clone(), 0..3_u64, classes.clone()).prop_map(|(s, d, c)| Act::Add(s, d, c)),
        (slot.clone(), 0..3_u64, classes).prop_map(|(s, d, c)| Act::Sub(s, d, 0, c)),
        anyone.clone().prop_map(Act::Balance),
        (anyone.clone(), 0..3_u64).prop_map(|(to, amount)| Act::Send(to, amount)),
        anyone.clone().prop_map(Act::CodeSize),
        anyone.clone().prop_map(Act::Call),
        (near, 0..4_u64, 0..3_u64).prop_map(|(at, slot, word)| Act::SaveAt(at, slot, word)),
        (anyone, 0..3_u64, prop::option::of(0..60_000_u64)).prop_map(|(to, value, gas)| {
            Act::CallWith {
                to,
                value,
                gas,
                kind: CallKind::Call,
            }
        }),
        (0..2_u8).prop_map(|salt| Act::Create {
            value: 1,
            // Destroys itself at once, or leaves one byte of code.
            init: match salt {
                0 => Bytes::from_static(&[0x33, 0xff]),
                _ => Bytes::from_static(&[0x60, 0x01, 0x5f, 0x55, 0x60, 0x01, 0x5f, 0xf3]),
            },
            salt: Some(B256::repeat_byte(salt)),
        }),
        (0..4_u64).prop_map(Act::Emit),
        (slot, 0..3_u64).prop_map(|(s, w)| Act::Guard(false, vec![Act::Save(s, w), Act::Emit(9)])),
        Just(Act::Revert("random")),
        Just(Act::Gas),
    ]
}

/// A user's transaction: who, to which of the callees, value, gas.
type Step = (u8, u8, u64, u64);

fn callees(natives: &[Address]) -> Vec<Address> {
    let mut all = natives.to_vec();
    all.extend((1..6).map(at));
    all.extend((0..SENDERS).map(sender));
    all.extend([COINBASE, at(0x77), Address::with_last_byte(4)]);
    all
}

fn random_world(natives: &[Address]) -> World {
    let mut world = world();
    for native in natives {
        world.put(*native, 50, &MARKER, &[(0, 1), (1, 2)]);
    }
    for n in 0..SENDERS {
        let coins = U256::from(10).pow(U256::from(18));
        world.state.put(sender(n), coins, 0, Bytes::new(), []);
    }
    // A counter; one that reads the coinbase and keeps what it sees; one that destroys itself; one that runs out of
    // gas; one that makes a contract which destroys itself, at an address of its own choice.
    let count = asm()
        .push(U256::from(1))
        .push(U256::from(0))
        .op(0x54)
        .op(0x01)
        .push(U256::from(0))
        .op(0x55);
    world.put(at(1), 0, &count.code, &[(0, 3)]);
    let look = asm()
        .op(0x41)
        .op(0x31)
        .push(U256::from(1))
        .op(0x55)
        .visit(natives[0]);
    world.put(at(2), 5, &look.code, &[]);
    world.put(at(3), 7, &asm().op(0x33).op(0xff).code, &[(1, 1)]);
    world.put(
        at(4),
        0,
        &asm().op(0x5b).push(U256::from(0)).op(0x56).code,
        &[],
    );
    let make = asm()
        .push(U256::from(0x33ff) << 240)
        .push(U256::from(0))
        .op(0x52)
        .push(U256::from(7))
        .push(U256::from(2))
        .push(U256::from(0))
        .push(U256::from(1))
        .op(0xf5)
        .sstore(2, 5)
        .sstore(2, 0)
        .revert();
    world.put(at(5), 9, &make.code, &[]);
    world
}

fn run_random(natives: &[Address], steps: &[Step]) -> (BlockOutcome, Case) {
    let world = random_world(natives);
    let mut run = world.run();
    let mut nonces = BTreeMap::<Address, u64>::new();
    let callees = callees(natives);
    let mut ordinal = 0;
    for (number, (who, what, value, gas)) in steps.iter().enumerate() {
        let to = callees[usize::from(*what) % callees.len()];
        if *who == 0 && natives.contains(&to) {
            run.system(&system(ordinal, to, 500_000, Bytes::new()))
                .expect("an outcome");
            ordinal += 1;
            continue;
        }
        let from = sender(*who);
        let nonce = nonces.entry(from).or_default();
        let tx = match number % 7 {
            // Now and then somebody's account runs the code of another, and runs it no more.
            5 => delegation(from, *nonce, to, number % 2 == 0),
            _ => user_from(from, *nonce, to, *value, *gas),
        };
        if run.user(&tx).is_ok() {
            *nonce += 1;
        }
    }
    run.finish().expect("closes")
}

/// Sets or clears the code of an account that has a key.
fn delegation(from: Address, nonce: u64, to: Address, clear: bool) -> Recovered<Tx> {
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a key");
    let authorization = Authorization {
        chain_id: U256::ZERO,
        address: if clear { Address::ZERO } else { at(1) },
        // Good for the first one in a block only: the rest are skipped, which must be the same everywhere.
        nonce: 0,
    };
    let signature = signer
        .sign_hash_sync(&authorization.signature_hash())
        .expect("signs");
    let tx = TxEip7702 {
        chain_id: 31337,
        nonce,
        gas_limit: 400_000,
        max_fee_per_gas: 100,
        to: if clear { to } else { signer.address() },
        authorization_list: vec![authorization.into_signed(signature)],
        ..TxEip7702::default()
    };
    Recovered::new_unchecked(Tx::Eip7702(signed(tx)), from)
}

/// PER-1, PER-5: plain loop and verifier, which gets the parent's state, the block and its list alone, agree on random blocks: natives in any mix with bytecode, calls that run out of gas,
/// reverts, bursts of one sender, creations at chosen addresses, self-destruction, delegated accounts, the system's work
/// between users'. (`Judged` compares them when the block closes.)
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how many blocks there are is asked by its variable"
)]
fn random_blocks_verify() {
    let cases =
        std::env::var("CAPSTAN_BLOCKS").map_or(48, |cases| cases.parse().expect("a number"));
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    // Scripts are known only when they are made, so they call these, which do a little.
    let quiet = [
        native(vec![Act::Add(1, 1, GasClass::Flat), Act::Load(2)]),
        native(vec![Act::Save(1, 2), Act::Call(at(1)), Act::Emit(3)]),
    ];
    let scripts = prop::collection::vec(act(quiet.to_vec()), 1..8);
    let scripts = prop::collection::vec(scripts, 3);
    let gas = prop_oneof![Just(0_u64), 0..60_000_u64, Just(400_000_u64)];
    let steps = prop::collection::vec((0..SENDERS + 1, 0..20_u8, 0..3_u64, gas), 1..40);
    let (transactions, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let ran = runner.run(&(scripts, steps), |(scripts, steps)| {
        let mut natives: Vec<Address> = scripts.into_iter().map(native).collect();
        natives.extend(&quiet);
        let (outcome, case) = run_random(&natives, &steps);
        transactions.fetch_add(case.transactions.len(), Ordering::Relaxed);
        let bad = outcome.receipts.iter().filter(|r| !r.status()).count();
        failed.fetch_add(bad, Ordering::Relaxed);
        Ok(())
    });
    ran.expect("all agree");
    let (transactions, failed) = (transactions.into_inner(), failed.into_inner());
    println!("{cases} blocks, {transactions} transactions, {failed} of them failed");
    assert!(failed > 0 && failed < transactions);
}

/// PER-2 on a random block: each wrong entry is found.
#[test]
fn each_wrong_entry_of_a_mixed_block_is_found() {
    let natives: Vec<Address> = [
        vec![
            Act::Add(0, 1, GasClass::Flat),
            Act::Load(1),
            Act::Call(at(1)),
        ],
        vec![Act::Save(0, 2), Act::Send(at(3), 1), Act::Emit(1)],
        vec![Act::Sub(0, 1, 0, GasClass::Flat), Act::Balance(COINBASE)],
    ]
    .into_iter()
    .map(native)
    .collect();
    let steps: Vec<Step> = (0..16).map(|n| (n % 5, n, 1, 300_000)).collect();
    let (outcome, case) = run_random(&natives, &steps);
    let count = case.transactions.len() as u64;
    for mutant in mutants(&outcome.access_list, count) {
        let error = case.verify(&mutant.list, 2).expect_err(&mutant.what);
        assert!(
            matches!(error, VerifyError::List(_)),
            "{}: {error}",
            mutant.what
        );
    }
}
