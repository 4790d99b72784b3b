//! What every touch of the world costs.
//!
//! One table for all stores: `MemStore` and the chain's store both import it, so a number measured in a
//! unit test is the number that a user pays. The schedule is the EVM's (Osaka); each constant names the
//! EIP that set it. What the EVM has no opcode for is priced from the opcodes it is made of.

use alloy_primitives::U256;

use crate::GasClass;

/// EIP-2929: first read of a storage word in a transaction.
pub const SLOAD_COLD: u64 = 2_100;
/// EIP-2929: a later touch of a word or account.
pub const WARM: u64 = 100;
/// EIP-2929: first touch of an account.
pub const ACCOUNT_COLD: u64 = 2_600;
/// EIP-2200: zero becomes non-zero.
pub const SSTORE_SET: u64 = 20_000;
/// EIP-2929: non-zero changes, cold part apart (5,000 - 2,100).
pub const SSTORE_RESET: u64 = 2_900;
/// EIP-3529: a word is cleared (`SSTORE_RESET` + the price of one access-list key).
pub const SSTORE_CLEAR_REFUND: i64 = 4_800;
/// EIP-2200: a frame with this much gas or less may not write, so that a bare transfer never does.
pub const SSTORE_SENTRY: u64 = 2_300;
/// EIP-1153: a transient read or write.
pub const TRANSIENT: u64 = 100;
/// Yellow paper: a log without topics or data.
pub const LOG: u64 = 375;
/// Yellow paper: each topic of a log.
pub const LOG_TOPIC: u64 = 375;
/// Yellow paper: each byte of a log's data.
pub const LOG_BYTE: u64 = 8;
/// Yellow paper: a Keccak-256 of nothing.
pub const KECCAK: u64 = 30;
/// Yellow paper: each word that Keccak-256 reads.
pub const KECCAK_WORD: u64 = 6;
/// Yellow paper: surcharge of a call that moves coins.
pub const CALL_VALUE: u64 = 9_000;
/// Yellow paper: gas that a callee gets for free with coins.
pub const CALL_STIPEND: u64 = 2_300;
/// EIP-161: coins reach an account that did not exist.
pub const NEW_ACCOUNT: u64 = 25_000;
/// Yellow paper: creation.
pub const CREATE: u64 = 32_000;
/// EIP-3860: each word of init code.
pub const INIT_CODE_WORD: u64 = 2;
/// EIP-3860: largest init code, in bytes.
pub const INIT_CODE_MAX: usize = 49_152;
/// Yellow paper: each byte of deployed code.
pub const CODE_BYTE: u64 = 200;
/// BLOCKHASH.
pub const BLOCKHASH: u64 = 20;
/// Yellow paper: the ecrecover precompile.
pub const RECOVER: u64 = 3_000;
/// EIP-3529: at most this fraction of the gas used is refunded.
pub const REFUND_QUOTIENT: u64 = 5;

/// Marker code at an address that has none, the touch of the account apart: a creation that deploys one
/// byte.
pub const DEPLOY_MARKER: u64 = CREATE + CODE_BYTE;

/// What a write costs, and what it gives back at the end of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteCost {
    /// Gas to charge.
    pub gas: u64,
    /// Change of the refund counter; negative where an earlier refund is taken back.
    pub refund: i64,
}

/// A storage read.
pub const fn load(cold: bool) -> u64 {
    if cold { SLOAD_COLD } else { WARM }
}

/// A touch of an account: balance, code size, call.
pub const fn account(cold: bool) -> u64 {
    if cold { ACCOUNT_COLD } else { WARM }
}

/// A storage write: EIP-2200 with the numbers of EIP-2929 and EIP-3529.
///
/// `original` is the word at the start of the transaction, `present` the word now.
pub fn save(original: U256, present: U256, new: U256, cold: bool) -> WriteCost {
    let access = if cold { SLOAD_COLD } else { 0 };
    let (write, refund) = if present == new {
        (WARM, 0)
    } else if original == present {
        match (original.is_zero(), new.is_zero()) {
            (true, _) => (SSTORE_SET, 0),
            (false, true) => (SSTORE_RESET, SSTORE_CLEAR_REFUND),
            (false, false) => (SSTORE_RESET, 0),
        }
    } else {
        (WARM, rewrite_refund(original, present, new))
    };
    WriteCost {
        gas: access + write,
        refund,
    }
}

/// Refund of a second or later write to a word in one transaction.
fn rewrite_refund(original: U256, present: U256, new: U256) -> i64 {
    const SET_BACK: i64 = 20_000 - 100;
    const RESET_BACK: i64 = 2_900 - 100;
    let cleared = match (original.is_zero(), present.is_zero(), new.is_zero()) {
        (false, true, _) => -SSTORE_CLEAR_REFUND,
        (false, false, true) => SSTORE_CLEAR_REFUND,
        _ => 0,
    };
    let restored = match (original == new, original.is_zero()) {
        (true, true) => SET_BACK,
        (true, false) => RESET_BACK,
        (false, _) => 0,
    };
    cleared + restored
}

/// A flat commutative write. It depends on cold or warm alone and gives no refund: what other
/// transactions added to the word cannot change anybody's gas. Charged whether or not a bound holds.
pub const fn flat_write(cold: bool) -> u64 {
    if cold {
        SLOAD_COLD + SSTORE_RESET
    } else {
        SSTORE_RESET
    }
}

/// A commutative write that took effect (`new` differs or not), in either class.
pub fn commute(class: GasClass, original: U256, present: U256, new: U256, cold: bool) -> WriteCost {
    match class {
        GasClass::Flat => WriteCost {
            gas: flat_write(cold),
            refund: 0,
        },
        GasClass::ZeroAware => save(original, present, new, cold),
    }
}

/// A commutative write that its bound refused: the flat price, or what the look at the word cost.
pub const fn commute_refused(class: GasClass, cold: bool) -> u64 {
    match class {
        GasClass::Flat => flat_write(cold),
        GasClass::ZeroAware => load(cold),
    }
}

/// Keccak-256 of `bytes` bytes.
pub const fn keccak(bytes: usize) -> u64 {
    KECCAK + KECCAK_WORD * words(bytes)
}

/// A log.
pub const fn log(topics: usize, bytes: usize) -> u64 {
    LOG.saturating_add(LOG_TOPIC.saturating_mul(wide(topics)))
        .saturating_add(LOG_BYTE.saturating_mul(wide(bytes)))
}

/// A move of coins outside a call, the touch of both accounts apart: a call's surcharge.
pub const fn coin_move(to_is_new: bool) -> u64 {
    if to_is_new {
        CALL_VALUE + NEW_ACCOUNT
    } else {
        CALL_VALUE
    }
}

/// Storage of an account whose own frame this is not: what a call there would pay to reach it.
pub const fn reach(cold: bool) -> u64 {
    if cold { ACCOUNT_COLD - WARM } else { 0 }
}

/// A call, before the gas that goes along with it. `to_is_new` counts only when coins move.
pub const fn call(cold: bool, moves_coins: bool, to_is_new: bool) -> u64 {
    let coins = match (moves_coins, to_is_new) {
        (false, _) => 0,
        (true, false) => CALL_VALUE,
        (true, true) => CALL_VALUE + NEW_ACCOUNT,
    };
    account(cold) + coins
}

/// A creation, before the gas that goes along with it: EIP-3860, and for CREATE2 the hash of EIP-1014.
pub const fn create(init_code_bytes: usize, salted: bool) -> u64 {
    let per_word = if salted {
        INIT_CODE_WORD + KECCAK_WORD
    } else {
        INIT_CODE_WORD
    };
    CREATE + per_word * words(init_code_bytes)
}

/// EIP-150: the most gas that a frame with `gas_left` may hand on.
pub const fn forwardable(gas_left: u64) -> u64 {
    gas_left - gas_left / 64
}

/// What a frame pays to hold the answers of its calls, `before` words of them already: the quadratic part of
/// the price of memory, which bounds what a frame can make the host keep. The linear part the callee has paid.
pub const fn kept_words(before: u64, after: u64) -> u64 {
    quadratic(after).saturating_sub(quadratic(before))
}

const fn quadratic(words: u64) -> u64 {
    words.saturating_mul(words) / 512
}

/// Words that so many bytes start.
pub const fn words(bytes: usize) -> u64 {
    wide(bytes.div_ceil(32))
}

/// Lengths of real buffers: a `usize` never exceeds 64 bits on a platform that this builds for.
#[allow(
    clippy::as_conversions,
    reason = "const code has no TryFrom; usize is at most 64 bits"
)]
const fn wide(length: usize) -> u64 {
    const { assert!(usize::BITS <= 64) };
    length as u64
}
