//! What must hold between transactions, as code over a world that is only looked at.
//!
//! ORC-3, ORC-5, ORC-9, ORC-11 and ORC-12 speak of single calls, so the tests check them around calls, beside a model.

use std::collections::BTreeSet;

use capstan_state::{Ctx, View};
use capstan_units::{AssetId, Price};

use super::{
    actions::effective_params,
    feed::{Feed, PriceUse, Side},
    params::ASSET_ID_MAX,
    state::OracleState,
};
use crate::invariant::{Broken, holds};

const STATE: OracleState = OracleState::new();

/// Checks everything that `oracle` stores.
pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let reporters = STATE.reporters.load(cx)?;
    let different: BTreeSet<_> = reporters.iter().filter(|one| !one.is_zero()).collect();
    holds(different.len() == reporters.len(), "ORC-1", || {
        format!("{reporters:?} are not different reporters")
    })?;
    let listed = STATE.listed.load(cx)?;
    let is_listed =
        |asset_id: AssetId| usize::try_from(asset_id.get()).is_ok_and(|bit| listed.bit(bit));
    for (asset_id, _) in STATE.feeds.listed(world, cx.this())? {
        holds(is_listed(asset_id), "ORC-1", || {
            format!("asset {asset_id} has a price and no feed")
        })?;
    }
    for number in 0..=ASSET_ID_MAX {
        if is_listed(AssetId::new(number)) {
            check_feed(cx, AssetId::new(number))?;
        }
    }
    Ok(())
}

fn check_feed(cx: &mut Ctx<'_>, asset_id: AssetId) -> Result<(), Broken> {
    let now_ms = cx.store.block().time_ms;
    let params = effective_params(cx, asset_id)?;
    let feed = STATE.feeds.at(asset_id).load(cx)?;
    let trail = STATE.trails.at(asset_id).load(cx)?;
    let ceiling = STATE.ceilings.at(asset_id).load(cx)?;
    let hold = |is_so: bool, id| {
        holds(is_so, id, || {
            format!("asset {asset_id}: {feed:?} {trail:?}")
        })
    };
    holds(params.checked().is_ok(), "ORC-10", || {
        format!("asset {asset_id}: {params:?}")
    })?;
    let priced = [feed.spot, feed.smoothed, feed.raw]
        .iter()
        .all(|one| *one > Price::ZERO);
    hold(feed.stale_ms > 0 && priced, "ORC-1")?;
    let latest_ms = feed.time_ms.max(trail.trial_ms).max(trail.changed_ms);
    hold(latest_ms <= now_ms, "ORC-2")?;
    let is_rate = params.growth_bps_per_year > 0;
    hold(
        feed.spot <= feed.raw && (is_rate || feed.spot == feed.raw),
        "ORC-7",
    )?;
    let under_ceiling = ceiling.time_ms == 0 || feed.time_ms == 0 || feed.spot <= ceiling.price;
    hold(under_ceiling, "ORC-7")?;
    check_answers(asset_id, &feed, now_ms)
}

/// What every use of the price answers now.
fn check_answers(asset_id: AssetId, feed: &Feed, now_ms: u64) -> Result<(), Broken> {
    let hold = |is_so: bool, id| {
        holds(is_so, id, || {
            format!("asset {asset_id} at {now_ms}: {feed:?}")
        })
    };
    let price = |price_use, side| feed.price(now_ms, price_use, side).ok();
    let (low, high) = (
        price(PriceUse::Borrow, Side::Collateral),
        price(PriceUse::Borrow, Side::Debt),
    );
    for one in [feed.spot, feed.smoothed, feed.raw] {
        hold(low.is_none_or(|low| low <= one), "ORC-6")?;
        hold(high.is_none_or(|high| high >= one), "ORC-6")?;
    }
    let liquidates = price(PriceUse::Liquidate, Side::Collateral);
    let in_grace = now_ms < feed.grace_until_ms();
    hold(
        !in_grace || (low.is_none() && liquidates.is_none()),
        "ORC-8",
    )?;
    hold(liquidates.is_none_or(|price| price >= feed.spot), "ORC-7")?;
    let age_ms = now_ms.saturating_sub(feed.time_ms);
    let looks = price(PriceUse::View, Side::Debt);
    hold(looks.is_none() || age_ms <= feed.stale_ms.into(), "ORC-4")
}
