//! Which accounts the block must look at: the guards on stored sheets, as [`CallIndex`].
//!
//! Collateral that fell and debts that rose take turns with those whose time is over. Debtors in minted dollars stand in it
//! too, for redemptions.

use core::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, View};
use capstan_units::{AccountId, AssetId, PriceTick};

use super::{
    ADDRESS,
    assess::block_price,
    guard::{haircut_ticks_up, is_supplied},
    params::{REDEMPTION_SEARCH, REDEMPTION_SEARCH_GAS},
    redemption,
    sheet::{self, Trigger, guards_of, sheet_slot},
};
use crate::{
    calls::{self, CallIndex, Room, highest_of, lowest_of},
    lending,
    oracle::{self, PriceUse, Side},
};

pub use crate::calls::Call;

/// One guard.
pub type Entry = calls::Entry<AccountId>;
/// What a block owes accounts.
pub type Due = calls::Due<AccountId>;
/// What blocks changed of guards.
pub type Changes = calls::Changes<Sheets>;
/// Every guard of a state.
pub type GuardIndex = CallIndex<Sheets>;

/// Stored sheets call the block to their accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sheets;

impl Room for Sheets {
    type Id = AccountId;
    const LOWEST: AccountId = AccountId::new(Address::ZERO, 0);
    const HIGHEST: AccountId = AccountId::new(Address::repeat_byte(0xff), u8::MAX);
    const ADDRESS: Address = ADDRESS;

    fn entries(slot: U256, word: U256) -> Vec<Entry> {
        let Some((account, part)) = sheet_slot(slot) else {
            return Vec::new();
        };
        let calls = calls_of(part, word).into_iter();
        calls.map(|call| (call, account)).collect()
    }

    fn has(slot: U256) -> bool {
        sheet_slot(slot).is_some()
    }

    /// Where the price of collateral stands, as the block judges it.
    fn fallen_to(
        cx: &mut Ctx<'_>,
        asset: AssetId,
        supplied: bool,
    ) -> Result<Option<PriceTick>, Halt> {
        let now_ms = cx.store.block().time_ms;
        let feed = oracle::feed(cx, asset)?;
        let tick = PriceTick::down(block_price(&feed, now_ms));
        after_losses(cx, asset, supplied, tick).map(Some)
    }

    /// Where the price of a debt stands, if it may be used to liquidate.
    fn risen_to(cx: &mut Ctx<'_>, asset: AssetId) -> Result<Option<PriceTick>, Halt> {
        let now_ms = cx.store.block().time_ms;
        let feed = oracle::feed(cx, asset)?;
        let price = feed.price(now_ms, PriceUse::Liquidate, Side::Debt);
        Ok(price.ok().map(PriceTick::up))
    }
}

/// Supply in a market is worth less by what its lenders lost.
pub(crate) fn after_losses(
    cx: &mut Ctx<'_>,
    asset: AssetId,
    supplied: bool,
    tick: PriceTick,
) -> Result<PriceTick, Halt> {
    if !supplied {
        return Ok(tick);
    }
    let lost = haircut_ticks_up(lending::haircut(cx, asset)?);
    Ok(PriceTick::new(tick.get().saturating_sub(lost)))
}

/// What one word in the form of a sheet's calls for.
pub(crate) fn calls_of(part: u8, word: U256) -> Vec<Call> {
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
    time.into_iter().chain(prices).chain(redemption).collect()
}

impl CallIndex<Sheets> {
    /// The debtors who pay dollars that wait, in a block on top of this state and of `over`, the riskiest first: whose
    /// collateral guard lies nearest to its price. Empty where nobody waits. Who is made of damaged words pays nothing.
    ///
    /// # Errors
    /// Gas.
    pub fn redeemable(&self, cx: &mut Ctx<'_>, over: &Changes, max: usize) -> Result<Due, Halt> {
        self.redeemable_within(cx, over, max, REDEMPTION_SEARCH_GAS)
    }

    /// The same with so much gas for the search. It is bounded by guards that are passed over, by debtors who are tried,
    /// and by what trying them costs: a debtor of many pieces costs more than one of none.
    pub(super) fn redeemable_within(
        &self,
        cx: &mut Ctx<'_>,
        over: &Changes,
        max: usize,
        search_gas: u64,
    ) -> Result<Due, Halt> {
        let begun = cx.store.gas_left();
        let mut found = Due::default();
        let is_awaited = redemption::is_awaited(cx);
        if found.told("dollars that wait", is_awaited)? != Some(true) {
            return Ok(found);
        }
        let (mut passed, mut tried) = REDEMPTION_SEARCH;
        let mut seen = BTreeSet::new();
        let mut near = self.by_distance(cx, over, &mut found)?;
        while let Some(account) = near.next() {
            let used = begun.saturating_sub(cx.store.gas_left());
            if found.who.len() == max || passed == 0 || tried == 0 || used >= search_gas {
                break;
            }
            passed = passed.saturating_sub(1);
            if !self.holds((Call::Redemption, account), over) || !seen.insert(account) {
                continue;
            }
            tried = tried.saturating_sub(1);
            let can_pay = redemption::can_pay(cx, account);
            if found.told(format_args!("account {account}"), can_pay)? == Some(true) {
                found.who.push(account);
            }
        }
        Ok(found)
    }

    /// Accounts by how far the price of a collateral of theirs is above their guard, nearest first.
    fn by_distance<'i>(
        &'i self,
        cx: &mut Ctx<'_>,
        over: &'i Changes,
        due: &mut Due,
    ) -> Result<Nearest<impl Iterator<Item = &'i Entry> + use<'i>>, Halt> {
        let mut near = Nearest::default();
        let mut from = (Call::Time(u32::MAX), Sheets::HIGHEST);
        while let Some((Call::Fall(asset, supplied, _), _)) = self.next(from, over) {
            let (first, last) = (highest_of(asset, supplied), lowest_of(asset, supplied));
            // What has no usable price pays nobody.
            let tick = match due.told(format_args!("asset {asset}"), is_usable(cx, asset))? {
                Some(true) => {
                    let tick = Sheets::fallen_to(cx, asset, supplied);
                    due.told(format_args!("asset {asset}"), tick)?.flatten()
                }
                _ => None,
            };
            if let Some(tick) = tick {
                near.join(
                    tick,
                    self.merged((first, Sheets::LOWEST)..=(last, Sheets::HIGHEST), over),
                );
            }
            from = (last, Sheets::HIGHEST);
        }
        Ok(near)
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
