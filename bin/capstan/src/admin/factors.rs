//! `capstan admin factors`: how much an asset counts as collateral, moved step by step.

use std::time::Duration;

use capstan_client::{AssetName, Assets};
use capstan_contracts::account::{self, IAccount, NOTICE_MS};
use eyre::{Result, bail};

use super::{Change, pending::Differences};
use crate::words::{percent, time, when};

/// Factors that somebody names, in hundredths of a percent.
pub(super) struct Wanted {
    pub(super) borrow: Option<u32>,
    pub(super) stay: Option<u32>,
    pub(super) category_borrow: Option<u32>,
    pub(super) category_stay: Option<u32>,
}

pub(super) async fn plan(
    change: &mut Change,
    name: &AssetName,
    wanted: &Wanted,
    over: Duration,
) -> Result<()> {
    let assets = Assets::of(&change.node).await?;
    let asset = assets.find(name)?;
    let asked = IAccount::collateralOfCall { assetId: asset.id };
    let set = change.node.view(account::ADDRESS, &asked).await?;
    let was = set.now;
    if was.initialBps == 0 && was.maintenanceBps == 0 && set.endMs == 0 {
        bail!(
            "{} counts for nothing yet, so nothing can move; its first factors come with `capstan admin list`",
            asset.symbol
        );
    }
    // What is not named stays where it is, or goes where it was going.
    let to = |wanted: Option<u32>, next: u16| wanted.map_or(Ok(next), u16::try_from);
    let is = IAccount::Collateral {
        initialBps: to(wanted.borrow, set.next.initialBps)?,
        maintenanceBps: to(wanted.stay, set.next.maintenanceBps)?,
        categoryInitialBps: to(wanted.category_borrow, set.next.categoryInitialBps)?,
        categoryMaintenanceBps: to(wanted.category_stay, set.next.categoryMaintenanceBps)?,
        ..was.clone()
    };
    let mut differences = Differences::default();
    differences.factors(&was, &is);
    let Some(words) = differences.words() else {
        return Ok(());
    };
    let now_ms = change.node.head_time_ms().await?;
    let ramp_ms = u64::try_from(over.as_millis())?;
    let start_ms = now_ms.saturating_add(NOTICE_MS);
    let words = vec![
        format!("collateral {}: {words}", asset.symbol),
        format!(
            "  step by step {}, until {}",
            when(now_ms, start_ms),
            time(start_ms.saturating_add(ramp_ms))
        ),
        format!(
            "  until then it counts {} to borrow and {} to stay",
            percent(was.initialBps),
            percent(was.maintenanceBps)
        ),
    ];
    let call = IAccount::setCollateralCall {
        assetId: asset.id,
        collateral: is,
        rampMs: ramp_ms,
    };
    change.step(account::ADDRESS, &call, words);
    Ok(())
}
