use proptest::prelude::*;

use super::Access::{Delta, Read, Write};
use super::*;

fn sidecar(rows: &[(u64, &[(u32, Access)])]) -> Sidecar {
    let row = |(gas, accesses): &(u64, &[(u32, Access)])| Row {
        gas: *gas,
        accesses: accesses.to_vec(),
    };
    Sidecar {
        rows: rows.iter().map(row).collect(),
    }
}

/// Who waits: for writes those who look or write, for what was added those who look, and nobody who only adds.
#[test]
fn chains() {
    let cases: [(&str, Sidecar, u64, u64); 6] = [
        ("nothing", Sidecar::default(), 0, 0),
        (
            "apart",
            sidecar(&[(10, &[(1, Write)]), (20, &[(2, Write)])]),
            20,
            0,
        ),
        (
            "one after the other",
            sidecar(&[(10, &[(1, Write)]), (20, &[(1, Write)]), (5, &[(1, Read)])]),
            35,
            2,
        ),
        (
            "only added",
            sidecar(&[(10, &[(1, Delta)]), (20, &[(1, Delta)]), (5, &[(1, Delta)])]),
            20,
            0,
        ),
        (
            "added and looked at",
            sidecar(&[(10, &[(1, Delta)]), (20, &[(1, Delta)]), (5, &[(1, Read)])]),
            25,
            1,
        ),
        (
            "readers do not wait for each other, nor writers for readers",
            sidecar(&[(10, &[(1, Read)]), (20, &[(1, Read)]), (5, &[(1, Write)])]),
            20,
            0,
        ),
    ];
    for (name, sidecar, critical_gas, waits) in cases {
        let found = analyse(&sidecar);
        assert_eq!(found.critical_gas, critical_gas, "{name}");
        let waiting: u32 = found.hot.iter().map(|hot| hot.wait_count).sum();
        assert_eq!(u64::from(waiting), waits, "{name}");
    }
}

#[test]
fn the_longest_chain_is_named() {
    let rows: &[(u64, &[(u32, Access)])] = &[
        (10, &[(1, Write)]),
        (50, &[(2, Write)]),
        (10, &[(1, Read), (3, Delta)]),
        (10, &[(3, Delta)]),
        (10, &[(2, Read), (3, Read)]),
    ];
    let found = analyse(&sidecar(rows));
    assert_eq!(found.critical_path, [1, 4]);
    assert_eq!((found.gas, found.critical_gas), (90, 60));
    assert_eq!(found.parallelism_milli(), 1_500);
    assert_eq!(found.projected_milli(1), 1_000);
    assert_eq!(found.projected_milli(2), 1_500);
    assert_eq!(found.projected_milli(64), 1_500);
    assert_eq!(found.projected_verify_milli(64), 1_800);
    // The last one looks at a word that somebody wrote and at one that two added to: of those, at the later one.
    let wait = |place, behind| Wait { place, behind };
    assert_eq!(found.waits(0), []);
    assert_eq!(found.waits(2), [wait(1, 0)]);
    assert_eq!(found.waits(4), [wait(2, 1), wait(3, 2)]);
    let slot = |core, start_gas| Slot { core, start_gas };
    let two = [
        slot(0, 0),
        slot(1, 0),
        slot(0, 10),
        slot(0, 20),
        slot(0, 50),
    ];
    assert_eq!(found.schedule(2), two);
}

fn rows() -> impl Strategy<Value = Sidecar> {
    let access = prop_oneof![Just(Read), Just(Write), Just(Delta)];
    let accesses = prop::collection::btree_map(0..40_u32, access, 0..6);
    let row = (1..1_000_u64, accesses).prop_map(|(gas, accesses)| Row {
        gas,
        accesses: accesses.into_iter().collect(),
    });
    prop::collection::vec(row, 0..30).prop_map(|rows| Sidecar { rows })
}

proptest! {
    /// A schedule never beats the longest chain or the number of cores, and a greedy one is within twice the best.
    #[test]
    fn schedules_are_possible(sidecar in rows()) {
        let found = analyse(&sidecar);
        for cores in [1_u64, 2, 4, 64] {
            let time = found.makespan(usize::try_from(cores).expect("small"));
            let least = found.critical_gas.max(found.gas.div_ceil(cores));
            prop_assert!(time >= least);
            prop_assert!(time <= found.critical_gas + found.gas.div_ceil(cores));
        }
        // A core does one thing at a time, and nobody begins before whom he waits for.
        let slots = found.schedule(3);
        let end = |number: usize| slots[number].start_gas + sidecar.rows[number].gas;
        for number in 0..slots.len() {
            for wait in found.waits(number) {
                prop_assert!(wait.behind < number && end(wait.behind) <= slots[number].start_gas);
            }
            for other in 0..number {
                let apart = slots[other].core != slots[number].core
                    || end(other) <= slots[number].start_gas
                    || end(number) <= slots[other].start_gas;
                prop_assert!(apart);
            }
        }
        let chain = found.critical_path.iter().map(|number| sidecar.rows[*number].gas);
        prop_assert_eq!(chain.sum::<u64>(), found.critical_gas);
    }

    /// PER-9: one encoding, read back as it was.
    #[test]
    fn there_and_back(sidecar in rows()) {
        let bytes = sidecar.encode();
        prop_assert_eq!(Sidecar::decode(&bytes, 40), Ok(sidecar));
    }

    /// PER-9: whatever decodes encodes to the same bytes.
    #[test]
    fn nothing_else_decodes(bytes in prop::collection::vec(0..8_u8, 0..40)) {
        if let Ok(sidecar) = Sidecar::decode(&bytes, 1_000) {
            prop_assert_eq!(sidecar.encode(), bytes);
        }
    }
}

/// PER-9: gas is kept as a difference, whatever it is.
#[test]
fn gas_of_any_size() {
    let gas = [
        21_000,
        21_000,
        0,
        u64::MAX,
        1,
        u64::MAX / 2,
        u64::MAX / 2 + 2,
    ];
    let rows: Vec<(u64, &[(u32, Access)])> = gas.iter().map(|gas| (*gas, &[] as &[_])).collect();
    let whole = sidecar(&rows);
    let bytes = whole.encode();
    assert_eq!(Sidecar::decode(&bytes, 0), Ok(whole));
    // As much as the one before takes a byte.
    assert_eq!(bytes[4..6], [0, 0]);
}

#[test]
fn bad_bytes_are_named() {
    let whole = sidecar(&[(300, &[(1, Read), (9, Delta)])]).encode();
    assert_eq!(whole.len(), 6);
    for end in 0..whole.len() {
        assert!(Sidecar::decode(&whole[..end], 10).is_err(), "{end}");
    }
    let cases: [(&[u8], CodecError); 6] = [
        (&[0, 0], CodecError::Trailing(1)),
        (&[0x80, 0], CodecError::Number),
        (&[9, 0, 0], CodecError::Count(9)),
        (&[1, 0, 1, 3], CodecError::Kind(3)),
        (&[1, 0, 1, 40], CodecError::Place(10)),
        (&[1, 0x80], CodecError::Count(1)),
    ];
    for (bytes, error) in cases {
        assert_eq!(Sidecar::decode(bytes, 10), Err(error), "{bytes:?}");
    }
}
