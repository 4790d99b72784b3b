//! What flowed to an account and is not collected, as a kind of position. What will flow is none: a payer may cancel.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, StreamId};

use super::{
    ADDRESS,
    actions::{STATE, collect_up_to, known},
    assignment::{assigned, tie, untie},
};
use crate::{
    ledger,
    position::{Line, Position},
};

/// What is due of the streams that are assigned to an account.
#[derive(Debug)]
pub struct Income;

/// Streams of one asset that are assigned to an account. At most eight.
fn of_asset(cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<Vec<StreamId>, Halt> {
    let mut all = assigned(cx, account)?;
    all.retain(|(_, of)| *of == asset);
    Ok(all.into_iter().map(|(id, _)| id).collect())
}

impl Position for Income {
    fn name(&self) -> &'static str {
        "streams"
    }

    fn assess(&self, cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<Line, Halt> {
        let cx = &mut cx.enter(ADDRESS);
        let now_ms = cx.store.block().time_ms;
        let mut held = Assets::ZERO;
        for id in of_asset(cx, account, asset)? {
            let due = STATE.flows.at(id).load(cx)?.due_down(now_ms)?;
            held = held.add(due)?;
        }
        Ok(Line {
            held,
            owed: Assets::ZERO,
        })
    }

    /// A stream that is assigned brings something sooner or later.
    fn stands(&self, cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<bool, Halt> {
        Ok(!of_asset(cx, account, asset)?.is_empty())
    }

    fn may_stand_empty(&self) -> bool {
        true
    }

    fn unwind(
        &self,
        cx: &mut Ctx<'_>,
        account: AccountId,
        asset: AssetId,
        wanted: Assets,
    ) -> Result<Assets, Halt> {
        let cx = &mut cx.enter(ADDRESS);
        let mut left = wanted;
        for id in of_asset(cx, account, asset)? {
            let collected = collect_up_to(cx, id, left)?.amount;
            left = left.sub(collected)?;
        }
        Ok(wanted.sub(left)?)
    }

    /// As units: a stream itself cannot be cut.
    fn hand_over(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        from: AccountId,
        to: AccountId,
        wanted: Assets,
    ) -> Result<Assets, Halt> {
        let turned = self.unwind(cx, from, asset, wanted)?;
        if !turned.is_zero() {
            ledger::shift(cx, asset, from, to, turned)?;
        }
        Ok(turned)
    }

    /// The streams pay the debt of the other account from now on; what is due goes along.
    fn transfer(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        from: AccountId,
        to: AccountId,
    ) -> Result<(), Halt> {
        let cx = &mut cx.enter(ADDRESS);
        if from == to {
            return Ok(());
        }
        for id in of_asset(cx, from, asset)? {
            let stream = known(cx, id)?;
            untie(cx, id, stream)?;
            tie(cx, id, stream, to)?;
        }
        Ok(())
    }
}
