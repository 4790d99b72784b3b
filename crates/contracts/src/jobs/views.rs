//! Answers to whoever asks.

use alloy_primitives::{Address, B256};
use capstan_state::{Ctx, Halt};

use super::{
    IJobs::{
        self, JobParams, KeyLimits, OfferTerms, Price, SpendingKey, Voucher, auditorRecordReturn,
        epochReturn, machinesInReturn, paramsReturn,
    },
    STATE, audit, channels, claims, classes,
    error::JobsNotPicked,
    math::index_of,
    offers,
    params::{self, Params},
};
use crate::{machines, revert};

/// Most items of a list in one answer.
const LIST_MAX: u64 = 1_000;

pub(super) fn classes(cx: &mut Ctx<'_>) -> Result<Vec<u32>, Halt> {
    STATE.class_ids.load(cx)
}

pub(super) fn class(cx: &mut Ctx<'_>, id: u32) -> Result<IJobs::ServiceClass, Halt> {
    Ok(classes::known(cx, id)?.to_abi())
}

pub(super) fn price(cx: &mut Ctx<'_>, id: u32, region: u32) -> Result<Price, Halt> {
    let (params, class) = (params::known(cx)?, classes::known(cx, id)?);
    let epoch = params.epoch_at(cx.store.block().time_ms);
    let cell = classes::cell(cx, (id, &class), region, epoch)?;
    let prices = class.prices_at(cell.level)?;
    Ok(Price {
        epoch,
        level: cell.level,
        levelBefore: cell.level_before,
        inputPrice: prices.input.to_u256(),
        outputPrice: prices.output.to_u256(),
        used: cell.used,
        offered: cell.offered,
    })
}

pub(super) fn machines_in(
    cx: &mut Ctx<'_>,
    id: u32,
    from: u32,
    count: u32,
) -> Result<machinesInReturn, Halt> {
    classes::known(cx, id)?;
    let sellers = STATE.sellers.at(id);
    let all = sellers.len(cx)?;
    let count = count.min(u32::try_from(LIST_MAX).unwrap_or(u32::MAX));
    let end = from.saturating_add(count).min(all);
    let mut ids = Vec::new();
    for place in from..end {
        ids.extend(sellers.get(cx, place)?);
    }
    Ok(machinesInReturn {
        machineIds: ids,
        next: if end < all { end } else { 0 },
    })
}

pub(super) fn offer(cx: &mut Ctx<'_>, id: u64, class_id: u32) -> Result<IJobs::Offer, Halt> {
    let (params, class) = (params::known(cx)?, classes::known(cx, class_id)?);
    let offer = offers::known(cx, id, class_id)?;
    let (status, about) = (machines::status(cx, id)?, machines::about(cx, id)?);
    let epoch = params.epoch_at(cx.store.block().time_ms);
    let cell = classes::cell(cx, (class_id, &class), offer.region, epoch)?;
    let prices = offer.prices(epoch, class.prices_at(cell.level)?);
    let last = STATE.uses.at((id, class_id)).load(cx)?;
    let allowance = offers::allowed(cx, id, class_id, &params)?;
    Ok(IJobs::Offer {
        terms: OfferTerms {
            machineId: id,
            classId: class_id,
            inputFloor: offer.input_floor.to_u256(),
            outputFloor: offer.output_floor.to_u256(),
            isOpen: offer.is_open,
            sequence: offer.sequence,
            endpoint: STATE.endpoints.at((id, class_id)).load(cx)?,
        },
        floorsFrom: offer.floors_from,
        region: offer.region,
        state: status.state.number(),
        reason: status.reason.number(),
        inputPrice: prices.input.to_u256(),
        outputPrice: prices.output.to_u256(),
        allowed: allowance.ahead,
        perEpoch: allowance.per_epoch,
        used: last.left_at(epoch.saturating_sub(1), allowance.per_epoch),
        bond: about.bond.to_u256(),
        reserved: STATE.standings.at(id).load(cx)?.reserved.to_u256(),
    })
}

pub(super) fn customer(cx: &mut Ctx<'_>, who: Address) -> Result<IJobs::Customer, Halt> {
    let customer = STATE.customers.at(who).load(cx)?;
    Ok(IJobs::Customer {
        free: customer.free.to_u256(),
        bound: customer.bound.to_u256(),
        claimed: customer.claimed.to_u256(),
        paid: customer.paid.to_u256(),
        sinceMs: customer.since_ms,
        keys: STATE.key_lists.at(who).load(cx)?,
        lastChannel: STATE.last_channels.at(who).load(cx)?,
    })
}

pub(super) fn key(cx: &mut Ctx<'_>, who: Address, key: Address) -> Result<SpendingKey, Halt> {
    let now_ms = cx.store.block().time_ms;
    let stored = STATE.keys.at((who, key)).load(cx)?;
    Ok(SpendingKey {
        limits: KeyLimits {
            total: stored.total.to_u256(),
            perPeriod: stored.per_period.to_u256(),
            periodMs: stored.period_ms,
            untilMs: stored.until_ms,
        },
        isRevoked: stored.is_revoked,
        spent: stored.spent.to_u256(),
        spentInPeriod: stored.in_period_at(now_ms).to_u256(),
        left: stored.left_at(now_ms).to_u256(),
    })
}

pub(super) fn channel(cx: &mut Ctx<'_>, id: B256) -> Result<IJobs::Channel, Halt> {
    let (params, channel) = (params::known(cx)?, channels::known(cx, id)?);
    Ok(IJobs::Channel {
        customer: channel.customer,
        key: channel.key,
        machineId: channel.machine,
        classId: channel.class,
        sequence: channel.sequence,
        untilMs: channel.until_ms,
        lastEpoch: channel.last_epoch(&params),
        freeFromMs: channel.free_from_ms(cx, &params)?,
        claimedEpoch: channel.claimed_epoch,
        held: channel.held.to_u256(),
        bound: channel.bound.to_u256(),
        claimed: channel.claimed.to_u256(),
        paid: channel.paid.to_u256(),
        returned: channel.returned.to_u256(),
        previous: channel.previous,
    })
}

pub(super) fn claim_count(cx: &mut Ctx<'_>) -> Result<u64, Halt> {
    STATE.claim_count.load(cx)
}

pub(super) fn claim(cx: &mut Ctx<'_>, id: u64) -> Result<IJobs::Claim, Halt> {
    let claim = claims::known(cx, id)?;
    let channel = channels::known(cx, claim.channel)?;
    let phase = claim.phase(cx)?;
    let due_ms = claim.due_ms(cx, phase)?;
    Ok(IJobs::Claim {
        channel: claim.channel,
        machineId: claim.machine,
        classId: claim.class,
        customer: channel.customer,
        voucher: Voucher {
            channel: claim.channel,
            epoch: claim.epoch,
            cost: claim.cost.to_u256(),
            largest: claim.largest.to_u256(),
            inputUnits: claim.input_units,
            outputUnits: claim.output_units,
            receipts: claim.receipts,
            root: claim.root,
        },
        phase: phase.number(),
        reason: claim.reason,
        dueMs: due_ms,
        madeMs: claim.made_ms,
        seedBlock: claim.seed_block,
        seed: claim.seed,
        picks: claim.indices(),
        slash: claim.slash.to_u256(),
        fee: claim.fee.to_u256(),
        inputPrice: claim.input_price.to_u256(),
        outputPrice: claim.output_price.to_u256(),
    })
}

pub(super) fn claims_of(
    cx: &mut Ctx<'_>,
    machine: u64,
    before: u64,
    count: u64,
) -> Result<Vec<u64>, Halt> {
    let mut id = STATE.standings.at(machine).load(cx)?.last_claim;
    let mut ids = Vec::new();
    // From the newest on: what is behind `before` is passed, a bounded number of steps in all.
    for _ in 0..LIST_MAX {
        let is_whole = u64::try_from(ids.len()).is_ok_and(|all| all >= count);
        if id == 0 || is_whole {
            break;
        }
        if before == 0 || id < before {
            ids.push(id);
        }
        id = STATE.claims.at(id).load(cx)?.previous;
    }
    Ok(ids)
}

pub(super) fn pick(cx: &mut Ctx<'_>, id: u64, pick: u32) -> Result<IJobs::Pick, Halt> {
    let claim = claims::known(cx, id)?;
    if pick >= claim.picks {
        return Err(revert(&JobsNotPicked { claimId: id, pick }));
    }
    let findings = audit::findings(cx, id, pick)?;
    let revealed = findings.iter().filter(|(_, finding)| finding.is_shown);
    let revealed = u32::try_from(revealed.count()).unwrap_or(u32::MAX);
    let verdict = audit::verdict(claim.quorum, &findings);
    Ok(IJobs::Pick {
        index: index_of(claim.seed, pick, claim.picks, claim.receipts),
        receipt: STATE.shown.at((id, pick)).load(cx)?,
        auditors: findings.into_iter().map(|(auditor, _)| auditor).collect(),
        revealed,
        verdict,
    })
}

pub(super) fn machine_record(cx: &mut Ctx<'_>, id: u64) -> Result<IJobs::MachineRecord, Halt> {
    let standing = STATE.standings.at(id).load(cx)?;
    Ok(IJobs::MachineRecord {
        claimsPaid: standing.claims_paid,
        claimsVoid: standing.claims_void,
        receiptsPaid: standing.receipts_paid,
        receiptsVoid: standing.receipts_void,
        funded: standing.funded.to_u256(),
        earned: standing.earned.to_u256(),
        slashed: standing.slashed.to_u256(),
        lastReason: standing.last_reason,
        lastVoidMs: standing.last_void_ms,
    })
}

pub(super) fn auditor_record(
    cx: &mut Ctx<'_>,
    auditor: Address,
) -> Result<auditorRecordReturn, Halt> {
    let record = STATE.auditors.at(auditor).load(cx)?;
    Ok(auditorRecordReturn {
        agreed: record.agreed,
        differed: record.differed,
        silent: record.silent,
    })
}

pub(super) fn epoch(cx: &mut Ctx<'_>) -> Result<epochReturn, Halt> {
    let params = params::known(cx)?;
    let number = params.epoch_at(cx.store.block().time_ms);
    Ok(epochReturn {
        number,
        startMs: params.start_of(number),
        endMs: params.start_of(number.saturating_add(1)),
    })
}

pub(super) fn params(cx: &mut Ctx<'_>) -> Result<paramsReturn, Halt> {
    let current = params::in_force(cx)?.unwrap_or_default();
    let from_ms = STATE.next_from_ms.load(cx)?;
    let is_coming = from_ms > cx.store.block().time_ms;
    let next = if is_coming {
        STATE.next_config.load(cx)?.to_abi()
    } else {
        JobParams::default()
    };
    Ok(paramsReturn {
        current: Params::to_abi(current),
        next,
        nextFromMs: if is_coming { from_ms } else { 0 },
    })
}

pub(super) fn paused(cx: &mut Ctx<'_>) -> Result<u8, Halt> {
    STATE.paused.load(cx)
}
