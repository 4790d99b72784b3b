//! A gateway in a process of its own, killed in the middle of streams.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use capstan_compute::{
    gateway::{Bounds, Gateway, Prices, Settings, serve},
    keys::{Ledger, Limits, Secret, system_clock},
    money::Dollars,
    upstream::{Http, Pool, PoolSettings, Upstream},
};
use futures::StreamExt as _;

use crate::{
    fake::Fake,
    world::{PRICES, Told, chat, http_settings, words},
};

/// Folder, port and server of the gateway that [`gateway_in_a_process`] is.
const VARIABLE: &str = "CAPSTAN_TEST_GATEWAY";

/// Not a test: what [`start`] runs, this program being the only one that is certainly built.
#[test]
#[ignore = "a process for the tests here"]
fn gateway_in_a_process() {
    let Ok(words) = std::env::var(VARIABLE) else {
        return;
    };
    let [folder, port, url]: [&str; 3] = words
        .split(' ')
        .collect::<Vec<_>>()
        .try_into()
        .expect("three words");
    let ledger = Ledger::open(Path::new(folder), system_clock()).expect("opens");
    let upstream = Http::new(url, None, http_settings()).expect("an address");
    let settings = Settings {
        prices: Prices::from_toml(PRICES).expect("prices"),
        bounds: Bounds {
            mark: Duration::from_millis(100),
            ..Bounds::default()
        },
        admin: Secret::owners(),
        allow_hosts: Vec::new(),
        keep: None,
    };
    let upstreams = vec![Arc::new(upstream) as Arc<dyn Upstream>];
    let gateway = Gateway::new(
        ledger,
        Pool::new(upstreams, PoolSettings::default()),
        settings,
    );
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await;
        serve(listener.expect("the port"), gateway, std::future::pending()).await;
    });
}

struct Process(Child);

impl Process {
    /// Kills as `kill -9` does, and waits until it is gone.
    fn kill(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("gone");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn start(folder: &Path, port: u16, fake: &Fake) -> Process {
    let words = format!("{} {port} {}", folder.display(), fake.url());
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "kill::gateway_in_a_process",
            "--ignored",
            "--nocapture",
        ])
        .env(VARIABLE, words)
        .stdout(Stdio::null())
        .spawn();
    let process = Process(child.expect("started"));
    for _ in 0..400 {
        let health = client()
            .get(format!("http://127.0.0.1:{port}/health"))
            .send()
            .await;
        if health.is_ok_and(|health| health.status() == 200) {
            return process;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the gateway does not answer");
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
}

/// What one client heard until its stream ended, however it ended.
async fn listen(port: u16, key: &str, script: &str) -> String {
    let mut asked = chat(script);
    asked["stream"] = true.into();
    let url = format!("http://127.0.0.1:{port}/v1/chat/completions");
    let Ok(response) = client()
        .post(url)
        .bearer_auth(key)
        .json(&asked)
        .send()
        .await
    else {
        return String::new();
    };
    let mut parts = response.bytes_stream();
    let mut heard = Vec::new();
    while let Some(Ok(part)) = parts.next().await {
        heard.extend_from_slice(&part);
    }
    // A part that was cut in the middle was not heard.
    let end = heard
        .windows(2)
        .rposition(|two| two == b"\n\n")
        .map_or(0, |at| at + 2);
    String::from_utf8_lossy(&heard[..end]).into_owned()
}

/// GW-2, GW-3, GW-4: kill -9 in the middle of streams, three times over one folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn gw_2_a_killed_gateway_charges_nothing_twice_and_forgets_nothing() {
    let fake = Fake::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let port = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("one")
        .port();
    let ledger = Ledger::open(folder.path(), system_clock()).expect("opens");
    let made = ledger
        .add_key("k".into(), Limits::default())
        .await
        .expect("made");
    let key = made.0.reveal().to_owned();
    drop(ledger);
    let mut charged = Dollars::ZERO;
    let mut whole_cost = 0_u128;
    for life in 0..3 {
        let mut process = start(folder.path(), port, &fake).await;
        // Some end before the kill, most are in the middle.
        let quick = futures::future::join_all((0..4).map(|_| listen(port, &key, "count 5"))).await;
        let slow = (0..20).map(|_| {
            let key = key.clone();
            tokio::spawn(async move { listen(port, &key, "count 90 by 25ms").await })
        });
        let slow: Vec<_> = slow.collect();
        tokio::time::sleep(Duration::from_millis(900)).await;
        process.kill();
        for heard in &quick {
            let told = Told::of(heard);
            assert!(told.is_done && told.text == words(5), "{heard}");
            whole_cost += 10;
        }
        let mut heard_tokens = 0;
        for one in slow {
            let told = Told::of(&one.await.expect("ends"));
            assert!(
                !told.is_done && words(90).starts_with(&told.text),
                "{told:?}"
            );
            heard_tokens += told.text.len() / 4;
        }
        assert!(heard_tokens > 20 * 5, "{heard_tokens}");
        // The next start settles what was at work: no more than was heard, and no less than the marks.
        let ledger = Ledger::open(folder.path(), system_clock()).expect("opens");
        let view = ledger.keys().remove(0);
        assert!(view.reserved.is_zero(), "life {life}: {view:?}");
        let now = view.key.spent;
        let receipts = ledger.overview(1_000).expect("reads").receipts;
        let sum: u128 = receipts.iter().map(|receipt| receipt.receipt.cost).sum();
        assert_eq!(
            now.atto(),
            sum,
            "life {life}: every charge has a receipt, and each its own"
        );
        assert!(receipts.iter().all(|receipt| receipt.verify().is_ok()));
        let cut = receipts
            .iter()
            .filter(|receipt| receipt.receipt.outcome == 4);
        let cut_tokens: u64 = cut
            .take(20)
            .map(|receipt| receipt.receipt.outputUnits)
            .sum();
        let heard = u64::try_from(heard_tokens).expect("small");
        assert!(
            cut_tokens <= heard + 20,
            "life {life}: charged {cut_tokens}, heard {heard}"
        );
        assert!(
            cut_tokens * 2 >= heard,
            "life {life}: charged {cut_tokens}, heard {heard}"
        );
        assert!(now > charged);
        charged = now;
        // Opening once more changes nothing.
        drop(ledger);
        let again = Ledger::open(folder.path(), system_clock()).expect("opens");
        assert_eq!(again.keys().remove(0).key.spent, charged);
    }
    let ledger = Ledger::open(folder.path(), system_clock()).expect("opens");
    let receipts = ledger.overview(1_000).expect("reads").receipts;
    let whole = receipts
        .iter()
        .filter(|receipt| receipt.receipt.outcome == 0);
    let whole: u128 = whole.map(|receipt| receipt.receipt.cost).sum();
    assert_eq!(
        whole,
        whole_cost * 10_u128.pow(15),
        "GW-4: an end that was heard is on disk"
    );
}
