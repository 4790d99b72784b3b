//! `capstan admin` on a chain without anything, as its owner meets it.

use capstan_testing::process::{Node, Said, run};
use serde_json::{Value, json};

use crate::said::{refuses, says};

/// Owner of the protocol of `capstan dev --empty`, and somebody else.
const OWNER: &str = "0";
const OTHER: &str = "1";
const OTHERS_ADDRESS: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

async fn empty() -> Node {
    Node::start(&["dev", "--empty", "--block-time", "50ms"])
        .await
        .expect("started")
}

/// Runs with the node's address and a development account.
fn signed(node: &Node, account: &str, words: &[&str]) -> Said {
    let mut all = vec!["admin"];
    all.extend(words);
    all.extend(["--rpc", node.url(), "--dev-account", account, "--yes"]);
    run(&all).expect("ran")
}

fn asked(node: &Node, words: &[&str]) -> Said {
    let mut all = words.to_vec();
    all.extend(["--rpc", node.url()]);
    run(&all).expect("ran")
}

async fn sent(node: &Node) -> u128 {
    let owner = json!(["0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "latest"]);
    let nonce = node.quantity("eth_getTransactionCount", owner).await;
    nonce.expect("a nonce")
}

/// The example's file, for the gas coin.
fn coin() -> String {
    let said = run(&["admin", "list", "--example"]).expect("ran");
    let token = "\"0x5FbDB2315678afecb367f032d93F642f64180aa3\"";
    assert!(said.stdout.contains(token), "{said:?}");
    let text = said.stdout.replace(token, "\"coin\"");
    text.replace("reference = \"1.00\"", "reference = \"2000\"")
}

/// CLI-7, CLI-8, LIST-1: an asset by a file, and then its caps and pauses.
#[tokio::test]
async fn an_owner_lists_an_asset() {
    let node = empty().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("coin.toml");
    let path = file.to_str().expect("text").to_owned();
    let write = |text: &str| std::fs::write(&file, text).expect("written");

    write(&coin().replace("maintenance = \"80%\"", "maintenance = \"96%\""));
    let said = signed(&node, OWNER, &["list", &path]);
    refuses(
        &said,
        &[
            "this would fail",
            "AccountCollateralInvalid",
            "9600",
            "9400",
        ],
    );
    write(&coin().replace("quorum = 1 ", "quorums = 1 "));
    refuses(&signed(&node, OWNER, &["list", &path]), &["quorums"]);
    write(&coin());
    let said = signed(&node, OTHER, &["list", &path]);
    refuses(&said, &["Only the owner of the scope", "AdminNotOwner"]);
    let mut dry = vec!["admin", "list", &path, "--dry-run", "--json"];
    dry.extend(["--rpc", node.url(), "--dev-account", OWNER]);
    let said = run(&dry).expect("ran");
    let told: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(told["transactions"], json!([]));
    assert_eq!(sent(&node).await, 0, "nothing was signed");

    let said = signed(&node, OWNER, &["list", &path]);
    let expected = [
        "lists ETH",
        "as asset #0",
        "near 2000 USD",
        "1 reporters must agree, and 0 count now",
        "75 % to borrow, 80 % to stay",
        "call: listing.list(",
        "done in block",
    ];
    says(&said, &expected);
    says(&asked(&node, &["market", "list"]), &["#0 ETH"]);
    refuses(
        &signed(&node, OWNER, &["list", &path]),
        &["LedgerListedAlready"],
    );

    // Lower at once, higher after a day.
    let said = signed(
        &node,
        OWNER,
        &["caps", "eth", "--supply", "500_000", "--deposit", "0"],
    );
    says(
        &said,
        &["1000000 -> 500000 ETH, now", "2000000 ETH -> any, now"],
    );
    let said = signed(&node, OWNER, &["caps", "eth", "--borrow", "950_000"]);
    says(&said, &["900000 -> 950000 ETH, from 20", "in 1day"]);
    let shown = asked(&node, &["market", "show", "eth"]);
    says(&shown, &["supply cap     500000 ETH", "changes"]);
    says(
        &asked(&node, &["admin", "pending"]),
        &[
            "market of ETH",
            "borrow cap 900000 ETH -> 950000 ETH",
            "from 20",
        ],
    );
    refuses(
        &signed(&node, OWNER, &["caps", "eth", "--borrow", "950_000"]),
        &["that is so already"],
    );

    let said = signed(
        &node,
        OWNER,
        &["pause", "eth", "borrow", "flash", "border", "price"],
    );
    says(
        &said,
        &[
            "stops borrow, flash loans of ETH, now",
            "lending.pause(assetId: 0, verbs: 12)",
        ],
    );
    let shown = asked(&node, &["market", "show", "eth"]);
    says(&shown, &["borrow, wallets"]);
    let tried = [
        "account",
        "borrow",
        "1",
        "eth",
        "--dev-account",
        "1",
        "--yes",
    ];
    refuses(&asked(&node, &tried), &["verb: 4 (borrow)"]);
    refuses(
        &signed(&node, OTHER, &["resume", "eth", "borrow"]),
        &["Only the owner of the scope"],
    );
    let all = ["resume", "eth", "borrow", "flash", "border", "price"];
    says(&signed(&node, OWNER, &all), &["go on, now"]);
    says(
        &asked(&node, &["market", "show", "eth"]),
        &["paused         nothing"],
    );
}

/// CLI-7, CLI-9: factors by a ramp, a pool that stops and goes on, terms of the exchange.
#[tokio::test]
async fn an_owner_moves_factors_stops_a_pool_and_sets_terms() {
    let node = crate::said::world().await;
    // Of the prepared world the last account is the owner.
    let owner = |words: &[&str]| signed(&node, "19", words);
    let factors = ["factors", "cap", "--borrow", "45%", "--stay", "55%"];
    refuses(
        &owner(&[&factors[..], &["--over", "1day"]].concat()),
        &["AccountRampTooShort"],
    );
    refuses(
        &signed(&node, OTHER, &factors),
        &["Only the owner of the scope"],
    );
    says(
        &owner(&factors),
        &[
            "collateral CAP: to borrow 50 % -> 45 %, to stay 60 % -> 55 %",
            "step by step from 20",
            "in 1day, until 20",
            "until then it counts 50 % to borrow and 60 % to stay",
        ],
    );
    refuses(
        &owner(&["factors", "cap", "--stay", "54%"]),
        &["AccountRampUnderWay"],
    );

    refuses(&owner(&["pool", "pause", "99"]), &["there is no pool 99"]);
    says(
        &owner(&["pool", "pause", "0"]),
        &["stops swaps and new liquidity of pool #0 ETH/USDC, now"],
    );
    refuses(&owner(&["pool", "pause", "0"]), &["that is so already"]);
    says(
        &asked(&node, &["pool", "show", "0"]),
        &["swaps and new liquidity"],
    );
    says(&owner(&["pool", "resume", "0"]), &["go on, now"]);

    let said = owner(&[
        "exchange",
        "set",
        "--fee-share",
        "10%",
        "--push",
        "2%",
        "--through",
        "eth,usdc",
    ]);
    says(
        &said,
        &[
            "the protocol's part of swap fees: 0 % -> 10 %, from 20",
            "push a pool by at most 1 % -> 2 %, now",
            "through ETH -> ETH, USDC, now",
        ],
    );
    refuses(
        &owner(&["exchange", "set", "--fee-share", "26%"]),
        &["ExchangeParamOutOfRange"],
    );
    refuses(
        &owner(&["exchange", "set", "--push", "2%"]),
        &["that is so already"],
    );
    says(
        &asked(&node, &["admin", "exchange", "show"]),
        &["0 % of swap fees", "10 % from 20", "ETH, USDC"],
    );
    let collect = ["exchange", "collect", "usdc", "--to", OTHERS_ADDRESS];
    refuses(&owner(&collect), &["no fees of USDC wait"]);
    says(
        &asked(&node, &["admin", "pending"]),
        &[
            "terms of the exchange",
            "part of fees 0 % -> 10 %",
            "collateral CAP",
            "step by step until",
        ],
    );
}

/// CLI-7, CLI-8: the chain's own dollar by a file, once.
#[tokio::test]
async fn an_owner_opens_the_dollar_once() {
    let node = empty().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("usd.toml");
    let example = run(&["admin", "dollar", "--example"]).expect("ran").stdout;
    let path = file.to_str().expect("text").to_owned();
    std::fs::write(&file, example.replace("ceiling = ", "roof = ")).expect("written");
    refuses(&signed(&node, OWNER, &["dollar", &path]), &["roof"]);
    std::fs::write(&file, &example).expect("written");
    refuses(
        &signed(&node, OTHER, &["dollar", &path]),
        &["Only the owner of the scope"],
    );
    assert_eq!(sent(&node).await, 0, "nothing was signed");
    says(
        &signed(&node, OWNER, &["dollar", &path]),
        &[
            "opens the dollar as asset #0",
            "cost 4 % a year; at most 100000000 usd, and 10000000 usd at once, free again in 1day",
            "85 % to borrow, 90 % to stay",
            "dollar.open(",
        ],
    );
    assert_eq!(sent(&node).await, 3);
    refuses(
        &signed(&node, OWNER, &["dollar", &path]),
        &["open already, as asset #0"],
    );
}

/// OpenZeppelin's token, which anybody may mint, as solc made it (`testing/peers`).
const TOKEN: &str = include_str!("../../../../testing/peers/PeerToken.hex");

/// A transaction of a development account; answers the contract that it made, if it made one.
async fn transact(node: &Node, mut tx: Value) -> Value {
    tx["from"] = json!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    let hash = node.rpc("eth_sendTransaction", json!([tx])).await;
    let hash = hash.expect("taken");
    for _ in 0..200 {
        let receipt = node.rpc("eth_getTransactionReceipt", json!([hash])).await;
        let receipt = receipt.expect("an answer");
        if !receipt.is_null() {
            assert_eq!(receipt["status"], "0x1", "{receipt}");
            return receipt["contractAddress"].clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{hash} was not mined");
}

/// CLI-7: the seed of somebody else's token is approved first, to the unit; if the listing behind it would fail, not even
/// that is signed.
#[tokio::test]
async fn an_owner_lists_a_token_of_others() {
    let node = empty().await;
    let bytecode = format!("0x{}", TOKEN.trim());
    let token = transact(&node, json!({"input": bytecode, "gas": "0x300000"})).await;
    let token = token.as_str().expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token.toml");
    let path = file.to_str().expect("text").to_owned();
    let example = run(&["admin", "list", "--example"]).expect("ran").stdout;
    let example = example.replace("0x5FbDB2315678afecb367f032d93F642f64180aa3", token);
    let text = example.replace("seed = \"1\"", "seed = \"2.5\"");
    std::fs::write(&file, text).expect("written");
    let list = ["list", path.as_str()];

    let before = sent(&node).await;
    let said = signed(&node, OWNER, &list);
    refuses(&said, &["this would fail", "LedgerTokenRefused"]);
    let note = "your wallet has 0 TT, less than the seed";
    assert!(said.stdout.contains(note), "{said:?}");
    let said = signed(&node, OTHER, &list);
    refuses(&said, &["this would fail", "AdminNotOwner"]);
    assert_eq!(sent(&node).await, before, "nothing was signed");

    // mint(0xf39F..., 2500000)
    let mint = "0x40c10f19000000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb92266\
                00000000000000000000000000000000000000000000000000000000002625a0";
    transact(&node, json!({"to": token, "input": mint})).await;
    let before = sent(&node).await;
    let said = signed(&node, OWNER, &list);
    let expected = [
        "allows 2.5 TT to be taken from your wallet, for the seed",
        "lists TT",
        "as asset #0",
        "2.5 TT from your wallet, for ever",
        "done in block",
    ];
    says(&said, &expected);
    assert_eq!(said.stdout.matches("done in block").count(), 2);
    assert_eq!(sent(&node).await, before + 2);
    says(&asked(&node, &["market", "list"]), &["#0 TT"]);
    // allowance(0xf39F..., listing): nothing is left of it.
    let listing = capstan_contracts::listing::ADDRESS.into_word();
    let asks = format!(
        "0xdd62ed3e000000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb92266{listing:x}"
    );
    let left = json!([{"to": token, "input": asks}, "latest"]);
    assert_eq!(node.quantity("eth_call", left).await.expect("read"), 0);
}

/// CLI-7, CLI-9: who may do what, with its delays.
#[tokio::test]
async fn roles_are_handed_over_in_their_time() {
    let node = empty().await;
    says(
        &asked(&node, &["admin", "pending"]),
        &["nothing is announced"],
    );
    says(
        &asked(&node, &["admin", "reporters", "list"]),
        &["nobody reports"],
    );
    let add = ["reporters", "add", OTHERS_ADDRESS];
    let said = signed(&node, OWNER, &add);
    says(
        &said,
        &["grants report of oracle", "counts now", "puts 0x7099"],
    );
    says(
        &asked(&node, &["admin", "reporters", "list"]),
        &["counts now"],
    );
    refuses(&signed(&node, OWNER, &add), &["that is so already"]);
    let remove = ["reporters", "remove", OTHERS_ADDRESS];
    says(
        &signed(&node, OWNER, &remove),
        &["takes report of oracle", "out of the list"],
    );

    let said = signed(
        &node,
        OWNER,
        &["roles", "delay", "oracle", "report", "1day"],
    );
    says(&said, &["wait 1day instead of 0s: counts now"]);
    says(&signed(&node, OWNER, &add), &["counts from 20", "in 1day"]);
    let said = signed(&node, OWNER, &["roles", "delay", "oracle", "report", "0s"]);
    says(&said, &["wait 0s instead of 1day: counts from 20"]);
    let guard = [
        "roles",
        "grant",
        "lending",
        "guard",
        OTHERS_ADDRESS,
        "--for",
        "7days",
    ];
    says(
        &signed(&node, OWNER, &guard),
        &["grants guard of lending", "until 20"],
    );
    let offer = ["roles", "offer", "ledger", OTHERS_ADDRESS];
    says(
        &signed(&node, OWNER, &offer),
        &["you own it until he accepts"],
    );

    let expected = [
        "report of oracle",
        "delay of report of oracle",
        "owner of ledger",
        "when it is accepted",
        "from 20",
    ];
    says(&asked(&node, &["admin", "pending"]), &expected);
    let listed = asked(&node, &["admin", "roles", "list"]);
    says(
        &listed,
        &[
            "guard of lending",
            OTHERS_ADDRESS,
            "a grant of report of oracle waits 1day",
        ],
    );

    refuses(
        &signed(&node, OTHER, &["roles", "accept", "oracle"]),
        &["AdminNotOffered"],
    );
    says(
        &signed(&node, OTHER, &["roles", "accept", "ledger"]),
        &["ledger belongs to you instead of 0xf39F"],
    );
    let revoke = ["roles", "revoke", "lending", "guard", OTHERS_ADDRESS];
    says(&signed(&node, OWNER, &revoke), &["takes guard of lending"]);
    let listed = asked(&node, &["admin", "roles", "list", "--json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    let guards = listed["grants"].as_array().expect("a list").iter();
    assert_eq!(guards.filter(|grant| grant["name"] == "guard").count(), 0);
    refuses(
        &signed(
            &node,
            OWNER,
            &["roles", "grant", "lending", "king", OTHERS_ADDRESS],
        ),
        &["lending has no role `king`"],
    );
}
