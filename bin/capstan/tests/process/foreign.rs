//! `capstan swap` and `capstan lp` with a token of others: OpenZeppelin's ERC-20, which moves nothing that its owner has
//! not allowed.

use std::{fs, time::Duration};

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, sol};
use capstan_contracts::exchange::{self, Curve, IExchange};
use capstan_testing::process::{Node, Said, run, text};
use serde_json::{Value, json};

/// What solc makes of `testing/peers/PeerToken.sol`.
const TOKEN: &str = include_str!("../../../../testing/peers/PeerToken.hex");
/// Whole units of it, which has six decimals.
const ONE: u64 = 1_000_000;
/// Development accounts: who makes the pool, who trades in it, and who owns the world's protocol.
const MAKER: usize = 1;
const TRADER: usize = 2;
const OWNER: usize = 19;

sol! {
    function mint(address to, uint256 value) external;
    function approve(address spender, uint256 value) external returns (bool);
    function allowance(address owner, address spender) external view returns (uint256);
}

/// The prepared world with a token of others in it, and pool 5 of 10 ETH and 20,000 TT.
struct World {
    node: Node,
    accounts: Vec<Address>,
    token: Address,
}

impl World {
    async fn start() -> Self {
        let node = crate::said::world().await;
        let accounts = node.rpc("eth_accounts", json!([])).await.expect("accounts");
        let accounts = serde_json::from_value(accounts).expect("addresses");
        let mut world = Self {
            node,
            accounts,
            token: Address::ZERO,
        };
        let code: Bytes = TOKEN.trim().parse().expect("hexadecimal");
        let deployed = world.send(MAKER, None, code).await;
        world.token = serde_json::from_value(deployed["contractAddress"].clone()).expect("made");
        for who in [MAKER, TRADER, OWNER] {
            let value = U256::from(100_000 * ONE);
            let to = world.accounts[who];
            world.call(MAKER, world.token, mintCall { to, value }).await;
        }
        world.list();
        let spender = exchange::ADDRESS;
        let value = U256::from(20_000 * ONE);
        let allow = approveCall { spender, value };
        world.call(MAKER, world.token, allow).await;
        let open = IExchange::createPoolCall {
            shape: IExchange::Shape {
                curve: Curve::Product.number(),
                feePips: 3_000,
                amplification: 0,
                assets: vec![0, 6],
            },
            amounts: vec![U256::from(10_000_000_000_000_000_000_u64), value],
            to: world.accounts[MAKER],
            deadlineMs: u64::MAX,
        };
        world.call(MAKER, exchange::ADDRESS, open).await;
        world
    }

    /// Lists the token as asset 6.
    fn list(&self) {
        let example = run(&["admin", "list", "--example"]).expect("ran").stdout;
        let listing = example.replace(
            "0x5FbDB2315678afecb367f032d93F642f64180aa3",
            &self.token.to_string(),
        );
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token.toml");
        fs::write(&file, listing).expect("written");
        let said = self.asked(OWNER, &["admin", "list", text(&file), "--yes"]);
        says(&said, &["lists TT", "as asset #6", "done in block"]);
    }

    async fn send(&self, from: usize, to: Option<Address>, input: Bytes) -> Value {
        let from = self.accounts[from];
        let request = json!([{"from": from, "to": to, "data": input}]);
        let hash = self.node.rpc("eth_sendTransaction", request).await;
        let hash = hash.expect("sent");
        for _ in 0..100 {
            let receipt = self.node.rpc("eth_getTransactionReceipt", json!([hash]));
            let receipt = receipt.await.expect("answers");
            if !receipt.is_null() {
                assert_eq!(receipt["status"], "0x1", "{receipt}");
                return receipt;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{hash} was not mined");
    }

    async fn call(&self, from: usize, to: Address, call: impl SolCall) {
        self.send(from, Some(to), call.abi_encode().into()).await;
    }

    fn asked(&self, who: usize, words: &[&str]) -> Said {
        let who = who.to_string();
        let mut all = words.to_vec();
        all.extend(["--dev-account", &who, "--rpc", self.node.url()]);
        run(&all).expect("ran")
    }

    /// How much the trader allows the exchange, and how many transactions he has sent.
    async fn allowed_and_sent(&self) -> (u128, u128) {
        let owner = self.accounts[TRADER];
        let allowance = allowanceCall {
            owner,
            spender: exchange::ADDRESS,
        };
        let input = Bytes::from(allowance.abi_encode());
        let asked = json!([{"to": self.token, "input": input}, "latest"]);
        let allowed = self.node.rpc("eth_call", asked).await.expect("read");
        let allowed: U256 = serde_json::from_value(allowed).expect("a word");
        let nonce = json!([owner, "latest"]);
        let sent = self.node.quantity("eth_getTransactionCount", nonce).await;
        (allowed.to(), sent.expect("a nonce"))
    }
}

#[track_caller]
fn says(said: &Said, expected: &[&str]) {
    assert!(said.status.success(), "{said:?}");
    for text in expected {
        assert!(said.stdout.contains(text), "no `{text}` in {said:?}");
    }
}

#[track_caller]
fn refuses(said: &Said, expected: &str) {
    assert!(
        !said.status.success() && said.stderr.contains(expected),
        "no `{expected}` in {said:?}"
    );
}

/// CLI-10: the approval is told, tried with the swap, and signed before it, for what the swap pays and no more; where
/// enough is allowed there is none.
#[tokio::test]
async fn a_swap_of_a_foreign_token_is_approved_first() {
    let world = World::start().await;
    let swap = ["swap", "100", "tt", "eth"];
    let asked = |more: &[&str]| world.asked(TRADER, &[&swap[..], more].concat());
    let preview = asked(&["--preview"]);
    says(&preview, &["pay       100 TT\n", "ETH by pool 5"]);
    let note = format!(
        "first needs your approval for {} to move {} of its smallest units",
        exchange::ADDRESS,
        100 * ONE
    );
    assert!(preview.stderr.contains(&note), "{preview:?}");
    assert_eq!(world.allowed_and_sent().await, (0, 0), "nothing was signed");

    says(
        &asked(&["--yes"]),
        &["done in block", "paid 100 TT, received 0.04"],
    );
    assert_eq!(world.allowed_and_sent().await, (0, 2), "all of it was used");
    let allow = approveCall {
        spender: exchange::ADDRESS,
        value: U256::from(150 * ONE),
    };
    world.call(TRADER, world.token, allow).await;
    let said = asked(&["--yes"]);
    says(&said, &["paid 100 TT"]);
    assert!(!said.stderr.contains("approval"), "{said:?}");
    let left = u128::from(50 * ONE);
    assert_eq!(world.allowed_and_sent().await, (left, 4));

    // What fails only once it is allowed is not allowed either.
    let pause = ["admin", "pause", "tt", "border", "--yes"];
    says(&world.asked(OWNER, &pause), &["done in block"]);
    refuses(&asked(&["--yes"]), "this would fail");
    assert_eq!(world.allowed_and_sent().await, (left, 4));
}

/// CLI-11: so it is with liquidity.
#[tokio::test]
async fn liquidity_of_a_foreign_token_is_approved_first() {
    let world = World::start().await;
    let add = ["lp", "add", "5", "1000 tt"];
    let asked = |more: &[&str]| world.asked(TRADER, &[&add[..], more].concat());
    let preview = asked(&["--preview"]);
    says(&preview, &["put in    0.4999", " ETH and 1000 TT"]);
    let note = format!("the token {} first needs your approval", world.token);
    assert!(preview.stderr.contains(&note), "{preview:?}");
    assert_eq!(world.allowed_and_sent().await, (0, 0), "nothing was signed");
    says(
        &asked(&["--yes"]),
        &["done in block", " ETH and 1000 TT for"],
    );
    assert_eq!(world.allowed_and_sent().await, (0, 2));
    let removed = world.asked(TRADER, &["lp", "remove", "5", "--yes"]);
    says(&removed, &["received 0.4", "TT for"]);

    let pause = ["admin", "pause", "tt", "border", "--yes"];
    says(&world.asked(OWNER, &pause), &["done in block"]);
    refuses(&asked(&["--yes"]), "this would fail");
    assert_eq!(world.allowed_and_sent().await, (0, 3));
}
