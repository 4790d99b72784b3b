//! Amounts as data, and keys against files that others wrote. Sending is tested on a started node (`bin/capstan/tests`).

mod keys;
mod lever;
mod listing;
mod page;
mod plans;

use alloy_primitives::{Address, U256};
use capstan_units::DecimalError;
use proptest::prelude::*;

use crate::{Amount, AmountError, Asked, Asset, AssetName, Assets, ClientError};

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
