//! Concentrated liquidity: within a range, `L` is the root of the product of what reserves would be if the range had no
//! ends.
//!
//! ```text
//!   coin 1 = L * (sqrt(P') - sqrt(P))           coin 0 = L * (1/sqrt(P) - 1/sqrt(P'))       sqrt(P) as 2^-96 units
//!   in, a price up:   sqrt(P') = sqrt(P) + floor(in / L)
//!   in, a price down: sqrt(P') = ceil(L * sqrt(P) / (L + in * sqrt(P)))
//! ```
//!
//! What is taken is rounded up, what is given down, and a price moves at most as far as what is taken pays for: to the
//! unit Uniswap v3's.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{mul_div_down, mul_div_up};

use super::{add, mul, sub};
use crate::exchange::params::PIPS;

const POINT: U256 = U256::from_limbs([0, 1 << 32, 0, 0]);
const POINT_BITS: usize = 96;

/// Liquidity as a number of 128 bits, with the point of roots.
fn scaled(liquidity: u128) -> U256 {
    U256::from(liquidity).wrapping_shl(POINT_BITS)
}

fn rising(a: U256, b: U256) -> (U256, U256) {
    (a.min(b), a.max(b))
}

/// `a * b / 2^96`, down.
fn pointed_down(a: U256, b: U256) -> Result<U256, Halt> {
    match a.checked_mul(b) {
        Some(product) => Ok(product.wrapping_shr(POINT_BITS)),
        None => Ok(mul_div_down(a, b, POINT)?),
    }
}

/// `a * b / 2^96`, up.
fn pointed_up(a: U256, b: U256) -> Result<U256, Halt> {
    let Some(product) = a.checked_mul(b) else {
        return Ok(mul_div_up(a, b, POINT)?);
    };
    let [low, middle, ..] = *product.as_limbs();
    let is_whole = low == 0 && middle & u64::from(u32::MAX) == 0;
    let down: U256 = product.wrapping_shr(POINT_BITS);
    // At most 160 digits.
    Ok(down.saturating_add(U256::from(!is_whole)))
}

/// Coin 0 between two roots, up.
pub(in crate::exchange) fn coin0_up(a: U256, b: U256, liquidity: u128) -> Result<U256, Halt> {
    let (low, high) = rising(a, b);
    let part = mul_div_up(scaled(liquidity), sub(high, low)?, high)?;
    Ok(mul_div_up(part, U256::ONE, low)?)
}

/// Coin 0 between two roots, down.
pub(in crate::exchange) fn coin0_down(a: U256, b: U256, liquidity: u128) -> Result<U256, Halt> {
    let (low, high) = rising(a, b);
    let part = mul_div_down(scaled(liquidity), sub(high, low)?, high)?;
    part.checked_div(low).ok_or_else(Halt::overflow)
}

/// Coin 1 between two roots, up.
pub(in crate::exchange) fn coin1_up(a: U256, b: U256, liquidity: u128) -> Result<U256, Halt> {
    let (low, high) = rising(a, b);
    pointed_up(U256::from(liquidity), sub(high, low)?)
}

/// Coin 1 between two roots, down.
pub(in crate::exchange) fn coin1_down(a: U256, b: U256, liquidity: u128) -> Result<U256, Halt> {
    let (low, high) = rising(a, b);
    pointed_down(U256::from(liquidity), sub(high, low)?)
}

/// Which way a swap moves the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) enum Way {
    /// Coin 0 comes in.
    Down,
    /// Coin 1 comes in.
    Up,
}

impl Way {
    fn in_up(self, from: U256, to: U256, liquidity: u128) -> Result<U256, Halt> {
        match self {
            Self::Down => coin0_up(from, to, liquidity),
            Self::Up => coin1_up(from, to, liquidity),
        }
    }

    fn out_down(self, from: U256, to: U256, liquidity: u128) -> Result<U256, Halt> {
        match self {
            Self::Down => coin1_down(from, to, liquidity),
            Self::Up => coin0_down(from, to, liquidity),
        }
    }

    /// The root after that `amount` came in; `None` where that needs more than 256 bits.
    fn exactly_after_in(self, root: U256, liquidity: u128, amount: U256) -> Option<U256> {
        match self {
            Self::Up => root.checked_add(mul_div_down(amount, POINT, U256::from(liquidity)).ok()?),
            Self::Down => {
                let whole = scaled(liquidity);
                let divisor = amount.checked_mul(root)?.checked_add(whole)?;
                mul_div_up(whole, root, divisor).ok()
            }
        }
    }

    /// The root after that `amount` came in, which does not reach the end of the stretch.
    fn after_in(self, root: U256, liquidity: u128, amount: U256) -> Result<U256, Halt> {
        match (self, self.exactly_after_in(root, liquidity, amount)) {
            (_, Some(next)) => Ok(next),
            (Self::Up, None) => Err(Halt::overflow()),
            // Beyond 256 bits the same by the reciprocal, which rounds up once more.
            (Self::Down, None) => {
                let whole = scaled(liquidity);
                let divisor = add(whole.wrapping_div(root), amount)?;
                Ok(mul_div_up(whole, U256::ONE, divisor)?)
            }
        }
    }

    /// The root after that `amount` came in, at most `target`.
    ///
    /// A root is rounded against its way, so it reaches the target wherever the amount pays for it: one that falls short
    /// needs no other proof, and only what may have come so far is compared with the price of coming so far.
    fn reached(
        self,
        root: U256,
        target: U256,
        liquidity: u128,
        amount: U256,
    ) -> Result<U256, Halt> {
        let is_short = |next: &U256| match self {
            Self::Down => *next > target,
            Self::Up => *next < target,
        };
        if liquidity > 0
            && let Some(next) = self
                .exactly_after_in(root, liquidity, amount)
                .filter(is_short)
        {
            return Ok(next);
        }
        if amount >= self.in_up(root, target, liquidity)? {
            return Ok(target);
        }
        self.after_in(root, liquidity, amount)
    }

    /// The root after that `amount` went out, which there is in this range.
    fn after_out(self, root: U256, liquidity: u128, amount: U256) -> Result<U256, Halt> {
        match self {
            Self::Down => sub(root, mul_div_up(amount, POINT, U256::from(liquidity))?),
            Self::Up => {
                let whole = scaled(liquidity);
                let divisor = sub(whole, mul(amount, root)?)?;
                Ok(mul_div_up(whole, root, divisor)?)
            }
        }
    }
}

/// What is still to be swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) enum Rest {
    /// To come in, fee included.
    In(U256),
    /// To go out.
    Out(U256),
}

/// One step: as far as the rest pays for, and at most to `target`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Step {
    /// Where the price is then.
    pub(in crate::exchange) root: U256,
    /// What came in, without fee.
    pub(in crate::exchange) amount_in: U256,
    /// What went out.
    pub(in crate::exchange) amount_out: U256,
    /// The fee, of what comes in.
    pub(in crate::exchange) fee: U256,
}

/// Swaps within one stretch of constant liquidity.
pub(in crate::exchange) fn step(
    way: Way,
    root: U256,
    target: U256,
    liquidity: u128,
    rest: Rest,
    fee_pips: u32,
) -> Result<Step, Halt> {
    let fee = U256::from(fee_pips);
    let kept = sub(PIPS, fee)?;
    let next = match rest {
        Rest::In(amount) => {
            let pays = mul_div_down(amount, kept, PIPS)?;
            way.reached(root, target, liquidity, pays)?
        }
        Rest::Out(amount) => {
            if amount >= way.out_down(root, target, liquidity)? {
                target
            } else {
                way.after_out(root, liquidity, amount)?
            }
        }
    };
    let amount_in = way.in_up(root, next, liquidity)?;
    let amount_out = way.out_down(root, next, liquidity)?;
    let fee_of = |amount_in| mul_div_up(amount_in, fee, kept);
    Ok(match rest {
        // What is left of an amount that does not reach the end of the stretch is fee.
        Rest::In(amount) if next != target => Step {
            root: next,
            amount_in,
            amount_out,
            fee: sub(amount, amount_in)?,
        },
        Rest::In(_) => Step {
            root: next,
            amount_in,
            amount_out,
            fee: fee_of(amount_in)?,
        },
        Rest::Out(amount) => Step {
            root: next,
            amount_in,
            amount_out: amount_out.min(amount),
            fee: fee_of(amount_in)?,
        },
    })
}

/// The most liquidity that amounts of both coins make in a range, at a price: down.
pub(in crate::exchange) fn liquidity_down(
    root: U256,
    low: U256,
    high: U256,
    coin0: U256,
    coin1: U256,
) -> Result<u128, Halt> {
    let of_coin0 = |from: U256| -> Result<U256, Halt> {
        let between = mul_div_down(from, high, POINT)?;
        Ok(mul_div_down(coin0, between, sub(high, from)?)?)
    };
    let of_coin1 =
        |to: U256| -> Result<U256, Halt> { Ok(mul_div_down(coin1, POINT, sub(to, low)?)?) };
    let most = if root <= low {
        of_coin0(low)?
    } else if root >= high {
        of_coin1(high)?
    } else {
        of_coin0(root)?.min(of_coin1(root)?)
    };
    u128::try_from(most).map_err(|_| Halt::overflow())
}

#[cfg(test)]
mod tests;
