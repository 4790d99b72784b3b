//! Swaps over any number of pools, settled once: each leg moves reserves, and units move only by what is left over.
//!
//! ```text
//!   allowed ─► open[in] = +allowed
//!   leg        open[in] -= amount in, open[out] += amount out        pools only
//!   end        open[in] = what was not used, open[out] = what is received, all else zero
//! ```

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt, Scratch};
use capstan_units::{AccountId, AssetId, Assets, PoolId};

use super::{
    ADDRESS,
    IExchange::Exchanged,
    error::*,
    params::LEGS_MAX,
    pool::VAULT,
    trade::{Exact, trade},
};
use crate::{contract::emit, ledger, revert};

/// How much a leg swaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// The pool takes this.
    In(Assets),
    /// It takes all that there is of the asset: what is allowed, or what earlier legs left.
    InAll,
    /// The pool gives this.
    Out(Assets),
    /// It gives all that earlier legs owe of the asset.
    OutOwed,
}

/// One swap in one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Where.
    pub pool: PoolId,
    /// What the pool takes.
    pub asset_in: AssetId,
    /// What it gives.
    pub asset_out: AssetId,
    /// How much.
    pub size: Size,
}

/// What somebody agrees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// What is paid.
    pub asset_in: AssetId,
    /// At most how much.
    pub paid_max: Assets,
    /// What is received.
    pub asset_out: AssetId,
    /// At least how much.
    pub received_min: Assets,
}

/// What legs come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Taken of the asset that is paid.
    pub paid: Assets,
    /// Given of the asset that is received.
    pub received: Assets,
}

/// Swaps free units of `payer` into free units of `receiver`. For other native contracts, which ask whether the payer
/// agreed. Calls no code, so it works in a system phase.
///
/// # Errors
/// Those of [`quote`], `ExchangeReceivedTooLittle`, `LedgerInsufficient`.
pub fn swap(
    cx: &mut Ctx<'_>,
    payer: AccountId,
    receiver: AccountId,
    legs: &[Leg],
    bounds: Bounds,
) -> Result<Outcome, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let outcome = settle(cx, legs, bounds)?;
    if !outcome.paid.is_zero() {
        ledger::shift(cx, bounds.asset_in, payer, VAULT, outcome.paid)?;
    }
    if !outcome.received.is_zero() {
        ledger::shift(cx, bounds.asset_out, VAULT, receiver, outcome.received)?;
    }
    say(cx, payer, receiver, bounds, outcome)?;
    Ok(outcome)
}

/// What [`swap`] would pay and receive now, to the unit: it runs on a scratch world. `received_min` is not asked for.
///
/// # Errors
/// `ExchangeLegCount`, `ExchangePaidTooMuch`, `ExchangeUnsettled`, and those of each leg.
pub fn quote(cx: &mut Ctx<'_>, legs: &[Leg], bounds: Bounds) -> Result<Outcome, Halt> {
    let inside = cx.enter(ADDRESS);
    let frame = inside.frame;
    let mut world = Scratch::new(inside.store);
    let any = Bounds {
        received_min: Assets::ZERO,
        ..bounds
    };
    settle(&mut Ctx::new(&mut world, frame), legs, any)
}

/// Runs the legs and says what is to be paid and received. The frame is the exchange's.
pub(super) fn settle(cx: &mut Ctx<'_>, legs: &[Leg], bounds: Bounds) -> Result<Outcome, Halt> {
    if legs.is_empty() || legs.len() > LEGS_MAX {
        return Err(revert(&ExchangeLegCount {
            count: U256::from(legs.len()),
            max: U256::from(LEGS_MAX),
        }));
    }
    let allowed = signed(bounds.paid_max)?;
    // A leg opens one asset at most.
    let mut open = Open(Vec::with_capacity(legs.len().saturating_add(1)));
    open.add(bounds.asset_in, allowed)?;
    for leg in legs {
        let exact = match leg.size {
            Size::In(amount) => Exact::In(amount),
            Size::Out(amount) => Exact::Out(amount),
            Size::InAll => Exact::In(open.left(leg.asset_in)?),
            Size::OutOwed => Exact::Out(open.owed(leg.asset_out)?),
        };
        let traded = trade(cx, leg.pool, leg.asset_in, leg.asset_out, exact)?;
        open.add(leg.asset_in, signed(traded.amount_in)?.saturating_neg())?;
        open.add(leg.asset_out, signed(traded.amount_out)?)?;
    }
    let outcome = open.outcome(bounds)?;
    if outcome.received < bounds.received_min {
        return Err(revert(&ExchangeReceivedTooLittle {
            assetId: bounds.asset_out.get(),
            received: outcome.received.to_u256(),
            receivedMin: bounds.received_min.to_u256(),
        }));
    }
    Ok(outcome)
}

pub(super) fn say(
    cx: &mut Ctx<'_>,
    payer: AccountId,
    receiver: AccountId,
    bounds: Bounds,
    outcome: Outcome,
) -> Result<(), Halt> {
    emit(
        cx,
        &Exchanged {
            payer: payer.owner,
            receiver: receiver.owner,
            assetIn: bounds.asset_in.get(),
            paid: outcome.paid.to_u256(),
            assetOut: bounds.asset_out.get(),
            received: outcome.received.to_u256(),
        },
    )
}

/// Amounts are below 2^112.
fn signed(amount: Assets) -> Result<i128, Halt> {
    i128::try_from(amount.get()).map_err(|_| Halt::overflow())
}

fn amount(units: i128) -> Result<Assets, Halt> {
    Ok(Assets::new(units.unsigned_abs())?)
}

/// What is left over of each asset so far, or owed if it is below zero.
struct Open(Vec<(AssetId, i128)>);

impl Open {
    fn add(&mut self, asset: AssetId, units: i128) -> Result<(), Halt> {
        let Some((_, sum)) = self.0.iter_mut().find(|(known, _)| *known == asset) else {
            self.0.push((asset, units));
            return Ok(());
        };
        *sum = sum.checked_add(units).ok_or_else(Halt::overflow)?;
        Ok(())
    }

    fn of(&self, asset: AssetId) -> i128 {
        let found = self.0.iter().find(|(known, _)| *known == asset);
        found.map(|(_, units)| *units).unwrap_or_default()
    }

    fn left(&self, asset: AssetId) -> Result<Assets, Halt> {
        amount(self.of(asset).max(0))
    }

    fn owed(&self, asset: AssetId) -> Result<Assets, Halt> {
        amount(self.of(asset).min(0))
    }

    /// What is paid and received; of every other asset nothing may be left or owed.
    fn outcome(mut self, bounds: Bounds) -> Result<Outcome, Halt> {
        let allowed = signed(bounds.paid_max)?;
        let left = self.of(bounds.asset_in);
        if left < 0 {
            let needed = allowed.saturating_sub(left);
            return Err(revert(&ExchangePaidTooMuch {
                assetId: bounds.asset_in.get(),
                needed: amount(needed)?.to_u256(),
                paidMax: bounds.paid_max.to_u256(),
            }));
        }
        let used = allowed.saturating_sub(left);
        let is_round = bounds.asset_in == bounds.asset_out;
        let received = if is_round {
            used.saturating_neg()
        } else {
            self.of(bounds.asset_out)
        };
        // Around a circle what comes back more than went in is received; else it must be what was meant to be.
        expect_met(
            bounds.asset_in,
            if is_round {
                0
            } else {
                used.min(0).saturating_neg()
            },
        )?;
        expect_met(bounds.asset_out, if is_round { 0 } else { received.min(0) })?;
        self.0
            .retain(|(asset, _)| *asset != bounds.asset_in && *asset != bounds.asset_out);
        self.0.sort_unstable();
        for (asset, units) in self.0 {
            expect_met(asset, units)?;
        }
        Ok(Outcome {
            paid: amount(used.max(0))?,
            received: amount(received.max(0))?,
        })
    }
}

/// Refuses what is left of an asset, or owed.
fn expect_met(asset: AssetId, units: i128) -> Result<(), Halt> {
    if units == 0 {
        return Ok(());
    }
    Err(revert(&ExchangeUnsettled {
        assetId: asset.get(),
        amount: amount(units)?.to_u256(),
        isOwed: units < 0,
    }))
}
