use alloy_primitives::{U64, U256};
use capstan_client::Fixed;

use super::*;

fn fixed(amount: u64, decimals: u8) -> Fixed {
    let amount = U256::from(amount);
    Fixed {
        amount,
        decimals,
        text: capstan_units::decimal(amount, decimals),
    }
}

/// READ-1: a sensor that says nothing is written as zero, and nobody is told that a machine draws nothing and freezes.
#[test]
fn what_no_sensor_said_is_unknown() {
    let said = |watts, centi| {
        read(&MachineReadings {
            to_ms: U64::ZERO,
            watts,
            celsius: fixed(centi, 2),
            utilisation: fixed(5_000, 4),
        })
    };
    assert!(said(0, 0).starts_with("power unknown, warmth unknown, 50 % busy"));
    assert!(said(35, 6_150).starts_with("35 W, 61.5 °C, 50 % busy"));
}
