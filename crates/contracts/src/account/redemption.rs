//! Dollars that wait for redemption, paid with collateral of the riskiest dollar debtors: the work of a `Redeem` system
//! transaction.
//!
//! ```text
//!   calldata: debtors, riskiest first: whose collateral guard lies nearest to its price
//!   for each, while somebody waits:  goods = what is worth most of what he holds and can be unwound now
//!                                    too little? ─► of a piece of liquidity, as much as makes one of its coins enough
//!                                    debt falls by the dollars, goods worth them less the fee go to the redeemer
//! ```
//!
//! A look takes liquidity apart whole, for a sale that may need all of it. Here its owner is healthy, and a small
//! redemption should not be a way to dissolve a large position: what is not needed stays where it is.
//!
//! At par and with a collateral that counts less than its value, a redemption lifts the health of its debtor; one who is
//! unhealthy, overdue or on offer is left to the look. Nobody is left with dust. A user who could choose the debtor could
//! sell somebody's collateral at his own moment, so the block chooses: users only queue.

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt, Scratch};
use capstan_units::{AccountId, AssetId, Assets, Price, Usd, assets_up, mul_div_up, value_down};

use super::{
    ADDRESS,
    IAccount::{AccountRef, RedemptionFailed},
    assess::{self, Question, Stand, Valued},
    desk::Desk,
    error::{AccountLooksMalformed, AccountNotRedeemable, AccountTooManyLooks},
    guard, moves, offer,
    params::{LOOK_GAS, REDEMPTIONS_MAX},
    pieces::{self, Made},
    settings,
    sheet::Piece,
};
use crate::{
    contract::emit,
    dollar::{self, Waiting},
    oracle::{self, PriceUse, Side},
    registry::{DOLLAR, UNITS},
    revert,
};

/// Pays who waits, debtor by debtor. One that cannot pay changes nothing and holds up nobody.
///
/// # Errors
/// `AccountLooksMalformed`, `AccountTooManyLooks`.
pub(super) fn redemptions(cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let Ok(debtors) = Vec::<AccountRef>::abi_decode_validate(input) else {
        return Err(revert(&AccountLooksMalformed {}));
    };
    if debtors.len() > REDEMPTIONS_MAX {
        return Err(revert(&AccountTooManyLooks {
            count: U256::from(debtors.len()),
            max: U256::from(REDEMPTIONS_MAX),
        }));
    }
    for debtor in debtors {
        let debtor = AccountId::from(debtor);
        if cx.store.gas_left() < LOOK_GAS || first(cx)?.is_none() {
            break;
        }
        let all = REDEMPTIONS_MAX;
        if let Err(reason) = cx.attempt_item(|cx| redeem_from(cx, debtor, all))? {
            emit(
                cx,
                &RedemptionFailed {
                    owner: debtor.owner,
                    index: debtor.index,
                    reason,
                },
            )?;
        }
    }
    Ok(Bytes::new())
}

/// Whether an account could pay who waits first, and nobody behind him: tried in a scratch world.
pub(super) fn can_pay(cx: &mut Ctx<'_>, debtor: AccountId) -> Result<bool, Halt> {
    let frame = cx.frame;
    let mut world = Scratch::new(cx.store);
    match redeem_from(&mut Ctx::new(&mut world, frame), debtor, 1) {
        Ok(()) => Ok(true),
        Err(Halt::Revert(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

/// Whether anybody waits.
pub(super) fn is_awaited(cx: &mut Ctx<'_>) -> Result<bool, Halt> {
    Ok(first(cx)?.is_some())
}

fn first(cx: &mut Ctx<'_>) -> Result<Option<Waiting>, Halt> {
    Ok(dollar::next_requests(cx, 1)?.into_iter().next())
}

/// Something that a debtor can pay with.
#[derive(Clone, Copy)]
struct Goods {
    valued: Valued,
    price: Price,
    /// How much of it can be unwound now.
    units: Assets,
    /// For how many dollars that pays at par.
    dollars: Assets,
}

impl Goods {
    fn of(valued: Valued, price: Price, units: Assets) -> Result<Self, Halt> {
        // Value and minted dollars both have eighteen decimals.
        let worth = value_down(units, price, valued.decimals)?;
        Ok(Self {
            valued,
            price,
            units,
            dollars: Assets::from_u256(worth.to_u256()).unwrap_or(Assets::MAX),
        })
    }

    /// The same goods, if so much more of them came.
    fn with(&self, more: Assets) -> Result<Self, Halt> {
        let units = self.units.add(more)?;
        Self::of(self.valued, self.price, units)
    }

    /// How many more units pay for `dollars`.
    fn missing_up(&self, dollars: Assets) -> Result<Assets, Halt> {
        let value = Usd::from_u256(dollars.to_u256())?;
        let needed = assets_up(value, self.price, self.valued.decimals)?;
        Ok(needed.sub_or_zero(self.units))
    }
}

/// Serves requests with a debtor's goods: the first at least, and those behind it, `most` in all, while something is left
/// of him.
///
/// # Errors
/// `AccountNotRedeemable`, and those of the dollar's `fulfil`.
fn redeem_from(cx: &mut Ctx<'_>, debtor: AccountId, most: usize) -> Result<(), Halt> {
    let (mut desk, usd) = (Desk::new(debtor), dollar::asset(cx)?);
    for served in 0..most {
        if served > 0 && (cx.store.gas_left() < LOOK_GAS || first(cx)?.is_none()) {
            break;
        }
        // What fails is rewound in storage, so that is where everything is by then.
        desk.close(cx)?;
        if let Err(reason) = cx.attempt(|cx| pay_first(cx, &mut desk, usd))? {
            if served == 0 {
                return Err(Halt::Revert(reason));
            }
            desk.forget();
            break;
        }
    }
    guard::renew(cx, &mut desk, debtor)
}

/// Serves the first request with goods of one kind.
///
/// # Errors
/// `AccountNotRedeemable`, and those of the dollar's `fulfil`.
fn pay_first(cx: &mut Ctx<'_>, desk: &mut Desk, usd: AssetId) -> Result<(), Halt> {
    let debtor = desk.account();
    let refused = AccountNotRedeemable {
        owner: debtor.owner,
        index: debtor.index,
    };
    let Some(waiting) = first(cx)? else {
        return Err(revert(&refused));
    };
    let Some((goods, dollars)) = pick(cx, desk, usd, waiting.left)? else {
        return Err(revert(&refused));
    };
    let (units, _) = dollar::goods_down(cx, goods.asset(), dollars)?;
    moves::unwind(cx, desk, debtor, goods.row, units)?;
    dollar::fulfil(cx, waiting.id, debtor, goods.asset(), dollars)?;
    desk.mark(cx, debtor, goods.asset(), UNITS)?;
    desk.mark(cx, debtor, usd, DOLLAR)
}

/// What a debtor pays with, and how many dollars of it; `None` if he is not the one to pay. Liquidity that he pays with
/// is taken apart by then.
fn pick(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    usd: AssetId,
    wanted: Assets,
) -> Result<Option<(Valued, Assets)>, Halt> {
    let debtor = desk.account();
    let stand = desk.stand(cx, debtor)?;
    let all = stand.valued(cx, &mut desk.goods, Question::View)?;
    if !assess::sum(&all)?.is_healthy()
        || assess::is_overdue(cx, &stand)?
        || offer::opened(cx, debtor)?.is_some()
    {
        return Ok(None);
    }
    let Some(debt) = all.iter().find(|valued| valued.asset() == usd).copied() else {
        return Ok(None);
    };
    let minted = dollar::debt_up(cx, debtor)?;
    let due = wanted.min(minted);
    let Some(goods) = enough(cx, desk, usd, (stand, all), due)? else {
        return Ok(None);
    };
    let mut dollars = due.min(goods.dollars);
    // He keeps nothing, or what is worth a liquidation.
    let min = assets_up(settings::debt_min_now(cx)?, debt.owed_price, debt.decimals)?;
    let rest = debt.line.owed.sub_or_zero(dollars);
    if !rest.is_zero() && rest < min {
        dollars = dollars.min(debt.line.owed.sub_or_zero(min));
    }
    // Less is not worth a block's trouble, unless it ends his debt; so crumbs cannot keep others from being paid.
    let is_worth_it = dollars >= dollar::redemption_min(cx)? || dollars == minted;
    Ok((is_worth_it && !dollars.is_zero()).then_some((goods.valued, dollars)))
}

/// The goods that pay most of `due` dollars. Where none pays them all, pieces of liquidity are taken apart, one by one.
fn enough(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    usd: AssetId,
    (mut stand, mut all): (Stand, Vec<Valued>),
    due: Assets,
) -> Result<Option<Goods>, Halt> {
    let debtor = desk.account();
    let mut pieces_left = stand.pieces.len();
    loop {
        let goods = payable(cx, debtor, usd, &all)?;
        let best = most_of(&goods);
        let is_enough = best.is_some_and(|best| best.dollars >= due);
        if is_enough || pieces_left == 0 {
            return Ok(best);
        }
        pieces_left = pieces_left.saturating_sub(1);
        let Some((piece, made, part)) = part_of(cx, &stand, &goods, due)? else {
            return Ok(best);
        };
        pieces::take_apart(cx, desk, debtor, piece, &made, part)?;
        // What can be unwound is tried on what is stored.
        desk.close(cx)?;
        stand = desk.stand(cx, debtor)?;
        all = stand.valued(cx, &mut desk.goods, Question::View)?;
    }
}

/// Of equal ones the first.
fn most_of(goods: &[Goods]) -> Option<Goods> {
    let mut best: Option<Goods> = None;
    for goods in goods {
        if best.is_none_or(|best| goods.dollars > best.dollars) {
            best = Some(*goods);
        }
    }
    best
}

/// Everything that a debtor can pay with at a price which may be used.
fn payable(
    cx: &mut Ctx<'_>,
    debtor: AccountId,
    usd: AssetId,
    all: &[Valued],
) -> Result<Vec<Goods>, Halt> {
    let now_ms = cx.store.block().time_ms;
    let mut goods = Vec::with_capacity(all.len());
    for valued in all.iter().filter(|valued| valued.asset() != usd) {
        let feed = oracle::feed(cx, valued.asset())?;
        let Ok(price) = feed.price(now_ms, PriceUse::Borrow, Side::Debt) else {
            continue;
        };
        let frame = cx.frame;
        let mut world = Scratch::new(cx.store);
        let cx = &mut Ctx::new(&mut world, frame);
        let mut desk = Desk::new(debtor);
        let units = moves::unwind(cx, &mut desk, debtor, valued.row, valued.line.held)?;
        goods.push(Goods::of(*valued, price, units)?);
    }
    Ok(goods)
}

/// The piece with a coin of which the debtor could pay most if all of it were taken apart, and how much of it makes that
/// enough; `None` if he could pay no more than he can now.
fn part_of(
    cx: &mut Ctx<'_>,
    stand: &Stand,
    goods: &[Goods],
    due: Assets,
) -> Result<Option<(Piece, Made, u128)>, Halt> {
    let mut most = most_of(goods).map_or(Assets::ZERO, |goods| goods.dollars);
    let mut found = None;
    for (piece, made) in &stand.pieces {
        let amounts = pieces::amounts_now(cx, *piece, made)?;
        for (coin, amount) in made.coins().iter().zip(amounts) {
            let Some(own) = goods.iter().find(|goods| goods.valued.asset() == *coin) else {
                continue;
            };
            let dollars = own.with(amount)?.dollars;
            if dollars <= most {
                continue;
            }
            most = dollars;
            let missing = if dollars >= due {
                own.missing_up(due)?.min(amount)
            } else {
                amount
            };
            let whole = U256::from(made.amount());
            let part = mul_div_up(missing.to_u256(), whole, amount.to_u256())?;
            let part = u128::try_from(part).unwrap_or_else(|_| made.amount());
            found = Some((*piece, made.clone(), part));
        }
    }
    Ok(found)
}
