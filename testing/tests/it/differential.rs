//! STORE-13: the store in memory and the chain's store answer alike, to the unit of gas.

use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, B256, Bytes, Log, Signature, U256, address};
use capstan_contracts::SystemKind;
use capstan_evm::call::{Checks, Session};
use capstan_evm::mem::MemState;
use capstan_evm::{BlockContext, Natives, Rules, StateRead};
use capstan_state::{BlockInfo, Ctx, Halt, ProtocolVersion, Store, mem::MemStore};
use capstan_testing::store_ops::{INIT_CODES, Init, Note, Step, play, salt, steps};
use proptest::prelude::*;
use revm::context::TxEnv;
use revm::context_interface::result::ExecutionResult;
use revm::primitives::TxKind;

const THIS: Address = address!("aaaaaaaaaaaaaaaaaaaaaaaa0000000000000001");
const SENDER: Address = address!("5e17de5e17de5e17de5e17de5e17de5e17de5e17");
const COINBASE: Address = address!("c01bba5ec01bba5ec01bba5ec01bba5ec01bba5e");
/// Has coins and no code.
const PERSON: Address = address!("00000000000000000000000000000000000b0b00");
/// Does not exist.
const NOBODY: Address = address!("00000000000000000000000000000000000d00d0");
/// Code that ends well at once.
const STOPS: Address = address!("0000000000000000000000000000000000057095");
/// Code that reverts at once.
const REVERTS: Address = address!("00000000000000000000000000000000000bad00");
/// Code that burns its gas at once.
const BURNS: Address = address!("0000000000000000000000000000000000b42000");
const OTHERS: [Address; 5] = [PERSON, NOBODY, STOPS, REVERTS, BURNS];

const STOP_CODE: [u8; 1] = [0x00];
const REVERT_CODE: [u8; 3] = [0x5f, 0x5f, 0xfd];
/// What a REVERT_CODE frame pays: two PUSH0.
const REVERT_GAS: u64 = 4;
const MARKER: [u8; 1] = [0xfe];

/// The world at the start, as data for both stores: (account, coins, code, words).
fn accounts(words: &[(u64, u64)]) -> Vec<(Address, u64, Vec<u8>, Vec<(U256, U256)>)> {
    let words: Vec<_> = words
        .iter()
        .map(|(s, w)| (U256::from(*s), U256::from(*w)))
        .collect();
    vec![
        (THIS, 100, MARKER.to_vec(), words.clone()),
        (PERSON, 50, vec![], vec![]),
        (STOPS, 0, STOP_CODE.to_vec(), words),
        (REVERTS, 0, REVERT_CODE.to_vec(), vec![]),
        (BURNS, 7, MARKER.to_vec(), vec![]),
    ]
}

/// The block of both stores, with something in every field.
fn block() -> BlockInfo {
    BlockInfo {
        chain_id: 31_337,
        number: 9,
        time_ms: 1_700_000_000_250,
        beneficiary: COINBASE,
        base_fee_wei: 7,
        prevrandao: B256::repeat_byte(0x5a),
        gas_limit: Rules::new(31_337).gas_limit(),
        version: ProtocolVersion(1),
    }
}

/// What a run leaves behind.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    notes: Vec<Note>,
    end: End,
    words: Vec<U256>,
    coins: Vec<U256>,
    logs: Vec<Log>,
    refund: u64,
}

/// How the frame ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Well,
    Reverted(Bytes),
    Burnt,
}

/// Every account that a run can change: those of the world, and those that it can create.
fn everybody() -> impl Iterator<Item = Address> {
    let created = INIT_CODES
        .iter()
        .flat_map(|(init, _)| (0..2_u8).map(move |n| THIS.create2_from_code(salt(n), init)));
    OTHERS.into_iter().chain([THIS]).chain(created)
}

/// The curve that the chain has, for the store that has none.
fn recover(digest: B256, v: u8, r: B256, s: B256) -> Option<Address> {
    let parity = matches!(v, 27 | 28).then_some(v == 28)?;
    let signature = Signature::from_scalars_and_parity(r, s, parity);
    let low = signature.normalize_s().is_none();
    let signer = signature.recover_address_from_prehash(&digest).ok();
    signer.filter(|_| low)
}

fn slots() -> impl Iterator<Item = (Address, U256)> {
    let all = std::iter::once(THIS).chain(OTHERS);
    all.flat_map(|at| (0..4_u64).map(move |slot| (at, U256::from(slot))))
}

fn in_memory(steps: &[Step], words: &[(u64, u64)], gas: u64) -> Seen {
    let mut store = MemStore::new();
    for (at, coins, code, words) in accounts(words) {
        store.set_coins(at, U256::from(coins));
        store.set_code_size(at, code.len());
        for (slot, word) in words {
            store.set_word(at, slot, word);
        }
    }
    store.on_call(STOPS, |_, _| Ok(Bytes::new()));
    store.on_call(REVERTS, |store, _| {
        store.charge(REVERT_GAS)?;
        Err(Halt::Revert(Bytes::new()))
    });
    store.on_call(BURNS, |_, _| Err(Halt::OutOfGas));
    store.set_recover(recover);
    store.on_create(|store, request, _| {
        let known = INIT_CODES
            .iter()
            .find(|(code, _)| *code == request.init_code.as_ref());
        match known.expect("one of the init codes").1 {
            Init::Deploys { bytes, gas } => store.charge(gas).map(|()| bytes),
            Init::Reverts { gas } => {
                store.charge(gas)?;
                Err(Halt::Revert(Bytes::new()))
            }
            Init::Burns => Err(Halt::OutOfGas),
        }
    });
    *store.block_mut() = block();
    store.next_transaction(gas);
    let mut notes = Vec::new();
    let result = store.attempt(|store| play(&mut store.frame(THIS, SENDER), steps, &mut notes));
    let end = match result {
        Ok(()) => End::Well,
        Err(Halt::Revert(output)) => End::Reverted(output),
        Err(Halt::OutOfGas | Halt::StaticViolation) => End::Burnt,
        Err(Halt::Fatal(why)) => panic!("{why}"),
    };
    let refund = u64::try_from(store.gas_refund()).expect("a whole transaction owes no refund");
    Seen {
        notes,
        end,
        words: slots().map(|(at, slot)| store.word(at, slot)).collect(),
        coins: everybody().map(|at| store.coins(at)).collect(),
        logs: store.logs().to_vec(),
        refund: refund.min((store.gas_used() + 21_000) / 5),
    }
}

/// One native contract at [`THIS`], which plays the steps.
struct Player {
    steps: Vec<Step>,
    notes: Mutex<Vec<Note>>,
}

impl Natives for Player {
    fn owns(&self, at: Address) -> bool {
        at == THIS || SystemKind::of_target(at).is_some()
    }

    fn run(&self, cx: &mut Ctx<'_>, _: &[u8]) -> Result<Bytes, Halt> {
        play(cx, &self.steps, &mut self.notes.lock().unwrap()).map(|()| Bytes::new())
    }

    fn serves_system(&self, at: Address) -> bool {
        self.owns(at)
    }

    fn run_system(&self, cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
        self.run(cx, input)
    }

    fn refuse_delegated(&self) -> Halt {
        Halt::Revert(Bytes::new())
    }
}

fn on_the_chain(steps: &[Step], words: &[(u64, u64)], gas: u64) -> Seen {
    let mut state = MemState::new();
    state.put(SENDER, U256::from(1_000_000), 0, Bytes::new(), []);
    for (at, coins, code, words) in accounts(words) {
        let nonce = u64::from(!code.is_empty());
        state.put(at, U256::from(coins), nonce, code.into(), words);
    }
    let rules = Arc::new(Rules::new(31_337));
    let block = BlockContext {
        info: block(),
        parent_hash: B256::ZERO,
        parent_beacon_root: B256::ZERO,
    };
    let player = Player {
        steps: steps.to_vec(),
        notes: Mutex::new(Vec::new()),
    };
    // A session keeps its natives for ever; the few kilobytes of a case may stay.
    let player: &'static Player = Box::leak(Box::new(player));
    let base: Arc<dyn StateRead> = Arc::new(state);
    let mut session = Session::open_with(rules, base, block, player).unwrap();
    let tx = TxEnv {
        caller: SENDER,
        kind: TxKind::Call(THIS),
        gas_limit: 21_000 + gas,
        gas_price: 0,
        chain_id: None,
        ..TxEnv::default()
    };
    let ran = session.run(tx, Checks::NONE).unwrap();
    session.commit(&ran.state);
    let end = match &ran.result {
        ExecutionResult::Success { .. } => End::Well,
        ExecutionResult::Revert { output, .. } => End::Reverted(output.clone()),
        ExecutionResult::Halt { .. } => End::Burnt,
    };
    let overlay = session.overlay();
    let coins = |at: Address| {
        overlay
            .account(at)
            .unwrap()
            .map_or(U256::ZERO, |a| a.balance)
    };
    Seen {
        notes: player.notes.lock().unwrap().clone(),
        end,
        words: slots()
            .map(|(at, slot)| overlay.storage(at, slot).unwrap())
            .collect(),
        coins: everybody().map(coins).collect(),
        logs: ran.result.logs().to_vec(),
        refund: ran.result.gas().inner_refunded(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(ProptestConfig::default().cases.max(2_000))
    })]

    /// STORE-13: answers, gas after every step, how the frame ends, and all that it leaves behind.
    #[test]
    fn stores_answer_alike(
        steps in steps(THIS, vec![STOPS, REVERTS], OTHERS.to_vec()),
        words in prop::collection::vec((0..4_u64, 1..4_u64), 0..4),
        gas in prop_oneof![4 => Just(5_000_000_u64), 1 => 0..200_000_u64],
    ) {
        prop_assert_eq!(in_memory(&steps, &words, gas), on_the_chain(&steps, &words, gas));
    }
}
