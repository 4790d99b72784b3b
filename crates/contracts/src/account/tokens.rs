//! Liquidity comes in from wallets as what it is there, and leaves as that.
//!
//! ```text
//!   wallet: LP tokens of pool 3 · position 17  ── depositPiece ──►  account: shares of pool 3 · range 17
//!                                              ◄─ withdrawPiece ──
//! ```
//!
//! No unit of a coin moves, no pool is touched, and no code of others runs. A face moves what wallets have and nothing
//! else, so LP tokens count only once their owner brings them here. Put in is what taking it apart would give at that
//! moment.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, Shares, mul_div_down};

use super::{
    ADDRESS,
    desk::Desk,
    moves,
    pieces::{self, Made},
    sheet::Piece,
    verbs::Verb,
};
use crate::{
    exchange::{
        self,
        IExchange::ExchangeZeroAmount,
        nft::{self, IRangePosition::ERC721InvalidReceiver},
    },
    revert,
};

/// LP tokens or a position of the caller's wallet -> a piece of the account; answers how many shares, or how much
/// liquidity.
///
/// # Errors
/// `ExchangeZeroAmount`, `AccountDepositCap`, `AccountTooManyPieces`, `AccountTooManyAssets`, and those of burnt LP tokens
/// and of a position that is another's.
pub(super) fn deposit(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    piece: Piece,
    amount: U256,
) -> Result<U256, Halt> {
    let (account, wallet) = (desk.account(), cx.caller());
    let came = match piece {
        Piece::Shares(pool) => {
            let shares = if amount == U256::MAX {
                exchange::lp_balance(cx, pool, wallet)?
            } else {
                Shares::from_u256(amount)?
            };
            exchange::take_in_shares(cx, pool, wallet, account, shares)?;
            Some(shares.get())
        }
        Piece::Range(position) => {
            nft::hand_over(cx, wallet, ADDRESS, position)?;
            None
        }
        // A stake of a wallet stays one: nothing that could be handed over stands for it.
        Piece::Stake(_) => return Err(Verb::DepositPiece.bad_arguments()),
    };
    let stands = pieces::made(cx, account, piece)?;
    let came = came.unwrap_or_else(|| stands.amount());
    if came == 0 {
        return Err(revert(&ExchangeZeroAmount {}));
    }
    for coin in stands.coins() {
        moves::expect_within_cap(cx, desk, *coin)?;
    }
    let worth = worth_down(cx, piece, &stands, came)?;
    pieces::grown(cx, desk, account, piece, stands.coins(), &worth)?;
    Ok(U256::from(came))
}

/// What a part of a piece would give if it were taken apart now.
fn worth_down(
    cx: &mut Ctx<'_>,
    piece: Piece,
    made: &Made,
    part: u128,
) -> Result<Vec<Assets>, Halt> {
    let amounts = pieces::amounts_now(cx, piece, made)?;
    let whole = made.amount();
    let parts = amounts.into_iter().map(|amount| {
        let amount = mul_div_down(amount.to_u256(), U256::from(part), U256::from(whole))?;
        Ok(Assets::from_u256(amount)?)
    });
    parts.collect()
}

/// A piece of the account, or some of its shares -> LP tokens or a position of a wallet; answers how many shares, or how
/// much liquidity.
///
/// # Errors
/// `AccountNoPiece`, `ExchangeZeroAmount`, `ExchangeInsufficientShares`, `ERC20InvalidReceiver`, `ERC721InvalidReceiver`.
pub(super) fn withdraw(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    piece: Piece,
    amount: U256,
    to: Address,
) -> Result<U256, Halt> {
    let account = desk.account();
    pieces::expect(cx, desk, account, piece)?;
    let stands = pieces::made(cx, account, piece)?;
    let whole = stands.amount();
    let left = match piece {
        Piece::Shares(pool) => {
            let shares = if amount == U256::MAX {
                Shares::new(whole)?
            } else {
                Shares::from_u256(amount)?
            };
            if shares.is_zero() {
                return Err(revert(&ExchangeZeroAmount {}));
            }
            exchange::let_out_shares(cx, pool, account, to, shares)?;
            shares.get()
        }
        Piece::Range(position) => {
            // Here it would be nobody's.
            if to == ADDRESS {
                return Err(revert(&ERC721InvalidReceiver { receiver: to }));
            }
            nft::hand_over(cx, ADDRESS, to, position)?;
            whole
        }
        Piece::Stake(_) => return Err(Verb::WithdrawPiece.bad_arguments()),
    };
    pieces::shrunk(cx, desk, account, piece, stands.coins(), (left, whole))?;
    Ok(U256::from(left))
}
