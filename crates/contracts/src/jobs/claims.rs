//! Claims: the last voucher of a channel's epoch, however many receipts it stands for.

use alloy_primitives::{B256, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::Assets;

use super::{
    IJobs::{Claimed, Signature, Voucher},
    RECEIPTS_MAX, SEED_BLOCKS, STATE, channels,
    classes::{self, cell, change_cell},
    customers,
    error::*,
    late,
    math::Prices,
    numbers::Phase,
    offers,
    params::{self, Params},
    settle, signed,
    state::{Channel, Claim, Class, Offer, Use},
};
use crate::{
    contract::emit,
    machines::{self, About},
    revert, still,
};

/// A claim that there is.
///
/// # Errors
/// `JobsNoClaim`.
pub(super) fn known(cx: &mut Ctx<'_>, id: u64) -> Result<Claim, Halt> {
    let claim = STATE.claims.at(id).load(cx)?;
    if claim.receipts == 0 {
        return Err(revert(&JobsNoClaim { claimId: id }));
    }
    Ok(claim)
}

/// A claim in a phase.
///
/// # Errors
/// `JobsNoClaim`, `JobsWrongPhase`.
pub(super) fn in_phase(cx: &mut Ctx<'_>, id: u64, wanted: Phase) -> Result<Claim, Halt> {
    let claim = known(cx, id)?;
    let phase = claim.phase(cx)?;
    if phase == wanted {
        return Ok(claim);
    }
    Err(wrong_phase(id, phase))
}

pub(super) fn wrong_phase(id: u64, phase: Phase) -> Halt {
    revert(&JobsWrongPhase {
        claimId: id,
        phase: phase.number(),
    })
}

impl Claim {
    /// Where it is now (JOB-11). Time for which the chain stood still is in no phase (JOB-17): then nobody could show or say
    /// anything. What is shown in time by the clock is so by any count, so that most ask no more than that.
    pub(super) fn phase(&self, cx: &mut Ctx<'_>) -> Result<Phase, Halt> {
        match self.outcome {
            0 => {}
            number if number == Phase::Paid.number() => return Ok(Phase::Paid),
            _ => return Ok(Phase::Void),
        }
        if self.seed.is_zero() {
            return Ok(Phase::Waiting);
        }
        let now_ms = cx.store.block().time_ms;
        let mut passed_ms = now_ms.saturating_sub(self.drawn_ms);
        if passed_ms > self.window_ms(Phase::Showing) {
            passed_ms = still::passed_ms(cx, self.drawn_ms, now_ms)?;
        }
        let timed = [Phase::Showing, Phase::Committing, Phase::Revealing];
        let phase = timed
            .into_iter()
            .find(|phase| passed_ms <= self.window_ms(*phase));
        Ok(phase.unwrap_or(Phase::Ripe))
    }

    /// From drawing it to the end of a phase; zero where that ends by no time.
    fn window_ms(&self, phase: Phase) -> u64 {
        let committed_ms = self.show_ms.saturating_add(self.commit_ms);
        match phase {
            Phase::Showing => self.show_ms,
            Phase::Committing => committed_ms,
            Phase::Revealing => committed_ms.saturating_add(self.reveal_ms),
            Phase::Waiting | Phase::Ripe | Phase::Paid | Phase::Void => 0,
        }
    }

    /// Until when a phase lasts, by what is known now; zero where that ends by no time.
    pub(super) fn due_ms(&self, cx: &mut Ctx<'_>, phase: Phase) -> Result<u64, Halt> {
        match self.window_ms(phase) {
            0 => Ok(0),
            window_ms => still::until_ms(cx, self.drawn_ms, window_ms),
        }
    }

    /// Its prices.
    pub(super) fn prices(&self) -> Prices {
        Prices {
            input: self.input_price,
            output: self.output_price,
        }
    }
}

/// What is read of a voucher, in the numbers of the store.
struct Asked {
    cost: Assets,
    largest: Assets,
}

impl Asked {
    /// A voucher that does not contradict itself.
    fn checked(voucher: &Voucher) -> Result<Self, Halt> {
        let receipts = U256::from(voucher.receipts);
        let bad = |what: &str| {
            Err(revert(&JobsBadVoucher {
                what: what.to_owned(),
            }))
        };
        match voucher {
            _ if voucher.receipts == 0 || voucher.receipts > RECEIPTS_MAX => bad("receipts"),
            _ if voucher.root.is_zero() => bad("root"),
            _ if voucher.cost.is_zero() => bad("cost"),
            _ if voucher.largest > voucher.cost => bad("largest"),
            // The dearest is at least the mean.
            _ if voucher.largest.saturating_mul(receipts) < voucher.cost => bad("largest"),
            _ => Ok(Self {
                cost: Assets::from_u256(voucher.cost)?,
                largest: Assets::from_u256(voucher.largest)?,
            }),
        }
    }
}

/// Claims what a channel owes for the epoch that is over.
///
/// # Errors
/// `JobsNotOpen`, `JobsNoChannel`, `JobsBadVoucher`, `JobsBadSignature`, `JobsWrongEpoch`, `JobsClaimed`, `JobsHoldOver`,
/// `JobsOverBound`, `JobsNotServing`, `JobsOverPriced`, `JobsOverCapacity`, `JobsTooSmall`, `JobsBondAsset`,
/// `JobsBondLeavesEarly`, `JobsOverBond`.
pub(super) fn claim(
    cx: &mut Ctx<'_>,
    voucher: &Voucher,
    by_key: &Signature,
    by_machine: &Signature,
) -> Result<u64, Halt> {
    let params = params::known(cx)?;
    let mut channel = channels::known(cx, voucher.channel)?;
    let asked = Asked::checked(voucher)?;
    let about = machines::about(cx, channel.machine)?;
    let digest = signed::voucher_digest(cx, voucher)?;
    signed::expect_said(cx, channel.key, digest, by_key)?;
    signed::expect_said(cx, about.key, digest, by_machine)?;
    expect_time(cx, voucher, &channel, &params)?;
    if channel.bound < asked.cost {
        return Err(revert(&JobsOverBound {
            channel: voucher.channel,
            bound: channel.bound.to_u256(),
            cost: voucher.cost,
        }));
    }
    let class = classes::known(cx, channel.class)?;
    let mut offer = offers::known(cx, channel.machine, channel.class)?;
    let prices = priced(cx, voucher, &channel, &class, &offer, &params)?;
    count_work(cx, voucher, (&channel, &class), &mut offer, &params, &about)?;
    let fee = params.fee_up(asked.cost)?;
    if fee >= asked.cost {
        return Err(revert(&JobsTooSmall {
            cost: voucher.cost,
            fee: fee.to_u256(),
        }));
    }
    let slash = params.slash_of(asked.largest, voucher.receipts)?;
    let slash = slash.max(params.audits_up(fee, voucher.receipts));
    let previous = reserve(cx, channel.machine, slash, &about, &params)?;
    channel.claimed_epoch = voucher.epoch;
    channel.bound = channel.bound.sub(asked.cost)?;
    channel.claimed = channel.claimed.add(asked.cost)?;
    STATE.channels.at(voucher.channel).save(cx, &channel)?;
    customers::change(cx, channel.customer, |customer| {
        customer.bound = customer.bound.sub(asked.cost)?;
        customer.claimed = customer.claimed.add(asked.cost)?;
        Ok(())
    })?;
    let terms = Claim {
        fee,
        slash,
        previous,
        input_price: prices.input,
        output_price: prices.output,
        ..made(cx, voucher, &channel, &asked, &params)
    };
    begin(cx, voucher.channel, &terms)
}

/// The epoch before this one, or an older one whose time for claims the chain's standing still took (JOB-17); once, and not behind the
/// hold's end.
fn expect_time(
    cx: &mut Ctx<'_>,
    voucher: &Voucher,
    channel: &Channel,
    params: &Params,
) -> Result<(), Halt> {
    let claimable = params.epoch_at(cx.store.block().time_ms).saturating_sub(1);
    let is_late = voucher.epoch < claimable && params.is_claimable(cx, voucher.epoch)?;
    if voucher.epoch != claimable && !is_late {
        return Err(revert(&JobsWrongEpoch {
            epoch: voucher.epoch,
            claimable,
        }));
    }
    if voucher.epoch <= channel.claimed_epoch {
        return Err(revert(&JobsClaimed {
            channel: voucher.channel,
            epoch: voucher.epoch,
        }));
    }
    let last_epoch = channel.last_epoch(params);
    if voucher.epoch > last_epoch {
        return Err(revert(&JobsHoldOver {
            channel: voucher.channel,
            epoch: voucher.epoch,
            lastEpoch: last_epoch,
        }));
    }
    Ok(())
}

/// The prices of the voucher's epoch, which its cost respects: each receipt may round up by one unit.
fn priced(
    cx: &mut Ctx<'_>,
    voucher: &Voucher,
    channel: &Channel,
    class: &Class,
    offer: &Offer,
    params: &Params,
) -> Result<Prices, Halt> {
    let epoch = params.epoch_at(cx.store.block().time_ms);
    let level = match voucher.epoch.saturating_add(1) == epoch {
        true => cell(cx, (channel.class, class), offer.region, epoch)?.level_before,
        false => late::level(cx, (channel.class, class), offer.region, voucher.epoch)?,
    };
    let region = class.prices_at(level)?;
    let prices = offer.prices(voucher.epoch, region);
    let most = prices.cost_down(voucher.inputUnits, voucher.outputUnits)?;
    let most = most.saturating_add(U256::from(voucher.receipts));
    if voucher.cost > most {
        return Err(revert(&JobsOverPriced {
            cost: voucher.cost,
            most,
        }));
    }
    Ok(prices)
}

/// Counts work against what the machine can do (JOB-4), and for the price of its region.
fn count_work(
    cx: &mut Ctx<'_>,
    voucher: &Voucher,
    of: (&Channel, &Class),
    offer: &mut Offer,
    params: &Params,
    about: &About,
) -> Result<(), Halt> {
    let (channel, class) = of;
    let (machine, class_id) = (channel.machine, channel.class);
    offers::expect_serving(cx, machine)?;
    let work = class.work_up(voucher.inputUnits, voucher.outputUnits);
    let place = STATE.uses.at((machine, class_id));
    let last = place.load(cx)?;
    let is_older = voucher.epoch < last.epoch;
    let allowance = offers::allowed(cx, machine, class_id, params)?;
    let before = if is_older {
        late::work(cx, machine, class_id, voucher.epoch)?
    } else {
        last.left_at(voucher.epoch, allowance.per_epoch)
    };
    let (sum, allowed) = (before.saturating_add(work), allowance.ahead);
    if sum > allowed {
        return Err(revert(&JobsOverCapacity {
            machineId: machine,
            classId: class_id,
            epoch: voucher.epoch,
            work: sum,
            allowed,
        }));
    }
    let next = Use {
        epoch: voucher.epoch,
        work: sum,
        allowed,
        per_epoch: allowance.per_epoch,
    };
    if is_older {
        late::keep_work(cx, machine, class_id, &next)?;
    } else {
        if last.epoch < voucher.epoch && params.is_claimable(cx, last.epoch)? {
            late::keep_work(cx, machine, class_id, &last)?;
        }
        place.save(cx, &next)?;
    }
    offers::recount(cx, machine, (class_id, class), offer, params, about)?;
    STATE.offers.at((machine, class_id)).save(cx, offer)?;
    let epoch = params.epoch_at(cx.store.block().time_ms);
    change_cell(cx, (class_id, class), offer.region, epoch, |cell| {
        cell.used = cell.used.saturating_add(work);
    })
}

/// Lets a part of the bond stand for a claim (JOB-5). Answers the machine's claim before.
fn reserve(
    cx: &mut Ctx<'_>,
    machine: u64,
    slash: Assets,
    about: &About,
    params: &Params,
) -> Result<u64, Halt> {
    offers::expect_bond_asset(machine, about, params)?;
    let (unbond_ms, audit_ms) = (machines::unbond_ms(cx)?, params.audit_ms());
    if unbond_ms < audit_ms.saturating_mul(2) {
        return Err(revert(&JobsBondLeavesEarly {
            unbondMs: unbond_ms,
            auditMs: audit_ms,
        }));
    }
    let place = STATE.standings.at(machine);
    let mut standing = place.load(cx)?;
    let need = standing.reserved.add(slash)?;
    if need > about.bond {
        return Err(revert(&JobsOverBond {
            machineId: machine,
            bond: about.bond.to_u256(),
            reserved: standing.reserved.to_u256(),
            need: slash.to_u256(),
        }));
    }
    standing.reserved = need;
    let number = STATE.claim_count.load(cx)?.checked_add(1);
    let previous = core::mem::replace(&mut standing.last_claim, number.ok_or_else(Halt::overflow)?);
    place.save(cx, &standing)?;
    Ok(previous)
}

fn made(
    cx: &Ctx<'_>,
    voucher: &Voucher,
    channel: &Channel,
    asked: &Asked,
    params: &Params,
) -> Claim {
    let block = cx.store.block();
    Claim {
        channel: voucher.channel,
        root: voucher.root,
        machine: channel.machine,
        class: channel.class,
        epoch: voucher.epoch,
        cost: asked.cost,
        largest: asked.largest,
        input_units: voucher.inputUnits,
        output_units: voucher.outputUnits,
        receipts: voucher.receipts,
        made_ms: block.time_ms,
        seed_block: block.number.saturating_add(SEED_BLOCKS),
        show_ms: params.show_ms,
        commit_ms: params.commit_ms,
        reveal_ms: params.reveal_ms,
        audit_ppm: params.audit_ppm,
        quorum: params.quorum,
        audit_pay: params.audit_pay,
        ..Claim::default()
    }
}

fn begin(cx: &mut Ctx<'_>, channel: B256, claim: &Claim) -> Result<u64, Halt> {
    let id = STATE.claim_count.load(cx)?.checked_add(1);
    let id = id.ok_or_else(Halt::overflow)?;
    STATE.claim_count.save(cx, id)?;
    STATE.claims.at(id).save(cx, claim)?;
    settle::call_block(cx, id)?;
    emit(
        cx,
        &Claimed {
            claimId: id,
            channel,
            machineId: claim.machine,
            epoch: claim.epoch,
            cost: claim.cost.to_u256(),
            receipts: claim.receipts,
            root: claim.root,
            seedBlock: claim.seed_block,
        },
    )?;
    Ok(id)
}
