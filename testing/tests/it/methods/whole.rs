//! Products, farms and orders on a chain that has some of every kind: each field that is told, beside what the contracts
//! keep. Fields are counted, so a new one has to be compared here.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolValue as _};
use capstan_contracts::{
    account::{
        self, FarmAmount,
        IAccount::{AccountRef, Action, Collateral, executeCall, setCollateralCall},
        PieceIn, Verb,
    },
    erc20::IErc20,
    exchange::{
        self,
        IExchange::{Shape, createPoolCall, poolCall},
    },
    farms::{self, IFarms},
    ledger::{self, ILedger},
    lending::{
        self,
        ILending::{MarketParams, setParamsCall, unpauseCall},
    },
    oracle::{
        self,
        IOracle::{feedOfCall, listFeedCall},
    },
    products::{
        self,
        IProducts::{self, Policy, productOfCall},
    },
    token::{self, IToken::mintCall, ITokenFactory::tokenAtCall},
    triggers::{
        self,
        ITriggers::{self, Order, orderOfCall},
    },
};
use serde_json::{Value, json};

use super::{
    accounts::{action, node_with_collateral, prices, run_by},
    credit::{feed_params, view},
    node::{Node, Send},
};

const ETHER: u128 = 1_000_000_000_000_000_000;
const USD: u128 = 1_000_000;
const DAY_MS: u64 = 86_400_000;
const COIN: u32 = 0;
const USDC: u32 = 2;
/// Whose account, with which number, orders and stakes are of.
const WHO: usize = 1;
const INDEX: u8 = 3;

async fn usable_prices(node: &Node) {
    prices(node, &[(COIN, 2_000), (USDC, 1)]).await;
    node.mine().await;
}

/// Sends all of it in one block; each must succeed.
async fn all(node: &Node, sends: Vec<Send>) {
    for send in sends {
        node.send(send.gas(8_000_000));
    }
    let block = node.mine().await;
    for (number, receipt) in block.receipts.iter().enumerate() {
        assert!(receipt.status(), "transaction {number}: {receipt:?}");
    }
}

/// A coin of 2,000 dollars and a dollar, a pool and a market of each, products, farms and orders of every kind.
async fn node_with_all() -> Node {
    let node = node_with_collateral().await;
    let usdc = view(
        &node,
        token::FACTORY_ADDRESS,
        &tokenAtCall {
            index: U256::from(1),
        },
    )
    .await;
    let owner = |to: Address, input: Vec<u8>| Send::to(0, to).input(input);
    let feed = listFeedCall {
        assetId: USDC,
        description: "USDC / USD".into(),
        referencePrice: 1_000_000_000_000_000_000,
        params: feed_params(),
    };
    let counts = setCollateralCall {
        assetId: USDC,
        collateral: Collateral {
            initialBps: 8_500,
            maintenanceBps: 9_000,
            categoryInitialBps: 0,
            categoryMaintenanceBps: 0,
            discountMaxBps: 500,
            category: 0,
            isolated: false,
            depositCap: U256::ZERO,
        },
        rampMs: 0,
    };
    let goes_on = unpauseCall {
        assetId: USDC,
        verbs: 5,
    };
    let params = MarketParams {
        reserveFactorBps: 1_000,
        supplyCap: U256::MAX >> 144,
        borrowCap: U256::MAX >> 144,
        rateModel: 0,
        baseBps: 100,
        slope1Bps: 400,
        slope2Bps: 6_000,
        optimalBps: 8_000,
    };
    let caps = |asset: u32| setParamsCall {
        assetId: asset,
        params: params.clone(),
    };
    let mut sends = vec![
        owner(lending::ADDRESS, caps(COIN).abi_encode()),
        owner(lending::ADDRESS, caps(USDC).abi_encode()),
        owner(oracle::ADDRESS, feed.abi_encode()),
        owner(account::ADDRESS, counts.abi_encode()),
        owner(lending::ADDRESS, goes_on.abi_encode()),
    ];
    for who in [0, WHO] {
        let mint = mintCall {
            to: node.address(who),
            value: U256::from(5_000_000 * USD),
        };
        sends.push(owner(usdc, mint.abi_encode()));
    }
    all(&node, sends).await;
    // Higher caps count after a day.
    node.ok("evm_increaseTime", json!([86_410])).await;
    node.mine().await;
    for _ in 0..3 {
        usable_prices(&node).await;
    }
    let pool = createPoolCall {
        shape: Shape {
            curve: 1,
            feePips: 500,
            amplification: 0,
            assets: vec![COIN, USDC],
        },
        amounts: [1_000 * ETHER, 2_000_000 * USD].map(U256::from).to_vec(),
        to: node.address(WHO),
        deadlineMs: u64::MAX,
    };
    let pool = Send::to(WHO, exchange::ADDRESS).input(pool.abi_encode());
    // The coin travels as the account's balance: nothing is sent along.
    all(&node, vec![pool]).await;
    let lends = vec![
        action(Verb::Deposit, COIN, 100 * ETHER),
        action(Verb::Supply, COIN, 100 * ETHER),
        action(Verb::Deposit, USDC, 200_000 * USD),
        action(Verb::Supply, USDC, 200_000 * USD),
    ];
    run_by(&node, 0, lends).await;
    make_products(&node).await;
    make_farms(&node).await;
    make_orders(&node).await;
    usable_prices(&node).await;
    node
}

async fn make_products(node: &Node) {
    let long = Policy {
        kind: 1,
        collateralAssetId: COIN,
        debtAssetId: USDC,
        targetBps: 20_000,
        lowBps: 18_000,
        highBps: 22_000,
        limitBps: 100,
        feeBps: 7,
        capUsd: U256::from(1_000_000 * ETHER),
        poolId: 0,
        owner: Address::ZERO,
    };
    let short = Policy {
        kind: 2,
        collateralAssetId: USDC,
        debtAssetId: COIN,
        targetBps: 10_000,
        lowBps: 8_500,
        highBps: 11_500,
        ..long.clone()
    };
    let neutral = Policy {
        kind: 4,
        lowBps: 9_500,
        highBps: 10_500,
        owner: node.address(WHO),
        ..short.clone()
    };
    let mut sends = Vec::new();
    for (id, policy) in (1..).zip([long, short, neutral]) {
        let create = IProducts::createCall {
            policy,
            seed: U256::from(5_000 * USD),
            receiver: node.address(WHO),
        };
        sends.push(Send::to(WHO, products::ADDRESS).input(create.abi_encode()));
        // The second one has no coins: the block does not come.
        if id != 2 {
            let top_up = IProducts::topUpCall { id }.abi_encode();
            sends.push(
                Send::to(WHO, products::ADDRESS)
                    .input(top_up)
                    .value(1_000_000_000_000_000_000),
            );
        }
    }
    // One a block: how far the pool may be pushed counts by the block.
    for send in sends {
        all(node, vec![send]).await;
        usable_prices(node).await;
    }
}

async fn make_farms(node: &Node) {
    let open = |kind, id, rewards: &[u32], lift: u128| IFarms::openCall {
        kind,
        id,
        rewards: rewards.to_vec(),
        boostAssetId: if lift == 0 { 0 } else { USDC },
        liftWad: U256::from(lift),
    };
    let farms = [
        open(2, 0, &[COIN, USDC], 0),
        open(1, COIN, &[USDC], ETHER),
        open(1, USDC, &[1], 0),
    ];
    let by = |to: Address, input: Vec<u8>| Send::to(WHO, to).input(input);
    let opens = farms.map(|open| by(farms::ADDRESS, open.abi_encode()));
    all(node, opens.to_vec()).await;
    let fund = |farm: u32, asset: u32, amount: u128| IFarms::fundCall {
        farmId: farm,
        assetId: asset,
        amount: U256::from(amount),
        periodMs: 90 * DAY_MS,
    };
    let shares = {
        let pool = view(node, exchange::ADDRESS, &poolCall { poolId: 0 }).await;
        let of = IErc20::balanceOfCall {
            account: node.address(WHO),
        };
        view(node, pool.lpToken, &of).await / U256::from(3)
    };
    let deposit = |asset: u32, amount: u128| action(Verb::Deposit, asset, amount);
    let stake = |farm: u32, amount: U256| Action {
        verb: Verb::Stake.number(),
        args: FarmAmount {
            farmId: farm,
            amount,
        }
        .abi_encode()
        .into(),
    };
    let pieces = Action {
        verb: Verb::DepositPiece.number(),
        args: PieceIn {
            kind: 0,
            id: 0,
            amount: shares,
        }
        .abi_encode()
        .into(),
    };
    let batch = executeCall {
        account: AccountRef {
            owner: node.address(WHO),
            index: INDEX,
        },
        actions: vec![
            deposit(COIN, 4 * ETHER),
            stake(1, U256::from(2 * ETHER)),
            pieces,
            stake(0, shares),
        ],
    };
    let lock = IFarms::lockCall {
        farmId: 1,
        isWallet: false,
        index: INDEX,
        amount: U256::from(100 * USD),
        untilMs: node.chain.head().time_ms() + 30 * DAY_MS,
    };
    all(
        node,
        vec![
            by(farms::ADDRESS, fund(0, USDC, 9_000 * USD).abi_encode()),
            by(farms::ADDRESS, fund(0, COIN, ETHER).abi_encode()),
            by(farms::ADDRESS, fund(1, USDC, 1_000 * USD).abi_encode()),
            by(account::ADDRESS, batch.abi_encode()),
            by(farms::ADDRESS, lock.abi_encode()),
        ],
    )
    .await;
}

async fn make_orders(node: &Node) {
    let expires = node.chain.head().time_ms() + DAY_MS;
    let none = Order {
        kind: 1,
        sellAssetId: COIN,
        buyAssetId: USDC,
        amount: U256::from(ETHER),
        limitBps: 100,
        repay: false,
        watchAssetId: 0,
        above: false,
        price: U256::ZERO,
        distanceSteps: 0,
        intervalS: 0,
        count: 0,
        floorBps: 0,
        targetBps: 0,
        expiresMs: expires,
    };
    let orders = [
        Order {
            price: U256::from(1_500 * ETHER),
            repay: true,
            ..none.clone()
        },
        Order {
            price: U256::from(2_900 * ETHER),
            above: true,
            amount: U256::MAX,
            ..none.clone()
        },
        Order {
            kind: 2,
            distanceSteps: 12,
            ..none.clone()
        },
        Order {
            kind: 3,
            amount: U256::from(ETHER / 8),
            intervalS: 3_600,
            count: 5,
            ..none.clone()
        },
        Order {
            kind: 4,
            amount: U256::MAX,
            repay: true,
            count: 3,
            floorBps: 11_000,
            targetBps: 13_000,
            ..none
        },
    ];
    let creates = orders.map(|order| {
        let create = ITriggers::createCall {
            owner: node.address(WHO),
            index: INDEX,
            order,
        };
        Send::to(WHO, triggers::ADDRESS)
            .input(create.abi_encode())
            .value(1_000_000_000_000_000_000)
    });
    all(node, creates.to_vec()).await;
}

/// An amount with its decimals.
fn fixed(amount: U256, decimals: u8) -> (U256, u8) {
    (amount, decimals)
}

#[track_caller]
fn is_fixed(told: &Value, (amount, decimals): (U256, u8), what: &str) {
    assert_eq!(told["amount"], json!(amount), "{what}");
    assert_eq!(told["decimals"], json!(decimals), "{what}");
    let text = capstan_units::decimal(amount, decimals);
    assert_eq!(told["text"], json!(text), "{what}");
}

/// Null without a value.
#[track_caller]
fn is_maybe(told: &Value, value: Option<(U256, u8)>, what: &str) {
    match value {
        Some(value) => is_fixed(told, value, what),
        None => assert!(told.is_null(), "{what}: {told}"),
    }
}

fn ms(value: u64) -> Value {
    json!(format!("{value:#x}"))
}

#[track_caller]
fn has_fields(told: &Value, names: &[&str]) {
    let told: BTreeSet<&str> = told
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(told, names.iter().copied().collect());
}

/// A coin as the ledger lists it.
async fn is_coin(node: &Node, told: &Value, asset_id: u32) -> u8 {
    let call = ILedger::assetCall { assetId: asset_id };
    let asset = view(node, ledger::ADDRESS, &call).await;
    assert_eq!(
        (
            &told["assetId"],
            &told["symbol"],
            &told["token"],
            &told["decimals"]
        ),
        (
            &json!(asset_id),
            &json!(asset.symbol),
            &json!(asset.token),
            &json!(asset.decimals)
        )
    );
    asset.decimals
}

/// The oracle's price of an asset, where it may be used.
async fn price(node: &Node, asset_id: u32) -> Option<U256> {
    if asset_id == 1 {
        return None;
    }
    let feed = view(node, oracle::ADDRESS, &feedOfCall { assetId: asset_id }).await;
    (feed.reason == 0).then_some(U256::from(feed.spot))
}

fn ten_to(decimals: u8) -> U256 {
    U256::from(10).pow(U256::from(decimals))
}

async fn compare_products(node: &Node, are_priced: bool) {
    let answer = node.ok("capstan_products", json!([])).await;
    assert_eq!(answer["timeMs"], ms(node.chain.head().time_ms()));
    let items = answer["items"].as_array().expect("a list");
    assert_eq!((items.len(), &answer["cursor"]), (3, &Value::Null));
    for (item, id) in items.iter().zip(1..) {
        let stands = view(node, products::ADDRESS, &productOfCall { id }).await;
        let policy = &stands.policy;
        assert_eq!(stands.priced, are_priced);
        has_fields(
            item,
            &[
                "id",
                "token",
                "symbol",
                "name",
                "kind",
                "collateral",
                "debt",
                "baseAssetId",
                "poolId",
                "target",
                "low",
                "high",
                "targetRatio",
                "lowRatio",
                "highRatio",
                "ratio",
                "leverage",
                "limitBps",
                "feeBps",
                "cap",
                "supply",
                "held",
                "owed",
                "shares",
                "equity",
                "unitValue",
                "reserve",
                "nextMs",
                "failures",
                "owner",
                "phase",
            ],
        );
        let (kind, base) = match policy.kind {
            1 => ("long", policy.debtAssetId),
            2 => ("short", policy.collateralAssetId),
            _ => ("neutral", policy.collateralAssetId),
        };
        let is_neutral = policy.kind == 4;
        let symbol = view(node, stands.token, &IErc20::symbolCall {}).await;
        let name = view(node, stands.token, &IErc20::nameCall {}).await;
        for (field, value) in [
            ("id", json!(id)),
            ("token", json!(stands.token)),
            ("symbol", json!(symbol)),
            ("name", json!(name)),
            ("kind", json!(kind)),
            ("baseAssetId", json!(base)),
            ("poolId", if is_neutral { json!(0) } else { Value::Null }),
            ("limitBps", json!(100)),
            ("feeBps", json!(7)),
            ("failures", json!(stands.failures)),
            ("phase", json!("open")),
            (
                "owner",
                match is_neutral {
                    true => json!(node.address(WHO)),
                    false => Value::Null,
                },
            ),
            (
                "nextMs",
                match stands.nextMs {
                    0 => Value::Null,
                    next => ms(next),
                },
            ),
        ] {
            assert_eq!(item[field], value, "{field} of {id}");
        }
        assert_eq!(stands.nextMs == 0, id == 2, "one has no coins");
        let held = is_coin(node, &item["collateral"], policy.collateralAssetId).await;
        let owed = is_coin(node, &item["debt"], policy.debtAssetId).await;
        let (bps, wad) = (4, 18);
        for (field, value) in [
            ("target", fixed(U256::from(policy.targetBps), bps)),
            ("low", fixed(U256::from(policy.lowBps), bps)),
            ("high", fixed(U256::from(policy.highBps), bps)),
            ("targetRatio", fixed(stands.targetRatio, wad)),
            ("lowRatio", fixed(stands.lowRatio, wad)),
            ("highRatio", fixed(stands.highRatio, wad)),
            ("cap", fixed(policy.capUsd, wad)),
            ("supply", fixed(stands.supply, wad)),
            ("held", fixed(stands.collateral, held)),
            ("owed", fixed(stands.debt, owed)),
            ("reserve", fixed(stands.reserveWei, wad)),
        ] {
            is_fixed(&item[field], value, field);
        }
        for (field, value) in [
            ("ratio", fixed(stands.ratio, wad)),
            ("leverage", fixed(stands.leverageBps, bps)),
            ("equity", fixed(stands.equity, wad)),
            ("unitValue", fixed(stands.unitValue, wad)),
        ] {
            is_maybe(&item[field], are_priced.then_some(value), field);
        }
        let shares = is_neutral.then(|| fixed(stands.shares, wad));
        is_maybe(&item["shares"], shares, "shares");
        assert!(stands.debt > U256::ZERO && stands.supply > U256::ZERO);
        assert_eq!(stands.shares > U256::ZERO, is_neutral);
    }
}

/// RPC-29: with prices and without.
#[tokio::test(flavor = "multi_thread")]
async fn products_are_what_the_contract_says() {
    let node = node_with_all().await;
    compare_products(&node, true).await;
    let first = node.ok("capstan_products", json!([{"limit": 2}])).await;
    assert_eq!(first["items"].as_array().map(Vec::len), Some(2));
    let rest = json!([{"limit": 2, "cursor": first["cursor"]}]);
    let second = node.ok("capstan_products", rest).await;
    assert_eq!(second["items"][0]["id"], 3);
    assert!(second["cursor"].is_null());
    node.ok("evm_increaseTime", json!([3_600])).await;
    node.mine().await;
    compare_products(&node, false).await;
}

async fn compare_farms(node: &Node, are_priced: bool) {
    let of = json!({"owner": node.address(WHO), "index": INDEX});
    let answer = node.ok("capstan_farms", json!([of])).await;
    let items = answer["items"].as_array().expect("a list");
    assert_eq!((items.len(), &answer["cursor"]), (3, &Value::Null));
    let pool = view(node, exchange::ADDRESS, &poolCall { poolId: 0 }).await;
    for (item, id) in items.iter().zip(0..) {
        has_fields(
            item,
            &[
                "farmId",
                "kind",
                "asset",
                "poolId",
                "staked",
                "stakedValue",
                "weight",
                "isFed",
                "boost",
                "rewards",
                "ratePerYear",
                "own",
            ],
        );
        let farm = view(node, farms::ADDRESS, &IFarms::farmCall { farmId: id }).await;
        let is_pool = farm.kind == 2;
        let decimals = match is_pool {
            true => {
                assert!(item["asset"].is_null());
                assert_eq!(item["poolId"], json!(farm.id));
                18
            }
            false => {
                assert!(item["poolId"].is_null());
                is_coin(node, &item["asset"], farm.id).await
            }
        };
        assert_eq!(item["farmId"], json!(id));
        assert_eq!(item["kind"], if is_pool { "shares" } else { "units" });
        assert_eq!(item["isFed"], json!(farm.isFed));
        is_fixed(&item["staked"], fixed(farm.staked, decimals), "staked");
        is_fixed(&item["weight"], fixed(farm.weight, decimals), "weight");
        match farm.liftWad.is_zero() {
            true => assert!(item["boost"].is_null()),
            false => {
                is_coin(node, &item["boost"], farm.boostAssetId).await;
                is_fixed(&item["boost"]["lift"], fixed(farm.liftWad, 18), "lift");
            }
        }
        // What a whole of it is worth: all of the pool for all of its shares, or a unit.
        let worth = if is_pool {
            let (coin, usdc) = (price(node, COIN).await, price(node, USDC).await);
            coin.zip(usdc).map(|(coin, usdc)| {
                let coins = pool.reserves[0] * coin / ten_to(18);
                (
                    coins + pool.reserves[1] * usdc / ten_to(6),
                    pool.totalShares,
                )
            })
        } else {
            let price = price(node, farm.id).await;
            price.map(|price| (price, ten_to(decimals)))
        };
        let value = |amount: U256| worth.map(|(value, whole)| amount * value / whole);
        let in_dollars = |value: Option<U256>| value.map(|value| fixed(value, 18));
        is_maybe(
            &item["stakedValue"],
            in_dollars(value(farm.staked)),
            "stakedValue",
        );
        let rewards = item["rewards"].as_array().expect("a list");
        assert_eq!(rewards.len(), farm.streams.len());
        let mut per_year = Some(U256::ZERO);
        for (reward, stream) in rewards.iter().zip(&farm.streams) {
            let decimals = is_coin(node, reward, stream.assetId).await;
            let speed = match stream.leftMs {
                0 => U256::ZERO,
                left => stream.left * U256::from(31_536_000_000_u64) / U256::from(left),
            };
            is_fixed(&reward["left"], fixed(stream.left, decimals), "left");
            assert_eq!(reward["leftMs"], ms(stream.leftMs));
            is_fixed(&reward["perYear"], fixed(speed, decimals), "perYear");
            let price = price(node, stream.assetId).await;
            let value = price.map(|price| speed * price / ten_to(decimals));
            is_maybe(
                &reward["perYearValue"],
                in_dollars(value),
                "perYearValue of a reward",
            );
            per_year = per_year.zip(value).map(|(sum, value)| sum + value);
        }
        let share = |weight: U256| match farm.weight.is_zero() {
            true => U256::ZERO,
            false => per_year.unwrap_or_default() * weight / farm.weight,
        };
        let staked_value = value(farm.staked).filter(|value| !value.is_zero());
        let rate = per_year
            .zip(staked_value)
            .map(|_| share(farm.staked) * ten_to(18) / staked_value.expect("some"));
        is_maybe(&item["ratePerYear"], in_dollars(rate), "ratePerYear");

        let own = &item["own"];
        let call = IFarms::stakeOfCall {
            farmId: id,
            isWallet: false,
            owner: node.address(WHO),
            index: INDEX,
        };
        let stake = view(node, farms::ADDRESS, &call).await;
        has_fields(
            own,
            &[
                "amount",
                "weight",
                "locked",
                "lockedUntilMs",
                "due",
                "value",
                "perYearValue",
            ],
        );
        is_fixed(&own["amount"], fixed(stake.amount, decimals), "amount");
        is_fixed(&own["weight"], fixed(stake.weight, decimals), "own weight");
        let lock = (!stake.locked.is_zero()).then(|| fixed(stake.locked, 6));
        is_maybe(&own["locked"], lock, "locked");
        match lock {
            Some(_) => assert_eq!(own["lockedUntilMs"], ms(stake.lockedUntilMs)),
            None => assert!(own["lockedUntilMs"].is_null()),
        }
        let due = own["due"].as_array().expect("a list");
        assert_eq!(due.len(), stake.due.len());
        for ((told, due), reward) in due.iter().zip(&stake.due).zip(rewards) {
            let decimals = reward["decimals"].as_u64().expect("a number");
            let decimals = u8::try_from(decimals).expect("small");
            is_fixed(told, fixed(*due, decimals), "due");
        }
        is_maybe(&own["value"], in_dollars(value(stake.amount)), "own value");
        is_maybe(
            &own["perYearValue"],
            in_dollars(per_year.map(|_| share(stake.weight))),
            "own perYearValue",
        );
        // The third farm has nobody, and its reward no price.
        assert_eq!(stake.amount > U256::ZERO, id < 2, "farm {id}");
        assert_eq!(per_year.is_some(), are_priced && id < 2, "farm {id}");
        assert_eq!(lock.is_some(), id == 1, "farm {id}");
    }
}

/// RPC-28: farms of shares and of units, with locks and without, with prices and without.
#[tokio::test(flavor = "multi_thread")]
async fn farms_of_every_kind_are_what_the_contract_says() {
    let node = node_with_all().await;
    compare_farms(&node, true).await;
    node.ok("evm_increaseTime", json!([3_600])).await;
    node.mine().await;
    compare_farms(&node, false).await;
}

async fn compare_orders(node: &Node, count: usize) {
    let of = json!({"owner": node.address(WHO), "index": INDEX});
    let answer = node.ok("capstan_triggers", json!([of])).await;
    let items = answer["items"].as_array().expect("a list");
    let call = ITriggers::ordersOfCall {
        owner: node.address(WHO),
        index: INDEX,
    };
    let mut ids = view(node, triggers::ADDRESS, &call).await;
    ids.sort_unstable();
    assert_eq!((items.len(), ids.len()), (count, count));
    for (item, id) in items.iter().zip(ids) {
        has_fields(
            item,
            &[
                "id",
                "owner",
                "index",
                "kind",
                "sell",
                "buy",
                "amount",
                "left",
                "limitBps",
                "repay",
                "watch",
                "above",
                "firesAt",
                "distanceSteps",
                "intervalS",
                "count",
                "floor",
                "target",
                "nextMs",
                "expiresMs",
                "prepaid",
                "failures",
            ],
        );
        let stands = view(node, triggers::ADDRESS, &orderOfCall { id }).await;
        let order = &stands.order;
        let kinds = ["price", "trailing", "slices", "health"];
        let kind = kinds[usize::from(order.kind) - 1];
        let only = |is: bool, value: Value| if is { value } else { Value::Null };
        let is_priced = order.kind < 3;
        for (field, value) in [
            ("id", ms(id)),
            ("owner", json!(stands.owner)),
            ("index", json!(stands.index)),
            ("kind", json!(kind)),
            ("limitBps", json!(order.limitBps)),
            ("repay", json!(order.repay)),
            ("above", json!(order.above)),
            (
                "distanceSteps",
                only(order.kind == 2, json!(order.distanceSteps)),
            ),
            ("intervalS", only(order.kind == 3, json!(order.intervalS))),
            ("count", json!(order.count)),
            ("nextMs", ms(stands.nextMs)),
            ("expiresMs", ms(order.expiresMs)),
            ("failures", json!(stands.failures)),
        ] {
            assert_eq!(item[field], value, "{field} of {id}");
        }
        let decimals = is_coin(node, &item["sell"], order.sellAssetId).await;
        is_coin(node, &item["buy"], order.buyAssetId).await;
        match is_priced {
            true => drop(is_coin(node, &item["watch"], order.watchAssetId).await),
            false => assert!(item["watch"].is_null()),
        }
        let units = |units: U256| (units != U256::MAX).then(|| fixed(units, decimals));
        is_maybe(&item["amount"], units(order.amount), "amount");
        is_maybe(&item["left"], units(stands.left), "left");
        let fires_at = is_priced.then(|| fixed(stands.firesAt, 18));
        is_maybe(&item["firesAt"], fires_at, "firesAt");
        let health = |bps: u32| (order.kind == 4).then(|| fixed(U256::from(bps), 4));
        is_maybe(&item["floor"], health(order.floorBps), "floor");
        is_maybe(&item["target"], health(order.targetBps), "target");
        is_fixed(&item["prepaid"], fixed(stands.prepaidWei, 18), "prepaid");
        assert_eq!(
            (stands.owner, stands.index),
            (node.address(WHO), INDEX),
            "{id}"
        );
        if order.kind == 1 {
            // The step beyond the price that was asked for.
            let ratio = |a: U256, b: U256| a * U256::from(10_000) / b;
            let near = ratio(stands.firesAt, order.price);
            assert!((U256::from(9_870)..U256::from(10_130)).contains(&near));
        }
    }
}

/// RPC-27: orders of every kind, as they begin and after the block executed one.
#[tokio::test(flavor = "multi_thread")]
async fn orders_of_every_kind_are_what_the_contract_says() {
    let node = node_with_all().await;
    compare_orders(&node, 5).await;
    // Prices rise step by step, a trailing order follows, and a slice is due an hour later.
    for dollars in [2_050, 2_100, 2_150] {
        prices(&node, &[(COIN, dollars), (USDC, 1)]).await;
        node.mine().await;
        compare_orders(&node, 5).await;
    }
    let cancel = ITriggers::cancelCall { id: 2 };
    let cancel = Send::to(WHO, triggers::ADDRESS).input(cancel.abi_encode());
    all(&node, vec![cancel]).await;
    compare_orders(&node, 4).await;
}
