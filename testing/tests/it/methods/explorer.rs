//! Transactions and blocks in words.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use capstan_contracts::{
    account::{
        self,
        IAccount::{AccountRef, Action, executeCall},
        Verb,
    },
    token,
};
use capstan_evm::record::{Access, Sidecar};
use serde_json::{Value, json};

use super::{
    accounts::{COIN, ETHER, action, node_with_collateral, prices},
    node::{Node, Send, quantity},
};

async fn decoded(node: &Node, hash: impl serde::Serialize) -> Value {
    node.ok("capstan_decodeTransaction", json!([hash])).await
}

/// RPC-34
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_told_action_by_action() {
    let node = node_with_collateral().await;
    let owner = node.address(1);
    let close = Action {
        verb: Verb::CloseAll.number(),
        args: Default::default(),
    };
    let unknown = Action {
        verb: 999,
        args: Default::default(),
    };
    let execute = |actions| executeCall {
        account: AccountRef { owner, index: 0 },
        actions,
    };
    let batch = execute(vec![
        action(Verb::Deposit, COIN, 3 * ETHER / 2),
        Action {
            args: alloy_sol_types::SolValue::abi_encode(&account::AssetAmount {
                assetId: COIN,
                amount: U256::MAX,
            })
            .into(),
            ..action(Verb::Supply, COIN, 0)
        },
        close,
    ]);
    let send = |input: Vec<u8>| Send::to(1, account::ADDRESS).input(input).gas(3_000_000);
    let hash = node.send(send(batch.abi_encode()));
    let waiting = decoded(&node, hash).await;
    assert!(waiting["done"].is_null());
    let fails = node.send(send(execute(vec![unknown]).abi_encode()));
    node.mine().await;

    let told = decoded(&node, hash).await;
    assert_eq!(told["title"], "deposit 1.5 ETH, supply all ETH, closeAll");
    assert_eq!(told["title"], waiting["title"]);
    assert_eq!(
        (&told["toName"], &told["isSystem"]),
        (&json!("account"), &json!(false))
    );
    let parts = told["parts"].as_array().expect("parts");
    assert_eq!((parts.len(), &told["partCount"]), (3, &json!(3)));
    assert_eq!(parts[0]["args"][0]["text"], "ETH");
    assert_eq!(
        parts[0]["args"][1]["value"],
        json!((3 * ETHER / 2).to_string())
    );
    assert_eq!(parts[0]["args"][1]["text"], "1.5 ETH");
    let done = &told["done"];
    assert_eq!(done["isSuccess"], true);
    assert_eq!(quantity(&done["blockNumber"]), node.chain.head().number());
    let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(done["gasUsed"], receipt["gasUsed"]);
    let events = done["events"].as_array().expect("events");
    let logs = receipt["logs"].as_array().expect("logs");
    assert_eq!(
        (events.len(), quantity(&done["eventCount"])),
        (logs.len(), logs.len() as u64)
    );
    for (event, log) in events.iter().zip(logs) {
        assert_eq!(event["address"], log["address"]);
        assert!(event["name"].is_string(), "{event}");
    }
    let pulled = events.iter().find(|event| event["name"] == "Pulled");
    let credited = pulled.expect("a deposit")["args"]
        .as_array()
        .expect("arguments");
    let credited = credited.iter().find(|arg| arg["name"] == "credited");
    assert_eq!(credited.expect("an amount")["text"], "1.5 ETH");

    let failed = decoded(&node, fails).await;
    assert_eq!(
        (&failed["title"], &failed["done"]["isSuccess"]),
        (&json!("verb 999"), &json!(false))
    );
}

/// RPC-34
#[tokio::test(flavor = "multi_thread")]
async fn the_blocks_own_work_is_told() {
    let node = node_with_collateral().await;
    prices(&node, &[(COIN, 2_010)]).await;
    let block = node.mine().await;
    let told = decoded(&node, block.transactions[0].tx_hash()).await;
    assert_eq!(
        (&told["title"], &told["isSystem"]),
        (&json!("1 price reported"), &json!(true))
    );
    assert_eq!(
        (&told["toName"], &told["call"]["name"]),
        (&json!("system"), &json!("Prices"))
    );
    assert_eq!(told["parts"][0]["title"], "ETH at 2010 USD");
    let accepted = &told["done"]["events"][0];
    assert_eq!(accepted["name"], "PriceAccepted");
    assert_eq!(told["done"]["fee"]["text"], "0");
    let spot = accepted["args"].as_array().expect("arguments").iter();
    let spot = spot.filter(|arg| arg["name"] == "spot");
    assert_eq!(
        spot.map(|arg| arg["text"].clone()).collect::<Vec<_>>(),
        [json!("2010 USD")]
    );

    node.ok("anvil_setBalance", json!([node.address(5), "0x1"]))
        .await;
    let block = node.mine().await;
    let told = decoded(&node, block.transactions[0].tx_hash()).await;
    assert_eq!(told["title"], "a developer sets 1 account");
}

/// RPC-34
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_here_declares_is_told_as_far_as_it_goes() {
    let node = Node::start().await;
    let to = Address::repeat_byte(0xab);
    let coins = node.send(Send::to(1, to).value(ETHER as u64 / 2));
    let call = node.send(Send::to(1, to).input(vec![1, 2, 3, 4, 5]));
    let garbage = node.send(Send::to(1, account::ADDRESS).input(vec![0xff; 7]));
    let tokens = token::ITokenFactory::createTokenCall {
        name: "NAME".into(),
        symbol: "SYM".into(),
        decimals: 6,
        owner: node.address(1),
        grantDelayMs: 0,
    };
    let create = node.send(Send::to(1, token::FACTORY_ADDRESS).input(tokens.abi_encode()));
    node.mine().await;
    for (hash, title) in [
        (coins, format!("send 0.5 ETH to {to}")),
        (call, format!("call 0x01020304 of {to}")),
        (garbage, "call 0xffffffff of account".to_owned()),
        (create, "tokenFactory.createToken".to_owned()),
    ] {
        assert_eq!(decoded(&node, hash).await["title"], json!(title));
    }
    // An emitter of one log without topics.
    let emitter = node.deploy(&[0x60, 0x00, 0x60, 0x00, 0xa0, 0x00]).await;
    let hash = node.send(Send::to(1, emitter));
    node.mine().await;
    let event = &decoded(&node, hash).await["done"]["events"][0];
    assert!(
        event["name"].is_null() && event["contract"].is_null(),
        "{event}"
    );
    let none = decoded(&node, json!(alloy_primitives::B256::ZERO)).await;
    assert!(none.is_null());
}

/// RPC-35
#[tokio::test(flavor = "multi_thread")]
async fn a_record_says_who_wrote_beside_whom() {
    let node = node_with_collateral().await;
    prices(&node, &[(COIN, 2_000)]).await;
    // Two who pay one, and one who pays another.
    let (shared, alone) = (Address::repeat_byte(0xaa), Address::repeat_byte(0xbb));
    node.send(Send::to(1, shared).value(1));
    node.send(Send::to(2, alone).value(1));
    node.send(Send::to(3, shared).value(1));
    let block = node.mine().await;
    let record = node.ok("capstan_record", json!(["latest"])).await;
    assert_eq!(record["hash"], json!(block.hash()));
    let rows = record["transactions"].as_array().expect("rows");
    assert_eq!(rows.len(), block.transactions.len());
    assert_eq!(rows[0]["title"], "1 price reported");
    assert!(quantity(&rows[0]["writtenCount"]) > 0);
    let lane = |to: Address| {
        let rows = rows.iter().filter(move |row| row["to"] == json!(to));
        rows.map(|row| quantity(&row["lane"])).collect::<Vec<_>>()
    };
    assert_eq!(lane(shared).len(), 2);
    assert_eq!(lane(shared)[0], lane(shared)[1]);
    assert_ne!(lane(shared)[0], lane(alone)[0]);
    assert_eq!(
        quantity(&record["laneCount"]),
        3,
        "prices, the shared one, the other"
    );
    let hot = record["hot"].as_array().expect("hot words");
    assert_eq!(hot.len(), 1, "{hot:?}");
    assert_eq!(
        (&hot[0]["address"], &hot[0]["slot"]),
        (&json!(shared), &Value::Null)
    );
    assert_eq!(hot[0]["writerCount"], "0x2");
    let list = node.ok("eth_getBlockAccessList", json!(["latest"])).await;
    let list = list.as_array().expect("a list");
    assert_eq!(quantity(&record["accountCount"]), list.len() as u64);
    assert!(node.ok("capstan_record", json!(["0xffff"])).await.is_null());
}

/// RPC-35
#[tokio::test(flavor = "multi_thread")]
async fn hot_words_of_contracts_have_names() {
    let node = node_with_collateral().await;
    for who in [1, 2] {
        let execute = executeCall {
            account: AccountRef {
                owner: node.address(who),
                index: 0,
            },
            actions: vec![
                action(Verb::Deposit, COIN, ETHER),
                action(Verb::Supply, COIN, ETHER),
            ],
        };
        node.send(
            Send::to(who, account::ADDRESS)
                .input(execute.abi_encode())
                .gas(3_000_000),
        );
    }
    node.mine().await;
    let record = node.ok("capstan_record", json!(["latest"])).await;
    let hot = record["hot"].as_array().expect("hot words");
    let named = hot.iter().filter(|word| word["slot"].is_string());
    let named: Vec<_> = named.collect();
    assert!(!named.is_empty(), "{record}");
    for word in named {
        assert!(
            word["name"].is_string() && word["contract"].is_string(),
            "{word}"
        );
    }
}

/// RPC-40
#[tokio::test(flavor = "multi_thread")]
async fn rpc_40_a_record_says_who_read_and_whom_it_waited_for() {
    let node = node_with_collateral().await;
    let shared = Address::repeat_byte(0xaa);
    // Two who pay one, which only adds; the receiver of a call by two is written by each in turn: a counter.
    let counter = node
        .deploy(&[0x60, 0x01, 0x5f, 0x54, 0x01, 0x5f, 0x55])
        .await;
    node.send(Send::to(1, shared).value(1));
    node.send(Send::to(2, shared).value(1));
    node.send(Send::to(3, counter));
    node.send(Send::to(4, counter));
    node.mine().await;
    let told = node.ok("capstan_record", json!(["latest"])).await;
    let record = &told["record"];
    let rows = told["transactions"].as_array().expect("rows");
    let places = record["places"].as_array().expect("places");
    let sidecar: alloy_primitives::Bytes = decode(&record["sidecar"]);
    let count = usize::try_from(quantity(&record["placeCount"])).expect("small");
    let sidecar = Sidecar::decode(&sidecar, count).expect("the sidecar of the block");
    assert_eq!(sidecar.rows.len(), rows.len());
    let touches: usize = sidecar.rows.iter().map(|row| row.accesses.len()).sum();
    assert_eq!(quantity(&record["touchCount"]), touches as u64);
    // Every touch of the answer is that of the sidecar, by the number that its place has there.
    let by_name = |kind: &Value| match kind.as_str() {
        Some("read") => Access::Read,
        Some("write") => Access::Write,
        Some("delta") => Access::Delta,
        _ => panic!("{kind} is no kind of touch"),
    };
    for (row, made) in rows.iter().zip(&sidecar.rows) {
        let accesses = row["accesses"].as_array().expect("touches");
        let told: Vec<_> = accesses
            .iter()
            .map(|touch| {
                let place =
                    usize::try_from(touch["place"].as_u64().expect("place")).expect("small");
                let number = places[place]["number"].as_u64().expect("a number");
                (
                    u32::try_from(number).expect("small"),
                    by_name(&touch["kind"]),
                )
            })
            .collect();
        assert_eq!(told, made.accesses, "{row}");
        assert_eq!(quantity(&row["gasUsed"]), made.gas);
    }
    let touched = |index: usize, address: Address, slot: Value| {
        let accesses = rows[index]["accesses"].as_array().expect("touches");
        let found = accesses.iter().find(|touch| {
            let place =
                &places[usize::try_from(touch["place"].as_u64().expect("place")).expect("small")];
            place["address"] == json!(address) && place["slot"] == slot
        });
        found
            .unwrap_or_else(|| panic!("{index} did not touch {address}"))
            .clone()
    };
    // In the order of the list, whoever came first.
    let paid: Vec<usize> = of(rows, shared);
    let counted: Vec<usize> = of(rows, counter);
    for (nth, index) in paid.iter().enumerate() {
        let touch = touched(*index, shared, Value::Null);
        assert_eq!(touch["kind"], "delta");
        assert_eq!(quantity(&touch["value"]), nth as u64 + 1, "coins after it");
    }
    for (nth, index) in counted.iter().enumerate() {
        let touch = touched(*index, counter, json!("0x0"));
        assert_eq!(
            (&touch["kind"], quantity(&touch["value"])),
            (&json!("write"), nth as u64 + 1)
        );
        assert_eq!(touched(*index, counter, Value::Null)["kind"], "read");
    }
    let sender: Address = decode(&rows[counted[0]]["from"]);
    let touch = touched(counted[0], sender, Value::Null);
    assert_eq!(touch["kind"], "write");
    assert!(
        touch["nonce"].is_string() && touch["value"].is_string(),
        "{touch}"
    );
    // Adding waits for nobody; the second count waits for the first, at the word.
    for index in &paid {
        assert_eq!(rows[*index]["waitsFor"], json!([]));
    }
    let waits = rows[counted[1]]["waitsFor"].as_array().expect("waits");
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert_eq!(waits[0]["index"], json!(counted[0]));
    let hot = record["hot"].as_array().expect("hot");
    assert_eq!((hot.len(), &hot[0]["place"]), (1, &waits[0]["place"]));
    assert_eq!(
        (&hot[0]["writeCount"], &hot[0]["waitCount"]),
        (&json!("0x2"), &json!("0x1"))
    );
    let path = [counted[0], counted[1]];
    assert_eq!(record["criticalPath"], json!(path));
    let gas = |index: usize| quantity(&rows[index]["gasUsed"]);
    assert_eq!(
        quantity(&record["criticalGas"]),
        gas(path[0]) + gas(path[1])
    );
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row["isCritical"], json!(path.contains(&index)));
        let behind = if index == path[1] { gas(path[0]) } else { 0 };
        assert_eq!(quantity(&row["startGas"]), behind, "{row}");
    }
    let runs = &record["runs"];
    assert_eq!(
        (&runs["runCount"], &runs["transactionCount"]),
        (&json!("0x4"), &json!("0x4"))
    );

    // Touches from a later transaction on; whatever is no block of the chain has none.
    let later = node.ok("capstan_record", json!(["latest", "0x2"])).await;
    let rows_later = later["transactions"].as_array().expect("rows");
    assert!(rows_later[..2].iter().all(|row| row["accesses"].is_null()));
    assert_eq!(
        rows_later[3]["accesses"].as_array().map(Vec::len),
        rows[3]["accesses"].as_array().map(Vec::len)
    );
    let genesis = node.ok("capstan_record", json!(["earliest"])).await;
    assert!(genesis["record"].is_null());

    // The same figures, for the block alone and with its neighbours.
    let block = told["blockNumber"].clone();
    let one = node.ok("capstan_contention", json!([block])).await;
    for figure in ["criticalGas", "largestGas", "parallelismMilli", "projected"] {
        assert_eq!(one[figure], record[figure], "{figure}");
    }
    assert_eq!(one["hot"][0]["address"], json!(counter));
    assert_eq!(one["runs"]["runCount"], "0x4");
    assert_eq!(one["blocks"][0]["hottest"]["slot"], "0x0");
    let range = json!([{"from": "0x1", "to": "latest"}]);
    let all = node.ok("capstan_contention", range.clone()).await;
    assert_eq!(quantity(&all["blockCount"]), quantity(&block));
    assert!(all["next"].is_null() && quantity(&all["criticalGas"]) > quantity(&one["criticalGas"]));
    assert_eq!(
        all,
        node.ok("capstan_contention", range).await,
        "kept, and the same"
    );
}

fn of(rows: &[Value], to: Address) -> Vec<usize> {
    let rows = rows.iter().enumerate();
    rows.filter(|(_, row)| row["to"] == json!(to))
        .map(|(index, _)| index)
        .collect()
}

fn decode<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("a value of the kind")
}

/// RPC-40
#[tokio::test(flavor = "multi_thread")]
async fn rpc_40_hot_fields_of_contracts_are_named() {
    let node = node_with_collateral().await;
    for who in [1, 2] {
        let execute = executeCall {
            account: AccountRef {
                owner: node.address(who),
                index: 0,
            },
            actions: vec![
                action(Verb::Deposit, COIN, ETHER),
                action(Verb::Supply, COIN, ETHER),
            ],
        };
        let call = Send::to(who, account::ADDRESS).input(execute.abi_encode());
        node.send(call.gas(3_000_000));
    }
    node.mine().await;
    let all = node
        .ok(
            "capstan_contention",
            json!([{"from": "0x1", "to": "latest"}]),
        )
        .await;
    let fields = all["fields"].as_array().expect("fields");
    assert!(!fields.is_empty(), "{all}");
    for field in fields {
        assert!(
            field["contract"].is_string() && field["field"].is_string(),
            "{field}"
        );
        assert!(
            quantity(&field["waitCount"]) > 0 && quantity(&field["wordCount"]) > 0,
            "{field}"
        );
    }
    let words = all["hot"].as_array().expect("places");
    let named = words
        .iter()
        .filter(|word| word["contract"].is_string() && word["slot"].is_string());
    for word in named {
        let (field, name) = (
            word["field"].as_str().expect("a field"),
            word["name"].as_str(),
        );
        assert!(name.is_some_and(|name| name.starts_with(field)), "{word}");
    }
    // Which market it is stands in the asset's own word.
    let market = words.iter().find(|word| word["field"] == "markets");
    assert_eq!(market.expect("a market")["which"], "ETH");
}

/// RPC-40: more blocks than one answer holds are told in parts.
#[tokio::test(flavor = "multi_thread")]
async fn rpc_40_long_ranges_are_told_in_parts() {
    let node = node_with_collateral().await;
    node.ok("anvil_mine", json!(["0x404"])).await;
    let ask = async |from: &Value| {
        let range = json!([{"from": from, "to": "latest"}]);
        node.ok("capstan_contention", range).await
    };
    let head = node.ok("eth_blockNumber", json!([])).await;
    let (mut from, mut told) = (json!("0x1"), 0);
    while !from.is_null() {
        let part = ask(&from).await;
        let count = quantity(&part["blockCount"]);
        assert!((1..=1_024).contains(&count), "{count}");
        told += count;
        assert_eq!(part["from"], from);
        from = part["next"].clone();
    }
    assert_eq!(told, quantity(&head));
}

/// RPC-40
#[tokio::test(flavor = "multi_thread")]
async fn rpc_40_ranges_that_cannot_be_told_are_refused() {
    let node = node_with_collateral().await;
    for (asked, words) in [
        (json!([{"from": "0x2", "to": "0x1"}]), "is empty"),
        (json!([{"from": "0x1", "to": "0xffff"}]), "beyond the head"),
        (json!([{"from": "0x1"}]), "missing field `to`"),
        (
            json!([{"from": "0x1", "to": "0x2", "step": 1}]),
            "unknown field",
        ),
    ] {
        node.refuses("capstan_contention", asked, -32602, words)
            .await;
    }
    assert!(
        node.ok("capstan_contention", json!(["0xffff"]))
            .await
            .is_null()
    );
    let nothing = node.ok("capstan_contention", json!(["earliest"])).await;
    assert_eq!(
        (&nothing["gasUsed"], &nothing["parallelismMilli"]),
        (&json!("0x0"), &json!(1_000))
    );
}
