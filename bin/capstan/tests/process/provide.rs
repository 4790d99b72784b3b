//! `capstan provide` as the owner of a machine meets it: a chain, a machine that sells, and who pays, each a process.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Stdio},
    time::{Duration, Instant},
};

use alloy_sol_types::SolCall as _;
use capstan_client::{Call, send};
use capstan_compute::testkit::tiny;
use capstan_contracts::machines::{ADDRESS, IMachines::askCall};
use capstan_testing::process::{Node, Said, capstan, run, text};
use serde_json::{Value, json};

use crate::said::{json_of, refuses, says};

/// The key of the well-known account 1.
const HOLDER: &str = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

/// A machine that sells.
struct Machine {
    child: Child,
    url: String,
    said: String,
    // Held open: a program whose reader is gone may fail when it prints.
    _out: BufReader<ChildStdout>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Machine {
    /// Starts it on a chain, for a development account, and waits until it sells.
    fn start(chain: &str, data: &Path, model: &Path, sensors: &Path) -> Self {
        let words = [
            "provide",
            "start",
            "--model",
            text(model),
            "--engine-threads",
            "1",
            "--floor",
            "0.06usd/h",
            "--rpc",
            chain,
            "--dev-account",
            "1",
            "--yes",
            "--port",
            "0",
            "--data",
            text(data),
            "--sensors",
            text(sensors),
        ];
        let mut child = capstan(&words)
            .expect("built")
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut out = BufReader::new(child.stdout.take().expect("stdout"));
        let mut said = String::new();
        let url = loop {
            let mut line = String::new();
            let read = out.read_line(&mut line).expect("a line");
            assert!(read > 0, "it ended: {said}");
            said += &line;
            if let Some(url) = line.strip_prefix("selling at ") {
                break url.trim().to_owned();
            }
        };
        Self {
            child,
            url,
            said,
            _out: out,
        }
    }

    fn signal(&mut self, name: &str) -> std::process::ExitStatus {
        let pid = self.child.id().to_string();
        let mut kill = std::process::Command::new("kill");
        let sent = kill.args(["-s", name, &pid]).status();
        assert!(sent.expect("ran").success());
        self.child.wait().expect("ended")
    }
}

/// READ-6, READ-7: its readings stand on the chain, and what it serves is what stands there.
async fn measured(node: &Node, url: &str) {
    let begun = Instant::now();
    loop {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no readings came"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
        let told = reqwest::get(format!("{url}/capstan/readings")).await;
        let told: Value = told.expect("answered").json().await.expect("JSON");
        let machine = run(&["machine", "show", "0", "--json", "--rpc", node.url()]).expect("ran");
        let machine = json_of(&machine);
        let (shown, stands) = (&told["shown"]["batch"], &machine["readings"]);
        if shown.is_null() || shown["root"] != stands["root"] {
            continue;
        }
        assert_eq!(
            (&stands["watts"], &shown["watts"]),
            (&json!(35), &json!(35))
        );
        assert_eq!(shown["decikelvin"], 3_347);
        assert_eq!(stands["count"], shown["count"]);
        assert_eq!(
            told["now"]["used_bps"],
            Value::Null,
            "it is nowhere to be read"
        );
        return;
    }
}

async fn ask(url: &str, key: &str) -> reqwest::Response {
    let asked = json!({"model": "small", "max_tokens": 20, "temperature": 0,
                       "messages": [{"role": "user", "content": "hello"}]});
    let client = reqwest::Client::builder().no_proxy().build();
    let answer = client
        .expect("a client")
        .post(format!("{url}/chat/completions"))
        .bearer_auth(key)
        .json(&asked);
    answer.send().await.expect("answered")
}

/// PROV-1, PROV-3: from nothing to a paid answer, given back and sold again, stopped and started on the same seat.
#[tokio::test]
async fn prov_3_a_machine_sells_within_two_minutes_and_is_its_owners_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, file) = (
        folder.path().join("machine"),
        folder.path().join("small.gguf"),
    );
    tiny(1, "Q4_1").write(&file).expect("written");
    // A machine whose only chip says 35 W and 61.5 degrees.
    let sensors = folder.path().join("host");
    let chip = sensors.join("sys/class/hwmon/hwmon0");
    fs::create_dir_all(&chip).expect("made");
    for (name, says) in [
        ("name", "amdgpu"),
        ("power1_average", "35000000"),
        ("temp1_input", "61500"),
    ] {
        fs::write(chip.join(name), says).expect("written");
    }
    let node = Node::start(&["dev", "--bots", "0", "--feed", "fixed"]).await;
    let node = node.expect("started");
    let begun = Instant::now();
    let mut machine = Machine::start(node.url(), &data, &file, &sensors);
    // It sells nothing to the network unless it is told to, and says how that is told.
    for words in [
        "register",
        "100 USDC",
        "machine 0 (0x",
        "nothing to the network",
        "--class all",
    ] {
        assert!(machine.said.contains(words), "{}", machine.said);
    }
    let provide =
        |word: &str| -> Said { run(&["provide", word, "--data", text(&data)]).expect("ran") };
    let made = run(&["key", "new", "--total", "1usd", "--data", text(&data)]);
    let key = made.expect("ran").stdout.trim().to_owned();
    let answer = ask(&machine.url, &key).await;
    assert_eq!(answer.status(), 200);
    let receipt = answer.headers()["x-capstan-receipt"].to_str();
    let receipt = receipt.expect("text").to_owned();
    assert!(begun.elapsed() < Duration::from_secs(120));
    println!(
        "first paid answer {:?} after the machine was started (loaded)",
        begun.elapsed()
    );

    // Who signed the receipt is who has the bond, and the answer can be computed again.
    let shown =
        json_of(&run(&["machine", "show", "0", "--json", "--rpc", node.url()]).expect("ran"));
    let shown_receipt = json_of(
        &run(&["receipt", "show", &receipt, "--json", "--data", text(&data)]).expect("ran"),
    );
    let signer = shown_receipt["receipt"]["machine"].as_str().expect("text");
    assert!(signer.eq_ignore_ascii_case(shown["key"].as_str().expect("text")));
    assert_eq!(
        (&shown["state"], &shown["kind"]),
        (&json!("probation"), &json!("cpu"))
    );
    let verify = [
        "receipt",
        "verify",
        &receipt,
        "--model",
        text(&file),
        "--data",
        text(&data),
    ];
    says(&run(&verify).expect("ran"), &["bit for bit"]);

    // It says that it is there, again and again.
    let seen = |item: &Value| item["lastBeatMs"].as_str().map(str::to_owned);
    let first = seen(&shown);
    let beaten = Instant::now();
    loop {
        let listed =
            json_of(&run(&["machine", "list", "--json", "--rpc", node.url()]).expect("ran"));
        if seen(&listed[0]) != first {
            break;
        }
        assert!(beaten.elapsed() < Duration::from_secs(60), "no beat came");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    measured(&node, &machine.url).await;
    let energy = &shown_receipt["receipt"]["energyMj"];
    println!("the first answer took {energy} mJ");
    challenged(&node, &file).await;
    says(&provide("status"), &["selling"]);
    let paused = Instant::now();
    says(&provide("pause"), &["the machine is yours"]);
    let refused = ask(&machine.url, &key).await;
    assert_eq!(refused.status(), 503);
    println!(
        "its owner's again after {:?}, the command's own start within (loaded)",
        paused.elapsed()
    );
    let told: Value = refused.json().await.expect("JSON");
    assert_eq!(told["error"]["code"], "taken_back");
    let own = run(&["key", "new", "--own", "--data", text(&data)]).expect("ran");
    assert_eq!(ask(&machine.url, own.stdout.trim()).await.status(), 200);
    says(&provide("resume"), &["selling"]);
    assert_eq!(ask(&machine.url, &key).await.status(), 200);

    assert!(machine.signal("TERM").success());
    drop(machine);
    refuses(&provide("status"), &["capstan provide start"]);
    let machine = Machine::start(node.url(), &data, &file, &sensors);
    assert!(
        machine.said.contains("machine 0 (0x") && !machine.said.contains("register"),
        "{}",
        machine.said
    );
    assert_eq!(ask(&machine.url, &key).await.status(), 200);
    // Its folder is its own as long as it runs, which is said before anything is measured.
    let again = |rest: &[&str]| -> Said {
        let start = ["provide", "start", "--rpc", node.url(), "--floor", "1usd/h"];
        let data = [
            "--port",
            "0",
            "--dev-account",
            "1",
            "--yes",
            "--data",
            text(&data),
        ];
        run(&[&start[..], &data, rest].concat()).expect("ran")
    };
    let dead = ["--upstream", "http://127.0.0.1:1/v1"];
    refuses(&again(&dead), &["in use by another process", "--data DIR"]);
    says(&provide("stop"), &["stopping"]);

    // One that was told to leave sells nothing more, and its folder says so.
    drop(machine);
    let leave = [
        "machine",
        "leave",
        "0",
        "--dev-account",
        "1",
        "--yes",
        "--rpc",
    ];
    says(
        &run(&[&leave[..], &[node.url()]].concat()).expect("ran"),
        &["leaves"],
    );
    let small = [
        "--model",
        text(&file),
        "--engine-threads",
        "1",
        "--class",
        "all",
    ];
    refuses(&again(&small), &["machine 0 is leaving"]);
}

/// What is cheap to know is known before servers are measured: the one here is dead, and nobody comes as far as asking it.
#[tokio::test]
async fn what_a_wallet_lacks_is_said_before_servers_are_measured() {
    let node = Node::start(&["dev", "--bots", "0", "--feed", "fixed"]).await;
    let node = node.expect("started");
    let start = |who: &[&str]| -> Said {
        let folder = tempfile::tempdir().expect("a folder");
        let (data, keystore) = (folder.path().join("machine"), folder.path().join("keys"));
        let words = [
            "provide",
            "start",
            "--upstream",
            "http://127.0.0.1:1/v1",
            "--floor",
        ];
        let rest = [
            "1usd/h",
            "--rpc",
            node.url(),
            "--port",
            "0",
            "--data",
            text(&data),
        ];
        let keys = ["--keystore", text(&keystore), "--yes"];
        run(&[&words[..], &rest, &keys, who].concat()).expect("ran")
    };
    refuses(
        &start(&["--wallet", "alice"]),
        &["no wallet is called `alice`", "capstan wallet new alice"],
    );
    let poor = "0x00000000000000000000000000000000000000aa";
    refuses(
        &start(&["--wallet", poor]),
        &["the bond is 100 USDC, and wallet 0x", "has 0 USDC"],
    );
    refuses(
        &start(&["--dev-account", "1", "--fuel", "20000"]),
        &["ETH: the machine's key gets 20000 of it"],
    );
    // Whoever has it all comes as far as the server.
    refuses(&start(&["--dev-account", "1"]), &["http://127.0.0.1:1"]);
}

/// The holder asks for work of the model that runs, and the machine answers by itself.
async fn challenged(node: &Node, file: &Path) {
    let hash = capstan_compute::model::hash_file(file).expect("read");
    let ask = askCall {
        machineId: 0,
        class: capstan_compute::bundled::class_of(&hash),
        units: 100,
        withinMs: 1_000,
    };
    let call = Call {
        to: ADDRESS,
        input: ask.abi_encode().into(),
        ..Call::default()
    };
    let client = capstan_client::Node::new(node.url()).expect("an address");
    let holder = HOLDER.parse().expect("a key");
    send(&client, &holder, &call).await.expect("asked");
    let asked = Instant::now();
    loop {
        let shown = run(&["machine", "show", "0", "--json", "--rpc", node.url()]);
        let shown = json_of(&shown.expect("ran"));
        let phase = shown["challenge"]["phase"].as_str().map(str::to_owned);
        if !matches!(phase.as_deref(), Some("asked" | "drawn")) {
            // No auditor is there to agree, so nothing is proven; but it did answer.
            assert!(!shown["challenge"]["answeredMs"].is_null(), "{shown}");
            return;
        }
        assert!(asked.elapsed() < Duration::from_secs(50), "{shown}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[test]
fn what_is_missing_is_said_before_anything_begins() {
    let start = |words: &[&str]| run(&[&["provide", "start"], words].concat()).expect("ran");
    refuses_words(&start(&["--floor", "0.06usd/h"]), "--upstream");
    refuses_words(
        &start(&["--model", "x", "--floor", "0.06usd"]),
        "write an amount an hour",
    );
    refuses_words(&start(&["--model", "x"]), "--floor");
}

fn refuses_words(said: &Said, words: &str) {
    assert_eq!(said.status.code(), Some(2), "{said:?}");
    assert!(said.stderr.contains(words), "{said:?}");
}
