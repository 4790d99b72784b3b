//! The prepared world's own blocks, with everything in them (lending, swaps, liquidity, farms, products, prices, liquidations, and an ERC-20 in bytecode), run
//! by the plain loop, by several threads under seeded schedules, and by the verifier: the same bytes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{proofs, transaction::Recovered};
use alloy_primitives::{Address, Bytes, U256, hex, keccak256};
use capstan_chain::{Block, Chain, ChainConfig, Genesis, Storage};
use capstan_contracts::resolve;
use capstan_evm::{
    BlockOutcome, BlockRun, SystemTx, Tx, TxOutcome, TxRefused,
    parallel::{UserFeed, Workers},
};
use capstan_testing::process::{Node, text};
use serde_json::{Value, json};

/// OpenZeppelin's ERC-20, and who may mint: everybody.
const PEER_TOKEN: &str = include_str!("../../../../testing/peers/PeerToken.hex");
/// Rooms that the blocks must have touched, or the test says nothing about them.
const ROOMS: [&str; 8] = [
    "account", "exchange", "farms", "ledger", "lending", "oracle", "products", "token",
];
const LIVE: Duration = Duration::from_secs(20);

fn setting(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn call(signature: &str, words: [U256; 2]) -> Bytes {
    let selector = &keccak256(signature)[..4];
    let words = words.map(|word| word.to_be_bytes::<32>());
    [selector, &words[0], &words[1]].concat().into()
}

async fn sends(node: &Node, from: &Value, to: Option<Address>, input: Bytes) -> Value {
    let tx = json!([{ "from": from, "to": to, "input": input, "gas": "0x200000" }]);
    node.rpc("eth_sendTransaction", tx).await.expect("sent")
}

/// A busy world: bots, a falling price, and a token in bytecode that everybody passes round.
async fn live(data: &std::path::Path, seed: &str) {
    let words = [
        "dev",
        "--seed",
        seed,
        "--block-time",
        "1s",
        "--data",
        text(data),
    ];
    let mut node = Node::start(&words).await.expect("a world");
    let accounts = node.rpc("eth_accounts", json!([])).await.expect("accounts");
    let accounts = accounts.as_array().expect("accounts").clone();
    let code: Bytes = hex::decode(PEER_TOKEN.trim()).expect("hex").into();
    let made = sends(&node, &accounts[0], None, code).await;
    let start = Instant::now();
    let token: Address = loop {
        let receipt = node.rpc("eth_getTransactionReceipt", json!([made])).await;
        let receipt = receipt.expect("an answer");
        if let Ok(token) = serde_json::from_value(receipt["contractAddress"].clone()) {
            break token;
        }
        assert!(start.elapsed() < LIVE, "{}", node.said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    node.rpc("capstan_shock", json!(["eth", "-45%", 5]))
        .await
        .expect("a shock");
    let number = |account: &Value| {
        let address: Address = serde_json::from_value(account.clone()).expect("an address");
        U256::from_be_slice(address.as_slice())
    };
    let start = Instant::now();
    let mut nth = 0;
    while start.elapsed() < LIVE {
        let (from, to) = (&accounts[nth % 20], number(&accounts[(nth * 7 + 1) % 20]));
        let input = match nth % 5 {
            0 => call("mint(address,uint256)", [number(from), U256::from(100)]),
            // Some have too little, and revert.
            _ => call("transfer(address,uint256)", [to, U256::from(nth % 30)]),
        };
        sends(&node, from, Some(token), input).await;
        nth += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let status = node.signal("TERM").expect("stopped");
    assert!(status.success(), "{}", node.said());
}

#[derive(Default)]
struct Feed {
    waiting: VecDeque<Recovered<Tx>>,
    refused: Vec<String>,
}

impl UserFeed for Feed {
    fn next_tx(&mut self) -> Option<Recovered<Tx>> {
        self.waiting.pop_front()
    }

    fn ended(&mut self, _: Recovered<Tx>, end: Result<TxOutcome, TxRefused>, _: Vec<String>) {
        self.refused.extend(end.err().map(|why| why.to_string()));
    }
}

/// A block again: the system's transactions plainly, users' by these workers. Answers transactions and runs of theirs, too.
fn run(chain: &Chain, block: &Block, workers: &Workers) -> (BlockOutcome, (u64, u64)) {
    let mut ran = (0, 0);
    let state = chain.final_state_at(block.number() - 1).expect("kept");
    let context = chain.context_of(block);
    let mut run = BlockRun::open(Arc::clone(chain.rules()), state, context).expect("opens");
    let mut rest: VecDeque<_> = block.transactions.iter().cloned().collect();
    while let Some(tx) = rest.pop_front() {
        if SystemTx::has_shape(tx.inner()) {
            run.any(&tx).expect("stands");
            continue;
        }
        let mut feed = Feed::default();
        feed.waiting.push_back(tx);
        while rest
            .front()
            .is_some_and(|tx| !SystemTx::has_shape(tx.inner()))
        {
            feed.waiting.extend(rest.pop_front());
        }
        let counts = run.users(&mut feed, workers).expect("state does not fail");
        ran.0 += counts.transactions;
        ran.1 += counts.runs;
        assert_eq!(
            feed.refused,
            Vec::<String>::new(),
            "block {}",
            block.number()
        );
    }
    (run.close().expect("closes"), ran)
}

/// PER-1, PER-100 with the contracts of the protocol and an ERC-20 in bytecode. `CAPSTAN_SCHEDULES` (10) for each block, from `CAPSTAN_SEED` (1) on.
#[tokio::test(flavor = "multi_thread")]
async fn per_100_blocks_of_the_whole_protocol() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let seed = setting("CAPSTAN_SEED", 1);
    live(&data, &seed.to_string()).await;
    let genesis = Genesis::read(&data.join("genesis.json")).expect("a genesis");
    let chain = Chain::open(ChainConfig {
        storage: Storage::Looked(data.clone()),
        history_blocks: None,
        ..ChainConfig::node(genesis, data.clone())
    });
    let chain = chain.expect("opens");
    let compared = std::thread::Builder::new()
        .stack_size(512 << 20)
        .spawn(move || compare(&chain, seed))
        .expect("a thread")
        .join();
    let (rooms, counts) = compared.expect("all agree");
    println!("{counts:?}\n{rooms:?}");
    for room in ROOMS {
        assert!(
            rooms.contains_key(room),
            "no block touched {room}: {rooms:?}"
        );
    }
    assert!(counts[&"users"] > 200 && counts[&"failed"] > 0 && counts[&"again"] > 0);
}

/// Rooms with the blocks that touched them, and what was counted.
fn compare(chain: &Chain, seed: u64) -> (BTreeMap<&'static str, u64>, BTreeMap<&'static str, u64>) {
    let (mut rooms, mut counts) = (BTreeMap::new(), BTreeMap::new());
    let schedules = setting("CAPSTAN_SCHEDULES", 10);
    for number in 1..=chain.head().number() {
        let block = chain.block(number).expect("stored").expect("there");
        let users = block
            .transactions
            .iter()
            .filter(|tx| !SystemTx::has_shape(tx.inner()));
        let users = users.count() as u64;
        if users == 0 {
            continue;
        }
        let (plain, _) = run(chain, &block, &Workers::new(1));
        let header = &block.header;
        assert_eq!(Some(plain.access_list_hash), header.block_access_list_hash);
        assert_eq!(plain.gas_used, header.gas_used);
        assert_eq!(
            proofs::calculate_receipt_root(&plain.receipts),
            header.receipts_root
        );
        let verified = chain.record(&block).expect("verifies");
        assert_eq!(verified.outcome, plain, "block {number}: the verifier");
        for schedule in 0..schedules {
            let count = 2 + usize::try_from(schedule % 3).expect("small");
            let workers = Workers::seeded(count, seed + schedule);
            let (ran, (transactions, runs)) = run(chain, &block, &workers);
            assert_eq!(ran, plain, "block {number}, schedule {}", seed + schedule);
            *counts.entry("again").or_default() += runs - transactions;
        }
        let touched = plain
            .access_list
            .iter()
            .filter_map(|account| resolve(account.address));
        for room in touched
            .map(|contract| contract.name)
            .collect::<BTreeSet<_>>()
        {
            *rooms.entry(room).or_default() += 1;
        }
        let failed = block
            .receipts
            .iter()
            .filter(|receipt| !receipt.status())
            .count();
        *counts.entry("blocks").or_default() += 1;
        *counts.entry("users").or_default() += users;
        *counts.entry("failed").or_default() += failed as u64;
    }
    (rooms, counts)
}
