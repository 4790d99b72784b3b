//! Talking to tokens: native ones directly, foreign ones as hostile code.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use capstan_state::{CallKind, CallOutcome, CallRequest, Ctx, Frame, Halt};
use capstan_units::Assets;

use super::{
    ADDRESS,
    IForeign::{
        balanceOfCall, decimalsCall, symbolCall, totalSupplyCall, transferCall, transferFromCall,
    },
    IRebasing, Kind,
    error::*,
    params::{DECIMALS_MAX, LOOK_GAS, SYMBOL_BYTES_MAX},
};
use crate::{ether, revert, token};

/// Who asks for a pull.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    /// Contract that the wallet's allowance names.
    pub(super) contract: Address,
    /// Who called it.
    pub(super) caller: Address,
}

/// What a token says about itself.
pub(super) struct Looks {
    pub(super) decimals: u8,
    pub(super) symbol: Option<String>,
}

/// Looks at a token before it is listed.
pub(super) fn look(cx: &mut Ctx<'_>, token: Address, kind: Kind) -> Result<Looks, Halt> {
    let missing = |verb: &str| {
        let verb = verb.to_owned();
        revert(&LedgerNotAToken { token, verb })
    };
    if cx.store.code_size(token)? == 0 {
        return Err(missing("code"));
    }
    let decimals = ask(cx, token, decimalsCall {}.abi_encode())?;
    let decimals = decimals.ok_or_else(|| missing("decimals"))?;
    let narrow = u8::try_from(decimals).ok().filter(|n| *n <= DECIMALS_MAX);
    let Some(narrow) = narrow else {
        let max = U256::from(DECIMALS_MAX);
        return Err(revert(&LedgerTooManyDecimals {
            token,
            decimals,
            max,
        }));
    };
    if kind == Kind::Foreign {
        let balance = balanceOfCall { account: ADDRESS };
        ask(cx, token, balance.abi_encode())?.ok_or_else(|| missing("balanceOf"))?;
        let supply = ask(cx, token, totalSupplyCall {}.abi_encode())?;
        let supply = supply.ok_or_else(|| missing("totalSupply"))?;
        let max = Assets::MAX.to_u256();
        if supply > max {
            return Err(revert(&LedgerSupplyTooLarge { token, supply, max }));
        }
        refuse_rebasing(cx, token)?;
    }
    let said = view(cx, token, symbolCall {}.abi_encode())?;
    Ok(Looks {
        decimals: narrow,
        symbol: symbol_of(&said.output),
    })
}

fn refuse_rebasing(cx: &mut Ctx<'_>, token: Address) -> Result<(), Halt> {
    let amount = U256::ONE;
    for (mark, input) in [
        named(&IRebasing::scaledTotalSupplyCall {}),
        named(&IRebasing::getTotalSharesCall {}),
        named(&IRebasing::rebasingCreditsPerTokenCall {}),
        named(&IRebasing::gonsForBalanceCall { amount }),
    ] {
        if ask(cx, token, input)?.is_some() {
            let mark = mark.to_owned();
            return Err(revert(&LedgerRebasing { token, mark }));
        }
    }
    Ok(())
}

fn named<C: SolCall>(call: &C) -> (&'static str, Vec<u8>) {
    (C::SIGNATURE, call.abi_encode())
}

/// A symbol that people can read and no screen misreads: short, printable, without blanks.
fn symbol_of(answer: &Bytes) -> Option<String> {
    let text = symbolCall::abi_decode_returns_validate(answer).ok()?;
    let short = u32::try_from(text.len()).is_ok_and(|n| (1..=SYMBOL_BYTES_MAX).contains(&n));
    (short && text.bytes().all(|byte| byte.is_ascii_graphic())).then_some(text)
}

/// What the ledger's address holds. The frame is the ledger's.
pub(super) fn held(cx: &mut Ctx<'_>, token: Address) -> Result<U256, Halt> {
    balance(cx, token, ADDRESS)
}

/// What an address holds of a token. The frame is the ledger's.
pub(super) fn balance(cx: &mut Ctx<'_>, token: Address, of: Address) -> Result<U256, Halt> {
    match Kind::of(cx, token)? {
        Kind::Coin => cx.store.coin_balance(of),
        Kind::NativeToken => token::balance_of(&mut cx.enter(token), of),
        Kind::Foreign => {
            let request = balanceOfCall { account: of };
            let answer = call(cx, ADDRESS, token, CallKind::Static, request.abi_encode())?;
            match answer.output.first_chunk::<32>() {
                Some(word) if answer.success => Ok(U256::from_be_bytes(*word)),
                _ => Err(refused(token, answer.output)),
            }
        }
    }
}

/// Takes native tokens or coins from a wallet.
pub(super) fn take_native(
    cx: &mut Ctx<'_>,
    face: Address,
    asker: Asker,
    wallet: Address,
    amount: Assets,
) -> Result<(), Halt> {
    let by_itself = asker.caller == wallet;
    let caller = if by_itself { wallet } else { asker.contract };
    let is_coin = face == ether::ADDRESS;
    let cx = &mut on_behalf(cx, face, caller);
    let value = amount.to_u256();
    match (is_coin, by_itself) {
        (true, true) => ether::transfer(cx, ADDRESS, value)?,
        (true, false) => ether::transfer_from(cx, wallet, ADDRESS, value)?,
        (false, true) => token::transfer(cx, ADDRESS, value)?,
        (false, false) => token::transfer_from(cx, wallet, ADDRESS, value)?,
    };
    Ok(())
}

/// Gives native tokens or coins to a wallet.
pub(super) fn give_native(
    cx: &mut Ctx<'_>,
    face: Address,
    wallet: Address,
    amount: Assets,
) -> Result<(), Halt> {
    let is_coin = face == ether::ADDRESS;
    let cx = &mut on_behalf(cx, face, ADDRESS);
    let value = amount.to_u256();
    if is_coin {
        ether::transfer(cx, wallet, value)?;
    } else {
        token::transfer(cx, wallet, value)?;
    }
    Ok(())
}

/// Lets `issuer` make native tokens for the ledger.
pub(super) fn mint_native(
    cx: &mut Ctx<'_>,
    token: Address,
    issuer: Address,
    amount: Assets,
) -> Result<(), Halt> {
    token::mint(&mut on_behalf(cx, token, issuer), ADDRESS, amount.to_u256())
}

/// Hands native tokens of the ledger to `issuer`, who destroys them: a burn is always of the burner's own.
pub(super) fn burn_native(
    cx: &mut Ctx<'_>,
    token: Address,
    issuer: Address,
    amount: Assets,
) -> Result<(), Halt> {
    let value = amount.to_u256();
    token::transfer(&mut on_behalf(cx, token, ADDRESS), issuer, value)?;
    token::burn(&mut on_behalf(cx, token, issuer), value)
}

/// A face, called by `caller`.
fn on_behalf<'a>(cx: &'a mut Ctx<'_>, face: Address, caller: Address) -> Ctx<'a> {
    let frame = Frame {
        this: face,
        caller,
        value: U256::ZERO,
    };
    Ctx::new(&mut *cx.store, frame)
}

/// Lets a foreign token move `amount` to the ledger by the allowance of `spender`.
pub(super) fn transfer_from(
    cx: &mut Ctx<'_>,
    token: Address,
    spender: Address,
    from: Address,
    amount: Assets,
) -> Result<(), Halt> {
    let request = transferFromCall {
        from,
        to: ADDRESS,
        value: amount.to_u256(),
    };
    order(cx, spender, token, request.abi_encode())
}

/// Lets a foreign token move `amount` out of the ledger.
pub(super) fn transfer(
    cx: &mut Ctx<'_>,
    token: Address,
    to: Address,
    amount: Assets,
) -> Result<(), Halt> {
    let value = amount.to_u256();
    order(cx, ADDRESS, token, transferCall { to, value }.abi_encode())
}

/// A call that must do what it says: it answers true, or nothing, as tokens older than the standard do.
fn order(cx: &mut Ctx<'_>, from: Address, token: Address, input: Vec<u8>) -> Result<(), Halt> {
    if cx.store.code_size(token)? == 0 {
        return Err(refused(token, Bytes::new()));
    }
    let answer = call(cx, from, token, CallKind::Call, input)?;
    let is_true = match answer.output.first_chunk::<32>() {
        Some(word) => U256::from_be_bytes(*word) == U256::ONE,
        None => answer.output.is_empty(),
    };
    if answer.success && is_true {
        return Ok(());
    }
    Err(refused(token, answer.output))
}

/// Longest answer that is repeated in an error.
const ANSWER_BYTES_MAX: usize = 256;

fn refused(token: Address, answer: Bytes) -> Halt {
    let answer = answer.slice(..answer.len().min(ANSWER_BYTES_MAX));
    revert(&LedgerTokenRefused { token, answer })
}

/// The word that a look at the token answers, if it does.
fn ask(cx: &mut Ctx<'_>, token: Address, input: Vec<u8>) -> Result<Option<U256>, Halt> {
    let answer = view(cx, token, input)?;
    let word = answer.output.first_chunk::<32>().copied();
    Ok(word.filter(|_| answer.success).map(U256::from_be_bytes))
}

/// A look that cannot write and cannot use much gas.
fn view(cx: &mut Ctx<'_>, token: Address, input: Vec<u8>) -> Result<CallOutcome, Halt> {
    cx.store.call(CallRequest {
        kind: CallKind::Static,
        from: ADDRESS,
        target: token,
        value: U256::ZERO,
        input: input.into(),
        gas_limit: Some(LOOK_GAS),
    })
}

fn call(
    cx: &mut Ctx<'_>,
    from: Address,
    target: Address,
    kind: CallKind,
    input: Vec<u8>,
) -> Result<CallOutcome, Halt> {
    cx.store.call(CallRequest {
        kind,
        from,
        target,
        value: U256::ZERO,
        input: input.into(),
        gas_limit: None,
    })
}
