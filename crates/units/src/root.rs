//! Square roots of integers.

use alloy_primitives::U256;

/// Steps that a root of 256 bits needs at most: the first guess is less than twice the root, and each step squares
/// the relative error.
const STEPS: u32 = 9;

/// `floor(sqrt(value))`, by Newton's steps from a power of two above the root.
///
/// From above, each step goes down and never below the root's floor; the first that does not go down has arrived.
pub fn sqrt_down(value: U256) -> U256 {
    if value.is_zero() {
        return value;
    }
    let mut root = U256::ONE.wrapping_shl(value.bit_len().div_ceil(2));
    for _ in 0..STEPS {
        // A root above zero divides; root and quotient are below 2^129 each.
        let next = root.wrapping_add(value.wrapping_div(root)).wrapping_shr(1);
        if next >= root {
            break;
        }
        root = next;
    }
    root
}

/// `ceil(sqrt(value))`.
pub fn sqrt_up(value: U256) -> U256 {
    let down = sqrt_down(value);
    // The floor of a root of 256 bits has 128: its square fits, and one more does too.
    if down.wrapping_mul(down) == value {
        down
    } else {
        down.wrapping_add(U256::ONE)
    }
}
