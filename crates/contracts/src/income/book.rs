//! A machine's account: what its stream brought, and where it went (INC-1). The frame is that of `income`, except in the
//! doors for rooms that sell work.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, StreamId};

use super::{
    ADDRESS,
    IIncome::{
        BookOpened, IncomeEarned, IncomeShared, IncomeWaits, LifeStated, PowerStated, collectReturn,
    },
    POT, account_of, bank, days,
    error::*,
    look,
    market::{self, STATE},
    math::DAY_MS,
    params::{self, Params},
    recover::{self, Tier},
    related::{self, Why},
    state::Book,
};
use crate::{contract::emit, ledger, machines, revert, streams, term};

/// What a customer pays for a machine's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earning {
    /// Whose work.
    pub machine_id: u64,
    /// What is paid.
    pub asset: AssetId,
    /// Whose units pay; the room that sells work answers for them.
    pub from: AccountId,
    /// How much the machine gets.
    pub amount: Assets,
    /// What settlement took besides, for good.
    pub fee: Assets,
    /// Who pays.
    pub customer: Address,
    /// Since when he is known; zero if nobody can say.
    pub first_seen_ms: u64,
}

/// Where income went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// To the debt.
    pub to_debt: Assets,
    /// To the holder of the title.
    pub to_holder: Assets,
    /// What is kept now for the next instalment.
    pub reserved: Assets,
}

/// Pays a machine: its debt what is due, its holder the rest, at once. For rooms that sell work. Nothing that a settlement
/// could cause makes it refuse, but units that `from` has not: what cannot be judged or shared out now is in the machine's
/// stream, counts nothing, passes no debt by, and the block shares it out when it can.
///
/// # Errors
/// `ERC721NonexistentToken`, `LedgerInsufficient`.
pub fn earned(cx: &mut Ctx<'_>, earning: &Earning) -> Result<Shared, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let Earning {
        machine_id: id,
        asset,
        from,
        amount,
        ..
    } = *earning;
    if amount.is_zero() {
        return Ok(Shared::default());
    }
    let Some(book) = of_asset(cx, id, asset)? else {
        let holder = machines::holder_of(cx, id)?;
        ledger::shift(cx, asset, from, AccountId::new(holder, 0), amount)?;
        say_earned(cx, earning, Assets::ZERO, Why::OtherAsset)?;
        return Ok(Shared {
            to_holder: amount,
            ..Shared::default()
        });
    };
    streams::pay_in(cx, book.stream, from, amount)?;
    match cx.attempt_item(|cx| count(cx, earning, book))? {
        Ok(shared) => Ok(shared),
        Err(reason) => {
            look::call_at_once(cx, id)?;
            emit(
                cx,
                &IncomeWaits {
                    machineId: id,
                    amount: amount.to_u256(),
                    reason,
                },
            )?;
            Ok(Shared::default())
        }
    }
}

/// Counts what is in the stream now, as far as it counts, and shares it out.
fn count(cx: &mut Ctx<'_>, earning: &Earning, mut book: Book) -> Result<Shared, Halt> {
    let (id, amount) = (earning.machine_id, earning.amount);
    let holder = machines::holder_of(cx, id)?;
    meet(cx, id, &mut book, holder)?;
    let params = params::in_force(cx, book.asset)?;
    let why = related::judge(cx, id, &params, earning.customer, earning.first_seen_ms)?;
    let counted = match why {
        Why::Counts => amount,
        _ => Assets::ZERO,
    };
    let paid = days::Paid {
        customer: earning.customer,
        amount,
        counted,
        fee: earning.fee,
    };
    days::record(cx, id, &book, &params, &paid)?;
    say_earned(cx, earning, counted, why)?;
    share_out(cx, id, &mut book)
}

fn say_earned(cx: &mut Ctx<'_>, of: &Earning, counted: Assets, why: Why) -> Result<(), Halt> {
    emit(
        cx,
        &IncomeEarned {
            machineId: of.machine_id,
            customer: of.customer,
            amount: of.amount.to_u256(),
            fee: of.fee.to_u256(),
            counted: counted.to_u256(),
            why: why.number(),
        },
    )
}

/// Says what escrow customers have funded for a machine's work, and that its bond may have been slashed for it (INC-5). For rooms
/// that sell work. A machine without a book has earned nothing yet: it is told after its first income.
///
/// # Errors
/// The store's.
pub fn escrow_left(cx: &mut Ctx<'_>, id: u64, asset: AssetId, escrow: Assets) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADDRESS);
    match find(cx, id)? {
        Some(book) if book.asset == asset => {
            let mut book = Book { escrow, ..book };
            bank::recount_bond(cx, id, &mut book)?;
            save(cx, id, &book)
        }
        _ => Ok(()),
    }
}

/// What escrow a machine's book has in an asset, for the invariants of rooms that sell work; none without a book.
///
/// # Errors
/// The store's.
pub(crate) fn escrow_of(cx: &mut Ctx<'_>, id: u64, asset: AssetId) -> Result<Option<Assets>, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let book = find(cx, id)?.filter(|book| book.asset == asset);
    Ok(book.map(|book| book.escrow))
}

/// A machine's account, if it has one.
pub(super) fn find(cx: &mut Ctx<'_>, id: u64) -> Result<Option<Book>, Halt> {
    let book = STATE.books.at(id).load(cx)?;
    Ok(book.is_open.then_some(book))
}

/// One that exists.
pub(super) fn known(cx: &mut Ctx<'_>, id: u64) -> Result<Book, Halt> {
    find(cx, id)?.ok_or_else(|| revert(&IncomeNoBook { machineId: id }))
}

pub(super) fn save(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<(), Halt> {
    STATE.books.at(id).save(cx, book)
}

/// A machine's account in an asset, opened if it has none and the asset has a market; none where it earns in another one.
fn of_asset(cx: &mut Ctx<'_>, id: u64, asset: AssetId) -> Result<Option<Book>, Halt> {
    if let Some(book) = find(cx, id)? {
        return Ok((book.asset == asset).then_some(book));
    }
    if market::find(cx, asset)?.is_none() {
        return Ok(None);
    }
    begin(cx, id, asset).map(Some)
}

fn begin(cx: &mut Ctx<'_>, id: u64, asset: AssetId) -> Result<Book, Halt> {
    let holder = machines::holder_of(cx, id)?;
    let stream = streams::open_settled(cx, POT, asset, account_of(id))?;
    let mut book = Book {
        is_open: true,
        asset,
        stream,
        ..Book::default()
    };
    meet(cx, id, &mut book, holder)?;
    save(cx, id, &book)?;
    emit(
        cx,
        &BookOpened {
            machineId: id,
            assetId: asset.get(),
            streamId: stream.get(),
        },
    )?;
    Ok(book)
}

/// Remembers who held the title: what he buys himself later is still his own.
pub(super) fn meet(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &mut Book,
    holder: Address,
) -> Result<(), Halt> {
    if book.holder == holder {
        return Ok(());
    }
    book.holder = holder;
    STATE.holders.at((id, holder)).save(cx, true)
}

/// Opens a machine's stream, for its holder.
///
/// # Errors
/// `IncomeUnknownMarket`, `IncomeNotHolder`, `IncomeOtherAsset`, `MachinesUnknown`.
pub(super) fn open(cx: &mut Ctx<'_>, id: u64, number: u32) -> Result<u64, Halt> {
    let asset = AssetId::new(number);
    market::known(cx, asset)?;
    expect_holder(cx, id)?;
    match of_asset(cx, id, asset)? {
        Some(book) => Ok(book.stream.get()),
        None => Err(revert(&IncomeOtherAsset {
            machineId: id,
            assetId: known(cx, id)?.asset.get(),
        })),
    }
}

/// The holder of a machine's title, who must be the caller.
pub(super) fn expect_holder(cx: &mut Ctx<'_>, id: u64) -> Result<Address, Halt> {
    let (holder, caller) = (machines::holder_of(cx, id)?, cx.caller());
    if holder == caller {
        return Ok(holder);
    }
    Err(revert(&IncomeNotHolder {
        machineId: id,
        holder,
        caller,
    }))
}

/// States what power costs.
///
/// # Errors
/// `IncomeNoBook`, `IncomeNotHolder`, `IncomeParamOutOfRange`.
pub(super) fn state_power(
    cx: &mut Ctx<'_>,
    id: u64,
    kwh_price: U256,
    watts: u32,
) -> Result<(), Halt> {
    expect_holder(cx, id)?;
    let mut book = known(cx, id)?;
    let most = U256::from(u64::MAX);
    book.kwh_price =
        u64::try_from(kwh_price).map_err(|_| params::refuse("kwhPrice", kwh_price, 0, most))?;
    book.watts = watts;
    save(cx, id, &book)?;
    emit(
        cx,
        &PowerStated {
            machineId: id,
            kwhPrice: kwh_price,
            watts,
        },
    )
}

/// States until when the machine lasts: never later than was said, nor than its market allows.
///
/// # Errors
/// `IncomeNoBook`, `IncomeNotHolder`, `IncomeBadLife`.
pub(super) fn state_life(cx: &mut Ctx<'_>, id: u64, end_ms: u64) -> Result<(), Halt> {
    expect_holder(cx, id)?;
    let mut book = known(cx, id)?;
    let params = params::in_force(cx, book.asset)?;
    let (_, latest_ms) = life_of(cx, id, &book, &params)?;
    if end_ms == 0 || end_ms > latest_ms {
        return Err(revert(&IncomeBadLife {
            lifeEndMs: end_ms,
            latestMs: latest_ms,
        }));
    }
    book.life_end_ms = end_ms;
    save(cx, id, &book)?;
    emit(
        cx,
        &LifeStated {
            machineId: id,
            lifeEndMs: end_ms,
        },
    )
}

/// From when to when a machine lasts.
pub(super) fn life_of(
    cx: &mut Ctx<'_>,
    id: u64,
    book: &Book,
    params: &Params,
) -> Result<(u64, u64), Halt> {
    let since_ms = machines::facts(cx, id)?.registered_ms;
    let longest_ms = u64::from(params.life_days).saturating_mul(DAY_MS);
    let latest_ms = since_ms.saturating_add(longest_ms);
    let end_ms = match book.life_end_ms {
        0 => latest_ms,
        stated_ms => stated_ms.min(latest_ms),
    };
    Ok((since_ms, end_ms))
}

/// Shares out what others paid into the stream, and what was kept for an instalment that fell due.
///
/// # Errors
/// `IncomeNoBook`.
pub(super) fn collect(cx: &mut Ctx<'_>, id: u64) -> Result<collectReturn, Halt> {
    let mut book = known(cx, id)?;
    let holder = machines::holder_of(cx, id)?;
    meet(cx, id, &mut book, holder)?;
    let shared = share_out(cx, id, &mut book)?;
    Ok(collectReturn {
        toDebt: shared.to_debt.to_u256(),
        toHolder: shared.to_holder.to_u256(),
    })
}

/// Shares out all that the stream brought and what is reserved (INC-1), and writes the book.
pub(super) fn share_out(cx: &mut Ctx<'_>, id: u64, book: &mut Book) -> Result<Shared, Halt> {
    let came = take_in(cx, book)?;
    let all = book.reserved.add(came)?;
    book.reserved = all;
    if recover::is_unsold(cx, book)? {
        recover::give_back_income(cx, id, book)?;
        save(cx, id, book)?;
        return Ok(Shared::default());
    }
    let claim = claim_of(cx, id, book)?.min(all);
    let paid = bank::pay(cx, id, book, claim, Tier::Income)?;
    book.to_debt = book.to_debt.add(paid)?;
    let left = all.sub(paid)?;
    let keep = if book.principal.is_zero() {
        Assets::ZERO
    } else if book.case_id != 0 {
        left
    } else {
        next_payment(cx, id)?.min(left)
    };
    let to_holder = left.sub(keep)?;
    book.reserved = keep;
    book.to_holder = book.to_holder.add(to_holder)?;
    save(cx, id, book)?;
    let holder = book.holder;
    if !to_holder.is_zero() {
        let to = AccountId::new(holder, 0);
        ledger::shift(cx, book.asset, account_of(id), to, to_holder)?;
    }
    let shared = Shared {
        to_debt: paid,
        to_holder,
        reserved: keep,
    };
    // What only goes on being kept is no news.
    if !came.is_zero() || !paid.is_zero() || !to_holder.is_zero() {
        say_shared(cx, id, holder, &shared)?;
    }
    Ok(shared)
}

fn say_shared(cx: &mut Ctx<'_>, id: u64, holder: Address, shared: &Shared) -> Result<(), Halt> {
    emit(
        cx,
        &IncomeShared {
            machineId: id,
            holder,
            toDebt: shared.to_debt.to_u256(),
            toHolder: shared.to_holder.to_u256(),
            reserved: shared.reserved.to_u256(),
        },
    )
}

/// Fetches what the stream has, and answers what it brought since the last time: whoever else fetched it brought it to the
/// same account.
fn take_in(cx: &mut Ctx<'_>, book: &mut Book) -> Result<Assets, Halt> {
    let stream: StreamId = book.stream;
    streams::collect(cx, stream)?;
    let collected = streams::collected(cx, stream)?;
    let came = collected.sub(book.earned)?;
    book.earned = collected;
    Ok(came)
}

/// What the debt takes first: what is due, or in a case all that is owed.
fn claim_of(cx: &mut Ctx<'_>, id: u64, book: &Book) -> Result<Assets, Halt> {
    if book.principal.is_zero() {
        return Ok(Assets::ZERO);
    }
    if book.case_id != 0 {
        return term::ending_up(cx, book.asset, account_of(id));
    }
    due_up(cx, id)
}

/// What fell due and is unpaid, with late fees.
pub(super) fn due_up(cx: &mut Ctx<'_>, id: u64) -> Result<Assets, Halt> {
    let mut due = Assets::ZERO;
    for loan in term::loans_of(cx, account_of(id))? {
        let standing = term::standing(cx, loan)?;
        due = due.add(standing.due)?.add(standing.late)?;
    }
    Ok(due)
}

/// When the next instalment of any loan falls due.
pub(super) fn next_due_ms(cx: &mut Ctx<'_>, id: u64) -> Result<Option<u64>, Halt> {
    let mut first = None;
    for loan in term::loans_of(cx, account_of(id))? {
        let next = term::next_instalment(cx, loan)?.map(|next| next.due_ms);
        first = [first, next].into_iter().flatten().min();
    }
    Ok(first)
}

/// The next instalments of all loans together.
fn next_payment(cx: &mut Ctx<'_>, id: u64) -> Result<Assets, Halt> {
    let mut sum = Assets::ZERO;
    for loan in term::loans_of(cx, account_of(id))? {
        if let Some(next) = term::next_instalment(cx, loan)? {
            sum = sum.add(next.amount()?)?;
        }
    }
    Ok(sum)
}
