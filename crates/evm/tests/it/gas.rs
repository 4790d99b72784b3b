//! A native contract pays for a touch what bytecode pays for the same touch (EXEC-21 to EXEC-23).

use alloy_primitives::{Bytes, U256};
use capstan_state::{CallKind, GasClass};
use proptest::prelude::*;

use crate::world::*;

const GAS: u64 = 10_000_000;

/// One storage touch.
#[derive(Clone, Debug)]
enum Touch {
    Load(u64),
    Save(u64, u64),
}

fn touches() -> impl Strategy<Value = Vec<Touch>> {
    let touch = prop_oneof![
        (0..4u64).prop_map(Touch::Load),
        (0..4u64, 0..3u64).prop_map(|(slot, word)| Touch::Save(slot, word)),
    ];
    prop::collection::vec(touch, 0..24)
}

/// Both ways to do the same touches, over the same slots: (native, bytecode).
fn both(touches: &[Touch], before: &[(u64, u64)]) -> (Ran, Ran, u64) {
    let script = touches
        .iter()
        .map(|touch| match touch {
            Touch::Load(slot) => Act::Load(*slot),
            Touch::Save(slot, word) => Act::Save(*slot, *word),
        })
        .collect();
    let code = touches.iter().fold(asm(), |code, touch| match touch {
        Touch::Load(slot) => code.sload(*slot),
        Touch::Save(slot, word) => code.sstore(*slot, *word),
    });
    let native = native(script);
    let world = world()
        .with_native(native, 0, before)
        .with_code(at(1), &code.code, before);
    (
        world.call(native, 0, GAS).ok(),
        world.call(at(1), 0, GAS).ok(),
        code.overhead,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// EXEC-21: cold, warm, set, reset, clear and every refund: equal gas for equal touches.
    #[test]
    fn storage_costs_the_same(touches in touches(), before in prop::collection::vec((0..4u64, 1..3u64), 0..4)) {
        let (native, bytecode, overhead) = both(&touches, &before);
        let (a, b) = (native.result.gas(), bytecode.result.gas());
        prop_assert_eq!(a.total_gas_spent() + overhead, b.total_gas_spent());
        // Refunds are capped by gas spent, which the pushes raise; compare them where no cap bites.
        let cap = a.total_gas_spent() / 5;
        if a.inner_refunded() < cap && b.inner_refunded() < cap {
            prop_assert_eq!(a.inner_refunded(), b.inner_refunded());
        }
    }
}

/// EXEC-21: accounts, hashes, logs and transient words cost what their opcodes cost.
#[test]
fn other_touches_cost_the_same() {
    let word = |at: alloy_primitives::Address| U256::from_be_bytes(at.into_word().0);
    // (name, native, bytecode, gas that only the bytecode pays beyond pushes and pops)
    let cases = [
        (
            "balance, cold then warm",
            vec![Act::Balance(at(7)), Act::Balance(at(7))],
            {
                asm()
                    .push(word(at(7)))
                    .op(0x31)
                    .pop()
                    .push(word(at(7)))
                    .op(0x31)
                    .pop()
            },
        ),
        (
            "code size, cold then warm",
            vec![Act::CodeSize(at(7)), Act::CodeSize(at(7))],
            {
                asm()
                    .push(word(at(7)))
                    .op(0x3b)
                    .pop()
                    .push(word(at(7)))
                    .op(0x3b)
                    .pop()
            },
        ),
        ("one log", vec![Act::Emit(1)], asm().log(1)),
        ("a transient word", vec![Act::TSave(1, 2), Act::TLoad(1)], {
            asm()
                .push(U256::from(2))
                .push(U256::from(1))
                .op(0x5d)
                .push(U256::from(1))
                .op(0x5c)
                .pop()
        }),
        ("keccak of nothing", vec![Act::Keccak(0)], {
            asm().push(U256::ZERO).push(U256::ZERO).op(0x20).pop()
        }),
    ];
    for (name, script, code) in cases {
        let native = native(script);
        let world = world()
            .with_native(native, 0, &[])
            .with_code(at(1), &code.code, &[]);
        let (a, b) = (
            world.call(native, 0, GAS).ok(),
            world.call(at(1), 0, GAS).ok(),
        );
        assert_eq!(a.gas() + code.overhead, b.gas(), "{name}");
    }
}

/// EXEC-22: calls cost the same and hand on the same gas as CALL and STATICCALL do: 63/64, stipend, new
/// accounts, limits, delegations.
#[test]
fn calls_cost_the_same() {
    let gas_returner = asm().op(0x5a).return_word().code;
    let burner = asm().op(0xfe).code;
    let reverter = asm().push(U256::ZERO).push(U256::ZERO).op(0xfd).code;
    let designator = [&[0xef, 0x01, 0x00], at(2).as_slice()].concat();
    let targets = [
        ("returns its gas", at(2), 0),
        ("returns its gas, with coins", at(2), 1),
        ("burns", at(3), 0),
        ("reverts, with coins", at(4), 1),
        ("no account", at(5), 0),
        ("no account, with coins", at(5), 1),
        ("too few coins", at(2), 1_000_000),
        ("delegated", at(6), 0),
        (
            "precompile",
            alloy_primitives::Address::with_last_byte(4),
            0,
        ),
    ];
    for (name, to, value) in targets {
        for limit in [None, Some(0), Some(30_000), Some(u64::MAX)] {
            for kind in [CallKind::Call, CallKind::Static] {
                if kind == CallKind::Static && value != 0 {
                    continue;
                }
                let native = native(vec![Act::CallWith {
                    to,
                    value,
                    gas: limit,
                    kind,
                }]);
                let op = if kind == CallKind::Call { 0xf1 } else { 0xfa };
                let code = asm()
                    .call(op, to, value, limit.map_or(U256::MAX, U256::from))
                    .pop();
                let mut world = world().with_native(native, 100, &[]);
                world.put(at(1), 100, &code.code, &[]);
                world.put(at(2), 0, &gas_returner, &[]);
                world.put(at(3), 0, &burner, &[]);
                world.put(at(4), 0, &reverter, &[]);
                world.put(at(6), 0, &designator, &[]);
                // Without the pushes before the call both have the same gas at the call.
                let pushes = code.overhead - 2;
                let a = world.call(native, 0, 200_000);
                let b = world.call(at(1), 0, 200_000 + pushes);
                assert_eq!(
                    a.result.is_success(),
                    b.result.is_success(),
                    "{name} {limit:?} {kind:?}"
                );
                // A callee that burns 63/64 leaves room for the bytecode's own POP.
                assert_eq!(
                    a.gas() + code.overhead,
                    b.gas(),
                    "{name} {limit:?} {kind:?}"
                );
            }
        }
    }
}

/// EXEC-22: what the callee is given is exactly what CALL gives.
#[test]
fn callee_sees_the_same_gas() {
    let callee = asm().op(0x5a).return_word().code;
    let native = native(vec![Act::Forward(at(2))]);
    let code = asm().call(0xf1, at(2), 0, U256::MAX).pop().return_data();
    let world = world()
        .with_native(native, 0, &[])
        .with_code(at(1), &code.code, &[])
        .with_code(at(2), &callee, &[]);
    for gas in [10_000, 64_123, 1_000_000] {
        let pushes = 7 * 3;
        let a = world.call(native, 0, gas).ok();
        let b = world.call(at(1), 0, gas + pushes).ok();
        assert_eq!(a.words(), b.words(), "{gas}");
    }
}

/// EXEC-22: creation costs what CREATE and CREATE2 cost.
#[test]
fn creation_costs_the_same() {
    let init = asm().push(U256::from(1)).push(U256::ZERO).op(0xf3).code;
    for salt in [None, Some(alloy_primitives::B256::ZERO)] {
        let native = native(vec![Act::Create {
            value: 0,
            init: Bytes::from(init.clone()),
            salt,
        }]);
        // Init code is written to memory by CALLDATACOPY's cheaper sibling: one CODECOPY from the end.
        let length = u64::try_from(init.len()).expect("small");
        let build = |offset: u64| {
            let copy = asm()
                .push(U256::from(length))
                .push(U256::from(offset))
                .push(U256::ZERO)
                .op(0x39);
            let copy = if salt.is_some() {
                copy.push(U256::ZERO)
            } else {
                copy
            };
            let create = copy
                .push(U256::from(length))
                .push(U256::ZERO)
                .push(U256::ZERO);
            create
                .op(if salt.is_some() { 0xf5 } else { 0xf0 })
                .pop()
                .op(0)
        };
        let offset = u64::try_from(build(0).code.len()).expect("small");
        let mut code = build(offset);
        code.code.extend(&init);
        let words = length.div_ceil(32);
        // CODECOPY: 3 + 3 per word copied, and the memory it grows.
        let copying = 3 + 3 * words + 3 * words;
        let world = world()
            .with_native(native, 0, &[])
            .with_code(at(1), &code.code, &[]);
        let (a, b) = (
            world.call(native, 0, GAS).ok(),
            world.call(at(1), 0, GAS).ok(),
        );
        assert_eq!(a.gas() + code.overhead + copying, b.gas(), "{salt:?}");
    }
}

/// EXEC-23: the price of a flat write depends on cold or warm alone, and it has no refund.
#[test]
fn flat_writes_cost_the_same_whatever_they_hold() {
    let flat = GasClass::Flat;
    let gas_of = |script: Vec<Act>, before: &[(u64, u64)]| {
        let native = native(script);
        let ran = world()
            .with_native(native, 0, before)
            .call(native, 0, GAS)
            .ok();
        assert_eq!(ran.result.gas().inner_refunded(), 0);
        ran.gas()
    };
    for before in [0, 1, 2, 500] {
        let slots = [(1, before)];
        assert_eq!(
            gas_of(vec![Act::Add(1, 5, flat)], &slots),
            5_000,
            "cold, from {before}"
        );
        let twice = vec![Act::Add(1, 5, flat), Act::Add(1, 9, flat)];
        assert_eq!(gas_of(twice, &slots), 7_900, "then warm, from {before}");
        assert_eq!(
            gas_of(vec![Act::Sub(1, 400, 0, flat)], &slots),
            5_000,
            "done or refused, from {before}"
        );
        assert_eq!(
            gas_of(vec![Act::Add(1, 5, flat), Act::Sub(1, 5, 0, flat)], &slots),
            7_900
        );
    }
}

/// EXEC-21: refunds of a callee count when it ends well, and only then.
#[test]
fn refunds_follow_the_frame() {
    let clears = native(vec![Act::Save(1, 0)]);
    let clears_and_reverts = native(vec![Act::Save(1, 0), Act::Revert("no")]);
    for (callee, refunded) in [(clears, 4_800), (clears_and_reverts, 0)] {
        let top = native(vec![
            Act::Call(callee),
            Act::Guard(false, vec![Act::Save(2, 0)]),
        ]);
        let world = world()
            .with_native(top, 0, &[(2, 1)])
            .with_native(callee, 0, &[(1, 1)]);
        let gas = *world.call(top, 0, GAS).ok().result.gas();
        assert_eq!(gas.inner_refunded(), refunded);
    }
}
