//! The bundled engine behind the gateway: what it answers is charged by the token, and can be computed again from its receipt.

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use capstan_compute::{
    bundled::{Bundled, Doubt, again, class_of, output},
    engine::Engine,
    gateway::Bounds,
    testkit::tiny,
    upstream::{PoolSettings, Upstream},
};
use serde_json::{Value, json};

use crate::world::{Told, World, limits, usd};

struct Tiny {
    world: World,
    engine: Arc<Engine>,
    // The model's file.
    _folder: tempfile::TempDir,
}

impl Tiny {
    async fn start(threads: usize, answers: usize, pool: PoolSettings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tiny.gguf");
        tiny(1, "Q4_1").write(&path).expect("written");
        let engine = Engine::load(&path, threads).expect("loaded");
        let upstream = Bundled::new("tiny", Arc::clone(&engine), answers);
        let upstreams: Vec<Arc<dyn Upstream>> = vec![Arc::new(upstream)];
        let world = World::over(upstreams, pool, Bounds::default()).await;
        Self {
            world,
            engine,
            _folder: folder,
        }
    }

    async fn ask(&self, path: &str, body: &Value) -> reqwest::Response {
        self.world.post(path, &self.world.key, body).await
    }
}

fn hello() -> Value {
    json!({"model": "tiny", "messages": [{"role": "user", "content": "hello world"}],
           "max_tokens": 40, "temperature": 0.9, "seed": 5, "user": "somebody"})
}

/// BUN-1, BUN-2, BUN-3: streamed and whole alike, on another count of threads, and every change is found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bun_2_an_answer_is_computed_again_from_its_receipt() {
    let tiny = Tiny::start(2, 2, PoolSettings::default()).await;
    let ledger = tiny.world.gateway.ledger();
    let answer = tiny.ask("chat/completions", &hello()).await;
    assert_eq!(answer.status(), 200);
    let id = answer.headers()["x-capstan-receipt"]
        .to_str()
        .expect("text");
    let id = id.parse().expect("an id");
    let whole: Value = answer.json().await.expect("JSON");
    let usage = &whole["usage"];

    let signed = ledger.receipt(&id).expect("reads").expect("there");
    signed.verify().expect("holds");
    assert_eq!(signed.receipt.program.0, tiny.engine.card().sha256);
    assert_eq!(signed.notes["pinned"], true);
    assert_eq!(signed.notes["quantisation"], "Q4_1");
    assert_eq!(signed.notes["usage"], "upstream");
    assert_eq!(usage["completion_tokens"], signed.receipt.outputUnits);
    assert_eq!(usage["prompt_tokens"], signed.receipt.inputUnits);
    let evidence = ledger.evidence(&id).expect("reads").expect("kept");
    assert!(!evidence.request.contains("somebody"), "{evidence:?}");
    let found = again(&tiny.engine, &signed, &evidence).expect("holds");
    assert!(found.is_strict && found.tokens == evidence.work.choices[0].tokens.len());

    // The same seed streamed is the same answer, and has evidence of its own.
    let mut body = hello();
    body["stream"] = true.into();
    body["stream_options"] = json!({"include_usage": true});
    let told = tiny.ask("chat/completions", &body).await;
    let told = Told::of(&told.text().await.expect("text"));
    assert_eq!(told.text, whole["choices"][0]["message"]["content"]);
    assert_eq!(told.usage.expect("asked for")["usage"], *usage);
    assert!(told.is_done && told.error.is_none());

    let mut other = evidence.clone();
    other.work.choices[0].tokens[1] ^= 1;
    let doubt = again(&tiny.engine, &signed, &other);
    assert!(matches!(doubt, Err(Doubt::Evidence { .. })), "{doubt:?}");
    // Whoever signs another answer is found by computing it.
    let resign = |evidence: &_| {
        let mut notes = signed.notes.clone();
        let hash = capstan_compute::audit::Evidence::hash(evidence);
        notes.insert("evidence".to_owned(), json!(hash));
        let machine = ledger.machine();
        machine.sign(signed.receipt.clone(), notes).expect("signed")
    };
    let doubt = again(&tiny.engine, &resign(&other), &other);
    assert!(matches!(doubt, Err(Doubt::Failure { .. })), "{doubt:?}");
    let mut asked = evidence.clone();
    asked.request = asked.request.replace("hello", "hellO");
    let doubt = again(&tiny.engine, &resign(&asked), &asked);
    assert_eq!(doubt, Err(Doubt::Request));
    let mut lied = resign(&evidence);
    lied.receipt.outputUnits += 1;
    lied = ledger
        .machine()
        .sign(lied.receipt, lied.notes)
        .expect("signed");
    let doubt = again(&tiny.engine, &lied, &evidence);
    assert!(matches!(doubt, Err(Doubt::Usage { .. })), "{doubt:?}");
}

/// BUN-2 for every kind, several answers, and a bound that the key's budget set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bun_2_whatever_is_asked_can_be_computed_again() {
    let tiny = Tiny::start(1, 2, PoolSettings::default()).await;
    let ledger = tiny.world.gateway.ledger();
    let poor = tiny.world.new_key(limits("0.4usd")).await;
    let check = async |path: &str, key: &str, body: Value| -> Value {
        let answer = tiny.world.post(path, key, &body).await;
        let status = answer.status();
        let id = answer.headers().get("x-capstan-receipt").cloned();
        let told: Value = answer.json().await.expect("JSON");
        assert_eq!(status, 200, "{told}");
        let id = id.expect("a receipt");
        let id = id.to_str().expect("text").parse().expect("an id");
        let signed = ledger.receipt(&id).expect("reads").expect("there");
        let evidence = ledger.evidence(&id).expect("reads").expect("kept");
        again(&tiny.engine, &signed, &evidence).expect("holds");
        told
    };
    let key = &tiny.world.key;
    let several = json!({"model": "tiny", "prompt": ["hello", [72, 101, 108]], "n": 2, "max_tokens": 6, "temperature": 1.0});
    let told = check("completions", key, several).await;
    assert_eq!(told["choices"].as_array().map(Vec::len), Some(4));
    let texts: Vec<_> = told["choices"]
        .as_array()
        .expect("all")
        .iter()
        .map(|choice| &choice["text"])
        .collect();
    assert_ne!(texts[0], texts[1], "each answer has draws of its own");
    // No bound was asked, and this key can pay about a hundred tokens in all.
    let unbounded = json!({"model": "tiny", "prompt": "hello", "temperature": 0});
    let told = check("completions", &poor, unbounded).await;
    assert!(
        told["usage"]["completion_tokens"]
            .as_u64()
            .expect("a count")
            <= 140,
        "{told}"
    );
    let floats = check(
        "embeddings",
        key,
        json!({"model": "tiny", "input": ["hello", "world"]}),
    )
    .await;
    let packed = json!({"model": "tiny", "input": "hello", "encoding_format": "base64"});
    let packed = check("embeddings", key, packed).await;
    let first = floats["data"][0]["embedding"][0]
        .as_f64()
        .expect("a number") as f32;
    let text = packed["data"][0]["embedding"].as_str().expect("text");
    // Four letters carry three bytes: six are enough for the first number.
    let bytes: Vec<u8> = text
        .bytes()
        .take(8)
        .map(|letter| match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            _ => 63,
        })
        .collect();
    let word = bytes
        .iter()
        .fold(0_u64, |word, six| word << 6 | u64::from(*six))
        << 16;
    assert_eq!(
        f32::from_le_bytes(word.to_be_bytes()[..4].try_into().expect("four")),
        first
    );
}

/// PROV-5
#[test]
fn prov_5_a_challenge_has_one_output_on_every_count_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    tiny(1, "Q4_1").write(&path).expect("written");
    let [one, three] = [1, 3].map(|threads| Engine::load(&path, threads).expect("loaded"));
    let seed = B256::repeat_byte(7);
    let output = |engine, seed, units| output(engine, seed, units, &|| true).expect("computed");
    let said = output(&one, seed, 150);
    assert!(said.is_some());
    assert_eq!(output(&three, seed, 150), said);
    for (seed, units) in [(B256::repeat_byte(8), 150), (seed, 151)] {
        assert_ne!(output(&one, seed, units), said);
    }
    assert_ne!(class_of(&one.card().sha256), 0);
}

/// PROV-6: a challenge without end ends as soon as nobody waits for it.
#[test]
fn prov_6_a_challenge_that_nobody_waits_for_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    tiny(1, "Q4_1").write(&path).expect("written");
    let engine = Engine::load(&path, 1).expect("loaded");
    let tokens = std::sync::atomic::AtomicU32::new(0);
    let goes_on = || tokens.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 20;
    let said = output(&engine, B256::ZERO, u64::MAX, &goes_on).expect("computed");
    assert_eq!(said, None);
    let tokens = tokens.into_inner();
    assert!(tokens <= 23, "{tokens}");
}

/// BUN-4: who leaves lets the engine go, and the next in the queue has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bun_4_a_client_that_leaves_lets_the_engine_go() {
    let pool = PoolSettings {
        queue: 1,
        wait: Duration::from_secs(20),
        parallel: 64,
    };
    let tiny = Tiny::start(1, 1, pool).await;
    let idle = Arc::strong_count(&tiny.engine);
    let mut body = hello();
    body["max_tokens"] = 200.into();
    body["stream"] = true.into();
    let mut leaving = tiny.ask("chat/completions", &body).await;
    leaving.chunk().await.expect("read").expect("a part");
    drop(leaving);
    let after = tiny.ask("chat/completions", &hello()).await;
    assert_eq!(after.status(), 200);
    drop(after);
    for _ in 0..200 {
        if Arc::strong_count(&tiny.engine) == idle {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("somebody still computes for nobody");
}

/// BUN-5: what it cannot do is refused by name, and costs nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bun_5_what_it_cannot_do_is_refused_by_name() {
    let tiny = Tiny::start(1, 1, PoolSettings::default()).await;
    let check = async |path: &str, name: &str, value: Value, param: Value, words: &str| {
        let mut body = hello();
        body["prompt"] = "hello".into();
        body["input"] = "hello".into();
        body[name] = value;
        let answer = tiny.ask(path, &body).await;
        let status = answer.status();
        let told: Value = answer.json().await.expect("JSON");
        assert_eq!(status, 400, "{told}");
        assert_eq!(told["error"]["param"], param, "{told}");
        assert!(
            told["error"]["message"]
                .as_str()
                .expect("text")
                .contains(words),
            "{told}"
        );
    };
    let chat = "chat/completions";
    check(
        chat,
        "tools",
        json!([{"type": "function"}]),
        "tools".into(),
        "no tools",
    )
    .await;
    check(
        chat,
        "response_format",
        json!({"type": "json_object"}),
        "response_format".into(),
        "no form",
    )
    .await;
    check(
        chat,
        "presence_penalty",
        json!(0.5),
        "presence_penalty".into(),
        "repetition_penalty",
    )
    .await;
    check(chat, "temperature", json!(-1), Value::Null, "from 0 to 100").await;
    check(
        chat,
        "temperature",
        json!("warm"),
        "temperature".into(),
        "no number",
    )
    .await;
    check(chat, "seed", json!(1.5), "seed".into(), "no whole number").await;
    check(
        chat,
        "stop",
        json!([1]),
        "stop".into(),
        "list of at most 16 texts",
    )
    .await;
    let picture =
        json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]);
    check(chat, "messages", picture, "messages".into(), "text alone").await;
    check(
        "completions",
        "prompt",
        json!([70_000]),
        Value::Null,
        "does not exist",
    )
    .await;
    check(
        "completions",
        "prompt",
        json!("hello ".repeat(400)),
        Value::Null,
        "takes 256",
    )
    .await;
    check(
        "completions",
        "best_of",
        json!(3),
        "best_of".into(),
        "ask for `n`",
    )
    .await;
    check(
        "embeddings",
        "dimensions",
        json!(7),
        "dimensions".into(),
        "has 96",
    )
    .await;
    let view = tiny.world.settled().await;
    assert_eq!(view.key.spent, usd("0usd"));
    // What changes nothing is not refused.
    let mut body = hello();
    for (name, value) in [
        ("tools", json!([])),
        ("presence_penalty", json!(0)),
        ("response_format", json!({"type": "text"})),
        ("logprobs", json!(false)),
    ] {
        body[name] = value;
    }
    assert_eq!(tiny.ask(chat, &body).await.status(), 200);
}
