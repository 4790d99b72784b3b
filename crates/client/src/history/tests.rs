use alloy_primitives::{Address, B256, U64, U256};

use super::{Happening, HappeningArg};
use crate::{Asset, Assets};

fn assets() -> Assets {
    let asset = |id, symbol: &str, decimals| Asset {
        id,
        symbol: symbol.to_owned(),
        token: Address::ZERO,
        decimals,
        is_foreign: false,
    };
    Assets::from_list(vec![asset(0, "ETH", 18), asset(1, "USDC", 6)])
}

fn check(event: &str, args: &[(&str, &str)], words: &str) {
    check_of("account", event, args, words);
}

fn check_of(contract: &str, event: &str, args: &[(&str, &str)], words: &str) {
    let arg = |(name, value): &(&str, &str)| HappeningArg {
        name: (*name).to_owned(),
        kind: "uint256".to_owned(),
        value: (*value).to_owned(),
    };
    let happened = Happening {
        block_number: U64::from(1),
        timestamp: U64::from(2),
        transaction_hash: B256::ZERO,
        contract: contract.to_owned(),
        event: event.to_owned(),
        args: args.iter().map(arg).collect(),
        about: String::new(),
    };
    assert_eq!(happened.words(&assets()), words);
}

#[test]
fn events_are_told_in_units_of_their_assets() {
    check(
        "Supplied",
        &[
            ("assetId", "0"),
            ("owner", "0x01"),
            ("index", "0"),
            ("assets", "2500000000000000000"),
            ("shares", "2499999999999999999"),
        ],
        "Supplied  2.5 ETH",
    );
    check(
        "LiquidationStep",
        &[
            ("id", "65536"),
            ("debtAssetId", "1"),
            ("paid", "1500000"),
            ("collateralAssetId", "0"),
            ("taken", "1"),
            ("discountBps", "50"),
        ],
        "LiquidationStep  id 65536, paid 1.5 USDC, taken 0 ETH, discountBps 50",
    );
    check(
        "Executed",
        &[("verbs", "[1, 3, 999]")],
        "Executed  deposit, supply, 999",
    );
}

#[test]
fn health_and_what_no_table_knows() {
    check(
        "Liquidated",
        &[
            ("healthBefore", "987654321000000000"),
            ("healthAfter", &U256::MAX.to_string()),
        ],
        "Liquidated  healthBefore 0.987, healthAfter without debt",
    );
    check(
        "Supplied",
        &[("assetId", "7"), ("assets", "12")],
        "Supplied  assets 12",
    );
    check("OfferClosed", &[("owner", "0x01")], "OfferClosed");
}

#[test]
fn dollars_are_dollars_beside_the_goods_that_pay_them() {
    check_of(
        "dollar",
        "Redeemed",
        &[
            ("assetId", "0"),
            ("amount", "2000000000000000000000"),
            ("fee", "10000000000000000000"),
            ("goods", "995000000000000000"),
        ],
        "Redeemed  2000 usd, fee 10 usd, goods 0.995 ETH",
    );
    check_of(
        "dollar",
        "Minted",
        &[
            ("owner", "0x01"),
            ("index", "0"),
            ("amount", "1500000000000000000"),
        ],
        "Minted  1.5 usd",
    );
}

#[test]
fn who_acts_is_told_if_it_is_somebody_else() {
    let executed = |caller| [("owner", "0x01"), ("caller", caller), ("verbs", "[1]")];
    check("Executed", &executed("0x01"), "Executed  deposit");
    check(
        "Executed",
        &executed("0x02"),
        "Executed  caller 0x02, deposit",
    );
}

#[test]
fn orders_tell_their_prices() {
    check_of(
        "triggers",
        "TriggerFired",
        &[
            ("id", "3"),
            ("owner", "0x01"),
            ("index", "0"),
            ("sellPrice", "1950500000000000000000"),
            ("sold", "2000000000000000000"),
            ("healthAfter", "1660000000000000000"),
        ],
        "TriggerFired  id 3, sellPrice 1950.5 USD, healthAfter 1.66",
    );
}
