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

fn range_of(tally: &Tally, key: Word) -> Option<Range> {
    let mut ranges = tally.ranges();
    ranges
        .find(|(word, _)| **word == key)
        .map(|(_, range)| range)
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
        let key = (Address::ZERO, U256::ZERO);
        let mut tally = Tally::default();
        let mut present = word;
        for (i, op) in ops.iter().enumerate() {
            tally.note(key, class, *op, (word, present), i == 0);
            present = op.apply(present, class).unwrap_or(present);
        }
        let Some(range) = range_of(&tally, key) else { return Ok(()) };
        prop_assert!(range.contains(word));
        let ends = [range.low, range.high];
        for other in others.into_iter().chain(ends).filter(|other| range.contains(*other)) {
            prop_assert_eq!(shown(other, class, &ops), shown(word, class, &ops), "{} for {} in {:?}", other, word, range);
        }
    }
}

/// Ranges are as wide as they can be: a total that takes any sum stands for every total.
#[test]
fn ranges_are_wide() {
    let key = (Address::ZERO, U256::ZERO);
    let wide = |op, word: u64| {
        let mut tally = Tally::default();
        let word = U256::from(word);
        tally.note(key, GasClass::Flat, op, (word, word), true);
        range_of(&tally, key)
    };
    let n = U256::from;
    let range = |low, high| Some(Range { low, high });
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

/// Whoever looks needs the very word, before or after.
#[test]
fn a_look_is_exact() {
    let key = (Address::ZERO, U256::ZERO);
    let nine = U256::from(9);
    let add = Commutative::Add(U256::ONE);
    let mut tally = Tally::default();
    tally.note(key, GasClass::Flat, add, (nine, nine), true);
    tally.look(key);
    assert!(tally.ranges().next().is_none());
    let mut tally = Tally::default();
    tally.note(key, GasClass::Flat, add, (nine, nine), false);
    assert!(tally.ranges().next().is_none());
}
