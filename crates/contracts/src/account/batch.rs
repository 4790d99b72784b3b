//! Running a batch: who may, what it does, and the one check at its end.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolValue;
use capstan_state::{CallKind, CallRequest, Ctx, Frame, Halt};
use capstan_units::{AccountId, AssetId, Assets, StreamId};

use super::{
    CALLER,
    IAccount::{Action, Executed},
    assess,
    desk::Desk,
    dollars,
    error::{
        AccountInFlight, AccountNotInCallback, AccountTooManyActions, AccountTooManyTouched,
        AccountUnknownVerb,
    },
    farming, guard, income, limits, liquidity, loans, moves, offer, operators,
    params::{ACTIONS_MAX, TOUCHED_MAX},
    pieces,
    state::AccountState,
    tokens,
    verbs::{
        Admission, AssetAmount, Bid, Dollars, ForeignCall, Loan, OtherAccount, PieceIn, PieceOut,
        PieceTo, Stream, Verb, Withdrawal,
    },
};
use crate::{contract::emit, exchange::Outcome, mutant::mutant, revert};

const STATE: AccountState = AccountState::new();

/// `execute`: the caller is the owner or an operator, and his wallet pays deposits.
///
/// # Errors
/// `AccountNotAuthorised`, and those of [`run`].
pub(super) fn execute(
    cx: &mut Ctx<'_>,
    account: AccountId,
    actions: &[Action],
) -> Result<Vec<Bytes>, Halt> {
    let caller = cx.caller();
    operators::expect_authorised(cx, account, caller)?;
    run(cx, account, actions)
}

/// Runs a batch in the name of the frame's caller, who may. The outermost one ends with the check of everybody whose
/// health a verb may have lowered; nothing before that takes an account out of the set (ACC-1, ACC-2).
///
/// # Errors
/// `AccountTooManyActions`, `AccountUnknownVerb`, `AccountBadArguments`, `AccountNotInCallback`, those of each verb, and
/// of the check: `AccountUnhealthy`, `AccountPriceUnusable`, `AccountLimitReached`, `AccountCoolingOff`.
pub(super) fn run(
    cx: &mut Ctx<'_>,
    account: AccountId,
    actions: &[Action],
) -> Result<Vec<Bytes>, Halt> {
    if actions.len() > ACTIONS_MAX {
        return Err(revert(&AccountTooManyActions {
            count: U256::from(actions.len()),
            max: U256::from(ACTIONS_MAX),
        }));
    }
    let results = enclosed(cx, account, |cx, desk, in_callback| {
        let mut results = Vec::with_capacity(actions.len());
        for action in actions {
            results.push(act(cx, desk, action, in_callback)?);
        }
        Ok(results)
    })?;
    let caller = cx.caller();
    emit(
        cx,
        &Executed {
            owner: account.owner,
            index: account.index,
            caller,
            verbs: actions.iter().map(|action| action.verb).collect(),
        },
    )?;
    Ok(results)
}

/// Pays from the caller's wallet into an account in which the asset stands already, or which he may act on. It runs as a
/// batch does: foreign code that the token reaches is inside of it.
///
/// # Errors
/// `AccountNotAuthorised`, and those of a deposit.
pub(super) fn deposit_to(
    cx: &mut Ctx<'_>,
    account: AccountId,
    asset_id: u32,
    amount: U256,
) -> Result<U256, Halt> {
    let asset = AssetId::new(asset_id);
    enclosed(cx, account, |cx, desk, _| {
        let caller = cx.caller();
        moves::expect_welcome(cx, desk, account, asset, caller)?;
        desk.touch(cx, false)?;
        Ok(moves::deposit(cx, desk, asset, amount)?.to_u256())
    })
}

/// Runs steps on an account as a batch or as a part of the one that runs already, which they are told. The outermost one
/// is settled when they are done.
fn enclosed<R>(
    cx: &mut Ctx<'_>,
    account: AccountId,
    steps: impl FnOnce(&mut Ctx<'_>, &mut Desk, bool) -> Result<R, Halt>,
) -> Result<R, Halt> {
    let depth = STATE.depth.load(cx)?;
    let deeper = depth.checked_add(1).ok_or_else(Halt::overflow)?;
    STATE.depth.save(cx, deeper)?;
    let mut desk = Desk::new(account);
    let answer = steps(cx, &mut desk, depth > 0)?;
    STATE.depth.save(cx, depth)?;
    if depth == 0 {
        settle(cx, desk)?;
    } else {
        desk.put_away(cx)?;
    }
    Ok(answer)
}

/// Refuses while a batch runs: what would be seen or changed is half done (ACC-4).
///
/// # Errors
/// `AccountInFlight`.
pub(super) fn expect_settled(cx: &mut Ctx<'_>) -> Result<(), Halt> {
    if STATE.depth.load(cx)? == 0 {
        return Ok(());
    }
    Err(revert(&AccountInFlight {}))
}

/// One action. A batch inside a batch can only come from foreign code that the outer one reached.
fn act(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    action: &Action,
    in_callback: bool,
) -> Result<Bytes, Halt> {
    let verb = Verb::from_number(action.verb)?;
    let rule = verb.rule();
    if in_callback && !rule.in_callback {
        return Err(revert(&AccountNotInCallback { verb: action.verb }));
    }
    let lowers = mutant!(
        GiftsUnchecked,
        rule.lowers,
        rule.lowers && verb != Verb::Transfer
    );
    desk.touch(cx, lowers)?;
    let args = &action.args;
    let amount = match verb {
        Verb::Deposit => {
            let AssetAmount { assetId, amount } = verb.arguments(args)?;
            moves::deposit(cx, desk, AssetId::new(assetId), amount)?
        }
        Verb::Withdraw => {
            let Withdrawal {
                assetId,
                amount,
                to,
            } = verb.arguments(args)?;
            moves::withdraw(cx, desk, AssetId::new(assetId), amount, to)?
        }
        Verb::Supply => {
            let AssetAmount { assetId, amount } = verb.arguments(args)?;
            moves::supply(cx, desk, AssetId::new(assetId), amount)?
        }
        Verb::Redeem => {
            let AssetAmount { assetId, amount } = verb.arguments(args)?;
            moves::redeem(cx, desk, AssetId::new(assetId), amount)?
        }
        Verb::Borrow => {
            let AssetAmount { assetId, amount } = verb.arguments(args)?;
            moves::borrow(cx, desk, AssetId::new(assetId), amount)?
        }
        Verb::Repay => {
            let AssetAmount { assetId, amount } = verb.arguments(args)?;
            moves::repay(cx, desk, AssetId::new(assetId), amount)?
        }
        Verb::Mint => {
            let Dollars { amount } = verb.arguments(args)?;
            dollars::mint(cx, desk, amount)?
        }
        Verb::Burn => {
            let Dollars { amount } = verb.arguments(args)?;
            dollars::burn(cx, desk, amount)?
        }
        Verb::TakeLoan => {
            let Loan { id, amount } = verb.arguments(args)?;
            let loan = loans::take(cx, desk, id, amount)?;
            return Ok(loan.abi_encode().into());
        }
        Verb::RepayLoan => {
            let Loan { id, amount } = verb.arguments(args)?;
            loans::repay(cx, desk, id, amount)?
        }
        Verb::Admit => {
            let Admission { assetId } = verb.arguments(args)?;
            moves::admit(cx, desk, AssetId::new(assetId))?
        }
        Verb::Transfer => {
            let other: OtherAccount = verb.arguments(args)?;
            moves::transfer(cx, desk, other.asset(), other.amount, other.account())?
        }
        Verb::TakeDebt => {
            let other: OtherAccount = verb.arguments(args)?;
            let caller = cx.caller();
            operators::expect_authorised(cx, other.account(), caller)?;
            moves::take_debt(cx, desk, other.asset(), other.amount, other.account())?
        }
        Verb::CloseAll => {
            let () = verb.arguments(args)?;
            moves::close_all(cx, desk)?;
            return Ok(Bytes::new());
        }
        Verb::Call => {
            let ForeignCall { target, input } = verb.arguments(args)?;
            desk.put_away(cx)?;
            return call(cx, target, input);
        }
        Verb::Assign => {
            let Stream { id } = verb.arguments(args)?;
            income::assign(cx, desk, StreamId::new(id))?;
            return Ok(Bytes::new());
        }
        Verb::TakeOver => {
            let other: OtherAccount = verb.arguments(args)?;
            let caller = cx.caller();
            operators::expect_authorised(cx, other.account(), caller)?;
            moves::take_over(cx, desk, other.account())?;
            return Ok(Bytes::new());
        }
        Verb::Bid => {
            let bid: Bid = verb.arguments(args)?;
            offer::bid(cx, desk, &bid)?
        }
        Verb::Collect => {
            let Stream { id } = verb.arguments(args)?;
            income::collect(cx, desk, StreamId::new(id))?
        }
        Verb::Swap
        | Verb::Provide
        | Verb::Remove
        | Verb::OpenRange
        | Verb::GrowRange
        | Verb::ShrinkRange
        | Verb::MovePiece
        | Verb::Stake
        | Verb::Unstake
        | Verb::Claim
        | Verb::DepositPiece
        | Verb::WithdrawPiece => return act_in_pools(cx, desk, verb, args),
    };
    Ok(amount.to_u256().abi_encode().into())
}

/// One action of those that the exchange and farms serve.
fn act_in_pools(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    verb: Verb,
    args: &Bytes,
) -> Result<Bytes, Halt> {
    let answer = match verb {
        Verb::Swap => {
            let Outcome { paid, received } = liquidity::swap(cx, desk, verb.arguments(args)?)?;
            (paid.to_u256(), received.to_u256()).abi_encode()
        }
        Verb::Provide => {
            let shares = liquidity::provide(cx, desk, &verb.arguments(args)?)?;
            shares.to_u256().abi_encode()
        }
        Verb::Remove => {
            let amounts = liquidity::remove(cx, desk, &verb.arguments(args)?)?;
            pieces::words(&amounts).abi_encode()
        }
        Verb::OpenRange => liquidity::open(cx, desk, &verb.arguments(args)?)?.abi_encode(),
        Verb::GrowRange => liquidity::grow(cx, desk, &verb.arguments(args)?)?.abi_encode(),
        Verb::ShrinkRange => {
            let (principal, fees) = liquidity::shrink(cx, desk, &verb.arguments(args)?)?;
            (principal.map(Assets::to_u256), fees.map(Assets::to_u256)).abi_encode()
        }
        Verb::MovePiece => {
            let to: PieceTo = verb.arguments(args)?;
            let piece = verb.piece(to.kind, to.id)?;
            pieces::give(cx, desk, to.account(), piece, to.amount)?;
            Vec::new()
        }
        Verb::Stake => {
            let staked = farming::stake(cx, desk, &verb.arguments(args)?)?;
            U256::from(staked).abi_encode()
        }
        Verb::Unstake => {
            let left = farming::unstake(cx, desk, &verb.arguments(args)?)?;
            U256::from(left).abi_encode()
        }
        Verb::Claim => {
            let claimed = farming::claim(cx, desk, &verb.arguments(args)?)?;
            pieces::words(&claimed).abi_encode()
        }
        Verb::DepositPiece => {
            let from: PieceIn = verb.arguments(args)?;
            let piece = verb.piece(from.kind, from.id)?;
            tokens::deposit(cx, desk, piece, from.amount)?.abi_encode()
        }
        Verb::WithdrawPiece => {
            let out: PieceOut = verb.arguments(args)?;
            let piece = verb.piece(out.kind, out.id)?;
            tokens::withdraw(cx, desk, piece, out.amount, out.to)?.abi_encode()
        }
        // Every verb that `act` leaves is above.
        _ => {
            return Err(revert(&AccountUnknownVerb {
                verb: verb.number(),
            }));
        }
    };
    Ok(answer.into())
}

/// Runs foreign code. It sees a caller that owns nothing, so it can do no more than anybody.
fn call(cx: &mut Ctx<'_>, target: Address, input: Bytes) -> Result<Bytes, Halt> {
    let outcome = cx.store.call(CallRequest {
        kind: CallKind::Call,
        from: CALLER,
        target,
        value: U256::ZERO,
        input,
        gas_limit: None,
    })?;
    if outcome.success {
        Ok(outcome.output)
    } else {
        Err(Halt::Revert(outcome.output))
    }
}

/// Adds an account to those that this batch changes (ACC-2). `lowers`: its health is checked at the end.
///
/// # Errors
/// `AccountTooManyTouched`.
pub(super) fn touch(cx: &mut Ctx<'_>, account: AccountId, lowers: bool) -> Result<(), Halt> {
    let (at, is_new) = enlist(cx, account)?;
    if is_new {
        limits::begin(cx, at, account)?;
    }
    if lowers {
        let bit = 1_u32.checked_shl(u32::from(at)).unwrap_or_default();
        let lowered = STATE.lowered.load(cx)?;
        if lowered & bit == 0 {
            let lowered = mutant!(LastActionDecides, lowered | bit, bit);
            STATE.lowered.save(cx, lowered)?;
        }
    }
    Ok(())
}

/// The same for an account of which collateral is sold: for its owner's day that is no move like others.
///
/// # Errors
/// `AccountTooManyTouched`.
pub(super) fn touch_sold(cx: &mut Ctx<'_>, account: AccountId) -> Result<(), Halt> {
    let (at, is_new) = enlist(cx, account)?;
    if is_new {
        limits::begin_sale(cx, at, account)?;
    }
    Ok(())
}

/// The place of an account among those that are changed, and whether it is new there.
fn enlist(cx: &mut Ctx<'_>, account: AccountId) -> Result<(u8, bool), Halt> {
    let count = STATE.touched_count.load(cx)?;
    for n in 0..count {
        if STATE.touched.at(n).load(cx)? == account {
            return Ok((n, false));
        }
    }
    let Some(more) = count.checked_add(1).filter(|more| *more <= TOUCHED_MAX) else {
        return Err(revert(&AccountTooManyTouched {
            max: U256::from(TOUCHED_MAX),
        }));
    };
    STATE.touched.at(count).save(cx, account)?;
    STATE.touched_count.save(cx, more)?;
    Ok((count, true))
}

/// Whether this transaction's unsettled batches changed the account.
pub(super) fn is_touched(cx: &mut Ctx<'_>, account: AccountId) -> Result<bool, Halt> {
    for n in 0..STATE.touched_count.load(cx)? {
        if STATE.touched.at(n).load(cx)? == account {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The end of the outermost batch: checks and guards, of what is read once of each account.
fn settle(cx: &mut Ctx<'_>, mut desk: Desk) -> Result<(), Halt> {
    let lowered = STATE.lowered.load(cx)?;
    let count = STATE.touched_count.load(cx)?;
    for n in 0..count {
        let account = STATE.touched.at(n).load(cx)?;
        let bit = 1_u32.checked_shl(u32::from(n)).unwrap_or_default();
        let lowers = lowered & bit != 0;
        let stand = desk.stand(cx, account)?;
        if lowers {
            assess::expect_healthy(cx, &stand, &mut desk.goods)?;
        }
        limits::end(cx, n, &stand, &mut desk.goods, lowers)?;
        guard::end(cx, &mut desk, &stand)?;
    }
    desk.close(cx)?;
    // The next batch of this transaction begins anew.
    STATE.lowered.save(cx, 0)?;
    STATE.touched_count.save(cx, 0)
}

/// The frame of the account room, with somebody else as the caller: for batches by signature.
pub(super) fn in_name_of<'c>(cx: &'c mut Ctx<'_>, caller: Address) -> Ctx<'c> {
    let frame = Frame { caller, ..cx.frame };
    Ctx::new(cx.store, frame)
}
