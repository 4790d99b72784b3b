//! The work of a `Prices` system transaction: signed reports in, prices out.

use std::collections::BTreeSet;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Price};

use super::{
    ADDRESS as ORACLE,
    abi::IOracle::{
        GraceOpened, GrowthCapped, PriceAccepted, PriceUnusable, ReportRefused, SignedReport,
    },
    actions::{effective_params, reporters_now},
    error::{OracleReportsMalformed, OracleTooManyReports, Refusal},
    feed::Feed,
    params::REPORTERS_MAX,
    report,
    round::{Book, Fate},
    state::{Observation, OracleState, Spoken},
};
use crate::{contract::emit, revert};

const STATE: OracleState = OracleState::new();

/// Gas beside storage, hashes and signatures: reading an entry, and sorting a round.
const ENTRY_GAS: u64 = 60;
const ROUND_GAS: u64 = 1_500;

/// Calldata of a `Prices` transaction.
pub fn encode_reports(reports: &[SignedReport]) -> Bytes {
    reports.abi_encode().into()
}

/// Takes the reports of a block in, then settles each asset that they name, once.
///
/// # Errors
/// `OracleReportsMalformed`, `OracleTooManyReports`: nobody signed calldata as a whole, so nothing of it counts. A single
/// report that is not as it must be is refused by an event instead.
pub(super) fn take_reports(cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
    let cx = &mut cx.enter(ORACLE);
    let Ok(reports) = Vec::<SignedReport>::abi_decode_validate(input) else {
        return Err(revert(&OracleReportsMalformed {}));
    };
    if u32::try_from(reports.len()).map_or(true, |count| count > REPORTERS_MAX) {
        return Err(revert(&OracleTooManyReports {
            count: U256::from(reports.len()),
            max: U256::from(REPORTERS_MAX),
        }));
    }
    let reporters = reporters_now(cx)?;
    let listed = STATE.listed.load(cx)?;
    let mut touched = BTreeSet::new();
    for signed in &reports {
        match report::check(cx, &reporters, signed)? {
            Ok(()) => keep(cx, signed, listed, &mut touched)?,
            Err(refusal) => emit_refused(cx, signed.reporter, refusal)?,
        }
    }
    for asset_id in touched {
        settle(cx, asset_id, &reporters)?;
    }
    Ok(Bytes::new())
}

/// Keeps what a good report says of listed assets.
fn keep(
    cx: &mut Ctx<'_>,
    signed: &SignedReport,
    listed: U256,
    touched: &mut BTreeSet<AssetId>,
) -> Result<(), Halt> {
    let (reporter, report) = (signed.reporter, &signed.report);
    let spoken = Spoken {
        round: report.round,
        time_ms: report.timeMs,
    };
    STATE.spoken.at(reporter).save(cx, &spoken)?;
    for entry in &report.entries {
        cx.store.charge(ENTRY_GAS)?;
        let is_listed = usize::try_from(entry.assetId).is_ok_and(|bit| listed.bit(bit));
        if !is_listed {
            continue;
        }
        let observation = Observation {
            price: Price::new(entry.price)?,
            confidence_bps: entry.confidenceBps,
            time_ms: report.timeMs,
        };
        let asset_id = AssetId::new(entry.assetId);
        STATE
            .observations
            .at((asset_id, reporter))
            .save(cx, &observation)?;
        touched.insert(asset_id);
    }
    Ok(())
}

fn emit_refused(cx: &mut Ctx<'_>, reporter: Address, refusal: Refusal) -> Result<(), Halt> {
    let (detail, limit) = refusal.numbers();
    emit(
        cx,
        &ReportRefused {
            reporter,
            reason: refusal.reason(),
            detail,
            limit,
        },
    )
}

/// One round of one asset.
fn settle(cx: &mut Ctx<'_>, asset_id: AssetId, reporters: &[Address]) -> Result<(), Halt> {
    cx.store.charge(ROUND_GAS)?;
    let now_ms = cx.store.block().time_ms;
    let params = effective_params(cx, asset_id)?;
    let counted = counted(cx, asset_id, reporters, now_ms, params.stale_ms.into())?;
    let mut book = Book {
        feed: STATE.feeds.at(asset_id).load(cx)?,
        trail: STATE.trails.at(asset_id).load(cx)?,
        ..Book::default()
    };
    let is_rate = params.growth_bps_per_year > 0;
    if is_rate {
        book.ceiling = STATE.ceilings.at(asset_id).load(cx)?;
    }
    let fate = book.settle(&params, &counted, now_ms)?;
    STATE.feeds.at(asset_id).save(cx, &book.feed)?;
    STATE.trails.at(asset_id).save(cx, &book.trail)?;
    if is_rate {
        STATE.ceilings.at(asset_id).save(cx, &book.ceiling)?;
    }
    emit_fate(cx, asset_id, &book, fate)
}

/// The fresh observations of reporters that count now.
fn counted(
    cx: &mut Ctx<'_>,
    asset_id: AssetId,
    reporters: &[Address],
    now_ms: u64,
    stale_ms: u64,
) -> Result<Vec<Observation>, Halt> {
    let mut counted = Vec::new();
    for reporter in reporters {
        let one = STATE.observations.at((asset_id, *reporter)).load(cx)?;
        let is_fresh = now_ms.saturating_sub(one.time_ms) <= stale_ms;
        if is_fresh && one.price > Price::ZERO {
            counted.push(one);
        }
    }
    Ok(counted)
}

fn emit_fate(cx: &mut Ctx<'_>, asset_id: AssetId, book: &Book, fate: Fate) -> Result<(), Halt> {
    let (feed, asset) = (&book.feed, asset_id.get());
    match fate {
        Fate::Doubted(doubt) => {
            let (detail, limit) = doubt.numbers();
            let reason = doubt.reason();
            emit(
                cx,
                &PriceUnusable {
                    assetId: asset,
                    reason,
                    detail,
                    limit,
                },
            )
        }
        Fate::Accepted {
            capped,
            grace,
            confidence_bps,
        } => {
            if grace {
                emit_grace(cx, asset_id, feed)?;
            }
            if capped {
                emit(
                    cx,
                    &GrowthCapped {
                        assetId: asset,
                        median: feed.raw.get(),
                        spot: feed.spot.get(),
                    },
                )?;
            }
            emit(
                cx,
                &PriceAccepted {
                    assetId: asset,
                    round: book.trail.round,
                    spot: feed.spot.get(),
                    smoothed: feed.smoothed.get(),
                    median: feed.raw.get(),
                    confidenceBps: confidence_bps,
                    timeMs: feed.time_ms,
                },
            )
        }
    }
}

/// Says until when the grace period of a feed lasts.
pub(super) fn emit_grace(cx: &mut Ctx<'_>, asset_id: AssetId, feed: &Feed) -> Result<(), Halt> {
    emit(
        cx,
        &GraceOpened {
            assetId: asset_id.get(),
            untilMs: feed.grace_until_ms(),
        },
    )
}
