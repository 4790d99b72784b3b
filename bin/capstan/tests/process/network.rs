//! Work that is bought and sold: a chain, machines and a gateway that buys of them, each a process that may be killed.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use capstan_client::{Call, Node, Sender, job_offered};
use capstan_compute::testkit::tiny;
use capstan_contracts::jobs::{
    ADDRESS,
    IJobs::{
        JobParams, MachineRecord, ServiceClass, classesCall, closeClassCall, machineRecordCall,
        openClassCall, paramsCall, setParamsCall,
    },
    LEVEL_ONE,
};
use capstan_testing::process::{capstan, run, text};
use futures::{StreamExt as _, stream::BoxStream};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::machines::SMALL;

/// The key of the last well-known account, which owns everything of the prepared world.
const OWNER: &str = "df57089febbacf7ba0bc227dafbffa9fc08a93fdc68e1e42411a14efcf23656e";
/// The first of the classes that are opened.
const CLASS: u32 = 4_077;
/// Of USDC, which a development chain's bonds are in.
const USDC: u64 = 1_000_000;
/// How long claims may take to be paid, beside builds.
const PATIENCE: Duration = Duration::from_secs(90);

/// A program that runs.
pub(crate) struct Program {
    child: Child,
    said: String,
    // Held open: a program whose reader is gone may fail when it prints.
    _out: Option<BufReader<ChildStdout>>,
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Program {
    /// Starts it, and waits until it prints a line that begins so. Answers the rest of that line's first word.
    pub(crate) fn start(words: &[&str], until: &str) -> (Self, String) {
        Self::start_with(capstan(words).expect("built"), until)
    }

    /// The same of a command that is ready.
    pub(crate) fn start_with(mut command: Command, until: &str) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("started");
        let mut out = BufReader::new(child.stdout.take().expect("stdout"));
        // From here on it is ended with this, whatever becomes of the test.
        let mut program = Self {
            child,
            said: String::new(),
            _out: None,
        };
        loop {
            let mut line = String::new();
            let read = out.read_line(&mut line).expect("a line");
            assert!(read > 0, "{command:?} ended: {}", program.said);
            program.said += &line;
            if let Some((_, rest)) = line.split_once(until) {
                let word = rest.split_whitespace().next().unwrap_or_default();
                let word = word.to_owned();
                program._out = Some(out);
                return (program, word);
            }
        }
    }

    /// The machine that it said it is.
    pub(crate) fn machine_id(&self) -> u64 {
        let lines = self.said.lines();
        let mut ids = lines.filter_map(|line| {
            line.strip_prefix("machine ")?
                .split_once(' ')?
                .0
                .parse()
                .ok()
        });
        ids.next_back().expect("a machine")
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder, and the chain in it.
pub(crate) struct Scene {
    folder: tempfile::TempDir,
    port: u16,
    chain: Option<Program>,
    pub(crate) node: Node,
}

impl Scene {
    /// A chain that takes machines of classes whose programs have these hashes.
    async fn open(programs: &[B256]) -> Self {
        Self::open_with(programs, Duration::from_secs(1)).await
    }

    /// The same, on which auditors have so long to commit, and to show what they found.
    pub(crate) async fn open_with(programs: &[B256], audit: Duration) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = {
            let free = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
            free.local_addr().expect("an address").port()
        };
        let node = Node::new(&format!("http://127.0.0.1:{port}")).expect("an address");
        let mut scene = Self {
            folder,
            port,
            chain: None,
            node,
        };
        scene.start().await;
        scene.open_jobs(programs, audit).await;
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the chain on its folder and port.
    async fn start(&mut self) {
        let (data, port) = (self.path("chain"), self.port.to_string());
        let words = [
            "dev",
            "--feed",
            "fixed",
            "--bots",
            "0",
            "--block-time",
            "100ms",
            "--data",
            text(&data),
            "--port",
            &port,
        ];
        // It tells of each transaction, and nobody listens here.
        let mut chain = capstan(&words).expect("built");
        let child = chain.stdout(Stdio::null()).spawn().expect("started");
        let begun = Instant::now();
        while self.node.chain_id().await.is_err() {
            assert!(begun.elapsed() < PATIENCE, "the chain does not answer");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.chain = Some(Program {
            child,
            said: String::new(),
            _out: None,
        });
    }

    async fn owner_says(&self, call: &impl SolCall) {
        self.owner_says_to(ADDRESS, call).await;
    }

    /// What the owner of everything says to a contract.
    pub(crate) async fn owner_says_to(&self, to: Address, call: &impl SolCall) {
        let owner = Sender::new(OWNER.parse().expect("a key"));
        let call = Call {
            to,
            input: call.abi_encode().into(),
            ..Call::default()
        };
        owner.send(&self.node, &call).await.expect("taken");
    }

    async fn open_jobs(&self, programs: &[B256], audit: Duration) {
        let audit_ms = u64::try_from(audit.as_millis()).expect("it is short");
        let params = self.node.view(ADDRESS, &paramsCall {}).await.expect("read");
        if params.current.epochMs == 0 {
            let params = JobParams {
                assetId: usdc(&self.node).await,
                epochMs: 5_000,
                holdMs: 3_600_000,
                showMs: 5_000,
                commitMs: audit_ms,
                revealMs: audit_ms,
                auditPpm: 1_000_000,
                detectPpm: 900_000,
                feeBps: 100,
                feeFlat: U256::ZERO,
                probationUnits: 1_000_000,
                quorum: 1,
                auditPay: U256::ZERO,
            };
            self.owner_says(&setParamsCall { params }).await;
        }
        let known = self
            .node
            .view(ADDRESS, &classesCall {})
            .await
            .expect("read");
        for (class_id, program) in (CLASS..).zip(programs) {
            if !known.contains(&class_id) {
                let format = B256::right_padding_from(b"Q4_1");
                self.open_class(class_id, *program, format).await;
            }
        }
    }

    pub(crate) async fn open_class(&self, class_id: u32, program: B256, quantisation: B256) {
        let class = ServiceClass {
            program,
            quantisation,
            inputPrice: U256::from(USDC),
            outputPrice: U256::from(4 * USDC),
            levelMin: LEVEL_ONE,
            levelMax: LEVEL_ONE,
            stepBps: 100,
            targetBps: 5_000,
            inputsPerOutput: 10,
            isClosed: false,
        };
        self.owner_says(&openClassCall {
            classId: class_id,
            class,
        })
        .await;
    }

    /// A machine of this folder that sells what these words say.
    pub(crate) fn machine(&self, name: &str, class: &str, servers: &[&str]) -> (Program, String) {
        let words = self.machine_words(name, class);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Program::start(&[&words[..], servers].concat(), "selling at ")
    }

    /// What starts it, but for its servers.
    pub(crate) fn machine_words(&self, name: &str, class: &str) -> Vec<String> {
        let data = self.path(name);
        let words = [
            "provide",
            "start",
            "--class",
            class,
            "--rpc",
            self.node.url(),
            "--dev-account",
            "1",
            "--yes",
            "--port",
            "0",
            "--data",
            text(&data),
        ];
        words.map(str::to_owned).to_vec()
    }

    /// The customer's gateway, and a key of it.
    pub(crate) fn gateway(&self) -> (Program, String) {
        let (data, spend) = (self.path("gateway"), self.path("spend.json"));
        if !spend.exists() {
            let words = [
                "spend",
                "open",
                "--spend",
                text(&spend),
                "--deposit",
                "5",
                "--rpc",
                self.node.url(),
                "--dev-account",
                "2",
                "--yes",
            ];
            let said = run(&words).expect("ran");
            assert!(said.status.success(), "{said:?}");
        }
        let words = [
            "gateway",
            "--network",
            self.node.url(),
            "--spend",
            text(&spend),
            "--port",
            "0",
            "--data",
            text(&data),
        ];
        Program::start(&words, " at ")
    }

    pub(crate) fn key(&self) -> String {
        let data = self.path("gateway");
        let made = run(&["key", "new", "--total", "5usd", "--data", text(&data)]).expect("ran");
        assert!(made.status.success(), "{made:?}");
        made.stdout.trim().to_owned()
    }

    pub(crate) async fn record(&self, machine_id: u64) -> MachineRecord {
        let asked = machineRecordCall {
            machineId: machine_id,
        };
        self.node.view(ADDRESS, &asked).await.expect("read")
    }

    /// Waits until so many receipts of a machine are paid, or void.
    pub(crate) async fn settled(&self, machine_id: u64, receipts: u64) -> MachineRecord {
        let begun = Instant::now();
        loop {
            let record = self.record(machine_id).await;
            if record.receiptsPaid + record.receiptsVoid >= receipts {
                return record;
            }
            assert!(begun.elapsed() < PATIENCE, "{record:?} after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn usdc(node: &Node) -> u32 {
    let terms = capstan_agents::provider::terms(node).await;
    terms.expect("machines are taken").assetId
}

pub(crate) fn http() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().build();
    client.expect("a client")
}

fn asked(model: &str, content: &str) -> Value {
    json!({"model": model, "max_tokens": 40, "temperature": 0, "stream": true,
           "messages": [{"role": "user", "content": content}]})
}

/// Asks until the gateway has found who sells.
pub(crate) async fn begin(url: &str, key: &str, body: &Value) -> reqwest::Response {
    let begun = Instant::now();
    loop {
        let request = http().post(format!("{url}/chat/completions"));
        let answer = request.bearer_auth(key).json(body).send().await;
        let answer = answer.expect("answered");
        if answer.status() == 200 {
            return answer;
        }
        let status = answer.status();
        let told = answer.text().await.unwrap_or_default();
        assert!(begun.elapsed() < PATIENCE, "{status}: {told}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Text, cost, and whether the stream came to its end.
fn heard(wire: &str) -> (String, Option<String>, bool) {
    let (mut said, mut cost) = (String::new(), None);
    for line in wire.lines() {
        if let Some((_, rest)) = line.split_once("x-capstan-cost=") {
            cost = Some(rest.trim().to_owned());
        }
        let part: Option<Value> = line
            .strip_prefix("data: ")
            .and_then(|data| serde_json::from_str(data).ok());
        if let Some(part) = part {
            said += part["choices"][0]["delta"]["content"]
                .as_str()
                .unwrap_or_default();
        }
    }
    (said, cost, wire.contains("data: [DONE]"))
}

/// The whole journey, from nothing to income: a machine with two models in the bundled engine, and a stranger who pays it for
/// both.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_paid_jobs_come_within_two_minutes() {
    let folder = tempfile::tempdir().expect("a folder");
    let models = [(1, "small"), (2, "other")].map(|(seed, name)| {
        let file = folder.path().join(format!("{name}.gguf"));
        tiny(seed, "Q4_1").write(&file).expect("written");
        (file, name)
    });
    first_paid_jobs(&models).await;
}

/// What is shown before anything is signed says what will be sold, and from which price on.
fn previews(scene: &Scene, servers: &[&str]) {
    let data = scene.path("machine");
    let words = [
        "provide",
        "start",
        "--class",
        "all",
        "--preview",
        "--port",
        "0",
    ];
    let whose = [
        "--rpc",
        scene.node.url(),
        "--dev-account",
        "1",
        "--data",
        text(&data),
    ];
    let said = run(&[&words[..], &whose, servers].concat()).expect("ran");
    let sells = format!("sells     class {CLASS} to the network, not below ");
    assert!(
        said.status.success() && said.stdout.contains(&sells),
        "{said:?}"
    );
}

/// With these files, which clients call so: each is sold as a class of its own.
pub(crate) async fn first_paid_jobs(models: &[(PathBuf, &str)]) {
    let hash = |file: &Path| B256::from(capstan_compute::model::hash_file(file).expect("read"));
    let programs = models.iter().map(|(file, _)| hash(file));
    // And one of a program that nobody here has.
    let programs: Vec<B256> = programs.chain([B256::repeat_byte(0xee)]).collect();
    let scene = Scene::open(&programs).await;
    let begun = Instant::now();
    let files = models.iter().flat_map(|(file, _)| ["--model", text(file)]);
    let rest = ["--engine-threads", "1", "--floor", "0.06usd/h"];
    let servers: Vec<_> = files.chain(rest).collect();
    previews(&scene, &servers);
    let (machine, _) = scene.machine("machine", "all", &servers);
    for (class_id, _) in (CLASS..).zip(models) {
        let sold = format!("class {class_id} to the network");
        assert!(machine.said.contains(&sold), "{}", machine.said);
    }
    let stranger = CLASS + u32::try_from(models.len()).expect("few");
    let left_out = format!("class {stranger} is left out: none of the models here");
    assert!(machine.said.contains(&left_out), "{}", machine.said);
    let (_gateway, url) = scene.gateway();
    let key = scene.key();
    let mut costs = Vec::new();
    for (_, model) in models {
        let answer = begin(&url, &key, &asked(model, "hello")).await;
        let (said, cost, is_done) = heard(&answer.text().await.expect("text"));
        assert!(is_done && !said.is_empty(), "{said}");
        let cost = cost.expect("a cost");
        assert_ne!(cost, "0usd");
        costs.push(cost);
    }
    let (cost, answered) = (costs.join(", "), begun.elapsed());
    let receipts = u64::try_from(models.len()).expect("few");
    let record = scene.settled(machine.machine_id(), receipts).await;
    assert_eq!((record.receiptsPaid, record.receiptsVoid), (receipts, 0));
    assert!(record.earned > U256::ZERO, "{record:?}");
    println!(
        "{cost}: answered {answered:?} after the machine was started, income on the chain after {:?} (loaded)",
        begun.elapsed()
    );
    assert!(
        begun.elapsed() < Duration::from_secs(120),
        "{:?}",
        begun.elapsed()
    );
    let spend = scene.path("spend.json");
    let shown = run(&[
        "spend",
        "show",
        "--json",
        "--spend",
        text(&spend),
        "--rpc",
        scene.node.url(),
    ]);
    let shown: Value = serde_json::from_str(&shown.expect("ran").stdout).expect("JSON");
    assert_ne!(shown["paid"], json!("0x0"), "{shown}");
}

/// WORLD-11: README's lines to buy, in the world in which a newcomer tries them: without a price, with a key of 5 dollars and one a
/// day. The greeting says what it pays.
#[tokio::test(flavor = "multi_thread")]
async fn world_11_who_follows_the_lines_to_buy_is_served() {
    let node = capstan_testing::process::Node::start(&SMALL).await;
    let node = node.expect("a node");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (data, spend) = (path("gateway"), path("spend.json"));
    let spends = ["--spend", text(&spend)];
    let deposits = [
        "spend",
        "open",
        "--deposit",
        "20",
        "--dev-account",
        "2",
        "--yes",
    ];
    let at = ["--rpc", node.url()];
    // Who has nothing to bring in is told so, and no key is made for him.
    let poor = ["spend", "open", "--deposit", "20", "--yes", "--wallet"];
    let poor = [&poor[..], &["0x00000000000000000000000000000000000000aa"]].concat();
    let refused = run(&[&poor[..], &spends, &at].concat()).expect("ran");
    let words = "that would bring 20 USDC in, and wallet 0x";
    assert!(
        refused.stderr.contains(words) && !spend.exists(),
        "{refused:?}"
    );
    let opened = run(&[&deposits[..], &spends, &at].concat()).expect("ran");
    assert!(opened.status.success(), "{opened:?}");
    let shown = run(&[&["spend", "show"][..], &spends, &at].concat()).expect("ran");
    assert!(
        shown.stdout.contains("may still bind all that is free"),
        "{shown:?}"
    );
    let buys = ["gateway", "--network", node.url(), "--port", "0", "--data"];
    let buys = [&buys[..], &[text(&data)], &spends].concat();
    let (gateway, _) = Program::start(&buys, "a key: ");
    let greeting = "at most 5usd read and 20usd written";
    assert!(gateway.said.contains(greeting), "{}", gateway.said);
    let url = gateway.said.split_once(" at ").expect("an address").1;
    let url = url.split_whitespace().next().expect("an address");
    let key = [
        "key", "new", "--total", "5usd", "--day", "1usd", "--name", "notebook",
    ];
    let key = run(&[&key[..], &["--data", text(&data)]].concat()).expect("ran");
    let key = key.stdout.trim().to_owned();
    // By the name that the machines have for it.
    let begun = Instant::now();
    let model = loop {
        let listed = http().get(format!("{url}/models")).bearer_auth(&key).send();
        let listed: Value = listed.await.expect("answered").json().await.expect("JSON");
        if let Some(model) = listed["data"][0]["id"].as_str() {
            break model.to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "{listed}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let answer = begin(url, &key, &asked(&model, "What is a capstan?")).await;
    let (said, cost, is_done) = heard(&answer.text().await.expect("text"));
    assert!(is_done && !said.is_empty(), "{said}");
    println!(
        "an answer of the prepared world cost {}",
        cost.expect("a cost")
    );

    // Who says other prices is greeted with those.
    let prices = path("prices.toml");
    std::fs::write(&prices, "[default]\ninput = \"1usd\"\noutput = \"2usd\"\n").expect("written");
    let other = path("other");
    let priced = [
        "--network",
        node.url(),
        "--port",
        "0",
        "--prices",
        text(&prices),
        "--data",
    ];
    let priced = [&["gateway"], &priced[..], &[text(&other)], &spends].concat();
    let (gateway, _) = Program::start(&priced, "a key: ");
    assert!(
        gateway.said.contains("at most those in "),
        "{}",
        gateway.said
    );
    assert!(!gateway.said.contains("20usd"), "{}", gateway.said);
}

/// A model server that says so many words, slowly.
async fn scripted(words: usize) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let at = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("somebody");
            tokio::spawn(serve(stream, words));
        }
    });
    format!("http://{at}/v1")
}

async fn serve(mut stream: tokio::net::TcpStream, words: usize) {
    let mut asked = vec![0; 1 << 16];
    let read = stream.read(&mut asked).await.unwrap_or_default();
    let is_list = asked[..read].starts_with(b"GET");
    let kind = if is_list {
        "application/json"
    } else {
        "text/event-stream"
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    if is_list {
        let list = b"{\"data\": [{\"id\": \"slow\"}, {\"id\": \"second\"}]}";
        let _ = stream.write_all(list).await;
        return;
    }
    let part = |text: &str, finish: Value| {
        let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": finish});
        format!("data: {}\n\n", json!({"id": "x", "choices": [choice]}))
    };
    for at in 0..words {
        if stream
            .write_all(part(&format!("w{at} "), Value::Null).as_bytes())
            .await
            .is_err()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let usage = json!({"prompt_tokens": 5, "completion_tokens": words, "total_tokens": words + 5});
    let last = part("", json!("stop"))
        + &format!(
            "data: {}\n\ndata: [DONE]\n\n",
            json!({"id": "x", "choices": [], "usage": usage})
        );
    let _ = stream.write_all(last.as_bytes()).await;
}

fn all_words(count: usize) -> String {
    (0..count).map(|at| format!("w{at} ")).collect()
}

/// Reads so many parts of an answer, and leaves the rest.
async fn some(answer: reqwest::Response, parts: usize) -> (String, BoxStream<'static, String>) {
    let read = |part: reqwest::Result<_>| {
        let part: Option<Vec<u8>> = part.ok().map(Into::into);
        String::from_utf8_lossy(&part.unwrap_or_default()).into_owned()
    };
    let mut stream = answer.bytes_stream().map(read).boxed();
    let mut wire = String::new();
    for _ in 0..parts {
        wire += &stream.next().await.expect("a part");
    }
    (wire, stream)
}

/// NET-1, NET-2, NET-5: a machine, the gateway and the node are killed in the middle of answers; nothing is charged twice, and
/// all go on.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_killed_in_the_middle_is_not_paid_twice() {
    const WORDS: usize = 40;
    let programs = [0xab, 0xac].map(B256::repeat_byte);
    let mut scene = Scene::open(&programs).await;
    let prices = scene.path("prices.toml");
    let priced = |model: &str, program: B256| {
        format!(
            "[{model}]\ninput = \"0.5usd\"\noutput = \"2usd\"\nmax_output_tokens = 100\nprogram = \"{program}\"\n"
        )
    };
    let file = priced("default", programs[0]) + &priced("models.second", programs[1]);
    std::fs::write(&prices, file).expect("written");
    let server = scripted(WORDS).await;
    let servers = ["--upstream", &server, "--prices", text(&prices)];
    let (class, both) = (CLASS.to_string(), format!("{CLASS},{}", CLASS + 1));
    let (mut first, _) = scene.machine("first", &class, &servers);
    let (mut second, _) = scene.machine("second", &both, &servers);
    let lived = second.machine_id();
    let (mut gateway, url) = scene.gateway();
    let key = scene.key();
    // 5 tokens read at 1 USDC a million, 40 written at 4.
    let (price, body) = ("0.000165usd", asked("slow", "hello"));

    // A machine in the middle of an answer: the other one goes on.
    let answer = begin(&url, &key, &body).await;
    let (mut wire, mut rest) = some(answer, 5).await;
    first.kill();
    while let Some(part) = rest.next().await {
        wire += &part;
    }
    assert_eq!(
        heard(&wire),
        (all_words(WORDS), Some(price.to_owned()), true),
        "{wire}"
    );
    let usage = spent(&scene, &key);
    assert_eq!(usage, price);

    // The gateway: whoever asks again pays for what he has, once, and the machine takes his word for what was left.
    let answer = begin(&url, &key, &body).await;
    let (_, rest) = some(answer, 5).await;
    gateway.kill();
    drop(rest);
    let (_gateway, url) = scene.gateway();
    let answer = begin(&url, &key, &body).await;
    let whole = heard(&answer.text().await.expect("text"));
    assert_eq!(whole, (all_words(WORDS), Some(price.to_owned()), true));

    // The node: what is bound already is served; the chain comes back, and pays.
    scene.chain = None;
    let answer = begin(&url, &key, &body).await;
    let whole = heard(&answer.text().await.expect("text"));
    assert_eq!(whole, (all_words(WORDS), Some(price.to_owned()), true));
    scene.start().await;
    let before = scene.record(lived).await;
    let answer = begin(&url, &key, &body).await;
    assert!(heard(&answer.text().await.expect("text")).2);

    // A machine that sold two classes comes back when one of them is closed: it begins all the same, and what it is owed of that
    // one is claimed and paid as well.
    let answer = begin(&url, &key, &asked("second", "hello")).await;
    assert!(heard(&answer.text().await.expect("text")).2);
    second.kill();
    scene
        .owner_says(&closeClassCall { classId: CLASS + 1 })
        .await;
    let (second, _) = scene.machine("second", &both, &servers);
    let closed = format!("class {} is not sold: ", CLASS + 1);
    assert!(second.said.contains(&closed), "{}", second.said);
    let left = job_offered(&scene.node, lived, CLASS + 1).await;
    assert!(!left.expect("read").expect("an offer").terms.isOpen);
    let settled = scene.settled(lived, before.receiptsPaid + 2).await;
    assert_eq!(
        (settled.receiptsVoid, scene.record(0).await.receiptsVoid),
        (0, 0),
        "{settled:?}"
    );
    let first = scene.record(0).await;
    assert_eq!(
        first.receiptsPaid, 0,
        "the machine that died gave nothing whole: {first:?}"
    );
    // Receipts of whole answers cost the same; one that was left costs less.
    let most = U256::from(165 * settled.receiptsPaid);
    assert!(settled.earned <= most, "{settled:?}");
    println!(
        "{} receipts paid to the machine that lived, {} units (loaded)",
        settled.receiptsPaid, settled.earned
    );
}

/// What a key was charged.
fn spent(scene: &Scene, key: &str) -> String {
    let data: &Path = &scene.path("gateway");
    let listed = run(&["key", "list", "--json", "--data", text(data)]).expect("ran");
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert!(key.starts_with("sk-capstan-"));
    listed[0]["spent"].as_str().expect("text").to_owned()
}
