//! The machine is its owner's again: who is at work is cut, charged for what he had, and told.

use std::time::{Duration, Instant};

use capstan_compute::keys::Limits;
use serde_json::Value;

use crate::{
    fake::Fake,
    world::{Told, World, chat, limits},
};

/// Longer than any answer of a customer goes on.
const SECOND: Duration = Duration::from_secs(1);

async fn own_key(world: &World) -> String {
    let limits = Limits {
        own: true,
        ..Limits::default()
    };
    world.new_key(limits).await
}

/// Waits until a customer's stream is under way.
async fn streaming(world: &World, script: &str) -> reqwest::Response {
    let mut body = chat(script);
    body["stream"] = true.into();
    let mut response = world.post("chat/completions", &world.key, &body).await;
    assert_eq!(response.status(), 200);
    response.chunk().await.expect("read").expect("a part");
    response
}

async fn refused(world: &World) {
    let answer = world.ask("count 1").await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let told: Value = answer.json().await.expect("JSON");
    assert_eq!(told["error"]["code"], "taken_back");
}

/// PROV-1: cut within a second, charged once for what was delivered, and said so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prov_1_a_pause_cuts_charges_and_tells() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let at_work = streaming(&world, "count 80 by 50").await;
    let paused = Instant::now();
    world.gateway.pace().pause(true);
    let rest = at_work.text().await.expect("ends");
    assert!(paused.elapsed() < SECOND, "{:?}", paused.elapsed());
    let told = Told::of(&rest);
    assert!(!told.is_done && told.comment.is_some(), "{rest}");
    assert_eq!(told.error.expect("told")["code"], "taken_back");
    refused(&world).await;
    let receipt = world.newest_receipt().await;
    assert_eq!(receipt.receipt.outcome, 4);
    assert_eq!(receipt.notes["failure"], "taken_back");
    let key = world.settled().await.key;
    assert_eq!(key.spent.atto(), receipt.receipt.cost);
    assert!(key.spent.atto() > 0 && receipt.receipt.outputUnits < 80);
    // A whole answer that was not finished was not delivered, and costs nothing.
    world.gateway.pace().pause(false);
    let asking = world.ask("count 40 by 2000");
    let (answer, ()) = tokio::join!(asking, async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.gateway.pace().pause(true);
    });
    assert_eq!(answer.status(), 503);
    assert_eq!(world.settled().await.key.spent, key.spent);
    world.gateway.pace().pause(false);
    assert_eq!(world.ask("count 1").await.status(), 200);
}

/// PROV-2
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prov_2_the_owners_own_requests_come_first() {
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let own = own_key(&world).await;
    let at_work = streaming(&world, "count 80 by 50").await;
    let mut body = chat("count 10 by 400");
    let (mine, others) = tokio::join!(world.post("chat/completions", &own, &body), at_work.text());
    assert_eq!(mine.status(), 200);
    let others = Told::of(&others.expect("ends"));
    assert_eq!(others.error.expect("told")["code"], "taken_back");
    assert!(world.gateway.pace().stance().own_at_work == 0);
    assert_eq!(world.ask("count 1").await.status(), 200);
    // Paused, it is still his.
    world.gateway.pace().pause(true);
    body["stream"] = true.into();
    let mine = world.post("chat/completions", &own, &body).await;
    let told = Told::of(&mine.text().await.expect("ends"));
    assert!(told.is_done && told.error.is_none());
    refused(&world).await;
    // The end is for all.
    let last = world.post("chat/completions", &own, &body).await;
    world.gateway.pace().stop();
    let told = Told::of(&last.text().await.expect("ends"));
    assert_eq!(told.error.expect("told")["code"], "taken_back");
    let limit = world.new_key(limits("1usd")).await;
    let late = world
        .post("chat/completions", &limit, &chat("count 1"))
        .await;
    assert_eq!(late.status(), 503);
}
