use serde_json::json;

use super::{told::Told, *};

fn record() -> Record {
    let shared = "0x00000000000000000000000000000000000000aa";
    let row = |index: u64, core: u64, start: &str, waits: Value, critical: bool| {
        json!({
            "index": format!("{index:#x}"), "title": "send <1> & more", "gasUsed": "0x5208",
            "core": core, "startGas": start, "isCritical": critical, "waitsFor": waits,
        })
    };
    let answer = json!({
        "blockNumber": "0x7",
        "transactions": [
            row(0, 0, "0x0", json!([]), true),
            row(1, 1, "0x0", json!([]), false),
            row(2, 0, "0x5208", json!([{"index": 0, "place": 0}]), true),
        ],
        "record": {
            "criticalGas": "0xa410", "parallelismMilli": 1_500, "scheduleCores": 16,
            "places": [{"number": 3, "address": shared, "contract": "lending", "slot": "0x1", "field": "markets", "name": "markets[3]", "which": "ETH"}],
            "hot": [{"place": 0, "waitCount": "0x1"}],
        },
    });
    serde_json::from_value(answer).expect("a record")
}

#[test]
fn lanes_are_drawn_and_hot_places_named_once() {
    let drawn = svg_of(&record());
    assert_eq!(drawn.matches("<title>").count(), 3, "{drawn}");
    assert_eq!(drawn.matches("lending.markets[3]").count(), 1);
    assert_eq!(
        drawn.matches("stroke-width").count(),
        3,
        "the critical path is framed, and it says so"
    );
    // A colour that no bar has is not explained.
    assert!(drawn.contains("waits for nobody") && !drawn.contains("another place"));
    assert!(
        drawn.contains("waits at lending.markets[3] (ETH) (1 transaction)"),
        "{drawn}"
    );
    assert!(drawn.contains("projection from gas, not a measurement"));
    assert!(drawn.contains("send &lt;1&gt; &amp; more") && !drawn.contains("<1>"));
    assert!(drawn.contains("critical path 42000 gas, parallelism 1.50x"));
    let mut table = crate::table::Table::new(["place"]);
    table.row(["a < b".to_owned()]);
    let told = Told {
        lines: vec!["c > d".to_owned()],
        tables: vec![("e & f", table)],
    };
    let page = draw::html(&record(), &told);
    assert!(page.contains(&drawn));
    for part in [
        "<p>c &gt; d</p>",
        "<h2>e &amp; f</h2>",
        "<th>place</th>",
        "<td>a &lt; b</td>",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
}

fn svg_of(record: &Record) -> String {
    draw::svg(record)
}

#[test]
fn a_block_without_a_record_says_so() {
    let gone = Record {
        record: None,
        ..record()
    };
    assert!(svg_of(&gone).contains("no longer kept"));
}

#[test]
fn the_table_says_what_is_projected_and_what_measured() {
    let touches = json!({"blockCount": "0x1", "readCount": "0x0", "writeCount": "0x2", "deltaCount": "0x0", "waitCount": "0x1"});
    let mut hot = touches.clone();
    hot["address"] = json!("0x00000000000000000000000000000000000000aa");
    hot["slot"] = json!("0x10");
    let mut packed = hot.clone();
    packed["contract"] = json!("exchange");
    packed["name"] = json!("configs[4].{curve, coin_count, fee_pips, amplification}");
    packed["which"] = json!("ETH/USDC");
    let mut field = touches;
    field["contract"] = json!("lending");
    field["field"] = json!("markets");
    field["wordCount"] = json!("0x1");
    let found: Contention = serde_json::from_value(json!({
        "from": "0x1", "to": "0x4", "next": "0x5", "transactionCount": "0x3", "gasUsed": "0xf618",
        "criticalGas": "0xa410", "parallelismMilli": 1_500,
        "projected": [{"cores": 2, "produceMilli": 1_500, "verifyMilli": 1_999}],
        "runs": {"blockCount": "0x4", "transactionCount": "0x3", "runCount": "0x4", "inVainCount": "0x1"},
        "hot": [hot, packed], "fields": [field], "blocks": [],
    }))
    .expect("an answer");
    let text = told(&found).to_string();
    let somebody = alloy_primitives::Address::with_last_byte(0xaa);
    let word = format!("{somebody} slot 0x10");
    for part in [
        "blocks 1 to 4: 3 transactions, 63000 gas",
        "parallelism: 1.50x",
        "runs, measured: 4 runs of 3 users' transactions in 4 blocks that this node built; 1 of the runs in vain",
        "PROJECTED from gas, not measured",
        "2          1.50x      1.99x",
        &word,
        "exchange.configs[4].{curve, coin_count, fee_pips, …} (ETH/USDC)",
        "lending.markets",
        "go on with --from 5",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn of_nothing_nothing_is_told() {
    let found: Contention = serde_json::from_value(json!({
        "from": "0x4", "to": "0x4", "next": null, "transactionCount": "0x0", "gasUsed": "0x0",
        "criticalGas": "0x0", "parallelismMilli": 1_000, "projected": [], "runs": null,
        "hot": [], "fields": [], "blocks": [],
    }))
    .expect("an answer");
    assert_eq!(
        told(&found).to_string(),
        "block 4: 0 transactions, 0 gas\nnothing ran, so nobody waited\n"
    );
}
