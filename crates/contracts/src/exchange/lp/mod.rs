//! Shares of a pool as a token of the wallet: ERC-20 at one native address per pool.
//!
//! Token units and the pool's shares are the same numbers: the token's account holds as many shares as wallets hold
//! units (EXCH-3). `exchange` makes and destroys them; nothing here touches a person's account.

mod abi;
mod state;

pub use abi::ILpToken;

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, View};
use capstan_units::{AccountId, PoolId, Shares};

use super::pool::{Pool, STATE as POOLS};
use crate::{
    Contract, Entry, Interface, Kind, Place, address,
    erc20::{self, Book, Holdings, Issued},
    invariant::{Broken, holds},
    ledger, native,
};
use state::LpState;

/// Where LP tokens answer; the id is the pool's number.
pub const KIND: Kind = Kind::new(19);

const STATE: LpState = LpState::new();

/// The LP token of a pool.
pub fn address_of(id: PoolId) -> Address {
    native(KIND, u64::from(id.get()))
}

/// The account that holds the pool's shares for all wallets.
pub(super) const fn account_of(token: Address) -> AccountId {
    AccountId::new(token, 0)
}

/// The pool of an LP token, which the frame is.
fn pool_of(cx: &Ctx<'_>) -> Result<PoolId, Halt> {
    address::parse(cx.this())
        .and_then(|(_, id)| u32::try_from(id).ok())
        .map(PoolId::new)
        .ok_or_else(|| Halt::Fatal(format!("{} is no LP token", cx.this())))
}

/// Makes units for a wallet, for whom the token's account got as many shares.
pub(super) fn mint(cx: &mut Ctx<'_>, id: PoolId, to: Address, shares: Shares) -> Result<(), Halt> {
    erc20::mint::<LpBook>(&mut cx.enter(address_of(id)), to, shares.to_u256())
}

/// Destroys units of a wallet, before the token's account burns as many shares.
pub(super) fn burn(cx: &mut Ctx<'_>, id: PoolId, of: Address, shares: Shares) -> Result<(), Halt> {
    erc20::burn::<LpBook>(&mut cx.enter(address_of(id)), of, shares.to_u256())
}

/// Units of a wallet.
pub(super) fn balance_of(cx: &mut Ctx<'_>, id: PoolId, of: Address) -> Result<U256, Halt> {
    LpBook::balance_of(&mut cx.enter(address_of(id)), of)
}

/// Units of an LP token.
struct LpBook;

impl LpBook {
    /// Symbols of the pool's assets, joined.
    fn symbols(cx: &mut Ctx<'_>) -> Result<String, Halt> {
        let id = pool_of(cx)?;
        let pool = Pool::load(&mut cx.enter(super::ADDRESS), id)?;
        let symbols = pool.coins.iter().map(|coin| ledger::symbol(cx, coin.asset));
        Ok(symbols.collect::<Result<Vec<_>, _>>()?.join("-"))
    }
}

impl Book for LpBook {
    erc20::kept_in!(STATE);

    fn name(cx: &mut Ctx<'_>) -> Result<String, Halt> {
        let id = pool_of(cx)?;
        Ok(format!("Liquidity of pool {id}: {}", Self::symbols(cx)?))
    }

    fn symbol(cx: &mut Ctx<'_>) -> Result<String, Halt> {
        Ok(format!("lp{}", Self::symbols(cx)?))
    }

    fn decimals(_: &mut Ctx<'_>) -> Result<u8, Halt> {
        Ok(18)
    }
}

impl Issued for LpBook {
    fn holdings() -> Holdings {
        Holdings {
            supply: STATE.supply,
            balances: STATE.balances,
        }
    }
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "lpToken",
    doc: "Shares of a pool of the exchange as a token (ERC-20).",
    place: Place::Kind(KIND),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[
        Interface {
            name: "lpToken",
            abi: ILpToken::abi::contract,
            source: include_str!("abi.rs"),
        },
        erc20::INTERFACE,
    ],
    errors_of: &[],
    system: &[],
    layout: LpState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: check,
};

/// The face's own invariants, and EXCH-3.
fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    LpBook::holdings().check(world, cx)?;
    let (id, token) = (pool_of(cx)?, cx.this());
    let supply = LpBook::holdings().total(cx)?;
    let at = (id, account_of(token));
    let shares = POOLS.shares.at(at).load(&mut cx.enter(super::ADDRESS))?;
    holds(supply == shares.to_u256(), "EXCH-3", || {
        format!("{token} has a supply of {supply} and {shares} shares of its pool")
    })
}
