//! Shares, debts and accrual. Pure; all rounding of amounts in `lending` is here, and the odd unit always
//! stays in the market.

use alloy_primitives::U256;
use capstan_state::Halt;
use capstan_units::{Assets, DebtShares, Ray, Shares};

use super::{
    params::{Params, SUPPLY_INDEX_MIN},
    rates::{self, Rates},
    state::Market,
};
use crate::mutant::mutant;

/// Shares that a supply makes.
pub(super) fn shares_down(assets: Assets, index: Ray) -> Result<Shares, Halt> {
    let exact = assets.to_u256();
    Ok(Shares::from_u256(mutant!(
        SharesToNearest,
        index.into_down(exact)?,
        super::tests::twin::into_nearest(index, exact)
    ))?)
}

/// Shares that a redemption burns.
pub(super) fn shares_up(assets: Assets, index: Ray) -> Result<Shares, Halt> {
    Ok(Shares::from_u256(index.into_up(assets.to_u256())?)?)
}

/// What shares are worth.
pub(super) fn assets_down(shares: Shares, index: Ray) -> Result<Assets, Halt> {
    Ok(Assets::from_u256(index.of_down(shares.to_u256())?)?)
}

/// What whoever wants these shares pays.
pub(super) fn assets_up(shares: Shares, index: Ray) -> Result<Assets, Halt> {
    Ok(Assets::from_u256(index.of_up(shares.to_u256())?)?)
}

/// Debt shares that a loan makes.
pub(super) fn debt_shares_up(assets: Assets, index: Ray) -> Result<DebtShares, Halt> {
    Ok(DebtShares::from_u256(index.into_up(assets.to_u256())?)?)
}

/// Debt shares that a repayment burns.
pub(super) fn debt_shares_down(assets: Assets, index: Ray) -> Result<DebtShares, Halt> {
    Ok(DebtShares::from_u256(index.into_down(assets.to_u256())?)?)
}

/// What debt shares owe.
pub(super) fn debt_up(shares: DebtShares, index: Ray) -> Result<Assets, Halt> {
    Ok(Assets::from_u256(index.of_up(shares.to_u256())?)?)
}

/// Most shares under a cap of assets.
pub(super) fn cap_shares_down(cap: Assets, index: Ray) -> Shares {
    index
        .into_down(cap.to_u256())
        .ok()
        .and_then(|shares| Shares::from_u256(shares).ok())
        .unwrap_or(Shares::MAX)
}

/// Most debt shares under a cap of assets.
pub(super) fn cap_debt_shares_down(cap: Assets, index: Ray) -> DebtShares {
    index
        .into_down(cap.to_u256())
        .ok()
        .and_then(|shares| DebtShares::from_u256(shares).ok())
        .unwrap_or(DebtShares::MAX)
}

/// What a market holds and owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pot {
    /// What lies there, and what flash loans have out (LEND-13).
    pub(super) cash: Assets,
    pub(super) shares: Shares,
    pub(super) debt_shares: DebtShares,
    /// Part of the cash: fees of flash loans that nobody was credited with yet.
    pub(super) fees: Assets,
}

impl Pot {
    /// Part of the market that is lent out.
    pub(super) fn used(&self, borrow_index: Ray) -> Result<Ray, Halt> {
        let debt = debt_up(self.debt_shares, borrow_index)?;
        if debt.is_zero() {
            return Ok(Ray::ZERO);
        }
        let whole = self.cash.to_u256().saturating_add(debt.to_u256());
        Ok(Ray::ratio_half_up(debt.to_u256(), whole)?)
    }

    /// What stands behind all shares: cash and debt.
    fn backing(&self, borrow_index: Ray) -> Result<U256, Halt> {
        let debt = debt_up(self.debt_shares, borrow_index)?;
        Ok(self.cash.to_u256().saturating_add(debt.to_u256()))
    }

    /// What the supply index gains when all shares have `assets` more between them.
    fn index_gain_down(&self, assets: Assets) -> Ray {
        let ray = Ray::ONE.to_u256();
        capstan_units::mul_div_down(assets.to_u256(), ray, self.shares.to_u256())
            .and_then(Ray::from_u256)
            .unwrap_or(Ray::ZERO)
    }

    /// The largest supply index, up to `wanted`, that this market can honour (LEND-1).
    pub(super) fn honoured(&self, wanted: Ray, borrow_index: Ray) -> Result<Ray, Halt> {
        let backing = self.backing(borrow_index)?;
        let shares = self.shares.to_u256();
        if wanted.of_down(shares)? <= backing {
            return Ok(wanted);
        }
        Ok(Ray::from_u256(capstan_units::mul_div_down(
            backing,
            Ray::ONE.to_u256(),
            shares,
        )?)?)
    }
}

/// A market after an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accrued {
    pub(super) market: Market,
    /// Shares that the reserve earned.
    pub(super) reserve_shares: Shares,
    pub(super) rates: Rates,
    /// Fees of flash loans that were shared out (LEND-14).
    pub(super) fees: Assets,
}

/// Lets a market accrue until `now_ms`, given what stood since it last did.
pub(super) fn accrue(
    market: Market,
    pot: Pot,
    params: Params,
    now_ms: u64,
) -> Result<Accrued, Halt> {
    let elapsed_ms = now_ms.saturating_sub(market.accrued_ms);
    let Params {
        model,
        reserve_factor,
        supply_cap: _,
        borrow_cap: _,
    } = params;
    let used = pot.used(market.borrow_index)?;
    let rates = rates::rates(model, reserve_factor, market.target_rate, used, elapsed_ms)?;
    let borrow_index = grown_borrow_index(market, pot, rates.borrow, elapsed_ms);
    let growth = rates.supply.linear_growth_down(elapsed_ms);
    let fees = if elapsed_ms == 0 {
        Assets::ZERO
    } else {
        pot.fees
    };
    let reserve_fees = Assets::from_u256(reserve_factor.of_down(fees.to_u256())?)?;
    let wanted = growth
        .and_then(|growth| growth.mul_half_up(market.supply_index))
        .and_then(|grown| grown.add(pot.index_gain_down(fees.sub_or_zero(reserve_fees))))
        .unwrap_or(market.supply_index);
    let supply_index = pot.honoured(wanted, borrow_index)?.max(market.supply_index);

    let interest = borrow_index
        .sub(market.borrow_index)?
        .of_down(pot.debt_shares.to_u256())?;
    // To the nearest, as Aave has it; what is not there is not minted (LEND-1).
    let fee = percent_half_up(interest, reserve_factor.get());
    let fee = fee.saturating_add(reserve_fees.to_u256());
    let spare = pot
        .backing(borrow_index)?
        .saturating_sub(supply_index.of_up(pot.shares.to_u256())?);
    let fee = Assets::from_u256(fee.min(spare))?;
    let reserve_shares = if supply_index.get() < SUPPLY_INDEX_MIN {
        Shares::ZERO
    } else {
        shares_down(fee, supply_index).unwrap_or(Shares::ZERO)
    };
    Ok(Accrued {
        market: Market {
            supply_index,
            borrow_index,
            accrued_ms: now_ms,
            target_rate: rates.target_rate,
            paused: market.paused,
        },
        reserve_shares,
        rates,
        fees,
    })
}

/// The borrow index after an interval. One that would leave the range of numbers stays where it is: a debt that
/// cannot be counted any more stops growing, so that it can still be paid.
fn grown_borrow_index(market: Market, pot: Pot, rate: Ray, elapsed_ms: u64) -> Ray {
    if pot.debt_shares.is_zero() {
        return market.borrow_index;
    }
    rate.compound_growth(elapsed_ms)
        .and_then(|growth| growth.mul_half_up(market.borrow_index))
        .ok()
        .filter(|index| {
            let debt = debt_up(pot.debt_shares, *index);
            debt.is_ok_and(|debt| pot.cash.add(debt).is_ok())
        })
        .unwrap_or(market.borrow_index)
}

fn percent_half_up(value: U256, bps: u16) -> U256 {
    let (half, whole) = (U256::from(5_000), U256::from(10_000));
    value
        .saturating_mul(U256::from(bps))
        .saturating_add(half)
        .wrapping_div(whole)
}

/// How a loss is borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Borne {
    /// Shares of the reserve that are gone.
    pub(super) reserve_shares: Shares,
    /// What they were worth.
    pub(super) reserve: Assets,
    /// What a share is worth afterwards.
    pub(super) supply_index: Ray,
    /// What all shares lost by that.
    pub(super) lenders: Assets,
}

/// The largest loss that [`bear`] keeps from lenders.
pub(super) fn first_loss_down(
    pot: Pot,
    market: Market,
    reserve_shares: Shares,
) -> Result<Assets, Halt> {
    let claims = market.supply_index.of_up(pot.shares.to_u256())?;
    let unclaimed = pot.backing(market.borrow_index)?.saturating_sub(claims);
    let unclaimed = Assets::from_u256(unclaimed)?;
    Ok(unclaimed.add(assets_down(reserve_shares, market.supply_index)?)?)
}

/// Bears a loss (LEND-10): `pot` is the market without the lost debt. First unclaimed interest, then the
/// reserve, then all shares alike.
pub(super) fn bear(pot: Pot, market: Market, reserve_shares: Shares) -> Result<Borne, Halt> {
    let Market {
        supply_index,
        borrow_index,
        ..
    } = market;
    let backing = pot.backing(borrow_index)?;
    let short = supply_index
        .of_down(pot.shares.to_u256())?
        .saturating_sub(backing);
    let short = Assets::from_u256(short)?;
    let whole_reserve = assets_down(reserve_shares, supply_index)?;
    let (burned, reserve) = if short >= whole_reserve {
        (reserve_shares, whole_reserve)
    } else {
        (shares_up(short, supply_index)?, short)
    };
    let left = Pot {
        shares: pot.shares.sub(burned)?,
        ..pot
    };
    let after = left.honoured(supply_index, borrow_index)?;
    let claims = |index: Ray| Ok::<_, Halt>(index.of_down(left.shares.to_u256())?);
    let lenders = claims(supply_index)?.saturating_sub(claims(after)?);
    Ok(Borne {
        reserve_shares: burned,
        reserve,
        supply_index: after,
        lenders: Assets::from_u256(lenders)?,
    })
}
