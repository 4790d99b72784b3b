//! WebSocket: calls and subscriptions.

use std::time::Duration;

use capstan_rpc::Limits;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};
use tokio_tungstenite::tungstenite::Message;

use super::node::{Node, PATIENCE, quantity};

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_batches_over_a_socket() {
    let node = Node::start().await;
    let mut socket = node.socket().await;
    assert_eq!(socket.ok("eth_chainId", json!([])).await, "0x7a69");
    let batch = r#"[{"jsonrpc":"2.0","id":9,"method":"net_version"},{"jsonrpc":"2.0","id":8,"method":"x"}]"#;
    for message in [
        Message::text(batch),
        Message::binary(batch.as_bytes().to_vec()),
    ] {
        socket.stream.send(message).await.expect("sent");
        let answer = socket.receive().await;
        assert_eq!(
            (&answer[0]["result"], &answer[1]["error"]["code"]),
            (&"31337".into(), &(-32601).into())
        );
    }
    socket.stream.send(Message::text("{")).await.expect("sent");
    assert_eq!(socket.receive().await["error"]["code"], -32700);
    // A notification is not answered: the next answer is that of the next call.
    let notification = r#"{"jsonrpc":"2.0","method":"eth_chainId"}"#;
    socket
        .stream
        .send(Message::text(notification))
        .await
        .expect("sent");
    assert_eq!(socket.ok("net_version", json!([])).await, "31337");
}

/// RPC-11
#[tokio::test(flavor = "multi_thread")]
async fn rpc_11_heads_follow_the_answer_that_names_them() {
    let node = Node::start().await;
    let mut socket = node.socket().await;
    let heads = socket.ok("eth_subscribe", json!(["newHeads"])).await;
    for height in 1..=5_u64 {
        let block = node.mine().await;
        let head = socket.notification(&heads).await;
        assert_eq!(head["number"], format!("{height:#x}"));
        assert_eq!(head["hash"], block.hash().to_string());
        assert_eq!(head["parentHash"], block.header.parent_hash.to_string());
    }
    assert_eq!(socket.ok("eth_unsubscribe", json!([heads])).await, true);
    assert_eq!(socket.ok("eth_unsubscribe", json!([heads])).await, false);
    // Nobody else can end a subscription, or guess one.
    let second = socket.ok("eth_subscribe", json!(["newHeads"])).await;
    assert_ne!(heads, second);
    let mut other = node.socket().await;
    assert_eq!(other.ok("eth_unsubscribe", json!([second])).await, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_transactions_and_syncing() {
    let node = Node::start().await;
    let mut socket = node.socket().await;
    let syncing = socket.ok("eth_subscribe", json!(["syncing"])).await;
    assert_eq!(socket.notification(&syncing).await, false);
    let hashes = socket
        .ok("eth_subscribe", json!(["newPendingTransactions"]))
        .await;
    let whole = socket
        .ok("eth_subscribe", json!(["newPendingTransactions", true]))
        .await;
    let hash = socket
        .ok("eth_sendRawTransaction", json!([node.transfer(0, 0)]))
        .await;
    assert_eq!(socket.notification(&hashes).await, hash);
    let transaction = socket.notification(&whole).await;
    assert_eq!(transaction["hash"], hash);
    assert_eq!(transaction["from"], json!(node.account(0)));
    assert_eq!(transaction["blockHash"], Value::Null);
}

/// RPC-13
#[tokio::test(flavor = "multi_thread")]
async fn rpc_13_logs_come_and_are_taken_back() {
    let node = Node::start().await;
    let emitter = super::filters::emitter(&node).await;
    let mut socket = node.socket().await;
    let all = socket.ok("eth_subscribe", json!(["logs"])).await;
    let mine = socket
        .ok(
            "eth_subscribe",
            json!(["logs", {"address": emitter, "topics": [null]}]),
        )
        .await;
    let topic = format!("{:#066x}", 1);
    let other = socket
        .ok("eth_subscribe", json!(["logs", {"topics": [topic]}]))
        .await;
    let snapshot = node.ok("evm_snapshot", json!([])).await;
    super::filters::emit(&node, &emitter).await;
    let log = socket.notification(&mine).await;
    assert_eq!(log["address"], emitter);
    assert_eq!(log["removed"], false);
    assert_eq!(socket.notification(&all).await, log);
    assert_eq!(node.ok("evm_revert", json!([snapshot])).await, true);
    let gone = socket.notification(&mine).await;
    assert_eq!(gone["removed"], true);
    assert_eq!(gone["transactionHash"], log["transactionHash"]);
    // The third topic never matched.
    let quiet = tokio::time::timeout(Duration::from_millis(200), socket.notification(&other)).await;
    assert!(quiet.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_bounded_and_checked() {
    let limits = Limits {
        subscriptions_per_connection_max: 2,
        ..Limits::default()
    };
    let node = Node::limited(limits).await;
    node.refuses("eth_subscribe", json!(["newHeads"]), -32004, "WebSocket")
        .await;
    let mut socket = node.socket().await;
    let fault = socket
        .call("eth_subscribe", json!(["weather"]))
        .await
        .expect_err("unknown");
    assert!(
        fault.message.starts_with("no \"weather\" subscription"),
        "{fault:?}"
    );
    let fault = socket
        .call("eth_subscribe", json!(["logs", {"topics": 7}]))
        .await
        .expect_err("bad");
    assert_eq!(fault.code, -32602);
    let first = socket.ok("eth_subscribe", json!(["newHeads"])).await;
    socket.ok("eth_subscribe", json!(["newHeads"])).await;
    let fault = socket
        .call("eth_subscribe", json!(["newHeads"]))
        .await
        .expect_err("too many");
    assert_eq!(fault.code, -32005);
    assert_eq!(socket.ok("eth_unsubscribe", json!([first])).await, true);
    socket.ok("eth_subscribe", json!(["newHeads"])).await;
    // Another connection has its own bound.
    node.socket()
        .await
        .ok("eth_subscribe", json!(["newHeads"]))
        .await;
}

/// RPC-12
#[tokio::test(flavor = "multi_thread")]
async fn rpc_12_a_slow_reader_is_disconnected_and_others_are_served() {
    let limits = Limits {
        ws_queue_max: 4,
        ..Limits::default()
    };
    let node = Node::limited(limits).await;
    let mut slow = node.socket().await;
    let mut quick = node.socket().await;
    // Each block is a megabyte of logs for the slow one, which reads none of them.
    let emitter = super::filters::big_emitter(&node).await;
    slow.ok("eth_subscribe", json!(["logs"])).await;
    let heads = quick.ok("eth_subscribe", json!(["newHeads"])).await;
    for _ in 0..40 {
        super::filters::emit(&node, &emitter).await;
        quick.notification(&heads).await;
    }
    let end = tokio::time::timeout(PATIENCE, async {
        loop {
            match slow.stream.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|f| f.reason.to_string()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    });
    let reason = end.await.expect("the slow reader is disconnected");
    assert!(reason.is_none_or(|reason| reason.contains("too slow")));
    assert_eq!(quick.ok("net_version", json!([])).await, "31337");
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_messages_end_the_socket_only() {
    let node = Node::limited(Limits {
        body_bytes_max: 1 << 16,
        ..Limits::default()
    })
    .await;
    let mut socket = node.socket().await;
    let _ = socket.stream.send(Message::text(" ".repeat(1 << 18))).await;
    let ended = tokio::time::timeout(PATIENCE, async {
        while let Some(Ok(message)) = socket.stream.next().await {
            if matches!(message, Message::Close(_)) {
                break;
            }
        }
    });
    ended.await.expect("closed");
    assert_eq!(
        node.socket().await.ok("net_version", json!([])).await,
        "31337"
    );
}

/// RPC-11: after a rewind the heads go on from there, and a burst leaves none out.
#[tokio::test(flavor = "multi_thread")]
async fn rpc_11_heads_go_on_after_a_rewind_and_in_a_burst() {
    const BURST: u64 = 500;
    let node = Node::start().await;
    let mut socket = node.socket().await;
    let heads = socket.ok("eth_subscribe", json!(["newHeads"])).await;
    let snapshot = node.ok("evm_snapshot", json!([])).await;
    let first = node.mine().await.hash();
    assert_eq!(socket.notification(&heads).await["hash"], json!(first));
    assert_eq!(node.ok("evm_revert", json!([snapshot])).await, true);
    // The same height again, at another time.
    node.ok("evm_increaseTime", json!([1_000])).await;
    let second = node.mine().await.hash();
    assert_ne!(first, second);
    assert_eq!(socket.notification(&heads).await["hash"], json!(second));
    node.ok("hardhat_mine", json!([BURST])).await;
    let mut parent = json!(second);
    for height in 2..2 + BURST {
        let head = socket.notification(&heads).await;
        assert_eq!(head["number"], format!("{height:#x}"));
        assert_eq!(head["parentHash"], parent, "at {height}");
        parent = head["hash"].clone();
    }
}

/// RPC-11: more blocks at once than the chain keeps events for, and than fit a client's queue: a client that reads
/// gets every head.
#[tokio::test]
async fn rpc_11_no_head_is_missed_behind_a_flood() {
    // The chain keeps 4,096 events, a client's queue has 4,096 places.
    const FLOOD: u64 = 5_000;
    let node = Node::start().await;
    let mut socket = node.socket().await;
    let heads = socket.ok("eth_subscribe", json!(["newHeads"])).await;
    let mut parent = json!(node.chain.head().hash());
    // One thread runs this test and the server: until all are made, no event can be heard.
    let dev = node.chain.dev().expect("a development chain");
    dev.mine(FLOOD, None).expect("mined");
    let late = node.mine().await;
    assert_eq!(late.number(), FLOOD + 1);
    for height in 1..=FLOOD + 1 {
        let head = socket.notification(&heads).await;
        assert_eq!(head["number"], format!("{height:#x}"));
        assert_eq!(head["parentHash"], parent, "at {height}");
        parent = head["hash"].clone();
    }
}

/// RPC-11: rewinds whose events are lost behind a flood: every head of the chain that stands is told once, in order.
#[tokio::test]
async fn rpc_11_no_head_is_missed_or_doubled_across_a_rewind() {
    // More than the 4,096 events that the chain keeps.
    const FLOOD: u64 = 4_200;
    let node = Node::start().await;
    let dev = node.chain.dev().expect("a development chain");
    let mut socket = node.socket().await;
    let heads = socket.ok("eth_subscribe", json!(["newHeads"])).await;
    let mut told = vec![json!(node.chain.head().hash())];
    // Before and after it the rewind is heard; in the first row nothing is lost.
    for (before, after) in [(5, 3), (FLOOD, 3), (5, FLOOD), (FLOOD, FLOOD)] {
        let what = format!("{before} blocks, a rewind, {after} blocks");
        let base = dev.snapshot().expect("a snapshot");
        // One thread runs this test and the server: until it waits, no event can be heard.
        dev.mine(3, None).expect("mined");
        for _ in 0..3 {
            let head = socket.notification(&heads).await;
            assert_eq!(head["parentHash"], *told.last().expect("genesis"), "{what}");
            told.push(head["hash"].clone());
        }
        dev.mine(before, None).expect("mined");
        assert!(dev.revert(base).expect("reverts"));
        dev.mine(after, None).expect("mined");
        let newest = json!(node.chain.head().hash());
        while *told.last().expect("genesis") != newest {
            let head = socket.notification(&heads).await;
            let number = usize::try_from(quantity(&head["number"])).expect("small");
            assert!(
                number <= told.len(),
                "{what}: {number} after {}",
                told.len() - 1
            );
            assert!(
                number == told.len() || told[number] != head["hash"],
                "{what}: {number} twice"
            );
            told.truncate(number);
            assert_eq!(head["parentHash"], told[number - 1], "{what}: at {number}");
            told.push(head["hash"].clone());
        }
        // Nothing more comes: the next head is the next block.
        let next = node.mine().await;
        let head = socket.notification(&heads).await;
        assert_eq!(head["hash"], json!(next.hash()), "{what}");
        told.push(head["hash"].clone());
        assert_eq!(told.len() as u64, next.number() + 1, "{what}");
    }
}

/// RPC-12: a connection has one answer under way at a time, so HTTP/2 is not spoken, however its first bytes come.
#[tokio::test(flavor = "multi_thread")]
async fn rpc_12_no_http_2() {
    let node = Node::start().await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for pieces in [vec![&preface[..]], vec![&preface[..2], &preface[2..]]] {
        let mut stream = tokio::net::TcpStream::connect(node.address)
            .await
            .expect("connects");
        stream.set_nodelay(true).expect("set");
        for piece in pieces {
            stream.write_all(piece).await.expect("sent");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut answer = Vec::new();
        let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(end.is_ok(), "the connection ends");
        assert!(
            !answer.starts_with(&[0, 0]),
            "frames of HTTP/2 came: {answer:?}"
        );
    }
    assert_eq!(node.ok("net_version", json!([])).await, "31337");
}

/// RPC-12: answers over HTTP that nobody reads are bounded too: while too many wait, others are told so, small ones are
/// served, and who does not read within his time is cut off.
#[tokio::test(flavor = "multi_thread")]
async fn rpc_12_what_http_clients_leave_unread_is_bounded() {
    // Long enough for a busy machine to make the second answer meanwhile.
    const TIME_MAX: Duration = Duration::from_secs(10);
    let limits = Limits {
        unread_bytes_max: 30 << 20,
        unread_time_max: TIME_MAX,
        ..Limits::default()
    };
    let node = Node::limited(limits).await;
    let emitter = super::filters::big_emitter(&node).await;
    // Half a megabyte each as text: more than the system keeps for a connection.
    for _ in 0..40 {
        super::filters::emit(&node, &emitter).await;
    }
    let logs = json!([{"fromBlock": "0x0", "toBlock": "latest"}]);
    let body =
        json!({"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": logs}).to_string();
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(16 << 10).expect("a small one");
    let mut stuck = socket.connect(node.address).await.expect("connects");
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stuck.write_all(request.as_bytes()).await.expect("asks");
    stuck.readable().await.expect("an answer begins");
    let (status, refusal) = node.post(body.clone()).await;
    assert_eq!(status, 503, "{refusal:.200}");
    assert!(
        refusal.contains("-32005") && refusal.contains("wait to be read"),
        "{refusal}"
    );
    assert_eq!(node.ok("net_version", json!([])).await, "31337");
    // One that reads, but slowly, keeps his answer; this one reads nothing.
    tokio::time::sleep(TIME_MAX + Duration::from_secs(1)).await;
    let mut taken = Vec::new();
    let end = tokio::time::timeout(PATIENCE, stuck.read_to_end(&mut taken)).await;
    assert!(end.is_ok(), "the connection ends");
    let (status, whole) = node.post(body).await;
    assert_eq!(status, 200, "there is room again");
    assert!(
        taken.len() < whole.len(),
        "cut off after {} of {} bytes",
        taken.len(),
        whole.len()
    );
    let metrics = node.metrics().await;
    let cut_off = metrics
        .lines()
        .find(|line| line.starts_with("capstan_rpc_slow_consumers_total"));
    assert!(
        cut_off.is_some_and(|line| !line.ends_with(" 0")),
        "{cut_off:?}"
    );
}

/// RPC-12: what all clients together leave unread is bounded: those that are behind go, those that read stay.
#[tokio::test(flavor = "multi_thread")]
async fn rpc_12_what_all_clients_leave_unread_is_bounded() {
    let limits = Limits {
        unread_bytes_max: 8 << 20,
        ..Limits::default()
    };
    let node = Node::limited(limits).await;
    let emitter = super::filters::big_emitter(&node).await;
    let mut quick = node.socket().await;
    let heads = quick.ok("eth_subscribe", json!(["newHeads"])).await;
    let mut slow = Vec::new();
    for _ in 0..4 {
        let mut socket = node.socket().await;
        socket.ok("eth_subscribe", json!(["logs"])).await;
        slow.push(socket);
    }
    // Half a megabyte of logs in each: together far from what one client may leave unread.
    for _ in 0..60 {
        super::filters::emit(&node, &emitter).await;
        quick.notification(&heads).await;
    }
    for mut socket in slow {
        let end = tokio::time::timeout(PATIENCE, async {
            loop {
                match socket.stream.next().await {
                    Some(Ok(Message::Close(frame))) => return frame.map(|f| f.reason.to_string()),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return None,
                }
            }
        });
        let reason = end
            .await
            .expect("a client that reads nothing is disconnected");
        assert!(reason.is_none_or(|reason| reason.contains("too slow")));
    }
    assert_eq!(quick.ok("net_version", json!([])).await, "31337");
}
