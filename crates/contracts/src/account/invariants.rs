//! What must hold between transactions, as code over a world that is only looked at.
//!
//! ACC-1 to ACC-5 and ACC-7 to ACC-11, and ACC-21, speak of batches, so the tests check them around batches.

use capstan_state::{Ctx, View};
use capstan_units::{AccountId, AssetId};

use super::{
    assess::kind_bit,
    index::GuardIndex,
    is_unhealthy,
    params::DEFER_MS,
    sheet::{self, Sheet},
};
use crate::{
    invariant::{Broken, holds},
    ledger, registry,
};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let assets = ledger::asset_count(cx)?;
    for account in sheet::accounts(world)? {
        check_rows(cx, account, assets)?;
    }
    check_guards(world, cx)
}

/// ACC-6: a row says of everything that stands there, but for units that others paid in.
fn check_rows(cx: &mut Ctx<'_>, account: AccountId, assets: u32) -> Result<(), Broken> {
    let sheet = Sheet::load(cx, account)?;
    for number in 0..assets {
        let asset = AssetId::new(number);
        let noted = sheet.rows.iter().find(|row| row.asset == asset);
        let kinds = noted.map_or(0, |row| row.kinds);
        for (number, kind) in registry::positions() {
            let stands = match kind.stands(cx, account, asset) {
                Ok(stands) => stands,
                // An asset without a market has nothing in it.
                Err(capstan_state::Halt::Revert(_)) => false,
                Err(other) => return Err(other.into()),
            };
            // Shares that are worth less than a unit stand there as nothing, an assignment ends when its payer stops,
            // and units that others paid in wait for their owner.
            let is_noted = kinds & kind_bit(number) != 0;
            let may_wait = number == registry::UNITS;
            holds(is_noted || !stands || may_wait, "ACC-6", || {
                format!(
                    "{account} has {} of asset {asset}, and no row says so",
                    kind.name()
                )
            })?;
        }
    }
    holds(
        sheet.rows.is_sorted_by(|one, two| one.asset < two.asset),
        "ACC-6",
        || format!("the rows of {account} are out of order"),
    )
}

/// LIQ-1: no account is unhealthy unless its guard is crossed, or the block comes back within a minute.
fn check_guards(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let index = GuardIndex::of(world)?;
    let due = index.due(cx, &Default::default(), usize::MAX)?;
    let now_ms = cx.store.block().time_ms;
    for account in sheet::accounts(world)? {
        let sheet = Sheet::load(cx, account)?;
        let look_ms = u64::from(sheet.look_by_s).saturating_mul(1_000);
        let is_awaited = due.contains(&account)
            || (sheet.look_by_s != 0 && look_ms.saturating_sub(now_ms) <= DEFER_MS);
        let unhealthy = is_unhealthy(cx, account)?;
        holds(!unhealthy || is_awaited, "LIQ-1", || {
            format!("{account} is unhealthy, and its guard was not crossed: {sheet:?}")
        })?;
    }
    Ok(())
}
