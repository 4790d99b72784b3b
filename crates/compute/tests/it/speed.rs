//! What the gateway adds to an upstream, both asked in turns in one run.

use std::time::{Duration, Instant};

use crate::{
    fake::Fake,
    world::{World, chat},
};

const ROUNDS: usize = 300;

/// `cargo nextest run -p capstan-compute --run-ignored all --no-capture adds`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measure: it prints a table"]
async fn what_the_gateway_adds() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let direct = fake.url() + "/chat/completions";
    let through = format!("{}/v1/chat/completions", world.url);
    for stream in [false, true] {
        let mut body = chat("count 10");
        body["stream"] = stream.into();
        let ask = async |url: &str| {
            let start = Instant::now();
            let request = world.http.post(url).bearer_auth(&world.key).json(&body);
            let mut response = request.send().await.expect("answered");
            assert_eq!(response.status(), 200);
            let mut first = None;
            while response.chunk().await.expect("a part").is_some() {
                first.get_or_insert_with(|| start.elapsed());
            }
            (first.unwrap_or_default(), start.elapsed())
        };
        let (mut alone, mut behind) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            alone.push(ask(&direct).await);
            behind.push(ask(&through).await);
        }
        let what = if stream { "stream" } else { "whole" };
        print(
            &format!("{what}, first part"),
            firsts(&alone),
            firsts(&behind),
        );
        print(&format!("{what}, end"), ends(&alone), ends(&behind));
    }
}

fn firsts(times: &[(Duration, Duration)]) -> Vec<Duration> {
    times.iter().map(|(first, _)| *first).collect()
}

fn ends(times: &[(Duration, Duration)]) -> Vec<Duration> {
    times.iter().map(|(_, end)| *end).collect()
}

fn print(what: &str, mut alone: Vec<Duration>, mut behind: Vec<Duration>) {
    alone.sort_unstable();
    behind.sort_unstable();
    for (name, at) in [("p50", ROUNDS / 2), ("p99", ROUNDS * 99 / 100)] {
        let adds = behind[at].saturating_sub(alone[at]);
        println!(
            "{what:20} {name}  alone {:>9.3?}  behind {:>9.3?}  adds {adds:>9.3?}",
            alone[at], behind[at]
        );
    }
}
