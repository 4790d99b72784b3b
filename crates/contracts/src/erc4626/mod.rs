//! The ERC-4626 face: one interface and one set of rules, for every contract whose units are shares of something.
//!
//! ```text
//!   deposit · mint · withdraw · redeem · previews · limits      one interface, one table, written once
//!            │
//!            ▼
//!          Vault ──► what shares are worth, how they come in and leave      markets, savings, stakes
//!            └─────► Book (ERC-20)                                          who holds them
//! ```
//!
//! A contract joins by implementing [`Vault`] and naming [`verbs`] and [`INTERFACE`] beside those of the ERC-20 face:
//! `verbs! { IOwnCalls, and erc4626::verbs::<OwnBook>(), erc20::verbs::<OwnBook>(); ... }`.
//!
//! Every conversion rounds against who asks: shares for a deposit and assets for shares down, their price up. A preview
//! answers what its verb does in the same state; a limit (`max...`) answers zero where the verb is shut.
//!
//! Imports: erc20.
//!
//! Trusts: nobody. Not here: what is done with the assets (the contract that holds the book).

mod abi;

pub use abi::{IErc4626, INTERFACE, verbs};

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};

use crate::{
    contract::emit,
    erc20::{self, Book},
};
use IErc4626::{Deposit, Withdraw};

/// Shares that leave, for whom, and what they give.
#[derive(Clone, Copy, Debug)]
pub struct Exit {
    /// What is sent.
    pub assets: U256,
    /// What is burned for it.
    pub shares: U256,
    /// Who gets the assets.
    pub receiver: Address,
    /// Whose shares.
    pub owner: Address,
}

/// What shares are worth, and how they come in and leave. The frame is the vault's.
pub trait Vault: Book {
    /// Token that is deposited.
    ///
    /// # Errors
    /// The vault's own.
    fn asset(cx: &mut Ctx<'_>) -> Result<Address, Halt>;
    /// Shares for assets that come.
    ///
    /// # Errors
    /// The vault's own.
    fn shares_down(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt>;
    /// Shares that assets cost who leaves.
    ///
    /// # Errors
    /// The vault's own.
    fn shares_up(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt>;
    /// Assets for shares that leave.
    ///
    /// # Errors
    /// The vault's own.
    fn assets_down(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt>;
    /// Assets that shares cost who comes.
    ///
    /// # Errors
    /// The vault's own.
    fn assets_up(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt>;

    /// Takes assets from the caller, makes the shares that what arrives is worth, and answers those.
    ///
    /// # Errors
    /// The vault's own.
    fn deposit(cx: &mut Ctx<'_>, assets: U256, receiver: Address) -> Result<U256, Halt>;
    /// Makes exactly these shares, takes what they cost from the caller, and answers that.
    ///
    /// # Errors
    /// The vault's own.
    fn mint(cx: &mut Ctx<'_>, shares: U256, receiver: Address) -> Result<U256, Halt>;
    /// Burns shares and sends assets, by allowance where the caller is not the owner.
    ///
    /// # Errors
    /// The vault's own.
    fn leave(cx: &mut Ctx<'_>, exit: Exit) -> Result<(), Halt>;

    /// Most assets that may come now.
    ///
    /// # Errors
    /// The vault's own.
    fn max_deposit(cx: &mut Ctx<'_>) -> Result<U256, Halt>;
    /// Most assets that the owner may take now.
    ///
    /// # Errors
    /// The vault's own.
    fn max_withdraw(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt>;

    /// What all shares are worth.
    ///
    /// # Errors
    /// The vault's own.
    fn total_assets(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        let supply = Self::total_supply(cx)?;
        Self::assets_down(cx, supply)
    }
    /// What a deposit makes. It differs from [`Vault::shares_down`] where who comes pays for more than who leaves gets.
    ///
    /// # Errors
    /// The vault's own.
    fn preview_deposit(cx: &mut Ctx<'_>, assets: U256) -> Result<U256, Halt> {
        Self::shares_down(cx, assets)
    }
    /// What shares give who redeems them. It differs from [`Vault::assets_down`] where leaving costs something.
    ///
    /// # Errors
    /// The vault's own.
    fn preview_redeem(cx: &mut Ctx<'_>, shares: U256) -> Result<U256, Halt> {
        Self::assets_down(cx, shares)
    }
    /// Burns exactly these shares and answers the assets that were sent for them.
    ///
    /// # Errors
    /// The vault's own.
    fn redeem(
        cx: &mut Ctx<'_>,
        shares: U256,
        receiver: Address,
        owner: Address,
    ) -> Result<U256, Halt> {
        let assets = Self::assets_down(cx, shares)?;
        let exit = Exit {
            assets,
            shares,
            receiver,
            owner,
        };
        Self::leave(cx, exit)?;
        Ok(assets)
    }
    /// Most shares that may be made now.
    ///
    /// # Errors
    /// The vault's own.
    fn max_mint(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        let room = Self::max_deposit(cx)?;
        Self::preview_deposit(cx, room)
    }
    /// Shares that the owner could give back, were there assets enough.
    ///
    /// # Errors
    /// The vault's own.
    fn leaving_shares(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        Self::balance_of(cx, owner)
    }
    /// Most shares that the owner may give back now: none that are worth nothing.
    ///
    /// # Errors
    /// The vault's own.
    fn max_redeem(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        let assets = Self::max_withdraw(cx, owner)?;
        let shares = Self::leaving_shares(cx, owner)?;
        if Self::assets_down(cx, shares)? == assets {
            return Ok(if assets.is_zero() { U256::ZERO } else { shares });
        }
        Ok(Self::shares_down(cx, assets)?.min(shares))
    }
}

/// Sends exactly these assets and answers the shares that they cost.
fn withdraw<V: Vault>(
    cx: &mut Ctx<'_>,
    assets: U256,
    receiver: Address,
    owner: Address,
) -> Result<U256, Halt> {
    let shares = V::shares_up(cx, assets)?;
    let exit = Exit {
        assets,
        shares,
        receiver,
        owner,
    };
    V::leave(cx, exit)?;
    Ok(shares)
}

/// Uses an allowance, where the caller is not the owner.
///
/// # Errors
/// `ERC20InsufficientAllowance`.
pub fn spend<V: Vault>(cx: &mut Ctx<'_>, exit: &Exit) -> Result<(), Halt> {
    let sender = cx.caller();
    if sender == exit.owner {
        return Ok(());
    }
    erc20::spend_allowance::<V>(cx, exit.owner, sender, exit.shares)
}

/// Tells that the caller's assets became shares of `owner`.
///
/// # Errors
/// The store's.
pub fn came(cx: &mut Ctx<'_>, owner: Address, assets: U256, shares: U256) -> Result<(), Halt> {
    let sender = cx.caller();
    emit(
        cx,
        &Deposit {
            sender,
            owner,
            assets,
            shares,
        },
    )
}

/// Tells that shares became assets.
///
/// # Errors
/// The store's.
pub fn left(cx: &mut Ctx<'_>, exit: &Exit) -> Result<(), Halt> {
    let sender = cx.caller();
    let &Exit {
        assets,
        shares,
        receiver,
        owner,
    } = exit;
    emit(
        cx,
        &Withdraw {
            sender,
            receiver,
            owner,
            assets,
            shares,
        },
    )
}
