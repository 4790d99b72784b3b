//! `capstan_account`: a balance sheet with what it costs and how far it is from liquidation.

use alloy_eips::BlockId;
use alloy_primitives::{Address, U64, U256};
use capstan_contracts::{
    account::{
        self,
        IAccount::{self, AccountRef},
    },
    ledger::{self, ILedger},
    lending::{self, ILending, ILending::LendingUnknownMarket},
};
use capstan_units::{mul_div_down, mul_div_up};
use serde::{Deserialize, Serialize};

use super::costs::Debts;
use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    fixed::{Fixed, RAY_ONE},
    methods::Methods,
    views::{Views, unless},
    words::ErrorInWords,
};

/// A rate per year is this many times the rate per day.
const DAYS_PER_YEAR: u64 = 365;

pub(super) fn register(table: &mut Methods) {
    table.blocking(
        "capstan_account",
        ["account", "block?"],
        "An account, as an address or {owner, index}: rows, values, health, room to fall, liquidation prices, cost per day; pieces of liquidity, what they would give and what was put in.",
        account,
    );
}

/// An account: `{owner, index}`, or an address, whose account 0 is meant.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "write an address or {owner, index}")]
pub(crate) enum AccountAsked {
    First(Address),
    #[serde(rename_all = "camelCase")]
    Any {
        owner: Address,
        #[serde(default)]
        index: u8,
    },
}

impl From<AccountAsked> for AccountRef {
    fn from(asked: AccountAsked) -> Self {
        match asked {
            AccountAsked::First(owner) => Self { owner, index: 0 },
            AccountAsked::Any { owner, index } => Self { owner, index },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountAnswer {
    block_number: U64,
    time_ms: U64,
    owner: Address,
    index: u8,
    /// Nonce of the next signed batch.
    nonce: U256,
    /// Most collateral per own capital that the owner allows himself, in bps; zero is no limit.
    leverage_max_bps: u32,
    /// Most that he lets a day lose, in whole dollars; zero is no limit.
    daily_loss_max_usd: u32,
    /// How long he takes no new risk after a day that lost more.
    cooling_off_s: u32,
    /// How such a day stands; null without a limit, and while a price that it needs is unusable.
    day: Option<Day>,
    /// Collateral that is on offer to whoever pays the debt; null while none is.
    offer: Option<Offer>,
    #[serde(flatten)]
    standing: Standing,
}

/// A day of losses.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Day {
    began_ms: U64,
    /// When the next one may begin, cooling off included.
    ends_ms: U64,
    /// What was lost, in dollars; zero while something is won.
    lost: Fixed,
    /// Whether no new risk is taken until it ends.
    cooling_off: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    since_ms: U64,
    /// When the discount is largest.
    full_ms: U64,
}

/// Where an account stands. Without usable prices there is no health, and the error says of what.
#[derive(Serialize)]
pub(super) struct Standing {
    report: Option<Report>,
    error: Option<ErrorInWords>,
    holdings: Vec<Holding>,
    /// Liquidity in pools; null while it cannot be valued.
    pieces: Option<Vec<Piece>>,
}

/// Shares of a pool, a position of concentrated liquidity, or a stake in a farm. Values in dollars.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Piece {
    /// `shares`, `range` or `stake`.
    kind: &'static str,
    /// Number of the pool, the position or the farm.
    id: U64,
    /// Null where units are staked.
    pool_id: Option<u32>,
    /// Shares, liquidity, or staked shares or units.
    amount: U256,
    coins: Vec<PieceCoin>,
    /// What taking it apart would give now.
    value: Fixed,
    /// What counts as collateral: the least that its curve allows at the oracle's prices.
    fair_value: Fixed,
    /// What was put in would be worth this now; beyond `value` it is impermanent loss, below it fees made up for that.
    if_held: Fixed,
    initial_bps: u16,
    maintenance_bps: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PieceCoin {
    asset_id: u32,
    symbol: String,
    /// What it would give of the coin now, fees included.
    amount: Fixed,
    /// What was put in of it, less the part that was taken out.
    put_in: Fixed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    collateral: Fixed,
    borrowable: Fixed,
    debt: Fixed,
    /// Null without debt.
    health_initial: Option<Fixed>,
    /// Null without debt; liquidated below one.
    health_maintenance: Option<Fixed>,
    room_to_fall_bps: u16,
    /// What the debts cost a day at the rates of now, in dollars.
    cost_per_day: Fixed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Holding {
    asset_id: u32,
    symbol: String,
    token: Address,
    decimals: u8,
    units: Fixed,
    supplied: Fixed,
    owed: Fixed,
    supply_rate_per_year: Option<Fixed>,
    borrow_rate_per_year: Option<Fixed>,
    /// At the rates of now, in units of the asset.
    earns_per_day: Fixed,
    costs_per_day: Fixed,
    /// Null where prices are not usable.
    #[serde(flatten)]
    valued: Option<Valued>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Valued {
    held_value: Fixed,
    owed_value: Fixed,
    initial_bps: u16,
    maintenance_bps: u16,
    /// Price at which the account is liquidated, everything else as it is; null if none is.
    liquidation_price: Option<Fixed>,
}

fn account(
    cx: &RpcContext,
    (asked, id): (AccountAsked, Option<BlockId>),
) -> RpcResult<AccountAnswer> {
    let of = AccountRef::from(asked);
    let mut views = Views::at(cx, id)?;
    let to = account::ADDRESS;
    let account = || of.clone();
    let nonce = views.ask(to, &IAccount::nonceOfCall { account: account() })?;
    let limits = views.ask(to, &IAccount::limitsOfCall { account: account() })?;
    let offer = views.ask(to, &IAccount::offerOfCall { account: account() })?;
    Ok(AccountAnswer {
        block_number: U64::from(views.number),
        time_ms: U64::from(views.time_ms),
        owner: of.owner,
        index: of.index,
        nonce,
        leverage_max_bps: limits.now.leverageMaxBps,
        daily_loss_max_usd: limits.now.dailyLossMaxUsd,
        cooling_off_s: limits.now.coolingOffS,
        day: day(&mut views, &of)?,
        offer: (offer.sinceMs != 0).then(|| Offer {
            since_ms: U64::from(offer.sinceMs),
            full_ms: U64::from(offer.fullMs),
        }),
        standing: standing(&mut views, &of)?,
    })
}

fn day(views: &mut Views<'_>, of: &AccountRef) -> RpcResult<Option<Day>> {
    let asked = IAccount::dayOfCall {
        account: of.clone(),
    };
    let day = views.answer(account::ADDRESS, &asked)?.ok();
    Ok(day.filter(|day| day.endsMs != 0).map(|day| Day {
        began_ms: U64::from(day.beganMs),
        ends_ms: U64::from(day.endsMs),
        lost: Fixed::wad(if day.loss.is_negative() {
            U256::ZERO
        } else {
            day.loss.unsigned_abs()
        }),
        cooling_off: day.coolingOff,
    }))
}

/// The balance sheet as it stands in `views`.
pub(super) fn standing(views: &mut Views<'_>, of: &AccountRef) -> RpcResult<Standing> {
    let to = account::ADDRESS;
    let account = || of.clone();
    let report = views.answer(to, &IAccount::reportOfCall { account: account() })?;
    let holdings = views.answer(to, &IAccount::holdingsOfCall { account: account() })?;
    let (report, holdings) = match (report, holdings) {
        (Ok(report), Ok(holdings)) => (report, holdings),
        (Err(output), _) | (_, Err(output)) => {
            let error = ErrorInWords::read(views, &output)?;
            return Ok(Standing {
                report: None,
                error: Some(error.ok_or_else(|| RpcError::reverted(&output))?),
                holdings: unvalued(views, of)?,
                pieces: None,
            });
        }
    };
    let mut cost_usd = U256::ZERO;
    let mut rows = Vec::new();
    for holding in holdings {
        let row = Row::read(views, of, &holding)?;
        cost_usd = cost_usd.saturating_add(row.cost_usd(&holding)?);
        rows.push(row.holding);
    }
    // Without a debt health is the largest number.
    let health = |health: U256| (health != U256::MAX).then(|| Fixed::wad(health));
    Ok(Standing {
        report: Some(Report {
            collateral: Fixed::wad(report.collateral),
            borrowable: Fixed::wad(report.borrowable),
            debt: Fixed::wad(report.debt),
            health_initial: health(report.healthInitial),
            health_maintenance: health(report.healthMaintenance),
            room_to_fall_bps: report.roomToFallBps,
            cost_per_day: Fixed::wad(cost_usd),
        }),
        error: None,
        holdings: rows,
        pieces: Some(pieces(views, of)?),
    })
}

fn pieces(views: &mut Views<'_>, of: &AccountRef) -> RpcResult<Vec<Piece>> {
    let account = of.clone();
    let found = views.ask(account::ADDRESS, &IAccount::piecesOfCall { account })?;
    let mut pieces = Vec::new();
    for piece in found {
        let mut coins = Vec::new();
        let amounts = piece.amounts.iter().zip(&piece.putIn);
        for (asset_id, (amount, put_in)) in piece.assetIds.iter().zip(amounts) {
            let asset_id = *asset_id;
            let asset = views.ask(ledger::ADDRESS, &ILedger::assetCall { assetId: asset_id })?;
            coins.push(PieceCoin {
                asset_id,
                symbol: asset.symbol,
                amount: Fixed::new(*amount, asset.decimals),
                put_in: Fixed::new(*put_in, asset.decimals),
            });
        }
        pieces.push(Piece {
            kind: match piece.kind {
                0 => "shares",
                1 => "range",
                _ => "stake",
            },
            id: U64::from(piece.id),
            pool_id: (piece.poolId != u32::MAX).then_some(piece.poolId),
            amount: piece.amount,
            coins,
            value: Fixed::wad(piece.value),
            fair_value: Fixed::wad(piece.fairValue),
            if_held: Fixed::wad(piece.ifHeld),
            initial_bps: piece.initialBps,
            maintenance_bps: piece.maintenanceBps,
        });
    }
    Ok(pieces)
}

/// A row, and what its debts cost in a day, in smallest units.
struct Row {
    holding: Holding,
    per_day: U256,
}

impl Row {
    fn read(views: &mut Views<'_>, of: &AccountRef, found: &IAccount::Holding) -> RpcResult<Self> {
        let mut row = Self::bare(
            views,
            of,
            found.assetId,
            [found.units, found.supplied, found.owed],
        )?;
        row.holding.valued = Some(Valued {
            held_value: Fixed::wad(found.heldValue),
            owed_value: Fixed::wad(found.owedValue),
            initial_bps: found.initialBps,
            maintenance_bps: found.maintenanceBps,
            liquidation_price: (!found.liquidationPrice.is_zero())
                .then(|| Fixed::wad(found.liquidationPrice)),
        });
        Ok(row)
    }

    /// What the debts of the row cost in a day, in dollars.
    fn cost_usd(&self, found: &IAccount::Holding) -> RpcResult<U256> {
        if found.owed.is_zero() {
            return Ok(U256::ZERO);
        }
        mul_div_up(self.per_day, found.owedValue, found.owed)
            .map_err(|error| RpcError::internal(error.to_string()))
    }

    /// Without what needs prices.
    fn bare(
        views: &mut Views<'_>,
        of: &AccountRef,
        asset_id: u32,
        [units, supplied, owed]: [U256; 3],
    ) -> RpcResult<Self> {
        let asset = views.ask(ledger::ADDRESS, &ILedger::assetCall { assetId: asset_id })?;
        let market = views.answer(
            lending::ADDRESS,
            &ILending::marketCall { assetId: asset_id },
        )?;
        let market = unless::<LendingUnknownMarket, _>(market)?;
        let rate = |rate: Option<U256>| rate.unwrap_or_default();
        let supply_rate = market.as_ref().map(|market| market.supplyRate);
        let borrow_rate = market.as_ref().map(|market| market.borrowRate);
        let per_day = Debts::read(views, of, asset_id, rate(borrow_rate))?.per_day;
        let amount = |amount| Fixed::new(amount, asset.decimals);
        Ok(Self {
            per_day,
            holding: Holding {
                asset_id,
                symbol: asset.symbol,
                token: asset.token,
                decimals: asset.decimals,
                units: amount(units),
                supplied: amount(supplied),
                owed: amount(owed),
                supply_rate_per_year: supply_rate.map(Fixed::ray),
                borrow_rate_per_year: borrow_rate.map(Fixed::ray),
                earns_per_day: amount(per_day_down(supplied, rate(supply_rate))?),
                costs_per_day: amount(per_day),
                valued: None,
            },
        })
    }
}

/// What stands on an account, without prices: they are what is missing.
fn unvalued(views: &mut Views<'_>, of: &AccountRef) -> RpcResult<Vec<Holding>> {
    let count = views.ask(ledger::ADDRESS, &ILedger::assetCountCall {})?;
    let mut rows = Vec::new();
    for asset_id in 0..count {
        let (owner, index) = (of.owner, of.index);
        let units = views.ask(
            ledger::ADDRESS,
            &ILedger::freeOfCall {
                assetId: asset_id,
                owner,
                index,
            },
        )?;
        let supplied = views.answer(
            lending::ADDRESS,
            &ILending::suppliedOfCall {
                assetId: asset_id,
                owner,
                index,
            },
        )?;
        let supplied = unless::<LendingUnknownMarket, _>(supplied)?;
        let debts = Debts::read(views, of, asset_id, U256::ZERO)?;
        let amounts = [
            units,
            supplied.map_or(U256::ZERO, |supplied| supplied.assets),
            debts.owed,
        ];
        if amounts.iter().any(|amount| !amount.is_zero()) {
            rows.push(Row::bare(views, of, asset_id, amounts)?.holding);
        }
    }
    Ok(rows)
}

/// A day of a rate per year.
fn per_day_down(amount: U256, rate: U256) -> RpcResult<U256> {
    mul_div_down(amount, rate, year()).map_err(|error| RpcError::internal(error.to_string()))
}

pub(super) fn per_day_up(amount: U256, rate: U256) -> RpcResult<U256> {
    mul_div_up(amount, rate, year()).map_err(|error| RpcError::internal(error.to_string()))
}

fn year() -> U256 {
    RAY_ONE.saturating_mul(U256::from(DAYS_PER_YEAR))
}
