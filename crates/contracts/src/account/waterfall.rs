//! Who bears a debt that nothing backs, without a vote: the reserve of its market, the stake of its asset, its lenders.
//!
//! ```text
//!   debt ── what the reserve can bear ──► reserve        and interest that nobody had claimed
//!     └─► the rest ── what the stake has ──► stakers     pays as anybody would repay
//!           └─► the rest ──► lenders                     of this market, this loan; who holds dollars, for the dollar
//! ```
//!
//! The parts sum up to the debt; where a stake pays a part of it, rounding may add a unit.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, LiquidationId, Wad};

use super::{
    IAccount::LossRealised,
    assess::{self, Valued},
    desk::Desk,
    offer,
};
use crate::{backstop, contract::emit, mutant::mutant, position::Position, registry};

/// Who bore a loss: the numbers of tiers in events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    /// The reserve of the market, and interest that nobody had claimed.
    Reserve,
    /// Whoever staked the asset.
    Backstop,
    /// Whoever lent.
    Lenders,
}

impl Tier {
    const fn number(self) -> u8 {
        match self {
            Self::Reserve => 1,
            Self::Backstop => 2,
            Self::Lenders => 3,
        }
    }
}

/// Forgives every debt of an account, takes the dust that it holds for the reserve, and ends its offer (LIQ-5).
pub(super) fn bear(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    all: &[Valued],
    health_before: Wad,
) -> Result<(), Halt> {
    for valued in all.iter().filter(|valued| !valued.line.held.is_zero()) {
        offer::give_to_reserve(cx, desk, account, valued, valued.line.held)?;
    }
    let id = offer::report(cx, desk, account, health_before, &[])?;
    for valued in all.iter().filter(|valued| !valued.line.owed.is_zero()) {
        let asset = valued.asset();
        for (number, kind) in registry::positions() {
            let stands = valued.row.kinds & assess::kind_bit(number) != 0;
            if !stands || kind.assess(cx, account, asset)?.owed.is_zero() {
                continue;
            }
            let borne = forgive(cx, account, asset, kind)?;
            desk.mark(cx, account, asset, number)?;
            for (tier, amount) in borne {
                realise(cx, id, account, asset, tier, amount)?;
            }
        }
    }
    offer::close(cx, account)
}

/// Ends what an account owes in one kind; answers who bore how much.
fn forgive(
    cx: &mut Ctx<'_>,
    account: AccountId,
    asset: AssetId,
    kind: &dyn Position,
) -> Result<[(Tier, Assets); 3], Halt> {
    let owed = kind.assess(cx, account, asset)?.owed;
    let reserve = mutant!(ReserveSpared, kind.reserve_down(cx, asset)?, Assets::ZERO);
    let beyond_reserve = mutant!(StakeSpared, owed.sub_or_zero(reserve), Assets::ZERO);
    let staked = backstop::cover(cx, asset, beyond_reserve, |cx, payer, most| {
        kind.repay(cx, asset, payer, account, most)
    })?;
    let (mut reserve, mut lenders) = (Assets::ZERO, Assets::ZERO);
    if !kind.assess(cx, account, asset)?.owed.is_zero() {
        let loss = kind.write_off(cx, account, asset)?;
        lenders = loss.lenders;
        reserve = loss.debt.sub_or_zero(loss.lenders);
    }
    Ok([
        (Tier::Reserve, reserve),
        (Tier::Backstop, staked),
        (Tier::Lenders, lenders),
    ])
}

fn realise(
    cx: &mut Ctx<'_>,
    id: LiquidationId,
    account: AccountId,
    asset: AssetId,
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
            assetId: asset.get(),
            tier: tier.number(),
            amount: amount.to_u256(),
        },
    )
}
