//! Remembered or not, a hash is the hash.

use super::*;

#[test]
fn remembered_hashes_are_those_of_their_bytes() {
    let mut hashes = Hashes::default();
    for round in 0..2 {
        // Lengths that are remembered and that are not, and inputs that differ in trailing zeros only.
        for length in 0..=130 {
            for fill in [0, 1, 255] {
                let bytes = vec![fill; length];
                assert_eq!(
                    hashes.of(&bytes),
                    keccak256(&bytes),
                    "{length} bytes of {fill}, round {round}"
                );
            }
        }
    }
}

#[test]
fn no_more_is_remembered_than_may_be() {
    let mut hashes = Hashes::default();
    for number in 0..5_000_u64 {
        let bytes = number.to_be_bytes();
        assert_eq!(hashes.of(&bytes), keccak256(bytes));
        assert!(hashes.known.len() <= COUNT_MAX);
    }
}
