//! HTTP around the calls: verbs, origins, hosts, health, metrics.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use capstan_chain::{Chain, ChainConfig, Genesis, Mining, Solo};
use capstan_rpc::{Access, Limits, RpcConfig, serve};
use reqwest::{Method, Response};
use serde_json::Value;

use super::node::{Node, config};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;

async fn send(node: &Node, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let url = format!("{}{path}", node.url());
    let mut request = reqwest::Client::new().request(method.clone(), url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if method == Method::POST {
        request = request.body(CALL);
    }
    request.send().await.expect("an answer")
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("text"))
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test(flavor = "multi_thread")]
async fn verbs_and_paths() {
    let node = Node::start().await;
    for (method, path, status) in [
        (Method::GET, "/", 200),
        (Method::HEAD, "/", 200),
        (Method::HEAD, "/health", 200),
        (Method::HEAD, "/any/path", 404),
        (Method::POST, "/", 200),
        (Method::POST, "/any/path", 200),
        (Method::GET, "/any/path", 404),
        (Method::PUT, "/", 405),
        (Method::DELETE, "/any/path", 405),
        (Method::OPTIONS, "/", 204),
        (Method::GET, "/health", 200),
        (Method::GET, "/live", 200),
        (Method::GET, "/metrics", 200),
    ] {
        let answer = send(&node, method.clone(), path, &[JSON]).await;
        assert_eq!(answer.status(), status, "{method} {path}");
    }
    let greeting = send(&node, Method::GET, "/", &[]).await;
    assert!(header(&greeting, "content-type").starts_with("text/plain"));
    let greeting = greeting.text().await.expect("text");
    for part in ["Capstan/v", "chain 31337, block 0", "/health", "/metrics"] {
        assert!(greeting.contains(part), "{greeting} lacks {part}");
    }
    // What a person is told to type does work, as it stands.
    let url = node.url();
    let (_, command) = greeting.split_once("curl ").expect("a command");
    assert!(command.starts_with(url), "{command} does not name {url}");
    let body = command.split('\'').nth(3).expect("a body");
    assert_eq!(node.json(body).await["result"], "0x0");
    let health: Value = send(&node, Method::GET, "/health", &[])
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(
        (&health["status"], &health["chainId"]),
        (&"ok".into(), &31337.into())
    );
    let metrics = send(&node, Method::GET, "/metrics", &[])
        .await
        .text()
        .await
        .expect("text");
    for line in [
        "capstan_head_block 0",
        "capstan_rpc_call_seconds_count{method=\"eth_chainId\"}",
    ] {
        assert!(metrics.contains(line), "{metrics} lacks {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_is_read() {
    let node = Node::start().await;
    for (kind, status) in [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/json-rpc", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let answer = send(&node, Method::POST, "/", &[("content-type", kind)]).await;
        assert_eq!(answer.status(), status, "{kind}");
    }
    assert_eq!(send(&node, Method::POST, "/", &[]).await.status(), 415);
}

/// RPC-9
#[tokio::test(flavor = "multi_thread")]
async fn rpc_9_pages_from_elsewhere_are_refused() {
    let node = Node::start().await;
    let evil = ("origin", "https://evil.example");
    for method in [Method::POST, Method::OPTIONS, Method::GET] {
        assert_eq!(send(&node, method, "/", &[JSON, evil]).await.status(), 403);
    }
    let refused = send(&node, Method::POST, "/", &[JSON, evil]).await;
    assert!(
        refused
            .text()
            .await
            .expect("text")
            .contains("--cors ORIGIN")
    );
    let own = ("origin", "http://localhost:5173");
    let answer = send(&node, Method::POST, "/", &[JSON, own]).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "access-control-allow-origin"), own.1);
    assert_eq!(header(&answer, "vary"), "Origin");
    let asked = [
        own,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,x-custom"),
        ("access-control-request-private-network", "true"),
    ];
    let answer = send(&node, Method::OPTIONS, "/", &asked).await;
    assert_eq!(answer.status(), 204);
    assert_eq!(header(&answer, "access-control-allow-origin"), own.1);
    assert_eq!(
        header(&answer, "access-control-allow-headers"),
        "content-type,x-custom"
    );
    assert!(header(&answer, "access-control-allow-methods").contains("POST"));
    assert_eq!(
        header(&answer, "access-control-allow-private-network"),
        "true"
    );
    // No socket either.
    let socket = [
        evil,
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    assert_eq!(send(&node, Method::GET, "/", &socket).await.status(), 403);
}

/// RPC-10
#[tokio::test(flavor = "multi_thread")]
async fn rpc_10_foreign_host_names_are_refused() {
    let node = Node::start().await;
    let foreign = [JSON, ("host", "rebind.example")];
    let refused = send(&node, Method::POST, "/", &foreign).await;
    assert_eq!(refused.status(), 403);
    let words = refused.text().await.expect("text");
    assert!(words.contains("--allow-host NAME"), "{words}");
    assert_eq!(
        send(&node, Method::POST, "/", &[JSON, ("host", "localhost:1")])
            .await
            .status(),
        200
    );
    let access = Access {
        cors_origins: vec!["https://app.example".into()],
        hosts: vec!["node.example".into()],
    };
    let wide = RpcConfig { access, ..config() };
    let wide = Node::with(wide, ChainConfig::dev(Genesis::dev(5, 0)), Mining::Manual).await;
    let admitted = [
        JSON,
        ("host", "node.example"),
        ("origin", "https://app.example"),
    ];
    assert_eq!(
        send(&wide, Method::POST, "/", &admitted).await.status(),
        200
    );
}

/// RPC-19
#[tokio::test(flavor = "multi_thread")]
async fn rpc_16_a_chain_that_stands_still_is_not_healthy() {
    let chain = Chain::open(ChainConfig {
        mining: Mining::Interval(Duration::from_millis(20)),
        ..ChainConfig::dev(Genesis::dev(1, 0))
    })
    .expect("a chain in memory");
    let limits = Limits {
        stall_after: Duration::from_millis(300),
        ..Limits::default()
    };
    let server = serve(RpcConfig { limits, ..config() }, chain.clone())
        .await
        .expect("a free port");
    let url = format!("http://{}", server.address());
    let health = async || {
        let answer = reqwest::get(format!("{url}/health"))
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.expect("JSON"))
    };
    let until = async |wanted: u16| {
        for _ in 0..1_000 {
            let (status, answer) = health().await;
            if status == wanted {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("/health never answers {wanted}");
    };
    // Nobody makes blocks yet.
    let stalled = until(503).await;
    assert_eq!(stalled["status"], "stalled", "{stalled}");
    let reason = stalled["reason"].as_str().expect("a reason");
    assert!(reason.contains("20ms"), "{reason}");
    let live = reqwest::get(format!("{url}/live"))
        .await
        .expect("an answer");
    assert_eq!(live.status(), 200);
    let solo = Solo::start(&chain).expect("a driver");
    assert_eq!(until(200).await["status"], "ok");
    solo.stop().expect("stopped");
    assert_eq!(until(503).await["status"], "stalled");
    // Where blocks come on demand, none is owed.
    chain
        .dev()
        .expect("dev")
        .set_mining(Mining::Instant)
        .expect("set");
    assert_eq!(until(200).await["status"], "ok");
}

/// Words of a text that begin as our metrics do.
fn metric_names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    let names = words.filter(|word| word.starts_with("capstan_"));
    names.map(str::to_owned).collect()
}

/// RPC-20
#[tokio::test(flavor = "multi_thread")]
async fn rpc_17_every_metric_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("specs/operation.md")).expect("the page");
    let (_, table) = page.split_once("## Metrics").expect("a part about metrics");
    let explained = metric_names(table);

    let node = Node::instant().await;
    node.ok("evm_mine", serde_json::json!([])).await;
    let metrics = send(&node, Method::GET, "/metrics", &[]).await;
    let metrics = metrics.text().await.expect("text");
    let counted: BTreeSet<String> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect();
    assert!(counted.len() > 10, "{metrics}");
    let missing: Vec<_> = counted.difference(&explained).collect();
    assert!(
        missing.is_empty(),
        "specs/operation.md does not explain {missing:?}"
    );

    // What counts only when something is wrong is found in the sources.
    let mut sources = BTreeSet::new();
    let mut waiting = vec![root.join("crates"), root.join("bin/capstan/src")];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).expect("sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.extend(metric_names(&fs::read_to_string(path).expect("text")));
            }
        }
    }
    let invented: Vec<_> = explained.difference(&sources).collect();
    assert!(invented.is_empty(), "nothing counts {invented:?}");
}
