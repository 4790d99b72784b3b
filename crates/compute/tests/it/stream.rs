//! Streams: whole, cut, replayed, left.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use capstan_compute::{
    gateway::Bounds,
    receipt::Outcome,
    upstream::{Http, PoolSettings},
};
use futures::StreamExt as _;
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpSocket};

use crate::{
    fake::Fake,
    world::{Told, World, chat, http_settings, words},
};

async fn two() -> (Fake, Fake, World) {
    let (first, second) = (Fake::start().await, Fake::start().await);
    let world = World::before(&[&first, &second]).await;
    first.seen.is_ill.store(true, Ordering::SeqCst);
    (first, second, world)
}

/// GW-4: the end of a stream tells cost and receipt, and they are on disk by then.
#[tokio::test]
async fn gw_4_a_stream_ends_with_its_cost_and_receipt() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let told = world.stream("count 20").await;
    assert_eq!(
        (told.text, told.finish.as_deref()),
        (words(20), Some("stop"))
    );
    assert!(told.is_done && told.error.is_none() && told.usage.is_none());
    assert_eq!(told.ids.len(), 1);
    assert!(told.ids[0].starts_with("chatcmpl-"));
    let comment = told.comment.expect("a comment");
    assert!(comment.contains("x-capstan-cost=0.025usd"), "{comment}");
    let receipt = world
        .gateway
        .ledger()
        .overview(1)
        .expect("reads")
        .receipts
        .remove(0);
    assert!(comment.contains(&format!("x-capstan-receipt={}", receipt.id)));
    assert_eq!(receipt.verify(), Ok(()));
    // Who asks for counts gets them in the form of a chunk.
    let mut asked = chat("count 4");
    asked["stream"] = true.into();
    asked["stream_options"] = json!({"include_usage": true});
    let response = world.post("chat/completions", &world.key, &asked).await;
    let told = Told::of(&response.text().await.expect("a text"));
    let usage = told.usage.expect("counts");
    assert_eq!(usage["usage"]["completion_tokens"], 4);
    assert_eq!(usage["capstan"]["cost"], "0.009usd");
    assert_eq!(usage["choices"], json!([]));
}

/// GW-5: a server dies in the middle, another one goes on with the same words: one answer, one name, one charge.
#[tokio::test]
async fn gw_5_an_answer_that_agrees_goes_on_at_another_server() {
    for fault in ["cut", "garbage", "error", "silent"] {
        let (first, second, world) = two().await;
        let told = world.stream(&format!("count 20 ill {fault} 7")).await;
        assert_eq!(told.text, words(20), "{fault}: {told:?}");
        assert!(told.is_done && told.error.is_none(), "{fault}: {told:?}");
        assert_eq!(told.ids.len(), 1, "{fault}");
        assert_eq!(second.seen.asked.load(Ordering::SeqCst), 1, "{fault}");
        assert_eq!(world.spent().await, "0.025usd", "{fault}");
        let receipt = world
            .gateway
            .ledger()
            .overview(1)
            .expect("reads")
            .receipts
            .remove(0);
        assert_eq!(
            (receipt.notes["attempts"].as_u64(), receipt.receipt.outcome),
            (Some(2), 0)
        );
        assert!(first.is_idle().await, "{fault}");
    }
}

/// GW-5: one that says something else never becomes the end of this answer.
#[tokio::test]
async fn gw_5_an_answer_that_differs_ends_with_an_error() {
    let (_first, second, world) = two().await;
    second.seen.says_else.store(true, Ordering::SeqCst);
    let told = world.stream("count 20 ill cut 7").await;
    assert_eq!(told.text, words(7));
    assert!(!told.is_done, "{told:?}");
    let error = told.error.expect("an error");
    assert_eq!(error["code"], "upstream_diverged");
    // Seven words of three bytes, and 57 of the question: what was delivered, and no more.
    let receipt = world
        .gateway
        .ledger()
        .overview(1)
        .expect("reads")
        .receipts
        .remove(0);
    assert_eq!(receipt.receipt.outcome, Outcome::UpstreamCut.number());
    assert!(
        !receipt.receipt.output.is_zero(),
        "RCPT-5: of what was delivered"
    );
    assert_eq!(
        (receipt.receipt.outputUnits, &receipt.notes["usage"]),
        (5, &json!("estimated"))
    );
    assert_eq!(world.settled().await.key.spent.atto(), receipt.receipt.cost);
}

/// A server that is alone and dies: an error in OpenAI's form, charged for what came.
#[tokio::test]
async fn gw_3_a_cut_stream_is_charged_for_what_came() {
    for (fault, code) in [
        ("cut", "upstream_cut"),
        ("garbage", "upstream_garbage"),
        ("error", "upstream_error"),
    ] {
        let fake = Fake::start().await;
        let world = World::before(&[&fake]).await;
        let told = world.stream(&format!("count 20 {fault} 8")).await;
        assert_eq!(told.text, words(8), "{fault}");
        assert_eq!(told.error.expect("an error")["code"], code);
        assert!(!told.is_done && told.comment.is_some(), "{fault}");
        let view = world.settled().await;
        assert_eq!(
            (view.key.requests, view.key.output_tokens),
            (1, 6),
            "{fault}"
        );
    }
}

/// GW-8: the server is let go when the client leaves, and only what it took is charged.
#[tokio::test]
async fn gw_8_a_client_that_leaves_lets_the_server_go() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let mut asked = chat("count 90 by 20ms");
    asked["stream"] = true.into();
    let response = world.post("chat/completions", &world.key, &asked).await;
    let mut parts = response.bytes_stream();
    for _ in 0..5 {
        parts.next().await.expect("a part").expect("whole");
    }
    drop(parts);
    let view = world.settled().await;
    assert!(fake.is_idle().await);
    assert!(fake.seen.parts.load(Ordering::SeqCst) < 30);
    assert!((1..10).contains(&view.key.output_tokens), "{view:?}");
    let receipt = world.newest_receipt().await;
    assert_eq!(receipt.receipt.outcome, Outcome::ClientLeft.number());
}

/// GW-8: the last part that a client took is charged, though nothing came after it.
#[tokio::test]
async fn gw_8_the_last_part_that_was_taken_is_charged() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let mut asked = chat("count 20 silent 1");
    asked["stream"] = true.into();
    let response = world.post("chat/completions", &world.key, &asked).await;
    let mut parts = response.bytes_stream();
    let first = parts.next().await.expect("a part").expect("whole");
    assert!(String::from_utf8_lossy(&first).contains("w0"));
    drop(parts);
    let view = world.settled().await;
    assert!(!view.key.spent.is_zero(), "{view:?}");
    assert!(!world.newest_receipt().await.receipt.output.is_zero());
}

/// GW-8, without a stream: nothing was delivered, nothing is charged.
#[tokio::test]
async fn gw_8_a_client_that_leaves_before_a_whole_answer_pays_nothing() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let asked = world.ask("count 3 by 5000ms");
    assert!(
        tokio::time::timeout(Duration::from_millis(300), asked)
            .await
            .is_err()
    );
    assert_eq!(world.spent().await, "0usd");
    assert!(fake.is_idle().await);
}

/// GW-7: a server that does not stop at the bound is stopped.
#[tokio::test]
async fn gw_7_an_answer_without_end_is_ended() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let mut asked = chat("count 100000");
    asked["stream"] = true.into();
    asked["max_tokens"] = 10.into();
    let response = world.post("chat/completions", &world.key, &asked).await;
    let told = Told::of(&response.text().await.expect("a text"));
    assert_eq!(told.finish.as_deref(), Some("length"));
    assert!(
        told.is_done && told.text.len() < 1_000,
        "{}",
        told.text.len()
    );
    let view = world.settled().await;
    assert!(view.key.output_tokens <= 10, "{view:?}");
}

/// 200 streams at once over two servers with room for half of them: all whole, each charged once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_streams_at_once() {
    let (first, second) = (Fake::start().await, Fake::start().await);
    let pool = PoolSettings {
        parallel: 50,
        queue: 200,
        wait: Duration::from_secs(30),
    };
    let urls = [first.url(), second.url()];
    let world = World::with(&urls, pool, Bounds::default()).await;
    let told = futures::future::join_all((0..200).map(|_| world.stream("count 40 by 2ms"))).await;
    for one in &told {
        assert_eq!(one.text, words(40));
        assert!(one.is_done && one.error.is_none());
    }
    let view = world.settled().await;
    assert_eq!(view.key.requests, 200);
    assert_eq!(view.key.spent.to_string(), "9usd");
    assert!(second.seen.asked.load(Ordering::SeqCst) > 0);
    let receipts = world
        .gateway
        .ledger()
        .overview(300)
        .expect("reads")
        .receipts;
    assert_eq!(receipts.len(), 200);
    assert!(receipts.iter().all(|receipt| receipt.verify().is_ok()));
}

/// GW-7, GW-8: a client that reads no part of its stream any more is left after a while; the server is let go, he is charged for
/// no more than he was handed, and others are served.
#[tokio::test]
async fn gw_8_a_client_that_does_not_read_is_left() {
    const PRICES: &str =
        "[default]\ninput = \"1usd\"\noutput = \"1usd\"\nmax_output_tokens = 1000000\n";
    let fake = Fake::start().await;
    let bounds = Bounds {
        client: Duration::from_millis(500),
        ..Bounds::default()
    };
    let http = Http::new(&fake.url(), None, http_settings()).expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let pool = PoolSettings::default();
    let world = World::lying_in(folder, vec![Arc::new(http)], pool, bounds, PRICES).await;
    let mut asked = chat("count 5000 wide 20000");
    asked["stream"] = true.into();
    asked["max_tokens"] = 1_000_000.into();
    let body = asked.to_string();
    let host = world
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/v1");
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: \
         application/json\r\nContent-Length: {}\r\n\r\n",
        world.key,
        body.len()
    );
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("small");
    let at = host.parse().expect("an address");
    let mut deaf = socket.connect(at).await.expect("connected");
    deaf.write_all((head + &body).as_bytes())
        .await
        .expect("sent");
    // It reads nothing, and stays. Buffers between fill first, megabytes of them.
    let began = Instant::now();
    let works = |fake: &Fake| {
        let seen = &fake.seen;
        seen.asked.load(Ordering::SeqCst) == 0 || seen.at_work.load(Ordering::SeqCst) > 0
    };
    while works(&fake) {
        let waited = began.elapsed();
        assert!(
            waited < Duration::from_secs(40),
            "the server works for nobody"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let view = world.settled().await;
    let sent = fake.seen.parts.load(Ordering::SeqCst);
    assert!(sent < 5_000, "all of it was made for nobody");
    // A token is four bytes at least.
    let most = (sent * 20_010 / 4) as u64;
    assert!(view.key.output_tokens <= most, "{sent} parts: {view:?}");
    let receipt = world.newest_receipt().await;
    assert_eq!(receipt.receipt.outcome, Outcome::ClientLeft.number());
    assert_eq!(world.stream("count 3").await.text, words(3));
    drop(deaf);
}
