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
    format!("{} USD", value.short(DOLLAR_PLACES))
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
    holdings(&state.standing.holdings);
    for piece in state.standing.pieces.iter().flatten() {
        println!("{}", in_a_line(piece));
    }
    println!();
    if let Some(report) = &state.standing.report {
        let row = |name: &str, value: String| println!("{name:<15}{value}");
        row("collateral", dollars(&report.collateral));
        row("borrow limit", dollars(&report.borrowable));
        row("debt", dollars(&report.debt));
        row("health", health(report.health_maintenance.as_ref()));
        row("borrow health", health(report.health_initial.as_ref()));
        if report.health_maintenance.is_some() {
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

/// Small sums of money.
fn dollars_fine(value: &Fixed) -> String {
    format!("{} USD", value.short(PLACES))
}

fn holdings(holdings: &[Holding]) {
    if holdings.is_empty() {
        println!("nothing stands on it");
        return;
    }
    let mut table = Table::new([
        "asset",
        "units",
        "supplied",
        "owed",
        "worth",
        "liquidated at",
    ]);
    for row in holdings {
        let zero_is_dash = |amount: &Fixed| {
            if amount.amount.is_zero() {
                "-".to_owned()
            } else {
                amount.short(PLACES)
            }
        };
        let at = row.liquidation_price.as_ref();
        table.row([
            format!("#{} {}", row.asset_id, row.symbol),
            zero_is_dash(&row.units),
            zero_is_dash(&row.supplied),
            zero_is_dash(&row.owed),
            row.held_value.as_ref().map_or("?".into(), dollars),
            at.map_or("-".into(), dollars),
        ]);
    }
    print!("{table}");
}

/// Liquidity: what it would give now, beside what holding would have been worth.
pub(crate) fn in_a_line(piece: &Piece) -> String {
    let coins: Vec<_> = piece
        .coins
        .iter()
        .map(|coin| format!("{} {}", coin.amount.short(PLACES), coin.symbol))
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
        let mut change = |what: &str, of: fn(&Holding) -> Option<&Fixed>| {
            let text = |row: Option<&Holding>| {
                row.and_then(of)
                    .filter(|amount| !amount.amount.is_zero())
                    .map_or("-".to_owned(), |amount| amount.short(PLACES))
            };
            let (now, then) = (text(now), text(then));
            if now != then {
                table.row([format!("{symbol} {what}"), now, then]);
            }
        };
        change("units", |row| Some(&row.units));
        change("supplied", |row| Some(&row.supplied));
        change("owed", |row| Some(&row.owed));
        change("liquidated at", |row| row.liquidation_price.as_ref());
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
