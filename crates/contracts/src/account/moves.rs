//! What the verbs of a batch move. Each marks on the [`Desk`] what may now stand, or no longer, on which account.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, DebtShares, value_up};

use super::{
    assess::{kind_bit, line},
    batch::touch,
    desk::Desk,
    error::{AccountDebtTooSmall, AccountDepositCap, AccountNothingOwed, AccountSameAccount},
    operators, pieces, settings,
    sheet::Row,
};
use crate::{
    ledger, lending,
    oracle::{PriceUse, Side},
    registry::{self, MARKET, UNITS},
    revert,
};

/// A signed or encoded amount; the largest number stands for `all`.
pub(super) fn amount_or(
    cx: &mut Ctx<'_>,
    amount: U256,
    all: impl FnOnce(&mut Ctx<'_>) -> Result<Assets, Halt>,
) -> Result<Assets, Halt> {
    if amount == U256::MAX {
        all(cx)
    } else {
        Ok(Assets::from_u256(amount)?)
    }
}

/// Wallet of the caller -> units; answers what arrived.
///
/// # Errors
/// `AccountDepositCap`, and those of the ledger's pull.
pub(super) fn deposit(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    asset: AssetId,
    amount: U256,
) -> Result<Assets, Halt> {
    let (account, wallet) = (desk.account(), cx.caller());
    let amount = amount_or(cx, amount, |cx| {
        ledger::wallet_balance_down(cx, asset, wallet)
    })?;
    desk.before_border(cx, asset)?;
    let arrived = ledger::pull(cx, asset, wallet, account, amount)?;
    expect_within_cap(cx, desk, asset)?;
    desk.mark(cx, account, asset, UNITS)?;
    Ok(arrived)
}

/// Refuses where more of an asset stands in the ledger than batches may bring there.
///
/// # Errors
/// `AccountDepositCap`.
pub(super) fn expect_within_cap(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    asset: AssetId,
) -> Result<(), Halt> {
    let cap = desk.goods.terms(cx, asset)?.deposit_cap;
    if cap.is_zero() {
        return Ok(());
    }
    let claims = ledger::claims(cx, asset)?;
    if claims <= cap {
        return Ok(());
    }
    Err(revert(&AccountDepositCap {
        assetId: asset.get(),
        claims: claims.to_u256(),
        cap: cap.to_u256(),
    }))
}

/// Units -> a wallet.
pub(super) fn withdraw(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    asset: AssetId,
    amount: U256,
    to: Address,
) -> Result<Assets, Halt> {
    let account = desk.account();
    let amount = amount_or(cx, amount, |cx| ledger::free(cx, asset, account))?;
    desk.before_border(cx, asset)?;
    ledger::push(cx, asset, account, to, amount)?;
    desk.mark(cx, account, asset, UNITS)?;
    Ok(amount)
}

/// Units -> market.
pub(super) fn supply(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    asset: AssetId,
    amount: U256,
) -> Result<Assets, Halt> {
    let account = desk.account();
    let amount = amount_or(cx, amount, |cx| ledger::free(cx, asset, account))?;
    lending::supply(cx, asset, account, amount)?;
    desk.mark(cx, account, asset, UNITS)?;
    desk.mark(cx, account, asset, MARKET)?;
    Ok(amount)
}

/// Market -> units; answers what came.
pub(super) fn redeem(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    asset: AssetId,
    amount: U256,
) -> Result<Assets, Halt> {
    let account = desk.account();
    let wanted = amount_or(cx, amount, |_| Ok(Assets::MAX))?;
    let (came, _) = lending::redeem(cx, asset, account, wanted)?;
    desk.mark(cx, account, asset, UNITS)?;
    desk.mark(cx, account, asset, MARKET)?;
    Ok(came)
}

/// Market -> units, as debt.
///
/// # Errors
/// `AccountDebtTooSmall`, and those of the market.
pub(super) fn borrow(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    asset: AssetId,
    amount: U256,
) -> Result<Assets, Halt> {
    let account = desk.account();
    let amount = Assets::from_u256(amount)?;
    lending::borrow(cx, asset, account, amount)?;
    desk.mark(cx, account, asset, UNITS)?;
    desk.mark(cx, account, asset, MARKET)?;
    expect_debt_worth_liquidating(cx, desk, account, asset)?;
    Ok(amount)
}

/// Units -> debt; at most the debt.
///
/// # Errors
/// `AccountNothingOwed`, `AccountDebtTooSmall`: the rest would be dust.
pub(super) fn repay(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    asset: AssetId,
    amount: U256,
) -> Result<Assets, Halt> {
    let account = desk.account();
    let wanted = amount_or(cx, amount, |_| Ok(Assets::MAX))?;
    let owed = desk.owed(cx, account, asset)?;
    if owed.is_zero() {
        return Err(revert(&AccountNothingOwed {
            assetId: asset.get(),
        }));
    }
    let paid = pay(cx, desk, account, account, asset, wanted.min(owed))?;
    expect_debt_worth_liquidating(cx, desk, account, asset)?;
    Ok(paid)
}

/// Units of `payer` lower what `debtor` owes of an asset, what is overdue first, then kind by kind; answers what they paid.
pub(super) fn pay(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    payer: AccountId,
    debtor: AccountId,
    asset: AssetId,
    amount: Assets,
) -> Result<Assets, Halt> {
    let kinds = desk.kinds(cx, debtor, asset)?;
    let mut left = amount;
    for is_for_overdue in [true, false] {
        for (number, kind) in registry::positions() {
            if kinds & kind_bit(number) == 0 || left.is_zero() {
                continue;
            }
            let most = if is_for_overdue {
                kind.overdue(cx, debtor, asset)?.min(left)
            } else {
                left
            };
            if most.is_zero() {
                continue;
            }
            let paid = kind.repay(cx, asset, payer, debtor, most)?;
            left = left.sub(paid)?;
            desk.mark(cx, debtor, asset, number)?;
        }
    }
    desk.mark(cx, payer, asset, UNITS)?;
    Ok(amount.sub(left)?)
}

/// Units that others paid in stand beside the sheet until their owner admits them, so that nobody fills another's
/// sheet with things he never asked for. Answers how many units count now.
pub(super) fn admit(cx: &mut Ctx<'_>, desk: &mut Desk, asset: AssetId) -> Result<Assets, Halt> {
    let account = desk.account();
    desk.mark(cx, account, asset, UNITS)?;
    ledger::free(cx, asset, account)
}

/// Units -> another account. Who may not act on that one can only add to an asset that already stands there,
/// so that nobody fills another's account with things he never asked for.
///
/// # Errors
/// `AccountNotAuthorised`, `AccountSameAccount`, `LedgerInsufficient`.
pub(super) fn transfer(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    asset: AssetId,
    amount: U256,
    to: AccountId,
) -> Result<Assets, Halt> {
    let (account, caller) = (desk.account(), cx.caller());
    expect_different(account, to)?;
    expect_welcome(cx, desk, to, asset, caller)?;
    touch(cx, to, false)?;
    let amount = amount_or(cx, amount, |cx| ledger::free(cx, asset, account))?;
    ledger::shift(cx, asset, account, to, amount)?;
    desk.mark(cx, account, asset, UNITS)?;
    desk.mark(cx, to, asset, UNITS)?;
    Ok(amount)
}

/// Another account's market debt becomes this one's.
///
/// # Errors
/// `AccountNothingOwed`, `AccountSameAccount`, `AccountDebtTooSmall`.
pub(super) fn take_debt(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    asset: AssetId,
    amount: U256,
    from: AccountId,
) -> Result<Assets, Halt> {
    let account = desk.account();
    expect_different(account, from)?;
    let all = lending::debt_shares(cx, asset, from)?;
    let owed = lending::debt_up(cx, asset, from)?;
    if all.is_zero() {
        return Err(revert(&AccountNothingOwed {
            assetId: asset.get(),
        }));
    }
    let wanted = amount_or(cx, amount, |_| Ok(owed))?;
    let shares = if wanted >= owed {
        all
    } else {
        lending::debt_shares_up(cx, asset, wanted)?.min(all)
    };
    refuse_nothing(asset, shares)?;
    touch(cx, from, false)?;
    lending::move_debt(cx, asset, from, account, shares)?;
    for moved in [from, account] {
        desk.mark(cx, moved, asset, MARKET)?;
        expect_debt_worth_liquidating(cx, desk, moved, asset)?;
    }
    Ok(wanted.min(owed))
}

fn refuse_nothing(asset: AssetId, shares: DebtShares) -> Result<(), Halt> {
    if shares.is_zero() {
        return Err(revert(&AccountNothingOwed {
            assetId: asset.get(),
        }));
    }
    Ok(())
}

/// All that stands on another account moves to this one: a position changes hands without being closed.
///
/// # Errors
/// `AccountSameAccount`, `AccountTooManyAssets`, `AccountTooManyPieces`, and what a kind refuses to move.
pub(super) fn take_over(cx: &mut Ctx<'_>, desk: &mut Desk, from: AccountId) -> Result<(), Halt> {
    let account = desk.account();
    expect_different(account, from)?;
    touch(cx, from, true)?;
    for row in desk.rows(cx, from)?.to_vec() {
        for (number, kind) in registry::positions() {
            if row.kinds & kind_bit(number) == 0 {
                continue;
            }
            kind.transfer(cx, row.asset, from, account)?;
            desk.mark(cx, from, row.asset, number)?;
            desk.mark(cx, account, row.asset, number)?;
        }
    }
    for piece in desk.pieces(cx, from)?.to_vec() {
        pieces::transfer(cx, desk, from, account, piece, U256::MAX)?;
    }
    Ok(())
}

/// Repays each debt as far as units and supplies of the same asset go. Liquidity stays as it is.
///
/// # Errors
/// Those of the market.
pub(super) fn close_all(cx: &mut Ctx<'_>, desk: &mut Desk) -> Result<(), Halt> {
    let account = desk.account();
    for row in desk.rows(cx, account)?.to_vec() {
        net(cx, desk, account, row, Assets::MAX)?;
    }
    Ok(())
}

/// Pays up to `most` of what is owed of one asset with what is held of it; answers what was paid.
pub(super) fn net(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    row: Row,
    most: Assets,
) -> Result<Assets, Halt> {
    let stands = line(cx, account, row)?;
    let payable = stands.owed.min(stands.held).min(most);
    if payable.is_zero() {
        return Ok(Assets::ZERO);
    }
    let units = unwind(cx, desk, account, row, payable)?;
    if units.is_zero() {
        return Ok(Assets::ZERO);
    }
    pay(cx, desk, account, account, row.asset, units)
}

/// Turns up to `wanted` of what is held of a row's asset into free units; answers how many are free of those wanted.
pub(super) fn unwind(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    row: Row,
    wanted: Assets,
) -> Result<Assets, Halt> {
    let mut left = wanted;
    for (number, kind) in registry::positions() {
        if row.kinds & kind_bit(number) == 0 || left.is_zero() {
            continue;
        }
        let turned = kind.unwind(cx, account, row.asset, left)?;
        left = left.sub(turned)?;
        desk.mark(cx, account, row.asset, number)?;
    }
    desk.mark(cx, account, row.asset, UNITS)?;
    Ok(wanted.sub(left)?)
}

/// Who may not act on an account can only add to what stands there (ACC-3).
///
/// # Errors
/// `AccountNotAuthorised`.
pub(super) fn expect_welcome(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    asset: AssetId,
    who: Address,
) -> Result<(), Halt> {
    let mut rows = desk.rows(cx, account)?.iter();
    if rows.any(|row| row.asset == asset) {
        return Ok(());
    }
    operators::expect_authorised(cx, account, who)
}

pub(super) fn expect_different(one: AccountId, other: AccountId) -> Result<(), Halt> {
    if one != other {
        return Ok(());
    }
    Err(revert(&AccountSameAccount {
        owner: one.owner,
        index: one.index,
    }))
}

/// A debt is nothing or worth a liquidation (ACC-9). Without a usable price nobody can tell; then borrowing is
/// refused by the check of the batch, and repaying is not.
///
/// # Errors
/// `AccountDebtTooSmall`.
pub(super) fn expect_debt_worth_liquidating(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    asset: AssetId,
) -> Result<(), Halt> {
    let owed = desk.owed(cx, account, asset)?;
    if owed.is_zero() {
        return Ok(());
    }
    let now_ms = cx.store.block().time_ms;
    let feed = desk.goods.feed(cx, asset)?;
    let Ok(price) = feed.price(now_ms, PriceUse::View, Side::Debt) else {
        return Ok(());
    };
    let value = value_up(owed, price, desk.goods.listed(cx, asset)?.decimals)?;
    let min = settings::debt_min_now(cx)?;
    if value >= min {
        return Ok(());
    }
    Err(revert(&AccountDebtTooSmall {
        assetId: asset.get(),
        value: value.to_u256(),
        min: min.to_u256(),
    }))
}
