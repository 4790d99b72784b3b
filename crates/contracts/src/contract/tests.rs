use std::collections::BTreeMap;

use alloy_primitives::{hex, keccak256};

use super::*;
use crate::{
    address::{CREATE2_PROXY, MULTICALL3, native},
    all,
    erc20::IErc20::*,
    resolve,
    testkit::{ALICE, BOB, World},
};

/// Raw calldata against what it answers, in a call or a static call.
#[track_caller]
fn check(
    is_static: bool,
    value: u64,
    target: Address,
    input: &[u8],
    expected: Result<&[u8], Halt>,
) {
    let (mut world, _) = World::with_token();
    world.store.set_coins(ALICE, U256::from(100));
    world.store.set_static(is_static);
    let before = world.state();
    let answer = world.raw(ALICE, target, U256::from(value), input);
    assert_eq!(answer, expected.map(Bytes::copy_from_slice));
    if answer.is_err() {
        assert_eq!(world.state(), before, "a refusal left traces");
    }
}

fn token() -> Address {
    native(crate::token::KIND, 1)
}

fn word(number: u64) -> [u8; 32] {
    U256::from(number).to_be_bytes()
}

#[test]
fn calldata_that_names_no_verb() {
    let short = |length: u64| {
        Err(revert(&error::NativeShortCalldata {
            length: U256::from(length),
        }))
    };
    check(false, 0, token(), &[], short(0));
    check(false, 0, token(), &[0xa9, 0x05, 0x9c], short(3));
    let selector = FixedBytes([1, 2, 3, 4]);
    check(
        false,
        0,
        token(),
        &selector.0,
        Err(revert(&error::NativeUnknownVerb { selector })),
    );
}

#[test]
fn coins_come_only_with_verbs_that_take_them() {
    let call = transferCall {
        to: BOB,
        value: U256::ZERO,
    }
    .abi_encode();
    let refused = error::NativeNotPayable {
        value: U256::from(1),
    };
    check(false, 1, token(), &call, Err(revert(&refused)));
    check(
        false,
        1,
        token(),
        &balanceOfCall { account: BOB }.abi_encode(),
        Err(revert(&refused)),
    );
}

#[test]
fn static_calls_read_and_pass_on_but_do_not_write() {
    let transfer = transferCall {
        to: BOB,
        value: U256::ZERO,
    }
    .abi_encode();
    check(true, 0, token(), &transfer, Err(Halt::StaticViolation));
    check(false, 0, token(), &transfer, Ok(&word(1)));
    check(
        true,
        0,
        token(),
        &balanceOfCall { account: BOB }.abi_encode(),
        Ok(&word(0)),
    );
    check(true, 0, CREATE2_PROXY, &word(0), Err(Halt::StaticViolation));
    let nothing = crate::multicall::IMulticall3::aggregate3Call { calls: vec![] };
    check(
        true,
        0,
        MULTICALL3,
        &nothing.abi_encode(),
        Ok(&[word(32), word(0)].concat()),
    );
}

#[test]
fn each_value_has_one_encoding() {
    let good = transferCall {
        to: BOB,
        value: U256::ZERO,
    }
    .abi_encode();
    let bad = || {
        Err(revert(&error::NativeBadCalldata {
            selector: transferCall::SELECTOR.into(),
        }))
    };
    check(false, 0, token(), &good, Ok(&word(1)));
    check(
        false,
        0,
        token(),
        &[&good[..], b"referrer"].concat(),
        Ok(&word(1)),
    );
    check(false, 0, token(), &good[..good.len() - 1], bad());
    check(false, 0, token(), &good[..4], bad());
    let mut dirty = good;
    dirty[4] = 1; // above the 20 bytes of the address
    check(false, 0, token(), &dirty, bad());
}

#[test]
fn dynamic_parts_neither_overlap_nor_claim_lengths() {
    use crate::multicall::IMulticall3::tryAggregateCall;
    let selector = tryAggregateCall::SELECTOR;
    let bad = || {
        Err(revert(&error::NativeBadCalldata {
            selector: selector.into(),
        }))
    };
    let call = |words: &[u64]| {
        let words: Vec<_> = words.iter().flat_map(|number| word(*number)).collect();
        [&selector[..], &words].concat()
    };
    check(
        false,
        0,
        MULTICALL3,
        &call(&[0, 64, 0]),
        Ok(&[word(32), word(0)].concat()),
    );
    check(false, 0, MULTICALL3, &call(&[0, 0, 0]), bad());
    check(false, 0, MULTICALL3, &call(&[2, 64, 0]), bad());
    check(false, 0, MULTICALL3, &call(&[0, 64, u64::MAX]), bad());
    // Two elements that share one body.
    let shared = [0, 64, 2, 64, 64, 1, 64, 0];
    check(false, 0, MULTICALL3, &call(&shared), bad());
}

#[test]
fn a_native_address_without_a_contract_refuses() {
    let account = native(crate::token::KIND, 2);
    let input = balanceOfCall { account: BOB }.abi_encode();
    check(
        false,
        0,
        account,
        &input,
        Err(revert(&error::NativeNotDeployed { account })),
    );
}

#[test]
fn delegation_answers_a_typed_error() {
    let expected = error::NativeDelegateCall {}.abi_encode();
    assert_eq!(refuse_delegated(), Halt::Revert(expected.into()));
}

#[test]
fn base_gas_and_calldata_are_charged() {
    let (mut world, token) = World::with_token();
    let input = balanceOfCall { account: BOB }.abi_encode();
    let row = resolve(token)
        .and_then(|c| c.verb(balanceOfCall::SELECTOR))
        .expect("row");
    world.raw(ALICE, token, U256::ZERO, &input).expect("reads");
    let short = world.store.gas_used();
    world
        .raw(ALICE, token, U256::ZERO, &[&input[..], &[0; 33]].concat())
        .expect("reads");
    assert_eq!(world.store.gas_used() - short, 2 * INPUT_WORD_GAS);
    assert!(short > row.base_gas + INPUT_WORD_GAS);
}

/// The base gas that specs/selectors.md states is what a call pays before anything else: with one unit less it runs
/// out, with exactly that it comes to read its arguments.
#[test]
fn every_verb_costs_its_base_gas() {
    let mut verbs_seen = 0;
    for contract in all() {
        let Entry::Verbs(verbs) = contract.entry else {
            continue;
        };
        // Whether anything was made at an address of a kind is a look at a warm account.
        let (target, look) = match contract.place {
            Place::At(at) => (at, 0),
            Place::Kind(kind) => (native(kind, 1), capstan_state::gas::WARM),
        };
        for verb in verbs {
            let input = [&verb.selector[..], &[]].concat();
            let enough = look + input_gas(input.len()) + verb.base_gas;
            let (mut world, _) = World::with_token();
            // As if its maker had been there.
            world.store.set_code_size(target, 1);
            let short = world.limited(enough - 1, ALICE, target, U256::ZERO, &input);
            assert_eq!(short, Err(Halt::OutOfGas), "{verb:?}");
            if verb.signature.ends_with("()") {
                continue; // nothing to read: it goes on, and runs out where it pays next
            }
            let unread = error::NativeBadCalldata {
                selector: verb.selector.into(),
            };
            let answer = world.limited(enough, ALICE, target, U256::ZERO, &input);
            assert_eq!(answer, Err(revert(&unread)), "{verb:?}");
            verbs_seen += 1;
        }
    }
    assert!(verbs_seen > 40, "only {verbs_seen} verbs were tried");
}

#[test]
fn one_selector_means_one_signature_everywhere() {
    let mut seen = BTreeMap::new();
    let mut places = Vec::new();
    for contract in all() {
        assert!(
            !places.contains(&contract.place),
            "{} shares its place",
            contract.name
        );
        places.push(contract.place);
        if let Entry::Verbs(verbs) = contract.entry {
            for verb in verbs {
                assert_eq!(keccak256(verb.signature)[..4], verb.selector, "{verb:?}");
                let first = *seen.entry(verb.selector).or_insert(verb.signature);
                assert_eq!(
                    first,
                    verb.signature,
                    "clash at {}",
                    hex::encode(verb.selector)
                );
            }
        }
        for error in contract.abi().errors() {
            let signature = error.signature();
            let known = crate::decode_error(error.selector().as_slice());
            assert!(
                known.is_none_or(|known| known.signature == signature),
                "{signature}"
            );
        }
    }
}

#[test]
fn tables_say_what_the_interfaces_say() {
    for contract in all() {
        for function in contract.abi().functions() {
            let Some(verb) = contract.verb(function.selector().0) else {
                continue;
            };
            let reads = matches!(function.state_mutability.as_json_str(), "view" | "pure");
            assert_eq!(reads, verb.mutability == Mutability::View, "{verb:?}");
            let takes_coins = function.state_mutability.as_json_str() == "payable";
            assert_eq!(takes_coins, verb.payable, "{verb:?}");
        }
    }
}

#[test]
fn resolve_finds_each_contract_at_its_place() {
    for contract in all() {
        let at = match contract.place {
            Place::At(at) => at,
            Place::Kind(kind) => native(kind, 77),
        };
        assert_eq!(resolve(at).map(|found| found.name), Some(contract.name));
    }
    for foreign in [
        ALICE,
        native(Kind::new(5), 1),
        crate::SystemKind::Prices.target(),
    ] {
        assert!(resolve(foreign).is_none(), "{foreign}");
    }
}
