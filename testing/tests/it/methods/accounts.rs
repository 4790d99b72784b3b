//! Accounts on a running node: what is answered is what the contract says, and what a preview says is what happens.

use alloy_primitives::{Address, U256, hex};
use alloy_signer::SignerSync as _;
use alloy_sol_types::{SolCall, SolValue};
use capstan_contracts::{
    account::{
        self, AssetAmount, Bid, Dollars,
        IAccount::{self, AccountRef, Action, Collateral},
        Loan, Verb, Withdrawal,
    },
    admin::{self, IAdmin::grantRoleCall},
    dollar::{self, IDollar},
    oracle::{
        self,
        IOracle::{Entry, Report, addReporterCall, listFeedCall},
    },
    term::{self, ITerm},
};
use serde_json::{Value, json};

use super::{
    credit::{feed_params, view, with_markets},
    node::{Node, Send, quantity},
};

const USD: u128 = 1_000_000_000_000_000_000;
pub(super) const ETHER: u128 = 1_000_000_000_000_000_000;
/// The coin, which counts, and a token of six decimals without a price.
pub(super) const COIN: u32 = 0;
/// The chain's own dollar, once it is open.
const DOLLAR: u32 = 3;

pub(super) fn action(verb: Verb, asset_id: u32, amount: u128) -> Action {
    let args = AssetAmount {
        assetId: asset_id,
        amount: U256::from(amount),
    };
    Action {
        verb: verb.number(),
        args: args.abi_encode().into(),
    }
}

fn execute(owner: Address, actions: Vec<Action>) -> Vec<u8> {
    let account = AccountRef { owner, index: 0 };
    IAccount::executeCall { account, actions }.abi_encode()
}

/// The coin has a price of 2,000 dollars and counts by 80 %, and account 1 is asked about.
pub(super) async fn node_with_collateral() -> Node {
    with_collateral(Node::start().await).await
}

/// The same on a chain that nobody has used.
pub(super) async fn with_collateral(node: Node) -> Node {
    let node = with_markets(node).await;
    let reporter = node.address(9);
    let grant = grantRoleCall {
        scope: oracle::ADDRESS,
        role: oracle::REPORT,
        holder: reporter,
        expiresMs: 0,
    };
    let collateral = IAccount::setCollateralCall {
        assetId: COIN,
        collateral: Collateral {
            initialBps: 7_500,
            maintenanceBps: 8_000,
            categoryInitialBps: 0,
            categoryMaintenanceBps: 0,
            discountMaxBps: 500,
            category: 0,
            isolated: false,
            depositCap: U256::ZERO,
        },
        rampMs: 0,
    };
    for (to, input) in [
        (admin::ADDRESS, grant.abi_encode()),
        (oracle::ADDRESS, addReporterCall { reporter }.abi_encode()),
        (account::ADDRESS, collateral.abi_encode()),
    ] {
        node.send(Send::to(0, to).input(input));
    }
    let block = node.mine().await;
    assert!(block.receipts.iter().all(|receipt| receipt.status()));
    for _ in 0..3 {
        report(&node).await;
        node.mine().await;
    }
    node
}

async fn report(node: &Node) {
    prices(node, &[(COIN, 2_000)]).await;
}

/// Prices in whole dollars, for the next block.
pub(super) async fn prices(node: &Node, prices: &[(u32, u128)]) {
    let time_ms = node.chain.head().time_ms();
    let report = Report {
        round: time_ms,
        timeMs: time_ms,
        entries: prices
            .iter()
            .map(|&(asset_id, dollars)| Entry {
                assetId: asset_id,
                price: dollars * USD,
                confidenceBps: 0,
            })
            .collect(),
    };
    let entries: Vec<_> = prices
        .iter()
        .map(|&(asset_id, dollars)| {
            json!({"assetId": asset_id, "price": U256::from(dollars * USD), "confidenceBps": 0})
        })
        .collect();
    let digest = oracle::digest(node.chain.rules().chain_id, &report);
    let signature = node.signers[9].sign_hash_sync(&digest).expect("signed");
    let asked = json!([
        {
            "round": time_ms,
            "timeMs": time_ms,
            "entries": entries,
        },
        hex::encode_prefixed(signature.as_bytes()),
    ]);
    node.ok("capstan_submitReport", asked).await;
}

async fn run(node: &Node, actions: Vec<Action>) {
    run_by(node, 1, actions).await;
}

pub(super) async fn run_by(node: &Node, who: usize, actions: Vec<Action>) {
    let input = execute(node.address(who), actions);
    node.send(Send::to(who, account::ADDRESS).input(input).gas(3_000_000));
    let block = node.mine().await;
    assert!(block.receipts.iter().all(|receipt| receipt.status()));
}

/// RPC-22
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_what_the_contract_says() {
    let node = node_with_collateral().await;
    let owner = node.address(1);
    let empty = node.ok("capstan_account", json!([owner])).await;
    assert_eq!(empty["holdings"], json!([]));
    assert!(empty["report"]["healthMaintenance"].is_null(), "{empty}");
    assert!(empty["offer"].is_null() && empty["error"].is_null());

    let deposit = action(Verb::Deposit, COIN, 3 * ETHER);
    run(
        &node,
        vec![
            deposit,
            action(Verb::Supply, COIN, 2 * ETHER),
            action(Verb::Borrow, COIN, ETHER),
        ],
    )
    .await;
    let named = json!([{"owner": owner, "index": 0}]);
    let answer = node.ok("capstan_account", named).await;
    assert_eq!(answer, node.ok("capstan_account", json!([owner])).await);
    let of = || AccountRef { owner, index: 0 };
    let report = IAccount::reportOfCall { account: of() };
    let report = view(&node, account::ADDRESS, &report).await;
    for (name, number) in [
        ("collateral", report.collateral),
        ("borrowable", report.borrowable),
        ("debt", report.debt),
        ("healthInitial", report.healthInitial),
        ("healthMaintenance", report.healthMaintenance),
    ] {
        assert_eq!(answer["report"][name]["amount"], json!(number), "{name}");
    }
    assert_eq!(answer["report"]["roomToFallBps"], report.roomToFallBps);
    let holdings = IAccount::holdingsOfCall { account: of() };
    let holdings = view(&node, account::ADDRESS, &holdings).await;
    let row = &answer["holdings"][0];
    for (name, number) in [
        ("units", holdings[0].units),
        ("supplied", holdings[0].supplied),
        ("owed", holdings[0].owed),
        ("heldValue", holdings[0].heldValue),
        ("owedValue", holdings[0].owedValue),
    ] {
        assert_eq!(row[name]["amount"], json!(number), "{name}");
    }
    assert_eq!(
        (&row["units"]["text"], &row["decimals"]),
        (&json!("2"), &json!(18))
    );
    assert_eq!(answer["holdings"].as_array().map(Vec::len), Some(1));
    let other = node
        .ok("capstan_account", json!([{"owner": owner, "index": 1}]))
        .await;
    assert_eq!(other["holdings"], json!([]));

    // Without a usable price there is no health; the rows stay.
    node.ok("evm_increaseTime", json!([3_600])).await;
    node.mine().await;
    let blind = node.ok("capstan_account", json!([owner])).await;
    assert!(blind["report"].is_null(), "{blind}");
    assert_eq!(blind["error"]["name"], "AccountPriceUnusable");
    assert_eq!(blind["holdings"][0]["units"]["text"], "2");
    assert!(blind["holdings"][0].get("heldValue").is_none());
    for wrong in [
        json!(["0x1"]),
        json!([{"index": 1}]),
        json!([{"owner": owner, "index": 256}]),
    ] {
        assert_eq!(node.fault("capstan_account", wrong).await.code, -32602);
    }
}

/// RPC-23
#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_what_happens() {
    let node = node_with_collateral().await;
    let owner = node.address(1);
    let named = json!([
        owner,
        [
            {"verb": "deposit", "assetId": COIN, "amount": U256::from(3 * ETHER)},
            {"verb": 3, "assetId": COIN, "amount": "max"},
            {"verb": "borrow", "args": action(Verb::Borrow, COIN, ETHER).args},
        ],
    ]);
    let told = node.ok("capstan_preview", named).await;
    assert!(
        told["error"].is_null() && told["revert"].is_null(),
        "{told}"
    );
    assert_eq!(told["before"]["holdings"], json!([]));
    assert_eq!(told["results"][0]["amount"]["text"], "3");
    assert_eq!(told["results"][1]["name"], "supply");
    assert_eq!(quantity(&told["blockNumber"]), node.chain.head().number());

    // The contract's own preview agrees, field by field.
    let all = vec![
        action(Verb::Deposit, COIN, 3 * ETHER),
        Action {
            verb: 3,
            args: AssetAmount {
                assetId: COIN,
                amount: U256::MAX,
            }
            .abi_encode()
            .into(),
        },
        action(Verb::Borrow, COIN, ETHER),
    ];
    let own = IAccount::previewCall {
        account: AccountRef { owner, index: 0 },
        actions: all.clone(),
    };
    let own = view(&node, account::ADDRESS, &own).await;
    let after = &told["after"]["report"];
    assert_eq!(after["debt"]["amount"], json!(own.afterwards.debt));
    assert_eq!(
        after["healthInitial"]["amount"],
        json!(own.afterwards.healthInitial)
    );
    assert_eq!(
        after["borrowable"]["amount"],
        json!(own.afterwards.borrowable)
    );

    // Nothing happened; then it does, and the account is as it was told.
    let unchanged = node.ok("capstan_account", json!([owner])).await;
    assert_eq!(unchanged["holdings"], json!([]));
    run(&node, all).await;
    let then = node.ok("capstan_account", json!([owner])).await;
    for name in ["units", "supplied", "owed"] {
        assert_eq!(
            then["holdings"][0][name], told["after"]["holdings"][0][name],
            "{name}: no time passes for interest in the first block of a debt"
        );
    }
}

/// RPC-23
#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_why_not() {
    let node = node_with_collateral().await;
    let owner = node.address(1);
    let too_much = json!([
        owner,
        [
            {"verb": "deposit", "assetId": COIN, "amount": U256::from(3 * ETHER)},
            {"verb": "supply", "assetId": COIN, "amount": U256::from(ETHER)},
            {"verb": "borrow", "assetId": COIN, "amount": U256::from(ETHER)},
            {"verb": "withdraw", "assetId": COIN, "amount": U256::from(3 * ETHER)},
        ],
    ]);
    let told = node.ok("capstan_preview", too_much).await;
    assert_eq!(told["error"]["name"], "AccountUnhealthy");
    assert!(
        told["error"]["help"]
            .as_str()
            .is_some_and(|help| help.contains("add collateral"))
    );
    assert!(told["after"].is_null() && told["revert"].is_string());
    let wrong = async |actions: Value, why: &str| {
        let fault = node.fault("capstan_preview", json!([owner, actions])).await;
        assert!(
            fault.code == -32602 && fault.message.contains(why),
            "{}",
            fault.message
        );
    };
    wrong(json!([{"verb": "steal"}]), "no verb is called steal").await;
    wrong(
        json!([{"verb": "borrow", "amount": "0x1"}]),
        "action 0: assetId is missing",
    )
    .await;
    wrong(
        json!([{"verb": "borrow", "assetId": 0}]),
        "amount is missing",
    )
    .await;
    wrong(json!([{"verb": "borrow", "asset": 0}]), "unknown field").await;
    let unknown = json!([owner, [{"verb": 999, "args": "0x"}]]);
    let told = node.ok("capstan_preview", unknown).await;
    assert_eq!(told["error"]["name"], "AccountUnknownVerb");
}

/// RPC-24
#[tokio::test(flavor = "multi_thread")]
async fn events_of_an_account_come_in_pages() {
    let node = node_with_collateral().await;
    let owner = node.address(1);
    run(
        &node,
        vec![
            action(Verb::Deposit, COIN, 3 * ETHER),
            action(Verb::Supply, COIN, 2 * ETHER),
        ],
    )
    .await;
    run(&node, vec![action(Verb::Borrow, COIN, ETHER)]).await;
    let all = node.ok("capstan_accountEvents", json!([owner])).await;
    assert!(all["cursor"].is_null());
    let names = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().expect("a list").iter();
        items
            .map(|item| item["event"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(
        names(&all),
        ["Executed", "Borrowed", "Executed", "Supplied", "Pulled"]
    );
    assert_eq!(all["items"][1]["contract"], "lending");
    let mut paged = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = json!([owner, {"limit": 2, "cursor": cursor}]);
        let page = node.ok("capstan_accountEvents", page).await;
        paged.extend(names(&page));
        cursor = page["cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(paged, names(&all));
    let other = json!([{"owner": owner, "index": 7}]);
    let other = node.ok("capstan_accountEvents", other).await;
    assert_eq!(
        other["items"],
        json!([]),
        "another account of the same owner"
    );
}

/// RPC-24: where nothing was liquidated, nothing is said.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_without_liquidations_has_none() {
    let node = node_with_collateral().await;
    let none = node.ok("capstan_liquidations", json!([])).await;
    assert_eq!(none, json!({"items": [], "cursor": null}));
    let of = json!([node.address(1), {"limit": 1}]);
    let none = node.ok("capstan_liquidations", of).await;
    assert_eq!(none["items"], json!([]));
    for id in ["0x10000", "0xffffffffffffffff"] {
        let fault = node.fault("capstan_explainLiquidation", json!([id])).await;
        assert_eq!(fault.code, -32001, "{}", fault.message);
    }
}

/// The chain's own dollar has a price of one, so that it can be minted.
async fn open_dollar(node: &Node) {
    let params = IDollar::DollarParams {
        stabilityBps: 400,
        savingsBps: 0,
        redemptionFeeBps: 50,
        refillS: 3_600,
        ceiling: U256::from(1_000_000 * USD),
        headroom: U256::from(1_000_000 * USD),
        redemptionMin: U256::from(100 * USD),
        surplusFloor: U256::ZERO,
    };
    let feed = listFeedCall {
        assetId: DOLLAR,
        description: "usd / USD".into(),
        referencePrice: USD,
        params: feed_params(),
    };
    for (to, input) in [
        (dollar::ADDRESS, IDollar::openCall { params }.abi_encode()),
        (oracle::ADDRESS, feed.abi_encode()),
    ] {
        node.send(Send::to(0, to).input(input).gas(3_000_000));
    }
    let block = node.mine().await;
    assert!(block.receipts.iter().all(|receipt| receipt.status()));
    for _ in 0..3 {
        prices(node, &[(COIN, 2_000), (DOLLAR, 1)]).await;
        node.mine().await;
    }
}

/// RPC-22: interest at fixed terms is a part of what an account costs a day.
#[tokio::test(flavor = "multi_thread")]
async fn the_cost_of_a_day_counts_loans_at_fixed_terms() {
    let node = node_with_collateral().await;
    open_dollar(&node).await;
    let mint = Action {
        verb: Verb::Mint.number(),
        args: Dollars {
            amount: U256::from(5_000 * USD),
        }
        .abi_encode()
        .into(),
    };
    let away = Withdrawal {
        assetId: DOLLAR,
        amount: U256::MAX,
        to: node.address(2),
    };
    let away = Action {
        verb: Verb::Withdraw.number(),
        args: away.abi_encode().into(),
    };
    let rich = action(Verb::Deposit, COIN, 30 * ETHER);
    run_by(&node, 2, vec![rich, mint, away]).await;
    let terms = ITerm::OfferTerms {
        assetId: DOLLAR,
        rateBps: 1_000,
        instalments: 1,
        periodS: 30 * 86_400,
        amortisation: 2,
        graceS: 0,
        lateBps: 2_000,
        earlyFeeBps: 0,
        defaultS: 86_400,
        least: U256::from(USD),
        expiresMs: u64::MAX,
    };
    let offer = ITerm::offerCall {
        terms,
        amount: U256::from(5_000 * USD),
        index: 0,
    };
    let offer = Send::to(2, term::ADDRESS).input(offer.abi_encode());
    node.send(offer.gas(3_000_000));
    let block = node.mine().await;
    assert!(block.receipts.iter().all(|receipt| receipt.status()));
    let take = Loan {
        id: 1,
        amount: U256::from(3_650 * USD),
    };
    let take = Action {
        verb: Verb::TakeLoan.number(),
        args: take.abi_encode().into(),
    };
    let deposit = action(Verb::Deposit, COIN, 10 * ETHER);
    run(&node, vec![deposit, take]).await;
    // 3,650 dollars at 10 % a year are a dollar a day.
    let told = node.ok("capstan_account", json!([node.address(1)])).await;
    let cost = told["report"]["costPerDay"]["text"].as_str().expect("text");
    assert!(cost == "1" || cost.starts_with("1.0"), "{cost}");
}

/// RPC-24: a liquidation is told to the cent: why, at which price, what was paid and taken, by whom.
#[tokio::test(flavor = "multi_thread")]
async fn a_liquidation_is_explained() {
    let node = node_with_collateral().await;
    open_dollar(&node).await;
    let mint = |dollars: u128| Action {
        verb: Verb::Mint.number(),
        args: Dollars {
            amount: U256::from(dollars * USD),
        }
        .abi_encode()
        .into(),
    };
    let all = Withdrawal {
        assetId: DOLLAR,
        amount: U256::MAX,
        to: node.address(1),
    };
    let away = Action {
        verb: Verb::Withdraw.number(),
        args: all.abi_encode().into(),
    };
    let deposit = action(Verb::Deposit, COIN, 3 * ETHER);
    run(&node, vec![deposit, mint(4_400), away]).await;
    let rich = action(Verb::Deposit, COIN, 30 * ETHER);
    run_by(&node, 2, vec![rich, mint(5_000)]).await;
    for dollars in [1_920, 1_844, 1_771] {
        prices(&node, &[(COIN, dollars), (DOLLAR, 1)]).await;
        node.mine().await;
    }
    let told = node.ok("capstan_account", json!([node.address(1)])).await;
    assert!(told["offer"].is_object(), "on offer: {told}");
    let bid = Bid {
        owner: node.address(1),
        index: 0,
        debtAssetId: DOLLAR,
        repayMax: U256::from(500 * USD),
        collateralAssetId: COIN,
        takenMin: U256::ZERO,
    };
    let bid = Action {
        verb: Verb::Bid.number(),
        args: bid.abi_encode().into(),
    };
    run_by(&node, 2, vec![bid]).await;
    let told = node
        .ok("capstan_accountEvents", json!([node.address(1)]))
        .await;
    let items = told["items"].as_array().expect("a list").iter();
    let names: Vec<_> = items.filter_map(|item| item["event"].as_str()).collect();
    assert!(names.contains(&"Minted"), "{names:?}");
    assert!(names.contains(&"DollarRepaid"), "{names:?}");
    // 3,900 dollars at 4 % a year.
    let told = node.ok("capstan_account", json!([node.address(1)])).await;
    let cost = told["report"]["costPerDay"]["text"].as_str().expect("text");
    assert!(cost.starts_with("0.427"), "{cost}");
    let listed = node
        .ok("capstan_liquidations", json!([node.address(1)]))
        .await;
    let items = listed["items"].as_array().expect("a list");
    assert_eq!(items.len(), 1, "{listed}");
    let id = items[0]["id"].clone();
    let told = node.ok("capstan_explainLiquidation", json!([id])).await;
    for key in [
        "id",
        "healthBefore",
        "healthAfter",
        "priceRound",
        "transactionHash",
    ] {
        assert_eq!(told[key], items[0][key], "{key}");
    }
    assert_eq!(told["losses"], json!([]));
    // RPC-36: what it cost, beside the rule of another.
    let compared = &told["compared"];
    assert_eq!(compared["paidValue"]["text"], "500", "{compared}");
    assert_eq!(compared["aave"]["bonusBps"], 500, "{compared}");
    assert_ne!(compared["aave"]["penalty"]["text"], "0", "{compared}");
    let steps = told["steps"].as_array().expect("a list");
    assert_eq!(steps.len(), 1, "{told}");
    let step = &steps[0];
    assert_eq!(step["venue"], "offer");
    assert_eq!(
        (&step["debtAssetId"], &step["collateralAssetId"]),
        (&json!(DOLLAR), &json!(COIN))
    );
    assert_eq!(step["buyer"], json!(node.address(2)));
    // 500 dollars were paid; what was given up for them is worth 500 and the part that it cost.
    assert_eq!(
        step["paid"]["amount"],
        json!(U256::from(500 * USD)),
        "{step}"
    );
    let amount = |at: &Value| {
        at["amount"]
            .as_str()
            .expect("hex")
            .parse::<U256>()
            .expect("a number")
    };
    let given_up = amount(&step["taken"]) + amount(&step["toReserve"]);
    let least = U256::from(500 * USD) / U256::from(1_771);
    let most = least * U256::from(10_526) / U256::from(10_000) + U256::from(1);
    assert!(
        given_up > least && given_up <= most,
        "{given_up} of {least} to {most}"
    );
}
