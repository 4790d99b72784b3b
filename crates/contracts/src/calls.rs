//! Whom the block must come to: a sorted set of everything that calls for it, kept beside the state.
//!
//! ```text
//!   storage changes of a room ──► Changes { removed, added } ──► apply / undo
//!   due(now, prices) = the head of each range that time and prices have passed
//! ```
//!
//! Accounts call for a look, orders for their price: each kind has a [`Room`], which says how its stored words are read
//! and at which prices it judges. The set is a pure function of those words: whoever follows the changes of a block, or
//! reads all of them anew, has the same one. Nothing that a user's transaction can reach reads it. Its order decides who
//! comes first where a block has not the gas for all: in turns one whose time is over and one whose price was passed,
//! prices that fell before those that rose, what fell deepest first. In turns, because whoever failed comes back by
//! time: in a fall of everything they alone would fill the blocks, and those who were never looked at would wait behind
//! them.

use core::{cmp::Reverse, fmt, marker::PhantomData};
use std::{collections::BTreeSet, ops::RangeInclusive};

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, View};
use capstan_units::{AssetId, PriceTick};

/// What calls the block, in the order in which it answers.
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

const LOWEST_TICK: PriceTick = PriceTick::new(i32::MIN);
const HIGHEST_TICK: PriceTick = PriceTick::new(i32::MAX);
const MS_PER_S: u64 = 1_000;

/// A call, and who it is for.
pub type Entry<I> = (Call, I);

/// A contract whose stored words call the block.
pub trait Room: Copy + Default + fmt::Debug + Eq {
    /// Whom they call it to.
    type Id: Copy + Ord + fmt::Debug;
    /// The first of all ids.
    const LOWEST: Self::Id;
    /// The last.
    const HIGHEST: Self::Id;
    /// Whose storage it is.
    const ADDRESS: Address;

    /// What one stored word calls for; nothing if it is about something else.
    fn entries(slot: U256, word: U256) -> Vec<Entry<Self::Id>>;

    /// Whether anything that it stores at `slot` may call.
    fn has(slot: U256) -> bool;

    /// Down to which tick the price of an asset counts as fallen now; `None` while nobody may say.
    ///
    /// # Errors
    /// Storage that does not decode.
    fn fallen_to(
        cx: &mut Ctx<'_>,
        asset: AssetId,
        supplied: bool,
    ) -> Result<Option<PriceTick>, Halt>;

    /// Up to which tick it counts as risen now; `None` while nobody may say.
    ///
    /// # Errors
    /// Storage that does not decode.
    fn risen_to(cx: &mut Ctx<'_>, asset: AssetId) -> Result<Option<PriceTick>, Halt>;
}

/// What a block owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due<I> {
    /// To whom, in order.
    pub who: Vec<I>,
    /// What calls for nobody because words that it is read from are damaged, in words.
    pub damaged: Vec<String>,
}

impl<I> Default for Due<I> {
    fn default() -> Self {
        Self {
            who: Vec::new(),
            damaged: Vec::new(),
        }
    }
}

impl<I> Due<I> {
    /// An answer, unless it cannot be told for damage, which is noted: it holds up nothing else.
    pub(crate) fn told<T>(
        &mut self,
        of: impl fmt::Display,
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

/// What blocks changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes<R: Room> {
    /// Calls that are gone.
    pub removed: BTreeSet<Entry<R::Id>>,
    /// Calls that are new.
    pub added: BTreeSet<Entry<R::Id>>,
}

impl<R: Room> Default for Changes<R> {
    fn default() -> Self {
        Self {
            removed: BTreeSet::new(),
            added: BTreeSet::new(),
        }
    }
}

impl<R: Room> Changes<R> {
    /// Notes that a word of the room's storage changed.
    pub fn note(&mut self, slot: U256, before: U256, after: U256) {
        for entry in R::entries(slot, before) {
            self.take(entry);
        }
        for entry in R::entries(slot, after) {
            self.put(entry);
        }
    }

    /// These changes, then `later` ones, as one.
    pub fn then(&mut self, later: &Self) {
        for entry in &later.removed {
            self.take(*entry);
        }
        for entry in &later.added {
            self.put(*entry);
        }
    }

    fn take(&mut self, entry: Entry<R::Id>) {
        if !self.added.remove(&entry) {
            self.removed.insert(entry);
        }
    }

    fn put(&mut self, entry: Entry<R::Id>) {
        if !self.removed.remove(&entry) {
            self.added.insert(entry);
        }
    }
}

/// Every call of a room's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallIndex<R: Room> {
    entries: BTreeSet<Entry<R::Id>>,
    room: PhantomData<R>,
}

impl<R: Room> Default for CallIndex<R> {
    fn default() -> Self {
        Self::from_iter([])
    }
}

impl<R: Room> FromIterator<Entry<R::Id>> for CallIndex<R> {
    fn from_iter<I: IntoIterator<Item = Entry<R::Id>>>(entries: I) -> Self {
        Self {
            // Into one set at once, which sorts: several times faster than entry by entry.
            entries: entries.into_iter().collect(),
            room: PhantomData,
        }
    }
}

impl<R: Room> CallIndex<R> {
    /// Reads all words of the room's storage.
    pub fn rebuild(words: impl IntoIterator<Item = (U256, U256)>) -> Self {
        let words = words.into_iter();
        words
            .flat_map(|(slot, word)| R::entries(slot, word))
            .collect()
    }

    /// The same from a whole world.
    ///
    /// # Errors
    /// Storage failed.
    pub fn of(world: &dyn View) -> Result<Self, Halt> {
        Ok(Self::rebuild(world.words_of(R::ADDRESS)?))
    }

    /// All calls, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Entry<R::Id>> {
        self.entries.iter()
    }

    /// The calls behind one, in order; all of them behind none.
    pub fn behind(&self, entry: Option<Entry<R::Id>>) -> impl Iterator<Item = &Entry<R::Id>> {
        use core::ops::Bound::{Excluded, Unbounded};
        self.entries
            .range((entry.map_or(Unbounded, Excluded), Unbounded))
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody is owed anything.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Follows a block.
    pub fn apply(&mut self, changes: &Changes<R>) {
        for entry in &changes.removed {
            self.entries.remove(entry);
        }
        self.entries.extend(changes.added.iter().copied());
    }

    /// Takes a block back.
    pub fn undo(&mut self, changes: &Changes<R>) {
        for entry in &changes.added {
            self.entries.remove(entry);
        }
        self.entries.extend(changes.removed.iter().copied());
    }

    /// Whom a block on top of this state and of `over` must come to, in order, at most `max`. `cx` reads prices as they
    /// stand then. An asset whose words are damaged calls for nobody; a store that failed looks the same here, and is for
    /// the caller to ask.
    ///
    /// # Errors
    /// Gas.
    pub fn due(&self, cx: &mut Ctx<'_>, over: &Changes<R>, max: usize) -> Result<Due<R::Id>, Halt> {
        let mut due = Due::default();
        let now_s = cx.store.block().time_ms.checked_div(MS_PER_S);
        let now_s = u32::try_from(now_s.unwrap_or_default()).unwrap_or(u32::MAX);
        let by_time = vec![(Call::Time(0), R::LOWEST)..=(Call::Time(now_s), R::HIGHEST)];
        let by_price = self.passed(cx, over, &mut due)?;
        let mut turns = [by_time, by_price].map(|ranges| {
            let ranges = ranges.into_iter();
            ranges.flat_map(|range| self.merged(range, over))
        });
        let mut seen = BTreeSet::new();
        loop {
            let before = due.who.len();
            for turn in &mut turns {
                if due.who.len() == max {
                    return Ok(due);
                }
                let next = turn.find(|(_, id)| seen.insert(*id));
                due.who.extend(next.map(|(_, id)| *id));
            }
            if due.who.len() == before {
                return Ok(due);
            }
        }
    }

    /// The ranges of calls that prices have passed, in order.
    fn passed(
        &self,
        cx: &mut Ctx<'_>,
        over: &Changes<R>,
        due: &mut Due<R::Id>,
    ) -> Result<Vec<RangeInclusive<Entry<R::Id>>>, Halt> {
        let mut ranges = Vec::new();
        let mut from = (
            Call::Fall(AssetId::new(0), false, Reverse(HIGHEST_TICK)),
            R::LOWEST,
        );
        // From one kind of call to the next: there are at most three for each asset.
        while let Some((call, _)) = self.next(from, over) {
            let (reached, last) = match call {
                Call::Time(_) | Call::Redemption => break,
                Call::Fall(asset, supplied, _) => {
                    let tick = R::fallen_to(cx, asset, supplied);
                    let tick = due.told(format_args!("asset {asset}"), tick)?.flatten();
                    (
                        tick.map(|tick| Call::Fall(asset, supplied, Reverse(tick))),
                        lowest_of(asset, supplied),
                    )
                }
                Call::Rise(asset, _) => {
                    let tick = R::risen_to(cx, asset);
                    let tick = due.told(format_args!("asset {asset}"), tick)?.flatten();
                    (
                        tick.map(|tick| Call::Rise(asset, tick)),
                        Call::Rise(asset, HIGHEST_TICK),
                    )
                }
            };
            if let Some(reached) = reached {
                ranges.push((call, R::LOWEST)..=(reached, R::HIGHEST));
            }
            from = (last, R::HIGHEST);
        }
        ranges.retain(|range| range.start() <= range.end());
        Ok(ranges)
    }

    pub(crate) fn holds(&self, entry: Entry<R::Id>, over: &Changes<R>) -> bool {
        over.added.contains(&entry)
            || (self.entries.contains(&entry) && !over.removed.contains(&entry))
    }

    /// The calls of a range in this state and `over`, in order.
    pub(crate) fn merged<'i>(
        &'i self,
        range: RangeInclusive<Entry<R::Id>>,
        over: &'i Changes<R>,
    ) -> impl Iterator<Item = &'i Entry<R::Id>> + use<'i, R> {
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

    /// The first call after an entry, in this state and `over`.
    pub(crate) fn next(&self, from: Entry<R::Id>, over: &Changes<R>) -> Option<Entry<R::Id>> {
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

/// Where calls for falls of a price begin.
pub(crate) const fn highest_of(asset: AssetId, supplied: bool) -> Call {
    Call::Fall(asset, supplied, Reverse(HIGHEST_TICK))
}

/// Where they end.
pub(crate) const fn lowest_of(asset: AssetId, supplied: bool) -> Call {
    Call::Fall(asset, supplied, Reverse(LOWEST_TICK))
}
