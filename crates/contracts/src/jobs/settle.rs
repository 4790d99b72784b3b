//! What the block does with claims when they are due: it draws, and later pays or voids (JOB-10).
//!
//! ```text
//!   calldata: claims, in the order of the index
//!   for each:  no seed yet ─► draw, and again when audits are over
//!              picked and not shown, or found wrong ─► void: refund, slash
//!              else ─► fee, income
//!              then ─► auditors of both are credited
//! ```
//!
//! Calldata only says where to look: what is due is judged anew, from state alone.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};
use capstan_units::Assets;

use super::{
    ADDRESS, Claims, FEES, FORFEIT,
    IJobs::{ClaimFailed, ClaimPaid, ClaimVoid, ClaimsLeft},
    POT, STATE, audit, channels, claims, customers,
    draw::draw,
    earnings,
    error::*,
    numbers::{Fault, Phase},
    params,
    pay::{Payment, pay_income, tell_funded},
    state::Claim,
};
use crate::{
    contract::emit,
    ledger,
    looks::{Looks, look_at_all, now_s},
    machines::{self, Reason},
    mutant::mutant,
    revert,
};

/// Most claims of one transaction.
pub const LOOKS_MAX: usize = 256;
/// More gas than any look needs: sixteen picks of sixteen auditors, each paid for the first time.
pub(super) const LOOK_GAS: u64 = 16_000_000;
const MS_PER_S: u64 = 1_000;

/// Calldata of an `Epoch` transaction.
pub fn encode_claims(claims: &[u64]) -> Bytes {
    claims.to_vec().abi_encode().into()
}

/// Looks at each claim.
///
/// # Errors
/// `JobsMalformed`, `JobsTooMany`.
pub(super) fn looks(cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let Ok(claims) = Vec::<u64>::abi_decode_validate(input) else {
        return Err(revert(&JobsMalformed {}));
    };
    look_at_all::<Claims>(cx, &claims)
}

/// Calls the block to a claim that was made just now.
pub(super) fn call_block(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
    let next_s = now_s(cx).saturating_add(1);
    let at_s = mutant!(GoodwillSettles, next_s, 0);
    STATE.dues.at(id).save(cx, at_s)
}

fn call_at_ms(cx: &mut Ctx<'_>, id: u64, at_ms: u64) -> Result<(), Halt> {
    let at_s = u32::try_from(at_ms.div_ceil(MS_PER_S)).unwrap_or(u32::MAX);
    STATE.dues.at(id).save(cx, at_s)
}

impl Looks for Claims {
    type Id = u64;
    type Seen = ();
    const LOOKS_MAX: usize = LOOKS_MAX;
    const LOOK_GAS: u64 = LOOK_GAS;

    fn look(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
        look(cx, id)
    }

    fn count_failure(cx: &mut Ctx<'_>, id: u64) -> Result<u8, Halt> {
        let mut claim = claims::known(cx, id)?;
        claim.failures = claim.failures.saturating_add(1);
        STATE.claims.at(id).save(cx, &claim)?;
        Ok(claim.failures)
    }

    fn wait_for(cx: &mut Ctx<'_>, id: u64, seconds: u32) -> Result<u32, Halt> {
        let at_s = now_s(cx).saturating_add(seconds);
        STATE.dues.at(id).save(cx, at_s)?;
        Ok(at_s)
    }

    /// Looks are paid by the fee of the claim.
    fn settle(_: &mut Ctx<'_>, _: u64, (): (), _: u128) -> Result<(), Halt> {
        Ok(())
    }

    fn say_failed(cx: &mut Ctx<'_>, id: u64, reason: Bytes, retry_ms: u64) -> Result<(), Halt> {
        emit(
            cx,
            &ClaimFailed {
                claimId: id,
                reason,
                retryMs: retry_ms,
            },
        )
    }

    fn say_left(cx: &mut Ctx<'_>, count: U256) -> Result<(), Halt> {
        emit(cx, &ClaimsLeft { count })
    }

    fn too_many(count: U256, max: U256) -> Halt {
        revert(&JobsTooMany { count, max })
    }
}

fn look(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
    let mut claim = claims::known(cx, id)?;
    match claim.phase(cx)? {
        Phase::Waiting => {
            let at_ms = if draw(cx, id, &mut claim)? {
                claim.due_ms(cx, Phase::Revealing)?.saturating_add(1)
            } else {
                cx.store.block().time_ms.saturating_add(MS_PER_S)
            };
            call_at_ms(cx, id, at_ms)
        }
        Phase::Ripe => end(cx, id, claim),
        Phase::Showing | Phase::Committing | Phase::Revealing => {
            let due_ms = claim.due_ms(cx, Phase::Revealing)?;
            call_at_ms(cx, id, due_ms.saturating_add(1))
        }
        Phase::Paid | Phase::Void => STATE.dues.at(id).save(cx, 0),
    }
}

/// Pays a claim, or voids it for the first of its picks that was not shown or is wrong. All auditors are counted first.
fn end(cx: &mut Ctx<'_>, id: u64, claim: Claim) -> Result<(), Halt> {
    let mut fault = None;
    let mut agreed = Vec::new();
    for pick in 0..claim.picks {
        let is_shown = !STATE.shown.at((id, pick)).load(cx)?.is_zero();
        let found = if is_shown {
            audit::judge(cx, id, pick, &claim, &mut agreed)?
        } else {
            Some(Fault::NotShown)
        };
        fault = fault.or(found);
    }
    match fault {
        Some(fault) => {
            let slashed = void(cx, id, claim, fault)?;
            earnings::credit(cx, id, &claim, &agreed, slashed).map(drop)
        }
        None => pay(cx, id, claim, &agreed),
    }
}

/// Ends a claim: nothing stands for it any more. A claim ends once (JOB-2).
fn close(cx: &mut Ctx<'_>, id: u64, claim: Claim, phase: Phase, reason: u8) -> Result<(), Halt> {
    let claim = Claim {
        outcome: phase.number(),
        reason,
        ..claim
    };
    STATE.claims.at(id).save(cx, &claim)?;
    STATE.dues.at(id).save(cx, 0)
}

fn pay(cx: &mut Ctx<'_>, id: u64, claim: Claim, agreed: &[Address]) -> Result<(), Halt> {
    close(cx, id, claim, Phase::Paid, 0)?;
    let params = params::known(cx)?;
    let mut channel = channels::known(cx, claim.channel)?;
    channel.claimed = channel.claimed.sub(claim.cost)?;
    channel.paid = channel.paid.add(claim.cost)?;
    STATE.channels.at(claim.channel).save(cx, &channel)?;
    let customer = customers::change(cx, channel.customer, |customer| {
        customer.claimed = customer.claimed.sub(claim.cost)?;
        customer.paid = customer.paid.add(claim.cost)?;
        Ok(())
    })?;
    customers::leave_escrow(cx, claim.cost)?;
    let amount = claim.cost.sub(claim.fee)?;
    STATE.standings.at(claim.machine).update(cx, |standing| {
        standing.reserved = standing.reserved.sub(claim.slash)?;
        standing.funded = standing.funded.sub(claim.cost)?;
        standing.earned = standing.earned.add(amount).unwrap_or(Assets::MAX);
        standing.claims_paid = standing.claims_paid.saturating_add(1);
        let receipts = u64::from(claim.receipts);
        standing.receipts_paid = standing.receipts_paid.saturating_add(receipts);
        Ok(())
    })?;
    ledger::shift(cx, params.asset, POT, FEES, claim.fee)?;
    let audits = earnings::credit(cx, id, &claim, agreed, claim.slash)?;
    pay_income(
        cx,
        &Payment {
            machine: claim.machine,
            customer: channel.customer,
            first_seen_ms: customer.since_ms,
            asset: params.asset,
            amount,
            // What auditors are paid may come back to him who pays: it is not gone (INC-11).
            fee: claim.fee.sub_or_zero(audits),
        },
    )?;
    tell_funded(cx, claim.machine)?;
    emit(
        cx,
        &ClaimPaid {
            claimId: id,
            machineId: claim.machine,
            customer: channel.customer,
            amount: amount.to_u256(),
            fee: claim.fee.to_u256(),
        },
    )
}

/// Gives everything back to the customer, and takes what stood for the claim (JOB-9). Answers how much of it was there.
pub(super) fn void(cx: &mut Ctx<'_>, id: u64, claim: Claim, fault: Fault) -> Result<Assets, Halt> {
    close(cx, id, claim, Phase::Void, fault.number())?;
    let mut channel = channels::known(cx, claim.channel)?;
    channel.claimed = channel.claimed.sub(claim.cost)?;
    channel.returned = channel.returned.add(claim.cost)?;
    STATE.channels.at(claim.channel).save(cx, &channel)?;
    customers::unspend(cx, channel.customer, channel.key, claim.cost)?;
    customers::change(cx, channel.customer, |customer| {
        customer.claimed = customer.claimed.sub(claim.cost)?;
        customer.free = customer.free.add(claim.cost)?;
        Ok(())
    })?;
    let slashed = machines::slash(cx, claim.machine, claim.slash, FORFEIT, Reason::Slashed)?;
    let now_ms = cx.store.block().time_ms;
    STATE.standings.at(claim.machine).update(cx, |standing| {
        standing.reserved = standing.reserved.sub(claim.slash)?;
        standing.funded = standing.funded.sub(claim.cost)?;
        standing.slashed = standing.slashed.add(slashed).unwrap_or(Assets::MAX);
        standing.claims_void = standing.claims_void.saturating_add(1);
        let receipts = u64::from(claim.receipts);
        standing.receipts_void = standing.receipts_void.saturating_add(receipts);
        standing.last_reason = fault.number();
        standing.last_void_ms = now_ms;
        Ok(())
    })?;
    tell_funded(cx, claim.machine)?;
    emit(
        cx,
        &ClaimVoid {
            claimId: id,
            machineId: claim.machine,
            customer: channel.customer,
            reason: fault.number(),
            refunded: claim.cost.to_u256(),
            slashed: slashed.to_u256(),
        },
    )?;
    Ok(slashed)
}
