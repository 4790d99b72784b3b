//! The block's looks at what a room holds, one item at a time: the loop behind a system transaction whose calldata only
//! says where to look.
//!
//! ```text
//!   calldata: items, in the order of the index
//!   for each:  gas enough? ─ no ─► the rest is due in the next block
//!              look ─ cannot be ─► nothing of it stays; again after 1, 2, 4 ... 64 minutes
//!              and its cost is taken from the item's coins
//! ```
//!
//! A room says what is done to one of its items ([`Looks`]); that an item which fails holds up no other, that it waits ever
//! longer, and that each look is paid for is said here, once.

use alloy_primitives::{Bytes, U256};
use capstan_state::{Ctx, Halt};

/// After a failure the block comes back after so many seconds.
pub const RETRY_S: u32 = 60;
/// How many times that is doubled at most: the longest wait is 64 minutes.
pub const RETRY_DOUBLINGS_MAX: u8 = 6;
/// Gas of settling what a look cost, beside what was measured.
const SETTLE_GAS: u64 = 40_000;
const MS_PER_S: u64 = 1_000;

/// A room whose items the block looks at. The frame is the room's.
pub(crate) trait Looks {
    /// One of its items.
    type Id: Copy;
    /// What a look leaves for its bill; of one that failed, the default.
    type Seen: Default;
    /// Most items of one transaction.
    const LOOKS_MAX: usize;
    /// A look begins only with so much gas left: more than any needs.
    const LOOK_GAS: u64;

    /// Looks at one.
    ///
    /// # Errors
    /// Whatever it cannot do: then nothing of it stays.
    fn look(cx: &mut Ctx<'_>, id: Self::Id) -> Result<Self::Seen, Halt>;

    /// Counts a failure; answers how many there were in a row.
    ///
    /// # Errors
    /// Words that cannot be read.
    fn count_failure(cx: &mut Ctx<'_>, id: Self::Id) -> Result<u8, Halt>;

    /// Nothing but a time calls the block, so many seconds from now, or earlier; answers when, in seconds.
    ///
    /// # Errors
    /// Words that cannot be read.
    fn wait_for(cx: &mut Ctx<'_>, id: Self::Id, seconds: u32) -> Result<u32, Halt>;

    /// Takes what a look cost from the item's coins, at most what there is. Coins stay in the room for ever, as if burnt.
    ///
    /// # Errors
    /// Words that cannot be read.
    fn settle(cx: &mut Ctx<'_>, id: Self::Id, seen: Self::Seen, cost_wei: u128)
    -> Result<(), Halt>;

    /// Says why a look could not be, and when the block tries again; zero where not even its words can be read.
    ///
    /// # Errors
    /// Gas.
    fn say_failed(cx: &mut Ctx<'_>, id: Self::Id, reason: Bytes, retry_ms: u64)
    -> Result<(), Halt>;

    /// Says that so many items are left for the next block.
    ///
    /// # Errors
    /// Gas.
    fn say_left(cx: &mut Ctx<'_>, count: U256) -> Result<(), Halt>;

    /// Why so many items are refused.
    fn too_many(count: U256, max: U256) -> Halt;
}

/// The block's time in seconds.
pub(crate) fn now_s(cx: &Ctx<'_>) -> u32 {
    let s = cx.store.block().time_ms.checked_div(MS_PER_S);
    u32::try_from(s.unwrap_or_default()).unwrap_or(u32::MAX)
}

/// How long an item waits that failed so many times in a row.
pub(crate) fn retry_s(failures: u8) -> u32 {
    let doublings = u32::from(failures.saturating_sub(1).min(RETRY_DOUBLINGS_MAX));
    RETRY_S.checked_shl(doublings).unwrap_or(u32::MAX)
}

/// Looks at each item.
///
/// # Errors
/// That of the room for too many, and gas.
pub(crate) fn look_at_all<R: Looks>(cx: &mut Ctx<'_>, ids: &[R::Id]) -> Result<Bytes, Halt> {
    if ids.len() > R::LOOKS_MAX {
        return Err(R::too_many(U256::from(ids.len()), U256::from(R::LOOKS_MAX)));
    }
    for (done, id) in ids.iter().enumerate() {
        let gas_before = cx.store.gas_left();
        if gas_before < R::LOOK_GAS {
            R::say_left(cx, U256::from(ids.len().saturating_sub(done)))?;
            break;
        }
        let seen = match cx.attempt_item(|cx| R::look(cx, *id))? {
            Ok(seen) => seen,
            Err(reason) => {
                put_off::<R>(cx, *id, reason)?;
                R::Seen::default()
            }
        };
        let gas = gas_before.saturating_sub(cx.store.gas_left());
        let cost_wei = cost_wei(cx, gas);
        // Where even its words cannot be read it stays due, and fails again: nothing else can be said of it.
        let _ = cx.attempt_item(|cx| R::settle(cx, *id, seen, cost_wei))?;
    }
    Ok(Bytes::new())
}

fn put_off<R: Looks>(cx: &mut Ctx<'_>, id: R::Id, reason: Bytes) -> Result<(), Halt> {
    let retry = cx.attempt_item(|cx| {
        let failures = R::count_failure(cx, id)?;
        let at_s = R::wait_for(cx, id, retry_s(failures))?;
        Ok(u64::from(at_s).saturating_mul(MS_PER_S))
    })?;
    R::say_failed(cx, id, reason, retry.unwrap_or_default())
}

/// What a look cost: its gas at the base fee of its block.
fn cost_wei(cx: &Ctx<'_>, gas: u64) -> u128 {
    let gas = U256::from(gas.saturating_add(SETTLE_GAS));
    let cost = gas.saturating_mul(U256::from(cx.store.block().base_fee_wei));
    u128::try_from(cost).unwrap_or(u128::MAX)
}
