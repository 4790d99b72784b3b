use alloy_primitives::{Bytes, LogData, U256, logs_bloom};

use super::*;

/// EXEC-1: a remembered hash gives the bloom that hashing gives, beyond the bound too.
#[test]
fn blooms_are_those_of_the_logs() {
    let mut blooms = Blooms::default();
    for round in 0..3 {
        for start in (0..2 * KEPT).step_by(KEPT / 4) {
            let logs: Vec<Log> = (start..start + 5)
                .map(|index| Log {
                    address: Address::from_word(B256::from(U256::from(index))),
                    data: LogData::new_unchecked(
                        (0..index % 5)
                            .map(|topic| B256::from(U256::from(index * 7 + topic)))
                            .collect(),
                        Bytes::new(),
                    ),
                })
                .collect();
            assert_eq!(
                blooms.of(&logs),
                logs_bloom(logs.iter()),
                "round {round}, from {start}"
            );
        }
    }
    let many: Vec<Log> = (0..2 * KEPT)
        .map(|index| Log {
            address: Address::from_word(B256::from(U256::from(index))),
            data: LogData::new_unchecked(vec![B256::from(U256::from(index))], Bytes::new()),
        })
        .collect();
    assert_eq!(blooms.of(&many), logs_bloom(many.iter()));
    assert!(blooms.addresses.len() <= KEPT && blooms.topics.len() <= KEPT);
    assert_eq!(blooms.of(&many), logs_bloom(many.iter()));
}
