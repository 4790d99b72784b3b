//! The arithmetic of commutative writes: one meaning for every store.
//!
//! Each function says what the word becomes, or `None` when the write is refused. They only add and
//! compare, so two writes that both take effect may be exchanged. In [`GasClass::Flat`] words are stored
//! biased by one and a word that was never written counts as one: a total needs no opening write, and
//! once written it never becomes zero.

use alloy_primitives::U256;

use crate::GasClass;

/// What a stored word stands for in this class.
fn present(word: U256, class: GasClass) -> U256 {
    match class {
        GasClass::Flat if word.is_zero() => U256::ONE,
        GasClass::Flat | GasClass::ZeroAware => word,
    }
}

/// Least word that a subtraction may leave in this class.
fn floor(min: U256, class: GasClass) -> U256 {
    present(min, class)
}

/// The word after adding `delta`; `None` if it leaves 256 bits.
#[inline]
pub fn add(word: U256, delta: U256, class: GasClass) -> Option<U256> {
    present(word, class).checked_add(delta)
}

/// The word after subtracting `delta`; `None` if it would fall below `min`.
#[inline]
pub fn sub_bounded(word: U256, delta: U256, min: U256, class: GasClass) -> Option<U256> {
    let new = present(word, class).checked_sub(delta)?;
    (new >= floor(min, class)).then_some(new)
}

/// The word after adding `delta`; `None` if it would rise above `cap`.
#[inline]
pub fn add_capped(word: U256, delta: U256, cap: U256, class: GasClass) -> Option<U256> {
    let new = present(word, class).checked_add(delta)?;
    (new <= cap).then_some(new)
}
