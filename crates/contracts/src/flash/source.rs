//! Where the tokens of a loan come from and go back to.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{ADDRESS as FLASH, error::FlashAmountTooHigh};
use crate::{admin, dollar, ledger, lending, revert, token};

/// A source. Another one is another variant, and what each function does for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Nothing, and the chain's own dollar is minted under its ceiling.
    Dollar,
    /// Nothing: tokens are minted, and burned when they come back.
    Mint,
    /// The cash of a lending market.
    Market(AssetId),
}

impl Source {
    /// The source of a token, if it lends (FLASH-2).
    pub(super) fn of(cx: &mut Ctx<'_>, token: Address) -> Result<Option<Self>, Halt> {
        if dollar::flash_room(cx, token)?.is_some() {
            return Ok(Some(Self::Dollar));
        }
        if may_mint(cx, token)? {
            return Ok(Some(Self::Mint));
        }
        let Some(id) = ledger::asset_of(cx, token)? else {
            return Ok(None);
        };
        let room = lending::flash_room(cx, id)?;
        Ok(room.map(|_| Self::Market(id)))
    }

    /// Most that it may lend now.
    pub(super) fn room(self, cx: &mut Ctx<'_>, token: Address) -> Result<U256, Halt> {
        match self {
            Self::Dollar => {
                let room = dollar::flash_room(cx, token)?;
                Ok(room.unwrap_or_default().to_u256())
            }
            Self::Mint => token::mintable(&mut cx.enter(token)),
            Self::Market(id) => {
                let room = lending::flash_room(cx, id)?;
                Ok(room.unwrap_or_default().to_u256())
            }
        }
    }

    /// Sends a loan to a wallet (FLASH-6).
    pub(super) fn lend(
        self,
        cx: &mut Ctx<'_>,
        token: Address,
        receiver: Address,
        amount: U256,
    ) -> Result<(), Halt> {
        let max = self.room(cx, token)?;
        if amount > max {
            return Err(revert(&FlashAmountTooHigh { token, amount, max }));
        }
        match self {
            Self::Dollar => dollar::lend_out(cx, receiver, Assets::from_u256(amount)?),
            Self::Mint => token::mint(&mut cx.enter(token), receiver, amount),
            Self::Market(id) => lending::lend_out(cx, id, receiver, Assets::from_u256(amount)?),
        }
    }

    /// Takes a loan and its fee back from a wallet (FLASH-1, FLASH-7).
    pub(super) fn take_back(
        self,
        cx: &mut Ctx<'_>,
        token: Address,
        receiver: Address,
        amount: U256,
        fee: U256,
    ) -> Result<(), Halt> {
        match self {
            Self::Dollar => {
                let (amount, fee) = (Assets::from_u256(amount)?, Assets::from_u256(fee)?);
                let due = amount.add(fee)?.to_u256();
                token::transfer_from(&mut cx.enter(token), receiver, dollar::ADDRESS, due)?;
                dollar::take_back(cx, amount, fee)
            }
            Self::Mint => {
                token::burn_from(&mut cx.enter(token), receiver, amount)?;
                if !fee.is_zero() {
                    let sink = admin::owner_of(cx, token)?;
                    token::transfer_from(&mut cx.enter(token), receiver, sink, fee)?;
                }
                Ok(())
            }
            Self::Market(id) => {
                let (amount, fee) = (Assets::from_u256(amount)?, Assets::from_u256(fee)?);
                lending::take_back(cx, id, receiver, amount, fee)
            }
        }
    }
}

/// Whether the owner of a factory token lets this contract mint and burn it.
fn may_mint(cx: &mut Ctx<'_>, token: Address) -> Result<bool, Halt> {
    Ok(token::is_token(cx, token)?
        && admin::has_role(cx, token, token::MINT, FLASH)?
        && admin::has_role(cx, token, token::BURN, FLASH)?)
}
