//! Calldata of native contracts, and the words for what they answer.

use std::sync::OnceLock;

use alloy_primitives::{Address, B256, Bytes, Log, LogData, Signature, U256};
use capstan_contracts::{
    Contract, Entry, GenesisConfig, Mutability, Place, all, decode_answer, decode_call,
    decode_error, decode_event, genesis, native, resolve,
};
use capstan_state::{Frame, Halt, Store, mem::MemStore};

/// Gas of one call, as of a transaction.
const GAS: u64 = 1 << 24;
/// Calls of one input.
const CALLS_MAX: usize = 8;
/// Before the calldata of each call: contract, caller, coins, and the length in two bytes.
const HEAD_BYTES: usize = 5;

const OWNER: Address = Address::repeat_byte(0xee);
const PEOPLE: [Address; 3] = [
    OWNER,
    Address::repeat_byte(0xa1),
    Address::repeat_byte(0xb0),
];

/// Where each contract answers: its address, or the first of its kind.
fn places() -> Vec<Address> {
    all()
        .iter()
        .map(|contract| match contract.place {
            Place::At(at) => at,
            Place::Kind(kind) => native(kind, 1),
        })
        .collect()
}

/// Every contract at genesis, people with coins, and the first of every kind made.
fn world() -> MemStore {
    static WORLD: OnceLock<MemStore> = OnceLock::new();
    WORLD
        .get_or_init(|| {
            let mut store = MemStore::new();
            store.set_recover(recover);
            genesis(&mut store, &GenesisConfig::owned_by(OWNER)).expect("genesis");
            for person in PEOPLE {
                store.set_coins(person, U256::from(10).pow(U256::from(20)));
            }
            for at in places() {
                store.on_call(at, move |store, request| {
                    let contract = resolve(at).expect("native");
                    let mut cx = store.frame(at, request.from);
                    cx.frame.value = request.value;
                    contract.run(&mut cx, &request.input)
                });
            }
            let made = call(&mut store, &first_token());
            assert!(made.is_ok(), "the first token: {made:?}");
            store
        })
        .clone()
}

fn recover(digest: B256, v: u8, r: B256, s: B256) -> Option<Address> {
    let odd = match v {
        27 => false,
        28 => true,
        _ => return None,
    };
    Signature::from_scalars_and_parity(r, s, odd)
        .recover_address_from_prehash(&digest)
        .ok()
}

/// One call of an input.
#[derive(Debug)]
struct Step<'a> {
    contract: &'static Contract,
    at: Address,
    caller: Address,
    value: U256,
    input: &'a [u8],
}

fn steps(mut input: &[u8]) -> Vec<Step<'_>> {
    let places = places();
    let mut steps = Vec::new();
    while let Some((head, rest)) = input.split_first_chunk::<HEAD_BYTES>()
        && steps.len() < CALLS_MAX
    {
        let [which, who, coins, length @ ..] = *head;
        let length = usize::from(u16::from_be_bytes(length)).min(rest.len());
        let (calldata, rest) = rest.split_at(length);
        let at = places[usize::from(which) % places.len()];
        steps.push(Step {
            contract: resolve(at).expect("a place of a contract"),
            at,
            caller: PEOPLE[usize::from(who) % PEOPLE.len()],
            value: U256::from(coins),
            input: calldata,
        });
        input = rest;
    }
    steps
}

fn call(store: &mut MemStore, step: &Step<'_>) -> Result<Bytes, Halt> {
    store.next_transaction(GAS);
    store.attempt(|store| {
        if !step.value.is_zero() && !store.coin_move(step.caller, step.at, step.value)? {
            return Err(Halt::Revert(Bytes::new()));
        }
        let mut cx = store.frame(step.at, step.caller);
        cx.frame = Frame {
            value: step.value,
            ..cx.frame
        };
        step.contract.run(&mut cx, step.input)
    })
}

/// Everything stored and every coin of those who matter, to compare.
fn state(store: &MemStore) -> (Vec<(Address, U256, U256)>, U256) {
    let holders = PEOPLE.into_iter().chain(places());
    let coins = holders.map(|holder| store.coins(holder)).sum();
    (store.words().collect(), coins)
}

/// A call never panics and never finds the store damaged; a view changes nothing, and neither does a call
/// that fails; what was understood can be told in words.
pub(crate) fn abi(input: &[u8]) -> String {
    let mut store = world();
    let mut said = String::new();
    for step in steps(input) {
        let before = state(&store);
        let logs_before = store.logs().len();
        let answer = call(&mut store, &step);
        let verb = step
            .input
            .first_chunk::<4>()
            .and_then(|s| step.contract.verb(*s));
        let after = state(&store);
        if answer.is_err() || verb.is_some_and(|verb| verb.mutability == Mutability::View) {
            assert_eq!(before, after, "{step:?} changed state: {answer:?}");
            assert_eq!(store.logs().len(), logs_before, "{step:?} left a log");
        }
        assert!(
            store.gas_used() <= GAS,
            "{step:?} used {}",
            store.gas_used()
        );
        match answer {
            Ok(output) => {
                let has_words = verb.is_none() || decode_call(step.contract, step.input).is_some();
                assert!(has_words, "{step:?} ran and cannot be told");
                if let Some(verb) = verb {
                    let told = decode_answer(step.contract, verb.selector, &output);
                    assert!(
                        told.is_some(),
                        "the answer of {step:?} cannot be told: {output}"
                    );
                }
                for log in &store.logs()[logs_before..] {
                    told(log);
                }
                said += &format!(
                    "ok {} ",
                    verb.map_or(step.contract.name, |verb| verb.signature)
                );
            }
            Err(Halt::Fatal(why)) => panic!("{step:?}: {why}"),
            Err(Halt::Revert(data)) => {
                let error = decode_error(&data).map(|decoded| decoded.name);
                said += &format!("{} {} ", step.contract.name, error.unwrap_or_default());
            }
            Err(halt) => said += &format!("{} {halt:?} ", step.contract.name),
        }
    }
    said
}

/// An event of a native contract has words.
fn told(log: &Log) {
    let told =
        resolve(log.address).is_none_or(|contract| decode_event(contract, &log.data).is_some());
    assert!(told, "{log:?} cannot be told");
}

/// `createToken("A", "B", 6, OWNER, 0)`.
fn first_token() -> Step<'static> {
    static CALL: OnceLock<Vec<u8>> = OnceLock::new();
    let contract = capstan_contracts::by_name("tokenFactory").expect("a factory");
    let Place::At(at) = contract.place else {
        panic!("the factory has an address");
    };
    let input = CALL.get_or_init(|| {
        let verb = verbs(contract).find(|verb| verb.signature.starts_with("createToken("));
        let words = [5 * 32, 7 * 32, 6].map(U256::from);
        let owner = U256::from_be_bytes(OWNER.into_word().0);
        let words = words.into_iter().chain([owner, U256::ZERO]);
        let texts = [U256::from(1), letter(b'A'), U256::from(1), letter(b'B')];
        let words = words.chain(texts).flat_map(|word| word.to_be_bytes::<32>());
        verb.expect("a maker")
            .selector
            .into_iter()
            .chain(words)
            .collect()
    });
    Step {
        contract,
        at,
        caller: OWNER,
        value: U256::ZERO,
        input,
    }
}

fn letter(letter: u8) -> U256 {
    U256::from(letter) << 248
}

fn verbs(contract: &Contract) -> impl Iterator<Item = &'static capstan_contracts::Verb> {
    match contract.entry {
        Entry::Verbs(verbs) => verbs,
        Entry::Raw(_) => &[],
    }
    .iter()
}

/// Arguments that many verbs take: people, small numbers, and places of texts and lists behind them.
fn arguments() -> [Vec<u8>; 3] {
    let person = |n: usize| U256::from_be_bytes(PEOPLE[n].into_word().0);
    let token = places()
        .into_iter()
        .find(|at| matches!(resolve(*at).map(|c| c.place), Some(Place::Kind(_))))
        .map_or(U256::ZERO, |at| U256::from_be_bytes(at.into_word().0));
    let small = |n: u64| U256::from(n);
    [
        vec![
            person(1),
            small(7),
            person(2),
            small(1),
            small(27),
            small(3),
            small(4),
        ],
        vec![
            token,
            person(0),
            small(9),
            small(0),
            small(0),
            small(0),
            small(0),
            small(0),
        ],
        vec![
            small(32),
            small(1),
            small(32),
            token,
            small(96),
            small(4),
            small(0),
        ],
    ]
    .map(|words| {
        words
            .iter()
            .flat_map(|word| word.to_be_bytes::<32>())
            .collect()
    })
}

pub(crate) fn abi_seeds() -> Vec<Vec<u8>> {
    let step = |which: usize, who: u8, calldata: &[u8]| {
        let which = u8::try_from(which).expect("few contracts");
        let length = u16::try_from(calldata.len()).expect("short calldata");
        let head = [which, who, 0].into_iter().chain(length.to_be_bytes());
        head.chain(calldata.iter().copied()).collect::<Vec<u8>>()
    };
    let mut seeds = Vec::new();
    for (which, contract) in all().iter().enumerate() {
        for verb in verbs(contract) {
            for arguments in arguments() {
                seeds.push(step(which, 0, &[&verb.selector[..], &arguments].concat()));
            }
        }
        seeds.push(step(which, 1, &[0; 40]));
    }
    // Two in a row: the second meets what the first left.
    let pairs: Vec<_> = seeds.windows(2).map(|pair| pair.concat()).collect();
    seeds.extend(pairs);
    seeds
}

/// Data of any kind has words or none, and finding out never fails.
pub(crate) fn error(input: &[u8]) -> String {
    let error = decode_error(input);
    let mut said = match &error {
        Some(decoded) => {
            assert!(!decoded.signature.is_empty());
            format!("ok {}", decoded.name)
        }
        None => "unknown".to_owned(),
    };
    for contract in all() {
        if let Some(call) = decode_call(contract, input) {
            said += &format!(" ok {}", call.name);
        }
        if let Some(selector) = input.first_chunk::<4>() {
            let _ = decode_answer(contract, *selector, &input[4..]);
        }
        let topics = input
            .chunks_exact(32)
            .take(4)
            .map(B256::from_slice)
            .collect();
        let data = Bytes::copy_from_slice(input.get(128..).unwrap_or_default());
        if let Some(log) = LogData::new(topics, data) {
            let _ = decode_event(contract, &log);
        }
    }
    said
}

pub(crate) fn error_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        // Error(string) and Panic(uint256).
        [&[0x08, 0xc3, 0x79, 0xa0][..], &arguments()[2]].concat(),
        [&[0x4e, 0x48, 0x7b, 0x71][..], &arguments()[0]].concat(),
    ];
    for contract in all() {
        let abi = contract.abi();
        for error in abi.errors() {
            for arguments in arguments() {
                seeds.push([error.selector().as_slice(), &arguments].concat());
            }
        }
        for event in abi.events() {
            seeds.push([event.selector().as_slice(), &arguments()[0]].concat());
        }
        for verb in verbs(contract) {
            seeds.push([&verb.selector[..], &arguments()[0]].concat());
        }
    }
    seeds
}
