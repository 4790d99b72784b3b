//! The rules of the store in memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use alloy_primitives::{Address, B256, Bytes, LogData, U256};
use proptest::prelude::*;

use super::{CALL_DEPTH_MAX, MemStore};
use crate::{
    CallInSystemPhase, CallKind, CallRequest, CreateRequest, Ctx, GasClass, Halt, Layout, Lock,
    ReentrantCall, Store, Value, gas,
};

const US: Address = Address::repeat_byte(1);
const THEM: Address = Address::repeat_byte(2);

fn word(n: u64) -> U256 {
    U256::from(n)
}

fn request(value: u64, gas_limit: Option<u64>, kind: CallKind) -> CallRequest {
    CallRequest {
        kind,
        from: US,
        target: THEM,
        value: word(value),
        input: Bytes::new(),
        gas_limit,
    }
}

/// EIP-2200's own table of sequences (with the prices of EIP-2929 and EIP-3529, warm): original word,
/// words written, gas used, refund.
#[test]
fn sstore_follows_the_eips() {
    let cases: [(u64, &[u64], u64, i64); 17] = [
        (0, &[0, 0], 200, 0),
        (0, &[0, 1], 20_100, 0),
        (0, &[1, 0], 20_100, 19_900),
        (0, &[1, 2], 20_100, 0),
        (0, &[1, 1], 20_100, 0),
        (1, &[0, 0], 3_000, 4_800),
        (1, &[0, 1], 3_000, 2_800),
        (1, &[0, 2], 3_000, 0),
        (1, &[2, 0], 3_000, 4_800),
        (1, &[2, 3], 3_000, 0),
        (1, &[2, 1], 3_000, 2_800),
        (1, &[2, 2], 3_000, 0),
        (1, &[1, 0], 3_000, 4_800),
        (1, &[1, 2], 3_000, 0),
        (1, &[1, 1], 200, 0),
        (0, &[1, 0, 1], 40_100, 19_900),
        (1, &[0, 1, 0], 5_900, 7_600),
    ];
    for (original, writes, used, refund) in cases {
        let mut store = MemStore::new();
        store.set_word(US, word(0), word(original));
        let cx = store.frame(US, THEM);
        cx.store.load(US, word(0)).unwrap();
        for value in writes {
            cx.store.save(US, word(0), word(*value)).unwrap();
        }
        let name = format!("{original} -> {writes:?}");
        assert_eq!(store.gas_used(), gas::SLOAD_COLD + used, "{name}");
        assert_eq!(store.gas_refund(), refund, "{name}");
    }
}

#[test]
fn cold_then_warm() {
    let mut store = MemStore::new();
    let mut spent = |verb: &dyn Fn(&mut MemStore)| {
        let before = store.gas_used();
        verb(&mut store);
        store.gas_used() - before
    };
    for expected in [gas::ACCOUNT_COLD, gas::WARM] {
        assert_eq!(spent(&|s| assert!(s.coin_balance(THEM).is_ok())), expected);
    }
    for expected in [gas::SLOAD_COLD, gas::WARM] {
        assert_eq!(spent(&|s| assert!(s.load(THEM, word(1)).is_ok())), expected);
    }
    // The first storage touch of an account that no frame has warmed also pays for reaching it.
    assert_eq!(
        spent(&|s| assert!(s.load(US, word(1)).is_ok())),
        gas::SLOAD_COLD + 2_500
    );
}

/// What each write does in a static frame: nothing, at the price of all gas.
#[test]
fn static_frames_do_not_write() {
    let log = || LogData::new_unchecked(vec![], Bytes::new());
    type Write = fn(&mut MemStore, LogData) -> Result<(), Halt>;
    let writes: [(&str, Write); 9] = [
        ("save", |s, _| s.save(US, word(1), word(1))),
        ("add", |s, _| s.add(US, word(1), word(1), GasClass::Flat)),
        ("sub_bounded", |s, _| {
            s.sub_bounded(US, word(1), word(0), word(0), GasClass::Flat)
                .map(drop)
        }),
        ("add_capped", |s, _| {
            s.add_capped(US, word(1), word(1), word(9), GasClass::ZeroAware)
                .map(drop)
        }),
        ("tsave", |s, _| s.tsave(US, word(1), word(1))),
        ("coin_move", |s, _| s.coin_move(US, THEM, word(0)).map(drop)),
        ("deploy_marker", |s, _| s.deploy_marker(US)),
        ("emit", |s, log| s.emit(US, log)),
        ("call with coins", |s, _| {
            s.call(request(1, None, CallKind::Call)).map(drop)
        }),
    ];
    for (name, write) in writes {
        let mut store = MemStore::new();
        store.set_coins(US, word(5));
        let before = format!("{:?}", store.words().collect::<Vec<_>>());
        store.set_static(true);
        assert_eq!(
            write(&mut store, log()),
            Err(Halt::StaticViolation),
            "{name}"
        );
        assert_eq!(store.gas_left(), 0, "{name}");
        assert_eq!(
            format!("{:?}", store.words().collect::<Vec<_>>()),
            before,
            "{name}"
        );
        assert!(store.logs().is_empty(), "{name}");
    }
    // Static is inherited, and ends with the call.
    let mut store = MemStore::new();
    store.on_call(THEM, |s, _| {
        s.save(THEM, word(1), word(1)).map(|()| Bytes::new())
    });
    let outcome = store
        .call(request(0, Some(50_000), CallKind::Static))
        .unwrap();
    assert!(!outcome.success);
    assert!(!store.is_static());
    assert!(
        store
            .call(request(0, None, CallKind::Call))
            .unwrap()
            .success
    );
}

/// STORE-12: what a failed callee did is gone, what its caller did stays.
#[test]
fn a_failed_call_undoes_the_callee_only() {
    for halt in [
        Halt::Revert(Bytes::from_static(b"no")),
        Halt::OutOfGas,
        Halt::StaticViolation,
    ] {
        let mut store = MemStore::new();
        store.set_coins(US, word(9));
        store.next_transaction(1_000_000);
        let scripted = halt.clone();
        store.on_call(THEM, move |s, _| {
            s.save(THEM, word(1), word(1))?;
            s.tsave(THEM, word(1), word(1))?;
            s.emit(THEM, LogData::new_unchecked(vec![], Bytes::new()))?;
            Err(scripted.clone())
        });
        store.save(US, word(1), word(1)).unwrap();
        let outcome = store
            .call(request(4, Some(100_000), CallKind::Call))
            .unwrap();
        let output = if let Halt::Revert(output) = &halt {
            output.clone()
        } else {
            Bytes::new()
        };
        assert_eq!((outcome.success, outcome.output), (false, output));
        assert_eq!(
            store.words().collect::<Vec<_>>(),
            vec![(US, word(1), word(1))]
        );
        assert_eq!((store.coins(US), store.coins(THEM)), (word(9), word(0)));
        assert!(store.logs().is_empty());
        assert_eq!(store.tload(THEM, word(1)), Ok(word(0)));
    }
    let mut store = MemStore::new();
    store.on_call(THEM, |_, _| Err(Halt::Fatal("disk".into())));
    assert_eq!(
        store.call_simply(US, THEM, Bytes::new()),
        Err(Halt::Fatal("disk".into()))
    );
}

/// STORE-12: 63/64, limits and the stipend; a callee that burns its gas leaves the caller's 64th.
#[test]
fn gas_of_calls() {
    let cases = [
        ("all but a 64th", None, 0, 640_000 - 10_000),
        ("limited", Some(5_000), 0, 5_000),
        (
            "limited beyond what there is",
            Some(u64::MAX),
            0,
            640_000 - 10_000,
        ),
        ("with coins", Some(5_000), 1, 5_000 + gas::CALL_STIPEND),
    ];
    for (name, limit, value, given) in cases {
        for burns in [false, true] {
            let mut store = MemStore::new();
            store.set_coins(US, word(9));
            let seen = Arc::new(AtomicUsize::new(0));
            let noted = seen.clone();
            store.on_call(THEM, move |s, _| {
                noted.store(usize::try_from(s.gas_left()).unwrap(), Ordering::Relaxed);
                if burns {
                    Err(Halt::OutOfGas)
                } else {
                    Ok(Bytes::new())
                }
            });
            let base = gas::call(true, value != 0, false);
            store.next_transaction(640_000 + base);
            assert_eq!(
                store
                    .call(request(value, limit, CallKind::Call))
                    .unwrap()
                    .success,
                !burns
            );
            assert_eq!(
                seen.load(Ordering::Relaxed),
                usize::try_from(given).unwrap(),
                "{name}"
            );
            let stipend = if value == 0 { 0 } else { gas::CALL_STIPEND };
            let left = if burns {
                640_000 + stipend - given
            } else {
                640_000 + stipend
            };
            assert_eq!(store.gas_left(), left, "{name}");
        }
    }
}

/// STORE-12: recursion ends at the cap, and the callee may be entered again until there.
#[test]
fn calls_nest_to_the_cap() {
    let mut store = MemStore::new();
    let deepest = Arc::new(AtomicUsize::new(0));
    let count = deepest.clone();
    store.on_call(THEM, move |s, _| {
        count.fetch_add(1, Ordering::Relaxed);
        let outcome = s.call_simply(THEM, THEM, Bytes::new())?;
        Ok(Bytes::from(vec![u8::from(outcome.success)]))
    });
    assert!(store.call_simply(US, THEM, Bytes::new()).unwrap().success);
    assert_eq!(deepest.load(Ordering::Relaxed), CALL_DEPTH_MAX);
}

/// STORE-14: system work calls nobody and creates nothing.
#[test]
fn no_calls_in_a_system_phase() {
    let mut store = MemStore::new();
    store.set_system_phase(true);
    let refused = Err(Halt::revert(&CallInSystemPhase { target: THEM }));
    assert_eq!(store.call_simply(US, THEM, Bytes::new()), refused);
    let creation = CreateRequest {
        from: US,
        salt: None,
        value: word(0),
        init_code: Bytes::new(),
    };
    assert!(matches!(store.create(creation), Err(Halt::Revert(_))));
    assert!(store.creations().is_empty());
}

#[test]
fn creation_is_recorded_and_collides() {
    let mut store = MemStore::new();
    store.set_coins(US, word(9));
    let salted = CreateRequest {
        from: US,
        salt: Some(B256::ZERO),
        value: word(2),
        init_code: Bytes::from_static(&[0; 33]),
    };
    let made = store.create(salted.clone()).unwrap().address.unwrap();
    assert_eq!(made, US.create2_from_code(B256::ZERO, &salted.init_code));
    assert_eq!(store.gas_used(), 32_000 + 8 * 2 + 200 * 33);
    assert_eq!((store.coins(US), store.coins(made)), (word(7), word(2)));
    assert_eq!(store.code_size(made), Ok(33));
    assert_eq!(store.creations(), std::slice::from_ref(&salted));
    assert_eq!(store.create(salted).unwrap().address, None);
    assert_eq!(store.coins(US), word(7));
}

#[derive(Layout)]
struct Guarded {
    #[tag(1)]
    lock: Lock,
    #[tag(2)]
    count: Value<u64>,
}

fn verb(cx: &mut Ctx<'_>) -> Result<(), Halt> {
    let guarded = Guarded::new();
    guarded.lock.hold(cx, |cx| {
        cx.store.call(CallRequest {
            from: US,
            target: THEM,
            ..request(0, None, CallKind::Call)
        })?;
        let count = guarded.count.load(cx)?;
        guarded.count.save(cx, count + 1)
    })
}

/// STORE-10: a callee that calls the guarded verb again is refused, and the outer verb goes on.
#[test]
fn a_callee_cannot_re_enter_a_locked_verb() {
    let mut store = MemStore::new();
    let refusals = Arc::new(AtomicUsize::new(0));
    let counted = refusals.clone();
    store.on_call(THEM, move |s, _| {
        assert_eq!(
            verb(&mut s.frame(US, THEM)),
            Err(Halt::revert(&ReentrantCall {}))
        );
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(Bytes::new())
    });
    verb(&mut store.frame(US, THEM)).unwrap();
    verb(&mut store.frame(US, THEM)).unwrap();
    assert_eq!(refusals.load(Ordering::Relaxed), 2);
    assert_eq!(Guarded::new().count.load(&mut store.frame(US, THEM)), Ok(2));
}

/// Everything that a rewind must restore, gas apart.
fn world(store: &MemStore) -> String {
    let MemStore {
        accounts,
        words,
        transient,
        warm_words,
        warm_accounts,
        logs,
        creations,
        meter,
        ..
    } = store;
    let refund = meter.refund;
    format!(
        "{accounts:?} {words:?} {transient:?} {warm_words:?} {warm_accounts:?} {logs:?} {creations:?} {refund}"
    )
}

#[derive(Clone, Debug)]
enum Act {
    Save(u64, u64),
    Add(u64, u64, bool),
    Tsave(u64, u64),
    Move(u64),
    Marker,
    Emit,
    Create(u64),
    Call(u64),
    Inner(bool, Vec<Self>),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0..3_u64, 0..3_u64).prop_map(|(s, w)| Act::Save(s, w)),
        (0..3_u64, 0..3_u64, any::<bool>()).prop_map(|(s, w, flat)| Act::Add(s, w, flat)),
        (0..3_u64, 0..3_u64).prop_map(|(s, w)| Act::Tsave(s, w)),
        (0..30_u64).prop_map(Act::Move),
        Just(Act::Marker),
        Just(Act::Emit),
        (0..3_u64).prop_map(Act::Create),
        (0..3_u64).prop_map(Act::Call),
    ];
    let act = act.prop_recursive(3, 24, 5, |inner| {
        (any::<bool>(), prop::collection::vec(inner, 0..5))
            .prop_map(|(keep, acts)| Act::Inner(keep, acts))
    });
    prop::collection::vec(act, 0..16)
}

fn run(store: &mut MemStore, acts: &[Act]) {
    for act in acts {
        match act {
            Act::Save(slot, value) => store.save(US, word(*slot), word(*value)).unwrap(),
            Act::Add(slot, delta, flat) => {
                let class = if *flat {
                    GasClass::Flat
                } else {
                    GasClass::ZeroAware
                };
                store.add(US, word(*slot), word(*delta), class).unwrap();
            }
            Act::Tsave(slot, value) => store.tsave(US, word(*slot), word(*value)).unwrap(),
            Act::Move(amount) => drop(store.coin_move(US, THEM, word(*amount)).unwrap()),
            Act::Marker => store.deploy_marker(Address::repeat_byte(7)).unwrap(),
            Act::Emit => store
                .emit(US, LogData::new_unchecked(vec![], Bytes::new()))
                .unwrap(),
            Act::Create(value) => {
                let init_code = Bytes::from_static(&[0; 3]);
                let made = CreateRequest {
                    from: US,
                    salt: None,
                    value: word(*value),
                    init_code,
                };
                drop(store.create(made).unwrap());
            }
            Act::Call(value) => drop(store.call(request(*value, None, CallKind::Call)).unwrap()),
            Act::Inner(keep, inner) => {
                let before = world(store);
                let mark = store.mark();
                run(store, inner);
                if *keep {
                    store.commit(mark);
                } else {
                    store.rewind(mark);
                    assert_eq!(world(store), before);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(300)))]

    /// STORE-11: a rewind restores everything since its mark, however marks nest.
    #[test]
    fn rewinds_restore(before in acts(), acts in acts()) {
        let mut store = MemStore::new();
        store.set_coins(US, word(100));
        // Fails every second time, so that undone frames lie inside kept ones.
        let times = AtomicUsize::new(0);
        store.on_call(THEM, move |s, _| {
            s.save(THEM, word(1), word(1))?;
            if times.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { Ok(Bytes::new()) } else { Err(Halt::overflow()) }
        });
        run(&mut store, &before);
        let at_mark = world(&store);
        let mark = store.mark();
        run(&mut store, &acts);
        store.rewind(mark);
        prop_assert_eq!(world(&store), at_mark);
    }
}
