//! What must hold between transactions, as code over a world that is only looked at.
//!
//! ACC-1 to ACC-5 and ACC-7 to ACC-10 speak of batches, so the tests check them around batches; so does most of ACC-11
//! and ACC-21, of which what a state alone can show is here.

use std::collections::BTreeSet;

use capstan_state::{Ctx, View};
use capstan_units::{AccountId, AssetId};

use super::{
    ADDRESS,
    assess::kind_bit,
    index::GuardIndex,
    is_unhealthy,
    params::{COOLING_OFF_S_MAX, DEFER_MS},
    pieces,
    sheet::{self, PIECES_MAX, Piece, Sheet},
    state::{AccountState, Limits},
};
use crate::{
    exchange, farms,
    invariant::{Broken, holds},
    ledger, registry,
};

pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let assets = ledger::asset_count(cx)?;
    for account in sheet::accounts(world)? {
        check_rows(cx, account, assets)?;
    }
    check_pieces(world, cx)?;
    check_limits(world, cx)?;
    check_guards(world, cx)
}

/// ACC-11: while a looser limit waits, the tighter one counts. ACC-21: whoever limits what a day may lose has a day, which
/// began, and which ends.
fn check_limits(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let state = AccountState::new();
    for (account, limits) in state.limits.listed(world, ADDRESS)? {
        let limits = limits.load(cx)?;
        holds(is_tighter_now(&limits), "ACC-11", || {
            format!("a limit of {account} loosened before its time: {limits:?}")
        })?;
        let day = state.days.at(account).load(cx)?;
        let now_ms = cx.store.block().time_ms;
        let begun_ms = u64::from(day.begun_s).saturating_mul(1_000);
        let has_begun = day.begun_s != 0 && begun_ms <= now_ms;
        holds(limits.loss_max_usd == 0 || has_begun, "ACC-21", || {
            format!("{account} limits what a day may lose, and none began: {day:?}")
        })?;
        holds(limits.cooling_off_s <= COOLING_OFF_S_MAX, "ACC-21", || {
            format!("{account} cools off for longer than anybody may: {limits:?}")
        })?;
    }
    Ok(())
}

/// Whether what counts now is at least as tight as what follows, part by part; zero is no limit.
fn is_tighter_now(limits: &Limits) -> bool {
    let is_tighter = |now: u32, next: u32| next == 0 || (now != 0 && now <= next);
    is_tighter(limits.leverage_max_bps, limits.next_leverage_max_bps)
        && is_tighter(limits.loss_max_usd, limits.next_loss_max_usd)
        && limits.cooling_off_s >= limits.next_cooling_off_s
}

/// ACC-6: a row says of everything that stands there, but for units that others paid in.
fn check_rows(cx: &mut Ctx<'_>, account: AccountId, assets: u32) -> Result<(), Broken> {
    let sheet = Sheet::load(cx, account)?;
    for number in 0..assets {
        let asset = AssetId::new(number);
        let noted = sheet.rows.iter().find(|row| row.asset == asset);
        let kinds = noted.map_or(0, |row| row.kinds);
        for (number, kind) in registry::positions() {
            let stands = match kind.stands(cx, account, asset) {
                Ok(stands) => stands,
                // An asset without a market has nothing in it.
                Err(capstan_state::Halt::Revert(_)) => false,
                Err(other) => return Err(other.into()),
            };
            // An assignment ends when its payer stops, and units that others paid in wait for their owner.
            let is_noted = kinds & kind_bit(number) != 0;
            let may_wait = number == registry::UNITS;
            holds(is_noted || !stands || may_wait, "ACC-6", || {
                format!(
                    "{account} has {} of asset {asset}, and no row says so",
                    kind.name()
                )
            })?;
        }
    }
    holds(
        sheet.rows.is_sorted_by(|one, two| one.asset < two.asset),
        "ACC-6",
        || format!("the rows of {account} are out of order"),
    )
}

/// ACC-23: a piece stands in the exchange or in a farm, and each stake is a piece; a position belongs to this contract and to one account, and the rows that say
/// they are coins of pieces are those that are.
fn check_pieces(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    for (farm, account) in farms::stakers(world, cx)? {
        let sheet = Sheet::load(cx, account)?;
        let is_noted = sheet.pieces.contains(&Piece::Stake(farm));
        holds(is_noted, "ACC-23", || {
            format!("{account} has a stake in farm {farm}, and no piece says so")
        })?;
    }
    let mut positions = BTreeSet::new();
    for account in sheet::accounts(world)? {
        let sheet = Sheet::load(cx, account)?;
        let mut coins = BTreeSet::new();
        for piece in &sheet.pieces {
            let stands = pieces::made(cx, account, *piece)?;
            holds(stands.amount() > 0, "ACC-23", || {
                format!("{piece:?} of {account} is empty")
            })?;
            if let Piece::Range(position) = *piece {
                let owner = exchange::nft::owner_of(cx, position)?;
                holds(owner == ADDRESS, "ACC-23", || {
                    format!("position {position} stands on {account}, and {owner} owns it")
                })?;
                holds(positions.insert(position), "ACC-23", || {
                    format!("position {position} stands on {account} and on another account")
                })?;
            }
            coins.extend(stands.coins());
        }
        let bit = kind_bit(registry::LIQUIDITY);
        let rows = sheet.rows.iter().filter(|row| row.kinds & bit != 0);
        let noted: BTreeSet<AssetId> = rows.map(|row| row.asset).collect();
        holds(noted == coins, "ACC-23", || {
            format!("pieces of {account} are made of {coins:?}, its rows say of {noted:?}")
        })?;
        let is_bounded = sheet.pieces.len() <= PIECES_MAX && sheet.pieces.is_sorted();
        holds(is_bounded, "ACC-23", || {
            format!("{account} has pieces {:?}", sheet.pieces)
        })?;
    }
    Ok(())
}

/// LIQ-1: no account is unhealthy unless its guard is crossed, or the block comes back within a minute.
fn check_guards(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let index = GuardIndex::of(world)?;
    let due = index.due(cx, &Default::default(), usize::MAX)?;
    let now_ms = cx.store.block().time_ms;
    for account in sheet::accounts(world)? {
        let sheet = Sheet::load(cx, account)?;
        let look_ms = u64::from(sheet.look_by_s).saturating_mul(1_000);
        let is_awaited = due.who.contains(&account)
            || (sheet.look_by_s != 0 && look_ms.saturating_sub(now_ms) <= DEFER_MS);
        let unhealthy = is_unhealthy(cx, account)?;
        holds(!unhealthy || is_awaited, "LIQ-1", || {
            format!("{account} is unhealthy, and its guard was not crossed: {sheet:?}")
        })?;
    }
    Ok(())
}
