//! `capstan gateway`, `key` and `receipt` as the owner of a model server meets them.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use capstan_testing::process::{Node, Said, capstan, text};

use crate::said::refuses;
use serde_json::{Value, json};

/// A model server that knows one answer.
fn model_server() -> String {
    format!("{}/v1", model_host())
}

/// The same without its path.
fn model_host() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    format!("http://{at}")
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().expect("a twin"));
    let mut first = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if first.is_empty() {
            first.clone_from(&line);
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).expect("a body");
    if !first.contains(" /v1/") {
        let _ = write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        return;
    }
    let told = match first.starts_with("GET") {
        true => json!({"object": "list", "data": [{"id": "parrot"}]}),
        false => json!({
            "id": "x", "object": "chat.completion", "created": 1, "model": "parrot",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }),
    };
    let told = told.to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let _ = write!(stream, "{head}content-length: {}\r\n\r\n{told}", told.len());
}

struct Gateway {
    child: Child,
    url: String,
    // Held open: a program whose reader is gone may fail when it prints.
    _said: BufReader<ChildStdout>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(data: &Path, upstream: &str) -> Gateway {
    start_with(data, &["--upstream", upstream])
}

fn start_with(data: &Path, words: &[&str]) -> Gateway {
    let words = [&["gateway", "--port", "0"], words].concat();
    let mut command = capstan(&words).expect("built");
    let mut child = command
        .env("CAPSTAN_GATEWAY", data)
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut said = BufReader::new(child.stdout.take().expect("stdout"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a line");
    let url = line
        .trim()
        .rsplit(' ')
        .next()
        .expect("an address")
        .to_owned();
    assert!(url.ends_with("/v1"), "{line}");
    Gateway {
        child,
        url,
        _said: said,
    }
}

fn run(data: &Path, words: &[&str]) -> Said {
    let mut command: Command = capstan(words).expect("built");
    let output = command.env("CAPSTAN_GATEWAY", data).output().expect("ran");
    Said {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

async fn ask(url: &str, key: &str) -> reqwest::Response {
    ask_of(url, key, "parrot").await
}

async fn ask_of(url: &str, key: &str, model: &str) -> reqwest::Response {
    let asked = json!({"model": model, "max_tokens": 50,
                       "messages": [{"role": "user", "content": "say hello"}]});
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    for _ in 0..100 {
        let url = format!("{url}/chat/completions");
        let answer = client
            .post(url)
            .bearer_auth(key)
            .json(&asked)
            .send()
            .await
            .expect("answered");
        // Its first look at the server may be under way.
        if answer.status() != 503 {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the model server was never seen");
}

/// CLI-20, GW-1, RCPT-2: a key, an answer, its receipt, a budget that is over, and an end.
#[tokio::test]
async fn cli_19_a_key_an_answer_and_its_receipt() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    // Who only looks makes no folder.
    let nowhere = data.join("nowhere");
    for words in [
        &["key", "list"][..],
        &["key", "usage", "x"],
        &["key", "revoke", "x"],
        &["receipt", "show", "req_1"],
    ] {
        refuses(
            &run(&nowhere, words),
            &["no keys and receipts lie in", "CAPSTAN_GATEWAY"],
        );
    }
    assert!(!nowhere.exists());
    // Before the gateway runs, the commands have the folder to themselves.
    let early = run(
        data,
        &[
            "key", "new", "--total", "5usd", "--day", "1usd", "--name", "early",
        ],
    );
    assert!(early.status.success(), "{early:?}");
    refuses(
        &run(data, &["key", "new", "--name", "early"]),
        &["`early` works already"],
    );
    let key = early.stdout.trim().to_owned();
    assert!(
        key.starts_with("sk-capstan-") && early.stdout.lines().count() == 1,
        "{early:?}"
    );
    let mut gateway = start(data, &model_server());

    let answer = ask(&gateway.url, &key).await;
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().expect("a text").to_owned();
    // Ten tokens at 0.1 and five at 0.4 per million.
    assert_eq!(header("x-capstan-cost"), "0.000003usd");
    let (receipt, request) = (header("x-capstan-receipt"), header("x-capstan-request"));
    let path = data.join("answer.json");
    std::fs::write(&path, answer.text().await.expect("a text")).expect("written");
    let path = path.to_str().expect("a text");

    // While it runs, they ask it.
    let late = run(data, &["key", "new", "--total", "0.000001usd"]);
    let poor = late.stdout.trim().to_owned();
    let refused = ask(&gateway.url, &poor).await;
    assert_eq!(refused.status(), 402);
    let told: Value = refused.json().await.expect("JSON");
    assert_eq!(told["error"]["code"], "over_budget");
    let verified = run(data, &["receipt", "verify", &request, "--output", path]);
    assert!(
        verified.status.success() && verified.stdout.contains("the answer is yours"),
        "{verified:?}"
    );
    assert!(verified.stdout.contains("not checked:"), "{verified:?}");
    let shown = run(data, &["receipt", "show", &receipt]);
    assert!(
        shown.stdout.contains("cost        0.000003usd"),
        "{shown:?}"
    );
    // The same answer as parts in a stream.
    let part =
        r#"{"choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": "stop"}]}"#;
    std::fs::write(path, format!("data: {part}\n\ndata: [DONE]\n\n")).expect("written");
    let streamed = run(data, &["receipt", "verify", &request, "--output", path]);
    assert!(
        streamed.status.success() && streamed.stdout.contains("the answer is yours"),
        "{streamed:?}"
    );
    std::fs::write(path, r#"{"choices": []}"#).expect("written");
    let other = run(data, &["receipt", "verify", &receipt, "--output", path]);
    assert_eq!(other.status.code(), Some(1), "{other:?}");
    assert!(
        other.stderr.contains("the answer in the file hashes to"),
        "{other:?}"
    );

    let usage = run(data, &["key", "usage", "early"]);
    assert!(
        usage.stdout.contains("spent     0.000003usd of 5usd"),
        "{usage:?}"
    );
    let revoked = run(data, &["key", "revoke", "early"]);
    assert!(revoked.status.success(), "{revoked:?}");
    // A name is a word of somebody's, not a path.
    for name in ["a/b", "q?z", "h#1", "%41", "../pace/stop?"] {
        let made = run(data, &["key", "new", "--name", name]);
        assert!(made.status.success(), "{made:?}");
        let revoked = run(data, &["key", "revoke", name]);
        assert!(revoked.status.success(), "{name}: {revoked:?}");
    }
    assert_eq!(ask(&gateway.url, &key).await.status(), 401);
    let second = capstan(&[
        "gateway",
        "--port",
        "0",
        "--upstream",
        "http://127.0.0.1:1/v1",
    ]);
    let second = second
        .expect("built")
        .env("CAPSTAN_GATEWAY", data)
        .output()
        .expect("ran");
    assert!(
        String::from_utf8_lossy(&second.stderr).contains("--data DIR takes another"),
        "{second:?}"
    );

    // One that cannot listen says who does, and one whose server is elsewhere says where.
    let port = gateway
        .url
        .trim_end_matches("/v1")
        .rsplit(':')
        .next()
        .expect("a port");
    let other = tempfile::tempdir().expect("a folder");
    let words = [
        "gateway",
        "--upstream",
        "http://127.0.0.1:1/v1",
        "--port",
        port,
    ];
    refuses(
        &run(other.path(), &words),
        &["a gateway listens there", "--port takes another"],
    );
    let host = model_host();
    let words = ["gateway", "--upstream", &host, "--port", "0"];
    let right = format!("write --upstream {host}/v1");
    refuses(
        &run(other.path(), &words),
        &["has no list of models", &right],
    );
    // So do those who would measure it.
    let (start, scan) = (
        ["provide", "start", "--alone"],
        ["provide", "scan", "--kwh", "0.1"],
    );
    for words in [
        [&start[..], &["--floor", "1usd/h", "--port", "0"]].concat(),
        [&scan[..], &["--watts", "50"]].concat(),
    ] {
        let words = [&words[..], &["--upstream", &host]].concat();
        refuses(&run(other.path(), &words), &[&right]);
    }

    // It ends when it is told to, and what it wrote is there for the commands alone.
    let pid = gateway.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-s", "TERM", &pid])
            .status()
            .expect("ran")
            .success()
    );
    assert!(gateway.child.wait().expect("ended").success());
    assert!(!data.join("gateway.json").exists());
    let list = run(data, &["key", "list", "--json"]);
    let list: Value = serde_json::from_str(&list.stdout).expect("JSON");
    assert_eq!(list.as_array().map(Vec::len), Some(7));
    assert!(!list.to_string().contains(&key));
}

/// CLI-22, BUN-2: a model of one's own behind one's own gateway, whose answer is computed again by another process.
#[tokio::test]
async fn cli_22_an_answer_of_the_bundled_engine_is_computed_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("gateway");
    let file = folder.path().join("small.gguf");
    capstan_compute::testkit::tiny(1, "Q4_1")
        .write(&file)
        .expect("written");
    let path = file.to_str().expect("text");
    let made = run(&data, &["key", "new", "--total", "1usd"]);
    let gateway = start_with(&data, &["--model", path, "--engine-threads", "1"]);
    let answer = ask_of(&gateway.url, made.stdout.trim(), "small").await;
    assert_eq!(answer.status(), 200);
    let receipt = answer.headers()["x-capstan-receipt"].to_str();
    let receipt = receipt.expect("text").to_owned();
    let shelf = folder.path().join("shelf");
    let shelf = shelf.to_str().expect("text");
    let verify = |more: &[&str]| {
        let words = [&["receipt", "verify", &receipt, "--models", shelf], more].concat();
        run(&data, &words)
    };
    // No file here has the hash, and it says so.
    let unknown = verify(&[]);
    assert!(
        unknown.status.success() && unknown.stdout.contains("--model FILE names one"),
        "{unknown:?}"
    );
    let again = verify(&["--model", path]);
    assert!(
        again.status.success() && again.stdout.contains("agree bit for bit, on exact-1"),
        "{again:?}"
    );
    // Once it lies on the shelf it is found by its hash.
    let put = ["model", "get", "mine", "--file", path, "--models", shelf];
    assert!(run(&data, &put).status.success());
    let found = verify(&["--json"]);
    let told: Value = serde_json::from_str(&found.stdout).expect("JSON");
    assert_eq!(told["not_checked"], json!([]), "{found:?}");
    let other = folder.path().join("other.gguf");
    capstan_compute::testkit::tiny(2, "Q4_1")
        .write(&other)
        .expect("written");
    let other = verify(&["--model", other.to_str().expect("text")]);
    assert!(
        other.status.code() == Some(1) && other.stderr.contains("names the model"),
        "{other:?}"
    );
    drop(gateway);
}

/// CLI-23: chain and gateway on one port, keys from another process, health and metrics the node's own.
#[tokio::test]
async fn cli_23_the_gateway_answers_on_the_nodes_port() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("gateway");
    let file = folder.path().join("small.gguf");
    capstan_compute::testkit::tiny(1, "Q4_1")
        .write(&file)
        .expect("written");
    let words = [
        "dev",
        "--empty",
        "--model",
        text(&file),
        "--engine-threads",
        "1",
        "--gateway-data",
        text(&data),
    ];
    let mut node = Node::start(&words).await.expect("started");
    assert!(node.says("Gateway    http://").await, "{}", node.said());
    let made = run(&data, &["key", "new", "--total", "1usd"]);
    let key = made.stdout.trim();
    assert!(key.starts_with("sk-capstan-"), "{made:?}");
    let answer = ask_of(&format!("{}/v1", node.url()), key, "small").await;
    assert_eq!(answer.status(), 200);
    let receipt = answer.headers()["x-capstan-receipt"].to_str();
    let verify = [
        "receipt",
        "verify",
        receipt.expect("text"),
        "--model",
        text(&file),
    ];
    let again = run(&data, &verify);
    assert!(again.stdout.contains("bit for bit"), "{again:?}");
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("a client");
    let asked = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []});
    let chain = client.post(node.url()).json(&asked).send().await;
    let chain: Value = chain.expect("answered").json().await.expect("JSON");
    assert_eq!(chain["result"], "0x7a69");
    for (path, words) in [
        ("metrics", "capstan_head_block"),
        ("health", "block"),
        ("usage", "<"),
    ] {
        let page = client.get(format!("{}/{path}", node.url())).send().await;
        let page = page.expect("answered").text().await.expect("text");
        assert!(page.contains(words), "{path}: {page}");
    }
    // A page elsewhere reaches neither keys nor use by a name of its own.
    let strange = client
        .get(format!("{}/admin/overview", node.url()))
        .header("host", "evil.example");
    let strange = strange.send().await.expect("answered");
    assert_eq!(strange.status(), 403);
    let ended = node.signal("TERM").expect("told");
    assert!(ended.success(), "{ended}");
    assert!(!data.join("gateway.json").exists());
}

/// What makes no sense is refused in words, before anything is measured.
#[test]
fn a_scan_of_no_price_or_no_power_is_refused() {
    for (kwh, watts, why) in [
        ("abc", "350", "as 0.12"),
        ("0.12", "0", "whole watts from 1"),
        ("0.12", "many", "as 350"),
    ] {
        let words = ["provide", "scan", "--kwh", kwh, "--watts", watts];
        let said = run(Path::new("."), &words);
        assert_eq!(said.status.code(), Some(2), "{said:?}");
        assert!(
            said.stderr.contains(why) && !said.stderr.contains("abcusd"),
            "{said:?}"
        );
    }
}

#[test]
fn a_scan_shows_its_arithmetic() {
    let said = run(
        Path::new("."),
        &["provide", "scan", "--kwh", "0.12", "--watts", "350"],
    );
    assert!(said.status.success(), "{said:?}");
    for words in [
        "GB/s",
        "GFLOP/s",
        "rounds differ by",
        "% of all cores by other programs",
        "0.042usd per hour at work: 350 W / 1000 x 0.12usd per kWh",
    ] {
        assert!(said.stdout.contains(words), "{said:?}");
    }
}
