use alloy_primitives::{Address, B256, Bytes, U256};
use capstan_state::Halt;

use crate::{
    address::CREATE2_PROXY,
    error::NativeShortCalldata,
    revert,
    testkit::{ALICE, BOB, World, fault::check_every_fault},
};

const SALT: B256 = B256::repeat_byte(7);
const CODE: &[u8] = &[0x60, 0x00, 0x60, 0x00, 0xf3];

fn input() -> Vec<u8> {
    [SALT.as_slice(), CODE].concat()
}

#[test]
fn create_1_create_2_it_answers_the_address_and_passes_coins_on() {
    let mut world = World::new();
    world.store.set_coins(ALICE, U256::from(9));
    let output = world
        .raw(ALICE, CREATE2_PROXY, U256::from(9), &input())
        .expect("deploys");
    let address = CREATE2_PROXY.create2_from_code(SALT, CODE);
    assert_eq!(output, Bytes::copy_from_slice(address.as_slice()));
    assert_eq!(world.store.coins(address), U256::from(9));
    assert_eq!(world.store.coins(CREATE2_PROXY), U256::ZERO);
}

#[test]
fn create_3_a_failed_creation_reverts_without_words_and_keeps_nothing() {
    let mut world = World::new();
    world.store.set_coins(ALICE, U256::from(9));
    world
        .store
        .on_create(|_, _, _: Address| Err(Halt::Revert(Bytes::from_static(b"why"))));
    let before = world.state();
    let answer = world.raw(ALICE, CREATE2_PROXY, U256::from(9), &input());
    assert_eq!(answer, Err(Halt::Revert(Bytes::new())));
    assert_eq!(world.state(), before);
}

/// CREATE-2, CREATE-3: the same salt and code twice is a collision (EIP-684); with another caller too (CREATE-1).
#[test]
fn create_3_the_same_salt_and_code_twice_fails() {
    let mut world = World::new();
    for person in [ALICE, BOB] {
        world.store.set_coins(person, U256::from(9));
    }
    let one = U256::ONE;
    world
        .raw(ALICE, CREATE2_PROXY, one, &input())
        .expect("deploys");
    for person in [ALICE, BOB] {
        let before = world.state();
        // What is left of a collision is what EIP-150 held back: the gas limit bounds what it burns.
        let answer = world.limited(1_000_000, person, CREATE2_PROXY, one, &input());
        assert_eq!(answer, Err(Halt::Revert(Bytes::new())));
        assert_eq!(world.state(), before);
    }
    let another = [B256::ZERO.as_slice(), CODE].concat();
    world
        .raw(BOB, CREATE2_PROXY, one, &another)
        .expect("another salt");
}

#[test]
fn base_gas_is_charged_first() {
    let mut world = World::new();
    let short = world.limited(99, ALICE, CREATE2_PROXY, U256::ZERO, &[]);
    assert_eq!(short, Err(Halt::OutOfGas));
    let length = U256::ZERO;
    let enough = world.limited(100, ALICE, CREATE2_PROXY, U256::ZERO, &[]);
    assert_eq!(enough, Err(revert(&NativeShortCalldata { length })));
}

#[test]
fn less_than_a_salt_is_refused() {
    let mut world = World::new();
    let length = U256::from(31);
    let answer = world.raw(ALICE, CREATE2_PROXY, U256::ZERO, &[0; 31]);
    assert_eq!(answer, Err(revert(&NativeShortCalldata { length })));
}

#[test]
fn faults_leave_no_traces() {
    check_every_fault(&World::new(), ALICE, CREATE2_PROXY, &input());
}
