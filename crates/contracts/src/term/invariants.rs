//! What must hold between transactions, as code over a world that is only looked at.
//!
//! TERM-3 to TERM-7, TERM-9 and TERM-11 to TERM-13 speak of steps, so the tests check them around steps.

use std::collections::BTreeMap;

use capstan_state::{Ctx, View};
use capstan_units::{AssetId, Assets};

use super::{ADDRESS, ESCROW, STATE};
use crate::{
    invariant::{Broken, holds},
    ledger,
};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let mut left = BTreeMap::<AssetId, u128>::new();
    for (id, offer) in STATE.offers.listed(world, ADDRESS)? {
        let offer = offer.load(cx)?;
        let asset = STATE.terms.at(id).load(cx)?.asset;
        let sum = left.entry(asset).or_default();
        *sum = sum.saturating_add(offer.left.get());
    }
    for (asset, total) in STATE.offered.listed(world, ADDRESS)? {
        let (sum, total) = (left.remove(&asset).unwrap_or_default(), total.load(cx)?);
        let held = ledger::free(cx, asset, ESCROW)?;
        holds(sum == total.get() && held >= total, "TERM-2", || {
            format!("offers have {sum} of asset {asset} left, {total} counted, {held} held")
        })?;
    }
    holds(left.values().all(|sum| *sum == 0), "TERM-2", || {
        format!("offers without an escrow: {left:?}")
    })?;
    let mut owed_by = BTreeMap::new();
    for (id, loan) in STATE.loans.listed(world, ADDRESS)? {
        let loan = loan.load(cx)?;
        if loan.offer == 0 {
            continue;
        }
        owed_by.insert(id, loan.borrower);
        let terms = STATE.terms.at(loan.offer).load(cx)?;
        let parts = loan
            .schedule(&terms)?
            .iter()
            .try_fold(Assets::ZERO, |sum, one| sum.add(one.principal));
        let sum = parts.map_err(capstan_state::Halt::from)?;
        holds(sum == loan.balance, "TERM-1", || {
            format!(
                "the parts of loan {id} are {sum}, its balance {}",
                loan.balance
            )
        })?;
        let dearest = STATE.dearest_bps.at(terms.asset).load(cx)?;
        let is_bound = dearest >= terms.rate_bps.max(terms.late_bps);
        holds(is_bound, "TERM-7", || {
            format!("loan {id} is dearer than {dearest} bps")
        })?;
    }
    for (account, list) in STATE.loans_of.listed(world, ADDRESS)? {
        for id in list.load(cx)? {
            let by = owed_by.remove(&id);
            holds(by == Some(account), "TERM-8", || {
                format!("loan {id} stands in the list of {account}, and is owed by {by:?}")
            })?;
        }
    }
    holds(owed_by.is_empty(), "TERM-8", || {
        format!("loans in nobody's list: {owed_by:?}")
    })
}
