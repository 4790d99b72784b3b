//! `capstan lp` on the prepared world of `capstan dev`.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall as _;
use capstan_contracts::{
    erc20::IErc20,
    exchange::{self, IExchange},
};
use capstan_testing::process::{Node, Said, run};
use serde_json::{Value, json};

use crate::said::{json_of, refuses, says, world};

/// As development account 2.
fn lp(node: &Node, words: &[&str]) -> Said {
    let mut all = vec!["lp"];
    all.extend(words);
    all.extend(["--dev-account", "2", "--rpc", node.url()]);
    run(&all).expect("ran")
}

fn swap(node: &Node, words: &[&str]) -> Said {
    let mut all = vec!["swap", "--dev-account", "1", "--yes", "--rpc", node.url()];
    all.extend(words);
    run(&all).expect("ran")
}

/// CLI-11, CLI-12: what goes in is what was shown, it earns, and it comes out.
#[tokio::test]
async fn a_newcomer_provides_earns_and_leaves() {
    let node = world().await;
    says(&lp(&node, &["show"]), &["provides no liquidity"]);

    // One amount names the other: 5 of 5,000 ETH are 15,000 of 15,000,000 USDC.
    let preview = lp(&node, &["add", "0", "5 eth", "--preview"]);
    let lines = [
        "pool      #0 ETH/USDC, product",
        "put in    4.9999",
        " ETH and 15000 USDC, at most 5 ETH and 15075 USDC",
        "% of the pool for these",
        "call      exchange.addLiquidity(",
    ];
    says(&preview, &lines);
    says(&lp(&node, &["show"]), &["provides no liquidity"]);
    let done = lp(&node, &["add", "0", "5 eth", "15000 usdc", "--yes"]);
    says(
        &done,
        &["done in block", "put in 4.9999", " ETH and 15000 USDC for"],
    );
    let shown = lp(&node, &["show"]);
    says(
        &shown,
        &[
            "#0 ETH/USDC, product",
            "0.09",
            "% of the pool",
            "would be worth 10.0000",
        ],
    );

    // A swap moves the price and pays a fee; the comparison with holding says both.
    let swapped = swap(&node, &["100", "eth", "usdc"]);
    assert!(swapped.status.success(), "{swapped:?}");
    let after = json_of(&lp(&node, &["show", "--json"]));
    let number = |of: &Value| of.as_f64().expect("a number");
    let (worth, held) = (
        number(&after[0]["worthInFirst"]),
        number(&after[0]["heldInFirst"]),
    );
    assert!(worth < held && worth > held * 0.97, "{worth} {held}");

    let half = lp(&node, &["remove", "0", "50%", "--yes"]);
    says(&half, &["received", "ETH and", "USDC for"]);
    let rest = lp(&node, &["remove", "0", "--to-units", "3", "--yes"]);
    says(&rest, &["units of account 3", "received"]);
    says(&lp(&node, &["show"]), &["provides no liquidity"]);
    let units = run(&[
        "account",
        "show",
        "--dev-account",
        "2",
        "--index",
        "3",
        "--rpc",
        node.url(),
    ]);
    assert!(units.expect("ran").status.success());
}

/// CLI-11, CLI-12: the same of a range, whose fees are kept apart.
#[tokio::test]
async fn a_range_is_opened_earns_and_is_left() {
    let node = world().await;
    let owner = json!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    let pool = run(&["pool", "show", "0", "--json", "--rpc", node.url()]).expect("ran");
    let usdc = json_of(&pool)["assets"][1]["assetId"]
        .as_u64()
        .expect("a number");
    let begin = IExchange::createRangePoolCall {
        feePips: 100,
        asset0: 0,
        asset1: u32::try_from(usdc).expect("small"),
        // The root of 3,000 * 10^6 / 10^18, times 2^96.
        sqrtPriceX96: U256::from(4_339_505_179_874_779_489_431_521_u128),
    };
    let data = Bytes::from(begin.abi_encode());
    let request = json!([{"from": owner, "to": exchange::ADDRESS, "data": data}]);
    node.rpc("eth_sendTransaction", request)
        .await
        .expect("sent");
    tokio::time::sleep(Duration::from_millis(500)).await;

    refuses(
        &lp(&node, &["add", "5", "1 eth"]),
        &["say --from PRICE --to PRICE (of one ETH, in USDC)"],
    );
    refuses(
        &lp(
            &node,
            &["add", "5", "1 eth", "--from", "2000", "--to", "1000"],
        ),
        &["is not below"],
    );
    let range = ["add", "5", "10 eth", "--from", "2000", "--to", "4000"];
    let mut preview = range.to_vec();
    preview.push("--preview");
    let lines = [
        "liquidity, at least",
        "1 ETH from 1999.",
        " to 4000.",
        "call      exchange.openRange(",
    ];
    says(&lp(&node, &preview), &lines);
    let mut open = range.to_vec();
    open.push("--yes");
    says(&lp(&node, &open), &["put in 9.99", "as position #1"]);
    says(
        &lp(&node, &["show"]),
        &[
            "#1 in pool #5 ETH/USDC, range",
            "around the price",
            "none taken so far",
        ],
    );

    // The cheapest pool is this one, for a little.
    let swapped = swap(&node, &["0.01", "eth", "usdc"]);
    assert!(swapped.status.success(), "{swapped:?}");
    let shown = json_of(&lp(&node, &["show", "--json"]));
    let fees = shown[0]["feesToTake"][0]["text"].as_str().expect("text");
    assert!(
        fees.starts_with("0.000"),
        "0.01 % of a hundredth of an ETH: {fees}"
    );
    let number = |of: &Value| of.as_f64().expect("a number");
    assert!(number(&shown[0]["worthInFirst"]) <= number(&shown[0]["heldInFirst"]));

    let grown = lp(&node, &["add", "5", "1 eth", "--position", "1", "--yes"]);
    says(&grown, &["as position #1"]);
    let collected = lp(&node, &["remove", "1", "0", "--position", "--yes"]);
    says(&collected, &["received 0 ETH and 0 USDC, and", "of fees"]);
    says(&lp(&node, &["show"]), &["taken so far"]);
    says(
        &lp(&node, &["remove", "1", "--position", "--yes"]),
        &["of fees"],
    );
}

/// ACC-30, CLI-12: LP tokens go to the account and back as they are, and where they are is told apart.
#[tokio::test]
async fn lp_tokens_go_to_the_account_and_back() {
    let node = world().await;
    let add = ["add", "0", "5 eth", "15000 usdc", "--yes"];
    says(&lp(&node, &add), &["done in block"]);
    refuses(
        &lp(&node, &["withdraw", "0", "--yes"]),
        &["account 0 has no shares"],
    );
    refuses(
        &lp(&node, &["deposit", "2", "--yes"]),
        &["the wallet has no shares"],
    );
    refuses(
        &lp(&node, &["deposit", "9", "--yes"]),
        &["there is no pool 9"],
    );
    refuses(
        &lp(&node, &["deposit", "3", "--position", "--yes"]),
        &["ExchangeUnknownPosition"],
    );
    let preview = lp(&node, &["deposit", "0", "40%", "--preview"]);
    let lines = [
        "shares of pool #0 ETH/USDC",
        "from      wallet 0x3C44",
        "to        account 0 of 0x3C44",
        "call      account.execute(",
        "then shares of pool 0: ",
    ];
    says(&preview, &lines);
    let bare = json_of(&lp(&node, &["show", "--json"]));
    assert_eq!(
        bare.as_array().expect("a list").len(),
        1,
        "nothing was signed"
    );

    let done = lp(&node, &["deposit", "0", "40%", "--yes"]);
    says(&done, &["done in block", "stand on account 0 now"]);
    let shown = lp(&node, &["show"]);
    says(
        &shown,
        &[
            "pool      #0 ETH/USDC, product",
            "account 0: shares of pool 0: ",
            "if held",
        ],
    );
    let apart = json_of(&lp(&node, &["show", "--json"]));
    assert_eq!(
        (&apart[0]["poolId"], &apart[1]["account"]),
        (&json!(0), &json!(0))
    );
    // It backs a debt there, and what the debt needs stays.
    let words = ["account", "borrow", "5000", "usdc", "--yes"];
    let mut words = words.to_vec();
    words.extend(["--dev-account", "2", "--rpc", node.url()]);
    says(&run(&words).expect("ran"), &["done in block"]);
    refuses(
        &lp(&node, &["withdraw", "0", "--yes"]),
        &["AccountUnhealthy"],
    );
    let back = lp(&node, &["withdraw", "0", "10%", "--yes"]);
    says(&back, &["done in block", "are in the wallet now"]);

    // What was sent to a contract is told apart too: here to that of LP tokens of another pool.
    let pools = run(&["pool", "show", "1", "--json", "--rpc", node.url()]).expect("ran");
    let contract = json_of(&pools)["lpToken"]
        .as_str()
        .expect("an address")
        .parse::<Address>()
        .expect("an address");
    let token = run(&["pool", "show", "0", "--json", "--rpc", node.url()]).expect("ran");
    let token = json_of(&token)["lpToken"].clone();
    let send = IErc20::transferCall {
        to: contract,
        value: U256::from(1_000_000),
    };
    let from = json!("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC");
    let data = Bytes::from(send.abi_encode());
    let request = json!([{"from": from, "to": token, "data": data}]);
    let sent = node.rpc("eth_sendTransaction", request).await;
    sent.expect("sent");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let shown = lp(&node, &["show"]);
    says(
        &shown,
        &[
            &format!("lpToken {contract}: sent 0.000000000001 shares of pool #0 there"),
            "whose they are, it says",
        ],
    );
}

/// CLI-11: what would fail is said before anything is signed.
#[tokio::test]
async fn what_cannot_be_provided_is_not_signed() {
    let node = world().await;
    for (words, why) in [
        (&["add", "7", "1 eth"][..], "there is no pool 7"),
        (&["add", "0", "1 wbtc"], "pool #0 holds ETH and USDC"),
        (&["add", "0", "1 eth", "2 eth"], "ETH is named twice"),
        (&["add", "0", "0 eth"], "the amount is zero"),
        (&["add", "0", "20000 eth"], "ETH to spend"),
        (&["add", "0", "1 eth", "--full"], "has shares, not ranges"),
        (&["remove", "0"], "no shares of pool #0"),
        (&["remove", "5", "--position"], "ExchangeUnknownPosition"),
        (&["add", "0", "1 eth"], "--yes"),
    ] {
        refuses(&lp(&node, words), &[why]);
    }
}
