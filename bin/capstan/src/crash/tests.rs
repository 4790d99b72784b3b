use super::*;

fn fixed(value: u64) -> Value {
    let amount = U256::from(value) * U256::from(10).pow(U256::from(18));
    json!({"amount": amount, "decimals": 18, "text": value.to_string()})
}

/// A liquidation of an account, with its penalty and that of the other rule; without a sale it was set off.
fn told(index: u8, penalties: Option<(u64, u64)>) -> Explained {
    let aave = |penalty: u64| {
        json!({
            "closeFactorBps": 5_000, "bonusBps": 500, "paidValue": fixed(1), "takenValue": fixed(1), "penalty": fixed(penalty),
        })
    };
    let compared = penalties.map(|(ours, theirs)| {
        json!({"paidValue": fixed(1), "takenValue": fixed(1), "penalty": fixed(ours), "aave": aave(theirs)})
    });
    let venue = if penalties.is_some() {
        "exchange"
    } else {
        "netting"
    };
    let step = json!({
        "venue": venue, "debtAssetId": 1, "paid": fixed(2), "collateralAssetId": 0, "taken": fixed(2),
        "toReserve": fixed(if penalties.is_some() { 3 } else { 0 }), "discountBps": 100,
    });
    let whole = json!({
        "id": "0x1", "blockNumber": "0x1", "owner": Address::ZERO, "index": index, "healthBefore": fixed(1),
        "healthAfter": null, "steps": [step], "losses": [], "compared": compared,
    });
    serde_json::from_value(whole).expect("a liquidation")
}

/// Like is compared with like: the first sale of each account, here and there.
#[test]
fn penalties_are_compared_sale_by_sale() {
    let of = |all: &[Explained]| Penalties::of(all.iter()).map(|sum| sum.lines());
    let once = [told(0, Some((10, 40))), told(1, Some((5, 30)))];
    assert_eq!(
        of(&once).expect("sales"),
        ["penalties 15 USD; Aave's rule would have taken 70 USD"]
    );
    let again = [
        told(0, Some((10, 40))),
        told(0, Some((7, 20))),
        told(1, None),
    ];
    assert_eq!(
        of(&again).expect("sales"),
        [
            "penalties 17 USD in all",
            "first sale of each account: 10 USD here, 40 USD by Aave's rule"
        ]
    );
    assert_eq!(of(&[told(0, None)]), None);
}

/// What is set off is no liquidation, and what the reserve keeps has its unit.
#[test]
fn each_line_says_what_it_counts() {
    let assets = Assets::default();
    let set_off = told(0, None);
    assert!(set_off.is_set_off());
    let lines = set_off.lines(&assets).join("\n");
    assert!(lines.starts_with("setting off 1 in block 1"), "{lines}");
    assert!(
        lines.contains("set off   2 #0 that it had, against as much of its debt"),
        "{lines}"
    );
    let sold = told(0, Some((10, 40)));
    assert!(!sold.is_set_off());
    let lines = sold.lines(&assets).join("\n");
    assert!(lines.contains("sold      2 #0 for 2 #1 of debt"), "{lines}");
    assert!(lines.contains("3 #0 more went to the reserve"), "{lines}");
}
