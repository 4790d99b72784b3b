//! What a contract above may do to an account of its own: the hands with which products borrow, sell and repay.
//!
//! ```text
//!   units in ─► borrow ─► sell ─► repay ─► units out ─► is it healthy, or better than before? ─► a new guard
//! ```
//!
//! Ledger units alone, so no foreign code runs in between, and a block may do it too. Whether the contract above may, it
//! knows itself: the account's owner is an address of its own, which nobody signs for.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, Bps, PoolId, Shares, TimeMs};

use super::{
    ADDRESS,
    assess::Question,
    batch,
    desk::Desk,
    guard, moves,
    order::{expect_no_worse, payable},
    pieces, settings,
    sheet::Piece,
};
use crate::{
    exchange::{self, Outcome, Sale},
    ledger,
    registry::UNITS,
};

/// Moves what stands on one account.
#[derive(Debug)]
pub(crate) struct Hands {
    desk: Desk,
}

/// Does `steps` to an account as one batch. In the end it is healthy at the initial factors, or healthier than before.
///
/// # Errors
/// `AccountInFlight`: a batch runs, so what would be seen is half done. `AccountUnhealthy`, `AccountPriceUnusable`, and those
/// of the steps.
pub(crate) fn manage<R>(
    cx: &mut Ctx<'_>,
    account: AccountId,
    steps: impl FnOnce(&mut Ctx<'_>, &mut Hands) -> Result<R, Halt>,
) -> Result<R, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    batch::expect_settled(cx)?;
    let desk = &mut Desk::new(account);
    let stand = desk.stand(cx, account)?;
    let before = stand.assess(cx, &mut desk.goods, Question::Batch)?;
    let (answer, mut desk) = done(cx, account, steps)?;
    let stand = desk.stand(cx, account)?;
    expect_no_worse(cx, &mut desk, &stand, before)?;
    guard::end(cx, &mut desk, &stand)?;
    Ok(answer)
}

/// The same where no price need be usable: the steps take no larger part of what the account holds than of what it owes, so
/// its health does not fall.
///
/// # Errors
/// `AccountInFlight`, and those of the steps.
pub(crate) fn split<R>(
    cx: &mut Ctx<'_>,
    account: AccountId,
    steps: impl FnOnce(&mut Ctx<'_>, &mut Hands) -> Result<R, Halt>,
) -> Result<R, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    batch::expect_settled(cx)?;
    let (answer, mut desk) = done(cx, account, steps)?;
    guard::renew(cx, &mut desk, account)?;
    Ok(answer)
}

fn done<R>(
    cx: &mut Ctx<'_>,
    account: AccountId,
    steps: impl FnOnce(&mut Ctx<'_>, &mut Hands) -> Result<R, Halt>,
) -> Result<(R, Desk), Halt> {
    let mut hands = Hands {
        desk: Desk::new(account),
    };
    let answer = steps(cx, &mut hands)?;
    Ok((answer, hands.desk))
}

impl Hands {
    /// Units of another account come.
    ///
    /// # Errors
    /// `LedgerInsufficient`, `AccountTooManyAssets`.
    pub(crate) fn put_in(
        &mut self,
        cx: &mut Ctx<'_>,
        from: AccountId,
        asset: AssetId,
        amount: Assets,
    ) -> Result<(), Halt> {
        let account = self.desk.account();
        ledger::shift(cx, asset, from, account, amount)?;
        self.desk.mark(cx, account, asset, UNITS)
    }

    /// Units leave for another account, on whose sheet they do not stand yet.
    ///
    /// # Errors
    /// `LedgerInsufficient`.
    pub(crate) fn take_out(
        &mut self,
        cx: &mut Ctx<'_>,
        to: AccountId,
        asset: AssetId,
        amount: Assets,
    ) -> Result<(), Halt> {
        let account = self.desk.account();
        ledger::shift(cx, asset, account, to, amount)?;
        self.desk.mark(cx, account, asset, UNITS)
    }

    /// A loan of the asset's market, as free units; zero is none.
    ///
    /// # Errors
    /// `AccountDebtTooSmall`, and those of the market.
    pub(crate) fn borrow(
        &mut self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        amount: Assets,
    ) -> Result<(), Halt> {
        if amount.is_zero() {
            return Ok(());
        }
        moves::borrow(cx, &mut self.desk, asset, amount.to_u256()).map(|_| ())
    }

    /// Pays debt with up to `most` free units, and leaves no dust of it (ACC-9); answers what was paid.
    ///
    /// # Errors
    /// `LedgerInsufficient`.
    pub(crate) fn repay(
        &mut self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        most: Assets,
    ) -> Result<Assets, Halt> {
        let amount = payable(cx, &mut self.desk, asset, most)?;
        self.repay_part(cx, asset, amount)
    }

    /// The same, however little stays owed.
    ///
    /// # Errors
    /// `LedgerInsufficient`.
    pub(crate) fn repay_part(
        &mut self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        amount: Assets,
    ) -> Result<Assets, Halt> {
        let account = self.desk.account();
        moves::pay(cx, &mut self.desk, account, account, asset, amount)
    }

    /// Sells as many free units as pools take at a price; answers what that was.
    ///
    /// # Errors
    /// Those of the sale.
    pub(crate) fn sell(&mut self, cx: &mut Ctx<'_>, sale: Sale) -> Result<Outcome, Halt> {
        let account = self.desk.account();
        let outcome = exchange::sell_up_to(cx, account, account, sale)?;
        self.desk.mark(cx, account, sale.sold, UNITS)?;
        self.desk.mark(cx, account, sale.received, UNITS)?;
        Ok(outcome)
    }

    /// Adds at most so much of each coin to a pool, in the pool's order; answers what was taken.
    ///
    /// # Errors
    /// Those of `exchange::add`.
    pub(crate) fn provide(
        &mut self,
        cx: &mut Ctx<'_>,
        pool: PoolId,
        most: &[Assets],
    ) -> Result<Vec<Assets>, Halt> {
        let account = self.desk.account();
        let (taken, _) = exchange::add(cx, pool, account, account, most, Shares::ZERO)?;
        let coins = exchange::coins_of(cx, pool)?;
        let piece = Piece::Shares(pool);
        pieces::grown(cx, &mut self.desk, account, piece, &coins, &taken)?;
        Ok(taken)
    }

    /// Turns shares of a pool into units of its coins; answers how many of each.
    ///
    /// # Errors
    /// Those of `exchange::remove`.
    pub(crate) fn remove(
        &mut self,
        cx: &mut Ctx<'_>,
        pool: PoolId,
        shares: Shares,
    ) -> Result<Vec<Assets>, Halt> {
        let account = self.desk.account();
        let (whole, least) = exchange::shares_worth(cx, pool, account)?;
        let least = vec![Assets::ZERO; least.len()];
        let amounts = exchange::remove(cx, pool, account, account, shares, &least)?;
        self.parted(cx, pool, shares, whole)?;
        Ok(amounts)
    }

    /// Shares of a pool become LP tokens of a wallet. No pool is asked.
    ///
    /// # Errors
    /// `ExchangeInsufficientShares`, `ERC20InvalidReceiver`.
    pub(crate) fn let_out_shares(
        &mut self,
        cx: &mut Ctx<'_>,
        pool: PoolId,
        shares: Shares,
        wallet: Address,
    ) -> Result<(), Halt> {
        let account = self.desk.account();
        let (whole, _) = exchange::shares_worth(cx, pool, account)?;
        exchange::let_out_shares(cx, pool, account, wallet, shares)?;
        self.parted(cx, pool, shares, whole)
    }

    fn parted(
        &mut self,
        cx: &mut Ctx<'_>,
        pool: PoolId,
        taken: Shares,
        whole: Shares,
    ) -> Result<(), Halt> {
        let account = self.desk.account();
        let coins = exchange::coins_of(cx, pool)?;
        let (piece, part) = (Piece::Shares(pool), (taken.get(), whole.get()));
        pieces::shrunk(cx, &mut self.desk, account, piece, &coins, part).map(drop)
    }
}

/// Which part of a collateral may be borrowed in a debt's asset now, and which part keeps it from being sold.
///
/// # Errors
/// The store's.
pub(crate) fn factors_between(
    cx: &mut Ctx<'_>,
    collateral: AssetId,
    debt: AssetId,
) -> Result<(Bps, Bps), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let now = TimeMs::new(cx.store.block().time_ms);
    let factors = settings::ramp(cx, collateral)?.at(now)?;
    let category = settings::terms(cx, debt)?.category;
    let is_shared = category != 0 && settings::terms(cx, collateral)?.category == category;
    Ok(match is_shared {
        true => (factors.category_initial, factors.category_maintenance),
        false => (factors.initial, factors.maintenance),
    })
}
