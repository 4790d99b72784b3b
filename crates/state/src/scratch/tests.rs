use alloy_primitives::{Address, Bytes, U256, address};
use proptest::prelude::*;

use super::*;
use crate::{CallKind, mem::MemStore};

const THIS: Address = address!("00000000000000000000000000000000000000aa");
const OTHER: Address = address!("00000000000000000000000000000000000000bb");

#[derive(Clone, Debug)]
enum Step {
    Save(u64, u64),
    Add(u64, u64, GasClass),
    SubBounded(u64, u64, u64, GasClass),
    AddCapped(u64, u64, u64, GasClass),
    TransientSave(u64, u64),
    Pay(u64),
    Undone(Vec<Self>),
    Kept(Vec<Self>),
}

fn step() -> impl Strategy<Value = Step> {
    let class = prop_oneof![Just(GasClass::Flat), Just(GasClass::ZeroAware)];
    let leaf = prop_oneof![
        (0..4u64, 0..5u64).prop_map(|(slot, word)| Step::Save(slot, word)),
        (0..4u64, 0..5u64, class.clone()).prop_map(|(s, d, c)| Step::Add(s, d, c)),
        (0..4u64, 0..5u64, 0..3u64, class.clone())
            .prop_map(|(s, d, m, c)| Step::SubBounded(s, d, m, c)),
        (0..4u64, 0..5u64, 0..9u64, class).prop_map(|(s, d, m, c)| Step::AddCapped(s, d, m, c)),
        (0..4u64, 0..5u64).prop_map(|(slot, word)| Step::TransientSave(slot, word)),
        (0..70u64).prop_map(Step::Pay),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let steps = prop::collection::vec(inner, 0..4);
        prop_oneof![
            steps.clone().prop_map(Step::Undone),
            steps.prop_map(Step::Kept)
        ]
    })
}

fn play(store: &mut dyn Store, steps: &[Step]) -> Result<Vec<bool>, Halt> {
    let mut seen = Vec::new();
    for step in steps {
        let n = U256::from::<u64>;
        match step {
            Step::Save(slot, word) => store.save(THIS, n(*slot), n(*word))?,
            Step::Add(slot, delta, class) => store.add(THIS, n(*slot), n(*delta), *class)?,
            Step::SubBounded(slot, delta, min, class) => {
                seen.push(store.sub_bounded(THIS, n(*slot), n(*delta), n(*min), *class)?);
            }
            Step::AddCapped(slot, delta, cap, class) => {
                seen.push(store.add_capped(THIS, n(*slot), n(*delta), n(*cap), *class)?);
            }
            Step::TransientSave(slot, word) => store.tsave(THIS, n(*slot), n(*word))?,
            Step::Pay(amount) => seen.push(store.coin_move(THIS, OTHER, n(*amount))?),
            Step::Undone(inner) => {
                let mark = store.mark();
                seen.extend(play(store, inner)?);
                store.rewind(mark);
            }
            Step::Kept(inner) => {
                let mark = store.mark();
                seen.extend(play(store, inner)?);
                store.commit(mark);
            }
        }
    }
    Ok(seen)
}

/// Everything that a contract could read afterwards.
fn view(store: &mut dyn Store) -> Result<Vec<U256>, Halt> {
    let mut words = Vec::new();
    for slot in (0..4u64).map(U256::from) {
        words.push(store.load(THIS, slot)?);
        words.push(store.tload(THIS, slot)?);
    }
    words.push(store.coin_balance(THIS)?);
    words.push(store.coin_balance(OTHER)?);
    Ok(words)
}

fn world() -> MemStore {
    let mut store = MemStore::new();
    store.set_coins(THIS, U256::from(100));
    store.next_transaction(u64::MAX);
    store.save(THIS, U256::from(1), U256::from(7)).expect("gas");
    store
}

proptest! {
    /// STORE-16
    #[test]
    fn a_scratch_world_answers_as_the_world_would_and_leaves_it_alone(
        steps in prop::collection::vec(step(), 0..20)
    ) {
        let mut real = world();
        let expected = play(&mut real, &steps).and_then(|seen| Ok((seen, view(&mut real)?)));

        let mut below = world();
        let before = view(&mut below).expect("gas");
        let mut scratch = Scratch::new(&mut below);
        let answered = play(&mut scratch, &steps).and_then(|seen| Ok((seen, view(&mut scratch)?)));

        prop_assert_eq!(answered, expected);
        prop_assert_eq!(view(&mut below).expect("gas"), before);
        prop_assert!(below.logs().is_empty());
    }
}

#[test]
fn foreign_code_is_not_previewable() {
    let mut below = world();
    let mut scratch = Scratch::new(&mut below);
    let refusal = |target| Halt::revert(&NotPreviewable { target });
    let call = CallRequest {
        kind: CallKind::Call,
        from: THIS,
        target: OTHER,
        value: U256::ZERO,
        input: Bytes::new(),
        gas_limit: None,
    };
    assert_eq!(scratch.call(call), Err(refusal(OTHER)));
    let create = CreateRequest {
        from: THIS,
        salt: None,
        value: U256::ZERO,
        init_code: Bytes::new(),
    };
    assert_eq!(scratch.create(create), Err(refusal(THIS)));
    assert_eq!(scratch.deploy_marker(OTHER), Err(refusal(OTHER)));
}

#[test]
fn a_preview_pays_for_the_words_that_it_replaces() {
    let mut below = world();
    below.next_transaction(u64::MAX);
    below.load(THIS, U256::ZERO).expect("gas");
    let before = below.gas_used();
    let mut scratch = Scratch::new(&mut below);
    for word in [U256::ONE, U256::ZERO] {
        scratch.save(THIS, U256::from(9), word).expect("gas");
    }
    assert_eq!(below.gas_used() - before, gas::SLOAD_COLD + gas::WARM);
}
