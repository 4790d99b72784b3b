//! Accounts and previews in words.

use alloy_primitives::U256;
use capstan_client::{AccountName, AccountState, Fixed, Holding, Piece, Preview, Report, Standing};

use capstan_units::decimal_down;

use crate::{table::Table, words::time};

/// Digits behind the point of amounts and prices, and of dollars and health.
const PLACES: u8 = 6;
const DOLLAR_PLACES: u8 = 2;
const HEALTH_PLACES: u8 = 3;
/// A room to fall that a day of an ordinary month uses up.
const NEAR_BPS: u16 = 1_000;

fn dollars(value: &Fixed) -> String {
    format!("{} USD", value.near(DOLLAR_PLACES))
}

/// Health for people: it is liquidated below 1. Rounded where that is far away, and down where it is near: what is told
/// as 1 is not below.
pub(super) fn health(health: Option<&Fixed>) -> String {
    let Some(health) = health else {
        return "no debt".to_owned();
    };
    let whole = U256::from(10).pow(U256::from(health.decimals));
    let is_far = health.amount >= whole + whole / U256::from(100);
    let half = if is_far {
        whole / U256::from(2_000)
    } else {
        U256::ZERO
    };
    decimal_down(
        health.amount.saturating_add(half),
        health.decimals,
        HEALTH_PLACES,
    )
}

fn percent(bps: u16) -> String {
    format!("{}.{:02} %", bps / 100, bps % 100)
}

/// Everything about an account.
pub(super) fn account(name: AccountName, state: &AccountState) {
    println!("account {} of {}", name.index, name.owner);
    println!();
    holdings(&state.standing);
    for piece in state.standing.pieces.iter().flatten() {
        println!("{}", in_a_line(piece));
    }
    println!();
    if let Some(report) = &state.standing.report {
        let row = |name: &str, value: String| println!("{name:<15}{value}");
        row("collateral", dollars(&report.collateral));
        row("borrow limit", dollars(&report.borrowable));
        row("debt", dollars(&report.debt));
        row("health", told_health(report));
        if report.health_maintenance.is_some() {
            row("borrow health", borrow_health(report));
            row("room to fall", percent(report.room_to_fall_bps));
            row("costs a day", dollars_fine(&report.cost_per_day));
        }
    }
    line_of_error(&state.standing);
    if let Some(offer) = &state.offer {
        println!(
            "UNDER LIQUIDATION: collateral is on offer, the discount grows until {}",
            time(offer.full_ms.to())
        );
    }
}

/// Health, and what it means.
fn told_health(report: &Report) -> String {
    let told = health(report.health_maintenance.as_ref());
    match report.health_maintenance {
        Some(_) => format!("{told}; below 1 the block sells"),
        None => told,
    }
}

/// The same at the factors to borrow: what a new debt is judged by.
fn borrow_health(report: &Report) -> String {
    let told = health(report.health_initial.as_ref());
    let left = report.borrowable.amount.saturating_sub(report.debt.amount);
    match left.is_zero() {
        true => format!("{told}; below 1 nothing more can be borrowed"),
        false => {
            let left = decimal_down(left, report.debt.decimals, DOLLAR_PLACES);
            format!("{told}; {left} USD more can be borrowed")
        }
    }
}

/// The price at which an account is liquidated, and from which side: what is held falls to it, what is owed rises to it.
/// None where an asset is held and owed: its price moves both.
fn liquidated(standing: &Standing, row: &Holding) -> Option<(&'static str, Fixed)> {
    let is_owed = !row.owed.amount.is_zero();
    let above = standing
        .report
        .as_ref()
        .and_then(|report| row.liquidated_above(report));
    match above {
        Some(price) => Some(("above", price)),
        None if is_owed => None,
        None => Some(("below", row.liquidation_price.clone()?)),
    }
}

/// Small sums of money.
fn dollars_fine(value: &Fixed) -> String {
    format!("{} USD", value.near(PLACES))
}

/// A price: to the cent where a cent is little of it.
fn price(value: &Fixed) -> String {
    match value.short(0).len() {
        1 => format!("{} USD", value.near(PLACES)),
        _ => dollars(value),
    }
}

fn holdings(standing: &Standing) {
    let holdings = &standing.holdings;
    if holdings.is_empty() {
        println!("nothing stands on it");
        return;
    }
    let mut table = Table::new(["asset", "units", "supplied", "owed", "worth", "liquidated"]);
    for row in holdings {
        let zero_is_dash = |amount: &Fixed| {
            if amount.amount.is_zero() {
                "-".to_owned()
            } else {
                amount.near(PLACES)
            }
        };
        let at = liquidated(standing, row);
        table.row([
            format!("#{} {}", row.asset_id, row.symbol),
            zero_is_dash(&row.units),
            zero_is_dash(&row.supplied),
            zero_is_dash(&row.owed),
            worth(row),
            at.map_or("-".into(), |(side, at)| format!("{side} {}", price(&at))),
        ]);
    }
    print!("{table}");
}

/// What a row adds to the balance sheet: what is held, less what is owed.
fn worth(row: &Holding) -> String {
    let (Some(held), Some(owed)) = (&row.held_value, &row.owed_value) else {
        return "?".to_owned();
    };
    match held.amount >= owed.amount {
        true => dollars(&Fixed {
            amount: held.amount - owed.amount,
            ..held.clone()
        }),
        false => format!(
            "-{}",
            dollars(&Fixed {
                amount: owed.amount - held.amount,
                ..owed.clone()
            })
        ),
    }
}

/// Liquidity: what it would give now, beside what holding would have been worth.
pub(crate) fn in_a_line(piece: &Piece) -> String {
    let coins: Vec<_> = piece
        .coins
        .iter()
        .map(|coin| format!("{} {}", coin.amount.near(PLACES), coin.symbol))
        .collect();
    let id = piece.id.to::<u64>();
    let pool = piece.pool_id.map_or(String::new(), |pool| pool.to_string());
    let what = match piece.kind.as_str() {
        "range" => format!("position {id} in pool {pool}"),
        "stake" if pool.is_empty() => format!("stake in farm {id}"),
        "stake" => format!("stake in farm {id} of pool {pool}"),
        _ => format!("shares of pool {pool}"),
    };
    format!(
        "{what}: {}, worth {}, {} if held",
        coins.join(" and "),
        dollars(&piece.value),
        dollars(&piece.if_held)
    )
}

fn line_of_error(standing: &Standing) {
    if let Some(error) = &standing.error {
        println!("its health cannot be told: {error}");
    }
}

/// One line: how the account stands.
pub(super) fn line(standing: &Standing) {
    if let Some(report) = &standing.report {
        println!(
            "collateral {}, debt {}, health {}",
            dollars(&report.collateral),
            dollars(&report.debt),
            health(report.health_maintenance.as_ref())
        );
    }
    line_of_error(standing);
}

/// What a batch would change.
pub(crate) fn effect(name: AccountName, told: &Preview) {
    println!("account {} of {}", name.index, name.owner);
    let Some(after) = &told.after else {
        line(&told.before);
        return;
    };
    let mut table = Table::new(["", "now", "then"]);
    let pair = |of: fn(&Report) -> String| {
        let one = |standing: &Standing| standing.report.as_ref().map_or("?".to_owned(), of);
        (one(&told.before), one(after))
    };
    let rows: [(&str, fn(&Report) -> String); 6] = [
        ("collateral", |report| dollars(&report.collateral)),
        ("borrow limit", |report| dollars(&report.borrowable)),
        ("debt", |report| dollars(&report.debt)),
        ("health", |report| {
            health(report.health_maintenance.as_ref())
        }),
        ("room to fall", |report| {
            let has_debt = report.health_maintenance.is_some();
            if has_debt {
                percent(report.room_to_fall_bps)
            } else {
                "all".to_owned()
            }
        }),
        ("costs a day", |report| dollars_fine(&report.cost_per_day)),
    ];
    for (name, of) in rows {
        let (now, then) = pair(of);
        table.row([name.to_owned(), now, then]);
    }
    let mut ids: Vec<u32> = told
        .before
        .holdings
        .iter()
        .chain(&after.holdings)
        .map(|row| row.asset_id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let (now, then) = (told.before.holding(id), after.holding(id));
        let symbol = now.or(then).map_or(String::new(), |row| row.symbol.clone());
        let mut change = |what: &str, now: Option<Fixed>, then: Option<Fixed>| {
            let text = |amount: Option<Fixed>| {
                amount
                    .filter(|amount| !amount.amount.is_zero())
                    .map_or("-".to_owned(), |amount| amount.near(PLACES))
            };
            let (now, then) = (text(now), text(then));
            if now != then {
                table.row([format!("{symbol} {what}"), now, then]);
            }
        };
        let parts: [(&str, fn(&Holding) -> &Fixed); 3] = [
            ("units", |row| &row.units),
            ("supplied", |row| &row.supplied),
            ("owed", |row| &row.owed),
        ];
        for (what, of) in parts {
            change(what, now.map(of).cloned(), then.map(of).cloned());
        }
        for side in ["below", "above"] {
            let at = |standing: &Standing, row: Option<&Holding>| {
                let (of, price) = liquidated(standing, row?)?;
                (of == side).then_some(price)
            };
            let (now, then) = (at(&told.before, now), at(after, then));
            change(&format!("liquidated {side}"), now, then);
        }
    }
    print!("{table}");
    let pieces = |standing: &Standing| -> Vec<String> {
        standing.pieces.iter().flatten().map(in_a_line).collect()
    };
    let (now, then) = (pieces(&told.before), pieces(after));
    if now != then {
        for piece in then {
            println!("then {piece}");
        }
    }
    line_of_error(after);
    if let Some(words) = after.report.as_ref().and_then(near) {
        println!("{words}");
    }
}

/// A warning, where a small fall of prices ends it.
fn near(report: &Report) -> Option<String> {
    let is_near = report.health_maintenance.is_some() && report.room_to_fall_bps < NEAR_BPS;
    is_near.then(|| {
        format!(
            "WARNING: it is liquidated once its collateral falls by {}",
            percent(report.room_to_fall_bps)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CLI-6
    #[test]
    fn health_is_rounded_unless_it_is_near_its_end() {
        for (amount, text) in [
            (1_659_999_999_889_333_333_u64, "1.66"),
            (1_659_400_000_000_000_000, "1.659"),
            (1_009_900_000_000_000_000, "1.009"),
            (999_999_999_999_999_999, "0.999"),
            (1_000_000_000_000_000_000, "1"),
        ] {
            let fixed =
                serde_json::json!({"amount": U256::from(amount), "decimals": 18, "text": ""});
            let fixed: Fixed = serde_json::from_value(fixed).expect("a number");
            assert_eq!(health(Some(&fixed)), text, "{amount}");
        }
        assert_eq!(health(None), "no debt");
    }
}
