//! `capstan jobs` and `capstan income` on the prepared world of `capstan dev`.

use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use capstan_client::Registering;
use capstan_contracts::{
    income::{self, IIncome},
    jobs::{self, IJobs},
    machines::IMachines,
};
use capstan_testing::process::{Node, Said, run};
use serde_json::json;

use crate::said::{json_of, refuses, says, world};

/// Development accounts: the owner of the scopes, who sells, and who buys and lends.
const OWNER: Address = address!("8626f6940E2eb28930eFb4CeF49B2d1F2C9C1199");
const HOLDER: Address = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
const BUYER: Address = address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC");
const SPENDER: &str = "0x00000000000000000000000000000000000000aa";
const USDC_ONE: u64 = 1_000_000;
const CLASS: u32 = 7;

async fn send(node: &Node, from: Address, to: Address, input: Bytes) {
    let request = json!([{"from": from, "to": to, "data": input, "gas": "0x2dc6c0"}]);
    let sent = node
        .rpc("eth_sendTransaction", request)
        .await
        .expect("sent");
    for _ in 0..100 {
        let receipt = node.rpc("eth_getTransactionReceipt", json!([sent])).await;
        let receipt = receipt.expect("answers");
        if !receipt.is_null() {
            return assert_eq!(receipt["status"], "0x1", "{receipt}");
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{sent} was not mined");
}

async fn does(node: &Node, from: Address, to: Address, call: &impl SolCall) {
    send(node, from, to, call.abi_encode().into()).await;
}

/// The number of USDC.
async fn usdc(node: &Node) -> u32 {
    let markets = node
        .rpc("capstan_markets", json!([]))
        .await
        .expect("answers");
    let items = markets["items"].as_array().expect("a list");
    let found = items.iter().find(|item| item["symbol"] == "USDC");
    let number = found.expect("a market")["assetId"].clone();
    serde_json::from_value(number).expect("a number")
}

/// Work is sold in USDC, and machines may borrow it.
async fn open_rooms(node: &Node) {
    let asset = usdc(node).await;
    let params = IJobs::JobParams {
        assetId: asset,
        epochMs: 60_000,
        holdMs: 3_600_000,
        showMs: 1_000,
        commitMs: 1_000,
        revealMs: 1_000,
        auditPpm: 10_000,
        detectPpm: 1_000_000,
        feeBps: 100,
        feeFlat: U256::ZERO,
        probationUnits: 1_000,
        quorum: 1,
        auditPay: U256::ZERO,
    };
    does(node, OWNER, jobs::ADDRESS, &IJobs::setParamsCall { params }).await;
    let class = IJobs::ServiceClass {
        program: B256::repeat_byte(7),
        quantisation: B256::right_padding_from(b"Q4_1"),
        inputPrice: U256::from(USDC_ONE / 4),
        outputPrice: U256::from(USDC_ONE),
        levelMin: jobs::LEVEL_ONE / 2,
        levelMax: jobs::LEVEL_ONE * 2,
        stepBps: 1_250,
        targetBps: 5_000,
        inputsPerOutput: 4,
        isClosed: false,
    };
    let open = IJobs::openClassCall {
        classId: CLASS,
        class,
    };
    does(node, OWNER, jobs::ADDRESS, &open).await;
    let open = IIncome::openMarketCall {
        assetId: asset,
        params: IIncome::IncomeParams {
            rateBps: 1_000,
            lateBps: 2_000,
            instalments: 6,
            periodS: 86_400,
            unpaidS: 172_800,
            windowDays: 30,
            verifiedDays: 30,
            concentrationBps: 2_500,
            fractionBps: 5_000,
            bondBps: 10_000,
            feeBps: 10_000,
            lifeDays: 1_460,
            wattsMin: 350,
            firstLossBps: 1_000,
            firstLossCutBps: 2_000,
            graceMs: 86_400_000,
            auctionMs: 86_400_000,
            auctionStartBps: 15_000,
            auctionFloorBps: 1_000,
            cap: U256::from(1_000_000 * USDC_ONE),
            loanMin: U256::from(USDC_ONE),
            ..IIncome::IncomeParams::default()
        },
    };
    does(node, OWNER, income::ADDRESS, &open).await;
}

fn capstan(node: &Node, words: &[&str]) -> Said {
    let mut all = words.to_vec();
    all.extend(["--rpc", node.url()]);
    run(&all).expect("ran")
}

fn as_buyer(node: &Node, words: &[&str]) -> Said {
    let mut all = words.to_vec();
    all.extend(["--dev-account", "2"]);
    capstan(node, &all)
}

/// CLI-25: a customer brings units in, lets a key spend some, ends it, and takes out what is free; each is shown first.
#[tokio::test]
async fn cli_25_a_customer_pays_in_and_lets_keys_spend() {
    let node = world().await;
    let before = capstan(&node, &["jobs", "classes"]);
    assert!(before.status.success(), "{before:?}");
    open_rooms(&node).await;
    says(
        &capstan(&node, &["jobs", "classes"]),
        &[
            "prices are in USDC for a million units",
            "7",
            "0.25",
            "0.5 to 2",
            "Q4_1",
        ],
    );
    says(
        &capstan(&node, &["jobs", "offers", "7"]),
        &["no machine offers class 7"],
    );
    refuses(&capstan(&node, &["jobs", "offers", "8"]), &["8"]);
    let buyer = BUYER.to_string();

    let preview = as_buyer(&node, &["jobs", "deposit", "50", "--preview"]);
    says(
        &preview,
        &["bring in  50 USDC", "call", "jobs.deposit(", "50000000"],
    );
    says(
        &as_buyer(&node, &["jobs", "deposit", "50", "--yes"]),
        &["done in block"],
    );
    let poor = as_buyer(&node, &["jobs", "deposit", "999999999", "--yes"]);
    refuses(&poor, &["999999999 USDC", "to spend"]);
    says(
        &capstan(&node, &["jobs", "balance", &buyer]),
        &["free      50 USDC", "bound     0 USDC"],
    );

    let add = [
        "jobs", "key", "add", SPENDER, "--total", "20", "--each", "1", "--yes",
    ];
    says(
        &as_buyer(&node, &add),
        &[
            "in all    20 USDC",
            "1 USDC in 1day",
            "jobs.setKey(",
            "done in block",
        ],
    );
    says(
        &capstan(&node, &["jobs", "keys", &buyer]),
        &["1 USDC", "0 of 20", "1 in 1day"],
    );
    let revoke = ["jobs", "key", "revoke", SPENDER, "--yes"];
    says(&as_buyer(&node, &revoke), &["done in block"]);
    let keys = json_of(&capstan(&node, &["jobs", "keys", &buyer, "--json"]));
    assert_eq!(
        (&keys[0]["isRevoked"], &keys[0]["left"]["text"]),
        (&json!(true), &json!("0"))
    );
    refuses(&as_buyer(&node, &revoke), &["this would fail"]);

    let more = as_buyer(&node, &["jobs", "withdraw", "51", "--yes"]);
    refuses(&more, &["51 USDC", "50 USDC are free"]);
    let out = as_buyer(&node, &["jobs", "withdraw", "max", "--yes"]);
    says(
        &out,
        &["take out  50 USDC", "jobs.withdraw(", "done in block"],
    );
    says(
        &capstan(&node, &["jobs", "claims", "--customer", &buyer]),
        &["no claims"],
    );
    refuses(&capstan(&node, &["jobs", "claims"]), &["--machine"]);
    let nobody = capstan(&node, &["jobs", "claims", "--machine", "99"]);
    refuses(&nobody, &["no machine has the number 99"]);
}

/// CLI-31: what an auditor earned, and what a machine's bond is given.
#[tokio::test]
async fn cli_31_auditors_and_bonds_are_told_with_their_figures() {
    let node = world().await;
    let buyer = BUYER.to_string();
    refuses(
        &capstan(&node, &["audit", "earned", &buyer]),
        &["nothing is audited"],
    );
    open_rooms(&node).await;
    says(
        &capstan(&node, &["audit", "earned", &buyer]),
        &[
            "owed      0 USDC",
            "earned    0 USDC in all",
            "findings  0 as a quorum's",
        ],
    );
    let told = json_of(&capstan(&node, &["audit", "earned", &buyer, "--json"]));
    assert_eq!((&told["owed"], &told["agreed"]), (&json!("0x0"), &json!(0)));
    let more = as_buyer(&node, &["audit", "withdraw", "5", "--yes"]);
    refuses(&more, &["5 USDC", "0 USDC are owed"]);
    refuses(
        &as_buyer(&node, &["audit", "withdraw", "--yes"]),
        &["0 USDC are owed"],
    );

    machine(&node).await;
    says(
        &capstan(&node, &["jobs", "claims", "--machine", "0"]),
        &["no claims"],
    );
    let bond = as_buyer(&node, &["machine", "bond", "0", "25", "--yes"]);
    says(
        &bond,
        &[
            "add       25 USDC to 500 USDC",
            "machines.addBond(",
            "done in block",
        ],
    );
    says(&capstan(&node, &["machine", "show", "0"]), &["525 USDC"]);
    let poor = as_buyer(&node, &["machine", "bond", "0", "999999999999", "--yes"]);
    refuses(&poor, &["the wallet has"]);
    refuses(
        &as_buyer(&node, &["machine", "bond", "7", "1", "--yes"]),
        &["no machine has the number 7"],
    );
}

/// A machine of account 1 with a book and no income.
async fn machine(node: &Node) {
    let key = PrivateKeySigner::random();
    let registering = Registering {
        key: &key,
        holder: HOLDER,
        spec: IMachines::Spec::default(),
        bond: U256::from(500 * USDC_ONE),
        deadline_ms: u64::MAX,
    };
    let call = registering.call(31_337).expect("signed");
    send(node, HOLDER, call.to, call.input).await;
    let open = IIncome::openCall {
        machineId: 0,
        assetId: usdc(node).await,
    };
    does(node, HOLDER, income::ADDRESS, &open).await;
}

/// CLI-24, CLI-25: what a machine carries in words, and who lends to it.
#[tokio::test]
async fn cli_24_what_a_machine_carries_is_said_in_words() {
    let node = world().await;
    says(
        &capstan(&node, &["income", "market"]),
        &["no market of machine loans"],
    );
    open_rooms(&node).await;
    refuses(
        &capstan(&node, &["income", "show", "0"]),
        &["no machine has the number 0", "capstan machine list"],
    );
    refuses(
        &capstan(&node, &["jobs", "offers", "99"]),
        &["no class of work has the number 99", "capstan jobs classes"],
    );
    machine(&node).await;
    says(
        &capstan(&node, &["income", "show", "0"]),
        &[
            "earned       0 USDC",
            "you can      borrow 0 USDC today",
            "the state of the machine",
            "after 30 verified days at this use: 0 USDC, net of power",
            "owes         nothing; its title is free",
            "its bond of 500 USDC",
            "no wallet, no account, no other machine",
        ],
    );
    let told = json_of(&capstan(&node, &["income", "show", "0", "--json"]));
    assert_eq!(told["offer"]["bound"], "state of the machine");

    let supply = ["income", "supply", "1000", "usdc"];
    let preview = as_buyer(&node, &[&supply[..], &["--preview"]].concat());
    says(
        &preview,
        &[
            "supply    1000 USDC",
            "once the first loss of 0 USDC is spent",
            "deposit(",
        ],
    );
    says(
        &as_buyer(&node, &[&supply[..], &["--yes"]].concat()),
        &["done in block"],
    );
    let first = [
        "income",
        "supply",
        "200",
        "usdc",
        "--tranche",
        "first-loss",
        "--yes",
    ];
    says(
        &as_buyer(&node, &first),
        &["every loss first", "done in block"],
    );
    says(
        &capstan(&node, &["income", "market"]),
        &[
            "lenders      1000 USDC",
            "first loss   200 USDC",
            "lent         0 USDC to 0 machines at 10",
            "everything by bonds",
        ],
    );
    says(&capstan(&node, &["income", "cases"]), &["has paid"]);
    let borrow = [
        "income",
        "borrow",
        "0",
        "max",
        "--yes",
        "--dev-account",
        "1",
    ];
    refuses(
        &capstan(&node, &borrow),
        &["machine 0 can borrow 0 USDC today, bound by the state of the machine"],
    );
    refuses(
        &as_buyer(&node, &["income", "repay", "0", "5", "--yes"]),
        &["owes nothing"],
    );
    refuses(
        &as_buyer(&node, &["income", "bid", "0", "--yes"]),
        &["not for sale"],
    );
    refuses(
        &as_buyer(&node, &["income", "supply", "1", "eth", "--yes"]),
        &["no market of machine loans has this asset"],
    );
    let more = ["income", "withdraw", "2000", "usdc", "--yes"];
    refuses(&as_buyer(&node, &more), &["may leave now"]);
    let out = ["income", "withdraw", "400", "usdc", "--yes"];
    says(
        &as_buyer(&node, &out),
        &["take out  400 USDC", "done in block"],
    );
    let markets = json_of(&capstan(&node, &["income", "market", "--json"]));
    assert_eq!(markets[0]["lenders"]["text"], "600");
}
