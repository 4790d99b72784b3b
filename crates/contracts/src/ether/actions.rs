//! Coins behind the ERC-20 face.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, Map, Value};

use super::{IEther::EtherSupplyUncounted, state::EtherState};
use crate::{
    erc20::{self, Book},
    revert,
};

const STATE: EtherState = EtherState::new();

/// The accounts' own coin balances (TOK-7).
pub(super) struct CoinBook;

impl Book for CoinBook {
    fn balance_of(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        cx.store.coin_balance(owner)
    }

    fn shift(cx: &mut Ctx<'_>, from: Address, to: Address, amount: U256) -> Result<bool, Halt> {
        cx.store.coin_move(from, to, amount)
    }

    fn total_supply(_: &mut Ctx<'_>) -> Result<U256, Halt> {
        Err(revert(&EtherSupplyUncounted {}))
    }

    fn allowance(owner: Address, spender: Address) -> Value<U256> {
        STATE.allowances.at((owner, spender))
    }

    fn nonces() -> Map<Address, Value<U256>> {
        STATE.nonces
    }

    fn name(_: &mut Ctx<'_>) -> Result<String, Halt> {
        Ok("Ether".to_owned())
    }

    fn symbol(_: &mut Ctx<'_>) -> Result<String, Halt> {
        Ok("ETH".to_owned())
    }

    fn decimals(_: &mut Ctx<'_>) -> Result<u8, Halt> {
        Ok(18)
    }
}

/// Moves coins of the caller. The frame is the face's.
///
/// # Errors
/// As the verb `transfer`.
pub fn transfer(cx: &mut Ctx<'_>, to: Address, amount: U256) -> Result<bool, Halt> {
    erc20::transfer::<CoinBook>(cx, to, amount)
}

/// Moves coins of `from`, who allowed the caller to. The frame is the face's.
///
/// # Errors
/// As the verb `transferFrom`.
pub fn transfer_from(
    cx: &mut Ctx<'_>,
    from: Address,
    to: Address,
    amount: U256,
) -> Result<bool, Halt> {
    erc20::transfer_from::<CoinBook>(cx, from, to, amount)
}
