//! Free units as a kind of position: owned outright, at hand at once.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};

use super::actions::{free, shift};
use crate::position::{Line, Position};

/// Free units of an account.
#[derive(Debug)]
pub struct Units;

impl Position for Units {
    fn name(&self) -> &'static str {
        "units"
    }

    fn assess(&self, cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<Line, Halt> {
        Ok(Line {
            held: free(cx, asset, account)?,
            owed: Assets::ZERO,
        })
    }

    fn owed(&self, _: &mut Ctx<'_>, _: AccountId, _: AssetId) -> Result<Assets, Halt> {
        Ok(Assets::ZERO)
    }

    fn unwind(
        &self,
        cx: &mut Ctx<'_>,
        account: AccountId,
        asset: AssetId,
        wanted: Assets,
    ) -> Result<Assets, Halt> {
        Ok(free(cx, asset, account)?.min(wanted))
    }

    fn hand_over(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        from: AccountId,
        to: AccountId,
        wanted: Assets,
    ) -> Result<Assets, Halt> {
        let moved = free(cx, asset, from)?.min(wanted);
        if !moved.is_zero() {
            shift(cx, asset, from, to, moved)?;
        }
        Ok(moved)
    }

    fn transfer(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        from: AccountId,
        to: AccountId,
    ) -> Result<(), Halt> {
        self.hand_over(cx, asset, from, to, Assets::MAX).map(drop)
    }
}
