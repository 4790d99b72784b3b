//! Small contracts in bytecode, written out by hand.

use alloy_primitives::{Address, B256, b256};
use revm::bytecode::opcode as op;

/// Topic of [`counter`]'s event.
pub(crate) const COUNTED: B256 =
    b256!("1111111111111111111111111111111111111111111111111111111111111111");

/// Init code that returns `runtime`.
pub(crate) fn init_code(runtime: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(runtime.len()).expect("small").to_be_bytes();
    let mut code = vec![
        op::PUSH2,
        high,
        low,
        op::DUP1,
        op::PUSH1,
        10,
        op::PUSH0,
        op::CODECOPY,
        op::PUSH0,
        op::RETURN,
    ];
    code.extend_from_slice(runtime);
    code
}

/// Adds one to slot 0, logs the new value with [`COUNTED`], and returns it.
pub(crate) fn counter() -> Vec<u8> {
    let mut code = vec![
        op::PUSH0,
        op::SLOAD,
        op::PUSH1,
        1,
        op::ADD,
        op::DUP1,
        op::PUSH0,
        op::SSTORE,
        op::PUSH0,
        op::MSTORE,
        op::PUSH32,
    ];
    code.extend_from_slice(COUNTED.as_slice());
    code.extend([
        op::PUSH1,
        32,
        op::PUSH0,
        op::LOG1,
        op::PUSH1,
        32,
        op::PUSH0,
        op::RETURN,
    ]);
    code
}

/// Reverts with the data that it was called with.
pub(crate) fn reverter() -> Vec<u8> {
    vec![
        op::CALLDATASIZE,
        op::PUSH0,
        op::PUSH0,
        op::CALLDATACOPY,
        op::CALLDATASIZE,
        op::PUSH0,
        op::REVERT,
    ]
}

/// Sets slots 0..8 to the first word of the calldata: zero clears them, with refunds.
pub(crate) fn eight_slots() -> Vec<u8> {
    let mut code = Vec::new();
    for slot in 0..8 {
        code.extend([op::PUSH0, op::CALLDATALOAD, op::PUSH1, slot, op::SSTORE]);
    }
    code.push(op::STOP);
    code
}

/// Calls `target` with the calldata and all the gas that EIP-150 lets through; reverts if that fails.
pub(crate) fn forwarder(target: Address) -> Vec<u8> {
    let mut code = vec![
        op::CALLDATASIZE,
        op::PUSH0,
        op::PUSH0,
        op::CALLDATACOPY,
        op::PUSH0,
        op::PUSH0,
        op::CALLDATASIZE,
        op::PUSH0,
        op::CALLVALUE,
        op::PUSH20,
    ];
    code.extend_from_slice(target.as_slice());
    code.extend([op::GAS, op::CALL, op::PUSH1]);
    // Where the good end stands: after this push, the jump and the revert.
    let good = u8::try_from(code.len() + 1 + 1 + 3).expect("small");
    code.extend([
        good,
        op::JUMPI,
        op::PUSH0,
        op::PUSH0,
        op::REVERT,
        op::JUMPDEST,
    ]);
    code.extend([
        op::RETURNDATASIZE,
        op::PUSH0,
        op::PUSH0,
        op::RETURNDATACOPY,
        op::RETURNDATASIZE,
        op::PUSH0,
        op::RETURN,
    ]);
    code
}

/// Returns NUMBER, TIMESTAMP, BASEFEE, BLOBBASEFEE, COINBASE, PREVRANDAO, GASLIMIT, CHAINID as words.
pub(crate) fn surroundings() -> Vec<u8> {
    let asked = [
        op::NUMBER,
        op::TIMESTAMP,
        op::BASEFEE,
        op::BLOBBASEFEE,
        op::COINBASE,
        op::DIFFICULTY,
        op::GASLIMIT,
        op::CHAINID,
    ];
    let mut code = Vec::new();
    for (word, opcode) in (0u8..).zip(asked) {
        code.extend([opcode, op::PUSH1, word * 32, op::MSTORE]);
    }
    code.extend([op::PUSH2, 1, 0, op::PUSH0, op::RETURN]);
    code
}

/// Runs until the gas is gone.
pub(crate) fn endless() -> Vec<u8> {
    vec![op::JUMPDEST, op::PUSH0, op::JUMP]
}
