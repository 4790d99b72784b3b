//! The dollar's book: read, projected to now, accrued; and what moves its own tokens.
//!
//! Every function takes the frame of `dollar`.

use alloy_primitives::Address;
use capstan_state::{Ctx, Frame, Halt};
use capstan_units::{AccountId, Assets};

use super::{
    ADDRESS,
    IDollar::DollarAccrued,
    Pause,
    error::{DollarNotOpen, DollarPausedNow, DollarZeroAmount},
    math::{Accrued, Stock},
    savings,
    state::{Book, Config, DollarState},
};
use crate::{contract::emit, revert, token};

pub(super) const STATE: DollarState = DollarState::new();

/// Holds the reserves of foreign dollars in the ledger.
pub const RESERVES: AccountId = AccountId::new(ADDRESS, 0);

/// The book as it was last accrued.
pub(super) fn stored(cx: &mut Ctx<'_>) -> Result<Book, Halt> {
    let book = STATE.book.load(cx)?;
    if is_none(&book) {
        return Err(revert(&DollarNotOpen {}));
    }
    Ok(book)
}

/// Storage without a dollar reads so. The borrow index never falls below one.
pub(super) fn is_none(book: &Book) -> bool {
    book.borrow_index.is_zero()
}

/// What accruing now would do.
pub(super) struct Projection {
    pub(super) accrued: Accrued,
    /// The parameters that are in force then.
    pub(super) config: Config,
    /// Whether they came into force since the last accrual.
    is_new: bool,
}

/// What accruing now would do.
pub(super) fn projected(cx: &mut Ctx<'_>) -> Result<Projection, Halt> {
    let (book, now_ms) = (stored(cx)?, cx.store.block().time_ms);
    let (config, from_ms) = (STATE.config.load(cx)?, STATE.next_from_ms.load(cx)?);
    let accrued = Accrued::none(book);
    if book.accrued_ms == now_ms {
        return Ok(Projection {
            accrued,
            config,
            is_new: false,
        });
    }
    let token = STATE.token.load(cx)?;
    let room = token::mintable(&mut cx.enter(token))?;
    let stock = Stock {
        debt_shares: STATE.total_debts.load(cx)?,
        savings_shares: savings::total_shares(cx)?,
        room: Assets::from_u256(room)?,
    };
    if from_ms == 0 || now_ms < from_ms {
        return Ok(Projection {
            accrued: accrued.then(stock, config, now_ms)?,
            config,
            is_new: false,
        });
    }
    // A rate counts from its exact moment, whenever somebody looks.
    let next = STATE.next_config.load(cx)?;
    let until_change = accrued.then(stock, config, from_ms)?;
    Ok(Projection {
        accrued: until_change.then(stock, next, now_ms)?,
        config: next,
        is_new: true,
    })
}

/// The book as of now, whether or not it accrued: for views.
pub(super) fn now(cx: &mut Ctx<'_>) -> Result<Book, Halt> {
    Ok(projected(cx)?.accrued.book)
}

/// Brings the dollar to now: once per block, at its first touch.
pub(super) fn accrue(cx: &mut Ctx<'_>) -> Result<Book, Halt> {
    let before = stored(cx)?;
    if before.accrued_ms == cx.store.block().time_ms {
        return Ok(before);
    }
    let Projection {
        accrued,
        config,
        is_new,
    } = projected(cx)?;
    let Accrued {
        book,
        filled,
        earned,
        saved,
    } = accrued;
    STATE.book.save(cx, &book)?;
    if is_new {
        STATE.config.save(cx, &config)?;
        STATE.next_from_ms.save(cx, 0)?;
    }
    mint(cx, ADDRESS, earned)?;
    give(cx, savings::ADDRESS, saved)?;
    emit(
        cx,
        &DollarAccrued {
            borrowIndex: book.borrow_index.to_u256(),
            savingsIndex: book.savings_index.to_u256(),
            filled: filled.to_u256(),
            earned: earned.to_u256(),
            saved: saved.to_u256(),
        },
    )?;
    Ok(book)
}

/// Counts a fee that is in the contract's wallet: first it fills the hole, by being burned.
pub(super) fn earn(cx: &mut Ctx<'_>, fee: Assets) -> Result<(), Halt> {
    if fee.is_zero() {
        return Ok(());
    }
    let book = stored(cx)?;
    let filled = fee.min(book.hole);
    burn(cx, filled)?;
    let book = Book {
        hole: book.hole.sub(filled)?,
        surplus: book.surplus.add(fee.sub(filled)?)?,
        ..book
    };
    STATE.book.save(cx, &book)
}

/// Makes dollars for a wallet.
pub(super) fn mint(cx: &mut Ctx<'_>, to: Address, amount: Assets) -> Result<(), Halt> {
    if amount.is_zero() {
        return Ok(());
    }
    let token = STATE.token.load(cx)?;
    token::mint(&mut cx.enter(token), to, amount.to_u256())
}

/// Destroys dollars of the contract's wallet.
pub(super) fn burn(cx: &mut Ctx<'_>, amount: Assets) -> Result<(), Halt> {
    if amount.is_zero() {
        return Ok(());
    }
    let token = STATE.token.load(cx)?;
    token::burn(&mut cx.enter(token), amount.to_u256())
}

/// Sends dollars of the contract's wallet.
pub(super) fn give(cx: &mut Ctx<'_>, to: Address, amount: Assets) -> Result<(), Halt> {
    if amount.is_zero() {
        return Ok(());
    }
    let token = STATE.token.load(cx)?;
    token::transfer(&mut cx.enter(token), to, amount.to_u256())?;
    Ok(())
}

/// Takes dollars of a wallet that called this verb, or that of savings, itself: it needs to allow nothing.
pub(super) fn take(
    cx: &mut Ctx<'_>,
    wallet: Address,
    to: Address,
    amount: Assets,
) -> Result<(), Halt> {
    let token = STATE.token.load(cx)?;
    let frame = Frame {
        this: token,
        caller: wallet,
        value: Default::default(),
    };
    token::transfer(&mut Ctx::new(&mut *cx.store, frame), to, amount.to_u256())?;
    Ok(())
}

pub(super) fn refuse_zero(amount: Assets) -> Result<(), Halt> {
    if amount.is_zero() {
        return Err(revert(&DollarZeroAmount {}));
    }
    Ok(())
}

pub(super) fn refuse_paused(book: &Book, verb: Pause) -> Result<(), Halt> {
    if book.paused & verb.bit() == 0 {
        return Ok(());
    }
    Err(revert(&DollarPausedNow { verb: verb.bit() }))
}
