//! From what an account holds to what it is worth: one function, whoever asks.

use capstan_state::{Ctx, Halt};
use capstan_units::{
    AccountId, AssetId, Assets, Bps, Price, TimeMs, Usd, Wad, value_down, value_up,
};

use super::{
    error::{AccountPriceUnusable, AccountUnhealthy},
    goods::Goods,
    math::{adjusted_down, health_down},
    params::Factors,
    pieces::{self, Made},
    sheet::{Piece, Row, Sheet},
    state::Terms,
};
use crate::{
    exchange::Quoted,
    mutant::mutant,
    oracle::{Feed, PriceUse, Side, Unusable},
    position::Line,
    registry, revert,
};

/// Gas beside storage of one row: prices, products, sums.
const ROW_GAS: u64 = 150;
/// Gas of what one piece of liquidity is worth: two roots of 256 bits, a handful of divisions of 512.
const PIECE_GAS: u64 = 900;

/// What the question is: each has its prices and its factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// May a batch end here? Worse of spot and smoothed prices, initial factors. Collateral without a usable price
    /// counts nothing.
    Batch,
    /// May the block leave it alone? Prices for liquidation, maintenance factors. Collateral without a usable price
    /// counts at its latest one: nobody is liquidated because reporters are silent. In its grace period, where the
    /// latest one is new, it counts twice that: its owner may come back, unless he is lost anyway.
    Block,
    /// What does its owner see? As the block would judge it when the grace period is over.
    View,
}

/// A balance sheet in value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Assessment {
    /// What the collateral is worth.
    pub(super) collateral: Usd,
    /// The part of it that counts.
    pub(super) adjusted: Usd,
    /// What is owed.
    pub(super) debt: Usd,
}

impl Assessment {
    pub(super) fn health_down(&self) -> Wad {
        health_down(self.adjusted, self.debt)
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.adjusted >= self.debt
    }
}

/// One asset of a balance sheet, with the prices of a question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Valued {
    pub(super) row: Row,
    pub(super) line: Line,
    /// Decimals of the asset.
    pub(super) decimals: u8,
    /// Price of what is held; zero counts it as nothing.
    pub(super) held_price: Price,
    /// Whether that is a price which the question may use.
    pub(super) is_priced: bool,
    /// Price of what is owed; the block counts a debt without one as nothing.
    pub(super) owed_price: Price,
    /// Whether what is owed has a price, if anything is.
    pub(super) is_judged: bool,
    pub(super) held_value: Usd,
    pub(super) owed_value: Usd,
    /// Part of the held value that counts.
    pub(super) factor: Bps,
    pub(super) terms: Terms,
    /// Fair value of liquidity that is summed up here, with the first of its coins; `held` has none of it.
    pub(super) liquidity: Usd,
    /// What of that counts.
    pub(super) liquidity_adjusted: Usd,
}

impl Valued {
    pub(super) fn asset(&self) -> AssetId {
        self.row.asset
    }

    /// What of the held value counts.
    pub(super) fn adjusted_down(&self) -> Result<Usd, Halt> {
        Ok(adjusted_down(self.held_value, self.factor)?)
    }
}

/// What of a row's asset stands on the account, over all kinds of positions in it.
pub(super) fn line(cx: &mut Ctx<'_>, account: AccountId, row: Row) -> Result<Line, Halt> {
    let mut sum = Line::EMPTY;
    for (number, kind) in registry::positions() {
        if row.kinds & kind_bit(number) != 0 {
            sum = sum.with(kind.assess(cx, account, row.asset)?)?;
        }
    }
    Ok(sum)
}

/// What an account owes of an asset in these kinds.
pub(super) fn owed(
    cx: &mut Ctx<'_>,
    account: AccountId,
    asset: AssetId,
    kinds: u8,
) -> Result<Assets, Halt> {
    let mut sum = Assets::ZERO;
    for (number, kind) in registry::positions() {
        if kinds & kind_bit(number) != 0 {
            sum = sum.add(kind.owed(cx, account, asset)?)?;
        }
    }
    Ok(sum)
}

/// What of a row's debt must be paid now, however healthy the account is.
pub(super) fn overdue(cx: &mut Ctx<'_>, account: AccountId, row: Row) -> Result<Assets, Halt> {
    let mut sum = Assets::ZERO;
    for (number, kind) in registry::positions() {
        if row.kinds & kind_bit(number) != 0 {
            sum = sum.add(kind.overdue(cx, account, row.asset)?)?;
        }
    }
    Ok(sum)
}

/// Whether some debt of the account must be paid now.
pub(super) fn is_overdue(cx: &mut Ctx<'_>, stand: &Stand) -> Result<bool, Halt> {
    for (row, _) in &stand.rows {
        if !overdue(cx, stand.account, *row)?.is_zero() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether every debt has a price: without one nobody can tell that an account is saved.
pub(super) fn is_judged(all: &[Valued]) -> bool {
    all.iter().all(|valued| valued.is_judged)
}

/// The bit of a kind of positions in a row.
pub(super) fn kind_bit(number: u8) -> u8 {
    1_u8.checked_shl(u32::from(number)).unwrap_or_default()
}

/// What stands on an account, read once: the check, its owner's limits and the guard all judge the same.
#[derive(Clone, Debug)]
pub(super) struct Stand {
    pub(super) account: AccountId,
    /// Each row with all that stands in its kinds.
    pub(super) rows: Vec<(Row, Line)>,
    /// Liquidity in pools, and stakes.
    pub(super) pieces: Vec<(Piece, Made)>,
}

/// What a piece of liquidity is worth at the prices of a question.
#[derive(Clone, Debug)]
pub(super) struct Fair {
    /// The rows of its coins.
    places: Vec<usize>,
    /// The least that its curve allows at these prices.
    pub(super) value: Usd,
}

impl Fair {
    /// The lowest factor of its coins, so that what counts of it falls by no more than they do.
    pub(super) fn factor(&self, all: &[Valued]) -> Bps {
        self.rows(all).map(|v| v.factor).min().unwrap_or(Bps::ZERO)
    }

    fn adjusted_down(&self, all: &[Valued]) -> Result<Usd, Halt> {
        Ok(adjusted_down(self.value, self.factor(all))?)
    }

    fn rows<'a>(&'a self, all: &'a [Valued]) -> impl Iterator<Item = &'a Valued> {
        self.places.iter().filter_map(|place| all.get(*place))
    }
}

impl Stand {
    /// What the rows of a sheet stand for, as of now.
    pub(super) fn read(cx: &mut Ctx<'_>, account: AccountId, sheet: &Sheet) -> Result<Self, Halt> {
        let mut rows = Vec::with_capacity(sheet.rows.len());
        for row in &sheet.rows {
            rows.push((*row, line(cx, account, *row)?));
        }
        Ok(Self {
            account,
            rows,
            pieces: pieces::read(cx, account, sheet)?,
        })
    }

    /// What each piece is worth at the prices of collateral of its coins. Without a price of one it is worth nothing, as
    /// each question says of collateral.
    pub(super) fn fair(&self, cx: &mut Ctx<'_>, all: &[Valued]) -> Result<Vec<Fair>, Halt> {
        let mut fair = Vec::with_capacity(self.pieces.len());
        for (piece, made) in &self.pieces {
            cx.store.charge(PIECE_GAS)?;
            let (mut places, mut prices) = (Vec::new(), Vec::new());
            for coin in made.coins() {
                let mut rows = all.iter().enumerate();
                let Some((place, valued)) = rows.find(|(_, valued)| valued.asset() == *coin) else {
                    let account = self.account;
                    return Err(Halt::Fatal(format!(
                        "corrupt storage: {piece:?} of {account} has no row for asset {coin}"
                    )));
                };
                places.push(place);
                prices.push(Quoted {
                    price: valued.held_price,
                    decimals: valued.decimals,
                });
            }
            let value = mutant!(
                PoolPriceCounts,
                made.fair_down(&prices)?,
                pieces::worth_now_down(cx, *piece, made, all)?
            );
            fair.push(Fair { places, value });
        }
        Ok(fair)
    }

    /// Whether the account owes anything: no price says that.
    pub(super) fn owes(&self) -> bool {
        self.rows.iter().any(|(_, line)| !line.owed.is_zero())
    }

    /// The balance sheet asset by asset.
    ///
    /// # Errors
    /// `AccountPriceUnusable`: what is owed has no price that may be used for this question.
    pub(super) fn valued(
        &self,
        cx: &mut Ctx<'_>,
        goods: &mut Goods,
        question: Question,
    ) -> Result<Vec<Valued>, Halt> {
        let now = TimeMs::new(cx.store.block().time_ms);
        self.valued_until(cx, goods, question, now)
    }

    /// The same, with the lowest factors that count from now until `later`: they move along straight lines.
    ///
    /// # Errors
    /// As [`Stand::valued`].
    pub(super) fn valued_until(
        &self,
        cx: &mut Ctx<'_>,
        goods: &mut Goods,
        question: Question,
        later: TimeMs,
    ) -> Result<Vec<Valued>, Halt> {
        let now = TimeMs::new(cx.store.block().time_ms);
        let mut all = Vec::with_capacity(self.rows.len());
        let mut factors = Vec::with_capacity(self.rows.len());
        for (row, line) in &self.rows {
            cx.store.charge(ROW_GAS)?;
            all.push(priced(cx, goods, self.account, *row, *line, question)?);
            let ramp = goods.ramp(cx, row.asset)?;
            factors.push(ramp.at(now)?.min(ramp.at(later)?));
        }
        let category = category_of(&all);
        for (valued, factors) in all.iter_mut().zip(factors) {
            let of_category = category != 0 && valued.terms.category == category;
            valued.factor = factor(factors, question, of_category);
        }
        let pieces = self.fair(cx, &all)?;
        isolate(&mut all, &pieces)?;
        for piece in &pieces {
            let counts = piece.adjusted_down(&all)?;
            let first = piece.places.first().and_then(|place| all.get_mut(*place));
            if let Some(first) = first {
                first.liquidity = first.liquidity.add(piece.value)?;
                first.liquidity_adjusted = first.liquidity_adjusted.add(counts)?;
            }
        }
        Ok(all)
    }

    /// The balance sheet in one line.
    ///
    /// # Errors
    /// As [`Stand::valued`].
    pub(super) fn assess(
        &self,
        cx: &mut Ctx<'_>,
        goods: &mut Goods,
        question: Question,
    ) -> Result<Assessment, Halt> {
        sum(&self.valued(cx, goods, question)?)
    }
}

/// The balance sheet asset by asset, for who asks once.
///
/// # Errors
/// As [`Stand::valued`].
pub(super) fn valued(
    cx: &mut Ctx<'_>,
    account: AccountId,
    sheet: &Sheet,
    question: Question,
) -> Result<Vec<Valued>, Halt> {
    Stand::read(cx, account, sheet)?.valued(cx, &mut Goods::default(), question)
}

/// The category that all debts share; zero if they share none.
fn category_of(all: &[Valued]) -> u8 {
    let mut debts = all.iter().filter(|valued| !valued.line.owed.is_zero());
    let first = debts.next().map_or(0, |valued| valued.terms.category);
    if debts.all(|valued| valued.terms.category == first) {
        first
    } else {
        0
    }
}

/// An isolated asset counts alone or not at all: whichever is worth more, it or all that is not isolated. So more
/// collateral never counts less. A piece with an isolated coin counts only where that coin does by itself.
fn isolate(all: &mut [Valued], pieces: &[Fair]) -> Result<(), Halt> {
    if all.iter().all(|valued| !valued.terms.is_isolated) {
        return Ok(());
    }
    let mut ordinary = Usd::ZERO;
    let mut best: Option<(Usd, AssetId)> = None;
    for valued in all.iter() {
        let counts = valued.adjusted_down()?;
        if !valued.terms.is_isolated {
            ordinary = ordinary.add(counts)?;
        } else if best.is_none_or(|(most, _)| counts > most) {
            best = Some((counts, valued.asset()));
        }
    }
    for piece in pieces {
        if piece.rows(all).all(|valued| !valued.terms.is_isolated) {
            ordinary = ordinary.add(piece.adjusted_down(all)?)?;
        }
    }
    let alone = best.filter(|(counts, _)| *counts > ordinary);
    for valued in all.iter_mut() {
        let counts = match alone {
            Some((_, asset)) => valued.asset() == asset,
            None => !valued.terms.is_isolated,
        };
        if !counts {
            valued.factor = Bps::ZERO;
        }
    }
    Ok(())
}

const fn factor(factors: Factors, question: Question, of_category: bool) -> Bps {
    match (question, of_category) {
        (Question::Batch, false) => factors.initial,
        (Question::Batch, true) => factors.category_initial,
        (Question::Block | Question::View, false) => factors.maintenance,
        (Question::Block | Question::View, true) => factors.category_maintenance,
    }
}

/// At which price of collateral the block judges, usable or not: what a guard compares itself with.
pub(super) fn block_price(feed: &Feed, now_ms: u64) -> Price {
    match feed.price(now_ms, PriceUse::Liquidate, Side::Collateral) {
        Ok(price) => price,
        Err(Unusable::Grace { .. }) => {
            Price::new(feed.spot().get().saturating_mul(2)).unwrap_or(Price::MAX)
        }
        Err(_) => feed.spot(),
    }
}

/// One row with its prices; its factor is not known yet.
fn priced(
    cx: &mut Ctx<'_>,
    goods: &mut Goods,
    account: AccountId,
    row: Row,
    line: Line,
    question: Question,
) -> Result<Valued, Halt> {
    let decimals = goods.listed(cx, row.asset)?.decimals;
    let feed = goods.feed(cx, row.asset)?;
    let now_ms = cx.store.block().time_ms;
    let price_use = match question {
        Question::Batch => PriceUse::Borrow,
        Question::Block | Question::View => PriceUse::Liquidate,
    };
    let held_price = feed.price(now_ms, price_use, Side::Collateral);
    let owed_price = match feed.price(now_ms, price_use, Side::Debt) {
        Ok(price) => price,
        // The block judges by what it can, and comes back: one debt without a price must not shield the others.
        Err(_) if line.owed.is_zero() || question == Question::Block => Price::ZERO,
        Err(_) => {
            return Err(revert(&AccountPriceUnusable {
                owner: account.owner,
                index: account.index,
                assetId: row.asset.get(),
            }));
        }
    };
    let is_priced = held_price.is_ok();
    let reported = match question {
        Question::Batch => held_price.unwrap_or(Price::ZERO),
        Question::Block => block_price(&feed, now_ms),
        Question::View => held_price.unwrap_or(feed.spot()),
    };
    let held_price = mutant!(
        PoolIsOracle,
        reported,
        twin::pool_price(cx, row.asset, reported)?
    );
    Ok(Valued {
        row,
        line,
        decimals,
        held_price,
        is_priced,
        owed_price,
        is_judged: line.owed.is_zero() || owed_price != Price::ZERO,
        held_value: value_down(line.held, held_price, decimals)?,
        owed_value: value_up(line.owed, owed_price, decimals)?,
        factor: Bps::ZERO,
        terms: goods.terms(cx, row.asset)?,
        liquidity: Usd::ZERO,
        liquidity_adjusted: Usd::ZERO,
    })
}

/// Rows in one line.
///
/// # Errors
/// More than any number may be.
pub(super) fn sum(all: &[Valued]) -> Result<Assessment, Halt> {
    let mut sum = Assessment::default();
    for valued in all {
        let value = valued.held_value.add(valued.liquidity)?;
        sum.collateral = sum.collateral.add(value)?;
        let counts = valued.adjusted_down()?.add(valued.liquidity_adjusted)?;
        sum.adjusted = sum.adjusted.add(counts)?;
        sum.debt = sum.debt.add(valued.owed_value)?;
    }
    Ok(sum)
}

/// The balance sheet in one line.
///
/// # Errors
/// As [`Stand::valued`].
pub(super) fn assess(
    cx: &mut Ctx<'_>,
    account: AccountId,
    question: Question,
) -> Result<Assessment, Halt> {
    let sheet = Sheet::load(cx, account)?;
    sum(&valued(cx, account, &sheet, question)?)
}

/// The check at the end of a batch (ACC-1).
///
/// # Errors
/// `AccountUnhealthy`, `AccountPriceUnusable`.
pub(super) fn expect_healthy(
    cx: &mut Ctx<'_>,
    stand: &Stand,
    goods: &mut Goods,
) -> Result<(), Halt> {
    if !stand.owes() {
        return Ok(());
    }
    let sum = stand.assess(cx, goods, Question::Batch)?;
    if sum.is_healthy() {
        return Ok(());
    }
    Err(revert(&AccountUnhealthy {
        owner: stand.account.owner,
        index: stand.account.index,
        borrowable: sum.adjusted.to_u256(),
        debt: sum.debt.to_u256(),
    }))
}

#[cfg(test)]
mod twin {
    use super::*;
    use crate::exchange::{self, Bounds, Leg, Size};
    use capstan_units::PoolId;

    /// Dollars that pool 0 gives for a whole asset now, if it swaps the asset for dollars, which are asset 1.
    pub(super) fn pool_price(
        cx: &mut Ctx<'_>,
        asset: AssetId,
        known: Price,
    ) -> Result<Price, Halt> {
        const WHOLE: u128 = 1_000_000;
        let dollar = AssetId::new(1);
        let leg = Leg {
            pool: PoolId::new(0),
            asset_in: asset,
            asset_out: dollar,
            size: Size::In(Assets::new(WHOLE)?),
        };
        let bounds = Bounds {
            asset_in: asset,
            paid_max: Assets::MAX,
            asset_out: dollar,
            received_min: Assets::ZERO,
        };
        match cx.attempt(|cx| exchange::quote(cx, &[leg], bounds))? {
            Ok(swapped) => Ok(Price::new(swapped.received.get() * WHOLE * WHOLE)?),
            Err(_) => Ok(known),
        }
    }
}
