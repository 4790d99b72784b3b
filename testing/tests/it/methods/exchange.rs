//! Pools and quotes on a running node, against the contract's own views and against what swaps do.

use alloy_primitives::{Address, B256, Bytes, LogData, U256};
use alloy_sol_types::{SolCall, SolEvent};
use capstan_contracts::{
    erc20::IErc20,
    ether,
    exchange::{
        ADDRESS as EXCHANGE,
        IExchange::{
            self, Exchanged, Shape, createPoolCall, createRangePoolCall, emaX96Call, openRangeCall,
            pausePoolCall, poolCall, rangePoolCall, spotX96Call,
        },
    },
    ledger::{
        self,
        ILedger::{OutflowLimit, listAssetCall},
    },
    token::{
        self,
        ITokenFactory::{createTokenCall, tokenAtCall},
    },
};
use serde_json::{Value, json};

use super::credit::view;
use super::node::{Node, Send, bytes, quantity};

const ETH: u128 = 1_000_000_000_000_000_000;
const USD: u128 = 1_000_000;
/// Of every token, in smallest units, what accounts 0 and 1 have.
const RICH: u128 = 1_000_000_000_000_000;
const DAY_S: u32 = 86_400;
const SOON: u64 = u64::MAX;

/// Numbers of the assets.
const COIN: u32 = 0;
const USDC: u32 = 1;
const USDT: u32 = 2;
const WBTC: u32 = 3;

fn n(amount: u128) -> U256 {
    U256::from(amount)
}

/// A node with five assets, the last of them in no pool, and pools at about 2,000 USDC for a coin and 40,000 for a WBTC:
///
/// | pool | curve | assets | fee |
/// |---|---|---|---|
/// | 0 | product | coin, USDC | 0.3 % |
/// | 1 | product | coin, USDC | 0.05 % |
/// | 2 | stable | USDC, USDT | 0.01 % |
/// | 3 | range | USDC, WBTC | follows the price |
async fn node_with_pools() -> Node {
    let node = Node::start().await;
    let owner = node.address(0);
    for (name, decimals) in [("USDC", 6), ("USDT", 6), ("WBTC", 8), ("NONE", 6)] {
        let token = createTokenCall {
            name: name.into(),
            symbol: name.into(),
            decimals,
            owner,
            grantDelayMs: 0,
        };
        node.send(Send::to(0, token::FACTORY_ADDRESS).input(token.abi_encode()));
    }
    node.mine().await;
    let mut calls: Vec<(Address, Vec<u8>)> = Vec::new();
    let limit = OutflowLimit {
        windowS: DAY_S,
        shareBps: 10_000,
        floor: U256::MAX >> 144,
    };
    let list = |token| listAssetCall {
        token,
        limit: limit.clone(),
    };
    calls.push((ledger::ADDRESS, list(ether::ADDRESS).abi_encode()));
    for index in 0..4_u64 {
        let at = tokenAtCall {
            index: U256::from(index),
        };
        let token = view(&node, token::FACTORY_ADDRESS, &at).await;
        calls.push((ledger::ADDRESS, list(token).abi_encode()));
        for who in [0, 1] {
            let mint = token::IToken::mintCall {
                to: node.address(who),
                value: n(RICH),
            };
            calls.push((token, mint.abi_encode()));
        }
    }
    for (curve, fee, amplification, assets, amounts) in [
        (1, 3_000, 0, [COIN, USDC], [50 * ETH, 100_000 * USD]),
        (1, 500, 0, [COIN, USDC], [20 * ETH, 40_000 * USD]),
        (
            2,
            100,
            200,
            [USDC, USDT],
            [1_000_000 * USD, 1_000_000 * USD],
        ),
    ] {
        let create = createPoolCall {
            shape: Shape {
                curve,
                feePips: fee,
                amplification,
                assets: assets.to_vec(),
            },
            amounts: amounts.map(n).to_vec(),
            to: owner,
            deadlineMs: SOON,
        };
        calls.push((EXCHANGE, create.abi_encode()));
    }
    let ranges = createRangePoolCall {
        feePips: 0,
        asset0: USDC,
        asset1: WBTC,
        // 10^8 units of WBTC for 40,000 * 10^6 of USDC are one for 400, and the root of that is a twentieth.
        sqrtPriceX96: (U256::from(1) << 96) / U256::from(20),
    };
    calls.push((EXCHANGE, ranges.abi_encode()));
    let open = openRangeCall {
        poolId: 3,
        lower: -70_000,
        upper: -50_000,
        amountsMax: [n(1_000_000 * USD), n(RICH / 100_000)],
        liquidityMin: 1,
        to: owner,
        deadlineMs: SOON,
    };
    calls.push((EXCHANGE, open.abi_encode()));
    for (to, input) in calls {
        node.send(Send::to(0, to).input(input).gas(1_500_000));
    }
    let block = node.mine().await;
    for (number, receipt) in block.receipts.iter().enumerate() {
        assert!(receipt.status(), "call {number}");
    }
    node.mine().await;
    node
}

/// The next block comes at this time, and quotes are for it.
async fn next_at(node: &Node) {
    let head = node
        .ok("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    let next = quantity(&head["timestamp"]) + 10;
    node.ok("evm_setNextBlockTimestamp", json!([next])).await;
}

/// Sends the calldata of a quote as account 1, and answers what the exchange says it came to.
async fn swap(node: &Node, quote: &Value) -> Exchanged {
    let target: Address = serde_json::from_value(quote["target"].clone()).expect("an address");
    let send = Send::to(1, target).input(bytes(&quote["calldata"]));
    let hash = node.send(send.gas(5_000_000));
    node.mine().await;
    let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1", "{quote}");
    let logs = receipt["logs"].as_array().expect("logs");
    let found = logs.iter().find_map(|log| {
        let topics: Vec<B256> = serde_json::from_value(log["topics"].clone()).expect("topics");
        let data: Bytes = serde_json::from_value(log["data"].clone()).expect("data");
        Exchanged::decode_log_data(&LogData::new_unchecked(topics, data)).ok()
    });
    found.expect("the exchange says what it did")
}

fn amount(fixed: &Value) -> U256 {
    serde_json::from_value(fixed["amount"].clone()).expect("an amount")
}

/// What somebody has of an asset of these nodes.
async fn balance(node: &Node, asset: u32, who: Address) -> U256 {
    if asset == COIN {
        let of = json!([who, "latest"]);
        return serde_json::from_value(node.ok("eth_getBalance", of).await).expect("a quantity");
    }
    let asset = view(
        node,
        ledger::ADDRESS,
        &ledger::ILedger::assetCall { assetId: asset },
    )
    .await;
    view(node, asset.token, &IErc20::balanceOfCall { account: who }).await
}

/// A swap whose gas was estimated may wait for its block, and then it writes the pool's mean price, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_swap_that_waits_has_gas_enough() {
    let node = node_with_pools().await;
    let asked = json!([{
        "from": COIN, "to": USDC, "amount": n(ETH / 10), "receiver": node.address(1),
    }]);
    for wait_s in [0, 1, 5, 14, 16, 31, 59] {
        next_at(&node).await;
        let quote = node.ok("capstan_quote", asked.clone()).await;
        let call = json!([{
            "from": node.address(1), "to": quote["target"], "data": quote["calldata"],
        }]);
        let gas = quantity(&node.ok("eth_estimateGas", call).await);
        let head = node
            .ok("eth_getBlockByNumber", json!(["latest", false]))
            .await;
        let late = quantity(&head["timestamp"]) + 10 + wait_s;
        node.ok("evm_setNextBlockTimestamp", json!([late])).await;
        let target: Address = serde_json::from_value(quote["target"].clone()).expect("an address");
        let send = Send::to(1, target).input(bytes(&quote["calldata"]));
        let hash = node.send(send.gas(gas));
        node.mine().await;
        let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], "0x1", "{wait_s} s later, with {gas} gas");
    }
}

/// RPC-25: what is quoted is what its calldata does in the next block, to the unit, whichever side is given.
#[tokio::test(flavor = "multi_thread")]
async fn a_quote_is_what_its_swap_does() {
    let node = node_with_pools().await;
    let cases: [(Value, Value, u128, bool); 12] = [
        (json!("usdc"), json!("usdt"), 1_000 * USD, false),
        (json!(USDT), json!("#1"), 999 * USD, true),
        (json!(COIN), json!("USDC"), ETH / 10, false),
        (json!(COIN), json!("USDC"), 12 * ETH + 7, false),
        (json!("usdc"), json!(ether::ADDRESS), 9 * ETH + 3, true),
        (json!(USDC), json!(WBTC), 200_000 * USD + 1, false),
        (json!(WBTC), json!(USDC), 150_000 * USD + 9, true),
        (json!(COIN), json!(WBTC), 3 * ETH, false),
        (json!(COIN), json!(WBTC), 10_000_000, true),
        (json!(WBTC), json!(USDT), 12_345_678, false),
        (json!(USDT), json!(COIN), 2 * ETH + 1, true),
        (json!(USDT), json!(COIN), 20, false),
    ];
    let mut splits = 0;
    for (number, (from, to, given, exact_out)) in (0_u8..).zip(cases) {
        next_at(&node).await;
        let receiver = Address::repeat_byte(0xa0 + number);
        let asked = json!([{
            "from": from, "to": to, "amount": n(given), "exactOut": exact_out, "receiver": receiver,
        }]);
        let quote = node.ok("capstan_quote", asked).await;
        let (paid, received) = (amount(&quote["paid"]), amount(&quote["received"]));
        let side = if exact_out { received } else { paid };
        assert_eq!(side, n(given), "{quote}");
        let (from, to): (u32, u32) = (
            serde_json::from_value(quote["from"]["assetId"].clone()).expect("an id"),
            serde_json::from_value(quote["to"]["assetId"].clone()).expect("an id"),
        );
        let before = balance(&node, from, node.address(1)).await;
        let done = swap(&node, &quote).await;
        assert_eq!(
            (done.paid, done.received),
            (paid, received),
            "case {number}: {quote}"
        );
        assert_eq!((done.assetIn, done.assetOut), (from, to));
        assert_eq!(balance(&node, to, receiver).await, received);
        if from != COIN {
            let after = balance(&node, from, node.address(1)).await;
            assert_eq!(before - after, paid, "no more left the wallet");
        }
        let paths = quote["paths"].as_array().expect("paths");
        splits += usize::from(paths.len() > 1);
        let sum = paths
            .iter()
            .fold(U256::ZERO, |sum, path| sum + amount(&path["received"]));
        assert_eq!(sum, received, "paths add up");
    }
    assert!(splits > 1, "some go by several pools");
}

/// The legs of a path alone: what is paid goes into the first pool, or what is received comes out of the last.
fn alone(path: &Value, (from, to): (u32, u32), exact_out: bool) -> IExchange::quoteCall {
    let hops = path["hops"].as_array().expect("hops");
    let number = |hop: &Value, name: &str| -> u32 {
        serde_json::from_value(hop[name].clone()).expect("a number")
    };
    let (paid, received) = (amount(&path["paid"]), amount(&path["received"]));
    let mut legs: Vec<_> = hops
        .iter()
        .map(|hop| IExchange::Leg {
            poolId: number(hop, "poolId"),
            assetIn: number(hop, "assetIn"),
            assetOut: number(hop, "assetOut"),
            exactOut: exact_out,
            amount: U256::ZERO,
        })
        .collect();
    if exact_out {
        legs.reverse();
    }
    legs[0].amount = if exact_out { received } else { paid };
    IExchange::quoteCall {
        legs,
        bounds: IExchange::Bounds {
            assetIn: from,
            paidMax: if exact_out { U256::MAX >> 144 } else { paid },
            assetOut: to,
            receivedMin: U256::ZERO,
        },
    }
}

/// All legs as they are told.
fn together(quote: &Value, (from, to): (u32, u32), exact_out: bool) -> IExchange::quoteCall {
    let number = |leg: &Value, name: &str| -> u32 {
        serde_json::from_value(leg[name].clone()).expect("a number")
    };
    let legs = quote["legs"].as_array().expect("legs");
    let legs = legs.iter().map(|leg| IExchange::Leg {
        poolId: number(leg, "poolId"),
        assetIn: number(leg, "assetIn"),
        assetOut: number(leg, "assetOut"),
        exactOut: leg["exactOut"] == json!(true),
        amount: serde_json::from_value(leg["amount"].clone()).expect("an amount"),
    });
    IExchange::quoteCall {
        legs: legs.collect(),
        bounds: IExchange::Bounds {
            assetIn: from,
            paidMax: if exact_out {
                U256::MAX >> 144
            } else {
                amount(&quote["paid"])
            },
            assetOut: to,
            receivedMin: U256::ZERO,
        },
    }
}

/// What the contract quotes in the block that comes next, as a call of it.
async fn quoted_next(node: &Node, call: &IExchange::quoteCall) -> IExchange::quoteReturn {
    let params = json!([{"to": EXCHANGE, "input": Bytes::from(call.abi_encode())}, "pending"]);
    let answer = bytes(&node.ok("eth_call", params).await);
    IExchange::quoteCall::abi_decode_returns(&answer).expect("an answer")
}

/// RPC-25: of random questions, whatever their size: each path alone is what the contract quotes for its legs, to the unit, and
/// so is the whole. A search reads each pool once; this is what says that it read what the contract reads.
#[tokio::test(flavor = "multi_thread")]
async fn every_path_of_a_quote_is_what_the_contract_quotes() {
    const QUESTIONS: u32 = 120;
    let node = node_with_pools().await;
    let mut seed = 25_u64;
    let mut dice = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let (mut answered, mut paths_told, mut splits, mut shared) = (0, 0, 0, 0);
    next_at(&node).await;
    for question in 0..QUESTIONS {
        // Blocks pass, so pools are asked before and after the first touch of a block.
        if question % 20 == 10 {
            node.mine().await;
            next_at(&node).await;
        }
        let (from, to) = (dice(4), dice(4));
        let exact_out = dice(2) == 0;
        let given = U256::from(1 + dice(9)) * U256::from(10).pow(U256::from(dice(20)));
        let asked = json!([{"from": from, "to": to, "amount": given, "exactOut": exact_out}]);
        let quote = match node.call("capstan_quote", asked).await {
            Ok(quote) => quote,
            Err(fault) => {
                assert!([-32602, -32000].contains(&fault.code), "{fault:?}");
                continue;
            }
        };
        answered += 1;
        let ends = (
            u32::try_from(from).expect("small"),
            u32::try_from(to).expect("small"),
        );
        let paths = quote["paths"].as_array().expect("paths");
        splits += u32::from(paths.len() > 1);
        let whole = (amount(&quote["paid"]), amount(&quote["received"]));
        let told = quoted_next(&node, &together(&quote, ends, exact_out)).await;
        assert_eq!((told.paid, told.received), whole, "{question}: {quote}");
        let mut sum = (U256::ZERO, U256::ZERO);
        for path in paths {
            sum.0 += amount(&path["paid"]);
            sum.1 += amount(&path["received"]);
        }
        assert_eq!(sum, whole, "{question}: {quote}");
        // Through a pool that several share each has a part, which is no swap of its own.
        let hops = paths.iter().flat_map(|path| path["hops"].as_array());
        let mut pools: Vec<u64> = hops
            .flatten()
            .map(|hop| hop["poolId"].as_u64().expect("a number"))
            .collect();
        pools.sort_unstable();
        let is_shared = pools.windows(2).any(|pair| pair[0] == pair[1]);
        shared += u32::from(is_shared);
        for path in paths.iter().filter(|_| !is_shared) {
            let told = quoted_next(&node, &alone(path, ends, exact_out)).await;
            assert_eq!(
                (told.paid, told.received),
                (amount(&path["paid"]), amount(&path["received"])),
                "question {question}: {quote}"
            );
            paths_told += 1;
        }
    }
    println!(
        "{answered} of {QUESTIONS} questions answered, {paths_told} paths, {splits} splits, {shared} of them share a pool"
    );
    assert!(answered > QUESTIONS / 3 && splits > 5 && shared > 0);
}

/// RPC-25: a large amount goes by several pools and comes out better than by any one; a small one goes by the cheapest.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_amount_is_split_and_a_small_one_is_not() {
    let node = node_with_pools().await;
    let quote = async |given: u128| {
        let asked = json!([{"from": COIN, "to": USDC, "amount": n(given)}]);
        node.ok("capstan_quote", asked).await
    };
    let alone = async |pool: u32, given: u128| {
        let call = IExchange::quoteCall {
            legs: vec![IExchange::Leg {
                poolId: pool,
                assetIn: COIN,
                assetOut: USDC,
                exactOut: false,
                amount: n(given),
            }],
            bounds: IExchange::Bounds {
                assetIn: COIN,
                paidMax: n(given),
                assetOut: USDC,
                receivedMin: n(0),
            },
        };
        view(&node, EXCHANGE, &call).await.received
    };
    let small = quote(ETH / 1_000).await;
    assert_eq!(small["route"], "ETH -> USDC by pool 1 (0.05 %)");
    assert_eq!(
        (&small["feePips"], &small["priceImpactBps"]),
        (&json!(500), &json!(0))
    );
    assert_eq!(amount(&small["received"]), alone(1, ETH / 1_000).await);
    assert!(small["calldata"].is_null(), "nobody is to receive it");
    assert!(small["spender"].is_null(), "the coin needs no allowance");

    let large = quote(10 * ETH).await;
    let received = amount(&large["received"]);
    for pool in [0, 1] {
        assert!(received > alone(pool, 10 * ETH).await, "{large}");
    }
    assert_eq!(
        large["route"],
        "70 %: ETH -> USDC by pool 0 (0.3 %); 30 %: ETH -> USDC by pool 1 (0.05 %)"
    );
    // 70 % at 0.3 % and 30 % at 0.05 %; a seventh of all coins moves the price by about an eighth.
    assert_eq!(large["feePips"], 2_250);
    let impact = large["priceImpactBps"].as_f64().expect("a number");
    assert!((1_150.0..1_350.0).contains(&impact), "{impact}");
    let spot: f64 = text(&large["spotPrice"]).parse().expect("a number");
    assert!((1_999.9..2_000.1).contains(&spot), "{spot}");
    let price: f64 = text(&large["price"]).parse().expect("a number");
    let expected = 2_000.0 * (1.0 - 0.002_25) * (1.0 - impact / 10_000.0);
    assert!((price - expected).abs() < 1.0, "{price}, not {expected}");
    let least = received * U256::from(9_950) / U256::from(10_000);
    assert_eq!(amount(&large["receivedMin"]), least, "half a percent");
    let around = json!([{"from": COIN, "to": WBTC, "amount": n(ETH), "slippageBps": 100}]);
    let around = node.ok("capstan_quote", around).await;
    assert!(
        text(&around["route"]).contains("USDC by pool 0 (0.3 %) -> WBTC by pool 3 (0.05 %)"),
        "{around}"
    );
}

fn text(value: &Value) -> &str {
    let value = value.get("text").unwrap_or(value);
    value.as_str().expect("text")
}

/// RPC-25: why there is no quote is said, with what to do.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_quoted_is_refused_in_words() {
    let node = node_with_pools().await;
    let guard = pausePoolCall { poolId: 2 };
    node.send(Send::to(0, EXCHANGE).input(guard.abi_encode()));
    node.mine().await;
    for (asked, code, part) in [
        (
            json!({"from": "doge", "to": 1, "amount": "0x1"}),
            -32602,
            "no asset is called doge",
        ),
        (
            json!({"from": 1, "to": "usdc", "amount": "0x1"}),
            -32602,
            "both asset #1",
        ),
        (
            json!({"from": 1, "to": 2, "amount": "0x0"}),
            -32602,
            "not within 1 to",
        ),
        (
            json!({"from": 1, "to": 2, "amount": U256::MAX}),
            -32602,
            "not within 1 to",
        ),
        (
            json!({"from": 1, "to": 2, "amount": "0x1", "slippageBps": 10_001}),
            -32602,
            "slippageBps",
        ),
        (
            json!({"from": 1, "to": 2, "amount": "0x1", "receiver": Address::ZERO}),
            -32602,
            "nobody",
        ),
        (
            json!({"from": 1, "to": 2, "amount": "0x1", "slippage": 1}),
            -32602,
            "slippage",
        ),
        (
            json!({"from": 0, "to": "none", "amount": "0x1"}),
            -32001,
            "no pools lead from ETH to NONE in at most 3 swaps",
        ),
        (
            json!({"from": 1, "to": 99, "amount": "0x1"}),
            3,
            "LedgerUnknownAsset",
        ),
        // The only pool of the pair is paused, and another holds too little.
        (
            json!({"from": 1, "to": 2, "amount": n(USD)}),
            -32000,
            "ExchangePaused",
        ),
        (
            json!({"from": 0, "to": 1, "amount": n(500_000 * USD), "exactOut": true}),
            -32000,
            "ExchangeTooMuch",
        ),
    ] {
        node.refuses("capstan_quote", json!([asked]), code, part)
            .await;
    }
    let empty = Node::start().await;
    let pools = empty.ok("capstan_pools", json!([])).await;
    assert_eq!(
        (&pools["items"], &pools["cursor"]),
        (&json!([]), &Value::Null)
    );
}

/// RPC-26: pools are what the contract's views say.
#[tokio::test(flavor = "multi_thread")]
async fn pools_are_what_the_contract_says() {
    let node = node_with_pools().await;
    // The mean of a price is one once a block has ended with it.
    let answer = node.ok("capstan_pools", json!([])).await;
    assert!(answer["cursor"].is_null());
    let items = answer["items"].as_array().expect("a list");
    assert_eq!(items.len(), 4);
    for (pool_id, (item, curve)) in
        (0..).zip(items.iter().zip(["product", "product", "stable", "range"]))
    {
        let stands = view(&node, EXCHANGE, &poolCall { poolId: pool_id }).await;
        assert_eq!(
            (&item["poolId"], &item["curve"]),
            (&json!(pool_id), &json!(curve))
        );
        assert_eq!(item["paused"], false);
        let assets = item["assets"].as_array().expect("assets");
        for ((asset, id), reserve) in assets
            .iter()
            .zip(&stands.shape.assets)
            .zip(&stands.reserves)
        {
            assert_eq!(asset["assetId"], json!(id));
            assert_eq!(amount(&asset["reserve"]), *reserve);
            assert_eq!(asset["reserve"]["decimals"], asset["decimals"]);
        }
        assert_eq!(item["protocolShareBps"], 0);
        if curve == "range" {
            assert!(item["totalShares"].is_null() && item["lpToken"].is_null());
            let range = view(&node, EXCHANGE, &rangePoolCall { poolId: pool_id }).await;
            assert_eq!(item["range"]["sqrtPriceX96"], json!(range.sqrtPriceX96));
            assert_eq!(item["range"]["tick"], range.tick);
            assert_eq!(item["range"]["tickSpacing"], 10);
            assert_eq!(
                quantity(&item["range"]["liquidity"]),
                u64::try_from(range.liquidity).expect("small")
            );
            assert_eq!(
                (&item["feePips"], &item["feeIsDynamic"]),
                (&json!(500), &json!(true))
            );
        } else {
            assert!(item["range"].is_null());
            assert_eq!(amount(&item["totalShares"]), stands.totalShares);
            assert_eq!(item["lpToken"], json!(stands.lpToken));
            assert_eq!(item["feePips"], stands.shape.feePips);
            assert_eq!(item["feeIsDynamic"], false);
        }
        let is_stable = curve == "stable";
        assert_eq!(
            item["amplification"],
            if is_stable { json!(200) } else { Value::Null }
        );
        let price = &item["prices"][0];
        let asset_id = stands.shape.assets[1];
        assert_eq!(price["assetId"], asset_id);
        let digits = |id: u32| [18, 6, 6, 8][usize::try_from(id).expect("small")];
        let spot = spotX96Call {
            poolId: pool_id,
            assetId: asset_id,
        };
        let mean = emaX96Call {
            poolId: pool_id,
            assetId: asset_id,
        };
        for (call, forth, back) in [
            (view(&node, EXCHANGE, &spot).await, "spot", "spotBack"),
            (view(&node, EXCHANGE, &mean).await, "mean", "meanBack"),
        ] {
            let x96: f64 = call.to_string().parse().expect("a number");
            let ratio = x96 / 2_f64.powi(96);
            let first = 10_f64.powi(digits(stands.shape.assets[0]));
            let other = 10_f64.powi(digits(asset_id));
            let one_first = ratio * first / other;
            let near = |found: &Value, expected: f64| {
                let found: f64 = text(found).parse().expect("a number");
                assert!(
                    (found / expected - 1.0).abs() < 1e-6,
                    "{found}, not {expected}"
                );
            };
            near(&price[back], one_first);
            near(&price[forth], 1.0 / one_first);
        }
    }
    // In whole units: 2,000 USDC for a coin, a dollar for a dollar, 40,000 USDC for a WBTC.
    for (pool, name, expected) in [
        (0, "spotBack", 2_000.0),
        (0, "spot", 0.0005),
        (2, "mean", 1.0),
        (3, "spot", 40_000.0),
        (3, "meanBack", 0.000_025),
    ] {
        let found: f64 = text(&items[pool]["prices"][0][name])
            .parse()
            .expect("a number");
        assert!(
            (found / expected - 1.0).abs() < 1e-3,
            "{pool} {name}: {found}"
        );
    }
}

/// RPC-26
#[tokio::test(flavor = "multi_thread")]
async fn pools_come_in_pages_by_asset_and_by_pair() {
    let node = node_with_pools().await;
    let numbers = async |params: Value| -> (Vec<u64>, Value) {
        let answer = node.ok("capstan_pools", params).await;
        let items = answer["items"].as_array().expect("a list");
        let numbers = items
            .iter()
            .map(|item| item["poolId"].as_u64().expect("a number"));
        (numbers.collect(), answer["cursor"].clone())
    };
    for (filter, expected) in [
        (json!(null), vec![0, 1, 2, 3]),
        (json!({}), vec![0, 1, 2, 3]),
        (json!({"token": "eth"}), vec![0, 1]),
        (json!({"token": USDC}), vec![0, 1, 2, 3]),
        (json!({"token": WBTC}), vec![3]),
        (json!({"pair": ["usdt", "#1"]}), vec![2]),
        (json!({"pair": [USDC, COIN]}), vec![0, 1]),
        (json!({"pair": [WBTC, COIN]}), vec![]),
    ] {
        assert_eq!(
            numbers(json!([filter])).await,
            (expected, Value::Null),
            "{filter}"
        );
        // The same, one by one.
        let mut one_by_one = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let (page, next) = numbers(json!([filter, {"limit": 1, "cursor": cursor}])).await;
            one_by_one.extend(page);
            cursor = next;
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(numbers(json!([filter])).await.0, one_by_one);
    }
    assert_eq!(
        numbers(json!([null, {"cursor": "0xffffffffffff"}])).await.0,
        [0; 0]
    );
    assert_eq!(
        numbers(json!([null, null, "0x1"])).await.0,
        [0; 0],
        "no pool stood then"
    );
    for wrong in [
        json!([{"token": 1, "pair": [0, 1]}]),
        json!([{"pair": [0]}]),
        json!([{"token": "doge"}]),
        json!([null, {"limit": 0}]),
    ] {
        assert_eq!(node.fault("capstan_pools", wrong).await.code, -32602);
    }
}
