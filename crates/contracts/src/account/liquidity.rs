//! The verbs of pools: units of an account swap, become liquidity of its own, and come back. The exchange calls no code,
//! so all of them can be previewed.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, PoolId, Shares};

use super::{
    ADDRESS,
    desk::Desk,
    moves::amount_or,
    pieces,
    sheet::Piece,
    verbs::{GrowRange, OpenRange, Provision, Removal, ShrinkRange, Swap},
};
use crate::{
    exchange::{
        self, Bounds,
        IExchange::{ExchangeReceivedTooLittle, ExchangeTooFewShares},
        Liquidity, Outcome, Ticks, Two,
    },
    ledger,
    registry::UNITS,
    revert,
};

/// Units -> units, through any number of pools, within the bounds.
///
/// # Errors
/// `ExchangeExpired`, and those of `exchange::swap`.
pub(super) fn swap(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    (legs, bounds, deadline_ms): Swap,
) -> Result<Outcome, Halt> {
    exchange::expect_in_time(cx, deadline_ms)?;
    let account = desk.account();
    let paid_max = amount_or(cx, bounds.paidMax, |cx| {
        ledger::free(cx, AssetId::new(bounds.assetIn), account)
    })?;
    let bounds = Bounds {
        paid_max,
        asset_in: AssetId::new(bounds.assetIn),
        asset_out: AssetId::new(bounds.assetOut),
        received_min: Assets::from_u256(bounds.receivedMin)?,
    };
    let legs = exchange::legs_of(&legs)?;
    let outcome = exchange::swap(cx, account, account, &legs, bounds)?;
    desk.mark(cx, account, bounds.asset_in, UNITS)?;
    desk.mark(cx, account, bounds.asset_out, UNITS)?;
    Ok(outcome)
}

/// Units -> shares of a pool; answers the shares.
///
/// # Errors
/// `AccountTooManyPieces`, and those of `exchange::add`.
pub(super) fn provide(cx: &mut Ctx<'_>, desk: &mut Desk, args: &Provision) -> Result<Shares, Halt> {
    let (account, pool) = (desk.account(), PoolId::new(args.poolId));
    let coins = exchange::coins_of(cx, pool)?;
    let most = most_of(cx, account, &coins, &args.amountsMax)?;
    let shares_min = Shares::from_u256(args.sharesMin)?;
    let (taken, shares) = exchange::add(cx, pool, account, account, &most, shares_min)?;
    pieces::grown(cx, desk, account, Piece::Shares(pool), &coins, &taken)?;
    Ok(shares)
}

/// Shares of a pool -> units of each of its coins.
///
/// # Errors
/// Those of `exchange::remove`.
pub(super) fn remove(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    args: &Removal,
) -> Result<Vec<Assets>, Halt> {
    let (account, pool) = (desk.account(), PoolId::new(args.poolId));
    let coins = exchange::coins_of(cx, pool)?;
    let (own, _) = exchange::shares_worth(cx, pool, account)?;
    let burned = if args.shares == U256::MAX {
        own
    } else {
        Shares::from_u256(args.shares)?
    };
    let least = narrow(&args.amountsMin)?;
    let amounts = exchange::remove(cx, pool, account, account, burned, &least)?;
    let part = (burned.get(), own.get());
    pieces::shrunk(cx, desk, account, Piece::Shares(pool), &coins, part)?;
    Ok(amounts)
}

/// Units -> a new position of concentrated liquidity. Its token is this contract's, which moves it for nobody; whose it
/// is, the sheet says.
///
/// # Errors
/// `AccountTooManyPieces`, and those of `exchange::open_for` and of [`grow`].
pub(super) fn open(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    args: &OpenRange,
) -> Result<(u64, u128), Halt> {
    let range = Ticks {
        lower: args.lower,
        upper: args.upper,
    };
    let position = exchange::open_for(cx, ADDRESS, PoolId::new(args.poolId), range)?;
    let liquidity = fill(cx, desk, position, args.amountsMax, args.liquidityMin)?;
    Ok((position, liquidity))
}

/// Units -> more of a position of this account; answers the liquidity.
///
/// # Errors
/// `AccountNoPiece`, and those of `exchange::grow_range`.
pub(super) fn grow(cx: &mut Ctx<'_>, desk: &mut Desk, args: &GrowRange) -> Result<u128, Halt> {
    let account = desk.account();
    pieces::expect(cx, desk, account, Piece::Range(args.positionId))?;
    fill(
        cx,
        desk,
        args.positionId,
        args.amountsMax,
        args.liquidityMin,
    )
}

fn fill(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    position: u64,
    most: [U256; 2],
    liquidity_min: u128,
) -> Result<u128, Halt> {
    let account = desk.account();
    let Liquidity { coins, pool, .. } = Liquidity::of_range(cx, position)?;
    let most = two(&most_of(cx, account, &coins, &most)?);
    let (cost, liquidity) = exchange::grow_range(cx, position, account, most)?;
    if liquidity < liquidity_min {
        return Err(revert(&ExchangeTooFewShares {
            poolId: pool.get(),
            shares: U256::from(liquidity),
            sharesMin: U256::from(liquidity_min),
        }));
    }
    pieces::grown(cx, desk, account, Piece::Range(position), &coins, &cost)?;
    Ok(liquidity)
}

/// Liquidity of a position of this account, and all its fees, -> units; answers both.
///
/// # Errors
/// `AccountNoPiece`, `ExchangeReceivedTooLittle`, and those of `exchange::shrink_range`.
pub(super) fn shrink(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    args: &ShrinkRange,
) -> Result<(Two, Two), Halt> {
    let account = desk.account();
    let piece = Piece::Range(args.positionId);
    pieces::expect(cx, desk, account, piece)?;
    let Liquidity {
        coins,
        amount: whole,
        ..
    } = Liquidity::of_range(cx, args.positionId)?;
    let taken = if args.liquidity == u128::MAX {
        whole
    } else {
        args.liquidity
    };
    let (principal, fees) = exchange::shrink_range(cx, args.positionId, account, taken)?;
    for ((coin, amount), least) in coins.iter().zip(principal).zip(args.amountsMin) {
        if amount.to_u256() < least {
            return Err(revert(&ExchangeReceivedTooLittle {
                assetId: coin.get(),
                received: amount.to_u256(),
                receivedMin: least,
            }));
        }
    }
    pieces::shrunk(cx, desk, account, piece, &coins, (taken, whole))?;
    Ok((principal, fees))
}

/// The most of each coin that may be taken; the largest number is all that is free.
fn most_of(
    cx: &mut Ctx<'_>,
    account: AccountId,
    coins: &[AssetId],
    most: &[U256],
) -> Result<Vec<Assets>, Halt> {
    let mut amounts = Vec::with_capacity(most.len().min(coins.len()));
    // Amounts without a coin are left for the pool to count.
    let coins = coins.iter().map(Some).chain(core::iter::repeat(None));
    for (most, coin) in most.iter().zip(coins) {
        amounts.push(match coin {
            Some(coin) => amount_or(cx, *most, |cx| ledger::free(cx, *coin, account))?,
            None => Assets::ZERO,
        });
    }
    Ok(amounts)
}

fn narrow(amounts: &[U256]) -> Result<Vec<Assets>, Halt> {
    let narrow = amounts.iter().map(|amount| Assets::from_u256(*amount));
    Ok(narrow.collect::<Result<_, _>>()?)
}

fn two(amounts: &[Assets]) -> Two {
    let at = |place: usize| amounts.get(place).copied().unwrap_or_default();
    [at(0), at(1)]
}
