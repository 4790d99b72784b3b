//! `capstan_risk`: how near the whole system is to trouble, without naming anybody.
//!
//! ```text
//!   accounts with a guard ──► report and holdings of each ──► sums, shares of the largest, bands of distance
//!   assets ──► market's reserve, backstop, and how the oracle knows the price
//! ```
//!
//! It is the one answer here that looks at every debtor. It is made at most once at a time, kept while it is young
//! beside what it took to make, and says of which block it is.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, U64, U256};
use capstan_contracts::{
    account::{
        self,
        IAccount::{self, AccountRef},
    },
    backstop::{
        self,
        IBackstop::{self, BackstopUnknownStake},
    },
    ledger::{self, ILedger},
    lending::{
        self,
        ILending::{self, LendingUnknownMarket},
    },
    oracle::{
        self,
        IOracle::{self, OracleFeedUnknown},
    },
};
use capstan_units::mul_div_down;
use serde::Serialize;
use serde_json::value::RawValue;

use super::markets::PriceState;
use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    fixed::Fixed,
    methods::Methods,
    views::{Views, unless},
};

/// Accounts that one answer looks at; beyond them it says that it is not whole.
const ACCOUNTS_MAX: usize = 5_000;
/// An answer serves for so many times what it took to make.
const KEPT_TIMES: u32 = 9;
/// Where bands of distance begin: how far all collateral may fall before liquidation, in hundredths of a percent.
const BANDS_BPS: [u16; 7] = [0, 500, 1_000, 2_000, 3_000, 5_000, 7_500];
/// All of a whole, in hundredths of a percent.
const BPS_ONE: u64 = 10_000;
/// Health one.
const WAD: u64 = 1_000_000_000_000_000_000;

pub(super) fn register(table: &mut Methods) {
    table
        .blocking(
            "capstan_risk",
            [],
            "Debt and what backs it, per asset and by distance to liquidation, shares of the largest, reserves, backstops, and how the oracle knows each price. Names no account.",
            risk,
        )
        .heavy();
}

/// The newest answer, and of which block.
pub(crate) struct Kept {
    hash: B256,
    made: Instant,
    took: Duration,
    answer: Box<RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Risk {
    block_number: U64,
    time_ms: U64,
    /// Accounts that owe something and could be valued.
    account_count: U64,
    /// Accounts that a missing price hides.
    unvalued_count: U64,
    /// Whether every account was looked at.
    is_whole: bool,
    /// Of those accounts, in dollars; liquidity in pools counts as its fair value.
    collateral: Fixed,
    debt: Fixed,
    largest: Largest,
    /// Below health one: the next blocks liquidate them.
    unhealthy: Band,
    /// Everybody else, by how far all collateral may fall at once before liquidation.
    distance: Vec<Band>,
    assets: Vec<AssetRisk>,
}

/// What the largest accounts have of a whole, in hundredths of a percent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Largest {
    one_bps: u64,
    five_bps: u64,
    ten_bps: u64,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Band {
    from_bps: u16,
    /// Null for the last one.
    to_bps: Option<u16>,
    account_count: U64,
    debt: Fixed,
    collateral: Fixed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssetRisk {
    asset_id: u32,
    symbol: String,
    decimals: u8,
    /// What accounts with debts hold and owe of it, in dollars.
    backing: Fixed,
    owed: Fixed,
    backing_largest: Largest,
    owed_largest: Largest,
    /// Of its market; null without one.
    reserve: Option<Fixed>,
    /// Stake that loses before lenders do; null without one.
    backstop: Option<Stake>,
    /// Null without a feed.
    oracle: Option<OracleState>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stake {
    assets: Fixed,
    cap: Fixed,
    /// Goods that it bought and has not sold.
    lot_count: U64,
    share_token: Address,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OracleState {
    #[serde(flatten)]
    price: PriceState,
    /// Since a quorum spoke last; null if none ever did.
    age_ms: Option<U64>,
    stale_ms: U64,
    quorum: u8,
    band_bps: u16,
    sources: Vec<Source>,
}

/// What one reporter says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    reporter: Address,
    /// Whether it counts now.
    is_counted: bool,
    /// Null where it never said anything.
    price: Option<Fixed>,
    confidence_bps: u16,
    round: U64,
    age_ms: Option<U64>,
    /// Beside the price that is accepted.
    away_bps: Option<u64>,
}

fn risk(cx: &RpcContext, (): ()) -> RpcResult<Box<RawValue>> {
    let timed_out = || RpcError::timed_out(cx.limits().call_time_max.as_millis());
    let kept = cx.shared.risk.try_lock_until(cx.deadline());
    let mut kept = kept.ok_or_else(timed_out)?;
    let head = cx.chain().head().hash();
    if let Some(kept) = &*kept
        && (kept.hash == head || kept.made.elapsed() < kept.took * KEPT_TIMES)
    {
        return Ok(kept.answer.clone());
    }
    let began = Instant::now();
    let answer = serde_json::value::to_raw_value(&look(cx)?)
        .map_err(|error| RpcError::internal(error.to_string()))?;
    *kept = Some(Kept {
        hash: head,
        made: Instant::now(),
        took: began.elapsed(),
        answer: answer.clone(),
    });
    Ok(answer)
}

fn look(cx: &RpcContext) -> RpcResult<Risk> {
    let mut views = Views::at(cx, None)?;
    let mut sums = Sums::default();
    let guarded = cx.chain().guarded(ACCOUNTS_MAX);
    let mut is_whole = guarded.is_whole;
    // Half of the time is for the debtors, so that the rest is told in any case.
    let left = cx.deadline().saturating_duration_since(Instant::now());
    let until = Instant::now() + left / 2;
    for account in guarded.accounts {
        if Instant::now() >= until {
            is_whole = false;
            break;
        }
        let of = AccountRef {
            owner: account.owner,
            index: account.index,
        };
        sums.add(&mut views, &of)?;
    }
    let mut assets = Vec::new();
    let count = views.ask(ledger::ADDRESS, &ILedger::assetCountCall {})?;
    let reporters = reporters(&mut views)?;
    for asset_id in 0..count {
        assets.push(asset(&mut views, &reporters, &mut sums, asset_id)?);
    }
    let (unhealthy, distance) = sums.bands();
    Ok(Risk {
        block_number: U64::from(views.number),
        time_ms: U64::from(views.time_ms),
        account_count: U64::from(sums.debtors.len()),
        unvalued_count: U64::from(sums.unvalued_count),
        is_whole,
        collateral: Fixed::wad(sum(sums.debtors.iter().map(|debtor| debtor.collateral))),
        debt: Fixed::wad(sum(sums.debtors.iter().map(|debtor| debtor.debt))),
        largest: largest(sums.debtors.iter().map(|debtor| debtor.debt).collect())?,
        unhealthy,
        distance,
        assets,
    })
}

/// One account in figures.
struct Debtor {
    collateral: U256,
    debt: U256,
    is_healthy: bool,
    room_bps: u16,
}

/// What the debtors amount to.
#[derive(Default)]
struct Sums {
    debtors: Vec<Debtor>,
    unvalued_count: u64,
    /// By asset: what each debtor holds of it, and owes.
    held: BTreeMap<u32, Vec<U256>>,
    owed: BTreeMap<u32, Vec<U256>>,
}

impl Sums {
    fn add(&mut self, views: &mut Views<'_>, of: &AccountRef) -> RpcResult<()> {
        let report = IAccount::reportOfCall {
            account: of.clone(),
        };
        let holdings = IAccount::holdingsOfCall {
            account: of.clone(),
        };
        // Whatever hides its value, the sums go on without it.
        let (Ok(report), Ok(holdings)) = (
            views.answer(account::ADDRESS, &report)?,
            views.answer(account::ADDRESS, &holdings)?,
        ) else {
            self.unvalued_count += 1;
            return Ok(());
        };
        if report.debt.is_zero() {
            return Ok(());
        }
        self.debtors.push(Debtor {
            collateral: report.collateral,
            debt: report.debt,
            is_healthy: report.healthMaintenance >= U256::from(WAD),
            room_bps: report.roomToFallBps,
        });
        for row in holdings {
            let note = |of: &mut BTreeMap<u32, Vec<U256>>, value: U256| {
                if !value.is_zero() {
                    of.entry(row.assetId).or_default().push(value);
                }
            };
            note(&mut self.held, row.heldValue);
            note(&mut self.owed, row.owedValue);
        }
        Ok(())
    }

    fn bands(&self) -> (Band, Vec<Band>) {
        let band = |from_bps, to_bps, of: &dyn Fn(&&Debtor) -> bool| {
            let inside: Vec<&Debtor> = self.debtors.iter().filter(of).collect();
            Band {
                from_bps,
                to_bps,
                account_count: U64::from(inside.len()),
                debt: Fixed::wad(sum(inside.iter().map(|debtor| debtor.debt))),
                collateral: Fixed::wad(sum(inside.iter().map(|debtor| debtor.collateral))),
            }
        };
        let unhealthy = band(0, Some(0), &|debtor| !debtor.is_healthy);
        let ends = BANDS_BPS.iter().skip(1).map(|end| Some(*end)).chain([None]);
        let bands = BANDS_BPS.iter().zip(ends).map(|(from, to)| {
            band(*from, to, &|debtor| {
                let is_below = to.is_none_or(|to| debtor.room_bps < to);
                debtor.is_healthy && debtor.room_bps >= *from && is_below
            })
        });
        (unhealthy, bands.collect())
    }
}

fn asset(
    views: &mut Views<'_>,
    reporters: &[(Address, bool)],
    sums: &mut Sums,
    asset_id: u32,
) -> RpcResult<AssetRisk> {
    let asset = views.ask(ledger::ADDRESS, &ILedger::assetCall { assetId: asset_id })?;
    let market = views.answer(
        lending::ADDRESS,
        &ILending::marketCall { assetId: asset_id },
    )?;
    let market = unless::<LendingUnknownMarket, _>(market)?;
    let held = sums.held.remove(&asset_id).unwrap_or_default();
    let owed = sums.owed.remove(&asset_id).unwrap_or_default();
    Ok(AssetRisk {
        asset_id,
        symbol: asset.symbol,
        decimals: asset.decimals,
        backing: Fixed::wad(sum(held.iter().copied())),
        owed: Fixed::wad(sum(owed.iter().copied())),
        backing_largest: largest(held)?,
        owed_largest: largest(owed)?,
        reserve: market.map(|market| Fixed::new(market.reserve, asset.decimals)),
        backstop: stake(views, asset_id, asset.decimals)?,
        oracle: oracle_state(views, reporters, asset_id)?,
    })
}

fn stake(views: &mut Views<'_>, asset_id: u32, decimals: u8) -> RpcResult<Option<Stake>> {
    let to = backstop::ADDRESS;
    let stake = views.answer(to, &IBackstop::stakeCall { assetId: asset_id })?;
    let Some(stake) = unless::<BackstopUnknownStake, _>(stake)? else {
        return Ok(None);
    };
    let params = views.ask(to, &IBackstop::paramsOfCall { assetId: asset_id })?;
    Ok(Some(Stake {
        assets: Fixed::new(stake.assets, decimals),
        cap: Fixed::new(params.present.cap, decimals),
        lot_count: U64::from(stake.lots),
        share_token: views.ask(to, &IBackstop::shareTokenCall { assetId: asset_id })?,
    }))
}

fn reporters(views: &mut Views<'_>) -> RpcResult<Vec<(Address, bool)>> {
    let mut found = Vec::new();
    for reporter in views.ask(oracle::ADDRESS, &IOracle::reportersCall {})? {
        let asked = IOracle::isReporterCall { account: reporter };
        found.push((reporter, views.ask(oracle::ADDRESS, &asked)?));
    }
    Ok(found)
}

fn oracle_state(
    views: &mut Views<'_>,
    reporters: &[(Address, bool)],
    asset_id: u32,
) -> RpcResult<Option<OracleState>> {
    let to = oracle::ADDRESS;
    let feed = views.answer(to, &IOracle::feedOfCall { assetId: asset_id })?;
    let Some(feed) = unless::<OracleFeedUnknown, _>(feed)? else {
        return Ok(None);
    };
    let params = views.ask(to, &IOracle::feedParamsOfCall { assetId: asset_id })?;
    let params = params.current;
    let spot = U256::from(feed.spot);
    let mut sources = Vec::new();
    for &(reporter, is_counted) in reporters {
        sources.push(source(views, asset_id, reporter, is_counted, spot)?);
    }
    Ok(Some(OracleState {
        age_ms: age(views.time_ms, feed.timeMs),
        price: PriceState::read(feed),
        stale_ms: U64::from(params.staleMs),
        quorum: params.quorum,
        band_bps: params.bandBps,
        sources,
    }))
}

fn source(
    views: &mut Views<'_>,
    asset_id: u32,
    reporter: Address,
    is_counted: bool,
    spot: U256,
) -> RpcResult<Source> {
    let to = oracle::ADDRESS;
    let asked = IOracle::observationOfCall {
        assetId: asset_id,
        reporter,
    };
    let said = views.ask(to, &asked)?;
    let round = views.ask(to, &IOracle::roundOfCall { reporter })?.round;
    let price = U256::from(said.price);
    let away = match price.is_zero() || spot.is_zero() {
        true => None,
        false => Some(share_bps(price.abs_diff(spot), spot)?),
    };
    Ok(Source {
        reporter,
        is_counted,
        price: (!price.is_zero()).then(|| Fixed::wad(price)),
        confidence_bps: said.confidenceBps,
        round: U64::from(round),
        age_ms: age(views.time_ms, said.timeMs),
        away_bps: away,
    })
}

/// Since then; nothing if it never was.
fn age(now_ms: u64, then_ms: u64) -> Option<U64> {
    (then_ms != 0).then(|| U64::from(now_ms.saturating_sub(then_ms)))
}

fn sum(values: impl Iterator<Item = U256>) -> U256 {
    values.fold(U256::ZERO, U256::saturating_add)
}

/// What the largest one, five and ten are of all, rounded down.
fn largest(mut values: Vec<U256>) -> RpcResult<Largest> {
    values.sort_unstable_by_key(|value| Reverse(*value));
    let all = sum(values.iter().copied());
    let share = |count| share_bps(sum(values.iter().copied().take(count)), all);
    Ok(Largest {
        one_bps: share(1)?,
        five_bps: share(5)?,
        ten_bps: share(10)?,
    })
}

fn share_bps(part: U256, whole: U256) -> RpcResult<u64> {
    if whole.is_zero() {
        return Ok(0);
    }
    let share = mul_div_down(part, U256::from(BPS_ONE), whole)
        .map_err(|error| RpcError::internal(error.to_string()))?;
    Ok(share.saturating_to())
}
