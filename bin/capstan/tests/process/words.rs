//! A server of one's own, before which a machine sells a class that is judged by words: whoever answers with the weights that he
//! named is paid, and proves what he can do; whoever puts others behind the same name loses by it.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, address};
use capstan_compute::{
    audit::Ground,
    model::hash_file,
    testkit::{Draft, tiny_ascii},
};
use capstan_contracts::{
    admin::{self, IAdmin::grantRoleCall},
    jobs,
    machines::{
        self,
        IMachines::{capacityCall, machineCall},
    },
};
use capstan_testing::process::{capstan, run, text};
use serde_json::{Value, json};

use crate::network::{Program, Scene, http};

/// The well-known account 5, which audits here.
const AUDITOR: Address = address!("9965507D1a55bcC2695C58ba16FB37d819B0A4dc");
const CLASS: u32 = 61;
/// By which the machine and its server know each other.
const KEY_VARIABLE: &str = "CAPSTAN_TEST_SERVER_KEY";
/// How long claims may take to be paid, beside builds.
const PATIENCE: Duration = Duration::from_secs(120);

/// A model server that nobody here knows more of than its address: a gateway that stands alone before some weights.
pub(crate) struct Server {
    data: PathBuf,
    port: u16,
    running: Option<Program>,
    key: String,
}

impl Server {
    /// Of the model that a file is named after.
    pub(crate) fn start(data: &Path, model: &Path) -> Self {
        let free = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let mut server = Self {
            data: data.to_owned(),
            port,
            running: None,
            key: String::new(),
        };
        server.serve(model);
        let made = run(&["key", "new", "--data", text(data)]).expect("ran");
        assert!(made.status.success(), "{made:?}");
        server.key = made.stdout.trim().to_owned();
        server
    }

    /// Serves these weights from now on, at the same address.
    fn serve(&mut self, model: &Path) {
        drop(self.running.take());
        let port = self.port.to_string();
        let words = [
            "gateway",
            "--model",
            text(model),
            "--engine-threads",
            "1",
            "--port",
            &port,
            "--data",
            text(&self.data),
        ];
        self.running = Some(Program::start(&words, " at ").0);
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }
}

/// A model's file in a folder of its own, so that others may have the same name.
fn written(scene: &Scene, folder: &str, draft: &Draft) -> PathBuf {
    let folder = scene.path(folder);
    std::fs::create_dir(&folder).expect("made");
    let file = folder.join("spoken.gguf");
    draft.write(&file).expect("written");
    file
}

/// Words that start a machine before a server that lists a model of these weights.
fn provider(scene: &Scene, url: &str, key: &str, (model, weights): (&str, &Path)) -> Command {
    let runs = format!("{model}={}", text(weights));
    let mut words = scene.machine_words("machine", &CLASS.to_string());
    let servers = [
        "--upstream",
        url,
        "--upstream-key-env",
        KEY_VARIABLE,
        "--runs",
        &runs,
        "--floor",
        "0.0001usd/h",
    ];
    words.extend(servers.map(str::to_owned));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut command = capstan(&words).expect("built");
    command.env(KEY_VARIABLE, key);
    command
}

/// Auditors with these weights.
async fn auditor(scene: &Scene, weights: &Path) -> Program {
    for scope in [jobs::ADDRESS, machines::ADDRESS] {
        let grant = grantRoleCall {
            scope,
            role: jobs::AUDIT,
            holder: AUDITOR,
            expiresMs: 0,
        };
        scene.owner_says_to(admin::ADDRESS, &grant).await;
    }
    let words = [
        "audit",
        "run",
        "--rpc",
        scene.node.url(),
        "--dev-account",
        "5",
        "--engine-threads",
        "1",
        "--model",
        text(weights),
    ];
    Program::start(&words, "auditing ").0
}

/// Asks until somebody answers.
async fn bought(url: &str, key: &str, model: &str, temperature: f64) -> String {
    let asked = json!({"model": model, "max_tokens": 48, "temperature": temperature,
                       "messages": [{"role": "user", "content": "What is a capstan?"}]});
    let begun = Instant::now();
    loop {
        let request = http().post(format!("{url}/chat/completions"));
        let answer = request.bearer_auth(key).json(&asked).send().await;
        let answer = answer.expect("answered");
        let status = answer.status();
        let told: Value = answer.json().await.expect("JSON");
        if status == 200 {
            let said = &told["choices"][0]["message"]["content"];
            return said.as_str().expect("a text").to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "{status}: {told}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Waits until a machine has proven that it can do something.
async fn proven(scene: &Scene, machine_id: u64) -> u64 {
    let begun = Instant::now();
    let capacity = capacityCall {
        machineId: machine_id,
        class: CLASS,
    };
    loop {
        let proven = scene.node.view(machines::ADDRESS, &capacity).await;
        let per_hour = proven.expect("read").perHour;
        if per_hour > 0 {
            return per_hour;
        }
        assert!(begun.elapsed() < PATIENCE, "nothing is proven");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// AUD-16, AUD-18, NET-10, PROV-7
#[tokio::test(flavor = "multi_thread")]
async fn aud_16_a_server_of_ones_own_is_paid_for_its_words() {
    let scene = Scene::open_with(&[], Duration::from_secs(6)).await;
    let weights = written(&scene, "named", &tiny_ascii(1));
    let others = written(&scene, "others", &tiny_ascii(2));
    let program = B256::from(hash_file(&weights).expect("read"));
    let in_words = Ground::Words.hash("Q4_1");
    scene.open_class(CLASS, program, in_words).await;
    let classes = run(&["jobs", "classes", "--rpc", scene.node.url()]).expect("ran");
    assert!(classes.stdout.contains("Q4_1 words-1"), "{classes:?}");

    let _auditor = auditor(&scene, &weights).await;
    let mut server = Server::start(&scene.path("server"), &others);
    // PROV-7: what answers otherwise than its owner says is found before anything is signed.
    let refused = provider(&scene, &server.url(), &server.key, ("spoken", &weights))
        .stdin(Stdio::null())
        .output()
        .expect("ran");
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{told}");
    assert!(told.contains("does not say what"), "{told}");

    server.serve(&weights);
    let started = provider(&scene, &server.url(), &server.key, ("spoken", &weights));
    let (machine, _) = Program::start_with(started, "selling at ");
    let machine_id = machine.machine_id();
    let (_gateway, url) = scene.gateway();
    let key = scene.key();
    for temperature in [0.0, 0.7, 1.0] {
        let said = bought(&url, &key, "spoken", temperature).await;
        assert!(!said.is_empty());
    }
    // NET-10: what nobody could judge is not begun.
    let asked = json!({"model": "spoken", "max_tokens": 8, "top_p": 0.5,
                       "messages": [{"role": "user", "content": "hello"}]});
    let request = http().post(format!("{url}/chat/completions"));
    let answer = request.bearer_auth(&key).json(&asked).send().await;
    let answer = answer.expect("answered");
    assert_eq!(answer.status(), 400, "{:?}", answer.text().await);

    let record = scene.settled(machine_id, 3).await;
    assert_eq!((record.receiptsPaid, record.receiptsVoid), (3, 0));
    // AUD-18: it recited, and auditors heard that it can.
    proven(&scene, machine_id).await;

    // Other weights behind the same name.
    let machine_of = machineCall {
        machineId: machine_id,
    };
    let before = scene.node.view(machines::ADDRESS, &machine_of).await;
    server.serve(&others);
    for temperature in [0.0, 0.3] {
        bought(&url, &key, "spoken", temperature).await;
    }
    let record = scene.settled(machine_id, 5).await;
    assert!(record.receiptsVoid > 0, "{record:?}");
    let after = scene.node.view(machines::ADDRESS, &machine_of).await;
    assert!(after.expect("read").bond < before.expect("read").bond);
}

/// What a server lists first.
async fn listed(url: &str) -> String {
    let begun = Instant::now();
    loop {
        let told = http().get(format!("{url}/models")).send().await;
        if let Ok(told) = told
            && let Ok(told) = told.json::<Value>().await
            && let Some(id) = told["data"][0]["id"].as_str()
        {
            return id.to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "{url} lists nothing");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Who has a server already: llama.cpp's own, before the real model, sells to a stranger, is audited, and proves what it can do.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the real model and llama.cpp: cargo xtask test compute"]
async fn journey_of_who_has_a_server() {
    let Some(python) = std::env::var_os("CAPSTAN_TEST_PYTHON") else {
        panic!("cargo xtask test compute says where llama.cpp lies");
    };
    let weights = crate::journeys::model();
    let free = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = free.local_addr().expect("an address").port().to_string();
    drop(free);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testing/compute/server.py");
    let mut server = Command::new(python);
    server.arg(script).arg(&weights).arg(port);
    let (_server, url) = Program::start_with(server, "listening at ");
    let model = listed(&url).await;

    let scene = Scene::open_with(&[], Duration::from_secs(10)).await;
    let program = B256::from(hash_file(&weights).expect("read"));
    let in_words = Ground::Words.hash("Q4_1");
    scene.open_class(CLASS, program, in_words).await;
    let _auditor = auditor(&scene, &weights).await;
    let started = provider(&scene, &url, "none", (&model, &weights));
    let (machine, _) = Program::start_with(started, "selling at ");
    let machine_id = machine.machine_id();
    let (_gateway, url) = scene.gateway();
    let key = scene.key();
    for temperature in [0.0, 0.3, 0.7, 1.0, 1.0, 1.0] {
        let said = bought(&url, &key, &model, temperature).await;
        assert!(!said.is_empty());
    }
    let record = scene.settled(machine_id, 6).await;
    assert_eq!((record.receiptsPaid, record.receiptsVoid), (6, 0));
    let per_hour = proven(&scene, machine_id).await;
    println!("llama.cpp: 6 answers paid, none void; {per_hour} units an hour proven");
}
