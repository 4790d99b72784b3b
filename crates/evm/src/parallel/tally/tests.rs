//! Over every word of its range a transaction's writes end alike, gas included; next to the range they may not.

use proptest::prelude::*;

use super::*;

/// How a word before, a word now and a word after lie to each other: all that gas and refunds of a write depend on.
type Gas = (bool, bool, bool, bool, bool, bool);

/// What a run of writes shows of a word: each one's end and price, and by how much the word was moved.
fn shown(word: U256, class: GasClass, ops: &[Commutative]) -> (Vec<Option<Gas>>, U256) {
    let mut present = word;
    let steps = ops.iter().map(|op| {
        let new = op.apply(present, class)?;
        let gas = (
            word.is_zero(),
            present.is_zero(),
            new.is_zero(),
            word == present,
            present == new,
            word == new,
        );
        present = new;
        Some(gas)
    });
    let steps = steps.collect();
    (steps, present.wrapping_sub(word))
}

fn small() -> impl Strategy<Value = U256> {
    prop_oneof![
        6 => (0_u64..12).prop_map(U256::from),
        1 => (0_u64..3).prop_map(|less| U256::MAX - U256::from(less)),
    ]
}

fn op() -> impl Strategy<Value = Commutative> {
    prop_oneof![
        small().prop_map(Commutative::Add),
        (small(), small()).prop_map(|(delta, min)| Commutative::SubBounded { delta, min }),
        (small(), small()).prop_map(|(delta, cap)| Commutative::AddCapped { delta, cap }),
    ]
}

/// What some writes need of a word that one transaction found so and touched in no other way before.
fn need_of(word: U256, class: GasClass, ops: &[Commutative]) -> Need {
    let (mut need, mut present) = (Need::ANY, word);
    for (i, op) in ops.iter().enumerate() {
        let left = op.apply(present, class);
        need.narrow(class, *op, (word, present), left, i == 0);
        present = left.unwrap_or(present);
    }
    need
}

/// The least and the most word over which they end alike; `None`: this one alone.
fn ends(word: U256, class: GasClass, ops: &[Commutative]) -> Option<(U256, U256)> {
    match need_of(word, class, ops) {
        Need::Exact => None,
        Need::Within(slack) => Some((
            word.saturating_sub(slack.down),
            word.saturating_add(slack.up),
        )),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// PER-102
    #[test]
    fn all_of_a_range_ends_alike(
        word in small(),
        flat in any::<bool>(),
        ops in proptest::collection::vec(op(), 1..6),
        others in proptest::collection::vec(small(), 24),
    ) {
        let class = if flat { GasClass::Flat } else { GasClass::ZeroAware };
        let Some((low, high)) = ends(word, class, &ops) else { return Ok(()) };
        let need = need_of(word, class, &ops);
        prop_assert!(need.allows(word, word) && need.allows(word, low) && need.allows(word, high));
        for other in others.into_iter().chain([low, high]).filter(|other| need.allows(word, *other)) {
            prop_assert!((low..=high).contains(&other));
            prop_assert_eq!(shown(other, class, &ops), shown(word, class, &ops), "{} for {} in {:?}", other, word, need);
        }
    }
}

/// Ranges are as wide as they can be: a total that takes any sum stands for every total.
#[test]
fn ranges_are_wide() {
    let wide = |op, word: u64| ends(U256::from(word), GasClass::Flat, &[op]);
    let n = U256::from;
    let range = |low, high| Some((low, high));
    assert_eq!(
        wide(Commutative::Add(n(5)), 9),
        range(n(1), U256::MAX - n(5))
    );
    let sub = |delta, min| Commutative::SubBounded {
        delta: n(delta),
        min: n(min),
    };
    assert_eq!(wide(sub(5, 1), 9), range(n(6), U256::MAX));
    assert_eq!(wide(sub(5, 1), 3), range(n(1), n(5)));
    let add = |delta, cap| Commutative::AddCapped {
        delta: n(delta),
        cap: n(cap),
    };
    assert_eq!(wide(add(5, 20), 9), range(n(1), n(15)));
    assert_eq!(wide(add(5, 20), 16), range(n(16), U256::MAX));
    assert_eq!(
        wide(Commutative::Add(n(5)), 0),
        None,
        "a word of zero stands for itself"
    );
}
