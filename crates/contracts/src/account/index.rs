//! Which accounts the block must look at: a sorted set of all guards, kept beside the state.
//!
//! ```text
//!   storage changes of this contract ──► Changes { removed, added } ──► apply / undo
//!   due(now, prices) = the head of each range that time and prices have passed
//! ```
//!
//! The set is a pure function of the stored sheets: whoever follows the changes of a block, or reads all sheets anew,
//! has the same one. Nothing that a user's transaction can reach reads it. Its order decides who is looked at first
//! where a block has not the gas for all: in turns one whose time is over and one whose price was passed, collateral that
//! fell before debts that rose, what fell deepest first. In turns, because whoever is on offer comes back each minute: in
//! a fall of everything they alone would fill the blocks, and those who were never looked at would wait behind them.

use core::cmp::Reverse;
use std::{
    collections::{BTreeSet, BinaryHeap},
    ops::RangeInclusive,
};

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, View};
use capstan_units::{AccountId, AssetId, PriceTick};

use super::{
    ADDRESS,
    assess::block_price,
    guard::{haircut_ticks_up, is_supplied},
    params::REDEMPTION_SEARCH,
    redemption,
    sheet::{self, Trigger, guards_of, sheet_slot},
};
use crate::{
    lending,
    oracle::{self, PriceUse, Side},
};

/// What calls the block to an account, in the order in which it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// This second.
    Time(u32),
    /// The price of an asset at or below a tick; of supply in its market, losses of lenders included, if `true`.
    Fall(AssetId, bool, Reverse<PriceTick>),
    /// The price of an asset at or above a tick.
    Rise(AssetId, PriceTick),
    /// Somebody redeems dollars.
    Redemption,
}

const LOWEST: AccountId = AccountId::new(Address::ZERO, 0);
const HIGHEST: AccountId = AccountId::new(Address::repeat_byte(0xff), u8::MAX);
const LOWEST_TICK: PriceTick = PriceTick::new(i32::MIN);
const HIGHEST_TICK: PriceTick = PriceTick::new(i32::MAX);
const MS_PER_S: u64 = 1_000;

/// One guard.
pub type Entry = (Call, AccountId);

/// What a block owes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Accounts, in order.
    pub accounts: Vec<AccountId>,
    /// What calls for nobody because words that it is read from are damaged, in words.
    pub damaged: Vec<String>,
}

impl Due {
    /// An answer, unless it cannot be told for damage, which is noted: it holds up nothing else.
    fn told<T>(
        &mut self,
        of: impl core::fmt::Display,
        answer: Result<T, Halt>,
    ) -> Result<Option<T>, Halt> {
        match answer {
            Err(Halt::Fatal(why)) => {
                self.damaged.push(format!("{of}: {why}"));
                Ok(None)
            }
            other => other.map(Some),
        }
    }
}

/// What a block changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Guards that are gone.
    pub removed: BTreeSet<Entry>,
    /// Guards that are new.
    pub added: BTreeSet<Entry>,
}

impl Changes {
    /// Notes that a word of this contract's storage changed.
    pub fn note(&mut self, slot: U256, before: U256, after: U256) {
        let Some((account, part)) = sheet_slot(slot) else {
            return;
        };
        for entry in entries(account, part, before) {
            if !self.added.remove(&entry) {
                self.removed.insert(entry);
            }
        }
        for entry in entries(account, part, after) {
            if !self.removed.remove(&entry) {
                self.added.insert(entry);
            }
        }
    }

    /// These changes, then `later` ones, as one.
    pub fn then(&mut self, later: &Self) {
        for entry in &later.removed {
            if !self.added.remove(entry) {
                self.removed.insert(*entry);
            }
        }
        for entry in &later.added {
            if !self.removed.remove(entry) {
                self.added.insert(*entry);
            }
        }
    }
}

/// The guards of one stored word.
fn entries(account: AccountId, part: u8, word: U256) -> Vec<Entry> {
    let guards = guards_of(part, word);
    let time = (guards.look_by_s != 0).then_some(Call::Time(guards.look_by_s));
    let prices = guards.rows.iter().flat_map(|row| {
        let falls = |tick| Call::Fall(row.asset, is_supplied(*row), Reverse(tick));
        let rises = |tick| Call::Rise(row.asset, tick);
        let both = match row.trigger {
            Trigger::Never => (None, None),
            Trigger::Falls(tick) => (Some(falls(tick)), None),
            Trigger::Rises(tick) => (None, Some(rises(tick))),
            Trigger::Leaves(low, high) => (Some(falls(low)), Some(rises(high))),
        };
        both.0.into_iter().chain(both.1)
    });
    let redemption = guards.owes_dollars.then_some(Call::Redemption);
    time.into_iter()
        .chain(prices)
        .chain(redemption)
        .map(|call| (call, account))
        .collect()
}

/// Every guard of a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardIndex {
    entries: BTreeSet<Entry>,
}

impl GuardIndex {
    /// Reads all words of this contract's storage.
    pub fn rebuild(words: impl IntoIterator<Item = (U256, U256)>) -> Self {
        // Into one set at once, which sorts: several times faster than entry by entry.
        let sheets = words
            .into_iter()
            .filter_map(|(slot, word)| Some((sheet_slot(slot)?, word)));
        sheets
            .flat_map(|((account, part), word)| entries(account, part, word))
            .collect()
    }

    /// The same from a whole world.
    ///
    /// # Errors
    /// Storage failed.
    pub fn of(world: &dyn View) -> Result<Self, Halt> {
        Ok(Self::rebuild(world.words_of(ADDRESS)?))
    }

    /// All guards, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The guards behind one, in order; all of them behind none.
    pub fn behind(&self, entry: Option<Entry>) -> impl Iterator<Item = &Entry> {
        use core::ops::Bound::{Excluded, Unbounded};
        self.entries
            .range((entry.map_or(Unbounded, Excluded), Unbounded))
    }

    /// How many guards there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody owes anything.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Follows a block.
    pub fn apply(&mut self, changes: &Changes) {
        for entry in &changes.removed {
            self.entries.remove(entry);
        }
        self.entries.extend(changes.added.iter().copied());
    }

    /// Takes a block back.
    pub fn undo(&mut self, changes: &Changes) {
        for entry in &changes.added {
            self.entries.remove(entry);
        }
        self.entries.extend(changes.removed.iter().copied());
    }

    /// The accounts to look at in a block on top of this state and of `over`, in order, at most `max`. `cx` reads
    /// prices as they stand when the block looks. An asset whose words are damaged calls for nobody; a store that failed
    /// looks the same here, and is for the caller to ask.
    ///
    /// # Errors
    /// Gas.
    pub fn due(&self, cx: &mut Ctx<'_>, over: &Changes, max: usize) -> Result<Due, Halt> {
        let mut due = Due::default();
        let now_s = cx.store.block().time_ms.checked_div(MS_PER_S);
        let now_s = u32::try_from(now_s.unwrap_or_default()).unwrap_or(u32::MAX);
        let by_time = vec![(Call::Time(0), LOWEST)..=(Call::Time(now_s), HIGHEST)];
        let by_price = self.passed(cx, over, &mut due)?;
        let mut turns = [by_time, by_price].map(|ranges| {
            let ranges = ranges.into_iter();
            ranges.flat_map(|range| self.merged(range, over))
        });
        let mut seen = BTreeSet::new();
        loop {
            let before = due.accounts.len();
            for turn in &mut turns {
                if due.accounts.len() == max {
                    return Ok(due);
                }
                let next = turn.find(|(_, account)| seen.insert(*account));
                due.accounts.extend(next.map(|(_, account)| *account));
            }
            if due.accounts.len() == before {
                return Ok(due);
            }
        }
    }

    /// The ranges of guards that prices have passed, in order.
    fn passed(
        &self,
        cx: &mut Ctx<'_>,
        over: &Changes,
        due: &mut Due,
    ) -> Result<Vec<RangeInclusive<Entry>>, Halt> {
        let mut ranges = Vec::new();
        let mut from = (
            Call::Fall(AssetId::new(0), false, Reverse(HIGHEST_TICK)),
            LOWEST,
        );
        // From one kind of guard to the next: there are at most three for each asset.
        while let Some((call, _)) = self.next(from, over) {
            let (reached, last) = match call {
                Call::Time(_) | Call::Redemption => break,
                Call::Fall(asset, supplied, _) => {
                    let tick = due.told(
                        format_args!("asset {asset}"),
                        fallen_to(cx, asset, supplied),
                    )?;
                    (
                        tick.map(|tick| Call::Fall(asset, supplied, Reverse(tick))),
                        Call::Fall(asset, supplied, Reverse(LOWEST_TICK)),
                    )
                }
                Call::Rise(asset, _) => {
                    let tick = due
                        .told(format_args!("asset {asset}"), risen_to(cx, asset))?
                        .flatten();
                    (
                        tick.map(|tick| Call::Rise(asset, tick)),
                        Call::Rise(asset, HIGHEST_TICK),
                    )
                }
            };
            if let Some(reached) = reached {
                ranges.push((call, LOWEST)..=(reached, HIGHEST));
            }
            from = (last, HIGHEST);
        }
        ranges.retain(|range| range.start() <= range.end());
        Ok(ranges)
    }

    /// The debtors who pay dollars that wait, in a block on top of this state and of `over`, the riskiest first: whose
    /// collateral guard lies nearest to its price. Empty where nobody waits. Who is made of damaged words pays nothing.
    ///
    /// # Errors
    /// Gas.
    pub fn redeemable(&self, cx: &mut Ctx<'_>, over: &Changes, max: usize) -> Result<Due, Halt> {
        let mut found = Due::default();
        let is_awaited = redemption::is_awaited(cx);
        if found.told("dollars that wait", is_awaited)? != Some(true) {
            return Ok(found);
        }
        let (mut passed, mut tried) = REDEMPTION_SEARCH;
        let mut seen = BTreeSet::new();
        let mut near = self.by_distance(cx, over, &mut found)?;
        while let Some(account) = near.next() {
            if found.accounts.len() == max || passed == 0 || tried == 0 {
                break;
            }
            passed = passed.saturating_sub(1);
            if !self.holds((Call::Redemption, account), over) || !seen.insert(account) {
                continue;
            }
            tried = tried.saturating_sub(1);
            let can_pay = redemption::can_pay(cx, account);
            if found.told(format_args!("account {account}"), can_pay)? == Some(true) {
                found.accounts.push(account);
            }
        }
        Ok(found)
    }

    fn holds(&self, entry: Entry, over: &Changes) -> bool {
        over.added.contains(&entry)
            || (self.entries.contains(&entry) && !over.removed.contains(&entry))
    }

    /// Accounts by how far the price of a collateral of theirs is above their guard, nearest first.
    fn by_distance<'i>(
        &'i self,
        cx: &mut Ctx<'_>,
        over: &'i Changes,
        due: &mut Due,
    ) -> Result<Nearest<impl Iterator<Item = &'i Entry> + use<'i>>, Halt> {
        let mut near = Nearest::default();
        let mut from = (Call::Time(u32::MAX), HIGHEST);
        while let Some((Call::Fall(asset, supplied, _), _)) = self.next(from, over) {
            let first = Call::Fall(asset, supplied, Reverse(HIGHEST_TICK));
            let last = Call::Fall(asset, supplied, Reverse(LOWEST_TICK));
            // What has no usable price pays nobody.
            let tick = match due.told(format_args!("asset {asset}"), is_usable(cx, asset))? {
                Some(true) => due.told(
                    format_args!("asset {asset}"),
                    fallen_to(cx, asset, supplied),
                )?,
                _ => None,
            };
            if let Some(tick) = tick {
                near.join(tick, self.merged((first, LOWEST)..=(last, HIGHEST), over));
            }
            from = (last, HIGHEST);
        }
        Ok(near)
    }

    /// The guards of a range in this state and `over`, in order.
    fn merged<'i>(
        &'i self,
        range: RangeInclusive<Entry>,
        over: &'i Changes,
    ) -> impl Iterator<Item = &'i Entry> {
        let here = self.entries.range(range.clone());
        let mut here = here
            .filter(|entry| !over.removed.contains(entry))
            .peekable();
        let mut above = over.added.range(range).peekable();
        core::iter::from_fn(move || match (here.peek(), above.peek()) {
            (Some(low), Some(high)) if low <= high => here.next(),
            (_, Some(_)) => above.next(),
            _ => here.next(),
        })
    }

    /// The first guard after an entry, in this state and `over`.
    fn next(&self, from: Entry, over: &Changes) -> Option<Entry> {
        let after = (
            core::ops::Bound::Excluded(from),
            core::ops::Bound::Unbounded,
        );
        let here = self
            .entries
            .range(after)
            .find(|entry| !over.removed.contains(entry));
        let above = over.added.range(after).next();
        here.into_iter().chain(above).min().copied()
    }
}

impl FromIterator<Entry> for GuardIndex {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }
}

/// Several lists of guards as one, nearest to its price first; ties by account.
struct Nearest<I> {
    /// The price of each list, and what is left of it.
    lists: Vec<(PriceTick, I)>,
    /// The head of each list: its distance, its account, its list.
    heads: BinaryHeap<Reverse<(i32, AccountId, usize)>>,
}

impl<I> Default for Nearest<I> {
    fn default() -> Self {
        Self {
            lists: Vec::new(),
            heads: BinaryHeap::new(),
        }
    }
}

impl<'i, I: Iterator<Item = &'i Entry>> Nearest<I> {
    fn join(&mut self, price: PriceTick, list: I) {
        self.lists.push((price, list));
        self.advance(self.lists.len().saturating_sub(1));
    }

    /// Puts the next guard of a list among the heads.
    fn advance(&mut self, list: usize) {
        let Some((price, rest)) = self.lists.get_mut(list) else {
            return;
        };
        if let Some((Call::Fall(_, _, Reverse(tick)), account)) = rest.next() {
            let distance = price.get().saturating_sub(tick.get());
            self.heads.push(Reverse((distance, *account, list)));
        }
    }

    fn next(&mut self) -> Option<AccountId> {
        let Reverse((_, account, list)) = self.heads.pop()?;
        self.advance(list);
        Some(account)
    }
}

fn is_usable(cx: &mut Ctx<'_>, asset: AssetId) -> Result<bool, Halt> {
    let now_ms = cx.store.block().time_ms;
    let feed = oracle::feed(cx, asset)?;
    Ok(feed.unusable(now_ms, PriceUse::Liquidate).is_none())
}

/// Where the price of collateral stands, as the block judges it.
fn fallen_to(cx: &mut Ctx<'_>, asset: AssetId, supplied: bool) -> Result<PriceTick, Halt> {
    let now_ms = cx.store.block().time_ms;
    let feed = oracle::feed(cx, asset)?;
    let tick = PriceTick::down(block_price(&feed, now_ms));
    if !supplied {
        return Ok(tick);
    }
    let lost = haircut_ticks_up(lending::haircut(cx, asset)?);
    Ok(PriceTick::new(tick.get().saturating_sub(lost)))
}

/// Where the price of a debt stands, if it may be used to liquidate.
fn risen_to(cx: &mut Ctx<'_>, asset: AssetId) -> Result<Option<PriceTick>, Halt> {
    let now_ms = cx.store.block().time_ms;
    let feed = oracle::feed(cx, asset)?;
    let price = feed.price(now_ms, PriceUse::Liquidate, Side::Debt);
    Ok(price.ok().map(PriceTick::up))
}

/// Every account that the block would have to look at, by assessing all of them: what the index must agree with.
///
/// # Errors
/// Storage failed.
pub fn unhealthy(world: &dyn View, cx: &mut Ctx<'_>) -> Result<Vec<AccountId>, Halt> {
    let mut found = Vec::new();
    for account in sheet::accounts(world)? {
        let cx = &mut cx.enter(ADDRESS);
        if super::is_unhealthy(cx, account)? {
            found.push(account);
        }
    }
    Ok(found)
}
