//! What machines offer, and how much of it counts.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::Assets;

use super::{
    IJobs::{OfferTerms, Offered, Signature},
    OFFERS_MAX, Pause, STATE,
    classes::{self, change_cell, full},
    error::*,
    listing,
    params::{self, Params, refuse},
    signed,
    state::{Class, Offer},
};
use crate::{
    contract::emit,
    machines::{self, About, Reason, State},
    mutant::mutant,
    revert,
};

/// Offers a class, or ends that, by the word of the machine's key (JOB-7). Floors count from the next epoch on, and they
/// stay while vouchers of an epoch before them are claimed: so the floors of an epoch are known as long as its vouchers are.
///
/// # Errors
/// `JobsPaused`, `JobsNotOpen`, `JobsUnknownClass`, `JobsClassClosed`, `MachinesUnknown`, `JobsBadSignature`,
/// `JobsSequenceUsed`, `JobsBondAsset`, `JobsParamOutOfRange`, `JobsFloorsChangedLately`, `JobsFull`, `TextTooLong`.
pub(super) fn offer(
    cx: &mut Ctx<'_>,
    terms: &OfferTerms,
    signature: &Signature,
) -> Result<(), Halt> {
    let (id, class_id) = (terms.machineId, terms.classId);
    let (params, about) = (params::known(cx)?, machines::about(cx, id)?);
    let digest = signed::offer_digest(cx, terms)?;
    signed::expect_said(cx, about.key, digest, signature)?;
    let class = classes::known(cx, class_id)?;
    let place = STATE.offers.at((id, class_id));
    let mut offer = place.load(cx)?;
    if terms.sequence <= offer.sequence {
        return Err(revert(&JobsSequenceUsed {
            sequence: terms.sequence,
            last: offer.sequence,
        }));
    }
    if terms.isOpen {
        listing::expect_not_paused(cx, Pause::Offer)?;
        classes::open_one(cx, class_id)?;
        expect_bond_asset(id, &about, &params)?;
    }
    if offer.sequence == 0 {
        enlist(cx, id, class_id)?;
    }
    set_floors(cx, &mut offer, terms, &class, &params)?;
    offer.sequence = terms.sequence;
    offer.is_open = terms.isOpen;
    STATE
        .endpoints
        .at((id, class_id))
        .save(cx, &terms.endpoint)?;
    recount(cx, id, (class_id, &class), &mut offer, &params, &about)?;
    place.save(cx, &offer)?;
    emit(
        cx,
        &Offered {
            machineId: id,
            classId: class_id,
            terms: terms.clone(),
            floorsFrom: offer.floors_from,
        },
    )
}

fn enlist(cx: &mut Ctx<'_>, id: u64, class_id: u32) -> Result<(), Halt> {
    let sellers = STATE.sellers.at(class_id);
    if sellers.len(cx)? >= OFFERS_MAX {
        return Err(full("offers", OFFERS_MAX));
    }
    sellers.push(cx, id).map(drop)
}

/// A bond in another asset says nothing about what a lie costs here.
pub(super) fn expect_bond_asset(id: u64, about: &About, params: &Params) -> Result<(), Halt> {
    if about.asset == params.asset {
        return Ok(());
    }
    Err(revert(&JobsBondAsset {
        machineId: id,
        bondAssetId: about.asset.get(),
        assetId: params.asset.get(),
    }))
}

/// Only the floors before are kept, so no others are taken while vouchers of an epoch of theirs are claimed: for an epoch, and for
/// longer where the chain stood still (JOB-17).
fn set_floors(
    cx: &mut Ctx<'_>,
    offer: &mut Offer,
    terms: &OfferTerms,
    class: &Class,
    params: &Params,
) -> Result<(), Halt> {
    let epoch = params.epoch_at(cx.store.block().time_ms);
    let highest = class.prices_at(class.level_max)?;
    let floor = |what, floor: U256, highest: Assets| {
        if floor > highest.to_u256() {
            return Err(refuse(what, floor, 0, highest.to_u256()));
        }
        Ok(Assets::from_u256(floor)?)
    };
    let input = floor("inputFloor", terms.inputFloor, highest.input)?;
    let output = floor("outputFloor", terms.outputFloor, highest.output)?;
    let is_new = offer.sequence == 0;
    if !is_new && (input, output) == (offer.input_floor, offer.output_floor) {
        return Ok(());
    }
    let changeable = match offer.floors_from.checked_sub(1) {
        Some(before) if !is_new => {
            let last_ms = params.claimable_until_ms(cx, before)?.saturating_sub(1);
            params.epoch_at(last_ms).saturating_add(1)
        }
        _ => 0,
    };
    if epoch < changeable {
        return Err(revert(&JobsFloorsChangedLately {
            machineId: terms.machineId,
            classId: terms.classId,
            fromEpoch: changeable,
        }));
    }
    (offer.input_before, offer.output_before) = if is_new {
        (input, output)
    } else {
        (offer.input_floor, offer.output_floor)
    };
    (offer.input_floor, offer.output_floor) = (input, output);
    offer.floors_from = if is_new {
        epoch
    } else {
        epoch.saturating_add(1)
    };
    Ok(())
}

/// Looks anew at what a machine can do. Anybody may: whoever sells wants the dark out of the sum, whoever buys wants what came
/// back in it.
///
/// # Errors
/// `JobsNotOpen`, `JobsUnknownClass`, `JobsNoOffer`.
pub(super) fn refresh(cx: &mut Ctx<'_>, id: u64, class_id: u32) -> Result<(), Halt> {
    let (params, class) = (params::known(cx)?, classes::known(cx, class_id)?);
    let mut offer = known(cx, id, class_id)?;
    let about = machines::about(cx, id)?;
    recount(cx, id, (class_id, &class), &mut offer, &params, &about)?;
    STATE.offers.at((id, class_id)).save(cx, &offer)
}

/// What it adds to what is offered in its region. The caller saves the offer.
pub(super) fn recount(
    cx: &mut Ctx<'_>,
    id: u64,
    class: (u32, &Class),
    offer: &mut Offer,
    params: &Params,
    about: &About,
) -> Result<(), Halt> {
    let now = if offer.is_open {
        allowed(cx, id, class.0, params)?.per_epoch
    } else {
        0
    };
    let epoch = params.epoch_at(cx.store.block().time_ms);
    let (before, region) = (offer.offered, offer.region);
    (offer.offered, offer.region) = (now, about.region);
    if region != about.region {
        change_cell(cx, class, region, epoch, |cell| {
            cell.offered = cell.offered.saturating_sub(before);
        })?;
        return change_cell(cx, class, about.region, epoch, |cell| {
            cell.offered = cell.offered.saturating_add(now);
        });
    }
    change_cell(cx, class, region, epoch, |cell| {
        let others = cell.offered.saturating_sub(before);
        cell.offered = others.saturating_add(now);
    })
}

/// An offer that there is or was.
///
/// # Errors
/// `JobsNoOffer`.
pub(super) fn known(cx: &mut Ctx<'_>, id: u64, class_id: u32) -> Result<Offer, Halt> {
    let offer = STATE.offers.at((id, class_id)).load(cx)?;
    if offer.sequence == 0 {
        return Err(revert(&JobsNoOffer {
            machineId: id,
            classId: class_id,
        }));
    }
    Ok(offer)
}

/// How much work a machine may claim in a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// What it can do in an epoch.
    pub(super) per_epoch: u64,
    /// How much may be claimed and not be worked off, at so much an epoch: a slow machine's answer is longer than an epoch of its work.
    pub(super) ahead: u64,
}

/// How much work a machine may claim in a class, by what it is and has proven now (JOB-4). One that has proven what it can may be as
/// far ahead of that as one that has proven nothing.
pub(super) fn allowed(
    cx: &mut Ctx<'_>,
    id: u64,
    class_id: u32,
    params: &Params,
) -> Result<Allowance, Halt> {
    let state = machines::status(cx, id)?.state;
    let capacity = machines::capacity(cx, id, class_id)?;
    let by_challenge = params.work_of_epoch_down(capacity.per_hour);
    let is_unproven = capacity.reason == Reason::NeverProven;
    let proven = mutant!(
        SpecificationCounts,
        by_challenge,
        if is_unproven { u64::MAX } else { by_challenge }
    );
    let per_epoch = match state {
        State::Live | State::Late => proven,
        State::Probation if is_unproven => params.probation_units,
        State::Probation => proven.min(params.probation_units),
        State::Dark | State::Leaving | State::Gone | State::Barred => 0,
    };
    let ahead = match per_epoch {
        0 => 0,
        _ => per_epoch.max(params.probation_units),
    };
    Ok(Allowance { per_epoch, ahead })
}

/// Refuses a machine that does not serve now.
///
/// # Errors
/// `JobsNotServing`.
pub(super) fn expect_serving(cx: &mut Ctx<'_>, id: u64) -> Result<(), Halt> {
    let status = machines::status(cx, id)?;
    if matches!(status.state, State::Live | State::Late | State::Probation) {
        return Ok(());
    }
    Err(revert(&JobsNotServing {
        machineId: id,
        state: status.state.number(),
        reason: status.reason.number(),
    }))
}
