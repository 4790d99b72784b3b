//! What clients may ask, and what they are told when they may not.

use std::{sync::atomic::Ordering, time::Duration};

use capstan_compute::{
    gateway::Bounds,
    keys::{Limits, Secret},
    readings::{Board, Meter, Places, Sensors},
    receipt::{Outcome, Signed, request_hash},
    upstream::PoolSettings,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    fake::Fake,
    world::{World, chat, limits, usd, words},
};

async fn error(response: reqwest::Response, status: u16, code: &str) -> Value {
    let is = response.status().as_u16();
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(
        (is, body["error"]["code"].as_str()),
        (status, Some(code)),
        "{body}"
    );
    for field in ["message", "type"] {
        assert!(body["error"][field].is_string(), "{body}");
    }
    body["error"].clone()
}

fn header(response: &reqwest::Response, name: &str) -> String {
    let value = response
        .headers()
        .get(name)
        .unwrap_or_else(|| panic!("no {name}"));
    value.to_str().expect("a text").to_owned()
}

/// GW-7: a body that is all structure is refused before it is read, and one that does not come gives its place back.
#[tokio::test]
async fn gw_7_bodies_that_are_dense_or_do_not_come_hold_nothing() {
    let fake = Fake::start().await;
    let bounds = Bounds {
        arrival: Duration::from_millis(300),
        requests_of_key: 2,
        memory_bytes: 8 << 20,
        ..Bounds::default()
    };
    let world = World::with(&[fake.url()], PoolSettings::default(), bounds).await;
    let send = |body: String| {
        let path = format!("{}/v1/chat/completions", world.url);
        let request = world.http.post(path).bearer_auth(&world.key).body(body);
        async move { request.send().await.expect("answered") }
    };
    let dense = format!(
        r#"{{"model": "m", "messages": [{}{{}}]}}"#,
        r#"{"":0},"#.repeat(500_000)
    );
    error(send(dense).await, 413, "request_too_large").await;

    let at = world.url.trim_start_matches("http://").to_owned();
    let half = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {}\r\ncontent-length: 30000000\r\n\r\n{{",
        world.key
    );
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut socket = tokio::net::TcpStream::connect(&at).await.expect("connects");
        socket.write_all(half.as_bytes()).await.expect("written");
        open.push(socket);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    error(world.ask("count 1").await, 429, "too_many_requests").await;
    // What was announced and did not come is nobody's memory: others are served.
    let other = world.new_key(limits("1usd")).await;
    let asked = chat("count 1");
    let served = world.post("chat/completions", &other, &asked).await;
    assert_eq!(served.status(), 200);
    for socket in &mut open {
        let mut said = [0; 12];
        socket.read_exact(&mut said).await.expect("answered");
        assert_eq!(&said, b"HTTP/1.1 408");
    }
    assert_eq!(world.ask("count 1").await.status(), 200);
}

/// GW-4, RCPT-4: cost, receipt and ledger say the same, and the receipt verifies.
#[tokio::test]
async fn gw_4_an_answer_has_its_cost_and_its_receipt() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let response = world.ask("count 7").await;
    assert_eq!(response.status(), 200);
    // Five tokens read and seven written, at 0.001 each.
    assert_eq!(header(&response, "x-capstan-cost"), "0.012usd");
    let (id, job) = (
        header(&response, "x-capstan-receipt"),
        header(&response, "x-capstan-request"),
    );
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["choices"][0]["message"]["content"], words(7));
    assert_eq!(world.spent().await, "0.012usd");

    let own = world
        .get(&format!("/v1/capstan/requests/{job}"), &world.key)
        .await;
    let own: Value = own.json().await.expect("JSON");
    assert_eq!(
        (own["receipt"].as_str(), own["cost"].as_str()),
        (Some(&*id), Some("0.012usd"))
    );
    let signed: Signed = serde_json::from_value(own["signed"].clone()).expect("a receipt");
    assert_eq!(signed.verify(), Ok(()));
    assert_eq!(signed.receipt.cost, usd("0.012usd").atto());
    assert_eq!(signed.receipt.outcome, Outcome::Whole.number());
    assert_eq!(
        signed.receipt.input,
        request_hash(chat("count 7").as_object().expect("object"))
    );
    assert_eq!(signed.notes["usage"], "upstream");
    // It is nobody else's business.
    let other = world.new_key(Limits::default()).await;
    error(
        world
            .get(&format!("/v1/capstan/requests/{job}"), &other)
            .await,
        404,
        "not_found",
    )
    .await;
}

/// RCPT-3: streamed or not, the same question and answer have the same hashes.
#[tokio::test]
async fn rcpt_3_a_stream_and_a_whole_answer_are_the_same_unit() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    world.ask("count 7").await;
    world.stream("count 7").await;
    let receipts = world.gateway.ledger().overview(10).expect("reads").receipts;
    let [streamed, whole] = receipts.as_slice() else {
        panic!("{receipts:?}")
    };
    assert_eq!(streamed.receipt.input, whole.receipt.input);
    assert_eq!(streamed.receipt.output, whole.receipt.output);
    assert_ne!(streamed.id, whole.id);
}

#[tokio::test]
async fn completions_embeddings_and_models() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let asked = json!({"model": "m", "prompt": "count 2", "max_tokens": 9});
    let body: Value = world
        .post("completions", &world.key, &asked)
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(body["choices"][0]["text"], words(2));
    let asked = json!({"model": "m", "input": ["a", "b"]});
    let response = world.post("embeddings", &world.key, &asked).await;
    assert_eq!(header(&response, "x-capstan-cost"), "0.004usd");
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["data"].as_array().map(Vec::len), Some(2));
    let models: Value = world
        .get("/v1/models", &world.key)
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(models["data"][1]["id"], "m");
    assert_eq!(models["data"][1]["capstan"]["input_per_million"], "1000usd");
    // Names of models have slashes and colons.
    let one = world.get("/v1/models/free/m:1", &world.key).await;
    assert_eq!(one.json::<Value>().await.expect("JSON")["id"], "free/m:1");
    error(
        world.get("/v1/models/none", &world.key).await,
        404,
        "model_not_found",
    )
    .await;
}

/// GW-1: 402 says so, and no server was asked.
#[tokio::test]
async fn gw_1_over_budget_is_402_and_nothing_is_asked() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let poor = world.new_key(limits("0.05usd")).await;
    let told = error(
        world
            .post("chat/completions", &poor, &chat("count 1"))
            .await,
        402,
        "over_budget",
    )
    .await;
    let message = told["message"].as_str().expect("a text");
    assert!(
        message.contains("over budget") && message.contains("of 0.05usd in total"),
        "{message}"
    );
    assert_eq!(told["type"], "insufficient_quota");
    assert_eq!(fake.seen.asked.load(Ordering::SeqCst), 0);
    let daily = Limits {
        day: Some(usd("0.05usd")),
        ..Limits::default()
    };
    let daily = world.new_key(daily).await;
    let told = error(
        world
            .post("chat/completions", &daily, &chat("count 1"))
            .await,
        402,
        "over_budget",
    )
    .await;
    assert!(
        told["message"].as_str().expect("a text").contains("a day"),
        "{told}"
    );
}

/// GW-1: many at once on one key with room for few.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn gw_1_requests_at_once_never_spend_more_than_the_key_has() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    // Each may cost about 0.5, and costs 0.055.
    let key = world.new_key(limits("2usd")).await;
    let asked = (0..60).map(|_| async {
        let response = world
            .post("chat/completions", &key, &chat("count 50 by 1ms"))
            .await;
        response.status().as_u16()
    });
    let statuses = futures::future::join_all(asked).await;
    let served = statuses.iter().filter(|status| **status == 200).count();
    assert!(
        statuses.iter().all(|status| [200, 402].contains(status)),
        "{statuses:?}"
    );
    assert!((1..60).contains(&served), "{served}");
    let views = world.gateway.ledger().keys();
    let view = views
        .iter()
        .find(|view| view.key.limits.total == Some(usd("2usd")))
        .expect("the key");
    let cost = usd("0.055usd").atto() * u128::try_from(served).expect("small");
    assert_eq!(view.key.spent.atto(), cost);
    assert!(view.key.spent <= usd("2usd"));
}

/// GW-6
#[tokio::test]
async fn gw_6_keys_that_are_none_revoked_or_over_are_told_apart() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let ask = async |key: &str| world.post("chat/completions", key, &chat("count 1")).await;
    error(ask("sk-nonsense").await, 401, "invalid_api_key").await;
    let bare = world
        .http
        .post(format!("{}/v1/chat/completions", world.url))
        .json(&chat("x"));
    error(bare.send().await.expect("answered"), 401, "invalid_api_key").await;
    let over = world
        .new_key(Limits {
            expires_ms: Some(1),
            ..Limits::default()
        })
        .await;
    error(ask(&over).await, 401, "key_expired").await;
    let revoked = world.new_key(Limits::default()).await;
    assert_eq!(ask(&revoked).await.status(), 200);
    let hash = capstan_compute::keys::Secret::hash_of(&revoked);
    world.gateway.ledger().revoke(&hash).await.expect("there");
    error(ask(&revoked).await, 401, "key_revoked").await;
    // Nothing of a secret is in the folder.
    for entry in std::fs::read_dir(world.folder.path()).expect("a folder") {
        let bytes = std::fs::read(entry.expect("a file").path()).expect("read");
        let secret = world.key.trim_start_matches("sk-capstan-").as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[tokio::test]
async fn prompts_of_every_size_and_encoding() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let rich = world.new_key(Limits::default()).await;
    for text in [
        "",
        "\u{0}",
        "\u{202e}\u{1f469}\u{200d}\u{1f680}",
        "日本語 count 2",
        &"x".repeat(4 << 20),
    ] {
        let response = world.post("chat/completions", &rich, &chat(text)).await;
        assert_eq!(response.status(), 200, "{} bytes", text.len());
    }
    let send = async |body: Vec<u8>| {
        let request = world
            .http
            .post(format!("{}/v1/chat/completions", world.url))
            .bearer_auth(&rich);
        request.body(body).send().await.expect("answered")
    };
    error(
        send(b"{\"model\":\"m\",\"messages\":[{\"content\":\"\xff\"}]}".to_vec()).await,
        400,
        "invalid_json",
    )
    .await;
    error(
        send(br#"{"model":"m","messages":[{"content":"\ud800"}]}"#.to_vec()).await,
        400,
        "invalid_json",
    )
    .await;
    error(send(vec![b'['; 1 << 20]).await, 400, "invalid_json").await;
    error(
        send(vec![b' '; (32 << 20) + 1]).await,
        413,
        "request_too_large",
    )
    .await;
    error(
        world
            .post("chat/completions", &rich, &json!({"model": "gpt"}))
            .await,
        400,
        "invalid_value",
    )
    .await;
    let other = json!({"model": "gpt", "messages": [{"role": "user", "content": "x"}]});
    let told = error(
        world.post("chat/completions", &rich, &other).await,
        404,
        "model_not_found",
    )
    .await;
    assert!(
        told["message"]
            .as_str()
            .expect("a text")
            .contains("there are: free/m:1, m"),
        "{told}"
    );
}

/// A fault before the answer began: by name, and nothing is charged.
#[tokio::test]
async fn gw_3_what_fails_before_it_begins_costs_nothing() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let told = error(world.ask("status 400").await, 400, "wished").await;
    assert_eq!(told["message"], "as you wished");
    for (script, status, code) in [
        ("status 500", 502, "upstream_error"),
        ("status 401", 502, "upstream_refused"),
        ("status 429", 429, "upstream_busy"),
    ] {
        error(world.ask(script).await, status, code).await;
        // Its server is closed for a moment; a look opens it.
        let closed = world.ask("count 1").await;
        assert!(closed.headers().contains_key("retry-after"));
        error(closed, 503, "no_upstream").await;
        world.gateway.pool().look().await;
    }
    assert_eq!(world.spent().await, "0usd");
    let overview = world.gateway.ledger().overview(50).expect("reads");
    assert!(overview.receipts.is_empty());
    assert!(
        overview
            .failures
            .iter()
            .any(|failure| failure.code == "upstream_refused")
    );
}

/// What is not there is said as clients read it.
#[tokio::test]
async fn paths_that_are_not_there_are_told_in_the_form_of_clients() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let told = error(world.get("/v1/chat", &world.key).await, 404, "unknown_path").await;
    let message = told["message"].as_str().expect("a text");
    assert!(message.contains("`GET /v1/chat` is not there"), "{told}");
    let told = error(world.get("/models", "").await, 404, "unknown_path").await;
    let message = told["message"].as_str().expect("a text");
    assert!(message.contains("with /v1 at its end"), "{told}");
    let told = error(
        world.get("/v1/chat/completions", "").await,
        405,
        "wrong_method",
    )
    .await;
    assert!(
        told["message"]
            .as_str()
            .expect("a text")
            .contains("use POST"),
        "{told}"
    );
    let long = world.get(&format!("/{}", "x".repeat(5_000)), "").await;
    let told = error(long, 404, "unknown_path").await;
    assert!(
        told["message"].as_str().expect("a text").len() < 400,
        "{told}"
    );
}

/// The bound that was passed on to the server is told, asked for or not, streamed or not.
#[tokio::test]
async fn the_bound_of_an_answer_is_told() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let asked = world.ask("count 1").await;
    assert_eq!(header(&asked, "x-capstan-max-tokens"), "100");
    let mut free = chat("count 1");
    free.as_object_mut()
        .expect("an object")
        .remove("max_tokens");
    let unasked = world.post("chat/completions", &world.key, &free).await;
    assert_eq!(
        header(&unasked, "x-capstan-max-tokens"),
        "500",
        "the model's"
    );
    free["stream"] = true.into();
    let streamed = world.post("chat/completions", &world.key, &free).await;
    assert_eq!(header(&streamed, "x-capstan-max-tokens"), "500");
    // One dollar pays for 1,000 tokens; what the prompt may take is not there for the answer.
    let poor = world.new_key(limits("0.5usd")).await;
    let poor = world.post("chat/completions", &poor, &free).await;
    let bound: u64 = header(&poor, "x-capstan-max-tokens")
        .parse()
        .expect("a number");
    assert!((1..500).contains(&bound), "{bound}");
    let asked = json!({"model": "m", "input": "a"});
    let embedded = world.post("embeddings", &world.key, &asked).await;
    assert!(!embedded.headers().contains_key("x-capstan-max-tokens"));
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_named() {
    let nowhere = vec!["http://127.0.0.1:1/v1".to_owned()];
    let world = World::with(&nowhere, PoolSettings::default(), Bounds::default()).await;
    error(world.ask("count 1").await, 503, "no_upstream").await;
    let health = world.get("/health", "").await;
    assert_eq!(health.status(), 503);
    assert_eq!(
        health.json::<Value>().await.expect("JSON")["status"],
        "no model server answers"
    );
    assert_eq!(world.get("/live", "").await.status(), 200);
}

/// The next server answers when the first fails before its answer began.
#[tokio::test]
async fn a_request_is_tried_at_another_server() {
    let (first, second) = (Fake::start().await, Fake::start().await);
    let urls = vec![first.url(), second.url()];
    let world = World::with(&urls, PoolSettings::default(), Bounds::default()).await;
    first.seen.is_ill.store(true, Ordering::SeqCst);
    let response = world.ask("count 3 status 503 ill").await;
    assert_eq!(response.status(), 200);
    assert_eq!(world.spent().await, "0.008usd");
    assert_eq!(second.seen.asked.load(Ordering::SeqCst), 1);
}

/// GW-7: what waits is bounded, and who is too many is told when to come back.
#[tokio::test]
async fn gw_7_too_many_are_told_when_to_come_back() {
    let fake = Fake::start().await;
    let pool = PoolSettings {
        queue: 1,
        wait: Duration::from_secs(5),
        parallel: 1,
    };
    let world = World::with(&[fake.url()], pool, Bounds::default()).await;
    let asked = (0..4).map(|_| world.ask("count 1 by 300ms"));
    let answers = futures::future::join_all(asked).await;
    let mut statuses: Vec<_> = answers
        .iter()
        .map(|answer| answer.status().as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 429, 429]);
    let full = answers
        .into_iter()
        .find(|answer| answer.status() == 429)
        .expect("one");
    assert_eq!(header(&full, "retry-after"), "2");
    error(full, 429, "too_many_requests").await;
    assert_eq!(fake.seen.asked.load(Ordering::SeqCst), 2);
}

/// GW-10
#[tokio::test]
async fn gw_10_counts_that_cannot_be_are_not_charged() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    world.ask("count 3 lie 1000000").await;
    // "w0 w1 w2 " has nine bytes: 9 + 16 tokens at most, and five were read.
    assert_eq!(world.spent().await, "0.03usd");
    world.ask("count 3 uncounted").await;
    // Four bytes count as one token: 36 of the prompt and its words, and nine.
    let receipts = world.gateway.ledger().overview(2).expect("reads").receipts;
    let by: Vec<_> = receipts
        .iter()
        .map(|receipt| receipt.notes["usage"].clone())
        .collect();
    assert_eq!(by, ["estimated", "bounded"]);
    assert_eq!(
        world.gateway.pool().view()[0]
            .faults
            .get("upstream_miscounts"),
        Some(&1)
    );
}

#[tokio::test]
async fn the_owner_s_paths_are_the_owner_s() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    for path in ["/admin/overview", "/admin/keys"] {
        let told = error(world.get(path, &world.key).await, 403, "forbidden").await;
        let message = told["message"].as_str().expect("a text");
        assert!(message.contains("the key of a client"), "{told}");
        assert_eq!(world.get(path, &world.admin).await.status(), 200);
    }
    let told = error(
        world.get("/v1/models", &world.admin).await,
        401,
        "owners_token",
    )
    .await;
    let message = told["message"].as_str().expect("a text");
    assert!(message.contains("which is no key"), "{told}");
    let earlier = Secret::owners();
    let told = error(
        world.get("/admin/keys", earlier.reveal()).await,
        403,
        "forbidden",
    )
    .await;
    assert!(
        told["message"]
            .as_str()
            .expect("a text")
            .contains("an earlier start"),
        "{told}"
    );
    let named = json!({"name": "test"});
    let again = world
        .http
        .post(format!("{}/admin/keys", world.url))
        .bearer_auth(&world.admin);
    let again = again.json(&named).send().await.expect("answered");
    error(again, 409, "name_taken").await;
    let rebound = world
        .http
        .get(format!("{}/admin/keys", world.url))
        .bearer_auth(&world.admin);
    let rebound = rebound
        .header("host", "evil.example:80")
        .send()
        .await
        .expect("answered");
    error(rebound, 403, "forbidden").await;
    let page = world.get("/usage", "").await;
    let policy = header(&page, "content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let text = page.text().await.expect("a text");
    assert!(
        !text.contains("style=") && !text.contains("onclick") && !text.contains("http"),
        "{text}"
    );
    let metrics = world
        .get("/metrics", "")
        .await
        .text()
        .await
        .expect("a text");
    assert!(metrics.starts_with('#'), "{metrics}");
}

/// READ-5: an answer of a server on this host says what it took, in its header and in what was signed.
#[tokio::test]
async fn read_5_an_answer_says_what_it_took() {
    let folder = tempfile::tempdir().expect("a folder");
    let zone = folder.path().join("sys/class/powercap/intel-rapl:0");
    std::fs::create_dir_all(&zone).expect("made");
    std::fs::write(zone.join("name"), "package-0").expect("written");
    // Put into its place at once, as a counter of the kernel is never half written.
    let count = |microjoules: u64| {
        let beside = zone.join("beside");
        std::fs::write(&beside, microjoules.to_string()).expect("written");
        std::fs::rename(beside, zone.join("energy_uj")).expect("moved");
    };
    count(0);
    let places = Places {
        root: folder.path().to_owned(),
        programs: Vec::new(),
    };
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let unmeasured = world.ask("count 1").await;
    assert!(unmeasured.headers().get("x-capstan-energy").is_none());
    world
        .get("/v1/capstan/readings", "")
        .await
        .error_for_status()
        .expect_err("nothing is measured");
    let board = Board::new(Meter::new(Sensors::find(&places)));
    world.gateway.measure(std::sync::Arc::clone(&board));
    let work = async {
        for tenth in 1_u64.. {
            count(tenth * 100_000);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let response = tokio::select! {
        response = world.ask("count 20 by 20ms") => response,
        () = work => unreachable!("it never ends"),
    };
    let joules: f64 = header(&response, "x-capstan-energy")
        .parse()
        .expect("joules");
    assert!(joules > 0.0, "{joules}");
    let job = header(&response, "x-capstan-request");
    let path = format!("/v1/capstan/requests/{job}");
    let own = world.get(&path, &world.key).await;
    let own: Value = own.json().await.expect("JSON");
    let signed: Signed = serde_json::from_value(own["signed"].clone()).expect("a receipt");
    assert_eq!(signed.verify(), Ok(()));
    assert_eq!(signed.receipt.energyMj, (joules * 1_000.0).round() as u64);
    board.sample(7);
    let told: Value = world
        .get("/v1/capstan/readings", "")
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(
        (&told["now"]["at_ms"], &told["shown"]),
        (&json!(7), &Value::Null)
    );
}

/// GW-13: under one word an answer is made and charged once, streamed or not; another request under it is refused.
#[tokio::test]
async fn gw_13_a_request_that_is_repeated_is_charged_once() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let ask = async |key: &str, word: &str, body: &Value| {
        let url = format!("{}/v1/chat/completions", world.url);
        let request = world.http.post(url).bearer_auth(key).json(body);
        let answer = request.header("Idempotency-Key", word).send().await;
        answer.expect("answered")
    };
    for stream in [false, true] {
        let mut body = chat("count 7");
        body["stream"] = stream.into();
        let (word, asked) = (
            format!("word {stream}"),
            fake.seen.asked.load(Ordering::Acquire),
        );
        let first = ask(&world.key, &word, &body).await;
        assert_eq!(first.status(), 200);
        let job = header(&first, "x-capstan-request");
        let said = first.bytes().await.expect("whole");
        let spent = world.spent().await;
        let again = ask(&world.key, &word, &body).await;
        assert_eq!(header(&again, "x-capstan-request"), job);
        assert_eq!(header(&again, "x-capstan-again"), "true");
        assert_eq!(again.bytes().await.expect("whole"), said);
        assert_eq!(world.spent().await, spent);
        assert_eq!(
            fake.seen.asked.load(Ordering::Acquire),
            asked + 1,
            "stream {stream}"
        );
        // Another request under the same word; the same of another key is another.
        error(
            ask(&world.key, &word, &chat("count 8")).await,
            422,
            "idempotency_reused",
        )
        .await;
        let other = world.new_key(Limits::default()).await;
        let others = ask(&other, &word, &body).await;
        assert_ne!(header(&others, "x-capstan-request"), job);
        others.bytes().await.expect("whole");
    }
    // While the first is at work.
    let mut slow = chat("count 20 by 30ms");
    slow["stream"] = true.into();
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        ask(&world.key, "slow", &slow).await
    };
    let (first, meanwhile) = tokio::join!(ask(&world.key, "slow", &slow), meanwhile);
    assert_eq!(first.status(), 200);
    error(meanwhile, 409, "idempotency_at_work").await;
    // What failed is forgotten.
    let before = fake.seen.asked.load(Ordering::Acquire);
    for _ in 0..2 {
        assert_ne!(
            ask(&world.key, "fails", &chat("status 400")).await.status(),
            200
        );
    }
    assert!(fake.seen.asked.load(Ordering::Acquire) >= before + 2);
    for word in ["", &"x".repeat(256)] {
        error(
            ask(&world.key, word, &chat("count 1")).await,
            400,
            "invalid_value",
        )
        .await;
    }
}
