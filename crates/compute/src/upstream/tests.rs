use std::{sync::Arc, time::Duration};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn object(value: Value) -> Object {
    value.as_object().cloned().expect("an object")
}

proptest! {
    /// However a stream of events is cut into pieces, the events are the same.
    #[test]
    fn events_do_not_depend_on_how_they_travel(
        texts in proptest::collection::vec("[^\r\n]{0,40}", 0..8),
        ends in proptest::collection::vec(proptest::bool::ANY, 8),
        cuts in proptest::collection::vec(1_usize..9, 1..200),
    ) {
        let mut wire = Vec::new();
        for (text, crlf) in texts.iter().zip(ends) {
            let end = if crlf { "\r\n" } else { "\n" };
            wire.extend(format!(": comment{end}event: x{end}data: {text}{end}{end}").bytes());
        }
        let mut sse = Sse::new(1_000);
        let mut events = Vec::new();
        let mut rest = wire.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, later) = rest.split_at((*cut).min(rest.len()));
            events.extend(sse.push(piece).expect("short"));
            rest = later;
        }
        let expected: Vec<_> = texts.iter().map(|text| text.clone().into_bytes()).collect();
        prop_assert_eq!(events, expected);
        prop_assert!(!sse.is_in_the_middle());
    }

    /// RCPT-3
    #[test]
    fn rcpt_3_an_answer_hashes_the_same_however_it_was_cut(text in "\\PC{0,60}", cut in 1_usize..7) {
        let mut streamed = Answer::default();
        let letters: Vec<char> = text.chars().collect();
        for piece in letters.chunks(cut) {
            let piece: String = piece.iter().collect();
            streamed.add(&chunk::text(Kind::Chat, "m", 0, &piece));
        }
        streamed.add(&chunk::finish(Kind::Chat, "m", 0, "stop"));
        let mut whole = Answer::default();
        whole.add_whole(&object(json!({"choices": [{
            "index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop",
        }]})));
        prop_assert_eq!(streamed.hash(), whole.hash());
        prop_assert_eq!(streamed.text_bytes(), whole.text_bytes());
        prop_assert!(streamed.is_finished());
    }
}

#[test]
fn events_that_are_too_long_are_refused() {
    assert!(Sse::new(10).push(b"data: 0123456789").is_err());
    assert!(Sse::new(10).push(b"data: 01234\ndata: 56789\n").is_err());
    let mut several = Sse::new(10);
    assert_eq!(
        several.push(b"data: a\ndata: b\n\n"),
        Ok(vec![b"a\nb".to_vec()])
    );
}

#[test]
fn tools_grow_over_parts() {
    let mut answer = Answer::default();
    for call in [
        json!({"index": 0, "id": "c1", "function": {"name": "look", "arguments": ""}}),
        json!({"index": 0, "function": {"arguments": "{\"at\":"}}),
        json!({"index": 0, "function": {"arguments": "1}"}}),
    ] {
        answer.add(&object(
            json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}),
        ));
    }
    assert!(!answer.can_be_replayed());
    let tools = json!([{"arguments": "{\"at\":1}", "id": "c1", "name": "look"}]);
    assert_eq!(answer.canonical()[0]["tool_calls"], tools);
}

#[test]
fn faults_of_a_status_keep_what_helps_and_drop_what_harms() {
    let check = |status, text: &str, code: &str, words: &str| {
        let fault = Fault::of_status(status, None, text);
        assert_eq!(fault.code(), code, "{fault}");
        let said = match &fault {
            Fault::Request { body, .. } => body.to_string(),
            other => other.to_string(),
        };
        assert!(said.contains(words) && said.len() < 800, "{said}");
    };
    let long = format!(
        "{{\"error\": {{\"message\": \"too long{}\"}}}}",
        "x".repeat(10_000)
    );
    check(400, &long, "request_refused", "too long");
    check(400, "<html>no</html>", "request_refused", "<html>no");
    check(422, r#"{"detail": 5}"#, "request_refused", "detail");
    check(
        500,
        r#"{"error": "out of memory\u001b[31m"}"#,
        "upstream_error",
        "out of memory[31m",
    );
    check(503, "", "upstream_error", "503");
    check(401, "", "upstream_refused", "401");
    check(429, "", "upstream_busy", "busy");
}

/// An engine in this process, as the bundled one will be.
#[derive(Debug)]
struct Parrot(&'static str);

impl Upstream for Parrot {
    fn name(&self) -> &str {
        self.0
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<Model>, Fault>> {
        let model = Model {
            id: "parrot".to_owned(),
            program: None,
            quantisation: None,
        };
        async { Ok(vec![model]) }.boxed()
    }

    fn stream(&self, ask: &Ask) -> BoxFuture<'static, Result<Chunks, Fault>> {
        let (kind, model) = (ask.kind, ask.model.clone());
        let claim = Claim {
            input_tokens: 3,
            output_tokens: 2,
        };
        let parts = [
            chunk::text(kind, &model, 0, "hello "),
            chunk::text(kind, &model, 0, "world"),
            chunk::finish(kind, &model, 0, "stop"),
            chunk::usage(kind, &model, claim),
        ];
        async move { Ok(stream::iter(parts.map(Ok)).boxed()) }.boxed()
    }

    fn whole(&self, ask: &Ask) -> BoxFuture<'static, Result<Object, Fault>> {
        let (kind, model, chunks) = (ask.kind, ask.model.clone(), self.stream(ask));
        async move { gather(kind, &model, chunks.await?).await }.boxed()
    }
}

#[tokio::test]
async fn an_engine_in_this_process_is_an_upstream() {
    let ask = Ask {
        kind: Kind::Chat,
        model: "parrot".to_owned(),
        body: Object::new(),
        aside: Aside::default(),
        bounds: AskBounds::default(),
    };
    let whole = Parrot("p").whole(&ask).await.expect("answers");
    assert_eq!(whole["choices"][0]["message"]["content"], "hello world");
    assert_eq!(whole["usage"]["total_tokens"], 5);
}

fn pool(settings: PoolSettings) -> Arc<Pool> {
    Pool::new(
        vec![Arc::new(Parrot("own")), Arc::new(Parrot("other"))],
        settings,
    )
}

#[tokio::test]
async fn the_own_server_comes_first_and_the_next_takes_what_overflows() {
    let settings = PoolSettings {
        parallel: 1,
        queue: 1,
        wait: Duration::from_millis(300),
    };
    let pool = pool(settings);
    let first = pool.place("m", &[]).await.expect("a place");
    assert_eq!(first.upstream().name(), "own");
    let second = pool.place("m", &[]).await.expect("a place");
    assert_eq!(second.upstream().name(), "other");
    // One waits, the next is one too many.
    let waiting = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.place("m", &[]).await.map(|place| place.at()) }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(pool.waiting(), 1);
    assert_eq!(pool.place("m", &[]).await.err(), Some(NoPlace::Full));
    drop(first);
    assert_eq!(waiting.await.expect("ends"), Ok(0));
    // A wait has an end.
    let third = pool.place("m", &[]).await.expect("freed");
    assert_eq!(pool.place("m", &[]).await.err(), Some(NoPlace::Full));
    assert_eq!(pool.waiting(), 0);
    drop((second, third));
}

#[tokio::test]
async fn a_server_that_fails_is_left_alone_for_a_while() {
    let pool = pool(PoolSettings::default());
    let place = pool.place("m", &[]).await.expect("a place");
    place.failed(&Fault::Cut);
    drop(place);
    let place = pool.place("m", &[]).await.expect("a place");
    assert_eq!(place.upstream().name(), "other");
    place.failed(&Fault::Busy {
        wait: Some(Duration::from_secs(9)),
        message: "ask later".to_owned(),
    });
    drop(place);
    let none = pool.place("m", &[]).await.err();
    assert!(
        matches!(none, Some(NoPlace::NoneIsWell(left)) if left <= Duration::from_secs(1)),
        "{none:?}"
    );
    assert_eq!(
        pool.place("m", &[0, 1]).await.err(),
        Some(NoPlace::AllTried)
    );
    // A request that is at fault itself closes nobody, and a look opens them.
    pool.look().await;
    let place = pool.place("parrot", &[]).await.expect("a place");
    place.failed(&Fault::Request {
        status: 400,
        body: Value::Null,
    });
    drop(place);
    // Nor does one that a single machine declines: the next is tried, and this one is asked again.
    let place = pool.place("parrot", &[]).await.expect("a place");
    let declined = Fault::Declined {
        status: 400,
        body: Value::Null,
    };
    assert!(declined.is_the_servers());
    place.failed(&declined);
    drop(place);
    assert_eq!(pool.place("parrot", &[]).await.expect("a place").at(), 0);
    assert!(!pool.has("m") && pool.has("parrot"));
    let faults = &pool.view()[0].faults;
    assert_eq!(faults.get("upstream_cut"), Some(&1));
}

/// READ-5: whose energy is this host's.
#[test]
fn read_5_servers_of_this_host_are_known_by_their_address() {
    let is_here = |url: &str| {
        Http::new(url, None, HttpSettings::default())
            .expect("an address")
            .is_here()
    };
    for here in [
        "http://127.0.0.1:8000/v1",
        "http://localhost:1/v1",
        "http://[::1]:8000/v1",
        "http://127.9.0.1/v1",
    ] {
        assert!(is_here(here), "{here}");
    }
    for elsewhere in [
        "http://10.0.0.7:8000/v1",
        "http://gpu.local:8000/v1",
        "http://localhost.example/v1",
    ] {
        assert!(!is_here(elsewhere), "{elsewhere}");
    }
}
