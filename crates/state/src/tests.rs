//! The handles over a store in memory.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, FixedBytes, U256, address, keccak256};
use alloy_sol_types::SolError;
use capstan_units::{
    AccountId, AssetId, Assets, Bps, DebtShares, LiquidationId, MarketId, OrderId, PoolId, Price,
    Ray, Shares, TimeMs, Usd, Wad,
};
use proptest::prelude::*;

use crate::{
    Amount, Balance, Ctx, Frame, GasClass, Halt, Layout, List, ListFull, ListIndexOutOfRange, Lock,
    Map, Packed, ReadOnly, Record, ReentrantCall, Text, TextTooLong, Total, Transient, Value, Word,
    commute, describe, field_of, gas, mem::MemStore, put_field, snapshot, take_field,
};

const THIS: Address = address!("00000000000000000000000000000000000000aa");
const ALICE: Address = address!("00000000000000000000000000000000000a11ce");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
struct Order {
    owner: Address,
    expiry_ms: u64,
    open: bool,
    amount: Assets,
}

#[derive(Layout)]
struct Everything {
    #[tag(1)]
    count: Value<u64>,
    #[tag(2)]
    supply: Total,
    #[tag(3)]
    balances: Map<Address, Balance>,
    #[tag(4)]
    allowances: Map<Address, Map<Address, Value<U256>>>,
    #[tag(5)]
    orders: Map<u64, Record<Order>>,
    #[tag(6)]
    queue: List<Order, 3>,
    #[tag(7)]
    name: Text<64>,
    #[tag(8)]
    lock: Lock,
    #[tag(9)]
    symbols: Map<U256, Text<31>>,
    #[tag(10)]
    long_queue: Map<Address, List<u64, 300>>,
    #[tag(11)]
    spent: Total<U256>,
}

const LAYOUT: Everything = Everything::new();

fn with<R>(verb: impl FnOnce(&mut Ctx<'_>) -> Result<R, Halt>) -> Result<R, Halt> {
    let mut store = MemStore::new();
    verb(&mut store.frame(THIS, ALICE))
}

fn assets(value: u128) -> Assets {
    Assets::new(value).unwrap()
}

fn order(seed: u64) -> Order {
    Order {
        owner: Address::left_padding_from(&seed.to_be_bytes()),
        expiry_ms: u64::MAX - seed,
        open: seed.is_multiple_of(2),
        amount: assets(Assets::MAX.get() - u128::from(seed)),
    }
}

/// Slots that one verb wrote in an empty world.
fn written(verb: impl FnOnce(&mut Ctx<'_>) -> Result<(), Halt>) -> Vec<U256> {
    let mut store = MemStore::new();
    verb(&mut store.frame(THIS, ALICE)).unwrap();
    store.words().map(|(_, slot, _)| slot).collect()
}

fn is_fatal<T: std::fmt::Debug>(result: &Result<T, Halt>) -> bool {
    matches!(result, Err(Halt::Fatal(why)) if why.contains("corrupt"))
}

/// STORE-2: the table says what is stored where; a change here moves stored bytes.
#[test]
fn layout_table_is_the_stored_format() {
    assert_eq!(
        snapshot(Everything::LAYOUT),
        "\
1 count: Value<u64>
2 supply: Total<Assets>
3 balances: Map<Address, Balance<Assets>>
4 allowances: Map<Address, Map<Address, Value<U256>>> (hashed keys)
5 orders: Map<u64, Record<Order>>
    owner: Address in word 0, bytes 0..20
    expiry_ms: u64 in word 0, bytes 20..28
    open: bool in word 0, bytes 28..29
    amount: Assets in word 1, bytes 0..14
6 queue: List<Order, 3>
7 name: Text<64>
8 lock: Lock
9 symbols: Map<U256, Text<31>> (hashed keys)
10 long_queue: Map<Address, List<u64, 300>>
11 spent: Total<U256>
"
    );
}

/// STORE-2: keys that fit stand in the slot as they are; longer ones are hashed under their own tag.
#[test]
fn slots_are_tag_key_index() {
    let slot = |hex: &str| U256::from_str_radix(hex, 16).unwrap();
    let alice = "00000000000000000000000000000000000a11ce";
    let check = |name, found: Vec<U256>, expected: Vec<U256>| assert_eq!(found, expected, "{name}");
    check(
        "value",
        written(|cx| LAYOUT.count.save(cx, 1)),
        vec![slot("01")],
    );
    check(
        "map",
        written(|cx| LAYOUT.balances.at(ALICE).add(cx, assets(1))),
        vec![slot(&format!("03{alice}"))],
    );
    check(
        "record",
        written(|cx| LAYOUT.orders.at(7).save(cx, &order(1))),
        vec![slot("05000000000000000700"), slot("05000000000000000701")],
    );
    check(
        "list",
        written(|cx| LAYOUT.queue.push(cx, order(1)).map(drop)),
        vec![slot("0600"), slot("0601"), slot("0602")],
    );
    check(
        "wide index",
        written(|cx| LAYOUT.long_queue.at(ALICE).push(cx, 9).map(drop)),
        vec![
            slot(&format!("0a{alice}0000")),
            slot(&format!("0a{alice}0001")),
        ],
    );
    let key = [ALICE.as_slice(), THIS.as_slice()].concat();
    let mut hashed = keccak256(key).0;
    hashed.copy_within(0..31, 1);
    hashed[0] = 0x84;
    check(
        "hashed",
        written(|cx| LAYOUT.allowances.at(ALICE).at(THIS).save(cx, U256::ONE)),
        vec![U256::from_be_bytes(hashed)],
    );
}

/// STORE-2: a hashed key is paid for, a structured one is not.
#[test]
fn hashing_is_charged() {
    let used = |verb: &dyn Fn(&mut Ctx<'_>)| {
        let mut store = MemStore::new();
        verb(&mut store.frame(THIS, ALICE));
        store.gas_used()
    };
    let plain = used(&|cx| assert!(LAYOUT.balances.at(ALICE).load(cx).is_ok()));
    let hashed = used(&|cx| assert!(LAYOUT.allowances.at(ALICE).at(THIS).load(cx).is_ok()));
    assert_eq!(
        (plain, hashed),
        (gas::SLOAD_COLD, gas::SLOAD_COLD + gas::keccak(40))
    );
}

/// Some field with some keys, and its name in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    Count,
    Supply,
    Balance(Address),
    Allowance(Address, Address),
    Order(u64),
    Queue(u32),
    Long(Address, u16),
    Symbol(U256),
}

fn spot() -> impl Strategy<Value = Spot> {
    // Few different keys, many with equal bytes: what could collide does so often.
    let address = prop_oneof![
        (0..3_u8).prop_map(Address::repeat_byte),
        (0..3_u8).prop_map(Address::with_last_byte),
        any::<[u8; 20]>().prop_map(Address::from),
    ];
    let (owner, spender) = (address.clone(), address.clone());
    prop_oneof![
        Just(Spot::Count),
        Just(Spot::Supply),
        address.clone().prop_map(Spot::Balance),
        (owner, spender).prop_map(|(a, b)| Spot::Allowance(a, b)),
        prop_oneof![0..600_u64, any::<u64>()].prop_map(Spot::Order),
        (0..3_u32).prop_map(Spot::Queue),
        (address, 0..300_u16).prop_map(|(a, i)| Spot::Long(a, i)),
        prop_oneof![
            (0..3_u64).prop_map(U256::from),
            any::<[u64; 4]>().prop_map(U256::from_limbs)
        ]
        .prop_map(Spot::Symbol),
    ]
}

impl Spot {
    /// The slot that holds it (the last one touched, for fields of many words).
    fn slot(&self) -> U256 {
        let mut store = MemStore::new();
        store.set_word(THIS, U256::from(0x0600), U256::from(3));
        if let Self::Long(owner, _) = self {
            let base = U256::from_be_slice(&[&[0x0a], owner.as_slice(), &[0, 0]].concat());
            store.set_word(THIS, base, U256::from(300));
        }
        let before: BTreeMap<_, _> = store.words().map(|(_, slot, word)| (slot, word)).collect();
        let cx = &mut store.frame(THIS, ALICE);
        match *self {
            Self::Count => LAYOUT.count.save(cx, 1),
            Self::Supply => LAYOUT.supply.add(cx, assets(1)),
            Self::Balance(owner) => LAYOUT.balances.at(owner).add(cx, assets(1)),
            Self::Allowance(a, b) => LAYOUT.allowances.at(a).at(b).save(cx, U256::ONE),
            Self::Order(id) => LAYOUT.orders.at(id).save(cx, &order(1)),
            Self::Queue(index) => LAYOUT.queue.set(cx, index, order(1)),
            Self::Long(owner, index) => LAYOUT.long_queue.at(owner).set(cx, index.into(), 1),
            Self::Symbol(id) => LAYOUT.symbols.at(id).save(cx, "cap"),
        }
        .unwrap();
        let fresh = |(_, slot, word): &(Address, U256, U256)| before.get(slot) != Some(word);
        store.words().filter(fresh).last().unwrap().1
    }

    fn name(&self) -> Option<String> {
        Some(match self {
            Self::Count => "count".into(),
            Self::Supply => "supply".into(),
            Self::Balance(owner) => format!("balances[{owner}]"),
            Self::Allowance(..) | Self::Symbol(_) => return None,
            Self::Order(id) => format!("orders[{id}].{{amount}}"),
            Self::Queue(index) => format!("queue[{index}].word(1)"),
            Self::Long(owner, index) => format!("long_queue[{owner}][{index}]"),
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(500)))]

    /// STORE-1: two different places never share a slot, and a slot says whose it is.
    #[test]
    fn slots_are_distinct_and_named(a in spot(), b in spot()) {
        prop_assert_eq!(a.slot() == b.slot(), a == b, "{:?} {:?}", a, b);
        let described = Everything::describe(a.slot()).unwrap();
        match a.name() {
            Some(name) => prop_assert_eq!(described, name),
            None => prop_assert!(described.contains("[hash 0x"), "{}", described),
        }
    }

    /// STORE-1: naming a slot never panics, whatever the number.
    #[test]
    fn any_slot_can_be_described(limbs in any::<[u64; 4]>(), shift in 0..256_usize) {
        let slot = U256::from_limbs(limbs) >> shift;
        let (words, field) = (describe(Everything::LAYOUT, slot), field_of(Everything::LAYOUT, slot));
        prop_assert_eq!(words.is_some(), field.is_some());
        prop_assert!(field.is_none_or(|field| words.is_some_and(|words| words.starts_with(field.name))));
    }

    /// STORE-3: a word decodes to the value that encodes to it, or not at all.
    #[test]
    fn words_decode_exactly(limbs in any::<[u64; 4]>(), shift in 0..256_usize) {
        fn check<T: Word>(word: U256) -> Result<(), TestCaseError> {
            match T::from_word(word) {
                Ok(value) => prop_assert_eq!(value.to_word(), word, "{}", T::NAME),
                Err(Halt::Fatal(_)) => {
                    prop_assert!(T::BYTES < 32, "{} takes any word", T::NAME);
                    let bits = word.bit_len();
                    let narrow = matches!(T::NAME, "bool" | "Bps");
                    prop_assert!(bits > 8 * T::BYTES || narrow, "{} of {} bits", T::NAME, bits);
                }
                Err(other) => prop_assert!(false, "{:?}", other),
            }
            Ok(())
        }
        let word = U256::from_limbs(limbs) >> shift;
        check::<bool>(word)?;
        check::<u8>(word)?;
        check::<u16>(word)?;
        check::<u32>(word)?;
        check::<u64>(word)?;
        check::<u128>(word)?;
        check::<U256>(word)?;
        check::<Address>(word)?;
        check::<B256>(word)?;
        check::<FixedBytes<4>>(word)?;
        check::<Assets>(word)?;
        check::<Shares>(word)?;
        check::<DebtShares>(word)?;
        check::<Price>(word)?;
        check::<Usd>(word)?;
        check::<Ray>(word)?;
        check::<Bps>(word)?;
        check::<AssetId>(word)?;
        check::<AccountId>(word)?;
        check::<TimeMs>(word)?;
    }

    /// STORE-4: any two words are a record that packs to them, or damage.
    #[test]
    fn records_unpack_exactly(a in any::<[u64; 4]>(), b in any::<[u64; 4]>(), shift in 0..256_usize) {
        let words = [U256::from_limbs(a) >> shift, U256::from_limbs(b) >> shift];
        match Order::unpack(&words) {
            Ok(order) => prop_assert_eq!(order.pack(), words),
            Err(Halt::Fatal(_)) => {}
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }

    /// STORE-4: a field stands at its own bytes of a word, and leaves zeros there when it is taken.
    #[test]
    fn fields_stand_at_their_bytes(limbs in any::<[u64; 4]>(), offset in 0..32_usize) {
        fn check<T: Word>(word: U256, offset: usize) -> Result<(), TestCaseError> {
            if offset + T::BYTES > 32 {
                return Ok(());
            }
            let mask = (U256::MAX >> (256 - 8 * T::BYTES)) << (8 * offset);
            let mut rest = word;
            // Some bytes are no value of a narrow type; how a word is cut is the same for all.
            if let Ok(value) = take_field::<T>(&mut rest, offset) {
                prop_assert_eq!(rest, word & !mask, "{} at {}", T::NAME, offset);
                prop_assert_eq!(put_field(value, offset), word & mask, "{} at {}", T::NAME, offset);
            }
            Ok(())
        }
        let word = U256::from_limbs(limbs);
        check::<u8>(word, offset)?;
        check::<u16>(word, offset)?;
        check::<u32>(word, offset)?;
        check::<FixedBytes<4>>(word, offset)?;
        check::<u64>(word, offset)?;
        check::<u128>(word, offset)?;
        check::<Address>(word, offset)?;
        check::<AccountId>(word, offset)?;
        check::<U256>(word, offset)?;
    }

    /// STORE-6: commutative writes that take effect may be exchanged, in both classes.
    #[test]
    fn commutative_writes_commute(
        start in prop_oneof![Just(0_u8), any::<u8>()],
        writes in prop::collection::vec((any::<u8>(), 0..3_u8), 0..6),
        swap in any::<prop::sample::Index>(),
    ) {
        for class in [GasClass::Flat, GasClass::ZeroAware] {
            let wide = |n: u8| U256::from(n);
            let run = |writes: &[(u8, u8)]| writes.iter().try_fold(wide(start), |word, (delta, verb)| match verb {
                0 => commute::add(word, wide(*delta), class),
                1 => commute::sub_bounded(word, wide(*delta), U256::ONE, class),
                _ => commute::add_capped(word, wide(*delta), U256::from(400), class),
            });
            let mut swapped = writes.clone();
            if writes.len() > 1 {
                let at = swap.index(writes.len() - 1);
                swapped.swap(at, at + 1);
            }
            if let (Some(one), Some(other)) = (run(&writes), run(&swapped)) {
                prop_assert_eq!(one, other);
            }
        }
    }

    /// STORE-8: a list does what a bounded vector does, and leaves no words behind.
    #[test]
    fn lists_follow_vectors(steps in prop::collection::vec((0..5_u8, 0..4_u32, any::<u64>()), 0..40)) {
        let mut store = MemStore::new();
        let cx = &mut store.frame(THIS, ALICE);
        let mut model: Vec<Order> = Vec::new();
        let full = Halt::revert(&ListFull { max: U256::from(3) });
        for (verb, at, seed) in steps {
            let index = usize::try_from(at).unwrap();
            let out_of_range = Halt::revert(&ListIndexOutOfRange {
                index: U256::from(at),
                length: U256::from(model.len()),
            });
            match verb {
                0 if model.len() == 3 => prop_assert_eq!(LAYOUT.queue.push(cx, order(seed)), Err(full.clone())),
                0 => {
                    prop_assert_eq!(LAYOUT.queue.push(cx, order(seed)), Ok(u32::try_from(model.len()).unwrap()));
                    model.push(order(seed));
                }
                1 => prop_assert_eq!(LAYOUT.queue.pop(cx), Ok(model.pop())),
                2 if index < model.len() => {
                    prop_assert_eq!(LAYOUT.queue.set(cx, at, order(seed)), Ok(()));
                    model[index] = order(seed);
                }
                2 => prop_assert_eq!(LAYOUT.queue.set(cx, at, order(seed)), Err(out_of_range)),
                3 if index < model.len() => {
                    prop_assert_eq!(LAYOUT.queue.swap_remove(cx, at), Ok(model.swap_remove(index)));
                }
                3 => prop_assert_eq!(LAYOUT.queue.swap_remove(cx, at), Err(out_of_range)),
                _ => prop_assert_eq!(LAYOUT.queue.get(cx, at), Ok(model.get(index).copied())),
            }
            prop_assert_eq!(LAYOUT.queue.load(cx), Ok(model.clone()));
        }
        while LAYOUT.queue.pop(cx).unwrap().is_some() {}
        prop_assert_eq!(store.words().count(), 0);
    }

    /// STORE-9: a text reads as it was written, and leaves no words behind.
    #[test]
    fn texts_read_as_written(texts in prop::collection::vec("[ -~é€]{0,40}", 1..6)) {
        let mut store = MemStore::new();
        let cx = &mut store.frame(THIS, ALICE);
        let mut kept = String::new();
        for text in &texts {
            match LAYOUT.name.save(cx, text) {
                Ok(()) => kept.clone_from(text),
                Err(halt) => {
                    let (length, max) = (U256::from(text.len()), U256::from(64));
                    prop_assert!(text.len() > 64);
                    prop_assert_eq!(halt, Halt::revert(&TextTooLong { length, max }));
                }
            }
            prop_assert_eq!(LAYOUT.name.load(cx), Ok(kept.clone()));
        }
        LAYOUT.name.save(cx, "").unwrap();
        prop_assert_eq!(store.words().count(), 0);
    }

    /// STORE-3: any stored words are a text, a list or damage; nothing panics or allocates by their word.
    #[test]
    fn damaged_texts_and_lists_are_fatal(head in any::<[u64; 4]>(), shift in 0..256_usize, tail in any::<u8>()) {
        let mut store = MemStore::new();
        let head = U256::from_limbs(head) >> shift;
        store.set_word(THIS, U256::from(0x0700), head);
        store.set_word(THIS, U256::from(0x0701), U256::from(tail));
        store.set_word(THIS, U256::from(0x0600), head);
        let cx = &mut store.frame(THIS, ALICE);
        let text = LAYOUT.name.load(cx);
        prop_assert!(text.is_ok() || is_fatal(&text));
        let list = LAYOUT.queue.load(cx);
        prop_assert_eq!(list.is_ok(), head <= U256::from(3));
        prop_assert!(list.is_ok() || is_fatal(&list));
    }

    /// STORE-5: gas of a flat write depends on cold or warm alone, whether it takes effect or not.
    #[test]
    fn flat_writes_cost_the_same(word in any::<[u64; 4]>(), shift in 0..256_usize, delta in any::<u64>(), verb in 0..3_u8) {
        let mut store = MemStore::new();
        store.set_word(THIS, U256::from(2), U256::from_limbs(word) >> shift);
        for gas in [gas::SLOAD_COLD + gas::SSTORE_RESET, gas::SSTORE_RESET] {
            let before = store.gas_used();
            let cx = &mut store.frame(THIS, ALICE);
            let delta = assets(delta.into());
            let _ = match verb {
                0 => LAYOUT.supply.add(cx, delta).map(|()| true),
                1 => LAYOUT.supply.sub_bounded(cx, delta, Assets::ZERO),
                _ => LAYOUT.supply.add_capped(cx, delta, Assets::MAX),
            };
            prop_assert_eq!(store.gas_used() - before, gas);
            prop_assert_eq!(store.gas_refund(), 0);
        }
    }
}

/// STORE-5: an unwritten total is zero, and one that returns to zero keeps its word.
#[test]
fn totals_are_biased_by_one() {
    let mut store = MemStore::new();
    let cx = &mut store.frame(THIS, ALICE);
    let supply = LAYOUT.supply;
    assert_eq!(supply.load(cx), Ok(Assets::ZERO));
    assert_eq!(supply.sub_bounded(cx, assets(1), Assets::ZERO), Ok(false));
    supply.add(cx, assets(5)).unwrap();
    assert_eq!(supply.load(cx), Ok(assets(5)));
    assert_eq!(supply.sub_bounded(cx, assets(5), assets(1)), Ok(false));
    assert_eq!(supply.sub_bounded(cx, assets(5), Assets::ZERO), Ok(true));
    assert_eq!(supply.load(cx), Ok(Assets::ZERO));
    assert_eq!(supply.add_capped(cx, assets(7), assets(6)), Ok(false));
    assert_eq!(supply.add_capped(cx, assets(6), assets(6)), Ok(true));
    assert_eq!(supply.add(cx, Assets::MAX), Err(Halt::overflow()));
    assert_eq!(store.word(THIS, U256::from(2)), U256::from(7));
}

/// STORE-5: the whole range of a total can be used, and no more.
#[test]
fn totals_reach_their_maximum() {
    with(|cx| {
        LAYOUT.supply.add(cx, Assets::MAX)?;
        assert_eq!(LAYOUT.supply.load(cx)?, Assets::MAX);
        assert_eq!(LAYOUT.supply.add(cx, assets(1)), Err(Halt::overflow()));
        // The bias takes the last value of a full word.
        let most = U256::MAX - U256::ONE;
        LAYOUT.spent.add(cx, most)?;
        assert_eq!(LAYOUT.spent.load(cx)?, most);
        assert_eq!(LAYOUT.spent.add(cx, U256::ONE), Err(Halt::overflow()));
        assert_eq!(
            LAYOUT.spent.sub_bounded(cx, U256::ONE, U256::MAX),
            Ok(false)
        );
        Ok(())
    })
    .unwrap();
}

/// STORE-7: a balance costs what SSTORE costs, and its bounds hold.
#[test]
fn balances_are_ordinary_writes() {
    let mut store = MemStore::new();
    let mut gas_of = |verb: &dyn Fn(&mut Ctx<'_>)| {
        let before = store.gas_used();
        verb(&mut store.frame(THIS, ALICE));
        (store.gas_used() - before, store.gas_refund())
    };
    let purse = LAYOUT.balances.at(ALICE);
    let set = gas_of(&|cx| assert_eq!(purse.add(cx, assets(5)), Ok(())));
    assert_eq!(set, (gas::SLOAD_COLD + gas::SSTORE_SET, 0));
    let refused =
        gas_of(&|cx| assert_eq!(purse.sub_bounded(cx, assets(6), Assets::ZERO), Ok(false)));
    assert_eq!(refused, (gas::WARM, 0));
    let cleared =
        gas_of(&|cx| assert_eq!(purse.sub_bounded(cx, assets(5), Assets::ZERO), Ok(true)));
    assert_eq!(cleared, (gas::WARM, 19_900));
    with(|cx| {
        purse.add(cx, Assets::MAX)?;
        assert_eq!(purse.add(cx, assets(1)), Err(Halt::overflow()));
        assert_eq!(purse.add_capped(cx, Assets::ZERO, Assets::MAX), Ok(true));
        assert_eq!(purse.load(cx), Ok(Assets::MAX));
        Ok(())
    })
    .unwrap();
}

/// STORE-3: values out of their type's range are damage.
#[test]
fn damage_is_fatal() {
    let mut store = MemStore::new();
    for slot in [1_u64, 2, 0x0500_0000_0000_0000] {
        store.set_word(THIS, U256::from(slot), U256::MAX);
    }
    store.set_word(
        THIS,
        U256::from_be_slice(&[5, 0, 0, 0, 0, 0, 0, 0, 7, 1]),
        U256::MAX,
    );
    let cx = &mut store.frame(THIS, ALICE);
    assert!(is_fatal(&LAYOUT.count.load(cx)));
    assert!(is_fatal(&LAYOUT.supply.load(cx)));
    assert!(is_fatal(&LAYOUT.orders.at(7).load(cx)));
}

/// STORE-4: a record reads as it was written, and one never written is all zeros.
#[test]
fn records_read_as_written() {
    with(|cx| {
        let place = LAYOUT.orders.at(3);
        let nothing = Order {
            owner: Address::ZERO,
            expiry_ms: 0,
            open: false,
            amount: Assets::ZERO,
        };
        assert_eq!(place.load(cx)?, nothing);
        place.save(cx, &order(8))?;
        assert_eq!(place.load(cx)?, order(8));
        let changed = place.update(cx, |order| {
            order.amount = assets(1);
            Ok(())
        })?;
        assert_eq!(place.load(cx)?, changed);
        assert_eq!(
            changed,
            Order {
                amount: assets(1),
                ..order(8)
            }
        );
        let kept = place.update(cx, |order| {
            order.amount = assets(2);
            Err(Halt::overflow())
        });
        assert_eq!(kept, Err(Halt::overflow()));
        assert_eq!(place.load(cx)?, changed);
        Ok(())
    })
    .unwrap();
}

/// STORE-10: the lock refuses re-entry, and is free again however the verb ended.
#[test]
fn locks_refuse_re_entry_and_release() {
    let refused = Halt::Revert(ReentrantCall {}.abi_encode().into());
    with(|cx| {
        let lock = LAYOUT.lock;
        let inner = lock.hold(cx, |cx| {
            assert_eq!(lock.check(cx), Err(refused.clone()));
            Ok(lock.hold(cx, |_| Ok(())))
        })?;
        assert_eq!(inner, Err(refused.clone()));
        assert_eq!(lock.check(cx), Ok(()));
        let failed: Result<(), _> = lock.hold(cx, |_| Err(Halt::overflow()));
        assert_eq!(failed, Err(Halt::overflow()));
        assert_eq!(lock.check(cx), Ok(()));
        Ok(())
    })
    .unwrap();
}

/// STORE-10: a release that cannot be paid for fails the frame rather than leave the lock held.
#[test]
fn locks_do_not_stay_when_gas_runs_out() {
    for limit in 0..2_000 {
        let mut store = MemStore::new();
        store.next_transaction(limit);
        let result = store.attempt(|store| {
            let cx = &mut store.frame(THIS, ALICE);
            LAYOUT.lock.hold(cx, |cx| cx.store.charge(1_000))
        });
        assert_eq!(result.is_ok(), limit >= 1_300, "{limit}");
        store.next_transaction(u64::MAX);
        assert_eq!(LAYOUT.lock.check(&mut store.frame(THIS, ALICE)), Ok(()));
    }
}

#[test]
fn largest_amounts_are_their_types() {
    assert_eq!(<u64 as Amount>::MAX, U256::from(u64::MAX));
    assert_eq!(<u128 as Amount>::MAX, U256::from(u128::MAX));
    assert_eq!(<Assets as Amount>::MAX, Assets::MAX.to_u256());
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
struct Position {
    supplied: Shares,
    borrowed: DebtShares,
    since: TimeMs,
}

/// Fields as a credit protocol has them.
#[derive(Layout)]
struct Accounts {
    #[tag(1)]
    positions: Map<AccountId, Map<AssetId, Record<Position>>>,
    #[tag(3)]
    fees: Map<(MarketId, PoolId), Value<Bps>>,
    #[tag(4)]
    pending: Map<AccountId, Transient<bool>>,
    #[tag(5)]
    grants: Map<(Address, (u32, Address)), Record<Position>>,
}

const ACCOUNTS: Accounts = Accounts::new();

fn account_id() -> impl Strategy<Value = AccountId> {
    (any::<[u8; 20]>(), any::<u8>()).prop_map(|(owner, index)| AccountId::new(owner.into(), index))
}

/// STORE-2: the ids of the protocol make keys that need no hash, and say their names.
#[test]
fn protocol_keys_are_structured() {
    let account = AccountId::new(ALICE, 3);
    let position = Position {
        supplied: Shares::new(5).unwrap(),
        borrowed: DebtShares::ZERO,
        since: TimeMs::new(7),
    };
    let slots = written(|cx| {
        let at = ACCOUNTS.positions.at(account).at(AssetId::new(9));
        at.save(cx, &position)
    });
    let slot = "01 00000000000000000000000000000000000a11ce 03 00000009 00".replace(' ', "");
    let first = U256::from_str_radix(&slot, 16).unwrap();
    assert_eq!(slots, vec![first, first + U256::ONE]);
    assert_eq!(
        Accounts::describe(slots[0]).unwrap(),
        format!("positions[{ALICE}#3][9].{{supplied, borrowed}}")
    );
    assert_eq!(
        Accounts::describe(U256::from_str_radix("03000000010000000a", 16).unwrap()).unwrap(),
        "fees[(1, 10)]"
    );
}

/// STORE-3: the numbers of the protocol are words; what is out of their range is damage.
#[test]
fn protocol_numbers_are_words() {
    fn check<T: Word + PartialEq + std::fmt::Debug>(value: T, beyond: Option<U256>) {
        assert_eq!(T::from_word(value.to_word()), Ok(value), "{}", T::NAME);
        assert!(
            value.to_word() < U256::ONE << (8 * T::BYTES).min(255),
            "{}",
            T::NAME
        );
        if let Some(word) = beyond {
            assert!(is_fatal(&T::from_word(word)), "{}", T::NAME);
        }
    }
    let past = |bits: usize| Some(U256::ONE << bits);
    check(Shares::MAX, past(112));
    check(DebtShares::MAX, past(112));
    check(Price::MAX, past(112));
    check(Bps::MAX, Some(U256::from(10_001)));
    check(Usd::ONE, None);
    check(Wad::ONE, None);
    check(Ray::ONE, None);
    check(AssetId::new(u32::MAX), past(32));
    check(OrderId::new(u64::MAX), past(64));
    check(LiquidationId::at(3, 4).unwrap(), past(64));
    check(AccountId::new(ALICE, 255), past(168));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(200)))]

    /// STORE-17: keys read back from slots are the keys that were written, in maps, nested maps and pairs.
    #[test]
    fn views_list_what_was_written(
        rows in prop::collection::btree_map((account_id(), 0..5_u32), 1..1_000_u128, 0..20),
        pairs in prop::collection::btree_map((0..9_u32, any::<u32>()), 1..10_000_u16, 0..20),
    ) {
        let mut store = MemStore::new();
        let cx = &mut store.frame(THIS, ALICE);
        for ((account, asset), amount) in &rows {
            let position = Position {
                supplied: Shares::ZERO,
                borrowed: DebtShares::new(*amount).unwrap(),
                since: TimeMs::new(u64::from(*asset)),
            };
            let asset = AssetId::new(*asset);
            ACCOUNTS.positions.at(*account).at(asset).save(cx, &position).unwrap();
            let grant = ACCOUNTS.grants.at((account.owner, (asset.get(), account.owner)));
            grant.save(cx, &position).unwrap();
        }
        for ((market, pool), fee) in &pairs {
            let at = ACCOUNTS.fees.at((MarketId::new(*market), PoolId::new(*pool)));
            at.save(cx, Bps::new(*fee).unwrap()).unwrap();
        }
        let mut listed = BTreeMap::new();
        let mut look = ReadOnly::new(&store);
        let cx = &mut Ctx::new(&mut look, Frame { this: THIS, caller: ALICE, value: U256::ZERO });
        for (account, assets) in ACCOUNTS.positions.listed(&store, THIS).unwrap() {
            for (asset, position) in assets.listed(&store, THIS).unwrap() {
                let amount = position.load(cx).unwrap().borrowed.get();
                prop_assert_eq!(listed.insert((account, asset.get()), amount), None);
            }
            // Hashed keys cannot be read back; asking is an error, not an empty answer.
            prop_assert!(ACCOUNTS.grants.listed(&store, THIS).is_err());
        }
        prop_assert_eq!(&listed, &rows);
        let fees = ACCOUNTS.fees.listed(&store, THIS).unwrap();
        let fees = fees.iter().map(|((market, pool), fee)| ((market.get(), pool.get()), fee.load(cx).unwrap().get()));
        prop_assert_eq!(fees.collect::<BTreeMap<_, _>>(), pairs);
        let owners: BTreeSet<_> = rows.keys().map(|(account, asset)| (account.owner, asset)).collect();
        prop_assert_eq!(ACCOUNTS.grants.records(&store, THIS).unwrap().len(), owners.len());
    }
}

/// STORE-18: a transient value is seen by later frames, undone by a rewind, and never outlives its transaction.
#[test]
fn transient_values_end_with_the_transaction() {
    let mut store = MemStore::new();
    let flag = ACCOUNTS.pending.at(AccountId::new(ALICE, 1));
    let cx = &mut store.frame(THIS, ALICE);
    flag.save(cx, true).unwrap();
    let mark = cx.store.mark();
    flag.save(cx, false).unwrap();
    assert_eq!(flag.load(cx), Ok(false));
    cx.store.rewind(mark);
    assert_eq!(flag.load(&mut store.frame(THIS, ALICE)), Ok(true));
    let other = ACCOUNTS.pending.at(AccountId::new(ALICE, 2));
    assert_eq!(other.load(&mut store.frame(THIS, ALICE)), Ok(false));
    assert_eq!(store.words().count(), 0);
    store.next_transaction(u64::MAX);
    assert_eq!(flag.load(&mut store.frame(THIS, ALICE)), Ok(false));
    assert_eq!(Accounts::describe(U256::from(4)), None);
}
