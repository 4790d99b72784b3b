//! The pot of a market and its two tranches: what is idle, lent, owned and lost. Every function takes the frame of
//! `income`, and keeps `idle + lent = units of both tranches` (INC-2).

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{
    ADDRESS,
    IIncome::TrancheReopened,
    Pause,
    error::*,
    math::{Worth, part_down, part_up},
    params::{self, INTEREST_MS, Params},
    share,
    state::{IncomeState, Market, Tranche},
};
use crate::{contract::emit, mutant::mutant, revert};

pub(super) const STATE: IncomeState = IncomeState::new();

/// The tranche of lenders.
pub(super) const LENDERS: u8 = 0;
/// The tranche that loses first.
pub(super) const FIRST_LOSS: u8 = 1;

/// A market, if the asset has one.
pub(super) fn find(cx: &mut Ctx<'_>, id: AssetId) -> Result<Option<Market>, Halt> {
    let market = STATE.markets.at(id).load(cx)?;
    Ok(market.is_open.then_some(market))
}

/// A market that exists.
pub(super) fn known(cx: &mut Ctx<'_>, id: AssetId) -> Result<Market, Halt> {
    find(cx, id)?.ok_or_else(|| revert(&IncomeUnknownMarket { assetId: id.get() }))
}

pub(super) fn save(cx: &mut Ctx<'_>, id: AssetId, market: &Market) -> Result<(), Halt> {
    STATE.markets.at(id).save(cx, market)
}

pub(super) fn tranche(cx: &mut Ctx<'_>, id: AssetId, which: u8) -> Result<Tranche, Halt> {
    STATE.tranches.at((id, which)).load(cx)
}

pub(super) fn save_tranche(
    cx: &mut Ctx<'_>,
    id: AssetId,
    which: u8,
    tranche: &Tranche,
) -> Result<(), Halt> {
    STATE.tranches.at((id, which)).save(cx, tranche)
}

pub(super) fn expect_not_paused(id: AssetId, market: &Market, verb: Pause) -> Result<(), Halt> {
    if market.paused & verb.bit() == 0 {
        return Ok(());
    }
    Err(revert(&IncomePaused {
        assetId: id.get(),
        verb: verb.bit(),
    }))
}

/// What shares of a tranche are worth: as those see it who leave, or as those who come. Who leaves while machines are
/// recovered from supposes that nothing comes of it; so he never leaves a loss to those who stay.
pub(super) fn worth(
    cx: &mut Ctx<'_>,
    id: AssetId,
    which: u8,
    for_deposit: bool,
) -> Result<Worth, Halt> {
    let (now_ms, tranche) = (cx.store.block().time_ms, tranche(cx, id, which)?);
    let mut assets = tranche.assets_down(now_ms)?;
    if !for_deposit {
        assets = assets.sub_or_zero(supposed_loss(cx, id, which)?);
    }
    let worth = Worth {
        assets: assets.to_u256(),
        shares: share::supply_of(cx, id, which, tranche.generation)?,
    };
    if for_deposit && worth.is_ruined() {
        return Ok(Worth::of_seed(tranche.units));
    }
    Ok(worth)
}

/// What a tranche would bear if open cases brought nothing.
fn supposed_loss(cx: &mut Ctx<'_>, id: AssetId, which: u8) -> Result<Assets, Halt> {
    let at_risk = known(cx, id)?.at_risk;
    let first = tranche(cx, id, FIRST_LOSS)?.units.min(at_risk);
    Ok(match which {
        FIRST_LOSS => first,
        _ => mutant!(LendersLeaveWhole, at_risk.sub(first)?, Assets::ZERO),
    })
}

/// Takes a deposit that is in the pot, into a new generation if the old one is ruined. Answers its shares' worth before.
pub(super) fn put_in(cx: &mut Ctx<'_>, id: AssetId, which: u8, amount: Assets) -> Result<(), Halt> {
    let mut market = known(cx, id)?;
    let mut tranche = tranche(cx, id, which)?;
    market.idle = market.idle.add(amount)?;
    tranche.units = tranche.units.add(amount)?;
    save(cx, id, &market)?;
    save_tranche(cx, id, which, &tranche)
}

/// Begins a new generation where the present one is ruined. What is left becomes nobody's shares.
pub(super) fn renew_if_ruined(cx: &mut Ctx<'_>, id: AssetId, which: u8) -> Result<(), Halt> {
    let now_ms = cx.store.block().time_ms;
    let tranche = tranche(cx, id, which)?;
    let worth = Worth {
        assets: tranche.assets_down(now_ms)?.to_u256(),
        shares: share::supply_of(cx, id, which, tranche.generation)?,
    };
    if !worth.is_ruined() {
        return Ok(());
    }
    let generation = tranche.generation.checked_add(1);
    let renewed = Tranche {
        generation: generation.ok_or_else(Halt::overflow)?,
        interest: Assets::ZERO,
        end_ms: 0,
        ..tranche
    };
    save_tranche(cx, id, which, &renewed)?;
    let seed = Worth::of_seed(tranche.units).shares;
    if !seed.is_zero() {
        share::mint(&mut cx.enter(share::address_of(id, which)), ADDRESS, seed)?;
    }
    emit(
        cx,
        &TrancheReopened {
            assetId: id.get(),
            tranche: which,
            generation: renewed.generation,
            seed: tranche.units.to_u256(),
        },
    )
}

/// What may leave a tranche now (INC-6).
pub(super) fn may_leave(cx: &mut Ctx<'_>, id: AssetId, which: u8) -> Result<Assets, Halt> {
    let market = known(cx, id)?;
    if which == LENDERS {
        return Ok(market.idle);
    }
    let params = params::in_force(cx, id)?;
    let units = tranche(cx, id, FIRST_LOSS)?.units;
    let stays = mutant!(
        FirstLossFlees,
        least_first_loss(&market, &params)?,
        Assets::ZERO
    );
    Ok(units.sub_or_zero(stays).min(market.idle))
}

/// How large the first loss must be for what is lent.
pub(super) fn least_first_loss(market: &Market, params: &Params) -> Result<Assets, Halt> {
    let part = part_up(market.lent, params.first_loss_bps.into())?;
    Ok(part.max(market.uncovered))
}

/// Lets an amount of a tranche leave; the caller moves it.
pub(super) fn take_out(
    cx: &mut Ctx<'_>,
    id: AssetId,
    which: u8,
    amount: Assets,
) -> Result<(), Halt> {
    let free = may_leave(cx, id, which)?;
    if amount > free {
        return Err(revert(&IncomeNotIdle {
            assetId: id.get(),
            amount: amount.to_u256(),
            free: free.to_u256(),
        }));
    }
    let now_ms = cx.store.block().time_ms;
    let mut market = known(cx, id)?;
    let mut tranche = tranche(cx, id, which)?;
    market.idle = market.idle.sub(amount)?;
    tranche.take(amount, now_ms)?;
    save(cx, id, &market)?;
    save_tranche(cx, id, which, &tranche)
}

/// Counts a payment that is in the pot: principal that comes back, and interest, which flows to both tranches.
pub(super) fn receive(
    cx: &mut Ctx<'_>,
    id: AssetId,
    market: &mut Market,
    principal: Assets,
    interest: Assets,
) -> Result<(), Halt> {
    market.idle = market.idle.add(principal)?.add(interest)?;
    market.lent = market.lent.sub(principal)?;
    market.interest = market.interest.add(interest)?;
    let params = params::in_force(cx, id)?;
    let cut = part_down(interest, params.first_loss_cut_bps.into())?;
    flow(cx, id, FIRST_LOSS, cut)?;
    flow(cx, id, LENDERS, interest.sub(cut)?)
}

fn flow(cx: &mut Ctx<'_>, id: AssetId, which: u8, amount: Assets) -> Result<(), Halt> {
    if amount.is_zero() {
        return Ok(());
    }
    let now_ms = cx.store.block().time_ms;
    let mut tranche = tranche(cx, id, which)?;
    tranche.add_interest(amount, now_ms, INTEREST_MS)?;
    save_tranche(cx, id, which, &tranche)
}

/// Takes principal that nobody pays from the first loss, then from lenders. Answers what each bore.
pub(super) fn bear(
    cx: &mut Ctx<'_>,
    id: AssetId,
    market: &mut Market,
    principal: Assets,
) -> Result<(Assets, Assets), Halt> {
    let now_ms = cx.store.block().time_ms;
    let mut first_loss = tranche(cx, id, FIRST_LOSS)?;
    let first = mutant!(
        LendersLoseFirst,
        principal.min(first_loss.units),
        Assets::ZERO
    );
    let rest = principal.sub(first)?;
    first_loss.take(first, now_ms)?;
    save_tranche(cx, id, FIRST_LOSS, &first_loss)?;
    let mut lenders = tranche(cx, id, LENDERS)?;
    lenders.take(rest, now_ms)?;
    save_tranche(cx, id, LENDERS, &lenders)?;
    market.lent = market.lent.sub(principal)?;
    market.lost_first = market.lost_first.add(first)?;
    market.lost_lenders = market.lost_lenders.add(rest)?;
    Ok((first, rest))
}

/// Counts what an unsold title brought, in the pot: to lenders as far as they lost by it, then to the first loss.
pub(super) fn give_back(
    cx: &mut Ctx<'_>,
    id: AssetId,
    market: &mut Market,
    amount: Assets,
    owed_to_lenders: Assets,
) -> Result<(Assets, Assets), Halt> {
    let lenders = amount.min(owed_to_lenders);
    let first = amount.sub(lenders)?;
    market.idle = market.idle.add(amount)?;
    market.recovered = market.recovered.add(amount)?;
    flow(cx, id, LENDERS, lenders)?;
    flow(cx, id, FIRST_LOSS, first)?;
    Ok((lenders, first))
}

/// Zero does nothing.
pub(super) fn refuse_zero(amount: U256) -> Result<(), Halt> {
    if !amount.is_zero() {
        return Ok(());
    }
    Err(revert(&IncomeZeroAmount {}))
}
