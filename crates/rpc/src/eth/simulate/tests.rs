//! Which blocks a simulation is made of.

use serde_json::json;

use super::*;

fn planned(asked: serde_json::Value) -> Result<Vec<(u64, u64)>, i64> {
    let base = Header {
        number: 10,
        timestamp: 1_000,
        ..Header::default()
    };
    let asked: Vec<SimBlock> = serde_json::from_value(asked).expect("blocks");
    let blocks = plan(&base, asked).map_err(|error| error.code)?;
    Ok(blocks
        .iter()
        .map(|block| (block.number, block.seconds))
        .collect())
}

#[test]
fn numbers_and_times_rise_and_gaps_are_filled() {
    let check = |asked, expected| assert_eq!(planned(asked), expected);
    check(json!([{}]), Ok(vec![(11, 1_001)]));
    check(json!([{}, {}]), Ok(vec![(11, 1_001), (12, 1_002)]));
    check(
        json!([{"blockOverrides": {"number": "0xd"}}]),
        Ok(vec![(11, 1_001), (12, 1_002), (13, 1_003)]),
    );
    check(
        json!([{"blockOverrides": {"time": "0x7d0"}}, {}]),
        Ok(vec![(11, 2_000), (12, 2_001)]),
    );
    check(
        json!([{"blockOverrides": {"number": "0xa"}}]),
        Err(simulate_code::BLOCK_NUMBER),
    );
    check(
        json!([{"blockOverrides": {"number": "0xc"}}, {"blockOverrides": {"number": "0xc"}}]),
        Err(simulate_code::BLOCK_NUMBER),
    );
    // A second holds several blocks.
    check(
        json!([{"blockOverrides": {"time": "0x3e8"}}]),
        Ok(vec![(11, 1_000)]),
    );
    check(
        json!([{"blockOverrides": {"time": "0x3e7"}}]),
        Err(simulate_code::BLOCK_TIME),
    );
    check(
        json!([{"blockOverrides": {"number": "0xc", "time": "0x3e8"}}]),
        Err(simulate_code::BLOCK_TIME),
    );
    check(
        json!([{"blockOverrides": {"time": "0xffffffffffffffff"}}]),
        Err(simulate_code::BLOCK_TIME),
    );
    check(
        json!([{"blockOverrides": {"number": "0x10b"}}]),
        Err(simulate_code::LIMIT),
    );
    check(
        json!([{"blockOverrides": {"number": "0xffffffffffffffffffff"}}]),
        Err(simulate_code::LIMIT),
    );
    assert_eq!(
        planned(json!([{"blockOverrides": {"number": "0x10a"}}]))
            .expect("256 fit")
            .len(),
        256
    );
}
