//! JSON-RPC itself: what is answered to what.

use capstan_rpc::Limits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::node::Node;

/// One body: the code that it is answered with (0 for a result).
async fn check(node: &Node, body: &str, code: i64) {
    let answer = node.json(body).await;
    assert_eq!(answer["jsonrpc"], "2.0", "{body}");
    assert_eq!(
        answer["error"]["code"].as_i64().unwrap_or(0),
        code,
        "{body}: {answer}"
    );
}

/// RPC-1
#[tokio::test(flavor = "multi_thread")]
async fn rpc_1_every_mistake_has_its_code() {
    let node = Node::start().await;
    check(
        &node,
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#,
        0,
    )
    .await;
    check(
        &node,
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#,
        0,
    )
    .await;
    check(
        &node,
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":null}"#,
        0,
    )
    .await;
    check(&node, "{", -32700).await;
    check(&node, "", -32700).await;
    check(&node, "\u{0}", -32700).await;
    check(&node, "7", -32600).await;
    check(&node, "[]", -32600).await;
    check(&node, r#"{"id":1,"method":"eth_chainId"}"#, -32600).await;
    check(
        &node,
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_unknown"}"#,
        -32601,
    )
    .await;
    check(
        &node,
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[1]}"#,
        -32602,
    )
    .await;
    check(
        &node,
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{}}"#,
        -32602,
    )
    .await;
    check(
        &node,
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":"x"}"#,
        -32602,
    )
    .await;
    let fault = node.fault("eth_unknown", json!([])).await;
    assert_eq!(
        fault.message,
        "the method eth_unknown does not exist/is not available"
    );
    let (status, text) = node.post(vec![0xff, 0xfe, b'{']).await;
    assert_eq!(status, 200);
    assert!(text.contains("-32700"), "{text}");
}

/// RPC-5
#[tokio::test(flavor = "multi_thread")]
async fn rpc_5_a_wrong_argument_is_named() {
    let node = Node::start().await;
    let missing = "missing value for required argument 0 (address)";
    node.refuses("eth_getBalance", json!([]), -32602, missing)
        .await;
    node.refuses("eth_getBalance", json!([null]), -32602, missing)
        .await;
    node.refuses(
        "eth_getBalance",
        json!(["0x12"]),
        -32602,
        "invalid argument 0 (address)",
    )
    .await;
    let address = node.account(0);
    node.refuses(
        "eth_getBalance",
        json!([address, "newest"]),
        -32602,
        "argument 1 (block)",
    )
    .await;
    node.refuses(
        "eth_getBalance",
        json!([address, "latest", 1]),
        -32602,
        "want at most 2",
    )
    .await;
    node.refuses(
        "web3_sha3",
        json!(["0x1"]),
        -32602,
        "invalid argument 0 (data)",
    )
    .await;
    // What the caller sent comes back shortened, if at all.
    let long = "x".repeat(1 << 20);
    let fault = node.fault("eth_getBalance", json!([long])).await;
    assert!(fault.message.len() < 500, "{} bytes", fault.message.len());
    let fault = node.fault(&long, json!([])).await;
    assert!(fault.message.len() < 500, "{} bytes", fault.message.len());
}

/// RPC-2
#[tokio::test(flavor = "multi_thread")]
async fn rpc_2_notifications_are_not_answered() {
    let node = Node::start().await;
    let notification = r#"{"jsonrpc":"2.0","method":"eth_chainId"}"#;
    assert_eq!(node.post(notification).await, (204, String::new()));
    let both = format!("[{notification},{notification}]");
    assert_eq!(node.post(both).await, (204, String::new()));
    let mixed = format!(r#"[{notification},{{"jsonrpc":"2.0","id":"a","method":"net_version"}}]"#);
    assert_eq!(
        node.json(&mixed).await,
        json!([{"jsonrpc":"2.0","id":"a","result":"31337"}])
    );
}

/// RPC-3
#[tokio::test(flavor = "multi_thread")]
async fn rpc_3_batches_answer_in_order() {
    let node = Node::start().await;
    let methods = [
        "eth_chainId",
        "eth_getBalance",
        "nonsense",
        "eth_blockNumber",
        "web3_sha3",
    ];
    let entries: Vec<Value> = (0..500)
        .map(|id| {
            let method = methods[id % methods.len()];
            let params = match method {
                "eth_getBalance" => json!([node.account(0), "latest"]),
                "web3_sha3" => json!(["0x"]),
                _ => json!([]),
            };
            json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        })
        .chain([json!(1)])
        .collect();
    let answers = node.json(&Value::from(entries).to_string()).await;
    let answers = answers.as_array().expect("a batch").clone();
    assert_eq!(answers.len(), 501);
    for (id, answer) in answers[..500].iter().enumerate() {
        assert_eq!(answer["id"], id);
        assert_eq!(
            answer["error"]["code"].as_i64(),
            (id % 5 == 2).then_some(-32601)
        );
    }
    assert_eq!(answers[500]["error"]["code"], -32600);
    assert_eq!(answers[500]["id"], Value::Null);
    let too_many = format!("[{}1]", "1,".repeat(1_000));
    check(&node, &too_many, -32600).await;
}

/// RPC-4
#[tokio::test(flavor = "multi_thread")]
async fn rpc_4_a_writing_entry_keeps_its_place() {
    let node = Node::start().await;
    let entry = |id: u64, method: &str, params: Value| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    let mut entries = Vec::new();
    for height in 0..20_u64 {
        entries.push(entry(2 * height, "eth_blockNumber", json!([])));
        entries.push(entry(2 * height + 1, "evm_mine", json!([])));
    }
    let answers = node.json(&Value::from(entries).to_string()).await;
    for height in 0..20_usize {
        assert_eq!(answers[2 * height]["result"], format!("{height:#x}"));
    }
}

/// RPC-7
#[tokio::test(flavor = "multi_thread")]
async fn rpc_7_limits_hold() {
    let limits = Limits {
        body_bytes_max: 1 << 20,
        response_bytes_max: 100_000,
        batch_entries_max: 10,
        filters_max: 3,
        ..Limits::default()
    };
    let node = Node::limited(limits).await;
    let (status, text) = node.post(vec![b' '; (1 << 20) + 1]).await;
    assert_eq!(status, 413);
    assert!(text.contains("1048576 bytes"), "{text}");
    assert!(endless_body(&node).await.starts_with("HTTP/1.1 413"));
    // An answer within the limit passes; a batch may use it once, not once for each entry.
    let code = format!("0x{}", "ab".repeat(20_000));
    node.ok("anvil_setCode", json!([node.account(4), code]))
        .await;
    assert_eq!(
        node.ok("eth_getCode", json!([node.account(4), "latest"]))
            .await,
        code
    );
    let get =
        json!({"jsonrpc":"2.0","id":1,"method":"eth_getCode","params":[node.account(4), "latest"]});
    let answers = node.json(&Value::from(vec![get; 5]).to_string()).await;
    let errors: Vec<i64> = answers
        .as_array()
        .expect("a batch")
        .iter()
        .filter_map(|a| a["error"]["code"].as_i64())
        .collect();
    assert!(
        (1..5).contains(&errors.len()) && errors.iter().all(|code| *code == -32003),
        "{errors:?}"
    );
    for _ in 0..3 {
        node.ok("eth_newBlockFilter", json!([])).await;
    }
    node.refuses(
        "eth_newBlockFilter",
        json!([]),
        -32005,
        "too many filters: 3",
    )
    .await;
}

/// Sends chunks without a declared length until the server answers; answers what it says.
async fn endless_body(node: &Node) -> String {
    let mut stream = tokio::net::TcpStream::connect(node.address)
        .await
        .expect("connected");
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(1 << 16));
    let mut answer = vec![0; 512];
    // A hundred chunks are six times the limit: the answer comes while they are sent.
    for _ in 0..100 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let length = stream.read(&mut answer).await.unwrap_or(0);
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_too_long_is_told_so() {
    let call_time_max = std::time::Duration::from_millis(1);
    let node = Node::limited(Limits {
        call_time_max,
        ..Limits::default()
    })
    .await;
    node.refuses(
        "hardhat_mine",
        json!([5_000]),
        -32002,
        "the limit per call is 1 ms",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_hashes() {
    let node = Node::start().await;
    let version = node.ok("web3_clientVersion", json!([])).await;
    assert!(
        version
            .as_str()
            .is_some_and(|text| text.starts_with("Capstan/v")),
        "{version}"
    );
    let empty = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
    assert_eq!(node.ok("web3_sha3", json!(["0x"])).await, empty);
    assert_eq!(node.ok("net_version", json!([])).await, "31337");
    assert_eq!(node.ok("net_listening", json!([])).await, true);
    assert_eq!(node.ok("net_peerCount", json!([])).await, "0x0");
    assert_eq!(node.ok("eth_syncing", json!([])).await, false);
}
