//! Golden vectors for the page (`web/`): what numbers and plans are there is what they are here. `CAPSTAN_BLESS=1` writes the
//! file; a stale one fails.

use std::path::Path;

use alloy_primitives::{Address, U256, hex};
use capstan_contracts::exchange::IExchange::{Bounds, Leg};
use capstan_units::{decimal_down, parse_decimal};
use serde_json::{Value, json};

use crate::{
    AccountName, Amount, Batch, There, Way, Wish, lever, owed_with_growth, plan,
    refinance_collateral, refinance_debt, unlever,
};

const FILE: &str = "../../web/src/units/golden.json";
const ME: Address = Address::repeat_byte(7);

fn text(number: U256) -> String {
    number.to_string()
}

fn read(text_of: &str, decimals: u8) -> Value {
    match parse_decimal(text_of, decimals) {
        Ok(amount) => json!({"text": text_of, "decimals": decimals, "amount": text(amount)}),
        Err(why) => json!({"text": text_of, "decimals": decimals, "why": why.to_string()}),
    }
}

fn reads() -> Vec<Value> {
    let plain = [
        "0",
        "1",
        "75.5",
        "1_000",
        "1_000.000_1",
        "0.000001",
        "1.50",
        "00012",
        "007.70",
    ];
    let wrong = [
        "", ".", "1.", ".5", "-1", "+1", "1,5", "1e18", "0x10", "1.2.3", "_1", "1_", "1._5",
        "1 000", "abc", "\u{661}",
    ];
    let fine = [
        "0.0000001",
        "0.1234567890123456789",
        "1.0000000000000000000",
    ];
    let word = U256::MAX.to_string();
    let large = [
        word.as_str(),
        "115792089237316195423570985008687907853269984665640564039457584007913129639936",
    ];
    let mut rows = Vec::new();
    for decimals in [0, 6, 8, 18, 27] {
        for text in plain.iter().chain(&wrong).chain(&fine) {
            rows.push(read(text, decimals));
        }
    }
    rows.extend(large.map(|text| read(text, 0)));
    rows.push(read(&word, 1));
    rows
}

fn shows() -> Vec<Value> {
    let amounts = [
        U256::ZERO,
        U256::from(1),
        U256::from(75_500_000_u64),
        U256::from(999_999_999_999_999_999_u64),
        U256::from(1_659_999_999_999_999_999_u64),
        U256::from(1_807_228_915_662_650_602_410_u128),
        U256::MAX,
    ];
    let places = [
        (6, 6),
        (8, 6),
        (18, 2),
        (18, 3),
        (18, 6),
        (18, 18),
        (27, 2),
        (0, 0),
    ];
    let each = amounts
        .iter()
        .flat_map(|amount| places.map(|(decimals, places)| (*amount, decimals, places)));
    each.map(|(amount, decimals, places)| {
        let shown = decimal_down(amount, decimals, places);
        json!({"amount": text(amount), "decimals": decimals, "places": places, "text": shown})
    })
    .collect()
}

/// What somebody writes into a field, of an asset with six decimals of which there is so much.
fn fields() -> Vec<Value> {
    let there_is = U256::from(1_234_567_u64);
    let texts = [
        "75.5",
        "max",
        "ALL",
        "10%",
        "0.01%",
        "100%",
        "33.33%",
        "101%",
        "1.001%",
        "%",
        "5 %",
        "0.0000001",
    ];
    texts
        .iter()
        .map(|written| {
            let resolved = written.parse::<Amount>().and_then(|amount| {
                let all = amount == Amount::Max;
                Ok((amount.resolve(6, there_is)?, all))
            });
            match resolved {
                Ok((_, true)) => json!({"text": written, "all": true}),
                Ok((amount, false)) => json!({"text": written, "amount": text(amount)}),
                Err(_) => json!({"text": written, "wrong": true}),
            }
        })
        .collect()
}

fn actions(batch: &Batch) -> Value {
    let each = batch.actions().iter();
    each.map(|action| json!({"verb": action.verb, "args": hex::encode_prefixed(&action.args)}))
        .collect()
}

fn standing(there: &There) -> Value {
    json!({
        "assetId": there.asset_id,
        "isCoin": there.is_coin,
        "wallet": text(there.wallet),
        "units": text(there.units),
        "supplied": text(there.supplied),
        "owed": text(there.owed),
    })
}

fn plans() -> Vec<Value> {
    let wishes = [
        ("deposit", Wish::Deposit),
        ("supply", Wish::Supply),
        ("redeem", Wish::Redeem),
        ("withdraw", Wish::Withdraw { to: ME }),
        ("borrow", Wish::Borrow { to: Some(ME) }),
        ("repay", Wish::Repay),
        ("mint", Wish::Mint { to: Some(ME) }),
    ];
    let coin = 1_000_000_000_000_000_000_u64;
    let stands = [
        (false, [100, 0, 0, 0]),
        (false, [100, 30, 50, 0]),
        (false, [0, 0, 0, 0]),
        (false, [20_000, 10, 0, 10_000]),
        (false, [10_000, 0, 0, 10_000]),
        (false, [0, 20_000, 5, 10_000]),
        (true, [coin, 0, coin, 0]),
        (true, [5, 0, 0, 0]),
    ];
    let mut rows = Vec::new();
    for (name, wish) in wishes {
        for (is_coin, [wallet, units, supplied, owed]) in stands {
            for written in ["max", "40", "50%"] {
                let stood = There {
                    asset_id: 3,
                    decimals: 0,
                    is_coin,
                    wallet: U256::from(wallet),
                    units: U256::from(units),
                    supplied: U256::from(supplied),
                    owed: U256::from(owed),
                    ..There::default()
                };
                let amount: Amount = written.parse().expect("an amount");
                let (mut batch, mut there) = (Batch::default(), stood);
                let done = plan(&mut batch, wish, &amount, &mut there);
                let lacks = !there.lacking.is_zero() || !there.unheld.is_zero();
                let is_planned = done.is_ok() && !lacks;
                rows.push(json!({
                    "wish": name,
                    "text": written,
                    "there": standing(&stood),
                    "actions": if is_planned { actions(&batch) } else { Value::Null },
                }));
            }
        }
    }
    rows
}

fn way(most: u64, least: u64, exact_out: bool) -> Way {
    Way {
        legs: vec![Leg {
            poolId: 4,
            assetIn: if exact_out { 0 } else { 1 },
            assetOut: if exact_out { 1 } else { 0 },
            exactOut: exact_out,
            amount: U256::from(if exact_out { least } else { most }),
        }],
        bounds: Bounds {
            assetIn: if exact_out { 0 } else { 1 },
            paidMax: U256::from(most),
            assetOut: if exact_out { 1 } else { 0 },
            receivedMin: U256::from(least),
        },
        deadline_ms: 1_700_000_000_000,
    }
}

fn way_told(way: &Way) -> Value {
    let legs = way.legs.iter().map(|leg| {
        json!({"poolId": leg.poolId, "assetIn": leg.assetIn, "assetOut": leg.assetOut, "exactOut": leg.exactOut, "amount": text(leg.amount)})
    });
    let bounds = &way.bounds;
    json!({
        "legs": legs.collect::<Vec<_>>(),
        "bounds": {
            "assetIn": bounds.assetIn,
            "paidMax": text(bounds.paidMax),
            "assetOut": bounds.assetOut,
            "receivedMin": text(bounds.receivedMin),
        },
        "deadlineMs": way.deadline_ms.to_string(),
    })
}

fn levers() -> Vec<Value> {
    let there = |asset_id, units: u64, supplied: u64, owed: u64| There {
        asset_id,
        units: U256::from(units),
        supplied: U256::from(supplied),
        owed: U256::from(owed),
        ..There::default()
    };
    let mut rows = Vec::new();
    let up = way(20_000, 9, false);
    let (long, against) = (there(0, 3, 10, 0), there(1, 0, 0, 0));
    let (mut batch, mut held, mut owed) = (Batch::default(), long, against);
    lever(&mut batch, &mut owed, &mut held, &up);
    rows.push(json!({"kind": "lever", "way": way_told(&up), "actions": actions(&batch)}));
    for (units, supplied, most, whole) in [(2, 22, 12, true), (5, 0, 2, false), (0, 22, 12, false)]
    {
        let down = way(most, 20_003, true);
        let (long, against) = (there(0, units, supplied, 0), there(1, 7, 0, 20_000));
        let (mut batch, mut held, mut owed) = (Batch::default(), long, against);
        unlever(&mut batch, &mut held, &mut owed, &down, whole);
        rows.push(json!({
            "kind": "unlever",
            "way": way_told(&down),
            "long": standing(&long),
            "against": standing(&against),
            "whole": whole,
            "actions": actions(&batch),
        }));
    }
    rows.extend(refinances());
    rows
}

/// A debt, or a collateral, that becomes one of another asset.
fn refinances() -> Vec<Value> {
    let there = |asset_id, units: u64, supplied: u64, owed: u64| There {
        asset_id,
        units: U256::from(units),
        supplied: U256::from(supplied),
        owed: U256::from(owed),
        ..There::default()
    };
    let mut rows = Vec::new();
    for (whole, is_minted) in [(true, false), (false, false), (true, true)] {
        let way = way(12, 20_003, true);
        let (old, new) = (there(1, 7, 0, 20_000), there(0, 0, 0, 3));
        let (mut batch, mut was, mut is) = (Batch::default(), old, new);
        refinance_debt(&mut batch, &mut was, &mut is, &way, whole, is_minted);
        rows.push(json!({
            "kind": "refinance debt",
            "way": way_told(&way),
            "whole": whole,
            "isMinted": is_minted,
            "actions": actions(&batch),
        }));
    }
    for (units, supplied, most, whole) in [
        (2, 22, 12, false),
        (30, 22, 12, false),
        (2, 22, 24, true),
        (24, 0, 24, true),
    ] {
        let way = way(most, 9, false);
        let (old, new) = (there(1, units, supplied, 0), there(0, 4, 0, 0));
        let (mut batch, mut was, mut is) = (Batch::default(), old, new);
        refinance_collateral(&mut batch, &mut was, &mut is, &way, whole);
        rows.push(json!({
            "kind": "refinance collateral",
            "way": way_told(&way),
            "old": standing(&old),
            "whole": whole,
            "actions": actions(&batch),
        }));
    }
    rows
}

fn call() -> Value {
    let mut batch = Batch::default();
    batch.close_all().mint(U256::from(5));
    let call = batch.call(AccountName {
        owner: ME,
        index: 2,
    });
    json!({"actions": actions(&batch), "index": 2, "input": hex::encode_prefixed(&call.input)})
}

#[test]
fn the_page_counts_and_plans_as_the_command_line() {
    let owed = [0_u64, 1, 9_999, 10_000, 20_000, 123_456_789];
    let growth: Vec<_> = owed
        .map(|owed| json!([owed.to_string(), text(owed_with_growth(U256::from(owed)))]))
        .into();
    let golden = json!({
        "madeBy": "CAPSTAN_BLESS=1 cargo nextest run -p capstan-client the_page_counts",
        "me": ME,
        "reads": reads(),
        "shows": shows(),
        "fields": fields(),
        "owedWithGrowth": growth,
        "plans": plans(),
        "levers": levers(),
        "call": call(),
    });
    let expected = format!("{golden:#}\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("CAPSTAN_BLESS").is_some() {
        std::fs::write(&path, &expected).expect("the file can be written");
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stands == expected,
        "{FILE} is stale: CAPSTAN_BLESS=1 cargo nextest run -p capstan-client the_page_counts"
    );
}
