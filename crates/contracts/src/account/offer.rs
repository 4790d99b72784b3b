//! Collateral on offer: anybody may pay an unhealthy account's debt and take collateral at a discount that grows.
//!
//! ```text
//!   discount   0 ───────────────► discount_max        over OFFER_MS, from the look that opened the offer
//!   the account gives up V, of which   V * reserve  goes to the reserve of the collateral's market
//!                                      the rest     goes to the buyer, who pays V * (1 - discount - reserve)
//!   reserve = (discount_max - discount) / 2
//! ```
//!
//! Nothing leaves the account until it is paid for, so there is no lot to lose: interest accrues as ever, and the owner
//! may repay or add collateral until the last block. Nobody buys below `discount_max`, however long nobody comes (LIQ-4);
//! `last_buyer` says what happens then.

use capstan_state::{Ctx, Halt};
use capstan_units::{
    AccountId, AssetId, Assets, LiquidationId, TimeMs, Wad, assets_down, assets_up, value_down,
    value_up,
};

use super::{
    IAccount::{Liquidated, LiquidationStep, OfferClosed, OfferOpened, offerOfReturn},
    assess::{self, Assessment, Question, Valued},
    batch,
    desk::Desk,
    error::{
        AccountBidEmpty, AccountBidTooDear, AccountDebtTooSmall, AccountHealthy, AccountInFlight,
        AccountNotOffered, AccountNothingOwed, AccountPriceUnusable, AccountUnderpaid,
    },
    math::{Cost, repay_to_target_up},
    moves,
    params::OFFER_MS,
    settings,
    state::AccountState,
    venue::{Number, Order, Step, Venue},
    verbs::Bid,
};
use crate::{contract::emit, ledger, lending, oracle, position::Position, registry, revert};

const STATE: AccountState = AccountState::new();

/// Since when collateral of an account is on offer; `None` if it is not.
pub(super) fn opened(cx: &mut Ctx<'_>, account: AccountId) -> Result<Option<TimeMs>, Halt> {
    let since = STATE.offers.at(account).load(cx)?;
    Ok((since != TimeMs::default()).then_some(since))
}

/// Puts collateral of an account on offer.
pub(super) fn open(cx: &mut Ctx<'_>, account: AccountId, health: Wad) -> Result<(), Halt> {
    let now = TimeMs::new(cx.store.block().time_ms);
    STATE.offers.at(account).save(cx, now)?;
    emit(
        cx,
        &OfferOpened {
            owner: account.owner,
            index: account.index,
            health: health.to_u256(),
            fullMs: now.after_ms(OFFER_MS)?.get(),
        },
    )
}

/// Ends an offer, if there is one.
pub(super) fn close(cx: &mut Ctx<'_>, account: AccountId) -> Result<(), Halt> {
    if opened(cx, account)?.is_none() {
        return Ok(());
    }
    STATE.offers.at(account).save(cx, TimeMs::default())?;
    emit(
        cx,
        &OfferClosed {
            owner: account.owner,
            index: account.index,
        },
    )
}

/// What a buyer would trade, all of it computed before anything moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trade {
    /// Units of the debt that the buyer pays.
    pub(super) paid: Assets,
    /// Units of the collateral that the account gives up.
    pub(super) given_up: Assets,
    /// Of them, what the reserve gets.
    pub(super) to_reserve: Assets,
    /// What would be left of a debt that is too small to be liquidated once more.
    pub(super) too_small_rest: Option<Assets>,
}

impl Trade {
    /// Units of the collateral that the buyer gets.
    pub(super) fn bought(&self) -> Result<Assets, Halt> {
        Ok(self.given_up.sub(self.to_reserve)?)
    }
}

/// Somebody who bids on an account.
struct Bidder {
    account: AccountId,
    /// Most that he pays.
    repay_max: Assets,
    /// For how long the account has been on offer.
    on_offer_ms: u64,
}

/// What a bid trades, and at which cost.
struct BidQuote {
    cost: Cost,
    trade: Trade,
}

impl Venue for Bidder {
    type Quote = BidQuote;

    /// # Errors
    /// `AccountDebtTooSmall`, `AccountBidEmpty`.
    fn quote(&self, cx: &mut Ctx<'_>, order: &Order<'_>) -> Result<Option<BidQuote>, Halt> {
        let cost = Cost::after_ms(self.on_offer_ms, order.collateral.terms.discount_max)?;
        let trade = order.size(cx, cost, self.repay_max)?;
        expect_no_dust(cx, order.debt, &trade)?;
        if trade.paid.is_zero() {
            return Err(revert(&AccountBidEmpty {
                assetId: order.debt.asset().get(),
            }));
        }
        Ok(Some(BidQuote { cost, trade }))
    }

    /// # Errors
    /// `AccountUnderpaid`, `LedgerInsufficient`.
    fn sell(
        &self,
        cx: &mut Ctx<'_>,
        desk: &mut Desk,
        order: &Order<'_>,
        quote: BidQuote,
    ) -> Result<Option<Step>, Halt> {
        let BidQuote { cost, trade } = quote;
        let (debt, collateral) = (order.debt.asset(), order.collateral);
        let paid = moves::pay(cx, desk, self.account, order.account, debt, trade.paid)?;
        if paid < trade.paid {
            // The collateral was sized for the whole payment; a debt that takes less of it would be sold for too little.
            return Err(revert(&AccountUnderpaid {
                assetId: debt.get(),
                paid: paid.to_u256(),
                price: trade.paid.to_u256(),
            }));
        }
        let to_reserve = give_to_reserve(cx, desk, order.account, collateral, trade.to_reserve)?;
        let bought = trade.bought()?;
        let taken = hand_over(cx, desk, order.account, collateral, self.account, bought)?;
        Ok(Some(Step {
            venue: Number::Offer,
            debt,
            paid,
            collateral: collateral.asset(),
            taken,
            to_reserve,
            discount_bps: cost.discount.get(),
            buyer: self.account,
        }))
    }
}

/// Pays with units of `bidder`; answers the collateral that he got, as units or, where its market has no cash, as
/// supply.
///
/// # Errors
/// `AccountInFlight`, `AccountNotOffered`, `AccountHealthy`, `AccountNothingOwed`, `AccountPriceUnusable`,
/// `AccountDebtTooSmall`, `AccountBidTooDear`, `LedgerInsufficient`.
pub(super) fn bid(cx: &mut Ctx<'_>, desk: &mut Desk, bid: &Bid) -> Result<Assets, Halt> {
    let bidder = desk.account();
    let account = AccountId::new(bid.owner, bid.index);
    // What a batch has changed is not checked yet; whoever could bid on it could force his own sale.
    if batch::is_touched(cx, account)? {
        return Err(revert(&AccountInFlight {}));
    }
    let Some(since) = opened(cx, account)? else {
        return Err(revert(&AccountNotOffered {
            owner: account.owner,
            index: account.index,
        }));
    };
    let stand = desk.stand(cx, account)?;
    let all = stand.valued(cx, &mut desk.goods, Question::Block)?;
    let before = assess::sum(&all)?;
    let debt = find(&all, AssetId::new(bid.debtAssetId), |v| {
        !v.line.owed.is_zero()
    })?;
    let overdue = assess::overdue(cx, account, debt.row)?;
    if before.is_healthy() && overdue.is_zero() {
        return Err(revert(&AccountHealthy {
            owner: account.owner,
            index: account.index,
            health: before.health_down().to_u256(),
        }));
    }
    if !debt.is_judged {
        return Err(unpriced(account, bid.debtAssetId));
    }
    let collateral = find(&all, AssetId::new(bid.collateralAssetId), |v| {
        !v.line.held.is_zero()
    })?;
    if !collateral.is_priced {
        return Err(unpriced(account, bid.collateralAssetId));
    }
    let now = TimeMs::new(cx.store.block().time_ms);
    let buyer = Bidder {
        account: bidder,
        repay_max: Assets::from_u256(bid.repayMax).unwrap_or(Assets::MAX),
        on_offer_ms: now.ms_since(since)?,
    };
    let order = Order {
        account,
        debt: &debt,
        collateral: &collateral,
        before,
        overdue,
    };
    let Some(quote) = buyer.quote(cx, &order)? else {
        return Ok(Assets::ZERO);
    };
    batch::touch_sold(cx, account)?;
    let Some(step) = buyer.sell(cx, desk, &order, quote)? else {
        return Ok(Assets::ZERO);
    };
    // What the buyer got counts, not what it was computed to be.
    if step.taken.to_u256() < bid.takenMin {
        return Err(revert(&AccountBidTooDear {
            taken: step.taken.to_u256(),
            takenMin: bid.takenMin,
        }));
    }
    report(cx, desk, account, before.health_down(), &[step])?;
    Ok(step.taken)
}

fn unpriced(account: AccountId, asset_id: u32) -> Halt {
    revert(&AccountPriceUnusable {
        owner: account.owner,
        index: account.index,
        assetId: asset_id,
    })
}

fn find(all: &[Valued], asset: AssetId, stands: impl Fn(&Valued) -> bool) -> Result<Valued, Halt> {
    let found = all.iter().find(|v| v.asset() == asset && stands(v));
    found.copied().ok_or_else(|| {
        revert(&AccountNothingOwed {
            assetId: asset.get(),
        })
    })
}

/// How much of a debt is for sale: of an unhealthy account to the target health, of a healthy one what is overdue.
pub(super) fn due(
    debt: &Valued,
    collateral: &Valued,
    before: Assessment,
    cost: Cost,
    overdue: Assets,
) -> Result<Assets, Halt> {
    if before.is_healthy() {
        return Ok(overdue.min(debt.line.owed));
    }
    let to_target = repay_to_target_up(before.adjusted, before.debt, cost, collateral.factor)?;
    Ok(match to_target {
        Some(value) => assets_up(value, debt.owed_price, debt.decimals)?.min(debt.line.owed),
        None => debt.line.owed,
    })
}

/// Sizes a trade: at most what is due and the dust that it would leave of the debt, at most the collateral.
pub(super) fn trade(
    cx: &mut Ctx<'_>,
    debt: &Valued,
    collateral: &Valued,
    due: Assets,
    cost: Cost,
    repay_max: Assets,
) -> Result<Trade, Halt> {
    let owed = debt.line.owed;
    let mut paid = due;
    // A rest that is not worth a liquidation is sold with it.
    let min = debt_min_up(cx, debt)?;
    if owed.sub(paid)? < min {
        paid = owed;
    }
    let wanted = paid.min(repay_max);
    let paid_value = value_down(wanted, debt.owed_price, debt.decimals)?;
    let given_up = assets_down(
        cost.given_up_down(paid_value)?,
        collateral.held_price,
        collateral.decimals,
    )?;
    let (paid, given_up, rest) = if given_up <= collateral.line.held {
        (wanted, given_up, owed.sub(wanted)?)
    } else {
        // The collateral ends before the debt: what is left of that is the waterfall's.
        let price = cost.paid_up(collateral.held_value)?;
        let paid = assets_up(price, debt.owed_price, debt.decimals)?.min(wanted);
        (paid, collateral.line.held, Assets::ZERO)
    };
    let to_reserve = Assets::from_u256(cost.reserve.of_down(given_up.to_u256())?)?;
    Ok(Trade {
        paid,
        given_up,
        to_reserve,
        too_small_rest: (!rest.is_zero() && rest < min).then_some(rest),
    })
}

/// The smallest debt that may stand, in units of a debt's asset.
pub(super) fn debt_min_up(cx: &mut Ctx<'_>, debt: &Valued) -> Result<Assets, Halt> {
    let min = settings::debt_min_now(cx)?;
    Ok(assets_up(min, debt.owed_price, debt.decimals)?)
}

/// A bidder leaves nothing of a debt, or what is worth another liquidation; unless the collateral ends first.
fn expect_no_dust(cx: &mut Ctx<'_>, debt: &Valued, trade: &Trade) -> Result<(), Halt> {
    let Some(rest) = trade.too_small_rest else {
        return Ok(());
    };
    let value = value_up(rest, debt.owed_price, debt.decimals)?;
    Err(revert(&AccountDebtTooSmall {
        assetId: debt.asset().get(),
        value: value.to_u256(),
        min: settings::debt_min_now(cx)?.to_u256(),
    }))
}

/// Gives collateral to a buyer: units, then what can be turned into units, then the position as it is. Answers what he
/// got: shares of a market are handed over whole, so up to a share's worth of the amount may stay.
fn hand_over(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    collateral: &Valued,
    to: AccountId,
    amount: Assets,
) -> Result<Assets, Halt> {
    if amount.is_zero() {
        return Ok(Assets::ZERO);
    }
    let asset = collateral.asset();
    let units = moves::unwind(cx, desk, account, collateral.row, amount)?;
    if !units.is_zero() {
        ledger::shift(cx, asset, account, to, units)?;
    }
    let mut left = amount.sub(units)?;
    for (number, kind) in registry::positions() {
        if left.is_zero() || collateral.row.kinds & assess::kind_bit(number) == 0 {
            continue;
        }
        let moved = kind.hand_over(cx, asset, account, to, left)?;
        left = left.sub_or_zero(moved);
        desk.mark(cx, account, asset, number)?;
        desk.mark(cx, to, asset, number)?;
    }
    desk.mark(cx, account, asset, registry::UNITS)?;
    desk.mark(cx, to, asset, registry::UNITS)?;
    Ok(amount.sub(left)?)
}

/// Gives collateral to the reserve of its market: supply as it is, units as supply. Answers how much.
pub(super) fn give_to_reserve(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    collateral: &Valued,
    amount: Assets,
) -> Result<Assets, Halt> {
    let asset = collateral.asset();
    let mut left = amount;
    if collateral.row.kinds & assess::kind_bit(registry::MARKET) != 0 && !left.is_zero() {
        let moved = lending::InMarket.hand_over(cx, asset, account, lending::RESERVE, left)?;
        left = left.sub_or_zero(moved);
        desk.mark(cx, account, asset, registry::MARKET)?;
    }
    let units = moves::unwind(cx, desk, account, collateral.row, left)?;
    if !units.is_zero() {
        lending::endow(cx, asset, account, units)?;
        desk.mark(cx, account, asset, registry::UNITS)?;
    }
    Ok(amount.sub(left)?.add(units)?)
}

/// Writes down why and how an account was liquidated (LIQ-8); answers the number of the liquidation.
pub(super) fn report(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    health_before: Wad,
    steps: &[Step],
) -> Result<LiquidationId, Halt> {
    let id = next_id(cx)?;
    let round = match steps.first() {
        Some(step) => oracle::round(cx, step.collateral)?,
        None => 0,
    };
    for step in steps {
        emit(
            cx,
            &LiquidationStep {
                id: id.get(),
                venue: step.venue.get(),
                debtAssetId: step.debt.get(),
                paid: step.paid.to_u256(),
                collateralAssetId: step.collateral.get(),
                taken: step.taken.to_u256(),
                toReserve: step.to_reserve.to_u256(),
                discountBps: step.discount_bps,
                buyer: step.buyer.owner,
                buyerIndex: step.buyer.index,
            },
        )?;
    }
    let stand = desk.stand(cx, account)?;
    let all = stand.valued(cx, &mut desk.goods, Question::Block)?;
    let after = assess::sum(&all)?;
    let is_saved = after.is_healthy() && assess::is_judged(&all);
    if is_saved && !assess::is_overdue(cx, &stand)? {
        close(cx, account)?;
    }
    emit(
        cx,
        &Liquidated {
            id: id.get(),
            owner: account.owner,
            index: account.index,
            priceRound: round,
            healthBefore: health_before.to_u256(),
            healthAfter: after.health_down().to_u256(),
        },
    )?;
    Ok(id)
}

/// Numbers of liquidations: the height, then a count.
fn next_id(cx: &mut Ctx<'_>) -> Result<LiquidationId, Halt> {
    let height = cx.store.block().number;
    let last = LiquidationId::new(STATE.last_liquidation.load(cx)?);
    let first = LiquidationId::at(height, 0)?;
    let next = if last < first {
        first
    } else {
        last.next().ok_or_else(Halt::overflow)?
    };
    STATE.last_liquidation.save(cx, next.get())?;
    Ok(next)
}

pub(super) fn offer_of(cx: &mut Ctx<'_>, account: AccountId) -> Result<offerOfReturn, Halt> {
    let Some(since) = opened(cx, account)? else {
        return Ok(offerOfReturn {
            sinceMs: 0,
            fullMs: 0,
        });
    };
    Ok(offerOfReturn {
        sinceMs: since.get(),
        fullMs: since.after_ms(OFFER_MS)?.get(),
    })
}
