//! The verbs of farms: units and shares of an account become its stake and come back, and what a stake earned becomes
//! units. A stake is a piece of the sheet, so it backs what its shares or units would back. Farms call no code, so all of
//! this can be previewed, and the block can do it.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Assets, FarmId, Shares};

use super::{
    desk::Desk,
    moves::amount_or,
    pieces,
    sheet::Piece,
    verbs::{FarmAmount, FarmRewards},
};
use crate::{
    exchange,
    farms::{self, Thing},
    ledger,
    registry::UNITS,
};

/// Units or shares -> a stake; answers how much.
///
/// # Errors
/// `FarmsUnknown`, `FarmsZeroAmount`, `AccountNoPiece`, `AccountTooManyPieces`, `LedgerInsufficient`,
/// `ExchangeInsufficientShares`.
pub(super) fn stake(cx: &mut Ctx<'_>, desk: &mut Desk, args: &FarmAmount) -> Result<u128, Halt> {
    let (account, farm) = (desk.account(), FarmId::new(args.farmId));
    let piece = Piece::Stake(farm);
    match farms::thing(cx, farm)? {
        Thing::Units(asset) => {
            let amount = amount_or(cx, args.amount, |cx| ledger::free(cx, asset, account))?;
            farms::stake(cx, farm, account, amount.get())?;
            pieces::grown(cx, desk, account, piece, &[asset], &[amount])?;
            Ok(amount.get())
        }
        Thing::Shares(pool) => {
            let shares = Piece::Shares(pool);
            pieces::expect(cx, desk, account, shares)?;
            let (own, _) = exchange::shares_worth(cx, pool, account)?;
            let amount = amount_or(cx, args.amount, |_| Ok(Assets::new(own.get())?))?.get();
            farms::stake(cx, farm, account, amount)?;
            let coins = exchange::coins_of(cx, pool)?;
            let part = (amount, own.get());
            let put_in = pieces::shrunk(cx, desk, account, shares, &coins, part)?;
            pieces::grown(cx, desk, account, piece, &coins, &put_in)?;
            Ok(amount)
        }
    }
}

/// A stake -> units or shares; answers how much. What it earned stays due.
///
/// # Errors
/// `AccountNoPiece`, `FarmsZeroAmount`, `FarmsInsufficient`, `AccountTooManyPieces`.
pub(super) fn unstake(cx: &mut Ctx<'_>, desk: &mut Desk, args: &FarmAmount) -> Result<u128, Halt> {
    let (account, farm) = (desk.account(), FarmId::new(args.farmId));
    let piece = Piece::Stake(farm);
    pieces::expect(cx, desk, account, piece)?;
    let whole = farms::staked(cx, farm, account)?;
    let amount = amount_or(cx, args.amount, |_| Ok(Assets::new(whole)?))?.get();
    farms::unstake(cx, farm, account, amount)?;
    let coins = pieces::coins_of(cx, piece)?;
    let put_in = pieces::shrunk(cx, desk, account, piece, &coins, (amount, whole))?;
    if let Thing::Shares(pool) = farms::thing(cx, farm)? {
        pieces::grown(cx, desk, account, Piece::Shares(pool), &coins, &put_in)?;
    }
    Ok(amount)
}

/// What a farm owes the account -> units; answers how much of each reward, in the farm's order.
///
/// # Errors
/// `FarmsUnknown`, `AccountTooManyAssets`.
pub(super) fn claim(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    args: &FarmRewards,
) -> Result<Vec<Assets>, Halt> {
    let (account, farm) = (desk.account(), FarmId::new(args.farmId));
    let mut claimed = Vec::new();
    for asset in farms::rewards(cx, farm)? {
        let amount = farms::claim(cx, farm, account, asset)?;
        if !amount.is_zero() {
            desk.mark(cx, account, asset, UNITS)?;
        }
        claimed.push(amount);
    }
    Ok(claimed)
}

/// The block takes a whole stake out. Rewards of which the sheet has a row become units at once: they may pay a debt. The
/// others stay due, since a full sheet must hold up nothing.
pub(super) fn leave(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    farm: FarmId,
    staked: u128,
) -> Result<(), Halt> {
    farms::unstake(cx, farm, account, Shares::new(staked)?.get())?;
    for asset in farms::rewards(cx, farm)? {
        if desk.kinds(cx, account, asset)? == 0 {
            continue;
        }
        if !farms::claim(cx, farm, account, asset)?.is_zero() {
            desk.mark(cx, account, asset, UNITS)?;
        }
    }
    Ok(())
}
