//! The factory: makes tokens at addresses that count up.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};

use super::{
    FACTORY_ADDRESS, KIND,
    abi::ITokenFactory::{createTokenCall as NewToken, *},
    actions::STATE as TOKEN,
    params::{BURN, DECIMALS_MAX, MINT},
    state::FactoryState,
};
use crate::{
    address::{ID_MAX, native, parse},
    admin,
    contract::emit,
    revert,
};

const STATE: FactoryState = FactoryState::new();

/// Makes a token: its marker, its texts, its scope in `admin`. The owner holds MINT and BURN at once, since
/// nobody holds the token yet; later grants wait `grant_delay_ms`.
pub(super) fn create_token(cx: &mut Ctx<'_>, new: NewToken) -> Result<Address, Halt> {
    let NewToken {
        name,
        symbol,
        decimals,
        owner,
        grantDelayMs,
    } = new;
    if name.is_empty() || symbol.is_empty() {
        return Err(revert(&TokenTextEmpty {}));
    }
    if decimals > DECIMALS_MAX {
        return Err(revert(&TokenDecimalsTooMany {
            decimals,
            max: DECIMALS_MAX,
        }));
    }
    let id = STATE
        .token_count
        .load(cx)?
        .checked_add(1)
        .filter(|id| *id <= ID_MAX);
    let id = id.ok_or_else(Halt::overflow)?;
    STATE.token_count.save(cx, id)?;
    let token = native(KIND, id);
    cx.store.deploy_marker(token)?;

    let inside = &mut cx.enter(token);
    TOKEN.name.save(inside, &name)?;
    TOKEN.symbol.save(inside, &symbol)?;
    TOKEN.decimals.save(inside, decimals)?;

    admin::open_scope(cx, token, owner)?;
    for role in [MINT, BURN] {
        admin::found_role(
            &mut cx.enter(admin::ADDRESS),
            token,
            role,
            owner,
            grantDelayMs,
        )?;
    }
    emit(
        cx,
        &TokenCreated {
            token,
            owner,
            name,
            symbol,
            decimals,
        },
    )?;
    Ok(token)
}

/// Makes a token for a native contract, which owns it and alone mints and burns it.
///
/// # Errors
/// `TextTooLong`, `TokenTextEmpty`, `TokenDecimalsTooMany`.
pub fn create(
    cx: &mut Ctx<'_>,
    name: &str,
    symbol: &str,
    decimals: u8,
    owner: Address,
) -> Result<Address, Halt> {
    let new = NewToken {
        name: name.to_owned(),
        symbol: symbol.to_owned(),
        decimals,
        owner,
        grantDelayMs: 0,
    };
    create_token(&mut cx.enter(FACTORY_ADDRESS), new)
}

/// How many tokens there are.
pub(super) fn token_count(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    Ok(U256::from(STATE.token_count.load(cx)?))
}

/// Address of the token with this index, from zero.
pub(super) fn token_at(cx: &mut Ctx<'_>, index: U256) -> Result<Address, Halt> {
    let count = STATE.token_count.load(cx)?;
    match u64::try_from(index) {
        Ok(index) if index < count => Ok(native(KIND, index.saturating_add(1))),
        _ => Err(revert(&TokenIndexOutOfRange {
            index,
            count: U256::from(count),
        })),
    }
}

/// Whether the factory made a token at this address.
///
/// # Errors
/// The store's.
pub fn is_token(cx: &mut Ctx<'_>, address: Address) -> Result<bool, Halt> {
    let Some((KIND, id)) = parse(address) else {
        return Ok(false);
    };
    let count = STATE.token_count.load(&mut cx.enter(FACTORY_ADDRESS))?;
    Ok((1..=count).contains(&id))
}
