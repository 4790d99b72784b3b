//! What the block does with machines that owe: it pays instalments that fell due from what is reserved, and takes the next
//! step with those that do not pay (INC-14). The frame is that of `income`.
//!
//! ```text
//!   calldata: machines, in the order of the index
//!   for each:  share out what came and what is reserved ─► the step that is due, if one is ─► when to come again
//! ```
//!
//! Calldata only says where to look: what is due is judged anew, from state alone, as `advance` does for anybody.

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};

use super::{
    ADDRESS, Debts,
    IIncome::{MachineLookFailed, MachinesLeft},
    book,
    error::*,
    market::STATE,
    recover,
    state::Book,
};
use crate::{
    contract::emit,
    looks::{Looks, look_at_all, now_s},
    mutant::mutant,
    revert,
};

/// Most machines of one transaction.
pub const LOOKS_MAX: usize = 64;
/// More gas than any look needs: eight loans of a hundred and twenty instalments.
pub(super) const LOOK_GAS: u64 = 8_000_000;
/// A machine that owes is looked at so often at least: bonds are taken and lives end in other rooms, which tell nobody.
pub(super) const LOOK_MS: u64 = 3_600_000;
const MS_PER_S: u64 = 1_000;

/// Calldata of a `Recover` transaction.
pub fn encode_machines(machines: &[u64]) -> Bytes {
    machines.to_vec().abi_encode().into()
}

/// Looks at each machine.
///
/// # Errors
/// `IncomeMalformed`, `IncomeTooMany`.
pub(super) fn looks(cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let Ok(machines) = Vec::<u64>::abi_decode_validate(input) else {
        return Err(revert(&IncomeMalformed {}));
    };
    look_at_all::<Debts>(cx, &machines)
}

/// Calls the block to a machine when there will be something to do with it, if anything.
pub(super) fn call_block(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<(), Halt> {
    let called_s = match called_ms(cx, id, book)? {
        None => 0,
        Some(at_ms) => {
            let at_s = u32::try_from(at_ms.div_ceil(MS_PER_S)).unwrap_or(u32::MAX);
            // What is due now was looked at now.
            at_s.max(now_s(cx).saturating_add(1))
        }
    };
    let at_s = mutant!(GoodwillAdvances, called_s, 0);
    STATE.dues.at(id).save(cx, at_s)
}

/// Calls the block to a machine as soon as it can come. One whose looks fail waits as long as it has to.
pub(super) fn call_at_once(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
    let place = STATE.dues.at(id);
    if place.load(cx)? != 0 && STATE.failures.at(id).load(cx)? != 0 {
        return Ok(());
    }
    let at_s = now_s(cx).saturating_add(1);
    place.save(cx, at_s)
}

/// The block has nothing to do with a machine any more.
pub(super) fn leave_alone(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
    STATE.dues.at(id).save(cx, 0)
}

fn called_ms(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<Option<u64>, Halt> {
    if book.principal.is_zero() {
        return Ok(None);
    }
    let now_ms = cx.store.block().time_ms;
    let at_ms = recover::next_ms(cx, id, book)?;
    let at_ms = at_ms.min(now_ms.saturating_add(LOOK_MS));
    // In a case all income pays at once: instalments are not waited for.
    if book.case_id != 0 {
        return Ok(Some(at_ms));
    }
    let due_ms = book::next_due_ms(cx, id)?;
    Ok(Some(due_ms.map_or(at_ms, |due_ms| due_ms.min(at_ms))))
}

impl Looks for Debts {
    type Id = u64;
    type Seen = ();
    const LOOKS_MAX: usize = LOOKS_MAX;
    const LOOK_GAS: u64 = LOOK_GAS;

    fn look(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
        recover::advance(cx, id)?;
        STATE.failures.at(id).save(cx, 0)
    }

    fn count_failure(cx: &mut Ctx<'_>, id: u64) -> Result<u8, Halt> {
        let place = STATE.failures.at(id);
        let failures = place.load(cx)?.saturating_add(1);
        place.save(cx, failures)?;
        Ok(failures)
    }

    fn wait_for(cx: &mut Ctx<'_>, id: u64, seconds: u32) -> Result<u32, Halt> {
        let at_s = now_s(cx).saturating_add(seconds);
        STATE.dues.at(id).save(cx, at_s)?;
        Ok(at_s)
    }

    /// Looks are paid by the interest of the loans that they keep.
    fn settle(_: &mut Ctx<'_>, _: u64, (): (), _: u128) -> Result<(), Halt> {
        Ok(())
    }

    fn say_failed(cx: &mut Ctx<'_>, id: u64, reason: Bytes, retry_ms: u64) -> Result<(), Halt> {
        emit(
            cx,
            &MachineLookFailed {
                machineId: id,
                reason,
                retryMs: retry_ms,
            },
        )
    }

    fn say_left(cx: &mut Ctx<'_>, count: U256) -> Result<(), Halt> {
        emit(cx, &MachinesLeft { count })
    }

    fn too_many(count: U256, max: U256) -> Halt {
        revert(&IncomeTooMany { count, max })
    }
}
