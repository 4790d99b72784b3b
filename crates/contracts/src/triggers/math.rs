//! Price steps, and when to try again.

use capstan_units::{Price, PriceTick};

use super::params::{STEP_MAX, STEP_TICKS};

/// The tick of a step.
pub(super) fn tick_of(step: u16) -> PriceTick {
    let ticks = u32::from(step).saturating_mul(STEP_TICKS);
    PriceTick::new(i32::try_from(ticks).unwrap_or(i32::MAX))
}

/// The highest step at or below a price.
pub(super) fn step_down(price: Price) -> u16 {
    steps(PriceTick::down(price), 0)
}

/// The lowest step at or above a price.
pub(super) fn step_up(price: Price) -> u16 {
    steps(PriceTick::up(price), STEP_TICKS.saturating_sub(1))
}

fn steps(tick: PriceTick, more: u32) -> u16 {
    let ticks = u32::try_from(tick.get()).unwrap_or_default();
    let steps = ticks.saturating_add(more).checked_div(STEP_TICKS);
    u16::try_from(steps.unwrap_or_default())
        .unwrap_or(STEP_MAX)
        .min(STEP_MAX)
}

/// The highest price that counts as fallen to a tick.
pub(super) fn price_fallen_to(tick: PriceTick) -> Price {
    highest(|price| PriceTick::down(price) <= tick)
}

/// The lowest price that counts as risen to a tick.
pub(super) fn price_risen_to(tick: PriceTick) -> Price {
    let below = highest(|price| PriceTick::up(price) < tick);
    Price::new(below.get().saturating_add(1)).unwrap_or(Price::MAX)
}

/// The highest price of which something is true that is true of all lower ones; zero if of none.
fn highest(holds: impl Fn(Price) -> bool) -> Price {
    let mut found = Price::ZERO;
    for bit in (0..112_u32).rev() {
        let more = 1_u128.checked_shl(bit).unwrap_or_default();
        let next = Price::new(found.get() | more);
        if let Ok(next) = next
            && holds(next)
        {
            found = next;
        }
    }
    found
}
