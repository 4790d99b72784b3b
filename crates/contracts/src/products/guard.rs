//! What calls the block to a product, in words of the form of an account's sheet.
//!
//! ```text
//!   ratio = owed * price of debt / (held * price of collateral)
//!   up    = how far it may rise      the collateral may fall by one part of it, the debt rise by the rest
//!   down  = how far it may fall      the other way round
//! ```
//!
//! Three quarters of the way are for the price that is not the base asset's, since the other is mostly a dollar's. While no
//! price passes its limit the ratio is inside its band, but for what a day of interest makes of it. Of liquidity the ratio
//! follows the root of prices, so they may move twice as far.

use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, PriceTick, ProductId};

use super::{
    ADDRESS,
    holding::{Holding, Prices, Verdict, judge},
    params::{LOOK_S, MOVING_PARTS, REST_S, UNPRICED_S},
    state::{Kind, Phase, Product, ProductsState},
    unit,
};
use crate::{
    account::{Row, Sheet, Trigger, guarded},
    looks::{RETRY_S, now_s, retry_s},
    registry::UNITS,
};

pub(super) const STATE: ProductsState = ProductsState::new();

/// Of all that a ratio may move, in parts.
const PARTS: i32 = 4;

pub(super) fn load(cx: &mut Ctx<'_>, id: ProductId) -> Result<Sheet, Halt> {
    guarded::load(STATE.guards, &mut cx.enter(ADDRESS), id)
}

/// Writes the words that differ from what is stored.
fn save(cx: &mut Ctx<'_>, id: ProductId, guard: &Sheet) -> Result<(), Halt> {
    guarded::save(STATE.guards, &mut cx.enter(ADDRESS), id, guard)
}

/// Nobody comes: there are no coins to pay for a look (PROD-8).
pub(super) fn disarm(cx: &mut Ctx<'_>, id: ProductId) -> Result<(), Halt> {
    save(cx, id, &Sheet::default())
}

/// Nothing but a time calls the block, so many seconds from now.
pub(super) fn wait_for(cx: &mut Ctx<'_>, id: ProductId, seconds: u32) -> Result<(), Halt> {
    let sheet = Sheet {
        look_by_s: now_s(cx).saturating_add(seconds),
        ..Sheet::default()
    };
    save(cx, id, &sheet)
}

/// The block comes back although no price may be used now: whatever price calls goes on to call.
pub(super) fn keep_for(cx: &mut Ctx<'_>, id: ProductId) -> Result<(), Halt> {
    let mut sheet = load(cx, id)?;
    let seconds = if sheet.rows.is_empty() {
        UNPRICED_S
    } else {
        LOOK_S
    };
    sheet.look_by_s = now_s(cx).saturating_add(seconds);
    save(cx, id, &sheet)
}

/// The same as [`arm`] for whoever comes between two looks: he puts none off, and calls none that failed before its time.
///
/// # Errors
/// `OraclePriceUnusable`.
pub(super) fn rearm(cx: &mut Ctx<'_>, id: ProductId, product: &Product) -> Result<(), Halt> {
    let owed_s = load(cx, id)?.look_by_s;
    arm(cx, id, product)?;
    let mut sheet = load(cx, id)?;
    if !sheet.rows.is_empty() || sheet.look_by_s == 0 {
        return Ok(());
    }
    let failed_s = now_s(cx).saturating_add(retry_s(product.failures));
    sheet.look_by_s = match owed_s {
        0 => sheet.look_by_s,
        owed_s => sheet.look_by_s.max(failed_s).min(owed_s),
    };
    save(cx, id, &sheet)
}

/// Writes what calls the block, as the product stands now.
///
/// # Errors
/// `OraclePriceUnusable`.
pub(super) fn arm(cx: &mut Ctx<'_>, id: ProductId, product: &Product) -> Result<(), Halt> {
    if product.reserve_wei == 0 {
        return disarm(cx, id);
    }
    match product.phase()? {
        Phase::Open => {}
        Phase::Closing => return wait_for(cx, id, RETRY_S),
        Phase::Closed => return disarm(cx, id),
    }
    let prices = Prices::read(cx, product)?;
    let holding = Holding::read(cx, product, unit::account_of(id))?;
    match judge(product, &holding, &prices)? {
        Verdict::Within { up, down } => {
            let sheet = Sheet {
                look_by_s: now_s(cx).saturating_add(LOOK_S),
                rows: rows(product, &prices, up, down)?,
                pieces: Vec::new(),
            };
            save(cx, id, &sheet)
        }
        Verdict::TooMuch | Verdict::TooLittle => wait_for(cx, id, RETRY_S),
        Verdict::AtRest => wait_for(cx, id, REST_S),
    }
}

/// How far each price may move. Both together move the ratio by less than it may.
fn rows(product: &Product, prices: &Prices, up: i32, down: i32) -> Result<Vec<Row>, Halt> {
    let base_is_debt = product.base_is_debt()?;
    // Liquidity follows the root of the ratio of prices, so that may move twice as far.
    let root = match product.kind()? {
        Kind::Neutral => 2,
        Kind::Long | Kind::Short | Kind::Loop => 1,
    };
    let parts = |whole: i32| {
        let whole = whole.saturating_mul(root);
        // A tick is rounded to the side that calls too late, by less than one.
        let whole = whole.saturating_sub(1);
        let moving = whole
            .checked_div(PARTS)
            .unwrap_or_default()
            .saturating_mul(MOVING_PARTS);
        let other = whole.saturating_sub(moving);
        match base_is_debt {
            true => (moving, other),
            false => (other, moving),
        }
    };
    let ((falls, debt_rises), (rises, debt_falls)) = (parts(up), parts(down));
    let (held, owed) = (prices.collateral.price, prices.debt.price);
    Ok(vec![
        fall(product.collateral, PriceTick::down(held), falls),
        rise(product.collateral, PriceTick::up(held), rises),
        fall(product.debt, PriceTick::down(owed), debt_falls),
        rise(product.debt, PriceTick::up(owed), debt_rises),
    ])
}

fn fall(asset: AssetId, from: PriceTick, ticks: i32) -> Row {
    let tick = PriceTick::new(from.get().saturating_sub(ticks).max(0));
    row(asset, Trigger::Falls(tick))
}

fn rise(asset: AssetId, from: PriceTick, ticks: i32) -> Row {
    let tick = PriceTick::new(from.get().saturating_add(ticks));
    row(asset, Trigger::Rises(tick))
}

fn row(asset: AssetId, trigger: Trigger) -> Row {
    Row {
        asset,
        kinds: 1_u8.checked_shl(UNITS.into()).unwrap_or_default(),
        trigger,
    }
}
