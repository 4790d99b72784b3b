//! The machines of the prepared world: honest ones are paid, and each kind of cheat is found and loses by it.
//!
//! Everything is real: answers of an engine, receipts, vouchers of both keys, claims, draws by the block, three auditors who
//! compute.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use capstan_client::Node as Chain;
use capstan_contracts::jobs::{
    self,
    IJobs::{claimCountCall, claimOfCall, machineRecordCall, pickOfCall},
    Phase,
};
use capstan_testing::process::{Node, run, text};
use serde_json::{Value, json};

/// Prices that stand still, and nobody but a market maker beside the machines.
pub(crate) const SMALL: [&str; 7] = ["dev", "--machines", "3", "--bots", "1", "--feed", "fixed"];

/// How long a world may take to pay, beside builds.
const PATIENCE: Duration = Duration::from_secs(120);

async fn world() -> Node {
    Node::start(&SMALL).await.expect("a node")
}

/// Lets a provider cheat, and what came of it.
fn cheat(node: &Node, provider: &str, how: &str) -> Value {
    let words = [
        "dev",
        "cheat",
        "--provider",
        provider,
        how,
        "--json",
        "--rpc",
        node.url(),
    ];
    let begun = Instant::now();
    let said = run(&words).expect("ran");
    println!(
        "{how}: {:?} (loaded)\n{}{}",
        begun.elapsed(),
        said.stdout,
        said.stderr
    );
    serde_json::from_str(&said.stdout).expect("JSON")
}

/// The reason of the first claim that was void, and that the customer has back what he paid while the bond lost.
fn first_reason(told: &Value) -> u64 {
    let first = &told["void"][0];
    let amount = |name: &str| first[name].as_str().expect("an amount").to_owned();
    assert_ne!(amount("refunded"), "0x0");
    assert_ne!(amount("slashed"), "0x0");
    first["reason"].as_u64().expect("a number")
}

/// WORLD-7: honest machines earn, and nothing of theirs is void.
#[tokio::test(flavor = "multi_thread")]
async fn world_7_honest_machines_are_paid_and_nothing_of_theirs_is_void() {
    let node = world().await;
    let begun = Instant::now();
    let mut machines = Value::Null;
    loop {
        assert!(begun.elapsed() < PATIENCE, "{machines:#}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        machines = node
            .rpc("capstan_machines", json!([]))
            .await
            .expect("answered");
        let paid = paid_and_void(&node).await;
        if paid.iter().all(|(paid, _)| *paid > 0) {
            assert!(paid.iter().all(|(_, void)| *void == 0), "{paid:?}");
            println!("all three are paid after {:?} (loaded)", begun.elapsed());
            // Nobody looks for a machine where it was before this start.
            let said = node.said();
            for words in ["Connection refused", "not settled yet"] {
                assert!(!said.contains(words), "{words}: {said}");
            }
            break;
        }
    }
    let items = machines["items"].as_array().expect("a list");
    assert_eq!(items.len(), 3);
}

/// Claims of each machine that were paid, and that were void.
async fn paid_and_void(node: &Node) -> Vec<(u64, u64)> {
    let node = Chain::new(node.url()).expect("an address");
    let mut all = Vec::new();
    for machine_id in 0..3 {
        let call = machineRecordCall {
            machineId: machine_id,
        };
        let record = node.view(jobs::ADDRESS, &call).await.expect("answered");
        all.push((record.claimsPaid, record.claimsVoid));
    }
    all
}

/// Whether a receipt of the last claim is drawn, and not shown yet.
async fn has_to_show(node: &Node) -> bool {
    let chain = Chain::new(node.url()).expect("an address");
    let call = claimCountCall {};
    let last = chain.view(jobs::ADDRESS, &call).await.expect("answered");
    let call = claimOfCall { claimId: last };
    let claim = chain.view(jobs::ADDRESS, &call).await.expect("answered");
    let call = pickOfCall {
        claimId: last,
        pick: 0,
    };
    let is_drawn = claim.phase == Phase::Showing.number() && !claim.picks.is_empty();
    let pick = chain.view(jobs::ADDRESS, &call).await;
    is_drawn && pick.is_ok_and(|pick| pick.receipt.is_zero())
}

/// WORLD-10, STILL-4: a node that was killed while a machine had to show a receipt, and started again when the time for that
/// was long over, goes on: machines show what was claimed before, and are paid for it.
#[tokio::test(flavor = "multi_thread")]
async fn world_10_machines_of_a_killed_node_are_paid_for_what_they_claimed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut words = SMALL.to_vec();
    words.extend(["--data", text(folder.path())]);
    let mut node = Node::start(&words).await.expect("a node");
    let begun = Instant::now();
    let claims = async |node: &Node| {
        let chain = Chain::new(node.url()).expect("an address");
        let call = claimCountCall {};
        chain.view(jobs::ADDRESS, &call).await.expect("answered")
    };
    // The first was settled before the world was looked at.
    while claims(&node).await < 3 || !has_to_show(&node).await {
        assert!(begun.elapsed() < PATIENCE, "nothing is drawn");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    node.kill().expect("killed");
    // Longer than receipts may take to be shown.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let node = Node::start(&words).await.expect("a node again");
    let before = claims(&node).await;
    let begun = Instant::now();
    loop {
        let all = paid_and_void(&node).await;
        let paid: u64 = all.iter().map(|(paid, _)| paid).sum();
        let void: u64 = all.iter().map(|(_, void)| void).sum();
        if paid + void >= before {
            println!(
                "{paid} claims are paid and {void} void after {:?} (loaded)",
                begun.elapsed()
            );
            assert_eq!(void, 0, "{all:?}");
            let said = node.said();
            assert!(!said.contains("Connection refused"), "{said}");
            break;
        }
        // A minute of it is what the chain has to come back.
        assert!(
            begun.elapsed() < 2 * PATIENCE,
            "{all:?}, {before} were claimed"
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// WORLD-8: other weights and an old answer are wrong, and a cut one is cut short, each found while the others go on.
#[tokio::test(flavor = "multi_thread")]
async fn world_8_each_way_to_cheat_is_found_for_what_it_is() {
    let node = Arc::new(world().await);
    // The first answer of all is one that is sold again.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let all = [
        ("1", "--swap-model", 1),
        ("2", "--truncate", 2),
        ("3", "--replay", 1),
    ];
    let found = all.map(|(provider, how, reason)| {
        let node = Arc::clone(&node);
        tokio::task::spawn_blocking(move || {
            assert_eq!(first_reason(&cheat(&node, provider, how)), reason, "{how}");
        })
    });
    for one in found {
        one.await.expect("found");
    }
}

/// WORLD-8: whoever is silent is dark, is paid nothing for what he does not show, and the others go on.
#[tokio::test(flavor = "multi_thread")]
async fn world_8_a_machine_that_goes_dark_is_dark() {
    let node = world().await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let told = cheat(&node, "2", "--go-dark");
    let steps = told["steps"].to_string();
    assert!(steps.contains("the machine is dark"), "{steps}");
    for void in told["void"].as_array().expect("a list") {
        // Not shown, or withheld from auditors.
        assert!(
            [4, 5].contains(&void["reason"].as_u64().expect("a number")),
            "{void}"
        );
    }
    let machines = node
        .rpc("capstan_machines", json!([]))
        .await
        .expect("answered");
    let state = |at: usize| {
        machines["items"][at]["state"]
            .as_str()
            .expect("text")
            .to_owned()
    };
    assert_eq!(state(1), "dark");
    assert_ne!(state(0), "dark");
}

/// What cannot be done is refused in words.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_not_there_cheats_nobody() {
    let node = Node::start(&["dev", "--feed", "fixed", "--bots", "0"])
        .await
        .expect("a node");
    let words = [
        "dev",
        "cheat",
        "--provider",
        "1",
        "--replay",
        "--rpc",
        node.url(),
    ];
    let said = run(&words).expect("ran");
    assert!(!said.status.success());
    assert!(
        said.stderr.contains("no machines live on this node"),
        "{}",
        said.stderr
    );
}

/// WORLD-9: the first machine carries a debt from the start; when it goes dark, whoever lent has everything back by the steps
/// that were fixed beforehand, and each is told.
#[tokio::test(flavor = "multi_thread")]
async fn world_9_a_machine_that_owes_goes_dark() {
    owes_and_goes_dark(world().await).await;
}

/// The same in any prepared world.
pub(crate) async fn owes_and_goes_dark(node: Node) {
    let node = Arc::new(node);
    let book = node
        .rpc("capstan_income", json!([{"machine": "0x0"}]))
        .await
        .expect("answered");
    let machine = &book["machine"];
    assert_eq!(machine["principal"]["text"], "5", "{book:#}");
    assert_eq!(machine["offer"]["verifiedDays"], 1);
    let told = {
        let node = Arc::clone(&node);
        tokio::task::spawn_blocking(move || cheat(&node, "1", "--go-dark"))
    };
    // Grace and auction last minutes: once the case is open, the chain's clock is moved on.
    while !told.is_finished() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let all = node.rpc("capstan_income", json!([])).await;
        let all = all.expect("answered");
        if all["cases"]
            .as_array()
            .is_some_and(|cases| !cases.is_empty())
        {
            let moved = node.rpc("evm_increaseTime", json!([20])).await;
            moved.expect("answered");
        }
    }
    let told = told.await.expect("ended");
    let steps = told["steps"].to_string();
    for step in ["the machine is dark", "case 1 is open", "in all from bond"] {
        assert!(steps.contains(step), "{step}: {steps}");
    }
    let all = node
        .rpc("capstan_income", json!([]))
        .await
        .expect("answered");
    // What the bond lost is what it paid to lenders, whether or not a claim was void.
    assert_ne!(told["bondLost"], "0x0", "{told:#}");
    let market = &all["markets"][0];
    assert_eq!(market["lent"]["text"], "0", "{all:#}");
    assert_eq!(all["cases"][0]["stage"], "unsold", "{all:#}");
}
