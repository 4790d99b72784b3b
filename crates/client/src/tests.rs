//! Amounts as data, and keys against files that others wrote. Sending is tested on a started node (`bin/capstan/tests`).

mod keys;
mod lever;
mod listing;
mod page;
mod plans;

use alloy_primitives::{Address, U256};
use capstan_units::DecimalError;
use proptest::prelude::*;

use crate::{
    Amount, AmountError, Asked, Asset, AssetName, Assets, ClientError, Fixed, Holding, Report,
};

fn usdc() -> AssetName {
    AssetName::Symbol("usdc".into())
}

#[track_caller]
fn check(text: &str, amount: Amount, asset: AssetName) {
    assert_eq!(text.parse(), Ok(Asked { amount, asset }), "{text}");
}

/// CLI-1
#[test]
fn amounts_as_people_say_them() {
    let units = |text: &str| Amount::Units(text.into());
    check("75.5 usdc", units("75.5"), usdc());
    check("75.5usdc", units("75.5"), usdc());
    check(" 1_000   usdc ", units("1_000"), usdc());
    check("10% usdc", Amount::PartBps(1_000), usdc());
    check("0.01%usdc", Amount::PartBps(1), usdc());
    check("100% usdc", Amount::PartBps(10_000), usdc());
    check("max usdc", Amount::Max, usdc());
    check("ALL usdc", Amount::Max, usdc());
    check("5 1inch", units("5"), AssetName::Symbol("1inch".into()));
    check("5 #3", units("5"), AssetName::Number(3));
    check("5#3", units("5"), AssetName::Number(3));
    let token = Address::repeat_byte(7);
    check(&format!("5 {token}"), units("5"), AssetName::Token(token));
}

/// CLI-1
#[test]
fn what_is_no_amount_is_refused_with_the_reason() {
    let form = |text: &str| {
        let expected = AmountError::Form { text: text.into() };
        assert_eq!(text.parse::<Asked>(), Err(expected), "{text}");
    };
    for text in ["", "usdc", "75.5", "75.5 us dc", "max", "5 #x"] {
        form(text);
    }
    let refused = |text: &str| text.parse::<Asked>().expect_err("wrong").to_string();
    assert!(refused("5, usdc").contains("digits with at most one point"));
    assert!(refused("1.2.3 usdc").contains("digits with at most one point"));
    assert!(refused("101% usdc").contains("more than all of it"));
    assert!(refused("1.001% usdc").contains("only 2 are counted"));
}

/// CLI-1
#[test]
fn amounts_become_smallest_units() {
    let resolve = |text: &str, decimals, there_is: u64| {
        let amount: Amount = text.parse().expect("an amount");
        amount.resolve(decimals, U256::from(there_is))
    };
    assert_eq!(resolve("75.5", 6, 0), Ok(U256::from(75_500_000)));
    assert_eq!(resolve("33%", 6, 10), Ok(U256::from(3)));
    assert_eq!(resolve("100%", 6, 10), Ok(U256::from(10)));
    assert_eq!(resolve("max", 6, 10), Ok(U256::MAX));
    let too_fine = DecimalError::TooFine {
        digits: 7,
        decimals: 6,
    };
    let expected = AmountError::Number {
        text: "0.0000001".into(),
        why: too_fine,
    };
    assert_eq!(resolve("0.0000001", 6, 0), Err(expected));
    assert!(resolve(&"9".repeat(78), 0, 0).is_err());
}

/// CLI-2
#[test]
fn names_of_assets_are_never_guessed() {
    let asset = |id, symbol: &str| Asset {
        id,
        symbol: symbol.into(),
        token: Address::with_last_byte(id as u8 + 1),
        decimals: 6,
        is_foreign: false,
    };
    let assets = Assets::from_list(vec![asset(0, "USDC"), asset(1, "ETH"), asset(2, "eth")]);
    let id = |name: &str| {
        let name: AssetName = name.parse().expect("a name");
        assets.find(&name).map(|asset| asset.id)
    };
    assert_eq!(id("usdc").expect("one"), 0);
    assert_eq!(id("#2").expect("one"), 2);
    assert_eq!(id(&Address::with_last_byte(2).to_string()).expect("one"), 1);
    let twice = id("Eth").expect_err("two");
    assert!(
        matches!(twice, ClientError::AmbiguousAsset { .. }) && twice.to_string().contains("#1, #2")
    );
    let none = id("dai").expect_err("none").to_string();
    assert!(
        none.contains("dai") && none.contains("USDC, ETH, eth"),
        "{none}"
    );
}

proptest! {
    /// CLI-1
    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        if let Ok(asked) = text.parse::<Asked>() {
            let _ = asked.amount.resolve(6, U256::MAX);
        }
    }

    /// CLI-1: a part is never more than there is.
    #[test]
    fn parts_are_parts(bps in 0..=10_000_u32, limbs: [u64; 4]) {
        let whole = U256::from_limbs(limbs);
        prop_assert!(Amount::PartBps(bps).resolve(18, whole).expect("a part") <= whole);
    }
}

/// Numbers for people are rounded to the nearest; bounds are cut.
#[test]
fn numbers_that_people_read_are_rounded() {
    let fixed = |amount: u64, decimals: u8| Fixed {
        amount: U256::from(amount),
        decimals,
        text: String::new(),
    };
    let supplied = fixed(1_999_999_999_999_999_999, 18);
    assert_eq!(
        (supplied.near(6), supplied.short(6)),
        ("2".into(), "1.999999".into())
    );
    assert_eq!(fixed(1_807_228_915, 6).near(2), "1807.23");
    assert_eq!(fixed(4, 1).near(0), "0");
    assert_eq!(fixed(5, 1).near(0), "1");
    assert_eq!(fixed(7, 0).near(6), "7");
    assert_eq!(fixed(39_996, 6).percent(), "4 %");
    let most = Fixed {
        amount: U256::MAX,
        decimals: 18,
        text: String::new(),
    };
    assert!(most.near(2).len() > 50, "{}", most.near(2));
}

/// CLI-21: a short is liquidated when what it owes rises.
#[test]
fn cli_21_a_debt_has_a_price_above_which_it_is_liquidated() {
    let fixed = |amount: &str, decimals: u8| serde_json::json!({"amount": parse(amount, decimals), "decimals": decimals, "text": amount});
    let holding = |units: &str, owed: &str, owed_value: &str| -> Holding {
        serde_json::from_value(serde_json::json!({
            "assetId": 0, "symbol": "ETH", "decimals": 18, "units": fixed(units, 18), "supplied": fixed("0", 18),
            "owed": fixed(owed, 18), "heldValue": fixed("0", 18), "owedValue": fixed(owed_value, 18),
            "liquidationPrice": null, "earnsPerDay": fixed("0", 18), "costsPerDay": fixed("0", 18),
        }))
        .expect("a holding")
    };
    let report = |debt: &str, health: Option<&str>| -> Report {
        serde_json::from_value(serde_json::json!({
            "collateral": fixed("20000", 18), "borrowable": fixed("18000", 18), "debt": fixed(debt, 18),
            "healthInitial": null, "healthMaintenance": health.map(|health| fixed(health, 18)),
            "roomToFallBps": 0, "costPerDay": fixed("0", 18),
        }))
        .expect("a report")
    };
    let at = |holding: &Holding, report: &Report| {
        holding.liquidated_above(report).map(|price| price.text)
    };
    // 4 ether at 3,000 owed, health 1.5: what carries 18,000 dollars carries 4 ether at 4,500.
    let short = holding("0", "4", "12000");
    assert_eq!(
        at(&short, &report("12000", Some("1.5"))),
        Some("4500".into())
    );
    // 6,000 dollars of something else are owed as well: 27,000 less 6,000, for 4 ether.
    assert_eq!(
        at(&short, &report("18000", Some("1.5"))),
        Some("5250".into())
    );
    assert_eq!(at(&short, &report("12000", None)), None);
    assert_eq!(
        at(&holding("0", "0", "0"), &report("12000", Some("1.5"))),
        None
    );
    assert_eq!(
        at(&holding("1", "4", "12000"), &report("12000", Some("1.5"))),
        None,
        "held and owed"
    );
}

fn parse(text: &str, decimals: u8) -> U256 {
    capstan_units::parse_decimal(text, decimals).expect("a number")
}
