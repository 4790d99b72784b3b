//! Who bears a debt that nothing backs, without a vote: the backstop of its market, the market's reserve, its lenders.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets, LiquidationId, Wad};

use super::{
    IAccount::LossRealised,
    assess::{self, Valued},
    moves, offer,
};
use crate::{contract::emit, lending, registry};

/// Who bore a loss: the numbers of tiers in events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    /// The reserve of the market.
    Reserve,
    /// Whoever lent.
    Lenders,
}

impl Tier {
    const fn number(self) -> u8 {
        match self {
            Self::Reserve => 1,
            Self::Lenders => 3,
        }
    }
}

/// Forgives every debt of an account, and takes the dust that it holds for the reserve (LIQ-5).
pub(super) fn bear(
    cx: &mut Ctx<'_>,
    account: AccountId,
    all: &[Valued],
    health_before: Wad,
) -> Result<(), Halt> {
    for valued in all.iter().filter(|valued| !valued.line.held.is_zero()) {
        offer::hand_over(cx, account, valued, lending::RESERVE, valued.line.held)?;
    }
    let id = offer::report(cx, account, health_before, &[])?;
    for valued in all.iter().filter(|valued| !valued.line.owed.is_zero()) {
        let asset = valued.asset();
        for (number, kind) in registry::positions() {
            let stands = valued.row.kinds & assess::kind_bit(number) != 0;
            if !stands || kind.assess(cx, account, asset)?.owed.is_zero() {
                continue;
            }
            let loss = kind.write_off(cx, account, asset)?;
            moves::note(cx, account, asset, number)?;
            realise(cx, id, account, valued, Tier::Reserve, loss.reserve)?;
            realise(cx, id, account, valued, Tier::Lenders, loss.lenders)?;
        }
    }
    Ok(())
}

fn realise(
    cx: &mut Ctx<'_>,
    id: LiquidationId,
    account: AccountId,
    valued: &Valued,
    tier: Tier,
    amount: Assets,
) -> Result<(), Halt> {
    if amount.is_zero() {
        return Ok(());
    }
    emit(
        cx,
        &LossRealised {
            id: id.get(),
            owner: account.owner,
            index: account.index,
            assetId: valued.asset().get(),
            tier: tier.number(),
            amount: amount.to_u256(),
        },
    )
}
